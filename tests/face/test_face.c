/* SPDX-License-Identifier: MIT */
/* Transforms, crops, regions, occluders, pictures: what needs no weights. */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/face.h"
#include "support.h"

enum { N = 2 * MEXPR_LANDMARKS_68 };

static const double pi = 3.14159265358979323846;

static const float *drawn_landmarks(uint64_t seed)
{
    static float xy[N];
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, 200, 200);
    face_clip_landmarks(&clip, 0, xy);
    return xy;
}

/* --- transforms -------------------------------------------------------------------- */

static void similarity(double zoom, double degrees, double dx, double dy, double m[6])
{
    const double c = zoom * cos(degrees * pi / 180), s = zoom * sin(degrees * pi / 180);
    const double made[6] = {c, -s, dx, s, c, dy};
    memcpy(m, made, sizeof made);
}

static void fits_are_exact(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    double wanted[6], found[6], residual;
    float from[N], to[N];
    memcpy(from, drawn_landmarks(1), sizeof from);
    similarity(1.3, 25, -40, 12, wanted);
    assert_ok(context, mexpr_transform_points(context, wanted, from, 68, to));
    for (int model = MEXPR_TRANSFORM_SIMILARITY; model <= MEXPR_TRANSFORM_AFFINE;
         model++) {
        assert_ok(context, mexpr_transform_fit(context, (mexpr_transform_model)model,
                               from, to, NULL, 68, found, &residual));
        for (int i = 0; i < 6; i++)
            assert_true(fabs(found[i] - wanted[i]) < 2e-4);
        assert_true(residual < 1e-4);
    }
    wanted[0] = 0.7; /* no similarity any more */
    assert_ok(context, mexpr_transform_points(context, wanted, from, 68, to));
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_AFFINE, from, to,
                           NULL, 68, found, &residual));
    assert_true(residual < 1e-4 && fabs(found[0] - 0.7) < 1e-5);
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_SIMILARITY, from, to,
                           NULL, 68, found, &residual));
    assert_true(residual > 1 && found[0] == found[4] && found[1] == -found[3]);
    mexpr_context_destroy(&context);
}

/* Points that are mirrored are matched as well as turning can, not by mirroring. */
static void fits_do_not_mirror(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const float from[8] = {0, 0, 4, 0, 4, 1, 0, 1},
                mirrored[8] = {0, 0, -4, 0, -4, 1, 0, 1};
    double m[6], residual;
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_SIMILARITY, from,
                           mirrored, NULL, 4, m, &residual));
    assert_true(m[0] * m[4] - m[1] * m[3] > 0 && residual > 0.5);
    mexpr_context_destroy(&context);
}

static void weights_choose_points(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const float from[6] = {0, 0, 10, 0, 3, 3}, to[6] = {5, 5, 15, 5, 90, -70};
    const double weights[3] = {1, 1, 0};
    double m[6], back[6], residual;
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_SIMILARITY, from, to,
                           weights, 3, m, &residual));
    assert_true(residual < 1e-9 && fabs(m[0] - 1) < 1e-12 && fabs(m[2] - 5) < 1e-12);
    assert_ok(context, mexpr_transform_fit(context, MEXPR_TRANSFORM_TRANSLATION, from, to,
                           weights, 3, m, NULL));
    assert_true(m[0] == 1 && m[1] == 0 && m[2] == 5 && m[5] == 5);
    assert_ok(context, mexpr_transform_invert(context, m, back));
    assert_true(back[2] == -5 && back[5] == -5);
    mexpr_context_destroy(&context);
}

/* --- warps ------------------------------------------------------------------------- */

static mexpr_image *parabola(mexpr_context *context)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREYF32, 40, 30, &image));
    float *p = mexpr_image_pixels(image);
    for (int y = 0; y < 30; y++) {
        for (int x = 0; x < 40; x++)
            p[40 * y + x] = (float)(0.25 * x * x - 0.5 * y * y + x * y + 3 * x);
    }
    return image;
}

