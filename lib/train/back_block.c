/* SPDX-License-Identifier: MIT */
/* Blocks (block.h), channels last: a pixel is a row of `lanes` floats, its channels and
 * zeros up to a multiple of MX_TRAIN_ROW.
 *
 * Normalising is y = factor x + shift and does not change an order but by the sign of
 * factor, which is that of `scale`: so the pool goes first, the statistics are gathered
 * on the way, and only what the pool leaves is normalised. Backward needs the sums x of
 * the convolution for the term of dx that every pixel has (back_norm.c). */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_conv.h"
#include "model/op_pool.h"
#include "train/back_common.h"
#include "train/block.h"

typedef struct block_params {
    int64_t batch, c_in, in_lanes;
    int64_t first[MX_BLOCK_CHAINS + 1]; /* lane of each chain, and behind the last */
    size_t lanes;
    mx_lane_pool pool; /* in: what the convolution makes; without one nothing else */
    bool has_pool;
    int64_t in[2], kernel[2], stride[2], dilation[2], before[2];
    int64_t grid[2];      /* the padded picture */
    size_t n_conv, n_out; /* pixels behind the convolution and at the end */
    size_t runs, length;  /* of weights whose inputs lie side by side */
} block_params;

static size_t whole(size_t floats)
{
    return mx_round_up(floats, MX_ALIGNMENT / sizeof(float));
}

static size_t grid_floats(const block_params *p)
{
    return whole((size_t)(p->grid[0] * p->grid[1] * p->c_in));
}

/* --- shapes ------------------------------------------------------------------------- */

static mexpr_status infer_conv(
    mx_infer *infer, const mx_block *block, int k, mx_conv_params *params)
{
    const mx_node *conv = block->convs[k];
    const int at = 1 + k * MX_BLOCK_INPUTS;
    const mx_tensor *inputs[3] = {infer->inputs[0], infer->inputs[at + MX_BLOCK_WEIGHTS],
        infer->inputs[at + MX_BLOCK_BIAS]};
    mx_tensor *outputs[1] = {infer->outputs[k]};
    mx_infer own = {.scope = infer->scope,
        .node = conv,
        .n_inputs = inputs[2] ? 3 : 2,
        .inputs = inputs,
        .n_outputs = 1,
        .outputs = outputs,
        .params = params};
    return conv->op->infer(&own);
}

static mexpr_status infer_pool(
    mx_infer *infer, const mx_node *pool, int k, mx_pool_params *params)
{
    const mx_tensor in = *infer->outputs[k], *inputs[1] = {&in};
    mx_tensor *outputs[1] = {infer->outputs[k]};
    mx_infer own = {.scope = infer->scope,
        .node = pool,
        .n_inputs = 1,
        .inputs = inputs,
        .n_outputs = 1,
        .outputs = outputs,
        .params = params};
    return pool->op->infer(&own);
}

static void set_conv(block_params *p, const mx_conv_params *conv)
{
    const mx_window *w = &conv->window;
    p->batch = conv->batch;
    p->c_in = conv->c_in;
    p->in_lanes = (int64_t)mx_round_up((size_t)conv->c_in, MX_TRAIN_ROW);
    for (int d = 0; d < 2; d++) {
        p->in[d] = w->in[d + 1];
        p->kernel[d] = w->kernel[d + 1];
        p->stride[d] = w->stride[d + 1];
        p->dilation[d] = w->dilation[d + 1];
        p->before[d] = w->before[d + 1];
        p->pool.in[d] = p->pool.out[d] = w->out[d + 1];
        p->grid[d] =
            (w->out[d + 1] - 1) * p->stride[d] + (p->kernel[d] - 1) * p->dilation[d] + 1;
    }
    p->n_conv = p->n_out = (size_t)conv->n_out;
    const bool is_wide = p->dilation[1] == 1;
    p->runs = (size_t)(p->kernel[0] * (is_wide ? 1 : p->kernel[1]));
    p->length = (size_t)(p->c_in * (is_wide ? p->kernel[1] : 1));
}

static void set_pool(block_params *p, const mx_pool_params *pool)
{
    const mx_window *w = &pool->window;
    p->has_pool = true;
    p->n_out = (size_t)pool->n_out;
    for (int d = 0; d < 2; d++) {
        p->pool.out[d] = w->out[d + 1];
        p->pool.kernel[d] = w->kernel[d + 1];
        p->pool.stride[d] = w->stride[d + 1];
        p->pool.before[d] = w->before[d + 1];
    }
}

/* The limits for tensors are for what a convolution makes, too. */
static mexpr_status check_sums(const mx_infer *infer, const mx_block *block, int k)
{
    char label[MX_LABEL_SIZE];
    const mexpr_status status = mx_tensor_check(infer->scope, infer->outputs[k]);
    if (status != MEXPR_OK)
        mx_fail_prefix(infer->scope, status, mx_node_label(block->convs[k], label));
    return status;
}

