/* SPDX-License-Identifier: MIT */
#include "model/op_window.h"

#include <string.h>

enum { MAX_EXTENT = 1 << 30 };

/* A list attribute into the last n of three places, `standard` without it. */
static mexpr_status read_list(mx_infer *infer, const char *name, int n, int64_t standard,
    int64_t minimum, int64_t *list)
{
    const mx_attribute *a = mx_attr(infer->node, name);
    for (int i = 0; i < MX_SPATIAL; i++)
        list[i] = standard;
    if (!a)
        return MEXPR_OK;
    if (a->n != (size_t)n)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the attribute %s has %zu numbers, but %d are needed", name, a->n, n);
    for (int i = 0; i < n; i++) {
        if (a->ints[i] < minimum || a->ints[i] > MAX_EXTENT)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "%lld in the attribute %s is not possible", (long long)a->ints[i], name);
        list[MX_SPATIAL - n + i] = a->ints[i];
    }
    return MEXPR_OK;
}

static mexpr_status read_pads(mx_infer *infer, int n, mx_window *w)
{
    const mx_attribute *a = mx_attr(infer->node, "pads");
    if (!a)
        return MEXPR_OK;
    if (a->n != 2 * (size_t)n)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the attribute pads has %zu numbers, but %d are needed", a->n, 2 * n);
    for (int i = 0; i < 2 * n; i++) {
        if (a->ints[i] < 0 || a->ints[i] > MAX_EXTENT)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a padding of %lld is not possible", (long long)a->ints[i]);
        (i < n ? w->before : w->after)[MX_SPATIAL - n + i % n] = a->ints[i];
    }
    return MEXPR_OK;
}

static mexpr_status read_kernel(
    mx_infer *infer, int n, const int64_t *kernel, mx_window *w)
{
    const bool stated = mx_attr(infer->node, "kernel_shape") != NULL;
    const mexpr_status status = read_list(infer, "kernel_shape", n, 1, 1, w->kernel);
    if (status != MEXPR_OK)
        return status;
    if (!kernel && !stated)
        return mx_fail(
            infer->scope, MEXPR_E_MODEL, "the attribute kernel_shape is missing");
    for (int i = 0; kernel && i < n; i++) {
        int64_t *k = &w->kernel[MX_SPATIAL - n + i];
        if (stated && kernel[i] >= 0 && kernel[i] != *k)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "kernel_shape says %lld, but the weights have %lld", (long long)*k,
                (long long)kernel[i]);
        if (kernel[i] == 0 || kernel[i] > MAX_EXTENT)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a kernel of size %lld is not possible", (long long)kernel[i]);
        if (!stated)
            *k = kernel[i];
    }
    return MEXPR_OK;
}

typedef enum auto_pad { PAD_NOTSET, PAD_VALID, PAD_UPPER, PAD_LOWER } auto_pad;

static mexpr_status read_auto_pad(mx_infer *infer, auto_pad *mode)
{
    static const char *const names[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    const char *text = mx_attr_string(infer->node, "auto_pad", "NOTSET");
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (auto_pad)i;
            return MEXPR_OK;
        }
    }
    return mx_fail(infer->scope, MEXPR_E_MODEL, "auto_pad '%.40s' does not exist", text);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Size along one dimension, and its padding where auto_pad decides. */
static void fit(mx_window *w, int d, auto_pad mode, bool ceil)
{
    const int64_t extent = (w->kernel[d] - 1) * w->dilation[d] + 1;
    if (w->in[d] < 0 || w->kernel[d] < 0) {
        w->out[d] = -1;
    } else if (mode == PAD_UPPER || mode == PAD_LOWER) {
        w->out[d] = ceil_div(w->in[d], w->stride[d]);
        const int64_t want = (w->out[d] - 1) * w->stride[d] + extent - w->in[d];
        const int64_t total = want > 0 ? want : 0;
        w->before[d] = mode == PAD_UPPER ? total / 2 : total - total / 2;
        w->after[d] = total - w->before[d];
    } else {
        const int64_t room = w->in[d] + w->before[d] + w->after[d] - extent;
        w->out[d] = room < 0
                        ? 0
                        : (ceil ? ceil_div(room, w->stride[d]) : room / w->stride[d]) + 1;
        /* The last window of ceil_mode has to start inside the input. */
        if (ceil && (w->out[d] - 1) * w->stride[d] >= w->in[d] + w->before[d])
            w->out[d]--;
    }
}

