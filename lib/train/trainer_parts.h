/* SPDX-License-Identifier: MIT */
/* What the files of the trainer share: trainer.c holds it and goes on from epoch to
 * epoch, trainer_options.c reads what is asked for, trainer_clips.c makes batches,
 * trainer_terms.c reads what the loss is of, trainer_loss.c computes it, trainer_file.c
 * keeps it on disk. */
#ifndef MX_TRAIN_TRAINER_PARTS_H
#define MX_TRAIN_TRAINER_PARTS_H

#include "dataset/sha256.h"
#include "train/augment.h"
#include "train/compose.h"
#include "train/net.h"
#include "train/optimiser.h"
#include "train/schedule.h"

enum { MX_TRAINER_TEXTS = 5 };

struct mexpr_trainer {
    mx_scope scope; /* its context is retained */
    mexpr_trainer_options o;
    char *texts[MX_TRAINER_TEXTS]; /* that the options point to */
    mx_composition composition;
    int n_terms;
    mx_term terms[MX_MAX_TERMS];
    double *term_work;    /* NULL: no term needs it */
    int32_t *term_labels; /* of the batch, NULL like term_work */

    int64_t n;
    int32_t n_classes;
    int32_t *labels;
    float *class_weights; /* n_classes */
    mx_tensor clips;      /* n of them, normalised */
    size_t clip_size;     /* floats */
    mx_planes planes;
    mx_augment augment;
    bool is_augmented;
    bool is_flow; /* clips are u, v and strain */

    mx_net *net;
    int n_groups;
    mx_weight_group *groups; /* one for each part of the net */
    mx_optimiser optimiser;
    mx_schedule schedule;
    float *average; /* of the weights, NULL: none */
    float *spare;   /* as many floats, NULL like average */

    uint32_t *order; /* clips of this epoch */
    int64_t max_batch;
    float *batch, *targets;
    float *work; /* for each thread */
    size_t work_size;
    int n_outputs;
    float **gradients; /* of the net's outputs */
    double *losses;    /* of every epoch, o.epochs */
    int32_t epoch;     /* done */
    bool is_torn;      /* an epoch failed half-way: the weights are of no epoch */
    char model_hash[MX_SHA256_TEXT], clips_hash[MX_SHA256_TEXT];
};

/* Random numbers of one purpose; each epoch and index has its own. */
typedef enum mx_chance {
    MX_CHANCE_ORDER = 1,
    MX_CHANCE_CLIP,
    MX_CHANCE_PARTNER,
    MX_CHANCE_STEP
} mx_chance;

void mx_trainer_chance(const mexpr_trainer *trainer, mx_chance chance, int64_t epoch,
    uint64_t index, mx_rng *rng);

/* Reads and checks options; texts are copied. */
mexpr_status mx_trainer_read_options(
    mx_scope *scope, const mexpr_trainer_options *options, mexpr_trainer *trainer);
/* Which weights learn, and how fast; after the net is there. */
mexpr_status mx_trainer_read_groups(mx_scope *scope, mexpr_trainer *trainer);

/* Which tensors of the model the loss is of; after the composition is there. */
mexpr_status mx_trainer_read_terms(
    mx_scope *scope, mexpr_trainer *trainer, const mexpr_model *model);
/* Whether they have what the terms need, once the net is planned. */
mexpr_status mx_trainer_check_terms(mx_scope *scope, mexpr_trainer *trainer);

/* Checks and copies clips and labels; needs options and composition. */
mexpr_status mx_trainer_take_clips(mx_scope *scope, mexpr_trainer *trainer,
    const mexpr_tensor_view *inputs, const int32_t *labels);
/* The order of the clips in this epoch. */
void mx_trainer_shuffle(mexpr_trainer *trainer);
/* Clips order[first], …, which may lie in batch, and what their scores should be in
 * targets. */
float *mx_trainer_fill(mexpr_trainer *trainer, int64_t first, int64_t n);

/* The loss of the net's outputs for the batch at hand, and its gradients. */
mexpr_status mx_trainer_loss(
    mx_scope *scope, mexpr_trainer *trainer, int64_t n, double *loss);

/* MEXPR_E_STATE when an epoch failed half-way and nothing was resumed since. */
mexpr_status mx_trainer_check_whole(mx_scope *scope, const mexpr_trainer *trainer);
/* MEXPR_E_RANGE when a weight, a statistic or a mean of them is not finite any more. */
mexpr_status mx_trainer_check_finite(mx_scope *scope, const mexpr_trainer *trainer);

/* Of the network as it was given and of the clips; once, when they are there. */
mexpr_status mx_trainer_hash(
    mx_scope *scope, mexpr_trainer *trainer, const mexpr_model *model);
/* MEXPR_E_FORMAT when the file is there and is no checkpoint. */
mexpr_status mx_trainer_check_path(mx_scope *scope, const char *path);

#endif
