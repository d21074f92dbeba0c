#include "vbmc/virt/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/connection.h"
#include "vbmc/virt/console.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domains.h"
#include "vbmc/virt/embedded.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/events.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/look.h"
#include "vbmc/virt/sampler.h"

/* From the keeper to the loop: the connection is open, and these are its domains. */
struct opened {
    struct inbox_item item;
    struct hypervisor *hypervisor;
    struct virt_facts_list list;
    bool is_qemu;
    char emulator_version[HOST_TEXT_SIZE];
};

/* ---- the loop ---- */

/* When to list all domains again after the connection was opened. A libvirtd that was restarted
 * discovers only then which of its guests are gone, and sends no event for them
 * (qemuProcessReconnect). */
static const unsigned settle_ms[] = {300, 700, 1500, 4000};

static void on_settle(uv_timer_t *timer)
{
    struct hypervisor *hypervisor = CONTAINER_OF(timer, struct hypervisor, settle);

    if (!hypervisor->up || hypervisor->stopping)
        return;
    virt_look_at_all(hypervisor);
    if (++hypervisor->settle_looks < ARRAY_SIZE(settle_ms))
        uv_timer_start(timer, on_settle, settle_ms[hypervisor->settle_looks], 0);
}

static void go_up(struct hypervisor *hypervisor, struct virt_facts_list *list)
{
    hypervisor->up = true;
    hypervisor->held = false;
    virt_domains_take_list(hypervisor, list, false);
    hypervisor->callbacks->connection(hypervisor->context, hypervisor);
    if (hypervisor->relist)
        virt_look_at_all(hypervisor);
    hypervisor->relist = false;
    hypervisor->settle_looks = 0;
    if (hypervisor->is_qemu ||
        !hypervisor->in_process) /* the test driver has nothing to discover */
        uv_timer_start(&hypervisor->settle, on_settle, settle_ms[0], 0);
    virt_sampler_connected(hypervisor->sampler);
}

static void take_opened(struct hypervisor *hypervisor, struct opened *opened)
{
    log_info("hypervisor %s (%s) is connected: %zu domains", hypervisor->name, hypervisor->uri,
             opened->list.count);
    hypervisor->is_qemu = opened->is_qemu;
    memcpy(hypervisor->emulator_version, opened->emulator_version,
           sizeof hypervisor->emulator_version);
    hypervisor->error[0] = '\0';
    if (hypervisor->stands_by)
        hypervisor->held = true;
    else
        go_up(hypervisor, &opened->list);
}

void virt_keeper_lost(struct hypervisor *hypervisor)
{
    if ((!hypervisor->up && !hypervisor->held) || hypervisor->stopping)
        return;
    log_warning("hypervisor %s (%s): connection lost", hypervisor->name, hypervisor->uri);
    hypervisor->held = false;
    if (!hypervisor->up)
        return;
    hypervisor->up = false;
    virt_domains_disconnect(hypervisor);
    hypervisor->callbacks->connection(hypervisor->context, hypervisor);
}

/* Gives up a connection that libvirt knows to be dead. While a call waits on it, libvirt 9.0 calls
 * the close callback only half a minute later. */
static void check_connection(struct hypervisor *hypervisor)
{
    if ((!hypervisor->up && !hypervisor->held) || hypervisor->stopping ||
        worker_connection_lives(hypervisor->worker))
        return;
    worker_connection_lost(hypervisor->worker);
    virt_keeper_lost(hypervisor);
}

static void note_failure(struct hypervisor *hypervisor, const char *text)
{
    if (hypervisor->stopping)
        return;
    virt_keeper_lost(hypervisor);
    /* The same reason is logged once. */
    if (strcmp(hypervisor->error, text) != 0)
        log_warning("hypervisor %s (%s) cannot be reached: %s; trying again", hypervisor->name,
                    hypervisor->uri, text);
    snprintf(hypervisor->error, sizeof hypervisor->error, "%s", text);
    hypervisor->callbacks->connection(hypervisor->context, hypervisor);
}

