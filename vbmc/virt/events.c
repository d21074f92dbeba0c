#include "vbmc/virt/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <libvirt/libvirt-qemu.h>

#include "vbmc/base/array.h"

static void deliver(struct inbox_item *item)
{
    struct virt_event *event = (struct virt_event *)item; /* its first member */
    struct virt_events *events = event->context;

    events->handler(events->context, event);
    free(event);
}

static void post(struct virt_events *events, virDomainPtr domain, struct virt_event content)
{
    struct virt_event *event = malloc(sizeof *event);

    if (!event || virDomainGetUUID(domain, content.uuid.bytes) < 0) {
        free(event);
        return;
    }
    content.item.deliver = deliver;
    content.context = events;
    *event = content;
    inbox_post(events->inbox, &event->item);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *opaque)
{
    (void)connection;
    post(opaque, domain,
         (struct virt_event){.kind = VIRT_EVENT_LIFECYCLE, .lifecycle = event, .detail = detail});
    return 0;
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *uri,
                        void *opaque)
{
    (void)connection;
    (void)type;
    (void)uri;
    post(opaque, domain, (struct virt_event){.kind = VIRT_EVENT_CHANGED});
}

/* Plugged in or out. */
static void on_device(virConnectPtr connection, virDomainPtr domain, const char *alias,
                      void *opaque)
{
    (void)connection;
    (void)alias;
    post(opaque, domain, (struct virt_event){.kind = VIRT_EVENT_CHANGED});
}

static void on_io_error(virConnectPtr connection, virDomainPtr domain, const char *path,
                        const char *alias, int action, const char *reason, void *opaque)
{
    struct virt_event event = {.kind = VIRT_EVENT_IO_ERROR};

    (void)connection;
    (void)path;
    (void)action;
    (void)reason;
    snprintf(event.alias, sizeof event.alias, "%s", alias ? alias : "");
    post(opaque, domain, event);
}

/* libvirtd also reports an agent that it finds when it starts itself; the guest has not booted
 * then. */
static void on_agent(virConnectPtr connection, virDomainPtr domain, int state, int reason,
                     void *opaque)
{
    (void)connection;
    if (state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED &&
        reason == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL)
        post(opaque, domain, (struct virt_event){.kind = VIRT_EVENT_AGENT_CONNECTED});
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
    post(opaque, domain, (struct virt_event){.kind = VIRT_EVENT_GUEST_RESET});
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback callback;
} listened[VIRT_EVENTS_LISTENED] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)}, /* the needed one */
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(on_io_error)},
    {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
};

static void forget_callbacks(struct virt_events *events)
{
    for (size_t i = 0; i < ARRAY_SIZE(listened); i++)
        events->callbacks[i] = -1;
    events->qemu_callback = -1;
}

void virt_events_init(struct virt_events *events, struct inbox *inbox,
                      void (*handler)(void *context, const struct virt_event *event), void *context)
{
    *events = (struct virt_events){.inbox = inbox, .handler = handler, .context = context};
    forget_callbacks(events);
}

int virt_events_register(struct virt_events *events, virConnectPtr connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(listened); i++)
        events->callbacks[i] = virConnectDomainEventRegisterAny(connection, NULL, listened[i].id,
                                                                listened[i].callback, events, NULL);
    events->qemu_callback = virConnectDomainQemuMonitorEventRegister(
        connection, NULL, "RESET", on_qemu_reset, events, NULL, 0);
    return events->callbacks[0] < 0 ? -EIO : 0;
}

void virt_events_deregister(struct virt_events *events, virConnectPtr connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(listened); i++) {
        if (events->callbacks[i] >= 0)
            virConnectDomainEventDeregisterAny(connection, events->callbacks[i]);
    }
    if (events->qemu_callback >= 0)
        virConnectDomainQemuMonitorEventDeregister(connection, events->qemu_callback);
    forget_callbacks(events);
}
