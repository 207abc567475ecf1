/* SPDX-License-Identifier: MIT */
/* What is wrong with clips: their records; manifest_files.c looks at their files. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/manifest_check.h"
#include "dataset/published.h"

enum { FIRST_CAPACITY = 64 };

/* --- findings ---------------------------------------------------------------------- */

static mexpr_status grow(mx_scope *scope, mexpr_findings *f)
{
    if (f->n < f->capacity)
        return MEXPR_OK;
    const size_t capacity = f->capacity ? 2 * f->capacity : FIRST_CAPACITY;
    mx_finding_entry *entries = mx_alloc(scope, capacity, sizeof *entries);
    if (!entries)
        return MEXPR_E_NOMEM;
    if (f->n)
        memcpy(entries, f->entries, f->n * sizeof *entries);
    mx_free(f->context, f->entries);
    f->entries = entries;
    f->capacity = capacity;
    return MEXPR_OK;
}

/* A character that was cut in two goes. */
static void end_whole(char *text)
{
    size_t k = strlen(text);
    while (k > 0 && ((uint8_t)text[k - 1] & 0xc0) == 0x80)
        k--;
    if (k > 0 && (uint8_t)text[k - 1] >= 0x80)
        text[k - 1] = 0;
}

mexpr_status mx_check_add(
    mx_checker *c, mexpr_finding_kind kind, int64_t frame, const char *format, ...)
{
    const mexpr_status status = grow(c->scope, c->findings);
    if (status != MEXPR_OK)
        return status;
    mx_finding_entry *e = &c->findings->entries[c->findings->n++];
    *e = (mx_finding_entry){(int32_t)kind, c->clip, frame, ""};
    va_list args;
    va_start(args, format);
    if (vsnprintf(e->detail, sizeof e->detail, format, args) >= MX_FINDING_DETAIL)
        end_whole(e->detail);
    va_end(args);
    return MEXPR_OK;
}

/* --- records ----------------------------------------------------------------------- */

static mexpr_status check_order(mx_checker *c)
{
    const mexpr_record *r = c->record;
    const bool both = r->onset >= 0 && r->offset >= 0;
    if (both && r->offset < r->onset)
        return mx_check_add(c, MEXPR_FINDING_OFFSET_BEFORE_ONSET, r->offset,
            "the offset %" PRId64 " is before the onset %" PRId64, r->offset, r->onset);
    if (r->apex < 0)
        return MEXPR_OK;
    if (r->apex == r->onset)
        return mx_check_add(c, MEXPR_FINDING_ONSET_IS_APEX, r->apex,
            "onset and apex are frame %" PRId64 ": there is no motion between them",
            r->apex);
    if ((r->onset >= 0 && r->apex < r->onset) || (r->offset >= 0 && r->apex > r->offset))
        return mx_check_add(c, MEXPR_FINDING_APEX_OUTSIDE, r->apex,
            "the apex %" PRId64 " is not between onset %" PRId64 " and offset %" PRId64,
            r->apex, r->onset, r->offset);
    return MEXPR_OK;
}

static mexpr_status check_presence(mx_checker *c)
{
    const mexpr_record *r = c->record;
    mexpr_status status = MEXPR_OK;
    if (r->onset < 0)
        status =
            mx_check_add(c, MEXPR_FINDING_ONSET_MISSING, -1, "the onset is not known");
    if (r->apex < 0 && status == MEXPR_OK)
        status = mx_check_add(c, MEXPR_FINDING_APEX_MISSING, -1, "the apex is not known");
    if (r->offset < 0 && status == MEXPR_OK)
        status =
            mx_check_add(c, MEXPR_FINDING_OFFSET_MISSING, -1, "the offset is not known");
    if (!(r->fps > 0) && status == MEXPR_OK)
        status = mx_check_add(c, MEXPR_FINDING_FPS_MISSING, -1,
            "the number of frames per second is not known");
    return status;
}

static mexpr_status check_label(mx_checker *c)
{
    const mexpr_record *r = c->record;
    const mx_layout *layout = mx_layout_find(r->dataset);
    if (layout && *r->emotion && !mx_layout_knows(layout, r->emotion))
        return mx_check_add(c, MEXPR_FINDING_LABEL_UNKNOWN, -1,
            "'%.60s' is no emotion of %s", r->emotion, layout->title);
    if (r->label < 0 && mexpr_manifest_n_classes(c->manifest) > 0)
        return mx_check_add(c, MEXPR_FINDING_LABEL_UNKNOWN, -1, "the clip has no label");
    return MEXPR_OK;
}

static mexpr_status check_units(mx_checker *c)
{
    mexpr_context *context = c->scope->context;
    size_t n;
    if (mexpr_action_units_parse(context, c->record->action_units, NULL, 0, &n) ==
        MEXPR_OK)
        return MEXPR_OK;
    return mx_check_add(c, MEXPR_FINDING_AU_UNREADABLE, -1, "%s", c->scope->error);
}

