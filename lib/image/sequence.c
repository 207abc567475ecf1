/* SPDX-License-Identifier: MIT */
#include "image/sequence.h"

#include <string.h>

#include "base/checked.h"
#include "image/picture.h"
#include "image/sequence_names.h"

/* --- making ------------------------------------------------------------------------ */

static mexpr_status take_options(
    mx_scope *scope, mexpr_clip *clip, const mexpr_clip_options *options)
{
    mexpr_clip_options o = MEXPR_CLIP_OPTIONS_INIT;
    const mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status != MEXPR_OK)
        return status;
    if (o.colour < MEXPR_COLOUR_KEEP || o.colour > MEXPR_COLOUR_RGB)
        return mx_fail(scope, MEXPR_E_RANGE, "colour %d is not a mexpr_colour", o.colour);
    if (o.fps_numerator < 0 || o.fps_denominator < 0)
        return mx_fail(scope, MEXPR_E_RANGE, "%d/%d frames per second is negative",
            o.fps_numerator, o.fps_denominator);
    if (o.fps_numerator == 0 && o.fps_denominator != 0)
        return mx_fail(scope, MEXPR_E_RANGE,
            "fps_denominator is set without fps_numerator; set both or none");
    clip->colour = (mexpr_colour)o.colour;
    clip->fps_numerator = o.fps_numerator;
    clip->fps_denominator = o.fps_denominator ? o.fps_denominator : 1;
    return MEXPR_OK;
}

/* The empty clip that all kinds start from. */
static mexpr_status make(
    mx_scope *scope, const mexpr_clip_options *options, mexpr_clip **out)
{
    mexpr_clip *clip = mx_calloc(scope, 1, sizeof *clip);
    if (!clip)
        return MEXPR_E_NOMEM;
    mx_scope_init(&clip->scope, mx_context_retain(scope->context));
    clip->frame_index = -1;
    const mexpr_status status = take_options(scope, clip, options);
    *out = clip;
    if (status != MEXPR_OK)
        mexpr_clip_destroy(out);
    return status;
}

/* What opening came to: on failure the clip goes, and its sentence to the context. */
static mexpr_status finish(mx_scope *scope, mexpr_status status, mexpr_clip **clip)
{
    if (status == MEXPR_OK)
        return MEXPR_OK;
    memcpy(scope->error, (*clip)->scope.error, sizeof scope->error);
    mexpr_clip_destroy(clip);
    return status;
}

/* A path as it is named counts before a pattern of the same spelling. */
static mexpr_status open_path(mexpr_clip *clip, const char *path)
{
    if (!mx_path_exists(path) || mx_path_is_folder(path))
        return mx_clip_open_files(clip, path);
    mx_clip_source *source;
    const mexpr_status status = mx_clip_source_open_file(&clip->scope, path, &source);
    if (status != MEXPR_OK)
        return status;
    if (mx_is_y4m(source))
        return mx_clip_open_y4m(clip, source);
    mx_clip_source_close(source);
    return mx_fail(&clip->scope, MEXPR_E_FORMAT,
        "'%.200s' is neither a folder nor a Y4M file; for single pictures give a pattern "
        "such as \"img%%d.jpg\" or their folder",
        path);
}

mexpr_status mexpr_clip_open(mexpr_context *context, const char *path,
    const mexpr_clip_options *options, mexpr_clip **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path || path[0] == '\0')
        return mx_fail(scope, MEXPR_E_ARG, "path is %s", path ? "empty" : "NULL");
    const mexpr_status status = make(scope, options, out);
    return status == MEXPR_OK ? finish(scope, open_path(*out, path), out) : status;
}

mexpr_status mexpr_clip_open_y4m(mexpr_context *context, mexpr_read_fn read, void *user,
    const mexpr_clip_options *options, mexpr_clip **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!read)
        return mx_fail(scope, MEXPR_E_ARG, "read is NULL");
    mexpr_status status = make(scope, options, out);
    if (status != MEXPR_OK)
        return status;
    mx_clip_source *source;
    status = mx_clip_source_open_callback(&(*out)->scope, read, user, &source);
    if (status == MEXPR_OK)
        status = mx_clip_open_y4m(*out, source);
    return finish(scope, status, out);
}

mexpr_status mexpr_clip_open_raw(mexpr_context *context, mexpr_format format,
    int32_t width, int32_t height, mexpr_read_fn read, void *user,
    const mexpr_clip_options *options, mexpr_clip **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!read)
        return mx_fail(scope, MEXPR_E_ARG, "read is NULL");
    if (mexpr_format_bytes(format) == 0)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_format", (int)format);
    mexpr_status status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = make(scope, options, out);
    if (status != MEXPR_OK)
        return status;
    const mx_stream_layout layout = {.format = format, .width = width, .height = height};
    mx_clip_source *source;
    status = mx_clip_source_open_callback(&(*out)->scope, read, user, &source);
    if (status == MEXPR_OK)
        status = mx_clip_open_stream(*out, source, &layout);
    return finish(scope, status, out);
}

/* --- pushed pictures --------------------------------------------------------------- */

static mexpr_status pushed_frame(mexpr_clip *clip, int64_t index, const mexpr_image **out)
{
    *out = clip->images[index];
    return MEXPR_OK;
}

static const mx_clip_kind pushed = {pushed_frame};

mexpr_status mexpr_clip_create(
    mexpr_context *context, const mexpr_clip_options *options, mexpr_clip **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    const mexpr_status status = make(mx_context_scope(context), options, out);
    if (status == MEXPR_OK)
        (*out)->kind = &pushed;
    return status;
}

