/* What the parts of a BMC's model know of it: who it is, its guest, and the outside. The parts know
 * this and the parts below them; struct bmc assembles them. */
#ifndef VBMC_BMC_CORE_H
#define VBMC_BMC_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/host/host.h"

/* A guest's operation that takes longer is answered as accepted (FreeIPMI's ipmipower repeats a
 * request after 400 ms). */
#define BMC_ANSWER_WITHIN_MS 250
/* Power up is answered when the guest is on: who asks for its state next is told so. QEMU needs
 * longer than the above, ipmitool repeats after a second. */
#define BMC_ANSWER_UP_WITHIN_MS 900

struct bmc_core;
struct bmc_ticket;
struct user_author;

/* What a BMC keeps, in parts that are stored each by itself. */
enum bmc_part {
    BMC_PART_CHASSIS,     /* power restore policy, power-on hours, what the guest did last */
    BMC_PART_BOOT,        /* boot options */
    BMC_PART_OWED,        /* power actions that were accepted and are not done yet */
    BMC_PART_USERS,       /* what clients changed of accounts */
    BMC_PART_SENSORS,     /* slots of disks and NICs, and what clients changed */
    BMC_PART_FRU,         /* what clients wrote */
    BMC_PART_DCMI,        /* power limit, thermal limits, names */
    BMC_PART_FAULTS,      /* what was injected */
    BMC_PART_SYSTEM_INFO, /* System Info Parameters */
    BMC_PART_PEF,         /* filters, alert policies and strings */
    BMC_PART_PEF_PENDING, /* events that are held back, and alerts that are under way */
    BMC_PART_WATCHDOG,    /* the timer's settings, and when it ends */
    BMC_PART_LAN,         /* channel access, LAN configuration, who is locked out */
    BMC_PART_COUNT,
};

/* The outside. */
struct bmc_hooks {
    /* The part has changed. The ticket (NULL: nobody waits) is finished when that is on disk, or
     * with the error for which it is not, even if the BMC is on its way out; what clients set has
     * then been taken back, except for power actions, which the chassis refuses itself. */
    void (*changed)(const struct bmc_core *core, enum bmc_part part,
                    const struct bmc_ticket *ticket);
    /* Whether what there is of the part is on disk. */
    bool (*is_stored)(const struct bmc_core *core, enum bmc_part part);
    /* bmc_tick is due at this time at the latest. */
    void (*wake_at)(const struct bmc_core *core, uint64_t at_ms);
    /* The BMC is to start again, when the answer to the present request has left: sessions end, and
     * bmc_restart is called. */
    void (*restart)(const struct bmc_core *core);
    /* Monotonic time in milliseconds. */
    uint64_t (*now)(const struct bmc_core *core);
    /* What an account logs in with, or what it may do, has changed: its sessions end, and that of
     * who did it (NULL: nobody's) where it may do less than it does. NULL: nobody wants to know. */
    void (*user_changed)(const struct bmc_core *core, uint8_t id, const struct user_author *by);
    /* The channel's limit, or who is locked out, is another: what log-ins by another way than the
     * LAN go by as well. NULL: nobody wants to know. */
    void (*logins_changed)(const struct bmc_core *core);
    /* Message flags or global enables have changed. NULL: nobody wants to know. */
    void (*messaging_changed)(const struct bmc_core *core);
    /* Seconds since 1970 of the BMC's real-time clock (Set SEL Time moves it). */
    int64_t (*wall_time)(const struct bmc_core *core);
};

/* What happens to a BMC, as it happens: for what makes a server of the guest (vbmc/platform/). */
struct bmc_listener {
    /* There is another host_domain, or none; chassis and boot options have followed. */
    void (*host_set)(void *context);
    /* The driver's event, behind chassis and boot options. */
    void (*host_event)(void *context, enum host_event event);
    /* A power action is about to be carried out. */
    void (*action_begun)(void *context, enum host_power_action action);
    /* A power action has failed after it was accepted. */
    void (*action_failed)(void *context);
    /* An event of a sensor of the BMC's own functions (SENSOR_WATCHDOG2, SENSOR_PEF): its offset
     * and event data 2 (IPMI 2.0, table 42-3). */
    void (*sensor_event)(void *context, uint8_t number, uint8_t offset, uint8_t data2);
};

struct bmc_core {
    uint32_t number; /* unique in this process */
    struct uuid uuid;
    struct host_domain *host; /* NULL while no hypervisor shows the domain */
    const struct bmc_hooks *hooks;
    void *owner;                         /* for the hooks */
    const struct bmc_listener *listener; /* NULL: nobody */
    void *listener_context;
};

/* Ends the call of a client who has set what is there already. 0: it is on disk. -EINPROGRESS: the
 * change that made it so is only on its way there, and the ticket is finished as if this one had
 * made it. */
int bmc_core_unchanged(const struct bmc_core *core, enum bmc_part part,
                       const struct bmc_ticket *ticket);

/* The guest's name, for the log; "a guest that is not there" without a host. Borrowed: it goes with
 * the host, or with its next name. */
const char *bmc_core_name(const struct bmc_core *core);

/* Unknown without a host. */
static inline enum host_power_state bmc_core_power_state(const struct bmc_core *core)
{
    return core->host ? core->host->state : HOST_POWER_UNKNOWN;
}

#endif
