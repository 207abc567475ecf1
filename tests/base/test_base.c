/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/scope.h"

static void status_names(void **state)
{
    (void)state;
    assert_string_equal(mexpr_status_name(MEXPR_OK), "MEXPR_OK");
    assert_string_equal(mexpr_status_name(MEXPR_E_ABI), "MEXPR_E_ABI");
    assert_string_equal(mexpr_status_name((mexpr_status)-9999), "MEXPR_E_UNKNOWN");
    assert_non_null(mexpr_status_message((mexpr_status)-9999));
    assert_int_equal(mexpr_version(),
        MEXPR_VERSION_MAJOR * 10000 + MEXPR_VERSION_MINOR * 100 + MEXPR_VERSION_PATCH);
    assert_non_null(strstr(mexpr_build_features(), "gemm="));
}

static void *no_memory(void *user, size_t size, size_t alignment)
{
    (void)user;
    (void)size;
    (void)alignment;
    return NULL;
}

static void context_options(void **state)
{
    (void)state;
    mexpr_context *context = NULL;
    assert_int_equal(mexpr_context_create(NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_context_create(NULL, &context), MEXPR_OK);
    assert_int_equal(mexpr_context_threads(context), 1);
    assert_int_equal(mexpr_context_cpu(context), mexpr_cpu_flags());
    assert_string_equal(mexpr_context_last_error(context), "");
    mexpr_context_destroy(&context);
    assert_null(context);
    mexpr_context_destroy(&context);
    mexpr_context_destroy(NULL);

    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.struct_size = 8;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_ABI);
    assert_null(context);
    options.struct_size = 5000;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_ABI);

    struct {
        mexpr_context_options known;
        uint64_t later;
    } newer = {MEXPR_CONTEXT_OPTIONS_INIT, 0};
    newer.known.struct_size = sizeof newer;
    assert_int_equal(mexpr_context_create(&newer.known, &context), MEXPR_OK);
    mexpr_context_destroy(&context);
    newer.later = 1;
    assert_int_equal(mexpr_context_create(&newer.known, &context), MEXPR_E_ABI);

    options = (mexpr_context_options)MEXPR_CONTEXT_OPTIONS_INIT;
    options.n_threads = 65;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_RANGE);
    options.n_threads = -1;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_RANGE);
    options.n_threads = 0;
    options.alloc = no_memory;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_ARG);
}

static void cpu_mask(void **state)
{
    (void)state;
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    options.cpu_mask_set = 1;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    assert_int_equal(mexpr_context_cpu(context), 0);
    mexpr_context_destroy(&context);
    options.cpu_mask = MEXPR_CPU_AVX512;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    assert_int_equal(mexpr_context_cpu(context), 0);
    mexpr_context_destroy(&context);
}

static void log_line(void *user, int32_t level, const char *text)
{
    assert_int_equal(level, MEXPR_LOG_ERROR);
    strcpy(user, text);
}

