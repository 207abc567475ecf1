/* SPDX-License-Identifier: MIT */
/* Element-wise, reduction and layout loops of the model engine, float32.
 *
 * All: n, rows, cols >= 1; no alignment asked; y may be exactly an input (in place) but
 * must not overlap it otherwise, except where a slot says it is never in place. No read
 * or write outside of the given elements. NaN in gives NaN out. Class E, the same bits
 * from every instruction set, but for what follows. Where there is FMA, exp and what is
 * made of it or like it use it: AVX2 and AVX-512 give the same bits, and against plain C
 * exp, log, sigmoid, tanh, erf, elu and softmax are, number by number, R(8e-7), gelu,
 * gelu_tanh and silu within 8e-7 * max(1, |x|). Reductions
 * keep MX_NN_LANES partial results, element i in lane i % MX_NN_LANES, folded by halves.
 *
 * Bounds against the exact values (kcheck_nn): exp and log 2 ulp, sigmoid, tanh and erf 3
 * ulp, all with exact limits at +-Inf and denormal results where they are due; gelu,
 * gelu_tanh and silu 4e-7 * max(1, |x|). */
#ifndef MX_KERNEL_NN_KERNEL_H
#define MX_KERNEL_NN_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { MX_NN_LANES = 32 };

typedef void mx_nn_unary(size_t n, const float *x, float *y);
typedef void mx_nn_unary1(size_t n, const float *x, float p, float *y);
typedef void mx_nn_unary2(size_t n, const float *x, float p, float q, float *y);
typedef void mx_nn_binary(size_t n, const float *a, const float *b, float *y);
typedef float mx_nn_reduction(size_t n, const float *x);

typedef struct mx_nn_kernels {
    /* y = a op b */
    mx_nn_binary *add, *sub, *mul, *div;
    mx_nn_binary *max, *min; /* of -0 and +0 the second operand */
    /* y = x op p */
    mx_nn_unary1 *add_scalar, *mul_scalar, *div_scalar, *max_scalar, *min_scalar;
    /* y = p op x */
    mx_nn_unary1 *rsub_scalar, *rdiv_scalar;
    mx_nn_unary2 *scale_shift; /* x * p + q, two roundings */
    void (*axpy)(size_t n, float a, const float *x, float *y);           /* y += a * x */
    void (*mul_add)(size_t n, const float *a, const float *b, float *y); /* y += a * b */

    /* Activations. */
    mx_nn_unary *neg, *abs, *sqrt, *reciprocal;
    mx_nn_unary *relu;        /* max(x, 0); -0 stays */
    mx_nn_unary1 *leaky_relu; /* x < 0 ? p * x : x */
    mx_nn_unary2 *clip;       /* into p..q; q where p > q */
    mx_nn_unary1 *threshold;  /* x > p ? x : 0 */
    mx_nn_unary *softsign;    /* x / (1 + |x|) */
    mx_nn_unary *sign;        /* -1, 1, x where it is 0 */
    mx_nn_unary *floor, *ceil;
    mx_nn_unary *round; /* to nearest, ties to even */
    mx_nn_unary *log;   /* of 0 -Inf, of less NaN */
    mx_nn_unary *exp, *sigmoid, *tanh, *erf;
    mx_nn_unary1 *elu;          /* x < 0 ? p * (exp(x) - 1) : x, through expm1 */
    mx_nn_unary *gelu;          /* x/2 * (1 + erf(x / sqrt(2))) */
    mx_nn_unary *gelu_tanh;     /* x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) */
    mx_nn_unary *silu;          /* x * sigmoid(x); -Inf gives -0 */
    mx_nn_unary2 *hard_sigmoid; /* clip(p * x + q, 0, 1) */
    mx_nn_unary *hard_swish;    /* x * clip(x / 6 + 1/2, 0, 1) */

    /* Reductions. max_reduce and min_reduce give NaN when any element is. */
    mx_nn_reduction *sum, *sum_squares, *max_reduce, *min_reduce;
    /* y[r] = sum, max_reduce or min_reduce of row r of x. */
    void (*sum_rows)(size_t rows, size_t n, const float *x, float *y);
    void (*max_rows)(size_t rows, size_t n, const float *x, float *y);
    void (*min_rows)(size_t rows, size_t n, const float *x, float *y);
    float (*sum_square_diff)(size_t n, const float *x, float mean); /* sum (x - mean)^2 */
    /* y = exp(x - top), x <= top, 0 where that is below exp(-87); the sum of all. As
     * softmax. */
    float (*exp_sum)(size_t n, const float *x, float top, float *y);
    /* y = exp(x - max x) / sum; the row-wise softmax. */
    mx_nn_unary *softmax;
    /* y = x - max x - log sum exp(x - max x); never in place, as far from plain C as log
     * of what exp_sum gives. */
    mx_nn_unary *log_softmax;

    /* Matrices, rows x cols, contiguous. */
    /* y[r][c] = x[r][c] * scale[c] + shift[c]: batch normalisation of NHWC. */
    void (*scale_shift_cols)(size_t rows, size_t cols, const float *x, const float *scale,
        const float *shift, float *y);
    /* y[r][c] = x[r][c] * scale[r] + shift[r]: of NCHW planes. */
    void (*scale_shift_rows)(size_t rows, size_t cols, const float *x, const float *scale,
        const float *shift, float *y);
    /* y[r][c] = x[r][c] + bias[c], then relu when asked: the epilogue of a product. */
    void (*bias_cols)(
        size_t rows, size_t cols, const float *x, const float *bias, int relu, float *y);
    /* sum[c] += x[0][c] + x[1][c] + ...; max[c] = max(max[c], x[r][c]): rows in order. */
    void (*sum_cols)(size_t rows, size_t cols, const float *x, float *sum);
    void (*max_cols)(size_t rows, size_t cols, const float *x, float *max);
    /* y[c * y_row + r] = x[r * x_row + c]; NCHW to NHWC with rows = channels, and back
     * with rows = pixels. Never in place. */
    void (*transpose)(
        size_t rows, size_t cols, const float *x, size_t x_row, float *y, size_t y_row);
} mx_nn_kernels;

void mx_nn_kernels_init(mx_nn_kernels *table, uint32_t cpu);

/* Each is nn_kernel.inc compiled for one instruction set; for the function above alone.
 */
void mx_nn_kernels_fill_c(mx_nn_kernels *table);
void mx_nn_kernels_fill_avx2(mx_nn_kernels *table);
void mx_nn_kernels_fill_avx512(mx_nn_kernels *table);

#endif
