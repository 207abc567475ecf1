/* SPDX-License-Identifier: MIT */
/* Ferns look at every window, the network at what they leave. Each look says where the
 * face is, and the next one is from there, so that what starts beside a face comes to it:
 * one at all candidates, one at the mirror image where there may be a face, a third where
 * there still may be one, and when the network is not sure then, four a little off. */
#include "face/face_detector.h"

#include <math.h>

enum {
    MOST_HITS = 4096,
    MOST_CANDIDATES = 256,
    N_PATCH = MX_FACE_NET_SIDE * MX_FACE_NET_SIDE,
    MOST_SIDE = 1 << 24 /* of a picture: whole numbers that float holds */
};

/* Overlap (intersection over union) from which windows are one candidate, boxes looked at
 * one place, and faces one face; and the part of the smaller box inside the larger that
 * makes them one face. */
static const float same_candidate = 0.4f, same_place = 0.5f, same_face = 0.3f,
                   inside_face = 0.7f, never_inside = 2.0f;
/* Log-odds that a place needs after its first, second and third look for another one;
 * that need no further ones; from which it is a face. */
static const float first_look = -6.0f, second_look = -4.0f, third_look = -3.0f,
                   sure = 5.0f, enough = 1.85f;
static const float smallest_side = 20.0f; /* where windows are pixels of the picture */
static const float size_step = 1.1f;

struct mx_face_detector {
    mx_face_model model;
    mx_small_net net; /* the model's */
    mx_face_kernels kernels;
    mx_face_octaves octaves;
    mx_face_scan scan;
    mx_face_box *hits; /* MOST_HITS */
    size_t n_hits;
    mx_face_box *found; /* MOST_CANDIDATES */
};

extern const unsigned char mx_face_detector_weights[];
extern const size_t mx_face_detector_weights_size;

float mx_face_detector_threshold(void)
{
    return 0.5f;
}

mexpr_status mx_face_detector_create_from(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_detector **out)
{
    *out = NULL;
    mx_face_detector *detector = mx_calloc(scope, 1, sizeof *detector);
    if (!detector)
        return MEXPR_E_NOMEM;
    mx_face_kernels_init(&detector->kernels, mexpr_context_cpu(scope->context));
    mexpr_status status = mx_face_model_read(scope, bytes, size, &detector->model);
    if (status == MEXPR_OK)
        status = mx_face_net_prepare(scope, &detector->model.net, &detector->net);
    mx_face_net_free(scope->context, &detector->model.net);
    if (status == MEXPR_OK) {
        detector->hits = mx_alloc(scope, MOST_HITS, sizeof *detector->hits);
        detector->found = mx_alloc(scope, MOST_CANDIDATES, sizeof *detector->found);
        if (!detector->hits || !detector->found)
            status = MEXPR_E_NOMEM;
    }
    if (status == MEXPR_OK)
        *out = detector;
    else
        mx_face_detector_destroy(scope->context, &detector);
    return status;
}

mexpr_status mx_face_detector_create(mx_scope *scope, mx_face_detector **out)
{
    return mx_face_detector_create_from(
        scope, mx_face_detector_weights, mx_face_detector_weights_size, out);
}

void mx_face_detector_destroy(mexpr_context *context, mx_face_detector **detector)
{
    mx_face_detector *d = *detector;
    if (!d)
        return;
    mx_face_model_free(context, &d->model);
    mx_small_net_free(context, &d->net);
    mx_face_octaves_free(context, &d->octaves);
    mx_face_scan_free(context, &d->scan);
    mx_free(context, d->hits);
    mx_free(context, d->found);
    mx_free(context, d);
    *detector = NULL;
}

/* By falling score, then y, x, size. */
static bool before(const mx_face_box *a, const mx_face_box *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    if (a->y != b->y)
        return a->y < b->y;
    return a->x != b->x ? a->x < b->x : a->size < b->size;
}

static void sink(mx_face_box *boxes, size_t at, size_t n)
{
    const mx_face_box box = boxes[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(&boxes[child], &boxes[child + 1]))
            child++;
        if (!before(&box, &boxes[child]))
            break;
        boxes[at] = boxes[child];
    }
    boxes[at] = box;
}

