/* A hypervisor, for the files of the driver. */
#ifndef VBMC_VIRT_HYPERVISOR_INTERNAL_H
#define VBMC_VIRT_HYPERVISOR_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "vbmc/base/hash_index.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/uuid_map.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/events.h"
#include "vbmc/virt/worker.h"

struct hypervisor {
    uv_loop_t *loop;
    struct inbox *inbox;
    struct worker *worker;
    char *name;
    char *uri;
    int64_t place; /* of its domains: struct host_domain */
    char *sasl_username;
    char *sasl_password;
    bool is_ssh;
    struct sshconn *ssh; /* NULL: another URI, or `error_ssh` says why */
    char error_ssh[WORKER_TEXT_SIZE];
    atomic_bool in_process; /* its driver; known once there is a connection */
    const struct hypervisor_callbacks *callbacks;
    void *context;
    const struct operation_outcomes *outcomes; /* of its domains' operations */
    const struct host_ops *domain_ops;
    struct virt_events events;
    bool up;
    bool stands_by; /* see hypervisor_begin */
    bool held;      /* the connection is open, and its list of domains was not taken over */
    bool stopping;
    struct inbox_item ended;     /* posted when the worker's threads have ended */
    struct inbox_item ssh_ended; /* and when the SSH connection's has */
    unsigned to_end;             /* of these two */
    void (*stopped)(void *context);
    void *stopped_context;
    bool relist;       /* events came before the list was taken over */
    uv_timer_t period; /* checks the connections, samples */
    uv_timer_t settle;
    unsigned settle_looks; /* made since the connection came up */
    void (*timers_closed)(struct hypervisor *hypervisor);
    bool is_qemu;
    char emulator_version[HOST_TEXT_SIZE]; /* "" unless it is QEMU */
    struct virt_sampler *sampler;
    char error[WORKER_TEXT_SIZE];
    struct virt_domain *domains;
    uint64_t domain_generation; /* another with each that comes, goes, or has another state */
    struct uuid_map by_uuid;    /* the same */
    struct hash_index by_name;  /* the same; a name may be of two for a moment */
    struct uuid *hidden;        /* listed, without permission to read them */
    size_t hidden_count;
    struct virt_domain *vanished;        /* gone, but an operation still runs */
    struct hash_index serial_looks;      /* under way, by UUID */
    struct virt_adjustment *adjustments; /* under way */
    struct virt_shot *shots;             /* screenshots, under way */
    struct virt_dump *dumps;             /* under way */
};

#endif
