/* SPDX-License-Identifier: MIT */
/* Shapes that come out of running, and graphs that are settled when loading: If, Loop. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

static mexpr_status load(onnx_model *m, mexpr_model **model)
{
    onnx_end(m);
    const mexpr_status status =
        mexpr_model_load_memory(context, m->file.data, m->file.size, model);
    onnx_destroy(m);
    return status;
}

static void set(mexpr_session *session, const char *name, const input *in)
{
    const mexpr_tensor_view view = view_of(in);
    assert_int_equal(mexpr_session_set_input(session, name, &view), MEXPR_OK);
}

static void check_output(mexpr_session *session, const char *name, const input *want)
{
    mexpr_tensor_view got = MEXPR_TENSOR_VIEW_INIT;
    const mexpr_tensor_view w = view_of(want);
    assert_int_equal(mexpr_session_output(session, name, &got), MEXPR_OK);
    assert_int_equal(got.dtype, w.dtype);
    assert_int_equal(got.rank, w.rank);
    assert_memory_equal(got.dims, w.dims, sizeof w.dims);
    if (bytes_of(&w) > 0)
        assert_memory_equal(got.data, want->data, bytes_of(&w));
}

/* --- shapes that come out of running ----------------------------------------------- */

/* The numbers of x that are not 0, doubled, and how many there are. */
static mexpr_model *build_chosen(void)
{
    mexpr_model *model = NULL;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    onnx_simple(&m, "NonZero", "x", "where");
    onnx_simple(&m, "Add", "x x", "twice");
    onnx_simple(&m, "Transpose", "where", "list");
    onnx_simple(&m, "GatherND", "twice list", "picked");
    onnx_simple(&m, "Neg", "picked", "y");
    onnx_simple(&m, "Size", "picked", "n");
    onnx_output(&m, "y", F32, NULL);
    onnx_output(&m, "n", I64, NULL);
    assert_ok(context, load(&m, &model));
    return model;
}

static void as_many_as_there_are(void **state)
{
    (void)state;
    static const struct {
        float x[6], y[6];
        const char *dims;
        int64_t n;
    } cases[] = {
        {{1, 0, 2, 0, 0, 3}, {-2, -4, -6}, "3", 3},
        {{0, 4, 2, 0, 5, 0}, {-8, -4, -10}, "3", 3},
        {{0, 0, 0, 0, 0, 0}, {0}, "0", 0},
        {{1, 2, 3, 4, 5, 6}, {-2, -4, -6, -8, -10, -12}, "6", 6},
        {{0, 0, 0, 0, 0, 9}, {-18}, "1", 1},
    };
    mexpr_model *model = build_chosen();
    mexpr_session *session = NULL;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            set(session, NULL, &(input){F32, "2 3", cases[i].x, 0});
            assert_int_equal(mexpr_session_run(session), MEXPR_OK);
            check_output(session, "y", &(input){F32, cases[i].dims, cases[i].y, 0});
            check_output(session, "n", &(input){I64, "", &cases[i].n, 0});
        }
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

/* Other values, and places, but as many: nothing is allocated. */
static void warm_runs_allocate_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *counted = test_context(&heap, 1), *keep = context;
    context = counted;
    mexpr_model *model = build_chosen();
    mexpr_session *session = NULL;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    long warm = 0;
    for (int turn = 0; turn < 6; turn++) {
        float x[6] = {0};
        x[turn] = 1;
        x[(turn + 2) % 6] = 2;
        set(session, NULL, &(input){F32, "2 3", x, 0});
        assert_int_equal(mexpr_session_run(session), MEXPR_OK);
        warm = turn ? warm : heap.n_allocs;
        assert_int_equal(heap.n_allocs, warm);
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&counted);
    context = keep;
    assert_int_equal(heap.live_blocks, 0);
}

