/* SPDX-License-Identifier: MIT */
/* What checks of clips share. */
#ifndef MX_DATASET_MANIFEST_CHECK_H
#define MX_DATASET_MANIFEST_CHECK_H

#include "base/scope.h"
#include "microexpr/dataset.h"

enum { MX_FINDING_DETAIL = 256 };

typedef struct mx_finding_entry {
    int32_t kind;
    int64_t clip, frame;
    char detail[MX_FINDING_DETAIL];
} mx_finding_entry;

struct mexpr_findings {
    mexpr_context *context; /* retained */
    mx_finding_entry *entries;
    size_t n, capacity;
};

typedef struct mx_checker {
    mx_scope *scope;
    const mexpr_manifest *manifest;
    const char *folder;
    int32_t files; /* mexpr_check_files */
    mexpr_findings *findings;
    const mexpr_record **order; /* the records, those of the same frames side by side */
    mexpr_record *records;
    bool numbered; /* a record has a frame number: it is not a list of single pictures */
    /* Of the clip that is looked at. */
    int64_t clip;
    const mexpr_record *record;
} mx_checker;

/* Notes a finding of the clip that is looked at. */
MX_PRINTF(4, 5)
mexpr_status mx_check_add(
    mx_checker *c, mexpr_finding_kind kind, int64_t frame, const char *format, ...);
/* Looks at its files. */
mexpr_status mx_check_files(mx_checker *c);

#endif
