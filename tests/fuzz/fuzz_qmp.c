/* libFuzzer target: whatever the other end of a QMP connection may say, to a client that has asked
 * for everything that it can ask for.
 *
 * Files: qmp/framing.c qmp/client.c qmp/stream.c qmp/commands.c qmp/events.c vbmc/base/json.c
 *
 * The input is a byte that says in pieces of how many bytes the rest comes (0: in one), a byte of
 * which callback closes the client (0: none), and the text. Commands are asked for twice: before
 * the connection is there (ids 1 to 8) and when it is (9 to 16). Each must end exactly once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/commands.h"
#include "qmp/events.h"
#include "qmp/stream.h"
#include "qmp/transport.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/log.h"

#define COMMANDS 8 /* that ask_all asks for */

struct target {
    struct qmp_transport transport; /* first */
    struct qmp_client *client;
    struct qmp_stream *stream;
    uv_loop_t loop;
    unsigned calls_left; /* until one closes the client; 0: none does */
    unsigned asked, answered;
    bool is_closed;
};

static struct target target;

static void close_client(void)
{
    struct qmp_client *client = target.client;

    target.client = NULL;
    qmp_client_close(client);
}

static void count_call(void)
{
    if (target.calls_left && --target.calls_left == 0)
        close_client();
}

static void on_done(void *context, const struct qmp_error *error)
{
    (void)context;
    if (error)
        fuzz_require(strlen(error->text) < sizeof error->text);
    target.answered++;
    count_call();
}

static void on_status(void *context, const struct qmp_status *status, const struct qmp_error *error)
{
    fuzz_require(!status == !!error);
    if (status)
        qmp_run_state_name(status->state);
    on_done(context, error);
}

static void on_version(void *context, const struct qmp_version *version,
                       const struct qmp_error *error)
{
    fuzz_require(!version == !!error);
    on_done(context, error);
}

static void on_integer(void *context, int64_t value, const struct qmp_error *error)
{
    fuzz_require(!error || value == 0);
    on_done(context, error);
}

static void ask_all(void)
{
    static const char path[] = "/machine/peripheral/virtio-disk0";
    const int results[COMMANDS] = {
        qmp_run(target.client, QMP_COMMAND_SYSTEM_RESET, on_done, NULL),
        qmp_run(target.client, QMP_COMMAND_QUIT, on_done, NULL),
        qmp_query_status(target.client, on_status, NULL),
        qmp_query_version(target.client, on_version, NULL),
        qmp_qom_get_integer(target.client, path, "bootindex", on_integer, NULL),
        qmp_qom_set_integer(target.client, path, "bootindex", 0, on_done, NULL),
        qmp_set_reboot_action(target.client, true, on_done, NULL),
        qmp_chardev_send_break(target.client, "serial0", on_done, NULL),
    };

    for (size_t i = 0; i < COMMANDS; i++)
        target.asked += results[i] == 0;
}

static void on_event(void *context, const char *event, struct json_object *data)
{
    (void)context;
    fuzz_require(!data || json_object_is_type(data, json_type_object));
    qmp_event_name(qmp_event_parse(event));
    count_call();
}

static void on_state(void *context, bool ready, const char *reason)
{
    (void)context;
    fuzz_require(ready == !reason);
    if (ready)
        ask_all();
    count_call();
}

static void start(struct qmp_transport *transport, struct qmp_client *client)
{
    (void)transport, (void)client;
}

static int send_command(struct qmp_transport *transport, unsigned id, struct json_object *command)
{
    (void)transport;
    fuzz_require(!target.is_closed);
    return qmp_stream_send(target.stream, id, command);
}

static void close_transport(struct qmp_transport *transport)
{
    (void)transport;
    target.is_closed = true;
    qmp_stream_stop(target.stream);
}

static const struct qmp_transport_ops ops = {start, send_command, close_transport};

static int write_line(void *context, const char *bytes, size_t size)
{
    (void)context;
    fuzz_require(size > 2 && bytes[size - 1] == '\n');
    return 0;
}

static void feed(const uint8_t *bytes, size_t size, size_t piece)
{
    while (size > 0 && target.client) {
        size_t now = piece && piece < size ? piece : size;
        uint8_t *copy = fuzz_copy(bytes, now);
        int result = qmp_stream_receive(target.stream, (char *)copy, now);
        free(copy);
        if (result < 0) {
            qmp_client_transport_down(target.client, QMP_FAILURE_PROTOCOL,
                                      qmp_stream_error(target.stream));
            return;
        }
        bytes += now;
        size -= now;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct qmp_client_options options = {
        .name = "fuzz", .event = on_event, .state = on_state, .context = &target};

    if (size < 2)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    target = (struct target){.transport.ops = &ops, .calls_left = bytes[1]};
    uv_loop_init(&target.loop);
    fuzz_require(qmp_client_open(&target.loop, &target.transport, &options, &target.client) == 0);
    fuzz_require(qmp_stream_create(target.client, write_line, NULL, &target.stream) == 0);
    ask_all();
    feed(bytes + 2, size - 2, bytes[0]);
    close_client();
    fuzz_require(target.asked == target.answered);
    uv_run(&target.loop, UV_RUN_DEFAULT);
    qmp_stream_free(target.stream);
    fuzz_require(uv_loop_close(&target.loop) == 0);
    return 0;
}
