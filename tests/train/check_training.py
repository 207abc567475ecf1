# SPDX-License-Identifier: MIT
"""Trains systems for some steps of Adam here and in PyTorch, from the same weights on
the same batch, and compares losses, the first gradients and the final weights. Skipped
(77) without PyTorch.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python:tests/system \\
        check_training.py TRACE_TRAINING [NAME...]
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError:
    print("PyTorch is not installed: skipped")
    sys.exit(77)

import check_systems
import microexpr

STEPS, BATCH, LIMIT = 5, 12, 1e-4
NAMES = ("ststnet", "off-tanet", "featref", "flow-attention", "triplet")


class Gate(nn.Module):
    """One branch of triplet attention (Misra et al., WACV 2021)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1)

    def forward(self, x):
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.bn(self.conv(pooled)))


class Stage(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, padding=1)
        self.bn = nn.BatchNorm2d(o)
        self.gates = nn.ModuleList(Gate() for _ in range(3))

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        rows = self.gates[0](x.permute(0, 2, 1, 3)).permute(0, 2, 1, 3)
        columns = self.gates[1](x.permute(0, 3, 2, 1)).permute(0, 3, 2, 1)
        return (rows + columns + self.gates[2](x)) * (1 / 3)


class Triplet(nn.Module):
    """Off-TANet in small: 28×28 pixels, four stages with attention."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(
            Stage(i, o) for i, o in ((3, 16), (16, 32), (32, 64), (64, 64)))
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i < 2:
                x = F.max_pool2d(x, 2)
        return self.fc(x.mean((2, 3)))


def load_triplet(seed):
    torch.manual_seed(seed)
    net, file = Triplet().eval(), io.BytesIO()
    for value in net.state_dict().values():  # equal ones would share one initializer
        if value.is_floating_point() and value.ndim == 1:
            value.add_(torch.rand_like(value) * 0.1)
    traced = {"dynamo": False} if torch.__version__ >= "2" else {}
    torch.onnx.export(net, torch.zeros(1, 3, 28, 28), file, input_names=["x"],
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      dynamic_axes={"x": {0: "n"}}, opset_version=13, **traced)
    return file.getvalue(), None, net.train()


def load(name, seed):
    """(bytes of the model, its weights by name, the same network in PyTorch)."""
    if name == "triplet":
        return load_triplet(seed)
    data = bytearray(microexpr.build_system(name, seed=seed).encode())
    weights = check_systems.initializers(data)
    check_systems.shake(weights, np.random.default_rng(1))
    net = check_systems.NETWORKS[name]()
    state = {key: torch.from_numpy(value.copy()) for key, value in weights.items()}
    net.load_state_dict(state, strict=False)
    return bytes(data), weights, net.train()


def run_here(program, folder, data, inputs, steps=STEPS):
    """(losses, milliseconds, {part: count}, floats) of trace_training."""
    with open(f"{folder}/model.onnx", "wb") as file:
        file.write(data)
    with open(f"{folder}/data", "wb") as file:
        file.write(np.int32(len(inputs[0])).tobytes())
        for array in inputs:
            file.write(array.tobytes())
    text = subprocess.run(
        [program, f"{folder}/model.onnx", f"{folder}/data", str(steps), f"{folder}/out"],
        check=True, capture_output=True, text=True).stdout
    parts, lines = (block.splitlines() for block in text.split("\n\n"))
    rows = np.array([[float(x) for x in line.split()] for line in lines])
    parts = {line.split()[0]: int(line.split()[1]) for line in parts}
    return rows[:, 0], rows[:, 1:], parts, np.fromfile(f"{folder}/out", np.float32)


def run_there(net, inputs, steps=STEPS):
    """(losses, gradients of the first step by name)."""
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    inputs = [torch.from_numpy(array) for array in inputs]
    losses, first = [], {}
    for step in range(steps):
        scores = net(*inputs)
        scores = scores[0] if isinstance(scores, tuple) else scores
        loss = F.cross_entropy(scores, torch.arange(len(scores)) % scores.shape[1])
        adam.zero_grad()
        loss.backward()
        if not step:
            first = {key: p.grad.clone().numpy().ravel()
                     for key, p in net.named_parameters() if p.grad is not None}
        adam.step()
        losses.append(loss.item())
    return np.array(losses), first


def compare(program, name):
    data, _, net = load(name, 3)
    rng = np.random.default_rng(5)
    inputs = [rng.normal(0, 1, (BATCH, *info.shape[1:])).astype(np.float32)
              for info in microexpr.Model.decode(data).inputs]
    with tempfile.TemporaryDirectory() as folder:
        here, _, parts, floats = run_here(program, folder, data, inputs)
    there, first = run_there(net, inputs)
    at, worst, where = 0, 0.0, ""
    most = max(np.abs(g).max() for g in first.values())
    for key, count in parts.items():
        part = floats[at:at + count]
        at += count
        if key not in first:
            first[key] = np.zeros(count, np.float32)
        scale = max(np.abs(first[key]).max(), 1e-2 * most)  # a bias before bn has none
        error = np.abs(part - first[key]).max() / scale
        if error > worst:
            worst, where = error, key
    for key in set(first) - set(parts):
        if first[key].any():
            sys.exit(f"{name}: {key} is not trained")
    state, size = net.state_dict(), at
    end = max(np.abs(floats[size + a:size + a + n] - state[key].numpy().ravel()).max()
              for key, a, n in offsets(parts))
    return np.abs(here - there).max(), worst, where, end


def offsets(parts):
    at = 0
    for key, count in parts.items():
        yield key, at, count
        at += count


def main():
    program, *names = sys.argv[1:]
    torch.set_num_threads(1)
    failed = 0
    for name in names or NAMES:
        loss, gradient, where, weights = compare(program, name)
        print(f"{name:20} over {STEPS} steps of Adam: losses {loss:.1e}; relative "
              f"gradient {gradient:.1e} ({where}); weights {weights:.1e}", flush=True)
        failed += not (loss < LIMIT and gradient < 1e-2)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
