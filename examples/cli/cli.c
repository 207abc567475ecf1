/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- errors and output ------------------------------------------------------------- */

/* One line, whatever the file names in it hold. */
static void print_error(const char *format, va_list args)
{
    char line[2048];
    text plain = {0};
    vsnprintf(line, sizeof line, format, args);
    text_add_plain(&plain, line, 0);
    fprintf(stderr, "microexpr: %s\n", plain.bytes ? plain.bytes : "out of memory");
    text_free(&plain);
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_fail_status(mexpr_status status, const char *sentence, const char *doing)
{
    if (!sentence || !*sentence)
        sentence = mexpr_status_message(status);
    return doing ? cli_fail("%s: %s", doing, sentence) : cli_fail("%s", sentence);
}

int cli_print(const text *out)
{
    if (out->failed)
        return cli_fail("out of memory; close other programs and try again");
    if (fwrite(out->bytes, 1, out->size, stdout) != out->size || fflush(stdout) != 0)
        return cli_fail(
            "cannot write to standard output: %s; give it more room or send it "
            "elsewhere",
            strerror(errno));
    return CLI_OK;
}

int cli_context(int threads, mexpr_context **out)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.n_threads = threads;
    const mexpr_status status = mexpr_context_create(&options, out);
    if (status == MEXPR_OK)
        return CLI_OK;
    if (status == MEXPR_E_RANGE)
        return cli_usage("--threads %d is out of range; give 1 to 64", threads);
    return cli_fail_status(status, NULL, "cannot start");
}

int cli_read_grey(mexpr_context *context, const char *path, mexpr_image **out)
{
    mexpr_status status = mexpr_image_read(context, path, MEXPR_COLOUR_KEEP, out);
    if (status == MEXPR_OK && mexpr_image_format(*out) != MEXPR_FORMAT_GREY8 &&
        mexpr_image_format(*out) != MEXPR_FORMAT_GREY16) {
        mexpr_image_destroy(out);
        status = mexpr_image_read(context, path, MEXPR_COLOUR_GREY, out);
    }
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_context_last_error(context), NULL);
}

char *cli_split(const char *item, const char **name, const char **path)
{
    const size_t size = strlen(item) + 1;
    char *copy = malloc(size);
    if (!copy) {
        cli_fail("out of memory; close other programs and try again");
        return NULL;
    }
    memcpy(copy, item, size);
    char *equals = strchr(copy, '=');
    if (equals)
        *equals = '\0';
    *name = equals ? copy : NULL;
    *path = equals ? equals + 1 : copy;
    return copy;
}

int cli_load_model(mexpr_context *context, const char *path, mexpr_model **out)
{
    const mexpr_status status = mexpr_model_load(context, path, out);
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_context_last_error(context), NULL);
}

/* "a, b or c" */
static void add_words(text *list, const cli_word *words)
{
    for (const cli_word *w = words; w->word; w++)
        text_add(list, "%s%s", w == words ? "" : w[1].word ? ", " : " or ", w->word);
}

int cli_choose(const char *option, const char *given, const cli_word *words, int *out)
{
    if (!given)
        return CLI_OK;
    for (const cli_word *w = words; w->word; w++) {
        if (strcmp(given, w->word) == 0) {
            *out = w->value;
            return CLI_OK;
        }
    }
    text list = {0};
    add_words(&list, words);
    const int code = cli_usage("%s '%s' is not known; give %s", option, given,
        list.bytes ? list.bytes : "another");
    text_free(&list);
    return code;
}

int cli_strain(const char *name, mexpr_strain *out)
{
    static const cli_word words[] = {
        {"frobenius", MEXPR_STRAIN_FROBENIUS},
        {"quarter", MEXPR_STRAIN_QUARTER},
        {"off-tanet", MEXPR_STRAIN_OFF_TANET},
        {0},
    };
    int kind = MEXPR_STRAIN_FROBENIUS;
    const int code = cli_choose("--strain", name, words, &kind);
    *out = (mexpr_strain)kind;
    return code;
}

int cli_box(const char *option, const char *given, mexpr_box *out)
{
    int32_t *const parts[] = {&out->x, &out->y, &out->width, &out->height};
    const char *rest = given;
    for (int i = 0; given && i < 4; i++) {
        char *end;
        const long number = strtol(rest, &end, 10);
        if (end == rest || *end != (i < 3 ? ',' : '\0') || number < 0 || number > 1000000)
            return cli_usage(
                "%s '%s' is not a box; give X,Y,W,H in pixels", option, given);
        *parts[i] = (int32_t)number;
        rest = end + 1;
    }
    return CLI_OK;
}

