/* SPDX-License-Identifier: MIT */
#include "face_sampling.h"

#include <math.h>
#include <string.h>

float face_uniform(mx_rng *rng, float low, float high)
{
    return low + (high - low) * (float)mx_rng_uniform(rng);
}

face_square face_square_of(const face_picture *picture, float angle, bool mirror)
{
    const mx_face_box *box = &picture->box;
    const float cx = box->x + 0.5f * box->size, cy = box->y + 0.5f * box->size;
    const float c = cosf(angle), s = sinf(angle), sign = mirror ? -1.0f : 1.0f;
    float points[2 * MX_FACE_POINTS];
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const float x = picture->points[2 * i] - cx, y = picture->points[2 * i + 1] - cy;
        points[2 * i] = sign * (c * x + s * y);
        points[2 * i + 1] = c * y - s * x;
    }
    const mx_face_box turned = mx_face_box_around(points);
    const face_square square = {cx, cy, turned.size, angle, mirror};
    return face_square_moved(&square, (turned.x + 0.5f * turned.size) / turned.size,
        (turned.y + 0.5f * turned.size) / turned.size, 0);
}

face_square face_square_moved(const face_square *square, float dx, float dy, float ds)
{
    const float c = cosf(square->angle), s = sinf(square->angle);
    const float x = (square->mirror ? -dx : dx) * square->size, y = dy * square->size;
    face_square moved = *square;
    moved.x += c * x - s * y;
    moved.y += s * x + c * y;
    moved.size *= expf(ds);
    return moved;
}

void face_square_patch(const face_source *source, const face_square *square,
    float context, int blur, int side, uint8_t *out)
{
    const float factor = square->size * context / (float)side;
    const mx_face_frame frame = {square->x, square->y, factor * cosf(square->angle),
        factor * sinf(square->angle), square->mirror};
    int octave = mx_face_octave_of(&source->octaves, factor) + blur;
    if (octave >= source->octaves.n)
        octave = source->octaves.n - 1;
    mx_face_patch(&source->octaves, octave, &frame, side, out);
}

static uint8_t to_pixel(float value)
{
    return (uint8_t)(value > 0 ? (value < 255 ? value + 0.5f : 255) : 0);
}

/* A rectangle over the eyes, the mouth, one side, or anywhere; of one grey or of noise.
 */
static void cover_part(mx_rng *rng, uint8_t *patch, int side)
{
    const float n = (float)side;
    float x0 = face_uniform(rng, 0, 0.7f), y0 = face_uniform(rng, 0, 0.7f);
    float x1 = x0 + face_uniform(rng, 0.15f, 0.4f),
          y1 = y0 + face_uniform(rng, 0.15f, 0.4f);
    switch (mx_rng_below(rng, 4)) {
    case 0:
        x0 = 0.15f, x1 = 0.85f, y0 = face_uniform(rng, 0.3f, 0.38f), y1 = y0 + 0.16f;
        break;
    case 1:
        x0 = 0.15f, x1 = 0.85f, y0 = face_uniform(rng, 0.55f, 0.65f), y1 = 1;
        break;
    case 2:
        y0 = 0, y1 = 1, x0 = 0, x1 = face_uniform(rng, 0.2f, 0.4f);
        break;
    default:
        break;
    }
    const float grey = face_uniform(rng, 0, 255);
    const float rough = mx_rng_below(rng, 2) ? face_uniform(rng, 0, 60) : 0;
    for (int y = (int)(y0 * n); y < side && (float)y < y1 * n; y++)
        for (int x = (int)(x0 * n); x < side && (float)x < x1 * n; x++)
            patch[y * side + x] = to_pixel(grey + face_uniform(rng, -rough, rough));
}

/* The shade of a hat, a nose or a wall: less light on one side of a line, which may be
 * sharp or not. */
static void cast_shadow(mx_rng *rng, uint8_t *patch, int side)
{
    const float n = (float)side, middle = 0.5f * n;
    const float angle = face_uniform(rng, -3.1416f, 3.1416f);
    const float c = cosf(angle) / n, s = sinf(angle) / n;
    const float at = face_uniform(rng, -0.3f, 0.3f);
    const float sharp = 1 / face_uniform(rng, 0.03f, 0.3f);
    const float shade = 1 - expf(face_uniform(rng, -2.3f, -0.3f));
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const float off = c * ((float)x - middle) + s * ((float)y - middle) - at;
            const float part = fminf(fmaxf(0.5f + sharp * off, 0), 1);
            patch[y * side + x] =
                to_pixel((float)patch[y * side + x] * (1 - shade * part));
        }
}

/* Light and dark tones drawn apart, as cameras and screens do. */
static void bend_tones(mx_rng *rng, uint8_t *patch, int side)
{
    const float power = expf(face_uniform(rng, -0.9f, 0.9f));
    for (int i = 0; i < side * side; i++)
        patch[i] = to_pixel(255 * powf((float)patch[i] / 255, power));
}

/* A picture that was cut tightly about the face and has a border since: of one grey, or
 * its edge pixels again. */
