/* The QMP client: its parts in memory, against a scripted server, and against a real QEMU.
 *
 * What a client does is recorded as a line of words, in order: "ready", "down", event names,
 * "LABEL=RESULT" for a reply and "LABEL!failure" for an error, with "?" behind the failure where
 * the command may have run. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "qmp/events.h"
#include "qmp/framing.h"
#include "qmp/json.h"
#include "qmp/stream.h"
#include "qmp/unix_socket.h"
#include "tests/fake/qmp_server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define DEADLINE_MS 3000

/* A transport of whole messages, as libvirt's passthrough is; with a stream, the transport for
 * conversations in memory. */
struct message_transport {
    struct qmp_transport transport;
    struct qmp_client *client;
    struct qmp_stream *stream; /* NULL: messages */
    bool ready_at_once;
    bool closed;
    int send_result;
    unsigned sent;
    unsigned last_id;
    char last_text[256];
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool expired;
    char directory[32];
    char path[64];
    struct fake_qmp_server *server;
    struct qmp_client *client;
    struct message_transport message;
    pid_t qemu;           /* 0: none */
    const char *close_on; /* the word at which the client is closed from inside the callback */
    const char *again_on; /* the word at which a further command is executed from inside */
    int again_result;
    char trace[16384];
};

/* A command in flight, for its callback. */
struct call {
    struct fixture *fixture;
    char label[32];
};

static void execute(struct fixture *fixture, const char *label);

