/* SPDX-License-Identifier: MIT */
/* Operators that choose elements by index, and put them there. */
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

typedef enum scatter_mode {
    SCATTER_NONE,
    SCATTER_ADD,
    SCATTER_MUL,
    SCATTER_MAX,
    SCATTER_MIN
} scatter_mode;

typedef struct select_params {
    int64_t axis;
    int batch, depth; /* of GatherND and ScatterND: dimensions given by an index */
    scatter_mode mode;
    bool upper;
} select_params;

static size_t element_size(const mx_tensor *t)
{
    return mexpr_dtype_bytes((mexpr_dtype)t->dtype);
}

static int64_t index_at(const mx_tensor *indices, int64_t i)
{
    return indices->dtype == MEXPR_DTYPE_I64 ? ((const int64_t *)indices->data)[i]
                                             : ((const int32_t *)indices->data)[i];
}

/* *index into 0..n-1 from -n..n-1. */
static mexpr_status check_index(const mx_run *run, int64_t *index, int64_t n)
{
    if (*index < -n || *index >= n)
        return mx_fail(run->scope, MEXPR_E_SHAPE,
            "the index %lld does not exist in a dimension of %lld", (long long)*index,
            (long long)n);
    *index += *index < 0 ? n : 0;
    return MEXPR_OK;
}

static bool fits(int64_t a, int64_t b)
{
    return a < 0 || b < 0 || a == b;
}

/* --- Gather ------------------------------------------------------------------------ */

static mexpr_status infer_gather(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *indices = infer->inputs[1];
    select_params *p = infer->params;
    p->axis = mx_attr_int(infer->node, "axis", 0);
    mexpr_status status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status == MEXPR_OK)
        status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status != MEXPR_OK)
        return status;
    int64_t dims[2 * MEXPR_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < p->axis; i++)
        dims[rank++] = in->dims[i];
    for (int i = 0; i < indices->rank; i++)
        dims[rank++] = indices->dims[i];
    for (int i = (int)p->axis + 1; i < in->rank; i++)
        dims[rank++] = in->dims[i];
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

static mexpr_status gather(const mx_run *run)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    const int64_t n = in->dims[p->axis], n_indices = mx_tensor_count(indices);
    const int64_t outer = mx_dims_product(in->dims, 0, (int)p->axis);
    const size_t size =
        (size_t)mx_dims_product(in->dims, (int)p->axis + 1, in->rank) * element_size(in);
    uint8_t *to = run->outputs[0]->data;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t o = 0; o < outer; o++) {
        const uint8_t *from = (const uint8_t *)in->data + (size_t)(o * n) * size;
        for (int64_t i = 0; i < n_indices; i++, to += size) {
            int64_t index = index_at(indices, i);
            const mexpr_status status = check_index(run, &index, n);
            if (status != MEXPR_OK)
                return status;
            memcpy(to, from + (size_t)index * size, size);
        }
    }
    return MEXPR_OK;
}

/* --- GatherElements, ScatterElements ----------------------------------------------- */

/* Axis and indices: as many dimensions as the data, none larger but along the axis. */
static mexpr_status infer_by_element(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *indices = infer->inputs[1];
    select_params *p = infer->params;
    p->axis = mx_attr_int(infer->node, "axis", 0);
    mexpr_status status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status == MEXPR_OK)
        status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status != MEXPR_OK)
        return status;
    bool good = indices->rank == in->rank;
    for (int i = 0; good && i < in->rank; i++)
        good = i == p->axis || in->dims[i] < 0 || indices->dims[i] <= in->dims[i];
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its indices of %s do not fit to data of %s along axis %lld",
            mx_shape_text(indices, a), mx_shape_text(in, b), (long long)p->axis);
    return MEXPR_OK;
}

static mexpr_status infer_gather_elements(mx_infer *infer)
{
    const mexpr_status status = infer_by_element(infer);
    mx_infer_shape(infer, 0, infer->inputs[1]->rank, infer->inputs[1]->dims);
    return status;
}

