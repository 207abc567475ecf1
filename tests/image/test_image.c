/* SPDX-License-Identifier: MIT */
/* Pictures themselves: life, layout, crop, formats. */
#include <math.h>
#include <string.h>

#include "image/picture.h"
#include "support.h"

static const mexpr_format all_formats[] = {MEXPR_FORMAT_GREY8, MEXPR_FORMAT_RGB8,
    MEXPR_FORMAT_BGR8, MEXPR_FORMAT_RGBA8, MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREYF32};
enum { N_FORMATS = sizeof all_formats / sizeof all_formats[0] };

static bool is_colour(mexpr_format format)
{
    return format == MEXPR_FORMAT_RGB8 || format == MEXPR_FORMAT_BGR8 ||
           format == MEXPR_FORMAT_RGBA8;
}

/* --- life -------------------------------------------------------------------------- */

static void create(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int f = 0; f < N_FORMATS; f++) {
        mexpr_image *image;
        assert_ok(context, mexpr_image_create(context, all_formats[f], 5, 3, &image));
        assert_int_equal(mexpr_image_width(image), 5);
        assert_int_equal(mexpr_image_height(image), 3);
        assert_int_equal(mexpr_image_format(image), all_formats[f]);
        const size_t stride = mexpr_image_stride(image);
        assert_true(stride >= 5 * mexpr_format_bytes(all_formats[f]));
        assert_ptr_equal(mexpr_image_data(image), mexpr_image_pixels(image));
        const uint8_t *data = mexpr_image_data(image);
        for (size_t i = 0; i < 3 * stride; i++)
            assert_int_equal(data[i], 0);
        mexpr_image_destroy(&image);
        assert_null(image);
    }
    mexpr_context_destroy(&context);
}

static void null_is_nothing(void **state)
{
    (void)state;
    mexpr_image *none = NULL;
    mexpr_image_destroy(NULL);
    mexpr_image_destroy(&none);
    assert_int_equal(mexpr_image_width(NULL), 0);
    assert_int_equal(mexpr_image_height(NULL), 0);
    assert_int_equal(mexpr_image_format(NULL), 0);
    assert_int_equal(mexpr_image_stride(NULL), 0);
    assert_null(mexpr_image_data(NULL));
    assert_null(mexpr_image_pixels(NULL));
    assert_int_equal(mexpr_format_bytes((mexpr_format)0), 0);
    assert_int_equal(mexpr_format_bytes((mexpr_format)7), 0);
}

static void sizes_that_are_not_to_be_had(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    const long before = heap.peak_bytes;
    mexpr_image *image = (mexpr_image *)1;
    assert_int_equal(
        mexpr_image_create(NULL, MEXPR_FORMAT_GREY8, 1, 1, &image), MEXPR_E_ARG);
    assert_null(image);
    assert_int_equal(
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, 1, 1, NULL), MEXPR_E_ARG);
    assert_failure(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 0, 4, &image),
        MEXPR_E_ARG, "not possible");
    assert_failure(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, 4, -1, &image), MEXPR_E_ARG,
        "not possible");
    assert_failure(context, mexpr_image_create(context, (mexpr_format)9, 4, 4, &image),
        MEXPR_E_ARG, "not a mexpr_format");
    assert_failure(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, 65500, 65500, &image),
        MEXPR_E_LIMIT, "max_pixels");
    assert_failure(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, (1 << 14) + 1, 1 << 14, &image),
        MEXPR_E_LIMIT, "max_pixels");
    assert_null(image);
    assert_int_equal(heap.peak_bytes, before);
    mexpr_context_destroy(&context);

    mexpr_context_options options = test_options(&heap);
    options.max_pixels = UINT64_MAX;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    heap.fail_at = heap.n_allocs; /* the machine could do it; the test must not */
    assert_failure(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREYF32, INT32_MAX, INT32_MAX, &image),
        MEXPR_E_NOMEM, "out of memory");
    mexpr_context_destroy(&context);
}

static void context_may_go_first(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_RGB8, 9, 9, &image));
    mexpr_context_destroy(&context);
    memset(mexpr_image_pixels(image), 1, mexpr_image_stride(image) * 9);
    mexpr_image_destroy(&image);
    assert_int_equal(heap.live_blocks, 0);
}

/* --- wrapped pixels ---------------------------------------------------------------- */

typedef struct released {
    int count;
    void *pixels;
} released;

static void on_release(void *user, void *pixels)
{
    released *r = user;
    r->count++;
    r->pixels = pixels;
}

