#include "vbmc/cli/readings.h"

/* What a guest's BMC knows of its server: sensors, event log, inventory. Tables are for people;
 * every other format has the daemon's own keys and values. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/bulk.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"

struct listing {
    const struct cli_column *columns; /* of a table */
    size_t column_count;
    const char *const *keys; /* of the other formats */
    size_t key_count;
    /* Makes the row of a table from one of the daemon's. */
    struct json_object *(*for_people)(struct json_object *row);
};

/* ---- texts ---- */

const char *cli_duration(int64_t seconds, char text[CLI_DURATION_SIZE])
{
    int64_t days = seconds / 86400, minutes = seconds / 60;
    int hour = (int)(minutes / 60 % 24), minute = (int)(minutes % 60);

    if (seconds < 0)
        *text = '\0';
    else if (days)
        snprintf(text, CLI_DURATION_SIZE, "%" PRId64 "d %d:%02d", days, hour, minute);
    else
        snprintf(text, CLI_DURATION_SIZE, "%d:%02d:%02d", hour, minute, (int)(seconds % 60));
    return text;
}

/* "a; b" or "x 1; y 2": what a list or a map holds. */
static struct json_object *join(struct json_object *nested)
{
    CLEANUP_FREE char *text = NULL;
    const char *between = "";
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (json_object_is_type(nested, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(nested); i++, between = "; ")
            fprintf(out, "%s%s", between,
                    json_object_get_string(json_object_array_get_idx(nested, i)));
    } else {
        json_object_object_foreach(nested, key, value)
        {
            fprintf(out, "%s%s %s", between, key, value ? json_object_get_string(value) : "");
            between = "; ";
        }
    }
    fclose(out);
    return json_object_new_string(text);
}

static bool is_nested(struct json_object *value)
{
    return json_object_is_type(value, json_type_array) ||
           json_object_is_type(value, json_type_object);
}

/* csv and value have one text a cell. */
static struct json_object *flatten(struct json_object *row)
{
    struct json_object *flat = json_object_new_object();

    json_object_object_foreach(row, key, value)
    {
        json_object_object_add(flat, key, is_nested(value) ? join(value) : json_object_get(value));
    }
    return flat;
}

/* ---- printing ---- */

/* A row of one of many BMCs keeps its name. */
static struct json_object *convert_rows(struct json_object *rows,
                                        struct json_object *(*convert)(struct json_object *row))
{
    struct json_object *converted = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        if (!json_object_is_type(row, json_type_object))
            continue;
        struct json_object *made = convert(row);
        if (made != row)
            json_object_object_add(made, "domain_name",
                                   json_object_get(cli_member(row, "domain_name")));
        json_object_array_add(converted, made);
    }
    return converted;
}

static int print_for_programs(struct cli *cli, const struct listing *listing,
                              struct json_object *rows)
{
    struct cli_column columns[CLI_FORMAT_COLUMNS_MAX] = {{"domain_name", "domain_name"}};
    size_t count = cli->targets ? 1 : 0;
    enum cli_format_kind kind = cli->options.format.kind;
    bool keeps_nested = kind == CLI_FORMAT_JSON || kind == CLI_FORMAT_YAML;

    for (size_t i = 0; i < listing->key_count; i++)
        columns[count++] = (struct cli_column){.title = listing->keys[i], .key = listing->keys[i]};
    return cli_print_rows(cli, columns, count,
                          keeps_nested ? json_object_get(rows) : convert_rows(rows, flatten));
}

static int print_for_people(struct cli *cli, const struct listing *listing,
                            struct json_object *rows)
{
    struct cli_column columns[CLI_FORMAT_COLUMNS_MAX] = {{"Domain name", "domain_name"}};
    size_t count = cli->targets ? 1 : 0;

    for (size_t i = 0; i < listing->column_count; i++)
        columns[count++] = listing->columns[i];
    cli_fit_terminal(cli);
    return cli_print_rows(cli, columns, count, convert_rows(rows, listing->for_people));
}

