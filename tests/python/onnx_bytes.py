# SPDX-License-Identifier: MIT
"""Writes small ONNX files by hand: the protobuf wire format, nothing else."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def block(field: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def tensor(name: str, dtype: int, dims: Sequence[int], raw: bytes) -> bytes:
    """A TensorProto."""
    return (b"".join(number(1, extent) for extent in dims) + number(2, dtype)
            + block(8, name) + block(9, raw))


def floats(name: str, dims: Sequence[int], values: Sequence[float]) -> bytes:
    return tensor(name, 1, dims, struct.pack(f"<{len(values)}f", *values))


def value(name: str, dtype: int, dims: Sequence[int | str]) -> bytes:
    """A ValueInfoProto; a string is a free extent."""
    shape = b"".join(
        block(1, number(1, extent) if isinstance(extent, int) else block(2, extent))
        for extent in dims)
    return block(1, name) + block(2, block(1, number(1, dtype) + block(2, shape)))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], name: str) -> bytes:
    return (b"".join(block(1, text) for text in inputs)
            + b"".join(block(2, text) for text in outputs) + block(3, name) + block(4, op))


def model(name: str, nodes: Sequence[bytes], inputs: Sequence[bytes],
          outputs: Sequence[bytes], weights: Sequence[bytes] = (), opset: int = 13,
          metadata: dict[str, str] | None = None) -> bytes:
    """A ModelProto."""
    graph = b"".join([
        *(block(1, item) for item in nodes), block(2, name),
        *(block(5, item) for item in weights), *(block(11, item) for item in inputs),
        *(block(12, item) for item in outputs)])
    entries = b"".join(block(14, block(1, key) + block(2, text))
                       for key, text in (metadata or {}).items())
    return (number(1, 8) + block(2, "by hand") + block(7, graph)
            + block(8, number(2, opset)) + entries)


def add_and_relu() -> bytes:
    """sum = x + (1, -2, 3); positive = max(sum, 0), for x of N×3 floats."""
    return model(
        "small", [node("Add", ["x", "w"], ["sum"], "plus"),
                  node("Relu", ["sum"], ["positive"], "cut")],
        [value("x", 1, ["N", 3])],
        [value("sum", 1, ["N", 3]), value("positive", 1, ["N", 3])],
        [floats("w", [3], [1, -2, 3])], metadata={"author": "nobody"})


def two_inputs() -> bytes:
    """c = a + b for 2×2 floats."""
    return model("two", [node("Add", ["a", "b"], ["c"], "plus")],
                 [value("a", 1, [2, 2]), value("b", 1, [2, 2])], [value("c", 1, [2, 2])])
