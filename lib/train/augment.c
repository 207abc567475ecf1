/* SPDX-License-Identifier: MIT */
#include "train/augment.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* --- drawing ----------------------------------------------------------------------- */

static double within(mx_rng *rng, double size)
{
    return size * (2 * mx_rng_uniform(rng) - 1);
}

/* As many numbers are drawn whatever is switched on, so that the one does not change the
 * other. */
void mx_augment_draw(
    const mx_augment *augment, const mx_planes *planes, mx_rng *rng, mx_change *change)
{
    const int side = planes->width < planes->height ? planes->width : planes->height;
    change->is_mirrored = mx_rng_uniform(rng) < augment->flip;
    change->angle = within(rng, augment->turn * PI / 180);
    change->zoom = 1 + within(rng, augment->zoom);
    change->shift_x = within(rng, augment->shift);
    change->shift_y = within(rng, augment->shift);
    change->gain = 1 + within(rng, augment->gain);
    change->blur = augment->blur * mx_rng_uniform(rng);
    change->noise = augment->noise;
    change->hidden_size = (int)(augment->occlusion * side * mx_rng_uniform(rng) + 0.5);
    change->hidden_x =
        (int)mx_rng_below(rng, (uint32_t)planes->width) - change->hidden_size / 2;
    change->hidden_y =
        (int)mx_rng_below(rng, (uint32_t)planes->height) - change->hidden_size / 2;
}

/* --- geometry ---------------------------------------------------------------------- */

static int limited(int k, int n)
{
    return k < 0 ? 0 : k >= n ? n - 1 : k;
}

/* Where pixels come from: (x, y) of the picture that was is inverse × (p - c - shift)
 * + c. */
typedef struct warp {
    double inverse[2][2];
    double forward[2][2]; /* of vectors */
} warp;

static warp make_warp(const mx_change *c)
{
    const double m = c->is_mirrored ? -1 : 1, z = c->zoom;
    const double cosine = cos(c->angle), sine = sin(c->angle);
    return (warp){.inverse = {{m * cosine / z, m * sine / z}, {-sine / z, cosine / z}},
        .forward = {{z * m * cosine, -z * sine}, {z * m * sine, z * cosine}}};
}

/* Planes are sampled GROUP at a time, which lie side by side for that: one step for all.
 */
enum { GROUP = 4 };
typedef float group __attribute__((vector_size(GROUP * sizeof(float))));

static group load(const float *p)
{
    group values;
    memcpy(&values, p, sizeof values);
    return values;
}

/* Where a coordinate lies: between which pixels, in floats, and how far along. */
typedef struct place {
    int low, high;
    float share;
} place;

static inline place place_of(double x, int n, int step)
{
    const int whole = (int)x, at = whole - (x < whole); /* rounded down */
    return (place){limited(at, n) * step, limited(at + 1, n) * step, (float)(x - at)};
}

static inline group sample(const float *pixels, place x, place y)
{
    const float *top = pixels + y.low, *low = pixels + y.high;
    const group a = load(top + x.low), b = load(low + x.low);
    const group upper = a + x.share * (load(top + x.high) - a);
    const group lower = b + x.share * (load(low + x.high) - b);
    return upper + y.share * (lower - upper);
}

static inline __attribute__((always_inline)) void warp_group(const mx_change *c,
    const warp *w, const mx_planes *p, const size_t n, const float *pixels, float *to)
{
    const size_t size = (size_t)p->height * (size_t)p->width;
    const double cx = (p->width - 1) / 2.0, cy = (p->height - 1) / 2.0;
    for (int y = 0; y < p->height; y++) {
        const double dy = y - cy - c->shift_y;
        const double from_x = cx + w->inverse[0][1] * dy;
        const double from_y = cy + w->inverse[1][1] * dy;
        for (int x = 0; x < p->width; x++, to++) {
            const double dx = x - cx - c->shift_x;
            const place at_x = place_of(from_x + w->inverse[0][0] * dx, p->width, GROUP);
            const place at_y =
                place_of(from_y + w->inverse[1][0] * dx, p->height, p->width * GROUP);
            const group values = sample(pixels, at_x, at_y);
            for (size_t k = 0; k < n; k++)
                to[k * size] = values[k];
        }
    }
}

