/* SPDX-License-Identifier: MIT */
/* Every published layout, on folders that are made here. */
#include "made_layout.h"

TEST_CONTEXT

static mexpr_layout_options options(mexpr_classes classes)
{
    mexpr_layout_options o = MEXPR_LAYOUT_OPTIONS_INIT;
    o.classes = (int32_t)classes;
    return o;
}

static mexpr_manifest *load(const char *layout, const char *folder, const char *text,
    const mexpr_layout_options *o)
{
    mexpr_manifest *m;
    assert_ok(context, mexpr_manifest_load_layout(context, layout, test_path(folder),
                           text ? make_table(text) : NULL, o, &m));
    return m;
}

#define assert_frames(r, first, a, b, c)                                                 \
    do {                                                                                 \
        assert_int_equal((r).first_frame, first);                                        \
        assert_int_equal((r).onset, a);                                                  \
        assert_int_equal((r).apex, b);                                                   \
        assert_int_equal((r).offset, c);                                                 \
    } while (0)

/* --- one test a database ----------------------------------------------------------- */

static void casme(void **state)
{
    (void)state;
    make_frames("casme/sub01/EP01_5", "EP01_5-", 70, 90, ".jpg");
    mexpr_manifest *m = load("casme", "casme",
        "Subject,Filename,,OnsetF,ApexF1,ApexF2,OffsetF,AUs,Emotion\n"
        "1,EP01_5,,73,81,0,85,4,repression\n"
        "2,EP02_1,,1,/,0,9,?,tense\n",
        NULL);
    const mexpr_record a = record_at(m, 0), b = record_at(m, 1);
    assert_string_equal(a.dataset, "casme");
    assert_string_equal(a.subject, "01");
    assert_string_equal(a.path, "sub01/EP01_5");
    assert_frames(a, 70, 73, 81, 85);
    assert_true(a.fps == 60);
    assert_string_equal(a.label3, "negative");
    assert_string_equal(a.type, "micro");
    assert_string_equal(b.path, "sub02/EP02_1");
    assert_frames(b, -1, 1, -1, 9);
    assert_string_equal(b.label3, "");
    assert_string_equal(b.objective, "");
    assert_string_equal(mexpr_manifest_class(m, b.label), "tense");
    assert_string_equal(mexpr_manifest_person(m, 0), "casme/01");
    mexpr_manifest_destroy(&m);
}

static const char casme2_table[] =
    "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion\n"
    "01,EP90_01,,20,30,40,,12,happiness\n"
    "04,EP12_01f,,200,/,400,,4+7,disgust\n"  /* the corrections name it, */
    "05,EP09_05f,,10,10,50,,R2+15,disgust\n" /* and MEGC 2019 leaves it out */
    "07,EP90_02,,11,22,33,,1,sadness\n"
    "09,EP90_03,,15,25,35,,L1+L2,surprise\n"
    "08,EP90_04,,12,24,48,,4+14,others\n"
    ",,,,,,,,\n";

static void casme2(void **state)
{
    (void)state;
    make_frames("casme2/CASME2_RAW_selected/sub01/EP90_01", "img", 20, 40, ".jpg");
    make_frames("casme2/Cropped/sub09/EP90_03", "reg_img", 14, 35, ".jpg");
    mexpr_manifest *m = load("casme2", "casme2", casme2_table, NULL);
    assert_int_equal(mexpr_manifest_n_clips(m), 6);
    const mexpr_record a = record_at(m, 0), b = record_at(m, 1), d = record_at(m, 4);
    assert_string_equal(a.path, "CASME2_RAW_selected/sub01/EP90_01");
    assert_frames(a, 20, 20, 30, 40);
    assert_true(a.fps == 200);
    assert_string_equal(a.objective, "I");
    assert_string_equal(a.label5, "happiness");
    /* What was missing, and who says so. */
    assert_int_equal(b.apex, 279);
    assert_string_equal(b.errata, "casme2:EP12_01f:apex");
    assert_string_equal(b.label3, "");
    assert_string_equal(b.objective, "III");
    assert_string_equal(d.path, "Cropped/sub09/EP90_03");
    assert_int_equal(d.first_frame, 14);
    assert_string_equal(d.objective, "II");
    mexpr_manifest_destroy(&m);

    mexpr_layout_options o = MEXPR_LAYOUT_OPTIONS_INIT;
    o.no_errata = 1;
    o.prefix = "all/casme2";
    m = load("casme2", "casme2", casme2_table, &o);
    assert_int_equal(record_at(m, 1).apex, -1);
    assert_string_equal(record_at(m, 1).errata, "");
    assert_string_equal(
        record_at(m, 0).path, "all/casme2/CASME2_RAW_selected/sub01/EP90_01");
    mexpr_manifest_destroy(&m);
}

