# SPDX-License-Identifier: MIT
"""Label tables in .xlsx, as databases publish them: read, and written as CSV.

    python3 -m microexpr.xlsx labels.xlsx labels.csv [--sheet NAME] [--layout casme_sq]

Only the standard library is used.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Union
from xml.etree import ElementTree

Path = Union[str, "os.PathLike[str]"]
Table = list[list[str]]

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAX_BYTES = 256 << 20  # of one part, unpacked
_MAX_ROWS, _MAX_COLUMNS = 1 << 20, 1 << 14  # of the format
_MAX_CELLS = 20_000_000


def _part(book: zipfile.ZipFile, name: str) -> ElementTree.Element | None:
    """A part of the file, None where there is none."""
    try:
        info = book.getinfo(name)
    except KeyError:
        return None
    if info.file_size > _MAX_BYTES:
        raise ValueError(f"{name} is of {info.file_size} bytes, more than {_MAX_BYTES}")
    data = book.read(info)
    if b"<!DOCTYPE" in data:  # no office program writes one; entities can grow without end
        raise ValueError(f"{name} has a document type")
    return ElementTree.fromstring(data)


def _text(element: ElementTree.Element) -> str:
    """Texts of its runs, without how they are pronounced."""
    return "".join(run.text or "" for child in element for run in (
        [child] if child.tag == _MAIN + "t"
        else child.findall(_MAIN + "t") if child.tag == _MAIN + "r" else []))


def _number(text: str) -> str:
    """200.0 and 2E2 are 200."""
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(_MAIN + "is")
        return "" if inline is None else _text(inline)
    text = cell.findtext(_MAIN + "v") or ""
    if kind == "s" and text:
        return shared[int(text)]
    return _number(text) if kind == "n" and text else text


def _place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """Row and column, from 0, of "C7"; without a reference, the ones that come next."""
    if reference is None:
        return row, column
    found = re.fullmatch(r"([A-Z]{1,3})([1-9][0-9]{0,6})", reference)
    if found is None:
        raise ValueError(f"{reference!r} is not a cell")
    column = 0
    for letter in found[1]:
        column = 26 * column + ord(letter) - 64
    return int(found[2]) - 1, column - 1


def _cells(sheet: ElementTree.Element,
           shared: list[str]) -> Iterator[tuple[int, int, str]]:
    row = -1
    for line in sheet.iter(_MAIN + "row"):
        row, column = int(line.get("r", row + 2)) - 1, -1
        for cell in line.findall(_MAIN + "c"):
            at, column = _place(cell.get("r"), row, column + 1)
            if not (0 <= at < _MAX_ROWS and 0 <= column < _MAX_COLUMNS):
                raise ValueError(f"row {at + 1}, column {column + 1} is outside of a sheet")
            yield at, column, _value(cell, shared)


def _sheet(sheet: ElementTree.Element, shared: list[str]) -> Table:
    values = {(row, column): value for row, column, value in _cells(sheet, shared) if value}
    rows = max((row for row, _ in values), default=-1) + 1
    columns = max((column for _, column in values), default=-1) + 1
    if rows * columns > _MAX_CELLS:
        raise ValueError(f"a sheet of {rows} x {columns} cells is too large")
    return [[values.get((row, column), "") for column in range(columns)]
            for row in range(rows)]


def _sheets(book: zipfile.ZipFile) -> dict[str, Table]:
    workbook, links = (_part(book, name) for name in
                       ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    if workbook is None or links is None:
        raise ValueError("it has no workbook")
    strings = _part(book, "xl/sharedStrings.xml")
    shared = [] if strings is None else [_text(s) for s in strings.findall(_MAIN + "si")]
    targets = {link.get("Id"): link.get("Target", "") for link in links.iter(_RELATION)}
    tables = {}
    for sheet in workbook.iter(_MAIN + "sheet"):
        target = posixpath.join("/xl", targets.get(sheet.get(_LINK), ""))
        content = _part(book, posixpath.normpath(target).lstrip("/"))
        if content is not None and content.tag == _MAIN + "worksheet":
            tables[sheet.get("name", "")] = _sheet(content, shared)
    return tables


def read_xlsx(path: Path) -> dict[str, Table]:
    """Sheets by name, in their order; each is rows of equally many texts.

    Whole numbers are written without a fraction; formulas are what they gave last.
    """
    try:
        with zipfile.ZipFile(path) as book:
            return _sheets(book)
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError, IndexError,
            NotImplementedError) as error:
        hint = "; save .xls files as .xlsx first" if str(path).lower().endswith(".xls") else ""
        raise ValueError(f"{os.fspath(path)!r} cannot be read as .xlsx: {error}{hint}") from None
