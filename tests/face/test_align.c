/* SPDX-License-Identifier: MIT */
/* Clips of drawn faces whose heads move: how much of that is left after aligning. */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/microexpr.h"
#include "support.h"

enum { WIDTH = 320, HEIGHT = 240, N_FRAMES = 12, N_POINTS = MEXPR_LANDMARKS_68 };

/* px. The wings of the nose and the cheeks move together when it is wrinkled: what keeps
 * still is then a small part of what is looked at. */
static const double limit = 0.1, limit_wrinkled = 0.2;

/* A whole frame with a face of 130 px, and a head that moves along `path`. */
static struct face_clip_options make_clip(uint64_t seed, const struct face_pose *path)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, WIDTH, HEIGHT);
    clip.face_x = 158.3;
    clip.face_y = 122.7;
    clip.face_size = 118;
    clip.n_frames = N_FRAMES;
    clip.onset = 0;
    clip.apex = 6;
    clip.offset = N_FRAMES - 1;
    clip.path = path;
    clip.noise_sigma = 1;
    return clip;
}

/* ±10 px and ±5°, ±3 % of size: every frame far from the one before. */
static void fill_path(struct face_pose path[N_FRAMES])
{
    static const double way[N_FRAMES][4] = {{0, 0, 0, 0}, {3.3, -1.2, 1, 0.004},
        {6.1, -4.4, 2.2, 0.01}, {10, -7.7, 3.6, 0.02}, {8.2, -10, 5, 0.03},
        {2.7, -6.1, 2.8, 0.02}, {-3.9, -0.3, 0.3, 0}, {-10, 4.2, -2.1, -0.01},
        {-8.8, 10, -5, -0.03}, {-4.6, 7.3, -3.3, -0.02}, {-1.1, 2.9, -1.4, -0.01},
        {0.4, 0.6, -0.2, 0}};
    for (int t = 0; t < N_FRAMES; t++)
        path[t] = (struct face_pose){
            way[t][0], way[t][1], way[t][2] * 3.14159265358979 / 180, way[t][3]};
}

static mexpr_image *draw(
    mexpr_context *context, const struct face_clip_options *clip, int t)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip->width,
                           clip->height, &image));
    face_clip_frame(clip, t, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
    return image;
}

/* Largest distance, over the points of the head, from where they are in the onset's crop:
 * the landmarks of the same head without expression, carried by each frame's transform.
 */
static double residual(const struct face_clip_options *clip, int t, const double onset[6],
    const double matrix[6])
{
    struct face_clip_options still = *clip;
    float a[2 * N_POINTS], b[2 * N_POINTS];
    double largest = 0;
    still.n_actions = 0;
    face_clip_landmarks(&still, clip->onset, a);
    face_clip_landmarks(&still, t, b);
    for (int i = 0; i < 2 * N_POINTS; i += 2) {
        const double dx = onset[0] * a[i] + onset[1] * a[i + 1] + onset[2] -
                          (matrix[0] * b[i] + matrix[1] * b[i + 1] + matrix[2]);
        const double dy = onset[3] * a[i] + onset[4] * a[i + 1] + onset[5] -
                          (matrix[3] * b[i] + matrix[4] * b[i + 1] + matrix[5]);
        largest = fmax(largest, hypot(dx, dy));
    }
    return largest;
}

/* Aligns all frames; returns the largest residual. `landmarks` of each frame are given,
 * or of the onset alone. */
static double align(mexpr_context *context, const struct face_clip_options *clip,
    const mexpr_align_options *options, bool give_landmarks, double *before)
{
    mexpr_aligner *aligner;
    float landmarks[2 * N_POINTS];
    double onset[6], worst = 0;
    mexpr_crop crop = MEXPR_CROP_INIT;
    assert_int_equal(mexpr_crop_find("140x170", &crop), MEXPR_OK);
    assert_ok(context, mexpr_aligner_create(context, options, &aligner));
    mexpr_image *first = draw(context, clip, clip->onset);
    face_clip_landmarks(clip, clip->onset, landmarks);
    assert_ok(context, mexpr_crop_transform(context, &crop, landmarks, onset));
    assert_int_equal(mexpr_aligner_begin(aligner, first, landmarks), MEXPR_OK);
    mexpr_image_destroy(&first);
    *before = 0;
    for (int t = clip->onset + 1; t < clip->n_frames; t++) {
        mexpr_alignment report = MEXPR_ALIGNMENT_INIT;
        mexpr_image *frame = draw(context, clip, t);
        face_clip_landmarks(clip, t, landmarks);
        assert_int_equal(mexpr_aligner_push(
                             aligner, frame, give_landmarks ? landmarks : NULL, &report),
            MEXPR_OK);
        mexpr_image_destroy(&frame);
        const double now = residual(clip, t, onset, report.matrix);
        assert_false(report.is_lost);
        *before = fmax(*before, hypot(report.before.dx, report.before.dy));
        worst = fmax(worst, now);
    }
    mexpr_aligner_destroy(&aligner);
    return worst;
}

