/* SPDX-License-Identifier: MIT */
/* Vectors of floats for sources that are built once per instruction set: plain C, of one
 * float each. */
#ifndef MX_KERNEL_VF_C_H
#define MX_KERNEL_VF_C_H

#include <math.h>

#define VF_INLINE static inline

typedef float vf;
typedef int vm;
enum { VF_LANES = 1 };

#define vf_set(x) ((float)(x))
#define vf_loadu(p) (*(p))
#define vf_storeu(p, a) (*(p) = (a))
#define vf_add(a, b) ((a) + (b))
#define vf_sub(a, b) ((a) - (b))
#define vf_mul(a, b) ((a) * (b))
#define vf_floor(a) floorf(a)
#define vf_iota() 0.0f
#define vf_least(a) (a)
#define vf_where(m, a, b) ((m) ? (a) : (b))
#define vf_only(m, a) ((m) ? (a) : 0.0f)
#define vm_below(a, b) ((a) < (b))
#define vm_not_above(a, b) ((a) <= (b))
#define vm_and(a, b) ((a) & (b))
#define vm_without(a, b) ((a) & !(b))
#define vm_any(a) (a)

#endif
