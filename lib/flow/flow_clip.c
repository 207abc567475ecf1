/* SPDX-License-Identifier: MIT */
/* Flow through a clip. Pairs are independent of each other, so a window of some pairs for
 * every thread is computed at once, each pair by one thread with an estimator of its own;
 * several pairs a thread leave none idle when pairs take unlike times. Pictures whose
 * states together would not stay in the last cache are divided among the threads instead,
 * one pair after the other (docs/clips.md has the measurement). Frames are turned to grey
 * floats before, which is what an estimator would do with them first. */
#include <math.h>
#include <string.h>

#include "flow/field.h"
#include "flow/flow_estimator.h"
#include "image/picture.h"

enum {
    PAIRS_PER_THREAD = 4,
    ROWS_TO_DIVIDE = 96, /* for each thread */
    MAX_ASIDE = 255
};

/* One pair of the window. */
typedef struct slot {
    const mexpr_flow *flow;   /* that computed it */
    mexpr_image *grey;        /* the frame that the flow goes to */
    const mexpr_image *start; /* the one that it comes from */
    mexpr_field *field;
    int64_t frame;
    mexpr_status status;
} slot;

/* What clips need besides the caller's estimator; it keeps it for the next one. */
struct mx_flow_window {
    int32_t width;
    int32_t height;
    double method;      /* of the estimators */
    mexpr_image *start; /* grey: the onset, or the last frame of the window before */
    mexpr_flow **flows; /* one for each thread; the first is the caller's */
    int n_flows;
    slot *slots;
    int n_slots;
    int n_aside;  /* fillings whose pairs shall not be divided */
    int patience; /* how many the next failure will make it */
};

typedef struct flow_clip {
    mx_scope *scope;
    mexpr_flow *flow;
    mexpr_clip *clip;
    mexpr_flow_clip_options options;
    mexpr_field_fn take;
    mexpr_progress_fn progress;
    void *user;
    uint64_t done;
    uint64_t total; /* 0: unknown */
    struct mx_flow_window *window;
} flow_clip;

/* --- arguments --------------------------------------------------------------------- */

static bool is_previous(const flow_clip *c)
{
    return c->options.reference == MEXPR_FLOW_REFERENCE_PREVIOUS;
}

static int64_t last_frame(const flow_clip *c)
{
    const mexpr_flow_clip_options *o = &c->options;
    const int64_t n = mexpr_clip_n_frames(c->clip);
    const int64_t end = n >= 0 ? n : INT64_MAX;
    return o->n_frames > 0 && o->n_frames < end - o->first ? o->first + o->n_frames - 1
                                                           : end - 1;
}

static mexpr_status check_options(flow_clip *c)
{
    mexpr_flow_clip_options *o = &c->options;
    const int64_t n = mexpr_clip_n_frames(c->clip);
    if (o->reference == 0)
        o->reference = MEXPR_FLOW_REFERENCE_ONSET;
    if (o->reference != MEXPR_FLOW_REFERENCE_ONSET && !is_previous(c))
        return mx_fail(c->scope, MEXPR_E_RANGE,
            "reference %d is not a mexpr_flow_reference", (int)o->reference);
    if (o->onset < 0 || o->first < 0 || o->n_frames < 0)
        return mx_fail(c->scope, MEXPR_E_RANGE,
            "onset %lld, first %lld, n_frames %lld: none may be negative",
            (long long)o->onset, (long long)o->first, (long long)o->n_frames);
    const int64_t highest = is_previous(c) || o->first > o->onset ? o->first : o->onset;
    if (n >= 0 && highest >= n)
        return mx_fail(c->scope, MEXPR_E_RANGE,
            "there is no frame %lld: the clip has %lld", (long long)highest,
            (long long)n);
    if (n >= 0 && o->n_frames > n - o->first)
        return mx_fail(c->scope, MEXPR_E_RANGE,
            "the clip has %lld frames from frame %lld on, not %lld",
            (long long)(n - o->first), (long long)o->first, (long long)o->n_frames);
    if (!is_previous(c) && mexpr_clip_is_stream(c->clip) && o->first < o->onset) {
        if (o->first > 0)
            return mx_fail(c->scope, MEXPR_E_RANGE,
                "frame %lld is before the onset %lld: a stream cannot go back",
                (long long)o->first, (long long)o->onset);
        o->first = o->onset;
    }
    return MEXPR_OK;
}

