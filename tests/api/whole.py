# SPDX-License-Identifier: MIT
"""No public function is left out of tests/api, and none that can run out of memory out
of tests/oom (base.h: tests/base/test_base.c)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "tests" / "support"))
import headers  # noqa: E402

# Questions and settings that only read and write what is there.
NO_MEMORY = re.compile(r"mexpr_(\w+_bounds|flow_[gs]et|model_(input|output|node)"
                       r"|tensor_get|system_info_get|clip_fps|session_output|\w+_difference"
                       r"|result_(face|alignment)|manifest_clip|findings_get|mcnemar"
                       r"|metrics_class|apex_compute)")


def named(*files: Path) -> set[str]:
    return {name for path in files
            for name in re.findall(r"\b(mexpr_\w+)\b", path.read_text(encoding="utf-8"))}


def untried(names: list[str], *files: Path) -> list[str]:
    return sorted(set(names) - named(*files))


functions = headers.functions(ROOT)
tests = ROOT / "tests"
findings = [f"tests/api: {name}() is not tried"
            for name in untried(list(functions), *(tests / "api").glob("*.c"))]
findings += [f"tests/oom: {name}() is not tried" for name in untried(
    [name for name, function in functions.items()
     if function.result == "mexpr_status" and not NO_MEMORY.fullmatch(name)],
    *(tests / "oom").glob("*.c"), tests / "base" / "test_base.c")]
print("\n".join(findings))
sys.exit(1 if findings else 0)
