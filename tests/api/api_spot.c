/* SPDX-License-Identifier: MIT */
#include "api_check.h"

enum { N_FRAMES = 9, N_VALUES = 3 * 59 * 25 };

static void lbp_top(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    static float values[N_VALUES];
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    const mexpr_image *frames[N_FRAMES];
    size_t n = 0;
    for (int i = 0; i < N_FRAMES; i++)
        frames[i] = image;
    REFUSED(mexpr_lbp_top(NULL, frames, N_FRAMES, NULL, values, N_VALUES, &n));
    FAILS(c, mexpr_lbp_top(c, NULL, N_FRAMES, NULL, values, N_VALUES, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_lbp_top(c, frames, -1, NULL, values, N_VALUES, &n), MEXPR_E_ARG);
    assert_true(mexpr_lbp_top(c, frames, 0, NULL, values, N_VALUES, &n) < 0);
    FAILS(c, mexpr_lbp_top(c, frames, 8, NULL, values, N_VALUES, &n), MEXPR_E_SHAPE);
    FAILS(c, mexpr_lbp_top(c, frames, N_FRAMES, NULL, values, N_VALUES - 1, &n),
        MEXPR_E_RANGE);
    frames[3] = NULL;
    FAILS(c, mexpr_lbp_top(c, frames, N_FRAMES, NULL, values, N_VALUES, &n), MEXPR_E_ARG);
    frames[3] = image;
    for (int field = 0; field < 11; field++) {
        mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
        int32_t *const fields[] = {&o.radius_x, &o.radius_y, &o.radius_t,
            &o.neighbours_xy, &o.neighbours_xt, &o.neighbours_yt, &o.columns, &o.rows,
            &o.layers, &o.sampling, &o.patterns};
        *fields[field] = -1;
        assert_true(mexpr_lbp_top(c, frames, N_FRAMES, &o, values, N_VALUES, &n) < 0);
        *fields[field] = INT32_MAX;
        assert_true(mexpr_lbp_top(c, frames, N_FRAMES, &o, values, N_VALUES, &n) < 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
        o.struct_size = wrong[i];
        FAILS(
            c, mexpr_lbp_top(c, frames, N_FRAMES, &o, values, N_VALUES, &n), MEXPR_E_ABI);
    }
    assert_int_equal(mexpr_lbp_top(c, frames, N_FRAMES, NULL, NULL, 0, &n), MEXPR_OK);
    assert_int_equal(n, N_VALUES);
    assert_int_equal(
        mexpr_lbp_top(c, frames, N_FRAMES, NULL, values, N_VALUES, NULL), MEXPR_OK);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbp_top),
    };
    return cmocka_run_group_tests_name("api_spot", tests, NULL, NULL);
}
