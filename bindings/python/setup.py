# SPDX-License-Identifier: MIT
"""Takes the version from the C header, or in an sdist from what the sdist was made with."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "include" / "microexpr" / "version.h"


def version() -> str:
    if HEADER.is_file():
        text = HEADER.read_text(encoding="utf-8")
        return ".".join(re.findall(r"^#define MEXPR_VERSION_\w+ (\d+)$", text, flags=re.M))
    info = (HERE / "PKG-INFO").read_text(encoding="utf-8")
    return re.findall(r"^Version: (.+)$", info, flags=re.M)[0]


setup(version=version())
