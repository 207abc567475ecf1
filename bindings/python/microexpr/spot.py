# SPDX-License-Identifier: MIT
"""Descriptors of a sequence of frames: include/microexpr/spot.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _signatures as c
from ._library import lib
from .base import Context, constant, default_context
from .image import ImageLike, image_of

if TYPE_CHECKING:
    from ._buffer import FloatArray


class LbpSampling(enum.IntEnum):
    """How a neighbour between pixels is read."""

    BILINEAR = 1
    NEAREST = 2


class LbpPatterns(enum.IntEnum):
    """Which patterns have a bin of their own."""

    UNIFORM = 1
    ALL = 2


def lbp_top(frames: Sequence[ImageLike], *, radius: tuple[int, int, int] = (1, 1, 4),
            neighbours: tuple[int, int, int] = (8, 8, 8),
            blocks: tuple[int, int, int] = (5, 5, 1),
            sampling: LbpSampling | str = LbpSampling.BILINEAR,
            patterns: LbpPatterns | str = LbpPatterns.UNIFORM, counts: bool = False,
            context: Context | None = None) -> FloatArray:
    """Local binary patterns on three orthogonal planes.

    Args:
        frames: Images, arrays or paths of equal size, in time order.
        radius: in x and y (px) and in time (frames).
        neighbours: on the circles of the planes xy, xt and yt, 4 to 16.
        blocks: across, down and in time.
        counts: counts instead of shares that sum to 1.

    Returns:
        float32 (blocks in time, down, across, bins of the three planes together).
    """
    context = context or default_context()
    images = [image_of(frame, context) for frame in frames]
    handles = [image._use() for image in images]
    array = (ctypes.POINTER(c.mexpr_image) * max(len(handles), 1))(
        *(handle._as_parameter_ for handle in handles))
    options = c.mexpr_lbp_top_options(
        radius_x=radius[0], radius_y=radius[1], radius_t=radius[2],
        neighbours_xy=neighbours[0], neighbours_xt=neighbours[1],
        neighbours_yt=neighbours[2], columns=blocks[0], rows=blocks[1], layers=blocks[2],
        sampling=constant(LbpSampling, sampling), patterns=constant(LbpPatterns, patterns),
        counts=counts)
    values = context._values(lib.mexpr_lbp_top, array, len(handles), ctypes.byref(options))
    columns, rows, layers = (given or usual for given, usual in zip(blocks, (5, 5, 1)))
    per_block = values.shape[0] // (columns * rows * layers)
    result: FloatArray = values.reshaped((layers, rows, columns, per_block)).array()
    return result
