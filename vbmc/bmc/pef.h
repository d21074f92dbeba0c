/* Platform Event Filtering (IPMI 2.0, chapter 17): what the BMC does by itself about events, each
 * when it is in the log. Events that come while PEF is off are never looked at.
 *
 * Events are held back during the startup delay and while the postpone timer is armed, which gives
 * software the time to deal with them: what it has processed by then (Set Last Processed Event ID)
 * is left to it. What is held is stored, and so are timer and delays: all goes on when the daemon
 * is started again. An event that was held is acted on when it is on disk that it is held no more:
 * a daemon that is killed does nothing twice. A disk that refuses that keeps no event from being
 * acted on; it would be again if the daemon ended before the disk takes it. */
#ifndef VBMC_BMC_PEF_H
#define VBMC_BMC_PEF_H

#include <stdint.h>

#include "vbmc/bmc/pef_settings.h"
#include "vbmc/host/host.h"

/* Events that are held back; more are dropped. */
#define PEF_HELD_MAX 64

/* Events that were held when the daemon ended wait for the guest to be seen, but no longer. */
#define PEF_RESUME_MS 10000

/* Arm PEF Postpone Timer (section 30.2): 0 off, up to 253 seconds, and */
#define PEF_POSTPONE_MAX     0xfd
#define PEF_POSTPONE_FOREVER 0xfe /* no countdown */

struct alerts;
struct bmc_core;
struct chassis;
struct sel;

/* Set in progress (parameter 0). */
enum {
    PEF_SET_COMPLETE = 0,
    PEF_SET_IN_PROGRESS = 1,
};

/* Part of struct bmc. */
struct pef {
    const struct bmc_core *core;
    struct chassis *chassis;  /* of the same BMC */
    struct alerts *alerts;    /* the same */
    struct sel *sel;          /* NULL: no events come */
    struct pef_settings *own; /* NULL: the defaults hold */
    uint8_t set_in_progress;
    uint32_t setting_session;    /* which has begun it; 0: none */
    uint32_t arms;               /* how often a client has armed or disarmed the timer */
    uint8_t postpone_s;          /* of the timer as it was armed; 0: it is not */
    uint64_t postponed_until_ms; /* 0: it does not count */
    uint64_t starts_at_ms;       /* end of the startup delay; 0: there is none */
    int64_t run;           /* of the guest when these began: struct host_domain; -1: it was off */
    int64_t place;         /* the same; 0: not known */
    bool in_doubt;         /* restored, and the guest has not been seen yet */
    struct pef_held *held; /* in their order */
    unsigned held_count;
    struct pef_held *released; /* held no more; acted on when that is on disk */
    uint64_t resumes_at_ms;    /* end of the wait for the guest; 0: nothing was restored */
    bool has_changed;          /* what is stored of these, in the present call */
};

/* All of the same BMC. */
void pef_init(struct pef *pef, const struct bmc_core *core, struct chassis *chassis,
              struct alerts *alerts);
/* Frees what it has; what is held is lost. */
void pef_clear(struct pef *pef);
/* Whose events it looks at, from now on. NULL: nobody's; before the log goes. What waits for the
 * disk to be acted on is then held again, for the next start of the daemon. */
void pef_set_log(struct pef *pef, struct sel *sel);

/* Valid until they are changed. */
static inline const struct pef_settings *pef_settings(const struct pef *pef)
{
    return pef->own ? pef->own : &pef_default_settings;
}

/* Arms the postpone timer (the caller reports BMC_PART_PEF_PENDING as changed), which counts as
 * long as there are events that software has not processed, or disarms it. When it ends, what is
 * held is processed. The end of the guest's run and its reset disarm it too. */
void pef_postpone(struct pef *pef, uint8_t seconds);
/* Its present countdown in seconds, rounded up; PEF_POSTPONE_FOREVER; 0: it is not armed. */
uint8_t pef_postpone_left(const struct pef *pef);

/* ---- for BMC_PART_PEF_PENDING ---- */

struct pef_timers {
    uint32_t arms;
    uint8_t postpone_s;
    int64_t postponed_ms;     /* what is left of that; -1: it does not count */
    int64_t startup_ms;       /* of the startup delay; 0: there is none */
    int64_t alert_startup_ms; /* of the alert startup delay; the same */
    int64_t run, place;       /* of the guest when these began, as in struct pef */
};

void pef_take_timers(const struct pef *pef, struct pef_timers *timers);
/* At the start of the daemon: they go on unless the guest is found in another run. 0, or -EINVAL
 * with nothing changed. */
int pef_restore_timers(struct pef *pef, const struct pef_timers *timers);
/* The store has refused what came after these: if a client has armed the postpone timer since, that
 * is taken back, and nothing else; not to that of a run that has ended. */
void pef_take_back_postpone(struct pef *pef, const struct pef_timers *timers);
/* The n-th event that is held; NULL if there are no more. */
const uint8_t *pef_held_record(const struct pef *pef, unsigned n);
/* Holds one more, at the start of the daemon. 0, -EINVAL (is none) or -ENOMEM (also: too many). */
int pef_restore_held(struct pef *pef, const uint8_t record[16]);

/* ---- for bmc.c ---- */

void pef_tick(struct pef *pef);
uint64_t pef_next_deadline(const struct pef *pef);
void pef_host_event(struct pef *pef, enum host_event event);
/* The BMC restarts (Cold Reset), and what is stored of its settings is read again. */
void pef_restart(struct pef *pef);
/* The session is over, and with it a "set in progress" that it has begun. */
void pef_session_ended(struct pef *pef, uint32_t session);

#endif
