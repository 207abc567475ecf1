/* SPDX-License-Identifier: MIT */
/* Pictures of a field: wheel and key, arrows, strip, HSV. */
#include <math.h>
#include <string.h>

#include "image/draw_canvas.h"
#include "microexpr/flow.h"
#include "support.h"

TEST_CONTEXT

static mexpr_field *constant_field(int width, int height, float u, float v)
{
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, width, height, &field));
    for (int i = 0; i < width * height; i++) {
        mexpr_field_u_pixels(field)[i] = u;
        mexpr_field_v_pixels(field)[i] = v;
    }
    return field;
}

static mexpr_image *black(mexpr_format format, int width, int height)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, format, width, height, &image));
    return image;
}

static const uint8_t *pixel(const mexpr_image *image, int x, int y)
{
    return (const uint8_t *)mexpr_image_data(image) +
           (size_t)y * mexpr_image_stride(image) +
           (size_t)x * mexpr_format_bytes(mexpr_image_format(image));
}

static void assert_rgb(const mexpr_image *image, int x, int y, int r, int g, int b)
{
    const uint8_t *p = pixel(image, x, y);
    if (p[0] != r || p[1] != g || p[2] != b)
        fail_msg(
            "pixel (%d, %d) is %d %d %d, not %d %d %d", x, y, p[0], p[1], p[2], r, g, b);
}

/* --- HSV ------------------------------------------------------------------------- */

static void hsv_by_hand(void **state)
{
    (void)state;
    /* magnitudes 0 to 4: values 0, 63, 127, 255 */
    static const float u[] = {0, 1, 0, -4, 0, 0, 4, 1e10f};
    static const float v[] = {0, 0, 2, 0, -4, 4, 0, 0};
    mexpr_field *field = constant_field(4, 2, 0, 0);
    memcpy(mexpr_field_u_pixels(field), u, sizeof u);
    memcpy(mexpr_field_v_pixels(field), v, sizeof v);
    mexpr_image *image;
    assert_ok(context, mexpr_flow_hsv(context, field, &image));
    assert_int_equal(mexpr_image_format(image), MEXPR_FORMAT_RGB8);
    assert_rgb(image, 0, 0, 0, 0, 0);     /* V = 0 */
    assert_rgb(image, 1, 0, 63, 0, 0);    /* 0°: red; V = ⌊63.75⌋ */
    assert_rgb(image, 2, 0, 63, 127, 0);  /* 90°: H = 45, f = ½; ⌊63.5⌋ */
    assert_rgb(image, 3, 0, 0, 254, 255); /* 180°: cyan, as OpenCV has it */
    assert_rgb(image, 0, 1, 127, 0, 255); /* 270°: H = 135 */
    assert_rgb(image, 1, 1, 127, 255, 0);
    assert_rgb(image, 2, 1, 255, 0, 0);
    assert_rgb(image, 3, 1, 0, 0, 0); /* unknown */
    mexpr_image_destroy(&image);
    mexpr_field_destroy(&field);
}

/* The textbook's HSV to RGB for S = 1, channel by channel: V max(0, min(1, |..| - 1)). */
static double channel(double degrees, double value, double shift)
{
    const double k = fmod(5 + shift + degrees / 60, 6);
    return value - value * fmax(0, fmin(fmin(k, 4 - k), 1));
}

static void hsv_equals_the_textbook(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(360, 3, 0, 0);
    for (int i = 0; i < 1080; i++) { /* half a degree off the steps of hue */
        const double a = (i % 360 + 0.5) * 3.14159265358979 / 180, m = 1 + i / 360;
        mexpr_field_u_pixels(field)[i] = (float)(m * cos(a));
        mexpr_field_v_pixels(field)[i] = (float)(m * sin(a));
    }
    mexpr_image *image;
    assert_ok(context, mexpr_flow_hsv(context, field, &image));
    for (int i = 0; i < 1080; i++) {
        const double hue = i % 360 / 2 * 2;
        const uint8_t *p = pixel(image, i % 360, i / 360);
        static const double shifts[] = {0, -2, -4};
        for (int c = 0; c < 3; c++) {
            /* V is 0, 127 and 255 (give or take rounding down) */
            const double expected = channel(hue, 127.5 * (i / 360), shifts[c] + 6);
            if (fabs(p[c] - expected) > 2.01)
                fail_msg(
                    "angle %d: channel %d is %d, not %g", i % 360, c, p[c], expected);
        }
    }
    mexpr_image_destroy(&image);
    mexpr_field_destroy(&field);
}

/* --- strip ----------------------------------------------------------------------- */

