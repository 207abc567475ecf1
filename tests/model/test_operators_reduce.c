/* SPDX-License-Identifier: MIT */
/* Reductions, extremes, running sums and rankings against plain loops. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

enum { N0 = 3, N1 = 4, N2 = 5, N = N0 * N1 * N2 };

static const char shape[] = "3 4 5";

/* What each reduction makes of the numbers x[0..n-1]. */
static double reduce_plainly(const char *op, const double *x, int n)
{
    double sum = 0, squares = 0, abs = 0, product = 1, max = -1e30, min = 1e30, exps = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        abs += fabs(x[i]);
        product *= x[i];
        max = fmax(max, x[i]);
        min = fmin(min, x[i]);
        exps += exp(x[i]);
    }
    return strcmp(op, "ReduceSum") == 0         ? sum
           : strcmp(op, "ReduceMean") == 0      ? sum / n
           : strcmp(op, "ReduceProd") == 0      ? product
           : strcmp(op, "ReduceMax") == 0       ? max
           : strcmp(op, "ReduceMin") == 0       ? min
           : strcmp(op, "ReduceL1") == 0        ? abs
           : strcmp(op, "ReduceL2") == 0        ? sqrt(squares)
           : strcmp(op, "ReduceLogSum") == 0    ? log(sum)
           : strcmp(op, "ReduceLogSumExp") == 0 ? log(exps)
                                                : squares;
}

/* Over the axes of the mask, by visiting all elements for each result. */
static int reduce_all(const char *op, int mask, const double *x, double *y)
{
    int n_out = 0;
    for (int first = 0; first < N; first++) {
        const int at[3] = {first / (N1 * N2), first / N2 % N1, first % N2};
        double part[N];
        int n = 0;
        bool is_first = true;
        for (int d = 0; d < 3; d++)
            is_first = is_first && !(mask & 1 << d && at[d] > 0);
        for (int i = 0; is_first && i < N; i++) {
            const int other[3] = {i / (N1 * N2), i / N2 % N1, i % N2};
            bool same = true;
            for (int d = 0; d < 3; d++)
                same = same && (mask & 1 << d || other[d] == at[d]);
            if (same)
                part[n++] = x[i];
        }
        if (is_first)
            y[n_out++] = reduce_plainly(op, part, n);
    }
    return n_out;
}

static void check_reduction(const char *op, int mask, int keep, int type, mx_rng *rng)
{
    static const int sizes[3] = {N0, N1, N2};
    double x[N], y[N];
    float xf[N], yf[N];
    int32_t xi[N], yi[N];
    int64_t xl[N], yl[N], axes[3];
    int n_axes = 0;
    char dims[64] = "", axis_dims[16];
    for (int i = 0; i < N; i++) {
        xi[i] = (int32_t)below(rng, 3) + 1;
        xf[i] = type == F32 ? (float)below(rng, 1000) / 500 + 0.1f : (float)xi[i];
        xl[i] = xi[i];
        x[i] = (double)xf[i];
    }
    const int n_out = reduce_all(op, mask, x, y);
    for (int i = 0; i < n_out; i++) {
        yf[i] = (float)y[i];
        yi[i] = (int32_t)(uint32_t)(int64_t)y[i];
        yl[i] = (int64_t)y[i];
    }
    for (int d = 0; d < 3; d++) {
        char one[16] = "";
        if (mask & 1 << d)
            axes[n_axes++] = d % 2 ? d - 3 : d;
        if (!(mask & 1 << d) || keep)
            snprintf(one, sizeof one, "%d ", mask & 1 << d ? 1 : sizes[d]);
        strcat(dims, one);
    }
    onnx_message node = plain(op, "a b");
    onnx_attr_int(&node, "keepdims", keep);
    snprintf(axis_dims, sizeof axis_dims, "%d", n_axes);
    check(18, node,
        INPUTS({type, shape,
                   type == F32   ? (void *)xf
                   : type == I32 ? (void *)xi
                                 : xl,
                   0},
            {I64, axis_dims, axes, 0}),
        2, type, dims,
        type == F32   ? (void *)yf
        : type == I32 ? (void *)yi
                      : yl);
}

static void reductions(void **state)
{
    (void)state;
    static const char *const ops[] = {"ReduceSum", "ReduceMean", "ReduceProd",
        "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceLogSum",
        "ReduceLogSumExp", "ReduceSumSquare"};
    mx_rng rng;
    mx_rng_seed(&rng, 11, 0);
    for (int op = 0; op < 10; op++) {
        for (int mask = 1; mask < 8; mask++) {
            check_reduction(ops[op], mask, mask & 1, F32, &rng);
            if (strcmp(ops[op], "ReduceProd") == 0 && mask == 7)
                continue; /* wraps around, as below */
            check_reduction(ops[op], mask, mask & 1, I32, &rng);
            check_reduction(ops[op], mask, mask & 1, I64, &rng);
        }
    }
}

