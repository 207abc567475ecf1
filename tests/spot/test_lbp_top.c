/* SPDX-License-Identifier: MIT */
/* LBP-TOP against a plain second implementation over the whole clip as a volume, and
 * against cases computed by hand. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/spot.h"
#include "support.h"

enum { MAX_FRAMES = 24 };
#define PI 3.14159265358979323846

TEST_CONTEXT

/* --- clips ----------------------------------------------------------------------- */

typedef struct clip {
    int width, height, n;
    mexpr_image *frames[MAX_FRAMES];
} clip;

static const mexpr_image *const *frames_of(const clip *c)
{
    return (const mexpr_image *const *)c->frames;
}

static clip make_clip(int width, int height, int n)
{
    clip c = {width, height, n, {NULL}};
    for (int t = 0; t < n; t++)
        assert_ok(context,
            mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &c.frames[t]));
    return c;
}

static void free_clip(clip *c)
{
    for (int t = 0; t < c->n; t++)
        mexpr_image_destroy(&c->frames[t]);
}

static uint8_t *at(const clip *c, int x, int y, int t)
{
    return (uint8_t *)mexpr_image_pixels(c->frames[t]) +
           (size_t)y * mexpr_image_stride(c->frames[t]) + (size_t)x;
}

/* Few grey levels, so that neighbours often equal their centre. */
static clip random_clip(int width, int height, int n, int levels, uint64_t seed)
{
    clip c = make_clip(width, height, n);
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < width * height; i++)
            *at(&c, i % width, i / width, t) =
                (uint8_t)mx_rng_below(&rng, (uint32_t)levels);
    }
    return c;
}

/* --- the second implementation --------------------------------------------------- */

static double round_if_near(double a)
{
    return fabs(a - round(a)) < 1e-9 ? round(a) : a;
}

/* Linear along one axis at a time, by a recursion over the axes x, y, t. */
static double value_at(const clip *c, const double place[3], int axis, int whole[3])
{
    if (axis < 0)
        return *at(c, whole[0], whole[1], whole[2]);
    const double low = floor(place[axis]), share = place[axis] - low;
    whole[axis] = (int)low;
    const double a = value_at(c, place, axis - 1, whole);
    if (share == 0)
        return a;
    whole[axis] = (int)low + 1;
    const double b = value_at(c, place, axis - 1, whole);
    return a + share * (b - a);
}

/* The bin of a code among the uniform ones, counted afresh every time. */
static int uniform_bin(unsigned code, int n)
{
    int before = 0;
    for (unsigned k = 0; k <= code; k++) {
        unsigned turned = (k >> 1) | (k & 1) << (n - 1), changes = k ^ turned;
        int ones = 0;
        for (; changes; changes &= changes - 1)
            ones++;
        if (k == code)
            return ones <= 2 ? before : n * (n - 1) + 2;
        before += ones <= 2;
    }
    return -1;
}

static void neighbour_place(const mexpr_lbp_top_options *o, int plane, int p, int n,
    const int centre[3], double place[3])
{
    const double a = 2 * PI * p / n;
    double offset[3] = {
        o->radius_x * cos(a), -o->radius_y * sin(a), o->radius_t * sin(a)};
    if (plane == 0)
        offset[2] = 0;
    if (plane == 1)
        offset[1] = 0;
    if (plane == 2) {
        offset[0] = 0;
        offset[2] = o->radius_t * cos(a);
    }
    for (int k = 0; k < 3; k++)
        place[k] = centre[k] + (o->sampling == MEXPR_LBP_NEAREST
                                       ? floor(round_if_near(offset[k]) + 0.5)
                                       : round_if_near(offset[k]));
}

static int block_of(int i, int size, int radius, int blocks)
{
    for (int k = blocks - 1; k > 0; k--) {
        if (i - radius >= k * (size - 2 * radius) / blocks)
            return k;
    }
    return 0;
}