/* Keys' kernel of a = -1/2 reproduces parabolas; identity is the picture itself. */
static void warps_are_exact(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 2);
    mexpr_image *image = parabola(context), *out;
    const double identity[6] = {1, 0, 0, 0, 1, 0},
                 turned[6] = {0.8, -0.3, 9.7, 0.3, 0.8, 4.2};
    assert_ok(context, mexpr_image_warp(context, image, identity, 40, 30, &out));
    assert_memory_equal(
        mexpr_image_data(out), mexpr_image_data(image), 40 * 30 * sizeof(float));
    mexpr_image_destroy(&out);
    assert_ok(context, mexpr_image_warp(context, image, turned, 24, 16, &out));
    const float *p = mexpr_image_data(out);
    for (int j = 0; j < 16; j++) {
        for (int i = 0; i < 24; i++) {
            const double x = 0.8 * i - 0.3 * j + 9.7, y = 0.3 * i + 0.8 * j + 4.2;
            if (x < 1 || y < 1 || x > 38 || y > 28)
                continue;
            const double wanted = 0.25 * x * x - 0.5 * y * y + x * y + 3 * x;
            assert_true(fabs((double)p[24 * j + i] - wanted) < 2e-3);
        }
    }
    mexpr_image_destroy(&out);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

/* A chessboard shrunk is grey, a constant stays constant, in every format. */
static void warps_do_not_alias(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const double shrink[6] = {3.7, 0, 1.2, 0, 2.9, 0.4};
    for (int format = MEXPR_FORMAT_GREY8; format <= MEXPR_FORMAT_GREYF32; format++) {
        mexpr_image *grey, *image, *out, *back;
        assert_ok(
            context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 80, 60, &grey));
        uint8_t *p = mexpr_image_pixels(grey);
        for (int i = 0; i < 80 * 60; i++)
            p[i] = (i % 80 + i / 80) % 2 ? 200 : 100;
        assert_ok(
            context, mexpr_image_convert(context, grey, (mexpr_format)format, &image));
        assert_ok(context, mexpr_image_warp(context, image, shrink, 15, 15, &out));
        assert_ok(context, mexpr_image_convert(context, out, MEXPR_FORMAT_GREY8, &back));
        const uint8_t *q = mexpr_image_data(back);
        for (int y = 3; y < 12; y++) {
            for (int x = 3; x < 12; x++)
                assert_in_range(q[15 * y + x], 147, 153);
        }
        mexpr_image_destroy(&back);
        mexpr_image_destroy(&out);
        mexpr_image_destroy(&image);
        mexpr_image_destroy(&grey);
    }
    mexpr_context_destroy(&context);
}

/* --- crops ------------------------------------------------------------------------- */

static void eyes_come_to_their_places(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    float xy[N], carried[N];
    double tilt[6], m[6];
    similarity(1.7, -20, 30, 90, tilt);
    assert_ok(context, mexpr_transform_points(context, tilt, drawn_landmarks(4), 68, xy));
    for (int k = 0; mexpr_crop_name(k); k++) {
        mexpr_crop crop = MEXPR_CROP_INIT;
        assert_int_equal(mexpr_crop_find(mexpr_crop_name(k), &crop), MEXPR_OK);
        assert_ok(context, mexpr_crop_transform(context, &crop, xy, m));
        assert_ok(context, mexpr_transform_points(context, m, xy, 68, carried));
        double centre[2][2] = {{0, 0}, {0, 0}};
        for (int i = 0; i < 12; i++) {
            centre[i / 6][0] += carried[2 * (36 + i)] / 6.0;
            centre[i / 6][1] += carried[2 * (36 + i) + 1] / 6.0;
        }
        const double half = crop.eye_distance * crop.width / 2;
        assert_true(fabs(centre[0][0] + 0.5 - (crop.width / 2.0 - half)) < 1e-3);
        assert_true(fabs(centre[1][0] + 0.5 - (crop.width / 2.0 + half)) < 1e-3);
        assert_true(fabs(centre[0][1] + 0.5 - crop.eye_y * crop.height) < 1e-3);
        assert_true(fabs(centre[1][1] + 0.5 - crop.eye_y * crop.height) < 1e-3);
    }
    assert_string_equal(mexpr_crop_name(0), "140x170");
    mexpr_context_destroy(&context);
}

