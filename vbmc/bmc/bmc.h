/* The model of one BMC: plain state and the rules that connect it. No packets and no files: what
 * has to happen outside goes through core.host (the guest) and core.hooks (storage, timers). */
#ifndef VBMC_BMC_BMC_H
#define VBMC_BMC_BMC_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/rate.h"
#include "vbmc/bmc/acpi.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/system_info.h"
#include "vbmc/bmc/users.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/host/host.h"

struct uuid;

struct bmc {
    struct bmc_core core;
    uint8_t guid[16];      /* the UUID in the byte order of IPMI: all 16 reversed */
    uint32_t manufacturer; /* Get Device ID; BMC_MANUFACTURER_DEFAULT unless told otherwise */
    struct users users;
    struct channel channel; /* as configured, and as clients have set it (lan) */
    struct lan lan;
    struct lockout lockout;
    struct chassis chassis;
    struct boot_options boot;
    struct messaging messaging;
    struct acpi acpi;
    struct system_info system_info;
    struct pef pef;
    struct watchdog watchdog;
    struct alerts alerts;
    struct rate guest_changes, guest_events; /* what its own guest has asked for (service/) */
    const struct bmc_payload_ops *payload;   /* NULL: no payload commands */
    void *payload_context;
    /* What makes it a server; each NULL where it has none. Owned by the owner of the BMC. */
    struct sensors *sensors;
    struct sdr_repository sdr;
    struct sel *sel;
    struct fru *fru;
    struct dcmi *dcmi;
    struct platform *platform;
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
/* The BMC itself starts again (Cold Reset, Warm Reset: IPMI 2.0, sections 20.2 and 20.3): what is
 * volatile in it falls back. Neither the guest nor a power action of it is touched. */
void bmc_restart(struct bmc *bmc);
/* The driver's events, in the order they happened. The parts take each in a fixed order, which is
 * that of their entries in the event log: chassis and boot options first, by whose state the others
 * go; then what makes a server of the guest (core.listener); an action that is owed goes on last.
 */
void bmc_host_event(struct bmc *bmc, enum host_event event);

/* A log-in by IPMI, or by SSH at the BMC's own address, of that user (0: of a name that nobody has)
 * has failed by its password, or has succeeded. Too many that fail lock the user out; that is an
 * event if clients want it so. */
void bmc_note_login(struct bmc *bmc, uint8_t user_id, bool succeeded);

/* A session of the LAN is over, for whatever reason: what lasts no longer than it falls back. */
void bmc_session_ended(struct bmc *bmc, uint32_t session);

/* Unknown without a host. */
static inline enum host_power_state bmc_power_state(const struct bmc *bmc)
{
    return bmc_core_power_state(&bmc->core);
}

#endif
