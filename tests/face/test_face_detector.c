/* SPDX-License-Identifier: MIT */
/* The detector on made pictures and with made weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net_definition.h"
#include "support.h"

#include "base/rng.h"
#include "face/face_detector.h"

enum { MOST = 64 };

typedef struct picture {
    uint8_t *pixels;
    mx_face_view view;
} picture;

static picture make_picture(uint32_t width, uint32_t height, int grey)
{
    picture p = {malloc((size_t)width * height), {NULL, width, width, height}};
    assert_non_null(p.pixels);
    memset(p.pixels, grey, (size_t)width * height);
    p.view.pixels = p.pixels;
    return p;
}

static picture make_noise(uint32_t width, uint32_t height, uint64_t seed)
{
    mx_rng rng;
    picture p = make_picture(width, height, 0);
    mx_rng_seed(&rng, seed, 0);
    for (size_t i = 0; i < (size_t)width * height; i++)
        p.pixels[i] = (uint8_t)mx_rng_below(&rng, 256);
    return p;
}

/* --- weights ------------------------------------------------------------------------ */

/* Ferns of random comparisons and leaves that let through about half of what they see;
 * the network is all 0. */
static mx_face_model make_model(mx_scope *scope, int n, int dense)
{
    mx_rng rng;
    mx_face_model model = {{NULL, n, dense}, {.memory = NULL}};
    mx_rng_seed(&rng, 3, 0);
    model.cascade.ferns = mx_calloc(scope, (size_t)n, sizeof *model.cascade.ferns);
    assert_non_null(model.cascade.ferns);
    for (int i = 0; i < n; i++) {
        mx_face_fern *fern = &model.cascade.ferns[i];
        for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
            for (int k = 0; k < 2; k++)
                fern->pixels[j][k] = (uint8_t)mx_rng_below(&rng, MX_FACE_WINDOW);
        for (int j = 0; j < MX_FERN_LEAVES; j++)
            fern->leaves[j] = (int8_t)((int)mx_rng_below(&rng, 129) - 64);
        fern->threshold = -20;
    }
    assert_int_equal(mx_face_net_create(scope, &model.net), MEXPR_OK);
    return model;
}

static void test_weights_round_trip(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_model model = make_model(scope, 7, 3), again;
    uint8_t *bytes, *twice;
    size_t size, size_twice;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++)
        for (int k = 0; k < mx_face_layers[i].out; k++)
            model.net.weights[i][k] = (float)(k - 3) / 32767.0f;
    assert_ok(context, mx_face_model_write(scope, &model, &bytes, &size));
    assert_ok(context, mx_face_model_read(scope, bytes, size, &again));
    assert_int_equal(again.cascade.n, 7);
    assert_int_equal(again.cascade.dense, 3);
    assert_memory_equal(
        again.cascade.ferns, model.cascade.ferns, 7 * sizeof *again.cascade.ferns);
    for (int k = 0; k < 16; k++)
        assert_true(fabsf(again.net.weights[0][k] - model.net.weights[0][k]) < 1e-7f);
    assert_ok(context, mx_face_model_write(scope, &again, &twice, &size_twice));
    assert_int_equal(size, size_twice);
    assert_memory_equal(bytes, twice, size);
    mx_free(context, bytes);
    mx_free(context, twice);
    mx_face_model_free(context, &model);
    mx_face_model_free(context, &again);
    mexpr_context_destroy(&context);
}

static void expect_refused(mexpr_context *context, const uint8_t *bytes, size_t size,
    mexpr_status expected, const char *part)
{
    mx_face_detector *detector = (mx_face_detector *)(void *)context;
    assert_failure(context,
        mx_face_detector_create_from(mx_context_scope(context), bytes, size, &detector),
        expected, part);
    assert_null(detector);
}

