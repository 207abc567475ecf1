/* SPDX-License-Identifier: MIT */
/* Resizing and smoothing against small values worked out by hand and against slow sums
 * over the whole picture, straight from the definitions. */
#include <math.h>
#include <string.h>

#include "image/picture.h"
#include "image/samples.h"
#include "support.h"

static const mexpr_format all_formats[] = {MEXPR_FORMAT_GREY8, MEXPR_FORMAT_RGB8,
    MEXPR_FORMAT_BGR8, MEXPR_FORMAT_RGBA8, MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREYF32};
enum { N_FORMATS = sizeof all_formats / sizeof all_formats[0] };

static double sample(const mexpr_image *image, int x, int y, int c)
{
    const size_t at = (size_t)x * (size_t)mx_samples_per_pixel(image->format) + (size_t)c;
    const void *row = mx_image_row(image, y);
    if (image->format == MEXPR_FORMAT_GREYF32)
        return (double)((const float *)row)[at];
    if (image->format == MEXPR_FORMAT_GREY16)
        return ((const uint16_t *)row)[at];
    return ((const uint8_t *)row)[at];
}

/* Random pixels, in rows with a gap behind them that holds what must not be read. */
static mexpr_image *random_picture(
    mexpr_context *context, mexpr_format format, int width, int height, uint8_t *memory)
{
    const size_t row = (size_t)width * mexpr_format_bytes(format), stride = row + 8;
    uint32_t seed = (uint32_t)(width * 1000 + height);
    for (int y = 0; y < height; y++) {
        for (size_t i = 0; i < stride; i++) {
            seed = seed * 1664525 + 1013904223;
            memory[(size_t)y * stride + i] = i < row ? (uint8_t)(seed >> 24) : 0xff;
        }
        float *f = (float *)(void *)(memory + (size_t)y * stride);
        for (int x = 0; format == MEXPR_FORMAT_GREYF32 && x < width; x++) {
            seed = seed * 1664525 + 1013904223;
            f[x] = (float)(seed >> 16) / 65.536f - 300;
        }
    }
    mexpr_image *image;
    assert_ok(context, mexpr_image_wrap(context, format, width, height, stride, memory,
                           NULL, NULL, &image));
    return image;
}

/* --- the definitions --------------------------------------------------------------- */

static double cubic(double x)
{
    x = fabs(x);
    if (x < 1)
        return 1.25 * x * x * x - 2.25 * x * x + 1;
    return x < 2 ? -0.75 * x * x * x + 3.75 * x * x - 6 * x + 3 : 0;
}

/* Weight of source position s, which may lie outside, in output position x. */
static double weight(int s, int x, int n_in, int n_out, mexpr_filter filter)
{
    const double scale = (double)n_in / n_out, at = (x + 0.5) * scale - 0.5;
    if (filter == MEXPR_FILTER_AREA && n_out < n_in)
        return fmax(0, fmin(s + 1, (x + 1) * scale) - fmax(s, x * scale)) / scale;
    if (filter == MEXPR_FILTER_BICUBIC)
        return cubic(s - at);
    return fmax(0, 1 - fabs(s - at));
}

