/* SPDX-License-Identifier: MIT */
#ifndef MX_BASE_CPU_H
#define MX_BASE_CPU_H

#include <stdint.h>

/* mexpr_cpu_flag bits that processor, operating system and build have in common. */
uint32_t mx_cpu_detect(void);

#endif