/* Whether there is flow to that frame. */
static bool is_wanted(const flow_clip *c, int64_t frame)
{
    return is_previous(c) ? frame > 0 : frame != c->options.onset;
}

static uint64_t count_pairs(const flow_clip *c)
{
    const int64_t first = c->options.first, last = last_frame(c);
    const int64_t without = is_previous(c) ? 0 : c->options.onset;
    if (mexpr_clip_n_frames(c->clip) < 0 && c->options.n_frames == 0)
        return 0;
    return (uint64_t)(last - first + 1) - (first <= without && without <= last);
}

/* --- memory ------------------------------------------------------------------------ */

static mexpr_status make_grey(flow_clip *c, mexpr_image **out)
{
    return mx_image_new(c->scope, MEXPR_FORMAT_GREYF32, mexpr_clip_width(c->clip),
        mexpr_clip_height(c->clip), out);
}

/* An estimator as the caller's is now, ready for the clip's frames, so that no allocator
 * is called from other threads. */
static mexpr_status ready_flow(flow_clip *c, mexpr_flow **flow)
{
    mexpr_status status = MEXPR_OK;
    if (!*flow)
        status = mx_flow_clone(c->scope, c->flow, flow);
    if (status != MEXPR_OK)
        return status;
    memcpy((*flow)->params, c->flow->params, sizeof c->flow->params);
    status = mx_flow_reserve(*flow, c->window->width, c->window->height);
    if (status != MEXPR_OK && *flow != c->flow)
        mx_fail(c->scope, status, "%s", (*flow)->scope.error);
    return status;
}

static mexpr_status make_slot(flow_clip *c, slot *s)
{
    const mexpr_status status = make_grey(c, &s->grey);
    if (status != MEXPR_OK)
        return status;
    return mx_field_new(
        c->scope, mexpr_clip_width(c->clip), mexpr_clip_height(c->clip), &s->field);
}

static int at_most(uint64_t n, uint64_t total)
{
    return (int)(total && total < n ? total : n);
}

static mexpr_status fill_window_memory(
    flow_clip *c, struct mx_flow_window *w, int n_flows, int n_slots)
{
    mexpr_status status = make_grey(c, &w->start);
    if (status != MEXPR_OK)
        return status;
    w->flows = mx_calloc(c->scope, (size_t)n_flows, sizeof *w->flows);
    if (!w->flows)
        return MEXPR_E_NOMEM;
    w->flows[0] = c->flow;
    w->n_flows = n_flows;
    w->slots = mx_calloc(c->scope, (size_t)n_slots, sizeof *w->slots);
    if (!w->slots)
        return MEXPR_E_NOMEM;
    while (status == MEXPR_OK && w->n_slots < n_slots)
        status = make_slot(c, &w->slots[w->n_slots++]);
    return status;
}

static bool will_do(
    const flow_clip *c, const struct mx_flow_window *w, int n_flows, int n_slots)
{
    return w && w->width == mexpr_clip_width(c->clip) &&
           w->height == mexpr_clip_height(c->clip) && w->n_flows >= n_flows &&
           w->n_slots >= n_slots && w->method == c->flow->params[MEXPR_FLOW_METHOD];
}

/* Takes the window of the call before if it will do. The estimator is without one until
 * keep_window(), whatever callbacks do with it. */
static mexpr_status make_window(flow_clip *c)
{
    const uint64_t threads = (uint64_t)mexpr_context_threads(c->scope->context);
    const int n_flows = at_most(threads, c->total);
    const int n_slots = at_most(threads > 1 ? PAIRS_PER_THREAD * threads : 1, c->total);
    mexpr_status status = MEXPR_OK;
    if (!will_do(c, c->flow->window, n_flows, n_slots)) {
        mx_flow_window_destroy(c->flow);
        struct mx_flow_window *w = mx_calloc(c->scope, 1, sizeof *w);
        if (!w)
            return MEXPR_E_NOMEM;
        w->width = mexpr_clip_width(c->clip);
        w->height = mexpr_clip_height(c->clip);
        w->method = c->flow->params[MEXPR_FLOW_METHOD];
        c->flow->window = w;
        status = fill_window_memory(c, w, n_flows, n_slots);
    }
    c->window = c->flow->window;
    for (int i = 0; i < c->window->n_flows && status == MEXPR_OK; i++)
        status = ready_flow(c, &c->window->flows[i]);
    if (status != MEXPR_OK)
        mx_flow_window_destroy(c->flow);
    else
        c->flow->window = NULL;
    return status;
}

