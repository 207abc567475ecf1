/* SPDX-License-Identifier: MIT */
/* Measures of one set of predictions, for those who make many sets. */
#ifndef MX_EVALUATE_MEASURES_H
#define MX_EVALUATE_MEASURES_H

#include "base/scope.h"
#include "microexpr/evaluate.h"

/* From a confusion of c × c counts. */
void mx_measure(const int64_t *confusion, int32_t c, mexpr_metrics *m);

/* Whether there are n labels and predictions of n_classes classes. */
mexpr_status mx_check_predictions(mx_scope *scope, const int32_t *labels,
    const int32_t *predicted, int64_t n, int32_t n_classes);

#endif
