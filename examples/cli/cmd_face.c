/* SPDX-License-Identifier: MIT */
/* Faces of pictures and clips as JSON lines or OpenFace's CSV, and drawn. */
#include <string.h>
#include <sys/stat.h>

#include "clip_io.h"
#include "cmd.h"
#include "json.h"

typedef struct face_request {
    const char *output;
    const char *picture;
    const char *regions;
    cli_number smallest;
    cli_number largest;
    cli_number threshold;
    int max_faces;
    int no_filter;
    int threads;
    int json;
    int csv;
} face_request;

#define AT(member) offsetof(face_request, member)

static const cli_option options[] = {
    {"json", 0, CLI_FLAG, AT(json), NULL, "one JSON object a line (standard)"},
    {"csv", 0, CLI_FLAG, AT(csv), NULL, "OpenFace's columns instead"},
    {"output", 'o', CLI_TEXT, AT(output), "F", "write them to a file"},
    {"picture", 0, CLI_TEXT, AT(picture), "F.png",
        "draw boxes and landmarks of a picture"},
    {"regions", 0, CLI_TEXT, AT(regions), "KIND",
        "draw regions too: action, mdmo, bands, nine, eyes, still"},
    {"smallest", 0, CLI_NUMBER, AT(smallest), "PX", "side of the smallest face (40)"},
    {"largest", 0, CLI_NUMBER, AT(largest), "PX", "side of the largest face (any)"},
    {"threshold", 0, CLI_NUMBER, AT(threshold), "S", "least score of a face"},
    {"max", 0, CLI_INT, AT(max_faces), "N", "the best N faces, up to 64 (16)"},
    {"no-filter", 0, CLI_FLAG, AT(no_filter), NULL, "clips: landmarks without filter"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {0},
};

static const cli_word region_words[] = {{"action", MEXPR_REGIONS_ACTION},
    {"mdmo", MEXPR_REGIONS_MDMO}, {"bands", MEXPR_REGIONS_BANDS},
    {"nine", MEXPR_REGIONS_NINE}, {"eyes", MEXPR_REGIONS_EYES},
    {"still", MEXPR_REGIONS_STILL}, {NULL, 0}};

typedef struct face_job {
    const face_request *request;
    int regions; /* 0: none */
    mexpr_context *context;
    mexpr_face_options options;
    mexpr_face_finder *finder;
    mexpr_face_table *table;
    text out;
    int64_t n_pictures;
    cli_outputs outputs;
} face_job;

/* One picture, or frame of a clip, whose faces are told. */
typedef struct scene {
    const char *folder; /* NULL: the name is a path */
    const char *name;
    int64_t frame; /* of a clip, from 0; -1: no clip */
    double seconds;
    mexpr_face_finder *finder;
    mexpr_face_tracker *tracker; /* for frames of a clip */
    int32_t n;
} scene;

static mexpr_status get(const scene *s, int32_t index, mexpr_face *face)
{
    return s->tracker ? mexpr_face_tracker_face(s->tracker, index, face)
                      : mexpr_face_finder_face(s->finder, index, face);
}

/* --- output ------------------------------------------------------------------------ */

static void json_face(const scene *s, const mexpr_face *face, text *out)
{
    json_open(out, '{');
    if (s->tracker) {
        json_key(out, "id");
        json_integer(out, face->id);
    }
    json_key(out, "box");
    json_open(out, '[');
    for (int i = 0; i < 4; i++)
        json_number(out, face->box[i], 6);
    json_close(out, ']');
    json_key(out, "score");
    json_number(out, face->score, 6);
    json_key(out, "confidence");
    json_number(out, face->confidence, 4);
    json_key(out, "landmarks");
    json_open(out, '[');
    for (int i = 0; i < MEXPR_LANDMARKS_68; i++) {
        json_open(out, '[');
        json_number(out, (double)face->landmarks[2 * i], 7);
        json_number(out, (double)face->landmarks[2 * i + 1], 7);
        json_close(out, ']');
    }
    json_close(out, ']');
    json_close(out, '}');
}

static int tell_json(face_job *job, const scene *s)
{
    text path = {0}, line = {0};
    if (s->folder)
        text_add(&path, "%s/", s->folder);
    text_add(&path, "%s", s->name);
    json_open(&line, '{');
    json_key(&line, "image");
    json_string(&line, path.bytes);
    if (s->frame >= 0) {
        json_key(&line, "frame");
        json_integer(&line, s->frame);
    }
    json_key(&line, "faces");
    json_open(&line, '[');
    for (int32_t i = 0; i < s->n; i++) {
        mexpr_face face = MEXPR_FACE_INIT;
        if (get(s, i, &face) == MEXPR_OK)
            json_face(s, &face, &line);
    }
    json_close(&line, ']');
    json_close(&line, '}');
    text_add_bytes(&job->out, line.bytes, line.size);
    text_add(&job->out, "\n");
    job->out.failed |= path.failed | line.failed;
    text_free(&line);
    text_free(&path);
    return CLI_OK;
}

/* As OpenFace: frames from 1; a frame without a face has a row with success 0. */
static int tell_csv(face_job *job, const scene *s)
{
    const int64_t frame = s->frame >= 0 ? s->frame + 1 : job->n_pictures;
    for (int32_t i = 0; i == 0 || i < s->n; i++) {
        mexpr_face_row row = MEXPR_FACE_ROW_INIT;
        mexpr_face face = MEXPR_FACE_INIT;
        row.frame = frame;
        row.timestamp = s->seconds;
        if (s->n > 0 && get(s, i, &face) == MEXPR_OK) {
            row.face_id = face.id;
            row.confidence = face.confidence;
            row.success = 1;
            memcpy(row.landmarks, face.landmarks, sizeof row.landmarks);
        }
        const mexpr_status status = mexpr_face_table_add(job->table, &row);
        if (status != MEXPR_OK)
            return cli_fail_status(
                status, mexpr_face_table_last_error(job->table), s->name);
    }
    return CLI_OK;
}

static int tell(face_job *job, const scene *s)
{
    job->n_pictures++;
    return job->request->csv ? tell_csv(job, s) : tell_json(job, s);
}

static mexpr_status draw(face_job *job, const scene *s, mexpr_image *rgb)
{
    const uint32_t marks = MEXPR_MARK_BOX | MEXPR_MARK_POINTS |
                           (job->regions ? (uint32_t)MEXPR_MARK_REGIONS : 0);
    mexpr_status status = MEXPR_OK;
    for (int32_t i = 0; i < s->n && status == MEXPR_OK; i++) {
        mexpr_face face = MEXPR_FACE_INIT;
        status = get(s, i, &face);
        if (status == MEXPR_OK)
            status = mexpr_face_draw(
                job->context, rgb, &face, marks, (mexpr_regions)job->regions);
    }
    return status;
}

static int write_picture(face_job *job, const scene *s, const mexpr_image *image)
{
    const char *temporary = cli_output_png(&job->outputs, job->request->picture);
    mexpr_image *rgb = NULL;
    if (!temporary)
        return CLI_FAILED;
    mexpr_status status =
        mexpr_image_convert(job->context, image, MEXPR_FORMAT_RGB8, &rgb);
    if (status == MEXPR_OK)
        status = draw(job, s, rgb);
    const int code =
        status == MEXPR_OK
            ? CLI_OK
            : cli_fail_status(status, mexpr_context_last_error(job->context), "drawing");
    if (code == CLI_OK &&
        mexpr_image_write_png(job->context, rgb, temporary) != MEXPR_OK) {
        mexpr_image_destroy(&rgb);
        return cli_output_failed(&job->outputs, job->context);
    }
    mexpr_image_destroy(&rgb);
    return code;
}

/* --- work -------------------------------------------------------------------------- */

static int do_picture(face_job *job, const char *path)
{
    mexpr_image *image;
    scene s = {.name = path, .frame = -1, .finder = job->finder};
    mexpr_status status = mexpr_image_read(job->context, path, MEXPR_COLOUR_KEEP, &image);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    status = mexpr_face_finder_run(job->finder, image, &s.n);
    int code = CLI_OK;
    if (status != MEXPR_OK)
        code = cli_fail_status(status, mexpr_face_finder_last_error(job->finder), path);
    if (code == CLI_OK)
        code = tell(job, &s);
    if (code == CLI_OK && job->request->picture)
        code = write_picture(job, &s, image);
    mexpr_image_destroy(&image);
    return code;
}

/* What is in the clip is told as `folder`/name. */
static int do_frames(
    face_job *job, const char *folder, mexpr_clip *clip, mexpr_face_tracker *tracker)
{
    int32_t over = 0, under = 1;
    const int64_t n = mexpr_clip_n_frames(clip);
    int code = CLI_OK;
    mexpr_clip_fps(clip, &over, &under);
    for (int64_t i = 0; code == CLI_OK; i++) {
        const mexpr_image *frame;
        scene s = {.frame = i, .tracker = tracker};
        mexpr_status status = mexpr_clip_frame(clip, i, &frame);
        if (status == MEXPR_END)
            break;
        if (status != MEXPR_OK) {
            code = cli_fail_status(status, mexpr_clip_last_error(clip), NULL);
            break;
        }
        s.name = mexpr_clip_name(clip, i);
        s.folder = s.name ? folder : NULL;
        s.name = s.name ? s.name : folder;
        s.seconds = over > 0 ? (double)i * under / over : 0;
        status = mexpr_face_tracker_push(tracker, frame, &s.n);
        code = status == MEXPR_OK ? tell(job, &s)
                                  : cli_fail_status(status,
                                        mexpr_face_tracker_last_error(tracker), s.name);
        clip_progress(NULL, (uint64_t)i + 1, n > 0 ? (uint64_t)n : 0);
    }
    clip_progress_end();
    return code;
}

/* The folder that a clip's file names are in: the path, or the part before a pattern. */
static int folder_of(const char *path, text *folder)
{
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (stat(path, &info) == 0) {
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/')
            n--;
        text_add_bytes(folder, path, n);
    } else if (slash) {
        text_add_bytes(folder, path, (size_t)(slash - path));
    } else {
        text_add(folder, ".");
    }
    return folder->failed ? cli_fail("out of memory; close other programs and try again")
                          : CLI_OK;
}

static int do_clip(face_job *job, const char *path)
{
    mexpr_clip *clip = NULL;
    mexpr_face_tracker *tracker = NULL;
    text folder = {0};
    int code = clip_open(job->context, path, MEXPR_COLOUR_KEEP, 0, &clip);
    if (code == CLI_OK)
        code = folder_of(path, &folder);
    if (code == CLI_OK) {
        const mexpr_status status =
            mexpr_face_tracker_create(job->context, &job->options, &tracker);
        if (status != MEXPR_OK)
            code = cli_fail_status(
                status, mexpr_context_last_error(job->context), "following faces");
    }
    if (code == CLI_OK)
        code = do_frames(job, folder.bytes, clip, tracker);
    mexpr_face_tracker_destroy(&tracker);
    mexpr_clip_destroy(&clip);
    text_free(&folder);
    return code;
}

static int has_ending(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

/* A file is a picture; a folder, a pattern, Y4M and "-" are clips. */
static int is_clip(const char *path)
{
    struct stat info;
    if (strcmp(path, "-") == 0 || has_ending(path, ".y4m"))
        return 1;
    return stat(path, &info) == 0 ? S_ISDIR(info.st_mode) : strpbrk(path, "%*?[") != NULL;
}

static int check_request(face_job *job, char **paths, int n)
{
    const face_request *r = job->request;
    if (r->json && r->csv)
        return cli_usage("face: give --json or --csv, not both");
    if (r->picture && (n != 1 || is_clip(paths[0])))
        return cli_usage("face: --picture draws one picture; give one");
    if (r->regions && !r->picture)
        return cli_usage("face: --regions needs --picture");
    if (r->threshold.given && (r->threshold.value < 0 || r->threshold.value > 1))
        return cli_usage(
            "face: --threshold %g is out of range; give 0 to 1", r->threshold.value);
    return cli_choose("--regions", r->regions, region_words, &job->regions);
}

static int make_parts(face_job *job)
{
    const face_request *r = job->request;
    mexpr_face_options *o = &job->options;
    *o = (mexpr_face_options)MEXPR_FACE_OPTIONS_INIT;
    o->smallest = r->smallest.value;
    o->largest = r->largest.value;
    o->threshold = r->threshold.value;
    o->threshold_set = r->threshold.given;
    o->max_faces = r->max_faces;
    o->no_filter = r->no_filter;
    mexpr_status status = mexpr_face_finder_create(job->context, o, &job->finder);
    if (status == MEXPR_OK)
        status = mexpr_face_table_create(job->context, &job->table);
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int finish(face_job *job)
{
    void *bytes = NULL;
    size_t size = 0;
    if (job->request->csv) {
        const mexpr_status status =
            mexpr_face_table_encode_csv(job->table, &bytes, &size);
        if (status != MEXPR_OK)
            return cli_fail_status(
                status, mexpr_face_table_last_error(job->table), "writing CSV");
        text_add_bytes(&job->out, bytes, size);
        mexpr_bytes_free(job->context, &bytes);
    }
    return cli_write(&job->outputs, job->request->output, &job->out);
}

static int steps(face_job *job, char **paths, int n)
{
    int code = check_request(job, paths, n);
    if (code == CLI_OK)
        code = cli_context(job->request->threads, &job->context);
    if (code == CLI_OK)
        code = make_parts(job);
    for (int i = 0; i < n && code == CLI_OK; i++)
        code = is_clip(paths[i]) ? do_clip(job, paths[i]) : do_picture(job, paths[i]);
    return code == CLI_OK ? finish(job) : code;
}

static int run(const void *request, char **arguments, int n)
{
    face_job job = {.request = request};
    const int code = cli_outputs_finish(&job.outputs, steps(&job, arguments, n));
    text_free(&job.out);
    mexpr_face_table_destroy(&job.table);
    mexpr_face_finder_destroy(&job.finder);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_face = {
    .name = "face",
    .arguments = "IMG...",
    .summary = "Finds faces and their 68 landmarks",
    .about =
        "IMG is a PNG or JPEG file. In a folder of pictures, a pattern like "
        "'img%d.jpg',\n"
        "a .y4m file, or - (Y4M from standard input) faces are followed from frame to\n"
        "frame. Boxes are x, y, width, height in px.",
    .options = options,
    .request_size = sizeof(face_request),
    .min_arguments = 1,
    .max_arguments = 100000,
    .run = run,
};