/* Counts into values[block][plane][bin], 3 × 59 or so bins to a block. */
static void naive_lbp_top(
    const clip *c, const mexpr_lbp_top_options *o, double *values, int block_values)
{
    const int n[3] = {o->neighbours_xy, o->neighbours_xt, o->neighbours_yt};
    for (int t = o->radius_t; t < c->n - o->radius_t; t++) {
        for (int y = o->radius_y; y < c->height - o->radius_y; y++) {
            for (int x = o->radius_x; x < c->width - o->radius_x; x++) {
                const int block = (block_of(t, c->n, o->radius_t, o->layers) * o->rows +
                                      block_of(y, c->height, o->radius_y, o->rows)) *
                                      o->columns +
                                  block_of(x, c->width, o->radius_x, o->columns);
                double *to = values + block * block_values;
                for (int plane = 0; plane < 3; plane++) {
                    unsigned code = 0;
                    for (int p = 0; p < n[plane]; p++) {
                        const int centre[3] = {x, y, t};
                        double place[3];
                        int whole[3];
                        neighbour_place(o, plane, p, n[plane], centre, place);
                        if (value_at(c, place, 2, whole) >= *at(c, x, y, t) - 1e-6)
                            code |= 1u << p;
                    }
                    if (o->patterns == MEXPR_LBP_ALL) {
                        to[code]++;
                        to += 1 << n[plane];
                    } else {
                        to[uniform_bin(code, n[plane])]++;
                        to += n[plane] * (n[plane] - 1) + 3;
                    }
                }
            }
        }
    }
}

static void compare(const clip *c, const mexpr_lbp_top_options *o)
{
    static double expected[20000];
    static float values[20000];
    size_t n;
    assert_ok(context, mexpr_lbp_top(context, frames_of(c), c->n, o, NULL, 0, &n));
    assert_in_range(n, 1, 20000);
    memset(expected, 0, sizeof expected);
    const int blocks = o->columns * o->rows * o->layers;
    naive_lbp_top(c, o, expected, (int)n / blocks);
    assert_ok(context, mexpr_lbp_top(context, frames_of(c), c->n, o, values, n, NULL));
    for (size_t i = 0; i < n; i++) {
        if (values[i] != (float)expected[i])
            fail_msg("value %zu is %g, not %g", i, (double)values[i], expected[i]);
    }
}

static mexpr_lbp_top_options options_of(int rx, int ry, int rt, int nxy, int nxt, int nyt)
{
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
    o.radius_x = rx;
    o.radius_y = ry;
    o.radius_t = rt;
    o.neighbours_xy = nxy;
    o.neighbours_xt = nxt;
    o.neighbours_yt = nyt;
    o.columns = o.rows = o.layers = 1;
    o.sampling = MEXPR_LBP_BILINEAR;
    o.patterns = MEXPR_LBP_UNIFORM;
    o.counts = 1;
    return o;
}

/* --- tests ----------------------------------------------------------------------- */

static void equals_the_second_implementation(void **state)
{
    (void)state;
    static const int shapes[][6] = {{1, 1, 1, 8, 8, 8}, {1, 1, 4, 8, 8, 8},
        {3, 2, 2, 8, 4, 6}, {2, 4, 3, 5, 8, 7}, {1, 1, 1, 12, 8, 8}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        const int *s = shapes[k];
        clip c = random_clip(23, 19, 13, k % 2 ? 256 : 6, 40 + k);
        mexpr_lbp_top_options o = options_of(s[0], s[1], s[2], s[3], s[4], s[5]);
        compare(&c, &o);
        o.columns = 3;
        o.rows = 2;
        o.layers = 2;
        compare(&c, &o);
        o.sampling = MEXPR_LBP_NEAREST;
        compare(&c, &o);
        free_clip(&c);
    }
}

static void all_patterns_equal_the_second_implementation(void **state)
{
    (void)state;
    clip c = random_clip(15, 14, 9, 20, 3);
    mexpr_lbp_top_options o = options_of(1, 2, 2, 8, 6, 10);
    o.patterns = MEXPR_LBP_ALL;
    o.columns = 2;
    compare(&c, &o);
    free_clip(&c);
}

