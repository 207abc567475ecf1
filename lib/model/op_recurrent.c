/* SPDX-License-Identifier: MIT */
/* RNN, GRU and LSTM: one matrix product for the inputs of all steps, then one per step
 * for the state. Elman: Finding structure in time, 1990; Cho et al.: Learning phrase
 * representations, 2014; Hochreiter, Schmidhuber: Long short-term memory, 1997, with
 * Gers's forget gate and peepholes. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "model/op_product.h"
#include "model/op_tables.h"

enum { MAX_DIRECTIONS = 2, MAX_FUNCTIONS = 3 };

/* Floats of scratch memory, so that their bytes fit size_t. */
#define MAX_NUMBERS ((int64_t)1 << 48)

/* Inputs. */
enum { IN_X, IN_W, IN_R, IN_B, IN_LENGTHS, IN_H, IN_C, IN_P };

/* --- functions of gates ------------------------------------------------------------ */

typedef enum gate_kind {
    GATE_SIGMOID,
    GATE_TANH,
    GATE_RELU,
    GATE_AFFINE,
    GATE_LEAKY_RELU,
    GATE_THRESHOLDED_RELU,
    GATE_SCALED_TANH,
    GATE_HARD_SIGMOID,
    GATE_ELU,
    GATE_SOFTSIGN,
    GATE_SOFTPLUS,
    N_GATE_KINDS
} gate_kind;

typedef struct gate {
    gate_kind kind;
    float alpha, beta;
} gate;

typedef struct gate_entry {
    const char *name;
    bool has_alpha, has_beta;
    float alpha, beta;
} gate_entry;

static const gate_entry gate_entries[N_GATE_KINDS] = {
    [GATE_SIGMOID] = {"sigmoid", false, false, 0, 0},
    [GATE_TANH] = {"tanh", false, false, 0, 0},
    [GATE_RELU] = {"relu", false, false, 0, 0},
    [GATE_AFFINE] = {"affine", true, true, 1, 0},
    [GATE_LEAKY_RELU] = {"leakyrelu", true, false, 0.01f, 0},
    [GATE_THRESHOLDED_RELU] = {"thresholdedrelu", true, false, 1, 0},
    [GATE_SCALED_TANH] = {"scaledtanh", true, true, 1, 1},
    [GATE_HARD_SIGMOID] = {"hardsigmoid", true, true, 0.2f, 0.5f},
    [GATE_ELU] = {"elu", true, false, 1, 0},
    [GATE_SOFTSIGN] = {"softsign", false, false, 0, 0},
    [GATE_SOFTPLUS] = {"softplus", false, false, 0, 0},
};

static void apply_plain(const gate *g, size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) {
        const float v = x[i];
        if (g->kind == GATE_THRESHOLDED_RELU)
            x[i] = v > g->alpha ? v : 0;
        else if (g->kind == GATE_SOFTSIGN)
            x[i] = v / (1 + fabsf(v));
        else
            x[i] = v > 0 ? v + log1pf(expf(-v)) : log1pf(expf(v));
    }
}

static void apply(const mx_nn_kernels *nn, const gate *g, size_t n, float *x)
{
    switch (g->kind) {
    case GATE_SIGMOID:
        nn->sigmoid(n, x, x);
        break;
    case GATE_TANH:
        nn->tanh(n, x, x);
        break;
    case GATE_RELU:
        nn->relu(n, x, x);
        break;
    case GATE_AFFINE:
        nn->scale_shift(n, x, g->alpha, g->beta, x);
        break;
    case GATE_LEAKY_RELU:
        nn->leaky_relu(n, x, g->alpha, x);
        break;
    case GATE_SCALED_TANH:
        nn->mul_scalar(n, x, g->beta, x);
        nn->tanh(n, x, x);
        nn->mul_scalar(n, x, g->alpha, x);
        break;
    case GATE_HARD_SIGMOID:
        nn->hard_sigmoid(n, x, g->alpha, g->beta, x);
        break;
    case GATE_ELU:
        nn->elu(n, x, g->alpha, x);
        break;
    default:
        apply_plain(g, n, x);
    }
}