/* --- options ----------------------------------------------------------------------- */

enum { MAX_OPTIONS = 64, HELP = 1000, HELP_COLUMN = 26 };

/* The command line, which outputs are compared with. */
static char **words;
static int n_words;

void cli_command_line(text *out)
{
    text_add(out, "microexpr");
    for (int i = 0; i < n_words; i++)
        text_add(out, " %s", words[i]);
}

static void set_field(void *field, const void *value, size_t size)
{
    memcpy(field, value, size);
}

static int take_int(const cli_option *option, void *field, const char *value)
{
    char *end;
    errno = 0;
    const long number = strtol(value, &end, 10);
    if (end == value || *end || errno || number < 1 || number > INT_MAX)
        return cli_usage("--%s '%s' is not a whole number above 0", option->name, value);
    const int small = (int)number;
    set_field(field, &small, sizeof small);
    return CLI_OK;
}

static int take_number(const cli_option *option, void *field, const char *value)
{
    char *end;
    const cli_number number = {1, strtod(value, &end)};
    if (end == value || *end || !isfinite(number.value))
        return cli_usage("--%s '%s' is not a number", option->name, value);
    set_field(field, &number, sizeof number);
    return CLI_OK;
}

static int take_item(void *field, const char *value)
{
    cli_list *list = field;
    const char **items = realloc(list->items, ((size_t)list->n + 1) * sizeof *items);
    if (!items)
        return cli_fail("out of memory; close other programs and try again");
    list->items = items;
    items[list->n++] = value;
    return CLI_OK;
}

static int take(const cli_option *option, void *request, const char *value)
{
    void *field = (char *)request + option->offset;
    const int one = 1;
    switch (option->kind) {
    case CLI_FLAG:
        set_field(field, &one, sizeof one);
        return CLI_OK;
    case CLI_TEXT:
        set_field(field, &value, sizeof value);
        return CLI_OK;
    case CLI_INT:
        return take_int(option, field, value);
    case CLI_NUMBER:
        return take_number(option, field, value);
    case CLI_LIST:
        return take_item(field, value);
    }
    return CLI_OK;
}

/* What getopt_long() wants to know. Long options return HELP + 1 + their row. */
typedef struct getopt_tables {
    char letters[2 * MAX_OPTIONS + 3];
    struct option rows[MAX_OPTIONS + 2];
} getopt_tables;

static void fill_tables(const cli_option *options, getopt_tables *tables)
{
    char *letter = tables->letters;
    struct option *row = tables->rows;
    *letter++ = ':';
    *letter++ = 'h';
    *row++ = (struct option){"help", no_argument, NULL, HELP};
    for (int i = 0; options[i].name && i < MAX_OPTIONS; i++) {
        const int needs = options[i].kind == CLI_FLAG ? no_argument : required_argument;
        *row++ = (struct option){options[i].name, needs, NULL, HELP + 1 + i};
        if (!options[i].letter)
            continue;
        *letter++ = options[i].letter;
        if (needs == required_argument)
            *letter++ = ':';
    }
    *letter = '\0';
    *row = (struct option){NULL, 0, NULL, 0};
}

static int option_row(const cli_option *options, int result)
{
    if (result > HELP)
        return result - HELP - 1;
    int i = 0;
    while (options[i].letter != result)
        i++;
    return i;
}

static const char *full_name(const cli_command *command)
{
    static char name[64];
    snprintf(name, sizeof name, "%s%s%s", command->group ? command->group : "",
        command->group ? " " : "", command->name);
    return name;
}

static int refuse_option(const cli_command *command, int result, char **argv)
{
    const char *name = full_name(command);
    const char *given = argv[optind - 1];
    if (result == ':')
        return cli_usage(
            "%s: option '%s' needs a value; see 'microexpr help %s'", name, given, name);
    if (optopt > 0 && optopt < HELP)
        return cli_usage(
            "%s: option '-%c' is not known; see 'microexpr help %s'", name, optopt, name);
    return cli_usage(
        "%s: option '%s' is not known or needs no value; see 'microexpr help %s'", name,
        given, name);
}

