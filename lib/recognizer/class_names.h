/* SPDX-License-Identifier: MIT */
/* What the options and metadata of a recognizer say in words: names of classes, order of
 * planes, range of the input, crop. */
#ifndef MX_RECOGNIZER_CLASS_NAMES_H
#define MX_RECOGNIZER_CLASS_NAMES_H

#include "base/scope.h"
#include "microexpr/face.h"

/* The n names behind each other, each with its 0; one block, freed with mx_free(). */
typedef struct mx_class_names {
    int32_t n;
    size_t size; /* bytes of text */
    char *text;
} mx_class_names;

/* Splits "a,b,c" into exactly n names; blanks around them are dropped. MEXPR_E_ARG when
 * there are more or fewer, one is empty, or two are the same. `source` begins the
 * sentence. */
mexpr_status mx_class_names_parse(mx_scope *scope, const char *source, const char *list,
    int32_t n, mx_class_names *out);
/* "class0", "class1", … */
mexpr_status mx_class_names_number(mx_scope *scope, int32_t n, mx_class_names *out);
mexpr_status mx_class_names_copy(
    mx_scope *scope, const mx_class_names *names, mx_class_names *out);
/* Name `index`, NULL outside. */
const char *mx_class_names_get(const mx_class_names *names, int32_t index);

enum { MX_PLANES = 3 };

/* Parses an order of "u", "v" and "strain": channel[p] receives the channel (0 u, 1 v, 2
 * strain) that the p-th plane takes. */
mexpr_status mx_planes_parse(
    mx_scope *scope, const char *source, const char *list, int channel[MX_PLANES]);

/* The values that 0 and 255 of the picture become. */
typedef struct mx_input_range {
    int low, high;
} mx_input_range;

/* Parses "low,high", whole numbers; "raw" is refused: such a network takes no picture. */
mexpr_status mx_range_parse(
    mx_scope *scope, const char *source, const char *text, mx_input_range *range);

/* "width,height,eye_distance,eye_y", such as "140,170,0.5,0.25". */
mexpr_status mx_crop_parse(
    mx_scope *scope, const char *source, const char *text, mexpr_crop *crop);

#endif
