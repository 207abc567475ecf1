/* SPDX-License-Identifier: MIT */
/* The kernel systems on the real flow pictures, one fold in ten; the whole is measured in
 * docs/evaluate.md. */
#include <stdlib.h>
#include <string.h>

#include "microexpr/evaluate.h"
#include "microexpr/train.h"
#include "support.h"

enum { CLIP = 3 * 28 * 28 };

static mexpr_status fit(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    (void)user;
    (void)seed;
    return mexpr_train(
        context, "flow-derivative-svm", inputs, labels, n_classes, NULL, NULL, NULL, out);
}

static void tenfold(void **state)
{
    (void)state;
    test_needs("png");
    mexpr_context *context = test_context(NULL, 1);
    mexpr_manifest *manifest;
    mexpr_evaluation *e;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_metrics m = MEXPR_METRICS_INIT;
    mexpr_tensor_view inputs = MEXPR_TENSOR_VIEW_INIT;
    assert_ok(context,
        mexpr_manifest_read(context, test_data("megc2019/labels.csv"), NULL, &manifest));
    const int64_t n = mexpr_manifest_n_clips(manifest);
    assert_int_equal(n, 442);
    assert_int_equal(mexpr_manifest_n_persons(manifest), 68);
    float *values = malloc((size_t)n * CLIP * sizeof *values);
    assert_non_null(values);
    assert_ok(
        context, mexpr_manifest_pictures(context, manifest, test_data("megc2019/flow28"),
                     28, 28, NULL, 0, values, (size_t)n * CLIP, NULL, NULL));
    inputs.dtype = MEXPR_DTYPE_F32;
    inputs.rank = 4;
    inputs.dims[0] = n;
    inputs.dims[1] = 3;
    inputs.dims[2] = inputs.dims[3] = 28;
    inputs.data = values;
    o.protocol = MEXPR_PROTOCOL_KFOLD;
    assert_ok(
        context, mexpr_evaluate(context, manifest, &inputs, fit, &o, NULL, NULL, &e));
    assert_ok(context, mexpr_evaluation_metrics(context, e, -1, NULL, &m));
    print_message("tenfold by persons: UF1 %.4f, UAR %.4f\n", m.uf1, m.uar);
    assert_true(m.uf1 > 0.73 && m.uar > 0.75);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    mexpr_context_destroy(&context);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tenfold)};
    return cmocka_run_group_tests_name("evaluation_data", tests, NULL, NULL);
}