/* What happens at index `at` of the indices, with the element `place` of the data. */
typedef void visit_fn(const mx_run *run, int64_t at, int64_t place);

/* Goes over the indices with the place in the data that each points at. */
static mexpr_status each_element(const mx_run *run, visit_fn *visit)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    int64_t strides[2][MEXPR_MAX_RANK];
    mx_walk walk;
    mx_contiguous_strides(indices->rank, indices->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    const int64_t step = strides[1][p->axis];
    strides[1][p->axis] = 0;
    mx_walk_init(&walk, indices->rank, indices->dims, 2,
        (const int64_t(*)[MEXPR_MAX_RANK])strides);
    if (mx_walk_is_empty(&walk))
        return MEXPR_OK;
    const int last = walk.rank - 1;
    do {
        for (int64_t i = 0; i < walk.dims[last]; i++) {
            const int64_t at = walk.offset[0] + i;
            int64_t index = index_at(indices, at);
            const mexpr_status status = check_index(run, &index, in->dims[p->axis]);
            if (status != MEXPR_OK)
                return status;
            visit(run, at, walk.offset[1] + i * walk.strides[1][last] + index * step);
        }
    } while (mx_walk_next(&walk));
    return MEXPR_OK;
}

static void gather_one(const mx_run *run, int64_t at, int64_t place)
{
    const size_t size = element_size(run->inputs[0]);
    memcpy((uint8_t *)run->outputs[0]->data + (size_t)at * size,
        (const uint8_t *)run->inputs[0]->data + (size_t)place * size, size);
}

static mexpr_status gather_elements(const mx_run *run)
{
    return each_element(run, gather_one);
}

/* --- what scattering does to an element -------------------------------------------- */

#define COMBINE(type, wide)                                                              \
    do {                                                                                 \
        type *p = (type *)out->data + to;                                                \
        const type q = ((const type *)updates->data)[from];                              \
        if (mode == SCATTER_ADD)                                                         \
            *p = (type)((wide)*p + (wide)q);                                             \
        else if (mode == SCATTER_MUL)                                                    \
            *p = (type)((wide)*p * (wide)q);                                             \
        else if (mode == SCATTER_MAX)                                                    \
            *p = q > *p || q != q ? q : *p;                                              \
        else                                                                             \
            *p = q < *p || q != q ? q : *p;                                              \
    } while (0)

static void combine(
    scatter_mode mode, mx_tensor *out, int64_t to, const mx_tensor *updates, int64_t from)
{
    if (out->dtype == MEXPR_DTYPE_F32)
        COMBINE(float, float);
    else if (out->dtype == MEXPR_DTYPE_I32)
        COMBINE(int32_t, uint32_t);
    else if (out->dtype == MEXPR_DTYPE_I64)
        COMBINE(int64_t, uint64_t);
    else
        COMBINE(uint8_t, uint32_t);
}

/* n elements of `updates` from `from` on into `out` from `to` on. */
static void put(scatter_mode mode, mx_tensor *out, int64_t to, const mx_tensor *updates,
    int64_t from, int64_t n)
{
    const size_t size = element_size(out);
    if (mode == SCATTER_NONE) {
        memcpy((uint8_t *)out->data + (size_t)to * size,
            (const uint8_t *)updates->data + (size_t)from * size, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        combine(mode, out, to + i, updates, from + i);
}

static mexpr_status read_mode(mx_infer *infer, scatter_mode *mode)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *text = mx_attr_string(infer->node, "reduction", "none");
    for (int i = 0; i < 5; i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        *mode = (scatter_mode)i;
        if (i > 0 && infer->inputs[0]->dtype == MEXPR_DTYPE_BOOL)
            return mx_fail(infer->scope, MEXPR_E_TYPE,
                "the reduction '%s' is not possible for bool", text);
        return MEXPR_OK;
    }
    return mx_fail(
        infer->scope, MEXPR_E_MODEL, "the reduction '%.40s' does not exist", text);
}

static mexpr_status infer_scatter_elements(mx_infer *infer)
{
    const mx_tensor *indices = infer->inputs[1], *updates = infer->inputs[2];
    select_params *p = infer->params;
    mexpr_status status = infer_by_element(infer);
    if (status == MEXPR_OK)
        status = read_mode(infer, &p->mode);
    if (status != MEXPR_OK)
        return status;
    bool good = updates->rank == indices->rank;
    for (int i = 0; good && i < updates->rank; i++)
        good = fits(updates->dims[i], indices->dims[i]);
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its updates of %s are not of the shape of its indices, %s",
            mx_shape_text(updates, a), mx_shape_text(indices, b));
    return mx_infer_same(infer);
}

