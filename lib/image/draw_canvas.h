/* SPDX-License-Identifier: MIT */
/* Strokes and small letters on an RGB8 picture. */
#ifndef MX_IMAGE_DRAW_CANVAS_H
#define MX_IMAGE_DRAW_CANVAS_H

#include "microexpr/image.h"

enum { MX_GLYPH_WIDTH = 5, MX_GLYPH_HEIGHT = 7, MX_GLYPH_ADVANCE = 6 };

typedef struct mx_canvas {
    unsigned char *pixels;
    size_t stride;
    int32_t width, height;
} mx_canvas;

mx_canvas mx_canvas_of(mexpr_image *rgb);

/* Writes digits, '.', 'p', 'x' and blanks; each glyph pixel is a zoom × zoom square.
 * Other characters are blanks. Outside the canvas nothing is drawn. */
void mx_draw_text(const mx_canvas *canvas, const char *text, int32_t x, int32_t y,
    int32_t zoom, uint32_t colour);

/* A straight stroke with round ends and soft edges: a pixel takes the colour as far as
 * ½ + thickness / 2 - (distance of its centre) is between 0 and 1. */
typedef struct mx_stroke {
    double x0, y0, x1, y1;
    double thickness;
    uint32_t colour; /* 0xRRGGBB */
} mx_stroke;

void mx_draw_stroke(const mx_canvas *canvas, const mx_stroke *stroke);

#endif
