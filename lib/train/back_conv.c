/* SPDX-License-Identifier: MIT */
/* Convolution by columns, as forward: with y = W col(x) the gradients are dW = dy
 * col(x)ᵀ and dx = the columns Wᵀ dy, each added to where it was taken from. */
#include <string.h>

#include "base/checked.h"
#include "model/op_conv.h"
#include "train/back_common.h"
#include "train/back_conv_rows.h"
#include "train/back_tables.h"

/* Floats of one tile of columns: about half of a second-level cache. */
enum { TILE_FLOATS = 1 << 17, MIN_TILE = 48 };

static int64_t tile_of(const mx_conv_params *p)
{
    int64_t tile = p->k > 0 ? TILE_FLOATS / p->k / 16 * 16 : p->n_out;
    tile = tile < MIN_TILE ? MIN_TILE : tile;
    return tile < p->n_out ? tile : p->n_out;
}

/* With strides of 1 the gradient of the input is a convolution of that of the output with
 * the weights turned round: *q receives it. */
static bool turn(const mx_conv_params *p, int rank, mx_conv_params *q, size_t *workspace)
{
    *q = (mx_conv_params){.window = p->window,
        .batch = p->batch,
        .c_in = p->c_out,
        .c_out = p->c_in,
        .groups = p->groups,
        .n_in = p->n_out,
        .n_out = p->n_in};
    if (p->c_in == 0 || p->method == MX_CONV_POINTWISE)
        return false;
    q->k = p->k / (p->c_in / p->groups) * (p->c_out / p->groups);
    for (int d = 0; d < MX_SPATIAL; d++) {
        const mx_window *w = &p->window;
        const int64_t reach = (w->kernel[d] - 1) * w->dilation[d];
        q->window.in[d] = w->out[d];
        q->window.out[d] = w->in[d];
        q->window.before[d] = reach - w->before[d];
        q->window.after[d] = w->in[d] - w->out[d] + w->before[d];
        if (w->stride[d] != 1 || q->window.before[d] < 0 || q->window.after[d] < 0)
            return false;
    }
    *workspace = mx_conv_plan(q, rank);
    return true;
}

static size_t weight_bytes(const mx_conv_params *p)
{
    return mx_round_up((size_t)(p->c_out * p->k) * sizeof(float), MX_ALIGNMENT);
}

/* Backward turns the weights round into the workspace, and has one sample's gradient of
 * the input there when that is added to another. */
static mexpr_status plan_conv(mx_back_plan *plan)
{
    const mx_conv_params *p = plan->params;
    mx_conv_params q;
    if (mx_conv_rows_fits(p)) {
        mx_back_workspace(plan, mx_conv_rows_space(p));
        return MEXPR_OK;
    }
    size_t most = (size_t)(p->k * tile_of(p)) * sizeof(float), space;
    if (plan->wanted & 1 && turn(p, plan->inputs[0]->rank, &q, &space)) {
        space += weight_bytes(p) +
                 mx_round_up((size_t)(p->c_in * p->n_in) * sizeof(float), MX_ALIGNMENT);
        most = space > most ? space : most;
    }
    if (most > plan->workspace)
        plan->workspace = most;
    return MEXPR_OK;
}

/* --- columns back ------------------------------------------------------------------ */

/* One run of one row of columns to where mx_conv_columns() would take it from. */
static void add_run(const mx_window *w, float *channel, const int64_t *k,
    const int64_t *inside, const mx_span *s, const float *in)
{
    const int64_t d = s->d * w->stride[0] - w->before[0] + k[0] * w->dilation[0];
    const int64_t h = s->h * w->stride[1] - w->before[1] + k[1] * w->dilation[1];
    const int64_t lo = inside[0] < s->x0 ? s->x0 : inside[0];
    const int64_t hi = inside[1] > s->x1 ? s->x1 : inside[1];
    if (d < 0 || d >= w->in[0] || h < 0 || h >= w->in[1])
        return;
    const int64_t stride = w->stride[2];
    float *line =
        channel + (d * w->in[1] + h) * w->in[2] - w->before[2] + k[2] * w->dilation[2];
    in -= s->x0;
    for (int64_t i = lo; i < hi; i++)
        line[i * stride] += in[i];
}

static void add_row(const mx_window *w, float *channel, const int64_t *k, int64_t first,
    int64_t n, const float *in)
{
    int64_t inside[2];
    mx_window_inside(w, 2, k[2], &inside[0], &inside[1]);
    for (mx_span s = mx_span_first(w, first, n); n > 0; mx_span_next(w, &s, n)) {
        add_run(w, channel, k, inside, &s, in);
        in += s.x1 - s.x0;
        n -= s.x1 - s.x0;
    }
}

