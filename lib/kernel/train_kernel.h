/* SPDX-License-Identifier: MIT */
/* Loops of training. Class of every slot: E, the same bits from every instruction set. */
#ifndef MX_KERNEL_TRAIN_KERNEL_H
#define MX_KERNEL_TRAIN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pool over rows of `lanes` floats, one for each pixel of a picture: channels last. */
typedef struct mx_lane_pool {
    size_t lanes; /* a multiple of MX_TRAIN_ROW */
    int64_t in[2], out[2], kernel[2], stride[2], before[2];
} mx_lane_pool;

/* One step of an optimiser, with what is the same for all weights computed before. */
typedef struct mx_train_rule {
    float factor, decay, shrink; /* of gradients; of weights, in them and by themselves */
    float momentum, first_share, beta2, second_share;
    float rate, correction, epsilon;
    bool is_nesterov;
} mx_train_rule;

/* Numbers [outer][n][inner] that a gate goes through along n, with results
 * [outer][inner]; or, with is_along, lines of n, [outer][inner][n], with results
 * [inner][outer]. */
typedef struct mx_gate_shape {
    size_t outer, n, inner;
    bool is_along;
} mx_gate_shape;

typedef struct mx_train_kernels {
    /* out[i] = y[i] > 0 ? g[i] : 0; out may be g. */
    void (*gate)(size_t n, const float *y, const float *g, float *out);
    /* sums[0] = sum of g[i], sums[1] = sum of g[i] (x[i] - mean), in MX_TRAIN_LANES
     * partial sums of float, element i in lane i % MX_TRAIN_LANES, then in double. */
    void (*normal_sums)(
        size_t n, const float *g, const float *x, float mean, double sums[2]);
    /* out[i] = p g[i] + q x[i] + r, three roundings after the products'; out may be g or
     * x. */
    void (*normal_slope)(
        size_t n, const float *g, const float *x, float p, float q, float r, float *out);
    /* out[i] = x[i] scale, or 0 where a hash of seed and first + i is below limit; out
     * may be x. */
    void (*drop)(size_t n, const float *x, uint64_t seed, uint32_t first, uint32_t limit,
        float scale, float *out);
    /* Where x[i] is above most[i], or NaN: most[i] = x[i], at[i] = first + i. */
    void (*most)(size_t n, const float *x, int32_t first, float *most, int32_t *at);
    /* y[i] = the largest of most[i stride + j step], j < taps, found[i] = its `at`; of
     * equals the lowest `at`, and NaN before all. */
    void (*most_along)(size_t n, size_t taps, size_t stride, size_t step,
        const float *most, const int32_t *at, float *y, int32_t *found);
    /* out[i] = g[i] where x[i] is y[i] and nobody has claimed it: taken[i] = 1; else 0.
     */
    void (*claim)(size_t n, const float *x, const float *y, const float *g,
        uint8_t *taken, float *out);

    /* The rest is of rows of `lanes` floats, a multiple of MX_TRAIN_ROW. Sums down a lane
     * have MX_TRAIN_PARTS partial ones, row i in i % MX_TRAIN_PARTS, folded by halves. */
    /* Mean of each lane and the sum of squares of the differences from it. */
    void (*lane_moments)(
        size_t rows, size_t lanes, const float *x, float *mean, float *squares);
    /* sums = sum of g, products = sum of g (x - mean), mean by lane. */
    void (*lane_sums)(size_t rows, size_t lanes, const float *g, const float *x,
        const float *mean, float *sums, float *products);
    /* y = p x + q, p and q by lane; with is_gated 0 where that is not above 0. */
    void (*lane_line)(size_t rows, size_t lanes, const float *x, const float *p,
        const float *q, bool is_gated, float *y);
    /* The same, gated by x instead. */
    void (*lane_slope)(size_t rows, size_t lanes, const float *x, const float *p,
        const float *q, bool is_gated, float *y);
    /* y = g scale where p x + q is above 0, otherwise 0; y may be g. */
    void (*lane_gate)(size_t rows, size_t lanes, const float *x, const float *p,
        const float *q, const float *g, const float *scale, float *y);
    /* Of each window the x with the largest x sign (the first of equals, NaN before all)
     * and which element of the window it is; sign is 1 or -1. */
    void (*lane_most)(const mx_lane_pool *pool, const float *x, const float *sign,
        float *most, int32_t *at);
    /* Adds g to y where the window's element is `at`; lines of y are y_line apart. */
    void (*lane_give)(const mx_lane_pool *pool, const float *g, const int32_t *at,
        ptrdiff_t y_line, float *y);

    /* Steps of n weights w by their gradients g; m and v are the means of g and of g². */
    void (*sgd)(const mx_train_rule *rule, size_t n, const float *g, float *m, float *w);
    void (*adam)(const mx_train_rule *rule, size_t n, const float *g, float *m, float *v,
        float *w);
    /* mean[i] += (x[i] - mean[i]) share */
    void (*approach)(size_t n, float share, const float *x, float *mean);

    /* Of each n the largest (NaN before all) and the mean. */
    void (*gate_stats)(const mx_gate_shape *s, const float *x, float *most, float *mean);
    /* dx, to which it is added with `adds`, from the gradients of these: that of the
     * largest goes to the first of equals. */
    void (*gate_give_stats)(const mx_gate_shape *s, const float *x, const float *most,
        const float *dmost, const float *dmean, bool adds, float *dx);
    /* y = x factor; y may be x. */
    void (*gate_apply)(
        const mx_gate_shape *s, const float *x, const float *factor, float *y);
    /* dfactor = sum of dy x, and dx (NULL: nobody asks), or what is added to it, dy
     * factor. */
    void (*gate_give)(const mx_gate_shape *s, const float *x, const float *factor,
        const float *dy, bool adds, float *dx, float *dfactor);
} mx_train_kernels;

enum { MX_TRAIN_LANES = 32, MX_TRAIN_ROW = 16, MX_TRAIN_PARTS = 8 };

void mx_train_kernels_init(mx_train_kernels *table, uint32_t cpu);

/* The parts of mx_train_kernels_init(), one per instruction set. */
void mx_train_kernels_fill_c(mx_train_kernels *table);
void mx_train_kernels_fill_avx2(mx_train_kernels *table);
void mx_train_kernels_fill_avx512(mx_train_kernels *table);

#endif
