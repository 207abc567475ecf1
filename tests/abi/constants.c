/* SPDX-License-Identifier: MIT */
/* The numbers that compiled programs carry. They never change: a line here is only ever
 * added. Sizes and offsets are those of 64-bit machines. */
#include <stddef.h>

#include "microexpr/microexpr.h"

#define VALUE(name, value) _Static_assert((name) == (value), #name " has changed");
#define SIZE(type, bytes)                                                                \
    _Static_assert(sizeof(void *) != 8 || sizeof(type) == (bytes),                       \
        #type " has changed");
#define PLACE(type, field, bytes)                                                        \
    _Static_assert(sizeof(void *) != 8 || offsetof(type, field) == (bytes),              \
        #type "." #field " has moved");

/* clang-format off */

/* mexpr_status */
VALUE(MEXPR_OK, 0)
VALUE(MEXPR_AGAIN, 1)
VALUE(MEXPR_END, 2)
VALUE(MEXPR_E_ARG, -1)
VALUE(MEXPR_E_RANGE, -2)
VALUE(MEXPR_E_NOMEM, -20)
VALUE(MEXPR_E_LIMIT, -21)
VALUE(MEXPR_E_IO, -40)
VALUE(MEXPR_E_FORMAT, -41)
VALUE(MEXPR_E_TRUNCATED, -42)
VALUE(MEXPR_E_UNSUPPORTED, -43)
VALUE(MEXPR_E_NOT_FOUND, -44)
VALUE(MEXPR_E_DISABLED, -45)
VALUE(MEXPR_E_MODEL, -60)
VALUE(MEXPR_E_OPERATOR, -61)
VALUE(MEXPR_E_OPSET, -62)
VALUE(MEXPR_E_SHAPE, -63)
VALUE(MEXPR_E_TYPE, -64)
VALUE(MEXPR_E_EXTERNAL, -65)
VALUE(MEXPR_E_STATE, -80)
VALUE(MEXPR_E_CANCELLED, -81)
VALUE(MEXPR_E_THREAD, -82)
VALUE(MEXPR_E_INTERNAL, -83)
VALUE(MEXPR_E_ABI, -100)

/* mexpr_cpu_flag */
VALUE(MEXPR_CPU_AVX2, 1)
VALUE(MEXPR_CPU_AVX512, 2)
VALUE(MEXPR_CPU_NEON, 4)
VALUE(MEXPR_CPU_ALL, 0x7fffffff)

/* mexpr_log_level */
VALUE(MEXPR_LOG_NONE, 0)
VALUE(MEXPR_LOG_ERROR, 1)
VALUE(MEXPR_LOG_WARNING, 2)
VALUE(MEXPR_LOG_INFO, 3)
VALUE(MEXPR_LOG_DEBUG, 4)

/* mexpr_flow_param */
VALUE(MEXPR_FLOW_TAU, 1)
VALUE(MEXPR_FLOW_LAMBDA, 2)
VALUE(MEXPR_FLOW_THETA, 3)
VALUE(MEXPR_FLOW_SCALES, 4)
VALUE(MEXPR_FLOW_ZOOM, 5)
VALUE(MEXPR_FLOW_WARPS, 6)
VALUE(MEXPR_FLOW_EPSILON, 7)
VALUE(MEXPR_FLOW_ITERATIONS, 8)
VALUE(MEXPR_FLOW_METHOD, 9)
VALUE(MEXPR_FLOW_OUTER_ITERATIONS, 10)
VALUE(MEXPR_FLOW_MEDIAN, 11)
VALUE(MEXPR_FLOW_WINDOW, 12)
VALUE(MEXPR_FLOW_POLY_N, 13)
VALUE(MEXPR_FLOW_POLY_SIGMA, 14)
VALUE(MEXPR_FLOW_GAUSSIAN, 15)

/* mexpr_flow_method */
VALUE(MEXPR_FLOW_METHOD_TVL1, 0)
VALUE(MEXPR_FLOW_METHOD_TVL1_FAST, 1)
VALUE(MEXPR_FLOW_METHOD_TVL1_OPENCV, 2)
VALUE(MEXPR_FLOW_METHOD_FARNEBACK, 3)

/* mexpr_strain */
VALUE(MEXPR_STRAIN_FROBENIUS, 1)
VALUE(MEXPR_STRAIN_QUARTER, 2)
VALUE(MEXPR_STRAIN_OFF_TANET, 3)

/* mexpr_format */
VALUE(MEXPR_FORMAT_GREY8, 1)
VALUE(MEXPR_FORMAT_RGB8, 2)
VALUE(MEXPR_FORMAT_BGR8, 3)
VALUE(MEXPR_FORMAT_RGBA8, 4)
VALUE(MEXPR_FORMAT_GREY16, 5)
VALUE(MEXPR_FORMAT_GREYF32, 6)

/* mexpr_colour */
VALUE(MEXPR_COLOUR_KEEP, 0)
VALUE(MEXPR_COLOUR_GREY, 1)
VALUE(MEXPR_COLOUR_RGB, 2)

/* mexpr_filter */
VALUE(MEXPR_FILTER_AREA, 1)
VALUE(MEXPR_FILTER_BILINEAR, 2)
VALUE(MEXPR_FILTER_BICUBIC, 3)

/* mexpr_dtype */
VALUE(MEXPR_DTYPE_F32, 1)
VALUE(MEXPR_DTYPE_U8, 2)
VALUE(MEXPR_DTYPE_I32, 6)
VALUE(MEXPR_DTYPE_I64, 7)
VALUE(MEXPR_DTYPE_BOOL, 9)

/* mexpr_rewrite */
VALUE(MEXPR_REWRITE_NO_OP, 1)
VALUE(MEXPR_REWRITE_BATCH_NORM, 2)
VALUE(MEXPR_REWRITE_EPILOGUE, 4)
VALUE(MEXPR_REWRITE_FUNCTION, 8)
VALUE(MEXPR_REWRITE_SOFTMAX_ONE, 16)
VALUE(MEXPR_REWRITE_PAD, 32)
VALUE(MEXPR_REWRITE_GATE, 64)
VALUE(MEXPR_REWRITE_LAYOUT, 128)
VALUE(MEXPR_REWRITE_WINOGRAD, 256)
VALUE(MEXPR_REWRITE_COMMON, 512)
VALUE(MEXPR_REWRITE_LINEAR, 1024)
VALUE(MEXPR_REWRITE_ALL, 0x7fffffff)

/* mexpr_role */
VALUE(MEXPR_ROLE_CONSTANT, 0)
VALUE(MEXPR_ROLE_PARAMETER, 1)

/* mexpr_init */
VALUE(MEXPR_INIT_FILL, 0)
VALUE(MEXPR_INIT_UNIFORM, 1)
VALUE(MEXPR_INIT_NORMAL, 2)
VALUE(MEXPR_INIT_FAN_IN_UNIFORM, 3)
VALUE(MEXPR_INIT_HE_NORMAL, 4)
VALUE(MEXPR_INIT_XAVIER_UNIFORM, 5)

/* mexpr_stage */
VALUE(MEXPR_STAGE_PREPARE, 1)
VALUE(MEXPR_STAGE_FLOW, 2)
VALUE(MEXPR_STAGE_PICTURE, 3)
VALUE(MEXPR_STAGE_MODEL, 4)
VALUE(MEXPR_STAGE_FACE, 5)

/* mexpr_classifier_method */
VALUE(MEXPR_CLASSIFIER_SVM, 1)
VALUE(MEXPR_CLASSIFIER_RIDGE, 2)

/* mexpr_kernel */
VALUE(MEXPR_KERNEL_LINEAR, 1)
VALUE(MEXPR_KERNEL_RBF, 2)
VALUE(MEXPR_KERNEL_LAPLACE, 3)

/* mexpr_gamma_unit */
VALUE(MEXPR_GAMMA_NORM, 1)
VALUE(MEXPR_GAMMA_DISTANCE, 2)
VALUE(MEXPR_GAMMA_ABSOLUTE, 3)

/* mexpr_fusion_rule */
VALUE(MEXPR_FUSION_MEAN, 1)
VALUE(MEXPR_FUSION_PRODUCT, 2)
VALUE(MEXPR_FUSION_MAX, 3)

/* mexpr_optimiser */
VALUE(MEXPR_OPTIMISER_SGD, 1)
VALUE(MEXPR_OPTIMISER_ADAM, 2)
VALUE(MEXPR_OPTIMISER_ADAMW, 3)

/* mexpr_schedule */
VALUE(MEXPR_SCHEDULE_CONSTANT, 1)
VALUE(MEXPR_SCHEDULE_STEP, 2)
VALUE(MEXPR_SCHEDULE_COSINE, 3)
VALUE(MEXPR_SCHEDULE_EXPONENTIAL, 4)

/* mexpr_loss */
VALUE(MEXPR_LOSS_CROSS_ENTROPY, 1)
VALUE(MEXPR_LOSS_FOCAL, 2)
VALUE(MEXPR_LOSS_BALANCED_FOCAL, 3)
VALUE(MEXPR_LOSS_BINARY, 4)
VALUE(MEXPR_LOSS_SQUARES, 5)
VALUE(MEXPR_LOSS_HINGE, 6)
VALUE(MEXPR_LOSS_ABSOLUTE, 7)

/* mexpr_normalisation */
VALUE(MEXPR_NORMALISATION_PICTURE, 1)
VALUE(MEXPR_NORMALISATION_FLOW, 2)

/* mexpr_protocol */
VALUE(MEXPR_PROTOCOL_LOSO, 1)
VALUE(MEXPR_PROTOCOL_KFOLD, 2)
VALUE(MEXPR_PROTOCOL_DATASET, 3)

/* macros */
VALUE(MEXPR_MAX_RANK, 8)

SIZE(mexpr_context_options, 104)
PLACE(mexpr_context_options, struct_size, 0)
PLACE(mexpr_context_options, alloc, 8)
PLACE(mexpr_context_options, free, 16)
PLACE(mexpr_context_options, alloc_user, 24)
PLACE(mexpr_context_options, log, 32)
PLACE(mexpr_context_options, log_user, 40)
PLACE(mexpr_context_options, log_level, 48)
PLACE(mexpr_context_options, n_threads, 52)
PLACE(mexpr_context_options, cpu_mask, 56)
PLACE(mexpr_context_options, cpu_mask_set, 60)
PLACE(mexpr_context_options, max_pixels, 64)
PLACE(mexpr_context_options, max_frames, 72)
PLACE(mexpr_context_options, max_file_bytes, 80)
PLACE(mexpr_context_options, max_nodes, 88)
PLACE(mexpr_context_options, max_tensor_bytes, 96)

SIZE(mexpr_model_options, 16)
PLACE(mexpr_model_options, struct_size, 0)
PLACE(mexpr_model_options, rewrites, 8)
PLACE(mexpr_model_options, drop_source, 12)

SIZE(mexpr_tensor_info, 88)
PLACE(mexpr_tensor_info, struct_size, 0)
PLACE(mexpr_tensor_info, name, 8)
PLACE(mexpr_tensor_info, dtype, 16)
PLACE(mexpr_tensor_info, rank, 20)
PLACE(mexpr_tensor_info, dims, 24)

SIZE(mexpr_tensor_view, 88)
PLACE(mexpr_tensor_view, struct_size, 0)
PLACE(mexpr_tensor_view, dtype, 8)
PLACE(mexpr_tensor_view, rank, 12)
PLACE(mexpr_tensor_view, dims, 16)
PLACE(mexpr_tensor_view, data, 80)

SIZE(mexpr_step_info, 144)
PLACE(mexpr_step_info, struct_size, 0)
PLACE(mexpr_step_info, name, 8)
PLACE(mexpr_step_info, op, 16)
PLACE(mexpr_step_info, n_threads, 24)
PLACE(mexpr_step_info, rank, 28)
PLACE(mexpr_step_info, dims, 32)
PLACE(mexpr_step_info, multiply_adds, 96)
PLACE(mexpr_step_info, result_bytes, 104)
PLACE(mexpr_step_info, scratch_bytes, 112)
PLACE(mexpr_step_info, n_runs, 120)
PLACE(mexpr_step_info, milliseconds, 128)
PLACE(mexpr_step_info, min_milliseconds, 136)

SIZE(mexpr_memory_info, 48)
PLACE(mexpr_memory_info, struct_size, 0)
PLACE(mexpr_memory_info, weight_bytes, 8)
PLACE(mexpr_memory_info, source_bytes, 16)
PLACE(mexpr_memory_info, block_bytes, 24)
PLACE(mexpr_memory_info, result_bytes, 32)
PLACE(mexpr_memory_info, scratch_bytes, 40)

SIZE(mexpr_system_info, 48)
PLACE(mexpr_system_info, struct_size, 0)
PLACE(mexpr_system_info, name, 8)
PLACE(mexpr_system_info, title, 16)
PLACE(mexpr_system_info, n_classes, 24)
PLACE(mexpr_system_info, width, 28)
PLACE(mexpr_system_info, height, 32)
PLACE(mexpr_system_info, size_step, 36)
PLACE(mexpr_system_info, n_parameters, 40)

SIZE(mexpr_system_options, 24)
PLACE(mexpr_system_options, struct_size, 0)
PLACE(mexpr_system_options, n_classes, 8)
PLACE(mexpr_system_options, size, 12)
PLACE(mexpr_system_options, seed, 16)

SIZE(mexpr_box, 16)
PLACE(mexpr_box, x, 0)
PLACE(mexpr_box, y, 4)
PLACE(mexpr_box, width, 8)
PLACE(mexpr_box, height, 12)

SIZE(mexpr_recognizer_options, 40)
PLACE(mexpr_recognizer_options, struct_size, 0)
PLACE(mexpr_recognizer_options, model, 8)
PLACE(mexpr_recognizer_options, labels, 16)
PLACE(mexpr_recognizer_options, planes, 24)
PLACE(mexpr_recognizer_options, strain, 32)
PLACE(mexpr_recognizer_options, smallest_face, 36)
/* mexpr_saliency_method, mexpr_saliency_fill, mexpr_saliency_score */
VALUE(MEXPR_SALIENCY_OCCLUSION, 1)
VALUE(MEXPR_SALIENCY_GRAD_CAM, 2)
VALUE(MEXPR_SALIENCY_ABLATION_CAM, 3)
VALUE(MEXPR_SALIENCY_FILL_MEAN, 1)
VALUE(MEXPR_SALIENCY_FILL_VALUE, 2)
VALUE(MEXPR_SALIENCY_SCORE_SOFTMAX, 1)
VALUE(MEXPR_SALIENCY_SCORE_RAW, 2)

SIZE(mexpr_saliency_options, 72)
PLACE(mexpr_saliency_options, struct_size, 0)
PLACE(mexpr_saliency_options, method, 8)
PLACE(mexpr_saliency_options, target, 12)
PLACE(mexpr_saliency_options, input, 16)
PLACE(mexpr_saliency_options, output, 20)
PLACE(mexpr_saliency_options, patch, 24)
PLACE(mexpr_saliency_options, stride, 28)
PLACE(mexpr_saliency_options, fill, 32)
PLACE(mexpr_saliency_options, score, 36)
PLACE(mexpr_saliency_options, fill_value, 40)
PLACE(mexpr_saliency_options, batch, 44)
PLACE(mexpr_saliency_options, layer, 48)
PLACE(mexpr_saliency_options, progress, 56)
PLACE(mexpr_saliency_options, user, 64)

/* mexpr_mask_fill */
VALUE(MEXPR_MASK_ZERO, 1)
VALUE(MEXPR_MASK_UNKNOWN, 2)

/* mexpr_motion_model */
VALUE(MEXPR_MOTION_TRANSLATION, 1)
VALUE(MEXPR_MOTION_SIMILARITY, 2)

/* mexpr_histogram */
VALUE(MEXPR_HISTOGRAM_ORIENTED, 1)
VALUE(MEXPR_HISTOGRAM_HOOF, 2)
VALUE(MEXPR_HISTOGRAM_BI_WOOF, 3)

/* mexpr_histogram_weight */
VALUE(MEXPR_WEIGHT_MAGNITUDE, 1)
VALUE(MEXPR_WEIGHT_COUNT, 2)

/* mexpr_histogram_norm */
VALUE(MEXPR_NORM_NONE, 1)
VALUE(MEXPR_NORM_BLOCK, 2)
VALUE(MEXPR_NORM_ALL, 3)
VALUE(MEXPR_NORM_L2, 4)
VALUE(MEXPR_NORM_SQRT, 5)

/* mexpr_stretch */
VALUE(MEXPR_STRETCH_OWN, 1)
VALUE(MEXPR_STRETCH_COMMON, 2)

/* mexpr_flow_reference */
VALUE(MEXPR_FLOW_REFERENCE_ONSET, 1)
VALUE(MEXPR_FLOW_REFERENCE_PREVIOUS, 2)

/* mexpr_interpolation */
VALUE(MEXPR_INTERPOLATION_TIM, 1)
VALUE(MEXPR_INTERPOLATION_LINEAR, 2)

/* mexpr_band */
VALUE(MEXPR_BAND_FIRST, 1)
VALUE(MEXPR_BAND_SECOND, 2)
VALUE(MEXPR_BAND_DIFFERENCE, 3)

/* mexpr_transform_model */
VALUE(MEXPR_TRANSFORM_TRANSLATION, 1)
VALUE(MEXPR_TRANSFORM_SIMILARITY, 2)
VALUE(MEXPR_TRANSFORM_AFFINE, 3)

/* mexpr_regions */
VALUE(MEXPR_REGIONS_ACTION, 1)
VALUE(MEXPR_REGIONS_MDMO, 2)
VALUE(MEXPR_REGIONS_BANDS, 3)
VALUE(MEXPR_REGIONS_NINE, 4)
VALUE(MEXPR_REGIONS_EYES, 5)
VALUE(MEXPR_REGIONS_STILL, 6)

/* mexpr_occluder */
VALUE(MEXPR_OCCLUDER_BLOCK, 1)
VALUE(MEXPR_OCCLUDER_MASK, 2)
VALUE(MEXPR_OCCLUDER_GLASSES, 3)

/* mexpr_face_mark */
VALUE(MEXPR_MARK_BOX, 1)
VALUE(MEXPR_MARK_POINTS, 2)
VALUE(MEXPR_MARK_REGIONS, 4)

/* mexpr_lbp_sampling */
VALUE(MEXPR_LBP_BILINEAR, 1)
VALUE(MEXPR_LBP_NEAREST, 2)

/* mexpr_lbp_patterns */
VALUE(MEXPR_LBP_UNIFORM, 1)
VALUE(MEXPR_LBP_ALL, 2)

/* macros */
VALUE(MEXPR_LANDMARKS_68, 68)
VALUE(MEXPR_MDMO_REGIONS, 36)
VALUE(MEXPR_MDMO_CORNERS, 207)

SIZE(mexpr_polygons, 32)
PLACE(mexpr_polygons, struct_size, 0)
PLACE(mexpr_polygons, xy, 8)
PLACE(mexpr_polygons, corners, 16)
PLACE(mexpr_polygons, n_polygons, 24)

SIZE(mexpr_face, 616)
PLACE(mexpr_face, struct_size, 0)
PLACE(mexpr_face, id, 8)
PLACE(mexpr_face, box, 16)
PLACE(mexpr_face, score, 48)
PLACE(mexpr_face, confidence, 56)
PLACE(mexpr_face, has_landmarks, 64)
PLACE(mexpr_face, followed, 68)
PLACE(mexpr_face, landmarks, 72)

SIZE(mexpr_face_options, 64)
PLACE(mexpr_face_options, struct_size, 0)
PLACE(mexpr_face_options, smallest, 8)
PLACE(mexpr_face_options, largest, 16)
PLACE(mexpr_face_options, threshold, 24)
PLACE(mexpr_face_options, threshold_set, 32)
PLACE(mexpr_face_options, max_faces, 36)
PLACE(mexpr_face_options, boxes_only, 40)
PLACE(mexpr_face_options, search, 44)
PLACE(mexpr_face_options, no_filter, 48)
PLACE(mexpr_face_options, reserved, 52)
PLACE(mexpr_face_options, confidence, 56)

SIZE(mexpr_crop, 32)
PLACE(mexpr_crop, struct_size, 0)
PLACE(mexpr_crop, width, 8)
PLACE(mexpr_crop, height, 12)
PLACE(mexpr_crop, eye_distance, 16)
PLACE(mexpr_crop, eye_y, 24)

SIZE(mexpr_head_motion, 32)
PLACE(mexpr_head_motion, dx, 0)
PLACE(mexpr_head_motion, dy, 8)
PLACE(mexpr_head_motion, angle, 16)
PLACE(mexpr_head_motion, zoom, 24)

SIZE(mexpr_alignment, 152)
PLACE(mexpr_alignment, struct_size, 0)
PLACE(mexpr_alignment, frame, 8)
PLACE(mexpr_alignment, before, 16)
PLACE(mexpr_alignment, after, 48)
PLACE(mexpr_alignment, residual, 80)
PLACE(mexpr_alignment, correlation, 88)
PLACE(mexpr_alignment, matrix, 96)
PLACE(mexpr_alignment, is_lost, 144)
PLACE(mexpr_alignment, iterations, 148)

SIZE(mexpr_align_options, 32)
PLACE(mexpr_align_options, struct_size, 0)
PLACE(mexpr_align_options, crop, 8)
PLACE(mexpr_align_options, model, 16)
PLACE(mexpr_align_options, landmarks, 20)
PLACE(mexpr_align_options, least, 24)

SIZE(mexpr_align_clip_options, 40)
PLACE(mexpr_align_clip_options, struct_size, 0)
PLACE(mexpr_align_clip_options, onset, 8)
PLACE(mexpr_align_clip_options, first, 16)
PLACE(mexpr_align_clip_options, n_frames, 24)
PLACE(mexpr_align_clip_options, landmarks, 32)

SIZE(mexpr_occlusion, 48)
PLACE(mexpr_occlusion, struct_size, 0)
PLACE(mexpr_occlusion, kind, 8)
PLACE(mexpr_occlusion, variant, 12)
PLACE(mexpr_occlusion, width, 16)
PLACE(mexpr_occlusion, height, 24)
PLACE(mexpr_occlusion, dx, 32)
PLACE(mexpr_occlusion, dy, 40)

SIZE(mexpr_face_row, 592)
PLACE(mexpr_face_row, struct_size, 0)
PLACE(mexpr_face_row, frame, 8)
PLACE(mexpr_face_row, face_id, 16)
PLACE(mexpr_face_row, timestamp, 24)
PLACE(mexpr_face_row, confidence, 32)
PLACE(mexpr_face_row, success, 40)
PLACE(mexpr_face_row, reserved, 44)
PLACE(mexpr_face_row, landmarks, 48)

SIZE(mexpr_motion, 72)
PLACE(mexpr_motion, struct_size, 0)
PLACE(mexpr_motion, cx, 8)
PLACE(mexpr_motion, cy, 16)
PLACE(mexpr_motion, dx, 24)
PLACE(mexpr_motion, dy, 32)
PLACE(mexpr_motion, angle, 40)
PLACE(mexpr_motion, zoom, 48)
PLACE(mexpr_motion, residual, 56)
PLACE(mexpr_motion, n_pixels, 64)

SIZE(mexpr_motion_options, 24)
PLACE(mexpr_motion_options, struct_size, 0)
PLACE(mexpr_motion_options, model, 8)
PLACE(mexpr_motion_options, iterations, 12)
PLACE(mexpr_motion_options, outlier, 16)

SIZE(mexpr_histogram_options, 48)
PLACE(mexpr_histogram_options, struct_size, 0)
PLACE(mexpr_histogram_options, kind, 8)
PLACE(mexpr_histogram_options, n_bins, 12)
PLACE(mexpr_histogram_options, columns, 16)
PLACE(mexpr_histogram_options, rows, 20)
PLACE(mexpr_histogram_options, weight, 24)
PLACE(mexpr_histogram_options, norm, 28)
PLACE(mexpr_histogram_options, strain, 32)
PLACE(mexpr_histogram_options, reserved, 36)
PLACE(mexpr_histogram_options, min_magnitude, 40)

SIZE(mexpr_mdmo_options, 24)
PLACE(mexpr_mdmo_options, struct_size, 0)
PLACE(mexpr_mdmo_options, n_bins, 8)
PLACE(mexpr_mdmo_options, reserved, 12)
PLACE(mexpr_mdmo_options, min_magnitude, 16)

SIZE(mexpr_arrow_options, 48)
PLACE(mexpr_arrow_options, struct_size, 0)
PLACE(mexpr_arrow_options, step, 8)
PLACE(mexpr_arrow_options, colour_set, 12)
PLACE(mexpr_arrow_options, colour, 16)
PLACE(mexpr_arrow_options, reserved, 20)
PLACE(mexpr_arrow_options, scale, 24)
PLACE(mexpr_arrow_options, thickness, 32)
PLACE(mexpr_arrow_options, min_magnitude, 40)

SIZE(mexpr_clip_options, 24)
PLACE(mexpr_clip_options, struct_size, 0)
PLACE(mexpr_clip_options, colour, 8)
PLACE(mexpr_clip_options, fps_numerator, 12)
PLACE(mexpr_clip_options, fps_denominator, 16)

SIZE(mexpr_flow_clip_options, 40)
PLACE(mexpr_flow_clip_options, struct_size, 0)
PLACE(mexpr_flow_clip_options, reference, 8)
PLACE(mexpr_flow_clip_options, onset, 16)
PLACE(mexpr_flow_clip_options, first, 24)
PLACE(mexpr_flow_clip_options, n_frames, 32)

SIZE(mexpr_interpolate_options, 40)
PLACE(mexpr_interpolate_options, struct_size, 0)
PLACE(mexpr_interpolate_options, method, 8)
PLACE(mexpr_interpolate_options, first, 16)
PLACE(mexpr_interpolate_options, n_in, 24)
PLACE(mexpr_interpolate_options, n_out, 32)

SIZE(mexpr_magnify_options, 64)
PLACE(mexpr_magnify_options, struct_size, 0)
PLACE(mexpr_magnify_options, fps, 8)
PLACE(mexpr_magnify_options, low, 16)
PLACE(mexpr_magnify_options, high, 24)
PLACE(mexpr_magnify_options, alpha, 32)
PLACE(mexpr_magnify_options, wavelength, 40)
PLACE(mexpr_magnify_options, chroma, 48)
PLACE(mexpr_magnify_options, band, 56)
PLACE(mexpr_magnify_options, levels, 60)

SIZE(mexpr_lbp_top_options, 56)
PLACE(mexpr_lbp_top_options, struct_size, 0)
PLACE(mexpr_lbp_top_options, radius_x, 8)
PLACE(mexpr_lbp_top_options, radius_y, 12)
PLACE(mexpr_lbp_top_options, radius_t, 16)
PLACE(mexpr_lbp_top_options, neighbours_xy, 20)
PLACE(mexpr_lbp_top_options, neighbours_xt, 24)
PLACE(mexpr_lbp_top_options, neighbours_yt, 28)
PLACE(mexpr_lbp_top_options, columns, 32)
PLACE(mexpr_lbp_top_options, rows, 36)
PLACE(mexpr_lbp_top_options, layers, 40)
PLACE(mexpr_lbp_top_options, sampling, 44)
PLACE(mexpr_lbp_top_options, patterns, 48)
PLACE(mexpr_lbp_top_options, counts, 52)

SIZE(mexpr_classifier_options, 56)
PLACE(mexpr_classifier_options, struct_size, 0)
PLACE(mexpr_classifier_options, method, 8)
PLACE(mexpr_classifier_options, kernel, 12)
PLACE(mexpr_classifier_options, gamma_unit, 16)
PLACE(mexpr_classifier_options, unbalanced, 20)
PLACE(mexpr_classifier_options, gamma, 24)
PLACE(mexpr_classifier_options, cost, 32)
PLACE(mexpr_classifier_options, ridge, 40)
PLACE(mexpr_classifier_options, tolerance, 48)

SIZE(mexpr_manifest_options, 16)
PLACE(mexpr_manifest_options, struct_size, 0)
PLACE(mexpr_manifest_options, label, 8)

SIZE(mexpr_record, 128)
PLACE(mexpr_record, struct_size, 0)
PLACE(mexpr_record, dataset, 8)
PLACE(mexpr_record, subject, 16)
PLACE(mexpr_record, clip, 24)
PLACE(mexpr_record, path, 32)
PLACE(mexpr_record, type, 40)
PLACE(mexpr_record, emotion, 48)
PLACE(mexpr_record, action_units, 56)
PLACE(mexpr_record, errata, 64)
PLACE(mexpr_record, label, 72)
PLACE(mexpr_record, person, 76)
PLACE(mexpr_record, dataset_index, 80)
PLACE(mexpr_record, line, 84)
PLACE(mexpr_record, first_frame, 88)
PLACE(mexpr_record, onset, 96)
PLACE(mexpr_record, apex, 104)
PLACE(mexpr_record, offset, 112)
PLACE(mexpr_record, fps, 120)

SIZE(mexpr_dataset_crop, 40)
PLACE(mexpr_dataset_crop, dataset, 0)
PLACE(mexpr_dataset_crop, scale_x, 8)
PLACE(mexpr_dataset_crop, scale_y, 16)
PLACE(mexpr_dataset_crop, shift_x, 24)
PLACE(mexpr_dataset_crop, shift_y, 32)

SIZE(mexpr_trainer_options, 272)
PLACE(mexpr_trainer_options, struct_size, 0)
PLACE(mexpr_trainer_options, seed, 8)
PLACE(mexpr_trainer_options, epochs, 16)
PLACE(mexpr_trainer_options, batch, 20)
PLACE(mexpr_trainer_options, is_shuffled, 24)
PLACE(mexpr_trainer_options, optimiser, 28)
PLACE(mexpr_trainer_options, rate, 32)
PLACE(mexpr_trainer_options, momentum, 40)
PLACE(mexpr_trainer_options, beta2, 48)
PLACE(mexpr_trainer_options, epsilon, 56)
PLACE(mexpr_trainer_options, weight_decay, 64)
PLACE(mexpr_trainer_options, is_nesterov, 72)
PLACE(mexpr_trainer_options, schedule, 76)
PLACE(mexpr_trainer_options, factor, 80)
PLACE(mexpr_trainer_options, step_epochs, 88)
PLACE(mexpr_trainer_options, warm_up, 92)
PLACE(mexpr_trainer_options, clip_norm, 96)
PLACE(mexpr_trainer_options, average, 104)
PLACE(mexpr_trainer_options, frozen, 112)
PLACE(mexpr_trainer_options, slow, 120)
PLACE(mexpr_trainer_options, slow_rate, 128)
PLACE(mexpr_trainer_options, loss, 136)
PLACE(mexpr_trainer_options, is_balanced, 140)
PLACE(mexpr_trainer_options, gamma, 144)
PLACE(mexpr_trainer_options, smoothing, 152)
PLACE(mexpr_trainer_options, normalisation, 160)
PLACE(mexpr_trainer_options, is_mirrored, 164)
PLACE(mexpr_trainer_options, flip, 168)
PLACE(mexpr_trainer_options, turn, 176)
PLACE(mexpr_trainer_options, shift, 184)
PLACE(mexpr_trainer_options, zoom, 192)
PLACE(mexpr_trainer_options, noise, 200)
PLACE(mexpr_trainer_options, occlusion, 208)
PLACE(mexpr_trainer_options, gain, 216)
PLACE(mexpr_trainer_options, blur, 224)
PLACE(mexpr_trainer_options, jitter, 232)
PLACE(mexpr_trainer_options, mixup, 240)
PLACE(mexpr_trainer_options, labels, 248)
PLACE(mexpr_trainer_options, checkpoint, 256)
PLACE(mexpr_trainer_options, checkpoint_epochs, 264)

SIZE(mexpr_train_options, 32)
PLACE(mexpr_train_options, struct_size, 0)
PLACE(mexpr_train_options, labels, 8)
PLACE(mexpr_train_options, epochs, 16)
PLACE(mexpr_train_options, seed, 24)

SIZE(mexpr_metrics, 56)
PLACE(mexpr_metrics, struct_size, 0)
PLACE(mexpr_metrics, n, 8)
PLACE(mexpr_metrics, n_classes, 16)
PLACE(mexpr_metrics, n_absent, 20)
PLACE(mexpr_metrics, accuracy, 24)
PLACE(mexpr_metrics, uf1, 32)
PLACE(mexpr_metrics, uar, 40)
PLACE(mexpr_metrics, weighted_f1, 48)

SIZE(mexpr_evaluate_options, 24)
PLACE(mexpr_evaluate_options, struct_size, 0)
PLACE(mexpr_evaluate_options, protocol, 8)
PLACE(mexpr_evaluate_options, n_folds, 12)
PLACE(mexpr_evaluate_options, seed, 16)
/* clang-format on */

int main(void)
{
    return 0;
}
