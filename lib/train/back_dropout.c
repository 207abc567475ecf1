/* SPDX-License-Identifier: MIT */
#include "train/back_tables.h"

const mx_back_op mx_back_dropout_ops[] = {
    {.name = NULL},
};
