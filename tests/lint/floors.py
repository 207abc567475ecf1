# SPDX-License-Identifier: MIT
"""The house (docs/design.md): includes go downwards only, never up, never sideways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import tree

FLOORS = {
    "base": (),
    "kernel": ("base",),
    "image": ("kernel",),
    "face": ("image",),
    "flow": ("image",),
    "model": ("kernel",),
    "spot": ("face", "flow"),
    "system": ("model",),
    "fusion": ("model",),
    "saliency": ("image", "model"),
    "recognizer": ("spot", "system", "fusion", "saliency"),
    "dataset": ("image",),
    "train": ("system", "fusion", "dataset"),
    "evaluate": ("dataset", "recognizer", "train"),
}

# Doors to other libraries and to the machine: header -> files that may open them.
DOORS = {
    r"cblas\.h|openblas.*": r"lib/kernel/gemm_openblas\.c",
    r"turbojpeg\.h|jpeglib\.h|png\.h": r"lib/image/.*",
    r"protobuf-c/.*|google/.*": r"lib/model/.*",
    r"\w+intrin\.h|arm_neon\.h": r"lib/kernel/.*",
    r"pthread\.h|threads\.h": r"lib/base/.*",
    r"cpuid\.h|unistd\.h|fcntl\.h|sys/.*|dirent\.h": r"lib/base/.*",
    r"setjmp\.h": r"lib/image/.*",
    r"assert\.h|signal\.h|locale\.h|getopt\.h|dlfcn\.h": r"(?!)",
}

HEADERS_FOR_ALL = {"version", "export"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def below(module: str) -> set[str]:
    """The modules that `module` may include, itself among them."""
    found = {module}
    for lower in FLOORS[module]:
        found |= below(lower)
    return found


def includes(text: str) -> Iterator[tuple[str, str]]:
    return ((kind, name) for kind, name in INCLUDE.findall(text))


def module_of_include(name: str) -> str | None:
    """The module that an include names, or None for one of no module."""
    first, _, rest = name.partition("/")
    if first == "microexpr":
        stem = Path(rest).stem
        return None if stem in HEADERS_FOR_ALL else stem
    return first if rest else None


def check_lib_file(where: str, text: str) -> list[str]:
    """One file of lib/; `where` is its path from the root, with slashes."""
    findings = []
    module = where.split("/")[1]
    if module not in FLOORS:
        return [f"{where}: lib/{module} is not a floor of the house (docs/design.md)"]
    for kind, name in includes(text):
        if kind == "<":
            findings += [
                f"{where}: <{name}> may only be included by {files}"
                for headers, files in DOORS.items()
                if re.fullmatch(headers, name) and not re.fullmatch(files, where)]
            continue
        other = module_of_include(name)
        if other is None:
            if name != "config.h" and not name.startswith("microexpr/"):
                findings.append(f'{where}: write "{name}" with its folder')
        elif other not in below(module):
            findings.append(f"{where}: {module} must not include {name}")
    return findings


def check_public_header(where: str, text: str) -> list[str]:
    module = Path(where).stem
    if module == "microexpr":
        return []
    findings = []
    for kind, name in includes(text):
        other = Path(name).stem
        if kind == "<" and name not in ("stddef.h", "stdint.h"):
            findings.append(f"{where}: <{name}> is not for a public header")
        if kind == '"' and other not in HEADERS_FOR_ALL and other not in below(module):
            findings.append(f"{where}: {module} must not include {name}")
    return findings


def check_example(where: str, text: str) -> list[str]:
    """Examples and the command use the public API only."""
    return [f"{where}: {name} is not public" for kind, name in includes(text)
            if kind == '"' and "/" in name and not name.startswith("microexpr/")]


def check(root: Path) -> list[str]:
    findings = []
    for folder, check_file in (("lib", check_lib_file), ("include", check_public_header),
                               ("examples", check_example)):
        for path in tree.c_files(root, folder):
            findings += check_file(
                path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return findings


if __name__ == "__main__":
    tree.main(check)
