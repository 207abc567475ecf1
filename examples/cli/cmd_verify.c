/* SPDX-License-Identifier: MIT */
/* microexpr model verify: the folder layout of the ONNX backend test suite. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "json.h"
#include "rewrite_params.h"

typedef struct verify_request {
    cli_number rtol;
    cli_number atol;
    cli_list without;
    int threads;
    int json;
} verify_request;

static const cli_option options[] = {
    {"rtol", 0, CLI_NUMBER, offsetof(verify_request, rtol), "X",
        "relative tolerance of float32 outputs (1e-3)"},
    {"atol", 0, CLI_NUMBER, offsetof(verify_request, atol), "X",
        "absolute tolerance of float32 outputs (1e-5)"},
    NO_REWRITE_OPTION(verify_request, without),
    {"threads", 0, CLI_INT, offsetof(verify_request, threads), "N",
        "threads, 1 to 64 (1)"},
    {"json", 0, CLI_FLAG, offsetof(verify_request, json), NULL, "print JSON"},
    {0},
};

static const char set_prefix[] = "test_data_set_";

enum { PATH_SIZE = 4096 };

/* What the command owns while it runs. */
typedef struct verify_job {
    const verify_request *request;
    const char *folder;
    double rtol;
    double atol;
    mexpr_context *context;
    mexpr_model *model;
    mexpr_session *session;
    mexpr_tensor **inputs; /* of the current set, one for each input of the model */
    char **sets;
    size_t n_sets;
    int n_outputs;
    int n_wrong;
    text out;
} verify_job;

/* --- the folder -------------------------------------------------------------------- */

static int join(char *path, const char *folder, const char *set, const char *name)
{
    const int n =
        snprintf(path, PATH_SIZE, "%s%s%s/%s", folder, *set ? "/" : "", set, name);
    if (n < 0 || n >= PATH_SIZE)
        return cli_fail("'%.100s…': the name is too long", folder);
    return CLI_OK;
}

static int exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* test_data_set_2 before test_data_set_10. */
static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const size_t m = strlen(x), n = strlen(y);
    return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

static int add_set(verify_job *job, const char *name)
{
    char **sets = realloc(job->sets, (job->n_sets + 1) * sizeof *sets);
    if (sets)
        job->sets = sets;
    const size_t size = strlen(name) + 1;
    char *copy = sets ? malloc(size) : NULL;
    if (!copy)
        return cli_fail("out of memory; close other programs and try again");
    memcpy(copy, name, size);
    job->sets[job->n_sets++] = copy;
    return CLI_OK;
}

static int find_sets(verify_job *job)
{
    DIR *folder = opendir(job->folder);
    if (!folder)
        return cli_fail("cannot open the folder '%s': %s", job->folder, strerror(errno));
    int code = CLI_OK;
    for (struct dirent *entry; code == CLI_OK && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, set_prefix, sizeof set_prefix - 1) == 0)
            code = add_set(job, entry->d_name);
    }
    closedir(folder);
    if (code == CLI_OK && job->n_sets == 0)
        return cli_fail(
            "'%s' has no folder test_data_set_0; give a folder laid out as the "
            "ONNX backend tests are",
            job->folder);
    if (code == CLI_OK)
        qsort(job->sets, job->n_sets, sizeof *job->sets, by_number);
    return code;
}

