/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "microexpr/dataset.h"
#include "microexpr/image.h"
#include "support.h"

TEST_CONTEXT

static mexpr_status decode(const char *text, const char *label, mexpr_manifest **out)
{
    mexpr_manifest_options o = MEXPR_MANIFEST_OPTIONS_INIT;
    o.label = label;
    return mexpr_manifest_decode(context, text, strlen(text), &o, out);
}

static mexpr_record record_of(const mexpr_manifest *m, int64_t index)
{
    mexpr_record r = MEXPR_RECORD_INIT;
    assert_int_equal(mexpr_manifest_clip(m, index, &r), MEXPR_OK);
    return r;
}

/* --- records ----------------------------------------------------------------------- */

static void whole_records(void **state)
{
    (void)state;
    static const char text[] =
        "clip,path,database,subject,fps,first_frame,onset,apex,offset,type,emotion_raw,"
        "au_raw,errata_id,label\n"
        "c1,a/b.png,samm,007,200,0,10,25,NA,micro,Anger,4A/B,e3,2\n"
        "c2,d.png,smic,007,30000/1001,,,,,,,,,0\n"
        "c3,e.png,samm,007,29.97,1,2,3,4,,,,,\n";
    mexpr_manifest *m;
    assert_ok(context, decode(text, NULL, &m));
    assert_int_equal(mexpr_manifest_n_clips(m), 3);
    assert_int_equal(mexpr_manifest_n_classes(m), 3);
    assert_int_equal(mexpr_manifest_n_datasets(m), 2);
    /* The same number in two databases is two people. */
    assert_int_equal(mexpr_manifest_n_persons(m), 2);
    assert_string_equal(mexpr_manifest_person(m, 0), "samm/007");
    assert_string_equal(mexpr_manifest_person(m, 1), "smic/007");
    assert_null(mexpr_manifest_person(m, 2));
    assert_string_equal(mexpr_manifest_dataset(m, 1), "smic");
    assert_string_equal(mexpr_manifest_class(m, 2), "2");
    assert_null(mexpr_manifest_class(m, -1));
    const mexpr_record a = record_of(m, 0), b = record_of(m, 1), c = record_of(m, 2);
    assert_string_equal(a.clip, "c1");
    assert_string_equal(a.path, "a/b.png");
    assert_string_equal(a.subject, "007");
    assert_string_equal(a.type, "micro");
    assert_string_equal(a.emotion, "Anger");
    assert_string_equal(a.action_units, "4A/B");
    assert_string_equal(a.errata, "e3");
    assert_int_equal(a.line, 2);
    assert_int_equal(a.label, 2);
    assert_int_equal(a.first_frame, 0);
    assert_int_equal(a.onset, 10);
    assert_int_equal(a.apex, 25);
    assert_int_equal(a.offset, -1);
    assert_true(a.fps == 200);
    assert_true(b.fps == 30000.0 / 1001);
    assert_int_equal(b.apex, -1);
    assert_int_equal(b.person, 1);
    assert_int_equal(c.label, -1);
    assert_int_equal(c.person, 0);
    assert_float_equal(c.fps, 29.97, 1e-12);
    mexpr_manifest_destroy(&m);
    assert_null(m);
}

static void names_of_clips_and_people(void **state)
{
    (void)state;
    static const char text[] = "File,Subject,Person\n"
                               "x/one.two.png,1,anna\n"
                               "three,2,anna\n"
                               ".four,3,\n"
                               "five,3,NA\n";
    mexpr_manifest *m;
    assert_ok(context, decode(text, NULL, &m));
    assert_string_equal(record_of(m, 0).clip, "one.two");
    assert_string_equal(record_of(m, 1).clip, "three");
    assert_string_equal(record_of(m, 2).clip, ".four");
    /* Only the column says that 1 and 2 are one person. */
    assert_int_equal(mexpr_manifest_n_persons(m), 2);
    assert_int_equal(record_of(m, 1).person, 0);
    assert_string_equal(mexpr_manifest_person(m, 1), "3");
    assert_int_equal(record_of(m, 3).person, 1);
    assert_int_equal(mexpr_manifest_n_datasets(m), 1);
    assert_string_equal(mexpr_manifest_dataset(m, 0), "");
    assert_int_equal(mexpr_manifest_n_classes(m), 0);
    mexpr_manifest_destroy(&m);
}

static void named_classes(void **state)
{
    (void)state;
    static const char text[] = "file,subject,emotion,label\n"
                               "a,1,surprise,1\nb,1,negative,0\nc,1,,1\nd,1,positive,0\n";
    mexpr_manifest *m;
    assert_ok(context, decode(text, "emotion", &m));
    assert_int_equal(mexpr_manifest_n_classes(m), 3);
    assert_string_equal(mexpr_manifest_class(m, 0), "negative");
    assert_string_equal(mexpr_manifest_class(m, 2), "surprise");
    assert_int_equal(record_of(m, 0).label, 2);
    assert_int_equal(record_of(m, 2).label, -1);
    assert_int_equal(record_of(m, 3).label, 1);
    mexpr_manifest_destroy(&m);
}

