/* SPDX-License-Identifier: MIT */
/* Tables of landmarks, and how they are written. */
#include "face/face_table.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/decimal.h"
#include "image/polygon.h"

enum {
    FIRST_ROWS = 16,
    FACES_PER_FRAME = 64,
    ROW_BYTES = 2048,
    PTS_BYTES = 4096,
    DECIMALS = 3
};

/* --- life -------------------------------------------------------------------------- */

mexpr_status mexpr_face_table_create(mexpr_context *context, mexpr_face_table **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the table is NULL");
    mexpr_face_table *table = mx_calloc(scope, 1, sizeof *table);
    if (!table)
        return MEXPR_E_NOMEM;
    mx_scope_init(&table->scope, mx_context_retain(context));
    *out = table;
    return MEXPR_OK;
}

void mexpr_face_table_destroy(mexpr_face_table **table)
{
    if (!table || !*table)
        return;
    mexpr_context *context = (*table)->scope.context;
    mx_free(context, (*table)->rows);
    mx_free(context, *table);
    *table = NULL;
    mx_context_release(context);
}

const char *mexpr_face_table_last_error(const mexpr_face_table *table)
{
    return table ? table->scope.error : "";
}

int64_t mexpr_face_table_n_rows(const mexpr_face_table *table)
{
    return table ? (int64_t)table->n : 0;
}

/* --- rows -------------------------------------------------------------------------- */

mexpr_status mexpr_face_table_row(
    mexpr_face_table *table, int64_t index, mexpr_face_row *row)
{
    if (!table)
        return MEXPR_E_ARG;
    mx_scope *scope = &table->scope;
    if (!row)
        return mx_fail(scope, MEXPR_E_ARG, "row is NULL");
    const mexpr_status status = mx_out_struct_check(scope, row->struct_size, sizeof *row);
    if (status != MEXPR_OK)
        return status;
    if (index < 0 || (uint64_t)index >= table->n)
        return mx_fail(scope, MEXPR_E_RANGE, "there is no row %lld; there are %zu",
            (long long)index, table->n);
    const size_t size = row->struct_size;
    *row = table->rows[index];
    row->struct_size = size;
    return MEXPR_OK;
}

static mexpr_status grow(mx_scope *scope, mexpr_face_table *table)
{
    const size_t capacity = table->capacity ? 2 * table->capacity : FIRST_ROWS;
    mexpr_face_row *rows = mx_alloc(scope, capacity, sizeof *rows);
    if (!rows)
        return MEXPR_E_NOMEM;
    if (table->n > 0)
        memcpy(rows, table->rows, table->n * sizeof *rows);
    mx_free(table->scope.context, table->rows);
    table->rows = rows;
    table->capacity = capacity;
    return MEXPR_OK;
}

mexpr_status mx_face_table_add(
    mx_scope *scope, mexpr_face_table *table, const mexpr_face_row *row)
{
    const uint64_t frames = mx_context_limits(scope->context)->frames;
    if (table->n / FACES_PER_FRAME >= frames)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "a table of more than %llu rows is beyond the limit of %llu frames",
            (unsigned long long)table->n, (unsigned long long)frames);
    if (table->n == table->capacity) {
        const mexpr_status status = grow(scope, table);
        if (status != MEXPR_OK)
            return status;
    }
    table->rows[table->n] = *row;
    table->rows[table->n++].struct_size = sizeof *row;
    return MEXPR_OK;
}

mexpr_status mexpr_face_table_add(mexpr_face_table *table, const mexpr_face_row *row)
{
    if (!table)
        return MEXPR_E_ARG;
    mx_scope *scope = &table->scope;
    mexpr_face_row known = MEXPR_FACE_ROW_INIT;
    if (!row)
        return mx_fail(scope, MEXPR_E_ARG, "row is NULL");
    const mexpr_status status =
        mx_options_copy(scope, row, sizeof known, &known, sizeof known);
    if (status != MEXPR_OK)
        return status;
    bool good = fabs(known.timestamp) < 1e9 && fabs(known.confidence) < 1e9;
    for (int i = 0; i < MX_TABLE_NUMBERS; i++)
        good = good && fabsf(known.landmarks[i]) < (float)MX_TABLE_FAR;
    if (!good)
        return mx_fail(scope, MEXPR_E_ARG,
            "a number of the row is not finite, or beyond %g px", MX_TABLE_FAR);
    return mx_face_table_add(scope, table, &known);
}

/* --- reading ----------------------------------------------------------------------- */

