/* SPDX-License-Identifier: MIT */
/* What the commands on clips share: where frames come from and where they go. */
#ifndef CLI_CLIP_IO_H
#define CLI_CLIP_IO_H

#include "cli.h"

/* Opens a folder, a pattern, a Y4M file, or with "-" Y4M from standard input; fps of 0 is
 * what the clip says; an exit code. */
int clip_open(mexpr_context *context, const char *path, mexpr_colour colour, double fps,
    mexpr_clip **out);

/* Numbered files in a folder, which is made when it is not there. They appear all
 * together or not at all. Start with {0}. */
typedef struct clip_files {
    const char *folder;
    const char *ending; /* ".flo" */
    int made_folder;
    char **paths;
    cli_outputs outputs;
} clip_files;

/* Refuses a folder that holds pictures or such files; an exit code. */
int clip_files_begin(clip_files *files, const char *folder, const char *ending);
/* The temporary name of the file for that frame, NULL with the error printed. */
const char *clip_files_next(clip_files *files, int64_t frame);
/* As cli_outputs_finish(). */
int clip_files_finish(clip_files *files, int code);

/* A mexpr_progress_fn for any `user`: a counter on standard error while that is a
 * terminal. It is wiped away by clip_progress_end(). */
int32_t clip_progress(void *user, uint64_t done, uint64_t total);
void clip_progress_end(void);

/* Prints "N frames of W x H px in FOLDER", or the same as JSON; an exit code. */
int clip_report(const clip_files *files, const mexpr_clip *clip, int json);

#endif
