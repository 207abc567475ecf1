/* SPDX-License-Identifier: MIT */
#include "dataset/clip_path.h"

#include <stdio.h>
#include <string.h>

/* Whether the path stays below the folder it begins in. */
static bool stays_inside(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return false;
    }
    return path[0] && path[0] != '/';
}

mexpr_status mx_clip_path(
    mx_scope *scope, const char *folder, const mexpr_record *record, char *path)
{
    if (!stays_inside(record->path))
        return mx_fail(scope, MEXPR_E_ARG,
            "line %d of the manifest: '%.200s' is not a path below the folder of inputs",
            record->line, record->path);
    const int n = snprintf(path, MX_CLIP_PATH, "%s%s%s", folder ? folder : "",
        folder ? "/" : "", record->path);
    if (n >= MX_CLIP_PATH)
        return mx_fail(scope, MEXPR_E_ARG,
            "line %d of the manifest: the path is too long", record->line);
    return MEXPR_OK;
}
