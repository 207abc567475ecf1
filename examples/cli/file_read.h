/* SPDX-License-Identifier: MIT */
#ifndef CLI_FILE_READ_H
#define CLI_FILE_READ_H

#include "text.h"

/* Reads a file of up to 1 GiB, with a 0 behind its bytes; an exit code. The caller frees
 * the text in any case. */
int file_read(const char *path, text *out);

#endif
