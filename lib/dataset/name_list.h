/* SPDX-License-Identifier: MIT */
/* Distinct names, numbered in order of appearance. */
#ifndef MX_DATASET_NAME_LIST_H
#define MX_DATASET_NAME_LIST_H

#include "base/scope.h"

/* Names are borrowed. Begin with {0}; `capacity` names fit. */
typedef struct mx_name_list {
    const char **names;
    int32_t *slots; /* a hash table of n_slots numbers + 1, 0: empty */
    size_t n_slots;
    int32_t n;
} mx_name_list;

mexpr_status mx_name_list_init(mx_scope *scope, mx_name_list *list, size_t capacity);
void mx_name_list_free(mexpr_context *context, mx_name_list *list);
/* Number of the name, which is added when it is new. */
int32_t mx_name_list_add(mx_name_list *list, const char *name);
/* Sorts the names by their bytes; numbers given out before change. */
void mx_name_list_sort(mx_name_list *list);

#endif
