/* What carries QMP messages. The interface is whole messages, not bytes, because one transport
 * (libvirt's passthrough) has no byte stream, no greeting, and sets the "id" member itself.
 *
 * A transport goes through: created, start, then ready and down in turn as often as it likes (a
 * stream that reconnects), close. Commands are given to it only between ready and down.
 *
 * Two ways to implement one:
 *   - on a byte stream: qmp/stream.h does the greeting, the negotiation, the framing and the "id"
 *     member; the transport moves bytes (qmp/unix_socket.c);
 *   - on messages: send hands the command's text to a worker thread and keeps the id beside it. On
 *     the loop again, the answer is parsed with qmp_json_parse and passed to qmp_client_reply;
 *     events go to qmp_client_event; ready is reported as soon as commands can be taken.
 *
 * All calls in both directions are made on the loop thread. */
#ifndef QMP_TRANSPORT_H
#define QMP_TRANSPORT_H

#include "qmp/client.h"

struct qmp_transport;

struct qmp_transport_ops {
    /* Called once, by qmp_client_open. From here on the transport may call the client; ready or
     * down may be reported from inside. What fails is reported by qmp_client_transport_down. */
    void (*start)(struct qmp_transport *transport, struct qmp_client *client);

    /* Sends {"execute": ..., "arguments": ...}. `id` (never 0) names it until the client is told
     * its end. `command` is borrowed for the call and may be changed. Must not call the client.
     * 0; or negative if nothing was sent or ever will be: the client then ends the command. */
    int (*send)(struct qmp_transport *transport, unsigned id, struct json_object *command);

    /* The end: no call to the client after this, answers to commands in flight are dropped. The
     * transport releases itself. This may be called from inside any of its calls to the client (a
     * callback closed it), so what it still touches on the way out must be released later. */
    void (*close)(struct qmp_transport *transport);
};

/* To be embedded in the transport's own structure. */
struct qmp_transport {
    const struct qmp_transport_ops *ops;
};

/* Commands can be taken; what was queued is sent from inside this call. */
void qmp_client_transport_ready(struct qmp_client *client);

/* No commands can be taken until the next ready. Every unanswered one fails with `failure` and
 * `reason`. May be repeated while down (each failed attempt to connect). */
void qmp_client_transport_down(struct qmp_client *client, enum qmp_failure failure,
                               const char *reason);

/* The reply to command `id`: an object with "return" or "error", borrowed, its other members
 * ignored, all of it checked here. A reply to an id that is not in flight (a late one, an invented
 * one) is logged and dropped. */
void qmp_client_reply(struct qmp_client *client, unsigned id, struct json_object *message);

/* Command `id` alone failed; `error` is passed to its callback. */
void qmp_client_command_failed(struct qmp_client *client, unsigned id,
                               const struct qmp_error *error);

/* `data` may be NULL; borrowed. Anything but an object is logged and dropped. */
void qmp_client_event(struct qmp_client *client, const char *event, struct json_object *data);

#endif