static size_t forward_floats(const block_params *p);

static mexpr_status infer_block(mx_infer *infer)
{
    const mx_block *block = (const mx_block *)infer->node;
    block_params *p = infer->params;
    mx_conv_params conv = {.batch = 0};
    mx_pool_params pool = {.n_in = 0};
    for (int k = 0; k < block->n_chains; k++) {
        mexpr_status status = infer_conv(infer, block, k, &conv);
        p->first[k + 1] = p->first[k] + conv.c_out;
        if (status == MEXPR_OK)
            status = check_sums(infer, block, k);
        if (status == MEXPR_OK && block->pool)
            status = infer_pool(infer, block->pool, k, &pool);
        if (status != MEXPR_OK)
            return status;
    }
    if (conv.n_out < 1 || (block->pool && pool.n_out < 1))
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "nothing is left of its input");
    p->lanes = mx_round_up((size_t)p->first[block->n_chains], MX_TRAIN_ROW);
    set_conv(p, &conv);
    if (block->pool)
        set_pool(p, &pool);
    p->pool.lanes = p->lanes;
    infer->workspace = forward_floats(p) * sizeof(float);
    return MEXPR_OK;
}

/* --- at work ------------------------------------------------------------------------ */

/* Of every lane; the double sums as in back_norm.c. */
typedef struct lane {
    double n, mean, square_sum, gradient_sum, product_sum, inverse;
} lane;

/* What forward keeps: pictures with their padding, sums of the convolution, what the pool
 * found of these and where. Without a pool it found all of them. */
typedef struct block_kept {
    lane *stats;
    float *grid, *sums, *most;
    int32_t *at;
} block_kept;

typedef struct work {
    const mx_machine *machine;
    const mx_block *block;
    const block_params *p;
    const mx_tensor *const *inputs;
    float *free; /* workspace that nobody has yet */
} work;

static float *take(work *w, size_t floats)
{
    float *taken = w->free;
    w->free += whole(floats);
    return taken;
}

static size_t kept_floats(const block_params *p, size_t batch)
{
    const size_t found = p->has_pool ? 2 * p->n_out * p->lanes : 0;
    return whole(p->lanes * sizeof(lane) / sizeof(float)) +
           batch * (grid_floats(p) + p->n_conv * p->lanes + found);
}

static block_kept kept_at(const block_params *p, void *memory, size_t batch)
{
    block_kept kept = {.stats = memory};
    kept.grid = (float *)memory + whole(p->lanes * sizeof(lane) / sizeof(float));
    kept.sums = kept.grid + batch * grid_floats(p);
    kept.most = p->has_pool ? kept.sums + batch * p->n_conv * p->lanes : kept.sums;
    kept.at = (int32_t *)(void *)(kept.most + batch * p->n_out * p->lanes);
    return kept;
}

static const float *input_of(const work *w, int k, int which)
{
    const mx_tensor *in = w->inputs[1 + k * MX_BLOCK_INPUTS + which];
    return in ? in->data : NULL;
}

static int64_t n_channels(const block_params *p, int k)
{
    return p->first[k + 1] - p->first[k];
}

/* A number of every channel as one of every lane, `standard` where there is none. */
static void gather(const work *w, int which, float standard, float *lanes)
{
    for (size_t c = 0; c < w->p->lanes; c++)
        lanes[c] = standard;
    for (int k = 0; k < w->block->n_chains; k++) {
        const float *from = input_of(w, k, which);
        if (from)
            memcpy(lanes + w->p->first[k], from,
                (size_t)n_channels(w->p, k) * sizeof *lanes);
    }
}

/* Panels of weights for mx_conv_tile: number t of each output side by side. */
static size_t panels_floats(const work *w, size_t taps, size_t outputs)
{
    const size_t cols = (size_t)w->machine->conv.cols;
    return (outputs + cols - 1) / cols * cols * taps;
}

static void put_weight(
    const work *w, float *panels, size_t taps, size_t t, size_t output, float weight)
{
    const size_t cols = (size_t)w->machine->conv.cols;
    panels[(output / cols * taps + t) * cols + output % cols] = weight;
}

/* Weights [output][channel][place] with the place of an element first, then its channel.
 */
static void pack_weights(const work *w, float *panels)
{
    const block_params *p = w->p;
    const int64_t places = p->kernel[0] * p->kernel[1];
    const size_t taps = p->runs * p->length;
    memset(panels, 0, panels_floats(w, taps, p->lanes) * sizeof *panels);
    for (int k = 0; k < w->block->n_chains; k++) {
        const float *from = input_of(w, k, MX_BLOCK_WEIGHTS);
        for (int64_t o = p->first[k]; o < p->first[k + 1]; o++) {
            for (int64_t c = 0; c < p->c_in; c++) {
                for (int64_t i = 0; i < places; i++)
                    put_weight(
                        w, panels, taps, (size_t)(i * p->c_in + c), (size_t)o, *from++);
            }
        }
    }
}

