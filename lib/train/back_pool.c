/* SPDX-License-Identifier: MIT */
/* Pools, a line of outputs at a time: down the window first, then along it. MaxPool keeps
 * which input won, the first of equals, as PyTorch does. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_pool.h"
#include "train/back_tables.h"

/* Places along a line that windows reach, padding included. */
static int64_t line_span(const mx_window *w)
{
    return (w->out[2] - 1) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2] + 1;
}

/* How many places of that span lie inside the input. */
static int64_t line_width(const mx_window *w)
{
    const int64_t room = line_span(w) - w->before[2];
    return room < 0 ? 0 : room < w->in[2] ? room : w->in[2];
}

/* The line of outputs at hand: the number of its first output in the channel, and the
 * window's lines that are inside the input. */
typedef struct pool_line {
    int64_t channel, d, h, out;
    int64_t lo[2], hi[2];
} pool_line;

typedef void line_fn(const mx_back_run *run, const pool_line *line);

static void for_lines(const mx_back_run *run, line_fn *fn)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return;
    pool_line line;
    for (line.channel = 0; line.channel < p->n_channels; line.channel++) {
        line.out = 0;
        for (line.d = 0; line.d < w->out[0]; line.d++) {
            mx_window_elements(w, 0, line.d, &line.lo[0], &line.hi[0]);
            for (line.h = 0; line.h < w->out[1]; line.h++, line.out += w->out[2]) {
                mx_window_elements(w, 1, line.h, &line.lo[1], &line.hi[1]);
                fn(run, &line);
            }
        }
    }
}

/* The number in its channel of the first input of the window's line (d, h). */
static int64_t input_line(const mx_window *w, const pool_line *line, int64_t d, int64_t h)
{
    const int64_t z = line->d * w->stride[0] - w->before[0] + d * w->dilation[0];
    const int64_t y = line->h * w->stride[1] - w->before[1] + h * w->dilation[1];
    return (z * w->in[1] + y) * w->in[2];
}

enum { NOWHERE = 0x7f }; /* every byte of a number behind all inputs */

/* What a channel begins with; each on its own, since that stays in the cache. */
static void clear(const mx_back_run *run, float *channel, int64_t n)
{
    if (!(run->adds & 1))
        memset(channel, 0, (size_t)n * sizeof *channel);
}

/* --- MaxPool ----------------------------------------------------------------------- */

/* Lines as far apart as makes those of a channel one long line, unless windows overlap
 * along them; then a channel's lines go one by one. */
static int64_t pitch_of(const mx_window *w)
{
    const int64_t apart = w->out[2] * w->stride[2];
    return line_span(w) <= apart ? apart : line_span(w);
}

static bool is_one_line(const mx_window *w)
{
    return pitch_of(w) == w->out[2] * w->stride[2];
}

/* Floats of the lines of a channel, with room for what of the last lies behind. */
static size_t lines_floats(const mx_window *w)
{
    const int64_t n = w->out[0] * w->out[1] * pitch_of(w) + w->in[2];
    return mx_round_up((size_t)n, MX_ALIGNMENT / sizeof(float));
}

static mexpr_status plan_max_pool(mx_back_plan *plan)
{
    const mx_pool_params *p = plan->params;
    const size_t lines = 3 * lines_floats(&p->window) * sizeof(float);
    if (plan->n_outputs > 1 && plan->outputs[1])
        return mx_fail(
            plan->scope, MEXPR_E_OPERATOR, "its indices are not made while training");
    plan->kept = (size_t)mx_tensor_count(plan->outputs[0]) * sizeof(int32_t);
    if (plan->workspace < lines)
        plan->workspace = lines;
    return MEXPR_OK;
}

