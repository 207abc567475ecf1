/* SPDX-License-Identifier: MIT */
#include "base/option.h"

mexpr_status mx_option_i32(mx_scope *scope, const char *name, int32_t *value,
    int32_t standard, int32_t low, int32_t high)
{
    if (*value == 0)
        *value = standard;
    if (*value < low || *value > high)
        return mx_fail(scope, MEXPR_E_RANGE, "option %s is %d; it must be %d to %d", name,
            (int)*value, (int)low, (int)high);
    return MEXPR_OK;
}

mexpr_status mx_option_f64(mx_scope *scope, const char *name, double *value,
    double standard, double above, double high)
{
    if (*value == 0)
        *value = standard;
    else if (!(*value > above && *value <= high))
        return mx_fail(scope, MEXPR_E_RANGE,
            "option %s is %g; it must be more than %g and at most %g", name, *value,
            above, high);
    return MEXPR_OK;
}

mexpr_status mx_option_reserved(mx_scope *scope, int32_t value)
{
    if (value != 0)
        return mx_fail(
            scope, MEXPR_E_ABI, "option reserved is %d; it must be 0", (int)value);
    return MEXPR_OK;
}

mexpr_status mx_output_size(
    mx_scope *scope, const void *values, size_t capacity, size_t wanted, size_t *n)
{
    if (n)
        *n = wanted;
    if (!values)
        return MEXPR_END;
    if (capacity < wanted)
        return mx_fail(scope, MEXPR_E_RANGE,
            "there is room for %zu values, but there are %zu; ask for the number with "
            "values NULL first",
            capacity, wanted);
    return MEXPR_OK;
}
