/* SPDX-License-Identifier: MIT */
/* A classifier that has been learnt: what can be asked of it. */
#include "fusion/classifier.h"

#include <math.h>

mexpr_status mx_rows_check(
    mx_scope *scope, const float *rows, int64_t n_rows, int64_t n_features)
{
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t k = 0; k < n_features; k++)
            if (!isfinite(rows[i * n_features + k]))
                return mx_fail(scope, MEXPR_E_RANGE,
                    "feature %lld of row %lld is not a finite number", (long long)k,
                    (long long)i);
    return MEXPR_OK;
}

void mexpr_classifier_destroy(mexpr_classifier **classifier)
{
    if (!classifier || !*classifier)
        return;
    mexpr_classifier *c = *classifier;
    mexpr_context *context = c->scope.context;
    *classifier = NULL;
    mx_free(context, c->vectors);
    mx_free(context, c->norms);
    mx_free(context, c->centre);
    mx_free(context, c->per_class);
    mx_free(context, c->coefficients);
    mx_free(context, c->bias);
    mx_free(context, c->similar);
    mx_free(context, c->decisions);
    mx_free(context, c);
    mx_context_release(context);
}

const char *mexpr_classifier_last_error(const mexpr_classifier *classifier)
{
    return classifier ? classifier->scope.error : "";
}

int32_t mexpr_classifier_n_classes(const mexpr_classifier *classifier)
{
    return classifier ? classifier->n_classes : 0;
}

int64_t mexpr_classifier_n_features(const mexpr_classifier *classifier)
{
    return classifier ? classifier->n_features : 0;
}

int64_t mexpr_classifier_n_vectors(const mexpr_classifier *classifier)
{
    return classifier ? classifier->n_vectors : 0;
}

/* --- scores ------------------------------------------------------------------------ */

/* The kernel of one row with every vector. */
static void compare(mexpr_classifier *c, const float *row)
{
    float *centred = c->similar + c->n_vectors;
    float norm = 0;
    for (int64_t k = 0; k < c->n_features; k++)
        centred[k] = row[k] - c->centre[k];
    mx_row_norms(centred, 1, c->n_features, &norm);
    const mx_rows one = {1, c->n_features, centred, &norm};
    const mx_rows vectors = {c->n_vectors, c->n_features, c->vectors, c->norms};
    mx_row_distances(&c->kernel, one, vectors, c->similar, c->n_vectors);
    mx_row_similarities(&c->kernel, c->similar, c->n_vectors);
}

static double weighted_sum(const double *weights, const float *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += weights[i] * (double)values[i];
    return sum;
}

/* Decisions of the pairs, above 0 for the first class of a pair. */
static void decide(mexpr_classifier *c)
{
    const int64_t n = c->n_vectors;
    int64_t from_a = 0, pair = 0;
    for (int32_t a = 0; a < c->n_classes; from_a += c->per_class[a++]) {
        int64_t from_b = from_a + c->per_class[a];
        for (int32_t b = a + 1; b < c->n_classes; from_b += c->per_class[b++], pair++)
            c->decisions[pair] = c->bias[pair] +
                                 weighted_sum(c->coefficients + (b - 1) * n + from_a,
                                     c->similar + from_a, c->per_class[a]) +
                                 weighted_sum(c->coefficients + a * n + from_b,
                                     c->similar + from_b, c->per_class[b]);
    }
}

/* Votes, and what the decisions say among equal votes. */
static void vote(mexpr_classifier *c, float *scores)
{
    double *sums = c->decisions + mx_n_pairs(c->n_classes);
    const double *d = c->decisions;
    for (int32_t k = 0; k < c->n_classes; k++)
        scores[k] = 0, sums[k] = 0;
    for (int32_t a = 0; a < c->n_classes; a++)
        for (int32_t b = a + 1; b < c->n_classes; b++, d++) {
            scores[*d < 0 ? b : a]++;
            sums[a] += *d;
            sums[b] -= *d;
        }
    for (int32_t k = 0; k < c->n_classes; k++)
        scores[k] += (float)(sums[k] / (3 * (fabs(sums[k]) + 1)));
}

static void score(mexpr_classifier *c, const float *row, float *scores)
{
    compare(c, row);
    if (c->o.method == MEXPR_CLASSIFIER_RIDGE) {
        for (int32_t k = 0; k < c->n_classes; k++)
            scores[k] =
                (float)(c->bias[k] + weighted_sum(c->coefficients + k * c->n_vectors,
                                         c->similar, c->n_vectors));
        return;
    }
    decide(c);
    if (c->n_classes > 2) {
        vote(c, scores);
    } else {
        scores[0] = (float)c->decisions[0];
        scores[1] = -scores[0];
    }
}

mexpr_status mexpr_classifier_scores(
    mexpr_classifier *classifier, const float *rows, int64_t n_rows, float *scores)
{
    if (!classifier)
        return MEXPR_E_ARG;
    mexpr_classifier *c = classifier;
    if (n_rows < 0 || (n_rows > 0 && (!rows || !scores)))
        return mx_fail(&c->scope, MEXPR_E_ARG, "rows and scores must not be NULL");
    mexpr_status status = mx_rows_check(&c->scope, rows, n_rows, c->n_features);
    for (int64_t i = 0; i < n_rows && status == MEXPR_OK; i++) {
        score(c, rows + i * c->n_features, scores + i * c->n_classes);
        for (int32_t k = 0; k < c->n_classes && status == MEXPR_OK; k++)
            if (!isfinite(scores[i * c->n_classes + k]))
                status = mx_fail(&c->scope, MEXPR_E_RANGE,
                    "the features of row %lld are too large", (long long)i);
    }
    return status;
}