static int print_listing(struct cli *cli, const struct listing *listing, struct json_object *rows)
{
    if (!json_object_is_type(rows, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no list");
    return cli->options.format.kind == CLI_FORMAT_TABLE ? print_for_people(cli, listing, rows)
                                                        : print_for_programs(cli, listing, rows);
}

static int ask_for_listing(struct cli *cli, const char *verb, struct json_object *arguments,
                           const struct listing *listing)
{
    struct json_object *rows;

    int code = cli_bulk_gather(cli, verb, arguments, &rows);
    int printed = code == CLI_EXIT_DONE || cli->targets ? print_listing(cli, listing, rows) : code;
    json_object_put(rows);
    return code == CLI_EXIT_DONE ? printed : code;
}

/* ---- sensors ---- */

/* "< 5, > 42": where a severity begins. */
static void add_limits(struct json_object *person, const char *key, struct json_object *thresholds,
                       const char *severity)
{
    char lower_key[48], upper_key[48], text[96];

    snprintf(lower_key, sizeof lower_key, "lower %s", severity);
    snprintf(upper_key, sizeof upper_key, "upper %s", severity);
    const char *lower = cli_member_text(thresholds, lower_key),
               *upper = cli_member_text(thresholds, upper_key);
    snprintf(text, sizeof text, "%s%.40s%s%s%.40s", *lower ? "< " : "", lower,
             *lower && *upper ? ", " : "", *upper ? "> " : "", upper);
    cli_add_text(person, key, text);
}

static void add_reading(struct json_object *person, struct json_object *row)
{
    struct json_object *states = cli_member(row, "states");
    char text[96];

    if (cli_member(row, "reading")) {
        snprintf(text, sizeof text, "%.60s %.20s", cli_member_text(row, "reading"),
                 cli_member_text(row, "unit"));
        cli_add_text(person, "reading", text);
    } else {
        json_object_object_add(person, "reading",
                               is_nested(states) ? join(states) : json_object_new_string(""));
    }
}

static struct json_object *sensor_for_people(struct json_object *row)
{
    struct json_object *person = json_object_new_object();
    struct json_object *thresholds = cli_member(row, "thresholds");
    char number[16];

    snprintf(number, sizeof number, "%02Xh",
             (unsigned)json_object_get_int(cli_member(row, "number")) & 0xff);
    cli_add_text(person, "number", number);
    cli_add_text(person, "name", cli_member_text(row, "name"));
    add_reading(person, row);
    cli_add_text(person, "status", cli_member_text(row, "status"));
    add_limits(person, "warning", thresholds, "non-critical");
    add_limits(person, "critical", thresholds, "critical");
    add_limits(person, "non-recoverable", thresholds, "non-recoverable");
    return person;
}

static int run_sensors(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"Number", "number"},
        {"Sensor", "name"},
        {"Reading", "reading"},
        {"Status", "status"},
        {"Warning", "warning"},
        {"Critical", "critical"},
        {"Non-recoverable", "non-recoverable"},
    };
    static const char *const keys[] = {"number", "name",   "type",   "reading",
                                       "unit",   "status", "states", "thresholds"};
    static const struct listing listing = {columns, ARRAY_SIZE(columns), keys, ARRAY_SIZE(keys),
                                           sensor_for_people};

    return ask_for_listing(cli, "sensors", cli_name_arguments(cli), &listing);
}

const struct cli_verb cli_verb_sensors = {
    .name = "sensors",
    .arguments = "NAME",
    .help = "show what a guest's sensors read",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_sensors,
};
const struct cli_verb cli_verb_sensor = {
    .name = "sensor",
    .arguments = "NAME",
    .help = "the same as sensors",
    .groups = CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_sensors,
};

/* ---- the event log ---- */

/* Seconds since 1970 as the user's time of day; a text as it is; "" if it is not known. */
static struct json_object *time_for_people(struct json_object *value)
{
    struct tm local;
    char text[48];
    time_t seconds = (time_t)json_object_get_int64(value);

    if (!json_object_is_type(value, json_type_int))
        return value ? json_object_get(value) : json_object_new_string("");
    if (!localtime_r(&seconds, &local) ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return NULL;
    return json_object_new_string(text);
}

static struct json_object *event_for_people(struct json_object *row)
{
    struct json_object *person = json_object_new_object();
    static const char *const texts[] = {"severity", "sensor", "type", "event", "direction"};

