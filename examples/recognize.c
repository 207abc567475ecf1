/* SPDX-License-Identifier: MIT */
/* recognize ONSET.png APEX.png: class scores for the movement between two frames
 * that show a face. */
#include <stdio.h>

#include <microexpr/microexpr.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: recognize ONSET.png APEX.png\n");
        return 2;
    }
    mexpr_context *context = NULL;
    mexpr_recognizer *recognizer = NULL;
    mexpr_image *onset = NULL, *apex = NULL;
    mexpr_result *result = NULL;
    mexpr_status status = mexpr_context_create(NULL, &context);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_create(context, NULL, &recognizer);
    if (status == MEXPR_OK)
        status = mexpr_image_read(context, argv[1], MEXPR_COLOUR_GREY, &onset);
    if (status == MEXPR_OK)
        status = mexpr_image_read(context, argv[2], MEXPR_COLOUR_GREY, &apex);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run_frames(recognizer, onset, apex, &result);
    if (status == MEXPR_OK)
        printf("%s\n", mexpr_result_label(result));
    else
        fprintf(stderr, "recognize: %s %s%s\n", mexpr_status_name(status),
            mexpr_context_last_error(context), mexpr_recognizer_last_error(recognizer));
    for (int32_t i = 0; i < mexpr_result_n_classes(result); i++)
        printf("  %s %.3f\n", mexpr_result_class_name(result, i),
            mexpr_result_score(result, i));
    mexpr_result_destroy(&result);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_context_destroy(&context);
    return status == MEXPR_OK ? 0 : 1;
}
