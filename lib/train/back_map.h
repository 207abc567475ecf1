/* SPDX-License-Identifier: MIT */
/* Operators whose outputs are elements of input 0, chosen along each dimension by itself:
 * their gradients are summed up where they came from. */
#ifndef MX_TRAIN_BACK_MAP_H
#define MX_TRAIN_BACK_MAP_H

#include "train/back.h"

/* from[d][i]: the place along dimension d of input 0 of what the output has at i, -1: it
 * comes from elsewhere. */
typedef struct mx_back_map {
    int64_t *from[MEXPR_MAX_RANK];
} mx_back_map;

/* Sets room for the lists aside. */
mexpr_status mx_back_map_plan(mx_back_plan *plan);
/* Points the lists, to be filled in, into the workspace. */
void mx_back_map_init(mx_back_map *map, const mx_back_run *run);
void mx_back_map_run(const mx_back_map *map, const mx_back_run *run);

#endif
