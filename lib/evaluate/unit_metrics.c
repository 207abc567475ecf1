/* SPDX-License-Identifier: MIT */
/* Measures of marks that are there or not: action units. */
#include <math.h>

#include "base/scope.h"
#include "microexpr/evaluate.h"

enum { MAX_UNITS = 1000 };

static mexpr_status check(mx_scope *scope, const int8_t *truth, const float *scores,
    int64_t n, int32_t n_units, double threshold)
{
    if (n < 0 || (n > 0 && (!truth || !scores)))
        return mx_fail(scope, MEXPR_E_ARG, "there are no marks or no scores");
    if (n_units < 1 || n_units > MAX_UNITS)
        return mx_fail(
            scope, MEXPR_E_RANGE, "%d units; there may be 1 to %d", n_units, MAX_UNITS);
    if (!isfinite(threshold))
        return mx_fail(scope, MEXPR_E_RANGE, "the threshold is not finite");
    for (int64_t i = 0; i < n; i++)
        for (int32_t k = 0; k < n_units; k++) {
            if (truth[i * n_units + k] < -1 || truth[i * n_units + k] > 1)
                return mx_fail(scope, MEXPR_E_RANGE,
                    "unit %d of clip %lld is marked %d; marks are 0, 1 and -1", k,
                    (long long)i, truth[i * n_units + k]);
            if (!isfinite(scores[i * n_units + k]))
                return mx_fail(scope, MEXPR_E_RANGE,
                    "the score of unit %d of clip %lld is not finite", k, (long long)i);
        }
    return MEXPR_OK;
}

/* Clips of which a mark is known, and those of them with all known ones right. */
typedef struct clip_counts {
    int64_t known, right;
} clip_counts;

static void count_clip(const int8_t *truth, const float *scores, int32_t n_units,
    double threshold, mexpr_unit_counts *counts, clip_counts *clips)
{
    bool known = false, right = true;
    for (int32_t k = 0; k < n_units; k++) {
        const bool found = (double)scores[k] >= threshold;
        if (truth[k] < 0)
            continue;
        counts[k].tp += found && truth[k];
        counts[k].fp += found && !truth[k];
        counts[k].fn += !found && truth[k];
        counts[k].tn += !found && !truth[k];
        known = true;
        right = right && found == (truth[k] == 1);
    }
    clips->known += known;
    clips->right += known && right;
}

static double f1_of(const mexpr_unit_counts *c)
{
    const int64_t sum = 2 * c->tp + c->fp + c->fn;
    return sum > 0 ? 2 * (double)c->tp / (double)sum : 0;
}

static void summarise(const mexpr_unit_counts *counts, mexpr_unit_metrics *m, double *f1)
{
    mexpr_unit_counts all = {0};
    double sum = 0;
    int32_t n_seen = 0;
    m->n_absent = 0;
    for (int32_t k = 0; k < m->n_units; k++) {
        const mexpr_unit_counts *c = &counts[k];
        m->n_absent += c->tp + c->fn == 0;
        n_seen += c->tp + c->fp + c->fn > 0;
        sum += f1_of(c);
        if (f1)
            f1[k] = f1_of(c);
        all.tp += c->tp;
        all.fp += c->fp;
        all.fn += c->fn;
        all.tn += c->tn;
    }
    const int64_t marks = all.tp + all.fp + all.fn + all.tn;
    m->mean_f1 = n_seen > 0 ? sum / n_seen : 0;
    m->mean_f1_all = sum / m->n_units;
    m->micro_f1 = f1_of(&all);
    m->accuracy = marks > 0 ? (double)(all.tp + all.tn) / (double)marks : (double)NAN;
}

mexpr_status mexpr_units_compute(mexpr_context *context, const int8_t *truth,
    const float *scores, int64_t n, int32_t n_units, double threshold, double *f1,
    mexpr_unit_counts *counts, mexpr_unit_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!metrics)
        return mx_fail(scope, MEXPR_E_ARG, "metrics must not be NULL");
    mexpr_status status =
        mx_out_struct_check(scope, metrics->struct_size, sizeof *metrics);
    if (status == MEXPR_OK)
        status = check(scope, truth, scores, n, n_units, threshold);
    if (status != MEXPR_OK)
        return status;
    mexpr_unit_counts *own = mx_calloc(scope, (size_t)n_units, sizeof *own);
    if (!own)
        return MEXPR_E_NOMEM;
    clip_counts clips = {0, 0};
    for (int64_t i = 0; i < n; i++)
        count_clip(
            truth + i * n_units, scores + i * n_units, n_units, threshold, own, &clips);
    metrics->n = n;
    metrics->n_units = n_units;
    metrics->exact =
        clips.known > 0 ? (double)clips.right / (double)clips.known : (double)NAN;
    summarise(own, metrics, f1);
    for (int32_t k = 0; counts && k < n_units; k++)
        counts[k] = own[k];
    mx_free(context, own);
    return MEXPR_OK;
}
