/* SPDX-License-Identifier: MIT */
/* Tensors from and to files: NumPy's .npy and ONNX's TensorProto. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "model/model_handle.h"
#include "model/weights.h"

struct mexpr_tensor {
    mexpr_context *context;
    char *name;
    mx_tensor tensor;
};

/* --- life -------------------------------------------------------------------------- */

/* Makes the object; takes the data over, on failure too. */
static mexpr_status wrap(
    mx_scope *scope, const mx_tensor *data, const char *name, mexpr_tensor **out)
{
    mexpr_tensor *tensor = mx_calloc(scope, 1, sizeof *tensor);
    char *copy = mx_strndup(scope, name, strlen(name));
    if (!tensor || !copy) {
        mx_free(scope->context, tensor);
        mx_free(scope->context, copy);
        mx_free(scope->context, data->data);
        return MEXPR_E_NOMEM;
    }
    tensor->context = mx_context_retain(scope->context);
    tensor->name = copy;
    tensor->tensor = *data;
    *out = tensor;
    return MEXPR_OK;
}

void mexpr_tensor_destroy(mexpr_tensor **tensor)
{
    if (!tensor || !*tensor)
        return;
    mexpr_context *context = (*tensor)->context;
    mx_free(context, (*tensor)->tensor.data);
    mx_free(context, (*tensor)->name);
    mx_free(context, *tensor);
    *tensor = NULL;
    mx_context_release(context);
}

mexpr_status mexpr_tensor_get(const mexpr_tensor *tensor, mexpr_tensor_view *view)
{
    if (!tensor || !view)
        return MEXPR_E_ARG;
    if (view->struct_size < sizeof *view || view->struct_size > 4096)
        return MEXPR_E_ABI;
    return mx_view_out(&tensor->tensor, view);
}

const char *mexpr_tensor_name(const mexpr_tensor *tensor)
{
    return tensor ? tensor->name : "";
}

/* --- TensorProto ------------------------------------------------------------------- */

static mexpr_status decode_pb(mx_scope *scope, mx_source *source, mexpr_tensor **out)
{
    mx_arena arena;
    mx_wire_tensor wire;
    mx_weights weights;
    mx_tensor tensor;
    mx_arena_init(&arena, scope->context);
    mx_weights_init(&weights, source);
    mexpr_status status = mx_wire_read_tensor(scope, source, &arena, &wire);
    if (status == MEXPR_OK)
        status = mx_weights_read(scope, &weights, &wire, NULL, &tensor);
    if (status == MEXPR_OK)
        status = wrap(scope, &tensor, wire.proto->name, out);
    mx_weights_release(&weights);
    mx_arena_release(&arena);
    return status;
}

static mexpr_status check_decode(
    mx_scope *scope, const void *bytes, size_t size, mexpr_tensor **out)
{
    const uint64_t limit = mx_context_limits(scope->context)->file_bytes;
    if (!bytes || !out)
        return mx_fail(scope, MEXPR_E_ARG, "decoding a tensor was given NULL");
    if (size > limit)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the tensor has %zu bytes, more than the limit max_file_bytes of %llu", size,
            (unsigned long long)limit);
    return MEXPR_OK;
}

mexpr_status mexpr_tensor_decode_pb(
    mexpr_context *context, const void *bytes, size_t size, mexpr_tensor **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_status status = check_decode(scope, bytes, size, out);
    if (status != MEXPR_OK)
        return status;
    mx_source *source = mx_alloc(scope, 1, sizeof *source);
    if (!source)
        return MEXPR_E_NOMEM;
    mx_source_from_memory(source, bytes, size);
    status = decode_pb(scope, source, out);
    mx_free(context, source);
    return status;
}

/* --- .npy -------------------------------------------------------------------------- */

/* https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: magic, version,
 * length of the header, a Python dictionary as text, data. */
static const char magic[6] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y'};

enum { NPY_F64 = 1 << 16, MAX_HEADER = 1 << 16 };

typedef struct npy {
    int32_t dtype; /* mexpr_dtype or NPY_F64 */
    mx_tensor tensor;
    size_t start; /* of the data */
} npy;

/* Text of the header, not ended by a 0. */
typedef struct text {
    const char *at;
    const char *end;
} text;

static void skip_blanks(text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n'))
        t->at++;
}

