/* SPDX-License-Identifier: MIT */
/* The pictures that landmarks are learnt from: DIR/faces68/landmarks.csv (file, subject,
 * width, height, x0, y0, ..., x67, y67) with DIR/faces68/images, and DIR/nonfaces. */
#ifndef LANDMARK_DATA_H
#define LANDMARK_DATA_H

#include "face/landmark_pose.h"
#include "microexpr/image.h"

typedef struct landmark_sample {
    mexpr_image *image;               /* GREY8 */
    float points[2 * MX_FACE_POINTS]; /* without the labels' shift to the right */
    float eyes;                       /* distance of the outer corners */
    int subject;                      /* its place among the sorted subjects */
} landmark_sample;

typedef struct landmark_data {
    landmark_sample *faces;
    int n_faces;
    mexpr_image **others; /* pictures without faces */
    int n_others;
} landmark_data;

/* Which subjects: 4 of 5 are for training, of which one may be kept for choices. */
enum landmark_part { LANDMARK_TRAIN, LANDMARK_VALIDATE, LANDMARK_TEST };
enum landmark_part landmark_part_of(int subject_index);

/* Reads all but the test part. 0, or 1 after a message on stderr. */
int landmark_data_read(mexpr_context *context, const char *folder, landmark_data *data);
void landmark_data_free(landmark_data *data);

mx_face_view landmark_view(const mexpr_image *image);

#endif
