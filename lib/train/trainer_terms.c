/* SPDX-License-Identifier: MIT */
/* What a loss has beside that of the scores: the terms of a recipe and those asked for.
 */
#include <string.h>

#include "base/checked.h"
#include "base/decimal.h"
#include "train/trainer_parts.h"

typedef struct term_kind {
    const char *name;
    mx_term_kind kind;
    int n_tensors;
    double temperature; /* 0: it has none */
} term_kind;

static const term_kind kinds[] = {
    {"scores", MX_TERM_SCORES, 1, 0},
    {"proposals", MX_TERM_PROPOSALS, 1, 0},
    {"cosine", MX_TERM_COSINE, 2, 0},
    {"kl", MX_TERM_KL, 2, 1},
    {"js", MX_TERM_JS, 2, 0},
    {"contrastive", MX_TERM_CONTRASTIVE, 1, 0.1},
    {"mmd", MX_TERM_MMD, 2, 0},
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0], SHOWN = 80 };

static mexpr_status refuse(mx_scope *scope, mx_text term, const char *why)
{
    return mx_fail(scope, MEXPR_E_RANGE, "term '%.*s': %s",
        term.size < SHOWN ? (int)term.size : SHOWN, term.at, why);
}

/* The piece before the first `mark`, which leaves *text; all of it where there is none.
 */
static mx_text take(mx_text *text, char mark)
{
    const char *found = text->size > 0 ? memchr(text->at, mark, text->size) : NULL;
    const mx_text piece = {text->at, found ? (size_t)(found - text->at) : text->size};
    const size_t used = piece.size + (found ? 1 : 0);
    *text = (mx_text){text->at + used, text->size - used};
    return mx_text_trim(piece);
}

/* --- outputs ------------------------------------------------------------------------ */

/* The number of a tensor among the outputs of the net: 0 has the scores. */
static mexpr_status add_tensor(mx_scope *scope, mexpr_trainer *t,
    const mexpr_model *model, mx_text name, int *output)
{
    mx_composition *c = &t->composition;
    const mx_graph *graph = &model->graph;
    if (mx_text_is(name, graph->outputs[0].name)) {
        *output = 0;
        return MEXPR_OK;
    }
    for (int k = 0; k < c->n_tensors; k++)
        if (mx_text_is(name, c->tensors[k])) {
            *output = k + 1;
            return MEXPR_OK;
        }
    for (int k = 0; k < graph->n_nodes; k++)
        for (int i = 0; i < graph->nodes[k].n_outputs; i++) {
            const int value = graph->nodes[k].outputs[i];
            if (value < 0 || !mx_text_is(name, graph->values[value].name))
                continue;
            c->tensors[c->n_tensors] = graph->values[value].name;
            *output = ++c->n_tensors;
            return MEXPR_OK;
        }
    return mx_fail(scope, MEXPR_E_NOT_FOUND, "term: no node of the network makes '%.*s'",
        name.size < SHOWN ? (int)name.size : SHOWN, name.at);
}

/* --- reading ------------------------------------------------------------------------ */

static const term_kind *find_kind(mx_text name)
{
    for (int k = 0; k < N_KINDS; k++)
        if (mx_text_is(name, kinds[k].name))
            return &kinds[k];
    return NULL;
}

/* KIND or KIND@TEMPERATURE, then the weight. */
static mexpr_status read_numbers(
    mx_scope *scope, mx_text whole, mx_text *rest, const term_kind **kind, mx_term *term)
{
    mx_text name = take(rest, ':');
    const mx_text weight = take(rest, ':');
    const bool is_told = name.size > 0 && memchr(name.at, '@', name.size);
    *kind = find_kind(take(&name, '@'));
    if (!*kind)
        return refuse(scope, whole,
            "kinds are scores, proposals, cosine, kl, js, contrastive and mmd");
    term->kind = (*kind)->kind;
    term->temperature = (*kind)->temperature;
    if (is_told && (term->temperature == 0 ||
                       !mx_decimal_parse(mx_text_trim(name), &term->temperature) ||
                       term->temperature < 1e-3 || term->temperature > 1e3))
        return refuse(scope, whole,
            "kl and contrastive may have a temperature of 0.001 to 1000: kl@4");
    if (!mx_decimal_parse(weight, &term->weight) || !(term->weight > 0) ||
        term->weight > 1e6)
        return refuse(
            scope, whole, "its weight is above 0 and at most 1e6: KIND:WEIGHT:TENSOR");
    return MEXPR_OK;
}

