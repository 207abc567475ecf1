/* SPDX-License-Identifier: MIT */
/* What the families back_*.c share. */
#ifndef MX_TRAIN_BACK_COMMON_H
#define MX_TRAIN_BACK_COMMON_H

#include "train/back.h"

/* Numbers that go together where the instruction sets want a place in between. */
enum { MX_BACK_CHUNK = 256 };

static inline bool mx_back_adds(const mx_back_run *run, int k)
{
    return run->adds & MX_INPUT_BIT(k);
}

/* Asks for at least so much workspace. */
void mx_back_workspace(mx_back_plan *plan, size_t bytes);

/* The gradient of input k, ready for adding to: zeroed unless something is in it. NULL:
 * nobody asks for it. */
float *mx_back_ready(const mx_back_run *run, int k);

/* y = d or y += d; y may be d. */
void mx_back_put(const mx_nn_kernels *nn, int64_t n, const float *d, bool adds, float *y);

/* Gradient k, where asked for, from `d` of the shape of `full`, to which input k was
 * broadcast. */
void mx_back_fold(const mx_back_run *run, const mx_tensor *full, const float *d, int k);

/* Sum of a[i] * b[i]. */
float mx_back_dot(const mx_nn_kernels *nn, int64_t n, const float *a, const float *b);

/* A tensor as outer × n × inner around an axis. */
typedef struct mx_back_lines {
    int64_t outer, n, inner;
} mx_back_lines;

mx_back_lines mx_back_lines_of(const mx_tensor *tensor, int64_t first, int64_t past);
/* The attribute "axis" of a node, counted from the front. */
int64_t mx_back_axis(const mx_back_run *run, int64_t standard, int rank);

#endif
