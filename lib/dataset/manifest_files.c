/* SPDX-License-Identifier: MIT */
/* What is wrong with the files of a clip. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "dataset/clip_path.h"
#include "dataset/manifest_check.h"
#include "image/sequence_names.h"
#include "microexpr/image.h"

enum { N_KEYS = 3 };

/* A file and the number in its name, -1: none. */
typedef struct numbered {
    int64_t number;
    const char *name;
} numbered;

/* What a file's failure means for the check: a finding, unless it is none of the file's.
 */
static bool is_of_the_file(mexpr_status status)
{
    return status != MEXPR_OK && status != MEXPR_E_NOMEM && status != MEXPR_E_THREAD &&
           status != MEXPR_E_INTERNAL;
}

static mexpr_status check_picture(mx_checker *c, const char *path, int64_t frame)
{
    mexpr_image *image = NULL;
    const mexpr_status status =
        mexpr_image_read(c->scope->context, path, MEXPR_COLOUR_KEEP, &image);
    mexpr_image_destroy(&image);
    if (!is_of_the_file(status))
        return status;
    return mx_check_add(c, MEXPR_FINDING_FRAME_UNREADABLE, frame, "%s", c->scope->error);
}

static mexpr_status check_frame_file(
    mx_checker *c, const char *folder, const numbered *file)
{
    char path[MX_CLIP_PATH];
    if (snprintf(path, sizeof path, "%s/%s", folder, file->name) >= (int)sizeof path)
        return mx_check_add(c, MEXPR_FINDING_FRAME_UNREADABLE, file->number,
            "the path of '%.100s' is too long", file->name);
    return check_picture(c, path, file->number);
}

static int compare_numbered(const void *x, const void *y)
{
    const numbered *a = x, *b = y;
    return a->number != b->number ? (a->number > b->number) - (a->number < b->number)
                                  : strcmp(a->name, b->name);
}

static const numbered *find_number(const numbered *files, size_t n, int64_t number)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (files[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && files[low].number == number ? files + low : NULL;
}

static mexpr_status check_gaps(mx_checker *c, const numbered *files, size_t n)
{
    int64_t missing = 0, first = -1, last = -1;
    for (size_t k = 1; k < n; k++) {
        const int64_t gap = files[k].number - files[k - 1].number - 1;
        if (files[k - 1].number < 0 || gap <= 0)
            continue;
        if (first < 0) {
            first = files[k - 1].number + 1;
            last = files[k].number - 1;
        }
        missing += gap;
    }
    if (missing == 0)
        return MEXPR_OK;
    return mx_check_add(c, MEXPR_FINDING_FRAME_GAP, first,
        "%" PRId64 " numbers are missing, the first ones %" PRId64 " to %" PRId64,
        missing, first, last);
}

/* Onset, apex and offset: that they are there, and can be read. */
static mexpr_status check_keys(
    mx_checker *c, const char *folder, const numbered *files, size_t n)
{
    static const char *const names[N_KEYS] = {"onset", "apex", "offset"};
    const mexpr_record *r = c->record;
    const int64_t frames[N_KEYS] = {r->onset, r->apex, r->offset};
    const int64_t first = files[0].number < 0 ? 0 : files[0].number;
    const int64_t shift = r->first_frame < 0 ? 0 : first - r->first_frame;
    mexpr_status status = MEXPR_OK;
    for (int k = 0; k < N_KEYS && status == MEXPR_OK; k++) {
        if (frames[k] < 0 || frames[k] > INT64_MAX - first)
            continue;
        const numbered *file = find_number(files, n, frames[k] + shift);
        if (!file)
            status = mx_check_add(c, MEXPR_FINDING_FRAME_ABSENT, frames[k],
                "the %s has no file: none has the number %" PRId64, names[k],
                frames[k] + shift);
        else if (c->files == MEXPR_CHECK_KEY_FRAMES)
            status = check_frame_file(c, folder, file);
    }
    return status;
}

static mexpr_status check_numbered(
    mx_checker *c, const char *folder, const numbered *files, size_t n)
{
    mexpr_status status = check_gaps(c, files, n);
    if (status == MEXPR_OK)
        status = check_keys(c, folder, files, n);
    for (size_t k = 0; k < n && status == MEXPR_OK && c->files == MEXPR_CHECK_ALL_FRAMES;
         k++)
        status = check_frame_file(c, folder, &files[k]);
    return status;
}

static bool is_picture(const void *user, const char *name)
{
    (void)user;
    return mx_name_is_picture(name);
}

static mexpr_status check_names(mx_checker *c, const char *folder, const mx_names *names)
{
    if (names->n == 0)
        return mx_check_add(c, MEXPR_FINDING_CLIP_EMPTY, -1,
            "there is no picture in '%.200s'", c->record->path);
    numbered *files = mx_alloc(c->scope, names->n, sizeof *files);
    if (!files)
        return MEXPR_E_NOMEM;
    for (size_t k = 0; k < names->n; k++) {
        size_t begin, end;
        files[k].name = names->items[k];
        if (!mx_name_number(names->items[k], &begin, &end, &files[k].number))
            files[k].number = -1;
    }
    qsort(files, names->n, sizeof *files, compare_numbered);
    const mexpr_status status = check_numbered(c, folder, files, names->n);
    mx_free(c->scope->context, files);
    return status;
}

static mexpr_status check_folder(mx_checker *c, const char *path)
{
    mx_names names = {0};
    mexpr_status status = mx_folder_list(c->scope, path, is_picture, NULL,
        mx_context_limits(c->scope->context)->frames, &names);
    if (is_of_the_file(status))
        status = mx_check_add(c, MEXPR_FINDING_CLIP_EMPTY, -1, "%s", c->scope->error);
    else if (status == MEXPR_OK)
        status = check_names(c, path, &names);
    mx_names_free(c->scope->context, &names);
    return status;
}

mexpr_status mx_check_files(mx_checker *c)
{
    char path[MX_CLIP_PATH];
    const char *relative = c->record->path;
    if (c->files == MEXPR_CHECK_NOTHING)
        return MEXPR_OK;
    if (!*relative)
        return mx_check_add(c, MEXPR_FINDING_CLIP_ABSENT, -1, "the clip has no path");
    if (mx_clip_path(c->scope, c->folder, c->record, path) != MEXPR_OK)
        return mx_check_add(c, MEXPR_FINDING_PATH_OUTSIDE, -1, "%s", c->scope->error);
    if (mx_path_is_folder(path))
        return check_folder(c, path);
    if (!mx_path_exists(path))
        return mx_check_add(
            c, MEXPR_FINDING_CLIP_ABSENT, -1, "'%.200s' is not there", relative);
    return c->files == MEXPR_CHECK_NAMES ? MEXPR_OK : check_picture(c, path, -1);
}
