/* SPDX-License-Identifier: MIT */
#include "microexpr/saliency.h"

#include <math.h>
#include <string.h>

#include "image/picture.h"
#include "saliency/saliency_parts.h"

enum { BATCH = 16, MAX_BATCH = 256, SQUARES_ACROSS = 6, SQUARES_OVER = 4 };

/* --- what methods share ------------------------------------------------------------ */

mexpr_status mx_explain_progress(const mx_explain *e, uint64_t done, uint64_t total)
{
    if (e->options.progress && e->options.progress(e->options.user, done, total) != 0)
        return mx_fail(e->scope, MEXPR_E_CANCELLED,
            "explaining was cancelled after %llu of %llu runs", (unsigned long long)done,
            (unsigned long long)total);
    return MEXPR_OK;
}

/* exp(l_t - max l) / Σ exp(l_k - max l), or the number itself. */
double mx_explain_score(const mx_explain *e, const float *scores, int64_t n)
{
    const int32_t target = e->result->target;
    double highest = -INFINITY, sum = 0;
    if (e->options.score == MEXPR_SALIENCY_SCORE_RAW)
        return (double)scores[target];
    for (int64_t i = 0; i < n; i++)
        highest = fmax(highest, (double)scores[i]);
    for (int64_t i = 0; i < n; i++)
        sum += exp((double)scores[i] - highest);
    return exp((double)scores[target] - highest) / sum;
}

mexpr_status mx_explain_target(mx_explain *e, const mx_probe *probe, const float *scores)
{
    int32_t target = e->options.target;
    if (target >= probe->n_classes)
        return mx_fail(e->scope, MEXPR_E_RANGE,
            "there is no class %d: the network has %lld", (int)target,
            (long long)probe->n_classes);
    if (target < 0) {
        target = 0;
        for (int32_t i = 1; i < probe->n_classes; i++)
            target = scores[i] > scores[target] ? i : target;
    }
    e->result->target = target;
    e->result->score = mx_explain_score(e, scores, probe->n_classes);
    return MEXPR_OK;
}

/* --- arguments --------------------------------------------------------------------- */

static mexpr_status check_choice(
    mx_scope *scope, const char *what, int32_t *value, int32_t standard, int32_t last)
{
    if (*value == 0)
        *value = standard;
    if (*value < 1 || *value > last)
        return mx_fail(scope, MEXPR_E_RANGE, "the %s %d is not one of 1 to %d", what,
            (int)*value, (int)last);
    return MEXPR_OK;
}

static mexpr_status check_number(
    mx_scope *scope, const char *what, int32_t value, int32_t n)
{
    if (value >= 0 && value < n)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_RANGE, "there is no %s %d: the network has %d", what,
        (int)value, (int)n);
}

static mexpr_status take_choices(mx_explain *e)
{
    mexpr_saliency_options *o = &e->options;
    mexpr_status status = check_choice(e->scope, "method", &o->method,
        MEXPR_SALIENCY_OCCLUSION, MEXPR_SALIENCY_ABLATION_CAM);
    const bool occludes = o->method == MEXPR_SALIENCY_OCCLUSION;
    if (status == MEXPR_OK)
        status = check_choice(e->scope, "fill", &o->fill, MEXPR_SALIENCY_FILL_MEAN,
            MEXPR_SALIENCY_FILL_VALUE);
    if (status == MEXPR_OK)
        status = check_choice(e->scope, "score", &o->score,
            occludes ? MEXPR_SALIENCY_SCORE_SOFTMAX : MEXPR_SALIENCY_SCORE_RAW,
            MEXPR_SALIENCY_SCORE_RAW);
    if (status == MEXPR_OK)
        status = check_choice(e->scope, "batch", &o->batch, BATCH, MAX_BATCH);
    if (status == MEXPR_OK)
        status =
            check_number(e->scope, "input", o->input, mexpr_model_n_inputs(e->model));
    if (status == MEXPR_OK)
        status =
            check_number(e->scope, "output", o->output, mexpr_model_n_outputs(e->model));
    if (status == MEXPR_OK && o->target < -1)
        status = mx_fail(e->scope, MEXPR_E_RANGE, "there is no class %d", (int)o->target);
    if (status == MEXPR_OK && !isfinite(o->fill_value))
        status = mx_fail(e->scope, MEXPR_E_RANGE, "the fill value is not finite");
    return status;
}

/* Squares lie within the picture; a stride larger than they are would leave gaps. */
static mexpr_status take_squares(mx_explain *e)
{
    mexpr_saliency_options *o = &e->options;
    const int32_t shorter = e->width < e->height ? e->width : e->height;
    if (o->patch == 0)
        o->patch = shorter < SQUARES_ACROSS ? 1 : shorter / SQUARES_ACROSS;
    if (o->patch < 1 || o->patch > shorter)
        return mx_fail(e->scope, MEXPR_E_RANGE,
            "squares of %d px do not fit into a picture of %d×%d", (int)o->patch,
            (int)e->width, (int)e->height);
    if (o->stride == 0)
        o->stride = o->patch < SQUARES_OVER ? 1 : o->patch / SQUARES_OVER;
    if (o->stride < 1 || o->stride > o->patch)
        return mx_fail(e->scope, MEXPR_E_RANGE,
            "a stride of %d px is not possible with squares of %d: 1 to their side is",
            (int)o->stride, (int)o->patch);
    return MEXPR_OK;
}

