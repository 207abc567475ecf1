/* SPDX-License-Identifier: MIT */
/* Operators on images whose channels lie side by side ("channels last": N, lines,
 * columns, C); only the layout pass (layout.c) makes them. */
#ifndef MX_MODEL_OP_LAST_H
#define MX_MODEL_OP_LAST_H

#include "model/fused.h"
#include "model/op_window.h"

/* How a window goes over an image. */
typedef struct mx_last_params {
    mx_window window;
    int64_t batch, c_in, c_out;
    int64_t n_in, n_out; /* positions of one image */
    int64_t taps;        /* of the window */
    int64_t parts;       /* of an image's outputs */
    /* Of a convolution that reads planes: a padded copy of them; numbers of a line of it,
     * and of each of the four rows that it has for pairs of outputs, 0: none. */
    int64_t padded[MX_SPATIAL], line, pairs;
    /* Of Winograd's convolution: tiles along the axes, together, and at a time. Of
     * others: lines at a time. */
    int64_t tiles[MX_SPATIAL], n_tiles, block;
    /* Of a convolution: stretches of the window that lie in one piece in the input, and
     * their length; whether it is one, everywhere. */
    int64_t runs, length;
    int64_t cols;   /* outputs of a panel of weights */
    int64_t shares; /* of the panels: each part has one */
    bool is_pointwise;
    bool counts_padding; /* of an AveragePool */
} mx_last_params;

enum {
    MX_LAST_TILES =
        8, /* tiles of outputs that share a panel of weights while it is near */
    MX_LAST_BLOCK = MX_LAST_TILES * MX_TILE_ROWS
};

/* Reads window, batch and sizes; `kernel` as for mx_window_infer(). */
mexpr_status mx_last_infer(
    mx_infer *infer, bool from_planes, const int64_t *kernel, mx_last_params *p);
/* The shape of output k: N, outputs of the window, channels. */
void mx_last_shape(mx_infer *infer, int k, const mx_last_params *p, int64_t channels);

/* Rows of the next of n_tiles tiles for n outputs: nearly equal shares, but none of 7 to
 * 9, which make blocks of half the registers where these take 6 rows. */
static inline int mx_last_rows(int64_t n, int64_t n_tiles)
{
    const int64_t share = (n + n_tiles - 1) / n_tiles;
    if (share < 7 || share > 9 || n_tiles == 1)
        return (int)share;
    return n < MX_TILE_ROWS ? (int)n : MX_TILE_ROWS;
}

/* The addresses of an image's numbers. */
typedef struct mx_last_source {
    const float *image;
    ptrdiff_t steps[MX_SPATIAL]; /* from position to position along the axes */
    const float *outside;        /* what lies in the padding */
} mx_last_source;

/* Pointers to the inputs that outputs first..first + rows - 1 meet: x[tap * MX_TILE_ROWS
 * + row]. */
void mx_last_point(const mx_window *w, const mx_last_source *from, int64_t first,
    int rows, const float **x);
mx_last_source mx_last_source_of(
    const mx_last_params *p, const float *x, int64_t image, const float *outside);

/* The epilogue of a node for outputs from channel `channel` on. */
mx_tile_finish mx_last_finish(const mx_run *run, int64_t channel);

extern const mx_operator mx_operators_last_conv[], mx_operators_last_pool[],
    mx_operators_last_gate[];

/* Winograd's convolution (op_last_winograd.c): windows of 3 x 3, or of up to
 * MX_WINOGRAD_SLICES slices of these; channels in multiples of MX_CONV_LANES. */
enum { MX_WINOGRAD_SLICES = 3 };
mexpr_status mx_last_winograd_infer(mx_infer *infer);
mexpr_status mx_last_winograd(const mx_run *run);

#endif
