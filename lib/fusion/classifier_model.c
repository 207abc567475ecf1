/* SPDX-License-Identifier: MIT */
/* A classifier as an ONNX graph. */
#include <stdio.h>
#include <string.h>

#include "fusion/classifier.h"

/* A graph under construction; the builder keeps its first failure. */
typedef struct writer {
    mexpr_classifier *c;
    mexpr_builder *b;
    const char *prefix; /* of all names but the two ends */
    const char *in, *out;
    mexpr_status status; /* of memory for tables */
} writer;

enum { NAME_SIZE = 96 };
typedef struct value_name {
    char text[NAME_SIZE];
} value_name;

/* What a value is called in the graph: "features" and "scores" are the ends. */
static value_name full_name(const writer *w, const char *own)
{
    value_name n;
    if (strcmp(own, "features") == 0)
        snprintf(n.text, sizeof n.text, "%.80s", w->in);
    else if (strcmp(own, "scores") == 0)
        snprintf(n.text, sizeof n.text, "%.80s", w->out);
    else
        snprintf(n.text, sizeof n.text, "%.60s%.30s", w->prefix, own);
    return n;
}

static void node_of(writer *w, const char *op, const char *domain, const char *const *ins,
    size_t n_ins, const char *const *outs, size_t n_outs)
{
    value_name in_names[3], out_names[2];
    const char *in_texts[3], *out_texts[2];
    for (size_t k = 0; k < n_ins; k++) {
        in_names[k] = full_name(w, ins[k]);
        in_texts[k] = in_names[k].text;
    }
    for (size_t k = 0; k < n_outs; k++) {
        out_names[k] = full_name(w, outs[k]);
        out_texts[k] = out_names[k].text;
    }
    mexpr_builder_node(w->b, op, domain, in_texts, n_ins, out_texts, n_outs, NULL);
}

static void node(writer *w, const char *op, const char *in0, const char *in1,
    const char *in2, const char *out)
{
    const char *const ins[3] = {in0, in1, in2};
    node_of(w, op, NULL, ins, in2 ? 3 : in1 ? 2 : 1, &out, 1);
}

static void initializer(writer *w, const char *own, const mexpr_tensor_view *view)
{
    mexpr_builder_initializer(w->b, full_name(w, own).text, view, MEXPR_ROLE_CONSTANT);
}

static void constant(
    writer *w, const char *own, int64_t rows, int64_t cols, const float *values)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 2;
    view.dims[0] = rows;
    view.dims[1] = cols;
    view.data = values;
    initializer(w, own, &view);
}

static void axis(writer *w, const char *own, int64_t value)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_I64;
    view.rank = 1;
    view.dims[0] = 1;
    view.data = &value;
    initializer(w, own, &view);
}

static void number(writer *w, const char *own, float value)
{
    constant(w, own, 1, 1, &value);
}

/* Room for a table, or NULL with w->status set. */
static float *table(writer *w, int64_t rows, int64_t cols)
{
    float *values = mx_calloc(&w->c->scope, (size_t)rows * (size_t)cols, sizeof *values);
    if (!values)
        w->status = MEXPR_E_NOMEM;
    return values;
}

static void finish_table(
    writer *w, const char *name, int64_t rows, int64_t cols, float *values)
{
    if (values)
        constant(w, name, rows, cols, values);
    mx_free(w->c->scope.context, values);
}

/* --- decisions of pairs by ai.onnx.ml ---------------------------------------------- */

/* Vectors where the training rows were. */
static float *whole_vectors(writer *w)
{
    const mexpr_classifier *c = w->c;
    float *values = table(w, c->n_vectors, c->n_features);
    for (int64_t i = 0; values && i < c->n_vectors; i++)
        for (int64_t k = 0; k < c->n_features; k++)
            values[i * c->n_features + k] =
                c->vectors[i * c->n_features + k] + c->centre[k];
    return values;
}

static void floats_attribute(writer *w, const char *name, const double *from, int64_t n)
{
    float *values = table(w, n, 1);
    for (int64_t i = 0; values && i < n; i++)
        values[i] = (float)from[i];
    if (values)
        mexpr_builder_floats(w->b, name, values, (size_t)n);
    mx_free(w->c->scope.context, values);
}

static void machine_attributes(writer *w)
{
    const mexpr_classifier *c = w->c;
    const bool rbf = c->kernel.kind == MEXPR_KERNEL_RBF;
    const float kernel_params[3] = {rbf ? (float)c->kernel.gamma : 0, 0, 0};
    float *vectors = whole_vectors(w);
    mexpr_builder_string(w->b, "kernel_type", rbf ? "RBF" : "LINEAR");
    mexpr_builder_floats(w->b, "kernel_params", kernel_params, 3);
    floats_attribute(
        w, "coefficients", c->coefficients, (c->n_classes - 1) * c->n_vectors);
    floats_attribute(w, "rho", c->bias, mx_n_pairs(c->n_classes));
    if (vectors)
        mexpr_builder_floats(w->b, "support_vectors", vectors,
            (size_t)c->n_vectors * (size_t)c->n_features);
    mx_free(c->scope.context, vectors);
}

