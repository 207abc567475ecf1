/* SPDX-License-Identifier: MIT */
#include "dataset/manifest.h"

#include "base/file.h"
#include "dataset/published.h"

/* --- life -------------------------------------------------------------------------- */

static mexpr_status decode(mx_scope *scope, const void *bytes, size_t size,
    const mexpr_manifest_options *options, mexpr_manifest **out)
{
    mexpr_manifest_options o = MEXPR_MANIFEST_OPTIONS_INIT;
    const mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status != MEXPR_OK)
        return status;
    mexpr_manifest *m = mx_calloc(scope, 1, sizeof *m);
    if (!m)
        return MEXPR_E_NOMEM;
    m->context = mx_context_retain(scope->context);
    const mexpr_status parsed = mx_manifest_parse(scope, bytes, size, o.label, m);
    if (parsed != MEXPR_OK)
        mexpr_manifest_destroy(&m);
    *out = m;
    return parsed;
}

mexpr_status mexpr_manifest_decode(mexpr_context *context, const void *bytes, size_t size,
    const mexpr_manifest_options *options, mexpr_manifest **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!bytes)
        return mx_fail(scope, MEXPR_E_ARG, "bytes must not be NULL");
    if (size > mx_context_limits(context)->file_bytes)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "%zu bytes are more than max_file_bytes; raise it in the context options",
            size);
    return decode(scope, bytes, size, options, out);
}

mexpr_status mexpr_manifest_read(mexpr_context *context, const char *path,
    const mexpr_manifest_options *options, mexpr_manifest **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "path must not be NULL");
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    status = decode(scope, bytes, size, options, out);
    mx_free(context, bytes);
    return status == MEXPR_OK ? status : mx_fail_prefix(scope, status, path);
}

void mx_manifest_set_lines(mexpr_manifest *manifest, const int32_t *lines)
{
    for (int64_t i = 0; i < manifest->csv.n_rows; i++)
        manifest->records[i].line = lines[i];
}

void mexpr_manifest_destroy(mexpr_manifest **manifest)
{
    if (!manifest || !*manifest)
        return;
    mexpr_manifest *m = *manifest;
    mexpr_context *context = m->context;
    *manifest = NULL;
    mx_csv_free(context, &m->csv);
    mx_name_list_free(context, &m->persons);
    mx_name_list_free(context, &m->subjects);
    mx_free(context, m->subjects_persons);
    mx_name_list_free(context, &m->datasets);
    mx_name_list_free(context, &m->classes);
    mx_free(context, m->numbers);
    mx_free(context, m->records);
    mx_free(context, m->joined);
    mx_free(context, m);
    mx_context_release(context);
}

/* --- asking ------------------------------------------------------------------------ */

int64_t mexpr_manifest_n_clips(const mexpr_manifest *manifest)
{
    return manifest ? manifest->csv.n_rows : 0;
}

mexpr_status mexpr_manifest_clip(
    const mexpr_manifest *manifest, int64_t index, mexpr_record *record)
{
    if (!manifest || !record || index < 0 || index >= manifest->csv.n_rows)
        return MEXPR_E_ARG;
    const size_t size = record->struct_size;
    if (size < sizeof *record || size > 4096)
        return MEXPR_E_ABI;
    *record = manifest->records[index];
    record->struct_size = size;
    return MEXPR_OK;
}

static const char *name_at(const mx_name_list *list, int32_t index)
{
    return index >= 0 && index < list->n ? list->names[index] : NULL;
}

int32_t mexpr_manifest_n_persons(const mexpr_manifest *manifest)
{
    return manifest ? manifest->persons.n : 0;
}

const char *mexpr_manifest_person(const mexpr_manifest *manifest, int32_t index)
{
    return manifest ? name_at(&manifest->persons, index) : NULL;
}

int32_t mexpr_manifest_n_datasets(const mexpr_manifest *manifest)
{
    return manifest ? manifest->datasets.n : 0;
}

const char *mexpr_manifest_dataset(const mexpr_manifest *manifest, int32_t index)
{
    return manifest ? name_at(&manifest->datasets, index) : NULL;
}

int32_t mexpr_manifest_n_classes(const mexpr_manifest *manifest)
{
    return manifest ? manifest->n_classes : 0;
}

const char *mexpr_manifest_class(const mexpr_manifest *manifest, int32_t index)
{
    if (!manifest || index < 0 || index >= manifest->n_classes)
        return NULL;
    return manifest->numbers ? manifest->numbers[index] : manifest->classes.names[index];
}

const char *mexpr_manifest_sha256(const mexpr_manifest *manifest)
{
    return manifest ? manifest->sha256 : "";
}
