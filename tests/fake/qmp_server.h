/* A scripted QMP server on a Unix socket, on the test's own loop. It plays its steps in order, at
 * most one per turn of the loop, so that what two SEND steps write arrives in two reads.
 *
 *     static const struct fake_qmp_step script[] = {
 *         FAKE_QMP_HANDSHAKE,
 *         {FAKE_QMP_EXPECT, "query-status"},
 *         {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @2}\r\n"},
 *         {FAKE_QMP_END, NULL},
 *     };
 */
#ifndef TESTS_FAKE_QMP_SERVER_H
#define TESTS_FAKE_QMP_SERVER_H

#include <stdbool.h>

#include <uv.h>

enum fake_qmp_action {
    FAKE_QMP_END,    /* stays connected, silent */
    FAKE_QMP_ACCEPT, /* waits for the next connection; until then it sits in the backlog */
    FAKE_QMP_SEND,   /* writes the text; @1 ... @9 become the ids of this connection's commands */
    FAKE_QMP_EXPECT, /* waits for a command: "NAME" or "NAME {arguments as compact JSON}" */
    FAKE_QMP_WAIT,   /* for fake_qmp_server_resume */
    FAKE_QMP_DEAF,   /* reads nothing from here on */
    FAKE_QMP_EXPECT_HUP, /* waits until the client closes the connection */
    FAKE_QMP_CLOSE,
};

struct fake_qmp_step {
    enum fake_qmp_action action;
    const char *text;
};

#define FAKE_QMP_GREETING                                                                          \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, "              \
    "\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"

/* The steps up to a negotiated connection. The capabilities command is @1. */
#define FAKE_QMP_HANDSHAKE                                                                         \
    {FAKE_QMP_ACCEPT, NULL}, {FAKE_QMP_SEND, FAKE_QMP_GREETING},                                   \
        {FAKE_QMP_EXPECT, "qmp_capabilities"},                                                     \
    {                                                                                              \
        FAKE_QMP_SEND, "{\"return\": {}, \"id\": @1}\r\n"                                          \
    }

struct fake_qmp_server;

/* Listens at `path`. `script` ends with FAKE_QMP_END and must outlive the server. Aborts the
 * process where the system refuses. */
struct fake_qmp_server *fake_qmp_server_start(uv_loop_t *loop, const char *path,
                                              const struct fake_qmp_step *script);
/* The loop must run once more to release it. */
void fake_qmp_server_stop(struct fake_qmp_server *server);

/* Goes on behind a FAKE_QMP_WAIT, now or when it comes to one. */
void fake_qmp_server_resume(struct fake_qmp_server *server);

/* All steps were played. */
bool fake_qmp_server_is_done(const struct fake_qmp_server *server);
/* What went against the script, or NULL. */
const char *fake_qmp_server_failure(const struct fake_qmp_server *server);

#endif
