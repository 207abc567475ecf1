/* SPDX-License-Identifier: MIT */
/* Our own attention network for flow whose u and v have been centred and scaled. Small
 * convolutions look at the flow and at its derivatives, each through a map of where to
 * look. Beside them a query is compared with what has been learned by a Gaussian kernel:
 * linear attention by random features (Rahimi, Recht, NIPS 2007; Peng et al., Random
 * feature attention, ICLR 2021). The scores of all branches are averaged. */
#include <math.h>
#include <stdlib.h>

#include "system/system_table.h"

enum { SIDE = 28, MAP = 7, NARROW = 12, WIDE = 24, SEEN = WIDE * MAP * MAP };
enum { QUERY = 4 * MAP * MAP, MEMORY = 1024 };
enum { N_MEMORIES = 3 };

/* Deviation of the kernel's frequencies: its width is 1.4 times the root mean square
 * length of a query. */
#define FREQUENCY 0.11
#define PI 3.14159265358979323846

/* --- derivatives as products with fixed matrices ------------------------------------ */

/* Row `row` of a Gaussian cut off at four sigma, the border mirrored. */
static void add_gaussian(double *weights, int row, double sigma, double share)
{
    const int radius = (int)(4 * sigma + 0.5);
    double sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += exp(-0.5 * i * i / (sigma * sigma));
    for (int i = -radius; i <= radius; i++) {
        const int at = abs(row + i) % (2 * SIDE - 2);
        weights[at < SIDE ? at : 2 * SIDE - 2 - at] +=
            share * exp(-0.5 * i * i / (sigma * sigma)) / sum;
    }
}

/* Means of neighbours after the Gaussian, or after its central differences, which are
 * made as large as what they are taken from: times 2 sigma. `n` rows of 28, or the
 * transpose. */
static mx_name lines(mx_layers *l, int n, double sigma, bool is_derived, bool is_turned)
{
    const int64_t dims[2] = {is_turned ? SIDE : n, is_turned ? n : SIDE};
    const int span = SIDE / n;
    float matrix[SIDE * SIDE];
    for (int row = 0; row < n; row++) {
        double weights[SIDE] = {0};
        for (int at = span * row; at < span * (row + 1); at++) {
            const double share = is_derived ? sigma / span : 1.0 / span;
            const int next = at + (is_derived && at < SIDE - 1);
            add_gaussian(weights, next, sigma, share);
            if (is_derived)
                add_gaussian(weights, at > 0 ? at - 1 : at, sigma, -share);
        }
        for (int k = 0; k < SIDE; k++)
            matrix[is_turned ? k * n + row : row * SIDE + k] = (float)weights[k];
    }
    return mx_floats(l, 2, dims, matrix);
}

/* u_x, v_x, u_y, v_y as n × n, of u and v as 28 × 28. */
static mx_name derivatives(mx_layers *l, mx_name uv, int n, double sigma)
{
    mx_name parts[2];
    for (int i = 0; i < 2; i++) {
        const mx_name rows = mx_op2(l, "MatMul", uv, lines(l, n, sigma, i == 0, true));
        parts[i] = mx_op2(l, "MatMul", lines(l, n, sigma, i == 1, false), rows);
    }
    return mx_concat(l, parts, 2, 1);
}

static mx_name first_planes(mx_layers *l, mx_name x, int64_t n)
{
    const int64_t from = 0, axis = 1;
    const mx_name inputs[4] = {
        x, mx_ints(l, 1, &from), mx_ints(l, 1, &n), mx_ints(l, 1, &axis)};
    return mx_op(l, "Slice", inputs, 4);
}

/* --- branches ----------------------------------------------------------------------- */

static mx_name unit(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 3, .pad = 1};
    return mx_relu(l, mx_conv_layer(l, x, path, conv));
}