/* Down the window, for all columns of a line of outputs. */
static void find_most(const mx_back_run *run, const pool_line *line)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    const size_t width = (size_t)line_width(w);
    const int64_t number = line->out / w->out[2];
    const float *x = (const float *)run->inputs[0]->data + line->channel * p->n_in;
    float *most = (float *)run->workspace + number * pitch_of(w) + w->before[2];
    int32_t *at = (int32_t *)(void *)(most + lines_floats(w));
    for (int64_t d = line->lo[0]; d < line->hi[0] && width > 0; d++) {
        for (int64_t h = line->lo[1]; h < line->hi[1]; h++) {
            const int64_t from = input_line(w, line, d, h);
            run->machine->train.most(width, x + from, (int32_t)from, most, at);
        }
    }
    if (line->d < w->out[0] - 1 || line->h < w->out[1] - 1)
        return;
    /* The last: now along the lines, and clean for the next channel. */
    const size_t floats = lines_floats(w), out = (size_t)(line->channel * p->n_out);
    const int64_t n_lines = is_one_line(w) ? 1 : number + 1;
    const size_t n = (size_t)(is_one_line(w) ? p->n_out : w->out[2]);
    most = run->workspace;
    at = (int32_t *)(void *)(most + floats);
    for (int64_t i = 0; i < n_lines; i++)
        run->machine->train.most_along(n, (size_t)w->kernel[2], (size_t)w->stride[2],
            (size_t)w->dilation[2], most + i * pitch_of(w), at + i * pitch_of(w),
            (float *)run->outputs[0]->data + out + (size_t)i * n,
            (int32_t *)run->kept + out + (size_t)i * n);
    memcpy(most, most + 2 * floats, floats * sizeof *most);
    memset(at, NOWHERE, floats * sizeof *at);
}

/* The workspace: the largest so far, where they were found, and a line of -Inf. Padding
 * is below everything, and behind it where it is equal. */
static mexpr_status max_pool_forward(const mx_back_run *run)
{
    const size_t floats = lines_floats(&((const mx_pool_params *)run->params)->window);
    float *most = run->workspace;
    for (size_t i = 0; i < floats; i++)
        most[i] = most[2 * floats + i] = -INFINITY;
    memset(most + floats, NOWHERE, floats * sizeof *most);
    for_lines(run, find_most);
    return MEXPR_OK;
}

static mexpr_status max_pool_backward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    const int32_t *found = run->kept;
    const float *g = run->output_gradients[0];
    float *out = run->gradients[0];
    for (int64_t c = 0; c < p->n_channels; c++) {
        clear(run, out, p->n_in);
        for (int64_t i = 0; i < p->n_out; i++) {
            if (found[i] < p->n_in) /* else the window saw nothing but padding */
                out[found[i]] += g[i];
        }
        found += p->n_out;
        g += p->n_out;
        out += p->n_in;
    }
    return MEXPR_OK;
}

/* --- AveragePool ------------------------------------------------------------------- */

static mexpr_status plan_average_pool(mx_back_plan *plan)
{
    const mx_window *w = &((const mx_pool_params *)plan->params)->window;
    const size_t lines = (size_t)(line_span(w) + w->out[2]) * sizeof(float);
    if (plan->workspace < lines)
        plan->workspace = lines;
    return MEXPR_OK;
}

/* The workspace: a line with its padding, then the counts along it. */
static void spread(const mx_back_run *run, const pool_line *line)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    const int64_t span = line_span(w), width = line_width(w);
    const float *g = run->output_gradients[0] + line->channel * p->n_out + line->out;
    float *to = run->gradients[0] + line->channel * p->n_in;
    if (line->out == 0)
        clear(run, to, p->n_in);
    float *shares = run->workspace, *counts = shares + span;
    const float others =
        (float)(mx_pool_counted(p, 0, line->d) * mx_pool_counted(p, 1, line->h));
    memset(shares, 0, (size_t)span * sizeof *shares);
    for (int64_t o = 0; o < w->out[2]; o++) {
        const float share = g[o] / (others * counts[o]);
        float *under = shares + o * w->stride[2];
        for (int64_t i = 0; i < w->kernel[2]; i++)
            under[i * w->dilation[2]] += share;
    }
    for (int64_t d = line->lo[0]; d < line->hi[0] && width > 0; d++) {
        for (int64_t h = line->lo[1]; h < line->hi[1]; h++) {
            float *row = to + input_line(w, line, d, h);
            run->machine->nn.add((size_t)width, row, shares + w->before[2], row);
        }
    }
}

/* Windows side by side, all of them inside: every input has one output. */
static bool is_mosaic(const mx_window *w)
{
    for (int d = 0; d < MX_SPATIAL; d++) {
        if (w->stride[d] != w->kernel[d] || w->dilation[d] != 1 || w->before[d] != 0 ||
            w->out[d] * w->kernel[d] > w->in[d])
            return false;
    }
    return true;
}

/* Line `line` of the inputs that count, and the line of outputs over it. */
static void mosaic_lines(const mx_window *w, int64_t line, int64_t *in, int64_t *out)
{
    const int64_t lines = w->out[1] * w->kernel[1], z = line / lines, y = line % lines;
    *in = (z * w->in[1] + y) * w->in[2];
    *out = (z / w->kernel[0] * w->out[1] + y / w->kernel[1]) * w->out[2];
}

