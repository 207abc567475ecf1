/* SPDX-License-Identifier: MIT */
/* Tensors inside the engine, and walks over them. C order, no gaps. */
#ifndef MX_MODEL_TENSOR_H
#define MX_MODEL_TENSOR_H

#include "base/scope.h"
#include "microexpr/model.h"

/* While shapes are inferred, parts may be open: dtype 0, rank -1, a dimension of -1, and
 * data NULL mean "not known yet". A tensor that runs knows all. */
typedef struct mx_tensor {
    int32_t dtype; /* mexpr_dtype */
    int32_t rank;
    int64_t dims[MEXPR_MAX_RANK];
    void *data;
} mx_tensor;

#define MX_TENSOR_UNKNOWN                                                                \
    {                                                                                    \
        0, -1, {0}, NULL                                                                 \
    }

/* Address of tensors without elements. */
extern const uint8_t mx_nothing[MX_ALIGNMENT];

/* Elements of a tensor whose dimensions are known and checked. */
int64_t mx_tensor_count(const mx_tensor *tensor);
size_t mx_tensor_bytes(const mx_tensor *tensor);
/* Rank and all dimensions are known. */
bool mx_tensor_has_shape(const mx_tensor *tensor);
bool mx_same_shape(const mx_tensor *a, const mx_tensor *b);
/* Product of the dimensions first..last-1, -1 when one of them is open. */
int64_t mx_dims_product(const int64_t *dims, int first, int last);

/* Checks rank, dimensions as far as they are known, their product and max_tensor_bytes:
 * MEXPR_E_SHAPE, MEXPR_E_LIMIT. */
mexpr_status mx_tensor_check(mx_scope *scope, const mx_tensor *tensor);

enum { MX_SHAPE_TEXT = 160 };
/* "2×3×?" into `text` of MX_SHAPE_TEXT bytes; returns it. */
const char *mx_shape_text(const mx_tensor *tensor, char *text);

/* Half and brain floats. Rounding is to nearest, ties to even. */
float mx_f32_from_f16(uint16_t bits);
float mx_f32_from_bf16(uint16_t bits);
uint16_t mx_f16_from_f32(float x);
uint16_t mx_bf16_from_f32(float x);

/* --- walks ------------------------------------------------------------------------- */

enum { MX_MAX_OPERANDS = 4 };

/* Rows of a shape with operands of any strides, in elements. Neighbouring dimensions that
 * every operand crosses evenly are one. Rank is at least 1; the innermost dimension is
 * the row, which the caller goes along with the strides of dimension rank - 1. */
typedef struct mx_walk {
    int rank;
    int n_operands;
    int64_t dims[MEXPR_MAX_RANK];
    int64_t strides[MX_MAX_OPERANDS][MEXPR_MAX_RANK];
    int64_t index[MEXPR_MAX_RANK];
    int64_t offset[MX_MAX_OPERANDS]; /* of the current row */
} mx_walk;

/* A walk over `dims`; strides[operand][dimension] as given. */
void mx_walk_init(mx_walk *walk, int rank, const int64_t *dims, int n_operands,
    const int64_t strides[][MEXPR_MAX_RANK]);
/* A walk over the shape of `out` with inputs broadcast to it. Operand 0 is `out`; row
 * strides are 0 or 1. */
void mx_walk_broadcast(
    mx_walk *walk, const mx_tensor *out, const mx_tensor *const *inputs, int n_inputs);
/* On to the next row; false behind the last one. A shape without elements has no rows:
 * ask mx_walk_is_empty() first. */
bool mx_walk_next(mx_walk *walk);
/* How many rows there are, and to row `row` of them. */
int64_t mx_walk_rows(const mx_walk *walk);
void mx_walk_seek(mx_walk *walk, int64_t row);
bool mx_walk_is_empty(const mx_walk *walk);

/* Strides of a tensor without gaps. */
void mx_contiguous_strides(int rank, const int64_t *dims, int64_t *strides);

/* Copies elements of 1, 4 or 8 bytes; walk with operands (destination, source). */
void mx_walk_copy(mx_walk *walk, size_t element, void *to, const void *from);

#endif
