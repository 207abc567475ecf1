# SPDX-License-Identifier: MIT
"""Compares the features with independent NumPy computations, calling the library through
ctypes. Where OpenCV is there too, the HSV picture is compared with the code that published
systems use. Skipped (77) without NumPy.

    check_features.py LIBRARY
"""

from __future__ import annotations

import ctypes as c
import math
import sys

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed: skipped")
    sys.exit(77)

WIDTH, HEIGHT = 97, 83
GREY8, RGB8, GREYF32 = 1, 2, 6
POINTERS = ("mexpr_field_u_pixels", "mexpr_field_v_pixels", "mexpr_image_pixels")


class Polygons(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("xy", c.c_void_p), ("corners", c.c_void_p),
                ("n_polygons", c.c_int32)]


class Motion(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_double) for name in "cx cy dx dy angle zoom residual".split()] + [
        ("n_pixels", c.c_uint64)]


class MotionOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("model", c.c_int32),
                ("iterations", c.c_int32), ("outlier", c.c_double)]


class HistogramOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_int32) for name in
        "kind n_bins columns rows weight norm strain reserved".split()] + [
        ("min_magnitude", c.c_double)]


class LbpTopOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_int32) for name in
        "radius_x radius_y radius_t neighbours_xy neighbours_xt neighbours_yt columns rows "
        "layers sampling patterns counts".split()]


def struct(structure, **fields):
    return structure(struct_size=c.sizeof(structure), **fields)


class Library:
    def __init__(self, path: str) -> None:
        self.lib = c.CDLL(path)
        for name in POINTERS:
            getattr(self.lib, name).restype = c.c_void_p
        self.lib.mexpr_image_stride.restype = c.c_size_t
        self.lib.mexpr_context_last_error.restype = c.c_char_p
        self.context = c.c_void_p()
        assert self.lib.mexpr_context_create(None, c.byref(self.context)) == 0

    def call(self, name: str, *arguments) -> None:
        status = getattr(self.lib, name)(self.context, *arguments)
        if status != 0:
            sys.exit(f"{name}: {self.lib.mexpr_context_last_error(self.context).decode()}")

    def plane(self, field, name: str):
        address = getattr(self.lib, name)(field)
        return np.ctypeslib.as_array((c.c_float * (WIDTH * HEIGHT)).from_address(address)
                                     ).reshape(HEIGHT, WIDTH)

    def field(self, u, v):
        field = c.c_void_p()
        self.call("mexpr_field_create", WIDTH, HEIGHT, c.byref(field))
        self.plane(field, "mexpr_field_u_pixels")[:] = u
        self.plane(field, "mexpr_field_v_pixels")[:] = v
        return field

    def array(self, image):
        """A copy of a picture; the picture goes away."""
        width = self.lib.mexpr_image_width(image)
        height = self.lib.mexpr_image_height(image)
        kind, channels = {GREY8: (np.uint8, 1), RGB8: (np.uint8, 3),
                          GREYF32: (np.float32, 1)}[self.lib.mexpr_image_format(image)]
        stride = self.lib.mexpr_image_stride(image)
        raw = (c.c_char * (stride * height)).from_address(
            self.lib.mexpr_image_pixels(image))
        rows = np.frombuffer(raw, np.uint8).reshape(height, stride)
        size = width * channels * np.dtype(kind).itemsize
        out = rows[:, :size].copy().view(kind).reshape(height, width, channels)
        self.lib.mexpr_image_destroy(c.byref(image))
        return out[:, :, 0] if channels == 1 else out

    def picture(self, name: str, *arguments):
        image = c.c_void_p()
        self.call(name, *arguments, c.byref(image))
        return self.array(image)

    def frame(self, pixels):
        image = c.c_void_p()
        height, width = pixels.shape
        self.call("mexpr_image_create", GREY8, width, height, c.byref(image))
        stride = self.lib.mexpr_image_stride(image)
        raw = (c.c_uint8 * (stride * height)).from_address(
            self.lib.mexpr_image_pixels(image))
        np.ctypeslib.as_array(raw).reshape(height, stride)[:, :width] = pixels
        return image


