/* SPDX-License-Identifier: MIT */
/* Convolution with windows of 3 x 3 by Winograd's F(4x4, 3x3) (Lavin, Gray: Fast
 * algorithms for convolutional neural networks, 2016): a quarter of the products, and
 * 1e-5 of error relative to the largest number instead of 1e-6. With a third dimension
 * the slices under the window are so many channels more. */
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"

enum {
    TILE = 4, /* outputs along an axis */
    BLOCK_BYTES =
        768 << 10 /* of numbers that a block of tiles works on: a cache's share */
};

/* --- planning ---------------------------------------------------------------------- */

static size_t slot_floats(const mx_last_params *p)
{
    return (size_t)(MX_WINOGRAD_IN * p->block * p->c_in);
}

static size_t sum_floats(const mx_last_params *p)
{
    return (size_t)(MX_WINOGRAD_IN * p->block * p->c_out);
}

/* The workspace: zeros to read outside of the image. */
static size_t outside_floats(const mx_last_params *p)
{
    return mx_round_up((size_t)p->c_in, MX_ALIGNMENT / sizeof(float));
}

/* Tiles at a time: even shares. */
static void choose_block(mx_last_params *p)
{
    const int64_t bytes = MX_WINOGRAD_IN * (int64_t)sizeof(float) *
                          (p->window.kernel[0] * p->c_in + p->c_out);
    int64_t most = BLOCK_BYTES / bytes / MX_TILE_ROWS * MX_TILE_ROWS;
    most = most < MX_TILE_ROWS ? MX_TILE_ROWS : most;
    p->n_tiles = p->tiles[1] * p->tiles[2];
    p->parts = (p->n_tiles + most - 1) / most;
    p->block = p->parts ? (p->n_tiles + p->parts - 1) / p->parts : 0;
}

mexpr_status mx_last_winograd_infer(mx_infer *infer)
{
    const mx_tensor *w = infer->inputs[1];
    mx_last_params *p = infer->params;
    const int n = infer->inputs[0]->rank - 2;
    int64_t kernel[MX_SPATIAL] = {3, 3, 3};
    kernel[0] = n == 3 ? w->dims[2] : 3;
    const mexpr_status status = mx_last_infer(infer, false, kernel, p);
    if (status != MEXPR_OK)
        return status;
    p->c_out = infer->node->fusion->channels;
    p->cols = w->dims[w->rank - 1];
    for (int d = 0; d < MX_SPATIAL; d++)
        p->tiles[d] = (p->window.out[d] + TILE - 1) / TILE;
    if (p->n_in >= 0 && p->n_out >= 0) {
        choose_block(p);
        infer->workspace = outside_floats(p) * sizeof(float);
        infer->part_space =
            (sum_floats(p) + slot_floats(p) * (size_t)p->window.kernel[0]) *
            sizeof(float);
    }
    infer->multiply_adds = (double)p->batch * (double)p->n_out * (double)p->taps *
                           (double)p->c_in * (double)p->c_out / 4;
    mx_last_shape(infer, 0, p, p->c_out);
    return MEXPR_OK;
}

/* --- running ----------------------------------------------------------------------- */

/* A block of tiles of one image, through all its slices. */
typedef struct block {
    const mx_run *run;
    const mx_last_params *p;
    int64_t image, first, n;
    const float *outside;
    float *sums;  /* by tile, number of 36, channel */
    float *slots; /* for the slices under the window: by number, tile, channel */
} block;

static float *slot_of(const block *b, int64_t slice)
{
    return b->slots + (size_t)(slice % b->p->window.kernel[0]) * slot_floats(b->p);
}

static void transform_slice(const block *b, int64_t slice)
{
    const mx_last_params *p = b->p;
    const mx_window *w = &p->window;
    const mx_last_source from =
        mx_last_source_of(p, b->run->inputs[0]->data, b->image, b->outside);
    float *v = slot_of(b, slice);
    const float *x[MX_WINOGRAD_IN];
    for (int64_t i = 0; i < b->n; i++, v += p->c_in) {
        const int64_t tile = b->first + i;
        const int64_t h = tile / p->tiles[2] * TILE - w->before[1];
        const int64_t c = tile % p->tiles[2] * TILE - w->before[2];
        for (int64_t j = 0; j < MX_WINOGRAD_IN; j++) {
            const int64_t y = h + j / 6, u = c + j % 6;
            const bool inside = y >= 0 && y < w->in[1] && u >= 0 && u < w->in[2];
            x[j] = inside ? from.image + slice * from.steps[0] + y * from.steps[1] +
                                u * from.steps[2]
                          : from.outside;
        }
        const mx_winograd_in t = {(size_t)p->c_in, x, v, (ptrdiff_t)(b->n * p->c_in)};
        b->run->machine->conv.winograd_in(&t);
    }
}

