/* SPDX-License-Identifier: MIT */
#include "kcheck.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "microexpr/base.h"

enum { CANARY_BYTES = 64, CANARY = 0xcc, MAX_REPORTS = 20 };

static const char *volatile current_slot = "(none)";

static void on_signal(int number)
{
    static const char text[] = "kcheck: a signal hit kernel ";
    const char *slot = current_slot;
    if (write(2, text, sizeof text - 1) < 0 || write(2, slot, strlen(slot)) < 0 ||
        write(2, "\n", 1) < 0)
        _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

static const char *level_name(uint32_t cpu)
{
    if (cpu & MEXPR_CPU_AVX512)
        return "avx512";
    return cpu & MEXPR_CPU_AVX2 ? "avx2" : cpu & MEXPR_CPU_NEON ? "neon" : "c";
}

static void fail(kcheck *k, const char *what, size_t index, double expected, double got)
{
    if (k->n_failures++ < MAX_REPORTS)
        printf("FAILED %s_%s: %s at %zu: expected %.9g, got %.9g\n", k->slot,
            level_name(k->cpu), what, index, expected, got);
}

void kcheck_slot(kcheck *k, const char *name)
{
    k->slot = name;
    current_slot = name;
}

/* --- buffers ----------------------------------------------------------------------- */

typedef struct buffer_header {
    void *base;
    size_t bytes;
} buffer_header;

void *kcheck_buffer(size_t n, size_t element_size, size_t offset)
{
    const size_t bytes = n * element_size;
    const size_t lead = 2 * CANARY_BYTES + offset * element_size;
    const size_t total = (lead + bytes + CANARY_BYTES + 63) / 64 * 64;
    unsigned char *base = aligned_alloc(64, total);
    if (!base)
        abort();
    memset(base, CANARY, total);
    const buffer_header header = {base, bytes};
    memcpy(base, &header, sizeof header);
    /* The header must be found from the pointer alone: repeat it just before the canary
     * at any alignment. */
    unsigned char *data = base + lead;
    memcpy(data - CANARY_BYTES - sizeof header, &header, sizeof header);
    return data;
}

void kcheck_release(kcheck *k, void *buffer)
{
    unsigned char *data = buffer;
    buffer_header header;
    memcpy(&header, data - CANARY_BYTES - sizeof header, sizeof header);
    for (size_t i = 0; i < CANARY_BYTES; i++) {
        if (data[header.bytes + i] != CANARY)
            fail(k, "written behind the end", i, CANARY, data[header.bytes + i]);
        if (data[-1 - (ptrdiff_t)i] != CANARY)
            fail(k, "written before the start", i, CANARY, data[-1 - (ptrdiff_t)i]);
    }
    free(header.base);
}

void kcheck_fill_f32(kcheck *k, float *x, size_t n, float scale, bool special)
{
    static const float specials[] = {
        0.0f, -0.0f, 1e-40f, -1e-40f, 1e30f, -1e30f, 1.0f, 0.5f};
    for (size_t i = 0; i < n; i++) {
        x[i] = scale * (float)mx_rng_normal(&k->rng);
        if (special && mx_rng_below(&k->rng, 16) == 0)
            x[i] = specials[mx_rng_below(&k->rng, 8)];
    }
}

void kcheck_fill_u8(kcheck *k, uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)mx_rng_below(&k->rng, 256);
}

/* --- comparison -------------------------------------------------------------------- */

void kcheck_equal(kcheck *k, const void *expected, const void *got, size_t bytes)
{
    const unsigned char *a = expected, *b = got;
    k->n_checks++;
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i]) {
            fail(k, "byte differs", i, a[i], b[i]);
            return;
        }
    }
}

static int64_t ordered_bits(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

void kcheck_ulp(kcheck *k, const float *expected, const float *got, size_t n, int ulp)
{
    k->n_checks++;
    for (size_t i = 0; i < n; i++) {
        if (isnan(expected[i]) && isnan(got[i]))
            continue;
        if (isnan(expected[i]) != isnan(got[i]) ||
            llabs(ordered_bits(expected[i]) - ordered_bits(got[i])) > ulp) {
            fail(k, "too many ulp apart", i, expected[i], got[i]);
            return;
        }
    }
}

void kcheck_relative(
    kcheck *k, const float *expected, const float *got, size_t n, double relative)
{
    double largest = 0;
    k->n_checks++;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)expected[i]));
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)expected[i] - got[i]) <= relative * largest)) {
            fail(k, "too far apart", i, expected[i], got[i]);
            return;
        }
    }
}

void kcheck_true(kcheck *k, bool condition, const char *what)
{
    k->n_checks++;
    if (!condition)
        fail(k, what, 0, 1, 0);
}

/* --- timing ------------------------------------------------------------------------ */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_once(void (*run)(void *, uint32_t), void *arg, uint32_t cpu, int turns)
{
    const double start = now_ns();
    for (int i = 0; i < turns; i++)
        run(arg, cpu);
    return (now_ns() - start) / turns;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void kcheck_time(kcheck *k, void (*run)(void *arg, uint32_t cpu), void *arg)
{
    enum { ROUNDS = 15 };
    if (!k->bench)
        return;
    double plain[ROUNDS], fast[ROUNDS], ratio[ROUNDS];
    int turns = 1;
    while (time_once(run, arg, 0, turns) * turns < 2e6 && turns < 1 << 20)
        turns *= 2;
    for (int i = 0; i < ROUNDS; i++) {
        plain[i] = time_once(run, arg, 0, turns);
        fast[i] = time_once(run, arg, k->cpu, turns);
        ratio[i] = plain[i] / fast[i];
    }
    qsort(plain, ROUNDS, sizeof plain[0], by_value);
    qsort(fast, ROUNDS, sizeof fast[0], by_value);
    qsort(ratio, ROUNDS, sizeof ratio[0], by_value);
    printf("%-32s %-7s c %10.1f ns  %10.1f ns  ratio %6.2f\n", k->slot,
        level_name(k->cpu), plain[ROUNDS / 2], fast[ROUNDS / 2], ratio[ROUNDS / 2]);
}

int main(int argc, char **argv)
{
    kcheck k = {.slot = "(none)"};
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0)
            k.bench = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
    }
    signal(SIGSEGV, on_signal);
    signal(SIGILL, on_signal);
    signal(SIGFPE, on_signal);
    printf("kcheck: seed %llu\n", (unsigned long long)seed);
    const uint32_t available = mexpr_cpu_flags();
    const uint32_t levels[] = {
        0, MEXPR_CPU_AVX2, MEXPR_CPU_AVX2 | MEXPR_CPU_AVX512, MEXPR_CPU_NEON};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if ((levels[i] & available) != levels[i] || (levels[i] == 0 && available != 0))
            continue;
        k.cpu = levels[i];
        mx_rng_seed(&k.rng, seed, i);
        const int before = k.n_checks;
        kcheck_table(&k);
        printf("%s: %d comparisons\n", level_name(k.cpu), k.n_checks - before);
    }
    if (k.n_failures)
        printf("%d comparisons FAILED\n", k.n_failures);
    return k.n_failures != 0;
}
