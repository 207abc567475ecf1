# SPDX-License-Identifier: MIT
"""Making networks from labelled inputs: include/microexpr/train.h."""

from __future__ import annotations

import ctypes
import enum
import operator
from collections.abc import Callable, Sequence
from typing import Any

from . import _signatures as c
from ._buffer import Memory, memory_of
from ._library import lib
from .base import (Caller, Context, Error, Handle, Path, Speaker, check, constant,
                   default_context, path_bytes, text_bytes)
from .model import Model, _view_of


class Optimiser(enum.IntEnum):
    """How weights follow their gradients."""

    SGD = 1
    ADAM = 2
    ADAMW = 3


class Schedule(enum.IntEnum):
    """How the rate goes on."""

    CONSTANT = 1
    STEP = 2
    COSINE = 3
    EXPONENTIAL = 4


class Loss(enum.IntEnum):
    """What is to become small."""

    CROSS_ENTROPY = 1
    FOCAL = 2
    BALANCED_FOCAL = 3
    BINARY = 4
    SQUARES = 5
    HINGE = 6
    ABSOLUTE = 7


class Normalisation(enum.IntEnum):
    """What is done to a clip before anything else."""

    PICTURE = 1
    FLOW = 2


_ENUMS: dict[str, type[enum.IntEnum]] = {
    "optimiser": Optimiser, "schedule": Schedule, "loss": Loss,
    "normalisation": Normalisation}
_STANDARD = dict(
    epochs=100, batch=32, is_shuffled=1, optimiser=Optimiser.ADAM, rate=1e-3, momentum=0.9,
    beta2=0.999, epsilon=1e-8, schedule=Schedule.CONSTANT, factor=0.1, step_epochs=30,
    slow_rate=1.0, loss=Loss.CROSS_ENTROPY, gamma=2.0,
    normalisation=Normalisation.PICTURE)


# The names of the classes are called as train() calls them.
_FIELDS: dict[str, Any] = {
    "names" if name == "labels" else name: kind
    for name, kind in c.mexpr_trainer_options._fields_[1:]}


def _whole(name: str, value: Any, kind: Any = ctypes.c_int32) -> int:
    """The value, which ctypes would cut to the bits it has."""
    number = operator.index(value)
    if kind(number).value != number:
        raise ValueError(f"{name} is {number}, which is too large or too small")
    return number


def _field(name: str, value: Any) -> Any:
    if name in _ENUMS:
        return constant(_ENUMS[name], value)
    if _FIELDS[name] in (ctypes.c_int32, ctypes.c_uint64):
        return _whole(name, value, _FIELDS[name])
    if value is None:
        return None
    if name == "checkpoint":
        return path_bytes(value)
    return text_bytes(value) if isinstance(value, str) else value


