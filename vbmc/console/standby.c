/* States:
 *
 *   looking    the XML of the copy is being read for the port
 *   waiting    the port is there; its state and bytes are kept
 *   taken      the user of the stream has it, and opens it
 *   draining   what the guest said where it was before is reported, as it comes
 *   passing    what was kept has been reported; all goes through
 *
 * A port that is not found leaves it looking for good: the ordinary way will say why.
 *
 * What the guest says is whole if it was connected before the guest ran there. What is known of the
 * guest may be old by then, so it is read once more after that. */
#include "vbmc/console/standby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sol/hub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/stream.h"
#include "vbmc/console/port.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/serial.h"

#define DRAIN_MS 1000 /* QEMU ends where a guest was as soon as it runs elsewhere */

struct console_standby {
    struct stream stream; /* for who takes it */
    uv_loop_t *loop;
    uv_timer_t timer;           /* for the turn in which what was kept is reported */
    struct virt_domain *domain; /* NULL once it is taken */
    char *alias;
    bool looking;
    struct stream *port;   /* NULL until it is found */
    struct stream *former; /* NULL unless draining */
    bool told;             /* the port has said something of itself */
    enum stream_link link;
    char text[HUB_TEXT_SIZE];
    bool whole;
    bool lost; /* more came than is kept */
    bool passing;
    bool closed;
    bool released;  /* its timer is */
    unsigned looks; /* whose answer comes here */
    uint8_t *bytes;
    size_t used;
};

/* ---- the end ---- */

static void free_if_unused(struct console_standby *standby)
{
    if (!standby->released || standby->looks > 0)
        return;
    free(standby->bytes);
    free(standby->alias);
    free(standby);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct console_standby *standby = handle->data;

    standby->released = true;
    free_if_unused(standby);
}

static void close_former(struct console_standby *standby)
{
    if (standby->former)
        stream_close(standby->former);
    standby->former = NULL;
}

static void standby_close(struct stream *stream)
{
    struct console_standby *standby = CONTAINER_OF(stream, struct console_standby, stream);

    if (standby->looking)
        virt_serial_cancel(standby->domain, standby);
    if (standby->port)
        stream_close(standby->port);
    standby->port = NULL;
    close_former(standby);
    standby->closed = true;
    uv_close((uv_handle_t *)&standby->timer, on_timer_closed);
}

void console_standby_free(struct console_standby *standby)
{
    if (standby)
        stream_close(&standby->stream);
}

/* ---- the port ---- */

/* Reports what was kept. Each report may close it, and frees nothing before the loop's next turn.
 */
static void begin_passing(struct console_standby *standby)
{
    close_former(standby);
    uv_timer_stop(&standby->timer);
    standby->passing = true;
    if (standby->told)
        stream_report_state(&standby->stream, standby->link, standby->text);
    if (standby->used > 0)
        stream_report_received(&standby->stream, standby->bytes, standby->used);
    if (standby->closed)
        return;
    free(standby->bytes);
    standby->bytes = NULL;
    standby->used = 0;
    if (standby->told && standby->link == STREAM_CONNECTED)
        stream_report_writable(&standby->stream);
}

static void on_received(void *context, const uint8_t *bytes, size_t size)
{
    struct console_standby *standby = context;

    if (standby->former && size > CONSOLE_STANDBY_MAX - standby->used)
        begin_passing(standby);
    if (standby->passing) {
        stream_report_received(&standby->stream, bytes, size);
        return;
    }
    if (!standby->bytes)
        standby->bytes = malloc(CONSOLE_STANDBY_MAX);
    size_t room = standby->bytes ? CONSOLE_STANDBY_MAX - standby->used : 0;
    if (size > room)
        standby->lost = true;
    size = size < room ? size : room;
    if (size > 0)
        memcpy(standby->bytes + standby->used, bytes, size);
    standby->used += size;
}

/* What it was when it was taken counts. */
static void on_looked_at(void *context, int result, const char *text)
{
    struct console_standby *standby = context;

    (void)text;
    if (--standby->looks == 0 && result == 0 && standby->domain && !standby->closed &&
        standby->link == STREAM_CONNECTED && !standby->lost)
        standby->whole = virt_domain_host(standby->domain)->state == HOST_POWER_PAUSED;
    free_if_unused(standby);
}

