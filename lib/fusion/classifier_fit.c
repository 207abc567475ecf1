/* SPDX-License-Identifier: MIT */
/* How a classifier is learnt from rows. */
#include "fusion/classifier.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/option.h"
#include "fusion/solver.h"

enum { MAX_CLASSES = 1000, MOST_STEPS = 10000000 };

/* All of one training run, rows sorted by class. */
typedef struct fit {
    mx_scope *scope;
    mexpr_classifier *c;
    mx_progress progress;
    int64_t n;
    float *rows; /* n × n_features, centred */
    float *norms;
    int64_t *first;       /* n_classes + 1: where each class begins */
    double *weight;       /* of a row of each class */
    float *kernel;        /* n × n */
    double *coefficients; /* as in the classifier, for all n rows */
} fit;

/* --- arguments --------------------------------------------------------------------- */

static mexpr_status fill_defaults(mx_scope *scope, mexpr_classifier_options *o)
{
    mexpr_status status = mx_option_i32(scope, "method", &o->method, MEXPR_CLASSIFIER_SVM,
        MEXPR_CLASSIFIER_SVM, MEXPR_CLASSIFIER_RIDGE);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "kernel", &o->kernel, MEXPR_KERNEL_RBF,
            MEXPR_KERNEL_LINEAR, MEXPR_KERNEL_LAPLACE);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "gamma_unit", &o->gamma_unit, MEXPR_GAMMA_NORM,
            MEXPR_GAMMA_NORM, MEXPR_GAMMA_ABSOLUTE);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "gamma", &o->gamma, 1, 0, 1e12);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "cost", &o->cost, 1, 0, 1e12);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "ridge", &o->ridge, 0.3, 0, 1e12);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "tolerance", &o->tolerance, 1e-3, 0, 1);
    return status;
}

/* Where each class begins once rows are sorted; weights. */
static mexpr_status count_classes(fit *f, const int32_t *labels)
{
    const int32_t n_classes = f->c->n_classes;
    for (int64_t i = 0; i < f->n; i++) {
        if (labels[i] < 0 || labels[i] >= n_classes)
            return mx_fail(f->scope, MEXPR_E_RANGE,
                "label %d of row %lld is not one of the classes 0 to %d", labels[i],
                (long long)i, n_classes - 1);
        f->first[labels[i] + 1]++;
    }
    for (int32_t k = 0; k < n_classes; k++) {
        const int64_t n_k = f->first[k + 1];
        if (n_k == 0)
            return mx_fail(f->scope, MEXPR_E_RANGE,
                "class %d has no rows to learn from; leave it out", k);
        f->weight[k] =
            f->c->o.unbalanced ? 1 : (double)f->n / ((double)n_classes * (double)n_k);
        f->first[k + 1] += f->first[k];
    }
    return MEXPR_OK;
}

/* --- preparing rows ---------------------------------------------------------------- */

/* Distances do not change when all rows move together, and rounding is least around the
 * mean. */
static void find_centre(const fit *f, const float *rows)
{
    const int64_t n = f->c->n_features;
    for (int64_t k = 0; k < n && f->c->kernel.kind != MEXPR_KERNEL_LINEAR; k++) {
        double sum = 0;
        for (int64_t i = 0; i < f->n; i++)
            sum += (double)rows[i * n + k];
        f->c->centre[k] = (float)(sum / (double)f->n);
    }
}

static void sort_rows(fit *f, const float *rows, const int32_t *labels, int64_t *next)
{
    const int64_t n = f->c->n_features;
    memcpy(next, f->first, (size_t)f->c->n_classes * sizeof *next);
    for (int64_t i = 0; i < f->n; i++) {
        float *to = f->rows + next[labels[i]]++ * n;
        for (int64_t k = 0; k < n; k++)
            to[k] = rows[i * n + k] - f->c->centre[k];
    }
    mx_row_norms(f->rows, f->n, n, f->norms);
}

/* --- the kernel -------------------------------------------------------------------- */

/* Mean |a|² (Laplace: Σ |a_i|) of the rows as they were given. */
static double mean_norm(const fit *f, const float *rows)
{
    const int64_t n = f->n * f->c->n_features;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += f->c->kernel.kind == MEXPR_KERNEL_LAPLACE
                   ? fabs((double)rows[i])
                   : (double)rows[i] * (double)rows[i];
    return sum / (double)f->n;
}

