/* SPDX-License-Identifier: MIT */
#include "recognizer/result.h"

#include <math.h>

mexpr_status mx_result_create(
    mx_scope *scope, const mx_class_names *names, mexpr_result **out)
{
    *out = NULL;
    mexpr_result *result = mx_calloc(scope, 1, sizeof *result);
    if (!result)
        return MEXPR_E_NOMEM;
    result->context = mx_context_retain(scope->context);
    result->onset = result->apex = -1;
    result->scores = mx_calloc(scope, (size_t)names->n, 2 * sizeof *result->scores);
    mexpr_status status = result->scores ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        status = mx_class_names_copy(scope, names, &result->names);
    if (status != MEXPR_OK) {
        mexpr_result_destroy(&result);
        return status;
    }
    result->logits = result->scores + names->n;
    *out = result;
    return MEXPR_OK;
}

void mexpr_result_destroy(mexpr_result **result)
{
    if (!result || !*result)
        return;
    mexpr_result *r = *result;
    mexpr_context *context = r->context;
    *result = NULL;
    mexpr_image_destroy(&r->picture);
    mexpr_field_destroy(&r->field);
    mx_free(context, r->names.text);
    mx_free(context, r->scores);
    mx_free(context, r);
    mx_context_release(context);
}

/* exp(l_i - max l) / Σ exp(l_k - max l): no exponent above 0, so no overflow. */
static void softmax(const double *logits, int32_t n, double highest, double *scores)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        scores[i] = exp(logits[i] - highest);
        sum += scores[i];
    }
    for (int32_t i = 0; i < n; i++)
        scores[i] /= sum;
}

mexpr_status mx_result_set_logits(
    mx_scope *scope, mexpr_result *result, const float *logits)
{
    const int32_t n = result->names.n;
    result->best = 0;
    for (int32_t i = 0; i < n; i++) {
        if (!isfinite(logits[i]))
            return mx_fail(scope, MEXPR_E_MODEL,
                "the network's output for class '%.100s' is not a number; check its "
                "weights",
                mx_class_names_get(&result->names, i));
        result->logits[i] = (double)logits[i];
        if (logits[i] > logits[result->best])
            result->best = i;
    }
    softmax(result->logits, n, result->logits[result->best], result->scores);
    return MEXPR_OK;
}

/* --- questions --------------------------------------------------------------------- */

static bool has_class(const mexpr_result *result, int32_t index)
{
    return result && index >= 0 && index < result->names.n;
}

int32_t mexpr_result_n_classes(const mexpr_result *result)
{
    return result ? result->names.n : 0;
}

const char *mexpr_result_class_name(const mexpr_result *result, int32_t index)
{
    return result ? mx_class_names_get(&result->names, index) : NULL;
}

double mexpr_result_score(const mexpr_result *result, int32_t index)
{
    return has_class(result, index) ? result->scores[index] : 0;
}

double mexpr_result_logit(const mexpr_result *result, int32_t index)
{
    return has_class(result, index) ? result->logits[index] : 0;
}

int32_t mexpr_result_class(const mexpr_result *result)
{
    return result ? result->best : 0;
}

const char *mexpr_result_label(const mexpr_result *result)
{
    return mexpr_result_class_name(result, mexpr_result_class(result));
}

const mexpr_field *mexpr_result_field(const mexpr_result *result)
{
    return result ? result->field : NULL;
}

const mexpr_image *mexpr_result_picture(const mexpr_result *result)
{
    return result ? result->picture : NULL;
}

double mexpr_result_milliseconds(const mexpr_result *result, mexpr_stage stage)
{
    if (!result || (int)stage < MEXPR_STAGE_PREPARE || (int)stage > MX_STAGES)
        return 0;
    return result->milliseconds[stage - MEXPR_STAGE_PREPARE];
}

int32_t mexpr_result_n_faces(const mexpr_result *result)
{
    return result ? result->n_faces : 0;
}

mexpr_status mexpr_result_face(const mexpr_result *result, mexpr_face *face)
{
    if (!result || !face)
        return MEXPR_E_ARG;
    if (face->struct_size < sizeof *face)
        return MEXPR_E_ABI;
    if (result->n_faces == 0)
        return MEXPR_E_STATE;
    const size_t size = face->struct_size;
    *face = result->face;
    face->struct_size = size;
    return MEXPR_OK;
}

mexpr_status mexpr_result_alignment(
    const mexpr_result *result, mexpr_alignment *alignment)
{
    if (!result || !alignment)
        return MEXPR_E_ARG;
    if (alignment->struct_size < sizeof *alignment)
        return MEXPR_E_ABI;
    if (result->n_faces == 0)
        return MEXPR_E_STATE;
    const size_t size = alignment->struct_size;
    *alignment = result->alignment;
    alignment->struct_size = size;
    return MEXPR_OK;
}

int64_t mexpr_result_onset(const mexpr_result *result)
{
    return result ? result->onset : -1;
}

int64_t mexpr_result_apex(const mexpr_result *result)
{
    return result ? result->apex : -1;
}
