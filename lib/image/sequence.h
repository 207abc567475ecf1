/* SPDX-License-Identifier: MIT */
/* Clips from inside. sequence.c is the door and keeps pushed pictures; sequence_files.c
 * reads picture files (which and in what order: sequence_names.c); sequence_stream.c cuts
 * frames from bytes (sequence_source.c), with the headers of sequence_y4m.c or none. */
#ifndef MX_IMAGE_SEQUENCE_H
#define MX_IMAGE_SEQUENCE_H

#include "base/folder.h"
#include "base/scope.h"
#include "image/sequence_source.h"
#include "microexpr/image.h"

/* What tells one kind of clip from another. */
typedef struct mx_clip_kind {
    /* Frame `index` >= 0, below n_frames where that is known; MEXPR_END at the end of a
     * stream. */
    mexpr_status (*frame)(mexpr_clip *clip, int64_t index, const mexpr_image **out);
} mx_clip_kind;

/* How a stream of bytes is cut into frames. */
typedef struct mx_stream_layout {
    mexpr_format format;
    int32_t width;
    int32_t height;
    uint64_t skip;   /* bytes behind each picture: chroma and alpha */
    bool has_header; /* a FRAME line before each picture */
    uint64_t start;  /* where the first frame begins */
} mx_stream_layout;

struct mexpr_clip {
    mx_scope scope; /* its context is retained */
    const mx_clip_kind *kind;
    mexpr_colour colour;
    int32_t fps_numerator;
    int32_t fps_denominator;
    int64_t n_frames; /* -1: unknown */
    int32_t width;
    int32_t height;
    /* Files and streams: the one frame in memory. */
    mexpr_image *frame;
    int64_t frame_index; /* -1: none */
    /* Files. */
    char *folder; /* with its '/' at the end, or "" */
    mx_names names;
    /* Streams. */
    mx_clip_source *source;
    mx_stream_layout layout;
    int64_t next; /* the frame that the source stands at */
    bool broken;  /* the source stands nowhere in particular */
    /* Pushed pictures. */
    mexpr_image **images;
    size_t capacity;
};

/* Take over an empty clip and read what has to be read at once. */
mexpr_status mx_clip_open_files(mexpr_clip *clip, const char *path);
/* The source becomes the clip's. */
mexpr_status mx_clip_open_stream(
    mexpr_clip *clip, mx_clip_source *source, const mx_stream_layout *layout);
/* Reads the header of a Y4M stream, too. */
mexpr_status mx_clip_open_y4m(mexpr_clip *clip, mx_clip_source *source);
/* Whether the file begins as Y4M. */
bool mx_is_y4m(mx_clip_source *source);

/* The FRAME line; MEXPR_END at the end of the stream. */
mexpr_status mx_y4m_frame_header(mx_clip_source *source, int64_t index);

/* MEXPR_E_LIMIT for a frame number beyond max_frames. */
mexpr_status mx_clip_check_count(mx_scope *scope, int64_t n_frames);

#endif