static void record(struct fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void record(struct fixture *fixture, const char *format, ...)
{
    size_t used = strlen(fixture->trace);
    char word[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(word, sizeof word, format, arguments);
    va_end(arguments);
    snprintf(fixture->trace + used, sizeof fixture->trace - used, "%s%s", used ? " " : "", word);
    if (fixture->again_on && strcmp(word, fixture->again_on) == 0) {
        fixture->again_on = NULL;
        execute(fixture, "again");
    }
    if (fixture->close_on && strcmp(word, fixture->close_on) == 0) {
        fixture->close_on = NULL;
        qmp_client_close(fixture->client);
        fixture->client = NULL;
    }
}

static void record_error(struct call *call, const struct qmp_error *error)
{
    record(call->fixture, "%s!%s%s", call->label,
           error->class_name[0] ? error->class_name : qmp_failure_text(error->failure),
           error->may_have_run ? "?" : "");
    free(call);
}

static struct call *new_call(struct fixture *fixture, const char *label)
{
    struct call *call = calloc(1, sizeof *call);

    call->fixture = fixture;
    snprintf(call->label, sizeof call->label, "%s", label);
    return call;
}

static void on_reply(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct call *call = context;

    if (error) {
        assert_null(result);
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%s", call->label,
           json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
    free(call);
}

static void on_done(void *context, const struct qmp_error *error)
{
    on_reply(context, NULL, error);
}

static void on_integer(void *context, int64_t value, const struct qmp_error *error)
{
    struct call *call = context;

    if (error) {
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%lld", call->label, (long long)value);
    free(call);
}

static void on_status(void *context, const struct qmp_status *status, const struct qmp_error *error)
{
    struct call *call = context;

    if (error) {
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%s%s", call->label, qmp_run_state_name(status->state),
           status->running ? "+" : "-");
    free(call);
}

static void on_version(void *context, const struct qmp_version *version,
                       const struct qmp_error *error)
{
    struct call *call = context;

    if (error) {
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%u.%u.%u", call->label, version->major, version->minor,
           version->micro);
    free(call);
}

static void on_event(void *context, const char *event, struct json_object *data)
{
    (void)data;
    record(context, "%s", event);
}

static void on_state(void *context, bool ready, const char *reason)
{
    assert_int_equal(ready, reason == NULL);
    record(context, ready ? "ready" : "down");
}

/* A command named as its label. */
static void execute(struct fixture *fixture, const char *label)
{
    struct call *call = new_call(fixture, label);

    fixture->again_result = qmp_client_execute(fixture->client, label, NULL, on_reply, call);
    if (fixture->again_result < 0)
        free(call);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    log_set_level(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&fixture->loop);
    uv_timer_init(&fixture->loop, &fixture->deadline);
    fixture->deadline.data = &fixture->expired;
    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/test_qmp.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/monitor", fixture->directory);
    *state = fixture;
    return 0;
}

/* Besides releasing everything, this proves that nothing keeps the loop alive after a close. */
static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->qemu > 0) {
        kill(fixture->qemu, SIGKILL);
        waitpid(fixture->qemu, NULL, 0);
    }
    qmp_client_close(fixture->client);
    if (fixture->server) {
        const char *failure = fake_qmp_server_failure(fixture->server);

        if (failure)
            print_error("script: %s\n", failure);
        assert_null(failure);
        assert_true(fake_qmp_server_is_done(fixture->server));
        fake_qmp_server_stop(fixture->server);
    }
    uv_close((uv_handle_t *)&fixture->deadline, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    qmp_stream_free(fixture->message.stream);
    unlink(fixture->path);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void on_deadline(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Runs the loop until the trace has that word, or the script is at its end where `word` is NULL. */
static void run_until(struct fixture *fixture, const char *word)
{
    fixture->expired = false;
    uv_update_time(&fixture->loop);
    uv_timer_start(&fixture->deadline, on_deadline, DEADLINE_MS, 0);
    while (!fixture->expired && !(word ? strstr(fixture->trace, word) != NULL
                                       : fake_qmp_server_is_done(fixture->server)))
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_timer_stop(&fixture->deadline);
    if (fixture->expired)
        fail_msg("waited for \"%s\", have \"%s\"; script: %s", word ? word : "the script's end",
                 fixture->trace,
                 fixture->server && fake_qmp_server_failure(fixture->server)
                     ? fake_qmp_server_failure(fixture->server)
                     : "as expected");
}

/* Runs the loop until the trace is as long as `expected`, which it then must be. */
static void run_to(struct fixture *fixture, const char *expected)
{
    const char *last = strrchr(expected, ' ');

    run_until(fixture, last ? last : expected);
    assert_string_equal(fixture->trace, expected);
}

static void open_client(struct fixture *fixture, struct qmp_transport *transport,
                        unsigned timeout_ms)
{
    struct qmp_client_options options = {
        .name = "test",
        .timeout_ms = timeout_ms,
        .event = on_event,
        .state = on_state,
        .context = fixture,
    };

    assert_int_equal(qmp_client_open(&fixture->loop, transport, &options, &fixture->client), 0);
}

/* Opens a client on the Unix socket, the server playing `script` there (none if NULL). */
static void open_socket(struct fixture *fixture, const struct fake_qmp_step *script,
                        unsigned handshake_ms, unsigned timeout_ms)
{
    struct qmp_unix_socket_options options = {
        .handshake_ms = handshake_ms, .retry_min_ms = 5, .retry_max_ms = 20};
    struct qmp_transport *transport;

    if (script)
        fixture->server = fake_qmp_server_start(&fixture->loop, fixture->path, script);
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, fixture->path, &options, &transport),
                     0);
    open_client(fixture, transport, timeout_ms);
}

/* ---- framing ---- */

/* Feeds the bytes and appends each object's text and a newline to `out`. */
static int frame(struct qmp_framing *framing, const char *bytes, size_t size, char *out)
{
    struct json_object *message;
    int result;

    while ((result = qmp_framing_next(framing, &bytes, &size, &message)) == 0 && message) {
        strcat(out, json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN));
        strcat(out, "\n");
        json_object_put(message);
    }
    return result;
}

static void test_framing_splits_anywhere(void **state)
{
    static const char text[] = "{\"a\":1}\r\n\r\n\n{\"b\":[{}]}\n  {\"c\":\"\\u00e4\"} \r\n{\"d\"";
    static const char expected[] = "{\"a\":1}\n{\"b\":[{}]}\n{\"c\":\"\u00e4\"}\n";

    (void)state;
    for (size_t split = 0; split < sizeof text; split++) {
        struct qmp_framing *framing;
        char out[128] = "";

        assert_int_equal(qmp_framing_create(&framing), 0);
        assert_int_equal(frame(framing, text, split, out), 0);
        assert_int_equal(frame(framing, text + split, sizeof text - 1 - split, out), 0);
        assert_string_equal(out, expected);
        qmp_framing_free(framing);
    }
}

static void test_framing_refuses(void **state)
{
    static const char *const lines[] = {
        "hello\n", "[]\n",       "1\n",        "\"x\"\n",      "null\n",
        "{}{}\n",  "{\"a\":}\n", "{\"a\":1\n", "{\"a\":01}\n", "{\"a\":\"\xff\"}\n",
        "}\n",     " \n",        "\r\r\n",
    };
    struct json_object *message;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct qmp_framing *framing;
        char out[128] = "";

        assert_int_equal(qmp_framing_create(&framing), 0);
        if (frame(framing, lines[i], strlen(lines[i]), out) != -EPROTO)
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(frame(framing, "{}\n", 3, out), -EPROTO);
        assert_string_equal(out, "");
        qmp_framing_free(framing);
    }
    assert_int_equal(qmp_json_parse("{}\0{}", 5, &message), -EPROTO);
    assert_null(message);
}

/* A line of `size` bytes, fed in pieces of `piece`. */
static int frame_padded(size_t size, size_t piece)
{
    struct qmp_framing *framing;
    char *line = malloc(size + 1);
    char out[64] = "";
    int result = 0;

    memset(line, ' ', size);
    line[0] = '{';
    line[1] = '}';
    line[size] = '\n';
    assert_int_equal(qmp_framing_create(&framing), 0);
    for (size_t at = 0; result == 0 && at < size + 1; at += piece)
        result = frame(framing, line + at, piece < size + 1 - at ? piece : size + 1 - at, out);
    qmp_framing_free(framing);
    free(line);
    return result;
}

static void test_framing_bounds(void **state)
{
    struct qmp_framing *framing;
    char deep[2 * QMP_JSON_DEPTH + 32] = "{\"a\":";
    char out[512] = "";
    const size_t depth = QMP_JSON_DEPTH;
    size_t used = strlen(deep);

    (void)state;
    assert_int_equal(frame_padded(QMP_LINE_MAX, QMP_LINE_MAX + 1), 0);
    assert_int_equal(frame_padded(QMP_LINE_MAX, 10000), 0);
    assert_int_equal(frame_padded(QMP_LINE_MAX + 1, QMP_LINE_MAX + 2), -EMSGSIZE);
    assert_int_equal(frame_padded(QMP_LINE_MAX + 1, 10000), -EMSGSIZE);

    memset(deep + used, '[', depth);
    memset(deep + used + depth, ']', depth);
    strcpy(deep + used + 2 * depth, "}\n");
    assert_int_equal(qmp_framing_create(&framing), 0);
    assert_int_equal(frame(framing, deep, strlen(deep), out), -EPROTO);
    qmp_framing_free(framing);
}

/* ---- the client on messages, and a stream in memory ---- */

static int stream_write(void *context, const char *bytes, size_t size)
{
    struct message_transport *message = context;

    assert_true(size > 2 && size < sizeof message->last_text);
    memcpy(message->last_text, bytes, size - 2); /* without CR LF */
    message->last_text[size - 2] = '\0';
    return 0;
}

static void message_start(struct qmp_transport *transport, struct qmp_client *client)
{
    struct message_transport *message =
        CONTAINER_OF(transport, struct message_transport, transport);

    message->client = client;
    if (message->ready_at_once)
        qmp_client_transport_ready(client);
}

static int message_send(struct qmp_transport *transport, unsigned id, struct json_object *command)
{
    struct message_transport *message =
        CONTAINER_OF(transport, struct message_transport, transport);

    assert_false(message->closed);
    if (message->send_result < 0)
        return message->send_result;
    message->sent++;
    message->last_id = id;
    if (message->stream)
        return qmp_stream_send(message->stream, id, command);
    snprintf(message->last_text, sizeof message->last_text, "%s",
             json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN));
    return 0;
}