/* Equal greys everywhere: every neighbour is not below its centre, code 255, which is the
 * last of the 58 uniform ones. */
static void a_still_grey_clip_has_one_pattern(void **state)
{
    (void)state;
    for (int grey = 0; grey < 256; grey += 17) {
        clip c = make_clip(9, 9, 9);
        for (int t = 0; t < 9; t++)
            memset(mexpr_image_pixels(c.frames[t]), grey,
                mexpr_image_stride(c.frames[t]) * 9);
        mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
        o.columns = o.rows = 1;
        float values[177];
        assert_ok(
            context, mexpr_lbp_top(context, frames_of(&c), 9, &o, values, 177, NULL));
        for (int i = 0; i < 177; i++)
            assert_float_equal(values[i], (i % 59 == 57 ? 1 : 0), 0);
        free_clip(&c);
    }
}

/* One bright pixel as the only centre: no neighbour reaches it, code 0, the first bin.
 * One dark one: code 255. */
static void a_single_centre_by_hand(void **state)
{
    (void)state;
    clip c = make_clip(3, 3, 3);
    *at(&c, 1, 1, 1) = 200;
    mexpr_lbp_top_options o = options_of(1, 1, 1, 4, 4, 4);
    o.sampling = MEXPR_LBP_NEAREST;
    float values[3 * 15];
    size_t n;
    assert_ok(context, mexpr_lbp_top(context, frames_of(&c), 3, &o, values, 45, &n));
    assert_int_equal(n, 45);
    for (int i = 0; i < 45; i++)
        assert_float_equal(values[i], (i % 15 == 0 ? 1 : 0), 0);

    /* XY: right (bit 0) and above (bit 1); XT: right, after (bit 1); YT: after (bit 0),
     * above (bit 1): codes 3, 3, 3 of the uniform 0 1 2 3 4 6 ... */
    *at(&c, 2, 1, 1) = *at(&c, 1, 0, 1) = *at(&c, 1, 1, 2) = 250;
    assert_ok(context, mexpr_lbp_top(context, frames_of(&c), 3, &o, values, 45, &n));
    for (int i = 0; i < 45; i++)
        assert_float_equal(values[i], (i % 15 == 3 ? 1 : 0), 0);
    free_clip(&c);
}

static void shares_sum_to_one(void **state)
{
    (void)state;
    clip c = random_clip(24, 22, 12, 256, 9);
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT; /* 5 × 5 × 1, 177 each */
    static float values[25 * 177];
    size_t n;
    assert_ok(
        context, mexpr_lbp_top(context, frames_of(&c), 12, &o, values, 25 * 177, &n));
    assert_int_equal(n, 25 * 177);
    for (int h = 0; h < 75; h++) {
        double sum = 0;
        for (int i = 0; i < 59; i++)
            sum += values[h * 59 + i];
        assert_float_equal(sum, 1, 1e-5);
    }
    free_clip(&c);
}

/* A clip of float pictures, and 16-bit ones, say the same. */
static void formats_agree(void **state)
{
    (void)state;
    clip c = random_clip(17, 16, 9, 256, 21), other = {17, 16, 9, {NULL}};
    mexpr_lbp_top_options o = options_of(1, 1, 4, 8, 8, 8);
    float expected[177], values[177];
    assert_ok(context, mexpr_lbp_top(context, frames_of(&c), 9, &o, expected, 177, NULL));
    for (int format = MEXPR_FORMAT_RGB8; format <= MEXPR_FORMAT_GREYF32; format++) {
        for (int t = 0; t < 9; t++)
            assert_ok(context, mexpr_image_convert(context, c.frames[t],
                                   (mexpr_format)format, &other.frames[t]));
        assert_ok(
            context, mexpr_lbp_top(context, frames_of(&other), 9, &o, values, 177, NULL));
        assert_memory_equal(values, expected, sizeof values);
        free_clip(&other);
    }
    free_clip(&c);
}