/* Heap sort: in place, and the same everywhere. */
static void sort(mx_face_box *boxes, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sink(boxes, i, n);
    for (size_t last = n; last-- > 1;) {
        const mx_face_box box = boxes[0];
        boxes[0] = boxes[last];
        boxes[last] = box;
        sink(boxes, 0, last);
    }
}

/* When there is no more room the better half stays. */
static void keep_hit(void *user, const mx_face_hit *hit)
{
    mx_face_detector *detector = user;
    if (detector->n_hits == MOST_HITS) {
        sort(detector->hits, MOST_HITS);
        detector->n_hits = MOST_HITS / 2;
    }
    detector->hits[detector->n_hits++] = hit->box;
}

/* Takes out of the sorted boxes the first and all that overlap it: their mean, weighted
 * by score, and the sum of the scores. */
static mx_face_box take_cluster(mx_face_box *boxes, size_t *n, float same)
{
    const mx_face_box seed = boxes[0];
    const float lowest = boxes[*n - 1].score;
    float x = 0, y = 0, size = 0, sum = 0;
    size_t left = 0;
    for (size_t i = 0; i < *n; i++) {
        const mx_face_box box = boxes[i];
        if (i > 0 && mx_face_box_overlap(&seed, &box) < same) {
            boxes[left++] = box;
            continue;
        }
        const float weight = box.score - lowest + 1;
        x += weight * (box.x - seed.x);
        y += weight * (box.y - seed.y);
        size += weight * (box.size - seed.size);
        sum += weight;
    }
    *n = left;
    return (mx_face_box){seed.x + x / sum, seed.y + y / sum, seed.size + size / sum, sum};
}

mexpr_status mx_face_detector_candidates(mx_scope *scope, mx_face_detector *detector,
    const mx_face_view *view, const mx_face_sizes *sizes, float same, mx_face_box *boxes,
    size_t capacity, size_t *count)
{
    mx_face_sizes s = *sizes;
    *count = 0;
    detector->n_hits = 0;
    s.smallest = s.smallest >= smallest_side ? s.smallest : smallest_side;
    mexpr_status status = mx_face_octaves_build(scope, &detector->octaves,
        &detector->kernels, view, mx_face_scan_factor(view, &s));
    if (status == MEXPR_OK)
        status = mx_face_scan_run(scope, &detector->scan, &detector->kernels,
            &detector->model.cascade, &detector->octaves, &s, keep_hit, detector);
    if (status != MEXPR_OK)
        return status;
    sort(detector->hits, detector->n_hits);
    while (detector->n_hits > 0 && *count < capacity)
        boxes[(*count)++] = take_cluster(detector->hits, &detector->n_hits, same);
    return MEXPR_OK;
}

/* What the network says about a box: log-odds, and the better box. */
static mx_face_box look(mx_face_detector *detector, const mx_face_box *box, bool mirror)
{
    uint8_t patch[N_PATCH];
    float out[MX_FACE_NET_OUT];
    const float middle = 0.5f * box->size;
    const float factor = box->size * (MX_FACE_NET_CONTEXT / MX_FACE_NET_SIDE);
    const mx_face_frame frame = {box->x + middle, box->y + middle, factor, 0, mirror};
    mx_face_patch(&detector->octaves, mx_face_octave_of(&detector->octaves, factor),
        &frame, MX_FACE_NET_SIDE, patch);
    mx_face_net_run(&detector->net, patch, out);
    const float dx = (mirror ? -out[1] : out[1]) * box->size, dy = out[2] * box->size;
    const float size = box->size * expf(fminf(fmaxf(out[3], -0.7f), 0.7f));
    return (mx_face_box){frame.x + fminf(fmaxf(dx, -box->size), box->size) - 0.5f * size,
        frame.y + fminf(fmaxf(dy, -box->size), box->size) - 0.5f * size, size, out[0]};
}

static mx_face_box mean_of(const mx_face_box *boxes, int n)
{
    mx_face_box mean = {0, 0, 0, 0};
    for (int i = 0; i < n; i++) {
        mean.x += boxes[i].x / (float)n;
        mean.y += boxes[i].y / (float)n;
        mean.size += boxes[i].size / (float)n;
        mean.score += boxes[i].score / (float)n;
    }
    return mean;
}

