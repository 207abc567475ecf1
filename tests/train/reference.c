/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/operator.h"

enum { RANK = MEXPR_MAX_RANK };

typedef const ref_tensor *const *inputs;
typedef ref_tensor *const *outputs;

/* --- tensors ----------------------------------------------------------------------- */

int64_t ref_count(const ref_tensor *t)
{
    int64_t n = 1;
    for (int d = 0; d < t->rank; d++)
        n *= t->dims[d];
    return n;
}

static double element(const mx_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case MEXPR_DTYPE_F32:
        return (double)((const float *)t->data)[i];
    case MEXPR_DTYPE_I64:
        return (double)((const int64_t *)t->data)[i];
    case MEXPR_DTYPE_I32:
        return ((const int32_t *)t->data)[i];
    default:
        return ((const uint8_t *)t->data)[i];
    }
}

ref_tensor ref_from(const mx_tensor *t)
{
    ref_tensor r = {.rank = t->rank};
    memcpy(r.dims, t->dims, sizeof r.dims);
    const int64_t n = ref_count(&r);
    r.data = calloc((size_t)n + 1, sizeof *r.data);
    for (int64_t i = 0; r.data && t->data && i < n; i++)
        r.data[i] = element(t, i);
    return r;
}

static void place_of(const ref_tensor *t, int64_t i, int64_t at[RANK])
{
    memset(at, 0, RANK * sizeof *at);
    for (int d = t->rank - 1; d >= 0; d--) {
        at[d] = i % t->dims[d];
        i /= t->dims[d];
    }
}

static int64_t offset_of(const ref_tensor *t, const int64_t *at)
{
    int64_t offset = 0;
    for (int d = 0; d < t->rank; d++)
        offset = offset * t->dims[d] + at[d];
    return offset;
}

/* The element of `t` that a place of a tensor of `rank` dimensions shows. */
static double shown(const ref_tensor *t, int rank, const int64_t *at)
{
    int64_t own[RANK] = {0};
    for (int d = 0; d < t->rank; d++)
        own[d] = t->dims[d] == 1 ? 0 : at[rank - t->rank + d];
    return t->data[offset_of(t, own)];
}

static int64_t axis_of(const mx_node *node, int64_t standard, int rank)
{
    const int64_t axis = mx_attr_int(node, "axis", standard);
    return axis < 0 ? axis + rank : axis;
}

static bool is(const mx_node *node, const char *op)
{
    return strcmp(node->op_type, op) == 0;
}

/* The list of an attribute or input k; returns how many. */
static int list_of(const mx_node *node, inputs in, const char *name, int k, int64_t *list)
{
    const mx_attribute *a = mx_attr(node, name);
    if (k > 0 && k < node->n_inputs && in[k]) {
        for (int64_t i = 0; i < ref_count(in[k]); i++)
            list[i] = (int64_t)in[k]->data[i];
        return (int)ref_count(in[k]);
    }
    for (size_t i = 0; a && i < a->n; i++)
        list[i] = a->ints[i];
    return a ? (int)a->n : 0;
}

/* --- functions of one number ------------------------------------------------------- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double gelu(const mx_node *node, double x)
{
    if (strcmp(mx_attr_string(node, "approximate", "none"), "tanh") == 0)
        return x / 2 * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    return x / 2 * (1 + erf(x / sqrt(2)));
}

/* Functions with numbers of their own. */
static bool shaped(const mx_node *node, double x, double *y)
{
    const bool is_selu = is(node, "Selu"), is_leaky = is(node, "LeakyRelu");
    const bool is_hard = is(node, "HardSigmoid");
    const double a = (double)mx_attr_float(node, "alpha",
        is_selu    ? 1.67326319f
        : is_leaky ? 0.01f
        : is_hard  ? 0.2f
                   : 1);
    const double gamma = (double)mx_attr_float(node, "gamma", 1.05070102f);
    const double beta = (double)mx_attr_float(node, "beta", 0.5f);
    const double lambda = (double)mx_attr_float(node, "lambd", 0.5f);
    const double bias = (double)mx_attr_float(node, "bias", 0);
    if (is_leaky)
        *y = x < 0 ? a * x : x;
    else if (is(node, "Elu"))
        *y = x < 0 ? a * expm1(x) : x;
    else if (is(node, "Celu"))
        *y = x < 0 ? a * expm1(x / a) : x;
    else if (is_selu)
        *y = gamma * (x < 0 ? a * expm1(x) : x);
    else if (is_hard)
        *y = fmax(0, fmin(1, a * x + beta));
    else if (is(node, "ThresholdedRelu"))
        *y = x > a ? x : 0;
    else if (is(node, "Shrink"))
        *y = x < -lambda ? x + bias : x > lambda ? x - bias : 0;
    else if (is(node, "Gelu"))
        *y = gelu(node, x);
    else
        return false;
    return true;
}

