/* SPDX-License-Identifier: MIT */
/* dataset check, convert and show: clips and their labels before anything is trained. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clip_io.h"
#include "cmd.h"
#include "json.h"
#include "table.h"

/* Where the clips come from, the same for all commands. */
typedef struct source_request {
    const char *layout;
    const char *table;
    const char *classes;
    const char *type;
    const char *prefix;
    const char *label;
    int no_errata;
} source_request;

#define SOURCE_OPTIONS(request, member)                                                  \
    {"layout", 'l', CLI_TEXT, offsetof(request, member.layout), "NAME",                  \
        "the folder is of this database: casme, casme2, samm, smic_hs,\n"                \
        "                              smic_vis, smic_nir, casme_sq, casme3, casme3_c, " \
        "mmew,\n"                                                                        \
        "                              4dme, dfme"},                                     \
        {"table", 't', CLI_TEXT, offsetof(request, member.table), "F.csv",               \
            "its labels, saved as CSV (for xlsx: python3 -m microexpr.xlsx)"},           \
        {"classes", 'c', CLI_TEXT, offsetof(request, member.classes), "C",               \
            "emotion (standard), megc2019 (three), five, megc2018 (I to V)"},            \
        {"type", 0, CLI_TEXT, offsetof(request, member.type), "T",                       \
            "only clips of this type: micro or macro"},                                  \
        {"prefix", 0, CLI_TEXT, offsetof(request, member.prefix), "P",                   \
            "put before each path, with a /"},                                           \
        {"no-errata", 0, CLI_FLAG, offsetof(request, member.no_errata), NULL,            \
            "keep known mistakes of the table"},                                         \
    {                                                                                    \
        "label", 0, CLI_TEXT, offsetof(request, member.label), "COLUMN",                 \
            "of a manifest: the column of classes (label)"                               \
    }

static int failed(mexpr_context *context, mexpr_status status)
{
    return cli_fail_status(status, mexpr_context_last_error(context), NULL);
}

/* --- reading ----------------------------------------------------------------------- */

/* The clips, and how many were left out since they are of none of the classes. */
typedef struct source {
    mexpr_manifest *manifest;
    int64_t dropped;
} source;

/* The clips of the table without any left out, less those that are here. */
static int count_dropped(const source_request *r, mexpr_context *context,
    const char *folder, mexpr_layout_options options, source *out)
{
    mexpr_manifest *all = NULL;
    options.classes = MEXPR_CLASSES_EMOTION;
    const mexpr_status status =
        mexpr_manifest_load_layout(context, r->layout, folder, r->table, &options, &all);
    out->dropped = mexpr_manifest_n_clips(all) - mexpr_manifest_n_clips(out->manifest);
    mexpr_manifest_destroy(&all);
    return status == MEXPR_OK ? CLI_OK : failed(context, status);
}

static void add_dropped(const source *s, text *out)
{
    if (s->dropped > 0)
        text_add(out, ", %" PRId64 " without a class left out", s->dropped);
}

static int load_layout(
    const source_request *r, mexpr_context *context, const char *folder, source *out)
{
    static const cli_word words[] = {
        {"emotion", MEXPR_CLASSES_EMOTION},
        {"megc2019", MEXPR_CLASSES_MEGC2019},
        {"five", MEXPR_CLASSES_FIVE},
        {"megc2018", MEXPR_CLASSES_MEGC2018},
        {0},
    };
    mexpr_layout_options options = MEXPR_LAYOUT_OPTIONS_INIT;
    int classes = MEXPR_CLASSES_EMOTION;
    const int code = cli_choose("--classes", r->classes, words, &classes);
    if (code != CLI_OK)
        return code;
    options.classes = classes;
    options.no_errata = r->no_errata;
    options.type = r->type;
    options.prefix = r->prefix;
    const mexpr_status status = mexpr_manifest_load_layout(
        context, r->layout, folder, r->table, &options, &out->manifest);
    if (status != MEXPR_OK)
        return failed(context, status);
    return classes == MEXPR_CLASSES_EMOTION
               ? CLI_OK
               : count_dropped(r, context, folder, options, out);
}

