/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "api_check.h"

static float marks[136];
static const double unit[6] = {1, 0, 0, 0, 1, 0};

/* Landmarks that are no face but stand apart. */
static const float *landmarks(void)
{
    for (int i = 0; i < 68; i++) {
        marks[2 * i] = (float)(4 + i % 9 * 3);
        marks[2 * i + 1] = (float)(3 + i / 9 * 2);
    }
    return marks;
}

static const float *broken_landmarks(void)
{
    landmarks();
    marks[77] = (float)NAN;
    return marks;
}

/* A call on a handle with a sentence of its own. */
#define SAYS(sentence, call, status)                                                     \
    do {                                                                                 \
        assert_int_equal((call), (status));                                              \
        assert_true(strlen(sentence) > 0);                                               \
    } while (0)

static void refining(
    mexpr_face_finder *finder, const mexpr_image *image, const char *said)
{
    mexpr_face face = MEXPR_FACE_INIT;
    face.struct_size = 8;
    const double box[4] = {0, 0, 24, 24}, far_box[4] = {90, 0, 20, 20},
                 small[4] = {3, 3, 4, 4}, odd[4] = {0, 0, NAN, 20};
    SAYS(said, mexpr_face_finder_refine(finder, image, box, &face), MEXPR_E_ABI);
    face.struct_size = sizeof face;
    REFUSED(mexpr_face_finder_refine(NULL, image, box, &face));
    SAYS(said, mexpr_face_finder_refine(finder, NULL, box, &face), MEXPR_E_ARG);
    SAYS(said, mexpr_face_finder_refine(finder, image, NULL, &face), MEXPR_E_ARG);
    SAYS(said, mexpr_face_finder_refine(finder, image, box, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_face_finder_refine(finder, image, far_box, &face), MEXPR_E_RANGE);
    SAYS(said, mexpr_face_finder_refine(finder, image, small, &face), MEXPR_E_RANGE);
    SAYS(said, mexpr_face_finder_refine(finder, image, odd, &face), MEXPR_E_RANGE);
}

static void finders(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_face_finder *finder, *none = NULL;
    mexpr_face_options o = MEXPR_FACE_OPTIONS_INIT;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    int32_t n = 7;
    REFUSED(mexpr_face_finder_create(NULL, NULL, &finder));
    FAILS(c, mexpr_face_finder_create(c, NULL, NULL), MEXPR_E_ARG);
    o.smallest = 15;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_RANGE);
    o.smallest = NAN;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_RANGE);
    o.smallest = 100;
    o.largest = 50;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_RANGE);
    o = (mexpr_face_options)MEXPR_FACE_OPTIONS_INIT;
    o.max_faces = 65;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_RANGE);
    o.max_faces = 0;
    o.threshold = NAN;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_RANGE);
    o.threshold = 0;
    o.reserved = 1;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_ABI);
    o.struct_size = 4;
    MAKES_NOTHING(c, finder, mexpr_face_finder_create(c, &o, &finder), MEXPR_E_ABI);
    assert_int_equal(mexpr_face_finder_create(c, NULL, &finder), MEXPR_OK);
    const char *said = mexpr_face_finder_last_error(finder);
    REFUSED(mexpr_face_finder_run(NULL, image, &n));
    assert_int_equal(n, 0);
    SAYS(said, mexpr_face_finder_run(finder, NULL, &n), MEXPR_E_ARG);
    assert_int_equal(mexpr_face_finder_run(finder, image, NULL), MEXPR_OK);
    assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
    assert_int_equal(n, 0);
    REFUSED(mexpr_face_finder_face(NULL, 0, &face));
    SAYS(said, mexpr_face_finder_face(finder, 0, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_face_finder_face(finder, 0, &face), MEXPR_E_RANGE);
    SAYS(said, mexpr_face_finder_face(finder, -1, &face), MEXPR_E_RANGE);
    face.struct_size = 8;
    SAYS(said, mexpr_face_finder_face(finder, 0, &face), MEXPR_E_ABI);
    refining(finder, image, said);
    assert_string_equal(mexpr_face_finder_last_error(NULL), "");
    mexpr_face_finder_destroy(NULL);
    mexpr_face_finder_destroy(&none);
    mexpr_face_finder_destroy(&finder);
    assert_null(finder);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

static void trackers(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_face_tracker *tracker, *none = NULL;
    mexpr_face_options o = MEXPR_FACE_OPTIONS_INIT;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_image *image = api_image(c, MEXPR_FORMAT_RGB8);
    int32_t n = 7;
    REFUSED(mexpr_face_tracker_create(NULL, NULL, &tracker));
    FAILS(c, mexpr_face_tracker_create(c, NULL, NULL), MEXPR_E_ARG);
    o.search = 1001;
    MAKES_NOTHING(c, tracker, mexpr_face_tracker_create(c, &o, &tracker), MEXPR_E_RANGE);
    o.search = 0;
    o.confidence = 1.5;
    MAKES_NOTHING(c, tracker, mexpr_face_tracker_create(c, &o, &tracker), MEXPR_E_RANGE);
    assert_int_equal(mexpr_face_tracker_create(c, NULL, &tracker), MEXPR_OK);
    const char *said = mexpr_face_tracker_last_error(tracker);
    REFUSED(mexpr_face_tracker_push(NULL, image, &n));
    SAYS(said, mexpr_face_tracker_push(tracker, NULL, &n), MEXPR_E_ARG);
    assert_int_equal(mexpr_face_tracker_push(tracker, image, &n), MEXPR_OK);
    assert_int_equal(n, 0);
    REFUSED(mexpr_face_tracker_face(NULL, 0, &face));
    SAYS(said, mexpr_face_tracker_face(tracker, 0, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_face_tracker_face(tracker, 0, &face), MEXPR_E_RANGE);
    mexpr_face_tracker_reset(NULL);
    mexpr_face_tracker_reset(tracker);
    assert_string_equal(mexpr_face_tracker_last_error(NULL), "");
    mexpr_face_tracker_destroy(NULL);
    mexpr_face_tracker_destroy(&none);
    mexpr_face_tracker_destroy(&tracker);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

static void transforms(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    const mexpr_transform_model s = MEXPR_TRANSFORM_SIMILARITY;
    const float a[6] = {0, 0, 1, 0, 0, 1}, same[6] = {2, 2, 2, 2, 2, 2};
    const float odd[6] = {0, 0, (float)INFINITY, 0, 0, 1};
    const double bad[3] = {1, -1, 1}, flat[6] = {1, 1, 0, 1, 1, 0};
    const double nan[6] = {NAN, 0, 0, 0, 1, 0};
    double m[6];
    float to[6];
    REFUSED(mexpr_transform_fit(NULL, s, a, a, NULL, 3, m, NULL));
    FAILS(c, mexpr_transform_fit(c, s, NULL, a, NULL, 3, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, a, NULL, NULL, 3, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, a, a, NULL, 3, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, a, a, NULL, 0, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, a, odd, NULL, 3, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, a, a, bad, 3, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, (mexpr_transform_model)4, a, a, NULL, 3, m, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_transform_fit(c, s, same, a, NULL, 3, m, NULL), MEXPR_E_RANGE);
    FAILS(c, mexpr_transform_fit(c, MEXPR_TRANSFORM_AFFINE, a, a, NULL, 2, m, NULL),
        MEXPR_E_RANGE);
    REFUSED(mexpr_transform_invert(NULL, unit, m));
    FAILS(c, mexpr_transform_invert(c, NULL, m), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_invert(c, unit, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_invert(c, nan, m), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_invert(c, flat, m), MEXPR_E_RANGE);
    REFUSED(mexpr_transform_points(NULL, unit, a, 3, to));
    FAILS(c, mexpr_transform_points(c, NULL, a, 3, to), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_points(c, unit, NULL, 3, to), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_points(c, unit, a, 3, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_transform_points(c, unit, a, -1, to), MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

static void crops(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8), *out;
    mexpr_crop crop = MEXPR_CROP_INIT;
    double m[6];
    REFUSED(mexpr_crop_find(NULL, &crop));
    REFUSED(mexpr_crop_find("112", NULL));
    assert_int_equal(mexpr_crop_find("113", &crop), MEXPR_E_NOT_FOUND);
    crop.struct_size = 8;
    assert_int_equal(mexpr_crop_find("112", &crop), MEXPR_E_ABI);
    crop.struct_size = sizeof crop;
    assert_int_equal(mexpr_crop_find("112", &crop), MEXPR_OK);
    assert_null(mexpr_crop_name(-1));
    assert_null(mexpr_crop_name(5));
    REFUSED(mexpr_crop_transform(NULL, &crop, landmarks(), m));
    FAILS(c, mexpr_crop_transform(c, NULL, landmarks(), m), MEXPR_E_ARG);
    FAILS(c, mexpr_crop_transform(c, &crop, NULL, m), MEXPR_E_ARG);
    FAILS(c, mexpr_crop_transform(c, &crop, broken_landmarks(), m), MEXPR_E_ARG);
    FAILS(c, mexpr_crop_transform(c, &crop, landmarks(), NULL), MEXPR_E_ARG);
    REFUSED(mexpr_face_crop(NULL, image, &crop, landmarks(), &out));
    REFUSED(mexpr_face_crop(c, image, &crop, landmarks(), NULL));
    MAKES_NOTHING(
        c, out, mexpr_face_crop(c, NULL, &crop, landmarks(), &out), MEXPR_E_ARG);
    crop.width = 7;
    MAKES_NOTHING(
        c, out, mexpr_face_crop(c, image, &crop, landmarks(), &out), MEXPR_E_RANGE);
    crop.width = 112;
    crop.eye_y = 1;
    MAKES_NOTHING(
        c, out, mexpr_face_crop(c, image, &crop, landmarks(), &out), MEXPR_E_RANGE);
    REFUSED(mexpr_image_warp(NULL, image, unit, 4, 4, &out));
    REFUSED(mexpr_image_warp(c, image, unit, 4, 4, NULL));
    MAKES_NOTHING(c, out, mexpr_image_warp(c, NULL, unit, 4, 4, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_warp(c, image, NULL, 4, 4, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_warp(c, image, unit, 0, 4, &out), MEXPR_E_ARG);
    const double nan[6] = {1, 0, NAN, 0, 1, 0}, huge[6] = {65, 0, 0, 0, 1, 0};
    MAKES_NOTHING(c, out, mexpr_image_warp(c, image, nan, 4, 4, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_image_warp(c, image, huge, 4, 4, &out), MEXPR_E_RANGE);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

static int32_t ignore(void *user, const mexpr_image *crop, const mexpr_alignment *report)
{
    (void)user, (void)crop, (void)report;
    return 0;
}

static void aligning_clips(mexpr_context *c, mexpr_aligner *aligner, mexpr_image **image)
{
    const char *said = mexpr_aligner_last_error(aligner);
    mexpr_clip *clip;
    assert_int_equal(mexpr_clip_create(c, NULL, &clip), MEXPR_OK);
    REFUSED(mexpr_align_clip(NULL, NULL, clip, NULL, ignore, NULL, NULL));
    SAYS(said, mexpr_align_clip(aligner, NULL, NULL, NULL, ignore, NULL, NULL),
        MEXPR_E_ARG);
    SAYS(
        said, mexpr_align_clip(aligner, NULL, clip, NULL, NULL, NULL, NULL), MEXPR_E_ARG);
    mexpr_align_clip_options clip_options = MEXPR_ALIGN_CLIP_OPTIONS_INIT;
    SAYS(said, mexpr_align_clip(aligner, NULL, clip, &clip_options, ignore, NULL, NULL),
        MEXPR_E_RANGE);
    clip_options.onset = -1;
    SAYS(said, mexpr_align_clip(aligner, NULL, clip, &clip_options, ignore, NULL, NULL),
        MEXPR_E_RANGE);
    clip_options.onset = 0;
    clip_options.landmarks = broken_landmarks();
    SAYS(said, mexpr_align_clip(aligner, NULL, clip, &clip_options, ignore, NULL, NULL),
        MEXPR_E_ARG);
    clip_options.landmarks = NULL;
    assert_int_equal(mexpr_clip_push(clip, image), MEXPR_OK);
    SAYS(said, mexpr_align_clip(aligner, NULL, clip, &clip_options, ignore, NULL, NULL),
        MEXPR_E_NOT_FOUND);
    mexpr_clip_destroy(&clip);
}

static void aligners(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_aligner *aligner, *none = NULL;
    mexpr_align_options o = MEXPR_ALIGN_OPTIONS_INIT;
    mexpr_crop crop = MEXPR_CROP_INIT;
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    mexpr_image *colour = api_image(c, MEXPR_FORMAT_RGB8);
    const mexpr_image *lent;
    REFUSED(mexpr_aligner_create(NULL, NULL, &aligner));
    FAILS(c, mexpr_aligner_create(c, NULL, NULL), MEXPR_E_ARG);
    o.model = MEXPR_TRANSFORM_AFFINE;
    MAKES_NOTHING(c, aligner, mexpr_aligner_create(c, &o, &aligner), MEXPR_E_RANGE);
    o.model = 0;
    o.least = -1;
    MAKES_NOTHING(c, aligner, mexpr_aligner_create(c, &o, &aligner), MEXPR_E_RANGE);
    o.least = 0;
    o.crop = &crop;
    MAKES_NOTHING(c, aligner, mexpr_aligner_create(c, &o, &aligner), MEXPR_E_RANGE);
    o.struct_size = 9999;
    MAKES_NOTHING(c, aligner, mexpr_aligner_create(c, &o, &aligner), MEXPR_E_ABI);
    assert_int_equal(mexpr_aligner_create(c, NULL, &aligner), MEXPR_OK);
    const char *said = mexpr_aligner_last_error(aligner);
    REFUSED(mexpr_aligner_push(NULL, image, NULL, NULL));
    REFUSED(mexpr_aligner_begin(NULL, image, landmarks()));
    REFUSED(mexpr_aligner_frame(NULL, &lent));
    SAYS(said, mexpr_aligner_push(aligner, image, NULL, NULL), MEXPR_E_STATE);
    SAYS(said, mexpr_aligner_push(aligner, NULL, NULL, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_aligner_frame(aligner, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_aligner_frame(aligner, &lent), MEXPR_E_STATE);
    assert_null(lent);
    SAYS(said, mexpr_aligner_begin(aligner, NULL, landmarks()), MEXPR_E_ARG);
    SAYS(said, mexpr_aligner_begin(aligner, image, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_aligner_begin(aligner, image, broken_landmarks()), MEXPR_E_ARG);
    aligning_clips(c, aligner, &image);
    assert_string_equal(mexpr_aligner_last_error(NULL), "");
    mexpr_aligner_destroy(NULL);
    mexpr_aligner_destroy(&none);
    mexpr_aligner_destroy(&aligner);
    mexpr_image_destroy(&colour);
    mexpr_context_destroy(&c);
}

static void regions(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    float xy[2 * MEXPR_MDMO_CORNERS], boxes[4 * MEXPR_MDMO_REGIONS];
    int32_t corners[MEXPR_MDMO_REGIONS], n = 5;
    const mexpr_regions kind = MEXPR_REGIONS_ACTION;
    assert_int_equal(mexpr_face_regions_size(kind, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_face_regions_size((mexpr_regions)0, &n, NULL), MEXPR_E_ARG);
    assert_int_equal(n, 0);
    assert_null(mexpr_face_region_name((mexpr_regions)7, 0));
    assert_null(mexpr_face_region_name(kind, -1));
    assert_null(mexpr_face_region_name(kind, 13));
    REFUSED(mexpr_face_regions(NULL, kind, landmarks(), xy, corners));
    FAILS(c, mexpr_face_regions(c, (mexpr_regions)7, landmarks(), xy, corners),
        MEXPR_E_ARG);
    FAILS(c, mexpr_face_regions(c, kind, NULL, xy, corners), MEXPR_E_ARG);
    FAILS(c, mexpr_face_regions(c, kind, landmarks(), NULL, corners), MEXPR_E_ARG);
    FAILS(c, mexpr_face_regions(c, kind, landmarks(), xy, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_face_regions(c, kind, broken_landmarks(), xy, corners), MEXPR_E_ARG);
    REFUSED(mexpr_face_region_boxes(NULL, kind, landmarks(), boxes));
    FAILS(c, mexpr_face_region_boxes(c, (mexpr_regions)-1, landmarks(), boxes),
        MEXPR_E_ARG);
    FAILS(c, mexpr_face_region_boxes(c, kind, NULL, boxes), MEXPR_E_ARG);
    FAILS(c, mexpr_face_region_boxes(c, kind, landmarks(), NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

static void drawing_over(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *grey = api_image(c, MEXPR_FORMAT_GREY8);
    mexpr_image *rgb = api_image(c, MEXPR_FORMAT_RGB8);
    mexpr_occlusion plan = MEXPR_OCCLUSION_INIT;
    mexpr_face face = MEXPR_FACE_INIT;
    const mexpr_occluder block = MEXPR_OCCLUDER_BLOCK;
    REFUSED(mexpr_occlusion_plan(NULL, block, 0.1, 1, landmarks(), &plan));
    FAILS(c, mexpr_occlusion_plan(c, block, 0.1, 1, landmarks(), NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_occlusion_plan(c, block, 0.1, 1, NULL, &plan), MEXPR_E_ARG);
    FAILS(c, mexpr_occlusion_plan(c, block, 0, 1, landmarks(), &plan), MEXPR_E_RANGE);
    FAILS(c, mexpr_occlusion_plan(c, block, NAN, 1, landmarks(), &plan), MEXPR_E_RANGE);
    FAILS(c, mexpr_occlusion_plan(c, (mexpr_occluder)4, 1, 1, landmarks(), &plan),
        MEXPR_E_ARG);
    REFUSED(mexpr_occlusion_apply(NULL, &plan, landmarks(), grey));
    FAILS(c, mexpr_occlusion_apply(c, &plan, landmarks(), grey), MEXPR_E_ARG);
    FAILS(c, mexpr_occlusion_apply(c, NULL, landmarks(), grey), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_occlusion_plan(c, block, 0.1, 1, landmarks(), &plan), MEXPR_OK);
    FAILS(c, mexpr_occlusion_apply(c, &plan, NULL, grey), MEXPR_E_ARG);
    FAILS(c, mexpr_occlusion_apply(c, &plan, landmarks(), NULL), MEXPR_E_ARG);
    plan.width = INFINITY;
    FAILS(c, mexpr_occlusion_apply(c, &plan, landmarks(), grey), MEXPR_E_ARG);
    plan.struct_size = 3;
    FAILS(c, mexpr_occlusion_apply(c, &plan, landmarks(), grey), MEXPR_E_ABI);
    FAILS(c, mexpr_occlusion_plan(c, block, 0.1, 1, landmarks(), &plan), MEXPR_E_ABI);
    const mexpr_regions kind = MEXPR_REGIONS_ACTION;
    REFUSED(mexpr_face_draw(NULL, rgb, &face, 0, kind));
    FAILS(c, mexpr_face_draw(c, NULL, &face, 0, kind), MEXPR_E_ARG);
    FAILS(c, mexpr_face_draw(c, rgb, NULL, 0, kind), MEXPR_E_ARG);
    FAILS(c, mexpr_face_draw(c, grey, &face, 0, kind), MEXPR_E_TYPE);
    FAILS(c, mexpr_face_draw(c, rgb, &face, 8, kind), MEXPR_E_ARG);
    FAILS(c, mexpr_face_draw(c, rgb, &face, MEXPR_MARK_REGIONS, (mexpr_regions)9),
        MEXPR_E_ARG);
    face.box[1] = NAN;
    FAILS(c, mexpr_face_draw(c, rgb, &face, 0, kind), MEXPR_E_ARG);
    face.struct_size = 8;
    FAILS(c, mexpr_face_draw(c, rgb, &face, 0, kind), MEXPR_E_ABI);
    mexpr_image_destroy(&rgb);
    mexpr_image_destroy(&grey);
    mexpr_context_destroy(&c);
}

static void tables(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_face_table *table, *none = NULL;
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    void *bytes;
    size_t size;
    REFUSED(mexpr_face_table_create(NULL, &table));
    FAILS(c, mexpr_face_table_create(c, NULL), MEXPR_E_ARG);
    REFUSED(mexpr_face_table_read(NULL, "x", &table));
    REFUSED(mexpr_face_table_read(c, "x", NULL));
    MAKES_NOTHING(c, table, mexpr_face_table_read(c, NULL, &table), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, table, mexpr_face_table_read(c, "no/such.csv", &table), MEXPR_E_NOT_FOUND);
    REFUSED(mexpr_face_table_decode(NULL, "x", 1, &table));
    REFUSED(mexpr_face_table_decode(c, "x", 1, NULL));
    MAKES_NOTHING(c, table, mexpr_face_table_decode(c, NULL, 1, &table), MEXPR_E_ARG);
    MAKES_NOTHING(c, table, mexpr_face_table_decode(c, "x", 1, &table), MEXPR_E_FORMAT);
    MAKES_NOTHING(c, table, mexpr_face_table_decode(c, "", 0, &table), MEXPR_E_TRUNCATED);
    assert_int_equal(mexpr_face_table_create(c, &table), MEXPR_OK);
    const char *said = mexpr_face_table_last_error(table);
    assert_int_equal(mexpr_face_table_n_rows(NULL), 0);
    assert_int_equal(mexpr_face_table_n_rows(table), 0);
    REFUSED(mexpr_face_table_add(NULL, &row));
    SAYS(said, mexpr_face_table_add(table, NULL), MEXPR_E_ARG);
    row.landmarks[3] = (float)NAN;
    SAYS(said, mexpr_face_table_add(table, &row), MEXPR_E_ARG);
    row.struct_size = 8;
    SAYS(said, mexpr_face_table_add(table, &row), MEXPR_E_ABI);
    REFUSED(mexpr_face_table_row(NULL, 0, &row));
    SAYS(said, mexpr_face_table_row(table, 0, NULL), MEXPR_E_ARG);
    SAYS(said, mexpr_face_table_row(table, 0, &row), MEXPR_E_ABI);
    row.struct_size = sizeof row;
    SAYS(said, mexpr_face_table_row(table, 0, &row), MEXPR_E_RANGE);
    SAYS(said, mexpr_face_table_row(table, -1, &row), MEXPR_E_RANGE);
    REFUSED(mexpr_face_table_write_csv(NULL, "x"));
    SAYS(said, mexpr_face_table_write_csv(table, NULL), MEXPR_E_ARG);
    REFUSED(mexpr_face_table_encode_csv(NULL, &bytes, &size));
    SAYS(said, mexpr_face_table_encode_csv(table, NULL, &size), MEXPR_E_ARG);
    SAYS(said, mexpr_face_table_encode_csv(table, &bytes, NULL), MEXPR_E_ARG);
    assert_null(bytes);
    assert_string_equal(mexpr_face_table_last_error(NULL), "");
    mexpr_face_table_destroy(NULL);
    mexpr_face_table_destroy(&none);
    mexpr_face_table_destroy(&table);
    mexpr_context_destroy(&c);
}

static void other_landmarks(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    float out[136];
    static float mesh[2 * 478];
    REFUSED(mexpr_landmarks_write_pts(NULL, landmarks(), "x"));
    FAILS(c, mexpr_landmarks_write_pts(c, NULL, "x"), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_write_pts(c, landmarks(), NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_write_pts(c, landmarks(), "no/such/x.pts"), MEXPR_E_IO);
    REFUSED(mexpr_landmarks_from_mesh(NULL, mesh, 478, 2, 1, 1, out));
    FAILS(c, mexpr_landmarks_from_mesh(c, NULL, 478, 2, 1, 1, out), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_from_mesh(c, mesh, 478, 2, 1, 1, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_from_mesh(c, mesh, 478, 1, 1, 1, out), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_from_mesh(c, mesh, 478, 2, 0, 1, out), MEXPR_E_ARG);
    FAILS(c, mexpr_landmarks_from_mesh(c, mesh, 68, 2, 1, 1, out), MEXPR_E_SHAPE);
    mesh[2 * 33] = (float)NAN;
    FAILS(c, mexpr_landmarks_from_mesh(c, mesh, 478, 2, 1, 1, out), MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finders),
        cmocka_unit_test(trackers),
        cmocka_unit_test(transforms),
        cmocka_unit_test(crops),
        cmocka_unit_test(aligners),
        cmocka_unit_test(regions),
        cmocka_unit_test(drawing_over),
        cmocka_unit_test(tables),
        cmocka_unit_test(other_landmarks),
    };
    return cmocka_run_group_tests_name("api_face", tests, NULL, NULL);
}
