/* SPDX-License-Identifier: MIT */
/* Eulerian video magnification (Wu et al. 2012), one frame at a time. */
#include <math.h>
#include <string.h>

#include "base/option.h"
#include "image/picture.h"
#include "spot/band.h"
#include "spot/spot_pyramid.h"

enum { MAX_LEVELS = 30, MIN_SIDE = 4, N_PLANES = 3 };

/* Level 0 answers most to this wavelength in px, each further one to twice as much: where
 * cos^8(w/2) (1 - cos^8 w), the response of level 1, has its peak. */
#define FIRST_WAVELENGTH 5.0

/* A level of a plane. */
typedef struct level {
    int32_t width, height;
    float gain;
    float *values;                       /* in turn: Gaussian, Laplacian, what is added */
    double *states[2 * MX_MAX_SECTIONS]; /* two per section; NULL for gain 0 */
} level;

struct mexpr_magnifier {
    mx_scope scope; /* its context is retained */
    mexpr_magnify_options o;
    mx_section sections[MX_MAX_SECTIONS];
    int n_sections;
    /* What follows begins with the first frame. */
    mexpr_image *out; /* NULL: no frame yet */
    bool ready;       /* out was not pulled yet */
    int n_planes;     /* 1: luminance; 3: Y, I, Q */
    int n_levels;     /* those filtered; levels[n_levels] is the rest */
    float *line;
    level levels[N_PLANES][MAX_LEVELS + 1];
};

/* --- options ----------------------------------------------------------------------- */

static mexpr_status fill_defaults(mx_scope *scope, mexpr_magnify_options *o)
{
    if (!(o->fps > 0 && o->fps <= 1e6))
        return mx_fail(scope, MEXPR_E_RANGE,
            "fps is %g; set the frames per second, above 0 and up to 1e6", o->fps);
    mexpr_status status = mx_option_f64(scope, "low", &o->low, 0.4, 0, 1e6);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "high", &o->high, 3, 0, 1e6);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "alpha", &o->alpha, 10, 0, 1000);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "wavelength", &o->wavelength, 16, 0, 1e6);
    if (status == MEXPR_OK && !(o->chroma >= 0 && o->chroma <= 1))
        status =
            mx_fail(scope, MEXPR_E_RANGE, "chroma is %g; it must be in 0..1", o->chroma);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "band", &o->band, MEXPR_BAND_FIRST,
            MEXPR_BAND_FIRST, MEXPR_BAND_DIFFERENCE);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "levels", &o->levels, MAX_LEVELS, 1, MAX_LEVELS);
    if (status == MEXPR_OK && !(o->low < o->high && 2 * o->high < o->fps))
        status = mx_fail(scope, MEXPR_E_RANGE,
            "the band of %g to %g Hz is not within 0 and half of %g frames per second",
            o->low, o->high, o->fps);
    return status;
}

/* --- life -------------------------------------------------------------------------- */

mexpr_status mexpr_magnifier_create(
    mexpr_context *context, const mexpr_magnify_options *options, mexpr_magnifier **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_magnify_options o = MEXPR_MAGNIFY_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status == MEXPR_OK)
        status = fill_defaults(scope, &o);
    if (status != MEXPR_OK)
        return status;
    mexpr_magnifier *magnifier = mx_calloc(scope, 1, sizeof *magnifier);
    if (!magnifier)
        return MEXPR_E_NOMEM;
    mx_scope_init(&magnifier->scope, mx_context_retain(context));
    magnifier->o = o;
    magnifier->n_sections =
        mx_band_design((mexpr_band)o.band, o.low, o.high, o.fps, magnifier->sections);
    *out = magnifier;
    return MEXPR_OK;
}

