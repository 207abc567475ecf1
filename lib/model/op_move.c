/* SPDX-License-Identifier: MIT */
/* Operators that move elements: of any type, by their size. */
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

static size_t element_size(const mx_tensor *t)
{
    return mexpr_dtype_bytes((mexpr_dtype)t->dtype);
}

/* Bytes of the dimensions first..last-1 of a tensor. */
static size_t block_bytes(const mx_tensor *t, int64_t first, int last)
{
    return (size_t)mx_dims_product(t->dims, (int)first, last) * element_size(t);
}

typedef struct axis_params {
    int64_t axis;
} axis_params;

/* --- Concat ------------------------------------------------------------------------ */

static mexpr_status fail_concat(mx_infer *infer, int k, int64_t axis)
{
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    return mx_fail(infer->scope, MEXPR_E_SHAPE,
        "its input %d of %s does not fit to %s along axis %lld", k,
        mx_shape_text(infer->inputs[k], a), mx_shape_text(infer->inputs[0], b),
        (long long)axis);
}

static mexpr_status infer_concat(mx_infer *infer)
{
    const mx_tensor *first = infer->inputs[0];
    axis_params *p = infer->params;
    if (!mx_attr(infer->node, "axis"))
        return mx_fail(infer->scope, MEXPR_E_MODEL, "the attribute axis is missing");
    p->axis = mx_attr_int(infer->node, "axis", 0);
    const mexpr_status status = mx_infer_axis(infer, &p->axis, first->rank);
    if (status != MEXPR_OK)
        return status;
    int64_t dims[MEXPR_MAX_RANK];
    memcpy(dims, first->dims, sizeof dims);
    for (int k = 1; k < infer->n_inputs; k++) {
        const mx_tensor *in = infer->inputs[k];
        if (in->rank != first->rank)
            return fail_concat(infer, k, p->axis);
        for (int i = 0; i < in->rank; i++) {
            if (i == p->axis) {
                const bool open = dims[i] < 0 || in->dims[i] < 0;
                if (!open && dims[i] > INT64_MAX - in->dims[i])
                    return fail_concat(infer, k, p->axis);
                dims[i] = open ? -1 : dims[i] + in->dims[i];
            } else if (dims[i] < 0) {
                dims[i] = in->dims[i];
            } else if (in->dims[i] >= 0 && in->dims[i] != dims[i]) {
                return fail_concat(infer, k, p->axis);
            }
        }
    }
    mx_infer_shape(infer, 0, first->rank, dims);
    return MEXPR_OK;
}

static mexpr_status concat(const mx_run *run)
{
    const axis_params *p = run->params;
    const mx_tensor *out = run->outputs[0];
    const size_t row = block_bytes(out, p->axis, out->rank);
    const int64_t n_rows = mx_dims_product(out->dims, 0, (int)p->axis);
    uint8_t *to = out->data;
    for (int k = 0; k < run->n_inputs; k++) {
        const uint8_t *from = run->inputs[k]->data;
        const size_t size = block_bytes(run->inputs[k], p->axis, out->rank);
        for (int64_t i = 0; i < n_rows && size > 0; i++)
            memcpy(to + (size_t)i * row, from + (size_t)i * size, size);
        to += size;
    }
    return MEXPR_OK;
}

/* --- Split ------------------------------------------------------------------------- */