static void cut_off(mx_rng *rng, uint8_t *patch, int side)
{
    const float n = (float)side;
    const int left = (int)(n * face_uniform(rng, 0, 0.28f));
    const int right = (int)(n * face_uniform(rng, 0.72f, 1)) - 1;
    const int top = (int)(n * face_uniform(rng, 0, 0.28f));
    const int bottom = (int)(n * face_uniform(rng, 0.75f, 1)) - 1;
    const bool plain = mx_rng_below(rng, 2);
    const uint8_t grey = (uint8_t)mx_rng_below(rng, 256);
    uint8_t from[MX_FACE_PATCH_SIDE * MX_FACE_PATCH_SIDE];
    memcpy(from, patch, (size_t)(side * side));
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const int in_x = x < left ? left : x > right ? right : x;
            const int in_y = y < top ? top : y > bottom ? bottom : y;
            const bool outside = in_x != x || in_y != y;
            patch[y * side + x] = outside && plain ? grey : from[in_y * side + in_x];
        }
}

void face_augment(mx_rng *rng, uint8_t *patch, int side, bool cover)
{
    float gain = 1, offset = 0, ramp_x = 0, ramp_y = 0, noise = 0;
    const float kind = face_uniform(rng, 0, 1);
    if (cover && mx_rng_below(rng, 6) == 0)
        cover_part(rng, patch, side);
    if (mx_rng_below(rng, 5) == 0)
        cast_shadow(rng, patch, side);
    if (mx_rng_below(rng, 6) == 0)
        bend_tones(rng, patch, side);
    if (mx_rng_below(rng, 8) == 0)
        cut_off(rng, patch, side);
    if (kind < 0.12f)
        gain = expf(face_uniform(rng, -3.0f, -0.5f));
    else if (kind < 0.22f)
        gain = face_uniform(rng, 1.2f, 2.5f);
    else if (kind < 0.5f) {
        gain = face_uniform(rng, 0.4f, 1.4f);
        offset = face_uniform(rng, 0, 255 * (1 - gain));
    }
    if (mx_rng_below(rng, 5) == 0) {
        ramp_x = face_uniform(rng, -0.8f, 0.8f) / (float)side;
        ramp_y = face_uniform(rng, -0.5f, 0.5f) / (float)side;
    }
    if (mx_rng_below(rng, 4) == 0)
        noise = face_uniform(rng, 0, 14);
    const float middle = 0.5f * (float)side;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const float light =
                1 + 2 * ramp_x * ((float)x - middle) + 2 * ramp_y * ((float)y - middle);
            float value = (float)patch[y * side + x] * gain * light + offset;
            if (noise > 0)
                value += noise * (face_uniform(rng, -1, 1) + face_uniform(rng, -1, 1));
            patch[y * side + x] = to_pixel(value);
        }
}

/* Bit 0 mirrors, bits 1 and 2 are quarter turns; the pixel of the original. */
static void turned_pixel(
    const mx_face_view *view, int way, float x, float y, float *ox, float *oy)
{
    const float w = (float)view->width - 1, h = (float)view->height - 1;
    switch (way >> 1 & 3) {
    case 0:
        *ox = x, *oy = y;
        break;
    case 1:
        *ox = y, *oy = h - x;
        break;
    case 2:
        *ox = w - x, *oy = h - y;
        break;
    default:
        *ox = w - y, *oy = x;
        break;
    }
    if (way & 1)
        *ox = w - *ox;
}

mx_face_view face_turn(const mx_face_view *view, int way, uint8_t *out)
{
    const bool aside = way >> 1 & 1;
    const mx_face_view turned = {out, aside ? view->height : view->width,
        aside ? view->height : view->width, aside ? view->width : view->height};
    for (uint32_t y = 0; y < turned.height; y++)
        for (uint32_t x = 0; x < turned.width; x++) {
            float ox, oy;
            turned_pixel(view, way, (float)x, (float)y, &ox, &oy);
            out[y * turned.stride + x] =
                view->pixels[(size_t)oy * view->stride + (size_t)ox];
        }
    return turned;
}

mx_face_box face_turned_box(const mx_face_view *original, int way, const mx_face_box *box)
{
    float x, y;
    const float half = 0.5f * box->size;
    turned_pixel(original, way, box->x + half, box->y + half, &x, &y);
    return (mx_face_box){x - half, y - half, box->size, box->score};
}

/* Directions follow from where the neighbour to the right and the one below come from. */
face_square face_turned_square(
    const mx_face_view *original, int way, const mx_face_box *box)
{
    float x, y, down_x, down_y;
    const float cx = box->x + 0.5f * box->size, cy = box->y + 0.5f * box->size;
    turned_pixel(original, way, cx, cy, &x, &y);
    turned_pixel(original, way, cx, cy + 1, &down_x, &down_y);
    /* "Down" of an unmirrored frame is (-sin, cos) of its angle, and mirroring keeps it.
     */
    return (face_square){x, y, box->size, atan2f(x - down_x, down_y - y), way & 1};
}