static mexpr_status read_term(
    mx_scope *scope, mexpr_trainer *t, const mexpr_model *model, mx_text whole)
{
    mx_term *term = &t->terms[t->n_terms];
    const term_kind *kind;
    mx_text rest = whole;
    if (t->n_terms == MX_MAX_TERMS)
        return mx_fail(
            scope, MEXPR_E_LIMIT, "a loss can have %d terms, no more", MX_MAX_TERMS);
    mexpr_status status = read_numbers(scope, whole, &rest, &kind, term);
    for (int k = 0; status == MEXPR_OK && k < kind->n_tensors; k++) {
        const mx_text name = take(&rest, ',');
        status = name.size > 0 ? add_tensor(scope, t, model, name, &term->outputs[k])
                               : refuse(scope, whole,
                                     kind->n_tensors == 1
                                         ? "it is of one tensor: KIND:WEIGHT:TENSOR"
                                         : "it is of two: KIND:WEIGHT:A,B");
    }
    if (status == MEXPR_OK && rest.size > 0)
        status = refuse(scope, whole, "it has too many tensors");
    t->n_terms++;
    return status;
}

mexpr_status mx_trainer_read_terms(
    mx_scope *scope, mexpr_trainer *trainer, const mexpr_model *model)
{
    mexpr_trainer *t = trainer;
    const mx_recipe *recipe = t->composition.recipe;
    mexpr_status status = MEXPR_OK;
    for (int k = 0; recipe && k < recipe->n_terms && status == MEXPR_OK; k++) {
        mx_term *term = &t->terms[t->n_terms++];
        *term = recipe->terms[k];
        for (int i = 0; i < 2 && term->tensors[i] && status == MEXPR_OK; i++)
            status = add_tensor(scope, t, model,
                (mx_text){term->tensors[i], strlen(term->tensors[i])}, &term->outputs[i]);
    }
    const char *given = t->o.terms ? t->o.terms : "";
    mx_text text = {given, strlen(given)};
    while (text.size > 0 && status == MEXPR_OK)
        status = read_term(scope, t, model, take(&text, ';'));
    return status;
}

/* --- shapes and memory -------------------------------------------------------------- */

static int n_tensors(const mx_term *term)
{
    for (int k = 0; k < N_KINDS; k++)
        if (kinds[k].kind == term->kind)
            return kinds[k].n_tensors;
    return 0;
}

static int64_t row_size(const mexpr_trainer *t, int output)
{
    return mx_tensor_count(mx_net_output(t->net, output)) / t->max_batch;
}

static mexpr_status check_shapes(
    mx_scope *scope, const mexpr_trainer *t, const mx_term *term)
{
    const bool is_of_classes =
        term->kind == MX_TERM_SCORES || term->kind == MX_TERM_PROPOSALS;
    for (int k = 0; k < n_tensors(term); k++) {
        const mx_tensor *tensor = mx_net_output(t->net, term->outputs[k]);
        const char *name = term->outputs[k] > 0
                               ? t->composition.tensors[term->outputs[k] - 1]
                               : "scores";
        if (tensor->dtype != MEXPR_DTYPE_F32 || tensor->rank < 2 ||
            tensor->dims[0] != t->max_batch || mx_tensor_count(tensor) == 0)
            return mx_fail(scope, MEXPR_E_SHAPE,
                "term: '%.80s' does not have a row of float32 numbers for every clip",
                name);
        if (is_of_classes && row_size(t, term->outputs[k]) != t->n_classes)
            return mx_fail(scope, MEXPR_E_SHAPE,
                "term: '%.80s' does not have %d numbers for every clip", name,
                t->n_classes);
        if (k > 0 && row_size(t, term->outputs[0]) != row_size(t, term->outputs[1]))
            return mx_fail(scope, MEXPR_E_SHAPE,
                "term: '%.80s' has rows of another length than what it is compared with",
                name);
    }
    return MEXPR_OK;
}

/* Doubles that a term works with; false when that is beyond counting. */
static bool work_size(const mexpr_trainer *t, const mx_term *term, size_t *out)
{
    const size_t n = (size_t)t->max_batch, row = (size_t)row_size(t, term->outputs[0]);
    *out = 0;
    if (term->kind == MX_TERM_CONTRASTIVE)
        return mx_mul_size(n, row + 1, out);
    return term->kind != MX_TERM_MMD || mx_mul_size(n, 2 * n - 1, out);
}

mexpr_status mx_trainer_check_terms(mx_scope *scope, mexpr_trainer *trainer)
{
    mexpr_trainer *t = trainer;
    size_t most = 0;
    for (int k = 0; k < t->n_terms; k++) {
        size_t size;
        const mexpr_status status = check_shapes(scope, t, &t->terms[k]);
        if (status != MEXPR_OK)
            return status;
        if (!work_size(t, &t->terms[k], &size) ||
            size > mx_context_limits(scope->context)->tensor_bytes / sizeof(double))
            return mx_fail(scope, MEXPR_E_LIMIT,
                "a term of the loss takes more than max_tensor_bytes for %lld clips at a "
                "time; take fewer, or raise it in the context options",
                (long long)t->max_batch);
        most = size > most ? size : most;
    }
    if (most == 0)
        return MEXPR_OK;
    t->term_work = mx_alloc(scope, most, sizeof *t->term_work);
    t->term_labels = mx_alloc(scope, (size_t)t->max_batch, sizeof *t->term_labels);
    return t->term_work && t->term_labels ? MEXPR_OK : MEXPR_E_NOMEM;
}
