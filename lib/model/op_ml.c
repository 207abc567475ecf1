/* SPDX-License-Identifier: MIT */
/* Classical models of the domain ai.onnx.ml, as scikit-learn's converters write them:
 * numbers in, numbers out. Class labels are integers; texts are refused. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

typedef enum post_transform {
    NONE,
    SOFTMAX,
    LOGISTIC,
    SOFTMAX_ZERO,
    PROBIT
} post_transform;
typedef enum svm_kernel {
    KERNEL_LINEAR,
    KERNEL_POLY,
    KERNEL_RBF,
    KERNEL_SIGMOID
} svm_kernel;

typedef struct ml_params {
    post_transform post;
    svm_kernel kernel;
    double gamma, coef0, degree;
    int64_t n_features, n_classes, n_vectors;
    int64_t n_scores; /* before what is done to them */
    int64_t n_out;
    bool has_probability;
} ml_params;

/* --- attributes and inputs --------------------------------------------------------- */

static size_t length_of(const mx_infer *infer, const char *name)
{
    const mx_attribute *a = mx_attr(infer->node, name);
    return a ? a->n : 0;
}

static const float *floats_of(const mx_run *run, const char *name)
{
    const mx_attribute *a = mx_attr(run->node, name);
    return a && a->n ? a->floats : NULL;
}

static mexpr_status fail_length(mx_infer *infer, const char *name, int64_t want)
{
    return mx_fail(infer->scope, MEXPR_E_MODEL,
        "its attribute %s has %zu numbers, not %lld", name, length_of(infer, name),
        (long long)want);
}

static mexpr_status read_post(mx_infer *infer, ml_params *p)
{
    static const char *const posts[] = {
        "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    int post = 0;
    if (length_of(infer, "classlabels_strings") > 0)
        return mx_fail(infer->scope, MEXPR_E_TYPE,
            "its classes are texts, which are not supported: train it on integer labels");
    const mexpr_status status =
        mx_infer_choice(infer, "post_transform", "NONE", posts, 5, &post);
    p->post = (post_transform)post;
    return status;
}

/* Rows and columns of the input: a list is one row. -1: open. */
static mexpr_status read_rows(mx_infer *infer, int64_t *rows, int64_t *columns)
{
    const mx_tensor *in = infer->inputs[0];
    char text[MX_SHAPE_TEXT];
    if (in->rank < 1 || in->rank > 2)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "it takes one row for each example, not %s", mx_shape_text(in, text));
    *rows = in->rank == 2 ? in->dims[0] : 1;
    *columns = in->dims[in->rank - 1];
    return MEXPR_OK;
}

static mexpr_status check_columns(mx_infer *infer, int64_t columns, int64_t n_features)
{
    if (n_features > 0 && (columns < 0 || columns == n_features))
        return MEXPR_OK;
    return mx_fail(infer->scope, MEXPR_E_SHAPE,
        "its input has %lld features, but the model has %lld", (long long)columns,
        (long long)n_features);
}

static double number_at(const mx_tensor *t, int64_t i)
{
    return t->dtype == MEXPR_DTYPE_F32   ? (double)((const float *)t->data)[i]
           : t->dtype == MEXPR_DTYPE_I32 ? (double)((const int32_t *)t->data)[i]
                                         : (double)((const int64_t *)t->data)[i];
}

/* --- what is done to scores -------------------------------------------------------- */