/* --- parameters -------------------------------------------------------------------- */

typedef struct recurrent_params {
    int64_t steps, batch, size, hidden; /* size: numbers of one input */
    int directions, gates;
    bool first_reverse; /* direction 0 runs backwards */
    bool batch_first;   /* layout 1 */
    bool reset_after;   /* GRU: linear_before_reset */
    bool couples;       /* LSTM: input_forget */
    float clip;         /* 0: none */
    gate functions[MAX_DIRECTIONS][MAX_FUNCTIONS];
} recurrent_params;

typedef struct recurrent_kind {
    int gates;
    int n_functions;
    gate_kind standard[MAX_FUNCTIONS];
} recurrent_kind;

static const recurrent_kind rnn_kind = {1, 1, {GATE_TANH}};
static const recurrent_kind gru_kind = {3, 2, {GATE_SIGMOID, GATE_TANH}};
static const recurrent_kind lstm_kind = {4, 3, {GATE_SIGMOID, GATE_TANH, GATE_TANH}};

static bool same_name(const char *text, const char *lower)
{
    for (; *text && *lower; text++, lower++) {
        const char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        if (c != *lower)
            return false;
    }
    return *text == *lower;
}

static mexpr_status find_gate(mx_infer *infer, const char *name, gate_kind *kind)
{
    for (int i = 0; i < N_GATE_KINDS; i++) {
        if (same_name(name, gate_entries[i].name)) {
            *kind = (gate_kind)i;
            return MEXPR_OK;
        }
    }
    return mx_fail(
        infer->scope, MEXPR_E_OPERATOR, "its activation '%.40s' is not known", name);
}

/* activations, and their alphas and betas, which only those that have one take from the
 * lists. */
static mexpr_status read_functions(mx_infer *infer, const recurrent_kind *kind)
{
    recurrent_params *p = infer->params;
    const mx_attribute *names = mx_attr(infer->node, "activations");
    const mx_attribute *alphas = mx_attr(infer->node, "activation_alpha");
    const mx_attribute *betas = mx_attr(infer->node, "activation_beta");
    size_t n_alphas = 0, n_betas = 0;
    const int n = p->directions * kind->n_functions;
    if (names && names->n != (size_t)n)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "it names %zu activations, but needs %d", names->n, n);
    for (int i = 0; i < n; i++) {
        gate *g = &p->functions[i / kind->n_functions][i % kind->n_functions];
        g->kind = kind->standard[i % kind->n_functions];
        const mexpr_status status =
            names ? find_gate(infer, names->strings[i], &g->kind) : MEXPR_OK;
        if (status != MEXPR_OK)
            return status;
        const gate_entry *e = &gate_entries[g->kind];
        const bool has_alpha = e->has_alpha && alphas && n_alphas < alphas->n;
        const bool has_beta = e->has_beta && betas && n_betas < betas->n;
        g->alpha = has_alpha ? alphas->floats[n_alphas++] : e->alpha;
        g->beta = has_beta ? betas->floats[n_betas++] : e->beta;
    }
    return MEXPR_OK;
}

static mexpr_status read_attributes(mx_infer *infer, const recurrent_kind *kind)
{
    recurrent_params *p = infer->params;
    const char *direction = mx_attr_string(infer->node, "direction", "forward");
    p->first_reverse = strcmp(direction, "reverse") == 0;
    p->directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    if (p->directions == 1 && !p->first_reverse && strcmp(direction, "forward") != 0)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "the direction '%.40s' does not exist", direction);
    p->gates = kind->gates;
    p->batch_first = mx_attr_int(infer->node, "layout", 0) != 0;
    p->reset_after = mx_attr_int(infer->node, "linear_before_reset", 0) != 0;
    p->couples = mx_attr_int(infer->node, "input_forget", 0) != 0;
    p->clip = mx_attr_float(infer->node, "clip", 0);
    if (!(p->clip >= 0))
        return mx_fail(
            infer->scope, MEXPR_E_MODEL, "a clip of %g is not possible", (double)p->clip);
    return read_functions(infer, kind);
}