static void message_close(struct qmp_transport *transport)
{
    struct message_transport *message =
        CONTAINER_OF(transport, struct message_transport, transport);

    assert_false(message->closed);
    message->closed = true;
    if (message->stream)
        qmp_stream_stop(message->stream);
}

static const struct qmp_transport_ops message_ops = {message_start, message_send, message_close};

static void open_messages(struct fixture *fixture, bool ready_at_once)
{
    fixture->message =
        (struct message_transport){.transport.ops = &message_ops, .ready_at_once = ready_at_once};
    open_client(fixture, &fixture->message.transport, 0);
}

static void open_memory_stream(struct fixture *fixture)
{
    open_messages(fixture, false);
    assert_int_equal(qmp_stream_create(fixture->client, stream_write, &fixture->message,
                                       &fixture->message.stream),
                     0);
}

static void close_memory_stream(struct fixture *fixture)
{
    qmp_client_close(fixture->client);
    fixture->client = NULL;
    qmp_stream_free(fixture->message.stream);
    fixture->message.stream = NULL;
    fixture->trace[0] = '\0';
}

static void reply(struct fixture *fixture, unsigned id, const char *text)
{
    struct json_object *message;

    assert_int_equal(qmp_json_parse(text, strlen(text), &message), 0);
    qmp_client_reply(fixture->message.client, id, message);
    json_object_put(message);
}

static void test_messages(void **state)
{
    struct fixture *fixture = *state;
    struct qmp_error refused = {.failure = QMP_FAILURE_DISCONNECTED};
    struct json_object *text = json_object_new_string("x");

    open_messages(fixture, true);
    execute(fixture, "a");
    assert_string_equal(fixture->message.last_text, "{\"execute\":\"a\"}"); /* no id */
    unsigned a = fixture->message.last_id;
    execute(fixture, "b");
    unsigned b = fixture->message.last_id;
    execute(fixture, "c");
    reply(fixture, b, "{\"return\":1,\"id\":\"libvirt-12\"}");
    reply(fixture, b, "{\"return\":2}"); /* answered already */
    reply(fixture, b + 1000, "{\"return\":2}");
    qmp_client_event(fixture->client, "STOP", NULL);
    qmp_client_event(fixture->client, "RESET", text); /* not an object */
    qmp_client_command_failed(fixture->client, fixture->message.last_id, &refused);
    reply(fixture, a, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}");
    fixture->message.send_result = -EIO;
    execute(fixture, "d");
    assert_int_equal(fixture->again_result, -EIO);
    assert_string_equal(fixture->trace, "ready b=1 STOP c!disconnected a!GenericError");
    json_object_put(text);
}

