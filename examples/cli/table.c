/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "json.h"

/* Enough for every float to come back as it was. */
enum { DIGITS = 9 };

static const char line_end[] = "\r\n";

/* What comes before the first row. */
static void add_head(const table *t, text *out)
{
    if (t->json)
        text_add(out, "{\"features\": [");
    else
        text_add_bytes(out, t->head.bytes, t->head.size);
    text_add(out, "%s", t->json ? "" : line_end);
    out->failed |= t->head.failed;
}

static void write_out(FILE *file, const text *bytes)
{
    if (bytes->size > 0)
        fwrite(bytes->bytes, 1, bytes->size, file);
}

static void end_row(table *t)
{
    if (t->n_rows == 0)
        return;
    if (t->json)
        json_close(&t->body, '}');
    else
        text_add(&t->body, "%s", line_end);
    if (!t->spool)
        return;
    if (t->n_rows == 1) {
        text head = {0};
        add_head(t, &head);
        write_out(t->spool, &head);
        t->body.failed |= head.failed;
        text_free(&head);
    }
    write_out(t->spool, &t->body);
    t->body.size = 0;
}

void table_row(table *t)
{
    end_row(t);
    if (t->json && t->spool && t->n_rows > 0)
        fputs(", ", t->spool);
    t->n_rows++;
    if (t->json)
        json_open(&t->body, '{');
}

static void separate(text *line)
{
    if (line->size > 0 && line->bytes[line->size - 1] != '\n')
        text_add(line, ",");
}

/* Opens the cell of that name. */
static void name_cell(table *t, const char *name)
{
    if (t->json) {
        json_key(&t->body, name);
        return;
    }
    if (t->n_rows == 1) {
        separate(&t->head);
        text_add(&t->head, "%s", name);
    }
    separate(&t->body);
}

void table_source(table *t, const char *name, const char *value)
{
    name_cell(t, name);
    if (t->json) {
        json_string(&t->body, value);
        return;
    }
    if (!strpbrk(value, ",\"\r\n")) {
        text_add(&t->body, "%s", value);
        return;
    }
    text_add(&t->body, "\"");
    for (const char *c = value; *c; c++)
        text_add(&t->body, *c == '"' ? "\"\"" : "%c", *c);
    text_add(&t->body, "\"");
}

void table_value(table *t, double value, const char *name, ...)
{
    char full[64];
    va_list args;
    va_start(args, name);
    vsnprintf(full, sizeof full, name, args);
    va_end(args);
    name_cell(t, full);
    if (t->json)
        json_number(&t->body, value, DIGITS);
    else if (isfinite(value))
        text_add(&t->body, "%.*g", DIGITS, value);
}

void table_finish(table *t, text *out)
{
    end_row(t);
    if (!t->spool || t->n_rows == 0)
        add_head(t, out);
    text_add_bytes(out, t->body.bytes, t->body.size);
    if (t->json)
        text_add(out, "]}\n");
    out->failed |= t->body.failed;
}

void table_free(table *t)
{
    text_free(&t->head);
    text_free(&t->body);
}
