# SPDX-License-Identifier: MIT
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")

LABELS = [0, 1, 2] * 4


def clips() -> Any:
    """A patch that moves up, down or to the side, with noise."""
    rng = np.random.default_rng(1)
    values = 127 + 4 * rng.normal(size=(len(LABELS), 3, 28, 28))
    for clip, label in zip(values, LABELS, strict=True):
        clip[label == 2 or 1, 10:18, 10:18] += (60, -60, 60)[label]
    return np.clip(values, 0, 255).astype(np.float32)


def scores_of(model: microexpr.Model) -> Any:
    return np.asarray(model.session().run({"flow": clips()})["logits"])


def test_train() -> None:
    assert {"flow-derivative-svm", "flow-c2s", "ststnet"} <= set(microexpr.train_systems())
    steps: list[int] = []
    model = microexpr.train("flow-c2s", clips(), LABELS, names="up,down,aside", epochs=2,
                            seed=3, progress=lambda done, total: steps.append(done))
    assert steps == [1, 2] and model.metadata("microexpr.labels") == "up,down,aside"
    assert scores_of(model).shape == (len(LABELS), 3)


def trainer(**options: Any) -> microexpr.Trainer:
    return microexpr.Trainer(microexpr.build_system("flow-c2s"), clips(), LABELS,
                             recipe="flow-c2s", batch=4, **options)


def test_terms() -> None:
    def losses(**more: object) -> list[float]:
        trainer = microexpr.Trainer(microexpr.build_system("flow-c2s"), clips(), LABELS,
                                    epochs=1, **more)
        trainer.run()
        return trainer.losses

    assert losses(terms="scores:1:logits")[0] > losses()[0]
    with pytest.raises(microexpr.Error, match="term 'l2:1:logits': kinds are"):
        losses(terms="l2:1:logits")


def test_trainer(tmp_path: Path) -> None:
    recipe = microexpr.trainer_recipe("flow-c2s")
    assert recipe["optimiser"] is microexpr.Optimiser.ADAMW and recipe["epochs"] == 40
    seen: list[int] = []
    whole = trainer(epochs=4)
    whole.run(lambda epoch, n_epochs, loss: seen.append(epoch))
    assert seen == [1, 2, 3, 4] and len(whole.losses) == 4 and not whole.epoch()

    def stop(epoch: int, n_epochs: int, loss: float) -> None:
        raise KeyError("stop")

    first = trainer(epochs=4)
    with pytest.raises(KeyError):
        first.run(stop)
    first.save(tmp_path / "checkpoint")
    again = trainer(epochs=4)
    again.resume(tmp_path / "checkpoint")
    assert again.n_epochs == 1
    again.run()
    assert again.losses == whole.losses
    assert (scores_of(again.model()) == scores_of(whole.model())).all()


def test_recipe_is_options() -> None:
    fields = microexpr.trainer_recipe("flow-c2s")
    assert fields["weight_decay"] == 1e-2 and fields["noise"] == 0 and not fields["seed"]
    assert fields["names"] is None and "labels" not in fields
    fields.update(epochs=2, names="up,down,aside")
    system = microexpr.build_system("flow-c2s")
    one = microexpr.Trainer(system, clips(), LABELS, **fields)
    two = microexpr.Trainer(system, clips(), LABELS, recipe="flow-c2s", epochs=2)
    one.run()
    two.run()
    assert one.losses == two.losses
    assert one.model().metadata("microexpr.labels") == "up,down,aside"
    # What a recipe has off stays off: the standard options do not come through.
    assert microexpr.trainer_recipe("ststnet")["is_shuffled"] == 0


def test_elsewhere() -> None:
    """Trained networks, and those trained on, open in onnxruntime and score the same."""
    runtime = pytest.importorskip("onnxruntime")
    model = microexpr.train("flow-c2s", clips(), LABELS, epochs=1)
    again = microexpr.Trainer(
        microexpr.Model.decode(model.encode(), rewrites=0), clips(),
        LABELS, epochs=1)
    again.run()
    for one in (model, again.model()):
        session = runtime.InferenceSession(one.encode(), providers=["CPUExecutionProvider"])
        there, = session.run(["logits"], {"flow": clips()})
        assert np.allclose(there, scores_of(one), atol=1e-4)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no option 'epoch'"):
        trainer(epoch=3)
    with pytest.raises(ValueError):
        trainer(optimiser="newton")
    with pytest.raises(ValueError):
        microexpr.train("flow-c2s", clips(), LABELS[1:])
    for wrong in ({"epochs": 2 ** 32 + 1}, {"seed": -1}, {"batch": -2 ** 40}):
        with pytest.raises(ValueError, match="too large or too small"):
            microexpr.Trainer(microexpr.build_system("flow-c2s"), clips(), LABELS, **wrong)
    with pytest.raises(ValueError, match="too large or too small"):
        microexpr.train("flow-c2s", clips(), LABELS, epochs=2 ** 32 + 1)
    with pytest.raises(microexpr.ArgumentError, match="it can be"):
        trainer(rate=-1)
    with pytest.raises(microexpr.NotFoundError):
        microexpr.trainer_recipe("flow-kernel-ridge")
    with pytest.raises(microexpr.NotFoundError):
        trainer().resume(tmp_path / "none")
