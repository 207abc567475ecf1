/* SPDX-License-Identifier: MIT */
/* Weights of convolutions in the order in which their loops read them. Nothing is lost on
 * the way there, so that an initializer whose numbers lie in panels needs no memory of
 * its own: whoever wants it as the source had it gets it back from here. */
#ifndef MX_MODEL_PANELS_H
#define MX_MODEL_PANELS_H

#include "model/graph.h"

/* Panels of `cols` outputs, the last one filled up with zeros. In a panel lie for each
 * tap its channels or, by_channel, for each channel its taps; for each of these one
 * number per output. The source has outputs, channels, taps. */
typedef struct mx_panels {
    int64_t outputs, channels, taps, cols;
    bool by_channel;
} mx_panels;

void mx_panels_pack(const mx_panels *p, const float *from, float *to);

/* The numbers of `value` lie in panels: `packed`, as mx_panels_pack() made them from its
 * data with as many columns as the last dimension of `packed`. */
void mx_panels_stand_for(mx_graph *graph, int value, int packed, bool by_channel);
/* Whether the numbers are there, as they are or in panels. */
bool mx_value_has_numbers(const mx_value *value);
/* Writes them as the source had them, mx_tensor_bytes() of them. */
void mx_value_numbers(const mx_graph *graph, const mx_value *value, void *to);

/* A view of the graph, good as long as the graph and `arena`, in which initializers whose
 * numbers lie in panels have them as the source did, in `arena`. */
mexpr_status mx_graph_unpacked(
    mx_scope *scope, const mx_graph *graph, mx_arena *arena, mx_graph *view);

#endif
