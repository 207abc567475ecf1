/* SPDX-License-Identifier: MIT */
/* Class activation maps: L = max(0, Σ w_k A_k) over the channels A_k of a feature map.
 *
 * Grad-CAM (Selvaraju et al. 2017) has for w_k the mean of dy/dA_k over the positions of
 * the channel. That mean is the derivative of y along the channel as a whole, which two
 * runs of what lies behind the feature map give, without a backward pass:
 * w_k = (y(A + h 1_k) - y(A - h 1_k)) / (2 h n). It is exact, but for rounding, where y
 * is linear in A (global pooling and one linear layer: the CAM of Zhou et al. 2016), and
 * wherever the step crosses no bend; otherwise its error is of order h².
 *
 * Ablation-CAM (Desai and Ramaswamy 2020) has w_k = y - y(A without A_k), here without
 * their division by y, which is the same for all channels. */
#include <math.h>
#include <string.h>

#include "image/picture.h"
#include "model/extract.h"
#include "saliency/saliency_parts.h"

/* The step, of the root mean square of the feature map. */
static const double step_share = 1.0 / 32;

typedef struct cam {
    mx_explain *e;
    const char *layer;
    mexpr_model *front; /* from the inputs to the feature map */
    mexpr_model *back;  /* from there to the output */
    mexpr_session *session;
    mexpr_tensor_view features;
    mexpr_tensor_view *inputs; /* of `back` */
    int32_t n; /* samples: 1, or 2 where the network looks at the mirror image too */
    int32_t channels, frames, height, width;
    size_t positions; /* of a channel */
    double step;
    mx_probe probe;
    double *weights; /* by channel */
    float *map;      /* height × width */
    mx_resizer *resizer;
} cam;

/* --- the feature map --------------------------------------------------------------- */

static mexpr_status split_model(cam *c)
{
    const mx_explain *e = c->e;
    const int32_t n = mexpr_model_n_inputs(e->model);
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    mexpr_status status = mexpr_model_output(e->model, e->options.output, &info);
    const char *const output = info.name;
    const char **names = mx_alloc(e->scope, (size_t)n + 1, sizeof *names);
    if (!names)
        return MEXPR_E_NOMEM;
    for (int32_t i = 0; status == MEXPR_OK && i < n; i++) {
        status = mexpr_model_input(e->model, i, &info);
        names[i] = info.name;
    }
    names[n] = c->layer;
    const mx_part front = {names, (size_t)n, &c->layer, 1, true};
    const mx_part back = {names, (size_t)n + 1, &output, 1, true};
    if (status == MEXPR_OK)
        status = mx_model_extract(e->scope, e->model, &front, &c->front);
    if (status == MEXPR_OK)
        status = mx_model_extract(e->scope, e->model, &back, &c->back);
    mx_free(e->scope->context, names);
    return status;
}

/* The view that the caller gave for an input of one of the halves; the number of that
 * input, -1: it is the feature map. */
static int32_t find_input(const cam *c, const char *name)
{
    const int32_t n = mexpr_model_n_inputs(c->e->model);
    for (int32_t i = 0; i < n; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (mexpr_model_input(c->e->model, i, &info) == MEXPR_OK &&
            strcmp(info.name, name) == 0)
            return i;
    }
    return -1;
}

static mexpr_status run_front(cam *c)
{
    mx_scope *scope = c->e->scope;
    mexpr_status status = mexpr_session_create(c->front, &c->session);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "no session for the network: %s",
            mexpr_status_message(status));
    for (int32_t i = 0; i < mexpr_model_n_inputs(c->front); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        status = mexpr_model_input(c->front, i, &info);
        const int32_t given = status == MEXPR_OK ? find_input(c, info.name) : -1;
        if (given >= 0)
            status = mexpr_session_set_input(c->session, info.name, &c->e->inputs[given]);
    }
    if (status == MEXPR_OK)
        status = mexpr_session_run(c->session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(c->session, NULL, &c->features);
    return status == MEXPR_OK
               ? MEXPR_OK
               : mx_fail(scope, status, "%s", mexpr_session_last_error(c->session));
}

/* A network of the trainer, as its metadata tell, may have a mirror image behind. */
static int32_t most_samples(const cam *c)
{
    return mexpr_model_metadata(c->e->model, "microexpr.normalisation") ? 2 : 1;
}

