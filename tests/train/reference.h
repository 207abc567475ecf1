/* SPDX-License-Identifier: MIT */
/* Every operator that can be trained through, once more: in double, the plain way, from
 * the text of the ONNX specification and nothing of lib/ but its graphs. Finite
 * differences of this are what gradients are compared with. */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include "model/graph.h"

/* All numbers as double, indices and truth values too. */
typedef struct ref_tensor {
    int rank;
    int64_t dims[MEXPR_MAX_RANK];
    double *data;
} ref_tensor;

int64_t ref_count(const ref_tensor *t);
/* Shape and elements of a tensor; without data, room for them. free(t.data). */
ref_tensor ref_from(const mx_tensor *t);

/* Computes the outputs, whose shapes are given and whose data have room, from the inputs
 * (NULL: left out). `training`: statistics are those of the batch. False: the operator is
 * not known here. */
bool ref_forward(const mx_node *node, const ref_tensor *const *in, ref_tensor *const *out,
    bool training);

#endif