/* --- regions ----------------------------------------------------------------------- */

/* Boxes of all regions lie about the face, and have a name and a size. */
static void regions_lie_in_the_face(void **state)
{
    (void)state;
    static const int counts[] = {0, 13, 36, 2, 9, 2, 5};
    mexpr_context *context = test_context(NULL, 1);
    for (int kind = MEXPR_REGIONS_ACTION; kind <= MEXPR_REGIONS_STILL; kind++) {
        float boxes[4 * MEXPR_MDMO_REGIONS];
        int32_t n;
        assert_int_equal(
            mexpr_face_regions_size((mexpr_regions)kind, &n, NULL), MEXPR_OK);
        assert_int_equal(n, counts[kind]);
        for (uint64_t seed = 1; seed < 6; seed++) {
            assert_ok(context, mexpr_face_region_boxes(context, (mexpr_regions)kind,
                                   drawn_landmarks(seed), boxes));
            for (int i = 0; i < n; i++) {
                const float *b = boxes + 4 * i;
                assert_true(b[2] > 2 && b[3] > 2);
                assert_true(b[0] > -20 && b[0] + b[2] < 220);
                assert_true(b[1] > -20 && b[1] + b[3] < 220);
                assert_non_null(mexpr_face_region_name((mexpr_regions)kind, i));
            }
        }
    }
    mexpr_context_destroy(&context);
}

static void bands_and_nine_are_as_published(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    float xy[N], bands[8], nine[36];
    for (int i = 0; i < 68; i++) {
        xy[2 * i] = 50 + (float)(i % 17) * 5;
        xy[2 * i + 1] = 40 + (float)(i * 7 % 68) * 1.5f;
    }
    float low[2] = {1e9f, 1e9f}, high[2] = {-1e9f, -1e9f};
    for (int i = 48; i < 68; i++) {
        for (int axis = 0; axis < 2; axis++) {
            low[axis] = fminf(low[axis], xy[2 * i + axis]);
            high[axis] = fmaxf(high[axis], xy[2 * i + axis]);
        }
    }
    assert_ok(context, mexpr_face_region_boxes(context, MEXPR_REGIONS_BANDS, xy, bands));
    for (int axis = 0; axis < 2; axis++) {
        const float size = high[axis] - low[axis];
        assert_true(fabsf(bands[4 + axis] - (low[axis] - 0.15f * size)) < 1e-3f);
        assert_true(fabsf(bands[6 + axis] - 1.3f * size) < 1e-3f);
    }
    assert_ok(context, mexpr_face_region_boxes(context, MEXPR_REGIONS_NINE, xy, nine));
    for (int i = 0; i < 9; i++)
        assert_true(fabsf(nine[4 * i + 2] - nine[2]) < 1e-3f &&
                    fabsf(nine[4 * i + 3] - nine[2]) < 1e-3f);
    mexpr_context_destroy(&context);
}

