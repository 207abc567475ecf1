/* SPDX-License-Identifier: MIT */
/* The operator tables, each ended by an entry without a name, and what families share. */
#ifndef MX_MODEL_OP_TABLES_H
#define MX_MODEL_OP_TABLES_H

#include "model/operator.h"

extern const mx_operator mx_operators_activation[];  /* op_activation.c */
extern const mx_operator mx_operators_elementwise[]; /* op_elementwise.c */
extern const mx_operator mx_operators_logic[];       /* op_logic.c */
extern const mx_operator mx_operators_reduce[];      /* op_reduce.c */
extern const mx_operator mx_operators_gemm[];        /* op_gemm.c */
extern const mx_operator mx_operators_conv[];        /* op_conv.c */
extern const mx_operator mx_operators_transposed[];  /* op_conv_transpose.c */
extern const mx_operator mx_operators_pool[];        /* op_pool.c */
extern const mx_operator mx_operators_norm[];        /* op_norm.c */
extern const mx_operator mx_operators_norm_axes[];   /* op_norm_axes.c */
extern const mx_operator mx_operators_softmax[];     /* op_softmax.c */
extern const mx_operator mx_operators_recurrent[];   /* op_recurrent.c */
extern const mx_operator mx_operators_shape[];       /* op_shape.c */
extern const mx_operator mx_operators_move[];        /* op_move.c */
extern const mx_operator mx_operators_constant[];    /* op_constant.c */
extern const mx_operator mx_operators_math[];        /* op_math.c */
extern const mx_operator mx_operators_rank[];        /* op_rank.c */
extern const mx_operator mx_operators_select[];      /* op_select.c */
extern const mx_operator mx_operators_dynamic[];     /* op_dynamic.c */
extern const mx_operator mx_operators_resize[];      /* op_resize.c */
extern const mx_operator mx_operators_sample[];      /* op_sample.c */
extern const mx_operator mx_operators_einsum[];      /* op_einsum.c */
extern const mx_operator mx_operators_ml[];          /* op_ml.c */
extern const mx_operator mx_operators_patch[];       /* op_patch.c */
extern const mx_operator mx_operators_flow[];        /* op_flow.c */

#endif
