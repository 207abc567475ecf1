/* SPDX-License-Identifier: MIT */
#include "landmark_trainer.h"

#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "kernel/gemm.h"

enum { LAYERS = MX_SMALL_LAYERS, MOST_CHANNELS = 256, COLUMN_ROWS = 256, CHUNK = 8192 };

static const float dropout = 0.1f;       /* of the inputs of the first dense layer */
static const float norm_epsilon = 1e-5f; /* Ioffe and Szegedy 2015 */
static const float norm_memory = 0.98f;
static const float trust_weight = 0.05f;
static const float trust_error = 0.07f; /* the error at which trust is 1 / e */
static const float soft_corner = 0.01f; /* of the loss, in eye distances */
static const float least_eyes = 0.25f;  /* in sides of the face box */
static const float first_decay = 0.9f, second_decay = 0.99f, weight_decay = 1e-2f;

/* What a shard of the batch works on. */
typedef struct shard {
    mx_landmark_cropper cropper;
    mx_rng rng;
    landmark_target targets[LANDMARK_SHARD];
    float *input[LAYERS + 1]; /* of each layer, LANDMARK_SHARD samples; then the output */
    float *normal[LAYERS];    /* normalised outputs of the convolutions */
    float spread[LAYERS][MOST_CHANNELS]; /* 1 / deviation */
    float mean[LAYERS][MOST_CHANNELS], variance[LAYERS][MOST_CHANNELS];
    float *above, *below; /* gradients on both sides of a layer */
    float *columns;
    float *gradient; /* of all parameters */
    double error;
    mexpr_status status;
    mx_scope scope;
} shard;

struct landmark_trainer {
    mx_scope *scope;
    const landmark_data *data;
    const mx_landmark_plan *plan;
    int stage;
    const float *shape;
    mx_gemm gemm;
    mx_nn_kernels nn;
    uint64_t seed, n_steps;
    size_t n_parameters, n_memory;
    size_t weights[LAYERS], bias[LAYERS], gain[LAYERS]; /* offsets of parameters */
    float *memory;
    float *parameters, *first, *second, *average;
    float mean[LAYERS][MOST_CHANNELS], variance[LAYERS][MOST_CHANNELS];
    shard *shards;
    const int *faces;
    float rate;
};

static size_t outputs(const mx_small_layer *layer)
{
    const size_t side = (size_t)mx_small_layer_out_side(layer);
    return side * side * (size_t)layer->out;
}

/* Samples whose columns are multiplied at once. */
static int group(const mx_small_layer *layer)
{
    const int pixels = mx_small_layer_out_side(layer) * mx_small_layer_out_side(layer);
    const int n = COLUMN_ROWS / pixels;
    return n < 1 ? 1 : n > LANDMARK_SHARD ? LANDMARK_SHARD : n;
}

/* --- life -------------------------------------------------------------------------- */

static void place_parameters(landmark_trainer *t)
{
    size_t at = 0;
    for (int i = 0; i < t->plan->n_layers; i++) {
        const mx_small_layer *layer = &t->plan->layers[i];
        t->weights[i] = at;
        at += mx_small_layer_taps(layer) * (size_t)layer->out;
        t->bias[i] = at;
        at += (size_t)layer->out;
        t->gain[i] = at;
        at += layer->kernel ? (size_t)layer->out : 0;
    }
    t->n_parameters = at;
}

static size_t largest_gradient(const mx_landmark_plan *plan)
{
    size_t most = 0;
    for (int i = 0; i < plan->n_layers; i++) {
        const size_t n = outputs(&plan->layers[i]),
                     m = mx_small_layer_inputs(&plan->layers[i]);
        most = n > most ? n : most;
        most = m > most ? m : most;
    }
    return most * LANDMARK_SHARD;
}

static size_t largest_columns(const mx_landmark_plan *plan)
{
    size_t most = 1;
    for (int i = 0; i < plan->n_layers; i++) {
        const mx_small_layer *layer = &plan->layers[i];
        const size_t side = (size_t)mx_small_layer_out_side(layer);
        const size_t n = side * side * (size_t)group(layer) * mx_small_layer_taps(layer);
        most = layer->kernel && n > most ? n : most;
    }
    return most;
}

/* Hands out memory, or with NULL counts it. */
static float *take(float *base, size_t *used, size_t n)
{
    float *here = base ? base + *used : NULL;
    *used += (n + 15) / 16 * 16;
    return here;
}

