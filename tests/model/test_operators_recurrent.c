/* SPDX-License-Identifier: MIT */
/* RNN, GRU and LSTM against the equations of the ONNX operators, one number at a time in
 * double precision, and what they refuse. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

enum { X, W, R, B, LENGTHS, H0, C0, P, N_INPUTS };
enum { MAX_HIDDEN = 8, MAX_GATES = 4 };

typedef struct recurrent {
    const char *op, *direction, *activations;
    int gates, directions;
    int64_t steps, batch, size, hidden;
    bool batch_first, reset_after, couples;
    double clip;
    bool given[N_INPUTS];
    float *data[N_INPUTS];
    int32_t lengths[4];
    double *y, *y_h, *y_c; /* as the operator lays them out */
} recurrent;

/* --- equations --------------------------------------------------------------------- */

/* Function `index` of the list; the alphas and betas of the parametric ones are those
 * that put_attributes() writes. */
static double activate(const recurrent *c, int index, double x)
{
    char name[24] = "";
    const char *at = c->activations;
    for (int i = 0; at && i <= index; i++) {
        int length = 0;
        sscanf(at, "%23s%n", name, &length);
        at += length;
    }
    const int in_cell = index % (c->gates == 1 ? 1 : c->gates - 1);
    if (!at)
        strcpy(name, c->gates == 1 || in_cell > 0 ? "Tanh" : "Sigmoid");
    return strcmp(name, "Sigmoid") == 0           ? 1 / (1 + exp(-x))
           : strcmp(name, "Tanh") == 0            ? tanh(x)
           : strcmp(name, "Relu") == 0            ? fmax(x, 0)
           : strcmp(name, "Affine") == 0          ? 0.5 * x + 0.25
           : strcmp(name, "LeakyRelu") == 0       ? (x < 0 ? 0.5 * x : x)
           : strcmp(name, "ThresholdedRelu") == 0 ? (x > 0.5 ? x : 0)
           : strcmp(name, "ScaledTanh") == 0      ? 0.5 * tanh(0.25 * x)
           : strcmp(name, "HardSigmoid") == 0     ? fmin(1, fmax(0, 0.5 * x + 0.25))
           : strcmp(name, "Elu") == 0             ? (x < 0 ? 0.5 * expm1(x) : x)
           : strcmp(name, "Softsign") == 0        ? x / (1 + fabs(x))
                                                  : log1p(exp(x));
}

static double at(const recurrent *c, int which, int64_t index)
{
    return c->given[which] ? (double)c->data[which][index] : 0;
}

static double clipped(const recurrent *c, double x)
{
    return c->clip > 0 ? fmin(c->clip, fmax(-c->clip, x)) : x;
}

typedef struct place {
    int64_t d, b, t;
} place;

/* What row `row` of gate `gate` makes of X. */
static double from_x(const recurrent *c, const place *p, int gate, int64_t row)
{
    const int64_t n = c->gates * c->hidden, r = p->d * n + gate * c->hidden + row;
    const int64_t x = c->batch_first ? p->b * c->steps + p->t : p->t * c->batch + p->b;
    double sum = at(c, B, p->d * 2 * n + gate * c->hidden + row);
    for (int64_t i = 0; i < c->size; i++)
        sum += at(c, W, r * c->size + i) * at(c, X, x * c->size + i);
    return sum;
}

/* The same of a state. */
static double from_h(
    const recurrent *c, const place *p, int gate, int64_t row, const double *h)
{
    const int64_t n = c->gates * c->hidden, r = p->d * n + gate * c->hidden + row;
    double sum = at(c, B, p->d * 2 * n + n + gate * c->hidden + row);
    for (int64_t i = 0; i < c->hidden; i++)
        sum += at(c, R, r * c->hidden + i) * h[i];
    return sum;
}

