/* SPDX-License-Identifier: MIT */
/* Fields of option structs: 0 means the default, the rest must be within bounds. And
 * outputs of which the caller first asks the size. */
#ifndef MX_BASE_OPTION_H
#define MX_BASE_OPTION_H

#include "base/scope.h"

/* Puts `standard` for 0. MEXPR_E_RANGE, naming the field, outside low..high. */
mexpr_status mx_option_i32(mx_scope *scope, const char *name, int32_t *value,
    int32_t standard, int32_t low, int32_t high);

/* The same for numbers of more than `above` and up to `high`; NaN is outside. */
mexpr_status mx_option_f64(mx_scope *scope, const char *name, double *value,
    double standard, double above, double high);

/* MEXPR_E_ABI unless a field kept for later versions is 0. */
mexpr_status mx_option_reserved(mx_scope *scope, int32_t value);

/* Tells the caller the number of values. MEXPR_END when that is all that was wanted
 * (values is NULL), MEXPR_E_RANGE when `capacity` is too small. */
mexpr_status mx_output_size(
    mx_scope *scope, const void *values, size_t capacity, size_t wanted, size_t *n);

#endif