static bool plain(const mx_node *node, double x, double *y)
{
    static const struct {
        const char *name;
        double (*f)(double);
    } named[] = {{"Abs", fabs}, {"Ceil", ceil}, {"Cos", cos}, {"Erf", erf}, {"Exp", exp},
        {"Floor", floor}, {"Log", log}, {"Round", rint}, {"Sigmoid", sigmoid},
        {"Sin", sin}, {"Softplus", softplus}, {"Sqrt", sqrt}, {"Tanh", tanh}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (is(node, named[i].name)) {
            *y = named[i].f(x);
            return true;
        }
    }
    if (is(node, "Relu"))
        *y = fmax(x, 0);
    else if (is(node, "Neg"))
        *y = -x;
    else if (is(node, "Reciprocal"))
        *y = 1 / x;
    else if (is(node, "Sign"))
        *y = x > 0 ? 1 : x < 0 ? -1 : 0;
    else if (is(node, "Softsign"))
        *y = x / (1 + fabs(x));
    else if (is(node, "HardSwish"))
        *y = x * fmax(0, fmin(1, x / 6 + 0.5));
    else if (is(node, "Mish"))
        *y = x * tanh(softplus(x));
    else
        return shaped(node, x, y);
    return true;
}

static bool unary(const mx_node *node, inputs in, outputs out)
{
    for (int64_t i = 0; i < ref_count(in[0]); i++) {
        if (!plain(node, in[0]->data[i], &out[0]->data[i]))
            return false;
    }
    return true;
}

static bool clip(const mx_node *node, inputs in, outputs out)
{
    const bool has_low = node->n_inputs > 1 && in[1],
               has_high = node->n_inputs > 2 && in[2];
    for (int64_t i = 0; i < ref_count(in[0]); i++) {
        double x = in[0]->data[i];
        x = has_low ? fmax(x, in[1]->data[0]) : x;
        out[0]->data[i] = has_high ? fmin(x, in[2]->data[0]) : x;
    }
    return true;
}

/* --- with broadcasting ------------------------------------------------------------- */

static bool combine(const mx_node *node, double a, double b, double *y)
{
    if (is(node, "Add") || is(node, "Sum") || is(node, "Mean"))
        *y = a + b;
    else if (is(node, "Sub"))
        *y = a - b;
    else if (is(node, "Mul"))
        *y = a * b;
    else if (is(node, "Div"))
        *y = a / b;
    else if (is(node, "Pow"))
        *y = pow(a, b);
    else if (is(node, "Max"))
        *y = fmax(a, b);
    else if (is(node, "Min"))
        *y = fmin(a, b);
    else if (is(node, "PRelu"))
        *y = a < 0 ? a * b : a;
    else
        return false;
    return true;
}

static bool elementwise(const mx_node *node, inputs in, outputs out)
{
    const int64_t n = ref_count(out[0]);
    bool is_even = true; /* no places are needed */
    for (int k = 0; k < node->n_inputs; k++)
        is_even = is_even && ref_count(in[k]) == n;
    for (int64_t i = 0; i < n; i++) {
        int64_t at[RANK];
        double y = 0;
        if (!is_even)
            place_of(out[0], i, at);
        for (int k = 0; k < node->n_inputs; k++) {
            const double x = is_even ? in[k]->data[i] : shown(in[k], out[0]->rank, at);
            if (k == 0)
                y = x;
            else if (!combine(node, y, x, &y))
                return false;
        }
        out[0]->data[i] = is(node, "Mean") ? y / node->n_inputs : y;
    }
    return true;
}

static bool where(const mx_node *node, inputs in, outputs out)
{
    (void)node;
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        place_of(out[0], i, at);
        const int k = shown(in[0], out[0]->rank, at) != 0 ? 1 : 2;
        out[0]->data[i] = shown(in[k], out[0]->rank, at);
    }
    return true;
}

/* --- products ---------------------------------------------------------------------- */

static bool gemm(const mx_node *node, inputs in, outputs out)
{
    const bool ta = mx_attr_int(node, "transA", 0), tb = mx_attr_int(node, "transB", 0);
    const double alpha = (double)mx_attr_float(node, "alpha", 1);
    const double beta = (double)mx_attr_float(node, "beta", 1);
    const int64_t m = out[0]->dims[0], n = out[0]->dims[1], k = in[0]->dims[ta ? 0 : 1];
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            const int64_t at[2] = {i, j};
            double sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += in[0]->data[ta ? l * m + i : i * k + l] *
                       in[1]->data[tb ? j * k + l : l * n + j];
            sum *= alpha;
            if (node->n_inputs > 2 && in[2])
                sum += beta * shown(in[2], 2, at);
            out[0]->data[i * n + j] = sum;
        }
    }
    return true;
}