static void sentences_and_log(void **state)
{
    (void)state;
    char logged[1024] = "";
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.log = log_line;
    options.log_user = logged;
    mexpr_context *context = NULL;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    mx_scope *scope = mx_context_scope(context);
    assert_int_equal(mx_fail(scope, MEXPR_E_IO, "no %s", "luck"), MEXPR_E_IO);
    assert_string_equal(mexpr_context_last_error(context), "no luck");
    assert_string_equal(logged, "no luck");
    mx_fail_prefix(scope, MEXPR_E_IO, "file");
    assert_string_equal(mexpr_context_last_error(context), "file: no luck");
    char wide[2 * MX_ERROR_SIZE];
    memset(wide, 'x', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    mx_fail(scope, MEXPR_E_IO, "%s", wide);
    assert_int_equal(strlen(mexpr_context_last_error(context)), MX_ERROR_SIZE - 1);
    mx_fail_prefix(scope, MEXPR_E_IO, wide);
    assert_true(strlen(mexpr_context_last_error(context)) < MX_ERROR_SIZE);
    mexpr_context_destroy(&context);
}

static void sizes(void **state)
{
    (void)state;
    size_t size = 7;
    assert_false(mx_mul_size(SIZE_MAX / 2, 3, &size));
    assert_int_equal(size, 7);
    assert_true(mx_mul_size(0, SIZE_MAX, &size));
    assert_false(mx_add_size(SIZE_MAX, 1, &size));
    int64_t product;
    assert_false(mx_mul_i64(INT64_MAX, 2, &product));
    assert_false(mx_mul_i64(-1, 2, &product));
    assert_int_equal(mx_round_up(65, 64), 128);

    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    assert_null(mx_alloc(scope, SIZE_MAX, 2));
    assert_null(mx_alloc(scope, SIZE_MAX, 1));
    assert_failure(
        context, mx_check_size(scope, 65500, 65500), MEXPR_E_LIMIT, "max_pixels");
    assert_failure(context, mx_check_size(scope, 0, 5), MEXPR_E_ARG, "0×5");
    assert_ok(context, mx_check_size(scope, 1, 1));
    mexpr_context_destroy(&context);
}

static mexpr_status make_context(mexpr_context *unused, void *arg)
{
    (void)unused;
    mexpr_context_options options = test_options(arg);
    options.n_threads = 3;
    mexpr_context *context = NULL;
    const mexpr_status status = mexpr_context_create(&options, &context);
    assert_true((status == MEXPR_OK) == (context != NULL));
    mexpr_context_destroy(&context);
    return status;
}

static void context_without_memory(void **state)
{
    (void)state;
    test_heap heap;
    for (long n = 0;; n++) {
        test_heap_init(&heap);
        heap.fail_at = n;
        const mexpr_status status = make_context(NULL, &heap);
        assert_int_equal(heap.live_blocks, 0);
        if (status == MEXPR_OK)
            break;
        assert_int_equal(status, MEXPR_E_NOMEM);
    }
    assert_true(heap.n_allocs >= 3);
}

/* --- pool -------------------------------------------------------------------------- */

static void square(void *arg, int index, int worker)
{
    (void)worker;
    ((int *)arg)[index] += index * index;
}

static void parallel_for(void **state)
{
    (void)state;
    enum { N = 1000 };
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        mexpr_context *context = test_context(NULL, n_threads);
        for (int round = 0; round < 50; round++) {
            int out[N] = {0};
            mx_parallel_for(context, 1 + round % 6, N, square, out);
            for (int i = 0; i < N; i++)
                assert_int_equal(out[i], i * i);
        }
        mexpr_context_destroy(&context);
    }
}

typedef struct relay {
    mx_barrier barrier;
    atomic_int sum;
    atomic_bool wrong;
} relay;

static void relay_worker(void *arg, int worker, int n_workers)
{
    relay *r = arg;
    int phase = 0;
    for (int step = 1; step <= 200; step++) {
        atomic_fetch_add(&r->sum, worker + 1);
        mx_barrier_wait(&r->barrier, n_workers, &phase);
        if (atomic_load(&r->sum) != step * n_workers * (n_workers + 1) / 2)
            atomic_store(&r->wrong, true);
        mx_barrier_wait(&r->barrier, n_workers, &phase);
    }
}

static void team_meets_at_barriers(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 4);
    for (int want = 1; want <= 6; want++) {
        relay r = {0};
        mx_team_run(context, want, relay_worker, &r);
        assert_false(r.wrong);
    }
    mexpr_context_destroy(&context);
}

static void nested_inner(void *arg, int index, int worker)
{
    (void)index;
    (void)worker;
    atomic_fetch_add((atomic_int *)arg, 1);
}

typedef struct nested {
    mexpr_context *context;
    atomic_int count;
} nested;

static void nested_outer(void *arg, int index, int worker)
{
    (void)index;
    (void)worker;
    nested *n = arg;
    mx_parallel_for(n->context, 4, 10, nested_inner, &n->count);
}

static void busy_pool_lends_no_one(void **state)
{
    (void)state;
    nested n = {.context = test_context(NULL, 4)};
    mx_parallel_for(n.context, 4, 20, nested_outer, &n);
    assert_int_equal(n.count, 200);
    mexpr_context_destroy(&n.context);
}

/* --- random numbers ---------------------------------------------------------------- */

static void random_numbers(void **state)
{
    (void)state;
    mx_rng a, b;
    mx_rng_seed(&a, 1, 0);
    mx_rng_seed(&b, 1, 0);
    assert_int_equal(mx_rng_u64(&a), mx_rng_u64(&b));
    mx_rng_seed(&b, 1, 1);
    assert_int_not_equal(mx_rng_u64(&a), mx_rng_u64(&b));
    enum { N = 100000 };
    double sum = 0, squares = 0;
    int counts[7] = {0};
    for (int i = 0; i < N; i++) {
        const double x = mx_rng_normal(&a);
        sum += x;
        squares += x * x;
        counts[mx_rng_below(&a, 7)]++;
        const double u = mx_rng_uniform(&a);
        assert_true(u >= 0 && u < 1);
    }
    assert_true(fabs(sum / N) < 0.02 && fabs(squares / N - 1) < 0.02);
    for (int i = 0; i < 7; i++)
        assert_true(abs(counts[i] - N / 7) < 600);
}

