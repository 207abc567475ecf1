# SPDX-License-Identifier: MIT
"""The form of the text: licence line, columns, blanks, length of functions."""

from __future__ import annotations

from pathlib import Path

import tree

COLUMNS = 90
FUNCTION_LINES = 60
LICENCE = "SPDX-License-Identifier: MIT"
WITH_LICENCE = tree.C_SUFFIXES + (".py", ".pyi", ".sh")


def check_blanks(where: str, text: str) -> list[str]:
    findings = [f"{where}:{number}: tab or blank at the end of the line"
                for number, line in enumerate(text.split("\n"), 1)
                if "\t" in line or line != line.rstrip()]
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        findings.append(f"{where}: ends with one line end, neither none nor an empty line")
    return findings


def check_licence(where: str, text: str) -> list[str]:
    head = text.split("\n")[:2]
    if head[0].startswith("#!"):
        head = head[1:]
    return [] if LICENCE in head[0] else [f"{where}: begin with the line {LICENCE}"]


def check_columns(where: str, text: str) -> list[str]:
    return [f"{where}:{number}: {len(line)} columns, more than {COLUMNS}"
            for number, line in enumerate(text.split("\n"), 1) if len(line) > COLUMNS]


def check_functions(where: str, text: str) -> list[str]:
    """Counts from the brace of a body in column 0 to its end."""
    findings = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start + 1 > FUNCTION_LINES:
                findings.append(f"{where}:{start}: a function of {number - start + 1} lines, "
                                f"more than {FUNCTION_LINES}: divide it")
            start = 0
    return findings


def check(root: Path) -> list[str]:
    findings = []
    for path in tree.files(root):
        where = path.relative_to(root).as_posix()
        if path.suffix not in tree.TEXT_SUFFIXES or "/seeds/" in where or "/regress/" in where:
            continue
        text = path.read_text(encoding="utf-8")
        findings += check_blanks(where, text)
        if path.suffix in WITH_LICENCE and text:
            findings += check_licence(where, text)
        if path.suffix in tree.C_SUFFIXES:
            findings += check_columns(where, text) + check_functions(where, text)
    return findings


if __name__ == "__main__":
    tree.main(check)
