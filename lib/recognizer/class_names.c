/* SPDX-License-Identifier: MIT */
#include "recognizer/class_names.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"

enum { NUMBERED_SIZE = 16 }; /* "class2147483647" and its 0 */

/* A part of a list between commas, without the blanks around it. */
typedef struct span {
    const char *start;
    size_t length;
} span;

/* Takes the next part off *list, which becomes NULL behind the last one. */
static span next_part(const char **list)
{
    const size_t all = strcspn(*list, ",");
    span part = {*list, all};
    *list = (*list)[all] == ',' ? *list + all + 1 : NULL;
    while (part.length > 0 && strchr(" \t", part.start[0])) {
        part.start++;
        part.length--;
    }
    while (part.length > 0 && strchr(" \t", part.start[part.length - 1]))
        part.length--;
    return part;
}

static int32_t count_parts(const char *list)
{
    int32_t n = 1;
    for (const char *comma = list; n < INT32_MAX && (comma = strchr(comma, ',')); comma++)
        n++;
    return n;
}

const char *mx_class_names_get(const mx_class_names *names, int32_t index)
{
    if (index < 0 || index >= names->n)
        return NULL;
    const char *name = names->text;
    for (int32_t i = 0; i < index; i++)
        name += strlen(name) + 1;
    return name;
}

static bool has_name(const mx_class_names *names, const char *name)
{
    for (const char *other = names->text; other < names->text + names->size;
         other += strlen(other) + 1) {
        if (strcmp(other, name) == 0)
            return true;
    }
    return false;
}

static mexpr_status add_name(
    mx_scope *scope, const char *source, span part, mx_class_names *names)
{
    char *name = names->text + names->size;
    memcpy(name, part.start, part.length);
    name[part.length] = '\0';
    if (part.length == 0)
        return mx_fail(scope, MEXPR_E_ARG, "%s: the name of class %d is empty", source,
            (int)names->n);
    if (has_name(names, name))
        return mx_fail(scope, MEXPR_E_ARG,
            "%s: '%.100s' names two classes; give each its own name", source, name);
    names->size += part.length + 1;
    names->n++;
    return MEXPR_OK;
}

mexpr_status mx_class_names_parse(
    mx_scope *scope, const char *source, const char *list, int32_t n, mx_class_names *out)
{
    *out = (mx_class_names){0};
    const int32_t n_parts = count_parts(list);
    if (n_parts != n)
        return mx_fail(scope, MEXPR_E_ARG,
            "%s: '%.100s' has %d name%s, but the network has %d class%s", source, list,
            (int)n_parts, n_parts == 1 ? "" : "s", (int)n, n == 1 ? "" : "es");
    mx_class_names names = {0, 0, mx_alloc(scope, strlen(list) + 1, 1)};
    if (!names.text)
        return MEXPR_E_NOMEM;
    mexpr_status status = MEXPR_OK;
    while (list && status == MEXPR_OK)
        status = add_name(scope, source, next_part(&list), &names);
    if (status == MEXPR_OK)
        *out = names;
    else
        mx_free(scope->context, names.text);
    return status;
}

mexpr_status mx_class_names_number(mx_scope *scope, int32_t n, mx_class_names *out)
{
    *out = (mx_class_names){n, 0, mx_alloc(scope, (size_t)n, NUMBERED_SIZE)};
    if (!out->text)
        return MEXPR_E_NOMEM;
    for (int32_t i = 0; i < n; i++)
        out->size +=
            (size_t)snprintf(out->text + out->size, NUMBERED_SIZE, "class%d", (int)i) + 1;
    return MEXPR_OK;
}

mexpr_status mx_class_names_copy(
    mx_scope *scope, const mx_class_names *names, mx_class_names *out)
{
    *out = (mx_class_names){names->n, names->size, mx_alloc(scope, names->size, 1)};
    if (!out->text)
        return MEXPR_E_NOMEM;
    memcpy(out->text, names->text, names->size);
    return MEXPR_OK;
}

static int find_channel(span part)
{
    static const char *const names[MX_PLANES] = {"u", "v", "strain"};
    for (int c = 0; c < MX_PLANES; c++) {
        if (part.length == strlen(names[c]) &&
            memcmp(part.start, names[c], part.length) == 0)
            return c;
    }
    return -1;
}

mexpr_status mx_planes_parse(
    mx_scope *scope, const char *source, const char *list, int channel[MX_PLANES])
{
    bool seen[MX_PLANES] = {false, false, false};
    bool good = count_parts(list) == MX_PLANES;
    const char *rest = list;
    for (int p = 0; good && p < MX_PLANES; p++) {
        channel[p] = find_channel(next_part(&rest));
        good = channel[p] >= 0 && !seen[channel[p]];
        if (good)
            seen[channel[p]] = true;
    }
    if (good)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_ARG,
        "%s: '%.100s' is not an order of u, v and strain, such as \"strain,v,u\"", source,
        list);
}

/* A whole number of up to five digits; *at ends behind it. */
static bool take_whole(const char **at, int *number)
{
    const int sign = **at == '-' ? -1 : 1;
    int n_digits = 0;
    *at += sign < 0;
    for (*number = 0; **at >= '0' && **at <= '9' && n_digits < 5; n_digits++)
        *number = *number * 10 + *(*at)++ - '0';
    *number *= sign;
    return n_digits > 0;
}

mexpr_status mx_range_parse(
    mx_scope *scope, const char *source, const char *text, mx_input_range *range)
{
    const char *at = text;
    if (strcmp(text, "raw") == 0)
        return mx_fail(scope, MEXPR_E_ARG,
            "%s is raw: the network does not take the u/v/strain picture; prepare its "
            "input yourself and run it in a session",
            source);
    if (take_whole(&at, &range->low) && *at++ == ',' && take_whole(&at, &range->high) &&
        *at == '\0' && range->low < range->high)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_ARG,
        "%s: '%.100s' is not two rising whole numbers, such as \"0,255\" or \"-1,1\"",
        source, text);
}
