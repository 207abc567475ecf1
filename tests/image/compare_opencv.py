# SPDX-License-Identifier: MIT
"""Compares decoding, resizing and smoothing with OpenCV's.

usage: compare_opencv.py libmicroexpr.so [picture ...]

Prints the largest difference of each kind and fails above the bounds that docs/image.md
states. Exit status 77, which counts as skipped, where numpy or OpenCV is missing.
"""
import ctypes as c
import sys

try:
    import cv2
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

GREY8, RGB8, GREYF32 = 1, 2, 6
AREA, BILINEAR, BICUBIC = 1, 2, 3
KEEP, GREY = 0, 1
TYPES = {1: (np.uint8, 1), 2: (np.uint8, 3), 4: (np.uint8, 4), 5: (np.uint16, 1),
         6: (np.float32, 1)}


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.mexpr_context_last_error.restype = c.c_char_p
        self.lib.mexpr_image_data.restype = c.c_void_p
        self.lib.mexpr_image_stride.restype = c.c_size_t
        self.context = c.c_void_p()
        assert self.lib.mexpr_context_create(None, c.byref(self.context)) == 0

    def call(self, name, *args):
        """Calls mexpr_image_<name>, which makes a picture."""
        out = c.c_void_p()
        status = getattr(self.lib, "mexpr_image_" + name)(self.context, *args, c.byref(out))
        if status != 0:
            raise RuntimeError(self.lib.mexpr_context_last_error(self.context).decode())
        return out

    def wrap(self, array):
        kind = GREYF32 if array.dtype == np.float32 else RGB8 if array.ndim == 3 else GREY8
        return self.call("wrap", kind, array.shape[1], array.shape[0],
                         c.c_size_t(array.strides[0]), c.c_void_p(array.ctypes.data), None,
                         None)

    def array(self, image):
        """Copies a picture out and destroys it."""
        dtype, channels = TYPES[self.lib.mexpr_image_format(image)]
        height = self.lib.mexpr_image_height(image)
        size = self.lib.mexpr_image_stride(image) * height
        pixels = np.frombuffer(c.string_at(self.lib.mexpr_image_data(image), size), dtype)
        self.lib.mexpr_image_destroy(c.byref(image))
        shape = (height, -1, channels) if channels > 1 else (height, -1)
        return pixels.reshape(shape).copy()

    def resize(self, array, size, kind):
        image = self.wrap(array)
        out = self.array(self.call("resize", image, *size, kind))
        self.lib.mexpr_image_destroy(c.byref(image))
        return out

    def decode(self, data, colour):
        return self.array(self.call("decode", data, c.c_size_t(len(data)), colour))


def difference(a, b):
    assert a.shape == b.shape, (a.shape, b.shape)
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def resizing(library, random):
    pairs = {AREA: cv2.INTER_AREA, BILINEAR: cv2.INTER_LINEAR, BICUBIC: cv2.INTER_CUBIC}
    names = {AREA: "area", BILINEAR: "bilinear", BICUBIC: "bicubic"}
    for kind, theirs in pairs.items():
        relative = grey = 0.0
        for width, height in ((140, 170), (33, 57), (7, 5), (1, 9), (640, 3)):
            for size in ((28, 28), (14, 10), (140, 171), (300, 11), (2, 2), (7, 3), (1, 1)):
                if kind == AREA and (size[0] > width or size[1] > height):
                    continue  # OpenCV enlarges by a rule of its own
                plane = random.uniform(0, 255, (height, width)).astype(np.float32)
                bytes_ = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
                expected = cv2.resize(plane, size, interpolation=theirs)
                error = difference(library.resize(plane, size, kind), expected)
                relative = max(relative, error / float(np.abs(expected).max()))
                expected = cv2.resize(bytes_, size, interpolation=theirs)
                grey = max(grey, difference(library.resize(bytes_, size, kind), expected))
        yield f"resize {names[kind]}, float, relative", relative, 1e-4
        yield f"resize {names[kind]}, 8 bit, grey levels", grey, 1


def smoothing(library, random):
    for sigma in (0.8, 2.0, 5.0):
        plane = random.uniform(0, 255, (60, 80)).astype(np.float32)
        radius = int(np.ceil(4 * sigma))
        expected = cv2.GaussianBlur(plane, (2 * radius + 1, 2 * radius + 1), sigma,
                                    borderType=cv2.BORDER_REFLECT)
        image = library.wrap(plane)
        out = library.array(library.call("gaussian", image, c.c_double(sigma)))
        library.lib.mexpr_image_destroy(c.byref(image))
        yield f"Gaussian {sigma}, float, relative", difference(out, expected) / 255, 1e-5


def decoding(library, random, paths):
    library.lib.mexpr_build_features.restype = c.c_char_p
    features = library.lib.mexpr_build_features().decode().split()
    small = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    made = cv2.resize(small, (123, 77), interpolation=cv2.INTER_CUBIC)
    files = [(".png", cv2.imencode(".png", made)[1].tobytes()),
             (".jpg", cv2.imencode(".jpg", made)[1].tobytes())]
    files += [(path[-4:], open(path, "rb").read()) for path in paths]
    files = [f for f in files if {".png": "png", ".jpg": "jpeg"}[f[0]] in features]
    colour = grey = 0.0
    for _, data in files:
        encoded = np.frombuffer(data, np.uint8)
        expected = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        if expected.ndim == 3:
            expected = cv2.cvtColor(expected, cv2.COLOR_BGRA2RGBA if expected.shape[2] == 4
                                    else cv2.COLOR_BGR2RGB)
        colour = max(colour, difference(library.decode(data, KEEP), expected))
        grey = max(grey, difference(library.decode(data, GREY),
                                    cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)))
    yield f"{len(files)} files as stored, grey levels", colour, 1
    yield f"{len(files)} files to grey, grey levels", grey, 1


def main():
    library = Library(sys.argv[1])
    random = np.random.default_rng(1)
    failed = False
    for results in (resizing(library, random), smoothing(library, random),
                    decoding(library, random, sys.argv[2:])):
        for what, error, bound in results:
            failed |= not error <= bound
            print(f"{what}: {error:.3g} (bound {bound:g})")
    return failed


sys.exit(main())