static int64_t n_mosaic_lines(const mx_window *w)
{
    return w->out[0] * w->kernel[0] * w->out[1] * w->kernel[1];
}

static inline void sum_line(int64_t n, int64_t width, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < width; k++)
            y[i] += *x++;
    }
}

static inline void share_line(
    int64_t n, int64_t width, const float *g, float share, float *dx)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < width; k++)
            *dx++ += g[i] * share;
    }
}

static void mosaic_forward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    const float count = (float)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    const size_t n = (size_t)(p->n_channels * p->n_out);
    memset(y, 0, n * sizeof *y);
    for (int64_t c = 0; c < p->n_channels; c++, x += p->n_in, y += p->n_out) {
        for (int64_t line = 0, in, out; line < n_mosaic_lines(w); line++) {
            mosaic_lines(w, line, &in, &out);
            if (w->kernel[2] == 2)
                sum_line(w->out[2], 2, x + in, y + out);
            else
                sum_line(w->out[2], w->kernel[2], x + in, y + out);
        }
    }
    if (n > 0)
        run->machine->nn.div_scalar(
            n, run->outputs[0]->data, count, run->outputs[0]->data);
}

static void mosaic_backward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    const float share = 1 / (float)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    const float *g = run->output_gradients[0];
    float *dx = run->gradients[0];
    for (int64_t c = 0; c < p->n_channels; c++, g += p->n_out, dx += p->n_in) {
        clear(run, dx, p->n_in);
        for (int64_t line = 0, in, out; line < n_mosaic_lines(w); line++) {
            mosaic_lines(w, line, &in, &out);
            if (w->kernel[2] == 2)
                share_line(w->out[2], 2, g + out, share, dx + in);
            else
                share_line(w->out[2], w->kernel[2], g + out, share, dx + in);
        }
    }
}

static mexpr_status average_pool_forward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    const mx_run plain = {.scope = run->scope,
        .machine = run->machine,
        .node = run->node,
        .n_inputs = run->n_inputs,
        .inputs = run->inputs,
        .n_outputs = run->n_outputs,
        .outputs = run->outputs,
        .params = run->params,
        .workspace = run->workspace,
        .n_workers = 1};
    if (!is_mosaic(&p->window))
        return mx_run_forward(&plain);
    mosaic_forward(run);
    return MEXPR_OK;
}

static mexpr_status average_pool_backward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    float *counts = (float *)run->workspace + line_span(&p->window);
    for (int64_t o = 0; o < p->window.out[2]; o++)
        counts[o] = (float)mx_pool_counted(p, 2, o);
    if (p->n_out == 0)
        clear(run, run->gradients[0], p->n_channels * p->n_in);
    if (is_mosaic(&p->window))
        mosaic_backward(run);
    else
        for_lines(run, spread);
    return MEXPR_OK;
}

/* --- over everything --------------------------------------------------------------- */

static mexpr_status global_average_backward(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const int64_t size = mx_dims_product(x->dims, 2, x->rank);
    float *out = run->gradients[0];
    for (int64_t i = 0; i < n; i++, out += size) {
        clear(run, out, size);
        run->machine->nn.add_scalar(
            (size_t)size, out, run->output_gradients[0][i] / (float)size, out);
    }
    return MEXPR_OK;
}

static mexpr_status global_max_backward(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const int64_t size = mx_dims_product(x->dims, 2, x->rank);
    const float *in = x->data, *most = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++, in += size) {
        int64_t found = 0;
        clear(run, run->gradients[0] + i * size, size);
        while (found < size - 1 && in[found] != most[i])
            found++;
        run->gradients[0][i * size + found] += run->output_gradients[0][i];
    }
    return MEXPR_OK;
}

const mx_back_op mx_back_pool_ops[] = {
    {.name = "AveragePool",
        .plan = plan_average_pool,
        .forward = average_pool_forward,
        .backward = average_pool_backward},
    {.name = "GlobalAveragePool", .backward = global_average_backward},
    {.name = "GlobalMaxPool",
        .backward = global_max_backward,
        .reads_inputs = MX_INPUT_BIT(0),
        .reads_outputs = MX_INPUT_BIT(0)},
    {.name = "MaxPool",
        .plan = plan_max_pool,
        .forward = max_pool_forward,
        .backward = max_pool_backward},
    {.name = NULL},
};
