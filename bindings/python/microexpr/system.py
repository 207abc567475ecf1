# SPDX-License-Identifier: MIT
"""The published networks, built with random weights: include/microexpr/system.h."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from . import _signatures as c
from ._library import lib
from .base import Context, check, text_bytes
from .model import Model


class System(NamedTuple):
    """A system, before it is built.

    Attributes:
        name: what build_system() takes.
        title: with the publication.
        n_classes: of the publication.
        width, height: of the input pictures, unless another size is asked for.
        size_step: square sizes that are multiples of it are possible; 0: no others.
        n_parameters: weights that are trained, with everything standard.
    """

    name: str
    title: str
    n_classes: int
    width: int
    height: int
    size_step: int
    n_parameters: int


def systems() -> tuple[System, ...]:
    """All systems; docs/system.md tells more of them."""
    found = []
    for index in range(lib.mexpr_system_count()):
        info = c.mexpr_system_info()
        check(lib.mexpr_system_info_get(index, ctypes.byref(info)))
        found.append(System(info.name.decode(), info.title.decode(), info.n_classes,
                            info.width, info.height, info.size_step, info.n_parameters))
    return tuple(found)


def build_system(name: str, *, classes: int | None = None, size: int | None = None,
                 seed: int = 0, context: Context | None = None) -> Model:
    """A system with random weights, the same for the same seed."""
    options = c.mexpr_system_options(n_classes=classes or 0, size=size or 0, seed=seed)
    return Model._new(context, lib.mexpr_system_build, text_bytes(name),
                      ctypes.byref(options))