static bool take(text *t, char c)
{
    skip_blanks(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

/* A quoted string without escapes. */
static bool take_string(text *t, const char **start, size_t *length)
{
    skip_blanks(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return false;
    const char quote = *t->at++;
    *start = t->at;
    while (t->at < t->end && *t->at != quote)
        t->at++;
    *length = (size_t)(t->at - *start);
    return take(t, quote);
}

static bool take_word(text *t, const char *word)
{
    skip_blanks(t);
    const size_t length = strlen(word);
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0)
        return false;
    t->at += length;
    return true;
}

static bool take_number(text *t, int64_t *number)
{
    skip_blanks(t);
    const char *start = t->at;
    *number = 0;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
        if (*number > (INT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (*t->at - '0');
    }
    return t->at > start;
}

static bool take_shape(text *t, mx_tensor *tensor, bool *too_many)
{
    int rank = 0;
    if (!take(t, '('))
        return false;
    while (!take(t, ')')) {
        int64_t dim;
        if (!take_number(t, &dim))
            return false;
        if (rank < MEXPR_MAX_RANK)
            tensor->dims[rank] = dim;
        rank++;
        if (!take(t, ',')) {
            if (!take(t, ')'))
                return false;
            break;
        }
    }
    *too_many = rank > MEXPR_MAX_RANK;
    tensor->rank = rank;
    return true;
}

static bool is(const char *start, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(start, word, length) == 0;
}

static mexpr_status set_dtype(mx_scope *scope, npy *n, const char *descr, size_t length)
{
    static const struct {
        const char *descr;
        int32_t dtype;
    } known[] = {{"<f4", MEXPR_DTYPE_F32}, {"<f8", NPY_F64}, {"|u1", MEXPR_DTYPE_U8},
        {"<u1", MEXPR_DTYPE_U8}, {"<i4", MEXPR_DTYPE_I32}, {"<i8", MEXPR_DTYPE_I64},
        {"|b1", MEXPR_DTYPE_BOOL}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (is(descr, length, known[i].descr)) {
            n->dtype = known[i].dtype;
            n->tensor.dtype = n->dtype == NPY_F64 ? MEXPR_DTYPE_F32 : n->dtype;
            return MEXPR_OK;
        }
    }
    return mx_fail(scope, MEXPR_E_UNSUPPORTED,
        "the .npy file has elements of type '%.*s'; float32, float64, uint8, int32, "
        "int64 and "
        "bool, little-endian, can be read",
        length < 20 ? (int)length : 20, descr);
}

static mexpr_status fail_header(mx_scope *scope)
{
    return mx_fail(scope, MEXPR_E_FORMAT, "the header of the .npy file is damaged");
}

/* One entry of the dictionary. */
static mexpr_status parse_entry(
    mx_scope *scope, text *t, npy *n, unsigned *seen, bool *fortran)
{
    const char *key, *descr;
    size_t length;
    bool too_many = false;
    if (!take_string(t, &key, &length) || !take(t, ':'))
        return fail_header(scope);
    if (is(key, length, "descr")) {
        *seen |= 1;
        if (!take_string(t, &descr, &length))
            return mx_fail(
                scope, MEXPR_E_UNSUPPORTED, "the .npy file has records, not numbers");
        return set_dtype(scope, n, descr, length);
    }
    if (is(key, length, "fortran_order")) {
        *seen |= 2;
        *fortran = take_word(t, "True");
        return *fortran || take_word(t, "False") ? MEXPR_OK : fail_header(scope);
    }
    if (!is(key, length, "shape") || !take_shape(t, &n->tensor, &too_many))
        return fail_header(scope);
    *seen |= 4;
    if (too_many)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the .npy file has more than %d dimensions", MEXPR_MAX_RANK);
    return MEXPR_OK;
}

static mexpr_status parse_header(mx_scope *scope, text t, npy *n)
{
    unsigned seen = 0;
    bool fortran = false;
    if (!take(&t, '{'))
        return fail_header(scope);
    while (!take(&t, '}')) {
        const mexpr_status status = parse_entry(scope, &t, n, &seen, &fortran);
        if (status != MEXPR_OK)
            return status;
        if (!take(&t, ',')) {
            if (!take(&t, '}'))
                return fail_header(scope);
            break;
        }
    }
    if (seen != 7)
        return fail_header(scope);
    if (fortran && n->tensor.rank > 1)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the .npy file is in Fortran order; save it with numpy.ascontiguousarray()");
    return MEXPR_OK;
}

static uint32_t little_endian(const uint8_t *bytes, int n)
{
    uint32_t value = 0;
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* Versions 1 has a length of two bytes, 2 and 3 of four. */
static mexpr_status read_npy_header(
    mx_scope *scope, const uint8_t *bytes, size_t size, npy *n)
{
    if (size < 8 || memcmp(bytes, magic, sizeof magic) != 0)
        return mx_fail(scope, size < 8 ? MEXPR_E_TRUNCATED : MEXPR_E_FORMAT,
            "these are not the beginnings of a .npy file");
    const int version = bytes[6];
    if (version < 1 || version > 3)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the .npy file is of version %d; 1 to 3 can be read", version);
    const int length_bytes = version == 1 ? 2 : 4;
    const size_t first = 8 + (size_t)length_bytes;
    if (size < first)
        return mx_fail(scope, MEXPR_E_TRUNCATED, "the .npy file ends in its header");
    const size_t length = little_endian(bytes + 8, length_bytes);
    if (length > MAX_HEADER)
        return mx_fail(scope, MEXPR_E_FORMAT, "the header of the .npy file is too long");
    if (length > size - first)
        return mx_fail(scope, MEXPR_E_TRUNCATED, "the .npy file ends in its header");
    n->start = first + length;
    const char *header = (const char *)bytes + first;
    return parse_header(scope, (text){header, header + length}, n);
}

static mexpr_status read_npy_data(
    mx_scope *scope, const uint8_t *bytes, size_t size, npy *n)
{
    mx_tensor *t = &n->tensor;
    const mexpr_status status = mx_tensor_check(scope, t);
    if (status != MEXPR_OK)
        return status == MEXPR_E_SHAPE ? mx_fail_prefix(scope, MEXPR_E_FORMAT, ".npy")
                                       : status;
    const size_t count = (size_t)mx_tensor_count(t);
    const size_t stored =
        n->dtype == NPY_F64 ? 8 : mexpr_dtype_bytes((mexpr_dtype)t->dtype);
    if ((size - n->start) / stored < count)
        return mx_fail(scope, MEXPR_E_TRUNCATED,
            "the .npy file ends too early: its shape needs %zu elements, %zu are there",
            count, (size - n->start) / stored);
    if (size - n->start != count * stored)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the .npy file has %zu bytes behind its numbers; it may hold one array alone",
            size - n->start - count * stored);
    t->data = mx_alloc(scope, mx_tensor_bytes(t), 1);
    if (!t->data)
        return MEXPR_E_NOMEM;
    const uint8_t *from = bytes + n->start;
    if (n->dtype != NPY_F64)
        memcpy(t->data, from, count * stored);
    for (size_t i = 0; n->dtype == NPY_F64 && i < count; i++) {
        double wide;
        memcpy(&wide, from + i * 8, 8);
        ((float *)t->data)[i] = (float)wide;
    }
    for (size_t i = 0; n->dtype == MEXPR_DTYPE_BOOL && i < count; i++)
        ((uint8_t *)t->data)[i] = ((uint8_t *)t->data)[i] != 0;
    return MEXPR_OK;
}

mexpr_status mexpr_tensor_decode_npy(
    mexpr_context *context, const void *bytes, size_t size, mexpr_tensor **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    npy n = {0, MX_TENSOR_UNKNOWN, 0};
    mexpr_status status = check_decode(scope, bytes, size, out);
    if (status == MEXPR_OK)
        status = read_npy_header(scope, bytes, size, &n);
    if (status == MEXPR_OK)
        status = read_npy_data(scope, bytes, size, &n);
    return status == MEXPR_OK ? wrap(scope, &n.tensor, "", out) : status;
}

mexpr_status mexpr_tensor_read(
    mexpr_context *context, const char *path, mexpr_tensor **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_tensor_read() was given NULL");
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    const bool is_npy = size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
    status = (is_npy ? mexpr_tensor_decode_npy : mexpr_tensor_decode_pb)(
        context, bytes, size, out);
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, path);
    mx_free(context, bytes);
    return status;
}

/* --- writing ----------------------------------------------------------------------- */

static const char *descr_of(int32_t dtype)
{
    switch (dtype) {
    case MEXPR_DTYPE_F32:
        return "<f4";
    case MEXPR_DTYPE_U8:
        return "|u1";
    case MEXPR_DTYPE_I32:
        return "<i4";
    case MEXPR_DTYPE_I64:
        return "<i8";
    default:
        return "|b1";
    }
}

enum { NPY_PREFIX = 10, NPY_TEXT = 320, NPY_UNIT = 64 };

/* The header, padded so that the data begin at a multiple of 64; returns its size. */
static size_t format_header(const mx_tensor *t, char *header)
{
    char *dict = header + NPY_PREFIX;
    int used = snprintf(dict, NPY_TEXT,
        "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of(t->dtype));
    for (int i = 0; i < t->rank; i++)
        used += snprintf(dict + used, (size_t)(NPY_TEXT - used), "%s%lld",
            i > 0 ? ", " : "", (long long)t->dims[i]);
    used += snprintf(
        dict + used, (size_t)(NPY_TEXT - used), "%s), }", t->rank == 1 ? "," : "");
    const size_t total = mx_round_up(NPY_PREFIX + (size_t)used + 1, NPY_UNIT);
    memset(dict + used, ' ', total - NPY_PREFIX - (size_t)used);
    header[total - 1] = '\n';
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)((total - NPY_PREFIX) & 0xff);
    header[9] = (char)((total - NPY_PREFIX) >> 8);
    return total;
}

mexpr_status mexpr_tensor_write_npy(
    mexpr_context *context, const mexpr_tensor_view *tensor, const char *path)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!tensor || !path)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_tensor_write_npy() was given NULL");
    mx_tensor t;
    mexpr_status status = mx_view_in(scope, tensor, &t);
    if (status != MEXPR_OK)
        return status == MEXPR_E_ABI ? status : MEXPR_E_ARG;
    char header[NPY_PREFIX + NPY_TEXT + NPY_UNIT];
    const size_t start = format_header(&t, header), bytes = mx_tensor_bytes(&t);
    uint8_t *file = mx_alloc(scope, start + bytes, 1);
    if (!file)
        return MEXPR_E_NOMEM;
    memcpy(file, header, start);
    memcpy(file + start, t.data, bytes);
    status = mx_file_write(scope, path, file, start + bytes);
    mx_free(context, file);
    return status;
}
