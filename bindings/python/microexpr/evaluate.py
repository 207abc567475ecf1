# SPDX-License-Identifier: MIT
"""Protocols and metrics: include/microexpr/evaluate.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._buffer import Memory, memory_of
from ._library import lib
from .base import (Caller, Context, Error, Handle, Owner, Status, constant,
                   default_context, wanted)
from .dataset import Manifest
from .model import Model, _view_of

if TYPE_CHECKING:
    from ._buffer import FloatArray

    Fit = Callable[[FloatArray, list[int], int, int], Model]
    Watch = Callable[["FoldNetwork"], object]


class Protocol(enum.IntEnum):
    """What is held out together."""

    LOSO = 1
    KFOLD = 2
    DATASET = 3
    HOLDOUT = 4


class Joining(enum.IntEnum):
    """What is made of several ways of training."""

    SELECT = 1
    MEAN = 2
    PRODUCT = 3
    MAX = 4
    WEIGHTED = 5
    LEARNED = 6


class Strs(enum.IntEnum):
    """How true and spotted intervals are counted; docs/evaluate.md."""

    STRICT = 1
    MEGC = 2


@dataclass(frozen=True)
class Metrics:
    """Measures of predictions, over all clips at once; docs/evaluate.md defines them."""

    n: int
    n_classes: int
    n_absent: int
    accuracy: float
    uf1: float
    uar: float
    weighted_f1: float


@dataclass(frozen=True)
class ClassMetrics:
    """Measures of one class."""

    support: int
    taken: int
    hits: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Comparison:
    """How system a differs from b on the same clips, with intervals over persons."""

    n: int
    only_a: int
    only_b: int
    p: float
    uf1: float
    uf1_low: float
    uf1_high: float
    uf1_above: float
    uar: float
    uar_low: float
    uar_high: float
    uar_above: float


@dataclass(frozen=True)
class UnitMetrics:
    """Measures of marks that are there or not, such as action units; `f1` of each."""

    n: int
    n_units: int
    n_absent: int
    mean_f1: float
    mean_f1_all: float
    micro_f1: float
    accuracy: float
    exact: float
    f1: tuple[float, ...]


@dataclass(frozen=True)
class SpotInterval:
    """A movement in a video, true or spotted: frames, both ends included."""

    onset: int
    offset: int
    apex: int | None = None
    clip: int = 0
    person: int = 0
    label: int | None = None


@dataclass(frozen=True)
class SpottingMetrics:
    """Measures of spotting, and of spotting and recognizing."""

    tp: int
    fp: int
    fn: int
    precision: float
    recall: float
    f1: float
    n_apex: int
    apex_mae: float
    apex_mae_share: float
    apex_inside: float
    n_analysed: int
    analysis_precision: float
    analysis_recall: float
    analysis_f1: float
    analysis_uf1: float
    analysis_uar: float
    strs: float


@dataclass(frozen=True)
class ApexMetrics:
    """Measures of apexes that were looked for in clips of one movement each."""

    n: int
    n_found: int
    mae: float
    mae_share: float
    deviation: float
    inside: float


def _fields(kind: Any, struct: Any, **more: Any) -> Any:
    names = (name for name in kind.__dataclass_fields__ if name not in more)
    return kind(**{name: getattr(struct, name) for name in names}, **more)


def _metrics(struct: Any) -> Metrics:
    result: Metrics = _fields(Metrics, struct)
    return result


def _classes(values: Sequence[int]) -> Any:
    return (ctypes.c_int32 * max(len(values), 1))(*values)


def _same_length(*lists: Sequence[int]) -> int:
    if len({len(values) for values in lists}) != 1:
        raise ValueError("labels and predictions must be of one length")
    return len(lists[0])


def _rows(counts: Any, n: int) -> list[list[int]]:
    return [list(counts[k * n:(k + 1) * n]) for k in range(n)]


def metrics(labels: Sequence[int], predicted: Sequence[int], n_classes: int, *,
            context: Context | None = None) -> tuple[Metrics, list[list[int]]]:
    """Measures of predictions and their confusion (rows: labels)."""
    n, out = _same_length(labels, predicted), c.mexpr_metrics()
    counts = (ctypes.c_int64 * max(n_classes * n_classes, 1))()
    (context or default_context())._call(
        lib.mexpr_metrics_compute, _classes(labels), _classes(predicted), n, n_classes,
        counts, ctypes.byref(out))
    return _metrics(out), _rows(counts, n_classes)


def metrics_interval(labels: Sequence[int], predicted: Sequence[int],
                     persons: Sequence[int], n_classes: int, *, confidence: float = 0.95,
                     rounds: int = 4000, seed: int = 0,
                     context: Context | None = None) -> tuple[Metrics, Metrics]:
    """Lower and upper ends of bootstrap intervals, persons drawn with replacement."""
    n, low, high = _same_length(labels, predicted, persons), c.mexpr_metrics(), c.mexpr_metrics()
    (context or default_context())._call(
        lib.mexpr_metrics_interval, _classes(labels), _classes(predicted),
        _classes(persons), n, n_classes, confidence, rounds, seed, ctypes.byref(low),
        ctypes.byref(high))
    return _metrics(low), _metrics(high)


def mcnemar(labels: Sequence[int], predicted_a: Sequence[int], predicted_b: Sequence[int],
            *, context: Context | None = None) -> float:
    """Two-sided p of McNemar's exact test."""
    n, p = _same_length(labels, predicted_a, predicted_b), ctypes.c_double()
    (context or default_context())._call(
        lib.mexpr_mcnemar, _classes(labels), _classes(predicted_a), _classes(predicted_b),
        n, ctypes.byref(p))
    return p.value


