/* SPDX-License-Identifier: MIT */
/* What a method of the estimator is to flow.c. */
#ifndef MX_FLOW_FLOW_METHOD_H
#define MX_FLOW_FLOW_METHOD_H

#include "microexpr/flow.h"

typedef struct mx_flow_method {
    /* Lays out the memory for pictures of this size and the present parameters; does
     * nothing when it fits already. */
    mexpr_status (*prepare)(mexpr_flow *flow, int width, int height);
    /* Where picture 0 or 1 is put, without gaps, before solve(). */
    float *(*input)(mexpr_flow *flow, int which);
    /* Flow between the inputs, which are lost, into planes without gaps. */
    mexpr_status (*solve)(mexpr_flow *flow, float *u, float *v);
    /* Frees the memory, if there is any. */
    void (*release)(mexpr_flow *flow);
} mx_flow_method;

#endif
