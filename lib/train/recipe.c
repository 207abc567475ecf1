/* SPDX-License-Identifier: MIT */
#include "train/recipe.h"

#include <string.h>

#include "base/scope.h"

enum { STRUCT_SIZE_MAX = 4096 };

static void optimise(mexpr_trainer_options *o, int32_t method, double rate, double decay)
{
    o->optimiser = method;
    o->rate = rate;
    o->weight_decay = decay;
}

static void go(mexpr_trainer_options *o, int32_t epochs, int32_t batch)
{
    o->epochs = epochs;
    o->batch = batch;
}

static void schedule(
    mexpr_trainer_options *o, int32_t kind, double factor, int32_t step_epochs)
{
    o->schedule = kind;
    o->factor = factor;
    o->step_epochs = step_epochs;
}

/* --- as published, or ours ---------------------------------------------------------- */

static void ststnet(mexpr_trainer_options *o)
{
    go(o, 800, 256);
    optimise(o, MEXPR_OPTIMISER_ADAM, 5e-5, 0);
    o->is_shuffled = 0;
}

/* Learns from flow in pixels, which pictures of 0..255 do not have any more. */
static void off_tanet(mexpr_trainer_options *o)
{
    go(o, 201, 64);
    optimise(o, MEXPR_OPTIMISER_ADAM, 1e-3, 0);
    schedule(o, MEXPR_SCHEDULE_STEP, 0.3, 60);
    o->normalisation = MEXPR_NORMALISATION_FLOW;
}

static void dual_atme(mexpr_trainer_options *o)
{
    go(o, 60, 128);
    optimise(o, MEXPR_OPTIMISER_ADAM, 1e-3, 0);
    schedule(o, MEXPR_SCHEDULE_STEP, 0.5, 10);
    o->loss = MEXPR_LOSS_FOCAL;
}

static void featref(mexpr_trainer_options *o)
{
    go(o, 60, 32);
    optimise(o, MEXPR_OPTIMISER_ADAM, 1e-4, 0);
    o->is_balanced = 1;
    o->flip = 0.5;
}

static void mfe_net(mexpr_trainer_options *o)
{
    go(o, 200, 64);
    optimise(o, MEXPR_OPTIMISER_ADAM, 5e-4, 1e-4);
    o->flip = 0.5;
}

static void msjfn(mexpr_trainer_options *o)
{
    go(o, 80, 32);
    optimise(o, MEXPR_OPTIMISER_ADAM, 1e-3, 1e-4);
    schedule(o, MEXPR_SCHEDULE_COSINE, 0, 1);
    o->is_balanced = 1;
    o->flip = 0.5;
    o->turn = 8;
    o->shift = 1;
}

static void strcn(mexpr_trainer_options *o)
{
    go(o, 15, 10);
    optimise(o, MEXPR_OPTIMISER_SGD, 1e-3, 5e-4);
    schedule(o, MEXPR_SCHEDULE_STEP, 0.8, 3);
    o->is_nesterov = 1;
}

static void rcn(mexpr_trainer_options *o)
{
    go(o, 100, 64);
    optimise(o, MEXPR_OPTIMISER_SGD, 5e-4, 0);
}

static void deep_emotion(mexpr_trainer_options *o)
{
    go(o, 500, 32);
    optimise(o, MEXPR_OPTIMISER_ADAM, 1e-3, 0);
    schedule(o, MEXPR_SCHEDULE_COSINE, 0, 1);
    o->flip = 0.5;
    o->turn = 5;
}

static void htnet(mexpr_trainer_options *o)
{
    go(o, 800, 256);
    optimise(o, MEXPR_OPTIMISER_ADAM, 5e-5, 0);
    o->is_shuffled = 0;
}

static void dcbam(mexpr_trainer_options *o)
{
    go(o, 60, 32);
    optimise(o, MEXPR_OPTIMISER_ADAMW, 1e-3, 1e-4);
    schedule(o, MEXPR_SCHEDULE_COSINE, 0, 1);
    o->is_balanced = 1;
    o->flip = 0.5;
    o->turn = 8;
    o->shift = 1;
    o->gain = 0.1;
}

/* Both networks of ours. */
static void flow_ours(mexpr_trainer_options *o)
{
    go(o, 40, 64);
    optimise(o, MEXPR_OPTIMISER_ADAMW, 1e-3, 1e-2);
    schedule(o, MEXPR_SCHEDULE_COSINE, 0, 1);
    o->warm_up = 20;
    o->is_balanced = 1;
    o->average = 0.98;
    o->normalisation = MEXPR_NORMALISATION_FLOW;
    o->is_mirrored = 1;
    o->flip = 0.5;
    o->shift = 1.5;
    o->turn = 5;
    o->zoom = 0.05;
}

/* --- the table -----------------------------------------------------------------------
 */

