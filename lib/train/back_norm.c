/* SPDX-License-Identifier: MIT */
/* Batch normalisation with the statistics of the batch. Ioffe, Szegedy: Batch
 * Normalization, 2015. The batch is normalised by its biased variance; the running one
 * learns from the unbiased one, as in PyTorch. */
#include <math.h>
#include <string.h>

#include "train/back_tables.h"

/* Of one channel. Forward makes mean and square_sum (of differences from the mean, joined
 * plane by plane: Chan, Golub, LeVeque 1979), backward the sums of gradients. */
typedef struct channel {
    double n, mean, square_sum;
    double gradient_sum, product_sum; /* of dy, of dy (x - mean) */
    double inverse;                   /* of the standard deviation */
    float factor, shift;              /* y = factor x + shift */
} channel;

typedef struct batch_shape {
    int64_t batch, channels;
    size_t size; /* of a plane */
} batch_shape;

static batch_shape shape_of(const mx_tensor *x)
{
    return (batch_shape){x->dims[0], x->rank > 1 ? x->dims[1] : 1,
        x->rank > 2 ? (size_t)mx_dims_product(x->dims, 2, x->rank) : 1};
}

static mexpr_status plan_batch_norm(mx_back_plan *plan)
{
    const batch_shape s = shape_of(plan->inputs[0]);
    plan->kept = (size_t)s.channels * sizeof(channel);
    if (plan->workspace < s.size * sizeof(float))
        plan->workspace = s.size * sizeof(float);
    return MEXPR_OK;
}

/* --- forward ----------------------------------------------------------------------- */

static void join(channel *c, double n, double mean, double square_sum)
{
    const double both = c->n + n, step = mean - c->mean;
    c->square_sum += square_sum + step * step * c->n * n / both;
    c->mean += step * n / both;
    c->n = both;
}

static void gather(const mx_back_run *run, const batch_shape *s)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    channel *channels = run->kept;
    const float *x = run->inputs[0]->data;
    for (int64_t i = 0; i < s->batch * s->channels; i++, x += s->size) {
        const float mean = nn->sum(s->size, x) / (float)s->size;
        join(&channels[i % s->channels], (double)s->size, (double)mean,
            (double)nn->sum_square_diff(s->size, x, mean));
    }
}

static void update_states(const mx_back_run *run, const batch_shape *s)
{
    const channel *c = run->kept;
    const double keep = (double)mx_attr_float(run->node, "momentum", 0.9f);
    float *mean = run->inputs[3]->data, *variance = run->inputs[4]->data;
    for (int64_t i = 0; i < s->channels; i++, c++) {
        const double unbiased = c->square_sum / (c->n > 1 ? c->n - 1 : 1);
        mean[i] = (float)(keep * (double)mean[i] + (1 - keep) * c->mean);
        variance[i] = (float)(keep * (double)variance[i] + (1 - keep) * unbiased);
    }
}

static void settle(const mx_back_run *run, const batch_shape *s)
{
    const double epsilon = (double)mx_attr_float(run->node, "epsilon", 1e-5f);
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    channel *c = run->kept;
    for (int64_t i = 0; i < s->channels; i++, c++) {
        c->inverse = 1 / sqrt(c->square_sum / c->n + epsilon);
        c->factor = (float)((double)scale[i] * c->inverse);
        c->shift = (float)((double)shift[i] - c->mean * (double)c->factor);
    }
}

static void apply(const mx_back_run *run, const batch_shape *s)
{
    const channel *channels = run->kept;
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    for (int64_t i = 0; i < s->batch * s->channels; i++) {
        const channel *c = &channels[i % s->channels];
        run->machine->nn.scale_shift(s->size, x, c->factor, c->shift, y);
        x += s->size;
        y += s->size;
    }
}

static mexpr_status batch_norm_forward(const mx_back_run *run)
{
    const batch_shape s = shape_of(run->inputs[0]);
    memset(run->kept, 0, (size_t)s.channels * sizeof(channel));
    if (s.batch == 0 || s.size == 0)
        return MEXPR_OK;
    gather(run, &s);
    update_states(run, &s);
    settle(run, &s);
    apply(run, &s);
    return MEXPR_OK;
}

/* --- backward ---------------------------------------------------------------------- */

static void gather_gradients(const mx_back_run *run, const batch_shape *s)
{
    channel *channels = run->kept;
    const float *x = run->inputs[0]->data, *g = run->output_gradients[0];
    for (int64_t i = 0; i < s->batch * s->channels; i++) {
        channel *c = &channels[i % s->channels];
        double sums[2];
        run->machine->train.normal_sums(s->size, g, x, (float)c->mean, sums);
        c->gradient_sum += sums[0];
        c->product_sum += sums[1];
        x += s->size;
        g += s->size;
    }
}

static void give_weights(const mx_back_run *run, const batch_shape *s)
{
    const channel *c = run->kept;
    float *scale = run->gradients[1], *shift = run->gradients[2];
    for (int64_t i = 0; i < s->channels; i++, c++) {
        const float slope = (float)(c->product_sum * c->inverse);
        if (scale)
            scale[i] = run->adds & 2 ? scale[i] + slope : slope;
        if (shift)
            shift[i] = (float)c->gradient_sum + (run->adds & 4 ? shift[i] : 0);
    }
}

/* dx = a (dy - mean(dy) - (x - mean) inverse² mean(dy (x - mean))), a = scale inverse. */
static void give_input(const mx_back_run *run, const batch_shape *s)
{
    const channel *channels = run->kept;
    const float *scale = run->inputs[1]->data, *x = run->inputs[0]->data;
    const float *g = run->output_gradients[0];
    float *out = run->gradients[0];
    for (int64_t i = 0; i < s->batch * s->channels; i++) {
        const channel *c = &channels[i % s->channels];
        const double a = (double)scale[i % s->channels] * c->inverse;
        const double slope = -a * c->inverse * c->inverse * c->product_sum / c->n;
        const double shift = -a * c->gradient_sum / c->n - slope * c->mean;
        float *to = run->adds & 1 ? run->workspace : out;
        run->machine->train.normal_slope(
            s->size, g, x, (float)a, (float)slope, (float)shift, to);
        if (to != out)
            run->machine->nn.add(s->size, out, to, out);
        x += s->size;
        g += s->size;
        out += s->size;
    }
}

static mexpr_status batch_norm_backward(const mx_back_run *run)
{
    const batch_shape s = shape_of(run->inputs[0]);
    gather_gradients(run, &s);
    give_weights(run, &s);
    if (run->gradients[0])
        give_input(run, &s);
    return MEXPR_OK;
}

const mx_back_op mx_back_norm_ops[] = {
    {.name = "BatchNormalization",
        .plan = plan_batch_norm,
        .forward = batch_norm_forward,
        .backward = batch_norm_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1),
        .no_gradient = MX_INPUT_BIT(3) | MX_INPUT_BIT(4),
        .states = MX_INPUT_BIT(3) | MX_INPUT_BIT(4),
        .flags = MX_BACK_IN_PLACE},
    {.name = NULL},
};