static inline void weave(size_t n, size_t size, const float *from, float *to)
{
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < GROUP; k++)
            *to++ = k < n ? from[k * size + i] : 0;
}

static void warp_planes(const mx_change *c, const warp *w, const mx_planes *p,
    const float *from, float *to, float *work)
{
    const size_t size = (size_t)p->height * (size_t)p->width;
    size_t left = (size_t)p->n * (size_t)p->n_frames;
    if (left == 3) { /* most are so: known numbers make it fast */
        weave(3, size, from, work);
        warp_group(c, w, p, 3, work, to);
        return;
    }
    for (; left > 0; from += GROUP * size, to += GROUP * size) {
        const size_t n = left < GROUP ? left : GROUP;
        weave(n, size, from, work);
        warp_group(c, w, p, n, work, to);
        left -= n;
    }
}

static void turn_vectors(const warp *w, const mx_planes *p, float *u, float *v)
{
    const int n = p->height * p->width;
    const double zero = (double)p->zero;
    for (int k = 0; k < n; k++) {
        const double a = (double)u[k] - zero, b = (double)v[k] - zero;
        u[k] = (float)(zero + w->forward[0][0] * a + w->forward[0][1] * b);
        v[k] = (float)(zero + w->forward[1][0] * a + w->forward[1][1] * b);
    }
}

/* --- values ------------------------------------------------------------------------ */

static float zero_of(const mx_planes *p, int plane)
{
    return p->is_flow && plane < 2 ? p->zero : 0;
}

/* Along x (step 1) or y, the border going on outside. */
static void blur_along(const mx_planes *p, bool along_x, const float *taps, int radius,
    const float *from, float *to)
{
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            double sum = 0;
            for (int k = -radius; k <= radius; k++) {
                const int i = along_x ? x : limited(y + k, p->height);
                const int j = along_x ? limited(x + k, p->width) : x;
                const int at = along_x ? y * p->width + j : i * p->width + x;
                sum += (double)taps[k + radius] * (double)from[at];
            }
            to[y * p->width + x] = (float)sum;
        }
}

static void blur(const mx_planes *p, double sigma, float *plane, float *work)
{
    float taps[8 * MX_MAX_BLUR + 3];
    const int radius = (int)(fmin(4 * sigma, 4.0 * MX_MAX_BLUR) + 0.5);
    double sum = 0;
    for (int k = -radius; k <= radius; k++)
        sum += exp(-0.5 * k * k / (sigma * sigma));
    for (int k = -radius; k <= radius; k++)
        taps[k + radius] = (float)(exp(-0.5 * k * k / (sigma * sigma)) / sum);
    blur_along(p, true, taps, radius, plane, work);
    blur_along(p, false, taps, radius, work, plane);
}

static void change_values(
    const mx_change *c, const mx_planes *p, mx_rng *rng, float zero, float *plane)
{
    const int n = p->height * p->width;
    double power = 0;
    for (int k = 0; k < n; k++) {
        plane[k] = zero + (float)c->gain * (plane[k] - zero);
        power += pow((double)(plane[k] - zero), 2) / n;
    }
    for (int k = 0; k < n && c->noise > 0; k++)
        plane[k] += (float)(c->noise * sqrt(power) * mx_rng_normal(rng));
}

/* Flow that is hidden does not move; a picture shows its mean grey. */
static void hide(const mx_change *c, const mx_planes *p, float zero, float *plane)
{
    double sum = 0;
    const int n = p->height * p->width;
    for (int k = 0; k < n; k++)
        sum += (double)plane[k] / n;
    const float value = p->is_flow ? zero : (float)sum;
    for (int k = 0; k < n; k++) {
        const int x = k % p->width - c->hidden_x, y = k / p->width - c->hidden_y;
        if (x >= 0 && y >= 0 && x < c->hidden_size && y < c->hidden_size)
            plane[k] = value;
    }
}

