/* SPDX-License-Identifier: MIT */
#include "made_layout.h"
#include "microexpr/image.h"

TEST_CONTEXT

static mexpr_manifest *decode(const char *text)
{
    mexpr_manifest *m;
    assert_ok(context, mexpr_manifest_decode(context, text, strlen(text), NULL, &m));
    return m;
}

static mexpr_findings *check(const mexpr_manifest *m, mexpr_check_files files)
{
    mexpr_check_options o = MEXPR_CHECK_OPTIONS_INIT;
    mexpr_findings *f;
    o.files = (int32_t)files;
    assert_ok(
        context, mexpr_manifest_check(context, m, test_folder(), &o, NULL, NULL, &f));
    return f;
}

/* All findings as "clip:word:frame ", one behind another. */
static const char *words(const mexpr_findings *f)
{
    static char out[2048];
    out[0] = 0;
    for (int64_t k = 0; k < mexpr_findings_count(f); k++) {
        mexpr_finding finding = MEXPR_FINDING_INIT;
        assert_int_equal(mexpr_findings_get(f, k, &finding), MEXPR_OK);
        assert_true(strlen(finding.detail) > 5);
        const size_t n = strlen(out);
        snprintf(out + n, sizeof out - n, "%d:%s:%d ", (int)finding.clip,
            mexpr_finding_name((mexpr_finding_kind)finding.kind), (int)finding.frame);
    }
    return out;
}

static void assert_found(const char *text, mexpr_check_files files, const char *expected)
{
    mexpr_manifest *m = decode(text);
    mexpr_findings *f = check(m, files);
    assert_string_equal(words(f), expected);
    mexpr_findings_destroy(&f);
    assert_null(f);
    mexpr_manifest_destroy(&m);
}

#define HEAD                                                                             \
    "dataset,subject,clip,path,fps,first_frame,onset,apex,offset,emotion_raw,au_raw,"    \
    "label\n"

static void records(void **state)
{
    (void)state;
    assert_found(HEAD "casme2,01,good,a,200,1,1,5,9,disgust,4+L10,0\n"
                      "casme2,01,no apex,b,200,1,1,,9,disgust,4,0\n"
                      "casme2,01,still,c,200,1,4,4,9,disgust,4,0\n"
                      "casme2,01,early,d,200,1,4,3,9,disgust,4,0\n"
                      "casme2,01,late,e,200,1,4,10,9,disgust,4,0\n"
                      "casme2,01,back,f,200,1,9,8,4,disgust,4,0\n"
                      "casme2,01,bare,g,,1,,,,disgust,4,0\n"
                      "casme2,01,odd,h,200,1,1,5,9,boredom,4,0\n"
                      "mine,01,own,i,200,1,1,5,9,boredom,4,\n"
                      "casme2,01,units,j,200,1,1,5,9,disgust,4+soft,0\n"
                      "casme2,01,again,a,200,1,1,5,9,disgust,?,0\n"
                      "casme2,01,later,a,200,1,2,5,9,disgust,?,0\n",
        MEXPR_CHECK_NOTHING,
        "1:apex_missing:-1 2:onset_is_apex:4 3:apex_outside:3 4:apex_outside:10 "
        "5:offset_before_onset:4 6:onset_missing:-1 6:apex_missing:-1 "
        "6:offset_missing:-1 "
        "6:fps_missing:-1 7:label_unknown:-1 8:label_unknown:-1 9:au_unreadable:-1 "
        "10:clip_duplicate:-1 ");
    /* A list of pictures has no frames. */
    assert_found(
        "subject,clip,label\n1,a,0\n1,b,\n", MEXPR_CHECK_NOTHING, "1:label_unknown:-1 ");
    /* Without paths the clip's name tells it. */
    assert_found("dataset,subject,clip,fps,onset,apex,offset\n"
                 "d,1,a,30,1,2,3\nd,2,a,30,1,2,3\nd,1,a,30,1,2,3\n",
        MEXPR_CHECK_NOTHING, "2:clip_duplicate:-1 ");
}

