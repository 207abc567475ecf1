/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/scope.h"
#include "microexpr/evaluate.h"

enum { MAX_CLASSES = 1000, N_MEASURES = 4 };

/* --- one set of predictions -------------------------------------------------------- */

static mexpr_status check_classes(mx_scope *scope, const char *what,
    const int32_t *classes, int64_t n, int32_t n_classes)
{
    for (int64_t i = 0; i < n; i++)
        if (classes[i] < 0 || classes[i] >= n_classes)
            return mx_fail(scope, MEXPR_E_RANGE,
                "%s %d of clip %lld is not one of the classes 0 to %d", what, classes[i],
                (long long)i, n_classes - 1);
    return MEXPR_OK;
}

/* From a confusion of c × c counts. */
static void measure(const int64_t *confusion, int32_t c, mexpr_metrics *m)
{
    double f1_sum = 0, recall_sum = 0, weighted = 0, right = 0;
    int32_t n_f1 = 0, n_recall = 0;
    m->n = 0;
    for (int32_t k = 0; k < c; k++) {
        int64_t is = 0, taken = 0;
        for (int32_t j = 0; j < c; j++) {
            is += confusion[k * c + j];
            taken += confusion[j * c + k];
        }
        const double hit = (double)confusion[k * c + k];
        const double f1 = is + taken > 0 ? 2 * hit / (double)(is + taken) : 0;
        n_f1 += is + taken > 0;
        n_recall += is > 0;
        f1_sum += f1;
        recall_sum += is > 0 ? hit / (double)is : 0;
        weighted += f1 * (double)is;
        right += hit;
        m->n += is;
    }
    m->n_classes = c;
    m->n_absent = c - n_recall;
    m->uf1 = n_f1 > 0 ? f1_sum / n_f1 : 0;
    m->uar = n_recall > 0 ? recall_sum / n_recall : 0;
    m->accuracy = m->n > 0 ? right / (double)m->n : 0;
    m->weighted_f1 = m->n > 0 ? weighted / (double)m->n : 0;
}

static mexpr_status check_arguments(mx_scope *scope, const int32_t *labels,
    const int32_t *predicted, int64_t n, int32_t n_classes)
{
    if (n < 0 || (n > 0 && (!labels || !predicted)))
        return mx_fail(scope, MEXPR_E_ARG, "there are no labels or no predictions");
    if (n_classes < 1 || n_classes > MAX_CLASSES)
        return mx_fail(scope, MEXPR_E_RANGE, "%d classes; there may be 1 to %d",
            n_classes, MAX_CLASSES);
    const mexpr_status status = check_classes(scope, "label", labels, n, n_classes);
    return status != MEXPR_OK
               ? status
               : check_classes(scope, "prediction", predicted, n, n_classes);
}

mexpr_status mexpr_metrics_compute(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted, int64_t n, int32_t n_classes, int64_t *confusion,
    mexpr_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!metrics)
        return mx_fail(scope, MEXPR_E_ARG, "metrics must not be NULL");
    mexpr_status status =
        mx_out_struct_check(scope, metrics->struct_size, sizeof *metrics);
    if (status == MEXPR_OK)
        status = check_arguments(scope, labels, predicted, n, n_classes);
    if (status != MEXPR_OK)
        return status;
    const size_t size = (size_t)n_classes * (size_t)n_classes;
    int64_t *own = confusion ? NULL : mx_alloc(scope, size, sizeof *own);
    int64_t *counts = confusion ? confusion : own;
    if (!counts)
        return MEXPR_E_NOMEM;
    memset(counts, 0, size * sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        counts[labels[i] * n_classes + predicted[i]]++;
    measure(counts, n_classes, metrics);
    mx_free(context, own);
    return MEXPR_OK;
}

/* --- bootstrap --------------------------------------------------------------------- */

/* Confusions of each person, and what the rounds gave. */
typedef struct bootstrap {
    int32_t n_persons, n_classes, n_rounds;
    int64_t *counts; /* n_persons confusions, then one for the round */
    double *values;  /* N_MEASURES rows of n_rounds */
} bootstrap;

