# SPDX-License-Identifier: MIT
"""Finds libmicroexpr, loads it and binds every function of _signatures.py.

The library is, in this order: the file that the environment variable MICROEXPR_LIBRARY
names; a libmicroexpr beside this package; the one that the system's loader knows.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from pathlib import Path

from ._signatures import FUNCTIONS

SONAME = "libmicroexpr.so.0"
_NAMES = (SONAME, "libmicroexpr.so", "libmicroexpr.0.dylib", "libmicroexpr.dylib")


def _candidates() -> list[str]:
    named = os.environ.get("MICROEXPR_LIBRARY")
    if named:
        return [named]
    here = Path(__file__).resolve().parent
    beside = [str(here / name) for name in _NAMES if (here / name).is_file()]
    found = ctypes.util.find_library("microexpr")
    return [*beside, SONAME, *([found] if found else [])]


def _open() -> ctypes.CDLL:
    reasons = []
    for candidate in _candidates():
        try:
            return ctypes.CDLL(candidate)
        except OSError as error:
            reasons.append(f"{candidate}: {error}")
    raise ImportError(
        "libmicroexpr cannot be loaded; install it, or set MICROEXPR_LIBRARY to its file ("
        + "; ".join(reasons) + ")")


def _bind(library: ctypes.CDLL) -> None:
    missing = []
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            missing.append(name)
            continue
        function.restype = result
        function.argtypes = arguments
    if missing:
        raise ImportError(
            f"{library._name} is not the libmicroexpr that this package was made for; it "
            f"lacks {', '.join(missing)}", path=library._name)


lib = _open()
_bind(lib)