/* Mirrored landmarks give mirrored regions. */
static void regions_are_symmetric(void **state)
{
    (void)state;
    static const int twin[13] = {1, 0, 3, 2, 4, 5, 7, 6, 9, 8, 10, 11, 12};
    static const unsigned char mirror[68] = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,
        3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33,
        32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49,
        48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65};
    mexpr_context *context = test_context(NULL, 1);
    float xy[N], other[N], a[52], b[52];
    memcpy(xy, drawn_landmarks(9), sizeof xy);
    for (int i = 0; i < 68; i++) {
        other[2 * mirror[i]] = 199 - xy[2 * i];
        other[2 * mirror[i] + 1] = xy[2 * i + 1];
    }
    assert_ok(context, mexpr_face_region_boxes(context, MEXPR_REGIONS_ACTION, xy, a));
    assert_ok(context, mexpr_face_region_boxes(context, MEXPR_REGIONS_ACTION, other, b));
    for (int i = 0; i < 13; i++) {
        const float *p = a + 4 * i, *q = b + 4 * twin[i];
        if (i == 4 || i == 5 || i >= 10)
            continue; /* those on the middle line are drawn from the left */
        assert_true(fabsf(199 - (p[0] + p[2]) - q[0]) < 1e-3f);
        assert_true(fabsf(p[1] - q[1]) < 1e-3f && fabsf(p[2] - q[2]) < 1e-3f);
    }
    mexpr_context_destroy(&context);
}

/* --- occlusion --------------------------------------------------------------------- */

static mexpr_image *white(mexpr_context *context, mexpr_format format)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, format, 200, 200, &image));
    memset(mexpr_image_pixels(image), 255, mexpr_image_stride(image) * 200);
    return image;
}

static int count_below(const mexpr_image *grey, int limit)
{
    const uint8_t *p = mexpr_image_data(grey);
    int n = 0;
    for (int i = 0; i < 200 * 200; i++)
        n += p[i] < limit;
    return n;
}

static void blocks_cover_their_share(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    float xy[N];
    memcpy(xy, drawn_landmarks(2), sizeof xy);
    float low[2] = {1e9f, 1e9f}, high[2] = {-1e9f, -1e9f};
    for (int i = 0; i < 27; i++) {
        for (int axis = 0; axis < 2; axis++) {
            low[axis] = fminf(low[axis], xy[2 * i + axis]);
            high[axis] = fmaxf(high[axis], xy[2 * i + axis]);
        }
    }
    for (int k = 1; k <= 10; k++) {
        mexpr_occlusion plan = MEXPR_OCCLUSION_INIT, again = MEXPR_OCCLUSION_INIT;
        mexpr_image *image = white(context, MEXPR_FORMAT_GREY8);
        const double ratio = 0.05 * k;
        assert_ok(context, mexpr_occlusion_plan(context, MEXPR_OCCLUDER_BLOCK, ratio,
                               (uint64_t)k, xy, &plan));
        assert_ok(context, mexpr_occlusion_plan(context, MEXPR_OCCLUDER_BLOCK, ratio,
                               (uint64_t)k, xy, &again));
        assert_memory_equal(&plan, &again, sizeof plan);
        assert_true(plan.width == floor((double)(high[0] - low[0]) * sqrt(ratio)));
        assert_true(plan.height == floor((double)(high[1] - low[1]) * sqrt(ratio)));
        const double x = (double)xy[60] + plan.dx, y = (double)xy[61] + plan.dy;
        assert_true(x - plan.width / 2 >= (double)low[0] - 1e-3 &&
                    x + plan.width / 2 <= (double)high[0] + 1e-3);
        assert_true(y - plan.height / 2 >= (double)low[1] - 1e-3 &&
                    y + plan.height / 2 <= (double)high[1] + 1e-3);
        assert_ok(context, mexpr_occlusion_apply(context, &plan, xy, image));
        assert_int_equal(count_below(image, 1), (int)(plan.width * plan.height));
        mexpr_image_destroy(&image);
    }
    mexpr_context_destroy(&context);
}

