/* SPDX-License-Identifier: MIT */
#include "net_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/gemm.h"

enum {
    SIDE = MX_FACE_NET_SIDE,
    N_LAYERS = MX_FACE_NET_LAYERS,
    GROUP = 8 /* at a time */
};

typedef struct sample {
    uint8_t patch[SIDE * SIDE];
    bool face;
    float target[3];
    float *logit; /* where to keep it, or NULL */
} sample;

/* Activations of a group and their gradients; parameters as one vector. */
typedef struct training {
    mx_gemm gemm;
    mx_face_net net, gradient, first, second, mean; /* first, second: moments (Adam) */
    size_t n_parameters;
    float *values[N_LAYERS + 1], *slopes[N_LAYERS + 1]; /* inputs of layers; the output */
    float *columns[N_LAYERS], *column_slopes;
    float *face_logits; /* of each face when it was last seen */
    double loss, box_loss;
    long right, seen, n_faces;
} training;

static size_t input_size(int i)
{
    if (i == N_LAYERS)
        return MX_FACE_NET_OUT;
    return mx_small_layer_inputs(&mx_face_layers[i]);
}

static size_t rows_of(const mx_small_layer *layer)
{
    return (size_t)(mx_small_layer_out_side(layer) * mx_small_layer_out_side(layer));
}

static size_t columns_size(int i)
{
    return rows_of(&mx_face_layers[i]) * mx_small_layer_taps(&mx_face_layers[i]);
}

static bool allocate(mx_scope *scope, training *t)
{
    size_t most = 0;
    mx_face_net *const nets[] = {&t->gradient, &t->first, &t->second, &t->mean};
    bool good = true;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        good = good && mx_face_net_create(scope, nets[i]) == MEXPR_OK;
    for (int i = 0; i <= N_LAYERS; i++) {
        t->values[i] = calloc(GROUP * input_size(i), sizeof(float));
        t->slopes[i] = calloc(GROUP * input_size(i), sizeof(float));
        good = good && t->values[i] && t->slopes[i];
    }
    for (int i = 0; i < N_LAYERS; i++) {
        t->n_parameters +=
            (mx_small_layer_taps(&mx_face_layers[i]) + 1) * (size_t)mx_face_layers[i].out;
        if (!mx_face_layers[i].kernel)
            continue;
        most = columns_size(i) > most ? columns_size(i) : most;
        t->columns[i] = calloc(GROUP * columns_size(i), sizeof(float));
        good = good && t->columns[i];
    }
    t->column_slopes = calloc(GROUP * most, sizeof(float));
    return good && t->column_slopes;
}

static void release(mexpr_context *context, training *t)
{
    mx_face_net *const nets[] = {&t->gradient, &t->first, &t->second, &t->mean};
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        mx_face_net_free(context, nets[i]);
    for (int i = 0; i <= N_LAYERS; i++) {
        free(t->values[i]);
        free(t->slopes[i]);
    }
    for (int i = 0; i < N_LAYERS; i++)
        free(t->columns[i]);
    free(t->column_slopes);
    free(t->face_logits);
}

/* He et al. (2015). */
static void initialise(mx_face_net *net, mx_rng *rng)
{
    for (int i = 0; i < N_LAYERS; i++) {
        const int terms = (int)mx_small_layer_taps(&mx_face_layers[i]);
        const int n = terms * mx_face_layers[i].out;
        const float scale = sqrtf((i + 1 < N_LAYERS ? 2.0f : 0.1f) / (float)terms);
        for (int k = 0; k < n; k++)
            net->weights[i][k] = scale * (float)mx_rng_normal(rng);
    }
}

/* --- samples --------------------------------------------------------------------------
 */

static float overlap(const face_square *a, const face_square *b)
{
    const mx_face_box p = {a->x - 0.5f * a->size, a->y - 0.5f * a->size, a->size, 0};
    const mx_face_box q = {b->x - 0.5f * b->size, b->y - 0.5f * b->size, b->size, 0};
    return mx_face_box_overlap(&p, &q);
}

static void finish(
    mx_rng *rng, const face_source *source, const face_square *square, sample *out)
{
    const int blur = mx_rng_below(rng, 6) == 0 ? 1 + (int)mx_rng_below(rng, 2) : 0;
    face_square_patch(source, square, MX_FACE_NET_CONTEXT, blur, SIDE, out->patch);
    if (mx_rng_below(rng, 10) < 6)
        face_augment(rng, out->patch, SIDE, out->face);
}