/* --- shapes ------------------------------------------------------------------------ */

/* Input k, where there is one, must have this shape as far as both are known. */
static mexpr_status check_shape(mx_infer *infer, int k, int rank, const int64_t *dims)
{
    const mx_tensor *in = mx_infer_input(infer, k);
    bool fits = !in || in->rank == rank;
    for (int i = 0; in && fits && i < rank; i++)
        fits = dims[i] < 0 || in->dims[i] < 0 || dims[i] == in->dims[i];
    if (fits)
        return MEXPR_OK;
    mx_tensor want = MX_TENSOR_UNKNOWN;
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    want.rank = rank;
    memcpy(want.dims, dims, (size_t)rank * sizeof *dims);
    return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input %d is %s, but has to be %s", k,
        mx_shape_text(in, a), mx_shape_text(&want, b));
}

static mexpr_status read_sizes(mx_infer *infer)
{
    recurrent_params *p = infer->params;
    const mx_tensor *x = infer->inputs[IN_X], *r = infer->inputs[IN_R];
    const bool is_stated = mx_attr(infer->node, "hidden_size") != NULL;
    const int64_t stated = mx_attr_int(infer->node, "hidden_size", -1);
    if (is_stated && stated < 1)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "a hidden_size of %lld is not possible", (long long)stated);
    if (x->rank != 3 || r->rank != 3)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "X and R must have three dimensions");
    p->steps = x->dims[p->batch_first];
    p->batch = x->dims[!p->batch_first];
    p->size = x->dims[2];
    p->hidden = r->dims[2] >= 0 ? r->dims[2] : stated;
    if (p->hidden == 0 || (stated >= 0 && p->hidden >= 0 && stated != p->hidden))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "hidden_size is %lld, but R is for %lld", (long long)stated,
            (long long)p->hidden);
    if (p->steps > INT_MAX || p->batch > INT_MAX || p->size > INT_MAX ||
        p->hidden > INT_MAX / 8 || (p->steps > 0 && p->batch > INT_MAX / p->steps))
        return mx_fail(
            infer->scope, MEXPR_E_LIMIT, "it is too large for one matrix product");
    return MEXPR_OK;
}

static mexpr_status check_inputs(mx_infer *infer)
{
    const recurrent_params *p = infer->params;
    const int64_t d = p->directions, h = p->hidden, g = h < 0 ? -1 : p->gates * h;
    const int64_t first = p->batch_first ? p->batch : d;
    const int64_t second = p->batch_first ? d : p->batch;
    mexpr_status status = check_shape(infer, IN_W, 3, (int64_t[]){d, g, p->size});
    if (status == MEXPR_OK)
        status = check_shape(infer, IN_R, 3, (int64_t[]){d, g, h});
    if (status == MEXPR_OK)
        status = check_shape(infer, IN_B, 2, (int64_t[]){d, g < 0 ? -1 : 2 * g});
    if (status == MEXPR_OK)
        status = check_shape(infer, IN_LENGTHS, 1, &p->batch);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, IN_LENGTHS, MX_T_I32);
    for (int k = IN_H; status == MEXPR_OK && k <= IN_C; k++)
        status = check_shape(infer, k, 3, (int64_t[]){first, second, h});
    if (status == MEXPR_OK)
        status = check_shape(infer, IN_P, 2, (int64_t[]){d, h < 0 ? -1 : 3 * h});
    return status;
}

static void make_shapes(mx_infer *infer)
{
    const recurrent_params *p = infer->params;
    const int64_t d = p->directions, h = p->hidden;
    const int64_t by_step[4] = {p->steps, d, p->batch, h};
    const int64_t by_batch[4] = {p->batch, p->steps, d, h};
    mx_infer_shape(infer, 0, 4, p->batch_first ? by_batch : by_step);
    const int64_t last[3] = {d, p->batch, h}, last_by_batch[3] = {p->batch, d, h};
    for (int k = 1; k < 3; k++)
        mx_infer_shape(infer, k, 3, p->batch_first ? last_by_batch : last);
}

