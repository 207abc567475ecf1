/* SPDX-License-Identifier: MIT */
/* Known mistakes of published tables of labels. The corrections are those that
 * Varanka, Li, Peng and Zhao made for their comparison of databases ("Data leakage and
 * evaluation issues in micro-expression analysis", IEEE Trans. Affective Computing 2023,
 * and its program), who looked at the frames. A row without a name of its own here is
 * told by its number, in tables that have as many rows as the one they had. */
#include <stdio.h>
#include <string.h>

#include "dataset/published.h"

/* When the published number is taken to be the mistake. */
typedef enum condition {
    ALWAYS,
    MISSING,  /* there is none */
    NO_APEX,  /* there is no apex */
    MISPLACED /* onset, apex and offset are not in this order */
} condition;

typedef struct erratum {
    const char *layout;
    const char *subject; /* NULL: told by the number of the row */
    const char *clip;
    int64_t onset; /* as published, -1: any */
    int64_t row, n_rows;
    mx_field field;
    condition when;
    int64_t value;
} erratum;

#define BY_NAME(layout, subject, clip, onset, field, when, value)                        \
    {                                                                                    \
        layout, subject, clip, onset, -1, -1, MX_FIELD_##field, when, value              \
    }
#define CASME(row, field, value)                                                         \
    {                                                                                    \
        "casme", NULL, NULL, -1, row, 195, MX_FIELD_##field, ALWAYS, value               \
    }
#define CASME2(row, field, when, value)                                                  \
    {                                                                                    \
        "casme2", NULL, NULL, -1, row, 255, MX_FIELD_##field, when, value                \
    }
#define MMEW(row, apex, offset)                                                          \
    {"mmew", NULL, NULL, -1, row, 300, MX_FIELD_APEX, ALWAYS, apex},                     \
    {                                                                                    \
        "mmew", NULL, NULL, -1, row, 300, MX_FIELD_OFFSET, ALWAYS, offset                \
    }

static const erratum errata[] = {
    CASME(40, ONSET, 100),
    CASME(40, APEX, 120),
    CASME(40, OFFSET, 149),
    CASME(42, ONSET, 101),
    CASME(42, APEX, 110),
    CASME(42, OFFSET, 119),
    CASME(43, ONSET, 57),
    CASME(43, APEX, 65),
    CASME(43, OFFSET, 74),
    CASME(54, OFFSET, 40),
    CASME(140, OFFSET, 142),
    BY_NAME("casme2", "04", "EP12_01f", -1, APEX, MISSING, 279),
    CASME2(35, APEX, MISSING, 68),
    CASME2(43, APEX, MISSING, 77),
    CASME2(45, APEX, MISSING, 81),
    CASME2(51, APEX, MISSING, 166),
    CASME2(53, APEX, MISSING, 100),
    CASME2(60, OFFSET, NO_APEX, 91),
    CASME2(60, APEX, MISSING, 78),
    CASME2(117, APEX, MISSING, 187),
    CASME2(118, APEX, MISSING, 89),
    CASME2(126, APEX, MISSING, 80),
    CASME2(136, APEX, MISSING, 88),
    CASME2(147, APEX, MISSING, 134),
    CASME2(155, APEX, MISSING, 231),
    CASME2(168, APEX, MISSING, 53),
    CASME2(170, APEX, MISSING, 329),
    CASME2(177, APEX, MISSING, 111),
    CASME2(202, APEX, MISSING, 91),
    CASME2(203, APEX, MISSING, 103),
    CASME2(234, APEX, MISSING, 98),
    CASME2(237, APEX, MISSING, 153),
    CASME2(238, APEX, MISSING, 98),
    BY_NAME("samm", "013", "013_1_9", -1, OFFSET, ALWAYS, 5739),
    BY_NAME("samm", "028", "028_4_1", -1, APEX, MISSING, 1105),
    BY_NAME("samm", "032", "032_3_1", -1, APEX, MISSING, 4945),
    BY_NAME("samm", "032", "032_3_2", -1, APEX, MISSING, 5130),
    BY_NAME("casme3", "spNO.149", "d", 112, APEX, MISPLACED, 160),
    BY_NAME("casme3", "spNO.214", "c", 5, OFFSET, ALWAYS, 34),
    BY_NAME("casme3", "spNO.216", "d", -1, ONSET, MISPLACED, 2647),
    BY_NAME("casme3", "spNO.216", "e", 0, ONSET, ALWAYS, 1),
    BY_NAME("casme3", "spNO.40", "e", 1812, OFFSET, ALWAYS, 1845),
    BY_NAME("casme3", "spNO.40", "e", 2327, OFFSET, ALWAYS, 2403),
    MMEW(33, 40, 75),
    MMEW(35, 15, 54),
    MMEW(36, 46, 59),
    MMEW(37, 20, 98),
    MMEW(38, 25, 80),
    MMEW(39, 20, 93),
    MMEW(40, 23, 58),
    MMEW(41, 28, 61),
    MMEW(42, 32, 68),
    MMEW(142, 56, 88),
    MMEW(143, 32, 80),
    MMEW(145, 27, 85),
    MMEW(146, 22, 61),
    MMEW(148, 29, 108),
    MMEW(154, 31, 72),
    MMEW(156, 38, 106),
};

