/* SPDX-License-Identifier: MIT */
/* Throughput of flow through a clip on n threads against one: as the call chooses, pairs
 * side by side, and each pair divided. Runs interleave; ratios are those of the
 * shortest times. The processor time of all threads tells, whatever else the machine
 * does, what the threads cost: n threads cannot be faster than n over its ratio. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/scope.h"
#include "face_render.h"
#include "flow/flow_estimator.h"
#include "microexpr/flow.h"

enum { ROUNDS = 25, N_FRAMES = 9 };

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

/* The least of all rounds, each on its own. */
typedef struct timing {
    double ms;
    double cpu;
} timing;

/* How a clip's pairs go: as the call chooses, or all side by side, or one after the
 * other, each divided among the context's threads. */
enum way { CHOSEN, ASIDE, DIVIDED };

static void compute(mexpr_flow *flow, mexpr_clip *clip, mexpr_field *field, enum way way)
{
    flow->divided_bytes = way == ASIDE ? PTRDIFF_MAX : MX_FLOW_DIVIDED_BYTES;
    if (way != DIVIDED && mexpr_flow_clip(flow, clip, NULL, take, NULL, NULL) != MEXPR_OK)
        exit(1);
    for (int64_t t = 1; way == DIVIDED && t < N_FRAMES; t++) {
        const mexpr_image *first, *second;
        mexpr_clip_frame(clip, 0, &first);
        mexpr_clip_frame(clip, t, &second);
        if (mexpr_flow_compute(flow, first, second, field) != MEXPR_OK)
            exit(1);
    }
}

static void run(mexpr_flow *flow, mexpr_clip *clip, mexpr_field *field, enum way way,
    int round, timing *t)
{
    const double start = mx_now_ms();
    const clock_t cpu_start = clock();
    compute(flow, clip, field, way);
    const double cpu = (double)(clock() - cpu_start), ms = mx_now_ms() - start;
    t->ms = round == 0 || ms < t->ms ? ms : t->ms;
    t->cpu = round == 0 || cpu < t->cpu ? cpu : t->cpu;
}

static void bench(int size, int n_threads)
{
    mexpr_context *contexts[2] = {context_of(1), context_of(n_threads)};
    mexpr_clip *clips[2];
    mexpr_flow *flows[2];
    mexpr_field *fields[2];
    timing one, chosen, aside, divided;
    for (int i = 0; i < 2; i++) {
        clips[i] = clip_of(contexts[i], size);
        if (mexpr_flow_create(contexts[i], &flows[i]) != MEXPR_OK ||
            mexpr_field_create(contexts[i], size, size, &fields[i]) != MEXPR_OK)
            exit(1);
        compute(flows[i], clips[i], fields[i], ASIDE);
    }
    for (int r = 0; r < ROUNDS; r++) {
        run(flows[0], clips[0], fields[0], ASIDE, r, &one);
        run(flows[1], clips[1], fields[1], CHOSEN, r, &chosen);
        run(flows[1], clips[1], fields[1], ASIDE, r, &aside);
        run(flows[1], clips[1], fields[1], DIVIDED, r, &divided);
    }
    printf(
        "%4d x %-4d %7.2f ms a pair; %d threads: %.2f x as fast; side by side %.2f x for "
        "%.2f x the processor time, divided %.2f x for %.2f x\n",
        size, size, one.ms / (N_FRAMES - 1), n_threads, one.ms / chosen.ms,
        one.ms / aside.ms, aside.cpu / one.cpu, one.ms / divided.ms,
        divided.cpu / one.cpu);
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
    const int sizes[] = {64, 128, 224, 288, 352, 448};
    for (int i = 0; i < 6; i++)
        bench(sizes[i], n_threads < 1 ? 2 : n_threads);
    return 0;
}
