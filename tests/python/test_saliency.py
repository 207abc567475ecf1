# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")


@pytest.fixture(scope="module")
def model() -> microexpr.Model:
    return microexpr.build_system("ststnet", seed=3)


@pytest.fixture(scope="module")
def x() -> object:
    return np.random.default_rng(0).normal(size=(1, 3, 28, 28)).astype(np.float32)


def test_occlusion(model: microexpr.Model, x: object) -> None:
    steps: list[tuple[int, int]] = []
    s = microexpr.explain(model, x, patch=7, stride=7, batch=5, target=1,
                           progress=lambda done, total: steps.append((done, total)))
    assert (s.target, s.layer) == (1, "") and 0 < s.score < 1
    assert steps == [(5, 16), (10, 16), (15, 16), (16, 16)]
    heat = np.asarray(s.map)
    assert heat.shape == (28, 28) and heat.dtype == np.float32 and (heat >= 0).all()
    assert s.flips is not None and set(np.unique(np.asarray(s.flips))) <= {0, 255}
    # One square is one number.
    session = model.session()

    def score(inputs: object) -> float:
        logits = session.run(inputs)[model.outputs[0].name][0].astype(np.float64)
        return float(np.exp(logits[1]) / np.exp(logits).sum())

    covered = np.array(x)
    covered[:, :, 7:14, 14:21] = np.asarray(x).mean((2, 3), keepdims=True)
    assert heat[9, 16] == pytest.approx(max(0, score(x) - score(covered)), abs=1e-6)
    assert s.picture().shape == (28, 28, 3)
    assert s.picture(np.zeros((90, 60), np.uint8)).shape == (90, 60, 3)


@pytest.mark.parametrize("method", ["grad_cam", "ablation_cam"])
def test_cams(model: microexpr.Model, x: object, method: str) -> None:
    s = microexpr.explain(model, {model.inputs[0].name: x}, method=method)
    assert s.layer and s.flips is None
    heat = np.asarray(s.map)
    assert heat.shape == (28, 28) and np.isfinite(heat).all() and (heat >= 0).all()
    features = model.extract([model.inputs[0].name], [s.layer])
    assert len(features.session().run(x)[s.layer].shape) == 4


def test_explain() -> None:
    rng = np.random.default_rng(1)
    onset, apex = rng.integers(0, 255, (2, 60, 60), dtype=np.uint8)
    recognizer = microexpr.Recognizer(flow={"warps": 1})
    result = recognizer.run(onset, apex, cropped=True)
    s = recognizer.explain(result, patch=14, stride=14)
    assert s.target == result.index
    assert s.score == pytest.approx(result.scores[result.label], abs=1e-6)
    assert (s.map.width, s.map.height) == (result.picture.width, result.picture.height)


def test_refusals(model: microexpr.Model, x: object) -> None:
    with pytest.raises(microexpr.ArgumentError, match="no class 3"):
        microexpr.explain(model, x, target=3)
    with pytest.raises(ValueError, match="grad_cam"):
        microexpr.explain(model, x, method="magic")
    with pytest.raises(microexpr.NotFoundError, match="'nowhere'"):
        microexpr.explain(model, x, method="grad_cam", layer="nowhere")
    with pytest.raises(ValueError, match="missing"):
        microexpr.explain(model, {"other": x})
    with pytest.raises(ZeroDivisionError):
        microexpr.explain(model, x, progress=lambda done, total: 1 // 0)
    with pytest.raises(microexpr.NotFoundError):
        model.extract(["nothing"], [model.outputs[0].name])


def test_model_by_path(model: microexpr.Model, x: object, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model.write(path)
    again, known = (np.asarray(microexpr.explain(m, x, patch=14, stride=14).map)
                    for m in (str(path), model))
    assert (again == known).all()
    with pytest.raises(TypeError, match="model must be a Model, not NoneType"):
        microexpr.explain(None, x)  # type: ignore[arg-type]
