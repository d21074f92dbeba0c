/* The main connection is in one of two states for the loop thread:
 *
 *   down   at first, and from the moment libvirt says that it is closed; every domain's state is
 *          unknown; the keeper tries to open it again
 *   up     the keeper's list of all domains has been taken over
 *
 * A hypervisor that stands by is down, or held: connected, with no list taken over.
 *
 * An event only says when to read a domain: its content may be older than what was read meanwhile,
 * since libvirt delivers events late. Domains are read by one thread, so that results arrive in the
 * order in which they were read. Events are registered before the list is read; if one arrives
 * before the list has been taken over, the list is read once more. */
#include "vbmc/virt/hypervisor.h"

#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/locked.h"
#include "vbmc/ssh/connection.h"
#include "vbmc/virt/connection.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domain_state.h"
#include "vbmc/virt/domains.h"
#include "vbmc/virt/driver.h"
#include "vbmc/virt/events.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/incident.h"
#include "vbmc/virt/keeper.h"
#include "vbmc/virt/location.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/sampler.h"
#include "vbmc/virt/worker.h"

/* ---- events ---- */

static void deliver_event(struct virt_domain *domain, const struct virt_event *event)
{
    switch (event->kind) {
    case VIRT_EVENT_LIFECYCLE:
        if (event->lifecycle == VIR_DOMAIN_EVENT_UNDEFINED)
            domain->undefined = true;
        virt_incident_lifecycle(domain, event->lifecycle, event->detail);
        break;
    case VIRT_EVENT_CHANGED:
        break;
    case VIRT_EVENT_GUEST_RESET:
        domain->incidents.panicked = false;
        virt_domain_emit(domain, HOST_EVENT_RESET);
        override_guest_reset(domain);
        break;
    case VIRT_EVENT_IO_ERROR:
        virt_incident_io_error(domain, event->alias);
        break;
    case VIRT_EVENT_AGENT_CONNECTED:
        virt_incident_agent_connected(domain);
        break;
    }
}

static void on_event(void *context, const struct virt_event *event)
{
    struct hypervisor *hypervisor = context;
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, &event->uuid);

    if (hypervisor->stopping)
        return;
    if (!hypervisor->up) {
        hypervisor->relist = true;
        return;
    }
    if (domain)
        deliver_event(domain, event);
    if (event->kind == VIRT_EVENT_LIFECYCLE || event->kind == VIRT_EVENT_CHANGED)
        hypervisor_look_at(hypervisor, &event->uuid, NULL, NULL);
}

/* ---- life ---- */

static void free_hypervisor(struct hypervisor *hypervisor)
{
    hash_index_clear(&hypervisor->serial_looks, NULL);
    free(hypervisor->name);
    free(hypervisor->uri);
    free(hypervisor->sasl_username);
    locked_free_text(hypervisor->sasl_password);
    free(hypervisor);
}

static void on_timers_closed(struct hypervisor *hypervisor)
{
    void (*done)(void *context) = hypervisor->stopped;
    void *context = hypervisor->stopped_context;

    free_hypervisor(hypervisor);
    if (done)
        done(context);
}

/* The threads have ended, and all that they posted has been delivered. */
static void finish(struct hypervisor *hypervisor)
{
    if (hypervisor->worker)
        worker_free(hypervisor->worker);
    if (hypervisor->ssh)
        sshconn_free(hypervisor->ssh);
    virt_domains_end(hypervisor);
    virt_sampler_free(hypervisor->sampler);
    virt_keeper_close_timers(hypervisor, on_timers_closed);
}

static void deliver_ended(struct inbox_item *item)
{
    struct hypervisor *hypervisor = CONTAINER_OF(item, struct hypervisor, ended);

    if (--hypervisor->to_end == 0)
        finish(hypervisor);
}

static void deliver_ssh_ended(struct inbox_item *item)
{
    struct hypervisor *hypervisor = CONTAINER_OF(item, struct hypervisor, ssh_ended);

    if (--hypervisor->to_end == 0)
        finish(hypervisor);
}

/* The end of the SSH connection is also that of any call to libvirt which waits for the host. */
static void stop_threads(struct hypervisor *hypervisor)
{
    hypervisor->stopping = true;
    hypervisor->ended.deliver = deliver_ended;
    hypervisor->ssh_ended.deliver = deliver_ssh_ended;
    hypervisor->to_end = (hypervisor->worker != NULL) + (hypervisor->ssh != NULL);
    if (hypervisor->ssh)
        sshconn_stop(hypervisor->ssh, hypervisor->inbox, &hypervisor->ssh_ended);
    if (hypervisor->worker)
        worker_stop(hypervisor->worker, &hypervisor->ended);
    if (hypervisor->to_end == 0)
        finish(hypervisor);
}

/* An operation changes its domain, and a change of a domain starts operations. */
static const struct operation_outcomes outcomes = {
    .taken = virt_domain_apply_facts,
    .lost = virt_domain_lost,
    .released = virt_domain_release,
};

struct hypervisor *hypervisor_start(uv_loop_t *loop, struct inbox *inbox,
                                    const struct hypervisor_settings *settings,
                                    const struct hypervisor_callbacks *callbacks, void *context)
{
    unsigned period_s =
        settings->sample_period_s ? settings->sample_period_s : VIRT_SAMPLER_PERIOD_S;
    struct hypervisor *hypervisor = calloc(1, sizeof *hypervisor);

    if (!hypervisor)
        return NULL;
    hypervisor->loop = loop;
    hypervisor->inbox = inbox;
    hypervisor->callbacks = callbacks;
    hypervisor->context = context;
    hypervisor->stands_by = settings->stands_by;
    hypervisor->outcomes = &outcomes;
    hypervisor->domain_ops = &virt_domain_ops;
    virt_events_init(&hypervisor->events, inbox, on_event, hypervisor);
    hypervisor->name = strdup(settings->name);
    hypervisor->uri = strdup(settings->uri);
    if (settings->sasl_username) {
        hypervisor->sasl_username = strdup(settings->sasl_username);
        hypervisor->sasl_password = locked_copy_text(settings->sasl_password);
    }
    virt_keeper_start_timers(hypervisor, period_s);
    hypervisor->sampler = virt_sampler_new(hypervisor, period_s);
    bool complete =
        hypervisor->name && hypervisor->uri && hypervisor->sampler &&
        (!settings->sasl_username || (hypervisor->sasl_username && hypervisor->sasl_password));
    if (complete) {
        hypervisor->place = hypervisor_find_place(hypervisor);
        hypervisor_start_ssh(hypervisor, settings->runtime_dir);
        hypervisor->worker = worker_start(&virt_keeper_ops, hypervisor, inbox);
    }
    if (!hypervisor->worker) {
        stop_threads(hypervisor);
        return NULL;
    }
    return hypervisor;
}

void hypervisor_stop(struct hypervisor *hypervisor, void (*done)(void *context), void *context)
{
    hypervisor->stopped = done;
    hypervisor->stopped_context = context;
    stop_threads(hypervisor);
}

uint64_t hypervisor_sample_count(const struct hypervisor *hypervisor)
{
    return virt_sampler_count(hypervisor->sampler);
}
