/* QMP over a byte stream, without the stream: bytes in, bytes out, no sockets. A transport creates
 * one of these per connection, feeds it what it reads and writes what it is given:
 *
 *     GREETING     the server's {"QMP": ...} is due; anything else is an error
 *     NEGOTIATING  qmp_capabilities was sent under id 0; events may already arrive
 *     READY        replies go to the client by id, events by name
 *
 * (docs/interop/qmp-spec.txt, 2.2 and 4.) The client hears of ready from here, of down from the
 * transport. */
#ifndef QMP_STREAM_H
#define QMP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct qmp_client;
struct qmp_stream;

/* Writes all of the bytes, or queues a copy. 0; or negative with nothing written. Must not call
 * into the stream or the client. */
typedef int qmp_stream_write_fn(void *context, const char *bytes, size_t size);

/* *stream becomes the caller's. 0 or -ENOMEM. */
int qmp_stream_create(struct qmp_client *client, qmp_stream_write_fn *write, void *context,
                      struct qmp_stream **stream);
/* Not from inside qmp_stream_receive: there, stop it and free it later. NULL is allowed. */
void qmp_stream_free(struct qmp_stream *stream);

/* Takes what was read and calls the client for each message in it. 0; or negative if the connection
 * must be given up, the reason being qmp_stream_error. */
int qmp_stream_receive(struct qmp_stream *stream, const char *bytes, size_t size);
/* One line of text, valid while the stream is. */
const char *qmp_stream_error(const struct qmp_stream *stream);

/* No more calls to the client, also for messages of the bytes being received just now. */
void qmp_stream_stop(struct qmp_stream *stream);

/* As `send` of struct qmp_transport_ops: adds the id to the command and writes it. */
int qmp_stream_send(struct qmp_stream *stream, unsigned id, struct json_object *command);

bool qmp_stream_is_ready(const struct qmp_stream *stream);

#endif
