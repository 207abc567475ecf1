# SPDX-License-Identifier: MIT
"""Classifiers of feature rows and the fusion of scores: include/microexpr/fusion.h."""

from __future__ import annotations

import ctypes
import enum
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _signatures as c
from ._buffer import Memory, floats_of, memory_of, new_memory
from ._library import lib
from .base import (Caller, Context, Error, Handle, Speaker, constant, default_context,
                   wanted)
from .model import Model

if TYPE_CHECKING:
    from ._buffer import FloatArray


class ClassifierMethod(enum.IntEnum):
    """How a classifier is found."""

    SVM = 1
    RIDGE = 2


class Kernel(enum.IntEnum):
    """How alike two rows are."""

    LINEAR = 1
    RBF = 2
    LAPLACE = 3


class GammaUnit(enum.IntEnum):
    """What gamma is measured in."""

    NORM = 1
    DISTANCE = 2
    ABSOLUTE = 3


class FusionRule(enum.IntEnum):
    """How the probabilities of several systems become one."""

    MEAN = 1
    PRODUCT = 2
    MAX = 3


def _table(values: Any) -> Memory:
    """Rows of float32."""
    shape = memory_of(values).shape
    if len(shape) != 2:
        raise ValueError(f"rows × columns are needed, not an array of shape {shape}")
    return floats_of(values).reshaped(shape)


def _labels(values: Sequence[int], n_rows: int) -> Any:
    try:
        labels = [operator.index(value) for value in values]
    except TypeError:
        raise TypeError("labels must be whole numbers from 0 on, one per row") from None
    if len(labels) != n_rows:
        raise ValueError(f"{len(labels)} labels for {n_rows} rows")
    return (ctypes.c_int32 * max(n_rows, 1))(*labels)


class Classifier(Speaker):
    """A classifier of feature rows, trained when it is made.

    Args:
        rows: float32 (rows, features), all finite.
        labels: one class per row, 0 to n_classes - 1.
        n_classes: 0: one more than the largest label.
        method: "svm" or "ridge".
        kernel: "linear", "rbf" or "laplace".
        gamma, gamma_unit: the kernel's width, by default over the rows' mean squared norm.
        cost: bound of a row's coefficient (svm).
        ridge: added to the kernel's diagonal (ridge).
        balanced: every class counts alike, not every row.
        tolerance: of the optimality conditions (svm).
        progress: called with the steps done and in all.
    """

    _last_error = lib.mexpr_classifier_last_error

    def __init__(self, rows: Any, labels: Sequence[int], n_classes: int = 0, *,
                 method: ClassifierMethod | str = ClassifierMethod.SVM,
                 kernel: Kernel | str = Kernel.RBF, gamma: float = 1.0,
                 gamma_unit: GammaUnit | str = GammaUnit.NORM, cost: float = 1.0,
                 ridge: float = 0.3, balanced: bool = True, tolerance: float = 1e-3,
                 progress: Callable[[int, int], object] | None = None,
                 context: Context | None = None) -> None:
        context = context or default_context()
        table, caller = _table(rows), Caller()
        options = c.mexpr_classifier_options(
            method=constant(ClassifierMethod, method), kernel=constant(Kernel, kernel),
            gamma_unit=constant(GammaUnit, gamma_unit), unbalanced=not balanced,
            gamma=gamma, cost=cost, ridge=ridge, tolerance=tolerance)
        numbers = _labels(labels, table.shape[0])
        try:
            handle = context._make(
                c.mexpr_classifier, lib.mexpr_classifier_destroy,
                lib.mexpr_classifier_fit, table.floats(), numbers, table.shape[0],
                table.shape[1], n_classes or max(numbers) + 1, ctypes.byref(options),
                caller.progress(progress), None)
        except Error:
            caller.reraise()
            raise
        super().__init__(handle)
        self._context = context

    @property
    def n_classes(self) -> int:
        """Classes that are told apart."""
        return int(lib.mexpr_classifier_n_classes(self._use()))

    @property
    def n_features(self) -> int:
        """Numbers of a row."""
        return int(lib.mexpr_classifier_n_features(self._use()))

    @property
    def n_vectors(self) -> int:
        """Training rows that are kept."""
        return int(lib.mexpr_classifier_n_vectors(self._use()))

    def scores(self, rows: Any) -> FloatArray:
        """float32 (rows, classes); the largest of a row wins."""
        table = _table(rows)
        if table.shape[1] != self.n_features:
            raise ValueError(f"rows of {table.shape[1]} numbers; the classifier was "
                             f"trained on {self.n_features}")
        values = new_memory("f4", (table.shape[0], self.n_classes))
        self._call(lib.mexpr_classifier_scores, table.floats(), table.shape[0],
                   values.floats())
        result: FloatArray = values.array()
        return result

    def model(self) -> Model:
        """The classifier as a network: "features" in, "scores" out."""
        pointer = ctypes.POINTER(c.mexpr_model)()
        self._call(lib.mexpr_classifier_model, ctypes.byref(pointer))
        return Model(Handle(pointer, lib.mexpr_model_destroy, self._context._use()),
                     self._context)


