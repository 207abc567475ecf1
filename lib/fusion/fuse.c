/* SPDX-License-Identifier: MIT */
/* One answer of several systems' scores. */
#include <math.h>
#include <stdbool.h>

#include "fusion/fuse.h"

enum { MAX_SYSTEMS = MX_MAX_FUSED, MAX_CLASSES = 1000, MAX_ROUNDS = 10000 };

static mexpr_status check_scores(mx_scope *scope, const float *const *scores,
    int32_t n_systems, int64_t n_rows, int32_t n_classes)
{
    if (!scores || n_rows < 0)
        return mx_fail(scope, MEXPR_E_ARG, "there are no scores to fuse");
    if (n_systems < 1 || n_systems > MAX_SYSTEMS || n_classes < 2 ||
        n_classes > MAX_CLASSES || n_rows > INT64_MAX / n_classes)
        return mx_fail(scope, MEXPR_E_RANGE,
            "%d systems with %d classes; 1 to %d systems with 2 to %d classes fit",
            n_systems, n_classes, MAX_SYSTEMS, MAX_CLASSES);
    for (int32_t s = 0; s < n_systems; s++) {
        if (!scores[s])
            return mx_fail(scope, MEXPR_E_ARG, "the scores of system %d are NULL", s);
        for (int64_t i = 0; i < n_rows * n_classes; i++)
            if (!isfinite(scores[s][i]))
                return mx_fail(scope, MEXPR_E_RANGE,
                    "system %d has a score that is not finite in row %lld", s,
                    (long long)(i / n_classes));
    }
    return MEXPR_OK;
}

/* Logarithms of the probabilities. */
static void log_softmax(const float *scores, int32_t n, double *logs)
{
    double highest = (double)scores[0], sum = 0;
    for (int32_t k = 1; k < n; k++)
        highest = fmax(highest, (double)scores[k]);
    for (int32_t k = 0; k < n; k++)
        sum += exp((double)scores[k] - highest);
    for (int32_t k = 0; k < n; k++)
        logs[k] = (double)scores[k] - highest - log(sum);
}

/* --- rules ------------------------------------------------------------------------- */

static void add(int32_t rule, double weight, const double *logs, int32_t n, double *fused)
{
    for (int32_t k = 0; k < n; k++) {
        if (rule == MEXPR_FUSION_PRODUCT)
            fused[k] += weight * logs[k];
        else if (rule == MEXPR_FUSION_MAX)
            fused[k] = fmax(fused[k], exp(logs[k]));
        else
            fused[k] += weight * exp(logs[k]);
    }
}

static void finish(int32_t rule, const double *fused, int32_t n, float *out)
{
    double highest = fused[0], sum = 0;
    for (int32_t k = 1; k < n; k++)
        highest = fmax(highest, fused[k]);
    for (int32_t k = 0; k < n; k++)
        sum += rule == MEXPR_FUSION_PRODUCT ? exp(fused[k] - highest) : fused[k];
    for (int32_t k = 0; k < n; k++)
        out[k] =
            (float)((rule == MEXPR_FUSION_PRODUCT ? exp(fused[k] - highest) : fused[k]) /
                    sum);
}

mexpr_status mx_fusion_check(
    mx_scope *scope, int32_t rule, const double *weights, int32_t n, double *total)
{
    *total = 0;
    if (rule < MEXPR_FUSION_MEAN || rule > MEXPR_FUSION_MAX)
        return mx_fail(scope, MEXPR_E_RANGE, "there is no fusion rule %d", rule);
    for (int32_t s = 0; s < n; s++) {
        const double w = weights ? weights[s] : 1;
        if (!(w >= 0) || !isfinite(w))
            return mx_fail(
                scope, MEXPR_E_RANGE, "weight %d is %g; weights are 0 or above", s, w);
        *total += w;
    }
    if (!(*total > 0) || !isfinite(*total))
        return mx_fail(
            scope, MEXPR_E_RANGE, "the weights add up to %g, not above 0", *total);
    return MEXPR_OK;
}

