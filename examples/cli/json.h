/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) written into a text. Commas come by themselves:
 *
 *     json_open(t, '{');
 *     json_key(t, "size");
 *     json_open(t, '[');
 *     json_integer(t, 3);
 *     json_integer(t, 4);
 *     json_close(t, ']');
 *     json_close(t, '}');
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdint.h>

#include "text.h"

void json_open(text *t, char bracket);
void json_close(text *t, char bracket);
void json_key(text *t, const char *key);
/* Bytes that are not UTF-8 become U+FFFD; NULL becomes null. */
void json_string(text *t, const char *value);
void json_integer(text *t, int64_t value);
void json_boolean(text *t, int value);
/* `digits` significant digits; NaN and infinity become null. */
void json_number(text *t, double value, int digits);

#endif
