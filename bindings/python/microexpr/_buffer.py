# SPDX-License-Identifier: MIT
"""Memory that goes into the library and memory that comes out of it, without copies.

Element types are written as in NumPy's array interface without the byte order: "u1",
"u2", "f4", "i4", "i8", "b1".
"""

from __future__ import annotations

import array
import ctypes
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    AnyArray = NDArray[Any]
    FloatArray = NDArray[numpy.float32]

_ORDER = "<" if sys.byteorder == "little" else ">"
_FORMATS = {"u1": "B", "u2": "H", "f4": "f", "i4": "i", "i8": "q", "b1": "?"}
_KINDS = {"?": "b", **dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u"),
          **dict.fromkeys("efd", "f")}


def numpy_or_none() -> Any:
    """The numpy module, or None where it is not installed."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


class _PyBuffer(ctypes.Structure):
    """Py_buffer of CPython's stable ABI."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


_RECORDS_RO = 0x1c  # strides and format wanted, reading is enough
_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_get_buffer.restype = ctypes.c_int
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = (ctypes.POINTER(_PyBuffer),)
_release_buffer.restype = None


def packed_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Strides of C order without gaps."""
    strides: list[int] = []
    step = itemsize
    for extent in reversed(shape):
        strides.insert(0, step)
        step *= extent
    return tuple(strides)


def _type_of_format(text: str, itemsize: int) -> str:
    """"f4" for the struct module's "f", "<f", "@f"; TypeError for what no C type is."""
    order, letter = (text[0], text[1:]) if text[:1] in "@=<>!" else ("@", text)
    order = ">" if order == "!" else order
    if letter not in _KINDS or (order in "<>" and order != _ORDER and itemsize > 1):
        raise TypeError(f"elements of format {text!r} cannot be used; only plain numbers in "
                        "the machine's byte order can")
    return f"{_KINDS[letter]}{itemsize}"


class Memory:
    """A block of elements at an address, with whatever keeps it alive.

    It is an array to NumPy (`numpy.asarray(memory)` shares it) and can be viewed with
    view(); both keep the owner alive.
    """

    __slots__ = ("address", "type", "shape", "strides", "readonly", "keep", "__weakref__")

    def __init__(self, address: int, type: str, shape: tuple[int, ...],
                 strides: tuple[int, ...] | None, readonly: bool, keep: object) -> None:
        self.address = address
        self.type = type
        self.shape = shape
        self.strides = strides or packed_strides(shape, int(type[1:]))
        self.readonly = readonly
        self.keep = keep

    @property
    def itemsize(self) -> int:
        return int(self.type[1:])

    @property
    def nbytes(self) -> int:
        count = self.itemsize
        for extent in self.shape:
            count *= extent
        return count

    @property
    def is_packed(self) -> bool:
        """C order without gaps. Strides of axes with one element mean nothing."""
        wanted = packed_strides(self.shape, self.itemsize)
        return self.nbytes == 0 or all(
            extent == 1 or stride == want
            for extent, stride, want in zip(self.shape, self.strides, wanted))

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": ("|" if self.itemsize == 1 else _ORDER) + self.type,
            "data": (self.address, self.readonly),
            "strides": self.strides,
        }

    def to_numpy(self) -> AnyArray:
        """An ndarray that shares the memory."""
        numpy = numpy_or_none()
        if numpy is None:
            raise ImportError("numpy is not installed; use view() or tobytes()")
        array: AnyArray = numpy.asarray(self)
        return array

    def floats(self) -> Any:
        """The address as a C `float *`."""
        return ctypes.cast(self.address, ctypes.POINTER(ctypes.c_float))

    def view(self) -> memoryview:
        """A memoryview of the shape, sharing the memory."""
        if not self.is_packed:
            raise ValueError("the rows have gaps, which a memoryview cannot show; use "
                             "to_numpy() or tobytes()")
        block = (ctypes.c_ubyte * self.nbytes).from_address(self.address)
        block._keep = self  # type: ignore[attr-defined]
        view = memoryview(block).cast("B")
        if self.nbytes and (self.shape != (self.nbytes,) or self.type != "u1"):
            view = view.cast(_FORMATS[self.type], list(self.shape))  # type: ignore[call-overload]
        return view.toreadonly() if self.readonly else view

    def array(self) -> Any:
        """to_numpy() where numpy is installed, else view()."""
        return self.view() if numpy_or_none() is None else self.to_numpy()

    def reshaped(self, shape: tuple[int, ...]) -> Memory:
        """The same packed elements in another shape."""
        return Memory(self.address, self.type, shape, None, self.readonly, self.keep)

    def tobytes(self) -> bytes:
        """A copy of the elements in C order without gaps."""
        return _pack(self.address, self.shape, self.strides, self.itemsize)

    def packed(self) -> Memory:
        """Itself, or a copy in C order without gaps."""
        if self.is_packed:
            return self
        copy = new_memory(self.type, self.shape)
        ctypes.memmove(copy.address, self.tobytes(), self.nbytes)
        return copy


