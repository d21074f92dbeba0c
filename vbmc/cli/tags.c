#include "vbmc/cli/tags.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/bulk.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"

struct json_object *cli_tags_text(struct json_object *tags)
{
    CLEANUP_FREE char *text = NULL;
    const char *between = "";
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (json_object_is_type(tags, json_type_object)) {
        json_object_object_foreach(tags, key, value)
        {
            const char *words = json_object_get_string(value);
            fprintf(out, "%s%s%s%s", between, key, *words ? "=" : "", words);
            between = ", ";
        }
    }
    fclose(out);
    return json_object_new_string(text);
}

/* Titles for people; every other format has the daemon's own keys. */
static int print_tags(struct cli *cli, struct json_object *rows)
{
    struct cli_column columns[] = {
        {"Domain name", "domain_name"}, {"Key", "key"}, {"Value", "value"}};
    size_t skipped = cli->targets ? 0 : 1; /* of one BMC */

    cli_fit_terminal(cli);
    if (!json_object_is_type(rows, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no list");
    for (size_t i = 0; cli->options.format.kind != CLI_FORMAT_TABLE && i < ARRAY_SIZE(columns); i++)
        columns[i].title = columns[i].key;
    return cli_print_rows(cli, columns + skipped, ARRAY_SIZE(columns) - skipped,
                          json_object_get(rows));
}

static int list_tags(struct cli *cli)
{
    struct json_object *rows;
    int code = cli_bulk_gather(cli, "tag", cli_name_arguments(cli), &rows);
    int printed = code == CLI_EXIT_DONE || cli->targets ? print_tags(cli, rows) : code;

    json_object_put(rows);
    return code == CLI_EXIT_DONE ? printed : code;
}

/* KEY=VALUE. CLI_EXIT_DONE, or a failure that was reported. */
static int add_tag(const struct cli *cli, struct json_object *set, const char *word)
{
    CLEANUP_FREE char *key = strndup(word, strcspn(word, "="));
    const char *value = strchr(word, '=');

    if (!value)
        return cli_fail_usage(cli, "'%s' is no KEY=VALUE", word);
    if (key)
        json_object_object_add(set, key, json_object_new_string(value + 1));
    return CLI_EXIT_DONE;
}

static int run_tag(struct cli *cli)
{
    const struct cli_options *options = &cli->options;

    if (options->name_count == 1 && options->removed.count == 0)
        return list_tags(cli);
    struct json_object *arguments = cli_name_arguments(cli);
    struct json_object *set = json_object_new_object(), *removed = json_object_new_array();
    int code = CLI_EXIT_DONE;
    for (size_t i = 1; i < options->name_count && code == CLI_EXIT_DONE; i++)
        code = add_tag(cli, set, options->names[i]);
    for (size_t i = 0; i < options->removed.count; i++)
        json_object_array_add(removed, json_object_new_string(options->removed.names[i]));
    json_object_object_add(arguments, "set", set);
    json_object_object_add(arguments, "remove", removed);
    if (code == CLI_EXIT_DONE)
        return cli_bulk_obey(cli, "tag", arguments);
    json_object_put(arguments);
    return code;
}

static const char tag_help[] =
    "list the tags of a guest, set or remove some\n\n"
    "  vbmc tag NAME                    which it has\n"
    "  vbmc tag NAME KEY=VALUE...       set them\n"
    "  vbmc tag NAME --remove KEY       remove one\n\n"
    "They are in the domain's metadata and go where the domain goes. 'vbmc list -c Tags' shows "
    "them,\n"
    "--tag selects by them.";

const struct cli_verb cli_verb_tag = {
    .name = "tag",
    .arguments = "NAME [KEY=VALUE...]",
    .help = tag_help,
    .groups = CLI_GROUP_TAG | CLI_GROUP_SELECT | CLI_GROUP_BULK | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 65,
    .run = run_tag,
};
