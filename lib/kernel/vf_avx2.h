/* SPDX-License-Identifier: MIT */
/* Vectors of floats for sources that are built once per instruction set: AVX2. `vf` has
 * VF_LANES floats, `vm` says yes or no to each. */
#ifndef MX_KERNEL_VF_AVX2_H
#define MX_KERNEL_VF_AVX2_H

#include <immintrin.h>

#define VF_INLINE static inline __attribute__((always_inline))

typedef __m256 vf;
typedef __m256 vm;
enum { VF_LANES = 8 };

#define vf_set(x) _mm256_set1_ps(x)
#define vf_load(p) _mm256_load_ps(p)
#define vf_loadu(p) _mm256_loadu_ps(p)
#define vf_store(p, a) _mm256_store_ps(p, a)
#define vf_storeu(p, a) _mm256_storeu_ps(p, a)
#define vf_add(a, b) _mm256_add_ps(a, b)
#define vf_sub(a, b) _mm256_sub_ps(a, b)
#define vf_mul(a, b) _mm256_mul_ps(a, b)
#define vf_div(a, b) _mm256_div_ps(a, b)
#define vf_sqrt(a) _mm256_sqrt_ps(a)
#define vf_min(a, b) _mm256_min_ps(a, b)
#define vf_max(a, b) _mm256_max_ps(a, b)
#define vf_floor(a) _mm256_floor_ps(a)
#define vf_iota() _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7)
#define vf_where(m, a, b) _mm256_blendv_ps(b, a, m)
#define vf_only(m, a) _mm256_and_ps(m, a)
#define vf_lane0(a) _mm256_cvtss_f32(a)
#define vm_equal(a, b) _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
#define vm_below(a, b) _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define vm_not_above(a, b) _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define vm_and(a, b) _mm256_and_ps(a, b)
#define vm_without(a, b) _mm256_andnot_ps(b, a)
#define vm_any(a) (_mm256_movemask_ps(a) != 0)

VF_INLINE float vf_least(vf a)
{
    const __m128 four =
        _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

/* `a` of one of the lanes of m, in all lanes. */
VF_INLINE vf vf_pick(vf a, vm m)
{
    return vf_set(vf_least(vf_where(m, a, vf_set(1e9f))));
}

#endif
