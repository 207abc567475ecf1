# SPDX-License-Identifier: MIT
"""Label tables in .xlsx, as databases publish them: read, and written as CSV.

    python3 -m microexpr.xlsx labels.xlsx labels.csv [--sheet NAME] [--layout casme_sq]

Only the standard library is used.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import math
import os
import posixpath
import re
import sys
import zipfile
import zlib
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
    # No office program writes one, in 8 or 16 bits; its entities can grow without end.
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
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
    if not math.isfinite(value):
        return text
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(_MAIN + "is")
        return "" if inline is None else _text(inline)
    text = cell.findtext(_MAIN + "v") or ""
    if kind == "s" and text:
        index = int(text)
        if not 0 <= index < len(shared):
            raise ValueError(f"there is no shared text {index}")
        return shared[index]
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
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, ValueError, LookupError,
            OverflowError, RuntimeError, EOFError) as error:
        hint = "; save .xls files as .xlsx first" if str(path).lower().endswith(".xls") else ""
        raise ValueError(f"{os.fspath(path)!r} cannot be read as .xlsx: {error}{hint}") from None


# --- tables of databases ----------------------------------------------------------------

_CASME_SQ = ["subject", "video", "onset", "apex", "offset", "au", "emotion", "type",
             "self_report", "subject_code", "video_code"]


def _has_header(table: Table) -> bool:
    """Whether one of the first lines names subjects: as all tables but one do."""
    return any(cell.lower() in ("subject", "sub", "sub_id") for row in table[:64]
               for cell in row)


def _casme_sq(tables: list[Table]) -> Table:
    """CAS(ME)²: the first sheet, with the codes that the other two give its subjects (in
    the columns before their numbers) and its videos (before their names)."""
    second, third = (tables + [[], []])[1:3]
    subjects = {row[2]: row[1] for row in second if len(row) > 2}
    videos = {row[1]: row[0].zfill(4) for row in third if len(row) > 1 and row[0]}
    rows = [_CASME_SQ]
    for row in tables[0]:
        row = (row + [""] * 9)[:9]
        code = subjects.get(row[0], "")
        rows.append(row + ["s" + code if code.isdigit() else code,
                           videos.get(row[1].split("_")[0], "")])
    return rows


def _choose(tables: dict[str, Table], layout: str | None, sheet: str | None) -> Table:
    if sheet is not None:
        if sheet not in tables:
            raise ValueError(f"there is no sheet {sheet!r}, but {', '.join(tables)}")
        return tables[sheet]
    if layout == "casme_sq" and not _has_header(next(iter(tables.values()))):
        return _casme_sq(list(tables.values()))
    full = [table for table in tables.values() if table]
    return next((table for table in full if _has_header(table)), full[0] if full else [])


def layout_csv(path: Path, layout: str | None = None, sheet: str | None = None) -> str:
    """A sheet as CSV: that of labels, or the one named."""
    tables = read_xlsx(path)
    if not any(tables.values()):
        raise ValueError(f"{os.fspath(path)!r} has no table")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(_choose(tables, layout, sheet))
    return text.getvalue()


def _write(path: str, text: str) -> None:
    """All of it or nothing."""
    temporary = f"{path}.part{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python3 -m microexpr.xlsx", description="Writes a sheet of labels as CSV.")
    parser.add_argument("table", help="the .xlsx file")
    parser.add_argument("output", help="the .csv file to write; - is standard output")
    parser.add_argument("--sheet", help="its name; the first one with labels otherwise")
    parser.add_argument("--layout", help="the database, where its sheets are joined")
    given = parser.parse_args(arguments)
    try:
        text = layout_csv(given.table, given.layout, given.sheet)
        if given.output == "-":
            sys.stdout.write(text)
            return 0
        _write(given.output, text)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
