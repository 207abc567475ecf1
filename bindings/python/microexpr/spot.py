# SPDX-License-Identifier: MIT
"""What looks at a sequence of frames: include/microexpr/spot.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._library import lib
from .base import Caller, Context, Speaker, constant, default_context
from .image import ClipLike, Image, ImageLike, _copy, clip_of, image_of

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


class Interpolation(enum.IntEnum):
    """How frames between frames are made."""

    TIM = 1
    LINEAR = 2


class Band(enum.IntEnum):
    """Temporal filters of Magnifier."""

    FIRST = 1
    SECOND = 2
    DIFFERENCE = 3


def interpolate(clip: ClipLike, n_out: int, method: Interpolation | str = Interpolation.TIM,
                *, first: int = 0, n_in: int = 0,
                progress: Callable[[int, int], object] | None = None,
                context: Context | None = None) -> list[Image]:
    """A clip with another number of frames.

    Args:
        clip: a Clip, a path that Clip.open() takes, or a sequence of pictures.
        method: "tim" (Zhou, Zhao and Pietikäinen 2011) or "linear".
        first, n_in: the frames that count; 0: all. Streams need n_in.
        progress: called with the steps done and in all.
    """
    context = context or default_context()
    caller, source, frames = Caller(), clip_of(clip, context), []
    options = c.mexpr_interpolate_options(
        method=constant(Interpolation, method), first=first, n_in=n_in, n_out=n_out)

    def take(user: int | None, index: int, pointer: Any) -> int:
        frames.append(_copy(pointer, context))
        return 0

    with source._lock:
        caller.run(context._call, lib.mexpr_interpolate, source._use(),
                   ctypes.byref(options), caller.keep(c.mexpr_frame_fn, take, 1),
                   caller.progress(progress), None)
    return frames


class Magnifier(Speaker):
    """Makes small motions larger while frames pass through (Eulerian video magnification,
    Wu et al. 2012): `larger = magnifier(frame)`.

    Args:
        fps: frames per second.
        low, high: ends of the band in Hz; 0: 0.4 and 3.
        alpha: amplification; 0: 10.
        wavelength: px above which alpha is given in full; 0: 16.
        chroma: share of alpha given to colour, 0 to 1.
        band: "first", "second" or "difference".
        levels: most pyramid levels; 0: as many as fit.
    """

    _last_error = lib.mexpr_magnifier_last_error

    def __init__(self, fps: float, *, low: float = 0.0, high: float = 0.0,
                 alpha: float = 0.0, wavelength: float = 0.0, chroma: float = 0.0,
                 band: Band | str = Band.FIRST, levels: int = 0,
                 context: Context | None = None) -> None:
        self._context = context or default_context()
        options = c.mexpr_magnify_options(
            fps=fps, low=low, high=high, alpha=alpha, wavelength=wavelength, chroma=chroma,
            band=constant(Band, band), levels=levels)
        super().__init__(self._context._make(
            c.mexpr_magnifier, lib.mexpr_magnifier_destroy, lib.mexpr_magnifier_create,
            ctypes.byref(options)))

    def __call__(self, frame: ImageLike) -> Image:
        """The frame with the motions since the first one made larger."""
        source = image_of(frame, self._context)
        pointer = ctypes.POINTER(c.mexpr_image)()
        with self._lock:
            self._call(lib.mexpr_magnifier_push, source._use())
            self._call(lib.mexpr_magnifier_pull, ctypes.byref(pointer))
            return _copy(pointer, self._context)

    def reset(self) -> None:
        """Forgets all frames: the next may begin another clip."""
        with self._lock:
            lib.mexpr_magnifier_reset(self._use())

    def __repr__(self) -> str:
        return "<Magnifier, closed>" if self.closed else "<Magnifier>"


def magnify(frames: Iterable[ImageLike], fps: float, **options: Any) -> Iterator[Image]:
    """Magnifier over a clip or any sequence of pictures, frame by frame."""
    with Magnifier(fps, **options) as magnifier:
        for frame in frames:
            yield magnifier(frame)
