/* SPDX-License-Identifier: MIT */
/* Layouts of published databases. A database is a row of the table in layout_table.c;
 * layout_load.c reads any of them, layout_folder.c finds its folders. */
#ifndef MX_DATASET_PUBLISHED_H
#define MX_DATASET_PUBLISHED_H

#include "base/scope.h"
#include "microexpr/dataset.h"

/* What a column of a table of labels holds. */
typedef enum mx_field {
    MX_FIELD_SUBJECT,
    MX_FIELD_CLIP,
    MX_FIELD_ONSET,
    MX_FIELD_APEX,
    MX_FIELD_OFFSET,
    MX_FIELD_FIRST,
    MX_FIELD_FPS,
    MX_FIELD_TYPE,
    MX_FIELD_EMOTION,
    MX_FIELD_UNITS,
    MX_FIELD_OBJECTIVE,
    MX_FIELD_CODE,  /* of the subject, in names of folders */
    MX_FIELD_VIDEO, /* of the video, the same */
    MX_N_FIELDS
} mx_field;

/* A row of the table. Alternatives stand in one text with '|' between them. */
typedef struct mx_layout {
    const char *name;
    const char *title;
    double fps;
    const char *columns[MX_N_FIELDS]; /* names in any case; NULL: no such column */
    const char *header;         /* of sheets without one: names, commas between them */
    const char *subject_prefix; /* cut off before a number, which is then padded */
    int subject_digits;
    /* Below the database's folder: %s subject, %c clip, %e emotion in small letters, %k
     * code, %v video, and * and ? of the shell. */
    const char *folders;
    bool walk;           /* without a table, folders with %e say what there is */
    int64_t first_frame; /* number of the first file; -1: the one in its name */
    bool zero_offset;    /* offset 0 stands for the apex */
    bool flags;          /* columns "negative", "positive", "surprise" of 0 and 1, too */
    const char *label3;  /* "negative:disgust,repression|positive:happiness" */
    const char *label5;
    const char *others; /* emotions of none of the classes, commas between them */
} mx_layout;

/* NULL for an unknown name. */
const mx_layout *mx_layout_find(const char *name);

/* Where the clips of a manifest stand in the table that it was made of. */
void mx_manifest_set_lines(mexpr_manifest *manifest, const int32_t *lines);

/* Whether the two texts are equal in any case. */
bool mx_same_word(const char *a, const char *b);

/* The class that `map` gives the emotion, "" for none; a text of `classes`. */
typedef enum mx_class_map { MX_CLASS_3, MX_CLASS_5 } mx_class_map;
const char *mx_layout_class(
    const mx_layout *layout, mx_class_map map, const char *emotion);
/* Whether the layout has such an emotion. */
bool mx_layout_knows(const mx_layout *layout, const char *emotion);
/* I to VII: the objective class of a list of action units (Davison, Merghani, Yap,
 * "Objective Classes for Micro-Facial Expression Recognition", J. Imaging 2018), ""
 * without units. */
const char *mx_objective_of_units(const mexpr_action_unit *units, size_t n);

/* What names of folders are made of; NULL: unknown. */
typedef struct mx_clip_names {
    const char *subject, *clip, *emotion, *code, *video;
} mx_clip_names;

enum { MX_LAYOUT_PATH = 2048 };

/* The clip's folder below `folder`: the first alternative that is there, else the first
 * that the names can make. `path` holds MX_LAYOUT_PATH bytes. */
mexpr_status mx_layout_path(mx_scope *scope, const mx_layout *layout, const char *folder,
    const mx_clip_names *names, char *path);
/* Calls `visit` for every folder of clips, in natural order; the names hold for the
 * call. */
typedef mexpr_status (*mx_visit_fn)(
    void *user, const mx_clip_names *names, const char *path);
mexpr_status mx_layout_walk(mx_scope *scope, const mx_layout *layout, const char *folder,
    mx_visit_fn visit, void *user);
/* The smallest and the largest number in names of pictures in a folder; -1 where there
 * are none. */
mexpr_status mx_frame_range(
    mx_scope *scope, const char *path, int64_t *first, int64_t *last);

/* Known mistakes of tables: layout_errata.c. Corrects the record of a row, from 0, of a
 * table with n_rows, and writes the corrections' ids into `ids`. */
void mx_errata_apply(const mx_layout *layout, int64_t n_rows, int64_t row,
    mexpr_record *record, char *ids, size_t size);
/* The row whose emotion and action units belong to this one. */
int64_t mx_errata_label_row(const mx_layout *layout, int64_t n_rows, int64_t row);
/* Whether the composite database of MEGC 2019 leaves the clip out. */
bool mx_errata_not_in_megc2019(const mexpr_record *record);

#endif
