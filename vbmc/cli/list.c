#include "vbmc/cli/list.h"

/* What the daemon knows, as rows: list, discover, who, show and status. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/readings.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/select.h"
#include "vbmc/cli/tags.h"
#include "vbmc/term/text.h"

#define NOTES_MAX 16 /* different ones that are told of */

/* The columns of `list` that OpenStack's tool has; ours follow, so that scripts that count columns
 * find the same ones. */
#define OPENSTACK_COLUMNS 4

static void put_text(const char *text)
{
    cli_text_print(text, text + strlen(text), stderr);
}

/* ---- notes ---- */

struct note {
    const char *text;
    const char *name; /* of the first BMC that it is about */
    size_t count;
};

static void add_note(struct note notes[NOTES_MAX], const char *name, const char *text)
{
    for (size_t i = 0; i < NOTES_MAX; i++) {
        if (notes[i].text && strcmp(notes[i].text, text) != 0)
            continue;
        if (!notes[i].text)
            notes[i] = (struct note){.text = text, .name = name};
        notes[i].count++;
        return;
    }
}

/* What deserves a remark beside the table, such as one UUID on two hypervisors; a remark that many
 * BMCs share is one line. */
static void print_notes(const struct cli *cli, struct json_object *rows)
{
    struct note notes[NOTES_MAX] = {0};

    if (cli->options.quiet || cli->options.format.kind != CLI_FORMAT_TABLE)
        return;
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        struct json_object *name = cli_member(row, "domain_name"), *note = cli_member(row, "note");
        if (name && note)
            add_note(notes, json_object_get_string(name), json_object_get_string(note));
    }
    for (size_t i = 0; i < NOTES_MAX && notes[i].text; i++) {
        put_text(notes[i].name);
        if (notes[i].count > 1)
            fprintf(stderr, " and %zu more", notes[i].count - 1);
        fputs(": ", stderr);
        put_text(notes[i].text);
        fputc('\n', stderr);
    }
}

/* A list lacks what a hypervisor that is not connected has, and its guests' state is not known. In
 * every format: an empty list must not read as "there are none". Who may not ask for the daemon's
 * status is not told. */
static void print_hypervisors(struct cli *cli)
{
    struct cli_client_error error;
    struct json_object *status = NULL;

    if (cli->options.quiet || cli_try(cli, "status", NULL, &status, &error))
        return;
    struct json_object *list = cli_member(status, "hypervisors");
    for (size_t i = 0;
         json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct json_object *name = cli_member(entry, "name"), *state = cli_member(entry, "state");
        struct json_object *reason = cli_member(entry, "error");
        if (!name || !state || strcmp(json_object_get_string(state), "connected") == 0)
            continue;
        fputs("vbmc: hypervisor ", stderr);
        put_text(json_object_get_string(name));
        fputs(reason ? " is not connected: " : " is not connected yet", stderr);
        put_text(reason ? json_object_get_string(reason) : "");
        fputc('\n', stderr);
    }
    json_object_put(status);
}

/* ---- list and discover ---- */

static int ask_for_rows(struct cli *cli, struct json_object *arguments, struct json_object **rows)
{
    int code = cli_ask(cli, cli->verb->name, arguments, rows);

    if (code == CLI_EXIT_DONE && !json_object_is_type(*rows, json_type_array))
        code = cli_fail(cli, "vbmcd answered with something that is no list");
    return code;
}

/* Takes the rows over. */
static int print_list(struct cli *cli, const struct cli_column *columns, size_t count,
                      struct json_object *rows)
{
    struct cli_format_names *sort = &cli->options.format.sort;

    if (sort->count == 0)
        sort->names[sort->count++] = columns[0].title;
    fflush(stdout);
    cli_fit_terminal(cli);
    print_notes(cli, rows);
    int code = cli_print_rows(cli, columns, count, rows);
    fflush(stdout);
    print_hypervisors(cli);
    return code;
}