def metrics_class(confusion: Sequence[Sequence[int]], k: int, *,
                  context: Context | None = None) -> ClassMetrics:
    """Measures of class k from a confusion, as metrics() gives it."""
    n, out = len(confusion), c.mexpr_class_metrics()
    if any(len(row) != n for row in confusion):
        raise ValueError("a confusion has as many columns as rows")
    counts = (ctypes.c_int64 * max(n * n, 1))(*(count for row in confusion for count in row))
    (context or default_context())._call(
        lib.mexpr_metrics_class, counts, n, k, ctypes.byref(out))
    result: ClassMetrics = _fields(ClassMetrics, out)
    return result


def metrics_compare(labels: Sequence[int], predicted_a: Sequence[int],
                    predicted_b: Sequence[int], persons: Sequence[int], n_classes: int, *,
                    confidence: float = 0.95, rounds: int = 4000, seed: int = 0,
                    context: Context | None = None) -> Comparison:
    """Compares two systems: McNemar's test, paired bootstrap over persons."""
    n = _same_length(labels, predicted_a, predicted_b, persons)
    out = c.mexpr_comparison()
    (context or default_context())._call(
        lib.mexpr_metrics_compare, _classes(labels), _classes(predicted_a),
        _classes(predicted_b), _classes(persons), n, n_classes, confidence, rounds, seed,
        ctypes.byref(out))
    result: Comparison = _fields(Comparison, out)
    return result


def _flat(rows: Sequence[Sequence[Any]], n_units: int) -> list[Any]:
    if any(len(row) != n_units for row in rows):
        raise ValueError("every clip needs a mark and a score for every unit")
    return [value for row in rows for value in row]


def unit_metrics(truth: Sequence[Sequence[int]], scores: Sequence[Sequence[float]], *,
                 threshold: float = 0.5, context: Context | None = None) -> UnitMetrics:
    """Measures of the detection of several units per clip.

    Args:
        truth: (clips, units): 1 there, 0 not, -1 not known.
        scores: the same; a unit is found when its score is not below the threshold.
    """
    n = _same_length(truth, scores)  # type: ignore[arg-type]
    n_units, out = len(truth[0]) if n else 1, c.mexpr_unit_metrics()
    marks, numbers = _flat(truth, n_units), _flat(scores, n_units)
    f1 = (ctypes.c_double * n_units)()
    (context or default_context())._call(
        lib.mexpr_units_compute, (ctypes.c_int8 * max(len(marks), 1))(*marks),
        (ctypes.c_float * max(len(numbers), 1))(*numbers), n, n_units, threshold, f1, None,
        ctypes.byref(out))
    result: UnitMetrics = _fields(UnitMetrics, out, f1=tuple(f1))
    return result


