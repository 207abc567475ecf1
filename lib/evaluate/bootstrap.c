/* SPDX-License-Identifier: MIT */
/* How sure a measure or a difference is: persons drawn with replacement, McNemar's test.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "evaluate/measures.h"

enum { N_MEASURES = 4 };

/* --- drawing persons --------------------------------------------------------------- */

/* Confusions of each person under one system, or two, and what the rounds gave. */
typedef struct bootstrap {
    int32_t n_persons, n_classes, n_rounds, n_systems;
    int32_t *persons; /* of each clip, numbered without gaps */
    int64_t *counts;  /* for each system n_persons confusions, then one for the round */
    double *values;   /* N_MEASURES rows of n_rounds; of two systems the differences */
} bootstrap;

/* The confusions of one system. */
static int64_t *confusions(const bootstrap *b, int32_t system)
{
    return b->counts + (size_t)system * ((size_t)b->n_persons + 1) *
                           (size_t)b->n_classes * (size_t)b->n_classes;
}

static void sum_persons(bootstrap *b, int32_t system, const int32_t *drawn)
{
    const size_t size = (size_t)b->n_classes * (size_t)b->n_classes;
    const int64_t *counts = confusions(b, system);
    int64_t *sum = confusions(b, system) + (size_t)b->n_persons * size;
    memset(sum, 0, size * sizeof *sum);
    for (int32_t k = 0; k < b->n_persons; k++)
        for (size_t j = 0; j < size; j++)
            sum[j] += counts[(size_t)drawn[k] * size + j];
}

static void play_round(bootstrap *b, int32_t round, const int32_t *drawn)
{
    const size_t size = (size_t)b->n_classes * (size_t)b->n_classes;
    for (int32_t s = 0; s < b->n_systems; s++) {
        mexpr_metrics m = MEXPR_METRICS_INIT;
        sum_persons(b, s, drawn);
        mx_measure(confusions(b, s) + (size_t)b->n_persons * size, b->n_classes, &m);
        const double measures[N_MEASURES] = {m.accuracy, m.uf1, m.uar, m.weighted_f1};
        for (int k = 0; k < N_MEASURES; k++) {
            double *value = &b->values[(size_t)k * (size_t)b->n_rounds + (size_t)round];
            *value = s == 0 ? measures[k] : *value - measures[k];
        }
    }
}

static void play(bootstrap *b, uint64_t seed, int32_t *drawn)
{
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int32_t round = 0; round < b->n_rounds; round++) {
        for (int32_t k = 0; k < b->n_persons; k++)
            drawn[k] = (int32_t)mx_rng_below(&rng, (uint32_t)b->n_persons);
        play_round(b, round, drawn);
    }
}

/* Sifts the value at `at` down a heap of n, the largest on top. */
static void sift(double *v, int32_t at, int32_t n)
{
    for (int32_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && v[child + 1] > v[child];
        if (v[at] >= v[child])
            return;
        const double t = v[at];
        v[at] = v[child];
        v[child] = t;
    }
}

static void sort(double *v, int32_t n)
{
    for (int32_t k = n / 2 - 1; k >= 0; k--)
        sift(v, k, n);
    for (int32_t k = n - 1; k > 0; k--) {
        const double t = v[0];
        v[0] = v[k];
        v[k] = t;
        sift(v, 0, k);
    }
}

/* Between the two values around the rank share · (n - 1). */
static double quantile(const double *sorted, int32_t n, double share)
{
    const double rank = share * (n - 1);
    const int32_t below = (int32_t)rank;
    const int32_t above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
}

static mexpr_status check_interval(mx_scope *scope, const int32_t *persons, int64_t n,
    double *confidence, int32_t *n_rounds)
{
    if (*confidence == 0)
        *confidence = 0.95;
    if (*n_rounds == 0)
        *n_rounds = 4000;
    if (!(*confidence > 0 && *confidence < 1) || *n_rounds < 100 || *n_rounds > 1000000)
        return mx_fail(scope, MEXPR_E_RANGE,
            "confidence %g with %d rounds; it is between 0 and 1, with 100 to 1000000",
            *confidence, *n_rounds);
    for (int64_t i = 0; i < n; i++)
        if (persons[i] < 0 || persons[i] >= n)
            return mx_fail(scope, MEXPR_E_RANGE,
                "person %d of clip %lld is not in 0 to the number of clips less 1",
                persons[i], (long long)i);
    return MEXPR_OK;
}

/* Numbers the persons who have clips, in the order of their given numbers: a person
 * without any would be drawn for nothing, and make draws smaller. */
