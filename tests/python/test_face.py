# SPDX-License-Identifier: MIT
"""Faces: what passes between Python and the library."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microexpr

SAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "sample"


def landmarks() -> Any:
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.stack([80 + 50 * np.cos(angles), 90 + 60 * np.sin(angles)], 1)


def test_transforms() -> None:
    points = landmarks()
    turned = microexpr.transform_points([[0.8, -0.6, 5], [0.6, 0.8, -3]], points)
    assert turned.shape == (68, 2) and turned.dtype == np.float32
    fit = microexpr.fit_transform(points, turned)
    assert np.allclose(fit.matrix, [[0.8, -0.6, 5], [0.6, 0.8, -3]], atol=1e-4)
    assert fit.residual < 1e-4
    back = microexpr.invert_transform(fit.matrix)
    assert np.allclose(microexpr.transform_points(back, turned), points, atol=1e-3)
    weights = [1.0] * 67 + [0]
    turned[67] = 0
    assert microexpr.fit_transform(points, turned, "affine", weights=weights).residual < 1e-3
    with pytest.raises(ValueError):
        microexpr.fit_transform(points, turned[:5])
    with pytest.raises(ValueError):
        microexpr.invert_transform([[1, 0, 0]])
    with pytest.raises(microexpr.Error):
        microexpr.invert_transform([[1, 1, 0], [1, 1, 0]])


def test_crops() -> None:
    assert microexpr.crop_names() == ["140x170", "280x340", "112", "128", "224"]
    crop = microexpr.find_crop("112")
    assert crop.width == crop.height == 112
    matrix = microexpr.crop_transform(landmarks(), crop)
    picture = np.arange(160 * 200, dtype=np.float32).reshape(200, 160)
    cropped = microexpr.crop_face(picture, landmarks(), "112")
    assert cropped.shape == (112, 112)
    warped = microexpr.Image.from_array(picture).warp(
        microexpr.invert_transform(matrix), 112, 112)
    assert (warped.to_numpy() == cropped.to_numpy()).all()
    with pytest.raises(microexpr.NotFoundError, match="113"):
        microexpr.find_crop("113")


def test_regions() -> None:
    for kind in microexpr.Regions:
        names = microexpr.region_names(kind)
        polygons = microexpr.face_regions(landmarks(), kind)
        boxes = microexpr.face_region_boxes(landmarks(), kind)
        assert len(names) == len(polygons) == len(boxes)
        low = [np.min(polygon, 0) for polygon in polygons]
        assert np.allclose(boxes[:, :2], low, atol=1e-3)
    assert microexpr.region_names("nine")[4] == "nose"
    with pytest.raises(ValueError):
        microexpr.face_regions(landmarks()[:67])


def test_occlusion() -> None:
    picture = np.full((200, 160), 255, np.uint8)
    plan = microexpr.plan_occlusion("block", landmarks(), ratio=0.25, seed=3)
    assert plan == microexpr.plan_occlusion("block", landmarks(), ratio=0.25, seed=3)
    hidden = microexpr.occlude(picture, plan, landmarks())
    assert (hidden.to_numpy() == 0).sum() == plan.width * plan.height
    assert (picture == 255).all()
    for kind in ("mask", "glasses"):
        plan = microexpr.plan_occlusion(kind, landmarks())
        assert (microexpr.occlude(picture, plan, landmarks()).to_numpy() < 255).any()


def test_drawing() -> None:
    picture = np.zeros((200, 160), np.uint8)
    face = microexpr.Face(0, (20, 20, 110, 110), 1, 1, landmarks().astype(np.float32), False)
    drawn = microexpr.draw_faces(picture, [face]).to_numpy()
    assert drawn.shape == (200, 160, 3) and drawn.any()
    only = microexpr.draw_faces(picture, [face], microexpr.FaceMark.REGIONS, "mdmo").to_numpy()
    assert only.any() and (only != drawn).any()


def test_tables(tmp_path: Path) -> None:
    rows = [microexpr.FaceRow(landmarks() + t, t + 1, 0, t / 25, 0.9, t != 1)
            for t in range(3)]
    microexpr.write_landmarks(tmp_path / "faces.csv", rows)
    data = (tmp_path / "faces.csv").read_bytes()
    assert data == microexpr.encode_landmarks(rows)
    for again in (microexpr.read_landmarks(tmp_path / "faces.csv"),
                  microexpr.decode_landmarks(data)):
        assert [row.frame for row in again] == [1, 2, 3]
        assert [row.success for row in again] == [True, False, True]
        assert np.allclose(again[2].landmarks, landmarks() + 2, atol=6e-4)
        assert math.isclose(again[2].timestamp, 0.08)
    microexpr.write_pts(tmp_path / "face.pts", landmarks())
    assert np.allclose(microexpr.read_landmarks(tmp_path / "face.pts")[0].landmarks,
                       landmarks(), atol=6e-4)
    with pytest.raises(microexpr.FormatError, match="line 1"):
        microexpr.decode_landmarks(b"1,x\n")
    with pytest.raises(microexpr.NotFoundError):
        microexpr.read_landmarks(tmp_path / "none.csv")


def test_mesh() -> None:
    mesh = np.stack([np.arange(478) / 1000, np.arange(478) / 500, np.zeros(478)], 1)
    points = microexpr.landmarks_from_mesh(mesh, 640, 480)
    assert np.allclose(points[36], [0.033 * 640 - 0.5, 0.066 * 480 - 0.5], atol=1e-3)
    assert np.allclose(microexpr.landmarks_from_mesh(mesh[:468, :2])[8], [0.152, 0.304])
    with pytest.raises(microexpr.ShapeError):
        microexpr.landmarks_from_mesh(mesh[:100])


needs_png = pytest.mark.skipif("png" not in microexpr.build_features(),
                               reason="built without PNG")


@needs_png
def test_the_sample() -> None:
    """From frames to a face, by every way there is."""
    onset, apex = SAMPLE / "onset.png", SAMPLE / "apex.png"
    face, = microexpr.find_faces(onset)
    assert face.landmarks is not None and face.landmarks.shape == (68, 2)
    assert face.box[2] == face.box[3] and 90 < face.box[2] < 170
    assert 0 < face.confidence <= 1
    with microexpr.FaceFinder(landmarks=False) as finder:
        box, = finder(onset)
        assert box.landmarks is None
        refined = finder.refine(onset, box.box)
        assert refined.landmarks is not None
        assert np.abs(refined.landmarks - face.landmarks).max() < 3
    with microexpr.FaceTracker() as tracker:
        first, = tracker(onset)
        second, = tracker(apex)
        assert first.id == second.id and second.followed and not first.followed
        tracker.reset()
    frames = microexpr.align_clip([onset, apex])
    assert [report.frame for _, report in frames] == [0, 1]
    crop, report = frames[1]
    assert crop.shape == (170, 140) and not report.is_lost
    assert math.hypot(report.before.dx, report.before.dy) > 1 > 10 * report.residual
    with microexpr.Aligner("112") as aligner:
        reference = aligner.begin(onset, face.landmarks)
        assert reference.shape == (112, 112)
        image, other = aligner(apex)
        assert image.shape == (112, 112) and not other.is_lost
    result = microexpr.recognize(onset, apex)
    assert result.n_faces == 1 and result.face is not None
    assert result.alignment is not None and not result.alignment.is_lost
    with microexpr.Recognizer() as recognizer:
        again = recognizer.run_clip([onset, apex])
        assert (again.onset, again.apex) == (0, 1) and again.scores == result.scores


def test_no_face() -> None:
    blank = np.full((240, 320), 90, np.uint8)
    assert microexpr.find_faces(blank) == []
    with microexpr.FaceTracker() as tracker:
        assert tracker(blank) == []
    with pytest.raises(microexpr.NotFoundError, match="no face"):
        microexpr.recognize(blank, blank)
    with pytest.raises(microexpr.NotFoundError, match="no face"):
        microexpr.align_clip([blank])


@needs_png
def test_callbacks_may_raise() -> None:
    def stop(image: microexpr.Image, report: microexpr.Alignment) -> None:
        raise KeyError("stop")

    with microexpr.Aligner() as aligner, pytest.raises(KeyError, match="stop"):
        frame = microexpr.Image.read(SAMPLE / "onset.png", "grey")
        face, = microexpr.find_faces(frame)
        aligner.align([frame, frame], stop, landmarks=face.landmarks)


def test_wrong_types() -> None:
    picture = np.zeros((200, 200), np.uint8)
    face: Any = microexpr
    with pytest.raises(TypeError, match="a picture is needed"):
        face.find_faces(None)
    with pytest.raises(TypeError, match="a picture is needed"):
        face.crop_face(None, landmarks())
    with pytest.raises(TypeError, match="68 landmarks"):
        face.crop_face(picture, None)
    with pytest.raises(TypeError, match="numbers are needed, not str"):
        face.crop_face(picture, "face")
    with pytest.raises(TypeError, match="a Crop or the name of one, not NoneType"):
        face.crop_face(picture, landmarks(), None)
    with pytest.raises(TypeError, match="a clip is needed"):
        face.align_clip(None)
    with pytest.raises(TypeError, match="finder must be a FaceFinder, not str"):
        face.align_clip([picture], landmarks=landmarks(), finder="haar")
    with pytest.raises(TypeError, match="occlusion must be a Occlusion, not NoneType"):
        face.occlude(picture, None, landmarks())
