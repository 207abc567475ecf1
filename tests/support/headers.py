# SPDX-License-Identifier: MIT
"""Reads what the public headers declare, for the tests that compare it with something.

Understands exactly the C that the headers of this project use: enums with values,
structs of plain fields, opaque structs, callback types, MEXPR_API functions.
Types come out without `const`, one blank before the stars: "mexpr_image **".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class Function(NamedTuple):
    name: str
    result: str
    arguments: tuple[tuple[str, str], ...]  # (type, name)


class Field(NamedTuple):
    type: str
    name: str
    count: str  # array length as written, "" for none


class Header(NamedTuple):
    name: str  # "flow"
    functions: dict[str, Function]
    callbacks: dict[str, Function]
    enums: dict[str, dict[str, int]]
    structs: dict[str, tuple[Field, ...]]
    opaque: set[str]
    macros: dict[str, str]


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def _tidy_type(text: str) -> str:
    text = re.sub(r"\b(const|struct|enum)\b", " ", text)
    stars = text.count("*")
    base = " ".join(text.replace("*", " ").split())
    return f"{base} {'*' * stars}" if stars else base


def _declaration(text: str) -> tuple[str, str]:
    """("mexpr_image **", "out") from "mexpr_image **out"."""
    match = re.fullmatch(r"\s*(.*?)(\w+)\s*", text, flags=re.S)
    if not match:
        raise ValueError(f"not a declaration: {text!r}")
    return _tidy_type(match[1]), match[2]


def _arguments(text: str) -> tuple[tuple[str, str], ...]:
    if text.strip() == "void":
        return ()
    return tuple(_declaration(part) for part in text.split(","))


def _function(result: str, name: str, arguments: str) -> Function:
    return Function(name, _tidy_type(result), _arguments(arguments))


def _enum(body: str) -> dict[str, int]:
    values: dict[str, int] = {}
    following = 0
    for part in filter(None, (piece.strip() for piece in body.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        values[name] = int(value, 0) if value else following
        following = values[name] + 1
    return values


def _struct(body: str) -> tuple[Field, ...]:
    fields = []
    for part in filter(None, (piece.strip() for piece in body.split(";"))):
        declared, _, count = part.partition("[")
        fields.append(Field(*_declaration(declared), count.rstrip("] ")))
    return tuple(fields)


def parse(path: Path) -> Header:
    code = strip_comments(path.read_text(encoding="utf-8"))
    macros = dict(
        re.findall(r"^#define (\w+)[ \t]*((?:[^\n\\]|\\\n)*)$", code, flags=re.M))
    code = re.sub(r"^#(?:[^\n\\]|\\\n)*$", "", code, flags=re.M)
    functions = [_function(*found) for found in re.findall(
        r"\bMEXPR_API\s+([^;()]*?)(\w+)\s*\(([^;()]*)\)\s*;", code)]
    callbacks = [_function(*found) for found in re.findall(
        r"\btypedef\s+([^;(){}]*?)\(\s*\*\s*(\w+)\s*\)\s*\(([^;()]*)\)\s*;", code)]
    if len(functions) != len(re.findall(r"\bMEXPR_API\b", code)):
        raise ValueError(f"{path}: a MEXPR_API declaration is written in a way that this "
                         "parser does not understand")
    return Header(
        path.stem,
        {function.name: function for function in functions},
        {callback.name: callback for callback in callbacks},
        {name: _enum(body)
         for body, name in re.findall(
             r"\btypedef\s+enum\s+\w+\s*\{(.*?)\}\s*(\w+)\s*;", code, flags=re.S)},
        {name: _struct(body)
         for body, name in re.findall(
             r"\btypedef\s+struct\s+\w+\s*\{(.*?)\}\s*(\w+)\s*;", code, flags=re.S)},
        set(re.findall(r"\btypedef\s+struct\s+(\w+)\s+\1\s*;", code)),
        macros)


def public_headers(root: Path) -> list[Header]:
    return [parse(path) for path in sorted((root / "include" / "microexpr").glob("*.h"))]


def functions(root: Path) -> dict[str, Function]:
    return {name: function for header in public_headers(root)
            for name, function in header.functions.items()}