static void scatter_one(const mx_run *run, int64_t at, int64_t place)
{
    const select_params *p = run->params;
    put(p->mode, run->outputs[0], place, run->inputs[2], at, 1);
}

static mexpr_status scatter_elements(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    memcpy(run->outputs[0]->data, in->data, mx_tensor_bytes(in));
    return each_element(run, scatter_one);
}

/* --- GatherND, ScatterND ----------------------------------------------------------- */

/* Depth of an index: the last dimension of the indices; *known is false while open. */
static mexpr_status read_depth(mx_infer *infer, bool *known)
{
    const mx_tensor *in = infer->inputs[0], *indices = infer->inputs[1];
    select_params *p = infer->params;
    const int64_t batch = mx_attr_int(infer->node, "batch_dims", 0);
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_I64 | MX_T_I32);
    if (status != MEXPR_OK)
        return status;
    const int64_t depth = indices->rank > 0 ? indices->dims[indices->rank - 1] : 0;
    *known = depth >= 0;
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (in->rank < 1 || indices->rank < 1 || batch < 0 || batch >= indices->rank ||
        batch >= in->rank || depth > in->rank - batch)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its indices of %s do not fit to data of %s", mx_shape_text(indices, a),
            mx_shape_text(in, b));
    for (int i = 0; i < batch; i++) {
        if (!fits(in->dims[i], indices->dims[i]))
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "its indices of %s and data of %s differ in the first %lld dimensions",
                mx_shape_text(indices, a), mx_shape_text(in, b), (long long)batch);
    }
    p->batch = (int)batch;
    p->depth = *known ? (int)depth : 0;
    return MEXPR_OK;
}

static mexpr_status infer_gather_nd(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *indices = infer->inputs[1];
    const select_params *p = infer->params;
    bool known;
    const mexpr_status status = read_depth(infer, &known);
    if (status != MEXPR_OK || !known)
        return status;
    int64_t dims[2 * MEXPR_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < indices->rank - 1; i++)
        dims[rank++] = indices->dims[i];
    for (int i = p->batch + p->depth; i < in->rank; i++)
        dims[rank++] = in->dims[i];
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

/* Where index number i points, in blocks of the dimensions behind those it gives. */
static mexpr_status block_at(const mx_run *run, int64_t i, int64_t *block)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    for (int d = 0; d < p->depth; d++) {
        const int64_t n = in->dims[p->batch + d];
        int64_t index = index_at(indices, i * p->depth + d);
        const mexpr_status status = check_index(run, &index, n);
        if (status != MEXPR_OK)
            return status;
        *block = *block * n + index;
    }
    return MEXPR_OK;
}

static mexpr_status gather_nd(const mx_run *run)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    const int64_t n_batches = mx_dims_product(indices->dims, 0, p->batch);
    const int64_t each = mx_dims_product(indices->dims, p->batch, indices->rank - 1);
    const size_t size = (size_t)mx_dims_product(in->dims, p->batch + p->depth, in->rank) *
                        element_size(in);
    uint8_t *to = run->outputs[0]->data;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t i = 0; i < n_batches * each; i++, to += size) {
        int64_t block = i / each;
        const mexpr_status status = block_at(run, i, &block);
        if (status != MEXPR_OK)
            return status;
        memcpy(to, (const uint8_t *)in->data + (size_t)block * size, size);
    }
    return MEXPR_OK;
}