static int read_tensor(verify_job *job, const char *path, mexpr_tensor **out)
{
    const mexpr_status status = mexpr_tensor_read(job->context, path, out);
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

/* --- comparison -------------------------------------------------------------------- */

typedef struct comparison {
    int same_kind; /* type and shape agree */
    size_t n;
    size_t n_wrong;
    double largest; /* difference */
} comparison;

static int same_kind(const mexpr_tensor_view *a, const mexpr_tensor_view *b)
{
    int same = a->dtype == b->dtype && a->rank == b->rank;
    for (int32_t d = 0; same && d < a->rank; d++)
        same = a->dims[d] == b->dims[d];
    return same;
}

static void compare_floats(
    const verify_job *job, const float *actual, const float *expected, comparison *result)
{
    for (size_t i = 0; i < result->n; i++) {
        const double a = (double)actual[i], e = (double)expected[i];
        if (a == e || (isnan(a) && isnan(e)))
            continue;
        const double difference = fabs(a - e);
        if (!(difference <= job->atol + job->rtol * fabs(e)) || isinf(e))
            result->n_wrong++;
        result->largest = fmax(result->largest, difference); /* passes NaN over */
    }
}

static void compare_bytes(
    size_t element, const unsigned char *a, const unsigned char *e, comparison *result)
{
    for (size_t i = 0; i < result->n; i++)
        result->n_wrong += memcmp(a + i * element, e + i * element, element) != 0;
}

static comparison compare(const verify_job *job, const mexpr_tensor_view *actual,
    const mexpr_tensor_view *expected)
{
    comparison result = {same_kind(actual, expected), 1, 0, 0};
    for (int32_t d = 0; d < expected->rank; d++)
        result.n *= (size_t)expected->dims[d];
    if (!result.same_kind)
        result.n_wrong = result.n;
    else if (expected->dtype == MEXPR_DTYPE_F32)
        compare_floats(job, actual->data, expected->data, &result);
    else
        compare_bytes(mexpr_dtype_bytes((mexpr_dtype)expected->dtype), actual->data,
            expected->data, &result);
    return result;
}

/* --- one data set ------------------------------------------------------------------ */

static void report(
    verify_job *job, const char *set, const char *name, const comparison *c)
{
    const int agrees = c->same_kind && c->n_wrong == 0;
    job->n_outputs++;
    job->n_wrong += !agrees;
    if (job->request->json) {
        json_open(&job->out, '{');
        json_key(&job->out, "set");
        json_string(&job->out, set);
        json_key(&job->out, "output");
        json_string(&job->out, name);
        json_key(&job->out, "agrees");
        json_boolean(&job->out, agrees);
        json_key(&job->out, "elements");
        json_integer(&job->out, (int64_t)c->n);
        json_key(&job->out, "wrong");
        json_integer(&job->out, (int64_t)c->n_wrong);
        json_key(&job->out, "max_difference");
        json_number(&job->out, c->largest, 6);
        json_close(&job->out, '}');
    } else if (!c->same_kind) {
        text_add(&job->out, "%s/%s: type or shape differs\n", set, name);
    } else {
        text_add(&job->out, "%s/%s: %s, %zu of %zu elements differ, by %.3g at most\n",
            set, name, agrees ? "agrees" : "DIFFERS", c->n_wrong, c->n, c->largest);
    }
}

/* The tensor's own name when the model knows it, otherwise the file's number. */
static const char *input_name(
    const verify_job *job, const mexpr_tensor *tensor, int32_t k)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    const char *numbered = NULL;
    for (int32_t i = 0; i < mexpr_model_n_inputs(job->model); i++) {
        if (mexpr_model_input(job->model, i, &info) != MEXPR_OK)
            continue;
        if (strcmp(info.name, mexpr_tensor_name(tensor)) == 0)
            return info.name;
        if (i == k)
            numbered = info.name;
    }
    return numbered;
}

static int set_inputs(verify_job *job, const char *set)
{
    char name[64], path[PATH_SIZE];
    for (int32_t k = 0; k < mexpr_model_n_inputs(job->model); k++) {
        snprintf(name, sizeof name, "input_%d.pb", (int)k);
        if (join(path, job->folder, set, name) != CLI_OK ||
            read_tensor(job, path, &job->inputs[k]) != CLI_OK)
            return CLI_FAILED;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        mexpr_status status = mexpr_tensor_get(job->inputs[k], &view);
        if (status == MEXPR_OK)
            status = mexpr_session_set_input(
                job->session, input_name(job, job->inputs[k], k), &view);
        if (status != MEXPR_OK)
            return cli_fail_status(status, mexpr_session_last_error(job->session), path);
    }
    return CLI_OK;
}

static int check_output(verify_job *job, const char *set, int32_t k, const char *path)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    mexpr_tensor_view actual = MEXPR_TENSOR_VIEW_INIT, expected = MEXPR_TENSOR_VIEW_INIT;
    mexpr_tensor *tensor = NULL;
    int code = read_tensor(job, path, &tensor);
    if (code != CLI_OK)
        return code;
    mexpr_status status = mexpr_model_output(job->model, k, &info);
    if (status == MEXPR_OK)
        status = mexpr_session_output(job->session, info.name, &actual);
    if (status == MEXPR_OK)
        status = mexpr_tensor_get(tensor, &expected);
    if (status == MEXPR_OK) {
        const comparison result = compare(job, &actual, &expected);
        report(job, set, info.name, &result);
    } else {
        code = cli_fail_status(status, mexpr_session_last_error(job->session), path);
    }
    mexpr_tensor_destroy(&tensor);
    return code;
}