static mexpr_status check_features(cam *c)
{
    const mexpr_tensor_view *f = &c->features;
    bool fits = f->dtype == MEXPR_DTYPE_F32 && (f->rank == 4 || f->rank == 5) &&
                f->dims[0] >= 1 && f->dims[0] <= most_samples(c);
    for (int32_t d = 1; fits && d < f->rank; d++)
        fits = f->dims[d] > 0 && f->dims[d] <= INT32_MAX;
    if (!fits)
        return mx_fail(c->e->scope, MEXPR_E_SHAPE,
            "the layer '%.200s' is no feature map: it must be float32 of "
            "1×channels×height×width or 1×channels×frames×height×width",
            c->layer);
    c->n = (int32_t)f->dims[0];
    c->channels = (int32_t)f->dims[1];
    c->frames = f->rank == 5 ? (int32_t)f->dims[2] : 1;
    c->height = (int32_t)f->dims[f->rank - 2];
    c->width = (int32_t)f->dims[f->rank - 1];
    c->positions = (size_t)c->frames * (size_t)c->height * (size_t)c->width;
    return mx_check_size(c->e->scope, c->width, c->height);
}

static void find_step(cam *c)
{
    const float *a = c->features.data;
    const size_t n = (size_t)c->n * (size_t)c->channels * c->positions;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)a[i];
    c->step = step_share * sqrt(sum / (double)n);
    if (!(c->step > 0))
        c->step = step_share;
}

/* --- weights ----------------------------------------------------------------------- */

static mexpr_status start_probe(cam *c)
{
    const mx_explain *e = c->e;
    const int32_t n = mexpr_model_n_inputs(c->back);
    int32_t varied = -1;
    c->inputs = mx_alloc(e->scope, (size_t)n, sizeof *c->inputs);
    if (!c->inputs)
        return MEXPR_E_NOMEM;
    for (int32_t i = 0; i < n; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        const mexpr_status status = mexpr_model_input(c->back, i, &info);
        if (status != MEXPR_OK)
            return status;
        const bool is_layer = strcmp(info.name, c->layer) == 0;
        varied = is_layer ? i : varied;
        c->inputs[i] = is_layer ? c->features : e->inputs[find_input(c, info.name)];
    }
    if (varied < 0)
        return mx_fail(e->scope, MEXPR_E_SHAPE,
            "the output does not depend on the layer '%.200s'", c->layer);
    return mx_probe_init(
        e->scope, c->back, c->inputs, varied, 0, e->options.batch, &c->probe);
}

/* Variant k: a channel moved by `by`, or 0 for Ablation-CAM; and back. */
static void change(cam *c, int32_t k, int32_t channel, double by)
{
    const float *features = c->features.data;
    float *variant = c->probe.variants + (size_t)k * c->probe.sample;
    const bool ablates = c->e->options.method == MEXPR_SALIENCY_ABLATION_CAM;
    for (int32_t s = 0; s < c->n; s++) {
        const size_t at =
            ((size_t)s * (size_t)c->channels + (size_t)channel) * c->positions;
        for (size_t i = at; i < at + c->positions; i++)
            variant[i] = by == 0   ? features[i]
                         : ablates ? 0
                                   : (float)((double)features[i] + by);
    }
}

/* Variant v of all: channel and direction. */
static double move_of(const cam *c, int32_t v, int32_t *channel)
{
    const bool ablates = c->e->options.method == MEXPR_SALIENCY_ABLATION_CAM;
    *channel = ablates ? v : v / 2;
    return ablates || v % 2 == 0 ? c->step : -c->step;
}

static void weigh(cam *c, int32_t v, double score)
{
    int32_t channel;
    const double move = move_of(c, v, &channel);
    if (c->e->options.method == MEXPR_SALIENCY_ABLATION_CAM)
        c->weights[channel] = c->e->result->score - score;
    else
        c->weights[channel] +=
            (move > 0 ? score : -score) / (2 * c->step * (double)c->positions * c->n);
}

