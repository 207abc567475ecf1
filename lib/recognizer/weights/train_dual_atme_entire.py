#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train, evaluate and export the default attention network of libmicroexpr.

The network is the entire-face branch of Dual-ATME (Zhou, Huang, Li, Wang,
Entropy 2023, 25(3), 460): two Inception blocks and a CBAM attention block,
followed by a single-layer classifier.  Its input is an onset-to-apex flow
picture, N x 3 x 28 x 28, planes u, v, strain, raw values 0..255; its output
is one logit for each of negative, positive, surprise.

The data folder holds `labels.csv` (columns file, dataset, subject, label with
0 = negative, 1 = positive, 2 = surprise) and the folder `flow28` of RGB PNG
pictures (R = u, G = v, B = strain).

    # leave-one-subject-out evaluation with the seeds 0 and 1
    python3 train_dual_atme_entire.py --data DIR --loso --seeds 2

    # the shipped weights: all clips, seed 0, then the ONNX file
    python3 train_dual_atme_entire.py --data DIR --output dual_atme_entire.onnx

Needs numpy, Pillow and torch; --output also onnx and onnxruntime.

The recipe is fixed: nothing in it is chosen by a score on a held-out subject.
Every network is trained for EPOCHS epochs and only the last epoch is used.
"""

import argparse
import csv
import multiprocessing
import os
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

LABELS = ("negative", "positive", "surprise")
SIDE = 28

EPOCHS = 40
BATCH = 64
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
WARM_UP_STEPS = 20
DROPOUT = 0.5
MAX_SHIFT = 1.5  # pixels
MAX_ZOOM = 0.05
BOOTSTRAP_DRAWS = 4000

RMS_EPSILON = 1.0  # grey levels squared: an even plane is no motion
CLIP = 4.0


# ------------------------------------------------------------------ network


class ConvBlock(nn.Sequential):
    """Convolution that keeps the size, batch normalisation, ReLU."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Inception(nn.Module):
    """1x1 | 1x1 -> 3x3 | 1x1 -> 5x5 | 3x3 max pool -> 1x1, concatenated."""

    def __init__(self, inputs, outputs, reduced=6):
        super().__init__()
        self.one = ConvBlock(inputs, outputs, 1)
        self.three_reduce = ConvBlock(inputs, reduced, 1)
        self.three = ConvBlock(reduced, outputs, 3)
        self.five_reduce = ConvBlock(inputs, reduced, 1)
        self.five = ConvBlock(reduced, outputs, 5)
        self.pool = ConvBlock(inputs, outputs, 1)

    def forward(self, x):
        return torch.cat(
            (
                self.one(x),
                self.three(self.three_reduce(x)),
                self.five(self.five_reduce(x)),
                self.pool(F.max_pool2d(x, 3, 1, 1)),
            ),
            1,
        )


