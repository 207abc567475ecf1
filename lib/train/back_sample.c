/* SPDX-License-Identifier: MIT */
/* GridSample (Jaderberg et al.: Spatial Transformer Networks, 2015, section 3.3): to the
 * input by the weights of its elements, to the grid by how those weights change. Where a
 * clamped position does not move, neither does the sample. */
#include <string.h>

#include "model/op_sample.h"
#include "train/back_common.h"
#include "train/back_tables.h"

enum { MAX_AXES = 3 };

/* One sample of all channels. */
typedef struct sample {
    mx_sample_axis axis[MAX_AXES];
    int n_axes;
    int64_t channels, plane, n_points;
    const float *x, *gradient; /* of the first channel */
    float *to;                 /* gradient of x, or NULL */
    double moved[MAX_AXES];    /* gradient of the position along each axis */
} sample;

/* An element that the sample is made of: its weight, and that weight's slope along each
 * axis. */
static void back_element(sample *s, int64_t place, double weight, const double *slope)
{
    double product = 0;
    for (int64_t c = 0; c < s->channels; c++) {
        const float g = s->gradient[c * s->n_points];
        product += (double)g * (double)s->x[c * s->plane + place];
        if (s->to)
            s->to[c * s->plane + place] += (float)weight * g;
    }
    for (int d = 0; d < s->n_axes; d++)
        s->moved[d] += slope[d] * product;
}

static void back_sample(sample *s, const int64_t *dims)
{
    int n = 1;
    for (int d = 0; d < s->n_axes; d++)
        n *= s->axis[d].n;
    for (int i = 0; i < n; i++) {
        double weight = 1, slope[MAX_AXES] = {1, 1, 1};
        int64_t place = 0;
        for (int d = 0, rest = i; d < s->n_axes; d++) {
            const int t = rest % s->axis[d].n;
            const int64_t index = s->axis[d].index[t];
            rest /= s->axis[d].n;
            place = place < 0 || index < 0 ? -1 : place * dims[d] + index;
            weight *= s->axis[d].weight[t];
            for (int e = 0; e < s->n_axes; e++)
                slope[e] *= e == d ? s->axis[d].slope[t] : s->axis[d].weight[t];
        }
        if (place >= 0)
            back_element(s, place, weight, slope);
    }
}

/* The grid has the last axis first. */
static mexpr_status grid_sample(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0], *grid = run->inputs[1], *out = run->outputs[0];
    sample s = {.n_axes = in->rank - 2,
        .channels = in->dims[1],
        .plane = mx_dims_product(in->dims, 2, in->rank),
        .n_points = mx_dims_product(out->dims, 2, out->rank)};
    float *images = mx_back_ready(run, 0), *moves = mx_back_ready(run, 1);
    for (int64_t i = 0; i < in->dims[0] * s.n_points; i++) {
        const float *at = (const float *)grid->data + i * s.n_axes;
        const int64_t b = i / s.n_points;
        s.x = (const float *)in->data + b * s.channels * s.plane;
        s.to = images ? images + b * s.channels * s.plane : NULL;
        s.gradient =
            run->output_gradients[0] + b * s.channels * s.n_points + i % s.n_points;
        memset(s.moved, 0, sizeof s.moved);
        for (int d = 0; d < s.n_axes; d++)
            mx_sample_along(
                run->params, (double)at[s.n_axes - 1 - d], in->dims[2 + d], &s.axis[d]);
        back_sample(&s, in->dims + 2);
        for (int d = 0; moves && d < s.n_axes; d++)
            moves[i * s.n_axes + s.n_axes - 1 - d] += (float)s.moved[d];
    }
    return MEXPR_OK;
}

const mx_back_op mx_back_sample_ops[] = {
    {.name = "GridSample", .backward = grid_sample, .reads_inputs = 3},
    {.name = NULL},
};
