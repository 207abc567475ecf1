/* SPDX-License-Identifier: MIT */
/* Arithmetic with broadcasting: an input that was broadcast gets the sum over all places
 * it went to. */
#include <math.h>
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

/* A piece of a row of the output, and where the inputs lie. Strides are 0 or 1. */
typedef struct piece {
    const mx_nn_kernels *nn;
    size_t n;
    const float *gradient; /* of the output */
    const mx_tensor *in[2];
    int64_t at[2], stride[2];
    float *space; /* n numbers */
} piece;

/* The gradient of an input for each element of the output: in piece->space, or the
 * output's own. */
typedef const float *local_fn(const piece *p);

static const float *floats(const piece *p, int k)
{
    return (const float *)p->in[k]->data + p->at[k];
}

/* --- the walk ---------------------------------------------------------------------- */

typedef struct row {
    int64_t n, stride; /* of gradient k */
    float *to;
    bool adds;
} row;

static void put_row(piece *p, local_fn *local, const row *r)
{
    float space[MX_BACK_CHUNK];
    for (int64_t i = 0; i < r->n; i += MX_BACK_CHUNK) {
        p->n = (size_t)(r->n - i < MX_BACK_CHUNK ? r->n - i : MX_BACK_CHUNK);
        p->space = r->stride && !r->adds ? r->to + i : space;
        const float *d = local(p);
        if (r->stride)
            mx_back_put(p->nn, (int64_t)p->n, d, r->adds, r->to + i);
        else
            *r->to = (r->adds ? *r->to : 0) + p->nn->sum(p->n, d);
        p->gradient += p->n;
        for (int j = 0; j < 2; j++)
            p->at[j] += p->stride[j] * (int64_t)p->n;
    }
}

/* Gradient k through `local`, which looks at the inputs a and b. */
static void back_input(const mx_back_run *run, int k, local_fn *local, int a, int b)
{
    const mx_tensor *out = run->outputs[0];
    const mx_tensor *const inputs[3] = {run->inputs[k], run->inputs[a], run->inputs[b]};
    piece p = {.nn = &run->machine->nn, .in = {run->inputs[a], run->inputs[b]}};
    row r = {.adds = mx_back_adds(run, k)};
    mx_walk walk;
    if (!run->gradients[k])
        return;
    if (mx_tensor_count(inputs[0]) != mx_tensor_count(out)) {
        mx_back_ready(run, k);
        r.adds = true;
    }
    mx_walk_broadcast(&walk, out, inputs, 3);
    if (mx_walk_is_empty(&walk))
        return;
    const int last = walk.rank - 1;
    r.n = walk.dims[last];
    r.stride = walk.strides[1][last];
    do {
        r.to = run->gradients[k] + walk.offset[1];
        p.gradient = run->output_gradients[0] + walk.offset[0];
        for (int j = 0; j < 2; j++) {
            p.at[j] = walk.offset[2 + j];
            p.stride[j] = walk.strides[2 + j][last];
        }
        put_row(&p, local, &r);
    } while (mx_walk_next(&walk));
}

static mexpr_status back_pair(const mx_back_run *run, local_fn *first, local_fn *second)
{
    back_input(run, 0, first, 0, 1);
    back_input(run, 1, second, 0, 1);
    return MEXPR_OK;
}

/* --- two inputs -------------------------------------------------------------------- */

static const float *same(const piece *p)
{
    return p->gradient;
}

static const float *negative(const piece *p)
{
    p->nn->neg(p->n, p->gradient, p->space);
    return p->space;
}

static const float *times(const piece *p, int k)
{
    if (p->stride[k])
        p->nn->mul(p->n, p->gradient, floats(p, k), p->space);
    else
        p->nn->mul_scalar(p->n, p->gradient, *floats(p, k), p->space);
    return p->space;
}

static const float *times_a(const piece *p)
{
    return times(p, 0);
}

static const float *times_b(const piece *p)
{
    return times(p, 1);
}

static const float *over_b(const piece *p)
{
    if (p->stride[1])
        p->nn->div(p->n, p->gradient, floats(p, 1), p->space);
    else
        p->nn->div_scalar(p->n, p->gradient, *floats(p, 1), p->space);
    return p->space;
}

