/* SPDX-License-Identifier: MIT */
#include "flow_clips.h"

#include <math.h>

#include "base/rng.h"

void flow_clips_make(uint64_t seed, int n, float *clips, int32_t *labels)
{
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int i = 0; i < n; i++) {
        float *u = clips + i * CLIP, *v = u + N_PIXELS, *strain = v + N_PIXELS;
        const double cx = 14 + 2 * mx_rng_normal(&rng), cy = 17 + mx_rng_normal(&rng);
        labels[i] = i % N_CLASSES;
        for (int k = 0; k < N_PIXELS; k++) {
            const double x = k % SIDE - cx, y = k / SIDE - cy;
            const double bump = exp(-(x * x + y * y) / 30);
            const double dx = labels[i] == 2 ? x / 5 : 0;
            const double dy = labels[i] == 0 ? -1 : labels[i] == 1 ? 1 : y / 5;
            u[k] = (float)(120 + 60 * bump * dx + 4 * mx_rng_normal(&rng));
            v[k] = (float)(130 + 60 * bump * dy + 4 * mx_rng_normal(&rng));
            strain[k] = (float)(20 + 100 * bump + 4 * mx_rng_normal(&rng));
        }
    }
}

mexpr_tensor_view flow_clips_view(int64_t n, const float *clips)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = n;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = SIDE;
    view.data = clips;
    return view;
}
