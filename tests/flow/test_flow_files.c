/* SPDX-License-Identifier: MIT */
/* .flo and KITTI files, good and bad. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "microexpr/flow.h"
#include "support.h"

enum { WIDTH = 5, HEIGHT = 3, N = WIDTH * HEIGHT };

static mexpr_field *example(mexpr_context *context)
{
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, WIDTH, HEIGHT, &field));
    for (int i = 0; i < N; i++) {
        mexpr_field_u_pixels(field)[i] = (float)i * 0.25f - 1;
        mexpr_field_v_pixels(field)[i] = 2 - (float)i * 0.125f;
    }
    mexpr_field_u_pixels(field)[4] = NAN;
    mexpr_field_v_pixels(field)[6] = -3e9f;
    return field;
}

/* The same, unknown being unknown in both components. */
static void assert_example(const mexpr_field *field)
{
    assert_int_equal(mexpr_field_width(field), WIDTH);
    assert_int_equal(mexpr_field_height(field), HEIGHT);
    for (int i = 0; i < N; i++) {
        const bool is_known = i != 4 && i != 6;
        assert_true(mexpr_field_u(field)[i] ==
                    (is_known ? (float)i * 0.25f - 1 : MEXPR_FIELD_UNKNOWN));
        assert_true(mexpr_field_v(field)[i] ==
                    (is_known ? 2 - (float)i * 0.125f : MEXPR_FIELD_UNKNOWN));
    }
}

/* --- .flo -------------------------------------------------------------------------- */

static void flo_there_and_back(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = example(context), *again;
    const char *path = test_path("a.flo");
    assert_ok(context, mexpr_field_write_flo(context, field, path));
    mexpr_field_destroy(&field);
    assert_ok(context, mexpr_field_read_flo(context, path, &again));
    assert_example(again);
    mexpr_field_destroy(&again);
    size_t size;
    uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, 12 + 8 * N);
    assert_memory_equal(bytes, "PIEH\5\0\0\0\3\0\0\0\0\0\x80\xbf\0\0\0\x40", 20);
    assert_ok(context, mexpr_field_decode_flo(context, bytes, size, &again));
    assert_example(again);
    mexpr_field_destroy(&again);
    free(bytes);
    mexpr_context_destroy(&context);
}

static void every_truncated_flo_is_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = example(context);
    const char *path = test_path("b.flo");
    assert_ok(context, mexpr_field_write_flo(context, field, path));
    mexpr_field_destroy(&field);
    size_t size;
    uint8_t *bytes = test_read_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        uint8_t *part = malloc(n + 1); /* its end is a sanitizer's edge */
        assert_non_null(part);
        memcpy(part, bytes, n);
        assert_failure(context, mexpr_field_decode_flo(context, part, n, &field),
            MEXPR_E_TRUNCATED, n < 12 ? "within its head" : "of the 120 bytes");
        assert_null(field);
        free(part);
    }
    test_write_file(path, bytes, size - 1);
    assert_failure(context, mexpr_field_read_flo(context, path, &field),
        MEXPR_E_TRUNCATED, "b.flo: the .flo file holds 119 of the 120 bytes");
    free(bytes);
    mexpr_context_destroy(&context);
}

