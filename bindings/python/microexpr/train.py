# SPDX-License-Identifier: MIT
"""Making networks from labelled inputs: include/microexpr/train.h."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from . import _signatures as c
from ._buffer import memory_of
from ._library import lib
from .base import Caller, Context, Error, default_context, text_bytes
from .model import Model, _view_of


def train_systems() -> tuple[str, ...]:
    """Names of the systems that train() knows."""
    names: list[str] = []
    while (name := lib.mexpr_train_system(len(names))) is not None:
        names.append(name.decode())
    return tuple(names)


def train(system: str, inputs: Any, labels: Sequence[int], n_classes: int = 0, *,
          names: str | None = None, progress: Callable[[int, int], object] | None = None,
          context: Context | None = None) -> Model:
    """Trains a system: "flow-derivative-svm" or "flow-kernel-ridge".

    Args:
        inputs: float32 (clips, 3, 28, 28): u, v and strain as 0 to 255.
        labels: a class for each clip, from 0 on.
        n_classes: 0: one more than the largest label.
        names: of the classes, separated by commas, kept in the network.
    """
    context, caller = context or default_context(), Caller()
    memory = memory_of(inputs).packed()
    if not memory.shape or memory.shape[0] != len(labels):
        raise ValueError(f"{len(labels)} labels for inputs of shape {memory.shape}")
    numbers = (ctypes.c_int32 * max(len(labels), 1))(*labels)
    view = _view_of(memory)
    options = c.mexpr_train_options(labels=None if names is None else text_bytes(names))
    try:
        return Model._new(
            context, lib.mexpr_train, text_bytes(system), ctypes.byref(view), numbers,
            n_classes or max(labels, default=0) + 1, ctypes.byref(options),
            caller.progress(progress), None)
    except Error:
        caller.reraise()
        raise