static size_t place_shard(const mx_landmark_plan *plan, size_t n_parameters, shard *s,
    float *memory, size_t used)
{
    for (int i = 0; i < plan->n_layers; i++) {
        const mx_small_layer *layer = &plan->layers[i];
        s->input[i] = take(memory, &used, mx_small_layer_inputs(layer) * LANDMARK_SHARD);
        s->normal[i] = take(memory, &used, outputs(layer) * LANDMARK_SHARD);
    }
    s->input[plan->n_layers] = take(memory, &used, MX_LANDMARK_OUTPUTS * LANDMARK_SHARD);
    s->above = take(memory, &used, largest_gradient(plan));
    s->below = take(memory, &used, largest_gradient(plan));
    s->columns = take(memory, &used, largest_columns(plan));
    s->gradient = take(memory, &used, n_parameters);
    return used;
}

static size_t place_all(landmark_trainer *t, float *memory)
{
    size_t used = 0;
    t->parameters = take(memory, &used, t->n_parameters);
    t->first = take(memory, &used, t->n_parameters);
    t->second = take(memory, &used, t->n_parameters);
    t->average = take(memory, &used, t->n_parameters);
    for (int i = 0; i < LANDMARK_SHARDS; i++)
        used = place_shard(t->plan, t->n_parameters, &t->shards[i], memory, used);
    return used;
}

/* He et al. 2015 for the convolutions; the face begins as the mean face. */
static void draw_parameters(landmark_trainer *t)
{
    mx_rng rng;
    mx_rng_seed(&rng, t->seed, (uint64_t)t->stage);
    for (int i = 0; i < t->plan->n_layers; i++) {
        const mx_small_layer *layer = &t->plan->layers[i];
        const size_t taps = mx_small_layer_taps(layer);
        const double deviation = layer->kernel ? sqrt(2.0 / (double)taps) : 0.02;
        for (size_t j = 0; j < taps * (size_t)layer->out; j++)
            t->parameters[t->weights[i] + j] = (float)(deviation * mx_rng_normal(&rng));
        for (int j = 0; j < layer->out && layer->kernel; j++) {
            t->parameters[t->gain[i] + (size_t)j] = 1.0f;
            t->variance[i][j] = 1.0f;
        }
    }
    memcpy(t->parameters + t->bias[t->plan->n_layers - 1], t->shape,
        sizeof(float) * 2 * MX_FACE_POINTS);
    memcpy(t->average, t->parameters, sizeof(float) * t->n_parameters);
}

landmark_trainer *landmark_trainer_create(mx_scope *scope, const landmark_data *data,
    int stage, const float *shape, uint64_t seed)
{
    landmark_trainer *t = mx_calloc(scope, 1, sizeof *t);
    if (!t)
        return NULL;
    const uint32_t cpu = mexpr_context_cpu(scope->context);
    t->scope = scope;
    t->data = data;
    t->plan = &mx_landmark_plans[stage];
    t->stage = stage;
    t->shape = shape;
    t->seed = seed;
    mx_gemm_init(&t->gemm, cpu);
    mx_nn_kernels_init(&t->nn, cpu);
    place_parameters(t);
    t->shards = mx_calloc(scope, LANDMARK_SHARDS, sizeof *t->shards);
    if (t->shards)
        t->memory = mx_calloc(scope, place_all(t, NULL), sizeof(float));
    if (!t->memory) {
        landmark_trainer_destroy(t);
        return NULL;
    }
    place_all(t, t->memory);
    for (int i = 0; i < LANDMARK_SHARDS; i++) {
        mx_scope_init(&t->shards[i].scope, scope->context);
        mx_landmark_cropper_init(&t->shards[i].cropper, cpu);
    }
    draw_parameters(t);
    return t;
}

void landmark_trainer_destroy(landmark_trainer *t)
{
    if (!t)
        return;
    for (int i = 0; t->shards && i < LANDMARK_SHARDS; i++)
        mx_landmark_cropper_free(t->scope->context, &t->shards[i].cropper);
    mx_free(t->scope->context, t->memory);
    mx_free(t->scope->context, t->shards);
    mx_free(t->scope->context, t);
}

/* --- convolutions ------------------------------------------------------------------ */

/* The inputs under the taps of row `ky` for the output at (x, y): *n of them from
 * input[*from] on go to columns[*to]; 0 where all lie outside. */