static int read_manifest(const source_request *r, mexpr_context *context,
    const char *path, mexpr_manifest **out)
{
    mexpr_manifest_options options = MEXPR_MANIFEST_OPTIONS_INIT;
    options.label = r->label;
    const mexpr_status status = mexpr_manifest_read(context, path, &options, out);
    return status == MEXPR_OK ? CLI_OK : failed(context, status);
}

/* Several manifests become one. */
static int read_all(const source_request *r, mexpr_context *context, char **paths, int n,
    mexpr_manifest **out)
{
    mexpr_manifest **all = calloc((size_t)n, sizeof *all);
    int code = all ? CLI_OK : cli_fail("out of memory");
    for (int k = 0; k < n && code == CLI_OK; k++)
        code = read_manifest(r, context, paths[k], &all[k]);
    if (code == CLI_OK) {
        const mexpr_status status =
            mexpr_manifest_join(context, (const mexpr_manifest *const *)all, n, out);
        if (status != MEXPR_OK)
            code = failed(context, status);
    }
    for (int k = 0; k < n && all; k++)
        mexpr_manifest_destroy(&all[k]);
    free(all);
    return code;
}

/* A folder in a layout, or manifests. */
static int read_source(
    const source_request *r, mexpr_context *context, char **arguments, int n, source *out)
{
    if (r->layout && n > 1)
        return cli_usage("--layout is for one folder; here are %d arguments", n);
    if (r->layout && r->label)
        return cli_usage("--label is for manifests, not for --layout");
    if (r->layout)
        return load_layout(r, context, arguments[0], out);
    if (r->table || r->classes || r->type || r->prefix || r->no_errata)
        return cli_usage("--table, --classes, --type, --prefix and --no-errata need "
                         "--layout");
    return n == 1 ? read_manifest(r, context, arguments[0], &out->manifest)
                  : read_all(r, context, arguments, n, &out->manifest);
}

/* --- check ------------------------------------------------------------------------- */

typedef struct check_request {
    source_request source;
    const char *inputs;
    const char *files;
    int csv;
    int json;
} check_request;

#define AT(member) offsetof(check_request, member)

