# SPDX-License-Identifier: MIT
"""dataset.py on published layouts, xlsx.py on workbooks that are made here."""
from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

import microexpr
from microexpr import Classes, FindingKind, Side, UnitCode, xlsx

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def cell(row: int, column: int, value: object, shared: list[str]) -> str:
    place = f'{chr(65 + column)}{row + 1}'
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value}</v></c>'
    if value == "inline":
        return f'<c r="{place}" t="inlineStr"><is><t>inline</t></is></c>'
    if value == "=formula":
        return f'<c r="{place}" t="str"><f>1</f><v>formula</v></c>'
    shared.append(str(value))
    return f'<c r="{place}" t="s"><v>{len(shared) - 1}</v></c>'


def write_book(path: Path, sheets: dict[str, list[list[object]]], *,
               extra: dict[str, str | bytes] | None = None) -> Path:
    """A workbook; empty cells are left out, as office programs do."""
    shared: list[str] = []
    parts: dict[str, str | bytes] = {}
    for number, rows in enumerate(sheets.values(), 1):
        body = "".join(
            f'<row r="{r + 1}">' + "".join(cell(r, k, value, shared)
                                            for k, value in enumerate(row) if value != "")
            + "</row>" for r, row in enumerate(rows))
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>')
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>' + "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in enumerate(sheets, 1)) + "</sheets></workbook>")
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}">' + "".join(
            f'<Relationship Id="rId{n}" Type="sheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)) + "</Relationships>")
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">' + "".join(
        f"<si><r><t>{escape(text[:2])}</t></r><r><t>{escape(text[2:])}</t></r>"
        "<rPh><t>sound</t></rPh></si>" for text in shared) + "</sst>"
    parts.update(extra or {})
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return path


def test_cells(tmp_path: Path) -> None:
    path = write_book(tmp_path / "t.xlsx", {
        "One": [["a", "", 46.0, "inline"], [], ["", 2.5, "=formula", "L1+L2 & <x>"]],
        "Two": []})
    assert microexpr.read_xlsx(path) == {
        "One": [["a", "", "46", "inline"], [""] * 4, ["", "2.5", "formula", "L1+L2 & <x>"]],
        "Two": []}


@pytest.mark.parametrize("extra,part", [
    ({"xl/worksheets/sheet1.xml": "<no"}, "cannot be read"),
    ({"xl/worksheets/sheet1.xml": f'<!DOCTYPE x [<!ENTITY a "b">]><x xmlns="{MAIN}"/>'},
     "document type"),
    ({"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><row r="1"><c r="A1" t="s">'
                                  "<v>99</v></c></row></worksheet>"}, "cannot be read"),
    ({"xl/worksheets/sheet1.xml": ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY'
                                   ' a "b">]><x/>').encode("utf-16")}, "document type"),
    ({"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><row r="1"><c r="A1" t="s">'
                                  "<v>-1</v></c></row></worksheet>"}, "no shared text -1"),
    ({"xl/worksheets/sheet1.xml": '<?xml version="1.0" encoding="none-such"?><x/>'},
     "cannot be read"),
    ({"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><row r="9999999">'
                                  '<c><v>1</v></c></row></worksheet>'}, "outside of a sheet"),
    ({"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><row r="1000000">'
                                  '<c r="ZZ1000000"><v>1</v></c></row></worksheet>'},
     "too large"),
])
def test_bad_books(tmp_path: Path, extra: dict[str, str | bytes], part: str) -> None:
    path = write_book(tmp_path / "t.xlsx", {"One": [["a"]]}, extra=extra)
    with pytest.raises(ValueError, match=part):
        microexpr.read_xlsx(path)


def test_numbers_without_end(tmp_path: Path) -> None:
    sheet = (f'<worksheet xmlns="{MAIN}"><row r="1"><c r="A1"><v>1e999</v></c>'
             '<c r="B1"><v>nan</v></c></row></worksheet>')
    path = write_book(tmp_path / "t.xlsx", {"One": [["a"]]},
                      extra={"xl/worksheets/sheet1.xml": sheet})
    assert microexpr.read_xlsx(path) == {"One": [["1e999", "nan"]]}


