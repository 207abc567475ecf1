/* SPDX-License-Identifier: MIT */
/**
 * @file dataset.h
 * What clips there are, whose they are and what they show: manifests in CSV. See
 * docs/dataset.md.
 */
#ifndef MICROEXPR_DATASET_H
#define MICROEXPR_DATASET_H

#include "base.h"

MEXPR_BEGIN_DECLS

/**
 * A list of labelled clips, read from UTF-8 CSV (RFC 4180) with a header line.
 *
 * Columns, in any order and case; others are passed over:
 * - `subject` (needed, also in every row), and `dataset` (or `database`): together they
 *   are a person, unless a column `person` says who it is across databases. A subject who
 *   is one person in one row and another in the next is refused;
 * - `file` or `path` (relative to the folder of the inputs) or `clip` (a name); one of
 *   them is needed;
 * - `label`, or the column that the options name: integers from 0 to 999, or names, of
 *   which none is a number;
 * - `onset`, `apex`, `offset`, `first_frame`: frame numbers; `fps`: 200, 29.97 or
 *   30000/1001; `type`, `emotion_raw`, `au_raw`, `errata_id`, `label3`, `label5`,
 *   `objective`: texts. "" and "NA" are unknown.
 *
 * Immutable: threads may share it.
 */
typedef struct mexpr_manifest mexpr_manifest;

/** Options of mexpr_manifest_read(). */
typedef struct mexpr_manifest_options {
    size_t struct_size;
    const char *label; /**< the column of the classes; NULL: "label" */
} mexpr_manifest_options;

#define MEXPR_MANIFEST_OPTIONS_INIT                                                      \
    {                                                                                    \
        sizeof(mexpr_manifest_options), NULL                                             \
    }

/** One clip. Texts are never NULL; they and the numbers live as long as the manifest. */
typedef struct mexpr_record {
    size_t struct_size;
    const char *dataset;
    const char *subject;
    const char *clip;         /**< name: the path without folder and ending, when there is
                                   no such column */
    const char *path;         /**< "" when the manifest has none */
    const char *type;         /**< e.g. "micro" */
    const char *emotion;      /**< as its authors wrote it */
    const char *action_units; /**< as their authors wrote them */
    const char *errata;       /**< ids of the corrections that were applied, one blank
                                   between them */
    int32_t label;            /**< class, -1: unknown */
    int32_t person;           /**< 0.., in order of appearance: who it is, for folds */
    int32_t dataset_index;    /**< 0.., in order of appearance */
    int32_t line;             /**< of the file, or of the table of a layout, from 1; of
                                   clips that were found in folders, 2 for the first */
    int64_t first_frame;      /**< number of the first file; -1: unknown, as below */
    int64_t onset;
    int64_t apex;
    int64_t offset;
    double fps;            /**< 0: unknown */
    const char *label3;    /**< negative, positive, surprise: class of MEGC 2019, or "" */
    const char *label5;    /**< of the five classes of the database, or "" */
    const char *objective; /**< I to VII: by action units, or "" */
} mexpr_record;

#define MEXPR_RECORD_INIT                                                                \
    {                                                                                    \
        sizeof(mexpr_record), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,   \
            0, 0, 0, 0, 0, 0, NULL, NULL, NULL                                           \
    }

/**
 * Reads a manifest.
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND, MEXPR_E_IO,
 *         MEXPR_E_FORMAT (not such a file; the sentence names the line), MEXPR_E_LIMIT
 *         (max_file_bytes, or more clips than max_frames), MEXPR_E_NOMEM; the sentence is
 *         the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_read(mexpr_context *context, const char *path,
    const mexpr_manifest_options *options, mexpr_manifest **out);
/** The same from memory, which may go away afterwards. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_manifest_decode(mexpr_context *context, const void *bytes,
    size_t size, const mexpr_manifest_options *options, mexpr_manifest **out);
/** Destroys a manifest. @since 0.1.0 */
MEXPR_API void mexpr_manifest_destroy(mexpr_manifest **manifest);

/** Clips; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_manifest_n_clips(const mexpr_manifest *manifest);
/** Fills in clip `index`. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_manifest_clip(
    const mexpr_manifest *manifest, int64_t index, mexpr_record *record);
/** Persons; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_manifest_n_persons(const mexpr_manifest *manifest);
/** Name of a person: the subject, with "dataset/" before it when there is a column of
 *  datasets; NULL outside of 0..n-1. @since 0.1.0 */