static bool keeps_nested(const struct cli *cli)
{
    return cli->options.format.kind == CLI_FORMAT_JSON ||
           cli->options.format.kind == CLI_FORMAT_YAML;
}

static bool has_tags(struct json_object *rows)
{
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        if (cli_member(json_object_array_get_idx(rows, i), "tags"))
            return true;
    }
    return false;
}

/* Tags in one cell, except where a cell may hold more. */
static void convert_tags(const struct cli *cli, struct json_object *rows)
{
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        struct json_object *tags = cli_member(row, "tags");
        if (!keeps_nested(cli))
            json_object_object_add(row, "tags", cli_tags_text(tags));
        else if (!tags)
            json_object_object_add(row, "tags", json_object_new_object());
    }
}

static struct json_object *list_arguments(const struct cli *cli)
{
    struct json_object *arguments;

    if (cli->options.format.columns.count > 0 || cli->options.name_count ||
        cli_select_has_filter(&cli->options))
        return cli_select_arguments();
    arguments = json_object_new_object();
    json_object_object_add(arguments, "select", json_object_new_boolean(true));
    return arguments;
}

/* The guest's power and tags stand in the table for people, and where they are asked for by name;
 * scripts get the columns that OpenStack's tool has. */
static int run_list(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"Domain name", "domain_name"},
        {"Status", "status"},
        {"Address", "address"},
        {"Port", "port"},
        {"Power", "power"},
        {"Tags", "tags"},
        {"Hypervisor", "hypervisor"},
    };
    size_t count = OPENSTACK_COLUMNS;
    struct json_object *rows;

    int code = ask_for_rows(cli, list_arguments(cli), &rows);
    if (code != CLI_EXIT_DONE) {
        json_object_put(rows);
        return code;
    }
    struct json_object *meant =
        cli_select_filter(&cli->options, cli->options.names, cli->options.name_count, rows);
    bool has_power = json_object_array_length(rows) == 0 ||
                     cli_member(json_object_array_get_idx(rows, 0), "power");
    bool any_tags = has_tags(meant);
    if (any_tags || cli->options.format.columns.count > 0)
        convert_tags(cli, meant);
    if (cli->options.format.columns.count > 0)
        count = ARRAY_SIZE(columns);
    else if (cli->options.format.kind == CLI_FORMAT_TABLE && has_power)
        count += any_tags ? 2 : 1;
    json_object_put(rows);
    return print_list(cli, columns, count, meant);
}

const struct cli_verb cli_verb_list = {
    .name = "list",
    .arguments = "[NAME...]",
    .help = "list the BMCs, or those of a selection",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_FORMAT,
    .names_max = SIZE_MAX,
    .run = run_list,
};

static int run_discover(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"Domain name", "domain_name"},
        {"Hypervisor", "hypervisor"},
        {"State", "state"},
        {"BMC", "bmc"},
        {"Reason", "reason"},
    };
    struct json_object *rows;

    int code = ask_for_rows(cli, NULL, &rows);
    if (code == CLI_EXIT_DONE)
        return print_list(cli, columns, ARRAY_SIZE(columns), rows);
    json_object_put(rows);
    return code;
}

const struct cli_verb cli_verb_discover = {
    .name = "discover",
    .arguments = "",
    .help = "list the domains of all hypervisors, and why one has no BMC",
    .groups = CLI_GROUP_FORMAT,
    .run = run_discover,
};

/* ---- who ---- */

static struct json_object *login_for_people(struct json_object *row)
{
    static const char *const texts[] = {"domain_name", "type",      "user",
                                        "address",     "privilege", "since"};
    struct json_object *person = json_object_new_object();
    char idle[CLI_DURATION_SIZE] = "";

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct json_object *text = cli_member(row, texts[i]);
        json_object_object_add(person, texts[i],
                               json_object_new_string(text ? json_object_get_string(text) : ""));
    }
    cli_duration(json_object_get_int64(cli_member(row, "idle")), idle);
    json_object_object_add(person, "idle", json_object_new_string(idle));
    return person;
}

