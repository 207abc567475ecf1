/* SPDX-License-Identifier: MIT */
/* Convolution of images with channels last. Each tile of outputs has a list of pointers
 * to the inputs that it meets, and no column matrix is written (Dukhan: The indirect
 * convolution algorithm, 2019). Images of few channels are read as planes, of which a
 * line of the window is one piece. */
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"

/* --- planning ---------------------------------------------------------------------- */

/* Pieces of the window that lie in one piece in the input. */
static int64_t runs_of(const mx_fusion *f, const mx_last_params *p)
{
    const mx_window *w = &p->window;
    return f->from_planes ? p->c_in * w->kernel[0] * w->kernel[1] : p->taps;
}

/* The workspace: for images a pixel of zeros, for planes a padded copy; then pointers. */
static size_t input_floats(const mx_fusion *f, const mx_last_params *p)
{
    const int64_t n =
        f->from_planes ? p->c_in * mx_dims_product(p->padded, 0, MX_SPATIAL) : p->c_in;
    return mx_round_up((size_t)n, MX_ALIGNMENT / sizeof(float));
}

static mexpr_status infer_conv(mx_infer *infer)
{
    const mx_tensor *w = infer->inputs[1];
    const mx_fusion *f = infer->node->fusion;
    mx_last_params *p = infer->params;
    const mexpr_status status =
        mx_last_infer(infer, f->from_planes, w->dims + (f->from_planes ? 2 : 1), p);
    if (status != MEXPR_OK)
        return status;
    p->c_out = f->channels;
    for (int d = 0; d < MX_SPATIAL; d++)
        p->padded[d] = p->window.in[d] + p->window.before[d] + p->window.after[d];
    if (p->n_in >= 0 && p->n_out >= 0)
        infer->workspace =
            input_floats(f, p) * sizeof(float) +
            (size_t)(f->from_planes ? runs_of(f, p) + MX_LAST_BLOCK
                                    : runs_of(f, p) * MX_LAST_BLOCK) *
                sizeof(float *);
    mx_last_shape(infer, 0, p, p->c_out);
    return MEXPR_OK;
}

/* --- running ----------------------------------------------------------------------- */

typedef struct image {
    const mx_last_params *p;
    int64_t index;
    const float *outside; /* or the padded copy */
    const ptrdiff_t *offsets; /* of lines of the window in that, or NULL */
} image;

static void pad_planes(const mx_last_params *p, const float *x, float *y)
{
    const mx_window *w = &p->window;
    const int64_t line = p->padded[2], right = line - w->before[2] - w->in[2];
    for (int64_t c = 0; c < p->c_in; c++) {
        for (int64_t d = 0; d < p->padded[0]; d++) {
            for (int64_t h = 0; h < p->padded[1]; h++, y += line) {
                const int64_t i = d - w->before[0], j = h - w->before[1];
                if (i < 0 || i >= w->in[0] || j < 0 || j >= w->in[1]) {
                    memset(y, 0, (size_t)line * sizeof *y);
                    continue;
                }
                for (int64_t k = 0; k < w->before[2]; k++)
                    y[k] = 0;
                memcpy(y + w->before[2],
                    x + ((c * w->in[0] + i) * w->in[1] + j) * w->in[2],
                    (size_t)w->in[2] * sizeof *y);
                for (int64_t k = 0; k < right; k++)
                    y[line - right + k] = 0;
            }
        }
    }
}

/* Lines of the window, from its corner in the padded planes. */
static void plane_offsets(const mx_last_params *p, ptrdiff_t *offsets)
{
    const mx_window *w = &p->window;
    const int64_t line = p->padded[2], slice = line * p->padded[1];
    for (int64_t c = 0; c < p->c_in; c++) {
        for (int64_t i = 0; i < w->kernel[0]; i++) {
            for (int64_t j = 0; j < w->kernel[1]; j++)
                *offsets++ = (ptrdiff_t)((c * p->padded[0] + i * w->dilation[0]) * slice +
                                         j * w->dilation[1] * line);
        }
    }
}