/* Where the runs of a window begin, in a grid of pixels of `floats`. */
static void set_offsets(
    const block_params *p, int64_t width, int64_t floats, ptrdiff_t *offsets)
{
    const int64_t along = p->runs == (size_t)p->kernel[0] ? 1 : p->kernel[1];
    for (int64_t i = 0; i < p->kernel[0]; i++) {
        for (int64_t j = 0; j < along; j++)
            *offsets++ = (i * p->dilation[0] * width + j * p->dilation[1]) * floats;
    }
}

static ptrdiff_t *take_offsets(work *w, int64_t width, int64_t floats)
{
    ptrdiff_t *offsets =
        (ptrdiff_t *)(void *)take(w, w->p->runs * sizeof(ptrdiff_t) / sizeof(float));
    set_offsets(w->p, width, floats, offsets);
    return offsets;
}

/* --- forward ------------------------------------------------------------------------ */

/* A line of n pixels with its channels last; few channels are too short for squares. */
static void weave(const work *w, int64_t n, const float *x, float *to)
{
    const int64_t size = w->p->in[0] * w->p->in[1];
    if (w->p->c_in == 3) {
        for (int64_t i = 0; i < n; i++, to += 3) {
            to[0] = x[i];
            to[1] = x[i + size];
            to[2] = x[i + 2 * size];
        }
        return;
    }
    w->machine->nn.transpose(
        (size_t)w->p->c_in, (size_t)n, x, (size_t)size, to, (size_t)w->p->c_in);
}

/* A picture with its channels last, inside its padding. */
static void fill_grid(const work *w, const float *x, float *grid)
{
    const block_params *p = w->p;
    const int64_t line = p->grid[1] * p->c_in;
    const int64_t room[2] = {p->grid[0] - p->before[0], p->grid[1] - p->before[1]};
    const int64_t height = room[0] < p->in[0] ? room[0] : p->in[0];
    const int64_t width = room[1] < p->in[1] ? room[1] : p->in[1];
    const int64_t left = p->before[1] * p->c_in, inside = width * p->c_in;
    memset(grid, 0, (size_t)(p->before[0] * line) * sizeof *grid);
    grid += p->before[0] * line;
    for (int64_t i = 0; i < height; i++, grid += line) {
        memset(grid, 0, (size_t)left * sizeof *grid);
        weave(w, width, x + i * p->in[1], grid + left);
        memset(grid + left + inside, 0, (size_t)(line - left - inside) * sizeof *grid);
    }
    memset(grid, 0, (size_t)((room[0] - height) * line) * sizeof *grid);
}

/* Sums of products over a grid for `cols` outputs of each of height × width pixels. The
 * grid is 0 but for its lines first..past - 1. */
typedef struct sweep {
    const float *grid;
    int64_t line, stride, step, height, width; /* line and step in floats */
    int64_t first, past;
    const ptrdiff_t *offsets;
    size_t length, cols;
    const float *panels, *shift; /* NULL: none */
    bool is_gated;
} sweep;

/* Lines of the window at line i of the outputs that see more than zeros. */
static void find_lines(
    const block_params *p, const sweep *s, int64_t i, size_t *lo, size_t *hi)
{
    const int64_t top = i * s->stride, step = p->dilation[0];
    const int64_t before = top < s->first ? (s->first - top + step - 1) / step : 0;
    const int64_t upto = s->past > top ? (s->past - top + step - 1) / step : 0;
    *hi = (size_t)(upto < p->kernel[0] ? upto : p->kernel[0]);
    *lo = (size_t)before < *hi ? (size_t)before : *hi;
}

static void run_sweep(const work *w, const sweep *s, float *y)
{
    const size_t most = (size_t)w->machine->conv.cols, runs = w->p->runs;
    const size_t along = runs / (size_t)w->p->kernel[0];
    size_t lo, hi;
    for (size_t c = 0; c < s->cols; c += most) {
        const size_t cols = s->cols - c < most ? s->cols - c : most;
        for (int64_t i = 0; i < s->height; i++) {
            const float *x[1] = {s->grid + i * s->stride * s->line};
            find_lines(w->p, s, i, &lo, &hi);
            mx_conv_tile tile = {.rows = (int)s->width,
                .cols = (int)cols,
                .runs = (hi - lo) * along,
                .length = s->length,
                .x = x,
                .offsets = s->offsets + lo * along,
                .step = s->step,
                .w = s->panels + c * runs * s->length + lo * along * s->length * most,
                .y = y + i * s->width * (int64_t)s->cols + c,
                .y_row = (ptrdiff_t)s->cols};
            tile.finish.shift = s->shift ? s->shift + c : NULL;
            tile.finish.activation =
                s->is_gated ? MX_ACTIVATION_RELU : MX_ACTIVATION_NONE;
            w->machine->conv.tile(&tile);
        }
    }
}

