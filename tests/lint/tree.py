# SPDX-License-Identifier: MIT
"""What the lint checks share: the files of the tree, and how a check reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDERS = ("include", "lib", "examples", "bindings", "tests", "docs", "pkgconfig")
C_SUFFIXES = (".c", ".h", ".inc", ".cpp")
TEXT_SUFFIXES = C_SUFFIXES + (
    ".py", ".pyi", ".md", ".build", ".txt", ".map", ".in", ".toml", ".supp", ".sh",
    ".cmake", ".proto")


def files(root: Path, *folders: str) -> Iterator[Path]:
    """All files under the folders (default: all of the project's), sorted."""
    for folder in folders or FOLDERS:
        for where, inner, names in os.walk(root / folder):
            inner[:] = sorted(
                name for name in inner
                if not name.startswith((".", "build")) and name != "__pycache__"
                and not name.endswith(".egg-info"))
            yield from (Path(where) / name for name in sorted(names))


def c_files(root: Path, *folders: str) -> Iterator[Path]:
    return (path for path in files(root, *folders) if path.suffix in C_SUFFIXES)


def main(check: Callable[[Path], list[str]]) -> None:
    """Runs a check on the source root given as the first argument; exit 1 on findings."""
    findings = check(Path(sys.argv[1]))
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
