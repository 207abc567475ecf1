/* SPDX-License-Identifier: MIT */
/* Vectors of floats for sources that are built once per instruction set: AVX-512. `vf`
 * has VF_LANES floats, `vm` says yes or no to each. */
#ifndef MX_KERNEL_VF_AVX512_H
#define MX_KERNEL_VF_AVX512_H

#include <immintrin.h>

#define VF_INLINE static inline __attribute__((always_inline))

typedef __m512 vf;
typedef __mmask16 vm;
enum { VF_LANES = 16 };

#define vf_set(x) _mm512_set1_ps(x)
#define vf_load(p) _mm512_load_ps(p)
#define vf_loadu(p) _mm512_loadu_ps(p)
#define vf_store(p, a) _mm512_store_ps(p, a)
#define vf_storeu(p, a) _mm512_storeu_ps(p, a)
#define vf_add(a, b) _mm512_add_ps(a, b)
#define vf_sub(a, b) _mm512_sub_ps(a, b)
#define vf_mul(a, b) _mm512_mul_ps(a, b)
#define vf_div(a, b) _mm512_div_ps(a, b)
#define vf_sqrt(a) _mm512_sqrt_ps(a)
#define vf_min(a, b) _mm512_min_ps(a, b)
#define vf_max(a, b) _mm512_max_ps(a, b)
#define vf_floor(a) _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define vf_iota() _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define vf_least(a) _mm512_reduce_min_ps(a)
#define vf_where(m, a, b) _mm512_mask_blend_ps(m, b, a)
#define vf_only(m, a) _mm512_maskz_mov_ps(m, a)
#define vf_lane0(a) _mm512_cvtss_f32(a)
#define vm_equal(a, b) _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ)
#define vm_below(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define vm_not_above(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define vm_and(a, b) ((vm)((a) & (b)))
#define vm_without(a, b) ((vm)((a) & ~(b)))
#define vm_any(a) ((a) != 0)

/* `a` of one of the lanes of m, in all lanes. */
VF_INLINE vf vf_pick(vf a, vm m)
{
    const int lane = __builtin_ctz((unsigned)m | 1u << (VF_LANES - 1));
    return _mm512_permutexvar_ps(_mm512_set1_epi32(lane), a);
}

#endif