static void test_malformed_replies(void **state)
{
    static const char *const replies[] = {
        "{}",
        "{\"error\":1}",
        "{\"error\":{}}",
        "{\"error\":{\"class\":\"X\",\"desc\":5}}",
        "{\"error\":{\"class\":null,\"desc\":\"x\"},\"return\":{}}",
    };
    struct fixture *fixture = *state;

    open_messages(fixture, true);
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        strcpy(fixture->trace, "");
        execute(fixture, "a");
        reply(fixture, fixture->message.last_id, replies[i]);
        assert_string_equal(fixture->trace, "a!protocol error?");
    }
}

static void test_queue_and_limits(void **state)
{
    struct fixture *fixture = *state;

    open_messages(fixture, false);
    for (int i = 0; i < QMP_IN_FLIGHT_MAX; i++) {
        execute(fixture, "a");
        assert_int_equal(fixture->again_result, 0);
    }
    execute(fixture, "b");
    assert_int_equal(fixture->again_result, -EBUSY);
    assert_int_equal(fixture->message.sent, 0);
    reply(fixture, 1, "{\"return\":{}}"); /* guessed before it was sent */
    assert_string_equal(fixture->trace, "");

    fixture->message.send_result = -EIO; /* on the way out of the queue: by callback */
    fixture->close_on = "a!disconnected";
    fixture->again_on = "a!cancelled";
    qmp_client_transport_ready(fixture->client);
    assert_int_equal(fixture->again_result, -ECANCELED);
    assert_memory_equal(fixture->trace, "a!disconnected a!cancelled a!cancelled", 38);
    assert_int_equal(strlen(fixture->trace), 14 + 63 * 12);
}

/* Down: everything fails, nothing is accepted, and a close in the middle still ends each once. */
static void test_down(void **state)
{
    struct fixture *fixture = *state;

    open_messages(fixture, true);
    execute(fixture, "a");
    execute(fixture, "b");
    fixture->again_on = "a!disconnected?";
    qmp_client_transport_down(fixture->client, QMP_FAILURE_DISCONNECTED, "gone");
    assert_int_equal(fixture->again_result, -ENOTCONN);
    qmp_client_transport_down(fixture->client, QMP_FAILURE_DISCONNECTED, "still gone");
    qmp_client_transport_ready(fixture->client);
    execute(fixture, "c");
    execute(fixture, "d");
    fixture->close_on = "c!disconnected?";
    qmp_client_transport_down(fixture->client, QMP_FAILURE_DISCONNECTED, "gone");
    assert_string_equal(fixture->trace, "ready a!disconnected? b!disconnected? down ready "
                                        "c!disconnected? d!cancelled?");
}

static const char conversation[] = FAKE_QMP_GREETING
    "{\"event\": \"STOP\"}\r\n{\"return\": {}, \"id\": 0}\r\n\r\n"
    "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESET\", \"data\": {}}\n"
    "{\"return\": {\"x\": 1}, \"id\": 1}\r\n"
    "{\"id\": 2, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}\r\n"
    "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no id\"}}\r\n"
    "{\"return\": {}, \"id\": \"3\"}\n{\"return\": {}, \"id\": -4294967293}\n{\"return\": {}, "
    "\"id\": 4294967299}\n{\"return\": {}, \"id\": 0}\n"
    "{\"return\": {}, \"id\": 18446744073709551615}\n{\"return\": [], \"id\": 3}\n";

/* Every split point of a conversation, with commands queued before the greeting. */
static void test_stream_splits_anywhere(void **state)
{
    struct fixture *fixture = *state;

    for (size_t split = 0; split < sizeof conversation; split++) {
        open_memory_stream(fixture);
        struct qmp_stream *stream = fixture->message.stream;
        execute(fixture, "a");
        execute(fixture, "b");
        execute(fixture, "c");
        assert_int_equal(qmp_stream_receive(stream, conversation, split), 0);
        assert_int_equal(
            qmp_stream_receive(stream, conversation + split, sizeof conversation - 1 - split), 0);
        assert_string_equal(fixture->trace, "STOP ready RESET a={\"x\":1} b!CommandNotFound c=[]");
        assert_string_equal(fixture->message.last_text, "{\"execute\":\"c\",\"id\":3}");
        close_memory_stream(fixture);
    }
}

static void test_stream_refuses(void **state)
{
    static const char *const inputs[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "{\"return\": {}, \"id\": 0}\n",
        "{\"QMP\": 1}\n",
        "{\"event\": \"STOP\"}\n",
        FAKE_QMP_GREETING FAKE_QMP_GREETING,
        FAKE_QMP_GREETING "{\"error\": {\"class\": \"X\", \"desc\": \"no\"}, \"id\": 0}\n",
        FAKE_QMP_GREETING "{\"id\": 0}\n",
        FAKE_QMP_GREETING "{\"event\": 5}\n",
        FAKE_QMP_GREETING "{\"return\": {}, \"id\": 0}\n" FAKE_QMP_GREETING,
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
        open_memory_stream(fixture);
        if (qmp_stream_receive(fixture->message.stream, inputs[i], strlen(inputs[i])) >= 0)
            fail_msg("taken: %s", inputs[i]);
        assert_true(strlen(qmp_stream_error(fixture->message.stream)) > 0);
        close_memory_stream(fixture);
    }
}

