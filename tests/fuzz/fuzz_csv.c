/* SPDX-License-Identifier: MIT */
/* Any bytes as a manifest. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_manifest *manifest = NULL;
    options.max_frames = 1000;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    if (mexpr_manifest_decode(context, data, size, NULL, &manifest) == MEXPR_OK &&
        use(manifest) == 0)
        __builtin_trap();
    mexpr_manifest_destroy(&manifest);
    mexpr_context_destroy(&context);
    return 0;
}
