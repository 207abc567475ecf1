/* SPDX-License-Identifier: MIT */
/* Operators whose results are as long as the values say (MX_OP_DYNAMIC). */
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

static size_t element_size(const mx_tensor *t)
{
    return mexpr_dtype_bytes((mexpr_dtype)t->dtype);
}

/* Output k has at most count × each bytes; false when that is more than can be. */
static bool bound(mx_infer *infer, int k, int64_t count, size_t each)
{
    infer->is_bounded = true;
    return k >= infer->n_outputs || mx_mul_size((size_t)count, each, &infer->capacity[k]);
}

static mexpr_status fail_size(mx_infer *infer)
{
    return mx_fail(infer->scope, MEXPR_E_LIMIT, "its result may be too large");
}

/* --- NonZero ----------------------------------------------------------------------- */

static mexpr_status infer_non_zero(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const int64_t dims[2] = {in->rank, -1};
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, 2, dims);
    if (mx_tensor_has_shape(in) &&
        !bound(infer, 0, mx_tensor_count(in), (size_t)in->rank * sizeof(int64_t)))
        return fail_size(infer);
    return MEXPR_OK;
}

static bool is_zero(const mx_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case MEXPR_DTYPE_F32:
        return ((const float *)t->data)[i] == 0;
    case MEXPR_DTYPE_I32:
        return ((const int32_t *)t->data)[i] == 0;
    case MEXPR_DTYPE_I64:
        return ((const int64_t *)t->data)[i] == 0;
    default:
        return ((const uint8_t *)t->data)[i] == 0;
    }
}

static mexpr_status non_zero(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    mx_tensor *out = run->outputs[0];
    const int64_t n = mx_tensor_count(in);
    int64_t found = 0, at[MEXPR_MAX_RANK] = {0}, *y = out->data;
    for (int64_t i = 0; i < n; i++)
        found += !is_zero(in, i);
    out->dims[1] = found;
    for (int64_t i = 0, k = 0; i < n; i++) {
        if (!is_zero(in, i)) {
            for (int d = 0; d < in->rank; d++)
                y[d * found + k] = at[d];
            k++;
        }
        for (int d = in->rank - 1; d >= 0 && ++at[d] == in->dims[d]; d--)
            at[d] = 0;
    }
    return MEXPR_OK;
}

/* --- Compress ---------------------------------------------------------------------- */

typedef struct compress_params {
    int64_t axis; /* -1: all elements in a row */
} compress_params;

static mexpr_status infer_compress(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *condition = infer->inputs[1];
    compress_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK] = {-1};
    p->axis = mx_attr_int(infer->node, "axis", 0);
    mexpr_status status = mx_infer_type(infer, 1, MX_T_BOOL);
    if (!mx_attr(infer->node, "axis"))
        p->axis = -1;
    else if (status == MEXPR_OK)
        status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status != MEXPR_OK)
        return status;
    if (p->axis >= 0)
        memcpy(dims, in->dims, sizeof dims);
    const int64_t n =
        p->axis < 0 ? mx_dims_product(in->dims, 0, in->rank) : dims[p->axis];
    if (condition->rank != 1 || (n >= 0 && condition->dims[0] > n))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its condition must be a list of at most %lld", (long long)n);
    dims[p->axis < 0 ? 0 : p->axis] = -1;
    mx_infer_shape(infer, 0, p->axis < 0 ? 1 : in->rank, dims);
    if (mx_tensor_has_shape(in) && mx_tensor_has_shape(condition) &&
        !bound(infer, 0, mx_tensor_count(in), element_size(in)))
        return fail_size(infer);
    return MEXPR_OK;
}

static mexpr_status compress(const mx_run *run)
{
    const compress_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const uint8_t *condition = run->inputs[1]->data;
    const int64_t n_given = run->inputs[1]->dims[0];
    const int axis = (int)p->axis;
    const int64_t n = axis < 0 ? mx_tensor_count(in) : in->dims[axis];
    const int64_t outer = axis < 0 ? 1 : mx_dims_product(in->dims, 0, axis);
    const size_t size =
        (axis < 0 ? 1 : (size_t)mx_dims_product(in->dims, axis + 1, in->rank)) *
        element_size(in);
    uint8_t *to = run->outputs[0]->data;
    int64_t chosen = 0;
    for (int64_t i = 0; i < n_given; i++)
        chosen += condition[i] != 0;
    run->outputs[0]->dims[axis < 0 ? 0 : axis] = chosen;
    for (int64_t o = 0; size > 0 && o < outer; o++) {
        for (int64_t i = 0; i < n_given; i++) {
            if (!condition[i])
                continue;
            memcpy(to, (const uint8_t *)in->data + (size_t)(o * n + i) * size, size);
            to += size;
        }
    }
    return MEXPR_OK;
}

