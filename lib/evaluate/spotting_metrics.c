/* SPDX-License-Identifier: MIT */
/* Spotted movements against true ones. */
#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/option.h"
#include "base/scope.h"
#include "microexpr/evaluate.h"

enum { MAX_CLASSES = 1000 };

static const int64_t most_frames = INT64_C(1) << 52;

typedef const mexpr_spot_interval interval;

/* A true and a spotted interval that go together. */
typedef struct pair {
    double iou;
    int64_t truth, spotted;
} pair;

/* What an analysis counts of a class. */
typedef struct analysed {
    int64_t hits, support, taken;
    bool is_true; /* some true interval has it, in a pair or not */
} analysed;

typedef struct count {
    mx_scope *scope;
    interval *truth, *spotted;
    int64_t n_true, n_spotted;
    double iou;
    int32_t mode;
    pair *pairs;
    int64_t n_pairs;
    bool *taken_true, *taken_spotted; /* is in a pair */
} count;

/* --- pairs ------------------------------------------------------------------------- */

static bool same_clip(interval *a, interval *b)
{
    return a->clip == b->clip && a->person == b->person;
}

/* Intersection over union of two sets of frames. */
static double overlap(interval *a, interval *b)
{
    const int64_t first = a->onset > b->onset ? a->onset : b->onset;
    const int64_t last = a->offset < b->offset ? a->offset : b->offset;
    const int64_t shared = last >= first ? last - first + 1 : 0;
    const int64_t lengths = a->offset - a->onset + b->offset - b->onset + 2;
    return (double)shared / (double)(lengths - shared);
}

/* All that could be pairs, true intervals first; stores them where there is room. */
static int64_t find_pairs(const count *c, pair *out)
{
    int64_t n = 0;
    for (int64_t t = 0; t < c->n_true; t++)
        for (int64_t s = 0; s < c->n_spotted; s++) {
            if (!same_clip(&c->truth[t], &c->spotted[s]))
                continue;
            const pair p = {overlap(&c->truth[t], &c->spotted[s]), t, s};
            if (p.iou >= c->iou && out)
                out[n] = p;
            n += p.iou >= c->iou;
        }
    return n;
}

static int by_overlap(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    if (a->iou != b->iou)
        return a->iou > b->iou ? -1 : 1;
    if (a->truth != b->truth)
        return a->truth < b->truth ? -1 : 1;
    return (a->spotted > b->spotted) - (a->spotted < b->spotted);
}

/* The order in which the challenge's program meets them: spotted intervals, then true
 * ones. */
static int by_row(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    if (a->spotted != b->spotted)
        return a->spotted < b->spotted ? -1 : 1;
    return (a->truth > b->truth) - (a->truth < b->truth);
}

/* Keeps those whose intervals are free, in order. The challenge's program lets a spotted
 * interval have as many true ones as it covers. */
static void keep_pairs(count *c)
{
    int64_t n = 0;
    for (int64_t k = 0; k < c->n_pairs; k++) {
        const pair p = c->pairs[k];
        if (c->taken_true[p.truth] ||
            (c->mode == MEXPR_STRS_STRICT && c->taken_spotted[p.spotted]))
            continue;
        c->taken_true[p.truth] = c->taken_spotted[p.spotted] = true;
        c->pairs[n++] = p;
    }
    c->n_pairs = n;
}

