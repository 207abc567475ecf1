/* SPDX-License-Identifier: MIT */
/* Landmarks in and out of files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/face.h"
#include "support.h"

enum { N = 136, BIG = 1 << 16 };

static float value_of(int i)
{
    return (float)(i * 37 % 1000) * 0.25f - 20;
}

static void add_text(char *to, const char *text)
{
    strncat(to, text, BIG - strlen(to) - 1);
}

static void add_number(char *to, double value, const char *behind)
{
    char text[40];
    snprintf(text, sizeof text, "%.2f%s", value, behind);
    add_text(to, text);
}

/* OpenFace's way: blanks behind commas, all x before all y. */
static void make_openface(char *to, int n_rows)
{
    to[0] = '\0';
    add_text(to, "frame, face_id, timestamp, confidence, success, gaze_0_x");
    for (int k = 0; k < N; k++) {
        char name[16];
        snprintf(name, sizeof name, ", %c_%d", k < 68 ? 'x' : 'y', k % 68);
        add_text(to, name);
    }
    for (int row = 0; row < n_rows; row++) {
        char head[80];
        snprintf(head, sizeof head, "\r\n%d, 3, %.3f, 0.98, %d, -0.1", row + 5,
            0.04 * row, row != 1);
        add_text(to, head);
        for (int k = 0; k < N; k++) {
            add_text(to, ", ");
            add_number(to, (double)value_of(k < 68 ? 2 * k : 2 * (k - 68) + 1), "");
        }
    }
    add_text(to, "\r\n");
}

static mexpr_face_table *decode(mexpr_context *context, const char *text)
{
    mexpr_face_table *table;
    assert_ok(context, mexpr_face_table_decode(context, text, strlen(text), &table));
    return table;
}

static void check_row(mexpr_face_table *table, int64_t index, float shift)
{
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    assert_int_equal(mexpr_face_table_row(table, index, &row), MEXPR_OK);
    for (int i = 0; i < N; i++)
        assert_true(fabsf(row.landmarks[i] - (value_of(i) + shift)) < 1e-4f);
}

static void openface_is_read(void **state)
{
    (void)state;
    static char text[BIG];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    make_openface(text, 3);
    mexpr_face_table *table = decode(context, text);
    assert_int_equal(mexpr_face_table_n_rows(table), 3);
    for (int i = 0; i < 3; i++)
        check_row(table, i, 0);
    assert_int_equal(mexpr_face_table_row(table, 1, &row), MEXPR_OK);
    assert_true(row.frame == 6 && row.face_id == 3 && row.success == 0);
    assert_true(
        fabs(row.timestamp - 0.04) < 1e-12 && fabs(row.confidence - 0.98) < 1e-12);
    mexpr_face_table_destroy(&table);
    mexpr_context_destroy(&context);
}

static void other_kinds_are_read(void **state)
{
    (void)state;
    static char text[BIG];
    mexpr_context *context = test_context(NULL, 1);
    for (int kind = 0; kind < 3; kind++) {
        strcpy(text, kind == 2 ? "\xef\xbb\xbfversion: 1\nn_points: 68\n{\n" : "\n");
        for (int i = 0; i < N; i++) {
            const char *behind = kind == 0 ? (i < N - 1 ? "," : "\n")
                                           : (i % 2          ? "\n"
                                                 : kind == 1 ? ","
                                                             : " ");
            add_number(text, (double)value_of(i), behind);
        }
        add_text(text, kind == 2 ? "}\n" : "");
        mexpr_face_table *table = decode(context, text);
        assert_int_equal(mexpr_face_table_n_rows(table), 1);
        check_row(table, 0, kind == 2 ? -1 : 0);
        mexpr_face_table_destroy(&table);
    }
    mexpr_context_destroy(&context);
}

/* What is written is read again as it was, to half a thousandth of a pixel. */
static void tables_come_back(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_table *table, *again;
    mexpr_face_row row = MEXPR_FACE_ROW_INIT, back = MEXPR_FACE_ROW_INIT;
    assert_ok(context, mexpr_face_table_create(context, &table));
    for (int t = 0; t < 40; t++) {
        row.frame = t + 1;
        row.face_id = t % 3;
        row.timestamp = t / 30.0;
        row.confidence = 0.5;
        row.success = t % 5 != 0;
        for (int i = 0; i < N; i++)
            row.landmarks[i] = value_of(i) + (float)t / 7;
        assert_int_equal(mexpr_face_table_add(table, &row), MEXPR_OK);
    }
    const char *path = test_path("faces.csv");
    assert_int_equal(mexpr_face_table_write_csv(table, path), MEXPR_OK);
    assert_ok(context, mexpr_face_table_read(context, path, &again));
    assert_int_equal(mexpr_face_table_n_rows(again), 40);
    for (int t = 0; t < 40; t++) {
        assert_int_equal(mexpr_face_table_row(again, t, &back), MEXPR_OK);
        assert_true(back.frame == t + 1 && back.face_id == t % 3);
        assert_int_equal(back.success, t % 5 != 0);
        assert_true(fabs(back.timestamp - t / 30.0) < 0.00051);
        for (int i = 0; i < N; i++)
            assert_true(
                fabsf(back.landmarks[i] - (value_of(i) + (float)t / 7)) < 0.00052f);
    }
    mexpr_face_table_destroy(&again);
    mexpr_face_table_destroy(&table);
    const char *pts = test_path("face.pts");
    assert_ok(context, mexpr_landmarks_write_pts(context, row.landmarks, pts));
    assert_ok(context, mexpr_face_table_read(context, pts, &again));
    assert_int_equal(mexpr_face_table_row(again, 0, &back), MEXPR_OK);
    for (int i = 0; i < N; i++)
        assert_true(fabsf(back.landmarks[i] - row.landmarks[i]) < 0.00052f);
    mexpr_face_table_destroy(&again);
    mexpr_context_destroy(&context);
}

