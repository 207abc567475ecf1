/* SPDX-License-Identifier: MIT */
/* Convolution without a column matrix: every weight has a pointer to the inputs that it
 * meets. First for planes of one channel, then for images whose channels lie side by side
 * ("channels last"). */
#ifndef MX_KERNEL_CONV_KERNEL_H
#define MX_KERNEL_CONV_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MX_CONV_LANES = 16, /* rows of inputs and outputs have room up to a multiple of it */
    MX_CONV_ROWS = 4    /* output channels at a time */
};

/* y[r * y_row + i] = sum over t < taps of w[r * w_row + t] * x[t][at + i] for r < rows, i
 * < n. Up to the next multiple of MX_CONV_LANES x is read and y is written. */
typedef struct mx_conv_block {
    size_t n, taps;
    int rows; /* 1..MX_CONV_ROWS */
    const float *const *x;
    size_t at;
    const float *w;
    ptrdiff_t w_row;
    float *y;
    ptrdiff_t y_row;
} mx_conv_block;

/* w[r * w_row + t] += sum over i < n of y[r * y_row + i] * x[t][at + i] for r < rows, t <
 * taps: the gradient of the weights by that of y. Up to the next multiple of
 * MX_CONV_LANES x and y are read; y is 0 there. */
typedef struct mx_conv_slopes {
    size_t n, taps;
    int rows; /* 1..MX_CONV_ROWS */
    const float *const *x;
    size_t at;
    const float *y;
    ptrdiff_t y_row;
    float *w;
    ptrdiff_t w_row;
} mx_conv_slopes;

/* --- channels last ----------------------------------------------------------------- */

enum {
    MX_TILE_ROWS = 12, /* pixels at a time */
    MX_TILE_COLS = 32  /* outputs of a panel of weights at most: the table has its own */
};

typedef enum mx_activation {
    MX_ACTIVATION_NONE,
    MX_ACTIVATION_RELU,
    MX_ACTIVATION_LEAKY_RELU, /* a: slope */
    MX_ACTIVATION_CLIP,       /* into a..b */
    MX_ACTIVATION_SIGMOID,
    MX_ACTIVATION_SILU,
    MX_ACTIVATION_HARD_SWISH,
    MX_ACTIVATION_TANH, /* this and the next two not in tiles */
    MX_ACTIVATION_GELU, /* these two not behind Conv */
    MX_ACTIVATION_GELU_TANH
} mx_activation;

/* What is done to sums: activation(sum * scale + shift + residual) * post_scale +
 * post_shift. Vectors (NULL: none) have one number for each output, with room up to a
 * multiple of MX_TILE_COLS; the residual has rows as far apart as those of y. */
typedef struct mx_tile_finish {
    const float *scale, *shift, *residual, *post_scale, *post_shift;
    mx_activation activation;
    float a, b;
} mx_tile_finish;

/* y[r * y_row + c] = finish(sum over t < runs, i < length of x[t][r] [i] * w[t * length +
 * i][c]) for r < rows, c < cols; x has MX_TILE_ROWS pointers for each run, w as many
 * numbers as the table has columns for each element, zeros behind cols. */
typedef struct mx_conv_tile {
    int rows, cols; /* 1..MX_TILE_ROWS, or any number with offsets; 1..the table's cols */
    size_t runs, length;
    const float *const *x;
    const ptrdiff_t *offsets; /* NULL; or for each run: x[t][r] is x[0][0] + r * step + */
    ptrdiff_t step;           /* offsets[t] */
    const float *w;
    float *y;
    ptrdiff_t y_row;
    mx_tile_finish finish;
} mx_conv_tile;

/* w[(t * length + i) * cols + c] += sum over l < lines, r < pixels of x[l * x_line + r *
 * step + offsets[t] + i] * g[l * g_line + r * cols + c] for t < runs, i < length, c <
 * cols: the gradient of the weights by that of y. sums[c] += sum of these g alone. What
 * will be asked for next, as many floats as g has, is brought near meanwhile. */
typedef struct mx_tile_slopes {
    size_t lines, pixels, runs, length;
    size_t cols; /* a multiple of MX_CONV_LANES */
    const float *x;
    const ptrdiff_t *offsets;
    ptrdiff_t x_line, step;
    const float *g;
    ptrdiff_t g_line;
    float *w, *sums;
    const float *ahead; /* NULL: nothing */
} mx_tile_slopes;

/* y[r * y_row + c] = finish(sum over t < taps of x[t][r] [c] * w[t * w_row + c]) for r <
 * rows, c < channels. */
typedef struct mx_depth_tile {
    int rows;
    size_t channels, taps;
    const float *const *x;
    const ptrdiff_t *offsets; /* as in mx_conv_tile */
    ptrdiff_t step;
    const float *w;
    ptrdiff_t w_row;
    float *y;
    ptrdiff_t y_row;
    mx_tile_finish finish;
} mx_depth_tile;

/* y[o * channels + c] = the sum times factor, or for is_max the maximum (NaN if there is
 * one), of x[o * x_step + i * steps[0] + j * steps[1] + k * steps[2] + c] for i < n[0], j
 * < n[1], k < n[2]; o < outputs, c < channels. */
