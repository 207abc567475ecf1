/* SPDX-License-Identifier: MIT */
/* Motion magnification: the filters against their analogue models, motion against what
 * theory promises, formats, and what is refused. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "microexpr/spot.h"
#include "spot/spot_pyramid.h"
#include "support.h"

#define PI 3.14159265358979323846

static mexpr_magnify_options options_of(double fps)
{
    mexpr_magnify_options o = MEXPR_MAGNIFY_OPTIONS_INIT;
    o.fps = fps;
    return o;
}

static mexpr_image *picture(
    mexpr_context *context, mexpr_format format, int32_t width, int32_t height)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, format, width, height, &image));
    return image;
}

static const mexpr_image *through(mexpr_magnifier *magnifier, const mexpr_image *frame)
{
    const mexpr_image *out;
    assert_int_equal(mexpr_magnifier_push(magnifier, frame), MEXPR_OK);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_OK);
    return out;
}

/* --- pyramid ----------------------------------------------------------------------- */

/* A constant stays what it is, down and up, at all sizes. */
static void pyramid_keeps_constants(void **state)
{
    (void)state;
    for (int32_t width = 1; width <= 17; width++) {
        for (int32_t height = 1; height <= 17; height++) {
            float in[17 * 17], half[9 * 9 + 1], line[17], out[17 * 17 + 1];
            for (int i = 0; i < width * height; i++) {
                in[i] = 3;
                out[i] = 1;
            }
            const int n_half = mx_half(width) * mx_half(height);
            half[n_half] = 77;
            out[width * height] = 77;
            mx_spot_reduce(in, width, height, line, half);
            for (int i = 0; i < n_half; i++)
                assert_true(half[i] == 3);
            mx_spot_expand_add(half, width, height, -1, line, out);
            for (int i = 0; i < width * height; i++)
                assert_true(out[i] == -2);
            assert_true(half[n_half] == 77 && out[width * height] == 77);
        }
    }
}

/* --- the band ---------------------------------------------------------------------- */

/* The analogue filter at the frequency that the bilinear transform puts at `hz`. */
static double complex model(
    mexpr_band band, double low, double high, double fps, double hz)
{
    const double l = tan(PI * low / fps), h = tan(PI * high / fps);
    const double complex s = I * tan(PI * hz / fps);
    const double complex p = (s * s + l * h) / (s * (h - l)); /* low-pass to band-pass */
    if (band == MEXPR_BAND_DIFFERENCE)
        return h / (s + h) - l / (s + l);
    return band == MEXPR_BAND_FIRST ? 1 / (p + 1) : 1 / (p * p + sqrt(2) * p + 1);
}

/* What is added to a fine checkerboard whose contrast swings at `hz`: amplitude and phase
 * after the start has died away, per unit of the swing. */
static double complex measured(
    mexpr_context *context, const mexpr_magnify_options *o, double hz)
{
    enum { SIDE = 16, SETTLE = 6000, PERIODS = 8 };
    mexpr_magnifier *magnifier;
    assert_ok(context, mexpr_magnifier_create(context, o, &magnifier));
    mexpr_image *frame = picture(context, MEXPR_FORMAT_GREYF32, SIDE, SIDE);
    float *pixels = mexpr_image_pixels(frame);
    const int n = (int)lround(PERIODS * o->fps / hz);
    double complex sum = 0;
    for (int t = 0; t < SETTLE + n; t++) {
        const double phase = 2 * PI * PERIODS * t / n;
        for (int i = 0; i < SIDE * SIDE; i++)
            pixels[i] = (float)(100 + ((i + i / SIDE) % 2 ? -20 : 20) * sin(phase));
        const mexpr_image *out = through(magnifier, frame);
        const float *got = mexpr_image_data(out);
        if (t >= SETTLE)
            sum += (double)(got[8 * SIDE + 8] - pixels[8 * SIDE + 8]) * cexp(-I * phase);
    }
    mexpr_image_destroy(&frame);
    mexpr_magnifier_destroy(&magnifier);
    return sum * 2 * I / n / 20;
}

