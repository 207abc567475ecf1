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
 * - `subject` (needed), and `dataset` (or `database`): together they are a person, unless
 *   a column `person` says who it is across databases;
 * - `file` or `path` (relative to the folder of the inputs) or `clip` (a name); one of
 *   them is needed;
 * - `label`, or the column that the options name: integers from 0, or names;
 * - `onset`, `apex`, `offset`, `first_frame`: frame numbers; `fps`: 200, 29.97 or
 *   30000/1001; `type`, `emotion_raw`, `au_raw`, `errata_id`: texts. "" and "NA" are
 *   unknown.
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
    const char *errata;       /**< id of the correction that was applied */
    int32_t label;            /**< class, -1: unknown */
    int32_t person;           /**< 0.., in order of appearance: who it is, for folds */
    int32_t dataset_index;    /**< 0.., in order of appearance */
    int32_t line;             /**< of the file, counted from 1 */
    int64_t first_frame;      /**< -1: unknown, as the three below */
    int64_t onset;
    int64_t apex;
    int64_t offset;
    double fps; /**< 0: unknown */
} mexpr_record;

#define MEXPR_RECORD_INIT                                                                \
    {                                                                                    \
        sizeof(mexpr_record), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,   \
            0, 0, 0, 0, 0, 0                                                             \
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

MEXPR_END_DECLS

#endif
