/* SPDX-License-Identifier: MIT */
/* LBP-TOP (Zhao & Pietikäinen 2007). A ring of 2 radius_t + 1 grey frames slides over the
 * clip, so memory does not grow with its length. */
#include <math.h>
#include <stdbool.h>

#include "base/checked.h"
#include "base/option.h"
#include "image/picture.h"
#include "microexpr/spot.h"

enum { MAX_RADIUS = 32, MIN_NEIGHBOURS = 4, MAX_NEIGHBOURS = 16, N_PLANES = 3 };
enum { MAX_RING = 2 * MAX_RADIUS + 1 };
#define TWO_PI 6.28318530717958647692
/* Interpolated greys often equal their centre, on any even ramp for one: rounding must
 * not decide then. The least true difference of 8-bit greys is some hundred times this.
 */
#define EQUAL_GREY 1e-6

/* A neighbour as an offset from the centre: its position is floor plus share along two
 * axes, and four taps around it, each in a frame of the ring. */
typedef struct neighbour {
    int32_t frame[4]; /* of the ring; radius_t is the centre's */
    ptrdiff_t pixel[4];
    double share[2];
} neighbour;

/* One of the planes XY, XT, YT. */
typedef struct plane {
    int n;        /* neighbours */
    size_t first; /* its histogram in a block's values */
    size_t n_bins;
    uint16_t *bins; /* from a code to its bin */
    neighbour neighbours[MAX_NEIGHBOURS];
} plane;

/* All of one call. */
typedef struct lbp_top {
    mexpr_lbp_top_options o;
    int32_t width, height, n_frames;
    int32_t centres[3]; /* along x, y, t */
    size_t block_values;
    size_t n_values;
    plane planes[N_PLANES];
    float *ring;
    const float *frames[MAX_RING]; /* around the present centre, in time order */
    uint64_t *counts;
} lbp_top;

/* --- arguments ------------------------------------------------------------------- */

static mexpr_status fill_defaults(mx_scope *scope, mexpr_lbp_top_options *o)
{
    const struct {
        const char *name;
        int32_t *value;
        int32_t standard, low, high;
    } fields[] = {
        {"radius_x", &o->radius_x, 1, 1, MAX_RADIUS},
        {"radius_y", &o->radius_y, 1, 1, MAX_RADIUS},
        {"radius_t", &o->radius_t, 4, 1, MAX_RADIUS},
        {"neighbours_xy", &o->neighbours_xy, 8, MIN_NEIGHBOURS, MAX_NEIGHBOURS},
        {"neighbours_xt", &o->neighbours_xt, 8, MIN_NEIGHBOURS, MAX_NEIGHBOURS},
        {"neighbours_yt", &o->neighbours_yt, 8, MIN_NEIGHBOURS, MAX_NEIGHBOURS},
        {"columns", &o->columns, 5, 1, INT32_MAX},
        {"rows", &o->rows, 5, 1, INT32_MAX},
        {"layers", &o->layers, 1, 1, INT32_MAX},
        {"sampling", &o->sampling, MEXPR_LBP_BILINEAR, MEXPR_LBP_BILINEAR,
            MEXPR_LBP_NEAREST},
        {"patterns", &o->patterns, MEXPR_LBP_UNIFORM, MEXPR_LBP_UNIFORM, MEXPR_LBP_ALL},
    };
    mexpr_status status = MEXPR_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && status == MEXPR_OK; i++)
        status = mx_option_i32(scope, fields[i].name, fields[i].value, fields[i].standard,
            fields[i].low, fields[i].high);
    return status;
}

