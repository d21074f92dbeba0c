#include "vbmc/virt/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/inband.h"
#include "vbmc/domxml/metadata.h"
#include "vbmc/host/metadata.h"
#include "vbmc/virt/error.h"

enum host_power_state virt_facts_power_state(int libvirt_state)
{
    switch (libvirt_state) {
    case VIR_DOMAIN_SHUTOFF:
        return HOST_POWER_OFF;
    case VIR_DOMAIN_PAUSED:
        return HOST_POWER_PAUSED;
    case VIR_DOMAIN_PMSUSPENDED:
        return HOST_POWER_SUSPENDED;
    case VIR_DOMAIN_CRASHED:
        return HOST_POWER_CRASHED;
    default: /* running, blocked, no state, shutting down: QEMU exists */
        return HOST_POWER_RUNNING;
    }
}

enum host_stop_reason virt_facts_stop_reason(int libvirt_reason)
{
    static const enum host_stop_reason reasons[] = {
        [VIR_DOMAIN_SHUTOFF_UNKNOWN] = HOST_STOP_UNKNOWN,
        [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = HOST_STOP_SHUTDOWN,
        [VIR_DOMAIN_SHUTOFF_DESTROYED] = HOST_STOP_DESTROYED,
        [VIR_DOMAIN_SHUTOFF_CRASHED] = HOST_STOP_CRASHED,
        [VIR_DOMAIN_SHUTOFF_MIGRATED] = HOST_STOP_MOVED,
        [VIR_DOMAIN_SHUTOFF_SAVED] = HOST_STOP_SAVED,
        [VIR_DOMAIN_SHUTOFF_FAILED] = HOST_STOP_FAILED,
        [VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = HOST_STOP_DESTROYED,
    };

    if (libvirt_reason < 0 || (size_t)libvirt_reason >= ARRAY_SIZE(reasons))
        return HOST_STOP_UNKNOWN;
    return reasons[libvirt_reason];
}

/* A guest that was restored and not resumed has the reason VIR_DOMAIN_PAUSED_MIGRATION too, but no
 * job. The target of a migration has a job without statistics, for which libvirt returns an error.
 */
bool virt_facts_is_migrating(virDomainPtr domain, int libvirt_state, int reason)
{
    virDomainJobInfo job = {.type = VIR_DOMAIN_JOB_NONE};

    if (libvirt_state != VIR_DOMAIN_PAUSED)
        return false;
    if (reason != VIR_DOMAIN_PAUSED_MIGRATION)
        return reason == VIR_DOMAIN_PAUSED_POSTCOPY || reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED;
    return virDomainGetJobInfo(domain, &job) < 0 || job.type != VIR_DOMAIN_JOB_NONE;
}

/* A domain without QEMU is off, whatever its state says. But libvirt takes the id away first and
 * says that it is off, and why, when it has ended QEMU (qemuProcessStop); in between it lets others
 * look. Until then the guest is as on as it was; the event of the end comes after that. A crashed
 * one is on only if its QEMU is kept (on_crash=preserve). */
static int read_state(virDomainPtr domain, struct virt_facts *facts)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    int active = virDomainIsActive(domain);

    if (active < 0 || virDomainGetState(domain, &state, &reason, 0) < 0)
        return -1;
    facts->ending = !active && state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_NOSTATE;
    facts->state = active || facts->ending ? virt_facts_power_state(state) : HOST_POWER_OFF;
    facts->id = active ? (int)virDomainGetID(domain) : -1;
    if (!active && state == VIR_DOMAIN_SHUTOFF)
        facts->stop_reason = virt_facts_stop_reason(reason);
    /* libvirt has no reason of its own for QEMU's internal errors. */
    facts->paused_unexplained = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_UNKNOWN;
    facts->migrating = virt_facts_is_migrating(domain, state, reason);
    facts->starting = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_STARTING_UP;
    facts->booted = state == VIR_DOMAIN_RUNNING && reason == VIR_DOMAIN_RUNNING_BOOTED;
    return 0;
}

static int read_metadata(virDomainPtr domain, struct virt_facts *facts)
{
    CLEANUP_FREE char *text = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                                                   VBMC_METADATA_URI, VIR_DOMAIN_AFFECT_CURRENT);
    const virError *error = virGetLastError();