/* Of two faces the one that was harder when last seen. */
static void make_face(
    mx_rng *rng, const face_source *faces, int n, float *logits, sample *out)
{
    const uint32_t a = mx_rng_below(rng, (uint32_t)n), b = mx_rng_below(rng, (uint32_t)n);
    const uint32_t chosen = logits[a] < logits[b] ? a : b;
    const face_source *source = &faces[chosen];
    float angle = 0.15f * (float)mx_rng_normal(rng);
    if (mx_rng_below(rng, 5) == 0)
        angle = face_uniform(rng, -0.45f, 0.45f);
    const face_square exact =
        face_square_of(source->picture, angle, mx_rng_below(rng, 2));
    const float reach = mx_rng_below(rng, 3) ? 0.08f : 0.22f;
    const float dx = face_uniform(rng, -reach, reach);
    const float dy = face_uniform(rng, -reach, reach);
    const float ds = face_uniform(rng, -1.3f * reach, 1.3f * reach);
    const face_square near = face_square_moved(&exact, dx, dy, ds);
    *out = (sample){.face = true,
        .logit = &logits[chosen],
        .target = {-dx * expf(-ds), -dy * expf(-ds), -ds}};
    finish(rng, source, &near, out);
}

/* Parts of a face, and squares in which a face is a part. */
static void make_part(mx_rng *rng, const face_source *faces, int n, sample *out)
{
    const face_source *source = &faces[mx_rng_below(rng, (uint32_t)n)];
    const face_square exact = face_square_of(
        source->picture, face_uniform(rng, -0.3f, 0.3f), mx_rng_below(rng, 2));
    face_square off;
    float both;
    do {
        off = face_square_moved(&exact, face_uniform(rng, -1.2f, 1.2f),
            face_uniform(rng, -1.2f, 1.2f), face_uniform(rng, -1.3f, 1.3f));
        both = overlap(&exact, &off);
    } while (both > 0.28f || both < 0.02f);
    *out = (sample){.face = false};
    finish(rng, source, &off, out);
}

/* The one of three that was hardest when last seen. */
static void make_other(mx_rng *rng, net_other *others, int n, sample *out)
{
    net_other *hardest = NULL;
    for (int i = 0; i < 3 || !hardest; i++) {
        net_other *other = &others[mx_rng_below(rng, (uint32_t)n)];
        if (!other->unsure && (!hardest || other->logit > hardest->logit))
            hardest = other;
    }
    face_square square = hardest->square;
    if (mx_rng_below(rng, 2)) {
        square.mirror = !square.mirror;
        if (!hardest->apart)
            square.angle += face_uniform(rng, -0.3f, 0.3f);
    }
    square = face_square_moved(&square, face_uniform(rng, -0.08f, 0.08f),
        face_uniform(rng, -0.08f, 0.08f), face_uniform(rng, -0.1f, 0.1f));
    *out = (sample){.face = false, .logit = &hardest->logit};
    finish(rng, hardest->source, &square, out);
}

/* --- gradient -------------------------------------------------------------------------
 */

/* The inputs that each output of a layer meets: outputs x taps. */
static void columns_of(const mx_small_layer *layer, const float *input, float *columns)
{
    const int side = layer->side, c = layer->in,
              out_side = mx_small_layer_out_side(layer);
    for (int y = 0; y < out_side; y++)
        for (int x = 0; x < out_side; x++)
            for (int k = 0; k < 9; k++, columns += c) {
                const int sy = y * layer->stride + k / 3 - 1;
                const int sx = x * layer->stride + k % 3 - 1;
                const bool inside = sy >= 0 && sy < side && sx >= 0 && sx < side;
                if (inside)
                    memcpy(columns, input + (ptrdiff_t)(sy * side + sx) * c,
                        (size_t)c * sizeof *columns);
                else
                    memset(columns, 0, (size_t)c * sizeof *columns);
            }
}

