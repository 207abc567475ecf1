/* SPDX-License-Identifier: MIT */
/* train_face_landmarks DATA_DIR OUT.bin [--seed N] [--epochs N] [--threads N]
 *                      [--validate]
 *
 * Learns the landmark networks of lib/face and writes their weights, the same bytes for
 * the same options on one machine. With --validate a quarter of the training people is
 * left out and the error on them is printed: for choices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "face/face_landmark.h"
#include "landmark_trainer.h"

enum { EPOCHS = 360, REPORT = 10, WARM_STEPS = 200 };

static const double peak_rate = 2.5e-3;

typedef struct options {
    const char *folder, *out;
    uint64_t seed;
    int epochs, threads;
    bool validate;
} options;

/* --- errors ------------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_errors(const char *what, double *errors, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += errors[i];
    qsort(errors, (size_t)n, sizeof *errors, by_value);
    printf("  %s: mean %.4f, 95th percentile %.4f\n", what, n ? sum / n : 0.0,
        n ? errors[(int)(0.95 * (n - 1))] : 0.0);
}

static double error_of(const float *points, const face_picture *face)
{
    double sum = 0.0;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        sum += hypot(points[2 * i] - face->points[2 * i],
            points[2 * i + 1] - face->points[2 * i + 1]);
    return sum / MX_FACE_POINTS / landmark_eyes(face->points);
}

/* One stage from poses as it may get them; the same poses every time. */
static mexpr_status check_stage(mx_scope *scope, const landmark_data *data, int stage,
    const float *shape, const uint8_t *bytes, double *errors)
{
    static float crop[MX_LANDMARK_CROP_SIDE * MX_LANDMARK_CROP_SIDE];
    static mx_landmark_cropper cropper;
    mx_landmark_net net;
    mx_rng rng;
    float output[MX_LANDMARK_OUTPUTS];
    const mx_landmark_plan *plan = &mx_landmark_plans[stage];
    mx_rng_seed(&rng, 1, 1);
    mx_landmark_cropper_init(&cropper, mexpr_context_cpu(scope->context));
    mexpr_status status = mx_landmark_net_create(scope, plan, bytes, &net);
    for (int i = 0; i < data->n_faces && status == MEXPR_OK; i++) {
        const face_picture *face = data->faces[i];
        const mx_landmark_pose pose =
            landmark_draw_pose(&rng, stage, shape, face->points, LANDMARK_NEAR);
        status = mx_landmark_crop(
            scope, &cropper, &face->view, &pose, plan->extent, plan->side, crop);
        mx_landmark_net_run(&net, crop, output);
        mx_landmark_pose_apply(&pose, output, output);
        errors[i] = error_of(output, face);
    }
    mx_landmark_net_free(scope->context, &net);
    mx_landmark_cropper_free(scope->context, &cropper);
    return status;
}

/* Both stages from boxes like a detector's, and once more from the points found. */
static mexpr_status check_all(
    mx_scope *scope, const landmark_data *data, const uint8_t *bytes, double *errors)
{
    mx_face_landmarker *landmarker;
    mx_rng rng;
    float points[2 * MX_FACE_POINTS], again[2 * MX_FACE_POINTS], trust;
    mx_rng_seed(&rng, 1, 2);
    const size_t size = mx_landmark_weights_size();
    mexpr_status status = mx_face_landmarker_create_from(scope, bytes, size, &landmarker);
    for (int i = 0; i < data->n_faces && status == MEXPR_OK; i++) {
        const face_picture *face = data->faces[i];
        mx_face_box box = face->box;
        const float side = box.size,
                    grown = side * expf(0.07f * (float)mx_rng_normal(&rng));
        box.x += 0.06f * side * (float)mx_rng_normal(&rng) + 0.5f * (side - grown);
        box.y += 0.035f * side * (float)mx_rng_normal(&rng) + 0.5f * (side - grown);
        box.size = grown;
        status =
            mx_face_landmarker_run(scope, landmarker, &face->view, &box, points, &trust);
        if (status == MEXPR_OK)
            status = mx_face_landmarker_follow(
                scope, landmarker, &face->view, points, again, &trust);
        errors[i] = error_of(points, face);
        errors[data->n_faces + i] = error_of(again, face);
    }
    mx_face_landmarker_destroy(scope->context, &landmarker);
    return status;
}

/* --- training ---------------------------------------------------------------------- */

