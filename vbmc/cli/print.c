#include "vbmc/cli/print.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/report.h"
#include "vbmc/term/text.h"

#define ERROR_SIZE 1024

/* ---- the terminal ---- */

void cli_fit_terminal(struct cli *cli)
{
    struct cli_format *format = &cli->options.format;

    format->fit_width |= format->terminal && !format->width_given;
}

void cli_look_at_terminal(struct cli_format *format)
{
    struct winsize window;
    const char *no_colour = getenv("NO_COLOR");

    format->terminal = isatty(STDOUT_FILENO);
    format->colour = format->terminal && !(no_colour && *no_colour);
    if (format->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
        format->terminal_width = window.ws_col;
}

/* ---- texts and rows ---- */

void cli_print_text(const struct cli *cli, const char *text)
{
    for (const char *end; *text; text = end) {
        size_t length = strcspn(text, "\n\t");
        if (cli->options.format.terminal)
            cli_text_print(text, text + length, stdout);
        else
            fwrite(text, 1, length, stdout);
        end = text + length;
        if (*end)
            fputc(*end++, stdout);
    }
}

int cli_print_rows(struct cli *cli, const struct cli_column *columns, size_t count,
                   struct json_object *rows)
{
    char error[ERROR_SIZE];
    int code = CLI_EXIT_DONE;

    if (cli_format_write(&cli->options.format, columns, count, rows, stdout, error, sizeof error))
        code = cli_fail(cli, "%s", error);
    json_object_put(rows);
    return code;
}

/* ---- objects ---- */

void cli_add_property(struct json_object *rows, const char *name, struct json_object *value)
{
    struct json_object *row = json_object_new_object();

    json_object_object_add(row, "property", json_object_new_string(name));
    json_object_object_add(row, "value",
                           strstr(name, "password") ? json_object_new_string("***")
                                                    : json_object_get(value));
    json_object_array_add(rows, row);
}

int cli_print_properties(struct cli *cli, struct json_object *rows)
{
    static const struct cli_column columns[] = {{"Property", "property"}, {"Value", "value"}};
    struct cli_format_names *sort = &cli->options.format.sort;

    if (sort->count == 0)
        sort->names[sort->count++] = "Property";
    cli_fit_terminal(cli);
    return cli_print_rows(cli, columns, ARRAY_SIZE(columns), rows);
}

/* Turns what is nested into rows: "hypervisors.local.state". An object in a list is known by its
 * "name", else by its place. */
static void flatten(struct json_object *rows, const char *prefix, struct json_object *value)
{
    char name[256], place[24];
    struct json_object *known;

    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
            flatten(rows, name, member);
        }
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            struct json_object *member = json_object_array_get_idx(value, i);
            snprintf(place, sizeof place, "%zu", i);
            bool has_name = json_object_is_type(member, json_type_object) &&
                            json_object_object_get_ex(member, "name", &known);
            snprintf(name, sizeof name, "%s.%s", prefix,
                     has_name ? json_object_get_string(known) : place);
            flatten(rows, name, member);
        }
    } else {
        cli_add_property(rows, prefix, value);
    }
}

int cli_print_object(struct cli *cli, struct json_object *object)
{
    struct json_object *rows;

    if (cli->options.format.kind == CLI_FORMAT_JSON) {
        cli_format_write_json(&cli->options.format, object, stdout);
        return CLI_EXIT_DONE;
    }
    rows = json_object_new_array();
    flatten(rows, "", object);
    return cli_print_properties(cli, rows);
}
