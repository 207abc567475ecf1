/* SPDX-License-Identifier: MIT */
/* Zeiler and Fergus 2014: heat(x, y) is the mean of max(0, p - p covered) over the
 * squares that cover (x, y), p being the score of the class. */
#include <string.h>

#include "image/picture.h"
#include "saliency/saliency_parts.h"

typedef struct occlusion {
    mx_explain *e;
    mx_probe probe;
    float *fill;    /* by channel */
    double *heat;   /* by pixel: sum of the falls */
    int32_t *count; /* by pixel: squares that covered it */
    int32_t across, down;
    int32_t decision; /* the class of the sample as it is */
} occlusion;

/* Left or upper edge of square i; the last one ends at the picture's edge. */
static int32_t edge_of(const occlusion *o, int32_t i, int32_t extent)
{
    const int32_t at = i * o->e->options.stride, last = extent - o->e->options.patch;
    return at < last ? at : last;
}

static int32_t count_squares(const occlusion *o, int32_t extent)
{
    const int32_t stride = o->e->options.stride;
    return (extent - o->e->options.patch + stride - 1) / stride + 1;
}

static void find_fill(const occlusion *o)
{
    const mx_explain *e = o->e;
    const size_t n = (size_t)e->frames * (size_t)e->height * (size_t)e->width;
    const float *in = e->inputs[e->options.input].data;
    for (int32_t c = 0; c < e->channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)in[(size_t)c * n + i];
        o->fill[c] = e->options.fill == MEXPR_SALIENCY_FILL_VALUE
                         ? e->options.fill_value
                         : (float)(sum / (double)n);
    }
}

/* Covers a square of variant k; `with` NULL uncovers it. */
static void cover(occlusion *o, int32_t k, int32_t square, bool covers)
{
    const mx_explain *e = o->e;
    const int32_t x = edge_of(o, square % o->across, e->width);
    const int32_t y = edge_of(o, square / o->across, e->height);
    const float *in = e->inputs[e->options.input].data;
    float *to = o->probe.variants + (size_t)k * o->probe.sample;
    for (int32_t plane = 0; plane < e->channels * e->frames; plane++) {
        for (int32_t row = y; row < y + e->options.patch; row++) {
            const size_t at =
                ((size_t)plane * (size_t)e->height + (size_t)row) * (size_t)e->width +
                (size_t)x;
            for (int32_t i = 0; i < e->options.patch; i++)
                to[at + (size_t)i] =
                    covers ? o->fill[plane / e->frames] : in[at + (size_t)i];
        }
    }
}

static int32_t best_of(const float *scores, int64_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        best = scores[i] > scores[best] ? i : best;
    return best;
}

static void note(occlusion *o, int32_t square, const float *scores)
{
    const mx_explain *e = o->e;
    const int32_t x = edge_of(o, square % o->across, e->width);
    const int32_t y = edge_of(o, square / o->across, e->height);
    const double fall =
        e->result->score - mx_explain_score(e, scores, o->probe.n_classes);
    const bool flips = best_of(scores, o->probe.n_classes) != o->decision;
    for (int32_t row = y; row < y + e->options.patch; row++) {
        uint8_t *flip = mx_image_row_pixels(e->result->flips, row);
        for (int32_t col = x; col < x + e->options.patch; col++) {
            const size_t at = (size_t)row * (size_t)e->width + (size_t)col;
            o->heat[at] += fall > 0 ? fall : 0;
            o->count[at]++;
            if (flips)
                flip[col] = UINT8_MAX;
        }
    }
}

static mexpr_status run_squares(occlusion *o)
{
    const int32_t total = o->across * o->down;
    for (int32_t first = 0; first < total; first += o->probe.capacity) {
        const int32_t left = total - first;
        const int32_t n = left < o->probe.capacity ? left : o->probe.capacity;
        const float *scores;
        for (int32_t k = 0; k < n; k++)
            cover(o, k, first + k, true);
        mexpr_status status = mx_probe_run(&o->probe, n, &scores);
        if (status != MEXPR_OK)
            return status;
        for (int32_t k = 0; k < n; k++) {
            note(o, first + k, scores + (size_t)k * (size_t)o->probe.n_classes);
            cover(o, k, first + k, false);
        }
        status = mx_explain_progress(o->e, (uint64_t)(first + n), (uint64_t)total);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status make_room(occlusion *o)
{
    const mx_explain *e = o->e;
    const size_t n = (size_t)e->height * (size_t)e->width;
    o->fill = mx_alloc(e->scope, (size_t)e->channels, sizeof *o->fill);
    o->heat = mx_calloc(e->scope, n, sizeof *o->heat);
    o->count = mx_calloc(e->scope, n, sizeof *o->count);
    if (!o->fill || !o->heat || !o->count)
        return MEXPR_E_NOMEM;
    mexpr_image **flips = &e->result->flips;
    const mexpr_status status =
        mx_image_new(e->scope, MEXPR_FORMAT_GREY8, e->width, e->height, flips);
    for (int32_t y = 0; status == MEXPR_OK && y < e->height; y++)
        memset(mx_image_row_pixels(*flips, y), 0, (size_t)e->width);
    return status;
}

/* The mean of the falls; every pixel is covered, for no stride is larger than a square.
 */
static void fill_map(const occlusion *o)
{
    const mx_explain *e = o->e;
    size_t at = 0;
    for (int32_t y = 0; y < e->height; y++) {
        float *row = (float *)(void *)mx_image_row_pixels(e->result->map, y);
        for (int32_t x = 0; x < e->width; x++, at++)
            row[x] = (float)(o->heat[at] / o->count[at]);
    }
}

static mexpr_status explain(occlusion *o)
{
    mx_explain *e = o->e;
    const float *scores;
    mexpr_status status = mx_probe_init(e->scope, e->model, e->inputs, e->options.input,
        e->options.output, e->options.batch, &o->probe);
    if (status == MEXPR_OK)
        status = make_room(o);
    if (status == MEXPR_OK)
        status = mx_probe_run(&o->probe, 1, &scores);
    if (status == MEXPR_OK)
        status = mx_explain_target(e, &o->probe, scores);
    if (status != MEXPR_OK)
        return status;
    o->decision = best_of(scores, o->probe.n_classes);
    find_fill(o);
    o->across = count_squares(o, e->width);
    o->down = count_squares(o, e->height);
    status = run_squares(o);
    if (status == MEXPR_OK)
        fill_map(o);
    return status;
}

mexpr_status mx_explain_occlusion(mx_explain *e)
{
    occlusion o = {.e = e};
    const mexpr_status status = explain(&o);
    mx_free(e->scope->context, o.count);
    mx_free(e->scope->context, o.heat);
    mx_free(e->scope->context, o.fill);
    mx_probe_release(&o.probe);
    return status;
}