/* Scratch memory: inputs of all gates at all steps, then per sequence the product with
 * the state, the state itself, the cell and one more row, then the biases. */
static mexpr_status make_workspace(mx_infer *infer)
{
    const recurrent_params *p = infer->params;
    if (p->steps < 0 || p->batch < 0 || p->size < 0 || p->hidden < 0)
        return MEXPR_OK;
    const int64_t rows = p->steps * p->batch; /* at most INT_MAX */
    const int64_t row = p->gates * p->hidden; /* at most INT_MAX */
    if ((rows + p->batch) * row > MAX_NUMBERS)
        return mx_fail(infer->scope, MEXPR_E_LIMIT,
            "%lld gates at %lld steps are too many", (long long)row, (long long)rows);
    infer->multiply_adds = (double)p->directions * (double)rows * (double)row *
                           (double)(p->size + p->hidden);
    infer->workspace =
        (size_t)(rows * row + p->batch * (row + 3 * p->hidden) + row) * sizeof(float);
    return MEXPR_OK;
}

static mexpr_status infer_recurrent(mx_infer *infer, const recurrent_kind *kind)
{
    mexpr_status status = read_attributes(infer, kind);
    if (status == MEXPR_OK)
        status = read_sizes(infer);
    if (status == MEXPR_OK)
        status = check_inputs(infer);
    if (status != MEXPR_OK)
        return status;
    make_shapes(infer);
    return make_workspace(infer);
}

static mexpr_status infer_rnn(mx_infer *infer)
{
    return infer_recurrent(infer, &rnn_kind);
}

static mexpr_status infer_gru(mx_infer *infer)
{
    return infer_recurrent(infer, &gru_kind);
}

static mexpr_status infer_lstm(mx_infer *infer)
{
    return infer_recurrent(infer, &lstm_kind);
}

/* --- one direction ----------------------------------------------------------------- */

typedef struct pass {
    const mx_run *run;
    const recurrent_params *p;
    const mx_nn_kernels *nn;
    const gate *functions;
    int direction;
    bool is_reverse;
    const int32_t *lengths;      /* NULL: all steps */
    const float *weights;        /* R of this direction */
    const float *bias;           /* B of this direction, NULL: none */
    const float *peepholes;      /* P of this direction, NULL: none */
    float *inputs;               /* [row of X][gates × hidden], biases added */
    float *product;              /* [batch][gates × hidden] */
    float *state, *cell, *extra; /* [batch][hidden] */
} pass;

/* Takes all sequences one step on. */
typedef void step_fn(const pass *s, int64_t step);

static void clip(const pass *s, float *x)
{
    if (s->p->clip > 0)
        s->nn->clip((size_t)s->p->hidden, x, -s->p->clip, s->p->clip, x);
}

/* Where in time sequence b is at a step; -1 behind its end. */
static int64_t time_of(const pass *s, int64_t step, int64_t b)
{
    const int64_t length = s->lengths ? s->lengths[b] : s->p->steps;
    return step >= length ? -1 : s->is_reverse ? length - 1 - step : step;
}

/* The gates of sequence b at a step, NULL behind its end. */
static float *gates_of(const pass *s, int64_t step, int64_t b)
{
    const recurrent_params *p = s->p;
    const int64_t time = time_of(s, step, b);
    const int64_t row = p->batch_first ? b * p->steps + time : time * p->batch + b;
    return time < 0 ? NULL : s->inputs + row * p->gates * p->hidden;
}

/* product = a × transposed rows first..first+n-1 of R, for all sequences. */
static void multiply(const pass *s, const float *a, int64_t first, int64_t n)
{
    const mx_gemm *gemm = &s->run->machine->gemm;
    const int h = (int)s->p->hidden, row = s->p->gates * h;
    const float *weights = s->weights + first * h;
    float *y = s->product + first;
    if (s->p->batch == 1)
        mx_gemv(gemm, (int)n, h, weights, h, a, y);
    else
        mx_sgemm(gemm, false, true, (int)s->p->batch, (int)n, h, 1, a, h, weights, h, 0,
            y, row);
}