def _pointers(tables: Sequence[Memory]) -> Any:
    shapes = {table.shape for table in tables}
    if len(shapes) != 1:
        raise ValueError(f"the systems' scores must be of one shape, not {len(shapes)}")
    return (ctypes.POINTER(ctypes.c_float) * len(tables))(
        *(table.floats() for table in tables))


def fuse_scores(scores: Sequence[Any], rule: FusionRule | str = FusionRule.MEAN, *,
                weights: Sequence[float] | None = None,
                context: Context | None = None) -> FloatArray:
    """Fuses systems' scores, each (rows, classes), into probabilities of that shape.

    Args:
        rule: "mean", "product" or "max" of the systems' softmax probabilities.
        weights: one per system, of which only the ratios matter; None: equal.
    """
    tables = [_table(table) for table in scores]
    pointers = _pointers(tables)
    n_rows, n_classes = tables[0].shape
    numbers = None if weights is None else (ctypes.c_double * len(tables))(*weights)
    fused = new_memory("f4", (n_rows, n_classes))
    (context or default_context())._call(
        lib.mexpr_fuse_scores, pointers, len(tables), n_rows, n_classes,
        constant(FusionRule, rule), numbers, fused.floats())
    result: FloatArray = fused.array()
    return result


def fuse_learn(scores: Sequence[Any], labels: Sequence[int], *,
               context: Context | None = None) -> list[float]:
    """Weights for the rule "mean" under which the labels are most probable, from scores
    of clips that the systems have not been trained on."""
    tables = [_table(table) for table in scores]
    pointers = _pointers(tables)
    n_rows, n_classes = tables[0].shape
    weights = (ctypes.c_double * len(tables))()
    (context or default_context())._call(
        lib.mexpr_fuse_learn, pointers, len(tables), n_rows, n_classes,
        _labels(labels, n_rows), weights)
    return list(weights)


def fuse_models(models: Sequence[Model], rule: FusionRule | str = FusionRule.MEAN, *,
                weights: Sequence[float] | None = None,
                context: Context | None = None) -> Model:
    """One network of several with the same input: its "logits" are logarithms of what
    fuse_scores() makes of theirs."""
    context = context or default_context()
    handles = [wanted(model, Model, "a model")._use() for model in models]
    pointers = (ctypes.POINTER(c.mexpr_model) * max(len(models), 1))(
        *(handle._as_parameter_ for handle in handles))
    if weights is not None and len(weights) != len(models):
        raise ValueError(f"{len(weights)} weights for {len(models)} networks")
    numbers = None if weights is None else (ctypes.c_double * len(models))(*weights)
    return Model(context._make(
        c.mexpr_model, lib.mexpr_model_destroy, lib.mexpr_fuse_models, pointers,
        len(models), constant(FusionRule, rule), numbers), context)