/* As matrices: one of rank 1 gets a dimension of 1 in front or behind. */
static ref_tensor matrix_of(const ref_tensor *t, bool is_left)
{
    ref_tensor m = *t;
    if (t->rank > 1)
        return m;
    m.rank = 2;
    m.dims[0] = is_left ? 1 : t->dims[0];
    m.dims[1] = is_left ? t->dims[0] : 1;
    return m;
}

static bool matmul(const mx_node *node, inputs in, outputs out)
{
    const ref_tensor a = matrix_of(in[0], true), b = matrix_of(in[1], false);
    const int64_t m = a.dims[a.rank - 2], k = a.dims[a.rank - 1], n = b.dims[b.rank - 1];
    ref_tensor y = {.rank = a.rank > b.rank ? a.rank : b.rank};
    (void)node;
    for (int d = 0; d < y.rank - 2; d++) {
        const int64_t p = d < y.rank - a.rank ? 1 : a.dims[d - (y.rank - a.rank)];
        const int64_t q = d < y.rank - b.rank ? 1 : b.dims[d - (y.rank - b.rank)];
        y.dims[d] = p == 1 ? q : p;
    }
    y.dims[y.rank - 2] = m;
    y.dims[y.rank - 1] = n;
    for (int64_t i = 0; i < ref_count(&y); i++) {
        int64_t at[RANK], pa[RANK] = {0}, pb[RANK] = {0};
        place_of(&y, i, at);
        for (int d = 0; d < a.rank - 2; d++)
            pa[d] = a.dims[d] == 1 ? 0 : at[d + y.rank - a.rank];
        for (int d = 0; d < b.rank - 2; d++)
            pb[d] = b.dims[d] == 1 ? 0 : at[d + y.rank - b.rank];
        pa[a.rank - 2] = at[y.rank - 2];
        pb[b.rank - 1] = at[y.rank - 1];
        const double *p = a.data + offset_of(&a, pa), *q = b.data + offset_of(&b, pb);
        double sum = 0;
        for (int64_t l = 0; l < k; l++)
            sum += p[l] * q[l * n];
        out[0]->data[i] = sum;
    }
    return true;
}

/* --- windows ----------------------------------------------------------------------- */

enum { SPATIAL = 3 };

/* Fewer than three dimensions are the last ones of three. */
typedef struct window {
    int64_t in[SPATIAL], out[SPATIAL], kernel[SPATIAL], stride[SPATIAL],
        dilation[SPATIAL], pad[SPATIAL], pad_behind[SPATIAL];
} window;

static window window_of(
    const mx_node *node, const ref_tensor *x, const ref_tensor *y, const ref_tensor *w)
{
    static const char *const names[4] = {"kernel_shape", "strides", "dilations", "pads"};
    const char *mode = mx_attr_string(node, "auto_pad", "NOTSET");
    const int n = x->rank - 2;
    window v;
    for (int d = 0; d < SPATIAL; d++) {
        const int from = d - (SPATIAL - n);
        const bool is_there = from >= 0;
        int64_t numbers[4] = {1, 1, 1, 0};
        for (int k = 0; k < 4 && is_there; k++) {
            const mx_attribute *a = mx_attr(node, names[k]);
            numbers[k] = a ? a->ints[from] : k == 0 && w ? w->dims[2 + from] : numbers[k];
        }
        const mx_attribute *pads = mx_attr(node, "pads");
        v.in[d] = is_there ? x->dims[2 + from] : 1;
        v.out[d] = is_there ? y->dims[2 + from] : 1;
        v.kernel[d] = numbers[0];
        v.stride[d] = numbers[1];
        v.dilation[d] = numbers[2];
        v.pad[d] = numbers[3];
        v.pad_behind[d] = is_there && pads ? pads->ints[n + from] : 0;
        if (strncmp(mode, "SAME", 4) == 0) {
            const int64_t reach = (v.kernel[d] - 1) * v.dilation[d] + 1;
            const int64_t all = (v.out[d] - 1) * v.stride[d] + reach - v.in[d];
            v.pad[d] = all <= 0                          ? 0
                       : strcmp(mode, "SAME_LOWER") == 0 ? all - all / 2
                                                         : all / 2;
            v.pad_behind[d] = all <= 0 ? 0 : all - v.pad[d];
        }
    }
    return v;
}

typedef void tap_fn(void *arg, int64_t in);

/* Calls `f` for all elements of the window of output `at` that lie within the input, and
 * returns how many lie within input and padding. */
