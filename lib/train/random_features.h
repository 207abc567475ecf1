/* SPDX-License-Identifier: MIT */
/* Numbers whose products are a Gaussian kernel's values, as a graph. */
#ifndef MX_TRAIN_RANDOM_FEATURES_H
#define MX_TRAIN_RANDOM_FEATURES_H

#include "system/layers.h"

enum { MX_RANDOM_BLOCK = 1024 }; /* frequencies of a block; the most numbers of a row */

/* Numbers of a row that n_blocks make: a cosine and a sine for each frequency. */
static inline int64_t mx_random_size(int n_blocks)
{
    return (int64_t)2 * MX_RANDOM_BLOCK * n_blocks;
}

/* Frequencies, once in a graph: always the same. */
typedef struct mx_random {
    int n_blocks;
    mx_name transform, signs[3];
} mx_random;

mx_random mx_random_draw(mx_layers *l, int n_blocks);

/* Of rows of n_in numbers, rows of mx_random_size(): the product of two is about
 * exp(-gamma |a - b|²), wrong by 0.018 / sqrt(n_blocks) (root mean square, measured on
 * flow). */
mx_name mx_random_features(
    mx_layers *l, const mx_random *random, mx_name rows, int64_t n_in, double gamma);

#endif
