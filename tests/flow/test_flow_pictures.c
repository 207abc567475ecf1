/* SPDX-License-Identifier: MIT */
/* Fields, strain, the networks' picture, the colour wheel, the difference. */
#include <math.h>
#include <string.h>

#include "microexpr/flow.h"
#include "support.h"

static mexpr_field *linear_field(mexpr_context *context, int width, int height, double ux,
    double uy, double vx, double vy)
{
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, width, height, &field));
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            mexpr_field_u_pixels(field)[y * width + x] = (float)(ux * x + uy * y);
            mexpr_field_v_pixels(field)[y * width + x] = (float)(vx * x + vy * y);
        }
    }
    return field;
}

/* --- field ------------------------------------------------------------------------- */

static void fields_begin_at_zero(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, 7, 5, &field));
    assert_int_equal(mexpr_field_width(field), 7);
    assert_int_equal(mexpr_field_height(field), 5);
    for (int i = 0; i < 35; i++) {
        assert_true(mexpr_field_u(field)[i] == 0);
        assert_true(mexpr_field_v(field)[i] == 0);
    }
    assert_ptr_equal(mexpr_field_u(field), mexpr_field_u_pixels(field));
    assert_ptr_equal(mexpr_field_v(field), mexpr_field_v_pixels(field));
    mexpr_field_destroy(&field);
    assert_null(field);
    mexpr_context_destroy(&context);
}

static void fields_refuse_nonsense(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field;
    assert_int_equal(mexpr_field_create(context, 3, 3, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_field_create(NULL, 3, 3, &field), MEXPR_E_ARG);
    assert_null(field);
    assert_failure(
        context, mexpr_field_create(context, 0, 3, &field), MEXPR_E_ARG, "0×3");
    assert_failure(
        context, mexpr_field_create(context, 3, -1, &field), MEXPR_E_ARG, "3×-1");
    assert_failure(context, mexpr_field_create(context, 65500, 65500, &field),
        MEXPR_E_LIMIT, "max_pixels");
    assert_null(field);
    assert_int_equal(mexpr_field_width(NULL), 0);
    assert_int_equal(mexpr_field_height(NULL), 0);
    assert_null(mexpr_field_u(NULL));
    assert_null(mexpr_field_v(NULL));
    assert_null(mexpr_field_u_pixels(NULL));
    assert_null(mexpr_field_v_pixels(NULL));
    mexpr_field_destroy(NULL);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

static void difference_counts_what_is_known(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *a = linear_field(context, 4, 2, 0, 0, 0, 0);
    mexpr_field *b = linear_field(context, 4, 2, 0, 0, 0, 0);
    mexpr_field *c = linear_field(context, 2, 4, 0, 0, 0, 0);
    for (int i = 0; i < 8; i++) {
        mexpr_field_u_pixels(b)[i] = 3;
        mexpr_field_v_pixels(b)[i] = -4;
    }
    double mean;
    uint64_t n;
    assert_ok(context, mexpr_field_difference(context, a, b, &mean, &n));
    assert_true(mean == 5 && n == 8);
    mexpr_field_u_pixels(a)[0] = MEXPR_FIELD_UNKNOWN;
    mexpr_field_v_pixels(b)[1] = NAN;
    mexpr_field_u_pixels(b)[2] = 3 + 8;
    assert_ok(context, mexpr_field_difference(context, a, b, &mean, &n));
    assert_int_equal(n, 6);
    assert_float_equal(mean, (5 * 5 + hypot(11, 4)) / 6, 1e-12);
    for (int i = 0; i < 8; i++)
        mexpr_field_u_pixels(a)[i] = -MEXPR_FIELD_UNKNOWN_THRESHOLD;
    assert_ok(context, mexpr_field_difference(context, a, b, &mean, NULL));
    assert_true(mean == 0);
    assert_failure(context, mexpr_field_difference(context, a, c, &mean, &n),
        MEXPR_E_SHAPE, "4×2 and 2×4");
    assert_failure(context, mexpr_field_difference(context, NULL, c, &mean, &n),
        MEXPR_E_ARG, "a field is NULL");
    assert_failure(context, mexpr_field_difference(context, a, NULL, &mean, &n),
        MEXPR_E_ARG, "a field is NULL");
    assert_failure(context, mexpr_field_difference(context, a, a, NULL, &n), MEXPR_E_ARG,
        "mean is NULL");
    assert_int_equal(mexpr_field_difference(NULL, a, a, &mean, &n), MEXPR_E_ARG);
    mexpr_field_destroy(&c);
    mexpr_field_destroy(&b);
    mexpr_field_destroy(&a);
    mexpr_context_destroy(&context);
}

/* --- strain ------------------------------------------------------------------------ */

/* Checks that the strain of a linear field is `expected` from `border` pixels on. */
static void assert_strain(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, double expected, int border)
{
    mexpr_image *strain;
    assert_ok(context, mexpr_flow_strain(context, field, kind, &strain));
    assert_int_equal(mexpr_image_format(strain), MEXPR_FORMAT_GREYF32);
    const int width = mexpr_image_width(strain), height = mexpr_image_height(strain);
    const float *s = mexpr_image_data(strain);
    for (int y = border; y < height - border; y++)
        for (int x = border; x < width - border; x++)
            assert_float_equal((double)s[y * width + x], expected, 1e-5);
    mexpr_image_destroy(&strain);
}

static void strain_of_linear_fields(void **state)
{
    (void)state;
    const double ux = 0.3, uy = -0.1, vx = 0.5, vy = 0.2, shear = uy + vx;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 9, 6, ux, uy, vx, vy);
    assert_strain(context, field, MEXPR_STRAIN_FROBENIUS,
        sqrt(ux * ux + vy * vy + shear * shear / 2), 0);
    assert_strain(context, field, MEXPR_STRAIN_QUARTER,
        sqrt(ux * ux + vy * vy + shear * shear / 4), 0);
    /* Sobel sums are eight times the slope. */
    assert_strain(context, field, MEXPR_STRAIN_OFF_TANET,
        8 * sqrt(ux * ux + uy * uy + shear * shear / 2), 1);
    mexpr_field_destroy(&field);
    /* A rotation by little has none. */
    field = linear_field(context, 9, 6, 0, -0.01, 0.01, 0);
    assert_strain(context, field, MEXPR_STRAIN_FROBENIUS, 0, 0);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

static void strain_of_tiny_fields(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 4}, {4, 1}, {2, 2}};
    mexpr_context *context = test_context(NULL, 1);
    for (int i = 0; i < 4; i++) {
        const int w = sizes[i][0], h = sizes[i][1];
        mexpr_field *field = linear_field(context, w, h, 1, 0, 0, 1);
        const double expected = sqrt((w > 1) + (h > 1));
        assert_strain(context, field, MEXPR_STRAIN_FROBENIUS, expected, 0);
        /* With the edges mirrored there is no slope across them. */
        if (w < 3 && h < 3)
            assert_strain(context, field, MEXPR_STRAIN_OFF_TANET, 0, 0);
        mexpr_field_destroy(&field);
    }
    mexpr_context_destroy(&context);
}

