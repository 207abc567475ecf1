/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static const char text[] = "file,subject,label\na.png,1,0\nb.png,2,1\n";

static mexpr_manifest *api_manifest(mexpr_context *c)
{
    mexpr_manifest *m = NULL;
    assert_int_equal(mexpr_manifest_decode(c, text, sizeof text - 1, NULL, &m), MEXPR_OK);
    return m;
}

static void reading(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_manifest *m;
    REFUSED(mexpr_manifest_read(NULL, "x", NULL, &m));
    assert_null(m);
    REFUSED(mexpr_manifest_read(c, "x", NULL, NULL));
    MAKES_NOTHING(c, m, mexpr_manifest_read(c, NULL, NULL, &m), MEXPR_E_ARG);
    REFUSED(mexpr_manifest_decode(NULL, text, sizeof text - 1, NULL, &m));
    REFUSED(mexpr_manifest_decode(c, text, sizeof text - 1, NULL, NULL));
    MAKES_NOTHING(c, m, mexpr_manifest_decode(c, NULL, 3, NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(c, m, mexpr_manifest_decode(c, text, 0, NULL, &m), MEXPR_E_FORMAT);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_manifest_options o = MEXPR_MANIFEST_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, m, mexpr_manifest_decode(c, text, sizeof text - 1, &o, &m), MEXPR_E_ABI);
    }
    mexpr_context_options small = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *tight = NULL;
    small.max_frames = 1;
    assert_int_equal(mexpr_context_create(&small, &tight), MEXPR_OK);
    MAKES_NOTHING(tight, m, mexpr_manifest_decode(tight, text, sizeof text - 1, NULL, &m),
        MEXPR_E_LIMIT);
    mexpr_context_destroy(&tight);
    mexpr_context_destroy(&c);
}

static void asking(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_manifest *m = api_manifest(c), *none = NULL;
    mexpr_record r = MEXPR_RECORD_INIT;
    mexpr_context_destroy(&c);
    assert_int_equal(mexpr_manifest_clip(m, 1, &r), MEXPR_OK);
    assert_string_equal(r.path, "b.png");
    REFUSED(mexpr_manifest_clip(NULL, 0, &r));
    REFUSED(mexpr_manifest_clip(m, 2, &r));
    REFUSED(mexpr_manifest_clip(m, -1, &r));
    REFUSED(mexpr_manifest_clip(m, 0, NULL));
    r.struct_size = 8;
    assert_int_equal(mexpr_manifest_clip(m, 0, &r), MEXPR_E_ABI);
    assert_int_equal(mexpr_manifest_n_clips(m), 2);
    assert_int_equal(mexpr_manifest_n_clips(NULL), 0);
    assert_int_equal(mexpr_manifest_n_persons(m), 2);
    assert_int_equal(mexpr_manifest_n_persons(NULL), 0);
    assert_int_equal(mexpr_manifest_n_datasets(m), 1);
    assert_int_equal(mexpr_manifest_n_datasets(NULL), 0);
    assert_int_equal(mexpr_manifest_n_classes(m), 2);
    assert_int_equal(mexpr_manifest_n_classes(NULL), 0);
    assert_null(mexpr_manifest_person(m, 2));
    assert_null(mexpr_manifest_person(NULL, 0));
    assert_null(mexpr_manifest_dataset(m, -1));
    assert_null(mexpr_manifest_dataset(NULL, 0));
    assert_null(mexpr_manifest_class(m, 2));
    assert_null(mexpr_manifest_class(NULL, 0));
    assert_string_equal(mexpr_manifest_sha256(NULL), "");
    assert_int_equal(strlen(mexpr_manifest_sha256(m)), 64);
    mexpr_manifest_destroy(NULL);
    mexpr_manifest_destroy(&none);
    mexpr_manifest_destroy(&m);
    assert_null(m);
}

static void pictures(void **state)
{
    (void)state;
    float values[6];
    mexpr_context *c = api_context();
    mexpr_manifest *m = api_manifest(c);
    REFUSED(mexpr_manifest_pictures(NULL, m, ".", 1, 1, NULL, 0, values, 6, NULL, NULL));
    FAILS(c, mexpr_manifest_pictures(c, NULL, ".", 1, 1, NULL, 0, values, 6, NULL, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_pictures(c, m, ".", 1, 1, NULL, 0, NULL, 6, NULL, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_pictures(c, m, ".", 1, 1, NULL, 1, values, 6, NULL, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_pictures(c, m, ".", 0, 1, NULL, 0, values, 6, NULL, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_pictures(c, m, ".", 1, 1, NULL, 0, values, 5, NULL, NULL),
        MEXPR_E_RANGE);
    FAILS(c,
        mexpr_manifest_pictures(
            c, m, ".", INT32_MAX, INT32_MAX, NULL, 0, values, 6, NULL, NULL),
        MEXPR_E_RANGE);
    FAILS(c,
        mexpr_manifest_pictures(c, m, "/nowhere", 1, 1, NULL, 0, values, 6, NULL, NULL),
        MEXPR_E_NOT_FOUND);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(asking),
        cmocka_unit_test(pictures),
    };
    return cmocka_run_group_tests_name("api_dataset", tests, NULL, NULL);
}
