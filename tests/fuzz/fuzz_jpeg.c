/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && memcmp(data, "\xff\xd8", 2) == 0)
        fuzz_decode(data, size);
    return 0;
}
