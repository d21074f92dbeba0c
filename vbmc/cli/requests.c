#include "vbmc/cli/requests.h"

/* The verbs that the daemon answers: arguments out, result in the format asked for. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/nearest.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/bulk.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/control/control.h"
#include "vbmc/term/text.h"

#define PATH_SIZE 4096

static const char *const power_actions[] = {"on",   "off",  "cycle", "reset",
                                            "soft", "diag", "status"};
static const struct nearest_synonym action_synonyms[] = {
    {"restart", "reset"}, {"reboot", "reset"}, {"up", "on"},        {"start", "on"},
    {"down", "off"},      {"stop", "off"},     {"kill", "off"},     {"shutdown", "soft"},
    {"acpi", "soft"},     {"nmi", "diag"},     {"state", "status"}, {NULL, NULL},
};

static int run_add(struct cli *cli)
{
    const struct cli_options *options = &cli->options;

    if (!options->sasl_username != !options->sasl_password)
        return cli_fail_usage(
            cli, "--libvirt-sasl-username and --libvirt-sasl-password need each other");
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "username", options->username);
    cli_add_text(arguments, "password", options->password);
    cli_add_text(arguments, "address", options->address);
    cli_add_text(arguments, "libvirt_uri", options->libvirt_uri);
    cli_add_text(arguments, "libvirt_sasl_username", options->sasl_username);
    cli_add_text(arguments, "libvirt_sasl_password", options->sasl_password);
    if (options->port)
        json_object_object_add(arguments, "port", json_object_new_int(options->port));
    return cli_ask_and_obey(cli, "add", arguments);
}

const struct cli_verb cli_verb_add = {
    .name = "add",
    .arguments = "NAME",
    .help = "give a domain a BMC of its own",
    .groups = CLI_GROUP_ADD | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_add,
};

static int run_names(struct cli *cli)
{
    struct json_object *arguments = json_object_new_object(), *names;

    if (cli->targets)
        return cli_bulk_obey(cli, cli->verb->name, arguments);
    names = json_object_new_array();
    for (size_t i = 0; i < cli->options.name_count; i++)
        json_object_array_add(names, json_object_new_string(cli->options.names[i]));
    json_object_object_add(arguments, "names", names);
    int code = cli_ask_and_obey(cli, cli->verb->name, arguments);
    if (code == CLI_EXIT_DONE && strcmp(cli->verb->name, "delete") == 0 && !cli->options.quiet &&
        isatty(STDERR_FILENO))
        fputs("'vbmc add' of the same name undoes this, with an empty event log\n", stderr);
    return code;
}

const struct cli_verb cli_verb_delete = {
    .name = "delete",
    .arguments = "NAME...",
    .help = "stop BMCs and forget them",
    .groups = CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = SIZE_MAX,
    .run = run_names,
};

const struct cli_verb cli_verb_start = {
    .name = "start",
    .arguments = "NAME...",
    .help = "let BMCs answer",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = SIZE_MAX,
    .run = run_names,
};

const struct cli_verb cli_verb_stop = {
    .name = "stop",
    .arguments = "NAME...",
    .help = "silence BMCs",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = SIZE_MAX,
    .run = run_names,
};

/* The list that they were selected from has said it. */
static int print_states(struct cli *cli)
{
    static const struct cli_column columns[] = {{"Domain name", "domain_name"}, {"Power", "power"}};

    cli_fit_terminal(cli);
    return cli_print_rows(cli, columns, ARRAY_SIZE(columns), json_object_get(cli->targets));
}

static int run_power(struct cli *cli)
{
    const char *action = cli->options.name_count > 1 ? cli->options.names[1] : "status";
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(power_actions); i++)
        known |= strcmp(power_actions[i], action) == 0;
    if (!known)
        return cli_fail_word(
            cli, "power action", action,
            nearest_name(action, power_actions, ARRAY_SIZE(power_actions), action_synonyms));
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "action", action);
    if (strcmp(action, "status") != 0)
        return cli_bulk_obey(cli, "power", arguments);
    if (!cli->targets)
        return cli_ask_for_text(cli, "power", arguments, "power");
    json_object_put(arguments);
    return print_states(cli);
}

static const char power_help[] =
    "do to a guest what its power buttons do, or tell its state\n\n"
    "  on             start it; a paused one goes on\n"
    "  off            end it at once, like pulling the plug\n"
    "  cycle          off and, a few seconds later, on\n"
    "  reset          the reset button\n"
    "  soft           the power button, for its system to shut down\n"
    "  diag           an NMI, for its system to dump or to stop in its debugger\n"
    "  status         tell its state; so does no action at all";

const struct cli_verb cli_verb_power = {
    .name = "power",
    .arguments = "NAME [on|off|cycle|reset|soft|diag|status]",
    .help = power_help,
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 2,
    .run = run_power,
};

static int run_nmi(struct cli *cli)
{
    struct json_object *arguments = cli_name_arguments(cli);

    cli_add_text(arguments, "action", "diag");
    return cli_bulk_obey(cli, "power", arguments);
}

const struct cli_verb cli_verb_nmi = {
    .name = "nmi",
    .arguments = "NAME",
    .help = "send a guest an NMI, for it to dump or to stop in its debugger",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_nmi,
};

/* The hypervisor's machine writes the file; where that is this one, a relative path means what it
 * says here. */
