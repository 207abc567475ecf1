/* SPDX-License-Identifier: MIT */
#include "train/label_names.h"

#include <string.h>

int32_t mx_label_names_count(const char *names)
{
    int32_t n = 1;
    for (const char *at = names; *at; at++)
        n += *at == ',';
    return n;
}

static const char *next_name(const char *name)
{
    const char *comma = strchr(name, ',');
    return comma ? comma + 1 : NULL;
}

/* Bytes of a name; *name goes behind the blanks before it. */
static size_t measure(const char **name)
{
    size_t size;
    *name += strspn(*name, " \t");
    size = strcspn(*name, ",");
    while (size > 0 && strchr(" \t", (*name)[size - 1]))
        size--;
    return size;
}

static bool is_among(const char *name, size_t size, const char *others)
{
    for (; others; others = next_name(others)) {
        const char *other = others;
        if (measure(&other) == size && memcmp(other, name, size) == 0)
            return true;
    }
    return false;
}

mexpr_status mx_label_names_check(mx_scope *scope, const char *names, int32_t n_classes)
{
    const int32_t n = names ? mx_label_names_count(names) : n_classes;
    if (n != n_classes)
        return mx_fail(scope, MEXPR_E_RANGE, "'%.100s' has %d names for %d classes",
            names, n, n_classes);
    for (const char *at = names; at; at = next_name(at)) {
        const char *name = at;
        const size_t size = measure(&name);
        if (size == 0)
            return mx_fail(
                scope, MEXPR_E_RANGE, "'%.100s' has an empty name of a class", names);
        if (is_among(name, size, next_name(at)))
            return mx_fail(scope, MEXPR_E_RANGE,
                "'%.100s' has the name '%.*s' of a class twice", names,
                size > 100 ? 100 : (int)size, name);
    }
    return MEXPR_OK;
}