    json_object_object_add(person, "id", json_object_get(cli_member(row, "id")));
    json_object_object_add(person, "time", time_for_people(cli_member(row, "time")));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        cli_add_text(person, texts[i], cli_member_text(row, texts[i]));
    return person;
}

static int run_sel(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"ID", "id"},     {"Time", "time"},   {"Severity", "severity"},   {"Sensor", "sensor"},
        {"Type", "type"}, {"Event", "event"}, {"Direction", "direction"},
    };
    static const char *const keys[] = {"id",    "time",      "generator", "type", "sensor",
                                       "event", "direction", "severity",  "raw"};
    static const struct listing listing = {columns, ARRAY_SIZE(columns), keys, ARRAY_SIZE(keys),
                                           event_for_people};
    const struct cli_options *options = &cli->options;

    if (options->clear && options->last)
        return cli_fail_usage(cli, "--clear clears all, not the --last %u", options->last);
    struct json_object *arguments = cli_name_arguments(cli);
    if (options->clear) {
        json_object_object_add(arguments, "clear", json_object_new_boolean(true));
        return cli_bulk_obey(cli, "sel", arguments);
    }
    if (options->last)
        json_object_object_add(arguments, "last", json_object_new_int64(options->last));
    return ask_for_listing(cli, "sel", arguments, &listing);
}

const struct cli_verb cli_verb_sel = {
    .name = "sel",
    .arguments = "NAME",
    .help = "show a guest's system event log, or clear it",
    .groups = CLI_GROUP_SEL | CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_sel,
};

/* ---- the inventory ---- */

static int run_fru(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"ID", "id"},       {"Device", "device"}, {"Area", "area"},
        {"Field", "field"}, {"Value", "value"},
    };
    static const char *const keys[] = {"id", "device", "area", "field", "value"};
    static const struct listing listing = {columns, ARRAY_SIZE(columns), keys, ARRAY_SIZE(keys),
                                           flatten};
    struct json_object *arguments = cli_name_arguments(cli);

    if (!cli->options.asset_tag)
        return ask_for_listing(cli, "fru", arguments, &listing);
    cli_add_text(arguments, "asset_tag", cli->options.asset_tag);
    return cli_bulk_obey(cli, "fru", arguments);
}

const struct cli_verb cli_verb_fru = {
    .name = "fru",
    .arguments = "NAME",
    .help = "show a guest's inventory, or write its asset tag",
    .groups = CLI_GROUP_FRU | CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 1,
    .run = run_fru,
};

/* ---- all BMCs at a glance ---- */

/* The row itself: of ten thousand a copy would take longer than all else. */
static struct json_object *summary_for_people(struct json_object *row)
{
    static const char *const keys[] = {"domain_name", "power", "health", "note",  "cpu",
                                       "memory",      "io",    "inlet",  "watts", "cpu_temp"};
    struct json_object *uptime = cli_member(row, "uptime");
    char text[CLI_DURATION_SIZE] = "";

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!cli_member(row, keys[i]))
            cli_add_text(row, keys[i], "");
    }
    if (uptime)
        cli_duration(json_object_get_int64(uptime), text);
    cli_add_text(row, "uptime", text);
    return json_object_get(row);
}

int cli_print_summaries(struct cli *cli, struct json_object *rows)
{
    static const struct cli_column columns[] = {
        {"Domain name", "domain_name"}, {"Power", "power"}, {"CPU %", "cpu"},
        {"Memory %", "memory"},         {"I/O %", "io"},    {"Inlet C", "inlet"},
        {"CPU C", "cpu_temp"},          {"Watts", "watts"}, {"Health", "health"},
        {"Uptime", "uptime"},           {"Note", "note"},
    };
    static const char *const keys[] = {"domain_name", "power", "cpu",    "memory", "io",  "inlet",
                                       "cpu_temp",    "watts", "health", "uptime", "note"};
    static const struct listing listing = {columns, ARRAY_SIZE(columns), keys, ARRAY_SIZE(keys),
                                           summary_for_people};

    return print_listing(cli, &listing, rows);
}
