/* SPDX-License-Identifier: MIT */
/* Clips with another number of frames. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/option.h"
#include "base/pool.h"
#include "image/picture.h"
#include "image/samples.h"
#include "microexpr/spot.h"
#include "spot/tim.h"

/* Sums of TIM that are kept at once, in bytes. */
#define BLOCK_BYTES ((size_t)64 << 20)

typedef struct interpolation {
    mx_scope *scope;
    mexpr_clip *clip;
    mexpr_interpolate_options o;
    mexpr_frame_fn take;
    mexpr_progress_fn progress;
    void *user;
    uint64_t done, total; /* steps */
    mexpr_image *out;     /* of the format of all frames */
    size_t row_samples;
    double *sums;
    /* LINEAR: the frame before the present one. */
    mexpr_image *before;
    int64_t before_index;
    /* TIM: the frames in `sums`, and the one that is added. */
    int64_t block_first;
    const mexpr_image *frame;
    int64_t frame_index;
} interpolation;

/* --- steps of both methods --------------------------------------------------------- */

/* Where frame j lies among the old ones. */
static double position_of(const interpolation *p, int64_t j)
{
    const double last = (double)(p->o.n_in - 1);
    return p->o.n_out > 1 ? last * (double)j / (double)(p->o.n_out - 1) : last / 2;
}

static mexpr_status cancelled(interpolation *p, const char *who)
{
    return mx_fail(p->scope, MEXPR_E_CANCELLED,
        "%s asked to stop after %llu of %llu steps", who, (unsigned long long)p->done,
        (unsigned long long)p->total);
}

static mexpr_status step(interpolation *p)
{
    p->done++;
    if (p->progress && p->progress(p->user, p->done, p->total) != 0)
        return cancelled(p, "the progress callback");
    return MEXPR_OK;
}

static mexpr_status hand_out(interpolation *p, int64_t j, const double *sums)
{
    for (int32_t y = 0; y < p->out->height; y++)
        mx_samples_store(p->out->format, sums + (size_t)y * p->row_samples,
            p->row_samples, mx_image_row_pixels(p->out, y));
    return p->take(p->user, j, p->out) == 0
               ? MEXPR_OK
               : cancelled(p, "the callback that takes the frames");
}

static void add(
    const interpolation *p, const mexpr_image *frame, double weight, double *sums)
{
    for (int32_t y = 0; y < frame->height; y++)
        mx_samples_add(frame->format, mx_image_row(frame, y), p->row_samples, weight,
            sums + (size_t)y * p->row_samples);
}

/* Frame i of the n_in. */
static mexpr_status load(interpolation *p, int64_t i, const mexpr_image **frame)
{
    const int64_t index = p->o.first + i;
    const mexpr_status status = mexpr_clip_frame(p->clip, index, frame);
    if (status < 0)
        return mx_fail(p->scope, status, "%s", mexpr_clip_last_error(p->clip));
    if (status == MEXPR_END)
        return mx_fail(p->scope, MEXPR_E_RANGE,
            "there is no frame %lld: the clip has %lld frames, n_in and first ask for "
            "more",
            (long long)index, (long long)mexpr_clip_n_frames(p->clip));
    if (p->out && (*frame)->format != p->out->format)
        return mx_fail(p->scope, MEXPR_E_TYPE,
            "frame %lld has format %d, but the first one has %d; open the clip with a "
            "colour",
            (long long)index, (int)(*frame)->format, (int)p->out->format);
    return MEXPR_OK;
}

/* The first frame tells what all are. */
static mexpr_status prepare(interpolation *p, size_t *samples)
{
    const mexpr_image *first;
    const mexpr_status status = load(p, 0, &first);
    if (status != MEXPR_OK)
        return status;
    p->row_samples = (size_t)first->width * (size_t)mx_samples_per_pixel(first->format);
    *samples = p->row_samples * (size_t)first->height;
    return mx_image_new(p->scope, first->format, first->width, first->height, &p->out);
}

/* --- linear ------------------------------------------------------------------------ */

/* Makes frame `lower` p->before and gives the one above it. */
static mexpr_status load_pair(interpolation *p, int64_t lower, const mexpr_image **upper)
{
    if (p->before_index != lower) {
        const mexpr_image *frame;
        const mexpr_status status = load(p, lower, &frame);
        if (status != MEXPR_OK)
            return status;
        const size_t row = p->before->stride;
        for (int32_t y = 0; y < frame->height; y++)
            memcpy(mx_image_row_pixels(p->before, y), mx_image_row(frame, y), row);
        p->before_index = lower;
    }
    return load(p, lower + 1, upper);
}

static mexpr_status linear_frame(interpolation *p, int64_t j, size_t samples)
{
    const double position = position_of(p, j);
    const int64_t lower = (int64_t)position;
    const double share = position - (double)lower;
    const mexpr_image *frame = p->before;
    mexpr_status status = MEXPR_OK;
    memset(p->sums, 0, samples * sizeof *p->sums);
    if (share > 0) {
        status = load_pair(p, lower, &frame);
        if (status == MEXPR_OK)
            add(p, p->before, 1 - share, p->sums);
    } else if (p->before_index != lower) {
        status = load(p, lower, &frame);
    }
    if (status != MEXPR_OK)
        return status;
    add(p, frame, share > 0 ? share : 1, p->sums);
    status = hand_out(p, j, p->sums);
    return status == MEXPR_OK ? step(p) : status;
}

