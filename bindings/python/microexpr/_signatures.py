# SPDX-License-Identifier: MIT
"""The C interface in ctypes: one line per declaration of include/microexpr/*.h.

tests/python/test_signatures.py compares every line with the headers.
"""

from __future__ import annotations

from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_float, c_int, c_int8,
                    c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, sizeof)
from typing import Any

# Enums are ints to the machine. Their values: the Enum classes of base.py, image.py, …
mexpr_status = c_int
mexpr_cpu_flag = c_int
mexpr_log_level = c_int
mexpr_format = c_int
mexpr_colour = c_int
mexpr_filter = c_int
mexpr_flow_method = c_int
mexpr_flow_param = c_int
mexpr_strain = c_int
mexpr_mask_fill = c_int
mexpr_motion_model = c_int
mexpr_histogram = c_int
mexpr_histogram_weight = c_int
mexpr_histogram_norm = c_int
mexpr_stretch = c_int
mexpr_flow_reference = c_int
mexpr_transform_model = c_int
mexpr_regions = c_int
mexpr_occluder = c_int
mexpr_face_mark = c_int
mexpr_lbp_sampling = c_int
mexpr_lbp_patterns = c_int
mexpr_interpolation = c_int
mexpr_band = c_int
mexpr_dtype = c_int
mexpr_rewrite = c_int
mexpr_role = c_int
mexpr_init = c_int
mexpr_stage = c_int
mexpr_classifier_method = c_int
mexpr_kernel = c_int
mexpr_gamma_unit = c_int
mexpr_fusion_rule = c_int
mexpr_optimiser = c_int
mexpr_schedule = c_int
mexpr_loss = c_int
mexpr_normalisation = c_int
mexpr_protocol = c_int
mexpr_classes = c_int
mexpr_au_side = c_int
mexpr_au_code = c_int
mexpr_finding_kind = c_int
mexpr_check_files = c_int
mexpr_joining = c_int
mexpr_strs = c_int
mexpr_saliency_method = c_int
mexpr_saliency_fill = c_int
mexpr_saliency_score = c_int

mexpr_log_fn = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
mexpr_alloc_fn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
mexpr_free_fn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
mexpr_progress_fn = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint64)
mexpr_epoch_fn = CFUNCTYPE(c_int32, c_void_p, c_int32, c_int32, c_double)
mexpr_release_fn = CFUNCTYPE(None, c_void_p, c_void_p)
mexpr_read_fn = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_size_t)

MEXPR_MAX_RANK = 8
MEXPR_LANDMARKS_68 = 68
MEXPR_MDMO_REGIONS = 36
MEXPR_MDMO_CORNERS = 207


class mexpr_context(Structure):
    """Opaque."""


class mexpr_image(Structure):
    """Opaque."""


class mexpr_clip(Structure):
    """Opaque."""


class mexpr_field(Structure):
    """Opaque."""


class mexpr_flow(Structure):
    """Opaque."""


class mexpr_aligner(Structure):
    """Opaque."""


class mexpr_face_finder(Structure):
    """Opaque."""


class mexpr_face_table(Structure):
    """Opaque."""


class mexpr_face_tracker(Structure):
    """Opaque."""


class mexpr_magnifier(Structure):
    """Opaque."""


class mexpr_classifier(Structure):
    """Opaque."""


class mexpr_trainer(Structure):
    """Opaque."""


class mexpr_manifest(Structure):
    """Opaque."""


class mexpr_findings(Structure):
    """Opaque."""


class mexpr_evaluation(Structure):
    """Opaque."""


class mexpr_model(Structure):
    """Opaque."""


class mexpr_builder(Structure):
    """Opaque."""


class mexpr_session(Structure):
    """Opaque."""


class mexpr_tensor(Structure):
    """Opaque."""


class mexpr_recognizer(Structure):
    """Opaque."""


class mexpr_result(Structure):
    """Opaque."""


class mexpr_saliency(Structure):
    """Opaque."""


mexpr_field_fn = CFUNCTYPE(c_int32, c_void_p, c_int64, POINTER(mexpr_field))
mexpr_frame_fn = CFUNCTYPE(c_int32, c_void_p, c_int64, POINTER(mexpr_image))


