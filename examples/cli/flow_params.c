/* SPDX-License-Identifier: MIT */
#include "flow_params.h"

int flow_params_apply(const flow_params *params, mexpr_flow *flow)
{
    const struct {
        mexpr_flow_param id;
        const cli_number *number;
    } rows[] = {
        {MEXPR_FLOW_TAU, &params->tau},
        {MEXPR_FLOW_LAMBDA, &params->lambda},
        {MEXPR_FLOW_THETA, &params->theta},
        {MEXPR_FLOW_SCALES, &params->scales},
        {MEXPR_FLOW_ZOOM, &params->zoom},
        {MEXPR_FLOW_WARPS, &params->warps},
        {MEXPR_FLOW_EPSILON, &params->epsilon},
        {MEXPR_FLOW_ITERATIONS, &params->iterations},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number->given &&
            mexpr_flow_set(flow, rows[i].id, rows[i].number->value) != MEXPR_OK)
            return cli_usage("%s", mexpr_flow_last_error(flow));
    }
    return CLI_OK;
}
