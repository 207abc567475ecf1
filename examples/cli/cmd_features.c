/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clip_io.h"
#include "cmd.h"
#include "feature_kinds.h"
#include "flow_clip.h"
#include "flow_params.h"
#include "landmarks.h"
#include "lbp_features.h"

typedef struct features_request {
    const char *kinds;
    cli_list landmarks;
    int landmarks_row;
    const char *grid;
    int bins;
    const char *norm;
    const char *weight;
    cli_number min_magnitude;
    const char *strain;
    const char *compensate;
    const char *patch;
    cli_number outlier;
    int mask_eyes;
    cli_number eye_margin;
    const char *radius;
    int layers;
    const char *reference;
    cli_number onset;
    const char *output;
    int json;
    int threads;
    flow_params params;
} features_request;

#define AT(member) offsetof(features_request, member)

static const cli_option options[] = {
    {"kind", 'k', CLI_TEXT, AT(kinds), "LIST",
        "some of flow, magnitude, orientation, strain, histogram, hoof,\n"
        "                              bi_woof, mdmo, motion; or lbp_top"},
    {"landmarks", 'l', CLI_LIST, AT(landmarks), "F",
        "68 landmarks of A: .pts, OpenFace CSV, plain CSV; one file for all\n"
        "                              pairs, or one for each"},
    {"landmarks-row", 0, CLI_INT, AT(landmarks_row), "N",
        "row of the CSV file, counted from 1"},
    {"grid", 'g', CLI_TEXT, AT(grid), "RxC",
        "rows and columns of blocks (1x1; bi_woof 8x8; lbp_top 5x5)"},
    {"bins", 'b', CLI_INT, AT(bins), "N", "directions of a histogram, 1 to 64 (8)"},
    {"norm", 0, CLI_TEXT, AT(norm), "N",
        "of histograms: none, block, all, l2 or sqrt (block; bi_woof none)"},
    {"weight", 0, CLI_TEXT, AT(weight), "W",
        "of histograms: magnitude (standard) or count"},
    {"min-magnitude", 0, CLI_NUMBER, AT(min_magnitude), "PX",
        "no motion up to this in histograms and mdmo (0)"},
    {"strain", 0, CLI_TEXT, AT(strain), "KIND",
        "frobenius (standard), quarter or off-tanet"},
    {"compensate", 0, CLI_TEXT, AT(compensate), "HOW",
        "take the head's motion out: patch, region or similarity"},
    {"patch", 0, CLI_TEXT, AT(patch), "X,Y,W,H",
        "the patch; otherwise 11x11 on the bridge of the nose"},
    {"outlier", 0, CLI_NUMBER, AT(outlier), "PX",
        "make region and similarity robust against motion of this size"},
    {"mask-eyes", 0, CLI_FLAG, AT(mask_eyes), NULL, "leave the eyes out"},
    {"eye-margin", 0, CLI_NUMBER, AT(eye_margin), "PX", "and so much around them (5)"},
    {"radius", 0, CLI_TEXT, AT(radius), "X,Y,T", "of lbp_top, in px and frames (1,1,4)"},
    {"layers", 0, CLI_INT, AT(layers), "N", "of lbp_top: blocks in time (1)"},
    {"reference", 0, CLI_TEXT, AT(reference), "R",
        "rows for the frames of clips: flow from the onset or the\n"
        "                              previous frame"},
    {"onset", 0, CLI_NUMBER, AT(onset), "N",
        "the clips' onset, counted from 0 (0); a row for each frame"},
    {"output", 'o', CLI_TEXT, AT(output), "F",
        "the file to write; - or none: standard output"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "JSON instead of CSV"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    FLOW_PARAM_OPTIONS(features_request, params),
    {0},
};

enum { PATCH_SIDE = 11, NOSE = 28, OUTLINE = 27, MAX_BLOCKS = 1000 };

typedef enum compensation {
    COMPENSATE_NOT,
    COMPENSATE_PATCH,
    COMPENSATE_REGION,
    COMPENSATE_SIMILARITY
} compensation;

/* What the command owns while it runs. */
typedef struct features_job {
    const features_request *request;
    feature_set kinds;
    feature_settings settings;
    int compensate; /* compensation */
    mexpr_box patch;
    mexpr_context *context;
    mexpr_flow *flow;
    table table;
    cli_outputs outputs;
} features_job;

/* What one pair owns. */
typedef struct pair {
    mexpr_image *first;
    mexpr_image *second;
    mexpr_field *field;
    float landmarks[LANDMARK_NUMBERS];
    mexpr_motion motion;
} pair;

static int failed(const features_job *job, mexpr_status status)
{
    return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

/* --- options ----------------------------------------------------------------------- */

/* Whole numbers above 0, `separator` between them. */
static int parse_numbers(const char *given, char separator, int *const out[], int n)
{
    for (int i = 0; given && i < n; i++) {
        char *end;
        const long number = *given >= '0' && *given <= '9' ? strtol(given, &end, 10) : 0;
        if (number < 1 || number > MAX_BLOCKS || *end != (i < n - 1 ? separator : '\0'))
            return 0;
        *out[i] = (int)number;
        given = end + 1;
    }
    return 1;
}

static int read_words(features_job *job)
{
    static const cli_word norms[] = {
        {"none", MEXPR_NORM_NONE},
        {"block", MEXPR_NORM_BLOCK},
        {"all", MEXPR_NORM_ALL},
        {"l2", MEXPR_NORM_L2},
        {"sqrt", MEXPR_NORM_SQRT},
        {0},
    };
    static const cli_word weights[] = {
        {"magnitude", MEXPR_WEIGHT_MAGNITUDE},
        {"count", MEXPR_WEIGHT_COUNT},
        {0},
    };
    static const cli_word ways[] = {
        {"patch", COMPENSATE_PATCH},
        {"region", COMPENSATE_REGION},
        {"similarity", COMPENSATE_SIMILARITY},
        {0},
    };
    const features_request *r = job->request;
    int code = cli_choose("--norm", r->norm, norms, &job->settings.norm);
    if (code == CLI_OK)
        code = cli_choose("--weight", r->weight, weights, &job->settings.weight);
    if (code == CLI_OK)
        code = cli_choose("--compensate", r->compensate, ways, &job->compensate);
    if (code == CLI_OK)
        code = cli_strain(r->strain, &job->settings.strain);
    if (code == CLI_OK)
        code = cli_box("--patch", r->patch, &job->patch);
    return code;
}

static int read_settings(features_job *job)
{
    const features_request *r = job->request;
    feature_settings *s = &job->settings;
    int *const grid[] = {&s->rows, &s->columns};
    if (!parse_numbers(r->grid, 'x', grid, 2))
        return cli_usage("--grid '%s' is not a grid; give rows and columns as RxC, each "
                         "1 to %d",
            r->grid, MAX_BLOCKS);
    s->bins = r->bins;
    s->min_magnitude = r->min_magnitude.value;
    job->table.json = r->json;
    const int code = read_words(job);
    return code == CLI_OK ? feature_set_parse(r->kinds, &job->kinds) : code;
}

/* Options that have no use here are mistakes. */
static int check_landmarks(const features_job *job, int n_pairs)
{
    const features_request *r = job->request;
    const char *kind = feature_set_needs_landmarks(job->kinds);
    const int n = r->landmarks.n;
    if (n > 1 && n != n_pairs)
        return cli_usage("--landmarks is given %d times for %d pairs or clips; give one "
                         "for all or one for each",
            n, n_pairs);
    if (n > 0)
        return CLI_OK;
    if (kind)
        return cli_usage("--kind %s needs --landmarks", kind);
    if (r->mask_eyes)
        return cli_usage("--mask-eyes needs --landmarks");
    if (r->landmarks_row)
        return cli_usage("--landmarks-row needs --landmarks");
    if (job->compensate == COMPENSATE_PATCH && !r->patch)
        return cli_usage("--compensate patch needs --landmarks or --patch");
    return CLI_OK;
}

/* Whether each argument is a clip whose frames have rows. */
static int has_frames(const features_job *job)
{
    return job->request->reference || job->request->onset.given;
}

static int check_flow(const features_job *job, int n)
{
    const features_request *r = job->request;
    if (!has_frames(job) && n % 2)
        return cli_usage("features: pictures come in pairs A B, here are %d; for the "
                         "frames of a clip give --reference; see 'microexpr help "
                         "features'",
            n);
    if (r->radius || r->layers)
        return cli_usage("--radius and --layers are for --kind lbp_top");
    if (r->patch && job->compensate != COMPENSATE_PATCH)
        return cli_usage("--patch is for --compensate patch");
    if (r->outlier.given && job->compensate != COMPENSATE_REGION &&
        job->compensate != COMPENSATE_SIMILARITY)
        return cli_usage("--outlier is for --compensate region or similarity");
    if (r->outlier.given && !(r->outlier.value > 0 && r->outlier.value <= 1e6))
        return cli_usage(
            "--outlier %g is out of range; give up to 1e6 px", r->outlier.value);
    if (r->eye_margin.value < 0 || r->eye_margin.value > 10000)
        return cli_usage(
            "--eye-margin %g is out of range; give 0 to 10000 px", r->eye_margin.value);
    if (r->eye_margin.given && !r->mask_eyes)
        return cli_usage("--eye-margin is for --mask-eyes");
    return check_landmarks(job, has_frames(job) ? n : n / 2);
}

static int check_clips(const features_job *job)
{
    const features_request *r = job->request;
    if (r->landmarks.n || r->mask_eyes || r->compensate || r->bins || r->norm ||
        r->weight || r->min_magnitude.given || r->strain || r->patch ||
        r->outlier.given || r->eye_margin.given || r->landmarks_row || has_frames(job))
        return cli_usage("--kind lbp_top reads frames, no flow; of the features' options "
                         "it takes --grid, --radius and --layers");
    return CLI_OK;
}

/* --- a pair ------------------------------------------------------------------------ */

static int compute_flow(features_job *job, pair *p)
{
    mexpr_status status = mexpr_field_create(job->context, mexpr_image_width(p->first),
        mexpr_image_height(p->first), &p->field);
    if (status != MEXPR_OK)
        return failed(job, status);
    status = mexpr_flow_compute(job->flow, p->first, p->second, p->field);
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_flow_last_error(job->flow), NULL);
}

/* The outline of the face, from the jaw over the brows; NULL without landmarks. */
static mexpr_status face_mask(const features_job *job, const pair *p, mexpr_image **out)
{
    if (job->request->landmarks.n == 0)
        return MEXPR_OK;
    float xy[2 * OUTLINE];
    const int32_t corners = OUTLINE;
    for (int i = 0; i < OUTLINE; i++) {
        /* 0 to 16 along the jaw, then back over the brows, 26 to 17. */
        const int from = i < 17 ? i : 43 - i;
        xy[2 * i] = p->landmarks[2 * from];
        xy[2 * i + 1] = p->landmarks[2 * from + 1];
    }
    mexpr_polygons outline = MEXPR_POLYGONS_INIT;
    outline.xy = xy;
    outline.corners = &corners;
    outline.n_polygons = 1;
    return mexpr_polygons_mask(job->context, &outline, 0, mexpr_field_width(p->field),
        mexpr_field_height(p->field), out);
}

static mexpr_status fit_region(const features_job *job, pair *p)
{
    mexpr_motion_options o = MEXPR_MOTION_OPTIONS_INIT;
    o.model = job->compensate == COMPENSATE_REGION ? MEXPR_MOTION_TRANSLATION
                                                   : MEXPR_MOTION_SIMILARITY;
    o.outlier = job->request->outlier.value;
    mexpr_image *mask = NULL;
    mexpr_status status = face_mask(job, p, &mask);
    if (status == MEXPR_OK)
        status = mexpr_field_fit_motion(job->context, p->field, mask, &o, &p->motion);
    mexpr_image_destroy(&mask);
    return status;
}

static mexpr_status fit_patch(const features_job *job, pair *p)
{
    mexpr_box box = job->patch;
    if (!job->request->patch) {
        box.x = (int32_t)lroundf(p->landmarks[2 * NOSE]) - PATCH_SIDE / 2;
        box.y = (int32_t)lroundf(p->landmarks[2 * NOSE + 1]) - PATCH_SIDE / 2;
        box.width = box.height = PATCH_SIDE;
    }
    return mexpr_field_patch_motion(
        job->context, p->field, box.x, box.y, box.width, box.height, &p->motion);
}

static int clean_field(const features_job *job, pair *p)
{
    const features_request *r = job->request;
    mexpr_status status =
        job->compensate == COMPENSATE_PATCH ? fit_patch(job, p) : fit_region(job, p);
    if (status == MEXPR_OK && job->compensate)
        status = mexpr_field_subtract_motion(job->context, p->field, &p->motion);
    if (status == MEXPR_OK && r->mask_eyes)
        status = mexpr_field_mask_eyes(job->context, p->field, p->landmarks,
            r->eye_margin.given ? r->eye_margin.value : 5, MEXPR_MASK_UNKNOWN);
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

static int read_landmarks(const features_job *job, pair *p, int index)
{
    const features_request *r = job->request;
    if (r->landmarks.n == 0)
        return CLI_OK;
    const char *path = r->landmarks.items[r->landmarks.n > 1 ? index : 0];
    const int code = landmarks_read(job->context, path, r->landmarks_row, p->landmarks);
    return code == CLI_OK ? landmarks_check(p->landmarks, path,
                                mexpr_field_width(p->field), mexpr_field_height(p->field))
                          : code;
}

static int add_features(features_job *job, const pair *p)
{
    const feature_input in = {
        job->context, p->field, p->landmarks, &p->motion, &job->settings};
    return feature_set_add(job->kinds, &in, &job->table);
}

static int add_row(features_job *job, const pair *p, char **paths)
{
    table_row(&job->table);
    table_source(&job->table, "first", paths[0]);
    table_source(&job->table, "second", paths[1]);
    return add_features(job, p);
}

static int pair_steps(features_job *job, pair *p, char **paths, int index)
{
    int code = cli_read_grey(job->context, paths[0], &p->first);
    if (code == CLI_OK)
        code = cli_read_grey(job->context, paths[1], &p->second);
    if (code == CLI_OK)
        code = compute_flow(job, p);
    if (code == CLI_OK)
        code = read_landmarks(job, p, index);
    if (code == CLI_OK)
        code = clean_field(job, p);
    return code == CLI_OK ? add_row(job, p, paths) : code;
}

static int add_pairs(features_job *job, char **paths, int n)
{
    int code = CLI_OK;
    for (int i = 0; i < n && code == CLI_OK; i += 2) {
        pair p = {.motion = MEXPR_MOTION_INIT};
        code = pair_steps(job, &p, paths + i, i / 2);
        mexpr_field_destroy(&p.field);
        mexpr_image_destroy(&p.second);
        mexpr_image_destroy(&p.first);
    }
    return code;
}

/* --- the frames of a clip ---------------------------------------------------------- */

typedef struct frame_rows {
    features_job *job;
    pair pair; /* its field is a copy of the frame's, to be cleaned */
    const char *path;
    int index; /* of the clip */
    int code;
} frame_rows;

/* With the first frame's size known, the landmarks as well. */
static int begin_rows(frame_rows *rows, const mexpr_field *field)
{
    const mexpr_status status = mexpr_field_create(rows->job->context,
        mexpr_field_width(field), mexpr_field_height(field), &rows->pair.field);
    if (status != MEXPR_OK)
        return failed(rows->job, status);
    return read_landmarks(rows->job, &rows->pair, rows->index);
}

static int add_frame(frame_rows *rows, int64_t frame, const mexpr_field *field)
{
    features_job *job = rows->job;
    pair *p = &rows->pair;
    int code = p->field ? CLI_OK : begin_rows(rows, field);
    if (code != CLI_OK)
        return code;
    const size_t bytes = sizeof(float) * (size_t)mexpr_field_width(field) *
                         (size_t)mexpr_field_height(field);
    memcpy(mexpr_field_u_pixels(p->field), mexpr_field_u(field), bytes);
    memcpy(mexpr_field_v_pixels(p->field), mexpr_field_v(field), bytes);
    p->motion = (mexpr_motion)MEXPR_MOTION_INIT;
    code = clean_field(job, p);
    if (code != CLI_OK)
        return code;
    table_row(&job->table);
    table_source(&job->table, "clip", rows->path);
    table_value(&job->table, (double)frame, "frame");
    return add_features(job, p);
}

static int32_t take_field(void *user, int64_t frame, const mexpr_field *field)
{
    frame_rows *rows = user;
    rows->code = add_frame(rows, frame, field);
    return rows->code != CLI_OK;
}

static int clip_rows(
    features_job *job, const char *path, int index, const mexpr_flow_clip_options *o)
{
    frame_rows rows = {.job = job, .path = path, .index = index};
    mexpr_clip *clip = NULL;
    const int n_rows = job->table.n_rows;
    int code = clip_open(job->context, path, MEXPR_COLOUR_GREY, 0, &clip);
    if (code == CLI_OK) {
        const mexpr_status status =
            mexpr_flow_clip(job->flow, clip, o, take_field, clip_progress, &rows);
        clip_progress_end();
        code = rows.code;
        if (code == CLI_OK && status != MEXPR_OK)
            code = cli_fail_status(status, mexpr_flow_last_error(job->flow), NULL);
        if (code == CLI_OK && job->table.n_rows == n_rows)
            code = cli_fail("'%s': the clip has one frame, and flow needs two; give a "
                            "longer clip or an earlier onset",
                path);
    }
    mexpr_field_destroy(&rows.pair.field);
    mexpr_clip_destroy(&clip);
    return code;
}

/* A row for each frame goes to a file at once: clips may be long. */
static int open_spool(features_job *job)
{
    const char *path = job->request->output;
    if (!path || strcmp(path, "-") == 0) {
        job->table.spool = tmpfile();
    } else {
        const char *temporary = cli_output(&job->outputs, path);
        if (!temporary)
            return CLI_FAILED;
        job->table.spool = fopen(temporary, "wb");
    }
    if (!job->table.spool)
        return cli_fail(
            "cannot write '%s': %s", path ? path : "a temporary file", strerror(errno));
    return CLI_OK;
}

static int add_frames(features_job *job, char **paths, int n)
{
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    const features_request *r = job->request;
    int code = flow_clip_reference(r->reference, r->onset, &o);
    if (code == CLI_OK)
        code = open_spool(job);
    for (int i = 0; i < n && code == CLI_OK; i++)
        code = clip_rows(job, paths[i], i, &o);
    return code;
}

/* --- clips and all ----------------------------------------------------------------- */

static int add_flow(features_job *job, char **arguments, int n)
{
    if (mexpr_flow_create(job->context, &job->flow) != MEXPR_OK)
        return failed(job, MEXPR_E_NOMEM);
    const int code = flow_params_apply(&job->request->params, job->flow);
    if (code != CLI_OK)
        return code;
    return has_frames(job) ? add_frames(job, arguments, n) : add_pairs(job, arguments, n);
}

static int add_clips(features_job *job, char **paths, int n)
{
    const features_request *r = job->request;
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
    int *const radius[] = {&o.radius_x, &o.radius_y, &o.radius_t};
    if (!parse_numbers(r->radius, ',', radius, 3))
        return cli_usage("--radius '%s' is not X,Y,T in px, px and frames", r->radius);
    o.rows = job->settings.rows;
    o.columns = job->settings.columns;
    o.layers = r->layers;
    int code = CLI_OK;
    for (int i = 0; i < n && code == CLI_OK; i++)
        code = lbp_features_add(job->context, paths[i], &o, &job->table);
    return code;
}

/* The spool is the output file already, or goes to standard output now. */
static int write_spool(features_job *job, const text *end)
{
    FILE *spool = job->table.spool;
    const int is_file = job->outputs.n > 0;
    char bytes[4096];
    size_t n;
    int good = !end->failed && fwrite(end->bytes, 1, end->size, spool) == end->size &&
               !ferror(spool) && fflush(spool) == 0;
    for (rewind(spool);
         good && !is_file && (n = fread(bytes, 1, sizeof bytes, spool)) > 0;)
        good = fwrite(bytes, 1, n, stdout) == n;
    if (!is_file && fflush(stdout) != 0)
        good = 0;
    return good
               ? CLI_OK
               : cli_fail("cannot write '%s': %s",
                     is_file ? job->request->output : "standard output", strerror(errno));
}

static int write_table(features_job *job)
{
    text out = {0};
    table_finish(&job->table, &out);
    const int code = job->table.spool
                         ? write_spool(job, &out)
                         : cli_write(&job->outputs, job->request->output, &out);
    text_free(&out);
    return code;
}

static int steps(features_job *job, char **arguments, int n)
{
    int code = read_settings(job);
    if (code == CLI_OK)
        code = job->kinds ? check_flow(job, n) : check_clips(job);
    if (code == CLI_OK)
        code = cli_context(job->request->threads, &job->context);
    if (code == CLI_OK)
        code = job->kinds ? add_flow(job, arguments, n) : add_clips(job, arguments, n);
    return code == CLI_OK ? write_table(job) : code;
}

static int run(const void *request, char **arguments, int n)
{
    features_job job = {.request = request};
    int code = steps(&job, arguments, n);
    if (job.table.spool && fclose(job.table.spool) != 0 && code == CLI_OK)
        code = cli_fail("cannot write the rows: %s", strerror(errno));
    code = cli_outputs_finish(&job.outputs, code);
    table_free(&job.table);
    mexpr_flow_destroy(&job.flow);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_features = {
    .name = "features",
    .arguments = "A B [A B]... | CLIP...",
    .summary = "Features of the flow from A to B, or of clips, as CSV",
    .about =
        "A row for each pair of PNG or JPEG files: HOOF, Bi-WOOF, MDMO, strain and\n"
        "others of the optical flow. With --reference a row for each frame of each\n"
        "CLIP, which is what 'flow' takes; with --kind lbp_top a row for each CLIP.\n"
        "Columns and units: microexpr(1), docs/features.md.",
    .options = options,
    .request_size = sizeof(features_request),
    .min_arguments = 1,
    .max_arguments = INT_MAX,
    .run = run,
};