static mexpr_status number_persons(
    mx_scope *scope, bootstrap *b, const int32_t *persons, int64_t n)
{
    int32_t *number = mx_calloc(scope, (size_t)n, sizeof *number);
    b->persons = mx_alloc(scope, (size_t)n, sizeof *b->persons);
    const mexpr_status status = number && b->persons ? MEXPR_OK : MEXPR_E_NOMEM;
    b->n_persons = 0;
    for (int64_t i = 0; i < n && status == MEXPR_OK; i++)
        number[persons[i]] = 1;
    for (int64_t k = 0; k < n && status == MEXPR_OK; k++)
        if (number[k])
            number[k] = b->n_persons++;
    for (int64_t i = 0; i < n && status == MEXPR_OK; i++)
        b->persons[i] = number[persons[i]];
    mx_free(scope->context, number);
    return status;
}

/* Plays all rounds for one system, or for the difference of two, and sorts what they
 * gave. The arguments but the seed have been checked. */
static mexpr_status draw(mx_scope *scope, bootstrap *b, const int32_t *labels,
    const int32_t *const *predicted, int64_t n, uint64_t seed)
{
    const size_t size = (size_t)b->n_classes * (size_t)b->n_classes;
    const size_t n_counts = ((size_t)b->n_persons + 1) * (size_t)b->n_systems;
    if (size >
        mx_context_limits(scope->context)->tensor_bytes / sizeof *b->counts / n_counts)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the confusions of %d persons are larger than max_tensor_bytes",
            b->n_persons);
    int32_t *drawn = mx_alloc(scope, (size_t)b->n_persons, sizeof *drawn);
    b->counts = mx_calloc(scope, n_counts * size, sizeof *b->counts);
    b->values = mx_alloc(scope, N_MEASURES * (size_t)b->n_rounds, sizeof *b->values);
    const mexpr_status status =
        drawn && b->counts && b->values ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        for (int32_t s = 0; s < b->n_systems; s++)
            for (int64_t i = 0; i < n; i++)
                confusions(b, s)[(size_t)b->persons[i] * size +
                                 (size_t)(labels[i] * b->n_classes + predicted[s][i])]++;
        play(b, seed, drawn);
        for (int k = 0; k < N_MEASURES; k++)
            sort(b->values + (size_t)k * (size_t)b->n_rounds, b->n_rounds);
    }
    mx_free(scope->context, drawn);
    return status;
}

static void free_bootstrap(mexpr_context *context, bootstrap *b)
{
    mx_free(context, b->values);
    mx_free(context, b->counts);
    mx_free(context, b->persons);
}

static double end_of(const bootstrap *b, int measure, double part)
{
    return quantile(b->values + (size_t)measure * (size_t)b->n_rounds, b->n_rounds, part);
}

/* --- intervals --------------------------------------------------------------------- */

static void read_interval(
    const bootstrap *b, double part, const mexpr_metrics *from, mexpr_metrics *out)
{
    const size_t struct_size = out->struct_size;
    *out = *from;
    out->struct_size = struct_size;
    double *const fields[N_MEASURES] = {
        &out->accuracy, &out->uf1, &out->uar, &out->weighted_f1};
    for (int k = 0; k < N_MEASURES; k++)
        *fields[k] = end_of(b, k, part);
}

mexpr_status mexpr_metrics_interval(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted, const int32_t *persons, int64_t n, int32_t n_classes,
    double confidence, int32_t n_rounds, uint64_t seed, mexpr_metrics *low,
    mexpr_metrics *high)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    bootstrap b = {.n_classes = n_classes, .n_systems = 1};
    mexpr_metrics all = MEXPR_METRICS_INIT;
    if (!low || !high || !persons || n < 1)
        return mx_fail(scope, MEXPR_E_ARG, "there are no clips, persons or results");
    mexpr_status status =
        mexpr_metrics_compute(context, labels, predicted, n, n_classes, NULL, &all);
    if (status == MEXPR_OK)
        status = mx_out_struct_check(scope, low->struct_size, sizeof *low);
    if (status == MEXPR_OK)
        status = mx_out_struct_check(scope, high->struct_size, sizeof *high);
    if (status == MEXPR_OK)
        status = check_interval(scope, persons, n, &confidence, &n_rounds);
    if (status == MEXPR_OK)
        status = number_persons(scope, &b, persons, n);
    b.n_rounds = n_rounds;
    if (status == MEXPR_OK)
        status = draw(scope, &b, labels, &predicted, n, seed);
    if (status == MEXPR_OK) {
        read_interval(&b, (1 - confidence) / 2, &all, low);
        read_interval(&b, (1 + confidence) / 2, &all, high);
    }
    free_bootstrap(context, &b);
    return status;
}

/* --- McNemar ----------------------------------------------------------------------- */