class Cbam(nn.Module):
    """Channel attention, then spatial attention (Woo et al., ECCV 2018)."""

    def __init__(self, channels, ratio=16):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // ratio, 1)
        self.excite = nn.Conv2d(channels // ratio, channels, 1)
        self.spatial = nn.Conv2d(2, 1, 3, padding=1)

    def shared(self, x):
        return self.excite(F.relu(self.squeeze(x)))

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        peak = x.amax((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.shared(mean) + self.shared(peak))
        maps = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
        return x * torch.sigmoid(self.spatial(maps))


def normalise(picture):
    """u and v about their mean (zero motion), each plane over its RMS."""
    flow, strain = picture[:, :2], picture[:, 2:]
    flow = flow - flow.mean((2, 3), keepdim=True)
    x = torch.cat((flow, strain), 1)
    power = (x * x).mean((2, 3), keepdim=True)
    return torch.clamp(x / torch.sqrt(power + RMS_EPSILON), -CLIP, CLIP)


class EntireFace(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception1 = Inception(3, 6)
        self.inception2 = Inception(24, 12)
        self.cbam = Cbam(48)
        self.classifier = nn.Linear(48 * 7 * 7, len(LABELS))

    def classify(self, x):
        """Logits of normalised planes."""
        x = F.max_pool2d(self.inception1(x), 2)
        x = F.max_pool2d(self.inception2(x), 2)
        x = self.cbam(x).flatten(1)
        return self.classifier(F.dropout(x, DROPOUT, self.training))

    def forward(self, picture):
        return self.classify(normalise(picture))


# --------------------------------------------------------------------- data


class Clips:
    """All flow pictures of the data folder, in the order of labels.csv."""

    def __init__(self, folder):
        with open(os.path.join(folder, "labels.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        pictures = []
        for row in rows:
            path = os.path.join(folder, "flow28", row["file"])
            with Image.open(path) as image:
                pictures.append(np.asarray(image.convert("RGB")))
        planes = np.stack(pictures).transpose(0, 3, 1, 2)
        self.picture = np.ascontiguousarray(planes, np.float32)
        if self.picture.shape[1:] != (3, SIDE, SIDE):
            sys.exit(f"pictures are not {SIDE} x {SIDE}")
        self.label = np.array([int(row["label"]) for row in rows])
        self.database = np.array([row["dataset"] for row in rows])
        self.subject = np.array(
            [row["dataset"] + "/" + row["subject"] for row in rows]
        )


def augment(x, generator):
    """Mirror (u changes its sign), shift and zoom normalised planes.

    No rotation: it would have to turn the vectors (u, v), whose planes have
    been scaled apart.
    """

    def uniform(limit):
        return limit * (2 * torch.rand(len(x), generator=generator) - 1)

    mirror = torch.rand(len(x), generator=generator) < 0.5
    zoom = 1 + uniform(MAX_ZOOM)
    theta = torch.zeros(len(x), 2, 3)
    theta[:, 0, 0] = torch.where(mirror, -zoom, zoom)
    theta[:, 1, 1] = zoom
    theta[:, 0, 2] = uniform(MAX_SHIFT) * 2 / SIDE
    theta[:, 1, 2] = uniform(MAX_SHIFT) * 2 / SIDE
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    sign = torch.ones(len(x), 3, 1, 1)
    sign[mirror, 0] = -1
    return x * sign


# ----------------------------------------------------------------- training


def train(picture, label, seed):
    """One network, from scratch, on these clips; the last epoch's weights."""
    picture, label = torch.from_numpy(picture), torch.from_numpy(label)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = EntireFace()
    planes = normalise(picture)
    count = torch.bincount(label, minlength=len(LABELS)).float()
    balance = len(label) / (len(LABELS) * count)
    optimiser = torch.optim.AdamW(
        net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    steps = EPOCHS * -(-len(label) // BATCH)

    def rate(step):
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        return warm * 0.5 * (1 + np.cos(np.pi * step / steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    net.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(label), generator=generator)
        for batch in order.split(BATCH):
            logits = net.classify(augment(planes[batch], generator))
            loss = F.cross_entropy(logits, label[batch], balance)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


# --------------------------------------------------------------- evaluation


def confusion_of(truth, guess):
    """Rows: the true class; columns: the answer."""
    table = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(table, (truth, guess), 1)
    return table


def scores_of(table):
    """UF1, UAR and accuracy of one pooled confusion table."""
    hit = np.diag(table)
    true, said = table.sum(1), table.sum(0)
    f1 = 2 * hit / np.maximum(true + said, 1)
    recall = hit / np.maximum(true, 1)
    return f1.mean(), recall.mean(), hit.sum() / table.sum()


def bootstrap(truth, guess, subject):
    """95 % intervals of UF1 and UAR; whole subjects are drawn."""
    tables = np.stack(
        [
            confusion_of(truth[subject == name], guess[subject == name])
            for name in np.unique(subject)
        ]
    )
    random = np.random.default_rng(0)
    draws = [
        scores_of(tables[random.integers(0, len(tables), len(tables))].sum(0))
        for _ in range(BOOTSTRAP_DRAWS)
    ]
    return np.percentile(np.array(draws)[:, :2], (2.5, 97.5), axis=0)


def answer_fold(clips, name, seed):
    """The answers for one subject's clips from a network without them."""
    held = clips.subject == name
    net = train(clips.picture[~held], clips.label[~held], seed)
    with torch.no_grad():
        return net(torch.from_numpy(clips.picture[held])).argmax(1).numpy()


def leave_one_subject_out(clips, seed, workers):
    """The answer for every clip; the same for any number of workers."""
    names = np.unique(clips.subject)
    jobs = [(clips, name, 1000 * seed + fold) for fold, name in enumerate(names)]
    with multiprocessing.Pool(workers, set_up_torch) as pool:
        answers = pool.starmap(answer_fold, jobs, chunksize=1)
    guess = np.zeros(len(clips.label), int)
    for name, answer in zip(names, answers):
        guess[clips.subject == name] = answer
    return guess


def evaluate(clips, seeds, workers):
    truth = clips.label
    databases = sorted(set(clips.database))
    rows = []
    for seed in range(seeds):
        begin = time.time()
        guess = leave_one_subject_out(clips, seed, workers)
        table = confusion_of(truth, guess)
        low, high = bootstrap(truth, guess, clips.subject)
        print(f"seed {seed} ({time.time() - begin:.0f} s)")
        row = [scores_of(table)]
        for name in databases:
            part = clips.database == name
            row.append(scores_of(confusion_of(truth[part], guess[part])))
        for name, (uf1, uar, accuracy) in zip(["all"] + databases, row):
            print(f"  {name:8} UF1 {uf1:.4f} UAR {uar:.4f} acc {accuracy:.4f}")
        print(f"  95 % UF1 [{low[0]:.3f}, {high[0]:.3f}]", end=" ")
        print(f"UAR [{low[1]:.3f}, {high[1]:.3f}]")
        print(f"  confusion {table.tolist()}", flush=True)
        rows.append(row)
    if seeds > 1:
        rows = np.array(rows)
        mean, deviation = rows.mean(0), rows.std(0, ddof=1)
        print(f"mean of {seeds} seeds, +- standard deviation")
        for name, m, d in zip(["all"] + databases, mean, deviation):
            print(
                f"  {name:8} UF1 {m[0]:.4f} +- {d[0]:.4f}"
                f" UAR {m[1]:.4f} +- {d[1]:.4f}"
                f" acc {m[2]:.4f} +- {d[2]:.4f}"
            )


# ------------------------------------------------------------------- export


class Exporter:
    """Builds the ONNX graph node by node, with readable names."""

    def __init__(self):
        self.nodes = []
        self.weights = []

    def weight(self, name, values):
        from onnx import numpy_helper

        if name not in [known.name for known in self.weights]:
            self.weights.append(numpy_helper.from_array(values, name))
        return name

    def number(self, name, value):
        return self.weight(name, np.array(value, np.float32))

    def add(self, op, inputs, output, **attributes):
        from onnx import helper

        self.nodes.append(
            helper.make_node(op, inputs, [output], name=output, **attributes)
        )
        return output

    def convolve(self, conv, x, output, weights=None, norm=None):
        """A convolution; a batch normalisation behind it is folded in."""
        kernel = conv.weight.detach().double()
        bias = conv.bias.detach().double()
        if norm is not None:
            scale = norm.weight.double() / torch.sqrt(
                norm.running_var.double() + norm.eps
            )
            kernel = kernel * scale[:, None, None, None]
            bias = (bias - norm.running_mean) * scale + norm.bias.double()
        weights = weights or output
        inputs = [
            x,
            self.weight(weights + ".weight", kernel.detach().float().numpy()),
            self.weight(weights + ".bias", bias.detach().float().numpy()),
        ]
        side = conv.kernel_size[0]
        return self.add(
            "Conv",
            inputs,
            output,
            kernel_shape=[side, side],
            pads=[side // 2] * 4,
            strides=[1, 1],
        )

    def conv_block(self, block, x, name):
        x = self.convolve(block[0], x, name, norm=block[1])
        return self.add("Relu", [x], name + ".relu")

    def max_pool(self, x, output, side, stride, pad):
        return self.add(
            "MaxPool",
            [x],
            output,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def inception(self, block, x, name):
        three = self.conv_block(block.three_reduce, x, name + ".three_reduce")
        five = self.conv_block(block.five_reduce, x, name + ".five_reduce")
        pool = self.max_pool(x, name + ".pool_max", 3, 1, 1)
        parts = [
            self.conv_block(block.one, x, name + ".one"),
            self.conv_block(block.three, three, name + ".three"),
            self.conv_block(block.five, five, name + ".five"),
            self.conv_block(block.pool, pool, name + ".pool"),
        ]
        return self.add("Concat", parts, name + ".concat", axis=1)

    def cbam(self, block, x, name):
        branches = []
        for op, branch in (("GlobalAveragePool", "mean"), ("GlobalMaxPool", "max")):
            prefix = f"{name}.channel.{branch}"
            y = self.add(op, [x], prefix)
            y = self.convolve(
                block.squeeze, y, prefix + ".squeeze", name + ".squeeze"
            )
            y = self.add("Relu", [y], prefix + ".relu")
            branches.append(
                self.convolve(block.excite, y, prefix + ".excite", name + ".excite")
            )
        gate = self.add("Add", branches, name + ".channel.sum")
        gate = self.add("Sigmoid", [gate], name + ".channel.gate")
        x = self.add("Mul", [x, gate], name + ".channel")
        maps = [
            self.add(op, [x], f"{name}.spatial.{branch}", axes=[1], keepdims=1)
            for op, branch in (("ReduceMean", "mean"), ("ReduceMax", "max"))
        ]
        maps = self.add("Concat", maps, name + ".spatial.maps", axis=1)
        gate = self.convolve(block.spatial, maps, name + ".spatial.conv")
        gate = self.add("Sigmoid", [gate], name + ".spatial.gate")
        return self.add("Mul", [x, gate], name + ".spatial")

    def normalise(self, picture):
        from onnx import helper

        sizes = self.weight("normalise.sizes", np.array([2, 1], np.int64))
        self.nodes.append(
            helper.make_node(
                "Split",
                [picture, sizes],
                ["normalise.flow", "normalise.strain"],
                name="normalise.split",
                axis=1,
            )
        )
        mean = self.add(
            "ReduceMean", ["normalise.flow"], "normalise.mean", axes=[2, 3], keepdims=1
        )
        flow = self.add("Sub", ["normalise.flow", mean], "normalise.motion")
        x = self.add(
            "Concat", [flow, "normalise.strain"], "normalise.planes", axis=1
        )
        y = self.add("Mul", [x, x], "normalise.squares")
        y = self.add("ReduceMean", [y], "normalise.power", axes=[2, 3], keepdims=1)
        y = self.add(
            "Add", [y, self.number("normalise.epsilon", RMS_EPSILON)], "normalise.floor"
        )
        y = self.add("Sqrt", [y], "normalise.rms")
        x = self.add("Div", [x, y], "normalise.scaled")
        low = self.number("normalise.low", -CLIP)
        high = self.number("normalise.high", CLIP)
        return self.add("Clip", [x, low, high], "normalise.clip")

    def model(self, net):
        from onnx import TensorProto, helper

        x = self.normalise("picture")
        x = self.inception(net.inception1, x, "inception1")
        x = self.max_pool(x, "pool1", 2, 2, 0)
        x = self.inception(net.inception2, x, "inception2")
        x = self.max_pool(x, "pool2", 2, 2, 0)
        x = self.cbam(net.cbam, x, "cbam")
        x = self.add("Flatten", [x], "flatten", axis=1)
        inputs = [
            x,
            self.weight("classifier.weight", net.classifier.weight.detach().numpy()),
            self.weight("classifier.bias", net.classifier.bias.detach().numpy()),
        ]
        self.add("Gemm", inputs, "logits", transB=1)
        graph = helper.make_graph(
            self.nodes,
            "dual_atme_entire",
            [
                helper.make_tensor_value_info(
                    "picture", TensorProto.FLOAT, ["N", 3, SIDE, SIDE]
                )
            ],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, ["N", len(LABELS)]
                )
            ],
            self.weights,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
            producer_name="libmicroexpr",
        )
        helper.set_model_props(
            model,
            {
                "microexpr.name": "dual_atme_entire",
                "microexpr.planes": "u,v,strain",
                "microexpr.labels": ",".join(LABELS),
                "microexpr.card": "docs/models/dual_atme_entire.md",
                "microexpr.use": "research only",
            },
        )
        return model


def export(clips, output):
    import onnx
    import onnxruntime

    net = train(clips.picture, clips.label, 0)
    model = Exporter().model(net)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    got = session.run(["logits"], {"picture": clips.picture})[0]
    one = session.run(["logits"], {"picture": clips.picture[:1]})[0]
    with torch.no_grad():
        want = net(torch.from_numpy(clips.picture)).numpy()
    error = max(np.abs(got - want).max(), np.abs(one - want[:1]).max())
    error /= np.abs(want).max()
    print(f"largest difference to torch: {error:.1e} of the largest logit")
    if error > 1e-5:
        sys.exit("the exported network does not answer as the trained one")
    onnx.save(model, output)
    parameters = sum(p.numel() for p in net.parameters())
    right = (want.argmax(1) == clips.label).mean()
    print(f"{parameters} trained parameters, {os.path.getsize(output)} bytes")
    print(f"accuracy on its own training clips {right:.4f} (not an evaluation)")


def set_up_torch():
    """One thread and deterministic operators: the same weights every time."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--loso", action="store_true", help="evaluate")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes for --loso"
    )
    parser.add_argument("--output", metavar="FILE.onnx", help="train and export")
    options = parser.parse_args()
    set_up_torch()
    clips = Clips(options.data)
    print(
        f"{len(clips.label)} clips, {len(set(clips.subject))} subjects,"
        f" classes {np.bincount(clips.label).tolist()}"
    )
    if options.loso:
        evaluate(clips, options.seeds, options.workers)
    if options.output:
        export(clips, options.output)


if __name__ == "__main__":
    main()
