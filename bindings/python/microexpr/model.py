# SPDX-License-Identifier: MIT
"""Neural networks in ONNX files: include/microexpr/model.h."""

from __future__ import annotations

import ctypes
import enum
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from . import _signatures as c
from ._buffer import Memory, bytes_of, memory_of, new_memory, numpy_or_none
from ._library import lib
from .base import (Context, Handle, Owner, Path, Speaker, check, constant,
                   default_context, path_bytes, text_bytes, wanted)

if TYPE_CHECKING:
    from ._buffer import AnyArray

MAX_RANK = c.MEXPR_MAX_RANK


class DType(enum.IntEnum):
    """Element types of tensors."""

    F32 = 1
    U8 = 2
    I32 = 6
    I64 = 7
    BOOL = 9


class Rewrite(enum.IntFlag):
    """What loading may rewrite; the values stay the same."""

    NO_OP = 1
    BATCH_NORM = 2
    EPILOGUE = 4
    FUNCTION = 8
    SOFTMAX_ONE = 16
    PAD = 32
    GATE = 64
    LAYOUT = 128
    WINOGRAD = 256
    COMMON = 512
    LINEAR = 1024
    ALL = 0x7FFFFFFF


class Role(enum.IntEnum):
    """What an initializer is to training."""

    CONSTANT = 0
    PARAMETER = 1


class Init(enum.IntEnum):
    """How random initializers begin; docs/model.md has the formulas."""

    FILL = 0
    UNIFORM = 1
    NORMAL = 2
    FAN_IN_UNIFORM = 3
    HE_NORMAL = 4
    XAVIER_UNIFORM = 5


_ELEMENTS = {DType.F32: "f4", DType.U8: "u1", DType.I32: "i4", DType.I64: "i8",
             DType.BOOL: "b1"}
_DTYPES = {element: dtype for dtype, element in _ELEMENTS.items()}


def _dtype_name(dtype: int) -> str:
    return str(lib.mexpr_dtype_name(dtype).decode())


