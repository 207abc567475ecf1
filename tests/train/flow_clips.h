/* SPDX-License-Identifier: MIT */
/* Clips of made-up movements to learn from: u, v and strain of 28 x 28 pixels. */
#ifndef TESTS_FLOW_CLIPS_H
#define TESTS_FLOW_CLIPS_H

#include "microexpr/model.h"

enum { SIDE = 28, N_PIXELS = SIDE * SIDE, CLIP = 3 * N_PIXELS, N_CLASSES = 3 };

/* A patch that moves up, down or apart, on a ground with noise; every plane as 0..255.
 * `clips` receives n x CLIP, `labels` n classes in turn. */
void flow_clips_make(uint64_t seed, int n, float *clips, int32_t *labels);
mexpr_tensor_view flow_clips_view(int64_t n, const float *clips);

#endif