def new_memory(type: str, shape: tuple[int, ...]) -> Memory:
    """Zeros in memory of their own."""
    count = int(type[1:])
    for extent in shape:
        count *= extent
    block = (ctypes.c_ubyte * max(count, 1))()
    return Memory(ctypes.addressof(block), type, shape, None, False, block)


def _pack(address: int, shape: tuple[int, ...], strides: tuple[int, ...],
          itemsize: int) -> bytes:
    if 0 in shape:
        return b""
    if Memory(address, f"u{itemsize}", shape, strides, True, None).is_packed:
        count = itemsize
        for extent in shape:
            count *= extent
        return ctypes.string_at(address, count)
    return b"".join(_pack(address + i * strides[0], shape[1:], strides[1:], itemsize)
                    for i in range(shape[0]))


class _Hold:
    """Keeps a buffer of another object, and with it that object, until it goes away."""

    __slots__ = ("buffer",)

    def __init__(self, obj: object) -> None:
        self.buffer = _PyBuffer()
        _get_buffer(obj, ctypes.byref(self.buffer), _RECORDS_RO)

    def __del__(self) -> None:
        if self.buffer.obj:
            _release_buffer(ctypes.byref(self.buffer))


def _has_buffer(obj: Any) -> bool:
    try:
        memoryview(obj).release()
    except (TypeError, BufferError):
        return False
    return True


def _of_buffer(obj: object) -> Memory:
    hold = _Hold(obj)
    buffer = hold.buffer
    shape = tuple(buffer.shape[i] for i in range(buffer.ndim))
    strides = tuple(buffer.strides[i] for i in range(buffer.ndim))
    element = _type_of_format((buffer.format or b"B").decode(), buffer.itemsize)
    return Memory(buffer.buf or 0, element, shape, strides, bool(buffer.readonly), hold)


def _of_interface(obj: Any) -> Memory:
    interface = obj.__array_interface__
    order, element = interface["typestr"][0], interface["typestr"][1:]
    if element[0] not in "buif" or order not in ("|", _ORDER):
        raise TypeError(f"elements of type {interface['typestr']!r} cannot be used; only "
                        "plain numbers in the machine's byte order can")
    shape, strides = tuple(interface["shape"]), interface.get("strides")
    data = interface.get("data")
    if isinstance(data, tuple):
        return Memory(data[0], element, shape, strides, bool(data[1]), obj)
    inner = _of_buffer(data)
    return Memory(inner.address + interface.get("offset", 0), element, shape, strides,
                  inner.readonly, inner)


def memory_of(obj: Any) -> Memory:
    """The memory of an object that has the buffer protocol or NumPy's array interface.

    Never a copy. Other array-likes (tensors of frameworks with `__array__`, nested
    sequences) are taken by way of numpy where it is installed. TypeError for the rest.
    """
    if isinstance(obj, Memory):
        return obj
    if _has_buffer(obj):
        return _of_buffer(obj)
    if hasattr(obj, "__array_interface__"):
        return _of_interface(obj)
    numpy = numpy_or_none()
    if numpy is None or isinstance(obj, str):
        raise TypeError(f"an array is needed, not {type(obj).__name__}: something with the "
                        "buffer protocol or __array_interface__")
    return _of_buffer(numpy.asarray(obj))


def _flat(values: Any) -> Iterator[float]:
    for value in values:
        if hasattr(value, "__iter__"):
            yield from _flat(value)
        else:
            yield float(value)


def floats_of(values: Any) -> Memory:
    """Numbers in any nesting as one row of float32; float32 arrays without a copy."""
    if values is None or isinstance(values, str):
        raise TypeError(f"numbers are needed, not {type(values).__name__}")
    if _has_buffer(values) or hasattr(values, "__array_interface__"):
        memory = memory_of(values)
        if memory.type == "f4":
            packed = memory.packed()
            return Memory(packed.address, "f4", (packed.nbytes // 4,), None, True, packed)
    flat = list(_flat(values))
    memory = new_memory("f4", (len(flat),))
    memory.view()[:] = array.array("f", flat)
    return memory


def bytes_of(obj: Any) -> Memory:
    """The same for file contents: any contiguous bytes."""
    return memory_of(obj).packed()