class TensorInfo(NamedTuple):
    """What a model says about an input or output.

    Attributes:
        name: how to call it.
        dtype: "float32", "uint8", "int32", "int64" or "bool".
        shape: extents, None where any will do; None as a whole: not stated.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


class Node(NamedTuple):
    """A node of the network: its name and operator."""

    name: str
    op: str


class Step(NamedTuple):
    """A step of what a session runs: a node, or several that loading has joined.

    Attributes:
        name: of the node, "" when it has none.
        op: operator.
        n_threads: threads that the plan gives it.
        shape: of its first output; None when nobody needs that.
        multiply_adds: of one run; 0 for a step that moves data.
        result_bytes: of all its outputs.
        scratch_bytes: of memory to work in.
        n_runs: runs that were timed.
        milliseconds: that these took together.
        min_milliseconds: that the fastest took.
    """

    name: str
    op: str
    n_threads: int
    shape: tuple[int, ...] | None
    multiply_adds: float
    result_bytes: int
    scratch_bytes: int
    n_runs: int
    milliseconds: float
    min_milliseconds: float


class SessionMemory(NamedTuple):
    """The memory of a session's plan.

    Attributes:
        weight_bytes: of the model: weights and what was computed from them.
        source_bytes: of these, what only Model.write() needs.
        block_bytes: one block for all results and scratch memory.
        result_bytes: all results, had each a place of its own.
        scratch_bytes: the largest scratch memory of a step.
    """

    weight_bytes: int
    source_bytes: int
    block_bytes: int
    result_bytes: int
    scratch_bytes: int


def _view_of(memory: Memory) -> c.mexpr_tensor_view:
    """The C description of a packed array."""
    dtype = _DTYPES.get(memory.type)
    if dtype is None:
        raise TypeError(f"tensors have no elements of type {memory.type}; convert to "
                        "float32, uint8, int32, int64 or bool")
    if len(memory.shape) > MAX_RANK:
        raise ValueError(f"tensors have at most {MAX_RANK} axes, not {len(memory.shape)}")
    view = c.mexpr_tensor_view(dtype=dtype, rank=len(memory.shape), data=memory.address)
    view.dims[:len(memory.shape)] = memory.shape
    return view


def _memory_of_view(view: c.mexpr_tensor_view, keep: object) -> Memory:
    return Memory(view.data or 0, _ELEMENTS[DType(view.dtype)], tuple(view.dims[:view.rank]),
                  None, True, keep)


class Tensor:
    """An array of numbers in C order: to NumPy an array (`numpy.asarray(tensor)` shares
    the memory), elsewhere view() and tolist()."""

    def __init__(self, memory: Memory, name: str = "") -> None:
        self._memory = memory
        self.name = name

    @classmethod
    def _new(cls, context: Context | None, function: Any, *arguments: Any) -> Tensor:
        handle = (context or default_context())._make(
            c.mexpr_tensor, lib.mexpr_tensor_destroy, function, *arguments)
        view = c.mexpr_tensor_view()
        check(lib.mexpr_tensor_get(handle, ctypes.byref(view)))
        return cls(_memory_of_view(view, handle), lib.mexpr_tensor_name(handle).decode())

    @classmethod
    def read(cls, path: Path, *, context: Context | None = None) -> Tensor:
        """Reads a `.npy` file or a `.pb` file with an ONNX TensorProto."""
        return cls._new(context, lib.mexpr_tensor_read, path_bytes(path))

    @classmethod
    def decode_npy(cls, data: Any, *, context: Context | None = None) -> Tensor:
        """A `.npy` file in memory."""
        memory = bytes_of(data)
        return cls._new(context, lib.mexpr_tensor_decode_npy, memory.address, memory.nbytes)

    @classmethod
    def decode_pb(cls, data: Any, *, context: Context | None = None) -> Tensor:
        """A serialised ONNX TensorProto."""
        memory = bytes_of(data)
        return cls._new(context, lib.mexpr_tensor_decode_pb, memory.address, memory.nbytes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents."""
        return self._memory.shape

    @property
    def dtype(self) -> str:
        """Element type, e.g. "float32"."""
        return _dtype_name(_DTYPES[self._memory.type])

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._memory.__array_interface__

    def to_numpy(self) -> AnyArray:
        """A read-only ndarray that shares the memory."""
        return self._memory.to_numpy()

    def view(self) -> memoryview:
        """A read-only memoryview of the tensor's shape."""
        return self._memory.view()

    def tobytes(self) -> bytes:
        """A copy of the elements."""
        return self._memory.tobytes()

    def tolist(self) -> Any:
        """Nested lists of numbers; a number for a tensor without axes."""
        return self.view().tolist()

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r}, {self.dtype} {self.shape}>"


def write_npy(path: Path, array: Any, *, context: Context | None = None) -> None:
    """Writes an array as a `.npy` file, whole or not at all."""
    packed = memory_of(array).packed()
    (context or default_context())._call(
        lib.mexpr_tensor_write_npy, ctypes.byref(_view_of(packed)), path_bytes(path))