def near(what: str, got, wanted, limit: float) -> None:
    error = float(np.max(np.abs(np.asarray(got, float) - np.asarray(wanted, float))))
    print(f"{what}: largest difference {error:.3g} (allowed {limit:g})")
    if not error <= limit:
        sys.exit(f"{what} differs")


def make_flow():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    u = np.sin(x / 11) + np.cos(y / 9) + 0.3 * rng.standard_normal((HEIGHT, WIDTH))
    v = np.cos(x / 13 + y / 7) + 0.3 * rng.standard_normal((HEIGHT, WIDTH))
    return u.astype(np.float32), v.astype(np.float32)


def check_polar(lib: Library, field, u, v) -> None:
    near("magnitude", lib.picture("mexpr_flow_magnitude", field),
         np.hypot(u, v, dtype=float), 1e-6)
    near("orientation", lib.picture("mexpr_flow_orientation", field),
         np.arctan2(v, u, dtype=float), 1e-6)


def strain_of(u, v):
    u_y, u_x = np.gradient(u.astype(float))
    v_y, v_x = np.gradient(v.astype(float))
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x)**2 / 2)


def histogram(lib: Library, field, n: int, **options):
    values = np.zeros(n, np.float32)
    size = c.c_size_t()
    lib.call("mexpr_flow_histogram", field,
             c.byref(struct(HistogramOptions, **options)),
             values.ctypes.data_as(c.c_void_p), c.c_size_t(n), c.byref(size))
    assert size.value == n
    return values.astype(float)


