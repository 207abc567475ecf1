/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void null_pictures(void **state)
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
    assert_int_equal(mexpr_format_bytes((mexpr_format)99), 0);
    assert_int_equal(mexpr_format_bytes((mexpr_format)-1), 0);
    assert_int_equal(mexpr_format_bytes(MEXPR_FORMAT_RGBA8), 4);
}

static void making(void **state)
{
    (void)state;
    static const int32_t sides[] = {0, -1, INT32_MIN};
    mexpr_context *c = api_context();
    mexpr_image *image;
    const mexpr_format grey = MEXPR_FORMAT_GREY8;
    REFUSED(mexpr_image_create(NULL, grey, 1, 1, &image));
    REFUSED(mexpr_image_create(c, grey, 1, 1, NULL));
    MAKES_NOTHING(
        c, image, mexpr_image_create(c, (mexpr_format)99, 1, 1, &image), MEXPR_E_ARG);
    for (int i = 0; i < 3; i++) {
        MAKES_NOTHING(
            c, image, mexpr_image_create(c, grey, sides[i], 1, &image), MEXPR_E_ARG);
        MAKES_NOTHING(
            c, image, mexpr_image_create(c, grey, 1, sides[i], &image), MEXPR_E_ARG);
    }
    MAKES_NOTHING(c, image, mexpr_image_create(c, grey, INT32_MAX, INT32_MAX, &image),
        MEXPR_E_LIMIT);
    MAKES_NOTHING(
        c, image, mexpr_image_create(c, grey, 65500, 65500, &image), MEXPR_E_LIMIT);
    mexpr_context_destroy(&c);
}

static void never_released(void *user, void *pixels)
{
    (void)user;
    (void)pixels;
    fail_msg("a picture that was not made was released");
}

