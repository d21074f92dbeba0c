/* A hypervisor connection; shared by the two files that make it up: connection.c runs on
 * the keeper thread, hypervisor.c on the loop. */
#ifndef VBMC_VIRT_HYPERVISOR_INTERNAL_H
#define VBMC_VIRT_HYPERVISOR_INTERNAL_H

#include "vbmc/base/uuid_map.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/ssh/connection.h"
#include "vbmc/virt/events.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/sampler.h"
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
    const struct hypervisor_callbacks *callbacks;
    void *context;
    struct virt_events events;
    bool up;
    bool stopping;
    struct inbox_item ended;     /* posted when the worker's threads have ended */
    struct inbox_item ssh_ended; /* and when the SSH connection's has */
    unsigned to_end;             /* of these two */
    void (*stopped)(void *context);
    void *stopped_context;
    bool relist; /* events came before the list was taken over */
    uv_timer_t settle;
    unsigned settle_looks; /* made since the connection came up */
    bool is_qemu;
    char emulator_version[HOST_TEXT_SIZE]; /* "" unless it is QEMU */
    struct virt_sampler *sampler;
    char error[WORKER_TEXT_SIZE];
    struct virt_domain *domains;
    struct uuid_map by_uuid; /* the same */
    struct uuid *hidden;     /* listed, and libvirt does not let us read them */
    size_t hidden_count;
    struct virt_domain *vanished;          /* gone, except for an operation that still runs */
    struct virt_serial_look *serial_looks; /* under way */
    struct virt_adjustment *adjustments;   /* under way */
    unsigned dumps;                        /* under way */
};

/* The list of all domains, on its way from the keeper to the loop. */
struct listing {
    struct inbox_item item;
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct virt_facts_list list;
    bool is_qemu;
    char emulator_version[HOST_TEXT_SIZE];
    int result;
};

/* The keeper's operations; their context is the hypervisor. */
extern const struct worker_ops hypervisor_worker_ops;

/* A number for the URI and, of a hypervisor of this machine, for the machine's boot. */
int64_t hypervisor_find_place(const struct hypervisor *hypervisor);
/* Starts the SSH connection of a URI that wants one. A URI that cannot be used is reported by the
 * keeper, as one that libvirt does not understand. */
void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir);

/* Opens a connection of its own; not the loop thread. NULL, with the reason in `text`. */
virConnectPtr hypervisor_open_another(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE]);

/* What the keeper, and libvirt's callbacks on any thread, have posted; hypervisor.c. */
void hypervisor_deliver_listing(struct inbox_item *item); /* a struct listing */
void hypervisor_deliver_lost(struct hypervisor *hypervisor);
/* Now and then: gives up a connection that libvirt knows to be dead. While a call waits on it,
 * libvirt 9.0 says so only half a minute later. */
void hypervisor_check(struct hypervisor *hypervisor);
void hypervisor_deliver_failure(struct hypervisor *hypervisor, const char *text);

#endif
