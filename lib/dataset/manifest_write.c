/* SPDX-License-Identifier: MIT */
/* Manifests out, and one of several. */
#include "base/file.h"
#include "dataset/csv_writer.h"

mexpr_status mexpr_manifest_write(
    mexpr_context *context, const mexpr_manifest *manifest, const char *path)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!manifest || !path)
        return mx_fail(scope, MEXPR_E_ARG, "manifest and path must not be NULL");
    mx_csv_writer writer;
    mx_csv_writer_begin(scope, &writer);
    mx_csv_writer_manifest(&writer, manifest);
    mexpr_status status = writer.status;
    if (status == MEXPR_OK)
        status = mx_file_write(scope, path, writer.text, writer.size);
    mx_csv_writer_free(&writer);
    return status;
}

mexpr_status mexpr_manifest_join(mexpr_context *context,
    const mexpr_manifest *const *manifests, int32_t n, mexpr_manifest **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!manifests || n < 1)
        return mx_fail(scope, MEXPR_E_ARG, "there are no manifests to join");
    for (int32_t k = 0; k < n; k++)
        if (!manifests[k])
            return mx_fail(scope, MEXPR_E_ARG, "manifest %d is NULL", k);
    mx_csv_writer writer;
    mx_csv_writer_begin(scope, &writer);
    for (int32_t k = 0; k < n; k++)
        mx_csv_writer_manifest(&writer, manifests[k]);
    mexpr_status status = writer.status;
    if (status == MEXPR_OK)
        status = mexpr_manifest_decode(context, writer.text, writer.size, NULL, out);
    mx_csv_writer_free(&writer);
    return status;
}