class Model(Owner):
    """A network as read, checked and prepared. Immutable: threads may share it, each with
    a session of its own."""

    def __init__(self, handle: Handle, context: Context) -> None:
        self._handle = handle
        self._context = context

    @classmethod
    def _new(cls, context: Context | None, function: Any, *arguments: Any) -> Model:
        context = context or default_context()
        return cls(context._make(c.mexpr_model, lib.mexpr_model_destroy, function,
                                 *arguments), context)

    @classmethod
    def load(cls, path: Path, *, rewrites: int = Rewrite.ALL, drop_source: bool = False,
             context: Context | None = None) -> Model:
        """Reads an ONNX file, opset 1 to 21, with the side files beside it.

        With drop_source, weights that running does not need in the form in which they
        came are given up, and the model cannot be written."""
        options = c.mexpr_model_options(rewrites=rewrites, drop_source=int(drop_source))
        return cls._new(context, lib.mexpr_model_load_with, path_bytes(path),
                        ctypes.byref(options))

    @classmethod
    def decode(cls, data: Any, *, rewrites: int = Rewrite.ALL, drop_source: bool = False,
               context: Context | None = None) -> Model:
        """The same from the bytes of a file, which can have no side files."""
        memory = bytes_of(data)
        options = c.mexpr_model_options(rewrites=rewrites, drop_source=int(drop_source))
        return cls._new(context, lib.mexpr_model_load_memory_with, memory.address,
                        memory.nbytes, ctypes.byref(options))

    def _infos(self, count: Any, get: Any) -> tuple[TensorInfo, ...]:
        handle = self._use()
        infos = []
        for index in range(count(handle)):
            info = c.mexpr_tensor_info()
            check(get(handle, index, ctypes.byref(info)))
            dims = tuple(None if extent < 0 else extent
                         for extent in info.dims[:max(info.rank, 0)])
            infos.append(TensorInfo((info.name or b"").decode(), _dtype_name(info.dtype),
                                    dims if info.rank >= 0 else None))
        return tuple(infos)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What run() has to be given."""
        return self._infos(lib.mexpr_model_n_inputs, lib.mexpr_model_input)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What run() gives."""
        return self._infos(lib.mexpr_model_n_outputs, lib.mexpr_model_output)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes in the order of the file."""
        handle = self._use()
        nodes = []
        for index in range(lib.mexpr_model_n_nodes(handle)):
            name, op = ctypes.c_char_p(), ctypes.c_char_p()
            check(lib.mexpr_model_node(handle, index, ctypes.byref(name), ctypes.byref(op)))
            nodes.append(Node((name.value or b"").decode(), (op.value or b"").decode()))
        return tuple(nodes)

    def metadata(self, key: str) -> str | None:
        """An entry of the file's metadata, None when absent."""
        value = lib.mexpr_model_metadata(self._use(), text_bytes(key))
        return None if value is None else str(value.decode("utf-8", "replace"))

    @property
    def name(self) -> str:
        """The graph's name."""
        return str(lib.mexpr_model_name(self._use()).decode("utf-8", "replace"))

    @property
    def producer(self) -> str:
        """What wrote the file."""
        return str(lib.mexpr_model_producer(self._use()).decode("utf-8", "replace"))

    @property
    def opset(self) -> int:
        """Version of the operators."""
        return int(lib.mexpr_model_opset(self._use()))

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return int(lib.mexpr_model_n_parameters(self._use()))

    def n_rewrites(self, rewrite: Rewrite) -> int:
        """How often loading did one of the rewrites."""
        return int(lib.mexpr_model_n_rewrites(self._use(), rewrite))

    @property
    def n_trainable(self) -> int:
        """Number of those weights that training changes."""
        return int(lib.mexpr_model_n_trainable(self._use()))

    def write(self, path: Path) -> None:
        """Writes an ONNX file, whole or not at all."""
        self._context._call(lib.mexpr_model_write, self._use(), path_bytes(path))

    def encode(self) -> bytes:
        """The bytes of that file."""
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        context = self._context
        with context._lock:
            context._call(lib.mexpr_model_encode, self._use(), ctypes.byref(data),
                          ctypes.byref(size))
            try:
                return ctypes.string_at(data, size.value)
            finally:
                lib.mexpr_bytes_free(context._use(), ctypes.byref(data))

    def extract(self, inputs: Iterable[str], outputs: Iterable[str]) -> Model:
        """What leads from the tensors `inputs` to the tensors `outputs`, as a model of its
        own that shares the weights: `model.extract(["x"], ["features"])`."""
        return self._new(self._context, lib.mexpr_model_extract, self._use(),
                         *_strings(inputs), *_strings(outputs))

    def annotate(self, metadata: Mapping[str, str | None] | None = None, *,
                 name: str | None = None) -> Model:
        """The network under another name and with entries of the metadata set, None to
        take one out: `model.annotate({"microexpr.labels": "a,b,c"})`. Shares the weights."""
        entries = dict(metadata or {})
        keys, n = _strings(entries)
        texts, _ = _strings(entries.values())
        return self._new(self._context, lib.mexpr_model_annotate, self._use(),
                         None if name is None else text_bytes(name), keys, texts, n)

    def session(self) -> Session:
        """Working memory to run the network in one thread."""
        return Session(self)

    def __repr__(self) -> str:
        return "<Model, closed>" if self.closed else (
            f"<Model {self.name!r}, {self.n_parameters} parameters>")


# A network, or the path of its ONNX file.
ModelLike = Union[Model, str, "os.PathLike[str]"]


def model_of(source: ModelLike, context: Context) -> Model:
    """The network itself, or the file read."""
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        return Model.load(source, context=context)
    return wanted(source, Model, "model")


def _int64s(values: Iterable[int]) -> tuple[Any, int]:
    numbers = list(values)
    return (ctypes.c_int64 * max(len(numbers), 1))(*numbers), len(numbers)