static void forward(training *t, const mx_face_net *net, int n)
{
    for (int i = 0; i < N_LAYERS; i++) {
        const mx_small_layer *layer = &mx_face_layers[i];
        const int out = layer->out, terms = (int)mx_small_layer_taps(layer);
        const int rows = n * (int)rows_of(layer);
        const float *a = t->values[i];
        if (layer->kernel) {
            for (int k = 0; k < n; k++)
                columns_of(layer, t->values[i] + (size_t)k * input_size(i),
                    t->columns[i] + (size_t)k * columns_size(i));
            a = t->columns[i];
        }
        float *y = t->values[i + 1];
        for (int r = 0; r < rows; r++)
            memcpy(y + r * out, net->biases[i], (size_t)out * sizeof *y);
        mx_sgemm(&t->gemm, false, false, rows, out, terms, 1, a, terms, net->weights[i],
            out, 1, y, out);
        for (int k = 0; i + 1 < N_LAYERS && k < rows * out; k++)
            y[k] = y[k] > 0 ? y[k] : 0;
    }
}

static void columns_back(const mx_small_layer *layer, const float *columns, float *input)
{
    const int side = layer->side, c = layer->in,
              out_side = mx_small_layer_out_side(layer);
    for (int y = 0; y < out_side; y++)
        for (int x = 0; x < out_side; x++)
            for (int k = 0; k < 9; k++, columns += c) {
                const int sy = y * layer->stride + k / 3 - 1;
                const int sx = x * layer->stride + k % 3 - 1;
                if (sy < 0 || sy >= side || sx < 0 || sx >= side)
                    continue;
                float *to = input + (ptrdiff_t)(sy * side + sx) * c;
                for (int e = 0; e < c; e++)
                    to[e] += columns[e];
            }
}

static void backward(training *t, int n)
{
    for (int i = N_LAYERS - 1; i >= 0; i--) {
        const mx_small_layer *layer = &mx_face_layers[i];
        const int out = layer->out, terms = (int)mx_small_layer_taps(layer);
        const int rows = n * (int)rows_of(layer);
        float *slope = t->slopes[i + 1];
        const float *y = t->values[i + 1];
        for (int k = 0; i + 1 < N_LAYERS && k < rows * out; k++)
            slope[k] = y[k] > 0 ? slope[k] : 0;
        const float *a = layer->kernel ? t->columns[i] : t->values[i];
        mx_sgemm(&t->gemm, true, false, terms, out, rows, 1, a, terms, slope, out, 1,
            t->gradient.weights[i], out);
        for (int r = 0; r < rows; r++)
            for (int k = 0; k < out; k++)
                t->gradient.biases[i][k] += slope[r * out + k];
        if (i == 0)
            break;
        float *back = layer->kernel ? t->column_slopes : t->slopes[i];
        mx_sgemm(&t->gemm, false, true, rows, terms, out, 1, slope, out,
            t->net.weights[i], out, 0, back, terms);
        if (!layer->kernel)
            continue;
        memset(t->slopes[i], 0, (size_t)n * input_size(i) * sizeof(float));
        for (int k = 0; k < n; k++)
            columns_back(layer, back + (size_t)k * columns_size(i),
                t->slopes[i] + (size_t)k * input_size(i));
    }
}

/* Cross entropy of the log-odds, and of faces Huber's loss of the box. */
static void loss_of(training *t, const sample *s, const float *out, float *slope, float w)
{
    const float box_weight = 8, turn = 0.1f;
    const float p = 1 / (1 + expf(-out[0]));
    slope[0] = w * (p - (s->face ? 1.0f : 0.0f));
    t->loss += log1p(exp(s->face ? -(double)out[0] : (double)out[0]));
    t->right += (out[0] > 0) == s->face;
    t->seen++;
    t->n_faces += s->face;
    for (int k = 0; k < 3; k++) {
        const float d = out[1 + k] - s->target[k];
        slope[1 + k] =
            s->face ? w * box_weight * fminf(fmaxf(d / turn, -1), 1) * turn : 0;
        t->box_loss += s->face ? fabsf(d) : 0;
    }
}

static void learn_group(training *t, const sample *samples, int n, float w)
{
    for (int k = 0; k < n; k++)
        mx_face_net_input(samples[k].patch, t->values[0] + (size_t)k * input_size(0));
    forward(t, &t->net, n);
    for (int k = 0; k < n; k++) {
        const float *out = t->values[N_LAYERS] + k * MX_FACE_NET_OUT;
        loss_of(t, &samples[k], out, t->slopes[N_LAYERS] + k * MX_FACE_NET_OUT, w);
        if (samples[k].logit)
            *samples[k].logit = out[0];
    }
    backward(t, n);
}