/* Sizes from the attribute (before 13), the input, or equal parts. */
static mexpr_status split_sizes(mx_infer *infer, int64_t n, int64_t *sizes, bool *known)
{
    const mx_attribute *a = mx_attr(infer->node, "split");
    const mx_tensor *in = mx_infer_input(infer, 1);
    const int n_parts = infer->n_outputs;
    *known = true;
    if (in || a) {
        int count = a ? (int)a->n : 0;
        *known = !in || in->data != NULL;
        mexpr_status status = MEXPR_OK;
        if (in && *known)
            status = mx_infer_ints(infer, 1, sizes, n_parts, &count);
        if (status != MEXPR_OK || !*known)
            return status;
        if (count != n_parts)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "it has %d outputs for %d parts",
                n_parts, count);
        for (int i = 0; !in && i < n_parts; i++)
            sizes[i] = a->ints[i];
        return MEXPR_OK;
    }
    const int64_t asked = mx_attr_int(infer->node, "num_outputs", n_parts);
    const bool uneven = mx_attr(infer->node, "num_outputs") != NULL;
    if (asked != n_parts || (n >= 0 && !uneven && n % n_parts != 0))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "%lld cannot be split into %d equal parts", (long long)n, n_parts);
    const int64_t size = n < 0 ? -1 : (n + n_parts - 1) / n_parts;
    for (int i = 0; i < n_parts; i++)
        sizes[i] = n < 0 ? -1 : n - i * size < size ? n - i * size : size;
    return MEXPR_OK;
}

enum { MAX_PARTS = 256 };

static mexpr_status infer_split(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    axis_params *p = infer->params;
    int64_t sizes[MAX_PARTS];
    bool known;
    p->axis = mx_attr_int(infer->node, "axis", 0);
    mexpr_status status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status == MEXPR_OK)
        status = split_sizes(infer, in->dims[p->axis], sizes, &known);
    if (status != MEXPR_OK)
        return status;
    int64_t left = in->dims[p->axis];
    for (int k = 0; k < infer->n_outputs; k++) {
        if (infer->node->outputs[k] < 0)
            return mx_fail(infer->scope, MEXPR_E_MODEL, "its output %d is left out", k);
        int64_t dims[MEXPR_MAX_RANK];
        memcpy(dims, in->dims, sizeof dims);
        dims[p->axis] = known ? sizes[k] : -1;
        if (known && left >= 0 && (sizes[k] < 0 || sizes[k] > left))
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a part of size %lld is not possible in %lld", (long long)sizes[k],
                (long long)in->dims[p->axis]);
        left -= known && left >= 0 ? sizes[k] : 0;
        infer->outputs[k]->dtype = in->dtype;
        mx_infer_shape(infer, k, in->rank, dims);
    }
    if (known && left > 0)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its parts leave %lld of %lld over",
            (long long)left, (long long)in->dims[p->axis]);
    return MEXPR_OK;
}

static mexpr_status split(const mx_run *run)
{
    const axis_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const size_t row = block_bytes(in, p->axis, in->rank);
    const size_t unit = block_bytes(in, p->axis + 1, in->rank);
    const int64_t n_rows = mx_dims_product(in->dims, 0, (int)p->axis);
    const uint8_t *from = in->data;
    for (int k = 0; k < run->n_outputs; k++) {
        const mx_tensor *out = run->outputs[k];
        const size_t size = (size_t)out->dims[p->axis] * unit;
        for (int64_t i = 0; i < n_rows && size > 0; i++)
            memcpy((uint8_t *)out->data + (size_t)i * size, from + (size_t)i * row, size);
        from += size;
    }
    return MEXPR_OK;
}

/* --- Slice ------------------------------------------------------------------------- */

typedef struct slice_params {
    int64_t start[MEXPR_MAX_RANK];
    int64_t step[MEXPR_MAX_RANK];
} slice_params;

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Numpy's slice of one dimension; returns how many elements it has. */
static int64_t slice_one(int64_t n, int64_t *start, int64_t end, int64_t step)
{
    const int64_t s = *start < 0 ? *start + n : *start;
    const int64_t e = end < 0 ? end + n : end;
    if (step > 0) {
        *start = clamp(s, 0, n);
        const int64_t past = clamp(e, 0, n);
        return past > *start ? (past - *start - 1) / step + 1 : 0;
    }
    *start = clamp(s, -1, n - 1);
    const int64_t past = clamp(e, -1, n - 1);
    return *start > past ? (*start - past - 1) / -step + 1 : 0;
}

/* Lists of the inputs 1..4; `n` of each. *known is false while one of them is open. */
typedef struct slice_lists {
    int64_t start[MEXPR_MAX_RANK], end[MEXPR_MAX_RANK], axis[MEXPR_MAX_RANK],
        step[MEXPR_MAX_RANK];
    int n;
    bool known;
} slice_lists;

