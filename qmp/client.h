/* A QMP client: commands with a reply each, and asynchronous events, over any transport
 * (qmp/transport.h). One loop thread, nothing blocks.
 *
 * What happens to a command:
 *   - sent at once when the transport is ready; queued while its first connection is being made;
 *     refused with -ENOTCONN while it is known to be down;
 *   - answered (success or error reply), timed out, lost with the connection, or cancelled by
 *     qmp_client_close: whichever comes first, its callback is called exactly once;
 *   - never sent twice. After a reconnect nothing is repeated, since a power command must not run
 *     twice; qmp_error.may_have_run tells whether going another way is safe.
 *
 * Every callback may call any function of the client, qmp_client_close included. */
#ifndef QMP_CLIENT_H
#define QMP_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <uv.h>

#define QMP_TIMEOUT_MS    5000 /* default of qmp_client_options.timeout_ms */
#define QMP_IN_FLIGHT_MAX 64   /* commands without an answer, queued ones included */
#define QMP_CLASS_SIZE    64
#define QMP_ERROR_SIZE    256
#define QMP_NAME_SIZE     64

enum qmp_failure {
    QMP_FAILURE_ERROR_REPLY,  /* QEMU answered with an error: class_name and text are its words */
    QMP_FAILURE_TIMEOUT,      /* no answer in time; one that comes later is dropped */
    QMP_FAILURE_DISCONNECTED, /* the connection could not be made, or was lost */
    QMP_FAILURE_PROTOCOL,     /* the peer does not speak QMP, or the result is not as documented */
    QMP_FAILURE_CANCELLED,    /* the client was closed */
};

/* Texts may hold anything a server sends: fit for log_write, never for a terminal. */
struct qmp_error {
    enum qmp_failure failure;
    bool may_have_run;               /* it was handed to QEMU and no refusal came back */
    char class_name[QMP_CLASS_SIZE]; /* "" unless an error reply; else "CommandNotFound", ... */
    char text[QMP_ERROR_SIZE];
};

/* The end of a command. `error` is NULL on success; `result` is the reply's "return" member (NULL
 * for JSON null, and on error), of unchecked type. Both are borrowed for the call. */
typedef void qmp_reply_fn(void *context, struct json_object *result, const struct qmp_error *error);
/* `data` is an object borrowed for the call, or NULL where the event has none. */
typedef void qmp_event_fn(void *context, const char *event, struct json_object *data);
/* The transport became ready (`reason` NULL), or went down; called on changes only. Events may have
 * been missed while it was down: read the state again when it is ready. */
typedef void qmp_state_fn(void *context, bool ready, const char *reason);

struct qmp_client_options {
    const char *name;    /* for the log: the domain; copied, cut at QMP_NAME_SIZE */
    unsigned timeout_ms; /* per command, from qmp_client_execute on; 0: QMP_TIMEOUT_MS */
    qmp_event_fn *event; /* may be NULL */
    qmp_state_fn *state; /* may be NULL */
    void *context;       /* passed to the two above */
};

struct json_object;
struct qmp_client;
struct qmp_transport;

/* Opens a client on a transport, which it owns from here on, also if this fails. *client is set
 * before the transport is started, since one that is ready at once calls `state` from inside this
 * function. 0 or -ENOMEM. */
int qmp_client_open(uv_loop_t *loop, struct qmp_transport *transport,
                    const struct qmp_client_options *options, struct qmp_client **client);

/* Calls the callback of every unanswered command with QMP_FAILURE_CANCELLED, from inside this
 * function; after it returns no callback of the client is called any more. The memory is released
 * by the loop, so the loop must run once more; the caller must not use `client` again. NULL is
 * allowed. */
void qmp_client_close(struct qmp_client *client);

bool qmp_client_is_ready(const struct qmp_client *client);

/* Runs a command. `arguments` is an object or NULL; its ownership is taken in every case. The
 * callback is called once, later, never from inside this function.
 * 0; or, with the callback never called and nothing sent: -ENOTCONN the transport is down, -EBUSY
 * QMP_IN_FLIGHT_MAX commands are unanswered, -ECANCELED the client is being closed, -ENOMEM, or
 * what the transport's send returned. */
int qmp_client_execute(struct qmp_client *client, const char *command,
                       struct json_object *arguments, qmp_reply_fn *reply, void *context);

/* "timeout", "disconnected", ...: for the log. */
const char *qmp_failure_text(enum qmp_failure failure);

#endif
