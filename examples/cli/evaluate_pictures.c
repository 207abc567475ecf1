/* SPDX-License-Identifier: MIT */
/* Pictures of right and wrong clips for the page of `microexpr evaluate`, and of where
 * the network of a clip's own fold looked. */
#include <stdlib.h>

#include "evaluate_job.h"

enum {
    MOST_PICTURES = 12, /* of right and of wrong clips */
    SIDE = LABELLED_SIDE,
    CLIP = 3 * SIDE * SIDE, /* floats */
    MAP = SIDE * SIDE,
    PATCH = 6, /* what is covered for a map, px, and how far apart: 64 variants */
    STRIDE = 3
};

/* --- maps -------------------------------------------------------------------------- */

int evaluate_maps_create(evaluate_job *job)
{
    const size_t n = (size_t)mexpr_manifest_n_clips(job->data.manifest);
    job->maps = calloc(n + 1, sizeof *job->maps);
    job->options.watch = evaluate_maps_watch;
    job->options.watch_user = job;
    return job->maps ? CLI_OK : cli_fail("out of memory");
}

void evaluate_maps_free(evaluate_job *job)
{
    for (int64_t i = 0; job->maps && i < mexpr_manifest_n_clips(job->data.manifest); i++)
        free(job->maps[i]);
    free(job->maps);
}

static int32_t n_folds(const evaluate_job *job)
{
    switch (job->options.protocol) {
    case MEXPR_PROTOCOL_LOSO:
        return mexpr_manifest_n_persons(job->data.manifest);
    case MEXPR_PROTOCOL_DATASET:
        return mexpr_manifest_n_datasets(job->data.manifest);
    default:
        return 1;
    }
}

/* Where the network looked in a clip, added to the map that other systems of the fold
 * have left. */
static mexpr_status add_map(evaluate_job *job, mexpr_context *context,
    const mexpr_fold_network *network, int64_t clip)
{
    mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_saliency *saliency;
    mexpr_tensor_view one = job->data.inputs;
    float **map = &job->maps[clip];
    one.dims[0] = 1;
    one.data = job->data.values + clip * CLIP;
    o.patch = PATCH;
    o.stride = STRIDE;
    if (!*map && !(*map = calloc(MAP, sizeof **map)))
        return MEXPR_E_NOMEM;
    const mexpr_status status =
        mexpr_saliency_compute(context, network->model, &one, 1, &o, &saliency);
    if (status != MEXPR_OK)
        return status;
    const mexpr_image *got = mexpr_saliency_map(saliency);
    for (int y = 0; y < SIDE; y++) {
        const char *row = mexpr_image_data(got);
        row += (size_t)y * mexpr_image_stride(got);
        for (int x = 0; x < SIDE; x++)
            (*map)[y * SIDE + x] +=
                (float)network->weight * ((const float *)(const void *)row)[x];
    }
    mexpr_saliency_destroy(&saliency);
    return MEXPR_OK;
}

static int is_right(const evaluate_job *job, const mexpr_fold_network *network, int64_t k)
{
    const int32_t n = mexpr_manifest_n_classes(job->data.manifest);
    const float *scores = network->scores + k * n;
    int32_t best = 0;
    for (int32_t c = 1; c < n; c++)
        best = scores[c] > scores[best] ? c : best;
    return best == job->data.labels[network->clips[k]];
}

/* The networks are gone when the page is written and it is known which clips are on it:
 * some of each fold that are right and some that are wrong are looked at, of the first
 * seed; of several systems that are fused the first says which. Folds have clips of their
 * own, so that no two threads write one map. */
mexpr_status evaluate_maps_watch(
    void *user, mexpr_context *context, const mexpr_fold_network *network)
{
    evaluate_job *job = user;
    const int most = 1 + MOST_PICTURES / n_folds(job);
    const int chooses = network->candidate == 0 || network->weight >= 1;
    int seen[2] = {0, 0};
    mexpr_status status = MEXPR_OK;
    for (int64_t k = 0; k < network->n_clips && network->seed == 0; k++) {
        const int64_t clip = network->clips[k];
        if (chooses ? seen[is_right(job, network, k)]++ >= most : !job->maps[clip])
            continue;
        status = add_map(job, context, network, clip);
        if (status != MEXPR_OK)
            return status;
    }
    return status;
}

/* --- pictures ---------------------------------------------------------------------- */

static void add_base64(text *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t k = 0; k < n; k += 3) {
        const unsigned b1 = k + 1 < n ? bytes[k + 1] : 0,
                       b2 = k + 2 < n ? bytes[k + 2] : 0;
        const unsigned all = (unsigned)bytes[k] << 16 | b1 << 8 | b2;
        const char four[4] = {digits[all >> 18], digits[all >> 12 & 63],
            k + 1 < n ? digits[all >> 6 & 63] : '=', k + 2 < n ? digits[all & 63] : '='};
        text_add_bytes(out, four, sizeof four);
    }
}

