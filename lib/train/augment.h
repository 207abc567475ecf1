/* SPDX-License-Identifier: MIT */
/* Clips as they might have been: each change is drawn first, then done, so that what is
 * done can be checked by itself. */
#ifndef MX_TRAIN_AUGMENT_H
#define MX_TRAIN_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"

enum { MX_MAX_BLUR = 8 }; /* px, of a Gaussian's deviation */

/* What may happen: mexpr_trainer_options tells of each. */
typedef struct mx_augment {
    double flip, turn, shift, zoom, noise, occlusion, gain, blur, jitter;
} mx_augment;

/* The planes of a clip: height × width each. Those of flow are u, v and then what a
 * turned face does not change (strain); `zero` is the value of no motion in u and v, and
 * others rest at 0. Without flow all planes are pictures. */
typedef struct mx_planes {
    int n, n_frames; /* of each plane, one behind the other */
    int height, width;
    bool is_flow;
    float zero;
} mx_planes;

/* What happens to one clip. A point x of the picture goes to c + zoom R M (x - c) + shift
 * with c its middle, R the turn from x to y, and M the mirror; a vector w of flow becomes
 * zoom R M w: the motion of the picture that was changed so. */
typedef struct mx_change {
    bool is_mirrored;
    double angle; /* radians */
    double zoom, shift_x, shift_y;
    double blur, gain; /* values become zero + gain × (value - zero) */
    double noise;
    int hidden_x, hidden_y, hidden_size; /* px, set to no motion or to the mean */
} mx_change;

void mx_augment_draw(
    const mx_augment *augment, const mx_planes *planes, mx_rng *rng, mx_change *change);

/* Floats of scratch memory that mx_augment_apply() needs. */
size_t mx_augment_work(const mx_planes *planes);
/* Bilinear, the border goes on outside; a mirror image alone is exact. `rng` gives the
 * noise. `from` and `to` are different. */
void mx_augment_apply(const mx_change *change, const mx_planes *planes, mx_rng *rng,
    const float *from, float *to, float *work);

/* --- time -------------------------------------------------------------------------- */

/* MATLAB's imresize kernels: Xia et al. resample clips with them. */
typedef enum mx_time_kernel {
    MX_TIME_NEAREST,
    MX_TIME_BOX,
    MX_TIME_TRIANGLE,
    MX_TIME_CUBIC,
    MX_TIME_LANCZOS2,
    MX_TIME_LANCZOS3,
    MX_N_TIME_KERNELS
} mx_time_kernel;

enum { MX_MAX_JITTER_FRAMES = 1024 };

/* Weights, n_out rows of n_in, that drop ceil(ratio × n_in) frames drawn at random (never
 * all) and resample those that are left to n_out: temporal jittering of Xia, Hong, Gao,
 * Zhao, IPTA 2018. Each row sums to 1. n_in is at most MX_MAX_JITTER_FRAMES. */
void mx_time_jitter(mx_rng *rng, int n_in, int n_out, double ratio, mx_time_kernel kernel,
    float *weights);

#endif
