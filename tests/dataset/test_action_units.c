/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "microexpr/dataset.h"
#include "support.h"

TEST_CONTEXT

enum { ROOM = 16 };

/* The list written out: code, side, number, intensities, "?" and "#choice" of each. */
static const char *plain(const char *text)
{
    static char out[256];
    mexpr_action_unit units[ROOM];
    size_t n;
    assert_ok(context, mexpr_action_units_parse(context, text, units, ROOM, &n));
    out[0] = 0;
    for (size_t k = 0; k < n; k++) {
        const mexpr_action_unit *u = &units[k];
        const size_t at = strlen(out);
        char grade[4] = "";
        if (u->intensity)
            snprintf(grade, sizeof grade, "%c", 'A' + u->intensity - 1);
        if (u->intensity_to != u->intensity)
            snprintf(grade, sizeof grade, "%c-%c", 'A' + u->intensity - 1,
                'A' + u->intensity_to - 1);
        snprintf(out + at, sizeof out - at, "%s%c%.*s%d%s%s", k ? " " : "",
            "UDM"[u->code], u -> side != 0, &"-LRTBAX"[u->side], u -> number, grade,
            u -> doubtful ? "?" : "");
        if (u->choice)
            snprintf(out + strlen(out), sizeof out - strlen(out), "#%d", u->choice);
    }
    return out;
}

static void as_the_databases_write_them(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"12", "U12"},
        {"4+L10", "U4 UL10"},
        {"R12A", "UR12A"},
        {"AU1+2", "U1 U2"},
        {"AU1+AU2", "U1 U2"},
        {"au4 + l10b", "U4 UL10B"},
        {"AUL4", "UL4"},
        {"L AU4", "UL4"},
        {"12L", "UL12"},
        {"4A/B", "U4A-B"},
        {"4C-E", "U4C-E"},
        {"A9+12", "UA9 U12"},
        {"B18+25", "UB18 U25"},
        {"T18+39", "UT18 U39"},
        {"U12", "UX12"},
        {"A/L12", "UA12#1 UL12#1"},
        {"R12 or R14", "UR12#1 UR14#1"},
        {"(R6 or R12)+R15", "UR6#1 UR12#1 UR15"},
        {"R14A or 17A or 24A", "UR14A#1 U17A#1 U24A#1"},
        {"1 or 2 + 4 or 5", "U1#1 U2#1 U4#2 U5#2"},
        {"7D+ref(43)", "U7D U43?"},
        {"ref(L10)+A12B", "UL10? UA12B"},
        {"ref(7B)+43C", "U7B? U43C"},
        {"12(k)+4", "U12? U4"},
        {"4 + 12?", "U4 U12?"},
        {"4+?", "U4"},
        {"17+AD38", "U17 D38"},
        {"1+2+M58", "U1 U2 M58"},
        {"4, 7; 9 & 12", "U4 U7 U9 U12"},
        {"4\xef\xbc\x8c"
         "7\xe3\x80\x81"
         "9",
            "U4 U7 U9"},
        {"12+15 ", "U12 U15"},
        {"", ""},
        {"  ", ""},
        {"?", ""},
        {"NA", ""},
        {"-", ""},
        {"/", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        assert_string_equal(plain(cases[k][0]), cases[k][1]);
}

static void bad_lists(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"R14+17+soft focus", "no number at character 8"},
        {"4++7", "no number at character 3"},
        {"4+", "no number at character 3"},
        {"+4", "no number at character 1"},
        {"100", "a number above 99 at character 3"},
        {"0", "no number"},
        {"4 7", "something else at character 3"},
        {"(4+7", "no closing bracket at character 5"},
        {"4)", "something else at character 2"},
        {"(4+7) or 9", "something else at character 7"},
        {"((((((((((4", "too many brackets"},
        {"4F", "something else at character 2"},
        {"LR4", "no number at character 2"},
        {"happy", "'happy' is not a list of action units"},
    };
    mexpr_action_unit units[ROOM];
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        size_t n = 7;
        assert_failure(context,
            mexpr_action_units_parse(context, cases[k][0], units, ROOM, &n),
            MEXPR_E_FORMAT, cases[k][1]);
        assert_int_equal(n, 0);
    }
}

static void counting(void **state)
{
    (void)state;
    mexpr_action_unit units[2];
    size_t n;
    assert_ok(context, mexpr_action_units_parse(context, "1+2+4", NULL, 0, &n));
    assert_int_equal(n, 3);
    memset(units, 0, sizeof units);
    assert_failure(context, mexpr_action_units_parse(context, "1+2+4", units, 1, &n),
        MEXPR_E_RANGE, "3 action units and room for 1");
    assert_int_equal(n, 3);
    assert_int_equal(units[0].number, 1);
    assert_int_equal(units[1].number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_databases_write_them),
        cmocka_unit_test(bad_lists),
        cmocka_unit_test(counting),
    };
    return cmocka_run_group_tests_name("action_units", tests, setup, teardown);
}