static const struct {
    const char *name;
    int au[3];
} faces[] = {{"neutral", {0}}, {"smile", {6, 12, 0}}, {"frown", {4, 0}},
    {"surprise", {1, 2, 26}}, {"disgust", {9, 10, 0}}, {"sad", {1, 15, 17}}};

enum { N_FACES = sizeof faces / sizeof faces[0] };

static void heads_stand_still(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_pose path[N_FRAMES];
    fill_path(path);
    for (int k = 0; k < N_FACES; k++) {
        struct face_clip_options clip = make_clip((uint64_t)k + 1, path);
        double before, moved;
        for (int i = 0; i < 3 && faces[k].au[i]; i++)
            face_clip_add_action(&clip, faces[k].au[i], FACE_BOTH, 0.6);
        const double with = align(context, &clip, NULL, true, &before);
        const double without = align(context, &clip, NULL, false, &moved);
        print_message("%-10s moved %5.2f px, left %.3f px; without landmarks %.3f px\n",
            faces[k].name, before, with, without);
        assert_true(before > 10);
        assert_true(with < (faces[k].au[0] == 9 ? limit_wrinkled : limit));
        assert_true(without < (faces[k].au[0] == 9 ? limit_wrinkled : limit));
    }
    mexpr_context_destroy(&context);
}

/* --- flow after aligning ----------------------------------------------------------- */

/* The crop of the onset and the aligned one of the apex, as pictures of our own. */
static void align_pair(mexpr_context *context, const struct face_clip_options *clip,
    mexpr_image *crops[2], double onset[6])
{
    mexpr_aligner *aligner;
    float landmarks[2 * N_POINTS];
    mexpr_crop crop = MEXPR_CROP_INIT;
    assert_int_equal(mexpr_crop_find("140x170", &crop), MEXPR_OK);
    assert_ok(context, mexpr_aligner_create(context, NULL, &aligner));
    for (int i = 0; i < 2; i++) {
        const mexpr_image *lent;
        mexpr_image *frame = draw(context, clip, i ? clip->apex : clip->onset);
        face_clip_landmarks(clip, clip->onset, landmarks);
        if (i == 0)
            assert_ok(context, mexpr_crop_transform(context, &crop, landmarks, onset));
        assert_int_equal(i ? mexpr_aligner_push(aligner, frame, NULL, NULL)
                           : mexpr_aligner_begin(aligner, frame, landmarks),
            MEXPR_OK);
        assert_int_equal(mexpr_aligner_frame(aligner, &lent), MEXPR_OK);
        assert_ok(
            context, mexpr_image_convert(context, lent, MEXPR_FORMAT_GREY8, &crops[i]));
        mexpr_image_destroy(&frame);
    }
    mexpr_aligner_destroy(&aligner);
}

/* Mean distance of the flow between the crops from the truth, over a region's pixels: the
 * motion of the face alone, on a head that keeps still, turned and scaled to the crop. */
