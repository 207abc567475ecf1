/* SPDX-License-Identifier: MIT */
#include "dataset/name_list.h"

#include <string.h>

mexpr_status mx_name_list_init(mx_scope *scope, mx_name_list *list, size_t capacity)
{
    for (list->n_slots = 4; list->n_slots < 2 * capacity; list->n_slots *= 2)
        ;
    list->names = mx_alloc(scope, capacity, sizeof *list->names);
    list->slots = mx_calloc(scope, list->n_slots, sizeof *list->slots);
    return list->names && list->slots ? MEXPR_OK : MEXPR_E_NOMEM;
}

void mx_name_list_free(mexpr_context *context, mx_name_list *list)
{
    mx_free(context, list->names);
    mx_free(context, list->slots);
    memset(list, 0, sizeof *list);
}

/* FNV-1a. */
static uint64_t hash(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    return h;
}

/* The name's slot, or the empty one where it belongs. */
static int32_t *slot_of(mx_name_list *list, const char *name)
{
    size_t k = (size_t)(hash(name) & (list->n_slots - 1));
    while (list->slots[k] && strcmp(list->names[list->slots[k] - 1], name) != 0)
        k = (k + 1) & (list->n_slots - 1);
    return list->slots + k;
}

int32_t mx_name_list_add(mx_name_list *list, const char *name)
{
    int32_t *slot = slot_of(list, name);
    if (*slot == 0) {
        list->names[list->n] = name;
        *slot = ++list->n;
    }
    return *slot - 1;
}

/* By insertion: lists that are sorted are short. */
void mx_name_list_sort(mx_name_list *list)
{
    for (int32_t k = 1; k < list->n; k++) {
        const char *name = list->names[k];
        int32_t at = k;
        for (; at > 0 && strcmp(list->names[at - 1], name) > 0; at--)
            list->names[at] = list->names[at - 1];
        list->names[at] = name;
    }
    memset(list->slots, 0, list->n_slots * sizeof *list->slots);
    for (int32_t k = 0; k < list->n; k++)
        *slot_of(list, list->names[k]) = k + 1;
}
