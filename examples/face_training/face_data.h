/* SPDX-License-Identifier: MIT */
/* Labelled pictures of faces and pictures without: DIR/faces68/landmarks.csv (file,
 * subject, width, height, x0, y0, … x67, y67) beside its images/, and DIR/nonfaces/. */
#ifndef FACE_TRAINING_FACE_DATA_H
#define FACE_TRAINING_FACE_DATA_H

#include "face/face_parts.h"

/* Of the subjects, sorted by number, and of the pictures without faces, sorted by name,
 * every fifth is held out, and the one before it is for choices. */
enum { FACE_TRAINING, FACE_VALIDATION, FACE_HELD_OUT };

typedef struct face_picture {
    char name[256];
    int part; /* one of the three above */
    bool has_face;
    mx_face_view view;
    float points[2 * MX_FACE_POINTS]; /* the labels, 1.33 % of the box further left */
    mx_face_box box;                  /* mx_face_box_around() of them */
} face_picture;

typedef struct face_data {
    face_picture *pictures; /* those with a face first */
    int n;
} face_data;

/* Prints what is wrong and returns false. */
bool face_data_load(mexpr_context *context, const char *folder, face_data *data);
void face_data_free(face_data *data);

#endif
