/* SPDX-License-Identifier: MIT */
#include "image/sequence_names.h"

#include <string.h>

/* isdigit() depends on the host's locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t digits_at(const char *text)
{
    size_t n = 0;
    while (is_digit(text[n]))
        n++;
    return n;
}

static bool ends_with(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    if (n <= m)
        return false;
    for (size_t i = 0; i < m; i++) {
        if (lower(name[n - m + i]) != ending[i])
            return false;
    }
    return true;
}

bool mx_name_is_picture(const char *name)
{
    return ends_with(name, ".jpg") || ends_with(name, ".jpeg") || ends_with(name, ".png");
}

/* --- printf patterns --------------------------------------------------------------- */

/* The conversion at a '%': its length (0: none that counts frames), padding and width. */
typedef struct conversion {
    size_t length;
    bool zeros;
    size_t width;
} conversion;

static conversion conversion_at(const char *text)
{
    conversion c = {0};
    size_t i = 1;
    c.zeros = text[i] == '0';
    for (; is_digit(text[i]) && i < 4; i++)
        c.width = 10 * c.width + (size_t)(text[i] - '0');
    if (text[i] == 'd' || text[i] == 'i' || text[i] == 'u')
        c.length = i + 1;
    return c;
}

bool mx_is_number_pattern(const char *pattern)
{
    int n = 0;
    for (const char *p = pattern; *p;) {
        const size_t length = *p != '%' ? 1 : p[1] == '%' ? 2 : conversion_at(p).length;
        if (length == 0)
            return false;
        n += *p == '%' && p[1] != '%';
        p += length;
    }
    return n == 1;
}

/* The length of the number that the conversion would have written at `name`; 0: none. */
static size_t match_conversion(const conversion *c, const char *name)
{
    size_t blanks = 0;
    while (!c->zeros && blanks + 1 < c->width && name[blanks] == ' ')
        blanks++;
    const size_t n = digits_at(name + blanks), least = c->zeros ? c->width : 1;
    const bool padded = n > (least > 1 ? least : 1) && name[blanks] == '0';
    if (n == 0 || n + blanks < c->width || padded ||
        (blanks > 0 && n + blanks > c->width))
        return 0;
    return n + blanks;
}

bool mx_matches_number(const char *pattern, const char *name)
{
    while (*pattern) {
        size_t in_pattern = 1, in_name = 1;
        if (*pattern == '%' && pattern[1] != '%') {
            const conversion c = conversion_at(pattern);
            in_pattern = c.length;
            in_name = match_conversion(&c, name);
            if (in_name == 0)
                return false;
        } else {
            in_pattern = *pattern == '%' ? 2 : 1;
            if (*pattern != *name)
                return false;
        }
        pattern += in_pattern;
        name += in_name;
    }
    return *name == '\0';
}

/* --- the shell's patterns ---------------------------------------------------------- */

bool mx_is_glob(const char *pattern)
{
    return strchr(pattern, '*') || strchr(pattern, '?') || strchr(pattern, '[');
}

/* Whether the set that begins with the '[' at `set` has the byte; *end is behind its ']'.
 * A '[' without ']' stands for itself. */
static bool set_has(const char *set, char byte, const char **end)
{
    const char *p = set + 1;
    const bool inverted = *p == '!' || *p == '^';
    p += inverted;
    bool found = false;
    for (const char *first = p; *p && (*p != ']' || p == first); p++) {
        if (p[1] == '-' && p[2] && p[2] != ']') {
            found |= (unsigned char)byte >= (unsigned char)p[0] &&
                     (unsigned char)byte <= (unsigned char)p[2];
            p += 2;
        } else {
            found |= *p == byte;
        }
    }
    if (!*p) {
        *end = set + 1;
        return byte == '[';
    }
    *end = p + 1;
    return found != inverted;
}

/* Whether one element of the pattern, no star, takes the byte. */
static bool element_takes(const char *pattern, char byte, const char **rest)
{
    *rest = pattern + 1;
    if (*pattern == '[')
        return set_has(pattern, byte, rest);
    return *pattern == '?' || *pattern == byte;
}

/* On a mismatch the last star takes one byte more; earlier ones need not be tried. */
bool mx_matches_glob(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL;
    while (*name) {
        const char *rest = pattern;
        if (*pattern == '*') {
            star = ++pattern;
            taken = name;
        } else if (*pattern && element_takes(pattern, *name, &rest)) {
            pattern = rest;
            name++;
        } else if (star) {
            pattern = star;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* --- order and numbers ------------------------------------------------------------- */

/* By value: without leading zeros, the longer number is the larger. */
static int compare_numbers(const char *a, size_t n, const char *b, size_t m)
{
    for (; n > 1 && *a == '0'; n--)
        a++;
    for (; m > 1 && *b == '0'; m--)
        b++;
    return n != m ? (n < m ? -1 : 1) : memcmp(a, b, n);
}

int mx_compare_natural(const char *a, const char *b)
{
    const char *p = a, *q = b;
    while (*p && *q) {
        const size_t n = digits_at(p), m = digits_at(q);
        const int order = n && m ? compare_numbers(p, n, q, m)
                                 : (int)(unsigned char)*p - (int)(unsigned char)*q;
        if (order != 0)
            return order;
        p += n && m ? n : 1;
        q += n && m ? m : 1;
    }
    return *p ? 1 : *q ? -1 : strcmp(a, b);
}

bool mx_name_number(const char *name, size_t *begin, size_t *end, int64_t *number)
{
    const char *dot = strrchr(name, '.');
    size_t stop = dot ? (size_t)(dot - name) : strlen(name);
    while (stop > 0 && !is_digit(name[stop - 1]))
        stop--;
    size_t start = stop;
    while (start > 0 && is_digit(name[start - 1]))
        start--;
    *begin = start;
    *end = stop;
    *number = 0;
    for (size_t i = start; i < stop; i++) {
        const int digit = name[i] - '0';
        if (*number > (INT64_MAX - digit) / 10)
            return false;
        *number = 10 * *number + digit;
    }
    return start < stop;
}

uint64_t mx_numbers_between(const char *a, const char *b)
{
    size_t a_begin, a_end, b_begin, b_end;
    int64_t m, n;
    if (!mx_name_number(a, &a_begin, &a_end, &m) ||
        !mx_name_number(b, &b_begin, &b_end, &n) || a_begin != b_begin ||
        memcmp(a, b, a_begin) != 0 || strcmp(a + a_end, b + b_end) != 0 || n <= m)
        return 0;
    return (uint64_t)(n - m) - 1;
}