static void look_at_guest(struct console_standby *standby)
{
    standby->looks++;
    hypervisor_look_at(virt_domain_hypervisor(standby->domain), virt_domain_uuid(standby->domain),
                       on_looked_at, standby);
}

static void on_state(void *context, enum stream_link link, const char *reason)
{
    struct console_standby *standby = context;

    standby->told = true;
    standby->link = link;
    snprintf(standby->text, sizeof standby->text, "%s", reason);
    if (standby->passing)
        stream_report_state(&standby->stream, link, reason);
    else if (standby->former && link != STREAM_CONNECTED)
        begin_passing(standby);
    else if (standby->domain && link == STREAM_CONNECTED)
        look_at_guest(standby);
    else
        standby->whole = false;
}

static void on_writable(void *context)
{
    struct console_standby *standby = context;

    if (standby->passing)
        stream_report_writable(&standby->stream);
}

static void on_looked_up(void *context, int result, const struct domxml_serial *serial,
                         const char *text)
{
    static const struct stream_events events = {on_received, on_state, on_writable};
    struct console_standby *standby = context;

    (void)text;
    standby->looking = false;
    if (result == 0)
        result = console_port_new(standby->loop, standby->domain, serial, &standby->port);
    if (result < 0)
        return;
    free(standby->alias);
    standby->alias = serial->alias ? strdup(serial->alias) : NULL;
    stream_open(standby->port, &events, standby);
}

/* ---- the stream ---- */

static void on_turn(uv_timer_t *timer)
{
    begin_passing(timer->data);
}

static void standby_open(struct stream *stream)
{
    struct console_standby *standby = CONTAINER_OF(stream, struct console_standby, stream);

    uv_timer_start(&standby->timer, on_turn, 0, 0);
}

static ssize_t standby_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct console_standby *standby = CONTAINER_OF(stream, struct console_standby, stream);

    return standby->passing ? stream_write(standby->port, bytes, size) : 0;
}

struct console_standby *console_standby_new(uv_loop_t *loop, struct virt_domain *domain,
                                            const char *alias)
{
    static const struct stream_ops ops = {standby_open, standby_write, standby_close};
    struct console_standby *standby = calloc(1, sizeof *standby);

    if (!standby)
        return NULL;
    if (virt_serial_look_up(domain, alias, on_looked_up, standby) < 0) {
        free(standby);
        return NULL;
    }
    standby->looking = true;
    standby->stream.ops = &ops;
    standby->loop = loop;
    standby->domain = domain;
    uv_timer_init(loop, &standby->timer);
    standby->timer.data = standby;
    return standby;
}

struct virt_domain *console_standby_domain(const struct console_standby *standby)
{
    return standby->domain;
}

bool console_standby_is_whole(const struct console_standby *standby)
{
    return standby->whole && !standby->lost;
}

struct stream *console_standby_take(struct console_standby *standby, char **alias)
{
    if (!standby->port) {
        *alias = NULL;
        console_standby_free(standby);
        return NULL;
    }
    *alias = standby->alias;
    standby->alias = NULL;
    standby->domain = NULL;
    return &standby->stream;
}

/* ---- what the guest had before ---- */

static void on_former_received(void *context, const uint8_t *bytes, size_t size)
{
    struct console_standby *standby = context;

    stream_report_received(&standby->stream, bytes, size);
}

static void on_former_state(void *context, enum stream_link link, const char *reason)
{
    (void)reason;
    if (link != STREAM_CONNECTED)
        begin_passing(context);
}

static void on_former_writable(void *context)
{
    (void)context;
}

void console_standby_drain(struct stream *stream, struct stream *former)
{
    static const struct stream_events events = {on_former_received, on_former_state,
                                                on_former_writable};
    struct console_standby *standby = CONTAINER_OF(stream, struct console_standby, stream);

    standby->former = former;
    former->events = &events;
    former->context = standby;
    uv_timer_start(&standby->timer, on_turn, DRAIN_MS, 0);
}
