/* The chassis of a BMC (IPMI 2.0, chapter 28): power, identify light, restart cause, power-on
 * hours. */
#ifndef VBMC_BMC_CHASSIS_H
#define VBMC_BMC_CHASSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/reset_burst.h"
#include "vbmc/bmc/waiters.h"
#include "vbmc/host/host.h"

enum power_restore_policy {
    POWER_RESTORE_STAY_OFF = 0,
    POWER_RESTORE_PREVIOUS = 1,
    POWER_RESTORE_ALWAYS_ON = 2,
};

/* Section 28.11. */
enum restart_cause {
    RESTART_CAUSE_UNKNOWN = 0,
    RESTART_CAUSE_CHASSIS_CONTROL = 1,
    RESTART_CAUSE_POWER_BUTTON = 3,
    RESTART_CAUSE_WATCHDOG = 4,
    RESTART_CAUSE_RESTORE_ALWAYS_ON = 6,
    RESTART_CAUSE_RESTORE_PREVIOUS = 7,
    RESTART_CAUSE_PEF_RESET = 8,
    RESTART_CAUSE_PEF_CYCLE = 9,
    RESTART_CAUSE_SOFT_RESET = 10,
};

/* Get Chassis Status, last power event (table 28-3, byte 3): why the power went down last, and
 * whether a command has brought it up last. */
enum power_event {
    POWER_EVENT_AC_FAILED = 0x01,
    POWER_EVENT_OVERLOAD = 0x02,
    POWER_EVENT_FAULT = 0x08,
    POWER_EVENT_ON_BY_COMMAND = 0x10,
};

/* The power restore policy after a boot of the host's machine. */
enum restore_stage {
    RESTORE_NONE,    /* nothing is left to do */
    RESTORE_WAITS,   /* it is carried out when the guest is found */
    RESTORE_IF_GONE, /* the guest was seen on: it is carried out if that proves wrong */
    RESTORE_BEGUN,   /* the guest is to be started; not known to be on disk yet */
};

enum identify_state {
    IDENTIFY_OFF = 0,
    IDENTIFY_TIMED = 1,
    IDENTIFY_INDEFINITE = 2,
};

#define IDENTIFY_DEFAULT_S 15

#define CHASSIS_QUEUE_MAX 4

/* An accepted action that is older than this is not carried out any more after a restart of the
 * daemon, or after the hypervisor was away: the client has looked elsewhere meanwhile. */
#define CHASSIS_OWED_MAX_AGE_MS (10 * INT64_C(60000))

/* What is stored of power actions: chassis_list_owed. */
#define CHASSIS_RECORDS_MAX (2 * CHASSIS_QUEUE_MAX)

/* So long an action of the BMC's own, or of a single step, waits for the store: it is done whatever
 * the disk does. */
#define CHASSIS_OWN_STORE_MS 80

/* So long after its time a client waits for an action that the store has not taken; then it is told
 * so.
 */
#define CHASSIS_UNSTORED_MS 5000

/* The hypervisor did not answer, and is there all the same: when it is asked again. */
#define CHASSIS_RESUME_MS 1000

struct chassis_action {
    enum host_power_action action;
    uint32_t session;
    enum restart_cause cause; /* of a start that comes of it */
    int64_t at_ms;            /* monotonic: when it was accepted, or begun */
    int64_t run;              /* of the guest when it was queued, and again when it was */
    int64_t place;            /* begun: struct host_domain; place 0: not known */
    bool begun;               /* its turn has come */
    bool accepted;            /* answered with success before its end was known */
    /* Below: of this run of the daemon only. */
    bool own;             /* of the BMC by itself: chassis_act */
    bool answers_first;   /* asked for by the guest that it ends: chassis_control_from_within */
    bool held;            /* so the guest sees the answer; it starts at start_by_ms */
    bool resumed;         /* taken up again: its age counts from before */
    bool started;         /* the driver has it */
    bool stored;          /* the store knows it */
    bool begun_stored;    /* the store knows that it was begun */
    int refused;          /* why the store did not take that it was begun; 0 */
    uint64_t queued_save; /* number of the first save that has it; 0: none */
    uint64_t begun_save;  /* number of the first save that has it as begun; 0: none */
    uint64_t start_by_ms; /* it starts then, even if the store has said nothing; 0: it does not */
    struct waiters waiters;
};

