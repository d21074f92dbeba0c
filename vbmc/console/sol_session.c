#include "vbmc/console/sol_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sol/hub.h"
#include "sol/replay.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/console/console.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/server.h"

struct sol_session {
    struct bmc *bmc;
    struct rmcp_server *rmcp;
    uint32_t id;
    struct solproto *proto;
    struct hub *hub; /* NULL once it is gone */
    struct hub_reader *reader;
    struct replay replay;
    struct hub_writer *writer;
    struct console_user *person;
    bool started;     /* had its first tick */
    bool source_lost; /* while the guest was on, as far as is known */
};

static uint64_t now(const struct sol_session *session)
{
    return session->bmc->core.hooks->now(&session->bmc->core);
}

uint64_t sol_session_next_deadline(const struct sol_session *session)
{
    return session->started ? solproto_next_deadline(session->proto) : 0;
}

static void rearm(struct sol_session *session)
{
    uint64_t deadline = sol_session_next_deadline(session);

    if (deadline != SOLPROTO_NEVER)
        session->bmc->core.hooks->wake_at(&session->bmc->core, deadline);
}

/* ---- what the machine asks for ---- */

static void transmit(void *context, const uint8_t *payload, size_t size)
{
    struct sol_session *session = context;

    rmcp_server_send_payload(session->rmcp, session->id, PAYLOAD_SOL, payload, size);
}

/* What is typed while no guest listens is forgotten: the next one does not read at its start what
 * was meant for the last. */
static size_t guest_write(void *context, const uint8_t *bytes, size_t n)
{
    struct sol_session *session = context;
    ssize_t taken = hub_write(session->writer, bytes, n);

    return taken < 0 ? n : (size_t)taken;
}

static void guest_break(void *context)
{
    struct sol_session *session = context;

    if (session->hub)
        hub_send_break(session->hub); /* which says in the log what it cannot do */
}

static size_t next_bytes(void *context, uint8_t *buffer, size_t max)
{
    struct sol_session *session = context;

    return replay_read(&session->replay, session->reader, buffer, max, UINT64_MAX);
}

static void discard_bytes(void *context)
{
    struct sol_session *session = context;
    const uint8_t *bytes;
    size_t size;

    do {
        hub_reader_peek(session->reader, &bytes, &size);
        hub_reader_consume(session->reader, size);
    } while (size > 0);
}

static const struct solproto_ops proto_ops = {
    .transmit = transmit,
    .guest_write = guest_write,
    .guest_break = guest_break,
    .next_bytes = next_bytes,
    .discard_bytes = discard_bytes,
};

/* ---- what the hub tells ---- */

/* To be called before the machine may take bytes: a gap is told with the bytes behind it. */
static void note_lost(struct sol_session *session)
{
    const uint8_t *bytes;
    size_t size;

    hub_reader_peek(session->reader, &bytes, &size); /* finds out what has been overwritten */
    if (hub_reader_take_lost(session->reader) > 0)
        solproto_output_lost(session->proto);
}

static void on_available(void *context)
{
    struct sol_session *session = context;

    if (!session->started)
        return;
    note_lost(session);
    solproto_output_ready(session->proto, now(session));
    rearm(session);
}

/* Its writer has been told before, by way of what hub_write returns. */
static void on_closed(void *context)
{
    struct sol_session *session = context;

    session->hub = NULL;
    solproto_deactivate(session->proto);
    session->bmc->core.hooks->wake_at(&session->bmc->core, now(session));
}

static void on_writable(void *context)
{
    struct sol_session *session = context;

    note_lost(session);
    solproto_guest_writable(session->proto, now(session));
    rearm(session);
}

/* What a guest says while its serial port is lost is lost, unless it was off meanwhile. A message
 * may be that there is no serial port, which ends the session at its owner's next turn. */