static int clamped(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

static double resized(const mexpr_image *in, int x, int y, int c, int out_width,
    int out_height, mexpr_filter filter)
{
    double sum = 0;
    for (int t = -3; t < in->height + 3; t++) {
        const double wy = weight(t, y, in->height, out_height, filter);
        for (int s = -3; wy != 0 && s < in->width + 3; s++)
            sum += wy * weight(s, x, in->width, out_width, filter) *
                   sample(in, clamped(s, in->width), clamped(t, in->height), c);
    }
    return sum;
}

static int mirrored(int i, int n)
{
    while (i < 0 || i >= n)
        i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
}

static double smoothed(const mexpr_image *in, int x, int y, int c, double sigma)
{
    const int r = (int)ceil(4 * sigma);
    double sum = 0, weights = 0;
    for (int t = -r; t <= r; t++) {
        for (int s = -r; s <= r; s++) {
            const double w = exp(-(s * s + t * t) / (2 * sigma * sigma));
            weights += w;
            sum += w *
                   sample(in, mirrored(x + s, in->width), mirrored(y + t, in->height), c);
        }
    }
    return sum / weights;
}

/* Integers are rounded and clamped: half a unit, and a tie may fall either way. */
static void check_sample(const mexpr_image *image, int x, int y, int c, double expected)
{
    const double got = sample(image, x, y, c);
    if (image->format == MEXPR_FORMAT_GREYF32) {
        assert_true(fabs(got - expected) <= 1e-4);
        return;
    }
    const double top = image->format == MEXPR_FORMAT_GREY16 ? 65535 : 255;
    assert_true(fabs(got - fmin(fmax(expected, 0), top)) <= 0.5 + 1e-6);
}

/* --- resize ------------------------------------------------------------------------ */

static void check_resize(mexpr_context *context, const mexpr_image *in, int width,
    int height, mexpr_filter filter)
{
    mexpr_image *out;
    assert_ok(context, mexpr_image_resize(context, in, width, height, filter, &out));
    assert_int_equal(out->width, width);
    assert_int_equal(out->height, height);
    assert_int_equal(out->format, in->format);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < mx_samples_per_pixel(in->format); c++)
                check_sample(out, x, y, c, resized(in, x, y, c, width, height, filter));
        }
    }
    mexpr_image_destroy(&out);
}

static void resize_as_defined(void **state)
{
    (void)state;
    static uint32_t memory[1 << 14];
    static const int sizes[][4] = {{20, 17, 9, 6}, {20, 17, 20, 17}, {7, 5, 15, 11},
        {5, 23, 11, 4}, {23, 5, 4, 11}, {1, 1, 3, 4}, {3, 4, 1, 1}, {1, 9, 9, 1},
        {9, 1, 1, 9}, {2, 2, 7, 1}, {16, 16, 8, 4}};
    mexpr_context *context = test_context(NULL, 1);
    for (int f = 0; f < N_FORMATS; f++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            const int *s = sizes[i];
            mexpr_image *in =
                random_picture(context, all_formats[f], s[0], s[1], (uint8_t *)memory);
            for (int filter = MEXPR_FILTER_AREA; filter <= MEXPR_FILTER_BICUBIC; filter++)
                check_resize(context, in, s[2], s[3], (mexpr_filter)filter);
            mexpr_image_destroy(&in);
        }
    }
    mexpr_context_destroy(&context);
}

static void resize_line(mexpr_context *context, const float *in, int n,
    mexpr_filter filter, const float *expected, int n_out)
{
    float out[16], column[16];
    mx_scope *scope = mx_context_scope(context);
    mx_resizer *rows = NULL, *columns = NULL;
    assert_ok(context, mx_resizer_create(scope, n, 1, n_out, 1, filter, &rows));
    assert_ok(context, mx_resizer_create(scope, 1, n, 1, n_out, filter, &columns));
    mx_resizer_run(rows, in, out);
    mx_resizer_run(columns, in, column);
    mx_resizer_destroy(context, &columns);
    mx_resizer_destroy(context, &rows);
    for (int i = 0; i < n_out; i++) {
        assert_true(fabsf(out[i] - expected[i]) < 1e-5f);
        assert_true(fabsf(column[i] - expected[i]) < 1e-5f);
    }
}