static mexpr_status read_slice(mx_infer *infer, slice_lists *l)
{
    int64_t *const lists[4] = {l->start, l->end, l->axis, l->step};
    for (int i = 0; i < MEXPR_MAX_RANK; i++) {
        l->axis[i] = i;
        l->step[i] = 1;
    }
    l->known = true;
    for (int k = 1; k <= 4; k++)
        l->known = l->known && (!mx_infer_input(infer, k) || infer->inputs[k]->data);
    for (int k = 1; k <= 4 && l->known; k++) {
        int n = l->n;
        mexpr_status status = MEXPR_OK;
        if (mx_infer_input(infer, k))
            status = mx_infer_ints(infer, k, lists[k - 1], MEXPR_MAX_RANK, &n);
        if (status != MEXPR_OK)
            return status;
        if (k > 1 && n != l->n)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "its lists of starts, ends, axes and steps are of different lengths");
        l->n = n;
    }
    return MEXPR_OK;
}

static mexpr_status infer_slice(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    slice_params *p = infer->params;
    slice_lists l = {.n = 0};
    mexpr_status status = read_slice(infer, &l);
    if (status != MEXPR_OK)
        return status;
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < in->rank; i++) {
        dims[i] = l.known ? in->dims[i] : -1;
        p->step[i] = 1;
    }
    for (int i = 0; l.known && i < l.n; i++) {
        status = mx_infer_axis(infer, &l.axis[i], in->rank);
        if (status != MEXPR_OK)
            return status;
        const int64_t d = l.axis[i];
        if (l.step[i] == 0 || l.step[i] == INT64_MIN)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "a step of %lld is not possible",
                (long long)l.step[i]);
        p->start[d] = l.start[i];
        p->step[d] = l.step[i];
        dims[d] = in->dims[d] < 0
                      ? -1
                      : slice_one(in->dims[d], &p->start[d], l.end[i], l.step[i]);
    }
    mx_infer_shape(infer, 0, in->rank, dims);
    return MEXPR_OK;
}

static mexpr_status slice(const mx_run *run)
{
    const slice_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    int64_t strides[2][MEXPR_MAX_RANK], first = 0;
    mx_walk walk;
    if (mx_tensor_count(out) == 0)
        return MEXPR_OK;
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i < in->rank; i++) {
        first += p->start[i] * strides[1][i];
        strides[1][i] *= out->dims[i] > 1 ? p->step[i] : 1;
    }
    mx_walk_init(
        &walk, out->rank, out->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(&walk, element_size(in), out->data,
        (const uint8_t *)in->data + first * (int64_t)element_size(in));
    return MEXPR_OK;
}

/* --- Transpose --------------------------------------------------------------------- */

typedef struct transpose_params {
    int perm[MEXPR_MAX_RANK];
} transpose_params;

static mexpr_status infer_transpose(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const mx_attribute *a = mx_attr(infer->node, "perm");
    transpose_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK];
    uint32_t seen = 0;
    if (a && a->n != (size_t)in->rank)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the attribute perm has %zu numbers for %d dimensions", a->n, in->rank);
    for (int i = 0; i < in->rank; i++) {
        const int64_t from = a ? a->ints[i] : in->rank - 1 - i;
        if (from < 0 || from >= in->rank || seen & 1u << from)
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "the attribute perm is not a permutation");
        seen |= 1u << from;
        p->perm[i] = (int)from;
        dims[i] = in->dims[from];
    }
    mx_infer_shape(infer, 0, in->rank, dims);
    return MEXPR_OK;
}

static mexpr_status transpose(const mx_run *run)
{
    const transpose_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    int64_t strides[2][MEXPR_MAX_RANK], own[MEXPR_MAX_RANK];
    mx_walk walk;
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, own);
    for (int i = 0; i < in->rank; i++)
        strides[1][i] = own[p->perm[i]];
    mx_walk_init(
        &walk, out->rank, out->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(&walk, element_size(in), out->data, in->data);
    return MEXPR_OK;
}

