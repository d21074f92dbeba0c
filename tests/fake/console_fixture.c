#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "sol/hub.h"
#include "tests/fake/console_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/instance.h"
#include "vbmc/net/limiter.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/store.h"
#include "vbmc/verbs/console.h"

#define TURNS          8
#define SOCKET_BUFFER  4096 /* of each side: the kernel makes it about 9 KiB */
#define SEND_TURNS_MAX 100000

struct console_fixture console_fixture;
static struct facility facility;

/* ---- the serial port ---- */

static void source_open(struct stream *stream)
{
    CONTAINER_OF(stream, struct fake_source, stream)->opened = true;
}

static ssize_t source_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct fake_source *source = CONTAINER_OF(stream, struct fake_source, stream);
    size_t taken = size < source->room ? size : source->room;

    assert_true(source->opened && !source->closed);
    for (size_t i = 0; i < taken; i++, source->typed_size++) {
        if (source->typed_size < sizeof source->typed - 1)
            source->typed[source->typed_size] = (char)bytes[i];
    }
    source->room -= taken;
    return (ssize_t)taken;
}

static void source_close(struct stream *stream)
{
    CONTAINER_OF(stream, struct fake_source, stream)->closed = true;
}

void console_fixture_say_bytes(const void *bytes, size_t size)
{
    stream_report_received(&console_fixture.source.stream, bytes, size);
}

void console_fixture_say(const char *text)
{
    console_fixture_say_bytes(text, strlen(text));
}

void console_fixture_make_room(size_t room)
{
    console_fixture.source.room = room;
    stream_report_writable(&console_fixture.source.stream);
}

const char *console_fixture_typed(void)
{
    return console_fixture.source.typed;
}

static void attach_source(void)
{
    static const struct stream_ops ops = {source_open, source_write, source_close};
    struct fake_source *source = &console_fixture.source;

    memset(source, 0, sizeof *source);
    source->stream.ops = &ops;
    source->room = SIZE_MAX;
    hub_attach(console_hub(instance_console(console_fixture.instance)), &source->stream);
    stream_report_state(&source->stream, STREAM_CONNECTED, "the test's");
}

/* ---- life ---- */

static void on_request(void *context, const char *verb, struct json_object *arguments,
                       struct control_request *request)
{
    assert_ptr_equal(context, &console_fixture);
    assert_string_equal(verb, "console");
    console_session_start(console_fixture.instance, arguments, request);
}

static void start_instance(size_t history_size)
{
    char name[] = "web01";
    struct store_bmc record = {.uuid = {{1, 2, 3}}, .name = name};

    console_fixture.instance = instance_new(&console_fixture.shared, 1, &record, NULL, NULL);
    assert_non_null(console_fixture.instance);
    channel_set_defaults(&console_fixture.config.bmc.channel);
    console_fixture.config.bmc.session_timeout_s = 60;
    console_fixture.config.bmc.console_history = history_size;
    console_fixture.config.bmc.console_replay = 2;
    instance_configure(console_fixture.instance, &console_fixture.config);
    attach_source();
}

void console_fixture_start(size_t history_size)
{
    struct console_fixture *fixture = &console_fixture;
    char path[128], error[512] = "";

    log_set_level(LOG_LEVEL_ERROR);
    memset(fixture, 0, sizeof *fixture);
    uv_loop_init(&fixture->loop);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/vbmc-test-console-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(
        store_open(&fixture->loop, fixture->folder, &fixture->store, error, sizeof error), 0);
    server_settings_set_defaults(&fixture->config.bmc.server);
    facility_settings_set_defaults(&fixture->config.facility);
    facility_init(&facility, &fixture->config.facility);
    fixture->shared = (struct instance_shared){.facility = &facility,
                                               .state_dir = fixture->folder,
                                               .loop = &fixture->loop,
                                               .store = fixture->store,
                                               .limiter = limiter_new()};
    snprintf(path, sizeof path, "%.60s/control.sock", fixture->folder);
    assert_int_equal(control_new(&fixture->loop, path, (gid_t)-1, on_request, fixture,
                                 &fixture->control, error, sizeof error),
                     0);
    start_instance(history_size);
}

void console_fixture_free_instance(void)
{
    instance_free(console_fixture.instance);
    console_fixture.instance = NULL;
}

int console_fixture_teardown(void **state)
{
    char command[128];

    (void)state;
    control_free(console_fixture.control);
    console_fixture_free_instance();
    store_close(console_fixture.store);
    limiter_free(console_fixture.shared.limiter);
    uv_run(&console_fixture.loop, UV_RUN_DEFAULT);
    disk_settle(DISK_STATE, NULL, 60000);
    snprintf(command, sizeof command, "rm -rf %.60s", console_fixture.folder);
    return uv_loop_close(&console_fixture.loop) || system(command);
}

void console_fixture_turn(void)
{
    for (unsigned turn = 0; turn < TURNS; turn++)
        uv_run(&console_fixture.loop, UV_RUN_NOWAIT);
}

/* ---- a client ---- */

