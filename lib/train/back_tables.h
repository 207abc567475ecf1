/* SPDX-License-Identifier: MIT */
/* The families of what can be trained through, each ended by an entry without a name. */
#ifndef MX_TRAIN_BACK_TABLES_H
#define MX_TRAIN_BACK_TABLES_H

#include "train/back.h"

extern const mx_back_op mx_back_activation_ops[]; /* back_activation.c */
extern const mx_back_op mx_back_conv_ops[];       /* back_conv.c */
extern const mx_back_op mx_back_dropout_ops[];    /* back_dropout.c */
extern const mx_back_op mx_back_gemm_ops[];       /* back_gemm.c */
extern const mx_back_op mx_back_norm_ops[];       /* back_norm.c */
extern const mx_back_op mx_back_pool_ops[];       /* back_pool.c */

extern const mx_back_op mx_back_elementwise_ops[]; /* back_elementwise.c */
extern const mx_back_op mx_back_matmul_ops[];      /* back_matmul.c */
extern const mx_back_op mx_back_move_ops[];        /* back_move.c */
extern const mx_back_op mx_back_reduce_ops[];      /* back_reduce.c */
extern const mx_back_op mx_back_resize_ops[];      /* back_resize.c */
extern const mx_back_op mx_back_row_norm_ops[];    /* back_row_norm.c */
extern const mx_back_op mx_back_sample_ops[];      /* back_sample.c */
extern const mx_back_op mx_back_softmax_ops[];     /* back_softmax.c */

#endif
