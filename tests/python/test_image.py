# SPDX-License-Identifier: MIT
from __future__ import annotations

import array
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

import microexpr
from microexpr import Format, Image

np = pytest.importorskip("numpy", reason="numpy is not installed")

HAVE_PNG = "png" in microexpr.build_features()
needs_png = pytest.mark.skipif(not HAVE_PNG, reason="this build has no PNG")


def ramp(*shape: int, dtype: Any = np.uint8) -> Any:
    return (np.arange(np.prod(shape)) % 251).astype(dtype).reshape(shape)


@pytest.mark.parametrize("shape, dtype, format", [
    ((5, 7), np.uint8, Format.GREY8),
    ((5, 7, 1), np.uint8, Format.GREY8),
    ((5, 7, 3), np.uint8, Format.RGB8),
    ((5, 7, 4), np.uint8, Format.RGBA8),
    ((5, 7), np.uint16, Format.GREY16),
    ((5, 7), np.float32, Format.GREYF32),
    ((1, 1), np.uint8, Format.GREY8),
])
def test_arrays_are_wrapped_without_a_copy(shape: Any, dtype: Any, format: Format) -> None:
    source = ramp(*shape, dtype=dtype)
    picture = Image.from_array(source, copy=False)
    assert picture.format is format
    assert (picture.height, picture.width) == shape[:2]
    shared = picture.to_numpy()
    assert np.shares_memory(shared, source)
    assert not shared.flags.writeable
    assert (shared.reshape(shape) == source).all()
    picture.to_numpy(writable=True)[0, 0] = 99
    assert (source[0, 0] == 99).all()


def test_bgr_is_said() -> None:
    source = ramp(2, 2, 3)
    assert Image.from_array(source, "bgr8").format is Format.BGR8
    grey = Image.from_array(source, "bgr8").convert("rgb8").to_numpy()
    assert (grey == source[:, :, ::-1]).all()
    with pytest.raises(TypeError, match="GREY8 does not fit"):
        Image.from_array(source, Format.GREY8)


def test_strides_are_respected() -> None:
    source = ramp(9, 20, 3)
    part = source[2:8:2, 3:11]
    picture = Image.from_array(part, copy=False)
    assert picture.stride == 2 * source.strides[0]
    assert (picture.to_numpy() == part).all()
    assert picture.tobytes() == part.tobytes()
    assert (picture.convert("grey8").to_numpy()
            == Image.from_array(part.copy()).convert("grey8").to_numpy()).all()
    with pytest.raises(ValueError, match="gaps"):
        picture.view()


@pytest.mark.parametrize("part", [
    np.s_[::-1], np.s_[:, ::-1], np.s_[:, ::2], np.s_[:, :, ::-1], np.s_[:, :, :3]])
def test_what_cannot_be_wrapped_is_copied(part: Any) -> None:
    source = ramp(6, 8, 4)[part]
    with pytest.raises(ValueError, match="without a copy"):
        Image.from_array(source, copy=False)
    picture = Image.from_array(source)
    assert (picture.to_numpy() == source).all()
    assert not np.shares_memory(picture.to_numpy(), source)


def test_broadcast_rows_are_copied() -> None:
    source = np.broadcast_to(ramp(1, 8), (4, 8))
    assert (Image.from_array(source).to_numpy() == source).all()


def test_forced_copy() -> None:
    source = ramp(3, 3)
    picture = Image.from_array(source, copy=True)
    source[:] = 0
    assert picture.to_numpy().any()


def test_unaligned_floats_are_copied() -> None:
    raw = np.zeros(4 * 6 + 1, np.uint8)
    source = np.frombuffer(raw.data, np.float32, 6, 1).reshape(2, 3)
    assert (Image.from_array(source).to_numpy() == source).all()
    with pytest.raises(ValueError):
        Image.from_array(source, copy=False)


def test_read_only_memory_stays_read_only() -> None:
    source = ramp(3, 4)
    source.flags.writeable = False
    for picture in (Image.from_array(source),
                    Image.from_array(memoryview(bytes(12)).cast("B", [3, 4]))):
        with pytest.raises(ValueError, match="read-only"):
            picture.to_numpy(writable=True)
        with pytest.raises(ValueError, match="read-only"):
            picture.view(writable=True)


@pytest.mark.parametrize("source", [
    ramp(3, 4, dtype=np.float64), ramp(3, 4, dtype=np.int8), ramp(3, 4, 2), ramp(12),
    ramp(3, 4, 3, dtype=np.float32), ramp(2, 3, 4, 3), np.array(3, np.uint8),
    ramp(3, 4, dtype=np.dtype(">u2")), np.zeros((2, 2), "U3"), b"abc", 3, "text", None,
    object()])