/* Joins the moments of a sample: Chan, Golub, LeVeque 1979. */
static void join(lane *c, double n, double mean, double square_sum)
{
    const double both = c->n + n, step = mean - c->mean;
    c->square_sum += square_sum + step * step * c->n * n / both;
    c->mean += step * n / both;
    c->n = both;
}

static void add_moments(const work *w, const float *sums, float *moments, lane *stats)
{
    const block_params *p = w->p;
    w->machine->train.lane_moments(
        p->n_conv, p->lanes, sums, moments, moments + p->lanes);
    for (size_t c = 0; c < p->lanes; c++)
        join(&stats[c], (double)p->n_conv, (double)moments[c],
            (double)moments[p->lanes + c]);
}

static void update_states(const work *w, const lane *stats)
{
    for (int k = 0; k < w->block->n_chains; k++) {
        const mx_node *norm = w->block->norms[k];
        const double keep = (double)mx_attr_float(norm, "momentum", 0.9f);
        const lane *c = stats + w->p->first[k];
        float *mean = (float *)(uintptr_t)input_of(w, k, MX_BLOCK_MEAN);
        float *variance = (float *)(uintptr_t)input_of(w, k, MX_BLOCK_VARIANCE);
        for (int64_t i = 0; i < n_channels(w->p, k); i++, c++) {
            const double unbiased = c->square_sum / (c->n > 1 ? c->n - 1 : 1);
            mean[i] = (float)(keep * (double)mean[i] + (1 - keep) * c->mean);
            variance[i] = (float)(keep * (double)variance[i] + (1 - keep) * unbiased);
        }
    }
}

/* The statistics of a batch from those that a network has at rest. */
static void rest(const work *w, lane *stats)
{
    memset(stats, 0, w->p->lanes * sizeof *stats);
    for (int k = 0; k < w->block->n_chains; k++) {
        for (int64_t i = 0; i < n_channels(w->p, k); i++) {
            lane *c = &stats[w->p->first[k] + i];
            c->n = 1;
            c->mean = (double)input_of(w, k, MX_BLOCK_MEAN)[i];
            c->square_sum = (double)input_of(w, k, MX_BLOCK_VARIANCE)[i];
        }
    }
}

/* y = factor x + shift. */
static void settle(const work *w, lane *stats, float *factor, float *shift)
{
    gather(w, MX_BLOCK_SCALE, 0, factor);
    gather(w, MX_BLOCK_SHIFT, 0, shift);
    for (int k = 0; k < w->block->n_chains; k++) {
        const double epsilon =
            (double)mx_attr_float(w->block->norms[k], "epsilon", 1e-5f);
        for (int64_t i = w->p->first[k]; i < w->p->first[k + 1]; i++) {
            lane *c = &stats[i];
            c->inverse = 1 / sqrt(c->square_sum / c->n + epsilon);
            factor[i] = (float)((double)factor[i] * c->inverse);
            shift[i] = (float)((double)shift[i] - c->mean * (double)factor[i]);
        }
    }
}

typedef struct forward {
    work w;
    float *panels, *bias, *sign, *moments, *factor, *shift, *finished, *planes;
    ptrdiff_t *offsets;
    bool is_training;
} forward;

static size_t forward_floats(const block_params *p)
{
    const size_t widest = p->lanes + MX_TILE_COLS;
    return p->runs * p->length * widest + 6 * whole(widest) + 2 * p->n_out * p->lanes +
           whole(p->runs * sizeof(ptrdiff_t) / sizeof(float)) + kept_floats(p, 1) +
           16 * MX_ALIGNMENT;
}

static void begin(forward *f)
{
    work *w = &f->w;
    const block_params *p = w->p;
    f->panels = take(w, panels_floats(w, p->runs * p->length, p->lanes));
    f->bias = take(w, p->lanes + MX_TILE_COLS);
    f->sign = take(w, p->lanes);
    f->moments = take(w, 2 * p->lanes);
    f->factor = take(w, p->lanes);
    f->shift = take(w, p->lanes);
    f->finished = take(w, p->n_out * p->lanes);
    f->planes = take(w, p->n_out * p->lanes);
    f->offsets = take_offsets(w, p->grid[1], p->c_in);
    pack_weights(w, f->panels);
    gather(w, MX_BLOCK_BIAS, 0, f->bias);
    gather(w, MX_BLOCK_SCALE, 1, f->sign);
    for (size_t c = 0; c < p->lanes; c++)
        f->sign[c] = f->sign[c] < 0 ? -1 : 1;
}

