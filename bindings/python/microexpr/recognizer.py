# SPDX-License-Identifier: MIT
"""From an onset and an apex frame to a label: include/microexpr/recognizer.h.

Read ETHICS.md before any use on people.
"""

from __future__ import annotations

import ctypes
import enum
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _signatures as c
from ._library import lib
from .base import (Caller, Context, Handle, Owner, Speaker, check, constant, default_context,
                   text_bytes, wanted)
from .face import Alignment, Face, _alignment_of, _face_of
from .flow import Field, Flow, Strain
from .image import ClipLike, Image, ImageLike, clip_of, image_of
from .model import ModelLike, model_of
from .saliency import Saliency, _options


class Stage(enum.IntEnum):
    """Steps whose time a result tells."""

    PREPARE = 1
    FLOW = 2
    PICTURE = 3
    MODEL = 4
    FACE = 5


class Box(NamedTuple):
    """A rectangle in pixels; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def _c_box(face: Sequence[int]) -> Any:
    try:
        numbers = [operator.index(number) for number in face]
    except TypeError:
        raise TypeError("face must be four whole numbers (x, y, width, height), "
                        f"not {face!r}") from None
    if len(numbers) != 4:
        raise ValueError("face must be four numbers (x, y, width, height), "
                         f"not {len(numbers)}")
    return c.mexpr_box(*numbers)


class Result(Owner):
    """An answer.

    Attributes:
        label: the class with the highest score.
        index: its index.
        scores: softmax scores by class, not calibrated probabilities.
        logits: the network's raw outputs by class.
        field: the flow between the (cropped) frames, in pixels.
        picture: the u/v/strain picture that the network saw, RGB8.
        milliseconds: what each stage took: "prepare", "flow", "picture", "model", "face".
        n_faces: how many faces the onset frame showed; 0 when none was looked for.
        face: the one that was taken, in the onset frame, or None.
        alignment: how the head moved to the apex frame, or None.
        onset, apex: frames of the clip, or None.
    """

    def __init__(self, handle: Handle, context: Context) -> None:
        self._handle = handle
        classes = range(lib.mexpr_result_n_classes(handle))
        names = [lib.mexpr_result_class_name(handle, i).decode() for i in classes]
        self.label: str = lib.mexpr_result_label(handle).decode()
        self.index: int = lib.mexpr_result_class(handle)
        self.scores: dict[str, float] = {
            names[i]: lib.mexpr_result_score(handle, i) for i in classes}
        self.logits: dict[str, float] = {
            names[i]: lib.mexpr_result_logit(handle, i) for i in classes}
        self.field = Field(Handle(lib.mexpr_result_field(handle), None, handle), context,
                           readonly=True)
        self.picture = Image(Handle(lib.mexpr_result_picture(handle), None, handle),
                             context, readonly=True)
        self.milliseconds: dict[str, float] = {
            stage.name.lower(): lib.mexpr_result_milliseconds(handle, stage)
            for stage in Stage}
        self.n_faces: int = lib.mexpr_result_n_faces(handle)
        self.face: Face | None = None
        self.alignment: Alignment | None = None
        if self.n_faces > 0:
            face, alignment = c.mexpr_face(), c.mexpr_alignment()
            check(lib.mexpr_result_face(handle, ctypes.byref(face)))
            check(lib.mexpr_result_alignment(handle, ctypes.byref(alignment)))
            self.face, self.alignment = _face_of(face), _alignment_of(alignment)
        onset, apex = lib.mexpr_result_onset(handle), lib.mexpr_result_apex(handle)
        self.onset: int | None = onset if onset >= 0 else None
        self.apex: int | None = apex if apex >= 0 else None

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {score:.3f}" for name, score in self.scores.items())
        return f"<Result {self.label!r} ({scores})>"


class Recognizer(Speaker):
    """The steps from frames to scores with all their memory.

    Args:
        context: threads, limits and instruction sets; None for the default context.
        model: a network that takes the u/v/strain picture, or the path of its file; None
            for the one that ships.
        labels: class names, a list or separated by commas; None: the model's own.
        planes: channel order of the network's input, as "u,v,strain"; None: the model's.
        strain: definition of the strain.
        flow: tunables of the flow by name, as `{"warps": 10}`.
        smallest_face: px that a face must be wide in whole frames; 0: 64.
    """

    _last_error = lib.mexpr_recognizer_last_error

    def __init__(self, context: Context | None = None, *, model: ModelLike | None = None,
                 labels: Sequence[str] | str | None = None, planes: str | None = None,
                 strain: Strain | str = Strain.FROBENIUS,
                 flow: dict[str, float] | None = None, smallest_face: int = 0) -> None:
        self._context = context or default_context()
        options = c.mexpr_recognizer_options(strain=constant(Strain, strain),
                                             smallest_face=smallest_face)
        if model is not None:
            network = model_of(model, self._context)
            options.model = network._use()._as_parameter_
        if labels is not None:
            options.labels = text_bytes(labels if isinstance(labels, str)
                                        else ",".join(labels))
        if planes is not None:
            options.planes = text_bytes(planes)
        super().__init__(self._context._make(
            c.mexpr_recognizer, lib.mexpr_recognizer_destroy, lib.mexpr_recognizer_create,
            ctypes.byref(options)))
        self.flow.set(**(flow or {}))

    @property
    def flow(self) -> Flow:
        """The flow estimator inside, to set its tunables."""
        handle = self._use()
        return Flow._borrowed(Handle(lib.mexpr_recognizer_flow(handle), None, handle),
                              self._context)

    def run(self, onset: ImageLike, apex: ImageLike,
            face: Box | tuple[int, int, int, int] | None = None, *,
            cropped: bool = False) -> Result:
        """Classifies the movement from `onset` to `apex`.

        Args:
            onset, apex: Images, arrays or paths of picture files, of equal size.
            face: (x, y, width, height) of the face in both frames; None: the largest face
                of the onset frame is found, and the apex frame aligned to it.
            cropped: the frames are face crops already; then there is no `face`.
        """
        if face is not None and cropped:
            raise ValueError("frames that are cropped already have no face to be cut out: "
                             "give face or cropped, not both")
        images = [image_of(source, self._context) for source in (onset, apex)]
        out = ctypes.POINTER(c.mexpr_result)()
        if face is None and not cropped:
            self._call(lib.mexpr_recognizer_run_frames, images[0]._use(), images[1]._use(),
                       ctypes.byref(out))
        else:
            box = None if face is None else ctypes.byref(_c_box(face))
            self._call(lib.mexpr_recognizer_run, images[0]._use(), images[1]._use(), box,
                       ctypes.byref(out))
        return self._result(out)

    def run_clip(self, clip: ClipLike, onset: int = 0, apex: int | None = None) -> Result:
        """The same for two frames of a clip. `apex` None: the one after the onset whose
        face differs most from the onset's."""
        source = clip_of(clip, self._context)
        out = ctypes.POINTER(c.mexpr_result)()
        with source._lock:
            self._call(lib.mexpr_recognizer_run_clip, source._use(), onset,
                       -1 if apex is None else apex, ctypes.byref(out))
        return self._result(out)

    def _result(self, out: Any) -> Result:
        return Result(Handle(out, lib.mexpr_result_destroy, self._context._use()),
                      self._context)

    def explain(self, result: Result, **options: Any) -> Saliency:
        """Where in the picture that the network saw the score of a class rests; options
        as microexpr.explain() has them. `explain(result).picture(face)` draws it over the
        face."""
        caller = Caller()
        given = _options(caller, **options)
        out = ctypes.POINTER(c.mexpr_saliency)()
        caller.run(self._call, lib.mexpr_recognizer_explain,
                   wanted(result, Result, "result")._use(),
                   ctypes.byref(given), ctypes.byref(out))
        return Saliency(Handle(out, lib.mexpr_saliency_destroy, self._context._use()),
                        self._context)

    def __repr__(self) -> str:
        return "<Recognizer, closed>" if self.closed else "<Recognizer>"


def recognize(onset: ImageLike, apex: ImageLike,
              face: Box | tuple[int, int, int, int] | None = None, *,
              cropped: bool = False, context: Context | None = None,
              model: ModelLike | None = None,
              labels: Sequence[str] | str | None = None) -> Result:
    """Classifies one movement: `microexpr.recognize("onset.png", "apex.png").label`.

    For many, keep a Recognizer and call its run().
    """
    with Recognizer(context, model=model, labels=labels) as recognizer:
        return recognizer.run(onset, apex, face, cropped=cropped)