static double logistic(double x)
{
    return x < 0 ? 1 - 1 / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* Winitzki's approximation of the inverse error function, which ONNX prescribes. */
static double probit(double p)
{
    const double x = 2 * p - 1, part = (1 - x) * (1 + x);
    if (part == 0)
        return 0;
    const double l = log(part), v = 2 / (3.14159265358979 * 0.147) + 0.5 * l;
    const double y = sqrt(sqrt(v * v - l / 0.147) - v);
    return 1.41421356 * (x < 0 ? -y : y);
}

/* Scores that are 0 stay 0 for SOFTMAX_ZERO. */
static void softmax(double *s, int64_t n, bool keeps_zero)
{
    double max = s[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        max = s[i] > max ? s[i] : max;
    for (int64_t i = 0; i < n; i++) {
        const bool zero = keeps_zero && fabs(s[i]) <= 1e-7;
        s[i] = zero ? s[i] * exp(-max) : exp(s[i] - max);
        sum += s[i];
    }
    for (int64_t i = 0; i < n; i++)
        s[i] = sum == 0 ? 0.5 : s[i] / sum;
}

static void transform(post_transform post, double *s, int64_t n)
{
    if (post == SOFTMAX || post == SOFTMAX_ZERO)
        softmax(s, n, post == SOFTMAX_ZERO);
    for (int64_t i = 0; i < n; i++) {
        if (post == LOGISTIC)
            s[i] = logistic(s[i]);
        else if (post == PROBIT)
            s[i] = probit(s[i]);
    }
}

static int64_t largest(const double *s, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = s[i] > s[best] ? i : best;
    return best;
}

/* The label of class i, its number when the model has no labels. */
static int64_t label_at(const mx_run *run, int64_t i)
{
    const mx_attribute *labels = mx_attr(run->node, "classlabels_ints");
    return labels && (size_t)i < labels->n ? labels->ints[i] : i;
}

/* --- linear models ----------------------------------------------------------------- */

static mexpr_status infer_linear(mx_infer *infer)
{
    ml_params *p = infer->params;
    const bool classifies = infer->node->op->max_outputs > 1;
    const int64_t n = (int64_t)length_of(infer, "coefficients");
    const int64_t n_bias = (int64_t)length_of(infer, "intercepts");
    int64_t rows, columns;
    mexpr_status status = read_post(infer, p);
    if (status == MEXPR_OK)
        status = read_rows(infer, &rows, &columns);
    if (status != MEXPR_OK)
        return status;
    p->n_classes = (int64_t)length_of(infer, "classlabels_ints");
    if (!classifies)
        p->n_scores = mx_attr_int(infer->node, "targets", 1);
    else if (n_bias > 0)
        p->n_scores = n_bias;
    else if (columns > 0)
        p->n_scores = n / columns;
    else
        p->n_scores = p->n_classes > 2 ? p->n_classes : 1;
    if (p->n_scores < 1 || n % p->n_scores != 0)
        return fail_length(
            infer, "coefficients", p->n_scores * (columns < 0 ? 1 : columns));
    if (n_bias > 0 && n_bias != p->n_scores)
        return fail_length(infer, "intercepts", p->n_scores);
    p->n_features = n / p->n_scores;
    status = check_columns(infer, columns, p->n_features);
    if (status != MEXPR_OK)
        return status;
    p->n_out = classifies && p->n_scores == 1 && p->n_classes == 2 ? 2 : p->n_scores;
    infer->workspace = ((size_t)p->n_scores + 2) * sizeof(double);
    const int64_t dims[2] = {rows, p->n_out};
    if (classifies)
        infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, 1, dims);
    if (infer->n_outputs > 1 && classifies)
        infer->outputs[1]->dtype = MEXPR_DTYPE_F32;
    mx_infer_shape(infer, classifies, 2, dims);
    if (!classifies)
        infer->outputs[0]->dtype = MEXPR_DTYPE_F32;
    return MEXPR_OK;
}

static void linear_scores(const mx_run *run, int64_t row, double *scores)
{
    const ml_params *p = run->params;
    const float *w = floats_of(run, "coefficients"), *bias = floats_of(run, "intercepts");
    for (int64_t k = 0; k < p->n_scores; k++, w += p->n_features) {
        scores[k] = bias ? (double)bias[k] : 0;
        for (int64_t i = 0; i < p->n_features; i++)
            scores[k] +=
                (double)w[i] * number_at(run->inputs[0], row * p->n_features + i);
    }
}

static void write_row(const mx_run *run, int k, int64_t row, const double *s, int64_t n)
{
    mx_tensor *out = mx_run_output(run, k);
    for (int64_t i = 0; out && i < n; i++)
        ((float *)out->data)[row * n + i] = (float)s[i];
}

static mexpr_status linear_classifier(const mx_run *run)
{
    const ml_params *p = run->params;
    const int64_t rows = run->outputs[0]->dims[0];
    double *s = run->workspace;
    for (int64_t r = 0; r < rows; r++) {
        linear_scores(run, r, s);
        if (p->n_out > p->n_scores) {
            s[1] = s[0];
            s[0] = -s[0];
        }
        int64_t label = p->n_out > 1 ? label_at(run, largest(s, p->n_out)) : 0;
        transform(p->post, s, p->n_out);
        if (p->n_out == 1 && s[0] >= (p->post == NONE ? 0 : 0.5))
            label = p->n_classes > 0 ? label_at(run, 0) : 1;
        ((int64_t *)run->outputs[0]->data)[r] = label;
        write_row(run, 1, r, s, p->n_out);
    }
    return MEXPR_OK;
}

static mexpr_status linear_regressor(const mx_run *run)
{
    const ml_params *p = run->params;
    const int64_t rows = run->outputs[0]->dims[0];
    double *s = run->workspace;
    for (int64_t r = 0; r < rows; r++) {
        linear_scores(run, r, s);
        transform(p->post, s, p->n_scores);
        write_row(run, 0, r, s, p->n_scores);
    }
    return MEXPR_OK;
}

/* --- support vector machines ------------------------------------------------------- */

static mexpr_status read_kernel(mx_infer *infer, ml_params *p)
{
    static const char *const kernels[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    const mx_attribute *params = mx_attr(infer->node, "kernel_params");
    int kernel = 0;
    mexpr_status status = read_post(infer, p);
    if (status == MEXPR_OK)
        status = mx_infer_choice(infer, "kernel_type", "LINEAR", kernels, 4, &kernel);
    p->kernel = (svm_kernel)kernel;
    if (status == MEXPR_OK && params && params->n > 0 && params->n != 3)
        return fail_length(infer, "kernel_params", 3);
    if (params && params->n == 3) {
        p->gamma = (double)params->floats[0];
        p->coef0 = (double)params->floats[1];
        p->degree = trunc((double)params->floats[2]);
    }
    return status;
}

/* Length of the support vectors of a machine that has n of them. */
static mexpr_status read_vectors(mx_infer *infer, ml_params *p, int64_t n)
{
    const int64_t numbers = (int64_t)length_of(infer, "support_vectors");
    if (n < 1 || numbers < n || numbers % n != 0)
        return fail_length(infer, "support_vectors", n);
    p->n_vectors = n;
    p->n_features = numbers / n;
    return MEXPR_OK;
}

static double kernel_of(const ml_params *p, const mx_tensor *in, int64_t row,
    const float *vector, svm_kernel kernel)
{
    double sum = 0;
    for (int64_t i = 0; i < p->n_features; i++) {
        const double x = number_at(in, row * p->n_features + i), v = (double)vector[i];
        sum += kernel == KERNEL_RBF ? (x - v) * (x - v) : x * v;
    }
    switch (kernel) {
    case KERNEL_POLY:
        return pow(p->gamma * sum + p->coef0, p->degree);
    case KERNEL_RBF:
        return exp(-p->gamma * sum);
    case KERNEL_SIGMOID:
        return tanh(p->gamma * sum + p->coef0);
    default:
        return sum;
    }
}

/* One machine for each pair of classes, or, without vectors, one plane for each. */
static mexpr_status infer_svm_classes(mx_infer *infer, ml_params *p)
{
    const mx_attribute *each = mx_attr(infer->node, "vectors_per_class");
    const int64_t n_coefficients = (int64_t)length_of(infer, "coefficients");
    const int64_t c = p->n_classes, n_pairs = c * (c - 1) / 2;
    int64_t n = 0;
    for (size_t i = 0; each && i < each->n; i++) {
        if (each->ints[i] < 0 || each->ints[i] > INT32_MAX)
            return mx_fail(infer->scope, MEXPR_E_MODEL,
                "a class cannot have %lld support vectors", (long long)each->ints[i]);
        n += each->ints[i];
    }
    if (n == 0) {
        p->n_scores = c;
        p->n_features = n_coefficients / c;
        if (n_coefficients % c != 0 || n_coefficients == 0)
            return fail_length(infer, "coefficients", c);
        return length_of(infer, "rho") < 1 ? fail_length(infer, "rho", 1) : MEXPR_OK;
    }
    const mexpr_status status = read_vectors(infer, p, n);
    if (status != MEXPR_OK)
        return status;
    if (each->n != (size_t)c || c < 2)
        return fail_length(infer, "vectors_per_class", c);
    if (n_coefficients != (c - 1) * n)
        return fail_length(infer, "coefficients", (c - 1) * n);
    if (length_of(infer, "rho") < (size_t)n_pairs)
        return fail_length(infer, "rho", n_pairs);
    p->has_probability = length_of(infer, "prob_a") > 0;
    if (p->has_probability && length_of(infer, "prob_a") != (size_t)n_pairs)
        return fail_length(infer, "prob_a", n_pairs);
    if (p->has_probability && length_of(infer, "prob_b") != (size_t)n_pairs)
        return fail_length(infer, "prob_b", n_pairs);
    p->n_scores = p->has_probability ? c : n_pairs;
    return MEXPR_OK;
}

enum { MAX_CLASSES = 1 << 14 };

static mexpr_status infer_svm_classifier(mx_infer *infer)
{
    ml_params *p = infer->params;
    int64_t rows, columns;
    mexpr_status status = read_kernel(infer, p);
    if (status == MEXPR_OK)
        status = read_rows(infer, &rows, &columns);
    p->n_classes = (int64_t)length_of(infer, "classlabels_ints");
    if (status == MEXPR_OK && (p->n_classes < 1 || p->n_classes > MAX_CLASSES))
        return fail_length(infer, "classlabels_ints", 1);
    if (status == MEXPR_OK)
        status = infer_svm_classes(infer, p);
    if (status == MEXPR_OK)
        status = check_columns(infer, columns, p->n_features);
    if (status != MEXPR_OK)
        return status;
    p->n_out = p->n_scores == 1 && p->post != PROBIT ? 2 : p->n_scores;
    const size_t c = (size_t)p->n_classes;
    infer->workspace =
        ((size_t)p->n_vectors + c * (c + 1) + 2 * c * c + 2 * c + 2) * sizeof(double);
    const int64_t dims[2] = {rows, p->n_out};
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, 1, dims);
    if (infer->n_outputs > 1)
        infer->outputs[1]->dtype = MEXPR_DTYPE_F32;
    mx_infer_shape(infer, 1, 2, dims);
    return MEXPR_OK;
}

/* Decisions of all pairs into `scores`, and how many of them each class has won. */
static void decide_pairs(
    const mx_run *run, int64_t row, double *kernels, double *scores, double *votes)
{
    const ml_params *p = run->params;
    const float *vectors = floats_of(run, "support_vectors"),
                *rho = floats_of(run, "rho");
    const float *w = floats_of(run, "coefficients");
    const int64_t *each = mx_attr(run->node, "vectors_per_class")->ints;
    for (int64_t k = 0; k < p->n_vectors; k++)
        kernels[k] =
            kernel_of(p, run->inputs[0], row, vectors + k * p->n_features, p->kernel);
    for (int64_t i = 0; i < p->n_classes; i++)
        votes[i] = 0;
    for (int64_t i = 0, from_i = 0, pair = 0; i < p->n_classes; from_i += each[i++]) {
        int64_t from_j = from_i + each[i];
        for (int64_t j = i + 1; j < p->n_classes; from_j += each[j++], pair++) {
            double s = (double)rho[pair];
            for (int64_t k = from_i; k < from_i + each[i]; k++)
                s += (double)w[(j - 1) * p->n_vectors + k] * kernels[k];
            for (int64_t k = from_j; k < from_j + each[j]; k++)
                s += (double)w[i * p->n_vectors + k] * kernels[k];
            scores[pair] = s;
            votes[s > 0 ? i : j]++;
        }
    }
}

/* Wu, Lin and Weng: Probability Estimates for Multi-class Classification by Pairwise
 * Coupling, 2004, second approach. r[i][j] is the probability of i against j; q and qp
 * are memory of c × c and c. */
static void couple(int64_t c, const double *r, double *q, double *qp, double *out)
{
    const double near = 0.005 / (double)c;
    for (int64_t t = 0; t < c; t++) {
        out[t] = 1 / (double)c;
        q[t * c + t] = 0;
        for (int64_t j = 0; j < c; j++) {
            if (j == t)
                continue;
            q[t * c + t] += r[j * c + t] * r[j * c + t];
            q[t * c + j] = -r[j * c + t] * r[t * c + j];
        }
    }
    for (int64_t turn = 0; turn < (c > 100 ? c : 100); turn++) {
        double pqp = 0, worst = 0;
        for (int64_t t = 0; t < c; t++) {
            qp[t] = 0;
            for (int64_t j = 0; j < c; j++)
                qp[t] += q[t * c + j] * out[j];
            pqp += out[t] * qp[t];
        }
        for (int64_t t = 0; t < c; t++)
            worst = fabs(qp[t] - pqp) > worst ? fabs(qp[t] - pqp) : worst;
        if (worst < near)
            return;
        for (int64_t t = 0; t < c; t++) {
            const double step = (pqp - qp[t]) / q[t * c + t];
            out[t] += step;
            pqp = (pqp + step * (step * q[t * c + t] + 2 * qp[t])) / (1 + step) /
                  (1 + step);
            for (int64_t j = 0; j < c; j++) {
                qp[j] = (qp[j] + step * q[t * c + j]) / (1 + step);
                out[j] /= 1 + step;
            }
        }
    }
}

/* Platt's sigmoid of each decision, coupled: `scores` become probabilities of classes. */
static void estimate(const mx_run *run, double *scores, double *memory)
{
    const ml_params *p = run->params;
    const int64_t c = p->n_classes;
    const float *a = floats_of(run, "prob_a"), *b = floats_of(run, "prob_b");
    double *r = memory, *q = r + c * c, *qp = q + c * c;
    for (int64_t i = 0, pair = 0; i < c; i++) {
        for (int64_t j = i + 1; j < c; j++, pair++) {
            double x = logistic(-(scores[pair] * (double)a[pair] + (double)b[pair]));
            x = x < 1e-7 ? 1e-7 : x > 1 - 1e-7 ? 1 - 1e-7 : x;
            r[i * c + j] = x;
            r[j * c + i] = 1 - x;
        }
    }
    couple(c, r, q, qp, scores);
}

/* One class alone is 1 where its weight is positive. */
static int64_t svm_label(const mx_run *run, const double *weights)
{
    const ml_params *p = run->params;
    if (p->n_classes == 1)
        return weights[0] > 0;
    return label_at(run, largest(weights, p->n_classes));
}

static mexpr_status svm_classifier(const mx_run *run)
{
    const ml_params *p = run->params;
    const int64_t rows = run->outputs[0]->dims[0], c = p->n_classes;
    double *kernels = run->workspace, *scores = kernels + p->n_vectors;
    double *votes = scores + c * c + 2, *memory = votes + c;
    for (int64_t r = 0; r < rows; r++) {
        const double *weights = p->n_vectors > 0 ? votes : scores;
        if (p->n_vectors > 0)
            decide_pairs(run, r, kernels, scores, votes);
        const float *planes = floats_of(run, "coefficients");
        for (int64_t k = 0; p->n_vectors == 0 && k < c; k++)
            scores[k] = (double)floats_of(run, "rho")[0] + kernel_of(p, run->inputs[0], r,
                                                               planes + k * p->n_features,
                                                               KERNEL_LINEAR);
        if (p->has_probability)
            estimate(run, scores, memory);
        ((int64_t *)run->outputs[0]->data)[r] = svm_label(run, weights);
        if (p->n_out > p->n_scores) {
            scores[1] = scores[0];
            scores[0] = -scores[0];
        }
        transform(p->post, scores, p->n_out);
        write_row(run, 1, r, scores, p->n_out);
    }
    return MEXPR_OK;
}

static mexpr_status infer_svm_regressor(mx_infer *infer)
{
    ml_params *p = infer->params;
    const int64_t n = mx_attr_int(infer->node, "n_supports", 0);
    const int64_t n_coefficients = (int64_t)length_of(infer, "coefficients");
    int64_t rows, columns;
    mexpr_status status = read_kernel(infer, p);
    if (status == MEXPR_OK)
        status = read_rows(infer, &rows, &columns);
    if (status == MEXPR_OK && n > 0)
        status = read_vectors(infer, p, n);
    else
        p->n_features = n_coefficients;
    if (status == MEXPR_OK && n > 0 && n_coefficients != n)
        return fail_length(infer, "coefficients", n);
    if (status == MEXPR_OK && length_of(infer, "rho") < 1)
        return fail_length(infer, "rho", 1);
    if (status == MEXPR_OK)
        status = check_columns(infer, columns, p->n_features);
    const int64_t dims[2] = {rows, 1};
    if (status == MEXPR_OK)
        mx_infer_shape(infer, 0, 2, dims);
    infer->outputs[0]->dtype = MEXPR_DTYPE_F32;
    return status;
}

static mexpr_status svm_regressor(const mx_run *run)
{
    const ml_params *p = run->params;
    const float *w = floats_of(run, "coefficients");
    const float *vectors = floats_of(run, "support_vectors");
    const bool one_class = mx_attr_int(run->node, "one_class", 0) != 0;
    for (int64_t r = 0; r < run->outputs[0]->dims[0]; r++) {
        double s = (double)floats_of(run, "rho")[0];
        if (p->n_vectors == 0)
            s += kernel_of(p, run->inputs[0], r, w, KERNEL_LINEAR);
        for (int64_t k = 0; k < p->n_vectors; k++)
            s += (double)w[k] *
                 kernel_of(p, run->inputs[0], r, vectors + k * p->n_features, p->kernel);
        if (one_class)
            s = s > 0 ? 1 : -1;
        else
            transform(p->post, &s, 1);
        ((float *)run->outputs[0]->data)[r] = (float)s;
    }
    return MEXPR_OK;
}

/* --- preparation of features ------------------------------------------------------- */

static mexpr_status infer_scaler(mx_infer *infer)
{
    static const char *const names[] = {"offset", "scale"};
    int64_t rows, columns;
    const mexpr_status status = read_rows(infer, &rows, &columns);
    for (int i = 0; status == MEXPR_OK && i < 2; i++) {
        const size_t n = length_of(infer, names[i]);
        if (n == 0 || (n != 1 && columns >= 0 && n != (size_t)columns))
            return fail_length(infer, names[i], columns < 0 ? 1 : columns);
    }
    infer->outputs[0]->dtype = MEXPR_DTYPE_F32;
    return status == MEXPR_OK ? mx_infer_same(infer) : status;
}

static mexpr_status scaler(const mx_run *run)
{
    const mx_attribute *offset = mx_attr(run->node, "offset");
    const mx_attribute *scale = mx_attr(run->node, "scale");
    const mx_tensor *in = run->inputs[0];
    const int64_t n = mx_tensor_count(in), columns = in->dims[in->rank - 1];
    for (int64_t i = 0; i < n; i++) {
        const float a = offset->floats[offset->n == 1 ? 0 : i % columns];
        const float b = scale->floats[scale->n == 1 ? 0 : i % columns];
        ((float *)run->outputs[0]->data)[i] = ((float)number_at(in, i) - a) * b;
    }
    return MEXPR_OK;
}

static mexpr_status infer_normalizer(mx_infer *infer)
{
    static const char *const norms[] = {"MAX", "L1", "L2"};
    int64_t rows, columns;
    int norm;
    mexpr_status status = mx_infer_choice(infer, "norm", "MAX", norms, 3, &norm);
    if (status == MEXPR_OK)
        status = read_rows(infer, &rows, &columns);
    infer->outputs[0]->dtype = MEXPR_DTYPE_F32;
    return status == MEXPR_OK ? mx_infer_same(infer) : status;
}

/* Each row by its norm; a row of zeros stays. */
static mexpr_status normalizer(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const int64_t n = mx_tensor_count(in), columns = in->dims[in->rank - 1];
    const char *norm = mx_attr_string(run->node, "norm", "MAX");
    for (int64_t from = 0; from < n; from += columns) {
        double size = 0;
        for (int64_t i = from; i < from + columns; i++) {
            const double x = fabs(number_at(in, i));
            if (norm[0] == 'M')
                size = x > size ? x : size;
            else
                size += norm[1] == '1' ? x : x * x;
        }
        size = strcmp(norm, "L2") == 0 ? sqrt(size) : size;
        for (int64_t i = from; i < from + columns; i++)
            ((float *)run->outputs[0]->data)[i] =
                (float)(number_at(in, i) / (size > 1e-30 ? size : 1e-30));
    }
    return MEXPR_OK;
}

/* Columns by number; a list is one row. */
static mexpr_status infer_extractor(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *which = infer->inputs[1];
    int64_t dims[MEXPR_MAX_RANK] = {1, 1};
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_I64);
    if (status != MEXPR_OK)
        return status;
    if (in->rank < 1)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input must be a list at least");
    const int rank = in->rank == 1 ? 2 : in->rank;
    for (int i = 0; i < rank - 1 && in->rank > 1; i++)
        dims[i] = in->dims[i];
    dims[rank - 1] = mx_dims_product(which->dims, 0, which->rank);
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

static mexpr_status extractor(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0], *which = run->inputs[1];
    const int64_t n = in->dims[in->rank - 1], k = mx_tensor_count(which);
    const int64_t rows = mx_dims_product(in->dims, 0, in->rank - 1);
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)in->dtype);
    uint8_t *y = run->outputs[0]->data;
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < k; i++, y += size) {
            const int64_t index = ((const int64_t *)which->data)[i];
            if (index < 0 || index >= n)
                return mx_fail(run->scope, MEXPR_E_SHAPE,
                    "the column %lld does not exist in %lld", (long long)index,
                    (long long)n);
            memcpy(y, (const uint8_t *)in->data + (size_t)(r * n + index) * size, size);
        }
    }
    return MEXPR_OK;
}

