/* SPDX-License-Identifier: MIT */
/* How fast TV-L1 flow is. For each size, instruction set and number of threads: the time
 * of a call on a warm estimator, nanoseconds per pixel and iteration, and the ratio to
 * plain C on one thread; then what the first call on a fresh context takes.
 *
 *     bench_flow [--rounds N] [--peer-ipol PROGRAM]
 *
 * PROGRAM is the one published with J. Sánchez et al., IPOL 3 (2013), 137-150. It gets
 * the same pictures as PNG files and one thread; its time is the processor's in user
 * mode, less that of a run which only reads two pictures. Rounds take turns between all
 * that is compared; medians of the rounds are printed. One thread is measured in
 * processor time, more in real time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "face_render.h"
#include "flow/flow_estimator.h"
#include "image/picture.h"

enum { MAX_ROUNDS = 99, N_SIZES = 4, MAX_SETUPS = 8 };

static const int sizes[N_SIZES][2] = {{128, 128}, {224, 224}, {280, 340}, {640, 480}};

static void check(mexpr_status status, const char *what)
{
    if (status != MEXPR_OK) {
        fprintf(stderr, "%s: %s\n", what, mexpr_status_message(status));
        exit(1);
    }
}

/* --- measuring --------------------------------------------------------------------- */

static double now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return sorted[n / 2];
}

static double median_ratio(const double *a, const double *b, int n)
{
    double ratios[MAX_ROUNDS];
    for (int i = 0; i < n; i++)
        ratios[i] = a[i] / b[i];
    return median(ratios, n);
}

static double load_average(void)
{
    double load = 0;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%lf", &load) != 1)
        load = 0;
    if (file)
        fclose(file);
    return load;
}

/* --- pictures ---------------------------------------------------------------------- */

static void draw_pair(mexpr_context *context, int width, int height, mexpr_image **pair)
{
    struct face_clip_options clip = face_clip_defaults(11);
    face_clip_resize(&clip, width, height);
    if (!face_clip_add_action(&clip, 12, FACE_BOTH, 0.7) ||
        !face_clip_add_action(&clip, 4, FACE_BOTH, 0.5))
        exit(1);
    clip.noise_sigma = 1.0;
    for (int i = 0; i < 2; i++) {
        check(mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &pair[i]),
            "image");
        face_clip_frame(
            &clip, i ? clip.apex : clip.onset, mexpr_image_pixels(pair[i]), width);
    }
}

/* --- the library ------------------------------------------------------------------- */

typedef struct setup {
    const char *name;
    uint32_t cpu;
    int n_threads;
    mexpr_context *context;
    mexpr_flow *flow;
    mexpr_field *field;
    double warm[MAX_ROUNDS];
    double first[MAX_ROUNDS];
} setup;

static void open_setup(setup *s, int width, int height)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.n_threads = s->n_threads;
    options.cpu_mask = s->cpu;
    options.cpu_mask_set = 1;
    check(mexpr_context_create(&options, &s->context), "context");
    check(mexpr_flow_create(s->context, &s->flow), "flow");
    check(mexpr_field_create(s->context, width, height, &s->field), "field");
}

static void close_setup(setup *s)
{
    mexpr_field_destroy(&s->field);
    mexpr_flow_destroy(&s->flow);
    mexpr_context_destroy(&s->context);
}

static double time_calls(setup *s, mexpr_image *const *pair, int n)
{
    const clockid_t clock = s->n_threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    const double start = now_ms(clock);
    for (int i = 0; i < n; i++)
        check(mexpr_flow_compute(s->flow, pair[0], pair[1], s->field), "compute");
    return (now_ms(clock) - start) / n;
}

/* One round: the first call on a fresh context, then warm ones for about 30 ms. */
static void measure(setup *s, mexpr_image *const *pair, int round)
{
    open_setup(s, pair[0]->width, pair[0]->height);
    s->first[round] = time_calls(s, pair, 1);
    const int n = 1 + (int)(30 / s->first[round]);
    s->warm[round] = time_calls(s, pair, n);
    if (round == 0)
        return; /* kept open: its iterations are reported */
    close_setup(s);
}

static int list_setups(setup *setups)
{
    static const struct {
        const char *name;
        uint32_t cpu;
    } levels[] = {{"c", 0}, {"avx2", MEXPR_CPU_AVX2},
        {"avx512", MEXPR_CPU_AVX2 | MEXPR_CPU_AVX512}, {"neon", MEXPR_CPU_NEON}};
    int n = 0;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if ((levels[i].cpu & mexpr_cpu_flags()) != levels[i].cpu)
            continue;
        for (int threads = 1; threads <= 2; threads++)
            setups[n++] = (setup){
                .name = levels[i].name, .cpu = levels[i].cpu, .n_threads = threads};
    }
    return n;
}

/* --- the peer ---------------------------------------------------------------------- */

static double children_user_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)usage.ru_utime.tv_sec * 1e3 + (double)usage.ru_utime.tv_usec * 1e-3;
}