/* --- Unique ------------------------------------------------------------------------ */

/* The tensor as n slices along the axis, or as n numbers. */
typedef struct unique_params {
    int64_t axis; /* -1: of all elements */
    bool sorted;
} unique_params;

typedef struct slices {
    const mx_tensor *in;
    int64_t outer, n, inner;
} slices;

static mexpr_status infer_unique(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    unique_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK] = {-1};
    const int64_t open = -1;
    p->axis = mx_attr_int(infer->node, "axis", 0);
    p->sorted = mx_attr_int(infer->node, "sorted", 1) != 0;
    if (!mx_attr(infer->node, "axis")) {
        p->axis = -1;
    } else {
        const mexpr_status status = mx_infer_axis(infer, &p->axis, in->rank);
        if (status != MEXPR_OK)
            return status;
        memcpy(dims, in->dims, sizeof dims);
        dims[p->axis] = -1;
    }
    mx_infer_shape(infer, 0, p->axis < 0 ? 1 : in->rank, dims);
    for (int k = 1; k < infer->n_outputs; k++) {
        infer->outputs[k]->dtype = MEXPR_DTYPE_I64;
        mx_infer_shape(infer, k, 1, &open);
    }
    if (!mx_tensor_has_shape(in))
        return MEXPR_OK;
    const int64_t n = p->axis < 0 ? mx_tensor_count(in) : in->dims[p->axis];
    bool good = bound(infer, 0, mx_tensor_count(in), element_size(in));
    for (int k = 1; good && k < 4; k++)
        good = bound(infer, k, n, sizeof(int64_t));
    if (!good || !mx_mul_size((size_t)n, 3 * sizeof(int64_t), &infer->workspace))
        return fail_size(infer);
    return MEXPR_OK;
}

#define ORDER(type)                                                                      \
    do {                                                                                 \
        const type p = ((const type *)t->data)[a], q = ((const type *)t->data)[b];       \
        return p < q ? -1 : p > q ? 1 : (p != p) - (q != q);                             \
    } while (0)

/* Numbers in order, NaN behind them. */
static int compare_elements(const mx_tensor *t, int64_t a, int64_t b)
{
    if (t->dtype == MEXPR_DTYPE_F32)
        ORDER(float);
    if (t->dtype == MEXPR_DTYPE_I32)
        ORDER(int32_t);
    if (t->dtype == MEXPR_DTYPE_I64)
        ORDER(int64_t);
    ORDER(uint8_t);
}

static int compare_slices(const slices *s, int64_t a, int64_t b)
{
    for (int64_t o = 0; o < s->outer; o++) {
        for (int64_t k = 0; k < s->inner; k++) {
            const int order = compare_elements(
                s->in, (o * s->n + a) * s->inner + k, (o * s->n + b) * s->inner + k);
            if (order)
                return order;
        }
    }
    return 0;
}

/* Equals stay in the order of their positions. */
static bool is_behind(const slices *s, int64_t a, int64_t b)
{
    const int order = compare_slices(s, a, b);
    return order > 0 || (order == 0 && a > b);
}

static void sift(const slices *s, int64_t *heap, int64_t n, int64_t i)
{
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_behind(s, heap[child + 1], heap[child]))
            child++;
        if (is_behind(s, heap[i], heap[child]))
            return;
        const int64_t swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
}

/* Heap sort: no memory but the list, and no bad cases. */
static void sort_slices(const slices *s, int64_t *order)
{
    for (int64_t i = 0; i < s->n; i++)
        order[i] = i;
    for (int64_t i = s->n / 2 - 1; i >= 0; i--)
        sift(s, order, s->n, i);
    for (int64_t i = s->n - 1; i > 0; i--) {
        const int64_t swap = order[0];
        order[0] = order[i];
        order[i] = swap;
        sift(s, order, i, 0);
    }
}

/* group[i]: number of slice i's value; first[g]: where group g appears first. Groups are
 * in the order of their values, or of their first appearance. Returns how many. */
static int64_t group_slices(
    const slices *s, bool sorted, int64_t *order, int64_t *group, int64_t *first)
{
    int64_t n_groups = 0;
    sort_slices(s, order);
    for (int64_t i = 0; i < s->n; i++) {
        if (i == 0 || compare_slices(s, order[i - 1], order[i]) != 0)
            first[n_groups++] = order[i];
        group[order[i]] = n_groups - 1;
    }
    if (sorted)
        return n_groups;
    for (int64_t i = 0; i < n_groups; i++)
        order[i] = first[i]; /* by value from here on */
    n_groups = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t head = order[group[i]];
        if (head == i)
            first[n_groups++] = i;
        group[i] = head == i ? n_groups - 1 : group[head];
    }
    return n_groups;
}

