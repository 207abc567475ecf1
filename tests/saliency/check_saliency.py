# SPDX-License-Identifier: MIT
"""Maps against PyTorch: Grad-CAM by its automatic gradients, Ablation-CAM and occlusion by
loops. Skipped (77) without PyTorch.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python check_saliency.py
"""

from __future__ import annotations

import sys

try:
    import numpy as np
    import torch
    from torch.nn import functional
except ImportError:
    print("PyTorch is not installed: skipped")
    sys.exit(77)

import microexpr

SIDE, CHANNELS, CLASSES = 28, 12, 5


class Net(torch.nn.Module):
    """Two convolutions; then global pooling and a linear layer, or two dense layers."""

    def __init__(self, pooled: bool) -> None:
        super().__init__()
        self.pooled = pooled
        self.one = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.two = torch.nn.Conv2d(8, CHANNELS, 3, padding=1)
        self.fc = torch.nn.Linear(CHANNELS if pooled else CHANNELS * 49, 20)
        self.last = torch.nn.Linear(20, CLASSES)

    def front(self, x):
        return torch.relu(self.two(torch.max_pool2d(torch.relu(self.one(x)), 2)))

    def back(self, a):
        if self.pooled:
            return self.last(self.fc(a.mean((2, 3))))
        return self.last(torch.tanh(self.fc(torch.max_pool2d(a, 2).flatten(1))))

    def forward(self, x):
        return self.back(self.front(x))

    def export(self) -> microexpr.Model:
        b = microexpr.Builder("net")
        b.input("x", (None, 3, SIDE, SIDE))
        for name, tensor in self.state_dict().items():
            b.initializer(name, tensor.numpy())
        conv = {"pads": [1, 1, 1, 1]}
        pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
        b.node("Conv", ["x", "one.weight", "one.bias"], ["c1"], **conv)
        b.node("Relu", ["c1"], ["r1"])
        b.node("MaxPool", ["r1"], ["p1"], **pool)
        b.node("Conv", ["p1", "two.weight", "two.bias"], ["c2"], **conv)
        b.node("Relu", ["c2"], ["features"])
        if self.pooled:
            b.node("GlobalAveragePool", ["features"], ["p2"])
        else:
            b.node("MaxPool", ["features"], ["p2"], **pool)
        b.node("Flatten", ["p2"], ["flat"])
        b.node("Gemm", ["flat", "fc.weight", "fc.bias"], ["h"], transB=1)
        if not self.pooled:
            b.node("Tanh", ["h"], ["t"])
        b.node("Gemm", ["h" if self.pooled else "t", "last.weight", "last.bias"], ["y"],
               transB=1)
        b.output("y")
        return b.finish()


def enlarged(heat):
    return functional.interpolate(torch.relu(heat), (SIDE, SIDE), mode="bilinear",
                                  align_corners=False)[0, 0].detach().numpy()


def grad_cam(net, x, k):
    a = net.front(x).detach().requires_grad_()
    (g,) = torch.autograd.grad(net.back(a)[0, k], a)
    return enlarged((g.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True))


def ablation_cam(net, x, k):
    a = net.front(x).detach()
    y, heat = net.back(a)[0, k], 0
    for c in range(CHANNELS):
        without = a.clone()
        without[:, c] = 0
        heat = heat + (y - net.back(without)[0, k]) * a[:, c:c + 1]
    return enlarged(heat)


def occlusion(net, x, k, patch, stride):
    def score(x):
        return torch.softmax(net(x).double(), 1)[0, k].item()

    places = sorted({*range(0, SIDE - patch, stride), SIDE - patch})
    heat, count = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for top in places:
        for left in places:
            there = np.s_[top:top + patch, left:left + patch]
            covered = x.clone()
            covered[(slice(None), slice(None), *there)] = x.mean((2, 3), keepdim=True)
            heat[there] += max(0, score(x) - score(covered))
            count[there] += 1
    return heat / count


def main() -> int:
    torch.manual_seed(0)
    worst: dict[str, float] = {}
    for pooled in (True, False):
        net = Net(pooled).eval()
        model, x = net.export(), torch.randn(1, 3, SIDE, SIDE)
        with torch.no_grad():
            wanted = {("ablation_cam", k): ablation_cam(net, x, k) for k in range(CLASSES)}
            wanted.update({("occlusion", k): occlusion(net, x, k, 5, 3) for k in (0, 3)})
        wanted.update({("grad_cam", k): grad_cam(net, x, k) for k in range(CLASSES)})
        for (method, k), want in wanted.items():
            got = np.asarray(microexpr.explain(
                model, x.numpy(), method=method, target=k, patch=5, stride=3).map)
            name = method + (", pooled" if pooled else ", dense")
            apart = float(np.abs(got - want).max() / max(want.max(), 1e-9))
            worst[name] = max(worst.get(name, 0), apart)
    failed = 0
    for name, apart in worst.items():
        limit = 1e-3 if name == "grad_cam, dense" else 1e-4
        failed += not apart <= limit
        print(f"{name}: {apart:.1e} of the maximum (limit {limit:.0e})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