static mexpr_status add_image(
    const evaluate_job *job, const mexpr_image *image, const char *title, text *out)
{
    void *bytes = NULL;
    size_t size = 0;
    const mexpr_status status =
        mexpr_image_encode_png(job->context, image, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    text_add(
        out, "<img alt=\"%s\" title=\"%s\" src=\"data:image/png;base64,", title, title);
    add_base64(out, bytes, size);
    text_add(out, "\">");
    mexpr_bytes_free(job->context, &bytes);
    return MEXPR_OK;
}

/* What the network was given, crop and all. */
static void draw_clip(const evaluate_job *job, int64_t clip, unsigned char *rgb)
{
    const float *planes = job->data.values + clip * CLIP;
    for (int k = 0; k < MAP; k++)
        for (int c = 0; c < 3; c++) {
            const float value = planes[c * MAP + k];
            rgb[3 * k + c] = (unsigned char)(value < 0     ? 0
                                             : value > 255 ? 255
                                                           : value + 0.5f);
        }
}

static mexpr_status add_images(const evaluate_job *job, int64_t clip, text *out)
{
    unsigned char rgb[CLIP];
    mexpr_image *flow = NULL, *map = NULL, *over = NULL;
    draw_clip(job, clip, rgb);
    mexpr_status status = mexpr_image_wrap(
        job->context, MEXPR_FORMAT_RGB8, SIDE, SIDE, 3 * SIDE, rgb, NULL, NULL, &flow);
    if (status == MEXPR_OK)
        status = mexpr_image_wrap(job->context, MEXPR_FORMAT_GREYF32, SIDE, SIDE,
            SIDE * sizeof(float), job->maps[clip], NULL, NULL, &map);
    if (status == MEXPR_OK)
        status = mexpr_saliency_picture(job->context, map, flow, 0.6, &over);
    if (status == MEXPR_OK)
        status = add_image(job, flow, "flow", out);
    if (status == MEXPR_OK)
        status = add_image(job, over, "where the network looked", out);
    mexpr_image_destroy(&over);
    mexpr_image_destroy(&map);
    mexpr_image_destroy(&flow);
    return status;
}

static int add_figure(const evaluate_job *job, int64_t clip, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    const int32_t predicted = mexpr_evaluation_predicted(job->evaluation, clip);
    mexpr_record record = MEXPR_RECORD_INIT;
    mexpr_manifest_clip(manifest, clip, &record);
    text_add(out, "<figure>");
    const mexpr_status status = add_images(job, clip, out);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    text_add(out, "<figcaption>");
    evaluate_html_text(out, mexpr_manifest_person(manifest, record.person));
    text_add(out, "<br>");
    evaluate_html_text(out, mexpr_manifest_class(manifest, record.label));
    if (predicted != record.label) {
        text_add(out, ", taken for ");
        evaluate_html_text(out, mexpr_manifest_class(manifest, predicted));
    }
    text_add(out, "</figcaption></figure>\n");
    return CLI_OK;
}

/* Whether a clip can be shown among the right or the wrong ones. */
static int is_shown(const evaluate_job *job, int64_t clip, int right)
{
    const int32_t predicted = mexpr_evaluation_predicted(job->evaluation, clip);
    return predicted >= 0 && job->maps[clip] &&
           (predicted == job->data.labels[clip]) == right;
}

/* Some right or some wrong clips, evenly from all over the manifest. */
static int add_row(const evaluate_job *job, int right, text *out)
{
    const int64_t n = mexpr_manifest_n_clips(job->data.manifest);
    int64_t total = 0, seen = 0, shown = 0;
    int code = CLI_OK;
    for (int64_t i = 0; i < n; i++)
        total += is_shown(job, i, right);
    for (int64_t i = 0; i < n && code == CLI_OK && shown < MOST_PICTURES; i++)
        if (is_shown(job, i, right) && seen++ * MOST_PICTURES >= shown * total) {
            shown++;
            code = add_figure(job, i, out);
        }
    if (total == 0)
        text_add(out, "<p class=\"note\">None.</p>\n");
    return code;
}

int evaluate_pictures_html(const evaluate_job *job, text *out)
{
    text_add(out, "<h2>Clips</h2>\n");
    if (!job->request->pictures) {
        text_add(out,
            "<p class=\"note\">No pictures: databases of faces may as a rule not "
            "be shown. Where the licence allows it, --pictures puts some flow "
            "pictures here, and where the networks looked.</p>\n");
        return CLI_OK;
    }
    text_add(out,
        "<p class=\"note\">Flow pictures (u, v and strain as red, green and blue), and "
        "where the network looked that was not trained on the person: how much its "
        "score of the class that it took the clip for fell when a square of %d px was "
        "covered, from blue (not) to red (most). Of several systems the mean by their "
        "weights, of several seeds the first.</p>\n<h3>Wrong</h3>\n",
        PATCH);
    const int code = add_row(job, 0, out);
    text_add(out, "<h3>Right</h3>\n");
    return code == CLI_OK ? add_row(job, 1, out) : code;
}
