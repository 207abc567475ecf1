/* SPDX-License-Identifier: MIT */
#include "fern_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIXELS = MX_FACE_WINDOW * MX_FACE_WINDOW,
    DRAWN = 8192,      /* of each kind, to choose a fern's comparisons by */
    FIRST_BLOCK = 5,   /* each one doubles the number of ferns */
    PER_PICTURE = 48,  /* windows taken from one picture at most */
    MOST_SCANS = 6000, /* pictures looked at to fill a block */
};
static const float leaf_unit = 1.0f / 64;

typedef struct training {
    mexpr_context *context;
    const face_source *faces, *others;
    int n_faces, n_others;
    const fern_options *options;
    mx_rng *rng;
    mx_face_cascade *cascade;
    uint8_t *windows; /* faces, then others; PIXELS each */
    int *scores;
    bool *alive;    /* not given up */
    uint8_t *drawn; /* PIXELS planes of 2 * DRAWN */
    int n_filled;   /* others there are now */
    mx_face_kernels kernels;
    mx_face_scan scan;
    mx_face_octaves octaves;
    uint8_t *turned;
} training;

/* Windows of one picture that got through, and where. */
typedef struct reservoir {
    training *t;
    const face_picture *picture;
    int way;
    int seen, kept;
    uint8_t windows[PER_PICTURE][PIXELS];
} reservoir;

static unsigned leaf_of(const mx_face_fern *fern, const uint8_t *window)
{
    unsigned leaf = 0;
    for (int j = 0; j < MX_FERN_DEPTH; j++) {
        const uint8_t *a = fern->pixels[2 * j], *b = fern->pixels[2 * j + 1];
        leaf |= (unsigned)(window[a[1] * MX_FACE_WINDOW + a[0]] <
                           window[b[1] * MX_FACE_WINDOW + b[0]])
                << j;
    }
    return leaf;
}

/* The sum of leaves; *through whether no threshold stopped it. As in face_scan.c only the
 * last of the dense ferns' thresholds counts. */
static int score_of(const mx_face_cascade *cascade, const uint8_t *window, bool *through)
{
    int score = 0;
    *through = true;
    for (int i = 0; i < cascade->n && *through; i++) {
        score += cascade->ferns[i].leaves[leaf_of(&cascade->ferns[i], window)];
        if (i >= cascade->dense - 1)
            *through = score >= cascade->ferns[i].threshold;
    }
    return score;
}

/* --- windows ------------------------------------------------------------------------ */

static void make_face(training *t, uint8_t *window)
{
    const face_source *source = &t->faces[mx_rng_below(t->rng, (uint32_t)t->n_faces)];
    const float angle = 0.15f * (float)mx_rng_normal(t->rng);
    const face_square exact = face_square_of(
        source->picture, fminf(fmaxf(angle, -0.4f), 0.4f), mx_rng_below(t->rng, 2));
    const face_square near =
        face_square_moved(&exact, face_uniform(t->rng, -0.05f, 0.05f),
            face_uniform(t->rng, -0.05f, 0.05f), face_uniform(t->rng, -0.11f, 0.11f));
    const int blur = mx_rng_below(t->rng, 8) == 0;
    face_square_patch(source, &near, MX_FACE_CONTEXT, blur, MX_FACE_WINDOW, window);
    if (mx_rng_below(t->rng, 2))
        face_augment(t->rng, window, MX_FACE_WINDOW, true);
}

/* Each of the windows seen is kept with the same probability. */
static void keep_window(void *user, const mx_face_hit *hit)
{
    reservoir *r = user;
    const mx_face_box box = face_turned_box(&r->picture->view, r->way, &hit->box);
    if (r->picture->has_face && mx_face_box_overlap(&box, &r->picture->box) > 0.25f)
        return;
    const int slot = r->seen < PER_PICTURE
                         ? r->seen
                         : (int)mx_rng_below(r->t->rng, (uint32_t)r->seen + 1);
    r->seen++;
    if (slot >= PER_PICTURE)
        return;
    r->kept = slot >= r->kept ? slot + 1 : r->kept;
    for (int i = 0; i < PIXELS; i++)
        r->windows[slot][i] =
            mx_face_hit_pixel(hit, i % MX_FACE_WINDOW, i / MX_FACE_WINDOW);
}

static bool scan_picture(training *t, const face_picture *picture, reservoir *r)
{
    mx_scope *scope = mx_context_scope(t->context);
    r->t = t;
    r->picture = picture;
    r->way = (int)mx_rng_below(t->rng, picture->has_face ? 2 : 8);
    r->seen = r->kept = 0;
    const mx_face_view view = face_turn(&picture->view, r->way, t->turned);
    const float smallest = 20 * expf(face_uniform(t->rng, 0, logf(FACE_TRAINING_STEP)));
    const mx_face_sizes sizes = {smallest, 1e6f, FACE_TRAINING_STEP};
    return mx_face_octaves_build(scope, &t->octaves, &t->kernels, &view,
               mx_face_scan_factor(&view, &sizes)) == MEXPR_OK &&
           mx_face_scan_run(scope, &t->scan, &t->kernels, t->cascade, &t->octaves, &sizes,
               keep_window, r) == MEXPR_OK;
}

