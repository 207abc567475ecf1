/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "face_render.h"
#include "microexpr/face.h"
#include "support.h"

enum { SIDE = 96, N_FRAMES = 3 };

static struct face_clip_options drawn_clip(void)
{
    struct face_clip_options clip = face_clip_defaults(3);
    face_clip_resize(&clip, SIDE, SIDE);
    clip.face_size = 60;
    return clip;
}

static mexpr_status draw(mexpr_context *context, mexpr_format format, mexpr_image **out)
{
    const struct face_clip_options clip = drawn_clip();
    mexpr_image *grey;
    mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, SIDE, SIDE, &grey);
    *out = NULL;
    if (status == MEXPR_OK) {
        face_clip_frame(&clip, 0, mexpr_image_pixels(grey), SIDE);
        status = mexpr_image_convert(context, grey, format, out);
    }
    mexpr_image_destroy(&grey);
    return status;
}

static const float *landmarks(void)
{
    static float xy[136];
    const struct face_clip_options clip = drawn_clip();
    face_clip_landmarks(&clip, 0, xy);
    return xy;
}

/* A run that found no memory can be tried again. */
static mexpr_status find(mexpr_context *context, void *arg)
{
    mexpr_face_finder *finder = NULL;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_image *image;
    const double box[4] = {18, 18, 60, 60};
    int32_t n = 0;
    (void)arg;
    mexpr_status status = draw(context, MEXPR_FORMAT_RGB8, &image);
    if (status == MEXPR_OK)
        status = mexpr_face_finder_create(context, NULL, &finder);
    if (status == MEXPR_OK)
        status = mexpr_face_finder_run(finder, image, &n);
    for (int32_t i = 0; i < n && status == MEXPR_OK; i++)
        status = mexpr_face_finder_face(finder, i, &face);
    if (status == MEXPR_OK)
        status = mexpr_face_finder_refine(finder, image, box, &face);
    mexpr_face_finder_destroy(&finder);
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status track(mexpr_context *context, void *arg)
{
    mexpr_face_tracker *tracker = NULL;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_image *image;
    int32_t n = 0;
    (void)arg;
    mexpr_status status = draw(context, MEXPR_FORMAT_GREYF32, &image);
    if (status == MEXPR_OK)
        status = mexpr_face_tracker_create(context, NULL, &tracker);
    for (int t = 0; t < N_FRAMES && status == MEXPR_OK; t++)
        status = mexpr_face_tracker_push(tracker, image, &n);
    for (int32_t i = 0; i < n && status == MEXPR_OK; i++)
        status = mexpr_face_tracker_face(tracker, i, &face);
    mexpr_face_tracker_destroy(&tracker);
    mexpr_image_destroy(&image);
    return status;
}

static int32_t ignore(void *user, const mexpr_image *crop, const mexpr_alignment *report)
{
    (void)user, (void)crop, (void)report;
    return 0;
}

static mexpr_status align(mexpr_context *context, void *arg)
{
    mexpr_aligner *aligner = NULL;
    mexpr_clip *clip = NULL;
    mexpr_align_clip_options o = MEXPR_ALIGN_CLIP_OPTIONS_INIT;
    const mexpr_image *lent;
    o.landmarks = arg ? landmarks() : NULL;
    mexpr_status status = mexpr_clip_create(context, NULL, &clip);
    for (int t = 0; t < N_FRAMES && status == MEXPR_OK; t++) {
        mexpr_image *image;
        status = draw(context, MEXPR_FORMAT_GREY8, &image);
        if (status == MEXPR_OK)
            status = mexpr_clip_push(clip, &image);
        mexpr_image_destroy(&image);
    }
    if (status == MEXPR_OK)
        status = mexpr_aligner_create(context, NULL, &aligner);
    if (status == MEXPR_OK)
        status = mexpr_align_clip(aligner, NULL, clip, &o, ignore, NULL, NULL);
    if (status == MEXPR_OK)
        status = mexpr_aligner_frame(aligner, &lent);
    mexpr_aligner_destroy(&aligner);
    mexpr_clip_destroy(&clip);
    return status;
}

/* The same by hand; nothing is left half done when a push fails. */
static mexpr_status push(mexpr_context *context, void *arg)
{
    mexpr_aligner *aligner = NULL;
    mexpr_image *image;
    (void)arg;
    mexpr_status status = draw(context, MEXPR_FORMAT_RGB8, &image);
    if (status == MEXPR_OK)
        status = mexpr_aligner_create(context, NULL, &aligner);
    if (status == MEXPR_OK)
        status = mexpr_aligner_begin(aligner, image, landmarks());
    if (status == MEXPR_OK)
        status = mexpr_aligner_push(aligner, image, NULL, NULL);
    mexpr_aligner_destroy(&aligner);
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status pictures(mexpr_context *context, void *arg)
{
    mexpr_image *image, *crop = NULL, *warped = NULL;
    mexpr_crop how = MEXPR_CROP_INIT;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_occlusion plan = MEXPR_OCCLUSION_INIT;
    const float *xy = landmarks();
    double matrix[6];
    (void)arg;
    assert_int_equal(mexpr_crop_find("112", &how), MEXPR_OK);
    memcpy(face.landmarks, xy, sizeof face.landmarks);
    face.has_landmarks = 1;
    mexpr_status status = draw(context, MEXPR_FORMAT_RGB8, &image);
    if (status == MEXPR_OK)
        status = mexpr_face_crop(context, image, &how, xy, &crop);
    if (status == MEXPR_OK)
        status = mexpr_crop_transform(context, &how, xy, matrix);
    if (status == MEXPR_OK)
        status = mexpr_transform_invert(context, matrix, matrix);
    if (status == MEXPR_OK)
        status = mexpr_image_warp(context, image, matrix, 40, 30, &warped);
    if (status == MEXPR_OK)
        status = mexpr_face_draw(context, image, &face, 7, MEXPR_REGIONS_MDMO);
    if (status == MEXPR_OK)
        status = mexpr_occlusion_plan(context, MEXPR_OCCLUDER_BLOCK, 0.2, 1, xy, &plan);
    if (status == MEXPR_OK)
        status = mexpr_occlusion_apply(context, &plan, xy, image);
    mexpr_image_destroy(&warped);
    mexpr_image_destroy(&crop);
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status tables(mexpr_context *context, void *arg)
{
    mexpr_face_table *table = NULL, *again = NULL, *file = NULL;
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    void *bytes = NULL;
    size_t size = 0;
    (void)arg;
    memcpy(row.landmarks, landmarks(), sizeof row.landmarks);
    mexpr_status status = mexpr_face_table_create(context, &table);
    for (int i = 0; i < 20 && status == MEXPR_OK; i++)
        status = mexpr_face_table_add(table, &row);
    if (status == MEXPR_OK)
        status = mexpr_face_table_encode_csv(table, &bytes, &size);
    if (status == MEXPR_OK)
        status = mexpr_face_table_decode(context, bytes, size, &again);
    if (status == MEXPR_OK)
        status = mexpr_face_table_row(again, 19, &row);
    if (status == MEXPR_OK)
        status = mexpr_face_table_write_csv(table, test_path("oom.csv"));
    if (status == MEXPR_OK)
        status = mexpr_landmarks_write_pts(context, landmarks(), test_path("oom.pts"));
    if (status == MEXPR_OK)
        status = mexpr_face_table_read(context, test_path("oom.pts"), &file);
    mexpr_bytes_free(context, &bytes);
    mexpr_face_table_destroy(&file);
    mexpr_face_table_destroy(&again);
    mexpr_face_table_destroy(&table);
    return status;
}

static void finding_survives(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(find, NULL, 1) > 3);
    assert_true(test_oom_sweep(track, NULL, 1) > 3);
}

static void aligning_survives(void **state)
{
    (void)state;
    static int with_landmarks = 1;
    assert_true(test_oom_sweep(align, &with_landmarks, 1) > 10);
    assert_true(test_oom_sweep(push, NULL, 1) > 10);
}

static void pictures_survive(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(pictures, NULL, 1) > 3);
    assert_true(test_oom_sweep(tables, NULL, 1) > 5);
}

/* What allocates nothing of its own has nothing to survive. */
static void numbers_need_no_memory(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    const long before = heap.n_allocs;
    static const float mesh[2 * 468];
    float xy[2 * MEXPR_MDMO_CORNERS], out[136], boxes[4 * MEXPR_MDMO_REGIONS];
    int32_t corners[MEXPR_MDMO_REGIONS], n;
    double matrix[6];
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_AFFINE, landmarks(),
                           landmarks(), NULL, 68, matrix, NULL));
    assert_ok(context, mexpr_transform_points(context, matrix, landmarks(), 68, out));
    assert_ok(context, mexpr_face_regions_size(MEXPR_REGIONS_NINE, &n, NULL));
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, landmarks(), xy, corners));
    assert_ok(context,
        mexpr_face_region_boxes(context, MEXPR_REGIONS_NINE, landmarks(), boxes));
    assert_ok(context, mexpr_landmarks_from_mesh(context, mesh, 468, 2, 1, 1, out));
    assert_int_equal(heap.n_allocs, before);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_survives),
        cmocka_unit_test(aligning_survives),
        cmocka_unit_test(pictures_survive),
        cmocka_unit_test(numbers_need_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
