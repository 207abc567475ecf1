/* SPDX-License-Identifier: MIT */
/* train_face_detector DIR OUT.bin: the weights of the face detector from labelled
 * pictures; see docs/face.md. The same seed gives the same bytes on the same machine. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "face_data.h"
#include "fern_training.h"
#include "net_training.h"

typedef struct program {
    const char *folder, *out;
    uint64_t seed;
    bool choose; /* leave the subjects for choices out too */
    bool quick;  /* a few rounds only, for the tests */
    mexpr_context *context;
    face_data data;
    face_source *faces, *others;
    int n_faces, n_others;
    mx_face_model model;
    mx_face_fern *ferns;
} program;

static bool prepare_sources(program *p)
{
    mx_face_kernels kernels;
    mx_face_kernels_init(&kernels, mexpr_context_cpu(p->context));
    p->faces = calloc((size_t)p->data.n, sizeof *p->faces);
    p->others = calloc((size_t)p->data.n, sizeof *p->others);
    bool good = p->faces && p->others;
    for (int i = 0; good && i < p->data.n; i++) {
        const face_picture *picture = &p->data.pictures[i];
        if (picture->part == FACE_HELD_OUT ||
            (p->choose && picture->part == FACE_VALIDATION))
            continue;
        face_source *source =
            picture->has_face ? &p->faces[p->n_faces++] : &p->others[p->n_others++];
        source->picture = picture;
        good = mx_face_octaves_build(mx_context_scope(p->context), &source->octaves,
                   &kernels, &picture->view, 64) == MEXPR_OK;
    }
    printf("%d pictures of faces, %d of none\n", p->n_faces, p->n_others);
    return good && p->n_faces > 0 && p->n_others > 0;
}

/* --- what the first stage leaves ------------------------------------------------------
 */

typedef struct places {
    net_other *items;
    int n, capacity;
} places;

