/* SPDX-License-Identifier: MIT */
#include "systems.h"

#include <stdlib.h>
#include <string.h>

/* A system as it is asked for. */
typedef struct system_way {
    const char *name;
    const systems *all;
} system_way;

static const cli_word fusions[] = {
    {"mean", MEXPR_JOINING_MEAN},
    {"product", MEXPR_JOINING_PRODUCT},
    {"max", MEXPR_JOINING_MAX},
    {"weighted", MEXPR_JOINING_WEIGHTED},
    {"learned", MEXPR_JOINING_LEARNED},
    {0},
};

int systems_fusion(const char *rule, int *joining)
{
    return cli_choose("--fusion", rule, fusions, joining);
}

const char *systems_fusion_name(int joining)
{
    const cli_word *word = fusions;
    while (word->word && word->value != joining)
        word++;
    return word->word;
}

int systems_decide(const systems *s, int joining)
{
    return s->n > 1 &&
           (joining == MEXPR_JOINING_SELECT || joining == MEXPR_JOINING_WEIGHTED ||
               joining == MEXPR_JOINING_LEARNED);
}

int systems_have_chance(const systems *s)
{
    mexpr_trainer_options recipe = MEXPR_TRAINER_OPTIONS_INIT;
    for (int32_t k = 0; k < s->n; k++)
        if (mexpr_trainer_recipe(s->list[k].name, &recipe) == MEXPR_OK)
            return 1;
    return 0;
}

static mexpr_status fit(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    const system_way *way = user;
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    o.epochs = way->all->epochs;
    o.normalisation = way->all->normalisation;
    o.labels = way->all->labels;
    o.seed = seed;
    return mexpr_train(
        context, way->name, inputs, labels, n_classes, &o, NULL, NULL, out);
}

static int check_twice(const systems *s)
{
    for (int32_t k = 0; k < s->n; k++)
        for (int32_t i = 0; i < k; i++)
            if (strcmp(s->list[i].name, s->list[k].name) == 0)
                return cli_usage("--system has '%s' twice", s->list[k].name);
    return CLI_OK;
}

int systems_read(const char *given, systems *out)
{
    const size_t size = strlen(given) + 1;
    out->names = malloc(size);
    out->list = calloc(size, sizeof *out->list);
    out->ways = calloc(size, sizeof *out->ways);
    if (!out->names || !out->list || !out->ways)
        return cli_fail("out of memory");
    memcpy(out->names, given, size);
    for (char *at = out->names; at;) {
        char *comma = strchr(at, ',');
        if (comma)
            *comma++ = '\0';
        out->ways[out->n] = (system_way){at, out};
        out->list[out->n] = (mexpr_candidate){at, fit, &out->ways[out->n]};
        out->n++;
        at = comma;
    }
    return check_twice(out);
}

void systems_free(systems *s)
{
    free(s->list);
    free(s->ways);
    free(s->names);
}