static mexpr_status infer_scatter_nd(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *indices = infer->inputs[1];
    const mx_tensor *updates = infer->inputs[2];
    select_params *p = infer->params;
    bool known;
    mexpr_status status = read_depth(infer, &known);
    if (status == MEXPR_OK)
        status = read_mode(infer, &p->mode);
    if (status != MEXPR_OK)
        return status;
    const int rank = indices->rank - 1 + in->rank - p->depth;
    bool good = !known || updates->rank == rank;
    for (int i = 0; known && good && i < rank; i++) {
        const int behind = i - (indices->rank - 1);
        good = fits(updates->dims[i],
            behind < 0 ? indices->dims[i] : in->dims[p->depth + behind]);
    }
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its updates of %s do not fit to its indices of %s",
            mx_shape_text(updates, a), mx_shape_text(indices, b));
    return mx_infer_same(infer);
}

static mexpr_status scatter_nd(const mx_run *run)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    const int64_t n = mx_dims_product(indices->dims, 0, indices->rank - 1);
    const int64_t size = mx_dims_product(in->dims, p->depth, in->rank);
    memcpy(run->outputs[0]->data, in->data, mx_tensor_bytes(in));
    for (int64_t i = 0; size > 0 && i < n; i++) {
        int64_t block = 0;
        const mexpr_status status = block_at(run, i, &block);
        if (status != MEXPR_OK)
            return status;
        put(p->mode, run->outputs[0], block * size, run->inputs[2], i * size, size);
    }
    return MEXPR_OK;
}

/* --- OneHot ------------------------------------------------------------------------ */

static int64_t whole_at(const mx_tensor *t, int64_t i)
{
    if (t->dtype == MEXPR_DTYPE_F32) {
        const float x = ((const float *)t->data)[i];
        return x > -9e18f && x < 9e18f ? (int64_t)x : INT64_MIN;
    }
    return t->dtype == MEXPR_DTYPE_U8 ? ((const uint8_t *)t->data)[i] : index_at(t, i);
}

static mexpr_status infer_one_hot(mx_infer *infer)
{
    const mx_tensor *indices = infer->inputs[0], *depth = infer->inputs[1];
    const mx_tensor *values = infer->inputs[2];
    select_params *p = infer->params;
    mexpr_status status = mx_infer_type(infer, 1, MX_T_NUMBERS);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 2, MX_T_ALL);
    p->axis = mx_attr_int(infer->node, "axis", -1);
    if (status == MEXPR_OK)
        status = mx_infer_axis(infer, &p->axis, indices->rank + 1);
    if (status != MEXPR_OK)
        return status;
    if (!fits(mx_dims_product(depth->dims, 0, depth->rank), 1) ||
        !fits(mx_dims_product(values->dims, 0, values->rank), 2))
        return mx_fail(
            infer->scope, MEXPR_E_SHAPE, "its depth must be one number, its values two");
    int64_t dims[MEXPR_MAX_RANK + 1];
    for (int i = 0, from = 0; i <= indices->rank; i++)
        dims[i] = i == p->axis ? -1 : indices->dims[from++];
    if (depth->data) {
        dims[p->axis] = whole_at(depth, 0);
        if (dims[p->axis] < 1)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "a depth of %lld is not possible",
                (long long)dims[p->axis]);
    }
    infer->outputs[0]->dtype = values->dtype;
    mx_infer_shape(infer, 0, indices->rank + 1, dims);
    return MEXPR_OK;
}