/* --- RNN --------------------------------------------------------------------------- */

/* Ht = f(Xt Wi + Ht-1 Ri + b). */
static void rnn_step(const pass *s, int64_t step)
{
    const size_t h = (size_t)s->p->hidden;
    multiply(s, s->state, 0, s->p->hidden);
    for (int64_t b = 0; b < s->p->batch; b++) {
        float *in = gates_of(s, step, b);
        if (!in)
            continue;
        s->nn->add(h, in, s->product + (size_t)b * h, in);
        clip(s, in);
        apply(s->nn, &s->functions[0], h, in);
        memcpy(s->state + (size_t)b * h, in, h * sizeof *in);
    }
}

/* --- GRU: gates z, r, h ------------------------------------------------------------ */

/* The gates z and r, and the state that r lets through. */
static void gru_open(const pass *s, int64_t b, float *in)
{
    const size_t h = (size_t)s->p->hidden;
    s->nn->add(2 * h, in, s->product + (size_t)b * 3 * h, in);
    clip(s, in);
    clip(s, in + h);
    apply(s->nn, &s->functions[0], 2 * h, in);
    s->nn->mul(h, in + h, s->state + (size_t)b * h, s->extra + (size_t)b * h);
}

/* ht = g(Xt Wh + Wbh + what the state adds); Ht = (1 - zt) ht + zt Ht-1. The state adds
 * (rt Ht-1) Rh + Rbh or, with linear_before_reset, rt (Ht-1 Rh + Rbh). */
static void gru_close(const pass *s, int64_t b, float *in)
{
    const size_t h = (size_t)s->p->hidden;
    float *z = in, *r = in + h, *candidate = in + 2 * h;
    float *product = s->product + (size_t)b * 3 * h + 2 * h;
    float *state = s->state + (size_t)b * h;
    if (s->p->reset_after) {
        if (s->bias)
            s->nn->add(h, product, s->bias + 5 * h, product);
        s->nn->mul(h, product, r, product);
    }
    s->nn->add(h, candidate, product, candidate);
    clip(s, candidate);
    apply(s->nn, &s->functions[1], h, candidate);
    s->nn->sub(h, state, candidate, state);
    s->nn->mul(h, state, z, state);
    s->nn->add(h, state, candidate, state);
}

static void gru_step(const pass *s, int64_t step)
{
    const int64_t h = s->p->hidden;
    multiply(s, s->state, 0, s->p->reset_after ? 3 * h : 2 * h);
    for (int64_t b = 0; b < s->p->batch; b++) {
        float *in = gates_of(s, step, b);
        if (in)
            gru_open(s, b, in);
    }
    if (!s->p->reset_after)
        multiply(s, s->extra, 2 * h, h);
    for (int64_t b = 0; b < s->p->batch; b++) {
        float *in = gates_of(s, step, b);
        if (in)
            gru_close(s, b, in);
    }
}

/* --- LSTM: gates i, o, f, c; peepholes i, o, f ------------------------------------- */

static void peep(const pass *s, int64_t which, const float *cell, float *gate_input)
{
    const size_t h = (size_t)s->p->hidden;
    if (s->peepholes)
        s->nn->mul_add(h, s->peepholes + which * s->p->hidden, cell, gate_input);
    clip(s, gate_input);
}

/* Ct = ft Ct-1 + it g(...); Ht = ot h(Ct). */
static void lstm_cell(const pass *s, int64_t b, float *in)
{
    const mx_nn_kernels *nn = s->nn;
    const size_t h = (size_t)s->p->hidden;
    float *i = in, *o = in + h, *f = in + 2 * h, *c = in + 3 * h;
    float *cell = s->cell + (size_t)b * h, *out = s->extra + (size_t)b * h;
    nn->add(4 * h, in, s->product + (size_t)b * 4 * h, in);
    peep(s, 0, cell, i);
    peep(s, 2, cell, f);
    clip(s, c);
    apply(nn, &s->functions[0], h, i);
    if (s->p->couples)
        nn->rsub_scalar(h, i, 1, f);
    else
        apply(nn, &s->functions[0], h, f);
    apply(nn, &s->functions[1], h, c);
    nn->mul(h, f, cell, cell);
    nn->mul_add(h, i, c, cell);
    peep(s, 1, cell, o);
    apply(nn, &s->functions[0], h, o);
    memcpy(out, cell, h * sizeof *out);
    apply(nn, &s->functions[2], h, out);
    nn->mul(h, o, out, s->state + (size_t)b * h);
}