/* The header that OpenFace's readers look for, and numbers with a point. */
static void csv_is_openface_s(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_table *table;
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    void *bytes;
    size_t size;
    row.frame = 1;
    row.landmarks[0] = -0.0004f;
    row.landmarks[2] = 12.3456f;
    assert_ok(context, mexpr_face_table_create(context, &table));
    assert_int_equal(mexpr_face_table_add(table, &row), MEXPR_OK);
    assert_int_equal(mexpr_face_table_encode_csv(table, &bytes, &size), MEXPR_OK);
    static const char head[] = "frame,face_id,timestamp,confidence,success,x_0,x_1,";
    assert_memory_equal(bytes, head, sizeof head - 1);
    const char *line = memchr(bytes, '\n', size);
    static const char begin[] = "\n1,0,0.000,0.000,0,0.000,12.346,0.000,";
    assert_memory_equal(line, begin, sizeof begin - 1);
    mexpr_bytes_free(context, &bytes);
    mexpr_face_table_destroy(&table);
    mexpr_context_destroy(&context);
}

static const struct {
    const char *text;
    mexpr_status status;
    const char *part;
} bad[] = {
    {"\n \r\n", MEXPR_E_TRUNCATED, "empty"},
    {"version: 1\n1 2\n", MEXPR_E_FORMAT, "no '{'"},
    {"version: 1\n{\n1 2\n", MEXPR_E_TRUNCATED, "cut off"},
    {"version: 1\n{\n1 2\n}\n", MEXPR_E_FORMAT, "2 numbers"},
    {"version: 1\n{\n1 b\n}\n", MEXPR_E_FORMAT, "line 3: 'b' is not a coordinate"},
    {"1,2\n3,4\n", MEXPR_E_FORMAT, "2 points"},
    {"1,2\n3,4,5\n", MEXPR_E_FORMAT, "line 2 has 3 cells"},
    {"1,nan\n", MEXPR_E_FORMAT, "'nan' is not a coordinate"},
    {"1,2,3\n", MEXPR_E_FORMAT, "3 cells; 136"},
    {"1,1e7\n", MEXPR_E_FORMAT, "'1e7' is not a coordinate"},
    {"frame,x_0\n", MEXPR_E_FORMAT, "no column y_0"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    static char text[BIG];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_table *table;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_failure(context,
            mexpr_face_table_decode(context, bad[i].text, strlen(bad[i].text), &table),
            bad[i].status, bad[i].part);
    make_openface(text, 0);
    assert_failure(context, mexpr_face_table_decode(context, text, strlen(text), &table),
        MEXPR_E_TRUNCATED, "row 1 is none");
    text[strlen(text) - 2] = '\0';
    add_text(text, ", x_5\n");
    assert_failure(context, mexpr_face_table_decode(context, text, strlen(text), &table),
        MEXPR_E_FORMAT, "more than one column x_5");
    test_write_file(test_path("bad.csv"), "hello\n", 6);
    assert_failure(context, mexpr_face_table_read(context, test_path("bad.csv"), &table),
        MEXPR_E_FORMAT, "bad.csv");
    mexpr_context_destroy(&context);
}

/* Numbers of all shapes mean the same in any locale. */
static void numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"+1.5", 1.5}, {"-.25", -0.25}, {"7.", 7}, {"1e2", 100},
        {"12.5E-1", 1.25}, {"000123.4500", 123.45}, {"0.1", 0.1},
        {"123456789012345678e-15", 123.456789012345678}};
    mexpr_context *context = test_context(NULL, 1);
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        static char text[BIG];
        text[0] = '\0';
        for (int i = 0; i < N; i++) {
            add_text(text, good[k].text);
            add_text(text, i < N - 1 ? "," : "\n");
        }
        mexpr_face_table *table = decode(context, text);
        mexpr_face_row row = MEXPR_FACE_ROW_INIT;
        assert_int_equal(mexpr_face_table_row(table, 0, &row), MEXPR_OK);
        assert_true(row.landmarks[77] == (float)good[k].value);
        mexpr_face_table_destroy(&table);
    }
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openface_is_read),
        cmocka_unit_test(other_kinds_are_read),
        cmocka_unit_test(tables_come_back),
        cmocka_unit_test(csv_is_openface_s),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(numbers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