/* The client is closed at each point of the conversation: nothing comes after. */
static void test_stream_close_inside(void **state)
{
    static const struct {
        const char *word, *trace;
    } cases[] = {
        {"STOP", "STOP a!cancelled b!cancelled"},
        {"ready", "STOP ready a!cancelled? b!cancelled?"},
        {"RESET", "STOP ready RESET a!cancelled? b!cancelled?"},
        {"a={\"x\":1}", "STOP ready RESET a={\"x\":1} b!cancelled?"},
        {"b!CommandNotFound", "STOP ready RESET a={\"x\":1} b!CommandNotFound"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        open_memory_stream(fixture);
        execute(fixture, "a");
        execute(fixture, "b");
        fixture->close_on = cases[i].word;
        qmp_stream_receive(fixture->message.stream, conversation, sizeof conversation - 1);
        assert_string_equal(fixture->trace, cases[i].trace);
        close_memory_stream(fixture);
    }
}

/* ---- the client on a socket, against the scripted server ---- */

/* Pieces, two replies in one write, an event between command and reply, answers out of order. */
static void test_socket_conversation(void **state)
{
    static const struct fake_qmp_step script[] = {
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_SEND, "{\"QMP\": {\"ver"},
        {FAKE_QMP_SEND, "sion\": {}}}\r"},
        {FAKE_QMP_SEND, "\n"},
        {FAKE_QMP_EXPECT, "qmp_capabilities"},
        {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @1}\n"},
        {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_EXPECT, "b"},
        {FAKE_QMP_EXPECT, "c"},
        {FAKE_QMP_SEND, "{\"event\": \"RESET\"}\r\n{\"return\": 3, \"id\": @4}\r\n{\"retu"},
        {FAKE_QMP_SEND, "rn\": 2, \"id\": @3}\r\n"},
        {FAKE_QMP_SEND, "{\"return\": 1, \"id\": @2}\r\n"},
        {FAKE_QMP_EXPECT, "again"},
        {FAKE_QMP_SEND, "{\"return\": 4, \"id\": @5}\r\n"},
        {FAKE_QMP_END, NULL},
    };
    struct fixture *fixture = *state;

    open_socket(fixture, script, 0, 0);
    execute(fixture, "a");
    execute(fixture, "b");
    execute(fixture, "c");
    fixture->again_on = "a=1";
    run_to(fixture, "ready RESET c=3 b=2 a=1 again=4");
    assert_true(qmp_client_is_ready(fixture->client));
}

/* A lost connection fails what was in flight, and nothing of it is sent again. */
static void test_socket_reconnect(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_SEND, "{\"ret"},
        {FAKE_QMP_CLOSE, NULL},
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_EXPECT, "b"},
        {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @2}\n"},
        {FAKE_QMP_CLOSE, NULL},
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_SEND, "garbage\n"},
        {FAKE_QMP_EXPECT_HUP, NULL},
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_END, NULL},
    };
    struct fixture *fixture = *state;

    open_socket(fixture, script, 0, 0);
    execute(fixture, "a");
    run_to(fixture, "ready a!disconnected? down");
    execute(fixture, "x");
    assert_int_equal(fixture->again_result, -ENOTCONN);
    run_until(fixture, "down ready");
    execute(fixture, "b");
    run_until(fixture, "b={} down ready");
    assert_string_equal(fixture->trace, "ready a!disconnected? down ready b={} down ready");
}

/* What ends a connection while a command is in flight, and as which failure. */
static void check_broken_connection(struct fixture *fixture, const char *bytes)
{
    const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,          {FAKE_QMP_EXPECT, "a"}, {FAKE_QMP_SEND, bytes},
        {FAKE_QMP_EXPECT_HUP, NULL}, {FAKE_QMP_END, NULL},
    };

    open_socket(fixture, script, 0, 0);
    execute(fixture, "a");
    run_to(fixture, "ready a!protocol error? down");
    run_until(fixture, NULL);
    fake_qmp_server_stop(fixture->server); /* before its script goes out of scope */
    fixture->server = NULL;
    qmp_client_close(fixture->client);
    fixture->client = NULL;
}

static void test_socket_garbage(void **state)
{
    check_broken_connection(*state, "{\"return\": {}, \"id\"\n");
}

static void test_socket_oversized_line(void **state)
{
    static char bytes[QMP_LINE_MAX + 16];

    memset(bytes, ' ', sizeof bytes - 1);
    check_broken_connection(*state, bytes);
}

