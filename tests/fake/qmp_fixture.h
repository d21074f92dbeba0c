/* What the tests of the QMP client share: a loop, a client on it, and the record of what that
 * client did. The client runs on a Unix socket (against tests/fake/qmp_server.h or a real QEMU), on
 * a transport of whole messages, or on a stream in memory.
 *
 * What a client does is recorded as a line of words, in order: "ready", "down", event names,
 * "LABEL=RESULT" for a reply and "LABEL!failure" for an error, with "?" behind the failure where
 * the command may have run.
 *
 * All of it asserts by cmocka: whatever goes wrong fails the test that runs. */
#ifndef TESTS_FAKE_QMP_FIXTURE_H
#define TESTS_FAKE_QMP_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>
#include <uv.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "qmp/transport.h"
#include "tests/fake/qmp_server.h"

#define QMP_FIXTURE_DEADLINE_MS 60000 /* for anything waited for */

/* A transport of whole messages, as libvirt's passthrough is; with a stream, the transport for
 * conversations in memory. */
struct qmp_fixture_message {
    struct qmp_transport transport;
    struct qmp_client *client;
    struct qmp_stream *stream; /* NULL: messages */
    bool ready_at_once;
    bool closed;
    int send_result; /* negative: what a send fails with; the test may change it */
    unsigned sent;
    unsigned last_id;
    char last_text[256]; /* of the command sent last */
};

struct qmp_fixture {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool expired;
    char directory[32];
    char path[64];                  /* of the Unix socket */
    struct fake_qmp_server *server; /* NULL: none */
    struct qmp_client *client;      /* NULL: none, or closed */
    struct qmp_fixture_message message;
    pid_t qemu;           /* 0: none */
    const char *close_on; /* the word at which the client is closed from inside the callback */
    const char *again_on; /* the word at which a further command is executed from inside */
    int again_result;     /* of the command executed last */
    char trace[16384];    /* the words, with a space between them */
};

/* A command in flight, for its callback, which frees it. */
struct qmp_fixture_call;

/* cmocka's set-up and tear-down; *state is a struct qmp_fixture, still without a client. The
 * tear-down kills the QEMU, closes the client and stops the server. It fails the test unless the
 * server's script was played to its end and nothing keeps the loop alive after the close. */
int qmp_fixture_set_up(void **state);
int qmp_fixture_tear_down(void **state);

/* Opens the client on the Unix socket, the server playing `script` there (none if NULL; else it
 * must outlive the server). Limits in milliseconds, 0 for the default: of the handshake, and of a
 * command. */
void qmp_fixture_open_socket(struct qmp_fixture *fixture, const struct fake_qmp_step *script,
                             unsigned handshake_ms, unsigned timeout_ms);
/* Opens the client on messages; unless `ready_at_once`, the test makes the transport ready. */
void qmp_fixture_open_messages(struct qmp_fixture *fixture, bool ready_at_once);
/* Opens the client on a stream in memory: the test calls qmp_stream_receive with what arrives, and
 * what the client writes is message.last_text. */
void qmp_fixture_open_stream(struct qmp_fixture *fixture);
/* Closes the client, frees the stream and empties the trace. Not from inside a callback. */
void qmp_fixture_close_stream(struct qmp_fixture *fixture);

/* Executes a command named as its label, without arguments; the result is again_result. */
void qmp_fixture_execute(struct qmp_fixture *fixture, const char *label);
/* On messages: hands the client a reply to the command `id`, as JSON text. */
void qmp_fixture_reply(struct qmp_fixture *fixture, unsigned id, const char *text);

/* Runs the loop until the trace has that word, or the script is at its end where `word` is NULL. */
void qmp_fixture_run_until(struct qmp_fixture *fixture, const char *word);
/* Runs the loop until the trace has the last word of `expected`, which it then must equal. */
void qmp_fixture_run_to(struct qmp_fixture *fixture, const char *expected);

/* For a command of qmp/commands.h or with arguments: the context of one of the callbacks below,
 * which record the end under `label` and free it. If the command is refused, the caller does, by
 * free(). */
struct qmp_fixture_call *qmp_fixture_new_call(struct qmp_fixture *fixture, const char *label);

void qmp_fixture_on_reply(void *context, struct json_object *result, const struct qmp_error *error);
void qmp_fixture_on_done(void *context, const struct qmp_error *error);
void qmp_fixture_on_integer(void *context, int64_t value, const struct qmp_error *error);
/* Recorded as the state's name with "+" behind it if the guest runs, else "-". */
void qmp_fixture_on_status(void *context, const struct qmp_status *status,
                           const struct qmp_error *error);
/* Recorded as MAJOR.MINOR.MICRO. */
void qmp_fixture_on_version(void *context, const struct qmp_version *version,
                            const struct qmp_error *error);

#endif