static double mean_distance(const fit *f)
{
    double sum = 0;
    for (int64_t i = 0; i < f->n; i++)
        for (int64_t j = 0; j < i; j++)
            sum += (double)f->kernel[i * f->n + j];
    return f->n > 1 ? sum / (0.5 * (double)f->n * (double)(f->n - 1)) : 0;
}

enum { BLOCK = 64 }; /* rows of the matrix between two calls of the progress callback */

/* Rows may be finite and their squares not. */
static mexpr_status check_kernel(const fit *f)
{
    for (int64_t i = 0; i < f->n * f->n; i++)
        if (!isfinite(f->kernel[i]))
            return mx_fail(f->scope, MEXPR_E_RANGE,
                "the features are so large that their products are not finite; scale "
                "them");
    return MEXPR_OK;
}

static mexpr_status fill_kernel(fit *f, const float *rows)
{
    mexpr_classifier *c = f->c;
    const mx_rows all = {f->n, c->n_features, f->rows, f->norms};
    mexpr_status status = MEXPR_OK;
    for (int64_t i = 0; i < f->n && status == MEXPR_OK; i += BLOCK) {
        const mx_rows some = {f->n - i < BLOCK ? f->n - i : BLOCK, c->n_features,
            f->rows + i * c->n_features, f->norms + i};
        mx_row_distances(&c->kernel, some, all, f->kernel + i * f->n, f->n);
        status = mx_progress_tell(f->scope, &f->progress);
    }
    if (status == MEXPR_OK)
        status = check_kernel(f);
    const double unit = c->o.gamma_unit == MEXPR_GAMMA_NORM       ? mean_norm(f, rows)
                        : c->o.gamma_unit == MEXPR_GAMMA_DISTANCE ? mean_distance(f)
                                                                  : 1;
    c->kernel.gamma = unit > 0 ? c->o.gamma / unit : c->o.gamma;
    mx_row_similarities(&c->kernel, f->kernel, f->n * f->n);
    return status;
}

/* --- training ---------------------------------------------------------------------- */

/* One machine of classes a < b into their rows' coefficients. */
static mexpr_status fit_pair(
    fit *f, int32_t a, int32_t b, double *bias, int64_t *index, double *work)
{
    const int64_t n_a = f->first[a + 1] - f->first[a];
    const int64_t n_b = f->first[b + 1] - f->first[b], n = n_a + n_b;
    double *sign = work, *bound = work + n, *found = work + 2 * n;
    for (int64_t t = 0; t < n; t++) {
        index[t] = t < n_a ? f->first[a] + t : f->first[b] + t - n_a;
        sign[t] = t < n_a ? 1 : -1;
        bound[t] = f->c->o.cost * f->weight[t < n_a ? a : b];
    }
    const mx_svm svm = {
        f->kernel, f->n, n, index, sign, bound, f->c->o.tolerance, MOST_STEPS};
    const mexpr_status status =
        mx_svm_solve(f->scope, &svm, &f->progress, found, bias, work + 3 * n);
    memcpy(f->coefficients + (b - 1) * f->n + f->first[a], found,
        (size_t)n_a * sizeof *found);
    memcpy(f->coefficients + a * f->n + f->first[b], found + n_a,
        (size_t)n_b * sizeof *found);
    return status;
}

static mexpr_status fit_pairs(fit *f)
{
    mexpr_context *context = f->scope->context;
    int64_t *index = mx_alloc(f->scope, (size_t)f->n, sizeof *index);
    double *work = mx_alloc(f->scope, (size_t)f->n, 5 * sizeof *work);
    mexpr_status status = index && work ? MEXPR_OK : MEXPR_E_NOMEM;
    double *bias = f->c->bias;
    for (int32_t a = 0; a < f->c->n_classes; a++)
        for (int32_t b = a + 1; b < f->c->n_classes && status == MEXPR_OK; b++) {
            status = fit_pair(f, a, b, bias++, index, work);
            f->progress.done++;
        }
    mx_free(context, work);
    mx_free(context, index);
    return status;
}

