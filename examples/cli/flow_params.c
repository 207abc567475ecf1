/* SPDX-License-Identifier: MIT */
#include "flow_params.h"

static const cli_word methods[] = {
    {"tvl1", MEXPR_FLOW_METHOD_TVL1},
    {"fast", MEXPR_FLOW_METHOD_TVL1_FAST},
    {"opencv", MEXPR_FLOW_METHOD_TVL1_OPENCV},
    {"farneback", MEXPR_FLOW_METHOD_FARNEBACK},
    {0},
};

static const char *word_of(int method)
{
    const cli_word *w = methods;
    while (w->word && w->value != method)
        w++;
    return w->word;
}

static int set(mexpr_flow *flow, mexpr_flow_param id, double value)
{
    return mexpr_flow_set(flow, id, value) == MEXPR_OK
               ? CLI_OK
               : cli_usage("%s", mexpr_flow_last_error(flow));
}

int flow_params_apply(const flow_params *params, mexpr_flow *flow)
{
    const cli_number gaussian = {params->gaussian, 1};
    const struct {
        const char *option;
        mexpr_flow_param id;
        const cli_number *number;
    } rows[] = {
        {"--tau", MEXPR_FLOW_TAU, &params->tau},
        {"--lambda", MEXPR_FLOW_LAMBDA, &params->lambda},
        {"--theta", MEXPR_FLOW_THETA, &params->theta},
        {"--scales", MEXPR_FLOW_SCALES, &params->scales},
        {"--zoom", MEXPR_FLOW_ZOOM, &params->zoom},
        {"--warps", MEXPR_FLOW_WARPS, &params->warps},
        {"--epsilon", MEXPR_FLOW_EPSILON, &params->epsilon},
        {"--iterations", MEXPR_FLOW_ITERATIONS, &params->iterations},
        {"--outer", MEXPR_FLOW_OUTER_ITERATIONS, &params->outer},
        {"--median", MEXPR_FLOW_MEDIAN, &params->median},
        {"--window", MEXPR_FLOW_WINDOW, &params->window},
        {"--poly-n", MEXPR_FLOW_POLY_N, &params->poly_n},
        {"--poly-sigma", MEXPR_FLOW_POLY_SIGMA, &params->poly_sigma},
        {"--gaussian", MEXPR_FLOW_GAUSSIAN, &gaussian},
    };
    int method = MEXPR_FLOW_METHOD_TVL1;
    int code = cli_choose("--method", params->method, methods, &method);
    if (code == CLI_OK && params->method)
        code = set(flow, MEXPR_FLOW_METHOD, method);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && code == CLI_OK; i++) {
        if (!rows[i].number->given)
            continue;
        if (mexpr_flow_method_bounds(
                (mexpr_flow_method)method, rows[i].id, NULL, NULL, NULL) != MEXPR_OK)
            return cli_usage(
                "%s is not for --method %s", rows[i].option, word_of(method));
        code = set(flow, rows[i].id, rows[i].number->value);
    }
    return code;
}
