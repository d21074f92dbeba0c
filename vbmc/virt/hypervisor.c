/* A connection is in one of two states for the loop thread:
 *
 *   down   at first, and from the moment libvirt says that it is closed; every domain's state is
 *          unknown; the keeper tries to open it again
 *   up     the keeper's list of all domains has been taken over
 *
 * An event only says when to look at a domain: what it tells may be older than what was looked at
 * meanwhile, since libvirt delivers events late. Looks are made by one thread and so arrive in the
 * order in which they were true. Events are registered before the list is read; one that arrives
 * before the list has been taken over makes it be read once more. */
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/virt/embedded.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/reset.h"
#include "vbmc/virt/console.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/incident.h"

/* ---- the loop's side: domains ---- */

struct virt_domain *hypervisor_find_domain(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    return uuid_map_get(&hypervisor->by_uuid, uuid);
}

static void free_domain(struct virt_domain *domain)
{
    virt_console_forget_domain(domain);
    monitor_free(domain->monitor);
    override_clear(domain);
    reset_clear(domain);
    free(domain->host.name);
    free(domain->transient_xml);
    free(domain->hardware);
    free(domain);
}

static void unlink_domain(struct virt_domain **link, struct virt_domain *domain)
{
    while (*link != domain)
        link = &(*link)->next;
    *link = domain->next;
}

void virt_domain_release(struct virt_domain *domain)
{
    if (!domain->vanished || domain->operations)
        return;
    unlink_domain(&domain->hypervisor->vanished, domain);
    free_domain(domain);
}

static void remove_domain(struct hypervisor *hypervisor, struct virt_domain *domain)
{
    unlink_domain(&hypervisor->domains, domain);
    uuid_map_remove(&hypervisor->by_uuid, &domain->host.uuid);
    if (domain->was_on) /* why it ended only an event can have said */
        virt_incident_stopped(domain, HOST_STOP_UNKNOWN);
    hypervisor->callbacks->vanished(hypervisor->context, domain);
    domain->vanished = true;
    domain->next = hypervisor->vanished;
    hypervisor->vanished = domain;
    virt_domain_release(domain);
}

void virt_domain_emit(struct virt_domain *domain, enum host_event event)
{
    struct hypervisor *hypervisor = domain->hypervisor;

    if (!domain->vanished && !hypervisor->stopping)
        hypervisor->callbacks->event(hypervisor->context, domain, event);
}

static void add_domain(struct hypervisor *hypervisor, struct virt_facts *facts, bool live)
{
    struct virt_domain *domain = calloc(1, sizeof *domain);

    if (!domain || uuid_map_put(&hypervisor->by_uuid, &facts->uuid, domain) < 0) {
        free(domain);
        return;
    }
    domain->host.ops = &virt_domain_ops;
    domain->host.uuid = facts->uuid;
    domain->host.state = facts->state;
    domain->host.name = facts->name;
    facts->name = NULL;
    domain->hypervisor = hypervisor;
    domain->id = facts->id;
    domain->host.run = facts->id;
    domain->host.place = hypervisor->place;
    domain->persistent = facts->persistent;
    domain->booted = facts->booted;
    domain->host.migrating = facts->migrating;
    domain->seen_live = live;
    domain->tagged = facts->tagged;
    domain->transient_xml = facts->transient_xml;
    facts->transient_xml = NULL;
    domain->was_on = host_power_state_is_on(facts->state);
    domain->starts = domain->was_on;
    if (!domain->was_on)
        virt_incident_stopped(domain, facts->stop_reason);
    virt_domain_take_hardware(domain, facts);
    domain->next = hypervisor->domains;
    hypervisor->domains = domain;
    hypervisor->callbacks->appeared(hypervisor->context, domain);
    reset_reconcile(domain);
}

/* libvirt no longer knows the domain. One that was transient from the start can be started again
 * from the XML we kept, and so stays as a guest that is off. Of another one that has ended it is
 * told that it is off before it goes: that may be what somebody has asked for. */
