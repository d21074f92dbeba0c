/* libvirt's events, turned into calls on the loop thread. libvirt calls back from any thread: the
 * callbacks only copy what they were told and post it. */
#ifndef VBMC_HOST_VIRT_EVENTS_H
#define VBMC_HOST_VIRT_EVENTS_H

#include <libvirt/libvirt.h>

#include "vbmc/base/inbox.h"
#include "vbmc/base/uuid.h"

struct virt_event {
    struct inbox_item item;
    void *context;
    struct uuid uuid;
    enum virt_event_kind {
        VIRT_EVENT_LIFECYCLE,
        VIRT_EVENT_METADATA,
        VIRT_EVENT_GUEST_RESET, /* QEMU's RESET */
    } kind;
    int lifecycle; /* virDomainEventType */
};

struct virt_events {
    struct inbox *inbox;
    /* Loop thread. The event is freed afterwards. */
    void (*handler)(void *context, const struct virt_event *event);
    void *context;
    /* libvirt's callback ids; -1: not registered. */
    int lifecycle_callback;
    int metadata_callback;
    int qemu_callback;
};

/* Worker thread. 0, or -EIO: without lifecycle events there is nothing to go by. A driver without
 * QEMU's events or metadata events is taken as it is. */
int virt_events_register(struct virt_events *events, virConnectPtr connection);
void virt_events_deregister(struct virt_events *events, virConnectPtr connection);

#endif