static void frequency_response(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const double frequencies[] = {0.25, 0.5, 1, 2, 4, 8, 16, 40};
    double worst = 0;
    for (int band = 1; band <= 3; band++) {
        mexpr_magnify_options o = options_of(100);
        o.low = 1;
        o.high = 4;
        o.alpha = 2;
        o.wavelength = 1; /* full gain on every level */
        o.band = band;
        for (int i = 0; i < 8; i++) {
            const double hz = frequencies[i];
            const int n = (int)lround(8 * o.fps / hz);
            const double complex want =
                2 * model((mexpr_band)band, o.low, o.high, o.fps, 8 * o.fps / n);
            const double complex got = measured(context, &o, hz);
            worst = fmax(worst, cabs(got - want));
        }
    }
    print_message(
        "largest difference to the analogue models: %.2g of the swing\n", worst);
    assert_true(worst < 1e-4);
    /* Butterworth: 1 in the middle, -3 dB at the ends. */
    for (int band = 1; band <= 2; band++) {
        const double w = sqrt(tan(PI / 100) * tan(4 * PI / 100));
        assert_true(fabs(cabs(model(band, 1, 4, 100, atan(w) * 100 / PI)) - 1) < 1e-12);
        assert_true(fabs(cabs(model(band, 1, 4, 100, 1)) - sqrt(0.5)) < 1e-12);
        assert_true(fabs(cabs(model(band, 1, 4, 100, 4)) - sqrt(0.5)) < 1e-12);
    }
    mexpr_context_destroy(&context);
}

/* --- motion ------------------------------------------------------------------------ */

/* A wave of `wavelength` px that sways by `sway` px at 2 Hz: the sway that comes out,
 * over the one that went in. Measured as the phase of the wave along the middle row. */
static double motion_gain(mexpr_context *context, const mexpr_magnify_options *o,
    double wavelength, double sway)
{
    enum { SIDE = 256, ROWS = 128, N = 350 };
    mexpr_magnifier *magnifier;
    assert_ok(context, mexpr_magnifier_create(context, o, &magnifier));
    mexpr_image *frame = picture(context, MEXPR_FORMAT_GREYF32, SIDE, ROWS);
    float *pixels = mexpr_image_pixels(frame);
    const double k = 2 * PI / wavelength;
    const int first = 64, n = (int)lround(floor(128 / wavelength) * wavelength);
    double in_sum = 0, out_sum = 0;
    for (int t = 0; t < N; t++) {
        const double swing = sin(2 * PI * 2 * t / 100);
        for (int i = 0; i < SIDE * ROWS; i++)
            pixels[i] = (float)(128 + 50 * sin(k * (i % SIDE - sway * swing)));
        const float *got =
            (const float *)mexpr_image_data(through(magnifier, frame)) + ROWS / 2 * SIDE;
        double complex wave = 0;
        for (int x = first; x < first + n; x++)
            wave += (double)got[x] * cexp(-I * k * x);
        const double moved = -carg(wave * I) / k;
        if (t >= N - 100) {
            in_sum += swing * swing * sway;
            out_sum += swing * moved;
        }
    }
    mexpr_image_destroy(&frame);
    mexpr_magnifier_destroy(&magnifier);
    return out_sum / in_sum;
}

static void motion_is_magnified(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_magnify_options o = options_of(100);
    o.low = 1;
    o.high = 4; /* 2 Hz is close to the middle: gain near 1 */
    o.alpha = 8;
    o.wavelength = 16;
    /* Long waves get all of alpha and move 1 + alpha times as far; short ones less: level
     * k has the share bound(k) = min(8, 5·2^k · 9/16 - 1) of 1.8, 4.6, 8, 8, … */
    for (double wavelength = 32; wavelength <= 64; wavelength *= 2) {
        const double gain = motion_gain(context, &o, wavelength, 0.05);
        print_message("wave of %g px: motion × %.3f, expected 9\n", wavelength, gain);
        assert_true(fabs(gain - 9) < 0.9);
    }
    const double small = motion_gain(context, &o, 4, 0.02);
    print_message("wave of 4 px: motion × %.3f, at most 2.8 + some of 4.6\n", small);
    assert_true(small > 2 && small < 4.5);
    /* Outside of the band nothing happens. */
    o.low = 20;
    o.high = 40;
    const double outside = motion_gain(context, &o, 32, 0.05);
    print_message("2 Hz with a band of 20 to 40 Hz: motion × %.3f\n", outside);
    assert_true(fabs(outside - 1) < 0.25);
    mexpr_context_destroy(&context);
}

