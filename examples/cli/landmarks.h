/* SPDX-License-Identifier: MIT */
/* 68 landmarks from the files that other programs write. */
#ifndef CLI_LANDMARKS_H
#define CLI_LANDMARKS_H

#include "cli.h"

enum { LANDMARK_NUMBERS = 2 * MEXPR_LANDMARKS_68 };

/*
 * Reads x0, y0, … x67, y67 in px, pixel centres at whole numbers from 0; an exit code.
 * - .pts of iBUG ("version: 1"), which count pixels from 1: 1 is taken off.
 * - CSV with a header: columns x_0 … y_67 (OpenFace) or x0 … y67; others are passed over,
 *   blanks too. A row whose column "success" is 0 is refused.
 * - CSV without a header: rows of 136 numbers x0, y0, x1, …, or 68 rows of 2.
 * `row` counts the rows of numbers from 1; 0: there must be only one.
 */
int landmarks_read(const char *path, int row, float xy[LANDMARK_NUMBERS]);

/* Whether they can be those of a face in a picture of that size; an exit code. */
int landmarks_check(
    const float xy[LANDMARK_NUMBERS], const char *path, int width, int height);

#endif
