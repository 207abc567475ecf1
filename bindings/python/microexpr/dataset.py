# SPDX-License-Identifier: MIT
"""What clips there are, whose they are and what they show: include/microexpr/dataset.h."""

from __future__ import annotations

import ctypes
import enum
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._buffer import bytes_of, new_memory
from ._library import lib
from .base import (Caller, Context, Handle, Owner, Path, check, constant, default_context,
                   path_bytes, text_bytes)

if TYPE_CHECKING:
    from ._buffer import FloatArray


class Classes(enum.IntEnum):
    """Which classes clips of a published layout get."""

    EMOTION = 0
    MEGC2019 = 1
    FIVE = 2
    MEGC2018 = 3


class Side(enum.IntEnum):
    """Where on the face an action unit was seen; NONE: not said, both."""

    NONE = 0
    LEFT = 1
    RIGHT = 2
    TOP = 3
    BOTTOM = 4
    ASYMMETRIC = 5
    UNILATERAL = 6


class UnitCode(enum.IntEnum):
    """What a number of the FACS is."""

    UNIT = 0
    DESCRIPTOR = 1
    MOVEMENT = 2


class FindingKind(enum.IntEnum):
    """What Manifest.check() finds."""

    ONSET_MISSING = 0
    APEX_MISSING = 1
    OFFSET_MISSING = 2
    ONSET_IS_APEX = 3
    APEX_OUTSIDE = 4
    OFFSET_BEFORE_ONSET = 5
    FPS_MISSING = 6
    LABEL_UNKNOWN = 7
    AU_UNREADABLE = 8
    CLIP_DUPLICATE = 9
    PATH_OUTSIDE = 10
    CLIP_ABSENT = 11
    CLIP_EMPTY = 12
    FRAME_GAP = 13
    FRAME_ABSENT = 14
    FRAME_UNREADABLE = 15


class CheckFiles(enum.IntEnum):
    """Which files Manifest.check() looks at."""

    KEY_FRAMES = 0
    ALL_FRAMES = 1
    NAMES = 2
    NOTHING = 3


