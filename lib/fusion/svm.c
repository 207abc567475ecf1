/* SPDX-License-Identifier: MIT */
/* Sequential minimal optimization of the dual of a C-support vector machine, with the
 * working set of R.-E. Fan, P.-H. Chen, C.-J. Lin: "Working Set Selection Using Second
 * Order Information for Training Support Vector Machines", JMLR 6 (2005), WSS 2.
 *
 * With b_t = sign_t alpha_t and the residual v_t = sign_t - Σ_s b_s K(t, s), a step moves
 * s from b_j to b_i, which keeps Σ b = 0, and gains most where v_i - v_j is large. */
#include <math.h>

#include "fusion/solver.h"

#define MIN_CURVATURE 1e-12
enum { TELL_EVERY = 4096 };

mexpr_status mx_progress_tell(mx_scope *scope, const mx_progress *progress)
{
    if (progress->call && progress->call(progress->user, progress->done, progress->total))
        return mx_fail(
            scope, MEXPR_E_CANCELLED, "the progress callback asked to stop training");
    return MEXPR_OK;
}

static const float *kernel_row(const mx_svm *svm, int64_t t)
{
    return svm->kernel + svm->index[t] * svm->stride;
}

/* b may still grow: up to bound for a positive row, up to 0 for a negative one. */
static double room_up(const mx_svm *svm, const double *b, int64_t t)
{
    return svm->sign[t] > 0 ? svm->bound[t] - b[t] : -b[t];
}

static double room_down(const mx_svm *svm, const double *b, int64_t t)
{
    return svm->sign[t] > 0 ? b[t] : svm->bound[t] + b[t];
}

static double curvature(const mx_svm *svm, int64_t i, int64_t j)
{
    const double a = (double)kernel_row(svm, i)[svm->index[i]] +
                     (double)kernel_row(svm, j)[svm->index[j]] -
                     2 * (double)kernel_row(svm, i)[svm->index[j]];
    return a > MIN_CURVATURE ? a : MIN_CURVATURE;
}

/* The pair of the next step, and the largest violation of optimality. */
static double select_pair(
    const mx_svm *svm, const double *b, const double *v, int64_t *i, int64_t *j)
{
    double highest = -INFINITY, lowest = INFINITY, best = 0;
    *i = *j = -1;
    for (int64_t t = 0; t < svm->n; t++)
        if (v[t] > highest && room_up(svm, b, t) > 0) {
            highest = v[t];
            *i = t;
        }
    for (int64_t t = 0; t < svm->n && *i >= 0; t++) {
        if (!(room_down(svm, b, t) > 0))
            continue;
        lowest = fmin(lowest, v[t]);
        const double d = highest - v[t];
        if (d > 0 && d * d / curvature(svm, *i, t) > best) {
            best = d * d / curvature(svm, *i, t);
            *j = t;
        }
    }
    return *j < 0 ? 0 : highest - lowest;
}

static void move(const mx_svm *svm, double *b, double *v, int64_t i, int64_t j)
{
    const double up = room_up(svm, b, i), down = room_down(svm, b, j);
    const double step = fmin((v[i] - v[j]) / curvature(svm, i, j), fmin(up, down));
    /* On a bound exactly, whatever the rounding of a sum would be. */
    b[i] = step < up ? b[i] + step : svm->sign[i] > 0 ? svm->bound[i] : 0;
    b[j] = step < down ? b[j] - step : svm->sign[j] > 0 ? 0 : -svm->bound[j];
    const float *ki = kernel_row(svm, i), *kj = kernel_row(svm, j);
    for (int64_t t = 0; t < svm->n; t++)
        v[t] -= step * ((double)ki[svm->index[t]] - (double)kj[svm->index[t]]);
}

/* Rows strictly between their bounds have v = bias; without any, the middle of what the
 * others allow. */
static double find_bias(const mx_svm *svm, const double *b, const double *v)
{
    double sum = 0, highest = -INFINITY, lowest = INFINITY;
    int64_t n_free = 0;
    for (int64_t t = 0; t < svm->n; t++) {
        const bool up = room_up(svm, b, t) > 0, down = room_down(svm, b, t) > 0;
        if (up && down) {
            sum += v[t];
            n_free++;
        }
        highest = up ? fmax(highest, v[t]) : highest;
        lowest = down ? fmin(lowest, v[t]) : lowest;
    }
    return n_free > 0 ? sum / (double)n_free : (highest + lowest) / 2;
}

mexpr_status mx_svm_solve(mx_scope *scope, const mx_svm *svm, const mx_progress *progress,
    double *coefficients, double *bias, double *work)
{
    double *b = coefficients, *v = work;
    bool settled = false;
    mexpr_status status = MEXPR_OK;
    for (int64_t t = 0; t < svm->n; t++) {
        b[t] = 0;
        v[t] = svm->sign[t];
    }
    for (int64_t k = 0; k < svm->most_steps && !settled && status == MEXPR_OK; k++) {
        int64_t i, j;
        if (k % TELL_EVERY == 0)
            status = mx_progress_tell(scope, progress);
        settled = select_pair(svm, b, v, &i, &j) < svm->tolerance;
        if (!settled)
            move(svm, b, v, i, j);
    }
    *bias = find_bias(svm, b, v);
    if (status == MEXPR_OK && !settled)
        status = mx_fail(scope, MEXPR_E_RANGE,
            "the machine has not come within the tolerance after %lld steps; scale the "
            "features, or take a smaller cost or a larger tolerance",
            (long long)svm->most_steps);
    return status;
}
