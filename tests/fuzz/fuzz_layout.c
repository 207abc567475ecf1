/* SPDX-License-Identifier: MIT */
/* Any bytes as the table of a published database. The first two choose the layout and
 * the classes; no folder of clips is there. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "microexpr/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/microexpr-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

/* The same file for all inputs of a run. */
static int write_table(const uint8_t *data, size_t size)
{
    static int made;
    if (!made) {
        const int fd = mkstemp(path);
        if (fd < 0)
            return 0;
        close(fd);
        atexit(remove_file);
        made = 1;
    }
    FILE *file = fopen(path, "wb");
    if (!file)
        return 0;
    const int good = fwrite(data, 1, size, file) == size;
    return fclose(file) == 0 && good;
}

static void look(const mexpr_manifest *manifest)
{
    for (int64_t i = 0; i < mexpr_manifest_n_clips(manifest); i++) {
        mexpr_record r = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(manifest, i, &r);
        /* No name in a table may lead out of the folder. */
        if (r.path[0] == '/' || strstr(r.path, "/../") || !*r.subject || r.onset < -1)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_layout_options layout = MEXPR_LAYOUT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_manifest *manifest = NULL;
    options.max_frames = 1000;
    if (size < 2 || !write_table(data + 2, size - 2))
        return 0;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    layout.classes = data[1] & 3;
    layout.no_errata = data[1] >> 2 & 1;
    const mexpr_status status = mexpr_manifest_load_layout(
        context, mexpr_layout_name(data[0] % 12), "/dev", path, &layout, &manifest);
    if (status == MEXPR_OK)
        look(manifest);
    else if (!*mexpr_context_last_error(context))
        __builtin_trap();
    mexpr_manifest_destroy(&manifest);
    mexpr_context_destroy(&context);
    return 0;
}
