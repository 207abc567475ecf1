/* SPDX-License-Identifier: MIT */
/* The options that set an estimator's tunables, shared by `flow` and `recognize`. */
#ifndef CLI_FLOW_PARAMS_H
#define CLI_FLOW_PARAMS_H

#include "cli.h"

typedef struct flow_params {
    cli_number tau;
    cli_number lambda;
    cli_number theta;
    cli_number scales;
    cli_number zoom;
    cli_number warps;
    cli_number epsilon;
    cli_number iterations;
} flow_params;

#define FLOW_PARAM_ROW(request, member, field, text)                                     \
    {                                                                                    \
        .name = #field, .kind = CLI_NUMBER, .value = "X", .help = text,                  \
        .offset = offsetof(request, member) + offsetof(flow_params, field)               \
    }

/* Rows of an option table for the flow_params in `member` of the request. */
#define FLOW_PARAM_OPTIONS(request, member)                                              \
    FLOW_PARAM_ROW(request, member, tau, "time step of TV-L1 (0.25)"),                   \
        FLOW_PARAM_ROW(request, member, lambda, "weight of the data term (0.15)"),       \
        FLOW_PARAM_ROW(request, member, theta, "tightness of the coupling (0.3)"),       \
        FLOW_PARAM_ROW(request, member, scales, "most pyramid levels (100)"),            \
        FLOW_PARAM_ROW(request, member, zoom, "size ratio of two levels (0.5)"),         \
        FLOW_PARAM_ROW(request, member, warps, "warps per level (5)"),                   \
        FLOW_PARAM_ROW(request, member, epsilon, "stopping threshold in px (0.01)"),     \
        FLOW_PARAM_ROW(request, member, iterations, "most iterations per warp (300)")

/* Sets what was given; an exit code. */
int flow_params_apply(const flow_params *params, mexpr_flow *flow);

#endif