static int64_t each_tap(const window *v, const int64_t *at, tap_fn *f, void *arg)
{
    int64_t n = 0, k[SPATIAL];
    for (k[0] = 0; k[0] < v->kernel[0]; k[0]++) {
        for (k[1] = 0; k[1] < v->kernel[1]; k[1]++) {
            for (k[2] = 0; k[2] < v->kernel[2]; k[2]++) {
                bool is_inside = true, is_padded = true;
                int64_t in = 0;
                for (int d = 0; d < SPATIAL; d++) {
                    const int64_t x =
                        at[d] * v->stride[d] + k[d] * v->dilation[d] - v->pad[d];
                    is_inside = is_inside && x >= 0 && x < v->in[d];
                    is_padded = is_padded && x < v->in[d] + v->pad_behind[d];
                    in = in * v->in[d] + x;
                }
                if (is_inside)
                    f(arg, in);
                n += is_padded;
            }
        }
    }
    return n;
}

static int64_t volume(const int64_t *extents)
{
    return extents[0] * extents[1] * extents[2];
}

static void split3(int64_t i, const int64_t *extents, int64_t *at)
{
    at[2] = i % extents[2];
    at[1] = i / extents[2] % extents[1];
    at[0] = i / extents[2] / extents[1];
}

/* One tap of one channel to all places of one filter. */
static void conv_tap(
    const window *v, int64_t tap, double weight, const double *x, double *y)
{
    int64_t k[SPATIAL], o[SPATIAL];
    split3(tap, v->kernel, k);
    for (o[0] = 0; o[0] < v->out[0]; o[0]++) {
        for (o[1] = 0; o[1] < v->out[1]; o[1]++, y += v->out[2]) {
            int64_t row = 0;
            bool is_inside = true;
            for (int d = 0; d < 2; d++) {
                const int64_t i = o[d] * v->stride[d] + k[d] * v->dilation[d] - v->pad[d];
                is_inside = is_inside && i >= 0 && i < v->in[d];
                row = row * v->in[d] + i;
            }
            const int64_t stride = v->stride[2], last = v->in[2] - 1;
            const int64_t shift = v->pad[2] - k[2] * v->dilation[2];
            const int64_t end = last + shift < 0 ? 0 : (last + shift) / stride + 1;
            const double *line = x + row * v->in[2] - shift;
            o[2] = shift > 0 ? (shift + stride - 1) / stride : 0;
            for (; is_inside && o[2] < v->out[2] && o[2] < end; o[2]++)
                y[o[2]] += weight * line[o[2] * stride];
        }
    }
}

static bool conv(const mx_node *node, inputs in, outputs out)
{
    const window v = window_of(node, in[0], out[0], in[1]);
    const int64_t groups = mx_attr_int(node, "group", 1), batch = in[0]->dims[0];
    const int64_t filters = in[1]->dims[0], channels = in[1]->dims[1];
    const int64_t n_out = volume(v.out), n_in = volume(v.in), taps = volume(v.kernel);
    for (int64_t i = 0; i < batch * filters * n_out; i++)
        out[0]->data[i] =
            node->n_inputs > 2 && in[2] ? in[2]->data[i / n_out % filters] : 0;
    for (int64_t i = 0; i < batch * filters; i++) {
        const int64_t f = i % filters, group = f / (filters / groups);
        const double *x = in[0]->data + (i / filters * groups + group) * channels * n_in;
        const double *w = in[1]->data + f * channels * taps;
        for (int64_t c = 0; c < channels * taps; c++)
            conv_tap(&v, c % taps, w[c], x + c / taps * n_in, out[0]->data + i * n_out);
    }
    return true;
}

typedef struct pool_arg {
    const double *x;
    double sum, max;
    int64_t n;
} pool_arg;

static void pool_tap(void *arg, int64_t in)
{
    pool_arg *p = arg;
    p->sum += p->x[in];
    p->max = fmax(p->max, p->x[in]);
    p->n++;
}

static bool pool(const mx_node *node, inputs in, outputs out)
{
    const window v = window_of(node, in[0], out[0], NULL);
    const bool with_pads = mx_attr_int(node, "count_include_pad", 0) != 0;
    const int64_t n_out = volume(v.out), n_in = volume(v.in);
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        pool_arg p = {.x = in[0]->data + i / n_out * n_in, .max = -INFINITY};
        int64_t at[SPATIAL];
        split3(i % n_out, v.out, at);
        const int64_t padded = each_tap(&v, at, pool_tap, &p);
        out[0]->data[i] =
            is(node, "MaxPool") ? p.max : p.sum / (double)(with_pads ? padded : p.n);
    }
    return true;
}

static bool global_pool(const mx_node *node, inputs in, outputs out)
{
    const int64_t planes = in[0]->dims[0] * in[0]->dims[1];
    const int64_t n = ref_count(in[0]) / planes;
    for (int64_t i = 0; i < planes; i++) {
        double sum = 0, max = -INFINITY;
        for (int64_t k = 0; k < n; k++) {
            sum += in[0]->data[i * n + k];
            max = fmax(max, in[0]->data[i * n + k]);
        }
        out[0]->data[i] = is(node, "GlobalMaxPool") ? max : sum / (double)n;
    }
    return true;
}