static void wrap(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint8_t pixels[4 * 40];
    released r = {0};
    mexpr_image *image;
    assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_RGB8, 12, 4, 40, pixels,
                           on_release, &r, &image));
    assert_ptr_equal(mexpr_image_data(image), pixels);
    assert_int_equal(mexpr_image_stride(image), 40);
    assert_int_equal(r.count, 0);
    mexpr_image_destroy(&image);
    assert_int_equal(r.count, 1);
    assert_ptr_equal(r.pixels, pixels);
    assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_RGB8, 12, 4, 36, pixels + 1,
                           NULL, NULL, &image));
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

static void wrap_refuses(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint32_t words[64];
    uint8_t *bytes = (uint8_t *)words;
    released r = {0};
    mexpr_image *image;
    const struct {
        mexpr_format format;
        int32_t width, height;
        size_t stride;
        void *pixels;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {MEXPR_FORMAT_GREY8, 4, 4, 4, NULL, MEXPR_E_ARG, "pixels is NULL"},
        {(mexpr_format)-1, 4, 4, 4, words, MEXPR_E_ARG, "not a mexpr_format"},
        {MEXPR_FORMAT_GREY8, 0, 4, 4, words, MEXPR_E_ARG, "not possible"},
        {MEXPR_FORMAT_GREY8, 65500, 65500, 65500, words, MEXPR_E_LIMIT, "max_pixels"},
        {MEXPR_FORMAT_RGB8, 4, 4, 11, words, MEXPR_E_ARG, "too small"},
        {MEXPR_FORMAT_GREY16, 4, 4, 9, words, MEXPR_E_ARG, "not a multiple"},
        {MEXPR_FORMAT_GREYF32, 4, 4, 18, words, MEXPR_E_ARG, "not a multiple"},
        {MEXPR_FORMAT_GREY8, 4, 4, SIZE_MAX / 2, words, MEXPR_E_ARG, "too large"},
        {MEXPR_FORMAT_GREY16, 4, 4, 8, bytes + 1, MEXPR_E_ARG, "aligned"},
        {MEXPR_FORMAT_GREYF32, 4, 4, 16, bytes + 2, MEXPR_E_ARG, "aligned"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_failure(context,
            mexpr_image_wrap(context, cases[i].format, cases[i].width, cases[i].height,
                cases[i].stride, cases[i].pixels, on_release, &r, &image),
            cases[i].status, cases[i].part);
        assert_null(image);
    }
    assert_int_equal(r.count, 0);
    assert_int_equal(
        mexpr_image_wrap(NULL, MEXPR_FORMAT_GREY8, 1, 1, 1, words, NULL, NULL, &image),
        MEXPR_E_ARG);
    assert_int_equal(
        mexpr_image_wrap(context, MEXPR_FORMAT_GREY8, 1, 1, 1, words, NULL, NULL, NULL),
        MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

/* --- crop -------------------------------------------------------------------------- */

static void crop(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint16_t pixels[5 * 8];
    for (int i = 0; i < 40; i++)
        pixels[i] = (uint16_t)(1000 + i);
    mexpr_image *image, *part;
    assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_GREY16, 7, 5, 16, pixels,
                           NULL, NULL, &image));
    assert_ok(context, mexpr_image_crop(context, image, 2, 1, 5, 4, &part));
    assert_int_equal(mexpr_image_width(part), 5);
    assert_int_equal(mexpr_image_height(part), 4);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 5; x++)
            assert_int_equal(
                ((const uint16_t *)mx_image_row(part, y))[x], 1000 + (y + 1) * 8 + x + 2);
    }
    mexpr_image_destroy(&part);
    assert_failure(context, mexpr_image_crop(context, image, 0, 0, 0, 1, &part),
        MEXPR_E_ARG, "not possible");
    static const int32_t outside[][4] = {{-1, 0, 2, 2}, {0, -1, 2, 2}, {3, 0, 5, 1},
        {0, 3, 1, 3}, {7, 0, 1, 1}, {INT32_MAX, 0, 1, 1}, {1, 0, INT32_MAX, 1},
        {INT32_MIN, 0, 1, 1}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        const int32_t *o = outside[i];
        assert_failure(context,
            mexpr_image_crop(context, image, o[0], o[1], o[2], o[3], &part),
            MEXPR_E_RANGE, "not inside");
        assert_null(part);
    }
    assert_failure(context, mexpr_image_crop(context, NULL, 0, 0, 1, 1, &part),
        MEXPR_E_ARG, "image is NULL");
    assert_int_equal(mexpr_image_crop(NULL, image, 0, 0, 1, 1, &part), MEXPR_E_ARG);
    assert_int_equal(mexpr_image_crop(context, image, 0, 0, 1, 1, NULL), MEXPR_E_ARG);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

