/* SPDX-License-Identifier: MIT */
/* Losses of features: of pairs of rows, and of rows among themselves. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "train/loss.h"

static void add(float *gradient, int64_t i, double slope)
{
    if (gradient)
        gradient[i] += (float)slope;
}

/* --- pairs ------------------------------------------------------------------------- */

/* A product of lengths below this counts as this, as in PyTorch. */
#define SMALLEST_LENGTH 1e-8

double mx_loss_cosine(const mx_loss_pair *p, double share)
{
    double loss = 0;
    const double part = share / (double)p->n;
    for (int64_t r = 0; r < p->n; r++) {
        double aa = 0, bb = 0, ab = 0;
        for (int64_t i = r * p->size; i < (r + 1) * p->size; i++) {
            aa += (double)p->a[i] * (double)p->a[i];
            bb += (double)p->b[i] * (double)p->b[i];
            ab += (double)p->a[i] * (double)p->b[i];
        }
        const bool is_short = sqrt(aa * bb) < SMALLEST_LENGTH;
        const double length = is_short ? SMALLEST_LENGTH : sqrt(aa * bb);
        const double cosine = ab / length;
        loss += (1 - cosine) / (double)p->n;
        for (int64_t i = r * p->size; i < (r + 1) * p->size; i++) {
            const double a = (double)p->a[i], b = (double)p->b[i];
            add(p->a_gradient, i,
                -part * (b / length - (is_short ? 0 : cosine * a / aa)));
            add(p->b_gradient, i,
                -part * (a / length - (is_short ? 0 : cosine * b / bb)));
        }
    }
    return loss;
}

/* log of the sum of exp(x / temperature). */
static double log_sum(int64_t n, const float *x, double temperature)
{
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        max = (double)x[i] > max ? (double)x[i] : max;
    for (int64_t i = 0; i < n; i++)
        sum += exp(((double)x[i] - max) / temperature);
    return max / temperature + log(sum);
}

/* With z = x / temperature: by z of a it is p_a - p_b, by z of b p_b (log(p_b / p_a) -
 * the row's divergence). */
double mx_loss_kl(const mx_loss_pair *p, double temperature, double share)
{
    double loss = 0;
    const double part = share * temperature / (double)p->n;
    for (int64_t r = 0; r < p->n; r++) {
        const float *a = p->a + r * p->size, *b = p->b + r * p->size;
        const double sum_a = log_sum(p->size, a, temperature);
        const double sum_b = log_sum(p->size, b, temperature);
        double divergence = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < p->size; i++) {
                const double log_a = (double)a[i] / temperature - sum_a;
                const double log_b = (double)b[i] / temperature - sum_b;
                const double p_b = exp(log_b), gap = log_b - log_a;
                if (pass == 0) {
                    divergence += p_b * gap;
                    continue;
                }
                add(p->a_gradient, r * p->size + i, part * (exp(log_a) - p_b));
                add(p->b_gradient, r * p->size + i, part * p_b * (gap - divergence));
            }
        }
        loss += temperature * temperature * divergence / (double)p->n;
    }
    return loss;
}

/* Of m = (p_a + p_b) / 2 it is (KL(p_a, m) + KL(p_b, m)) / 2; by a it is p_a (log(p_a /
 * m)
 * - KL(p_a, m)) / 2. */
double mx_loss_js(const mx_loss_pair *p, double share)
{
    double loss = 0;
    const double part = share / (2 * (double)p->n);
    for (int64_t r = 0; r < p->n; r++) {
        const float *a = p->a + r * p->size, *b = p->b + r * p->size;
        const double sum_a = log_sum(p->size, a, 1), sum_b = log_sum(p->size, b, 1);
        double from_a = 0, from_b = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < p->size; i++) {
                const double log_a = (double)a[i] - sum_a, log_b = (double)b[i] - sum_b;
                const double p_a = exp(log_a), p_b = exp(log_b);
                const double log_m = log((p_a + p_b) / 2);
                const double gap_a = p_a > 0 ? log_a - log_m : 0;
                const double gap_b = p_b > 0 ? log_b - log_m : 0;
                if (pass == 0) {
                    from_a += p_a * gap_a;
                    from_b += p_b * gap_b;
                    continue;
                }
                add(p->a_gradient, r * p->size + i, part * p_a * (gap_a - from_a));
                add(p->b_gradient, r * p->size + i, part * p_b * (gap_b - from_b));
            }
        }
        loss += (from_a + from_b) / (2 * (double)p->n);
    }
    return loss;
}

/* --- supervised contrastive -------------------------------------------------------- */

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Rows of length 1 into `unit`, their lengths into `lengths`. */
static void bring_to_one(const mx_loss_cloud *c, double *unit, double *lengths)
{
    for (int64_t r = 0; r < c->n; r++) {
        double *row = unit + r * c->size;
        for (int64_t i = 0; i < c->size; i++)
            row[i] = (double)c->rows[r * c->size + i];
        const double length = sqrt(dot(c->size, row, row));
        lengths[r] = length > SMALLEST_LENGTH ? length : SMALLEST_LENGTH;
        for (int64_t i = 0; i < c->size; i++)
            row[i] /= lengths[r];
    }
}