/* The mean face in its box, made symmetric. */
static void mean_shape(const landmark_data *data, float *shape)
{
    double sum[2 * MX_FACE_POINTS] = {0};
    float mirrored[2 * MX_FACE_POINTS];
    for (int i = 0; i < data->n_faces; i++) {
        const face_picture *face = data->faces[i];
        const mx_landmark_pose pose = mx_landmark_pose_of_box(&face->box);
        mx_landmark_pose_remove(&pose, face->points, mirrored);
        for (int j = 0; j < 2 * MX_FACE_POINTS; j++)
            sum[j] += mirrored[j];
    }
    for (int j = 0; j < 2 * MX_FACE_POINTS; j++)
        mirrored[j] = shape[j] = (float)(sum[j] / data->n_faces);
    mx_landmark_mirror_points(mirrored);
    for (int j = 0; j < 2 * MX_FACE_POINTS; j++)
        shape[j] = 0.5f * (shape[j] + mirrored[j]);
}

static void shuffle(mx_rng *rng, int *order, int n)
{
    for (int i = n - 1; i > 0; i--) {
        const int j = (int)mx_rng_below(rng, (uint32_t)i + 1), number = order[i];
        order[i] = order[j];
        order[j] = number;
    }
}

/* Up in a line, then down in half a cosine. */
static float rate_at(int step, int n_steps)
{
    const double warm = fmin(1.0, (step + 1.0) / WARM_STEPS);
    return (
        float)(peak_rate * warm * (0.5 + 0.5 * cos(3.14159265358979 * step / n_steps)));
}

static mexpr_status train_stage(mx_scope *scope, const options *wanted,
    const landmark_data *train, const landmark_data *validate, int stage,
    const float *shape, uint8_t *bytes)
{
    const int epochs = stage == 0 ? (wanted->epochs + 1) / 2 : wanted->epochs;
    const int steps = train->n_faces / LANDMARK_BATCH;
    int *order = malloc(sizeof *order * (size_t)train->n_faces);
    double *errors = malloc(sizeof *errors * (size_t)(validate->n_faces + 1));
    landmark_trainer *trainer =
        landmark_trainer_create(scope, train, stage, shape, wanted->seed);
    mexpr_status status = trainer && order && errors ? MEXPR_OK : MEXPR_E_NOMEM;
    mx_rng rng;
    mx_rng_seed(&rng, wanted->seed, 1000u + (unsigned)stage);
    for (int i = 0; i < train->n_faces && order; i++)
        order[i] = i;
    for (int epoch = 0; epoch < epochs && status == MEXPR_OK; epoch++) {
        double sum = 0.0, error;
        shuffle(&rng, order, train->n_faces);
        for (int i = 0; i < steps && status == MEXPR_OK; i++) {
            status = landmark_trainer_step(trainer, order + i * LANDMARK_BATCH,
                rate_at(epoch * steps + i, epochs * steps), &error);
            sum += error / steps;
        }
        const bool last = epoch + 1 == epochs;
        printf("stage %d, epoch %d of %d: training error %.4f\n", stage + 1, epoch + 1,
            epochs, sum);
        if (last || epoch % REPORT == REPORT - 1) {
            landmark_trainer_store(trainer, bytes);
            if (status == MEXPR_OK && validate->n_faces)
                status = check_stage(scope, validate, stage, shape, bytes, errors);
            if (validate->n_faces)
                print_errors("this stage", errors, validate->n_faces);
        }
        fflush(stdout);
    }
    landmark_trainer_destroy(trainer);
    free(order);
    free(errors);
    return status;
}

static void write_head(const float *shape, uint8_t *bytes)
{
    const size_t magic = strlen(MX_LANDMARK_WEIGHTS_MAGIC);
    memcpy(bytes, MX_LANDMARK_WEIGHTS_MAGIC, magic);
    for (int i = 0; i < 2 * MX_FACE_POINTS; i++) {
        uint32_t bits;
        memcpy(&bits, &shape[i], sizeof bits);
        for (int j = 0; j < 4; j++)
            bytes[magic + 4 * (size_t)i + (size_t)j] = (uint8_t)(bits >> (8 * j));
    }
}

/* The pictures of a training: what is held out to none; what is for choices to `validate`
 * if wanted. */