/* Targets are the classes' indicators minus their weighted mean, which is the bias. */
static void fill_targets(const fit *f, double *targets, double *ridge)
{
    const int32_t n_classes = f->c->n_classes;
    double total = 0;
    for (int32_t k = 0; k < n_classes; k++) {
        f->c->bias[k] = (double)(f->first[k + 1] - f->first[k]) * f->weight[k];
        total += f->c->bias[k];
    }
    for (int32_t k = 0; k < n_classes; k++)
        f->c->bias[k] /= total;
    for (int32_t k = 0; k < n_classes; k++)
        for (int64_t i = f->first[k]; i < f->first[k + 1]; i++) {
            ridge[i] = f->c->o.ridge / f->weight[k];
            for (int32_t j = 0; j < n_classes; j++)
                targets[i * n_classes + j] = (j == k) - f->c->bias[j];
        }
}

static mexpr_status fit_ridge(fit *f)
{
    mexpr_context *context = f->scope->context;
    const int32_t n_classes = f->c->n_classes;
    const size_t n = (size_t)f->n;
    double *matrix = mx_alloc(f->scope, n * n, sizeof *matrix);
    double *targets = mx_alloc(f->scope, n * (size_t)n_classes, sizeof *targets);
    double *ridge = mx_alloc(f->scope, n, sizeof *ridge);
    mexpr_status status = matrix && targets && ridge ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        for (size_t i = 0; i < n * n; i++)
            matrix[i] = (double)f->kernel[i];
        fill_targets(f, targets, ridge);
        status = mx_ridge_solve(
            f->scope, matrix, f->n, ridge, targets, n_classes, &f->progress);
    }
    for (int32_t k = 0; k < n_classes && status == MEXPR_OK; k++)
        for (int64_t i = 0; i < f->n; i++)
            f->coefficients[k * f->n + i] = targets[i * n_classes + k];
    mx_free(context, ridge);
    mx_free(context, targets);
    mx_free(context, matrix);
    return status;
}

/* --- what is kept ------------------------------------------------------------------ */

/* Rows of coefficients. */
static int64_t n_sets(const mexpr_classifier *c)
{
    return c->n_classes - (c->o.method == MEXPR_CLASSIFIER_SVM);
}

static bool is_used(const fit *f, int64_t i)
{
    for (int64_t k = 0; k < n_sets(f->c); k++)
        if (f->coefficients[k * f->n + i] != 0)
            return true;
    return false;
}

static mexpr_status keep_vectors(fit *f)
{
    mexpr_classifier *c = f->c;
    const size_t row = (size_t)c->n_features;
    c->n_vectors = 0;
    for (int64_t i = 0; i < f->n; i++)
        c->n_vectors += is_used(f, i);
    const size_t n = (size_t)c->n_vectors;
    c->vectors = mx_alloc(f->scope, n * row, sizeof *c->vectors);
    c->norms = mx_alloc(f->scope, n, sizeof *c->norms);
    c->coefficients = mx_alloc(f->scope, n * (size_t)n_sets(c), sizeof *c->coefficients);
    c->similar = mx_alloc(f->scope, n + row, sizeof *c->similar);
    if (!c->vectors || !c->norms || !c->coefficients || !c->similar)
        return MEXPR_E_NOMEM;
    int64_t to = 0;
    for (int32_t class = 0; class < c->n_classes; class ++)
        for (int64_t i = f->first[class]; i < f->first[class + 1]; i++) {
            if (!is_used(f, i))
                continue;
            memcpy(c->vectors + (size_t)to * row, f->rows + (size_t)i * row,
                row * sizeof *f->rows);
            for (int64_t k = 0; k < n_sets(c); k++)
                c->coefficients[k * c->n_vectors + to] = f->coefficients[k * f->n + i];
            c->norms[to++] = f->norms[i];
            c->per_class[class]++;
        }
    return MEXPR_OK;
}

/* --- life -------------------------------------------------------------------------- */

static mexpr_status create(mx_scope *scope, const mexpr_classifier_options *o,
    int64_t n_features, int32_t n_classes, mexpr_classifier **out)
{
    mexpr_classifier *c = mx_calloc(scope, 1, sizeof *c);
    if (!c)
        return MEXPR_E_NOMEM;
    const size_t n_pairs = (size_t)mx_n_pairs(n_classes);
    const size_t n_bias = o->method == MEXPR_CLASSIFIER_SVM ? n_pairs : (size_t)n_classes;
    mx_scope_init(&c->scope, mx_context_retain(scope->context));
    c->o = *o;
    c->n_features = n_features;
    c->n_classes = n_classes;
    c->kernel.kind = (mexpr_kernel)o->kernel;
    mx_gemm_init(&c->kernel.gemm, mexpr_context_cpu(scope->context));
    mx_nn_kernels_init(&c->kernel.nn, mexpr_context_cpu(scope->context));
    c->centre = mx_calloc(scope, (size_t)n_features, sizeof *c->centre);
    c->per_class = mx_calloc(scope, (size_t)n_classes, sizeof *c->per_class);
    c->bias = mx_calloc(scope, n_bias, sizeof *c->bias);
    c->decisions = mx_calloc(scope, n_pairs + (size_t)n_classes, sizeof *c->decisions);
    *out = c;
    return c->centre && c->per_class && c->bias && c->decisions ? MEXPR_OK
                                                                : MEXPR_E_NOMEM;
}

