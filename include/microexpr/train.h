/* SPDX-License-Identifier: MIT */
/**
 * @file train.h
 * Making networks from labelled inputs. See docs/train.md.
 */
#ifndef MICROEXPR_TRAIN_H
#define MICROEXPR_TRAIN_H

#include "model.h"

MEXPR_BEGIN_DECLS

/** Systems that mexpr_train() knows; NULL outside of 0..n-1. Thread-safe.
 *  @since 0.1.0 */
MEXPR_API const char *mexpr_train_system(int32_t index);

/** Options of mexpr_train(). */
typedef struct mexpr_train_options {
    size_t struct_size;
    const char *labels; /**< names of the classes, separated by commas, for the metadata;
                             NULL: none */
} mexpr_train_options;

#define MEXPR_TRAIN_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_train_options), NULL                                                \
    }

/**
 * Trains a system. The same inputs in the same order give the same network, on one build
 * and kind of processor.
 * @param system    "flow-derivative-svm" or "flow-kernel-ridge"
 * @param inputs    float32 N×3×28×28: u, v and strain of each clip as 0..255, as the flow
 *                  pictures of this library have them (R, G, B); finite
 * @param labels    N classes, 0..n_classes-1, each at least once
 * @param n_classes 2..1000
 * @param options   NULL for all defaults
 * @param progress  called now and then, or NULL
 * @param out       the network: input "flow" as `inputs`, output "logits"
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND (no such system),
 *         MEXPR_E_TYPE, MEXPR_E_SHAPE, MEXPR_E_RANGE (a label, an input that is not
 *         finite, a class without clips), MEXPR_E_LIMIT, MEXPR_E_CANCELLED,
 *         MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_train(mexpr_context *context, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_train_options *options, mexpr_progress_fn progress, void *user,
    mexpr_model **out);

MEXPR_END_DECLS

#endif