static void test_bad_weights(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_model model = make_model(scope, 2, 1);
    uint8_t *bytes;
    size_t size;
    assert_ok(context, mx_face_model_write(scope, &model, &bytes, &size));
    expect_refused(context, bytes, 0, MEXPR_E_FORMAT, "not the weights");
    expect_refused(context, bytes, 15, MEXPR_E_FORMAT, "not the weights");
    expect_refused(context, bytes, size - 1, MEXPR_E_TRUNCATED, "bytes instead of");
    static const struct {
        int at;
        uint8_t value;
        mexpr_status status;
        const char *part;
    } harm[] = {
        {0, 'X', MEXPR_E_FORMAT, "not the weights"},
        {4, 9, MEXPR_E_UNSUPPORTED, "another version"},
        {6, 20, MEXPR_E_UNSUPPORTED, "another version"},
        {8, 6, MEXPR_E_UNSUPPORTED, "another version"},
        {10, 31, MEXPR_E_UNSUPPORTED, "another version"},
        {12, 0, MEXPR_E_FORMAT, "0 ferns"},
        {13, 0xff, MEXPR_E_FORMAT, "ferns"},
        {14, 0, MEXPR_E_FORMAT, "0 of them dense"},
        {14, 3, MEXPR_E_FORMAT, "3 of them dense"},
        {12, 3, MEXPR_E_TRUNCATED, "bytes instead of"},
        {17, MX_FACE_WINDOW, MEXPR_E_FORMAT, "fern 0"},
    };
    for (size_t i = 0; i < sizeof harm / sizeof harm[0]; i++) {
        const uint8_t good = bytes[harm[i].at];
        bytes[harm[i].at] = harm[i].value;
        expect_refused(context, bytes, size, harm[i].status, harm[i].part);
        bytes[harm[i].at] = good;
    }
    const size_t unit = 16 + 2 * (4 * MX_FERN_DEPTH + 2 + MX_FERN_LEAVES);
    memset(bytes + unit, 0, 4);
    expect_refused(context, bytes, size, MEXPR_E_FORMAT, "layer 0");
    memset(bytes + unit, 0xff, 4); /* not a number */
    expect_refused(context, bytes, size, MEXPR_E_FORMAT, "layer 0");
    mx_free(context, bytes);
    mx_face_model_free(context, &model);
    mexpr_context_destroy(&context);
}

/* --- the search ----------------------------------------------------------------------
 */

typedef struct collected {
    const mx_face_cascade *cascade;
    int n;
    mx_face_box last;
} collected;

static int score_by_hand(const mx_face_cascade *cascade, const mx_face_hit *hit)
{
    int score = 0;
    for (int i = 0; i < cascade->n; i++) {
        const mx_face_fern *fern = &cascade->ferns[i];
        unsigned leaf = 0;
        for (int j = 0; j < MX_FERN_DEPTH; j++) {
            const uint8_t *a = fern->pixels[2 * j], *b = fern->pixels[2 * j + 1];
            leaf |= (unsigned)(mx_face_hit_pixel(hit, a[0], a[1]) <
                               mx_face_hit_pixel(hit, b[0], b[1]))
                    << j;
        }
        score += fern->leaves[leaf];
    }
    return score;
}

static void collect(void *user, const mx_face_hit *hit)
{
    collected *c = user;
    assert_int_equal(score_by_hand(c->cascade, hit), (int)hit->box.score);
    c->last = hit->box;
    c->n++;
}

static void scan(mexpr_context *context, const mx_face_view *view,
    const mx_face_cascade *cascade, float smallest, float largest, collected *found)
{
    mx_scope *scope = mx_context_scope(context);
    mx_face_kernels kernels;
    mx_face_octaves octaves = {.n = 0};
    mx_face_scan work = {.columns = 0};
    const mx_face_sizes sizes = {smallest, largest, 1.2f};
    mx_face_kernels_init(&kernels, mexpr_context_cpu(context));
    assert_ok(context, mx_face_octaves_build(scope, &octaves, &kernels, view,
                           mx_face_scan_factor(view, &sizes)));
    *found = (collected){.cascade = cascade};
    assert_ok(context, mx_face_scan_run(scope, &work, &kernels, cascade, &octaves, &sizes,
                           collect, found));
    mx_face_scan_free(context, &work);
    mx_face_octaves_free(context, &octaves);
}

/* Scores of the vectors and of the rest of the cascade are those of the definition. */
static void test_scores(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    picture p = make_noise(97, 61, 1);
    for (int dense = 1; dense <= 5; dense++) {
        mx_face_model model = make_model(mx_context_scope(context), 5, dense);
        collected found;
        scan(context, &p.view, &model.cascade, 20, 1e6f, &found);
        assert_true(found.n > 10);
        mx_face_model_free(context, &model);
    }
    free(p.pixels);
    mexpr_context_destroy(&context);
}

