# SPDX-License-Identifier: MIT
"""From an onset and an apex frame to a label: include/microexpr/recognizer.h.

Read ETHICS.md before any use on people.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _signatures as c
from ._library import lib
from .base import (Caller, Context, Handle, Owner, Speaker, constant, default_context, text_bytes)
from .flow import Field, Flow, Strain
from .image import Image, ImageLike, image_of
from .model import Model
from .saliency import Saliency, _options


class Stage(enum.IntEnum):
    """Steps whose time a result tells."""

    PREPARE = 1
    FLOW = 2
    PICTURE = 3
    MODEL = 4


class Box(NamedTuple):
    """A rectangle in pixels; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class Result(Owner):
    """An answer.

    Attributes:
        label: the class with the highest score.
        index: its index.
        scores: softmax scores by class, not calibrated probabilities.
        logits: the network's raw outputs by class.
        field: the flow between the (cropped) frames, in pixels.
        picture: the u/v/strain picture that the network saw, RGB8.
        milliseconds: what each stage took: "prepare", "flow", "picture", "model".
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

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {score:.3f}" for name, score in self.scores.items())
        return f"<Result {self.label!r} ({scores})>"


class Recognizer(Speaker):
    """The steps from frames to scores with all their memory.

    Args:
        context: threads, limits and instruction sets; None for the default context.
        model: a network that takes the u/v/strain picture; None for the one that ships.
        labels: class names, a list or separated by commas; None: the model's own.
        planes: channel order of the network's input, as "u,v,strain"; None: the model's.
        strain: definition of the strain.
        flow: tunables of the flow by name, as `{"warps": 10}`.
    """

    _last_error = lib.mexpr_recognizer_last_error

    def __init__(self, context: Context | None = None, *, model: Model | None = None,
                 labels: Sequence[str] | str | None = None, planes: str | None = None,
                 strain: Strain | str = Strain.FROBENIUS,
                 flow: dict[str, float] | None = None) -> None:
        self._context = context or default_context()
        options = c.mexpr_recognizer_options(strain=constant(Strain, strain))
        if model is not None:
            options.model = model._use()._as_parameter_
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
            face: Box | tuple[int, int, int, int] | None = None) -> Result:
        """Classifies the movement from `onset` to `apex`.

        Args:
            onset, apex: Images, arrays or paths of picture files, of equal size.
            face: (x, y, width, height) of the face in both frames; None: they show the
                face alone.
        """
        images = [image_of(source, self._context) for source in (onset, apex)]
        box = None if face is None else ctypes.byref(c.mexpr_box(*face))
        out = ctypes.POINTER(c.mexpr_result)()
        self._call(lib.mexpr_recognizer_run, images[0]._use(), images[1]._use(), box,
                   ctypes.byref(out))
        return Result(Handle(out, lib.mexpr_result_destroy, self._context._use()),
                      self._context)

    def explain(self, result: Result, **options: Any) -> Saliency:
        """Where in the picture that the network saw the score of a class rests; options
        as microexpr.explain() has them. `explain(result).picture(face)` draws it over the
        face."""
        caller = Caller()
        given = _options(caller, **options)
        out = ctypes.POINTER(c.mexpr_saliency)()
        caller.run(self._call, lib.mexpr_recognizer_explain, result._use(),
                   ctypes.byref(given), ctypes.byref(out))
        return Saliency(Handle(out, lib.mexpr_saliency_destroy, self._context._use()),
                        self._context)

    def __repr__(self) -> str:
        return "<Recognizer, closed>" if self.closed else "<Recognizer>"


def recognize(onset: ImageLike, apex: ImageLike,
              face: Box | tuple[int, int, int, int] | None = None, *,
              context: Context | None = None, model: Model | None = None,
              labels: Sequence[str] | str | None = None) -> Result:
    """Classifies one movement: `microexpr.recognize("onset.png", "apex.png").label`.

    For many, keep a Recognizer and call its run().
    """
    with Recognizer(context, model=model, labels=labels) as recognizer:
        return recognizer.run(onset, apex, face)