/* The shape of a Reshape and the k of a TopK computed while running. */
static void computed_shapes(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "N");
    onnx_input(&m, "rows", I64, "1");
    onnx_i64(&m, "one", "1", (const int64_t[]){1});
    onnx_i64(&m, "open", "1", (const int64_t[]){-1});
    onnx_simple(&m, "Relu", "x", "r");
    onnx_simple(&m, "Add", "rows one", "more");
    onnx_message node = onnx_node("Concat", "", "more open", "shape");
    onnx_attr_int(&node, "axis", 0);
    onnx_add(&m, &node);
    onnx_simple(&m, "Reshape", "r shape", "y");
    onnx_simple(&m, "TopK", "r more", "z where");
    onnx_output(&m, "y", F32, NULL);
    onnx_output(&m, "z", F32, NULL);
    assert_ok(context, load(&m, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    const float *x = FLOATS(1, -1, 4, 3, -2, 2), *r = FLOATS(1, 0, 4, 3, 0, 2);
    const float *top = FLOATS(4, 3, 2, 1, 0, 0);
    static const char *const dims[] = {"2 3", "3 2", "6 1", "3 2"};
    static const char *const tops[] = {"2", "3", "6", "3"};
    static const int64_t rows[] = {1, 2, 5, 2};
    for (int i = 0; i < 4; i++) {
        set(session, "x", &(input){F32, "6", x, 0});
        set(session, "rows", &(input){I64, "1", &rows[i], 0});
        assert_int_equal(mexpr_session_run(session), MEXPR_OK);
        check_output(session, "y", &(input){F32, dims[i], r, 0});
        check_output(session, "z", &(input){F32, tops[i], top, 0});
    }
    set(session, "x", &(input){F32, "6", x, 0});
    set(session, "rows", &(input){I64, "1", INTS(3), 0});
    assert_int_equal(mexpr_session_run(session), MEXPR_E_SHAPE);
    assert_non_null(strstr(mexpr_session_last_error(session), "Reshape"));
    set(session, "x", &(input){F32, "6", x, 0});
    set(session, "rows", &(input){I64, "1", INTS(1), 0});
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    check_output(session, "y", &(input){F32, "2 3", r, 0});
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static void each_dynamic_operator(void **state)
{
    (void)state;
    const input x = {F32, "2 2", FLOATS(0, 3, -1, 0), 0};
    check(13, plain("NonZero", "a"), INPUTS(x), 1, I64, "2 2", INTS(0, 1, 1, 0));
    check(
        13, plain("NonZero", "a"), INPUTS({BOOL, "", BYTES(1), 0}), 1, I64, "0 1", NULL);
    onnx_message node = plain("Compress", "a b");
    onnx_attr_int(&node, "axis", 1);
    check(11, node, INPUTS(x, {BOOL, "2", BYTES(0, 1), 0}), 2, F32, "2 1", FLOATS(3, 0));
    check(11, plain("Compress", "a b"), INPUTS(x, {BOOL, "3", BYTES(0, 1, 1), 0}), 2, F32,
        "2", FLOATS(3, -1));
    check_refused(11, plain("Compress", "a b"), INPUTS(x, {BOOL, "5", NULL, 0}), 2,
        MEXPR_E_SHAPE, "at most 4");
    const input repeats = {I32, "5", SHORTS(3, 1, 3, 2, 1), 0};
    check(11, plain("Unique", "a"), INPUTS(repeats), 1, I32, "3", SHORTS(1, 2, 3));
    check(11, onnx_node("Unique", "", "a", "v y i"), INPUTS(repeats), 1, I64, "3",
        INTS(1, 3, 0));
    check(11, onnx_node("Unique", "", "a", "v f y"), INPUTS(repeats), 1, I64, "5",
        INTS(2, 0, 2, 1, 0));
    check(11, onnx_node("Unique", "", "a", "v f i y"), INPUTS(repeats), 1, I64, "3",
        INTS(2, 1, 2));
    node = onnx_node("Unique", "", "a", "y");
    onnx_attr_int(&node, "sorted", 0);
    check(11, node, INPUTS(repeats), 1, I32, "3", SHORTS(3, 1, 2));
    node = onnx_node("Unique", "", "a", "y");
    onnx_attr_int(&node, "axis", 0);
    check(11, node, INPUTS({U8, "3 2", BYTES(2, 1, 1, 5, 2, 1), 0}), 1, U8, "2 2",
        BYTES(1, 5, 2, 1));
}

static void suppression(void **state)
{
    (void)state;
    /* Two of three boxes overlap by a half: 1/3 of their union. */
    const input boxes = {
        F32, "1 3 4", FLOATS(0, 0, 1, 1, 1, 0.5f, 0, 1.5f, 5, 5, 6, 6), 0};
    const input scores = {F32, "1 1 3", FLOATS(0.5f, 0.9f, 0.7f), 0};
    const input most = {I64, "1", INTS(3), 0}, least = {F32, "", FLOATS(0.6f), 0};
    const input low = {F32, "1", FLOATS(0.3f), 0}, high = {F32, "1", FLOATS(0.4f), 0};
    check(11, plain("NonMaxSuppression", "a b c d"), INPUTS(boxes, scores, most, low), 4,
        I64, "2 3", INTS(0, 0, 1, 0, 0, 2));
    check(11, plain("NonMaxSuppression", "a b c d"), INPUTS(boxes, scores, most, high), 4,
        I64, "3 3", INTS(0, 0, 1, 0, 0, 2, 0, 0, 0));
    check(11, plain("NonMaxSuppression", "a b c d e"),
        INPUTS(boxes, scores, most, high, least), 5, I64, "2 3", INTS(0, 0, 1, 0, 0, 2));
    check(11, plain("NonMaxSuppression", "a b"), INPUTS(boxes, scores), 2, I64, "0 3",
        NULL);
    check_refused(11, plain("NonMaxSuppression", "a b"),
        INPUTS(boxes, {F32, "1 1 4", NULL, 0}), 2, MEXPR_E_SHAPE, "scores of 1×1×4");
}

/* --- If and Loop ------------------------------------------------------------------- */

/* A graph of one node; names of its inputs and outputs separated by blanks. */
static onnx_message graph_of(onnx_message node, const char *inputs, const char *outputs)
{
    onnx_message graph = {0};
    const char *const lists[] = {inputs, outputs};
    onnx_put(&graph, 1, &node);
    for (int i = 0; i < 2; i++) {
        char names[64];
        snprintf(names, sizeof names, "%s", lists[i]);
        for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
            onnx_message info = {0};
            onnx_text(&info, 1, name);
            onnx_put(&graph, 11 + i, &info);
        }
    }
    return graph;
}

static onnx_message branch(const char *op, const char *from)
{
    return graph_of(onnx_node(op, "inner", from, "result"), "", "result");
}

static onnx_message if_node(onnx_message then, onnx_message other)
{
    onnx_message node = onnx_node("If", "choice", "c", "y");
    onnx_attr_graph(&node, "then_branch", &then);
    onnx_attr_graph(&node, "else_branch", &other);
    return node;
}

static onnx_model if_model(int constant)
{
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2");
    if (constant < 0) {
        onnx_input(&m, "c", BOOL, "");
    } else {
        const uint8_t c = (uint8_t)constant;
        onnx_message t = onnx_tensor("c", BOOL, "", &c, 1);
        onnx_put(&m.graph, 5, &t);
    }
    return m;
}

static void check_run(onnx_model *m, const float *x, const float *want)
{
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    assert_ok(context, load(m, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    set(session, "x", &(input){F32, "2", x, 0});
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    check_output(session, "y", &(input){F32, "2", want, 0});
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

/* The branch not taken may be impossible: here x cannot be transposed so. */
static void branches(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        onnx_message bad = onnx_node("Transpose", "bad", "x", "result");
        onnx_attr_ints(&bad, "perm", "1 0 2");
        onnx_message impossible = graph_of(bad, "", "result");
        onnx_message good = branch("Neg", "x");
        onnx_model m = if_model(c);
        onnx_message node = c ? if_node(good, impossible) : if_node(impossible, good);
        onnx_add(&m, &node);
        onnx_output(&m, "y", F32, NULL);
        check_run(&m, FLOATS(1, -2), FLOATS(-1, 2));
    }
    /* One If in another, with a name of its own for what has the same name outside. */
    onnx_model m = if_model(1);
    onnx_message inner = if_node(branch("Neg", "x"), branch("Abs", "x"));
    onnx_message node = if_node(graph_of(inner, "", "y"), branch("Exp", "x"));
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    check_run(&m, FLOATS(1, -2), FLOATS(-1, 2));
}

static void refused_branches(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    onnx_model m = if_model(-1);
    onnx_message node = if_node(branch("Neg", "x"), branch("Abs", "x"));
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "'choice' (If)");
    m = if_model(1);
    node = onnx_node("If", "choice", "c", "y");
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_failure(context, load(&m, &model), MEXPR_E_MODEL, "else_branch");
    m = if_model(1);
    node = if_node(branch("Neg", "x"), branch("Abs", "nowhere"));
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_failure(context, load(&m, &model), MEXPR_E_MODEL, "nowhere");
    onnx_message deep = branch("Neg", "x");
    for (int i = 0; i < 12; i++) {
        onnx_message around = if_node(deep, branch("Abs", "x"));
        deep = graph_of(around, "", "y");
    }
    m = if_model(1);
    node = if_node(deep, branch("Abs", "x"));
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_failure(context, load(&m, &model), MEXPR_E_LIMIT, "inside each other");
}

/* Nor need its operators be known, whatever their attributes: here with a graph. */
static void unknown_branch(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        onnx_message fancy = onnx_node("Fancy", "fancy", "x", "result");
        onnx_message body = branch("Neg", "x");
        onnx_attr_graph(&fancy, "body", &body);
        onnx_model m = if_model(1);
        onnx_message strange = graph_of(fancy, "", "result"), good = branch("Neg", "x");
        onnx_message node = c ? if_node(good, strange) : if_node(strange, good);
        onnx_add(&m, &node);
        onnx_output(&m, "y", F32, NULL);
        mexpr_model *model = NULL;
        if (c)
            check_run(&m, FLOATS(1, -2), FLOATS(-1, 2));
        else
            assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR,
                "node 'fancy' (Fancy): the operator 'Fancy' of the domain 'ai.onnx' is "
                "not known");
    }
}

