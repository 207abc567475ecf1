/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_OP_CONV_H
#define MX_MODEL_OP_CONV_H

#include "model/fused.h"
#include "model/op_window.h"

typedef enum mx_conv_method {
    MX_CONV_COLUMNS,
    MX_CONV_POINTWISE,
    MX_CONV_DIRECT
} mx_conv_method;

/* Of the direct method: planes of one input channel. */
typedef struct mx_conv_layout {
    int64_t rows, cols;   /* of a plane */
    int64_t sh, sw;       /* planes along the axes */
    int64_t chunk_lines;  /* output lines at a time */
    int64_t chunk;        /* room for these, of one output channel */
    int64_t channel_size; /* floats of all planes of a channel */
} mx_conv_layout;

typedef struct mx_conv_params {
    mx_window window;
    int64_t batch, c_in, c_out, groups;
    int64_t n_in, n_out; /* elements of one channel */
    int64_t k;           /* length of a column: c_in / groups × kernel */
    int64_t tile;        /* output positions at a time */
    mx_conv_method method;
    mx_conv_layout layout;
} mx_conv_params;

/* One group of one sample. */
typedef struct mx_conv_place {
    const float *x, *weights, *residual;
    float *y;
    int64_t channel; /* its first output */
} mx_conv_place;

/* Chooses method, tile and layout for the sizes in *p; the bytes of workspace. */
size_t mx_conv_plan(mx_conv_params *p, int rank);
/* Forward, by run->params. */
mexpr_status mx_conv(const mx_run *run);

/* The inputs that the window sees at outputs first..first+n-1 of one group, 0 in the
 * padding: a row of n for each element of the window in each channel. */
void mx_conv_columns(const mx_conv_params *p, const float *group, int64_t first,
    int64_t n, float *columns);

/* Few channels per group in one or two dimensions: without columns (op_conv_direct.c). */
bool mx_conv_direct_fits(const mx_conv_params *p, int rank);
/* Sets p->layout; the bytes of workspace. */
size_t mx_conv_direct_plan(mx_conv_params *p);
/* Once for each run, before the places. */
void mx_conv_direct_begin(const mx_run *run);
void mx_conv_direct(const mx_run *run, const mx_conv_place *at);
/* Adds to `slopes` the gradient of at->weights, from `g`, that of at->y. */
void mx_conv_direct_slopes(
    const mx_run *run, const mx_conv_place *at, const float *g, float *slopes);

#endif
