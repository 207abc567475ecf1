/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "microexpr/system.h"
#include "support.h"
#include "train/net.h"

enum { BATCH = 2, SAMPLE = 3 * 28 * 28 };

/* A batch forward and backward, and the model of what came out. */
static mexpr_status train_once(mx_scope *scope, mx_net *net)
{
    static float pictures[BATCH * SAMPLE], gradient[BATCH * 3] = {1, -1, 0, 0, 1, -1};
    const float *const given[] = {gradient};
    const mx_tensor in = {MEXPR_DTYPE_F32, 4, {BATCH, 3, 28, 28}, pictures};
    mexpr_model *model = NULL;
    for (int i = 0; i < BATCH * SAMPLE; i++)
        pictures[i] = (float)(i % 37) - 18;
    mexpr_status status = mx_net_forward(scope, net, &in, 1, true);
    if (status == MEXPR_OK)
        status = mx_net_backward(scope, net, given);
    if (status == MEXPR_OK)
        status = mx_net_model(scope, net, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status train(mexpr_context *context, void *arg)
{
    mx_scope *scope = mx_context_scope(context);
    mexpr_model *model;
    mx_net *net = NULL;
    mexpr_status status = mexpr_system_build(context, arg, NULL, &model);
    if (status != MEXPR_OK)
        return status;
    status = mx_net_create(scope, model, BATCH, &net);
    mexpr_model_destroy(&model);
    assert_true((status == MEXPR_OK) == (net != NULL));
    if (status == MEXPR_OK)
        status = train_once(scope, net);
    mx_net_destroy(net);
    return status;
}

static void networks(void **state)
{
    (void)state;
    static char ststnet[] = "ststnet";
    assert_true(test_oom_sweep(train, ststnet, 1) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
