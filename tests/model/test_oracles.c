/* SPDX-License-Identifier: MIT */
/* Networks with known answers: random weights checked with other engines, and published
 * ones on their own clips. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/model.h"
#include "config.h"
#include "support.h"

static size_t count(const mexpr_tensor_view *view)
{
    size_t n = 1;
    for (int i = 0; i < view->rank; i++)
        n *= (size_t)view->dims[i];
    return n;
}

/* Largest difference, relative to the largest number that is expected. */
static double relative_difference(
    const mexpr_tensor_view *want, const mexpr_tensor_view *got)
{
    double scale = 0, worst = 0;
    assert_int_equal(count(want), count(got));
    for (size_t i = 0; i < count(want); i++) {
        const double a = (double)((const float *)want->data)[i];
        const double b = (double)((const float *)got->data)[i];
        scale = fmax(scale, fabs(a));
        worst = isnan(b) ? INFINITY : fmax(worst, fabs(a - b));
    }
    return worst / scale;
}

enum { MAX_INPUTS = 2 };

static mexpr_tensor *read_numbers(mexpr_context *context, const char *name,
    const char *kind, int index, mexpr_tensor_view *view)
{
    char path[128];
    mexpr_tensor *tensor = NULL;
    snprintf(path, sizeof path, "models/%s_%s%d.npy", name, kind, index);
    assert_ok(context, mexpr_tensor_read(context, test_data(path), &tensor));
    assert_int_equal(mexpr_tensor_get(tensor, view), MEXPR_OK);
    return tensor;
}

static void check_oracle(const char *name)
{
    char path[128];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor *in[MAX_INPUTS] = {NULL}, *out = NULL;
    mexpr_tensor_view want = MEXPR_TENSOR_VIEW_INIT, got = MEXPR_TENSOR_VIEW_INIT;
    snprintf(path, sizeof path, "models/%s.onnx", name);
    assert_ok(context, mexpr_model_load(context, test_data(path), &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_in_range(mexpr_model_n_inputs(model), 1, MAX_INPUTS);
    for (int i = 0; i < mexpr_model_n_inputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view x = MEXPR_TENSOR_VIEW_INIT;
        in[i] = read_numbers(context, name, "in", i, &x);
        assert_int_equal(mexpr_model_input(model, i, &info), MEXPR_OK);
        assert_int_equal(mexpr_session_set_input(session, info.name, &x), MEXPR_OK);
    }
    out = read_numbers(context, name, "out", 0, &want);
    if (mexpr_session_run(session) != MEXPR_OK)
        fail_msg("%s", mexpr_session_last_error(session));
    assert_int_equal(mexpr_session_output(session, NULL, &got), MEXPR_OK);
    const double difference = relative_difference(&want, &got);
    print_message("%s: relative difference %.2e\n", name, difference);
    assert_true(difference < 1e-5);
    mexpr_session_destroy(&session);
    for (int i = 0; i < MAX_INPUTS; i++)
        mexpr_tensor_destroy(&in[i]);
    mexpr_tensor_destroy(&out);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

static void random_ststnet(void **state)
{
    (void)state;
    check_oracle("a_ststnet");
}

static void random_offtanet(void **state)
{
    (void)state;
    check_oracle("b_offtanet");
}

static void random_dual_gru(void **state)
{
    (void)state;
    check_oracle("d_dual3dgru");
}

static void random_efficientnet(void **state)
{
    (void)state;
    check_oracle("f_effb0cbam");
}

/* --- published weights ------------------------------------------------------------- */

enum { SIDE = 28, PIXELS = SIDE * SIDE };

/* A flow picture as the planes blue, green, red in 0..255. */
static void read_planes(mexpr_context *context, const char *file, float *planes)
{
    char path[160];
    mexpr_image *image = NULL;
    snprintf(path, sizeof path, "megc2019/flow28/%s", file);
    assert_ok(
        context, mexpr_image_read(context, test_data(path), MEXPR_COLOUR_RGB, &image));
    assert_int_equal(mexpr_image_width(image), SIDE);
    assert_int_equal(mexpr_image_height(image), SIDE);
    const uint8_t *pixels = mexpr_image_data(image);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const uint8_t *p =
                pixels + (size_t)y * mexpr_image_stride(image) + 3 * (size_t)x;
            for (int c = 0; c < 3; c++)
                planes[c * PIXELS + y * SIDE + x] = (float)p[2 - c];
        }
    }
    mexpr_image_destroy(&image);
}

static int largest(const float *x)
{
    return x[0] >= x[1] && x[0] >= x[2] ? 0 : x[1] >= x[2] ? 1 : 2;
}

static void run_fold(mexpr_context *context, const char *file, const char *subject,
    const float *want, double *worst)
{
    static float planes[3 * PIXELS];
    char path[128];
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor_view x = MEXPR_TENSOR_VIEW_INIT, y = MEXPR_TENSOR_VIEW_INIT;
    read_planes(context, file, planes);
    x.dtype = MEXPR_DTYPE_F32;
    x.rank = 4;
    x.dims[0] = 1;
    x.dims[1] = 3;
    x.dims[2] = x.dims[3] = SIDE;
    x.data = planes;
    snprintf(path, sizeof path, "ststnet/%s.onnx", subject);
    assert_ok(context, mexpr_model_load(context, test_data(path), &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "flow", &x), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, "logits", &y), MEXPR_OK);
    assert_int_equal(count(&y), 3);
    const float *got = y.data;
    assert_int_equal(largest(got), largest(want));
    for (int i = 0; i < 3; i++)
        *worst = fmax(*worst, fabs((double)got[i] - (double)want[i]));
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static void published_folds(void **state)
{
    (void)state;
    if (!MX_HAVE_PNG)
        skip(); /* the flow pictures are PNG */
    mexpr_context *context = test_context(NULL, 1);
    FILE *csv = fopen(test_data("ststnet/expected_logits.csv"), "r");
    assert_non_null(csv);
    char line[256], file[64], subject[16];
    double worst = 0;
    int n = 0, label;
    float want[3];
    assert_non_null(fgets(line, sizeof line, csv));
    while (fgets(line, sizeof line, csv)) {
        if (sscanf(line, "%63[^,],%15[^,],%d,%f,%f,%f", file, subject, &label, &want[0],
                &want[1], &want[2]) != 6)
            fail_msg("cannot read '%s'", line);
        run_fold(context, file, subject, want, &worst);
        n++;
    }
    fclose(csv);
    print_message("%d clips, largest difference of a logit %.2e\n", n, worst);
    assert_true(n > 12);
    assert_true(worst < 1e-3);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_ststnet),
        cmocka_unit_test(random_offtanet),
        cmocka_unit_test(random_dual_gru),
        cmocka_unit_test(random_efficientnet),
        cmocka_unit_test(published_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
