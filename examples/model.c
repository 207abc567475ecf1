/* SPDX-License-Identifier: MIT */
/* model M.onnx IN.npy OUT.npy: runs a network with one input and one output. */
#include <stdio.h>

#include <microexpr/microexpr.h>

/* Reads the array, runs the network on it, writes the answer. */
static mexpr_status run(mexpr_context *context, mexpr_session *session, const char *in,
    const char *out, mexpr_tensor **tensor)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_status status = mexpr_tensor_read(context, in, tensor);
    if (status == MEXPR_OK)
        status = mexpr_tensor_get(*tensor, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_set_input(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_tensor_write_npy(context, &view, out);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: model M.onnx IN.npy OUT.npy\n");
        return 2;
    }
    mexpr_context *context = NULL;
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor *tensor = NULL;
    mexpr_status status = mexpr_context_create(NULL, &context);
    if (status == MEXPR_OK)
        status = mexpr_model_load(context, argv[1], &model);
    if (status == MEXPR_OK)
        status = mexpr_session_create(model, &session);
    if (status == MEXPR_OK)
        status = run(context, session, argv[2], argv[3], &tensor);
    if (status != MEXPR_OK)
        fprintf(stderr, "model: %s %s%s\n", mexpr_status_name(status),
            mexpr_context_last_error(context), mexpr_session_last_error(session));
    mexpr_tensor_destroy(&tensor);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return status == MEXPR_OK ? 0 : 1;
}
