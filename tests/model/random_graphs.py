# SPDX-License-Identifier: MIT
"""Random small graphs: the engine against numpy. Skipped (77) without numpy.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python \\
        random_graphs.py [--seed N] [--graphs N | --seconds N] [-v]

Each graph has up to 8 operators or patterns of operators, drawn from MAKERS, of a random
opset, with extents fixed or open, leaves that are inputs or weights, and a random choice
of rewrites. The reference computes in double precision. Graph K of a seed is made with
`--seed N --first K --graphs 1`.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time

try:
    import numpy as np
except ImportError:
    print("numpy is not installed: skipped")
    sys.exit(77)

import microexpr

OPSETS = (11, 13, 17, 18, 20, 21)
MAX_NODES, MAX_ELEMENTS, LARGEST = 8, 4000, 300.0
RELATIVE, ABSOLUTE = 1e-4, 1e-5


class Unfit(Exception):
    """What was drawn does not suit what is there: draw again."""


def need(condition) -> None:
    if not condition:
        raise Unfit


class Graph:
    """A graph being made, with the reference's value of everything in it."""

    def __init__(self, seed: int, index: int) -> None:
        self.rng = np.random.default_rng([seed, index])
        self.opset = int(self.rng.choice(OPSETS))
        self.builder = microexpr.Builder("random", opset=self.opset)
        self.values: dict[str, np.ndarray] = {}  # float64 for what the engine has as float32
        self.inputs: dict[str, np.ndarray] = {}
        self.leaves: set[str] = set()
        self.used: set[str] = set()
        self.log: list[str] = []
        self.n = 0
        self.open = self.rng.random() < 0.3

    def name(self) -> str:
        self.n += 1
        return f"v{self.n}"

    def leaf(self, array: np.ndarray, constant: bool | None = None) -> str:
        """An input or a weight."""
        name = self.name()
        self.leaves.add(name)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        if constant is None:
            constant = self.rng.random() < 0.5
        if constant:
            self.builder.initializer(name, array, "constant")
        else:
            shape = [None if self.open and self.rng.random() < 0.5 else n
                     for n in array.shape]
            self.builder.input(name, shape, {"f": "f32", "i": "i64", "b": "bool"}[
                array.dtype.kind])
            self.inputs[name] = array
        self.values[name] = array.astype(np.float64) if array.dtype.kind == "f" else array
        self.log.append(f"{name} = {'weight' if constant else 'input'} {array.shape}")
        return name

    def floats(self, *shape: int, low: float = -2, high: float = 2, **options) -> str:
        return self.leaf(self.rng.uniform(low, high, shape), **options)

    def ints(self, *values: int) -> str:
        return self.leaf(np.array(values, np.int64), True)

    def node(self, op: str, inputs: list, *results: np.ndarray, **attributes) -> str:
        """A node with its results; the name of the first."""
        for result in results:
            need(result.size <= MAX_ELEMENTS and result.ndim <= 8)
            if result.dtype.kind == "f" and result.size:
                need(np.isfinite(result).all() and np.abs(result).max() <= LARGEST)
        names = [self.name() for _ in results]
        attributes = {k: v for k, v in attributes.items() if v is not None}
        self.builder.node(op, inputs, names, **attributes)
        self.used.update(filter(None, inputs))
        self.values.update(zip(names, results))
        self.log.append(f"{', '.join(names)} = {op}({inputs}, {attributes}) "
                        f"{[r.shape for r in results]}")
        return names[0]

    # --- drawing ----------------------------------------------------------------------

    def chance(self, p: float = 0.5) -> bool:
        return bool(self.rng.random() < p)

    def draw(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def of(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def take(self, rank: int | None = None, least: int = 0) -> str:
        """A float value that is there, or a new leaf; late ones come more often."""
        fitting = [name for name, value in self.values.items() if value.dtype.kind == "f"
                   and value.size and value.ndim >= least
                   and (rank is None or value.ndim == rank)]
        if fitting and self.chance(0.9):
            return fitting[-1 - min(int(self.rng.geometric(0.5)) - 1, len(fitting) - 1)]
        n = self.draw(least, 4) if rank is None else rank
        return self.floats(*(self.draw(1, 6) for _ in range(n)))

    def axis(self, value: np.ndarray) -> int:
        need(value.ndim > 0)
        return self.draw(-value.ndim, value.ndim - 1)

    def split_axes(self, value: np.ndarray) -> tuple[int, ...]:
        need(value.ndim > 0)
        axes = [a for a in range(value.ndim) if self.chance()]
        return tuple(a - value.ndim if self.chance(0.3) else a
                     for a in axes or [self.draw(0, value.ndim - 1)])

    def axes_of(self, op: str, x: str, axes, since: int) -> tuple[list, dict]:
        """Inputs and attributes of an operator whose axes became an input."""
        if self.opset >= since:
            return [x, self.ints(*axes)], {}
        return [x], {"axes": list(axes)}


MAKERS = {}


def maker(function):
    MAKERS[function.__name__] = function
    return function


# --- element by element -----------------------------------------------------------------

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, 0)


UNARY = {
    "Relu": lambda x: np.maximum(x, 0), "Tanh": np.tanh, "Sigmoid": sigmoid,
    "Softplus": softplus, "Softsign": lambda x: x / (1 + np.abs(x)), "Abs": np.abs,
    "Neg": np.negative, "Erf": erf, "Sin": np.sin, "Cos": np.cos, "Atan": np.arctan,
    "Asinh": np.arcsinh, "Identity": lambda x: x, "Dropout": lambda x: x,
    "Selu": lambda x: 1.0507009873554805 * np.where(
        x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
}


@maker
def unary(g: Graph) -> str:
    x = g.take()
    op = g.of(*UNARY)
    return g.node(op, [x], UNARY[op](g.values[x]))


@maker
def with_slope(g: Graph) -> str:
    x = g.take()
    v, a = g.values[x], float(np.float32(g.rng.uniform(0.05, 1.5)))
    op = g.of("LeakyRelu", "Elu", "Celu", "HardSigmoid", "HardSwish", "Mish", "Gelu")
    need(op not in ("Celu",) or g.opset >= 12)
    need(op != "HardSwish" or g.opset >= 14)
    need(op != "Mish" or g.opset >= 18)
    need(op != "Gelu" or g.opset >= 20)
    if op == "HardSigmoid":
        return g.node(op, [x], np.clip(a * v + 0.5, 0, 1), alpha=a, beta=0.5)
    if op == "HardSwish":
        return g.node(op, [x], v * np.clip(v / 6 + 0.5, 0, 1))
    if op == "Mish":
        return g.node(op, [x], v * np.tanh(softplus(v)))
    if op == "Gelu":
        if g.chance():
            return g.node(op, [x], v * (1 + erf(v / math.sqrt(2))) / 2)
        return g.node(op, [x], v / 2 * (1 + np.tanh(
            math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3))), approximate="tanh")
    negative = {"LeakyRelu": a * v, "Elu": a * np.expm1(np.minimum(v, 0)),
                "Celu": a * np.expm1(np.minimum(v / a, 0))}[op]
    return g.node(op, [x], np.where(v >= 0, v, negative), alpha=a)


@maker
def positive(g: Graph) -> str:
    x = g.take()
    v = g.values[x]
    op = g.of("Sqrt", "Log", "Reciprocal", "Exp")
    need(op == "Exp" and v.max() < 5 or v.min() > 0.05)
    return g.node(op, [x], {"Sqrt": np.sqrt, "Log": np.log, "Exp": np.exp,
                            "Reciprocal": np.reciprocal}[op](np.maximum(v, 0.01)
                                                             if op != "Exp" else v))


@maker
def clip(g: Graph) -> str:
    x = g.take()
    low = g.floats(low=-1, high=0) if g.chance(0.8) else None
    high = g.floats(low=0, high=2) if g.chance(0.8) else None
    return g.node("Clip", [x, low, high], np.clip(
        g.values[x], g.values[low] if low else None, g.values[high] if high else None)
        if low or high else g.values[x])


def partner(g: Graph, x: str, **options) -> str:
    """Something that broadcasts with x."""
    shape = g.values[x].shape
    others = [name for name, value in g.values.items() if value.dtype.kind == "f"
              and value.size and value.shape == shape and name != x]
    if others and not options and g.chance():
        return g.of(*others)
    cut = shape[g.draw(0, len(shape)):] if g.chance(0.3) else shape
    return g.floats(*(1 if g.chance(0.3) else n for n in cut), **options)


@maker
def binary(g: Graph) -> str:
    x = g.take()
    op = g.of("Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu")
    y = partner(g, x, low=0.5, high=2) if op == "Div" else partner(g, x)
    if op in ("Add", "Sub", "Mul", "Min", "Max") and g.chance():
        x, y = y, x
    a, b = g.values[x], g.values[y]
    if op == "PRelu":
        need(np.broadcast_shapes(a.shape, b.shape) == a.shape)
        return g.node(op, [x, y], np.where(a < 0, a * b, a))
    return g.node(op, [x, y], {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide,
        "Min": np.minimum, "Max": np.maximum}[op](a, b))


@maker
def variadic(g: Graph) -> str:
    x = g.take()
    names = [x, *(partner(g, x) for _ in range(g.draw(0, 3)))]
    arrays = np.broadcast_arrays(*(g.values[name] for name in names))
    op = g.of("Sum", "Mean", "Max", "Min")
    return g.node(op, names, {"Sum": np.sum, "Mean": np.mean, "Max": np.max, "Min": np.min}[
        op](np.stack(arrays), axis=0))


@maker
def power(g: Graph) -> str:
    x = g.take()
    n = float(g.of(1, 2, 3, 0.5))
    need(n != 0.5 or g.values[x].min() > 0.05)
    return g.node("Pow", [x, g.leaf(np.array(n), True)], g.values[x] ** n)


@maker
def choice(g: Graph) -> str:
    """Comparisons of leaves alone: what is computed may be a rounding apart."""
    x = g.take()
    y = partner(g, x)
    shape = g.values[x].shape
    op = g.of("Less", "Greater", "Equal")
    a = g.floats(*shape)
    b = a if op == "Equal" else g.floats(*(1 if g.chance(0.3) else n for n in shape))
    test = {"Less": np.less, "Greater": np.greater, "Equal": np.equal}[op](
        g.values[a], g.values[b])
    c = g.node(op, [a, b], test)
    if g.chance(0.3):
        test = np.logical_not(test)
        c = g.node("Not", [c], test)
    return g.node("Where", [c, x, y], np.where(test, g.values[x], g.values[y]))


# --- products ---------------------------------------------------------------------------

@maker
def matmul(g: Graph) -> str:
    x = g.take(least=1)
    a = g.values[x]
    n = g.draw(1, 7)
    b = g.of(lambda: g.floats(a.shape[-1], n), lambda: g.floats(a.shape[-1]),
             lambda: g.floats(*a.shape[:-2], a.shape[-1], n))()
    return g.node("MatMul", [x, b], np.matmul(a, g.values[b]))


@maker
def gemm(g: Graph) -> str:
    x = g.take(rank=2)
    ta, tb = g.draw(0, 1), g.draw(0, 1)
    a = g.values[x].T if ta else g.values[x]
    n = g.draw(1, 9)
    w = g.floats(n, a.shape[1]) if tb else g.floats(a.shape[1], n)
    alpha, beta = (float(np.float32(v)) for v in g.rng.uniform(0.2, 1.5, 2))
    out = alpha * a @ (g.values[w].T if tb else g.values[w])
    inputs = [x, w]
    if g.chance(0.7):
        inputs.append(g.of(lambda: g.floats(n), lambda: g.floats(1, n),
                           lambda: g.floats(a.shape[0], n), lambda: g.floats())())
        out = out + beta * g.values[inputs[2]]
    return g.node("Gemm", inputs, out, transA=ta, transB=tb, alpha=alpha, beta=beta)


@maker
def einsum(g: Graph) -> str:
    need(g.opset >= 12)
    x = g.take(rank=g.of(2, 3))
    a = g.values[x]
    if a.ndim == 2:
        b = g.floats(a.shape[1], 3)
        equation = g.of("ij,jk->ik", "ij,jk->ki", "ij,jk->k")
    else:
        b = g.floats(a.shape[0], a.shape[2], 3)
        equation = g.of("bij,bjk->bik", "bij,bjk->ik", "bij,bjk->bki")
    return g.node("Einsum", [x, b], np.einsum(equation, a, g.values[b]), equation=equation)


# --- windows ----------------------------------------------------------------------------

def spatial(g: Graph, ranks=(3, 4, 5)) -> tuple[str, np.ndarray]:
    fitting = [name for name, v in g.values.items()
               if v.dtype.kind == "f" and v.ndim in ranks and v.size]
    if fitting and g.chance(0.85):
        name = fitting[-1]
    else:
        rank = g.of(*ranks)
        name = g.floats(g.draw(1, 2), g.draw(1, 6),
                        *(g.draw(3, 9 if rank < 5 else 5) for _ in range(rank - 2)))
    return name, g.values[name]


def windows(x, kernel, strides, dilations, pads, out, fill):
    """Yields the input's points under each point of the kernel, as arrays of the output's
    extents; x is padded so that all are there."""
    n = len(kernel)
    extents = [(out[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
               for i in range(n)]
    around = [(pads[i], max(pads[n + i], extents[i] - x.shape[2 + i] - pads[i]))
              for i in range(n)]
    padded = np.pad(x, [(0, 0), (0, 0), *around], constant_values=fill)
    for at in itertools.product(*(range(k) for k in kernel)):
        places = tuple(slice(at[i] * dilations[i],
                             at[i] * dilations[i] + (out[i] - 1) * strides[i] + 1,
                             strides[i]) for i in range(n))
        yield at, padded[(slice(None), slice(None), *places)]


def window_sizes(g: Graph, v: np.ndarray, most: int, dilated: bool):
    """kernel, strides, dilations, pads, auto_pad, extents of the output."""
    n = v.ndim - 2
    kernel = [g.draw(1, min(most, v.shape[2 + i] + 1)) for i in range(n)]
    strides = [g.draw(1, 3) for _ in range(n)]
    dilations = [g.draw(1, 2) if dilated else 1 for _ in range(n)]
    spans = [(kernel[i] - 1) * dilations[i] + 1 for i in range(n)]
    auto = g.of(None, None, "SAME_UPPER", "SAME_LOWER", "VALID")
    if auto and auto.startswith("SAME"):
        out = [-(-v.shape[2 + i] // strides[i]) for i in range(n)]
        total = [max(0, (out[i] - 1) * strides[i] + spans[i] - v.shape[2 + i])
                 for i in range(n)]
        low = [t // 2 if auto == "SAME_UPPER" else t - t // 2 for t in total]
        pads = low + [total[i] - low[i] for i in range(n)]
    else:
        pads = [0 if auto else g.draw(0, spans[i % n] - 1) for i in range(2 * n)]
        out = [(v.shape[2 + i] + pads[i] + pads[n + i] - spans[i]) // strides[i] + 1
               for i in range(n)]
    need(all(o > 0 for o in out))
    return kernel, strides, dilations, pads, auto, out


def put_conv(g: Graph, x: str, sizes=None, out_channels: int | None = None) -> str:
    v = g.values[x]
    kernel, strides, dilations, pads, auto, out = sizes or window_sizes(g, v, 3, True)
    channels = v.shape[1]
    group = g.of(1, 1, *(d for d in range(1, channels + 1) if channels % d == 0))
    if out_channels:
        group = 1
    m = out_channels or group * g.draw(1, 4)
    w = g.floats(m, channels // group, *kernel, low=-1, high=1)
    inputs = [x, w]
    weights = g.values[w].reshape(group, m // group, channels // group, *kernel)
    result = 0
    for at, part in windows(v, kernel, strides, dilations, pads, out, 0):
        part = part.reshape(v.shape[0], group, channels // group, *out)
        result = result + np.einsum("bgc...,gmc->bgm...", part,
                                    weights[(slice(None),) * 3 + at])
    result = result.reshape(v.shape[0], m, *out)
    if g.chance(0.7):
        inputs.append(g.floats(m))
        result = result + g.values[inputs[2]].reshape(-1, *[1] * len(kernel))
    return g.node("Conv", inputs, result, kernel_shape=kernel if g.chance() else None,
                  strides=strides, dilations=dilations, group=group,
                  pads=None if auto else pads, auto_pad=auto)


@maker
def conv(g: Graph) -> str:
    return put_conv(g, spatial(g)[0])


@maker
def conv_transpose(g: Graph) -> str:
    x, v = spatial(g)
    n, channels = v.ndim - 2, v.shape[1]
    group = g.of(1, *(d for d in range(1, channels + 1) if channels % d == 0))
    per, kernel = g.draw(1, 3), [g.draw(1, 3) for _ in range(n)]
    strides = [g.draw(1, 2) for _ in range(n)]
    pads = [g.draw(0, kernel[i % n] - 1) for i in range(2 * n)]
    extra = [g.draw(0, s - 1) for s in strides]
    w = g.floats(channels, per, *kernel, low=-1, high=1)
    full = [(v.shape[2 + i] - 1) * strides[i] + kernel[i] + extra[i] for i in range(n)]
    need(all(full[i] > pads[i] + pads[n + i] for i in range(n)))
    result = np.zeros((v.shape[0], group, per, *full))
    a = v.reshape(v.shape[0], group, channels // group, *v.shape[2:])
    weights = g.values[w].reshape(group, channels // group, per, *kernel)
    for at in itertools.product(*(range(k) for k in kernel)):
        places = tuple(slice(at[i], at[i] + (v.shape[2 + i] - 1) * strides[i] + 1,
                             strides[i]) for i in range(n))
        result[(slice(None),) * 3 + places] += np.einsum(
            "bgc...,gcm->bgm...", a, weights[(slice(None),) * 3 + at])
    result = result.reshape(v.shape[0], group * per, *full)
    result = result[(slice(None), slice(None), *(
        slice(pads[i], full[i] - pads[n + i]) for i in range(n)))]
    inputs = [x, w]
    if g.chance():
        inputs.append(g.floats(group * per))
        result = result + g.values[inputs[2]].reshape(-1, *[1] * n)
    y = g.node("ConvTranspose", inputs, result, strides=strides, pads=pads, group=group,
               output_padding=extra)
    return put_batch_norm(g, y) if g.chance(0.3) else y


def ceil_out(v, kernel, strides, dilations, pads):
    n = len(kernel)
    out = []
    for i in range(n):
        span = (kernel[i] - 1) * dilations[i] + 1
        o = -(-(v.shape[2 + i] + pads[i] + pads[n + i] - span) // strides[i]) + 1
        out.append(o - ((o - 1) * strides[i] >= v.shape[2 + i] + pads[i]))
    return out


@maker
def pool(g: Graph) -> str:
    x, v = spatial(g)
    op = g.of("MaxPool", "AveragePool", "LpPool")
    dilated = op == "MaxPool" or (op == "AveragePool" and g.opset >= 19)
    kernel, strides, dilations, pads, auto, out = window_sizes(g, v, 4, dilated)
    attributes = {"kernel_shape": kernel, "strides": strides, "auto_pad": auto,
                  "pads": None if auto else pads}
    if dilated:
        attributes["dilations"] = dilations
    if op != "LpPool" and not auto and g.chance(0.3):
        attributes["ceil_mode"] = 1
        out = ceil_out(v, kernel, strides, dilations, pads)
        need(all(o > 0 for o in out))
    args = kernel, strides, dilations, pads, out
    if op == "MaxPool":
        result = np.max([part for _, part in windows(v, *args, -np.inf)], axis=0)
        need(np.isfinite(result).all())
    elif op == "LpPool":
        result = np.sqrt(sum(part ** 2 for _, part in windows(v, *args, 0)))
    else:
        include = g.draw(0, 1)
        attributes["count_include_pad"] = include
        n = len(kernel)
        ones = np.ones_like(v)
        if include:
            around = [(0, 0), (0, 0), *((pads[i], pads[n + i]) for i in range(n))]
            ones, zero = np.ones_like(np.pad(v, around)), [0] * (2 * n)
            counts = sum(part for _, part in windows(ones, kernel, strides, dilations, zero,
                                                     out, 0))
        else:
            counts = sum(part for _, part in windows(ones, *args, 0))
        need(counts.min() > 0)
        result = sum(part for _, part in windows(v, *args, 0)) / counts
    return g.node(op, [x], result, **attributes)


@maker
def global_pool(g: Graph) -> str:
    x, v = spatial(g)
    op = g.of("GlobalAveragePool", "GlobalMaxPool")
    fold = np.mean if op == "GlobalAveragePool" else np.max
    return g.node(op, [x], fold(v, axis=tuple(range(2, v.ndim)), keepdims=True))


# --- normalizations ---------------------------------------------------------------------

def put_batch_norm(g: Graph, x: str) -> str:
    v = g.values[x]
    need(v.ndim >= 2)
    c = v.shape[1]
    parts = [g.floats(c, constant=True), g.floats(c, constant=True),
             g.floats(c, constant=True), g.floats(c, low=0.5, high=2, constant=True)]
    s, t, m, var = (g.values[p].reshape(-1, *[1] * (v.ndim - 2)) for p in parts)
    return g.node("BatchNormalization", [x, *parts],
                  (v - m) / np.sqrt(var + 1e-5) * s + t)


@maker
def batch_norm(g: Graph) -> str:
    return put_batch_norm(g, g.take(least=2))


def normalized(v, axes, epsilon):
    mean, variance = v.mean(axis=axes, keepdims=True), v.var(axis=axes, keepdims=True)
    need(variance.min() > 1e-2)
    return (v - mean) / np.sqrt(variance + epsilon)


@maker
def instance_norm(g: Graph) -> str:
    x, v = spatial(g)
    s, t = g.floats(v.shape[1]), g.floats(v.shape[1])
    shape = (-1, *[1] * (v.ndim - 2))
    return g.node("InstanceNormalization", [x, s, t], normalized(
        v, tuple(range(2, v.ndim)), 1e-5) * g.values[s].reshape(shape)
        + g.values[t].reshape(shape))


@maker
def layer_norm(g: Graph) -> str:
    need(g.opset >= 17)
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    shape = v.shape[axis % v.ndim:]
    s, t = g.floats(*shape), g.floats(*shape)
    return g.node("LayerNormalization", [x, s, t], normalized(
        v, tuple(range(axis % v.ndim, v.ndim)), 1e-5) * g.values[s] + g.values[t],
        axis=axis)


@maker
def group_norm(g: Graph) -> str:
    need(g.opset >= 18)
    x, v = spatial(g)
    groups = g.of(*(d for d in range(1, v.shape[1] + 1) if v.shape[1] % d == 0))
    n = groups if g.opset < 21 else v.shape[1]
    s, t = g.floats(n), g.floats(n)
    scale, shift = g.values[s], g.values[t]
    if g.opset < 21:
        scale, shift = (np.repeat(p, v.shape[1] // groups) for p in (scale, shift))
    shape = (-1, *[1] * (v.ndim - 2))
    y = normalized(v.reshape(v.shape[0], groups, -1), (2,), 1e-5).reshape(v.shape)
    return g.node("GroupNormalization", [x, s, t],
                  y * scale.reshape(shape) + shift.reshape(shape), num_groups=groups)


@maker
def softmax(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis, op = g.axis(v), g.of("Softmax", "LogSoftmax")
    flat = v
    if g.opset < 13:
        flat = v.reshape(int(np.prod(v.shape[:axis % v.ndim])), -1)
    over = -1 if g.opset < 13 else axis
    y = flat - flat.max(axis=over, keepdims=True)
    y = y - np.log(np.exp(y).sum(axis=over, keepdims=True))
    y = y.reshape(v.shape)
    return g.node(op, [x], np.exp(y) if op == "Softmax" else y, axis=axis)


@maker
def lrn(g: Graph) -> str:
    x, v = spatial(g)
    size = g.draw(1, 5)
    squares = np.stack([(v[:, max(0, c - (size - 1) // 2):
                           c + size - 1 - (size - 1) // 2 + 1] ** 2).sum(axis=1)
                        for c in range(v.shape[1])], axis=1)
    a, b, k = (float(np.float32(n)) for n in (g.rng.uniform(1e-3, 1), 0.75, 1))
    return g.node("LRN", [x], v / (k + a / size * squares) ** b, size=size, alpha=a, beta=b,
                  bias=k)


# --- reductions -------------------------------------------------------------------------

@maker
def reduce(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    op = g.of("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp")
    axes, keep = g.split_axes(v), g.chance()
    # A long product may leave the range of float32 on its way.
    need(op != "Prod" or np.prod([v.shape[a] for a in axes]) <= 8)
    o = {"axis": axes, "keepdims": keep}
    result = {
        "Sum": lambda: v.sum(**o), "Mean": lambda: v.mean(**o), "Max": lambda: v.max(**o),
        "Min": lambda: v.min(**o), "Prod": lambda: v.prod(**o),
        "L1": lambda: np.abs(v).sum(**o), "L2": lambda: np.sqrt((v ** 2).sum(**o)),
        "SumSquare": lambda: (v ** 2).sum(**o),
        "LogSumExp": lambda: np.log(np.exp(np.minimum(v, 600)).sum(**o))}[op]()
    inputs, attributes = g.axes_of(op, x, axes, 13 if op == "Sum" else 18)
    return g.node("Reduce" + op, inputs, np.asarray(result), keepdims=int(keep),
                  **attributes)


@maker
def cumsum(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis, exclusive, reverse = g.axis(v), g.draw(0, 1), g.draw(0, 1)
    y = np.flip(v, axis) if reverse else v
    y = np.cumsum(y, axis) - (y if exclusive else 0)
    return g.node("CumSum", [x, g.leaf(np.array(axis, np.int64), True)],
                  np.flip(y, axis) if reverse else y, exclusive=exclusive, reverse=reverse)


@maker
def largest(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    k, most = g.draw(1, v.shape[axis]), g.draw(0, 1)
    order = np.sort(v, axis)
    order = np.flip(order, axis) if most else order
    top = np.take(order, range(k), axis)
    names = [g.name(), g.name()]
    need(top.size)
    g.builder.node("TopK", [x, g.ints(k)], names, axis=axis, largest=most)
    g.used.add(x)
    g.values[names[0]] = top
    g.log.append(f"{names[0]} = TopK({x}, {k}, axis {axis}, largest {most}) {top.shape}")
    return names[0]


# --- movements --------------------------------------------------------------------------

@maker
def transpose(g: Graph) -> str:
    x = g.take(least=1)
    perm = [int(i) for i in g.rng.permutation(g.values[x].ndim)]
    y = g.node("Transpose", [x], g.values[x].transpose(perm), perm=perm)
    if g.chance(0.3):
        perm = [int(i) for i in g.rng.permutation(len(perm))]
        y = g.node("Transpose", [y], g.values[y].transpose(perm), perm=perm)
    return y


@maker
def reshape(g: Graph) -> str:
    x = g.take()
    v = g.values[x]
    dims, left = [], v.size
    while left > 1 and len(dims) < 4:
        divisors = [d for d in range(1, left + 1) if left % d == 0]
        dims.append(g.of(*divisors))
        left //= dims[-1]
    dims.append(left)
    shape = list(dims)
    if g.chance():
        shape[g.draw(0, len(shape) - 1)] = -1
    return g.node("Reshape", [x, g.ints(*shape)], v.reshape(dims))


@maker
def flatten(g: Graph) -> str:
    x = g.take()
    v = g.values[x]
    axis = g.draw(-v.ndim, v.ndim)
    at = axis % v.ndim if axis < 0 else axis
    return g.node("Flatten", [x], v.reshape(int(np.prod(v.shape[:at])), -1), axis=axis)


@maker
def unsqueeze(g: Graph) -> str:
    x = g.take()
    v = g.values[x]
    rank = v.ndim + g.draw(1, 2)
    need(rank <= 6)
    axes = sorted(int(a) for a in g.rng.choice(rank, rank - v.ndim, replace=False))
    y = v
    for a in axes:
        y = np.expand_dims(y, a)
    inputs, attributes = g.axes_of("Unsqueeze", x, axes, 13)
    return g.node("Unsqueeze", inputs, y, **attributes)


@maker
def squeeze(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axes = [a for a in range(v.ndim) if v.shape[a] == 1 and g.chance(0.8)]
    need(axes)
    inputs, attributes = g.axes_of("Squeeze", x, axes, 13)
    return g.node("Squeeze", inputs, v.squeeze(tuple(axes)), **attributes)


@maker
def concat(g: Graph) -> str:
    x = g.take(least=1)
    shape, axis = g.values[x].shape, g.axis(g.values[x])
    parts = [x]
    for _ in range(g.draw(0, 2)):
        other = list(shape)
        other[axis] = g.draw(1, 4)
        parts.append(g.floats(*other))
    parts = [parts[i] for i in g.rng.permutation(len(parts))]
    return g.node("Concat", parts, np.concatenate([g.values[p] for p in parts], axis),
                  axis=axis)


@maker
def split(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    n = v.shape[axis]
    need(n >= 2)
    cut = g.draw(1, n - 1)
    parts = np.split(v, [cut], axis)
    if g.opset >= 13:
        return g.node("Split", [x, g.ints(cut, n - cut)], *parts, axis=axis)
    return g.node("Split", [x], *parts, axis=axis, split=[cut, n - cut])


@maker
def cut(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    n = v.shape[axis]
    start, end = g.draw(-n, n), g.draw(-n - 1, n + 2)
    step = g.of(1, 1, 2, -1, -2)
    places = range(n)[slice(start, None if step < 0 and end < -n else end, step)]
    need(len(places))
    y = np.take(v, list(places), axis)
    return g.node("Slice", [x, g.ints(start), g.ints(end), g.ints(axis), g.ints(step)], y)


@maker
def gather(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    n = v.shape[axis]
    if g.chance():
        shape = [g.draw(1, 3) for _ in range(g.draw(0, 2))]
        where = g.rng.integers(-n, n, shape)
        return g.node("Gather", [x, g.leaf(np.asarray(where, np.int64))],
                      np.take(v, where, axis, mode="wrap"), axis=axis)
    shape = list(v.shape)
    shape[axis] = g.draw(1, 4)
    where = g.rng.integers(-n, n, shape)
    return g.node("GatherElements", [x, g.leaf(where.astype(np.int64))],
                  np.take_along_axis(v, where % n, axis), axis=axis)


@maker
def scatter(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    axis = g.axis(v)
    n, shape = v.shape[axis], list(v.shape)
    shape[axis] = g.draw(1, v.shape[axis])
    where = np.argsort(g.rng.random([*v.shape]), axis=axis)  # no place twice
    where = np.take(where, range(shape[axis]), axis).astype(np.int64)
    updates = g.floats(*shape)
    y = v.copy()
    np.put_along_axis(y, where, g.values[updates], axis)
    return g.node("ScatterElements", [x, g.leaf(where - n * (where % 2)), updates], y,
                  axis=axis)


@maker
def pad(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    mode = g.of("constant", "constant", "edge", "reflect")
    most = [2 if mode != "reflect" else min(2, n - 1) for n in v.shape]
    around = [(g.draw(0, m), g.draw(0, m)) for m in most]
    if g.chance():
        around[:2] = [(0, 0)] * len(around[:2])
    amounts = [a for a, _ in around] + [b for _, b in around]
    inputs = [x, g.ints(*amounts)]
    if mode == "constant" and g.chance():
        inputs.append(g.floats())
        y = np.pad(v, around, constant_values=g.values[inputs[2]])
    else:
        y = np.pad(v, around, mode=mode)
    z = g.node("Pad", inputs, y, mode=mode)
    return put_conv(g, z) if y.ndim in (3, 4) and min(y.shape[2:]) > 2 and g.chance() else z


@maker
def spread(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    if g.chance():
        times = [g.draw(1, 3) for _ in v.shape]
        return g.node("Tile", [x, g.ints(*times)], np.tile(v, times))
    shape = [g.draw(2, 3) if n == 1 else n for n in v.shape]
    if g.chance():
        shape = [g.draw(1, 3), *shape]
    return g.node("Expand", [x, g.ints(*shape)], np.broadcast_to(v, shape).copy())


@maker
def blocks(g: Graph) -> str:
    x, v = spatial(g, (4,))
    n, c, h, w = v.shape
    if c % 4 == 0 and g.chance():
        mode = g.of("DCR", "CRD")
        if mode == "DCR":
            y = v.reshape(n, 2, 2, c // 4, h, w).transpose(0, 3, 4, 1, 5, 2)
        else:
            y = v.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3)
        return g.node("DepthToSpace", [x], y.reshape(n, c // 4, 2 * h, 2 * w), blocksize=2,
                      mode=mode)
    need(h % 2 == 0 and w % 2 == 0)
    y = v.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 3, 5, 1, 2, 4)
    return g.node("SpaceToDepth", [x], y.reshape(n, 4 * c, h // 2, w // 2), blocksize=2)


@maker
def triangle(g: Graph) -> str:
    need(g.opset >= 14)
    x = g.take(least=2)
    upper, k = g.draw(0, 1), g.draw(-2, 2)
    y = (np.triu if upper else np.tril)(g.values[x], k)
    return g.node("Trilu", [x, g.leaf(np.array(k, np.int64), True)], y, upper=upper)


@maker
def centre(g: Graph) -> str:
    need(g.opset >= 18)
    x = g.take(least=1)
    y = g.values[x]
    axes = [a % y.ndim for a in g.split_axes(y)]
    sizes = [g.draw(1, y.shape[a] + 3) for a in axes]
    for a, n in zip(axes, sizes):
        gap = abs(n - y.shape[a])
        if n < y.shape[a]:
            y = np.take(y, range(gap // 2, gap // 2 + n), a)
        else:
            y = np.pad(y, [(gap // 2, gap - gap // 2) if i == a else (0, 0)
                           for i in range(y.ndim)])
    return g.node("CenterCropPad", [x, g.ints(*sizes)], y, axes=axes)


@maker
def patches(g: Graph) -> str:
    """The columns of a random picture, added up again."""
    need(g.opset >= 18)
    image = [g.draw(2, 6), g.draw(2, 6)]
    blank = np.zeros((g.draw(1, 2), g.draw(1, 3), *image))
    kernel, strides, dilations, pads, auto, out = window_sizes(g, blank, 3, True)
    need(not auto)
    n, channels = blank.shape[:2]
    x = g.floats(n, channels * kernel[0] * kernel[1], out[0] * out[1])
    columns = g.values[x].reshape(n, channels, *kernel, *out)
    y = np.zeros((n, channels, image[0] + pads[0] + pads[2], image[1] + pads[1] + pads[3]))
    for i, j in itertools.product(range(kernel[0]), range(kernel[1])):
        top, left = i * dilations[0], j * dilations[1]
        y[:, :, top:top + (out[0] - 1) * strides[0] + 1:strides[0],
          left:left + (out[1] - 1) * strides[1] + 1:strides[1]] += columns[:, :, i, j]
    return g.node("Col2Im", [x, g.ints(*image), g.ints(*kernel)],
                  y[:, :, pads[0]:pads[0] + image[0], pads[1]:pads[1] + image[1]],
                  strides=strides, dilations=dilations, pads=pads)


@maker
def resize(g: Graph) -> str:
    x, v = spatial(g, (4,))
    h, w = g.draw(1, 9), g.draw(1, 9)
    need(v.size // (v.shape[2] * v.shape[3]) * h * w <= MAX_ELEMENTS)
    y = v
    for axis, n in ((2, h), (3, w)):
        at = (np.arange(n) + 0.5) * v.shape[axis] / n - 0.5
        at = np.clip(at, 0, v.shape[axis] - 1)
        low = np.floor(at + 1e-9).astype(int)
        high = np.minimum(low + 1, v.shape[axis] - 1)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        y = np.take(y, low, axis) * (1 - part) + np.take(y, high, axis) * part
    return g.node("Resize", [x, None, None, g.ints(*v.shape[:2], h, w)], y, mode="linear",
                  coordinate_transformation_mode="half_pixel")


# --- patterns that rewrites look for ----------------------------------------------------

def put_activation(g: Graph, x: str) -> str:
    v = g.values[x]
    kind = g.of("Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "SiLU", "none")
    if kind == "none":
        return x
    if kind == "LeakyRelu":
        return g.node(kind, [x], np.where(v >= 0, v, 0.25 * v), alpha=0.25)
    if kind == "Clip":
        return g.node(kind, [x, g.leaf(np.array(0.0), True), g.leaf(np.array(6.0), True)],
                      np.clip(v, 0, 6))
    if kind == "SiLU":
        s = g.node("Sigmoid", [x], sigmoid(v))
        return g.node("Mul", g.of([x, s], [s, x]), v * sigmoid(v))
    return g.node(kind, [x], UNARY[kind](v))


@maker
def block(g: Graph) -> str:
    """Conv or Gemm with what follows in a residual network, in any order."""
    x = spatial(g)[0] if g.chance(0.7) else g.take(rank=2)
    if g.values[x].ndim == 2:
        w = g.floats(g.values[x].shape[1], g.draw(1, 6), constant=True)
        y = g.node("Gemm", [x, w], g.values[x] @ g.values[w])
    else:
        y = put_conv(g, x)
    for step in g.rng.permutation(3):
        if step == 0 and g.chance(0.7):
            y = put_batch_norm(g, y)
        elif step == 1 and g.chance(0.7):
            y = put_activation(g, y)
        elif g.chance():
            z = g.floats(*g.values[y].shape, constant=False)
            y = g.node("Add", g.of([y, z], [z, y]), g.values[y] + g.values[z])
    return y


@maker
def linear(g: Graph) -> str:
    """MatMul and Add as exporters write a linear layer."""
    x = g.take(least=2)
    v = g.values[x]
    w, b = g.floats(v.shape[-1], n := g.draw(1, 6), constant=True), g.floats(n, constant=True)
    y = g.node("MatMul", [x, w], v @ g.values[w])
    return put_activation(g, g.node("Add", g.of([y, b], [b, y]),
                                    g.values[y] + g.values[b]))


@maker
def gelu(g: Graph) -> str:
    x = g.take()
    v = g.values[x]
    d = g.node("Div", [x, g.leaf(np.array(math.sqrt(2)), True)],
               v / float(np.float32(math.sqrt(2))))
    e = g.node("Erf", [d], erf(g.values[d]))
    s = g.node("Add", [e, g.leaf(np.array(1.0), True)], g.values[e] + 1)
    m = g.node("Mul", [x, s], v * g.values[s])
    return g.node("Mul", [m, g.leaf(np.array(0.5), True)], g.values[m] * 0.5)


@maker
def norm_of_parts(g: Graph) -> str:
    x = g.take(least=1)
    v = g.values[x]
    need(v.shape[-1] > 1)
    at = {"axes": [-1]} if g.opset < 18 else {}
    by = [] if g.opset < 18 else [g.ints(-1)]
    m = g.node("ReduceMean", [x, *by], v.mean(-1, keepdims=True), keepdims=1, **at)
    d = g.node("Sub", [x, m], v - g.values[m])
    q = g.node("Pow", [d, g.leaf(np.array(2.0), True)], g.values[d] ** 2)
    r = g.node("ReduceMean", [q, *by], g.values[q].mean(-1, keepdims=True), keepdims=1, **at)
    need(g.values[r].min() > 1e-2)
    e = g.node("Add", [r, g.leaf(np.array(1e-5), True)], g.values[r] + 1e-5)
    s = g.node("Sqrt", [e], np.sqrt(g.values[e]))
    y = g.node("Div", [d, s], g.values[d] / g.values[s])
    w, b = g.floats(v.shape[-1], constant=True), g.floats(v.shape[-1], constant=True)
    y = g.node("Mul", [y, w], g.values[y] * g.values[w])
    return g.node("Add", [y, b], g.values[y] + g.values[b])


@maker
def spatial_gate(g: Graph) -> str:
    x, v = spatial(g, (4,))
    at = {"axes": [1]} if g.opset < 18 else {}
    by = [] if g.opset < 18 else [g.ints(1)]
    parts = [g.node("ReduceMean", [x, *by], v.mean(1, keepdims=True), keepdims=1, **at),
             g.node("ReduceMax", [x, *by], v.max(1, keepdims=True), keepdims=1, **at)]
    parts = parts if g.chance() else parts[::-1]
    c = g.node("Concat", parts, np.concatenate([g.values[p] for p in parts], 1), axis=1)
    k = g.of(1, 3)
    y = put_conv(g, c, ([k, k], [1, 1], [1, 1], [k // 2] * 4, None, list(v.shape[2:])), 1)
    s = g.node("Sigmoid", [y], sigmoid(g.values[y]))
    return g.node("Mul", g.of([x, s], [s, x]), v * g.values[s])


@maker
def channel_gate(g: Graph) -> str:
    x, v = spatial(g, (4,))
    a = g.node("GlobalAveragePool", [x], v.mean((2, 3), keepdims=True))
    m = put_conv(g, a, ([1, 1], [1, 1], [1, 1], [0] * 4, None, [1, 1]), g.draw(1, 3))
    m = g.node("Relu", [m], np.maximum(g.values[m], 0))
    m = put_conv(g, m, ([1, 1], [1, 1], [1, 1], [0] * 4, None, [1, 1]), v.shape[1])
    s = g.node("Sigmoid", [m], sigmoid(g.values[m]))
    return g.node("Mul", g.of([x, s], [s, x]), v * g.values[s])


@maker
def twice(g: Graph) -> str:
    """The same node two times, for what finds common subexpressions."""
    x = g.take(least=1)
    op = g.of("Relu", "Sigmoid", "Tanh")
    a, b = (g.node(op, [x], UNARY[op](g.values[x])) for _ in range(2))
    if g.chance():
        a = put_activation(g, a)
    return g.node("Add", [a, b], g.values[a] + g.values[b])


@maker
def by_shape(g: Graph) -> str:
    """Shape arithmetic, as exporters write x.view(x.size(0), -1)."""
    x = g.take(least=2)
    v = g.values[x]
    shape = g.node("Shape", [x], np.array(v.shape, np.int64))
    first = g.node("Gather", [shape, g.leaf(np.array(0, np.int64), True)],
                   np.array(v.shape[0], np.int64), axis=0)
    inputs, attributes = g.axes_of("Unsqueeze", first, [0], 13)
    row = g.node("Unsqueeze", inputs, np.array([v.shape[0]], np.int64), **attributes)
    both = g.node("Concat", [row, g.ints(-1)], np.array([v.shape[0], -1], np.int64), axis=0)
    return g.node("Reshape", [x, both], v.reshape(v.shape[0], -1))


# --- recurrent --------------------------------------------------------------------------

@maker
def gru(g: Graph) -> str:
    x = g.take(rank=3)
    v = g.values[x]
    n, hidden, after = v.shape[2], g.draw(1, 5), g.draw(0, 1)
    w, r = g.floats(1, 3 * hidden, n, low=-1, high=1), g.floats(
        1, 3 * hidden, hidden, low=-1, high=1)
    b = g.floats(1, 6 * hidden, low=-1, high=1)
    wz, wr, wh = np.split(g.values[w][0], 3)
    rz, rr, rh = np.split(g.values[r][0], 3)
    bz, br, bh, cz, cr, ch = np.split(g.values[b][0], 6)
    h, steps = np.zeros((v.shape[1], hidden)), []
    for t in v:
        z = sigmoid(t @ wz.T + h @ rz.T + bz + cz)
        s = sigmoid(t @ wr.T + h @ rr.T + br + cr)
        c = np.tanh(t @ wh.T + bh + (s * (h @ rh.T + ch) if after else (s * h) @ rh.T + ch))
        h = (1 - z) * c + z * h
        steps.append(h)
    return g.node("GRU", [x, w, r, b], np.stack(steps)[:, None], h[None],
                  hidden_size=hidden, linear_before_reset=after)


# --- all --------------------------------------------------------------------------------

def make(seed: int, index: int) -> Graph:
    g = Graph(seed, index)
    names = list(MAKERS)
    wanted, made, tries = g.draw(1, MAX_NODES), 0, 0
    while made < wanted and tries < 60:
        tries += 1
        before = dict(g.values)
        try:
            MAKERS[g.of(*names)](g)
            made += 1
        except Unfit:
            g.log.append(f"(unfit, {len(g.values) - len(before)} values left)")
    return g


def differs(want: np.ndarray, got: np.ndarray) -> str:
    if want.shape != got.shape:
        return f"shape {got.shape}, not {want.shape}"
    if want.dtype.kind != "f":
        return "" if (want == got).all() else f"{got}, not {want}"
    if not want.size:
        return ""
    scale = max(1.0, float(np.abs(want).max()))
    wrong = np.abs(want - got) - (RELATIVE * np.abs(want) + ABSOLUTE * scale)
    if not (wrong <= 0).all():
        at = np.unravel_index(np.argmax(np.where(np.isnan(wrong), np.inf, wrong)),
                              wrong.shape)
        return f"{got[at]} at {at}, not {want[at]}"
    return ""


def check(g: Graph) -> str:
    """What is wrong, "" when nothing is."""
    made = [name for name in g.values if name not in g.leaves]
    ends = [name for name in made if name not in g.used]
    inner = [name for name in made if name in g.used and g.chance(0.1)]
    if not ends:
        return ""
    outputs = [name for name in made if name in ends or name in inner]
    for name in outputs:
        g.builder.output(name)
    built = g.builder.finish()
    data = built.encode()
    rewrites = int(g.of(microexpr.Rewrite.ALL, microexpr.Rewrite.ALL, 0, g.draw(0, 1023)))
    for model in (built, microexpr.Model.decode(data, rewrites=rewrites)):
        with model.session() as session:
            for _ in range(2):
                got = session.run(g.inputs)
        for name in outputs:
            wrong = differs(g.values[name], got[name])
            if wrong:
                return f"{name}: {wrong} (rewrites {rewrites:#x})"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first graph")
    parser.add_argument("--graphs", type=int, default=0, help="0: until time is up")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("-v", action="store_true", help="print every graph")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds if options.seconds else math.inf
    if not options.graphs and not options.seconds:
        options.graphs = 200
    failed = n = n_nodes = 0
    np.seterr(all="ignore")
    while (not options.graphs or n < options.graphs) and time.monotonic() < end:
        g = make(options.seed, options.first + n)
        try:
            wrong = check(g)
        except microexpr.Error as error:
            wrong = f"refused: {error}"
        n_nodes += sum("(" in line and "=" in line for line in g.log)
        if wrong or options.v:
            print(f"graph {options.first + n} of seed {options.seed}, opset {g.opset}:")
            print("  " + "\n  ".join(g.log))
            print(f"  -> {wrong or 'right'}", flush=True)
        failed += bool(wrong)
        n += 1
    print(f"{n} graphs, {n_nodes} nodes, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