/* x times a map within 0 to 2 that begins as 1, of what is seen at a place and where. */
static mx_name look(mx_layers *l, mx_name x, const char *path)
{
    static const int64_t seen[4] = {1, WIDE, 1, 1}, place[4] = {1, 1, MAP, MAP};
    const mx_name inputs[2] = {
        x, mx_parameter(l, mx_path(path, "seen").text, 4, seen, MEXPR_INIT_NORMAL, 0.01)};
    const mx_name where =
        mx_parameter(l, mx_path(path, "place").text, 4, place, MEXPR_INIT_FILL, 0);
    const mx_name map = mx_sigmoid(l, mx_add(l, mx_op(l, "Conv", inputs, 2), where));
    return mx_mul(l, x, mx_mul(l, map, mx_scalar(l, 2)));
}

static mx_name convolutions(
    mx_layers *l, mx_name x, const char *path, int64_t planes, int64_t n_classes)
{
    x = unit(l, x, mx_path(path, "conv1").text, planes, NARROW);
    x = unit(l, mx_max_pool(l, x, 2, 2, 0), mx_path(path, "conv2").text, NARROW, WIDE);
    x = look(l, x, mx_path(path, "attention").text);
    x = mx_dropout(l, mx_flatten(l, x), 0.5f);
    x = mx_fc(l, x, mx_path(path, "fc").text, SEEN, n_classes, true);
    return mx_mark(l, x, mx_path(path, "logits").text);
}

/* A tensor that training leaves as it was drawn; build() says so in the metadata. */
static mx_name fixed(
    mx_layers *l, mx_name name, int rank, const int64_t *dims, int32_t init, double scale)
{
    mexpr_builder_random(l->b, name.text, rank, dims, init, scale, MEXPR_ROLE_CONSTANT);
    return name;
}

/* The cosines of two queries have the Gaussian kernel as their product, so what is summed
 * up in fc.weight answers a query by its likeness to all that was learned. */
static mx_name memory(mx_layers *l, mx_name x, const char *path, int64_t n_classes)
{
    static const int64_t dims[2] = {QUERY, MEMORY};
    const mx_name inputs[3] = {mx_flatten(l, x),
        fixed(l, mx_path(path, "frequencies"), 2, dims, MEXPR_INIT_NORMAL, FREQUENCY),
        fixed(l, mx_path(path, "phases"), 1, &dims[1], MEXPR_INIT_UNIFORM, PI)};
    x = mx_op1(l, "Cos", mx_op(l, "Gemm", inputs, 3));
    x = mx_fc(l, x, mx_path(path, "fc").text, MEMORY, n_classes, true);
    return mx_mark(l, x, mx_path(path, "logits").text);
}

static void build(mx_layers *l, const mx_request *request)
{
    static const double sigmas[N_MEMORIES] = {1.5, 2, 2.5};
    const int64_t n_classes = request->n_classes;
    const mx_name flow = mx_input(l, "flow", 3, SIDE, SIDE);
    const mx_name half = mx_average_pool(l, flow, 2, 2);
    const mx_name uv = first_planes(l, flow, 2);
    mx_name scores[2 + N_MEMORIES];
    l->conv_scale = l->fc_scale = 2.449489742783178; /* sqrt(6): He et al. 2015, fan-in */
    scores[0] = convolutions(l, half, "flow", 3, n_classes);
    scores[1] =
        convolutions(l, derivatives(l, uv, SIDE / 2, 2), "derivatives", 4, n_classes);
    mexpr_builder_metadata(l->b, "microexpr.fixed",
        "memory1.frequencies,memory1.phases,memory2.frequencies,memory2.phases,"
        "memory3.frequencies,memory3.phases");
    l->fc_scale = 0; /* nothing is remembered yet */
    for (int k = 0; k < N_MEMORIES; k++)
        scores[2 + k] = memory(l, derivatives(l, uv, MAP, sigmas[k]),
            mx_path("", "memory%d", k + 1).text, n_classes);
    mx_output(l, mx_op(l, "Mean", scores, 2 + N_MEMORIES), "logits");
}

const mx_system mx_system_flow_attention = {
    .info = {.name = "flow-attention",
        .title = "attention to places and to a memory of flow",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 22445},
    .planes = "u,v,strain",
    .range = "raw",
    .build = build,
};