/* The mask hides the mouth and not the eyes, glasses the eyes and not the mouth. */
static void masks_and_glasses_sit_where_they_should(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    float xy[N];
    memcpy(xy, drawn_landmarks(6), sizeof xy);
    for (int kind = MEXPR_OCCLUDER_MASK; kind <= MEXPR_OCCLUDER_GLASSES; kind++) {
        for (int variant = 0; variant < 10; variant++) {
            mexpr_occlusion plan = MEXPR_OCCLUSION_INIT;
            mexpr_image *image = white(context, MEXPR_FORMAT_GREY8);
            plan.kind = kind;
            plan.variant = variant;
            assert_ok(context, mexpr_occlusion_apply(context, &plan, xy, image));
            const uint8_t *p = mexpr_image_data(image);
            int eyes = 0, mouth = 0;
            for (int i = 36; i < 68; i++) {
                const int x = (int)lroundf(xy[2 * i]), y = (int)lroundf(xy[2 * i + 1]);
                *(i < 48 ? &eyes : &mouth) += p[200 * y + x] != 255;
            }
            assert_int_equal(eyes, kind == MEXPR_OCCLUDER_MASK ? 0 : 12);
            assert_int_equal(mouth, kind == MEXPR_OCCLUDER_MASK ? 20 : 0);
            mexpr_image_destroy(&image);
        }
    }
    mexpr_context_destroy(&context);
}

/* --- pictures and meshes ----------------------------------------------------------- */

static void faces_are_drawn(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face face = {sizeof face, 7, {10, 20, 150, 150}, 1, 1, 1, 0, {0}};
    memcpy(face.landmarks, drawn_landmarks(3), sizeof face.landmarks);
    for (uint32_t marks = 0; marks < 8; marks++) {
        mexpr_image *rgb = white(context, MEXPR_FORMAT_RGB8);
        assert_ok(
            context, mexpr_face_draw(context, rgb, &face, marks, MEXPR_REGIONS_MDMO));
        const uint8_t *p = mexpr_image_data(rgb);
        const int x = (int)lroundf(face.landmarks[60]),
                  y = (int)lroundf(face.landmarks[61]);
        const bool box = p[3 * (200 * 20 + 80) + 2] < 200;
        const bool point = p[3 * (200 * y + x)] < 200;
        assert_int_equal(box, marks == 0 || (marks & MEXPR_MARK_BOX) != 0);
        if (!(marks & MEXPR_MARK_REGIONS))
            assert_int_equal(point, marks == 0 || (marks & MEXPR_MARK_POINTS) != 0);
        mexpr_image_destroy(&rgb);
    }
    mexpr_context_destroy(&context);
}

static void meshes_become_landmarks(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static float mesh[3 * 478];
    float xy[N];
    for (int i = 0; i < 478; i++) {
        mesh[3 * i] = (float)i / 1000;
        mesh[3 * i + 1] = (float)(478 - i) / 1000;
    }
    assert_ok(context, mexpr_landmarks_from_mesh(context, mesh, 478, 3, 640, 480, xy));
    assert_true(fabsf(xy[72] - (0.033f * 640 - 0.5f)) < 1e-3f);
    assert_true(fabsf(xy[73] - (0.445f * 480 - 0.5f)) < 1e-3f);
    /* landmark 49 lies between the vertices 40 and 39 */
    assert_true(fabsf(xy[98] - (0.0395f * 640 - 0.5f)) < 1e-3f);
    assert_ok(context, mexpr_landmarks_from_mesh(context, mesh, 468, 3, 1, 1, xy));
    assert_true(fabsf(xy[16] - 0.152f) < 1e-6f);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_exact),
        cmocka_unit_test(fits_do_not_mirror),
        cmocka_unit_test(weights_choose_points),
        cmocka_unit_test(warps_are_exact),
        cmocka_unit_test(warps_do_not_alias),
        cmocka_unit_test(eyes_come_to_their_places),
        cmocka_unit_test(regions_lie_in_the_face),
        cmocka_unit_test(bands_and_nine_are_as_published),
        cmocka_unit_test(regions_are_symmetric),
        cmocka_unit_test(blocks_cover_their_share),
        cmocka_unit_test(masks_and_glasses_sit_where_they_should),
        cmocka_unit_test(faces_are_drawn),
        cmocka_unit_test(meshes_become_landmarks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