static double flow_error(mexpr_context *context, const struct face_clip_options *clip,
    const double onset[6], const mexpr_field *field, const mexpr_image *mask)
{
    static float u[WIDTH * HEIGHT], v[WIDTH * HEIGHT];
    static uint8_t kind[WIDTH * HEIGHT];
    struct face_clip_options still = *clip;
    const uint8_t *wanted = mexpr_image_data(mask);
    const int width = mexpr_field_width(field), height = mexpr_field_height(field);
    double back[6], sum = 0;
    int n = 0;
    still.path = NULL;
    face_clip_flow(&still, clip->onset, clip->apex, u, v, kind);
    assert_ok(context, mexpr_transform_invert(context, onset, back));
    for (int i = 0; i < width * height; i++) {
        const double x = i % width, y = i / width;
        const int px = (int)floor(back[0] * x + back[1] * y + back[2] + 0.5);
        const int py = (int)floor(back[3] * x + back[4] * y + back[5] + 0.5);
        const int at = py * WIDTH + px;
        if (!wanted[i] || kind[at] != FACE_PIXEL_HEAD)
            continue;
        const double tu = onset[0] * u[at] + onset[1] * v[at];
        const double tv = onset[3] * u[at] + onset[4] * v[at];
        sum += hypot(mexpr_field_u(field)[i] - tu, mexpr_field_v(field)[i] - tv);
        n++;
    }
    return n ? sum / n : 0;
}

static mexpr_image *region_mask(mexpr_context *context,
    const struct face_clip_options *clip, const double onset[6], const mexpr_image *crop)
{
    float landmarks[2 * N_POINTS], xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    mexpr_polygons regions = MEXPR_POLYGONS_INIT;
    mexpr_image *mask;
    face_clip_landmarks(clip, clip->onset, landmarks);
    assert_ok(
        context, mexpr_transform_points(context, onset, landmarks, N_POINTS, landmarks));
    assert_int_equal(
        mexpr_face_regions_size(MEXPR_REGIONS_ACTION, &regions.n_polygons, NULL),
        MEXPR_OK);
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_ACTION, landmarks, xy, corners));
    regions.xy = xy;
    regions.corners = corners;
    assert_ok(context, mexpr_polygons_mask(context, &regions, 0, mexpr_image_width(crop),
                           mexpr_image_height(crop), &mask));
    return mask;
}

/* The same from the drawing of a clip to its flow. */
static double pair_error(
    mexpr_context *context, mexpr_flow *flow, const struct face_clip_options *clip)
{
    mexpr_image *crops[2];
    mexpr_field *field;
    double onset[6];
    align_pair(context, clip, crops, onset);
    mexpr_image *mask = region_mask(context, clip, onset, crops[0]);
    assert_ok(context, mexpr_field_create(context, mexpr_image_width(crops[0]),
                           mexpr_image_height(crops[0]), &field));
    assert_int_equal(mexpr_flow_compute(flow, crops[0], crops[1], field), MEXPR_OK);
    const double error = flow_error(context, clip, onset, field, mask);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&mask);
    mexpr_image_destroy(&crops[1]);
    mexpr_image_destroy(&crops[0]);
    return error;
}

/* The flow of an expression is as good when the head moved as when it did not: what is
 * above that is the flow's own error. */
static void flow_is_of_the_face(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_pose path[N_FRAMES];
    mexpr_flow *flow;
    fill_path(path);
    assert_ok(context, mexpr_flow_create(context, &flow));
    for (int k = 0; k < N_FACES; k++) {
        struct face_clip_options clip = make_clip((uint64_t)k + 1, path);
        for (int i = 0; i < 3 && faces[k].au[i]; i++)
            face_clip_add_action(&clip, faces[k].au[i], FACE_BOTH, 0.4);
        const double moved = pair_error(context, flow, &clip);
        clip.path = NULL;
        const double still = pair_error(context, flow, &clip);
        print_message("%-10s flow off by %.3f px in the regions; of a still head %.3f\n",
            faces[k].name, moved, still);
        assert_true(moved < limit || moved < still + limit / 2);
    }
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

/* --- other ways -------------------------------------------------------------------- */

static int32_t count(void *user, const mexpr_image *crop, const mexpr_alignment *report)
{
    int *n = user;
    assert_int_equal(mexpr_image_width(crop), 140);
    assert_int_equal(mexpr_image_height(crop), 170);
    assert_int_equal(report->frame, *n + 2);
    assert_false(report->is_lost);
    assert_true(report->residual < limit);
    return ++*n == 9 ? 1 : 0; /* stops there when it is let so far */
}

/* A clip is aligned to a frame in its middle, some of its frames; and may be stopped. */
static void clips_are_aligned(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 2);
    struct face_pose path[N_FRAMES];
    float landmarks[2 * N_POINTS];
    mexpr_clip *clip;
    mexpr_aligner *aligner;
    mexpr_align_clip_options o = MEXPR_ALIGN_CLIP_OPTIONS_INIT;
    int n = 0;
    fill_path(path);
    const struct face_clip_options drawn = make_clip(5, path);
    assert_ok(context, mexpr_clip_create(context, NULL, &clip));
    for (int t = 0; t < N_FRAMES; t++) {
        mexpr_image *frame = draw(context, &drawn, t);
        assert_int_equal(mexpr_clip_push(clip, &frame), MEXPR_OK);
    }
    face_clip_landmarks(&drawn, 4, landmarks);
    assert_ok(context, mexpr_aligner_create(context, NULL, &aligner));
    o.onset = 4;
    o.first = 2;
    o.n_frames = 5;
    o.landmarks = landmarks;
    assert_int_equal(
        mexpr_align_clip(aligner, NULL, clip, &o, count, NULL, &n), MEXPR_OK);
    assert_int_equal(n, 5);
    n = 0;
    o.n_frames = 0;
    assert_int_equal(
        mexpr_align_clip(aligner, NULL, clip, &o, count, NULL, &n), MEXPR_E_CANCELLED);
    assert_true(strlen(mexpr_aligner_last_error(aligner)) > 0);
    mexpr_aligner_destroy(&aligner);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
}

