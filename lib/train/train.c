/* SPDX-License-Identifier: MIT */
/* Training in one call: kernel machines and networks by their recipes. */
#include <string.h>

#include "base/comma_list.h"
#include "microexpr/system.h"
#include "train/flow_features.h"
#include "train/flow_kernel.h"
#include "train/recipe.h"

const char *mexpr_train_system(int32_t index)
{
    int32_t n_kernels = 0;
    while (mx_flow_kernel_name(n_kernels))
        n_kernels++;
    if (index < n_kernels)
        return mx_flow_kernel_name(index);
    const mx_recipe *recipe = mx_recipe_at(index - n_kernels);
    return recipe ? recipe->system : NULL;
}

static bool is_kernel(const char *system)
{
    for (int32_t k = 0; mx_flow_kernel_name(k); k++)
        if (strcmp(mx_flow_kernel_name(k), system) == 0)
            return true;
    return false;
}

static mexpr_status check_inputs(mx_scope *scope, const mexpr_tensor_view *inputs)
{
    if (inputs->struct_size < sizeof *inputs)
        return mx_fail(scope, MEXPR_E_ABI, "the struct_size of inputs is too small");
    if (inputs->dtype != MEXPR_DTYPE_F32)
        return mx_fail(scope, MEXPR_E_TYPE, "the inputs must be float32");
    if (inputs->rank != 4 || inputs->dims[0] < 1 || inputs->dims[1] != 3 ||
        inputs->dims[2] != MX_FLOW_SIDE || inputs->dims[3] != MX_FLOW_SIDE)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the inputs must be N x 3 x %d x %d: u, v and strain", MX_FLOW_SIDE,
            MX_FLOW_SIDE);
    return MEXPR_OK;
}

/* --- networks ----------------------------------------------------------------------- */

typedef struct listener {
    mexpr_progress_fn progress;
    void *user;
} listener;

static int32_t tell(void *user, int32_t epoch, int32_t n_epochs, double loss)
{
    const listener *t = user;
    (void)loss;
    return t->progress && t->progress(t->user, (uint64_t)epoch, (uint64_t)n_epochs);
}

static mexpr_status run(
    mx_scope *scope, mexpr_trainer *trainer, listener *told, mexpr_model **out)
{
    mexpr_status status = mexpr_trainer_run(trainer, tell, told);
    if (status == MEXPR_OK)
        status = mexpr_trainer_model(trainer, out);
    return status == MEXPR_OK
               ? MEXPR_OK
               : mx_fail(scope, status, "%s", mexpr_trainer_last_error(trainer));
}

static mexpr_status train_network(mx_scope *scope, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_train_options *o, listener *told, mexpr_model **out)
{
    mexpr_system_options build = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_trainer_options options = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_model *model = NULL;
    mexpr_trainer *trainer = NULL;
    build.n_classes = n_classes;
    build.seed = o->seed;
    mexpr_trainer_recipe(system, &options);
    options.seed = o->seed;
    options.labels = o->labels;
    if (o->epochs)
        options.epochs = o->epochs;
    if (o->normalisation)
        options.normalisation = o->normalisation;
    mexpr_status status = mexpr_system_build(scope->context, system, &build, &model);
    if (status == MEXPR_OK)
        status = mexpr_trainer_create(
            scope->context, model, inputs, labels, n_classes, &options, &trainer);
    mexpr_model_destroy(&model);
    if (status == MEXPR_OK)
        status = run(scope, trainer, told, out);
    mexpr_trainer_destroy(&trainer);
    return status;
}

/* --- the door ----------------------------------------------------------------------- */

mexpr_status mexpr_train(mexpr_context *context, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_train_options *options, mexpr_progress_fn progress, void *user,
    mexpr_model **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    listener told = {progress, user};
    if (!system || !inputs || !inputs->data || !labels)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_train() was given NULL");
    mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status == MEXPR_OK && !is_kernel(system) && !mx_recipe_find(system))
        status = mx_fail(scope, MEXPR_E_NOT_FOUND,
            "no system '%.60s' can be trained; docs/train.md lists those that can",
            system);
    if (status == MEXPR_OK)
        status = check_inputs(scope, inputs);
    if (status == MEXPR_OK && o.labels)
        status = mx_comma_list_check(
            scope, MEXPR_E_RANGE, "the option labels", o.labels, n_classes);
    if (status != MEXPR_OK)
        return status;
    return is_kernel(system)
               ? mx_flow_kernel_train(scope, system, inputs, labels, n_classes, o.labels,
                     progress, user, out)
               : train_network(scope, system, inputs, labels, n_classes, &o, &told, out);
}
