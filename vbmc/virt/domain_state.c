#include "vbmc/virt/domain_state.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/host/metadata.h"
#include "vbmc/virt/console.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domain_index.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/incident.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/power.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/reset.h"

void virt_domain_set_state(struct virt_domain *domain, enum host_power_state state, bool live)
{
    enum host_power_state previous = domain->host.state;

    bool is_late_start = host_power_state_is_on(state) && !domain->was_on && !domain->starting;
    if (state == previous && !is_late_start)
        return;
    domain->host.state = state;
    domain->hypervisor->domain_generation++;
    if (!host_power_state_is_on(state))
        domain->host.sample_stands = false;
    domain->seen_live = live;
    virt_console_follow_state(domain);
    if (state == HOST_POWER_UNKNOWN) {
        operation_end_interval(domain);
        virt_domain_emit(domain, HOST_EVENT_STATE);
        return;
    }
    bool has_started = domain->was_on;
    bool is_on = host_power_state_is_on(state) && (has_started || !domain->starting);
    bool has_stopped = domain->had_qemu && !host_power_state_is_on(state); /* a start may fail */
    domain->had_qemu = host_power_state_is_on(state);
    domain->was_on = is_on;
    if (has_stopped)
        virt_incident_stopped(domain, domain->stop_seen);
    if (state == HOST_POWER_RUNNING)
        virt_incident_running(domain);
    virt_domain_emit(domain, HOST_EVENT_STATE);
    if (is_on && !has_started) {
        domain->starts++;
        virt_domain_emit(domain, HOST_EVENT_STARTED);
        override_guest_started(domain, live && domain->booted);
        power_reconcile(domain);
    } else if (has_stopped) {
        override_guest_stopped(domain);
        virt_domain_emit(domain, HOST_EVENT_STOPPED);
    } else if (is_on && previous == HOST_POWER_UNKNOWN) {
        override_reconcile(domain);
        power_reconcile(domain);
        reset_reconcile(domain);
    }
}

static void replace_text(char **text, char **replacement)
{
    free(*text);
    *text = *replacement;
    *replacement = NULL;
}

/* Unused bytes are zero in both (host.h). */
static bool is_same_hardware(const struct host_hardware *left, const struct host_hardware *right)
{
    size_t size = host_hardware_size(left);

    return size == host_hardware_size(right) &&
           memcmp((const void *)left, (const void *)right, size) == 0;
}

bool virt_domain_take_hardware(struct virt_domain *domain, struct virt_facts *facts)
{
    struct host_hardware *hardware = facts->hardware;

    if (!hardware)
        return false;
    domxml_copy_text(hardware->emulator_version, sizeof hardware->emulator_version,
                     hypervisor_emulator_version(domain->hypervisor));
    if (domain->hardware && is_same_hardware(domain->hardware, hardware))
        return false;
    domain->hypervisor->domain_generation++;
    free(domain->hardware);
    domain->hardware = hardware;
    domain->host.hardware = hardware;
    facts->hardware = NULL;
    return true;
}

static void take_metadata(struct virt_domain *domain, struct virt_facts *facts)
{
    host_metadata_free(domain->metadata);
    domain->metadata = facts->metadata;
    facts->metadata = NULL;
}

void virt_domain_apply_facts(struct virt_domain *domain, struct virt_facts *facts, bool live)
{
    bool renamed = strcmp(domain->host.name, facts->name) != 0;

    /* Another id is another QEMU: the guest was stopped and started unseen. */
    domain->stop_seen = HOST_STOP_UNKNOWN;
    if (domain->had_qemu && facts->id >= 0 && domain->id >= 0 && facts->id != domain->id)
        virt_domain_set_state(domain, HOST_POWER_OFF, live);
    if (!facts->ending) {
        domain->id = facts->id;
        domain->host.run = facts->id;
        domain->booted = domain->host.booted = facts->booted;
    }
    domain->starting = facts->starting;
    domain->has_run = domain->has_run || (host_power_state_is_on(facts->state) &&
                                          !facts->starting && !facts->migrating);
    bool is_migrating = domain->host.migrating;
    domain->host.migrating = facts->migrating;
    if (domain->persistent && !facts->persistent)
        domain->undefined = true;
    if (facts->persistent)
        domain->undefined = false;
    domain->persistent = facts->persistent;
    bool retagged = !host_metadata_is_same(domain->metadata, facts->metadata);
    if (retagged)
        take_metadata(domain, facts);
    if (facts->transient_xml)
        replace_text(&domain->transient_xml, &facts->transient_xml);
    if (virt_domain_take_hardware(domain, facts)) {
        log_debug("%s: hardware changed: %u vCPUs, %u disks, %u NICs", domain->host.name,
                  domain->hardware->vcpus, domain->hardware->disk_count,
                  domain->hardware->nic_count);
        virt_domain_emit(domain, HOST_EVENT_HARDWARE);
    }
    if (renamed) {
        CLEANUP_FREE char *before = cleanup_steal_pointer(&domain->host.name);
        domain->host.name = cleanup_steal_pointer(&facts->name);
        virt_domain_index_rename(domain, before);
        virt_domain_emit(domain, HOST_EVENT_RENAMED);
    }
    if (retagged)
        virt_domain_emit(domain, HOST_EVENT_TAGGED);
    domain->stop_seen = facts->stop_reason;
    if (domain->host.state == facts->state && is_migrating != facts->migrating)
        virt_domain_emit(domain, HOST_EVENT_STATE);
    virt_domain_set_state(domain, facts->state, live);
    domain->stop_seen = HOST_STOP_UNKNOWN;
    if (facts->paused_unexplained && live)
        virt_incident_paused(domain);
}
