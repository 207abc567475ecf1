# SPDX-License-Identifier: MIT
"""Optical flow and strain: include/microexpr/flow.h."""

from __future__ import annotations

import ctypes
import enum
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _signatures as c
from ._buffer import Memory, bytes_of, memory_of
from ._library import lib
from .base import (Context, Handle, Owner, Path, Speaker, check, constant, default_context,
                   path_bytes)
from .image import Image, ImageLike, image_of

if TYPE_CHECKING:
    from ._buffer import FloatArray

# A component of at least this size, or NaN, is an unknown displacement.
FIELD_UNKNOWN_THRESHOLD = 1e9
# What the library writes for unknown.
FIELD_UNKNOWN = 1e10


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


class Strain(enum.IntEnum):
    """Published definitions of the strain magnitude; see docs/flow.md."""

    FROBENIUS = 1
    QUARTER = 2
    OFF_TANET = 3


class Bounds(NamedTuple):
    """Smallest, largest and usual value of a tunable."""

    minimum: float
    maximum: float
    standard: float


class Difference(NamedTuple):
    """Mean end-point difference in pixels, over so many pixels known in both fields."""

    mean: float
    pixels: int


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

    def difference(self, other: Field) -> Difference:
        """How far two fields of equal size are apart."""
        mean, pixels = ctypes.c_double(), ctypes.c_uint64()
        self._context._call(lib.mexpr_field_difference, self._use(), other._use(),
                            ctypes.byref(mean), ctypes.byref(pixels))
        return Difference(mean.value, pixels.value)

    def __repr__(self) -> str:
        return "<Field, closed>" if self.closed else f"<Field, {self.width}×{self.height}>"


class Flow(Speaker):
    """TV-L1 optical flow: parameters and working memory, reused from call to call.

    Args:
        context: threads, limits and instruction sets; None for the default context.
        tau, lambda_, theta, scales, zoom, warps, epsilon, iterations: tunables of the
            method; None for its standard. bounds() tells what each may be.
    """

    _last_error = lib.mexpr_flow_last_error

    def __init__(self, context: Context | None = None, *, tau: float | None = None,
                 lambda_: float | None = None, theta: float | None = None,
                 scales: int | None = None, zoom: float | None = None,
                 warps: int | None = None, epsilon: float | None = None,
                 iterations: int | None = None) -> None:
        self._context = context or default_context()
        super().__init__(self._context._make(
            c.mexpr_flow, lib.mexpr_flow_destroy, lib.mexpr_flow_create))
        self.set(tau=tau, lambda_=lambda_, theta=theta, scales=scales, zoom=zoom,
                 warps=warps, epsilon=epsilon, iterations=iterations)

    @classmethod
    def _borrowed(cls, handle: Handle, context: Context) -> Flow:
        flow = cls.__new__(cls)
        flow._context = context
        Speaker.__init__(flow, handle)
        return flow

    @staticmethod
    def bounds(param: FlowParam | str) -> Bounds:
        """Smallest, largest and standard value of a tunable: `Flow.bounds("warps")`."""
        values = [ctypes.c_double() for _ in range(3)]
        check(lib.mexpr_flow_param_bounds(
            constant(FlowParam, param), *(ctypes.byref(value) for value in values)))
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

    def __repr__(self) -> str:
        if self.closed:
            return "<Flow, closed>"
        values = ", ".join(f"{param.name.lower()}={self.get(param):g}" for param in FlowParam)
        return f"<Flow, {values}>"