/* Indices outside of -depth..depth-1 are hot nowhere. */
static mexpr_status one_hot(const mx_run *run)
{
    const select_params *p = run->params;
    const mx_tensor *indices = run->inputs[0], *out = run->outputs[0];
    const int64_t depth = out->dims[p->axis];
    const int64_t inner = mx_dims_product(out->dims, (int)p->axis + 1, out->rank);
    const int64_t n = mx_tensor_count(indices);
    const size_t size = element_size(out), count = (size_t)mx_tensor_count(out);
    const uint8_t *values = run->inputs[2]->data;
    uint8_t *y = out->data;
    for (size_t i = 0; i < count; i++)
        memcpy(y + i * size, values, size);
    for (int64_t i = 0; i < n; i++) {
        int64_t index = whole_at(indices, i);
        if (index < -depth || index >= depth)
            continue;
        index += index < 0 ? depth : 0;
        const int64_t at = (i / inner * depth + index) * inner + i % inner;
        memcpy(y + (size_t)at * size, values + size, size);
    }
    return MEXPR_OK;
}

/* --- Trilu, EyeLike ---------------------------------------------------------------- */

static mexpr_status infer_trilu(mx_infer *infer)
{
    const mx_tensor *k = mx_infer_input(infer, 1);
    select_params *p = infer->params;
    p->upper = mx_attr_int(infer->node, "upper", 1) != 0;
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_I64);
    if (status != MEXPR_OK)
        return status;
    if (infer->inputs[0]->rank < 2 ||
        (k && !fits(mx_dims_product(k->dims, 0, k->rank), 1)))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "it takes matrices, and one number as its diagonal");
    return mx_infer_same(infer);
}

static mexpr_status trilu(const mx_run *run)
{
    const select_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *diagonal = mx_run_input(run, 1);
    const int64_t rows = in->dims[in->rank - 2], cols = in->dims[in->rank - 1];
    const int64_t n = mx_dims_product(in->dims, 0, in->rank - 1);
    const size_t size = element_size(in);
    int64_t k = diagonal ? *(const int64_t *)diagonal->data : 0;
    k = k < -rows ? -rows : k > cols ? cols : k;
    memcpy(run->outputs[0]->data, in->data, mx_tensor_bytes(in));
    for (int64_t i = 0; i < n; i++) {
        int64_t edge = i % rows + k + !p->upper;
        edge = edge < 0 ? 0 : edge > cols ? cols : edge;
        const int64_t from = p->upper ? 0 : edge, to = p->upper ? edge : cols;
        memset((uint8_t *)run->outputs[0]->data + (size_t)(i * cols + from) * size, 0,
            (size_t)(to - from) * size);
    }
    return MEXPR_OK;
}

static mexpr_status infer_eye(mx_infer *infer)
{
    const int64_t dtype = mx_attr_int(infer->node, "dtype", infer->inputs[0]->dtype);
    enum { HALF = 10, DOUBLE = 11, BRAIN = 16 };
    const bool is_float = dtype == HALF || dtype == DOUBLE || dtype == BRAIN;
    if (!is_float &&
        (dtype < 1 || dtype > BRAIN || mexpr_dtype_bytes((mexpr_dtype)dtype) == 0))
        return mx_fail(infer->scope, MEXPR_E_TYPE,
            "it makes the element type %lld, which is not supported", (long long)dtype);
    if (infer->inputs[0]->rank != 2)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input must be a matrix");
    infer->outputs[0]->dtype = is_float ? MEXPR_DTYPE_F32 : (int32_t)dtype;
    return mx_infer_same(infer);
}

static mexpr_status eye(const mx_run *run)
{
    const mx_tensor *out = run->outputs[0];
    const int64_t rows = out->dims[0], cols = out->dims[1];
    const int64_t k = mx_attr_int(run->node, "k", 0);
    memset(out->data, 0, mx_tensor_bytes(out));
    if (k <= -rows || k >= cols)
        return MEXPR_OK;
    for (int64_t i = k < 0 ? -k : 0; i < rows && i + k < cols; i++) {
        const int64_t at = i * cols + i + k;
        if (out->dtype == MEXPR_DTYPE_F32)
            ((float *)out->data)[at] = 1;
        else if (out->dtype == MEXPR_DTYPE_I32)
            ((int32_t *)out->data)[at] = 1;
        else if (out->dtype == MEXPR_DTYPE_I64)
            ((int64_t *)out->data)[at] = 1;
        else
            ((uint8_t *)out->data)[at] = 1;
    }
    return MEXPR_OK;
}

