/* SPDX-License-Identifier: MIT */
/* The options that choose how flow is estimated, shared by `flow`, `features` and
 * `recognize`. */
#ifndef CLI_FLOW_PARAMS_H
#define CLI_FLOW_PARAMS_H

#include "cli.h"

typedef struct flow_params {
    const char *method;
    cli_number tau;
    cli_number lambda;
    cli_number theta;
    cli_number scales;
    cli_number zoom;
    cli_number warps;
    cli_number epsilon;
    cli_number iterations;
    cli_number outer;
    cli_number median;
    cli_number window;
    cli_number poly_n;
    cli_number poly_sigma;
    int gaussian;
} flow_params;

#define FLOW_PARAM_AT(request, member, field)                                            \
    (offsetof(request, member) + offsetof(flow_params, field))

#define FLOW_PARAM_ROW(request, member, field, option, text)                             \
    {                                                                                    \
        option, 0, CLI_NUMBER, FLOW_PARAM_AT(request, member, field), "X", text          \
    }

/* Rows of an option table for the flow_params in `member` of the request. T, O and F in
 * the help are the methods tvl1 and fast, opencv, and farneback. */
#define FLOW_PARAM_OPTIONS(request, member)                                              \
    {"method", 0, CLI_TEXT, FLOW_PARAM_AT(request, member, method), "M",                 \
        "flow by tvl1 (standard), fast (the same energy), opencv (its\n"                 \
        "                              TV-L1) or farneback; below T is tvl1 and\n"       \
        "                              fast, O opencv, F farneback"},                    \
        FLOW_PARAM_ROW(request, member, tau, "tau", "T, O: time step (0.25)"),           \
        FLOW_PARAM_ROW(                                                                  \
            request, member, lambda, "lambda", "T, O: weight of the data term (0.15)"),  \
        FLOW_PARAM_ROW(                                                                  \
            request, member, theta, "theta", "T, O: tightness of the coupling (0.3)"),   \
        FLOW_PARAM_ROW(request, member, scales, "scales",                                \
            "most pyramid levels (T 100, O 5); F: above the finest (3)"),                \
        FLOW_PARAM_ROW(request, member, zoom, "zoom",                                    \
            "size ratio of two levels (T 0.5, O 0.8, F 0.5)"),                           \
        FLOW_PARAM_ROW(                                                                  \
            request, member, warps, "warps", "T, O: warps per level (5; fast 3)"),       \
        FLOW_PARAM_ROW(request, member, epsilon, "epsilon",                              \
            "T, O: stopping threshold, px (0.01; fast 0.017)"),                          \
        FLOW_PARAM_ROW(request, member, iterations, "iterations",                        \
            "most per warp (T 300), median (O 30), level (F 3)"),                        \
        FLOW_PARAM_ROW(                                                                  \
            request, member, outer, "outer", "O: most median filters per warp (10)"),    \
        FLOW_PARAM_ROW(request, member, median, "median",                                \
            "O: side of the median filter: 1 (none), 3 or 5 (5)"),                       \
        FLOW_PARAM_ROW(request, member, window, "window",                                \
            "F: side of the averaging window in px (15)"),                               \
        FLOW_PARAM_ROW(                                                                  \
            request, member, poly_n, "poly-n", "F: reach of the fit in px (5)"),         \
        FLOW_PARAM_ROW(request, member, poly_sigma, "poly-sigma",                        \
            "F: standard deviation of the fit's weight in px (1.2)"),                    \
    {                                                                                    \
        "gaussian", 0, CLI_FLAG, FLOW_PARAM_AT(request, member, gaussian), NULL,         \
            "F: a Gaussian window instead of a box"                                      \
    }

/* Sets what was given; an exit code. */
int flow_params_apply(const flow_params *params, mexpr_flow *flow);

#endif
