# SPDX-License-Identifier: MIT
"""Statuses, errors and the context: include/microexpr/base.h."""

from __future__ import annotations

import ctypes
import enum
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, Union

from . import _signatures as c
from ._buffer import Memory, new_memory
from ._library import lib

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


class Status(enum.IntEnum):
    """Results of the library's calls; negative ones are errors."""

    OK = 0
    AGAIN = 1
    END = 2
    E_ARG = -1
    E_RANGE = -2
    E_NOMEM = -20
    E_LIMIT = -21
    E_IO = -40
    E_FORMAT = -41
    E_TRUNCATED = -42
    E_UNSUPPORTED = -43
    E_NOT_FOUND = -44
    E_DISABLED = -45
    E_MODEL = -60
    E_OPERATOR = -61
    E_OPSET = -62
    E_SHAPE = -63
    E_TYPE = -64
    E_EXTERNAL = -65
    E_STATE = -80
    E_CANCELLED = -81
    E_THREAD = -82
    E_INTERNAL = -83
    E_ABI = -100


class CpuFlag(enum.IntFlag):
    """Instruction sets of the kernels."""

    AVX2 = 1
    AVX512 = 2
    NEON = 4
    ALL = 0x7FFFFFFF


class LogLevel(enum.IntEnum):
    """How important a log line is."""

    NONE = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4


class Error(Exception):
    """A call of the library failed.

    Attributes:
        status: the number, a Status where this package knows it.
        name: the same in words, "MEXPR_E_FORMAT".
        sentence: what was wrong with which file, node or value, and what to do.

    Every error is also the built-in exception that is nearest to it, so that
    `except FileNotFoundError` and `except ValueError` do what they say.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        try:
            self.status: int = Status(status)
        except ValueError:
            self.status = status
        self.name: str = lib.mexpr_status_name(status).decode()
        self.sentence: str = sentence

    def __str__(self) -> str:
        return self.sentence

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (int(self.status), self.sentence)


class ArgumentError(Error, ValueError):
    """E_ARG, E_RANGE: an argument makes no sense or is outside its bounds."""


class OutOfMemoryError(Error, MemoryError):
    """E_NOMEM: there is not enough memory."""


class LimitError(Error, ValueError):
    """E_LIMIT: a limit of the context would be exceeded."""


class FileError(Error, OSError):
    """E_IO: the operating system refused to read or write a file."""


class NotFoundError(Error, FileNotFoundError, LookupError):
    """E_NOT_FOUND: no such file or name."""


class FormatError(Error, ValueError):
    """E_FORMAT, E_TRUNCATED, E_UNSUPPORTED: bytes that cannot be read."""


class DisabledError(Error, NotImplementedError):
    """E_DISABLED: left out of this build of the library."""


class ModelError(Error, ValueError):
    """E_MODEL, E_OPERATOR, E_OPSET, E_EXTERNAL: the network cannot be used."""


class ShapeError(Error, ValueError):
    """E_SHAPE: sizes do not fit together."""


class ElementTypeError(Error, TypeError):
    """E_TYPE: element types do not fit together."""


class StateError(Error, RuntimeError):
    """E_STATE, E_THREAD, E_INTERNAL, E_ABI: not now, or not on this machine."""


class CancelledError(Error):
    """E_CANCELLED: a callback asked to stop."""


_ERRORS: dict[int, type[Error]] = {
    Status.E_ARG: ArgumentError,
    Status.E_RANGE: ArgumentError,
    Status.E_NOMEM: OutOfMemoryError,
    Status.E_LIMIT: LimitError,
    Status.E_IO: FileError,
    Status.E_FORMAT: FormatError,
    Status.E_TRUNCATED: FormatError,
    Status.E_UNSUPPORTED: FormatError,
    Status.E_NOT_FOUND: NotFoundError,
    Status.E_DISABLED: DisabledError,
    Status.E_MODEL: ModelError,
    Status.E_OPERATOR: ModelError,
    Status.E_OPSET: ModelError,
    Status.E_EXTERNAL: ModelError,
    Status.E_SHAPE: ShapeError,
    Status.E_TYPE: ElementTypeError,
    Status.E_STATE: StateError,
    Status.E_CANCELLED: CancelledError,
    Status.E_THREAD: StateError,
    Status.E_INTERNAL: StateError,
    Status.E_ABI: StateError,
}


def check(status: int, sentence: bytes = b"") -> None:
    """Raises the error that belongs to a negative status."""
    if status < 0:
        text = sentence or lib.mexpr_status_message(status)
        raise _ERRORS.get(status, Error)(status, text.decode("utf-8", "replace"))


E = TypeVar("E", bound=enum.IntEnum)
K = TypeVar("K")


def constant(kind: type[E], value: E | int | str) -> E:
    """The constant itself, or the one of that name in any case: "area", "grey8"."""
    if not isinstance(value, str):
        return kind(value)
    try:
        return kind[value.upper()]
    except KeyError:
        names = ", ".join(member.name.lower() for member in kind)
        raise ValueError(f"{value!r} is not one of {names}") from None


def path_bytes(path: Path) -> bytes:
    """A path as the library takes it."""
    return text_bytes(os.fsencode(path))


def text_bytes(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    if b"\0" in raw:
        raise ValueError("the text has a NUL character inside")
    return raw


def wanted(value: Any, kind: type[K], name: str) -> K:
    """The value, if it is of this class; otherwise a TypeError that names the argument."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


