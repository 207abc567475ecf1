/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "dataset/csv.h"
#include "dataset/sha256.h"
#include "support.h"

TEST_CONTEXT

static mexpr_status parse(const char *text, size_t size, uint64_t max_rows, mx_csv *csv)
{
    return mx_csv_parse(mx_context_scope(context), text, size, max_rows, csv);
}

/* Parses `text` and compares its cells, row by row from the header on, with `cells`. */
static void check(const char *text, int64_t rows, int64_t columns, const char **cells)
{
    mx_csv csv;
    assert_ok(context, parse(text, strlen(text), 1000, &csv));
    assert_int_equal(csv.n_rows, rows);
    assert_int_equal(csv.n_columns, columns);
    for (int64_t k = 0; k < (rows + 1) * columns; k++)
        assert_string_equal(mx_csv_cell(&csv, k / columns - 1, k % columns), cells[k]);
    mx_csv_free(context, &csv);
}

static void tables(void **state)
{
    (void)state;
    check("a,b\n1,2\n3,4\n", 2, 2, (const char *[]){"a", "b", "1", "2", "3", "4"});
    check("a,b\r\n1,2", 1, 2, (const char *[]){"a", "b", "1", "2"});
    check("a,b\r1,2\r", 1, 2, (const char *[]){"a", "b", "1", "2"});
    check("\xef\xbb\xbf"
          "a\n\n  \n1\n\n",
        1, 1, (const char *[]){"a", "1"});
    check(" a , b\t\n 1 ,\n", 1, 2, (const char *[]){"a", "b", "1", ""});
    check("a,b\n\"x, \"\"y\"\"\nz\" , \" w \"\n", 1, 2,
        (const char *[]){"a", "b", "x, \"y\"\nz", " w "});
    check("a,\n,\n", 1, 2, (const char *[]){"a", "", "", ""});
    check("\"\"\n\"\"\"\"", 1, 1, (const char *[]){"", "\""});
    check("n\xc3\xa4me,\xe8\xa1\xa8\xf0\x9f\x98\x80\n1,2\n", 1, 2,
        (const char *[]){"n\xc3\xa4me", "\xe8\xa1\xa8\xf0\x9f\x98\x80", "1", "2"});
    check("only,a,header", 0, 3, (const char *[]){"only", "a", "header"});
}

static void columns_by_name(void **state)
{
    (void)state;
    static const char text[] = "File, SUBJECT\nx,y\n";
    mx_csv csv;
    assert_ok(context, parse(text, sizeof text - 1, 10, &csv));
    assert_int_equal(mx_csv_column(&csv, "file"), 0);
    assert_int_equal(mx_csv_column(&csv, "subject"), 1);
    assert_int_equal(mx_csv_column(&csv, "sub"), -1);
    assert_int_equal(mx_csv_column(&csv, "subjects"), -1);
    assert_string_equal(mx_csv_cell(&csv, 0, -1), "");
    assert_int_equal(csv.lines[1], 2);
    mx_csv_free(context, &csv);
}

static void refused(const char *text, size_t size, const char *part)
{
    mx_csv csv;
    assert_failure(context, parse(text, size, 3, &csv),
        strstr(part, "max_frames") ? MEXPR_E_LIMIT : MEXPR_E_FORMAT, part);
    assert_null(csv.cells);
}

static void bad_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "nothing but empty lines"},
        {"\n  \n\n", "nothing but empty lines"},
        {"a,b\n1\n", "line 2 has 1 cells, the header 2"},
        {"a,b\n\n1,2,3\n", "line 3 has 3 cells"},
        {"a\n\"x\ny\n", "the quote in line 2 does not end"},
        {"a\n\"", "the quote in line 2 does not end"},
        {"a\n\"x\" y\n", "line 2 goes on behind a quoted cell"},
        {"a\n1\n2\n3\n4\n5\n", "max_frames"},
        {"a\n\xff\n", "line 2 is not UTF-8"},
        {"a\n\xc0\x80\n", "line 2 is not UTF-8"},     /* an overlong 0 */
        {"a\n\xed\xa0\x80\n", "line 2 is not UTF-8"}, /* half of a surrogate pair */
        {"a\n\xf5\x80\x80\x80\n", "line 2 is not UTF-8"},
        {"\xe2\x82", "line 1 is not UTF-8"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        refused(cases[k].text, strlen(cases[k].text), cases[k].part);
    refused("a\0b", 3, "line 1 is not UTF-8");
}

/* Examples of FIPS 180-2 and lengths around the block's end. */
static void hashes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hash;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char text[MX_SHA256_TEXT];
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        mx_sha256(cases[k].text, strlen(cases[k].text), text);
        assert_string_equal(text, cases[k].hash);
    }
    static char many[1000000];
    memset(many, 'a', sizeof many);
    mx_sha256(many, sizeof many, text);
    assert_string_equal(
        text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests_name("csv", tests, setup, teardown);
}
