# SPDX-License-Identifier: MIT
from __future__ import annotations

import csv
import io
import os
import threading
from pathlib import Path
from typing import Any

import onnx_bytes
import pytest

import microexpr
from microexpr import Model, Node, Rewrite, Tensor, TensorInfo

np = pytest.importorskip("numpy", reason="numpy is not installed")


@pytest.fixture()
def model() -> Model:
    return Model.decode(onnx_bytes.add_and_relu())


X = np.array([[1, 2, 3], [-9, 0, 0.5]], np.float32)
W = np.array([1, -2, 3], np.float32)


def test_what_a_model_says(model: Model) -> None:
    assert model.inputs == (TensorInfo("x", "float32", (None, 3)),)
    assert [info.name for info in model.outputs] == ["sum", "positive"]
    assert model.nodes == (Node("plus", "Add"), Node("cut", "Relu"))
    assert (model.name, model.producer, model.opset) == ("small", "by hand", 13)
    assert model.n_parameters == 3
    assert model.metadata("author") == "nobody" and model.metadata("no") is None
    assert "small" in repr(model)


def test_run(model: Model) -> None:
    session = model.session()
    for x in (X, X[:1], np.repeat(X, 7, axis=0)):
        found = session.run({"x": x})
        assert list(found) == ["sum", "positive"]
        assert (found["sum"] == x + W).all()
        assert (found["positive"] == np.maximum(x + W, 0)).all()
        assert found["sum"].dtype == np.float32


def test_outputs_are_the_callers_own(model: Model) -> None:
    session = model.session()
    first = session.run({"x": X})["sum"]
    kept = first.copy()
    session.run({"x": X * 100})
    assert (first == kept).all()
    first[:] = 0


def test_ways_to_give_an_input(model: Model) -> None:
    session = model.session()
    wanted = X + W
    readonly = X.copy()
    readonly.flags.writeable = False
    for x in (X, X.tolist(), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2],
              memoryview(X), readonly, Tensor.decode_npy(npy(X))):
        assert (session.run(x, outputs=["sum"])["sum"] == wanted).all()


def test_bad_inputs(model: Model) -> None:
    session = model.session()
    with pytest.raises(microexpr.ElementTypeError):
        session.run({"x": X.astype(np.int64)})
    with pytest.raises(TypeError, match="float32"):
        session.run({"x": X.astype(np.float64)})
    with pytest.raises(microexpr.ShapeError):
        session.run({"x": X[:, :2].copy()})
    with pytest.raises(LookupError, match="y"):
        session.run({"y": X})
    with pytest.raises(microexpr.StateError, match="x"):
        session.run({})
    with pytest.raises(LookupError):
        session.run({"x": X}, outputs=["none"])
    with pytest.raises(ValueError, match="8 axes"):
        session.run({"x": X.reshape([1] * 9 + [6])})
    assert (session.run({"x": X})["sum"] == X + W).all()


def test_several_inputs_need_names() -> None:
    session = Model.decode(onnx_bytes.two_inputs()).session()
    a = np.eye(2, dtype=np.float32)
    assert (session.run({"a": a, "b": 2 * a})["c"] == 3 * a).all()
    with pytest.raises(ValueError, match="by name: a, b"):
        session.run(a)


def test_bad_models(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Model.load(tmp_path / "none.onnx")
    for data in (b"", b"no model", onnx_bytes.add_and_relu()[:60]):
        with pytest.raises(microexpr.Error):
            Model.decode(data)
    strange = onnx_bytes.model(
        "s", [onnx_bytes.node("Frobnicate", ["x"], ["y"], "the_node")],
        [onnx_bytes.value("x", 1, [1])], [onnx_bytes.value("y", 1, [1])])
    with pytest.raises(microexpr.ModelError, match="the_node") as caught:
        Model.decode(strange)
    assert caught.value.name == "MEXPR_E_OPERATOR"


def test_load_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes.add_and_relu())
    for name in (path, str(path), bytes(path)):
        assert Model.load(name).n_parameters == 3


def test_rewrites() -> None:
    data = onnx_bytes.add_and_relu()
    plain = Model.decode(data, rewrites=0)
    assert all(plain.n_rewrites(rewrite) == 0 for rewrite in Rewrite)
    found, wanted = Model.decode(data).session().run(X), plain.session().run(X)
    assert all((found[name] == wanted[name]).all() for name in wanted)


def test_sessions_outlive_their_model(model: Model) -> None:
    session = model.session()
    model.close()
    assert (session.run(X)["sum"] == X + W).all()
    with pytest.raises(ValueError, match="closed"):
        model.session()