static mexpr_status check_frames(
    mx_scope *scope, const mexpr_image *const *frames, int32_t n_frames)
{
    if (!frames || n_frames < 1)
        return mx_fail(scope, MEXPR_E_ARG, "there are no frames");
    if ((uint64_t)n_frames > mx_context_limits(scope->context)->frames)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "%d frames are more than the limit max_frames; raise it in the context "
            "options",
            (int)n_frames);
    for (int32_t t = 0; t < n_frames; t++) {
        if (!frames[t])
            return mx_fail(scope, MEXPR_E_ARG, "frame %d is NULL", (int)t);
        if (mexpr_image_width(frames[t]) != mexpr_image_width(frames[0]) ||
            mexpr_image_height(frames[t]) != mexpr_image_height(frames[0]))
            return mx_fail(scope, MEXPR_E_SHAPE,
                "frame %d is %d×%d, but frame 0 is %d×%d; all must be of one size",
                (int)t, (int)mexpr_image_width(frames[t]),
                (int)mexpr_image_height(frames[t]), (int)mexpr_image_width(frames[0]),
                (int)mexpr_image_height(frames[0]));
    }
    return MEXPR_OK;
}

/* The centres along an axis, and that there is one for every block. */
static mexpr_status check_axis(mx_scope *scope, const char *name, int32_t size,
    int32_t radius, int32_t blocks, int32_t *centres)
{
    *centres = size - 2 * radius;
    if (*centres < blocks)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "%d %s are too few for radius %d and %d blocks: it takes %lld", (int)size,
            name, (int)radius, (int)blocks, (long long)blocks + 2 * radius);
    return MEXPR_OK;
}

static size_t bins_for(int neighbours, int32_t patterns)
{
    return patterns == MEXPR_LBP_ALL ? (size_t)1 << neighbours
                                     : (size_t)neighbours * (size_t)(neighbours - 1) + 3;
}

/* Sizes of everything, before anything is allocated. */
static mexpr_status plan(mx_scope *scope, lbp_top *l)
{
    const mexpr_lbp_top_options *o = &l->o;
    mexpr_status status =
        check_axis(scope, "columns", l->width, o->radius_x, o->columns, &l->centres[0]);
    if (status == MEXPR_OK)
        status =
            check_axis(scope, "rows", l->height, o->radius_y, o->rows, &l->centres[1]);
    if (status == MEXPR_OK)
        status = check_axis(
            scope, "frames", l->n_frames, o->radius_t, o->layers, &l->centres[2]);
    if (status != MEXPR_OK)
        return status;
    const int neighbours[N_PLANES] = {
        o->neighbours_xy, o->neighbours_xt, o->neighbours_yt};
    for (int i = 0; i < N_PLANES; i++) {
        l->planes[i].n = neighbours[i];
        l->planes[i].first = l->block_values;
        l->planes[i].n_bins = bins_for(neighbours[i], o->patterns);
        l->block_values += l->planes[i].n_bins;
    }
    size_t blocks;
    if (!mx_mul_size((size_t)o->columns * (size_t)o->rows, (size_t)o->layers, &blocks) ||
        !mx_mul_size(blocks, l->block_values, &l->n_values))
        return mx_fail(scope, MEXPR_E_RANGE, "%d×%d×%d blocks are too many",
            (int)o->columns, (int)o->rows, (int)o->layers);
    return MEXPR_OK;
}

/* --- tables ---------------------------------------------------------------------- */

static bool is_uniform(uint32_t code, int n)
{
    int changes = 0;
    for (int p = 0; p < n; p++)
        changes += (code >> p & 1) != (code >> (p + 1) % n & 1);
    return changes <= 2;
}

static mexpr_status make_bins(mx_scope *scope, plane *p, int32_t patterns)
{
    const uint32_t n_codes = (uint32_t)1 << p->n;
    p->bins = mx_alloc(scope, n_codes, sizeof *p->bins);
    if (!p->bins)
        return MEXPR_E_NOMEM;
    uint32_t next = 0;
    for (uint32_t code = 0; code < n_codes; code++) {
        const bool own = patterns == MEXPR_LBP_ALL || is_uniform(code, p->n);
        p->bins[code] = (uint16_t)(own ? next++ : p->n_bins - 1);
    }
    return MEXPR_OK;
}

/* A place beside the centre along one axis. A circle's 0 and ±1 come out of cos() with
 * rounding; they must hit their pixel. */