/* v = v + x, while the iteration's number is below `stop`; v each time as well. */
static onnx_model loop_model(int64_t trips, int64_t stop, bool with_scan)
{
    onnx_model m = onnx_begin(13);
    onnx_message body = graph_of(onnx_node("Add", "", "v x", "next"), "i c v", "go next");
    onnx_message less = onnx_node("Less", "", "i stop", "go");
    onnx_put(&body, 1, &less);
    onnx_message number = onnx_tensor("stop", I64, "", &stop, sizeof stop);
    onnx_put(&body, 5, &number);
    if (with_scan) {
        onnx_message same = onnx_node("Identity", "", "next", "each"), info = {0};
        onnx_put(&body, 1, &same);
        onnx_text(&info, 1, "each");
        onnx_put(&body, 12, &info);
    }
    onnx_input(&m, "x", F32, "2");
    if (trips >= 0)
        onnx_i64(&m, "trips", "", &trips);
    else
        onnx_input(&m, "trips", I64, "");
    onnx_message node =
        onnx_node("Loop", "repeat", "trips - x", with_scan ? "y all" : "y");
    onnx_attr_graph(&node, "body", &body);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    if (with_scan)
        onnx_output(&m, "all", F32, NULL);
    return m;
}

static void loops(void **state)
{
    (void)state;
    static const struct {
        int64_t trips, stop;
        float factor;
    } cases[] = {{3, 9, 4}, {5, 1, 3}, {0, 9, 1}, {1, 0, 2}};
    for (int i = 0; i < 4; i++) {
        onnx_model m = loop_model(cases[i].trips, cases[i].stop, false);
        check_run(&m, FLOATS(1, -2), FLOATS(cases[i].factor, -2 * cases[i].factor));
    }
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    onnx_model m = loop_model(2, 9, true);
    assert_ok(context, load(&m, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    set(session, NULL, &(input){F32, "2", FLOATS(1, 5), 0});
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    check_output(session, "all", &(input){F32, "2 2", FLOATS(2, 10, 3, 15), 0});
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

/* --- Scan -------------------------------------------------------------------------- */

/* sum = sum + x; sum each time as well. */
static onnx_model scan_model(int64_t opset, bool computed, const char *dims)
{
    onnx_model m = onnx_begin(opset);
    onnx_message body = {0}, out = {0}, node;
    onnx_message in[2] = {{0}, {0}};
    onnx_input(&m, "start", F32, "2");
    onnx_input(&m, "x", F32, dims);
    node = onnx_node("Add", "", "sum item", "next");
    onnx_put(&body, 1, &node);
    node = onnx_node("Identity", "", "next", "each");
    onnx_put(&body, 1, &node);
    onnx_text(&in[0], 1, "sum");
    onnx_text(&in[1], 1, "item");
    for (int i = 0; i < 2; i++)
        onnx_put(&body, 11, &in[i]);
    onnx_text(&out, 1, "next");
    onnx_put(&body, 12, &out);
    onnx_text(&out, 1, "each");
    onnx_put(&body, 12, &out);
    if (computed)
        onnx_simple(&m, "Neg", "x", "items");
    node = onnx_node("Scan", "scan", computed ? "start items" : "start x", "end y");
    onnx_attr_graph(&node, "body", &body);
    onnx_attr_int(&node, "num_scan_inputs", 1);
    onnx_attr_ints(&node, "scan_input_directions", computed ? "1" : "0");
    onnx_attr_ints(&node, "scan_output_axes", computed ? "1" : "0");
    onnx_add(&m, &node);
    onnx_output(&m, "end", F32, NULL);
    onnx_output(&m, "y", F32, NULL);
    return m;
}

static void scans(void **state)
{
    (void)state;
    static const int64_t opsets[] = {9, 11, 13, 17};
    for (int i = 0; i < 8; i++) {
        const bool computed = i % 2;
        onnx_model m = scan_model(opsets[i / 2], computed, "3 2");
        mexpr_model *model = NULL;
        mexpr_session *session = NULL;
        assert_ok(context, load(&m, &model));
        assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
        set(session, "start", &(input){F32, "2", FLOATS(10, 20), 0});
        set(session, "x", &(input){F32, "3 2", FLOATS(1, 2, 3, 4, 5, 6), 0});
        assert_int_equal(mexpr_session_run(session), MEXPR_OK);
        if (!computed) {
            check_output(session, "end", &(input){F32, "2", FLOATS(19, 32), 0});
            check_output(
                session, "y", &(input){F32, "3 2", FLOATS(11, 22, 14, 26, 19, 32), 0});
        } else { /* from the last element on, results side by side */
            check_output(session, "end", &(input){F32, "2", FLOATS(1, 8), 0});
            check_output(
                session, "y", &(input){F32, "2 3", FLOATS(5, 2, 1, 14, 10, 8), 0});
        }
        mexpr_session_destroy(&session);
        mexpr_model_destroy(&model);
    }
}

static void refused_scans(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    onnx_model m = scan_model(13, false, "N 2");
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR,
        "'scan' (Scan): how often it runs is not known");
    m = scan_model(8, false, "3 2");
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "before opset 9");
    m = scan_model(13, true, "99999999 2");
    assert_failure(context, load(&m, &model), MEXPR_E_LIMIT, "max_nodes");
    m = scan_model(13, false, "0 2");
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "is never");
}

static void refused_loops(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    onnx_model m = loop_model(-1, 9, false);
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "'repeat' (Loop)");
    m = loop_model(INT64_MAX, 9, false);
    assert_failure(context, load(&m, &model), MEXPR_E_LIMIT, "unrolled");
    m = loop_model(5, 1, true);
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "does not run");
    m = loop_model(0, 1, true);
    assert_failure(context, load(&m, &model), MEXPR_E_OPERATOR, "no iterations");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_many_as_there_are),
        TEST(warm_runs_allocate_nothing), TEST(computed_shapes),
        TEST(each_dynamic_operator), TEST(suppression), TEST(branches),
        TEST(refused_branches), TEST(unknown_branch), TEST(loops), TEST(refused_loops),
        TEST(scans), TEST(refused_scans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
