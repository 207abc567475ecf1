/* SPDX-License-Identifier: MIT */
/* Choosing, putting and moving elements, numbers and bits, Einsum: small cases worked out
 * by hand, larger ones against plain loops; and indices that do not exist. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

/* Loads and runs; returns the status, and checks the sentence. */
static void check_fails(onnx_message node, const input *inputs, int n, const char *part)
{
    onnx_model m = onnx_begin(18);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    for (int i = 0; i < n; i++) {
        const char name[2] = {(char)('a' + i), 0};
        onnx_input(&m, name, inputs[i].type, inputs[i].dims);
    }
    onnx_add(&m, &node);
    onnx_output(&m, "y", 0, NULL);
    onnx_end(&m);
    assert_ok(
        context, mexpr_model_load_memory(context, m.file.data, m.file.size, &model));
    onnx_destroy(&m);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int i = 0; i < n; i++) {
        const char name[2] = {(char)('a' + i), 0};
        const mexpr_tensor_view view = view_of(&inputs[i]);
        assert_int_equal(mexpr_session_set_input(session, name, &view), MEXPR_OK);
    }
    assert_int_equal(mexpr_session_run(session), MEXPR_E_SHAPE);
    if (!strstr(mexpr_session_last_error(session), part))
        fail_msg("'%s' has no '%s'", mexpr_session_last_error(session), part);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static onnx_message with_axis(const char *op, const char *inputs, int64_t axis)
{
    onnx_message node = plain(op, inputs);
    onnx_attr_int(&node, "axis", axis);
    return node;
}

static onnx_message scatter(const char *op, const char *reduction)
{
    onnx_message node = plain(op, "a b c");
    onnx_attr_text(&node, "reduction", reduction);
    return node;
}

static void gathering(void **state)
{
    (void)state;
    const input x = {F32, "2 3", FLOATS(1, 2, 3, 4, 5, 6), 0};
    check(13, with_axis("GatherElements", "a b", 1),
        INPUTS(x, {I64, "2 2", INTS(-1, 0, 1, 1), 0}), 2, F32, "2 2", FLOATS(3, 1, 5, 5));
    check(13, plain("GatherElements", "a b"), INPUTS(x, {I32, "1 2", SHORTS(1, 0), 0}), 2,
        F32, "1 2", FLOATS(4, 2));
    check(13, plain("GatherND", "a b"), INPUTS(x, {I64, "2 2", INTS(0, 1, -1, -1), 0}), 2,
        F32, "2", FLOATS(2, 6));
    check(13, plain("GatherND", "a b"), INPUTS(x, {I64, "1 1", INTS(1), 0}), 2, F32,
        "1 3", FLOATS(4, 5, 6));
    onnx_message node = plain("GatherND", "a b");
    onnx_attr_int(&node, "batch_dims", 1);
    check(13, node, INPUTS(x, {I64, "2 1", INTS(2, 0), 0}), 2, F32, "2", FLOATS(3, 4));
}

static void scattering(void **state)
{
    (void)state;
    const input x = {F32, "2 3", FLOATS(1, 2, 3, 4, 5, 6), 0};
    const input twice = {I64, "1 3", INTS(1, 1, -2), 0};
    const input updates = {F32, "1 3", FLOATS(10, 0, -2), 0};
    check(18, scatter("ScatterElements", "none"), INPUTS(x, twice, updates), 3, F32,
        "2 3", FLOATS(1, 2, -2, 10, 0, 6));
    check(18, scatter("ScatterElements", "add"), INPUTS(x, twice, updates), 3, F32, "2 3",
        FLOATS(1, 2, 1, 14, 5, 6));
    check(18, scatter("ScatterElements", "mul"), INPUTS(x, twice, updates), 3, F32, "2 3",
        FLOATS(1, 2, -6, 40, 0, 6));
    check(18, scatter("ScatterElements", "max"), INPUTS(x, twice, updates), 3, F32, "2 3",
        FLOATS(1, 2, 3, 10, 5, 6));
    check(18, scatter("ScatterElements", "min"), INPUTS(x, twice, updates), 3, F32, "2 3",
        FLOATS(1, 2, -2, 4, 0, 6));
    check(18, scatter("ScatterND", "add"),
        INPUTS({I32, "3", SHORTS(1, 2, 3), 0}, {I64, "3 1", INTS(0, 0, -1), 0},
            {I32, "3", SHORTS(5, 6, 7), 0}),
        3, I32, "3", SHORTS(12, 2, 10));
    check(18, scatter("ScatterND", "none"),
        INPUTS(x, {I64, "1 1", INTS(0), 0}, {F32, "1 3", FLOATS(7, 8, 9), 0}), 3, F32,
        "2 3", FLOATS(7, 8, 9, 4, 5, 6));
    check_refused(18, scatter("ScatterND", "mean"),
        INPUTS(x, {I64, "1 1", INTS(0), 0}, {F32, "1 3", NULL, 0}), 3, MEXPR_E_MODEL,
        "'mean'");
    check_refused(18, scatter("ScatterElements", "none"),
        INPUTS(x, {I64, "1 4", NULL, 0}, {F32, "1 4", NULL, 0}), 3, MEXPR_E_SHAPE, "1×4");
}