def _strings(values: Iterable[str | None]) -> tuple[Any, int]:
    texts = [None if value is None else text_bytes(value) for value in values]
    return (ctypes.c_char_p * max(len(texts), 1))(*texts), len(texts)


class Builder(Speaker):
    """A network under construction.

    >>> import microexpr
    >>> b = microexpr.Builder("small")
    >>> b.input("x", (None, 3))
    >>> b.random("w", (2, 3), "xavier_uniform")
    >>> b.node("Gemm", ["x", "w"], ["y"], transB=1)
    >>> b.output("y")
    >>> b.finish()
    <Model 'small', 6 parameters>

    A builder that has raised an Error stays failed: begin anew.
    """

    _last_error = lib.mexpr_builder_last_error

    def __init__(self, name: str, *, opset: int | None = None, seed: int = 0,
                 context: Context | None = None) -> None:
        self._context = context or default_context()
        super().__init__(self._context._make(
            c.mexpr_builder, lib.mexpr_builder_destroy, lib.mexpr_builder_create,
            text_bytes(name)))
        if opset is not None:
            self.opset("", opset)
        self._call(lib.mexpr_builder_seed, seed)

    def opset(self, domain: str, version: int) -> None:
        """Chooses the opset of a domain, "" for ONNX's own, before nodes are added."""
        self._call(lib.mexpr_builder_opset, text_bytes(domain), version)

    def input(self, name: str, shape: Iterable[int | None] | None,
              dtype: DType | str = DType.F32) -> None:
        """An input of the network; None for an extent that is open."""
        dims, rank = _int64s(-1 if d is None else d for d in shape or ())
        self._call(lib.mexpr_builder_input, text_bytes(name), constant(DType, dtype),
                   -1 if shape is None else rank, dims)

    def initializer(self, name: str, array: Any, role: Role | str = Role.PARAMETER) -> None:
        """An initializer with these numbers; `role` "parameter" or "constant"."""
        packed = memory_of(array).packed()
        self._call(lib.mexpr_builder_initializer, text_bytes(name),
                   ctypes.byref(_view_of(packed)), constant(Role, role))

    def random(self, name: str, shape: Iterable[int],
               init: Init | str = Init.FAN_IN_UNIFORM, scale: float = 1,
               role: Role | str = Role.PARAMETER) -> None:
        """A float32 initializer, filled or drawn."""
        dims, rank = _int64s(shape)
        self._call(lib.mexpr_builder_random, text_bytes(name), rank, dims,
                   constant(Init, init), scale, constant(Role, role))

    def _attribute(self, name: str, value: Any) -> None:
        key = text_bytes(name)
        if isinstance(value, int):
            self._call(lib.mexpr_builder_int, key, value)
        elif isinstance(value, float):
            self._call(lib.mexpr_builder_float, key, value)
        elif isinstance(value, str):
            self._call(lib.mexpr_builder_string, key, text_bytes(value))
        elif not isinstance(value, (list, tuple)):
            packed = memory_of(value).packed()
            self._call(lib.mexpr_builder_tensor, key, ctypes.byref(_view_of(packed)))
        elif all(isinstance(item, int) for item in value):
            self._call(lib.mexpr_builder_ints, key, *_int64s(value))
        elif all(isinstance(item, str) for item in value):
            self._call(lib.mexpr_builder_strings, key, *_strings(value))
        else:
            floats = (ctypes.c_float * len(value))(*value)
            self._call(lib.mexpr_builder_floats, key, floats, len(value))

    def node(self, op: str, inputs: Iterable[str | None], outputs: Iterable[str | None],
             name: str = "", domain: str = "", **attributes: Any) -> None:
        """A node. Attributes are ints, floats, strings, lists of these, or arrays."""
        with self._lock:
            for key, value in attributes.items():
                self._attribute(key, value)
            self._call(lib.mexpr_builder_node, text_bytes(op), text_bytes(domain),
                       *_strings(inputs), *_strings(outputs), text_bytes(name))

    def output(self, name: str) -> None:
        """Makes a value an output of the network."""
        self._call(lib.mexpr_builder_output, text_bytes(name))

    def metadata(self, key: str, value: str) -> None:
        """An entry of the file's metadata."""
        self._call(lib.mexpr_builder_metadata, text_bytes(key), text_bytes(value))

    def finish(self) -> Model:
        """The model; the builder is closed."""
        out = ctypes.POINTER(c.mexpr_model)()
        self._call(lib.mexpr_builder_finish, ctypes.byref(out))
        model = Model(Handle(out, lib.mexpr_model_destroy, self._context._use()),
                      self._context)
        self.close()
        return model

    def __repr__(self) -> str:
        return "<Builder, closed>" if self.closed else "<Builder>"


