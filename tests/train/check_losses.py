# SPDX-License-Identifier: MIT
"""Losses as PyTorch has them, on the numbers of test_loss.c. Skipped (77) without PyTorch.

    check_losses.py tests/train/loss_values.h

Compares what the header holds, value and gradient along cos(0.9 i), with PyTorch in double;
with --print it writes the header's rows instead.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is not installed: skipped")
    sys.exit(77)

N, SIZE, LIMIT = 6, 4, 1e-9


def numbers(step: float, start: float, scale: float) -> torch.Tensor:
    """N rows of SIZE: scale * sin(step * i + start), rounded to float32."""
    values = scale * np.sin(step * np.arange(N * SIZE) + start)
    return torch.tensor(values.astype(np.float32).astype(np.float64).reshape(N, SIZE))


A = numbers(1.7, 0.3, 2.0)
B = numbers(2.3, 1.1, 1.5)
LABELS = torch.tensor([(i * i + 1) % SIZE for i in range(N)])
HARD = F.one_hot(LABELS, SIZE).double()
WEIGHTS = torch.tensor([0.5, 0.75, 1.0, 1.25], dtype=torch.float64)
SOFT = 0.7 * HARD + 0.3 / SIZE


def focal(x, targets, gamma, weights=None):
    log_p = F.log_softmax(x, 1)
    terms = -targets * (1 - log_p.exp()) ** gamma * log_p
    return (terms * (1 if weights is None else weights)).sum(1).mean()


def js(a, b):
    p, q = F.softmax(a, 1), F.softmax(b, 1)
    m = ((p + q) / 2).log()
    return (F.kl_div(m, p, reduction="batchmean") + F.kl_div(m, q, reduction="batchmean")) / 2


def contrastive(x):
    z = F.normalize(x, dim=1)
    s = z @ z.T / 0.1
    others = ~torch.eye(N, dtype=torch.bool)
    log_p = s - torch.logsumexp(s.masked_fill(~others, -np.inf), 1, keepdim=True)
    like = (LABELS[:, None] == LABELS[None, :]) & others
    rows = like.sum(1) > 0
    return (-(log_p * like).sum(1)[rows] / like.sum(1)[rows]).mean()


def mmd(a, b):
    both = torch.cat([a, b])
    square = ((both[:, None] - both[None, :]) ** 2).sum(2)
    h = float(np.median(square.detach()[tuple(np.triu_indices(len(both), 1))].numpy()))
    k = sum(torch.exp(-square / (h * 2.0 ** e)) for e in range(-2, 3))
    n = len(a)
    return k[:n, :n].mean() + k[n:, n:].mean() - 2 * k[:n, n:].mean()


def kl(a, b):
    return F.kl_div(F.log_softmax(a / 3, 1), F.softmax(b / 3, 1), reduction="batchmean") * 9


LOSSES = {
    "cross_entropy": lambda a, b: F.cross_entropy(a, LABELS),
    "cross_entropy_weighted": lambda a, b: F.cross_entropy(
        a, LABELS, weight=WEIGHTS, label_smoothing=0.1),
    "cross_entropy_soft": lambda a, b: F.cross_entropy(a, SOFT),
    "focal": lambda a, b: focal(a, HARD, 2),
    "focal_weighted": lambda a, b: focal(a, SOFT, 1.5, WEIGHTS),
    "focal_flat": lambda a, b: focal(a, HARD, 0),
    "balanced_focal": lambda a, b: focal(a, HARD, 2, 1 - HARD.mean(0) / 10),
    "binary": lambda a, b: F.binary_cross_entropy_with_logits(a, HARD),
    "binary_weighted": lambda a, b: F.binary_cross_entropy_with_logits(
        a, SOFT, weight=WEIGHTS),
    "squares": lambda a, b: F.mse_loss(a, HARD),
    "absolute": lambda a, b: F.l1_loss(a, SOFT),
    "hinge": lambda a, b: F.multi_margin_loss(a, LABELS),
    "hinge_weighted": lambda a, b: F.multi_margin_loss(a, LABELS, margin=0.5, weight=WEIGHTS),
    "cosine": lambda a, b: (1 - F.cosine_similarity(a, b, 1)).mean(),
    "kl": kl,
    "js": js,
    "contrastive": lambda a, b: contrastive(a),
    "mmd": mmd,
}


def row(loss) -> tuple[float, float, float]:
    a, b = A.clone().requires_grad_(), B.clone().requires_grad_()
    value = loss(a, b)
    value.backward()
    direction = torch.cos(0.9 * torch.arange(N * SIZE, dtype=torch.float64)).reshape(N, SIZE)
    slopes = [0.0 if x.grad is None else float((x.grad * direction).sum()) for x in (a, b)]
    return float(value.detach()), *slopes


def main() -> int:
    rows = {name: row(loss) for name, loss in LOSSES.items()}
    if sys.argv[1] == "--print":
        for name, values in rows.items():
            print(f'    {{"{name}", ' + ", ".join(f"{v:.12g}" for v in values) + "},")
        return 0
    found = re.findall(r'\{"(\w+)",\s*(\S+),\s*(\S+),\s*(\S+)\}',
                       Path(sys.argv[1]).read_text(encoding="utf-8"))
    bad = 0
    if {name for name, *_ in found} != set(rows):
        print("the header and this script have other losses")
        bad = 1
    for name, *texts in found:
        error = max(abs(float(t) - v) for t, v in zip(texts, rows.get(name, (np.inf,) * 3)))
        print(f"{name}: {error:.1e}")
        bad |= not error <= LIMIT
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