static double gate_of(const recurrent *c, const place *p, int gate, int64_t row,
    const double *h, int function, double peephole)
{
    const int n = c->gates == 1 ? 1 : c->gates - 1;
    const double x = from_x(c, p, gate, row) + from_h(c, p, gate, row, h) + peephole;
    return activate(c, (int)p->d * n + function, clipped(c, x));
}

static void gru_cell(const recurrent *c, const place *p, double *h)
{
    double z[MAX_HIDDEN], r[MAX_HIDDEN], rh[MAX_HIDDEN], next[MAX_HIDDEN];
    for (int64_t i = 0; i < c->hidden; i++) {
        z[i] = gate_of(c, p, 0, i, h, 0, 0);
        r[i] = gate_of(c, p, 1, i, h, 0, 0);
        rh[i] = r[i] * h[i];
    }
    for (int64_t i = 0; i < c->hidden; i++) {
        const double state =
            c->reset_after ? r[i] * from_h(c, p, 2, i, h) : from_h(c, p, 2, i, rh);
        const double candidate =
            activate(c, (int)p->d * 2 + 1, clipped(c, from_x(c, p, 2, i) + state));
        next[i] = (1 - z[i]) * candidate + z[i] * h[i];
    }
    memcpy(h, next, sizeof next);
}

static void lstm_cell(const recurrent *c, const place *p, double *h, double *cell)
{
    double next[MAX_HIDDEN];
    const int64_t peep = p->d * 3 * c->hidden;
    for (int64_t k = 0; k < c->hidden; k++) {
        const double i = gate_of(c, p, 0, k, h, 0, at(c, P, peep + k) * cell[k]);
        const double f = c->couples ? 1 - i
                                    : gate_of(c, p, 2, k, h, 0,
                                          at(c, P, peep + 2 * c->hidden + k) * cell[k]);
        cell[k] = f * cell[k] + i * gate_of(c, p, 3, k, h, 1, 0);
        const double o =
            gate_of(c, p, 1, k, h, 0, at(c, P, peep + c->hidden + k) * cell[k]);
        next[k] = o * activate(c, (int)p->d * 3 + 2, cell[k]);
    }
    memcpy(h, next, sizeof next);
}

static void rnn_cell(const recurrent *c, const place *p, double *h)
{
    double next[MAX_HIDDEN];
    for (int64_t i = 0; i < c->hidden; i++)
        next[i] = gate_of(c, p, 0, i, h, 0, 0);
    memcpy(h, next, sizeof next);
}

/* One sequence in one direction. */
static void sequence(const recurrent *c, int64_t d, int64_t b)
{
    const int64_t h = c->hidden;
    const int64_t state = (c->batch_first ? b * c->directions + d : d * c->batch + b) * h;
    const int64_t length = c->given[LENGTHS] ? c->lengths[b] : c->steps;
    const bool is_reverse = d == 1 || strcmp(c->direction, "reverse") == 0;
    double hidden[MAX_HIDDEN], cell[MAX_HIDDEN];
    for (int64_t i = 0; i < h; i++) {
        hidden[i] = at(c, H0, state + i);
        cell[i] = at(c, C0, state + i);
    }
    for (int64_t s = 0; s < length; s++) {
        const place p = {d, b, is_reverse ? length - 1 - s : s};
        if (c->gates == 1)
            rnn_cell(c, &p, hidden);
        else if (c->gates == 3)
            gru_cell(c, &p, hidden);
        else
            lstm_cell(c, &p, hidden, cell);
        const int64_t y = c->batch_first ? (b * c->steps + p.t) * c->directions + d
                                         : (p.t * c->directions + d) * c->batch + b;
        memcpy(c->y + y * h, hidden, (size_t)h * sizeof *hidden);
    }
    for (int64_t i = 0; i < h; i++) {
        c->y_h[state + i] = length > 0 ? hidden[i] : 0;
        c->y_c[state + i] = length > 0 ? cell[i] : 0;
    }
}

/* --- running ----------------------------------------------------------------------- */