/* The third look at a place, and further ones. */
static mx_face_box look_again(mx_face_detector *detector, const mx_face_box *box)
{
    enum { LOOKS = 6, FIRST = 2 };
    static const float off[LOOKS - FIRST][2] = {/* to the right; longer */
        {0, -0.12f}, {0, 0.12f}, {-0.08f, 0}, {0.08f, 0}};
    mx_face_box seen[LOOKS] = {*box, look(detector, box, false)};
    const mx_face_box from = mean_of(seen, FIRST);
    if (from.score >= sure || from.score < third_look)
        return from;
    seen[0] = seen[1] = from;
    for (int i = FIRST; i < LOOKS; i++) {
        const float *way = off[i - FIRST], longer = way[1] * from.size;
        const mx_face_box at = {from.x + way[0] * from.size - 0.5f * longer,
            from.y - 0.5f * longer, from.size + longer, 0};
        seen[i] = look(detector, &at, i % 2 == 1);
    }
    return mean_of(seen, LOOKS);
}

static float inside(const mx_face_box *a, const mx_face_box *b)
{
    const float small = fminf(a->size, b->size);
    const float dx = fminf(a->x + a->size, b->x + b->size) - fmaxf(a->x, b->x);
    const float dy = fminf(a->y + a->size, b->y + b->size) - fmaxf(a->y, b->y);
    return dx > 0 && dy > 0 ? dx * dy / (small * small) : 0;
}

/* Sorts; drops what overlaps a better one, or lies in it. */
static size_t merge(mx_face_box *boxes, size_t n, float same, float within)
{
    size_t kept = 0;
    sort(boxes, n);
    for (size_t i = 0; i < n; i++) {
        bool fresh = true;
        for (size_t j = 0; j < kept && fresh; j++)
            fresh = mx_face_box_overlap(&boxes[i], &boxes[j]) < same &&
                    inside(&boxes[i], &boxes[j]) < within;
        if (fresh)
            boxes[kept++] = boxes[i];
    }
    return kept;
}

/* Moves all boxes to where a look at them says, and drops those below `least`. */
static size_t look_at_all(
    mx_face_detector *detector, mx_face_box *boxes, size_t n, bool mirror, float least)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const mx_face_box box = look(detector, &boxes[i], mirror);
        if (box.score >= least)
            boxes[kept++] = box;
    }
    return merge(boxes, kept, same_place, never_inside);
}

/* Replaces the candidates by faces, with log-odds for scores. */
static size_t verify(mx_face_detector *detector, mx_face_box *boxes, size_t n)
{
    n = look_at_all(detector, boxes, n, false, first_look);
    n = look_at_all(detector, boxes, n, true, second_look);
    for (size_t i = 0; i < n; i++)
        boxes[i] = look_again(detector, &boxes[i]);
    return merge(boxes, n, same_face, inside_face);
}

mexpr_status mx_face_detector_run(mx_scope *scope, mx_face_detector *detector,
    const mx_face_view *view, float smallest, float largest, float threshold,
    mx_face_box *boxes, size_t capacity, size_t *count)
{
    const mx_face_sizes sizes = {smallest, largest, size_step};
    size_t n;
    *count = 0;
    mexpr_status status = mx_check_size(scope, view->width, view->height);
    if (status == MEXPR_OK && (view->width > MOST_SIDE || view->height > MOST_SIDE))
        status = mx_fail(scope, MEXPR_E_LIMIT,
            "%u×%u pixels are too long a picture to find faces in; cut it", view->width,
            view->height);
    if (status != MEXPR_OK)
        return status;
    status = mx_face_detector_candidates(scope, detector, view, &sizes, same_candidate,
        detector->found, MOST_CANDIDATES, &n);
    if (status != MEXPR_OK)
        return status;
    n = verify(detector, detector->found, n);
    for (size_t i = 0; i < n && *count < capacity; i++) {
        mx_face_box box = detector->found[i];
        box.score = 1 / (1 + expf(enough - box.score));
        if (box.score >= threshold && box.size >= smallest && box.size <= largest)
            boxes[(*count)++] = box;
    }
    return MEXPR_OK;
}
