/* SPDX-License-Identifier: MIT */
#include "model/fused.h"

static void activate(const mx_machine *machine, const mx_fusion *f, size_t n, float *y)
{
    const mx_nn_kernels *nn = &machine->nn;
    switch (f ? f->activation : MX_ACTIVATION_NONE) {
    case MX_ACTIVATION_RELU:
        nn->relu(n, y, y);
        break;
    case MX_ACTIVATION_LEAKY_RELU:
        nn->leaky_relu(n, y, f->a, y);
        break;
    case MX_ACTIVATION_CLIP:
        nn->clip(n, y, f->a, f->b, y);
        break;
    case MX_ACTIVATION_SIGMOID:
        nn->sigmoid(n, y, y);
        break;
    case MX_ACTIVATION_SILU:
        machine->conv.silu(n, y, y);
        break;
    case MX_ACTIVATION_HARD_SWISH:
        nn->hard_swish(n, y, y);
        break;
    case MX_ACTIVATION_TANH:
        nn->tanh(n, y, y);
        break;
    case MX_ACTIVATION_GELU:
        nn->gelu(n, y, y);
        break;
    case MX_ACTIVATION_GELU_TANH:
        nn->gelu_tanh(n, y, y);
        break;
    case MX_ACTIVATION_NONE:
        break;
    }
}

static const float *vector_of(const mx_run *run, int k)
{
    const mx_tensor *t = mx_run_input(run, k);
    return t ? t->data : NULL;
}

/* One number of every vector for each element. */
static void finish_vector(const mx_run *run, size_t n, int64_t first, const float *shift,
    const float *residual, float *y)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = vector_of(run, MX_EPILOGUE_SCALE);
    const float *post_scale = vector_of(run, MX_EPILOGUE_POST_SCALE);
    const float *post_shift = vector_of(run, MX_EPILOGUE_POST_SHIFT);
    if (scale)
        nn->mul(n, y, scale + first, y);
    if (shift)
        nn->add(n, y, shift + first, y);
    if (residual)
        nn->add(n, y, residual, y);
    activate(run->machine, run->node->fusion, n, y);
    if (post_scale && post_shift) {
        nn->mul(n, y, post_scale + first, y);
        nn->add(n, y, post_shift + first, y);
    }
}

static void finish_row(const mx_run *run, size_t n, int64_t channel, const float *shift,
    const float *residual, float *y)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = vector_of(run, MX_EPILOGUE_SCALE);
    const float *post_scale = vector_of(run, MX_EPILOGUE_POST_SCALE);
    const float *post_shift = vector_of(run, MX_EPILOGUE_POST_SHIFT);
    if (scale)
        nn->scale_shift(n, y, scale[channel], shift ? shift[channel] : 0, y);
    else if (shift)
        nn->add_scalar(n, y, shift[channel], y);
    if (residual)
        nn->add(n, y, residual, y);
    activate(run->machine, run->node->fusion, n, y);
    if (post_scale && post_shift)
        nn->scale_shift(n, y, post_scale[channel], post_shift[channel], y);
}

void mx_epilogue_rows(const mx_run *run, int64_t first, int64_t n, int64_t cols,
    int64_t stride, const mx_tensor *bias, const float *residual, float *y)
{
    const mx_tensor *own = mx_run_input(run, MX_EPILOGUE_SHIFT);
    const mx_tensor *shift = own ? own : bias;
    const float *numbers = shift ? shift->data : NULL;
    if (cols == 1 && stride == 1 && n > 0) {
        finish_vector(run, (size_t)n, first, numbers, residual, y);
        return;
    }
    for (int64_t i = 0; i < n && cols > 0; i++)
        finish_row(run, (size_t)cols, first + i, numbers,
            residual ? residual + i * stride : NULL, y + i * stride);
}

void mx_epilogue_cols(const mx_run *run, int64_t row, int64_t rows, int64_t col,
    int64_t cols, int64_t stride, const mx_tensor *bias, float *y)
{
    const mx_tensor *own = mx_run_input(run, MX_EPILOGUE_SHIFT);
    const mx_tensor *shift = own ? own : bias;
    const float *residual = vector_of(run, MX_EPILOGUE_RESIDUAL);
    for (int64_t i = 0; i < rows && cols > 0; i++)
        finish_vector(run, (size_t)cols, col, shift ? shift->data : NULL,
            residual ? residual + (row + i) * stride + col : NULL, y + i * stride);
}