/* From a picture to what the pool leaves of its sums. */
static void look(
    const forward *f, const float *x, float *grid, float *sums, float *most, int32_t *at)
{
    const work *w = &f->w;
    const block_params *p = w->p;
    const sweep conv = {.grid = grid,
        .line = p->grid[1] * p->c_in,
        .stride = p->stride[0],
        .step = p->stride[1] * p->c_in,
        .height = p->pool.in[0],
        .width = p->pool.in[1],
        .first = p->before[0],
        .past = p->before[0] + p->in[0],
        .offsets = f->offsets,
        .length = p->length,
        .cols = p->lanes,
        .panels = f->panels,
        .shift = f->bias,
        .is_gated = w->block->is_gated_first};
    fill_grid(w, x, grid);
    run_sweep(w, &conv, sums);
    if (p->has_pool)
        w->machine->train.lane_most(&p->pool, sums, f->sign, most, at);
}

/* Normalises, gates, and gives every chain what is its own of sample i. */
static void give(
    const forward *f, mx_tensor *const *outputs, int64_t i, const float *most)
{
    const work *w = &f->w;
    const block_params *p = w->p;
    const float *y = most;
    if (w->block->norms[0]) {
        w->machine->train.lane_line(p->n_out, p->lanes, most, f->factor, f->shift,
            w->block->is_gated_last, f->finished);
        y = f->finished;
    }
    w->machine->nn.transpose(p->n_out, p->lanes, y, p->lanes, f->planes, p->n_out);
    for (int k = 0; k < w->block->n_chains; k++) {
        const size_t floats = (size_t)n_channels(p, k) * p->n_out;
        memcpy((float *)outputs[k]->data + (size_t)i * floats,
            f->planes + (size_t)p->first[k] * p->n_out, floats * sizeof *f->planes);
    }
}

static const float *picture(const work *w, int64_t i)
{
    const block_params *p = w->p;
    return (const float *)w->inputs[0]->data + i * p->c_in * p->in[0] * p->in[1];
}

static mexpr_status block_forward(const mx_back_run *run)
{
    const mx_block *block = (const mx_block *)run->node;
    const block_params *p = run->params;
    forward f = {.w = {run->machine, block, p, run->inputs, run->workspace}};
    const block_kept kept = kept_at(p, run->kept, (size_t)p->batch);
    const size_t out = p->n_out * p->lanes;
    begin(&f);
    memset(kept.stats, 0, p->lanes * sizeof *kept.stats);
    for (int64_t i = 0; i < p->batch; i++) {
        float *sums = kept.sums + (size_t)i * p->n_conv * p->lanes;
        look(&f, picture(&f.w, i), kept.grid + (size_t)i * grid_floats(p), sums,
            kept.most + (size_t)i * out, kept.at + (size_t)i * out);
        if (block->norms[0])
            add_moments(&f.w, sums, f.moments, kept.stats);
    }
    if (block->norms[0]) {
        update_states(&f.w, kept.stats);
        settle(&f.w, kept.stats, f.factor, f.shift);
    }
    for (int64_t i = 0; i < p->batch; i++)
        give(&f, run->outputs, i, kept.most + (size_t)i * out);
    return MEXPR_OK;
}

/* As the nodes of the block run one after the other when nothing is learnt. */
static mexpr_status block_run(const mx_run *run)
{
    const mx_block *block = (const mx_block *)run->node;
    const block_params *p = run->params;
    forward f = {.w = {run->machine, block, p, run->inputs, run->workspace}};
    begin(&f);
    const block_kept kept = kept_at(p, take(&f.w, kept_floats(p, 1)), 1);
    if (block->norms[0]) {
        rest(&f.w, kept.stats);
        settle(&f.w, kept.stats, f.factor, f.shift);
    }
    for (int64_t i = 0; i < p->batch; i++) {
        look(&f, picture(&f.w, i), kept.grid, kept.sums, kept.most, kept.at);
        give(&f, run->outputs, i, kept.most);
    }
    return MEXPR_OK;
}

/* --- backward ----------------------------------------------------------------------- */

/* Gradients of the sums of the convolution lie in a grid of their own, from which that of
 * the picture is a convolution with the weights turned round. */
typedef struct backward {
    work w;
    const mx_back_run *run;
    block_kept kept;
    float *gradients;             /* of what the pool left, of all samples */
    float *planes;                /* the same of one sample, channels first */
    float *factor, *shift;        /* forward's */
    float *ones, *zeros, *sums;   /* by lane; sums 2 × */
    float *means, *scale, *p, *q; /* by lane: dx = scale dy + p x + q */
    float *slopes, *bias;         /* of the weights, [place][channel][lane] */
    float *grid;                  /* with margins when the picture has a gradient */
    int64_t margin[2], line;      /* before pixel 0; floats of a line */
    float *turned, *picture;      /* panels; one sample's gradient of the picture */
    ptrdiff_t *offsets, *turned_offsets;
    bool wants_picture;
} backward;

static int64_t margin_of(const block_params *p, int d)
{
    return (p->kernel[d] - 1) * p->dilation[d] - p->before[d];
}

