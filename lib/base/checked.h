/* SPDX-License-Identifier: MIT */
/* Size arithmetic that says when it overflows. */
#ifndef MX_BASE_CHECKED_H
#define MX_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a × b; false on overflow, with *out untouched. */
static inline bool mx_mul_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

/* *out = a + b; false on overflow, with *out untouched. */
static inline bool mx_add_size(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

/* *out = a × b for non-negative numbers; false on overflow or a negative one. */
static inline bool mx_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    if (a < 0 || b < 0 || (b != 0 && a > INT64_MAX / b))
        return false;
    *out = a * b;
    return true;
}

/* `size` rounded up to a multiple of `unit`, a power of two. The caller knows it fits. */
static inline size_t mx_round_up(size_t size, size_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

#endif
