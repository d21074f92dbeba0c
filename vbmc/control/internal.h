/* What the files of the control socket share. */
#ifndef VBMC_CONTROL_INTERNAL_H
#define VBMC_CONTROL_INTERNAL_H

#include <stdbool.h>

#include "vbmc/control/control.h"
#include "vbmc/control/socket.h"

#define CONTROL_VERB_SIZE 32

/* A connection. It reads one request, then stops reading until that request's answer is written: a
 * client can neither queue work nor make the daemon buffer more than one line and one answer. */
struct client {
    uv_pipe_t pipe; /* first, so that a handle is its client */
    struct control *control;
    struct client *next;
    struct control_request *request; /* being handled, or NULL */
    struct control_identity identity;
    struct ucred peer; /* of the socket in the file system; pid 0 for an adopted one */
    bool adopted;      /* not by the listener */
    uint64_t began_ms; /* as uv_hrtime has it: when it came, and its latest request */
    uint64_t heard_ms;
    bool closing;
    bool writing; /* the answer is on its way */
    bool last;    /* close when it is written */
    bool taken;   /* over by a handler: only the memory is still ours */
    size_t used;  /* bytes in line */
    char line[CONTROL_REQUEST_MAX];
};

struct control {
    uv_pipe_t listener; /* first, see client */
    control_handler *handler;
    void *context;
    struct client *clients;
    unsigned client_count;
    unsigned adopted_count; /* of them */
    struct control_socket socket;
};

struct control_request {
    struct client *client; /* NULL once the connection is gone */
    struct control_identity identity;
    bool takes_parts;
    char verb[CONTROL_VERB_SIZE];
    struct json_object *arguments;
};

/* request.c: all checks of what a client may send, in one place. NULL when it is refused,
 * with the reason. */
struct control_request *control_request_parse(const char *line, size_t length, const char **reason);
/* Says in the debug log who asks for what; what changes anything the service logs. */
void control_request_log(const struct control_request *request, const struct client *client);

/* control.c: a connection in the list of `control`, not open yet. NULL if there is no memory. */
struct client *control_client_new(struct control *control);
/* Takes it out of that list. */
void control_client_unlink(struct client *client);
void control_client_close(struct client *client);
/* Handles the next line when one is complete and nothing is under way; otherwise reads on. */
void control_client_advance(struct client *client);
/* Queues {"ok":true,"result":...} as one line. False if it is too large or there is no memory. */
bool control_client_send_ok(struct client *client, struct json_object *result);
/* The end of a request that is answered, or whose client is gone. */
void control_request_free(struct control_request *request);

#endif