/* --- ReverseSequence --------------------------------------------------------------- */

typedef struct reverse_params {
    int64_t batch, time; /* axes: 0 and 1, or 1 and 0 */
} reverse_params;

static mexpr_status infer_reverse(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *lengths = infer->inputs[1];
    reverse_params *p = infer->params;
    p->batch = mx_attr_int(infer->node, "batch_axis", 1);
    p->time = mx_attr_int(infer->node, "time_axis", 0);
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_I64);
    if (status != MEXPR_OK)
        return status;
    if (in->rank < 2 || p->batch < 0 || p->batch > 1 || p->time != 1 - p->batch)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its axes %lld and %lld must be 0 and 1 of two or more", (long long)p->batch,
            (long long)p->time);
    if (lengths->rank != 1 || !fits(lengths->dims[0], in->dims[p->batch]))
        return mx_fail(
            infer->scope, MEXPR_E_SHAPE, "its lengths must be one for each of the batch");
    return mx_infer_same(infer);
}

static mexpr_status reverse(const mx_run *run)
{
    const reverse_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const int64_t n_batch = in->dims[p->batch], n_time = in->dims[p->time];
    const size_t size = (size_t)mx_dims_product(in->dims, 2, in->rank) * element_size(in);
    for (int64_t b = 0; size > 0 && b < n_batch; b++) {
        const int64_t length = ((const int64_t *)run->inputs[1]->data)[b];
        if (length < 0 || length > n_time)
            return mx_fail(run->scope, MEXPR_E_SHAPE,
                "a length of %lld is not possible in %lld steps", (long long)length,
                (long long)n_time);
        for (int64_t t = 0; t < n_time; t++) {
            const int64_t s = t < length ? length - 1 - t : t;
            const int64_t to = p->batch == 0 ? b * n_time + t : t * n_batch + b;
            const int64_t from = p->batch == 0 ? b * n_time + s : s * n_batch + b;
            memcpy((uint8_t *)run->outputs[0]->data + (size_t)to * size,
                (const uint8_t *)in->data + (size_t)from * size, size);
        }
    }
    return MEXPR_OK;
}

/* --- DepthToSpace, SpaceToDepth ---------------------------------------------------- */

typedef struct block_params {
    int64_t size;
    bool depth_last; /* mode CRD: the channel is the outer one */
} block_params;

static mexpr_status infer_block(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    block_params *p = infer->params;
    const bool to_space = infer->node->op->name[0] == 'D';
    const char *mode = mx_attr_string(infer->node, "mode", "DCR");
    p->size = mx_attr_int(infer->node, "blocksize", 0);
    p->depth_last = strcmp(mode, "CRD") == 0;
    if (!p->depth_last && strcmp(mode, "DCR") != 0)
        return mx_fail(
            infer->scope, MEXPR_E_MODEL, "the mode '%.40s' does not exist", mode);
    if (in->rank != 4 || p->size < 1 || p->size > 1 << 20)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "it needs four dimensions and a blocksize, not %d and %lld", in->rank,
            (long long)p->size);
    int64_t dims[4] = {in->dims[0], in->dims[1], in->dims[2], in->dims[3]};
    const int64_t square = p->size * p->size;
    bool good = true;
    if (to_space) {
        good = dims[1] % square == 0 || dims[1] < 0;
        dims[1] = dims[1] < 0 ? -1 : dims[1] / square;
        for (int i = 2; i < 4 && good; i++)
            good = dims[i] < 0 || mx_mul_i64(dims[i], p->size, &dims[i]);
    } else {
        good = dims[1] < 0 || mx_mul_i64(dims[1], square, &dims[1]);
        for (int i = 2; i < 4 && good; i++) {
            good = dims[i] < 0 || dims[i] % p->size == 0;
            dims[i] = dims[i] < 0 ? -1 : dims[i] / p->size;
        }
    }
    char text[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "%s is not possible in blocks of %lld", mx_shape_text(in, text),
            (long long)p->size);
    mx_infer_shape(infer, 0, 4, dims);
    return MEXPR_OK;
}

