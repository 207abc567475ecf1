/* SPDX-License-Identifier: MIT */
/* Clips of picture files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "image/picture.h"
#include "image/sequence.h"
#include "image/sequence_names.h"

/* --- which files ------------------------------------------------------------------- */

static bool accept_picture(const void *pattern, const char *name)
{
    (void)pattern;
    return mx_name_is_picture(name);
}

static bool accept_number(const void *pattern, const char *name)
{
    return mx_matches_number(pattern, name);
}

static bool accept_glob(const void *pattern, const char *name)
{
    return mx_matches_glob(pattern, name);
}

static int compare(const void *a, const void *b)
{
    return mx_compare_natural(*(const char *const *)a, *(const char *const *)b);
}

/* `length` bytes of the path, and a '/' unless there is one or there are none. */
static mexpr_status keep_folder(mexpr_clip *clip, const char *path, size_t length)
{
    clip->folder = mx_strndup(&clip->scope, path, length + 1);
    if (!clip->folder)
        return MEXPR_E_NOMEM;
    if (length > 0 && path[length - 1] != '/')
        clip->folder[length++] = '/';
    clip->folder[length] = '\0';
    return MEXPR_OK;
}

static mexpr_status list(
    mexpr_clip *clip, const char *path, mx_name_fn accept, const char *pattern)
{
    mx_scope *scope = &clip->scope;
    const char *folder = clip->folder[0] ? clip->folder : ".";
    const mexpr_status status = mx_folder_list(scope, folder, accept, pattern,
        mx_context_limits(scope->context)->frames, &clip->names);
    if (status != MEXPR_OK)
        return status;
    if (clip->names.n == 0 && accept == accept_picture)
        return mx_fail(scope, MEXPR_E_NOT_FOUND,
            "the folder '%.200s' has no .jpg, .jpeg or .png file", path);
    if (clip->names.n == 0)
        return mx_fail(scope, MEXPR_E_NOT_FOUND, "no file matches '%.200s'", path);
    qsort(clip->names.items, clip->names.n, sizeof *clip->names.items, compare);
    clip->n_frames = (int64_t)clip->names.n;
    return MEXPR_OK;
}

static mexpr_status find(mexpr_clip *clip, const char *path)
{
    if (mx_path_is_folder(path)) {
        const mexpr_status status = keep_folder(clip, path, strlen(path));
        return status == MEXPR_OK ? list(clip, path, accept_picture, NULL) : status;
    }
    const char *slash = strrchr(path, '/');
    const char *pattern = slash ? slash + 1 : path;
    const bool number = mx_is_number_pattern(pattern);
    if (!number && !mx_is_glob(pattern))
        return mx_fail_errno(&clip->scope, "open", path, ENOENT);
    const mexpr_status status = keep_folder(clip, path, (size_t)(pattern - path));
    if (status != MEXPR_OK)
        return status;
    return list(clip, path, number ? accept_number : accept_glob, pattern);
}

/* --- reading ----------------------------------------------------------------------- */

static mexpr_status read_file(mexpr_clip *clip, const char *name, mexpr_image **out)
{
    mx_scope *scope = &clip->scope;
    const size_t in_folder = strlen(clip->folder), in_name = strlen(name);
    char *path = mx_alloc(scope, in_folder + in_name + 1, 1);
    if (!path)
        return MEXPR_E_NOMEM;
    memcpy(path, clip->folder, in_folder);
    memcpy(path + in_folder, name, in_name + 1);
    const mexpr_status status = mx_image_read(scope, path, clip->colour, out);
    mx_free(scope->context, path);
    return status;
}

static mexpr_status files_frame(mexpr_clip *clip, int64_t index, const mexpr_image **out)
{
    const char *name = clip->names.items[index];
    mexpr_image_destroy(&clip->frame);
    const mexpr_status status = read_file(clip, name, &clip->frame);
    if (status != MEXPR_OK)
        return status;
    const mexpr_image *frame = clip->frame;
    if (clip->width == 0) {
        clip->width = frame->width;
        clip->height = frame->height;
    }
    if (frame->width != clip->width || frame->height != clip->height) {
        mx_fail(&clip->scope, MEXPR_E_SHAPE,
            "'%.200s' is %d×%d, but the clip's first frame is %d×%d", name,
            (int)frame->width, (int)frame->height, (int)clip->width, (int)clip->height);
        mexpr_image_destroy(&clip->frame);
        return MEXPR_E_SHAPE;
    }
    clip->frame_index = index;
    *out = frame;
    return MEXPR_OK;
}

static const mx_clip_kind files = {files_frame};

static void log_missing(const mexpr_clip *clip, const char *path)
{
    int64_t first;
    const uint64_t n = mexpr_clip_missing(clip, &first);
    if (n > 0)
        mx_log(clip->scope.context, MEXPR_LOG_INFO,
            "'%.200s': %llu numbers are missing between the frames, first %lld", path,
            (unsigned long long)n, (long long)first);
}

mexpr_status mx_clip_open_files(mexpr_clip *clip, const char *path)
{
    clip->kind = &files;
    const mexpr_status status = find(clip, path);
    if (status != MEXPR_OK)
        return status;
    log_missing(clip, path);
    const mexpr_image *first;
    return files_frame(clip, 0, &first);
}
