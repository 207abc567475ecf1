/* SPDX-License-Identifier: MIT */
#include "score_sheet.h"

#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "json.h"
#include "table.h"

void sheet_add(score_sheet *s, const char *of, const char *name, double value)
{
    if (s->n == s->capacity) {
        const int capacity = s->capacity ? 2 * s->capacity : 64;
        sheet_field *fields = realloc(s->fields, (size_t)capacity * sizeof *fields);
        s->failed |= !fields;
        if (!fields)
            return;
        s->fields = fields;
        s->capacity = capacity;
    }
    s->fields[s->n++] = (sheet_field){of, name, value};
}

void sheet_free(score_sheet *s)
{
    free(s->fields);
    *s = (score_sheet){0};
}

/* --- lines ------------------------------------------------------------------------- */

static void print_confusion(const score_sheet *s, text *out)
{
    const int32_t n = s->n_classes;
    text_add(out, "confusion (rows: truth)\n");
    for (int32_t i = 0; i < n; i++) {
        for (int32_t k = 0; k < n; k++)
            text_add(out, " %8lld", (long long)s->confusion[i * n + k]);
        text_add(out, "\n");
    }
}

static void print_lines(const score_sheet *s, text *out)
{
    for (int k = 0; k < s->n; k++) {
        const sheet_field *f = &s->fields[k];
        text_add(out, "%-18s ", f->name);
        if (isnan(f->value))
            text_add(out, "%10s", "-");
        else
            text_add(out, "%10.6g", f->value);
        text_add(out, "%s", f->of ? "  " : "");
        text_add_plain(out, f->of ? f->of : "", 0);
        text_add(out, "\n");
    }
    if (s->confusion)
        print_confusion(s, out);
}

/* --- JSON and CSV ------------------------------------------------------------------ */

static void json_confusion(const score_sheet *s, text *out)
{
    json_key(out, "confusion");
    json_open(out, '[');
    for (int32_t i = 0; i < s->n_classes; i++) {
        json_open(out, '[');
        for (int32_t k = 0; k < s->n_classes; k++)
            json_integer(out, s->confusion[i * s->n_classes + k]);
        json_close(out, ']');
    }
    json_close(out, ']');
}

static void print_json(const score_sheet *s, text *out)
{
    const char *of = NULL;
    json_open(out, '{');
    for (int k = 0; k < s->n; k++) {
        const sheet_field *f = &s->fields[k];
        if (f->of != of) {
            if (of)
                json_close(out, '}');
            else {
                json_key(out, s->parts);
                json_open(out, '{');
            }
            json_key(out, f->of);
            json_open(out, '{');
            of = f->of;
        }
        json_key(out, f->name);
        json_number(out, f->value, 9);
    }
    for (int brackets = of ? 2 : 0; brackets > 0; brackets--)
        json_close(out, '}');
    if (s->confusion)
        json_confusion(s, out);
    json_close(out, '}');
    text_add(out, "\n");
}

static void print_csv(const score_sheet *s, text *out)
{
    table t = {.json = 0};
    for (int k = 0; k < s->n; k++) {
        table_row(&t);
        table_source(&t, "measure", s->fields[k].name);
        table_source(&t, "of", s->fields[k].of ? s->fields[k].of : "");
        table_value(&t, s->fields[k].value, "value");
    }
    table_finish(&t, out);
    table_free(&t);
}

int sheet_print(const score_sheet *s, int json, int csv)
{
    text out = {0};
    if (json)
        print_json(s, &out);
    else if (csv)
        print_csv(s, &out);
    else
        print_lines(s, &out);
    out.failed |= s->failed;
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}