static void split(double place, int32_t sampling, int32_t *whole, double *share)
{
    const double nearest = floor(place + 0.5);
    if (sampling == MEXPR_LBP_NEAREST || fabs(place - nearest) < 1e-9)
        place = nearest;
    *whole = (int32_t)floor(place);
    *share = place - *whole;
}

/* Makes the taps for a place (a, b), in pixels of step[0] and step[1] or, for a step of
 * 0, in frames. */
static void make_neighbour(
    const lbp_top *l, const double place[2], const ptrdiff_t step[2], neighbour *to)
{
    int32_t whole[2];
    for (int axis = 0; axis < 2; axis++)
        split(place[axis], l->o.sampling, &whole[axis], &to->share[axis]);
    for (int tap = 0; tap < 4; tap++) {
        to->frame[tap] = l->o.radius_t;
        to->pixel[tap] = 0;
        for (int axis = 0; axis < 2; axis++) {
            /* A tap of weight 0 is not read: it may lie outside. */
            const int32_t far = (tap >> axis & 1) && to->share[axis] > 0;
            const int32_t at = whole[axis] + far;
            if (step[axis] == 0)
                to->frame[tap] += at;
            else
                to->pixel[tap] += at * step[axis];
        }
    }
}

static void make_neighbours(lbp_top *l)
{
    const mexpr_lbp_top_options *o = &l->o;
    const ptrdiff_t down = l->width;
    const ptrdiff_t steps[N_PLANES][2] = {{1, down}, {1, 0}, {down, 0}};
    for (int i = 0; i < N_PLANES; i++) {
        for (int p = 0; p < l->planes[i].n; p++) {
            const double angle = TWO_PI * p / l->planes[i].n;
            const double c = cos(angle), s = sin(angle);
            const double places[N_PLANES][2] = {{o->radius_x * c, -o->radius_y * s},
                {o->radius_x * c, o->radius_t * s}, {-o->radius_y * s, o->radius_t * c}};
            make_neighbour(l, places[i], steps[i], &l->planes[i].neighbours[p]);
        }
    }
}

/* --- counting -------------------------------------------------------------------- */

static double sample(const lbp_top *l, const neighbour *n, size_t i)
{
    double tap[4];
    for (int k = 0; k < 4; k++)
        tap[k] = l->frames[n->frame[k]][(ptrdiff_t)i + n->pixel[k]];
    const double low = tap[0] + n->share[0] * (tap[1] - tap[0]);
    const double high = tap[2] + n->share[0] * (tap[3] - tap[2]);
    return low + n->share[1] * (high - low);
}

static void count_pixel(const lbp_top *l, size_t i, uint64_t *block)
{
    const double least = l->frames[l->o.radius_t][i] - EQUAL_GREY;
    for (int k = 0; k < N_PLANES; k++) {
        const plane *p = &l->planes[k];
        uint32_t code = 0;
        for (int b = 0; b < p->n; b++)
            code |= (uint32_t)(sample(l, &p->neighbours[b], i) >= least) << b;
        block[p->first + p->bins[code]]++;
    }
}

/* The block that centre `i` of `centres` is in: the largest k with ⌊k·centres/n⌋ <= i. */
static int32_t block_of(int32_t i, int32_t n, int32_t centres)
{
    return (int32_t)((((int64_t)i + 1) * n - 1) / centres);
}

static void count_frame(lbp_top *l, int32_t t)
{
    const mexpr_lbp_top_options *o = &l->o;
    const size_t layer = (size_t)block_of(t, o->layers, l->centres[2]);
    for (int32_t y = 0; y < l->centres[1]; y++) {
        const size_t row =
            layer * (size_t)o->rows + (size_t)block_of(y, o->rows, l->centres[1]);
        const size_t first =
            (size_t)(y + o->radius_y) * (size_t)l->width + (size_t)o->radius_x;
        for (int32_t x = 0; x < l->centres[0]; x++) {
            const size_t block =
                row * (size_t)o->columns + (size_t)block_of(x, o->columns, l->centres[0]);
            count_pixel(l, first + (size_t)x, l->counts + block * l->block_values);
        }
    }
}