static const cli_option check_options[] = {
    SOURCE_OPTIONS(check_request, source),
    {"inputs", 'i', CLI_TEXT, AT(inputs), "DIR",
        "where the paths of a manifest begin (its own folder)"},
    {"files", 0, CLI_TEXT, AT(files), "F",
        "key: read onset, apex and offset (standard); all: every frame;\n"
        "                              names: list folders; none"},
    {"csv", 0, CLI_FLAG, AT(csv), NULL, "a table of the findings"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {0},
};

/* The folder of inputs; `own` receives a text that is to be freed. */
static const char *inputs_of(const check_request *r, const char *argument, char **own)
{
    const char *slash = strrchr(argument, '/');
    *own = NULL;
    if (r->inputs || r->source.layout)
        return r->inputs ? r->inputs : argument;
    if (!slash)
        return NULL;
    const size_t n = slash == argument ? 1 : (size_t)(slash - argument);
    *own = calloc(n + 1, 1);
    if (*own)
        memcpy(*own, argument, n);
    return *own;
}

static void add_text(const mexpr_record *r, const mexpr_finding *f, text *out)
{
    const char *const names[] = {r->dataset, r->subject, r->clip};
    text_add(out, "line %d, ", (int)r->line);
    for (int k = 0; k < 3; k++) {
        text_add_plain(out, names[k], 0);
        text_add(out, k < 2 ? "/" : ": ");
    }
    text_add(out, "%s: ", mexpr_finding_name((mexpr_finding_kind)f->kind));
    text_add_plain(out, f->detail, 0);
    text_add(out, "\n");
}

static void add_row(const mexpr_record *r, const mexpr_finding *f, table *rows)
{
    table_row(rows);
    table_source(rows, "finding", mexpr_finding_name((mexpr_finding_kind)f->kind));
    table_source(rows, "dataset", r->dataset);
    table_source(rows, "subject", r->subject);
    table_source(rows, "clip", r->clip);
    table_value(rows, (double)r->line, "line");
    table_value(rows, f->frame < 0 ? NAN : (double)f->frame, "frame");
    table_source(rows, "detail", f->detail);
}

static void add_json(const mexpr_record *r, const mexpr_finding *f, text *out)
{
    json_open(out, '{');
    json_key(out, "finding");
    json_string(out, mexpr_finding_name((mexpr_finding_kind)f->kind));
    json_key(out, "dataset");
    json_string(out, r->dataset);
    json_key(out, "subject");
    json_string(out, r->subject);
    json_key(out, "clip");
    json_string(out, r->clip);
    json_key(out, "line");
    json_integer(out, r->line);
    json_key(out, "frame");
    if (f->frame < 0)
        json_string(out, NULL);
    else
        json_integer(out, f->frame);
    json_key(out, "detail");
    json_string(out, f->detail);
    json_close(out, '}');
}

static void json_source(const source *s, text *out)
{
    json_open(out, '{');
    json_key(out, "clips");
    json_integer(out, mexpr_manifest_n_clips(s->manifest));
    json_key(out, "dropped");
    json_integer(out, s->dropped);
    json_key(out, "manifest_sha256");
    json_string(out, mexpr_manifest_sha256(s->manifest));
}

static void begin_json(const source *s, text *out)
{
    json_source(s, out);
    json_key(out, "findings");
    json_open(out, '[');
}

static int fail_findings(const source *s, int64_t n)
{
    text dropped = {0};
    add_dropped(s, &dropped);
    const int code = cli_fail("%" PRId64 " findings in %" PRId64 " clips%s", n,
        mexpr_manifest_n_clips(s->manifest), dropped.bytes ? dropped.bytes : "");
    text_free(&dropped);
    return code;
}

static int print_findings(
    const check_request *r, const source *s, const mexpr_findings *findings)
{
    const mexpr_manifest *m = s->manifest;
    const int64_t n = mexpr_findings_count(findings);
    table rows = {0};
    text out = {0};
    if (r->json)
        begin_json(s, &out);
    for (int64_t k = 0; k < n; k++) {
        mexpr_finding f = MEXPR_FINDING_INIT;
        mexpr_record record = MEXPR_RECORD_INIT;
        mexpr_findings_get(findings, k, &f);
        mexpr_manifest_clip(m, f.clip, &record);
        if (r->csv)
            add_row(&record, &f, &rows);
        else if (r->json)
            add_json(&record, &f, &out);
        else
            add_text(&record, &f, &out);
    }
    if (r->json) {
        json_close(&out, ']');
        json_close(&out, '}');
        text_add(&out, "\n");
    } else if (r->csv && n > 0) {
        table_finish(&rows, &out);
    } else if (r->csv) {
        text_add(&out, "finding,dataset,subject,clip,line,frame,detail\n");
    } else if (n == 0) {
        text_add(&out, "%" PRId64 " clips, no findings", mexpr_manifest_n_clips(m));
        add_dropped(s, &out);
        text_add(&out, "\n");
    }
    const int code = cli_print(&out);
    table_free(&rows);
    text_free(&out);
    return code == CLI_OK && n > 0 ? fail_findings(s, n) : code;
}

static int check_clips(const check_request *r, mexpr_context *context, const source *s,
    const char *folder, int files)
{
    mexpr_check_options options = MEXPR_CHECK_OPTIONS_INIT;
    mexpr_findings *findings = NULL;
    options.files = files;
    const mexpr_status status = mexpr_manifest_check(
        context, s->manifest, folder, &options, clip_progress, NULL, &findings);
    clip_progress_end();
    const int code =
        status == MEXPR_OK ? print_findings(r, s, findings) : failed(context, status);
    mexpr_findings_destroy(&findings);
    return code;
}

static int check(const void *opaque, char **arguments, int n)
{
    static const cli_word words[] = {
        {"key", MEXPR_CHECK_KEY_FRAMES},
        {"all", MEXPR_CHECK_ALL_FRAMES},
        {"names", MEXPR_CHECK_NAMES},
        {"none", MEXPR_CHECK_NOTHING},
        {0},
    };
    const check_request *r = opaque;
    mexpr_context *context = NULL;
    source s = {0};
    int files = MEXPR_CHECK_KEY_FRAMES;
    char *own = NULL;
    const char *folder = inputs_of(r, arguments[0], &own);
    int code = cli_choose("--files", r->files, words, &files);
    if (code == CLI_OK && r->csv && r->json)
        code = cli_usage("--csv and --json exclude each other");
    if (code == CLI_OK && r->source.prefix && !r->inputs)
        code = cli_usage("--prefix needs --inputs, the folder where paths then begin");
    if (code == CLI_OK)
        code = cli_context(1, &context);
    if (code == CLI_OK)
        code = read_source(&r->source, context, arguments, n, &s);
    if (code == CLI_OK)
        code = check_clips(r, context, &s, folder, files);
    mexpr_manifest_destroy(&s.manifest);
    mexpr_context_destroy(&context);
    free(own);
    return code;
}

const cli_command cmd_dataset_check = {
    .group = "dataset",
    .name = "check",
    .arguments = "DIR|F.csv",
    .summary = "What is wrong with clips: labels, frame numbers, files",
    .about = "DIR is a database in the layout it is published in, F.csv a manifest. The\n"
             "exit code is 1 when there is a finding.",
    .options = check_options,
    .request_size = sizeof(check_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = check,
};

/* --- convert ----------------------------------------------------------------------- */

typedef struct convert_request {
    source_request source;
    const char *output;
} convert_request;

static const cli_option convert_options[] = {
    SOURCE_OPTIONS(convert_request, source),
    {"output", 'o', CLI_TEXT, offsetof(convert_request, output), "F.csv",
        "the manifest to write (needed)"},
    {0},
};

static int write_manifest(
    mexpr_context *context, const mexpr_manifest *m, const char *path)
{
    cli_outputs outputs = {0};
    int code = CLI_OK;
    const char *temporary = cli_output(&outputs, path);
    if (!temporary)
        code = CLI_FAILED;
    else if (mexpr_manifest_write(context, m, temporary) != MEXPR_OK)
        code = cli_output_failed(&outputs, context);
    return cli_outputs_finish(&outputs, code);
}

static int print_written(const source *s)
{
    text out = {0};
    text_add(&out, "%" PRId64 " clips", mexpr_manifest_n_clips(s->manifest));
    add_dropped(s, &out);
    text_add(&out, "\n");
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int convert(const void *opaque, char **arguments, int n)
{
    const convert_request *r = opaque;
    mexpr_context *context = NULL;
    source s = {0};
    if (!r->output)
        return cli_usage("no output given; name the file with --output F.csv");
    int code = cli_context(1, &context);
    if (code == CLI_OK)
        code = read_source(&r->source, context, arguments, n, &s);
    if (code == CLI_OK)
        code = write_manifest(context, s.manifest, r->output);
    if (code == CLI_OK)
        code = print_written(&s);
    mexpr_manifest_destroy(&s.manifest);
    mexpr_context_destroy(&context);
    return code;
}

const cli_command cmd_dataset_convert = {
    .group = "dataset",
    .name = "convert",
    .arguments = "DIR|F.csv...",
    .summary = "Write a published database, or several manifests, as one manifest",
    .about =
        "With --layout DIR is a database as it is published; without, the arguments\n"
        "are manifests that are joined.",
    .options = convert_options,
    .request_size = sizeof(convert_request),
    .min_arguments = 1,
    .max_arguments = 1000,
    .run = convert,
};

/* --- show -------------------------------------------------------------------------- */

typedef struct show_request {
    source_request source;
    int json;
} show_request;

static const cli_option show_options[] = {
    SOURCE_OPTIONS(show_request, source),
    {"json", 0, CLI_FLAG, offsetof(show_request, json), NULL, "print JSON"},
    {0},
};

/* What a clip may be counted by: its database, its class, its person. */
typedef enum group { BY_DATASET, BY_CLASS, BY_PERSON } group;

static int32_t n_of(const mexpr_manifest *m, group by)
{
    return by == BY_DATASET ? mexpr_manifest_n_datasets(m)
           : by == BY_CLASS ? mexpr_manifest_n_classes(m)
                            : mexpr_manifest_n_persons(m);
}

static const char *name_of(const mexpr_manifest *m, group by, int32_t index)
{
    return by == BY_DATASET ? mexpr_manifest_dataset(m, index)
           : by == BY_CLASS ? mexpr_manifest_class(m, index)
                            : mexpr_manifest_person(m, index);
}

/* Clips of each database, class or person. */
static int64_t *counts_of(const mexpr_manifest *m, group by)
{
    int64_t *counts = calloc((size_t)n_of(m, by) + 1, sizeof *counts);
    for (int64_t i = 0; counts && i < mexpr_manifest_n_clips(m); i++) {
        mexpr_record r = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(m, i, &r);
        const int32_t index = by == BY_DATASET ? r.dataset_index
                              : by == BY_CLASS ? r.label
                                               : r.person;
        if (index >= 0)
            counts[index]++;
    }
    return counts;
}

static int add_counts(const show_request *r, const mexpr_manifest *m, group by, text *out)
{
    static const char *const titles[] = {"datasets", "classes", "persons"};
    int64_t *counts = counts_of(m, by);
    if (!counts)
        return cli_fail("out of memory");
    if (r->json) {
        json_key(out, titles[by]);
        json_open(out, '{');
    } else {
        text_add(out, "%s:\n", titles[by]);
    }
    for (int32_t k = 0; k < n_of(m, by); k++) {
        if (r->json) {
            json_key(out, name_of(m, by, k));
            json_integer(out, counts[k]);
        } else {
            text_add(out, "  ");
            text_add_plain(out, name_of(m, by, k), 24);
            text_add(out, " %" PRId64 "\n", counts[k]);
        }
    }
    if (r->json)
        json_close(out, '}');
    free(counts);
    return CLI_OK;
}

static int print_manifest(const show_request *r, const source *s)
{
    const mexpr_manifest *m = s->manifest;
    text out = {0};
    if (r->json) {
        json_source(s, &out);
    } else {
        text_add(&out, "%" PRId64 " clips, sha256 %s", mexpr_manifest_n_clips(m),
            mexpr_manifest_sha256(m));
        add_dropped(s, &out);
        text_add(&out, "\n");
    }
    int code = add_counts(r, m, BY_DATASET, &out);
    if (code == CLI_OK)
        code = add_counts(r, m, BY_CLASS, &out);
    if (code == CLI_OK)
        code = add_counts(r, m, BY_PERSON, &out);
    if (r->json) {
        json_close(&out, '}');
        text_add(&out, "\n");
    }
    if (code == CLI_OK)
        code = cli_print(&out);
    text_free(&out);
    return code;
}

static int show(const void *opaque, char **arguments, int n)
{
    const show_request *r = opaque;
    mexpr_context *context = NULL;
    source s = {0};
    int code = cli_context(1, &context);
    if (code == CLI_OK)
        code = read_source(&r->source, context, arguments, n, &s);
    if (code == CLI_OK)
        code = print_manifest(r, &s);
    mexpr_manifest_destroy(&s.manifest);
    mexpr_context_destroy(&context);
    return code;
}

const cli_command cmd_dataset_show = {
    .group = "dataset",
    .name = "show",
    .arguments = "DIR|F.csv",
    .summary = "Clips of each database, class and person; the manifest's hash",
    .options = show_options,
    .request_size = sizeof(show_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = show,
};
