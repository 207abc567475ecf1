# SPDX-License-Identifier: MIT
"""Processor time of training beside PyTorch, one thread each: forward, loss, backward and
Adam of one batch, microseconds per sample, medians of interleaved rounds.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python:tests/system \\
        OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 bench_training.py TRACE_TRAINING \\
        [NAME[:BATCH[:STEPS[:ROUNDS]]]...]
"""

from __future__ import annotations

import sys
import tempfile
import time

import check_training

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is not installed: skipped")
    sys.exit(77)

import microexpr


def time_there(net, inputs, steps):
    """Seconds of each step."""
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    inputs = [torch.from_numpy(array) for array in inputs]
    labels = torch.arange(len(inputs[0])) % 3
    times = []
    for _ in range(steps):
        start = time.process_time()
        adam.zero_grad()
        scores = net(*inputs)
        scores = scores[0] if isinstance(scores, tuple) else scores
        F.cross_entropy(scores, labels).backward()
        adam.step()
        times.append(time.process_time() - start)
    return times[2:]


def bench(program, name, batch=32, steps=12, rounds=5):
    data, _, net = check_training.load(name, 3)
    rng = np.random.default_rng(5)
    inputs = [rng.normal(0, 1, (batch, *info.shape[1:])).astype(np.float32)
              for info in microexpr.Model.decode(data).inputs]
    here, there, ratios = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            times = check_training.run_here(program, folder, data, inputs, steps)[1]
        here.append(np.median(times[2:], 0) * 1000 / batch)
        there.append(np.median(time_there(net, inputs, steps)) * 1e6 / batch)
        ratios.append(there[-1] / here[-1].sum())
    forward, backward, adam = np.median(here, 0)
    print(f"{name:12} batch {batch}: forward {forward:.1f}, backward {backward:.1f}, Adam "
          f"{adam:.1f}, together {forward + backward + adam:.1f} us per sample; PyTorch "
          f"{np.median(there):.1f}; ratio {np.median(ratios):.2f}", flush=True)


def main():
    program, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for name in names or check_training.NAMES:
        name, *sizes = name.split(":")
        bench(program, name, *map(int, sizes))


if __name__ == "__main__":
    main()
