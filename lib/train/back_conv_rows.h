/* SPDX-License-Identifier: MIT */
/* Convolution of small maps of many channels. */
#ifndef MX_TRAIN_BACK_CONV_ROWS_H
#define MX_TRAIN_BACK_CONV_ROWS_H

#include "model/op_conv.h"
#include "train/back.h"

/* Whether it is faster so than as mx_conv() does it. */
bool mx_conv_rows_fits(const mx_conv_params *p);
/* Bytes of workspace of either pass. */
size_t mx_conv_rows_space(const mx_conv_params *p);
void mx_conv_rows_forward(const mx_back_run *run, const mx_conv_params *p);
/* The gradients of input and weights, where they are asked for. */
void mx_conv_rows_backward(const mx_back_run *run, const mx_conv_params *p);

#endif