static int check_outputs(verify_job *job, const char *set)
{
    char name[64], path[PATH_SIZE];
    int found = 0;
    for (int32_t k = 0; k < mexpr_model_n_outputs(job->model); k++) {
        snprintf(name, sizeof name, "output_%d.pb", (int)k);
        if (join(path, job->folder, set, name) != CLI_OK)
            return CLI_FAILED;
        if (!exists(path))
            continue;
        found = 1;
        if (check_output(job, set, k, path) != CLI_OK)
            return CLI_FAILED;
    }
    return found
               ? CLI_OK
               : cli_fail("'%s/%s' has no output_0.pb to compare with", job->folder, set);
}

static void drop_inputs(verify_job *job)
{
    for (int32_t k = 0; k < mexpr_model_n_inputs(job->model); k++)
        mexpr_tensor_destroy(&job->inputs[k]);
}

static int verify_set(verify_job *job, const char *set)
{
    int code = set_inputs(job, set);
    if (code == CLI_OK) {
        const mexpr_status status = mexpr_session_run(job->session);
        if (status != MEXPR_OK)
            code = cli_fail_status(status, mexpr_session_last_error(job->session), set);
    }
    if (code == CLI_OK)
        code = check_outputs(job, set);
    drop_inputs(job);
    return code;
}

/* --- the command ------------------------------------------------------------------- */

static int start(verify_job *job)
{
    char path[PATH_SIZE];
    int code = find_sets(job);
    if (code == CLI_OK)
        code = cli_context(job->request->threads, &job->context);
    if (code == CLI_OK)
        code = join(path, job->folder, "", "model.onnx");
    if (code == CLI_OK)
        code = rewrite_load(job->context, path, &job->request->without, &job->model);
    if (code != CLI_OK)
        return code;
    const size_t n_inputs = (size_t)mexpr_model_n_inputs(job->model);
    job->inputs = calloc(n_inputs + 1, sizeof(mexpr_tensor *));
    if (!job->inputs)
        return cli_fail("out of memory; close other programs and try again");
    const mexpr_status status = mexpr_session_create(job->model, &job->session);
    return status == MEXPR_OK ? CLI_OK : cli_fail_status(status, NULL, job->folder);
}

static int verify_sets(verify_job *job)
{
    if (job->request->json) {
        json_open(&job->out, '{');
        json_key(&job->out, "results");
        json_open(&job->out, '[');
    }
    for (size_t i = 0; i < job->n_sets; i++) {
        const int code = verify_set(job, job->sets[i]);
        if (code != CLI_OK)
            return code;
    }
    if (job->request->json) {
        json_close(&job->out, ']');
        json_key(&job->out, "agrees");
        json_boolean(&job->out, job->n_wrong == 0);
        json_close(&job->out, '}');
        text_add(&job->out, "\n");
    }
    const int code = cli_print(&job->out);
    if (code == CLI_OK && job->n_wrong > 0)
        return cli_fail(
            "%d of %d outputs of '%s' differ; see the list, or raise --rtol and "
            "--atol",
            job->n_wrong, job->n_outputs, job->folder);
    return code;
}

static double tolerance(const cli_number *given, double standard)
{
    return given->given ? given->value : standard;
}

static int run(const void *opaque, char **arguments, int n)
{
    verify_job job = {.request = opaque, .folder = arguments[0]};
    (void)n;
    job.rtol = tolerance(&job.request->rtol, 1e-3);
    job.atol = tolerance(&job.request->atol, 1e-5);
    if (job.rtol < 0 || job.atol < 0)
        return cli_usage("--rtol and --atol must not be negative");
    int code = start(&job);
    if (code == CLI_OK)
        code = verify_sets(&job);
    text_free(&job.out);
    mexpr_session_destroy(&job.session);
    free(job.inputs);
    mexpr_model_destroy(&job.model);
    mexpr_context_destroy(&job.context);
    for (size_t i = 0; i < job.n_sets; i++)
        free(job.sets[i]);
    free(job.sets);
    return code;
}

const cli_command cmd_model_verify = {
    .group = "model",
    .name = "verify",
    .arguments = "DIR",
    .summary = "Compare a model's outputs with expected ones",
    .about =
        "DIR is laid out as the tests of the ONNX backend suite: model.onnx and\n"
        "test_data_set_N/input_K.pb, output_K.pb. The exit code is 0 when all agree:\n"
        "|actual - expected| <= atol + rtol * |expected|, integers and shapes exactly.",
    .options = options,
    .request_size = sizeof(verify_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