static void unknown_has_no_strain(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 5, 5, 1, 0, 0, 1);
    mexpr_field_u_pixels(field)[12] = NAN;
    for (int kind = MEXPR_STRAIN_FROBENIUS; kind <= MEXPR_STRAIN_OFF_TANET; kind++) {
        mexpr_image *strain;
        assert_ok(
            context, mexpr_flow_strain(context, field, (mexpr_strain)kind, &strain));
        const float *s = mexpr_image_data(strain);
        for (int i = 0; i < 25; i++) {
            const int is_near = i / 5 >= 1 && i / 5 <= 3 && i % 5 >= 1 && i % 5 <= 3;
            assert_true(is_near ? s[i] == 0 : s[i] >= 0);
        }
        mexpr_image_destroy(&strain);
    }
    mexpr_image *none;
    assert_failure(context, mexpr_flow_strain(context, field, (mexpr_strain)4, &none),
        MEXPR_E_ARG, "4 is not a mexpr_strain");
    assert_null(none);
    assert_failure(context, mexpr_flow_strain(context, NULL, MEXPR_STRAIN_QUARTER, &none),
        MEXPR_E_ARG, "the field is NULL");
    assert_int_equal(
        mexpr_flow_strain(NULL, field, MEXPR_STRAIN_QUARTER, &none), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_flow_strain(context, field, MEXPR_STRAIN_QUARTER, NULL), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

/* --- picture ----------------------------------------------------------------------- */

static void picture_stretches_each_channel(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 8, 8, 0.5, 0, 0, -2);
    mexpr_image *picture;
    assert_ok(context,
        mexpr_flow_picture(context, field, MEXPR_STRAIN_FROBENIUS, 4, 4, &picture));
    assert_int_equal(mexpr_image_format(picture), MEXPR_FORMAT_RGB8);
    const uint8_t *rgb = mexpr_image_data(picture);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 4; x++) {
            assert_int_equal(rgb[(4 * y + x) * 3], 85 * x);
            assert_int_equal(rgb[(4 * y + x) * 3 + 1], 255 - 85 * y);
            assert_int_equal(rgb[(4 * y + x) * 3 + 2], 0); /* the same everywhere */
        }
    }
    mexpr_image_destroy(&picture);
    /* Unknown counts as still: it must not set the scale. */
    mexpr_field_u_pixels(field)[0] = MEXPR_FIELD_UNKNOWN;
    assert_ok(context,
        mexpr_flow_picture(context, field, MEXPR_STRAIN_FROBENIUS, 8, 8, &picture));
    rgb = mexpr_image_data(picture);
    assert_int_equal(rgb[0], 0);
    assert_int_equal(rgb[7 * 3], 255);
    mexpr_image_destroy(&picture);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