static int compare_frames(const mexpr_record *a, const mexpr_record *b)
{
    int order = strcmp(a->dataset, b->dataset);
    if (order == 0)
        order = strcmp(a->path, b->path);
    if (order == 0 && !*a->path)
        order = strcmp(a->subject, b->subject);
    if (order == 0 && !*a->path)
        order = strcmp(a->clip, b->clip);
    if (order == 0)
        order = (a->onset > b->onset) - (a->onset < b->onset);
    return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static int compare_records(const void *x, const void *y)
{
    const mexpr_record *a = *(const mexpr_record *const *)x;
    const mexpr_record *b = *(const mexpr_record *const *)y;
    const int order = compare_frames(a, b);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static mexpr_status check_duplicate(mx_checker *c)
{
    const mexpr_record *r = c->record;
    const mexpr_record **found = bsearch(&r, c->order,
        (size_t)mexpr_manifest_n_clips(c->manifest), sizeof *c->order, compare_records);
    if (!found || found == c->order || compare_frames(found[-1], r) != 0)
        return MEXPR_OK;
    return mx_check_add(c, MEXPR_FINDING_CLIP_DUPLICATE, -1,
        "the same frames as in line %d", found[-1]->line);
}

static mexpr_status check_record(mx_checker *c)
{
    mexpr_status status = c->numbered ? check_presence(c) : MEXPR_OK;
    if (status == MEXPR_OK)
        status = check_order(c);
    if (status == MEXPR_OK)
        status = check_label(c);
    if (status == MEXPR_OK)
        status = check_units(c);
    return status == MEXPR_OK ? check_duplicate(c) : status;
}

/* --- the door ---------------------------------------------------------------------- */

static mexpr_status prepare(mx_checker *c)
{
    const int64_t n = mexpr_manifest_n_clips(c->manifest);
    c->findings = mx_calloc(c->scope, 1, sizeof *c->findings);
    if (!c->findings)
        return MEXPR_E_NOMEM;
    c->findings->context = mx_context_retain(c->scope->context);
    c->records = mx_alloc(c->scope, (size_t)n, sizeof *c->records);
    c->order = mx_alloc(c->scope, (size_t)n, sizeof *c->order);
    if (!c->records || !c->order)
        return MEXPR_E_NOMEM;
    for (int64_t i = 0; i < n; i++) {
        c->records[i].struct_size = sizeof c->records[i];
        mexpr_manifest_clip(c->manifest, i, &c->records[i]);
        c->order[i] = &c->records[i];
        const mexpr_record *r = &c->records[i];
        c->numbered |= r->onset >= 0 || r->apex >= 0 || r->offset >= 0;
    }
    qsort(c->order, (size_t)n, sizeof *c->order, compare_records);
    return MEXPR_OK;
}

static mexpr_status check_clips(mx_checker *c, mexpr_progress_fn progress, void *user)
{
    const int64_t n = mexpr_manifest_n_clips(c->manifest);
    mexpr_status status = prepare(c);
    for (c->clip = 0; c->clip < n && status == MEXPR_OK; c->clip++) {
        c->record = &c->records[c->clip];
        status = check_record(c);
        if (status == MEXPR_OK)
            status = mx_check_files(c);
        if (status == MEXPR_OK && progress &&
            progress(user, (uint64_t)c->clip + 1, (uint64_t)n))
            status = mx_fail(c->scope, MEXPR_E_CANCELLED,
                "the progress callback asked to stop the check");
    }
    return status;
}

mexpr_status mexpr_manifest_check(mexpr_context *context, const mexpr_manifest *manifest,
    const char *folder, const mexpr_check_options *options, mexpr_progress_fn progress,
    void *user, mexpr_findings **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_checker c = {.scope = mx_context_scope(context), .manifest = manifest};
    mexpr_check_options o = MEXPR_CHECK_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(c.scope, options, sizeof o, &o, sizeof o);
    if (status != MEXPR_OK)
        return status;
    if (!manifest)
        return mx_fail(c.scope, MEXPR_E_ARG, "manifest must not be NULL");
    if (o.files < MEXPR_CHECK_KEY_FRAMES || o.files > MEXPR_CHECK_NOTHING)
        return mx_fail(
            c.scope, MEXPR_E_RANGE, "there is no way %d to check files", o.files);
    c.folder = folder;
    c.files = o.files;
    status = check_clips(&c, progress, user);
    mx_free(context, c.records);
    mx_free(context, (void *)c.order);
    if (status != MEXPR_OK)
        mexpr_findings_destroy(&c.findings);
    *out = c.findings;
    return status;
}

int64_t mexpr_findings_count(const mexpr_findings *findings)
{
    return findings ? (int64_t)findings->n : 0;
}

mexpr_status mexpr_findings_get(
    const mexpr_findings *findings, int64_t index, mexpr_finding *finding)
{
    if (!findings || !finding || index < 0 || (uint64_t)index >= findings->n)
        return MEXPR_E_ARG;
    const size_t size = finding->struct_size;
    if (size < sizeof *finding || size > 4096)
        return MEXPR_E_ABI;
    const mx_finding_entry *e = &findings->entries[index];
    *finding = (mexpr_finding){size, e->kind, e->clip, e->frame, e->detail};
    return MEXPR_OK;
}

void mexpr_findings_destroy(mexpr_findings **findings)
{
    if (!findings || !*findings)
        return;
    mexpr_findings *f = *findings;
    mexpr_context *context = f->context;
    *findings = NULL;
    mx_free(context, f->entries);
    mx_free(context, f);
    mx_context_release(context);
}

const char *mexpr_finding_name(mexpr_finding_kind kind)
{
    static const char *const names[] = {"onset_missing", "apex_missing", "offset_missing",
        "onset_is_apex", "apex_outside", "offset_before_onset", "fps_missing",
        "label_unknown", "au_unreadable", "clip_duplicate", "path_outside", "clip_absent",
        "clip_empty", "frame_gap", "frame_absent", "frame_unreadable"};
    const size_t n = sizeof names / sizeof names[0];
    return (unsigned)kind < n ? names[kind] : NULL;
}
