/* SPDX-License-Identifier: MIT */
/* What the test programs of the api suite share. They use the shared library as any
 * program would: public headers, no internals. */
#ifndef TESTS_API_CHECK_H
#define TESTS_API_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "microexpr/microexpr.h"

/* A call without a handle to put a sentence in: a status, and nothing written. */
#define REFUSED(call) assert_int_equal((call), MEXPR_E_ARG)

/* A call on a context: the status, and a sentence. */
#define FAILS(context, call, status)                                                     \
    do {                                                                                 \
        assert_int_equal((call), (status));                                              \
        assert_true(strlen(mexpr_context_last_error(context)) > 0);                      \
    } while (0)

/* The same for a call that has to leave NULL in `out`. */
#define MAKES_NOTHING(context, out, call, status)                                        \
    do {                                                                                 \
        (out) = (void *)&(out);                                                          \
        FAILS(context, call, status);                                                    \
        assert_null(out);                                                                \
    } while (0)

/* A struct as a later version of the header might have it. */
#define LATER(type)                                                                      \
    struct {                                                                             \
        type known;                                                                      \
        uint64_t later;                                                                  \
    }

static inline mexpr_context *api_context(void)
{
    mexpr_context *context = NULL;
    assert_int_equal(mexpr_context_create(NULL, &context), MEXPR_OK);
    return context;
}

static inline mexpr_image *api_image(mexpr_context *context, mexpr_format format)
{
    mexpr_image *image = NULL;
    assert_int_equal(mexpr_image_create(context, format, 32, 24, &image), MEXPR_OK);
    return image;
}

#endif