static mexpr_status parse(mexpr_context *context, const char *name, const void *bytes,
    size_t size, mexpr_face_table **out)
{
    mx_scope *scope = mx_context_scope(context);
    mexpr_face_table *table = NULL;
    mexpr_status status = mexpr_face_table_create(context, &table);
    if (status == MEXPR_OK)
        status = mx_face_table_parse(scope, table, name, bytes, size);
    if (status == MEXPR_OK)
        *out = table;
    else
        mexpr_face_table_destroy(&table);
    return status;
}

mexpr_status mexpr_face_table_read(
    mexpr_context *context, const char *path, mexpr_face_table **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "path is NULL");
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    status = parse(context, path, bytes, size, out);
    mx_free(context, bytes);
    return status;
}

mexpr_status mexpr_face_table_decode(
    mexpr_context *context, const void *bytes, size_t size, mexpr_face_table **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    if (!bytes)
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG, "bytes is NULL");
    return parse(context, "the landmarks", bytes, size, out);
}

/* --- writing ----------------------------------------------------------------------- */

static char *put_text(char *to, const char *text)
{
    const size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

static char *put_number(char *to, double value, int decimals)
{
    return to + mx_decimal_write(to, value, decimals);
}

static char *put_header(char *to)
{
    to = put_text(to, "frame,face_id,timestamp,confidence,success");
    for (int axis = 0; axis < 2; axis++) {
        for (int i = 0; i < MEXPR_LANDMARKS_68; i++) {
            to = put_text(to, axis ? ",y_" : ",x_");
            to = put_number(to, i, 0);
        }
    }
    return put_text(to, "\n");
}

static char *put_row(char *to, const mexpr_face_row *row)
{
    to = put_text(put_number(to, (double)row->frame, 0), ",");
    to = put_text(put_number(to, (double)row->face_id, 0), ",");
    to = put_text(put_number(to, row->timestamp, DECIMALS), ",");
    to = put_text(put_number(to, row->confidence, DECIMALS), ",");
    to = put_text(to, row->success ? "1" : "0");
    for (int axis = 0; axis < 2; axis++) {
        for (int i = 0; i < MEXPR_LANDMARKS_68; i++)
            to = put_number(
                put_text(to, ","), (double)row->landmarks[2 * i + axis], DECIMALS);
    }
    return put_text(to, "\n");
}

static mexpr_status encode(mexpr_face_table *table, char **bytes, size_t *size)
{
    *bytes = mx_alloc(&table->scope, table->n + 1, ROW_BYTES);
    if (!*bytes)
        return MEXPR_E_NOMEM;
    char *to = put_header(*bytes);
    for (size_t i = 0; i < table->n; i++)
        to = put_row(to, &table->rows[i]);
    *size = (size_t)(to - *bytes);
    return MEXPR_OK;
}

mexpr_status mexpr_face_table_encode_csv(
    mexpr_face_table *table, void **bytes, size_t *size)
{
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    if (!table)
        return MEXPR_E_ARG;
    if (!bytes || !size)
        return mx_fail(
            &table->scope, MEXPR_E_ARG, "%s is NULL", bytes ? "size" : "bytes");
    char *text = NULL;
    const mexpr_status status = encode(table, &text, size);
    *bytes = text;
    return status;
}

mexpr_status mexpr_face_table_write_csv(mexpr_face_table *table, const char *path)
{
    if (!table)
        return MEXPR_E_ARG;
    if (!path)
        return mx_fail(&table->scope, MEXPR_E_ARG, "path is NULL");
    char *text = NULL;
    size_t size = 0;
    mexpr_status status = encode(table, &text, &size);
    if (status == MEXPR_OK)
        status = mx_file_write(&table->scope, path, text, size);
    mx_free(table->scope.context, text);
    return status;
}

mexpr_status mexpr_landmarks_write_pts(
    mexpr_context *context, const float *landmarks, const char *path)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "path is NULL");
    mexpr_status status = mx_check_landmarks(scope, landmarks);
    if (status != MEXPR_OK)
        return status;
    char text[PTS_BYTES], *to = put_text(text, "version: 1\nn_points: 68\n{\n");
    for (int i = 0; i < MX_TABLE_NUMBERS; i++) {
        if (!(fabsf(landmarks[i]) < (float)MX_TABLE_FAR))
            return mx_fail(
                scope, MEXPR_E_ARG, "landmark %d is beyond %g px", i / 2, MX_TABLE_FAR);
        to = put_number(to, (double)landmarks[i] + 1, DECIMALS);
        to = put_text(to, i % 2 ? "\n" : " ");
    }
    to = put_text(to, "}\n");
    return mx_file_write(scope, path, text, (size_t)(to - text));
}