static void add_columns(
    const mx_conv_params *p, float *group, int64_t first, int64_t n, const float *columns)
{
    const mx_window *w = &p->window;
    int64_t k[MX_SPATIAL];
    for (int64_t c = 0; c < p->c_in / p->groups; c++) {
        for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
            for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
                for (k[2] = 0; k[2] < w->kernel[2]; k[2]++) {
                    add_row(w, group + c * p->n_in, k, first, n, columns);
                    columns += n;
                }
            }
        }
    }
}

/* --- by columns -------------------------------------------------------------------- */

/* One group of one sample. */
typedef struct place {
    const float *x, *g, *weights;
    float *dx, *dweights; /* NULL: nobody asks */
    bool adds_x, adds_weights;
} place;

static place place_at(const mx_back_run *run, const mx_conv_params *p, int64_t i)
{
    const int64_t group_in = p->c_in / p->groups, group_out = p->c_out / p->groups;
    const int64_t at_w = i % p->groups * group_out * p->k, at_x = i * group_in * p->n_in;
    float *dx = run->gradients[0], *dweights = run->gradients[1];
    return (place){(const float *)run->inputs[0]->data + at_x,
        run->output_gradients[0] + i * group_out * p->n_out,
        (const float *)run->inputs[1]->data + at_w, dx ? dx + at_x : NULL,
        dweights ? dweights + at_w : NULL, run->adds & 1,
        i >= p->groups || run->adds & 2};
}

static void column_place(const mx_back_run *run, const mx_conv_params *p, const place *at)
{
    const mx_gemm *gemm = &run->machine->gemm;
    const int m = (int)(p->c_out / p->groups), k = (int)p->k, n_out = (int)p->n_out;
    const bool is_point = p->method == MX_CONV_POINTWISE;
    const int64_t step = is_point ? p->n_out : tile_of(p);
    for (int64_t first = 0; first < p->n_out; first += step) {
        const int n = (int)(first + step < p->n_out ? step : p->n_out - first);
        float *columns = run->workspace;
        if (at->dweights) {
            if (!is_point)
                mx_conv_columns(p, at->x, first, n, columns);
            mx_sgemm(gemm, false, true, m, k, n, 1, at->g + first, n_out,
                is_point ? at->x : columns, n, at->adds_weights || first > 0,
                at->dweights, k);
        }
        if (!at->dx)
            continue;
        mx_sgemm(gemm, true, false, k, n, m, 1, at->weights, k, at->g + first, n_out,
            is_point && at->adds_x, is_point ? at->dx : columns, n);
        if (!is_point)
            add_columns(p, at->dx, first, n, columns);
    }
}

/* --- without columns --------------------------------------------------------------- */

static void direct_weights(const mx_back_run *run, const mx_conv_params *p)
{
    const mx_run forward = {
        .machine = run->machine, .params = p, .workspace = run->workspace};
    if (!(run->adds & 2))
        memset(run->gradients[1], 0, mx_tensor_bytes(run->inputs[1]));
    mx_conv_direct_begin(&forward);
    for (int64_t i = 0; i < p->batch * p->groups; i++) {
        const place at = place_at(run, p, i);
        const mx_conv_place from = {.x = at.x};
        mx_conv_direct_slopes(&forward, &from, at.g, at.dweights);
    }
}

/* [group][out][in][kernel] as [group][in][out][kernel backwards]. */
static void turn_weights(const mx_conv_params *p, const float *weights, float *turned)
{
    const int64_t in = p->c_in / p->groups, out = p->c_out / p->groups;
    const int64_t size = p->k / in;
    for (int64_t g = 0; g < p->groups; g++, weights += out * p->k) {
        for (int64_t c = 0; c < in; c++) {
            for (int64_t o = 0; o < out; o++) {
                const float *from = weights + o * p->k + c * size;
                for (int64_t i = 0; i < size; i++)
                    *turned++ = from[size - 1 - i];
            }
        }
    }
}

