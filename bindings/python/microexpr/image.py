# SPDX-License-Identifier: MIT
"""Pictures: include/microexpr/image.h."""

from __future__ import annotations

import ctypes
import enum
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from . import _signatures as c
from ._buffer import Memory, bytes_of, floats_of, memory_of
from ._library import lib
from .base import (Caller, Context, Handle, Owner, Path, Speaker, constant,
                   default_context, path_bytes)

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


LANDMARKS_68 = c.MEXPR_LANDMARKS_68

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

    def warp(self, matrix: Any, width: int, height: int) -> Image:
        """A picture of another plane: pixel (x, y) of it shows the place
        (m[0][0] x + m[0][1] y + m[0][2], m[1][0] x + m[1][1] y + m[1][2]) of this one."""
        return self._new(self._context, lib.mexpr_image_warp, self._use(),
                         _c_matrix(matrix), width, height)

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
    if source is None:
        raise TypeError("a picture is needed (an Image, an array or a path), not None")
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        return Image.read(source, Colour.GREY, context=context)
    return Image.from_array(source, context=context)


def _c_matrix(matrix: Any) -> Any:
    numbers = [float(number) for row in matrix for number in row]
    if len(numbers) != 6:
        raise ValueError("a transform is 2 rows of 3 numbers")
    return (ctypes.c_double * 6)(*numbers)


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
    if landmarks is None:
        raise TypeError(f"{LANDMARKS_68} landmarks (x, y) are needed, not None")
    points = floats_of(landmarks)
    if points.shape[0] != 2 * LANDMARKS_68:
        raise ValueError(f"{LANDMARKS_68} landmarks (x, y) are needed, not "
                         f"{points.shape[0] / 2:g}")
    return points


def polygons_mask(polygons: PolygonsLike, width: int, height: int, margin: float = 0.0, *,
                  context: Context | None = None) -> Image:
    """A mask, GREY8: 255 inside the polygons and up to `margin` px around them."""
    return Image._new(context or default_context(), lib.mexpr_polygons_mask,
                      ctypes.byref(_c_polygons(polygons)), margin, width, height)


class Missing(NamedTuple):
    """How many numbers are missing in the names of a clip's files, and the first one."""

    count: int
    first: int | None


def _copy(pointer: Any, context: Context) -> Image:
    """A picture of our own from one that the library lends."""
    return Image._new(context, lib.mexpr_image_convert, pointer,
                      lib.mexpr_image_format(pointer))


