/* What a hypervisor can do for one guest, behind one table. The model (vbmc/bmc) knows guests only
 * by this header; libvirt and the fake of the tests implement it. Everything runs on the loop
 * thread; nothing blocks. */
#ifndef VBMC_HOST_HOST_H
#define VBMC_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"

enum host_power_state {
    HOST_POWER_UNKNOWN, /* the hypervisor cannot be reached: never answered as a guess */
    HOST_POWER_OFF,
    HOST_POWER_RUNNING,
    HOST_POWER_PAUSED,
    HOST_POWER_SUSPENDED, /* suspended to RAM by the guest ("pmsuspended") */
    HOST_POWER_CRASHED,   /* QEMU exists, the guest in it has panicked */
};

/* The numbers are those of Chassis Control (IPMI 2.0, section 28.3). */
enum host_power_action {
    HOST_POWER_ACTION_DOWN = 0,
    HOST_POWER_ACTION_UP = 1,
    HOST_POWER_ACTION_CYCLE = 2,
    HOST_POWER_ACTION_HARD_RESET = 3,
    HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT = 4,
    HOST_POWER_ACTION_SOFT_SHUTDOWN = 5,
};

enum host_boot_device {
    HOST_BOOT_NONE,
    HOST_BOOT_NETWORK,
    HOST_BOOT_DISK,
    HOST_BOOT_CDROM,
    HOST_BOOT_REMOVABLE,
    HOST_BOOT_FIRMWARE_MENU,
};

struct host_boot_override {
    enum host_boot_device device;
    bool persistent; /* edits the stored definition too */
};

/* Result of an operation: 0, or -EHOSTUNREACH (no connection to the hypervisor), -ENODEV (the
 * domain is gone), -EINVAL (not possible in the guest's present state), -ENOTSUP, -EIO (refused;
 * `text` says why). */
typedef void host_done_fn(void *context, int result, const char *text);

struct host_domain;

struct host_ops {
    /* Starts a power action; cycle_interval_s is the time between down and up of a cycle. `done`
     * runs exactly once, possibly before this returns, unless cancelled. Actions of one guest run
     * one after the other in the order of the calls. */
    void (*power)(struct host_domain *domain, enum host_power_action action,
                  unsigned cycle_interval_s, host_done_fn *done, void *context);
    /* Replaces the boot override; HOST_BOOT_NONE takes it back. Never starts, stops or resets a
     * guest. Ordered with the power actions. */
    void (*set_boot)(struct host_domain *domain, const struct host_boot_override *override,
                     host_done_fn *done, void *context);
    /* Sends a break to the serial port of that alias ("serial0"); waits for power actions only
     * where it cannot be sent at once. -ENOTSUP: the hypervisor has no way. NULL: the driver has
     * none. */
    void (*send_break)(struct host_domain *domain, const char *alias, host_done_fn *done,
                       void *context);
    /* No callback with this context runs any more; what has begun goes on. */
    void (*cancel)(struct host_domain *domain, void *context);
};

/* The part of a guest that every driver shares; a driver embeds it. */
struct host_domain {
    const struct host_ops *ops;
    struct uuid uuid;
    char *name;
    enum host_power_state state; /* cached and fed by events; reading it never waits */
};

/* True if QEMU exists: running, paused, suspended or crashed. */
static inline bool host_power_state_is_on(enum host_power_state state)
{
    return state != HOST_POWER_UNKNOWN && state != HOST_POWER_OFF;
}

/* What a driver tells of a guest as it happens. */
enum host_event {
    HOST_EVENT_STATE,         /* domain->state has changed */
    HOST_EVENT_STARTED,       /* QEMU was started, by anybody */
    HOST_EVENT_STOPPED,       /* QEMU is gone, for whatever reason */
    HOST_EVENT_RESET,         /* the guest was reset, by anybody */
    HOST_EVENT_BOOT_CONSUMED, /* a one-time override was used by a boot and taken back */
    HOST_EVENT_BOOT_CHANGED,  /* the driver's own boot record has to be stored */
    HOST_EVENT_RENAMED,
    HOST_EVENT_TAGGED, /* the domain got or lost our metadata */
};

#endif