static void names(void **state)
{
    (void)state;
    make_frames("n/gap", "img", 1, 3, ".jpg");
    make_frames("n/gap", "img", 6, 8, ".jpg");
    make_frames("n/gap", "img", 10, 10, ".jpg");
    make_frames("n/zero", "f", 1, 5, ".png");
    make_folder("n/empty");
    test_write_file(test_path("n/empty/notes.txt"), "x", 1);
    assert_found(HEAD "d,1,a,n/gap,30,1,1,6,10,,,0\n"
                      "d,1,b,n/gap,30,,2,4,11,,,0\n"
                      "d,1,c,n/zero,30,0,0,2,4,,,0\n"
                      "d,1,d,n/zero,30,1,0,2,5,,,0\n"
                      "d,1,e,n/empty,30,1,1,2,3,,,0\n"
                      "d,1,f,n/none,30,1,1,2,3,,,0\n"
                      "d,1,g,../n/gap,30,1,1,2,3,,,0\n"
                      "d,1,h,,30,1,1,2,3,,,0\n",
        MEXPR_CHECK_NAMES,
        "0:frame_gap:4 1:frame_gap:4 1:frame_absent:4 1:frame_absent:11 3:frame_absent:0 "
        "4:clip_empty:-1 5:clip_absent:-1 6:path_outside:-1 7:clip_absent:-1 ");
    mexpr_manifest *m = decode(HEAD "d,1,a,n/gap,30,1,1,6,10,,,0\n");
    mexpr_findings *f = check(m, MEXPR_CHECK_NAMES);
    mexpr_finding finding = MEXPR_FINDING_INIT;
    assert_int_equal(mexpr_findings_get(f, 0, &finding), MEXPR_OK);
    assert_string_equal(finding.detail, "3 numbers are missing, the first ones 4 to 5");
    mexpr_findings_destroy(&f);
    mexpr_manifest_destroy(&m);
}

static void frames(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "d,1,a,p,30,1,1,2,4,,,0\nd,1,b,p/3.png,30,,1,2,4,,,0\n"
             "d,1,c,p/1.png,30,,1,2,4,,,0\n";
    mexpr_image *image;
    test_needs("png");
    make_folder("p");
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 4, 4, &image));
    memset(mexpr_image_pixels(image), 0, 4 * mexpr_image_stride(image));
    for (int k = 1; k <= 4; k++) {
        char name[16];
        snprintf(name, sizeof name, "p/%d.png", k);
        assert_ok(context, mexpr_image_write_png(context, image, test_path(name)));
    }
    mexpr_image_destroy(&image);
    assert_found(text, MEXPR_CHECK_ALL_FRAMES, "");
    test_write_file(test_path("p/3.png"), "no picture", 10);
    /* The third frame is none of the three that matter. */
    assert_found(text, MEXPR_CHECK_KEY_FRAMES, "1:frame_unreadable:-1 ");
    assert_found(
        text, MEXPR_CHECK_ALL_FRAMES, "0:frame_unreadable:3 1:frame_unreadable:-1 ");
    assert_found(text, MEXPR_CHECK_NAMES, "");
}

static int32_t stop_at_two(void *user, uint64_t done, uint64_t total)
{
    assert_int_equal(total, 3);
    *(uint64_t *)user = done;
    return done == 2;
}

static void cancelling(void **state)
{
    (void)state;
    uint64_t done = 0;
    mexpr_manifest *m = decode("subject,clip\n1,a\n1,b\n1,c\n");
    mexpr_findings *f;
    assert_failure(context,
        mexpr_manifest_check(context, m, NULL, NULL, stop_at_two, &done, &f),
        MEXPR_E_CANCELLED, "asked to stop");
    assert_null(f);
    assert_int_equal(done, 2);
    mexpr_manifest_destroy(&m);
}

static void long_details_stay_whole(void **state)
{
    (void)state;
    char text[700] = "subject,clip,path\n1,a,";
    /* Characters of two bytes, from an odd place on. */
    for (int k = 0; k < 280; k++)
        strcat(text, "\xc3\xa4");
    strcat(text, "\n");
    mexpr_manifest *m = decode(text);
    mexpr_findings *f = check(m, MEXPR_CHECK_NAMES);
    mexpr_finding finding = MEXPR_FINDING_INIT;
    const int64_t n = mexpr_findings_count(f);
    assert_int_equal(mexpr_findings_get(f, n - 1, &finding), MEXPR_OK);
    assert_int_equal(finding.kind, MEXPR_FINDING_CLIP_ABSENT);
    mexpr_findings_destroy(&f);
    mexpr_manifest_destroy(&m);
}

/* --- writing ----------------------------------------------------------------------- */

