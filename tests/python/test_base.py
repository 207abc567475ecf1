# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import microexpr
from microexpr import base

HERE = Path(__file__).resolve().parent


def test_versions_and_features() -> None:
    assert microexpr.version().count(".") == 2
    assert any(feature.startswith("gemm=") for feature in microexpr.build_features())
    assert microexpr.cpu_flags() & microexpr.CpuFlag.ALL == microexpr.cpu_flags()


def test_context_and_its_end() -> None:
    with microexpr.Context(threads=2) as context:
        assert context.threads == 2
        assert context.cpu == microexpr.cpu_flags()
        assert "2 threads" in repr(context)
    assert context.closed
    context.close()
    with pytest.raises(ValueError, match="Context is closed"):
        context.threads
    with pytest.raises(ValueError):
        with context:
            pass


def test_cpu_mask() -> None:
    assert microexpr.Context(cpu=0).cpu == 0


@pytest.mark.parametrize("threads", [0, -1, 65])
def test_thread_bounds(threads: int) -> None:
    with pytest.raises(ValueError):
        microexpr.Context(threads=threads)


def test_errors_carry_status_name_and_sentence() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        microexpr.Image.read("/no/such.png")
    error = caught.value
    assert isinstance(error, microexpr.Error) and isinstance(error, LookupError)
    assert error.status is microexpr.Status.E_NOT_FOUND
    assert error.name == "MEXPR_E_NOT_FOUND"
    assert "/no/such.png" in error.sentence and str(error) == error.sentence


@pytest.mark.parametrize("status", [s for s in microexpr.Status if s < 0])
def test_every_status_has_its_error(status: microexpr.Status) -> None:
    with pytest.raises(microexpr.Error) as caught:
        base.check(status, b"why")
    error = caught.value
    assert type(error) is not microexpr.Error
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.status, again.name, str(again)) == (status, "MEXPR_" + status.name, "why")


def test_unknown_status_and_no_sentence() -> None:
    with pytest.raises(microexpr.Error) as caught:
        base.check(-9999)
    assert caught.value.name == "MEXPR_E_UNKNOWN" and str(caught.value)
    base.check(0)
    base.check(microexpr.Status.AGAIN)


def test_log() -> None:
    lines: list[tuple[microexpr.LogLevel, str]] = []
    context = microexpr.Context(log=lambda level, text: lines.append((level, text)))
    with pytest.raises(microexpr.Error):
        microexpr.Image.read("/no/such.png", context=context)
    assert lines[0][0] is microexpr.LogLevel.ERROR and "/no/such.png" in lines[0][1]


def test_log_outlives_the_context_object() -> None:
    lines: list[str] = []
    context = microexpr.Context(log=lambda level, text: lines.append(text))
    flow = microexpr.Flow(context)
    context.close()
    del context
    with pytest.raises(ValueError):
        flow.set(warps=-1)
    assert lines


def test_limits() -> None:
    context = microexpr.Context(max_pixels=10)
    with pytest.raises(microexpr.LimitError, match="max_pixels"):
        microexpr.Image.create(4, 3, context=context)


def test_default_context_is_one_and_comes_back() -> None:
    first = microexpr.default_context()
    assert microexpr.default_context() is first
    first.close()
    assert not microexpr.default_context().closed


def test_threads_share_the_default_context() -> None:
    wrong = []

    def work(number: int) -> None:
        for _ in range(50):
            try:
                microexpr.Image.read(f"/no/{number}.png")
            except microexpr.Error as error:
                if f"/no/{number}.png" not in error.sentence:
                    wrong.append(error.sentence)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_constants_by_name() -> None:
    assert base.constant(microexpr.Filter, "Area") is microexpr.Filter.AREA
    assert base.constant(microexpr.Filter, 2) is microexpr.Filter.BILINEAR
    with pytest.raises(ValueError, match="area, bilinear, bicubic"):
        base.constant(microexpr.Filter, "lanczos")


def test_text_with_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        microexpr.Image.read("a\0b")


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-B", "-c", code], env={**os.environ, **env},
                          capture_output=True, text=True, check=False)


def test_library_that_is_not_there() -> None:
    done = python("import microexpr", MICROEXPR_LIBRARY="/no/libmicroexpr.so")
    assert done.returncode != 0
    assert "set MICROEXPR_LIBRARY" in done.stderr and "/no/libmicroexpr.so" in done.stderr


def test_library_that_is_another(tmp_path: Path) -> None:
    import ctypes.util
    libm = ctypes.util.find_library("m")
    if libm is None:
        pytest.skip("no other library at hand")
    done = python("import microexpr", MICROEXPR_LIBRARY=libm)
    assert done.returncode != 0 and "lacks mexpr_status_name" in done.stderr


def test_library_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "microexpr"
    package.mkdir()
    source = Path(microexpr.__file__).parent
    for path in source.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    (package / "libmicroexpr.so.0").symlink_to(os.environ["MICROEXPR_LIBRARY"])
    done = python("import microexpr; print(microexpr.__file__, microexpr.base.lib._name)",
                  MICROEXPR_LIBRARY="", PYTHONPATH=str(tmp_path))
    assert done.stdout.split() == [str(package / "__init__.py"),
                                   str(package / "libmicroexpr.so.0")], done.stderr