static void resize_by_hand(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const float five[] = {1, 2, 4, 8, 16}, two[] = {0, 8};
    /* 5/2 = 2.5 pixels each: (1 + 2 + 4/2)/2.5 and (4/2 + 8 + 16)/2.5. */
    resize_line(context, five, 5, MEXPR_FILTER_AREA, (const float[]){2, 10.4f}, 2);
    /* centres at -1/4, 1/4, 3/4, 5/4 */
    resize_line(context, two, 2, MEXPR_FILTER_BILINEAR, (const float[]){0, 2, 6, 8}, 4);
    resize_line(context, two, 2, MEXPR_FILTER_AREA, (const float[]){0, 2, 6, 8}, 4);
    /* Keys at 5/4, 1/4, 3/4, 7/4 is -27, 225, 67, -9 of 256: 0 0 0 8, 0 0 8 8, … */
    resize_line(context, two, 2, MEXPR_FILTER_BICUBIC,
        (const float[]){
            8 * -27 / 256.0f, 8 * 58 / 256.0f, 8 * 198 / 256.0f, 8 * 283 / 256.0f},
        4);
    resize_line(context, five, 5, MEXPR_FILTER_BILINEAR, (const float[]){4}, 1);
    for (int filter = MEXPR_FILTER_AREA; filter <= MEXPR_FILTER_BICUBIC; filter++)
        resize_line(context, five, 5, (mexpr_filter)filter, five, 5);
    mexpr_context_destroy(&context);
}

/* A constant stays that constant, to the last bit, and an untouched neighbour's NaN does
 * not leak. */
static void resize_keeps(void **state)
{
    (void)state;
    static const int sizes[][2] = {{3, 3}, {7, 20}, {31, 2}, {64, 64}};
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image, *out;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREYF32, 31, 7, &image));
    float *pixels = mexpr_image_pixels(image);
    for (int i = 0; i < 31 * 7; i++)
        pixels[i] = 77.7f;
    for (int filter = MEXPR_FILTER_AREA; filter <= MEXPR_FILTER_BICUBIC; filter++) {
        for (int s = 0; s < 4; s++) {
            assert_ok(context, mexpr_image_resize(context, image, sizes[s][0],
                                   sizes[s][1], (mexpr_filter)filter, &out));
            for (int i = 0; i < sizes[s][0] * sizes[s][1]; i++)
                assert_true(((const float *)mexpr_image_data(out))[i] == 77.7f);
            mexpr_image_destroy(&out);
        }
    }
    pixels[3 * 31 + 5] = NAN;
    for (int filter = MEXPR_FILTER_AREA; filter <= MEXPR_FILTER_BICUBIC; filter++) {
        assert_ok(context,
            mexpr_image_resize(context, image, 31, 7, (mexpr_filter)filter, &out));
        const float *same = mexpr_image_data(out);
        for (int i = 0; i < 31 * 7; i++)
            assert_true(i == 3 * 31 + 5 ? isnan(same[i]) : same[i] == 77.7f);
        mexpr_image_destroy(&out);
    }
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

/* Both orders of summing are bounded: neither a very wide nor a very tall picture may
 * take time or memory out of proportion. */
static void resize_extreme_shapes(void **state)
{
    (void)state;
    enum { LONG = 1 << 20 };
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    for (int tall = 0; tall < 2; tall++) {
        mexpr_image *image, *out;
        const int w = tall ? 1 : LONG, h = tall ? LONG : 1;
        assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, w, h, &image));
        memset(mexpr_image_pixels(image), 200, LONG);
        for (int filter = MEXPR_FILTER_AREA; filter <= MEXPR_FILTER_BICUBIC; filter++) {
            assert_ok(context,
                mexpr_image_resize(context, image, h, w, (mexpr_filter)filter, &out));
            assert_int_equal(((const uint8_t *)mexpr_image_data(out))[LONG / 2], 200);
            mexpr_image_destroy(&out);
        }
        mexpr_image_destroy(&image);
    }
    assert_true(heap.peak_bytes < 200L * LONG);
    mexpr_context_destroy(&context);
}

