/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "microexpr/spot.h"
#include "support.h"

enum { N_FRAMES = 9, N_VALUES = 177 };

static mexpr_status lbp_top(mexpr_context *context, void *arg)
{
    (void)arg;
    mexpr_image *frames[N_FRAMES] = {NULL};
    float values[N_VALUES];
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
    o.columns = o.rows = 1;
    mexpr_status status = MEXPR_OK;
    for (int t = 0; t < N_FRAMES && status == MEXPR_OK; t++) {
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, 9, 9, &frames[t]);
        if (status == MEXPR_OK)
            memset(
                mexpr_image_pixels(frames[t]), 40 + t, mexpr_image_stride(frames[t]) * 9);
    }
    if (status == MEXPR_OK)
        status = mexpr_lbp_top(context, (const mexpr_image *const *)frames, N_FRAMES, &o,
            values, N_VALUES, NULL);
    for (int t = 0; t < N_FRAMES; t++)
        mexpr_image_destroy(&frames[t]);
    return status;
}

static void lbp_top_survives(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(lbp_top, NULL, 1) > N_FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbp_top_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