static void classes(void **state)
{
    (void)state;
    make_folder("casme2");
    mexpr_layout_options o = options(MEXPR_CLASSES_MEGC2019);
    mexpr_manifest *m = load("casme2", "casme2", casme2_table, &o);
    /* Without sadness, others and the two clips that the composite leaves out. */
    assert_int_equal(mexpr_manifest_n_clips(m), 2);
    assert_string_equal(mexpr_manifest_class(m, record_at(m, 0).label), "positive");
    assert_string_equal(mexpr_manifest_class(m, record_at(m, 1).label), "surprise");
    mexpr_manifest_destroy(&m);
    o = options(MEXPR_CLASSES_FIVE);
    m = load("casme2", "casme2", casme2_table, &o);
    assert_int_equal(mexpr_manifest_n_clips(m), 5);
    assert_string_equal(mexpr_manifest_class(m, 1), "happiness");
    mexpr_manifest_destroy(&m);
    o = options(MEXPR_CLASSES_MEGC2018);
    m = load("casme2", "casme2", casme2_table, &o);
    /* 2+15 and 4+14 are in class VII. */
    assert_int_equal(mexpr_manifest_n_clips(m), 4);
    assert_string_equal(mexpr_manifest_class(m, record_at(m, 2).label), "V");
    assert_int_equal(mexpr_manifest_n_classes(m), 4);
    mexpr_manifest_destroy(&m);
}

/* A misspelt emotion is no reason to lose the clip. */
static void unknown_emotions(void **state)
{
    (void)state;
    make_folder("casme2");
    mexpr_layout_options o = options(MEXPR_CLASSES_MEGC2019);
    mexpr_manifest *m = load("casme2", "casme2",
        "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n"
        "1,a,1,2,3,happiness\n1,b,1,2,3,hapiness\n1,c,1,2,3,fear\n",
        &o);
    mexpr_check_options check = MEXPR_CHECK_OPTIONS_INIT;
    mexpr_finding f = MEXPR_FINDING_INIT;
    mexpr_findings *findings;
    check.files = MEXPR_CHECK_NOTHING;
    assert_int_equal(mexpr_manifest_n_clips(m), 2);
    assert_int_equal(record_at(m, 1).label, -1);
    assert_int_equal(record_at(m, 1).line, 3);
    assert_ok(
        context, mexpr_manifest_check(context, m, NULL, &check, NULL, NULL, &findings));
    assert_int_equal(mexpr_findings_count(findings), 1);
    assert_ok(context, mexpr_findings_get(findings, 0, &f));
    assert_int_equal(f.kind, MEXPR_FINDING_LABEL_UNKNOWN);
    assert_non_null(strstr(f.detail, "'hapiness' is no emotion of CASME II"));
    mexpr_findings_destroy(&findings);
    mexpr_manifest_destroy(&m);
}

