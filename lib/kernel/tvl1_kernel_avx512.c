/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <immintrin.h>

#define MX_ISA(name) mx_tvl1_##name##_avx512
#include "kernel/tvl1_kernel_simple.inc"

typedef __m512 vf;
typedef __mmask16 vm;
enum { VF_LANES = 16 };

#define vf_set(x) _mm512_set1_ps(x)
#define vf_load(p) _mm512_load_ps(p)
#define vf_store(p, a) _mm512_store_ps(p, a)
#define vf_storeu(p, a) _mm512_storeu_ps(p, a)
#define vf_add(a, b) _mm512_add_ps(a, b)
#define vf_sub(a, b) _mm512_sub_ps(a, b)
#define vf_mul(a, b) _mm512_mul_ps(a, b)
#define vf_div(a, b) _mm512_div_ps(a, b)
#define vf_sqrt(a) _mm512_sqrt_ps(a)
#define vf_min(a, b) _mm512_min_ps(a, b)
#define vf_max(a, b) _mm512_max_ps(a, b)
/* The nearest to `a` in ±high: what is smaller of both, with the sign of `a`. */
#define vf_cut(a, high) _mm512_range_ps(a, high, 2)
#define vf_negate(a) _mm512_xor_ps(a, _mm512_set1_ps(-0.0f))

#define vf_loadu(p) _mm512_loadu_ps(p)
#define vf_floor(a) _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define vf_iota() _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define vf_least(a) _mm512_reduce_min_ps(a)
#define vf_where(m, a, b) _mm512_mask_blend_ps(m, b, a)
#define vf_only(m, a) _mm512_maskz_mov_ps(m, a)
#define vf_lane0(a) _mm512_cvtss_f32(a)
#define vm_equal(a, b) _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ)
#define vm_all(a) ((a) == 0xffff)
#define vm_below(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define vm_not_above(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define vm_and(a, b) ((vm)((a) & (b)))
#define vm_without(a, b) ((vm)((a) & ~(b)))
#define vm_any(a) ((a) != 0)

/* `a` of one of the lanes of m, in all lanes. */
static inline vf vf_pick(vf a, vm m)
{
    const int lane = __builtin_ctz((unsigned)m | 1u << (VF_LANES - 1));
    return _mm512_permutexvar_ps(_mm512_set1_epi32(lane), a);
}

/* The lanes one place to the left: the last of `left`, then `a` without its last. */
static inline vf vf_before(vf left, vf a)
{
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(a), _mm512_castps_si512(left), 15));
}

/* The lanes one place to the right: `a` without its first, then the first of `right`. */
static inline vf vf_after(vf a, vf right)
{
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(right), _mm512_castps_si512(a), 1));
}

/* The first n lanes of `a`, then 0. */
static inline vf vf_first(vf a, int n)
{
    return _mm512_maskz_mov_ps((__mmask16)((1u << n) - 1), a);
}

static inline float vf_sum_lanes(const vf *sums)
{
    const __m256 half = _mm256_add_ps(
        _mm512_castps512_ps256(sums[0]), _mm512_extractf32x8_ps(sums[0], 1));
    const __m128 four =
        _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#include "kernel/tvl1_kernel_vector.inc"

/* Sixteen places or fewer, which lie within 32 pixels as they do in a picture that
 * shrinks or grows: two loads and a permutation for each tap instead of a gather. Returns
 * 0 when they lie otherwise. */
static int cubic_places(float *out, const float *in, const int32_t *first,
    const float *const *weights, int x, float scale, int n)
{
    const __mmask16 lanes = (__mmask16)((1u << n) - 1);
    const uint32_t reach = (uint32_t)first[x + n - 1] - (uint32_t)first[x];
    const __m512i at = _mm512_sub_epi32(
        _mm512_maskz_loadu_epi32(lanes, first + x), _mm512_set1_epi32(first[x]));
    if (reach > 31 ||
        _mm512_mask_cmpgt_epu32_mask(lanes, at, _mm512_set1_epi32((int)reach)))
        return 0;
    const uint32_t pixels = (uint32_t)((2ull << reach) - 1);
    __m512 sum = _mm512_setzero_ps();
    for (int i = 0; i < 4; i++) {
        const float *p = in + first[x] + i;
        const __m512 low = _mm512_maskz_loadu_ps((__mmask16)pixels, p);
        const __m512 high = _mm512_maskz_loadu_ps((__mmask16)(pixels >> 16), p + 16);
        const __m512 product = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, weights[i] + x),
            _mm512_permutex2var_ps(low, at, high));
        sum = i == 0 ? product : _mm512_add_ps(sum, product);
    }
    _mm512_mask_storeu_ps(out + x, lanes, _mm512_mul_ps(_mm512_set1_ps(scale), sum));
    return 1;
}

static void mx_tvl1_cubic_line_avx512(float *out, const float *in, const int32_t *first,
    const float *const *weights, float scale, int n)
{
    for (int x = 0; x < n; x += VF_LANES) {
        const int here = n - x < VF_LANES ? n - x : VF_LANES;
        const float *const w[4] = {
            weights[0] + x, weights[1] + x, weights[2] + x, weights[3] + x};
        if (!cubic_places(out, in, first, weights, x, scale, here))
            mx_tvl1_cubic_row_avx512(out + x, in, first + x, w, scale, here);
    }
}

void mx_tvl1_kernels_avx512(mx_tvl1_kernels *table)
{
    mx_tvl1_simple_avx512(table);
    mx_tvl1_vectors_avx512(table);
    table->cubic_row = mx_tvl1_cubic_line_avx512;
}