typedef struct mx_pool_window {
    size_t outputs, channels;
    ptrdiff_t x_step;
    bool is_max;
    float factor;
    const float *x;
    int64_t n[3];
    ptrdiff_t steps[3];
    float *y;
} mx_pool_window;

/* Winograd's F(4x4, 3x3): 6 x 6 inputs make 36 numbers v, and sums of products of these
 * with transformed weights make 4 x 4 outputs. */
enum { MX_WINOGRAD_IN = 36, MX_WINOGRAD_OUT = 16 };

/* One tile, all channels. x are 36 pointers; v[p * v_step + c] is written. */
typedef struct mx_winograd_in {
    size_t channels; /* a multiple of MX_CONV_LANES, as for outputs */
    const float *const *x;
    float *v;
    ptrdiff_t v_step;
} mx_winograd_in;

/* Sums m[p * m_step + c]; outputs go to y[i] [c] where y[i] is not NULL, which
 * residual[i] is for; finish.residual is not used. */
typedef struct mx_winograd_out {
    size_t channels;
    const float *m;
    ptrdiff_t m_step;
    float *const *y;
    const float *const *residual; /* NULL: none */
    mx_tile_finish finish;
} mx_winograd_out;

typedef struct mx_conv_kernels {
    /* R(1e-6 * sqrt(taps)) against exact sums; sums run over t upwards in every one. */
    void (*taps)(const mx_conv_block *block);
    void (*slopes)(const mx_conv_slopes *block); /* R(1e-6 * sqrt(n)) */
    /* y[r * y_row + i] = x[r * x_row + i] for r < rows, i < n; E. Short rows, for which
     * memcpy() takes long to get going. */
    void (*copy_rows)(size_t rows, size_t n, const float *x, ptrdiff_t x_row, float *y,
        ptrdiff_t y_row);
    /* y[i] = x[2 * i], i < n; E. Nothing outside is touched. */
    void (*every_second)(size_t n, const float *x, float *y);
    /* y[2 * i] += a[i] and y[2 * i + 1] += b[i], i < n; E. Neither a nor b overlaps y. */
    void (*add_pairs)(size_t n, const float *a, const float *b, float *y);
    /* y = x * sigmoid(x), also in place: R(4e-7) against max(1, |x|); NaN stays, -Inf
     * gives about -1e-36. Three times as fast as the slot of that name in nn_kernel.h,
     * which gives -0 there. */
    void (*silu)(size_t n, const float *x, float *y);
    int cols; /* outputs of a panel */
    /* R(1e-6 * sqrt(runs * length)) before finish, which is R(4e-7). */
    void (*tile)(const mx_conv_tile *tile);
    void (*tile_slopes)(const mx_tile_slopes *tile); /* R(1e-6 * sqrt(lines * pixels)) */
    /* Lines of windows of three inputs side by side, by Winograd's F(2, 3): pairs of
     * outputs take four products in place of six. x[0] with the offsets are numbers that
     * pair_line() made, y row 2 q and 2 q + 1 of them at [j * step + q], j < 4; w has
     * four rows for each run, length is not read. R(2e-6 * sqrt(runs)) before finish. */
    void (*pairs)(const mx_conv_tile *tile);
    /* v[j * v_step + q], j < 4, of x[2 * q .. 2 * q + 3], q < n; E. Up to the next
     * multiple of MX_CONV_LANES v is written, and x read up to twice that and 2. */
    void (*pair_line)(size_t n, const float *x, float *v, ptrdiff_t v_step);
    void (*depth)(const mx_depth_tile *tile);          /* R(1e-6 * sqrt(taps)) */
    void (*pool)(const mx_pool_window *window);        /* E: in the order of i, j, k */
    void (*winograd_in)(const mx_winograd_in *tile);   /* R(1e-6) */
    void (*winograd_out)(const mx_winograd_out *tile); /* R(2e-6) */
    /* For r < rows: sum[r] and max[r] of the numbers x[r * channels + c] * a[c] (a NULL:
     * 1), c < channels; R(1e-6). */
    void (*row_stats)(size_t rows, size_t channels, const float *x, const float *a,
        float *sum, float *max);
    /* y[r * channels + c] = x[..] * (a[c] * b[r]) (a or b NULL: 1); R(2e-7) */
    void (*row_gate)(size_t rows, size_t channels, const float *x, const float *a,
        const float *b, float *y);
    /* y[r * channels + c] = x[..] * ((g[r * g_row + c] + h[r * h_row + c] + b[r]) *
     * factor), g, h and b not NULL; R(3e-7). */
    void (*row_gates)(size_t rows, size_t channels, const float *x, const float *g,
        ptrdiff_t g_row, const float *h, ptrdiff_t h_row, const float *b, float factor,
        float *y);
} mx_conv_kernels;

void mx_conv_kernels_init(mx_conv_kernels *table, uint32_t cpu);

/* Each is conv_kernel.inc compiled for one instruction set; for the function above alone.
 */
void mx_conv_kernels_fill_c(mx_conv_kernels *table);
void mx_conv_kernels_fill_avx2(mx_conv_kernels *table);
void mx_conv_kernels_fill_avx512(mx_conv_kernels *table);
void mx_conv_kernels_fill_neon(mx_conv_kernels *table);

#endif
