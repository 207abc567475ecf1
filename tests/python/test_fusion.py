# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")

LABELS = [0] * 20 + [1] * 10 + [2] * 15
ROWS = (np.random.default_rng(1).normal(size=(45, 6))
        + 2 * np.array(LABELS)[:, None]).astype(np.float32)


@pytest.mark.parametrize("method", ["svm", "ridge"])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplace"])
def test_classifier(method: str, kernel: str, tmp_path: Path) -> None:
    steps: list[int] = []
    classifier = microexpr.Classifier(ROWS, LABELS, method=method, kernel=kernel,
                                      progress=lambda done, total: steps.append(done))
    assert (classifier.n_classes, classifier.n_features) == (3, 6)
    assert 3 <= classifier.n_vectors <= 45 and steps
    scores = classifier.scores(ROWS)
    # A plane for each indicator hides the class in the middle.
    hit_rate = 0.5 if (method, kernel) == ("ridge", "linear") else 0.9
    assert scores.shape == (45, 3) and (scores.argmax(1) == LABELS).mean() > hit_rate
    path = tmp_path / "classifier.onnx"
    classifier.model().write(path)
    again = microexpr.Model.load(path).session().run({"features": ROWS})["scores"]
    assert np.allclose(np.asarray(again), scores, atol=1e-4)


def test_bad_rows() -> None:
    with pytest.raises(microexpr.ArgumentError):
        microexpr.Classifier(np.full((4, 2), np.nan, np.float32), [0, 1, 0, 1])
    with pytest.raises(ValueError):
        microexpr.Classifier(ROWS, LABELS[1:])
    with pytest.raises(ValueError):
        microexpr.Classifier(ROWS, LABELS, kernel="poly")
    with pytest.raises(ValueError):
        microexpr.Classifier(ROWS, LABELS).scores(ROWS[:, 1:])

    def stop(done: int, total: int) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        microexpr.Classifier(ROWS, LABELS, progress=stop)


def test_fuse() -> None:
    scores = [np.log(np.array([[0.2, 0.3, 0.5]], np.float32)),
              np.log(np.array([[0.6, 0.3, 0.1]], np.float32))]
    assert np.allclose(microexpr.fuse_scores(scores), [[0.4, 0.3, 0.3]])
    assert np.allclose(microexpr.fuse_scores(scores, "max", weights=[1, 2]),
                       np.array([[0.6, 0.3, 0.5]]) / 1.4)
    assert microexpr.fuse_scores(scores, "product", weights=[1, 0])[0].argmax() == 2
    with pytest.raises(microexpr.ArgumentError):
        microexpr.fuse_scores(scores, weights=[0, 0])
    with pytest.raises(ValueError):
        microexpr.fuse_scores([scores[0], scores[1][:, :2]])


def test_fuse_models() -> None:
    models = [microexpr.Classifier(ROWS, LABELS, method="ridge", ridge=ridge).model()
              for ridge in (0.1, 1)]
    fused = microexpr.fuse_models(models, weights=[1, 3])
    scores = [model.session().run(ROWS)["scores"] for model in models]
    p = np.exp(fused.session().run(ROWS)["logits"])
    assert np.allclose(p, microexpr.fuse_scores(scores, weights=[1, 3]), atol=1e-5)
    noted = fused.annotate({"microexpr.labels": "a,b,c", "microexpr.system": None}, name="x")
    assert noted.name == "x" and noted.metadata("microexpr.labels") == "a,b,c"
    assert noted.metadata("microexpr.system") is None
    assert np.array_equal(np.exp(noted.session().run(ROWS)["logits"]), p)
    again = microexpr.Model.decode(noted.encode())
    assert again.metadata("microexpr.labels") == "a,b,c"
    with pytest.raises(ValueError):
        microexpr.fuse_models(models, weights=[1])
    with pytest.raises(TypeError):
        microexpr.fuse_models([None])  # type: ignore[list-item]
    with pytest.raises(microexpr.ArgumentError):
        microexpr.fuse_models([])


def test_learn() -> None:
    good = microexpr.Classifier(ROWS, LABELS, method="ridge").scores(ROWS)
    weights = microexpr.fuse_learn([10 * good, np.zeros_like(good)], LABELS)
    assert weights[0] > 0.9 and sum(weights) == pytest.approx(1)


@pytest.mark.parametrize("label", [0.5, 1.0, "1", None])
def test_labels_are_whole_numbers(label: object) -> None:
    with pytest.raises(TypeError, match="labels must be whole numbers"):
        microexpr.Classifier(ROWS, [label] + LABELS[1:])  # type: ignore[list-item]
    assert microexpr.Classifier(ROWS, np.array(LABELS)).n_classes == 3