static void test_socket_timeout_and_late_reply(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,     {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_WAIT, NULL},  {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @2}\n"},
        {FAKE_QMP_EXPECT, "b"}, {FAKE_QMP_SEND, "{\"return\": {}, \"id\": @3}\n"},
        {FAKE_QMP_END, NULL},
    };
    struct fixture *fixture = *state;

    open_socket(fixture, script, 150, 250); /* the limit of the handshake ends with it */
    execute(fixture, "a");
    run_to(fixture, "ready a!timeout?");
    fake_qmp_server_resume(fixture->server);
    execute(fixture, "b");
    run_to(fixture, "ready a!timeout? b={}");
}

/* Accepted, but no greeting: another client holds the monitor. A command times out unsent. */
static void test_socket_silence(void **state)
{
    static const struct fake_qmp_step script[] = {
        {FAKE_QMP_ACCEPT, NULL},
        {FAKE_QMP_EXPECT_HUP, NULL},
        {FAKE_QMP_END, NULL},
    };
    struct fixture *fixture = *state;

    open_socket(fixture, script, 60, 20);
    execute(fixture, "a");
    fixture->close_on = "down"; /* from inside the transport's timer */
    run_to(fixture, "a!timeout down");
    assert_null(fixture->client);
    run_until(fixture, NULL);
}

static void test_socket_nobody_listens(void **state)
{
    static const struct fake_qmp_step script[] = {FAKE_QMP_HANDSHAKE, {FAKE_QMP_END, NULL}};
    struct fixture *fixture = *state;

    open_socket(fixture, NULL, 0, 0);
    execute(fixture, "a");
    assert_int_equal(fixture->again_result, 0);
    run_to(fixture, "a!disconnected down");
    fixture->server = fake_qmp_server_start(&fixture->loop, fixture->path, script);
    run_to(fixture, "a!disconnected down ready");
}

static void test_socket_paths(void **state)
{
    struct fixture *fixture = *state;
    struct qmp_transport *transport;
    char path[109];

    memset(path, 'x', sizeof path);
    path[108] = '\0';
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, path, NULL, &transport), -ENAMETOOLONG);
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, "", NULL, &transport), -EINVAL);
    path[107] = '\0';
    assert_int_equal(qmp_unix_socket_create(&fixture->loop, path, NULL, &transport), 0);
    transport->ops->close(transport);
}

/* A server that reads nothing costs no more than the bound. */
static void test_socket_write_queue(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE, {FAKE_QMP_DEAF, NULL}, {FAKE_QMP_END, NULL}};
    static char value[100 * 1000];
    struct fixture *fixture = *state;
    int taken = 0, result = 0;

    memset(value, 'v', sizeof value - 1);
    open_socket(fixture, script, 0, 0);
    run_until(fixture, NULL);
    run_until(fixture, "ready");
    while (result == 0 && taken < 32) {
        struct call *call = new_call(fixture, "a");
        struct json_object *arguments = json_object_new_object();

        json_object_object_add(arguments, "v", json_object_new_string(value));
        result = qmp_client_execute(fixture->client, "a", arguments, on_reply, call);
        if (result < 0)
            free(call);
        else
            taken++;
    }
    assert_int_equal(result, -ENOBUFS);
    assert_in_range(taken, 2, 31);
}

static void test_close_in_flight(void **state)
{
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,          {FAKE_QMP_EXPECT, "a"},
        {FAKE_QMP_EXPECT, "b"},      {FAKE_QMP_SEND, "{\"event\": \"STOP\"}\n"},
        {FAKE_QMP_EXPECT_HUP, NULL}, {FAKE_QMP_END, NULL},
    };
    struct fixture *fixture = *state;

    open_socket(fixture, script, 0, 0);
    execute(fixture, "a");
    execute(fixture, "b");
    fixture->close_on = "STOP"; /* from inside the socket's read callback */
    fixture->again_on = "a!cancelled?";
    run_until(fixture, "b!cancelled?");
    assert_int_equal(fixture->again_result, -ECANCELED);
    run_until(fixture, NULL);
    assert_string_equal(fixture->trace, "ready STOP a!cancelled? b!cancelled?");
}

/* ---- typed commands and events ---- */