def test_damaged_books(tmp_path: Path) -> None:
    """Compressed parts that are cut, and parts that are encrypted."""
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<x/>" * 500)
    good = path.read_bytes()
    at = 30 + len("xl/workbook.xml")
    path.write_bytes(good[:at] + b"\xff" * 8 + good[at + 8:])
    with pytest.raises(ValueError, match="t.xlsx.* cannot be read as .xlsx"):
        microexpr.read_xlsx(path)
    flags = good.index(b"PK\1\2") + 8
    path.write_bytes(good[:6] + b"\1" + good[7:flags] + b"\1" + good[flags + 1:])
    with pytest.raises(ValueError, match="t.xlsx.* cannot be read as .xlsx"):
        microexpr.read_xlsx(path)


def test_no_book(tmp_path: Path) -> None:
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(ValueError, match="save .xls files as .xlsx first"):
        microexpr.read_xlsx(tmp_path / "old.xls")
    with pytest.raises(FileNotFoundError):
        microexpr.read_xlsx(tmp_path / "none.xlsx")


SAMM: list[list[object]] = [
    ["SAMM dataset"], ["notes"], [],
    ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
     "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"],
    ["006", "006_9_2", 9, 1002, 1020, 1040, 39, "Micro - 1/2", 4, "Anger", 3, ""],
    [7, "007_3_1", 1, 10, 12, 20, 11, "Micro - 1/2", "R12A+7", "Happiness", 1, ""],
    ["008", "008_3_1", 1, 10, 12, 20, 11, "Micro - 1/2", "R12A+7", "Other", 7, ""]]


def test_samm_from_xlsx(tmp_path: Path) -> None:
    frames = tmp_path / "samm" / "006" / "006_9_2"
    frames.mkdir(parents=True)
    for number in (*range(1000, 1025), *range(1028, 1041)):
        (frames / f"006_{number:05}.jpg").touch()
    table = write_book(tmp_path / "SAMM.xlsx", {"Notes": [["read me"]], "Micro": SAMM})
    manifest = microexpr.Manifest.load_layout("samm", tmp_path / "samm", table,
                                              classes="megc2019")
    assert len(manifest) == 2 and manifest.classes == ("negative", "positive")
    first = manifest[0]
    assert (first.subject, first.path, first.first_frame) == ("006", "006/006_9_2", 1000)
    assert (first.onset, first.apex, first.offset, first.fps) == (1002, 1020, 1040, 200)
    assert (first.label3, first.label5, first.objective) == ("negative", "anger", "III")
    assert manifest[1].subject == "007" and manifest[1].action_units == "R12A+7"
    assert manifest.persons == ("samm/006", "samm/007")

    found = manifest.check(tmp_path / "samm", files="names")
    assert [(f.kind, f.clip, f.frame) for f in found] == [
        (FindingKind.FRAME_GAP, 0, 1025), (FindingKind.CLIP_ABSENT, 1, None)]
    assert found[0].name == "frame_gap" and "1025 to 1027" in found[0].detail
    assert manifest.check(files="nothing") == []

    manifest.write(tmp_path / "m.csv")
    again = microexpr.Manifest.read(tmp_path / "m.csv")
    assert again.sha256 == manifest.sha256
    assert [clip.line for clip in manifest] == [5, 6] and [clip.line for clip in again] == [2, 3]
    assert list(again) == [replace(clip, line=k + 2) for k, clip in enumerate(manifest)]
    both = microexpr.Manifest.join([manifest, again])
    assert len(both) == 4 and both.persons == manifest.persons
    assert [f.kind for f in both.check(files="nothing")] == [FindingKind.CLIP_DUPLICATE] * 2