/* --- formats ----------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* A still clip comes out as it went in, bit for bit, in every format and size. */
static void still_clips_stay(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint32_t seed = 5;
    for (int format = 1; format <= 6; format++) {
        for (int32_t size = 1; size <= 40; size += 3) {
            mexpr_magnify_options o = options_of(30);
            o.chroma = 0.5;
            mexpr_magnifier *magnifier;
            mexpr_image *frame =
                picture(context, (mexpr_format)format, size, (size * 7) % 23 + 1);
            uint8_t *bytes = mexpr_image_pixels(frame);
            const size_t n =
                mexpr_image_stride(frame) * (size_t)mexpr_image_height(frame);
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)next_random(&seed);
            for (size_t i = 0; format == MEXPR_FORMAT_GREYF32 && i < n / 4; i++)
                ((float *)(void *)bytes)[i] = (float)(next_random(&seed) % 256);
            assert_ok(context, mexpr_magnifier_create(context, &o, &magnifier));
            for (int t = 0; t < 5; t++)
                assert_memory_equal(
                    mexpr_image_data(through(magnifier, frame)), bytes, n);
            mexpr_magnifier_destroy(&magnifier);
            mexpr_image_destroy(&frame);
        }
    }
    mexpr_context_destroy(&context);
}

/* Grey content gives the same in every format. */
static void formats_agree(void **state)
{
    (void)state;
    enum { W = 37, H = 29, N = 12 };
    mexpr_context *context = test_context(NULL, 1);
    const mexpr_magnify_options o = options_of(10);
    mexpr_magnifier *magnifiers[7];
    for (int format = 1; format <= 6; format++)
        assert_ok(context, mexpr_magnifier_create(context, &o, &magnifiers[format]));
    for (int t = 0; t < N; t++) {
        mexpr_image *grey = picture(context, MEXPR_FORMAT_GREY8, W, H);
        for (int i = 0; i < W * H; i++)
            ((uint8_t *)mexpr_image_pixels(grey))[i] =
                (uint8_t)(120 + 40 * sin(0.4 * (i % W) + 0.2 * (i / W) - 0.1 * sin(t)));
        mexpr_image *want = NULL;
        for (int format = 1; format <= 6; format++) {
            mexpr_image *frame, *back;
            assert_ok(context,
                mexpr_image_convert(context, grey, (mexpr_format)format, &frame));
            assert_ok(
                context, mexpr_image_convert(context, through(magnifiers[format], frame),
                             MEXPR_FORMAT_GREY8, &back));
            mexpr_image_destroy(&frame);
            if (!want) {
                want = back;
                continue;
            }
            const uint8_t *a = mexpr_image_data(want), *b = mexpr_image_data(back);
            for (int i = 0; i < W * H; i++)
                assert_true(a[i] - b[i] <= 1 && b[i] - a[i] <= 1);
            mexpr_image_destroy(&back);
        }
        mexpr_image_destroy(&want);
        mexpr_image_destroy(&grey);
    }
    for (int format = 1; format <= 6; format++)
        mexpr_magnifier_destroy(&magnifiers[format]);
    mexpr_context_destroy(&context);
}

/* --- pushing and pulling ----------------------------------------------------------- */