static void test_commands(void **state)
{
#define OK(n)                                                                                      \
    {                                                                                              \
        FAKE_QMP_SEND, "{\"return\": {}, \"id\": @" #n "}\n"                                       \
    }
    static const struct fake_qmp_step script[] = {
        FAKE_QMP_HANDSHAKE,
        {FAKE_QMP_EXPECT, "system_reset"},
        OK(2),
        {FAKE_QMP_EXPECT, "query-status"},
        {FAKE_QMP_SEND,
         "{\"return\": {\"running\": true, \"status\": \"io-error\"}, \"id\": @3}\n"},
        {FAKE_QMP_EXPECT, "query-version"},
        {FAKE_QMP_SEND, "{\"return\": {\"qemu\": {\"major\": 7, \"minor\": 2, \"micro\": 22}}, "
                        "\"id\": @4}\n"},
        {FAKE_QMP_EXPECT, "qom-get {\"path\":\"/p\",\"property\":\"bootindex\"}"},
        {FAKE_QMP_SEND, "{\"return\": -1, \"id\": @5}\n"},
        {FAKE_QMP_EXPECT, "qom-set {\"path\":\"/p\",\"property\":\"bootindex\",\"value\":0}"},
        OK(6),
        {FAKE_QMP_EXPECT, "chardev-send-break {\"id\":\"s0\"}"},
        OK(7),
        {FAKE_QMP_END, NULL},
    };
    struct fixture *f = *state;

    open_socket(f, script, 0, 0);
    assert_int_equal(qmp_run(f->client, QMP_COMMAND_SYSTEM_RESET, on_done, new_call(f, "r")), 0);
    assert_int_equal(qmp_query_status(f->client, on_status, new_call(f, "s")), 0);
    assert_int_equal(qmp_query_version(f->client, on_version, new_call(f, "v")), 0);
    assert_int_equal(
        qmp_qom_get_integer(f->client, "/p", "bootindex", on_integer, new_call(f, "g")), 0);
    assert_int_equal(
        qmp_qom_set_integer(f->client, "/p", "bootindex", 0, on_done, new_call(f, "w")), 0);
    assert_int_equal(qmp_chardev_send_break(f->client, "s0", on_done, new_call(f, "b")), 0);
    run_to(f, "ready r=null s=io-error+ v=7.2.22 g=-1 w=null b=null");
}

static void test_commands_check_results(void **state)
{
    static const char *const results[] = {
        "{\"return\": null}",
        "{\"return\": []}",
        "{\"return\": \"1\"}",
        "{\"return\": {}}",
        "{\"return\": {\"status\": \"running\", \"running\": 1}}",
        "{\"return\": {\"status\": 1, \"running\": true}}",
        "{\"return\": {\"qemu\": {\"major\": \"7\", \"minor\": 2, \"micro\": 1}}}",
        "{\"return\": {\"qemu\": {\"major\": 7, \"minor\": -2, \"micro\": 1}}}",
        "{\"return\": 99999999999999999999}",
        "{\"return\": 1.5}",
        "{\"return\": true}",
    };
    struct fixture *f = *state;

    open_messages(f, true);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        strcpy(f->trace, "");
        qmp_query_status(f->client, on_status, new_call(f, "s"));
        reply(f, f->message.last_id, results[i]);
        qmp_query_version(f->client, on_version, new_call(f, "v"));
        reply(f, f->message.last_id, results[i]);
        qmp_qom_get_integer(f->client, "/p", "q", on_integer, new_call(f, "g"));
        reply(f, f->message.last_id, results[i]);
        assert_string_equal(f->trace, "s!protocol error? v!protocol error? g!protocol error?");
    }
    qmp_client_transport_down(f->client, QMP_FAILURE_DISCONNECTED, "gone");
    assert_int_equal(qmp_qom_set_integer(f->client, "/p", "q", 1, on_done, NULL), -ENOTCONN);
}

static void test_tables(void **state)
{
    (void)state;
    for (int e = QMP_EVENT_OTHER + 1; e <= QMP_EVENT_WATCHDOG; e++)
        assert_int_equal(qmp_event_parse(qmp_event_name((enum qmp_event)e)), e);
    assert_int_equal(qmp_event_parse("RTC_CHANGE"), QMP_EVENT_OTHER);
    assert_int_equal(qmp_event_parse(""), QMP_EVENT_OTHER);
    assert_null(qmp_event_name(QMP_EVENT_OTHER));
    for (int s = QMP_RUN_STATE_OTHER + 1; s <= QMP_RUN_STATE_WATCHDOG; s++)
        assert_int_equal(qmp_run_state_parse(qmp_run_state_name((enum qmp_run_state)s)), s);
    assert_int_equal(qmp_run_state_parse("dancing"), QMP_RUN_STATE_OTHER);
    for (int c = QMP_COMMAND_CONT; c <= QMP_COMMAND_SYSTEM_WAKEUP; c++)
        assert_non_null(qmp_command_name((enum qmp_command)c));
}

/* ---- a real QEMU ---- */