static void write_unique(const mx_run *run, const slices *s, const int64_t *group,
    const int64_t *first, int64_t n_groups)
{
    const size_t size = element_size(s->in) * (size_t)s->inner;
    uint8_t *y = run->outputs[0]->data;
    for (int64_t o = 0; size > 0 && o < s->outer; o++) {
        for (int64_t g = 0; g < n_groups; g++, y += size)
            memcpy(y, (const uint8_t *)s->in->data + (size_t)(o * s->n + first[g]) * size,
                size);
    }
    mx_tensor *const firsts = mx_run_output(run, 1), *inverse = mx_run_output(run, 2);
    mx_tensor *const counts = mx_run_output(run, 3);
    if (firsts) {
        firsts->dims[0] = n_groups;
        memcpy(firsts->data, first, (size_t)n_groups * sizeof *first);
    }
    if (inverse) {
        inverse->dims[0] = s->n;
        memcpy(inverse->data, group, (size_t)s->n * sizeof *group);
    }
    if (counts) {
        counts->dims[0] = n_groups;
        memset(counts->data, 0, (size_t)n_groups * sizeof(int64_t));
        for (int64_t i = 0; i < s->n; i++)
            ((int64_t *)counts->data)[group[i]]++;
    }
}

static mexpr_status unique(const mx_run *run)
{
    const unique_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const int axis = (int)p->axis;
    slices s = {in, 1, mx_tensor_count(in), 1};
    if (axis >= 0)
        s = (slices){in, mx_dims_product(in->dims, 0, axis), in->dims[axis],
            mx_dims_product(in->dims, axis + 1, in->rank)};
    int64_t *order = run->workspace, *group = order + s.n, *first = group + s.n;
    const int64_t n_groups = group_slices(&s, p->sorted, order, group, first);
    run->outputs[0]->dims[axis < 0 ? 0 : axis] = n_groups;
    write_unique(run, &s, group, first, n_groups);
    return MEXPR_OK;
}

/* --- NonMaxSuppression ------------------------------------------------------------- */

static bool is_number(const mx_tensor *t)
{
    const int64_t n = t ? mx_dims_product(t->dims, 0, t->rank) : 1;
    return n < 0 || n == 1;
}

static mexpr_status infer_suppression(mx_infer *infer)
{
    const mx_tensor *boxes = infer->inputs[0], *scores = infer->inputs[1];
    const mx_tensor *most = mx_infer_input(infer, 2);
    const int64_t dims[2] = {-1, 3};
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mexpr_status status = mx_infer_type(infer, 2, MX_T_I64);
    for (int k = 3; status == MEXPR_OK && k < 5; k++)
        status = mx_infer_type(infer, k, MX_T_F32);
    if (status != MEXPR_OK)
        return status;
    for (int k = 2; k < 5; k++) {
        if (!is_number(mx_infer_input(infer, k)))
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "its input %d must be one number", k);
    }
    const bool known = mx_tensor_has_shape(boxes) && mx_tensor_has_shape(scores);
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (boxes->rank != 3 || scores->rank != 3 ||
        (known && (boxes->dims[2] != 4 || boxes->dims[0] != scores->dims[0] ||
                      boxes->dims[1] != scores->dims[2])))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "boxes of %s and scores of %s do not belong together",
            mx_shape_text(boxes, a), mx_shape_text(scores, b));
    mx_infer_shape(infer, 0, 2, dims);
    if (!known)
        return MEXPR_OK;
    int64_t n = boxes->dims[1];
    if (!mx_mul_size((size_t)n, 2 * sizeof(int64_t), &infer->workspace))
        return fail_size(infer);
    if (most && most->data && *(const int64_t *)most->data < n)
        n = *(const int64_t *)most->data < 0 ? 0 : *(const int64_t *)most->data;
    if (!mx_mul_i64(n, scores->dims[0], &n) || !mx_mul_i64(n, scores->dims[1], &n) ||
        !bound(infer, 0, n, 3 * sizeof(int64_t)))
        return fail_size(infer);
    return MEXPR_OK;
}

/* Corners in order, from two corners or from a centre and sizes. */
static void corners_of(const float *box, bool has_centre, float *c)
{
    if (has_centre) {
        c[0] = box[0] - box[2] / 2;
        c[1] = box[1] - box[3] / 2;
        c[2] = box[0] + box[2] / 2;
        c[3] = box[1] + box[3] / 2;
        return;
    }
    for (int i = 0; i < 2; i++) {
        c[i] = box[i] < box[i + 2] ? box[i] : box[i + 2];
        c[i + 2] = box[i] < box[i + 2] ? box[i + 2] : box[i];
    }
}