static void lose_domain(struct hypervisor *hypervisor, struct virt_domain *domain, bool live)
{
    if (domain->vanished)
        return;
    bool stays = !domain->persistent && !domain->undefined && domain->transient_xml;
    if (stays || (domain->was_on && host_stop_is_end(domain->incidents.stop_told))) {
        domain->id = -1;
        domain->host.run = -1;
        virt_domain_set_state(domain, HOST_POWER_OFF, live);
    }
    if (!stays)
        remove_domain(hypervisor, domain);
}

void virt_domain_lost(struct virt_domain *domain, enum host_stop_reason reason)
{
    if (domain->incidents.stop_told == HOST_STOP_UNKNOWN)
        domain->incidents.stop_told = reason;
    lose_domain(domain->hypervisor, domain, true);
}

static size_t find_hidden(const struct hypervisor *hypervisor, const struct uuid *uuid)
{
    size_t i = 0;

    while (i < hypervisor->hidden_count && !uuid_equal(&hypervisor->hidden[i], uuid))
        i++;
    return i;
}

bool hypervisor_hides(const struct hypervisor *hypervisor, const struct uuid *uuid)
{
    return find_hidden(hypervisor, uuid) < hypervisor->hidden_count;
}

static void tell_hidden(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    if (hypervisor->callbacks->hidden)
        hypervisor->callbacks->hidden(hypervisor->context, hypervisor, uuid);
}

/* Of one that was read since the connection came up that stays true. */
static void hide(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, uuid);
    char text[UUID_TEXT_SIZE];

    if (hypervisor_hides(hypervisor, uuid) || (domain && domain->host.state != HOST_POWER_UNKNOWN))
        return;
    struct uuid *grown =
        realloc(hypervisor->hidden, (hypervisor->hidden_count + 1) * sizeof *grown);
    if (!grown)
        return;
    hypervisor->hidden = grown;
    grown[hypervisor->hidden_count++] = *uuid;
    uuid_format(uuid, text);
    log_warning("hypervisor %s: no permission to read domain %s: its state is unknown",
                hypervisor->name, text);
    tell_hidden(hypervisor, uuid);
}

static void unhide(struct hypervisor *hypervisor, const struct uuid *hidden)
{
    size_t i = find_hidden(hypervisor, hidden);
    struct uuid uuid = *hidden; /* which may be that of the list */

    if (i == hypervisor->hidden_count)
        return;
    hypervisor->hidden[i] = hypervisor->hidden[--hypervisor->hidden_count];
    tell_hidden(hypervisor, &uuid);
}

static void take_over(struct hypervisor *hypervisor, struct virt_facts *facts, bool live)
{
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, &facts->uuid);

    if (!facts->name) { /* it is there, and libvirt does not let us see more */
        hide(hypervisor, &facts->uuid);
        return;
    }
    if (domain)
        virt_domain_apply_facts(domain, facts, live);
    else
        add_domain(hypervisor, facts, live);
    unhide(hypervisor, &facts->uuid);
}

/* ---- the loop's side: one domain looked at after an event ---- */

struct look {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct uuid uuid;
    char *name; /* looked up by this instead, if not NULL */
    hypervisor_done_fn *answer;
    void *context;
    int result; /* -ENODEV: libvirt does not know it */
    struct virt_facts facts;
};

static void run_look(struct worker_job *job, virConnectPtr connection)
{
    struct look *look = CONTAINER_OF(job, struct look, job);
    char text[WORKER_TEXT_SIZE];

    look->result = -EHOSTUNREACH;
    if (!connection)
        return;
    virDomainPtr domain = look->name ? virDomainLookupByName(connection, look->name)
                                     : virDomainLookupByUUID(connection, look->uuid.bytes);
    if (!domain) {
        look->result = virt_last_error(text, sizeof text);
        return;
    }
    look->result = virt_facts_read(domain, &look->facts);
    virDomainFree(domain);
}

