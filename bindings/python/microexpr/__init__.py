# SPDX-License-Identifier: MIT
"""Reads micro-expressions from video: optical flow, strain, networks, labels.

>>> import microexpr
>>> microexpr.recognize("onset.png", "apex.png").label  # doctest: +SKIP
'surprise'

A binding of libmicroexpr by ctypes; NumPy is used where it is installed.
"""

from .base import (ArgumentError, CancelledError, Context, CpuFlag, DisabledError,
                   ElementTypeError, Error, FileError, FormatError, LimitError, LogLevel,
                   ModelError, NotFoundError, OutOfMemoryError, ShapeError, StateError,
                   Status, build_features, cpu_flags, default_context, version)
from .flow import (FIELD_UNKNOWN, FIELD_UNKNOWN_THRESHOLD, Bounds, Difference, Field, Flow,
                   FlowParam, Strain)
from .image import Colour, Filter, Format, Image
from .model import MAX_RANK, DType, Model, Node, Session, Tensor, TensorInfo, write_npy
from .recognizer import Box, Recognizer, Result, Stage, recognize

__version__ = version()

__all__ = [
    "ArgumentError", "Bounds", "Box", "CancelledError", "Colour", "Context", "CpuFlag",
    "DType", "Difference", "DisabledError", "ElementTypeError", "Error",
    "FIELD_UNKNOWN", "FIELD_UNKNOWN_THRESHOLD", "Field", "FileError", "Filter", "Flow",
    "FlowParam", "Format", "FormatError", "Image", "LimitError", "LogLevel", "MAX_RANK",
    "Model", "ModelError", "Node", "NotFoundError", "OutOfMemoryError", "Recognizer",
    "Result", "Session", "ShapeError", "Stage", "StateError", "Status", "Strain", "Tensor",
    "TensorInfo", "__version__", "build_features", "cpu_flags", "default_context",
    "recognize", "version", "write_npy",
]
