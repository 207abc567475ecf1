/* SPDX-License-Identifier: MIT */
/* Vectors of 16 bytes: what every 64-bit processor has, and four floats elsewhere. */
#include <stdint.h>
#include <string.h>

typedef float vector __attribute__((vector_size(16)));

static inline vector load(const float *p)
{
    vector v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, vector v)
{
    memcpy(p, &v, sizeof v);
}

static inline vector spread(float x)
{
    return (vector){x, x, x, x};
}

typedef int32_t integers __attribute__((vector_size(16)));

/* a where it is greater, else b: NaN where b is. */
static inline vector larger(vector a, vector b)
{
    const integers above = (integers)(a > b);
    return (vector)((above & (integers)a) | (~above & (integers)b));
}

/* The same for less. */
static inline vector smaller(vector a, vector b)
{
    const integers below = (integers)(a < b);
    return (vector)((below & (integers)a) | (~below & (integers)b));
}

#define FILL mx_conv_kernels_fill_c
#define VECTORS 8
#define WIDTH 4
#define ZERO() ((vector){0, 0, 0, 0})
#define LOAD(p) load(p)
#define STORE(p, v) store(p, v)
#define SPREAD(x) spread(x)
#define MULTIPLY_ADD(sum, a, b) ((sum) + (a) * (b))
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define MAX(a, b) larger(a, b)
#define MIN(a, b) smaller(a, b)
#include "kernel/conv_kernel.inc"
