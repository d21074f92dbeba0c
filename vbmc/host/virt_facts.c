#include "vbmc/host/virt_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "vbmc/base/array.h"

/* Of a long message (libvirt may quote all of QEMU's command line) the end says what went wrong. */
static void copy_message(const char *message, char *text, size_t size)
{
    size_t length = strlen(message), head = size / 4;
    static const char gap[] = " ... ";

    if (length < size) {
        memcpy(text, message, length + 1);
        return;
    }
    const char *tail = message + length - (size - head - sizeof gap);
    snprintf(text, size, "%.*s%s%s", (int)head, message, gap, tail);
}

int virt_last_error(char *text, size_t size)
{
    static const struct {
        int code;
        int result;
    } results[] = {
        {VIR_ERR_NO_DOMAIN, -ENODEV},
        {VIR_ERR_INVALID_DOMAIN, -ENODEV},
        {VIR_ERR_OPERATION_INVALID, -EINVAL},
        {VIR_ERR_NO_SUPPORT, -ENOTSUP},
        {VIR_ERR_OPERATION_UNSUPPORTED, -ENOTSUP},
        {VIR_ERR_RPC, -EHOSTUNREACH},
        {VIR_ERR_INVALID_CONN, -EHOSTUNREACH},
        {VIR_ERR_SYSTEM_ERROR, -EHOSTUNREACH},
    };
    const virError *error = virGetLastError();

    copy_message(error && error->message ? error->message : "unknown libvirt error", text, size);
    for (size_t i = 0; error && i < ARRAY_SIZE(results); i++) {
        if (error->code == results[i].code)
            return results[i].result;
    }
    return -EIO;
}

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

/* A crashed domain may be one whose QEMU is gone (on_crash=destroy) or one kept for a look at it
 * (on_crash=preserve); only the latter is on. */
static enum host_power_state read_state(virDomainPtr domain, int *id)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;

    if (virDomainGetState(domain, &state, &reason, 0) < 0)
        return HOST_POWER_UNKNOWN;
    bool active = virDomainIsActive(domain) == 1;
    *id = active ? (int)virDomainGetID(domain) : -1;
    return active ? virt_facts_power_state(state) : HOST_POWER_OFF;
}

static bool read_tagged(virDomainPtr domain)
{
    char *metadata = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, VBMC_METADATA_URI,
                                          VIR_DOMAIN_AFFECT_CURRENT);

    free(metadata);
    return metadata != NULL;
}

int virt_facts_read(virDomainPtr domain, struct virt_facts *facts)
{
    char text[256];

    *facts = (struct virt_facts){.id = -1};
    if (virDomainGetUUID(domain, facts->uuid.bytes) < 0)
        return virt_last_error(text, sizeof text);
    facts->state = read_state(domain, &facts->id);
    if (facts->state == HOST_POWER_UNKNOWN)
        return virt_last_error(text, sizeof text);
    facts->persistent = virDomainIsPersistent(domain) == 1;
    facts->tagged = read_tagged(domain);
    if (!facts->persistent)
        facts->transient_xml =
            virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
    const char *name = virDomainGetName(domain);
    facts->name = name ? strdup(name) : NULL;
    if (!facts->name) {
        virt_facts_clear(facts);
        return -ENOMEM;
    }
    return 0;
}

void virt_facts_clear(struct virt_facts *facts)
{
    free(facts->name);
    free(facts->transient_xml);
    *facts = (struct virt_facts){.id = -1};
}

int virt_facts_list_read(virConnectPtr connection, struct virt_facts_list *list)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, 0);
    int result = 0;

    *list = (struct virt_facts_list){0};
    if (count < 0)
        return -EIO;
    list->items = calloc((size_t)count + 1, sizeof *list->items);
    if (!list->items)
        result = -ENOMEM;
    for (int i = 0; i < count; i++) {
        /* One that vanishes meanwhile is left out: its event is on the way. */
        if (result == 0 && virt_facts_read(domains[i], &list->items[list->count]) == 0)
            list->count++;
        virDomainFree(domains[i]);
    }
    free(domains);
    return result;
}

void virt_facts_list_clear(struct virt_facts_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        virt_facts_clear(&list->items[i]);
    free(list->items);
    *list = (struct virt_facts_list){0};
}
