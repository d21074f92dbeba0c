/* The QMP client's parts in memory: framing, the client on messages and on a stream, the typed
 * commands (these on a scripted server) and the tables of events and states. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "qmp/events.h"
#include "qmp/framing.h"
#include "qmp/stream.h"
#include "qmp/transport.h"
#include "tests/fake/qmp_fixture.h"
#include "tests/fake/qmp_server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"

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

static void test_messages(void **state)
{
    struct qmp_fixture *fixture = *state;
    struct qmp_error refused = {.failure = QMP_FAILURE_DISCONNECTED};
    struct json_object *text = json_object_new_string("x");

    qmp_fixture_open_messages(fixture, true);
    qmp_fixture_execute(fixture, "a");
    assert_string_equal(fixture->message.last_text, "{\"execute\":\"a\"}"); /* no id */
    unsigned a = fixture->message.last_id;
    qmp_fixture_execute(fixture, "b");
    unsigned b = fixture->message.last_id;
    qmp_fixture_execute(fixture, "c");
    qmp_fixture_reply(fixture, b, "{\"return\":1,\"id\":\"libvirt-12\"}");
    qmp_fixture_reply(fixture, b, "{\"return\":2}"); /* answered already */
    qmp_fixture_reply(fixture, b + 1000, "{\"return\":2}");
    qmp_client_event(fixture->client, "STOP", NULL);
    qmp_client_event(fixture->client, "RESET", text); /* not an object */
    qmp_client_command_failed(fixture->client, fixture->message.last_id, &refused);
    qmp_fixture_reply(fixture, a, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}");
    fixture->message.send_result = -EIO;
    qmp_fixture_execute(fixture, "d");
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
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_messages(fixture, true);
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        strcpy(fixture->trace, "");
        qmp_fixture_execute(fixture, "a");
        qmp_fixture_reply(fixture, fixture->message.last_id, replies[i]);
        assert_string_equal(fixture->trace, "a!protocol error?");
    }
}

static void test_queue_and_limits(void **state)
{
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_messages(fixture, false);
    for (int i = 0; i < QMP_IN_FLIGHT_MAX; i++) {
        qmp_fixture_execute(fixture, "a");
        assert_int_equal(fixture->again_result, 0);
    }
    qmp_fixture_execute(fixture, "b");
    assert_int_equal(fixture->again_result, -EBUSY);
    assert_int_equal(fixture->message.sent, 0);
    qmp_fixture_reply(fixture, 1, "{\"return\":{}}"); /* guessed before it was sent */
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
    struct qmp_fixture *fixture = *state;

    qmp_fixture_open_messages(fixture, true);
    qmp_fixture_execute(fixture, "a");
    qmp_fixture_execute(fixture, "b");
    fixture->again_on = "a!disconnected?";
    qmp_client_transport_down(fixture->client, QMP_FAILURE_DISCONNECTED, "gone");
    assert_int_equal(fixture->again_result, -ENOTCONN);
    qmp_client_transport_down(fixture->client, QMP_FAILURE_DISCONNECTED, "still gone");
    qmp_client_transport_ready(fixture->client);
    qmp_fixture_execute(fixture, "c");
    qmp_fixture_execute(fixture, "d");
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
    struct qmp_fixture *fixture = *state;

    for (size_t split = 0; split < sizeof conversation; split++) {
        qmp_fixture_open_stream(fixture);
        struct qmp_stream *stream = fixture->message.stream;
        qmp_fixture_execute(fixture, "a");
        qmp_fixture_execute(fixture, "b");
        qmp_fixture_execute(fixture, "c");
        assert_int_equal(qmp_stream_receive(stream, conversation, split), 0);
        assert_int_equal(
            qmp_stream_receive(stream, conversation + split, sizeof conversation - 1 - split), 0);
        assert_string_equal(fixture->trace, "STOP ready RESET a={\"x\":1} b!CommandNotFound c=[]");
        assert_string_equal(fixture->message.last_text, "{\"execute\":\"c\",\"id\":3}");
        qmp_fixture_close_stream(fixture);
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
    struct qmp_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
        qmp_fixture_open_stream(fixture);
        if (qmp_stream_receive(fixture->message.stream, inputs[i], strlen(inputs[i])) >= 0)
            fail_msg("taken: %s", inputs[i]);
        assert_true(strlen(qmp_stream_error(fixture->message.stream)) > 0);
        qmp_fixture_close_stream(fixture);
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
    struct qmp_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        qmp_fixture_open_stream(fixture);
        qmp_fixture_execute(fixture, "a");
        qmp_fixture_execute(fixture, "b");
        fixture->close_on = cases[i].word;
        qmp_stream_receive(fixture->message.stream, conversation, sizeof conversation - 1);
        assert_string_equal(fixture->trace, cases[i].trace);
        qmp_fixture_close_stream(fixture);
    }
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
    struct qmp_fixture *f = *state;

    qmp_fixture_open_socket(f, script, 0, 0);
    assert_int_equal(qmp_run(f->client, QMP_COMMAND_SYSTEM_RESET, qmp_fixture_on_done,
                             qmp_fixture_new_call(f, "r")),
                     0);
    assert_int_equal(
        qmp_query_status(f->client, qmp_fixture_on_status, qmp_fixture_new_call(f, "s")), 0);
    assert_int_equal(
        qmp_query_version(f->client, qmp_fixture_on_version, qmp_fixture_new_call(f, "v")), 0);
    assert_int_equal(qmp_qom_get_integer(f->client, "/p", "bootindex", qmp_fixture_on_integer,
                                         qmp_fixture_new_call(f, "g")),
                     0);
    assert_int_equal(qmp_qom_set_integer(f->client, "/p", "bootindex", 0, qmp_fixture_on_done,
                                         qmp_fixture_new_call(f, "w")),
                     0);
    assert_int_equal(
        qmp_chardev_send_break(f->client, "s0", qmp_fixture_on_done, qmp_fixture_new_call(f, "b")),
        0);
    qmp_fixture_run_to(f, "ready r=null s=io-error+ v=7.2.22 g=-1 w=null b=null");
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
    struct qmp_fixture *f = *state;

    qmp_fixture_open_messages(f, true);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        strcpy(f->trace, "");
        qmp_query_status(f->client, qmp_fixture_on_status, qmp_fixture_new_call(f, "s"));
        qmp_fixture_reply(f, f->message.last_id, results[i]);
        qmp_query_version(f->client, qmp_fixture_on_version, qmp_fixture_new_call(f, "v"));
        qmp_fixture_reply(f, f->message.last_id, results[i]);
        qmp_qom_get_integer(f->client, "/p", "q", qmp_fixture_on_integer,
                            qmp_fixture_new_call(f, "g"));
        qmp_fixture_reply(f, f->message.last_id, results[i]);
        assert_string_equal(f->trace, "s!protocol error? v!protocol error? g!protocol error?");
    }
    qmp_client_transport_down(f->client, QMP_FAILURE_DISCONNECTED, "gone");
    assert_int_equal(qmp_qom_set_integer(f->client, "/p", "q", 1, qmp_fixture_on_done, NULL),
                     -ENOTCONN);
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

int main(void)
{
#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, qmp_fixture_set_up, qmp_fixture_tear_down)
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
        TEST(test_commands),
        TEST(test_commands_check_results),
        TEST(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