/* Every number once, every number everywhere equally often. */
static void orders(void **state)
{
    (void)state;
    enum { N = 5, ROUNDS = 20000 };
    int counts[N][N] = {{0}};
    uint32_t order[N];
    mx_rng rng;
    mx_rng_seed(&rng, 3, 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t seen = 0;
        mx_rng_permute(&rng, N, order);
        for (int k = 0; k < N; k++) {
            seen |= 1u << order[k];
            counts[k][order[k]]++;
        }
        assert_int_equal(seen, (1u << N) - 1);
    }
    for (int k = 0; k < N * N; k++)
        assert_true(abs(counts[k / N][k % N] - ROUNDS / N) < 250);
    mx_rng_permute(&rng, 0, NULL);
    mx_rng_permute(&rng, 1, order);
    assert_int_equal(order[0], 0);
}

/* --- files ------------------------------------------------------------------------- */

static void files(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_ok(context, mx_file_write(scope, test_path("a"), "hello", 5));
    assert_ok(context, mx_file_read(scope, test_path("a"), &bytes, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "hello", 5);
    mx_free(context, bytes);

    assert_failure(context, mx_file_read(scope, test_path("none"), &bytes, &size),
        MEXPR_E_NOT_FOUND, "no such file");
    assert_null(bytes);
    assert_failure(context, mx_file_read(scope, test_folder(), &bytes, &size), MEXPR_E_IO,
        "not a regular file");
    assert_failure(context, mx_file_write(scope, test_path("no/where"), "x", 1),
        MEXPR_E_IO, "no such file");
    assert_failure(context, mx_file_write(scope, test_folder(), "x", 1), MEXPR_E_IO,
        "not a regular file");
    assert_failure(context, mx_file_write(scope, "/dev/null", "x", 1), MEXPR_E_IO,
        "not a regular file");
    mexpr_context_destroy(&context);

    mexpr_context_options options = test_options(NULL);
    options.max_file_bytes = 4;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    assert_failure(context,
        mx_file_read(mx_context_scope(context), test_path("a"), &bytes, &size),
        MEXPR_E_LIMIT, "max_file_bytes");
    mexpr_context_destroy(&context);
}

static void side_files(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_file file;
    char model[512];
    char bytes[2] = "";
    strcpy(model, test_path("model"));
    test_write_file(test_path("weights"), "weights", 7);
    assert_ok(context, mx_file_open_beside(scope, model, "weights", &file));
    assert_int_equal(file.size, 7);
    assert_ok(context, mx_file_read_at(scope, &file, "weights", 5, bytes, 2));
    assert_memory_equal(bytes, "ts", 2);
    assert_failure(context, mx_file_read_at(scope, &file, "weights", 6, bytes, 2),
        MEXPR_E_IO, "became shorter");
    mx_file_close(&file);
    mx_file_close(&file);
    static const char *const refused[] = {
        "../weights", "..", ".", "", "/etc/passwd", "sub/weights"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_failure(context, mx_file_open_beside(scope, model, refused[i], &file),
            MEXPR_E_EXTERNAL, "plain name");
    assert_int_equal(symlink(test_path("weights"), test_path("link")), 0);
    assert_failure(context, mx_file_open_beside(scope, model, "link", &file),
        MEXPR_E_EXTERNAL, "it is a link");
    mexpr_context_destroy(&context);
}

/* A file size limit stands in for a full disk. */
static void failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    char path[512];
    strcpy(path, test_path("kept"));
    test_write_file(path, "old", 3);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit saved, tight;
    getrlimit(RLIMIT_FSIZE, &saved);
    tight = saved;
    tight.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &tight);
    static const char big[5000];
    const mexpr_status status = mx_file_write(scope, path, big, sizeof big);
    setrlimit(RLIMIT_FSIZE, &saved);
    assert_failure(context, status, MEXPR_E_IO, "cannot write");
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_string_equal(bytes, "old");
    free(bytes);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_names),
        cmocka_unit_test(context_options),
        cmocka_unit_test(cpu_mask),
        cmocka_unit_test(sentences_and_log),
        cmocka_unit_test(sizes),
        cmocka_unit_test(context_without_memory),
        cmocka_unit_test(parallel_for),
        cmocka_unit_test(team_meets_at_barriers),
        cmocka_unit_test(busy_pool_lends_no_one),
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(orders),
        cmocka_unit_test(files),
        cmocka_unit_test(side_files),
        cmocka_unit_test(failed_write_leaves_the_old_file),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