static void keep_window(const flow_clip *c)
{
    mx_flow_window_destroy(c->flow);
    c->flow->window = c->window;
}

void mx_flow_window_destroy(mexpr_flow *flow)
{
    struct mx_flow_window *w = flow->window;
    if (!w)
        return;
    for (int i = 0; i < w->n_slots; i++) {
        mexpr_image_destroy(&w->slots[i].grey);
        mexpr_field_destroy(&w->slots[i].field);
    }
    for (int i = 1; i < w->n_flows; i++)
        mexpr_flow_destroy(&w->flows[i]);
    mx_free(flow->scope.context, w->slots);
    mx_free(flow->scope.context, w->flows);
    mexpr_image_destroy(&w->start);
    mx_free(flow->scope.context, w);
    flow->window = NULL;
}

/* --- work -------------------------------------------------------------------------- */

static bool is_finite(const mexpr_image *grey)
{
    const float *pixels = mexpr_image_data(grey);
    const size_t n = (size_t)grey->width * (size_t)grey->height;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(pixels[i]))
            return false;
    }
    return true;
}

/* Frame `index` as grey floats; MEXPR_END past the last. */
static mexpr_status load(flow_clip *c, int64_t index, mexpr_image *grey)
{
    const mexpr_image *frame;
    const mexpr_status status = mexpr_clip_frame(c->clip, index, &frame);
    if (status < 0)
        return mx_fail(c->scope, status, "%s", mexpr_clip_last_error(c->clip));
    if (status != MEXPR_OK)
        return status;
    mx_image_to_grey_f32(frame, mexpr_image_pixels(grey));
    if (frame->format == MEXPR_FORMAT_GREYF32 && !is_finite(grey))
        return mx_fail(c->scope, MEXPR_E_FORMAT,
            "frame %lld holds NaN or infinity; replace such pixels before computing flow",
            (long long)index);
    return MEXPR_OK;
}

/* Loads the next frames, `*next` being the first, until the window is full. */
static mexpr_status fill_window(flow_clip *c, int64_t *next, int *n)
{
    const int64_t last = last_frame(c);
    mexpr_status status = MEXPR_OK;
    for (*n = 0; *n < c->window->n_slots && *next <= last && status == MEXPR_OK;
         (*next)++) {
        if (!is_wanted(c, *next))
            continue;
        slot *s = &c->window->slots[*n];
        status = load(c, *next, s->grey);
        if (status != MEXPR_OK)
            break;
        s->frame = *next;
        s->start =
            is_previous(c) && *n > 0 ? c->window->slots[*n - 1].grey : c->window->start;
        (*n)++;
    }
    return status;
}

static void compute_slot(const flow_clip *c, int index, int worker)
{
    slot *s = &c->window->slots[index];
    s->flow = c->window->flows[worker];
    s->status = mexpr_flow_compute(c->window->flows[worker], s->start, s->grey, s->field);
}

/* Only of the methods whose threads part when one has to wait for another. */
static bool may_divide(const flow_clip *c)
{
    const struct mx_flow_window *w = c->window;
    const double method = c->flow->params[MEXPR_FLOW_METHOD];
    const ptrdiff_t bytes =
        mx_tvl1_row_floats(w->width) * w->height * (ptrdiff_t)sizeof(float);
    return w->n_flows > 1 && w->height / ROWS_TO_DIVIDE >= w->n_flows &&
           bytes >= c->flow->divided_bytes &&
           (method == MEXPR_FLOW_METHOD_TVL1 || method == MEXPR_FLOW_METHOD_TVL1_FAST);
}

/* As many of n pairs as stay together, each by all threads. Where they part the machine
 * is busy: then 1, 3, 7 … fillings of the window go side by side. */