static void bad_flo_is_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field;
    uint8_t bytes[13 + 8] = "PIEH\1\0\0\0\1\0\0\0";
    assert_ok(context, mexpr_field_decode_flo(context, bytes, 20, &field));
    mexpr_field_destroy(&field);
    assert_failure(context, mexpr_field_decode_flo(context, bytes, 21, &field),
        MEXPR_E_FORMAT, "longer than its 1×1 pixels");
    assert_failure(context, mexpr_field_decode_flo(context, "PIEX", 4, &field),
        MEXPR_E_FORMAT, "not a .flo file");
    assert_failure(context, mexpr_field_decode_flo(context, "X", 1, &field),
        MEXPR_E_FORMAT, "not a .flo file");
    bytes[4] = 0;
    assert_failure(context, mexpr_field_decode_flo(context, bytes, 20, &field),
        MEXPR_E_FORMAT, "0×1 pixels");
    memcpy(bytes + 4, "\xff\xff\xff\xff", 4);
    assert_failure(context, mexpr_field_decode_flo(context, bytes, 20, &field),
        MEXPR_E_FORMAT, "-1×1 pixels");
    memcpy(bytes + 4, "\xff\xff\xff\x7f\xff\xff\xff\x7f", 8);
    assert_failure(context, mexpr_field_decode_flo(context, bytes, 20, &field),
        MEXPR_E_LIMIT, "max_pixels");
    assert_failure(context, mexpr_field_decode_flo(context, NULL, 20, &field),
        MEXPR_E_ARG, "bytes is NULL");
    assert_null(field);
    assert_int_equal(mexpr_field_decode_flo(NULL, bytes, 20, &field), MEXPR_E_ARG);
    assert_int_equal(mexpr_field_decode_flo(context, bytes, 20, NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

/* --- files that are not there ------------------------------------------------------ */

typedef mexpr_status (*read_fn)(mexpr_context *, const char *, mexpr_field **);
typedef mexpr_status (*write_fn)(mexpr_context *, const mexpr_field *, const char *);

static void check_paths(mexpr_context *context, read_fn read, write_fn write)
{
    mexpr_field *field;
    assert_failure(
        context, read(context, test_path("none"), &field), MEXPR_E_NOT_FOUND, "none");
    assert_failure(context, read(context, NULL, &field), MEXPR_E_ARG, "path is NULL");
    assert_null(field);
    assert_int_equal(read(NULL, "x", &field), MEXPR_E_ARG);
    assert_int_equal(read(context, "x", NULL), MEXPR_E_ARG);
    field = example(context);
    assert_failure(context, write(context, field, NULL), MEXPR_E_ARG, "path is NULL");
    assert_failure(context, write(context, NULL, "x"), MEXPR_E_ARG, "the field is NULL");
    assert_int_equal(write(NULL, field, "x"), MEXPR_E_ARG);
    assert_failure(context, write(context, field, test_path("no/x")), MEXPR_E_IO, "no/x");
    mexpr_field_destroy(&field);
}

static void paths_that_do_not_work(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    check_paths(context, mexpr_field_read_flo, mexpr_field_write_flo);
#if MX_HAVE_PNG
    check_paths(context, mexpr_field_read_kitti, mexpr_field_write_kitti);
#endif
    mexpr_context_destroy(&context);
}

/* A write that fails leaves the file that was there. */
static void a_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = example(context);
    assert_failure(context, mexpr_field_write_flo(context, field, "/dev/full/x"),
        MEXPR_E_IO, "/dev/full/x");
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

/* --- KITTI ------------------------------------------------------------------------- */

#if MX_HAVE_PNG
static void kitti_there_and_back(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = example(context), *again;
    const char *path = test_path("a.png");
    assert_ok(context, mexpr_field_write_kitti(context, field, path));
    mexpr_field_destroy(&field);
    assert_ok(context, mexpr_field_read_kitti(context, path, &again));
    assert_example(again);
    mexpr_field_destroy(&again);
    mexpr_context_destroy(&context);
}

static void kitti_clamps_and_rounds(void **state)
{
    (void)state;
    static const float in[][2] = {
        {1000, -1000}, {511.99f, -512}, {0.01f, -0.01f}, {0.0079f, 0.0077f}};
    static const float out[][2] = {{65535.0f / 64 - 512, -512},
        {65535.0f / 64 - 512, -512}, {1.0f / 64, -1.0f / 64}, {1.0f / 64, 0}};
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field, *again;
    assert_ok(context, mexpr_field_create(context, 4, 1, &field));
    for (int i = 0; i < 4; i++) {
        mexpr_field_u_pixels(field)[i] = in[i][0];
        mexpr_field_v_pixels(field)[i] = in[i][1];
    }
    const char *path = test_path("c.png");
    assert_ok(context, mexpr_field_write_kitti(context, field, path));
    assert_ok(context, mexpr_field_read_kitti(context, path, &again));
    for (int i = 0; i < 4; i++) {
        assert_true(mexpr_field_u(again)[i] == out[i][0]);
        assert_true(mexpr_field_v(again)[i] == out[i][1]);
    }
    mexpr_field_destroy(&again);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}

static void other_files_are_not_kitti(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    mexpr_field *field;
    const char *path = test_path("grey.png");
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY16, 4, 4, &image));
    assert_ok(context, mexpr_image_write_png(context, image, path));
    mexpr_image_destroy(&image);
    assert_failure(context, mexpr_field_read_kitti(context, path, &field), MEXPR_E_FORMAT,
        "grey.png");
    test_write_file(path, "no picture", 10);
    assert_failure(context, mexpr_field_read_kitti(context, path, &field), MEXPR_E_FORMAT,
        "grey.png");
    test_write_file(path, "", 0);
    assert_int_not_equal(mexpr_field_read_kitti(context, path, &field), MEXPR_OK);
    assert_null(field);
    mexpr_context_destroy(&context);
}
#else
static void kitti_is_switched_off(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_field *field = example(context);
    assert_int_equal(
        mexpr_field_write_kitti(context, field, test_path("a.png")), MEXPR_E_DISABLED);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flo_there_and_back),
        cmocka_unit_test(every_truncated_flo_is_refused),
        cmocka_unit_test(bad_flo_is_refused),
        cmocka_unit_test(paths_that_do_not_work),
        cmocka_unit_test(a_failed_write_keeps_the_old_file),
#if MX_HAVE_PNG
        cmocka_unit_test(kitti_there_and_back),
        cmocka_unit_test(kitti_clamps_and_rounds),
        cmocka_unit_test(other_files_are_not_kitti),
#else
        cmocka_unit_test(kitti_is_switched_off),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
