/* SPDX-License-Identifier: MIT */
#include "plain_tvl1.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct plane {
    int w, h;
    double *p;
} plane;

static plane new_plane(int w, int h)
{
    plane a = {w, h, calloc((size_t)w * (size_t)h, sizeof(double))};
    if (!a.p)
        abort();
    return a;
}

static int within(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static double at(const plane *a, int x, int y)
{
    return a->p[(size_t)within(y, a->h) * (size_t)a->w + (size_t)within(x, a->w)];
}

static double *ref(const plane *a, int x, int y)
{
    return &a->p[(size_t)y * (size_t)a->w + (size_t)x];
}

/* Left and top mirror without the edge pixel, right and bottom with it. */
static int mirror(int i, int n)
{
    return i < 0 ? -i : i >= n ? 2 * n - 1 - i : i;
}

static plane smoothed(const plane *a, double sigma)
{
    const int radius = (int)(5 * sigma);
    double taps[64], sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += exp(-i * i / (2 * sigma * sigma));
    for (int i = 0; i <= radius; i++)
        taps[i] = exp(-i * i / (2 * sigma * sigma)) / sum;
    plane across = new_plane(a->w, a->h), out = new_plane(a->w, a->h);
    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++)
            for (int i = -radius; i <= radius; i++)
                *ref(&across, x, y) += taps[abs(i)] * at(a, mirror(x + i, a->w), y);
    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++)
            for (int i = -radius; i <= radius; i++)
                *ref(&out, x, y) += taps[abs(i)] * at(&across, x, mirror(y + i, a->h));
    free(across.p);
    return out;
}

static double cubic(const double v[4], double t)
{
    return v[1] + 0.5 * t *
                      (v[2] - v[0] +
                          t * (2 * v[0] - 5 * v[1] + 4 * v[2] - v[3] +
                                  t * (3 * (v[1] - v[2]) + v[3] - v[0])));
}

static double bicubic(const plane *a, double x, double y)
{
    const int ix = (int)x, iy = (int)y;
    double rows[4];
    for (int j = 0; j < 4; j++) {
        double row[4];
        for (int i = 0; i < 4; i++)
            row[i] = at(a, ix + i - 1, iy + j - 1);
        rows[j] = cubic(row, x - ix);
    }
    return cubic(rows, y - iy);
}

/* 0 where the neighbourhood leaves the picture. */
static double warped(const plane *a, double x, double y)
{
    return x >= 1 && (int)x <= a->w - 3 && y >= 1 && (int)y <= a->h - 3 ? bicubic(a, x, y)
                                                                        : 0;
}

static plane differences(const plane *a, int dx, int dy)
{
    plane out = new_plane(a->w, a->h);
    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++)
            *ref(&out, x, y) = 0.5 * (at(a, x + dx, y + dy) - at(a, x - dx, y - dy));
    return out;
}

static plane resampled(const plane *a, int w, int h, double step_x, double step_y)
{
    plane out = new_plane(w, h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            *ref(&out, x, y) = bicubic(a, x * step_x, y * step_y);
    return out;
}

/* One component's dual variable and what it gives the flow. */
typedef struct dual {
    plane x, y;
} dual;

static double divergence(const dual *p, int x, int y)
{
    const double left = x > 0 ? *ref(&p->x, x - 1, y) : 0;
    const double up = y > 0 ? *ref(&p->y, x, y - 1) : 0;
    const double right = x + 1 < p->x.w ? *ref(&p->x, x, y) : 0;
    const double down = y + 1 < p->x.h ? *ref(&p->y, x, y) : 0;
    return right - left + down - up;
}

static void step_dual(const plane *u, dual *p, double taut)
{
    for (int y = 0; y < u->h; y++) {
        for (int x = 0; x < u->w; x++) {
            const double ux = at(u, x + 1, y) - *ref(u, x, y);
            const double uy = at(u, x, y + 1) - *ref(u, x, y);
            const double divisor = 1 + taut * hypot(ux, uy);
            *ref(&p->x, x, y) = (*ref(&p->x, x, y) + taut * ux) / divisor;
            *ref(&p->y, x, y) = (*ref(&p->y, x, y) + taut * uy) / divisor;
        }
    }
}

/* The thresholding of equation (13): the step along the gradient. */
static double threshold(double rho, double squared, double lt)
{
    if (rho < -lt * squared)
        return lt;
    if (rho > lt * squared)
        return -lt;
    return squared < 1e-10 ? 0 : -rho / squared;
}

static void one_warp(const plain_tvl1_params *params, const plane *i0, const plane *i1,
    plane *u, plane *v, dual *pu, dual *pv)
{
    const int w = i0->w, h = i0->h;
    plane dx = differences(i1, 1, 0), dy = differences(i1, 0, 1);
    plane gx = new_plane(w, h), gy = new_plane(w, h), constant = new_plane(w, h);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const double px = x + *ref(u, x, y), py = y + *ref(v, x, y);
            *ref(&gx, x, y) = warped(&dx, px, py);
            *ref(&gy, x, y) = warped(&dy, px, py);
            *ref(&constant, x, y) = warped(i1, px, py) - *ref(&gx, x, y) * *ref(u, x, y) -
                                    *ref(&gy, x, y) * *ref(v, x, y) - *ref(i0, x, y);
        }
    }
    double error = INFINITY;
    for (int n = 0; n < params->iterations && error > params->epsilon * params->epsilon;
         n++) {
        error = 0;
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                const double a = *ref(&gx, x, y), b = *ref(&gy, x, y);
                const double rho =
                    *ref(&constant, x, y) + a * *ref(u, x, y) + b * *ref(v, x, y);
                const double d =
                    threshold(rho, a * a + b * b, params->lambda * params->theta);
                const double du = d * a + params->theta * divergence(pu, x, y);
                const double dv = d * b + params->theta * divergence(pv, x, y);
                *ref(u, x, y) += du;
                *ref(v, x, y) += dv;
                error += du * du + dv * dv;
            }
        }
        error /= (double)w * h;
        step_dual(u, pu, params->tau / params->theta);
        step_dual(v, pv, params->tau / params->theta);
    }
    free(dx.p), free(dy.p), free(gx.p), free(gy.p), free(constant.p);
}