static void strip_by_hand(void **state)
{
    (void)state;
    /* u = 2x: strain 2 everywhere; v = y */
    mexpr_field *field = constant_field(3, 2, 0, 0);
    for (int i = 0; i < 6; i++) {
        mexpr_field_u_pixels(field)[i] = (float)(2 * (i % 3));
        mexpr_field_v_pixels(field)[i] = 0;
    }
    mexpr_image *own, *common;
    assert_ok(context, mexpr_flow_strip(context, field, MEXPR_STRAIN_FROBENIUS,
                           MEXPR_STRETCH_OWN, &own));
    assert_ok(context, mexpr_flow_strip(context, field, MEXPR_STRAIN_FROBENIUS,
                           MEXPR_STRETCH_COMMON, &common));
    assert_int_equal(mexpr_image_format(own), MEXPR_FORMAT_GREY8);
    assert_int_equal(mexpr_image_width(own), 9);
    assert_int_equal(mexpr_image_height(own), 2);
    static const int own_row[] = {0, 128, 255, 0, 0, 0, 0, 0, 0};
    static const int common_row[] = {0, 128, 255, 0, 0, 0, 128, 128, 128};
    for (int x = 0; x < 9; x++) {
        assert_int_equal(*pixel(own, x, 1), own_row[x]);
        assert_int_equal(*pixel(common, x, 1), common_row[x]);
    }
    mexpr_image_destroy(&own);
    mexpr_image_destroy(&common);
    mexpr_field_destroy(&field);
}

static void unknown_is_black_in_the_strip(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(4, 1, 5, 5);
    mexpr_field_u_pixels(field)[0] = -3;
    mexpr_field_u_pixels(field)[1] = MEXPR_FIELD_UNKNOWN;
    mexpr_field_u_pixels(field)[2] = NAN;
    mexpr_image *strip;
    assert_ok(context, mexpr_flow_strip(context, field, MEXPR_STRAIN_FROBENIUS,
                           MEXPR_STRETCH_OWN, &strip));
    static const int row[] = {0, 0, 0, 255};
    for (int x = 0; x < 4; x++)
        assert_int_equal(*pixel(strip, x, 0), row[x]);
    mexpr_image_destroy(&strip);
    mexpr_field_destroy(&field);
}

/* --- arrows ---------------------------------------------------------------------- */

static void an_arrow_goes_where_the_motion_goes(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(33, 33, 0, 0);
    for (int y = 11; y < 22; y++) { /* the middle square of 3 × 3 */
        for (int x = 11; x < 22; x++)
            mexpr_field_u_pixels(field)[y * 33 + x] = 2;
    }
    mexpr_image *grey = black(MEXPR_FORMAT_GREY8, 33, 33), *image;
    memset(mexpr_image_pixels(grey), 50, mexpr_image_stride(grey) * 33);
    mexpr_arrow_options o = MEXPR_ARROW_OPTIONS_INIT;
    o.step = 11;
    o.scale = 4;
    o.colour = 0x0a1420;
    assert_ok(context, mexpr_flow_arrows(context, field, grey, &o, &image));
    for (int x = 16; x <= 24; x++) /* the shaft from the square's centre, 8 px long */
        assert_rgb(image, x, 16, 10, 20, 32);
    assert_rgb(image, 15, 16, 50, 50, 50);
    assert_rgb(image, 26, 16, 50, 50, 50);
    assert_rgb(image, 5, 5, 50, 50, 50); /* no motion, no arrow */
    for (int y = 0; y < 33; y++) {       /* the head is symmetric */
        for (int x = 0; x < 33; x++)
            assert_memory_equal(pixel(image, x, y), pixel(image, x, 32 - y), 3);
    }
    assert_true(pixel(image, 22, 15)[0] < 50);
    mexpr_image_destroy(&image);

    o.min_magnitude = 2;
    assert_ok(context, mexpr_flow_arrows(context, field, grey, &o, &image));
    assert_rgb(image, 18, 16, 50, 50, 50);
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&grey);
    mexpr_field_destroy(&field);
}

static void an_unknown_square_has_no_arrow(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(10, 10, MEXPR_FIELD_UNKNOWN, 0);
    mexpr_image *grey = black(MEXPR_FORMAT_GREYF32, 10, 10), *image;
    assert_ok(context, mexpr_flow_arrows(context, field, grey, NULL, &image));
    for (int i = 0; i < 100; i++)
        assert_rgb(image, i % 10, i / 10, 0, 0, 0);
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&grey);
    mexpr_field_destroy(&field);
}

static void huge_motion_stays_in_the_picture(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(64, 64, 9e8f, -8.9e8f);
    mexpr_image *grey = black(MEXPR_FORMAT_GREY8, 64, 64), *image;
    mexpr_arrow_options o = MEXPR_ARROW_OPTIONS_INIT;
    o.step = 2;
    o.scale = 1e6;
    o.thickness = 100;
    o.colour_set = 1;
    assert_ok(context, mexpr_flow_arrows(context, field, grey, &o, &image));
    assert_rgb(image, 40, 30, 0, 0, 0); /* black arrows were asked for */
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&grey);
    mexpr_field_destroy(&field);
}