static size_t span(
    const mx_small_layer *layer, int x, int y, int ky, size_t *from, size_t *to)
{
    const int pad = layer->kernel / 2, row = y * layer->stride + ky - pad;
    const int left = x * layer->stride - pad, right = left + layer->kernel;
    const int first = left < 0 ? 0 : left,
              last = right > layer->side ? layer->side : right;
    if (row < 0 || row >= layer->side)
        return 0;
    *from = (size_t)((row * layer->side + first) * layer->in);
    *to = (size_t)((ky * layer->kernel + first - left) * layer->in);
    return (size_t)((last - first) * layer->in);
}

static void to_columns(const mx_small_layer *layer, const float *input, float *columns)
{
    const int side = mx_small_layer_out_side(layer);
    const size_t taps = mx_small_layer_taps(layer);
    memset(columns, 0, sizeof *columns * taps * (size_t)(side * side));
    for (int p = 0; p < side * side; p++, columns += taps) {
        for (int ky = 0; ky < layer->kernel; ky++) {
            size_t from = 0, to = 0;
            const size_t n = span(layer, p % side, p / side, ky, &from, &to);
            memcpy(columns + to, input + from, sizeof *columns * n);
        }
    }
}

static void from_columns(const mx_small_layer *layer, const float *columns, float *input)
{
    const int side = mx_small_layer_out_side(layer);
    const size_t taps = mx_small_layer_taps(layer);
    memset(input, 0, sizeof *input * mx_small_layer_inputs(layer));
    for (int p = 0; p < side * side; p++, columns += taps) {
        for (int ky = 0; ky < layer->kernel; ky++) {
            size_t from = 0, to = 0;
            const size_t n = span(layer, p % side, p / side, ky, &from, &to);
            for (size_t i = 0; i < n; i++)
                input[from + i] += columns[to + i];
        }
    }
}

/* Columns of `n` samples from number `first` on; returns their rows. */
static int group_columns(const mx_small_layer *layer, shard *s, int i, int first, int n)
{
    const int side = mx_small_layer_out_side(layer);
    const size_t inputs = mx_small_layer_inputs(layer), taps = mx_small_layer_taps(layer);
    for (int j = 0; j < n; j++)
        to_columns(layer, s->input[i] + (size_t)(first + j) * inputs,
            s->columns + (size_t)(j * side * side) * taps);
    return n * side * side;
}

/* Batch normalisation over the shard, gain, bias and ReLU. */
static void normalise(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int channels = layer->out;
    const size_t rows = outputs(layer) / (size_t)channels * LANDMARK_SHARD;
    const float *gain = t->parameters + t->gain[i], *bias = t->parameters + t->bias[i];
    float *x = s->normal[i], *y = s->input[i + 1];
    float *mean = s->mean[i], *variance = s->variance[i];
    memset(mean, 0, sizeof *mean * MOST_CHANNELS);
    memset(variance, 0, sizeof *variance * MOST_CHANNELS);
    for (size_t r = 0; r < rows; r++) {
        for (int c = 0; c < channels; c++)
            mean[c] += x[r * (size_t)channels + (size_t)c];
    }
    for (int c = 0; c < channels; c++)
        mean[c] /= (float)rows;
    for (size_t r = 0; r < rows; r++) {
        for (int c = 0; c < channels; c++) {
            const float d = x[r * (size_t)channels + (size_t)c] - mean[c];
            variance[c] += d * d;
        }
    }
    for (int c = 0; c < channels; c++) {
        variance[c] /= (float)rows;
        s->spread[i][c] = 1.0f / sqrtf(variance[c] + norm_epsilon);
    }
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        for (int c = 0; c < channels; c++) {
            x[c] = (x[c] - mean[c]) * s->spread[i][c];
            const float value = gain[c] * x[c] + bias[c];
            y[c] = value > 0.0f ? value : 0.0f;
        }
    }
}

static void convolve_forward(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int taps = (int)mx_small_layer_taps(layer), n = group(layer);
    for (int j = 0; j < LANDMARK_SHARD; j += n) {
        const int rows = group_columns(layer, s, i, j, n);
        mx_sgemm_builtin(&t->gemm, false, false, rows, layer->out, taps, 1.0f, s->columns,
            taps, t->parameters + t->weights[i], layer->out, 0.0f,
            s->normal[i] + (size_t)j * outputs(layer), layer->out);
    }
    normalise(t, s, i);
}

