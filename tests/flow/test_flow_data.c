/* SPDX-License-Identifier: MIT */
/* On real data: the flow of the IPOL program, the truth of Middlebury, the published flow
 * pictures of two micro-expressions. */
#include <math.h>
#include <stdio.h>

#include "config.h"
#include "microexpr/flow.h"
#include "support.h"

static mexpr_field *flow_between(
    mexpr_context *context, const char *folder, const char *first, const char *second)
{
    char names[2][256];
    snprintf(names[0], sizeof names[0], "%s/%s", folder, first);
    snprintf(names[1], sizeof names[1], "%s/%s", folder, second);
    mexpr_image *a, *b;
    assert_ok(
        context, mexpr_image_read(context, test_data(names[0]), MEXPR_COLOUR_GREY, &a));
    assert_ok(
        context, mexpr_image_read(context, test_data(names[1]), MEXPR_COLOUR_GREY, &b));
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context,
        mexpr_field_create(context, mexpr_image_width(a), mexpr_image_height(a), &field));
    assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    return field;
}

static double distance(mexpr_context *context, const mexpr_field *field,
    const char *folder, const char *name)
{
    char path[256];
    double mean;
    mexpr_field *other;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(context, mexpr_field_read_flo(context, test_data(path), &other));
    assert_ok(context, mexpr_field_difference(context, field, other, &mean, NULL));
    mexpr_field_destroy(&other);
    return mean;
}

static void middlebury(void **state)
{
    static const struct {
        const char *folder;
        double error; /* of the IPOL program */
    } sequences[] = {
        {"middlebury/Dimetrodon", 0.162},
        {"middlebury/Grove2", 0.156},
        {"middlebury/RubberWhale", 0.216},
        {"middlebury/Urban2", 0.385},
    };
    (void)state;
    mexpr_context *context = test_context(NULL, 2);
    for (int i = 0; i < 4; i++) {
        mexpr_field *field = flow_between(
            context, sequences[i].folder, "frame10_gray.png", "frame11_gray.png");
        const double ipol =
            distance(context, field, sequences[i].folder, "ipol_tvl1.flo");
        const double truth = distance(context, field, sequences[i].folder, "flow10.flo");
        print_message("%s: %.2g px from the IPOL program, end-point error %.4f px\n",
            sequences[i].folder, ipol, truth);
        assert_true(ipol < 0.01);
        assert_true(fabs(truth - sequences[i].error) <= 0.002);
        mexpr_field_destroy(&field);
    }
    mexpr_context_destroy(&context);
}

/* Correlation of channel `channel` of two RGB pictures. */
static double correlation(const mexpr_image *a, const mexpr_image *b, int channel)
{
    const int n = mexpr_image_width(a) * mexpr_image_height(a);
    const uint8_t *p = mexpr_image_data(a), *q = mexpr_image_data(b);
    double sp = 0, sq = 0, spp = 0, sqq = 0, spq = 0;
    for (int i = 0; i < n; i++) {
        const double x = p[3 * i + channel], y = q[3 * i + channel];
        sp += x, sq += y, spp += x * x, sqq += y * y, spq += x * y;
    }
    return (n * spq - sp * sq) / sqrt((n * spp - sp * sp) * (n * sqq - sq * sq));
}

static void micro_expressions(void **state)
{
    static const char *const clips[] = {"006_006_1_2", "s03_s03_po_11"};
    static const double least[] = {0.98, 0.98, 0.96};
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int i = 0; i < 2; i++) {
        char folder[64], published[64];
        snprintf(folder, sizeof folder, "pairs/%s", clips[i]);
        snprintf(published, sizeof published, "megc2019/flow28/%s.png", clips[i]);
        mexpr_field *field = flow_between(context, folder, "onset.png", "apex.png");
        const double ipol = distance(context, field, folder, "ipol_tvl1.flo");
        mexpr_image *ours, *theirs;
        assert_ok(context,
            mexpr_flow_picture(context, field, MEXPR_STRAIN_FROBENIUS, 28, 28, &ours));
        assert_ok(context,
            mexpr_image_read(context, test_data(published), MEXPR_COLOUR_RGB, &theirs));
        print_message("%s: %.2g px from the IPOL program, correlation with the published "
                      "picture",
            clips[i], ipol);
        for (int channel = 0; channel < 3; channel++) {
            const double r = correlation(ours, theirs, channel);
            print_message(" %.4f", r);
            assert_true(r >= least[channel]);
        }
        print_message("\n");
        assert_true(ipol < 0.01);
        mexpr_image_destroy(&theirs);
        mexpr_image_destroy(&ours);
        mexpr_field_destroy(&field);
    }
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middlebury),
        cmocka_unit_test(micro_expressions),
    };
    return MX_HAVE_PNG ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