static void samm(void **state)
{
    (void)state;
    static const char table[] =
        "SAMM Dataset,,,,,,,,,,,\nNotes on it,,,,,,,,,,,\n"
        "Subject,Filename,Inducement Code,Onset Frame,Apex Frame,Offset Frame,Duration,"
        "Micro,Action Units,Estimated Emotion,Objective Classes,Notes\n"
        "6,006_9_2,9,1002,1020,1040,39,Micro - 1/2,4,Anger,3,\n"
        "028,028_4_1,4,1000,,1200,201,Micro - 1/2,4+7,Other,7,\n"
        "032,032_9_9,3,10,20,30,21,Micro - 1/2,R14+soft focus,Contempt,V,\n";
    make_frames("samm/006/006_9_2", "006_0", 1000, 1040, ".jpg");
    mexpr_manifest *m = load("samm", "samm", table, NULL);
    const mexpr_record a = record_at(m, 0), b = record_at(m, 1);
    assert_string_equal(a.subject, "006");
    assert_string_equal(a.path, "006/006_9_2");
    assert_frames(a, 1000, 1002, 1020, 1040);
    assert_string_equal(a.type, "micro");
    assert_string_equal(a.objective, "III");
    assert_string_equal(a.label3, "negative");
    assert_string_equal(a.label5, "anger");
    /* The table's, whose header is in line 3. */
    assert_int_equal(a.line, 4);
    assert_int_equal(record_at(m, 2).line, 6);
    assert_string_equal(b.errata, "samm:028_4_1:apex");
    assert_int_equal(b.apex, 1105);
    assert_string_equal(b.label5, "other");
    assert_string_equal(b.label3, "");
    assert_string_equal(record_at(m, 2).objective, "V");
    mexpr_manifest_destroy(&m);
}

static void smic_folders(void **state)
{
    (void)state;
    make_frames("smic/HS/s10/micro/surprise/s10_sur_01", "image", 11, 13, ".jpg");
    make_frames(
        "smic/HS/s01/micro/negative/s01_ne_02", "image00", 700000, 700010, ".jpg");
    make_frames("smic/HS/s01/micro/negative/s01_ne_10", "image", 1, 2, ".jpg");
    mexpr_manifest *m = load("smic_hs", "smic", NULL, NULL);
    assert_int_equal(mexpr_manifest_n_clips(m), 3);
    const mexpr_record a = record_at(m, 0), c = record_at(m, 2);
    assert_string_equal(a.clip, "s01_ne_02");
    assert_string_equal(a.subject, "01");
    assert_string_equal(a.path, "HS/s01/micro/negative/s01_ne_02");
    assert_string_equal(a.emotion, "negative");
    assert_string_equal(a.label3, "negative");
    assert_frames(a, 700000, 700000, -1, 700010);
    assert_true(a.fps == 100);
    assert_string_equal(record_at(m, 1).clip, "s01_ne_10");
    assert_string_equal(c.subject, "10");
    assert_string_equal(c.label3, "surprise");
    mexpr_manifest_destroy(&m);
    make_folder("smic/VIS");
    assert_failure(context,
        mexpr_manifest_load_layout(
            context, "smic_vis", test_path("smic"), NULL, NULL, &m),
        MEXPR_E_NOT_FOUND, "no clip of SMIC VIS");
}

static void smic_e(void **state)
{
    (void)state;
    make_frames("smice/NIR_long/SMIC_NIR_E/s20/s20_po_01", "image", 100, 130, ".jpg");
    mexpr_manifest *m = load("smic_nir", "smice",
        "Subject,Filename,OnsetF,OffsetF,FirstF,Emotion\n"
        "s20,s20_po_01,110,125,100,positive\nNote: three are lost,,,,,\n",
        NULL);
    assert_int_equal(mexpr_manifest_n_clips(m), 1);
    const mexpr_record a = record_at(m, 0);
    assert_string_equal(a.path, "NIR_long/SMIC_NIR_E/s20/s20_po_01");
    assert_string_equal(a.subject, "20");
    assert_frames(a, 100, 110, -1, 125);
    assert_true(a.fps == 25);
    mexpr_manifest_destroy(&m);
}

