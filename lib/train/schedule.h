/* SPDX-License-Identifier: MIT */
/* How the learning rate goes on. */
#ifndef MX_TRAIN_SCHEDULE_H
#define MX_TRAIN_SCHEDULE_H

#include <stdint.h>

typedef struct mx_schedule {
    int32_t kind; /* mexpr_schedule */
    double rate;
    double factor;      /* of step and exponential */
    int64_t step;       /* epochs between the steps of MEXPR_SCHEDULE_STEP */
    int64_t warm_up;    /* steps of the optimiser at first, from 0 up */
    int64_t epoch_size; /* steps of the optimiser in an epoch */
    int64_t n_epochs;
} mx_schedule;

/* The rate of step 0, 1, … of the optimiser. */
double mx_schedule_rate(const mx_schedule *schedule, int64_t step);

#endif