/* --- normalisations ---------------------------------------------------------------- */

/* Mean and variance of the elements that `step` numbers apart make: n of them, in `outer`
 * blocks that are `block` apart. */
static void moments(const double *x, int64_t outer, int64_t block, int64_t n,
    double *mean, double *variance)
{
    *mean = *variance = 0;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < n; i++)
            *mean += x[o * block + i] / (double)(outer * n);
    }
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < n; i++)
            *variance += pow(x[o * block + i] - *mean, 2) / (double)(outer * n);
    }
}

static bool batch_norm(const mx_node *node, inputs in, outputs out, bool training)
{
    const double epsilon = (double)mx_attr_float(node, "epsilon", 1e-5f);
    const int64_t batch = in[0]->dims[0], channels = in[0]->dims[1];
    const int64_t n = ref_count(in[0]) / (batch * channels);
    for (int64_t c = 0; c < channels; c++) {
        double mean = in[3]->data[c], variance = in[4]->data[c];
        if (training)
            moments(in[0]->data + c * n, batch, channels * n, n, &mean, &variance);
        for (int64_t i = 0; i < batch * n; i++) {
            const int64_t at = i / n * channels * n + c * n + i % n;
            out[0]->data[at] =
                (in[0]->data[at] - mean) / sqrt(variance + epsilon) * in[1]->data[c] +
                in[2]->data[c];
        }
    }
    return true;
}

static bool layer_norm(const mx_node *node, inputs in, outputs out)
{
    const double epsilon = (double)mx_attr_float(node, "epsilon", 1e-5f);
    const int rank = in[0]->rank;
    int64_t n = 1;
    for (int64_t d = axis_of(node, -1, rank); d < rank; d++)
        n *= in[0]->dims[d];
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < ref_count(in[0]); i++) {
        int64_t at[RANK];
        if (i % n == 0)
            moments(in[0]->data + i, 1, n, n, &mean, &variance);
        place_of(in[0], i, at);
        out[0]->data[i] =
            (in[0]->data[i] - mean) / sqrt(variance + epsilon) * shown(in[1], rank, at);
        if (node->n_inputs > 2 && in[2])
            out[0]->data[i] += shown(in[2], rank, at);
    }
    return true;
}

/* InstanceNormalization too: as many groups as channels. */
static bool group_norm(const mx_node *node, inputs in, outputs out)
{
    const double epsilon = (double)mx_attr_float(node, "epsilon", 1e-5f);
    const int64_t channels = in[0]->dims[1];
    const int64_t groups = mx_attr_int(node, "num_groups", channels);
    const int64_t plane = ref_count(in[0]) / (in[0]->dims[0] * channels);
    const int64_t n = channels / groups * plane;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < ref_count(in[0]); i++) {
        const int64_t c = i / plane % channels;
        const int64_t k = in[1]->dims[0] == channels ? c : c / (channels / groups);
        if (i % n == 0)
            moments(in[0]->data + i, 1, n, n, &mean, &variance);
        out[0]->data[i] =
            (in[0]->data[i] - mean) / sqrt(variance + epsilon) * in[1]->data[k] +
            in[2]->data[k];
    }
    return true;
}

static bool softmax(const mx_node *node, inputs in, outputs out)
{
    const bool flat = node->opset < 13;
    const int64_t axis = axis_of(node, flat ? 1 : -1, in[0]->rank);
    int64_t n = 1, inner = 1;
    for (int64_t d = axis; d < in[0]->rank; d++) {
        if (flat || d == axis)
            n *= in[0]->dims[d];
        else
            inner *= in[0]->dims[d];
    }
    for (int64_t i = 0; i < ref_count(in[0]) / n; i++) {
        const int64_t first = i / inner * n * inner + i % inner;
        const double *x = in[0]->data + first;
        double max = -INFINITY, sum = 0;
        for (int64_t k = 0; k < n; k++)
            max = fmax(max, x[k * inner]);
        for (int64_t k = 0; k < n; k++)
            sum += exp(x[k * inner] - max);
        for (int64_t k = 0; k < n; k++) {
            const double y = x[k * inner] - max - log(sum);
            out[0]->data[first + k * inner] = is(node, "Softmax") ? exp(y) : y;
        }
    }
    return true;
}

/* --- reductions -------------------------------------------------------------------- */

