/* SPDX-License-Identifier: MIT */
/* Lists of action units as databases write them. A descent over
 *
 *     list  = item { ("+" | "," | ";" | "&") item }
 *     item  = "(" list ")" | "ref(" list ")" | "?" | entry { ("or" | "/") entry }
 *     entry = { "AU" | "AD" | "M" } [ side { "/" side } ] number [ side ]
 *             [ intensity [ ("/" | "-") intensity ] ] [ "?" | "(k)" ]
 *
 * with blanks anywhere between words, and letters of both cases. */
#include <string.h>

#include "base/scope.h"
#include "microexpr/dataset.h"

enum { MAX_DEPTH = 8, MAX_SIDES = 6 };

typedef struct parser {
    mx_scope *scope;
    const char *text, *at;
    mexpr_action_unit *units;
    size_t capacity, count;
    int32_t n_choices;
    int32_t choice; /* of the entries that are read, 0: none */
    int32_t doubtful;
    int depth;
} parser;

/* What stands before a number. */
typedef struct head {
    int32_t code;
    int32_t sides[MAX_SIDES];
    int32_t n_sides;
} head;

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

/* Steps over the word, in any case. */
static bool take(parser *p, const char *word)
{
    size_t n = 0;
    while (word[n] && upper(p->at[n]) == word[n])
        n++;
    if (word[n])
        return false;
    p->at += n;
    return true;
}

static mexpr_status refuse(parser *p, const char *what)
{
    return mx_fail(p->scope, MEXPR_E_FORMAT,
        "'%.60s' is not a list of action units: %s at character %zu", p->text, what,
        (size_t)(p->at - p->text) + 1);
}

/* --- entries ----------------------------------------------------------------------- */

static int32_t side_of(char c)
{
    static const char letters[] = "LRTBAU";
    const char *found = c ? strchr(letters, upper(c)) : NULL;
    return found ? (int32_t)(found - letters) + 1 : MEXPR_AU_SIDE_NONE;
}

static void read_head(parser *p, head *h)
{
    *h = (head){MEXPR_AU_CODE_UNIT, {MEXPR_AU_SIDE_NONE}, 0};
    for (;; skip_blanks(p)) {
        const bool again = h->n_sides > 0 && *p->at == '/' && side_of(p->at[1]);
        if (take(p, "AU"))
            continue;
        if (take(p, "AD")) {
            h->code = MEXPR_AU_CODE_DESCRIPTOR;
        } else if (take(p, "M")) {
            h->code = MEXPR_AU_CODE_MOVEMENT;
        } else if (side_of(p->at[again]) && h->n_sides < MAX_SIDES &&
                   (again || h->n_sides == 0)) {
            h->sides[h->n_sides++] = side_of(p->at[again]);
            p->at += again + 1;
        } else {
            return;
        }
    }
}

/* 1 to 5 at the character, 0: no intensity. A letter before a number is its side. */
static int32_t intensity_at(const char *at)
{
    const char c = upper(*at);
    return c >= 'A' && c <= 'E' && !is_digit(at[1]) ? c - 'A' + 1 : 0;
}

static void read_tail(parser *p, head *h, mexpr_action_unit *unit)
{
    if ((upper(*p->at) == 'L' || upper(*p->at) == 'R') && h->n_sides == 0 &&
        !is_digit(p->at[1]))
        h->sides[h->n_sides++] = side_of(*p->at++);
    unit->intensity = intensity_at(p->at);
    p->at += unit->intensity > 0;
    unit->intensity_to = unit->intensity;
    if (unit->intensity && (*p->at == '/' || *p->at == '-') && intensity_at(p->at + 1)) {
        unit->intensity_to = intensity_at(p->at + 1);
        p->at += 2;
    }
    skip_blanks(p);
    unit->doubtful = p->doubtful > 0 || take(p, "(K)") || take(p, "?");
}

static void add(parser *p, const mexpr_action_unit *unit, int32_t side)
{
    if (p->count < p->capacity) {
        p->units[p->count] = *unit;
        p->units[p->count].side = side;
    }
    p->count++;
}