static void casme_sq(void **state)
{
    (void)state;
    make_frames("sq/rawpic/s15/15_0101disgustingteeth", "img", 1, 30, ".jpg");
    make_frames("sq/rawpic/s15/15_0102eatingworms", "img", 1, 3, ".jpg");
    mexpr_manifest *m = load("casme_sq", "sq",
        "1,disgust2_1,5,8,0,4,negative,micro-expression,disgust,s15,0102\n"
        "1,disgust1_1,1,2,3,4+7,negative,macro-expression,disgust,s15,0101\n",
        NULL);
    const mexpr_record a = record_at(m, 0), b = record_at(m, 1);
    assert_int_equal(mexpr_manifest_n_clips(m), 2);
    assert_string_equal(a.path, "rawpic/s15/15_0102eatingworms");
    assert_string_equal(a.subject, "01");
    assert_frames(a, 1, 5, 8, 8);
    assert_string_equal(a.errata, "casme_sq:zero-offset");
    assert_string_equal(a.type, "micro");
    assert_string_equal(a.label3, "negative");
    assert_string_equal(b.type, "macro");
    assert_string_equal(b.path, "rawpic/s15/15_0101disgustingteeth");
    mexpr_manifest_destroy(&m);
    mexpr_layout_options o = MEXPR_LAYOUT_OPTIONS_INIT;
    o.type = "macro";
    m = load("casme_sq", "sq",
        "1,disgust2_1,5,8,0,4,negative,micro-expression,disgust\n"
        "1,disgust1_1,1,2,3,4+7,negative,macro-expression,disgust\n",
        &o);
    assert_int_equal(mexpr_manifest_n_clips(m), 1);
    assert_string_equal(record_at(m, 0).path, "");
    mexpr_manifest_destroy(&m);
}

static void casme3(void **state)
{
    (void)state;
    make_frames("c3/ME_A/spNO.1/b/color", "", 8, 12, ".jpg");
    mexpr_manifest *m = load("casme3", "c3",
        "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion\n"
        "spNO.1,b,9,10,0,5,II,happy\n"
        "spNO.40,e,1812,1820,0,1,II,others\n"
        "spNO.216,e,0,10,20,1,II,Others\n",
        NULL);
    const mexpr_record a = record_at(m, 0);
    assert_string_equal(a.path, "ME_A/spNO.1/b/color");
    assert_string_equal(a.subject, "spNO.1");
    assert_frames(a, 8, 9, 10, 10);
    assert_string_equal(a.label3, "positive");
    assert_string_equal(a.objective, "II");
    assert_int_equal(record_at(m, 1).offset, 1845);
    assert_string_equal(record_at(m, 1).errata, "casme3:e:offset");
    assert_int_equal(record_at(m, 2).onset, 1);
    mexpr_manifest_destroy(&m);
    m = load("casme3_c", "c3",
        "sub,count,onset,offset,au\n3,1,5,9,\"4\xef\xbc\x8c"
        "7\"\n",
        NULL);
    assert_string_equal(record_at(m, 0).subject, "03");
    assert_string_equal(record_at(m, 0).objective, "III");
    assert_int_equal(record_at(m, 0).apex, -1);
    mexpr_manifest_destroy(&m);
}

static void mmew(void **state)
{
    (void)state;
    static const char table[] =
        "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated "
        "Emotion,remarks\n"
        "3,S03-01-002,1,9.0,17,6+12,happiness,\n1,S01-02-001,1,2,3,9,disgust,\n";
    make_frames("mmew/S03/happiness/S03-01-002", "", 1, 17, ".jpg");
    make_frames("mmew/disgust/S01-02-001", "", 1, 3, ".jpg");
    mexpr_manifest *m = load("mmew", "mmew", table, NULL);
    assert_string_equal(record_at(m, 0).path, "S03/happiness/S03-01-002");
    assert_frames(record_at(m, 0), 1, 1, 9, 17);
    assert_true(record_at(m, 0).fps == 90);
    /* The other layout there is. */
    assert_string_equal(record_at(m, 1).path, "disgust/S01-02-001");
    assert_string_equal(record_at(m, 1).objective, "IV");
    mexpr_manifest_destroy(&m);
}

