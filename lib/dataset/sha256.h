/* SPDX-License-Identifier: MIT */
/* SHA-256: FIPS 180-4. */
#ifndef MX_DATASET_SHA256_H
#define MX_DATASET_SHA256_H

#include <stddef.h>

enum { MX_SHA256_TEXT = 65 };

/* The hash as hexadecimal digits with a 0 behind them. */
void mx_sha256(const void *bytes, size_t size, char text[MX_SHA256_TEXT]);

#endif