/* Ends with the test program, however that ends. An exit status of 127 means there is no QEMU. */
static pid_t spawn_qemu(const char *path)
{
    char monitor[128];
    char *arguments[] = {
        "qemu-system-x86_64",
        "-S",
        "-display",
        "none",
        "-nodefaults",
        "-no-user-config",
        "-machine",
        "pc,accel=tcg",
        "-m",
        "32",
        "-device",
        "virtio-scsi-pci",
        "-device",
        "scsi-cd,id=cd0,bootindex=1",
        "-device",
        "scsi-cd,id=cd1,bootindex=2",
        "-chardev",
        "null,id=s0",
        "-qmp",
        monitor,
        NULL,
    };
    pid_t pid;

    snprintf(monitor, sizeof monitor, "unix:%s,server=on,wait=off", path);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* True, once QEMU listens; false if it ended instead. */
static bool wait_for_qemu(struct fixture *fixture, int *status)
{
    for (int waited_ms = 0; waited_ms < DEADLINE_MS; waited_ms += 5) {
        if (access(fixture->path, F_OK) == 0)
            return true;
        if (waitpid(fixture->qemu, status, WNOHANG) == fixture->qemu) {
            fixture->qemu = 0;
            return false;
        }
        usleep(5000);
    }
    fail_msg("QEMU does not open its monitor");
    return false;
}

static void talk_to_qemu(struct fixture *f)
{
    static const char cd0[] = "/machine/peripheral/cd0";

    run_until(f, "ready");
    qmp_query_version(f->client, on_version, new_call(f, "version"));
    qmp_query_status(f->client, on_status, new_call(f, "s1"));
    qmp_qom_get_integer(f->client, cd0, "bootindex", on_integer, new_call(f, "g1"));
    qmp_qom_set_integer(f->client, cd0, "bootindex", 2, on_done, new_call(f, "taken"));
    qmp_qom_set_integer(f->client, cd0, "bootindex", 0, on_done, new_call(f, "w"));
    qmp_qom_get_integer(f->client, cd0, "bootindex", on_integer, new_call(f, "g2"));
    qmp_qom_get_integer(f->client, cd0, "type", on_integer, new_call(f, "type"));
    qmp_qom_get_integer(f->client, "/machine/peripheral/none", "bootindex", on_integer,
                        new_call(f, "none"));
    qmp_qom_get_integer(f->client, cd0, "none", on_integer, new_call(f, "property"));
    qmp_chardev_send_break(f->client, "s0", on_done, new_call(f, "break"));
    execute(f, "no-such-command");
    run_until(
        f, "s1=prelaunch- g1=1 taken!GenericError w=null g2=0 type!protocol error? "
           "none!DeviceNotFound property!GenericError break=null no-such-command!CommandNotFound");

    qmp_run(f->client, QMP_COMMAND_CONT, on_done, new_call(f, "cont"));
    qmp_query_status(f->client, on_status, new_call(f, "s2"));
    run_until(f, "s2=running+");
    run_until(f, "RESUME");
    qmp_run(f->client, QMP_COMMAND_INJECT_NMI, on_done, new_call(f, "nmi"));
    qmp_run(f->client, QMP_COMMAND_SYSTEM_WAKEUP, on_done, new_call(f, "wakeup"));
    qmp_run(f->client, QMP_COMMAND_SYSTEM_RESET, on_done, new_call(f, "reset"));
    run_until(f, "nmi=null");
    run_until(f, "wakeup!GenericError");
    run_until(f, "reset=null");
    run_until(f, "RESET");
    qmp_run(f->client, QMP_COMMAND_SYSTEM_POWERDOWN, on_done, new_call(f, "button"));
    qmp_run(f->client, QMP_COMMAND_STOP, on_done, new_call(f, "stop"));
    run_until(f, "POWERDOWN");
    run_until(f, "stop=null");
    run_until(f, "STOP");
    qmp_run(f->client, QMP_COMMAND_QUIT, on_done, new_call(f, "quit"));
    run_until(f, "down");
    assert_non_null(strstr(f->trace, "quit"));
}

static void test_real_qemu(void **state)
{
    struct fixture *fixture = *state;
    int status = 0;

    fixture->qemu = spawn_qemu(fixture->path);
    if (!wait_for_qemu(fixture, &status)) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
        print_message("skipped: there is no qemu-system-x86_64\n");
        skip();
    }
    open_socket(fixture, NULL, 0, 0);
    talk_to_qemu(fixture);
    assert_int_equal(waitpid(fixture->qemu, &status, 0), fixture->qemu);
    fixture->qemu = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(test_framing_splits_anywhere),
        TEST(test_framing_refuses),
        TEST(test_framing_bounds),
        TEST(test_messages),
        TEST(test_malformed_replies),
        TEST(test_queue_and_limits),
        TEST(test_down),
        TEST(test_stream_splits_anywhere),
        TEST(test_stream_refuses),
        TEST(test_stream_close_inside),
        TEST(test_socket_conversation),
        TEST(test_socket_reconnect),
        TEST(test_socket_garbage),
        TEST(test_socket_oversized_line),
        TEST(test_socket_timeout_and_late_reply),
        TEST(test_socket_silence),
        TEST(test_socket_nobody_listens),
        TEST(test_socket_paths),
        TEST(test_socket_write_queue),
        TEST(test_close_in_flight),
        TEST(test_commands),
        TEST(test_commands_check_results),
        TEST(test_tables),
        TEST(test_real_qemu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
