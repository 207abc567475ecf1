# SPDX-License-Identifier: MIT
"""What the comparison and the benchmark with OpenCV's flow share: the library through
ctypes, pictures, and OpenCV's own calls with the same parameters."""
import ctypes as c
import os
import pathlib
import sys

try:
    import cv2
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

GREY8 = 1
GREYF32 = 6
SCALES, ZOOM, WARPS, EPSILON, ITERATIONS, METHOD = 4, 5, 6, 7, 8, 9
OUTER, MEDIAN, WINDOW, POLY_N, POLY_SIGMA, GAUSSIAN = 10, 11, 12, 13, 14, 15
TVL1, TVL1_OPENCV, FARNEBACK = 0, 2, 3
# pyr_scale, levels, winsize, iterations, poly_n, poly_sigma, flags
FARNEBACK_SETS = [(0.5, 3, 15, 3, 5, 1.2, 0), (0.5, 1, 15, 2, 5, 1.1, 0),
                  (0.5, 3, 15, 3, 5, 1.2, 256), (0.5, 1, 15, 2, 5, 1.1, 256),
                  (0.5, 5, 13, 10, 5, 1.1, 0), (0.8, 3, 14, 2, 7, 1.5, 0)]


class Flow:
    """An estimator and two pictures."""

    def __init__(self, path, parameters, first, second):
        self.lib = c.CDLL(path)
        self.lib.mexpr_flow_last_error.restype = c.c_char_p
        self.lib.mexpr_field_u.restype = c.POINTER(c.c_float)
        self.lib.mexpr_field_v.restype = c.POINTER(c.c_float)
        self.pictures = [np.ascontiguousarray(first), np.ascontiguousarray(second)]
        self.context, self.flow, self.field = c.c_void_p(), c.c_void_p(), c.c_void_p()
        self.images = [c.c_void_p(), c.c_void_p()]
        height, width = first.shape
        self.check(self.lib.mexpr_context_create(None, c.byref(self.context)))
        self.check(self.lib.mexpr_flow_create(self.context, c.byref(self.flow)))
        self.check(self.lib.mexpr_field_create(
            self.context, width, height, c.byref(self.field)))
        for picture, image in zip(self.pictures, self.images):
            self.check(self.lib.mexpr_image_wrap(
                self.context, GREYF32 if picture.dtype == np.float32 else GREY8, width,
                height, c.c_size_t(width * picture.itemsize),
                c.c_void_p(picture.ctypes.data), None, None, c.byref(image)))
        for key, value in parameters.items():
            self.check(self.lib.mexpr_flow_set(self.flow, key, c.c_double(value)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"{status} {self.lib.mexpr_flow_last_error(self.flow)}")

    def compute(self):
        self.check(self.lib.mexpr_flow_compute(self.flow, *self.images, self.field))

    def result(self):
        self.compute()
        shape = self.pictures[0].shape
        planes = [np.ctypeslib.as_array(get(self.field), shape)
                  for get in (self.lib.mexpr_field_u, self.lib.mexpr_field_v)]
        return np.dstack(planes)

    def close(self):
        self.lib.mexpr_flow_destroy(c.byref(self.flow))
        self.lib.mexpr_field_destroy(c.byref(self.field))
        for image in self.images:
            self.lib.mexpr_image_destroy(c.byref(image))
        self.lib.mexpr_context_destroy(c.byref(self.context))


def drawn_pair():
    """A texture and its copy moved by a smooth field."""
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (160, 200)).astype(np.float32), (0, 0), 2)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    y, x = np.mgrid[0:160, 0:200].astype(np.float32)
    u, v = 1.5 * np.sin(y / 40), 1.2 * np.cos(x / 50)
    moved = cv2.remap(texture, x - u, y - v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (texture, moved)]


def pairs():
    """name, first, second: a drawn pair and, where there is a folder, the real ones."""
    yield "drawn", *drawn_pair()
    folder = os.environ.get("MEXPR_TEST_DATA", "")
    for base, names in (("pairs", ("onset.png", "apex.png")),
                        ("middlebury", ("frame10_gray.png", "frame11_gray.png"))):
        for clip in sorted(pathlib.Path(folder, base).glob("*")) if folder else []:
            if (clip / names[0]).exists():
                yield clip.name, *(cv2.imread(str(clip / n), cv2.IMREAD_GRAYSCALE)
                                   for n in names)


def farneback_parameters(values):
    zoom, levels, window, iterations, n, sigma, flags = values
    return {METHOD: FARNEBACK, ZOOM: zoom, SCALES: levels, WINDOW: window,
            ITERATIONS: iterations, POLY_N: n, POLY_SIGMA: sigma,
            GAUSSIAN: 1 if flags & cv2.OPTFLOW_FARNEBACK_GAUSSIAN else 0}


def has_dual_tvl1():
    return hasattr(cv2, "optflow") and hasattr(cv2.optflow, "DualTVL1OpticalFlow_create")