#define FLOW(low, high)                                                                  \
    {                                                                                    \
        "flow", 3, {0, 1, 2}, low, high, MX_CUT_NONE                                     \
    }

/* In the order of mexpr_system_info_get(). The images of STSTNet are read as blue, green,
 * red: strain, v, u. */
static const mx_recipe recipes[] = {
    {.system = "ststnet",
        .fill = ststnet,
        .n_views = 1,
        .views = {{"flow", 3, {2, 1, 0}, 0, 255, MX_CUT_NONE}}},
    {.system = "dual-atme",
        .fill = dual_atme,
        .n_views = 2,
        .views = {{"entire", 3, {0, 1, 2}, -1, 1, MX_CUT_NONE},
            {"puzzled", 3, {0, 1, 2}, -1, 1, MX_CUT_BANDS}},
        .n_terms = 1,
        .terms = {{MX_TERM_COSINE, 0.01, {"entire.features", "puzzled.features"}}}},
    {.system = "off-tanet", .fill = off_tanet, .n_views = 1, .views = {FLOW(-1, 1)}},
    {.system = "mfe-net", .fill = mfe_net, .n_views = 1, .views = {FLOW(0, 1)}},
    {.system = "msjfn",
        .fill = msjfn,
        .n_views = 1,
        .views = {FLOW(-1, 1)},
        .n_terms = 4,
        .terms = {{MX_TERM_SCORES, 0.5, {"backbone.logits"}},
            {MX_TERM_SCORES, 0.25, {"joint1.logits"}},
            {MX_TERM_SCORES, 0.25, {"joint2.logits"}},
            {MX_TERM_SCORES, 0.25, {"joint3.logits"}}}},
    {.system = "featref",
        .fill = featref,
        .n_views = 2,
        .views = {{"flow_x", 3, {0, 0, 0}, 0, 1, MX_CUT_NONE},
            {"flow_y", 3, {1, 1, 1}, 0, 1, MX_CUT_NONE}},
        .n_terms = 1,
        .terms = {{MX_TERM_PROPOSALS, 1, {"proposals"}}}},
    {.system = "strcn",
        .fill = strcn,
        .n_views = 1,
        .views = {{"flow", 2, {0, 1}, 0, 255, MX_CUT_NONE}}},
    {.system = "rcn", .fill = rcn, .n_views = 1, .views = {FLOW(0, 1)}},
    {.system = "rcn-small", .fill = rcn, .n_views = 1, .views = {FLOW(0, 1)}},
    {.system = "deep-emotion",
        .fill = deep_emotion,
        .n_views = 1,
        .views = {{"face", 1, {2}, -1, 1, MX_CUT_NONE}}},
    {.system = "htnet",
        .fill = htnet,
        .n_views = 1,
        .views = {{"flow", 3, {0, 1, 2}, 0, 255, MX_CUT_PARTS}}},
    {.system = "dcbam-efficientnet", .fill = dcbam, .n_views = 1, .views = {FLOW(-1, 1)}},
    {.system = "flow-c2s", .fill = flow_ours, .n_views = 1, .views = {FLOW(-1, 1)}},
    {.system = "flow-attention",
        .fill = flow_ours,
        .n_views = 1,
        .views = {FLOW(-1, 1)},
        .n_terms = 5,
        .terms = {{MX_TERM_SCORES, 1, {"flow.logits"}},
            {MX_TERM_SCORES, 1, {"derivatives.logits"}},
            {MX_TERM_SCORES, 1, {"memory1.logits"}},
            {MX_TERM_SCORES, 1, {"memory2.logits"}},
            {MX_TERM_SCORES, 1, {"memory3.logits"}}}},
};

enum { N_RECIPES = sizeof recipes / sizeof recipes[0] };

const mx_recipe *mx_recipe_at(int index)
{
    return index >= 0 && index < N_RECIPES ? &recipes[index] : NULL;
}

const mx_recipe *mx_recipe_find(const char *system)
{
    for (int k = 0; system && k < N_RECIPES; k++)
        if (strcmp(recipes[k].system, system) == 0)
            return &recipes[k];
    return NULL;
}

mexpr_status mexpr_trainer_recipe(const char *system, mexpr_trainer_options *options)
{
    static const mexpr_trainer_options standard = MEXPR_TRAINER_OPTIONS_INIT;
    const mx_recipe *recipe = mx_recipe_find(system);
    if (!system || !options)
        return MEXPR_E_ARG;
    const size_t size = options->struct_size;
    if (size < sizeof *options || size > STRUCT_SIZE_MAX)
        return MEXPR_E_ABI;
    if (!recipe)
        return MEXPR_E_NOT_FOUND;
    *options = standard;
    options->struct_size = size;
    recipe->fill(options);
    return MEXPR_OK;
}