def _intervals(intervals: Sequence[SpotInterval]) -> Any:
    def known(number: int | None) -> int:
        return -1 if number is None else number

    return (c.mexpr_spot_interval * max(len(intervals), 1))(*(
        c.mexpr_spot_interval(i.onset, known(i.apex), i.offset, i.clip, i.person,
                              known(i.label)) for i in intervals))


def spotting_metrics(truth: Sequence[SpotInterval], spotted: Sequence[SpotInterval], *,
                     iou: float = 0.5, mode: Strs | str = Strs.STRICT,
                     context: Context | None = None) -> SpottingMetrics:
    """Measures spotted intervals against true ones; mode "strict" or "megc"."""
    out = c.mexpr_spotting_metrics()
    (context or default_context())._call(
        lib.mexpr_spotting_compute, _intervals(truth), len(truth), _intervals(spotted),
        len(spotted), iou, constant(Strs, mode), ctypes.byref(out))
    result: SpottingMetrics = _fields(SpottingMetrics, out)
    return result


def apex_metrics(truth: Sequence[SpotInterval], spotted: Sequence[int | None], *,
                 context: Context | None = None) -> ApexMetrics:
    """Measures spotted apexes, None where none was found, in one interval per clip."""
    if len(truth) != len(spotted):
        raise ValueError("every true interval needs a spotted apex, or None")
    out = c.mexpr_apex_metrics()
    frames = (ctypes.c_int64 * max(len(spotted), 1))(
        *(-1 if frame is None else frame for frame in spotted))
    (context or default_context())._call(
        lib.mexpr_apex_compute, _intervals(truth), frames, len(truth), ctypes.byref(out))
    result: ApexMetrics = _fields(ApexMetrics, out)
    return result


@dataclass(frozen=True)
class FoldNetwork:
    """A network that has scored the clips of its fold."""

    model: Model
    clips: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    weight: float
    seed: int
    fold: int
    candidate: int