static void one_level(
    const plain_tvl1_params *params, const plane *i0, const plane *i1, plane *u, plane *v)
{
    dual pu = {new_plane(u->w, u->h), new_plane(u->w, u->h)};
    dual pv = {new_plane(u->w, u->h), new_plane(u->w, u->h)};
    for (int i = 0; i < params->warps; i++)
        one_warp(params, i0, i1, u, v, &pu, &pv);
    free(pu.x.p), free(pu.y.p), free(pv.x.p), free(pv.y.p);
}

static plane brought_to_255(const float *in, int w, int h, double low, double high)
{
    plane a = new_plane(w, h);
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        a.p[i] = 255 * ((double)in[i] - low) / (high - low);
    plane out = smoothed(&a, 0.8);
    free(a.p);
    return out;
}

/* The level's flow from that of the next coarser one. */
static plane grown(const plane *coarse, const plane *level, double zoom)
{
    plane out = resampled(coarse, level->w, level->h, (double)coarse->w / level->w,
        (double)coarse->h / level->h);
    for (size_t i = 0; i < (size_t)out.w * (size_t)out.h; i++)
        out.p[i] /= zoom;
    free(coarse->p);
    return out;
}

void plain_tvl1(const plain_tvl1_params *params, const float *first, const float *second,
    int width, int height, double *u, double *v)
{
    plane levels[2][32];
    double low = (double)first[0], high = low;
    const size_t n = (size_t)width * (size_t)height;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, fmin((double)first[i], (double)second[i]));
        high = fmax(high, fmax((double)first[i], (double)second[i]));
    }
    levels[0][0] = brought_to_255(first, width, height, low, high);
    levels[1][0] = brought_to_255(second, width, height, low, high);
    int n_levels = 1;
    const double most = 1 + log(hypot(width, height) / 16) / log(1 / params->zoom);
    for (; n_levels < params->scales && n_levels + 1 <= most; n_levels++) {
        for (int i = 0; i < 2; i++) {
            const plane *fine = &levels[i][n_levels - 1];
            const double sigma = 0.6 * sqrt(1 / (params->zoom * params->zoom) - 1);
            plane smooth = smoothed(fine, sigma);
            levels[i][n_levels] = resampled(&smooth, (int)(fine->w * params->zoom + 0.5),
                (int)(fine->h * params->zoom + 0.5), 1 / params->zoom, 1 / params->zoom);
            free(smooth.p);
        }
    }
    plane fu = new_plane(levels[0][n_levels - 1].w, levels[0][n_levels - 1].h);
    plane fv = new_plane(fu.w, fu.h);
    for (int i = n_levels - 1; i >= 0; i--) {
        if (i + 1 < n_levels) {
            fu = grown(&fu, &levels[0][i], params->zoom);
            fv = grown(&fv, &levels[0][i], params->zoom);
        }
        one_level(params, &levels[0][i], &levels[1][i], &fu, &fv);
        free(levels[0][i].p), free(levels[1][i].p);
    }
    memcpy(u, fu.p, n * sizeof *u);
    memcpy(v, fv.p, n * sizeof *v);
    free(fu.p), free(fv.p);
}
