/* The watchdog timer (IPMI 2.0, chapter 27): it counts down from an initial value unless it is
 * reset in time, and then acts on the guest. */
#ifndef VBMC_BMC_WATCHDOG_H
#define VBMC_BMC_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/rate.h"
#include "vbmc/host/host.h"

struct bmc_core;
struct chassis;
struct messaging;

/* The numbers are those of Set Watchdog Timer (section 27.6). */
enum watchdog_use {
    WATCHDOG_USE_NONE = 0, /* never set */
    WATCHDOG_USE_BIOS_FRB2 = 1,
    WATCHDOG_USE_BIOS_POST = 2,
    WATCHDOG_USE_OS_LOAD = 3,
    WATCHDOG_USE_SMS_OS = 4,
    WATCHDOG_USE_OEM = 5,
};

enum watchdog_interrupt {
    WATCHDOG_INTERRUPT_NONE = 0,
    WATCHDOG_INTERRUPT_SMI = 1, /* no hypervisor makes one: refused */
    WATCHDOG_INTERRUPT_NMI = 2,
    WATCHDOG_INTERRUPT_MESSAGING = 3, /* a message flag for the system interface */
};

enum watchdog_action {
    WATCHDOG_ACTION_NONE = 0,
    WATCHDOG_ACTION_HARD_RESET = 1,
    WATCHDOG_ACTION_POWER_DOWN = 2,
    WATCHDOG_ACTION_POWER_CYCLE = 3,
};

#define WATCHDOG_COUNT_MS 100

/* Bits of the timer use expiration flags: bit N is that of use N. */
#define WATCHDOG_FLAGS 0x3e

/* Nobody can reset the timer while the daemon is down: it does not end sooner than this after the
 * daemon's start, unless its initial countdown is shorter. */
#define WATCHDOG_RESUME_MS 5000

struct watchdog_settings {
    enum watchdog_use use;
    enum watchdog_interrupt interrupt;
    enum watchdog_action action;
    uint8_t pretimeout_s;
    uint16_t initial; /* counts of WATCHDOG_COUNT_MS */
    bool dont_log;    /* until the next expiration */
};

struct watchdog {
    const struct bmc_core *core;
    struct chassis *chassis; /* these two: of the same BMC */
    struct messaging *messaging;
    struct rate events; /* of its ends and interrupts */
    /* Stored. */
    struct watchdog_settings settings;
    uint32_t sets;    /* how often it was set; 0: never */
    uint32_t stops;   /* how often something other than a Set has stopped it, or would have */
    uint8_t expired;  /* timer use expiration flags */
    bool running;     /* also while it is held */
    bool held;        /* the guest stands still: paused, saved, or being migrated */
    bool interrupted; /* the pre-timeout interrupt of this countdown was made */
    int64_t run;      /* of the guest when the timer was started: struct host_domain; -1: unknown */
    int64_t place;
    bool due_interrupt; /* these two: to be done still (watchdog_due.h) */
    enum watchdog_action due_action;
    int64_t due_run; /* what is due is for this run, as `run` */
    int64_t due_place;
    /* One of the two, by whether it counts; stored as far as they go. */
    uint64_t ends_at_ms; /* while it runs and is not held: monotonic */
    uint64_t left_ms;    /* else: what is left of the countdown */
    /* Not stored. */
    bool in_doubt;        /* restored, and the guest has not been seen yet */
    bool interrupt_given; /* these two: the chassis has it, and is about to store it */
    bool action_given;
    uint32_t ends;       /* how often it has expired */
    uint32_t due_stores; /* how often what is due was to be stored */
    uint64_t act_by_ms;  /* what is due waits for the disk, until then; 0: it does not */
};

/* What is stored of it, at any time. */
struct watchdog_record {
    struct watchdog_settings settings;
    uint32_t sets, stops;
    uint8_t expired;
    bool running, held, interrupted;
    int64_t left_ms; /* now; below zero: so long ago */
    int64_t run, place;
    bool due_interrupt;
    enum watchdog_action due_action;
    int64_t due_run, due_place;
};

void watchdog_init(struct watchdog *watchdog, const struct bmc_core *core, struct chassis *chassis,
                   struct messaging *messaging);

/* Set Watchdog Timer (section 27.6), with the expiration flags to clear. The timer stops, unless it
 * runs and keep_running is set: then it goes on from the new initial value. 0, or -EDOM (a use, an
 * action or an interrupt that there is not) with nothing changed. */
int watchdog_set(struct watchdog *watchdog, const struct watchdog_settings *settings,
                 uint8_t clear_flags, bool keep_running);
/* Reset Watchdog Timer (section 27.5): starts the countdown again from the initial value. 0;
 * -ENOPROTOOPT: it was never set; -EINVAL: the guest is off, or the pre-timeout interrupt was made,
 * behind which only a Set stops the timer. */
int watchdog_reset(struct watchdog *watchdog);
/* Stops it, as nobody could any more, or there is nothing left to watch; `reason` is for the log.
 */
void watchdog_stop(struct watchdog *watchdog, const char *reason);
/* Counts of WATCHDOG_COUNT_MS that are left, the one under way included. */
uint16_t watchdog_present(const struct watchdog *watchdog);

/* "SMS/OS", "hard reset", for people. */
const char *watchdog_use_name(enum watchdog_use use);
const char *watchdog_action_name(enum watchdog_action action);

/* For BMC_PART_WATCHDOG. */
void watchdog_take_record(const struct watchdog *watchdog, struct watchdog_record *record);
/* Takes over what is stored (NULL: nothing is), at the start of the daemon; or, later, because the
 * store has refused what came after it: then only what a Set has changed is taken back. 0, or
 * -EINVAL (not valid, and left out). */
int watchdog_restore(struct watchdog *watchdog, const struct watchdog_record *record);

/* For bmc.c. */
void watchdog_tick(struct watchdog *watchdog);
uint64_t watchdog_next_deadline(const struct watchdog *watchdog);
/* There is another host_domain, or none. */
void watchdog_set_host(struct watchdog *watchdog);
/* Behind the chassis. */
void watchdog_host_event(struct watchdog *watchdog, enum host_event event);

#endif
