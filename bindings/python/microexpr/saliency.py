# SPDX-License-Identifier: MIT
"""Where in a picture a network looks: include/microexpr/saliency.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Mapping
from typing import Any

from . import _signatures as c
from ._buffer import memory_of, numpy_or_none
from ._library import lib
from .base import Caller, Context, Handle, Owner, constant, default_context, text_bytes
from .image import Image, ImageLike, image_of
from .model import ModelLike, _view_of, model_of


class SaliencyMethod(enum.IntEnum):
    """How a map is made."""

    OCCLUSION = 1
    GRAD_CAM = 2
    ABLATION_CAM = 3


class SaliencyFill(enum.IntEnum):
    """What occluding squares are filled with."""

    MEAN = 1
    VALUE = 2


class SaliencyScore(enum.IntEnum):
    """What the class score is."""

    SOFTMAX = 1
    RAW = 2


class Saliency(Owner):
    """A map and what it tells about.

    Attributes:
        map: GREYF32 of the input's height and width, 0 and above, in units of the score.
        flips: of an occlusion map, 255 where a square that changed the decision covered
            the pixel; else None.
        target: the class.
        score: its score for the sample as it is.
        layer: the tensor whose feature map was used, "" for occlusion.
    """

    def __init__(self, handle: Handle, context: Context) -> None:
        self._handle = handle
        self._context = context
        self.map = Image(Handle(lib.mexpr_saliency_map(handle), None, handle), context,
                         readonly=True)
        flips = lib.mexpr_saliency_flips(handle)
        self.flips = (Image(Handle(flips, None, handle), context, readonly=True)
                      if flips else None)
        self.target: int = lib.mexpr_saliency_target(handle)
        self.score: float = lib.mexpr_saliency_target_score(handle)
        self.layer: str = lib.mexpr_saliency_layer(handle).decode("utf-8", "replace")

    def picture(self, under: ImageLike | None = None, opacity: float = 0.6) -> Image:
        """The map in colours, blue to red, over a picture or alone."""
        below = None if under is None else image_of(under, self._context)
        return Image._new(self._context, lib.mexpr_saliency_picture, self.map._use(),
                          None if below is None else below._use(), opacity)

    def __repr__(self) -> str:
        return "<Saliency, closed>" if self.closed else (
            f"<Saliency of class {self.target}, {self.map.width}×{self.map.height}>")


def _options(caller: Caller, *, method: SaliencyMethod | str = SaliencyMethod.OCCLUSION,
             target: int | None = None, input: int = 0, output: int = 0, patch: int = 0,
             stride: int = 0, fill: float | None = None,
             score: SaliencyScore | str | None = None, batch: int = 0,
             layer: str | None = None,
             progress: Callable[[int, int], object] | None = None,
             ) -> c.mexpr_saliency_options:
    options = c.mexpr_saliency_options(
        method=constant(SaliencyMethod, method), target=-1 if target is None else target,
        input=input, output=output, patch=patch, stride=stride, batch=batch,
        score=0 if score is None else constant(SaliencyScore, score),
        progress=caller.progress(progress))
    if fill is not None:
        options.fill, options.fill_value = SaliencyFill.VALUE, fill
    if layer is not None:
        options.layer = text_bytes(layer)
    return options


def explain(model: ModelLike, inputs: Mapping[str, Any] | Any, *,
            context: Context | None = None, **options: Any) -> Saliency:
    """Where in its input the network looks.

    Args:
        model: the network, or the path of its file.
        inputs: {name: array}, or the array alone for a network with one input; the one
            explained is float32 of 1×C×H×W or 1×C×T×H×W.
        method: "occlusion", "grad_cam" or "ablation_cam".
        target: the class; None: the one with the highest score.
        input, output: numbers of the input that is explained and of the output that has
            the classes.
        patch, stride: side of the occluding squares and their distance in px.
        fill: a number for the squares; None: the mean of each channel.
        score: "softmax" or "raw"; None: what the method's paper takes.
        batch: variants that run at once.
        layer: the feature map, by the name of a tensor or node; None: the last
            convolution's.
        progress: called with the variants done and in all.
    """
    context = context or default_context()
    caller, model = Caller(), model_of(model, context)
    infos = model.inputs
    if not isinstance(inputs, Mapping):
        if len(infos) != 1:
            raise ValueError("give the inputs by name: " + ", ".join(
                info.name for info in infos))
        inputs = {infos[0].name: inputs}
    missing = [info.name for info in infos if info.name not in inputs]
    if missing:
        raise ValueError("inputs are missing: " + ", ".join(missing))
    numpy = numpy_or_none()
    packed = []
    for info in infos:
        array = inputs[info.name]
        if isinstance(array, (list, tuple)) and numpy is not None:
            array = numpy.asarray(array, info.dtype)
        packed.append(memory_of(array).packed())
    views = (c.mexpr_tensor_view * len(packed))(*(_view_of(memory) for memory in packed))
    given = _options(caller, **options)
    out = ctypes.POINTER(c.mexpr_saliency)()
    caller.run(context._call, lib.mexpr_saliency_compute, model._use(), views, len(packed),
               ctypes.byref(given), ctypes.byref(out))
    return Saliency(Handle(out, lib.mexpr_saliency_destroy, context._use()), context)