static void memory_does_not_grow_with_the_clip(void **state)
{
    (void)state;
    long peaks[2];
    for (int k = 0; k < 2; k++) {
        test_heap heap;
        test_heap_init(&heap);
        mexpr_context *counted = test_context(&heap, 1);
        mexpr_image *frame;
        const mexpr_image *frames[200];
        assert_ok(
            counted, mexpr_image_create(counted, MEXPR_FORMAT_GREY8, 20, 20, &frame));
        for (int t = 0; t < 200; t++)
            frames[t] = frame;
        static float values[25 * 177];
        assert_ok(counted,
            mexpr_lbp_top(counted, frames, k ? 200 : 9, NULL, values, 25 * 177, NULL));
        mexpr_image_destroy(&frame);
        mexpr_context_destroy(&counted);
        peaks[k] = heap.peak_bytes;
        assert_int_equal(heap.live_bytes, 0);
    }
    assert_int_equal(peaks[0], peaks[1]);
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    clip c = random_clip(9, 9, 9, 256, 1);
    mexpr_lbp_top_options o = options_of(1, 1, 4, 8, 8, 8);
    float values[177];
    size_t n = 5;
    const mexpr_image *const *frames = frames_of(&c);
    assert_int_equal(mexpr_lbp_top(NULL, frames, 9, &o, values, 177, &n), MEXPR_E_ARG);
    assert_int_equal(n, 0);
    assert_failure(context, mexpr_lbp_top(context, NULL, 9, &o, values, 177, &n),
        MEXPR_E_ARG, "no frames");
    assert_failure(context, mexpr_lbp_top(context, frames, 0, &o, values, 177, &n),
        MEXPR_E_ARG, "no frames");
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, NULL, 0, NULL),
        MEXPR_E_ARG, "both values and n");
    assert_failure(context, mexpr_lbp_top(context, frames, 8, &o, values, 177, &n),
        MEXPR_E_SHAPE, "8 frames are too few for radius 4 and 1 blocks: it takes 9");
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 176, &n),
        MEXPR_E_RANGE, "room for 176 values, but there are 177");
    o.columns = 8;
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_SHAPE, "9 columns are too few");
    o.columns = 1;
    o.rows = 8;
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_SHAPE, "9 rows are too few");
    o.rows = 1;
    o.radius_x = 33;
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_RANGE, "option radius_x is 33");
    o.radius_x = 1;
    o.neighbours_yt = 17;
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_RANGE, "option neighbours_yt is 17");
    o.neighbours_yt = 8;
    o.struct_size = 4;
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_ABI, "struct_size 4");
    o.struct_size = sizeof o;
    mexpr_image_destroy(&c.frames[3]);
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_ARG, "frame 3 is NULL");
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 9, 8, &c.frames[3]));
    assert_failure(context, mexpr_lbp_top(context, frames, 9, &o, values, 177, &n),
        MEXPR_E_SHAPE, "frame 3 is 9×8, but frame 0 is 9×9");
    free_clip(&c);
}

static void the_limit_of_frames_holds(void **state)
{
    (void)state;
    mexpr_context_options options = test_options(NULL);
    options.max_frames = 10;
    mexpr_context *small;
    assert_int_equal(mexpr_context_create(&options, &small), MEXPR_OK);
    const mexpr_image *frames[11] = {NULL};
    size_t n;
    assert_failure(small, mexpr_lbp_top(small, frames, 11, NULL, NULL, 0, &n),
        MEXPR_E_LIMIT, "max_frames");
    mexpr_context_destroy(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_second_implementation),
        cmocka_unit_test(all_patterns_equal_the_second_implementation),
        cmocka_unit_test(a_still_grey_clip_has_one_pattern),
        cmocka_unit_test(a_single_centre_by_hand),
        cmocka_unit_test(shares_sum_to_one),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(memory_does_not_grow_with_the_clip),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(the_limit_of_frames_holds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
