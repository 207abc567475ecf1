# SPDX-License-Identifier: MIT
"""File names: unique, lower_snake, and every public header with its folder, its tests,
its binding and its chapter."""

from __future__ import annotations

import re
from pathlib import Path

import tree

REPEATED = {"meson.build", "README.md", "__init__.py", ".gitignore", "CMakeLists.txt"}
NO_MODULE = {"export", "microexpr", "version"}
LOWER_SNAKE = re.compile(r"[a-z0-9_]+\.[a-z0-9]+")


def _twins(root: Path, paths: list[Path]) -> list[str]:
    """A module's header, chapter, binding and folder share their name by design, each with
    another suffix; two files of one name and suffix are a muddle. Examples are programs
    of their own and are named after what they show."""
    seen: dict[str, Path] = {}
    findings = []
    for path in paths:
        if path.name in REPEATED or "examples" in path.relative_to(root).parts:
            continue
        if path.name in seen:
            findings.append(f"{path.relative_to(root)}: there is also "
                            f"{seen[path.name].relative_to(root)}; file names are unique")
        seen.setdefault(path.name, path)
    return findings


def _spelling(root: Path, paths: list[Path]) -> list[str]:
    return [f"{path.relative_to(root)}: file names are lower_snake" for path in paths
            if path.suffix in tree.C_SUFFIXES and not LOWER_SNAKE.fullmatch(path.name)]


def _doors(root: Path) -> list[str]:
    """A public header is the door of the folder of the same name."""
    findings = []
    for header in sorted((root / "include" / "microexpr").glob("*.h")):
        module = header.stem
        if module in NO_MODULE:
            continue
        findings += [f"include/microexpr/{module}.h: {wanted} is missing"
                     for wanted in (f"lib/{module}", f"tests/{module}", f"docs/{module}.md",
                                    f"bindings/python/microexpr/{module}.py")
                     if not (root / wanted).exists()]
    findings += [f"{folder.relative_to(root)}: tests/{folder.name} is missing"
                 for folder in sorted((root / "lib").iterdir())
                 if folder.is_dir() and not (root / "tests" / folder.name).is_dir()]
    return findings


def check(root: Path) -> list[str]:
    paths = [path for path in tree.files(root)
             if not {"seeds", "regress"} & set(path.relative_to(root).parts)]
    return _twins(root, paths) + _spelling(root, paths) + _doors(root)


if __name__ == "__main__":
    tree.main(check)
