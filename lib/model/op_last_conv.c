/* SPDX-License-Identifier: MIT */
/* Convolution of images with channels last. Each tile of outputs has a list of pointers
 * to the inputs that it meets, and no column matrix is written (Dukhan: The indirect
 * convolution algorithm, 2019). Images of few channels are read as planes, of which a
 * line of the window is one piece. */
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"

/* Outputs of planes that are made at a time, in whole lines; parts of an image that are
 * worth having, where there are as many. */
enum { PLANE_OUTPUTS = 512, MIN_PARTS = 8 };
enum { PAIR_KERNEL = 3, PAIR_PRODUCTS = 4 };

/* --- planning ---------------------------------------------------------------------- */

/* Of the planes as the loops read them. */
static int64_t plane_floats(const mx_last_params *p)
{
    return p->c_in * p->padded[0] * p->padded[1] * p->line;
}

/* The workspace: for images a pixel of zeros, for planes a padded copy of them, where
 * they go in pairs behind these and with room behind its last line; then pointers. */
static size_t input_floats(const mx_fusion *f, const mx_last_params *p)
{
    const int64_t lines = p->c_in * p->padded[0] * p->padded[1];
    const int64_t n = !f->from_planes ? p->c_in
                      : p->pairs      ? lines * (p->line + p->padded[2]) + p->line
                                      : lines * p->line;
    return mx_round_up((size_t)n, MX_ALIGNMENT / sizeof(float));
}

static size_t pointer_bytes(const mx_fusion *f, const mx_last_params *p)
{
    return f->from_planes || p->is_pointwise
               ? 0
               : (size_t)(p->runs * MX_LAST_BLOCK) * sizeof(float *);
}

/* Parts of whole lines of about that many outputs. */
static void choose_lines(mx_last_params *p, int64_t outputs)
{
    const int64_t *out = p->window.out;
    p->block = out[2] > 0 ? outputs / out[2] : 1;
    p->block = p->block > 0 ? p->block : 1;
    p->parts = (out[0] * out[1] + p->block - 1) / p->block;
}

/* Stretches of the window that lie in one piece in the input. */
static void choose_runs(const mx_fusion *f, mx_last_params *p)
{
    const mx_window *w = &p->window;
    p->runs = f->from_planes ? p->c_in * w->kernel[0] * w->kernel[1] : p->taps;
    p->length = f->in_pairs ? PAIR_PRODUCTS : f->from_planes ? w->kernel[2] : p->c_in;
    p->is_pointwise = !f->from_planes && p->taps == 1 && p->n_in == p->n_out;
    for (int d = 0; d < MX_SPATIAL; d++) {
        p->padded[d] = w->in[d] + w->before[d] + w->after[d];
        p->is_pointwise = p->is_pointwise && w->stride[d] == 1 && w->before[d] == 0;
    }
    const int64_t n_pairs = (w->out[2] + 1) / 2;
    p->pairs =
        f->in_pairs ? (n_pairs + MX_CONV_LANES - 1) / MX_CONV_LANES * MX_CONV_LANES : 0;
    p->line = f->in_pairs ? PAIR_PRODUCTS * p->pairs : p->padded[2];
    if (f->from_planes)
        choose_lines(p, PLANE_OUTPUTS);
    const int64_t panels = (p->c_out + p->cols - 1) / p->cols;
    p->shares = p->parts > 0 ? (MIN_PARTS + p->parts - 1) / p->parts : 1;
    p->shares = p->shares < panels ? p->shares : panels;
}

