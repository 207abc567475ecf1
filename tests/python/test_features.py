# SPDX-License-Identifier: MIT
"""Features and drawings of flow.h."""

from __future__ import annotations

from typing import Any

import pytest

import microexpr
from microexpr import Field, Motion

np = pytest.importorskip("numpy", reason="numpy is not installed")

SQUARE = [(2, 3), (9, 3), (9, 8), (2, 8)]


def ramp(height: int = 24, width: int = 32) -> Field:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return Field.from_arrays(0.1 * x - 1, 0.05 * y)


def landmarks() -> Any:
    """68 points spread over a 100×100 face, good enough to make regions of."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.stack([50 + 40 * np.cos(angle), 50 + 40 * np.sin(angle)], 1)


def test_magnitude_and_orientation() -> None:
    field = ramp()
    assert np.allclose(field.magnitude().to_numpy(), np.hypot(field.u, field.v), atol=1e-6)
    inside = np.s_[1:, :]
    assert np.allclose(field.orientation().to_numpy()[inside],
                       np.arctan2(field.v, field.u)[inside], atol=1e-5)


@pytest.mark.parametrize("polygon", [
    SQUARE, np.array(SQUARE, np.float32), np.array(SQUARE, np.float64), np.array(SQUARE),
    [value for corner in SQUARE for value in corner]])
def test_polygons_in_any_form(polygon: Any) -> None:
    mask = microexpr.polygons_mask([polygon], 32, 24).to_numpy()
    assert set(np.unique(mask)) == {0, 255}
    assert mask[5, 5] == 255 and mask[5, 12] == 0
    assert (microexpr.polygons_mask([polygon], 32, 24, margin=4).to_numpy()[5, 12]) == 255


def test_masks() -> None:
    inside = microexpr.polygons_mask([SQUARE], 32, 24).to_numpy() == 255
    field = ramp()
    field.mask([SQUARE])
    assert not field.u[inside].any() and field.u[~inside].any()
    field.mask([SQUARE], fill="unknown")
    assert (field.u[inside] == np.float32(microexpr.FIELD_UNKNOWN)).all()
    face = ramp(100, 100)
    face.mask_eyes(landmarks(), margin=3)
    assert (face.u == 0).sum() > 100
    for bad in ([[(1, 2, 3)]], [[(1, 2)]]):
        with pytest.raises(ValueError):
            field.mask(bad)
    with pytest.raises(microexpr.ArgumentError):
        field.mask([SQUARE], margin=-1)
    with pytest.raises(ValueError, match="68"):
        field.mask_eyes(landmarks()[:67])
    with pytest.raises(ValueError, match="zero, unknown"):
        field.mask([SQUARE], fill="one")


def test_motion_there_and_back() -> None:
    still = Field.create(32, 24)
    motion = Motion(cx=15.5, cy=11.5, dx=1.5, dy=-0.5, angle=0.02, zoom=1.01)
    still.subtract_motion(motion)
    found = still.fit_motion()
    assert found.n_pixels == 32 * 24 and found.residual < 1e-4
    assert abs(found.dx + 1.5) < 0.1 and abs(found.angle + 0.02) < 1e-3
    still.subtract_motion(found)
    assert np.abs(still.u).max() < 1e-3 and np.abs(still.v).max() < 1e-3
    plane = Field.from_arrays(np.full((9, 9), 2, np.float32), np.ones((9, 9), np.float32))
    patch = plane.patch_motion(2, 2, 3, 3)
    assert (patch.dx, patch.dy, patch.zoom, patch.n_pixels) == (2, 1, 1, 9)
    mask = microexpr.polygons_mask([[(0, 0), (5, 0), (5, 5)]], 9, 9)
    only = plane.fit_motion(mask, "translation", outlier=0.5)
    assert 0 < only.n_pixels < 81 and abs(only.dx - 2) < 1e-6
    with pytest.raises(microexpr.ArgumentError):
        plane.patch_motion(20, 2, 3, 3)
    with pytest.raises(microexpr.ShapeError):
        plane.fit_motion(microexpr.Image.create(3, 3))


def test_results_are_not_changed() -> None:
    frame = (np.add.outer(np.arange(40), np.arange(40)) % 200).astype(np.uint8)
    result = microexpr.recognize(frame, frame, cropped=True)
    for change in (lambda: result.field.mask([SQUARE]),
                   lambda: result.field.subtract_motion(Motion(dx=1))):
        with pytest.raises(ValueError, match="result"):
            change()


def test_histograms() -> None:
    right = Field.from_arrays(np.ones((12, 16), np.float32), np.zeros((12, 16), np.float32))
    values = right.histogram()
    assert values.shape == (1, 1, 8) and values.dtype == np.float32
    assert values.sum() == 1 and values.max() == 1
    blocks = right.histogram(n_bins=4, columns=3, rows=2, weight="count", norm="none")
    assert blocks.shape == (2, 3, 4) and blocks.sum() == 12 * 16
    assert ramp(64, 64).histogram("bi_woof").shape == (8, 8, 8)
    assert ramp().histogram("hoof", n_bins=6, norm="l2").shape == (1, 1, 6)
    with pytest.raises(microexpr.ArgumentError):
        right.histogram(n_bins=65)
    with pytest.raises(microexpr.ShapeError):
        right.histogram(columns=17)


def test_mdmo() -> None:
    regions = microexpr.face_regions(landmarks(), "mdmo")
    assert len(regions) == microexpr.MDMO_REGIONS
    assert sum(map(len, regions)) == microexpr.MDMO_CORNERS
    down = Field.from_arrays(np.zeros((100, 100), np.float32),
                             np.full((100, 100), 2, np.float32))
    values = down.mdmo([SQUARE, [(20, 20), (60, 20), (40, 60)]])
    assert values.shape == (2, 2)
    assert np.allclose(values, [2, np.pi / 2], atol=1e-5)
    mean = microexpr.mdmo_average([values, values])
    assert np.allclose(mean, [1, np.pi / 2], atol=1e-5)
    with pytest.raises(ValueError):
        microexpr.mdmo_average([])
    with pytest.raises(ValueError):
        microexpr.mdmo_average([values, values[:1]])


def test_drawings() -> None:
    field = ramp()
    assert field.legend(wheel=64).width > 64 + 32 - 1
    assert field.hsv().shape == (24, 32, 3)
    assert field.strip(stretch="common").shape == (24, 96)
    grey = np.full((24, 32), 100, np.uint8)
    arrows = field.arrows(grey, step=8, colour=(255, 0, 10), scale=3).to_numpy()
    assert (arrows == [255, 0, 10]).all(-1).any() and (arrows == 100).all(-1).any()
    black = field.arrows(grey, step=8, colour=(0, 0, 0), scale=3).to_numpy()
    assert (black == 0).all(-1).any()
    with pytest.raises(ValueError):
        field.arrows(grey, colour=(256, 0, 0))
    with pytest.raises(microexpr.ShapeError):
        field.arrows(grey[:5])
