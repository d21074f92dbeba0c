/* An additional connection to a hypervisor, for calls that may hang. A thread of libvirt that waits
 * for an answer reads the socket for all others on the same connection, and up to libvirt 10 their
 * requests may stay unsent until something else happens (seen with 9.0: a guest whose QEMU was
 * stopped made each call about any other guest take seconds). One call at a time. Not the loop
 * thread: every function may block. */
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
/* The connection, opened if necessary; it is the caller's until virt_lane_leave. NULL, with the
 * reason in `text`, if it cannot be opened. `main` is the main connection, which is used for the
 * embedded driver. */
virConnectPtr virt_lane_enter(struct virt_lane *lane, virConnectPtr main,
                              char text[WORKER_TEXT_SIZE]);
void virt_lane_leave(struct virt_lane *lane);
/* Closes it, or has virt_lane_leave close it. */
void virt_lane_close(struct virt_lane *lane);
/* After all that. Any thread. */
void virt_lane_destroy(struct virt_lane *lane);

#endif
