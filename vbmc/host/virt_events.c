#include "vbmc/host/virt_events.h"

#include <errno.h>
#include <stdlib.h>

#include <libvirt/libvirt-qemu.h>

static void deliver(struct inbox_item *item)
{
    struct virt_event *event = (struct virt_event *)item; /* its first member */
    struct virt_events *events = event->context;

    events->handler(events->context, event);
    free(event);
}

static void post(struct virt_events *events, virDomainPtr domain, enum virt_event_kind kind,
                 int lifecycle)
{
    struct virt_event *event = calloc(1, sizeof *event);

    if (!event || virDomainGetUUID(domain, event->uuid.bytes) < 0) {
        free(event);
        return;
    }
    event->item.deliver = deliver;
    event->context = events;
    event->kind = kind;
    event->lifecycle = lifecycle;
    inbox_post(events->inbox, &event->item);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *opaque)
{
    (void)connection;
    (void)detail;
    post(opaque, domain, VIRT_EVENT_LIFECYCLE, event);
    return 0;
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *uri,
                        void *opaque)
{
    (void)connection;
    (void)type;
    (void)uri;
    post(opaque, domain, VIRT_EVENT_METADATA, 0);
}

static void on_qemu_reset(virConnectPtr connection, virDomainPtr domain, const char *name,
                          long long seconds, unsigned microseconds, const char *details,
                          void *opaque)
{
    (void)connection;
    (void)name;
    (void)seconds;
    (void)microseconds;
    (void)details;
    post(opaque, domain, VIRT_EVENT_GUEST_RESET, 0);
}

int virt_events_register(struct virt_events *events, virConnectPtr connection)
{
    events->lifecycle_callback =
        virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), events, NULL);
    events->metadata_callback =
        virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_metadata), events, NULL);
    events->qemu_callback = virConnectDomainQemuMonitorEventRegister(
        connection, NULL, "RESET", on_qemu_reset, events, NULL, 0);
    return events->lifecycle_callback < 0 ? -EIO : 0;
}

void virt_events_deregister(struct virt_events *events, virConnectPtr connection)
{
    if (events->lifecycle_callback >= 0)
        virConnectDomainEventDeregisterAny(connection, events->lifecycle_callback);
    if (events->metadata_callback >= 0)
        virConnectDomainEventDeregisterAny(connection, events->metadata_callback);
    if (events->qemu_callback >= 0)
        virConnectDomainQemuMonitorEventDeregister(connection, events->qemu_callback);
    events->lifecycle_callback = events->metadata_callback = events->qemu_callback = -1;
}
