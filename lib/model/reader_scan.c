/* SPDX-License-Identifier: MIT */
/* Scan, unrolled: iteration t gets element t of each scanned input along its axis, hands
 * the states on, and its results are put one behind the other. How often it runs is an
 * extent, which has to be known when the model is loaded. */
#include <stdio.h>
#include <string.h>

#include "model/fold.h"
#include "model/reader_parts.h"

enum { FIRST_OPSET = 9, MAX_PROBES = 64, PROBE_BYTES = 1 << 16, PROBE_WORK = 1 << 20 };

typedef struct scan {
    const Mx__Onnx__Node *node;
    const mx_names *around;
    const char *label;
    mx_wire_model wire;
    mx_names body; /* of what all iterations share */
    size_t n_states, n_scanned, n_results;
    int64_t trips;
    mx_names *inside;    /* by iteration */
    const char **inputs; /* of the node */
    const char **states; /* the present ones */
    const char **parts;  /* of the results: by result, then iteration */
} scan;

/* --- shapes ------------------------------------------------------------------------- */

static void free_probed(mx_reader *r, mx_tensor *tensors)
{
    for (int i = 0; i < r->graph->n_values; i++) {
        if (tensors[i].data != r->graph->values[i].tensor.data)
            mx_free(r->scope->context, tensors[i].data);
    }
}

/* What is known of a node's outputs; small constants are computed. */
static mexpr_status probe_node(mx_frame *frame, const mx_node *node)
{
    size_t bytes = 0;
    if (node->gate >= 0 || node->op->flags & MX_OP_BRANCH)
        return MEXPR_OK;
    const mexpr_status status = mx_node_infer(frame, node);
    if (status != MEXPR_OK || node->op->flags & MX_OP_DYNAMIC ||
        !mx_node_is_constant(frame, node) ||
        mx_fold_work(node, frame->tensors) > PROBE_WORK)
        return status;
    for (int k = 0; k < node->n_outputs; k++)
        bytes += node->outputs[k] >= 0 ? mx_node_bytes(frame, node, k) : 0;
    return bytes <= PROBE_BYTES ? mx_node_fold(frame, node) : MEXPR_OK;
}

/* Infers the shape of a value from the nodes so far. */
static mexpr_status probe(mx_reader *r, const char *label, int value, mx_tensor *found)
{
    mx_graph *graph = r->graph;
    mx_machine machine;
    mx_frame frame;
    if (++r->n_probes > MAX_PROBES)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: more than %d scans are not supported", label, MAX_PROBES);
    mx_tensor *tensors =
        mx_arena_alloc(r->scope, &r->arena, (size_t)graph->n_values, sizeof *tensors);
    if (!tensors)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_values; i++)
        tensors[i] = graph->values[i].tensor;
    mx_machine_init(&machine, mexpr_context_cpu(r->scope->context));
    mexpr_status status =
        mx_frame_init(r->scope, &r->arena, graph, &machine, tensors, &frame);
    for (int i = 0; status == MEXPR_OK && i < graph->n_nodes; i++)
        status = probe_node(&frame, &graph->nodes[i]);
    *found = tensors[value];
    free_probed(r, tensors);
    return status;
}

/* --- attributes --------------------------------------------------------------------- */

static int64_t number_of(
    const Mx__Onnx__Node *node, const char *name, size_t k, int64_t standard)
{
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Mx__Onnx__Attribute *a = node->attribute[i];
        if (strcmp(a->name, name) == 0)
            return a->n_ints > k              ? a->ints[k]
                   : a->n_ints == 0 && k == 0 ? a->i
                                              : standard;
    }
    return standard;
}

static mexpr_status read_sizes(mx_reader *r, scan *s)
{
    const Mx__Onnx__Graph *body = s->wire.graph;
    const int64_t n_scanned = number_of(s->node, "num_scan_inputs", 0, 0);
    if (n_scanned < 1 || (uint64_t)n_scanned > s->node->n_input ||
        body->n_input != s->node->n_input || body->n_output != s->node->n_output ||
        body->n_output < s->node->n_input - (size_t)n_scanned)
        return mx_fail(r->scope, MEXPR_E_MODEL,
            "%s: its inputs and outputs do not fit to those of its body", s->label);
    s->n_scanned = (size_t)n_scanned;
    s->n_states = s->node->n_input - s->n_scanned;
    s->n_results = body->n_output - s->n_states;
    return MEXPR_OK;
}

