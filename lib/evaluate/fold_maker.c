/* SPDX-License-Identifier: MIT */
/* Which clips are held out together, by protocol. */
#include <string.h>

#include "base/comma_list.h"
#include "evaluate/fold_learner.h"
#include "evaluate/fold_maker.h"

enum { DEAL_STREAM = 1 };

static mexpr_status deal(mx_scope *scope, const mexpr_evaluate_options *o,
    int32_t n_persons, mexpr_evaluation *e)
{
    int32_t *fold = mx_alloc(scope, (size_t)n_persons, sizeof *fold);
    if (!fold)
        return MEXPR_E_NOMEM;
    const mexpr_status status =
        mx_deal_persons(scope, o->seed, DEAL_STREAM, n_persons, o->n_folds, fold);
    for (int64_t i = 0; i < e->n && status == MEXPR_OK; i++)
        e->folds[i] = fold[e->persons[i]];
    mx_free(scope->context, fold);
    e->n_folds = o->n_folds;
    return status;
}

static bool is_name(mx_comma_name given, const char *name)
{
    return given.length == strlen(name) && memcmp(given.start, name, given.length) == 0;
}

/* Whether the name is one of a list with commas. */
static bool is_listed(const char *list, const char *name)
{
    while (list)
        if (is_name(mx_comma_list_next(&list), name))
            return true;
    return false;
}

/* Every name of a list must be a database's. */
static mexpr_status check_list(
    mx_scope *scope, const mexpr_manifest *manifest, const char *list)
{
    const int32_t n = mexpr_manifest_n_datasets(manifest);
    while (list) {
        const mx_comma_name given = mx_comma_list_next(&list);
        int32_t k = 0;
        while (k < n && !is_name(given, mexpr_manifest_dataset(manifest, k)))
            k++;
        if (k == n)
            return mx_fail(scope, MEXPR_E_NOT_FOUND,
                "the manifest has no database '%.*s'",
                given.length < 80 ? (int)given.length : 80, given.start);
    }
    return MEXPR_OK;
}

static mexpr_status hold_out(mx_scope *scope, const mexpr_manifest *manifest,
    const mexpr_evaluate_options *o, mexpr_evaluation *e, bool *passed_over)
{
    const char *train = o->train_dataset, *test = o->test_dataset;
    if (!test)
        return mx_fail(scope, MEXPR_E_ARG, "test_dataset is needed for a holdout");
    mexpr_status status = check_list(scope, manifest, train);
    if (status == MEXPR_OK)
        status = check_list(scope, manifest, test);
    for (int64_t i = 0; i < e->n && status == MEXPR_OK; i++) {
        const char *name = mexpr_manifest_dataset(manifest, e->datasets[i]);
        e->folds[i] = is_listed(test, name) ? 0 : -1;
        passed_over[i] = train && !is_listed(train, name);
        if (e->folds[i] == 0 && is_listed(train, name))
            return mx_fail(scope, MEXPR_E_RANGE,
                "database '%.80s' is to be trained on and tested on", name);
    }
    e->n_folds = 1;
    return status;
}

mexpr_status mx_make_folds(mx_scope *scope, const mexpr_manifest *manifest,
    const mexpr_evaluate_options *o, mexpr_evaluation *e, bool *passed_over)
{
    const int32_t n_persons = mexpr_manifest_n_persons(manifest);
    const size_t bytes = (size_t)e->n * sizeof *e->folds;
    mexpr_status status = MEXPR_OK;
    if (o->protocol == MEXPR_PROTOCOL_HOLDOUT)
        return hold_out(scope, manifest, o, e, passed_over);
    if (o->protocol == MEXPR_PROTOCOL_LOSO) {
        memcpy(e->folds, e->persons, bytes);
        e->n_folds = n_persons;
    } else if (o->protocol == MEXPR_PROTOCOL_DATASET) {
        memcpy(e->folds, e->datasets, bytes);
        e->n_folds = e->n_datasets;
    } else if (o->n_folds > n_persons) {
        status = mx_fail(
            scope, MEXPR_E_RANGE, "%d folds of %d persons", o->n_folds, n_persons);
    } else {
        status = deal(scope, o, n_persons, e);
    }
    if (status == MEXPR_OK && e->n_folds < 2)
        status = mx_fail(
            scope, MEXPR_E_RANGE, "everything is one fold: nothing is left to train on");
    return status;
}