static mexpr_status infer_conv(mx_infer *infer)
{
    const mx_tensor *w = infer->inputs[1];
    const mx_fusion *f = infer->node->fusion;
    mx_last_params *p = infer->params;
    int64_t kernel[MEXPR_MAX_RANK];
    memcpy(kernel, w->dims, sizeof kernel);
    if (f->in_pairs)
        kernel[w->rank - 2] = PAIR_KERNEL;
    const mexpr_status status =
        mx_last_infer(infer, f->from_planes, kernel + (f->from_planes ? 2 : 1), p);
    if (status != MEXPR_OK)
        return status;
    p->c_out = f->channels;
    p->cols = w->dims[w->rank - 1];
    choose_runs(f, p);
    if (p->n_in >= 0 && p->n_out >= 0) {
        infer->workspace =
            input_floats(f, p) * sizeof(float) + (size_t)p->runs * sizeof(ptrdiff_t);
        infer->part_space = pointer_bytes(f, p);
    }
    infer->multiply_adds = (double)p->batch * (double)p->n_out * (double)p->taps *
                           (double)p->c_in * (double)p->c_out;
    mx_last_shape(infer, 0, p, p->c_out);
    return MEXPR_OK;
}

/* --- running ----------------------------------------------------------------------- */

typedef struct image {
    const mx_last_params *p;
    int64_t index;
    const float *outside;     /* or the padded copy */
    const ptrdiff_t *offsets; /* of runs, NULL where each tile has its pointers; and */
    int64_t step;             /* from output to output */
} image;

static void pad_planes(const mx_last_params *p, const float *x, float *y)
{
    const mx_window *w = &p->window;
    const int64_t line = p->padded[2], size = mx_dims_product(p->padded, 0, MX_SPATIAL);
    if (size != p->n_in)
        memset(y, 0, (size_t)(size * p->c_in) * sizeof *y);
    for (int64_t c = 0; c < p->c_in; c++, y += size) {
        for (int64_t d = 0; d < w->in[0]; d++) {
            float *to = y + ((d + w->before[0]) * p->padded[1] + w->before[1]) * line +
                        w->before[2];
            for (int64_t h = 0; h < w->in[1]; h++, to += line, x += w->in[2])
                memcpy(to, x, (size_t)w->in[2] * sizeof *to);
        }
    }
}

/* Pairs of the padded planes' lines; behind a line may lie anything. */
static void pair_planes(const mx_run *run, const float *x, float *y)
{
    const mx_last_params *p = run->params;
    const int64_t n = p->c_in * p->padded[0] * p->padded[1];
    for (int64_t i = 0; i < n; i++, x += p->padded[2], y += p->line)
        run->machine->conv.pair_line((size_t)p->pairs, x, y, (ptrdiff_t)p->pairs);
}

/* Lines of the window, from its corner in the padded planes. */
static void plane_offsets(const mx_last_params *p, ptrdiff_t *offsets)
{
    const mx_window *w = &p->window;
    const int64_t line = p->line, slice = line * p->padded[1];
    for (int64_t c = 0; c < p->c_in; c++) {
        for (int64_t i = 0; i < w->kernel[0]; i++) {
            for (int64_t j = 0; j < w->kernel[1]; j++)
                *offsets++ = (ptrdiff_t)((c * p->padded[0] + i * w->dilation[0]) * slice +
                                         j * w->dilation[1] * line);
        }
    }
}

/* Neighbouring outputs, and where their inputs are: one pointer where the rows lie
 * evenly, otherwise MX_TILE_ROWS for each run. */
typedef struct tile {
    int64_t first;
    int rows;
    const float **x;
} tile;

/* Tiles that share a panel of weights while it is near. */
typedef struct block {
    const mx_run *run;
    const image *of;
    int64_t channel, end; /* outputs that are made, from a panel's first on */
    int n_tiles;
    tile tiles[MX_LAST_TILES];
} block;

static void multiply_block(const block *b)
{
    const mx_run *run = b->run;
    const mx_last_params *p = b->of->p;
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL);
    const float *w = run->inputs[1]->data, *add = residual ? residual->data : NULL;
    float *y = run->outputs[0]->data;
    for (int64_t c = b->channel; c < b->end; c += p->cols) {
        const int64_t cols = p->c_out - c;
        mx_conv_tile t = {.cols = (int)(cols < p->cols ? cols : p->cols),
            .runs = (size_t)p->runs,
            .length = (size_t)p->length,
            .offsets = b->of->offsets,
            .step = (ptrdiff_t)b->of->step,
            .w = w + c * p->runs * p->length,
            .y_row = (ptrdiff_t)p->c_out,
            .finish = mx_last_finish(run, c)};
        for (int i = 0; i < b->n_tiles; i++) {
            const int64_t at =
                (b->of->index * p->n_out + b->tiles[i].first) * p->c_out + c;
            t.rows = b->tiles[i].rows;
            t.x = b->tiles[i].x;
            t.y = y + at;
            t.finish.residual = add ? add + at : NULL;
            if (p->pairs)
                run->machine->conv.pairs(&t);
            else
                run->machine->conv.tile(&t);
        }
    }
}

