/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <immintrin.h>

#define MX_ISA(name) mx_tvl1_##name##_avx2
#include "kernel/tvl1_kernel_simple.inc"

typedef __m256 vf;
typedef __m256 vm;
enum { VF_LANES = 8 };

#define vf_set(x) _mm256_set1_ps(x)
#define vf_load(p) _mm256_load_ps(p)
#define vf_store(p, a) _mm256_store_ps(p, a)
#define vf_storeu(p, a) _mm256_storeu_ps(p, a)
#define vf_add(a, b) _mm256_add_ps(a, b)
#define vf_sub(a, b) _mm256_sub_ps(a, b)
#define vf_mul(a, b) _mm256_mul_ps(a, b)
#define vf_div(a, b) _mm256_div_ps(a, b)
#define vf_sqrt(a) _mm256_sqrt_ps(a)
#define vf_min(a, b) _mm256_min_ps(a, b)
#define vf_max(a, b) _mm256_max_ps(a, b)
#define vf_cut(a, high) vf_min(vf_max(a, vf_negate(high)), high)
#define vf_negate(a) _mm256_xor_ps(a, _mm256_set1_ps(-0.0f))

#define vf_loadu(p) _mm256_loadu_ps(p)
#define vf_floor(a) _mm256_floor_ps(a)
#define vf_iota() _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7)
#define vf_where(m, a, b) _mm256_blendv_ps(b, a, m)
#define vf_only(m, a) _mm256_and_ps(m, a)
#define vf_lane0(a) _mm256_cvtss_f32(a)
#define vm_equal(a, b) _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
#define vm_all(a) (_mm256_movemask_ps(a) == 0xff)
#define vm_below(a, b) _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define vm_not_above(a, b) _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define vm_and(a, b) _mm256_and_ps(a, b)
#define vm_without(a, b) _mm256_andnot_ps(b, a)
#define vm_any(a) (_mm256_movemask_ps(a) != 0)

static inline float vf_least(vf a)
{
    const __m128 four =
        _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

/* `a` of one of the lanes of m, in all lanes. */
static inline vf vf_pick(vf a, vm m)
{
    return vf_set(vf_least(vf_where(m, a, vf_set(1e9f))));
}

/* The lanes one place to the left: the last of `left`, then `a` without its last. */
static inline vf vf_before(vf left, vf a)
{
    const __m256i across = _mm256_permute2x128_si256(
        _mm256_castps_si256(left), _mm256_castps_si256(a), 0x21);
    return _mm256_castsi256_ps(_mm256_alignr_epi8(_mm256_castps_si256(a), across, 12));
}

/* The lanes one place to the right: `a` without its first, then the first of `right`. */
static inline vf vf_after(vf a, vf right)
{
    const __m256i across = _mm256_permute2x128_si256(
        _mm256_castps_si256(a), _mm256_castps_si256(right), 0x21);
    return _mm256_castsi256_ps(_mm256_alignr_epi8(across, _mm256_castps_si256(a), 4));
}

/* The first n lanes of `a`, then 0. */
static inline vf vf_first(vf a, int n)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_and_ps(
        a, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes)));
}

static inline float vf_sum_lanes(const vf *sums)
{
    const __m256 half = _mm256_add_ps(sums[0], sums[1]);
    const __m128 four =
        _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#include "kernel/tvl1_kernel_vector.inc"

static __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(
        _mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Eight places or fewer, which lie within 16 pixels as they do in a picture that shrinks
 * or grows: two loads and permutations for each tap instead of a gather. Returns 0 when
 * they lie otherwise. */
static int cubic_places(float *out, const float *in, const int32_t *first,
    const float *const *weights, int x, float scale, int n)
{
    const __m256i lanes = first_lanes(n), seven = _mm256_set1_epi32(7);
    const uint32_t reach = (uint32_t)first[x + n - 1] - (uint32_t)first[x];
    const __m256i at =
        _mm256_and_si256(lanes, _mm256_sub_epi32(_mm256_maskload_epi32(first + x, lanes),
                                    _mm256_set1_epi32(first[x])));
    if (reach > 15 ||
        _mm256_movemask_epi8(_mm256_cmpgt_epi32(at, _mm256_set1_epi32((int)reach))) !=
            0 ||
        _mm256_movemask_epi8(_mm256_cmpgt_epi32(_mm256_setzero_si256(), at)) != 0)
        return 0;
    const __m256i in_low = first_lanes((int)reach + 1);
    const __m256i in_high = first_lanes((int)reach + 1 - VF_LANES);
    const __m256 is_high = _mm256_castsi256_ps(_mm256_cmpgt_epi32(at, seven));
    __m256 sum = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
        const float *p = in + first[x] + i;
        const __m256 low = _mm256_permutevar8x32_ps(_mm256_maskload_ps(p, in_low), at);
        const __m256 high =
            _mm256_permutevar8x32_ps(_mm256_maskload_ps(p + VF_LANES, in_high), at);
        const __m256 product = _mm256_mul_ps(_mm256_maskload_ps(weights[i] + x, lanes),
            _mm256_blendv_ps(low, high, is_high));
        sum = i == 0 ? product : _mm256_add_ps(sum, product);
    }
    _mm256_maskstore_ps(out + x, lanes, _mm256_mul_ps(_mm256_set1_ps(scale), sum));
    return 1;
}

static void mx_tvl1_cubic_line_avx2(float *out, const float *in, const int32_t *first,
    const float *const *weights, float scale, int n)
{
    for (int x = 0; x < n; x += VF_LANES) {
        const int here = n - x < VF_LANES ? n - x : VF_LANES;
        const float *const w[4] = {
            weights[0] + x, weights[1] + x, weights[2] + x, weights[3] + x};
        if (!cubic_places(out, in, first, weights, x, scale, here))
            mx_tvl1_cubic_row_avx2(out + x, in, first + x, w, scale, here);
    }
}

void mx_tvl1_kernels_avx2(mx_tvl1_kernels *table)
{
    mx_tvl1_simple_avx2(table);
    mx_tvl1_vectors_avx2(table);
    table->cubic_row = mx_tvl1_cubic_line_avx2;
}
