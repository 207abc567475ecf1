/* SPDX-License-Identifier: MIT */
/* How training went, for the reports of `microexpr evaluate`. */
#include <math.h>

#include "evaluate_job.h"
#include "json.h"

enum { MOST_POINTS = 200 }; /* of a curve on the page */

/* The trainings of a system with a seed, one in each fold. */
typedef struct trainings {
    const evaluate_job *job;
    int32_t candidate, seed;
    int32_t n; /* losses of each */
    int32_t n_epochs, n_folds;
} trainings;

/* What they had at one place. */
typedef struct loss_range {
    double mean, low, high;
} loss_range;

static trainings trainings_of(const evaluate_job *job, int32_t candidate, int32_t seed)
{
    const mexpr_evaluation *e = job->evaluation;
    trainings t = {.job = job, .candidate = candidate, .seed = seed};
    for (int32_t fold = 0; fold < mexpr_evaluation_n_folds(e); fold++) {
        int32_t n;
        if (!mexpr_evaluation_losses(e, seed, fold, candidate, &n))
            continue;
        t.n = n;
        t.n_epochs = mexpr_evaluation_n_epochs(e, seed, fold, candidate);
        t.n_folds++;
    }
    return t;
}

/* From 1. */
static int32_t epoch_at(const trainings *t, int32_t k)
{
    return (int32_t)((int64_t)(k + 1) * t->n_epochs / t->n);
}

static loss_range range_at(const trainings *t, int32_t k)
{
    const mexpr_evaluation *e = t->job->evaluation;
    loss_range range = {0, HUGE_VAL, -HUGE_VAL};
    for (int32_t fold = 0; fold < mexpr_evaluation_n_folds(e); fold++) {
        const float *losses =
            mexpr_evaluation_losses(e, t->seed, fold, t->candidate, NULL);
        if (!losses)
            continue;
        range.mean += (double)losses[k] / t->n_folds;
        range.low = fmin(range.low, (double)losses[k]);
        range.high = fmax(range.high, (double)losses[k]);
    }
    return range;
}

/* --- JSON -------------------------------------------------------------------------- */

static void json_trainings(const trainings *t, text *out)
{
    static const char *const names[] = {"mean", "low", "high"};
    json_open(out, '{');
    json_key(out, "system");
    json_string(out, t->job->systems.list[t->candidate].name);
    json_key(out, "seed");
    json_integer(out, (int64_t)t->job->options.seed + t->seed);
    json_key(out, "folds");
    json_integer(out, t->n_folds);
    json_key(out, "epoch");
    json_open(out, '[');
    for (int32_t k = 0; k < t->n; k++)
        json_integer(out, epoch_at(t, k));
    json_close(out, ']');
    for (int which = 0; which < 3; which++) {
        json_key(out, names[which]);
        json_open(out, '[');
        for (int32_t k = 0; k < t->n; k++) {
            const loss_range range = range_at(t, k);
            const double values[] = {range.mean, range.low, range.high};
            json_number(out, values[which], 6);
        }
        json_close(out, ']');
    }
    json_close(out, '}');
}

void evaluate_losses_json(const evaluate_job *job, text *out)
{
    json_key(out, "losses");
    json_open(out, '[');
    for (int32_t k = 0; k < job->systems.n; k++)
        for (int32_t seed = 0; seed < job->n_seeds; seed++) {
            const trainings t = trainings_of(job, k, seed);
            if (t.n_folds > 0)
                json_trainings(&t, out);
        }
    json_close(out, ']');
}

/* --- the page ---------------------------------------------------------------------- */

static void add_point(
    const trainings *t, int32_t k, double loss, double highest, text *out)
{
    text_add(out, "%.1f,%.1f ", t->n > 1 ? 50 + 540.0 * k / (t->n - 1) : 320,
        190 - 175 * fmax(0, loss) / highest);
}

/* The mean, over an area from the lowest to the highest fold. */
static void add_curve(const trainings *t, double highest, text *out)
{
    const int32_t skip = (t->n + MOST_POINTS - 1) / MOST_POINTS, last = t->n - 1;
    const int32_t first = last % skip; /* so that the last is drawn */
    text_add(out,
        "<g><title>seed %llu</title><polygon fill=\"#2171b5\" "
        "fill-opacity=\".15\" points=\"",
        (unsigned long long)t->job->options.seed + (unsigned long long)t->seed);
    for (int32_t k = first; k <= last; k += skip)
        add_point(t, k, range_at(t, k).high, highest, out);
    for (int32_t k = last; k >= 0; k -= skip)
        add_point(t, k, range_at(t, k).low, highest, out);
    text_add(out, "\"/><polyline fill=\"none\" stroke=\"#2171b5\" points=\"");
    for (int32_t k = first; k <= last; k += skip)
        add_point(t, k, range_at(t, k).mean, highest, out);
    text_add(out, "\"/></g>\n");
}

/* The curves of a system, one for each seed, and their axes. */
static void add_system(const evaluate_job *job, int32_t candidate, text *out)
{
    double highest = 1e-12;
    int32_t n_epochs = 0;
    for (int32_t seed = 0; seed < job->n_seeds; seed++) {
        const trainings t = trainings_of(job, candidate, seed);
        for (int32_t k = 0; k < t.n; k++)
            highest = fmax(highest, range_at(&t, k).high);
        n_epochs = t.n_epochs > n_epochs ? t.n_epochs : n_epochs;
    }
    if (n_epochs == 0)
        return;
    text_add(out, "<h3>");
    evaluate_html_text(out, job->systems.list[candidate].name);
    text_add(out,
        "</h3>\n<svg width=\"610\" height=\"220\" role=\"img\" font-size=\"11\" "
        "fill=\"#5a6b7b\">\n<path d=\"M50 15V190H590\" fill=\"none\" "
        "stroke=\"#9aa7b3\"/>\n<text x=\"45\" y=\"20\" text-anchor=\"end\">%.3g</text>"
        "<text x=\"45\" y=\"194\" text-anchor=\"end\">0</text><text x=\"590\" y=\"206\" "
        "text-anchor=\"end\">epoch %d</text>\n",
        highest, (int)n_epochs);
    for (int32_t seed = 0; seed < job->n_seeds; seed++) {
        const trainings t = trainings_of(job, candidate, seed);
        if (t.n > 0)
            add_curve(&t, highest, out);
    }
    text_add(out, "</svg>\n");
}

void evaluate_losses_html(const evaluate_job *job, text *out)
{
    text_add(out, "<h2>Losses</h2>\n<p class=\"note\">Of the training clips, behind each "
                  "epoch: mean over the folds, and from the lowest to the highest. "
                  "Nothing was chosen by them; kernel machines have no epochs.</p>\n");
    for (int32_t k = 0; k < job->systems.n; k++)
        add_system(job, k, out);
}
