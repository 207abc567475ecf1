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

static void layouts(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 8, 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_manifest *m;
    REFUSED(mexpr_manifest_load_layout(NULL, "samm", ".", "x", NULL, &m));
    assert_null(m);
    REFUSED(mexpr_manifest_load_layout(c, "samm", ".", "x", NULL, NULL));
    MAKES_NOTHING(
        c, m, mexpr_manifest_load_layout(c, NULL, ".", "x", NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, m, mexpr_manifest_load_layout(c, "samm", NULL, "x", NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, m, mexpr_manifest_load_layout(c, "samm", ".", NULL, NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(c, m, mexpr_manifest_load_layout(c, "none", ".", "x", NULL, &m),
        MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(c, m, mexpr_manifest_load_layout(c, "samm", ".", "/nowhere", NULL, &m),
        MEXPR_E_NOT_FOUND);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_layout_options o = MEXPR_LAYOUT_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, m, mexpr_manifest_load_layout(c, "samm", ".", "x", &o, &m), MEXPR_E_ABI);
    }
    for (int32_t classes = -1; classes <= 4; classes += 5) {
        mexpr_layout_options o = MEXPR_LAYOUT_OPTIONS_INIT;
        o.classes = classes;
        MAKES_NOTHING(
            c, m, mexpr_manifest_load_layout(c, "samm", ".", "x", &o, &m), MEXPR_E_RANGE);
    }
    LATER(mexpr_layout_options) later = {.known = MEXPR_LAYOUT_OPTIONS_INIT, .later = 1};
    later.known.struct_size = sizeof later;
    MAKES_NOTHING(c, m, mexpr_manifest_load_layout(c, "samm", ".", "x", &later.known, &m),
        MEXPR_E_ABI);
    assert_string_equal(mexpr_layout_name(0), "casme");
    assert_null(mexpr_layout_name(1000));
    assert_null(mexpr_layout_title(-1));
    mexpr_context_destroy(&c);
}

static void writing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_manifest *m = api_manifest(c), *out;
    const mexpr_manifest *const two[] = {m, NULL};
    REFUSED(mexpr_manifest_write(NULL, m, "x"));
    FAILS(c, mexpr_manifest_write(c, NULL, "x"), MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_write(c, m, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_manifest_write(c, m, "/nowhere/at/all.csv"), MEXPR_E_IO);
    FAILS(c, mexpr_manifest_write(c, m, "/dev/null"), MEXPR_E_IO);
    REFUSED(mexpr_manifest_join(NULL, two, 1, &out));
    assert_null(out);
    REFUSED(mexpr_manifest_join(c, two, 1, NULL));
    MAKES_NOTHING(c, out, mexpr_manifest_join(c, NULL, 1, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_manifest_join(c, two, 0, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_manifest_join(c, two, 2, &out), MEXPR_E_ARG);
    assert_int_equal(mexpr_manifest_join(c, two, 1, &out), MEXPR_OK);
    mexpr_manifest_destroy(&out);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
}

static void units(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_action_unit list[2];
    size_t n;
    REFUSED(mexpr_action_units_parse(NULL, "1", list, 2, &n));
    FAILS(c, mexpr_action_units_parse(c, NULL, list, 2, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_action_units_parse(c, "1", NULL, 2, &n), MEXPR_E_ARG);
    FAILS(c, mexpr_action_units_parse(c, "1", list, 2, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_action_units_parse(c, "1+2+4", list, 2, &n), MEXPR_E_RANGE);
    FAILS(c, mexpr_action_units_parse(c, "x", list, 2, &n), MEXPR_E_FORMAT);
    assert_int_equal(mexpr_action_units_parse(c, "R12A", list, 2, &n), MEXPR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].side, MEXPR_AU_SIDE_RIGHT);
    mexpr_context_destroy(&c);
}

static void checking(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_manifest *m = api_manifest(c);
    mexpr_findings *f, *none = NULL;
    mexpr_finding one = MEXPR_FINDING_INIT;
    mexpr_check_options o = MEXPR_CHECK_OPTIONS_INIT;
    REFUSED(mexpr_manifest_check(NULL, m, ".", NULL, NULL, NULL, &f));
    assert_null(f);
    REFUSED(mexpr_manifest_check(c, m, ".", NULL, NULL, NULL, NULL));
    MAKES_NOTHING(
        c, f, mexpr_manifest_check(c, NULL, ".", NULL, NULL, NULL, &f), MEXPR_E_ARG);
    o.files = 4;
    MAKES_NOTHING(
        c, f, mexpr_manifest_check(c, m, ".", &o, NULL, NULL, &f), MEXPR_E_RANGE);
    o.struct_size = 7;
    MAKES_NOTHING(c, f, mexpr_manifest_check(c, m, ".", &o, NULL, NULL, &f), MEXPR_E_ABI);
    assert_int_equal(
        mexpr_manifest_check(c, m, "/nowhere", NULL, NULL, NULL, &f), MEXPR_OK);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
    assert_int_equal(mexpr_findings_count(f), 2);
    assert_int_equal(mexpr_findings_count(NULL), 0);
    assert_int_equal(mexpr_findings_get(f, 1, &one), MEXPR_OK);
    assert_string_equal(mexpr_finding_name((mexpr_finding_kind)one.kind), "clip_absent");
    REFUSED(mexpr_findings_get(f, 2, &one));
    REFUSED(mexpr_findings_get(f, -1, &one));
    REFUSED(mexpr_findings_get(NULL, 0, &one));
    REFUSED(mexpr_findings_get(f, 0, NULL));
    one.struct_size = 8;
    assert_int_equal(mexpr_findings_get(f, 0, &one), MEXPR_E_ABI);
    assert_null(mexpr_finding_name((mexpr_finding_kind)16));
    mexpr_findings_destroy(NULL);
    mexpr_findings_destroy(&none);
    mexpr_findings_destroy(&f);
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(asking),
        cmocka_unit_test(pictures),
        cmocka_unit_test(layouts),
        cmocka_unit_test(writing),
        cmocka_unit_test(units),
        cmocka_unit_test(checking),
    };
    return cmocka_run_group_tests_name("api_dataset", tests, NULL, NULL);
}
