/* SPDX-License-Identifier: MIT */
/* Changed clips against the fields that movements make when they are changed. */
#include <math.h>
#include <string.h>

#include "support.h"
#include "train/augment.h"

enum { W = 32, H = 24, N_PIXELS = W * H };

static const mx_change nothing = {.zoom = 1, .gain = 1};
static const mx_planes flow = {
    .n = 3, .n_frames = 1, .height = H, .width = W, .is_flow = true};
static float from[3 * N_PIXELS], to[3 * N_PIXELS], work[4 * N_PIXELS];

/* The motion A x of points x from the middle, and its strain. */
static void make_linear(double a[2][2], float zero, float *planes)
{
    const double shear = a[0][1] + a[1][0];
    const double strain =
        sqrt(a[0][0] * a[0][0] + a[1][1] * a[1][1] + 0.5 * shear * shear);
    for (int k = 0; k < N_PIXELS; k++) {
        const double x = k % W - (W - 1) / 2.0, y = k / W - (H - 1) / 2.0;
        planes[k] = (float)((double)zero + a[0][0] * x + a[0][1] * y);
        planes[N_PIXELS + k] = (float)((double)zero + a[1][0] * x + a[1][1] * y);
        planes[2 * N_PIXELS + k] = (float)strain;
    }
}

/* Of pixels whose sources are all inside. */
static void assert_same(const float *want, int margin, double tolerance)
{
    for (int k = 0; k < 3 * N_PIXELS; k++) {
        const int x = k % W, y = k / W % H;
        if (x >= margin && x < W - margin && y >= margin && y < H - margin)
            assert_float_equal(to[k], want[k], tolerance);
    }
}

static void apply(const mx_change *change, const mx_planes *planes)
{
    mx_rng rng;
    mx_rng_seed(&rng, 1, 1);
    assert_true(mx_augment_work(planes) <= sizeof work / sizeof *work);
    mx_augment_apply(change, planes, &rng, from, to, work);
}

static void nothing_changes(void **state)
{
    static double a[2][2] = {{0.3, -0.2}, {0.1, 0.4}};
    (void)state;
    make_linear(a, 0, from);
    apply(&nothing, &flow);
    assert_memory_equal(from, to, sizeof from);
}

/* A face that turns by R, grows by z and is mirrored by M moves as z R M A M R' / z. */
static void turned_movements(void **state)
{
    static double a[2][2] = {{0.3, -0.2}, {0.1, 0.4}};
    static float want[3 * N_PIXELS];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const double angle = 0.2, c = cos(angle), s = sin(angle), m = i ? -1 : 1;
        const double r[2][2] = {{m * c, -s}, {m * s, c}};
        double ra[2][2], turned[2][2];
        for (int k = 0; k < 4; k++)
            ra[k / 2][k % 2] = r[k / 2][0] * a[0][k % 2] + r[k / 2][1] * a[1][k % 2];
        for (int k = 0; k < 4; k++)
            turned[k / 2][k % 2] =
                ra[k / 2][0] * r[k % 2][0] + ra[k / 2][1] * r[k % 2][1];
        mx_change change = nothing;
        change.is_mirrored = i;
        change.angle = angle;
        change.zoom = 1.1;
        make_linear(a, 0, from);
        apply(&change, &flow);
        make_linear(turned, 0, want);
        assert_same(want, 4, 1e-5);
    }
}

/* Exactly: u changes its sign, v and strain do not. */
static void mirror_images(void **state)
{
    (void)state;
    mx_planes picture = flow;
    mx_change change = nothing;
    picture.zero = 127.5f;
    change.is_mirrored = true;
    for (int k = 0; k < 3 * N_PIXELS; k++)
        from[k] = (float)(k * 37 % 256);
    apply(&change, &picture);
    for (int k = 0; k < 3 * N_PIXELS; k++) {
        const float other = from[k / W * W + W - 1 - k % W];
        assert_float_equal(to[k], k < N_PIXELS ? 255 - other : other, 0);
    }
    picture.is_flow = false;
    apply(&change, &picture);
    for (int k = 0; k < 3 * N_PIXELS; k++)
        assert_float_equal(to[k], from[k / W * W + W - 1 - k % W], 0);
}

static void shifts(void **state)
{
    (void)state;
    mx_change change = nothing;
    change.shift_x = 2.5;
    change.shift_y = -1;
    for (int k = 0; k < 3 * N_PIXELS; k++)
        from[k] = (float)(3 * (k % W) - 2 * (k / W % H));
    apply(&change, &flow);
    for (int y = 0; y < H - 1; y++)
        for (int x = 3; x < W; x++)
            assert_float_equal(to[y * W + x], 3 * (x - 2.5) - 2 * (y + 1), 1e-4);
    assert_float_equal(to[0], from[W], 0); /* the border goes on */
}

