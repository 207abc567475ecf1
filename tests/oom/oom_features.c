/* SPDX-License-Identifier: MIT */
#include "microexpr/face.h"
#include "microexpr/flow.h"
#include "support.h"

enum { WIDTH = 24, HEIGHT = 18 };

static const float square[] = {3, 3, 20, 3, 20, 15, 3, 15};
static const int32_t square_corners[] = {4};

static mexpr_polygons one_square(void)
{
    mexpr_polygons p = MEXPR_POLYGONS_INIT;
    p.xy = square;
    p.corners = square_corners;
    p.n_polygons = 1;
    return p;
}

static mexpr_status new_field(mexpr_context *context, mexpr_field **field)
{
    const mexpr_status status = mexpr_field_create(context, WIDTH, HEIGHT, field);
    for (int i = 0; status == MEXPR_OK && i < WIDTH * HEIGHT; i++) {
        mexpr_field_u_pixels(*field)[i] = (float)(i % 7);
        mexpr_field_v_pixels(*field)[i] = (float)(i % 5 - 2);
    }
    return status;
}

static mexpr_status mask(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    const mexpr_polygons p = one_square();
    return mexpr_polygons_mask(
        context, &p, 2, mexpr_field_width(field), mexpr_field_height(field), out);
}

static mexpr_status legend(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return mexpr_flow_legend(context, field, 0, 40, out);
}

static mexpr_status arrows(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    mexpr_image *picture;
    mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, &picture);
    if (status == MEXPR_OK)
        status = mexpr_flow_arrows(context, field, picture, NULL, out);
    mexpr_image_destroy(&picture);
    return status;
}

static mexpr_status strip(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return mexpr_flow_strip(
        context, field, MEXPR_STRAIN_FROBENIUS, MEXPR_STRETCH_OWN, out);
}

typedef struct picture_job {
    mexpr_status (*make)(
        mexpr_context *context, const mexpr_field *field, mexpr_image **out);
} picture_job;

static mexpr_status make_picture(mexpr_context *context, void *arg)
{
    const picture_job *job = arg;
    mexpr_field *field = NULL;
    mexpr_image *out = NULL;
    mexpr_status status = new_field(context, &field);
    if (status == MEXPR_OK)
        status = job->make(context, field, &out);
    assert_true((status == MEXPR_OK) == (out != NULL));
    mexpr_image_destroy(&out);
    mexpr_field_destroy(&field);
    return status;
}

static void pictures(void **state)
{
    (void)state;
    picture_job jobs[] = {{mexpr_flow_magnitude}, {mexpr_flow_orientation}, {mask},
        {legend}, {arrows}, {strip}, {mexpr_flow_hsv}};
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        assert_true(test_oom_sweep(make_picture, &jobs[i], 1) > 1);
}

static mexpr_status bi_woof(mexpr_context *context, void *arg)
{
    (void)arg;
    float values[8 * 8 * 8];
    mexpr_field *field = NULL;
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    o.kind = MEXPR_HISTOGRAM_BI_WOOF;
    mexpr_status status = new_field(context, &field);
    if (status == MEXPR_OK)
        status = mexpr_flow_histogram(context, field, &o, values, 512, NULL);
    mexpr_field_destroy(&field);
    return status;
}

static void bi_woof_alone_allocates(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(bi_woof, NULL, 1) > 1);
}

/* All the calls that promise to allocate nothing. */
static mexpr_status run_without_heap(mexpr_context *context, mexpr_field *field)
{
    float values[512], landmarks[2 * MEXPR_LANDMARKS_68], xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    for (int i = 0; i < 2 * MEXPR_LANDMARKS_68; i++)
        landmarks[i] = (float)(i % 17);
    const mexpr_polygons p = one_square();
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    mexpr_motion motion = MEXPR_MOTION_INIT;
    size_t n;
    mexpr_status status = mexpr_flow_histogram(context, field, &o, values, 512, &n);
    o.kind = MEXPR_HISTOGRAM_HOOF;
    if (status == MEXPR_OK)
        status = mexpr_flow_histogram(context, field, &o, values, 512, &n);
    if (status == MEXPR_OK)
        status = mexpr_face_regions(context, MEXPR_REGIONS_MDMO, landmarks, xy, corners);
    if (status == MEXPR_OK)
        status = mexpr_flow_mdmo(context, field, &p, NULL, values, 512, &n);
    if (status == MEXPR_OK)
        status = mexpr_mdmo_average(context, values, 1, 1, values + 2);
    if (status == MEXPR_OK)
        status = mexpr_field_patch_motion(context, field, 3, 3, 11, 11, &motion);
    if (status == MEXPR_OK)
        status = mexpr_field_fit_motion(context, field, NULL, NULL, &motion);
    if (status == MEXPR_OK)
        status = mexpr_field_subtract_motion(context, field, &motion);
    if (status == MEXPR_OK)
        status = mexpr_field_mask(context, field, &p, 1, MEXPR_MASK_ZERO);
    if (status == MEXPR_OK)
        status = mexpr_field_mask_eyes(context, field, landmarks, 1, MEXPR_MASK_ZERO);
    return status;
}

static void numbers_need_no_heap(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_field *field;
    assert_ok(context, new_field(context, &field));
    const long before = heap.n_allocs;
    assert_ok(context, run_without_heap(context, field));
    assert_int_equal(heap.n_allocs, before);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(bi_woof_alone_allocates),
        cmocka_unit_test(numbers_need_no_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
