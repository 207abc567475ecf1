/* SPDX-License-Identifier: MIT */
/* What all tests share: contexts that count and fail allocations, folders, real data. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "microexpr/base.h"

/* An allocator that counts, and fails on demand. Thread-safe. */
typedef struct test_heap {
    long live_blocks;
    long live_bytes;
    long peak_bytes;
    long n_allocs;       /* successful and failed */
    long fail_at;        /* number of the allocation to fail, counted from 0; -1: none */
    bool fail_all_after; /* and every one after it */
} test_heap;

void test_heap_init(test_heap *heap);

/* Options with this heap, and the instruction sets that the environment variable
 * MEXPR_TEST_CPU_MASK allows (unset: all). */
mexpr_context_options test_options(test_heap *heap);

/* A context with all defaults, n_threads and the mask of the environment. `heap` may be
 * NULL. Fails the test when refused. */
mexpr_context *test_context(test_heap *heap, int n_threads);

/* `context` for a whole test program: give setup and teardown to cmocka's group. */
#define TEST_CONTEXT                                                                     \
    static mexpr_context *context;                                                       \
    static int setup(void **state)                                                       \
    {                                                                                    \
        (void)state;                                                                     \
        context = test_context(NULL, 1);                                                 \
        return 0;                                                                        \
    }                                                                                    \
    static int teardown(void **state)                                                    \
    {                                                                                    \
        (void)state;                                                                     \
        mexpr_context_destroy(&context);                                                 \
        return 0;                                                                        \
    }

/* One entry point or sequence to be tried with every allocation failing in turn. It
 * creates what it needs from `context`, destroys it all, and returns the first status
 * that is not MEXPR_OK. */
typedef mexpr_status (*test_scenario)(mexpr_context *context, void *arg);

/* Runs the scenario with allocation 0, 1, 2, … failing (once, and from there on) until
 * it gets through. Fails the test unless each run ends in MEXPR_E_NOMEM with a sentence
 * and nothing left allocated. Returns the number of allocations. */
long test_oom_sweep(test_scenario scenario, void *arg, int n_threads);

/* Path of a file of real data, in a static buffer of 8 that rotate. Skips the test, with
 * a message, when the test_data option is empty. */
const char *test_data(const char *relative);

/* Skips the test, with a message, when the build lacks a feature of
 * mexpr_build_features(): "png", "jpeg". */
void test_needs(const char *feature);

/* A fresh temporary folder for this test program, removed at exit; and a path in it (in
 * a rotating buffer). */
const char *test_folder(void);
const char *test_path(const char *name);

/* Writes and reads small files for tests; they fail the test on trouble. The bytes read
 * are released with free(). */
void test_write_file(const char *path, const void *bytes, size_t size);
void *test_read_file(const char *path, size_t *size);

/* Runs the microexpr command of the build with arguments up to a NULL; skips the test
 * when there is none. Returns its exit code; what it prints goes to test_path("out"). */
int test_command(const char *const *arguments);

/* Checks a failed call: its status, and that the sentence contains `part`. */
#define assert_failure(context, call, expected, part)                                    \
    test_assert_failure(context, call, expected, part, #call, __FILE__, __LINE__)
void test_assert_failure(mexpr_context *context, mexpr_status status,
    mexpr_status expected, const char *part, const char *call, const char *file,
    int line);

/* Checks that a call on a context succeeded, printing its sentence otherwise. */
#define assert_ok(context, call) test_assert_ok(context, call, #call, __FILE__, __LINE__)
void test_assert_ok(mexpr_context *context, mexpr_status status, const char *call,
    const char *file, int line);

#endif