/* Corners of the windows of outputs first..first + rows - 1. */
static void plane_corners(
    const mx_last_params *p, const float *planes, int64_t first, int rows, const float **x)
{
    const mx_window *w = &p->window;
    int64_t v = first % w->out[2], h = first / w->out[2] % w->out[1];
    int64_t d = first / w->out[2] / w->out[1];
    for (int r = 0; r < rows; r++) {
        x[r] = planes + (d * w->stride[0] * p->padded[1] + h * w->stride[1]) * p->padded[2] +
               v * w->stride[2];
        if (++v < w->out[2])
            continue;
        v = 0;
        if (++h < w->out[1])
            continue;
        h = 0;
        d++;
    }
}

/* A block of outputs of one image. */
typedef struct block {
    const mx_run *run;
    const image *of;
    int64_t first, n_tiles, runs, length;
    int64_t starts[MX_LAST_TILES + 1]; /* of the tiles, from the first output on */
    int64_t step;                      /* pointers of a tile */
    const float **x;
    const ptrdiff_t *offsets;
} block;

static void point_block(block *b, int64_t n)
{
    const mx_last_params *p = b->of->p;
    const bool from_planes = b->run->node->fusion->from_planes;
    const mx_last_source source =
        mx_last_source_of(p, b->run->inputs[0]->data, b->of->index, b->of->outside);
    b->n_tiles = (n + MX_TILE_ROWS - 1) / MX_TILE_ROWS;
    b->step = (from_planes ? 1 : b->runs) * MX_TILE_ROWS;
    b->starts[0] = 0;
    for (int64_t i = 0; i < b->n_tiles; i++) {
        const int64_t at = b->starts[i], left = b->n_tiles - i;
        const int rows = (int)((n - at + left - 1) / left);
        b->starts[i + 1] = at + rows;
        if (from_planes)
            plane_corners(p, b->of->outside, b->first + at, rows, b->x + i * b->step);
        else
            mx_last_point(&p->window, &source, b->first + at, rows, b->x + i * b->step);
    }
}

/* One panel of weights after the other, for all tiles. */
static void multiply_block(const block *b)
{
    const mx_run *run = b->run;
    const mx_last_params *p = b->of->p;
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL);
    const float *w = run->inputs[1]->data;
    const int64_t from = (b->of->index * p->n_out + b->first) * p->c_out;
    for (int64_t c = 0; c < p->c_out; c += MX_TILE_COLS) {
        const int64_t cols = p->c_out - c;
        mx_conv_tile t = {.cols = (int)(cols < MX_TILE_COLS ? cols : MX_TILE_COLS),
            .runs = (size_t)b->runs,
            .length = (size_t)b->length,
            .offsets = b->offsets,
            .w = w + c * b->runs * b->length,
            .y_row = (ptrdiff_t)p->c_out,
            .finish = mx_last_finish(run, c)};
        for (int64_t i = 0; i < b->n_tiles; i++) {
            const int64_t at = from + b->starts[i] * p->c_out + c;
            t.rows = (int)(b->starts[i + 1] - b->starts[i]);
            t.x = b->x + i * b->step;
            t.y = (float *)run->outputs[0]->data + at;
            t.finish.residual = residual ? (const float *)residual->data + at : NULL;
            run->machine->conv.tile(&t);
        }
    }
}

static void conv_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const image *of = arg;
    const mx_last_params *p = of->p;
    const bool from_planes = run->node->fusion->from_planes;
    block b = {.run = run,
        .of = of,
        .first = part * MX_LAST_BLOCK,
        .runs = runs_of(run->node->fusion, p),
        .length = from_planes ? p->window.kernel[2] : p->c_in,
        .x = space,
        .offsets = of->offsets};
    const int64_t left = p->n_out - b.first;
    point_block(&b, left < MX_LAST_BLOCK ? left : MX_LAST_BLOCK);
    multiply_block(&b);
}

