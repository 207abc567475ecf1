/* SPDX-License-Identifier: MIT */
#include "model/panels.h"

#include <string.h>

/* Where a panel has the numbers of weight i = channel * taps + tap of its outputs. */
static int64_t row_of(const mx_panels *p, int64_t i)
{
    const int64_t tap = i % p->taps, channel = i / p->taps;
    return (p->by_channel ? i : tap * p->channels + channel) * p->cols;
}

void mx_panels_pack(const mx_panels *p, const float *from, float *to)
{
    const int64_t size = p->channels * p->taps;
    for (int64_t first = 0; first < p->outputs; first += p->cols, to += size * p->cols) {
        const int64_t left = p->outputs - first, n = left < p->cols ? left : p->cols;
        for (int64_t i = 0; i < size; i++) {
            float *row = to + row_of(p, i);
            for (int64_t o = 0; o < n; o++)
                row[o] = from[(first + o) * size + i];
            for (int64_t o = n; o < p->cols; o++)
                row[o] = 0;
        }
    }
}

/* Bytes, for a file has numbers anywhere. */
static void unpack(const mx_panels *p, const float *from, uint8_t *to)
{
    const int64_t size = p->channels * p->taps;
    for (int64_t o = 0; o < p->outputs; o++) {
        const float *panel = from + o / p->cols * size * p->cols + o % p->cols;
        for (int64_t i = 0; i < size; i++, to += sizeof(float))
            memcpy(to, panel + row_of(p, i), sizeof(float));
    }
}

void mx_panels_stand_for(mx_graph *graph, int value, int packed, bool by_channel)
{
    graph->values[value].panels = packed + 1;
    graph->values[value].panels_by_channel = by_channel;
}

bool mx_value_has_numbers(const mx_value *value)
{
    return value->tensor.data || value->panels;
}

void mx_value_numbers(const mx_graph *graph, const mx_value *value, void *to)
{
    const mx_tensor *t = &value->tensor;
    if (t->data || !value->panels) {
        if (mx_tensor_bytes(t) > 0)
            memcpy(to, t->data, mx_tensor_bytes(t));
        return;
    }
    const mx_tensor *packed = &graph->values[value->panels - 1].tensor;
    const mx_panels p = {t->dims[0], t->dims[1], mx_dims_product(t->dims, 2, t->rank),
        packed->dims[packed->rank - 1], value->panels_by_channel};
    unpack(&p, packed->data, to);
}

mexpr_status mx_graph_unpacked(
    mx_scope *scope, const mx_graph *graph, mx_arena *arena, mx_graph *view)
{
    *view = *graph;
    view->values =
        mx_arena_raw(scope, arena, (size_t)graph->n_values, sizeof *view->values);
    if (!view->values)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_values; i++) {
        mx_value *value = &view->values[i];
        *value = graph->values[i];
        if (value->tensor.data || !value->panels)
            continue;
        void *data = mx_arena_raw(scope, arena, mx_tensor_bytes(&value->tensor), 1);
        if (!data)
            return MEXPR_E_NOMEM;
        mx_value_numbers(graph, &graph->values[i], data);
        value->tensor.data = data;
    }
    return MEXPR_OK;
}
