#include "vbmc/cli/main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/base/version.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/doctor.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/term/text.h"

/* The first line is also for the list of verbs. */
static const char power_help[] =
    "do to a guest what its power buttons do, or tell its state\n\n"
    "  on             start it; a paused one goes on\n"
    "  off            end it at once, like pulling the plug\n"
    "  cycle          off and, a few seconds later, on\n"
    "  reset          the reset button\n"
    "  soft           the power button, for its system to shut down\n"
    "  diag           an NMI, for its system to dump or to stop in its debugger\n"
    "  status         tell its state; so does no action at all";
static const char bootdev_help[] =
    "what a guest boots next\n\n"
    "  pxe            the network\n"
    "  disk           a disk; safe and diag mean the same\n"
    "  cdrom, floppy  removable media\n"
    "  bios           the firmware's boot menu, at the next start from off\n"
    "  none           what its definition says: takes back what was asked for\n\n"
    "It counts for the next boot, if that comes within a minute; a reset is enough.";
static const char top_help[] =
    "watch power, load, temperature and health of all BMCs\n\n"
    "  q                                  leaves\n"
    "  n, c, t, w, h                      sort by name, CPU, temperature, watts, health\n"
    "  r                                  the other way round\n"
    "  Space                              ask now\n"
    "  arrows, page keys, k, j, g, G      scroll\n\n"
    "Without a terminal, or with -f, it prints one table.";
static const char hypervisor_help[] =
    "list the hypervisors, or give one up\n\n"
    "  declare-dead   it will not come back: guests that it may have run are released, and can be\n"
    "                 started elsewhere. Only for a machine that is certainly off: a guest that\n"
    "                 still runs there would run twice on its disk.";

const struct cli_verb cli_verbs[] = {
    {"add", "NAME", "give a domain a BMC of its own", CLI_GROUP_ADD | CLI_GROUP_FORMAT, 1, 1,
     cli_run_add},
    {"delete", "NAME...", "stop BMCs and forget them", CLI_GROUP_FORMAT, 1, SIZE_MAX,
     cli_run_names},
    {"start", "NAME...", "let BMCs answer", CLI_GROUP_FORMAT, 1, SIZE_MAX, cli_run_names},
    {"stop", "NAME...", "silence BMCs", CLI_GROUP_FORMAT, 1, SIZE_MAX, cli_run_names},
    {"list", "", "list the BMCs", CLI_GROUP_FORMAT, 0, 0, cli_run_list},
    {"show", "NAME", "show one BMC, and its server's power, uptime and health", CLI_GROUP_FORMAT, 1,
     1, cli_run_show},
    {"power", "NAME [on|off|cycle|reset|soft|diag|status]", power_help, CLI_GROUP_FORMAT, 1, 2,
     cli_run_power},
    {"bootdev", "NAME none|pxe|disk|safe|diag|cdrom|bios|floppy", bootdev_help,
     CLI_GROUP_BOOTDEV | CLI_GROUP_FORMAT, 2, 2, cli_run_bootdev},
    {"console", "NAME", "show a guest's serial console and type there; Ctrl-] opens a menu",
     CLI_GROUP_CONSOLE, 1, 1, cli_run_console},
    {"break", "NAME", "send a break to a guest's serial port", 0, 1, 1, cli_run_break},
    {"nmi", "NAME", "send a guest an NMI, for it to dump or to stop in its debugger",
     CLI_GROUP_FORMAT, 1, 1, cli_run_nmi},
    {"screenshot", "NAME FILE",
     "write what a guest's screen shows to a file ('-': standard output)", 0, 2, 2,
     cli_run_screenshot},
    {"dump", "NAME FILE", "write a guest's memory to a file on its hypervisor's machine",
     CLI_GROUP_FORMAT, 2, 2, cli_run_dump},
    {"sensors", "NAME", "show what a guest's sensors read", CLI_GROUP_FORMAT, 1, 1,
     cli_run_sensors},
    {"sel", "NAME", "show a guest's system event log, or clear it",
     CLI_GROUP_SEL | CLI_GROUP_FORMAT, 1, 1, cli_run_sel},
    {"fru", "NAME", "show a guest's inventory, or write its asset tag",
     CLI_GROUP_FRU | CLI_GROUP_FORMAT, 1, 1, cli_run_fru},
    {"top", "", top_help, CLI_GROUP_TOP | CLI_GROUP_FORMAT, 0, 0, cli_run_top},
    {"inject", "NAME [TARGET KIND]", cli_inject_help, CLI_GROUP_INJECT | CLI_GROUP_FORMAT, 1, 3,
     cli_run_inject},
    {"facility", "[ITEM [WHICH] STATE | simulate]", cli_facility_help,
     CLI_GROUP_ROOM | CLI_GROUP_SIMULATE | CLI_GROUP_FORMAT, 0, 3, cli_run_facility},
    {"discover", "", "list the domains of all hypervisors, and why one has no BMC",
     CLI_GROUP_FORMAT, 0, 0, cli_run_discover},
    {"hypervisor", "[NAME declare-dead]", hypervisor_help, CLI_GROUP_FORMAT, 0, 2,
     cli_run_hypervisor},
    {"define", "FILE.xml", "define a domain under the embedded driver ('-': standard input)",
     CLI_GROUP_DEFINE | CLI_GROUP_FORMAT, 1, 1, cli_run_define},
    {"undefine", "NAME",
     "undefine a domain under the embedded driver, with its saved state and UEFI variables",
     CLI_GROUP_UNDEFINE | CLI_GROUP_FORMAT, 1, 1, cli_run_undefine},
    {"dumpxml", "NAME", "print a domain's definition", CLI_GROUP_DUMPXML | CLI_GROUP_FORMAT, 1, 1,
     cli_run_dumpxml},
    {"status", "", "show the state of the daemon and its hypervisors", CLI_GROUP_FORMAT, 0, 0,
     cli_run_status},
    {"who", "[NAME]", "list who is logged in: IPMI, SOL and SSH sessions, and open consoles",
     CLI_GROUP_FORMAT, 0, 1, cli_run_who},
    {"reload", "", "let the daemon read its configuration again", CLI_GROUP_FORMAT, 0, 0,
     cli_run_reload},
    {"shell", "[COMMAND]", "take commands one by one, as by SSH; 'vbmc shell help' lists them", 0,
     0, SIZE_MAX, cli_run_shell},
    {"doctor", "", "look for what is wrong, and say what to do",
     CLI_GROUP_DOCTOR | CLI_GROUP_FORMAT, 0, 0, cli_run_doctor},
    {"complete", "", "print words for shell completion; without an option, the names of BMCs",
     CLI_GROUP_COMPLETE, 0, 0, cli_run_complete},
    {"help", "[VERB]", "print help, of a verb if one is given", 0, 0, 1, cli_run_help},
    {"version", "", "print the version", CLI_GROUP_FORMAT, 0, 0, cli_run_version},
};