static void assert_same(const mexpr_manifest *a, const mexpr_manifest *b)
{
    assert_int_equal(mexpr_manifest_n_clips(a), mexpr_manifest_n_clips(b));
    assert_int_equal(mexpr_manifest_n_persons(a), mexpr_manifest_n_persons(b));
    assert_int_equal(mexpr_manifest_n_datasets(a), mexpr_manifest_n_datasets(b));
    assert_int_equal(mexpr_manifest_n_classes(a), mexpr_manifest_n_classes(b));
    for (int64_t k = 0; k < mexpr_manifest_n_clips(a); k++) {
        const mexpr_record x = record_at(a, k), y = record_at(b, k);
        const char *const p[] = {x.dataset, x.subject, x.clip, x.path, x.type, x.emotion,
            x.action_units, x.errata, x.label3, x.label5, x.objective,
            mexpr_manifest_person(a, x.person)};
        const char *const q[] = {y.dataset, y.subject, y.clip, y.path, y.type, y.emotion,
            y.action_units, y.errata, y.label3, y.label5, y.objective,
            mexpr_manifest_person(b, y.person)};
        for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
            assert_string_equal(p[i], q[i]);
        assert_int_equal(x.label, y.label);
        assert_int_equal(x.first_frame, y.first_frame);
        assert_int_equal(x.onset, y.onset);
        assert_int_equal(x.apex, y.apex);
        assert_int_equal(x.offset, y.offset);
        assert_true(x.fps == y.fps);
    }
}

static void round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "clip,path,database,subject,person,fps,first_frame,onset,apex,offset,type,"
        "emotion_raw,au_raw,errata_id,label,label3,label5,objective\n"
        "c1,a/b.png,samm,007,anna,200,0,10,25,NA,micro,Anger,4A/B,e3,2,negative,anger,I\n"
        "\" c,2 \",\"d\"\"e\"\".png\",smic,007,,30000/1001,,,,,,,,,0,,,\n"
        "\"two\nlines\",e.png,samm,8,anna,29.97,1,2,3,4,,,,,,,,\n",
        "file,subject\na.png,1\nb.png,02\n",
        "file,subject,label\na.png,1,happy\nb.png,02,sad\nc.png,2,happy\n",
        "file,subject,fps\na,1,23.976023976\nb,1,0.1\nc,1,59.94\nd,1,24000/1001\ne,1,7/"
        "3\n"
        "f,1,366666666667/36666666666\ng,1,0.0123456789012345678\nh,1,999999.999999999\n",
        "file,subject\n",
    };
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        mexpr_manifest *m = decode(texts[k]), *again, *third;
        assert_ok(context, mexpr_manifest_write(context, m, test_path("w.csv")));
        assert_ok(
            context, mexpr_manifest_read(context, test_path("w.csv"), NULL, &again));
        assert_same(m, again);
        /* What was written once is written the same again. */
        assert_ok(context, mexpr_manifest_write(context, again, test_path("v.csv")));
        assert_ok(
            context, mexpr_manifest_read(context, test_path("v.csv"), NULL, &third));
        assert_string_equal(mexpr_manifest_sha256(again), mexpr_manifest_sha256(third));
        mexpr_manifest_destroy(&third);
        mexpr_manifest_destroy(&again);
        mexpr_manifest_destroy(&m);
    }
}

static void loaded_is_what_is_written(void **state)
{
    (void)state;
    mexpr_manifest *m, *again;
    make_folder("empty");
    assert_ok(context,
        mexpr_manifest_load_layout(context, "casme2", test_path("empty"),
            make_table("Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,"
                       "Estimated Emotion\n1,EP1,2,3,4,\"1, 2\",surprise\n"),
            NULL, &m));
    assert_ok(context, mexpr_manifest_write(context, m, test_path("w.csv")));
    assert_ok(context, mexpr_manifest_read(context, test_path("w.csv"), NULL, &again));
    assert_string_equal(mexpr_manifest_sha256(m), mexpr_manifest_sha256(again));
    assert_string_equal(record_at(again, 0).objective, "II");
    mexpr_manifest_destroy(&again);
    mexpr_manifest_destroy(&m);
}

static void joining(void **state)
{
    (void)state;
    mexpr_manifest *a = decode("dataset,subject,clip,label\nx,1,a,sad\nx,2,b,happy\n");
    mexpr_manifest *b = decode("dataset,subject,clip,label\ny,1,c,angry\n"), *m;
    const mexpr_manifest *const both[] = {a, b};
    assert_ok(context, mexpr_manifest_join(context, both, 2, &m));
    assert_int_equal(mexpr_manifest_n_clips(m), 3);
    assert_int_equal(mexpr_manifest_n_persons(m), 3);
    assert_int_equal(mexpr_manifest_n_datasets(m), 2);
    assert_int_equal(mexpr_manifest_n_classes(m), 3);
    assert_string_equal(mexpr_manifest_class(m, record_at(m, 2).label), "angry");
    assert_string_equal(mexpr_manifest_person(m, record_at(m, 2).person), "y/1");
    mexpr_manifest_destroy(&m);
    mexpr_manifest_destroy(&b);
    mexpr_manifest_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(names),
        cmocka_unit_test(frames),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(long_details_stay_whole),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(loaded_is_what_is_written),
        cmocka_unit_test(joining),
    };
    return cmocka_run_group_tests_name("manifest_check", tests, setup, teardown);
}