static double fold(const mx_node *node, double y, double x)
{
    const char *kind = node->op_type + 6; /* behind "Reduce" */
    if (strcmp(kind, "Max") == 0)
        return fmax(y, x);
    if (strcmp(kind, "Min") == 0)
        return fmin(y, x);
    if (strcmp(kind, "L1") == 0)
        return y + fabs(x);
    if (strcmp(kind, "L2") == 0 || strcmp(kind, "SumSquare") == 0)
        return y + x * x;
    return y + (strcmp(kind, "LogSumExp") == 0 ? exp(x) : x);
}

static bool reduce(const mx_node *node, inputs in, outputs out)
{
    int64_t axes[RANK];
    ref_tensor kept = *in[0];
    const int n_axes = list_of(node, in, "axes", 1, axes);
    const bool is_noop = n_axes == 0 && mx_attr_int(node, "noop_with_empty_axes", 0);
    for (int i = 0; i < n_axes; i++)
        kept.dims[axes[i] < 0 ? axes[i] + kept.rank : axes[i]] = 1;
    for (int d = 0; d < kept.rank && n_axes == 0 && !is_noop; d++)
        kept.dims[d] = 1;
    const int64_t n = ref_count(&kept), n_in = ref_count(in[0]);
    for (int64_t i = 0; i < n; i++)
        out[0]->data[i] = is(node, "ReduceMax")   ? -INFINITY
                          : is(node, "ReduceMin") ? INFINITY
                                                  : 0;
    for (int64_t i = 0; i < n_in; i++) {
        int64_t at[RANK];
        place_of(in[0], i, at);
        for (int d = 0; d < kept.rank; d++)
            at[d] = kept.dims[d] == 1 ? 0 : at[d];
        double *y = &out[0]->data[offset_of(&kept, at)];
        *y = is_noop ? in[0]->data[i] : fold(node, *y, in[0]->data[i]);
    }
    for (int64_t i = 0; i < n && !is_noop; i++) {
        if (is(node, "ReduceMean"))
            out[0]->data[i] /= (double)(n_in / n);
        if (is(node, "ReduceL2"))
            out[0]->data[i] = sqrt(out[0]->data[i]);
        if (strncmp(node->op_type, "ReduceLog", 9) == 0)
            out[0]->data[i] = log(out[0]->data[i]);
    }
    return true;
}

/* --- moves ------------------------------------------------------------------------- */

static bool copy(const mx_node *node, inputs in, outputs out)
{
    (void)node;
    memcpy(out[0]->data, in[0]->data, (size_t)ref_count(in[0]) * sizeof(double));
    return true;
}

/* Concat and Split: one tensor and its parts along an axis. */
static void join(
    const ref_tensor *whole, ref_tensor *const *parts, int n, int64_t axis, bool splits)
{
    int64_t first = 0;
    for (int k = 0; k < n; k++) {
        for (int64_t i = 0; i < ref_count(parts[k]); i++) {
            int64_t at[RANK];
            place_of(parts[k], i, at);
            at[axis] += first;
            double *a = &whole->data[offset_of(whole, at)], *b = &parts[k]->data[i];
            *(splits ? b : a) = *(splits ? a : b);
        }
        first += parts[k]->dims[axis];
    }
}

static bool concat(const mx_node *node, inputs in, outputs out)
{
    join(out[0], (ref_tensor *const *)in, node->n_inputs, axis_of(node, 0, out[0]->rank),
        false);
    return true;
}

static bool split(const mx_node *node, inputs in, outputs out)
{
    join(in[0], out, node->n_outputs, axis_of(node, 0, in[0]->rank), true);
    return true;
}

static bool transpose(const mx_node *node, inputs in, outputs out)
{
    const mx_attribute *perm = mx_attr(node, "perm");
    const int rank = in[0]->rank;
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK], from[RANK];
        place_of(out[0], i, at);
        for (int d = 0; d < rank; d++)
            from[perm ? perm->ints[d] : rank - 1 - d] = at[d];
        out[0]->data[i] = in[0]->data[offset_of(in[0], from)];
    }
    return true;
}

static bool expand(const mx_node *node, inputs in, outputs out)
{
    (void)node;
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        place_of(out[0], i, at);
        out[0]->data[i] = shown(in[0], out[0]->rank, at);
    }
    return true;
}

static bool tile(const mx_node *node, inputs in, outputs out)
{
    (void)node;
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        place_of(out[0], i, at);
        for (int d = 0; d < in[0]->rank; d++)
            at[d] %= in[0]->dims[d];
        out[0]->data[i] = in[0]->data[offset_of(in[0], at)];
    }
    return true;
}

