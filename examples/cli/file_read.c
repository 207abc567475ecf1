/* SPDX-License-Identifier: MIT */
#include "file_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

int file_read(const char *path, text *out)
{
    static const size_t most = (size_t)1 << 30;
    char piece[1 << 14];
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail("cannot read '%s': %s", path, strerror(errno));
    text_add(out, "%s", ""); /* so that there are bytes of an empty file too */
    for (size_t n; out->size < most && (n = fread(piece, 1, sizeof piece, file)) > 0;)
        text_add_bytes(out, piece, n);
    const int bad = ferror(file);
    fclose(file);
    if (bad)
        return cli_fail("cannot read '%s'", path);
    if (out->failed)
        return cli_fail("out of memory; close other programs and try again");
    return out->size < most ? CLI_OK : cli_fail("'%s' is larger than 1 GiB", path);
}
