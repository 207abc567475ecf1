/* SPDX-License-Identifier: MIT */
/* Where the files of a record are. */
#ifndef MX_DATASET_CLIP_PATH_H
#define MX_DATASET_CLIP_PATH_H

#include "base/scope.h"
#include "microexpr/dataset.h"

enum { MX_CLIP_PATH = 4096 };

/* The record's path in the folder of inputs (NULL: the working folder), written to
 * MX_CLIP_PATH bytes. MEXPR_E_ARG for one that leaves it or is too long. */
mexpr_status mx_clip_path(
    mx_scope *scope, const char *folder, const mexpr_record *record, char *path);

#endif