static int print_help(const cli_command *command)
{
    text out = {0};
    cli_help(command, &out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int run_with(const cli_command *command, void *request, int argc, char **argv)
{
    getopt_tables tables;
    fill_tables(command->options, &tables);
    opterr = 0;
    int result;
    while ((result = getopt_long(argc, argv, tables.letters, tables.rows, NULL)) != -1) {
        if (result == HELP || result == 'h')
            return print_help(command);
        if (result == ':' || result == '?')
            return refuse_option(command, result, argv);
        const int row = option_row(command->options, result);
        const int code = take(&command->options[row], request, optarg);
        if (code != CLI_OK)
            return code;
    }
    const int n = argc - optind;
    if (n < command->min_arguments || n > command->max_arguments)
        return cli_usage("%s: %s; it is 'microexpr %s%s%s', see 'microexpr help %s'",
            full_name(command),
            n < command->min_arguments ? "an argument is missing" : "too many arguments",
            full_name(command), *command->arguments ? " " : "", command->arguments,
            full_name(command));
    return command->run(request, argv + optind, n);
}

int cli_run(const cli_command *command, int argc, char **argv)
{
    void *request = calloc(1, command->request_size);
    words = argv;
    n_words = argc;
    if (!request)
        return cli_fail("out of memory; close other programs and try again");
    const int code = run_with(command, request, argc, argv);
    for (const cli_option *option = command->options; option->name; option++) {
        if (option->kind == CLI_LIST)
            free(((cli_list *)(void *)((char *)request + option->offset))->items);
    }
    free(request);
    return code;
}

static void help_row(text *out, const cli_option *option)
{
    char left[64];
    char letter[5] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
        option->value ? " " : "", option->value ? option->value : "");
    text_add(out, "  %-*s  %s\n", HELP_COLUMN, left, option->help);
}

void cli_help(const cli_command *command, text *out)
{
    static const cli_option help = {.name = "help", .letter = 'h', .help = "this text"};
    text_add(out, "usage: microexpr %s%s%s [options]\n%s.\n", full_name(command),
        *command->arguments ? " " : "", command->arguments, command->summary);
    if (command->about)
        text_add(out, "\n%s\n", command->about);
    text_add(out, "\noptions:\n");
    for (const cli_option *option = command->options; option->name; option++)
        help_row(out, option);
    help_row(out, &help);
}

/* --- output files ------------------------------------------------------------------ */

struct cli_output_file {
    const char *path;
    char *temporary;
};

/* Why a file may not be replaced, or NULL. Renaming over a device would destroy it. */
static const char *obstacle(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
        return NULL;
    return S_ISDIR(info.st_mode) ? "it is a folder" : "it is not a regular file";
}

/* Why nothing can be written into the file's folder, or NULL. */
static const char *folder_obstacle(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    struct stat info;
    char *folder = calloc(n + 2, 1);
    if (!folder)
        return "out of memory";
    memcpy(folder, n > 0 ? path : ".", n > 0 ? n : 1);
    errno = 0;
    const int is_folder = stat(folder, &info) == 0 && S_ISDIR(info.st_mode);
    const int can = is_folder && access(folder, W_OK | X_OK) == 0;
    free(folder);
    return can         ? NULL
           : is_folder ? strerror(errno)
                       : "there is no such folder; make it or name another";
}

static char *temporary_name(const char *path)
{
    const size_t size = strlen(path) + 32;
    char *name = malloc(size);
    if (name)
        snprintf(name, size, "%s.part%ld", path, (long)getpid());
    return name;
}

static const char *add_output(cli_outputs *outputs, const char *path)
{
    struct cli_output_file *files =
        realloc(outputs->files, ((size_t)outputs->n + 1) * sizeof *files);
    if (!files)
        return NULL;
    outputs->files = files;
    char *temporary = temporary_name(path);
    if (temporary)
        files[outputs->n++] = (struct cli_output_file){path, temporary};
    return temporary;
}

/* Whether the last temporary file is already there as that of an earlier output: both
 * options name one file, spelled differently. */
static int is_taken(const cli_outputs *outputs)
{
    struct stat last, other;
    if (stat(outputs->files[outputs->n - 1].temporary, &last) != 0)
        return 0;
    for (int i = 0; i + 1 < outputs->n; i++) {
        if (stat(outputs->files[i].temporary, &other) == 0 &&
            other.st_dev == last.st_dev && other.st_ino == last.st_ino)
            return 1;
    }
    return 0;
}

static const char two_options[] =
    "two options or arguments name it; give each its own file";

static int is_file(const char *name, const struct stat *file)
{
    struct stat info;
    return name && stat(name, &info) == 0 && info.st_dev == file->st_dev &&
           info.st_ino == file->st_ino;
}

/* Whether more than one word of the command line names this file: F, --option=F, NAME=F
 * or -oF. One is the option that has it written, another would be read or written. */
static int is_named_twice(const char *path)
{
    struct stat file;
    int n = 0;
    if (stat(path, &file) != 0)
        return 0;
    for (int i = 1; i < n_words; i++) {
        const char *word = words[i];
        const char *equals = strchr(word, '=');
        n += is_file(word, &file) || (equals && is_file(equals + 1, &file)) ||
             (word[0] == '-' && word[1] && is_file(word + 2, &file));
    }
    return n > 1;
}

const char *cli_output(cli_outputs *outputs, const char *path)
{
    const char *why = *path ? obstacle(path) : "the name is empty";
    for (int i = 0; i < outputs->n; i++) {
        if (strcmp(outputs->files[i].path, path) == 0)
            why = two_options;
    }
    if (!why && is_named_twice(path))
        why = two_options;
    if (why) {
        cli_fail("cannot write '%s': %s", path, why);
        return NULL;
    }
    const char *temporary = add_output(outputs, path);
    if (!temporary) {
        cli_fail("out of memory; close other programs and try again");
    } else if (is_taken(outputs)) {
        cli_fail("cannot write '%s': %s", path, two_options);
        return NULL;
    }
    return temporary;
}

int cli_check_output(const char *path)
{
    if (!path)
        return CLI_OK;
    const char *why = *path ? obstacle(path) : "the name is empty";
    if (!why)
        why = folder_obstacle(path);
    if (!why && is_named_twice(path))
        why = two_options;
    return why ? cli_fail("cannot write '%s': %s", path, why) : CLI_OK;
}

const char *cli_output_png(cli_outputs *outputs, const char *path)
{
    const size_t n = strlen(path);
    if (n > 0 && (n < 5 || strcasecmp(path + n - 4, ".png") != 0)) {
        cli_fail("cannot write '%s': pictures are written as PNG; give a name that ends "
                 "in .png",
            path);
        return NULL;
    }
    return cli_output(outputs, path);
}

int cli_write(cli_outputs *outputs, const char *path, const text *out)
{
    if (!path || strcmp(path, "-") == 0 || out->failed)
        return cli_print(out);
    const char *temporary = cli_output(outputs, path);
    if (!temporary)
        return CLI_FAILED;
    FILE *file = fopen(temporary, "wb");
    int good = file && fwrite(out->bytes, 1, out->size, file) == out->size;
    if (file && fclose(file) != 0)
        good = 0;
    return good ? CLI_OK : cli_fail("cannot write '%s': %s", path, strerror(errno));
}

/* The sentence names the temporary file; the user knows the final one. */
int cli_output_failed(const cli_outputs *outputs, mexpr_context *context)
{
    const struct cli_output_file *file = &outputs->files[outputs->n - 1];
    const char *sentence = mexpr_context_last_error(context);
    const char *suffix = file->temporary + strlen(file->path);
    const char *found = strstr(sentence, suffix);
    if (!found)
        return cli_fail("%s", sentence);
    return cli_fail("%.*s%s", (int)(found - sentence), sentence, found + strlen(suffix));
}

int cli_outputs_finish(cli_outputs *outputs, int code)
{
    for (int i = 0; i < outputs->n; i++) {
        struct cli_output_file *file = &outputs->files[i];
        if (code == CLI_OK && rename(file->temporary, file->path) != 0)
            code = cli_fail("cannot write '%s': %s", file->path, strerror(errno));
        if (code != CLI_OK)
            unlink(file->temporary);
        free(file->temporary);
    }
    free(outputs->files);
    *outputs = (cli_outputs){0};
    return code;
}

int cli_write_model(mexpr_context *context, const mexpr_model *model, const char *path)
{
    cli_outputs outputs = {0};
    int code = CLI_OK;
    const char *temporary = cli_output(&outputs, path);
    if (!temporary)
        code = CLI_FAILED;
    else if (mexpr_model_write(context, model, temporary) != MEXPR_OK)
        code = cli_output_failed(&outputs, context);
    return cli_outputs_finish(&outputs, code);
}

/* --- measures of a field ----------------------------------------------------------- */

cli_motion cli_measure(const mexpr_field *field)
{
    const size_t n = (size_t)mexpr_field_width(field) * (size_t)mexpr_field_height(field);
    const float *u = mexpr_field_u(field);
    const float *v = mexpr_field_v(field);
    cli_motion motion = {0, 0};
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(u[i]) < MEXPR_FIELD_UNKNOWN_THRESHOLD) ||
            !(fabsf(v[i]) < MEXPR_FIELD_UNKNOWN_THRESHOLD))
            continue;
        const double length = hypot((double)u[i], (double)v[i]);
        motion.mean += length;
        motion.largest = fmax(motion.largest, length);
        known++;
    }
    if (known > 0)
        motion.mean /= (double)known;
    return motion;
}