/* Sums over channels and the slices under the window of output slice `slice`, for each
 * of the 36 numbers; zeros where the window lies in the padding. */
static void multiply(const block *b, int64_t slice)
{
    const mx_last_params *p = b->p;
    const int64_t depth = p->window.kernel[0], at = slice - p->window.before[0];
    const int64_t lo = at < 0 ? 0 : at, panel = depth * p->c_in * p->cols;
    const int64_t end = at + depth < p->window.in[0] ? at + depth : p->window.in[0];
    const int64_t n_slices = end > lo ? end - lo : 0, skipped = n_slices ? lo - at : 0;
    const int64_t n_groups = (b->n + MX_TILE_ROWS - 1) / MX_TILE_ROWS;
    const float *w = b->run->inputs[1]->data, *x = NULL;
    ptrdiff_t offsets[MX_WINOGRAD_SLICES];
    for (int64_t i = 0; i < n_slices; i++)
        offsets[i] = slot_of(b, lo + i) - b->slots;
    mx_conv_tile t = {.runs = (size_t)n_slices,
        .length = (size_t)p->c_in,
        .x = &x,
        .offsets = offsets,
        .step = (ptrdiff_t)p->c_in,
        .y_row = (ptrdiff_t)(MX_WINOGRAD_IN * p->c_out)};
    for (int64_t number = 0; number < MX_WINOGRAD_IN; number++) {
        const int64_t n_panels = (p->c_out + p->cols - 1) / p->cols;
        for (int64_t first = 0, left = n_groups; left > 0; first += t.rows, left--) {
            t.rows = mx_last_rows(b->n - first, left);
            x = b->slots + (number * b->n + first) * p->c_in;
            for (int64_t i = 0; i < n_panels; i++) {
                const int64_t c = i * p->cols, cols = p->c_out - c;
                t.cols = (int)(cols < p->cols ? cols : p->cols);
                t.w = w + (number * n_panels + i) * panel + skipped * p->c_in * p->cols;
                t.y = b->sums + (first * MX_WINOGRAD_IN + number) * p->c_out + c;
                b->run->machine->conv.tile(&t);
            }
        }
    }
}

static void transform_sums(const block *b, int64_t slice)
{
    const mx_last_params *p = b->p;
    const mx_window *w = &p->window;
    const mx_tensor *in = mx_run_input(b->run, MX_EPILOGUE_RESIDUAL);
    float *y[MX_WINOGRAD_OUT];
    const float *residual[MX_WINOGRAD_OUT];
    mx_winograd_out t = {.channels = (size_t)p->c_out,
        .m_step = (ptrdiff_t)p->c_out,
        .y = y,
        .residual = in ? residual : NULL,
        .finish = mx_last_finish(b->run, 0)};
    for (int64_t i = 0; i < b->n; i++) {
        const int64_t tile = b->first + i;
        for (int64_t j = 0; j < MX_WINOGRAD_OUT; j++) {
            const int64_t h = tile / p->tiles[2] * TILE + j / TILE;
            const int64_t c = tile % p->tiles[2] * TILE + j % TILE;
            const bool inside = h < w->out[1] && c < w->out[2];
            const int64_t at =
                ((b->image * w->out[0] + slice) * w->out[1] + h) * w->out[2] + c;
            y[j] = inside ? (float *)b->run->outputs[0]->data + at * p->c_out : NULL;
            residual[j] = inside && in ? (const float *)in->data + at * p->c_out : NULL;
        }
        t.m = b->sums + i * MX_WINOGRAD_IN * p->c_out;
        b->run->machine->conv.winograd_out(&t);
    }
}

static void winograd_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const mx_last_params *p = run->params;
    const int64_t *image = arg, first = part * p->block, left = p->n_tiles - first;
    float *sums = space;
    const block b = {run, p, *image, first, left < p->block ? left : p->block,
        run->workspace, sums, sums + sum_floats(p)};
    int64_t next = 0; /* slice to transform */
    for (int64_t slice = 0; slice < p->window.out[0]; slice++) {
        const int64_t past = slice - p->window.before[0] + p->window.kernel[0];
        for (; next < past && next < p->window.in[0]; next++)
            transform_slice(&b, next);
        multiply(&b, slice);
        transform_sums(&b, slice);
    }
}

mexpr_status mx_last_winograd(const mx_run *run)
{
    const mx_last_params *p = run->params;
    float *own = run->workspace;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    memset(own, 0, (size_t)p->c_in * sizeof *own);
    for (int64_t i = 0; i < p->batch; i++)
        mx_run_parts(run, p->parts, winograd_part, &i);
    return MEXPR_OK;
}
