/* A connection to a hypervisor beside the main one, for calls that may hang. While one thread waits
 * for an answer, libvirt lets it read the socket for all others on that connection, and up to
 * libvirt 10 their requests may then lie there unsent until something else happens (seen with 9.0:
 * a guest whose QEMU was stopped made each call about any other guest take seconds). One call at a
 * time. Not the loop thread: all of it may block. */
#ifndef VBMC_VIRT_LANE_H
#define VBMC_VIRT_LANE_H

#include <pthread.h>
#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/virt/worker.h"

struct hypervisor;

struct virt_lane {
    struct hypervisor *hypervisor;
    pthread_mutex_t lock;
    virConnectPtr connection; /* NULL: not open */
    bool busy;
    bool closed; /* for good */
};

/* Opens nothing yet. */
void virt_lane_init(struct virt_lane *lane, struct hypervisor *hypervisor);
/* The connection, opened again if need be; it is the caller's until virt_lane_leave. NULL, with the
 * reason in `text`, if it cannot be had. `main` is the main connection, which is the lane's too
 * where libvirt runs in this process. */
virConnectPtr virt_lane_enter(struct virt_lane *lane, virConnectPtr main,
                              char text[WORKER_TEXT_SIZE]);
void virt_lane_leave(struct virt_lane *lane);
/* Closes it, or has virt_lane_leave close it. */
void virt_lane_close(struct virt_lane *lane);
/* After all that. Any thread. */
void virt_lane_destroy(struct virt_lane *lane);

#endif