static mexpr_status make_room(mexpr_clip *clip)
{
    const size_t n = (size_t)clip->n_frames;
    if (n < clip->capacity)
        return MEXPR_OK;
    const size_t capacity = clip->capacity ? 2 * clip->capacity : 16;
    mexpr_image **images = mx_alloc(&clip->scope, capacity, sizeof *images);
    if (!images)
        return MEXPR_E_NOMEM;
    if (n)
        memcpy(images, clip->images, n * sizeof *images);
    mx_free(clip->scope.context, clip->images);
    clip->images = images;
    clip->capacity = capacity;
    return MEXPR_OK;
}

mexpr_status mexpr_clip_push(mexpr_clip *clip, mexpr_image **image)
{
    if (!clip)
        return MEXPR_E_ARG;
    mx_scope *scope = &clip->scope;
    if (!image || !*image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    if (clip->kind != &pushed)
        return mx_fail(scope, MEXPR_E_STATE,
            "this clip has frames of its own; push to one of mexpr_clip_create()");
    if (clip->n_frames > 0 &&
        ((*image)->width != clip->width || (*image)->height != clip->height))
        return mx_fail(scope, MEXPR_E_SHAPE,
            "frame %lld is %d×%d, but those before are %d×%d", (long long)clip->n_frames,
            (int)(*image)->width, (int)(*image)->height, (int)clip->width,
            (int)clip->height);
    mexpr_status status = mx_clip_check_count(scope, clip->n_frames + 1);
    if (status == MEXPR_OK)
        status = make_room(clip);
    if (status != MEXPR_OK)
        return status;
    clip->width = (*image)->width;
    clip->height = (*image)->height;
    clip->images[clip->n_frames++] = *image;
    *image = NULL;
    return MEXPR_OK;
}

/* --- life -------------------------------------------------------------------------- */

void mexpr_clip_destroy(mexpr_clip **clip)
{
    if (!clip || !*clip)
        return;
    mexpr_clip *gone = *clip;
    mexpr_context *context = gone->scope.context;
    *clip = NULL;
    for (int64_t i = 0; gone->images && i < gone->n_frames; i++)
        mexpr_image_destroy(&gone->images[i]);
    mx_free(context, gone->images);
    mx_clip_source_close(gone->source);
    mx_names_free(context, &gone->names);
    mx_free(context, gone->folder);
    mexpr_image_destroy(&gone->frame);
    mx_free(context, gone);
    mx_context_release(context);
}

const char *mexpr_clip_last_error(const mexpr_clip *clip)
{
    return clip ? clip->scope.error : "";
}

/* --- frames ------------------------------------------------------------------------ */

mexpr_status mx_clip_check_count(mx_scope *scope, int64_t n_frames)
{
    const uint64_t most = mx_context_limits(scope->context)->frames;
    if ((uint64_t)n_frames > most)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the clip has more frames than the limit max_frames of %llu; raise it in the "
            "context options",
            (unsigned long long)most);
    return MEXPR_OK;
}

mexpr_status mexpr_clip_frame(mexpr_clip *clip, int64_t index, const mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!clip)
        return MEXPR_E_ARG;
    if (index < 0)
        return mx_fail(&clip->scope, MEXPR_E_ARG, "frame %lld: frames count from 0",
            (long long)index);
    if (clip->n_frames >= 0 && index >= clip->n_frames)
        return MEXPR_END;
    if (clip->frame && index == clip->frame_index) {
        *out = clip->frame;
        return MEXPR_OK;
    }
    return clip->kind->frame(clip, index, out);
}

int64_t mexpr_clip_n_frames(const mexpr_clip *clip)
{
    return clip ? clip->n_frames : 0;
}

int32_t mexpr_clip_is_stream(const mexpr_clip *clip)
{
    return clip && clip->source && clip->source->read;
}

int32_t mexpr_clip_width(const mexpr_clip *clip)
{
    return clip ? clip->width : 0;
}

int32_t mexpr_clip_height(const mexpr_clip *clip)
{
    return clip ? clip->height : 0;
}

mexpr_status mexpr_clip_fps(
    const mexpr_clip *clip, int32_t *numerator, int32_t *denominator)
{
    if (!clip)
        return MEXPR_E_ARG;
    if (numerator)
        *numerator = clip->fps_numerator;
    if (denominator)
        *denominator = clip->fps_denominator;
    return MEXPR_OK;
}

/* --- names ------------------------------------------------------------------------- */

const char *mexpr_clip_name(const mexpr_clip *clip, int64_t index)
{
    if (!clip || index < 0 || (uint64_t)index >= clip->names.n)
        return NULL;
    return clip->names.items[index];
}

int64_t mexpr_clip_number(const mexpr_clip *clip, int64_t index)
{
    const char *name = mexpr_clip_name(clip, index);
    size_t begin, end;
    int64_t number;
    return name && mx_name_number(name, &begin, &end, &number) ? number : -1;
}

uint64_t mexpr_clip_missing(const mexpr_clip *clip, int64_t *first)
{
    uint64_t n = 0;
    if (first)
        *first = -1;
    for (int64_t i = 1; clip && (uint64_t)i < clip->names.n; i++) {
        const uint64_t gap =
            mx_numbers_between(clip->names.items[i - 1], clip->names.items[i]);
        if (first && n == 0 && gap > 0)
            *first = mexpr_clip_number(clip, i - 1) + 1;
        n += gap;
    }
    return n;
}