static int run_who(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"BMC", "domain_name"},     {"Type", "type"},   {"User", "user"}, {"Address", "address"},
        {"Privilege", "privilege"}, {"Since", "since"}, {"Idle", "idle"},
    };
    bool is_table = cli->options.format.kind == CLI_FORMAT_TABLE;
    struct json_object *rows, *shown;

    int code = ask_for_rows(cli, cli->options.name_count ? cli_name_arguments(cli) : NULL, &rows);
    if (code == CLI_EXIT_DONE && is_table && json_object_array_length(rows) == 0) {
        puts("nobody");
    } else if (code == CLI_EXIT_DONE) {
        shown = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
            struct json_object *row = json_object_array_get_idx(rows, i);
            json_object_array_add(shown, is_table ? login_for_people(row) : json_object_get(row));
        }
        cli_fit_terminal(cli);
        code = cli_print_rows(cli, columns, ARRAY_SIZE(columns), shown);
    }
    json_object_put(rows);
    return code;
}

const struct cli_verb cli_verb_who = {
    .name = "who",
    .arguments = "[NAME]",
    .help = "list who is logged in: IPMI, SOL and SSH sessions, and open consoles",
    .groups = CLI_GROUP_FORMAT,
    .names_max = 1,
    .run = run_who,
};

/* ---- show and status ---- */

/* In one cell, except where a cell may hold more. */
static void add_tags_property(const struct cli *cli, struct json_object *rows,
                              struct json_object *tags)
{
    struct json_object *shown = keeps_nested(cli) ? json_object_get(tags) : cli_tags_text(tags);

    cli_add_property(rows, "tags", shown);
    json_object_put(shown);
}

/* Nobody reads 93784 as a day. */
static void add_known_property(const struct cli *cli, struct json_object *rows, const char *name,
                               struct json_object *value)
{
    char text[CLI_DURATION_SIZE];

    if (strcmp(name, "tags") == 0) {
        if (json_object_object_length(value) > 0)
            add_tags_property(cli, rows, value);
        return;
    }
    if (cli->options.format.kind != CLI_FORMAT_TABLE || strcmp(name, "uptime") != 0 ||
        !json_object_is_type(value, json_type_int)) {
        cli_add_property(rows, name, value);
        return;
    }
    struct json_object *duration =
        json_object_new_string(cli_duration(json_object_get_int64(value), text));
    cli_add_property(rows, name, duration);
    json_object_put(duration);
}

/* The answer to the verb, an object, as Property and Value. */
static int ask_for_properties(struct cli *cli, const char *verb)
{
    struct json_object *result;

    int code = cli_ask(cli, verb, cli_name_arguments(cli), &result);
    if (code == CLI_EXIT_DONE && !json_object_is_type(result, json_type_object))
        code = cli_fail(cli, "vbmcd answered with something that is no object");
    if (code == CLI_EXIT_DONE) {
        struct json_object *rows = json_object_new_array();
        json_object_object_foreach(result, key, value)
        {
            add_known_property(cli, rows, key, value);
        }
        code = cli_print_properties(cli, rows);
    }
    json_object_put(result);
    return code;
}

static int run_show(struct cli *cli)
{
    return ask_for_properties(cli, "show");
}

static int run_lan(struct cli *cli)
{
    const struct cli_options *options = &cli->options;

    if (options->name_count == 1)
        return ask_for_properties(cli, "lan");
    if (strcmp(options->names[1], "reset") != 0)
        return cli_fail_usage(cli, "the only action is reset");
    struct json_object *arguments = cli_name_arguments(cli);
    json_object_object_add(arguments, "reset", json_object_new_boolean(true));
    return cli_ask_and_obey(cli, "lan", arguments);
}

static const char inband_help[] =
    "give a guest an interface to its own BMC, as a server's system has one\n\n"
    "  on             add QEMU's ipmi-bmc-extern to the stored definition\n"
    "  off            take it away\n"
    "  status         whether it is there and connected; so does no action at all\n\n"
    "It takes effect at the next power-on. Where AppArmor confines QEMU, this line has to be in\n"
    "/etc/apparmor.d/local/abstractions/libvirt-qemu before:\n\n"
    "  /run/vbmc/*.ipmi rw,\n\n"
    "For SELinux see examples/selinux.";

