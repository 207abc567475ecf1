/* SPDX-License-Identifier: MIT */
/* The first stage of the detector: windows of a picture at all sizes and places through a
 * cascade of boosted ferns. */
#ifndef MX_FACE_FACE_SCAN_H
#define MX_FACE_FACE_SCAN_H

#include "face/face_octaves.h"

enum { MX_FACE_WINDOW = 24, MX_FACE_PAD = 4 /* rows and columns beyond the edges */ };
#define MX_FACE_CONTEXT 1.2f /* side of the window over that of the face's box */

/* One step of the cascade. A window goes on while the sum of the leaves it has reached is
 * at least `threshold`. */
typedef struct mx_face_fern {
    uint8_t pixels[2 * MX_FERN_DEPTH][2]; /* x, y in the window; see mx_face_kernels */
    int8_t leaves[MX_FERN_LEAVES];
    int16_t threshold;
} mx_face_fern;

typedef struct mx_face_cascade {
    mx_face_fern *ferns;
    int n;
    int dense; /* the first ones, reached by every window */
} mx_face_cascade;

/* A window that got through, and its pixels. */
typedef struct mx_face_hit {
    mx_face_box box; /* score: the sum of leaves */
    const uint8_t *level;
    size_t pitch;
} mx_face_hit;

/* Pixel (x, y) of a hit's window. Columns are stored even ones first. */
static inline uint8_t mx_face_hit_pixel(const mx_face_hit *hit, int x, int y)
{
    return hit->level[(size_t)y * hit->pitch + (size_t)(x & 1) * (hit->pitch / 2) +
                      (size_t)(x >> 1)];
}

typedef void (*mx_face_hit_fn)(void *user, const mx_face_hit *hit);

/* Work memory. Start with {0}. */
typedef struct mx_face_scan {
    uint8_t *level;
    size_t level_capacity;
    int32_t *first; /* per column of the level: source column and weight */
    uint16_t *weight;
    uint16_t *blended;  /* per source column */
    int16_t *scores;    /* per window of a row */
    size_t columns;     /* what the four have room for */
    ptrdiff_t *offsets; /* of each fern's pixels in the level */
    size_t n_offsets;
} mx_face_scan;

/* The sides of the boxes that are searched for: smallest * step^k up to `largest`;
 * step > 1. */
typedef struct mx_face_sizes {
    float smallest, largest, step;
} mx_face_sizes;

/* Calls `fn` for every window that gets through, smaller sizes first, then by row and
 * column. The octaves must reach mx_face_scan_factor(). */
mexpr_status mx_face_scan_run(mx_scope *scope, mx_face_scan *scan,
    const mx_face_kernels *kernels, const mx_face_cascade *cascade,
    const mx_face_octaves *octaves, const mx_face_sizes *sizes, mx_face_hit_fn fn,
    void *user);
void mx_face_scan_free(mexpr_context *context, mx_face_scan *scan);

/* How much the picture is reduced at most; less than 1 when there is nothing to scan. */
float mx_face_scan_factor(const mx_face_view *view, const mx_face_sizes *sizes);

#endif