/* Without thresholds every window is seen: how many, and where the last one is. */
static void test_windows(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_face_model model = make_model(mx_context_scope(context), 1, 1);
    model.cascade.ferns[0].threshold = -32768;
    picture p = make_noise(64, 48, 2);
    collected found;
    scan(context, &p.view, &model.cascade, 20, 20, &found);
    const int across = (64 + 2 * MX_FACE_PAD - MX_FACE_WINDOW) / 2 + 1;
    const int down = (48 + 2 * MX_FACE_PAD - MX_FACE_WINDOW) / 2 + 1;
    assert_int_equal(found.n, across * down);
    assert_true(found.last.size == 20);
    /* The last window ends with the padding; its box has 2 px of context around. */
    assert_true(fabsf(found.last.x + 22 - (64 + MX_FACE_PAD) + 0.5f) < 0.01f);
    assert_true(fabsf(found.last.y + 22 - (48 + MX_FACE_PAD) + 0.5f) < 0.01f);
    scan(context, &p.view, &model.cascade, 30, 29, &found);
    assert_int_equal(found.n, 0);
    free(p.pixels);
    mx_face_model_free(context, &model);
    mexpr_context_destroy(&context);
}

/* A bright square is where a cascade of "the middle is brighter than the corners" finds
 * it, whatever its size. */
static void test_place(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_face_model model = make_model(mx_context_scope(context), 1, 1);
    mx_face_fern *fern = &model.cascade.ferns[0];
    static const uint8_t ring[MX_FERN_DEPTH][2] = {
        {1, 1}, {22, 1}, {1, 22}, {22, 22}, {12, 1}, {1, 12}, {22, 12}};
    for (int j = 0; j < MX_FERN_DEPTH; j++) {
        memcpy(fern->pixels[2 * j], ring[j], 2);
        fern->pixels[2 * j + 1][0] = fern->pixels[2 * j + 1][1] = 12;
    }
    memset(fern->leaves, 0, sizeof fern->leaves);
    fern->leaves[MX_FERN_LEAVES - 1] = 100;
    fern->threshold = 50;
    for (int size = 20; size < 90; size += 23) {
        picture p = make_picture(200, 180, 10);
        for (int y = 0; y < size; y++)
            memset(p.pixels + (size_t)(70 + y) * 200 + 80, 200, (size_t)size);
        collected found;
        scan(context, &p.view, &model.cascade, (float)size, (float)size, &found);
        assert_true(found.n > 0);
        assert_true(fabsf(found.last.x - 80) < 0.4f * (float)size);
        assert_true(fabsf(found.last.y - 70) < 0.4f * (float)size);
        free(p.pixels);
    }
    mx_face_model_free(context, &model);
    mexpr_context_destroy(&context);
}

/* --- the whole ------------------------------------------------------------------------
 */

static void run(mexpr_context *context, mx_face_detector *detector,
    const mx_face_view *view, size_t expected)
{
    mx_face_box boxes[MOST];
    size_t n = 99;
    assert_ok(context, mx_face_detector_run(mx_context_scope(context), detector, view, 24,
                           1e6f, mx_face_detector_threshold(), boxes, MOST, &n));
    assert_int_equal(n, expected);
}

static void test_odd_pictures(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{1, 1}, {1, 300}, {300, 1}, {15, 16}, {16, 16},
        {17, 33}, {20000, 20}, {20, 20000}, {2, 5000}, {333, 111}};
    mexpr_context *context = test_context(NULL, 1);
    mx_face_detector *detector;
    assert_ok(context, mx_face_detector_create(mx_context_scope(context), &detector));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int grey = 0; grey < 256; grey += 85) {
            picture p = make_picture(sizes[i][0], sizes[i][1], grey);
            run(context, detector, &p.view, 0);
            free(p.pixels);
        }
    for (uint64_t seed = 0; seed < 4; seed++) {
        picture p = make_noise(200, 150, seed);
        run(context, detector, &p.view, 0);
        free(p.pixels);
    }
    mx_face_detector_destroy(context, &detector);
    assert_null(detector);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
}