static void four_dme(void **state)
{
    (void)state;
    make_frames("4dme/gray_micro/sub3/a1", "00", 5, 9, ".png");
    mexpr_manifest *m = load("4dme", "4dme",
        "sub_ID,fold_name,Onset,Apex,Offset,AUs,Emotion,Positive,Negative,Surprise,"
        "Repression,Others\n"
        "sub3,a1,5,7,9,AU4+AU7(k),Negative,0,1,0,0,0\n"
        "sub3,a2,5,7,9,AU4,Positive and Surprise,1,0,1,0,0\n"
        "sub3,a3,5,7,9,AU4,Mixed,0,0,1,1,0\n",
        NULL);
    assert_string_equal(record_at(m, 0).path, "gray_micro/sub3/a1");
    assert_int_equal(record_at(m, 0).first_frame, 5);
    assert_string_equal(record_at(m, 0).label3, "negative");
    assert_string_equal(record_at(m, 0).objective, "III");
    assert_string_equal(record_at(m, 1).label3, "");
    assert_string_equal(record_at(m, 2).label3, "surprise");
    mexpr_manifest_destroy(&m);
}

static void dfme(void **state)
{
    (void)state;
    make_frames("dfme/sub0003_01", "", 1, 4, ".png");
    mexpr_manifest *m = load("dfme", "dfme",
        "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Emotion,EmotionId,Fps,AU\n"
        "sub0003,sub0003_01,0,2,3,anger,0,500,17+AD38\n"
        "sub0004,sub0004_01,0,2,3,fear,3,300,\n",
        NULL);
    assert_string_equal(record_at(m, 0).subject, "sub0003");
    assert_string_equal(record_at(m, 0).path, "sub0003_01");
    assert_frames(record_at(m, 0), 0, 0, 2, 3);
    assert_true(record_at(m, 0).fps == 500);
    assert_true(record_at(m, 1).fps == 300);
    mexpr_manifest_destroy(&m);
}

/* --- corrections by row ------------------------------------------------------------ */

/* A table of n rows, whose row `at` is given. */
static char *rows(const char *header, const char *usual, int n, int at, const char *row)
{
    const size_t size = strlen(header) + (size_t)n * 64 + strlen(row) + 8;
    char *text = malloc(size);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, size, "%s\n", header);
    for (int k = 0; k < n; k++)
        used += (size_t)snprintf(text + used, size - used, "%s\n", k == at ? row : usual);
    return text;
}

static void corrections_by_row(void **state)
{
    (void)state;
    static const char header[] = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,"
                                 "Action Units,Estimated Emotion";
    make_folder("rows");
    for (int n = 300; n <= 301; n++) {
        char *text = rows(header, "1,a,1,2,3,4,fear", n, 35, "2,b,1,2,3,4,fear");
        mexpr_manifest *m = load("mmew", "rows", text, NULL);
        /* Only a table of as many rows as the published one is corrected by row. */
        const mexpr_record r = record_at(m, 35);
        assert_int_equal(r.apex, n == 300 ? 15 : 2);
        assert_int_equal(r.offset, n == 300 ? 54 : 3);
        assert_string_equal(r.errata, n == 300 ? "mmew:35:apex mmew:35:offset" : "");
        assert_string_equal(record_at(m, 34).errata, "");
        mexpr_manifest_destroy(&m);
        free(text);
    }
    char *text = rows("sub_ID,fold_name,Onset,Apex,Offset,AUs,Emotion",
        "1,a,1,2,3,4,Others", 267, 144, "1,b,5,6,7,12,Positive");
    mexpr_manifest *m = load("4dme", "rows", text, NULL);
    assert_string_equal(record_at(m, 144).emotion, "Others");
    assert_string_equal(record_at(m, 144).errata, "4dme:144:labels");
    assert_int_equal(record_at(m, 144).apex, 6);
    assert_string_equal(record_at(m, 145).action_units, "12");
    assert_string_equal(record_at(m, 145).label3, "positive");
    mexpr_manifest_destroy(&m);
    free(text);
}