static mexpr_status find_weights(cam *c)
{
    const bool ablates = c->e->options.method == MEXPR_SALIENCY_ABLATION_CAM;
    const int32_t total = ablates ? c->channels : 2 * c->channels;
    for (int32_t first = 0; first < total; first += c->probe.capacity) {
        const int32_t left = total - first;
        const int32_t n = left < c->probe.capacity ? left : c->probe.capacity;
        const float *scores;
        int32_t channel;
        for (int32_t k = 0; k < n; k++) {
            const double move = move_of(c, first + k, &channel);
            change(c, k, channel, move);
        }
        mexpr_status status = mx_probe_run(&c->probe, n, &scores);
        if (status != MEXPR_OK)
            return status;
        for (int32_t k = 0; k < n; k++) {
            const float *row = scores + (size_t)k * (size_t)c->probe.n_classes;
            weigh(c, first + k, mx_explain_score(c->e, row, c->probe.n_classes));
            move_of(c, first + k, &channel);
            change(c, k, channel, 0);
        }
        status = mx_explain_progress(c->e, (uint64_t)(first + n), (uint64_t)total);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* --- the map ----------------------------------------------------------------------- */

/* Σ w_k A_k of a sample at a position, mean over the frames. */
static double sum_at(const cam *c, int32_t sample, size_t i)
{
    const size_t n = (size_t)c->height * (size_t)c->width;
    const float *a = (const float *)c->features.data +
                     (size_t)sample * (size_t)c->channels * c->positions;
    double sum = 0;
    for (int32_t k = 0; k < c->channels; k++)
        for (int32_t t = 0; t < c->frames; t++)
            sum += c->weights[k] *
                   (double)a[((size_t)k * (size_t)c->frames + (size_t)t) * n + i];
    return sum / c->frames;
}

/* Of a mirror image, turned back, and the clip the mean. */
static void sum_channels(cam *c)
{
    const size_t n = (size_t)c->height * (size_t)c->width, width = (size_t)c->width;
    for (size_t i = 0; i < n; i++) {
        double sum = sum_at(c, 0, i);
        if (c->n > 1)
            sum = (sum + sum_at(c, 1, i - i % width + width - 1 - i % width)) / 2;
        c->map[i] = sum > 0 ? (float)sum : 0;
    }
}

static mexpr_status enlarge(cam *c)
{
    const mx_explain *e = c->e;
    const mexpr_status status = mx_resizer_create(e->scope, c->width, c->height, e->width,
        e->height, MEXPR_FILTER_BILINEAR, &c->resizer);
    if (status == MEXPR_OK)
        mx_resizer_run(c->resizer, c->map, mexpr_image_pixels(e->result->map));
    return status;
}

static mexpr_status keep_layer(cam *c)
{
    mx_scope *scope = c->e->scope;
    c->e->result->layer = mx_strndup(scope, c->layer, strlen(c->layer));
    c->weights = mx_calloc(scope, (size_t)c->channels, sizeof *c->weights);
    c->map = mx_alloc(scope, (size_t)c->height * (size_t)c->width, sizeof *c->map);
    return c->e->result->layer && c->weights && c->map ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status explain(cam *c)
{
    const mx_explain *e = c->e;
    const float *scores;
    mexpr_status status =
        mx_saliency_layer_find(e->scope, e->model, e->options.layer, &c->layer);
    if (status == MEXPR_OK)
        status = split_model(c);
    if (status == MEXPR_OK)
        status = run_front(c);
    if (status == MEXPR_OK)
        status = check_features(c);
    if (status == MEXPR_OK)
        status = keep_layer(c);
    if (status == MEXPR_OK)
        status = start_probe(c);
    if (status == MEXPR_OK)
        status = mx_probe_run(&c->probe, 1, &scores);
    if (status == MEXPR_OK)
        status = mx_explain_target(c->e, &c->probe, scores);
    if (status != MEXPR_OK)
        return status;
    find_step(c);
    status = find_weights(c);
    if (status != MEXPR_OK)
        return status;
    sum_channels(c);
    return enlarge(c);
}

mexpr_status mx_explain_cam(mx_explain *e)
{
    cam c = {.e = e, .features = MEXPR_TENSOR_VIEW_INIT};
    const mexpr_status status = explain(&c);
    mexpr_context *context = e->scope->context;
    mx_resizer_destroy(context, &c.resizer);
    mx_free(context, c.map);
    mx_free(context, c.weights);
    mx_probe_release(&c.probe);
    mx_free(context, c.inputs);
    mexpr_session_destroy(&c.session);
    mexpr_model_destroy(&c.back);
    mexpr_model_destroy(&c.front);
    return status;
}