@dataclass(frozen=True)
class ActionUnit:
    """One entry of a list of action units.

    Attributes:
        intensity: "A" to "E", "" where it is not said; the lower one of "4A/B".
        intensity_to: the higher one.
        choice: entries of one number above 0 exclude each other: "R6 or R12".
    """

    number: int
    code: UnitCode
    side: Side
    intensity: str
    intensity_to: str
    doubtful: bool
    choice: int


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a clip.

    Attributes:
        name: the word for the kind, "apex_missing".
        clip: its place in the manifest, from 0.
        frame: the number it is about.
    """

    kind: FindingKind
    name: str
    clip: int
    frame: int | None
    detail: str


@dataclass(frozen=True)
class Record:
    """One clip of a manifest; None is unknown."""

    dataset: str
    subject: str
    clip: str
    path: str
    type: str
    emotion: str
    action_units: str
    errata: str
    label: int | None
    person: int
    dataset_index: int
    line: int
    first_frame: int | None
    onset: int | None
    apex: int | None
    offset: int | None
    fps: float | None
    label3: str
    label5: str
    objective: str


@dataclass(frozen=True)
class DatasetCrop:
    """Where the pictures of a database are read: around the middle, scaled and then
    shifted by so many pixels."""

    scale_x: float = 1.0
    scale_y: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0


def _known(value: int) -> int | None:
    return None if value < 0 else value


def _finding(findings: Any, index: int) -> Finding:
    given = c.mexpr_finding()
    check(lib.mexpr_findings_get(findings, index, ctypes.byref(given)))
    return Finding(FindingKind(given.kind), lib.mexpr_finding_name(given.kind).decode(),
                   given.clip, _known(given.frame), given.detail.decode("utf-8", "replace"))


def layouts() -> dict[str, str]:
    """Layouts that Manifest.load_layout() knows, and what their authors call them."""
    found: dict[str, str] = {}
    while (name := lib.mexpr_layout_name(len(found))) is not None:
        found[name.decode()] = lib.mexpr_layout_title(len(found)).decode()
    return found


def parse_action_units(text: str, *, context: Context | None = None) -> list[ActionUnit]:
    """A list as databases write it, "4+L10", "(R6 or R12)+R15", "4A/B"; none for "?"."""
    context, count = context or default_context(), ctypes.c_size_t()
    raw = text_bytes(text)
    units = (c.mexpr_action_unit * (len(raw) + 1))()  # an entry has at least one byte
    context._call(lib.mexpr_action_units_parse, raw, units, len(units),
                  ctypes.byref(count))
    return [ActionUnit(u.number, UnitCode(u.code), Side(u.side), " ABCDE"[u.intensity].strip(),
                       " ABCDE"[u.intensity_to].strip(), bool(u.doubtful), u.choice)
            for u in units[:count.value]]


class Manifest(Owner):
    """A list of labelled clips. Immutable: threads may share it."""

    def __init__(self, handle: Handle, context: Context) -> None:
        self._handle = handle
        self._context = context

    @classmethod
    def _new(cls, context: Context | None, label: str | None, function: Any,
             *arguments: Any) -> Manifest:
        context = context or default_context()
        options = c.mexpr_manifest_options(
            label=None if label is None else text_bytes(label))
        return cls(context._make(c.mexpr_manifest, lib.mexpr_manifest_destroy, function,
                                 *arguments, ctypes.byref(options)), context)

    @classmethod
    def read(cls, path: Path, *, label: str | None = None,
             context: Context | None = None) -> Manifest:
        """Reads a CSV file; `label` is the column of the classes."""
        return cls._new(context, label, lib.mexpr_manifest_read, path_bytes(path))

    @classmethod
    def decode(cls, data: Any, *, label: str | None = None,
               context: Context | None = None) -> Manifest:
        """The same from the bytes of a file."""
        memory = bytes_of(data)
        return cls._new(context, label, lib.mexpr_manifest_decode, memory.address,
                        memory.nbytes)

    @classmethod
    def load_layout(cls, layout: str, folder: Path, table: Path | None = None, *,
                    classes: Classes | int | str = Classes.EMOTION, errata: bool = True,
                    type: str | None = None, prefix: str | None = None,
                    sheet: str | None = None, context: Context | None = None) -> Manifest:
        """A database as it is published.

        Args:
            layout: one of layouts().
            folder: of the database.
            table: its labels, .csv or .xlsx; None for SMIC, whose folders are labelled.
            classes: which classes the clips get; those without one are dropped.
            errata: whether known mistakes of the table are corrected.
            type: only "micro" or "macro".
            prefix: put before each path.
            sheet: of an .xlsx file; the first one with the layout's columns otherwise.
        """
        context = context or default_context()
        options = c.mexpr_layout_options(
            classes=constant(Classes, classes), no_errata=not errata,
            type=None if type is None else text_bytes(type),
            prefix=None if prefix is None else text_bytes(prefix))

        def load(path: Path | None) -> Manifest:
            return cls(context._make(
                c.mexpr_manifest, lib.mexpr_manifest_destroy,
                lib.mexpr_manifest_load_layout, text_bytes(layout), path_bytes(folder),
                None if path is None else path_bytes(path), ctypes.byref(options)), context)

        if table is None or not os.fsdecode(table).lower().endswith((".xlsx", ".xlsm")):
            return load(table)
        from .xlsx import layout_csv  # late, see __init__.__getattr__
        with tempfile.TemporaryDirectory() as temporary:
            path = os.path.join(temporary, "labels.csv")
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(layout_csv(os.fsdecode(table), layout, sheet))
            return load(path)

    @classmethod
    def join(cls, manifests: Iterable[Manifest], *,
             context: Context | None = None) -> Manifest:
        """One manifest of several; classes are joined by their names."""
        context, given = context or default_context(), list(manifests)
        handles = [manifest._use() for manifest in given]
        pointers = (ctypes.POINTER(c.mexpr_manifest) * max(len(handles), 1))(
            *(handle._as_parameter_ for handle in handles))
        return cls(context._make(c.mexpr_manifest, lib.mexpr_manifest_destroy,
                                 lib.mexpr_manifest_join, pointers, len(handles)), context)

    def write(self, path: Path) -> None:
        """Writes a CSV file that read() reads as the same clips."""
        self._context._call(lib.mexpr_manifest_write, self._use(), path_bytes(path))

    def check(self, folder: Path | None = None, *,
              files: CheckFiles | int | str = CheckFiles.KEY_FRAMES,
              progress: Callable[[int, int], object] | None = None) -> list[Finding]:
        """What is wrong with records and frames.

        Args:
            folder: the paths of the manifest begin in it.
            files: which frames are read.
        """
        options = c.mexpr_check_options(files=constant(CheckFiles, files))
        caller, out = Caller(), ctypes.POINTER(c.mexpr_findings)()
        caller.run(self._context._call, lib.mexpr_manifest_check, self._use(),
                   None if folder is None else path_bytes(folder), ctypes.byref(options),
                   caller.progress(progress), None, ctypes.byref(out))
        try:
            return [_finding(out, k) for k in range(lib.mexpr_findings_count(out))]
        finally:
            lib.mexpr_findings_destroy(ctypes.byref(out))

    def __len__(self) -> int:
        return int(lib.mexpr_manifest_n_clips(self._use()))

    def __getitem__(self, index: int) -> Record:
        record = c.mexpr_record()
        if not 0 <= index < len(self):
            raise IndexError(f"there is no clip {index}")
        check(lib.mexpr_manifest_clip(self._use(), index, ctypes.byref(record)))
        return Record(
            record.dataset.decode(), record.subject.decode(), record.clip.decode(),
            record.path.decode(), record.type.decode(), record.emotion.decode(),
            record.action_units.decode(), record.errata.decode(), _known(record.label),
            record.person, record.dataset_index, record.line, _known(record.first_frame),
            _known(record.onset), _known(record.apex), _known(record.offset),
            record.fps or None, record.label3.decode(), record.label5.decode(),
            record.objective.decode())

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

    def _names(self, count: Any, get: Any) -> tuple[str, ...]:
        handle = self._use()
        return tuple(get(handle, index).decode() for index in range(count(handle)))

    @property
    def persons(self) -> tuple[str, ...]:
        """People, in order of appearance."""
        return self._names(lib.mexpr_manifest_n_persons, lib.mexpr_manifest_person)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Databases, in order of appearance."""
        return self._names(lib.mexpr_manifest_n_datasets, lib.mexpr_manifest_dataset)

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes."""
        return self._names(lib.mexpr_manifest_n_classes, lib.mexpr_manifest_class)

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return str(lib.mexpr_manifest_sha256(self._use()).decode())

    def pictures(self, folder: Path | None = None, *, width: int = 28, height: int = 28,
                 crops: Mapping[str, DatasetCrop] | None = None,
                 progress: Callable[[int, int], object] | None = None) -> FloatArray:
        """The colour pictures of all clips, float32 (clips, 3, height, width): red, green
        and blue as 0 to 255, which are u, v and strain in flow pictures.

        Args:
            folder: the paths of the manifest begin in it.
            crops: databases that are cropped differently, by name.
        """
        values, caller = new_memory("f4", (len(self), 3, height, width)), Caller()
        rows = (c.mexpr_dataset_crop * max(len(crops or {}), 1))()
        for row, (name, crop) in zip(rows, (crops or {}).items()):
            row.dataset = text_bytes(name)
            row.scale_x, row.scale_y = crop.scale_x, crop.scale_y
            row.shift_x, row.shift_y = crop.shift_x, crop.shift_y
        caller.run(self._context._call, lib.mexpr_manifest_pictures, self._use(),
                   None if folder is None else path_bytes(folder), width, height, rows,
                   len(crops or {}), values.floats(), values.nbytes // 4,
                   caller.progress(progress), None)
        result: FloatArray = values.array()
        return result

    def __repr__(self) -> str:
        return "<Manifest, closed>" if self.closed else (
            f"<Manifest, {len(self)} clips of {len(self.persons)} people>")
