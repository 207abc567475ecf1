# SPDX-License-Identifier: MIT
"""Our detector's time beside OpenCV's Haar cascade alt2, one thread, same pictures.

usage: bench_face_opencv.py BENCH_FACE DATA_DIR [ROUNDS]

Sides take turns; times are the processor's, so that others on it count less. Shown are
the smallest time of each and the median of the ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import cv2
except ImportError:
    print("OpenCV for Python is not installed: nothing to compare with")
    sys.exit(77)

CASCADE = "haarcascade_frontalface_alt2.xml"
FOLDERS = ("/usr/share/opencv4/haarcascades", "/usr/share/opencv/haarcascades")


def cascade() -> cv2.CascadeClassifier:
    places = list(FOLDERS)
    if hasattr(cv2, "data"):
        places.insert(0, cv2.data.haarcascades)
    for place in places:
        if (Path(place) / CASCADE).is_file():
            return cv2.CascadeClassifier(str(Path(place) / CASCADE))
    print(f"{CASCADE} is not installed: nothing to compare with")
    sys.exit(77)


def ours(program: str, picture: str, smallest: int) -> tuple[float, int]:
    """Milliseconds and faces of a warm search."""
    out = subprocess.run([program, "time", picture, str(smallest), "5"], check=True,
                         capture_output=True, text=True).stdout.split()
    return min(float(ms) for ms in out[2::2]), int(out[-1])


def main() -> int:
    if len(sys.argv) not in (3, 4):
        print(__doc__)
        return 2
    program, data = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) == 4 else 7
    cv2.setNumThreads(1)
    haar = cascade()
    print("picture   smallest  ours ms  faces  OpenCV ms  faces  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((640, 480), (1280, 720)):
            picture = f"{folder}/{width}.png"
            subprocess.run([program, "tile", data, str(width), str(height), picture],
                           check=True)
            grey = cv2.imread(picture, cv2.IMREAD_GRAYSCALE)
            for smallest in (24, 40, 80):
                pairs = []
                for _ in range(rounds):
                    mine, n_mine = ours(program, picture, smallest)
                    start = time.process_time()
                    faces = haar.detectMultiScale(grey, 1.1, 3,
                                                  minSize=(smallest, smallest))
                    pairs.append((mine, 1000 * (time.process_time() - start)))
                ratio = statistics.median(theirs / mine for mine, theirs in pairs)
                print(f"{width}x{height:<6}{smallest:8}{min(p[0] for p in pairs):9.2f}"
                      f"{n_mine:7}{min(p[1] for p in pairs):11.1f}{len(faces):7}"
                      f"{ratio:7.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
