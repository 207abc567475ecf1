/* SPDX-License-Identifier: MIT */
/* A matrix product as part of a node, divided among its threads. */
#ifndef MX_MODEL_OP_PRODUCT_H
#define MX_MODEL_OP_PRODUCT_H

#include "model/operator.h"

/* Rows row..row + m - 1 and columns col..col + n - 1 of y; `y` is where they begin. */
typedef struct mx_tile {
    int row, m, col, n;
    float *y;
} mx_tile;

typedef struct mx_product mx_product;

/* What is done to each tile while it is in the cache. */
typedef void mx_tile_fn(
    const mx_run *run, const mx_product *product, const mx_tile *tile);

/* y = alpha * op(a) * op(b) + beta * y; all without gaps. `finish` may be NULL. */
struct mx_product {
    bool trans_a, trans_b;
    int m, n, k;
    float alpha, beta;
    const float *a, *b;
    float *y;
    mx_tile_fn *finish;
};

/* Operators that rewrites make of layers with constant weights: "Dense", a convolution
 * whose window is the whole input, and "Linear", a matrix product; inputs are those of an
 * epilogue, 2 being the bias. */
typedef struct mx_dense_params {
    int m, n, k;
    bool out_first; /* weights are stored [out][in] */
} mx_dense_params;

mexpr_status mx_dense_infer(mx_infer *infer);
mexpr_status mx_linear_infer(mx_infer *infer);
mexpr_status mx_dense(const mx_run *run);

/* For operators with MX_OP_PARTS. */
void mx_run_product(const mx_run *run, const mx_product *product);

#endif
