/* SPDX-License-Identifier: MIT */
/* Throughput of flow through a clip: pairs side by side on n threads, and each pair
 * divided among n threads, against one thread. Runs interleave; medians of ratios. */
#include <stdio.h>
#include <stdlib.h>

#include "base/scope.h"
#include "face_render.h"
#include "microexpr/flow.h"

enum { ROUNDS = 9, N_FRAMES = 9 };

static int32_t take(void *user, int64_t frame, const mexpr_field *field)
{
    (void)user;
    (void)frame;
    (void)field;
    return 0;
}

static mexpr_context *context_of(int n_threads)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context;
    options.n_threads = n_threads;
    return mexpr_context_create(&options, &context) == MEXPR_OK ? context : NULL;
}

static mexpr_clip *clip_of(mexpr_context *context, int size)
{
    struct face_clip_options face = face_clip_defaults(3);
    mexpr_clip *clip;
    face_clip_resize(&face, size, size);
    face_clip_add_action(&face, 12, FACE_BOTH, 1.0);
    if (mexpr_clip_create(context, NULL, &clip) != MEXPR_OK)
        return NULL;
    for (int t = 0; t < N_FRAMES; t++) {
        mexpr_image *image;
        if (mexpr_image_create(context, MEXPR_FORMAT_GREY8, size, size, &image) !=
            MEXPR_OK)
            break;
        face_clip_frame(&face, 5 + t, mexpr_image_pixels(image), size);
        mexpr_clip_push(clip, &image);
    }
    return clip;
}

/* Milliseconds for all pairs: by the call, or pair after pair on the context's threads.
 */
static double run(mexpr_flow *flow, mexpr_clip *clip, mexpr_field *field, int divided)
{
    const double start = mx_now_ms();
    if (!divided) {
        if (mexpr_flow_clip(flow, clip, NULL, take, NULL, NULL) != MEXPR_OK)
            exit(1);
        return mx_now_ms() - start;
    }
    for (int64_t t = 1; t < N_FRAMES; t++) {
        const mexpr_image *first, *second;
        mexpr_clip_frame(clip, 0, &first);
        mexpr_clip_frame(clip, t, &second);
        if (mexpr_flow_compute(flow, first, second, field) != MEXPR_OK)
            exit(1);
    }
    return mx_now_ms() - start;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

static void bench(int size, int n_threads)
{
    mexpr_context *contexts[2] = {context_of(1), context_of(n_threads)};
    mexpr_clip *clips[2];
    mexpr_flow *flows[2];
    mexpr_field *fields[2];
    double one[ROUNDS], aside[ROUNDS], divided[ROUNDS];
    for (int i = 0; i < 2; i++) {
        clips[i] = clip_of(contexts[i], size);
        if (mexpr_flow_create(contexts[i], &flows[i]) != MEXPR_OK ||
            mexpr_field_create(contexts[i], size, size, &fields[i]) != MEXPR_OK)
            exit(1);
        run(flows[i], clips[i], fields[i], 1);
    }
    for (int r = 0; r < ROUNDS; r++) {
        one[r] = run(flows[0], clips[0], fields[0], 0);
        aside[r] = one[r] / run(flows[1], clips[1], fields[1], 0);
        divided[r] = one[r] / run(flows[1], clips[1], fields[1], 1);
    }
    printf(
        "%4d x %-4d %8.2f ms a pair on 1 thread; %d threads: pairs side by side %.2f x, "
        "each pair divided %.2f x\n",
        size, size, median(one) / (N_FRAMES - 1), n_threads, median(aside),
        median(divided));
    for (int i = 0; i < 2; i++) {
        mexpr_field_destroy(&fields[i]);
        mexpr_flow_destroy(&flows[i]);
        mexpr_clip_destroy(&clips[i]);
        mexpr_context_destroy(&contexts[i]);
    }
}

int main(int argc, char **argv)
{
    const int n_threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    const int sizes[] = {64, 128, 224, 448};
    for (int i = 0; i < 4; i++)
        bench(sizes[i], n_threads < 1 ? 2 : n_threads);
    return 0;
}
