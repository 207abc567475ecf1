/* SPDX-License-Identifier: MIT */
/* The ONNX backend suite (Debian's libonnx-testdata): every case whose operators, types
 * and opset are supported has to pass; the others are counted by reason. With "-v" each
 * case is named; with "-c" the cases passed are counted by operator, as conformance.txt
 * has them for docs/operators.md. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/model.h"
#include "support.h"

enum { MAX_CASES = 2048, MAX_OUTPUTS = 32, MAX_OPERATORS = 512 };

typedef struct tally {
    int passed, failed;
    int by_operator, by_opset, by_type;
} tally;

static bool is_verbose, is_counting;

/* Cases passed by operator. */
static struct {
    char name[48];
    int n;
} counts[MAX_OPERATORS];
static int n_counts;

static int *count_of(const char *name)
{
    int i = 0;
    while (i < n_counts && strcmp(counts[i].name, name) != 0)
        i++;
    if (i == n_counts) {
        assert_true(i < MAX_OPERATORS);
        snprintf(counts[n_counts++].name, sizeof counts[i].name, "%s", name);
    }
    return &counts[i].n;
}

/* One more for each operator of the model. */
static void count_operators(const mexpr_model *model)
{
    const int n = mexpr_model_n_nodes(model);
    for (int i = 0; i < n; i++) {
        const char *op, *other;
        bool is_new = true;
        assert_int_equal(mexpr_model_node(model, i, NULL, &op), MEXPR_OK);
        for (int k = 0; k < i; k++) {
            mexpr_model_node(model, k, NULL, &other);
            is_new = is_new && strcmp(op, other) != 0;
        }
        *count_of(op) += is_new;
    }
}

static int by_count_name(const void *a, const void *b)
{
    return strcmp(a, b); /* the name comes first */
}

/* No operator passes fewer cases than the list says. */
static void compare_counts(const char *path)
{
    char name[48];
    int n;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%47s %d", name, &n) == 2) {
        if (*count_of(name) < n)
            fail_msg("%s passes %d cases; %d did before", name, *count_of(name), n);
    }
    fclose(file);
}

/* numpy.allclose as the suite uses it. */
static bool close_enough(const mexpr_tensor_view *want, const mexpr_tensor_view *got)
{
    if (want->dtype != got->dtype || want->rank != got->rank)
        return false;
    size_t n = 1;
    for (int i = 0; i < want->rank; i++) {
        if (want->dims[i] != got->dims[i])
            return false;
        n *= (size_t)want->dims[i];
    }
    if (want->dtype != MEXPR_DTYPE_F32)
        return n == 0 || memcmp(want->data, got->data,
                             n * mexpr_dtype_bytes((mexpr_dtype)want->dtype)) == 0;
    for (size_t i = 0; i < n; i++) {
        const float a = ((const float *)want->data)[i], b = ((const float *)got->data)[i];
        const bool both_nan = isnan(a) && isnan(b);
        if (!both_nan && a != b && !(fabsf(a - b) <= 1e-7f + 1e-3f * fabsf(a)))
            return false;
    }
    return true;
}

static void fail_case(tally *t, const char *name, const char *why)
{
    t->failed++;
    print_error("%s: %s\n", name, why);
}

/* Data of a type that tensors here cannot have take the case out of scope. */
static bool is_readable(mexpr_context *context, const char *folder)
{
    static const char *const kinds[] = {"input", "output"};
    char path[1200];
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0;; i++) {
            mexpr_tensor *tensor = NULL;
            snprintf(path, sizeof path, "%s/%s_%d.pb", folder, kinds[kind], i);
            const mexpr_status status = mexpr_tensor_read(context, path, &tensor);
            mexpr_tensor_destroy(&tensor);
            if (status == MEXPR_E_TYPE)
                return false;
            if (status != MEXPR_OK)
                break;
        }
    }
    return true;
}

/* Files input_K.pb and output_K.pb of one data set. */
static bool run_set(mexpr_context *context, mexpr_model *model, const char *folder,
    tally *t, const char *name)
{
    mexpr_session *session = NULL;
    mexpr_tensor *tensors[MAX_OUTPUTS] = {NULL};
    char path[1200];
    bool good = true;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    const int n_inputs = mexpr_model_n_inputs(model);
    for (int i = 0; good && i < n_inputs && i < MAX_OUTPUTS; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        snprintf(path, sizeof path, "%s/input_%d.pb", folder, i);
        assert_int_equal(mexpr_model_input(model, i, &info), MEXPR_OK);
        good = mexpr_tensor_read(context, path, &tensors[i]) == MEXPR_OK;
        if (!good)
            fail_case(t, name, mexpr_context_last_error(context));
        if (good) {
            assert_int_equal(mexpr_tensor_get(tensors[i], &view), MEXPR_OK);
            good = mexpr_session_set_input(session, info.name, &view) == MEXPR_OK;
            if (!good)
                fail_case(t, name, mexpr_session_last_error(session));
        }
    }
    const mexpr_status status = good ? mexpr_session_run(session) : MEXPR_OK;
    if (status != MEXPR_OK) {
        good = false;
        if (status == MEXPR_E_OPERATOR) /* the training form, asked for by an input */
            t->by_operator++;
        else
            fail_case(t, name, mexpr_session_last_error(session));
    }
    for (int i = 0; good && i < mexpr_model_n_outputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view want = MEXPR_TENSOR_VIEW_INIT, got = MEXPR_TENSOR_VIEW_INIT;
        mexpr_tensor *expected = NULL;
        snprintf(path, sizeof path, "%s/output_%d.pb", folder, i);
        assert_int_equal(mexpr_model_output(model, i, &info), MEXPR_OK);
        assert_ok(context, mexpr_tensor_read(context, path, &expected));
        assert_int_equal(mexpr_tensor_get(expected, &want), MEXPR_OK);
        assert_int_equal(mexpr_session_output(session, info.name, &got), MEXPR_OK);
        good = close_enough(&want, &got);
        if (!good)
            fail_case(t, name, info.name);
        mexpr_tensor_destroy(&expected);
    }
    mexpr_session_destroy(&session);
    for (int i = 0; i < MAX_OUTPUTS; i++)
        mexpr_tensor_destroy(&tensors[i]);
    return good;
}