static void test_bad_sizes(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector;
    mx_face_box box;
    size_t n = 99;
    const uint8_t pixel = 0;
    assert_ok(context, mx_face_detector_create(scope, &detector));
    const mx_face_view none = {&pixel, 1, 0, 1}, huge = {&pixel, 1u << 30, 1u << 30, 4};
    const mx_face_view longer = {&pixel, 1u << 25, 1u << 25, 1};
    assert_failure(context,
        mx_face_detector_run(scope, detector, &none, 24, 100, 0.5f, &box, 1, &n),
        MEXPR_E_ARG, "not possible");
    assert_failure(context,
        mx_face_detector_run(scope, detector, &huge, 24, 100, 0.5f, &box, 1, &n),
        MEXPR_E_LIMIT, "max_pixels");
    assert_failure(context,
        mx_face_detector_run(scope, detector, &longer, 24, 100, 0.5f, &box, 1, &n),
        MEXPR_E_LIMIT, "cut it");
    assert_int_equal(n, 0);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
}

/* Sizes that are no numbers, or the wrong way round, find nothing and end. */
static void test_odd_bounds(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector;
    mx_face_box box;
    size_t n;
    picture p = make_noise(120, 90, 8);
    static const float bounds[][2] = {{0, 1e6f}, {-5, 50}, {NAN, 100}, {24, NAN},
        {100, 50}, {24, INFINITY}, {INFINITY, INFINITY}, {1e-30f, 1e30f}};
    assert_ok(context, mx_face_detector_create(scope, &detector));
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        assert_ok(context, mx_face_detector_run(scope, detector, &p.view, bounds[i][0],
                               bounds[i][1], 0.5f, &box, 1, &n));
        assert_int_equal(n, 0);
    }
    assert_ok(context,
        mx_face_detector_run(scope, detector, &p.view, 24, 100, -1, &box, 0, &n));
    assert_int_equal(n, 0);
    free(p.pixels);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
}

/* A network that says yes to everything: what is merged, sorted and cut is seen. */
static mx_face_detector *make_eager(mexpr_context *context)
{
    mx_scope *scope = mx_context_scope(context);
    mx_face_model model = make_model(scope, 3, 2);
    mx_face_detector *detector;
    uint8_t *bytes;
    size_t size;
    model.net.weights[MX_FACE_NET_LAYERS - 1][0] = 0.5f;
    model.net.biases[MX_FACE_NET_LAYERS - 1][0] = 4;
    model.net.biases[MX_FACE_NET_LAYERS - 2][0] = 1;
    model.net.weights[0][0] = 1;
    model.net.weights[1][0] = 1;
    model.net.weights[2][0] = 1;
    model.net.weights[3][0] = 1;
    model.net.weights[4][0] = 0.01f;
    assert_ok(context, mx_face_model_write(scope, &model, &bytes, &size));
    assert_ok(context, mx_face_detector_create_from(scope, bytes, size, &detector));
    mx_free(context, bytes);
    mx_face_model_free(context, &model);
    return detector;
}

