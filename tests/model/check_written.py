# SPDX-License-Identifier: MIT
"""Models written by the library: onnx.checker accepts them, and they have the nodes,
names, weights and metadata of what was read. Skipped (77) without onnx.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python check_written.py FILE...
"""

from __future__ import annotations

import sys

try:
    import onnx
    from onnx import numpy_helper
except ImportError:
    print("onnx is not installed: skipped")
    sys.exit(77)

import microexpr

# HTNet takes its time and has nothing that the others lack.
SYSTEMS = [system.name for system in microexpr.systems() if system.name != "htnet"]


def described(model):
    """What has to be the same, without what ONNX lets be written in several ways."""
    def attribute(a):
        value = onnx.helper.get_attribute_value(a)
        if isinstance(value, onnx.TensorProto):
            value = numpy_helper.to_array(value)
            return a.name, a.type, value.dtype.str, value.shape, value.tobytes()
        return a.name, a.type, repr(value)

    def port(info):
        tensor = info.type.tensor_type
        return info.name, tensor.elem_type, [
            (d.dim_param, d.dim_value) for d in tensor.shape.dim]

    graph = model.graph
    weights = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        weights[tensor.name] = array.dtype.str, array.shape, array.tobytes()
    return {
        "nodes": [(n.op_type, n.domain, n.name, list(n.input), list(n.output),
                   [attribute(a) for a in n.attribute]) for n in graph.node],
        "weights": weights,
        "inputs": [port(info) for info in graph.input if info.name not in weights],
        "outputs": [info.name for info in graph.output],
        "opsets": [(o.domain, o.version) for o in model.opset_import],
        "metadata": [(p.key, p.value) for p in model.metadata_props],
        "producer": model.producer_name,
    }


def main():
    failed = 0
    for name in SYSTEMS:
        onnx.checker.check_model(onnx.load_from_string(
            microexpr.build_system(name).encode()), full_check=True)
        print(f"{name}: accepted")
    for path in sys.argv[1:]:
        written = onnx.load_from_string(microexpr.Model.load(path).encode())
        onnx.checker.check_model(written, full_check=True)
        want, found = described(onnx.load(path)), described(written)
        wrong = [key for key in want if want[key] != found[key]]
        print(f"{path}: {'differs in ' + ', '.join(wrong) if wrong else 'the same'}")
        failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
