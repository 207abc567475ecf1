# SPDX-License-Identifier: MIT
"""Reads micro-expressions from video: optical flow, strain, networks, labels.

>>> import microexpr
>>> microexpr.recognize("onset.png", "apex.png").label  # doctest: +SKIP
'surprise'

A binding of libmicroexpr by ctypes; NumPy is used where it is installed.
"""

import importlib
from typing import TYPE_CHECKING

from .base import (ArgumentError, CancelledError, Context, CpuFlag, DisabledError,
                   ElementTypeError, Error, FileError, FormatError, LimitError, LogLevel,
                   ModelError, NotFoundError, OutOfMemoryError, ShapeError, StateError,
                   Status, build_features, cpu_flags, default_context, version)
from .dataset import (ActionUnit, CheckFiles, Classes, DatasetCrop, Finding, FindingKind,
                      Manifest, Record, Side, UnitCode, layouts, parse_action_units)
from .evaluate import (ApexMetrics, ClassMetrics, Comparison, Evaluation, FoldNetwork,
                       Joining, Metrics, Protocol, SpotInterval, SpottingMetrics, Strs,
                       UnitMetrics, apex_metrics, evaluate, fit_candidates, mcnemar,
                       metrics, metrics_class, metrics_compare, metrics_interval,
                       spotting_metrics, unit_metrics)
from .face import (MDMO_CORNERS, MDMO_REGIONS, Aligner, Alignment, Crop, Face, FaceFinder,
                   FaceMark, FaceRow, FaceTracker, Fit, HeadMotion, Occluder, Occlusion,
                   Regions, TransformModel, align_clip, crop_face, crop_names,
                   crop_transform, decode_landmarks, draw_faces, encode_landmarks,
                   face_region_boxes, face_regions, find_crop, find_faces, fit_transform,
                   invert_transform, landmarks_from_mesh, occlude, plan_occlusion,
                   read_landmarks, region_names, transform_points, write_landmarks,
                   write_pts)
from .flow import (FIELD_UNKNOWN, FIELD_UNKNOWN_THRESHOLD, Bounds, Difference, Field, Flow,
                   FlowMethod, FlowParam, Histogram, HistogramNorm, HistogramWeight,
                   MaskFill, Motion, MotionModel, Reference, Strain, Stretch, mdmo_average)
from .fusion import (Classifier, ClassifierMethod, FusionRule, GammaUnit, Kernel, fuse_learn,
                     fuse_models, fuse_scores)
from .image import (LANDMARKS_68, Clip, Colour, Filter, Format, Image, Missing,
                    polygons_mask)
from .model import (MAX_RANK, Builder, DType, Init, Model, Node, Rewrite, Role, Session,
                    SessionMemory, Step, Tensor, TensorInfo, write_npy)
from .recognizer import Box, Recognizer, Result, Stage, recognize
from .saliency import Saliency, SaliencyFill, SaliencyMethod, SaliencyScore, explain
from .spot import (Band, Interpolation, LbpPatterns, LbpSampling, Magnifier, interpolate,
                   lbp_top, magnify)
from .system import System, build_system, systems
from .train import (Loss, Normalisation, Optimiser, Schedule, Trainer, train, train_losses,
                    train_systems, trainer_recipe)

if TYPE_CHECKING:
    from .xlsx import read_xlsx

__version__ = version()

__all__ = [
    "ActionUnit", "Aligner", "Alignment", "ApexMetrics", "ArgumentError", "Band",
    "Bounds", "Box", "Builder", "CancelledError", "CheckFiles", "ClassMetrics",
    "Classes", "Classifier", "ClassifierMethod", "Clip", "Colour", "Comparison",
    "Context", "CpuFlag", "Crop", "DType", "DatasetCrop", "Difference", "DisabledError",
    "ElementTypeError", "Error", "Evaluation", "FIELD_UNKNOWN",
    "FIELD_UNKNOWN_THRESHOLD", "Face", "FaceFinder", "FaceMark", "FaceRow",
    "FaceTracker", "Field", "FileError", "Filter", "Finding", "FindingKind", "Fit",
    "Flow", "FlowMethod", "FlowParam", "FoldNetwork", "Format", "FormatError", "FusionRule",
    "GammaUnit", "HeadMotion", "Histogram", "HistogramNorm", "HistogramWeight", "Image",
    "Init", "Interpolation", "Joining", "Kernel", "LANDMARKS_68", "LbpPatterns",
    "LbpSampling", "LimitError", "LogLevel", "Loss", "MAX_RANK", "MDMO_CORNERS",
    "MDMO_REGIONS", "Magnifier", "Manifest", "MaskFill", "Metrics", "Missing", "Model",
    "ModelError", "Motion", "MotionModel", "Node", "Normalisation", "NotFoundError",
    "Occluder", "Occlusion", "Optimiser", "OutOfMemoryError", "Protocol", "Recognizer",
    "Record", "Reference", "Regions", "Result", "Rewrite", "Role", "Saliency",
    "SaliencyFill", "SaliencyMethod", "SaliencyScore", "Schedule", "Session",
    "SessionMemory", "ShapeError", "Side", "SpotInterval", "SpottingMetrics", "Stage",
    "StateError", "Status", "Step", "Strain", "Stretch", "Strs", "System", "Tensor",
    "TensorInfo", "Trainer", "TransformModel", "UnitCode", "UnitMetrics", "__version__",
    "align_clip", "apex_metrics", "build_features", "build_system", "cpu_flags",
    "crop_face", "crop_names", "crop_transform", "decode_landmarks", "default_context",
    "draw_faces", "encode_landmarks", "evaluate", "explain", "face_region_boxes",
    "face_regions", "find_crop", "find_faces", "fit_candidates", "fit_transform",
    "fuse_learn", "fuse_models", "fuse_scores", "interpolate", "invert_transform", "landmarks_from_mesh", "layouts",
    "lbp_top", "magnify", "mcnemar", "mdmo_average", "metrics", "metrics_class",
    "metrics_compare", "metrics_interval", "occlude", "parse_action_units",
    "plan_occlusion", "polygons_mask", "read_landmarks", "read_xlsx", "recognize",
    "region_names", "spotting_metrics", "systems", "train", "train_losses", "train_systems",
    "trainer_recipe", "transform_points", "unit_metrics", "version", "write_landmarks",
    "write_npy", "write_pts",
]

if not TYPE_CHECKING:
    def __getattr__(name):
        """xlsx when it is needed: python3 -m microexpr.xlsx runs a module not yet imported."""
        if name in ("read_xlsx", "xlsx"):
            module = importlib.import_module(".xlsx", __name__)
            return module if name == "xlsx" else module.read_xlsx
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
