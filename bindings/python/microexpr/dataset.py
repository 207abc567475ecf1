# SPDX-License-Identifier: MIT
"""What clips there are, whose they are and what they show: include/microexpr/dataset.h."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._buffer import bytes_of, new_memory
from ._library import lib
from .base import (Caller, Context, Handle, Owner, Path, check, default_context, path_bytes,
                   text_bytes)

if TYPE_CHECKING:
    from ._buffer import FloatArray


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
            record.fps or None)

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
