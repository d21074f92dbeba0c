#include "vbmc/cli/faults.h"

/* `vbmc inject` and `vbmc facility`: what breaks in a server, and in the room. */
#include <json-c/json.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/bulk.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/simulate.h"

#define TEXT_SIZE 64

static const char inject_help[] =
    "break something in a server, or repair it\n\n"
    "  vbmc inject NAME TARGET KIND               break it\n"
    "  vbmc inject NAME --list                    what is broken, and since when\n"
    "  vbmc inject NAME --clear [TARGET [KIND]]   repair it\n\n"
    "TARGET               KIND\n"
    "  disk/vda           predictive-failure, fault\n"
    "  psu/1              predictive-failure, ac-lost, failed, removed\n"
    "  fan/1              failed\n"
    "  temp/inlet, temp/cpu, temp/cpu1, temp/dimm, temp/exhaust\n"
    "                     degrees more or less, such as +15 or -3.5\n"
    "  memory             ecc-correctable (an event each time), ecc-uncorrectable\n"
    "  intrusion          open\n"
    "  nic/0              down (the guest loses its link)\n\n"
    "What is broken stays so until it is cleared, over restarts too.";

static const char facility_help[] =
    "show the room that the servers stand in, change it, or simulate one\n\n"
    "  vbmc facility                              how it is, and what the servers have left\n"
    "  vbmc facility feed A down|up               switch a power feed\n"
    "  vbmc facility ups battery|line             lose the utility, or have it back\n"
    "  vbmc facility utility lost|ok              the same, where there is no UPS\n"
    "  vbmc facility generator failed|ok          whether it would start\n"
    "  vbmc facility crac failed|ok               the cooling unit\n"
    "  vbmc facility --clear                      all as it should be\n"
    "  vbmc facility simulate [OPTION...]         reckon how much down-time a redundancy of power\n"
    "                                             supplies leaves; asks no daemon\n\n"
    "A server that is left without enough supply loses power at once, and comes back if its power\n"
    "restore policy says so ('ipmitool chassis policy always-on').";

static const char *name_at(const struct cli *cli, size_t place)
{
    return place < cli->options.name_count ? cli->options.names[place] : NULL;
}

/* Asks for a change; what is answered is printed as json, and of it `count_key` to people. */
static int change(struct cli *cli, struct json_object *arguments, const char *count_key)
{
    struct json_object *result;
    int code = cli_ask(cli, cli->verb->name, arguments, &result);

    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON)
        cli_format_write_json(&cli->options.format, result, stdout);
    else if (code == CLI_EXIT_DONE && count_key && !cli->options.quiet)
        printf("%s: %s\n", count_key, cli_member_text(result, count_key));
    json_object_put(result);
    return code;
}

/* ---- inject ---- */