/* NA is nobody's name: two who are not known are not one. */
static void unknown_persons(void **state)
{
    (void)state;
    static const char text[] = "file,dataset,subject,person,label\n"
                               "a,x,1,NA,NA\nb,x,2,NA,1\nc,y,1,,\nd,y,2,eve,0\n";
    mexpr_manifest *m;
    assert_ok(context, decode(text, NULL, &m));
    assert_int_equal(mexpr_manifest_n_persons(m), 4);
    assert_string_equal(mexpr_manifest_person(m, 0), "x/1");
    assert_string_equal(mexpr_manifest_person(m, 1), "x/2");
    assert_string_equal(mexpr_manifest_person(m, 2), "y/1");
    assert_string_equal(mexpr_manifest_person(m, 3), "eve");
    assert_int_equal(mexpr_manifest_n_classes(m), 2);
    assert_int_equal(record_of(m, 0).label, -1);
    assert_int_equal(record_of(m, 2).label, -1);
    mexpr_manifest_destroy(&m);
}

static void hash_is_of_the_file(void **state)
{
    (void)state;
    mexpr_manifest *m, *again;
    static const char text[] = "file,subject\na,1\n";
    test_write_file(test_path("m.csv"), text, sizeof text - 1);
    assert_ok(context, mexpr_manifest_read(context, test_path("m.csv"), NULL, &m));
    assert_ok(context, decode(text, NULL, &again));
    assert_string_equal(mexpr_manifest_sha256(m), mexpr_manifest_sha256(again));
    assert_int_equal(strlen(mexpr_manifest_sha256(m)), 64);
    mexpr_manifest_destroy(&again);
    mexpr_manifest_destroy(&m);
}

static void bad_manifests(void **state)
{
    (void)state;
    static const struct {
        const char *text, *label, *part;
    } cases[] = {
        {"file\na\n", NULL, "no column 'subject'"},
        {"subject\n1\n", NULL, "no column 'file', 'path' or 'clip'"},
        {"file,subject\na,1\n", "kind", "no column 'kind'"},
        {"file,subject\na,\n", NULL, "line 2 has no subject"},
        {"file,subject,apex\na,1,x\n", NULL, "'x' in line 2, column 'apex'"},
        {"file,subject,onset\na,1,-3\n", NULL, "'-3' in line 2, column 'onset'"},
        {"file,subject,fps\na,1,25/0\n", NULL, "'25/0' in line 2"},
        {"file,subject,fps\na,1,0\n", NULL, "'0' in line 2"},
        {"file,subject,fps\na,1,1/366666666666\n", NULL, "0.01 to 1000000"},
        {"file,subject,fps\na,1,1000001\n", NULL, "'1000001' in line 2"},
        {"file,subject,fps\na,1,1e3\n", NULL, "'1e3' in line 2"},
        {"file,subject\na,NA\n", NULL, "line 2 has no subject"},
        {"file,subject,person\na,1,eve\nb,1,ann\n", NULL,
            "subject '1' in line 3 is person 'ann', but 'eve' in a line before"},
        {"file,dataset,subject,person\na,x,1,eve\nb,x,1,NA\n", NULL,
            "subject 'x/1' in line 3 is person 'x/1', but 'eve'"},
        {"file,subject,label\na,1,1000\n", NULL, "'1000' in line 2, column 'label'"},
        {"file,subject,label\na,1,1\nb,1,-1\n", NULL, "'-1' in line 3"},
        {"file,subject,label\na,1,2.0\nb,1,1\n", NULL, "'2.0' in line 2"},
        {"file,subject,label\na,1,2147483648\n", NULL, "'2147483648' in line 2"},
        {"file,subject,label\na,1,3\nb,1,joy\n", NULL, "'joy' in line 3"},
        {"file,subject,label\na,1,-1\nb,1,\n", NULL, "'-1' in line 2"},
        {"file,subject,onset\na,1,99999999999999999999\n", NULL, "line 2"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        mexpr_manifest *m;
        assert_failure(context, decode(cases[k].text, cases[k].label, &m), MEXPR_E_FORMAT,
            cases[k].part);
        assert_null(m);
    }
    mexpr_manifest *m;
    assert_failure(context, mexpr_manifest_read(context, test_path("none.csv"), NULL, &m),
        MEXPR_E_NOT_FOUND, "none.csv");
}

/* --- pictures ---------------------------------------------------------------------- */

enum { WIDTH = 6, HEIGHT = 4, SIZE = 3 * WIDTH * HEIGHT };

/* Red grows by 10 to the right, green by 20 downwards, blue is 7. */
static void write_picture(const char *path)
{
    mexpr_image *image;
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_RGB8, WIDTH, HEIGHT, &image));
    for (int y = 0; y < HEIGHT; y++) {
        uint8_t *row =
            (uint8_t *)mexpr_image_pixels(image) + (size_t)y * mexpr_image_stride(image);
        for (int x = 0; x < WIDTH; x++) {
            row[3 * x] = (uint8_t)(10 * x);
            row[3 * x + 1] = (uint8_t)(20 * y);
            row[3 * x + 2] = 7;
        }
    }
    assert_ok(context, mexpr_image_write_png(context, image, path));
    mexpr_image_destroy(&image);
}

