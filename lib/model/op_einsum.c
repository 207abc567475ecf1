/* SPDX-License-Identifier: MIT */
/* Einsum: sums of products over labelled axes, with ellipses, diagonals and any number of
 * operands. Two operands are one batch of matrix products where they can be. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

enum { MAX_LABELS = 20, MAX_TERMS = 8, N_LETTERS = 128 };

/* Labels are numbers: those of the output in its order, then those summed over. */
typedef struct einsum_params {
    int n_labels, n_out;
    bool is_product; /* two operands, as batch × (m × k, k × n) */
    int64_t dims[MAX_LABELS];
    int8_t label[MAX_TERMS][MEXPR_MAX_RANK];
} einsum_params;

/* A term as written: letters, 0 for each axis that an ellipsis stands for. */
typedef struct term {
    char letters[MEXPR_MAX_RANK + 1];
    int n;
    int n_hidden; /* axes of the ellipsis, -1: it has none */
} term;

typedef struct equation {
    term terms[MAX_TERMS];
    int n_terms;
    term out;
    int n_hidden; /* most of all terms */
} equation;

static mexpr_status fail_equation(mx_infer *infer)
{
    return mx_fail(infer->scope, MEXPR_E_MODEL,
        "the equation '%.60s' does not fit to its %d inputs",
        mx_attr_string(infer->node, "equation", ""), infer->n_inputs);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One term of the text from *at on, whose ellipsis stands for rank minus letters axes. */
static bool read_term(const char **at, int rank, term *t)
{
    int dots = -1;
    *t = (term){{0}, 0, -1};
    for (; **at && **at != ',' && **at != '-'; (*at)++) {
        if (**at == ' ')
            continue;
        if (**at == '.' && dots < 0 && strncmp(*at, "...", 3) == 0) {
            dots = t->n;
            *at += 2;
            continue;
        }
        if (!is_letter(**at) || t->n >= MEXPR_MAX_RANK)
            return false;
        t->letters[t->n++] = **at;
    }
    if (dots < 0)
        return rank == t->n;
    const int hidden = rank - t->n;
    if (hidden < 0 || rank > MEXPR_MAX_RANK)
        return false;
    memmove(t->letters + dots + hidden, t->letters + dots, (size_t)(t->n - dots));
    memset(t->letters + dots, 0, (size_t)hidden);
    t->n = rank;
    t->n_hidden = hidden;
    return true;
}

/* Without an arrow: the ellipsis, then all letters that appear once, in order. */
static bool imply_output(equation *e)
{
    int seen[N_LETTERS] = {0};
    for (int k = 0; k < e->n_terms; k++) {
        for (int i = 0; i < e->terms[k].n; i++)
            seen[(int)e->terms[k].letters[i]]++;
    }
    e->out = (term){{0}, e->n_hidden, e->n_hidden};
    for (int c = 1; c < N_LETTERS; c++) {
        if (seen[c] != 1)
            continue;
        if (e->out.n >= MEXPR_MAX_RANK)
            return false;
        e->out.letters[e->out.n++] = (char)c;
    }
    return true;
}

/* How many axes an output written from `at` on has: letters, and those of the ellipsis.
 */
static int output_rank(const char *at, int n_hidden)
{
    int n = 0;
    bool has_dots = false;
    for (; *at; at++) {
        n += is_letter(*at);
        has_dots = has_dots || *at == '.';
    }
    return n + (has_dots ? n_hidden : 0);
}

static bool read_equation(const mx_infer *infer, equation *e)
{
    const char *at = mx_attr_string(infer->node, "equation", "");
    if (infer->n_inputs > MAX_TERMS)
        return false;
    e->n_terms = infer->n_inputs;
    e->n_hidden = 0;
    for (int k = 0; k < e->n_terms; k++) {
        if ((k > 0 && *at++ != ',') ||
            !read_term(&at, infer->inputs[k]->rank, &e->terms[k]))
            return false;
        if (e->terms[k].n_hidden > e->n_hidden)
            e->n_hidden = e->terms[k].n_hidden;
    }
    if (!*at)
        return imply_output(e);
    if (at[0] != '-' || at[1] != '>')
        return false;
    at += 2;
    const int rank = output_rank(at, e->n_hidden);
    return rank <= MEXPR_MAX_RANK && read_term(&at, rank, &e->out) && !*at;
}

/* --- labels ------------------------------------------------------------------------ */

/* Numbers of letters and of the axes of the ellipsis, counted from its end. */
typedef struct labels {
    int letters[N_LETTERS];
    int hidden[MEXPR_MAX_RANK];
    int n;
} labels;

static int *slot_of(labels *l, const term *t, int i)
{
    if (t->letters[i])
        return &l->letters[(int)t->letters[i]];
    int behind = 0;
    for (int k = i + 1; k < t->n && !t->letters[k]; k++)
        behind++;
    return &l->hidden[behind];
}

/* The number of axis i, a new one when `adds`; -1: none, or no more possible. */
static int label_of(labels *l, const term *t, int i, bool adds)
{
    int *slot = slot_of(l, t, i);
    if (*slot == 0 && adds && l->n < MAX_LABELS)
        *slot = ++l->n;
    return *slot - 1;
}

static bool number_labels(const equation *e, einsum_params *p)
{
    labels l = {.n = 0};
    for (int i = 0; i < e->out.n; i++) {
        if (label_of(&l, &e->out, i, true) != i) /* twice in the output */
            return false;
    }
    p->n_out = l.n;
    for (int k = 0; k < e->n_terms; k++) {
        for (int i = 0; i < e->terms[k].n; i++) {
            const int label = label_of(&l, &e->terms[k], i, true);
            if (label < 0)
                return false;
            p->label[k][i] = (int8_t)label;
        }
    }
    p->n_labels = l.n;
    return true;
}

/* Sizes by label: 1 is broadcast, and 0 means that no term has it. */
static bool size_labels(const mx_infer *infer, const equation *e, einsum_params *p)
{
    bool is_there[MAX_LABELS] = {false};
    for (int i = 0; i < p->n_labels; i++)
        p->dims[i] = 1;
    for (int k = 0; k < e->n_terms; k++) {
        for (int i = 0; i < e->terms[k].n; i++) {
            const int64_t n = infer->inputs[k]->dims[i];
            int64_t *dim = &p->dims[p->label[k][i]];
            is_there[p->label[k][i]] = true;
            if (n == *dim || n == 1)
                continue;
            if (*dim != 1 && *dim >= 0 && n >= 0)
                return false;
            *dim = *dim == 1 || *dim < 0 ? n : *dim;
        }
    }
    for (int i = 0; i < p->n_labels; i++) {
        if (!is_there[i])
            return false;
    }
    return true;
}

/* Strides of operand k by label, 0 where it is broadcast; a label twice is a diagonal. */
static void label_strides(
    const einsum_params *p, const mx_tensor *t, int k, int64_t *strides)
{
    int64_t own[MEXPR_MAX_RANK];
    mx_contiguous_strides(t->rank, t->dims, own);
    for (int i = 0; i < p->n_labels; i++)
        strides[i] = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->dims[i] != 1)
            strides[p->label[k][i]] += own[i];
    }
}

