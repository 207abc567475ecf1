# SPDX-License-Identifier: MIT
from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import onnx_bytes
import pytest

import microexpr
from microexpr import Box, Context, Image, Model, Recognizer, Result

np = pytest.importorskip("numpy", reason="numpy is not installed")

STAGES = ["prepare", "flow", "picture", "model", "face"]


def frame(shift: float = 0.0, height: int = 60, width: int = 50) -> Any:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (128 + 50 * np.sin((x - shift) / 4) * np.cos(y / 5)
            + 40 * np.sin(x / 9 + (y + shift) / 6)).astype(np.uint8)


@pytest.fixture(scope="module")
def result() -> Result:
    return Recognizer().run(frame(), frame(1.0), cropped=True)


def test_result(result: Result) -> None:
    assert len(result.scores) >= 2 and result.label in result.scores
    assert list(result.scores) == list(result.logits)
    assert abs(sum(result.scores.values()) - 1) < 1e-6
    assert result.scores[result.label] == max(result.scores.values())
    assert list(result.scores)[result.index] == result.label
    assert list(result.milliseconds) == STAGES
    assert all(time >= 0 for time in result.milliseconds.values())
    assert result.field.u.shape == (60, 50) and abs(result.field.u.mean()) > 0.1
    assert result.picture.format is microexpr.Format.RGB8
    assert repr(result).startswith(f"<Result '{result.label}'")


def test_its_flow_is_the_flow(result: Result) -> None:
    field = microexpr.Flow().compute(frame(), frame(1.0))
    assert (field.u == result.field.u).all() and (field.v == result.field.v).all()
    width = result.picture.width
    assert (field.picture(width, result.picture.height).to_numpy()
            == result.picture.to_numpy()).all()


def test_results_cannot_be_written_to(result: Result) -> None:
    assert not result.field.u.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        result.picture.to_numpy(writable=True)
    with pytest.raises(ValueError, match="result"):
        microexpr.Flow().compute(frame(), frame(1.0), result.field)


def test_parts_outlive_the_result() -> None:
    result = microexpr.recognize(frame(), frame(1.0), cropped=True)
    field, picture = result.field, result.picture.to_numpy()
    kept = picture.copy(), field.u.copy()
    result.close()
    del result
    gc.collect()
    assert (picture == kept[0]).all() and (field.u == kept[1]).all()


def test_face_box() -> None:
    onset, apex = (np.pad(frame(shift), 10) for shift in (0.0, 1.0))
    with Recognizer() as recognizer:
        inside = recognizer.run(onset, apex, Box(10, 10, 50, 60))
        again = recognizer.run(onset, apex, face=(10, 10, 50, 60))
        plain = recognizer.run(frame(), frame(1.0), cropped=True)
        assert inside.scores == again.scores == plain.scores
        with pytest.raises(microexpr.ArgumentError):
            recognizer.run(onset, apex, Box(40, 10, 50, 60))
        with pytest.raises(microexpr.ShapeError):
            recognizer.run(onset, frame(), cropped=True)
    with pytest.raises(ValueError, match="closed"):
        recognizer.run(onset, apex, cropped=True)


def test_threads_do_not_change_the_answer(result: Result) -> None:
    for threads in (2, 3):
        other = Recognizer(Context(threads=threads)).run(frame(), frame(1.0), cropped=True)
        assert other.logits == result.logits


def test_flow_settings() -> None:
    recognizer = Recognizer(flow={"warps": 2})
    assert recognizer.flow.get("warps") == 2
    recognizer.flow.set(warps=3)
    assert recognizer.flow.get("warps") == 3
    flow = recognizer.flow
    recognizer.close()
    assert flow.get("warps") == 3
    with pytest.raises(microexpr.ArgumentError):
        Recognizer(flow={"warps": 0})


def test_a_model_of_another_kind() -> None:
    with pytest.raises(microexpr.ShapeError):
        Recognizer(model=Model.decode(onnx_bytes.add_and_relu()))


def test_labels() -> None:
    names = list(microexpr.recognize(frame(), frame(1.0), cropped=True).scores)
    mine = [f"my {name}" for name in names]
    assert list(microexpr.recognize(frame(), frame(1.0), cropped=True, labels=mine).scores) == mine
    assert list(Recognizer(labels=",".join(mine)).run(frame(), frame(1.0), cropped=True).scores) == mine
    with pytest.raises(microexpr.Error):
        Recognizer(labels=["one"])
    with pytest.raises(microexpr.Error):
        Recognizer(planes="u,v")
    with pytest.raises(ValueError, match="frobenius"):
        Recognizer(strain="none")


@pytest.mark.skipif("png" not in microexpr.build_features(), reason="this build has no PNG")
def test_files(result: Result, tmp_path: Path) -> None:
    for name, shift in (("onset.png", 0.0), ("apex.png", 1.0)):
        Image.from_array(frame(shift)).write_png(tmp_path / name)
    found = microexpr.recognize(tmp_path / "onset.png", str(tmp_path / "apex.png"),
                                cropped=True)
    assert found.label == result.label and found.logits == result.logits
    with pytest.raises(FileNotFoundError):
        microexpr.recognize(tmp_path / "onset.png", tmp_path / "none.png")


def test_model_by_path(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    microexpr.build_system("ststnet", seed=3).write(path)
    for given in (path, str(path)):
        answer = microexpr.recognize(frame(), frame(1.0), cropped=True, model=given)
        assert len(answer.scores) == 3
    with pytest.raises(FileNotFoundError):
        Recognizer(model=tmp_path / "none.onnx")
    with pytest.raises(TypeError, match="model must be a Model, not int"):
        Recognizer(model=3)  # type: ignore[arg-type]


def test_wrong_types(result: Result) -> None:
    recognizer: Any = Recognizer()
    with pytest.raises(TypeError, match="result must be a Result, not NoneType"):
        recognizer.explain(None)
    with pytest.raises(TypeError, match="a picture is needed"):
        recognizer.run(None, frame())
    with pytest.raises(TypeError, match="a clip is needed"):
        recognizer.run_clip(None)
    with pytest.raises(ValueError, match="four numbers .*, not 3"):
        recognizer.run(frame(), frame(), (1, 2, 3))
    for face in ((1.5, 2, 3, 4), 7, "1234"):
        with pytest.raises(TypeError, match="four whole numbers"):
            recognizer.run(frame(), frame(), face)
    with pytest.raises(ValueError, match="not both"):
        recognizer.run(frame(), frame(), (0, 0, 40, 40), cropped=True)
