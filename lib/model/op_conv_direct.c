/* SPDX-License-Identifier: MIT */
/* Convolution of few channels, one as for depthwise ones. The padded input is laid out so
 * that neighbouring outputs need neighbouring inputs for every weight, across the ends of
 * lines too: with a stride of s along an axis, every s-th line or column makes a plane of
 * its own. Outputs between the lines are computed for nothing and left out. */
#include <string.h>

#include "base/checked.h"
#include "model/op_conv.h"

enum {
    MAX_CHANNELS = 32, /* of a group that has several */
    MAX_TAPS = 1024,
    CHUNK = 2048,   /* outputs at a time, while they stay in the first-level cache */
    MAX_GROWTH = 4, /* by padding, along an axis */
    MAX_STRIDE = 4
};

static int64_t planes_along(const mx_window *w, int d, int64_t *n)
{
    const int64_t extent =
        (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
    *n = (extent + w->stride[d] - 1) / w->stride[d];
    return w->stride[d];
}

static mx_conv_layout layout_of(const mx_conv_params *p)
{
    mx_conv_layout l;
    l.sh = planes_along(&p->window, 1, &l.rows);
    l.sw = planes_along(&p->window, 2, &l.cols);
    l.channel_size = l.rows * l.cols * l.sh * l.sw;
    l.chunk_lines = CHUNK / l.cols;
    if (l.chunk_lines < 1)
        l.chunk_lines = 1;
    if (l.chunk_lines > p->window.out[1])
        l.chunk_lines = p->window.out[1];
    l.chunk = (int64_t)mx_round_up((size_t)(l.chunk_lines * l.cols), MX_CONV_LANES);
    return l;
}

bool mx_conv_direct_fits(const mx_conv_params *p, int rank)
{
    const mx_window *w = &p->window;
    const int64_t channels = p->c_in / p->groups;
    if (rank > 4 || p->k < 1 || p->k > MAX_TAPS || channels > MAX_CHANNELS ||
        p->n_out == 0 || p->n_in == 0)
        return false;
    for (int d = 1; d < MX_SPATIAL; d++) {
        const int64_t padded = w->in[d] + w->before[d] + w->after[d];
        if (w->stride[d] > MAX_STRIDE || padded > MAX_GROWTH * (w->in[d] + 8))
            return false;
    }
    return true;
}

/* The workspace: planes, then sums, then a pointer for each weight. */
static size_t plane_floats(const mx_conv_params *p)
{
    const size_t planes = (size_t)(p->c_in / p->groups * p->layout.channel_size);
    return mx_round_up(planes + MX_CONV_LANES, MX_ALIGNMENT / sizeof(float));
}

static size_t sum_floats(const mx_conv_params *p)
{
    return MX_CONV_ROWS * (size_t)p->layout.chunk;
}

size_t mx_conv_direct_plan(mx_conv_params *p)
{
    p->layout = layout_of(p);
    return (plane_floats(p) + sum_floats(p)) * sizeof(float) +
           (size_t)p->k * sizeof(float *);
}

static const float **pointers_of(const mx_run *run)
{
    const mx_conv_params *p = run->params;
    float *floats = run->workspace;
    return (const float **)(void *)(floats + plane_floats(p) + sum_floats(p));
}

/* The columns of a padded line that one plane takes: lo, then n that are inside, from
 * column `at` of the input on. */
typedef struct span {
    int64_t lo, n, at;
} span;

static span span_of(const mx_window *w, const mx_conv_layout *l, int64_t phase)
{
    const int64_t first = phase - w->before[2];
    const int64_t skip = first < 0 ? (-first + l->sw - 1) / l->sw : 0;
    span s = {skip < l->cols ? skip : l->cols, 0, first + skip * l->sw};
    const int64_t inside = s.at < w->in[2] ? (w->in[2] - 1 - s.at) / l->sw + 1 : 0;
    s.n = inside < l->cols - s.lo ? inside : l->cols - s.lo;
    return s;
}

static void fill_line(const mx_run *run, const mx_conv_layout *l, const span *s,
    const float *from, float *to)
{
    const int64_t n = from ? s->n : 0, past = s->lo + n;
    for (int64_t i = 0; i < s->lo; i++)
        to[i] = 0;
    if (n > 0 && l->sw == 1)
        run->machine->conv.copy_rows(1, (size_t)n, from + s->at, 0, to + s->lo, 0);
    else if (n > 0 && l->sw == 2)
        run->machine->conv.every_second((size_t)n, from + s->at, to + s->lo);
    else
        for (int64_t i = 0; i < n; i++)
            to[s->lo + i] = from[s->at + i * l->sw];
    for (int64_t i = past; i < l->cols; i++)
        to[i] = 0;
}

static void fill_channel(const mx_run *run, const float *x, float *planes)
{
    const mx_conv_params *p = run->params;
    const mx_window *w = &p->window;
    const mx_conv_layout *l = &p->layout;
    for (int64_t phase = 0; phase < l->sw; phase++) {
        const span s = span_of(w, l, phase);
        for (int64_t first = 0; first < l->sh; first++) {
            float *to = planes + (first * l->sw + phase) * l->rows * l->cols;
            for (int64_t i = 0; i < l->rows; i++, to += l->cols) {
                const int64_t h = i * l->sh + first - w->before[1];
                const bool inside = h >= 0 && h < w->in[1];
                fill_line(run, l, &s, inside ? x + h * w->in[2] : NULL, to);
            }
        }
    }
}

void mx_conv_direct_begin(const mx_run *run)
{
    const mx_conv_params *p = run->params;
    const mx_window *w = &p->window;
    const mx_conv_layout *l = &p->layout;
    const float *planes = run->workspace, **x = pointers_of(run);
    for (int64_t c = 0; c < p->c_in / p->groups; c++, planes += l->channel_size) {
        for (int64_t i = 0; i < w->kernel[1]; i++) {
            for (int64_t j = 0; j < w->kernel[2]; j++) {
                const int64_t h = i * w->dilation[1], v = j * w->dilation[2];
                const int64_t plane = h % l->sh * l->sw + v % l->sw;
                *x++ =
                    planes + plane * l->rows * l->cols + h / l->sh * l->cols + v / l->sw;
            }
        }
    }
}

/* Lines first..first + n - 1 of some outputs. */
static void finish_lines(const mx_run *run, const mx_conv_layout *l,
    const mx_conv_place *at, int64_t row, int64_t rows, int64_t first, int64_t n,
    const float *sums)
{
    const mx_conv_params *p = run->params;
    const int64_t line = p->window.out[2], from = row * p->n_out + first * line;
    for (int64_t r = 0; r < rows; r++)
        run->machine->conv.copy_rows((size_t)n, (size_t)line, sums + r * l->chunk,
            l->cols, at->y + from + r * p->n_out, line);
    mx_epilogue_rows(run, at->channel + row, rows, n * line, p->n_out,
        mx_run_input(run, 2), at->residual ? at->residual + from : NULL, at->y + from);
}

void mx_conv_direct(const mx_run *run, const mx_conv_place *at)
{
    const mx_conv_params *p = run->params;
    const mx_conv_layout *l = &p->layout;
    const int64_t channels = p->c_in / p->groups, outputs = p->c_out / p->groups;
    const int64_t lines = p->window.out[1];
    float *planes = run->workspace, *sums = planes + plane_floats(p);
    const float *const *x = pointers_of(run);
    for (int64_t c = 0; c < channels; c++)
        fill_channel(run, at->x + c * p->n_in, planes + c * l->channel_size);
    for (int64_t first = 0; first < lines; first += l->chunk_lines) {
        const int64_t n = lines - first < l->chunk_lines ? lines - first : l->chunk_lines;
        for (int64_t row = 0; row < outputs; row += MX_CONV_ROWS) {
            const int64_t rows =
                outputs - row < MX_CONV_ROWS ? outputs - row : MX_CONV_ROWS;
            const mx_conv_block block = {(size_t)((n - 1) * l->cols + p->window.out[2]),
                (size_t)p->k, (int)rows, x, (size_t)(first * l->cols),
                at->weights + row * p->k, p->k, sums, l->chunk};
            run->machine->conv.taps(&block);
            finish_lines(run, l, at, row, rows, first, n, sums);
        }
    }
}

/* Lines of gradients as far apart as those of the planes, with 0 between and behind. */
static void spread_lines(
    const mx_run *run, const float *g, int64_t rows, int64_t first, int64_t n, float *out)
{
    const mx_conv_params *p = run->params;
    const mx_conv_layout *l = &p->layout;
    const int64_t line = p->window.out[2];
    for (int64_t r = 0; r < rows; r++, out += l->chunk) {
        run->machine->conv.copy_rows(
            (size_t)n, (size_t)line, g + r * p->n_out + first * line, line, out, l->cols);
        for (int64_t i = 0; i < n; i++) {
            for (int64_t k = line; k < l->cols; k++)
                out[i * l->cols + k] = 0;
        }
        for (int64_t k = n * l->cols; k < l->chunk; k++)
            out[k] = 0;
    }
}

void mx_conv_direct_slopes(
    const mx_run *run, const mx_conv_place *at, const float *g, float *slopes)
{
    const mx_conv_params *p = run->params;
    const mx_conv_layout *l = &p->layout;
    const int64_t channels = p->c_in / p->groups, outputs = p->c_out / p->groups;
    const int64_t lines = p->window.out[1];
    float *planes = run->workspace, *sums = planes + plane_floats(p);
    for (int64_t c = 0; c < channels; c++)
        fill_channel(run, at->x + c * p->n_in, planes + c * l->channel_size);
    memset(planes + channels * l->channel_size, 0,
        (plane_floats(p) - (size_t)(channels * l->channel_size)) * sizeof *planes);
    for (int64_t first = 0; first < lines; first += l->chunk_lines) {
        const int64_t n = lines - first < l->chunk_lines ? lines - first : l->chunk_lines;
        for (int64_t row = 0; row < outputs; row += MX_CONV_ROWS) {
            const int64_t rows =
                outputs - row < MX_CONV_ROWS ? outputs - row : MX_CONV_ROWS;
            spread_lines(run, g + row * p->n_out, rows, first, n, sums);
            const mx_conv_slopes block = {(size_t)((n - 1) * l->cols + p->window.out[2]),
                (size_t)p->k, (int)rows, pointers_of(run), (size_t)(first * l->cols),
                sums, l->chunk, slopes + row * p->k, p->k};
            run->machine->conv.slopes(&block);
        }
    }
}
