/* SPDX-License-Identifier: MIT */
/* The systems of --system A,B,... as ways of training, and what becomes of several. */
#ifndef CLI_SYSTEMS_H
#define CLI_SYSTEMS_H

#include "cli.h"

struct system_way;

/* Start with {0}; set what training is to do before systems_read(). */
typedef struct systems {
    int epochs;         /* 0: those of the recipes */
    int normalisation;  /* 0: those of the recipes */
    const char *labels; /* names of the classes, or NULL */
    mexpr_candidate *list;
    int32_t n;
    /* Its own. */
    char *names; /* each ends in a 0 */
    struct system_way *ways;
} systems;

/* Takes the names that commas part apart; an exit code. The struct must not move. */
int systems_read(const char *given, systems *out);
void systems_free(systems *s);

/* mexpr_joining of --fusion RULE; unchanged without one. An exit code. */
int systems_fusion(const char *rule, int *joining);
/* NULL when it is none. */
const char *systems_fusion_name(int joining);
/* Whether inner folds decide about several systems. */
int systems_decide(const systems *s, int joining);
/* Whether a system has weights that begin at random. */
int systems_have_chance(const systems *s);

#endif
