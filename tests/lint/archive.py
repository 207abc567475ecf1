# SPDX-License-Identifier: MIT
"""Global symbols of the static archive: in a program that links it they share one space
with all others, so each begins with mexpr_ (public) or mx_ (ours)."""

from __future__ import annotations

import subprocess
import sys


def check(listing: str) -> list[str]:
    """`listing` is what nm prints: address, kind, name."""
    names = {line.split()[-1] for line in listing.splitlines() if len(line.split()) == 3}
    if not names:
        return ["the archive has no symbols at all"]
    return [f"{name}: global symbols begin with mexpr_ or mx_" for name in sorted(names)
            if not name.startswith(("mexpr_", "mx_"))]


if __name__ == "__main__":
    nm, archive = sys.argv[1:]
    findings = check(subprocess.run(
        [nm, "-g", "--defined-only", archive], check=True, capture_output=True,
        text=True).stdout)
    print("\n".join(findings))
    sys.exit(1 if findings else 0)
