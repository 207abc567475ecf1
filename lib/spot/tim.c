/* SPDX-License-Identifier: MIT */
/* The temporal interpolation model of Z. Zhou, G. Zhao, M. Pietikäinen, "Towards a
 * Practical Lipreading System", CVPR 2011, as weights of frames.
 *
 * The paper places n frames on a path graph. With v = 1..n its Laplacian's eigenvectors
 * are y_k(v) = sin(pi k v/n + pi (n-k)/(2n)), k = 1..n-1, which are values of smooth
 * functions f_k(t) at t = v/n. The frames minus their mean, X, are mapped linearly onto
 * these points; a point of the curve f(t) goes back by the inverse map. For frames that
 * are linearly independent, as the paper asks, the map is exact, and as the y_k are
 * orthogonal with squared norm n/2, the way there and back is
 *
 *     mean + X a(t),  a_v(t) = (2/n) sum_k y_k(v) f_k(t):
 *
 * neither the decomposition of X that the paper computes nor the frames themselves are
 * needed for it. sin(x + pi/2 - pi k/(2n)) makes the y_k the cosines of the DCT-II,
 * cos(pi k (v - 1/2)/n), and the sum over k is a Dirichlet kernel. For dependent frames
 * this is the limit of independent ones. */
#include "spot/tim.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Sum of cos(pi k x/n) over k = 1..n-1. */
static double cosines(int64_t n, double x)
{
    const double half = PI * x / (2 * (double)n);
    const double s = sin(half);
    if (fabs(s) < 1e-12)
        return (double)(n - 1);
    return sin((2 * (double)n - 1) * half) / (2 * s) - 0.5;
}

double mx_tim_weight(int64_t n, double position, int64_t i)
{
    const double at = (double)i;
    return (1 + cosines(n, at - position) + cosines(n, at + position + 1)) / (double)n;
}
