#include "vbmc/cli/main.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/base/version.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/audit.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/console.h"
#include "vbmc/cli/doctor.h"
#include "vbmc/cli/faults.h"
#include "vbmc/cli/list.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/readings.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/requests.h"
#include "vbmc/cli/screenshot.h"
#include "vbmc/cli/shell.h"
#include "vbmc/cli/tags.h"
#include "vbmc/cli/top.h"
#include "vbmc/cli/users.h"
#include "vbmc/cli/verb.h"
#include "vbmc/term/text.h"

static cli_run run_help, run_complete, run_version;

static const struct cli_verb verb_complete = {
    .name = "complete",
    .arguments = "",
    .help = "print words for shell completion; without an option, the names of BMCs",
    .groups = CLI_GROUP_COMPLETE,
    .run = run_complete,
};
static const struct cli_verb verb_help = {
    .name = "help",
    .arguments = "[VERB]",
    .help = "print help, of a verb if one is given",
    .names_max = 1,
    .run = run_help,
};
static const struct cli_verb verb_version = {
    .name = "version",
    .arguments = "",
    .help = "print the version",
    .groups = CLI_GROUP_FORMAT,
    .run = run_version,
};

/* In the order of the help. */
const struct cli_verb *const cli_verbs[] = {
    &cli_verb_add,     &cli_verb_delete,     &cli_verb_start,    &cli_verb_stop,
    &cli_verb_list,    &cli_verb_show,       &cli_verb_tag,      &cli_verb_lan,
    &cli_verb_power,   &cli_verb_bootdev,    &cli_verb_console,  &cli_verb_break,
    &cli_verb_nmi,     &cli_verb_screenshot, &cli_verb_dump,     &cli_verb_inband,
    &cli_verb_sensors, &cli_verb_sel,        &cli_verb_fru,      &cli_verb_top,
    &cli_verb_inject,  &cli_verb_facility,   &cli_verb_discover, &cli_verb_hypervisor,
    &cli_verb_define,  &cli_verb_undefine,   &cli_verb_dumpxml,  &cli_verb_status,
    &cli_verb_who,     &cli_verb_audit,      &cli_verb_user,     &cli_verb_reload,
    &cli_verb_shell,   &cli_verb_doctor,     &verb_complete,     &verb_help,
    &verb_version,
};

const size_t cli_verb_count = ARRAY_SIZE(cli_verbs);

const struct cli_verb *cli_find_verb(const char *name)
{
    for (size_t i = 0; i < cli_verb_count; i++) {
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    }
    return NULL;
}

static const char *nearest_verb(const char *word)
{
    static const struct nearest_synonym synonyms[] = {
        {"ls", "list"},       {"boot", "bootdev"}, {"events", "sel"},     {"log", "sel"},
        {"reset", "power"},   {"reboot", "power"}, {"sensor", "sensors"}, {"sessions", "who"},
        {"users", "user"},    {"account", "user"}, {"accounts", "user"},  {"remove", "delete"},
        {"history", "audit"}, {"trail", "audit"},  {"inventory", "fru"},  {"check", "doctor"},
        {"edit", "define"},   {"tags", "tag"},     {"label", "tag"},      {NULL, NULL},
    };
    const char *names[ARRAY_SIZE(cli_verbs)];

    for (size_t i = 0; i < cli_verb_count; i++)
        names[i] = cli_verbs[i]->name;
    return nearest_name(word, names, cli_verb_count, synonyms);
}

/* A line above the verb that begins a group in the list of verbs. */
static void print_heading(const char *verb, FILE *out)
{
    static const struct {
        const char *first;
        const char *heading;
    } groups[] = {
        {"add", "BMCs"},         {"power", "Guests"},      {"sensors", "Servers and the room"},
        {"discover", "Domains"}, {"status", "The daemon"}, {"complete", "Help"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (strcmp(groups[i].first, verb) == 0)
            fprintf(out, "\n%s:\n", groups[i].heading);
    }
}

static void print_help(FILE *out)
{
    fputs("Usage: vbmc [OPTION...] VERB [OPTION...] [ARGUMENT...]\n\n"
          "Virtual BMCs of libvirt/QEMU guests: asks the daemon, vbmcd.\n",
          out);
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *verb = cli_verbs[i];
        print_heading(verb->name, out);
        fprintf(out, "  %-10s %.*s\n", verb->name, (int)strcspn(verb->help, "\n"), verb->help);
    }
    fputs("\nOptions:\n", out);
    cli_options_print_help(CLI_GROUP_GLOBAL, out);
    fputs(
        "\n'vbmc help VERB' tells more. Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
        out);
}