/* The explained input must be a picture of one sample; the session looks at the rest. */
static mexpr_status take_input(mx_explain *e)
{
    const mexpr_tensor_view *in = &e->inputs[e->options.input];
    bool fits = (in->rank == 4 || in->rank == 5) && in->dims[0] == 1;
    for (int32_t d = 1; fits && d < in->rank; d++)
        fits = in->dims[d] > 0 && in->dims[d] <= INT32_MAX;
    if (in->dtype != MEXPR_DTYPE_F32)
        return mx_fail(
            e->scope, MEXPR_E_TYPE, "the input to be explained is not float32");
    if (!fits || !in->data)
        return mx_fail(e->scope, MEXPR_E_SHAPE,
            "the input to be explained must be a picture of 1×channels×height×width or "
            "1×channels×frames×height×width");
    e->channels = (int32_t)in->dims[1];
    e->frames = in->rank == 5 ? (int32_t)in->dims[2] : 1;
    e->height = (int32_t)in->dims[in->rank - 2];
    e->width = (int32_t)in->dims[in->rank - 1];
    mexpr_status status = mx_check_size(e->scope, e->width, e->height);
    if (status == MEXPR_OK)
        status = take_squares(e);
    return status;
}

/* Copies the caller's views, as far as this library knows them. */
static mexpr_status take_views(
    mx_explain *e, const mexpr_tensor_view *given, mexpr_tensor_view *views, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        views[i] = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
        if (given[i].struct_size != sizeof *given)
            return mx_fail(e->scope, MEXPR_E_ABI,
                "struct_size of the tensor %d is %zu, not %zu", (int)i,
                given[i].struct_size, sizeof *given);
        views[i] = given[i];
        if (given[i].rank < 0 || given[i].rank > MEXPR_MAX_RANK)
            return mx_fail(e->scope, MEXPR_E_SHAPE, "the tensor %d has %d dimensions",
                (int)i, (int)given[i].rank);
    }
    e->inputs = views;
    return MEXPR_OK;
}

/* --- all --------------------------------------------------------------------------- */

static mexpr_status explain(mx_explain *e)
{
    mexpr_saliency *s = mx_calloc(e->scope, 1, sizeof *s);
    if (!s)
        return MEXPR_E_NOMEM;
    s->context = mx_context_retain(e->scope->context);
    e->result = s;
    const mexpr_status status =
        mx_image_new(e->scope, MEXPR_FORMAT_GREYF32, e->width, e->height, &s->map);
    if (status != MEXPR_OK)
        return status;
    return e->options.method == MEXPR_SALIENCY_OCCLUSION ? mx_explain_occlusion(e)
                                                         : mx_explain_cam(e);
}

static mexpr_status compute(mx_explain *e, const mexpr_tensor_view *given, int32_t n,
    const mexpr_saliency_options *options, mexpr_tensor_view *views)
{
    e->options = (mexpr_saliency_options)MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_status status = MEXPR_OK;
    if (options)
        status = mx_options_copy(
            e->scope, options, sizeof e->options, &e->options, sizeof e->options);
    if (status == MEXPR_OK)
        status = take_choices(e);
    if (status == MEXPR_OK)
        status = take_views(e, given, views, n);
    if (status == MEXPR_OK)
        status = take_input(e);
    return status == MEXPR_OK ? explain(e) : status;
}

mexpr_status mx_saliency_compute(mx_scope *scope, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t n_inputs,
    const mexpr_saliency_options *options, mexpr_saliency **out)
{
    if (n_inputs != mexpr_model_n_inputs(model) || n_inputs < 1)
        return mx_fail(scope, MEXPR_E_ARG, "the network has %d inputs, not %d",
            (int)mexpr_model_n_inputs(model), (int)n_inputs);
    mexpr_tensor_view *views = mx_alloc(scope, (size_t)n_inputs, sizeof *views);
    if (!views)
        return MEXPR_E_NOMEM;
    mx_explain e = {.scope = scope, .model = model};
    const mexpr_status status = compute(&e, inputs, n_inputs, options, views);
    mx_free(scope->context, views);
    if (status == MEXPR_OK)
        *out = e.result;
    else
        mexpr_saliency_destroy(&e.result);
    return status;
}

mexpr_status mexpr_saliency_compute(mexpr_context *context, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t n_inputs,
    const mexpr_saliency_options *options, mexpr_saliency **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!model || !inputs || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_saliency_compute() was given NULL");
    return mx_saliency_compute(scope, model, inputs, n_inputs, options, out);
}

void mexpr_saliency_destroy(mexpr_saliency **saliency)
{
    if (!saliency || !*saliency)
        return;
    mexpr_saliency *s = *saliency;
    mexpr_context *context = s->context;
    *saliency = NULL;
    mexpr_image_destroy(&s->flips);
    mexpr_image_destroy(&s->map);
    mx_free(context, s->layer);
    mx_free(context, s);
    mx_context_release(context);
}

const mexpr_image *mexpr_saliency_map(const mexpr_saliency *saliency)
{
    return saliency ? saliency->map : NULL;
}

const mexpr_image *mexpr_saliency_flips(const mexpr_saliency *saliency)
{
    return saliency ? saliency->flips : NULL;
}

int32_t mexpr_saliency_target(const mexpr_saliency *saliency)
{
    return saliency ? saliency->target : -1;
}

double mexpr_saliency_target_score(const mexpr_saliency *saliency)
{
    return saliency ? saliency->score : 0;
}

const char *mexpr_saliency_layer(const mexpr_saliency *saliency)
{
    return saliency && saliency->layer ? saliency->layer : "";
}
