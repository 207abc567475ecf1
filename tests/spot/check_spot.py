# SPDX-License-Identifier: MIT
"""Compares interpolation and magnification with independent NumPy computations, calling
the library through ctypes. Skipped (77) without NumPy.

    check_spot.py LIBRARY
"""

from __future__ import annotations

import ctypes as c
import sys

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed: skipped")
    sys.exit(77)

GREY8, RGB8, GREYF32 = 1, 2, 6
TAKE = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int64, c.c_void_p)


class InterpolateOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("method", c.c_int32), ("first", c.c_int64),
                ("n_in", c.c_int64), ("n_out", c.c_int64)]


class MagnifyOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_double) for name in "fps low high alpha wavelength chroma".split()] + [
        ("band", c.c_int32), ("levels", c.c_int32)]


def struct(structure, **fields):
    return structure(struct_size=c.sizeof(structure), **fields)


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        for name in ("mexpr_image_pixels", "mexpr_image_data"):
            getattr(self.lib, name).restype = c.c_void_p
            getattr(self.lib, name).argtypes = [c.c_void_p]
        self.lib.mexpr_context_last_error.restype = c.c_char_p
        self.context = c.c_void_p()
        self.lib.mexpr_context_create(None, c.byref(self.context))

    def ok(self, status):
        if status != 0:
            sys.exit(f"{status}: {self.lib.mexpr_context_last_error(self.context)}")

    def image(self, array):
        image = c.c_void_p()
        kind = GREYF32 if array.dtype == np.float32 else RGB8 if array.ndim == 3 else GREY8
        self.ok(self.lib.mexpr_image_create(self.context, kind, array.shape[1],
                                            array.shape[0], c.byref(image)))
        array = np.ascontiguousarray(array)
        c.memmove(self.lib.mexpr_image_pixels(image), array.ctypes.data, array.nbytes)
        return image

    def array(self, image, like):
        out = np.empty_like(like, order="C")
        c.memmove(out.ctypes.data, self.lib.mexpr_image_data(c.c_void_p(image)), out.nbytes)
        return out

    def interpolate(self, frames, n_out):
        clip, out = c.c_void_p(), []
        self.ok(self.lib.mexpr_clip_create(self.context, None, c.byref(clip)))
        for frame in frames:
            self.ok(self.lib.mexpr_clip_push(clip, c.byref(self.image(frame))))
        take = TAKE(lambda user, index, frame: out.append(self.array(frame, frames[0])) or 0)
        options = struct(InterpolateOptions, n_out=n_out)
        self.ok(self.lib.mexpr_interpolate(self.context, clip, c.byref(options), take, None,
                                           None))
        self.lib.mexpr_clip_destroy(c.byref(clip))
        return np.array(out)

    def magnify(self, frames, **fields):
        magnifier, result, out = c.c_void_p(), c.c_void_p(), []
        options = struct(MagnifyOptions, **fields)
        self.ok(self.lib.mexpr_magnifier_create(self.context, c.byref(options),
                                                c.byref(magnifier)))
        for frame in frames:
            image = self.image(frame)
            self.ok(self.lib.mexpr_magnifier_push(magnifier, image))
            self.ok(self.lib.mexpr_magnifier_pull(magnifier, c.byref(result)))
            out.append(self.array(result.value, frames[0]))
            self.lib.mexpr_image_destroy(c.byref(image))
        self.lib.mexpr_magnifier_destroy(c.byref(magnifier))
        return np.array(out)


# --- the temporal interpolation model, as the paper computes it ---------------------------


def tim(frames, n_out):
    """Zhou et al. 2011: SVD of the frames, linear extension of the graph embedding by its
    generalised eigenproblem, and the inverse map of the curve."""
    n = len(frames)
    x = np.array(frames, float).reshape(n, -1).T
    mean = x.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    u, g = u[:, :n - 1], s[:n - 1, None] * vt[:n - 1]
    path = np.zeros((n, n))
    path[np.arange(n - 1), np.arange(1, n)] = 1
    path += path.T
    laplacian = np.diag(path.sum(axis=1)) - path
    values, v = np.linalg.eig(np.linalg.inv(g @ g.T) @ (g @ laplacian @ g.T))
    v = v[:, np.argsort(values.real)].real  # v_k belongs to the k-th smallest
    k = np.arange(1, n)

    def curve(t):
        return np.sin(np.pi * k * t + np.pi * (n - k) / (2 * n))

    m = (v.T @ g)[:, 0] / curve(1 / n)  # the scale of each coordinate, from frame 1
    back = u @ np.linalg.inv(v.T)
    places = np.linspace(1 / n, 1, n_out)
    out = [back @ (m * curve(t)) + mean[:, 0] for t in places]
    return np.array(out).reshape((n_out,) + frames[0].shape)


def check_tim(library, rng):
    worst = 0
    for n, n_out in ((2, 5), (5, 5), (9, 10), (20, 7), (30, 64)):
        frames = [rng.uniform(0, 255, (13, 17)).astype(np.float32) for _ in range(n)]
        worst = max(worst, np.abs(library.interpolate(frames, n_out)
                                  - tim(frames, n_out)).max())
    print(f"TIM: largest difference to the paper's decomposition {worst:.2g} grey levels")
    return worst < 1e-3


# --- Eulerian magnification ---------------------------------------------------------------

KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def blur(plane):
    for axis in (0, 1):
        pad = [(2, 2) if a == axis else (0, 0) for a in (0, 1)]
        wide = np.pad(plane, pad, mode="reflect")
        n = plane.shape[axis]
        plane = sum(w * np.take(wide, range(i, i + n), axis) for i, w in enumerate(KERNEL))
    return plane


def expand(plane, shape):
    zeros = np.zeros(shape)
    zeros[::2, ::2] = plane
    return 4 * blur(zeros)


def recursion(band, low, high, fps):
    """Numerator and denominator in powers of 1/z, from the analogue polynomials."""
    lo, hi = np.tan(np.pi * low / fps), np.tan(np.pi * high / fps)
    b, w = hi - lo, lo * hi
    if band == 3:
        poles, zeros, gain = np.array([-lo, -hi]), 1, b
    elif band == 1:
        poles, zeros, gain = np.roots([1, b, w]), 1, b
    else:
        quartic = np.polymul([1, 0, w], [1, 0, w])
        quartic = np.polyadd(quartic, np.sqrt(2) * b * np.polymul([1, 0], [1, 0, w]))
        poles, zeros, gain = np.roots(np.polyadd(quartic, b * b * np.array([1, 0, 0]))), 2, b * b
    gain /= np.prod(1 - poles).real
    denominator = np.poly((1 + poles) / (1 - poles)).real
    return gain * np.poly([1] * zeros + [-1] * zeros), denominator


def band_pass(levels, b, a):
    """Direct form over time, starting as if the first had always been there."""
    past_x, past_y, out = [levels[0]] * len(b), [np.zeros_like(levels[0])] * len(a), []
    for x in levels:
        past_x = [x] + past_x[:-1]
        y = sum(k * v for k, v in zip(b, past_x)) - sum(
            k * v for k, v in zip(a[1:], past_y))
        past_y = [y] + past_y[:-1]
        out.append(y)
    return out


def magnify_plane(planes, share, o):
    b, a = recursion(o["band"], o["low"], o["high"], o["fps"])
    pyramids, shapes = [], []
    for plane in planes:
        levels, shapes = [], []
        while len(levels) < o["levels"] and min((s + 1) // 2 for s in plane.shape) >= 4:
            small = blur(plane)[::2, ::2]
            levels.append(plane - expand(small, plane.shape))
            shapes.append(plane.shape)
            plane = small
        pyramids.append(levels)
    added = [0] * len(planes)
    for k in range(len(shapes) - 1, -1, -1):
        gain = 5 * 2**k * (1 + o["alpha"]) / o["wavelength"] - 1
        gain = share * max(0, min(o["alpha"], gain))
        filtered = band_pass([p[k] for p in pyramids], b, a)
        added = [gain * y + (expand(d, shapes[k]) if k + 1 < len(shapes) else 0)
                 for y, d in zip(filtered, added)]
    return np.array(added)


YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263],
                [0.211456, -0.522591, 0.311135]])


def magnify(frames, o):
    frames = np.array(frames, float)
    if frames.ndim == 3:
        return frames + magnify_plane(frames, 1, o)
    yiq = frames @ YIQ.T
    added = [magnify_plane(yiq[..., p], 1 if p == 0 else o["chroma"], o) for p in range(3)]
    return frames + np.stack(added, axis=-1) @ np.linalg.inv(YIQ).T


def moving_texture(rng, n, height, width, channels):
    coarse = rng.uniform(40, 210, (height // 4 + 3, width // 4 + 3, channels))
    y, x = np.mgrid[0:height, 0:width]
    frames = []
    for t in range(n):
        yy, xx = (y + 0.3 * np.sin(t)) / 4 + 1, (x + 0.4 * np.sin(0.7 * t)) / 4 + 1
        i, j = yy.astype(int), xx.astype(int)
        fy, fx = (yy - i)[..., None], (xx - j)[..., None]
        frames.append((1 - fy) * ((1 - fx) * coarse[i, j] + fx * coarse[i, j + 1])
                      + fy * ((1 - fx) * coarse[i + 1, j] + fx * coarse[i + 1, j + 1]))
    return frames


def check_magnify(library, rng):
    good = True
    for band in (1, 2, 3):
        for height, width in ((48, 64), (37, 51)):
            o = dict(fps=30.0, low=1.0, high=5.0, alpha=7.0, wavelength=20.0, chroma=0.0,
                     band=band, levels=4)
            frames = [f[..., 0].astype(np.float32)
                      for f in moving_texture(rng, 25, height, width, 1)]
            error = np.abs(library.magnify(frames, **o) - magnify(frames, o)).max()
            print(f"magnify, band {band}, {width}x{height}: {error:.2g} grey levels")
            good &= error < 2e-3
    o["chroma"] = 0.4
    frames = [np.rint(f).astype(np.uint8) for f in moving_texture(rng, 25, 40, 44, 3)]
    want = np.clip(np.rint(magnify(frames, o)), 0, 255)
    got = library.magnify(frames, **o).astype(float)
    print(f"magnify, colour: {np.abs(got - want).max():g} levels, "
          f"{(got != want).mean():.2g} of the values differ")
    return good and np.abs(got - want).max() <= 1 and (got != want).mean() < 1e-3


def main():
    library = Library(sys.argv[1])
    good = check_tim(library, np.random.default_rng(1))
    good &= check_magnify(library, np.random.default_rng(2))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