/* A frame without the face is told to be lost, and does not lead astray. */
static void lost_faces_are_told(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const struct face_clip_options drawn = make_clip(2, NULL);
    float landmarks[2 * N_POINTS];
    mexpr_aligner *aligner;
    mexpr_alignment report = MEXPR_ALIGNMENT_INIT;
    mexpr_image *frame = draw(context, &drawn, 0), *empty;
    face_clip_landmarks(&drawn, 0, landmarks);
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, &empty));
    assert_ok(context, mexpr_aligner_create(context, NULL, &aligner));
    assert_int_equal(mexpr_aligner_begin(aligner, frame, landmarks), MEXPR_OK);
    assert_int_equal(mexpr_aligner_push(aligner, empty, NULL, &report), MEXPR_OK);
    assert_true(report.is_lost);
    assert_int_equal(mexpr_aligner_push(aligner, frame, NULL, &report), MEXPR_OK);
    assert_false(report.is_lost);
    assert_true(hypot(report.before.dx, report.before.dy) < 0.01);
    assert_true(report.correlation > 0.999);
    mexpr_aligner_destroy(&aligner);
    mexpr_image_destroy(&empty);
    mexpr_image_destroy(&frame);
    mexpr_context_destroy(&context);
}

/* The second push of a size allocates nothing; threads do not matter. */
static void pushing_is_steady(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    struct face_pose path[N_FRAMES];
    float landmarks[2 * N_POINTS];
    double first[6] = {0};
    fill_path(path);
    const struct face_clip_options drawn = make_clip(3, path);
    face_clip_landmarks(&drawn, 0, landmarks);
    for (int threads = 1; threads <= 4; threads += 3) {
        mexpr_context *context = test_context(&heap, threads);
        mexpr_aligner *aligner;
        mexpr_alignment report = MEXPR_ALIGNMENT_INIT;
        mexpr_image *frames[3];
        for (int t = 0; t < 3; t++)
            frames[t] = draw(context, &drawn, 2 * t);
        assert_ok(context, mexpr_aligner_create(context, NULL, &aligner));
        assert_int_equal(mexpr_aligner_begin(aligner, frames[0], landmarks), MEXPR_OK);
        assert_int_equal(mexpr_aligner_push(aligner, frames[1], NULL, &report), MEXPR_OK);
        const long before = heap.n_allocs;
        assert_int_equal(mexpr_aligner_push(aligner, frames[2], NULL, &report), MEXPR_OK);
        assert_int_equal(heap.n_allocs, before);
        if (threads == 1)
            memcpy(first, report.matrix, sizeof first);
        assert_memory_equal(first, report.matrix, sizeof first);
        mexpr_aligner_destroy(&aligner);
        for (int t = 0; t < 3; t++)
            mexpr_image_destroy(&frames[t]);
        mexpr_context_destroy(&context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_stand_still),
        cmocka_unit_test(flow_is_of_the_face),
        cmocka_unit_test(clips_are_aligned),
        cmocka_unit_test(lost_faces_are_told),
        cmocka_unit_test(pushing_is_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
