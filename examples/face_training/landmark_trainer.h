/* SPDX-License-Identifier: MIT */
/* Training of one network of face/landmark_net.h: batch normalisation behind every
 * convolution, AdamW, a running mean of the weights. A batch is cut in shards that do not
 * depend on each other, so that threads change the time alone. */
#ifndef LANDMARK_TRAINER_H
#define LANDMARK_TRAINER_H

#include "landmark_augment.h"

enum {
    LANDMARK_SHARDS = 2,
    LANDMARK_SHARD = 16, /* samples: the last two are far off and no face */
    LANDMARK_NEAR_SHARD = LANDMARK_SHARD - 2,
    LANDMARK_BATCH = LANDMARK_SHARDS * LANDMARK_NEAR_SHARD
};

typedef struct landmark_trainer landmark_trainer;

/* NULL after a message in the scope. `shape`: the mean face, in its own frame. */
landmark_trainer *landmark_trainer_create(mx_scope *scope, const landmark_data *data,
    int stage, const float *shape, uint64_t seed);
void landmark_trainer_destroy(landmark_trainer *trainer);

/* One step on LANDMARK_BATCH faces, given by number. *error: their mean point error over
 * the eye distance. */
mexpr_status landmark_trainer_step(
    landmark_trainer *trainer, const int *faces, float rate, double *error);

/* The network as it is stored, mx_landmark_plan_bytes() of them. */
void landmark_trainer_store(const landmark_trainer *trainer, uint8_t *bytes);

#endif