void mexpr_magnifier_reset(mexpr_magnifier *magnifier)
{
    if (!magnifier)
        return;
    mexpr_context *context = magnifier->scope.context;
    for (int p = 0; p < N_PLANES; p++) {
        for (int k = 0; k <= MAX_LEVELS; k++) {
            level *l = &magnifier->levels[p][k];
            mx_free(context, l->values);
            for (int i = 0; i < 2 * MX_MAX_SECTIONS; i++)
                mx_free(context, l->states[i]);
            *l = (level){0};
        }
    }
    mx_free(context, magnifier->line);
    magnifier->line = NULL;
    mexpr_image_destroy(&magnifier->out);
    magnifier->ready = false;
}

void mexpr_magnifier_destroy(mexpr_magnifier **magnifier)
{
    if (!magnifier || !*magnifier)
        return;
    mexpr_context *context = (*magnifier)->scope.context;
    mexpr_magnifier_reset(*magnifier);
    mx_free(context, *magnifier);
    mx_context_release(context);
    *magnifier = NULL;
}

const char *mexpr_magnifier_last_error(const mexpr_magnifier *magnifier)
{
    return magnifier ? magnifier->scope.error : "";
}

/* --- memory, laid out for the first frame ------------------------------------------ */

/* The paper's bound (1 + alpha) d < wavelength / 8, with d such that the option's
 * wavelength just holds it for the option's alpha. */
static double gain_of(const mexpr_magnify_options *o, int k)
{
    const double wavelength = ldexp(FIRST_WAVELENGTH, k);
    const double bound = wavelength * (1 + o->alpha) / o->wavelength - 1;
    return fmax(0, fmin(o->alpha, bound));
}

