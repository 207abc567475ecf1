/* SPDX-License-Identifier: MIT */
#include "base/comma_list.h"

#include <string.h>

mx_comma_name mx_comma_list_next(const char **list)
{
    const size_t all = strcspn(*list, ",");
    mx_comma_name name = {*list, all};
    *list = (*list)[all] == ',' ? *list + all + 1 : NULL;
    while (name.length > 0 && strchr(" \t", name.start[0])) {
        name.start++;
        name.length--;
    }
    while (name.length > 0 && strchr(" \t", name.start[name.length - 1]))
        name.length--;
    return name;
}

int32_t mx_comma_list_count(const char *list)
{
    int32_t n = 1;
    for (const char *comma = list; n < INT32_MAX && (comma = strchr(comma, ',')); comma++)
        n++;
    return n;
}

static bool is_among(mx_comma_name name, const char *others)
{
    while (others) {
        const mx_comma_name other = mx_comma_list_next(&others);
        if (other.length == name.length &&
            memcmp(other.start, name.start, name.length) == 0)
            return true;
    }
    return false;
}

mexpr_status mx_comma_list_check(
    mx_scope *scope, mexpr_status status, const char *source, const char *list, int32_t n)
{
    const int32_t n_names = mx_comma_list_count(list);
    if (n_names != n)
        return mx_fail(scope, status,
            "%s: '%.100s' has %d name%s, but the network has %d class%s", source, list,
            (int)n_names, n_names == 1 ? "" : "s", (int)n, n == 1 ? "" : "es");
    for (int32_t k = 0; list; k++) {
        const mx_comma_name name = mx_comma_list_next(&list);
        if (name.length == 0)
            return mx_fail(
                scope, status, "%s: the name of class %d is empty", source, (int)k);
        if (is_among(name, list))
            return mx_fail(scope, status,
                "%s: '%.*s' names two classes; give each its own name", source,
                name.length > 100 ? 100 : (int)name.length, name.start);
    }
    return MEXPR_OK;
}
