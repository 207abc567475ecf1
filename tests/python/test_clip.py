# SPDX-License-Identifier: MIT
"""Clips, flow through them, interpolation and magnification."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest

import microexpr
from microexpr import Clip, Field, Flow, Image

np = pytest.importorskip("numpy", reason="numpy is not installed")

X = np.arange(40)
FRAMES = [np.rint(120 + 60 * np.add.outer(np.sin(0.3 * X[:32]), np.sin(0.4 * X - 0.2 * t)) / 2
                  ).astype(np.uint8) for t in range(7)]


def y4m(n: int = 3, extra: int = 0) -> bytes:
    frame = b"FRAME\n" + bytes(range(12))
    return b"YUV4MPEG2 W4 H3 F30000:1001 Cmono\n" + frame * n + frame[:extra]


def test_folder(tmp_path: Path) -> None:
    if "png" not in microexpr.build_features():
        pytest.skip("this build reads no PNG")
    for number, frame in zip((8, 9, 12), FRAMES):
        Image.from_array(frame).write_png(tmp_path / f"img{number}.png")
    with Clip.open(tmp_path, fps=200) as clip:
        assert clip.n_frames == 3 and not clip.is_stream and clip.fps == 200
        assert (clip.width, clip.height) == (40, 32)
        assert [clip.name(i) for i in range(3)] == ["img8.png", "img9.png", "img12.png"]
        assert clip.number(2) == 12 and clip.number(3) is None and clip.name(3) is None
        assert clip.missing == (2, 10)
        assert (clip.frame(2).to_numpy() == FRAMES[2]).all()
        assert [(image.to_numpy() == frame).all() for image, frame in zip(clip, FRAMES)]
        with pytest.raises(IndexError):
            clip.frame(3)
    assert Clip.open(tmp_path / "img%d.png").n_frames == 3
    assert Clip.open(tmp_path / "img?.png").n_frames == 2
    with pytest.raises(microexpr.NotFoundError):
        Clip.open(tmp_path / "x*.png")


def test_streams() -> None:
    clip = Clip.read_y4m(io.BytesIO(y4m()))
    assert clip.n_frames is None and clip.is_stream and clip.fps == Fraction(30000, 1001)
    assert clip.missing == (0, None)
    assert len(list(clip)) == 3 and clip.n_frames == 3
    with pytest.raises(microexpr.StateError):
        clip.frame(0)
    clip = Clip.read_y4m(io.BytesIO(y4m(2, 9)))
    with pytest.raises(microexpr.FormatError):
        list(clip)
    raw = Clip.read_raw(io.BytesIO(bytes(range(12))), 2, 1, "rgb8")
    assert [image.to_numpy()[0, 0, 0] for image in raw] == [0, 6]
    assert raw.fps is None


def test_what_a_stream_raises_comes_through() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 40:
                raise KeyError("torn cable")
            return super().read(min(size or 0, 40))

    with pytest.raises(KeyError, match="torn cable"):
        list(Clip.read_y4m(Broken(y4m())))


def test_flow() -> None:
    flow = Flow(microexpr.Context(threads=2), warps=2)
    clip = Clip.from_frames(FRAMES)
    taken: list[int] = []
    steps: list[tuple[int, int]] = []

    def take(frame: int, field: Field) -> None:
        alone = flow.compute(FRAMES[max(frame - 1, 0)], FRAMES[frame])
        assert (field.u == alone.u).all() and (field.v == alone.v).all()
        taken.append(frame)

    flow.clip(clip, take, reference="previous",
              progress=lambda done, total: steps.append((done, total)))
    assert taken == [1, 2, 3, 4, 5, 6] and steps[-1] == (6, 6)
    taken.clear()
    flow.clip(FRAMES, lambda frame, field: taken.append(frame), onset=2, first=1, n_frames=3)
    assert taken == [1, 3]

    def stop(frame: int, field: Field) -> None:
        raise KeyError(frame)

    with pytest.raises(KeyError):
        flow.clip(clip, stop)
    with pytest.raises(microexpr.ArgumentError):
        flow.clip(clip, stop, onset=7)


def test_interpolate() -> None:
    for method in ("tim", "linear"):
        same = microexpr.interpolate(FRAMES, 7, method)
        assert all((a.to_numpy() == b).all() for a, b in zip(same, FRAMES))
        assert len(microexpr.interpolate(FRAMES, 10, method)) == 10
    half = microexpr.interpolate(FRAMES, 3, "linear", first=1, n_in=2)
    mean = (FRAMES[1].astype(float) + FRAMES[2]) / 2
    assert np.abs(half[1].to_numpy() - mean).max() <= 0.5

    def stop(done: int, total: int) -> None:
        raise KeyError(total)

    with pytest.raises(KeyError):
        microexpr.interpolate(FRAMES, 10, progress=stop)
    with pytest.raises(microexpr.ArgumentError):
        microexpr.interpolate(FRAMES, 0)


def test_magnify() -> None:
    still = list(microexpr.magnify([FRAMES[0]] * 3, 30))
    assert all((image.to_numpy() == FRAMES[0]).all() for image in still)
    larger = list(microexpr.magnify(Clip.from_frames(FRAMES), 30, low=1, high=5, band="second"))
    assert len(larger) == 7 and (larger[0].to_numpy() == FRAMES[0]).all()
    assert (larger[6].to_numpy() != FRAMES[6]).any()
    magnifier = microexpr.Magnifier(30)
    magnifier(FRAMES[0])
    with pytest.raises(microexpr.ShapeError):
        magnifier(FRAMES[0][1:])
    magnifier.reset()
    magnifier(FRAMES[0][1:])
    with pytest.raises(microexpr.ArgumentError):
        microexpr.Magnifier(5)
