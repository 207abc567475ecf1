/* SPDX-License-Identifier: MIT */
#include "evaluate/measures.h"

#include <string.h>

enum { MAX_CLASSES = 1000 };

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

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void measure_class(
    const int64_t *confusion, int32_t c, int32_t k, mexpr_class_metrics *m)
{
    m->support = m->taken = 0;
    for (int32_t j = 0; j < c; j++) {
        m->support += confusion[k * c + j];
        m->taken += confusion[j * c + k];
    }
    m->hits = confusion[k * c + k];
    m->precision = share(m->hits, m->taken);
    m->recall = share(m->hits, m->support);
    m->f1 = share(2 * m->hits, m->support + m->taken);
}

void mx_measure(const int64_t *confusion, int32_t c, mexpr_metrics *m)
{
    double f1_sum = 0, recall_sum = 0, weighted = 0, right = 0;
    int32_t n_f1 = 0, n_recall = 0;
    m->n = 0;
    for (int32_t k = 0; k < c; k++) {
        mexpr_class_metrics one;
        measure_class(confusion, c, k, &one);
        n_f1 += one.support + one.taken > 0;
        n_recall += one.support > 0;
        f1_sum += one.f1;
        recall_sum += one.recall;
        weighted += one.f1 * (double)one.support;
        right += (double)one.hits;
        m->n += one.support;
    }
    m->n_classes = c;
    m->n_absent = c - n_recall;
    m->uf1 = n_f1 > 0 ? f1_sum / n_f1 : 0;
    m->uar = n_recall > 0 ? recall_sum / n_recall : 0;
    m->accuracy = m->n > 0 ? right / (double)m->n : 0;
    m->weighted_f1 = m->n > 0 ? weighted / (double)m->n : 0;
}

static mexpr_status check_n_classes(mx_scope *scope, int32_t n_classes)
{
    return n_classes >= 1 && n_classes <= MAX_CLASSES
               ? MEXPR_OK
               : mx_fail(scope, MEXPR_E_RANGE, "%d classes; there may be 1 to %d",
                     n_classes, MAX_CLASSES);
}

mexpr_status mx_check_predictions(mx_scope *scope, const int32_t *labels,
    const int32_t *predicted, int64_t n, int32_t n_classes)
{
    if (n < 0 || (n > 0 && (!labels || !predicted)))
        return mx_fail(scope, MEXPR_E_ARG, "there are no labels or no predictions");
    mexpr_status status = check_n_classes(scope, n_classes);
    if (status != MEXPR_OK)
        return status;
    status = check_classes(scope, "label", labels, n, n_classes);
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
        status = mx_check_predictions(scope, labels, predicted, n, n_classes);
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
    mx_measure(counts, n_classes, metrics);
    mx_free(context, own);
    return MEXPR_OK;
}

/* None is negative, and their sum is a number of clips. */
static mexpr_status check_counts(mx_scope *scope, const int64_t *counts, int32_t n)
{
    int64_t left = INT64_MAX / 2;
    for (int32_t k = 0; k < n * n; k++) {
        if (counts[k] < 0 || counts[k] > left)
            return mx_fail(scope, MEXPR_E_RANGE,
                "%lld clips of class %d taken for class %d are not possible",
                (long long)counts[k], k / n, k % n);
        left -= counts[k];
    }
    return MEXPR_OK;
}

mexpr_status mexpr_metrics_class(mexpr_context *context, const int64_t *confusion,
    int32_t n_classes, int32_t k, mexpr_class_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!confusion || !metrics)
        return mx_fail(scope, MEXPR_E_ARG, "confusion and metrics must not be NULL");
    mexpr_status status =
        mx_out_struct_check(scope, metrics->struct_size, sizeof *metrics);
    if (status == MEXPR_OK)
        status = check_n_classes(scope, n_classes);
    if (status == MEXPR_OK && (k < 0 || k >= n_classes))
        status = mx_fail(scope, MEXPR_E_RANGE,
            "class %d is not one of the classes 0 to %d", k, n_classes - 1);
    if (status == MEXPR_OK)
        status = check_counts(scope, confusion, n_classes);
    if (status == MEXPR_OK)
        measure_class(confusion, n_classes, k, metrics);
    return status;
}
