/* SPDX-License-Identifier: MIT */
/* dataset.h: layouts, action units, checks, writing. oom_evaluate.c has the rest. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "microexpr/dataset.h"
#include "support.h"

static const char table[] =
    "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion\n"
    "1,EP1,1,/,3,4+7+x,surprise\n1,EP1,1,2,3,1+2,surprise\n2,EP2,5,4,3,12,happiness\n";

typedef struct files {
    char folder[512], table[512], out[512];
} files;

static mexpr_status use(mexpr_context *context, const mexpr_manifest *m, const files *f)
{
    const mexpr_manifest *const both[] = {m, m};
    mexpr_manifest *joined = NULL;
    mexpr_findings *findings = NULL;
    mexpr_status status = mexpr_manifest_write(context, m, f->out);
    if (status == MEXPR_OK)
        status = mexpr_manifest_join(context, both, 2, &joined);
    if (status == MEXPR_OK)
        status =
            mexpr_manifest_check(context, joined, f->folder, NULL, NULL, NULL, &findings);
    if (status == MEXPR_OK)
        assert_in_range(mexpr_findings_count(findings), 8, 40);
    mexpr_findings_destroy(&findings);
    mexpr_manifest_destroy(&joined);
    return status;
}

static mexpr_status layout(mexpr_context *context, void *arg)
{
    const files *f = arg;
    mexpr_manifest *m;
    mexpr_status status =
        mexpr_manifest_load_layout(context, "casme2", f->folder, f->table, NULL, &m);
    if (status == MEXPR_OK)
        status = use(context, m, f);
    mexpr_manifest_destroy(&m);
    return status;
}

static mexpr_status folders(mexpr_context *context, void *arg)
{
    const files *f = arg;
    mexpr_manifest *m;
    const mexpr_status status =
        mexpr_manifest_load_layout(context, "smic_hs", f->folder, NULL, NULL, &m);
    mexpr_manifest_destroy(&m);
    return status;
}

static void make_file(const char *name)
{
    static const char *const parts[] = {"sub01", "sub01/EP1", "HS", "HS/s01",
        "HS/s01/micro", "HS/s01/micro/negative", "HS/s01/micro/negative/s01_ne_01"};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
        mkdir(test_path(parts[k]), 0700);
    test_write_file(test_path(name), "x", 1);
}

static void sweep(void **state)
{
    (void)state;
    static files f;
    make_file("sub01/EP1/img1.jpg");
    make_file("sub01/EP1/img3.jpg");
    make_file("HS/s01/micro/negative/s01_ne_01/image7.jpg");
    test_write_file(test_path("t.csv"), table, sizeof table - 1);
    snprintf(f.folder, sizeof f.folder, "%s", test_folder());
    snprintf(f.table, sizeof f.table, "%s", test_path("t.csv"));
    snprintf(f.out, sizeof f.out, "%s", test_path("o.csv"));
    test_oom_sweep(layout, &f, 1);
    test_oom_sweep(folders, &f, 1);
}

/* Nothing to run out of. */
static void no_memory(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    const long before = heap.n_allocs;
    size_t n;
    assert_ok(context, mexpr_action_units_parse(context, "4+L10", NULL, 0, &n));
    assert_int_equal(heap.n_allocs, before);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweep),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests_name("oom_dataset", tests, NULL, NULL);
}
