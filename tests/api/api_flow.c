/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static mexpr_field *make_field(mexpr_context *context)
{
    mexpr_field *field = NULL;
    assert_int_equal(mexpr_field_create(context, 32, 24, &field), MEXPR_OK);
    return field;
}

static void fields(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = NULL;
    mexpr_field_destroy(NULL);
    mexpr_field_destroy(&field);
    assert_int_equal(mexpr_field_width(NULL), 0);
    assert_int_equal(mexpr_field_height(NULL), 0);
    assert_null(mexpr_field_u(NULL));
    assert_null(mexpr_field_v(NULL));
    assert_null(mexpr_field_u_pixels(NULL));
    assert_null(mexpr_field_v_pixels(NULL));
    REFUSED(mexpr_field_create(NULL, 1, 1, &field));
    REFUSED(mexpr_field_create(c, 1, 1, NULL));
    MAKES_NOTHING(c, field, mexpr_field_create(c, 0, 1, &field), MEXPR_E_ARG);
    MAKES_NOTHING(c, field, mexpr_field_create(c, 1, -1, &field), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, field, mexpr_field_create(c, INT32_MAX, INT32_MAX, &field), MEXPR_E_LIMIT);
    mexpr_context_destroy(&c);
}

static void differences(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *a = make_field(c), *b = NULL;
    double mean = 0;
    uint64_t n = 0;
    assert_int_equal(mexpr_field_create(c, 4, 4, &b), MEXPR_OK);
    REFUSED(mexpr_field_difference(NULL, a, a, &mean, &n));
    FAILS(c, mexpr_field_difference(c, NULL, a, &mean, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_field_difference(c, a, NULL, &mean, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_field_difference(c, a, a, NULL, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_field_difference(c, a, b, &mean, &n), MEXPR_E_SHAPE);
    assert_int_equal(mexpr_field_difference(c, a, a, &mean, NULL), MEXPR_OK);
    mexpr_field_destroy(&a);
    mexpr_field_destroy(&b);
    mexpr_context_destroy(&c);
}

static void tunables(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_flow *flow = NULL;
    double value = 0, low, high;
    volatile double zero = 0;
    static const int ids[] = {0, -1, 16, INT32_MAX};
    REFUSED(mexpr_flow_create(NULL, &flow));
    REFUSED(mexpr_flow_create(c, NULL));
    mexpr_flow_destroy(NULL);
    mexpr_flow_destroy(&flow);
    assert_string_equal(mexpr_flow_last_error(NULL), "");
    REFUSED(mexpr_flow_set(NULL, MEXPR_FLOW_TAU, 0.1));
    REFUSED(mexpr_flow_get(NULL, MEXPR_FLOW_TAU, &value));
    assert_int_equal(mexpr_flow_create(c, &flow), MEXPR_OK);
    assert_string_equal(mexpr_flow_last_error(flow), "");
    for (int i = 0; i < 4; i++) {
        const mexpr_flow_param id = (mexpr_flow_param)ids[i];
        REFUSED(mexpr_flow_param_bounds(id, &low, &high, &value));
        REFUSED(mexpr_flow_method_bounds(
            MEXPR_FLOW_METHOD_FARNEBACK, id, &low, &high, &value));
        REFUSED(mexpr_flow_set(flow, id, 1));
        assert_true(strlen(mexpr_flow_last_error(flow)) > 0);
        REFUSED(mexpr_flow_get(flow, id, &value));
    }
    REFUSED(mexpr_flow_get(flow, MEXPR_FLOW_TAU, NULL));
    for (int i = MEXPR_FLOW_TAU; i <= MEXPR_FLOW_ITERATIONS; i++) {
        const mexpr_flow_param id = (mexpr_flow_param)i;
        assert_int_equal(mexpr_flow_param_bounds(id, NULL, NULL, NULL), MEXPR_OK);
        assert_int_equal(mexpr_flow_param_bounds(id, &low, &high, &value), MEXPR_OK);
        assert_int_equal(mexpr_flow_set(flow, id, high * 2), MEXPR_E_RANGE);
        assert_int_equal(mexpr_flow_set(flow, id, low - 1), MEXPR_E_RANGE);
        assert_int_equal(mexpr_flow_set(flow, id, zero / zero), MEXPR_E_RANGE);
        assert_true(strlen(mexpr_flow_last_error(flow)) > 0);
    }
    assert_true(mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 2.5) < 0);
    mexpr_flow_destroy(&flow);
    assert_null(flow);
    mexpr_context_destroy(&c);
}

static void computing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8), *small = NULL;
    mexpr_field *field = make_field(c), *other = NULL;
    mexpr_flow *flow = NULL;
    assert_int_equal(mexpr_image_create(c, MEXPR_FORMAT_GREY8, 5, 5, &small), MEXPR_OK);
    assert_int_equal(mexpr_field_create(c, 5, 5, &other), MEXPR_OK);
    assert_int_equal(mexpr_flow_create(c, &flow), MEXPR_OK);
    REFUSED(mexpr_flow_compute(NULL, image, image, field));
    REFUSED(mexpr_flow_compute(flow, NULL, image, field));
    REFUSED(mexpr_flow_compute(flow, image, NULL, field));
    REFUSED(mexpr_flow_compute(flow, image, image, NULL));
    assert_true(strlen(mexpr_flow_last_error(flow)) > 0);
    assert_int_equal(mexpr_flow_compute(flow, image, small, field), MEXPR_E_SHAPE);
    assert_int_equal(mexpr_flow_compute(flow, image, image, other), MEXPR_E_SHAPE);
    assert_int_equal(mexpr_flow_compute(flow, image, image, field), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_field_destroy(&other);
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&small);
    mexpr_context_destroy(&c);
}

