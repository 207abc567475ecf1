# SPDX-License-Identifier: MIT
"""Pictures: include/microexpr/image.h."""

from __future__ import annotations

import ctypes
import enum
from typing import TYPE_CHECKING, Any, Union

from . import _signatures as c
from ._buffer import Memory, bytes_of, memory_of
from ._library import lib
from .base import (Context, Handle, Owner, Path, constant, default_context, path_bytes)

if TYPE_CHECKING:
    from ._buffer import AnyArray


class Format(enum.IntEnum):
    """Layout of one pixel; channels are interleaved."""

    GREY8 = 1
    RGB8 = 2
    BGR8 = 3
    RGBA8 = 4
    GREY16 = 5
    GREYF32 = 6


class Colour(enum.IntEnum):
    """What a decoder shall deliver."""

    KEEP = 0
    GREY = 1
    RGB = 2


class Filter(enum.IntEnum):
    """How resizing weighs pixels."""

    AREA = 1
    BILINEAR = 2
    BICUBIC = 3


# Element type and channels of each format.
_LAYOUT = {
    Format.GREY8: ("u1", 1),
    Format.RGB8: ("u1", 3),
    Format.BGR8: ("u1", 3),
    Format.RGBA8: ("u1", 4),
    Format.GREY16: ("u2", 1),
    Format.GREYF32: ("f4", 1),
}


def _shape(format: Format, width: int, height: int) -> tuple[int, ...]:
    channels = _LAYOUT[format][1]
    return (height, width) if channels == 1 else (height, width, channels)


def _format_of(memory: Memory, wanted: Format | None) -> Format:
    """The format of an array of shape (height, width[, channels])."""
    shape = memory.shape
    channels = shape[2] if len(shape) == 3 else 1
    fitting = [format for format, layout in _LAYOUT.items()
               if layout == (memory.type, channels)]
    if len(shape) not in (2, 3) or not fitting:
        raise TypeError(
            f"no picture has elements of type {memory.type} and the shape {shape}; give "
            "uint8 (height, width[, 1, 3 or 4]), or uint16 or float32 (height, width)")
    if wanted is None:
        return fitting[0]
    if wanted not in fitting:
        raise TypeError(f"{wanted.name} does not fit elements of type {memory.type} and "
                        f"the shape {shape}")
    return wanted


def _row_stride(memory: Memory, format: Format) -> int | None:
    """Bytes from row to row when the library can read the memory as it is."""
    element, channels = _LAYOUT[format]
    size = int(element[1:])
    height, width = memory.shape[:2]
    pixels_are_packed = (
        (len(memory.shape) == 2 or channels == 1 or memory.strides[2] == size)
        and (width == 1 or memory.strides[1] == size * channels))
    stride = memory.strides[0] if height > 1 else width * size * channels
    if not pixels_are_packed or stride < width * size * channels or stride % size:
        return None
    return None if memory.address % size else stride


