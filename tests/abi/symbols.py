# SPDX-License-Identifier: MIT
"""Three lists have to be one: the functions in the public headers, the version map, the
symbols that the shared library exports. And constants.c has to pin every constant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import headers  # noqa: E402


def in_map(text: str) -> list[str]:
    return re.findall(r"\b(mexpr_\w+);", headers.strip_comments(text))


def exported(listing: str) -> dict[str, str]:
    """Name and node of what `nm -D --defined-only --with-symbol-versions` prints."""
    names = [line.split()[-1] for line in listing.splitlines() if " A " not in line]
    return {name: node for name, _, node in
            (versioned.replace("@@", "@").partition("@") for versioned in names)}


def difference(one: set[str], has: str, other: set[str], lacks: str) -> list[str]:
    return [f"{name}: {has}, but {lacks}" for name in sorted(one - other)]


def check_symbols(declared: set[str], mapped: list[str], nodes: dict[str, str]) -> list[str]:
    findings = [f"{name}: twice in lib/microexpr.map"
                for name in sorted(set(mapped)) if mapped.count(name) > 1]
    findings += difference(declared, "declared", set(mapped), "not in lib/microexpr.map")
    findings += difference(set(mapped), "in lib/microexpr.map", declared, "not declared")
    findings += difference(declared, "declared", set(nodes), "not in the library")
    findings += difference(set(nodes), "exported", declared, "not declared")
    findings += [f"{name}: exported without a version node"
                 for name, node in sorted(nodes.items())
                 if not node.startswith("MICROEXPR_")]
    return findings


def check_constants(public: list[headers.Header], pins: str) -> list[str]:
    """Every constant and struct is pinned in constants.c, and nothing else."""
    pinned = dict(re.findall(r"\bVALUE\((\w+), ([^)]+)\)", pins))
    declared = {name: value for header in public
                for constants in header.enums.values() for name, value in constants.items()}
    findings = [f"{name} = {value}: not pinned in tests/abi/constants.c"
                for name, value in declared.items() if name not in pinned]
    findings += [f"{name}: pinned, but no longer declared" for name in pinned
                 if name not in declared and name.startswith("MEXPR_")
                 and not any(name in header.macros for header in public)]
    findings += [f"{header.name}.h: {name} is not pinned in tests/abi/constants.c"
                 for header in public for name in header.structs
                 if f"SIZE({name}, " not in pins]
    return findings


def main(root: Path, nm: str, library: str) -> int:
    public = headers.public_headers(root)
    listing = subprocess.run([nm, "-D", "--defined-only", "--with-symbol-versions", library],
                             check=True, capture_output=True, text=True).stdout
    findings = check_symbols(
        {name for header in public for name in header.functions},
        in_map((root / "lib" / "microexpr.map").read_text(encoding="utf-8")),
        exported(listing))
    findings += check_constants(
        public, (root / "tests" / "abi" / "constants.c").read_text(encoding="utf-8"))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