MEXPR_API const char *mexpr_manifest_person(
    const mexpr_manifest *manifest, int32_t index);
/** Databases; 1 without such a column, 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_manifest_n_datasets(const mexpr_manifest *manifest);
/** Name of a database; NULL outside of 0..n-1. @since 0.1.0 */
MEXPR_API const char *mexpr_manifest_dataset(
    const mexpr_manifest *manifest, int32_t index);
/** Classes: one more than the largest label, or the names there are; 0 for NULL or
 *  without labels. @since 0.1.0 */
MEXPR_API int32_t mexpr_manifest_n_classes(const mexpr_manifest *manifest);
/** Name of a class: as in the file, names in alphabetical order; NULL outside of 0..n-1.
 *  @since 0.1.0 */
MEXPR_API const char *mexpr_manifest_class(const mexpr_manifest *manifest, int32_t index);
/** SHA-256 (FIPS 180-4) of the file, 64 hexadecimal digits; "" for NULL. @since 0.1.0 */
MEXPR_API const char *mexpr_manifest_sha256(const mexpr_manifest *manifest);

/**
 * Where the pictures of a database are read, for databases whose faces are cropped
 * differently: for pixel (x, y) of a picture with its middle at (a, b), at
 * (a + (x - a) scale_x + shift_x, b + (y - b) scale_y + shift_y).
 */
typedef struct mexpr_dataset_crop {
    const char *dataset;
    double scale_x; /**< 0.1..10 */
    double scale_y;
    double shift_x; /**< px, -1000..1000 */
    double shift_y;
} mexpr_dataset_crop;

/**
 * Reads the colour pictures of all clips, such as the flow pictures of this library:
 * plane 0 is red (u), 1 green (v), 2 blue (strain), each as 0..255.
 * @param folder  the paths of the manifest begin in it; NULL: the working folder
 * @param width   of every picture, px; another size is refused
 * @param height  the same
 * @param crops   n_crops of them, of different databases; pixels are read bilinearly and
 *                the border goes on outside. NULL with 0: as they are
 * @param values  receives n_clips × 3 × height × width
 * @param capacity floats that `values` has room for
 * @param progress called after every picture, or NULL
 * @param user    its first argument
 * @return MEXPR_OK, MEXPR_E_ARG (also a path that leaves the folder), MEXPR_E_RANGE (the
 *         capacity, a crop, a crop of no database), MEXPR_E_SHAPE, MEXPR_E_TYPE (16
 * bits), MEXPR_E_CANCELLED, MEXPR_E_NOMEM, and what mexpr_image_read() returns; the
 * sentence is the context's and names the file
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_pictures(mexpr_context *context,
    const mexpr_manifest *manifest, const char *folder, int32_t width, int32_t height,
    const mexpr_dataset_crop *crops, int32_t n_crops, float *values, size_t capacity,
    mexpr_progress_fn progress, void *user);

/**
 * Writes a manifest as CSV with all columns above: what mexpr_manifest_read() reads again
 * with the same clips, people and classes. The file appears whole or not at all.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_IO, MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_write(
    mexpr_context *context, const mexpr_manifest *manifest, const char *path);
/**
 * One manifest of several, such as a composite database; people of the same name in two
 * of them are one person. Classes are joined by their names.
 * @param manifests n of them
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT (more clips than max_frames),
 *         MEXPR_E_FORMAT (too many classes), MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_join(mexpr_context *context,
    const mexpr_manifest *const *manifests, int32_t n, mexpr_manifest **out);

/* --- databases as published -------------------------------------------------------- */

/** Name of a layout that mexpr_manifest_load_layout() knows: "casme", "casme2", "samm",
 *  "smic_hs", …; NULL outside of 0..n-1. Thread-safe. @since 0.1.0 */
MEXPR_API const char *mexpr_layout_name(int32_t index);
/** What its authors call it, "CASME II"; NULL outside of 0..n-1. @since 0.1.0 */
MEXPR_API const char *mexpr_layout_title(int32_t index);

/** Which classes clips get; those without one are dropped, but for the first. A clip of
 *  an emotion that the database has not is kept without a label by MEGC2019 and FIVE, for
 *  mexpr_manifest_check() to find. */
