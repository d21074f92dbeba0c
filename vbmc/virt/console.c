/* States:
 *
 *   idle       the guest is off, or the stream is not opened yet
 *   opening    a job of the consoles' thread asks libvirt for the stream
 *   connected  bytes go both ways
 *   waiting    refused or ended; a timer tries again
 *
 * libvirt's stream is opened, sent to and ended by jobs, since each may wait for libvirtd;
 * receiving does not block and is done on the loop. A job under way keeps the memory alive.
 *
 * Input is written to the guest's pty if that is on this machine (for the reason see pty_writer.h),
 * else to the stream, one piece at a time. */
#include "vbmc/virt/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/stream.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/serial.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/pty_writer.h"
#include "vbmc/virt/worker.h"

#define RETRY_MS     2000
#define RECEIVE_SIZE 4096
#define ROUNDS_MAX   16 /* reads before the loop gets its turn */
/* Of input for libvirt's stream. Few and large ones: libvirtd takes only five that wait (see
 * connection.c). */
#define PIECE_SIZE ((size_t)32 * 1024)

struct virt_console {
    struct stream stream;
    struct virt_domain *domain;    /* NULL: gone */
    struct hypervisor *hypervisor; /* outlives the domain, and every job */
    uv_timer_t retry;
    bool opened; /* by the stream's user */
    bool closed;
    bool opening;
    bool broken;            /* writing failed: ends on the timer's turn */
    virStreamPtr libvirt;   /* NULL unless connected */
    struct pty_writer *pty; /* NULL unless connected and reachable */
    uint8_t *piece;         /* on its way to libvirt's stream; NULL: none */
    size_t piece_size;
    size_t piece_sent;
    bool sending; /* a job has it */
    unsigned jobs;
    char *alias;
};

struct virt_console_job {
    struct worker_job job;
    struct virt_console *console;
    struct uuid uuid;
    char *alias;          /* of an opening */
    virStreamPtr libvirt; /* out of an opening, into an ending; of a sending, a reference */
    char *pty_path;       /* out of an opening; NULL: unknown */
    bool failed;          /* out of a sending */
    bool taken;
    char text[WORKER_TEXT_SIZE];
};

static void on_retry_closed(uv_handle_t *handle)
{
    struct virt_console *console = CONTAINER_OF((uv_timer_t *)handle, struct virt_console, retry);

    free(console->alias);
    free(console);
}

static void release(struct virt_console *console)
{
    if (console->closed && console->jobs == 0)
        uv_close((uv_handle_t *)&console->retry, on_retry_closed);
}

static void job_ended(struct virt_console_job *job)
{
    struct virt_console *console = job->console;

    console->jobs--;
    free(job->alias);
    free(job->pty_path);
    free(job);
    release(console);
}

static struct virt_console_job *new_job(struct virt_console *console)
{
    struct virt_console_job *job = calloc(1, sizeof *job);

    if (job) {
        job->console = console;
        console->jobs++;
    }
    return job;
}

static void drop_piece(struct virt_console *console)
{
    free(console->piece);
    console->piece = NULL;
}

/* ---- ending ---- */

/* The consoles' thread. */
static void run_end(struct worker_job *worker_job, virConnectPtr connection)
{
    struct virt_console_job *job = CONTAINER_OF(worker_job, struct virt_console_job, job);

    (void)connection;
    /* Of a connection that is lost this fails at once; without it libvirt's client would never free
     * what it keeps of its streams. */
    virStreamAbort(job->libvirt);
    virStreamFree(job->libvirt);
}

static void end_done(struct worker_job *worker_job)
{
    job_ended(CONTAINER_OF(worker_job, struct virt_console_job, job));
}

/* Aborted explicitly: for libvirtd a stream that was only freed is a console still open. */
static void abort_libvirt_stream(struct virt_console *console, virStreamPtr libvirt)
{
    struct virt_console_job *job =
        hypervisor_is_stopping(console->hypervisor) ? NULL : new_job(console);

    if (!job) { /* the connection is closed too, which ends it, without a wait (worker.c) */
        virStreamFree(libvirt);
        return;
    }
    job->libvirt = libvirt;
    job->job.run = run_end;
    job->job.done = end_done;
    worker_submit_console(hypervisor_worker(console->hypervisor), &job->job);
}