def test_threads_share_a_model(model: Model) -> None:
    right = []

    def work(scale: float) -> None:
        session = model.session()
        right.append(all((session.run(X * scale)["sum"] == X * np.float32(scale) + W).all()
                         for _ in range(50)))

    threads = [threading.Thread(target=work, args=(scale,)) for scale in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 5


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int32, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_npy_there_and_back(dtype: Any, shape: Any, tmp_path: Path) -> None:
    source = np.asarray(np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape).astype(dtype)
    tensor = Tensor.decode_npy(npy(source))
    assert tensor.shape == shape and tensor.dtype == np.dtype(dtype).name
    assert (tensor.to_numpy() == source).all()
    assert not tensor.to_numpy().flags.writeable
    microexpr.write_npy(tmp_path / "a.npy", source)
    again = np.load(tmp_path / "a.npy")
    assert again.dtype == source.dtype and again.shape == shape and (again == source).all()
    assert (np.asarray(Tensor.read(tmp_path / "a.npy")) == source).all()
    if 0 not in shape:
        assert tensor.tolist() == source.tolist()


def test_tensor_proto() -> None:
    tensor = Tensor.decode_pb(onnx_bytes.floats("t", [2, 2], [1, 2, 3, 4]))
    assert tensor.name == "t" and tensor.tolist() == [[1, 2], [3, 4]]
    assert "'t'" in repr(tensor)


def test_bad_npy() -> None:
    whole = npy(X)
    for data in (b"", whole[:40], whole[:-1], b"garbage" * 20):
        with pytest.raises(microexpr.FormatError):
            Tensor.decode_npy(data)
    with pytest.raises(microexpr.FormatError) as caught:
        Tensor.decode_npy(npy(X.astype(np.complex64)))
    assert caught.value.status == microexpr.Status.E_UNSUPPORTED


def test_published_folds() -> None:
    """The published STSTNet weights on their clips: same class, logits within 1e-3."""
    root = os.environ.get("MEXPR_TEST_DATA")
    if not root:
        pytest.skip("set the build option test_data to the folder of real data")
    if "png" not in microexpr.build_features():
        pytest.skip("this build has no PNG")
    folder = Path(root) / "ststnet"
    with open(folder / "expected_logits.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    sessions: dict[str, microexpr.Session] = {}
    for row in rows:
        subject = row["subject"]
        if subject not in sessions:
            sessions[subject] = Model.load(folder / f"{subject}.onnx").session()
        picture = microexpr.Image.read(
            Path(root) / "megc2019" / "flow28" / row["file"]).convert("bgr8")
        planes = picture.to_numpy().transpose(2, 0, 1)[None].astype(np.float32)
        found = sessions[subject].run({"flow": planes})["logits"][0]
        expected = np.array([float(text) for name, text in row.items()
                             if name.startswith("logit")])
        assert found.argmax() == expected.argmax()
        assert np.abs(found - expected).max() < 1e-3


def test_drop_source(model: Model) -> None:
    lean = Model.decode(model.encode(), drop_source=True)
    kept, left = model.session().memory, lean.session().memory
    assert left.source_bytes == 0
    assert left.weight_bytes == kept.weight_bytes - kept.source_bytes


def test_profile(model: Model) -> None:
    with model.session() as session:
        assert session.steps == ()
        assert session.memory.block_bytes == 0
        session.profile()
        inputs = {info.name: np.zeros([extent or 1 for extent in info.shape or ()],
                                      info.dtype) for info in model.inputs}
        session.run(inputs)
        session.run(inputs)
        assert session.steps
        assert all(step.n_runs == 2 and step.milliseconds >= 0 for step in session.steps)
        assert session.memory.block_bytes > 0
        session.profile(False)
        session.run(inputs)
        assert session.steps[0].n_runs == 2


def test_writing(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "copy.onnx"
    model.write(path)
    assert path.read_bytes() == model.encode()
    copy = Model.load(path)
    assert (copy.nodes, copy.inputs, copy.n_trainable) == (model.nodes, model.inputs, 3)
    assert copy.metadata("author") == "nobody"
    assert (copy.session().run(X)["sum"] == X + W).all()
    with pytest.raises(microexpr.FileError):
        model.write(tmp_path / "none" / "copy.onnx")


def test_builder() -> None:
    b = microexpr.Builder("small", opset=13, seed=2)
    b.input("x", (None, 3))
    b.initializer("w", W)
    b.initializer("shape", np.array([-1, 1, 3]), "constant")
    b.random("m", (3, 2), "xavier_uniform")
    b.node("Add", ["x", "w"], ["sum"], "plus")
    b.node("LeakyRelu", ["sum"], ["cut"], alpha=0.5)
    b.node("Constant", [], ["k"], value=np.float32([2, 4, 8]))
    b.node("Mul", ["cut", "k"], ["scaled"])
    b.initializer("top", np.array(7, np.float32), "constant")
    b.node("Clip", ["scaled", None, "top"], ["clipped"])
    b.node("ReduceSum", ["clipped"], ["y"], keepdims=0)
    b.node("Reshape", ["x", "shape"], ["r"])
    b.node("Transpose", ["r"], ["z"], perm=[0, 2, 1])
    b.node("MatMul", ["x", "m"], ["p"])
    for name in ("y", "z", "p"):
        b.output(name)
    b.metadata("who", "me")
    model = b.finish()
    assert b.closed and model.metadata("who") == "me" and model.opset == 13
    assert (model.n_trainable, model.n_parameters) == (9, 13)
    found = model.session().run(X)
    cut = np.where(X + W > 0, X + W, (X + W) / 2) * np.float32([2, 4, 8])
    assert np.allclose(found["y"], np.minimum(cut, 7).sum())
    assert (found["z"][:, :, 0] == X).all() and found["p"].shape == (2, 2)


def test_a_builder_that_failed() -> None:
    b = microexpr.Builder("bad")
    with pytest.raises(microexpr.ModelError, match="Convolve"):
        b.node("Convolve", ["x"], ["y"])
    with pytest.raises(microexpr.ModelError, match="Convolve"):
        b.finish()
    with pytest.raises(ValueError, match="xavier_uniform"):
        microexpr.Builder("bad").random("w", (1,), "glorot")