/* Every pixel of a stroke against the plain formula, without the shortcut by rows. */
static void strokes_equal_the_formula(void **state)
{
    (void)state;
    static const double strokes[][5] = {{3, 4, 30, 20, 1}, {5, 30, 5, 2, 3},
        {35, 12, -10, 12, 2.5}, {17.3, 9.8, 17.3, 9.8, 4}, {38, -5, 20, 60, 1.2}};
    for (size_t k = 0; k < sizeof strokes / sizeof strokes[0]; k++) {
        const double *s = strokes[k];
        mexpr_image *image = black(MEXPR_FORMAT_RGB8, 40, 33);
        const mx_canvas canvas = mx_canvas_of(image);
        const mx_stroke stroke = {s[0], s[1], s[2], s[3], s[4], 0xffffff};
        mx_draw_stroke(&canvas, &stroke);
        for (int i = 0; i < 40 * 33; i++) {
            double nearest = INFINITY;
            for (int j = 0; j <= 4000; j++) {
                const double t = j / 4000.0;
                nearest = fmin(nearest, hypot(s[0] + t * (s[2] - s[0]) - i % 40,
                                            s[1] + t * (s[3] - s[1]) - i / 40));
            }
            const double alpha = fmax(0, fmin(1, 0.5 + s[4] / 2 - nearest));
            const int value = pixel(image, i % 40, i / 40)[1];
            if (fabs(value - 255 * alpha) > 1.6)
                fail_msg("stroke %d at (%d, %d): %d is not %g", (int)k, i % 40, i / 40,
                    value, 255 * alpha);
        }
        mexpr_image_destroy(&image);
    }
}

/* --- letters and key ------------------------------------------------------------- */

static void letters_have_their_pixels(void **state)
{
    (void)state;
    mexpr_image *image = black(MEXPR_FORMAT_RGB8, 24, 14);
    const mx_canvas canvas = mx_canvas_of(image);
    mx_draw_text(&canvas, "1 7", 0, 0, 1, 0xff0000);
    static const char *const rows[] = {"..#.........#####", ".##.............#",
        "..#............#.", "..#...........#..", "..#..........#...",
        "..#..........#...", ".###.........#..."};
    for (int y = 0; y < 7; y++) {
        for (int x = 0; x < 17; x++)
            assert_rgb(image, x, y, rows[y][x] == '#' ? 255 : 0, 0, 0);
    }
    mx_draw_text(&canvas, "888", -8, 9, 2, 0x00ff00); /* cut at three sides */
    assert_rgb(image, 0, 11, 0, 255, 0);
    mexpr_image_destroy(&image);
}

static void the_key_stands_beside_the_field(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(50, 40, 0, 0);
    mexpr_field_u_pixels(field)[777] = 3;
    mexpr_field_v_pixels(field)[777] = -4;
    mexpr_image *image, *colours, *given;
    assert_ok(context, mexpr_flow_legend(context, field, 0, 0, &image));
    assert_ok(context, mexpr_flow_legend(context, field, 5, 96, &given));
    assert_ok(context, mexpr_flow_colour(context, field, 0, &colours));
    assert_int_equal(mexpr_image_width(image), 50 + 8 + 96 + 8);
    assert_int_equal(mexpr_image_height(image), 96 + 24 + 7);
    for (int y = 0; y < 40; y++)
        assert_memory_equal(pixel(image, 0, y), pixel(colours, 0, y), 150);
    assert_rgb(image, 20, 60, 255, 255, 255); /* under the field */
    assert_rgb(image, 58, 8, 255, 255, 255);  /* corner of the wheel */
    assert_rgb(image, 58, 112, 0, 0, 0);      /* the 5 of "5.00 px" */
    assert_rgb(image, 62, 113, 255, 255, 255);
    for (int y = 0; y < mexpr_image_height(image); y++) /* 5 px is the largest itself */
        assert_memory_equal(pixel(image, 50, y), pixel(given, 50, y), 3 * 112);
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&colours);
    mexpr_image_destroy(&given);
    mexpr_field_destroy(&field);
}

/* The wheel's pixels are the colours of the motions they stand for. */
static void the_wheel_has_the_colours_of_the_field(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(33, 33, 0, 0);
    for (int i = 0; i < 33 * 33; i++) {
        mexpr_field_u_pixels(field)[i] = (float)(i % 33 - 16) / 8;
        mexpr_field_v_pixels(field)[i] = (float)(i / 33 - 16) / 8;
    }
    mexpr_image *image;
    assert_ok(context, mexpr_flow_legend(context, field, 2, 33, &image));
    for (int y = 0; y < 33; y++) {
        for (int x = 0; x < 33; x++) {
            if (hypot(x - 16, y - 16) < 16)
                assert_memory_equal(pixel(image, x, y), pixel(image, 41 + x, 8 + y), 3);
        }
    }
    mexpr_image_destroy(&image);
    mexpr_field_destroy(&field);
}