class Evaluation(Owner):
    """Predictions for all clips of a manifest, each by a network that has not seen the
    clip's fold. Immutable."""

    def __init__(self, handle: Handle, context: Context, manifest: Manifest) -> None:
        self._handle = handle
        self._context = context
        self.manifest = manifest

    @property
    def n_folds(self) -> int:
        """Folds."""
        return int(lib.mexpr_evaluation_n_folds(self._use()))

    @property
    def folds(self) -> list[int]:
        """Fold of each clip, -1 for one that was not tested."""
        handle = self._use()
        return [lib.mexpr_evaluation_fold(handle, k) for k in range(len(self.manifest))]

    @property
    def predicted(self) -> list[int]:
        """Class predicted for each clip, -1 for one that was not tested."""
        handle = self._use()
        return [lib.mexpr_evaluation_predicted(handle, k)
                for k in range(len(self.manifest))]

    @property
    def scores(self) -> list[list[float]]:
        """Scores of each clip, [] for one that was not tested."""
        handle, n = self._use(), len(self.manifest.classes)
        rows = (lib.mexpr_evaluation_scores(handle, k) for k in range(len(self.manifest)))
        return [row[:n] if row else [] for row in rows]

    @property
    def n_seeds(self) -> int:
        """Seeds; everything else is of their mean."""
        return int(lib.mexpr_evaluation_n_seeds(self._use()))

    def seed_metrics(self, seed: int) -> Metrics:
        """Measures with the seed of that number alone, from 0."""
        out = c.mexpr_metrics()
        self._context._call(lib.mexpr_evaluation_seed_metrics, self._use(), seed,
                            ctypes.byref(out))
        return _metrics(out)

    def seed_predicted(self, seed: int) -> list[int]:
        """Class predicted for each clip with the seed of that number alone."""
        handle = self._use()
        return [lib.mexpr_evaluation_seed_predicted(handle, seed, k)
                for k in range(len(self.manifest))]

    def chosen(self, seed: int = 0) -> list[int | None]:
        """The candidate that each fold took, None where all were fused."""
        handle = self._use()
        numbers = (lib.mexpr_evaluation_chosen(handle, seed, k) for k in range(self.n_folds))
        return [None if number < 0 else number for number in numbers]

    def _of_candidates(self, function: Any, seed: int) -> list[list[float]]:
        handle = self._use()
        return [[function(handle, seed, fold, k)
                 for k in range(lib.mexpr_evaluation_n_candidates(handle))]
                for fold in range(self.n_folds)]

    def weights(self, seed: int = 0) -> list[list[float]]:
        """Weight of each candidate in each fold."""
        return self._of_candidates(lib.mexpr_evaluation_weight, seed)

    def inner_uf1(self, seed: int = 0) -> list[list[float]]:
        """UF1 of each candidate on each fold's inner folds, NaN without."""
        return self._of_candidates(lib.mexpr_evaluation_inner_uf1, seed)

    def losses(self, seed: int = 0, candidate: int = 0) -> list[list[float]]:
        """Training losses of each fold's network, oldest first: of every epoch, of more
        than 1000 epochs 1000 of them. [] for one that has none."""
        handle, n, folds = self._use(), ctypes.c_int32(), []
        for fold in range(self.n_folds):
            values = lib.mexpr_evaluation_losses(handle, seed, fold, candidate,
                                                 ctypes.byref(n))
            folds.append(values[:n.value] if values else [])
        return folds

    def n_epochs(self, seed: int = 0, candidate: int = 0) -> list[int]:
        """Epochs in which each fold's network was trained."""
        handle = self._use()
        return [lib.mexpr_evaluation_n_epochs(handle, seed, fold, candidate)
                for fold in range(self.n_folds)]

    def metrics(self, dataset: int | None = None) -> tuple[Metrics, list[list[int]]]:
        """Measures and confusion of all tested clips, or of those of one database."""
        n, out = len(self.manifest.classes), c.mexpr_metrics()
        counts = (ctypes.c_int64 * (n * n))()
        self._context._call(lib.mexpr_evaluation_metrics, self._use(),
                            -1 if dataset is None else dataset, counts, ctypes.byref(out))
        return _metrics(out), _rows(counts, n)

    def interval(self) -> tuple[Metrics, Metrics]:
        """Ends of the 95 % intervals of all clips together."""
        low, high = c.mexpr_metrics(), c.mexpr_metrics()
        self._context._call(lib.mexpr_evaluation_interval, self._use(), ctypes.byref(low),
                            ctypes.byref(high))
        return _metrics(low), _metrics(high)


def _fit_callback(fit: Fit) -> Callable[..., int]:
    def call(user: int | None, context: Any, view: Any, labels: Any, n_classes: int,
             seed: int, out: Any) -> int:
        tensor = view[0]
        shape = tuple(tensor.dims[:tensor.rank])
        inputs = Memory(tensor.data, "f4", shape, None, True, None).array()
        model = wanted(fit(inputs, list(labels[:shape[0]]), n_classes, seed), Model,
                       "what fit returns")
        out[0] = lib.mexpr_model_retain(model._use())
        return 0

    return call


def _watch_callback(watch: Watch, n_classes: int, owner: Context) -> Callable[..., int]:
    def call(user: int | None, context: Any, network: Any) -> int:
        shown = network[0]
        n, model = shown.n_clips, lib.mexpr_model_retain(shown.model)
        rows = tuple(tuple(row) for row in
                     (shown.scores[k * n_classes:(k + 1) * n_classes] for k in range(n)))
        watch(FoldNetwork(
            Model(Handle(model, lib.mexpr_model_destroy, owner._use()), owner),
            tuple(shown.clips[:n]), rows, shown.weight, shown.seed, shown.fold,
            shown.candidate))
        return 0

    return call


