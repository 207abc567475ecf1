/* SPDX-License-Identifier: MIT */
/* Published networks and pictures, through the library and through the command. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/microexpr.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, PLANES = 3, CLASSES = 3, MAX_CLIPS = 128 };

static mexpr_image *read_rgb(mexpr_context *context, const char *path)
{
    mexpr_image *image = NULL;
    assert_ok(context, mexpr_image_read(context, path, MEXPR_COLOUR_RGB, &image));
    assert_int_equal(mexpr_image_width(image), SIDE);
    assert_int_equal(mexpr_image_height(image), SIDE);
    return image;
}

/* --- the published folds ----------------------------------------------------------- */

typedef struct clip {
    char file[64];
    char subject[16];
    double logits[CLASSES];
} clip;

static clip clips[MAX_CLIPS];
static int n_clips;

static void read_clips(void)
{
    FILE *file = fopen(test_data("ststnet/expected_logits.csv"), "r");
    assert_non_null(file);
    char line[256];
    assert_non_null(fgets(line, sizeof line, file));
    for (n_clips = 0; fgets(line, sizeof line, file); n_clips++) {
        assert_in_range(n_clips, 0, MAX_CLIPS - 1);
        clip *c = &clips[n_clips];
        assert_int_equal(sscanf(line, "%63[^,],%15[^,],%*d,%lf,%lf,%lf", c->file,
                             c->subject, &c->logits[0], &c->logits[1], &c->logits[2]),
            5);
    }
    fclose(file);
    assert_int_equal(n_clips, 77);
}

/* Blue, green and red planes of the clip's picture. */
static void load_planes(mexpr_context *context, const clip *c, float *out)
{
    char name[128];
    snprintf(name, sizeof name, "megc2019/flow28/%s", c->file);
    mexpr_image *image = read_rgb(context, test_data(name));
    for (int y = 0; y < SIDE; y++) {
        const uint8_t *row = (const uint8_t *)mexpr_image_data(image) +
                             (size_t)y * mexpr_image_stride(image);
        for (int x = 0; x < SIDE; x++) {
            for (int p = 0; p < PLANES; p++)
                out[(p * SIDE + y) * SIDE + x] = row[PLANES * x + PLANES - 1 - p];
        }
    }
    mexpr_image_destroy(&image);
}

static int best_of(const double *logits)
{
    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static double worst; /* difference over all clips, for the record */

static void compare_logits(const clip *c, const float *actual)
{
    double logits[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
        logits[i] = (double)actual[i];
        worst = fmax(worst, fabs(logits[i] - c->logits[i]));
        if (!(fabs(logits[i] - c->logits[i]) <= 1e-3))
            fail_msg("%s: logit %d is %.6f and should be %.6f", c->file, i, logits[i],
                c->logits[i]);
    }
    assert_int_equal(best_of(logits), best_of(c->logits));
}

/* The clips of one subject that begin at `first`: loads them, returns their number. */
static int load_subject(mexpr_context *context, int first, float *batch)
{
    int n = 0;
    while (first + n < n_clips &&
           strcmp(clips[first + n].subject, clips[first].subject) == 0) {
        load_planes(context, &clips[first + n], batch + (size_t)n * PLANES * PIXELS);
        n++;
    }
    return n;
}

static mexpr_tensor_view view_of(const float *batch, int n)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = n;
    view.dims[1] = PLANES;
    view.dims[2] = view.dims[3] = SIDE;
    view.data = batch;
    return view;
}