static float plane_at(const float *values, int clip, int plane, int x, int y)
{
    return values[((clip * 3 + plane) * HEIGHT + y) * WIDTH + x];
}

static void pictures(void **state)
{
    (void)state;
    static const char text[] = "file,subject,dataset\n"
                               "in/p.png,1,plain\nin/p.png,1,scaled\n";
    /* Around (2.5, 1.5): twice as wide, one pixel down. */
    const mexpr_dataset_crop crop = {"scaled", 2, 1, 0, 1};
    float values[2 * SIZE];
    mexpr_manifest *m;
    if (!strstr(mexpr_build_features(), "png"))
        skip();
    assert_int_equal(mkdir(test_path("in"), 0700), 0);
    write_picture(test_path("in/p.png"));
    assert_ok(context, decode(text, NULL, &m));
    assert_ok(context, mexpr_manifest_pictures(context, m, test_folder(), WIDTH, HEIGHT,
                           &crop, 1, values, 2 * SIZE, NULL, NULL));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const float wide = (float)(2.5 + (x - 2.5) * 2);
            const float red = wide < 0 ? 0 : wide > 5 ? 50 : 10 * wide;
            assert_true(plane_at(values, 0, 0, x, y) == 10 * x);
            assert_true(plane_at(values, 0, 1, x, y) == 20 * y);
            assert_true(plane_at(values, 0, 2, x, y) == 7);
            assert_float_equal(plane_at(values, 1, 0, x, y), red, 1e-5);
            assert_float_equal(
                plane_at(values, 1, 1, x, y), 20 * (y < 3 ? y + 1 : 3), 1e-5);
            assert_float_equal(plane_at(values, 1, 2, x, y), 7, 1e-5);
        }
    mexpr_manifest_destroy(&m);
}

static void bad_pictures(void **state)
{
    (void)state;
    static const char text[] = "file,subject,dataset\n../p.png,1,a\n";
    static const char absent[] = "file,subject,dataset\nabsent.png,1,a\n";
    const mexpr_dataset_crop far = {"a", 0, 1, 0, 0}, other = {"b", 1, 1, 0, 0};
    float values[SIZE];
    mexpr_manifest *m;
    assert_ok(context, decode(text, NULL, &m));
    assert_failure(context,
        mexpr_manifest_pictures(
            context, m, test_folder(), WIDTH, HEIGHT, NULL, 0, values, SIZE, NULL, NULL),
        MEXPR_E_ARG, "line 2 of the manifest");
    assert_failure(context,
        mexpr_manifest_pictures(context, m, test_folder(), WIDTH, HEIGHT, NULL, 0, values,
            SIZE - 1, NULL, NULL),
        MEXPR_E_RANGE, "not enough");
    assert_failure(context,
        mexpr_manifest_pictures(
            context, m, test_folder(), WIDTH, HEIGHT, &far, 1, values, SIZE, NULL, NULL),
        MEXPR_E_RANGE, "crop of 'a'");
    assert_failure(context,
        mexpr_manifest_pictures(context, m, test_folder(), WIDTH, HEIGHT, &other, 1,
            values, SIZE, NULL, NULL),
        MEXPR_E_RANGE, "'b'");
    mexpr_manifest_destroy(&m);
    assert_ok(context, decode(absent, NULL, &m));
    assert_failure(context,
        mexpr_manifest_pictures(
            context, m, test_folder(), WIDTH, HEIGHT, NULL, 0, values, SIZE, NULL, NULL),
        MEXPR_E_NOT_FOUND, "absent.png");
    mexpr_manifest_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_records),
        cmocka_unit_test(names_of_clips_and_people),
        cmocka_unit_test(named_classes),
        cmocka_unit_test(unknown_persons),
        cmocka_unit_test(hash_is_of_the_file),
        cmocka_unit_test(bad_manifests),
        cmocka_unit_test(pictures),
        cmocka_unit_test(bad_pictures),
    };
    return cmocka_run_group_tests_name("manifest", tests, setup, teardown);
}