class Image(Owner):
    """A picture. To NumPy it is a read-only array of shape (height, width) or (height,
    width, channels): `numpy.asarray(image)` shares the pixels.

    Made by create(), read(), decode(), from_array(), and by the methods that return a new
    picture. Reading from several threads is safe.
    """

    def __init__(self, handle: Handle, context: Context, readonly: bool = False) -> None:
        self._handle = handle
        self._context = context
        self._readonly = readonly

    @classmethod
    def create(cls, width: int, height: int, format: Format | str = Format.GREY8, *,
               context: Context | None = None) -> Image:
        """A picture of zeros. Fill it by way of to_numpy(writable=True)."""
        context = context or default_context()
        return cls._new(context, lib.mexpr_image_create, constant(Format, format), width,
                        height)

    @classmethod
    def _new(cls, context: Context, function: Any, *arguments: Any) -> Image:
        return cls(context._make(c.mexpr_image, lib.mexpr_image_destroy, function,
                                 *arguments), context)

    @classmethod
    def read(cls, path: Path, colour: Colour | str = Colour.KEEP, *,
             context: Context | None = None) -> Image:
        """Reads a JPEG or PNG file. `colour`: "keep", "grey" (of a JPEG the luma plane as
        it is stored) or "rgb"."""
        return cls._new(context or default_context(), lib.mexpr_image_read,
                        path_bytes(path), constant(Colour, colour))

    @classmethod
    def decode(cls, data: Any, colour: Colour | str = Colour.KEEP, *,
               context: Context | None = None) -> Image:
        """The same from the bytes of a file: anything with the buffer protocol."""
        memory = bytes_of(data)
        return cls._new(context or default_context(), lib.mexpr_image_decode,
                        memory.address, memory.nbytes, constant(Colour, colour))

    @classmethod
    def from_array(cls, array: Any, format: Format | str | None = None, *,
                   copy: bool | None = None, context: Context | None = None) -> Image:
        """A picture over the memory of an array, which it keeps alive.

        Args:
            array: anything with the buffer protocol or NumPy's array interface, of shape
                (height, width) or (height, width, channels): uint8 with 1, 3 or 4
                channels, uint16 or float32 with one.
            format: needed to tell "bgr8" from "rgb8", the default of three channels.
            copy: None copies only where the library cannot read the memory as it is
                (pixels apart, rows backwards); True always; False never: ValueError.
        """
        memory = memory_of(array)
        context = context or default_context()
        chosen = _format_of(memory, None if format is None else constant(Format, format))
        stride = _row_stride(memory, chosen)
        height, width = memory.shape[:2]
        if copy or stride is None:
            if copy is False:
                raise ValueError("the library cannot read this array without a copy: its "
                                 "pixels are apart or its rows run backwards")
            image = cls.create(width, height, chosen, context=context)
            packed = memory.packed()
            ctypes.memmove(image._memory(True).address, packed.address, packed.nbytes)
            return image
        image = cls._new(context, lib.mexpr_image_wrap, chosen, width, height, stride,
                         memory.address, c.mexpr_release_fn(), None)
        handle = image._use()
        handle.keep = (handle.keep, memory)
        image._readonly = memory.readonly
        return image

    # --- what it is ---------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(lib.mexpr_image_width(self._use()))

    @property
    def height(self) -> int:
        """Rows."""
        return int(lib.mexpr_image_height(self._use()))

    @property
    def format(self) -> Format:
        """Layout of a pixel."""
        return Format(lib.mexpr_image_format(self._use()))

    @property
    def stride(self) -> int:
        """Bytes from row to row."""
        return int(lib.mexpr_image_stride(self._use()))

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) or (height, width, channels)."""
        return _shape(self.format, self.width, self.height)

    def __repr__(self) -> str:
        if self.closed:
            return "<Image, closed>"
        return f"<Image, {self.width}×{self.height} {self.format.name}>"

    # --- its pixels ---------------------------------------------------------------------

    def _memory(self, writable: bool = False) -> Memory:
        handle = self._use()
        if writable and self._readonly:
            raise ValueError("this picture lies over memory that is read-only")
        element, channels = _LAYOUT[self.format]
        shape = self.shape
        inner = (int(element[1:]),) if len(shape) == 3 else ()
        strides = (self.stride, int(element[1:]) * channels, *inner)
        pixels = lib.mexpr_image_pixels if writable else lib.mexpr_image_data
        return Memory(pixels(handle), element, shape, strides, not writable, handle)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._memory().__array_interface__

    def to_numpy(self, *, copy: bool = False, writable: bool = False) -> AnyArray:
        """The pixels as an ndarray of self.shape.

        Args:
            copy: an array of its own instead of a view.
            writable: a view that changes the picture; ValueError over read-only memory.
        """
        array = self._memory(writable).to_numpy()
        return array.copy() if copy else array

    def view(self, *, writable: bool = False) -> memoryview:
        """The pixels as a memoryview of self.shape; ValueError when rows have gaps."""
        return self._memory(writable).view()

    def tobytes(self) -> bytes:
        """A copy of the pixels, row by row without gaps."""
        return self._memory().tobytes()

    # --- new pictures -------------------------------------------------------------------

    def convert(self, format: Format | str) -> Image:
        """A copy in another format; see docs/image.md for the formulas."""
        return self._new(self._context, lib.mexpr_image_convert, self._use(),
                         constant(Format, format))

    def resize(self, width: int, height: int, filter: Filter | str = Filter.AREA) -> Image:
        """A copy of another size. `filter`: "area", "bilinear" or "bicubic"."""
        return self._new(self._context, lib.mexpr_image_resize, self._use(), width, height,
                         constant(Filter, filter))

    def crop(self, x: int, y: int, width: int, height: int) -> Image:
        """A copy of a rectangle, which must lie inside."""
        return self._new(self._context, lib.mexpr_image_crop, self._use(), x, y, width,
                         height)

    def gaussian(self, sigma: float) -> Image:
        """A copy smoothed by a Gaussian of `sigma` pixels."""
        return self._new(self._context, lib.mexpr_image_gaussian, self._use(), sigma)

    # --- files --------------------------------------------------------------------------

    def write_png(self, path: Path) -> None:
        """Writes a PNG, whole or not at all."""
        self._context._call(lib.mexpr_image_write_png, self._use(), path_bytes(path))

    def encode_png(self) -> bytes:
        """The bytes of a PNG file."""
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        context = self._context
        with context._lock:
            context._call(lib.mexpr_image_encode_png, self._use(), ctypes.byref(data),
                          ctypes.byref(size))
            try:
                return ctypes.string_at(data, size.value)
            finally:
                lib.mexpr_bytes_free(context._use(), ctypes.byref(data))


# What stands for a picture where one is asked for: itself, a file, an array.
ImageLike = Union[Image, Path, Any]


def image_of(source: ImageLike, context: Context) -> Image:
    """The picture itself, the file read (grey of a JPEG is its luma), the array wrapped."""
    if isinstance(source, Image):
        return source
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        return Image.read(source, Colour.GREY, context=context)
    return Image.from_array(source, context=context)
