/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clip_io.h"
#include "cmd.h"
#include "json.h"
#include "labelled.h"
#include "systems.h"

typedef struct train_request {
    labelled_request data;
    const char *output;
    const char *labels;
    const char *checkpoint;
    const char *normalisation;
    const char *fusion;
    cli_number seed;
    int seeds;
    int inner_folds;
    int epochs;
    int every;
    int resume;
    int jobs;
    cli_list terms;
} train_request;

#define AT(member) offsetof(train_request, member)

static const cli_option options[] = {
    LABELLED_OPTIONS(train_request, data),
    {"output", 'o', CLI_TEXT, AT(output), "F.onnx", "the network (needed)"},
    {"labels", 0, CLI_TEXT, AT(labels), "A,B,C",
        "names of the classes, kept in the network (the manifest's, if it\n"
        "                              has names)"},
    {"epochs", 0, CLI_INT, AT(epochs), "N", "networks: in place of the recipe's"},
    {"seed", 0, CLI_NUMBER, AT(seed), "N", "networks: of weights and all chance (0)"},
    {"normalisation", 0, CLI_TEXT, AT(normalisation), "N",
        "networks: picture (0 to 255) or flow (u and v without their\n"
        "                              median, planes over their root mean square), in\n"
        "                              place of the recipe's"},
    {"fusion", 0, CLI_TEXT, AT(fusion), "RULE",
        "of several systems, --system A,B,C: mean, product or max of all;\n"
        "                              weighted or learned, with weights from inner "
        "folds"},
    {"inner-folds", 0, CLI_INT, AT(inner_folds), "N", "inner folds, by person (5)"},
    {"seeds", 0, CLI_INT, AT(seeds), "K",
        "the mean of K networks, of the seeds N, N + 1, ... (1)"},
    {"term", 0, CLI_LIST, AT(terms), "KIND:WEIGHT:TENSOR[,TENSOR]",
        "networks: what the loss has besides; may be given again\n"
        "                              (docs/train.md)"},
    {"checkpoint", 0, CLI_TEXT, AT(checkpoint), "F", "networks: file to go on from"},
    {"every", 0, CLI_INT, AT(every), "N", "write it every so many epochs (10)"},
    {"resume", 0, CLI_FLAG, AT(resume), NULL, "go on from it, if it is there"},
    {"jobs", 'j', CLI_INT, AT(jobs), "N",
        "threads, 1 to 64 (1), which augment clips; the network is the same"},
    {0},
};

/* What the steps share. */
typedef struct train_job {
    const train_request *request;
    mexpr_context *context;
    labelled data;
    text names, terms;
    systems systems;
    mexpr_evaluate_options fusing; /* of several systems or seeds */
    mexpr_trainer *trainer;
    struct timespec begin;
    int32_t first_epoch;
    mexpr_model *model;
} train_job;

/* Names of the classes when the manifest has names: its classes are not "0", "1", …. */
static void add_names(const mexpr_manifest *manifest, text *names)
{
    const char *first = mexpr_manifest_class(manifest, 0);
    if (!first || (*first >= '0' && *first <= '9'))
        return;
    for (int32_t k = 0; k < mexpr_manifest_n_classes(manifest); k++)
        text_add(names, "%s%s", k ? "," : "", mexpr_manifest_class(manifest, k));
}

/* With semicolons between them, as the trainer wants them. */
static int join_terms(const cli_list *list, text *out)
{
    for (int k = 0; k < list->n; k++) {
        if (!*list->items[k] || strchr(list->items[k], ';'))
            return cli_usage("--term '%s' is not like kl:0.5:logits,teacher; give it "
                             "once for each term",
                list->items[k]);
        text_add(out, "%s%s", k ? ";" : "", list->items[k]);
    }
    return out->failed ? cli_fail("out of memory; close other programs and try again")
                       : CLI_OK;
}

static int failed(const train_job *job, mexpr_status status)
{
    return cli_fail_status(status,
        job->trainer ? mexpr_trainer_last_error(job->trainer)
                     : mexpr_context_last_error(job->context),
        NULL);
}

/* --- progress ------------------------------------------------------------------------
 */

static double seconds_since(const struct timespec *begin)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begin->tv_sec) +
           (double)(now.tv_nsec - begin->tv_nsec) / 1e9;
}

static void show_bar(const train_job *job, int32_t epoch, int32_t n_epochs, double loss)
{
    enum { WIDTH = 24 };
    char bar[WIDTH + 1];
    const double left =
        seconds_since(&job->begin) * (n_epochs - epoch) / (epoch - job->first_epoch);
    const int done = (int)((int64_t)WIDTH * epoch / n_epochs);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)done);
    bar[WIDTH] = 0;
    fprintf(stderr, "\r[%s] epoch %d of %d, loss %.4f, %.0f s left   ", bar, epoch,
        n_epochs, loss, left);
}

