/* SPDX-License-Identifier: MIT */
/* Manifests written as CSV (RFC 4180). */
#ifndef MX_DATASET_CSV_WRITER_H
#define MX_DATASET_CSV_WRITER_H

#include "base/scope.h"
#include "microexpr/dataset.h"

/* Text that grows. `status` is that of the first call that failed; later ones do
 * nothing. */
typedef struct mx_csv_writer {
    mx_scope *scope;
    mexpr_status status;
    char *text; /* not ended by a 0 */
    size_t size;
    size_t capacity;
} mx_csv_writer;

/* Begins with the header. */
void mx_csv_writer_begin(mx_scope *scope, mx_csv_writer *writer);
/* A row. `person` "": that of dataset and subject; `label` "": none. */
void mx_csv_writer_record(mx_csv_writer *writer, const mexpr_record *record,
    const char *person, const char *label);
/* All rows of a manifest. */
void mx_csv_writer_manifest(mx_csv_writer *writer, const mexpr_manifest *manifest);
void mx_csv_writer_free(mx_csv_writer *writer);

#endif