static mexpr_status make_pairs(count *c)
{
    c->n_pairs = find_pairs(c, NULL);
    const size_t n = (size_t)c->n_pairs;
    if (n > mx_context_limits(c->scope->context)->tensor_bytes / sizeof *c->pairs)
        return mx_fail(c->scope, MEXPR_E_LIMIT,
            "%zu pairs of intervals are larger than max_tensor_bytes", n);
    c->pairs = mx_alloc(c->scope, n, sizeof *c->pairs);
    c->taken_true = mx_calloc(c->scope, (size_t)c->n_true, sizeof *c->taken_true);
    c->taken_spotted =
        mx_calloc(c->scope, (size_t)c->n_spotted, sizeof *c->taken_spotted);
    if (!c->pairs || !c->taken_true || !c->taken_spotted)
        return MEXPR_E_NOMEM;
    find_pairs(c, c->pairs);
    if (n > 0)
        qsort(c->pairs, n, sizeof *c->pairs,
            c->mode == MEXPR_STRS_STRICT ? by_overlap : by_row);
    keep_pairs(c);
    return MEXPR_OK;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* Of distances, which must not look perfect where nothing was measured. */
static double mean(double sum, double n)
{
    return n > 0 ? sum / n : (double)NAN;
}

/* --- spotting ---------------------------------------------------------------------- */

/* The challenge's program looks at persons of whom something was spotted, and of those at
 * videos with a true interval. */
static bool is_looked_at(const count *c, interval *one, bool is_true)
{
    interval *others = is_true ? c->spotted : c->truth;
    const int64_t n = is_true ? c->n_spotted : c->n_true;
    for (int64_t k = 0; k < n; k++)
        if (is_true ? others[k].person == one->person : same_clip(&others[k], one))
            return true;
    return c->mode == MEXPR_STRS_STRICT;
}

static void count_spotting(const count *c, mexpr_spotting_metrics *m)
{
    m->tp = c->n_pairs;
    m->fp = m->fn = 0;
    for (int64_t s = 0; s < c->n_spotted; s++)
        m->fp += !c->taken_spotted[s] && is_looked_at(c, &c->spotted[s], false);
    for (int64_t t = 0; t < c->n_true; t++)
        m->fn += !c->taken_true[t] && is_looked_at(c, &c->truth[t], true);
    const double hits = (double)m->tp;
    m->precision = m->tp + m->fp > 0 ? hits / (double)(m->tp + m->fp) : 0;
    m->recall = m->tp + m->fn > 0 ? hits / (double)(m->tp + m->fn) : 0;
    m->f1 = m->tp > 0 ? 2 * m->precision * m->recall / (m->precision + m->recall) : 0;
}

static void measure_apexes(const count *c, mexpr_spotting_metrics *m)
{
    double sum = 0, share = 0, inside = 0;
    m->n_apex = 0;
    for (int64_t k = 0; k < c->n_pairs; k++) {
        interval *t = &c->truth[c->pairs[k].truth], *s = &c->spotted[c->pairs[k].spotted];
        if (t->apex < 0 || s->apex < 0)
            continue;
        const double distance = fabs((double)(s->apex - t->apex));
        m->n_apex++;
        sum += distance;
        share += distance / (double)(t->offset - t->onset + 1);
        inside += s->apex >= t->onset && s->apex <= t->offset;
    }
    const double n = (double)m->n_apex;
    m->apex_mae = mean(sum, n);
    m->apex_mae_share = mean(share, n);
    m->apex_inside = ratio(inside, n);
}

/* --- recognizing what was spotted -------------------------------------------------- */

static void count_classes(const count *c, analysed *classes, mexpr_spotting_metrics *m)
{
    for (int64_t t = 0; t < c->n_true; t++)
        if (c->truth[t].label >= 0)
            classes[c->truth[t].label].is_true = true;
    m->n_analysed = 0;
    for (int64_t k = 0; k < c->n_pairs; k++) {
        const int32_t label = c->truth[c->pairs[k].truth].label;
        const int32_t taken = c->spotted[c->pairs[k].spotted].label;
        if (label < 0)
            continue;
        m->n_analysed++;
        classes[label].support++;
        if (taken >= 0)
            classes[taken].taken++;
        if (taken == label)
            classes[label].hits++;
    }
}

/* The challenge's program asks for a 2 × 2 confusion of "is of the class" and takes all
 * counts for 0 when it is smaller: when all pairs are of the class and taken for it. */
static void forget_whole(analysed *a, int64_t n)
{
    if (a->support == n && a->taken == n)
        a->hits = a->support = a->taken = 0;
}

static void analyse(const count *c, analysed *classes, mexpr_spotting_metrics *m)
{
    double precision = 0, recall = 0, f1 = 0, n = 0;
    count_classes(c, classes, m);
    for (int32_t k = 0; k < MAX_CLASSES; k++) {
        analysed *a = &classes[k];
        if (!a->is_true)
            continue;
        if (c->mode == MEXPR_STRS_MEGC)
            forget_whole(a, m->n_analysed);
        n++;
        precision += ratio((double)a->hits, (double)a->taken);
        recall += ratio((double)a->hits, (double)a->support);
        f1 += ratio(2 * (double)a->hits, (double)(a->taken + a->support));
    }
    m->analysis_precision = ratio(precision, n);
    m->analysis_recall = ratio(recall, n);
    m->analysis_uf1 = ratio(f1, n);
    const double p = m->analysis_precision, r = m->analysis_recall;
    m->analysis_f1 = ratio(2 * p * r, p + r);
    m->analysis_uar = r;
    if (c->mode == MEXPR_STRS_MEGC) {
        m->analysis_uar = p;
        if (p + r == 0)
            m->analysis_f1 = (double)NAN;
    }
    m->strs = m->f1 * m->analysis_f1;
}

/* --- the door ---------------------------------------------------------------------- */

static mexpr_status check_intervals(
    mx_scope *scope, const char *what, interval *list, int64_t n)
{
    if (n < 0 || (n > 0 && !list))
        return mx_fail(scope, MEXPR_E_ARG, "there are no %s intervals", what);
    for (int64_t i = 0; i < n; i++) {
        interval *one = &list[i];
        if (one->onset < -most_frames || one->offset > most_frames ||
            one->apex > most_frames || one->offset < one->onset)
            return mx_fail(scope, MEXPR_E_RANGE,
                "%s interval %lld goes from frame %lld to %lld", what, (long long)i,
                (long long)one->onset, (long long)one->offset);
        if (one->label < -1 || one->label >= MAX_CLASSES)
            return mx_fail(scope, MEXPR_E_RANGE,
                "%s interval %lld is of class %d; classes are 0 to %d, -1 for none", what,
                (long long)i, one->label, MAX_CLASSES - 1);
    }
    return MEXPR_OK;
}

static mexpr_status check(count *c, const mexpr_spotting_metrics *metrics)
{
    if (!metrics)
        return mx_fail(c->scope, MEXPR_E_ARG, "metrics must not be NULL");
    mexpr_status status =
        mx_out_struct_check(c->scope, metrics->struct_size, sizeof *metrics);
    if (status == MEXPR_OK)
        status = check_intervals(c->scope, "true", c->truth, c->n_true);
    if (status == MEXPR_OK)
        status = check_intervals(c->scope, "spotted", c->spotted, c->n_spotted);
    if (status == MEXPR_OK)
        status = mx_option_f64(c->scope, "iou", &c->iou, 0.5, 0, 1);
    if (status == MEXPR_OK)
        status = mx_option_i32(c->scope, "mode", &c->mode, MEXPR_STRS_STRICT,
            MEXPR_STRS_STRICT, MEXPR_STRS_MEGC);
    return status;
}

mexpr_status mexpr_spotting_compute(mexpr_context *context,
    const mexpr_spot_interval *truth, int64_t n_true, const mexpr_spot_interval *spotted,
    int64_t n_spotted, double iou, int32_t mode, mexpr_spotting_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    count c = {.scope = mx_context_scope(context),
        .truth = truth,
        .spotted = spotted,
        .n_true = n_true,
        .n_spotted = n_spotted,
        .iou = iou,
        .mode = mode};
    mexpr_status status = check(&c, metrics);
    analysed *classes = NULL;
    if (status == MEXPR_OK)
        status = make_pairs(&c);
    if (status == MEXPR_OK) {
        classes = mx_calloc(c.scope, MAX_CLASSES, sizeof *classes);
        status = classes ? MEXPR_OK : MEXPR_E_NOMEM;
    }
    if (status == MEXPR_OK) {
        count_spotting(&c, metrics);
        measure_apexes(&c, metrics);
        analyse(&c, classes, metrics);
    }
    mx_free(context, classes);
    mx_free(context, c.taken_spotted);
    mx_free(context, c.taken_true);
    mx_free(context, c.pairs);
    return status;
}

/* --- apexes alone ------------------------------------------------------------------ */

static mexpr_status check_apexes(mx_scope *scope, interval *truth, int64_t n)
{
    const mexpr_status status = check_intervals(scope, "true", truth, n);
    for (int64_t i = 0; i < n && status == MEXPR_OK; i++)
        if (truth[i].apex < truth[i].onset || truth[i].apex > truth[i].offset)
            return mx_fail(scope, MEXPR_E_RANGE,
                "the apex of true interval %lld is not in it", (long long)i);
    return status;
}

mexpr_status mexpr_apex_compute(mexpr_context *context, const mexpr_spot_interval *truth,
    const int64_t *spotted, int64_t n, mexpr_apex_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!metrics || (n > 0 && !spotted))
        return mx_fail(scope, MEXPR_E_ARG, "spotted and metrics must not be NULL");
    mexpr_status status =
        mx_out_struct_check(scope, metrics->struct_size, sizeof *metrics);
    if (status == MEXPR_OK)
        status = check_apexes(scope, truth, n);
    if (status != MEXPR_OK)
        return status;
    double sum = 0, squares = 0, share = 0, inside = 0, found = 0;
    for (int64_t i = 0; i < n; i++) {
        interval *t = &truth[i];
        if (spotted[i] < 0)
            continue;
        const double distance = fabs((double)spotted[i] - (double)t->apex);
        found++;
        sum += distance;
        squares += distance * distance;
        share += distance / (double)(t->offset - t->onset + 1);
        inside += spotted[i] >= t->onset && spotted[i] <= t->offset;
    }
    metrics->n = n;
    metrics->n_found = (int64_t)found;
    metrics->mae = mean(sum, found);
    metrics->mae_share = mean(share, found);
    metrics->deviation =
        sqrt(mean(fmax(0, squares - sum * metrics->mae) / found, found - 1));
    metrics->inside = ratio(inside, (double)n);
    return MEXPR_OK;
}
