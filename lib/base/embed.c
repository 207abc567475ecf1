/* SPDX-License-Identifier: MIT */
/* embed NAME IN OUT.c: a file as a C array NAME, aligned for any number in it, and its
 * size NAME_size. Runs on the machine that builds. */
#include <stdio.h>

enum { PER_LINE = 20 };

static int copy(FILE *in, FILE *out, const char *name)
{
    unsigned long size = 0;
    fprintf(out,
        "#include <stddef.h>\n\n"
        "extern const unsigned char %s[];\n"
        "extern const size_t %s_size;\n\n"
        "_Alignas(64) const unsigned char %s[] = {",
        name, name, name);
    for (int byte; (byte = getc(in)) != EOF; size++)
        fprintf(out, "%s%d,", size % PER_LINE == 0 ? "\n" : "", byte);
    fprintf(out, "\n};\n\nconst size_t %s_size = %lu;\n", name, size);
    return size > 0 && !ferror(in) && !ferror(out);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: embed NAME IN OUT.c\n");
        return 2;
    }
    FILE *in = fopen(argv[2], "rb");
    FILE *out = in ? fopen(argv[3], "w") : NULL;
    int good = out && copy(in, out, argv[1]);
    if (in)
        fclose(in);
    if (out && fclose(out) != 0)
        good = 0;
    if (!good)
        fprintf(stderr, "embed: cannot turn '%s' into '%s'\n", argv[2], argv[3]);
    return good ? 0 : 1;
}
