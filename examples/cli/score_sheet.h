/* SPDX-License-Identifier: MIT */
/* Measures with stable names, printed as lines, as JSON or as CSV (measure, of, value):
 *
 *     sheet_add(&s, NULL, "f1", 0.5);       {"f1": 0.5,
 *     sheet_add(&s, "AU12", "f1", 0.25);     "per_unit": {"AU12": {"f1": 0.25}}}
 */
#ifndef CLI_SCORE_SHEET_H
#define CLI_SCORE_SHEET_H

#include <stdint.h>

#include "text.h"

typedef struct sheet_field {
    const char *of; /* a class or a unit, which lives as long as the sheet; or NULL */
    const char *name;
    double value; /* NaN: not known */
} sheet_field;

/* Start with {0}. Fields of the same `of` follow each other. */
typedef struct score_sheet {
    const char *parts; /* what these are called in JSON: "per_unit" */
    sheet_field *fields;
    int n, capacity, failed;
    const int64_t *confusion; /* n_classes², or NULL; not in CSV */
    int32_t n_classes;
} score_sheet;

void sheet_add(score_sheet *s, const char *of, const char *name, double value);
/* Prints it; an exit code. */
int sheet_print(const score_sheet *s, int json, int csv);
void sheet_free(score_sheet *s);

#endif
