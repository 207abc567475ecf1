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
from .dataset import DatasetCrop, Manifest, Record
from .evaluate import (Evaluation, Metrics, Protocol, evaluate, mcnemar, metrics,
                       metrics_interval)
from .flow import (FIELD_UNKNOWN, FIELD_UNKNOWN_THRESHOLD, LANDMARKS_68, MDMO_CORNERS,
                   MDMO_REGIONS, Bounds, Difference, Field, Flow, FlowMethod, FlowParam,
                   Histogram, HistogramNorm, HistogramWeight, MaskFill, Motion,
                   MotionModel, Reference, Strain, Stretch, mdmo_average, mdmo_regions,
                   polygons_mask)
from .fusion import (Classifier, ClassifierMethod, FusionRule, GammaUnit, Kernel, fuse_learn,
                     fuse_scores)
from .image import Clip, Colour, Filter, Format, Image, Missing
from .model import (MAX_RANK, Builder, DType, Init, Model, Node, Rewrite, Role, Session,
                    SessionMemory, Step, Tensor, TensorInfo, write_npy)
from .recognizer import Box, Recognizer, Result, Stage, recognize
from .saliency import Saliency, SaliencyFill, SaliencyMethod, SaliencyScore, explain
from .spot import (Band, Interpolation, LbpPatterns, LbpSampling, Magnifier, interpolate,
                   lbp_top, magnify)
from .system import System, build_system, systems
from .train import train, train_systems

__version__ = version()

__all__ = [
    "ArgumentError", "Band", "Bounds", "Box", "Builder", "CancelledError", "Classifier",
    "ClassifierMethod", "Clip", "Colour", "Context", "CpuFlag", "DType", "DatasetCrop",
    "Difference", "DisabledError", "ElementTypeError", "Error", "Evaluation",
    "FIELD_UNKNOWN", "FIELD_UNKNOWN_THRESHOLD", "Field", "FileError", "Filter", "Flow",
    "FlowMethod", "FlowParam", "Format", "FormatError", "FusionRule", "GammaUnit",
    "Histogram", "HistogramNorm", "HistogramWeight", "Image", "Init", "Interpolation",
    "Kernel", "LANDMARKS_68", "LbpPatterns", "LbpSampling", "LimitError", "LogLevel",
    "MAX_RANK", "MDMO_CORNERS", "MDMO_REGIONS", "Magnifier", "Manifest", "MaskFill",
    "Metrics", "Missing", "Model", "ModelError", "Motion", "MotionModel", "Node",
    "NotFoundError", "OutOfMemoryError", "Protocol", "Recognizer", "Record", "Reference",
    "Result", "Rewrite", "Role", "Saliency", "SaliencyFill", "SaliencyMethod",
    "SaliencyScore", "Session", "SessionMemory", "ShapeError", "Stage", "StateError",
    "Status", "Step", "Strain", "Stretch", "System", "Tensor", "TensorInfo",
    "__version__", "build_features", "build_system", "cpu_flags", "default_context",
    "evaluate", "explain", "fuse_learn", "fuse_scores", "interpolate", "lbp_top",
    "magnify", "mcnemar", "mdmo_average", "mdmo_regions", "metrics", "metrics_interval",
    "polygons_mask", "recognize", "systems", "train", "train_systems", "version",
    "write_npy",
]
