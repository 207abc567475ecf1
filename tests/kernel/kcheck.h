/* SPDX-License-Identifier: MIT */
/* Kernel checks: every slot of a table against its plain C twin. One program per table;
 * kcheck.c has main(), the table's own file has kcheck_table(). Needs libc alone, so that
 * it runs under an emulator of another processor. Usage:
 * kcheck_X [--seed N] [--bench]. */
#ifndef TESTS_KERNEL_KCHECK_H
#define TESTS_KERNEL_KCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

typedef struct kcheck {
    uint32_t cpu; /* the instruction sets to check against 0, plain C */
    mx_rng rng;
    bool bench;
    const char *slot;
    int n_failures;
    int n_checks;
} kcheck;

/* Written by each program: checks (and with k->bench times) all slots at k->cpu. Called
 * once for every cumulative level the processor has; for 0 only if it has none. */
void kcheck_table(kcheck *k);

/* Sets the name that failures, signals and timings are reported under. */
void kcheck_slot(kcheck *k, const char *name);

/* A buffer of n elements, `offset` elements off a 64-byte boundary, with canaries on both
 * sides; holds 0xcc. kcheck_release() checks the canaries and frees it. */
void *kcheck_buffer(size_t n, size_t element_size, size_t offset);
void kcheck_release(kcheck *k, void *buffer);

/* Fills with normal numbers times `scale`; with `special` also ±0, denormals, huge. */
void kcheck_fill_f32(kcheck *k, float *x, size_t n, float scale, bool special);
void kcheck_fill_u8(kcheck *k, uint8_t *x, size_t n);

/* Class E: equal bits (all NaN are equal). Class U: within `ulp`. Class R: |a - b| within
 * `relative` times the largest magnitude in `expected`. */
void kcheck_equal(kcheck *k, const void *expected, const void *got, size_t bytes);
void kcheck_ulp(kcheck *k, const float *expected, const float *got, size_t n, int ulp);
void kcheck_relative(
    kcheck *k, const float *expected, const float *got, size_t n, double relative);
void kcheck_true(kcheck *k, bool condition, const char *what);

/* Times `run` at plain C and at k->cpu, interleaved, and prints nanoseconds and ratio.
 * `run(arg, cpu)` does the work once with the table for `cpu`. */
void kcheck_time(kcheck *k, void (*run)(void *arg, uint32_t cpu), void *arg);

#endif