static mexpr_status check_arguments(mx_scope *scope, const void *rows, const void *labels,
    int64_t n_rows, int64_t n_features, int32_t n_classes)
{
    if (!rows || !labels || n_rows < 1 || n_features < 1)
        return mx_fail(
            scope, MEXPR_E_ARG, "there are no rows or no labels to learn from");
    if (n_classes < 2 || n_classes > MAX_CLASSES)
        return mx_fail(scope, MEXPR_E_RANGE,
            "%d classes; a classifier tells 2 to %d apart", n_classes, MAX_CLASSES);
    const uint64_t most = mx_context_limits(scope->context)->tensor_bytes;
    if (n_features > INT32_MAX || n_rows > INT32_MAX ||
        (uint64_t)n_rows > most / 8 / (uint64_t)n_rows)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the kernel matrix of %lld rows is larger than max_tensor_bytes, %llu; take "
            "fewer rows or raise it in the context options",
            (long long)n_rows, (unsigned long long)most);
    return MEXPR_OK;
}

static mexpr_status allocate(fit *f)
{
    const size_t n = (size_t)f->n, n_classes = (size_t)f->c->n_classes;
    f->rows = mx_alloc(f->scope, n * (size_t)f->c->n_features, sizeof *f->rows);
    f->norms = mx_alloc(f->scope, n, sizeof *f->norms);
    f->first = mx_calloc(f->scope, 2 * n_classes + 1, sizeof *f->first);
    f->weight = mx_alloc(f->scope, n_classes, sizeof *f->weight);
    f->kernel = mx_alloc(f->scope, n * n, sizeof *f->kernel);
    f->coefficients = mx_calloc(f->scope, n * n_classes, sizeof *f->coefficients);
    return f->rows && f->norms && f->first && f->weight && f->kernel && f->coefficients
               ? MEXPR_OK
               : MEXPR_E_NOMEM;
}

static mexpr_status run(fit *f, const float *rows, const int32_t *labels)
{
    f->progress.total = (uint64_t)mx_n_pairs(f->c->n_classes);
    mexpr_status status = allocate(f);
    if (status == MEXPR_OK)
        status = count_classes(f, labels);
    if (status == MEXPR_OK) {
        find_centre(f, rows);
        sort_rows(f, rows, labels, f->first + f->c->n_classes + 1);
        status = fill_kernel(f, rows);
    }
    if (status == MEXPR_OK)
        status = f->c->o.method == MEXPR_CLASSIFIER_SVM ? fit_pairs(f) : fit_ridge(f);
    return status == MEXPR_OK ? keep_vectors(f) : status;
}

mexpr_status mexpr_classifier_fit(mexpr_context *context, const float *rows,
    const int32_t *labels, int64_t n_rows, int64_t n_features, int32_t n_classes,
    const mexpr_classifier_options *options, mexpr_progress_fn progress, void *user,
    mexpr_classifier **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    fit f = {.scope = scope, .n = n_rows, .progress = {.call = progress, .user = user}};
    mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status == MEXPR_OK)
        status = fill_defaults(scope, &o);
    if (status == MEXPR_OK)
        status = check_arguments(scope, rows, labels, n_rows, n_features, n_classes);
    if (status == MEXPR_OK)
        status = mx_rows_check(scope, rows, n_rows, n_features);
    if (status == MEXPR_OK)
        status = create(scope, &o, n_features, n_classes, &f.c);
    if (status == MEXPR_OK)
        status = run(&f, rows, labels);
    mx_free(context, f.coefficients);
    mx_free(context, f.kernel);
    mx_free(context, f.weight);
    mx_free(context, f.first);
    mx_free(context, f.norms);
    mx_free(context, f.rows);
    if (status != MEXPR_OK)
        mexpr_classifier_destroy(&f.c);
    *out = f.c;
    return status;
}