static int run_dump(struct cli *cli)
{
    const char *file = cli->options.names[1];
    char path[PATH_SIZE], folder[PATH_SIZE] = "";

    if (!*file)
        return cli_fail_usage(cli, "dump needs the name of a file");
    if (*file != '/' && !getcwd(folder, sizeof folder))
        return cli_fail(cli, "cannot get the working directory: %s", strerror(errno));
    int length = snprintf(path, sizeof path, "%s%s%s", folder, *file == '/' ? "" : "/", file);
    if (length < 0 || (size_t)length >= sizeof path)
        return cli_fail(cli, "%s: the path is too long", file);
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "file", path);
    cli->progress_in_place = true;
    return cli_ask_and_obey(cli, "dump", arguments);
}

const struct cli_verb cli_verb_dump = {
    .name = "dump",
    .arguments = "NAME FILE",
    .help = "write a guest's memory to a file on its hypervisor's machine",
    .groups = CLI_GROUP_FORMAT,
    .names_min = 2,
    .names_max = 2,
    .run = run_dump,
};

static int run_bootdev(struct cli *cli)
{
    struct json_object *arguments = cli_name_arguments(cli);

    cli_add_text(arguments, "device", cli->options.names[1]);
    json_object_object_add(arguments, "persistent",
                           json_object_new_boolean(cli->options.persistent));
    return cli_bulk_obey(cli, "bootdev", arguments);
}

static const char bootdev_help[] =
    "what a guest boots next\n\n"
    "  pxe            the network\n"
    "  disk           a disk; safe and diag mean the same\n"
    "  cdrom, floppy  removable media\n"
    "  bios           the firmware's boot menu, at the next start from off\n"
    "  none           what its definition says: takes back what was asked for\n\n"
    "It counts for the next boot, if that comes within a minute; a reset is enough.";

const struct cli_verb cli_verb_bootdev = {
    .name = "bootdev",
    .arguments = "NAME none|pxe|disk|safe|diag|cdrom|bios|floppy",
    .help = bootdev_help,
    .groups = CLI_GROUP_BOOTDEV | CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 2,
    .names_max = 2,
    .run = run_bootdev,
};

/* Reads a whole text file, or standard input for "-". NULL with errno. */
static char *read_file(const char *path)
{
    CLEANUP_CLOSE int fd =
        strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *text = malloc(CONTROL_REQUEST_MAX);
    size_t used = 0;

    if (fd < 0 || !text)
        return NULL;
    for (;;) {
        ssize_t got = read(fd, text + used, CONTROL_REQUEST_MAX - used);
        if (got < 0)
            return NULL;
        if (got == 0)
            break;
        used += (size_t)got;
        if (used == CONTROL_REQUEST_MAX) {
            errno = EFBIG;
            return NULL;
        }
    }
    text[used] = '\0';
    if (strlen(text) != used) {
        errno = EILSEQ;
        return NULL;
    }
    return cleanup_steal_pointer(&text);
}

static int run_define(struct cli *cli)
{
    CLEANUP_FREE char *xml = read_file(cli->options.names[0]);

    if (!xml)
        return cli_fail(cli, "%s: %s", cli->options.names[0], strerror(errno));
    struct json_object *arguments = json_object_new_object();
    cli_add_text(arguments, "xml", xml);
    cli_add_text(arguments, "hypervisor", cli->options.hypervisor);
    return cli_ask_and_obey(cli, "define", arguments);
}

const struct cli_verb cli_verb_define = {
    .name = "define",
    .arguments = "FILE.xml",
    .help = "define a domain under the embedded driver ('-': standard input)",
    .groups = CLI_GROUP_DEFINE | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_define,
};

static int run_undefine(struct cli *cli)
{
    struct json_object *arguments = cli_name_arguments(cli), *result, *text;

    json_object_object_add(arguments, "keep_nvram",
                           json_object_new_boolean(cli->options.keep_nvram));
    int code = cli_ask(cli, "undefine", arguments, &result);
    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON) {
        cli_format_write_json(&cli->options.format, result, stdout);
    } else if (code == CLI_EXIT_DONE && json_object_is_type(result, json_type_object) &&
               json_object_object_get_ex(result, "text", &text) && text) {
        cli_print_text(cli, json_object_get_string(text));
    }
    json_object_put(result);
    return code;
}

const struct cli_verb cli_verb_undefine = {
    .name = "undefine",
    .arguments = "NAME",
    .help = "undefine a domain under the embedded driver, with its saved state and UEFI variables",
    .groups = CLI_GROUP_UNDEFINE | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_undefine,
};

static int run_dumpxml(struct cli *cli)
{
    struct json_object *arguments = cli_name_arguments(cli);

    json_object_object_add(arguments, "inactive", json_object_new_boolean(cli->options.inactive));
    return cli_ask_for_text(cli, "dumpxml", arguments, "xml");
}

const struct cli_verb cli_verb_dumpxml = {
    .name = "dumpxml",
    .arguments = "NAME",
    .help = "print a domain's definition",
    .groups = CLI_GROUP_DUMPXML | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_dumpxml,
};

static int run_reload(struct cli *cli)
{
    struct json_object *result, *notes;
    int code = cli_ask(cli, "reload", NULL, &result);

    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON)
        cli_format_write_json(&cli->options.format, result, stdout);
    if (code == CLI_EXIT_DONE && !cli->options.quiet &&
        json_object_is_type(result, json_type_object) &&
        json_object_object_get_ex(result, "notes", &notes) &&
        json_object_is_type(notes, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(notes); i++) {
            const char *text = json_object_get_string(json_object_array_get_idx(notes, i));
            cli_text_print(text, text + strlen(text), stderr);
            fputc('\n', stderr);
        }
    }
    json_object_put(result);
    return code;
}

const struct cli_verb cli_verb_reload = {
    .name = "reload",
    .arguments = "",
    .help = "let the daemon read its configuration again",
    .groups = CLI_GROUP_FORMAT,
    .run = run_reload,
};
