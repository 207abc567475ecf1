/* SPDX-License-Identifier: MIT */
/* The context from inside; only lib/base includes this. */
#ifndef MX_BASE_CONTEXT_H
#define MX_BASE_CONTEXT_H

#include <stdatomic.h>

#include "base/pool.h"
#include "base/scope.h"

struct mexpr_context {
    atomic_int references;
    mx_scope scope;
    mexpr_context_options options; /* defaults filled in */
    mx_limits limits;
    uint32_t cpu;
    mx_pool *pool; /* NULL for one thread */
};

#endif