/* User time of the program; it may refuse the pictures. */
static double run_peer(
    const char *program, const char *first, const char *second, const char *out)
{
    const double before = children_user_ms();
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(program, program, first, second, out, "1", (char *)NULL);
        _exit(127);
    }
    int state;
    if (child < 0 || waitpid(child, &state, 0) != child ||
        (WIFEXITED(state) && WEXITSTATUS(state) > 125)) {
        fprintf(stderr, "%s cannot be run\n", program);
        exit(1);
    }
    return children_user_ms() - before;
}

typedef struct peer {
    const char *program;
    char folder[64];
    char paths[4][128]; /* two pictures, one of another size, the flow */
    double times[MAX_ROUNDS];
} peer;

static void open_peer(peer *p, mexpr_context *context, mexpr_image *const *pair)
{
    static const char *const names[] = {"a.png", "b.png", "other.png", "out.flo"};
    snprintf(p->folder, sizeof p->folder, "/tmp/bench-flow-XXXXXX");
    if (!mkdtemp(p->folder))
        exit(1);
    for (int i = 0; i < 4; i++)
        snprintf(p->paths[i], sizeof p->paths[i], "%s/%s", p->folder, names[i]);
    mexpr_image *other;
    check(mexpr_image_crop(
              context, pair[1], 0, 0, pair[1]->width - 1, pair[1]->height, &other),
        "crop");
    check(mexpr_image_write_png(context, pair[0], p->paths[0]), "write");
    check(mexpr_image_write_png(context, pair[1], p->paths[1]), "write");
    check(mexpr_image_write_png(context, other, p->paths[2]), "write");
    mexpr_image_destroy(&other);
}

static void close_peer(peer *p)
{
    for (int i = 0; i < 4; i++)
        unlink(p->paths[i]);
    rmdir(p->folder);
}

/* Mean distance of the last peer's flow, px. */
static double peer_distance(const peer *p, const setup *s)
{
    mexpr_field *field;
    double mean;
    check(mexpr_field_read_flo(s->context, p->paths[3], &field), "the peer's flow");
    check(mexpr_field_difference(s->context, field, s->field, &mean, NULL), "difference");
    mexpr_field_destroy(&field);
    return mean;
}

/* --- all of it --------------------------------------------------------------------- */

static void report(const setup *s, const setup *plain, const peer *p, int rounds)
{
    const double ms = median(s->warm, rounds);
    printf("  %-7s %d thread%s %8.3f ms  %6.3f ns/px-it  %5.2f × plain C", s->name,
        s->n_threads, s->n_threads > 1 ? "s" : " ", ms,
        ms * 1e6 / (double)s->flow->work.pixel_iterations,
        median_ratio(plain->warm, s->warm, rounds));
    if (s->n_threads > 1)
        printf("  %4.2f × one thread", median_ratio(s[-1].warm, s->warm, rounds));
    else
        printf("  first call %4.2f ×", median_ratio(s->first, s->warm, rounds));
    if (p->program)
        printf("  %5.1f × IPOL", median_ratio(p->times, s->warm, rounds));
    printf("\n");
}

static void bench_size(int width, int height, int rounds, const char *program)
{
    mexpr_context *context;
    mexpr_image *pair[2];
    check(mexpr_context_create(NULL, &context), "context");
    draw_pair(context, width, height, pair);
    setup setups[MAX_SETUPS];
    const int n = list_setups(setups);
    peer p = {.program = program};
    if (program)
        open_peer(&p, context, pair);
    for (int round = 0; round < rounds; round++) {
        if (program)
            p.times[round] = run_peer(program, p.paths[0], p.paths[1], p.paths[3]) -
                             run_peer(program, p.paths[0], p.paths[2], p.paths[3]);
        for (int i = 0; i < n; i++) {
            setup kept = setups[i];
            measure(&setups[i], pair, round);
            if (round > 0) {
                setups[i].context = kept.context;
                setups[i].flow = kept.flow;
                setups[i].field = kept.field;
            }
        }
    }
    printf("%d×%d, %d rounds, load average %.1f", width, height, rounds, load_average());
    if (program)
        printf(", IPOL %.1f ms, %.2g px apart", median(p.times, rounds),
            peer_distance(&p, &setups[0]));
    printf("\n");
    for (int i = 0; i < n; i++)
        report(&setups[i], &setups[0], &p, rounds);
    fflush(stdout);
    for (int i = 0; i < n; i++)
        close_setup(&setups[i]);
    if (program)
        close_peer(&p);
    for (int i = 0; i < 2; i++)
        mexpr_image_destroy(&pair[i]);
    mexpr_context_destroy(&context);
}

int main(int argc, char **argv)
{
    const char *program = NULL;
    int rounds = 5;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--peer-ipol") == 0)
            program = argv[i + 1];
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = (int)strtol(argv[i + 1], NULL, 10);
    }
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "--rounds must be in 1..%d\n", MAX_ROUNDS);
        return 2;
    }
    for (int i = 0; i < N_SIZES; i++)
        bench_size(sizes[i][0], sizes[i][1], rounds, program);
    return 0;
}