class _Sized(Structure):
    """A struct whose first field is its size, as its …_INIT macro sets it."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(struct_size=sizeof(self), **fields)


class mexpr_context_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("alloc", mexpr_alloc_fn),
        ("free", mexpr_free_fn),
        ("alloc_user", c_void_p),
        ("log", mexpr_log_fn),
        ("log_user", c_void_p),
        ("log_level", c_int32),
        ("n_threads", c_int32),
        ("cpu_mask", c_uint32),
        ("cpu_mask_set", c_uint32),
        ("max_pixels", c_uint64),
        ("max_frames", c_uint64),
        ("max_file_bytes", c_uint64),
        ("max_nodes", c_uint64),
        ("max_tensor_bytes", c_uint64),
    ]


class mexpr_polygons(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("xy", POINTER(c_float)),
        ("corners", POINTER(c_int32)),
        ("n_polygons", c_int32),
    ]


class mexpr_face(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", c_int64),
        ("box", c_double * 4),
        ("score", c_double),
        ("confidence", c_double),
        ("has_landmarks", c_int32),
        ("followed", c_int32),
        ("landmarks", c_float * 136),
    ]


class mexpr_face_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("smallest", c_double),
        ("largest", c_double),
        ("threshold", c_double),
        ("threshold_set", c_int32),
        ("max_faces", c_int32),
        ("boxes_only", c_int32),
        ("search", c_int32),
        ("no_filter", c_int32),
        ("reserved", c_int32),
        ("confidence", c_double),
    ]


class mexpr_crop(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("width", c_int32),
        ("height", c_int32),
        ("eye_distance", c_double),
        ("eye_y", c_double),
    ]


class mexpr_head_motion(Structure):
    _fields_ = [
        ("dx", c_double),
        ("dy", c_double),
        ("angle", c_double),
        ("zoom", c_double),
    ]


class mexpr_alignment(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("frame", c_int64),
        ("before", mexpr_head_motion),
        ("after", mexpr_head_motion),
        ("residual", c_double),
        ("correlation", c_double),
        ("matrix", c_double * 6),
        ("is_lost", c_int32),
        ("iterations", c_int32),
    ]


class mexpr_align_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("crop", POINTER(mexpr_crop)),
        ("model", c_int32),
        ("landmarks", c_int32),
        ("least", c_double),
    ]


class mexpr_align_clip_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("onset", c_int64),
        ("first", c_int64),
        ("n_frames", c_int64),
        ("landmarks", POINTER(c_float)),
    ]


class mexpr_occlusion(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("variant", c_int32),
        ("width", c_double),
        ("height", c_double),
        ("dx", c_double),
        ("dy", c_double),
    ]


class mexpr_face_row(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("frame", c_int64),
        ("face_id", c_int64),
        ("timestamp", c_double),
        ("confidence", c_double),
        ("success", c_int32),
        ("reserved", c_int32),
        ("landmarks", c_float * 136),
    ]


class mexpr_motion(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("cx", c_double),
        ("cy", c_double),
        ("dx", c_double),
        ("dy", c_double),
        ("angle", c_double),
        ("zoom", c_double),
        ("residual", c_double),
        ("n_pixels", c_uint64),
    ]


class mexpr_motion_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("model", c_int32),
        ("iterations", c_int32),
        ("outlier", c_double),
    ]


class mexpr_histogram_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("n_bins", c_int32),
        ("columns", c_int32),
        ("rows", c_int32),
        ("weight", c_int32),
        ("norm", c_int32),
        ("strain", c_int32),
        ("reserved", c_int32),
        ("min_magnitude", c_double),
    ]


class mexpr_mdmo_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n_bins", c_int32),
        ("reserved", c_int32),
        ("min_magnitude", c_double),
    ]


class mexpr_arrow_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("step", c_int32),
        ("colour_set", c_int32),
        ("colour", c_uint32),
        ("reserved", c_int32),
        ("scale", c_double),
        ("thickness", c_double),
        ("min_magnitude", c_double),
    ]


class mexpr_clip_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("colour", c_int32),
        ("fps_numerator", c_int32),
        ("fps_denominator", c_int32),
    ]


class mexpr_flow_clip_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("reference", c_int32),
        ("onset", c_int64),
        ("first", c_int64),
        ("n_frames", c_int64),
    ]


class mexpr_interpolate_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("first", c_int64),
        ("n_in", c_int64),
        ("n_out", c_int64),
    ]


class mexpr_magnify_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("fps", c_double),
        ("low", c_double),
        ("high", c_double),
        ("alpha", c_double),
        ("wavelength", c_double),
        ("chroma", c_double),
        ("band", c_int32),
        ("levels", c_int32),
    ]


class mexpr_lbp_top_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("radius_x", c_int32),
        ("radius_y", c_int32),
        ("radius_t", c_int32),
        ("neighbours_xy", c_int32),
        ("neighbours_xt", c_int32),
        ("neighbours_yt", c_int32),
        ("columns", c_int32),
        ("rows", c_int32),
        ("layers", c_int32),
        ("sampling", c_int32),
        ("patterns", c_int32),
        ("counts", c_int32),
    ]


class mexpr_classifier_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("kernel", c_int32),
        ("gamma_unit", c_int32),
        ("unbalanced", c_int32),
        ("gamma", c_double),
        ("cost", c_double),
        ("ridge", c_double),
        ("tolerance", c_double),
    ]


class mexpr_manifest_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("label", c_char_p),
    ]


class mexpr_record(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("dataset", c_char_p),
        ("subject", c_char_p),
        ("clip", c_char_p),
        ("path", c_char_p),
        ("type", c_char_p),
        ("emotion", c_char_p),
        ("action_units", c_char_p),
        ("errata", c_char_p),
        ("label", c_int32),
        ("person", c_int32),
        ("dataset_index", c_int32),
        ("line", c_int32),
        ("first_frame", c_int64),
        ("onset", c_int64),
        ("apex", c_int64),
        ("offset", c_int64),
        ("fps", c_double),
        ("label3", c_char_p),
        ("label5", c_char_p),
        ("objective", c_char_p),
    ]


class mexpr_layout_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("classes", c_int32),
        ("no_errata", c_int32),
        ("type", c_char_p),
        ("prefix", c_char_p),
    ]


class mexpr_action_unit(Structure):
    _fields_ = [
        ("number", c_int32),
        ("code", c_int32),
        ("side", c_int32),
        ("intensity", c_int32),
        ("intensity_to", c_int32),
        ("doubtful", c_int32),
        ("choice", c_int32),
    ]


class mexpr_check_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("files", c_int32),
    ]


class mexpr_finding(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("clip", c_int64),
        ("frame", c_int64),
        ("detail", c_char_p),
    ]


class mexpr_dataset_crop(Structure):
    _fields_ = [
        ("dataset", c_char_p),
        ("scale_x", c_double),
        ("scale_y", c_double),
        ("shift_x", c_double),
        ("shift_y", c_double),
    ]


class mexpr_trainer_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("seed", c_uint64),
        ("epochs", c_int32),
        ("batch", c_int32),
        ("is_shuffled", c_int32),
        ("optimiser", c_int32),
        ("rate", c_double),
        ("momentum", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
        ("is_nesterov", c_int32),
        ("schedule", c_int32),
        ("factor", c_double),
        ("step_epochs", c_int32),
        ("warm_up", c_int32),
        ("clip_norm", c_double),
        ("average", c_double),
        ("frozen", c_char_p),
        ("slow", c_char_p),
        ("slow_rate", c_double),
        ("loss", c_int32),
        ("is_balanced", c_int32),
        ("gamma", c_double),
        ("smoothing", c_double),
        ("normalisation", c_int32),
        ("is_mirrored", c_int32),
        ("flip", c_double),
        ("turn", c_double),
        ("shift", c_double),
        ("zoom", c_double),
        ("noise", c_double),
        ("occlusion", c_double),
        ("gain", c_double),
        ("blur", c_double),
        ("jitter", c_double),
        ("mixup", c_double),
        ("labels", c_char_p),
        ("checkpoint", c_char_p),
        ("checkpoint_epochs", c_int32),
        ("terms", c_char_p),
    ]


class mexpr_train_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("labels", c_char_p),
        ("epochs", c_int32),
        ("normalisation", c_int32),
        ("seed", c_uint64),
    ]


class mexpr_metrics(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n", c_int64),
        ("n_classes", c_int32),
        ("n_absent", c_int32),
        ("accuracy", c_double),
        ("uf1", c_double),
        ("uar", c_double),
        ("weighted_f1", c_double),
    ]


class mexpr_fold_network(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("model", POINTER(mexpr_model)),
        ("clips", POINTER(c_int64)),
        ("scores", POINTER(c_float)),
        ("n_clips", c_int64),
        ("weight", c_double),
        ("seed", c_int32),
        ("fold", c_int32),
        ("candidate", c_int32),
    ]


mexpr_watch_fn = CFUNCTYPE(
    c_int, c_void_p, POINTER(mexpr_context), POINTER(mexpr_fold_network))


class mexpr_evaluate_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("protocol", c_int32),
        ("n_folds", c_int32),
        ("seed", c_uint64),
        ("train_dataset", c_char_p),
        ("test_dataset", c_char_p),
        ("n_seeds", c_int32),
        ("joining", c_int32),
        ("inner_folds", c_int32),
        ("watch", mexpr_watch_fn),
        ("watch_user", c_void_p),
    ]


class mexpr_class_metrics(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("support", c_int64),
        ("taken", c_int64),
        ("hits", c_int64),
        ("precision", c_double),
        ("recall", c_double),
        ("f1", c_double),
    ]


class mexpr_comparison(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n", c_int64),
        ("only_a", c_int64),
        ("only_b", c_int64),
        ("p", c_double),
        ("uf1", c_double),
        ("uf1_low", c_double),
        ("uf1_high", c_double),
        ("uf1_above", c_double),
        ("uar", c_double),
        ("uar_low", c_double),
        ("uar_high", c_double),
        ("uar_above", c_double),
    ]


class mexpr_unit_counts(Structure):
    _fields_ = [("tp", c_int64), ("fp", c_int64), ("fn", c_int64), ("tn", c_int64)]


class mexpr_unit_metrics(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n", c_int64),
        ("n_units", c_int32),
        ("n_absent", c_int32),
        ("mean_f1", c_double),
        ("mean_f1_all", c_double),
        ("micro_f1", c_double),
        ("accuracy", c_double),
        ("exact", c_double),
    ]


class mexpr_spot_interval(Structure):
    _fields_ = [
        ("onset", c_int64),
        ("apex", c_int64),
        ("offset", c_int64),
        ("clip", c_int32),
        ("person", c_int32),
        ("label", c_int32),
    ]


class mexpr_spotting_metrics(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("tp", c_int64),
        ("fp", c_int64),
        ("fn", c_int64),
        ("precision", c_double),
        ("recall", c_double),
        ("f1", c_double),
        ("n_apex", c_int64),
        ("apex_mae", c_double),
        ("apex_mae_share", c_double),
        ("apex_inside", c_double),
        ("n_analysed", c_int64),
        ("analysis_precision", c_double),
        ("analysis_recall", c_double),
        ("analysis_f1", c_double),
        ("analysis_uf1", c_double),
        ("analysis_uar", c_double),
        ("strs", c_double),
    ]


class mexpr_apex_metrics(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n", c_int64),
        ("n_found", c_int64),
        ("mae", c_double),
        ("mae_share", c_double),
        ("deviation", c_double),
        ("inside", c_double),
    ]


class mexpr_model_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rewrites", c_uint32),
        ("drop_source", c_uint32),
    ]


class mexpr_tensor_info(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * MEXPR_MAX_RANK),
    ]


class mexpr_tensor_view(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * MEXPR_MAX_RANK),
        ("data", c_void_p),
    ]


class mexpr_step_info(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("op", c_char_p),
        ("n_threads", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * MEXPR_MAX_RANK),
        ("multiply_adds", c_double),
        ("result_bytes", c_uint64),
        ("scratch_bytes", c_uint64),
        ("n_runs", c_uint64),
        ("milliseconds", c_double),
        ("min_milliseconds", c_double),
    ]


class mexpr_memory_info(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("weight_bytes", c_uint64),
        ("source_bytes", c_uint64),
        ("block_bytes", c_uint64),
        ("result_bytes", c_uint64),
        ("scratch_bytes", c_uint64),
    ]


class mexpr_system_info(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("title", c_char_p),
        ("n_classes", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("size_step", c_int32),
        ("n_parameters", c_uint64),
    ]


class mexpr_system_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("n_classes", c_int32),
        ("size", c_int32),
        ("seed", c_uint64),
    ]


class mexpr_box(Structure):
    _fields_ = [("x", c_int32), ("y", c_int32), ("width", c_int32), ("height", c_int32)]


class mexpr_recognizer_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("model", POINTER(mexpr_model)),
        ("labels", c_char_p),
        ("planes", c_char_p),
        ("strain", c_int32),
        ("smallest_face", c_int32),
    ]


class mexpr_saliency_options(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_int32),
        ("target", c_int32),
        ("input", c_int32),
        ("output", c_int32),
        ("patch", c_int32),
        ("stride", c_int32),
        ("fill", c_int32),
        ("score", c_int32),
        ("fill_value", c_float),
        ("batch", c_int32),
        ("layer", c_char_p),
        ("progress", mexpr_progress_fn),
        ("user", c_void_p),
    ]


mexpr_aligned_fn = CFUNCTYPE(c_int32, c_void_p,
                             POINTER(mexpr_image), POINTER(mexpr_alignment))
mexpr_fit_fn = CFUNCTYPE(
    c_int, c_void_p, POINTER(mexpr_context), POINTER(mexpr_tensor_view), POINTER(c_int32),
    c_int32, c_uint64, POINTER(POINTER(mexpr_model)))


class mexpr_candidate(Structure):
    _fields_ = [("name", c_char_p), ("fit", mexpr_fit_fn), ("user", c_void_p)]


_context = POINTER(mexpr_context)
_image = POINTER(mexpr_image)
_clip = POINTER(mexpr_clip)
_classifier = POINTER(mexpr_classifier)
_trainer = POINTER(mexpr_trainer)
_manifest = POINTER(mexpr_manifest)
_findings = POINTER(mexpr_findings)
_evaluation = POINTER(mexpr_evaluation)
_magnifier = POINTER(mexpr_magnifier)
_field = POINTER(mexpr_field)
_flow = POINTER(mexpr_flow)
_model = POINTER(mexpr_model)
_builder = POINTER(mexpr_builder)
_session = POINTER(mexpr_session)
_tensor = POINTER(mexpr_tensor)
_recognizer = POINTER(mexpr_recognizer)
_result = POINTER(mexpr_result)
_saliency = POINTER(mexpr_saliency)
_floats = POINTER(c_float)
_doubles = POINTER(c_double)
_sizes_out = POINTER(c_size_t)
_polygons = POINTER(mexpr_polygons)
_motion = POINTER(mexpr_motion)
_string_out = POINTER(c_char_p)
_pointer_out = POINTER(c_void_p)

# name: (what it returns, (its arguments))
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # base.h
    "mexpr_status_name": (c_char_p, (mexpr_status,)),
    "mexpr_status_message": (c_char_p, (mexpr_status,)),
    "mexpr_version": (c_int32, ()),
    "mexpr_version_string": (c_char_p, ()),
    "mexpr_build_features": (c_char_p, ()),
    "mexpr_cpu_flags": (c_uint32, ()),
    "mexpr_context_create": (
        mexpr_status, (POINTER(mexpr_context_options), POINTER(_context))),
    "mexpr_context_destroy": (None, (POINTER(_context),)),
    "mexpr_context_last_error": (c_char_p, (_context,)),
    "mexpr_context_threads": (c_int32, (_context,)),
    "mexpr_context_cpu": (c_uint32, (_context,)),
    # image.h
    "mexpr_format_bytes": (c_size_t, (mexpr_format,)),
    "mexpr_image_create": (
        mexpr_status, (_context, mexpr_format, c_int32, c_int32, POINTER(_image))),
    "mexpr_image_wrap": (
        mexpr_status, (_context, mexpr_format, c_int32, c_int32, c_size_t, c_void_p,
                       mexpr_release_fn, c_void_p, POINTER(_image))),
    "mexpr_image_destroy": (None, (POINTER(_image),)),
    "mexpr_image_width": (c_int32, (_image,)),
    "mexpr_image_height": (c_int32, (_image,)),
    "mexpr_image_format": (mexpr_format, (_image,)),
    "mexpr_image_stride": (c_size_t, (_image,)),
    "mexpr_image_data": (c_void_p, (_image,)),
    "mexpr_image_pixels": (c_void_p, (_image,)),
    "mexpr_image_read": (
        mexpr_status, (_context, c_char_p, mexpr_colour, POINTER(_image))),
    "mexpr_image_decode": (
        mexpr_status, (_context, c_void_p, c_size_t, mexpr_colour, POINTER(_image))),
    "mexpr_image_write_png": (mexpr_status, (_context, _image, c_char_p)),
    "mexpr_image_encode_png": (
        mexpr_status, (_context, _image, _pointer_out, POINTER(c_size_t))),
    "mexpr_bytes_free": (None, (_context, _pointer_out)),
    "mexpr_image_convert": (
        mexpr_status, (_context, _image, mexpr_format, POINTER(_image))),
    "mexpr_image_resize": (
        mexpr_status,
        (_context, _image, c_int32, c_int32, mexpr_filter, POINTER(_image))),
    "mexpr_image_crop": (
        mexpr_status,
        (_context, _image, c_int32, c_int32, c_int32, c_int32, POINTER(_image))),
    "mexpr_image_gaussian": (mexpr_status, (_context, _image, c_double, POINTER(_image))),
    "mexpr_image_warp": (
        mexpr_status, (_context, _image, _doubles, c_int32, c_int32, POINTER(_image))),
    "mexpr_polygons_mask": (
        mexpr_status, (_context, _polygons, c_double, c_int32, c_int32, POINTER(_image))),
    "mexpr_clip_open": (
        mexpr_status, (_context, c_char_p, POINTER(mexpr_clip_options), POINTER(_clip))),
    "mexpr_clip_open_y4m": (
        mexpr_status,
        (_context, mexpr_read_fn, c_void_p, POINTER(mexpr_clip_options), POINTER(_clip))),
    "mexpr_clip_open_raw": (
        mexpr_status,
        (_context, mexpr_format, c_int32, c_int32, mexpr_read_fn, c_void_p,
         POINTER(mexpr_clip_options), POINTER(_clip))),
    "mexpr_clip_create": (
        mexpr_status, (_context, POINTER(mexpr_clip_options), POINTER(_clip))),
    "mexpr_clip_push": (mexpr_status, (_clip, POINTER(_image))),
    "mexpr_clip_destroy": (None, (POINTER(_clip),)),
    "mexpr_clip_last_error": (c_char_p, (_clip,)),
    "mexpr_clip_frame": (mexpr_status, (_clip, c_int64, POINTER(_image))),
    "mexpr_clip_n_frames": (c_int64, (_clip,)),
    "mexpr_clip_is_stream": (c_int32, (_clip,)),
    "mexpr_clip_width": (c_int32, (_clip,)),
    "mexpr_clip_height": (c_int32, (_clip,)),
    "mexpr_clip_fps": (mexpr_status, (_clip, POINTER(c_int32), POINTER(c_int32))),
    "mexpr_clip_name": (c_char_p, (_clip, c_int64)),
    "mexpr_clip_number": (c_int64, (_clip, c_int64)),
    "mexpr_clip_missing": (c_uint64, (_clip, POINTER(c_int64))),
    # face.h
    "mexpr_face_finder_create": (
        mexpr_status, (_context, POINTER(mexpr_face_options),
                       POINTER(POINTER(mexpr_face_finder)))),
    "mexpr_face_finder_destroy": (None, (POINTER(POINTER(mexpr_face_finder)),)),
    "mexpr_face_finder_last_error": (c_char_p, (POINTER(mexpr_face_finder),)),
    "mexpr_face_finder_run": (
        mexpr_status, (POINTER(mexpr_face_finder), _image, POINTER(c_int32))),
    "mexpr_face_finder_face": (
        mexpr_status, (POINTER(mexpr_face_finder), c_int32, POINTER(mexpr_face))),
    "mexpr_face_finder_refine": (
        mexpr_status, (POINTER(mexpr_face_finder), _image, _doubles,
                       POINTER(mexpr_face))),
    "mexpr_face_tracker_create": (
        mexpr_status, (_context, POINTER(mexpr_face_options),
                       POINTER(POINTER(mexpr_face_tracker)))),
    "mexpr_face_tracker_destroy": (None, (POINTER(POINTER(mexpr_face_tracker)),)),
    "mexpr_face_tracker_last_error": (c_char_p, (POINTER(mexpr_face_tracker),)),
    "mexpr_face_tracker_push": (
        mexpr_status, (POINTER(mexpr_face_tracker), _image, POINTER(c_int32))),
    "mexpr_face_tracker_face": (
        mexpr_status, (POINTER(mexpr_face_tracker), c_int32, POINTER(mexpr_face))),
    "mexpr_face_tracker_reset": (None, (POINTER(mexpr_face_tracker),)),
    "mexpr_transform_fit": (
        mexpr_status, (_context, mexpr_transform_model, _floats, _floats, _doubles,
                       c_int32, _doubles, _doubles)),
    "mexpr_transform_invert": (mexpr_status, (_context, _doubles, _doubles)),
    "mexpr_transform_points": (
        mexpr_status, (_context, _doubles, _floats, c_int32, _floats)),
    "mexpr_crop_find": (mexpr_status, (c_char_p, POINTER(mexpr_crop))),
    "mexpr_crop_name": (c_char_p, (c_int32,)),
    "mexpr_crop_transform": (
        mexpr_status, (_context, POINTER(mexpr_crop), _floats, _doubles)),
    "mexpr_face_crop": (
        mexpr_status, (_context, _image, POINTER(mexpr_crop), _floats, POINTER(_image))),
    "mexpr_aligner_create": (
        mexpr_status, (_context, POINTER(mexpr_align_options),
                       POINTER(POINTER(mexpr_aligner)))),
    "mexpr_aligner_destroy": (None, (POINTER(POINTER(mexpr_aligner)),)),
    "mexpr_aligner_last_error": (c_char_p, (POINTER(mexpr_aligner),)),
    "mexpr_aligner_begin": (mexpr_status, (POINTER(mexpr_aligner), _image, _floats)),
    "mexpr_aligner_push": (
        mexpr_status, (POINTER(mexpr_aligner), _image, _floats,
                       POINTER(mexpr_alignment))),
    "mexpr_aligner_frame": (mexpr_status, (POINTER(mexpr_aligner), POINTER(_image))),
    "mexpr_align_clip": (
        mexpr_status, (POINTER(mexpr_aligner), POINTER(mexpr_face_finder), _clip,
                       POINTER(mexpr_align_clip_options), mexpr_aligned_fn,
                       mexpr_progress_fn, c_void_p)),
    "mexpr_face_regions_size": (
        mexpr_status, (mexpr_regions, POINTER(c_int32), POINTER(c_int32))),
    "mexpr_face_region_name": (c_char_p, (mexpr_regions, c_int32)),
    "mexpr_face_regions": (
        mexpr_status, (_context, mexpr_regions, _floats, _floats, POINTER(c_int32))),
    "mexpr_face_region_boxes": (
        mexpr_status, (_context, mexpr_regions, _floats, _floats)),
    "mexpr_occlusion_plan": (
        mexpr_status, (_context, mexpr_occluder, c_double, c_uint64, _floats,
                       POINTER(mexpr_occlusion))),
    "mexpr_occlusion_apply": (
        mexpr_status, (_context, POINTER(mexpr_occlusion), _floats, _image)),
    "mexpr_face_draw": (
        mexpr_status, (_context, _image, POINTER(mexpr_face), c_uint32, mexpr_regions)),
    "mexpr_face_table_create": (
        mexpr_status, (_context, POINTER(POINTER(mexpr_face_table)))),
    "mexpr_face_table_destroy": (None, (POINTER(POINTER(mexpr_face_table)),)),
    "mexpr_face_table_last_error": (c_char_p, (POINTER(mexpr_face_table),)),
    "mexpr_face_table_n_rows": (c_int64, (POINTER(mexpr_face_table),)),
    "mexpr_face_table_row": (
        mexpr_status, (POINTER(mexpr_face_table), c_int64, POINTER(mexpr_face_row))),
    "mexpr_face_table_add": (
        mexpr_status, (POINTER(mexpr_face_table), POINTER(mexpr_face_row))),
    "mexpr_face_table_read": (
        mexpr_status, (_context, c_char_p, POINTER(POINTER(mexpr_face_table)))),
    "mexpr_face_table_decode": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(POINTER(mexpr_face_table)))),
    "mexpr_face_table_write_csv": (mexpr_status, (POINTER(mexpr_face_table), c_char_p)),
    "mexpr_face_table_encode_csv": (
        mexpr_status, (POINTER(mexpr_face_table), _pointer_out, _sizes_out)),
    "mexpr_landmarks_write_pts": (mexpr_status, (_context, _floats, c_char_p)),
    "mexpr_landmarks_from_mesh": (
        mexpr_status, (_context, _floats, c_int32, c_int32, c_double, c_double, _floats)),
    # flow.h
    "mexpr_field_create": (mexpr_status, (_context, c_int32, c_int32, POINTER(_field))),
    "mexpr_field_destroy": (None, (POINTER(_field),)),
    "mexpr_field_width": (c_int32, (_field,)),
    "mexpr_field_height": (c_int32, (_field,)),
    "mexpr_field_u": (_floats, (_field,)),
    "mexpr_field_v": (_floats, (_field,)),
    "mexpr_field_u_pixels": (_floats, (_field,)),
    "mexpr_field_v_pixels": (_floats, (_field,)),
    "mexpr_flow_param_bounds": (
        mexpr_status,
        (mexpr_flow_param, POINTER(c_double), POINTER(c_double), POINTER(c_double))),
    "mexpr_flow_method_bounds": (
        mexpr_status,
        (mexpr_flow_method, mexpr_flow_param, POINTER(c_double), POINTER(c_double),
         POINTER(c_double))),
    "mexpr_flow_create": (mexpr_status, (_context, POINTER(_flow))),
    "mexpr_flow_destroy": (None, (POINTER(_flow),)),
    "mexpr_flow_last_error": (c_char_p, (_flow,)),
    "mexpr_flow_set": (mexpr_status, (_flow, mexpr_flow_param, c_double)),
    "mexpr_flow_get": (mexpr_status, (_flow, mexpr_flow_param, POINTER(c_double))),
    "mexpr_flow_compute": (mexpr_status, (_flow, _image, _image, _field)),
    "mexpr_flow_strain": (
        mexpr_status, (_context, _field, mexpr_strain, POINTER(_image))),
    "mexpr_flow_picture": (
        mexpr_status,
        (_context, _field, mexpr_strain, c_int32, c_int32, POINTER(_image))),
    "mexpr_flow_colour": (mexpr_status, (_context, _field, c_double, POINTER(_image))),
    "mexpr_field_read_flo": (mexpr_status, (_context, c_char_p, POINTER(_field))),
    "mexpr_field_decode_flo": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(_field))),
    "mexpr_field_write_flo": (mexpr_status, (_context, _field, c_char_p)),
    "mexpr_field_read_kitti": (mexpr_status, (_context, c_char_p, POINTER(_field))),
    "mexpr_field_write_kitti": (mexpr_status, (_context, _field, c_char_p)),
    "mexpr_field_difference": (
        mexpr_status, (_context, _field, _field, POINTER(c_double), POINTER(c_uint64))),
    "mexpr_flow_magnitude": (mexpr_status, (_context, _field, POINTER(_image))),
    "mexpr_flow_orientation": (mexpr_status, (_context, _field, POINTER(_image))),
    "mexpr_field_mask": (
        mexpr_status, (_context, _field, _polygons, c_double, mexpr_mask_fill)),
    "mexpr_field_mask_eyes": (
        mexpr_status, (_context, _field, _floats, c_double, mexpr_mask_fill)),
    "mexpr_field_patch_motion": (
        mexpr_status, (_context, _field, c_int32, c_int32, c_int32, c_int32, _motion)),
    "mexpr_field_fit_motion": (
        mexpr_status,
        (_context, _field, _image, POINTER(mexpr_motion_options), _motion)),
    "mexpr_field_subtract_motion": (mexpr_status, (_context, _field, _motion)),
    "mexpr_flow_histogram": (
        mexpr_status, (_context, _field, POINTER(mexpr_histogram_options), _floats,
                       c_size_t, _sizes_out)),
    "mexpr_flow_mdmo": (
        mexpr_status, (_context, _field, _polygons, POINTER(mexpr_mdmo_options), _floats,
                       c_size_t, _sizes_out)),
    "mexpr_mdmo_average": (mexpr_status, (_context, _floats, c_int32, c_int32, _floats)),
    "mexpr_flow_legend": (
        mexpr_status, (_context, _field, c_double, c_int32, POINTER(_image))),
    "mexpr_flow_arrows": (
        mexpr_status, (_context, _field, _image, POINTER(mexpr_arrow_options),
                       POINTER(_image))),
    "mexpr_flow_strip": (
        mexpr_status, (_context, _field, mexpr_strain, mexpr_stretch, POINTER(_image))),
    "mexpr_flow_hsv": (mexpr_status, (_context, _field, POINTER(_image))),
    "mexpr_flow_clip": (
        mexpr_status,
        (_flow, _clip, POINTER(mexpr_flow_clip_options), mexpr_field_fn, mexpr_progress_fn,
         c_void_p)),
    # spot.h
    "mexpr_lbp_top": (
        mexpr_status,
        (_context, POINTER(_image), c_int32, POINTER(mexpr_lbp_top_options), _floats,
         c_size_t, _sizes_out)),
    "mexpr_interpolate": (
        mexpr_status,
        (_context, _clip, POINTER(mexpr_interpolate_options), mexpr_frame_fn,
         mexpr_progress_fn, c_void_p)),
    "mexpr_magnifier_create": (
        mexpr_status, (_context, POINTER(mexpr_magnify_options), POINTER(_magnifier))),
    "mexpr_magnifier_destroy": (None, (POINTER(_magnifier),)),
    "mexpr_magnifier_last_error": (c_char_p, (_magnifier,)),
    "mexpr_magnifier_push": (mexpr_status, (_magnifier, _image)),
    "mexpr_magnifier_pull": (mexpr_status, (_magnifier, POINTER(_image))),
    "mexpr_magnifier_reset": (None, (_magnifier,)),
    # fusion.h
    "mexpr_classifier_fit": (
        mexpr_status,
        (_context, _floats, POINTER(c_int32), c_int64, c_int64, c_int32,
         POINTER(mexpr_classifier_options), mexpr_progress_fn, c_void_p,
         POINTER(_classifier))),
    "mexpr_classifier_destroy": (None, (POINTER(_classifier),)),
    "mexpr_classifier_last_error": (c_char_p, (_classifier,)),
    "mexpr_classifier_n_classes": (c_int32, (_classifier,)),
    "mexpr_classifier_n_features": (c_int64, (_classifier,)),
    "mexpr_classifier_n_vectors": (c_int64, (_classifier,)),
    "mexpr_classifier_scores": (mexpr_status, (_classifier, _floats, c_int64, _floats)),
    "mexpr_classifier_model": (mexpr_status, (_classifier, POINTER(_model))),
    "mexpr_fuse_scores": (
        mexpr_status, (_context, POINTER(_floats), c_int32, c_int64, c_int32, c_int32,
                       POINTER(c_double), _floats)),
    "mexpr_fuse_learn": (
        mexpr_status, (_context, POINTER(_floats), c_int32, c_int64, c_int32,
                       POINTER(c_int32), POINTER(c_double))),
    "mexpr_fuse_models": (
        mexpr_status, (_context, POINTER(_model), c_int32, c_int32, POINTER(c_double),
                       POINTER(_model))),
    # model.h
    "mexpr_dtype_bytes": (c_size_t, (mexpr_dtype,)),
    "mexpr_dtype_name": (c_char_p, (mexpr_dtype,)),
    "mexpr_model_load": (mexpr_status, (_context, c_char_p, POINTER(_model))),
    "mexpr_model_load_memory": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(_model))),
    "mexpr_model_load_with": (
        mexpr_status,
        (_context, c_char_p, POINTER(mexpr_model_options), POINTER(_model))),
    "mexpr_model_load_memory_with": (
        mexpr_status,
        (_context, c_void_p, c_size_t, POINTER(mexpr_model_options), POINTER(_model))),
    "mexpr_model_n_rewrites": (c_int32, (_model, mexpr_rewrite)),
    "mexpr_model_retain": (_model, (_model,)),
    "mexpr_model_destroy": (None, (POINTER(_model),)),
    "mexpr_model_n_inputs": (c_int32, (_model,)),
    "mexpr_model_n_outputs": (c_int32, (_model,)),
    "mexpr_model_input": (mexpr_status, (_model, c_int32, POINTER(mexpr_tensor_info))),
    "mexpr_model_output": (mexpr_status, (_model, c_int32, POINTER(mexpr_tensor_info))),
    "mexpr_model_metadata": (c_char_p, (_model, c_char_p)),
    "mexpr_model_name": (c_char_p, (_model,)),
    "mexpr_model_producer": (c_char_p, (_model,)),
    "mexpr_model_opset": (c_int64, (_model,)),
    "mexpr_model_n_parameters": (c_uint64, (_model,)),
    "mexpr_model_n_trainable": (c_uint64, (_model,)),
    "mexpr_model_n_nodes": (c_int32, (_model,)),
    "mexpr_model_node": (mexpr_status, (_model, c_int32, _string_out, _string_out)),
    "mexpr_model_write": (mexpr_status, (_context, _model, c_char_p)),
    "mexpr_model_encode": (
        mexpr_status, (_context, _model, _pointer_out, POINTER(c_size_t))),
    "mexpr_model_extract": (
        mexpr_status, (_context, _model, _string_out, c_size_t, _string_out, c_size_t,
                       POINTER(_model))),
    "mexpr_model_annotate": (
        mexpr_status, (_context, _model, c_char_p, _string_out, _string_out, c_size_t,
                       POINTER(_model))),
    "mexpr_builder_create": (mexpr_status, (_context, c_char_p, POINTER(_builder))),
    "mexpr_builder_destroy": (None, (POINTER(_builder),)),
    "mexpr_builder_last_error": (c_char_p, (_builder,)),
    "mexpr_builder_opset": (mexpr_status, (_builder, c_char_p, c_int64)),
    "mexpr_builder_seed": (mexpr_status, (_builder, c_uint64)),
    "mexpr_builder_input": (
        mexpr_status, (_builder, c_char_p, c_int32, c_int32, POINTER(c_int64))),
    "mexpr_builder_initializer": (
        mexpr_status, (_builder, c_char_p, POINTER(mexpr_tensor_view), c_int32)),
    "mexpr_builder_random": (
        mexpr_status, (_builder, c_char_p, c_int32, POINTER(c_int64), c_int32, c_double,
                       c_int32)),
    "mexpr_builder_int": (mexpr_status, (_builder, c_char_p, c_int64)),
    "mexpr_builder_float": (mexpr_status, (_builder, c_char_p, c_float)),
    "mexpr_builder_string": (mexpr_status, (_builder, c_char_p, c_char_p)),
    "mexpr_builder_ints": (
        mexpr_status, (_builder, c_char_p, POINTER(c_int64), c_size_t)),
    "mexpr_builder_floats": (mexpr_status, (_builder, c_char_p, _floats, c_size_t)),
    "mexpr_builder_strings": (mexpr_status, (_builder, c_char_p, _string_out, c_size_t)),
    "mexpr_builder_tensor": (
        mexpr_status, (_builder, c_char_p, POINTER(mexpr_tensor_view))),
    "mexpr_builder_node": (
        mexpr_status, (_builder, c_char_p, c_char_p, _string_out, c_size_t, _string_out,
                       c_size_t, c_char_p)),
    "mexpr_builder_output": (mexpr_status, (_builder, c_char_p)),
    "mexpr_builder_metadata": (mexpr_status, (_builder, c_char_p, c_char_p)),
    "mexpr_builder_finish": (mexpr_status, (_builder, POINTER(_model))),
    "mexpr_system_count": (c_int32, ()),
    "mexpr_system_info_get": (mexpr_status, (c_int32, POINTER(mexpr_system_info))),
    "mexpr_system_find": (c_int32, (c_char_p,)),
    "mexpr_system_build": (
        mexpr_status,
        (_context, c_char_p, POINTER(mexpr_system_options), POINTER(_model))),
    "mexpr_session_create": (mexpr_status, (_model, POINTER(_session))),
    "mexpr_session_destroy": (None, (POINTER(_session),)),
    "mexpr_session_last_error": (c_char_p, (_session,)),
    "mexpr_session_set_input": (
        mexpr_status, (_session, c_char_p, POINTER(mexpr_tensor_view))),
    "mexpr_session_run": (mexpr_status, (_session,)),
    "mexpr_session_output": (
        mexpr_status, (_session, c_char_p, POINTER(mexpr_tensor_view))),
    "mexpr_session_profile": (mexpr_status, (_session, c_int32)),
    "mexpr_session_n_steps": (c_int32, (_session,)),
    "mexpr_session_step": (
        mexpr_status, (_session, c_int32, POINTER(mexpr_step_info))),
    "mexpr_session_memory": (mexpr_status, (_session, POINTER(mexpr_memory_info))),
    "mexpr_tensor_decode_pb": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(_tensor))),
    "mexpr_tensor_decode_npy": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(_tensor))),
    "mexpr_tensor_read": (mexpr_status, (_context, c_char_p, POINTER(_tensor))),
    "mexpr_tensor_write_npy": (
        mexpr_status, (_context, POINTER(mexpr_tensor_view), c_char_p)),
    "mexpr_tensor_get": (mexpr_status, (_tensor, POINTER(mexpr_tensor_view))),
    "mexpr_tensor_name": (c_char_p, (_tensor,)),
    "mexpr_tensor_destroy": (None, (POINTER(_tensor),)),
    # dataset.h
    "mexpr_manifest_read": (
        mexpr_status,
        (_context, c_char_p, POINTER(mexpr_manifest_options), POINTER(_manifest))),
    "mexpr_manifest_decode": (
        mexpr_status, (_context, c_void_p, c_size_t, POINTER(mexpr_manifest_options),
                       POINTER(_manifest))),
    "mexpr_manifest_destroy": (None, (POINTER(_manifest),)),
    "mexpr_manifest_n_clips": (c_int64, (_manifest,)),
    "mexpr_manifest_clip": (mexpr_status, (_manifest, c_int64, POINTER(mexpr_record))),
    "mexpr_manifest_n_persons": (c_int32, (_manifest,)),
    "mexpr_manifest_person": (c_char_p, (_manifest, c_int32)),
    "mexpr_manifest_n_datasets": (c_int32, (_manifest,)),
    "mexpr_manifest_dataset": (c_char_p, (_manifest, c_int32)),
    "mexpr_manifest_n_classes": (c_int32, (_manifest,)),
    "mexpr_manifest_class": (c_char_p, (_manifest, c_int32)),
    "mexpr_manifest_sha256": (c_char_p, (_manifest,)),
    "mexpr_manifest_pictures": (
        mexpr_status,
        (_context, _manifest, c_char_p, c_int32, c_int32, POINTER(mexpr_dataset_crop),
         c_int32, _floats, c_size_t, mexpr_progress_fn, c_void_p)),
    "mexpr_manifest_write": (mexpr_status, (_context, _manifest, c_char_p)),
    "mexpr_manifest_join": (
        mexpr_status, (_context, POINTER(_manifest), c_int32, POINTER(_manifest))),
    "mexpr_layout_name": (c_char_p, (c_int32,)),
    "mexpr_layout_title": (c_char_p, (c_int32,)),
    "mexpr_manifest_load_layout": (
        mexpr_status, (_context, c_char_p, c_char_p, c_char_p,
                       POINTER(mexpr_layout_options), POINTER(_manifest))),
    "mexpr_action_units_parse": (
        mexpr_status, (_context, c_char_p, POINTER(mexpr_action_unit), c_size_t,
                       POINTER(c_size_t))),
    "mexpr_manifest_check": (
        mexpr_status, (_context, _manifest, c_char_p, POINTER(mexpr_check_options),
                       mexpr_progress_fn, c_void_p, POINTER(_findings))),
    "mexpr_findings_count": (c_int64, (_findings,)),
    "mexpr_findings_get": (mexpr_status, (_findings, c_int64, POINTER(mexpr_finding))),
    "mexpr_findings_destroy": (None, (POINTER(_findings),)),
    "mexpr_finding_name": (c_char_p, (mexpr_finding_kind,)),
    # train.h
    "mexpr_trainer_recipe": (mexpr_status, (c_char_p, POINTER(mexpr_trainer_options))),
    "mexpr_trainer_create": (
        mexpr_status,
        (_context, _model, POINTER(mexpr_tensor_view), POINTER(c_int32), c_int32,
         POINTER(mexpr_trainer_options), POINTER(_trainer))),
    "mexpr_trainer_destroy": (None, (POINTER(_trainer),)),
    "mexpr_trainer_last_error": (c_char_p, (_trainer,)),
    "mexpr_trainer_run": (mexpr_status, (_trainer, mexpr_epoch_fn, c_void_p)),
    "mexpr_trainer_epoch": (mexpr_status, (_trainer,)),
    "mexpr_trainer_n_epochs": (c_int32, (_trainer,)),
    "mexpr_trainer_loss": (c_double, (_trainer, c_int32)),
    "mexpr_trainer_save": (mexpr_status, (_trainer, c_char_p)),
    "mexpr_trainer_resume": (mexpr_status, (_trainer, c_char_p)),
    "mexpr_trainer_model": (mexpr_status, (_trainer, POINTER(_model))),
    "mexpr_train_n_epochs": (c_int32, (_model,)),
    "mexpr_train_loss": (c_double, (_model, c_int32)),
    "mexpr_train_system": (c_char_p, (c_int32,)),
    "mexpr_train": (
        mexpr_status,
        (_context, c_char_p, POINTER(mexpr_tensor_view), POINTER(c_int32), c_int32,
         POINTER(mexpr_train_options), mexpr_progress_fn, c_void_p, POINTER(_model))),
    # evaluate.h
    "mexpr_metrics_compute": (
        mexpr_status, (_context, POINTER(c_int32), POINTER(c_int32), c_int64, c_int32,
                       POINTER(c_int64), POINTER(mexpr_metrics))),
    "mexpr_metrics_interval": (
        mexpr_status,
        (_context, POINTER(c_int32), POINTER(c_int32), POINTER(c_int32), c_int64, c_int32,
         c_double, c_int32, c_uint64, POINTER(mexpr_metrics), POINTER(mexpr_metrics))),
    "mexpr_mcnemar": (
        mexpr_status, (_context, POINTER(c_int32), POINTER(c_int32), POINTER(c_int32),
                       c_int64, POINTER(c_double))),
    "mexpr_metrics_class": (
        mexpr_status, (_context, POINTER(c_int64), c_int32, c_int32,
                       POINTER(mexpr_class_metrics))),
    "mexpr_metrics_compare": (
        mexpr_status,
        (_context, POINTER(c_int32), POINTER(c_int32), POINTER(c_int32), POINTER(c_int32),
         c_int64, c_int32, c_double, c_int32, c_uint64, POINTER(mexpr_comparison))),
    "mexpr_units_compute": (
        mexpr_status,
        (_context, POINTER(c_int8), _floats, c_int64, c_int32, c_double, _doubles,
         POINTER(mexpr_unit_counts), POINTER(mexpr_unit_metrics))),
    "mexpr_spotting_compute": (
        mexpr_status,
        (_context, POINTER(mexpr_spot_interval), c_int64, POINTER(mexpr_spot_interval),
         c_int64, c_double, c_int32, POINTER(mexpr_spotting_metrics))),
    "mexpr_apex_compute": (
        mexpr_status, (_context, POINTER(mexpr_spot_interval), POINTER(c_int64), c_int64,
                       POINTER(mexpr_apex_metrics))),
    "mexpr_evaluate_candidates": (
        mexpr_status,
        (_context, _manifest, POINTER(mexpr_tensor_view), POINTER(mexpr_candidate),
         c_int32, POINTER(mexpr_evaluate_options), mexpr_progress_fn, c_void_p,
         POINTER(_evaluation))),
    "mexpr_fit_candidates": (
        mexpr_status,
        (_context, _manifest, POINTER(mexpr_tensor_view), POINTER(mexpr_candidate),
         c_int32, POINTER(mexpr_evaluate_options), POINTER(c_double), POINTER(_model))),
    "mexpr_evaluation_n_seeds": (c_int32, (_evaluation,)),
    "mexpr_evaluation_seed_predicted": (c_int32, (_evaluation, c_int32, c_int64)),
    "mexpr_evaluation_seed_metrics": (
        mexpr_status, (_context, _evaluation, c_int32, POINTER(mexpr_metrics))),
    "mexpr_evaluation_n_candidates": (c_int32, (_evaluation,)),
    "mexpr_evaluation_chosen": (c_int32, (_evaluation, c_int32, c_int32)),
    "mexpr_evaluation_weight": (c_double, (_evaluation, c_int32, c_int32, c_int32)),
    "mexpr_evaluation_inner_uf1": (c_double, (_evaluation, c_int32, c_int32, c_int32)),
    "mexpr_evaluation_n_epochs": (c_int32, (_evaluation, c_int32, c_int32, c_int32)),
    "mexpr_evaluation_losses": (
        _floats, (_evaluation, c_int32, c_int32, c_int32, POINTER(c_int32))),
    "mexpr_evaluate": (
        mexpr_status,
        (_context, _manifest, POINTER(mexpr_tensor_view), mexpr_fit_fn,
         POINTER(mexpr_evaluate_options), mexpr_progress_fn, c_void_p,
         POINTER(_evaluation))),
    "mexpr_evaluation_destroy": (None, (POINTER(_evaluation),)),
    "mexpr_evaluation_n_folds": (c_int32, (_evaluation,)),
    "mexpr_evaluation_fold": (c_int32, (_evaluation, c_int64)),
    "mexpr_evaluation_predicted": (c_int32, (_evaluation, c_int64)),
    "mexpr_evaluation_scores": (_floats, (_evaluation, c_int64)),
    "mexpr_evaluation_metrics": (
        mexpr_status, (_context, _evaluation, c_int32, POINTER(c_int64),
                       POINTER(mexpr_metrics))),
    "mexpr_evaluation_interval": (
        mexpr_status, (_context, _evaluation, POINTER(mexpr_metrics),
                       POINTER(mexpr_metrics))),
    # recognizer.h
    "mexpr_recognizer_create": (
        mexpr_status, (_context, POINTER(mexpr_recognizer_options), POINTER(_recognizer))),
    "mexpr_recognizer_destroy": (None, (POINTER(_recognizer),)),
    "mexpr_recognizer_last_error": (c_char_p, (_recognizer,)),
    "mexpr_recognizer_flow": (_flow, (_recognizer,)),
    "mexpr_recognizer_run": (
        mexpr_status, (_recognizer, _image, _image, POINTER(mexpr_box), POINTER(_result))),
    "mexpr_recognizer_explain": (
        mexpr_status,
        (_recognizer, _result, POINTER(mexpr_saliency_options), POINTER(_saliency))),
    "mexpr_recognizer_run_frames": (
        mexpr_status, (_recognizer, _image, _image, POINTER(_result))),
    "mexpr_recognizer_run_clip": (
        mexpr_status, (_recognizer, _clip, c_int64, c_int64, POINTER(_result))),
    "mexpr_result_n_faces": (c_int32, (_result,)),
    "mexpr_result_face": (mexpr_status, (_result, POINTER(mexpr_face))),
    "mexpr_result_alignment": (mexpr_status, (_result, POINTER(mexpr_alignment))),
    "mexpr_result_onset": (c_int64, (_result,)),
    "mexpr_result_apex": (c_int64, (_result,)),
    "mexpr_result_destroy": (None, (POINTER(_result),)),
    "mexpr_result_n_classes": (c_int32, (_result,)),
    "mexpr_result_class_name": (c_char_p, (_result, c_int32)),
    "mexpr_result_score": (c_double, (_result, c_int32)),
    "mexpr_result_logit": (c_double, (_result, c_int32)),
    "mexpr_result_class": (c_int32, (_result,)),
    "mexpr_result_label": (c_char_p, (_result,)),
    "mexpr_result_field": (_field, (_result,)),
    "mexpr_result_picture": (_image, (_result,)),
    "mexpr_result_milliseconds": (c_double, (_result, mexpr_stage)),
    # saliency.h
    "mexpr_saliency_compute": (
        mexpr_status,
        (_context, _model, POINTER(mexpr_tensor_view), c_int32,
         POINTER(mexpr_saliency_options), POINTER(_saliency))),
    "mexpr_saliency_destroy": (None, (POINTER(_saliency),)),
    "mexpr_saliency_map": (_image, (_saliency,)),
    "mexpr_saliency_flips": (_image, (_saliency,)),
    "mexpr_saliency_target": (c_int32, (_saliency,)),
    "mexpr_saliency_target_score": (c_double, (_saliency,)),
    "mexpr_saliency_layer": (c_char_p, (_saliency,)),
    "mexpr_saliency_picture": (
        mexpr_status, (_context, _image, _image, c_double, POINTER(_image))),
}