static void on_notice(void *context, const struct hub_notice *notice)
{
    struct sol_session *session = context;

    switch (notice->kind) {
    case HUB_NOTICE_SOURCE_LOST:
    case HUB_NOTICE_TAKEN_OVER:
        session->source_lost = true;
        break;
    case HUB_NOTICE_GUEST_OFF:
        session->source_lost = false;
        break;
    case HUB_NOTICE_SOURCE_CONNECTED:
        if (session->source_lost)
            solproto_output_lost(session->proto);
        session->source_lost = false;
        break;
    case HUB_NOTICE_MESSAGE:
        session->bmc->core.hooks->wake_at(&session->bmc->core, now(session));
        break;
    default:
        break;
    }
}

static const struct hub_reader_events reader_events = {
    .available = on_available,
    .notice = on_notice,
    .closed = on_closed,
};
static const struct hub_writer_events writer_events = {.writable = on_writable};

/* ---- life ---- */

static int connect_console(struct sol_session *session, const struct sol_session_config *config)
{
    size_t lines = console_replay_lines(config->console);
    int result = hub_reader_new(session->hub, HUB_FROM_LINES, lines, &reader_events, session,
                                &session->reader);

    if (result == 0) {
        session->replay.until =
            hub_reader_position(session->reader) + hub_reader_pending(session->reader);
        result = hub_writer_new(session->hub, &writer_events, session, &session->writer);
    }
    if (result < 0)
        return result == -EPIPE ? -ENODEV : result;
    session->person = console_join(config->console, config->who);
    return session->person ? 0 : -ENOMEM;
}

int sol_session_new(const struct sol_session_config *config, struct sol_session **result)
{
    const struct solproto_config proto_config = {
        .timing = config->timing,
        .inbound_size = SOL_SESSION_PAYLOAD_SIZE,
        .outbound_size = SOL_SESSION_PAYLOAD_SIZE,
        .queue_size = SOLPROTO_QUEUE_MAX,
    };
    struct hub *hub = console_hub(config->console);

    *result = NULL;
    if (!hub)
        return -ENODEV;
    struct sol_session *session = calloc(1, sizeof *session);
    if (!session)
        return -ENOMEM;
    session->bmc = config->bmc;
    session->rmcp = config->rmcp;
    session->id = config->session;
    session->hub = hub;
    int error = solproto_new(&proto_config, &proto_ops, session, &session->proto);
    if (error == 0)
        error = connect_console(session, config);
    if (error < 0) {
        sol_session_free(session);
        return error;
    }
    session->bmc->core.hooks->wake_at(&session->bmc->core, now(session));
    *result = session;
    return 0;
}

void sol_session_free(struct sol_session *session)
{
    if (!session)
        return;
    solproto_free(session->proto); /* may still write */
    hub_writer_free(session->writer);
    hub_reader_free(session->reader);
    console_leave(session->person);
    free(session);
}

void sol_session_deactivate(struct sol_session *session)
{
    if (session)
        solproto_deactivate(session->proto);
    sol_session_free(session);
}

uint32_t sol_session_id(const struct sol_session *session)
{
    return session->id;
}

bool sol_session_is_over(const struct sol_session *session)
{
    return !session->hub;
}

/* ---- events ---- */

void sol_session_receive(struct sol_session *session, const uint8_t *payload, size_t size,
                         uint64_t now_ms)
{
    note_lost(session);
    solproto_receive(session->proto, payload, size, now_ms); /* a short one is ignored */
    rearm(session);
}

void sol_session_heard(struct sol_session *session, uint64_t now_ms)
{
    solproto_heard(session->proto, now_ms);
    rearm(session);
}

void sol_session_set_timing(struct sol_session *session, const struct solproto_timing *timing)
{
    solproto_set_timing(session->proto, timing);
    rearm(session);
}

void sol_session_tick(struct sol_session *session, uint64_t now_ms)
{
    note_lost(session);
    if (!session->started) {
        session->started = true;
        solproto_output_ready(session->proto, now_ms);
    }
    solproto_tick(session->proto, now_ms);
    rearm(session);
}
