# SPDX-License-Identifier: MIT
"""The detector's training program on a few drawn faces: the same bytes twice, others for
another seed, and a sentence for what it cannot read.

usage: check_detector_training.py TRAIN_FACE_DETECTOR
"""

from __future__ import annotations

import math
import random
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

SIDE = 96


def write_png(path: Path, rows: list[bytes]) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                     + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def draw_face(rng: random.Random) -> tuple[list[bytes], list[float]]:
    """A light disc with dark eyes and mouth, and 68 points around it."""
    cx, cy, r = rng.uniform(40, 56), rng.uniform(40, 56), rng.uniform(20, 30)
    grey = rng.randrange(0, 90)
    rows = []
    for y in range(SIDE):
        row = bytearray()
        for x in range(SIDE):
            u, v = (x - cx) / r, (y - cy) / r
            value = grey + rng.randrange(20)
            if u * u + v * v < 1:
                value = 190
                if (abs(u) - 0.4) ** 2 + (v + 0.3) ** 2 < 0.03:
                    value = 40
                if abs(u) < 0.4 and abs(v - 0.5) < 0.1:
                    value = 80
            row.append(value)
        rows.append(bytes(row))
    points = []
    for i in range(68):
        angle = 2 * math.pi * i / 68
        points += [cx + r * math.cos(angle), cy + 0.85 * r * math.sin(angle)]
    return rows, points


def make_data(folder: Path) -> None:
    rng = random.Random(4)
    (folder / "faces68/images").mkdir(parents=True)
    (folder / "nonfaces").mkdir()
    lines = ["file,subject,width,height"]
    for i in range(15):
        rows, points = draw_face(rng)
        write_png(folder / f"faces68/images/{i}.png", rows)
        lines.append(f"{i}.png,{i},{SIDE},{SIDE}," + ",".join(f"{p:.1f}" for p in points))
    (folder / "faces68/landmarks.csv").write_text("\n".join(lines) + "\n")
    for i in range(6):
        rows = [bytes(rng.randrange(256) for _ in range(SIDE)) for _ in range(SIDE)]
        write_png(folder / f"nonfaces/{i}.png", rows)


def train(program: str, data: Path, out: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run([program, "--quick", *options, str(data), str(out)],
                          capture_output=True, text=True)
    return done.returncode, done.stderr


def main() -> int:
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder)
        outputs = []
        for i, seed in enumerate((7, 7, 8)):
            code, text = train(program, folder, folder / f"{i}.bin", "--seed", str(seed))
            assert code == 0, text
            outputs.append((folder / f"{i}.bin").read_bytes())
        assert outputs[0][:4] == b"MXFD"
        assert outputs[0] == outputs[1], "the same seed gave other bytes"
        assert outputs[0] != outputs[2], "another seed gave the same bytes"
        code, text = train(program, folder / "missing", folder / "no.bin")
        assert code == 1 and "cannot read" in text, text
        table = folder / "faces68/landmarks.csv"
        table.write_text(table.read_text().replace(",", ";"))
        code, text = train(program, folder, folder / "no.bin")
        assert code == 1 and "not understood" in text, text
        assert not (folder / "no.bin").exists()
        assert subprocess.run([program], capture_output=True).returncode == 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