static void wrapping(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image;
    static uint16_t pixels[64];
    const mexpr_format grey = MEXPR_FORMAT_GREY16;
    const mexpr_release_fn f = never_released;
    REFUSED(mexpr_image_wrap(NULL, grey, 4, 4, 8, pixels, f, NULL, &image));
    REFUSED(mexpr_image_wrap(c, grey, 4, 4, 8, pixels, f, NULL, NULL));
    MAKES_NOTHING(
        c, image, mexpr_image_wrap(c, grey, 4, 4, 8, NULL, f, NULL, &image), MEXPR_E_ARG);
    MAKES_NOTHING(c, image,
        mexpr_image_wrap(c, (mexpr_format)0, 4, 4, 8, pixels, f, NULL, &image),
        MEXPR_E_ARG);
    static const size_t strides[] = {0, 7, 9, SIZE_MAX, SIZE_MAX - 1};
    for (int i = 0; i < 5; i++)
        MAKES_NOTHING(c, image,
            mexpr_image_wrap(c, grey, 4, 4, strides[i], pixels, f, NULL, &image),
            MEXPR_E_ARG);
    MAKES_NOTHING(c, image,
        mexpr_image_wrap(c, grey, 4, 4, 8, (char *)pixels + 1, f, NULL, &image),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, image, mexpr_image_wrap(c, grey, 0, 4, 8, pixels, f, NULL, &image),
        MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

static void reading(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image;
    const mexpr_colour keep = MEXPR_COLOUR_KEEP;
    REFUSED(mexpr_image_read(NULL, "a", keep, &image));
    REFUSED(mexpr_image_read(c, "a", keep, NULL));
    MAKES_NOTHING(c, image, mexpr_image_read(c, NULL, keep, &image), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, image, mexpr_image_read(c, "a", (mexpr_colour)99, &image), MEXPR_E_ARG);
    MAKES_NOTHING(c, image, mexpr_image_read(c, "", keep, &image), MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(c, image, mexpr_image_read(c, "/", keep, &image), MEXPR_E_IO);
    MAKES_NOTHING(
        c, image, mexpr_image_read(c, "/no/such.png", keep, &image), MEXPR_E_NOT_FOUND);
    REFUSED(mexpr_image_decode(NULL, "a", 1, keep, &image));
    REFUSED(mexpr_image_decode(c, "a", 1, keep, NULL));
    MAKES_NOTHING(c, image, mexpr_image_decode(c, NULL, 1, keep, &image), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, image, mexpr_image_decode(c, "a", 1, (mexpr_colour)-1, &image), MEXPR_E_ARG);
    image = (mexpr_image *)&image;
    assert_true(mexpr_image_decode(c, "", 0, keep, &image) < 0);
    assert_null(image);
    mexpr_context_destroy(&c);
}

static void writing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    void *bytes;
    size_t size = 7;
    REFUSED(mexpr_image_write_png(NULL, image, "a"));
    FAILS(c, mexpr_image_write_png(c, NULL, "a"), MEXPR_E_ARG);
    FAILS(c, mexpr_image_write_png(c, image, NULL), MEXPR_E_ARG);
    assert_true(mexpr_image_write_png(c, image, "/no/such/folder/a.png") < 0);
    REFUSED(mexpr_image_encode_png(NULL, image, &bytes, &size));
    MAKES_NOTHING(c, bytes, mexpr_image_encode_png(c, NULL, &bytes, &size), MEXPR_E_ARG);
    FAILS(c, mexpr_image_encode_png(c, image, NULL, &size), MEXPR_E_ARG);
    MAKES_NOTHING(c, bytes, mexpr_image_encode_png(c, image, &bytes, NULL), MEXPR_E_ARG);
    bytes = NULL;
    mexpr_bytes_free(NULL, NULL);
    mexpr_bytes_free(NULL, &bytes);
    mexpr_bytes_free(c, NULL);
    mexpr_bytes_free(c, &bytes);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

static void changing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_RGB8), *out;
    const mexpr_format grey = MEXPR_FORMAT_GREY8;
    REFUSED(mexpr_image_convert(NULL, image, grey, &out));
    REFUSED(mexpr_image_convert(c, image, grey, NULL));
    MAKES_NOTHING(c, out, mexpr_image_convert(c, NULL, grey, &out), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, out, mexpr_image_convert(c, image, (mexpr_format)7, &out), MEXPR_E_ARG);

    const mexpr_filter area = MEXPR_FILTER_AREA;
    REFUSED(mexpr_image_resize(NULL, image, 4, 4, area, &out));
    REFUSED(mexpr_image_resize(c, image, 4, 4, area, NULL));
    MAKES_NOTHING(c, out, mexpr_image_resize(c, NULL, 4, 4, area, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_resize(c, image, 0, 4, area, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_resize(c, image, 4, -4, area, &out), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, out, mexpr_image_resize(c, image, 4, 4, (mexpr_filter)0, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_resize(c, image, INT32_MAX, INT32_MAX, area, &out),
        MEXPR_E_LIMIT);

    REFUSED(mexpr_image_gaussian(NULL, image, 1, &out));
    REFUSED(mexpr_image_gaussian(c, image, 1, NULL));
    MAKES_NOTHING(c, out, mexpr_image_gaussian(c, NULL, 1, &out), MEXPR_E_ARG);
    static const double sigmas[] = {0, -1, 101, 1e300};
    for (int i = 0; i < 4; i++)
        MAKES_NOTHING(
            c, out, mexpr_image_gaussian(c, image, sigmas[i], &out), MEXPR_E_RANGE);
    volatile double zero = 0;
    MAKES_NOTHING(
        c, out, mexpr_image_gaussian(c, image, zero / zero, &out), MEXPR_E_RANGE);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

static void cropping(void **state)
{
    (void)state;
    static const int32_t outside[][4] = {{-1, 0, 2, 2}, {0, -1, 2, 2}, {31, 0, 2, 2},
        {0, 23, 2, 2}, {0, 0, 33, 2}, {INT32_MAX, 0, 2, 2}, {1, 1, INT32_MAX, INT32_MAX},
        {32, 24, 1, 1}};
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_RGB8), *out;
    REFUSED(mexpr_image_crop(NULL, image, 0, 0, 1, 1, &out));
    REFUSED(mexpr_image_crop(c, image, 0, 0, 1, 1, NULL));
    MAKES_NOTHING(c, out, mexpr_image_crop(c, NULL, 0, 0, 1, 1, &out), MEXPR_E_ARG);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        const int32_t *r = outside[i];
        MAKES_NOTHING(c, out, mexpr_image_crop(c, image, r[0], r[1], r[2], r[3], &out),
            MEXPR_E_RANGE);
    }
    out = (mexpr_image *)&out;
    assert_true(mexpr_image_crop(c, image, 0, 0, 0, 1, &out) < 0);
    assert_null(out);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_pictures),
        cmocka_unit_test(making),
        cmocka_unit_test(wrapping),
        cmocka_unit_test(reading),
        cmocka_unit_test(writing),
        cmocka_unit_test(changing),
        cmocka_unit_test(cropping),
    };
    return cmocka_run_group_tests_name("api_image", tests, NULL, NULL);
}