mexpr_status mexpr_fuse_scores(mexpr_context *context, const float *const *scores,
    int32_t n_systems, int64_t n_rows, int32_t n_classes, int32_t rule,
    const double *weights, float *fused)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    double total, sums[MAX_CLASSES], logs[MAX_CLASSES];
    mexpr_status status = check_scores(scope, scores, n_systems, n_rows, n_classes);
    if (status == MEXPR_OK && !fused)
        status = mx_fail(scope, MEXPR_E_ARG, "fused must not be NULL");
    if (status == MEXPR_OK)
        status = mx_fusion_check(scope, rule, weights, n_systems, &total);
    if (status != MEXPR_OK)
        return status;
    for (int64_t i = 0; i < n_rows * n_classes; i += n_classes) {
        for (int32_t k = 0; k < n_classes; k++)
            sums[k] = 0;
        for (int32_t s = 0; s < n_systems; s++) {
            log_softmax(scores[s] + i, n_classes, logs);
            add(rule, (weights ? weights[s] : 1) / total, logs, n_classes, sums);
        }
        finish(rule, sums, n_classes, fused + i);
    }
    return MEXPR_OK;
}

/* --- learning weights -------------------------------------------------------------- */

/* Probability of each row's label under each system, and what each row counts: 1 over the
 * number of its class. */
static mexpr_status read_labels(mx_scope *scope, const float *const *scores,
    int32_t n_systems, int64_t n_rows, int32_t n_classes, const int32_t *labels,
    double *likely, double *counts)
{
    double logs[MAX_CLASSES];
    int64_t n_of[MAX_CLASSES] = {0};
    int32_t n_present = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        if (labels[i] < 0 || labels[i] >= n_classes)
            return mx_fail(scope, MEXPR_E_RANGE,
                "label %d of row %lld is not one of the classes 0 to %d", labels[i],
                (long long)i, n_classes - 1);
        n_present += n_of[labels[i]]++ == 0;
        for (int32_t s = 0; s < n_systems; s++) {
            log_softmax(scores[s] + i * n_classes, n_classes, logs);
            likely[i * n_systems + s] = exp(logs[labels[i]]);
        }
    }
    for (int64_t i = 0; i < n_rows; i++)
        counts[i] = 1 / ((double)n_of[labels[i]] * n_present);
    return MEXPR_OK;
}

/* One round of expectation maximization; the largest change of a weight. */
static double improve(const double *likely, const double *counts, int64_t n_rows,
    int32_t n_systems, double *weights, double *next)
{
    double change = 0, total = 0;
    for (int32_t s = 0; s < n_systems; s++)
        next[s] = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        const double *p = likely + i * n_systems;
        double sum = 0;
        for (int32_t s = 0; s < n_systems; s++)
            sum += weights[s] * p[s];
        for (int32_t s = 0; s < n_systems && sum > 0; s++)
            next[s] += counts[i] * weights[s] * p[s] / sum;
    }
    for (int32_t s = 0; s < n_systems; s++)
        total += next[s];
    for (int32_t s = 0; s < n_systems && total > 0; s++) {
        change = fmax(change, fabs(next[s] / total - weights[s]));
        weights[s] = next[s] / total;
    }
    return change;
}

mexpr_status mexpr_fuse_learn(mexpr_context *context, const float *const *scores,
    int32_t n_systems, int64_t n_rows, int32_t n_classes, const int32_t *labels,
    double *weights)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_status status = check_scores(scope, scores, n_systems, n_rows, n_classes);
    if (status == MEXPR_OK && (!labels || !weights || n_rows < 1))
        status = mx_fail(
            scope, MEXPR_E_ARG, "there are no rows, no labels or no place for weights");
    if (status != MEXPR_OK)
        return status;
    double *likely = mx_alloc(scope, (size_t)n_rows * (size_t)n_systems, sizeof *likely);
    double *counts = mx_alloc(scope, (size_t)n_rows, sizeof *counts);
    double next[MAX_SYSTEMS];
    status = likely && counts ? read_labels(scope, scores, n_systems, n_rows, n_classes,
                                    labels, likely, counts)
                              : MEXPR_E_NOMEM;
    for (int32_t s = 0; s < n_systems && status == MEXPR_OK; s++)
        weights[s] = 1.0 / n_systems;
    for (int k = 0; k < MAX_ROUNDS && status == MEXPR_OK; k++)
        if (improve(likely, counts, n_rows, n_systems, weights, next) < 1e-9)
            break;
    mx_free(context, counts);
    mx_free(context, likely);
    return status;
}