/* Outputs first..first + n - 1, with pointers from `x` on, in tiles of nearly equal size.
 */
static void add_tiles(block *b, int64_t first, int64_t n, const float **x)
{
    const mx_last_params *p = b->of->p;
    const mx_last_source source =
        mx_last_source_of(p, b->run->inputs[0]->data, b->of->index, b->of->outside);
    const int64_t end = first + n;
    for (int64_t left = (n + MX_TILE_ROWS - 1) / MX_TILE_ROWS; left > 0; left--) {
        tile *t = &b->tiles[b->n_tiles++];
        *t = (tile){first, mx_last_rows(end - first, left), x};
        mx_last_point(&p->window, &source, first, t->rows, x);
        x += p->runs * MX_TILE_ROWS;
        first += t->rows;
    }
}

/* Lines first..end - 1 of outputs whose inputs are planes. */
static void plane_lines(block *b, int64_t first, int64_t end)
{
    const image *of = b->of;
    const mx_last_params *p = of->p;
    const mx_window *w = &p->window;
    const float *x[MX_LAST_TILES];
    for (int64_t i = first; i < end; i++) {
        const int64_t d = i / w->out[1] * w->stride[0], h = i % w->out[1] * w->stride[1];
        const float *line = of->outside + (d * p->padded[1] + h) * p->line;
        if (b->n_tiles == MX_LAST_TILES) {
            multiply_block(b);
            b->n_tiles = 0;
        }
        x[b->n_tiles] = line;
        b->tiles[b->n_tiles] = (tile){i * w->out[2], (int)w->out[2], &x[b->n_tiles]};
        b->n_tiles++;
    }
    multiply_block(b);
}

/* Some panels for some of an image's outputs: lines of planes, or any. */
static void conv_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const image *of = arg;
    const mx_last_params *p = of->p;
    const int64_t place = part / p->shares, share = part % p->shares;
    const int64_t panels = (p->c_out + p->cols - 1) / p->cols;
    block b = {.run = run, .of = of, .channel = share * panels / p->shares * p->cols};
    b.end = (share + 1) * panels / p->shares * p->cols;
    b.end = b.end < p->c_out ? b.end : p->c_out;
    if (run->node->fusion->from_planes) {
        const int64_t lines = p->window.out[0] * p->window.out[1];
        const int64_t end = (place + 1) * p->block;
        plane_lines(&b, place * p->block, end < lines ? end : lines);
        return;
    }
    const int64_t first = place * MX_LAST_BLOCK, left = p->n_out - first;
    const int64_t n = left < MX_LAST_BLOCK ? left : MX_LAST_BLOCK;
    if (p->is_pointwise) {
        const float *x =
            (const float *)run->inputs[0]->data + (of->index * p->n_in + first) * p->c_in;
        b.tiles[b.n_tiles++] = (tile){first, (int)n, &x};
        multiply_block(&b);
        return;
    }
    add_tiles(&b, first, n, space);
    multiply_block(&b);
}

static void conv_image(const mx_run *run, int64_t index, float *own, ptrdiff_t *offsets)
{
    const mx_last_params *p = run->params;
    const bool from_planes = run->node->fusion->from_planes;
    const float *x = (const float *)run->inputs[0]->data + index * p->n_in * p->c_in;
    const image of = {p, index, own, from_planes || p->is_pointwise ? offsets : NULL,
        p->pairs      ? p->pairs
        : from_planes ? p->window.stride[2]
                      : p->c_in};
    if (p->pairs) {
        float *padded = own + plane_floats(p);
        pad_planes(p, x, padded);
        pair_planes(run, padded, own);
    } else if (from_planes) {
        pad_planes(p, x, own);
    }
    mx_run_parts(run, p->parts * p->shares, conv_part, &of);
}