/* The extent that input k of the scanned ones is cut into. */
static mexpr_status read_extent(mx_reader *r, const scan *s, size_t k, int64_t *extent)
{
    const char *name = s->inputs[s->n_states + k];
    const int value = name[0] ? mx_graph_find(r->graph, name) : -1;
    int64_t axis = number_of(s->node, "scan_input_axes", k, 0);
    if (value < 0)
        return mx_fail(r->scope, MEXPR_E_MODEL,
            "%s: its input %zu is made by no node before it", s->label, s->n_states + k);
    mx_tensor t = r->graph->values[value].tensor;
    mexpr_status status = MEXPR_OK;
    if (t.rank < 0)
        status = probe(r, s->label, value, &t);
    if (status != MEXPR_OK)
        return status;
    axis += axis < 0 && t.rank > 0 ? t.rank : 0;
    if (t.rank >= 0 && (axis < 0 || axis >= t.rank))
        return mx_fail(r->scope, MEXPR_E_SHAPE, "%s: it scans along no axis", s->label);
    *extent = t.rank >= 0 ? t.dims[axis] : -1;
    return MEXPR_OK;
}

static mexpr_status read_trips(mx_reader *r, scan *s)
{
    s->trips = -1;
    for (size_t k = 0; k < s->n_scanned; k++) {
        int64_t extent = -1;
        const mexpr_status status =
            s->trips < 0 ? read_extent(r, s, k, &extent) : MEXPR_OK;
        if (status != MEXPR_OK)
            return status;
        s->trips = extent >= 0 ? extent : s->trips;
    }
    if (s->trips < 1)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: how often it runs is %s, which is not supported", s->label,
            s->trips < 0 ? "not known when the model is loaded" : "never");
    if ((uint64_t)s->trips > mx_context_limits(r->scope->context)->nodes)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: it would be unrolled %lld times, more than the limit max_nodes",
            s->label, (long long)s->trips);
    return MEXPR_OK;
}

static mexpr_status read_inputs(mx_reader *r, scan *s)
{
    const size_t n = s->node->n_input;
    s->inputs = mx_arena_alloc(r->scope, &r->arena, n, sizeof *s->inputs);
    s->states = mx_arena_alloc(r->scope, &r->arena, s->n_states, sizeof *s->states);
    if (!s->inputs || !s->states)
        return MEXPR_E_NOMEM;
    for (size_t k = 0; k < n; k++) {
        s->inputs[k] = mx_reader_find_name(r, s->around, s->node->input[k]);
        if (!s->inputs[k])
            return MEXPR_E_NOMEM;
        if (k < s->n_states)
            s->states[k] = s->inputs[k];
    }
    return MEXPR_OK;
}

/* --- iterations --------------------------------------------------------------------- */

/* Element `at` of a scanned input, as an input of the body. */
static mexpr_status cut(
    mx_reader *r, const scan *s, const mx_names *n, size_t k, int64_t at, const char *to)
{
    char text[40];
    snprintf(text, sizeof text, "mexpr:at%zu", k);
    const char *index = mx_reader_own_name(r, n, text);
    const mexpr_status status =
        index ? mx_reader_put_number(r, index, MEXPR_DTYPE_I64, 0, at) : MEXPR_E_NOMEM;
    const char *inputs[2] = {s->inputs[s->n_states + k], index};
    return status == MEXPR_OK ? mx_reader_put_along(r, "Gather", n->gate, "", inputs, 2,
                                    number_of(s->node, "scan_input_axes", k, 0), to)
                              : status;
}