static bool overlap_more(const float *a, const float *b, bool has_centre, float threshold)
{
    float p[4], q[4];
    corners_of(a, has_centre, p);
    corners_of(b, has_centre, q);
    const float w = (p[2] < q[2] ? p[2] : q[2]) - (p[0] > q[0] ? p[0] : q[0]);
    const float h = (p[3] < q[3] ? p[3] : q[3]) - (p[1] > q[1] ? p[1] : q[1]);
    if (!(w > 0 && h > 0))
        return false;
    const float one = (p[2] - p[0]) * (p[3] - p[1]);
    const float two = (q[2] - q[0]) * (q[3] - q[1]);
    return one > 0 && two > 0 && w * h / (one + two - w * h) > threshold;
}

static void sink(const float *scores, int64_t *heap, int64_t n, int64_t i)
{
    /* The top is the worst: the lower score, of equals the later one. */
#define WORSE(a, b) (scores[a] < scores[b] || (!(scores[b] < scores[a]) && (a) > (b)))
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && WORSE(heap[child + 1], heap[child]))
            child++;
        if (!WORSE(heap[child], heap[i]))
            return;
        const int64_t swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
#undef WORSE
}

typedef struct suppression {
    int64_t most;
    float overlap, least; /* scores must be above `least` */
    bool has_least, has_centre;
} suppression;

/* Greedy: the best box that overlaps no chosen one too much, again and again. `kept` and
 * `order` hold n each; returns how many are kept. */
static int64_t suppress(const suppression *s, const float *boxes, const float *scores,
    int64_t n, int64_t *order, int64_t *kept)
{
    int64_t n_left = 0, n_kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (scores[i] == scores[i] && (!s->has_least || scores[i] > s->least))
            order[n_left++] = i;
    }
    for (int64_t i = n_left / 2 - 1; i >= 0; i--)
        sink(scores, order, n_left, i);
    for (int64_t i = n_left - 1; i > 0; i--) {
        const int64_t worst = order[0];
        order[0] = order[i];
        order[i] = worst;
        sink(scores, order, i, 0);
    }
    for (int64_t i = 0; i < n_left && n_kept < s->most; i++) {
        bool good = true;
        for (int64_t k = 0; good && k < n_kept; k++)
            good = !overlap_more(
                boxes + 4 * order[i], boxes + 4 * kept[k], s->has_centre, s->overlap);
        if (good)
            kept[n_kept++] = order[i];
    }
    return n_kept;
}

/* Scores that are NaN are never chosen. */
static mexpr_status non_max_suppression(const mx_run *run)
{
    const mx_tensor *boxes = run->inputs[0], *scores = run->inputs[1];
    const mx_tensor *most = mx_run_input(run, 2), *overlap = mx_run_input(run, 3);
    const mx_tensor *least = mx_run_input(run, 4);
    const int64_t n = boxes->dims[1], n_classes = scores->dims[1];
    const suppression s = {most ? *(const int64_t *)most->data : 0,
        overlap ? *(const float *)overlap->data : 0,
        least ? *(const float *)least->data : 0, least != NULL,
        mx_attr_int(run->node, "center_point_box", 0) != 0};
    int64_t *order = run->workspace, *kept = order + n, *y = run->outputs[0]->data;
    for (int64_t i = 0; i < scores->dims[0] * n_classes; i++) {
        const int64_t b = i / n_classes;
        const int64_t n_kept = suppress(&s, (const float *)boxes->data + b * n * 4,
            (const float *)scores->data + i * n, n, order, kept);
        for (int64_t k = 0; k < n_kept; k++) {
            *y++ = b;
            *y++ = i % n_classes;
            *y++ = kept[k];
        }
    }
    run->outputs[0]->dims[0] = (y - (int64_t *)run->outputs[0]->data) / 3;
    return MEXPR_OK;
}

const mx_operator mx_operators_dynamic[] = {
    {.name = "Compress",
        .domain = "",
        .since = 9,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(1),
        .flags = MX_OP_DYNAMIC,
        .attributes = "axis:i",
        .params_size = sizeof(compress_params),
        .infer = infer_compress,
        .forward = compress},
    {.name = "NonMaxSuppression",
        .domain = "",
        .since = 10,
        .min_inputs = 2,
        .max_inputs = 5,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .other_inputs = 28,
        .flags = MX_OP_DYNAMIC,
        .attributes = "center_point_box:i",
        .infer = infer_suppression,
        .forward = non_max_suppression},
    {.name = "NonZero",
        .domain = "",
        .since = 9,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .flags = MX_OP_DYNAMIC,
        .attributes = "",
        .infer = infer_non_zero,
        .forward = non_zero},
    {.name = "Unique",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 4,
        .types = MX_T_ALL,
        .flags = MX_OP_DYNAMIC,
        .attributes = "axis:i sorted:i",
        .params_size = sizeof(unique_params),
        .infer = infer_unique,
        .forward = unique},
    {.name = NULL},
};