static mexpr_status run_linear(interpolation *p)
{
    size_t samples;
    mexpr_status status = prepare(p, &samples);
    if (status == MEXPR_OK)
        status = mx_image_new(
            p->scope, p->out->format, p->out->width, p->out->height, &p->before);
    if (status != MEXPR_OK)
        return status;
    p->before_index = -1;
    p->total = (uint64_t)p->o.n_out;
    p->sums = mx_alloc(p->scope, samples, sizeof *p->sums);
    status = p->sums ? MEXPR_OK : MEXPR_E_NOMEM;
    for (int64_t j = 0; j < p->o.n_out && status == MEXPR_OK; j++)
        status = linear_frame(p, j, samples);
    return status;
}

/* --- TIM --------------------------------------------------------------------------- */

static void add_to_sum(void *arg, int index, int worker)
{
    const interpolation *p = arg;
    const size_t samples = p->row_samples * (size_t)p->out->height;
    const double position = position_of(p, p->block_first + index);
    (void)worker;
    add(p, p->frame, mx_tim_weight(p->o.n_in, position, p->frame_index),
        p->sums + (size_t)index * samples);
}

/* One pass over the clip for `n` frames from block_first on. */
static mexpr_status make_block(interpolation *p, int n, size_t samples)
{
    mexpr_context *context = p->scope->context;
    mexpr_status status = MEXPR_OK;
    memset(p->sums, 0, (size_t)n * samples * sizeof *p->sums);
    for (int64_t i = 0; i < p->o.n_in && status == MEXPR_OK; i++) {
        status = load(p, i, &p->frame);
        if (status != MEXPR_OK)
            break;
        p->frame_index = i;
        mx_parallel_for(context, mexpr_context_threads(context), n, add_to_sum, p);
        status = step(p);
    }
    for (int k = 0; k < n && status == MEXPR_OK; k++)
        status = hand_out(p, p->block_first + k, p->sums + (size_t)k * samples);
    return status;
}

static mexpr_status run_tim(interpolation *p)
{
    size_t samples, n_sums;
    mexpr_status status = prepare(p, &samples);
    if (status != MEXPR_OK)
        return status;
    const int64_t fit = (int64_t)(BLOCK_BYTES / sizeof *p->sums / samples);
    int64_t block = p->o.n_out;
    if (!mexpr_clip_is_stream(p->clip) && block > fit)
        block = fit > 0 ? fit : 1;
    p->total = (uint64_t)((p->o.n_out + block - 1) / block) * (uint64_t)p->o.n_in;
    p->sums = mx_mul_size((size_t)block, samples, &n_sums)
                  ? mx_alloc(p->scope, n_sums, sizeof *p->sums)
                  : NULL;
    if (!p->sums)
        return mx_fail(p->scope, MEXPR_E_NOMEM,
            "%lld frames do not fit in memory; make fewer at once", (long long)block);
    for (; p->block_first < p->o.n_out && status == MEXPR_OK; p->block_first += block) {
        const int64_t left = p->o.n_out - p->block_first;
        status = make_block(p, (int)(left < block ? left : block), samples);
    }
    return status;
}

/* --- the call ---------------------------------------------------------------------- */

static mexpr_status check_lengths(interpolation *p)
{
    mexpr_interpolate_options *o = &p->o;
    const int64_t n = mexpr_clip_n_frames(p->clip);
    const uint64_t most = mx_context_limits(p->scope->context)->frames;
    if (o->first < 0 || o->n_in < 0 || o->n_out < 1)
        return mx_fail(p->scope, MEXPR_E_RANGE,
            "first is %lld, n_in %lld, n_out %lld; n_out must be 1 or more and the "
            "others "
            "not negative",
            (long long)o->first, (long long)o->n_in, (long long)o->n_out);
    if (o->n_in == 0 && n < 0)
        return mx_fail(
            p->scope, MEXPR_E_RANGE, "the length of the stream is not known; set n_in");
    if (n >= 0 && (o->first >= n || o->n_in > n - o->first))
        return mx_fail(p->scope, MEXPR_E_RANGE,
            "%lld frames from frame %lld on are not there: the clip has %lld",
            (long long)(o->n_in ? o->n_in : 1), (long long)o->first, (long long)n);
    if (o->n_in == 0)
        o->n_in = n - o->first;
    if ((uint64_t)o->n_out > most || (uint64_t)o->n_in > most)
        return mx_fail(p->scope, MEXPR_E_LIMIT,
            "%lld frames are more than the limit max_frames of %llu",
            (long long)(o->n_out > o->n_in ? o->n_out : o->n_in),
            (unsigned long long)most);
    return MEXPR_OK;
}

mexpr_status mexpr_interpolate(mexpr_context *context, mexpr_clip *clip,
    const mexpr_interpolate_options *options, mexpr_frame_fn take,
    mexpr_progress_fn progress, void *user)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!clip || !take)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", clip ? "take" : "clip");
    interpolation p = {.scope = scope,
        .clip = clip,
        .o = MEXPR_INTERPOLATE_OPTIONS_INIT,
        .take = take,
        .progress = progress,
        .user = user};
    mexpr_status status = mx_options_copy(scope, options, sizeof p.o, &p.o, sizeof p.o);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "method", &p.o.method, MEXPR_INTERPOLATION_TIM,
            MEXPR_INTERPOLATION_TIM, MEXPR_INTERPOLATION_LINEAR);
    if (status == MEXPR_OK)
        status = check_lengths(&p);
    if (status == MEXPR_OK)
        status = p.o.method == MEXPR_INTERPOLATION_TIM ? run_tim(&p) : run_linear(&p);
    mx_free(context, p.sums);
    mexpr_image_destroy(&p.before);
    mexpr_image_destroy(&p.out);
    return status;
}
