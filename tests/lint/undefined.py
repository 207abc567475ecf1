# SPDX-License-Identifier: MIT
"""What the shared library takes from outside, against the list in undefined.txt. A name
that is not there is either banned in a library (exit, printf, getenv, …) or has to be
added with its reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def allowed(text: str) -> re.Pattern[str]:
    """Every line that is neither empty nor a comment holds patterns; * stands for more."""
    words = [word for line in text.splitlines() if not line.startswith("#")
             for word in line.split()]
    return re.compile("|".join(re.escape(word).replace(r"\*", r"\w*") for word in words))


def plain(symbol: str) -> str:
    """__memcpy_chk@GLIBC_2.3.4 -> memcpy: hardened builds call the checking twins."""
    symbol = symbol.partition("@")[0]
    return re.sub(r"^__(\w+)_chk$", r"\1", symbol)


def check(listing: str, allow_list: str) -> list[str]:
    pattern = allowed(allow_list)
    names = sorted({plain(line.split()[-1]) for line in listing.splitlines() if line.strip()})
    return [f"{name}: not in tests/lint/undefined.txt" for name in names
            if not pattern.fullmatch(name)]


if __name__ == "__main__":
    nm, library = sys.argv[1:]
    findings = check(
        subprocess.run([nm, "-D", "-u", library], check=True, capture_output=True,
                       text=True).stdout,
        Path(__file__).with_name("undefined.txt").read_text(encoding="utf-8"))
    print("\n".join(findings))
    sys.exit(1 if findings else 0)
