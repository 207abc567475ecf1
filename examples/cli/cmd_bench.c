/* SPDX-License-Identifier: MIT */
/* microexpr model bench: how long a network takes, and where. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "json.h"

typedef struct bench_request {
    int runs;
    int threads;
    int batch;
    cli_list shapes;
    int csv;
    int json;
} bench_request;

static const cli_option options[] = {
    {"runs", 'n', CLI_INT, offsetof(bench_request, runs), "N",
        "runs that are timed (100)"},
    {"threads", 0, CLI_INT, offsetof(bench_request, threads), "N",
        "threads, 1 to 64 (1)"},
    {"batch", 'b', CLI_INT, offsetof(bench_request, batch), "N",
        "the first extent of inputs that leave it open (1)"},
    {"shape", 0, CLI_LIST, offsetof(bench_request, shapes), "NAME=NxN...",
        "the whole shape of an input"},
    {"csv", 0, CLI_FLAG, offsetof(bench_request, csv), NULL,
        "print the steps as CSV, in the order of running"},
    {"json", 0, CLI_FLAG, offsetof(bench_request, json), NULL, "print JSON"},
    {0},
};

enum { STANDARD_RUNS = 100, WARM_RUNS = 3, MOST_PROFILED = 100 };

/* What the command owns while it runs. */
typedef struct bench_job {
    const bench_request *request;
    mexpr_context *context;
    mexpr_model *model;
    mexpr_session *session;
    mexpr_tensor_view *views; /* of the inputs */
    void **data;
    double *times; /* of the runs, in ms, sorted in the end */
    int n_runs;
    double load_ms;
    mexpr_memory_info memory;
    mexpr_step_info *steps;
    int32_t n_steps;
    double profiled_ms; /* of all steps together */
    double multiply_adds;
} bench_job;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int no_memory(void)
{
    return cli_fail("out of memory; close other programs and try again");
}

/* --- inputs ------------------------------------------------------------------------ */

/* The shape that --shape gives the input, as text; NULL where it does not. */
static const char *given_shape(const bench_job *job, const char *name)
{
    const cli_list *shapes = &job->request->shapes;
    const size_t length = strlen(name);
    for (int i = 0; i < shapes->n; i++) {
        const char *equals = strrchr(shapes->items[i], '=');
        if (equals && (size_t)(equals - shapes->items[i]) == length &&
            memcmp(shapes->items[i], name, length) == 0)
            return equals + 1;
    }
    return NULL;
}

/* Every --shape must be for an input of the network. */
static int check_shapes(const bench_job *job)
{
    const cli_list *shapes = &job->request->shapes;
    for (int i = 0; i < shapes->n; i++) {
        const char *item = shapes->items[i], *equals = strrchr(item, '=');
        int is_known = 0;
        if (!equals)
            return cli_usage("--shape takes NAME=NxN..., not '%s'", item);
        for (int32_t k = 0; k < mexpr_model_n_inputs(job->model) && !is_known; k++) {
            mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
            is_known = mexpr_model_input(job->model, k, &info) == MEXPR_OK &&
                       strlen(info.name) == (size_t)(equals - item) &&
                       memcmp(info.name, item, (size_t)(equals - item)) == 0;
        }
        if (!is_known)
            return cli_usage("--shape: the network has no input '%.*s'; 'microexpr model "
                             "inspect' lists them",
                (int)(equals - item), item);
    }
    return CLI_OK;
}

static int read_shape(const char *given, mexpr_tensor_view *view)
{
    const char *at = given;
    for (view->rank = 0; view->rank < MEXPR_MAX_RANK; view->rank++) {
        char *end;
        view->dims[view->rank] = strtoll(at, &end, 10);
        if (end == at || view->dims[view->rank] < 0)
            break;
        if (*end == '\0') {
            view->rank++;
            return CLI_OK;
        }
        if (*end != 'x')
            break;
        at = end + 1;
    }
    return cli_usage("--shape takes numbers like 1x3x28x28, at most %d, not '%s'",
        MEXPR_MAX_RANK, given);
}

static int find_shape(
    const bench_job *job, const mexpr_tensor_info *info, mexpr_tensor_view *view)
{
    const char *given = given_shape(job, info->name);
    view->dtype = info->dtype;
    if (given)
        return read_shape(given, view);
    view->rank = info->rank;
    for (int32_t d = 0; d < info->rank; d++) {
        view->dims[d] = info->dims[d];
        if (d == 0 && info->dims[d] < 0)
            view->dims[d] = job->request->batch ? job->request->batch : 1;
    }
    for (int32_t d = 0; d < info->rank; d++) {
        if (view->dims[d] < 0)
            view->rank = -1;
    }
    if (view->rank < 0)
        return cli_fail("the input '%s' leaves its shape open; give it with --shape "
                        "%s=...",
            info->name, info->name);
    return CLI_OK;
}