static mexpr_status bind(mx_reader *r, const scan *s, const mx_names *n, int64_t trip)
{
    for (size_t k = 0; k < s->node->n_input; k++) {
        const char *to = mx_reader_own_name(r, n, s->wire.graph->input[k]->name);
        const size_t scanned = k < s->n_states ? 0 : k - s->n_states;
        const bool reversed =
            number_of(s->node, "scan_input_directions", scanned, 0) != 0;
        const mexpr_status status =
            !to ? MEXPR_E_NOMEM
            : k < s->n_states
                ? mx_reader_put(r, "Identity", n->gate, "", &s->states[k], 1, NULL, to)
                : cut(r, s, n, scanned, reversed ? s->trips - 1 - trip : trip, to);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* Results of an iteration become parts of those of the whole, of extent 1. */
static mexpr_status keep_results(
    mx_reader *r, const scan *s, const mx_names *n, int64_t trip)
{
    for (size_t k = 0; k < s->n_results; k++) {
        const char *from =
            mx_reader_find_name(r, n, s->wire.graph->output[s->n_states + k]->name);
        const bool reversed = number_of(s->node, "scan_output_directions", k, 0) != 0;
        const int64_t axis = number_of(s->node, "scan_output_axes", k, 0);
        char text[40];
        snprintf(text, sizeof text, "mexpr:part%zu", k);
        const char *part = mx_reader_own_name(r, n, text);
        if (!from || !part)
            return MEXPR_E_NOMEM;
        s->parts[k * (size_t)s->trips + (size_t)(reversed ? s->trips - 1 - trip : trip)] =
            part;
        const mexpr_status status = mx_reader_put_unsqueeze(r, n, from, axis, part);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status run_trip(mx_reader *r, scan *s, int64_t trip)
{
    mx_names *n = &s->inside[trip];
    *n = (mx_names){.outer = &s->body, .gate = s->around->gate, .depth = s->body.depth};
    snprintf(n->prefix, sizeof n->prefix, "mexpr:%d:", r->n_scopes++);
    mexpr_status status = bind(r, s, n, trip);
    if (status == MEXPR_OK)
        status = mx_reader_nodes(r, s->wire.graph, n);
    if (status == MEXPR_OK)
        status = keep_results(r, s, n, trip);
    for (size_t k = 0; status == MEXPR_OK && k < s->n_states; k++) {
        s->states[k] = mx_reader_find_name(r, n, s->wire.graph->output[k]->name);
        status = s->states[k] ? MEXPR_OK : MEXPR_E_NOMEM;
    }
    return status;
}

static mexpr_status leave(mx_reader *r, const scan *s)
{
    for (size_t k = 0; k < s->node->n_output; k++) {
        const char *to = mx_reader_own_name(r, s->around, s->node->output[k]);
        if (!to)
            return MEXPR_E_NOMEM;
        if (!to[0])
            continue;
        const size_t result = k < s->n_states ? 0 : k - s->n_states;
        const mexpr_status status =
            k < s->n_states
                ? mx_reader_put(r, "Identity", s->around->gate, s->node->name,
                      &s->states[k], 1, NULL, to)
                : mx_reader_put_along(r, "Concat", s->around->gate, s->node->name,
                      s->parts + result * (size_t)s->trips, (size_t)s->trips,
                      number_of(s->node, "scan_output_axes", result, 0), to);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

mexpr_status mx_reader_scan(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label)
{
    scan s = {.node = node, .around = n, .label = label};
    mx_source *source = NULL;
    if (r->upgrade.opset && r->upgrade.opset < FIRST_OPSET)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: the form that it had before opset 9 is not supported", label);
    if (n->depth >= MX_READER_DEPTH)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: more than %d graphs inside each other are not supported", label,
            MX_READER_DEPTH);
    mexpr_status status = mx_reader_unpack(r, node, "body", label, &source, &s.wire);
    if (status == MEXPR_OK)
        status = read_sizes(r, &s);
    if (status == MEXPR_OK)
        status = read_inputs(r, &s);
    if (status == MEXPR_OK)
        status = read_trips(r, &s);
    if (status != MEXPR_OK)
        return status;
    s.body = (mx_names){.outer = n, .gate = n->gate, .depth = n->depth + 1};
    snprintf(s.body.prefix, sizeof s.body.prefix, "mexpr:%d:", r->n_scopes++);
    status = mx_reader_constants(r, &s.body, &s.wire, source);
    const size_t trips = (size_t)s.trips;
    s.inside = mx_arena_alloc(r->scope, &r->arena, trips, sizeof *s.inside);
    s.parts =
        mx_arena_alloc(r->scope, &r->arena, s.n_results * trips + 1, sizeof *s.parts);
    if (status == MEXPR_OK && (!s.inside || !s.parts))
        status = MEXPR_E_NOMEM;
    for (int64_t i = 0; status == MEXPR_OK && i < s.trips; i++)
        status = run_trip(r, &s, i);
    return status == MEXPR_OK ? leave(r, &s) : status;
}
