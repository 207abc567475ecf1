# SPDX-License-Identifier: MIT
from __future__ import annotations

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")


def test_list() -> None:
    found = {system.name: system for system in microexpr.systems()}
    assert found["ststnet"] == microexpr.System(
        "ststnet", "STSTNet (Liong et al., FG 2019)", 3, 28, 28, 0, 1683)


def test_build() -> None:
    model = microexpr.build_system("off-tanet", classes=5, seed=4)
    assert model.metadata("microexpr.system") == "off-tanet"
    assert model.inputs[0].shape == (None, 3, 112, 112)
    assert model.n_trainable == 59403 + 2 * 65
    x = np.ones((2, 3, 112, 112), np.float32)
    y = model.session().run(x)["logits"]
    assert y.shape == (2, 5) and np.isfinite(y).all()
    again = microexpr.build_system("off-tanet", classes=5, seed=4)
    assert again.encode() == model.encode()
    assert microexpr.build_system("off-tanet", classes=5).encode() != model.encode()


def test_refusals() -> None:
    with pytest.raises(microexpr.NotFoundError, match="lenet"):
        microexpr.build_system("lenet")
    with pytest.raises(microexpr.Error, match="not 1"):
        microexpr.build_system("ststnet", classes=1)
