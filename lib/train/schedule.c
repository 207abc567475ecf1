/* SPDX-License-Identifier: MIT */
#include "train/schedule.h"

#include <math.h>

#include "microexpr/train.h"

/* From 1 to 0 over the steps behind the warm-up: Loshchilov, Hutter: SGDR, ICLR 2017. */
static double cosine(const mx_schedule *s, int64_t step)
{
    const double all = (double)(s->n_epochs * s->epoch_size - s->warm_up);
    const double done = all > 0 ? (double)(step - s->warm_up) / all : 0;
    return 0.5 * (1 + cos(3.14159265358979323846 * fmin(fmax(done, 0), 1)));
}

static double shape(const mx_schedule *s, int64_t step)
{
    const int64_t epoch = step / s->epoch_size;
    switch (s->kind) {
    case MEXPR_SCHEDULE_STEP:
        return pow(s->factor, (double)(epoch / s->step));
    case MEXPR_SCHEDULE_EXPONENTIAL:
        return pow(s->factor, (double)epoch);
    case MEXPR_SCHEDULE_COSINE:
        return cosine(s, step);
    default:
        return 1;
    }
}

double mx_schedule_rate(const mx_schedule *schedule, int64_t step)
{
    const double rate = schedule->rate * shape(schedule, step);
    return step < schedule->warm_up
               ? rate * (double)(step + 1) / (double)(schedule->warm_up + 1)
               : rate;
}
