/* SPDX-License-Identifier: MIT */
#include "recognizer/class_names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/comma_list.h"
#include "base/decimal.h"
#include "face/crop.h"

enum { NUMBERED_SIZE = 16 }; /* "class2147483647" and its 0 */

const char *mx_class_names_get(const mx_class_names *names, int32_t index)
{
    if (index < 0 || index >= names->n)
        return NULL;
    const char *name = names->text;
    for (int32_t i = 0; i < index; i++)
        name += strlen(name) + 1;
    return name;
}

mexpr_status mx_class_names_parse(
    mx_scope *scope, const char *source, const char *list, int32_t n, mx_class_names *out)
{
    *out = (mx_class_names){0};
    const mexpr_status status = mx_comma_list_check(scope, MEXPR_E_ARG, source, list, n);
    if (status != MEXPR_OK)
        return status;
    *out = (mx_class_names){n, 0, mx_alloc(scope, strlen(list) + 1, 1)};
    if (!out->text)
        return MEXPR_E_NOMEM;
    while (list) {
        const mx_comma_name name = mx_comma_list_next(&list);
        memcpy(out->text + out->size, name.start, name.length);
        out->text[out->size + name.length] = '\0';
        out->size += name.length + 1;
    }
    return MEXPR_OK;
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

static int find_channel(mx_comma_name part)
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
    bool good = mx_comma_list_count(list) == MX_PLANES;
    const char *rest = list;
    for (int p = 0; good && p < MX_PLANES; p++) {
        channel[p] = find_channel(mx_comma_list_next(&rest));
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

mexpr_status mx_crop_parse(
    mx_scope *scope, const char *source, const char *text, mexpr_crop *crop)
{
    double numbers[4];
    const char *rest = text;
    bool good = mx_comma_list_count(text) == 4;
    for (int k = 0; good && k < 4; k++) {
        const mx_comma_name part = mx_comma_list_next(&rest);
        good = mx_decimal_parse((mx_text){part.start, part.length}, &numbers[k]);
    }
    for (int k = 0; good && k < 2; k++)
        good = numbers[k] >= 1 && numbers[k] <= 1e6 && numbers[k] == floor(numbers[k]);
    if (!good)
        return mx_fail(scope, MEXPR_E_ARG,
            "%s: '%.100s' is not a width, a height, the distance of the eyes and their "
            "line, such as \"140,170,0.5,0.25\"",
            source, text);
    const mexpr_crop given = {
        sizeof given, (int32_t)numbers[0], (int32_t)numbers[1], numbers[2], numbers[3]};
    const mexpr_status status = mx_crop_check(scope, &given, crop);
    return status == MEXPR_OK ? MEXPR_OK : mx_fail_prefix(scope, status, source);
}
