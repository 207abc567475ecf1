/* SPDX-License-Identifier: MIT */
/* Writes docs/operators.md from the registry and conformance.txt, its first argument.
 * With a file as second argument it compares instead, and fails when that is out of date.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/operator.h"

enum { MAX_OPERATORS = 512, MAX_TEXT = 1 << 16 };

static char text[MAX_TEXT];
static size_t used;

static void put(const char *part)
{
    const size_t length = strlen(part);
    if (used + length < sizeof text) {
        memcpy(text + used, part, length);
        used += length;
    }
}

static int by_name(const void *a, const void *b)
{
    const mx_operator *p = *(const mx_operator *const *)a;
    const mx_operator *q = *(const mx_operator *const *)b;
    return strcmp(p->name, q->name);
}

static void put_types(uint32_t types)
{
    static const char *const names[] = {"float32", "uint8", "int32", "int64", "bool"};
    const char *comma = "";
    for (int i = 0; i < 5; i++) {
        if (!(types & 1u << i))
            continue;
        put(comma);
        put(names[i]);
        comma = ", ";
    }
}

/* "axes:I keepdims:i" as "axes, keepdims". */
static void put_attributes(const char *list)
{
    char part[2] = "";
    for (const char *c = list; *c; c++) {
        if (*c == ':') {
            c++;
            put(c[1] ? ", " : "");
            c += c[1] ? 1 : 0;
            continue;
        }
        part[0] = *c;
        put(part);
    }
}

/* Cases of the ONNX suite that the operator passes in, from the list. */
static int cases_of(const char *op, const char *path)
{
    char name[48];
    int n, found = 0;
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%47s %d", name, &n) == 2)
        found = strcmp(name, op) == 0 ? n : found;
    if (file)
        fclose(file);
    return found;
}

static void put_operator(const mx_operator *op, const char *counts)
{
    char cases[16];
    snprintf(cases, sizeof cases, "%d", op->domain[0] ? 0 : cases_of(op->name, counts));
    char opsets[64];
    const int first = op->domain[0] ? 1 : 11, last = op->domain[0] ? 5 : 21;
    snprintf(opsets, sizeof opsets, "%d to %d", op->since < first ? first : op->since,
        op->last ? op->last : last);
    put("| ");
    put(op->domain);
    put(op->domain[0] ? "." : "");
    put(op->name);
    put(" | ");
    put(opsets);
    put(" | ");
    put_types(op->types);
    put(" | ");
    put_attributes(op->attributes);
    put(" | ");
    put(cases);
    put(" | ");
    put(op->note ? op->note : "");
    put(" |\n");
}

static void write_page(const char *counts)
{
    const mx_operator *ops[MAX_OPERATORS];
    int n = 0;
    char count[64];
    while (n < MAX_OPERATORS && (ops[n] = mx_operator_at(n)))
        n++;
    qsort(ops, (size_t)n, sizeof *ops, by_name);
    put("# Operators\n\n"
        "Written by `tests/model/list_operators.c` from the engine's registry; a test "
        "fails "
        "when this page is out of date.\n\n"
        "A model may use the operators below, of the ONNX domain at opset 11 to 21 and "
        "of "
        "ai.onnx.ml at 1 to 5, with any "
        "of the attributes named. Types are those of an operator's main inputs; float16, "
        "bfloat16 and float64 in a file become float32. Any other operator, attribute or "
        "type is refused when the model is loaded, with a sentence that names the "
        "node.\n\n"
        "Nodes of opset 1 to 10 become nodes of opset 11 when a file is read "
        "(lib/model/upgrade.c); `Upsample` becomes `Resize`.\n\n"
        "Cases: how many of the ONNX backend suite (Debian's libonnx-testdata, opset 1 "
        "to 17) have this operator in them and pass; none of those in scope fails. "
        "Integers wrap around; x / 0 and x mod 0 are 0, and an integer power is by "
        "squaring.\n\n");
    snprintf(count, sizeof count, "%d operators.\n\n", n);
    put(count);
    put("| operator | opsets | types | attributes | cases | remark |\n"
        "|---|---|---|---|---|---|\n");
    for (int i = 0; i < n; i++)
        put_operator(ops[i], counts);
}

static void write_refusals(void)
{
    const char *name, *reason = "";
    put("\n## Left out\n\n"
        "A model with one of these is refused with this reason. A name with * stands for "
        "all that begin so.\n\n"
        "| operator | reason |\n|---|---|\n");
    for (int i = 0; (name = mx_operator_refusal(i, &reason)); i++) {
        put("| ");
        put(name);
        put(" | ");
        put(reason);
        put(" |\n");
    }
}

static int compare(const char *path)
{
    static char page[MAX_TEXT];
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(page, 1, sizeof page, file) : 0;
    if (file)
        fclose(file);
    if (size == used && memcmp(page, text, used) == 0)
        return 0;
    fprintf(stderr, "%s is out of date: write it anew with list_operators\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    write_page(argv[1]);
    write_refusals();
    if (argc > 2)
        return compare(argv[2]);
    fwrite(text, 1, used, stdout);
    return 0;
}