/* --- Expand, Tile ------------------------------------------------------------------ */

static mexpr_status infer_expand(mx_infer *infer)
{
    int64_t dims[MEXPR_MAX_RANK] = {0};
    int rank;
    if (!infer->inputs[1]->data)
        return mx_infer_type(infer, 1, MX_T_INTS);
    const mexpr_status status = mx_infer_ints(infer, 1, dims, MEXPR_MAX_RANK, &rank);
    if (status != MEXPR_OK)
        return status;
    mx_tensor wanted = {.rank = rank};
    memcpy(wanted.dims, dims, sizeof dims);
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a dimension of %lld is not possible", (long long)dims[i]);
    }
    const mx_tensor *const both[] = {infer->inputs[0], &wanted};
    mx_infer pair = *infer;
    pair.inputs = both;
    return mx_infer_broadcast(&pair);
}

static mexpr_status expand(const mx_run *run)
{
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 1);
    mx_walk_copy(
        &walk, element_size(run->inputs[0]), run->outputs[0]->data, run->inputs[0]->data);
    return MEXPR_OK;
}

static mexpr_status infer_tile(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    int64_t repeats[MEXPR_MAX_RANK], dims[MEXPR_MAX_RANK];
    int n;
    if (!infer->inputs[1]->data)
        return mx_infer_type(infer, 1, MX_T_INTS);
    const mexpr_status status = mx_infer_ints(infer, 1, repeats, MEXPR_MAX_RANK, &n);
    if (status != MEXPR_OK)
        return status;
    for (int i = 0; i < in->rank; i++) {
        dims[i] = in->dims[i];
        if (n != in->rank || repeats[i] < 0 ||
            (dims[i] >= 0 && !mx_mul_i64(dims[i], repeats[i], &dims[i])))
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "its repeats do not fit to a tensor of %d dimensions", in->rank);
    }
    mx_infer_shape(infer, 0, in->rank, dims);
    return MEXPR_OK;
}

/* Every repeat is a block of its own: one copy per position of the block. */
static mexpr_status tile(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const size_t size = element_size(in);
    int64_t strides[2][MEXPR_MAX_RANK], at[MEXPR_MAX_RANK] = {0};
    if (mx_tensor_count(out) == 0)
        return MEXPR_OK;
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i >= 0;) {
        int64_t offset = 0;
        for (int d = 0; d < in->rank; d++)
            offset += at[d] * in->dims[d] * strides[0][d];
        mx_walk walk;
        mx_walk_init(
            &walk, in->rank, in->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
        mx_walk_copy(&walk, size, (uint8_t *)out->data + (size_t)offset * size, in->data);
        for (i = in->rank - 1; i >= 0; i--) {
            if (++at[i] * in->dims[i] < out->dims[i])
                break;
            at[i] = 0;
        }
    }
    return MEXPR_OK;
}

/* --- Pad --------------------------------------------------------------------------- */

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } pad_mode;

typedef struct pad_params {
    pad_mode mode;
    int64_t before[MEXPR_MAX_RANK], after[MEXPR_MAX_RANK]; /* negative: is cut off */
} pad_params;

static mexpr_status read_pad_mode(mx_infer *infer, pad_mode *mode)
{
    static const char *const names[] = {"constant", "edge", "reflect", "wrap"};
    const char *text = mx_attr_string(infer->node, "mode", "constant");
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (pad_mode)i;
            return MEXPR_OK;
        }
    }
    return mx_fail(infer->scope, MEXPR_E_MODEL, "the mode '%.40s' does not exist", text);
}

