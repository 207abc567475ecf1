/* SPDX-License-Identifier: MIT */
/**
 * @file system.h
 * The published recognition networks, built anew with random weights. docs/system.md has
 * the table: sources, inputs, numbers of weights, and what is ours in each.
 */
#ifndef MICROEXPR_SYSTEM_H
#define MICROEXPR_SYSTEM_H

#include "model.h"

MEXPR_BEGIN_DECLS

/** What there is to know of a system before it is built. */
typedef struct mexpr_system_info {
    size_t struct_size;
    const char *name;  /**< "ststnet", …: what mexpr_system_build() takes */
    const char *title; /**< with the publication */
    int32_t n_classes; /**< of the publication */
    int32_t width;     /**< of the input pictures, unless another size is asked for */
    int32_t height;
    int32_t size_step;     /**< square sizes that are multiples of it are possible; 0:
                                only width × height */
    uint64_t n_parameters; /**< weights that are trained, with everything standard */
} mexpr_system_info;

#define MEXPR_SYSTEM_INFO_INIT                                                           \
    {                                                                                    \
        sizeof(mexpr_system_info), NULL, NULL, 0, 0, 0, 0, 0                             \
    }

/** How to build a system. */
typedef struct mexpr_system_options {
    size_t struct_size;
    int32_t n_classes; /**< 2 to 1000; 0: those of the publication */
    int32_t size;      /**< width and height of the input; 0: standard */
    uint64_t seed;     /**< of the random weights */
} mexpr_system_options;

#define MEXPR_SYSTEM_OPTIONS_INIT                                                        \
    {                                                                                    \
        sizeof(mexpr_system_options), 0, 0, 0                                            \
    }

/** Number of systems. Thread-safe. @since 0.1.0 */
MEXPR_API int32_t mexpr_system_count(void);
/** Fills in what system `index` is; strings live for ever. Thread-safe.
 *  @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_system_info_get(int32_t index, mexpr_system_info *info);
/** Index of a system by name, -1 when there is none. Thread-safe. @since 0.1.0 */
MEXPR_API int32_t mexpr_system_find(const char *name);

/**
 * Builds a system with random weights: the same for the same seed. Its first output,
 * "logits", has a row of scores for each clip, before softmax; the metadata name the
 * system. mexpr_model_write() makes an ONNX file of it.
 * @param options NULL for everything standard
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND, MEXPR_E_RANGE,
 *         MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_system_build(mexpr_context *context, const char *name,
    const mexpr_system_options *options, mexpr_model **out);

MEXPR_END_DECLS

#endif