/* -g a / b² */
static const float *divisor(const piece *p)
{
    const float *a = floats(p, 0), *b = floats(p, 1);
    for (size_t i = 0; i < p->n; i++) {
        const float x = a[(int64_t)i * p->stride[0]], y = b[(int64_t)i * p->stride[1]];
        p->space[i] = -p->gradient[i] * (x / y) / y;
    }
    return p->space;
}

/* b is the slope. */
static const float *prelu_input(const piece *p)
{
    const float *a = floats(p, 0), *b = floats(p, 1);
    for (size_t i = 0; i < p->n; i++) {
        const float slope = b[(int64_t)i * p->stride[1]];
        p->space[i] =
            a[(int64_t)i * p->stride[0]] < 0 ? slope * p->gradient[i] : p->gradient[i];
    }
    return p->space;
}

static const float *prelu_slope(const piece *p)
{
    const float *a = floats(p, 0);
    for (size_t i = 0; i < p->n; i++) {
        const float x = a[(int64_t)i * p->stride[0]];
        p->space[i] = x < 0 ? x * p->gradient[i] : 0;
    }
    return p->space;
}

/* Both gradients may be that of the output itself. */
static mexpr_status add(const mx_back_run *run)
{
    const float *g = run->output_gradients[0];
    if (run->gradients[0] != g)
        back_input(run, 0, same, 0, 1);
    if (run->gradients[1] != g)
        back_input(run, 1, same, 0, 1);
    return MEXPR_OK;
}

static mexpr_status sub(const mx_back_run *run)
{
    return back_pair(run, same, negative);
}

static mexpr_status mul(const mx_back_run *run)
{
    return back_pair(run, times_b, times_a);
}

static mexpr_status divide(const mx_back_run *run)
{
    return back_pair(run, over_b, divisor);
}

static mexpr_status prelu(const mx_back_run *run)
{
    return back_pair(run, prelu_input, prelu_slope);
}

/* --- Pow --------------------------------------------------------------------------- */

static float exponent_at(const piece *p, size_t i)
{
    const int64_t at = p->at[1] + (int64_t)i * p->stride[1];
    switch (p->in[1]->dtype) {
    case MEXPR_DTYPE_F32:
        return ((const float *)p->in[1]->data)[at];
    case MEXPR_DTYPE_U8:
        return ((const uint8_t *)p->in[1]->data)[at];
    case MEXPR_DTYPE_I32:
        return (float)((const int32_t *)p->in[1]->data)[at];
    default:
        return (float)((const int64_t *)p->in[1]->data)[at];
    }
}

/* g e x^(e-1); of x^0 it is 0 everywhere. */
static const float *pow_base(const piece *p)
{
    const float *a = floats(p, 0);
    for (size_t i = 0; i < p->n; i++) {
        const float x = a[(int64_t)i * p->stride[0]], e = exponent_at(p, i);
        const float slope = e == 0 ? 0 : e == 2 ? 2 * x : e * powf(x, e - 1);
        p->space[i] = p->gradient[i] * slope;
    }
    return p->space;
}

/* g x^e log x; at x = 0, where x^e does not fall with e, it is 0. */
static const float *pow_exponent(const piece *p)
{
    const float *a = floats(p, 0);
    for (size_t i = 0; i < p->n; i++) {
        const float x = a[(int64_t)i * p->stride[0]], e = exponent_at(p, i);
        p->space[i] = x == 0 && e >= 0 ? 0 : p->gradient[i] * powf(x, e) * logf(x);
    }
    return p->space;
}

static mexpr_status power(const mx_back_run *run)
{
    return back_pair(run, pow_base, pow_exponent);
}

/* --- Where ------------------------------------------------------------------------- */

static const float *choose(const piece *p, bool wanted)
{
    const uint8_t *c = (const uint8_t *)p->in[0]->data + p->at[0];
    for (size_t i = 0; i < p->n; i++)
        p->space[i] = !c[(int64_t)i * p->stride[0]] == !wanted ? p->gradient[i] : 0;
    return p->space;
}

