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

void mx_tvl1_kernels_avx2(mx_tvl1_kernels *table)
{
    mx_tvl1_simple_avx2(table);
    mx_tvl1_vectors_avx2(table);
}