/* float32 evenly within -1..1, the same every time; zeros of other types, which are valid
 * indices. */
static int make_input(bench_job *job, int32_t index)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    mexpr_tensor_view *view = &job->views[index];
    *view = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
    if (mexpr_model_input(job->model, index, &info) != MEXPR_OK)
        return no_memory();
    const int code = find_shape(job, &info, view);
    if (code != CLI_OK)
        return code;
    size_t n = 1;
    for (int32_t d = 0; d < view->rank; d++) {
        if (view->dims[d] != 0 && n > SIZE_MAX / 16 / (size_t)view->dims[d])
            return cli_fail("the input '%s' would be too large", info.name);
        n *= (size_t)view->dims[d];
    }
    job->data[index] = calloc(n + 1, 8);
    if (!job->data[index])
        return no_memory();
    uint32_t state = 1;
    for (size_t i = 0; view->dtype == MEXPR_DTYPE_F32 && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        ((float *)job->data[index])[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    view->data = job->data[index];
    return CLI_OK;
}

static int make_inputs(bench_job *job)
{
    const int32_t n = mexpr_model_n_inputs(job->model);
    job->views = calloc((size_t)n + 1, sizeof *job->views);
    job->data = calloc((size_t)n + 1, sizeof *job->data);
    int code = job->views && job->data ? check_shapes(job) : no_memory();
    for (int32_t i = 0; i < n && code == CLI_OK; i++)
        code = make_input(job, i);
    return code;
}

/* --- running ----------------------------------------------------------------------- */

static int run_once(bench_job *job, double *ms)
{
    const double start = now_ms();
    for (int32_t i = 0; i < mexpr_model_n_inputs(job->model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_model_input(job->model, i, &info);
        if (mexpr_session_set_input(job->session, info.name, &job->views[i]) != MEXPR_OK)
            return cli_fail_status(
                MEXPR_E_ARG, mexpr_session_last_error(job->session), NULL);
    }
    const mexpr_status status = mexpr_session_run(job->session);
    *ms = now_ms() - start;
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_session_last_error(job->session), NULL);
    return CLI_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Latency first; then once more with the steps timed. */
static int run_all(bench_job *job)
{
    double ms;
    int code = CLI_OK;
    for (int i = 0; i < WARM_RUNS && code == CLI_OK; i++)
        code = run_once(job, &ms);
    for (int i = 0; i < job->n_runs && code == CLI_OK; i++)
        code = run_once(job, &job->times[i]);
    if (code == CLI_OK)
        mexpr_session_profile(job->session, 1);
    for (int i = 0; i < job->n_runs && i < MOST_PROFILED && code == CLI_OK; i++)
        code = run_once(job, &ms);
    qsort(job->times, (size_t)job->n_runs, sizeof *job->times, by_size);
    return code;
}

/* A step's time is that of its fastest run: others may have been interrupted. */
static double milliseconds(const mexpr_step_info *step)
{
    return step->min_milliseconds;
}

static int read_steps(bench_job *job)
{
    job->n_steps = mexpr_session_n_steps(job->session);
    job->steps = calloc((size_t)job->n_steps + 1, sizeof *job->steps);
    if (!job->steps)
        return no_memory();
    for (int32_t i = 0; i < job->n_steps; i++) {
        job->steps[i] = (mexpr_step_info)MEXPR_STEP_INFO_INIT;
        mexpr_session_step(job->session, i, &job->steps[i]);
        job->profiled_ms += milliseconds(&job->steps[i]);
        job->multiply_adds += job->steps[i].multiply_adds;
    }
    job->memory = (mexpr_memory_info)MEXPR_MEMORY_INFO_INIT;
    mexpr_session_memory(job->session, &job->memory);
    return CLI_OK;
}

/* --- telling ----------------------------------------------------------------------- */

/* The smallest time that a part of the runs stays within. */
static double percentile(const bench_job *job, double part)
{
    const int rank = (int)(part * job->n_runs + 0.999999);
    return job->times[rank < 1 ? 0 : rank > job->n_runs ? job->n_runs - 1 : rank - 1];
}

static double gflops(double multiply_adds, double ms)
{
    return ms > 0 ? 2e-6 * multiply_adds / ms : 0;
}

/* The most memory that this process has had, in bytes; -1: the system does not say.
 * (getrusage() would tell that of the program which started this one, if larger.) */
static int64_t peak_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long kilobytes = -1;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = strtoll(line + 6, NULL, 10);
    }
    if (file)
        fclose(file);
    return kilobytes < 0 ? -1 : (int64_t)kilobytes * 1024;
}