static void test_order(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector = make_eager(context);
    picture p = make_noise(300, 200, 5);
    mx_face_box boxes[MOST], again[MOST], few[3];
    size_t n, n_again;
    assert_ok(context,
        mx_face_detector_run(scope, detector, &p.view, 24, 100, 0.5f, boxes, MOST, &n));
    assert_true(n > 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(boxes[i].size >= 24 && boxes[i].size <= 100);
        for (size_t j = i + 1; j < n; j++) {
            assert_true(boxes[i].score > boxes[j].score ||
                        (boxes[i].score == boxes[j].score && boxes[i].y <= boxes[j].y) ||
                        boxes[i].score == 1);
            assert_true(mx_face_box_overlap(&boxes[i], &boxes[j]) < 0.3f);
        }
    }
    assert_ok(context, mx_face_detector_run(scope, detector, &p.view, 24, 100, 0.5f,
                           again, MOST, &n_again));
    assert_int_equal(n, n_again);
    assert_memory_equal(boxes, again, n * sizeof *boxes);
    assert_ok(context,
        mx_face_detector_run(scope, detector, &p.view, 24, 100, 0.5f, few, 3, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(boxes, few, sizeof few);
    assert_ok(context,
        mx_face_detector_run(scope, detector, &p.view, 24, 100, 1.5f, boxes, MOST, &n));
    assert_int_equal(n, 0);
    free(p.pixels);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
}

/* Rows may be longer than the picture. */
static void test_stride(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector = make_eager(context);
    picture wide = make_noise(200, 100, 6), cut = make_picture(150, 100, 0);
    for (size_t y = 0; y < 100; y++)
        memcpy(cut.pixels + y * 150, wide.pixels + y * 200, 150);
    wide.view.width = 150;
    mx_face_box a[MOST], b[MOST];
    size_t n, m;
    assert_ok(context,
        mx_face_detector_run(scope, detector, &wide.view, 24, 90, 0.5f, a, MOST, &n));
    assert_ok(context,
        mx_face_detector_run(scope, detector, &cut.view, 24, 90, 0.5f, b, MOST, &m));
    assert_true(n > 0);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n * sizeof *a);
    free(wide.pixels);
    free(cut.pixels);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
}

/* The first stage is the same on every instruction set. */
static void test_candidates_everywhere(void **state)
{
    (void)state;
    mx_face_box boxes[2][MOST];
    size_t n[2];
    const mx_face_sizes sizes = {24, 1e6f, 1.1f};
    picture p = make_noise(260, 190, 7);
    for (int i = 0; i < 2; i++) {
        mexpr_context_options options = test_options(NULL);
        mexpr_context *context = NULL;
        if (i == 1)
            options.cpu_mask = 0, options.cpu_mask_set = 1;
        assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
        mx_face_detector *detector = make_eager(context);
        assert_ok(context, mx_face_detector_candidates(mx_context_scope(context),
                               detector, &p.view, &sizes, 0.5f, boxes[i], MOST, &n[i]));
        mx_face_detector_destroy(context, &detector);
        mexpr_context_destroy(&context);
    }
    assert_true(n[0] > 0);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(boxes[0], boxes[1], n[0] * sizeof boxes[0][0]);
    free(p.pixels);
}

static void test_warm_runs_allocate_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mx_face_detector *detector = make_eager(context);
    mx_face_box boxes[MOST];
    size_t n;
    picture p = make_noise(300, 200, 9);
    long before = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1) /* the next ones are smaller or the same */
            before = heap.n_allocs;
        p.view.width = i == 1 ? 280 : 300;
        assert_ok(context, mx_face_detector_run(mx_context_scope(context), detector,
                               &p.view, 24, 1e6f, 0.5f, boxes, MOST, &n));
    }
    assert_int_equal(heap.n_allocs, before);
    free(p.pixels);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

static mexpr_status search(mexpr_context *context, void *arg)
{
    const picture *p = arg;
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector;
    mx_face_box boxes[MOST];
    size_t n;
    mexpr_status status = mx_face_detector_create(scope, &detector);
    if (status == MEXPR_OK)
        status = mx_face_detector_run(
            scope, detector, &p->view, 24, 1e6f, 0.5f, boxes, MOST, &n);
    mx_face_detector_destroy(context, &detector);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    picture p = make_noise(120, 90, 10);
    assert_true(test_oom_sweep(search, &p, 1) > 5);
    free(p.pixels);
}

/* --- patches --------------------------------------------------------------------------
 */

/* A patch of the picture's own pixels, mirrored and turned by a quarter. */
static void test_patch(void **state)
{
    (void)state;
    enum { SIDE = 8 };
    mexpr_context *context = test_context(NULL, 1);
    mx_face_kernels kernels;
    mx_face_octaves octaves = {.n = 0};
    picture p = make_noise(40, 30, 11);
    uint8_t patch[SIDE * SIDE];
    mx_face_kernels_init(&kernels, 0);
    assert_ok(context,
        mx_face_octaves_build(mx_context_scope(context), &octaves, &kernels, &p.view, 8));
    assert_int_equal(octaves.n, 4);
    assert_int_equal(octaves.views[3].width, 5);
    assert_int_equal(octaves.views[3].height, 3);
    assert_int_equal(mx_face_octave_of(&octaves, 0.5f), 0);
    assert_int_equal(mx_face_octave_of(&octaves, 3.9f), 1);
    assert_int_equal(mx_face_octave_of(&octaves, 1000), 3);
    for (int mirror = 0; mirror < 2; mirror++)
        for (int quarter = 0; quarter < 2; quarter++) {
            const mx_face_frame frame = {
                13.5f, 11.5f, quarter ? 0 : 1, quarter ? 1 : 0, mirror};
            mx_face_patch(&octaves, 0, &frame, SIDE, patch);
            for (int j = 0; j < SIDE; j++)
                for (int i = 0; i < SIDE; i++) {
                    const int u = mirror ? SIDE - 1 - i : i;
                    const int x = quarter ? 10 + SIDE - 1 - j : 10 + u;
                    const int y = quarter ? 8 + u : 8 + j;
                    assert_int_equal(patch[j * SIDE + i], p.pixels[y * 40 + x]);
                }
        }
    const mx_face_frame outside = {-500, 900, 1, 0, false};
    mx_face_patch(&octaves, 2, &outside, SIDE, patch);
    assert_int_equal(patch[0], octaves.views[2].pixels[6 * octaves.views[2].stride]);
    free(p.pixels);
    mx_face_octaves_free(context, &octaves);
    mexpr_context_destroy(&context);
}

