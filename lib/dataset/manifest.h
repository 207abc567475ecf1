/* SPDX-License-Identifier: MIT */
/* What a manifest holds: manifest_rows.c fills it in, manifest.c keeps it and answers. */
#ifndef MX_DATASET_MANIFEST_H
#define MX_DATASET_MANIFEST_H

#include "dataset/csv.h"
#include "dataset/name_list.h"
#include "dataset/sha256.h"
#include "microexpr/dataset.h"

struct mexpr_manifest {
    mexpr_context *context; /* retained */
    mx_csv csv;
    char sha256[MX_SHA256_TEXT];
    mexpr_record *records;
    char *joined; /* "dataset/subject" and names of clips, one behind another */
    mx_name_list persons, datasets;
    mx_name_list subjects;     /* each "dataset/subject" */
    int32_t *subjects_persons; /* who each of them is */
    mx_name_list classes;      /* not for integer labels */
    char (*numbers)[12];       /* names of integer classes */
    int32_t n_classes;
};

/* Reads the table into a manifest that is empty but for its context. `label`: the column
 * of classes, or NULL. */
mexpr_status mx_manifest_parse(mx_scope *scope, const void *bytes, size_t size,
    const char *label, mexpr_manifest *manifest);

#endif
