/* SPDX-License-Identifier: MIT */
/* flow A.png B.png OUT.flo: optical flow from one picture to another. */
#include <stdio.h>

#include <microexpr/microexpr.h>

static mexpr_status flow(mexpr_context *context, char **path, mexpr_flow *flow,
    mexpr_image **a, mexpr_image **b, mexpr_field **field)
{
    mexpr_status status = mexpr_image_read(context, path[0], MEXPR_COLOUR_GREY, a);
    if (status == MEXPR_OK)
        status = mexpr_image_read(context, path[1], MEXPR_COLOUR_GREY, b);
    if (status == MEXPR_OK)
        status = mexpr_field_create(
            context, mexpr_image_width(*a), mexpr_image_height(*a), field);
    if (status == MEXPR_OK)
        status = mexpr_flow_compute(flow, *a, *b, *field);
    if (status == MEXPR_OK)
        status = mexpr_field_write_flo(context, *field, path[2]);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: flow A.png B.png OUT.flo\n");
        return 2;
    }
    mexpr_context *context = NULL;
    mexpr_flow *estimator = NULL;
    mexpr_image *a = NULL, *b = NULL;
    mexpr_field *field = NULL;
    mexpr_status status = mexpr_context_create(NULL, &context);
    if (status == MEXPR_OK)
        status = mexpr_flow_create(context, &estimator);
    if (status == MEXPR_OK)
        status = flow(context, argv + 1, estimator, &a, &b, &field);
    if (status != MEXPR_OK)
        fprintf(stderr, "flow: %s %s%s\n", mexpr_status_name(status),
            mexpr_context_last_error(context), mexpr_flow_last_error(estimator));
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_flow_destroy(&estimator);
    mexpr_context_destroy(&context);
    return status == MEXPR_OK ? 0 : 1;
}