/* Lines and columns of that grid. */
static int64_t wide(const block_params *p, bool wants_picture, int d)
{
    return wants_picture ? p->in[d] + (p->kernel[d] - 1) * p->dilation[d] : p->pool.in[d];
}

static size_t backward_floats(const block_params *p, bool wants_picture)
{
    const size_t taps = (size_t)(p->kernel[0] * p->kernel[1]);
    const size_t grid =
        (size_t)(wide(p, wants_picture, 0) * wide(p, wants_picture, 1)) * p->lanes;
    const size_t picture = (size_t)(p->in[0] * p->in[1] * p->in_lanes);
    const size_t turned = taps * p->lanes * (size_t)(p->in_lanes + MX_TILE_COLS);
    return (size_t)(p->batch + 1) * p->n_out * p->lanes + 12 * whole(p->lanes) + grid +
           p->runs * p->length * p->lanes +
           2 * whole(taps * sizeof(ptrdiff_t) / sizeof(float)) +
           (wants_picture ? turned + picture : 0) + 24 * MX_ALIGNMENT;
}

static mexpr_status plan_block(mx_back_plan *plan)
{
    const block_params *p = plan->params;
    plan->kept = kept_floats(p, (size_t)p->batch) * sizeof(float);
    mx_back_workspace(plan, backward_floats(p, plan->wanted & 1) * sizeof(float));
    return MEXPR_OK;
}

/* [output][channel][place] as [place backwards][output][channel]. */
static void pack_turned(const work *w, float *panels)
{
    const block_params *p = w->p;
    const int64_t places = p->kernel[0] * p->kernel[1];
    const size_t taps = (size_t)places * p->lanes;
    memset(panels, 0, panels_floats(w, taps, (size_t)p->in_lanes) * sizeof *panels);
    for (int k = 0; k < w->block->n_chains; k++) {
        const float *from = input_of(w, k, MX_BLOCK_WEIGHTS);
        for (int64_t o = p->first[k]; o < p->first[k + 1]; o++) {
            for (int64_t c = 0; c < p->c_in; c++) {
                for (int64_t i = places - 1; i >= 0; i--)
                    put_weight(w, panels, taps, (size_t)i * p->lanes + (size_t)o,
                        (size_t)c, *from++);
            }
        }
    }
}

static void take_lanes(backward *b)
{
    work *w = &b->w;
    float **const each[] = {&b->factor, &b->shift, &b->ones, &b->zeros, &b->means,
        &b->scale, &b->p, &b->q, &b->bias};
    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++)
        *each[k] = take(w, w->p->lanes);
    b->sums = take(w, 2 * w->p->lanes);
    for (size_t c = 0; c < w->p->lanes; c++) {
        b->ones[c] = b->scale[c] = 1;
        b->zeros[c] = b->p[c] = b->q[c] = b->bias[c] = 0;
    }
}

static void begin_back(backward *b)
{
    work *w = &b->w;
    const block_params *p = w->p;
    const size_t weights = p->runs * p->length * p->lanes;
    b->wants_picture = b->run->gradients[0] != NULL;
    b->line = wide(p, b->wants_picture, 1) * (int64_t)p->lanes;
    b->gradients = take(w, (size_t)p->batch * p->n_out * p->lanes);
    b->planes = take(w, p->n_out * p->lanes);
    memset(b->planes, 0, p->n_out * p->lanes * sizeof *b->planes);
    take_lanes(b);
    b->slopes = take(w, weights);
    b->offsets = take_offsets(w, p->grid[1], p->c_in);
    const size_t grid = (size_t)(wide(p, b->wants_picture, 0) * b->line);
    b->grid = take(w, grid);
    memset(b->slopes, 0, weights * sizeof *b->slopes);
    memset(b->grid, 0, grid * sizeof *b->grid);
    if (!b->wants_picture)
        return;
    const size_t taps = (size_t)(p->kernel[0] * p->kernel[1]) * p->lanes;
    for (int d = 0; d < 2; d++)
        b->margin[d] = margin_of(p, d);
    b->turned = take(w, panels_floats(w, taps, (size_t)p->in_lanes));
    b->picture = take(w, (size_t)(p->in[0] * p->in[1] * p->in_lanes));
    b->turned_offsets = take_offsets(w, wide(p, true, 1), (int64_t)p->lanes);
    pack_turned(w, b->turned);
}

/* Gradients of the outputs of sample i, channels last. */
static void collect(const backward *b, int64_t i, float *g)
{
    const block_params *p = b->w.p;
    for (int k = 0; k < b->w.block->n_chains; k++) {
        const size_t floats = (size_t)n_channels(p, k) * p->n_out;
        const float *from = b->run->output_gradients[k];
        float *to = b->planes + (size_t)p->first[k] * p->n_out;
        if (from)
            memcpy(to, from + (size_t)i * floats, floats * sizeof *to);
        else
            memset(to, 0, floats * sizeof *to);
    }
    b->w.machine->nn.transpose(p->lanes, p->n_out, b->planes, p->n_out, g, p->lanes);
}