static int run_help(struct cli *cli)
{
    if (cli->options.name_count == 0) {
        print_help(stdout);
        return CLI_EXIT_DONE;
    }
    const struct cli_verb *verb = cli_find_verb(cli->options.names[0]);
    if (!verb)
        return cli_fail_word(cli, "verb", cli->options.names[0],
                             nearest_verb(cli->options.names[0]));
    cli_print_verb_help(verb, "vbmc", CLI_GROUP_GLOBAL);
    return CLI_EXIT_DONE;
}

/* Not one that is no word of a line: the shell would take it for others. */
static void print_name(const char *name)
{
    const char *end = name + strlen(name);
    struct cli_text_char next;

    for (const char *at = name; (next = cli_text_next(at, end)).bytes; at += next.bytes) {
        if (!next.printable)
            return;
    }
    puts(name);
}

static int complete_names(struct cli *cli)
{
    struct json_object *names = NULL, *name;

    int code = cli_ask(cli, cli->options.domains ? "discover" : "list", NULL, &names);
    if (code == CLI_EXIT_DONE && json_object_is_type(names, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(names); i++) {
            if (json_object_object_get_ex(json_object_array_get_idx(names, i), "domain_name",
                                          &name))
                print_name(json_object_get_string(name));
        }
    }
    json_object_put(names);
    return code;
}

static int run_complete(struct cli *cli)
{
    if (cli->options.verbs) {
        for (size_t i = 0; i < cli_verb_count; i++)
            puts(cli_verbs[i]->name);
        return CLI_EXIT_DONE;
    }
    if (cli->options.options_of) {
        const struct cli_verb *verb = cli_find_verb(cli->options.options_of);
        cli_options_print_names(CLI_GROUP_GLOBAL | (verb ? verb->groups : 0), stdout);
        return CLI_EXIT_DONE;
    }
    return complete_names(cli);
}

static int run_version(struct cli *cli)
{
    if (cli->options.format.kind != CLI_FORMAT_JSON) {
        puts("vbmc " VBMC_VERSION);
        return CLI_EXIT_DONE;
    }
    struct json_object *version = json_object_new_object();
    json_object_object_add(version, "version", json_object_new_string(VBMC_VERSION));
    cli_format_write_json(&cli->options.format, version, stdout);
    json_object_put(version);
    return CLI_EXIT_DONE;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
    char error[CLI_OPTIONS_ERROR_SIZE];
    struct cli_options *options = &cli->options;

    cli->verb = cli_find_verb(argv[0]);
    if (!cli->verb)
        return cli_fail_word(cli, "verb", argv[0], nearest_verb(argv[0]));
    if (cli_options_parse(argc, argv, cli->verb->groups | CLI_GROUP_GLOBAL, options, error))
        return cli_fail_usage(cli, "%s", error);
    if (options->version)
        return run_version(cli);
    if (options->help) {
        cli_print_verb_help(cli->verb, "vbmc", CLI_GROUP_GLOBAL);
        return CLI_EXIT_DONE;
    }
    return cli_call_verb(cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
    char error[CLI_OPTIONS_ERROR_SIZE];
    int verb;

    cli_look_at_terminal(&cli->options.format);
    if (cli_options_parse_global(argc, argv, &cli->options, &verb, error))
        return cli_fail_usage(cli, "%s", error);
    if (verb < argc && !cli->options.version)
        return run_verb(cli, argc - verb, argv + verb);
    if (cli->options.version)
        return run_version(cli);
    print_help(cli->options.help ? stdout : stderr);
    return cli->options.help ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.options = CLI_OPTIONS_NONE};

    cli_text_init();
    int code = run(&cli, argc, argv);
    if (fflush(stdout) || ferror(stdout))
        code = cli_fail(&cli, "cannot write to standard output: %s", strerror(errno));
    cli_options_clear(&cli.options);
    return code;
}
