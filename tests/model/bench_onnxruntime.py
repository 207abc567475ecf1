# SPDX-License-Identifier: MIT
"""Latency at batch 1 on one thread against onnxruntime's wheel.

usage: bench_onnxruntime.py libmicroexpr.so [--rounds N] [--cpu FLAGS] MODEL.onnx...

Rounds alternate between the two programs, both warm: each begins with a run that does not
count, or weights would be timed on their way back into the third-level cache. A round's
figure is the processor time of the calling thread per run; the ratio is the median of the
rounds' ratios. The fastest rounds of both and the load average are printed beside it. What
a call costs in itself (a network of one Relu over four numbers, through the same Python calls) is
subtracted on both sides. Exit status 77 where numpy, onnx or onnxruntime is missing.
"""
import argparse
import ctypes
import os
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TYPES = {"tensor(float)": np.float32}


def inputs_of(session):
    rng = np.random.default_rng(1)
    values = {}
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        values[i.name] = rng.standard_normal(shape).astype(TYPES[i.type])
    return values


class Theirs:
    """onnxruntime with inputs and outputs bound beforehand."""

    def __init__(self, data):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"])
        self.inputs = inputs_of(self.session)
        self.binding = self.session.io_binding()
        for name, value in self.inputs.items():
            self.binding.bind_cpu_input(name, value)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()


class Ours:
    """The library through ctypes."""

    def __init__(self, data, inputs, cpu):
        from microexpr import Context, Model
        from microexpr import _signatures as c
        from microexpr._library import lib
        self.c, self.lib = c, lib
        self.model = Model.decode(data, context=Context(cpu=cpu))
        self.session = self.model.session()
        self.handle = self.session._use()
        self.views = []
        for name, value in inputs.items():
            view = c.mexpr_tensor_view(dtype=1, rank=value.ndim, data=value.ctypes.data)
            view.dims[:value.ndim] = value.shape
            self.views.append((name.encode(), ctypes.byref(view), view, value))

    def run(self):
        for name, view, _, _ in self.views:
            self.lib.mexpr_session_set_input(self.handle, name, view)
        if self.lib.mexpr_session_run(self.handle) != 0:
            raise RuntimeError(self.lib.mexpr_session_last_error(self.handle))

    def output(self):
        view = self.c.mexpr_tensor_view()
        self.lib.mexpr_session_output(self.handle, None, ctypes.byref(view))
        n = int(np.prod(view.dims[:view.rank]))
        return np.ctypeslib.as_array(
            ctypes.cast(view.data, ctypes.POINTER(ctypes.c_float)), (n,)).copy()


def relu_of(inputs):
    """A network of one Relu over a few numbers, with as many inputs."""
    helper, infos = onnx.helper, []
    names = list(inputs)
    infos = [helper.make_tensor_value_info(name, 1, [1, 4]) for name in names]
    out = helper.make_tensor_value_info("out", 1, [1, 4])
    nodes = [helper.make_node("Relu", [names[0]], ["out"])]
    graph = helper.make_graph(nodes, "relu", infos, [out])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                             ir_version=8).SerializeToString()


def seconds(call, times):
    """Per run, behind one that brings back what the other program put out of the cache."""
    call()
    start = time.thread_time()
    for _ in range(times):
        call()
    return (time.thread_time() - start) / times


def race(ours, theirs, rounds):
    """Processor time per run: (ours, theirs) for each round."""
    times = max(1, int(10e-3 / max(seconds(theirs.run, 2), 1e-7)))
    return np.array([(seconds(ours.run, times), seconds(theirs.run, times))
                     for _ in range(rounds)])


def compare(path, rounds, cpu):
    data = path.read_bytes()
    theirs = Theirs(data)
    ours = Ours(data, theirs.inputs, cpu)
    call = relu_of(theirs.inputs)
    their_call = Theirs(call)
    calls = race(Ours(call, their_call.inputs, cpu), their_call, rounds)
    times = race(ours, theirs, rounds) - np.median(calls, axis=0)
    want = theirs.outputs()[0].ravel()
    error = np.abs(ours.output() - want).max() / np.abs(want).max()
    low, ratio, high = np.percentile(times[:, 1] / times[:, 0], (25, 50, 75))
    mine, other = np.median(times, axis=0) * 1e6
    fastest, their_fastest = times.min(axis=0) * 1e6
    print(f"{path.stem}: {mine:.1f} us, onnxruntime {other:.1f} us, ratio {ratio:.2f} "
          f"({low:.2f} to {high:.2f}), fastest {fastest:.1f} and {their_fastest:.1f} us, "
          f"ratio {their_fastest / fastest:.2f}, difference {error:.1e}, load {os.getloadavg()[0]:.1f}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--cpu", type=int, help="instruction sets that may be used")
    arguments = parser.parse_args()
    os.environ["MICROEXPR_LIBRARY"] = str(arguments.library.resolve())
    sys.path.insert(0, str(Path(__file__).parents[2] / "bindings" / "python"))
    for path in arguments.models:
        compare(path, arguments.rounds, arguments.cpu)


main()
