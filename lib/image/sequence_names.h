/* SPDX-License-Identifier: MIT */
/* Names of frames: which match a pattern, their order, their numbers. */
#ifndef MX_IMAGE_SEQUENCE_NAMES_H
#define MX_IMAGE_SEQUENCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends in .jpg, .jpeg or .png, in any case. */
bool mx_name_is_picture(const char *name);

/* Whether it has exactly one conversion %d, %5d, %05d (or i or u for d); %% is a '%'. */
bool mx_is_number_pattern(const char *pattern);
/* Whether printf() would make the name from such a pattern and some number. */
bool mx_matches_number(const char *pattern, const char *name);

/* Whether it has one of *, ? and [. */
bool mx_is_glob(const char *pattern);
/* The shell's rules: * is any text, ? any byte, [a-c] and [!a-c] one of a set. */
bool mx_matches_glob(const char *pattern, const char *name);

/* Below, at or above 0: numbers within names count by their value. */
int mx_compare_natural(const char *a, const char *b);

/* The last run of digits before the last '.', its place and value; false where there is
 * none or it is beyond int64_t. */
bool mx_name_number(const char *name, size_t *begin, size_t *end, int64_t *number);
/* The number of `b` after that of `a` minus one, where both differ in nothing else; else
 * 0. */
uint64_t mx_numbers_between(const char *a, const char *b);

#endif