static const float *where_true(const piece *p)
{
    return choose(p, true);
}

static const float *where_false(const piece *p)
{
    return choose(p, false);
}

static mexpr_status where(const mx_back_run *run)
{
    back_input(run, 1, where_true, 0, 0);
    back_input(run, 2, where_false, 0, 0);
    return MEXPR_OK;
}

/* --- any number of inputs ---------------------------------------------------------- */

static mexpr_status sum(const mx_back_run *run)
{
    for (int k = 0; k < run->n_inputs; k++)
        mx_back_fold(run, run->outputs[0], run->output_gradients[0], k);
    return MEXPR_OK;
}

static mexpr_status plan_output_space(mx_back_plan *plan)
{
    mx_back_workspace(plan, mx_tensor_bytes(plan->outputs[0]));
    return MEXPR_OK;
}

static mexpr_status mean(const mx_back_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    float *share = run->workspace;
    if (n > 0)
        run->machine->nn.div_scalar(
            n, run->output_gradients[0], (float)run->n_inputs, share);
    for (int k = 0; k < run->n_inputs; k++)
        mx_back_fold(run, run->outputs[0], share, k);
    return MEXPR_OK;
}

static mexpr_status plan_extreme(mx_back_plan *plan)
{
    mx_back_workspace(plan, 2 * mx_tensor_bytes(plan->outputs[0]));
    return MEXPR_OK;
}

/* Counts in `ties` where input k is the extreme, or, once that is known, gives it its
 * share of the gradient there. */
static void walk_ties(const mx_back_run *run, int k, float *ties, float *share)
{
    const mx_tensor *out = run->outputs[0];
    mx_walk walk;
    mx_walk_broadcast(&walk, out, &run->inputs[k], 1);
    if (mx_walk_is_empty(&walk))
        return;
    const int last = walk.rank - 1;
    do {
        const float *x = (const float *)run->inputs[k]->data + walk.offset[1];
        for (int64_t i = 0; i < walk.dims[last]; i++) {
            const int64_t at = walk.offset[0] + i;
            const bool is_extreme =
                x[i * walk.strides[1][last]] == ((const float *)out->data)[at];
            if (share)
                share[at] = is_extreme ? run->output_gradients[0][at] / ties[at] : 0;
            else
                ties[at] += is_extreme;
        }
    } while (mx_walk_next(&walk));
}

/* Max and Min: inputs that are equal share alike, as in PyTorch's maximum(). */
static mexpr_status extreme(const mx_back_run *run)
{
    const size_t bytes = mx_tensor_bytes(run->outputs[0]);
    float *ties = run->workspace, *share = ties + mx_tensor_count(run->outputs[0]);
    memset(ties, 0, bytes);
    for (int k = 0; k < run->n_inputs; k++)
        walk_ties(run, k, ties, NULL);
    for (int k = 0; k < run->n_inputs; k++) {
        if (!run->gradients[k])
            continue;
        walk_ties(run, k, ties, share);
        mx_back_fold(run, run->outputs[0], share, k);
    }
    return MEXPR_OK;
}

const mx_back_op mx_back_elementwise_ops[] = {
    {.name = "Add", .backward = add, .flags = MX_BACK_SHARES},
    {.name = "Div", .backward = divide, .reads_inputs = 3},
    {.name = "Max",
        .plan = plan_extreme,
        .backward = extreme,
        .reads_inputs = UINT32_MAX,
        .reads_outputs = 1},
    {.name = "Mean", .plan = plan_output_space, .backward = mean},
    {.name = "Min",
        .plan = plan_extreme,
        .backward = extreme,
        .reads_inputs = UINT32_MAX,
        .reads_outputs = 1},
    {.name = "Mul", .backward = mul, .reads_inputs = 3},
    {.name = "PRelu", .backward = prelu, .reads_inputs = 3},
    {.name = "Pow", .backward = power, .reads_inputs = 3},
    {.name = "Sub", .backward = sub},
    {.name = "Sum", .backward = sum},
    {.name = "Where", .backward = where, .reads_inputs = 1, .no_gradient = 1},
    {.name = NULL},
};