static void push_and_pull(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    const mexpr_magnify_options o = options_of(30);
    mexpr_magnifier *magnifier;
    const mexpr_image *out = (const mexpr_image *)1;
    assert_ok(context, mexpr_magnifier_create(context, &o, &magnifier));
    mexpr_image *frame = picture(context, MEXPR_FORMAT_GREYF32, 20, 20);
    mexpr_image *wide = picture(context, MEXPR_FORMAT_GREYF32, 21, 20);
    mexpr_image *bytes = picture(context, MEXPR_FORMAT_GREY8, 20, 20);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_AGAIN);
    assert_null(out);
    assert_int_equal(mexpr_magnifier_push(magnifier, frame), MEXPR_OK);
    assert_int_equal(mexpr_magnifier_push(magnifier, frame), MEXPR_AGAIN);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_OK);
    assert_non_null(out);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_AGAIN);
    const long n_allocs = heap.n_allocs;
    for (int t = 0; t < 5; t++)
        through(magnifier, frame);
    assert_int_equal(heap.n_allocs, n_allocs);

    assert_int_equal(mexpr_magnifier_push(magnifier, wide), MEXPR_E_SHAPE);
    assert_non_null(strstr(mexpr_magnifier_last_error(magnifier), "21×20"));
    assert_int_equal(mexpr_magnifier_push(magnifier, bytes), MEXPR_E_TYPE);
    ((float *)mexpr_image_pixels(frame))[21] = NAN;
    assert_int_equal(mexpr_magnifier_push(magnifier, frame), MEXPR_E_FORMAT);
    assert_non_null(strstr(mexpr_magnifier_last_error(magnifier), "(1, 1)"));
    ((float *)mexpr_image_pixels(frame))[21] = 0;
    const float *pixels = mexpr_image_data(through(magnifier, frame));
    for (int i = 0; i < 400; i++)
        assert_true(pixels[i] == 0);
    mexpr_magnifier_reset(magnifier);
    through(magnifier, bytes);
    assert_int_equal(mexpr_magnifier_push(magnifier, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_push(NULL, frame), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_pull(NULL, &out), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_pull(magnifier, NULL), MEXPR_E_ARG);
    mexpr_magnifier_reset(NULL);
    mexpr_magnifier_destroy(NULL);
    assert_string_equal(mexpr_magnifier_last_error(NULL), "");
    mexpr_magnifier_destroy(&magnifier);
    mexpr_image_destroy(&bytes);
    mexpr_image_destroy(&wide);
    mexpr_image_destroy(&frame);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

static void refuse(mexpr_context *context, mexpr_magnify_options o, const char *part)
{
    mexpr_magnifier *magnifier = (mexpr_magnifier *)1;
    assert_failure(
        context, mexpr_magnifier_create(context, &o, &magnifier), MEXPR_E_RANGE, part);
    assert_null(magnifier);
}

static void bad_options(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_magnifier *magnifier;
    assert_failure(context, mexpr_magnifier_create(context, NULL, &magnifier),
        MEXPR_E_RANGE, "fps is 0");
    const mexpr_magnify_options good = options_of(30);
    mexpr_magnify_options o = good;
    o.fps = NAN;
    refuse(context, o, "fps is nan");
    o = good;
    o.low = -1;
    refuse(context, o, "low");
    o = good;
    o.low = 3;
    refuse(context, o, "the band of 3 to 3 Hz");
    o = good;
    o.high = 15;
    refuse(context, o, "half of 30");
    o = good;
    o.alpha = 1001;
    refuse(context, o, "alpha");
    o = good;
    o.wavelength = -2;
    refuse(context, o, "wavelength");
    o = good;
    o.chroma = 1.5;
    refuse(context, o, "chroma");
    o = good;
    o.band = 4;
    refuse(context, o, "band");
    o = good;
    o.levels = 31;
    refuse(context, o, "levels");
    o = good;
    o.struct_size--;
    assert_failure(context, mexpr_magnifier_create(context, &o, &magnifier), MEXPR_E_ABI,
        "struct_size");
    assert_int_equal(mexpr_magnifier_create(NULL, &good, &magnifier), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_create(context, &good, NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pyramid_keeps_constants),
        cmocka_unit_test(frequency_response),
        cmocka_unit_test(motion_is_magnified),
        cmocka_unit_test(still_clips_stay),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(push_and_pull),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests_name("magnify", tests, NULL, NULL);
}
