/* SPDX-License-Identifier: MIT */
#ifndef MX_EVALUATE_FOLD_MAKER_H
#define MX_EVALUATE_FOLD_MAKER_H

#include "evaluate/evaluation.h"

/* Fills in the fold of each clip and how many there are, from their persons and
 * databases. passed_over: clips of databases that are neither learnt from nor tested,
 * false before. */
mexpr_status mx_make_folds(mx_scope *scope, const mexpr_manifest *manifest,
    const mexpr_evaluate_options *o, mexpr_evaluation *e, bool *passed_over);

#endif