def test_casme_sq_joins_its_sheets(tmp_path: Path) -> None:
    folder = tmp_path / "rawpic" / "s15" / "15_0101disgustingteeth"
    folder.mkdir(parents=True)
    (folder / "img1.jpg").touch()
    table = write_book(tmp_path / "code_final.xlsx", {
        "CASFEcode_final": [[1, "disgust1_1", 11, 14, 0, 4, "negative", "micro-expression",
                             "disgust"],
                            [2, "happy4_1", 11, 14, 20, 12, "positive", "macro-expression",
                             "happiness"]],
        "naming rule1": [["a", 15, 1], ["b", "s16", 2]],
        "naming rule2": [[101, "disgust1"], ["0507", "happy4"]]})
    micro = microexpr.Manifest.load_layout("casme_sq", tmp_path, table, type="micro")
    assert len(micro) == 1 and micro[0].path == "rawpic/s15/15_0101disgustingteeth"
    assert micro[0].offset == 14 and micro[0].errata == "casme_sq:zero-offset"
    plain = microexpr.Manifest.load_layout("casme_sq", tmp_path, table, errata=False)
    assert plain[0].offset == 0 and plain[1].type == "macro" and plain[1].subject == "02"


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_book(tmp_path / "SAMM.xlsx", {"Micro": SAMM})
    assert xlsx.main([str(table), str(tmp_path / "t.csv")]) == 0
    manifest = microexpr.Manifest.load_layout("samm", tmp_path, tmp_path / "t.csv",
                                              classes=Classes.FIVE, prefix="data/samm")
    assert [r.label5 for r in manifest] == ["anger", "happiness", "other"]
    assert manifest[0].path == "data/samm/006/006_9_2"
    assert xlsx.main([str(table), "-", "--sheet", "Micro"]) == 0
    assert "006_9_2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        xlsx.main([str(table), "-", "--sheet", "Macro"])
    assert "there is no sheet 'Macro'" in capsys.readouterr().err
    (tmp_path / "taken").mkdir()
    with pytest.raises(SystemExit):
        xlsx.main([str(table), str(tmp_path / "taken")])
    assert not list(tmp_path.glob("*.part*"))


def test_module_runs(tmp_path: Path) -> None:
    table = write_book(tmp_path / "SAMM.xlsx", {"Micro": SAMM})
    done = subprocess.run([sys.executable, "-B", "-m", "microexpr.xlsx", str(table), "-"],
                          capture_output=True, text=True, check=True)
    assert "006_9_2" in done.stdout and done.stderr == ""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(microexpr, "nonsense")


def test_action_units() -> None:
    units = microexpr.parse_action_units("(R6 or R12)+4A/B+ref(AD38)")
    assert [(u.number, u.side, u.intensity, u.intensity_to) for u in units] == [
        (6, Side.RIGHT, "", ""), (12, Side.RIGHT, "", ""), (4, Side.NONE, "A", "B"),
        (38, Side.NONE, "", "")]
    assert units[0].choice == units[1].choice == 1 and units[2].choice == 0
    assert units[3].doubtful and units[3].code is UnitCode.DESCRIPTOR
    assert microexpr.parse_action_units("?") == []
    with pytest.raises(microexpr.FormatError, match="character 5"):
        microexpr.parse_action_units("4+7+x")


def test_layouts() -> None:
    assert microexpr.layouts()["casme2"] == "CASME II" and len(microexpr.layouts()) == 12
    with pytest.raises(microexpr.NotFoundError, match="no layout 'casme9'"):
        microexpr.Manifest.load_layout("casme9", ".", "x.csv")
    with pytest.raises(ValueError, match="is not one of emotion, megc2019"):
        microexpr.Manifest.load_layout("casme2", ".", "x.csv", classes="seven")


def test_progress_and_cancelling() -> None:
    manifest = microexpr.Manifest.decode(b"subject,clip\n1,a\n2,b\n")
    seen: list[tuple[int, int]] = []
    manifest.check(files="nothing", progress=lambda *given: seen.append(given))
    assert seen == [(1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        raise KeyError(done)

    with pytest.raises(KeyError):
        manifest.check(files="nothing", progress=stop)