/* Pads of the axes named by input 3, or of all, before and after each dimension. */
static mexpr_status read_pads(mx_infer *infer, int64_t *before, int64_t *after)
{
    const int rank = infer->inputs[0]->rank;
    int64_t pads[2 * MEXPR_MAX_RANK], axes[MEXPR_MAX_RANK];
    int n_pads, n_axes = rank;
    mexpr_status status = mx_infer_ints(infer, 1, pads, 2 * MEXPR_MAX_RANK, &n_pads);
    for (int i = 0; i < rank; i++) {
        axes[i] = i;
        before[i] = after[i] = 0;
    }
    if (status == MEXPR_OK && mx_infer_input(infer, 3))
        status = mx_infer_ints(infer, 3, axes, MEXPR_MAX_RANK, &n_axes);
    if (status == MEXPR_OK && n_pads != 2 * n_axes)
        status = mx_fail(
            infer->scope, MEXPR_E_SHAPE, "it has %d pads for %d axes", n_pads, n_axes);
    for (int i = 0; status == MEXPR_OK && i < n_axes; i++) {
        status = mx_infer_axis(infer, &axes[i], rank);
        if (status != MEXPR_OK)
            return status;
        before[axes[i]] = pads[i];
        after[axes[i]] = pads[n_axes + i];
    }
    return status;
}

static mexpr_status pad_one(mx_infer *infer, pad_mode mode, int64_t n, int64_t before,
    int64_t after, int64_t *size)
{
    const int64_t far = (int64_t)1 << 40;
    const bool huge = before < -far || before > far || after < -far || after > far;
    const int64_t left =
        huge ? 0 : n + (before < 0 ? before : 0) + (after < 0 ? after : 0);
    *size = huge ? -1 : n + before + after;
    if (*size < 0 || (mode != PAD_CONSTANT && left <= 0 && *size > 0))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "pads of %lld and %lld are not possible for a dimension of %lld",
            (long long)before, (long long)after, (long long)n);
    return MEXPR_OK;
}

static mexpr_status infer_pad(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *value = mx_infer_input(infer, 2);
    pad_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK];
    mexpr_status status = read_pad_mode(infer, &p->mode);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status != MEXPR_OK)
        return status;
    const int64_t n_values = value ? mx_dims_product(value->dims, 0, value->rank) : 1;
    if (value && (value->dtype != in->dtype || n_values > 1 || n_values == 0))
        return mx_fail(infer->scope, MEXPR_E_TYPE,
            "its padding value must be one number of the input's type");
    const mx_tensor *axes = mx_infer_input(infer, 3);
    if (!infer->inputs[1]->data || (axes && !axes->data)) {
        for (int i = 0; i < in->rank; i++)
            dims[i] = -1;
        mx_infer_shape(infer, 0, in->rank, dims);
        return MEXPR_OK;
    }
    status = read_pads(infer, p->before, p->after);
    for (int i = 0; status == MEXPR_OK && i < in->rank; i++) {
        dims[i] = -1;
        if (in->dims[i] >= 0)
            status =
                pad_one(infer, p->mode, in->dims[i], p->before[i], p->after[i], &dims[i]);
    }
    if (status == MEXPR_OK)
        mx_infer_shape(infer, 0, in->rank, dims);
    return status;
}

/* The element of 0..n-1 that position i shows. */
static int64_t mirror(pad_mode mode, int64_t i, int64_t n)
{
    if (mode == PAD_EDGE)
        return clamp(i, 0, n - 1);
    if (mode == PAD_WRAP)
        return ((i % n) + n) % n;
    if (n == 1)
        return 0;
    const int64_t period = 2 * (n - 1);
    i = ((i % period) + period) % period;
    return i < n ? i : period - i;
}

/* The element of dimension d that the output shows at i: what is cut off is cut first. */
static int64_t shown_at(const pad_params *p, int d, int64_t i, int64_t n)
{
    const int64_t cut = p->before[d] < 0 ? -p->before[d] : 0;
    const int64_t left = n - cut + (p->after[d] < 0 ? p->after[d] : 0);
    return cut + mirror(p->mode, i - p->before[d] - cut, left);
}

