/* SPDX-License-Identifier: MIT */
/* LBP-TOP of a clip as a row of a table. */
#ifndef CLI_LBP_FEATURES_H
#define CLI_LBP_FEATURES_H

#include "cli.h"
#include "table.h"

/* Reads the clip and adds its row; an exit code. */
int lbp_features_add(mexpr_context *context, const char *clip,
    const mexpr_lbp_top_options *options, table *out);

#endif
