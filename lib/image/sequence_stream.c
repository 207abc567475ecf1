/* SPDX-License-Identifier: MIT */
/* Clips cut from bytes: raw frames and Y4M. A file is walked once when it is opened, to
 * count its frames; later it is read forward, and from its start again to go back. */
#include "image/picture.h"
#include "image/sequence.h"

static mexpr_status frame_truncated(mexpr_clip *clip, uint64_t missing)
{
    return mx_fail(&clip->scope, MEXPR_E_TRUNCATED,
        "frame %lld of the stream lacks its last %llu bytes", (long long)clip->next,
        (unsigned long long)missing);
}

/* Into clip->frame; MEXPR_END where the stream ends before the frame. */
static mexpr_status read_picture(mexpr_clip *clip)
{
    const size_t size = clip->frame->stride * (size_t)clip->height;
    size_t n;
    const mexpr_status status =
        mx_clip_source_read(clip->source, clip->frame->data, size, &n);
    if (status != MEXPR_OK)
        return status;
    if (n == 0 && !clip->layout.has_header)
        return MEXPR_END;
    return n == size ? MEXPR_OK : frame_truncated(clip, size - n + clip->layout.skip);
}

static mexpr_status skip(mexpr_clip *clip, uint64_t size)
{
    uint64_t n;
    const mexpr_status status = mx_clip_source_skip(clip->source, size, &n);
    if (status != MEXPR_OK)
        return status;
    if (n == 0 && size > clip->layout.skip && !clip->layout.has_header)
        return MEXPR_END;
    return n == size ? MEXPR_OK : frame_truncated(clip, size - n);
}

/* Past the next frame, which is kept or not. */
static mexpr_status pass_frame(mexpr_clip *clip, bool keep)
{
    mexpr_status status = mx_clip_check_count(&clip->scope, clip->next + 1);
    if (status == MEXPR_OK && clip->layout.has_header)
        status = mx_y4m_frame_header(clip->source, clip->next);
    if (status == MEXPR_OK && keep)
        status = read_picture(clip);
    if (status == MEXPR_OK)
        status = skip(clip,
            clip->layout.skip +
                (keep ? 0 : (uint64_t)clip->frame->stride * (uint64_t)clip->height));
    if (status == MEXPR_END)
        clip->n_frames = clip->next;
    else if (status == MEXPR_OK)
        clip->next++;
    else
        clip->broken = true;
    return status;
}

static void go_to_start(mexpr_clip *clip)
{
    mx_clip_source_go(clip->source, clip->layout.start);
    clip->next = 0;
    clip->broken = false;
}

static mexpr_status stream_frame(mexpr_clip *clip, int64_t index, const mexpr_image **out)
{
    if (index < clip->next || clip->broken) {
        if (clip->source->read)
            return mx_fail(&clip->scope, MEXPR_E_STATE,
                "frame %lld cannot be had any more: %s", (long long)index,
                clip->broken ? "reading the stream failed"
                             : "a stream is read from front to back");
        go_to_start(clip);
    }
    clip->frame_index = -1;
    mexpr_status status = MEXPR_OK;
    while (status == MEXPR_OK && clip->next <= index)
        status = pass_frame(clip, clip->next == index);
    if (status != MEXPR_OK)
        return status;
    clip->frame_index = index;
    *out = clip->frame;
    return MEXPR_OK;
}

/* A frame that is cut off counts: reading it will say so. */
static mexpr_status count_frames(mexpr_clip *clip)
{
    mexpr_status status = MEXPR_OK;
    while (status == MEXPR_OK)
        status = pass_frame(clip, false);
    if (status != MEXPR_END && status != MEXPR_E_TRUNCATED && status != MEXPR_E_FORMAT)
        return status;
    clip->n_frames = clip->next + (status != MEXPR_END);
    go_to_start(clip);
    return MEXPR_OK;
}

static const mx_clip_kind stream = {stream_frame};

mexpr_status mx_clip_open_stream(
    mexpr_clip *clip, mx_clip_source *source, const mx_stream_layout *layout)
{
    clip->kind = &stream;
    clip->source = source;
    clip->layout = *layout;
    clip->width = layout->width;
    clip->height = layout->height;
    clip->n_frames = -1;
    const mexpr_status status = mx_image_new(
        &clip->scope, layout->format, layout->width, layout->height, &clip->frame);
    return status == MEXPR_OK && !source->read ? count_frames(clip) : status;
}