/* Fills the others' places with windows that the cascade takes for faces. */
static bool mine(training *t)
{
    static reservoir r;
    const fern_options *o = t->options;
    int scans = 0;
    long seen = 0;
    for (t->n_filled = 0; t->n_filled < o->n_others && scans < MOST_SCANS; scans++) {
        const face_source *source =
            scans % 2 ? &t->faces[mx_rng_below(t->rng, (uint32_t)t->n_faces)]
                      : &t->others[mx_rng_below(t->rng, (uint32_t)t->n_others)];
        if (!scan_picture(t, source->picture, &r))
            return false;
        seen += r.seen;
        for (int i = 0; i < r.kept && t->n_filled < o->n_others; i++) {
            const int at = o->n_faces + t->n_filled;
            uint8_t *window = t->windows + (size_t)at * PIXELS;
            bool through;
            memcpy(window, r.windows[i], PIXELS);
            if (mx_rng_below(t->rng, 4) == 0)
                face_augment(t->rng, window, MX_FACE_WINDOW, false);
            t->scores[at] = score_of(t->cascade, window, &through);
            t->alive[at] = through;
            t->n_filled += through;
        }
    }
    printf("  %d pictures, %.1f windows each get through\n", scans, (double)seen / scans);
    return true;
}

/* --- one fern ------------------------------------------------------------------------
 */

static float weight_of(const training *t, int i)
{
    if (!t->alive[i])
        return 0;
    const float score = (float)t->scores[i] * leaf_unit;
    return expf(i < t->options->n_faces ? -score : score);
}

/* Systematic draws from windows `from` on, in proportion to their weights, into columns
 * `to` on of the planes. */
static void draw(training *t, int from, int n, int to)
{
    double total = 0, sum = 0;
    for (int i = 0; i < n; i++)
        total += weight_of(t, from + i);
    double next = mx_rng_uniform(t->rng);
    for (int i = 0, k = 0; i < n; i++) {
        sum += weight_of(t, from + i) * (DRAWN / total);
        for (; next < sum && k < DRAWN; next += 1, k++) {
            const uint8_t *window = t->windows + (size_t)(from + i) * PIXELS;
            for (int p = 0; p < PIXELS; p++)
                t->drawn[(size_t)p * 2 * DRAWN + (size_t)(to + k)] = window[p];
        }
    }
}

/* How well leaves and one more comparison tell faces from others: sum of (f - o)^2 /
 * (f + o) over the leaves after it. */
static double gain_of(
    const uint16_t *keys, int n_keys, const uint8_t *a, const uint8_t *b)
{
    int counts[4 * MX_FERN_LEAVES] = {0};
    for (int i = 0; i < 2 * DRAWN; i++)
        counts[keys[i] + (a[i] < b[i] ? 2 : 0)]++;
    double gain = 0;
    for (int k = 0; k < n_keys; k += 2) {
        const double f = counts[k], o = counts[k + 1];
        gain += f + o > 0 ? (f - o) * (f - o) / (f + o) : 0;
    }
    return gain;
}

static void choose_pixels(training *t, mx_face_fern *fern)
{
    static uint16_t keys[2 * DRAWN]; /* 4 * leaf + (1 for the others) */
    for (int i = 0; i < 2 * DRAWN; i++)
        keys[i] = i >= DRAWN;
    for (int j = 0; j < MX_FERN_DEPTH; j++) {
        double best = -1;
        uint32_t best_a = 0, best_b = 1;
        for (int k = 0; k < t->options->n_pairs; k++) {
            const uint32_t a = mx_rng_below(t->rng, PIXELS),
                           b = mx_rng_below(t->rng, PIXELS);
            const double gain = gain_of(keys, 4 << j, t->drawn + (size_t)a * 2 * DRAWN,
                t->drawn + (size_t)b * 2 * DRAWN);
            if (a != b && gain > best)
                best = gain, best_a = a, best_b = b;
        }
        const uint8_t *a = t->drawn + (size_t)best_a * 2 * DRAWN;
        const uint8_t *b = t->drawn + (size_t)best_b * 2 * DRAWN;
        for (int i = 0; i < 2 * DRAWN; i++) /* the new bit on top, as in leaf_of() */
            keys[i] = (uint16_t)(keys[i] + (a[i] < b[i] ? 4 << j : 0));
        const uint32_t chosen[2] = {best_a, best_b};
        for (int e = 0; e < 2; e++) {
            fern->pixels[2 * j + e][0] = (uint8_t)(chosen[e] % MX_FACE_WINDOW);
            fern->pixels[2 * j + e][1] = (uint8_t)(chosen[e] / MX_FACE_WINDOW);
        }
    }
}