/* --- as matrix products ------------------------------------------------------------ */

/* Labels by their part: 'b' in both and in the output, 'm' and 'n' in one, 'k' summed. */
typedef struct parts {
    int8_t list[4][MAX_LABELS]; /* of b, m, n, k */
    int n[4];
    int64_t size[4];
} parts;

enum { PART_B, PART_M, PART_N, PART_K };

static bool part_labels(
    const einsum_params *p, const int64_t *a, const int64_t *b, parts *out)
{
    *out = (parts){.size = {1, 1, 1, 1}};
    for (int i = 0; i < p->n_labels; i++) {
        int part;
        if (p->dims[i] == 1)
            continue;
        if (i < p->n_out)
            part = a[i] && b[i] ? PART_B : a[i] ? PART_M : PART_N;
        else if (a[i] && b[i])
            part = PART_K;
        else
            return false;
        out->list[part][out->n[part]++] = (int8_t)i;
        if (!mx_mul_i64(out->size[part], p->dims[i], &out->size[part]))
            return false;
    }
    return out->size[PART_M] <= INT_MAX && out->size[PART_N] <= INT_MAX &&
           out->size[PART_K] <= INT_MAX;
}

/* A walk over the parts in order with strides of `tensor`, and packed ones; operand 0 is
 * the destination. */
