/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- heap -------------------------------------------------------------------------- */

static pthread_mutex_t heap_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool take(test_heap *heap, size_t size)
{
    pthread_mutex_lock(&heap_mutex);
    const long number = heap->n_allocs++;
    const bool fails =
        heap->fail_at >= 0 &&
        (number == heap->fail_at || (heap->fail_all_after && number > heap->fail_at));
    if (!fails) {
        heap->live_blocks++;
        heap->live_bytes += (long)size;
        if (heap->live_bytes > heap->peak_bytes)
            heap->peak_bytes = heap->live_bytes;
    }
    pthread_mutex_unlock(&heap_mutex);
    return !fails;
}

static void give(test_heap *heap, size_t size)
{
    pthread_mutex_lock(&heap_mutex);
    heap->live_blocks--;
    heap->live_bytes -= (long)size;
    pthread_mutex_unlock(&heap_mutex);
}

static void *heap_alloc(void *user, size_t size, size_t alignment)
{
    void *ptr = NULL;
    if (!take(user, size))
        return NULL;
    if (posix_memalign(&ptr, alignment, size) != 0)
        abort();
    memset(ptr, 0xa5, size); /* no one may count on zeros */
    return ptr;
}

static void heap_free(void *user, void *ptr, size_t size)
{
    give(user, size);
    memset(ptr, 0x5a, size);
    free(ptr);
}

void test_heap_init(test_heap *heap)
{
    *heap = (test_heap){.fail_at = -1};
}

mexpr_context_options test_options(test_heap *heap)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    const char *mask = getenv("MEXPR_TEST_CPU_MASK");
    if (mask) {
        options.cpu_mask = (uint32_t)strtoul(mask, NULL, 0);
        options.cpu_mask_set = 1;
    }
    if (heap) {
        options.alloc = heap_alloc;
        options.free = heap_free;
        options.alloc_user = heap;
    }
    return options;
}

mexpr_context *test_context(test_heap *heap, int n_threads)
{
    mexpr_context_options options = test_options(heap);
    options.n_threads = n_threads;
    mexpr_context *context = NULL;
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    return context;
}

/* --- allocation sweep -------------------------------------------------------------- */

/* One run; true when the scenario got through. */
static bool sweep_once(
    test_scenario scenario, void *arg, int n_threads, long fail_at, bool fail_all_after)
{
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, n_threads);
    const long own_blocks = heap.live_blocks;
    heap.n_allocs = 0;
    heap.fail_at = fail_at;
    heap.fail_all_after = fail_all_after;
    const mexpr_status status = scenario(context, arg);
    const bool was_hit = heap.n_allocs > fail_at;
    if (was_hit && status != MEXPR_E_NOMEM)
        fail_msg("allocation %ld failed, but the status is %s", fail_at,
            mexpr_status_name(status));
    if (!was_hit && status != MEXPR_OK)
        fail_msg("without a failed allocation the status is %s: %s",
            mexpr_status_name(status), mexpr_context_last_error(context));
    if (heap.live_blocks != own_blocks)
        fail_msg("allocation %ld failed: %ld blocks are left over", fail_at,
            heap.live_blocks - own_blocks);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
    return !was_hit;
}

long test_oom_sweep(test_scenario scenario, void *arg, int n_threads)
{
    for (long n = 0;; n++) {
        const bool through = sweep_once(scenario, arg, n_threads, n, false);
        if (sweep_once(scenario, arg, n_threads, n, true) && through)
            return n;
    }
}

/* --- files ------------------------------------------------------------------------- */

enum { N_BUFFERS = 8, BUFFER_SIZE = 4096 };

static char *next_buffer(void)
{
    static char buffers[N_BUFFERS][BUFFER_SIZE];
    static int next;
    return buffers[next++ % N_BUFFERS];
}

const char *test_data(const char *relative)
{
    const char *root = getenv("MEXPR_TEST_DATA");
    if (!root || !*root) {
        print_message(
            "skipped: set the build option test_data to the folder of real data\n");
        skip();
    }
    char *path = next_buffer();
    snprintf(path, BUFFER_SIZE, "%s/%s", root, relative);
    return path;
}

void test_needs(const char *feature)
{
    if (strstr(mexpr_build_features(), feature))
        return;
    print_message("skipped: this build has no %s\n", feature);
    skip();
}

static char folder[BUFFER_SIZE];

static void remove_folder(void)
{
    const pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

const char *test_folder(void)
{
    if (!folder[0]) {
        const char *root = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/microexpr-test-XXXXXX", root ? root : "/tmp");
        if (!mkdtemp(folder))
            abort();
        atexit(remove_folder);
    }
    return folder;
}

const char *test_path(const char *name)
{
    char *path = next_buffer();
    snprintf(path, BUFFER_SIZE, "%.2000s/%.2000s", test_folder(), name);
    return path;
}

void test_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void *test_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    ((char *)bytes)[*size] = '\0';
    fclose(file);
    return bytes;
}

/* --- assertions -------------------------------------------------------------------- */

int test_command(const char *const *arguments)
{
    const char *program = getenv("MEXPR_TEST_COMMAND");
    if (!program || !*program) {
        print_message("skipped: this build has no microexpr command\n");
        skip();
    }
    const char *argv[40] = {program};
    for (int i = 0; arguments[i]; i++) {
        assert_in_range(i, 0, 36);
        argv[i + 1] = arguments[i];
    }
    const char *out = test_path("out");
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen(out, "w", stdout))
            _exit(126);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    int state = 0;
    assert_int_equal(waitpid(child, &state, 0), child);
    assert_true(WIFEXITED(state));
    return WEXITSTATUS(state);
}

void test_assert_failure(mexpr_context *context, mexpr_status status,
    mexpr_status expected, const char *part, const char *call, const char *file, int line)
{
    const char *sentence = mexpr_context_last_error(context);
    if (status == expected && strstr(sentence, part))
        return;
    print_error("%s\n  gave %s: %s\n  expected %s and \"%s\"\n", call,
        mexpr_status_name(status), sentence, mexpr_status_name(expected), part);
    _fail(file, line);
}

void test_assert_ok(mexpr_context *context, mexpr_status status, const char *call,
    const char *file, int line)
{
    if (status == MEXPR_OK)
        return;
    print_error("%s\n  gave %s: %s\n", call, mexpr_status_name(status),
        mexpr_context_last_error(context));
    _fail(file, line);
}