static void run_library(
    mexpr_context *context, const char *model_path, const float *batch, int first, int n)
{
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    assert_ok(context, mexpr_model_load(context, model_path, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    /* All at once, then each clip on its own. */
    for (int pass = 0; pass <= n; pass++) {
        const int size = pass == 0 ? n : 1, from = pass == 0 ? 0 : pass - 1;
        const mexpr_tensor_view view =
            view_of(batch + (size_t)from * PLANES * PIXELS, size);
        mexpr_tensor_view output = MEXPR_TENSOR_VIEW_INIT;
        assert_int_equal(mexpr_session_set_input(session, "flow", &view), MEXPR_OK);
        assert_int_equal(mexpr_session_run(session), MEXPR_OK);
        assert_int_equal(mexpr_session_output(session, "logits", &output), MEXPR_OK);
        assert_int_equal(output.dims[0], size);
        for (int i = 0; i < size; i++)
            compare_logits(
                &clips[first + from + i], (const float *)output.data + i * CLASSES);
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static void run_command(
    mexpr_context *context, const char *model_path, const float *batch, int first, int n)
{
    char input[600], output[600];
    const mexpr_tensor_view view = view_of(batch, n);
    assert_ok(context, mexpr_tensor_write_npy(context, &view, test_path("x.npy")));
    snprintf(input, sizeof input, "flow=%s", test_path("x.npy"));
    snprintf(output, sizeof output, "logits=%s", test_path("y.npy"));
    assert_int_equal(test_command((const char *const[]){"model", "run", model_path,
                         "--input", input, "--output", output, NULL}),
        0);
    mexpr_tensor *tensor = NULL;
    mexpr_tensor_view logits = MEXPR_TENSOR_VIEW_INIT;
    assert_ok(context, mexpr_tensor_read(context, test_path("y.npy"), &tensor));
    assert_int_equal(mexpr_tensor_get(tensor, &logits), MEXPR_OK);
    assert_int_equal(logits.rank, 2);
    assert_int_equal(logits.dims[0], n);
    assert_int_equal(logits.dims[1], CLASSES);
    for (int i = 0; i < n; i++)
        compare_logits(&clips[first + i], (const float *)logits.data + i * CLASSES);
    mexpr_tensor_destroy(&tensor);
}

typedef void (*fold_runner)(
    mexpr_context *context, const char *model_path, const float *batch, int first, int n);

static void run_folds(fold_runner runner)
{
    static float batch[MAX_CLIPS * PLANES * PIXELS];
    read_clips();
    worst = 0;
    mexpr_context *context = test_context(NULL, 1);
    int n_folds = 0;
    for (int first = 0, n; first < n_clips; first += n, n_folds++) {
        char name[64];
        snprintf(name, sizeof name, "ststnet/%s.onnx", clips[first].subject);
        n = load_subject(context, first, batch);
        runner(context, test_data(name), batch, first, n);
    }
    assert_int_equal(n_folds, 12);
    print_message(
        "12 folds, %d clips: largest difference of a logit %.2g\n", n_clips, worst);
    mexpr_context_destroy(&context);
}

static void test_folds_library(void **state)
{
    (void)state;
    run_folds(run_library);
}

static void test_folds_command(void **state)
{
    (void)state;
    run_folds(run_command);
}

/* --- the two pairs ----------------------------------------------------------------- */

static const char *const pairs[] = {"006_006_1_2", "s03_s03_po_11"};
static const char *const folds[] = {"010", "013", "016", "028", "033", "s05", "s08",
    "s12", "s18", "sub07", "sub09", "sub23"};

enum { N_PAIRS = 2, N_FOLDS = sizeof folds / sizeof folds[0] };

static const char *pair_path(const char *pair, const char *frame)
{
    char name[128];
    snprintf(name, sizeof name, "pairs/%s/%s", pair, frame);
    return test_data(name);
}

static double correlation(const uint8_t *a, const uint8_t *b, int channel)
{
    double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = channel; i < PLANES * PIXELS; i += PLANES) {
        sa += a[i];
        sb += b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        ab += (double)a[i] * b[i];
    }
    return (ab - sa * sb / PIXELS) /
           sqrt((aa - sa * sa / PIXELS) * (bb - sb * sb / PIXELS));
}

static void check_picture(
    const char *pair, const mexpr_image *actual, const mexpr_image *published)
{
    static const double least[] = {0.98, 0.98, 0.96};
    assert_int_equal(mexpr_image_stride(actual), PLANES * SIDE);
    assert_int_equal(mexpr_image_stride(published), PLANES * SIDE);
    double r[PLANES];
    for (int c = 0; c < PLANES; c++)
        r[c] = correlation(mexpr_image_data(actual), mexpr_image_data(published), c);
    print_message("%s: correlation u %.3f v %.3f strain %.3f\n", pair, r[0], r[1], r[2]);
    for (int c = 0; c < PLANES; c++)
        assert_true(r[c] >= least[c]);
}

static mexpr_image *published_picture(mexpr_context *context, const char *pair)
{
    char name[128];
    snprintf(name, sizeof name, "megc2019/flow28/%s.png", pair);
    return read_rgb(context, test_data(name));
}

static void test_pictures_command(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int i = 0; i < N_PAIRS; i++) {
        assert_int_equal(
            test_command((const char *const[]){"flow", pair_path(pairs[i], "onset.png"),
                pair_path(pairs[i], "apex.png"), "-o", test_path("out.flo"), "--flow28",
                test_path("q.png"), "--compare", pair_path(pairs[i], "ipol_tvl1.flo"),
                NULL}),
            0);
        mexpr_image *picture = read_rgb(context, test_path("q.png"));
        mexpr_image *published = published_picture(context, pairs[i]);
        check_picture(pairs[i], picture, published);
        mexpr_image_destroy(&published);
        mexpr_image_destroy(&picture);
    }
    mexpr_context_destroy(&context);
}

static mexpr_image *read_frame(
    mexpr_context *context, const char *pair, const char *frame)
{
    mexpr_image *image = NULL;
    assert_ok(context,
        mexpr_image_read(context, pair_path(pair, frame), MEXPR_COLOUR_GREY, &image));
    return image;
}

/* The pair through every published network: the answer is that of the network. */
static void recognize_pair(mexpr_context *context, const char *pair, const char *fold)
{
    char name[64];
    snprintf(name, sizeof name, "ststnet/%s.onnx", fold);
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.labels = "negative,positive,surprise";
    assert_ok(context, mexpr_model_load(context, test_data(name), &options.model));
    mexpr_recognizer *recognizer = NULL;
    assert_ok(context, mexpr_recognizer_create(context, &options, &recognizer));
    mexpr_image *onset = read_frame(context, pair, "onset.png");
    mexpr_image *apex = read_frame(context, pair, "apex.png");
    mexpr_image *published = published_picture(context, pair);
    mexpr_result *result = NULL;
    assert_int_equal(
        mexpr_recognizer_run(recognizer, onset, apex, NULL, &result), MEXPR_OK);
    assert_int_equal(mexpr_result_n_classes(result), CLASSES);
    if (strcmp(fold, folds[0]) == 0)
        check_picture(pair, mexpr_result_picture(result), published);
    print_message("%s by the network without %s: %s %.3f\n", pair, fold,
        mexpr_result_label(result),
        mexpr_result_score(result, mexpr_result_class(result)));
    mexpr_result_destroy(&result);
    mexpr_image_destroy(&published);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_model_destroy(&options.model);
}

static void test_pairs_library(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int i = 0; i < N_PAIRS; i++) {
        for (int k = 0; k < N_FOLDS; k++)
            recognize_pair(context, pairs[i], folds[k]);
    }
    mexpr_context_destroy(&context);
}

static void test_pairs_command(void **state)
{
    (void)state;
    for (int i = 0; i < N_PAIRS; i++) {
        for (int k = 0; k < N_FOLDS; k++) {
            char name[64];
            snprintf(name, sizeof name, "ststnet/%s.onnx", folds[k]);
            assert_int_equal(
                test_command((const char *const[]){"recognize", "--cropped", "--onset",
                    pair_path(pairs[i], "onset.png"), "--apex",
                    pair_path(pairs[i], "apex.png"), "--model", test_data(name),
                    "--labels", "negative,positive,surprise", "--json", NULL}),
                0);
            size_t size;
            char *out = test_read_file(test_path("out"), &size);
            assert_int_equal(strncmp(out, "{\"label\": \"", 11), 0);
            free(out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_library),
        cmocka_unit_test(test_folds_command),
        cmocka_unit_test(test_pictures_command),
        cmocka_unit_test(test_pairs_library),
        cmocka_unit_test(test_pairs_command),
    };
    if (!strstr(mexpr_build_features(), "png")) {
        print_message("skipped: this build reads no PNG\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