def _options(recipe: str | None, given: dict[str, Any]) -> Any:
    options = c.mexpr_trainer_options(**_STANDARD)
    known = set(_FIELDS)
    if unknown := sorted(set(given) - known):
        raise TypeError(f"no option {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if recipe is not None:
        check(lib.mexpr_trainer_recipe(text_bytes(recipe), ctypes.byref(options)),
              f"there is no recipe for {recipe!r}".encode())
    for name, value in given.items():
        setattr(options, "labels" if name == "names" else name, _field(name, value))
    return options


def _labelled(inputs: Any, labels: Sequence[int]) -> tuple[Memory, Any, Any]:
    memory = memory_of(inputs).packed()
    if not memory.shape or memory.shape[0] != len(labels):
        raise ValueError(f"{len(labels)} labels for inputs of shape {memory.shape}")
    return memory, _view_of(memory), (ctypes.c_int32 * max(len(labels), 1))(*labels)


def trainer_recipe(system: str) -> dict[str, Any]:
    """How a system is trained: all options of Trainer, which takes them as **options."""
    options = _options(system, {})
    values = {name: getattr(options, "labels" if name == "names" else name)
              for name in _FIELDS}
    return {name: _ENUMS[name](value) if name in _ENUMS else value
            for name, value in values.items()}


class Trainer(Speaker):
    """A network that learns.

    Args:
        model: made by build_system(), or loaded without rewrites.
        inputs: float32 (clips, …): what the model takes, or for systems (clips, 3, 28, 28)
            of u, v and strain as 0 to 255.
        labels: a class for each clip, from 0 on.
        n_classes: 0: one more than the largest label.
        recipe: a system whose recipe the options begin with.
        options: fields of mexpr_trainer_options: epochs, batch, optimiser, rate, …, and
            names of the classes, separated by commas, kept in the network.
    """

    _last_error = lib.mexpr_trainer_last_error

    def __init__(self, model: Model, inputs: Any, labels: Sequence[int],
                 n_classes: int = 0, *, recipe: str | None = None,
                 context: Context | None = None, **options: Any) -> None:
        context = context or default_context()
        # The view points into the memory, which has to stay until the call is done.
        memory, view, numbers = _labelled(inputs, labels)
        super().__init__(context._make(
            c.mexpr_trainer, lib.mexpr_trainer_destroy, lib.mexpr_trainer_create,
            model._use(), ctypes.byref(view), numbers,
            n_classes or max(labels, default=0) + 1,
            ctypes.byref(_options(recipe, options))))
        del memory
        self._context = context

    def run(self, progress: Callable[[int, int, float], object] | None = None) -> None:
        """Trains until all epochs are done; progress(epoch, n_epochs, loss) may raise to
        stop, and run() then goes on from there."""
        caller = Caller()

        def call(user: int | None, epoch: int, n_epochs: int, loss: float) -> int:
            if progress is not None:
                progress(epoch, n_epochs, loss)
            return 0

        caller.run(self._call, lib.mexpr_trainer_run,
                   caller.keep(c.mexpr_epoch_fn, call, 1), None)

    def epoch(self) -> bool:
        """Trains one epoch; False when there is none left."""
        before = self.n_epochs
        self._call(lib.mexpr_trainer_epoch)
        return self.n_epochs > before

    @property
    def n_epochs(self) -> int:
        """Epochs done."""
        return int(lib.mexpr_trainer_n_epochs(self._use()))

    @property
    def losses(self) -> list[float]:
        """Mean loss of every epoch done."""
        return [lib.mexpr_trainer_loss(self._use(), k) for k in range(self.n_epochs)]

    def save(self, path: Path) -> None:
        """Writes all that training goes on from."""
        self._call(lib.mexpr_trainer_save, path_bytes(path))

    def resume(self, path: Path) -> None:
        """Goes on from what save() wrote."""
        self._call(lib.mexpr_trainer_resume, path_bytes(path))

    def model(self) -> Model:
        """The network as it is now."""
        pointer = ctypes.POINTER(c.mexpr_model)()
        self._call(lib.mexpr_trainer_model, ctypes.byref(pointer))
        return Model(Handle(pointer, lib.mexpr_model_destroy, self._context._use()),
                     self._context)


def train_losses(model: Model) -> list[float]:
    """Mean loss of every epoch in which train() or a Trainer made this network; [] of one
    that was loaded: files do not keep them."""
    handle = model._use()
    return [lib.mexpr_train_loss(handle, k)
            for k in range(lib.mexpr_train_n_epochs(handle))]


def train_systems() -> tuple[str, ...]:
    """Names of the systems that train() knows."""
    names: list[str] = []
    while (name := lib.mexpr_train_system(len(names))) is not None:
        names.append(name.decode())
    return tuple(names)


def train(system: str, inputs: Any, labels: Sequence[int], n_classes: int = 0, *,
          names: str | None = None, epochs: int = 0,
          normalisation: Normalisation | str | None = None, seed: int = 0,
          progress: Callable[[int, int], object] | None = None,
          context: Context | None = None) -> Model:
    """Trains a system of train_systems() by its recipe.

    Args:
        inputs: float32 (clips, 3, 28, 28): u, v and strain as 0 to 255.
        labels: a class for each clip, from 0 on.
        n_classes: 0: one more than the largest label.
        names: of the classes, separated by commas, kept in the network.
        epochs: of networks, 0: those of the recipe.
        normalisation: of networks, "picture" or "flow"; None: that of the recipe.
        seed: of networks: weights and all chance.
    """
    context, caller = context or default_context(), Caller()
    memory, view, numbers = _labelled(inputs, labels)
    options = c.mexpr_train_options(
        labels=None if names is None else text_bytes(names),
        epochs=_whole("epochs", epochs), seed=_whole("seed", seed, ctypes.c_uint64),
        normalisation=0 if normalisation is None else constant(Normalisation, normalisation))
    try:
        return Model._new(
            context, lib.mexpr_train, text_bytes(system), ctypes.byref(view), numbers,
            n_classes or max(labels, default=0) + 1, ctypes.byref(options),
            caller.progress(progress), None)
    except Error:
        caller.reraise()
        raise