def blocks_of(n: int):
    rows = [i * HEIGHT // n for i in range(n + 1)]
    columns = [i * WIDTH // n for i in range(n + 1)]
    return [np.s_[rows[j]:rows[j + 1], columns[i]:columns[i + 1]]
            for j in range(n) for i in range(n)]


def check_histograms(lib: Library, field, u, v) -> None:
    magnitude = np.hypot(u, v, dtype=float)
    around = np.arctan2(v, u, dtype=float)
    folded = np.arctan2(v, np.abs(u), dtype=float)
    strain = strain_of(u, v)

    def of(angle, span, bins, blocks, norm=True, weight=None):
        out = []
        for block in blocks_of(blocks):
            h = np.histogram(angle[block], bins, (-span, span), weights=magnitude[block])[0]
            h = h / h.sum() if norm else h
            out.append(h if weight is None else h * weight[block].mean())
        return np.concatenate(out)

    near("oriented histogram", histogram(lib, field, 8 * 49, kind=1, columns=7, rows=7),
         of(around, math.pi, 8, 7), 1e-6)
    near("HOOF, 30 bins", histogram(lib, field, 30, kind=2, n_bins=30),
         of(folded, math.pi / 2, 30, 1), 1e-6)
    wanted = of(around, math.pi, 8, 8, False, strain)
    near("Bi-WOOF", histogram(lib, field, 512, kind=3) / wanted.max(),
         wanted / wanted.max(), 1e-6)


def check_motion(lib: Library, field, u, v) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    one, zero = np.ones(u.size), np.zeros(u.size)
    x, y = x.ravel(), y.ravel()
    a = np.concatenate([np.stack([one, zero, x, -y], 1), np.stack([zero, one, y, x], 1)])
    b = np.concatenate([u.ravel(), v.ravel()]).astype(float)
    dx, dy, p, q = np.linalg.lstsq(a, b, rcond=None)[0]
    motion = struct(Motion)
    lib.call("mexpr_field_fit_motion", field, None, None, c.byref(motion))
    got_p = motion.zoom * math.cos(motion.angle) - 1
    got_q = motion.zoom * math.sin(motion.angle)
    near("similarity fit", [motion.dx - got_p * motion.cx + got_q * motion.cy,
                            motion.dy - got_q * motion.cx - got_p * motion.cy, got_p, got_q],
         [dx, dy, p, q], 1e-9)
    left = b - a @ [dx, dy, p, q]
    near("residual", motion.residual, math.sqrt(left @ left / u.size), 1e-9)

    solution = np.zeros(4)  # the same iteration: plain, then 20 times Cauchy's weights
    weights = np.ones(u.size)
    for _ in range(21):
        w = np.sqrt(np.concatenate([weights, weights]))
        solution = np.linalg.lstsq(a * w[:, None], b * w, rcond=None)[0]
        left = (b - a @ solution).reshape(2, -1)
        weights = 1 / (1 + (left**2).sum(0) / 0.3**2)
    lib.call("mexpr_field_fit_motion", field, None,
             c.byref(struct(MotionOptions, outlier=0.3)), c.byref(motion))
    near("robust similarity fit",
         [motion.zoom * math.cos(motion.angle) - 1, motion.zoom * math.sin(motion.angle)],
         solution[2:], 1e-9)

    lib.call("mexpr_field_patch_motion", field, 40, 30, 11, 11, c.byref(motion))
    near("patch mean", [motion.dx, motion.dy],
         [u[30:41, 40:51].mean(dtype=float), v[30:41, 40:51].mean(dtype=float)], 1e-9)
    copy = lib.field(u, v)
    lib.call("mexpr_field_subtract_motion", copy, c.byref(motion))
    near("subtracted", lib.plane(copy, "mexpr_field_u_pixels"), u - motion.dx, 1e-6)
    lib.lib.mexpr_field_destroy(c.byref(copy))


def check_mdmo(lib: Library, field, u, v) -> None:
    """Boxes as regions; the 36 of a face are looked at in test_features.c."""
    boxes = [(3, 4, 30, 40), (30, 4, 60, 40), (50, 45, 97, 83)]
    xy = np.array([[x0, y0, x1, y0, x1, y1, x0, y1] for x0, y0, x1, y1 in boxes], np.float32)
    corners = np.full(len(boxes), 4, np.int32)
    polygons = struct(Polygons, xy=xy.ctypes.data, corners=corners.ctypes.data,
                      n_polygons=len(boxes))
    values = np.zeros(2 * len(boxes), np.float32)
    lib.call("mexpr_flow_mdmo", field, c.byref(polygons), None,
             values.ctypes.data_as(c.c_void_p), c.c_size_t(values.size), None)
    wanted = []
    for x0, y0, x1, y1 in boxes:
        box = np.s_[y0:y1, x0:x1]
        angle = np.arctan2(v[box], u[box], dtype=float).ravel()
        rho = np.hypot(u[box], v[box], dtype=float).ravel()
        of = np.digitize(angle, np.linspace(-np.pi, np.pi, 9)) - 1
        most = np.bincount(of, minlength=8).argmax()
        wanted += [rho[of == most].mean(), angle[of == most].mean()]
    near("MDMO", values, wanted, 1e-6)


def check_hsv(lib: Library, field, u, v) -> None:
    try:
        import cv2
    except ImportError:
        print("OpenCV is not installed: the HSV picture is not compared")
        return
    magnitude, angle = cv2.cartToPolar(u, v)
    hsv = np.zeros(u.shape + (3,), np.uint8)
    hsv[..., 0] = angle * 180 / np.pi / 2
    hsv[..., 1] = 255
    hsv[..., 2] = cv2.normalize(magnitude, None, 0, 255, cv2.NORM_MINMAX)
    wanted = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    got = lib.picture("mexpr_flow_hsv", field)
    # OpenCV rounds down where it works in vectors, and to nearest in the rest of a row:
    # compared are columns that are in vectors whatever the machine.
    differences = np.abs(got.astype(int) - wanted.astype(int))[:, :64]
    # OpenCV's angles are good to a hundredth of a degree: now and then the next hue.
    print(f"HSV against OpenCV {cv2.__version__}: {(differences.max(-1) > 0).mean():.2%} of "
          f"the pixels differ, by {differences.max()} at most")
    if differences.max() > 10 or (differences.max(-1) > 0).mean() > 0.005:
        sys.exit("the HSV picture differs")


def check_strip(lib: Library, field, u, v) -> None:
    panels = [p.astype(float) for p in (u, v, strain_of(u, v).astype(np.float32))]
    wanted = np.concatenate(
        [np.floor(255 * (p - p.min()) / (p.max() - p.min()) + 0.5) for p in panels], 1)
    near("strip", lib.picture("mexpr_flow_strip", field, 1, 1), wanted, 1)


def lbp_plane(clip, offsets, radii):
    """Codes of all centres; `offsets` are the neighbours as (t, y, x)."""
    def part(shift):
        return clip[tuple(slice(r + s, n - r + s)
                          for r, s, n in zip(radii, shift, clip.shape))]

    codes = np.zeros(part((0, 0, 0)).shape, np.int64)
    for bit, offset in enumerate(offsets):
        value = np.zeros(codes.shape)
        low = [math.floor(o) for o in offset]
        for corner in np.ndindex(2, 2, 2):
            weight = math.prod(o - f if k else 1 - (o - f)
                               for o, f, k in zip(offset, low, corner))
            if weight:
                value += weight * part([f + k for f, k in zip(low, corner)])
        codes += (value >= part((0, 0, 0)) - 1e-6) << bit
    return codes


def uniform_table():
    table, following = [], 0
    for code in range(256):
        bits = f"{code:08b}"
        if sum(bits[i] != bits[i - 1] for i in range(8)) <= 2:
            table.append(following)
            following += 1
        else:
            table.append(58)
    return np.array(table)


def check_lbp_top(lib: Library) -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 40, (15, 41, 37))
    clip = (noise + np.arange(37) * 3 + np.arange(15)[:, None, None] * 2).astype(np.uint8)
    radii = (3, 2, 1)  # t, y, x
    frames = (c.c_void_p * 15)(*[lib.frame(f) for f in clip])
    options = struct(LbpTopOptions, radius_x=1, radius_y=2, radius_t=3, columns=1, rows=1)
    got = np.zeros(177, np.float32)
    lib.call("mexpr_lbp_top", frames, 15, c.byref(options),
             got.ctypes.data_as(c.c_void_p), c.c_size_t(177), None)

    def circle(place):
        return [[0 if abs(o) < 1e-9 else round(o) if abs(o - round(o)) < 1e-9 else o
                 for o in place(math.cos(math.tau * p / 8), math.sin(math.tau * p / 8))]
                for p in range(8)]

    planes = [circle(lambda a, b: (0, -2 * b, a)), circle(lambda a, b: (3 * b, 0, a)),
              circle(lambda a, b: (3 * a, -2 * b, 0))]
    wanted = []
    for plane in planes:
        codes = uniform_table()[lbp_plane(clip.astype(float), plane, radii)]
        wanted.append(np.bincount(codes.ravel(), minlength=59) / codes.size)
    near("LBP-TOP", got, np.concatenate(wanted), 1e-6)
    for frame in frames:
        lib.lib.mexpr_image_destroy(c.byref(c.c_void_p(frame)))


def main() -> None:
    lib = Library(sys.argv[1])
    u, v = make_flow()
    field = lib.field(u, v)
    for check in (check_polar, check_histograms, check_motion, check_mdmo, check_hsv,
                  check_strip):
        check(lib, field, u, v)
    check_lbp_top(lib)
    lib.lib.mexpr_field_destroy(c.byref(field))
    lib.lib.mexpr_context_destroy(c.byref(lib.context))


if __name__ == "__main__":
    main()
