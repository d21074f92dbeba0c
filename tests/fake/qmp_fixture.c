#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "qmp/stream.h"
#include "qmp/unix_socket.h"
#include "tests/fake/qmp_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/base/log.h"

struct qmp_fixture_call {
    struct qmp_fixture *fixture;
    char label[32];
};

static void record(struct qmp_fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void record(struct qmp_fixture *fixture, const char *format, ...)
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
        qmp_fixture_execute(fixture, "again");
    }
    if (fixture->close_on && strcmp(word, fixture->close_on) == 0) {
        fixture->close_on = NULL;
        qmp_client_close(fixture->client);
        fixture->client = NULL;
    }
}

static void record_error(struct qmp_fixture_call *call, const struct qmp_error *error)
{
    record(call->fixture, "%s!%s%s", call->label,
           error->class_name[0] ? error->class_name : qmp_failure_text(error->failure),
           error->may_have_run ? "?" : "");
    free(call);
}

struct qmp_fixture_call *qmp_fixture_new_call(struct qmp_fixture *fixture, const char *label)
{
    struct qmp_fixture_call *call = calloc(1, sizeof *call);

    call->fixture = fixture;
    snprintf(call->label, sizeof call->label, "%s", label);
    return call;
}

void qmp_fixture_on_reply(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct qmp_fixture_call *call = context;

    if (error) {
        assert_null(result);
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%s", call->label,
           json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
    free(call);
}

void qmp_fixture_on_done(void *context, const struct qmp_error *error)
{
    qmp_fixture_on_reply(context, NULL, error);
}

void qmp_fixture_on_integer(void *context, int64_t value, const struct qmp_error *error)
{
    struct qmp_fixture_call *call = context;

    if (error) {
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%lld", call->label, (long long)value);
    free(call);
}

void qmp_fixture_on_status(void *context, const struct qmp_status *status,
                           const struct qmp_error *error)
{
    struct qmp_fixture_call *call = context;

    if (error) {
        record_error(call, error);
        return;
    }
    record(call->fixture, "%s=%s%s", call->label, qmp_run_state_name(status->state),
           status->running ? "+" : "-");
    free(call);
}

void qmp_fixture_on_version(void *context, const struct qmp_version *version,
                            const struct qmp_error *error)
{
    struct qmp_fixture_call *call = context;

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

void qmp_fixture_execute(struct qmp_fixture *fixture, const char *label)
{
    struct qmp_fixture_call *call = qmp_fixture_new_call(fixture, label);

    fixture->again_result =
        qmp_client_execute(fixture->client, label, NULL, qmp_fixture_on_reply, call);
    if (fixture->again_result < 0)
        free(call);
}

int qmp_fixture_set_up(void **state)
{
    struct qmp_fixture *fixture = calloc(1, sizeof *fixture);

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

int qmp_fixture_tear_down(void **state)
{
    struct qmp_fixture *fixture = *state;

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

void qmp_fixture_run_until(struct qmp_fixture *fixture, const char *word)
{
    fixture->expired = false;
    uv_update_time(&fixture->loop);
    uv_timer_start(&fixture->deadline, on_deadline, QMP_FIXTURE_DEADLINE_MS, 0);
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

void qmp_fixture_run_to(struct qmp_fixture *fixture, const char *expected)
{
    const char *last = strrchr(expected, ' ');

    qmp_fixture_run_until(fixture, last ? last : expected);
    assert_string_equal(fixture->trace, expected);
}

static void open_client(struct qmp_fixture *fixture, struct qmp_transport *transport,
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

void qmp_fixture_open_socket(struct qmp_fixture *fixture, const struct fake_qmp_step *script,
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

static int stream_write(void *context, const char *bytes, size_t size)
{
    struct qmp_fixture_message *message = context;

    assert_true(size > 2 && size < sizeof message->last_text);
    memcpy(message->last_text, bytes, size - 2); /* without CR LF */
    message->last_text[size - 2] = '\0';
    return 0;
}

static void message_start(struct qmp_transport *transport, struct qmp_client *client)
{
    struct qmp_fixture_message *message =
        CONTAINER_OF(transport, struct qmp_fixture_message, transport);

    message->client = client;
    if (message->ready_at_once)
        qmp_client_transport_ready(client);
}

static int message_send(struct qmp_transport *transport, unsigned id, struct json_object *command)
{
    struct qmp_fixture_message *message =
        CONTAINER_OF(transport, struct qmp_fixture_message, transport);

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
    struct qmp_fixture_message *message =
        CONTAINER_OF(transport, struct qmp_fixture_message, transport);

    assert_false(message->closed);
    message->closed = true;
    if (message->stream)
        qmp_stream_stop(message->stream);
}

static const struct qmp_transport_ops message_ops = {message_start, message_send, message_close};

void qmp_fixture_open_messages(struct qmp_fixture *fixture, bool ready_at_once)
{
    fixture->message =
        (struct qmp_fixture_message){.transport.ops = &message_ops, .ready_at_once = ready_at_once};
    open_client(fixture, &fixture->message.transport, 0);
}

void qmp_fixture_open_stream(struct qmp_fixture *fixture)
{
    qmp_fixture_open_messages(fixture, false);
    assert_int_equal(qmp_stream_create(fixture->client, stream_write, &fixture->message,
                                       &fixture->message.stream),
                     0);
}

void qmp_fixture_close_stream(struct qmp_fixture *fixture)
{
    qmp_client_close(fixture->client);
    fixture->client = NULL;
    qmp_stream_free(fixture->message.stream);
    fixture->message.stream = NULL;
    fixture->trace[0] = '\0';
}

void qmp_fixture_reply(struct qmp_fixture *fixture, unsigned id, const char *text)
{
    struct json_object *message;

    assert_int_equal(qmp_json_parse(text, strlen(text), &message), 0);
    qmp_client_reply(fixture->message.client, id, message);
    json_object_put(message);
}
