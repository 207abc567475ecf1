# SPDX-License-Identifier: MIT
"""Compares the flow of the methods that follow OpenCV with OpenCV's own.

usage: compare_opencv_flow.py libmicroexpr.so [--sensitivity]

Prints mean and largest end-point difference in pixels and fails above the bounds that
docs/flow_methods.md states. Takes real pictures from the folder in MEXPR_TEST_DATA. Exit
status 77, which counts as skipped, where numpy or OpenCV is missing. With --sensitivity
prints, instead, how far noise of 1e-5 grey levels in the input moves our own DualTVL1 flow.
"""
import sys

from opencv_flow import (EPSILON, FARNEBACK_SETS, ITERATIONS, MEDIAN, METHOD, OUTER, SCALES,
                         TVL1_OPENCV, WARPS, Flow, cv2, farneback_parameters, has_dual_tvl1,
                         np, pairs)

# The method amplifies rounding: on this sequence noise of 1e-5 grey levels in the input
# moves its flow by 0.056 px on average (--sensitivity), and OpenCV 5.0 is 0.076 px from
# OpenCV 4.6.
SENSITIVE = {"Urban2": 0.1}
failures = 0


def compare(label, ours, theirs, bound):
    global failures
    distance = np.hypot(ours[..., 0] - theirs[..., 0], ours[..., 1] - theirs[..., 1])
    failed = not distance.mean() < bound
    failures += failed
    print(f"{label}: mean {distance.mean():.6f} largest {distance.max():.4f} px"
          f"{'  ABOVE ' + str(bound) if failed else ''}", flush=True)


def check_farneback(path, name, first, second):
    for values in FARNEBACK_SETS:
        flow = Flow(path, farneback_parameters(values), first, second)
        theirs = cv2.calcOpticalFlowFarneback(first, second, None, *values)
        compare(f"{name} Farneback{values}", flow.result(), theirs, 0.001)
        flow.close()


def check_dual_tvl1(path, name, first, second):
    theirs = cv2.optflow.DualTVL1OpticalFlow_create()
    flow = Flow(path, {METHOD: TVL1_OPENCV}, first, second)
    compare(f"{name} DualTVL1", flow.result(), theirs.calc(first, second, None),
            SENSITIVE.get(name, 0.02))
    flow.close()


def check_fixed_counts(path, name, first, second):
    """One level, one warp, no stop rule: the same arithmetic but for rounding."""
    for median in (1, 3, 5):
        theirs = cv2.optflow.DualTVL1OpticalFlow_create(
            nscales=1, warps=1, epsilon=0, innnerIterations=10, outerIterations=4,
            medianFiltering=median)
        flow = Flow(path, {METHOD: TVL1_OPENCV, SCALES: 1, WARPS: 1, EPSILON: 0,
                           ITERATIONS: 10, OUTER: 4, MEDIAN: median}, first, second)
        compare(f"{name} DualTVL1 fixed, median {median}", flow.result(),
                theirs.calc(first, second, None), 1e-4)
        flow.close()


def show_sensitivity(path, name, first, second):
    rng = np.random.default_rng(1)
    results = []
    for amplitude in (0, 1e-5):
        noisy = [np.asarray(p + amplitude * rng.uniform(-1, 1, p.shape), np.float32)
                 for p in (first, second)]
        flow = Flow(path, {METHOD: TVL1_OPENCV}, *noisy)
        results.append(flow.result())
        flow.close()
    compare(f"{name} DualTVL1, ours with and without noise", *results, float("inf"))


def main():
    if "--sensitivity" in sys.argv[2:]:
        for pair in pairs():
            show_sensitivity(sys.argv[1], *pair)
        return 0
    for pair in pairs():
        check_farneback(sys.argv[1], *pair)
        if has_dual_tvl1():
            check_fixed_counts(sys.argv[1], *pair)
            check_dual_tvl1(sys.argv[1], *pair)
    if not has_dual_tvl1():
        print("this OpenCV has no optflow module: DualTVL1 not compared")
    return 1 if failures else 0


sys.exit(main())
