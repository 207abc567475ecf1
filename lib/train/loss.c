/* SPDX-License-Identifier: MIT */
/* Losses of scores. */
#include "train/loss.h"

#include <math.h>
#include <stddef.h>

/* --- one row ----------------------------------------------------------------------- */

typedef struct row {
    const mx_loss_options *o;
    int64_t n; /* classes */
    const float *x, *targets;
    double scale;    /* of the row's loss within the whole */
    double share;    /* of the gradient */
    float *gradient; /* or NULL */
} row;

static double weight_of(const float *weights, int64_t c)
{
    return weights ? (double)weights[c] : 1;
}

static double target_of(const row *r, int64_t c)
{
    const double smoothing = r->o->smoothing;
    return (1 - smoothing) * (double)r->targets[c] + smoothing / (double)r->n;
}

static void add(const row *r, int64_t c, double slope)
{
    if (r->gradient)
        r->gradient[c] += (float)(r->share * r->scale * slope);
}

/* log of the sum of exp(x). */
static double log_sum(int64_t n, const float *x)
{
    double max = -INFINITY, sum = 0;
    for (int64_t c = 0; c < n; c++)
        max = (double)x[c] > max ? (double)x[c] : max;
    for (int64_t c = 0; c < n; c++)
        sum += exp((double)x[c] - max);
    return max + log(sum);
}

/* With a = w t: dx = p sum a - a. */
static double cross_entropy(const row *r)
{
    const double whole = log_sum(r->n, r->x);
    double loss = 0, sum = 0;
    for (int64_t c = 0; c < r->n; c++) {
        const double a = weight_of(r->o->weights, c) * target_of(r, c);
        if (a != 0)
            loss += a * (whole - (double)r->x[c]);
        sum += a;
    }
    for (int64_t c = 0; c < r->n; c++)
        add(r, c,
            exp((double)r->x[c] - whole) * sum -
                weight_of(r->o->weights, c) * target_of(r, c));
    return r->scale * loss;
}

/* Of f(p) = -(1-p)^gamma log p: f, and p f'(p) = gamma p (1-p)^(gamma-1) log p -
 * (1-p)^gamma. */
static double focal_term(double gamma, double log_p, double *slope)
{
    const double rest = -expm1(log_p), power = pow(rest, gamma);
    const double bent =
        gamma > 0 && rest > 0 ? gamma * exp(log_p) * power / rest * log_p : 0;
    *slope = bent - power;
    return power == 0 ? 0 : -power * log_p;
}

/* With s = w t p f'(p): dx = s - p sum s. */
static double focal(const row *r)
{
    const double whole = log_sum(r->n, r->x);
    double loss = 0, sum = 0, slope;
    for (int64_t c = 0; c < r->n; c++) {
        const double a = weight_of(r->o->weights, c) * target_of(r, c);
        const double term = focal_term(r->o->gamma, (double)r->x[c] - whole, &slope);
        if (a == 0)
            continue;
        loss += a * term;
        sum += a * slope;
    }
    for (int64_t c = 0; c < r->n; c++) {
        const double log_p = (double)r->x[c] - whole;
        const double a = weight_of(r->o->weights, c) * target_of(r, c);
        focal_term(r->o->gamma, log_p, &slope);
        add(r, c, (a == 0 ? 0 : a * slope) - exp(log_p) * sum);
    }
    return r->scale * loss;
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double binary(const row *r)
{
    double loss = 0;
    for (int64_t c = 0; c < r->n; c++) {
        const double x = (double)r->x[c], t = target_of(r, c);
        const double w = weight_of(r->o->weights, c);
        const double p = x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
        loss += w * (t * softplus(-x) + (1 - t) * softplus(x));
        add(r, c, w * (p - t));
    }
    return r->scale * loss;
}

static double squares(const row *r)
{
    double loss = 0;
    for (int64_t c = 0; c < r->n; c++) {
        const double d = (double)r->x[c] - target_of(r, c);
        const double w = weight_of(r->o->weights, c);
        loss += w * d * d;
        add(r, c, 2 * w * d);
    }
    return r->scale * loss;
}

static double absolute(const row *r)
{
    double loss = 0;
    for (int64_t c = 0; c < r->n; c++) {
        const double d = (double)r->x[c] - target_of(r, c);
        const double w = weight_of(r->o->weights, c);
        loss += w * fabs(d);
        add(r, c, d > 0 ? w : d < 0 ? -w : 0);
    }
    return r->scale * loss;
}

static double hinge(const row *r)
{
    double loss = 0;
    for (int64_t c = 0; c < r->n; c++) {
        const double part = weight_of(r->o->weights, c) * target_of(r, c) / (double)r->n;
        for (int64_t k = 0; k < r->n && part != 0; k++) {
            const double over = r->o->margin - (double)r->x[c] + (double)r->x[k];
            if (k == c || !(over > 0))
                continue;
            loss += part * over;
            add(r, c, -part);
            add(r, k, part);
        }
    }
    return r->scale * loss;
}

/* --- a batch ----------------------------------------------------------------------- */

/* Of how much the mean is taken. */
static double divisor(
    mx_loss_kind kind, const mx_loss_options *o, const mx_loss_batch *batch)
{
    const double n = (double)batch->n, elements = n * (double)batch->classes;
    double sum = 0;
    switch (kind) {
    case MX_LOSS_CROSS_ENTROPY:
        for (int64_t i = 0; i < batch->n * batch->classes; i++)
            sum += weight_of(o->weights, i % batch->classes) * (double)batch->targets[i];
        return sum;
    case MX_LOSS_BINARY:
    case MX_LOSS_SQUARES:
    case MX_LOSS_ABSOLUTE:
        return elements;
    default:
        return n;
    }
}

double mx_loss_scores(mx_loss_kind kind, const mx_loss_options *options,
    const mx_loss_batch *batch, double share, float *gradient)
{
    static double (*const losses[])(const row *) = {
        [MX_LOSS_CROSS_ENTROPY] = cross_entropy,
        [MX_LOSS_FOCAL] = focal,
        [MX_LOSS_BALANCED_FOCAL] = focal,
        [MX_LOSS_BINARY] = binary,
        [MX_LOSS_SQUARES] = squares,
        [MX_LOSS_HINGE] = hinge,
        [MX_LOSS_ABSOLUTE] = absolute};
    const double all = divisor(kind, options, batch);
    double loss = 0;
    row r = {.o = options,
        .n = batch->classes,
        .scale = all > 0 ? 1 / all : 0,
        .share = share};
    for (int64_t i = 0; i < batch->n; i++) {
        r.x = batch->scores + i * r.n;
        r.targets = batch->targets + i * r.n;
        r.gradient = gradient ? gradient + i * r.n : NULL;
        loss += losses[kind](&r);
    }
    return loss;
}

void mx_loss_balance(int64_t classes, const int64_t *counts, float *weights)
{
    double all = 0;
    for (int64_t c = 0; c < classes; c++)
        all += (double)counts[c];
    for (int64_t c = 0; c < classes; c++)
        weights[c] = all > 0 ? (float)(1 - (double)counts[c] / all / 10) : 1;
}
