/* SPDX-License-Identifier: MIT */
/* Names of classes, separated by commas: the metadata microexpr.labels. */
#ifndef MX_TRAIN_LABEL_NAMES_H
#define MX_TRAIN_LABEL_NAMES_H

#include "base/scope.h"

int32_t mx_label_names_count(const char *names);
/* The recognizer tells classes apart by name: MEXPR_E_RANGE unless there is one for each
 * class, none is empty and no two are alike but for blanks around them. NULL is MEXPR_OK.
 */
mexpr_status mx_label_names_check(mx_scope *scope, const char *names, int32_t n_classes);

#endif
