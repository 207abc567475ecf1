/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same everywhere for the same seed. */
#ifndef MX_BASE_RNG_H
#define MX_BASE_RNG_H

#include <stdint.h>

typedef struct mx_rng {
    uint64_t state[4];
} mx_rng;

/* Independent streams of one seed are told apart by `stream`. */
void mx_rng_seed(mx_rng *rng, uint64_t seed, uint64_t stream);
uint64_t mx_rng_u64(mx_rng *rng);
/* Uniform in 0..n-1 without bias; n >= 1. */
uint32_t mx_rng_below(mx_rng *rng, uint32_t n);
/* Uniform in [0, 1), 53 bits. */
double mx_rng_uniform(mx_rng *rng);
/* Standard normal. */
double mx_rng_normal(mx_rng *rng);
/* The numbers 0..n-1 in an order drawn from all of them: R. A. Fisher, F. Yates,
 * Statistical Tables (1938). */
void mx_rng_permute(mx_rng *rng, uint32_t n, uint32_t *order);

#endif