const size_t cli_verb_count = ARRAY_SIZE(cli_verbs);

const struct cli_verb *cli_find_verb(const char *name)
{
    for (size_t i = 0; i < cli_verb_count; i++) {
        if (strcmp(cli_verbs[i].name, name) == 0)
            return &cli_verbs[i];
    }
    return NULL;
}

static const char *nearest_verb(const char *word)
{
    static const struct nearest_synonym synonyms[] = {
        {"ls", "list"},       {"boot", "bootdev"},  {"events", "sel"},     {"log", "sel"},
        {"reset", "power"},   {"reboot", "power"},  {"sensor", "sensors"}, {"sessions", "who"},
        {"remove", "delete"}, {"inventory", "fru"}, {"check", "doctor"},   {"edit", "define"},
        {NULL, NULL},
    };
    const char *names[ARRAY_SIZE(cli_verbs)];

    for (size_t i = 0; i < cli_verb_count; i++)
        names[i] = cli_verbs[i].name;
    return nearest_name(word, names, cli_verb_count, synonyms);
}

void cli_print_verb_help(const struct cli_verb *verb, const char *program, unsigned groups)
{
    bool has_program = groups & CLI_GROUP_PROGRAM;

    printf("Usage: %s%s%s%s%s%s\n\n%s\n", program, has_program ? " [OPTION...] " : "", verb->name,
           has_program || verb->groups ? " [OPTION...]" : "", *verb->arguments ? " " : "",
           verb->arguments, verb->help);
    if (verb->groups) {
        fputs("\nOptions (before or behind the arguments; '--' ends them):\n", stdout);
        cli_options_print_help(verb->groups, stdout);
    }
    if (groups) {
        fputs("\nOptions of every verb:\n", stdout);
        cli_options_print_help(groups, stdout);
    }
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
        print_heading(cli_verbs[i].name, out);
        fprintf(out, "  %-10s %.*s\n", cli_verbs[i].name, (int)strcspn(cli_verbs[i].help, "\n"),
                cli_verbs[i].help);
    }
    fputs("\nOptions:\n", out);
    cli_options_print_help(CLI_GROUP_GLOBAL, out);
    fputs(
        "\n'vbmc help VERB' tells more. Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
        out);
}

int cli_run_help(struct cli *cli)
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

static int complete_names(struct cli *cli)
{
    struct json_object *names = NULL, *name;

    int code = cli_ask(cli, cli->options.domains ? "discover" : "list", NULL, &names);
    if (code == CLI_EXIT_DONE && json_object_is_type(names, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(names); i++) {
            if (json_object_object_get_ex(json_object_array_get_idx(names, i), "domain_name",
                                          &name))
                puts(json_object_get_string(name));
        }
    }
    json_object_put(names);
    return code;
}

int cli_run_complete(struct cli *cli)
{
    if (cli->options.verbs) {
        for (size_t i = 0; i < cli_verb_count; i++)
            puts(cli_verbs[i].name);
        return CLI_EXIT_DONE;
    }
    if (cli->options.options_of) {
        const struct cli_verb *verb = cli_find_verb(cli->options.options_of);
        cli_options_print_names(CLI_GROUP_GLOBAL | (verb ? verb->groups : 0), stdout);
        return CLI_EXIT_DONE;
    }
    return complete_names(cli);
}

int cli_run_version(struct cli *cli)
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

int cli_call_verb(struct cli *cli)
{
    const struct cli_options *options = &cli->options;

    if (options->name_count < cli->verb->names_min)
        return cli_fail_usage(cli, "%s needs %s", cli->verb->name, cli->verb->arguments);
    if (options->name_count > cli->verb->names_max)
        return cli_fail_usage(cli, "%s does not know what to do with '%s'", cli->verb->name,
                              options->names[cli->verb->names_max]);
    return cli->verb->run(cli);
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
        return cli_run_version(cli);
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
        return cli_run_version(cli);
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
