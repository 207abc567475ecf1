# SPDX-License-Identifier: MIT
"""Compares every system with a definition of its own in PyTorch, written from the
publication, on the same weights. Skipped (77) without PyTorch.

    MICROEXPR_LIBRARY=libmicroexpr.so PYTHONPATH=bindings/python check_systems.py [NAME...]

Weights come out of the ONNX file by name; those that begin as 0 or 1 (normalizations,
running statistics, the spatial transformer's last layer) are shaken first.
"""

from __future__ import annotations

import sys

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError:
    print("PyTorch is not installed: skipped")
    sys.exit(77)

import microexpr

LIMIT = 1e-4


# --- weights of an ONNX file ------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data, at, end):
    """(number, value or (start, end)) of a message."""
    while at < end:
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            size, at = varint(data, at)
            yield tag >> 3, (at, at + size)
            at += size
        else:
            at += 4 if tag & 7 == 5 else 8


def initializers(data):
    """{name: float32 array that shares the bytes of the file}."""
    found = {}
    graph = next(value for number, value in fields(data, 0, len(data)) if number == 7)
    for number, tensor in fields(data, *graph):
        if number != 5:
            continue
        dims, name, raw, dtype = [], "", (0, 0), 0
        for part, value in fields(data, *tensor):
            if part == 1:
                dims.append(value)
            elif part == 2:
                dtype = value
            elif part == 8:
                name = bytes(data[value[0]:value[1]]).decode()
            elif part == 9:
                raw = value
        if dtype == 1:
            array = np.frombuffer(data, np.float32, (raw[1] - raw[0]) // 4, raw[0])
            found[name] = array.reshape(dims)
    return found


def shake(weights, rng):
    for name, array in weights.items():
        if name.endswith("running_var"):
            array[...] = rng.uniform(0.5, 1.5, array.shape)
        elif array.ndim == 1:
            array += rng.normal(0, 0.1, array.shape).astype(np.float32)
        elif not array.any():
            array[...] = rng.normal(0, 0.05, array.shape)


# --- the networks -----------------------------------------------------------------------

class Unit(nn.Module):
    """conv, bn, ReLU."""

    def __init__(self, i, o, k=1, bias=True, padding=None, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, stride, k // 2 if padding is None else padding,
                              bias=bias)
        self.bn = nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Channel(nn.Module):
    def __init__(self, channels, hidden, bias):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=bias)

    def forward(self, x):
        def mlp(pooled):
            return self.fc2(F.relu(self.fc1(pooled)))
        return x * torch.sigmoid(mlp(x.mean((2, 3), keepdim=True))
                                 + mlp(x.amax((2, 3), keepdim=True)))


class Spatial(nn.Module):
    def __init__(self, bias, dilation=1):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=dilation, dilation=dilation, bias=bias)

    def forward(self, x):
        maps = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.conv(maps))


class Ststnet(nn.Module):
    def __init__(self):
        super().__init__()
        for i, n in enumerate((3, 5, 8), 1):
            part = nn.Module()
            part.conv, part.bn = nn.Conv2d(3, n, 3, padding=2), nn.BatchNorm2d(n)
            self.add_module(f"stream{i}", part)
        self.fc = nn.Linear(400, 3)

    def forward(self, x):
        maps = [F.max_pool2d(s.bn(F.relu(s.conv(x))), 3, 3, 1)
                for s in (self.stream1, self.stream2, self.stream3)]
        return self.fc(F.avg_pool2d(torch.cat(maps, 1), 2).flatten(1))


class AtmeInception(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.branch1 = Unit(i, o)
        for number, k in ((2, 3), (3, 5)):
            part = nn.Module()
            part.reduce, part.conv = Unit(i, 6), Unit(6, o, k)
            self.add_module(f"branch{number}", part)
        self.branch4 = Unit(i, o)

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2.conv(self.branch2.reduce(x)),
                          self.branch3.conv(self.branch3.reduce(x)),
                          self.branch4(F.max_pool2d(x, 3, 1, 1))], 1)