static void play(bootstrap *b, uint64_t seed)
{
    const size_t size = (size_t)b->n_classes * (size_t)b->n_classes;
    int64_t *sum = b->counts + (size_t)b->n_persons * size;
    mexpr_metrics m = MEXPR_METRICS_INIT;
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int32_t round = 0; round < b->n_rounds; round++) {
        memset(sum, 0, size * sizeof *sum);
        for (int32_t k = 0; k < b->n_persons; k++) {
            const uint32_t who = mx_rng_below(&rng, (uint32_t)b->n_persons);
            for (size_t j = 0; j < size; j++)
                sum[j] += b->counts[who * size + j];
        }
        measure(sum, b->n_classes, &m);
        const double measures[N_MEASURES] = {m.accuracy, m.uf1, m.uar, m.weighted_f1};
        for (int k = 0; k < N_MEASURES; k++)
            b->values[k * b->n_rounds + round] = measures[k];
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

static void read_interval(bootstrap *b, double confidence, mexpr_metrics *m, bool high)
{
    double *const fields[N_MEASURES] = {&m->accuracy, &m->uf1, &m->uar, &m->weighted_f1};
    const double share = high ? (1 + confidence) / 2 : (1 - confidence) / 2;
    for (int k = 0; k < N_MEASURES; k++)
        *fields[k] = quantile(b->values + k * b->n_rounds, b->n_rounds, share);
}

static mexpr_status check_interval(mx_scope *scope, const int32_t *persons, int64_t n,
    double *confidence, int32_t *n_rounds, int32_t *n_persons)
{
    if (*confidence == 0)
        *confidence = 0.95;
    if (*n_rounds == 0)
        *n_rounds = 4000;
    if (!(*confidence > 0 && *confidence < 1) || *n_rounds < 100 || *n_rounds > 1000000)
        return mx_fail(scope, MEXPR_E_RANGE,
            "confidence %g with %d rounds; it is between 0 and 1, with 100 to 1000000",
            *confidence, *n_rounds);
    *n_persons = 0;
    for (int64_t i = 0; i < n; i++) {
        if (persons[i] < 0 || persons[i] >= n)
            return mx_fail(scope, MEXPR_E_RANGE,
                "person %d of clip %lld is not in 0 to the number of clips", persons[i],
                (long long)i);
        *n_persons = persons[i] >= *n_persons ? persons[i] + 1 : *n_persons;
    }
    return MEXPR_OK;
}

mexpr_status mexpr_metrics_interval(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted, const int32_t *persons, int64_t n, int32_t n_classes,
    double confidence, int32_t n_rounds, uint64_t seed, mexpr_metrics *low,
    mexpr_metrics *high)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    bootstrap b = {.n_classes = n_classes};
    mexpr_metrics ends[2] = {MEXPR_METRICS_INIT, MEXPR_METRICS_INIT};
    if (!low || !high || !persons || n < 1)
        return mx_fail(scope, MEXPR_E_ARG, "there are no clips, persons or results");
    mexpr_status status =
        mexpr_metrics_compute(context, labels, predicted, n, n_classes, NULL, &ends[0]);
    if (status == MEXPR_OK)
        status = mx_out_struct_check(scope, low->struct_size, sizeof *low);
    if (status == MEXPR_OK)
        status = mx_out_struct_check(scope, high->struct_size, sizeof *high);
    if (status == MEXPR_OK)
        status = check_interval(scope, persons, n, &confidence, &n_rounds, &b.n_persons);
    if (status != MEXPR_OK)
        return status;
    const size_t size = (size_t)n_classes * (size_t)n_classes;
    b.n_rounds = n_rounds;
    if (size > mx_context_limits(context)->tensor_bytes / sizeof *b.counts /
                   ((size_t)b.n_persons + 1))
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the confusions of %d persons are larger than max_tensor_bytes", b.n_persons);
    b.counts = mx_calloc(scope, ((size_t)b.n_persons + 1) * size, sizeof *b.counts);
    b.values = mx_alloc(scope, N_MEASURES * (size_t)n_rounds, sizeof *b.values);
    status = b.counts && b.values ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        for (int64_t i = 0; i < n; i++)
            b.counts[(size_t)persons[i] * size +
                     (size_t)(labels[i] * n_classes + predicted[i])]++;
        play(&b, seed);
        for (int k = 0; k < N_MEASURES; k++)
            sort(b.values + k * n_rounds, n_rounds);
        ends[1] = ends[0];
        for (int k = 0; k < 2; k++) {
            mexpr_metrics *const out = k ? high : low;
            read_interval(&b, confidence, &ends[k], k == 1);
            ends[k].struct_size = out->struct_size;
            *out = ends[k];
        }
    }
    mx_free(context, b.values);
    mx_free(context, b.counts);
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
    const int64_t fewer = only_a < only_b ? only_a : only_b;
    *p = fmin(1, 2 * coins_at_most(fewer, only_a + only_b));
    return MEXPR_OK;
}
