/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/scope.h"
#include "system/system_table.h"

enum { STRUCT_SIZE_MAX = 4096, MIN_CLASSES = 2, MAX_CLASSES = 1000, MAX_SIZE = 4096 };

static const mx_system *const systems[] = {
    &mx_system_ststnet,
    &mx_system_dual_atme,
    &mx_system_off_tanet,
    &mx_system_mfe_net,
    &mx_system_msjfn,
    &mx_system_featref,
    &mx_system_strcn,
    &mx_system_rcn,
    &mx_system_rcn_small,
    &mx_system_deep_emotion,
    &mx_system_htnet,
    &mx_system_dcbam_efficientnet,
    &mx_system_flow_c2s,
    &mx_system_flow_attention,
};

enum { N_SYSTEMS = sizeof systems / sizeof systems[0] };

int32_t mexpr_system_count(void)
{
    return N_SYSTEMS;
}

mexpr_status mexpr_system_info_get(int32_t index, mexpr_system_info *info)
{
    if (!info || index < 0 || index >= N_SYSTEMS)
        return MEXPR_E_ARG;
    const size_t size = info->struct_size;
    if (size < sizeof *info || size > STRUCT_SIZE_MAX)
        return MEXPR_E_ABI;
    *info = systems[index]->info;
    info->struct_size = size;
    return MEXPR_OK;
}

int32_t mexpr_system_find(const char *name)
{
    for (int32_t i = 0; name && i < N_SYSTEMS; i++) {
        if (strcmp(systems[i]->info.name, name) == 0)
            return i;
    }
    return -1;
}

static mexpr_status check_request(mx_scope *scope, const mx_system *system,
    const mexpr_system_options *options, mx_request *request)
{
    const mexpr_system_info *info = &system->info;
    const int32_t size = options->size, step = info->size_step;
    request->n_classes = options->n_classes ? options->n_classes : info->n_classes;
    request->width = size ? size : info->width;
    request->height = size ? size : info->height;
    if (request->n_classes < MIN_CLASSES || request->n_classes > MAX_CLASSES)
        return mx_fail(scope, MEXPR_E_RANGE, "%s can have %d to %d classes, not %d",
            info->name, MIN_CLASSES, MAX_CLASSES, options->n_classes);
    if (request->width == info->width && request->height == info->height)
        return MEXPR_OK;
    if (step == 0)
        return mx_fail(scope, MEXPR_E_RANGE, "%s takes pictures of %d x %d, not %d x %d",
            info->name, info->width, info->height, size, size);
    if (size < step || size > MAX_SIZE || size % step != 0)
        return mx_fail(scope, MEXPR_E_RANGE,
            "%s takes pictures of %d x %d or of a multiple of %d up to %d, not %d",
            info->name, info->width, info->height, step, MAX_SIZE, size);
    return MEXPR_OK;
}

static mexpr_status build(mx_scope *scope, const mx_system *system,
    const mx_request *request, uint64_t seed, mexpr_model **out)
{
    mexpr_builder *b;
    mx_layers layers;
    mexpr_status status = mexpr_builder_create(scope->context, system->info.name, &b);
    if (status != MEXPR_OK)
        return status;
    mx_layers_init(&layers, b);
    mexpr_builder_seed(b, seed);
    mexpr_builder_metadata(b, "microexpr.system", system->info.name);
    if (request->n_classes == 3)
        mexpr_builder_metadata(b, "microexpr.labels", "negative,positive,surprise");
    if (system->planes)
        mexpr_builder_metadata(b, "microexpr.planes", system->planes);
    if (system->range)
        mexpr_builder_metadata(b, "microexpr.range", system->range);
    system->build(&layers, request);
    status = mexpr_builder_finish(b, out);
    if (status != MEXPR_OK)
        mx_fail(scope, status, "%s", mexpr_builder_last_error(b));
    mexpr_builder_destroy(&b);
    return status;
}

mexpr_status mexpr_system_build(mexpr_context *context, const char *name,
    const mexpr_system_options *options, mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!name || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_system_build() was given NULL");
    mexpr_system_options known = MEXPR_SYSTEM_OPTIONS_INIT;
    mx_request request;
    mexpr_status status = MEXPR_OK;
    if (options)
        status = mx_options_copy(scope, options, sizeof known, &known, sizeof known);
    const int32_t index = mexpr_system_find(name);
    if (status == MEXPR_OK && index < 0)
        status = mx_fail(scope, MEXPR_E_NOT_FOUND,
            "there is no system '%.100s'; docs/system.md lists them", name);
    if (status == MEXPR_OK)
        status = check_request(scope, systems[index], &known, &request);
    if (status != MEXPR_OK)
        return status;
    return build(scope, systems[index], &request, known.seed, out);
}
