/* SPDX-License-Identifier: MIT */
#include "image/draw_canvas.h"

#include <math.h>

typedef struct glyph {
    char character;
    unsigned char rows[MX_GLYPH_HEIGHT]; /* bit 4 is the leftmost pixel */
} glyph;

static const glyph glyphs[] = {
    {'0', {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}},
    {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f}},
    {'3', {0x1e, 0x01, 0x01, 0x0e, 0x01, 0x01, 0x1e}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
    {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
    {'6', {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}},
    {'7', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}},
    {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}},
    {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}},
    {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}},
    {'p', {0x00, 0x00, 0x1e, 0x11, 0x1e, 0x10, 0x10}},
    {'x', {0x00, 0x00, 0x11, 0x0a, 0x04, 0x0a, 0x11}},
};

mx_canvas mx_canvas_of(mexpr_image *rgb)
{
    return (mx_canvas){mexpr_image_pixels(rgb), mexpr_image_stride(rgb),
        mexpr_image_width(rgb), mexpr_image_height(rgb)};
}

/* Mixes `alpha` of the colour into a pixel that must be inside. */
static void blend(
    const mx_canvas *canvas, int32_t x, int32_t y, uint32_t colour, double alpha)
{
    unsigned char *pixel = canvas->pixels + (size_t)y * canvas->stride + 3 * (size_t)x;
    for (int c = 0; c < 3; c++) {
        const double to = (double)(colour >> (16 - 8 * c) & 0xff);
        pixel[c] = (unsigned char)(pixel[c] + alpha * (to - pixel[c]) + 0.5);
    }
}

static const glyph *find_glyph(char character)
{
    for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++) {
        if (glyphs[i].character == character)
            return &glyphs[i];
    }
    return NULL;
}

static void draw_square(
    const mx_canvas *canvas, int32_t x, int32_t y, int32_t side, uint32_t colour)
{
    for (int32_t i = y < 0 ? 0 : y; i < y + side && i < canvas->height; i++) {
        for (int32_t k = x < 0 ? 0 : x; k < x + side && k < canvas->width; k++)
            blend(canvas, k, i, colour, 1);
    }
}

void mx_draw_text(const mx_canvas *canvas, const char *text, int32_t x, int32_t y,
    int32_t zoom, uint32_t colour)
{
    for (; *text; text++, x += MX_GLYPH_ADVANCE * zoom) {
        const glyph *g = find_glyph(*text);
        for (int row = 0; g && row < MX_GLYPH_HEIGHT; row++) {
            for (int column = 0; column < MX_GLYPH_WIDTH; column++) {
                if (g->rows[row] >> (MX_GLYPH_WIDTH - 1 - column) & 1)
                    draw_square(canvas, x + column * zoom, y + row * zoom, zoom, colour);
            }
        }
    }
}

static int32_t clamp_to(double value, int32_t high)
{
    return value <= 0 ? 0 : value >= high ? high : (int32_t)value;
}

/* The columns that a row within `reach` of the stroke can touch: from *low to before
 * *high. Long strokes then cost their length, not their bounding box. */
static void row_span(const mx_stroke *s, double y, double reach, int32_t width,
    int32_t *low, int32_t *high)
{
    const double dy = s->y1 - s->y0;
    double t0 = 0, t1 = 1;
    if (dy != 0) {
        const double a = (y - reach - s->y0) / dy, b = (y + reach - s->y0) / dy;
        t0 = fmin(fmax(fmin(a, b), 0), 1);
        t1 = fmin(fmax(fmax(a, b), 0), 1);
    }
    const double xa = s->x0 + t0 * (s->x1 - s->x0), xb = s->x0 + t1 * (s->x1 - s->x0);
    *low = clamp_to(floor(fmin(xa, xb) - reach), width);
    *high = clamp_to(ceil(fmax(xa, xb) + reach) + 1, width);
}

static double distance(const mx_stroke *s, double x, double y)
{
    const double ex = s->x1 - s->x0, ey = s->y1 - s->y0;
    const double length2 = ex * ex + ey * ey;
    double t = 0;
    if (length2 > 0)
        t = fmin(fmax(((x - s->x0) * ex + (y - s->y0) * ey) / length2, 0), 1);
    return hypot(x - (s->x0 + t * ex), y - (s->y0 + t * ey));
}

void mx_draw_stroke(const mx_canvas *canvas, const mx_stroke *stroke)
{
    const double reach = 0.5 + stroke->thickness / 2;
    const int32_t top =
        clamp_to(floor(fmin(stroke->y0, stroke->y1) - reach), canvas->height);
    const int32_t bottom =
        clamp_to(ceil(fmax(stroke->y0, stroke->y1) + reach) + 1, canvas->height);
    for (int32_t y = top; y < bottom; y++) {
        int32_t low, high;
        row_span(stroke, y, reach, canvas->width, &low, &high);
        for (int32_t x = low; x < high; x++) {
            const double alpha = reach - distance(stroke, x, y);
            if (alpha > 0)
                blend(canvas, x, y, stroke->colour, fmin(alpha, 1));
        }
    }
}