static void look_done(struct worker_job *job)
{
    struct look *look = CONTAINER_OF(job, struct look, job);
    struct hypervisor *hypervisor = look->hypervisor;
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, &look->uuid);

    if (!hypervisor->stopping && hypervisor->up) {
        if (look->result == 0)
            take_over(hypervisor, &look->facts, true);
        else if (look->result == -ENODEV && domain && !look->name &&
                 !(domain->operations && domain->operations->acting)) /* which knows why */
            lose_domain(hypervisor, domain, true);
        if (look->result == -ENODEV && !look->name)
            unhide(hypervisor, &look->uuid);
        else if (look->result < 0 && look->result != -EHOSTUNREACH && look->result != -ENOMEM &&
                 !look->name)
            hide(hypervisor, &look->uuid);
    }
    if (look->answer)
        look->answer(look->context, look->result, NULL);
    virt_facts_clear(&look->facts);
    free(look->name);
    free(look);
}

static void submit_look(struct hypervisor *hypervisor, const struct look *asked)
{
    struct look *look = calloc(1, sizeof *look);

    if (!look) {
        if (asked->answer)
            asked->answer(asked->context, -ENOMEM, "out of memory");
        return;
    }
    *look = *asked;
    look->hypervisor = hypervisor;
    look->job.run = run_look;
    look->job.done = look_done;
    worker_submit_look(hypervisor->worker, &look->job);
}

void hypervisor_look_at(struct hypervisor *hypervisor, const struct uuid *uuid,
                        hypervisor_done_fn *done, void *context)
{
    submit_look(hypervisor, &(struct look){.uuid = *uuid, .answer = done, .context = context});
}

void hypervisor_look_for(struct hypervisor *hypervisor, const char *name, hypervisor_done_fn *done,
                         void *context)
{
    submit_look(hypervisor,
                &(struct look){.name = strdup(name), .answer = done, .context = context});
}

static void tell_domain(struct virt_domain *domain, const struct virt_event *event)
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
        tell_domain(domain, event);
    if (event->kind == VIRT_EVENT_LIFECYCLE || event->kind == VIRT_EVENT_CHANGED)
        submit_look(hypervisor, &(struct look){.uuid = event->uuid});
}

/* ---- the loop's side: the connection ---- */

static bool is_listed(const struct virt_facts_list *list, const struct uuid *uuid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (uuid_equal(&list->items[i].uuid, uuid))
            return true;
    }
    return false;
}

static void mark_listed(struct hypervisor *hypervisor, const struct virt_facts_list *list)
{
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        domain->listed = false;
    for (size_t i = 0; i < list->count; i++) {
        struct virt_domain *domain = hypervisor_find_domain(hypervisor, &list->items[i].uuid);
        if (domain)
            domain->listed = true;
    }
}

/* Those that are not in the list go first: a name may have moved to another domain. */
static void take_over_list(struct hypervisor *hypervisor, struct virt_facts_list *list, bool live)
{
    struct virt_domain *next;

    mark_listed(hypervisor, list);
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = next) {
        next = domain->next;
        if (!domain->listed)
            lose_domain(hypervisor, domain, live);
    }
    for (size_t i = hypervisor->hidden_count; i-- > 0;) {
        if (!is_listed(list, &hypervisor->hidden[i]))
            unhide(hypervisor, &hypervisor->hidden[i]);
    }
    for (size_t i = 0; i < list->count; i++)
        take_over(hypervisor, &list->items[i], live);
}

static void run_listing(struct worker_job *job, virConnectPtr connection)
{
    struct listing *listing = CONTAINER_OF(job, struct listing, job);

    listing->result = connection ? virt_facts_list_read(connection, &listing->list) : -EHOSTUNREACH;
}

static void listing_done(struct worker_job *job)
{
    struct listing *listing = CONTAINER_OF(job, struct listing, job);

    if (listing->result == 0 && listing->hypervisor->up && !listing->hypervisor->stopping)
        take_over_list(listing->hypervisor, &listing->list, true);
    virt_facts_list_clear(&listing->list);
    free(listing);
}

static void submit_listing(struct hypervisor *hypervisor)
{
    struct listing *listing = calloc(1, sizeof *listing);

    if (!listing)
        return;
    listing->hypervisor = hypervisor;
    listing->job.run = run_listing;
    listing->job.done = listing_done;
    worker_submit_look(hypervisor->worker, &listing->job);
}

/* When to list all domains again after the connection came up. libvirt finds out only then which of
 * the guests it remembers are gone, and tells nobody (qemuProcessReconnect stops them without an
 * event). */