static void fill_leaves(training *t, mx_face_fern *fern)
{
    double sums[MX_FERN_LEAVES][2] = {{0}}, totals[2] = {0};
    const int n = t->options->n_faces + t->n_filled;
    for (int i = 0; i < n; i++) {
        const int kind = i >= t->options->n_faces;
        const float weight = weight_of(t, i);
        sums[leaf_of(fern, t->windows + (size_t)i * PIXELS)][kind] += weight;
        totals[kind] += weight;
    }
    for (int k = 0; k < MX_FERN_LEAVES; k++) {
        const double f = sums[k][0] / totals[0], o = sums[k][1] / totals[1];
        fern->leaves[k] = (int8_t)lrint((f - o) / (f + o + 1e-4) / (double)leaf_unit);
    }
    for (int i = 0; i < n; i++)
        t->scores[i] += fern->leaves[leaf_of(fern, t->windows + (size_t)i * PIXELS)];
}

/* --- a block of ferns ----------------------------------------------------------------
 */

static int compare_int(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Gives up the faces with the lowest scores at the block's end; the thresholds are what
 * all others pass (Zhang and Viola 2007). */
static bool set_thresholds(training *t, int first)
{
    const int n = t->options->n_faces;
    int *sorted = malloc((size_t)n * sizeof *sorted), alive = 0;
    if (!sorted)
        return false;
    for (int i = 0; i < n; i++)
        if (t->alive[i])
            sorted[alive++] = t->scores[i];
    qsort(sorted, (size_t)alive, sizeof *sorted, compare_int);
    const int enough = sorted[(int)(t->options->loss * n)];
    free(sorted);
    for (int k = first; k < t->cascade->n; k++)
        t->cascade->ferns[k].threshold = 32767;
    for (int i = 0; i < n; i++) {
        int score = 0;
        t->alive[i] = t->alive[i] && t->scores[i] >= enough;
        for (int k = 0; t->alive[i] && k < t->cascade->n; k++) {
            mx_face_fern *fern = &t->cascade->ferns[k];
            score += fern->leaves[leaf_of(fern, t->windows + (size_t)i * PIXELS)];
            if (k >= first && score < fern->threshold)
                fern->threshold = (int16_t)(score > -32768 ? score : -32768);
        }
    }
    return true;
}

static bool train_block(training *t, int end)
{
    const int first = t->cascade->n, n_faces = t->options->n_faces;
    while (t->cascade->n < end) {
        mx_face_fern *fern = &t->cascade->ferns[t->cascade->n];
        draw(t, 0, n_faces, 0);
        draw(t, n_faces, t->n_filled, DRAWN);
        choose_pixels(t, fern);
        fill_leaves(t, fern);
        t->cascade->n++;
    }
    if (!set_thresholds(t, first))
        return false;
    int faces = 0, others = 0;
    for (int i = 0; i < n_faces + t->n_filled; i++) {
        bool through;
        score_of(t->cascade, t->windows + (size_t)i * PIXELS, &through);
        *(i < n_faces ? &faces : &others) += through;
    }
    printf("ferns %d: %.2f %% of the faces, %.2f %% of %d others get through\n", end,
        100.0 * faces / n_faces, 100.0 * others / t->n_filled, t->n_filled);
    fflush(stdout);
    return true;
}

static bool allocate(training *t)
{
    const size_t n = (size_t)(t->options->n_faces + t->options->n_others);
    size_t largest = 0;
    for (int i = 0; i < t->n_faces + t->n_others; i++) {
        const mx_face_view *view = i < t->n_faces
                                       ? &t->faces[i].picture->view
                                       : &t->others[i - t->n_faces].picture->view;
        const size_t pixels = (size_t)view->width * view->height;
        largest = pixels > largest ? pixels : largest;
    }
    t->windows = malloc(n * PIXELS);
    t->scores = calloc(n, sizeof *t->scores);
    t->alive = calloc(n, sizeof *t->alive);
    t->drawn = malloc((size_t)PIXELS * 2 * DRAWN);
    t->turned = malloc(largest);
    return t->windows && t->scores && t->alive && t->drawn && t->turned;
}

bool fern_training(mexpr_context *context, const face_source *faces, int n_faces,
    const face_source *others, int n_others, const fern_options *options, mx_rng *rng,
    mx_face_cascade *cascade)
{
    training t = {.context = context,
        .faces = faces,
        .n_faces = n_faces,
        .others = others,
        .n_others = n_others,
        .options = options,
        .rng = rng,
        .cascade = cascade};
    mx_face_kernels_init(&t.kernels, mexpr_context_cpu(context));
    cascade->n = 0;
    cascade->dense = 0;
    bool good = allocate(&t);
    for (int i = 0; good && i < options->n_faces; i++) {
        make_face(&t, t.windows + (size_t)i * PIXELS);
        t.alive[i] = true;
    }
    for (int end = FIRST_BLOCK; good && cascade->n < options->n_ferns; end *= 2) {
        end = end < options->n_ferns ? end : options->n_ferns;
        good = mine(&t);
        if (good && t.n_filled < DRAWN / 4)
            break;
        good = good && train_block(&t, end);
        cascade->dense = cascade->n < options->dense ? cascade->n : options->dense;
    }
    mx_face_scan_free(context, &t.scan);
    mx_face_octaves_free(context, &t.octaves);
    free(t.windows);
    free(t.scores);
    free(t.alive);
    free(t.drawn);
    free(t.turned);
    return good;
}