#define ML(op, n_in, n_out, type_set, other, attribute_list, infer_fn, forward_fn)       \
    {                                                                                    \
        .name = op, .domain = "ai.onnx.ml", .since = 1, .min_inputs = n_in,              \
        .max_inputs = n_in, .min_outputs = 1, .max_outputs = n_out, .types = type_set,   \
        .other_inputs = other, .attributes = attribute_list,                             \
        .params_size = sizeof(ml_params), .infer = infer_fn, .forward = forward_fn       \
    }

enum { FEATURES = MX_T_F32 | MX_T_INTS };

#define SVM                                                                              \
    "coefficients:F kernel_params:F kernel_type:s post_transform:s rho:F "               \
    "support_vectors:F "
#define LABELS "classlabels_ints:I classlabels_strings:S "

const mx_operator mx_operators_ml[] = {
    ML("ArrayFeatureExtractor", 2, 1, MX_T_ALL, MX_INPUT_BIT(1), "", infer_extractor,
        extractor),
    ML("LinearClassifier", 1, 2, FEATURES, 0,
        LABELS "coefficients:F intercepts:F multi_class:i post_transform:s", infer_linear,
        linear_classifier),
    ML("LinearRegressor", 1, 1, FEATURES, 0,
        "coefficients:F intercepts:F post_transform:s targets:i", infer_linear,
        linear_regressor),
    ML("Normalizer", 1, 1, FEATURES, 0, "norm:s", infer_normalizer, normalizer),
    ML("SVMClassifier", 1, 2, FEATURES, 0,
        LABELS SVM "prob_a:F prob_b:F vectors_per_class:I", infer_svm_classifier,
        svm_classifier),
    ML("SVMRegressor", 1, 1, FEATURES, 0, SVM "n_supports:i n_targets:i one_class:i",
        infer_svm_regressor, svm_regressor),
    ML("Scaler", 1, 1, FEATURES, 0, "offset:F scale:F", infer_scaler, scaler),
    {.name = NULL},
};
