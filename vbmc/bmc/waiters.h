/* Requests that wait for one operation of the guest, each answered by its end or as accepted after
 * BMC_ANSWER_WITHIN_MS, whichever comes first. */
#ifndef VBMC_BMC_WAITERS_H
#define VBMC_BMC_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/ticket.h"

#define WAITERS_MAX 8

/* The beginning is all zeros. One that is copied is moved. */
struct waiters {
    struct bmc_ticket first;
    struct bmc_ticket *others; /* WAITERS_MAX - 1; NULL: there was one at most */
    unsigned count;
    uint64_t deadline_ms;
};

/* False if there is no room; there is for the first. */
bool waiters_add(struct waiters *waiters, const struct bmc_ticket *ticket);
/* The n-th, from 0. */
const struct bmc_ticket *waiters_ticket(const struct waiters *waiters, unsigned n);
/* Empties the list; what it had is the caller's, to be cleared. */
struct waiters waiters_take(struct waiters *waiters);
/* Forgets them unanswered. */
void waiters_clear(struct waiters *waiters);
/* Empties the list first, so that a callback may start the next operation. */
void waiters_finish(struct waiters *waiters, int result);
/* When waiters_expire has something to do; UINT64_MAX if it has not. */
uint64_t waiters_next_deadline(const struct waiters *waiters);
/* Finishes with the result (0: accepted) what is due at now_ms, except tickets that wait for the
 * end.
 */
void waiters_expire(struct waiters *waiters, uint64_t now_ms, int result);

#endif