/* --- what is refused --------------------------------------------------------------- */

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *folder, *table;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {"casme4", "any", "a\n", MEXPR_E_NOT_FOUND, "no layout 'casme4'"},
        {"casme2", "none", "a\n", MEXPR_E_NOT_FOUND, "is not a folder"},
        {"casme2", "any", NULL, MEXPR_E_ARG, "CASME II needs its table"},
        {"casme2", "any", "a,b\n1,2\n", MEXPR_E_FORMAT, "'Subject' and 'Filename'"},
        {"casme2", "any", "Subject,Filename,OnsetFrame\n1,a,x\n", MEXPR_E_FORMAT,
            "'x' in line 2 is no frame number"},
        {"casme2", "any", "Subject,Filename,OnsetFrame\n1,a,1.5\n", MEXPR_E_FORMAT,
            "'1.5' in line 2"},
        {"casme2", "any", "Subject,Filename\n1,../a\n", MEXPR_E_FORMAT,
            "'../a' in line 2 is no name of a folder"},
        {"casme2", "any", "Subject,Filename\n..,a\n", MEXPR_E_FORMAT, "'..' in line 2"},
        {"casme2", "any", "Subject,Filename\n,\n", MEXPR_E_NOT_FOUND, "no clip"},
        {"casme2", "any", "notes,\nSubject,Filename\n,\nNA,a\n", MEXPR_E_FORMAT,
            "line 4 has no subject"},
        {"dfme", "any", "Subject,Filename,Fps\n1,a,fast\n", MEXPR_E_FORMAT,
            "'fast' in line 2 is not a number of frames per second"},
    };
    make_folder("any");
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        mexpr_manifest *m;
        assert_failure(context,
            mexpr_manifest_load_layout(context, cases[k].layout,
                test_path(cases[k].folder),
                cases[k].table ? make_table(cases[k].table) : NULL, NULL, &m),
            cases[k].status, cases[k].part);
        assert_null(m);
    }
    mexpr_manifest *m;
    assert_failure(context,
        mexpr_manifest_load_layout(
            context, "samm", test_path("any"), test_path("no.csv"), NULL, &m),
        MEXPR_E_NOT_FOUND, "no.csv");
}

static void names(void **state)
{
    (void)state;
    int32_t n = 0;
    for (; mexpr_layout_name(n); n++)
        assert_non_null(mexpr_layout_title(n));
    assert_int_equal(n, 12);
    assert_null(mexpr_layout_title(n));
    assert_null(mexpr_layout_name(-1));
    assert_string_equal(mexpr_layout_name(1), "casme2");
    assert_string_equal(mexpr_layout_title(1), "CASME II");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(casme),
        cmocka_unit_test(casme2),
        cmocka_unit_test(classes),
        cmocka_unit_test(unknown_emotions),
        cmocka_unit_test(samm),
        cmocka_unit_test(smic_folders),
        cmocka_unit_test(smic_e),
        cmocka_unit_test(casme_sq),
        cmocka_unit_test(casme3),
        cmocka_unit_test(mmew),
        cmocka_unit_test(four_dme),
        cmocka_unit_test(dfme),
        cmocka_unit_test(corrections_by_row),
        cmocka_unit_test(refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("layouts", tests, setup, teardown);
}
