# SPDX-License-Identifier: MIT
"""The binding says what the headers say: every function, constant and struct, no more."""

from __future__ import annotations

import ctypes
import enum
import importlib
from pathlib import Path
from typing import Any

import headers
import pytest

import microexpr
from microexpr import (_signatures, base, dataset, face, flow, fusion, image, model,
                       recognizer, saliency, spot, system)

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLIC = headers.public_headers(ROOT)
FUNCTIONS = headers.functions(ROOT)

# Their names are functions' too.
evaluate = importlib.import_module("microexpr.evaluate")
train = importlib.import_module("microexpr.train")

PLAIN = {
    "void": None, "int8_t": ctypes.c_int8, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t,
    "double": ctypes.c_double, "float": ctypes.c_float, "void *": ctypes.c_void_p,
    "char *": ctypes.c_char_p,
}
ENUM_CLASSES = {
    "mexpr_status": (base.Status, "MEXPR_"),
    "mexpr_cpu_flag": (base.CpuFlag, "MEXPR_CPU_"),
    "mexpr_rewrite": (model.Rewrite, "MEXPR_REWRITE_"),
    "mexpr_log_level": (base.LogLevel, "MEXPR_LOG_"),
    "mexpr_format": (image.Format, "MEXPR_FORMAT_"),
    "mexpr_colour": (image.Colour, "MEXPR_COLOUR_"),
    "mexpr_filter": (image.Filter, "MEXPR_FILTER_"),
    "mexpr_flow_method": (flow.FlowMethod, "MEXPR_FLOW_METHOD_"),
    "mexpr_flow_param": (flow.FlowParam, "MEXPR_FLOW_"),
    "mexpr_strain": (flow.Strain, "MEXPR_STRAIN_"),
    "mexpr_mask_fill": (flow.MaskFill, "MEXPR_MASK_"),
    "mexpr_motion_model": (flow.MotionModel, "MEXPR_MOTION_"),
    "mexpr_histogram": (flow.Histogram, "MEXPR_HISTOGRAM_"),
    "mexpr_histogram_weight": (flow.HistogramWeight, "MEXPR_WEIGHT_"),
    "mexpr_histogram_norm": (flow.HistogramNorm, "MEXPR_NORM_"),
    "mexpr_stretch": (flow.Stretch, "MEXPR_STRETCH_"),
    "mexpr_flow_reference": (flow.Reference, "MEXPR_FLOW_REFERENCE_"),
    "mexpr_transform_model": (face.TransformModel, "MEXPR_TRANSFORM_"),
    "mexpr_regions": (face.Regions, "MEXPR_REGIONS_"),
    "mexpr_occluder": (face.Occluder, "MEXPR_OCCLUDER_"),
    "mexpr_face_mark": (face.FaceMark, "MEXPR_MARK_"),
    "mexpr_interpolation": (spot.Interpolation, "MEXPR_INTERPOLATION_"),
    "mexpr_band": (spot.Band, "MEXPR_BAND_"),
    "mexpr_lbp_sampling": (spot.LbpSampling, "MEXPR_LBP_"),
    "mexpr_lbp_patterns": (spot.LbpPatterns, "MEXPR_LBP_"),
    "mexpr_classifier_method": (fusion.ClassifierMethod, "MEXPR_CLASSIFIER_"),
    "mexpr_kernel": (fusion.Kernel, "MEXPR_KERNEL_"),
    "mexpr_gamma_unit": (fusion.GammaUnit, "MEXPR_GAMMA_"),
    "mexpr_fusion_rule": (fusion.FusionRule, "MEXPR_FUSION_"),
    "mexpr_optimiser": (train.Optimiser, "MEXPR_OPTIMISER_"),
    "mexpr_schedule": (train.Schedule, "MEXPR_SCHEDULE_"),
    "mexpr_loss": (train.Loss, "MEXPR_LOSS_"),
    "mexpr_normalisation": (train.Normalisation, "MEXPR_NORMALISATION_"),
    "mexpr_protocol": (evaluate.Protocol, "MEXPR_PROTOCOL_"),
    "mexpr_classes": (dataset.Classes, "MEXPR_CLASSES_"),
    "mexpr_au_side": (dataset.Side, "MEXPR_AU_SIDE_"),
    "mexpr_au_code": (dataset.UnitCode, "MEXPR_AU_CODE_"),
    "mexpr_finding_kind": (dataset.FindingKind, "MEXPR_FINDING_"),
    "mexpr_check_files": (dataset.CheckFiles, "MEXPR_CHECK_"),
    "mexpr_joining": (evaluate.Joining, "MEXPR_JOINING_"),
    "mexpr_strs": (evaluate.Strs, "MEXPR_STRS_"),
    "mexpr_dtype": (model.DType, "MEXPR_DTYPE_"),
    "mexpr_role": (model.Role, "MEXPR_ROLE_"),
    "mexpr_init": (model.Init, "MEXPR_INIT_"),
    "mexpr_saliency_method": (saliency.SaliencyMethod, "MEXPR_SALIENCY_"),
    "mexpr_saliency_fill": (saliency.SaliencyFill, "MEXPR_SALIENCY_FILL_"),
    "mexpr_saliency_score": (saliency.SaliencyScore, "MEXPR_SALIENCY_SCORE_"),
    "mexpr_stage": (recognizer.Stage, "MEXPR_STAGE_"),
}


