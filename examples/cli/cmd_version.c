/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "json.h"

typedef struct version_request {
    int json;
} version_request;

static const cli_option options[] = {
    {"json", 0, CLI_FLAG, offsetof(version_request, json), NULL, "print JSON"},
    {0},
};

static const struct {
    uint32_t flag;
    const char *name;
} instruction_sets[] = {
    {MEXPR_CPU_AVX2, "avx2"},
    {MEXPR_CPU_AVX512, "avx512"},
    {MEXPR_CPU_NEON, "neon"},
};

static const char gemm_prefix[] = "gemm=";

/* Calls `add` for every word of the build's features. */
static void each_feature(text *out, void (*add)(text *out, const char *word))
{
    char word[64];
    for (const char *rest = mexpr_build_features(); *rest;) {
        const size_t length = strcspn(rest, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, rest);
        if (length > 0)
            add(out, word);
        rest += length + (rest[length] == ' ');
    }
}

static int is_gemm(const char *word)
{
    return strncmp(word, gemm_prefix, sizeof gemm_prefix - 1) == 0;
}

static void json_feature(text *out, const char *word)
{
    if (!is_gemm(word))
        json_string(out, word);
}

static void json_gemm(text *out, const char *word)
{
    if (is_gemm(word))
        json_string(out, word + sizeof gemm_prefix - 1);
}

static void plain_feature(text *out, const char *word)
{
    if (!is_gemm(word))
        text_add(out, " %s", word);
}

static void plain_gemm(text *out, const char *word)
{
    if (is_gemm(word))
        text_add(out, " %s", word + sizeof gemm_prefix - 1);
}

static void add_json(text *out)
{
    json_open(out, '{');
    json_key(out, "version");
    json_string(out, mexpr_version_string());
    json_key(out, "features");
    json_open(out, '[');
    each_feature(out, json_feature);
    json_close(out, ']');
    json_key(out, "instruction_sets");
    json_open(out, '[');
    for (size_t i = 0; i < sizeof instruction_sets / sizeof instruction_sets[0]; i++) {
        if (mexpr_cpu_flags() & instruction_sets[i].flag)
            json_string(out, instruction_sets[i].name);
    }
    json_close(out, ']');
    json_key(out, "gemm");
    each_feature(out, json_gemm);
    json_close(out, '}');
    text_add(out, "\n");
}

static void add_plain(text *out)
{
    text_add(out, "microexpr %s\nfeatures:", mexpr_version_string());
    each_feature(out, plain_feature);
    text_add(out, "\ninstruction sets:");
    for (size_t i = 0; i < sizeof instruction_sets / sizeof instruction_sets[0]; i++) {
        if (mexpr_cpu_flags() & instruction_sets[i].flag)
            text_add(out, " %s", instruction_sets[i].name);
    }
    text_add(out, "%s\nmatrix products:", mexpr_cpu_flags() ? "" : " portable C");
    each_feature(out, plain_gemm);
    text_add(out, "\n");
}

static int run(const void *opaque, char **arguments, int n)
{
    const version_request *request = opaque;
    text out = {0};
    (void)arguments;
    (void)n;
    if (request->json)
        add_json(&out);
    else
        add_plain(&out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

const cli_command cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "Version, features, instruction sets and matrix products",
    .options = options,
    .request_size = sizeof(version_request),
    .run = run,
};