static bool gather(const mx_node *node, inputs in, outputs out)
{
    const int64_t axis = axis_of(node, 0, in[0]->rank), n = in[0]->dims[axis];
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK], from[RANK], place = 0;
        place_of(out[0], i, at);
        for (int d = 0; d < in[1]->rank; d++)
            place = place * in[1]->dims[d] + at[axis + d];
        const int64_t index = (int64_t)in[1]->data[place];
        for (int d = 0; d < in[0]->rank; d++)
            from[d] = d < axis    ? at[d]
                      : d == axis ? (index < 0 ? index + n : index)
                                  : at[d - 1 + in[1]->rank];
        out[0]->data[i] = in[0]->data[offset_of(in[0], from)];
    }
    return true;
}

static bool slice(const mx_node *node, inputs in, outputs out)
{
    int64_t starts[RANK], axes[RANK], steps[RANK];
    const int n = list_of(node, in, "starts", 1, starts);
    const int n_axes = list_of(node, in, "axes", 3, axes);
    const int n_steps = list_of(node, in, "steps", 4, steps);
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        place_of(out[0], i, at);
        for (int k = 0; k < n; k++) {
            const int64_t axis = n_axes ? axes[k] : k;
            const int64_t d = axis < 0 ? axis + in[0]->rank : axis;
            const int64_t size = in[0]->dims[d], step = n_steps ? steps[k] : 1;
            int64_t start = starts[k] < 0 ? starts[k] + size : starts[k];
            start = start < 0 ? 0 : start > size - (step < 0) ? size - (step < 0) : start;
            at[d] = start + at[d] * step;
        }
        out[0]->data[i] = in[0]->data[offset_of(in[0], at)];
    }
    return true;
}

/* The element of n that place i shows, by walking; -1: none. */
static int64_t reflected(const char *mode, int64_t i, int64_t n)
{
    if (strcmp(mode, "constant") == 0)
        return i < 0 || i >= n ? -1 : i;
    if (strcmp(mode, "edge") == 0)
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    while (i < 0 || i >= n) {
        if (strcmp(mode, "wrap") == 0)
            i += i < 0 ? n : -n;
        else if (n == 1)
            i = 0;
        else
            i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i;
}

/* Pads that are not negative. */
static bool pad(const mx_node *node, inputs in, outputs out)
{
    const char *mode = mx_attr_string(node, "mode", "constant");
    int64_t pads[2 * RANK], axes[RANK], before[RANK] = {0};
    const int n = list_of(node, in, "pads", 1, pads) / 2;
    const int n_axes = list_of(node, in, "axes", 3, axes);
    const double value = node->n_inputs > 2 && in[2] ? in[2]->data[0] : 0;
    for (int k = 0; k < n; k++)
        before[n_axes ? (axes[k] < 0 ? axes[k] + in[0]->rank : axes[k]) : k] = pads[k];
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        bool is_there = true;
        place_of(out[0], i, at);
        for (int d = 0; d < in[0]->rank; d++) {
            at[d] = reflected(mode, at[d] - before[d], in[0]->dims[d]);
            is_there = is_there && at[d] >= 0;
        }
        out[0]->data[i] = is_there ? in[0]->data[offset_of(in[0], at)] : value;
    }
    return true;
}

/* --- sampling ---------------------------------------------------------------------- */

static double cubic(double x)
{
    const double a = -0.75;
    x = fabs(x);
    if (x < 1)
        return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

static double tent(double x)
{
    return fmax(0, 1 - fabs(x));
}

/* The sum of weight(place - at) x[place] over the places of one axis after the other;
 * `shows` says what a place outside shows, -1: 0. */
typedef struct sampler {
    const ref_tensor *t;
    double (*weight)(double);
    int64_t (*shows)(int64_t i, int64_t n);
} sampler;

static double sample(const sampler *s, int d, int64_t offset, const double *at)
{
    double sum = 0;
    if (d == s->t->rank)
        return s->t->data[offset];
    const int64_t n = s->t->dims[d], first = (int64_t)floor(at[d]);
    for (int64_t i = first - 1; i <= first + 2; i++) {
        const double w = s->weight((double)i - at[d]);
        const int64_t place = s->shows(i, n);
        if (w != 0 && place >= 0)
            sum += w * sample(s, d + 1, offset * n + place, at);
    }
    return sum;
}

static int64_t edge(int64_t i, int64_t n)
{
    return reflected("edge", i, n);
}

static int64_t nothing(int64_t i, int64_t n)
{
    return reflected("constant", i, n);
}

/* Half pixels, corners, or asymmetric; nearest with round_prefer_floor or floor. */
static double resize_place(const mx_node *node, int64_t i, int64_t n, int64_t n_out)
{
    const char *where =
        mx_attr_string(node, "coordinate_transformation_mode", "half_pixel");
    const double x = (double)i, scale = (double)n_out / (double)n;
    if (strcmp(where, "align_corners") == 0)
        return n_out == 1 ? 0 : x * (double)(n - 1) / (double)(n_out - 1);
    if (strcmp(where, "asymmetric") == 0)
        return x / scale;
    return (x + 0.5) / scale - 0.5;
}

static bool resize(const mx_node *node, inputs in, outputs out)
{
    const char *mode = mx_attr_string(node, "mode", "nearest");
    const bool is_nearest = strcmp(mode, "nearest") == 0;
    const char *nearest = mx_attr_string(node, "nearest_mode", "round_prefer_floor");
    const sampler s = {in[0], strcmp(mode, "cubic") == 0 ? cubic : tent, edge};
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK];
        double place[RANK];
        place_of(out[0], i, at);
        for (int d = 0; d < in[0]->rank; d++) {
            place[d] = (double)at[d];
            if (in[0]->dims[d] != out[0]->dims[d])
                place[d] = resize_place(node, at[d], in[0]->dims[d], out[0]->dims[d]);
            if (is_nearest)
                place[d] = strcmp(nearest, "floor") == 0 ? floor(place[d])
                                                         : ceil(place[d] - 0.5);
        }
        out[0]->data[i] = sample(&s, 0, 0, place);
    }
    return true;
}

