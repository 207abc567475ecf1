/* SPDX-License-Identifier: MIT */
/* From emotions and action units to classes. */
#include <string.h>

#include "base/decimal.h"
#include "dataset/published.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(mx_text a, const char *b)
{
    size_t k = 0;
    while (k < a.size && b[k] && lower(a.at[k]) == lower(b[k]))
        k++;
    return k == a.size && !b[k];
}

bool mx_same_word(const char *a, const char *b)
{
    return same((mx_text){a, strlen(a)}, b);
}

/* Cuts the next piece off a list; false at its end. */
static bool next(const char **list, char separator, mx_text *piece)
{
    if (!*list || !**list)
        return false;
    const char *end = strchr(*list, separator);
    piece->at = *list;
    piece->size = end ? (size_t)(end - *list) : strlen(*list);
    *list += piece->size + (end != NULL);
    return true;
}

static bool has_word(mx_text list, char separator, const char *word)
{
    const char *at = list.at, *const end = list.at + list.size;
    for (mx_text piece; at < end && next(&at, separator, &piece);) {
        if (piece.at + piece.size > end)
            piece.size = (size_t)(end - piece.at);
        if (same(piece, word))
            return true;
    }
    return false;
}

/* Names of classes are returned from here, since a piece of a map has no 0 behind it. */
static const char *class_name(mx_text name)
{
    static const char *const names[] = {"negative", "positive", "surprise", "disgust",
        "happiness", "others", "other", "repression", "anger", "contempt"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (same(name, names[k]))
            return names[k];
    return "";
}

/* A piece of a map is a class, or a class, a colon and the emotions it has. */
static const char *class_of(const char *map, const char *emotion)
{
    for (mx_text piece; next(&map, '|', &piece);) {
        const char *colon = memchr(piece.at, ':', piece.size);
        const size_t n = colon ? (size_t)(colon - piece.at) : piece.size;
        const mx_text name = {piece.at, n};
        const mx_text words = {colon ? colon + 1 : piece.at, piece.size - n - !!colon};
        if (colon ? has_word(words, ',', emotion) : same(name, emotion))
            return class_name(name);
    }
    return "";
}

const char *mx_layout_class(
    const mx_layout *layout, mx_class_map map, const char *emotion)
{
    return class_of(map == MX_CLASS_3 ? layout->label3 : layout->label5, emotion);
}

bool mx_layout_knows(const mx_layout *layout, const char *emotion)
{
    const mx_text others = {layout->others, strlen(layout->others)};
    return *class_of(layout->label3, emotion) || *class_of(layout->label5, emotion) ||
           has_word(others, ',', emotion);
}

/* --- objective classes ------------------------------------------------------------- */

enum { LARGEST = 99 };

/* Whether the units are exactly the numbers, ascending with '+' between them. */
static bool is_set(const bool has[LARGEST + 1], int n, mx_text numbers)
{
    int n_numbers = 0;
    for (size_t k = 0; k < numbers.size; n_numbers++) {
        int number = 0;
        for (; k < numbers.size && numbers.at[k] != '+'; k++)
            number = 10 * number + (numbers.at[k] - '0');
        k++;
        if (!has[number])
            return false;
    }
    return n_numbers == n;
}

const char *mx_objective_of_units(const mexpr_action_unit *units, size_t n)
{
    static const struct {
        const char *name, *sets;
    } classes[] = {
        {"I", "6|12|6+12|6+7+12|7+12"},
        {"II", "1+2|5|25|1+2+25|25+26|5+24"},
        {"III", "23|4|4+7|4+5|4+5+7|17+24|4+6+7|4+38"},
        {"IV", "10|9|4+9|4+40|4+5+40|4+7+9|4+9+17|4+7+10|4+5+7+9|7+10"},
        {"V", "1|15|1+4|6+15|15+17"},
        {"VI", "1+2+4|20"},
    };
    bool has[LARGEST + 1] = {false};
    int n_units = 0;
    for (size_t k = 0; k < n; k++) {
        /* Of units that exclude each other the first one counts. */
        const bool first =
            !units[k].choice || k == 0 || units[k - 1].choice != units[k].choice;
        if (units[k].doubtful || !first || units[k].code != MEXPR_AU_CODE_UNIT)
            continue;
        n_units += !has[units[k].number];
        has[units[k].number] = true;
    }
    if (n_units == 0)
        return "";
    for (size_t k = 0; k < sizeof classes / sizeof classes[0]; k++) {
        const char *sets = classes[k].sets;
        for (mx_text piece; next(&sets, '|', &piece);)
            if (is_set(has, n_units, piece))
                return classes[k].name;
    }
    return "VII";
}