static bool add_place(
    places *list, const face_source *source, int way, const mx_face_box *box)
{
    if (list->n == list->capacity) {
        const int capacity = list->capacity ? 2 * list->capacity : 4096;
        net_other *items = realloc(list->items, (size_t)capacity * sizeof *items);
        if (!items)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    const face_picture *picture = source->picture;
    const mx_face_box turned = face_turned_box(&picture->view, way, box);
    const float both =
        picture->has_face ? mx_face_box_overlap(&turned, &picture->box) : 0;
    if (both >= 0.3f)
        return true;
    list->items[list->n++] = (net_other){.source = source,
        .square = face_turned_square(&picture->view, way, box),
        .apart = picture->has_face && both < 0.02f};
    return true;
}

static bool find_places(program *p, mx_face_detector *detector, const face_source *source,
    int way, mx_rng *rng, uint8_t *turned, places *list)
{
    enum { MOST = 64 };
    const float same = 0.6f; /* more places than the detector's own */
    mx_face_box boxes[MOST];
    size_t n;
    const mx_face_view view = face_turn(&source->picture->view, way, turned);
    const float smallest = 20 * expf(face_uniform(rng, 0, logf(FACE_TRAINING_STEP)));
    const mx_face_sizes sizes = {smallest, 1e6f, FACE_TRAINING_STEP};
    bool good = mx_face_detector_candidates(mx_context_scope(p->context), detector, &view,
                    &sizes, same, boxes, MOST, &n) == MEXPR_OK;
    for (size_t i = 0; good && i < n; i++)
        good = add_place(list, source, way, &boxes[i]);
    return good;
}

static bool collect_places(program *p, mx_rng *rng, places *list)
{
    enum { LARGEST = 1 << 24 };
    uint8_t *bytes = NULL, *turned = malloc(LARGEST);
    size_t size;
    mx_scope *scope = mx_context_scope(p->context);
    mx_face_detector *detector = NULL;
    bool good = turned &&
                mx_face_model_write(scope, &p->model, &bytes, &size) == MEXPR_OK &&
                mx_face_detector_create_from(scope, bytes, size, &detector) == MEXPR_OK;
    for (int i = 0; good && i < p->n_others; i++)
        for (int way = 0; good && way < 8; way++)
            for (int turn = 0; good && turn < 3; turn++)
                good = find_places(p, detector, &p->others[i], way, rng, turned, list);
    const int in_others = list->n;
    for (int i = 0; good && i < p->n_faces; i++)
        for (int way = 0; good && way < 4; way++)
            good = find_places(p, detector, &p->faces[i], way % 2, rng, turned, list);
    printf("%d places in pictures of no face, %d beside faces\n", in_others,
        list->n - in_others);
    mx_face_detector_destroy(p->context, &detector);
    mx_free(p->context, bytes);
    free(turned);
    return good && list->n > 0;
}

/* The faces learnt from decide what ferns let through, in the worst of light too; what
 * would only just get through costs the network more time than it is worth. */
static void raise_thresholds(const program *p)
{
    const int16_t margin = 48;
    for (int i = 0; i < p->model.cascade.n; i++) {
        int16_t *threshold = &p->ferns[i].threshold;
        *threshold = (int16_t)(*threshold < 32767 - margin ? *threshold + margin : 32767);
    }
}

/* Twice as many ferns lost more faces of people that they had not learnt (2.9 instead of
 * 0.4 % before the network) than was worth what they save. */
static bool train(program *p)
{
    const fern_options ferns = {.n_ferns = p->quick ? 8 : 160,
        .dense = 80,
        .n_faces = p->quick ? 400 : 24000,
        .n_others = p->quick ? 2500 : 40000,
        .n_pairs = p->quick ? 16 : 600,
        .loss = 0.002};
    const net_options network = {
        .n_steps = p->quick ? 20 : 26000, .batch = 64, .rate = 2e-3f};
    mx_rng rng;
    places list = {NULL, 0, 0};
    mx_rng_seed(&rng, p->seed, 0);
    p->model.cascade.ferns = p->ferns = calloc((size_t)ferns.n_ferns, sizeof *p->ferns);
    bool good = p->ferns && fern_training(p->context, p->faces, p->n_faces, p->others,
                                p->n_others, &ferns, &rng, &p->model.cascade);
    good = good &&
           mx_face_net_create(mx_context_scope(p->context), &p->model.net) == MEXPR_OK;
    good = good && collect_places(p, &rng, &list) &&
           net_training(p->context, p->faces, p->n_faces, list.items, list.n, &network,
               &rng, &p->model.net);
    raise_thresholds(p);
    free(list.items);
    return good;
}

static bool write_model(program *p)
{
    uint8_t *bytes = NULL;
    size_t size;
    mx_scope *scope = mx_context_scope(p->context);
    const bool good = mx_face_model_write(scope, &p->model, &bytes, &size) == MEXPR_OK &&
                      mx_file_write(scope, p->out, bytes, size) == MEXPR_OK;
    if (good)
        printf("%zu bytes to '%s'\n", size, p->out);
    mx_free(p->context, bytes);
    return good;
}

static bool parse(int argc, char **argv, program *p)
{
    static const struct option known[] = {{"seed", required_argument, NULL, 's'},
        {"choose", no_argument, NULL, 'c'}, {"quick", no_argument, NULL, 'q'},
        {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 's')
            p->seed = strtoull(optarg, NULL, 10);
        else if (option == 'c')
            p->choose = true;
        else if (option == 'q')
            p->quick = true;
        else
            return false;
    }
    p->folder = argc - optind == 2 ? argv[optind] : NULL;
    p->out = p->folder ? argv[optind + 1] : NULL;
    return p->folder != NULL;
}

static void clean_up(program *p)
{
    for (int i = 0; i < p->n_faces; i++)
        mx_face_octaves_free(p->context, &p->faces[i].octaves);
    for (int i = 0; i < p->n_others; i++)
        mx_face_octaves_free(p->context, &p->others[i].octaves);
    free(p->faces);
    free(p->others);
    free(p->ferns);
    mx_face_net_free(p->context, &p->model.net);
    face_data_free(&p->data);
    mexpr_context_destroy(&p->context);
}

int main(int argc, char **argv)
{
    program p = {.seed = 1};
    if (!parse(argc, argv, &p)) {
        fprintf(stderr, "usage: train_face_detector [--seed N] [--choose] [--quick] DIR "
                        "OUT.bin\n");
        return 2;
    }
    const double start = mx_now_ms();
    bool good = mexpr_context_create(NULL, &p.context) == MEXPR_OK &&
                face_data_load(p.context, p.folder, &p.data) && prepare_sources(&p) &&
                train(&p) && write_model(&p);
    if (good)
        printf("%.0f s\n", (mx_now_ms() - start) / 1000);
    else
        fprintf(stderr, "train_face_detector: %s\n",
            p.context ? mexpr_context_last_error(p.context) : "no context");
    clean_up(&p);
    return good ? 0 : 1;
}