/* A place outside brought in by border or reflection. */
static double brought_in(const char *padding, bool corners, double x, int64_t n)
{
    const double edge_at = corners ? 0 : 0.5, low = -edge_at;
    const double high = (double)n - 1 + edge_at;
    if (strcmp(padding, "border") == 0)
        return fmax(0, fmin((double)n - 1, x));
    while (strcmp(padding, "reflection") == 0 && (x < low || x > high))
        x = x < low ? 2 * low - x : 2 * high - x;
    return x;
}

/* The linear form for all paddings, and the cubic one for zeros. */
static bool grid_sample(const mx_node *node, inputs in, outputs out)
{
    const char *mode = mx_attr_string(node, "mode", "linear");
    const char *padding = mx_attr_string(node, "padding_mode", "zeros");
    const bool corners = mx_attr_int(node, "align_corners", 0) != 0;
    const bool is_cubic = strstr(mode, "cubic") != NULL;
    const sampler s = {
        in[0], is_cubic ? cubic : tent, strcmp(padding, "zeros") == 0 ? nothing : edge};
    const int n_axes = in[0]->rank - 2;
    for (int64_t i = 0; i < ref_count(out[0]); i++) {
        int64_t at[RANK], point[RANK];
        double place[RANK];
        place_of(out[0], i, at);
        memcpy(point + 1, at + 2, (size_t)n_axes * sizeof *at);
        point[0] = at[0];
        place[0] = (double)at[0];
        place[1] = (double)at[1];
        for (int d = 0; d < n_axes; d++) {
            const int64_t n = in[0]->dims[2 + d];
            point[n_axes + 1] = n_axes - 1 - d;
            const double g = in[1]->data[offset_of(in[1], point)];
            const double x =
                corners ? (g + 1) / 2 * (double)(n - 1) : ((g + 1) * (double)n - 1) / 2;
            place[2 + d] = is_cubic ? x : brought_in(padding, corners, x, n);
        }
        out[0]->data[i] = sample(&s, 0, 0, place);
    }
    return true;
}

/* --- all --------------------------------------------------------------------------- */

typedef bool forward_fn(const mx_node *node, inputs in, outputs out);

static const struct {
    const char *names; /* between blanks */
    forward_fn *forward;
} table[] = {
    {" Add Div Max Mean Min Mul PRelu Pow Sub Sum ", elementwise},
    {" AveragePool MaxPool ", pool},
    {" Cast Dropout Flatten Identity Reshape Squeeze Unsqueeze ", copy},
    {" Clip ", clip},
    {" Concat ", concat},
    {" Conv ", conv},
    {" Expand ", expand},
    {" Gather ", gather},
    {" Gemm ", gemm},
    {" GlobalAveragePool GlobalMaxPool ", global_pool},
    {" GridSample ", grid_sample},
    {" GroupNormalization InstanceNormalization ", group_norm},
    {" LayerNormalization ", layer_norm},
    {" LogSoftmax Softmax ", softmax},
    {" MatMul ", matmul},
    {" Pad ", pad},
    {" Resize ", resize},
    {" Slice ", slice},
    {" Split ", split},
    {" Tile ", tile},
    {" Transpose ", transpose},
    {" Where ", where},
};

bool ref_forward(const mx_node *node, const ref_tensor *const *in, ref_tensor *const *out,
    bool training)
{
    char name[64] = " ";
    strncat(name, node->op_type, 40);
    strcat(name, " ");
    if (is(node, "BatchNormalization"))
        return batch_norm(node, in, out, training);
    if (strncmp(node->op_type, "Reduce", 6) == 0)
        return reduce(node, in, out);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strstr(table[i].names, name))
            return table[i].forward(node, in, out);
    }
    return unary(node, in, out);
}
