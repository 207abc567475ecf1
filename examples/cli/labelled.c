/* SPDX-License-Identifier: MIT */
#include "labelled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int known(const char *system, size_t length)
{
    for (int32_t k = 0; mexpr_train_system(k); k++)
        if (strlen(mexpr_train_system(k)) == length &&
            memcmp(mexpr_train_system(k), system, length) == 0)
            return 1;
    return 0;
}

static int refuse(const char *system, int length)
{
    text names = {0};
    for (int32_t k = 0; mexpr_train_system(k); k++)
        text_add(&names, "%s%s", k ? ", " : "", mexpr_train_system(k));
    const int code = cli_usage("--system '%.*s' cannot be trained; these can: %s", length,
        system, names.bytes ? names.bytes : "");
    text_free(&names);
    return code;
}

/* Each of the names that commas part. */
static int check_systems(const char *names)
{
    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        const size_t length = strcspn(at, ",");
        if (!known(at, length))
            return refuse(at, (int)length);
    }
    return CLI_OK;
}

int labelled_check(const labelled_request *request)
{
    if (!request->system)
        return cli_usage("no system given; name one with --system NAME");
    const int code = check_systems(request->system);
    if (code != CLI_OK)
        return code;
    if (!request->manifest)
        return cli_usage("no clips given; name their table with --manifest F.csv");
    if (!request->inputs)
        return cli_usage("no pictures given; name their folder with --inputs DIR");
    return CLI_OK;
}

/* "DATASET:SX,SY,DX,DY"; the text is cut where the name ends. */
static int read_crop(char *given, mexpr_dataset_crop *crop)
{
    char *colon = strrchr(given, ':');
    char rest;
    if (!colon || colon == given ||
        sscanf(colon + 1, "%lf,%lf,%lf,%lf%c", &crop->scale_x, &crop->scale_y,
            &crop->shift_x, &crop->shift_y, &rest) != 4)
        return cli_usage("--crop '%s' is not like smic:1,1.1,0,-0.5", given);
    *colon = 0;
    crop->dataset = given;
    return CLI_OK;
}

static int read_crops(const cli_list *list, labelled *data)
{
    int code = CLI_OK;
    data->crops = calloc((size_t)list->n + 1, sizeof *data->crops);
    if (!data->crops)
        return cli_fail("out of memory");
    for (int k = 0; k < list->n && code == CLI_OK; k++)
        code = read_crop((char *)list->items[k], &data->crops[k]);
    return code;
}

static int read_manifest(
    const labelled_request *request, mexpr_context *context, labelled *data)
{
    mexpr_manifest_options options = MEXPR_MANIFEST_OPTIONS_INIT;
    options.label = request->label;
    const mexpr_status status =
        mexpr_manifest_read(context, request->manifest, &options, &data->manifest);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(context), NULL);
    const int64_t n = mexpr_manifest_n_clips(data->manifest);
    data->labels = calloc((size_t)n + 1, sizeof *data->labels);
    if (!data->labels)
        return cli_fail("out of memory");
    for (int64_t i = 0; i < n; i++) {
        mexpr_record record = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(data->manifest, i, &record);
        if (record.label < 0)
            return cli_fail("%s: line %d has no label", request->manifest, record.line);
        data->labels[i] = record.label;
    }
    return n > 0 ? CLI_OK : cli_fail("%s: there are no clips", request->manifest);
}

int labelled_read(const labelled_request *request, mexpr_context *context, labelled *data)
{
    const size_t size = (size_t)3 * LABELLED_SIDE * LABELLED_SIDE;
    int code = read_crops(&request->crops, data);
    if (code == CLI_OK)
        code = read_manifest(request, context, data);
    if (code != CLI_OK)
        return code;
    const int64_t n = mexpr_manifest_n_clips(data->manifest);
    data->values = calloc((size_t)n, size * sizeof *data->values);
    if (!data->values)
        return cli_fail("out of memory");
    const mexpr_status status = mexpr_manifest_pictures(context, data->manifest,
        request->inputs, LABELLED_SIDE, LABELLED_SIDE, data->crops, request->crops.n,
        data->values, (size_t)n * size, NULL, NULL);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(context), NULL);
    data->inputs = (mexpr_tensor_view){.struct_size = sizeof data->inputs,
        .dtype = MEXPR_DTYPE_F32,
        .rank = 4,
        .dims = {n, 3, LABELLED_SIDE, LABELLED_SIDE},
        .data = data->values};
    return CLI_OK;
}

int labelled_normalisation(const char *given, int *normalisation)
{
    static const cli_word words[] = {
        {"picture", MEXPR_NORMALISATION_PICTURE},
        {"flow", MEXPR_NORMALISATION_FLOW},
        {0},
    };
    return cli_choose("--normalisation", given, words, normalisation);
}

int labelled_seed(const cli_number *seed)
{
    const double value = seed->value;
    return value >= 0 && value <= 9007199254740992.0 && value == (double)(uint64_t)value
               ? CLI_OK
               : cli_usage("--seed is a whole number from 0 to 2^53");
}

void labelled_free(labelled *data)
{
    mexpr_manifest_destroy(&data->manifest);
    free(data->values);
    free(data->labels);
    free(data->crops);
}