static int run_inband(struct cli *cli)
{
    static const char *const front_ends[] = {"kcs", "bt", "pci-kcs", "pci-bt"};
    const char *front_end = cli->options.interface;
    const char *action = cli->options.name_count > 1 ? cli->options.names[1] : "status";
    bool known = !front_end;

    for (size_t i = 0; i < ARRAY_SIZE(front_ends) && !known; i++)
        known = strcmp(front_ends[i], front_end) == 0;
    if (!known)
        return cli_fail_usage(cli, "--interface: expected kcs, bt, pci-kcs or pci-bt");
    if (front_end && strcmp(action, "on") != 0)
        return cli_fail_usage(cli, "--interface goes with on");
    if (strcmp(action, "status") == 0)
        return ask_for_properties(cli, "inband");
    if (strcmp(action, "on") != 0 && strcmp(action, "off") != 0)
        return cli_fail_usage(cli, "expected on, off or status");
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "action", action);
    cli_add_text(arguments, "interface", front_end);
    return cli_ask_for_text(cli, "inband", arguments, "text");
}

const struct cli_verb cli_verb_inband = {
    .name = "inband",
    .arguments = "NAME [on|off|status]",
    .help = inband_help,
    .groups = CLI_GROUP_INBAND | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 2,
    .run = run_inband,
};

const struct cli_verb cli_verb_lan = {
    .name = "lan",
    .arguments = "NAME [reset]",
    .help = "show what clients have set of a BMC's LAN channel, or take it back",
    .groups = CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 2,
    .run = run_lan,
};

const struct cli_verb cli_verb_show = {
    .name = "show",
    .arguments = "NAME",
    .help = "show one BMC, and its server's power, uptime and health",
    .groups = CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_show,
};

static int run_status(struct cli *cli)
{
    struct json_object *result;

    int code = cli_ask(cli, "status", NULL, &result);
    if (code == CLI_EXIT_DONE)
        code = cli_print_object(cli, result);
    json_object_put(result);
    return code;
}

const struct cli_verb cli_verb_status = {
    .name = "status",
    .arguments = "",
    .help = "show the state of the daemon and its hypervisors",
    .groups = CLI_GROUP_FORMAT,
    .run = run_status,
};

static int run_hypervisor(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"Name", "name"}, {"State", "state"}, {"Busy BMCs", "waiting"},
        {"URI", "uri"},   {"Error", "error"},
    };
    const struct cli_options *options = &cli->options;
    struct json_object *rows;

    if (options->name_count == 1 ||
        (options->name_count == 2 && strcmp(options->names[1], "declare-dead") != 0))
        return cli_fail_usage(cli, "the only action is declare-dead");
    if (options->name_count == 2) {
        struct json_object *arguments = cli_name_arguments(cli);
        json_object_object_add(arguments, "action", json_object_new_string(options->names[1]));
        return cli_ask_for_text(cli, "hypervisor", arguments, "text");
    }
    int code = ask_for_rows(cli, NULL, &rows);
    cli_fit_terminal(cli);
    if (code == CLI_EXIT_DONE)
        return cli_print_rows(cli, columns, ARRAY_SIZE(columns), rows);
    json_object_put(rows);
    return code;
}

static const char hypervisor_help[] =
    "list the hypervisors, or give one up\n\n"
    "  declare-dead   it will not come back: guests that it may have run are released, and can be\n"
    "                 started elsewhere. Only for a machine that is certainly off: a guest that\n"
    "                 still runs there would run twice on its disk.";

const struct cli_verb cli_verb_hypervisor = {
    .name = "hypervisor",
    .arguments = "[NAME declare-dead]",
    .help = hypervisor_help,
    .groups = CLI_GROUP_FORMAT,
    .names_max = 2,
    .run = run_hypervisor,
};