static void count_clip(lbp_top *l, const mexpr_image *const *frames)
{
    const int32_t ring = 2 * l->o.radius_t + 1;
    const size_t pixels = (size_t)l->width * (size_t)l->height;
    for (int32_t t = 0; t < l->n_frames; t++) {
        mx_image_to_grey_f32(frames[t], l->ring + (size_t)(t % ring) * pixels);
        if (t < ring - 1)
            continue;
        for (int32_t k = 0; k < ring; k++)
            l->frames[k] = l->ring + (size_t)((t + 1 + k) % ring) * pixels;
        count_frame(l, t - (ring - 1));
    }
}

static void put_values(const lbp_top *l, float *values)
{
    for (size_t block = 0; block < l->n_values; block += l->block_values) {
        for (int k = 0; k < N_PLANES; k++) {
            const plane *p = &l->planes[k];
            const uint64_t *counts = l->counts + block + p->first;
            uint64_t sum = 0;
            for (size_t i = 0; i < p->n_bins; i++)
                sum += counts[i];
            const double unit = l->o.counts ? 1 : (double)sum;
            for (size_t i = 0; i < p->n_bins; i++)
                values[block + p->first + i] = (float)((double)counts[i] / unit);
        }
    }
}

static mexpr_status run(
    mx_scope *scope, lbp_top *l, const mexpr_image *const *frames, float *values)
{
    mexpr_status status = MEXPR_OK;
    for (int i = 0; i < N_PLANES && status == MEXPR_OK; i++)
        status = make_bins(scope, &l->planes[i], l->o.patterns);
    if (status != MEXPR_OK)
        goto done;
    status = MEXPR_E_NOMEM;
    l->ring = mx_alloc(scope, (size_t)(2 * l->o.radius_t + 1),
        (size_t)l->width * (size_t)l->height * sizeof *l->ring);
    if (!l->ring)
        goto done;
    l->counts = mx_calloc(scope, l->n_values, sizeof *l->counts);
    if (!l->counts)
        goto done;
    make_neighbours(l);
    count_clip(l, frames);
    put_values(l, values);
    status = MEXPR_OK;
done:
    mx_free(scope->context, l->counts);
    mx_free(scope->context, l->ring);
    for (int i = 0; i < N_PLANES; i++)
        mx_free(scope->context, l->planes[i].bins);
    return status;
}

mexpr_status mexpr_lbp_top(mexpr_context *context, const mexpr_image *const *frames,
    int32_t n_frames, const mexpr_lbp_top_options *options, float *values,
    size_t capacity, size_t *n)
{
    if (n)
        *n = 0;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!values && !n)
        return mx_fail(scope, MEXPR_E_ARG, "both values and n are NULL");
    lbp_top *l = mx_calloc(scope, 1, sizeof *l);
    if (!l)
        return MEXPR_E_NOMEM;
    l->o = (mexpr_lbp_top_options)MEXPR_LBP_TOP_OPTIONS_INIT;
    mexpr_status status =
        mx_options_copy(scope, options, sizeof l->o, &l->o, sizeof l->o);
    if (status == MEXPR_OK)
        status = fill_defaults(scope, &l->o);
    if (status == MEXPR_OK)
        status = check_frames(scope, frames, n_frames);
    if (status == MEXPR_OK) {
        l->width = mexpr_image_width(frames[0]);
        l->height = mexpr_image_height(frames[0]);
        l->n_frames = n_frames;
        status = plan(scope, l);
    }
    if (status == MEXPR_OK)
        status = mx_output_size(scope, values, capacity, l->n_values, n);
    if (status == MEXPR_OK)
        status = run(scope, l, frames, values);
    mx_free(context, l);
    return status == MEXPR_END ? MEXPR_OK : status;
}
