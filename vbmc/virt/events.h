/* libvirt's events, as calls on the loop thread. libvirt calls back from any thread: the callbacks
 * only copy the event and post it. */
#ifndef VBMC_VIRT_EVENTS_H
#define VBMC_VIRT_EVENTS_H

#include <libvirt/libvirt.h>

#include "vbmc/base/inbox.h"
#include "vbmc/base/uuid.h"

struct virt_event {
    struct inbox_item item;
    void *context;
    struct uuid uuid;
    enum virt_event_kind {
        VIRT_EVENT_LIFECYCLE,
        VIRT_EVENT_CHANGED,         /* of its metadata or devices */
        VIRT_EVENT_GUEST_RESET,     /* QEMU's RESET */
        VIRT_EVENT_IO_ERROR,        /* a request to a disk failed */
        VIRT_EVENT_AGENT_CONNECTED, /* the guest agent has come up */
    } kind;
    int lifecycle;  /* virDomainEventType */
    int detail;     /* virDomainEventStoppedDetailType and the like, by `lifecycle` */
    char alias[32]; /* of the disk */
};

#define VIRT_EVENTS_LISTENED 6 /* kinds of libvirt's domain events, without QEMU's own */

struct virt_events {
    struct inbox *inbox;
    /* Loop thread. The event is freed afterwards. */
    void (*handler)(void *context, const struct virt_event *event);
    void *context;
    /* libvirt's callback ids; negative: not registered. */
    int callbacks[VIRT_EVENTS_LISTENED];
    int qemu_callback;
};

/* Before anything else. */
void virt_events_init(struct virt_events *events, struct inbox *inbox,
                      void (*handler)(void *context, const struct virt_event *event),
                      void *context);
/* Keeper thread. 0, or -EIO if the driver has no lifecycle events, which are needed. The other
 * kinds and QEMU's own events are optional. */
int virt_events_register(struct virt_events *events, virConnectPtr connection);
void virt_events_deregister(struct virt_events *events, virConnectPtr connection);

#endif
