/* SPDX-License-Identifier: MIT */
#include "operator_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mexpr_context *context;

int set_up(void **state)
{
    (void)state;
    context = test_context(NULL, 1);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    mexpr_context_destroy(&context);
    return 0;
}

mexpr_tensor_view view_of(const input *in)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    char *end;
    view.dtype = in->type;
    for (const char *c = in->dims; *c; c = end) {
        const long long dim = strtoll(c, &end, 10);
        if (end == c)
            break;
        view.dims[view.rank++] = dim;
    }
    view.data = in->data;
    return view;
}

size_t bytes_of(const mexpr_tensor_view *view)
{
    size_t bytes = mexpr_dtype_bytes((mexpr_dtype)view->dtype);
    for (int i = 0; i < view->rank; i++)
        bytes *= (size_t)view->dims[i];
    return bytes;
}

/* The model of one node. */
static mexpr_status load(
    int64_t opset, onnx_message *node, const input *inputs, int n, mexpr_model **model)
{
    onnx_model m = onnx_begin(opset);
    for (int i = 0; i < n; i++) {
        const char name[2] = {(char)('a' + i), 0};
        const mexpr_tensor_view view = view_of(&inputs[i]);
        if (inputs[i].is_constant) {
            onnx_message t = onnx_tensor(
                name, inputs[i].type, inputs[i].dims, inputs[i].data, bytes_of(&view));
            onnx_put(&m.graph, 5, &t);
        } else {
            onnx_input(&m, name, inputs[i].type, inputs[i].dims);
        }
    }
    onnx_add(&m, node);
    onnx_output(&m, "y", 0, NULL);
    onnx_end(&m);
    const mexpr_status status =
        mexpr_model_load_memory(context, m.file.data, m.file.size, model);
    onnx_destroy(&m);
    return status;
}

result run(int64_t opset, onnx_message *node, const input *inputs, int n)
{
    result r = {NULL, NULL, MEXPR_TENSOR_VIEW_INIT};
    assert_ok(context, load(opset, node, inputs, n, &r.model));
    assert_int_equal(mexpr_session_create(r.model, &r.session), MEXPR_OK);
    for (int i = 0; i < n; i++) {
        const char name[2] = {(char)('a' + i), 0};
        const mexpr_tensor_view view = view_of(&inputs[i]);
        if (!inputs[i].is_constant &&
            mexpr_session_set_input(r.session, name, &view) != MEXPR_OK)
            fail_msg("%s", mexpr_session_last_error(r.session));
    }
    if (mexpr_session_run(r.session) != MEXPR_OK)
        fail_msg("%s", mexpr_session_last_error(r.session));
    assert_int_equal(mexpr_session_output(r.session, "y", &r.view), MEXPR_OK);
    return r;
}

void done(result *r)
{
    mexpr_session_destroy(&r->session);
    mexpr_model_destroy(&r->model);
}

void check(int64_t opset, onnx_message node, input *inputs, int n, int type,
    const char *dims, const void *want)
{
    const input expected = {type, dims, want, false};
    const mexpr_tensor_view w = view_of(&expected);
    for (int constant = 0; constant < 2; constant++) {
        onnx_message again = {malloc(node.size), node.size, node.size};
        assert_non_null(again.data);
        memcpy(again.data, node.data, node.size);
        for (int i = 0; i < n; i++)
            inputs[i].is_constant = constant;
        result r = run(opset, &again, inputs, n);
        assert_int_equal(r.view.dtype, type);
        assert_int_equal(r.view.rank, w.rank);
        assert_memory_equal(r.view.dims, w.dims, sizeof w.dims);
        for (size_t i = 0; i < bytes_of(&w) / mexpr_dtype_bytes((mexpr_dtype)type); i++) {
            if (type != F32)
                continue;
            const float a = ((const float *)want)[i];
            const float b = ((const float *)r.view.data)[i];
            if (!(fabsf(a - b) <= 2e-6f * fmaxf(1, fabsf(a))) && a != b &&
                !(isnan(a) && isnan(b)))
                fail_msg("element %zu is %.9g, not %.9g", i, (double)b, (double)a);
        }
        if (type != F32 && bytes_of(&w) > 0)
            assert_memory_equal(r.view.data, want, bytes_of(&w));
        done(&r);
    }
    onnx_free(&node);
}

onnx_message plain(const char *op, const char *inputs)
{
    return onnx_node(op, "", inputs, "y");
}

void check_refused(int64_t opset, onnx_message node, const input *inputs, int n,
    mexpr_status status, const char *part)
{
    mexpr_model *model = NULL;
    assert_failure(context, load(opset, &node, inputs, n, &model), status, part);
    assert_null(model);
}

float *randoms(mx_rng *rng, size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)mx_rng_normal(rng);
    return x;
}

int64_t below(mx_rng *rng, uint32_t n)
{
    return (int64_t)mx_rng_below(rng, n);
}

void list(char *to, size_t size, const int64_t *values, int n)
{
    to[0] = '\0';
    for (int i = 0; i < n; i++)
        snprintf(to + strlen(to), size - strlen(to), "%lld ", (long long)values[i]);
}