static void write_regressor(writer *w)
{
    const char *in = "features", *out = "decisions";
    machine_attributes(w);
    mexpr_builder_int(w->b, "n_supports", w->c->n_vectors);
    node_of(w, "SVMRegressor", "ai.onnx.ml", &in, 1, &out, 1);
}

static void write_classifier(writer *w)
{
    const char *in = "features", *const outs[2] = {"label", "decisions"};
    int64_t labels[1000]; /* the most classes there can be */
    for (int32_t k = 0; k < w->c->n_classes; k++)
        labels[k] = k;
    machine_attributes(w);
    mexpr_builder_ints(w->b, "classlabels_ints", labels, (size_t)w->c->n_classes);
    mexpr_builder_ints(
        w->b, "vectors_per_class", w->c->per_class, (size_t)w->c->n_classes);
    node_of(w, "SVMClassifier", "ai.onnx.ml", &in, 1, outs, 2);
}

/* --- similarities by plain operators ----------------------------------------------- */

static void write_rbf(writer *w)
{
    const mexpr_classifier *c = w->c;
    mexpr_builder_int(w->b, "transB", 1);
    mexpr_builder_float(w->b, "alpha", -2);
    node(w, "Gemm", "rows", "vectors", NULL, "products");
    constant(w, "norms", 1, c->n_vectors, c->norms);
    node(w, "Mul", "rows", "rows", NULL, "squares");
    axis(w, "axis", 1);
    node(w, "ReduceSum", "squares", "axis", NULL, "lengths");
    node(w, "Add", "products", "norms", NULL, "shifted");
    node(w, "Add", "shifted", "lengths", NULL, "rounded");
    node(w, "Relu", "rounded", NULL, NULL, "distances");
}

static void write_laplace(writer *w)
{
    axis(w, "middle", 1);
    axis(w, "last", 2);
    node(w, "Unsqueeze", "rows", "middle", NULL, "each");
    node(w, "Sub", "each", "vectors", NULL, "differences");
    node(w, "Abs", "differences", NULL, NULL, "sizes");
    mexpr_builder_int(w->b, "keepdims", 0);
    node(w, "ReduceSum", "sizes", "last", NULL, "distances");
}

/* "similar": batch × n_vectors. */
static void write_kernel(writer *w)
{
    const mexpr_classifier *c = w->c;
    constant(w, "centre", 1, c->n_features, c->centre);
    constant(w, "vectors", c->n_vectors, c->n_features, c->vectors);
    node(w, "Sub", "features", "centre", NULL, "rows");
    if (c->kernel.kind == MEXPR_KERNEL_RBF)
        write_rbf(w);
    else
        write_laplace(w);
    number(w, "rate", (float)-c->kernel.gamma);
    node(w, "Mul", "distances", "rate", NULL, "exponents");
    node(w, "Exp", "exponents", NULL, NULL, "similar");
}

/* --- scores ------------------------------------------------------------------------ */

/* Σ_i coefficient_i vector_i of every class: a plane needs no kernel. */
static void write_planes(writer *w)
{
    const mexpr_classifier *c = w->c;
    float *planes = table(w, c->n_classes, c->n_features);
    for (int32_t k = 0; planes && k < c->n_classes; k++)
        for (int64_t f = 0; f < c->n_features; f++) {
            double sum = 0;
            for (int64_t i = 0; i < c->n_vectors; i++)
                sum += c->coefficients[k * c->n_vectors + i] *
                       (double)c->vectors[i * c->n_features + f];
            planes[k * c->n_features + f] = (float)sum;
        }
    finish_table(w, "planes", c->n_classes, c->n_features, planes);
    mexpr_builder_int(w->b, "transB", 1);
    node(w, "Gemm", "features", "planes", "bias", "scores");
}

static void write_ridge(writer *w)
{
    const mexpr_classifier *c = w->c;
    float *weights = table(w, c->n_vectors, c->n_classes);
    float *bias = table(w, 1, c->n_classes);
    for (int32_t k = 0; weights && bias && k < c->n_classes; k++) {
        bias[k] = (float)c->bias[k];
        for (int64_t i = 0; i < c->n_vectors; i++)
            weights[i * c->n_classes + k] = (float)c->coefficients[k * c->n_vectors + i];
    }
    finish_table(w, "bias", 1, c->n_classes, bias);
    if (c->kernel.kind == MEXPR_KERNEL_LINEAR) {
        mx_free(c->scope.context, weights);
        write_planes(w);
        return;
    }
    finish_table(w, "weights", c->n_vectors, c->n_classes, weights);
    write_kernel(w);
    node(w, "Gemm", "similar", "weights", "bias", "scores");
}