/* --- the network ---------------------------------------------------------------------
 */

/* A layer as its definition has it, in double; weights are taps x outputs. */
static void layer_by_definition(const mx_small_layer *layer, const float *weights,
    const float *bias, const double *in, double *out)
{
    const int side = mx_small_layer_out_side(layer), pad = layer->kernel / 2;
    const int kernel = layer->kernel ? layer->kernel : layer->side;
    const int taps = (int)mx_small_layer_taps(layer);
    for (int o = 0; o < layer->out * side * side; o++) {
        const int channel = o % layer->out, x = o / layer->out % side;
        const int y = o / layer->out / side;
        double sum = (double)bias[channel];
        for (int t = 0; t < taps; t++) {
            const int from_x = x * layer->stride + t / layer->in % kernel - pad;
            const int from_y = y * layer->stride + t / layer->in / kernel - pad;
            if (from_x >= 0 && from_x < layer->side && from_y >= 0 &&
                from_y < layer->side)
                sum += (double)weights[t * layer->out + channel] *
                       in[(from_y * layer->side + from_x) * layer->in + t % layer->in];
        }
        out[o] = layer->relu && sum < 0 ? 0 : sum;
    }
}

static void test_network(void **state)
{
    (void)state;
    enum { SIDE = MX_FACE_NET_SIDE, MOST_VALUES = 16 * 16 * 16 };
    static double now[MOST_VALUES], then[MOST_VALUES];
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    const picture p = make_noise(SIDE, SIDE, 21);
    mx_face_net net;
    mx_small_net ready;
    mx_rng rng;
    float input[SIDE * SIDE], out[MX_FACE_NET_OUT];
    double expected[MX_FACE_NET_OUT];
    mx_rng_seed(&rng, 5, 0);
    assert_ok(context, mx_face_net_create(scope, &net));
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        const int taps = (int)mx_small_layer_taps(&mx_face_layers[i]);
        const int n = mx_face_layers[i].out;
        for (int k = 0; k < taps * n; k++)
            net.weights[i][k] = (float)mx_rng_normal(&rng) * sqrtf(2.0f / (float)taps);
        for (int k = 0; k < n; k++)
            net.biases[i][k] = 0.1f * (float)mx_rng_normal(&rng);
    }
    assert_ok(context, mx_face_net_prepare(scope, &net, &ready));
    mx_face_net_run(&ready, p.pixels, out);
    mx_face_net_input(p.pixels, input);
    net_by_definition(&ready, input, 1.0f, 0.0f, expected);
    for (int i = 0; i < MX_FACE_NET_OUT; i++)
        assert_true(fabs((double)out[i] - expected[i]) < 1e-4);
    for (int i = 0; i < SIDE * SIDE; i++)
        now[i] = (double)input[i];
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        layer_by_definition(&mx_face_layers[i], net.weights[i], net.biases[i], now, then);
        memcpy(now, then, sizeof now);
    }
    for (int i = 0; i < MX_FACE_NET_OUT; i++) /* what rounding weights and values does */
        assert_true(fabs((double)out[i] - now[i]) < 0.02);
    mx_small_net_free(context, &ready);
    mx_face_net_free(context, &net);
    free(p.pixels);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_round_trip),
        cmocka_unit_test(test_bad_weights),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_odd_pictures),
        cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_odd_bounds),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_stride),
        cmocka_unit_test(test_candidates_everywhere),
        cmocka_unit_test(test_warm_runs_allocate_nothing),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
