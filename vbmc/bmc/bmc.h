/* The model of one BMC: plain state and the rules that connect it. No packets and no files: what
 * has to happen outside goes through `host` (the guest) and `hooks` (storage, timers). */
#ifndef VBMC_BMC_BMC_H
#define VBMC_BMC_BMC_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/users.h"
#include "vbmc/host/host.h"

/* A guest's operation that takes longer is answered as accepted (FreeIPMI's ipmipower repeats a
 * request after 400 ms). */
#define BMC_ANSWER_WITHIN_MS 250
/* Power up is answered when the guest is on: who asks for its state next is told so. QEMU needs
 * longer than the above, ipmitool repeats after a second. */
#define BMC_ANSWER_UP_WITHIN_MS 900

struct bmc;
struct dcmi;
struct fru;
struct platform;
struct sel;
struct sensors;

/* What a BMC keeps, in parts that are stored each by itself. */
enum bmc_part {
    BMC_PART_CHASSIS, /* power restore policy, power-on hours, what the guest did last */
    BMC_PART_BOOT,    /* boot options */
    BMC_PART_OWED,    /* power actions that were accepted and are not done yet */
    BMC_PART_SENSORS, /* slots of disks and NICs, and what clients changed */
    BMC_PART_FRU,     /* what clients wrote */
    BMC_PART_DCMI,    /* power limit, thermal limits, names */
    BMC_PART_FAULTS,  /* what was injected */
    BMC_PART_COUNT,
};

struct bmc_hooks {
    /* The part has changed. The ticket (NULL: nobody waits) is finished when that is on disk, or
     * with the error for which it is not, even if the BMC is on its way out; what clients set has
     * then been taken back, except for power actions, which the chassis refuses itself. */
    void (*changed)(struct bmc *bmc, enum bmc_part part, const struct bmc_ticket *ticket);
    /* bmc_tick is due at this time at the latest. */
    void (*wake_at)(struct bmc *bmc, uint64_t at_ms);
    /* Monotonic time in milliseconds. */
    uint64_t (*now)(struct bmc *bmc);
    /* Seconds since 1970 of the BMC's real-time clock (Set SEL Time moves it). */
    int64_t (*wall_time)(struct bmc *bmc);
};

/* What happens to a BMC, as it happens: for what makes a server of the guest (vbmc/platform/). */
struct bmc_listener {
    /* There is another host_domain, or none; chassis and boot options have followed. */
    void (*host_set)(struct bmc *bmc);
    /* The driver's event, behind chassis and boot options. */
    void (*host_event)(struct bmc *bmc, enum host_event event);
    /* A power action is about to be carried out. */
    void (*action_begun)(struct bmc *bmc, enum host_power_action action);
    /* A power action has failed after it was accepted. */
    void (*action_failed)(struct bmc *bmc);
};

struct bmc {
    uint32_t number; /* unique in this process */
    struct uuid uuid;
    uint8_t guid[16];      /* the UUID in the byte order of IPMI: all 16 reversed */
    uint32_t manufacturer; /* Get Device ID; BMC_MANUFACTURER_DEFAULT unless told otherwise */
    struct users users;
    struct channel channel;
    struct chassis chassis;
    struct boot_options boot;
    struct host_domain *host; /* NULL while no hypervisor shows the domain */
    const struct bmc_hooks *hooks;
    void *owner;                           /* for the hooks */
    const struct bmc_payload_ops *payload; /* NULL: no payload commands */
    void *payload_context;
    /* What makes it a server; each NULL where it has none. Owned by the owner of the BMC. */
    struct sensors *sensors;
    struct sdr_repository sdr;
    struct sel *sel;
    struct fru *fru;
    struct dcmi *dcmi;
    struct platform *platform;
    const struct bmc_listener *listener; /* NULL: nobody */
};

void bmc_init(struct bmc *bmc, uint32_t number, const struct uuid *uuid,
              const struct bmc_hooks *hooks, void *owner);
/* Cancels what waits for the host and wipes secrets. */
void bmc_clear(struct bmc *bmc);
/* Gives or takes (NULL) the guest. */
void bmc_set_host(struct bmc *bmc, struct host_domain *host);
/* Timers: answers what has waited long enough, expires what has an end. */
void bmc_tick(struct bmc *bmc);
/* When bmc_tick has something to do next; UINT64_MAX if it has not. */
uint64_t bmc_next_deadline(const struct bmc *bmc);
/* The driver's events, in the order they happened. */
void bmc_host_event(struct bmc *bmc, enum host_event event);

/* A session of the LAN is over, for whatever reason: what lasts no longer than it falls back. */
void bmc_session_ended(struct bmc *bmc, uint32_t session);

/* Unknown without a host. */
static inline enum host_power_state bmc_power_state(const struct bmc *bmc)
{
    return bmc->host ? bmc->host->state : HOST_POWER_UNKNOWN;
}

#endif