/* The attributes that all windows have. */
static mexpr_status read_window(
    mx_infer *infer, int n, const int64_t *kernel, mx_window *w, auto_pad *mode)
{
    mexpr_status status = read_kernel(infer, n, kernel, w);
    if (status == MEXPR_OK)
        status = read_list(infer, "strides", n, 1, 1, w->stride);
    if (status == MEXPR_OK)
        status = read_list(infer, "dilations", n, 1, 1, w->dilation);
    if (status == MEXPR_OK)
        status = read_auto_pad(infer, mode);
    if (status == MEXPR_OK && *mode == PAD_NOTSET)
        status = read_pads(infer, n, w);
    return status;
}

mexpr_status mx_window_infer(
    mx_infer *infer, const int64_t *dims, int n, const int64_t *kernel, mx_window *w)
{
    auto_pad mode = PAD_NOTSET;
    const mexpr_status status = read_window(infer, n, kernel, w, &mode);
    if (status != MEXPR_OK)
        return status;
    const bool ceil = mx_attr_int(infer->node, "ceil_mode", 0) != 0;
    for (int d = 0; d < MX_SPATIAL; d++) {
        const int i = d - (MX_SPATIAL - n);
        w->in[d] = i < 0 ? 1 : dims[i];
        fit(w, d, mode, ceil);
        if (w->in[d] >= 0 && w->kernel[d] >= 0 && w->out[d] < 1 && w->in[d] != 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "its window of %lld is larger than the padded input of %lld",
                (long long)((w->kernel[d] - 1) * w->dilation[d] + 1),
                (long long)(w->in[d] + w->before[d] + w->after[d]));
    }
    return MEXPR_OK;
}

/* --- turned round ------------------------------------------------------------------ */

/* Size of the result along one dimension; where the size is given or follows from
 * auto_pad, so does the padding. */
static void fit_transposed(
    mx_window *w, int d, auto_pad mode, int64_t extra, int64_t size)
{
    w->in[d] = size;
    if (w->out[d] < 0 || w->kernel[d] < 0)
        return;
    const int64_t extent = (w->kernel[d] - 1) * w->dilation[d] + 1;
    const int64_t whole = (w->out[d] - 1) * w->stride[d] + extra + extent;
    const bool is_same = mode == PAD_UPPER || mode == PAD_LOWER;
    if (size >= 0 || is_same) {
        const int64_t want = size >= 0 ? size : w->out[d] * w->stride[d];
        const int64_t total = whole > want ? whole - want : 0;
        w->before[d] = mode == PAD_UPPER ? total / 2 : total - total / 2;
        w->after[d] = total - w->before[d];
    }
    if (size < 0)
        w->in[d] = whole - w->before[d] - w->after[d];
}

mexpr_status mx_window_infer_transposed(
    mx_infer *infer, const int64_t *dims, int n, const int64_t *kernel, mx_window *w)
{
    auto_pad mode = PAD_NOTSET;
    int64_t extra[MX_SPATIAL], size[MX_SPATIAL];
    mexpr_status status = read_window(infer, n, kernel, w, &mode);
    if (status == MEXPR_OK)
        status = read_list(infer, "output_padding", n, 0, 0, extra);
    if (status == MEXPR_OK)
        status = read_list(infer, "output_shape", n, -1, 1, size);
    if (status != MEXPR_OK)
        return status;
    for (int d = 0; d < MX_SPATIAL; d++) {
        const int i = d - (MX_SPATIAL - n);
        w->out[d] = i < 0 ? 1 : dims[i];
        if (w->out[d] > MAX_EXTENT)
            return mx_fail(infer->scope, MEXPR_E_LIMIT,
                "an input of size %lld is too large", (long long)w->out[d]);
        fit_transposed(w, d, mode, extra[d], i < 0 ? 1 : size[d]);
        if (w->out[d] > 0 && w->kernel[d] >= 0 && w->in[d] < 1)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "its padding of %lld and %lld leaves nothing of the result",
                (long long)w->before[d], (long long)w->after[d]);
    }
    return MEXPR_OK;
}

void mx_window_shape(mx_infer *infer, int k, int64_t batch, int64_t channels,
    const int64_t *extents, int n)
{
    int64_t dims[2 + MX_SPATIAL] = {batch, channels};
    memcpy(dims + 2, extents + MX_SPATIAL - n, (size_t)n * sizeof *dims);
    mx_infer_shape(infer, k, 2 + n, dims);
}
