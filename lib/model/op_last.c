/* SPDX-License-Identifier: MIT */
#include "model/op_last.h"

#include <string.h>

mexpr_status mx_last_infer(
    mx_infer *infer, bool from_planes, const int64_t *kernel, mx_last_params *p)
{
    const mx_tensor *x = infer->inputs[0];
    const int n = x->rank - 2;
    const mexpr_status status =
        mx_window_infer(infer, x->dims + (from_planes ? 2 : 1), n, kernel, &p->window);
    p->batch = x->dims[0];
    p->c_in = x->dims[from_planes ? 1 : n + 1];
    p->n_in = mx_dims_product(p->window.in, 0, MX_SPATIAL);
    p->n_out = mx_dims_product(p->window.out, 0, MX_SPATIAL);
    p->taps = mx_dims_product(p->window.kernel, 0, MX_SPATIAL);
    p->parts = (p->n_out + MX_LAST_BLOCK - 1) / MX_LAST_BLOCK;
    return status;
}

void mx_last_shape(mx_infer *infer, int k, const mx_last_params *p, int64_t channels)
{
    const int n = infer->inputs[0]->rank - 2;
    int64_t dims[MEXPR_MAX_RANK] = {p->batch};
    memcpy(dims + 1, p->window.out + MX_SPATIAL - n, (size_t)n * sizeof *dims);
    dims[n + 1] = channels;
    mx_infer_shape(infer, k, n + 2, dims);
}

mx_last_source mx_last_source_of(
    const mx_last_params *p, const float *x, int64_t image, const float *outside)
{
    const mx_window *w = &p->window;
    const mx_last_source source = {x + image * p->n_in * p->c_in,
        {(ptrdiff_t)(w->in[1] * w->in[2] * p->c_in), (ptrdiff_t)(w->in[2] * p->c_in),
            (ptrdiff_t)p->c_in},
        outside};
    return source;
}

/* One output: the corner of its window is at `at`. */
static void point_one(
    const mx_window *w, const mx_last_source *from, const int64_t *at, const float **x)
{
    const ptrdiff_t step = from->steps[2] * (ptrdiff_t)w->dilation[2];
    const bool is_whole =
        at[2] >= 0 && at[2] + (w->kernel[2] - 1) * w->dilation[2] < w->in[2];
    for (int64_t i = 0; i < w->kernel[0]; i++) {
        const int64_t d = at[0] + i * w->dilation[0];
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            const int64_t h = at[1] + j * w->dilation[1];
            const bool inside = d >= 0 && d < w->in[0] && h >= 0 && h < w->in[1];
            const float *line = from->image + d * from->steps[0] + h * from->steps[1];
            if (inside && is_whole) {
                line += at[2] * from->steps[2];
                for (int64_t k = 0; k < w->kernel[2];
                     k++, x += MX_TILE_ROWS, line += step)
                    *x = line;
                continue;
            }
            for (int64_t k = 0; k < w->kernel[2]; k++, x += MX_TILE_ROWS) {
                const int64_t v = at[2] + k * w->dilation[2];
                *x = inside && v >= 0 && v < w->in[2] ? line + v * from->steps[2]
                                                      : from->outside;
            }
        }
    }
}

void mx_last_point(const mx_window *w, const mx_last_source *from, int64_t first,
    int rows, const float **x)
{
    int64_t o[MX_SPATIAL] = {
        first / w->out[2] / w->out[1], first / w->out[2] % w->out[1], first % w->out[2]};
    for (int r = 0; r < rows; r++) {
        int64_t at[MX_SPATIAL];
        for (int d = 0; d < MX_SPATIAL; d++)
            at[d] = o[d] * w->stride[d] - w->before[d];
        point_one(w, from, at, x + r);
        if (++o[2] < w->out[2])
            continue;
        o[2] = 0;
        if (++o[1] < w->out[1])
            continue;
        o[1] = 0;
        o[0]++;
    }
}

static const float *vector_of(const mx_run *run, int k, int64_t channel)
{
    const mx_tensor *t = mx_run_input(run, k);
    return t ? (const float *)t->data + channel : NULL;
}

mx_tile_finish mx_last_finish(const mx_run *run, int64_t channel)
{
    const mx_fusion *f = run->node->fusion;
    const mx_tile_finish finish = {.scale = vector_of(run, MX_EPILOGUE_SCALE, channel),
        .shift = vector_of(run, MX_EPILOGUE_SHIFT, channel),
        .post_scale = vector_of(run, MX_EPILOGUE_POST_SCALE, channel),
        .post_shift = vector_of(run, MX_EPILOGUE_POST_SHIFT, channel),
        .activation = f->activation,
        .a = f->a,
        .b = f->b};
    return finish;
}
