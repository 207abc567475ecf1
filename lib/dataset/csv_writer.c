/* SPDX-License-Identifier: MIT */
#include "dataset/csv_writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096, LARGEST_BELOW = 1001, FPS_TEXT = 48 };

static const char header[] =
    "dataset,subject,person,clip,path,fps,first_frame,onset,apex,offset,type,emotion_raw,"
    "au_raw,label,label3,label5,objective,errata_id\n";

/* --- text -------------------------------------------------------------------------- */

static bool reserve(mx_csv_writer *w, size_t more)
{
    size_t capacity = w->capacity ? w->capacity : FIRST_CAPACITY;
    while (w->status == MEXPR_OK && capacity - w->size < more)
        capacity *= 2;
    if (w->status != MEXPR_OK || capacity == w->capacity)
        return w->status == MEXPR_OK;
    char *text = mx_alloc(w->scope, capacity, 1);
    if (!text) {
        w->status = MEXPR_E_NOMEM;
        return false;
    }
    if (w->size)
        memcpy(text, w->text, w->size);
    mx_free(w->scope->context, w->text);
    w->text = text;
    w->capacity = capacity;
    return true;
}

static void add(mx_csv_writer *w, const char *bytes, size_t size)
{
    if (!reserve(w, size))
        return;
    memcpy(w->text + w->size, bytes, size);
    w->size += size;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The reader cuts blanks off, unless they are quoted. */
static bool needs_quotes(const char *cell)
{
    const size_t n = strlen(cell);
    return n > 0 && (is_blank(cell[0]) || is_blank(cell[n - 1]) || strchr(cell, ',') ||
                        strchr(cell, '"') || strchr(cell, '\n') || strchr(cell, '\r'));
}

static void add_cell(mx_csv_writer *w, const char *cell, char end)
{
    const bool quotes = needs_quotes(cell);
    if (quotes)
        add(w, "\"", 1);
    for (const char *at = cell; *at;) {
        const char *quote = strchr(at, '"');
        const size_t n = quote ? (size_t)(quote - at) : strlen(at);
        add(w, at, n);
        at += n + (quote != NULL);
        if (quote)
            add(w, "\"\"", 2);
    }
    if (quotes)
        add(w, "\"", 1);
    add(w, &end, 1);
}

/* --- numbers ----------------------------------------------------------------------- */

static void add_frame(mx_csv_writer *w, int64_t frame)
{
    char text[24] = "NA";
    if (frame >= 0)
        snprintf(text, sizeof text, "%lld", (long long)frame);
    add_cell(w, text, ',');
}

static bool write_fraction(double fps, double below, char *text)
{
    const double above = round(fps * below);
    if (above / below != fps || above > 0x1p53)
        return false;
    if (below == 1)
        snprintf(text, FPS_TEXT, "%lld", (long long)above);
    else
        snprintf(text, FPS_TEXT, "%lld/%lld", (long long)above, (long long)below);
    return true;
}

/* The simplest fraction that is read as the same number. A text of up to 15 digits is
 * one over a power of ten. */
static void add_fps(mx_csv_writer *w, double fps)
{
    char text[FPS_TEXT] = "NA";
    bool done = !(fps > 0);
    for (int below = 1; below <= LARGEST_BELOW && !done; below++)
        done = write_fraction(fps, below, text);
    for (double below = 1e4; below <= 1e15 && !done; below *= 10)
        done = write_fraction(fps, below, text);
    if (!done) { /* as it is stored, for what the reader takes: 0.01 to 1e6 */
        int exponent;
        frexp(fps, &exponent);
        write_fraction(fps, ldexp(1, 53 - exponent), text);
    }
    add_cell(w, text, ',');
}

/* --- rows -------------------------------------------------------------------------- */

void mx_csv_writer_begin(mx_scope *scope, mx_csv_writer *writer)
{
    *writer = (mx_csv_writer){scope, MEXPR_OK, NULL, 0, 0};
    add(writer, header, sizeof header - 1);
}

void mx_csv_writer_record(mx_csv_writer *writer, const mexpr_record *record,
    const char *person, const char *label)
{
    const mexpr_record *r = record;
    const char *const before[] = {r->dataset, r->subject, person, r->clip, r->path};
    const int64_t frames[] = {r->first_frame, r->onset, r->apex, r->offset};
    const char *const behind[] = {
        r->type, r->emotion, r->action_units, label, r->label3, r->label5, r->objective};
    for (size_t k = 0; k < sizeof before / sizeof before[0]; k++)
        add_cell(writer, before[k], ',');
    add_fps(writer, r->fps);
    for (size_t k = 0; k < sizeof frames / sizeof frames[0]; k++)
        add_frame(writer, frames[k]);
    for (size_t k = 0; k < sizeof behind / sizeof behind[0]; k++)
        add_cell(writer, behind[k], ',');
    add_cell(writer, r->errata, '\n');
}

void mx_csv_writer_manifest(mx_csv_writer *writer, const mexpr_manifest *manifest)
{
    for (int64_t i = 0; i < mexpr_manifest_n_clips(manifest); i++) {
        mexpr_record r = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(manifest, i, &r);
        const char *label = mexpr_manifest_class(manifest, r.label);
        mx_csv_writer_record(
            writer, &r, mexpr_manifest_person(manifest, r.person), label ? label : "");
    }
}

void mx_csv_writer_free(mx_csv_writer *writer)
{
    mx_free(writer->scope->context, writer->text);
    writer->text = NULL;
}
