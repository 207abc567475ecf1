/* SPDX-License-Identifier: MIT */
/* Convolution by columns, as forward: with y = W col(x) the gradients are dW = dy
 * col(x)ᵀ and dx = the columns Wᵀ dy, each added to where it was taken from. */
#include <string.h>

#include "model/op_conv.h"
#include "train/back_tables.h"

/* Floats of one tile of columns: about half of a second-level cache. */
enum { TILE_FLOATS = 1 << 17, MIN_TILE = 48 };

static int64_t tile_of(const mx_conv_params *p)
{
    int64_t tile = p->k > 0 ? TILE_FLOATS / p->k / 16 * 16 : p->n_out;
    tile = tile < MIN_TILE ? MIN_TILE : tile;
    return tile < p->n_out ? tile : p->n_out;
}

static mexpr_status plan_conv(mx_back_plan *plan)
{
    const mx_conv_params *p = plan->params;
    const size_t columns = (size_t)(p->k * tile_of(p)) * sizeof(float);
    if (columns > plan->workspace)
        plan->workspace = columns;
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

/* --- gradients --------------------------------------------------------------------- */

/* One group of one sample. */
typedef struct place {
    const float *x, *g, *weights;
    float *dx, *dweights; /* NULL: nobody asks */
    bool adds_x, adds_weights;
} place;

static void conv_place(const mx_back_run *run, const mx_conv_params *p, const place *at)
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

static void bias_backward(const mx_back_run *run, const mx_conv_params *p)
{
    const float *g = run->output_gradients[0];
    float *out = run->gradients[2];
    if (!(run->adds & 4))
        memset(out, 0, (size_t)p->c_out * sizeof *out);
    for (int64_t i = 0; i < p->batch * p->c_out; i++, g += p->n_out)
        out[i % p->c_out] += run->machine->nn.sum((size_t)p->n_out, g);
}

static mexpr_status conv_backward(const mx_back_run *run)
{
    const mx_conv_params *p = run->params;
    const int64_t group_in = p->c_in / p->groups, group_out = p->c_out / p->groups;
    float *dx = run->gradients[0], *dweights = run->gradients[1];
    const bool adds_x = run->adds & 1, is_point = p->method == MX_CONV_POINTWISE;
    if (dx && !adds_x && !is_point)
        memset(dx, 0, mx_tensor_bytes(run->inputs[0]));
    for (int64_t i = 0; i < p->batch * p->groups && p->n_out > 0; i++) {
        const int64_t at_w = i % p->groups * group_out * p->k;
        const place at = {(const float *)run->inputs[0]->data + i * group_in * p->n_in,
            run->output_gradients[0] + i * group_out * p->n_out,
            (const float *)run->inputs[1]->data + at_w,
            dx ? dx + i * group_in * p->n_in : NULL, dweights ? dweights + at_w : NULL,
            adds_x, i >= p->groups || run->adds & 2};
        conv_place(run, p, &at);
    }
    if (run->n_inputs > 2 && run->gradients[2] && p->n_out > 0)
        bias_backward(run, p);
    return MEXPR_OK;
}

const mx_back_op mx_back_conv_ops[] = {
    {.name = "Conv",
        .plan = plan_conv,
        .backward = conv_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1)},
    {.name = NULL},
};