struct chassis {
    const struct bmc_core *core;
    struct boot_options *boot; /* of the same BMC */
    /* Stored. */
    enum power_restore_policy restore_policy;
    uint8_t cycle_interval_s;
    uint32_t poh_minutes;
    bool was_on;
    enum restart_cause restart_cause;
    uint32_t boots;           /* starts of the guest that were seen */
    uint8_t last_power_event; /* bits of enum power_event */
    bool was_on_last_run; /* was_on as the daemon found it in the store, or at the host's boot */
    enum restore_stage restore; /* stored is whether something is left to do */
    /* Not stored. */
    /* Monotonic, negative where that was before the machine's own start; 0: off. Of a guest that
     * was found running, and not in the run that is stored: since it was found. */
    int64_t on_since_ms;
    int64_t run;            /* of the guest that is on: struct host_domain; stored, as the above */
    bool on_since_in_doubt; /* the two are from the store, and the guest has not been seen yet */
    bool control_fault;     /* the last power action failed */
    bool lacks_supply;      /* chassis_set_supply */
    unsigned dark_cause;    /* as this */
    struct reset_burst burst; /* of the last start or reset */
    bool reset_is_first;      /* the RESET event told last has begun it */
    uint64_t reset_until_ms;  /* a RESET before this is that of a power reset; 0: none is awaited */
    enum restart_cause reset_cause; /* of that reset */
    enum identify_state identify;
    uint64_t identify_until_ms;
    uint8_t front_panel_disabled; /* bits as in Set Front Panel Enables */
    bool poh_counting;            /* the guest is on */
    bool poh_in_doubt;            /* it was when its state was last known */
    uint64_t poh_counted_ms;      /* time up to which poh_minutes is counted, while counting */
    uint64_t poh_rest_ms;         /* part of a minute of earlier runs */
    /* Power actions in order of arrival; the first one is under way. */
    struct chassis_action *queue; /* CHASSIS_QUEUE_MAX; NULL: there was none yet */
    unsigned queued;
    /* What was accepted and could not be finished while a hypervisor, a guest or the daemon was
     * away; stored, as the queue is. */
    struct chassis_action *owed; /* CHASSIS_RECORDS_MAX; NULL: there was none yet */
    unsigned owed_count;
    uint64_t resume_at_ms; /* it is taken up again then; 0: with the next state of the guest */
    uint64_t owed_saves;   /* number of the last one begun */
    bool owed_changed;     /* since then */
};

/* Wipes what it knows of its BMC too. */
void chassis_set_defaults(struct chassis *chassis);
/* Frees what it has, when nothing of it is stored any more. */
void chassis_clear(struct chassis *chassis);

/* What the power supplies deliver, told whenever it changes: whether they carry the server, without
 * which it does not come up; and if they have not since it was last on, why (POWER_EVENT_AC_FAILED,
 * _OVERLOAD or _FAULT; else 0). While there is a cause, what the power restore policy calls
 * "previous" is the state before. */
void chassis_set_supply(struct chassis *chassis, bool sufficient, unsigned dark_cause);

/* The power restore policy (IPMI 2.0, section 28.8): whether a guest that was on, or off, when its
 * power failed is to be on when it comes back. For a failure of the facility the state before is
 * chassis->was_on; for one of the hypervisor's machine, with which the daemon may have gone,
 * chassis->was_on_last_run. */
bool chassis_wants_power(const struct chassis *chassis, bool was_on);

/* Nothing is left to do for the power restore policy after the host's boot, which is stored. */
void chassis_end_restore(struct chassis *chassis);

/* seconds 0 and not indefinite: off. */
void chassis_identify(struct chassis *chassis, uint8_t seconds, bool indefinite);
enum identify_state chassis_identify_state(const struct chassis *chassis);

/* The BMC starts again: identify light and front panel enables fall back. */
void chassis_restart(struct chassis *chassis);

/* Counts the minutes of a running guest up to now. */
uint32_t chassis_poh_minutes(struct chassis *chassis);

/* For the start of the daemon: the guest was on since then, in that run, and its power-on time is
 * counted up to `counted_ms` (as on_since_ms). Taken over when it is found in the same run. */
void chassis_restore_run(struct chassis *chassis, int64_t run, int64_t on_since_ms,
                         int64_t counted_ms);
/* The numbers of runs may have come again since, for other runs. */
void chassis_forget_run(struct chassis *chassis);

/* The guest has lost its power while nobody looked: POWER_EVENT_AC_FAILED, _OVERLOAD or _FAULT. */
void chassis_note_power_lost(struct chassis *chassis, enum power_event cause);

/* For bmc.c and chassis_power.c. */
/* The state of the guest has changed. Where it went off, HOST_EVENT_STOPPED follows. */
void chassis_follow_state(struct chassis *chassis);
/* There is another host_domain, or none. */
void chassis_set_host(struct chassis *chassis);
void chassis_host_event(struct chassis *chassis, enum host_event event);
/* A power reset of that cause begins, and ends with that result: whose the next RESET event is. The
 * event may come after the end. */
void chassis_await_reset(struct chassis *chassis, enum restart_cause cause);
void chassis_reset_ended(struct chassis *chassis, int result);

#endif
