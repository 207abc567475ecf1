# SPDX-License-Identifier: MIT
"""evaluate.py: measures, against scikit-learn where that is installed, and protocols."""
from __future__ import annotations

import math

import pytest

import microexpr
from microexpr import SpotInterval

np = pytest.importorskip("numpy", reason="numpy is not installed")

TEXT = b"clip,dataset,subject,label\n" + b"".join(
    b"p%d,d%d,%d,%d\n" % (i, i % 2, i % 5, i // 10) for i in range(30))


def columns(first: int) -> microexpr.Model:
    """A network whose scores are three columns of its input."""
    weights = np.zeros((6, 3), np.float32)
    weights[first:first + 3] = np.eye(3)
    builder = microexpr.Builder("columns")
    builder.input("x", (None, 6))
    builder.initializer("w", weights, "constant")
    builder.node("MatMul", ["x", "w"], ["y"])
    builder.output("y")
    return builder.finish()


def scores_of(accuracy: float) -> np.ndarray:
    """Scores that are right for about that share of the clips."""
    rng = np.random.default_rng(7)
    taken = [i // 10 if rng.random() < accuracy else rng.integers(3) for i in range(30)]
    return (3 * np.eye(3)[taken] + rng.normal(size=(30, 3)) / 4).astype(np.float32)


INPUTS = np.concatenate([scores_of(0.4), scores_of(0.9)], 1)
WAYS = {"weak": lambda *given: columns(0), "strong": lambda *given: columns(3)}


def test_select() -> None:
    manifest = microexpr.Manifest.decode(TEXT)
    result = microexpr.evaluate(manifest, INPUTS, WAYS)
    assert result.chosen() == [1] * 10 and result.weights() == [[0.0, 1.0]] * 10
    assert all(weak < strong for weak, strong in result.inner_uf1())
    assert np.allclose(result.scores, INPUTS[:, 3:])
    assert microexpr.evaluate(manifest, INPUTS, {"a": WAYS["weak"]}).chosen() == [0] * 10


def test_fuse() -> None:
    manifest = microexpr.Manifest.decode(TEXT)
    mean = microexpr.fuse_scores([INPUTS[:, :3], INPUTS[:, 3:]])
    result = microexpr.evaluate(manifest, INPUTS, WAYS, joining="mean")
    assert np.allclose(result.scores, mean, atol=1e-6) and result.chosen() == [None] * 10
    assert math.isnan(result.inner_uf1()[0][0])
    learned = microexpr.evaluate(manifest, INPUTS, WAYS, joining="learned", inner_folds=3)
    assert all(0.99 < sum(w) < 1.01 and w[0] < w[1] for w in learned.weights())


def test_fit_candidates() -> None:
    manifest = microexpr.Manifest.decode(TEXT)
    model, weights = microexpr.fit_candidates(manifest, INPUTS, WAYS, joining="mean")
    assert weights == [0.5, 0.5]
    mean = microexpr.fuse_scores([INPUTS[:, :3], INPUTS[:, 3:]])
    assert np.allclose(np.exp(model.session().run(INPUTS)["logits"]), mean, atol=1e-6)
    model, weights = microexpr.fit_candidates(manifest, INPUTS, WAYS)
    assert weights == [0, 1]
    assert np.array_equal(model.session().run(INPUTS)["y"], INPUTS[:, 3:])
    with pytest.raises(ZeroDivisionError):
        microexpr.fit_candidates(manifest, INPUTS, lambda *given: 1 // 0)


def test_seeds() -> None:
    seen: set[int] = set()

    def fit(inputs: object, labels: object, n: int, seed: int) -> microexpr.Model:
        seen.add(seed)
        return columns(3 * (seed % 2))

    result = microexpr.evaluate(microexpr.Manifest.decode(TEXT), INPUTS, fit, seed=4, seeds=2)
    assert seen == {4, 5} and result.n_seeds == 2
    assert result.seed_metrics(0).uf1 < result.seed_metrics(1).uf1
    assert result.seed_predicted(1) == INPUTS[:, 3:].argmax(1).tolist()
    mean = microexpr.fuse_scores([INPUTS[:, :3], INPUTS[:, 3:]])
    assert np.allclose(result.scores, mean, atol=1e-6)


def test_holdout() -> None:
    result = microexpr.evaluate(microexpr.Manifest.decode(TEXT), INPUTS, WAYS["strong"],
                                protocol="holdout", train_dataset="d0", test_dataset="d1")
    assert result.n_folds == 1 and result.folds == [-1, 0] * 15
    assert result.predicted[0] == -1 and result.scores[0] == [] and result.scores[1]
    assert result.metrics()[0].n == 15 and result.metrics(0)[0].n == 0
    with pytest.raises(microexpr.NotFoundError, match="no database 'd7'"):
        microexpr.evaluate(microexpr.Manifest.decode(TEXT), INPUTS, WAYS["strong"],
                           protocol="holdout", test_dataset="d7")


def linear() -> microexpr.Model:
    builder = microexpr.Builder("linear")
    builder.input("x", (None, 6))
    builder.initializer("w", np.zeros((6, 3), np.float32), "parameter")
    builder.node("MatMul", ["x", "w"], ["y"])
    builder.output("y")
    return builder.finish()


def test_losses_and_networks() -> None:
    def fit(inputs: object, labels: list[int], n: int, seed: int) -> microexpr.Model:
        trainer = microexpr.Trainer(linear(), inputs, labels, n, epochs=4, rate=0.1)
        trainer.run()
        model = trainer.model()
        assert microexpr.train_losses(model) == trainer.losses
        return model

    shown: list[microexpr.FoldNetwork] = []
    manifest = microexpr.Manifest.decode(TEXT)
    result = microexpr.evaluate(manifest, INPUTS, fit, watch=shown.append)
    assert result.n_epochs() == [4] * 10 and result.n_epochs(candidate=1) == [0] * 10
    assert result.losses(seed=1) == [[]] * 10 and microexpr.train_losses(linear()) == []
    for network in shown:
        losses = result.losses()[network.fold]
        assert losses == [np.float32(x) for x in microexpr.train_losses(network.model)]
        assert len(losses) == 4 and losses[3] < losses[0] and network.weight == 1
        assert all(result.folds[k] == network.fold for k in network.clips)
        assert list(network.scores) == [tuple(result.scores[k]) for k in network.clips]
    assert sorted(k for network in shown for k in network.clips) == list(range(30))

    def refuse(network: microexpr.FoldNetwork) -> None:
        raise KeyError(network.fold)

    with pytest.raises(KeyError):
        microexpr.evaluate(manifest, INPUTS, fit, watch=refuse)


def test_candidates_are_functions() -> None:
    with pytest.raises(TypeError, match="fit must be a function, not int"):
        microexpr.evaluate(microexpr.Manifest.decode(TEXT), INPUTS,
                           {"a": 3})  # type: ignore[dict-item]


def test_compare() -> None:
    labels = [i // 10 for i in range(30)]
    a, b = INPUTS[:, 3:].argmax(1).tolist(), INPUTS[:, :3].argmax(1).tolist()
    persons = [i % 5 for i in range(30)]
    result = microexpr.metrics_compare(labels, a, b, persons, 3)
    uf1 = [microexpr.metrics(labels, x, 3)[0].uf1 for x in (a, b)]
    assert result.uf1 == pytest.approx(uf1[0] - uf1[1])
    assert result.uf1_low < result.uf1 < result.uf1_high and result.uf1_above > 0.9
    assert result.p == microexpr.mcnemar(labels, a, b)


def test_spotting() -> None:
    truth = [SpotInterval(10, 19, 14, label=0), SpotInterval(40, 49, label=1)]
    spotted = [SpotInterval(12, 20, 17, label=0), SpotInterval(70, 79, label=1)]
    result = microexpr.spotting_metrics(truth, spotted)
    assert (result.tp, result.fp, result.fn, result.f1) == (1, 1, 1, 0.5)
    assert result.n_apex == 1 and result.apex_mae == 3 and result.apex_inside == 1
    assert result.strs == pytest.approx(0.5 * 0.5)
    megc = microexpr.spotting_metrics(truth, spotted, mode="megc")
    assert math.isnan(megc.strs)  # all pairs of one class
    alone = microexpr.apex_metrics(truth[:1], [None])
    assert (alone.n, alone.n_found, alone.inside) == (1, 0, 0)


# --- scikit-learn ------------------------------------------------------------------


def test_metrics_as_scikit_learn() -> None:
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(3)
    for n, n_classes in [(1, 2), (40, 3), (200, 7), (9, 7)]:
        labels = rng.integers(0, n_classes, n).tolist()
        predicted = rng.integers(0, n_classes, n).tolist()
        every = list(range(n_classes))
        measures, confusion = microexpr.metrics(labels, predicted, n_classes)
        assert confusion == sk.confusion_matrix(labels, predicted, labels=every).tolist()
        seen = sorted(set(labels) | set(predicted))
        assert measures.uf1 == pytest.approx(
            sk.f1_score(labels, predicted, labels=seen, average="macro", zero_division=0))
        assert measures.uar == pytest.approx(sk.recall_score(
            labels, predicted, labels=sorted(set(labels)), average="macro"))
        assert measures.weighted_f1 == pytest.approx(
            sk.f1_score(labels, predicted, average="weighted", zero_division=0))
        rows = sk.precision_recall_fscore_support(
            labels, predicted, labels=every, zero_division=0)
        for k in every:
            one = microexpr.metrics_class(confusion, k)
            assert (one.precision, one.recall, one.f1, one.support) == pytest.approx(
                tuple(row[k] for row in rows))


def test_units_as_scikit_learn() -> None:
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(4)
    for n, n_units in [(1, 1), (30, 5), (100, 12)]:
        truth = (rng.random((n, n_units)) < 0.2).astype(int)
        truth[:, -1] = 0  # a unit that is nowhere
        scores = rng.random((n, n_units)).astype(np.float32)
        found = (scores >= 0.6).astype(int)
        result = microexpr.unit_metrics(truth.tolist(), scores.tolist(), threshold=0.6)
        options = {"average": None, "zero_division": 0}
        if n_units > 1:
            assert result.f1 == pytest.approx(sk.f1_score(truth, found, **options))
            assert result.mean_f1_all == pytest.approx(
                sk.f1_score(truth, found, average="macro", zero_division=0))
            assert result.micro_f1 == pytest.approx(
                sk.f1_score(truth, found, average="micro", zero_division=0))
            assert result.exact == pytest.approx(sk.accuracy_score(truth, found))
        assert result.n_absent >= 1
