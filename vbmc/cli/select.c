#include "vbmc/cli/select.h"

#include <fnmatch.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/report.h"

bool cli_select_is_pattern(const char *text)
{
    return text && strpbrk(text, "*?[") && !strchr(text, '=');
}

bool cli_select_has_filter(const struct cli_options *options)
{
    return options->all || options->tags.count || options->hypervisor || options->state;
}

struct json_object *cli_select_arguments(void)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "select", json_object_new_boolean(true));
    json_object_object_add(arguments, "power", json_object_new_boolean(true));
    return arguments;
}

/* ---- a row ---- */

/* A name may have what makes a pattern in it, and then means itself. */
static bool matches(const char *pattern, const char *text)
{
    return strcmp(pattern, text) == 0 || fnmatch(pattern, text, 0) == 0;
}

/* `wanted`: KEY or KEY=VALUE. */
static bool has_tag(struct json_object *tags, const char *wanted)
{
    size_t length = strcspn(wanted, "=");

    if (!json_object_is_type(tags, json_type_object))
        return false;
    json_object_object_foreach(tags, key, value)
    {
        if (strlen(key) == length && strncmp(key, wanted, length) == 0)
            return !wanted[length] || matches(wanted + length + 1, json_object_get_string(value));
    }
    return false;
}

/* "on (paused)" is on. */
static bool has_state(struct json_object *row, const char *state)
{
    const char *power = cli_member_text(row, "power");
    size_t length = strlen(state);

    return strncmp(power, state, length) == 0 && (!power[length] || power[length] == ' ');
}

static bool is_meant(const struct cli_options *options, char *const *names, size_t count,
                     struct json_object *row)
{
    struct json_object *tags = cli_member(row, "tags");
    const char *name = cli_member_text(row, "domain_name");
    bool is_named = count == 0;

    for (size_t i = 0; i < count; i++)
        is_named |= matches(names[i], name);
    if (!is_named || (options->state && !has_state(row, options->state)))
        return false;
    if (options->hypervisor && !matches(options->hypervisor, cli_member_text(row, "hypervisor")))
        return false;
    for (size_t i = 0; i < options->tags.count; i++) {
        if (!has_tag(tags, options->tags.names[i]))
            return false;
    }
    return true;
}

struct json_object *cli_select_filter(const struct cli_options *options, char *const *names,
                                      size_t count, struct json_object *rows)
{
    struct json_object *meant = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        if (is_meant(options, names, count, row))
            json_object_array_add(meant, json_object_get(row));
    }
    return meant;
}

/* ---- the operands ---- */

/* NAME... and not NAME ARGUMENT... */
static bool takes_many(const struct cli_verb *verb)
{
    return strncmp(verb->arguments, "NAME...", 7) == 0;
}

static bool has_row(struct json_object *rows, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        if (strcmp(cli_member_text(row, "domain_name"), name) == 0)
            return true;
    }
    return false;
}

/* What looks like a pattern is a name where a BMC has it, or where no BMC matches: the daemon knows
 * further ones, such as NAME@URI. */
static bool is_one_name(const struct cli *cli, struct json_object *rows,
                        struct json_object *targets)
{
    const struct cli_options *options = &cli->options;

    return !cli_select_has_filter(options) && !takes_many(cli->verb) &&
           (json_object_array_length(targets) == 0 || has_row(rows, options->names[0]));
}

/* The same where there may be several, for each name by itself. */
static void add_unlisted(const struct cli_options *options, size_t count, struct json_object *rows,
                         struct json_object *targets)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *meant = cli_select_filter(options, options->names + i, 1, rows);
        if (json_object_array_length(meant) == 0 && !cli_select_has_filter(options)) {
            struct json_object *row = json_object_new_object();
            cli_add_text(row, "domain_name", options->names[i]);
            json_object_array_add(targets, row);
        }
        json_object_put(meant);
    }
}

/* NAME has been taken, or was left out: NULL stands in its place, or in that of all NAMEs. */
static int replace_names(struct cli *cli, size_t count)
{
    struct cli_options *options = &cli->options;
    size_t left = options->name_count - count;
    char **names = calloc(left + 2, sizeof *names);

    if (!names)
        return cli_fail(cli, "out of memory");
    if (left)
        memcpy(names + 1, options->names + count, left * sizeof *names);
    cli->replaced_names = names;
    options->names = names;
    options->name_count = left + 1;
    return CLI_EXIT_DONE;
}

static int ask_for_rows(struct cli *cli, struct json_object **rows)
{
    int code = cli_ask(cli, "list", cli_select_arguments(), rows);

    if (code == CLI_EXIT_DONE && !json_object_is_type(*rows, json_type_array))
        code = cli_fail(cli, "vbmcd answered with something that is no list");
    return code;
}

/* `count`: of the operands that are names. */
static int take_targets(struct cli *cli, size_t count, struct json_object *rows)
{
    const struct cli_options *options = &cli->options;
    struct json_object *targets = cli_select_filter(options, options->names, count, rows);

    if (is_one_name(cli, rows, targets)) {
        json_object_put(targets);
        return CLI_EXIT_DONE;
    }
    add_unlisted(options, count, rows, targets);
    cli->targets = targets;
    return json_object_array_length(targets) ? replace_names(cli, count)
                                             : cli_fail(cli, "no BMC matches");
}

int cli_select(struct cli *cli)
{
    struct cli_options *options = &cli->options;
    bool has_filter = cli_select_has_filter(options), has_pattern = false;
    size_t count = takes_many(cli->verb) ? options->name_count : options->name_count ? 1 : 0;
    struct json_object *rows;

    for (size_t i = 0; i < count; i++)
        has_pattern |= cli_select_is_pattern(options->names[i]);
    if (!has_filter && !has_pattern)
        return CLI_EXIT_DONE;
    /* Behind a filter the first word is what follows NAME, unless it is a pattern. */
    if (!has_pattern && !takes_many(cli->verb))
        count = 0;
    if (options->all && count)
        return cli_fail_usage(cli, "either --all or a NAME, not both");
    int code = ask_for_rows(cli, &rows);
    if (code == CLI_EXIT_DONE)
        code = take_targets(cli, count, rows);
    json_object_put(rows);
    return code;
}

void cli_select_clear(struct cli *cli)
{
    json_object_put(cli->targets);
    free(cli->replaced_names);
    cli->targets = NULL;
    cli->replaced_names = NULL;
}