static void reduction_details(void **state)
{
    (void)state;
    const input x = {F32, "2", FLOATS(3, -4), 0};
    onnx_message node = plain("ReduceL1", "a");
    onnx_attr_int(&node, "noop_with_empty_axes", 1);
    check(18, node, INPUTS(x), 1, F32, "2", FLOATS(3, -4));
    check(13, plain("ReduceLogSumExp", "a"), INPUTS({F32, "2", FLOATS(1000, 1000), 0}), 1,
        F32, "1", FLOATS(1000.693147f));
    check(13, plain("ReduceLogSumExp", "a"),
        INPUTS({F32, "2", FLOATS(-INFINITY, -INFINITY), 0}), 1, F32, "1",
        FLOATS(-INFINITY));
    check(13, plain("ReduceSum", "a"), INPUTS({I32, "2", SHORTS(INT32_MAX, 1), 0}), 1,
        I32, "1", SHORTS(INT32_MIN));
    check(13, plain("ReduceMax", "a"), INPUTS({F32, "2", FLOATS(NAN, 1), 0}), 1, F32, "1",
        FLOATS(NAN));
    check(20, plain("ReduceMin", "a"), INPUTS({BOOL, "3", BYTES(1, 0, 1), 0}), 1, BOOL,
        "1", BYTES(0));
    check(13, plain("ReduceMax", "a"), INPUTS({U8, "3", BYTES(7, 200, 1), 0}), 1, U8, "1",
        BYTES(200));
    check_refused(18, plain("ReduceSum", "a b"),
        INPUTS({F32, "2", NULL, 0}, {I64, "1", INTS(3), 1}), 2, MEXPR_E_SHAPE, "axis 3");
}

static void extremes(void **state)
{
    (void)state;
    const input x = {F32, "2 3", FLOATS(1, 5, 5, NAN, 2, NAN), 0};
    onnx_message node = plain("ArgMax", "a");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x), 1, I64, "2 1", INTS(1, 0));
    node = plain("ArgMax", "a");
    onnx_attr_int(&node, "axis", -1);
    onnx_attr_int(&node, "keepdims", 0);
    onnx_attr_int(&node, "select_last_index", 1);
    check(13, node, INPUTS({I32, "2 3", SHORTS(1, 5, 5, 9, 2, 9), 0}), 1, I64, "2",
        INTS(2, 2));
    check(13, plain("ArgMin", "a"), INPUTS({U8, "3 2", BYTES(4, 1, 3, 1, 5, 0), 0}), 1,
        I64, "1 2", INTS(1, 2));
    check_refused(13, plain("ArgMax", "a"), INPUTS({F32, "0 2", NULL, 0}), 1,
        MEXPR_E_SHAPE, "empty");
}

static void running_sums(void **state)
{
    (void)state;
    const input x = {I64, "2 3", INTS(1, 2, 3, 4, 5, 6), 0};
    const input rows = {I32, "", SHORTS(0), 0}, columns = {I64, "1", INTS(-1), 0};
    check(14, plain("CumSum", "a b"), INPUTS(x, rows), 2, I64, "2 3",
        INTS(1, 2, 3, 5, 7, 9));
    onnx_message node = plain("CumSum", "a b");
    onnx_attr_int(&node, "exclusive", 1);
    onnx_attr_int(&node, "reverse", 1);
    check(14, node, INPUTS(x, columns), 2, I64, "2 3", INTS(5, 3, 0, 11, 6, 0));
    check_refused(14, plain("CumSum", "a b"),
        INPUTS({F32, "2", FLOATS(1, 2), 1}, {I64, "", INTS(1), 1}), 2, MEXPR_E_SHAPE,
        "axis 1");
}

/* The largest by looking through all that are left, again and again. */
static void rankings(void **state)
{
    (void)state;
    enum { LENGTH = 37 };
    mx_rng rng;
    mx_rng_seed(&rng, 5, 0);
    for (int turn = 0; turn < 40; turn++) {
        const int k = 1 + (int)below(&rng, LENGTH), largest = turn % 2;
        float x[LENGTH], values[LENGTH];
        int64_t positions[LENGTH];
        bool taken[LENGTH] = {false};
        char dims[16];
        for (int i = 0; i < LENGTH; i++)
            x[i] = (float)below(&rng, 12);
        for (int j = 0; j < k; j++) {
            int best = -1;
            for (int i = 0; i < LENGTH; i++) {
                if (!taken[i] &&
                    (best < 0 || (largest ? x[i] > x[best] : x[i] < x[best])))
                    best = i;
            }
            taken[best] = true;
            values[j] = x[best];
            positions[j] = best;
        }
        snprintf(dims, sizeof dims, "%d", k);
        for (int which = 0; which < 2; which++) {
            onnx_message node =
                onnx_node("TopK", "", "a b", which ? "other y" : "y other");
            onnx_attr_int(&node, "largest", largest);
            check(11, node, INPUTS({F32, "37", x, 0}, {I64, "1", INTS(k), 0}), 2,
                which ? I64 : F32, dims, which ? (void *)positions : values);
        }
    }
    check_refused(11, onnx_node("TopK", "top", "a b", "y i"),
        INPUTS({F32, "3", NULL, 0}, {I64, "1", INTS(4), 1}), 2, MEXPR_E_SHAPE, "4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(reductions), TEST(reduction_details),
        TEST(extremes), TEST(running_sums), TEST(rankings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