size_t mx_augment_work(const mx_planes *planes)
{
    return GROUP * (size_t)planes->height * (size_t)planes->width;
}

void mx_augment_apply(const mx_change *change, const mx_planes *planes, mx_rng *rng,
    const float *from, float *to, float *work)
{
    const warp w = make_warp(change);
    const size_t size = (size_t)planes->height * (size_t)planes->width;
    const size_t plane_size = size * (size_t)planes->n_frames;
    warp_planes(change, &w, planes, from, to, work);
    for (int t = 0; planes->is_flow && t < planes->n_frames; t++)
        turn_vectors(
            &w, planes, to + (size_t)t * size, to + plane_size + (size_t)t * size);
    for (size_t k = 0; k < (size_t)planes->n * (size_t)planes->n_frames; k++) {
        const float zero = zero_of(planes, (int)(k / (size_t)planes->n_frames));
        if (change->blur > 0.05)
            blur(planes, change->blur, to + k * size, work);
        if (change->gain != 1 || change->noise > 0)
            change_values(change, planes, rng, zero, to + k * size);
        if (change->hidden_size > 0)
            hide(change, planes, zero, to + k * size);
    }
}

/* --- time -------------------------------------------------------------------------- */

static double sinc(double x)
{
    return x == 0 ? 1 : sin(PI * x) / (PI * x);
}

/* Half the width of a kernel. */
static double reach(mx_time_kernel kernel)
{
    static const double reaches[MX_N_TIME_KERNELS] = {0.5, 0.5, 1, 2, 2, 3};
    return reaches[kernel];
}

/* Keys, "Cubic convolution interpolation", 1981, with a = -1/2. */
static double cubic(double x)
{
    return x <= 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

static double kernel_at(mx_time_kernel kernel, double x)
{
    x = fabs(x);
    if (x > reach(kernel))
        return 0;
    switch (kernel) {
    case MX_TIME_TRIANGLE:
        return 1 - x;
    case MX_TIME_CUBIC:
        return cubic(x);
    case MX_TIME_LANCZOS2:
    case MX_TIME_LANCZOS3:
        return sinc(x) * sinc(x / reach(kernel));
    default:
        return 1;
    }
}

/* Row of output `k`: kernels get wider where frames become fewer, but not the nearest. */
static void fill_row(const int *kept, int n_kept, int n_in, int k, double step,
    mx_time_kernel kernel, float *row)
{
    const double at = (k + 0.5) * step - 0.5;
    const double wide = step > 1 ? step : 1;
    double sum = 0;
    memset(row, 0, (size_t)n_in * sizeof *row);
    if (kernel == MX_TIME_NEAREST) {
        row[kept[limited((int)floor(at + 0.5), n_kept)]] = 1;
        return;
    }
    const int from = (int)floor(at - wide * reach(kernel));
    const int to = (int)ceil(at + wide * reach(kernel));
    for (int i = from; i <= to; i++)
        sum += kernel_at(kernel, (i - at) / wide);
    for (int i = from; i <= to; i++)
        row[kept[limited(i, n_kept)]] +=
            (float)(kernel_at(kernel, (i - at) / wide) / sum);
}

void mx_time_jitter(
    mx_rng *rng, int n_in, int n_out, double ratio, mx_time_kernel kernel, float *weights)
{
    int kept[MX_MAX_JITTER_FRAMES];
    int n_kept = n_in;
    const int n_drop = (int)fmin(ceil(ratio * n_in), n_in - 1);
    for (int k = 0; k < n_in; k++)
        kept[k] = k;
    for (int k = 0; k < n_drop; k++) {
        const int out = (int)mx_rng_below(rng, (uint32_t)n_kept--);
        memmove(kept + out, kept + out + 1, (size_t)(n_kept - out) * sizeof *kept);
    }
    for (int k = 0; k < n_out; k++)
        fill_row(kept, n_kept, n_in, k, (double)n_kept / n_out, kernel,
            weights + (size_t)k * (size_t)n_in);
}