static mexpr_status conv(const mx_run *run)
{
    const mx_last_params *p = run->params;
    const mx_fusion *f = run->node->fusion;
    float *own = run->workspace;
    ptrdiff_t *offsets = (ptrdiff_t *)(void *)(own + input_floats(f, p));
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    if (f->from_planes)
        plane_offsets(p, offsets);
    else
        memset(own, 0, (size_t)p->c_in * sizeof *own);
    for (int64_t i = 0; i < p->batch; i++) {
        const image of = {p, i, own, f->from_planes ? offsets : NULL};
        if (f->from_planes)
            pad_planes(p, (const float *)run->inputs[0]->data + i * p->n_in * p->c_in, own);
        for (int64_t part = 0; part < p->parts; part++)
            conv_part(run, &of, part, offsets + (f->from_planes ? runs_of(f, p) : 0));
    }
    return MEXPR_OK;
}

/* --- each channel for itself -------------------------------------------------------- */

static mexpr_status infer_depthwise(mx_infer *infer)
{
    const mx_tensor *w = infer->inputs[1];
    mx_last_params *p = infer->params;
    const mexpr_status status = mx_last_infer(infer, false, w->dims, p);
    if (status != MEXPR_OK)
        return status;
    p->c_out = infer->node->fusion->channels;
    if (p->n_in >= 0 && p->n_out >= 0)
        infer->workspace = input_floats(infer->node->fusion, p) * sizeof(float) +
                           (size_t)(p->taps * MX_TILE_ROWS) * sizeof(float *);
    mx_last_shape(infer, 0, p, p->c_out);
    return MEXPR_OK;
}

static void depthwise_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const image *of = arg;
    const mx_last_params *p = of->p;
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL), *w = run->inputs[1];
    const mx_last_source source =
        mx_last_source_of(p, run->inputs[0]->data, of->index, of->outside);
    const int64_t first = part * MX_LAST_BLOCK;
    const int64_t end = first + MX_LAST_BLOCK < p->n_out ? first + MX_LAST_BLOCK : p->n_out;
    mx_depth_tile t = {.channels = (size_t)p->c_out,
        .taps = (size_t)p->taps,
        .x = space,
        .w = w->data,
        .w_row = (ptrdiff_t)w->dims[w->rank - 1],
        .y_row = (ptrdiff_t)p->c_out,
        .finish = mx_last_finish(run, 0)};
    for (int64_t i = first; i < end; i += t.rows) {
        const int64_t at = (of->index * p->n_out + i) * p->c_out;
        t.rows = (int)(end - i < MX_TILE_ROWS ? end - i : MX_TILE_ROWS);
        mx_last_point(&p->window, &source, i, t.rows, space);
        t.y = (float *)run->outputs[0]->data + at;
        t.finish.residual = residual ? (const float *)residual->data + at : NULL;
        run->machine->conv.depth(&t);
    }
}

static mexpr_status depthwise(const mx_run *run)
{
    const mx_last_params *p = run->params;
    float *own = run->workspace;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    memset(own, 0, (size_t)p->c_in * sizeof *own);
    for (int64_t i = 0; i < p->batch; i++) {
        const image of = {p, i, own, NULL};
        for (int64_t part = 0; part < p->parts; part++)
            depthwise_part(run, &of, part, own + input_floats(run->node->fusion, p));
    }
    return MEXPR_OK;
}

#define CONV(op, infer_fn, forward_fn)                                                   \
    {                                                                                    \
        .name = op, .domain = "mexpr", .since = 1, .min_inputs = 2,                      \
        .max_inputs = MX_EPILOGUE_INPUTS, .min_outputs = 1, .max_outputs = 1,            \
        .types = MX_T_F32, .attributes = "", .params_size = sizeof(mx_last_params),      \
        .infer = infer_fn, .forward = forward_fn                                         \
    }

const mx_operator mx_operators_last_conv[] = {
    CONV("ConvLast", infer_conv, conv),
    CONV("DepthwiseLast", infer_depthwise, depthwise),
    CONV("WinogradLast", mx_last_winograd_infer, mx_last_winograd),
    {.name = NULL},
};