static void pad_by_position(const mx_run *run, const pad_params *p)
{
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const size_t size = element_size(in);
    const int64_t count = mx_tensor_count(out);
    int64_t at[MEXPR_MAX_RANK] = {0}, strides[MEXPR_MAX_RANK];
    uint8_t *to = out->data;
    mx_contiguous_strides(in->rank, in->dims, strides);
    for (int64_t i = 0; i < count; i++, to += size) {
        int64_t from = 0;
        for (int d = 0; d < in->rank; d++)
            from += strides[d] * shown_at(p, d, at[d], in->dims[d]);
        memcpy(to, (const uint8_t *)in->data + (size_t)from * size, size);
        for (int d = in->rank - 1; d >= 0 && ++at[d] == out->dims[d]; d--)
            at[d] = 0;
    }
}

static void fill(mx_tensor *out, const mx_tensor *value)
{
    const size_t size = element_size(out), n = (size_t)mx_tensor_count(out);
    uint8_t *to = out->data;
    if (!value) {
        memset(to, 0, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * size, value->data, size);
}

/* The part of the input that stays goes to its place among the padding. */
static void pad_constant(const mx_run *run, const pad_params *p)
{
    const mx_tensor *in = run->inputs[0];
    mx_tensor *out = run->outputs[0];
    const size_t size = element_size(in);
    int64_t strides[2][MEXPR_MAX_RANK], dims[MEXPR_MAX_RANK], to = 0, from = 0;
    fill(out, mx_run_input(run, 2));
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i < in->rank; i++) {
        const int64_t lo = p->before[i] < 0 ? -p->before[i] : 0;
        const int64_t room = out->dims[i] - p->before[i];
        const int64_t hi = room < in->dims[i] ? room : in->dims[i];
        if (hi <= lo)
            return;
        dims[i] = hi - lo;
        from += lo * strides[1][i];
        to += (lo + p->before[i]) * strides[0][i];
    }
    mx_walk walk;
    mx_walk_init(&walk, in->rank, dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(&walk, size, (uint8_t *)out->data + (size_t)to * size,
        (const uint8_t *)in->data + (size_t)from * size);
}

static mexpr_status pad(const mx_run *run)
{
    const pad_params *p = run->params;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    if (p->mode == PAD_CONSTANT)
        pad_constant(run, p);
    else
        pad_by_position(run, p);
    return MEXPR_OK;
}

#define MOVE(                                                                            \
    op, first, least, most, size, attribute_list, other, value, infer_fn, forward_fn)    \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = least,                   \
        .max_inputs = most, .min_outputs = 1, .max_outputs = 1, .types = MX_T_ALL,       \
        .other_inputs = other, .value_inputs = value, .attributes = attribute_list,      \
        .params_size = size, .infer = infer_fn, .forward = forward_fn                    \
    }

const mx_operator mx_operators_move[] = {
    {.name = "Concat",
        .domain = "",
        .since = 4,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .flags = MX_OP_VARIADIC,
        .attributes = "axis:i",
        .params_size = sizeof(axis_params),
        .infer = infer_concat,
        .forward = concat},
    MOVE(
        "Expand", 8, 2, 2, 0, "", MX_INPUT_BIT(1), MX_INPUT_BIT(1), infer_expand, expand),
    MOVE("Pad", 11, 2, 4, sizeof(pad_params), "mode:s", 14,
        MX_INPUT_BIT(1) | MX_INPUT_BIT(3), infer_pad, pad),
    MOVE("Slice", 10, 3, 5, sizeof(slice_params), "", 30, 30, infer_slice, slice),
    {.name = "Split",
        .domain = "",
        .since = 2,
        .min_inputs = 1,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = MAX_PARTS,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(1),
        .value_inputs = MX_INPUT_BIT(1),
        .attributes = "axis:i num_outputs:i split:I",
        .params_size = sizeof(axis_params),
        .infer = infer_split,
        .forward = split},
    MOVE("Tile", 6, 2, 2, 0, "", MX_INPUT_BIT(1), MX_INPUT_BIT(1), infer_tile, tile),
    MOVE("Transpose", 1, 1, 1, sizeof(transpose_params), "perm:I", 0, 0, infer_transpose,
        transpose),
    {.name = NULL},
};