/* The next console that is opened opens another connection for them. */
static void check_consoles(struct hypervisor *hypervisor)
{
    if (!hypervisor->up || hypervisor->stopping || worker_consoles_live(hypervisor->worker))
        return;
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        virt_console_connection_lost(domain);
}

/* ---- the end of standing by ---- */

/* The list that came when the connection was opened is old, and a change since then has been
 * another daemon's to report: all domains are read again, as if they were found now. */
struct beginning {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct virt_facts_list list;
    int result;
};

static void run_beginning(struct worker_job *job, virConnectPtr connection)
{
    struct beginning *beginning = CONTAINER_OF(job, struct beginning, job);

    beginning->result =
        connection ? virt_facts_list_read(connection, &beginning->list) : -EHOSTUNREACH;
}

/* A connection that was lost meanwhile is opened again by the keeper, with a list. */
static void beginning_done(struct worker_job *job)
{
    struct beginning *beginning = CONTAINER_OF(job, struct beginning, job);
    struct hypervisor *hypervisor = beginning->hypervisor;

    if (hypervisor->held && !hypervisor->stopping) {
        if (beginning->result == 0)
            go_up(hypervisor, &beginning->list);
        else
            worker_connection_lost(hypervisor->worker);
    }
    virt_facts_list_clear(&beginning->list);
    free(beginning);
}

void hypervisor_begin(struct hypervisor *hypervisor)
{
    struct beginning *beginning = hypervisor->held ? calloc(1, sizeof *beginning) : NULL;

    hypervisor->stands_by = false;
    if (!hypervisor->held)
        return;
    if (!beginning) {
        worker_connection_lost(hypervisor->worker);
        return;
    }
    hypervisor->relist = false;
    beginning->hypervisor = hypervisor;
    beginning->job.run = run_beginning;
    beginning->job.done = beginning_done;
    worker_submit_look(hypervisor->worker, &beginning->job);
}

bool hypervisor_is_held(const struct hypervisor *hypervisor)
{
    return hypervisor->held;
}

/* ---- the timers ---- */

static void on_period(uv_timer_t *timer)
{
    struct hypervisor *hypervisor = CONTAINER_OF(timer, struct hypervisor, period);

    check_connection(hypervisor);
    check_consoles(hypervisor);
    virt_sampler_turn(hypervisor->sampler);
}

void virt_keeper_start_timers(struct hypervisor *hypervisor, unsigned period_s)
{
    uint64_t period_ms = (uint64_t)period_s * 1000;

    uv_timer_init(hypervisor->loop, &hypervisor->settle);
    uv_timer_init(hypervisor->loop, &hypervisor->period);
    uv_timer_start(&hypervisor->period, on_period, period_ms, period_ms);
}

static void on_settle_closed(uv_handle_t *handle)
{
    struct hypervisor *hypervisor = CONTAINER_OF((uv_timer_t *)handle, struct hypervisor, settle);

    hypervisor->timers_closed(hypervisor);
}

static void on_period_closed(uv_handle_t *handle)
{
    struct hypervisor *hypervisor = CONTAINER_OF((uv_timer_t *)handle, struct hypervisor, period);

    uv_close((uv_handle_t *)&hypervisor->settle, on_settle_closed);
}

void virt_keeper_close_timers(struct hypervisor *hypervisor, void (*done)(struct hypervisor *))
{
    hypervisor->timers_closed = done;
    uv_close((uv_handle_t *)&hypervisor->period, on_period_closed);
}

/* ---- what comes from other threads ---- */

static void deliver_opened(struct inbox_item *item)
{
    struct opened *opened = (struct opened *)item; /* its first member */

    if (!opened->hypervisor->stopping)
        take_opened(opened->hypervisor, opened);
    virt_facts_list_clear(&opened->list);
    free(opened);
}

struct lost {
    struct inbox_item item;
    struct hypervisor *hypervisor;
};

static void deliver_lost(struct inbox_item *item)
{
    struct lost *lost = (struct lost *)item; /* its first member */

    virt_keeper_lost(lost->hypervisor);
    free(lost);
}

