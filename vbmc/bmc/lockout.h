/* Users who are locked out after bad passwords (IPMI 2.0, section 23.2, parameter 26). A failure
 * counts until a log-in succeeds or the rule's interval is over without another; with the
 * threshold's the user is locked out: for the rule's time, or until somebody enables the user
 * again. Failures meanwhile count for nothing, so that nobody is kept out for longer. */
#ifndef VBMC_BMC_LOCKOUT_H
#define VBMC_BMC_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/core.h"

struct lan;

#define LOCKOUT_NO_END UINT64_MAX

struct lockout_user {
    uint8_t failures;
    bool is_locked;
    uint64_t failed_ms; /* the last failure */
    uint64_t until_ms;  /* of a lock-out; LOCKOUT_NO_END */
};

struct lockout {
    const struct lan *lan;
    struct lockout_user *users; /* by id; NULL until the first failure */
    bool cleared;
};

#define LOCKOUT_ALL UINT16_MAX /* users */

/* The rule is that of `lan`, which outlives it. */
void lockout_init(struct lockout *lockout, const struct lan *lan);
/* The BMC goes. Changes that are still on their way to the disk end no lock-out, and fail with
 * -ESHUTDOWN; the struct stays until they have. */
void lockout_clear(struct lockout *lockout);

/* A log-in of that user has failed by its password. True if that locks the user out; a lock-out
 * without end is reported as a change of BMC_PART_LAN. Ids that no user has are left out, here and
 * below. */
bool lockout_note_failure(struct lockout *lockout, uint8_t user_id);
void lockout_note_success(struct lockout *lockout, uint8_t user_id);
/* Ends the lock-outs of `users` (bit N: user N) and forgets their failures: they were enabled, or
 * given a password or name. 0: done; -EINPROGRESS: the ticket (NULL: nobody waits) is finished
 * when that, or a release of before, is stored with BMC_PART_LAN. */
int lockout_release(struct lockout *lockout, uint16_t users, const struct bmc_ticket *ticket);
/* The same for a change of `part` by a client, as soon as that is on disk; one that the disk
 * refuses ends no lock-out. `is_new`: the change is reported here; else all is as the client wants
 * it, stored or on its way there. The ticket is finished when both parts are on disk, or with the
 * error of the first that is not. 0, -EINPROGRESS, or -ENOMEM: the change is reported, but ends no
 * lock-out and is waited for by nobody. */
int lockout_release_with(struct lockout *lockout, uint16_t users, enum bmc_part part, bool is_new,
                         const struct bmc_ticket *ticket);

bool lockout_is_locked(const struct lockout *lockout, uint8_t user_id);
/* When it ends, by the clock of bmc_hooks.now; LOCKOUT_NO_END; 0: there is none. */
uint64_t lockout_until_ms(const struct lockout *lockout, uint8_t user_id);
/* How much of it is left in seconds, LOCKOUT_NO_END, or 0: is not locked out. */
uint64_t lockout_left_s(const struct lockout *lockout, uint8_t user_id);

/* For what is stored: those who are locked out without end, bit N: user N. */
uint16_t lockout_without_end(const struct lockout *lockout);
/* Locks those out, and lets nobody in who is: what the disk refuses holds in memory. 0 or -ENOMEM.
 */
int lockout_restore(struct lockout *lockout, uint16_t without_end);

#endif
