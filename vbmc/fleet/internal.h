/* The state that the files of the fleet share. */
#ifndef VBMC_FLEET_INTERNAL_H
#define VBMC_FLEET_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "vbmc/base/hash_index.h"
#include "vbmc/base/uuid_map.h"
#include "vbmc/fleet/addresses.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/host/placement_map.h"
#include "vbmc/instance/awake.h"
#include "vbmc/instance/instance.h"
#include "vbmc/physics/facility.h"

/* A hypervisor of the configuration, or one that an added BMC names by its URI. */
struct fleet_connection {
    struct fleet_connection *next;
    struct hypervisor *hypervisor;
    struct placement_hypervisor *place; /* the same for the placement of guests */
    bool configured;
    bool was_up;    /* at least once */
    bool placed;    /* all BMCs know how its first attempt ended, or of a later change ... */
    bool placed_up; /* ... and so whether it is up */
    bool restores;  /* power came back: its guests' restore policies are carried out */
    size_t waiting; /* BMCs that were reported as busy until it is connected */
    unsigned holds; /* additions that look there for their domain */
};

struct waiting_addition; /* search.h */
struct deleted_mark;     /* deleted.h */

struct fleet {
    uv_loop_t *loop;
    struct config *config;
    char *state_dir;
    bool is_paired;         /* other daemons may have served what is there */
    struct lock_wait *wait; /* for the lock on it; NULL: it serves */
    int lock;               /* that was had and is not the store's yet; -1: none */
    void (*locked)(void *context);
    void *locked_context;
    struct openstack *openstack; /* what has not been taken over yet; its BMCs wait for domains */
    struct inbox *inbox;
    struct instance_shared shared;
    struct ipmi_sink *sink, *inband_sink;
    char *runtime_dir;
    struct fleet_connection *connections;
    struct placement_map map;
    struct virt_domain *arrived; /* by the state that is just being reported; see fleet_see_copy */
    struct bmcset set;
    struct addresses addresses;
    uint32_t last_number;
    struct deleted_mark *deleted; /* domains that discovery leaves alone */
    struct uuid_map deleted_by_uuid;
    struct udp_socket *socket;   /* of all BMCs, with one address per BMC; NULL: not yet */
    char socket_error[200];      /* why there is none */
    struct instance **by_offset; /* of those on `socket`: ADDRESSES_MAX pointers, or NULL */
    struct hash_index outside;   /* and those of them outside of the prefix, by address */
    struct hash_index alone;     /* those that listen on sockets of their own, by port */
    uv_timer_t listen_again;
    uv_timer_t grace; /* then lost BMCs that have sessions are removed */
    bool loading;     /* addresses are assigned when all are there */
    struct waiting_addition *waiting;
    struct uuid_map changes; /* asked for and not answered yet: the first of each BMC */
    uv_timer_t reaper;
    uv_timer_t hours;
    uv_timer_t restore;
    void (*changed)(void *context, const char *ssh); /* see fleet_watch */
    void *changed_context;
    struct facility facility;
    uv_timer_t facility_timer; /* steps it, and the servers that are awake */
    struct awake_list awake;
    uint64_t stepped_ms;
    unsigned steps;
    unsigned trim_in_steps; /* 0: not */
    struct audit *audit;    /* the trail; NULL: it is not kept yet */
    struct saves *saves;    /* of the facility; NULL: nothing is loaded yet */
    struct saves_part *facility_saved;
    bool stopping;
    struct fleet **owner; /* becomes NULL when it is freed; may be NULL */
    unsigned ending;      /* hypervisors whose threads have not ended yet */
    unsigned closing;     /* timers that are not closed yet */
    uint64_t started_ms;
    bool moved_here;     /* the daemon last ran on another machine */
    bool power_returned; /* this machine has booted since the daemon last ran */
    bool boot_stored;    /* which boot this is is on disk, and whose restore policies wait */
    bool boot_refused;   /* ... not yet, as the log says */
};

#endif