    if (text)
        return domxml_parse_metadata(text, &facts->metadata);
    if (!error)
        return 0;
    return error->code == VIR_ERR_NO_DOMAIN_METADATA || error->code == VIR_ERR_NO_SUPPORT ? 0 : -1;
}

static int read_definition(virDomainPtr domain, struct virt_facts *facts)
{
    int persistent = virDomainIsPersistent(domain);

    if (persistent < 0)
        return -1;
    facts->persistent = persistent;
    if (persistent)
        return 0;
    facts->transient_xml =
        virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
    return facts->transient_xml ? 0 : -1;
}

/* As whom libvirt will start it; until then the domain does not tell. The capabilities take libvirt
 * a while to say, so a connection is asked once. */
static void read_base_owner(virDomainPtr domain, struct host_inband *inband)
{
    static _Thread_local struct {
        virConnectPtr connection;
        int result;
        uint32_t owner;
    } known;
    virConnectPtr connection = virDomainGetConnect(domain);

    if (known.connection != connection) {
        CLEANUP_FREE char *capabilities = virConnectGetCapabilities(connection);
        known.connection = connection;
        known.result = capabilities ? domxml_parse_base_owner(capabilities, &known.owner) : -ENOENT;
    }
    inband->has_owner = known.result == 0;
    inband->owner = known.result == 0 ? known.owner : 0;
}

/* Unknown hardware does not make the rest unknown; the next look reads it again. */
static void read_hardware(virDomainPtr domain, struct virt_facts *facts)
{
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, 0);
    struct host_hardware hardware;

    if (!xml || domxml_parse_hardware(xml, &hardware) < 0)
        return;
    if (hardware.inband.is_there && !hardware.inband.has_owner)
        read_base_owner(domain, &hardware.inband);
    facts->hardware = host_hardware_pack(&hardware);
}

int virt_facts_read(virDomainPtr domain, struct virt_facts *facts)
{
    char text[256];
    const char *name = virDomainGetName(domain);

    *facts = (struct virt_facts){.id = -1};
    if (!name || virDomainGetUUID(domain, facts->uuid.bytes) < 0 || read_state(domain, facts) < 0 ||
        read_metadata(domain, facts) < 0 || read_definition(domain, facts) < 0) {
        int result = virt_last_error(text, sizeof text);
        virt_facts_clear(facts);
        return result;
    }
    read_hardware(domain, facts);
    facts->name = strdup(name);
    if (facts->name)
        return 0;
    virt_facts_clear(facts);
    return -ENOMEM;
}

void virt_facts_clear(struct virt_facts *facts)
{
    free(facts->name);
    free(facts->hardware);
    free(facts->transient_xml);
    host_metadata_free(facts->metadata);
    *facts = (struct virt_facts){.id = -1};
}

int virt_facts_list_read(virConnectPtr connection, struct virt_facts_list *list)
{
    virDomainPtr *domains = NULL;
    char text[256];
    int count = virConnectListAllDomains(connection, &domains, 0);
    int result = 0;

    *list = (struct virt_facts_list){0};
    if (count < 0)
        return virt_last_error(text, sizeof text);
    list->items = calloc((size_t)count + 1, sizeof *list->items);
    if (!list->items)
        result = -ENOMEM;
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = virt_facts_read(domains[i], &list->items[list->count]);
        if (result == 0) {
            list->count++;
        } else if (result == -ENODEV) { /* it vanished meanwhile */
            result = 0;
        } else if (result != -EHOSTUNREACH && result != -ENOMEM) {
            /* No permission to read it: its UUID alone. */
            virDomainGetUUID(domains[i], list->items[list->count++].uuid.bytes);
            result = 0;
        }
        virDomainFree(domains[i]);
    }
    free(domains);
    if (result < 0 && list->items)
        virt_facts_list_clear(list);
    return result;
}

void virt_facts_list_clear(struct virt_facts_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        virt_facts_clear(&list->items[i]);
    free(list->items);
    *list = (struct virt_facts_list){0};
}
