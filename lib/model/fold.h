/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_FOLD_H
#define MX_MODEL_FOLD_H

#include "model/operator.h"

/* About how many steps it takes to compute a node whose shapes are all known. */
double mx_fold_work(const mx_node *node, const mx_tensor *tensors);

#endif
