/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { MAX_DIGITS = 18, MAX_EXPONENT = 400 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

mx_text mx_text_trim(mx_text text)
{
    while (text.size > 0 && is_blank(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

bool mx_text_is(mx_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from *i on join *mantissa; returns how many there were. Those beyond MAX_DIGITS
 * only move the exponent. */
static size_t take_digits(
    mx_text text, size_t *i, uint64_t *mantissa, int *n_digits, int *exponent, int shift)
{
    const size_t begin = *i;
    for (; *i < text.size && is_digit(text.at[*i]); (*i)++) {
        if (*n_digits < MAX_DIGITS) {
            *mantissa = 10 * *mantissa + (uint64_t)(text.at[*i] - '0');
            *n_digits += *mantissa > 0;
            *exponent += shift;
        } else if (*exponent < MAX_EXPONENT) {
            *exponent += 1 + shift;
        }
    }
    return *i - begin;
}

/* "e-12" from *i on; false when it is malformed. */
static bool take_exponent(mx_text text, size_t *i, int *exponent)
{
    if (*i == text.size || (text.at[*i] != 'e' && text.at[*i] != 'E'))
        return true;
    (*i)++;
    const bool negative = *i < text.size && text.at[*i] == '-';
    if (*i < text.size && (text.at[*i] == '-' || text.at[*i] == '+'))
        (*i)++;
    const size_t begin = *i;
    int value = 0;
    for (; *i < text.size && is_digit(text.at[*i]); (*i)++)
        value = value < MAX_EXPONENT ? 10 * value + (text.at[*i] - '0') : value;
    *exponent += negative ? -value : value;
    return *i > begin;
}

bool mx_decimal_parse(mx_text text, double *out)
{
    size_t i = 0;
    uint64_t mantissa = 0;
    int n_digits = 0, exponent = 0;
    const bool negative = text.size > 0 && text.at[0] == '-';
    if (text.size > 0 && (text.at[0] == '-' || text.at[0] == '+'))
        i++;
    size_t n = take_digits(text, &i, &mantissa, &n_digits, &exponent, 0);
    if (i < text.size && text.at[i] == '.') {
        i++;
        n += take_digits(text, &i, &mantissa, &n_digits, &exponent, -1);
    }
    if (n == 0 || !take_exponent(text, &i, &exponent) || i != text.size)
        return false;
    const double size = exponent < 0 ? (double)mantissa / pow(10, -exponent)
                                     : (double)mantissa * pow(10, exponent);
    *out = negative ? -size : size;
    return size <= 1e300;
}

size_t mx_decimal_write(char *out, double value, int decimals)
{
    static const uint64_t scales[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    char digits[24];
    size_t n = 0, size = 0;
    uint64_t rest = (uint64_t)(fabs(value) * (double)scales[decimals] + 0.5);
    if (value < 0 && rest > 0)
        out[size++] = '-';
    for (; rest > 0 || n <= (size_t)decimals; rest /= 10)
        digits[n++] = (char)('0' + rest % 10);
    while (n > 0) {
        if (n == (size_t)decimals)
            out[size++] = '.';
        out[size++] = digits[--n];
    }
    return size;
}
