/* SPDX-License-Identifier: MIT */
/* A network with what has to be done to clips before it, and after it, in one graph. */
#ifndef MX_TRAIN_COMPOSE_H
#define MX_TRAIN_COMPOSE_H

#include "model/model_handle.h"
#include "train/recipe.h"

/* The metadata of a network that a trainer made: what is done to clips is inside it. */
#define MX_PREPARED "microexpr.normalisation"

/* How the clips of a trainer become inputs of its model. */
typedef struct mx_composition {
    const mx_recipe *recipe; /* NULL: the model takes the clips as they are */
    int32_t normalisation;   /* mexpr_normalisation, of flow alone */
    int n_tensors;           /* that the loss is of besides the scores */
    const char *tensors[2 * MX_MAX_TERMS]; /* while it is composed */
    bool is_mirrored;   /* scores are means over clip and mirror image */
    const char *labels; /* NULL: those of the model, if there are as many */
    int32_t n_classes;
} mx_composition;

/* From clips that have been normalised to the outputs of the model that training needs:
 * the scores, then those of the terms. */
mexpr_status mx_compose_training(mx_scope *scope, const mexpr_model *model,
    const mx_composition *composition, mexpr_model **out);
/* From clips as the trainer was given them to scores. */
mexpr_status mx_compose_final(mx_scope *scope, const mexpr_model *model,
    const mx_composition *composition, mexpr_model **out);
/* Normalises n clips of 3×28×28 in place. */
mexpr_status mx_compose_normalise(mx_scope *scope, int64_t n, float *values);

#endif
