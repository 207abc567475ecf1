/* SPDX-License-Identifier: MIT */
/* Lists of names in one text, separated by commas, with blanks around them or not. */
#ifndef MX_BASE_COMMA_LIST_H
#define MX_BASE_COMMA_LIST_H

#include "base/scope.h"

/* A name of a list, without the blanks around it. */
typedef struct mx_comma_name {
    const char *start;
    size_t length;
} mx_comma_name;

/* Takes the next name off *list, which becomes NULL behind the last one. */
mx_comma_name mx_comma_list_next(const char **list);
/* How many there are; an empty text has one, which is empty. */
int32_t mx_comma_list_count(const char *list);

/* Whether `list` has exactly n names of classes, none empty and no two the same; `status`
 * when not. `source` begins the sentence. */
mexpr_status mx_comma_list_check(mx_scope *scope, mexpr_status status, const char *source,
    const char *list, int32_t n);

#endif