static void add_shape(const mexpr_step_info *step, text *out)
{
    for (int32_t d = 0; d < step->rank; d++)
        text_add(out, "%s%" PRId64, d ? "x" : "", step->dims[d]);
}

static int by_share(const void *a, const void *b)
{
    const double x = milliseconds(a), y = milliseconds(b);
    return (x < y) - (x > y);
}

static double megabytes(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

static void plain_steps(bench_job *job, text *out)
{
    text_add(
        out, "\n share        ms   GFLOP/s  threads  operator               output\n");
    qsort(job->steps, (size_t)job->n_steps, sizeof *job->steps, by_share);
    for (int32_t i = 0; i < job->n_steps; i++) {
        const mexpr_step_info *step = &job->steps[i];
        const double ms = milliseconds(step);
        text_add(out, "%5.1f %%  %8.4f  ",
            job->profiled_ms > 0 ? 100 * ms / job->profiled_ms : 0, ms);
        if (step->multiply_adds > 0)
            text_add(out, "%8.1f", gflops(step->multiply_adds, ms));
        else
            text_add(out, "       -");
        text_add(out, "  %7d  %-21s  ", (int)step->n_threads, step->op);
        add_shape(step, out);
        text_add(out, "%s%s\n", *step->name ? "  " : "", step->name);
    }
}

static void tell_plain(bench_job *job, text *out)
{
    const mexpr_memory_info *m = &job->memory;
    const int64_t peak = peak_memory();
    const int threads = (int)mexpr_context_threads(job->context);
    text_add(out, "%" PRIu64 " parameters, %d nodes, %d steps, %d thread%s, %d run%s\n",
        mexpr_model_n_parameters(job->model), (int)mexpr_model_n_nodes(job->model),
        (int)job->n_steps, threads, threads == 1 ? "" : "s", job->n_runs,
        job->n_runs == 1 ? "" : "s");
    text_add(out, "load     %.3f ms\n", job->load_ms);
    text_add(out, "latency  min %.4f  median %.4f  p90 %.4f  p99 %.4f ms\n",
        job->times[0], percentile(job, 0.5), percentile(job, 0.9), percentile(job, 0.99));
    text_add(out, "compute  %.3f M multiply-adds, %.1f GFLOP/s\n",
        job->multiply_adds / 1e6, gflops(job->multiply_adds, percentile(job, 0.5)));
    text_add(out,
        "memory   weights %.3f MB (%.3f of them to be written only), one block of %.3f "
        "MB "
        "for results of %.3f and scratch memory of up to %.3f",
        megabytes(m->weight_bytes), megabytes(m->source_bytes), megabytes(m->block_bytes),
        megabytes(m->result_bytes), megabytes(m->scratch_bytes));
    if (peak >= 0)
        text_add(out, "; process at most %.1f MB", megabytes((uint64_t)peak));
    text_add(out, "\n");
    plain_steps(job, out);
}

/* A name within quotes, as RFC 4180 has it. */
static void add_quoted(const char *name, text *out)
{
    text_add(out, "\"");
    for (; *name; name++)
        text_add(out, *name == '"' ? "\"\"" : "%c", *name);
    text_add(out, "\"");
}

static void tell_csv(const bench_job *job, text *out)
{
    text_add(out, "step,name,op,output,threads,ms,share,multiply_adds,gflops,"
                  "result_bytes,scratch_bytes\r\n");
    for (int32_t i = 0; i < job->n_steps; i++) {
        const mexpr_step_info *step = &job->steps[i];
        const double ms = milliseconds(step);
        text_add(out, "%d,", (int)i);
        add_quoted(step->name, out);
        text_add(out, ",%s,", step->op);
        add_shape(step, out);
        text_add(out, ",%d,%.6f,%.6f,%.0f,%.3f,%" PRIu64 ",%" PRIu64 "\r\n",
            (int)step->n_threads, ms, job->profiled_ms > 0 ? ms / job->profiled_ms : 0,
            step->multiply_adds, gflops(step->multiply_adds, ms), step->result_bytes,
            step->scratch_bytes);
    }
}

static void json_named(text *out, const char *key, double value)
{
    json_key(out, key);
    json_number(out, value, 6);
}

static void json_bytes(text *out, const char *key, uint64_t value)
{
    json_key(out, key);
    json_integer(out, (int64_t)value);
}

static void json_step(const mexpr_step_info *step, text *out)
{
    json_open(out, '{');
    json_key(out, "name");
    json_string(out, step->name);
    json_key(out, "op");
    json_string(out, step->op);
    json_key(out, "output");
    json_open(out, '[');
    for (int32_t d = 0; d < step->rank; d++)
        json_integer(out, step->dims[d]);
    json_close(out, ']');
    json_bytes(out, "threads", (uint64_t)step->n_threads);
    json_named(out, "ms", milliseconds(step));
    json_key(out, "multiply_adds");
    json_integer(out, (int64_t)step->multiply_adds);
    json_bytes(out, "result_bytes", step->result_bytes);
    json_bytes(out, "scratch_bytes", step->scratch_bytes);
    json_close(out, '}');
}

static void json_memory(const bench_job *job, text *out)
{
    const int64_t peak = peak_memory();
    json_key(out, "memory");
    json_open(out, '{');
    json_bytes(out, "weight_bytes", job->memory.weight_bytes);
    json_bytes(out, "source_bytes", job->memory.source_bytes);
    json_bytes(out, "block_bytes", job->memory.block_bytes);
    json_bytes(out, "result_bytes", job->memory.result_bytes);
    json_bytes(out, "scratch_bytes", job->memory.scratch_bytes);
    json_key(out, "process_peak_bytes");
    if (peak >= 0)
        json_integer(out, peak);
    else
        json_string(out, NULL);
    json_close(out, '}');
}

static void tell_json(const bench_job *job, text *out)
{
    json_open(out, '{');
    json_bytes(out, "parameters", mexpr_model_n_parameters(job->model));
    json_bytes(out, "nodes", (uint64_t)mexpr_model_n_nodes(job->model));
    json_bytes(out, "threads", (uint64_t)mexpr_context_threads(job->context));
    json_bytes(out, "runs", (uint64_t)job->n_runs);
    json_named(out, "load_ms", job->load_ms);
    json_key(out, "latency_ms");
    json_open(out, '{');
    json_named(out, "min", job->times[0]);
    json_named(out, "median", percentile(job, 0.5));
    json_named(out, "p90", percentile(job, 0.9));
    json_named(out, "p99", percentile(job, 0.99));
    json_close(out, '}');
    json_key(out, "multiply_adds");
    json_integer(out, (int64_t)job->multiply_adds);
    json_named(out, "gflops", gflops(job->multiply_adds, percentile(job, 0.5)));
    json_memory(job, out);
    json_key(out, "steps");
    json_open(out, '[');
    for (int32_t i = 0; i < job->n_steps; i++)
        json_step(&job->steps[i], out);
    json_close(out, ']');
    json_close(out, '}');
    text_add(out, "\n");
}

static int tell(bench_job *job)
{
    text out = {0};
    if (job->request->json)
        tell_json(job, &out);
    else if (job->request->csv)
        tell_csv(job, &out);
    else
        tell_plain(job, &out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

/* --- the command ------------------------------------------------------------------- */

static int load(bench_job *job, const char *path)
{
    const double start = now_ms();
    int code = cli_load_model(job->context, path, &job->model);
    job->load_ms = now_ms() - start;
    if (code != CLI_OK)
        return code;
    const mexpr_status status = mexpr_session_create(job->model, &job->session);
    return status == MEXPR_OK ? CLI_OK
                              : cli_fail_status(status, NULL, "cannot make a session");
}

static void free_job(bench_job *job)
{
    const int32_t n = mexpr_model_n_inputs(job->model);
    mexpr_session_destroy(&job->session);
    for (int32_t i = 0; job->data && i < n; i++)
        free(job->data[i]);
    free(job->data);
    free(job->views);
    free(job->times);
    free(job->steps);
    mexpr_model_destroy(&job->model);
    mexpr_context_destroy(&job->context);
}

static int bench(const void *opaque, char **arguments, int n)
{
    bench_job job = {.request = opaque};
    (void)n;
    if (job.request->csv && job.request->json)
        return cli_usage("--csv and --json exclude each other");
    job.n_runs = job.request->runs ? job.request->runs : STANDARD_RUNS;
    job.times = calloc((size_t)job.n_runs, sizeof *job.times);
    int code = job.times ? cli_context(job.request->threads, &job.context) : no_memory();
    if (code == CLI_OK)
        code = load(&job, arguments[0]);
    if (code == CLI_OK)
        code = make_inputs(&job);
    if (code == CLI_OK)
        code = run_all(&job);
    if (code == CLI_OK)
        code = read_steps(&job);
    if (code == CLI_OK)
        code = tell(&job);
    free_job(&job);
    return code;
}

const cli_command cmd_model_bench = {
    .group = "model",
    .name = "bench",
    .arguments = "M.onnx",
    .summary = "How long a network takes, and which of its nodes",
    .about = "Inputs are made up: float32 evenly within -1..1, zeros of other types.",
    .options = options,
    .request_size = sizeof(bench_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = bench,
};
