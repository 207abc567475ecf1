/* SPDX-License-Identifier: MIT */
/* The sliding window of convolutions and pools, in one to three dimensions. Fewer than
 * three are kept as the last ones of three; the others have size 1. */
#ifndef MX_MODEL_OP_WINDOW_H
#define MX_MODEL_OP_WINDOW_H

#include "model/operator.h"

enum { MX_SPATIAL = 3 };

typedef struct mx_window {
    int64_t in[MX_SPATIAL]; /* -1: open */
    int64_t out[MX_SPATIAL];
    int64_t kernel[MX_SPATIAL];
    int64_t stride[MX_SPATIAL];
    int64_t dilation[MX_SPATIAL];
    int64_t before[MX_SPATIAL]; /* padding */
    int64_t after[MX_SPATIAL];
} mx_window;

/* Reads kernel_shape, strides, dilations, pads, auto_pad and ceil_mode. `dims` are the
 * `n` (1..3) spatial dimensions of the input; `kernel`, where not NULL, is what the
 * weights say and kernel_shape has to agree with. */
mexpr_status mx_window_infer(mx_infer *infer, const int64_t *dims, int n,
    const int64_t *kernel, mx_window *window);

/* The same for a transposed convolution, with output_padding and output_shape too: the
 * window of the convolution that it turns round. `dims` are window->out, and what it
 * makes is window->in. */
mexpr_status mx_window_infer_transposed(mx_infer *infer, const int64_t *dims, int n,
    const int64_t *kernel, mx_window *window);

/* Outputs lo..hi-1 along dimension d for which window element k lies inside the input. */
static inline void mx_window_inside(
    const mx_window *w, int d, int64_t k, int64_t *lo, int64_t *hi)
{
    const int64_t shift = k * w->dilation[d] - w->before[d];
    const int64_t stride = w->stride[d];
    const int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
    const int64_t past = shift >= w->in[d] ? 0 : (w->in[d] - 1 - shift) / stride + 1;
    *hi = past < w->out[d] ? past : w->out[d];
    *lo = first < *hi ? first : *hi;
}

/* Window elements lo..hi-1 of output o along dimension d that lie inside the input. */
static inline void mx_window_elements(
    const mx_window *w, int d, int64_t o, int64_t *lo, int64_t *hi)
{
    const int64_t start = o * w->stride[d] - w->before[d], step = w->dilation[d];
    const int64_t past = w->in[d] - start <= 0 ? 0 : (w->in[d] - start + step - 1) / step;
    *lo = start < 0 ? (-start + step - 1) / step : 0;
    *hi = past < w->kernel[d] ? past : w->kernel[d];
}

/* A run of outputs in one line: x0..x1-1 of it. */
typedef struct mx_span {
    int64_t d, h, x0, x1;
} mx_span;

/* The first run of the outputs first..first+n-1. */
static inline mx_span mx_span_first(const mx_window *w, int64_t first, int64_t n)
{
    const int64_t line = first / w->out[2], x = first % w->out[2];
    return (mx_span){
        line / w->out[1], line % w->out[1], x, x + n < w->out[2] ? x + n : w->out[2]};
}

/* The run behind it, in the next line, of the n outputs that are left. */
static inline void mx_span_next(const mx_window *w, mx_span *s, int64_t n)
{
    s->x0 = 0;
    s->x1 = n < w->out[2] ? n : w->out[2];
    if (++s->h == w->out[1]) {
        s->h = 0;
        s->d++;
    }
}

/* Gives output k the shape batch × channels × the last `n` of `extents` (MX_SPATIAL). */
void mx_window_shape(mx_infer *infer, int k, int64_t batch, int64_t channels,
    const int64_t *extents, int n);

#endif
