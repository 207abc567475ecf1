/* SPDX-License-Identifier: MIT */
/* Random Fourier features (A. Rahimi, B. Recht, NIPS 2007) with structured orthogonal
 * frequencies (F. Yu et al., NIPS 2016): in place of a random matrix, three times random
 * signs and a Hadamard transform. It errs less than independent frequencies, and what has
 * to be kept is the signs. */
#include "train/random_features.h"

#include <math.h>

#include "base/rng.h"

enum { SIDE = 32, N_STAGES = 3, MAX_BLOCKS = 4 };

/* The transform of 1024 numbers as 32×32 is this matrix from both sides: orthogonal,
 * entry (i, j) minus where i and j have an odd number of bits in common. */
static mx_name hadamard(mx_layers *l)
{
    static const int64_t dims[2] = {SIDE, SIDE};
    float values[SIDE * SIDE];
    for (int k = 0; k < SIDE * SIDE; k++) {
        int odd = 0;
        for (int common = k / SIDE & k % SIDE; common; common >>= 1)
            odd ^= common & 1;
        values[k] = (float)((odd ? -1 : 1) / sqrt(SIDE));
    }
    return mx_floats(l, 2, dims, values);
}

static mx_name signs(mx_layers *l, mx_rng *rng, int n_blocks)
{
    const int64_t dims[4] = {1, n_blocks, SIDE, SIDE};
    float values[MAX_BLOCKS * MX_RANDOM_BLOCK];
    for (int k = 0; k < n_blocks * MX_RANDOM_BLOCK; k++)
        values[k] = mx_rng_below(rng, 2) ? 1 : -1;
    return mx_floats(l, 4, dims, values);
}

mx_random mx_random_draw(mx_layers *l, int n_blocks)
{
    mx_random random = {.n_blocks = n_blocks, .transform = hadamard(l)};
    mx_rng rng;
    mx_rng_seed(&rng, 0, 0);
    for (int k = 0; k < N_STAGES; k++)
        random.signs[k] = signs(l, &rng, n_blocks);
    return random;
}

mx_name mx_random_features(
    mx_layers *l, const mx_random *random, mx_name rows, int64_t n_in, double gamma)
{
    static const int64_t squares[4] = {0, 1, SIDE, SIDE};
    const int64_t pads[4] = {0, 0, 0, MX_RANDOM_BLOCK - n_in};
    /* Frequencies are as long as normal ones of variance 2 gamma are. */
    const float length = (float)sqrt(2 * gamma * MX_RANDOM_BLOCK);
    const float height = (float)sqrt(1.0 / (MX_RANDOM_BLOCK * random->n_blocks));
    mx_name x = mx_mul(l, rows, mx_scalar(l, length));
    x = mx_reshape(l, mx_op2(l, "Pad", x, mx_ints(l, 4, pads)), 4, squares);
    for (int k = 0; k < N_STAGES; k++) {
        x = mx_op2(l, "MatMul", mx_mul(l, x, random->signs[k]), random->transform);
        x = mx_op2(l, "MatMul", random->transform, x);
    }
    x = mx_flatten(l, x);
    const mx_name waves[2] = {mx_op1(l, "Cos", x), mx_op1(l, "Sin", x)};
    return mx_mul(l, mx_concat(l, waves, 2, 1), mx_scalar(l, height));
}
