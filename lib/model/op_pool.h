/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_OP_POOL_H
#define MX_MODEL_OP_POOL_H

#include "model/op_window.h"

/* Of AveragePool, LpPool and MaxPool. */
typedef struct mx_pool_params {
    mx_window window;
    int64_t n_channels; /* batch × channels */
    int64_t n_in, n_out;
    int64_t power; /* of the norm */
    bool counts_padding;
    bool column_major; /* storage_order of MaxPool's indices */
} mx_pool_params;

/* Elements that count under window o along dimension d, at least 1: those inside the
 * input or, when padding counts, inside input and padding, but nothing beyond that. */
int64_t mx_pool_counted(const mx_pool_params *p, int d, int64_t o);

#endif