/* --- formats ----------------------------------------------------------------------- */

enum { WIDTH = 131, HEIGHT = 3 };

typedef struct pixel {
    double grey;
    int rgba[4];
} pixel;

/* What the documentation says a pixel is worth. */
static pixel pixel_at(const mexpr_image *image, int x, int y)
{
    const mexpr_format f = image->format;
    const uint8_t *p = mx_image_row(image, y) + (size_t)x * mexpr_format_bytes(f);
    pixel v = {0, {0, 0, 0, 255}};
    if (is_colour(f)) {
        v.rgba[0] = p[f == MEXPR_FORMAT_BGR8 ? 2 : 0];
        v.rgba[1] = p[1];
        v.rgba[2] = p[f == MEXPR_FORMAT_BGR8 ? 0 : 2];
        if (f == MEXPR_FORMAT_RGBA8)
            v.rgba[3] = p[3];
        v.grey = (v.rgba[0] * 299 + v.rgba[1] * 587 + v.rgba[2] * 114) / 1000.0;
        return v;
    }
    if (f == MEXPR_FORMAT_GREY8)
        v.grey = p[0];
    else if (f == MEXPR_FORMAT_GREY16)
        v.grey = *(const uint16_t *)(const void *)p / 257.0;
    else
        v.grey = (double)*(const float *)(const void *)p;
    const double rounded = isnan(v.grey) ? 0 : floor(v.grey + 0.5);
    v.rgba[0] = v.rgba[1] = v.rgba[2] = (int)(rounded < 0     ? 0
                                              : rounded > 255 ? 255
                                                              : rounded);
    return v;
}

static mexpr_image *random_picture(
    mexpr_context *context, mexpr_format format, uint8_t *memory, size_t stride)
{
    mexpr_image *image;
    uint32_t seed = 12345;
    for (size_t i = 0; i < stride * HEIGHT; i++) {
        seed = seed * 1664525 + 1013904223;
        memory[i] = (uint8_t)(seed >> 24);
    }
    if (format == MEXPR_FORMAT_GREYF32) {
        static const float specials[] = {NAN, INFINITY, -INFINITY, -0.0f, 0.5f, 254.5f,
            254.49998f, 255.5f, -1e30f, 1e30f, 1.5f, 2.5f};
        float *f = (float *)(void *)memory;
        for (size_t i = 0; i < stride * HEIGHT / 4; i++)
            f[i] = i < 12 ? specials[i] : (float)memory[4 * i] * 1.17f - 20;
    }
    assert_ok(context, mexpr_image_wrap(context, format, WIDTH, HEIGHT, stride, memory,
                           NULL, NULL, &image));
    return image;
}

static void check_pixel(const mexpr_image *from, const mexpr_image *to, int x, int y)
{
    const pixel a = pixel_at(from, x, y), b = pixel_at(to, x, y);
    if (is_colour(to->format)) {
        for (int c = 0; c < 4; c++) {
            if (c == 3 && to->format == MEXPR_FORMAT_RGBA8)
                assert_int_equal(b.rgba[3], a.rgba[3]);
            else if (c < 3)
                assert_int_equal(b.rgba[c], a.rgba[c]);
        }
    } else if (to->format == MEXPR_FORMAT_GREYF32) {
        assert_true(isnan(a.grey) ? isnan(b.grey) : (float)b.grey == (float)a.grey);
    } else {
        const double top = to->format == MEXPR_FORMAT_GREY16 ? 65535 : 255;
        const double unit = top / 255,
                     value = isnan(a.grey) ? 0 : floor(a.grey * unit + 0.5);
        assert_true(lround(b.grey * unit) == (long)(value < 0     ? 0
                                                    : value > top ? top
                                                                  : value));
    }
}

static void convert(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static uint32_t memory[HEIGHT * WIDTH + 64];
    for (int f = 0; f < N_FORMATS; f++) {
        for (int t = 0; t < N_FORMATS; t++) {
            for (size_t gap = 0; gap <= 12; gap += 12) {
                const size_t stride = WIDTH * mexpr_format_bytes(all_formats[f]) + gap;
                mexpr_image *from =
                    random_picture(context, all_formats[f], (uint8_t *)memory, stride);
                mexpr_image *to;
                assert_ok(
                    context, mexpr_image_convert(context, from, all_formats[t], &to));
                assert_int_equal(to->format, all_formats[t]);
                for (int y = 0; y < HEIGHT; y++) {
                    for (int x = 0; x < WIDTH; x++)
                        check_pixel(from, to, x, y);
                }
                mexpr_image_destroy(&to);
                mexpr_image_destroy(&from);
            }
        }
    }
    mexpr_context_destroy(&context);
}

