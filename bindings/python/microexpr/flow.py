# SPDX-License-Identifier: MIT
"""Optical flow and strain: include/microexpr/flow.h."""

from __future__ import annotations

import contextlib
import ctypes
import enum
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _signatures as c
from ._buffer import Memory, bytes_of, floats_of, memory_of, new_memory
from ._library import lib
from .base import (ArgumentError, Caller, Context, Handle, Owner, Path, Speaker, check,
                   constant, default_context, path_bytes)
from .image import ClipLike, Image, ImageLike, clip_of, image_of

if TYPE_CHECKING:
    from ._buffer import FloatArray

# A component of at least this size, or NaN, is an unknown displacement.
FIELD_UNKNOWN_THRESHOLD = 1e9
# What the library writes for unknown.
FIELD_UNKNOWN = 1e10
LANDMARKS_68 = c.MEXPR_LANDMARKS_68
MDMO_REGIONS = c.MEXPR_MDMO_REGIONS
MDMO_CORNERS = c.MEXPR_MDMO_CORNERS


class FlowMethod(enum.IntEnum):
    """How Flow finds the flow; see docs/flow_methods.md."""

    TVL1 = 0
    TVL1_FAST = 1
    TVL1_OPENCV = 2
    FARNEBACK = 3


class FlowParam(enum.IntEnum):
    """Tunables of Flow; the keywords of its constructor are their names in lower case."""

    TAU = 1
    LAMBDA = 2
    THETA = 3
    SCALES = 4
    ZOOM = 5
    WARPS = 6
    EPSILON = 7
    ITERATIONS = 8
    METHOD = 9
    OUTER_ITERATIONS = 10
    MEDIAN = 11
    WINDOW = 12
    POLY_N = 13
    POLY_SIGMA = 14
    GAUSSIAN = 15


class Strain(enum.IntEnum):
    """Published definitions of the strain magnitude; see docs/flow.md."""

    FROBENIUS = 1
    QUARTER = 2
    OFF_TANET = 3


class MaskFill(enum.IntEnum):
    """What is written into a masked field: no motion, or FIELD_UNKNOWN."""

    ZERO = 1
    UNKNOWN = 2


class MotionModel(enum.IntEnum):
    """Which motion of the head is fitted."""

    TRANSLATION = 1
    SIMILARITY = 2


class Histogram(enum.IntEnum):
    """Kinds of histograms of flow directions; see docs/features.md."""

    ORIENTED = 1
    HOOF = 2
    BI_WOOF = 3


class HistogramWeight(enum.IntEnum):
    """What a displacement adds to its bin: its length in px, or 1."""

    MAGNITUDE = 1
    COUNT = 2


class HistogramNorm(enum.IntEnum):
    """How a histogram is normalised."""

    NONE = 1
    BLOCK = 2
    ALL = 3
    L2 = 4
    SQRT = 5


class Stretch(enum.IntEnum):
    """How the panels of Field.strip() are stretched to 0..255."""

    OWN = 1
    COMMON = 2


class Motion(NamedTuple):
    """A similarity motion about the point (cx, cy): translation (dx, dy) in px, rotation in
    radians (clockwise in the picture), zoom; what is left over (RMS, px) on the pixels it
    was fitted to, and their number."""

    cx: float = 0.0
    cy: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    angle: float = 0.0
    zoom: float = 1.0
    residual: float = 0.0
    n_pixels: int = 0


class Reference(enum.IntEnum):
    """What the flow to a frame of a clip starts from."""

    ONSET = 1
    PREVIOUS = 2


class Bounds(NamedTuple):
    """Smallest, largest and usual value of a tunable."""

    minimum: float
    maximum: float
    standard: float


class Difference(NamedTuple):
    """Mean end-point difference in pixels, over so many pixels known in both fields."""

    mean: float
    pixels: int


# Polygons are given as a sequence of them, each an array or sequence of corners (x, y).
PolygonsLike = Sequence[Any]


