/* SPDX-License-Identifier: MIT */
/* What `train` and `evaluate` share: labelled flow pictures. */
#ifndef CLI_LABELLED_H
#define CLI_LABELLED_H

#include "cli.h"

enum { LABELLED_SIDE = 28 }; /* of the pictures, px */

typedef struct labelled_request {
    const char *manifest;
    const char *inputs;
    const char *label;
    const char *system;
    cli_list crops;
} labelled_request;

#define LABELLED_OPTIONS(request, member)                                                \
    {"system", 0, CLI_TEXT, offsetof(request, member.system), "NAME",                    \
        "flow-derivative-svm, flow-c2s, ststnet, ... (needed; docs/train.md)"},          \
        {"manifest", 0, CLI_TEXT, offsetof(request, member.manifest), "F.csv",           \
            "the clips: file, subject, label, dataset (needed)"},                        \
        {"inputs", 0, CLI_TEXT, offsetof(request, member.inputs), "DIR",                 \
            "where their flow pictures are: 28 x 28, R = u, G = v, B = strain\n"         \
            "                              (needed)"},                                   \
        {"label", 0, CLI_TEXT, offsetof(request, member.label), "COLUMN",                \
            "the manifest's column of classes (label)"},                                 \
    {                                                                                    \
        "crop", 0, CLI_LIST, offsetof(request, member.crops), "DATASET:SX,SY,DX,DY",     \
            "read that database's pictures scaled and shifted; may be given again"       \
    }

/* Start with {0}. */
typedef struct labelled {
    mexpr_manifest *manifest;
    mexpr_tensor_view inputs;
    float *values;
    int32_t *labels;
    mexpr_dataset_crop *crops;
} labelled;

/* Whether all that is needed is there and the system exists; an exit code. */
int labelled_check(const labelled_request *request);
/* Reads manifest and pictures; an exit code. */
int labelled_read(
    const labelled_request *request, mexpr_context *context, labelled *data);
/* Reads --normalisation; an exit code. */
int labelled_normalisation(const char *given, int *normalisation);
/* Whether --seed is a whole number that a double holds; an exit code. */
int labelled_seed(const cli_number *seed);
void labelled_free(labelled *data);

#endif