/* Through the last Relu, and what normalising needs of the whole batch. */
static void sum_gradients(const backward *b, const float *most, float *g)
{
    const block_params *p = b->w.p;
    const mx_train_kernels *train = &b->w.machine->train;
    lane *stats = b->kept.stats;
    if (b->w.block->is_gated_last)
        train->lane_gate(p->n_out, p->lanes, most, b->factor, b->shift, g, b->ones, g);
    train->lane_sums(p->n_out, p->lanes, g, most, b->means, b->sums, b->sums + p->lanes);
    for (size_t c = 0; c < p->lanes; c++) {
        stats[c].gradient_sum += (double)b->sums[c];
        stats[c].product_sum += (double)b->sums[p->lanes + c];
    }
}

/* dx = scale (dy - mean(dy) - (x - mean) inverse² mean(dy (x - mean))). */
static void set_slopes(const backward *b)
{
    for (size_t i = 0; i < (size_t)b->w.p->first[b->w.block->n_chains]; i++) {
        const lane *c = &b->kept.stats[i];
        const double a = (double)b->factor[i];
        const double slope = -a * c->inverse * c->inverse * c->product_sum / c->n;
        b->scale[i] = (float)a;
        b->p[i] = (float)slope;
        b->q[i] = (float)(-a * c->gradient_sum / c->n - slope * c->mean);
    }
}

static void put(const mx_back_run *run, int k, int64_t i, float value)
{
    float *gradient = run->gradients[k];
    if (gradient)
        gradient[i] = value + (mx_back_adds(run, k) ? gradient[i] : 0);
}

static void give_norm(const backward *b)
{
    for (int k = 0; k < b->w.block->n_chains; k++) {
        const lane *c = b->kept.stats + b->w.p->first[k];
        const int at = 1 + k * MX_BLOCK_INPUTS;
        for (int64_t i = 0; i < n_channels(b->w.p, k); i++, c++) {
            put(b->run, at + MX_BLOCK_SCALE, i, (float)(c->product_sum * c->inverse));
            put(b->run, at + MX_BLOCK_SHIFT, i, (float)c->gradient_sum);
        }
    }
}

/* The gradient of the sums of one sample, from that of what the pool left. */
static void spread(
    const backward *b, const float *sums, const int32_t *at, float *g, const float *most)
{
    const block_params *p = b->w.p;
    const mx_train_kernels *train = &b->w.machine->train;
    const bool is_gated = b->w.block->is_gated_first, has_norm = b->w.block->norms[0];
    const size_t row = (size_t)p->pool.in[1] * p->lanes;
    float *to = b->grid + b->margin[0] * b->line + b->margin[1] * (int64_t)p->lanes;
    train->lane_gate(p->n_out, p->lanes, most, is_gated ? b->ones : b->zeros,
        is_gated ? b->zeros : b->ones, g, b->scale, g);
    for (int64_t i = 0; i < p->pool.in[0]; i++) {
        float *line = to + i * b->line;
        if (has_norm)
            train->lane_slope((size_t)p->pool.in[1], p->lanes, sums + (size_t)i * row,
                b->p, b->q, is_gated, line);
        else if (p->has_pool)
            memset(line, 0, row * sizeof *line);
        if (!p->has_pool && has_norm)
            b->w.machine->nn.add(row, line, g + (size_t)i * row, line);
        else if (!p->has_pool)
            memcpy(line, g + (size_t)i * row, row * sizeof *line);
    }
    if (p->has_pool)
        train->lane_give(&p->pool, g, at, b->line, to);
}

/* `ahead`: the sums that come next. */
static void add_slopes(const backward *b, const float *grid, const float *ahead)
{
    const block_params *p = b->w.p;
    const float *g = b->grid + b->margin[0] * b->line + b->margin[1] * (int64_t)p->lanes;
    const mx_tile_slopes slopes = {.lines = (size_t)p->pool.in[0],
        .pixels = (size_t)p->pool.in[1],
        .runs = p->runs,
        .length = p->length,
        .cols = p->lanes,
        .x = grid,
        .offsets = b->offsets,
        .x_line = p->stride[0] * p->grid[1] * p->c_in,
        .step = p->stride[1] * p->c_in,
        .g = g,
        .g_line = b->line,
        .w = b->slopes,
        .sums = b->bias,
        .ahead = ahead};
    b->w.machine->conv.tile_slopes(&slopes);
}