static bool divide(
    const face_data *data, bool choose, landmark_data *train, landmark_data *validate)
{
    const size_t size = sizeof *train->faces * (size_t)(data->n + 1);
    *train = (landmark_data){malloc(size), malloc(size), 0, 0};
    *validate = (landmark_data){malloc(size), NULL, 0, 0};
    if (!train->faces || !train->others || !validate->faces)
        return false;
    for (int i = 0; i < data->n; i++) {
        const face_picture *picture = &data->pictures[i];
        if (picture->part == FACE_HELD_OUT)
            continue;
        if (!picture->has_face)
            train->others[train->n_others++] = picture;
        else if (choose && picture->part == FACE_VALIDATION)
            validate->faces[validate->n_faces++] = picture;
        else
            train->faces[train->n_faces++] = picture;
    }
    return train->n_faces >= LANDMARK_BATCH && train->n_others > 0;
}

static mexpr_status train_all(mx_scope *scope, const options *wanted,
    const landmark_data *train, const landmark_data *validate)
{
    const size_t size = mx_landmark_weights_size();
    uint8_t *bytes = calloc(1, size);
    double *errors = malloc(sizeof *errors * (size_t)(2 * validate->n_faces + 1));
    mexpr_status status = bytes && errors ? MEXPR_OK : MEXPR_E_NOMEM;
    float shape[2 * MX_FACE_POINTS];
    mean_shape(train, shape);
    if (bytes)
        write_head(shape, bytes);
    size_t at = MX_LANDMARK_WEIGHTS_HEAD;
    for (int i = 0; i < MX_LANDMARK_STAGES && status == MEXPR_OK; i++) {
        status = train_stage(scope, wanted, train, validate, i, shape, bytes + at);
        at += mx_landmark_plan_bytes(&mx_landmark_plans[i]);
    }
    if (status == MEXPR_OK && validate->n_faces) {
        status = check_all(scope, validate, bytes, errors);
        print_errors("from boxes", errors, validate->n_faces);
        print_errors("a second time", errors + validate->n_faces, validate->n_faces);
    }
    if (status == MEXPR_OK)
        status = mx_file_write(scope, wanted->out, bytes, size);
    free(bytes);
    free(errors);
    return status;
}

/* --- command ----------------------------------------------------------------------- */

static int read_options(int argc, char **argv, options *wanted)
{
    *wanted = (options){.seed = 1, .epochs = EPOCHS, .threads = 1};
    int n_names = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--validate") == 0)
            wanted->validate = true;
        else if (value && strcmp(argv[i], "--seed") == 0)
            wanted->seed = strtoull(argv[++i], NULL, 10);
        else if (value && strcmp(argv[i], "--epochs") == 0)
            wanted->epochs = atoi(argv[++i]);
        else if (value && strcmp(argv[i], "--threads") == 0)
            wanted->threads = atoi(argv[++i]);
        else if (argv[i][0] != '-' && n_names < 2)
            *(n_names++ == 0 ? &wanted->folder : &wanted->out) = argv[i];
        else
            return 1;
    }
    return n_names != 2 || wanted->epochs < 1 || wanted->threads < 1;
}

static int run(mexpr_context *context, const options *wanted)
{
    face_data data;
    landmark_data train, validate;
    mx_scope *scope = mx_context_scope(context);
    if (!face_data_load(context, wanted->folder, &data))
        return 1;
    bool good = divide(&data, wanted->validate, &train, &validate);
    if (!good)
        fprintf(stderr, "too few pictures\n");
    else
        printf("%d faces to learn from, %d to check, %d pictures without\n",
            train.n_faces, validate.n_faces, train.n_others);
    if (good && train_all(scope, wanted, &train, &validate) != MEXPR_OK) {
        fprintf(stderr, "%s\n", scope->error);
        good = false;
    }
    free(train.faces);
    free(train.others);
    free(validate.faces);
    face_data_free(&data);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    options wanted;
    mexpr_context *context = NULL;
    mexpr_context_options context_options = MEXPR_CONTEXT_OPTIONS_INIT;
    if (read_options(argc, argv, &wanted)) {
        fprintf(stderr,
            "usage: %s DATA_DIR OUT.bin [--seed N] [--epochs N] [--threads N] "
            "[--validate]\n",
            argv[0]);
        return 2;
    }
    context_options.n_threads = wanted.threads;
    if (mexpr_context_create(&context_options, &context) != MEXPR_OK)
        return 1;
    const int result = run(context, &wanted);
    mexpr_context_destroy(&context);
    return result;
}