static void lstm_step(const pass *s, int64_t step)
{
    multiply(s, s->state, 0, 4 * s->p->hidden);
    for (int64_t b = 0; b < s->p->batch; b++) {
        float *in = gates_of(s, step, b);
        if (in)
            lstm_cell(s, b, in);
    }
}

/* --- forward ----------------------------------------------------------------------- */

/* The numbers of sequence b in a tensor like initial_h or Y_h. */
static float *state_row(const pass *s, const mx_tensor *tensor, int64_t b)
{
    const recurrent_params *p = s->p;
    const int64_t row =
        p->batch_first ? b * p->directions + s->direction : s->direction * p->batch + b;
    return (float *)tensor->data + row * p->hidden;
}

static void load_state(const pass *s, int k, float *to)
{
    const mx_tensor *from = mx_run_input(s->run, k);
    const size_t bytes = (size_t)s->p->hidden * sizeof *to;
    memset(to, 0, (size_t)s->p->batch * bytes);
    for (int64_t b = 0; from && b < s->p->batch; b++)
        memcpy(to + b * s->p->hidden, state_row(s, from, b), bytes);
}

/* A sequence without steps ends with zeros, as onnxruntime has it. */
static void store_state(const pass *s, int k, const float *from)
{
    const mx_tensor *to = mx_run_output(s->run, k);
    const size_t bytes = (size_t)s->p->hidden * sizeof *from;
    for (int64_t b = 0; to && b < s->p->batch; b++) {
        if (time_of(s, 0, b) < 0)
            memset(state_row(s, to, b), 0, bytes);
        else
            memcpy(state_row(s, to, b), from + b * s->p->hidden, bytes);
    }
}

/* The state after a step into Y. */
static void store_step(const pass *s, int64_t step)
{
    const recurrent_params *p = s->p;
    const mx_tensor *y = mx_run_output(s->run, 0);
    for (int64_t b = 0; y && b < p->batch; b++) {
        const int64_t time = time_of(s, step, b);
        const int64_t row = p->batch_first
                                ? (b * p->steps + time) * p->directions + s->direction
                                : (time * p->directions + s->direction) * p->batch + b;
        if (time >= 0)
            memcpy((float *)y->data + row * p->hidden, s->state + b * p->hidden,
                (size_t)p->hidden * sizeof(float));
    }
}

/* X times W with the biases, for all steps. `bias` is scratch memory for one row. */
static void multiply_inputs(const pass *s, float *bias)
{
    const recurrent_params *p = s->p;
    const int64_t row = p->gates * p->hidden, rows = p->steps * p->batch;
    const float *w =
        (const float *)s->run->inputs[IN_W]->data + s->direction * row * p->size;
    /* Behind the reset gate, the last bias of R belongs to the product. */
    const int64_t n_added = p->gates == 3 && p->reset_after ? row - p->hidden : row;
    for (int64_t i = 0; s->bias && i < row; i++)
        bias[i] = s->bias[i] + (i < n_added ? s->bias[row + i] : 0);
    for (int64_t r = 0; s->bias && r < rows; r++)
        memcpy(s->inputs + r * row, bias, (size_t)row * sizeof *bias);
    const mx_product product = {.trans_b = true,
        .m = (int)rows,
        .n = (int)row,
        .k = (int)p->size,
        .alpha = 1,
        .beta = s->bias ? 1 : 0,
        .a = s->run->inputs[IN_X]->data,
        .b = w,
        .y = s->inputs};
    mx_run_product(s->run, &product);
}