static void pictures(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    mexpr_image *out;
    const mexpr_strain usual = MEXPR_STRAIN_FROBENIUS;
    const mexpr_strain unknown = (mexpr_strain)9;
    REFUSED(mexpr_flow_strain(NULL, field, usual, &out));
    REFUSED(mexpr_flow_strain(c, field, usual, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_strain(c, NULL, usual, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_strain(c, field, unknown, &out), MEXPR_E_ARG);

    REFUSED(mexpr_flow_picture(NULL, field, usual, 28, 28, &out));
    REFUSED(mexpr_flow_picture(c, field, usual, 28, 28, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_picture(c, NULL, usual, 28, 28, &out), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, out, mexpr_flow_picture(c, field, unknown, 28, 28, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_picture(c, field, usual, 0, 28, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_picture(c, field, usual, INT32_MAX, INT32_MAX, &out),
        MEXPR_E_LIMIT);

    REFUSED(mexpr_flow_colour(NULL, field, 0, &out));
    REFUSED(mexpr_flow_colour(c, field, 0, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_colour(c, NULL, 0, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_colour(c, field, -1, &out), MEXPR_E_RANGE);
    volatile double zero = 0;
    MAKES_NOTHING(c, out, mexpr_flow_colour(c, field, zero / zero, &out), MEXPR_E_RANGE);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void files(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c), *out;
    REFUSED(mexpr_field_read_flo(NULL, "a", &out));
    REFUSED(mexpr_field_read_flo(c, "a", NULL));
    MAKES_NOTHING(c, out, mexpr_field_read_flo(c, NULL, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_field_read_flo(c, "/no/a.flo", &out), MEXPR_E_NOT_FOUND);
    REFUSED(mexpr_field_decode_flo(NULL, "a", 1, &out));
    REFUSED(mexpr_field_decode_flo(c, "a", 1, NULL));
    MAKES_NOTHING(c, out, mexpr_field_decode_flo(c, NULL, 1, &out), MEXPR_E_ARG);
    out = (mexpr_field *)&out;
    assert_true(mexpr_field_decode_flo(c, "", 0, &out) < 0);
    assert_null(out);
    REFUSED(mexpr_field_write_flo(NULL, field, "a"));
    FAILS(c, mexpr_field_write_flo(c, NULL, "a"), MEXPR_E_ARG);
    FAILS(c, mexpr_field_write_flo(c, field, NULL), MEXPR_E_ARG);
    assert_true(mexpr_field_write_flo(c, field, "/no/such/folder/a.flo") < 0);
    REFUSED(mexpr_field_read_kitti(NULL, "a", &out));
    REFUSED(mexpr_field_read_kitti(c, "a", NULL));
    MAKES_NOTHING(c, out, mexpr_field_read_kitti(c, NULL, &out), MEXPR_E_ARG);
    REFUSED(mexpr_field_write_kitti(NULL, field, "a"));
    FAILS(c, mexpr_field_write_kitti(c, NULL, "a"), MEXPR_E_ARG);
    FAILS(c, mexpr_field_write_kitti(c, field, NULL), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(differences),
        cmocka_unit_test(tunables),
        cmocka_unit_test(computing),
        cmocka_unit_test(pictures),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("api_flow", tests, NULL, NULL);
}