def test_what_is_no_picture(source: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Image.from_array(source)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
def test_empty_arrays(shape: Any) -> None:
    with pytest.raises(microexpr.ArgumentError, match="size"):
        Image.from_array(np.zeros(shape, np.uint8))


def test_other_exporters() -> None:
    raw = bytearray(range(12))
    picture = Image.from_array(memoryview(raw).cast("B", [3, 4]))
    raw[0] = 77
    assert picture.view()[0, 0] == 77
    floats = array.array("f", [1.5] * 6)
    assert Image.from_array(memoryview(floats).cast("B").cast("f", [2, 3])).tobytes() \
        == floats.tobytes()

    class Foreign:
        def __init__(self, data: Any) -> None:
            self.__array_interface__ = {"version": 3, "shape": (2, 3), "typestr": "|u1",
                                        "data": data}

    assert Image.from_array(Foreign(b"abcdef")).tobytes() == b"abcdef"
    source = ramp(2, 3)
    assert Image.from_array(Foreign((source.ctypes.data, False))).tobytes() \
        == source.tobytes()
    assert Image.from_array(picture).tobytes() == picture.tobytes()


def test_the_parent_lives_as_long_as_needed() -> None:
    class Array(np.ndarray):  # type: ignore[type-arg]
        pass

    source = ramp(4, 5).view(Array)
    alive = weakref.ref(source)
    picture = Image.from_array(source)
    view = picture.to_numpy()
    del source
    gc.collect()
    assert alive() is not None
    picture.close()
    del picture
    gc.collect()
    assert alive() is not None and view[0, 1] == 1
    del view
    gc.collect()
    assert alive() is None


def test_views_outlive_close() -> None:
    with Image.create(4, 3, "rgb8") as picture:
        view, shared = picture.view(writable=True), picture.to_numpy()
    view[1, 2, 0] = 5
    assert shared[1, 2, 0] == 5
    with pytest.raises(ValueError, match="closed"):
        picture.width
    assert "closed" in repr(picture)


def test_copy_of_the_pixels_is_a_copy() -> None:
    picture = Image.create(2, 2)
    own = picture.to_numpy(copy=True)
    own[:] = 3
    assert not picture.to_numpy().any()


def test_geometry() -> None:
    source = ramp(6, 8)
    picture = Image.from_array(source)
    assert (picture.crop(2, 1, 3, 4).to_numpy() == source[1:5, 2:5]).all()
    small = picture.resize(4, 3, filter="area").to_numpy()
    assert np.abs(small - source.reshape(3, 2, 4, 2).mean((1, 3))).max() <= 0.5
    assert picture.resize(16, 12, "bicubic").shape == (12, 16)
    assert picture.gaussian(1.5).shape == (6, 8)
    with pytest.raises(microexpr.ArgumentError):
        picture.crop(7, 0, 2, 2)
    with pytest.raises(microexpr.ArgumentError):
        picture.gaussian(-1)
    with pytest.raises(ValueError, match="bicubic"):
        picture.resize(3, 3, "lanczos")


def test_grey_is_bt601() -> None:
    source = ramp(5, 5, 3)
    grey = Image.from_array(source).convert("greyf32").to_numpy()
    assert np.allclose(grey, source @ np.array([0.299, 0.587, 0.114]), atol=0.51)


@needs_png
def test_png_there_and_back(tmp_path: Path) -> None:
    for source in (ramp(4, 6), ramp(4, 6, 3), ramp(4, 6, 4), ramp(4, 6, dtype=np.uint16)):
        picture = Image.from_array(source)
        picture.write_png(tmp_path / "a.png")
        assert (Image.read(tmp_path / "a.png").to_numpy() == source).all()
        encoded = picture.encode_png()
        assert (Image.decode(encoded).to_numpy() == source).all()
        assert (Image.decode(np.frombuffer(encoded, np.uint8)).to_numpy() == source).all()
    assert Image.read(str(tmp_path / "a.png"), colour="grey").format is Format.GREY8
    assert Image.read(bytes(tmp_path / "a.png"), colour="rgb").format is Format.RGB8


@needs_png
def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(microexpr.FormatError):
        Image.decode(b"no picture at all")
    with pytest.raises(microexpr.FormatError):
        Image.decode(b"")
    encoded = Image.from_array(ramp(9, 9)).encode_png()
    with pytest.raises(microexpr.FormatError) as caught:
        Image.decode(encoded[:40])
    assert caught.value.status in (microexpr.Status.E_TRUNCATED, microexpr.Status.E_FORMAT)
    with pytest.raises(OSError):
        Image.from_array(ramp(2, 2)).write_png(tmp_path / "no" / "where.png")


def test_nothing_leaks() -> None:
    gc.collect()
    before = sum(isinstance(o, microexpr.base.Handle) for o in gc.get_objects())
    for _ in range(20):
        Image.from_array(ramp(4, 4)).convert("rgb8").to_numpy()
    assert sum(isinstance(o, microexpr.base.Handle) for o in gc.get_objects()) <= before