typedef enum mexpr_classes {
    MEXPR_CLASSES_EMOTION = 0,  /**< the emotion as written, in small letters */
    MEXPR_CLASSES_MEGC2019 = 1, /**< negative, positive, surprise */
    MEXPR_CLASSES_FIVE = 2,     /**< the five of CASME II or of SAMM */
    MEXPR_CLASSES_MEGC2018 = 3  /**< objective classes I to V */
} mexpr_classes;

/** Options of mexpr_manifest_load_layout(). */
typedef struct mexpr_layout_options {
    size_t struct_size;
    int32_t classes;    /**< mexpr_classes */
    int32_t no_errata;  /**< 1: the table as it is, with its known mistakes */
    const char *type;   /**< only clips of this type, "micro" or "macro"; NULL: all */
    const char *prefix; /**< put before each path with a '/'; NULL: nothing */
} mexpr_layout_options;

#define MEXPR_LAYOUT_OPTIONS_INIT                                                        \
    {                                                                                    \
        sizeof(mexpr_layout_options), 0, 0, NULL, NULL                                   \
    }

/**
 * Makes a manifest of a database in the layout it is published in: folders of frames and
 * a table of labels. docs/dataset.md lists the layouts, the columns of their tables and
 * the corrections.
 * @param layout  one of mexpr_layout_name()
 * @param folder  of the database; frames that are not there are no failure here, see
 *                mexpr_manifest_check()
 * @param table   the sheet of labels as CSV with the columns it is published with, lines
 *                before its header passed over; NULL for SMIC, whose folders' names are
 *                the labels
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (options), MEXPR_E_ABI, MEXPR_E_NOT_FOUND
 *         (the layout, the folder, the table, no clips), MEXPR_E_IO, MEXPR_E_FORMAT (the
 *         table; the sentence names the line), MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence
 *         is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_load_layout(mexpr_context *context,
    const char *layout, const char *folder, const char *table,
    const mexpr_layout_options *options, mexpr_manifest **out);

/* --- action units ------------------------------------------------------------------ */

/** Where on the face an action unit was seen. */
typedef enum mexpr_au_side {
    MEXPR_AU_SIDE_NONE = 0, /**< not said: both */
    MEXPR_AU_SIDE_LEFT = 1,
    MEXPR_AU_SIDE_RIGHT = 2,
    MEXPR_AU_SIDE_TOP = 3,
    MEXPR_AU_SIDE_BOTTOM = 4,
    MEXPR_AU_SIDE_ASYMMETRIC = 5,
    MEXPR_AU_SIDE_UNILATERAL = 6
} mexpr_au_side;

/** What the number is one of (FACS, Ekman, Friesen and Hager 2002). */
typedef enum mexpr_au_code {
    MEXPR_AU_CODE_UNIT = 0,       /**< an action unit */
    MEXPR_AU_CODE_DESCRIPTOR = 1, /**< an action descriptor, AD */
    MEXPR_AU_CODE_MOVEMENT = 2    /**< of the head or the eyes, M */
} mexpr_au_code;

/** One entry of a list of action units. */
typedef struct mexpr_action_unit {
    int32_t number;       /**< 1..99 */
    int32_t code;         /**< mexpr_au_code */
    int32_t side;         /**< mexpr_au_side */
    int32_t intensity;    /**< 1..5 for A..E, 0: not said; the lower one of "4A/B" */
    int32_t intensity_to; /**< the higher one; the same where there is one */
    int32_t doubtful;     /**< 1 for "12?", "12(k)" and "ref(12)" */
    int32_t choice; /**< entries of one number above 0 exclude each other: "R6 or R12" */
} mexpr_action_unit;

/**
 * Reads a list of action units as the databases write it: "4+L10", "R12A", "AU1+2",
 * "4A/B", "(R6 or R12)+R15", "A/L12", "7D+ref(43)", "17+AD38". "", "NA", "?", "-" and "/"
 * are none.
 * @param units    receives the entries; NULL with a capacity of 0 only counts
 * @param capacity entries that `units` has room for
 * @param count    receives how many there are
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (the capacity; *count is right),
 *         MEXPR_E_FORMAT (the sentence says where); the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_action_units_parse(mexpr_context *context, const char *text,
    mexpr_action_unit *units, size_t capacity, size_t *count);

/* --- what is wrong with the clips -------------------------------------------------- */

