/* SPDX-License-Identifier: MIT */
#include "landmarks.h"

#include <math.h>

enum { MIN_SPAN = 8 };

static int choose(
    mexpr_face_table *table, const char *path, int row, float xy[LANDMARK_NUMBERS])
{
    mexpr_face_row one = MEXPR_FACE_ROW_INIT;
    const int64_t n = mexpr_face_table_n_rows(table);
    if (row > n)
        return cli_fail("'%s' has %lld rows of landmarks; row %d is none of them", path,
            (long long)n, row);
    if (!row && n > 1)
        return cli_fail(
            "'%s' has %lld rows of landmarks; choose one with --landmarks-row", path,
            (long long)n);
    const mexpr_status status = mexpr_face_table_row(table, row ? row - 1 : 0, &one);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_face_table_last_error(table), path);
    if (!one.success)
        return cli_fail("'%s', row %d: success is 0, its landmarks are of no face", path,
            row ? row : 1);
    for (int i = 0; i < LANDMARK_NUMBERS; i++)
        xy[i] = one.landmarks[i];
    return CLI_OK;
}

int landmarks_read(
    mexpr_context *context, const char *path, int row, float xy[LANDMARK_NUMBERS])
{
    mexpr_face_table *table = NULL;
    const mexpr_status status = mexpr_face_table_read(context, path, &table);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(context), NULL);
    const int code = choose(table, path, row, xy);
    mexpr_face_table_destroy(&table);
    return code;
}

int landmarks_check(
    const float xy[LANDMARK_NUMBERS], const char *path, int width, int height)
{
    float low = xy[0], high = xy[0];
    int inside = 0;
    for (int i = 0; i < LANDMARK_NUMBERS; i += 2) {
        low = fminf(low, xy[i]);
        high = fmaxf(high, xy[i]);
        inside += xy[i] >= 0 && xy[i] < (float)width && xy[i + 1] >= 0 &&
                  xy[i + 1] < (float)height;
    }
    if (high - low < MIN_SPAN)
        return cli_fail("'%s': the landmarks span %.3g px only; they must be in pixels",
            path, (double)(high - low));
    if (2 * inside < MEXPR_LANDMARKS_68)
        return cli_fail("'%s': only %d of 68 landmarks lie in the %d x %d picture; they "
                        "must be in its pixels",
            path, inside, width, height);
    return CLI_OK;
}
