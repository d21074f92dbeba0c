/* The other end of the control socket (vbmc/control.h): one request, waited for. */
#ifndef VBMC_CLI_CLIENT_H
#define VBMC_CLI_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>

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

#endif
