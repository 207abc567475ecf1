/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#include "config.h"
#include "microexpr/base.h"

#if defined(__x86_64__) && MX_SIMD
#include <cpuid.h>

/* XCR0: which register states the operating system saves. */
static uint64_t xgetbv0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* The processor's bits alone are not enough: without the operating system's saving the
 * wide registers (OSXSAVE and XCR0), using them faults or corrupts other threads. */
uint32_t mx_cpu_detect(void)
{
    enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6 };
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    const uint32_t needed = bit_OSXSAVE | bit_AVX | bit_FMA;
    if ((c & needed) != needed)
        return 0;
    const uint64_t xcr0 = xgetbv0();
    if ((xcr0 & XCR0_AVX) != XCR0_AVX || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !(b & bit_AVX2))
        return 0;
    const uint32_t bundle = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    if ((b & bundle) != bundle || (xcr0 & XCR0_AVX512) != XCR0_AVX512)
        return MEXPR_CPU_AVX2;
    return MEXPR_CPU_AVX2 | MEXPR_CPU_AVX512;
}

#elif defined(__aarch64__) && MX_SIMD

uint32_t mx_cpu_detect(void)
{
    return MEXPR_CPU_NEON; /* part of the base architecture */
}

#else

uint32_t mx_cpu_detect(void)
{
    return 0;
}

#endif