def ctype(text: str) -> Any:
    """The ctypes type of a C type without const."""
    if text in PLAIN:
        return PLAIN[text]
    if text.endswith("*"):
        inner = text[:-1].rstrip() if not text.endswith("**") else text[:-1]
        return ctypes.POINTER(ctype(inner))
    return getattr(_signatures, text)


def names(kind: str) -> list[str]:
    return [name for header in PUBLIC for name in getattr(header, kind)]


def test_the_parser_sees_all() -> None:
    assert len(FUNCTIONS) > 90 and len(names("enums")) >= 10 and len(names("structs")) >= 5


def test_the_same_functions() -> None:
    assert set(_signatures.FUNCTIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_signature(name: str) -> None:
    declared = FUNCTIONS[name]
    result, arguments = _signatures.FUNCTIONS[name]
    assert result is ctype(declared.result)
    assert list(arguments) == [ctype(kind) for kind, _ in declared.arguments]
    bound = getattr(base.lib, name)
    assert bound.restype is result and tuple(bound.argtypes) == arguments


@pytest.mark.parametrize("name", names("callbacks"))
def test_callback(name: str) -> None:
    declared = next(header.callbacks[name] for header in PUBLIC if name in header.callbacks)
    assert getattr(_signatures, name) is ctypes.CFUNCTYPE(
        ctype(declared.result), *(ctype(kind) for kind, _ in declared.arguments))


@pytest.mark.parametrize("name", names("enums"))
def test_enum(name: str) -> None:
    assert getattr(_signatures, name) is ctypes.c_int
    kind, prefix = ENUM_CLASSES[name]
    declared = next(header.enums[name] for header in PUBLIC if name in header.enums)
    assert {prefix + member: value.value
            for member, value in kind.__members__.items()} == declared


@pytest.mark.parametrize("name", names("structs"))
def test_struct(name: str) -> None:
    """Same fields of the same types in the same order: then C's layout is ctypes'."""
    header = next(header for header in PUBLIC if name in header.structs)
    kind = getattr(_signatures, name)
    wanted = []
    for field in header.structs[name]:
        count = header.macros.get(field.count, field.count)
        element = ctype(field.type)
        wanted.append((field.name, element * int(count) if count else element))
    assert [tuple(field) for field in kind._fields_] == wanted
    value = kind()
    if wanted[0][0] == "struct_size":
        assert f"{name.upper()}_INIT" in header.macros
        assert value.struct_size == ctypes.sizeof(kind)


@pytest.mark.parametrize("name", sorted(set().union(*(h.opaque for h in PUBLIC))))
def test_opaque(name: str) -> None:
    assert not hasattr(getattr(_signatures, name), "_fields_")


def test_nothing_else_is_bound() -> None:
    known = {*names("callbacks"), *names("enums"), *names("structs"),
             *set().union(*(header.opaque for header in PUBLIC))}
    assert {name for name in vars(_signatures) if name.startswith("mexpr_")} == known


def test_constants() -> None:
    macros = {name: text for header in PUBLIC for name, text in header.macros.items()}
    assert model.MAX_RANK == int(macros["MEXPR_MAX_RANK"])
    assert image.LANDMARKS_68 == int(macros["MEXPR_LANDMARKS_68"])
    for name in ("MDMO_REGIONS", "MDMO_CORNERS"):
        assert getattr(face, name) == int(macros[f"MEXPR_{name}"])
    assert flow.FIELD_UNKNOWN == float(macros["MEXPR_FIELD_UNKNOWN"].rstrip("f"))
    assert (flow.FIELD_UNKNOWN_THRESHOLD
            == float(macros["MEXPR_FIELD_UNKNOWN_THRESHOLD"].rstrip("f")))
    version = [macros[f"MEXPR_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH")]
    assert microexpr.__version__ == ".".join(version)


def test_enum_classes_are_all_there_are() -> None:
    modules = (base, dataset, evaluate, face, flow, fusion, image, model, recognizer,
               saliency, spot, system, train)
    classes = {value for module in modules
               for value in vars(module).values()
               if isinstance(value, type) and issubclass(value, enum.Enum)
               and value.__module__.startswith("microexpr.")}
    assert classes == {kind for kind, _ in ENUM_CLASSES.values()}


def test_public_names_exist() -> None:
    for name in microexpr.__all__:
        assert hasattr(microexpr, name)