static void make_sockets(int ends[2])
{
    int size = SOCKET_BUFFER;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (unsigned i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
}

static void hear_answer(struct console_client *client)
{
    for (size_t used = 0; used < sizeof client->answer - 1; used++) {
        ssize_t got = recv(client->fd, client->answer + used, 1, 0);
        client->closed = got == 0;
        if (got < 1 || client->answer[used] == '\n') {
            client->answer[used] = '\0';
            return;
        }
    }
    fail_msg("the answer has no end");
}

static void open_client(struct console_client *client, const struct control_identity *identity,
                        const char *arguments, const void *frames, size_t size)
{
    char request[512];
    int ends[2];

    memset(client, 0, sizeof *client);
    make_sockets(ends);
    client->fd = ends[1];
    int length =
        snprintf(request, sizeof request, "{\"verb\":\"console\",\"arguments\":{%s}}\n", arguments);
    assert_int_equal(send(client->fd, request, (size_t)length, MSG_NOSIGNAL), length);
    if (size > 0)
        assert_int_equal(send(client->fd, frames, size, MSG_NOSIGNAL), size);
    assert_int_equal(control_adopt(console_fixture.control, ends[0], identity), 0);
    console_fixture_turn();
    hear_answer(client);
}

void console_client_open(struct console_client *client, enum privilege privilege, const char *who,
                         const char *arguments, const void *frames, size_t size)
{
    struct control_identity identity = {.privilege = privilege};

    snprintf(identity.account, sizeof identity.account, "%s", who);
    open_client(client, &identity, arguments, frames, size);
}

void console_client_open_as(struct console_client *client, const struct control_identity *identity,
                            const char *arguments)
{
    open_client(client, identity, arguments, NULL, 0);
}

void console_client_open_now(struct console_client *client)
{
    console_client_open(client, PRIVILEGE_ADMINISTRATOR, "root", "\"lines\":0", NULL, 0);
    assert_non_null(strstr(client->answer, "\"ok\":true"));
}

void console_client_close(struct console_client *client)
{
    close(client->fd);
    client->fd = -1;
    console_fixture_turn();
}

static void write_down(struct console_client *client, const void *bytes, size_t size)
{
    size_t room = sizeof client->transcript - 1;

    if (client->transcript_size + size <= room)
        memcpy(client->transcript + client->transcript_size, bytes, size);
    client->transcript_size += size;
}

static void write_down_frame(struct console_client *client, uint8_t kind, const uint8_t *payload,
                             size_t size)
{
    const char *name = kind == CONSOLE_NOTICE    ? "notice"
                       : kind == CONSOLE_READY   ? "ready"
                       : kind == CONSOLE_REPLY   ? "reply"
                       : kind == CONSOLE_DROPPED ? "dropped"
                       : kind == CONSOLE_END     ? "end"
                                                 : NULL;
    char text[512];
    uint64_t lost = 0;

    if (kind == CONSOLE_OUTPUT) {
        assert_true(size > 0);
        write_down(client, payload, size);
        return;
    }
    if (kind == CONSOLE_LOST) {
        assert_int_equal(size, sizeof lost);
        for (size_t i = 0; i < sizeof lost; i++)
            lost |= (uint64_t)payload[i] << 8 * i;
        snprintf(text, sizeof text, "[lost: %llu]", (unsigned long long)lost);
    } else {
        assert_non_null(name);
        snprintf(text, sizeof text, "[%s: %.*s]", name, (int)size, (const char *)payload);
    }
    write_down(client, text, strlen(text));
}

/* Takes the first frame, if it is complete. */
static bool take_frame(struct console_client *client)
{
    if (client->pending_size < CONSOLE_FRAME_HEADER)
        return false;
    size_t size = console_frame_size(client->pending);
    assert_true(size <= CONSOLE_FRAME_MAX);
    if (client->pending_size < CONSOLE_FRAME_HEADER + size)
        return false;
    uint8_t kind = client->pending[0];
    assert_false(client->ended);
    client->ended = kind == CONSOLE_END;
    if (client->frame)
        client->frame(client, kind, client->pending + CONSOLE_FRAME_HEADER, size);
    else
        write_down_frame(client, kind, client->pending + CONSOLE_FRAME_HEADER, size);
    client->pending_size -= CONSOLE_FRAME_HEADER + size;
    memmove(client->pending, client->pending + CONSOLE_FRAME_HEADER + size, client->pending_size);
    return true;
}

bool console_client_read(struct console_client *client)
{
    bool anything = false;

    for (;;) {
        ssize_t got = recv(client->fd, client->pending + client->pending_size,
                           sizeof client->pending - client->pending_size, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            client->closed = true;
        if (got <= 0)
            return anything;
        anything = true;
        client->pending_size += (size_t)got;
        while (take_frame(client))
            ;
    }
}

void console_client_read_all(struct console_client *client)
{
    do
        console_fixture_turn();
    while (console_client_read(client));
}

const char *console_client_hear(struct console_client *client)
{
    static char heard[CONSOLE_FIXTURE_TRANSCRIPT_MAX];

    console_client_read_all(client);
    assert_true(client->transcript_size < sizeof client->transcript);
    memcpy(heard, client->transcript, sizeof heard);
    memset(client->transcript, 0, sizeof client->transcript);
    client->transcript_size = 0;
    return heard;
}

size_t console_client_try_send(struct console_client *client, const void *bytes, size_t size)
{
    ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);

    assert_true(sent >= 0 || errno == EAGAIN || errno == EPIPE);
    return sent < 0 ? 0 : (size_t)sent;
}

void console_client_send(struct console_client *client, const void *bytes, size_t size)
{
    const char *from = bytes;

    for (unsigned turn = 0; size > 0 && turn < SEND_TURNS_MAX; turn++) {
        size_t sent = console_client_try_send(client, from, size);
        from += sent;
        size -= sent;
        uv_run(&console_fixture.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(size, 0);
    console_fixture_turn();
}

void console_client_send_frame(struct console_client *client, enum console_frame_kind kind,
                               const void *payload, size_t size)
{
    uint8_t header[CONSOLE_FRAME_HEADER];

    console_frame_put_header(header, kind, size);
    console_client_send(client, header, sizeof header);
    console_client_send(client, payload, size);
}

void console_client_type(struct console_client *client, const char *text)
{
    console_client_send_frame(client, CONSOLE_INPUT, text, strlen(text));
}