/* By row x of length l and direction u, from the gradient g of u: (g - u (u g)) / l; g is
 * slope * other. */
static void pull(
    const mx_loss_cloud *c, int64_t r, const double *other, double slope, float *gradient)
{
    const double *unit = c->work + r * c->size, length = c->work[c->n * c->size + r];
    const double along = dot(c->size, unit, other);
    for (int64_t i = 0; i < c->size && gradient; i++)
        gradient[r * c->size + i] +=
            (float)(slope * (other[i] - along * unit[i]) / length);
}

/* Anchor r: with s = u_r u_k / temperature, the mean over its likes of log sum exp s - s.
 * By s of k that is softmax(s) less 1 / likes where k is one. */
static double contrast(const mx_loss_cloud *c, int64_t r, double share, float *gradient)
{
    const double *unit = c->work, *own = unit + r * c->size;
    double max = -INFINITY, sum = 0, likes = 0, near = 0;
    for (int64_t k = 0; k < c->n; k++) {
        const double s = dot(c->size, own, unit + k * c->size) / c->temperature;
        max = k != r && s > max ? s : max;
    }
    for (int64_t k = 0; k < c->n; k++) {
        const double s = dot(c->size, own, unit + k * c->size) / c->temperature;
        if (k == r)
            continue;
        sum += exp(s - max);
        near += c->labels[k] == c->labels[r] ? s : 0;
        likes += c->labels[k] == c->labels[r];
    }
    for (int64_t k = 0; k < c->n && gradient; k++) {
        const double *other = unit + k * c->size;
        const double s = dot(c->size, own, other) / c->temperature;
        const double is_like = c->labels[k] == c->labels[r] ? 1 / likes : 0;
        const double slope = share * (exp(s - max) / sum - is_like) / c->temperature;
        if (k == r)
            continue;
        pull(c, r, other, slope, gradient);
        pull(c, k, own, slope, gradient);
    }
    return max + log(sum) - near / likes;
}

static bool has_like(const mx_loss_cloud *c, int64_t r)
{
    for (int64_t k = 0; k < c->n; k++) {
        if (k != r && c->labels[k] == c->labels[r])
            return true;
    }
    return false;
}

double mx_loss_contrastive(const mx_loss_cloud *c, double share, float *gradient)
{
    double loss = 0;
    int64_t anchors = 0;
    bring_to_one(c, c->work, c->work + c->n * c->size);
    for (int64_t r = 0; r < c->n; r++)
        anchors += has_like(c, r);
    for (int64_t r = 0; r < c->n; r++) {
        if (has_like(c, r))
            loss += contrast(c, r, share / (double)anchors, gradient) / (double)anchors;
    }
    return loss;
}

/* --- maximum mean discrepancy ------------------------------------------------------ */

static double square_distance(int64_t n, const float *a, const float *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum;
}

/* Row i of both sets together; its gradient. */
static const float *row_of(const mx_loss_sets *s, int64_t i)
{
    return i < s->n_a ? s->a + i * s->size : s->b + (i - s->n_a) * s->size;
}

static float *gradient_of(const mx_loss_sets *s, int64_t i)
{
    float *gradient = i < s->n_a ? s->a_gradient : s->b_gradient;
    return gradient ? gradient + (i < s->n_a ? i : i - s->n_a) * s->size : NULL;
}

double mx_loss_mmd(const mx_loss_sets *s, double share)
{
    const int64_t n = s->n_a + s->n_b;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < n; k++) {
            const bool is_a = i < s->n_a, both = is_a == (k < s->n_a);
            const double own = (double)(is_a ? s->n_a : s->n_b);
            const double mean =
                both ? 1 / (own * own) : -1 / ((double)s->n_a * (double)s->n_b);
            const float *x = row_of(s, i), *y = row_of(s, k);
            const double distance = square_distance(s->size, x, y);
            double kernel = 0, slope = 0;
            for (int e = -2; e <= 2; e++) {
                const double width = ldexp(s->bandwidth, e),
                             value = exp(-distance / width);
                kernel += value;
                slope -= value / width;
            }
            loss += mean * kernel;
            /* Twice: as x of this pair and as y of the turned one. */
            for (int64_t j = 0; j < s->size; j++)
                add(gradient_of(s, i), j,
                    4 * share * mean * slope * ((double)x[j] - (double)y[j]));
        }
    }
    return loss;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mx_loss_bandwidth(const mx_loss_sets *s, double *work)
{
    const int64_t n = s->n_a + s->n_b;
    size_t n_pairs = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = i + 1; k < n; k++)
            work[n_pairs++] = square_distance(s->size, row_of(s, i), row_of(s, k));
    if (n_pairs == 0)
        return 1;
    qsort(work, n_pairs, sizeof *work, compare);
    const double median = (work[(n_pairs - 1) / 2] + work[n_pairs / 2]) / 2;
    return median > 0 ? median : 1;
}