class Clip(Speaker):
    """A sequence of frames of one size. Iterating gives Images.

    Made by open(), read_y4m(), read_raw() and from_frames(). Holds one frame at a time
    (from_frames(): all).
    """

    _last_error = lib.mexpr_clip_last_error

    def __init__(self, handle: Handle, context: Context, caller: Caller | None = None) -> None:
        super().__init__(handle)
        self._context = context
        self._caller = caller

    @classmethod
    def _new(cls, context: Context | None, function: Any, *arguments: Any,
             colour: Colour | str = Colour.KEEP, fps: float | Fraction | None = None,
             caller: Caller | None = None) -> Clip:
        context = context or default_context()
        rate = Fraction(fps or 0).limit_denominator(1_000_000)
        options = c.mexpr_clip_options(
            colour=constant(Colour, colour), fps_numerator=rate.numerator,
            fps_denominator=rate.denominator if rate else 0)
        try:
            handle = context._make(c.mexpr_clip, lib.mexpr_clip_destroy, function,
                                   *arguments, ctypes.byref(options))
        except Exception:
            if caller:
                caller.reraise()
            raise
        handle.keep = (handle.keep, caller)
        return cls(handle, context, caller)

    @classmethod
    def open(cls, path: Path, colour: Colour | str = Colour.KEEP, *,
             fps: float | Fraction | None = None, context: Context | None = None) -> Clip:
        """A folder of JPEG and PNG files in natural order, a pattern ("img%d.jpg",
        "frame_*.png") or a .y4m file."""
        return cls._new(context, lib.mexpr_clip_open, path_bytes(path), colour=colour,
                        fps=fps)

    @classmethod
    def read_y4m(cls, stream: Any, *, fps: float | Fraction | None = None,
                 context: Context | None = None) -> Clip:
        """Y4M from a binary file object, front to back: the luma."""
        caller = Caller()
        return cls._new(context, lib.mexpr_clip_open_y4m, _reader(stream, caller), None,
                        fps=fps, caller=caller)

    @classmethod
    def read_raw(cls, stream: Any, width: int, height: int,
                 format: Format | str = Format.GREY8, *,
                 fps: float | Fraction | None = None,
                 context: Context | None = None) -> Clip:
        """Frames without headers from a binary file object, front to back."""
        caller = Caller()
        return cls._new(context, lib.mexpr_clip_open_raw, constant(Format, format), width,
                        height, _reader(stream, caller), None, fps=fps, caller=caller)

    @classmethod
    def from_frames(cls, frames: Iterable[ImageLike], *,
                    fps: float | Fraction | None = None,
                    context: Context | None = None) -> Clip:
        """A clip of copies of pictures, arrays or picture files."""
        clip = cls._new(context, lib.mexpr_clip_create, fps=fps)
        for frame in frames:
            source = image_of(frame, clip._context)
            copy = source.convert(source.format)._use()
            clip._call(lib.mexpr_clip_push, ctypes.byref(copy._as_parameter_))
        return clip

    def frame(self, index: int) -> Image:
        """A copy of a frame; IndexError past the last. Streams give each frame once, in
        order."""
        pointer = ctypes.POINTER(c.mexpr_image)()
        with self._lock:
            try:
                self._call(lib.mexpr_clip_frame, index, ctypes.byref(pointer))
            except Exception:
                if self._caller:
                    self._caller.reraise()
                raise
            if not pointer:
                raise IndexError(f"the clip has no frame {index}")
            return _copy(pointer, self._context)

    def __iter__(self) -> Iterator[Image]:
        index = 0
        while True:
            try:
                image = self.frame(index)
            except IndexError:
                return
            yield image
            index += 1

    @property
    def n_frames(self) -> int | None:
        """Number of frames; None while a stream has not met its end."""
        n = int(lib.mexpr_clip_n_frames(self._use()))
        return None if n < 0 else n

    @property
    def is_stream(self) -> bool:
        """Whether frames can only be taken from front to back."""
        return bool(lib.mexpr_clip_is_stream(self._use()))

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(lib.mexpr_clip_width(self._use()))

    @property
    def height(self) -> int:
        """Rows."""
        return int(lib.mexpr_clip_height(self._use()))

    @property
    def fps(self) -> Fraction | None:
        """Frames per second, None where it is not known."""
        over, under = ctypes.c_int32(), ctypes.c_int32()
        self._call(lib.mexpr_clip_fps, ctypes.byref(over), ctypes.byref(under))
        return Fraction(over.value, under.value) if over.value else None

    def name(self, index: int) -> str | None:
        """File name of a frame."""
        name = lib.mexpr_clip_name(self._use(), index)
        return None if name is None else os.fsdecode(name)

    def number(self, index: int) -> int | None:
        """The last number in a frame's file name."""
        number = int(lib.mexpr_clip_number(self._use(), index))
        return None if number < 0 else number

    @property
    def missing(self) -> Missing:
        """Numbers missing between the names of the files."""
        first = ctypes.c_int64()
        count = int(lib.mexpr_clip_missing(self._use(), ctypes.byref(first)))
        return Missing(count, first.value if count else None)

    def __repr__(self) -> str:
        if self.closed:
            return "<Clip, closed>"
        n = self.n_frames
        return f"<Clip, {'?' if n is None else n} frames of {self.width}×{self.height}>"


def _reader(stream: Any, caller: Caller) -> Any:
    def read(user: int | None, buffer: int, size: int) -> int:
        data = stream.read(size)
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    return caller.keep(c.mexpr_read_fn, read, -1)


# What stands for a clip where one is asked for: itself, a path, a sequence of pictures.
ClipLike = Union[Clip, Path, Any]


def clip_of(source: ClipLike, context: Context) -> Clip:
    """The clip itself, the path opened in grey, the pictures pushed."""
    if source is None:
        raise TypeError("a clip is needed (a Clip, a path or pictures), not None")
    if isinstance(source, Clip):
        return source
    if isinstance(source, (str, bytes)) or hasattr(source, "__fspath__"):
        return Clip.open(source, Colour.GREY, context=context)
    return Clip.from_frames(source, context=context)
