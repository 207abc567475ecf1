/* SPDX-License-Identifier: MIT */
/* The features of one flow field that `microexpr features` knows, as cells of a table. */
#ifndef CLI_FEATURE_KINDS_H
#define CLI_FEATURE_KINDS_H

#include "cli.h"
#include "table.h"

/* Shared by all kinds; 0: the kind's own standard. */
typedef struct feature_settings {
    int rows;
    int columns;
    int bins;
    int norm;   /* mexpr_histogram_norm */
    int weight; /* mexpr_histogram_weight */
    mexpr_strain strain;
    double min_magnitude;
} feature_settings;

typedef struct feature_input {
    mexpr_context *context;
    const mexpr_field *field;
    const float *landmarks;     /* NULL: none */
    const mexpr_motion *motion; /* of the head */
    const feature_settings *settings;
} feature_input;

/* A set of kinds: bit k stands for the k-th. */
typedef unsigned feature_set;

/* "hoof,mdmo", or NULL for those that need no landmarks and are short; an exit code. The
 * word "lbp_top" must stand alone and makes an empty set. */
int feature_set_parse(const char *list, feature_set *out);
/* The name of a kind in the set that needs landmarks; NULL: there is none. */
const char *feature_set_needs_landmarks(feature_set set);
/* Adds the cells of all kinds in the set; an exit code. */
int feature_set_add(feature_set set, const feature_input *in, table *out);

#endif