static void end_libvirt_stream(struct virt_console *console)
{
    virStreamPtr libvirt = console->libvirt;

    console->libvirt = NULL;
    pty_writer_close(console->pty);
    console->pty = NULL;
    if (!console->sending)
        drop_piece(console);
    virStreamEventRemoveCallback(libvirt);
    abort_libvirt_stream(console, libvirt);
}

static void on_retry(uv_timer_t *timer);

static void disconnect(struct virt_console *console, const char *reason)
{
    if (console->libvirt)
        end_libvirt_stream(console);
    uv_timer_start(&console->retry, on_retry, RETRY_MS, 0);
    stream_report_state(&console->stream, STREAM_DISCONNECTED, reason);
}

/* Ends the stream from the timer, not within its user's call. */
static void break_off(struct virt_console *console)
{
    console->broken = true;
    uv_timer_start(&console->retry, on_retry, 0, 0);
}

/* ---- sending ---- */

/* The consoles' thread. The loop leaves the piece alone meanwhile. A stream to libvirtd takes all,
 * if need be after a while; one of a driver in this process may be full. */
static void run_sending(struct worker_job *worker_job, virConnectPtr connection)
{
    struct virt_console_job *job = CONTAINER_OF(worker_job, struct virt_console_job, job);
    struct virt_console *console = job->console;

    job->failed = !connection;
    while (!job->failed && console->piece_sent < console->piece_size) {
        int sent = virStreamSend(job->libvirt, (const char *)console->piece + console->piece_sent,
                                 console->piece_size - console->piece_sent);
        if (sent == -2)
            break;
        job->failed = sent <= 0;
        console->piece_sent += job->failed ? 0 : (size_t)sent;
    }
    virStreamFree(job->libvirt); /* here: the last reference may close the connection, and wait */
}

static void sending_done(struct worker_job *worker_job)
{
    struct virt_console_job *job = CONTAINER_OF(worker_job, struct virt_console_job, job);
    struct virt_console *console = job->console;
    bool is_current = console->libvirt == job->libvirt; /* opened only after this */

    console->sending = false;
    if (!is_current || console->piece_sent == console->piece_size)
        drop_piece(console);
    if (is_current && job->failed)
        disconnect(console, "the console was closed");
    else if (is_current && !console->piece)
        stream_report_writable(&console->stream);
    else if (is_current)
        virStreamEventUpdateCallback(console->libvirt,
                                     VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_WRITABLE);
    job_ended(job);
}

/* What is left of the piece, when the guest can take it. The job has a reference to the stream,
 * which may end before it. */
static void send_piece(struct virt_console *console)
{
    if (!console->piece || console->sending || !console->domain ||
        console->domain->host.state != HOST_POWER_RUNNING)
        return;
    struct virt_console_job *job = new_job(console);
    if (!job) {
        break_off(console);
        return;
    }
    console->sending = true;
    virStreamRef(console->libvirt);
    job->libvirt = console->libvirt;
    job->job.run = run_sending;
    job->job.done = sending_done;
    worker_submit_console(hypervisor_worker(console->hypervisor), &job->job);
}

/* As much as fits into a piece, once the one before has been sent. How much, or -ENOMEM. */
static ssize_t begin_piece(struct virt_console *console, const uint8_t *bytes, size_t size)
{
    if (console->piece)
        return 0;
    console->piece_size = size < PIECE_SIZE ? size : PIECE_SIZE;
    console->piece_sent = 0;
    console->piece = malloc(console->piece_size);
    if (!console->piece)
        return -ENOMEM;
    memcpy(console->piece, bytes, console->piece_size);
    ssize_t taken = (ssize_t)console->piece_size;
    send_piece(console);
    return taken;
}

/* ---- bytes ---- */

