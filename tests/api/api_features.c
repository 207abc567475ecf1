/* SPDX-License-Identifier: MIT */
/* The features and drawings of flow.h. */
#include "api_check.h"

static const float triangle[] = {2, 2, 12, 2, 7, 12};
static const int32_t three = 3;
static const size_t wrong_sizes[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};

static mexpr_polygons one_triangle(void)
{
    mexpr_polygons polygons = MEXPR_POLYGONS_INIT;
    polygons.xy = triangle;
    polygons.corners = &three;
    polygons.n_polygons = 1;
    return polygons;
}

static mexpr_field *make_field(mexpr_context *context)
{
    mexpr_field *field = NULL;
    assert_int_equal(mexpr_field_create(context, 32, 24, &field), MEXPR_OK);
    return field;
}

static double not_a_number(void)
{
    volatile double zero = 0;
    return zero / zero;
}

static void planes(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    mexpr_image *out;
    REFUSED(mexpr_flow_magnitude(NULL, field, &out));
    REFUSED(mexpr_flow_magnitude(c, field, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_magnitude(c, NULL, &out), MEXPR_E_ARG);
    REFUSED(mexpr_flow_orientation(NULL, field, &out));
    REFUSED(mexpr_flow_orientation(c, field, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_orientation(c, NULL, &out), MEXPR_E_ARG);
    REFUSED(mexpr_flow_hsv(NULL, field, &out));
    REFUSED(mexpr_flow_hsv(c, field, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_hsv(c, NULL, &out), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void odd_polygons(mexpr_context *c, mexpr_polygons polygons, mexpr_status status)
{
    mexpr_field *field = make_field(c);
    mexpr_image *out;
    float values[8];
    size_t n = 0;
    MAKES_NOTHING(c, out, mexpr_polygons_mask(c, &polygons, 0, 9, 9, &out), status);
    FAILS(c, mexpr_field_mask(c, field, &polygons, 0, MEXPR_MASK_ZERO), status);
    FAILS(c, mexpr_flow_mdmo(c, field, &polygons, NULL, values, 8, &n), status);
    mexpr_field_destroy(&field);
}

static void polygons(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        mexpr_polygons p = one_triangle();
        p.struct_size = wrong_sizes[i];
        odd_polygons(c, p, MEXPR_E_ABI);
    }
    static const int32_t counts[] = {2, 0, -1};
    for (int i = 0; i < 3; i++) {
        mexpr_polygons p = one_triangle();
        p.corners = &counts[i];
        odd_polygons(c, p, MEXPR_E_ARG);
    }
    mexpr_polygons p = one_triangle();
    p.xy = NULL;
    odd_polygons(c, p, MEXPR_E_ARG);
    p = one_triangle();
    p.corners = NULL;
    odd_polygons(c, p, MEXPR_E_ARG);
    p = one_triangle();
    p.n_polygons = 0;
    odd_polygons(c, p, MEXPR_E_ARG);
    p.n_polygons = -1;
    odd_polygons(c, p, MEXPR_E_ARG);
    float infinite[] = {2, 2, 12, 2, 7, 12};
    infinite[3] = (float)not_a_number();
    p = one_triangle();
    p.xy = infinite;
    odd_polygons(c, p, MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

static void masks(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    mexpr_image *out;
    const mexpr_polygons p = one_triangle();
    static const double margins[] = {-1, 1e300};
    static float landmarks[2 * MEXPR_LANDMARKS_68];
    REFUSED(mexpr_polygons_mask(NULL, &p, 0, 9, 9, &out));
    REFUSED(mexpr_polygons_mask(c, &p, 0, 9, 9, NULL));
    MAKES_NOTHING(c, out, mexpr_polygons_mask(c, NULL, 0, 9, 9, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_polygons_mask(c, &p, 0, 0, 9, &out), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, out, mexpr_polygons_mask(c, &p, 0, INT32_MAX, INT32_MAX, &out), MEXPR_E_LIMIT);
    REFUSED(mexpr_field_mask(NULL, field, &p, 0, MEXPR_MASK_ZERO));
    FAILS(c, mexpr_field_mask(c, NULL, &p, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    FAILS(c, mexpr_field_mask(c, field, NULL, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    FAILS(c, mexpr_field_mask(c, field, &p, 0, (mexpr_mask_fill)0), MEXPR_E_ARG);
    REFUSED(mexpr_field_mask_eyes(NULL, field, landmarks, 0, MEXPR_MASK_ZERO));
    FAILS(c, mexpr_field_mask_eyes(c, NULL, landmarks, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    FAILS(c, mexpr_field_mask_eyes(c, field, NULL, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    FAILS(c, mexpr_field_mask_eyes(c, field, landmarks, 0, (mexpr_mask_fill)9),
        MEXPR_E_ARG);
    for (int i = 0; i < 2; i++) {
        const double margin = margins[i];
        MAKES_NOTHING(
            c, out, mexpr_polygons_mask(c, &p, margin, 9, 9, &out), MEXPR_E_RANGE);
        FAILS(c, mexpr_field_mask(c, field, &p, margin, MEXPR_MASK_ZERO), MEXPR_E_RANGE);
        FAILS(c, mexpr_field_mask_eyes(c, field, landmarks, margin, MEXPR_MASK_ZERO),
            MEXPR_E_RANGE);
    }
    landmarks[75] = (float)not_a_number();
    FAILS(c, mexpr_field_mask_eyes(c, field, landmarks, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void motion(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    mexpr_image *small = NULL;
    mexpr_motion m = MEXPR_MOTION_INIT;
    mexpr_motion_options o = MEXPR_MOTION_OPTIONS_INIT;
    assert_int_equal(mexpr_image_create(c, MEXPR_FORMAT_GREY8, 5, 5, &small), MEXPR_OK);
    REFUSED(mexpr_field_patch_motion(NULL, field, 0, 0, 3, 3, &m));
    FAILS(c, mexpr_field_patch_motion(c, NULL, 0, 0, 3, 3, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_field_patch_motion(c, field, 0, 0, 3, 3, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_field_patch_motion(c, field, 32, 0, 3, 3, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_field_patch_motion(c, field, INT32_MAX, 0, INT32_MAX, 3, &m),
        MEXPR_E_RANGE);
    assert_true(mexpr_field_patch_motion(c, field, 0, 0, 0, -3, &m) < 0);
    REFUSED(mexpr_field_fit_motion(NULL, field, NULL, NULL, &m));
    FAILS(c, mexpr_field_fit_motion(c, NULL, NULL, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_field_fit_motion(c, field, NULL, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_field_fit_motion(c, field, small, NULL, &m), MEXPR_E_SHAPE);
    o.model = 9;
    assert_true(mexpr_field_fit_motion(c, field, NULL, &o, &m) < 0);
    o.model = 0;
    o.iterations = -1;
    FAILS(c, mexpr_field_fit_motion(c, field, NULL, &o, &m), MEXPR_E_RANGE);
    o.iterations = 0;
    o.outlier = not_a_number();
    FAILS(c, mexpr_field_fit_motion(c, field, NULL, &o, &m), MEXPR_E_RANGE);
    REFUSED(mexpr_field_subtract_motion(NULL, field, &m));
    FAILS(c, mexpr_field_subtract_motion(c, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_field_subtract_motion(c, field, NULL), MEXPR_E_ARG);
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        m.struct_size = wrong_sizes[i];
        FAILS(c, mexpr_field_patch_motion(c, field, 0, 0, 3, 3, &m), MEXPR_E_ABI);
        FAILS(c, mexpr_field_fit_motion(c, field, NULL, NULL, &m), MEXPR_E_ABI);
        FAILS(c, mexpr_field_subtract_motion(c, field, &m), MEXPR_E_ABI);
    }
    m = (mexpr_motion)MEXPR_MOTION_INIT;
    m.zoom = not_a_number();
    FAILS(c, mexpr_field_subtract_motion(c, field, &m), MEXPR_E_ARG);
    mexpr_image_destroy(&small);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void histograms(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    float values[8];
    size_t n = 0;
    REFUSED(mexpr_flow_histogram(NULL, field, NULL, values, 8, &n));
    FAILS(c, mexpr_flow_histogram(c, NULL, NULL, values, 8, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_flow_histogram(c, field, NULL, values, 7, &n), MEXPR_E_RANGE);
    assert_int_equal(mexpr_flow_histogram(c, field, NULL, NULL, 0, &n), MEXPR_OK);
    assert_int_equal(n, 8);
    assert_int_equal(mexpr_flow_histogram(c, field, NULL, values, 8, NULL), MEXPR_OK);
    for (int field_number = 0; field_number < 8; field_number++) {
        for (int32_t value = -1; value <= 1; value += 2) {
            mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
            int32_t *const fields[] = {&o.kind, &o.n_bins, &o.columns, &o.rows, &o.weight,
                &o.norm, &o.strain, &o.reserved};
            *fields[field_number] = value * 100;
            assert_true(mexpr_flow_histogram(c, field, &o, values, 8, &n) < 0);
        }
    }
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    o.min_magnitude = not_a_number();
    FAILS(c, mexpr_flow_histogram(c, field, &o, values, 8, &n), MEXPR_E_RANGE);
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        o.struct_size = wrong_sizes[i];
        FAILS(c, mexpr_flow_histogram(c, field, &o, values, 8, &n), MEXPR_E_ABI);
    }
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void mdmo(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    const mexpr_polygons p = one_triangle();
    mexpr_mdmo_options o = MEXPR_MDMO_OPTIONS_INIT;
    float values[2];
    size_t n = 0;
    REFUSED(mexpr_flow_mdmo(NULL, field, &p, NULL, values, 2, &n));
    FAILS(c, mexpr_flow_mdmo(c, NULL, &p, NULL, values, 2, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_flow_mdmo(c, field, NULL, NULL, values, 2, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_flow_mdmo(c, field, &p, NULL, values, 1, &n), MEXPR_E_RANGE);
    assert_int_equal(mexpr_flow_mdmo(c, field, &p, NULL, NULL, 0, &n), MEXPR_OK);
    assert_int_equal(n, 2);
    o.n_bins = 65;
    FAILS(c, mexpr_flow_mdmo(c, field, &p, &o, values, 2, &n), MEXPR_E_RANGE);
    o.struct_size = 3;
    FAILS(c, mexpr_flow_mdmo(c, field, &p, &o, values, 2, &n), MEXPR_E_ABI);
    REFUSED(mexpr_mdmo_average(NULL, values, 1, 1, values));
    FAILS(c, mexpr_mdmo_average(c, NULL, 1, 1, values), MEXPR_E_ARG);
    FAILS(c, mexpr_mdmo_average(c, values, 0, 1, values), MEXPR_E_ARG);
    FAILS(c, mexpr_mdmo_average(c, values, 1, -1, values), MEXPR_E_ARG);
    FAILS(c, mexpr_mdmo_average(c, values, 1, 1, NULL), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

static void drawings(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_field *field = make_field(c);
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8), *small = NULL, *out;
    assert_int_equal(mexpr_image_create(c, MEXPR_FORMAT_GREY8, 5, 5, &small), MEXPR_OK);
    REFUSED(mexpr_flow_legend(NULL, field, 0, 0, &out));
    REFUSED(mexpr_flow_legend(c, field, 0, 0, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_legend(c, NULL, 0, 0, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_legend(c, field, -1, 0, &out), MEXPR_E_RANGE);
    MAKES_NOTHING(
        c, out, mexpr_flow_legend(c, field, not_a_number(), 0, &out), MEXPR_E_RANGE);
    MAKES_NOTHING(c, out, mexpr_flow_legend(c, field, 0, 31, &out), MEXPR_E_RANGE);
    REFUSED(
        mexpr_flow_strip(NULL, field, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, &out));
    REFUSED(mexpr_flow_strip(c, field, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, NULL));
    MAKES_NOTHING(c, out,
        mexpr_flow_strip(c, NULL, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, &out),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, out,
        mexpr_flow_strip(c, field, (mexpr_strain)7, MEXPR_STRETCH_OWN, &out),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, out,
        mexpr_flow_strip(c, field, MEXPR_STRAIN_FROBENIUS, (mexpr_stretch)0, &out),
        MEXPR_E_ARG);
    REFUSED(mexpr_flow_arrows(NULL, field, image, NULL, &out));
    REFUSED(mexpr_flow_arrows(c, field, image, NULL, NULL));
    MAKES_NOTHING(c, out, mexpr_flow_arrows(c, NULL, image, NULL, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_arrows(c, field, NULL, NULL, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_flow_arrows(c, field, small, NULL, &out), MEXPR_E_SHAPE);
    mexpr_arrow_options o = MEXPR_ARROW_OPTIONS_INIT;
    o.step = 1;
    MAKES_NOTHING(c, out, mexpr_flow_arrows(c, field, image, &o, &out), MEXPR_E_RANGE);
    o.step = 0;
    o.scale = not_a_number();
    MAKES_NOTHING(c, out, mexpr_flow_arrows(c, field, image, &o, &out), MEXPR_E_RANGE);
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        o.struct_size = wrong_sizes[i];
        MAKES_NOTHING(c, out, mexpr_flow_arrows(c, field, image, &o, &out), MEXPR_E_ABI);
    }
    mexpr_image_destroy(&small);
    mexpr_image_destroy(&image);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes),
        cmocka_unit_test(polygons),
        cmocka_unit_test(masks),
        cmocka_unit_test(motion),
        cmocka_unit_test(histograms),
        cmocka_unit_test(mdmo),
        cmocka_unit_test(drawings),
    };
    return cmocka_run_group_tests_name("api_features", tests, NULL, NULL);
}