/* Any thread. */
static void on_closed(virConnectPtr connection, int reason, void *opaque)
{
    struct hypervisor *hypervisor = opaque;

    (void)connection;
    (void)reason;
    worker_connection_lost(hypervisor->worker);
}

/* The loss is posted by the keeper, so that it comes after the list of the same connection. */
static void close_connection(void *context, virConnectPtr connection)
{
    struct hypervisor *hypervisor = context;
    struct lost *lost = calloc(1, sizeof *lost);

    if (lost) {
        lost->item.deliver = deliver_lost;
        lost->hypervisor = hypervisor;
        inbox_post(hypervisor->inbox, &lost->item);
    }
    virConnectUnregisterCloseCallback(connection, on_closed);
    virt_events_deregister(&hypervisor->events, connection);
    virConnectClose(connection);
}

static bool read_is_qemu(virConnectPtr connection)
{
    const char *type = virConnectGetType(connection);

    return type && strcmp(type, "QEMU") == 0;
}

/* libvirt's number is 1000000 * major + 1000 * minor + release. */
static void read_emulator_version(virConnectPtr connection, struct opened *opened)
{
    unsigned long version = 0;

    if (!opened->is_qemu || virConnectGetVersion(connection, &version) < 0 || version == 0)
        return;
    snprintf(opened->emulator_version, sizeof opened->emulator_version, "QEMU %lu.%lu.%lu",
             version / 1000000, version / 1000 % 1000, version % 1000);
}

static virConnectPtr open_connection(void *context, char text[WORKER_TEXT_SIZE],
                                     struct virt_loop_socket *socket)
{
    struct hypervisor *hypervisor = context;
    struct opened *opened;

    if (hypervisor_uri_is_embedded(hypervisor->uri) &&
        embedded_prepare(hypervisor->uri, text, WORKER_TEXT_SIZE) < 0)
        return NULL;
    virConnectPtr connection = hypervisor_connect(hypervisor, text, socket);
    if (!connection)
        return NULL;
    virConnectRegisterCloseCallback(connection, on_closed, hypervisor, NULL);
    opened = calloc(1, sizeof *opened);
    if (!opened || virt_events_register(&hypervisor->events, connection) < 0 ||
        virt_facts_list_read(connection, &opened->list) < 0) {
        virt_last_error(text, WORKER_TEXT_SIZE);
        free(opened);
        close_connection(hypervisor, connection);
        return NULL;
    }
    opened->is_qemu = read_is_qemu(connection);
    read_emulator_version(connection, opened);
    opened->hypervisor = hypervisor;
    opened->item.deliver = deliver_opened;
    inbox_post(hypervisor->inbox, &opened->item);
    return connection;
}

static virConnectPtr open_another(void *context, bool for_consoles, struct virt_loop_socket *socket)
{
    return hypervisor_connect_again(context, for_consoles, socket);
}

static bool is_in_process(void *context)
{
    return ((struct hypervisor *)context)->in_process;
}

struct failure {
    struct inbox_item item;
    struct hypervisor *hypervisor;
    char text[WORKER_TEXT_SIZE];
};

static void deliver_failure(struct inbox_item *item)
{
    struct failure *failure = (struct failure *)item; /* its first member */

    note_failure(failure->hypervisor, failure->text);
    free(failure);
}

static void connection_failed(void *context, const char *text)
{
    struct hypervisor *hypervisor = context;
    struct failure *failure = calloc(1, sizeof *failure);

    if (!failure)
        return;
    failure->item.deliver = deliver_failure;
    failure->hypervisor = hypervisor;
    snprintf(failure->text, sizeof failure->text, "%s", text);
    inbox_post(hypervisor->inbox, &failure->item);
}

const struct worker_ops virt_keeper_ops = {
    .open = open_connection,
    .open_another = open_another,
    .is_in_process = is_in_process,
    .close = close_connection,
    .failed = connection_failed,
};
