/* SPDX-License-Identifier: MIT */
/* A map while it is made. */
#ifndef MX_SALIENCY_PARTS_H
#define MX_SALIENCY_PARTS_H

#include "microexpr/saliency.h"
#include "saliency/probe.h"

/* mexpr_saliency_compute() for pointers that are already checked; *out is written on
 * success only. */
mexpr_status mx_saliency_compute(mx_scope *scope, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t n_inputs,
    const mexpr_saliency_options *options, mexpr_saliency **out);

struct mexpr_saliency {
    mexpr_context *context; /* retained */
    mexpr_image *map;
    mexpr_image *flips; /* NULL: not an occlusion map */
    char *layer;        /* NULL for "" */
    int32_t target;
    double score;
};

typedef struct mx_explain {
    mx_scope *scope;
    mexpr_model *model;
    const mexpr_tensor_view *inputs;
    mexpr_saliency_options options; /* defaults filled in */
    int32_t channels;               /* of the input, its frames and its size */
    int32_t frames;
    int32_t height;
    int32_t width;
    mexpr_saliency *result;
} mx_explain;

mexpr_status mx_explain_occlusion(mx_explain *e);
mexpr_status mx_explain_cam(mx_explain *e);

/* Sets the target of the result, unless the options name one, and its score, from the
 * sample's own output. */
mexpr_status mx_explain_target(mx_explain *e, const mx_probe *probe, const float *scores);
/* The target's score in a row of the output. */
double mx_explain_score(const mx_explain *e, const float *scores, int64_t n);
/* Calls the progress callback: MEXPR_E_CANCELLED when it says so. */
mexpr_status mx_explain_progress(const mx_explain *e, uint64_t done, uint64_t total);

/* The name of the feature map to use, for an output of the model. */
mexpr_status mx_saliency_layer_find(
    mx_scope *scope, const mexpr_model *model, const char *layer, const char **name);

#endif