/* Grey must come through colour unchanged, and 8 bit through 16 and float. */
static void grey_maps_to_itself(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint8_t values[256];
    for (int i = 0; i < 256; i++)
        values[i] = (uint8_t)i;
    mexpr_image *grey;
    assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_GREY8, 256, 1, 256, values,
                           NULL, NULL, &grey));
    for (int f = 0; f < N_FORMATS; f++) {
        mexpr_image *other, *back;
        float as_float[256];
        assert_ok(context, mexpr_image_convert(context, grey, all_formats[f], &other));
        assert_ok(
            context, mexpr_image_convert(context, other, MEXPR_FORMAT_GREY8, &back));
        assert_memory_equal(mexpr_image_data(back), values, 256);
        mx_image_to_grey_f32(other, as_float);
        for (int i = 0; i < 256; i++)
            assert_true(as_float[i] == (float)i);
        mexpr_image_destroy(&back);
        mexpr_image_destroy(&other);
    }
    mexpr_image_destroy(&grey);
    mexpr_context_destroy(&context);
}

static void all_16_bit_values(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *wide, *grey, *back;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY16, 65536, 1, &wide));
    uint16_t *values = mexpr_image_pixels(wide);
    for (int i = 0; i < 65536; i++)
        values[i] = (uint16_t)i;
    assert_ok(context, mexpr_image_convert(context, wide, MEXPR_FORMAT_GREY8, &grey));
    const uint8_t *narrow = mexpr_image_data(grey);
    for (int i = 0; i < 65536; i++)
        assert_int_equal(narrow[i], (i + 128) / 257);
    mexpr_image_destroy(&grey);
    assert_ok(context, mexpr_image_convert(context, wide, MEXPR_FORMAT_GREYF32, &grey));
    assert_ok(context, mexpr_image_convert(context, grey, MEXPR_FORMAT_GREY16, &back));
    assert_memory_equal(mexpr_image_data(back), values, 65536 * 2);
    mexpr_image_destroy(&back);
    mexpr_image_destroy(&grey);
    mexpr_image_destroy(&wide);
    mexpr_context_destroy(&context);
}

static void colour_to_grey(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
    static const uint8_t expected[] = {76, 150, 29, 18}; /* 76.245 149.685 29.07 18.15 */
    mexpr_image *image, *grey;
    assert_ok(context,
        mexpr_image_wrap(context, MEXPR_FORMAT_RGB8, 4, 1, 12, rgb, NULL, NULL, &image));
    assert_ok(context, mexpr_image_convert(context, image, MEXPR_FORMAT_GREY8, &grey));
    assert_memory_equal(mexpr_image_data(grey), expected, 4);
    mexpr_image_destroy(&grey);
    assert_ok(context, mexpr_image_convert(context, image, MEXPR_FORMAT_GREYF32, &grey));
    assert_true(((const float *)mexpr_image_data(grey))[0] == 76.245f);
    mexpr_image_destroy(&grey);
    float rounded[4];
    mx_image_to_grey_f32(image, rounded);
    for (int i = 0; i < 4; i++)
        assert_true(rounded[i] == (float)expected[i]);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

static void convert_refuses(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image, *out = (mexpr_image *)1;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 2, 2, &image));
    assert_failure(context, mexpr_image_convert(context, NULL, MEXPR_FORMAT_GREY8, &out),
        MEXPR_E_ARG, "image is NULL");
    assert_null(out);
    assert_failure(context, mexpr_image_convert(context, image, (mexpr_format)0, &out),
        MEXPR_E_ARG, "not a mexpr_format");
    assert_int_equal(
        mexpr_image_convert(NULL, image, MEXPR_FORMAT_GREY8, &out), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_image_convert(context, image, MEXPR_FORMAT_GREY8, NULL), MEXPR_E_ARG);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create),
        cmocka_unit_test(null_is_nothing),
        cmocka_unit_test(sizes_that_are_not_to_be_had),
        cmocka_unit_test(context_may_go_first),
        cmocka_unit_test(wrap),
        cmocka_unit_test(wrap_refuses),
        cmocka_unit_test(crop),
        cmocka_unit_test(convert),
        cmocka_unit_test(grey_maps_to_itself),
        cmocka_unit_test(all_16_bit_values),
        cmocka_unit_test(colour_to_grey),
        cmocka_unit_test(convert_refuses),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
