#include "vbmc/cli/shell_commands.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/audit.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/console.h"
#include "vbmc/cli/list.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/readings.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/requests.h"
#include "vbmc/cli/select.h"
#include "vbmc/cli/tags.h"
#include "vbmc/cli/users.h"
#include "vbmc/cli/verb.h"
#include "vbmc/cli/words.h"

#define OPERANDS_MAX (CLI_WORDS_MAX + 2)

static cli_run run_help, run_exit;

/* What `vbmc` does not have, or not like this. */
static const struct cli_verb command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .help = "print help",
    .names_max = 1,
    .run = run_help,
};
static const struct cli_verb command_exit = {
    .name = "exit",
    .arguments = "",
    .help = "leave; so do quit, logout and Ctrl-D",
    .run = run_exit,
};
static const struct cli_verb command_quit = {
    .name = "quit",
    .arguments = "",
    .help = "leave",
    .run = run_exit,
};
static const struct cli_verb command_logout = {
    .name = "logout",
    .arguments = "",
    .help = "leave",
    .run = run_exit,
};

/* In the order of the help. */
static const struct cli_verb *const listed[] = {
    &cli_verb_list,  &cli_verb_show, &cli_verb_console, &cli_verb_who,     &cli_verb_audit,
    &cli_verb_power, &cli_verb_nmi,  &cli_verb_break,   &cli_verb_bootdev, &cli_verb_sensors,
    &cli_verb_sel,   &cli_verb_fru,  &cli_verb_user,    &cli_verb_tag,     &command_help,
    &command_exit,   NULL,
};

/* Further names of some of them. */
static const struct cli_verb *const unlisted[] = {
    &cli_verb_sensor,
    &command_quit,
    &command_logout,
    NULL,
};

/* ---- commands ---- */

const struct cli_verb *const *cli_shell_commands(void)
{
    return listed;
}

static const struct cli_verb *find_in(const struct cli_verb *const *commands, const char *name)
{
    for (; *commands; commands++) {
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    }
    return NULL;
}

const struct cli_verb *cli_shell_find(const char *name)
{
    const struct cli_verb *command = find_in(listed, name);

    return command ? command : find_in(unlisted, name);
}

bool cli_shell_takes_name(const struct cli_verb *command)
{
    return strncmp(command->arguments, "NAME", 4) == 0;
}

static const char *nearest_command(const char *word)
{
    const char *names[ARRAY_SIZE(listed) - 1];

    for (size_t i = 0; listed[i]; i++)
        names[i] = listed[i]->name;
    return nearest_name(word, names, ARRAY_SIZE(names), NULL);
}

static int run_help(struct cli *cli)
{
    const struct cli_verb *command;

    if (cli->options.name_count) {
        command = cli_shell_find(cli->options.names[0]);
        if (!command)
            return cli_fail_word(cli, "command", cli->options.names[0],
                                 nearest_command(cli->options.names[0]));
        cli_print_verb_help(command, "", 0);
        return CLI_EXIT_DONE;
    }
    for (size_t i = 0; listed[i]; i++) {
        command = listed[i];
        printf("  %-8s %.*s\n", command->name, (int)strcspn(command->help, "\n"), command->help);
    }
    puts("\n'help COMMAND' tells more. NAME may be left out where there is one BMC only.");
    return CLI_EXIT_DONE;
}

static int run_exit(struct cli *cli)
{
    (void)cli;
    return CLI_EXIT_DONE;
}

/* ---- a line ---- */

/* A command line with what it needs to ask the daemon. */
static struct cli begin(const struct shell *shell)
{
    struct cli cli = {
        .options = CLI_OPTIONS_NONE,
        .connection = shell->connection,
        .in_shell = true,
    };

    cli.options.config = shell->base.config;
    cli.options.socket = shell->base.socket;
    cli.options.debug = shell->base.debug;
    cli_look_at_terminal(&cli.options.format);
    return cli;
}

struct json_object *cli_shell_bmcs(const struct shell *shell)
{
    struct cli cli = begin(shell);
    struct cli_client_error error;
    struct json_object *rows, *name;

    if (cli_try(&cli, "list", NULL, &rows, &error))
        return NULL;
    struct json_object *bmcs = json_object_new_array();
    for (size_t i = 0;
         json_object_is_type(rows, json_type_array) && i < json_object_array_length(rows); i++) {
        if (json_object_object_get_ex(json_object_array_get_idx(rows, i), "domain_name", &name))
            json_object_array_add(bmcs, json_object_get(name));
    }
    json_object_put(rows);
    return bmcs;
}

/* Where there is one BMC only, its name may be left out: it is put in front of the operands, which
 * move to `operands`. The array that holds the name is returned, to be put after the command. */
static struct json_object *add_only_name(const struct shell *shell, struct cli *cli,
                                         char *operands[OPERANDS_MAX])
{
    struct cli_options *options = &cli->options;

    if (!cli_shell_takes_name(cli->verb) || options->name_count >= cli->verb->names_max ||
        cli_select_has_filter(options) ||
        (options->name_count && cli_select_is_pattern(options->names[0])))
        return NULL;
    struct json_object *bmcs = cli_shell_bmcs(shell);
    if (!bmcs || json_object_array_length(bmcs) != 1)
        return bmcs;
    const char *only = json_object_get_string(json_object_array_get_idx(bmcs, 0));
    if (options->name_count && strcmp(options->names[0], only) == 0)
        return bmcs;
    operands[0] = (char *)only;
    for (size_t i = 0; i < options->name_count; i++)
        operands[i + 1] = options->names[i];
    options->names = operands;
    options->name_count++;
    return bmcs;
}

static int run_command(const struct shell *shell, struct cli *cli, int count, char **words)
{
    char error[CLI_OPTIONS_ERROR_SIZE];
    char *operands[OPERANDS_MAX];

    cli->verb = cli_shell_find(words[0]);
    if (!cli->verb)
        return cli_fail_word(cli, "command", words[0], nearest_command(words[0]));
    if (cli_options_parse(count, words, cli->verb->groups | CLI_GROUP_COMMON, &cli->options, error))
        return cli_fail_usage(cli, "%s", error);
    if (cli->options.help) {
        cli_print_verb_help(cli->verb, "", 0);
        return CLI_EXIT_DONE;
    }
    struct json_object *bmcs = add_only_name(shell, cli, operands);
    int code = cli_call_verb(cli);
    json_object_put(bmcs);
    return code;
}

void cli_shell_run_words(struct shell *shell, int count, char **words)
{
    struct cli cli = begin(shell);

    if (count == 0)
        return;
    if (count > CLI_WORDS_MAX) {
        shell->status = cli_fail(&cli, "too many words");
        return;
    }
    shell->status = run_command(shell, &cli, count, words);
    shell->is_over |= cli.verb && cli.verb->run == run_exit && shell->status == CLI_EXIT_DONE;
    if (shell->is_over)
        shell->status = CLI_EXIT_DONE;
    cli_options_clear(&cli.options);
    if (fflush(stdout) || ferror(stdout))
        shell->is_over = true;
}

void cli_shell_run_line(struct shell *shell, char *line)
{
    char *words[CLI_WORDS_MAX + 1];
    struct cli cli = begin(shell);

    int count = cli_words_split(line, words);
    if (count < 0)
        shell->status = cli_fail(&cli, count == -E2BIG ? "too many words" : "a quote has no end");
    else
        cli_shell_run_words(shell, count, words);
}
