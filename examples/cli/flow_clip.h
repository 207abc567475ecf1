/* SPDX-License-Identifier: MIT */
/* `microexpr flow` with one argument: a clip. */
#ifndef CLI_FLOW_CLIP_H
#define CLI_FLOW_CLIP_H

#include "flow_params.h"

typedef struct flow_clip_request {
    const char *clip;
    const char *output;
    const char *reference; /* NULL: onset */
    cli_number onset;
    const flow_params *params;
    int threads;
    int json;
} flow_clip_request;

/* What --reference (NULL: onset) and --onset say; an exit code. */
int flow_clip_reference(
    const char *reference, cli_number onset, mexpr_flow_clip_options *options);
/* An exit code. */
int flow_clip_run(const flow_clip_request *request);

#endif