/* Titles for people; every other format has the daemon's own keys. */
static int print_faults(struct cli *cli, struct json_object *faults)
{
    struct cli_column columns[] = {
        {"Domain name", "domain_name"}, {"Target", "target"}, {"Kind", "kind"}, {"Since", "since"}};
    size_t skipped = cli->targets ? 0 : 1; /* of one BMC */

    cli_fit_terminal(cli);
    if (!json_object_is_type(faults, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no list");
    for (size_t i = 0; cli->options.format.kind != CLI_FORMAT_TABLE && i < ARRAY_SIZE(columns); i++)
        columns[i].title = columns[i].key;
    return cli_print_rows(cli, columns + skipped, ARRAY_SIZE(columns) - skipped,
                          json_object_get(faults));
}

static int list_faults(struct cli *cli)
{
    struct json_object *faults;

    if (cli->options.name_count > 1 || cli->options.clear)
        return cli_fail_usage(cli, "--list takes a name and nothing else");
    int code = cli_bulk_gather(cli, "inject", cli_name_arguments(cli), &faults);
    int printed = code == CLI_EXIT_DONE || cli->targets ? print_faults(cli, faults) : code;
    json_object_put(faults);
    return code == CLI_EXIT_DONE ? printed : code;
}

static int run_inject(struct cli *cli)
{
    bool clears = cli->options.clear;

    if (cli->options.list)
        return list_faults(cli);
    if (!clears && cli->options.name_count != 3)
        return cli_fail_usage(cli, "inject needs NAME TARGET KIND, or NAME with --list or --clear");
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "target", name_at(cli, 1));
    cli_add_text(arguments, "kind", name_at(cli, 2));
    if (clears)
        json_object_object_add(arguments, "clear", json_object_new_boolean(true));
    return cli->targets ? cli_bulk_obey(cli, "inject", arguments)
                        : change(cli, arguments, clears ? "cleared" : NULL);
}

const struct cli_verb cli_verb_inject = {
    .name = "inject",
    .arguments = "NAME [TARGET KIND]",
    .help = inject_help,
    .groups = CLI_GROUP_INJECT | CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 3,
    .run = run_inject,
};

/* ---- facility ---- */

static void add_row(struct json_object *rows, const char *part, const char *state)
{
    struct json_object *row = json_object_new_object();

    cli_add_text(row, "part", part);
    cli_add_text(row, "state", state);
    json_object_array_add(rows, row);
}

static struct json_object *room_rows(struct json_object *room)
{
    struct json_object *rows = json_object_new_array(), *feeds = cli_member(room, "feeds");
    struct json_object *battery = cli_member(room, "battery_percent");
    char text[TEXT_SIZE];

    add_row(rows, "utility", cli_member_text(room, "utility"));
    snprintf(text, sizeof text, "%s%s%s%s", cli_member_text(room, "ups"), battery ? ", " : "",
             cli_member_text(room, "battery_percent"), battery ? " %" : "");
    add_row(rows, "ups", text);
    add_row(rows, "generator", cli_member_text(room, "generator"));
    for (size_t i = 0;
         json_object_is_type(feeds, json_type_array) && i < json_object_array_length(feeds); i++) {
        struct json_object *feed = json_object_array_get_idx(feeds, i);
        snprintf(text, sizeof text, "feed %s", cli_member_text(feed, "feed"));
        add_row(rows, text, cli_member_text(feed, "state"));
    }
    add_row(rows, "crac", cli_member_text(room, "crac"));
    snprintf(text, sizeof text, "%s C", cli_member_text(room, "inlet"));
    add_row(rows, "inlet", text);
    return rows;
}

/* Two tables; with --column that of the servers alone, which has columns to choose from. */
static int print_room(struct cli *cli, struct json_object *room)
{
    static const struct cli_column parts[] = {{"Room", "part"}, {"State", "state"}};
    static const struct cli_column columns[] = {
        {"Server", "domain_name"}, {"Redundancy", "redundancy"}, {"Feeds", "feeds"},
        {"Supply", "supply"},      {"Power", "power"},
    };
    struct json_object *servers = cli_member(room, "servers");

    cli_fit_terminal(cli);
    if (!json_object_is_type(servers, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no facility");
    if (cli->options.format.columns.count == 0) {
        struct cli_format_names sort = cli->options.format.sort;
        cli->options.format.sort.count = 0;
        int code = cli_print_rows(cli, parts, ARRAY_SIZE(parts), room_rows(room));
        cli->options.format.sort = sort;
        if (code != CLI_EXIT_DONE || json_object_array_length(servers) == 0)
            return code;
    }
    return cli_print_rows(cli, columns, ARRAY_SIZE(columns), json_object_get(servers));
}

static int show_room(struct cli *cli)
{
    struct json_object *room;
    int code = cli_ask(cli, "facility", NULL, &room);

    if (code == CLI_EXIT_DONE)
        code = cli->options.format.kind == CLI_FORMAT_TABLE ? print_room(cli, room)
                                                            : cli_print_object(cli, room);
    json_object_put(room);
    return code;
}

static int run_facility(struct cli *cli)
{
    size_t count = cli->options.name_count;
    const char *item = name_at(cli, 0);

    if (item && strcmp(item, "simulate") == 0)
        return cli_run_simulate(cli);
    if (cli->options.clear && count > 0)
        return cli_fail_usage(cli, "--clear takes nothing else");
    if (count == 0 && !cli->options.clear)
        return show_room(cli);
    if (count == 1)
        return cli_fail_usage(cli, "facility needs ITEM [WHICH] STATE");
    struct json_object *arguments = json_object_new_object();
    cli_add_text(arguments, "item", item);
    cli_add_text(arguments, "which", count == 3 ? name_at(cli, 1) : NULL);
    cli_add_text(arguments, "state", count > 1 ? name_at(cli, count - 1) : NULL);
    if (cli->options.clear)
        json_object_object_add(arguments, "clear", json_object_new_boolean(true));
    return change(cli, arguments, NULL);
}

const struct cli_verb cli_verb_facility = {
    .name = "facility",
    .arguments = "[ITEM [WHICH] STATE | simulate]",
    .help = facility_help,
    .groups = CLI_GROUP_ROOM | CLI_GROUP_SIMULATE | CLI_GROUP_FORMAT,
    .names_max = 3,
    .run = run_facility,
};
