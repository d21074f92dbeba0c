#include "vbmc/cli/audit.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"

#define TEXT_SIZE 512
#define AGO_MAX   INT64_C(1000000)

/* "2h", "30m": so long before now. */
static int parse_ago(const char *text, int64_t now, int64_t *since)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;

    errno = 0;
    long long count = strtoll(text, &end, 10);
    if (errno || end == text || count < 0 || count > AGO_MAX || !*end || end[1])
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (units[i].unit != *end)
            continue;
        *since = now - count * units[i].seconds;
        if (*since < 0)
            *since = 0;
        return 0;
    }
    return -EINVAL;
}

int cli_audit_parse_since(const char *text, int64_t now, int64_t *since)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct tm local = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &local);
        if (!end || *end)
            continue;
        *since = (int64_t)mktime(&local);
        return *since < 0 ? -EINVAL : 0;
    }
    return parse_ago(text, now, since);
}

/* ---- for people ---- */

/* "2026-11-29T14:00:30.123Z" as the user's time of day, to the second. */
static struct json_object *local_time(const char *text)
{
    struct tm utc = {0}, local;
    char words[48];

    if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &utc))
        return json_object_new_string(text);
    time_t seconds = timegm(&utc);
    if (!localtime_r(&seconds, &local) ||
        strftime(words, sizeof words, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return json_object_new_string(text);
    return json_object_new_string(words);
}

static void add_joined(struct json_object *person, const char *key, const char *first,
                       const char *between, const char *second)
{
    char text[TEXT_SIZE];

    snprintf(text, sizeof text, "%s%s%s", first, *first && *second ? between : "", second);
    cli_add_text(person, key, text);
}

static struct json_object *record_for_people(struct json_object *row)
{
    struct json_object *person = json_object_new_object();
    const char *bmc = cli_member_text(row, "bmc"), *way = cli_member_text(row, "way"),
               *more = cli_member_text(row, "more"), *pid = cli_member_text(row, "pid"),
               *address = cli_member_text(row, "address");
    char counted[64] = "", process[64] = "";

    if (*more)
        snprintf(counted, sizeof counted, "(%s more)", more);
    if (*pid)
        snprintf(process, sizeof process, "pid %s", pid);
    json_object_object_add(person, "time", local_time(cli_member_text(row, "time")));
    cli_add_text(person, "bmc", *bmc ? bmc : "vbmcd");
    add_joined(person, "operation", cli_member_text(row, "operation"), " ",
               cli_member_text(row, "detail"));
    cli_add_text(person, "user", cli_member_text(row, "user"));
    cli_add_text(person, "way", way);
    cli_add_text(person, "from", *address ? address : process);
    add_joined(person, "result", cli_member_text(row, "outcome"), " ", counted);
    return person;
}

static int print_records(struct cli *cli, struct json_object *rows)
{
    static const struct cli_column columns[] = {
        {"Time", "time"}, {"BMC", "bmc"},   {"Operation", "operation"}, {"User", "user"},
        {"Way", "way"},   {"From", "from"}, {"Result", "result"},
    };
    static const char *const keys[] = {
        "id",      "time", "kind",    "bmc",       "uuid",    "operation", "detail", "user", "way",
        "address", "pid",  "session", "privilege", "outcome", "result",    "more",   "until"};
    struct cli_column all[ARRAY_SIZE(keys)];
    _Static_assert(ARRAY_SIZE(keys) <= CLI_FORMAT_COLUMNS_MAX, "as many as a row may have");

    if (!json_object_is_type(rows, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no list");
    if (cli->options.format.kind != CLI_FORMAT_TABLE) {
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            all[i] = (struct cli_column){.title = keys[i], .key = keys[i]};
        return cli_print_rows(cli, all, ARRAY_SIZE(keys), json_object_get(rows));
    }
    struct json_object *people = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(rows); i++)
        json_object_array_add(people, record_for_people(json_object_array_get_idx(rows, i)));
    cli_fit_terminal(cli);
    return cli_print_rows(cli, columns, ARRAY_SIZE(columns), people);
}

static int run_audit(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    int64_t since = 0;
    struct json_object *rows;

    if (options->since && cli_audit_parse_since(options->since, time(NULL), &since) < 0)
        return cli_fail_usage(cli,
                              "--since takes 30m, 2h, 7d, or a time as 2026-11-29 14:00, not '%s'",
                              options->since);
    struct json_object *arguments =
        options->name_count ? cli_name_arguments(cli) : json_object_new_object();
    if (options->last)
        json_object_object_add(arguments, "last", json_object_new_int64(options->last));
    if (options->since)
        json_object_object_add(arguments, "since", json_object_new_int64(since));
    int code = cli_ask(cli, "audit", arguments, &rows);
    if (code == CLI_EXIT_DONE)
        code = print_records(cli, rows);
    json_object_put(rows);
    return code;
}

const struct cli_verb cli_verb_audit = {
    .name = "audit",
    .arguments = "[NAME]",
    .help = "list who did what to which BMC, from where, and how it ended",
    .groups = CLI_GROUP_AUDIT | CLI_GROUP_FORMAT,
    .names_max = 1,
    .run = run_audit,
};