static void receive(struct virt_console *console)
{
    char bytes[RECEIVE_SIZE];

    for (int round = 0; round < ROUNDS_MAX && console->libvirt; round++) {
        int received = virStreamRecv(console->libvirt, bytes, sizeof bytes);
        if (received == -2) /* nothing there */
            return;
        if (received <= 0) {
            disconnect(console, "the console was closed");
            return;
        }
        stream_report_received(&console->stream, (const uint8_t *)bytes, (size_t)received);
    }
}

static void on_event(virStreamPtr libvirt, int events, void *opaque)
{
    struct virt_console *console = opaque;

    if (libvirt != console->libvirt)
        return;
    if (events & VIR_STREAM_EVENT_READABLE)
        receive(console);
    if (console->libvirt && (events & VIR_STREAM_EVENT_WRITABLE)) {
        virStreamEventUpdateCallback(console->libvirt, VIR_STREAM_EVENT_READABLE);
        send_piece(console);
    }
    if (console->libvirt && (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)))
        disconnect(console, "the console was closed");
}

static ssize_t console_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct virt_console *console = CONTAINER_OF(stream, struct virt_console, stream);

    if (!console->libvirt)
        return -ENOTCONN;
    ssize_t sent = console->pty ? pty_writer_write(console->pty, bytes, size)
                                : begin_piece(console, bytes, size);
    if (sent < 0) {
        break_off(console);
        return -EIO;
    }
    return sent;
}

static void on_pty_writable(void *context)
{
    struct virt_console *console = context;

    stream_report_writable(&console->stream);
}

/* ---- opening ---- */

/* The consoles' thread. The path of the pty, or NULL if unknown. Read only now, since libvirt shows
 * a guest as running before it has asked QEMU for the path. */
static char *read_pty_path(virDomainPtr domain, const char *alias)
{
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, 0);
    struct domxml_serial serial = {0};
    char *path = NULL;

    if (xml && domxml_parse_serial(xml, alias, &serial) == 0 && serial.kind == DOMXML_SERIAL_PTY)
        path = cleanup_steal_pointer(&serial.path);
    domxml_serial_clear(&serial);
    return path;
}

/* The consoles' thread. */
static void run_open(struct worker_job *worker_job, virConnectPtr connection)
{
    struct virt_console_job *job = CONTAINER_OF(worker_job, struct virt_console_job, job);
    virDomainPtr domain;

    if (virt_look_up(connection, &job->uuid, &domain, job->text, sizeof job->text) < 0)
        return;
    job->libvirt = virStreamNew(connection, VIR_STREAM_NONBLOCK);
    if (job->libvirt &&
        virDomainOpenConsole(domain, job->alias, job->libvirt, VIR_DOMAIN_CONSOLE_SAFE) < 0) {
        const virError *error = virGetLastError();
        /* libvirt has no code of its own for "Active console session exists". */
        job->taken = error && error->code == VIR_ERR_OPERATION_FAILED;
        virt_last_error(job->text, sizeof job->text);
        if (job->taken)
            snprintf(job->text, sizeof job->text,
                     "another client has it open through libvirt (virsh console)");
        virStreamFree(job->libvirt);
        job->libvirt = NULL;
    }
    if (job->libvirt)
        job->pty_path = read_pty_path(domain, job->alias);
    virDomainFree(domain);
}

static void take_libvirt_stream(struct virt_console *console, virStreamPtr libvirt,
                                const char *pty_path)
{
    console->libvirt = libvirt;
    console->broken = false;
    if (pty_path &&
        hypervisor_is_local(console->hypervisor)) /* on failure libvirt's stream is used */
        pty_writer_open(hypervisor_loop(console->hypervisor), pty_path, on_pty_writable, console,
                        &console->pty);
    if (virStreamEventAddCallback(libvirt, VIR_STREAM_EVENT_READABLE, on_event, console, NULL) <
        0) {
        disconnect(console, "libvirt cannot report events of the console");
        return;
    }
    stream_report_state(&console->stream, STREAM_CONNECTED, "libvirt's console");
}

