/* SPDX-License-Identifier: MIT */
/* A grey picture at halved sizes, and square patches taken from it. */
#ifndef MX_FACE_FACE_OCTAVES_H
#define MX_FACE_FACE_OCTAVES_H

#include "face/face_parts.h"
#include "kernel/face_kernel.h"

enum { MX_FACE_OCTAVES = 16, MX_FACE_PATCH_SIDE = 64 /* at most */ };

/* views[0] is the caller's picture, each further one the means of 2 x 2 pixels of the one
 * before, without a last odd row or column. Start with {0}; the memory grows and is used
 * again. */
typedef struct mx_face_octaves {
    mx_face_view views[MX_FACE_OCTAVES];
    int n;
    uint8_t *memory;
    size_t capacity;
} mx_face_octaves;

/* Octaves enough to reduce by up to `factor`. */
mexpr_status mx_face_octaves_build(mx_scope *scope, mx_face_octaves *octaves,
    const mx_face_kernels *kernels, const mx_face_view *view, float factor);
void mx_face_octaves_free(mexpr_context *context, mx_face_octaves *octaves);

/* The octave in which `factor` pixels of the picture are at least 1 and less than 2, as
 * far as there is one. */
int mx_face_octave_of(const mx_face_octaves *octaves, float factor);

/* Where a patch lies in the picture: its pixel (i, j), from its centre, is at
 * (x + ax i - ay j, y + ay i + ax j), with i negated if mirrored. */
typedef struct mx_face_frame {
    float x, y;   /* centre, px */
    float ax, ay; /* one patch pixel to the right */
    bool mirror;
} mx_face_frame;

/* side x side pixels, bilinear in octave `octave`; the edge pixel goes on outside. */
void mx_face_patch(const mx_face_octaves *octaves, int octave, const mx_face_frame *frame,
    int side, uint8_t *out);

#endif