/* Every operator that takes indices, one past the end and one before the start, given
 * when running and constant. */
static void indices_that_do_not_exist(void **state)
{
    (void)state;
    static const struct {
        const char *op, *inputs, *dims;
    } cases[] = {{"Gather", "a b", "1"}, {"GatherElements", "a b", "1"},
        {"GatherND", "a b", "1 1"}, {"ScatterElements", "a b c", "1"},
        {"ScatterND", "a b c", "1 1"}};
    for (int i = 0; i < 5; i++) {
        for (int side = 0; side < 4; side++) {
            const int64_t index[4] = {3, -4, INT64_MAX, INT64_MIN};
            char part[64];
            snprintf(part, sizeof part, "index %lld", (long long)index[side]);
            const input x = {F32, "3", FLOATS(1, 2, 3), 0};
            const input at = {I64, cases[i].dims, &index[side], 0};
            const input u = {F32, "1", FLOATS(5), 0};
            const int n = i < 3 ? 2 : 3;
            check_fails(plain(cases[i].op, cases[i].inputs), INPUTS(x, at, u), n, part);
            const input cx = {F32, "3", FLOATS(1, 2, 3), 1};
            const input cat = {I64, cases[i].dims, &index[side], 1};
            const input cu = {F32, "1", FLOATS(5), 1};
            check_refused(18, plain(cases[i].op, cases[i].inputs), INPUTS(cx, cat, cu), n,
                MEXPR_E_SHAPE, part);
        }
    }
    check_fails(plain("ReverseSequence", "a b"),
        INPUTS({F32, "2 1", FLOATS(1, 2), 0}, {I64, "1", INTS(3), 0}), 2, "length of 3");
    check_fails(plain("CumSum", "a b"),
        INPUTS({F32, "2", FLOATS(1, 2), 0}, {I64, "", INTS(-2), 0}), 2, "axis -2");
}

static void other_moves(void **state)
{
    (void)state;
    check(13, plain("OneHot", "a b c"),
        INPUTS({I64, "3", INTS(1, -1, 3), 0}, {I64, "", INTS(3), 0},
            {I32, "2", SHORTS(0, 9), 0}),
        3, I32, "3 3", SHORTS(0, 9, 0, 0, 0, 9, 0, 0, 0));
    check(13, with_axis("OneHot", "a b c", 0),
        INPUTS({F32, "2", FLOATS(1, 0), 0}, {I64, "1", INTS(2), 0},
            {F32, "2", FLOATS(-1, 1), 0}),
        3, F32, "2 2", FLOATS(-1, 1, 1, -1));
    const input square = {U8, "3 3", BYTES(1, 2, 3, 4, 5, 6, 7, 8, 9), 0};
    check(14, plain("Trilu", "a"), INPUTS(square), 1, U8, "3 3",
        BYTES(1, 2, 3, 0, 5, 6, 0, 0, 9));
    onnx_message node = plain("Trilu", "a b");
    onnx_attr_int(&node, "upper", 0);
    check(14, node, INPUTS(square, {I64, "", INTS(-1), 0}), 2, U8, "3 3",
        BYTES(0, 0, 0, 4, 0, 0, 7, 8, 0));
    node = plain("EyeLike", "a");
    onnx_attr_int(&node, "dtype", I32);
    onnx_attr_int(&node, "k", 1);
    check(13, node, INPUTS({F32, "2 3", FLOATS(0, 0, 0, 0, 0, 0), 0}), 1, I32, "2 3",
        SHORTS(0, 1, 0, 0, 0, 1));
    node = plain("ReverseSequence", "a b");
    onnx_attr_int(&node, "batch_axis", 0);
    onnx_attr_int(&node, "time_axis", 1);
    check(13, node,
        INPUTS({I64, "2 3", INTS(1, 2, 3, 4, 5, 6), 0}, {I64, "2", INTS(2, 3), 0}), 2,
        I64, "2 3", INTS(2, 1, 3, 6, 5, 4));
    const input deep = {U8, "1 4 1 2", BYTES(0, 1, 2, 3, 4, 5, 6, 7), 0};
    node = plain("DepthToSpace", "a");
    onnx_attr_int(&node, "blocksize", 2);
    check(13, node, INPUTS(deep), 1, U8, "1 1 2 4", BYTES(0, 2, 1, 3, 4, 6, 5, 7));
    node = plain("SpaceToDepth", "a");
    onnx_attr_int(&node, "blocksize", 2);
    check(13, node, INPUTS({U8, "1 1 2 4", BYTES(0, 2, 1, 3, 4, 6, 5, 7), 0}), 1, U8,
        "1 4 1 2", deep.data);
    node = plain("SpaceToDepth", "a");
    onnx_attr_int(&node, "blocksize", 2);
    check_refused(
        13, node, INPUTS({F32, "1 1 3 4", NULL, 0}), 1, MEXPR_E_SHAPE, "blocks of 2");
    check(15, plain("CastLike", "a b"),
        INPUTS({F32, "2", FLOATS(-1.5f, 2.5f), 0}, {I64, "1", INTS(0), 0}), 2, I64, "2",
        INTS(-1, 2));
}

