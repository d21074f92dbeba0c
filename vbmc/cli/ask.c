#include "vbmc/cli/ask.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/config/config.h"
#include "vbmc/control/control.h"
#include "vbmc/term/text.h"

#define PATH_SIZE 4096

int cli_socket_path(const struct cli_options *options, char *path, size_t size, char *error,
                    size_t error_size)
{
    const char *given = options->socket;
    CLEANUP_FREE char *folder = NULL;

    if (!given && options->config) {
        int failed = config_load_runtime_dir(options->config, &folder, error, error_size);
        if (failed == -EACCES)
            snprintf(error, error_size,
                     "%s: permission denied; run vbmc as root, or, as a member of the group that "
                     "'control-group' there names, give its socket by --socket",
                     options->config);
        if (failed)
            return failed == -EACCES ? failed : -EINVAL;
        snprintf(path, size, "%s/%s", folder, CONTROL_SOCKET_NAME);
        return 0;
    }
    if (!given)
        given = getenv("VBMC_SOCKET");
    snprintf(path, size, "%s", given && *given ? given : CONTROL_SOCKET_PATH);
    return 0;
}

static void show_progress(void *context, const char *text)
{
    const struct cli *cli = context;
    bool in_place = cli->progress_in_place && isatty(STDERR_FILENO);

    if (cli->options.quiet || (!cli->options.verbose && !isatty(STDERR_FILENO)))
        return;
    if (in_place)
        fputs("\r\033[K", stderr);
    cli_text_print(text, text + strlen(text), stderr);
    if (!in_place)
        fputc('\n', stderr);
}

static void end_progress(const struct cli *cli)
{
    if (cli->progress_in_place && !cli->options.quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int report(const struct cli *cli, const struct cli_client_error *error)
{
    cli_fail(cli, "%s", error->text);
    return error->is_usage ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

/* Finds the socket, and says what it is asked. */
static int find_socket(const struct cli *cli, const char *verb, char path[PATH_SIZE],
                       struct cli_client_error *error)
{
    *error = (struct cli_client_error){0};
    if (cli_socket_path(&cli->options, path, PATH_SIZE, error->text, sizeof error->text))
        return -EINVAL;
    if (cli->options.debug)
        fprintf(stderr, "debug: asks %s for %s\n", path, verb);
    return 0;
}

int cli_try(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result, struct cli_client_error *error)
{
    char path[PATH_SIZE];
    int failed;

    *result = NULL;
    if (cli->connection) {
        failed =
            cli_connection_ask(cli->connection, verb, arguments, show_progress, cli, result, error);
    } else {
        failed = find_socket(cli, verb, path, error);
        if (!failed)
            failed = cli_client_call(path, verb, arguments, show_progress, cli, result, error);
    }
    json_object_put(arguments);
    end_progress(cli);
    return failed;
}

int cli_ask(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result)
{
    struct cli_client_error error;

    return cli_try(cli, verb, arguments, result, &error) ? report(cli, &error) : CLI_EXIT_DONE;
}

int cli_open_connection(const struct cli *cli, const char *verb, struct cli_connection **connection,
                        struct cli_client_error *error)
{
    char path[PATH_SIZE];

    *connection = NULL;
    if (cli->connection)
        return cli_connection_clone(cli->connection, connection, error);
    int failed = find_socket(cli, verb, path, error);
    return failed ? failed : cli_connection_open(path, connection, error);
}

int cli_ask_for_stream(struct cli *cli, const char *verb, struct json_object *arguments,
                       struct json_object **result, struct cli_stream *stream)
{
    struct cli_client_error error;
    struct cli_connection *connection;

    *result = NULL;
    *stream = CLI_STREAM_NONE;
    int failed = cli_open_connection(cli, verb, &connection, &error);
    if (!failed)
        failed =
            cli_connection_ask(connection, verb, arguments, show_progress, cli, result, &error);
    json_object_put(arguments);
    end_progress(cli);
    if (!failed)
        *stream = cli_connection_take_over(connection);
    else
        cli_connection_free(connection);
    return failed ? report(cli, &error) : CLI_EXIT_DONE;
}

struct json_object *cli_name_arguments(const struct cli *cli)
{
    struct json_object *arguments = json_object_new_object();
    const char *name = cli->options.names[0];

    if (name)
        json_object_object_add(arguments, "name", json_object_new_string(name));
    return arguments;
}

int cli_ask_and_obey(struct cli *cli, const char *verb, struct json_object *arguments)
{
    struct json_object *result;
    int code = cli_ask(cli, verb, arguments, &result);

    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON)
        cli_format_write_json(&cli->options.format, result, stdout);
    json_object_put(result);
    return code;
}

int cli_ask_for_text(struct cli *cli, const char *verb, struct json_object *arguments,
                     const char *key)
{
    struct json_object *result, *text;

    int code = cli_ask(cli, verb, arguments, &result);
    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON) {
        cli_format_write_json(&cli->options.format, result, stdout);
    } else if (code == CLI_EXIT_DONE && json_object_is_type(result, json_type_object) &&
               json_object_object_get_ex(result, key, &text)) {
        const char *bytes = json_object_get_string(text);
        size_t length = strlen(bytes);
        cli_print_text(cli, bytes);
        if (length == 0 || bytes[length - 1] != '\n')
            fputc('\n', stdout);
    } else if (code == CLI_EXIT_DONE) {
        code = cli_fail(cli, "vbmcd answered without '%s'", key);
    }
    json_object_put(result);
    return code;
}
