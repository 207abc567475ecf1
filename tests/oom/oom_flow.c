/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config.h"
#include "microexpr/flow.h"
#include "support.h"

enum { WIDTH = 40, HEIGHT = 50 };

static mexpr_status new_field(mexpr_context *context, mexpr_field **field)
{
    const mexpr_status status = mexpr_field_create(context, WIDTH, HEIGHT, field);
    assert_true((status == MEXPR_OK) == (*field != NULL));
    if (status == MEXPR_OK)
        mexpr_field_u_pixels(*field)[5] = 1;
    return status;
}

/* --- estimator --------------------------------------------------------------------- */

static mexpr_status new_frame(mexpr_context *context, int step, mexpr_image **image)
{
    const mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, image);
    if (status == MEXPR_OK) {
        uint8_t *pixels = mexpr_image_pixels(*image);
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            pixels[i] = (uint8_t)(i * step);
    }
    return status;
}

static mexpr_status compute(mexpr_context *context, void *arg)
{
    mexpr_image *a = NULL, *b = NULL;
    mexpr_flow *flow = NULL;
    mexpr_field *field = NULL;
    (void)arg;
    mexpr_status status = new_frame(context, 7, &a);
    if (status == MEXPR_OK)
        status = new_frame(context, 9, &b);
    if (status == MEXPR_OK)
        status = new_field(context, &field);
    if (status == MEXPR_OK) {
        status = mexpr_flow_create(context, &flow);
        assert_true((status == MEXPR_OK) == (flow != NULL));
    }
    if (status == MEXPR_OK) {
        status = mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 3);
        assert_int_equal(status, MEXPR_OK);
        status = mexpr_flow_compute(flow, a, b, field);
        assert_true(status == MEXPR_OK || *mexpr_flow_last_error(flow));
        /* The handle is as good as before. */
        if (status == MEXPR_E_NOMEM && mexpr_flow_compute(flow, a, b, field) == MEXPR_OK)
            assert_true(mexpr_field_u(field)[0] == mexpr_field_u(field)[0]);
    }
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    return status;
}

/* --- pictures ---------------------------------------------------------------------- */

typedef mexpr_status (*picture_fn)(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out);

static mexpr_status strain(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return mexpr_flow_strain(context, field, MEXPR_STRAIN_FROBENIUS, out);
}

static mexpr_status picture(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return mexpr_flow_picture(context, field, MEXPR_STRAIN_QUARTER, 28, 28, out);
}

static mexpr_status colour(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return mexpr_flow_colour(context, field, 0, out);
}

static mexpr_status make_picture(mexpr_context *context, void *arg)
{
    const picture_fn *make = arg;
    mexpr_field *field = NULL;
    mexpr_image *out = NULL;
    mexpr_status status = new_field(context, &field);
    if (status == MEXPR_OK) {
        status = (*make)(context, field, &out);
        assert_true((status == MEXPR_OK) == (out != NULL));
    }
    mexpr_image_destroy(&out);
    mexpr_field_destroy(&field);
    return status;
}

static mexpr_status difference(mexpr_context *context, void *arg)
{
    mexpr_field *a = NULL, *b = NULL;
    double mean;
    (void)arg;
    mexpr_status status = new_field(context, &a);
    if (status == MEXPR_OK)
        status = new_field(context, &b);
    if (status == MEXPR_OK)
        status = mexpr_field_difference(context, a, b, &mean, NULL);
    mexpr_field_destroy(&b);
    mexpr_field_destroy(&a);
    return status;
}

/* --- files ------------------------------------------------------------------------- */

typedef struct file_job {
    const char *name;
    mexpr_status (*write)(
        mexpr_context *context, const mexpr_field *field, const char *path);
    mexpr_status (*read)(mexpr_context *context, const char *path, mexpr_field **out);
} file_job;

static mexpr_status there_and_back(mexpr_context *context, void *arg)
{
    const file_job *job = arg;
    const char *path = test_path(job->name);
    mexpr_field *field = NULL, *again = NULL;
    mexpr_status status = new_field(context, &field);
    if (status == MEXPR_OK)
        status = job->write(context, field, path);
    if (status == MEXPR_OK) {
        status = job->read(context, path, &again);
        assert_true((status == MEXPR_OK) == (again != NULL));
    }
    mexpr_field_destroy(&again);
    mexpr_field_destroy(&field);
    return status;
}

static mexpr_status decode(mexpr_context *context, void *arg)
{
    static const uint8_t bytes[20] = "PIEH\1\0\0\0\1\0\0\0";
    mexpr_field *field;
    (void)arg;
    const mexpr_status status =
        mexpr_field_decode_flo(context, bytes, sizeof bytes, &field);
    assert_true((status == MEXPR_OK) == (field != NULL));
    mexpr_field_destroy(&field);
    return status;
}

/* --- sweep ------------------------------------------------------------------------- */

static void sweep(void **state)
{
    static const picture_fn pictures[] = {strain, picture, colour};
    static const file_job flo = {"a.flo", mexpr_field_write_flo, mexpr_field_read_flo};
    (void)state;
    assert_true(test_oom_sweep(compute, NULL, 1) >= 6);
    assert_true(test_oom_sweep(compute, NULL, 2) >= 6);
    for (int i = 0; i < 3; i++)
        assert_true(test_oom_sweep(make_picture, (void *)&pictures[i], 1) >= 2);
    assert_true(test_oom_sweep(difference, NULL, 1) == 2);
    assert_true(test_oom_sweep(there_and_back, (void *)&flo, 1) >= 4);
    assert_true(test_oom_sweep(decode, NULL, 1) == 1);
#if MX_HAVE_PNG
    static const file_job kitti = {
        "a.png", mexpr_field_write_kitti, mexpr_field_read_kitti};
    assert_true(test_oom_sweep(there_and_back, (void *)&kitti, 1) >= 4);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sweep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