static mexpr_status conv(const mx_run *run)
{
    const mx_last_params *p = run->params;
    float *own = run->workspace;
    ptrdiff_t *offsets = (ptrdiff_t *)(void *)(own + input_floats(run->node->fusion, p));
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    if (run->node->fusion->from_planes)
        plane_offsets(p, offsets);
    else
        memset(own, 0, (size_t)p->c_in * sizeof *own);
    if (p->is_pointwise)
        offsets[0] = 0;
    for (int64_t i = 0; i < p->batch; i++)
        conv_image(run, i, own, offsets);
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
    if (p->n_in >= 0 && p->n_out >= 0) {
        infer->workspace = input_floats(infer->node->fusion, p) * sizeof(float);
        infer->part_space = (size_t)(p->taps * (MX_TILE_ROWS + 1)) * sizeof(float *);
        choose_lines(p, MX_LAST_BLOCK);
    }
    infer->multiply_adds =
        (double)p->batch * (double)p->n_out * (double)p->taps * (double)p->c_out;
    mx_last_shape(infer, 0, p, p->c_out);
    return MEXPR_OK;
}

/* Elements lo..hi - 1 of the window at output o along dimension d lie inside. */
static void inside(const mx_window *w, int d, int64_t o, int64_t *lo, int64_t *hi)
{
    const int64_t start = o * w->stride[d] - w->before[d], step = w->dilation[d];
    const int64_t past = w->in[d] <= start ? 0 : (w->in[d] - start + step - 1) / step;
    *lo = start < 0 ? (-start + step - 1) / step : 0;
    *hi = past < w->kernel[d] ? past : w->kernel[d];
}

/* Outputs of a line whose window has its columns inside, all with the same lines: from
 * one to the next inputs lie evenly. Those before and behind have pointers. */
typedef struct depth_line {
    const mx_run *run;
    const image *of;
    int64_t line; /* of outputs */
    mx_depth_tile tile;
    const float **pointers;
    ptrdiff_t *offsets; /* of the window's elements */
} depth_line;

/* Outputs first..end - 1 of the line; `even` is where the inputs of the first are. */
static void depth_tiles(depth_line *l, int64_t first, int64_t end, const float *even)
{
    const mx_run *run = l->run;
    const mx_last_params *p = l->of->p;
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL);
    const mx_last_source source =
        mx_last_source_of(p, run->inputs[0]->data, l->of->index, l->of->outside);
    mx_depth_tile t = l->tile;
    t.offsets = even ? l->offsets : NULL;
    t.x = even ? &even : l->pointers;
    if (!even) {
        t.taps = (size_t)p->taps;
        t.w = run->inputs[1]->data;
    }
    for (int64_t i = first; i < end; i += t.rows) {
        const int64_t place = l->line * p->window.out[2] + i;
        const int64_t at = (l->of->index * p->n_out + place) * p->c_out;
        t.rows = (int)(end - i < MX_TILE_ROWS ? end - i : MX_TILE_ROWS);
        if (!even)
            mx_last_point(&p->window, &source, place, t.rows, l->pointers);
        t.y = (float *)run->outputs[0]->data + at;
        t.finish.residual = residual ? (const float *)residual->data + at : NULL;
        run->machine->conv.depth(&t);
        even += even ? t.rows * t.step : 0;
    }
}

