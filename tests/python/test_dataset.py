# SPDX-License-Identifier: MIT
"""dataset.py, train.py and evaluate.py: from a manifest to measures."""
from __future__ import annotations

from pathlib import Path

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")

TEXT = b"file,dataset,subject,label,fps,apex\n" + b"".join(
    b"p%d.png,d%d,%d,%d,200,%s\n" % (i, i % 2, i % 5, i % 3, b"7" if i else b"NA")
    for i in range(30))


def movements() -> np.ndarray:
    """A patch that moves up, down or apart."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:28, 0:28] - 14.0
    bump = np.exp(-(x ** 2 + y ** 2) / 30)
    motions = [(0 * x, -bump), (0 * x, bump), (bump * x / 5, bump * y / 5)]
    clips = [np.stack([120 + 60 * u, 130 + 60 * v, 20 + 100 * bump]) for u, v in motions]
    return np.stack([clips[i % 3] + 4 * rng.normal(size=(3, 28, 28))
                     for i in range(30)]).astype(np.float32)


def test_manifest(tmp_path: Path) -> None:
    manifest = microexpr.Manifest.decode(TEXT)
    assert len(manifest) == 30 and len(manifest.persons) == 10
    assert manifest.persons[0] == "d0/0" and manifest.datasets == ("d0", "d1")
    assert manifest.classes == ("0", "1", "2") and len(manifest.sha256) == 64
    record = manifest[1]
    assert (record.clip, record.path, record.label, record.apex) == ("p1", "p1.png", 1, 7)
    assert record.fps == 200 and record.onset is None and manifest[0].apex is None
    assert [r.line for r in manifest] == list(range(2, 32))
    path = tmp_path / "m.csv"
    path.write_bytes(TEXT)
    assert microexpr.Manifest.read(path, label="dataset").classes == ("d0", "d1")
    with pytest.raises(IndexError):
        manifest[30]
    with pytest.raises(microexpr.FormatError, match="line 2"):
        microexpr.Manifest.decode(b"file,subject\nx\n")


@pytest.mark.skipif("png" not in microexpr.build_features(), reason="built without PNG")
def test_pictures(tmp_path: Path) -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    for i in range(30):
        microexpr.Image.from_array(picture).write_png(tmp_path / f"p{i}.png")
    manifest = microexpr.Manifest.decode(TEXT)
    values = manifest.pictures(tmp_path, width=6, height=4,
                               crops={"d1": microexpr.DatasetCrop(shift_y=1)})
    assert values.shape == (30, 3, 4, 6)
    assert (values[0] == picture.transpose(2, 0, 1)).all()
    assert (values[1][:, :3] == picture.transpose(2, 0, 1)[:, 1:]).all()
    with pytest.raises(microexpr.ShapeError):
        manifest.pictures(tmp_path)


def test_train_and_evaluate() -> None:
    assert microexpr.train_systems()[:2] == ("flow-derivative-svm", "flow-kernel-ridge")
    manifest, inputs = microexpr.Manifest.decode(TEXT), movements()
    folds: list[int] = []

    def fit(x: np.ndarray, labels: list[int], n_classes: int, seed: int) -> microexpr.Model:
        folds.append(len(labels))
        assert x.shape == (len(labels), 3, 28, 28) and (n_classes, seed) == (3, 4)
        return microexpr.train("flow-derivative-svm", x, labels, n_classes)

    result = microexpr.evaluate(manifest, inputs, fit, seed=4)
    assert result.n_folds == 10 and folds == [27] * 10
    measures, confusion = result.metrics()
    assert measures.n == 30 and measures.uf1 == 1 and confusion[0] == [10, 0, 0]
    assert result.metrics(1)[0].n == 15
    assert result.interval()[0].accuracy == 1
    assert result.predicted == [i % 3 for i in range(30)]
    assert [row.index(max(row)) for row in result.scores] == result.predicted
    assert result.folds[0] == result.folds[10] != result.folds[1]
    assert microexpr.evaluate(manifest, inputs, fit, protocol="kfold", folds=5,
                              seed=4).n_folds == 5


def test_what_fit_raises_comes_out() -> None:
    def fit(*arguments: object) -> microexpr.Model:
        raise KeyError("fit")

    with pytest.raises(KeyError):
        microexpr.evaluate(microexpr.Manifest.decode(TEXT), movements(), fit)


def test_metrics() -> None:
    labels, predicted = [0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 1, 0, 1]
    measures, confusion = microexpr.metrics(labels, predicted, 3)
    assert confusion == [[3, 1, 0], [1, 1, 0], [0, 1, 0]]
    assert measures.uf1 == pytest.approx((0.75 + 0.4) / 3)
    low, high = microexpr.metrics_interval(labels, predicted, list(range(7)), 3, rounds=200)
    assert low.uar < measures.uar < high.uar
    assert microexpr.mcnemar(labels, predicted, predicted) == 1
    with pytest.raises(ValueError):
        microexpr.metrics(labels, predicted[1:], 3)


@pytest.mark.parametrize("manifest", [None, "labels.csv"])
def test_evaluate_wants_a_manifest(manifest: object) -> None:
    with pytest.raises(TypeError, match="manifest must be a Manifest, not"):
        microexpr.evaluate(manifest, movements(), lambda *given: None)  # type: ignore


def test_evaluate_wants_a_model() -> None:
    manifest = microexpr.Manifest.decode(TEXT)
    with pytest.raises(TypeError, match="what fit returns must be a Model, not NoneType"):
        microexpr.evaluate(manifest, movements(), lambda *given: None)  # type: ignore
    with pytest.raises(TypeError, match="fit must be a function, not str"):
        microexpr.evaluate(manifest, movements(), "svm")  # type: ignore[arg-type]