static const unsigned settle_ms[] = {300, 700, 1500, 4000};

static void on_settle(uv_timer_t *timer)
{
    struct hypervisor *hypervisor = CONTAINER_OF(timer, struct hypervisor, settle);

    if (!hypervisor->up || hypervisor->stopping)
        return;
    submit_listing(hypervisor);
    if (++hypervisor->settle_looks < ARRAY_SIZE(settle_ms))
        uv_timer_start(timer, on_settle, settle_ms[hypervisor->settle_looks], 0);
}

void hypervisor_deliver_listing(struct inbox_item *item)
{
    struct listing *listing = (struct listing *)item;
    struct hypervisor *hypervisor = listing->hypervisor;

    if (!hypervisor->stopping) {
        log_info("hypervisor %s (%s) is connected: %zu domains", hypervisor->name, hypervisor->uri,
                 listing->list.count);
        hypervisor->up = true;
        hypervisor->is_qemu = listing->is_qemu;
        memcpy(hypervisor->emulator_version, listing->emulator_version,
               sizeof hypervisor->emulator_version);
        hypervisor->error[0] = '\0';
        take_over_list(hypervisor, &listing->list, false);
        hypervisor->callbacks->connection(hypervisor->context, hypervisor);
        if (hypervisor->relist)
            submit_listing(hypervisor);
        hypervisor->relist = false;
        hypervisor->settle_looks = 0;
        uv_timer_start(&hypervisor->settle, on_settle, settle_ms[0], 0);
        virt_sampler_connected(hypervisor->sampler);
    }
    virt_facts_list_clear(&listing->list);
    free(listing);
}

void hypervisor_deliver_lost(struct hypervisor *hypervisor)
{
    if (!hypervisor->up || hypervisor->stopping)
        return;
    log_warning("hypervisor %s (%s): connection lost", hypervisor->name, hypervisor->uri);
    hypervisor->up = false;
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        virt_domain_set_state(domain, HOST_POWER_UNKNOWN, true);
    hypervisor->callbacks->connection(hypervisor->context, hypervisor);
}

void hypervisor_check(struct hypervisor *hypervisor)
{
    if (!hypervisor->up || hypervisor->stopping || worker_connection_lives(hypervisor->worker))
        return;
    worker_connection_lost(hypervisor->worker);
    hypervisor_deliver_lost(hypervisor);
}

void hypervisor_deliver_failure(struct hypervisor *hypervisor, const char *text)
{
    if (hypervisor->stopping)
        return;
    hypervisor_deliver_lost(hypervisor);
    /* The same reason every two seconds is said once. */
    if (strcmp(hypervisor->error, text) != 0)
        log_warning("hypervisor %s (%s) cannot be reached: %s; trying again", hypervisor->name,
                    hypervisor->uri, text);
    snprintf(hypervisor->error, sizeof hypervisor->error, "%s", text);
    hypervisor->callbacks->connection(hypervisor->context, hypervisor);
}

static void free_hypervisor(struct hypervisor *hypervisor)
{
    free(hypervisor->name);
    free(hypervisor->uri);
    free(hypervisor->sasl_username);
    if (hypervisor->sasl_password)
        explicit_bzero(hypervisor->sasl_password, strlen(hypervisor->sasl_password));
    free(hypervisor->sasl_password);
    free(hypervisor->hidden);
    uuid_map_clear(&hypervisor->by_uuid);
    free(hypervisor);
}

static void on_settle_closed(uv_handle_t *handle)
{
    struct hypervisor *hypervisor = CONTAINER_OF((uv_timer_t *)handle, struct hypervisor, settle);
    void (*done)(void *context) = hypervisor->stopped;
    void *context = hypervisor->stopped_context;

    free_hypervisor(hypervisor);
    if (done)
        done(context);
}

/* Ends what a domain still does. Closing its monitor ends a QMP command under way, and with it the
 * operation that waits for it. */
static void end_operations(struct virt_domain *domain)
{
    monitor_forget(domain);
    while (domain->operations)
        operation_finish(domain->operations, -EHOSTUNREACH, "stopping");
}

