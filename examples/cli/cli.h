/* SPDX-License-Identifier: MIT */
/* What the commands share: exit codes, errors, option tables, output files. */
#ifndef CLI_H
#define CLI_H

#include <stddef.h>

#include "microexpr/microexpr.h"
#include "text.h"

/* Exit codes of the program. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* --- commands and their options ---------------------------------------------------- */

/* What an option's value is, and the type of its field in the command's request. */
typedef enum cli_kind {
    CLI_FLAG,   /* int: 1 when given */
    CLI_TEXT,   /* const char *: the last one given */
    CLI_INT,    /* int, 1 or more; 0: not given */
    CLI_NUMBER, /* cli_number */
    CLI_LIST    /* cli_list: every one given */
} cli_kind;

typedef struct cli_number {
    int given;
    double value;
} cli_number;

typedef struct cli_list {
    const char **items;
    int n;
} cli_list;

/* A row of a command's option table, which ends with a row of zeros. */
typedef struct cli_option {
    const char *name; /* long name */
    char letter;      /* short name, or 0 */
    cli_kind kind;
    size_t offset;     /* of the field in the request */
    const char *value; /* what the help calls the value, NULL for a flag */
    const char *help;
} cli_option;

/* A command. It reads its request (zeros, then the options given) and its arguments
 * (n of them, min to max), and returns an exit code. */
typedef struct cli_command {
    const char *group; /* "model", or NULL */
    const char *name;
    const char *arguments; /* for the help: "A B" */
    const char *summary;   /* one line */
    const char *about;     /* further lines, or NULL */
    const cli_option *options;
    size_t request_size;
    int min_arguments;
    int max_arguments;
    int (*run)(const void *request, char **arguments, int n);
} cli_command;

/* argv[0] is the command's own name. */
int cli_run(const cli_command *command, int argc, char **argv);
/* The help of one command. */
void cli_help(const cli_command *command, text *out);

/* --- errors and output ------------------------------------------------------------- */

/* Print one line "microexpr: …" on standard error and return the exit code. */
int cli_fail(const char *format, ...) TEXT_PRINTF(1, 2);
int cli_usage(const char *format, ...) TEXT_PRINTF(1, 2);
/* The same with the sentence of the context, the estimator, …; `doing` may be NULL. */
int cli_fail_status(mexpr_status status, const char *sentence, const char *doing);

/* Adds the words of the command line, with blanks between them. */
void cli_command_line(text *out);

/* Writes the text to standard output; an exit code. */
int cli_print(const text *out);

/* A context with that many threads (0: 1); an exit code. */
int cli_context(int threads, mexpr_context **out);
/* Reads a picture as grey, 16-bit ones in full; an exit code. */
int cli_read_grey(mexpr_context *context, const char *path, mexpr_image **out);
/* A word that an option may have, and what it stands for; a row of zeros ends a table. */
typedef struct cli_word {
    const char *word;
    int value;
} cli_word;

/* Looks a word up; NULL leaves *out as it is; an exit code. */
int cli_choose(const char *option, const char *given, const cli_word *words, int *out);
/* "frobenius", "quarter", "off-tanet"; NULL is frobenius; an exit code. */
int cli_strain(const char *name, mexpr_strain *out);
/* "X,Y,W,H"; NULL leaves *out as it is; an exit code. */
int cli_box(const char *option, const char *given, mexpr_box *out);

/* Splits "NAME=path" in a copy, which the caller frees. Without '=' the name is NULL, the
 * model's only input or output. NULL with the error printed when memory runs out. */
char *cli_split(const char *item, const char **name, const char **path);
/* Reads an ONNX file; an exit code. */
int cli_load_model(mexpr_context *context, const char *path, mexpr_model **out);

/* Files that appear all together or not at all: each is written under the temporary name
 * that cli_output() returns. Start with {0}. */
typedef struct cli_outputs {
    struct cli_output_file *files;
    int n;
} cli_outputs;

/* NULL, with the error printed, when the file cannot be. */
const char *cli_output(cli_outputs *outputs, const char *path);
/* The same for a picture, whose name must end in ".png". */
const char *cli_output_png(cli_outputs *outputs, const char *path);
/* Writes the text to a file, or to standard output for NULL and "-"; an exit code. */
int cli_write(cli_outputs *outputs, const char *path, const text *out);
/* Prints why the last file could not be written; an exit code. */
int cli_output_failed(const cli_outputs *outputs, mexpr_context *context);
/* Renames the files when `code` is CLI_OK, removes them otherwise; the exit code. */
int cli_outputs_finish(cli_outputs *outputs, int code);
/* Whether a file can be written, told before hours of work; NULL can. An exit code. */
int cli_check_output(const char *path);
/* Writes an ONNX file, all of it or nothing; an exit code. */
int cli_write_model(mexpr_context *context, const mexpr_model *model, const char *path);

/* --- measures of a field ----------------------------------------------------------- */

typedef struct cli_motion {
    double mean; /* length of the displacement over the known pixels */
    double largest;
} cli_motion;

cli_motion cli_measure(const mexpr_field *field);

#endif