static void give_picture(const backward *b, int64_t i)
{
    const work *w = &b->w;
    const block_params *p = w->p;
    const bool is_wide = p->dilation[1] == 1;
    const sweep turned = {.grid = b->grid,
        .line = b->line,
        .stride = 1,
        .step = (int64_t)p->lanes,
        .height = p->in[0],
        .width = p->in[1],
        .first = b->margin[0],
        .past = b->margin[0] + p->pool.in[0],
        .offsets = b->turned_offsets,
        .length = p->lanes * (size_t)(is_wide ? p->kernel[1] : 1),
        .cols = (size_t)p->in_lanes,
        .panels = b->turned};
    const size_t pixels = (size_t)(p->in[0] * p->in[1]), size = (size_t)p->c_in * pixels;
    float *to = b->run->gradients[0] + (size_t)i * size;
    run_sweep(w, &turned, b->picture);
    if (!mx_back_adds(b->run, 0)) {
        w->machine->nn.transpose(
            pixels, (size_t)p->c_in, b->picture, (size_t)p->in_lanes, to, pixels);
        return;
    }
    for (size_t c = 0; c < (size_t)p->c_in; c++) {
        for (size_t k = 0; k < pixels; k++)
            to[c * pixels + k] += b->picture[k * (size_t)p->in_lanes + c];
    }
}

static void give_weights(const backward *b)
{
    const block_params *p = b->w.p;
    const int64_t places = p->kernel[0] * p->kernel[1];
    for (int k = 0; k < b->w.block->n_chains; k++) {
        const int at = 1 + k * MX_BLOCK_INPUTS;
        int64_t to = 0;
        for (int64_t o = p->first[k]; o < p->first[k + 1]; o++) {
            put(b->run, at + MX_BLOCK_BIAS, o - p->first[k], b->bias[o]);
            for (int64_t c = 0; c < p->c_in; c++) {
                for (int64_t i = 0; i < places; i++)
                    put(b->run, at + MX_BLOCK_WEIGHTS, to++,
                        b->slopes[(i * p->c_in + c) * (int64_t)p->lanes + o]);
            }
        }
    }
}

static mexpr_status block_backward(const mx_back_run *run)
{
    const block_params *p = run->params;
    const mx_block *block = (const mx_block *)run->node;
    backward b = {.w = {run->machine, block, p, run->inputs, run->workspace},
        .run = run,
        .kept = kept_at(p, run->kept, (size_t)p->batch)};
    const size_t out = p->n_out * p->lanes;
    begin_back(&b);
    if (block->norms[0]) {
        settle(&b.w, b.kept.stats, b.factor, b.shift);
        for (size_t c = 0; c < p->lanes; c++)
            b.means[c] = (float)b.kept.stats[c].mean;
    }
    for (int64_t i = 0; i < p->batch; i++) {
        float *g = b.gradients + (size_t)i * out;
        collect(&b, i, g);
        if (block->norms[0])
            sum_gradients(&b, b.kept.most + (size_t)i * out, g);
    }
    if (block->norms[0]) {
        give_norm(&b);
        set_slopes(&b);
    }
    /* The sums of the last sample are the nearest still. */
    for (int64_t i = p->batch - 1; i >= 0; i--) {
        const float *sums = b.kept.sums + (size_t)i * p->n_conv * p->lanes;
        spread(&b, sums, b.kept.at + (size_t)i * out, b.gradients + (size_t)i * out,
            b.kept.most + (size_t)i * out);
        add_slopes(&b, b.kept.grid + (size_t)i * grid_floats(p),
            i > 0 ? sums - p->n_conv * p->lanes : sums);
        if (b.wants_picture)
            give_picture(&b, i);
    }
    give_weights(&b);
    return MEXPR_OK;
}

const mx_operator mx_block_operator = {.name = "Conv",
    .domain = "",
    .types = MX_T_F32,
    .params_size = sizeof(block_params),
    .infer = infer_block,
    .forward = block_run};

/* Bits of one input of every chain. */
#define EACH_CHAIN(which)                                                                \
    (MX_INPUT_BIT(1 + which) | MX_INPUT_BIT(1 + MX_BLOCK_INPUTS + which) |               \
        MX_INPUT_BIT(1 + 2 * MX_BLOCK_INPUTS + which) |                                  \
        MX_INPUT_BIT(1 + 3 * MX_BLOCK_INPUTS + which) |                                  \
        MX_INPUT_BIT(1 + 4 * MX_BLOCK_INPUTS + which))

const mx_back_op mx_block_back = {.name = "Conv",
    .plan = plan_block,
    .forward = block_forward,
    .backward = block_backward,
    .reads_inputs = EACH_CHAIN(MX_BLOCK_WEIGHTS) | EACH_CHAIN(MX_BLOCK_SCALE) |
                    EACH_CHAIN(MX_BLOCK_SHIFT),
    .no_gradient = EACH_CHAIN(MX_BLOCK_MEAN) | EACH_CHAIN(MX_BLOCK_VARIANCE),
    .states = EACH_CHAIN(MX_BLOCK_MEAN) | EACH_CHAIN(MX_BLOCK_VARIANCE)};
