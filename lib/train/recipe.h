/* SPDX-License-Identifier: MIT */
/* How each system is trained: docs/train.md has this table with its sources. */
#ifndef MX_TRAIN_RECIPE_H
#define MX_TRAIN_RECIPE_H

#include "microexpr/train.h"

enum { MX_MAX_VIEWS = 2, MX_MAX_TERMS = 8 };

/* How a picture is cut before it is resized to what the network takes. */
typedef enum mx_cut {
    MX_CUT_NONE,
    MX_CUT_BANDS, /* brows and eyes above the mouth, 60 : 40 */
    MX_CUT_PARTS /* 14×14 around the eyes above 14×14 around the corners of the mouth */
} mx_cut;

/* An input of a network, made of u, v, strain. */
typedef struct mx_view {
    const char *input;
    int n_planes;
    int64_t planes[3]; /* 0: u, 1: v, 2: strain */
    float low, high;   /* what 0 and 255 become */
    mx_cut cut;
} mx_view;

/* What a loss has beside that of the scores; but for the first two those of loss.h. */
typedef enum mx_term_kind {
    MX_TERM_SCORES = 1, /* the loss itself, of other scores */
    MX_TERM_PROPOSALS,  /* binary cross-entropy of probabilities of each class */
    MX_TERM_COSINE,
    MX_TERM_KL,
    MX_TERM_JS,
    MX_TERM_CONTRASTIVE,
    MX_TERM_MMD
} mx_term_kind;

typedef struct mx_term {
    mx_term_kind kind;
    double weight;
    const char *tensors[2]; /* of recipes, by name */
    double temperature;
    int outputs[2]; /* of the net, once it is known */
} mx_term;

typedef struct mx_recipe {
    const char *system;
    int n_views;
    mx_view views[MX_MAX_VIEWS];
    int n_terms;
    mx_term terms[MX_MAX_TERMS];
    void (*fill)(mexpr_trainer_options *options); /* over the standard ones */
} mx_recipe;

/* NULL: there is none. */
const mx_recipe *mx_recipe_find(const char *system);
/* Row `index`, NULL behind the last. */
const mx_recipe *mx_recipe_at(int index);

#endif
