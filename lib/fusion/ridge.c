/* SPDX-License-Identifier: MIT */
/* A symmetric positive definite system by Cholesky's factors, in double: L Lᵀ X = B. */
#include <math.h>

#include "fusion/solver.h"

enum { TELL_EVERY = 64 }; /* rows */

static double dot(const double *a, const double *b, int64_t n)
{
    double lane[4] = {0, 0, 0, 0};
    int64_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (int l = 0; l < 4; l++)
            lane[l] += a[k + l] * b[k + l];
    double sum = (lane[0] + lane[1]) + (lane[2] + lane[3]);
    for (; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* L over the lower half of the matrix, row by row. False: not positive definite. */
static bool factor_row(double *matrix, int64_t n, int64_t i)
{
    double *row = matrix + i * n;
    for (int64_t j = 0; j < i; j++)
        row[j] = (row[j] - dot(row, matrix + j * n, j)) / matrix[j * n + j];
    const double d = row[i] - dot(row, row, i);
    row[i] = sqrt(d);
    return d > 0 && isfinite(d);
}

static void solve_column(const double *l, int64_t n, double *x, int64_t stride)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = x[i * stride];
        for (int64_t k = 0; k < i; k++)
            sum -= l[i * n + k] * x[k * stride];
        x[i * stride] = sum / l[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        x[i * stride] /= l[i * n + i];
        for (int64_t k = 0; k < i; k++)
            x[k * stride] -= l[i * n + k] * x[i * stride];
    }
}

mexpr_status mx_ridge_solve(mx_scope *scope, double *matrix, int64_t n,
    const double *ridge, double *targets, int64_t n_columns, const mx_progress *progress)
{
    for (int64_t i = 0; i < n; i++)
        matrix[i * n + i] += ridge[i];
    for (int64_t i = 0; i < n; i++) {
        const mexpr_status status =
            i % TELL_EVERY == 0 ? mx_progress_tell(scope, progress) : MEXPR_OK;
        if (status != MEXPR_OK)
            return status;
        if (!factor_row(matrix, n, i))
            return mx_fail(scope, MEXPR_E_RANGE,
                "the kernel matrix with the ridge on its diagonal is not positive "
                "definite; take a larger ridge");
    }
    for (int64_t k = 0; k < n_columns; k++)
        solve_column(matrix, n, targets + k, n_columns);
    return MEXPR_OK;
}