static bool is_about(const erratum *e, const mx_layout *layout, int64_t n_rows,
    int64_t row, const mexpr_record *r)
{
    if (strcmp(e->layout, layout->name) != 0)
        return false;
    if (!e->subject)
        return e->row == row && e->n_rows == n_rows;
    return strcmp(e->subject, r->subject) == 0 && strcmp(e->clip, r->clip) == 0 &&
           (e->onset < 0 || e->onset == r->onset);
}

static bool holds(condition when, int64_t value, const mexpr_record *r)
{
    switch (when) {
    case MISSING:
        return value < 0;
    case NO_APEX:
        return r->apex < 0;
    case MISPLACED:
        return r->onset > r->apex || r->apex > r->offset;
    case ALWAYS:
        break;
    }
    return true;
}

static int64_t *field_of(mexpr_record *r, mx_field field)
{
    return field == MX_FIELD_ONSET  ? &r->onset
           : field == MX_FIELD_APEX ? &r->apex
                                    : &r->offset;
}

/* "layout:row:field" or "layout:clip:field". */
static void add_id(char *ids, size_t size, const erratum *e)
{
    const char *field = e->field == MX_FIELD_ONSET  ? "onset"
                        : e->field == MX_FIELD_APEX ? "apex"
                                                    : "offset";
    const size_t n = strlen(ids);
    const char *gap = n ? " " : "";
    if (e->subject)
        snprintf(ids + n, size - n, "%s%s:%s:%s", gap, e->layout, e->clip, field);
    else
        snprintf(
            ids + n, size - n, "%s%s:%lld:%s", gap, e->layout, (long long)e->row, field);
}

void mx_errata_apply(const mx_layout *layout, int64_t n_rows, int64_t row,
    mexpr_record *record, char *ids, size_t size)
{
    const mexpr_record published = *record;
    for (size_t k = 0; k < sizeof errata / sizeof errata[0]; k++) {
        const erratum *e = &errata[k];
        if (!is_about(e, layout, n_rows, row, &published))
            continue;
        int64_t *value = field_of(record, e->field);
        if (*value == e->value || !holds(e->when, *value, &published))
            continue;
        *value = e->value;
        add_id(ids, size, e);
    }
    if (layout->zero_offset && record->offset == 0 && record->apex > 0) {
        const size_t n = strlen(ids);
        record->offset = record->apex;
        snprintf(ids + n, size - n, "%s%s:zero-offset", n ? " " : "", layout->name);
    }
}

/* Emotions and units of two rows of 4DME stand in each other's place. */
int64_t mx_errata_label_row(const mx_layout *layout, int64_t n_rows, int64_t row)
{
    const bool exchanged = strcmp(layout->name, "4dme") == 0 && n_rows == 267;
    return exchanged && row == 144 ? 145 : exchanged && row == 145 ? 144 : row;
}

bool mx_errata_not_in_megc2019(const mexpr_record *record)
{
    return strcmp(record->dataset, "casme2") == 0 &&
           ((strcmp(record->subject, "04") == 0 &&
                strcmp(record->clip, "EP12_01f") == 0) ||
               (strcmp(record->subject, "05") == 0 &&
                   strcmp(record->clip, "EP09_05f") == 0));
}
