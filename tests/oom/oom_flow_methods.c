/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "microexpr/flow.h"
#include "support.h"

enum { WIDTH = 40, HEIGHT = 36 };

static mexpr_status new_picture(mexpr_context *context, int first, mexpr_image **image)
{
    const mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, image);
    for (int y = 0; status == MEXPR_OK && y < HEIGHT; y++) {
        uint8_t *row = mexpr_image_pixels(*image);
        row += (size_t)y * mexpr_image_stride(*image);
        for (int x = 0; x < WIDTH; x++)
            row[x] = (uint8_t)((x + first) * 7 % 64 + y % 9 * 11);
    }
    return status;
}

/* Chooses a method, computes twice, and goes back to the default one. */
static mexpr_status compute(mexpr_context *context, void *arg)
{
    const mexpr_flow_method *method = arg;
    mexpr_image *first = NULL, *second = NULL;
    mexpr_flow *flow = NULL;
    mexpr_field *field = NULL;
    mexpr_status status = new_picture(context, 0, &first);
    if (status == MEXPR_OK)
        status = new_picture(context, 1, &second);
    if (status == MEXPR_OK)
        status = mexpr_field_create(context, WIDTH, HEIGHT, &field);
    if (status == MEXPR_OK)
        status = mexpr_flow_create(context, &flow);
    if (status == MEXPR_OK)
        status = mexpr_flow_set(flow, MEXPR_FLOW_METHOD, *method);
    for (int i = 0; status == MEXPR_OK && i < 2; i++) {
        status = mexpr_flow_compute(flow, first, second, field);
        assert_true((status == MEXPR_OK) == (mexpr_flow_last_error(flow)[0] == 0));
    }
    if (status == MEXPR_OK)
        status = mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_TVL1);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&second);
    mexpr_image_destroy(&first);
    return status;
}

static void test_methods(void **state)
{
    mexpr_flow_method methods[] = {MEXPR_FLOW_METHOD_TVL1_FAST,
        MEXPR_FLOW_METHOD_TVL1_OPENCV, MEXPR_FLOW_METHOD_FARNEBACK};
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int n_threads = 1; n_threads <= 2; n_threads++)
            assert_true(test_oom_sweep(compute, &methods[i], n_threads) > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_methods)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