/* P(X <= k) for X of n fair coins: C(n, i) / 2^n by logarithms, one from the other. */
static double coins_at_most(int64_t k, int64_t n)
{
    double sum = 0, logarithm = -(double)n * log(2);
    for (int64_t i = 0; i <= k; i++) {
        sum += exp(logarithm);
        logarithm += log((double)(n - i) / (double)(i + 1));
    }
    return sum;
}

/* Two-sided, of the clips that one system alone has right. */
static double mcnemar(int64_t only_a, int64_t only_b)
{
    const int64_t fewer = only_a < only_b ? only_a : only_b;
    return fmin(1, 2 * coins_at_most(fewer, only_a + only_b));
}

mexpr_status mexpr_mcnemar(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted_a, const int32_t *predicted_b, int64_t n, double *p)
{
    if (!context)
        return MEXPR_E_ARG;
    if (!p || n < 0 || (n > 0 && (!labels || !predicted_a || !predicted_b)))
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG,
            "there are no labels, no predictions or no place for the result");
    int64_t only_a = 0, only_b = 0;
    for (int64_t i = 0; i < n; i++) {
        only_a += predicted_a[i] == labels[i] && predicted_b[i] != labels[i];
        only_b += predicted_b[i] == labels[i] && predicted_a[i] != labels[i];
    }
    *p = mcnemar(only_a, only_b);
    return MEXPR_OK;
}

/* --- two systems ------------------------------------------------------------------- */

/* Share of the rounds above 0, those of 0 counted half. */
static double above(const bootstrap *b, int measure)
{
    const double *values = b->values + (size_t)measure * (size_t)b->n_rounds;
    double sum = 0;
    for (int32_t k = 0; k < b->n_rounds; k++)
        sum += values[k] > 0 ? 1 : values[k] < 0 ? 0 : 0.5;
    return sum / b->n_rounds;
}

static void read_comparison(const bootstrap *b, double confidence, mexpr_comparison *out)
{
    const double low = (1 - confidence) / 2, high = (1 + confidence) / 2;
    out->uf1_low = end_of(b, 1, low);
    out->uf1_high = end_of(b, 1, high);
    out->uf1_above = above(b, 1);
    out->uar_low = end_of(b, 2, low);
    out->uar_high = end_of(b, 2, high);
    out->uar_above = above(b, 2);
}

/* Measures of both systems, and McNemar's test. */
static mexpr_status measure_both(mexpr_context *context, const int32_t *labels,
    const int32_t *const *predicted, int64_t n, int32_t n_classes, mexpr_comparison *out)
{
    mexpr_metrics m[2] = {MEXPR_METRICS_INIT, MEXPR_METRICS_INIT};
    mexpr_status status = MEXPR_OK;
    for (int s = 0; s < 2 && status == MEXPR_OK; s++)
        status = mexpr_metrics_compute(
            context, labels, predicted[s], n, n_classes, NULL, &m[s]);
    if (status != MEXPR_OK)
        return status;
    out->n = n;
    out->only_a = out->only_b = 0;
    for (int64_t i = 0; i < n; i++) {
        out->only_a += predicted[0][i] == labels[i] && predicted[1][i] != labels[i];
        out->only_b += predicted[1][i] == labels[i] && predicted[0][i] != labels[i];
    }
    out->p = mcnemar(out->only_a, out->only_b);
    out->uf1 = m[0].uf1 - m[1].uf1;
    out->uar = m[0].uar - m[1].uar;
    return MEXPR_OK;
}

mexpr_status mexpr_metrics_compare(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted_a, const int32_t *predicted_b, const int32_t *persons,
    int64_t n, int32_t n_classes, double confidence, int32_t n_rounds, uint64_t seed,
    mexpr_comparison *comparison)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    const int32_t *const predicted[2] = {predicted_a, predicted_b};
    bootstrap b = {.n_classes = n_classes, .n_systems = 2};
    if (!comparison || !persons || n < 1)
        return mx_fail(scope, MEXPR_E_ARG, "there are no clips, persons or results");
    mexpr_comparison out = MEXPR_COMPARISON_INIT;
    mexpr_status status =
        mx_out_struct_check(scope, comparison->struct_size, sizeof *comparison);
    if (status == MEXPR_OK)
        status = measure_both(context, labels, predicted, n, n_classes, &out);
    if (status == MEXPR_OK)
        status = check_interval(scope, persons, n, &confidence, &n_rounds);
    if (status == MEXPR_OK)
        status = number_persons(scope, &b, persons, n);
    b.n_rounds = n_rounds;
    if (status == MEXPR_OK)
        status = draw(scope, &b, labels, predicted, n, seed);
    if (status == MEXPR_OK) {
        read_comparison(&b, confidence, &out);
        out.struct_size = comparison->struct_size;
        *comparison = out;
    }
    free_bootstrap(context, &b);
    return status;
}