class DualAtme(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("entire", "puzzled"):
            part = nn.Module()
            part.inception1, part.inception2 = AtmeInception(3, 6), AtmeInception(24, 12)
            self.add_module(name, part)
        self.entire.channel, self.entire.spatial = Channel(48, 3, True), Spatial(True)
        self.fc1, self.bn1 = nn.Linear(4704, 1024), nn.BatchNorm1d(1024)
        self.fc2 = nn.Linear(1024, 3)

    def forward(self, entire, puzzled):
        def face(part, x):
            x = F.max_pool2d(part.inception1(x), 2)
            return F.max_pool2d(part.inception2(x), 2)
        a = self.entire.spatial(self.entire.channel(face(self.entire, entire)))
        b = face(self.puzzled, puzzled)
        both = torch.cat([a.flatten(1), b.flatten(1)], 1)
        return self.fc2(F.relu(self.bn1(self.fc1(both))))


class OffHead(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("query", "key", "value"):
            self.add_module(name, nn.Conv2d(28, 7, 1))
        t = [(np.cos if i % 2 else np.sin)(10000 ** (-(i // 2) / 14)) for i in range(14)]
        self.p = torch.tensor(np.add.outer(t, t), dtype=torch.float32)

    def forward(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        logits = torch.einsum("ncik,ncjk->ncij", q, k) + torch.einsum(
            "ncik,jk->ncij", q, self.p)
        weights = torch.softmax(logits.flatten(2), -1).view_as(logits)
        return weights * v


class OffResidual(nn.Module):
    def __init__(self, i, o, enhanced=False):
        super().__init__()
        middle = i if enhanced else o
        self.conv1, self.conv2 = Unit(i, middle, 3), Unit(middle, o, 3)
        self.skip = nn.Conv2d(i, o, 1)
        self.enhanced = enhanced
        if enhanced:
            self.channel, self.spatial = Channel(28, 1, False), Spatial(False)
            heads = nn.Module()
            for number in range(4):
                heads.add_module(f"head{number}", OffHead())
            self.add_module("self", heads)

    def forward(self, x):
        y = self.conv1(x)
        if self.enhanced:
            y = self.spatial(self.channel(y))
            heads = getattr(self, "self")
            y = torch.cat([getattr(heads, f"head{i}")(y) for i in range(4)], 1)
        return F.max_pool2d(self.conv2(y) + self.skip(x), 2)


class OffTanet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8)
        self.res1, self.res2 = OffResidual(8, 18), OffResidual(18, 28)
        self.eres = OffResidual(28, 8, True)
        self.fc1, self.fc2 = nn.Linear(392, 64), nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 3)

    def forward(self, x):
        x = self.bn1(F.relu(self.conv1(x)))
        x = self.eres(self.res2(self.res1(x))).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Multi(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        b = o // 4
        self.point, self.pool = Unit(i, b, bias=False), Unit(i, b, bias=False)
        self.reduce3, self.conv3 = Unit(i, b, bias=False), Unit(b, b, 3, False)
        self.reduce5, self.conv5 = Unit(i, b, bias=False), Unit(b, b, 5, False)
        self.se = nn.Module()
        self.se.fc1, self.se.fc2 = nn.Conv2d(o, b, 1), nn.Conv2d(b, o, 1)
        self.skip = Unit(i, o, bias=False)

    def forward(self, x):
        y = torch.cat([self.point(x), self.conv3(self.reduce3(x)),
                       self.conv5(self.reduce5(x)), self.pool(F.max_pool2d(x, 3, 1, 1))], 1)
        y = y * torch.sigmoid(self.se.fc2(F.relu(self.se.fc1(F.adaptive_avg_pool2d(y, 1)))))
        return F.relu(y + self.skip.bn(self.skip.conv(x)))


class MfeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Unit(3, 32, 3, False)
        self.res1, self.res2 = Multi(32, 32), Multi(32, 64)
        self.position = nn.Parameter(torch.zeros(1, 49, 64))
        self.norm1, self.norm2 = nn.LayerNorm(64), nn.LayerNorm(64)
        self.attention = nn.Module()
        for name in ("query", "key", "value", "out"):
            self.attention.add_module(name, nn.Linear(64, 64))
        self.mlp1, self.mlp2 = nn.Linear(64, 128), nn.Linear(128, 64)
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        x = F.max_pool2d(self.res1(self.stem(x)), 2)
        x = F.max_pool2d(self.res2(x), 2)
        x = x.flatten(2).transpose(1, 2) + self.position
        a, y = self.attention, self.norm1(x)
        q, k, v = (part(y).view(-1, 49, 4, 16).transpose(1, 2)
                   for part in (a.query, a.key, a.value))
        y = torch.softmax(q @ k.transpose(2, 3) / 16 ** 0.5, -1) @ v
        x = x + a.out(y.transpose(1, 2).reshape(-1, 49, 64))
        x = x + self.mlp2(F.gelu(self.mlp1(self.norm2(x))))
        return self.fc(x.mean(1))


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.unit1 = Unit(i, o, 3, False, stride=stride)
        self.unit2 = Unit(o, o, 3, False)
        if stride > 1:
            self.skip = Unit(i, o, 1, False, stride=stride)

    def forward(self, x):
        y = self.unit2.bn(self.unit2.conv(self.unit1(x)))
        if hasattr(self, "skip"):
            x = self.skip.bn(self.skip.conv(x))
        return F.relu(y + x)


class Msjfn(nn.Module):
    widths = (32, 64, 128, 256)

    def __init__(self):
        super().__init__()
        self.stem = Unit(3, 32, 7, False, stride=2)
        for k, width in enumerate(self.widths):
            self.add_module(f"stage{k + 1}", Block(self.widths[max(k - 1, 0)], width,
                                                   2 if k else 1))
        for k in range(3):
            part = nn.Module()
            part.low = Unit(self.widths[k], 64, bias=False)
            part.high = Unit(self.widths[k + 1], 64, bias=False)
            part.both, part.fc = Unit(128, 64, 3, False), nn.Linear(64, 3)
            self.add_module(f"joint{k + 1}", part)
        self.fc = nn.Linear(256, 3)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        maps = []
        for k in range(4):
            x = getattr(self, f"stage{k + 1}")(x)
            maps.append(x)
        z = self.fc(x.mean((2, 3)))
        for k in range(3):
            part = getattr(self, f"joint{k + 1}")
            low = part.low.bn(part.low.conv(maps[k]))
            high = part.high.bn(part.high.conv(maps[k + 1]))
            high = F.interpolate(high, low.shape[2:], mode="bilinear", align_corners=False)
            z = z + part.fc(part.both(torch.cat([low, high], 1)).mean((2, 3))) / 3
        return z


class FeatInception(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.point, self.pool = nn.Conv2d(i, o, 1), nn.Conv2d(i, o, 1)
        self.reduce3, self.conv3 = nn.Conv2d(i, o, 1), nn.Conv2d(o, o, 3, padding=1)
        self.reduce5, self.conv5 = nn.Conv2d(i, o, 1), nn.Conv2d(o, o, 5, padding=2)

    def forward(self, x):
        return F.relu(torch.cat([
            self.point(x), self.conv3(F.relu(self.reduce3(x))),
            self.conv5(F.relu(self.reduce5(x))), self.pool(F.max_pool2d(x, 3, 1, 1))], 1))


class Featref(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("flow_x", "flow_y"):
            part = nn.Module()
            part.inception1, part.inception2 = FeatInception(3, 6), FeatInception(24, 16)
            self.add_module(name, part)
        self.shared = nn.Linear(6272, 1024)
        for k in range(3):
            part = nn.Module()
            part.attention1, part.attention2 = nn.Linear(1024, 128), nn.Linear(128, 1024)
            part.specific, part.proposal = nn.Linear(1024, 128), nn.Linear(128, 1)
            self.add_module(f"branch{k}", part)
        self.classifier = nn.Linear(384, 3)

    def forward(self, flow_x, flow_y):
        def stream(part, x):
            x = F.max_pool2d(part.inception1(x), 2)
            return F.max_pool2d(part.inception2(x), 2).flatten(1)
        h = F.relu(self.shared(torch.cat([stream(self.flow_x, flow_x),
                                          stream(self.flow_y, flow_y)], 1)))
        specific, proposals = [], []
        for k in range(3):
            part = getattr(self, f"branch{k}")
            a = torch.sigmoid(part.attention2(F.relu(part.attention1(h))))
            specific.append(F.relu(part.specific(a * h)))
            proposals.append(torch.sigmoid(part.proposal(specific[-1])))
        return self.classifier(torch.cat(specific, 1)), torch.cat(proposals, 1)


class Strcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Unit(2, 512, 3, False)
        for k in (2, 3, 4):
            part = nn.Module()
            part.step1 = Unit(512, 512, 1, False)
            part.step2, part.step3 = Unit(512, 512, 3, False), Unit(512, 512, 3, False)
            self.add_module(f"rcl{k}", part)
        self.head = nn.Conv2d(512, 3, 1)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 4)
        for k, pool in ((2, 4), (3, 2), (4, 2)):
            part = getattr(self, f"rcl{k}")
            y = part.step2(part.step1(x) + x)
            x = F.max_pool2d(part.step3(y + x), pool)
        return self.head(x.mean((2, 3), keepdim=True)).flatten(1)


class Rcn(nn.Module):
    def __init__(self, maps, side):
        super().__init__()
        self.conv1 = Unit(3, maps, 5, padding=0)
        self.rcl = nn.Module()
        self.rcl.first, self.rcl.again = Unit(maps, maps), Unit(maps, maps, 3)
        self.side, self.fc = side, nn.Linear(maps * side * side, 3)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2)
        y = self.rcl.first(x)
        y = self.rcl.again(x + y)
        y = self.rcl.again(x + y)
        return self.fc(F.adaptive_avg_pool2d(F.max_pool2d(y, 2), self.side).flatten(1))


class DeepEmotion(nn.Module):
    def __init__(self):
        super().__init__()
        for k in range(4):
            self.add_module(f"conv{k + 1}", nn.Conv2d(10 if k else 1, 10, 3))
        self.locate1 = nn.Conv2d(1, 8, 3, padding="same")
        self.locate2 = nn.Conv2d(8, 10, 3, padding="same")
        self.locate3, self.locate4 = nn.Linear(90, 32), nn.Linear(32, 6)
        self.fc1, self.fc2 = nn.Linear(810, 50), nn.Linear(50, 7)

    def forward(self, image):
        x = F.relu(F.max_pool2d(self.conv2(F.relu(self.conv1(image))), 2))
        x = F.relu(F.max_pool2d(self.conv4(F.relu(self.conv3(x))), 2))
        t = F.relu(F.max_pool2d(self.locate1(image), 4))
        t = F.relu(F.max_pool2d(self.locate2(t), 4)).flatten(1)
        theta = self.locate4(F.relu(self.locate3(t))).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.shape, align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


class HtBlock(nn.Module):
    """On maps, as the authors have it: 1×1 convolutions and normalization of channels."""

    def __init__(self, width, heads):
        super().__init__()
        inner = width // heads * heads
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.Module()
        for name in ("query", "key", "value"):
            self.attention.add_module(name, nn.Linear(width, inner, bias=False))
        self.attention.out = nn.Linear(inner, width)
        self.mlp1, self.mlp2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):  # blocks, tokens of a block (1), width
        a, y = self.attention, self.norm1(x)
        q, k, v = (part(y).unflatten(2, (self.heads, -1)).transpose(1, 2)
                   for part in (a.query, a.key, a.value))
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + a.out(y.transpose(1, 2).flatten(2))
        return x + self.mlp2(F.gelu(self.mlp1(self.norm2(x))))


class Htnet(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Linear(147, 256)
        self.depths = (2, 2, 10)
        for k, (width, heads) in enumerate(((256, 3), (512, 6), (1024, 12))):
            part = nn.Module()
            if k:
                part.merge = nn.Module()
                part.merge.conv = nn.Conv2d(width // 2, width, 3, padding=1)
                part.merge.norm = nn.LayerNorm(width)
            part.position = nn.Parameter(torch.zeros(1))
            for i in range(self.depths[k]):
                part.add_module(f"block{i}", HtBlock(width, heads))
            self.add_module(f"level{k}", part)
        self.norm, self.fc = nn.LayerNorm(1024), nn.Linear(1024, 3)

    def forward(self, x):
        n = len(x)
        x = x.unfold(2, 7, 7).unfold(3, 7, 7)  # n, channels, 4, 4, rows, columns
        x = self.patch(x.permute(0, 2, 3, 4, 5, 1).reshape(n, 4, 4, 147)).permute(0, 3, 1, 2)
        for k in range(3):
            part = getattr(self, f"level{k}")
            if k:
                x = part.merge.conv(x)
                x = part.merge.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
                x = F.max_pool2d(x, 3, 2, 1)
            width, side = x.shape[1], x.shape[2]
            y = x.permute(0, 2, 3, 1).reshape(-1, 1, width) + part.position
            for i in range(self.depths[k]):
                y = getattr(part, f"block{i}")(y)
            x = y.view(n, side, side, width).permute(0, 3, 1, 2)
        return self.fc(self.norm(x.permute(0, 2, 3, 1)).mean((1, 2)))


class SameUnit(nn.Module):
    """Convolution padded as TensorFlow does, then bn."""

    def __init__(self, i, o, k, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=1e-3)

    def forward(self, x):
        k, s, size = self.conv.kernel_size[0], self.conv.stride[0], x.shape[2]
        pad = max((-(-size // s) - 1) * s + k - size, 0)
        x = F.pad(x, (pad // 2, pad - pad // 2) * 2)
        return self.bn(self.conv(x))


class Mb(nn.Module):
    def __init__(self, i, o, k, stride, expand):
        super().__init__()
        wide = i * expand
        if expand > 1:
            self.expand = SameUnit(i, wide, 1)
        self.depth = SameUnit(wide, wide, k, stride, wide)
        self.channel, self.spatial = Channel(wide, max(1, i // 4), False), Spatial(False, 3)
        self.project = SameUnit(wide, o, 1)
        self.skips = stride == 1 and i == o

    def forward(self, x):
        y = F.silu(self.expand(x)) if hasattr(self, "expand") else x
        y = self.spatial(self.channel(F.silu(self.depth(y))))
        y = self.project(y)
        return x + y if self.skips else y


class Dcbam(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.top = SameUnit(3, 32, 3, 2), SameUnit(320, 1280, 1)
        i, self.n = 32, 0
        for k, stride, expand, repeats, o in (
                (3, 1, 1, 1, 16), (3, 2, 6, 2, 24), (5, 2, 6, 2, 40), (3, 2, 6, 3, 80),
                (5, 1, 6, 3, 112), (5, 2, 6, 4, 192), (3, 1, 6, 1, 320)):
            for r in range(repeats):
                self.add_module(f"block{self.n}", Mb(i, o, k, 1 if r else stride, expand))
                i, self.n = o, self.n + 1
        self.fc = nn.Linear(1280, 3)

    def forward(self, x):
        x = F.silu(self.stem(x))
        for k in range(self.n):
            x = getattr(self, f"block{k}")(x)
        return self.fc(F.silu(self.top(x)).mean((2, 3)))


class FlowC2s(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(1568, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(F.avg_pool2d(x, 2))), 2)
        return self.fc(F.relu(self.conv2(x)).flatten(1))


def derivatives(uv, sigma, mean):
    """u_x, v_x, u_y, v_y after a Gaussian, times 2 sigma, means of mean x mean."""
    radius = int(4 * sigma + 0.5)
    g = torch.exp(-0.5 * (torch.arange(-radius, radius + 1.0) / sigma) ** 2)
    g = (g / g.sum()).repeat(2, 1, 1, 1)
    x = F.pad(uv, (radius,) * 4, mode="reflect")
    x = F.conv2d(F.conv2d(x, g, groups=2), g.transpose(2, 3), groups=2)
    x = F.pad(x, (1,) * 4, mode="replicate")
    along_x = (x[..., 1:-1, 2:] - x[..., 1:-1, :-2]) / 2
    along_y = (x[..., 2:, 1:-1] - x[..., :-2, 1:-1]) / 2
    return 2 * sigma * F.avg_pool2d(torch.cat([along_x, along_y], 1), mean)


class FlowLook(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(i, 12, 3, padding=1), nn.Conv2d(12, 24, 3, padding=1)
        self.attention = nn.Module()
        self.attention.seen = nn.Parameter(torch.zeros(1, 24, 1, 1))
        self.attention.place = nn.Parameter(torch.zeros(1, 1, 7, 7))
        self.fc = nn.Linear(1176, 3)

    def forward(self, x):
        x = F.relu(self.conv2(F.max_pool2d(F.relu(self.conv1(x)), 2)))
        seen = (x * self.attention.seen.view(1, -1, 1, 1)).sum(1, keepdim=True)
        return self.fc((2 * torch.sigmoid(seen + self.attention.place) * x).flatten(1))


class FlowMemory(nn.Module):
    def __init__(self, sigma):
        super().__init__()
        self.sigma = sigma
        self.register_buffer("frequencies", torch.zeros(196, 1024))
        self.register_buffer("phases", torch.zeros(1024))
        self.fc = nn.Linear(1024, 3)

    def forward(self, x):
        query = derivatives(x[:, :2], self.sigma, 4).flatten(1)
        return self.fc(torch.cos(query @ self.frequencies + self.phases))


class FlowAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.flow, self.derivatives = FlowLook(3), FlowLook(4)
        self.memory1, self.memory2, self.memory3 = map(FlowMemory, (1.5, 2, 2.5))

    def forward(self, x):
        scores = [self.flow(F.avg_pool2d(x, 2)), self.derivatives(derivatives(x[:, :2], 2, 2)),
                  self.memory1(x), self.memory2(x), self.memory3(x)]
        return torch.stack(scores).mean(0)


NETWORKS = {
    "ststnet": Ststnet, "dual-atme": DualAtme, "off-tanet": OffTanet, "mfe-net": MfeNet,
    "msjfn": Msjfn, "featref": Featref, "strcn": Strcn, "rcn": lambda: Rcn(64, 7),
    "rcn-small": lambda: Rcn(32, 5), "deep-emotion": DeepEmotion, "htnet": Htnet,
    "dcbam-efficientnet": Dcbam, "flow-c2s": FlowC2s, "flow-attention": FlowAttention,
}


# --- the comparison ---------------------------------------------------------------------

def difference(name):
    rng = np.random.default_rng(1)
    data = bytearray(microexpr.build_system(name, seed=3).encode())
    weights = initializers(data)
    shake(weights, rng)
    net = NETWORKS[name]().eval()
    state = {key: torch.from_numpy(value.copy()) for key, value in weights.items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"{name}: weights missing {missing}, unknown {unexpected}")
    model = microexpr.Model.decode(data)
    inputs = {info.name: rng.uniform(-1, 1, (2, *info.shape[1:])).astype(np.float32)
              for info in model.inputs}
    with torch.no_grad():
        wanted = net(*(torch.from_numpy(inputs[info.name]) for info in model.inputs))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    found = model.session().run(inputs)
    worst = 0.0
    for info, want in zip(model.outputs, wanted):
        want = want.numpy()
        if want.shape != found[info.name].shape or not np.ptp(want) > 0:
            sys.exit(f"{name}: {info.name} is of no use to compare")
        worst = max(worst, np.abs(found[info.name] - want).max() / np.abs(want).max())
    return worst


def main():
    names = sys.argv[1:] or [system.name for system in microexpr.systems()]
    failed = 0
    for name in names:
        worst = difference(name)
        print(f"{name:20} relative difference {worst:.1e}", flush=True)
        failed += not worst < LIMIT
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
