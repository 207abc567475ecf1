/* SPDX-License-Identifier: MIT */
/* The options of saliency maps that commands share. */
#ifndef CLI_EXPLAIN_PARAMS_H
#define CLI_EXPLAIN_PARAMS_H

#include "cli.h"

/* "occlusion", "grad-cam", "ablation-cam"; NULL is occlusion; an exit code. */
int explain_method(const char *option, const char *name, int32_t *out);

/* Draws a map over a picture (NULL: alone) and writes it; an exit code. */
int explain_write(cli_outputs *outputs, mexpr_context *context,
    const mexpr_saliency *saliency, const mexpr_image *under, const char *path);

#endif