static void put_attributes(const recurrent *c, onnx_message *node)
{
    static const float alphas[] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    static const float betas[] = {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f};
    onnx_attr_int(node, "hidden_size", c->hidden);
    onnx_attr_text(node, "direction", c->direction);
    onnx_attr_int(node, "layout", c->batch_first);
    if (c->clip > 0)
        onnx_attr_float(node, "clip", (float)c->clip);
    if (c->reset_after)
        onnx_attr_int(node, "linear_before_reset", 1);
    if (c->couples)
        onnx_attr_int(node, "input_forget", 1);
    if (!c->activations)
        return;
    onnx_attr_texts(node, "activations", c->activations);
    onnx_attr_floats(node, "activation_alpha", alphas, 6);
    onnx_attr_floats(node, "activation_beta", betas, 6);
}

static void compare(
    const recurrent *c, const char *outputs, const double *want, int64_t n)
{
    const int64_t dims[N_INPUTS][4] = {
        [X] = {3, c->batch_first ? c->batch : c->steps,
            c->batch_first ? c->steps : c->batch, c->size},
        [W] = {3, c->directions, c->gates * c->hidden, c->size},
        [R] = {3, c->directions, c->gates * c->hidden, c->hidden},
        [B] = {2, c->directions, 2 * c->gates * c->hidden},
        [LENGTHS] = {1, c->batch},
        [H0] = {3, c->batch_first ? c->batch : c->directions,
            c->batch_first ? c->directions : c->batch, c->hidden},
        [C0] = {3, c->batch_first ? c->batch : c->directions,
            c->batch_first ? c->directions : c->batch, c->hidden},
        [P] = {2, c->directions, 3 * c->hidden},
    };
    char texts[N_INPUTS][64], names[32] = "";
    input inputs[N_INPUTS];
    int count = 0;
    for (int i = 0; i < (c->gates == 4 ? N_INPUTS : C0); i++) {
        const char name[3] = {c->given[i] ? (char)('a' + count) : '-', ' ', 0};
        strcat(names, name);
        if (!c->given[i])
            continue;
        list(texts[i], sizeof texts[i], dims[i] + 1, (int)dims[i][0]);
        inputs[count++] = (input){i == LENGTHS ? I32 : F32, texts[i],
            i == LENGTHS ? (const void *)c->lengths : c->data[i], i == W || i == R};
    }
    onnx_message node = onnx_node(c->op, "", names, outputs);
    put_attributes(c, &node);
    result r = run(14, &node, inputs, count);
    const float *got = r.view.data;
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= 2e-5 * fmax(1, fabs(want[i]))))
            fail_msg("%s %s, element %lld is %.9g, not %.9g", c->op, outputs,
                (long long)i, (double)got[i], want[i]);
    }
    done(&r);
}

static void check_case(mx_rng *rng, recurrent *c)
{
    const int64_t d = c->directions, h = c->hidden, g = c->gates * h;
    const int64_t counts[N_INPUTS] = {[X] = c->steps * c->batch * c->size,
        [W] = d * g * c->size,
        [R] = d * g * h,
        [B] = 2 * d * g,
        [H0] = d * c->batch * h,
        [C0] = d * c->batch * h,
        [P] = 3 * d * h};
    const int64_t n_y = c->steps * d * c->batch * h, n_state = d * c->batch * h;
    for (int i = 0; i < N_INPUTS; i++)
        c->data[i] = randoms(rng, (size_t)counts[i]);
    for (int64_t i = 0; i < counts[R]; i++)
        c->data[R][i] *= 0.5f;
    c->y = calloc((size_t)n_y + 1, sizeof *c->y);
    c->y_h = calloc((size_t)n_state + 1, sizeof *c->y_h);
    c->y_c = calloc((size_t)n_state + 1, sizeof *c->y_c);
    assert_true(c->y && c->y_h && c->y_c);
    for (int64_t i = 0; i < d * c->batch; i++)
        sequence(c, i / c->batch, i % c->batch);
    compare(c, "y", c->y, n_y);
    compare(c, "- y", c->y_h, n_state);
    if (c->gates == 4)
        compare(c, "rest - y", c->y_c, n_state);
    for (int i = 0; i < N_INPUTS; i++)
        free(c->data[i]);
    free(c->y);
    free(c->y_h);
    free(c->y_c);
}

