# SPDX-License-Identifier: MIT
"""No function of include/microexpr/X.h is left out of tests/api/api_X.c, and none that
can run out of memory out of tests/oom/oom_X.c (base.h: tests/base/test_base.c)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import headers  # noqa: E402

# Questions and settings that only read and write what is there.
NO_MEMORY = re.compile(r"mexpr_(\w+_bounds|flow_[gs]et|model_(input|output|node)"
                       r"|tensor_get|session_output|\w+_difference)")


def untried(path: Path, names: list[str]) -> list[str]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [name for name in names if not re.search(rf"\b{name}\(", text)]


def api(root: Path, header: headers.Header) -> tuple[Path, list[str]]:
    path = root / "tests" / "api" / f"api_{header.name}.c"
    return path, untried(path, list(header.functions))


def oom(root: Path, header: headers.Header) -> tuple[Path, list[str]]:
    path = root / "tests" / "oom" / f"oom_{header.name}.c"
    if header.name == "base":
        path = root / "tests" / "base" / "test_base.c"
    return path, untried(path, [
        name for name, function in header.functions.items()
        if function.result == "mexpr_status" and not NO_MEMORY.fullmatch(name)])


def main() -> None:
    root = Path(sys.argv[1])
    found = False
    for suite in (api, oom):
        for header in headers.public_headers(root):
            path, names = suite(root, header)
            found = found or bool(names)
            for name in names:
                print(f"{path.relative_to(root)}: {name}() is not tried")
    sys.exit(1 if found else 0)


main()