/* Adam (Kingma and Ba 2015) with decoupled decay of the weights, and the running mean of
 * the parameters, which is what stays. */
static void step(training *t, int at, float rate)
{
    const float b1 = 0.9f, b2 = 0.999f, decay = 1e-2f;
    const float keep = fminf(0.999f, (float)(at + 1) / (float)(at + 10));
    const float fix1 = 1 - powf(b1, (float)(at + 1)),
                fix2 = 1 - powf(b2, (float)(at + 1));
    float *x = t->net.memory, *g = t->gradient.memory, *m = t->first.memory;
    float *v = t->second.memory, *mean = t->mean.memory;
    for (size_t i = 0; i < t->n_parameters; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        x[i] -= rate * (m[i] / fix1 / (sqrtf(v[i] / fix2) + 1e-8f) + decay * x[i]);
        mean[i] = keep * mean[i] + (1 - keep) * x[i];
        g[i] = 0;
    }
}

/* Places apart from the labelled face that a network half trained, on them too, is sure
 * about are taken to be faces without a label, and no longer used. */
static void set_unsure_aside(training *t, net_other *others, int n)
{
    int found = 0;
    sample s;
    for (int i = 0; i < n; i++) {
        if (!others[i].apart)
            continue;
        face_square_patch(
            others[i].source, &others[i].square, MX_FACE_NET_CONTEXT, 0, SIDE, s.patch);
        mx_face_net_input(s.patch, t->values[0]);
        forward(t, &t->mean, 1);
        others[i].unsure = t->values[N_LAYERS][0] > 1.5f;
        found += others[i].unsure;
    }
    printf("  %d places may be faces without a label\n", found);
}

static void report(training *t, int at)
{
    printf("step %d: loss %.4f, right %.2f %%, box off by %.4f\n", at,
        t->loss / (double)t->seen, 100.0 * (double)t->right / (double)t->seen,
        t->box_loss / (3.0 * (double)t->n_faces));
    fflush(stdout);
    t->loss = t->box_loss = 0;
    t->right = t->seen = t->n_faces = 0;
}

static void make_sample(training *t, mx_rng *rng, const face_source *faces, int n_faces,
    net_other *others, int n_others, sample *out)
{
    const uint32_t kind = mx_rng_below(rng, 100);
    if (kind < 42)
        make_face(rng, faces, n_faces, t->face_logits, out);
    else if (kind < 54)
        make_part(rng, faces, n_faces, out);
    else
        make_other(rng, others, n_others, out);
}

bool net_training(mexpr_context *context, const face_source *faces, int n_faces,
    net_other *others, int n_others, const net_options *options, mx_rng *rng,
    mx_face_net *net)
{
    training t = {.net = *net};
    sample group[GROUP];
    mx_gemm_init(&t.gemm, mexpr_context_cpu(context));
    t.face_logits = calloc((size_t)n_faces, sizeof *t.face_logits);
    const bool good = t.face_logits && allocate(mx_context_scope(context), &t);
    if (good)
        initialise(&t.net, rng);
    for (int at = 0; good && at < options->n_steps; at++) {
        const float phase = (float)at / (float)options->n_steps;
        const float warm = fminf(1, (float)(at + 1) / 200);
        const float rate =
            options->rate * warm * (0.5f + 0.5f * cosf(3.14159265f * phase)) + 1e-6f;
        for (int k = 0; k < options->batch; k += GROUP) {
            for (int i = 0; i < GROUP; i++)
                make_sample(&t, rng, faces, n_faces, others, n_others, &group[i]);
            learn_group(&t, group, GROUP, 1 / (float)options->batch);
        }
        step(&t, at, rate);
        if ((at + 1) % 500 == 0)
            report(&t, at + 1);
        if (at == options->n_steps * 2 / 5 || at == options->n_steps * 7 / 10)
            set_unsure_aside(&t, others, n_others);
    }
    if (good)
        memcpy(net->memory, t.mean.memory, t.n_parameters * sizeof(float));
    release(context, &t);
    return good;
}
