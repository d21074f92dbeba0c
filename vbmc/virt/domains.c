#include "vbmc/virt/domains.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/log.h"
#include "vbmc/base/rare_timer.h"
#include "vbmc/base/uuid.h"
#include "vbmc/host/metadata.h"
#include "vbmc/virt/console.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domain_index.h"
#include "vbmc/virt/domain_state.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/incident.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/reset.h"

/* ---- appearing and going ---- */

static void free_domain(struct virt_domain *domain)
{
    virt_console_forget_domain(domain);
    monitor_free(domain->monitor);
    override_clear(domain);
    rare_timer_close(&domain->reset_burst);
    free(domain->host.name);
    free(domain->incidents.io_errors);
    free(domain->transient_xml);
    free(domain->hardware);
    host_metadata_free(domain->metadata);
    free(domain);
}

static void link_domain(struct virt_domain **list, struct virt_domain *domain)
{
    domain->next = *list;
    domain->link = list;
    if (domain->next)
        domain->next->link = &domain->next;
    *list = domain;
}

/* Of the list that it is in. */
static void unlink_domain(struct virt_domain *domain)
{
    *domain->link = domain->next;
    if (domain->next)
        domain->next->link = domain->link;
}

void virt_domain_release(struct virt_domain *domain)
{
    if (!domain->vanished || domain->operations)
        return;
    unlink_domain(domain);
    free_domain(domain);
}

static void remove_domain(struct hypervisor *hypervisor, struct virt_domain *domain)
{
    unlink_domain(domain);
    virt_domain_index_remove(domain);
    if (domain->had_qemu) /* only an event can have given the reason */
        virt_incident_stopped(domain, HOST_STOP_UNKNOWN);
    hypervisor->callbacks->vanished(hypervisor->context, domain);
    domain->vanished = true;
    link_domain(&hypervisor->vanished, domain);
    virt_domain_release(domain);
}

static void add_domain(struct hypervisor *hypervisor, struct virt_facts *facts, bool live)
{
    struct virt_domain *domain = calloc(1, sizeof *domain);

    if (!domain)
        return;
    domain->host.uuid = facts->uuid;
    domain->host.name = facts->name;
    domain->hypervisor = hypervisor;
    if (virt_domain_index_add(domain) < 0) {
        free(domain);
        return;
    }
    facts->name = NULL;
    domain->host.ops = hypervisor->domain_ops;
    domain->host.state = facts->state;
    domain->id = facts->id;
    domain->host.run = facts->id;
    domain->host.place = hypervisor->place;
    domain->persistent = facts->persistent;
    domain->booted = domain->host.booted = facts->booted;
    domain->host.migrating = facts->migrating;
    domain->seen_live = live;
    domain->metadata = facts->metadata;
    facts->metadata = NULL;
    domain->transient_xml = facts->transient_xml;
    facts->transient_xml = NULL;
    domain->starting = facts->starting;
    domain->had_qemu = host_power_state_is_on(facts->state);
    domain->was_on = domain->had_qemu && !facts->starting;
    domain->starts = domain->was_on;
    domain->has_run = domain->was_on && !facts->migrating;
    if (!domain->had_qemu)
        virt_incident_stopped(domain, facts->stop_reason);
    virt_domain_take_hardware(domain, facts);
    link_domain(&hypervisor->domains, domain);
    hypervisor->callbacks->appeared(hypervisor->context, domain);
    reset_reconcile(domain);
}

/* libvirt no longer knows the domain. A transient one that has run can be started again from the
 * XML that was kept, and so stays as a guest that is off. Any other one that has ended is reported
 * as off before it vanishes: a power action may be waiting for that. */
static void lose_domain(struct hypervisor *hypervisor, struct virt_domain *domain, bool live)
{
    if (domain->vanished)
        return;
    bool stays =
        !domain->persistent && !domain->undefined && domain->transient_xml && domain->has_run;
    if (stays || (domain->had_qemu && host_stop_is_end(domain->incidents.stop_reported))) {
        domain->id = -1;
        domain->host.run = -1;
        virt_domain_set_state(domain, HOST_POWER_OFF, live);
    }
    if (!stays)
        remove_domain(hypervisor, domain);
}

void virt_domain_lost(struct virt_domain *domain, enum host_stop_reason reason)
{
    if (domain->incidents.stop_reported == HOST_STOP_UNKNOWN)
        domain->incidents.stop_reported = reason;
    lose_domain(domain->hypervisor, domain, true);
}