static void random_cases(const char *op, int gates)
{
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    mx_rng rng;
    mx_rng_seed(&rng, 7, (uint64_t)gates);
    for (int i = 0; i < 48; i++) {
        recurrent c = {.op = op, .gates = gates, .direction = directions[i % 3]};
        c.directions = 1 + (i % 3 == 2);
        c.steps = 1 + below(&rng, 5);
        c.batch = 1 + below(&rng, 3);
        c.size = 1 + below(&rng, 6);
        c.hidden = 1 + below(&rng, MAX_HIDDEN);
        c.batch_first = below(&rng, 2);
        c.reset_after = gates == 3 && below(&rng, 2);
        c.couples = gates == 4 && below(&rng, 4) == 0;
        c.clip = below(&rng, 3) == 0 ? 0.5 : 0;
        for (int k = 0; k < N_INPUTS; k++)
            c.given[k] = k <= R || below(&rng, 2);
        for (int64_t b = 0; b < c.batch; b++)
            c.lengths[b] = (int32_t)below(&rng, (uint32_t)c.steps + 1);
        check_case(&rng, &c);
    }
}

static void simple(void **state)
{
    (void)state;
    random_cases("RNN", 1);
}

static void gru(void **state)
{
    (void)state;
    random_cases("GRU", 3);
}

static void lstm(void **state)
{
    (void)state;
    random_cases("LSTM", 4);
}

/* Every function once, alphas and betas from the lists. */
static void functions(void **state)
{
    (void)state;
    static const char *const names[] = {"Sigmoid", "Tanh", "Relu", "Affine", "LeakyRelu",
        "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"};
    mx_rng rng;
    mx_rng_seed(&rng, 8, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        recurrent c = {.op = "RNN",
            .gates = 1,
            .direction = "forward",
            .directions = 1,
            .steps = 3,
            .batch = 2,
            .size = 4,
            .hidden = 5,
            .activations = names[i]};
        c.given[X] = c.given[W] = c.given[R] = true;
        check_case(&rng, &c);
    }
    recurrent c = {.op = "LSTM",
        .gates = 4,
        .direction = "bidirectional",
        .directions = 2,
        .steps = 3,
        .batch = 2,
        .size = 4,
        .hidden = 5,
        .activations = "HardSigmoid Tanh Affine Sigmoid Softsign Elu"};
    c.given[X] = c.given[W] = c.given[R] = c.given[B] = true;
    check_case(&rng, &c);
}

/* Without a list of alphas, those of the ONNX operator of that name; case does not
 * matter. */
static void standard_alpha(void **state)
{
    (void)state;
    onnx_message node = plain("RNN", "a b c");
    onnx_attr_texts(&node, "activations", "leakyRELU");
    check(14, node,
        INPUTS({F32, "1 1 2", FLOATS(-1, -2), 0}, {F32, "1 1 2", FLOATS(1, 1), 0},
            {F32, "1 1 1", FLOATS(1), 0}),
        3, F32, "1 1 1 1", FLOATS(-0.03f));
}

/* --- what is refused --------------------------------------------------------------- */

static void refuse_text(
    const char *name, const char *value, mexpr_status status, const char *part)
{
    static const float zeros[64];
    onnx_message node = onnx_node("GRU", "cell", "a b c", "y");
    if (strcmp(name, "activations") == 0)
        onnx_attr_texts(&node, name, value);
    else
        onnx_attr_text(&node, name, value);
    check_refused(14, node,
        INPUTS({F32, "3 1 2", zeros, false}, {F32, "1 6 2", zeros, true},
            {F32, "1 6 2", zeros, true}),
        3, status, part);
}