/* Through ReLU and normalisation: `above` becomes the gradient of the products. */
static void normalise_backward(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int channels = layer->out;
    const size_t rows = outputs(layer) / (size_t)channels * LANDMARK_SHARD;
    float *to_gain = s->gradient + t->gain[i], *to_bias = s->gradient + t->bias[i];
    float factor[MOST_CHANNELS], shift[MOST_CHANNELS], slope[MOST_CHANNELS];
    const float *x = s->normal[i], *y = s->input[i + 1];
    float *d = s->above;
    for (size_t r = 0; r < rows; r++, x += channels, y += channels, d += channels) {
        for (int c = 0; c < channels; c++) {
            d[c] = y[c] > 0.0f ? d[c] : 0.0f;
            to_bias[c] += d[c];
            to_gain[c] += d[c] * x[c];
        }
    }
    for (int c = 0; c < channels; c++) {
        factor[c] = t->parameters[t->gain[i] + (size_t)c] * s->spread[i][c];
        shift[c] = to_bias[c] / (float)rows;
        slope[c] = to_gain[c] / (float)rows;
    }
    x = s->normal[i];
    d = s->above;
    for (size_t r = 0; r < rows; r++, x += channels, d += channels) {
        for (int c = 0; c < channels; c++)
            d[c] = factor[c] * (d[c] - shift[c] - x[c] * slope[c]);
    }
}

static void convolve_backward(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int taps = (int)mx_small_layer_taps(layer), n = group(layer);
    const size_t inputs = mx_small_layer_inputs(layer);
    normalise_backward(t, s, i);
    for (int j = 0; j < LANDMARK_SHARD; j += n) {
        const int rows = group_columns(layer, s, i, j, n);
        const float *above = s->above + (size_t)j * outputs(layer);
        mx_sgemm_builtin(&t->gemm, true, false, taps, layer->out, rows, 1.0f, s->columns,
            taps, above, layer->out, 1.0f, s->gradient + t->weights[i], layer->out);
        if (i == 0)
            continue;
        mx_sgemm_builtin(&t->gemm, false, true, rows, taps, layer->out, 1.0f, above,
            layer->out, t->parameters + t->weights[i], layer->out, 0.0f, s->columns,
            taps);
        for (int k = 0; k < n; k++)
            from_columns(layer,
                s->columns +
                    (size_t)k * outputs(layer) / (size_t)layer->out * (size_t)taps,
                s->below + (size_t)(j + k) * inputs);
    }
}

/* --- dense layers ------------------------------------------------------------------ */

static void drop_inputs(shard *s, float *x, size_t n)
{
    const uint32_t limit = (uint32_t)(dropout * 65536.0f);
    const float kept = 1.0f / (1.0f - dropout);
    for (size_t i = 0; i < n; i += 4) {
        const uint64_t chance = mx_rng_u64(&s->rng);
        for (size_t j = 0; j < 4 && i + j < n; j++)
            x[i + j] = (chance >> (16 * j) & 0xffff) < limit ? 0.0f : kept * x[i + j];
    }
}

static void dense_forward(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int n = (int)mx_small_layer_inputs(layer);
    if (t->plan->layers[i - 1].kernel)
        drop_inputs(s, s->input[i], (size_t)n * LANDMARK_SHARD);
    mx_sgemm_builtin(&t->gemm, false, true, LANDMARK_SHARD, layer->out, n, 1.0f,
        s->input[i], n, t->parameters + t->weights[i], n, 0.0f, s->input[i + 1],
        layer->out);
    t->nn.bias_cols(LANDMARK_SHARD, (size_t)layer->out, s->input[i + 1],
        t->parameters + t->bias[i], layer->relu, s->input[i + 1]);
}

/* A dropped input is 0 and its gradient is stopped by the ReLU below; the others' factor
 * is in the input itself. */
static void dense_backward(const landmark_trainer *t, shard *s, int i)
{
    const mx_small_layer *layer = &t->plan->layers[i];
    const int n = (int)mx_small_layer_inputs(layer);
    t->nn.sum_cols(
        LANDMARK_SHARD, (size_t)layer->out, s->above, s->gradient + t->bias[i]);
    mx_sgemm_builtin(&t->gemm, true, false, layer->out, n, LANDMARK_SHARD, 1.0f, s->above,
        layer->out, s->input[i], n, 1.0f, s->gradient + t->weights[i], n);
    const float factor = t->plan->layers[i - 1].kernel ? 1.0f / (1.0f - dropout) : 1.0f;
    mx_sgemm_builtin(&t->gemm, false, false, LANDMARK_SHARD, n, layer->out, factor,
        s->above, layer->out, t->parameters + t->weights[i], n, 0.0f, s->below, n);
}

/* --- loss -------------------------------------------------------------------------- */