/* What ends or starts the guest at this moment looks at it itself when that is done, and knows why
 * the domain is gone. */
static bool is_acted_on(const struct virt_domain *domain)
{
    return domain->operations && domain->operations->acting;
}

/* ---- without permission to read ---- */

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

static void report_hidden(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    if (hypervisor->callbacks->hidden)
        hypervisor->callbacks->hidden(hypervisor->context, hypervisor, uuid);
}

/* A domain that was read since the connection was opened keeps its state. */
void virt_domains_hide(struct hypervisor *hypervisor, const struct uuid *uuid)
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
    report_hidden(hypervisor, uuid);
}

static void unhide(struct hypervisor *hypervisor, const struct uuid *hidden)
{
    size_t i = find_hidden(hypervisor, hidden);
    struct uuid uuid = *hidden; /* `hidden` may point into the list */

    if (i == hypervisor->hidden_count)
        return;
    hypervisor->hidden[i] = hypervisor->hidden[--hypervisor->hidden_count];
    report_hidden(hypervisor, &uuid);
}

/* ---- what libvirt says ---- */

void virt_domains_take(struct hypervisor *hypervisor, struct virt_facts *facts, bool live)
{
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, &facts->uuid);

    if (!facts->name) { /* no permission to read more than its UUID */
        virt_domains_hide(hypervisor, &facts->uuid);
        return;
    }
    if (domain)
        virt_domain_apply_facts(domain, facts, live);
    else
        add_domain(hypervisor, facts, live);
    unhide(hypervisor, &facts->uuid);
}

void virt_domains_gone(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, uuid);

    if (domain && !is_acted_on(domain))
        lose_domain(hypervisor, domain, true);
    unhide(hypervisor, uuid);
}

void hypervisor_drop_kept(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    struct virt_domain *domain = hypervisor_find_domain(hypervisor, uuid);

    if (!domain || virt_domain_is_listed(domain))
        return;
    if (is_acted_on(domain)) { /* it goes when libvirt does not list it after that */
        domain->undefined = true;
        return;
    }
    log_info("%s: forgetting the transient domain that ended on hypervisor %s", domain->host.name,
             hypervisor_name(hypervisor));
    remove_domain(hypervisor, domain);
}

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

/* Domains that are not in the list are removed first: a name may have moved to another domain. */
void virt_domains_take_list(struct hypervisor *hypervisor, struct virt_facts_list *list, bool live)
{
    struct virt_domain *next;

    mark_listed(hypervisor, list);
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = next) {
        next = domain->next;
        if (!domain->listed && !is_acted_on(domain))
            lose_domain(hypervisor, domain, live);
    }
    for (size_t i = hypervisor->hidden_count; i-- > 0;) {
        if (!is_listed(list, &hypervisor->hidden[i]))
            unhide(hypervisor, &hypervisor->hidden[i]);
    }
    for (size_t i = 0; i < list->count; i++)
        virt_domains_take(hypervisor, &list->items[i], live);
}

void virt_domains_disconnect(struct hypervisor *hypervisor)
{
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        virt_domain_set_state(domain, HOST_POWER_UNKNOWN, true);
}

/* ---- all of them ---- */

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

struct virt_domain *hypervisor_next_domain(struct hypervisor *hypervisor,
                                           struct virt_domain *domain)
{
    return domain ? domain->next : hypervisor->domains;
}

/* ---- their end ---- */

/* Ends the operations of a domain. Closing its monitor ends a QMP command under way, and with it
 * the operation that waits for it. */
static void end_operations(struct virt_domain *domain)
{
    monitor_forget(domain);
    while (domain->operations)
        operation_finish(domain->operations, -EHOSTUNREACH, "stopping");
}

/* Whoever is told of an operation's end may look for domains, and finds none of those that are
 * freed by then. */
void virt_domains_end(struct hypervisor *hypervisor)
{
    virt_domain_index_clear(hypervisor);
    while (hypervisor->vanished) {
        struct virt_domain *domain = hypervisor->vanished;
        monitor_forget(domain);
        if (domain == hypervisor->vanished) /* not yet gone by that */
            operation_finish(domain->operations, -EHOSTUNREACH, "stopping");
    }
    while (hypervisor->domains) {
        struct virt_domain *domain = hypervisor->domains;
        end_operations(domain);
        unlink_domain(domain);
        free_domain(domain);
    }
    free(hypervisor->hidden);
    hypervisor->hidden = NULL;
    hypervisor->hidden_count = 0;
}