static int print_line(int32_t epoch, double loss)
{
    text line = {0};
    json_open(&line, '{');
    json_key(&line, "epoch");
    json_integer(&line, epoch);
    json_key(&line, "loss");
    json_number(&line, loss, 9);
    json_close(&line, '}');
    text_add(&line, "\n");
    const int code = cli_print(&line);
    text_free(&line);
    return code;
}

static int32_t show_epoch(void *user, int32_t epoch, int32_t n_epochs, double loss)
{
    const train_job *job = user;
    if (!isatty(STDERR_FILENO))
        return print_line(epoch, loss) != CLI_OK;
    show_bar(job, epoch, n_epochs, loss);
    return 0;
}

/* --- training ------------------------------------------------------------------------
 */

static int make_trainer(train_job *job, mexpr_trainer_options *o)
{
    const train_request *r = job->request;
    const int32_t n_classes = mexpr_manifest_n_classes(job->data.manifest);
    mexpr_system_options build = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_model *model = NULL;
    build.n_classes = n_classes;
    build.seed = o->seed = (uint64_t)r->seed.value;
    o->epochs = r->epochs ? r->epochs : o->epochs;
    o->labels = r->labels ? r->labels : job->names.bytes;
    o->checkpoint = r->checkpoint;
    o->checkpoint_epochs = r->every ? r->every : 10;
    int code = labelled_normalisation(r->normalisation, &o->normalisation);
    if (code == CLI_OK)
        code = join_terms(&r->terms, &job->terms);
    if (code != CLI_OK)
        return code;
    o->terms = job->terms.bytes;
    mexpr_status status =
        mexpr_system_build(job->context, r->data.system, &build, &model);
    if (status == MEXPR_OK)
        status = mexpr_trainer_create(job->context, model, &job->data.inputs,
            job->data.labels, n_classes, o, &job->trainer);
    mexpr_model_destroy(&model);
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

static int train_network(train_job *job, mexpr_trainer_options *o)
{
    const train_request *r = job->request;
    mexpr_status status = MEXPR_OK;
    const int code = make_trainer(job, o);
    if (code != CLI_OK)
        return code;
    if (r->resume)
        status = mexpr_trainer_resume(job->trainer, r->checkpoint);
    if (status == MEXPR_E_NOT_FOUND)
        status = MEXPR_OK;
    job->first_epoch = mexpr_trainer_n_epochs(job->trainer);
    clock_gettime(CLOCK_MONOTONIC, &job->begin);
    if (status == MEXPR_OK)
        status = mexpr_trainer_run(job->trainer, show_epoch, job);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%79s\r", "");
    if (status == MEXPR_OK)
        status = mexpr_trainer_model(job->trainer, &job->model);
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

static int print_weights(const train_job *job, const double *weights)
{
    text out = {0};
    for (int32_t k = 0; k < job->systems.n; k++)
        text_add(&out, "%-24s weight %.3f\n", job->systems.list[k].name, weights[k]);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

/* Several systems or seeds as one network. */
static int train_fusion(train_job *job)
{
    double *weights = calloc((size_t)job->systems.n, sizeof *weights);
    if (!weights)
        return cli_fail("out of memory");
    job->systems.labels = job->request->labels ? job->request->labels : job->names.bytes;
    const mexpr_status status =
        mexpr_fit_candidates(job->context, job->data.manifest, &job->data.inputs,
            job->systems.list, job->systems.n, &job->fusing, weights, &job->model);
    const int code =
        status == MEXPR_OK ? print_weights(job, weights) : failed(job, status);
    free(weights);
    return code;
}

static int train_one(train_job *job)
{
    const train_request *r = job->request;
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    mexpr_trainer_options recipe = MEXPR_TRAINER_OPTIONS_INIT;
    if (mexpr_trainer_recipe(r->data.system, &recipe) == MEXPR_OK)
        return train_network(job, &recipe);
    if (r->epochs || r->checkpoint || r->normalisation || r->seed.given || r->terms.n)
        return cli_usage("--system '%s' has no epochs, seed, normalisation, terms or "
                         "checkpoint",
            r->data.system);
    o.labels = r->labels ? r->labels : job->names.bytes;
    const mexpr_status status = mexpr_train(job->context, r->data.system,
        &job->data.inputs, job->data.labels, mexpr_manifest_n_classes(job->data.manifest),
        &o, clip_progress, NULL, &job->model);
    clip_progress_end();
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

static int is_fused(const train_job *job)
{
    return job->systems.n > 1 || job->request->seeds > 1;
}

static int train(train_job *job)
{
    add_names(job->data.manifest, &job->names);
    return is_fused(job) ? train_fusion(job) : train_one(job);
}

static int report(const train_job *job)
{
    const mexpr_manifest *manifest = job->data.manifest;
    text out = {0};
    if (job->trainer && !isatty(STDERR_FILENO))
        return CLI_OK;
    text_add(&out, "%s of %lld clips of %d people, classes %d, manifest %.12s\n",
        job->request->data.system, (long long)mexpr_manifest_n_clips(manifest),
        mexpr_manifest_n_persons(manifest), mexpr_manifest_n_classes(manifest),
        mexpr_manifest_sha256(manifest));
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 &&
                                    x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int check_checkpoint(const train_request *r)
{
    const struct {
        const char *option, *path;
    } others[] = {{"--output", r->output}, {"--manifest", r->data.manifest},
        {"--inputs", r->data.inputs}};
    for (size_t k = 0; r->checkpoint && k < sizeof others / sizeof others[0]; k++)
        if (is_same_file(r->checkpoint, others[k].path))
            return cli_usage("--checkpoint and %s name the same file '%s'; give each its "
                             "own",
                others[k].option, r->checkpoint);
    return CLI_OK;
}

static int check(const train_request *r)
{
    const int code = labelled_check(&r->data);
    if (code != CLI_OK)
        return code;
    if (!r->output)
        return cli_usage("no output given; name the file with --output F.onnx");
    if ((r->every || r->resume) && !r->checkpoint)
        return cli_usage("--every and --resume need --checkpoint F");
    const int seed = labelled_seed(&r->seed);
    return seed == CLI_OK ? check_checkpoint(r) : seed;
}

/* What several systems or seeds need, and what one has no use for. */
static int read_fusing(train_job *job)
{
    const train_request *r = job->request;
    int joining = 0;
    int code = systems_read(r->data.system, &job->systems);
    if (code == CLI_OK)
        code = systems_fusion(r->fusion, &joining);
    if (code == CLI_OK)
        code = labelled_normalisation(r->normalisation, &job->systems.normalisation);
    if (code != CLI_OK)
        return code;
    if (job->systems.n > 1 && !joining)
        return cli_usage("what is to become of several systems? give --fusion RULE");
    if (job->systems.n == 1 && joining)
        return cli_usage("--fusion needs several systems: --system A,B");
    if (r->inner_folds && !systems_decide(&job->systems, joining))
        return cli_usage("--inner-folds is for --fusion weighted and --fusion learned");
    if (r->seeds > 1 && !systems_have_chance(&job->systems))
        return cli_usage("these systems leave nothing to chance: --seeds has no use");
    if (r->checkpoint && is_fused(job))
        return cli_usage("--checkpoint is for one system with one seed");
    job->systems.epochs = r->epochs;
    job->fusing.joining = joining;
    job->fusing.inner_folds = r->inner_folds;
    job->fusing.n_seeds = r->seeds;
    job->fusing.seed = (uint64_t)r->seed.value;
    return CLI_OK;
}

static int run(const void *opaque, char **arguments, int n)
{
    train_job job = {.request = opaque, .fusing = MEXPR_EVALUATE_OPTIONS_INIT};
    (void)arguments;
    (void)n;
    int code = check(job.request);
    if (code == CLI_OK)
        code = read_fusing(&job);
    if (code == CLI_OK)
        code = cli_check_output(job.request->output);
    if (code == CLI_OK)
        code = cli_check_output(job.request->checkpoint);
    if (code == CLI_OK)
        code = cli_context(job.request->jobs, &job.context);
    if (code == CLI_OK)
        code = labelled_read(&job.request->data, job.context, &job.data);
    if (code == CLI_OK)
        code = train(&job);
    if (code == CLI_OK)
        code = cli_write_model(job.context, job.model, job.request->output);
    if (code == CLI_OK)
        code = report(&job);
    text_free(&job.names);
    systems_free(&job.systems);
    text_free(&job.terms);
    mexpr_model_destroy(&job.model);
    mexpr_trainer_destroy(&job.trainer);
    labelled_free(&job.data);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_train = {
    .name = "train",
    .arguments = "",
    .summary = "Trains a system on labelled flow pictures",
    .about = "The network that comes out is an ONNX file for 'recognize --model'.\n"
             "How good it is on other people, 'evaluate' tells. Epochs are shown with\n"
             "the time left on a terminal, and printed as lines of JSON otherwise.",
    .options = options,
    .request_size = sizeof(train_request),
    .run = run,
};
