# SPDX-License-Identifier: MIT
"""The whole package where numpy is not installed: it is hidden from a second python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = r"""
import sys
sys.modules["numpy"] = None  # importing it fails
import array, struct
import microexpr, onnx_bytes
from microexpr import Field, Flow, Image, Model, Tensor

def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise SystemExit(f"not refused: {call}")

raw = bytearray((x * x + 3 * y) % 256 for y in range(20) for x in range(24))
picture = Image.from_array(memoryview(raw).cast("B", [20, 24]), copy=False)
assert picture.view()[2, 3] == raw[2 * 24 + 3]
raw[0] = 200
assert picture.view()[0, 0] == 200
assert picture.view(writable=True).readonly is False
refused(ImportError, picture.to_numpy)
colour = picture.convert("rgb8")
assert colour.view().shape == (20, 24, 3) and len(colour.tobytes()) == 20 * 24 * 3
part = memoryview(raw).cast("B", [20, 24])[::2]
assert Image.from_array(part).tobytes() == part.tobytes()
assert Image.from_array(colour).tobytes() == colour.tobytes()
assert Image.from_array(memoryview(raw).cast("B", [20, 24])[::-1]).view()[19, 0] == 200
refused(TypeError, lambda: Image.from_array([[1, 2], [3, 4]]))

field = Flow(warps=1).compute(picture, picture)
assert field.u.shape == (20, 24) and field.u.format == "f" and field.u[3, 3] == 0
field.u[3, 3] = 1.5
assert field.u[3, 3] == 1.5 and field.strain().view()[3, 4] > 0
floats = memoryview(array.array("f", range(12))).cast("B").cast("f", [3, 4])
assert Field.from_arrays(floats, floats).v.tolist() == floats.tolist()

session = Model.decode(onnx_bytes.add_and_relu()).session()
x = memoryview(array.array("f", [1, 2, 3])).cast("B").cast("f", [1, 3])
found = session.run({"x": x})
assert isinstance(found["sum"], Tensor) and found["sum"].tolist() == [[2, 0, 6]]
assert session.run(found["sum"])["sum"].tolist() == [[3, -2, 9]]
assert found["sum"].__array_interface__["shape"] == (1, 3)
refused(TypeError, lambda: session.run([[1, 2, 3]]))
scalar = Tensor.decode_pb(onnx_bytes.floats("t", [], [2.5]))
assert scalar.shape == () and scalar.tolist() == 2.5
empty = Tensor.decode_pb(onnx_bytes.floats("t", [2, 0], []))
assert empty.shape == (2, 0) and empty.tobytes() == b""

result = microexpr.recognize(picture, picture, cropped=True)
assert result.label in result.scores and result.field.u.readonly
print("done")
"""


def test_everything_works_without_numpy() -> None:
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent)])
    done = subprocess.run([sys.executable, "-B", "-c", PROGRAM], capture_output=True,
                          env={**os.environ, "PYTHONPATH": path}, text=True, check=False)
    assert done.returncode == 0 and done.stdout.strip() == "done", done.stderr