static void open_done(struct worker_job *worker_job)
{
    struct virt_console_job *job = CONTAINER_OF(worker_job, struct virt_console_job, job);
    struct virt_console *console = job->console;

    console->opening = false;
    if (job->libvirt && (console->closed || !console->domain)) {
        abort_libvirt_stream(console, job->libvirt);
    } else if (job->libvirt) {
        take_libvirt_stream(console, job->libvirt, job->pty_path);
    } else if (!console->closed) {
        uv_timer_start(&console->retry, on_retry, RETRY_MS, 0);
        stream_report_state(&console->stream, job->taken ? STREAM_TAKEN_OVER : STREAM_DISCONNECTED,
                            job->text);
    }
    job_ended(job);
}

static void try_to_open(struct virt_console *console)
{
    if (!console->opened || console->closed || console->opening || console->libvirt ||
        !console->domain || !host_power_state_is_on(console->domain->host.state))
        return;
    struct virt_console_job *job = new_job(console);
    if (!job)
        return;
    job->uuid = console->domain->host.uuid;
    job->alias = console->alias ? strdup(console->alias) : NULL;
    if (console->alias && !job->alias) {
        job_ended(job);
        return;
    }
    console->opening = true;
    job->job.run = run_open;
    job->job.done = open_done;
    worker_submit_console(hypervisor_worker(console->hypervisor), &job->job);
}

static void on_retry(uv_timer_t *timer)
{
    struct virt_console *console = CONTAINER_OF(timer, struct virt_console, retry);

    if (console->libvirt && console->broken)
        disconnect(console, "the console was closed");
    else
        try_to_open(console);
}

/* ---- the stream's user, and the driver ---- */

/* Nothing is reported from within stream_open: the timer does it. */
static void console_open(struct stream *stream)
{
    struct virt_console *console = CONTAINER_OF(stream, struct virt_console, stream);

    console->opened = true;
    uv_timer_start(&console->retry, on_retry, 0, 0);
}

static void console_close(struct stream *stream)
{
    struct virt_console *console = CONTAINER_OF(stream, struct virt_console, stream);

    if (console->libvirt)
        end_libvirt_stream(console);
    uv_timer_stop(&console->retry);
    console->closed = true;
    if (console->domain && console->domain->console == console)
        console->domain->console = NULL;
    console->domain = NULL;
    release(console);
}

struct stream *virt_console_new(struct virt_domain *domain, const char *alias)
{
    static const struct stream_ops ops = {
        .open = console_open,
        .write = console_write,
        .close = console_close,
    };
    struct virt_console *console = calloc(1, sizeof *console);

    if (!console)
        return NULL;
    console->alias = alias ? strdup(alias) : NULL;
    if (alias && !console->alias) {
        free(console);
        return NULL;
    }
    console->stream.ops = &ops;
    console->domain = domain;
    console->hypervisor = domain->hypervisor;
    uv_timer_init(hypervisor_loop(domain->hypervisor), &console->retry);
    domain->console = console;
    return &console->stream;
}

void virt_console_follow_state(struct virt_domain *domain)
{
    struct virt_console *console = domain->console;

    if (!console)
        return;
    if (console->libvirt && domain->host.state == HOST_POWER_RUNNING)
        send_piece(console);
    else if (host_power_state_is_on(domain->host.state))
        try_to_open(console);
    else if (console->libvirt)
        disconnect(console, domain->host.state == HOST_POWER_OFF
                                ? "the guest is off"
                                : "no connection to the hypervisor");
}

void virt_console_connection_lost(struct virt_domain *domain)
{
    if (domain->console && domain->console->libvirt)
        disconnect(domain->console, "the connection to the console was lost");
}

void virt_console_forget_domain(struct virt_domain *domain)
{
    struct virt_console *console = domain->console;

    if (!console)
        return;
    domain->console = NULL;
    console->domain = NULL;
    uv_timer_stop(&console->retry);
    if (!console->libvirt)
        return;
    end_libvirt_stream(console);
    stream_report_state(&console->stream, STREAM_DISCONNECTED, "its domain is gone");
}
