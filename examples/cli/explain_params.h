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

/* Whether nothing in the map speaks for the class. */
int explain_is_empty(const mexpr_saliency *saliency);

/* As cli_fail_status(); with the other methods it advises occlusion, which every network
 * can be explained by. `option` is what chooses the method. */
int explain_fail(mexpr_status status, const char *sentence, int32_t method,
    const char *doing, const char *option);

#endif
