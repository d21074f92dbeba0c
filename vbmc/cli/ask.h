/* Asks the daemon for a verb of the `vbmc` command, with progress and failures for people. */
#ifndef VBMC_CLI_ASK_H
#define VBMC_CLI_ASK_H

#include <stddef.h>

struct cli;
struct cli_client_error;
struct cli_connection;
struct cli_options;
struct cli_stream;
struct json_object;

/* Where the control socket is: --socket, --config, $VBMC_SOCKET, the default. 0, or -EACCES or
 * -EINVAL with a line in `error`. */
int cli_socket_path(const struct cli_options *options, char *path, size_t size, char *error,
                    size_t error_size);
/* {"name": the first name given}. */
struct json_object *cli_name_arguments(const struct cli *cli);
/* Asks the daemon; takes `arguments` over. CLI_EXIT_DONE with the result, which the caller puts;
 * otherwise the failure has been reported. */
int cli_ask(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result);
/* The same without a report: 0, or a negative error as of cli_client_call. */
int cli_try(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result, struct cli_client_error *error);
/* Opens one to ask for `verb` by. 0, or a negative error as of cli_connection_open. */
int cli_open_connection(const struct cli *cli, const char *verb, struct cli_connection **connection,
                        struct cli_client_error *error);
/* Asks the daemon over a connection of its own, which becomes a stream with its answer. Takes
 * `arguments` over. As cli_ask; the caller closes the stream, too. */
int cli_ask_for_stream(struct cli *cli, const char *verb, struct json_object *arguments,
                       struct json_object **result, struct cli_stream *stream);
/* Asks for something whose success says all; its result is printed only as json. Takes over the
 * arguments. */
int cli_ask_and_obey(struct cli *cli, const char *verb, struct json_object *arguments);
/* Asks for something that is one text, under `key`; prints it bare, or the whole as json. */
int cli_ask_for_text(struct cli *cli, const char *verb, struct json_object *arguments,
                     const char *key);

#endif