/* Gradient of one sample's loss. Points: the mean of sqrt(d^2 + corner^2) with d in eye
 * distances, which is what is scored. Trust: cross entropy towards exp(-error / 0.07),
 * 0 where there is no face. Returns the error, 0 if the points do not count. */
static double sample_loss(const landmark_target *target, const float *output, float *d)
{
    const float eyes = target->eyes > least_eyes ? target->eyes : least_eyes;
    const float scale = 1.0f / (MX_FACE_POINTS * (float)LANDMARK_BATCH * eyes);
    const float corner = soft_corner * eyes;
    double error = 0.0;
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const float x = output[2 * i] - target->points[2 * i];
        const float y = output[2 * i + 1] - target->points[2 * i + 1];
        const float soft = sqrtf(x * x + y * y + corner * corner);
        const float to = target->far || target->eyes == 0.0f ? 0.0f : scale / soft;
        error += sqrtf(x * x + y * y);
        d[2 * i] = to * x;
        d[2 * i + 1] = to * y;
    }
    error /= MX_FACE_POINTS * (double)eyes;
    const float wanted = target->eyes > 0.0f ? expf(-(float)error / trust_error) : 0.0f;
    const float trust = 1.0f / (1.0f + expf(-output[2 * MX_FACE_POINTS]));
    d[2 * MX_FACE_POINTS] = trust_weight / (float)LANDMARK_BATCH * (trust - wanted);
    return target->far || target->eyes == 0.0f ? 0.0 : error;
}

/* --- steps ------------------------------------------------------------------------- */

static mexpr_status draw_sample(const landmark_trainer *t, shard *s, int number, int j)
{
    const mx_landmark_plan *plan = t->plan;
    const size_t size = (size_t)plan->side * (size_t)plan->side;
    const enum landmark_kind kind = j == LANDMARK_SHARD - 1   ? LANDMARK_OTHER
                                    : j == LANDMARK_SHARD - 2 ? LANDMARK_FAR
                                                              : LANDMARK_NEAR;
    const landmark_data *data = t->data;
    const int face = kind == LANDMARK_NEAR
                         ? t->faces[number * LANDMARK_NEAR_SHARD + j]
                         : (int)mx_rng_below(&s->rng, (uint32_t)data->n_faces);
    const int other = (int)mx_rng_below(&s->rng, (uint32_t)data->n_others);
    float *crop = s->input[0] + (size_t)j * size, factor, summand;
    const mexpr_status status = landmark_draw(&s->scope, &s->cropper, &s->rng, t->stage,
        t->shape, kind == LANDMARK_OTHER ? data->others[other] : data->faces[face], kind,
        crop, &s->targets[j]);
    mx_landmark_crop_norm(&t->nn, crop, plan->side, &factor, &summand);
    t->nn.scale_shift(size, crop, factor, summand, crop);
    return status;
}

static void backward(const landmark_trainer *t, shard *s)
{
    for (int i = t->plan->n_layers - 1; i >= 0; i--) {
        if (t->plan->layers[i].kernel)
            convolve_backward(t, s, i);
        else
            dense_backward(t, s, i);
        float *below = s->below;
        s->below = s->above;
        s->above = below;
    }
}

static void run_shard(void *arg, int number, int worker)
{
    landmark_trainer *t = arg;
    shard *s = &t->shards[number];
    (void)worker;
    mx_rng_seed(&s->rng, t->seed,
        ((t->n_steps * LANDMARK_SHARDS + (uint64_t)number) * MX_LANDMARK_STAGES +
            (uint64_t)t->stage + 1) *
            2);
    memset(s->gradient, 0, sizeof(float) * t->n_parameters);
    s->status = MEXPR_OK;
    for (int j = 0; j < LANDMARK_SHARD && s->status == MEXPR_OK; j++)
        s->status = draw_sample(t, s, number, j);
    for (int i = 0; i < t->plan->n_layers; i++) {
        if (t->plan->layers[i].kernel)
            convolve_forward(t, s, i);
        else
            dense_forward(t, s, i);
    }
    s->error = 0.0;
    const float *output = s->input[t->plan->n_layers];
    for (int j = 0; j < LANDMARK_SHARD; j++)
        s->error += sample_loss(&s->targets[j], output + j * MX_LANDMARK_OUTPUTS,
            s->above + j * MX_LANDMARK_OUTPUTS);
    backward(t, s);
}

/* AdamW (Loshchilov and Hutter 2019) on one chunk, and the running mean of the weights.
 */
