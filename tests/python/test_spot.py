# SPDX-License-Identifier: MIT
from __future__ import annotations

import pytest

import microexpr

np = pytest.importorskip("numpy", reason="numpy is not installed")

FRAMES = [np.add.outer(7 * np.arange(30), (3 + t) * np.arange(40)).astype(np.uint8)
          for t in range(12)]


def test_lbp_top() -> None:
    values = microexpr.lbp_top(FRAMES)
    assert values.shape == (1, 5, 5, 3 * 59) and values.dtype == np.float32
    assert np.allclose(values.reshape(25, 3, 59).sum(-1), 1, atol=1e-5)
    again = microexpr.lbp_top([microexpr.Image.from_array(frame) for frame in FRAMES])
    assert (again == values).all()


def test_options() -> None:
    values = microexpr.lbp_top(
        FRAMES, radius=(2, 1, 2), neighbours=(4, 6, 8), blocks=(3, 2, 2), sampling="nearest",
        patterns="all", counts=True)
    assert values.shape == (2, 2, 3, 16 + 64 + 256)
    centres = (40 - 4) * (30 - 2) * (12 - 4)
    assert values.reshape(12, -1)[:, :16].sum() == centres
    assert microexpr.lbp_top(FRAMES, blocks=(0, 0, 0)).shape == (1, 5, 5, 3 * 59)


def test_bad_clips() -> None:
    with pytest.raises(microexpr.ShapeError):
        microexpr.lbp_top(FRAMES[:8])
    with pytest.raises(microexpr.Error):
        microexpr.lbp_top([])
    with pytest.raises(microexpr.ShapeError):
        microexpr.lbp_top([*FRAMES, FRAMES[0][:-1]])
    with pytest.raises(microexpr.ArgumentError):
        microexpr.lbp_top(FRAMES, radius=(40, 1, 1))