static void depth_line_of(depth_line *l)
{
    const mx_last_params *p = l->of->p;
    const mx_window *w = &p->window;
    const mx_tensor *weights = l->run->inputs[1];
    const mx_last_source from =
        mx_last_source_of(p, l->run->inputs[0]->data, l->of->index, NULL);
    int64_t d[2], h[2], left[2], right[2];
    inside(w, 0, l->line / w->out[1], &d[0], &d[1]);
    inside(w, 1, l->line % w->out[1], &h[0], &h[1]);
    mx_window_inside(w, 2, 0, &left[0], &left[1]);
    mx_window_inside(w, 2, w->kernel[2] - 1, &right[0], &right[1]);
    const bool whole =
        d[1] - d[0] == w->kernel[0] && (w->kernel[0] == 1 || h[1] - h[0] == w->kernel[1]);
    const int64_t lo = left[0], hi = right[1];
    if (!whole || h[1] <= h[0] || hi <= lo) {
        depth_tiles(l, 0, w->out[2], NULL);
        return;
    }
    const int64_t at[MX_SPATIAL] = {l->line / w->out[1] * w->stride[0] - w->before[0],
        l->line % w->out[1] * w->stride[1] - w->before[1] + h[0] * w->dilation[1],
        lo * w->stride[2] - w->before[2]};
    l->tile.taps = (size_t)(p->taps / w->kernel[1] * (h[1] - h[0]));
    l->tile.w = (const float *)weights->data + h[0] * w->kernel[2] * l->tile.w_row;
    depth_tiles(l, 0, lo, NULL);
    depth_tiles(l, lo, hi,
        from.image + at[0] * from.steps[0] + at[1] * from.steps[1] +
            at[2] * from.steps[2]);
    depth_tiles(l, hi, w->out[2], NULL);
}

static void depthwise_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const image *of = arg;
    const mx_last_params *p = of->p;
    const mx_window *w = &p->window;
    const mx_tensor *weights = run->inputs[1];
    const mx_last_source from = mx_last_source_of(p, NULL, 0, NULL);
    const int64_t lines = w->out[0] * w->out[1], end = (part + 1) * p->block;
    depth_line l = {.run = run, .of = of, .pointers = space};
    l.offsets = (ptrdiff_t *)(void *)(l.pointers + p->taps * MX_TILE_ROWS);
    l.tile = (mx_depth_tile){.channels = (size_t)p->c_out,
        .step = from.steps[2] * (ptrdiff_t)w->stride[2],
        .w_row = (ptrdiff_t)weights->dims[weights->rank - 1],
        .y_row = (ptrdiff_t)p->c_out,
        .finish = mx_last_finish(run, 0)};
    for (int64_t t = 0; t < p->taps; t++)
        l.offsets[t] = t / w->kernel[2] / w->kernel[1] * w->dilation[0] * from.steps[0] +
                       t / w->kernel[2] % w->kernel[1] * w->dilation[1] * from.steps[1] +
                       t % w->kernel[2] * w->dilation[2] * from.steps[2];
    for (l.line = part * p->block; l.line < (end < lines ? end : lines); l.line++)
        depth_line_of(&l);
}

static mexpr_status depthwise(const mx_run *run)
{
    const mx_last_params *p = run->params;
    float *own = run->workspace;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    memset(own, 0, (size_t)p->c_in * sizeof *own);
    for (int64_t i = 0; i < p->batch; i++) {
        const image of = {p, i, own, NULL, 0};
        mx_run_parts(run, p->parts, depthwise_part, &of);
    }
    return MEXPR_OK;
}

#define CONV(op, infer_fn, forward_fn)                                                   \
    {                                                                                    \
        .name = op, .domain = "mexpr", .since = 1, .min_inputs = 2,                      \
        .max_inputs = MX_EPILOGUE_INPUTS, .min_outputs = 1, .max_outputs = 1,            \
        .types = MX_T_F32, .attributes = "", .flags = MX_OP_PARTS,                       \
        .params_size = sizeof(mx_last_params), .infer = infer_fn, .forward = forward_fn  \
    }

const mx_operator mx_operators_last_conv[] = {
    CONV("ConvLast", infer_conv, conv),
    CONV("DepthwiseLast", infer_depthwise, depthwise),
    CONV("WinogradLast", mx_last_winograd_infer, mx_last_winograd),
    {.name = NULL},
};
