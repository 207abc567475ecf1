/* SPDX-License-Identifier: MIT */
/* Runs one operator at a time, in a model of one node. */
#ifndef TESTS_OPERATOR_CHECK_H
#define TESTS_OPERATOR_CHECK_H

#include "base/rng.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

/* ONNX's numbers of element types. */
enum { F32 = 1, U8 = 2, I32 = 6, I64 = 7, BOOL = 9 };

/* The context of the test at hand: TEST(f) in the list of tests makes and destroys it. */
extern mexpr_context *context;
int set_up(void **state);
int tear_down(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

typedef struct input {
    int type;
    const char *dims; /* "2 3", or names of open dimensions */
    const void *data;
    bool is_constant;
} input;

#define INPUTS(...) ((input[]){__VA_ARGS__})
#define FLOATS(...) ((const float[]){__VA_ARGS__})
#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define SHORTS(...) ((const int32_t[]){__VA_ARGS__})
#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})

/* A node without attributes whose output is y. */
onnx_message plain(const char *op, const char *inputs);

typedef struct result {
    mexpr_model *model;
    mexpr_session *session;
    mexpr_tensor_view view; /* of the output y */
} result;

mexpr_tensor_view view_of(const input *in);
size_t bytes_of(const mexpr_tensor_view *view);
/* Runs `node`, whose inputs are called a, b, c, ... and whose output is y. Releases the
 * node; done() the result. */
result run(int64_t opset, onnx_message *node, const input *inputs, int n);
void done(result *r);

/* Checks type, shape and numbers of the output, and releases everything. Each node runs
 * with its inputs given and with them constant, which folds it. */
void check(int64_t opset, onnx_message node, input *inputs, int n, int type,
    const char *dims, const void *want);
/* Checks that the model is refused at load with this status and a sentence that has
 * `part` in it. */
void check_refused(int64_t opset, onnx_message node, const input *inputs, int n,
    mexpr_status status, const char *part);

/* n numbers of the normal distribution; free() them. */
float *randoms(mx_rng *rng, size_t n);
/* 0..n-1. */
int64_t below(mx_rng *rng, uint32_t n);
/* "3 4 5 " for the attribute writers. */
void list(char *to, size_t size, const int64_t *values, int n);

#endif