/* Samples from..from + q->batch - 1. */
static mexpr_status turned_samples(const mx_back_run *run, const mx_conv_params *q,
    mx_tensor *weights, int64_t from, float *to)
{
    static const mx_node plain = {.name = "", .op_type = "Conv", .domain = ""};
    mx_tensor g = *run->outputs[0], dx = *run->inputs[0];
    g.data = (void *)(uintptr_t)(run->output_gradients[0] + from * q->c_in * q->n_in);
    dx.data = to;
    g.dims[0] = dx.dims[0] = q->batch;
    const mx_tensor *inputs[2] = {&g, weights};
    mx_tensor *outputs[1] = {&dx};
    const mx_run forward = {.scope = run->scope,
        .machine = run->machine,
        .node = &plain,
        .n_inputs = 2,
        .inputs = inputs,
        .n_outputs = 1,
        .outputs = outputs,
        .params = q,
        .workspace = (uint8_t *)weights->data +
                     mx_round_up(mx_tensor_bytes(weights), MX_ALIGNMENT),
        .n_workers = 1};
    return mx_conv(&forward);
}

static mexpr_status turned_input(
    const mx_back_run *run, const mx_conv_params *p, mx_conv_params *q)
{
    const size_t sample = (size_t)(p->c_in * p->n_in);
    mx_tensor weights = *run->inputs[1];
    float *to = run->gradients[0];
    weights.data = run->workspace;
    turn_weights(p, run->inputs[1]->data, weights.data);
    if (!(run->adds & 1))
        return turned_samples(run, q, &weights, 0, to);
    q->batch = 1;
    float *one = run->workspace;
    weights.data = one + mx_round_up(sample, MX_ALIGNMENT / sizeof(float));
    turn_weights(p, run->inputs[1]->data, weights.data);
    mexpr_status status = MEXPR_OK;
    for (int64_t i = 0; i < p->batch && status == MEXPR_OK; i++, to += sample) {
        status = turned_samples(run, q, &weights, i, one);
        run->machine->nn.add(sample, to, one, to);
    }
    return status;
}

/* --- all --------------------------------------------------------------------------- */

static void bias_backward(const mx_back_run *run, const mx_conv_params *p)
{
    const float *g = run->output_gradients[0];
    float *out = run->gradients[2];
    if (!(run->adds & 4))
        memset(out, 0, (size_t)p->c_out * sizeof *out);
    for (int64_t i = 0; i < p->batch * p->c_out; i++, g += p->n_out)
        out[i % p->c_out] += run->machine->nn.sum((size_t)p->n_out, g);
}

static void clear(const mx_back_run *run)
{
    for (int k = 0; k < run->n_inputs; k++) {
        if (run->gradients[k] && !(run->adds & MX_INPUT_BIT(k)))
            memset(run->gradients[k], 0, mx_tensor_bytes(run->inputs[k]));
    }
}

static mexpr_status conv_forward(const mx_back_run *run)
{
    const mx_conv_params *p = run->params;
    if (mx_conv_rows_fits(p)) {
        mx_conv_rows_forward(run, p);
        return MEXPR_OK;
    }
    const mx_run forward = {.scope = run->scope,
        .machine = run->machine,
        .node = run->node,
        .n_inputs = run->n_inputs,
        .inputs = run->inputs,
        .n_outputs = run->n_outputs,
        .outputs = run->outputs,
        .params = p,
        .workspace = run->workspace,
        .n_workers = 1};
    return mx_conv(&forward);
}

static mexpr_status conv_backward(const mx_back_run *run)
{
    const mx_conv_params *p = run->params;
    mx_conv_params q;
    size_t space;
    if (mx_tensor_count(run->outputs[0]) == 0 || p->k == 0) {
        clear(run);
        return MEXPR_OK;
    }
    if (run->n_inputs > 2 && run->gradients[2])
        bias_backward(run, p);
    if (mx_conv_rows_fits(p)) {
        mx_conv_rows_backward(run, p);
        return MEXPR_OK;
    }
    const bool is_direct = p->method == MX_CONV_DIRECT && run->gradients[1];
    if (is_direct)
        direct_weights(run, p);
    const bool is_turned = run->gradients[0] && turn(p, run->inputs[0]->rank, &q, &space);
    if (run->gradients[0] && !is_turned && !(run->adds & 1) &&
        p->method != MX_CONV_POINTWISE)
        memset(run->gradients[0], 0, mx_tensor_bytes(run->inputs[0]));
    for (int64_t i = 0; i < p->batch * p->groups; i++) {
        place at = place_at(run, p, i);
        at.dx = is_turned ? NULL : at.dx;
        at.dweights = is_direct ? NULL : at.dweights;
        if (at.dx || at.dweights)
            column_place(run, p, &at);
    }
    return is_turned ? turned_input(run, p, &q) : MEXPR_OK;
}

const mx_back_op mx_back_conv_ops[] = {
    {.name = "Conv",
        .plan = plan_conv,
        .forward = conv_forward,
        .backward = conv_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1)},
    {.name = NULL},
};