static mexpr_status read_entry(parser *p)
{
    mexpr_action_unit unit = {0};
    head h;
    read_head(p, &h);
    for (; is_digit(*p->at); p->at++) {
        unit.number = 10 * unit.number + (*p->at - '0');
        if (unit.number > 99)
            return refuse(p, "a number above 99");
    }
    if (unit.number == 0)
        return refuse(p, "no number");
    unit.code = h.code;
    read_tail(p, &h, &unit);
    /* "A/L12": asymmetric, or on the left. */
    unit.choice = p->choice ? p->choice : h.n_sides > 1 ? ++p->n_choices : 0;
    add(p, &unit, h.sides[0]);
    for (int32_t k = 1; k < h.n_sides; k++)
        add(p, &unit, h.sides[k]);
    return MEXPR_OK;
}

static bool take_or(parser *p)
{
    skip_blanks(p);
    const char *from = p->at;
    if (*p->at == '/' || take(p, "OR")) {
        p->at += *p->at == '/';
        skip_blanks(p);
        return true;
    }
    p->at = from;
    return false;
}

/* Entries that exclude each other get the number of a choice, the first one too late. */
static mexpr_status read_choice(parser *p)
{
    const size_t first = p->count;
    mexpr_status status = read_entry(p);
    for (; status == MEXPR_OK && take_or(p); status = read_entry(p)) {
        if (!p->choice)
            p->choice = ++p->n_choices;
        for (size_t k = first; k < p->count && k < p->capacity; k++)
            p->units[k].choice = p->choice;
    }
    p->choice = 0;
    return status;
}

/* --- lists ------------------------------------------------------------------------- */

static bool take_separator(parser *p)
{
    /* The last three are full-width: plus, comma, and the comma of lists. */
    static const char *const words[] = {
        "+", ",", ";", "&", "\xef\xbc\x8b", "\xef\xbc\x8c", "\xe3\x80\x81"};
    skip_blanks(p);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (take(p, words[k]))
            return true;
    return false;
}

static mexpr_status read_list(parser *p);

static mexpr_status read_bracket(parser *p)
{
    if (++p->depth > MAX_DEPTH)
        return refuse(p, "too many brackets");
    mexpr_status status = read_list(p);
    skip_blanks(p);
    if (status == MEXPR_OK && *p->at++ != ')') {
        p->at--;
        status = refuse(p, "no closing bracket");
    }
    p->depth--;
    return status;
}

static mexpr_status read_item(parser *p)
{
    skip_blanks(p);
    if (take(p, "?"))
        return MEXPR_OK;
    if (take(p, "("))
        return read_bracket(p);
    if (!take(p, "REF("))
        return read_choice(p);
    p->doubtful++;
    const mexpr_status status = read_bracket(p);
    p->doubtful--;
    return status;
}

static mexpr_status read_list(parser *p)
{
    mexpr_status status;
    do
        status = read_item(p);
    while (status == MEXPR_OK && take_separator(p));
    return status;
}

static bool is_none(const char *text)
{
    static const char *const words[] = {"", "NA", "N/A", "?", "-", "/"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (strcmp(text, words[k]) == 0)
            return true;
    return false;
}

mexpr_status mexpr_action_units_parse(mexpr_context *context, const char *text,
    mexpr_action_unit *units, size_t capacity, size_t *count)
{
    if (count)
        *count = 0;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!text || !count || (!units && capacity > 0))
        return mx_fail(scope, MEXPR_E_ARG, "text, count and units must not be NULL");
    parser p = {.scope = scope, .text = text, .at = text, .units = units};
    p.capacity = capacity;
    skip_blanks(&p);
    if (is_none(p.at))
        return MEXPR_OK;
    mexpr_status status = read_list(&p);
    if (status == MEXPR_OK && *p.at)
        status = refuse(&p, "something else");
    if (status != MEXPR_OK)
        return status;
    *count = p.count;
    if (units && p.count > capacity)
        return mx_fail(scope, MEXPR_E_RANGE,
            "there are %zu action units and room for %zu", p.count, capacity);
    return MEXPR_OK;
}
