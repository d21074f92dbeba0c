/* The other end of the control socket (vbmc/control/control.h): requests, waited for, over a
 * connection for one of them or over one that stays open.
 *
 * On a connection that a process inherited (the shell of SSH users), the daemon knows the verb
 * "connect" besides: it is answered by {"ok":true} and the descriptor of another connected socket,
 * on behalf of the same identity, as SCM_RIGHTS with the first byte of that answer. */
#ifndef VBMC_CLI_CLIENT_H
#define VBMC_CLI_CLIENT_H

#include <bits/types/sig_atomic_t.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/cleanup.h"

#define CLI_CLIENT_TIMEOUT_MS 120000 /* without a line from the daemon */
#define CLI_CLIENT_ERROR_SIZE 2048

struct cli_client_error {
    bool is_usage; /* the daemon says that the request makes no sense */
    char text[CLI_CLIENT_ERROR_SIZE];
};

typedef void cli_client_progress(void *context, const char *text);

/* Asks the daemon that listens on `path`. Borrows `arguments`; NULL stands for none. `progress` may
 * be NULL. 0 with the result, which the caller puts; else a negative error with one line that says
 * what is wrong and what to do: -ENOENT when no daemon runs there, -EACCES when it may not be
 * asked, -EREMOTEIO when the daemon answered with an error. */
int cli_client_call(const char *path, const char *verb, struct json_object *arguments,
                    cli_client_progress *progress, void *context, struct json_object **result,
                    struct cli_client_error *error);

struct cli_connection;
struct json_object;

/* A connection to the daemon that listens on `path`, which stays open. 0; else a negative error as
 * of cli_client_call. */
int cli_connection_open(const char *path, struct cli_connection **connection,
                        struct cli_client_error *error);
/* The same over a descriptor that is connected already; it is taken over. NULL if there is no
 * memory, with `fd` closed. */
struct cli_connection *cli_connection_adopt(int fd);
/* Asks the daemon for one more connection like this one. */
int cli_connection_clone(struct cli_connection *connection, struct cli_connection **clone,
                         struct cli_client_error *error);
void cli_connection_free(struct cli_connection *connection); /* NULL is allowed */

/* Asks over the connection, as cli_client_call. -EINTR when cli_client_watch_interrupts says so;
 * the connection can still be used, the answer that is due is thrown away when it comes. */
int cli_connection_ask(struct cli_connection *connection, const char *verb,
                       struct json_object *arguments, cli_client_progress *progress, void *context,
                       struct json_object **result, struct cli_client_error *error);
/* A signal handler's flag that ends waiting for an answer; NULL: none. */
void cli_client_watch_interrupts(const volatile sig_atomic_t *flag);
bool cli_client_interrupted(void);

/* The same in parts, for several connections at a time. The request is sent: 0, or a negative
 * error. Then, whenever the descriptor can be read (at least every CLI_CLIENT_TIMEOUT_MS):
 * 0: not yet answered; 1: answered, with the result; or a negative error. */
int cli_connection_begin(struct cli_connection *connection, const char *verb,
                         struct json_object *arguments, struct cli_client_error *error);
int cli_connection_fd(const struct cli_connection *connection);
int cli_connection_continue(struct cli_connection *connection, cli_client_progress *progress,
                            void *context, struct json_object **result,
                            struct cli_client_error *error);
/* Says that there was no line from the daemon for so long. -ETIMEDOUT. */
int cli_client_timed_out(struct cli_client_error *error);

/* What a connection has become after an answer that made a stream of it. */
struct cli_stream {
    int fd;
    uint8_t *bytes; /* that have come behind the answer */
    size_t size;
};

/* Frees the connection; the stream is the caller's, who closes it. */
struct cli_stream cli_connection_take_over(struct cli_connection *connection);
void cli_stream_close(struct cli_stream *stream); /* all zero except for fd -1 is allowed */

#define CLI_STREAM_NONE ((struct cli_stream){.fd = -1})
#define CLEANUP_STREAM  CLEANUP(cli_stream_close)

#endif
