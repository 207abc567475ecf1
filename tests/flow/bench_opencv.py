# SPDX-License-Identifier: MIT
"""Speed of the methods that follow OpenCV against OpenCV's own, on one thread each.

usage: bench_opencv.py libmicroexpr.so [ROUNDS]

Rounds alternate between the two, both warm; the ratio is the median of the rounds' ratios
of processor time, and the load average is printed beside it. Takes real pictures from the
folder in MEXPR_TEST_DATA. Exit status 77 where numpy or OpenCV is missing.
"""
import os
import sys
import time

from opencv_flow import (FARNEBACK_SETS, METHOD, TVL1_OPENCV, Flow, cv2,
                         farneback_parameters, has_dual_tvl1, np, pairs)


def seconds(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def race(label, ours, theirs, rounds):
    ours(), theirs()
    times = np.array([(seconds(ours), seconds(theirs)) for _ in range(rounds)])
    ratio = np.median(times[:, 1] / times[:, 0])
    print(f"{label}: {np.median(times[:, 0]) * 1e3:.2f} ms, OpenCV"
          f" {np.median(times[:, 1]) * 1e3:.2f} ms, ratio {ratio:.2f}"
          f" (load {os.getloadavg()[0]:.1f})", flush=True)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    cv2.setNumThreads(1)
    for name, first, second in pairs():
        size = f"{name} {first.shape[1]}x{first.shape[0]}"
        for values in FARNEBACK_SETS:
            flow = Flow(sys.argv[1], farneback_parameters(values), first, second)
            race(f"{size} Farneback{values}", flow.compute,
                 lambda: cv2.calcOpticalFlowFarneback(first, second, None, *values), rounds)
            flow.close()
        if has_dual_tvl1():
            theirs = cv2.optflow.DualTVL1OpticalFlow_create()
            flow = Flow(sys.argv[1], {METHOD: TVL1_OPENCV}, first, second)
            race(f"{size} DualTVL1", flow.compute,
                 lambda: theirs.calc(first, second, None), rounds)
            flow.close()


main()