/* What is written loads, and is the same when it is written again. */
static bool survives_writing(mexpr_context *context, const mexpr_model *model)
{
    mexpr_model *copy = NULL;
    void *bytes = NULL, *again = NULL;
    size_t size = 0, size_again = 0;
    const bool survives =
        mexpr_model_encode(context, model, &bytes, &size) == MEXPR_OK &&
        mexpr_model_load_memory(context, bytes, size, &copy) == MEXPR_OK &&
        mexpr_model_encode(context, copy, &again, &size_again) == MEXPR_OK &&
        size == size_again && memcmp(bytes, again, size) == 0;
    mexpr_model_destroy(&copy);
    mexpr_bytes_free(context, &bytes);
    mexpr_bytes_free(context, &again);
    return survives;
}

static void run_case(mexpr_context *context, const char *root, const char *name, tally *t)
{
    char path[1024];
    mexpr_model *model = NULL;
    snprintf(path, sizeof path, "%s/%s/model.onnx", root, name);
    const mexpr_status status = mexpr_model_load(context, path, &model);
    if (status == MEXPR_E_OPERATOR || status == MEXPR_E_OPSET || status == MEXPR_E_TYPE) {
        (*(status == MEXPR_E_OPERATOR ? &t->by_operator
            : status == MEXPR_E_OPSET ? &t->by_opset
                                      : &t->by_type))++;
        if (is_verbose)
            print_message("out of scope: %s\n", mexpr_context_last_error(context));
        return;
    }
    if (status == MEXPR_E_NOT_FOUND) /* a case whose model is to be downloaded */
        return;
    if (status != MEXPR_OK) {
        fail_case(t, name, mexpr_context_last_error(context));
        return;
    }
    bool good = survives_writing(context, model);
    int n_sets = 0;
    if (!good)
        fail_case(t, name, "it is not the same when it is written and read");
    for (;; n_sets++) {
        snprintf(path, sizeof path, "%s/%s/test_data_set_%d", root, name, n_sets);
        DIR *folder = opendir(path);
        if (!folder)
            break;
        closedir(folder);
        if (!is_readable(context, path)) {
            t->by_type++;
            mexpr_model_destroy(&model);
            return;
        }
        good = good && run_set(context, model, path, t, name);
    }
    if (n_sets == 0)
        fail_case(t, name, "no data sets");
    else if (good) {
        t->passed++;
        count_operators(model);
        if (is_verbose)
            print_message("passed: %s\n", name);
    }
    mexpr_model_destroy(&model);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_suite(
    mexpr_context *context, const char *root, const char *suite, int floor)
{
    static char *names[MAX_CASES];
    char path[512];
    int n = 0;
    tally t = {0, 0, 0, 0, 0};
    snprintf(path, sizeof path, "%s/%s", root, suite);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) && n < MAX_CASES;) {
        if (entry->d_name[0] != '.')
            names[n++] = strdup(entry->d_name);
    }
    closedir(folder);
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        run_case(context, path, names[i], &t);
        free(names[i]);
    }
    print_message(
        "%s: %d cases: %d passed, %d failed; out of scope: %d by operator, %d by "
        "opset, %d by type\n",
        suite, n, t.passed, t.failed, t.by_operator, t.by_opset, t.by_type);
    assert_int_equal(t.failed, 0);
    if (t.passed < floor)
        fail_msg("only %d of %s passed; %d did before", t.passed, suite, floor);
}

static void conformance(void **state)
{
    (void)state;
    const char *root = getenv("MEXPR_TEST_ONNX");
    if (!root || !*root) {
        print_message("skipped: libonnx-testdata is not installed\n");
        skip();
    }
    mexpr_context *context = test_context(NULL, 1);
    run_suite(context, root, "node", 714);
    run_suite(context, root, "simple", 7);
    run_suite(context, root, "pytorch-operator", 35);
    run_suite(context, root, "pytorch-converted", 82);
    mexpr_context_destroy(&context);
    qsort(counts, (size_t)n_counts, sizeof counts[0], by_count_name);
    for (int i = 0; is_counting && i < n_counts; i++)
        printf("%s %d\n", counts[i].name, counts[i].n);
    if (getenv("MEXPR_TEST_COUNTS"))
        compare_counts(getenv("MEXPR_TEST_COUNTS"));
}

int main(int argc, char **argv)
{
    is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    is_counting = argc > 1 && strcmp(argv[1], "-c") == 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(conformance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