static void numbers_and_bits(void **state)
{
    (void)state;
    const input p = {I32, "5", SHORTS(7, -7, 7, -7, 5), 0};
    const input q = {I32, "5", SHORTS(3, 3, -3, -3, 0), 0};
    check(13, plain("Mod", "a b"), INPUTS(p, q), 2, I32, "5", SHORTS(1, 2, -2, -1, 0));
    onnx_message node = plain("Mod", "a b");
    onnx_attr_int(&node, "fmod", 1);
    check(13, node, INPUTS(p, q), 2, I32, "5", SHORTS(1, -1, 1, -1, 0));
    check(13, plain("Mod", "a b"),
        INPUTS({I64, "1", INTS(INT64_MIN), 0}, {I64, "1", INTS(-1), 0}), 2, I64, "1",
        INTS(0));
    check_refused(13, plain("Mod", "a b"),
        INPUTS({F32, "1", NULL, 0}, {F32, "1", NULL, 0}), 2, MEXPR_E_MODEL, "fmod");
    check(18, plain("BitwiseAnd", "a b"),
        INPUTS({I32, "2", SHORTS(6, -1), 0}, {I32, "1", SHORTS(3), 0}), 2, I32, "2",
        SHORTS(2, 3));
    check(18, plain("BitwiseXor", "a b"),
        INPUTS({U8, "2", BYTES(6, 255), 0}, {U8, "1", BYTES(3), 0}), 2, U8, "2",
        BYTES(5, 252));
    check(18, plain("BitwiseNot", "a"), INPUTS({I64, "2", INTS(0, 5), 0}), 1, I64, "2",
        INTS(-1, -6));
    node = plain("BitShift", "a b");
    onnx_attr_text(&node, "direction", "LEFT");
    check(11, node, INPUTS({U8, "3", BYTES(3, 255, 1), 0}, {U8, "3", BYTES(1, 4, 9), 0}),
        2, U8, "3", BYTES(6, 240, 0));
    node = plain("IsInf", "a");
    onnx_attr_int(&node, "detect_negative", 0);
    check(13, node, INPUTS({F32, "3", FLOATS(INFINITY, -INFINITY, NAN), 0}), 1, BOOL, "3",
        BYTES(1, 0, 0));
    check(13, plain("IsNaN", "a"), INPUTS({F32, "2", FLOATS(NAN, 1), 0}), 1, BOOL, "2",
        BYTES(1, 0));
    check(13, plain("Atanh", "a"), INPUTS({F32, "2", FLOATS(0.5f, 0), 0}), 1, F32, "2",
        FLOATS(0.549306144f, 0));
}

/* A tensor that would be larger than max_tensor_bytes is refused before it is made. */
static void limits(void **state)
{
    (void)state;
    const int64_t huge = (int64_t)1 << 40;
    check_refused(13, plain("Tile", "a b"),
        INPUTS({F32, "1", FLOATS(1), 1}, {I64, "1", &huge, 1}), 2, MEXPR_E_LIMIT,
        "limit");
    check_refused(13, plain("Expand", "a b"),
        INPUTS({F32, "1", FLOATS(1), 1}, {I64, "1", &huge, 1}), 2, MEXPR_E_LIMIT,
        "limit");
    check_refused(13, plain("Range", "a b c"),
        INPUTS({I64, "", INTS(0), 1}, {I64, "", &huge, 1}, {I64, "", INTS(1), 1}), 3,
        MEXPR_E_LIMIT, "limit");
    check_refused(13, plain("OneHot", "a b c"),
        INPUTS({I64, "1", INTS(0), 1}, {I64, "", &huge, 1}, {F32, "2", FLOATS(0, 1), 1}),
        3, MEXPR_E_LIMIT, "limit");
}