static void values(void **state)
{
    (void)state;
    mx_planes picture = flow;
    mx_change change = nothing;
    picture.zero = 10;
    change.gain = 0.5;
    for (int k = 0; k < 3 * N_PIXELS; k++)
        from[k] = k % 2 ? 12 : 8;
    apply(&change, &picture);
    assert_float_equal(to[0], 9, 0);
    assert_float_equal(to[2 * N_PIXELS], 4, 0);
    change = nothing;
    change.noise = 0.5;
    apply(&change, &picture);
    double mean = 0, square = 0;
    for (int k = 0; k < N_PIXELS; k++) {
        mean += (double)(to[k] - from[k]) / N_PIXELS;
        square += pow((double)(to[k] - from[k]), 2) / N_PIXELS;
    }
    assert_float_equal(mean, 0, 0.15);
    assert_float_equal(sqrt(square), 0.5 * 2, 0.1); /* half of the movement's 2 */
}

/* A Gaussian of sigma has the variance sigma². */
static void blurs(void **state)
{
    (void)state;
    mx_change change = nothing;
    double mass = 0, spread = 0;
    memset(from, 0, sizeof from);
    from[12 * W + 16] = 1;
    change.blur = 1.5;
    apply(&change, &flow);
    for (int k = 0; k < N_PIXELS; k++) {
        mass += (double)to[k];
        spread += (double)to[k] * pow(k % W - 16, 2);
    }
    assert_float_equal(mass, 1, 1e-5);
    assert_float_equal(spread, 1.5 * 1.5, 0.01);
}

static void hides(void **state)
{
    (void)state;
    mx_planes picture = flow;
    mx_change change = nothing;
    picture.zero = 5;
    change.hidden_x = -2;
    change.hidden_y = 3;
    change.hidden_size = 6;
    for (int k = 0; k < 3 * N_PIXELS; k++)
        from[k] = 9;
    apply(&change, &picture);
    for (int k = 0; k < 3 * N_PIXELS; k++) {
        const int x = k % W, y = k / W % H;
        const float still = k < 2 * N_PIXELS ? 5 : 0;
        assert_float_equal(to[k], x < 4 && y >= 3 && y < 9 ? still : 9, 0);
    }
}

/* What is drawn lies within what is asked for, and follows from seed and stream. */
static void draws(void **state)
{
    static const mx_augment asked = {.flip = 0.5,
        .turn = 10,
        .shift = 2,
        .zoom = 0.1,
        .occlusion = 0.25,
        .gain = 0.2,
        .blur = 1};
    int n_mirrored = 0;
    double largest = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        mx_rng rng, again;
        mx_change a, b;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        mx_rng_seed(&rng, 7, (uint64_t)i);
        mx_rng_seed(&again, 7, (uint64_t)i);
        mx_augment_draw(&asked, &flow, &rng, &a);
        mx_augment_draw(&asked, &flow, &again, &b);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(fabs(a.angle) <= 10 * 3.1416 / 180 && fabs(a.shift_x) <= 2);
        assert_true(fabs(a.zoom - 1) <= 0.1 && fabs(a.gain - 1) <= 0.2);
        assert_true(a.blur >= 0 && a.blur <= 1 && a.hidden_size <= 6);
        n_mirrored += a.is_mirrored;
        largest = fmax(largest, a.shift_y);
    }
    assert_true(n_mirrored > 440 && n_mirrored < 560);
    assert_true(largest > 1.9);
}

/* Rows sum to 1; without dropping a frame every kernel gives the frames back, but for the
 * box, which may; straight lines stay straight. */
static void frames(void **state)
{
    enum { IN = 12, OUT = 20 };
    static float rows[OUT * IN];
    (void)state;
    for (int kernel = 0; kernel < MX_N_TIME_KERNELS; kernel++) {
        mx_rng rng;
        mx_rng_seed(&rng, 3, (uint64_t)kernel);
        mx_time_jitter(&rng, IN, IN, 0, (mx_time_kernel)kernel, rows);
        for (int k = 0; k < IN * IN; k++)
            assert_float_equal(rows[k], (k / IN == k % IN), 1e-6);
        mx_time_jitter(&rng, IN, OUT, 0.3, (mx_time_kernel)kernel, rows);
        bool used[IN] = {false};
        int n_used = 0;
        for (int k = 0; k < OUT; k++) {
            double sum = 0;
            for (int i = 0; i < IN; i++) {
                sum += (double)rows[k * IN + i];
                used[i] = used[i] || rows[k * IN + i] != 0;
            }
            assert_float_equal(sum, 1, 1e-5);
        }
        for (int i = 0; i < IN; i++)
            n_used += used[i];
        assert_int_equal(n_used, IN - 4); /* ceil(0.3 × 12) are dropped */
    }
    mx_rng rng;
    mx_rng_seed(&rng, 3, 0);
    mx_time_jitter(&rng, IN, OUT, 0, MX_TIME_CUBIC, rows);
    for (int k = 4; k < OUT - 4; k++) {
        double at = 0;
        for (int i = 0; i < IN; i++)
            at += i * (double)rows[k * IN + i];
        assert_float_equal(at, (k + 0.5) * IN / OUT - 0.5, 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes),
        cmocka_unit_test(turned_movements),
        cmocka_unit_test(mirror_images),
        cmocka_unit_test(shifts),
        cmocka_unit_test(values),
        cmocka_unit_test(blurs),
        cmocka_unit_test(hides),
        cmocka_unit_test(draws),
        cmocka_unit_test(frames),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