static int divide_pairs(flow_clip *c, int n)
{
    struct mx_flow_window *w = c->window;
    int done = 0;
    if (w->n_aside > 0) {
        w->n_aside--;
        return 0;
    }
    while (done < n && w->n_aside == 0) {
        compute_slot(c, done++, 0);
        if (c->flow->work.team.n_calls_alone > 0) {
            w->patience = w->patience < MAX_ASIDE ? 2 * w->patience + 1 : MAX_ASIDE;
            w->n_aside = w->patience;
        } else {
            w->patience = 0;
        }
    }
    return done;
}

typedef struct slots_from {
    flow_clip *clip;
    int first;
} slots_from;

static void compute_from(void *arg, int index, int worker)
{
    const slots_from *from = arg;
    compute_slot(from->clip, from->first + index, worker);
}

static void compute_window(flow_clip *c, int n)
{
    slots_from rest = {.clip = c, .first = may_divide(c) ? divide_pairs(c, n) : 0};
    mx_parallel_for(
        c->scope->context, c->window->n_flows, n - rest.first, compute_from, &rest);
}

static mexpr_status cancelled(flow_clip *c, const char *who)
{
    return mx_fail(c->scope, MEXPR_E_CANCELLED, "%s asked to stop after %llu fields", who,
        (unsigned long long)c->done);
}

/* In the order of the frames. */
static mexpr_status hand_out(flow_clip *c, int n)
{
    for (int i = 0; i < n; i++) {
        const slot *s = &c->window->slots[i];
        if (s->status != MEXPR_OK && s->flow != c->flow)
            return mx_fail(c->scope, s->status, "%s", s->flow->scope.error);
        if (s->status != MEXPR_OK)
            return s->status;
        if (c->take(c->user, s->frame, s->field) != 0)
            return cancelled(c, "the callback that takes the fields");
        c->done++;
        if (c->progress && c->progress(c->user, c->done, c->total) != 0)
            return cancelled(c, "the progress callback");
    }
    return MEXPR_OK;
}

/* The last frame of a window is where the next one starts from. */
static void keep_last(flow_clip *c, int n)
{
    if (!is_previous(c) || n == 0)
        return;
    mexpr_image *grey = c->window->slots[n - 1].grey;
    c->window->slots[n - 1].grey = c->window->start;
    c->window->start = grey;
}

static mexpr_status run(flow_clip *c)
{
    int64_t next = c->options.first;
    const int64_t start = !is_previous(c) ? c->options.onset : next > 0 ? next - 1 : 0;
    mexpr_status status = load(c, start, c->window->start);
    if (status == MEXPR_END)
        return mx_fail(c->scope, MEXPR_E_RANGE,
            "there is no frame %lld: the clip has %lld", (long long)start,
            (long long)mexpr_clip_n_frames(c->clip));
    while (status == MEXPR_OK) {
        int n;
        const mexpr_status loaded = fill_window(c, &next, &n);
        compute_window(c, n);
        status = hand_out(c, n);
        keep_last(c, n);
        if (status == MEXPR_OK)
            status = n == 0 && loaded == MEXPR_OK ? MEXPR_END : loaded;
    }
    return status == MEXPR_END ? MEXPR_OK : status;
}

mexpr_status mexpr_flow_clip(mexpr_flow *flow, mexpr_clip *clip,
    const mexpr_flow_clip_options *options, mexpr_field_fn take,
    mexpr_progress_fn progress, void *user)
{
    if (!flow)
        return MEXPR_E_ARG;
    mx_scope *scope = &flow->scope;
    if (!clip || !take)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", clip ? "take" : "clip");
    flow_clip c = {.scope = scope,
        .flow = flow,
        .clip = clip,
        .options = MEXPR_FLOW_CLIP_OPTIONS_INIT,
        .take = take,
        .progress = progress,
        .user = user};
    mexpr_status status =
        mx_options_copy(scope, options, sizeof c.options, &c.options, sizeof c.options);
    if (status == MEXPR_OK)
        status = check_options(&c);
    if (status != MEXPR_OK)
        return status;
    c.total = count_pairs(&c);
    status = make_window(&c);
    if (status != MEXPR_OK)
        return status;
    status = run(&c);
    keep_window(&c);
    return status;
}