class Handle:
    """Owns one object of the library, or a part of one that `keep` owns.

    Goes to ctypes functions as it is, so that nobody can destroy it during a call.
    """

    __slots__ = ("_as_parameter_", "_destroy", "keep", "__weakref__")

    def __init__(self, pointer: Any, destroy: Callable[[Any], None] | None,
                 keep: object = None) -> None:
        self._as_parameter_ = pointer
        self._destroy = destroy
        self.keep = keep

    def __del__(self) -> None:
        if self._destroy is not None:
            self._destroy(ctypes.byref(self._as_parameter_))


H = TypeVar("H", bound="Owner")


class Owner:
    """What all objects here have in common: close(), and use in a `with` statement.

    Objects also close themselves when the last reference goes away. Arrays that share an
    object's memory stay valid after close().
    """

    _handle: Handle | None = None

    def _use(self) -> Handle:
        handle = self._handle
        if handle is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return handle

    @property
    def closed(self) -> bool:
        return self._handle is None

    def close(self) -> None:
        """Gives the object's memory back. A second call does nothing."""
        self._handle = None

    def __enter__(self: H) -> H:
        self._use()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Speaker(Owner):
    """An owner whose C object works in one thread at a time and keeps a sentence about
    its last failure. A lock lets several Python threads take turns."""

    _last_error: Any = None

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._lock = threading.RLock()

    def _call(self, function: Any, *arguments: Any) -> None:
        """function(self, *arguments); raises when it fails."""
        with self._lock:
            handle = self._use()
            status = function(handle, *arguments)
            if status < 0:
                check(status, type(self)._last_error(handle))


class Caller:
    """Makes Python functions callable by the library, and brings an exception that one of
    them raised over to the caller of the library."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._kept: list[Any] = []

    def keep(self, kind: Any, function: Callable[..., Any], failed: int) -> Any:
        """`function` as a C callback that lives as long as this object. It returns
        `failed` when it raises."""

        def guarded(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except BaseException as error:
                self.error = error
                return failed

        callback = kind(guarded)
        self._kept.append(callback)
        return callback

    def progress(self, progress: Callable[[int, int], object] | None) -> Any:
        """`progress(done, total)`; what it returns does not matter, raising stops."""
        if progress is None:
            return c.mexpr_progress_fn()

        def call(user: int | None, done: int, total: int) -> int:
            progress(done, total)
            return 0

        return self.keep(c.mexpr_progress_fn, call, 1)

    def reraise(self) -> None:
        """Raises what a callback raised, once."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    def run(self, call: Callable[..., None], *arguments: Any) -> None:
        """call(*arguments), then reraise()."""
        try:
            call(*arguments)
        except Error:
            self.reraise()
            raise


