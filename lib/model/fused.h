/* SPDX-License-Identifier: MIT */
/* What rewrites join to a node, and the operators that only rewrites make. */
#ifndef MX_MODEL_FUSED_H
#define MX_MODEL_FUSED_H

#include "model/operator.h"

struct mx_fusion {
    /* The epilogue of a Conv or Gemm: y = activation(product * scale + shift + residual)
     * * post_scale + post_shift, with the inputs below. */
    mx_activation activation;
    float a, b;
    /* Of MeanMax and AxisNorm: the axis that is reduced. */
    int axis;
    /* Of MeanMax: the transposition that the input's dimensions are seen through. Of
     * GateSum and AxisNorm: unused. */
    int rank;
    int perm[MEXPR_MAX_RANK];
    bool max_first;       /* of MeanMax: the maximum comes before the mean */
    bool epsilon_outside; /* of AxisNorm: added to the root, not under it */
    float factor;         /* of GateSum */
    int64_t channels;     /* of convolutions with channels last: outputs */
    bool from_planes;     /* of ConvLast: the input has its channels first */
    bool in_pairs;        /* the same: by F(2, 3) along the lines */
};

/* Inputs of an epilogue, -1 or absent where there is none; vectors have one number for
 * each output channel (Conv) or column (Gemm). */
enum {
    MX_EPILOGUE_RESIDUAL = 3,
    MX_EPILOGUE_SCALE,
    MX_EPILOGUE_SHIFT,
    MX_EPILOGUE_POST_SCALE,
    MX_EPILOGUE_POST_SHIFT,
    MX_EPILOGUE_INPUTS
};

/* Where a product's rows are the channels: applies the epilogue to rows first..first + n
 * - 1 of `cols` numbers each at y, `stride` numbers apart; `residual` is where the
 * residual of the first lies, at the same stride. `shift` stands in when the node has no
 * input MX_EPILOGUE_SHIFT. */
void mx_epilogue_rows(const mx_run *run, int64_t first, int64_t n, int64_t cols,
    int64_t stride, const mx_tensor *shift, const float *residual, float *y);
/* Where the columns are the channels: rows row..row + rows - 1, columns col..col + cols -
 * 1 of a result with rows of `stride` numbers; `y` is where they begin. */
void mx_epilogue_cols(const mx_run *run, int64_t row, int64_t rows, int64_t col,
    int64_t cols, int64_t stride, const mx_tensor *shift, float *y);

/* "SiLU", "AxisNorm", "Ones", "MeanMax", "GateSum", ...: domain "mexpr". No file can name
 * them. */
const mx_operator *mx_fused_operator(const char *name);

#endif
