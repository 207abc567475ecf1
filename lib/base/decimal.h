/* SPDX-License-Identifier: MIT */
/* Decimal numbers in text, the same in every locale. */
#ifndef MX_BASE_DECIMAL_H
#define MX_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of text, without a 0 at its end. */
typedef struct mx_text {
    const char *at;
    size_t size;
} mx_text;

/* Without blanks, tabs and CR at both ends. */
mx_text mx_text_trim(mx_text text);
bool mx_text_is(mx_text text, const char *word);

/* The whole text as a number: 12, -3.5, .5, 1e-3. False for anything else, "nan" and what
 * is beyond 1e300 among it. */
bool mx_decimal_parse(mx_text text, double *out);

/* Writes a number below 1e15 with up to 6 decimals, rounded to nearest; returns its
 * length, at most 24. */
size_t mx_decimal_write(char *out, double value, int decimals);

#endif
