/* SPDX-License-Identifier: MIT */
#include "explain_params.h"

#include <string.h>

static const double opacity = 0.6;

int explain_method(const char *option, const char *name, int32_t *out)
{
    static const cli_word words[] = {
        {"occlusion", MEXPR_SALIENCY_OCCLUSION},
        {"grad-cam", MEXPR_SALIENCY_GRAD_CAM},
        {"ablation-cam", MEXPR_SALIENCY_ABLATION_CAM},
        {0},
    };
    int value = MEXPR_SALIENCY_OCCLUSION;
    const int code = cli_choose(option, name, words, &value);
    *out = value;
    return code;
}

int explain_write(cli_outputs *outputs, mexpr_context *context,
    const mexpr_saliency *saliency, const mexpr_image *under, const char *path)
{
    mexpr_image *picture = NULL;
    const char *temporary = cli_output_png(outputs, path);
    if (!temporary)
        return CLI_FAILED;
    mexpr_status status = mexpr_saliency_picture(
        context, mexpr_saliency_map(saliency), under, opacity, &picture);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(context), NULL);
    status = mexpr_image_write_png(context, picture, temporary);
    mexpr_image_destroy(&picture);
    return status == MEXPR_OK ? CLI_OK : cli_output_failed(outputs, context);
}

int explain_is_empty(const mexpr_saliency *saliency)
{
    const mexpr_image *map = mexpr_saliency_map(saliency);
    const char *row = mexpr_image_data(map);
    for (int32_t y = 0; y < mexpr_image_height(map); y++) {
        for (int32_t x = 0; x < mexpr_image_width(map); x++) {
            if (((const float *)(const void *)row)[x] > 0)
                return 0;
        }
        row += mexpr_image_stride(map);
    }
    return 1;
}

int explain_fail(mexpr_status status, const char *sentence, int32_t method,
    const char *doing, const char *option)
{
    const int is_cam = method != MEXPR_SALIENCY_OCCLUSION;
    if (!is_cam || !*sentence || strstr(sentence, "use occlusion"))
        return cli_fail_status(status, sentence, doing);
    return cli_fail("%s%s%s; use %s occlusion", doing ? doing : "", doing ? ": " : "",
        sentence, option);
}