static void update(void *arg, int chunk, int worker)
{
    landmark_trainer *t = arg;
    (void)worker;
    const size_t from = (size_t)chunk * CHUNK;
    const size_t to = from + CHUNK < t->n_parameters ? from + CHUNK : t->n_parameters;
    const double n = (double)t->n_steps + 1.0;
    const float first = 1.0f / (1.0f - (float)pow(first_decay, n));
    const float second = 1.0f / (1.0f - (float)pow(second_decay, n));
    const float keep = fminf(0.998f, (float)(n / (n + 10.0)));
    const float shrink = 1.0f - t->rate * weight_decay;
    for (size_t i = from; i < to; i++) {
        float g = 0.0f;
        for (int j = 0; j < LANDMARK_SHARDS; j++)
            g += t->shards[j].gradient[i];
        t->first[i] = first_decay * t->first[i] + (1.0f - first_decay) * g;
        t->second[i] = second_decay * t->second[i] + (1.0f - second_decay) * g * g;
        t->parameters[i] =
            shrink * t->parameters[i] -
            t->rate * first * t->first[i] / (sqrtf(second * t->second[i]) + 1e-8f);
        t->average[i] = keep * t->average[i] + (1.0f - keep) * t->parameters[i];
    }
}

static void remember_norms(landmark_trainer *t)
{
    const float keep = fminf(norm_memory, (float)t->n_steps / ((float)t->n_steps + 1.0f));
    const float share = (1.0f - keep) / LANDMARK_SHARDS;
    for (int i = 0; i < t->plan->n_layers; i++) {
        for (int c = 0; c < t->plan->layers[i].out && t->plan->layers[i].kernel; c++) {
            t->mean[i][c] *= keep;
            t->variance[i][c] *= keep;
            for (int j = 0; j < LANDMARK_SHARDS; j++) {
                t->mean[i][c] += share * t->shards[j].mean[i][c];
                t->variance[i][c] += share * t->shards[j].variance[i][c];
            }
        }
    }
}

mexpr_status landmark_trainer_step(
    landmark_trainer *t, const int *faces, float rate, double *error)
{
    t->faces = faces;
    t->rate = rate;
    mx_parallel_for(t->scope->context, LANDMARK_SHARDS, LANDMARK_SHARDS, run_shard, t);
    *error = 0.0;
    for (int i = 0; i < LANDMARK_SHARDS; i++) {
        if (t->shards[i].status != MEXPR_OK)
            return mx_fail(t->scope, t->shards[i].status, "%s", t->shards[i].scope.error);
        *error += t->shards[i].error / LANDMARK_BATCH;
    }
    const int n_chunks = (int)((t->n_parameters + CHUNK - 1) / CHUNK);
    mx_parallel_for(t->scope->context, LANDMARK_SHARDS, n_chunks, update, t);
    remember_norms(t);
    t->n_steps++;
    return MEXPR_OK;
}

/* --- storing ----------------------------------------------------------------------- */

static void write_float(uint8_t *bytes, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
}

/* One output's weights: `factor` from the normalisation goes into them. */
static float store_weights(
    const float *weights, size_t n, size_t step, float factor, uint8_t *bytes)
{
    float largest = 1e-20f;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(factor * weights[i * step]));
    const float scale = largest / 127.0f;
    for (size_t i = 0; i < n; i++)
        bytes[i * step] = (uint8_t)(int8_t)lrintf(factor * weights[i * step] / scale);
    return scale;
}

void landmark_trainer_store(const landmark_trainer *t, uint8_t *bytes)
{
    for (int i = 0; i < t->plan->n_layers; i++) {
        const mx_small_layer *layer = &t->plan->layers[i];
        const size_t taps = mx_small_layer_taps(layer), out = (size_t)layer->out;
        const float *weights = t->average + t->weights[i];
        uint8_t *stored = bytes + 8 * out;
        for (size_t o = 0; o < out; o++) {
            float factor = 1.0f, bias = t->average[t->bias[i] + o];
            if (layer->kernel) {
                factor =
                    t->average[t->gain[i] + o] / sqrtf(t->variance[i][o] + norm_epsilon);
                bias -= factor * t->mean[i][o];
            }
            const size_t at = layer->kernel ? o : o * taps;
            write_float(bytes + 4 * o, store_weights(weights + at, taps,
                                           layer->kernel ? out : 1, factor, stored + at));
            write_float(bytes + 4 * (out + o), bias);
        }
        bytes = stored + taps * out;
    }
}