/* --- bad input ------------------------------------------------------------------- */

static void bad_calls_are_refused(void **state)
{
    (void)state;
    mexpr_field *field = constant_field(4, 4, 0, 0);
    mexpr_image *image = (mexpr_image *)1, *grey = black(MEXPR_FORMAT_GREY8, 4, 3);
    assert_failure(
        context, mexpr_flow_hsv(context, NULL, &image), MEXPR_E_ARG, "field is NULL");
    assert_null(image);
    assert_int_equal(mexpr_flow_hsv(NULL, field, &image), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_hsv(context, field, NULL), MEXPR_E_ARG);
    assert_failure(context, mexpr_flow_arrows(context, field, grey, NULL, &image),
        MEXPR_E_SHAPE, "the picture is 4×3, the field 4×4");
    assert_failure(context, mexpr_flow_arrows(context, field, NULL, NULL, &image),
        MEXPR_E_ARG, "the picture is NULL");
    assert_failure(context,
        mexpr_flow_strip(
            context, field, MEXPR_STRAIN_FROBENIUS, (mexpr_stretch)3, &image),
        MEXPR_E_ARG, "stretch 3");
    assert_failure(context,
        mexpr_flow_strip(
            context, NULL, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, &image),
        MEXPR_E_ARG, "field is NULL");
    assert_failure(context, mexpr_flow_legend(context, field, -1, 0, &image),
        MEXPR_E_RANGE, "max_radius is -1");
    assert_failure(context, mexpr_flow_legend(context, field, 0, 31, &image),
        MEXPR_E_RANGE, "a wheel of 31 px");
    assert_failure(context, mexpr_flow_legend(context, NULL, 0, 0, &image), MEXPR_E_ARG,
        "field is NULL");
    mexpr_image_destroy(&grey);
    grey = black(MEXPR_FORMAT_GREY8, 4, 4);
    mexpr_arrow_options o = MEXPR_ARROW_OPTIONS_INIT;
    o.step = 1;
    assert_failure(context, mexpr_flow_arrows(context, field, grey, &o, &image),
        MEXPR_E_RANGE, "option step is 1");
    o.step = 0;
    o.thickness = 101;
    assert_failure(context, mexpr_flow_arrows(context, field, grey, &o, &image),
        MEXPR_E_RANGE, "option thickness is 101");
    o.thickness = 0;
    o.scale = NAN;
    assert_failure(context, mexpr_flow_arrows(context, field, grey, &o, &image),
        MEXPR_E_RANGE, "option scale");
    o.scale = 0;
    o.reserved = 3;
    assert_failure(context, mexpr_flow_arrows(context, field, grey, &o, &image),
        MEXPR_E_ABI, "option reserved is 3");
    o.struct_size = 1;
    assert_failure(context, mexpr_flow_arrows(context, field, grey, &o, &image),
        MEXPR_E_ABI, "struct_size 1");
    assert_null(image);
    mexpr_image_destroy(&grey);
    mexpr_field_destroy(&field);
}

static void limits_hold(void **state)
{
    (void)state;
    mexpr_context_options options = test_options(NULL);
    options.max_pixels = 2000;
    mexpr_context *small;
    mexpr_field *field;
    mexpr_image *image;
    assert_int_equal(mexpr_context_create(&options, &small), MEXPR_OK);
    assert_ok(small, mexpr_field_create(small, 40, 40, &field));
    assert_failure(small, mexpr_flow_legend(small, field, 0, 0, &image), MEXPR_E_LIMIT,
        "max_pixels");
    assert_failure(small,
        mexpr_flow_strip(small, field, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, &image),
        MEXPR_E_LIMIT, "120×40");
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hsv_by_hand),
        cmocka_unit_test(hsv_equals_the_textbook),
        cmocka_unit_test(strip_by_hand),
        cmocka_unit_test(unknown_is_black_in_the_strip),
        cmocka_unit_test(an_arrow_goes_where_the_motion_goes),
        cmocka_unit_test(an_unknown_square_has_no_arrow),
        cmocka_unit_test(huge_motion_stays_in_the_picture),
        cmocka_unit_test(strokes_equal_the_formula),
        cmocka_unit_test(letters_have_their_pixels),
        cmocka_unit_test(the_key_stands_beside_the_field),
        cmocka_unit_test(the_wheel_has_the_colours_of_the_field),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