/* The threads have ended, and all that they posted has been delivered. */
static void finish(struct hypervisor *hypervisor)
{
    if (hypervisor->worker)
        worker_free(hypervisor->worker);
    if (hypervisor->ssh)
        sshconn_free(hypervisor->ssh);
    while (hypervisor->vanished) {
        struct virt_domain *domain = hypervisor->vanished;
        monitor_forget(domain);
        if (domain == hypervisor->vanished) /* not yet gone by that */
            operation_finish(domain->operations, -EHOSTUNREACH, "stopping");
    }
    while (hypervisor->domains) {
        struct virt_domain *domain = hypervisor->domains;
        end_operations(domain);
        hypervisor->domains = domain->next;
        free_domain(domain);
    }
    virt_sampler_free(hypervisor->sampler);
    uv_close((uv_handle_t *)&hypervisor->settle, on_settle_closed);
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
    virt_sampler_stop(hypervisor->sampler);
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

struct hypervisor *hypervisor_start(uv_loop_t *loop, struct inbox *inbox,
                                    const struct hypervisor_settings *settings,
                                    const struct hypervisor_callbacks *callbacks, void *context)
{
    struct hypervisor *hypervisor = calloc(1, sizeof *hypervisor);

    if (!hypervisor)
        return NULL;
    hypervisor->loop = loop;
    hypervisor->inbox = inbox;
    hypervisor->callbacks = callbacks;
    hypervisor->context = context;
    virt_events_init(&hypervisor->events, inbox, on_event, hypervisor);
    hypervisor->name = strdup(settings->name);
    hypervisor->uri = strdup(settings->uri);
    if (settings->sasl_username) {
        hypervisor->sasl_username = strdup(settings->sasl_username);
        hypervisor->sasl_password = strdup(settings->sasl_password);
    }
    uv_timer_init(loop, &hypervisor->settle);
    hypervisor->sampler = virt_sampler_new(hypervisor, settings->sample_period_s);
    bool complete =
        hypervisor->name && hypervisor->uri && hypervisor->sampler &&
        (!settings->sasl_username || (hypervisor->sasl_username && hypervisor->sasl_password));
    if (complete) {
        hypervisor->place = hypervisor_find_place(hypervisor);
        hypervisor_start_ssh(hypervisor, settings->runtime_dir);
        hypervisor->worker = worker_start(&hypervisor_worker_ops, hypervisor, inbox);
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

const char *hypervisor_name(const struct hypervisor *hypervisor)
{
    return hypervisor->name;
}

const char *hypervisor_uri(const struct hypervisor *hypervisor)
{
    return hypervisor->uri;
}

bool hypervisor_is_up(const struct hypervisor *hypervisor)
{
    return hypervisor->up;
}

static bool has_operations(const struct virt_domain *domain)
{
    while (domain && !domain->operations)
        domain = domain->next;
    return domain != NULL;
}

bool hypervisor_is_busy(const struct hypervisor *hypervisor)
{
    return has_operations(hypervisor->domains) || has_operations(hypervisor->vanished);
}

const char *hypervisor_error(const struct hypervisor *hypervisor)
{
    return hypervisor->error;
}

bool hypervisor_is_embedded(const struct hypervisor *hypervisor)
{
    return embedded_is_uri(hypervisor->uri);
}

/* driver[+transport]://[host]/...; the transport unix is local too. */
bool hypervisor_is_qemu(const struct hypervisor *hypervisor)
{
    return hypervisor->is_qemu;
}

const char *hypervisor_emulator_version(const struct hypervisor *hypervisor)
{
    return hypervisor->emulator_version;
}

uint64_t hypervisor_sample_count(const struct hypervisor *hypervisor)
{
    return virt_sampler_count(hypervisor->sampler);
}

bool hypervisor_is_stopping(const struct hypervisor *hypervisor)
{
    return hypervisor->stopping;
}

uv_loop_t *hypervisor_loop(struct hypervisor *hypervisor)
{
    return hypervisor->loop;
}

struct worker *hypervisor_worker(struct hypervisor *hypervisor)
{
    return hypervisor->worker;
}

struct virt_domain *hypervisor_next_domain(struct hypervisor *hypervisor,
                                           struct virt_domain *domain)
{
    return domain ? domain->next : hypervisor->domains;
}