/** What mexpr_manifest_check() finds; mexpr_finding_name() has its words. */
typedef enum mexpr_finding_kind {
    MEXPR_FINDING_ONSET_MISSING = 0,
    MEXPR_FINDING_APEX_MISSING = 1,
    MEXPR_FINDING_OFFSET_MISSING = 2,
    MEXPR_FINDING_ONSET_IS_APEX = 3,
    MEXPR_FINDING_APEX_OUTSIDE = 4, /**< before the onset or behind the offset */
    MEXPR_FINDING_OFFSET_BEFORE_ONSET = 5,
    MEXPR_FINDING_FPS_MISSING = 6,
    MEXPR_FINDING_LABEL_UNKNOWN = 7, /**< none, or an emotion the layout does not know */
    MEXPR_FINDING_AU_UNREADABLE = 8,
    MEXPR_FINDING_CLIP_DUPLICATE = 9, /**< the same frames as in a line before */
    MEXPR_FINDING_PATH_OUTSIDE = 10,  /**< it leaves the folder of the inputs */
    MEXPR_FINDING_CLIP_ABSENT = 11,   /**< no such folder or picture */
    MEXPR_FINDING_CLIP_EMPTY = 12,    /**< no picture in the folder */
    MEXPR_FINDING_FRAME_GAP = 13,     /**< numbers are missing between the files */
    MEXPR_FINDING_FRAME_ABSENT = 14,  /**< onset, apex or offset has no file */
    MEXPR_FINDING_FRAME_UNREADABLE = 15
} mexpr_finding_kind;

/** Which files mexpr_manifest_check() looks at. */
typedef enum mexpr_check_files {
    MEXPR_CHECK_KEY_FRAMES = 0, /**< lists folders and reads onset, apex and offset */
    MEXPR_CHECK_ALL_FRAMES = 1, /**< reads every frame */
    MEXPR_CHECK_NAMES = 2,      /**< lists folders */
    MEXPR_CHECK_NOTHING = 3     /**< the records alone */
} mexpr_check_files;

/** Options of mexpr_manifest_check(). */
typedef struct mexpr_check_options {
    size_t struct_size;
    int32_t files; /**< mexpr_check_files */
} mexpr_check_options;

#define MEXPR_CHECK_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_check_options), 0                                                   \
    }

/** The findings of one check. Immutable: threads may share it. */
typedef struct mexpr_findings mexpr_findings;

/** One finding. */
typedef struct mexpr_finding {
    size_t struct_size;
    int32_t kind;       /**< mexpr_finding_kind */
    int64_t clip;       /**< of the manifest, from 0 */
    int64_t frame;      /**< the number it is about, -1: none */
    const char *detail; /**< a sentence; lives as long as the findings */
} mexpr_finding;

#define MEXPR_FINDING_INIT                                                               \
    {                                                                                    \
        sizeof(mexpr_finding), 0, 0, 0, NULL                                             \
    }

/**
 * Looks for what is wrong with the records and their frames; that nothing is known of
 * frames is no finding where it is so of all records. Frame n is the file whose
 * name has the number n; where the first file's number is not the record's first_frame,
 * all are shifted by the difference.
 * @param folder   the paths of the manifest begin in it; NULL: the working folder
 * @param options  NULL for all defaults
 * @param progress called after every clip, or NULL
 * @param user     its first argument
 * @param out      receives the findings, in the order of the clips
 * @return MEXPR_OK (with findings, too), MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI,
 *         MEXPR_E_CANCELLED, MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_manifest_check(mexpr_context *context,
    const mexpr_manifest *manifest, const char *folder,
    const mexpr_check_options *options, mexpr_progress_fn progress, void *user,
    mexpr_findings **out);
/** How many; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_findings_count(const mexpr_findings *findings);
/** Fills in finding `index`. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_findings_get(
    const mexpr_findings *findings, int64_t index, mexpr_finding *finding);
/** Destroys the findings. @since 0.1.0 */
MEXPR_API void mexpr_findings_destroy(mexpr_findings **findings);
/** A word that never changes: "apex_missing", "frame_gap"; NULL for other numbers.
 *  Thread-safe. @since 0.1.0 */
MEXPR_API const char *mexpr_finding_name(mexpr_finding_kind kind);

MEXPR_END_DECLS

#endif
