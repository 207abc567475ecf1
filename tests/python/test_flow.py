# SPDX-License-Identifier: MIT
from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import microexpr
from microexpr import Context, Field, Flow, FlowMethod, FlowParam, Image

np = pytest.importorskip("numpy", reason="numpy is not installed")

needs_png = pytest.mark.skipif("png" not in microexpr.build_features(),
                               reason="this build has no PNG")


def bumps(shift: float = 0.0, height: int = 40, width: int = 56) -> Any:
    """Smooth texture, moved to the right by `shift` pixels."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x = x - shift
    return (128 + 60 * np.sin(x / 4) * np.cos(y / 5) + 30 * np.sin(x / 7 + y / 3)) \
        .astype(np.float32)


@pytest.fixture(scope="module")
def field() -> Field:
    return Flow(epsilon=0.001).compute(bumps(), bumps(1.0))


def test_flow_of_a_shift(field: Field) -> None:
    assert (field.height, field.width) == (40, 56)
    inside = np.s_[8:-8, 8:-8]
    assert field.u.dtype == np.float32 and field.u.shape == (40, 56)
    assert abs(float(field.u[inside].mean()) - 1) < 0.1
    assert abs(float(field.v[inside].mean())) < 0.1


def test_kinds_of_input_agree(field: Field) -> None:
    flow = Flow(epsilon=0.001)
    pictures = [Image.from_array(bumps(shift)) for shift in (0.0, 1.0)]
    assert (flow.compute(*pictures).u == field.u).all()


def test_threads_give_the_same_bits() -> None:
    fields = [Flow(Context(threads=threads)).compute(bumps(), bumps(0.5))
              for threads in (1, 2, 3)]
    for other in fields[1:]:
        assert (other.u == fields[0].u).all() and (other.v == fields[0].v).all()


def test_out_is_written_to() -> None:
    flow = Flow()
    out = Field.create(56, 40)
    assert flow.compute(bumps(), bumps(1.0), out) is out
    assert out.u.any()
    with pytest.raises(microexpr.Error):
        flow.compute(bumps(), bumps(), Field.create(3, 3))


def test_bad_pictures() -> None:
    flow = Flow()
    with pytest.raises(microexpr.ShapeError):
        flow.compute(bumps(), bumps()[:-1])
    hole = bumps()
    hole[3, 3] = np.nan
    with pytest.raises(microexpr.FormatError):
        flow.compute(bumps(), hole)
    with pytest.raises(FileNotFoundError):
        flow.compute("/no/a.png", "/no/b.png")
    with pytest.raises(TypeError):
        flow.compute(bumps().astype(np.float64), bumps())


def test_constant_pictures_do_not_move() -> None:
    flat = np.full((20, 20), 7, np.uint8)
    field = Flow().compute(flat, flat)
    assert not field.u.any() and not field.v.any()


def method_params() -> list[tuple[FlowMethod, FlowParam]]:
    pairs = [(method, param) for method in FlowMethod for param in FlowParam
             if param is not FlowParam.METHOD]
    return [pair for pair in pairs if has_param(*pair)]


def has_param(method: FlowMethod, param: FlowParam) -> bool:
    try:
        Flow.bounds(param, method)
    except microexpr.ArgumentError:
        return False
    return True


def test_methods_have_their_own_params() -> None:
    assert not has_param(FlowMethod.TVL1, FlowParam.WINDOW)
    assert has_param(FlowMethod.FARNEBACK, FlowParam.WINDOW)
    with pytest.raises(microexpr.ArgumentError, match="Farnebäck"):
        Flow(method="farneback", tau=0.1)


@pytest.mark.parametrize("method,param", method_params())
def test_bounds_hold(method: FlowMethod, param: FlowParam) -> None:
    flow = Flow(method=method)
    minimum, maximum, standard = Flow.bounds(param, method)
    assert minimum <= standard <= maximum
    assert flow.get(param) == standard
    flow.set(**{param.name.lower(): maximum})
    assert flow.get(param.name.lower()) == maximum
    with pytest.raises(microexpr.ArgumentError) as caught:
        flow.set(**{param.name.lower(): maximum * 2 + 1})
    assert caught.value.status == microexpr.Status.E_RANGE
    assert flow.get(param) == maximum


@pytest.mark.parametrize("method", list(FlowMethod))
def test_methods_find_a_shift(method: FlowMethod) -> None:
    y, x = np.mgrid[0:64, 0:72].astype(np.float32)
    first = 128 + 60 * np.sin(x / 5) * np.cos(y / 7)
    second = 128 + 60 * np.sin((x - 0.5) / 5) * np.cos(y / 7)
    field = Flow(method=method).compute(first, second)
    assert abs(field.u[12:-12, 12:-12].mean() - 0.5) < 0.1


def test_params_by_keyword() -> None:
    flow = Flow(lambda_=0.2, warps=3)
    assert flow.get("lambda") == 0.2 and flow.get("warps") == 3
    assert "warps=3" in repr(flow)
    with pytest.raises(microexpr.ArgumentError):
        Flow(warps=0)
    with pytest.raises(ValueError, match="tau, lambda"):
        flow.set(gamma=1)
    with pytest.raises(ValueError):
        Flow.bounds("gamma")


def test_strain_and_pictures(field: Field) -> None:
    y, x = np.mgrid[:12, :16].astype(np.float32)
    stretched = Field.from_arrays(0.1 * x, 0.2 * y)
    strain = stretched.strain().to_numpy()
    assert np.allclose(strain, np.hypot(0.1, 0.2), atol=1e-6)
    assert stretched.strain(kind="quarter").shape == (12, 16)
    assert stretched.strain(microexpr.Strain.OFF_TANET).shape == (12, 16)
    picture = field.picture(28, 28)
    assert picture.format is microexpr.Format.RGB8 and picture.shape == (28, 28, 3)
    values = picture.to_numpy()
    assert values[..., 0].min() == 0 and values[..., 0].max() == 255
    assert field.colour().shape == (40, 56, 3)
    assert field.colour(max_radius=5).shape == (40, 56, 3)


def test_flo_there_and_back(field: Field, tmp_path: Path) -> None:
    field.write_flo(tmp_path / "a.flo")
    again = Field.read_flo(tmp_path / "a.flo")
    assert again.difference(field) == (0.0, 40 * 56)
    raw = (tmp_path / "a.flo").read_bytes()
    assert (Field.decode_flo(raw).v == field.v).all()
    assert np.frombuffer(raw, "<f4", offset=12)[:2].tolist() \
        == [field.u[0, 0], field.v[0, 0]]
    with pytest.raises(microexpr.FormatError) as caught:
        Field.decode_flo(raw[:-1])
    assert caught.value.status == microexpr.Status.E_TRUNCATED
    with pytest.raises(microexpr.FormatError):
        Field.decode_flo(b"")


@needs_png
def test_kitti_there_and_back(field: Field, tmp_path: Path) -> None:
    field.write_kitti(tmp_path / "a.png")
    assert Field.read_kitti(tmp_path / "a.png").difference(field).mean < 1 / 64


def test_fields_from_arrays() -> None:
    u = np.arange(12, dtype=np.float32).reshape(3, 4)
    field = Field.from_arrays(u.T.copy().T, u[:, ::-1])
    assert (field.u == u).all() and (field.v == u[:, ::-1]).all()
    field.u[:] = 0
    assert not field.u.any() and u.any()
    for bad in (u.astype(np.float64), u[0], u[:2]):
        with pytest.raises(TypeError):
            Field.from_arrays(u, bad)


def test_unknown_displacements_are_left_out() -> None:
    zero = np.zeros((2, 2), np.float32)
    holed = zero.copy()
    holed[0, 0] = microexpr.FIELD_UNKNOWN
    moved = Field.from_arrays(zero + 3, zero + 4)
    assert moved.difference(Field.from_arrays(holed, holed)) == (5.0, 3)


def test_planes_outlive_the_field() -> None:
    field = Field.create(4, 3)
    u = field.u
    u[2, 3] = 8
    field.close()
    gc.collect()
    assert u[2, 3] == 8
    with pytest.raises(ValueError, match="closed"):
        field.v


def test_threads_take_turns_on_one_estimator(field: Field) -> None:
    flow = Flow(epsilon=0.001)
    results: list[Any] = []
    threads = [threading.Thread(
        target=lambda: results.append(flow.compute(bumps(), bumps(1.0)).u))
        for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all((u == field.u).all() for u in results)


@needs_png
def test_real_pairs() -> None:
    root = os.environ.get("MEXPR_TEST_DATA")
    if not root:
        pytest.skip("set the build option test_data to the folder of real data")
    pairs = sorted((Path(root) / "pairs").iterdir())
    assert pairs
    for pair in pairs:
        field = Flow().compute(pair / "onset.png", pair / "apex.png")
        published = Field.read_flo(pair / "ipol_tvl1.flo")
        assert field.difference(published).mean < 0.01