static void picture_refuses_nonsense(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 3, 3, 0, 0, 0, 0);
    const mexpr_strain kind = MEXPR_STRAIN_FROBENIUS;
    mexpr_image *out;
    assert_failure(context, mexpr_flow_picture(context, NULL, kind, 4, 4, &out),
        MEXPR_E_ARG, "the field is NULL");
    assert_failure(context, mexpr_flow_picture(context, field, kind, 0, 4, &out),
        MEXPR_E_ARG, "0×4");
    assert_failure(context,
        mexpr_flow_picture(context, field, kind, 1 << 20, 1 << 20, &out), MEXPR_E_LIMIT,
        "max_pixels");
    assert_failure(context,
        mexpr_flow_picture(context, field, (mexpr_strain)0, 4, 4, &out), MEXPR_E_ARG,
        "0 is not a mexpr_strain");
    assert_null(out);
    assert_int_equal(mexpr_flow_picture(NULL, field, kind, 4, 4, &out), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_picture(context, field, kind, 4, 4, NULL), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

/* --- colours ----------------------------------------------------------------------- */

static void colours_follow_the_wheel(void **state)
{
    (void)state;
    /* Of the published wheel: 55 colours from red through yellow, green, cyan, blue and
     * magenta; the first at the motion to the left, on clockwise as pictures go. */
    static const struct {
        float u, v;
        int rgb[3];
    } cases[] = {
        {0, 0, {255, 255, 255}},
        {10, 0, {255, 0, 0}},    /* right: red */
        {-10, 0, {0, 209, 255}}, /* left: halfway along, between cyan and blue */
        {0, 10, {255, 229, 0}},  /* down: yellowish */
        {0, -10, {88, 0, 255}},  /* up: violet */
        {5, 0, {255, 127, 127}}, /* half as far: half as pure */
        {20, 0, {191, 0, 0}},    /* beyond the radius: darker */
        {NAN, 0, {0, 0, 0}},
        {0, 2e9f, {0, 0, 0}},
    };
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 9, 1, 0, 0, 0, 0);
    for (int i = 0; i < 9; i++) {
        mexpr_field_u_pixels(field)[i] = cases[i].u;
        mexpr_field_v_pixels(field)[i] = cases[i].v;
    }
    mexpr_image *image;
    assert_ok(context, mexpr_flow_colour(context, field, 10, &image));
    const uint8_t *rgb = mexpr_image_data(image);
    for (int i = 0; i < 9; i++)
        for (int c = 0; c < 3; c++)
            assert_in_range(rgb[3 * i + c] - cases[i].rgb[c] + 8, 0, 16);
    mexpr_image_destroy(&image);
    /* Its own largest motion, 20 px, is the full colour. */
    assert_ok(context, mexpr_flow_colour(context, field, 0, &image));
    rgb = mexpr_image_data(image);
    assert_int_equal(rgb[3 * 6], 255);
    assert_int_equal(rgb[3 * 6 + 1], 0);
    mexpr_image_destroy(&image);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

static void colours_of_nothing(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = linear_field(context, 3, 2, 0, 0, 0, 0);
    mexpr_image *image;
    assert_ok(context, mexpr_flow_colour(context, field, 0, &image));
    for (int i = 0; i < 18; i++)
        assert_int_equal(((const uint8_t *)mexpr_image_data(image))[i], 255);
    mexpr_image_destroy(&image);
    assert_failure(context, mexpr_flow_colour(context, field, -1, &image), MEXPR_E_RANGE,
        "max_radius is -1");
    assert_failure(context, mexpr_flow_colour(context, field, NAN, &image), MEXPR_E_RANGE,
        "max_radius is nan");
    assert_failure(context, mexpr_flow_colour(context, field, INFINITY, &image),
        MEXPR_E_RANGE, "max_radius is inf");
    assert_null(image);
    assert_failure(context, mexpr_flow_colour(context, NULL, 0, &image), MEXPR_E_ARG,
        "the field is NULL");
    assert_int_equal(mexpr_flow_colour(NULL, field, 0, &image), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_colour(context, field, 0, NULL), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_begin_at_zero),
        cmocka_unit_test(fields_refuse_nonsense),
        cmocka_unit_test(difference_counts_what_is_known),
        cmocka_unit_test(strain_of_linear_fields),
        cmocka_unit_test(strain_of_tiny_fields),
        cmocka_unit_test(unknown_has_no_strain),
        cmocka_unit_test(picture_stretches_each_channel),
        cmocka_unit_test(picture_refuses_nonsense),
        cmocka_unit_test(colours_follow_the_wheel),
        cmocka_unit_test(colours_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