static pass start_pass(const mx_run *run, int direction)
{
    const recurrent_params *p = run->params;
    const int64_t h = p->hidden, row = p->gates * h;
    const mx_tensor *bias = mx_run_input(run, IN_B), *peepholes = mx_run_input(run, IN_P);
    const mx_tensor *lengths = mx_run_input(run, IN_LENGTHS);
    pass s = {.run = run,
        .p = p,
        .nn = &run->machine->nn,
        .functions = p->functions[direction],
        .direction = direction,
        .is_reverse = p->first_reverse || direction == 1,
        .lengths = lengths ? lengths->data : NULL,
        .weights = (const float *)run->inputs[IN_R]->data + direction * row * h,
        .bias = bias ? (const float *)bias->data + direction * 2 * row : NULL,
        .peepholes =
            peepholes ? (const float *)peepholes->data + direction * 3 * h : NULL};
    s.inputs = run->workspace;
    s.product = s.inputs + p->steps * p->batch * row;
    s.state = s.product + p->batch * row;
    s.cell = s.state + p->batch * h;
    s.extra = s.cell + p->batch * h;
    return s;
}

static mexpr_status check_lengths(const mx_run *run)
{
    const recurrent_params *p = run->params;
    const mx_tensor *lengths = mx_run_input(run, IN_LENGTHS);
    for (int64_t b = 0; lengths && b < p->batch; b++) {
        const int32_t length = ((const int32_t *)lengths->data)[b];
        if (length < 0 || length > p->steps)
            return mx_fail(run->scope, MEXPR_E_SHAPE,
                "sequence %lld has a length of %ld, but there are %lld steps",
                (long long)b, (long)length, (long long)p->steps);
    }
    return MEXPR_OK;
}

static mexpr_status run_steps(const mx_run *run, step_fn *step)
{
    const recurrent_params *p = run->params;
    const mx_tensor *y = mx_run_output(run, 0);
    const mexpr_status status = check_lengths(run);
    if (status != MEXPR_OK || p->batch == 0)
        return status;
    if (y && mx_run_input(run, IN_LENGTHS))
        memset(y->data, 0, mx_tensor_bytes(y));
    for (int direction = 0; direction < p->directions; direction++) {
        const pass s = start_pass(run, direction);
        multiply_inputs(&s, s.extra + p->batch * p->hidden);
        load_state(&s, IN_H, s.state);
        load_state(&s, IN_C, s.cell);
        memset(s.extra, 0, (size_t)(p->batch * p->hidden) * sizeof *s.extra);
        for (int64_t t = 0; t < p->steps; t++) {
            step(&s, t);
            store_step(&s, t);
        }
        store_state(&s, 1, s.state);
        store_state(&s, 2, s.cell);
    }
    return MEXPR_OK;
}

static mexpr_status rnn(const mx_run *run)
{
    return run_steps(run, rnn_step);
}

static mexpr_status gru(const mx_run *run)
{
    return run_steps(run, gru_step);
}

static mexpr_status lstm(const mx_run *run)
{
    return run_steps(run, lstm_step);
}

#define RECURRENT(op, inputs, outputs, more, infer_fn, forward_fn)                       \
    {                                                                                    \
        .name = op, .domain = "", .since = 7, .min_inputs = 3, .max_inputs = inputs,     \
        .min_outputs = 0, .max_outputs = outputs, .types = MX_T_F32,                     \
        .other_inputs = MX_INPUT_BIT(IN_LENGTHS),                                        \
        .attributes = "activation_alpha:F activation_beta:F activations:S clip:f "       \
                      "direction:s hidden_size:i " more "layout:i",                      \
        .flags = MX_OP_PARTS, .params_size = sizeof(recurrent_params),                   \
        .infer = infer_fn, .forward = forward_fn                                         \
    }

const mx_operator mx_operators_recurrent[] = {
    RECURRENT("GRU", 6, 2, "linear_before_reset:i ", infer_gru, gru),
    RECURRENT("LSTM", 8, 3, "input_forget:i ", infer_lstm, lstm),
    RECURRENT("RNN", 6, 2, "", infer_rnn, rnn),
    {.name = NULL},
};
