/* SPDX-License-Identifier: MIT */
/* A network run again and again on variants of one of its inputs, several at once where
 * its batch is free. */
#ifndef MX_SALIENCY_PROBE_H
#define MX_SALIENCY_PROBE_H

#include "base/scope.h"
#include "microexpr/model.h"

typedef struct mx_probe {
    mx_scope *scope;
    mexpr_model *model; /* retained */
    mexpr_session *session;
    int32_t n_inputs;
    mexpr_tensor_view *inputs; /* of one sample; their data are the caller's */
    void **tiled;              /* by input: repeated `capacity` times; NULL: as it is */
    int32_t varied;            /* the input that has variants */
    int32_t output;
    size_t sample;    /* elements of the varied input */
    int32_t capacity; /* variants at once */
    int64_t n_classes;
    float *variants; /* capacity × sample, for the caller to fill */
} mx_probe;

/* Sets a probe up and runs the sample as it is: `scores` of the caller receives its
 * output when that is not NULL. Release it with mx_probe_release() on failure too. */
mexpr_status mx_probe_init(mx_scope *scope, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t varied, int32_t output, int32_t capacity,
    mx_probe *probe);
void mx_probe_release(mx_probe *probe);

/* Runs the first n variants; *scores are n × n_classes, until the next run. */
mexpr_status mx_probe_run(mx_probe *probe, int32_t n, const float **scores);

#endif
