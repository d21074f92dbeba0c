/* One BMC as the files of this folder see it. */
#ifndef VBMC_INSTANCE_INTERNAL_H
#define VBMC_INSTANCE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/config/declared.h"
#include "vbmc/host/placement.h"
#include "vbmc/instance/listen.h"
#include "vbmc/net/interface.h"
#include "vbmc/state/placement.h"
#include "vbmc/store/bmcs.h"

/* So many datagrams there were. */
struct instance_datagrams {
    uint64_t received, sent, valid;
};

struct instance {
    const struct instance_shared *shared;
    struct instance *awake_next, **awake_link; /* of awake.h; no link: it is at rest */
    struct bmc bmc;
    struct rmcp_server *rmcp;
    struct inband *inband; /* NULL: no QEMU has looked for it yet */
    bool inband_read_only;
    struct console_sol *sol;
    unsigned session_timeout_s;
    struct store_bmc record;
    struct config_declared declared; /* by its metadata */
    char *declared_problem;          /* NULL: none */
    bool interface_asked;            /* its hypervisor was asked for the declared interface */
    struct virt_domain *domain;
    uint64_t lost_until_ms; /* see instance_set_lost_until */
    struct placement placement;
    struct console *console;
    struct boot_watch *boot_watch;
    char *boot_live; /* the driver's boot record, kept while no domain is there */
    char *boot_stored;
    struct saves *saves;
    struct saves_part *record_saved;
    struct saves_part *placement_saved;
    struct placement_owner placement_owner;
    struct parts *parts; /* goes when what is being stored has ended, as the instance does */
    struct udp_socket *socket;
    bool owns_socket;
    union endpoint_address address;
    struct interface_facts facts;                /* of the address */
    uint64_t facts_ms;                           /* monotonic; 0: none are known */
    char *error;                                 /* kept_text.h */
    struct instance_datagrams datagrams_cleared; /* when the statistics were cleared last */
    uint64_t came_up_ms;                         /* monotonic */
    uv_timer_t timer;
    uint64_t timer_at_ms; /* UINT64_MAX: not running */
    /* Of restart.h. */
    uint64_t restart_at_ms; /* UINT64_MAX: nobody asks for it */
    uint64_t restart_latest_ms;
    uint64_t back_at_ms; /* what comes before is dropped */
    unsigned restarts;
};

#endif
