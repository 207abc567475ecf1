# SPDX-License-Identifier: MIT
"""Compares support vector machines with scikit-learn's on random rows. Skipped (77)
where it is not installed.

    check_classifier.py LIBRARY
"""

from __future__ import annotations

import ctypes as c
import sys

try:
    import numpy as np
    from sklearn.svm import SVC
except ImportError:
    print("NumPy and scikit-learn are not installed: skipped")
    sys.exit(77)


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_int32) for name in "method kernel gamma_unit unbalanced".split()] + [
        (name, c.c_double) for name in "gamma cost ridge tolerance".split()]


def pointer(array: np.ndarray) -> c.c_void_p:
    return c.c_void_p(array.ctypes.data)


def own_scores(lib: c.CDLL, context: c.c_void_p, rows: np.ndarray, labels: np.ndarray,
               probes: np.ndarray, n_classes: int, **fields: float) -> np.ndarray:
    options = Options(struct_size=c.sizeof(Options), **fields)
    classifier = c.c_void_p()
    scores = np.zeros((len(probes), n_classes), np.float32)
    assert lib.mexpr_classifier_fit(
        context, pointer(rows), pointer(labels), c.c_int64(len(rows)),
        c.c_int64(rows.shape[1]), c.c_int32(n_classes), c.byref(options), None, None,
        c.byref(classifier)) == 0
    assert lib.mexpr_classifier_scores(
        classifier, pointer(probes), c.c_int64(len(probes)), pointer(scores)) == 0
    lib.mexpr_classifier_destroy(c.byref(classifier))
    return scores


def compare(lib: c.CDLL, context: c.c_void_p, n_classes: int, kernel: str,
            balanced: bool) -> float:
    rng = np.random.default_rng(n_classes)
    labels = rng.choice(n_classes, 300, p=np.arange(1, n_classes + 1) / sum(
        range(n_classes + 1))).astype(np.int32)
    rows = (rng.normal(size=(300, 20)) + labels[:, None] / 2).astype(np.float32)
    probes = (rng.normal(size=(50, 20)) + 0.5).astype(np.float32)
    own = own_scores(lib, context, rows, labels, probes, n_classes, tolerance=1e-6,
                     kernel={"linear": 1, "rbf": 2}[kernel], gamma_unit=3, gamma=0.03,
                     cost=0.7, unbalanced=not balanced)
    machine = SVC(C=0.7, kernel=kernel, gamma=0.03, tol=1e-6,
                  class_weight="balanced" if balanced else None).fit(rows, labels)
    theirs = machine.decision_function(probes)
    if n_classes == 2:
        theirs = np.stack([-theirs, theirs], 1)
    return float(np.abs(own - theirs).max())


def main() -> None:
    lib = c.CDLL(sys.argv[1])
    context = c.c_void_p()
    assert lib.mexpr_context_create(None, c.byref(context)) == 0
    worst = 0.0
    for n_classes in (2, 3, 5):
        for kernel in ("linear", "rbf"):
            for balanced in (False, True):
                worst = max(worst, compare(lib, context, n_classes, kernel, balanced))
    lib.mexpr_context_destroy(c.byref(context))
    print(f"largest difference to scikit-learn: {worst:.2g}")
    assert worst < 1e-4


main()
