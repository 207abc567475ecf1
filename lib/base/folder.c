/* SPDX-License-Identifier: MIT */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { FIRST_NAMES = 64, FIRST_TEXT = 2048 };

bool mx_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool mx_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static mexpr_status grow_text(mx_scope *scope, mx_names *names)
{
    const size_t half = names->text_capacity ? names->text_capacity : FIRST_TEXT;
    char *text = mx_alloc(scope, half, 2);
    if (!text)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < names->n; i++)
        names->items[i] = text + (names->items[i] - names->text);
    if (names->text_size)
        memcpy(text, names->text, names->text_size);
    mx_free(scope->context, names->text);
    names->text = text;
    names->text_capacity = 2 * half;
    return MEXPR_OK;
}

static mexpr_status grow_items(mx_scope *scope, mx_names *names)
{
    const size_t half = names->capacity ? names->capacity : FIRST_NAMES;
    const char **items = mx_alloc(scope, half, 2 * sizeof *items);
    if (!items)
        return MEXPR_E_NOMEM;
    if (names->n)
        memcpy(items, names->items, names->n * sizeof *items);
    mx_free(scope->context, (void *)names->items);
    names->items = items;
    names->capacity = 2 * half;
    return MEXPR_OK;
}

static mexpr_status make_room(mx_scope *scope, mx_names *names, size_t length)
{
    mexpr_status status = MEXPR_OK;
    while (status == MEXPR_OK && names->text_capacity - names->text_size < length)
        status = grow_text(scope, names);
    if (status == MEXPR_OK && names->n == names->capacity)
        status = grow_items(scope, names);
    return status;
}

static mexpr_status add_name(mx_scope *scope, mx_names *names, const char *name)
{
    const size_t length = strlen(name) + 1;
    const mexpr_status status = make_room(scope, names, length);
    if (status != MEXPR_OK)
        return status;
    char *copy = names->text + names->text_size;
    memcpy(copy, name, length);
    names->text_size += length;
    names->items[names->n++] = copy;
    return MEXPR_OK;
}

static mexpr_status list(mx_scope *scope, DIR *folder, const char *path,
    mx_name_fn accept, const void *user, uint64_t max, mx_names *names)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno ? mx_fail_errno(scope, "read the folder", path, errno)
                         : MEXPR_OK;
        if (entry->d_name[0] == '.' || !accept(user, entry->d_name))
            continue;
        if (names->n >= max)
            return mx_fail(scope, MEXPR_E_LIMIT,
                "'%.200s' holds more files than the limit of %llu", path,
                (unsigned long long)max);
        const mexpr_status status = add_name(scope, names, entry->d_name);
        if (status != MEXPR_OK)
            return status;
    }
}

mexpr_status mx_folder_list(mx_scope *scope, const char *path, mx_name_fn accept,
    const void *user, uint64_t max, mx_names *names)
{
    DIR *folder = opendir(path);
    if (!folder)
        return mx_fail_errno(scope, "open the folder", path, errno);
    const mexpr_status status = list(scope, folder, path, accept, user, max, names);
    closedir(folder);
    return status;
}

void mx_names_free(mexpr_context *context, mx_names *names)
{
    mx_free(context, (void *)names->items);
    mx_free(context, names->text);
    *names = (mx_names){0};
}