/* --- Einsum ------------------------------------------------------------------------ */

static onnx_message einsum(const char *equation, const char *inputs)
{
    onnx_message node = plain("Einsum", inputs);
    onnx_attr_text(&node, "equation", equation);
    return node;
}

static void einsums(void **state)
{
    (void)state;
    const input a = {F32, "2 2", FLOATS(1, 2, 3, 4), 0};
    const input v = {F32, "2", FLOATS(5, 7), 0};
    check(12, einsum("ij->ji", "a"), INPUTS(a), 1, F32, "2 2", FLOATS(1, 3, 2, 4));
    check(12, einsum("ii", "a"), INPUTS(a), 1, F32, "", FLOATS(5));
    check(12, einsum("ii->i", "a"), INPUTS(a), 1, F32, "2", FLOATS(1, 4));
    check(12, einsum("ij->", "a"), INPUTS(a), 1, F32, "", FLOATS(10));
    check(12, einsum(" i j , j -> i ", "a b"), INPUTS(a, v), 2, F32, "2", FLOATS(19, 43));
    check(12, einsum("ij,j", "a b"), INPUTS(a, v), 2, F32, "2", FLOATS(19, 43));
    check(12, einsum("i,j,k->ijk", "a a a"), INPUTS(v), 1, F32, "2 2 2",
        FLOATS(125, 175, 175, 245, 175, 245, 245, 343));
    check(12, einsum("...i,i->...", "a b"), INPUTS(a, v), 2, F32, "2", FLOATS(19, 43));
    check(12, einsum("ij,jk->ik", "a b"),
        INPUTS({I64, "1 2", INTS(1, 2), 0}, {I64, "2 1", INTS(3, 4), 0}), 2, I64, "1 1",
        INTS(11));
    check_refused(
        12, einsum("ij,jk->ik", "a"), INPUTS(a), 1, MEXPR_E_MODEL, "'ij,jk->ik'");
    check_refused(12, einsum("ij->ii", "a"), INPUTS(a), 1, MEXPR_E_MODEL, "'ij->ii'");
    check_refused(12, einsum("ijk", "a"), INPUTS(a), 1, MEXPR_E_MODEL, "'ijk'");
    check_refused(12, einsum("ij,j->i", "a b"), INPUTS(a, {F32, "3", NULL, 0}), 2,
        MEXPR_E_SHAPE, "sizes");
}

/* Attention's two products, which go through matrix products. */
static void attention_products(void **state)
{
    (void)state;
    enum { B = 2, H = 3, Q = 4, K = 5, D = 6 };
    mx_rng rng;
    mx_rng_seed(&rng, 3, 0);
    float *q = randoms(&rng, B * H * Q * D), *k = randoms(&rng, B * H * K * D);
    float y[B * H * Q * K], z[B * Q * H * D];
    for (int b = 0; b < B * H; b++) {
        for (int i = 0; i < Q; i++) {
            for (int j = 0; j < K; j++) {
                double sum = 0;
                for (int d = 0; d < D; d++)
                    sum +=
                        (double)q[(b * Q + i) * D + d] * (double)k[(b * K + j) * D + d];
                y[(b * Q + i) * K + j] = (float)sum;
            }
        }
    }
    check(12, einsum("bhid,bhjd->bhij", "a b"),
        INPUTS({F32, "2 3 4 6", q, 0}, {F32, "2 3 5 6", k, 0}), 2, F32, "2 3 4 5", y);
    for (int b = 0; b < B; b++) {
        for (int i = 0; i < Q; i++) {
            for (int h = 0; h < H; h++) {
                for (int d = 0; d < D; d++) {
                    double sum = 0;
                    for (int j = 0; j < K; j++)
                        sum += (double)y[((b * H + h) * Q + i) * K + j] *
                               (double)k[((b * H + h) * K + j) * D + d];
                    z[((b * Q + i) * H + h) * D + d] = (float)sum;
                }
            }
        }
    }
    check(12, einsum("bhij,bhjd->bihd", "a b"),
        INPUTS({F32, "2 3 4 5", y, 0}, {F32, "2 3 5 6", k, 0}), 2, F32, "2 4 3 6", z);
    free(q);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(gathering), TEST(scattering),
        TEST(indices_that_do_not_exist), TEST(other_moves), TEST(numbers_and_bits),
        TEST(limits), TEST(einsums), TEST(attention_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
