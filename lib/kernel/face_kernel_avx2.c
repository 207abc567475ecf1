/* SPDX-License-Identifier: MIT */
#include "kernel/face_kernel.h"

#include <immintrin.h>

#define MX_ISA(name) mx_face_##name##_avx2
#include "kernel/face_kernel.inc"

enum { BYTES = 32, PICKED = 8 };

static __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* All ones where not a < b. */
static __m256i not_less(const uint8_t *a, const uint8_t *b)
{
    const __m256i x = load(a);
    return _mm256_cmpeq_epi8(_mm256_max_epu8(x, load(b)), x);
}

static void add(int16_t *score, __m128i values)
{
    __m256i *at = (__m256i *)(void *)score;
    _mm256_storeu_si256(
        at, _mm256_add_epi16(_mm256_loadu_si256(at), _mm256_cvtepi8_epi16(values)));
}

/* The leaves lie in 8 registers of 16. The first four comparisons are the place in all of
 * them, the others choose among the 8. */
static void fern_shuffled(int16_t *score, const uint8_t *const pixels[2 * MX_FERN_DEPTH],
    const int8_t leaves[MX_FERN_LEAVES], size_t n)
{
    enum { TABLES = MX_FERN_LEAVES / 16, LOW = 4 };
    __m256i tables[TABLES];
    const uint8_t *rest[2 * MX_FERN_DEPTH];
    size_t at = 0;
    for (int i = 0; i < TABLES; i++)
        tables[i] = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)(leaves + 16 * i)));
    for (; at + BYTES <= n; at += BYTES) {
        __m256i place = _mm256_setzero_si256(), found[TABLES];
        for (int j = 0; j < LOW; j++)
            place = _mm256_or_si256(place,
                _mm256_andnot_si256(not_less(pixels[2 * j] + at, pixels[2 * j + 1] + at),
                    _mm256_set1_epi8((char)(1 << j))));
        for (int i = 0; i < TABLES; i++)
            found[i] = _mm256_shuffle_epi8(tables[i], place);
        for (int j = LOW, left = TABLES / 2; j < MX_FERN_DEPTH; j++, left /= 2) {
            const __m256i low = not_less(pixels[2 * j] + at, pixels[2 * j + 1] + at);
            for (int i = 0; i < left; i++)
                found[i] = _mm256_blendv_epi8(found[2 * i + 1], found[2 * i], low);
        }
        add(score + at, _mm256_castsi256_si128(found[0]));
        add(score + at + BYTES / 2, _mm256_extracti128_si256(found[0], 1));
    }
    for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
        rest[j] = pixels[j] + at;
    mx_face_fern_avx2(score + at, rest, leaves, n - at);
}

/* Both neighbours are one number of 32 bits. */
static void pick_gathered(
    uint8_t *out, const uint16_t *in, const int32_t *first, const uint16_t *t, size_t n)
{
    const __m256i low = _mm256_set1_epi32(0xffff), half = _mm256_set1_epi32(32768);
    size_t at = 0;
    for (; at + PICKED <= n; at += PICKED) {
        const __m256i from =
            _mm256_loadu_si256((const __m256i *)(const void *)(first + at));
        const __m256i both =
            _mm256_i32gather_epi32((const int *)(const void *)in, from, 2);
        const __m256i right = _mm256_cvtepu16_epi32(
            _mm_loadu_si128((const __m128i *)(const void *)(t + at)));
        const __m256i left = _mm256_sub_epi32(_mm256_set1_epi32(256), right);
        __m256i sum = _mm256_mullo_epi32(_mm256_and_si256(both, low), left);
        sum =
            _mm256_add_epi32(sum, _mm256_mullo_epi32(_mm256_srli_epi32(both, 16), right));
        sum = _mm256_srli_epi32(_mm256_add_epi32(sum, half), 16);
        const __m128i words = _mm_packus_epi32(
            _mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        _mm_storel_epi64((__m128i *)(void *)(out + at), _mm_packus_epi16(words, words));
    }
    mx_face_pick_avx2(out + at, in, first + at, t + at, n - at);
}

void mx_face_kernels_avx2(mx_face_kernels *table)
{
    mx_face_fill_avx2(table);
    table->fern = fern_shuffled;
    table->pick = pick_gathered;
}