static void walk_parts(mx_walk *walk, const einsum_params *p, const parts *all,
    const int *order, int n_parts, const int64_t *tensor, bool packs)
{
    int64_t dims[MEXPR_MAX_RANK] = {1}, strides[2][MEXPR_MAX_RANK] = {{0}};
    int rank = 0;
    for (int i = 0; i < n_parts; i++) {
        for (int k = 0; k < all->n[order[i]]; k++) {
            const int label = all->list[order[i]][k];
            strides[packs][rank] = tensor[label];
            dims[rank++] = p->dims[label];
        }
    }
    mx_contiguous_strides(rank, dims, strides[!packs]);
    mx_walk_init(
        walk, rank ? rank : 1, dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
}

static void pack(const einsum_params *p, const parts *all, int first, int second,
    const int64_t *strides, const mx_tensor *from, float *to)
{
    const int order[3] = {PART_B, first, second};
    mx_walk walk;
    walk_parts(&walk, p, all, order, 3, strides, true);
    mx_walk_copy(&walk, sizeof(float), to, from->data);
}

static void multiply(const mx_run *run)
{
    const einsum_params *p = run->params;
    int64_t a[MAX_LABELS], b[MAX_LABELS], y[MAX_LABELS] = {0};
    parts all;
    label_strides(p, run->inputs[0], 0, a);
    label_strides(p, run->inputs[1], 1, b);
    mx_contiguous_strides(p->n_out, p->dims, y);
    part_labels(p, a, b, &all);
    const int64_t n_batch = all.size[PART_B];
    const int64_t m = all.size[PART_M], n = all.size[PART_N], k = all.size[PART_K];
    float *pa = run->workspace, *pb = pa + n_batch * m * k, *py = pb + n_batch * k * n;
    pack(p, &all, PART_M, PART_K, a, run->inputs[0], pa);
    pack(p, &all, PART_K, PART_N, b, run->inputs[1], pb);
    for (int64_t i = 0; i < n_batch; i++)
        mx_sgemm(&run->machine->gemm, false, false, (int)m, (int)n, (int)k, 1,
            pa + i * m * k, (int)k, pb + i * k * n, (int)n, 0, py + i * m * n, (int)n);
    const int order[3] = {PART_B, PART_M, PART_N};
    mx_walk walk;
    walk_parts(&walk, p, &all, order, 3, y, false);
    mx_walk_copy(&walk, sizeof(float), run->outputs[0]->data, py);
}

/* Memory for the packed operands and result; no more than twice what is there, or the
 * plain sum is used. */
static void choose_product(mx_infer *infer, einsum_params *p)
{
    int64_t a[MAX_LABELS], b[MAX_LABELS], sizes[3], total = 0;
    parts all;
    if (infer->n_inputs != 2 || infer->inputs[0]->dtype != MEXPR_DTYPE_F32)
        return;
    label_strides(p, infer->inputs[0], 0, a);
    label_strides(p, infer->inputs[1], 1, b);
    if (!part_labels(p, a, b, &all))
        return;
    for (int i = 0; i < 3; i++) {
        const int first = i == 1 ? PART_K : PART_M, second = i == 0 ? PART_K : PART_N;
        if (!mx_mul_i64(all.size[PART_B], all.size[first], &sizes[i]) ||
            !mx_mul_i64(sizes[i], all.size[second], &sizes[i]) || sizes[i] == 0 ||
            sizes[i] > INT64_MAX / 64)
            return;
        total += sizes[i];
    }
    p->is_product = true;
    infer->workspace = (size_t)total * sizeof(float);
}

static mexpr_status infer_einsum(mx_infer *infer)
{
    einsum_params *p = infer->params;
    equation e;
    if (!read_equation(infer, &e) || !number_labels(&e, p))
        return fail_equation(infer);
    bool known = true;
    for (int k = 0; k < infer->n_inputs; k++)
        known = known && mx_tensor_has_shape(infer->inputs[k]);
    if (!size_labels(infer, &e, p))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the sizes of its inputs do not fit to the equation '%.60s'",
            mx_attr_string(infer->node, "equation", ""));
    mx_infer_shape(infer, 0, p->n_out, p->dims);
    if (known)
        choose_product(infer, p);
    return MEXPR_OK;
}

