/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <arm_neon.h>

#define MX_ISA(name) mx_tvl1_##name##_neon
#include "kernel/tvl1_kernel_simple.inc"

typedef float32x4_t vf;
typedef uint32x4_t vm;
enum { VF_LANES = 4 };

#define vf_set(x) vdupq_n_f32(x)
#define vf_load(p) vld1q_f32(p)
#define vf_loadu(p) vld1q_f32(p)
#define vf_store(p, a) vst1q_f32(p, a)
#define vf_storeu(p, a) vst1q_f32(p, a)
#define vf_add(a, b) vaddq_f32(a, b)
#define vf_sub(a, b) vsubq_f32(a, b)
#define vf_mul(a, b) vmulq_f32(a, b)
#define vf_div(a, b) vdivq_f32(a, b)
#define vf_sqrt(a) vsqrtq_f32(a)
/* Not vminq and vmaxq, which differ from plain C in the sign of 0. */
#define vf_min(a, b) vbslq_f32(vcltq_f32(a, b), a, b)
#define vf_max(a, b) vbslq_f32(vcgtq_f32(a, b), a, b)
#define vf_cut(a, high) vf_min(vf_max(a, vf_negate(high)), high)
#define vf_negate(a) vnegq_f32(a)
#define vf_floor(a) vrndmq_f32(a)
#define vf_least(a) vminvq_f32(a)
#define vf_where(m, a, b) vbslq_f32(m, a, b)
#define vf_lane0(a) vgetq_lane_f32(a, 0)
#define vm_equal(a, b) vceqq_f32(a, b)
#define vm_all(a) (vminvq_u32(a) != 0)
#define vm_below(a, b) vcltq_f32(a, b)
#define vm_not_above(a, b) vcleq_f32(a, b)
#define vm_and(a, b) vandq_u32(a, b)
#define vm_without(a, b) vbicq_u32(a, b)
#define vm_any(a) (vmaxvq_u32(a) != 0)

static inline vf vf_only(vm mask, vf a)
{
    return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(a)));
}

/* `a` of one of the lanes of m, in all lanes. */
static inline vf vf_pick(vf a, vm m)
{
    return vf_set(vf_least(vf_where(m, a, vf_set(1e9f))));
}

static inline vf vf_iota(void)
{
    static const float lanes[4] = {0, 1, 2, 3};
    return vld1q_f32(lanes);
}

/* The lanes one place to the left: the last of `left`, then `a` without its last. */
static inline vf vf_before(vf left, vf a)
{
    return vextq_f32(left, a, 3);
}

/* The lanes one place to the right: `a` without its first, then the first of `right`. */
static inline vf vf_after(vf a, vf right)
{
    return vextq_f32(a, right, 1);
}

/* The first n lanes of `a`, then 0. */
static inline vf vf_first(vf a, int n)
{
    return vf_only(vcltq_f32(vf_iota(), vdupq_n_f32((float)n)), a);
}

static inline float vf_sum_lanes(const vf *sums)
{
    const vf four = vaddq_f32(vaddq_f32(sums[0], sums[2]), vaddq_f32(sums[1], sums[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

#include "kernel/tvl1_kernel_vector.inc"

void mx_tvl1_kernels_neon(mx_tvl1_kernels *table)
{
    mx_tvl1_simple_neon(table);
    mx_tvl1_vectors_neon(table);
}
