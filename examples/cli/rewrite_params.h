/* SPDX-License-Identifier: MIT */
/* Which rewrites a network is loaded with. */
#ifndef CLI_REWRITE_PARAMS_H
#define CLI_REWRITE_PARAMS_H

#include "cli.h"

/* The row for `member`, a cli_list of the request. */
#define NO_REWRITE_OPTION(request, member)                                               \
    {                                                                                    \
        "no-rewrite", 0, CLI_LIST, offsetof(request, member), "NAME",                    \
            "load without a rewrite, or all; see model inspect --list-rewrites"          \
    }

/* Reads an ONNX file without the rewrites named; an exit code. */
int rewrite_load(
    mexpr_context *context, const char *path, const cli_list *without, mexpr_model **out);

/* Calls with every rewrite's name and how often loading did it. */
void rewrite_each(const mexpr_model *model,
    void (*tell)(const char *name, int32_t times, void *user), void *user);

#endif
