/* SPDX-License-Identifier: MIT */
/* 68 landmarks from the files that other programs write. */
#ifndef CLI_LANDMARKS_H
#define CLI_LANDMARKS_H

#include "cli.h"

enum { LANDMARK_NUMBERS = 2 * MEXPR_LANDMARKS_68 };

/* Reads x0, y0, … x67, y67 in px as mexpr_face_table_read() does; an exit code. `row`
 * counts the rows of the file from 1; 0: there must be only one. */
int landmarks_read(
    mexpr_context *context, const char *path, int row, float xy[LANDMARK_NUMBERS]);

/* Whether they can be those of a face in a picture of that size; an exit code. */
int landmarks_check(
    const float xy[LANDMARK_NUMBERS], const char *path, int width, int height);

#endif