class Session(Speaker):
    """Working memory to run a model. Threads take turns on one session; to work at the
    same time each makes its own."""

    _last_error = lib.mexpr_session_last_error

    def __init__(self, model: Model) -> None:
        wanted(model, Model, "model")
        out = ctypes.POINTER(c.mexpr_session)()
        check(lib.mexpr_session_create(model._use(), ctypes.byref(out)))
        super().__init__(Handle(out, lib.mexpr_session_destroy, model._use()))
        self._inputs = model.inputs
        self._outputs = model.outputs

    def run(self, inputs: Mapping[str, Any] | Any,
            outputs: Iterable[str] | None = None) -> dict[str, Any]:
        """Runs the network.

        Args:
            inputs: {name: array}; or the array alone for a network with one input. Arrays
                are of the input's type and shape, without a copy where they are in C
                order; nested lists are converted where numpy is installed.
            outputs: names of the outputs wanted; None for all.

        Returns:
            {name: array}: ndarrays of their own, or Tensors without numpy.
        """
        if not isinstance(inputs, Mapping):
            if len(self._inputs) != 1:
                names = ", ".join(info.name for info in self._inputs)
                raise ValueError(f"give the inputs by name: {names}")
            inputs = {self._inputs[0].name: inputs}
        wanted = [info.name for info in self._outputs] if outputs is None else list(outputs)
        with self._lock:
            held = [self._set(name, array) for name, array in inputs.items()]
            self._call(lib.mexpr_session_run)
            del held
            return {name: self._get(name) for name in wanted}

    def profile(self, on: bool = True) -> None:
        """Starts timing every step of every run, from zero, or ends it."""
        with self._lock:
            self._call(lib.mexpr_session_profile, int(on))

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the last run consisted of, with times since profile()."""
        steps = []
        with self._lock:
            for index in range(lib.mexpr_session_n_steps(self._use())):
                info = c.mexpr_step_info()
                self._call(lib.mexpr_session_step, index, ctypes.byref(info))
                steps.append(Step(
                    (info.name or b"").decode("utf-8", "replace"), info.op.decode(),
                    info.n_threads,
                    None if info.rank < 0 else tuple(info.dims[:info.rank]),
                    info.multiply_adds, info.result_bytes, info.scratch_bytes,
                    info.n_runs, info.milliseconds,
                    info.min_milliseconds))
        return tuple(steps)

    @property
    def memory(self) -> SessionMemory:
        """The memory that the last run needed; before the first, the weights alone."""
        info = c.mexpr_memory_info()
        with self._lock:
            self._call(lib.mexpr_session_memory, ctypes.byref(info))
        return SessionMemory(info.weight_bytes, info.source_bytes, info.block_bytes,
                             info.result_bytes, info.scratch_bytes)

    def _set(self, name: str, array: Any) -> Memory:
        if isinstance(array, (list, tuple, int, float)):
            numpy = numpy_or_none()
            if numpy is None:
                raise TypeError("lists can be converted only where numpy is installed")
            dtypes = {info.name: info.dtype for info in self._inputs}
            array = numpy.asarray(array, dtypes.get(name))
        packed = memory_of(array).packed()
        self._call(lib.mexpr_session_set_input, text_bytes(name),
                   ctypes.byref(_view_of(packed)))
        return packed

    def _get(self, name: str) -> Any:
        view = c.mexpr_tensor_view()
        self._call(lib.mexpr_session_output, text_bytes(name), ctypes.byref(view))
        shared = _memory_of_view(view, None)
        own = new_memory(shared.type, shared.shape)
        ctypes.memmove(own.address, shared.address, shared.nbytes)
        return Tensor(own, name) if numpy_or_none() is None else own.to_numpy()

    def __repr__(self) -> str:
        return "<Session, closed>" if self.closed else "<Session>"
