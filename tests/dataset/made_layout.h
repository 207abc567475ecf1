/* SPDX-License-Identifier: MIT */
/* Made-up databases in the layouts of published ones. */
#ifndef TESTS_MADE_LAYOUT_H
#define TESTS_MADE_LAYOUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "microexpr/dataset.h"
#include "support.h"

/* Makes a folder of the test's folder with all above it. */
static inline void make_folder(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s", test_path(name));
    for (char *at = path + strlen(test_folder()) + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    mkdir(path, 0700);
}

/* Empty files "<folder>/<before><number><behind>" with the numbers first to last. */
static inline void make_frames(
    const char *folder, const char *before, int first, int last, const char *behind)
{
    make_folder(folder);
    for (int k = first; k <= last; k++) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s%d%s", folder, before, k, behind);
        test_write_file(test_path(name), "", 0);
    }
}

static inline const char *make_table(const char *text)
{
    test_write_file(test_path("table.csv"), text, strlen(text));
    return test_path("table.csv");
}

static inline mexpr_record record_at(const mexpr_manifest *m, int64_t index)
{
    mexpr_record r = MEXPR_RECORD_INIT;
    assert_int_equal(mexpr_manifest_clip(m, index, &r), MEXPR_OK);
    return r;
}

#endif