def _c_polygons(polygons: PolygonsLike) -> Any:
    rows = [floats_of(polygon) for polygon in polygons]
    if any(row.shape[0] % 2 for row in rows):
        raise ValueError("every corner of a polygon has an x and a y")
    xy = (ctypes.c_float * max(sum(row.shape[0] for row in rows), 1))()
    ctypes.memmove(xy, b"".join(row.tobytes() for row in rows),
                   sum(row.nbytes for row in rows))
    corners = (ctypes.c_int32 * max(len(rows), 1))(*(row.shape[0] // 2 for row in rows))
    # The struct keeps both arrays alive.
    return c.mexpr_polygons(xy=ctypes.cast(xy, ctypes.POINTER(ctypes.c_float)),
                            corners=ctypes.cast(corners, ctypes.POINTER(ctypes.c_int32)),
                            n_polygons=len(rows))


def _landmarks(landmarks: Any) -> Memory:
    points = floats_of(landmarks)
    if points.shape[0] != 2 * LANDMARKS_68:
        raise ValueError(f"{LANDMARKS_68} landmarks (x, y) are needed, not "
                         f"{points.shape[0] / 2:g}")
    return points


class Field(Owner):
    """A displacement for every pixel: u to the right, v downwards, in pixels."""

    def __init__(self, handle: Handle, context: Context, readonly: bool = False) -> None:
        self._handle = handle
        self._context = context
        self._readonly = readonly

    @classmethod
    def _new(cls, context: Context | None, function: Any, *arguments: Any) -> Field:
        context = context or default_context()
        return cls(context._make(c.mexpr_field, lib.mexpr_field_destroy, function,
                                 *arguments), context)

    @classmethod
    def create(cls, width: int, height: int, *, context: Context | None = None) -> Field:
        """A field of zeros; u and v can be written to."""
        return cls._new(context, lib.mexpr_field_create, width, height)

    @classmethod
    def from_arrays(cls, u: Any, v: Any, *, context: Context | None = None) -> Field:
        """A field with copies of two float32 arrays of shape (height, width)."""
        planes = [memory_of(plane) for plane in (u, v)]
        if any(plane.type != "f4" or len(plane.shape) != 2
               or plane.shape != planes[0].shape for plane in planes):
            raise TypeError("u and v are float32 arrays of one shape (height, width)")
        field = cls.create(planes[0].shape[1], planes[0].shape[0], context=context)
        for source, target in zip(planes, field._planes()):
            packed = source.packed()
            ctypes.memmove(target.address, packed.address, packed.nbytes)
        return field

    @classmethod
    def read_flo(cls, path: Path, *, context: Context | None = None) -> Field:
        """Reads a Middlebury `.flo` file."""
        return cls._new(context, lib.mexpr_field_read_flo, path_bytes(path))

    @classmethod
    def decode_flo(cls, data: Any, *, context: Context | None = None) -> Field:
        """The same from the bytes of a file."""
        memory = bytes_of(data)
        return cls._new(context, lib.mexpr_field_decode_flo, memory.address, memory.nbytes)

    @classmethod
    def read_kitti(cls, path: Path, *, context: Context | None = None) -> Field:
        """Reads a KITTI flow PNG."""
        return cls._new(context, lib.mexpr_field_read_kitti, path_bytes(path))

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(lib.mexpr_field_width(self._use()))

    @property
    def height(self) -> int:
        """Rows."""
        return int(lib.mexpr_field_height(self._use()))

    def _planes(self) -> tuple[Memory, Memory]:
        handle = self._use()
        planes = ((lib.mexpr_field_u, lib.mexpr_field_v) if self._readonly else
                  (lib.mexpr_field_u_pixels, lib.mexpr_field_v_pixels))
        shape = (self.height, self.width)
        u, v = (Memory(ctypes.addressof(plane(handle).contents), "f4", shape, None,
                       self._readonly, handle) for plane in planes)
        return u, v

    @property
    def u(self) -> FloatArray:
        """Displacements to the right in pixels, float32 (height, width), sharing the
        field's memory: an ndarray, or a memoryview where numpy is not installed."""
        array: FloatArray = self._planes()[0].array()
        return array

    @property
    def v(self) -> FloatArray:
        """Displacements downwards, as u."""
        array: FloatArray = self._planes()[1].array()
        return array

    def strain(self, kind: Strain | str = Strain.FROBENIUS) -> Image:
        """Magnitude of the optical strain, GREYF32, in 1 per pixel."""
        return Image._new(self._context, lib.mexpr_flow_strain, self._use(),
                          constant(Strain, kind))

    def picture(self, width: int, height: int,
                kind: Strain | str = Strain.FROBENIUS) -> Image:
        """The u/v/strain picture that networks read, RGB8, each channel stretched to
        0..255."""
        return Image._new(self._context, lib.mexpr_flow_picture, self._use(),
                          constant(Strain, kind), width, height)

    def colour(self, max_radius: float = 0.0) -> Image:
        """The field in the colours of the Middlebury wheel, RGB8. `max_radius` pixels are
        of full saturation; 0: the field's own largest displacement."""
        return Image._new(self._context, lib.mexpr_flow_colour, self._use(), max_radius)

    def write_flo(self, path: Path) -> None:
        """Writes a Middlebury `.flo` file, whole or not at all."""
        self._context._call(lib.mexpr_field_write_flo, self._use(), path_bytes(path))

    def write_kitti(self, path: Path) -> None:
        """Writes a KITTI flow PNG: rounded to 1/64 px."""
        self._context._call(lib.mexpr_field_write_kitti, self._use(), path_bytes(path))

    # --- features: docs/features.md -----------------------------------------------------

    def magnitude(self) -> Image:
        """Length of every displacement in px, GREYF32."""
        return Image._new(self._context, lib.mexpr_flow_magnitude, self._use())

    def orientation(self) -> Image:
        """Direction of every displacement in radians, GREYF32: 0 to the right, π/2
        downwards, in [-π, π)."""
        return Image._new(self._context, lib.mexpr_flow_orientation, self._use())

    def _change(self, function: Any, *arguments: Any) -> None:
        if self._readonly:
            raise ValueError("this field belongs to a result and cannot be written to")
        self._context._call(function, self._use(), *arguments)

    def mask(self, polygons: PolygonsLike, margin: float = 0.0,
             fill: MaskFill | str = MaskFill.ZERO) -> None:
        """Overwrites the field inside polygons and up to `margin` px around them, with
        "zero" motion or with "unknown"."""
        self._change(lib.mexpr_field_mask, ctypes.byref(_c_polygons(polygons)), margin,
                     constant(MaskFill, fill))

    def mask_eyes(self, landmarks: Any, margin: float = 0.0,
                  fill: MaskFill | str = MaskFill.ZERO) -> None:
        """The same for both eyes of 68 landmarks, (68, 2) in px."""
        points = _landmarks(landmarks)
        self._change(lib.mexpr_field_mask_eyes, points.floats(), margin,
                     constant(MaskFill, fill))

    def patch_motion(self, x: int, y: int, width: int, height: int) -> Motion:
        """Mean motion of a rectangle, cut to the field."""
        motion = c.mexpr_motion()
        self._context._call(lib.mexpr_field_patch_motion, self._use(), x, y, width, height,
                            ctypes.byref(motion))
        return _motion_of(motion)

    def fit_motion(self, mask: Image | None = None,
                   model: MotionModel | str = MotionModel.SIMILARITY, *,
                   outlier: float = 0.0, iterations: int = 0) -> Motion:
        """Least-squares motion of the pixels of a GREY8 mask (None: of all).

        Args:
            model: "similarity" or "translation".
            outlier: px that count as foreign motion; 0: plain least squares.
            iterations: of reweighting; 0: the library's own number.
        """
        options = c.mexpr_motion_options(model=constant(MotionModel, model),
                                         iterations=iterations, outlier=outlier)
        motion = c.mexpr_motion()
        self._context._call(lib.mexpr_field_fit_motion, self._use(),
                            None if mask is None else mask._use(), ctypes.byref(options),
                            ctypes.byref(motion))
        return _motion_of(motion)

    def subtract_motion(self, motion: Motion) -> None:
        """Takes a motion out of the field."""
        self._change(lib.mexpr_field_subtract_motion,
                     ctypes.byref(c.mexpr_motion(**motion._asdict())))

    def histogram(self, kind: Histogram | str = Histogram.ORIENTED, *, n_bins: int = 8,
                  columns: int = 0, rows: int = 0,
                  weight: HistogramWeight | str = HistogramWeight.MAGNITUDE,
                  norm: HistogramNorm | str | None = None,
                  strain: Strain | str = Strain.FROBENIUS,
                  min_magnitude: float = 0.0) -> FloatArray:
        """Histograms of the directions, float32 (rows, columns, n_bins).

        Args:
            kind: "oriented", "hoof" or "bi_woof".
            columns, rows: blocks; 0: 1, for Bi-WOOF 8.
            weight: "magnitude" or "count".
            norm: "none", "block", "all", "l2" or "sqrt"; None: "block", for Bi-WOOF "none".
            strain: definition of the strain for Bi-WOOF.
            min_magnitude: displacements up to so many px do not count.
        """
        options = c.mexpr_histogram_options(
            kind=constant(Histogram, kind), n_bins=n_bins, columns=columns, rows=rows,
            weight=constant(HistogramWeight, weight),
            norm=0 if norm is None else constant(HistogramNorm, norm),
            strain=constant(Strain, strain), min_magnitude=min_magnitude)
        usual = 8 if options.kind == Histogram.BI_WOOF else 1
        values = self._context._values(lib.mexpr_flow_histogram, self._use(),
                                       ctypes.byref(options))
        array: FloatArray = values.reshaped(
            (rows or usual, columns or usual, n_bins or 8)).array()
        return array

    def mdmo(self, polygons: PolygonsLike, *, n_bins: int = 8,
             min_magnitude: float = 0.0) -> FloatArray:
        """Main directional mean flow of every region, float32 (regions, 2): magnitude in px
        and angle in radians. mdmo_regions() gives the 36 regions of a face."""
        options = c.mexpr_mdmo_options(n_bins=n_bins, min_magnitude=min_magnitude)
        values = self._context._values(
            lib.mexpr_flow_mdmo, self._use(), ctypes.byref(_c_polygons(polygons)),
            ctypes.byref(options))
        array: FloatArray = values.reshaped((len(polygons), 2)).array()
        return array

    # --- pictures -----------------------------------------------------------------------

    def legend(self, max_radius: float = 0.0, wheel: int = 0) -> Image:
        """colour() with its key at the right; `wheel` px in diameter, 0: 96."""
        return Image._new(self._context, lib.mexpr_flow_legend, self._use(), max_radius,
                          wheel)

    def arrows(self, picture: ImageLike, *, step: int = 0,
               colour: tuple[int, int, int] | None = None, scale: float = 0.0,
               thickness: float = 0.0, min_magnitude: float = 0.0) -> Image:
        """Arrows over a picture of the field's size, RGB8; 0 and None: the library's own.

        Args:
            step: side in px of the square that shares an arrow.
            colour: (red, green, blue), 0..255 each.
            scale: px drawn per px of motion.
            thickness: of the strokes in px.
            min_magnitude: no arrow for motion up to so many px.
        """
        options = c.mexpr_arrow_options(step=step, scale=scale, thickness=thickness,
                                        min_magnitude=min_magnitude)
        if colour is not None:
            options.colour = int.from_bytes(bytes(colour), "big")
            options.colour_set = 1
        under = image_of(picture, self._context)
        return Image._new(self._context, lib.mexpr_flow_arrows, self._use(), under._use(),
                          ctypes.byref(options))

    def strip(self, kind: Strain | str = Strain.FROBENIUS,
              stretch: Stretch | str = Stretch.OWN) -> Image:
        """u, v and strain as grey panels side by side, GREY8."""
        return Image._new(self._context, lib.mexpr_flow_strip, self._use(),
                          constant(Strain, kind), constant(Stretch, stretch))

    def hsv(self) -> Image:
        """The HSV coding of OpenCV's optical-flow tutorial, RGB8."""
        return Image._new(self._context, lib.mexpr_flow_hsv, self._use())

    def difference(self, other: Field) -> Difference:
        """How far two fields of equal size are apart."""
        mean, pixels = ctypes.c_double(), ctypes.c_uint64()
        self._context._call(lib.mexpr_field_difference, self._use(), other._use(),
                            ctypes.byref(mean), ctypes.byref(pixels))
        return Difference(mean.value, pixels.value)

    def __repr__(self) -> str:
        return "<Field, closed>" if self.closed else f"<Field, {self.width}×{self.height}>"


def _motion_of(motion: c.mexpr_motion) -> Motion:
    return Motion(*(getattr(motion, name) for name in Motion._fields))


def polygons_mask(polygons: PolygonsLike, width: int, height: int, margin: float = 0.0, *,
                  context: Context | None = None) -> Image:
    """A mask, GREY8: 255 inside the polygons and up to `margin` px around them."""
    return Image._new(context or default_context(), lib.mexpr_polygons_mask,
                      ctypes.byref(_c_polygons(polygons)), margin, width, height)


def mdmo_regions(landmarks: Any, *, context: Context | None = None
                 ) -> list[list[tuple[float, float]]]:
    """The 36 face regions of MDMO as polygons, from 68 landmarks, (68, 2) in px."""
    points = _landmarks(landmarks)
    xy = (ctypes.c_float * (2 * MDMO_CORNERS))()
    corners = (ctypes.c_int32 * MDMO_REGIONS)()
    (context or default_context())._call(lib.mexpr_mdmo_regions, points.floats(), xy,
                                         corners)
    ends = list(accumulate(corners))
    return [[(xy[2 * i], xy[2 * i + 1]) for i in range(end - count, end)]
            for end, count in zip(ends, corners)]


def mdmo_average(frames: Sequence[Any], *, context: Context | None = None) -> FloatArray:
    """The MDMO feature of a clip from those of its frames, float32 (regions, 2)."""
    rows = [floats_of(frame) for frame in frames]
    if not rows or any(row.shape != rows[0].shape for row in rows) or rows[0].shape[0] % 2:
        raise ValueError("give one or more frames of the same regions")
    together = floats_of([row.view() for row in rows])
    values = new_memory("f4", (rows[0].shape[0] // 2, 2))
    (context or default_context())._call(lib.mexpr_mdmo_average, together.floats(),
                                         len(rows), values.shape[0], values.floats())
    array: FloatArray = values.array()
    return array


class Flow(Speaker):
    """Optical flow: parameters and working memory, reused from call to call.

    Args:
        context: threads, limits and instruction sets; None for the default context.
        method: a FlowMethod or its name, "tvl1", "tvl1_fast", "tvl1_opencv" or
            "farneback".
        tau, lambda_, theta, scales, zoom, warps, epsilon, iterations, outer_iterations,
        median, window, poly_n, poly_sigma, gaussian: tunables of the method; None for its
            standard. bounds() tells which it has and what each may be.
    """

    _last_error = lib.mexpr_flow_last_error

    def __init__(self, context: Context | None = None, *,
                 method: FlowMethod | str = FlowMethod.TVL1, tau: float | None = None,
                 lambda_: float | None = None, theta: float | None = None,
                 scales: int | None = None, zoom: float | None = None,
                 warps: int | None = None, epsilon: float | None = None,
                 iterations: int | None = None, outer_iterations: int | None = None,
                 median: int | None = None, window: int | None = None,
                 poly_n: int | None = None, poly_sigma: float | None = None,
                 gaussian: bool | None = None) -> None:
        self._context = context or default_context()
        super().__init__(self._context._make(
            c.mexpr_flow, lib.mexpr_flow_destroy, lib.mexpr_flow_create))
        self.set(method=constant(FlowMethod, method))
        self.set(tau=tau, lambda_=lambda_, theta=theta, scales=scales, zoom=zoom,
                 warps=warps, epsilon=epsilon, iterations=iterations,
                 outer_iterations=outer_iterations, median=median, window=window,
                 poly_n=poly_n, poly_sigma=poly_sigma, gaussian=gaussian)

    @classmethod
    def _borrowed(cls, handle: Handle, context: Context) -> Flow:
        flow = cls.__new__(cls)
        flow._context = context
        Speaker.__init__(flow, handle)
        return flow

    @staticmethod
    def bounds(param: FlowParam | str,
               method: FlowMethod | str = FlowMethod.TVL1) -> Bounds:
        """Smallest, largest and standard value of a tunable: `Flow.bounds("warps")`."""
        values = [ctypes.c_double() for _ in range(3)]
        check(lib.mexpr_flow_method_bounds(
            constant(FlowMethod, method), constant(FlowParam, param),
            *(ctypes.byref(value) for value in values)))
        return Bounds(*(value.value for value in values))

    def set(self, **params: float | None) -> None:
        """Sets tunables by name: `flow.set(lambda_=0.1, warps=10)`. None: leave it."""
        for name, value in params.items():
            if value is not None:
                self._call(lib.mexpr_flow_set, constant(FlowParam, name.rstrip("_")), value)

    def get(self, param: FlowParam | str) -> float:
        """The value of a tunable."""
        value = ctypes.c_double()
        self._call(lib.mexpr_flow_get, constant(FlowParam, param), ctypes.byref(value))
        return value.value

    def compute(self, first: ImageLike, second: ImageLike, out: Field | None = None) -> Field:
        """The flow from the first picture to the second, of equal size.

        Args:
            first, second: Images, arrays or paths of picture files; colour becomes grey.
            out: a field of the pictures' size to write to, instead of a new one.
        """
        images = [image_of(source, self._context) for source in (first, second)]
        field = out or Field.create(images[0].width, images[0].height,
                                    context=self._context)
        if field._readonly:
            raise ValueError("this field belongs to a result and cannot be written to")
        self._call(lib.mexpr_flow_compute, images[0]._use(), images[1]._use(),
                   field._use())
        return field

    def clip(self, clip: ClipLike, take: Callable[[int, Field], object], *,
             reference: Reference | str = Reference.ONSET, onset: int = 0, first: int = 0,
             n_frames: int = 0, progress: Callable[[int, int], object] | None = None) -> None:
        """Flow to every frame of a clip, from the onset or from the frame before. A context
        with several threads computes as many fields at once.

        Args:
            clip: a Clip, a path that Clip.open() takes, or a sequence of pictures.
            take: called with the frame's index and its Field, in order; raising stops.
            reference: "onset" or "previous".
            first, n_frames: the frames that the flow goes to; 0: to the end.
            progress: called with the fields done and in all (0: unknown).
        """
        caller, source = Caller(), clip_of(clip, self._context)
        options = c.mexpr_flow_clip_options(
            reference=constant(Reference, reference), onset=onset, first=first,
            n_frames=n_frames)

        def give(user: int | None, frame: int, pointer: Any) -> int:
            planes = [Memory(ctypes.addressof(plane(pointer).contents), "f4",
                             (source.height, source.width), None, True, None)
                      for plane in (lib.mexpr_field_u, lib.mexpr_field_v)]
            take(frame, Field.from_arrays(*planes, context=self._context))
            return 0

        with source._lock:
            caller.run(self._call, lib.mexpr_flow_clip, source._use(),
                       ctypes.byref(options), caller.keep(c.mexpr_field_fn, give, 1),
                       caller.progress(progress), None)

    def __repr__(self) -> str:
        if self.closed:
            return "<Flow, closed>"
        method = FlowMethod(int(self.get(FlowParam.METHOD)))
        values = [f"method={method.name.lower()}"]
        for param in FlowParam:
            if param is not FlowParam.METHOD:
                with contextlib.suppress(ArgumentError):
                    values.append(f"{param.name.lower()}={self.get(param):g}")
        return f"<Flow, {', '.join(values)}>"