static mexpr_status make_level(mexpr_magnifier *m, level *l)
{
    mx_scope *scope = &m->scope;
    const size_t n = (size_t)l->width * (size_t)l->height;
    l->values = mx_alloc(scope, n, sizeof *l->values);
    if (!l->values)
        return MEXPR_E_NOMEM;
    for (int i = 0; l->gain > 0 && i < 2 * m->n_sections; i++) {
        l->states[i] = mx_calloc(scope, n, sizeof *l->states[i]);
        if (!l->states[i])
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

static int count_levels(const mexpr_magnifier *m, int32_t width, int32_t height)
{
    int n = 0;
    while (n < m->o.levels && mx_half(width) >= MIN_SIDE && mx_half(height) >= MIN_SIDE) {
        width = mx_half(width);
        height = mx_half(height);
        n++;
    }
    return n;
}

static mexpr_status make_plane(mexpr_magnifier *m, level *levels, double share)
{
    int32_t width = m->out->width, height = m->out->height;
    mexpr_status status = MEXPR_OK;
    for (int k = 0; k <= m->n_levels && status == MEXPR_OK; k++) {
        levels[k].width = width;
        levels[k].height = height;
        levels[k].gain = k < m->n_levels ? (float)(share * gain_of(&m->o, k)) : 0;
        status = make_level(m, &levels[k]);
        width = mx_half(width);
        height = mx_half(height);
    }
    return status;
}

static bool is_grey(const mexpr_image *image)
{
    return image->format == MEXPR_FORMAT_GREY8 || image->format == MEXPR_FORMAT_GREY16 ||
           image->format == MEXPR_FORMAT_GREYF32;
}

static mexpr_status begin(mexpr_magnifier *m, const mexpr_image *frame)
{
    mexpr_status status =
        mx_image_new(&m->scope, frame->format, frame->width, frame->height, &m->out);
    if (status != MEXPR_OK)
        return status;
    m->n_planes = is_grey(frame) || m->o.chroma == 0 ? 1 : N_PLANES;
    m->n_levels = count_levels(m, frame->width, frame->height);
    m->line = mx_alloc(&m->scope, (size_t)frame->width, sizeof *m->line);
    status = m->line ? MEXPR_OK : MEXPR_E_NOMEM;
    for (int p = 0; p < m->n_planes && status == MEXPR_OK; p++)
        status = make_plane(m, m->levels[p], p == 0 ? 1 : m->o.chroma);
    if (status != MEXPR_OK)
        mexpr_magnifier_reset(m);
    return status;
}

/* --- pixels in and out ------------------------------------------------------------- */

/* NTSC's YIQ, in units of the channels; the way back is for differences. */
static const float yiq[N_PLANES][3] = {
    {0.299f, 0.587f, 0.114f},
    {0.595716f, -0.274453f, -0.321263f},
    {0.211456f, -0.522591f, 0.311135f},
};
static const float rgb[3][N_PLANES] = {
    {1, 0.956296f, 0.621024f},
    {1, -0.272122f, -0.647381f},
    {1, -1.106989f, 1.704614f},
};

/* Where channel c of red, green, blue lies in a pixel. */
static int place_of(mexpr_format format, int c)
{
    return format == MEXPR_FORMAT_BGR8 ? 2 - c : c;
}

static void load_plane(const mexpr_image *frame, int p, float *out)
{
    const size_t step = mexpr_format_bytes(frame->format);
    const int red = place_of(frame->format, 0), blue = place_of(frame->format, 2);
    for (int32_t y = 0; y < frame->height; y++) {
        const uint8_t *pixel = mx_image_row(frame, y);
        for (int32_t x = 0; x < frame->width; x++, pixel += step)
            *out++ =
                yiq[p][0] * pixel[red] + yiq[p][1] * pixel[1] + yiq[p][2] * pixel[blue];
    }
}

static void load_planes(mexpr_magnifier *m, const mexpr_image *frame)
{
    if (is_grey(frame))
        mx_image_to_grey_f32(frame, m->levels[0][0].values);
    for (int p = 0; !is_grey(frame) && p < m->n_planes; p++)
        load_plane(frame, p, m->levels[p][0].values);
}

static double rounded(double value, double top)
{
    return value > 0 ? (value < top ? floor(value + 0.5) : top) : 0;
}

static void store_grey(mexpr_magnifier *m, const mexpr_image *frame)
{
    const float *add = m->levels[0][0].values;
    for (int32_t y = 0; y < frame->height; y++) {
        const uint8_t *in = mx_image_row(frame, y);
        uint8_t *out = mx_image_row_pixels(m->out, y);
        for (int32_t x = 0; x < frame->width; x++, add++) {
            if (frame->format == MEXPR_FORMAT_GREY8)
                out[x] = (uint8_t)rounded(in[x] + (double)*add, 255);
            else if (frame->format == MEXPR_FORMAT_GREY16)
                ((uint16_t *)out)[x] =
                    (uint16_t)rounded(((const uint16_t *)in)[x] + 257.0 * *add, 65535);
            else
                ((float *)out)[x] = ((const float *)in)[x] + *add;
        }
    }
}

static void store_colour(mexpr_magnifier *m, const mexpr_image *frame)
{
    const int step = (int)mexpr_format_bytes(frame->format);
    size_t i = 0;
    for (int32_t y = 0; y < frame->height; y++) {
        const uint8_t *in = mx_image_row(frame, y);
        uint8_t *out = mx_image_row_pixels(m->out, y);
        for (int32_t x = 0; x < frame->width; x++, i++, in += step, out += step) {
            for (int c = 0; c < 3; c++) {
                const int place = place_of(frame->format, c);
                float add = m->levels[0][0].values[i];
                for (int p = 1; p < m->n_planes; p++)
                    add += rgb[c][p] * m->levels[p][0].values[i];
                out[place] = (uint8_t)rounded(in[place] + (double)add, 255);
            }
            if (step == 4)
                out[3] = in[3];
        }
    }
}

/* --- filtering --------------------------------------------------------------------- */

/* Values that no eye and no rounding can see are cut to 0, or a filter that dies away
 * would end in denormal numbers and be slow. */
static double settled(double value)
{
    return fabs(value) < 1e-30 ? 0 : value;
}

/* The transposed second direct form; the states of a constant input x are -b x. */
static void filter_level(const mexpr_magnifier *m, level *l, bool first)
{
    const size_t n = (size_t)l->width * (size_t)l->height;
    if (l->gain == 0)
        memset(l->values, 0, n * sizeof *l->values);
    for (int k = 0; l->gain > 0 && k < m->n_sections; k++) {
        const mx_section s = m->sections[k];
        double *z1 = l->states[2 * k], *z2 = l->states[2 * k + 1];
        const float scale = k + 1 < m->n_sections ? 1 : l->gain;
        for (size_t i = 0; first && i < n; i++)
            z1[i] = z2[i] = -s.b * l->values[i];
        for (size_t i = 0; i < n; i++) {
            const double x = s.b * l->values[i], y = settled(x + z1[i]);
            z1[i] = z2[i] - s.a1 * y;
            z2[i] = -x - s.a2 * y;
            l->values[i] = scale * (float)y;
        }
    }
}

/* Turns the plane in level 0 into what is to be added to it. */
static void magnify_plane(mexpr_magnifier *m, level *levels, bool first)
{
    const int n = m->n_levels;
    for (int k = 0; k < n; k++) {
        level *l = &levels[k];
        mx_spot_reduce(l->values, l->width, l->height, m->line, levels[k + 1].values);
        mx_spot_expand_add(
            levels[k + 1].values, l->width, l->height, -1, m->line, l->values);
    }
    filter_level(m, &levels[n], first);
    for (int k = n - 1; k >= 0; k--) {
        level *l = &levels[k];
        filter_level(m, l, first);
        mx_spot_expand_add(
            levels[k + 1].values, l->width, l->height, 1, m->line, l->values);
    }
}

/* --- frames ------------------------------------------------------------------------ */

static mexpr_status check_frame(mexpr_magnifier *m, const mexpr_image *frame)
{
    mx_scope *scope = &m->scope;
    if (m->out && (frame->width != m->out->width || frame->height != m->out->height))
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the frame is %d×%d, but the first one was %d×%d", (int)frame->width,
            (int)frame->height, (int)m->out->width, (int)m->out->height);
    if (m->out && frame->format != m->out->format)
        return mx_fail(scope, MEXPR_E_TYPE,
            "the frame has format %d, but the first one had %d", (int)frame->format,
            (int)m->out->format);
    if (frame->format != MEXPR_FORMAT_GREYF32)
        return MEXPR_OK;
    for (int32_t y = 0; y < frame->height; y++) {
        const float *row = (const float *)mx_image_row(frame, y);
        for (int32_t x = 0; x < frame->width; x++) {
            if (!isfinite(row[x]))
                return mx_fail(scope, MEXPR_E_FORMAT,
                    "pixel (%d, %d) of the frame is NaN or infinite", (int)x, (int)y);
        }
    }
    return MEXPR_OK;
}

mexpr_status mexpr_magnifier_push(mexpr_magnifier *magnifier, const mexpr_image *frame)
{
    if (!magnifier)
        return MEXPR_E_ARG;
    if (!frame)
        return mx_fail(&magnifier->scope, MEXPR_E_ARG, "frame is NULL");
    if (magnifier->ready)
        return MEXPR_AGAIN;
    const bool first = magnifier->out == NULL;
    mexpr_status status = check_frame(magnifier, frame);
    if (status == MEXPR_OK && first)
        status = begin(magnifier, frame);
    if (status != MEXPR_OK)
        return status;
    load_planes(magnifier, frame);
    for (int p = 0; p < magnifier->n_planes; p++)
        magnify_plane(magnifier, magnifier->levels[p], first);
    if (is_grey(frame))
        store_grey(magnifier, frame);
    else
        store_colour(magnifier, frame);
    magnifier->ready = true;
    return MEXPR_OK;
}

mexpr_status mexpr_magnifier_pull(mexpr_magnifier *magnifier, const mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!magnifier)
        return MEXPR_E_ARG;
    if (!magnifier->ready)
        return MEXPR_AGAIN;
    magnifier->ready = false;
    *out = magnifier->out;
    return MEXPR_OK;
}
