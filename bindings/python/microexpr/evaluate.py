# SPDX-License-Identifier: MIT
"""Protocols and metrics: include/microexpr/evaluate.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._buffer import Memory, memory_of
from ._library import lib
from .base import (Caller, Context, Error, Handle, Owner, Status, constant,
                   default_context, wanted)
from .dataset import Manifest
from .model import Model, _view_of

if TYPE_CHECKING:
    from ._buffer import FloatArray

    Fit = Callable[[FloatArray, list[int], int, int], Model]


class Protocol(enum.IntEnum):
    """What is held out together."""

    LOSO = 1
    KFOLD = 2
    DATASET = 3


@dataclass(frozen=True)
class Metrics:
    """Measures of predictions, over all clips at once; docs/evaluate.md defines them."""

    n: int
    n_classes: int
    n_absent: int
    accuracy: float
    uf1: float
    uar: float
    weighted_f1: float


def _metrics(struct: Any) -> Metrics:
    return Metrics(*(getattr(struct, field) for field in Metrics.__dataclass_fields__))


def _classes(values: Sequence[int]) -> Any:
    return (ctypes.c_int32 * max(len(values), 1))(*values)


def _same_length(*lists: Sequence[int]) -> int:
    if len({len(values) for values in lists}) != 1:
        raise ValueError("labels and predictions must be of one length")
    return len(lists[0])


def _rows(counts: Any, n: int) -> list[list[int]]:
    return [list(counts[k * n:(k + 1) * n]) for k in range(n)]


def metrics(labels: Sequence[int], predicted: Sequence[int], n_classes: int, *,
            context: Context | None = None) -> tuple[Metrics, list[list[int]]]:
    """Measures of predictions and their confusion (rows: labels)."""
    n, out = _same_length(labels, predicted), c.mexpr_metrics()
    counts = (ctypes.c_int64 * max(n_classes * n_classes, 1))()
    (context or default_context())._call(
        lib.mexpr_metrics_compute, _classes(labels), _classes(predicted), n, n_classes,
        counts, ctypes.byref(out))
    return _metrics(out), _rows(counts, n_classes)


def metrics_interval(labels: Sequence[int], predicted: Sequence[int],
                     persons: Sequence[int], n_classes: int, *, confidence: float = 0.95,
                     rounds: int = 4000, seed: int = 0,
                     context: Context | None = None) -> tuple[Metrics, Metrics]:
    """Lower and upper ends of bootstrap intervals, persons drawn with replacement."""
    n, low, high = _same_length(labels, predicted, persons), c.mexpr_metrics(), c.mexpr_metrics()
    (context or default_context())._call(
        lib.mexpr_metrics_interval, _classes(labels), _classes(predicted),
        _classes(persons), n, n_classes, confidence, rounds, seed, ctypes.byref(low),
        ctypes.byref(high))
    return _metrics(low), _metrics(high)


def mcnemar(labels: Sequence[int], predicted_a: Sequence[int], predicted_b: Sequence[int],
            *, context: Context | None = None) -> float:
    """Two-sided p of McNemar's exact test."""
    n, p = _same_length(labels, predicted_a, predicted_b), ctypes.c_double()
    (context or default_context())._call(
        lib.mexpr_mcnemar, _classes(labels), _classes(predicted_a), _classes(predicted_b),
        n, ctypes.byref(p))
    return p.value


class Evaluation(Owner):
    """Predictions for all clips of a manifest, each by a network that has not seen the
    clip's fold. Immutable."""

    def __init__(self, handle: Handle, context: Context, manifest: Manifest) -> None:
        self._handle = handle
        self._context = context
        self.manifest = manifest

    @property
    def n_folds(self) -> int:
        """Folds."""
        return int(lib.mexpr_evaluation_n_folds(self._use()))

    @property
    def folds(self) -> list[int]:
        """Fold of each clip."""
        handle = self._use()
        return [lib.mexpr_evaluation_fold(handle, k) for k in range(len(self.manifest))]

    @property
    def predicted(self) -> list[int]:
        """Class predicted for each clip."""
        handle = self._use()
        return [lib.mexpr_evaluation_predicted(handle, k)
                for k in range(len(self.manifest))]

    @property
    def scores(self) -> list[list[float]]:
        """Scores of each clip."""
        handle, n = self._use(), len(self.manifest.classes)
        return [lib.mexpr_evaluation_scores(handle, k)[:n]
                for k in range(len(self.manifest))]

    def metrics(self, dataset: int | None = None) -> tuple[Metrics, list[list[int]]]:
        """Measures and confusion of all clips, or of those of one database."""
        n, out = len(self.manifest.classes), c.mexpr_metrics()
        counts = (ctypes.c_int64 * (n * n))()
        self._context._call(lib.mexpr_evaluation_metrics, self._use(),
                            -1 if dataset is None else dataset, counts, ctypes.byref(out))
        return _metrics(out), _rows(counts, n)

    def interval(self) -> tuple[Metrics, Metrics]:
        """Ends of the 95 % intervals of all clips together."""
        low, high = c.mexpr_metrics(), c.mexpr_metrics()
        self._context._call(lib.mexpr_evaluation_interval, self._use(), ctypes.byref(low),
                            ctypes.byref(high))
        return _metrics(low), _metrics(high)


def _fit_callback(fit: Fit) -> Callable[..., int]:
    def call(user: int | None, context: Any, view: Any, labels: Any, n_classes: int,
             seed: int, out: Any) -> int:
        tensor = view[0]
        shape = tuple(tensor.dims[:tensor.rank])
        inputs = Memory(tensor.data, "f4", shape, None, True, None).array()
        model = wanted(fit(inputs, list(labels[:shape[0]]), n_classes, seed), Model,
                       "what fit returns")
        out[0] = lib.mexpr_model_retain(model._use())
        return 0

    return call


def evaluate(manifest: Manifest, inputs: Any, fit: Fit, *,
             protocol: Protocol | str = Protocol.LOSO, folds: int = 0, seed: int = 0,
             progress: Callable[[int, int], object] | None = None,
             context: Context | None = None) -> Evaluation:
    """Evaluates a way of training: every fold is held out in turn.

    Args:
        manifest: the clips; Manifest.read() reads them from a file.
        inputs: float32, one for each clip of the manifest.
        fit: called with inputs, labels, the number of classes and the seed of the clips
            of all other folds, returns a Model. The inputs do not outlive the call.
        protocol: "loso", "kfold" or "dataset".
        folds: of "kfold"; 0: 10.
    """
    context, caller = context or default_context(), Caller()
    wanted(manifest, Manifest, "manifest")
    if not callable(fit):
        raise TypeError(f"fit must be a function, not {type(fit).__name__}")
    view = _view_of(memory_of(inputs).packed())
    options = c.mexpr_evaluate_options(
        protocol=constant(Protocol, protocol), n_folds=folds, seed=seed)
    try:
        handle = context._make(
            c.mexpr_evaluation, lib.mexpr_evaluation_destroy, lib.mexpr_evaluate,
            manifest._use(), ctypes.byref(view),
            caller.keep(c.mexpr_fit_fn, _fit_callback(fit), int(Status.E_CANCELLED)),
            ctypes.byref(options), caller.progress(progress), None)
    except Error:
        caller.reraise()
        raise
    return Evaluation(handle, context, manifest)
