/* SPDX-License-Identifier: MIT */
#include "lbp_features.h"

#include <stdlib.h>

#include "clip_io.h"

/* A clip lends one frame at a time; these are copies. */
typedef struct frames {
    mexpr_image **items;
    int32_t n;
} frames;

static int out_of_memory(void)
{
    return cli_fail("out of memory; close other programs and try again");
}

/* Room for one frame more. */
static int grow(frames *f)
{
    if ((f->n & (f->n - 1)) != 0)
        return 1;
    const size_t room = f->n ? 2 * (size_t)f->n : 1;
    mexpr_image **items = realloc(f->items, room * sizeof *items);
    if (items)
        f->items = items;
    return items != NULL;
}

static int read_frames(mexpr_context *context, mexpr_clip *clip, frames *f)
{
    const mexpr_image *frame;
    mexpr_status status;
    while ((status = mexpr_clip_frame(clip, f->n, &frame)) == MEXPR_OK) {
        if (!grow(f))
            return out_of_memory();
        status = mexpr_image_crop(context, frame, 0, 0, mexpr_image_width(frame),
            mexpr_image_height(frame), &f->items[f->n]);
        if (status != MEXPR_OK)
            return cli_fail_status(status, mexpr_context_last_error(context), NULL);
        f->n++;
    }
    return status == MEXPR_END
               ? CLI_OK
               : cli_fail_status(status, mexpr_clip_last_error(clip), NULL);
}

static void add_cells(
    const float *values, size_t n, const mexpr_lbp_top_options *o, table *out)
{
    static const char *const planes[] = {"xy", "xt", "yt"};
    const int rows = o->rows ? o->rows : 5, columns = o->columns ? o->columns : 5;
    const int layers = o->layers ? o->layers : 1;
    const int bins = (int)(n / (size_t)rows / (size_t)columns / (size_t)layers / 3);
    for (int i = 0; i < (int)n; i++) {
        const int plane = i / bins, block = plane / 3;
        table_value(out, (double)values[i], "lbp_top_l%d_r%d_c%d_%s_b%d",
            block / columns / rows, block / columns % rows, block % columns,
            planes[plane % 3], i % bins);
    }
}

static int add_row(mexpr_context *context, const frames *f, const char *clip,
    const mexpr_lbp_top_options *o, table *out)
{
    const mexpr_image *const *items = (const mexpr_image *const *)f->items;
    size_t n = 0;
    mexpr_status status = mexpr_lbp_top(context, items, f->n, o, NULL, 0, &n);
    float *values = status == MEXPR_OK ? malloc(n * sizeof *values) : NULL;
    if (status == MEXPR_OK && !values)
        return out_of_memory();
    if (status == MEXPR_OK)
        status = mexpr_lbp_top(context, items, f->n, o, values, n, NULL);
    if (status == MEXPR_OK) {
        table_row(out);
        table_source(out, "clip", clip);
        add_cells(values, n, o, out);
    }
    free(values);
    const char *sentence = mexpr_context_last_error(context);
    return status == MEXPR_OK        ? CLI_OK
           : status == MEXPR_E_RANGE ? cli_usage("%s", sentence)
                                     : cli_fail_status(status, sentence, clip);
}

int lbp_features_add(mexpr_context *context, const char *clip,
    const mexpr_lbp_top_options *options, table *out)
{
    mexpr_clip *opened = NULL;
    frames f = {0};
    int code = clip_open(context, clip, MEXPR_COLOUR_KEEP, 0, &opened);
    if (code == CLI_OK)
        code = read_frames(context, opened, &f);
    if (code == CLI_OK)
        code = add_row(context, &f, clip, options, out);
    for (int32_t i = 0; i < f.n; i++)
        mexpr_image_destroy(&f.items[i]);
    free(f.items);
    mexpr_clip_destroy(&opened);
    return code;
}
