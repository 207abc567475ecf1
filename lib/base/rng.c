/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <math.h>

/* SplitMix64 (Steele, Lea, Flood 2014), to spread a seed over the state. */
static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void mx_rng_seed(mx_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t x = stream;
    x = seed ^ splitmix64(&x);
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix64(&x);
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* xoshiro256** 1.0 (Blackman, Vigna 2018). */
uint64_t mx_rng_u64(mx_rng *rng)
{
    uint64_t *s = rng->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's multiply-and-reject (2019). */
uint32_t mx_rng_below(mx_rng *rng, uint32_t n)
{
    const uint32_t reject_below = (uint32_t)-n % n;
    for (;;) {
        const uint64_t product = (mx_rng_u64(rng) >> 32) * n;
        if ((uint32_t)product >= reject_below)
            return (uint32_t)(product >> 32);
    }
}

double mx_rng_uniform(mx_rng *rng)
{
    return (double)(mx_rng_u64(rng) >> 11) * 0x1p-53;
}

/* Box and Muller (1958), one of the pair. */
double mx_rng_normal(mx_rng *rng)
{
    const double two_pi = 6.283185307179586;
    const double radius = sqrt(-2 * log(1 - mx_rng_uniform(rng)));
    return radius * cos(two_pi * mx_rng_uniform(rng));
}

void mx_rng_permute(mx_rng *rng, uint32_t n, uint32_t *order)
{
    for (uint32_t k = 0; k < n; k++)
        order[k] = k;
    for (uint32_t k = n; k-- > 1;) {
        const uint32_t other = mx_rng_below(rng, k + 1), kept = order[k];
        order[k] = order[other];
        order[other] = kept;
    }
}
