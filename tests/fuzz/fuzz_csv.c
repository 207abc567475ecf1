/* SPDX-License-Identifier: MIT */
/* Any bytes as a manifest, and what is read as one written and checked; its lists of
 * action units, or the bytes themselves as one. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "microexpr/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t use(const mexpr_manifest *m)
{
    size_t length = strlen(mexpr_manifest_sha256(m));
    for (int64_t i = 0; i < mexpr_manifest_n_clips(m); i++) {
        mexpr_record r = MEXPR_RECORD_INIT;
        if (mexpr_manifest_clip(m, i, &r) != MEXPR_OK ||
            r.label >= mexpr_manifest_n_classes(m) || r.fps < 0 ||
            !mexpr_manifest_person(m, r.person) ||
            !mexpr_manifest_dataset(m, r.dataset_index))
            __builtin_trap();
        length += strlen(r.dataset) + strlen(r.subject) + strlen(r.clip) +
                  strlen(r.path) + strlen(r.type) + strlen(r.emotion) +
                  strlen(r.action_units) + strlen(r.errata);
    }
    for (int32_t k = 0; k < mexpr_manifest_n_classes(m); k++)
        length += strlen(mexpr_manifest_class(m, k));
    return length;
}

static void parse_units(mexpr_context *context, const char *text)
{
    mexpr_action_unit units[8];
    size_t n = 0, again = 0;
    const mexpr_status status = mexpr_action_units_parse(context, text, units, 8, &n);
    if (status != MEXPR_OK && status != MEXPR_E_FORMAT && status != MEXPR_E_RANGE)
        __builtin_trap();
    for (size_t k = 0; k < n && k < 8; k++)
        if (units[k].number < 1 || units[k].number > 99 || units[k].intensity > 5)
            __builtin_trap();
    mexpr_action_units_parse(context, text, NULL, 0, &again);
    if (n != again)
        __builtin_trap();
}

static void check(mexpr_context *context, const mexpr_manifest *manifest)
{
    mexpr_check_options options = MEXPR_CHECK_OPTIONS_INIT;
    mexpr_findings *findings = NULL;
    options.files = MEXPR_CHECK_NOTHING;
    if (mexpr_manifest_check(context, manifest, NULL, &options, NULL, NULL, &findings) !=
        MEXPR_OK)
        __builtin_trap();
    mexpr_findings_destroy(&findings);
}

/* Joining one manifest writes it and reads that: nothing may change. */
static void read_again(mexpr_context *context, const mexpr_manifest *manifest)
{
    mexpr_manifest *again = NULL;
    if (mexpr_manifest_join(context, &manifest, 1, &again) != MEXPR_OK ||
        mexpr_manifest_n_clips(again) != mexpr_manifest_n_clips(manifest) ||
        mexpr_manifest_n_persons(again) != mexpr_manifest_n_persons(manifest) ||
        mexpr_manifest_n_classes(again) != mexpr_manifest_n_classes(manifest))
        __builtin_trap();
    for (int64_t i = 0; i < mexpr_manifest_n_clips(again); i++) {
        mexpr_record a = MEXPR_RECORD_INIT, b = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(manifest, i, &a);
        mexpr_manifest_clip(again, i, &b);
        if (strcmp(a.path, b.path) != 0 || strcmp(a.action_units, b.action_units) != 0 ||
            a.label != b.label || a.person != b.person || a.apex != b.apex)
            __builtin_trap();
    }
    mexpr_manifest_destroy(&again);
}

/* Once more as a list of action units, whatever it is. */
static void parse_bytes(mexpr_context *context, const uint8_t *data, size_t size)
{
    char text[64];
    const size_t n = size < sizeof text ? size : sizeof text - 1;
    if (n)
        memcpy(text, data, n);
    text[n] = 0;
    parse_units(context, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_manifest *manifest = NULL;
    options.max_frames = 1000;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    parse_bytes(context, data, size);
    if (mexpr_manifest_decode(context, data, size, NULL, &manifest) == MEXPR_OK) {
        if (use(manifest) == 0)
            __builtin_trap();
        read_again(context, manifest);
        check(context, manifest);
    }
    mexpr_manifest_destroy(&manifest);
    mexpr_context_destroy(&context);
    return 0;
}