def _candidates(fit: Fit | Mapping[str, Fit], caller: Caller) -> Any:
    ways = fit if isinstance(fit, Mapping) else {"": fit}
    for way in ways.values():
        if not callable(way):
            raise TypeError(f"fit must be a function, not {type(way).__name__}")
    return (c.mexpr_candidate * max(len(ways), 1))(*(
        c.mexpr_candidate(
            name.encode() or None,
            caller.keep(c.mexpr_fit_fn, _fit_callback(way), int(Status.E_CANCELLED)), None)
        for name, way in ways.items())), len(ways)


def evaluate(manifest: Manifest, inputs: Any, fit: Fit | Mapping[str, Fit], *,
             protocol: Protocol | str = Protocol.LOSO, folds: int = 0, seed: int = 0,
             seeds: int = 1, joining: Joining | str = Joining.SELECT, inner_folds: int = 0,
             train_dataset: str | None = None, test_dataset: str | None = None,
             watch: Watch | None = None,
             progress: Callable[[int, int], object] | None = None,
             context: Context | None = None) -> Evaluation:
    """Evaluates a way of training: every fold is held out in turn.

    Args:
        manifest: the clips; Manifest.read() reads them from a file.
        inputs: float32, one for each clip of the manifest.
        fit: called with inputs, labels, the number of classes and the seed of the clips
            of all other folds, returns a Model. The inputs do not outlive the call. Or
            several of them by name, of which `joining` makes one answer.
        protocol: "loso", "kfold", "dataset" or "holdout".
        folds: of "kfold"; 0: 10.
        seeds: so many evaluations with seed, seed + 1, …, and their mean.
        joining: "select" takes one of several in each fold, by UF1 on inner folds of its
            training clips; "mean", "product", "max", "weighted", "learned" fuse them.
        inner_folds: by person; 0: 5.
        train_dataset, test_dataset: of "holdout", names separated by commas.
        watch: called with a FoldNetwork, each network once it has scored its fold; it has
            no say in the result. Raising stops.
    """
    context, caller = context or default_context(), Caller()
    wanted(manifest, Manifest, "manifest")
    candidates, n = _candidates(fit, caller)
    view = _view_of(memory_of(inputs).packed())
    options = c.mexpr_evaluate_options(
        protocol=constant(Protocol, protocol), n_folds=folds, seed=seed, n_seeds=seeds,
        joining=constant(Joining, joining), inner_folds=inner_folds,
        train_dataset=None if train_dataset is None else train_dataset.encode(),
        test_dataset=None if test_dataset is None else test_dataset.encode())
    if watch is not None:
        options.watch = caller.keep(
            c.mexpr_watch_fn,
            _watch_callback(watch, len(manifest.classes), context), int(Status.E_CANCELLED))
    try:
        handle = context._make(
            c.mexpr_evaluation, lib.mexpr_evaluation_destroy,
            lib.mexpr_evaluate_candidates, manifest._use(), ctypes.byref(view), candidates,
            n, ctypes.byref(options), caller.progress(progress), None)
    except Error:
        caller.reraise()
        raise
    return Evaluation(handle, context, manifest)


def fit_candidates(manifest: Manifest, inputs: Any, fit: Fit | Mapping[str, Fit], *,
                   seed: int = 0, seeds: int = 1, joining: Joining | str = Joining.SELECT,
                   inner_folds: int = 0,
                   context: Context | None = None) -> tuple[Model, list[float]]:
    """What evaluate() does in a fold, with all clips, for good: one network, chosen or
    fused, and the candidates' weights. How good it is, evaluate() says with the same
    arguments, which are as there."""
    context, caller = context or default_context(), Caller()
    wanted(manifest, Manifest, "manifest")
    candidates, n = _candidates(fit, caller)
    view = _view_of(memory_of(inputs).packed())
    options = c.mexpr_evaluate_options(
        seed=seed, n_seeds=seeds, joining=constant(Joining, joining),
        inner_folds=inner_folds)
    weights = (ctypes.c_double * max(n, 1))()
    try:
        handle = context._make(
            c.mexpr_model, lib.mexpr_model_destroy, lib.mexpr_fit_candidates,
            manifest._use(), ctypes.byref(view), candidates, n, ctypes.byref(options),
            weights)
    except Error:
        caller.reraise()
        raise
    return Model(handle, context), list(weights)