/* Decisions as one product: column p has the coefficients of pair p. */
static void write_plain_pairs(writer *w)
{
    const mexpr_classifier *c = w->c;
    const int64_t n_pairs = mx_n_pairs(c->n_classes), n = c->n_vectors;
    float *weights = table(w, n, n_pairs), *bias = table(w, 1, n_pairs);
    int64_t from_a = 0, pair = 0;
    for (int32_t a = 0; weights && bias && a < c->n_classes;
         from_a += c->per_class[a++]) {
        int64_t from_b = from_a + c->per_class[a];
        for (int32_t b = a + 1; b < c->n_classes; from_b += c->per_class[b++], pair++) {
            bias[pair] = (float)c->bias[pair];
            for (int64_t i = from_a; i < from_a + c->per_class[a]; i++)
                weights[i * n_pairs + pair] = (float)c->coefficients[(b - 1) * n + i];
            for (int64_t i = from_b; i < from_b + c->per_class[b]; i++)
                weights[i * n_pairs + pair] = (float)c->coefficients[a * n + i];
        }
    }
    finish_table(w, "weights", n, n_pairs, weights);
    finish_table(w, "bias", 1, n_pairs, bias);
    write_kernel(w);
    node(w, "Gemm", "similar", "weights", "bias", "decisions");
}

/* See mexpr_classifier_scores(): a pair counts for its first class unless its decision is
 * below 0. */
static void write_votes(writer *w)
{
    const int32_t n_classes = w->c->n_classes;
    const int64_t n_pairs = mx_n_pairs(n_classes);
    float *signs = table(w, n_pairs, n_classes), *moves = table(w, n_pairs, n_classes);
    float *first = table(w, 1, n_classes);
    int64_t at = 0;
    for (int32_t a = 0; signs && moves && first && a < n_classes; a++)
        for (int32_t b = a + 1; b < n_classes; b++, at += n_classes) {
            signs[at + a] = moves[at + b] = 1;
            signs[at + b] = moves[at + a] = -1;
            first[a]++;
        }
    finish_table(w, "signs", n_pairs, n_classes, signs);
    finish_table(w, "moves", n_pairs, n_classes, moves);
    finish_table(w, "first", 1, n_classes, first);
    number(w, "zero", 0);
    number(w, "one", 1);
    number(w, "three", 3);
    node(w, "Less", "decisions", "zero", NULL, "lost");
    mexpr_builder_int(w->b, "to", MEXPR_DTYPE_F32);
    node(w, "Cast", "lost", NULL, NULL, "lost_number");
    node(w, "Gemm", "lost_number", "moves", "first", "votes");
    node(w, "MatMul", "decisions", "signs", NULL, "sums");
    node(w, "Abs", "sums", NULL, NULL, "sizes_of_sums");
    node(w, "Add", "sizes_of_sums", "one", NULL, "above_one");
    node(w, "Mul", "above_one", "three", NULL, "scale");
    node(w, "Div", "sums", "scale", NULL, "order");
    node(w, "Add", "votes", "order", NULL, "scores");
}

static void write_svm(writer *w)
{
    if (w->c->kernel.kind == MEXPR_KERNEL_LAPLACE)
        write_plain_pairs(w);
    else if (w->c->n_classes == 2)
        write_regressor(w);
    else
        write_classifier(w);
    if (w->c->n_classes > 2) {
        write_votes(w);
        return;
    }
    node(w, "Neg", "decisions", NULL, NULL, "opposite");
    mexpr_builder_int(w->b, "axis", 1);
    node(w, "Concat", "decisions", "opposite", NULL, "scores");
}

mexpr_status mx_classifier_write(mexpr_classifier *classifier, mexpr_builder *builder,
    const char *prefix, const char *in, const char *out)
{
    writer w = {classifier, builder, prefix, in, out, MEXPR_OK};
    if (classifier->o.method == MEXPR_CLASSIFIER_RIDGE)
        write_ridge(&w);
    else
        write_svm(&w);
    return w.status;
}

mexpr_status mexpr_classifier_model(mexpr_classifier *classifier, mexpr_model **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!classifier)
        return MEXPR_E_ARG;
    mx_scope *scope = &classifier->scope;
    mexpr_builder *builder;
    mexpr_status status = mexpr_builder_create(scope->context, "classifier", &builder);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "no network could be begun");
    const int64_t dims[2] = {-1, classifier->n_features};
    mexpr_builder_opset(builder, "ai.onnx.ml", 1);
    mexpr_builder_input(builder, "features", MEXPR_DTYPE_F32, 2, dims);
    status = mx_classifier_write(classifier, builder, "", "features", "scores");
    mexpr_builder_output(builder, "scores");
    if (status == MEXPR_OK) {
        status = mexpr_builder_finish(builder, out);
        if (status != MEXPR_OK)
            mx_fail(scope, status, "%s", mexpr_builder_last_error(builder));
    }
    mexpr_builder_destroy(&builder);
    return status;
}