static void refusals(void **state)
{
    (void)state;
    static const float zeros[64];
    const input x = {F32, "3 1 2", zeros, false}, w = {F32, "1 6 2", zeros, true};
    refuse_text("direction", "sideways", MEXPR_E_MODEL,
        "node 'cell' (GRU): the direction 'sideways' does not exist");
    refuse_text("activations", "Sigmoid Cube", MEXPR_E_OPERATOR,
        "its activation 'Cube' is not known");
    refuse_text(
        "activations", "Sigmoid", MEXPR_E_MODEL, "it names 1 activations, but needs 2");
    onnx_message node = onnx_node("GRU", "cell", "a b b", "y");
    onnx_attr_float(&node, "clip", -1);
    check_refused(14, node, INPUTS(x, w), 2, MEXPR_E_MODEL, "a clip of -1");
    node = plain("GRU", "a b b");
    onnx_attr_int(&node, "hidden_size", 3);
    check_refused(
        14, node, INPUTS(x, w), 2, MEXPR_E_SHAPE, "hidden_size is 3, but R is for 2");
    for (int size = -1; size <= 0; size++) {
        node = plain("GRU", "a b b");
        onnx_attr_int(&node, "hidden_size", size);
        check_refused(14, node, INPUTS(x, w), 2, MEXPR_E_MODEL, "a hidden_size of");
    }
    check_refused(14, plain("LSTM", "a b b"), INPUTS(x, w), 2, MEXPR_E_SHAPE,
        "its input 1 is 1×6×2, but has to be 1×8×2");
    node = plain("GRU", "a b b");
    onnx_attr_text(&node, "direction", "bidirectional");
    check_refused(14, node, INPUTS(x, w), 2, MEXPR_E_SHAPE, "has to be 2×6×2");
    check_refused(14, plain("GRU", "a b b c"), INPUTS(x, w, {F32, "1 6", zeros, true}), 3,
        MEXPR_E_SHAPE, "its input 3 is 1×6, but has to be 1×12");
    check_refused(14, plain("GRU", "a b b - c"), INPUTS(x, w, {I64, "1", zeros, true}), 3,
        MEXPR_E_TYPE, "its input 4 is int64");
    check_refused(14, plain("RNN", "a b b"), INPUTS({F32, "3 2", zeros, false}, w), 2,
        MEXPR_E_SHAPE, "X and R must have three dimensions");
}

/* Lengths are known only when it runs. */
static void wrong_length(void **state)
{
    (void)state;
    static const float zeros[64];
    const int32_t too_long = 4;
    onnx_message node = onnx_node("GRU", "cell", "a b b - c", "y");
    onnx_model m = onnx_begin(14);
    onnx_input(&m, "a", F32, "3 1 2");
    onnx_input(&m, "c", I32, "1");
    onnx_f32(&m, "b", "1 6 2", zeros);
    onnx_add(&m, &node);
    onnx_output(&m, "y", 0, NULL);
    onnx_end(&m);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    assert_ok(
        context, mexpr_model_load_memory(context, m.file.data, m.file.size, &model));
    onnx_destroy(&m);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    const input a = {F32, "3 1 2", zeros, false}, c = {I32, "1", &too_long, false};
    const mexpr_tensor_view a_view = view_of(&a), c_view = view_of(&c);
    assert_int_equal(mexpr_session_set_input(session, "a", &a_view), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "c", &c_view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_E_SHAPE);
    assert_non_null(strstr(mexpr_session_last_error(session),
        "node 'cell' (GRU): sequence 0 has a length of 4, but there are 3 steps"));
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(simple), TEST(gru), TEST(lstm),
        TEST(functions), TEST(standard_alpha), TEST(refusals), TEST(wrong_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