/* The side with large planes is n, c, h, y, w, x; the other n, then y, x, c or c, y, x,
 * then h, w. */
static mexpr_status move_blocks(const mx_run *run)
{
    const block_params *p = run->params;
    const bool to_space = run->node->op->name[0] == 'D';
    const mx_tensor *wide = to_space ? run->outputs[0] : run->inputs[0];
    const int64_t b = p->size, c = wide->dims[1];
    const int64_t h = wide->dims[2] / b, w = wide->dims[3] / b;
    const int64_t dims[6] = {wide->dims[0], c, h, b, w, b};
    const int64_t plane = h * w, all = c * plane * b * b;
    const int64_t dy = (p->depth_last ? b : b * c) * plane;
    const int64_t dx = (p->depth_last ? 1 : c) * plane;
    const int64_t narrow[6] = {all, (p->depth_last ? b * b : 1) * plane, w, dy, 1, dx};
    int64_t strides[2][MEXPR_MAX_RANK];
    mx_walk walk;
    mx_contiguous_strides(6, dims, strides[!to_space]);
    memcpy(strides[to_space], narrow, sizeof narrow);
    if (mx_tensor_count(wide) == 0)
        return MEXPR_OK;
    mx_walk_init(&walk, 6, dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(&walk, element_size(wide), run->outputs[0]->data, run->inputs[0]->data);
    return MEXPR_OK;
}

#define SELECT(                                                                          \
    op, first, least, most, attribute_list, other, value, infer_fn, forward_fn)          \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = least,                   \
        .max_inputs = most, .min_outputs = 1, .max_outputs = 1, .types = MX_T_ALL,       \
        .other_inputs = other, .value_inputs = value, .attributes = attribute_list,      \
        .params_size = sizeof(select_params), .infer = infer_fn, .forward = forward_fn   \
    }
#define INDICES MX_INPUT_BIT(1)

_Static_assert(sizeof(block_params) <= sizeof(select_params) &&
                   sizeof(reverse_params) <= sizeof(select_params),
    "one size for all");

const mx_operator mx_operators_select[] = {
    SELECT("DepthToSpace", 1, 1, 1, "blocksize:i mode:s", 0, 0, infer_block, move_blocks),
    {.name = "EyeLike",
        .domain = "",
        .since = 9,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .flags = MX_OP_FROM_SHAPE,
        .attributes = "dtype:i k:i",
        .infer = infer_eye,
        .forward = eye},
    SELECT("Gather", 1, 2, 2, "axis:i", INDICES, 0, infer_gather, gather),
    SELECT("GatherElements", 11, 2, 2, "axis:i", INDICES, 0, infer_gather_elements,
        gather_elements),
    SELECT("GatherND", 11, 2, 2, "batch_dims:i", INDICES, 0, infer_gather_nd, gather_nd),
    SELECT("OneHot", 9, 3, 3, "axis:i", 6, INDICES, infer_one_hot, one_hot),
    SELECT("ReverseSequence", 10, 2, 2, "batch_axis:i time_axis:i", INDICES, 0,
        infer_reverse, reverse),
    SELECT("Scatter", 9, 3, 3, "axis:i", INDICES, 0, infer_scatter_elements,
        scatter_elements),
    SELECT("ScatterElements", 11, 3, 3, "axis:i reduction:s", INDICES, 0,
        infer_scatter_elements, scatter_elements),
    SELECT(
        "ScatterND", 11, 3, 3, "reduction:s", INDICES, 0, infer_scatter_nd, scatter_nd),
    SELECT("SpaceToDepth", 1, 1, 1, "blocksize:i", 0, 0, infer_block, move_blocks),
    SELECT("Trilu", 14, 1, 2, "upper:i", INDICES, 0, infer_trilu, trilu),
    {.name = NULL},
};