class Context(Speaker):
    """What all other objects are made from: limits, threads, instruction sets, logger.

    Args:
        threads: threads that may work at once, 1 to 64.
        cpu: instruction sets that may be used; None for all that there are, 0 for none.
        log: called with a LogLevel and a finished line, from whichever thread works.
        log_level: lines up to this level are given.
        max_pixels, max_frames, max_file_bytes, max_nodes, max_tensor_bytes: limits that
            hold for whatever is read; None for the library's own.
    """

    _last_error = lib.mexpr_context_last_error

    def __init__(self, threads: int = 1, *, cpu: int | None = None,
                 log: Callable[[LogLevel, str], object] | None = None,
                 log_level: LogLevel | int | str = LogLevel.WARNING,
                 max_pixels: int | None = None, max_frames: int | None = None,
                 max_file_bytes: int | None = None, max_nodes: int | None = None,
                 max_tensor_bytes: int | None = None) -> None:
        if threads < 1:
            raise ValueError("threads is the number of threads that work at once, 1 to 64")
        options = c.mexpr_context_options(
            n_threads=threads, log_level=constant(LogLevel, log_level),
            max_pixels=max_pixels or 0, max_frames=max_frames or 0,
            max_file_bytes=max_file_bytes or 0, max_nodes=max_nodes or 0,
            max_tensor_bytes=max_tensor_bytes or 0)
        if cpu is not None:
            options.cpu_mask = cpu
            options.cpu_mask_set = 1
        callback = None
        if log is not None:
            give = log

            def line(user: int | None, level: int, text: bytes) -> None:
                give(LogLevel(level), text.decode("utf-8", "replace"))

            callback = options.log = c.mexpr_log_fn(line)
        out = ctypes.POINTER(c.mexpr_context)()
        check(lib.mexpr_context_create(ctypes.byref(options), ctypes.byref(out)))
        super().__init__(Handle(out, lib.mexpr_context_destroy, callback))

    @property
    def threads(self) -> int:
        """Threads that may work at once."""
        return int(lib.mexpr_context_threads(self._use()))

    @property
    def cpu(self) -> CpuFlag:
        """The instruction sets in use."""
        return CpuFlag(lib.mexpr_context_cpu(self._use()))

    def _make(self, kind: Any, destroy: Any, function: Any, *arguments: Any) -> Handle:
        """A new object by function(self, *arguments, out); it keeps this context's
        callbacks alive."""
        out = ctypes.POINTER(kind)()
        self._call(function, *arguments, ctypes.byref(out))
        return Handle(out, destroy, self._use())

    def _values(self, function: Any, *arguments: Any) -> Memory:
        """A row of float32 from function(self, *arguments, values, capacity, n)."""
        count = ctypes.c_size_t()
        with self._lock:
            self._call(function, *arguments, None, 0, ctypes.byref(count))
            values = new_memory("f4", (count.value,))
            self._call(function, *arguments, values.floats(), count, None)
        return values

    def __repr__(self) -> str:
        return "<Context, closed>" if self.closed else f"<Context, {self.threads} threads>"


_default: Context | None = None
_default_lock = threading.Lock()


def default_context() -> Context:
    """The context of all calls that are given none: one thread, silent, usual limits."""
    global _default
    with _default_lock:
        if _default is None or _default.closed:
            _default = Context()
        return _default


def version() -> str:
    """Version of the library that is loaded, "0.1.0"."""
    return str(lib.mexpr_version_string().decode())


def build_features() -> tuple[str, ...]:
    """What is in this build of the library, e.g. ("jpeg", "png", "gemm=openblas")."""
    return tuple(lib.mexpr_build_features().decode().split())


def cpu_flags() -> CpuFlag:
    """Instruction sets that this machine and this build can use."""
    return CpuFlag(lib.mexpr_cpu_flags())