/* --- plainly ----------------------------------------------------------------------- */

/* For every element of the output the sum over all others of the product. */
#define PLAIN_SUM(type, wide)                                                            \
    do {                                                                                 \
        wide sum = 0;                                                                    \
        do {                                                                             \
            wide product = 1;                                                            \
            for (int k = 0; k < run->n_inputs; k++)                                      \
                product *= (wide)((const type *)run->inputs[k]->data)[offset[k]];        \
            sum += product;                                                              \
        } while (advance(p, strides, run->n_inputs, p->n_out, p->n_labels, at, offset)); \
        ((type *)run->outputs[0]->data)[i] = (type)sum;                                  \
    } while (0)

/* On to the next position of the labels first..end-1; false when they start anew. */
static bool advance(const einsum_params *p, int64_t strides[][MAX_LABELS], int n_terms,
    int first, int end, int64_t *at, int64_t *offset)
{
    for (int l = end - 1; l >= first; l--) {
        const bool more = ++at[l] < p->dims[l];
        for (int k = 0; k < n_terms; k++)
            offset[k] += more ? strides[k][l] : -(at[l] - 1) * strides[k][l];
        if (more)
            return true;
        at[l] = 0;
    }
    return false;
}

static void sum_plainly(const mx_run *run)
{
    const einsum_params *p = run->params;
    int64_t strides[MAX_TERMS][MAX_LABELS], at[MAX_LABELS] = {0}, offset[MAX_TERMS] = {0};
    const int64_t n = mx_tensor_count(run->outputs[0]);
    for (int k = 0; k < run->n_inputs; k++)
        label_strides(p, run->inputs[k], k, strides[k]);
    for (int64_t i = 0; i < n; i++) {
        if (run->outputs[0]->dtype == MEXPR_DTYPE_F32)
            PLAIN_SUM(float, double);
        else if (run->outputs[0]->dtype == MEXPR_DTYPE_I32)
            PLAIN_SUM(int32_t, uint64_t);
        else
            PLAIN_SUM(int64_t, uint64_t);
        advance(p, strides, run->n_inputs, 0, p->n_out, at, offset);
    }
}

static mexpr_status einsum(const mx_run *run)
{
    const einsum_params *p = run->params;
    const mx_tensor *out = run->outputs[0];
    bool empty = false;
    for (int i = 0; i < p->n_labels; i++)
        empty = empty || p->dims[i] == 0;
    if (empty)
        memset(out->data, 0, mx_tensor_bytes(out));
    else if (p->is_product)
        multiply(run);
    else
        sum_plainly(run);
    return MEXPR_OK;
}

const mx_operator mx_operators_einsum[] = {
    {.name = "Einsum",
        .domain = "",
        .since = 12,
        .min_inputs = 1,
        .max_inputs = MAX_TERMS,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32 | MX_T_INTS,
        .flags = MX_OP_VARIADIC,
        .attributes = "equation:s",
        .params_size = sizeof(einsum_params),
        .infer = infer_einsum,
        .forward = einsum,
        .note = "up to 8 inputs and 20 labels"},
    {.name = NULL},
};
