/* SPDX-License-Identifier: MIT */
/* microexpr: the library at the command line. It uses the public API only. */
#include <signal.h>
#include <string.h>

#include "cmd.h"

static const cli_command *const commands[] = {
    &cmd_face,
    &cmd_align,
    &cmd_flow,
    &cmd_features,
    &cmd_interpolate,
    &cmd_magnify,
    &cmd_recognize,
    &cmd_model_inspect,
    &cmd_model_run,
    &cmd_model_explain,
    &cmd_model_verify,
    &cmd_model_bench,
    &cmd_model_annotate,
    &cmd_system_list,
    &cmd_system_export,
    &cmd_dataset_check,
    &cmd_dataset_convert,
    &cmd_dataset_show,
    &cmd_train,
    &cmd_evaluate,
    &cmd_compare,
    &cmd_score_classes,
    &cmd_score_units,
    &cmd_score_spot,
    &cmd_score_apex,
    &cmd_version,
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

/* The command that the words name; *used receives how many words that took. */
static const cli_command *find(int n, char **words, int *used)
{
    for (int i = 0; i < N_COMMANDS; i++) {
        const cli_command *command = commands[i];
        *used = command->group ? 2 : 1;
        if (n < *used || strcmp(words[*used - 1], command->name) != 0)
            continue;
        if (!command->group || strcmp(words[0], command->group) == 0)
            return command;
    }
    return NULL;
}

static int unknown(int n, char **words)
{
    for (int i = 0; i < N_COMMANDS; i++) {
        if (commands[i]->group && strcmp(words[0], commands[i]->group) == 0)
            return n > 1 ? cli_usage("there is no command '%s %s'; see 'microexpr help'",
                               words[0], words[1])
                         : cli_usage("'%s' needs a second word; see 'microexpr help'",
                               words[0]);
    }
    return cli_usage("there is no command '%s'; see 'microexpr help'", words[0]);
}

static void list_command(const cli_command *command, text *out)
{
    const int group = command->group ? (int)strlen(command->group) + 1 : 0;
    text_add(out, "  %s%s%-*s %s\n", command->group ? command->group : "",
        command->group ? " " : "", 14 - group, command->name, command->summary);
}

static int is_of_group(const cli_command *command, const char *group)
{
    return command->group && strcmp(command->group, group) == 0;
}

/* The commands of which the word is the first; 0 when there are none. */
static int list_group(const char *group, text *out)
{
    int n = 0;
    text_add(out, "usage: microexpr %s COMMAND [options]\n\ncommands:\n", group);
    for (int i = 0; i < N_COMMANDS; i++) {
        if (!is_of_group(commands[i], group))
            continue;
        list_command(commands[i], out);
        n++;
    }
    text_add(out, "\n'microexpr help %s COMMAND' tells all about one.\n", group);
    return n;
}

static void list_commands(text *out)
{
    text_add(out, "usage: microexpr COMMAND [options]\n"
                  "Reads micro-expressions: faces, flow, networks, class scores.\n\n"
                  "commands:\n");
    for (int i = 0; i < N_COMMANDS; i++)
        list_command(commands[i], out);
    text_add(out, "  %-14s %s\n", "help [COMMAND]", "This list, or all about a command");
    text_add(out,
        "\nExit codes: 0 done, 1 failed, 2 wrong usage. Results are for research only:\n"
        "they describe movement, not feelings.\n");
}

static int help(int n, char **words)
{
    int used;
    const cli_command *command = n > 0 ? find(n, words, &used) : NULL;
    text out = {0};
    if (command) {
        cli_help(command, &out);
    } else if (n == 0) {
        list_commands(&out);
    } else if (n > 1 || list_group(words[0], &out) == 0) {
        text_free(&out);
        return unknown(n, words);
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int is(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv)
{
    static char version[] = "version";
    /* A file that grows too large shall be an error to report, not the end. */
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2)
        return cli_usage("no command given; see 'microexpr help'");
    if (is(argv[1], "help", "--help") || is(argv[1], "-h", "-?"))
        return help(argc - 2, argv + 2);
    if (is(argv[1], "--version", "-V"))
        argv[1] = version;
    int used;
    const cli_command *command = find(argc - 1, argv + 1, &used);
    if (!command)
        return unknown(argc - 1, argv + 1);
    return cli_run(command, argc - used, argv + used);
}