static void resize_refuses(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image, *out = (mexpr_image *)1;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 2, 2, &image));
    assert_failure(context,
        mexpr_image_resize(context, NULL, 2, 2, MEXPR_FILTER_AREA, &out), MEXPR_E_ARG,
        "image is NULL");
    assert_null(out);
    assert_failure(context,
        mexpr_image_resize(context, image, 2, 2, (mexpr_filter)0, &out), MEXPR_E_ARG,
        "not a mexpr_filter");
    assert_failure(context,
        mexpr_image_resize(context, image, 2, 2, (mexpr_filter)4, &out), MEXPR_E_ARG,
        "not a mexpr_filter");
    assert_failure(context,
        mexpr_image_resize(context, image, 0, 2, MEXPR_FILTER_AREA, &out), MEXPR_E_ARG,
        "not possible");
    assert_failure(context,
        mexpr_image_resize(context, image, 65500, 65500, MEXPR_FILTER_AREA, &out),
        MEXPR_E_LIMIT, "max_pixels");
    assert_int_equal(
        mexpr_image_resize(NULL, image, 2, 2, MEXPR_FILTER_AREA, &out), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_image_resize(context, image, 2, 2, MEXPR_FILTER_AREA, NULL), MEXPR_E_ARG);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

/* --- Gaussian ---------------------------------------------------------------------- */

static void gaussian_as_defined(void **state)
{
    (void)state;
    static uint32_t memory[1 << 12];
    static const double sigmas[] = {1e-300, 0.3, 0.8, 2.6};
    static const int sizes[][2] = {{11, 7}, {1, 6}, {5, 1}, {1, 1}};
    mexpr_context *context = test_context(NULL, 1);
    for (int f = 0; f < N_FORMATS; f++) {
        for (int i = 0; i < 16; i++) {
            const int w = sizes[i / 4][0], h = sizes[i / 4][1];
            const double sigma = sigmas[i % 4];
            mexpr_image *in =
                random_picture(context, all_formats[f], w, h, (uint8_t *)memory);
            mexpr_image *out;
            assert_ok(context, mexpr_image_gaussian(context, in, sigma, &out));
            assert_int_equal(out->format, in->format);
            for (int y = 0; y < h; y++) {
                for (int x = 0; x < w; x++) {
                    for (int c = 0; c < mx_samples_per_pixel(in->format); c++)
                        check_sample(out, x, y, c,
                            i % 4 == 0 ? sample(in, x, y, c)
                                       : smoothed(in, x, y, c, sigma));
                }
            }
            mexpr_image_destroy(&out);
            mexpr_image_destroy(&in);
        }
    }
    mexpr_context_destroy(&context);
}

static void gaussian_widest_and_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image, *out;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 9, 4, &image));
    memset(mexpr_image_pixels(image), 91, 36);
    assert_ok(context, mexpr_image_gaussian(context, image, 100, &out));
    for (int i = 0; i < 36; i++)
        assert_int_equal(((const uint8_t *)mexpr_image_data(out))[i], 91);
    mexpr_image_destroy(&out);
    static const double refused[] = {0, -1, 100.001, INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 6; i++) {
        assert_failure(context, mexpr_image_gaussian(context, image, refused[i], &out),
            MEXPR_E_RANGE, "bounds");
        assert_null(out);
    }
    assert_failure(context, mexpr_image_gaussian(context, NULL, 1, &out), MEXPR_E_ARG,
        "image is NULL");
    assert_int_equal(mexpr_image_gaussian(NULL, image, 1, &out), MEXPR_E_ARG);
    assert_int_equal(mexpr_image_gaussian(context, image, 1, NULL), MEXPR_E_ARG);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_as_defined),
        cmocka_unit_test(resize_by_hand),
        cmocka_unit_test(resize_keeps),
        cmocka_unit_test(resize_extreme_shapes),
        cmocka_unit_test(resize_refuses),
        cmocka_unit_test(gaussian_as_defined),
        cmocka_unit_test(gaussian_widest_and_refused),
    };
    return cmocka_run_group_tests_name("image_geometry", tests, NULL, NULL);
}
