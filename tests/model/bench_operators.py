# SPDX-License-Identifier: MIT
"""Single operators on one thread against onnxruntime's wheel.

usage: bench_operators.py [WORD]

Prints for every case (or those whose name contains WORD) the microseconds of the fastest
run on both sides, their ratio and the largest difference relative to the largest value.
Here it is the step's own time (Session.profile); there the processor time of a call with
inputs and outputs bound beforehand, less that of a call for a Relu of four numbers. The
environment variable MICROEXPR_LIBRARY names the library, PYTHONPATH has bindings/python.
Exit status 77 where numpy, onnx or onnxruntime is missing.
"""
import sys
import time

try:
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import microexpr

ROUNDS, SECONDS = 15, 0.004
MAP = (1, 64, 56, 56)
rng = np.random.default_rng(0)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def positive(*shape):
    return rng.uniform(0.5, 2, shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def cases():
    """(name, operator, shape of x, constants, attributes, opset)"""
    yield "BatchNormalization", MAP, [positive(64), normal(64), normal(64), positive(64)]
    yield "LayerNormalization", (1, 197, 768), [normal(768), normal(768)]
    yield "LayerNormalization", (1, 49, 96), [normal(96), normal(96)]
    yield "InstanceNormalization", MAP, [normal(64), normal(64)]
    yield "GroupNormalization", MAP, [normal(64), normal(64)], {"num_groups": 8}, 21
    yield "LRN", MAP, [], {"size": 5}
    for batch in (1, 8):
        yield ("LSTM", (16, batch, 64), [0.1 * normal(1, 512, 64), 0.1 * normal(1, 512, 128),
                                         normal(1, 1024)], {"hidden_size": 128})
        yield ("GRU", (16, batch, 64), [0.1 * normal(1, 384, 64), 0.1 * normal(1, 384, 128),
                                        normal(1, 768)],
               {"hidden_size": 128, "linear_before_reset": 1})
    yield ("ConvTranspose", (1, 64, 28, 28), [normal(64, 32, 4, 4)],
           {"strides": [2, 2], "pads": [1, 1, 1, 1]})
    yield "ConvTranspose", (1, 64, 28, 28), [normal(64, 32, 2, 2)], {"strides": [2, 2]}
    for op in ("ThresholdedRelu", "Relu", "Elu", "Sigmoid", "Tanh", "Exp", "Erf", "HardSwish",
               "Softplus", "Softsign", "Abs", "Neg", "Sign", "Floor", "Log", "Sqrt"):
        yield op, MAP, []
    yield "Gelu", MAP, [], {}, 20
    for exponent in (2, 3):
        yield "Pow", MAP, [np.float32(exponent)]
    yield "Softmax", (1, 12, 197, 197), [], {"axis": -1}
    yield "Softmax", MAP, [], {"axis": 1}
    yield "LogSoftmax", (1, 197, 768), [], {"axis": -1}
    for op in ("ReduceMean", "ReduceMax", "ReduceL2"):
        for axes in ([1], [2, 3], [3], [1, 3]):
            yield op, MAP, [], {"axes": axes}
    for shape, perm in ((MAP, [0, 2, 3, 1]), (MAP, [0, 2, 1, 3]), (MAP, [3, 2, 1, 0]),
                        ((1, 197, 12, 64), [0, 2, 1, 3]), ((1, 12, 197, 64), [0, 1, 3, 2])):
        yield "Transpose", shape, [], {"perm": perm}
    yield "Gather", (1000, 256), [rng.integers(0, 1000, 64)], {"axis": 0}
    yield "Gather", MAP, [rng.integers(0, 64, 32)], {"axis": 1}
    yield "Expand", (1, 64, 1, 1), [ints(1, 64, 56, 56)]
    yield "Concat", MAP, [normal(*MAP)], {"axis": 1}
    yield "MatMul", (1, 197, 768), [normal(768, 768)]
    for rows in (1, 4):
        yield "Gemm", (rows, 1024), [normal(1024, 1024)], {"transB": 1}
        yield "Gemm", (rows, 1024), [normal(1024, 1024)]


def model_of(op, shape, constants=(), attributes=None, opset=17):
    names = [f"c{i}" for i in range(len(constants))]
    outputs = {"LSTM": ["y", "h", "c"], "GRU": ["y", "h"]}.get(op, ["y"])
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], outputs, **(attributes or {}))], "bench",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, names)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    return model.SerializeToString()


def fastest(run):
    """Seconds of the fastest round; a round is some runs."""
    run()
    start = time.thread_time()
    run()
    n = max(1, int(SECONDS / max(time.thread_time() - start, 1e-6)))
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.thread_time()
        for _ in range(n):
            run()
        best = min(best, (time.thread_time() - start) / n)
    return best


def theirs(data, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    result = session.run(["y"], {"x": x})[0]
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", value(x))
    binding.bind_ortvalue_output("y", value(np.empty_like(result)))
    return result, fastest(lambda: session.run_with_iobinding(binding))


def ours(data, x):
    with microexpr.Model.decode(data).session() as session:
        result = session.run({"x": x})["y"]
        session.profile()
        fastest(lambda: session.run({"x": x}))
        return result, sum(step.min_milliseconds for step in session.steps) / 1e3


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    call = theirs(model_of("Relu", (4,)), np.ones(4, np.float32))[1]
    for case in cases():
        name = f"{case[0]} {'x'.join(map(str, case[1]))} {case[3] if len(case) > 3 else ''}"
        if word not in name:
            continue
        x = positive(*case[1]) if case[0] in ("Log", "Sqrt") else normal(*case[1])
        data = model_of(*case)
        expected, there = theirs(data, x)
        found, here = ours(data, x)
        error = np.abs(expected - found).max() / max(np.abs(expected).max(), 1e-30)
        print(f"{name:60} {here * 1e6:8.1f} {(there - call) * 1e6:8.1f} "
              f"ratio {(there - call) / here:6.2f} difference {error:.0e}", flush=True)


if __name__ == "__main__":
    main()
