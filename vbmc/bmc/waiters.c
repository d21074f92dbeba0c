#include "vbmc/bmc/waiters.h"

#include <stdlib.h>

static struct bmc_ticket *ticket_at(struct waiters *waiters, unsigned n)
{
    return n == 0 ? &waiters->first : &waiters->others[n - 1];
}

const struct bmc_ticket *waiters_ticket(const struct waiters *waiters, unsigned n)
{
    return n == 0 ? &waiters->first : &waiters->others[n - 1];
}

bool waiters_add(struct waiters *waiters, const struct bmc_ticket *ticket)
{
    if (waiters->count == WAITERS_MAX)
        return false;
    if (waiters->count > 0 && !waiters->others) {
        waiters->others = calloc(WAITERS_MAX - 1, sizeof *waiters->others);
        if (!waiters->others)
            return false;
    }
    *ticket_at(waiters, waiters->count++) = *ticket;
    return true;
}

void waiters_clear(struct waiters *waiters)
{
    free(waiters->others);
    waiters->others = NULL;
    waiters->count = 0;
}

struct waiters waiters_take(struct waiters *waiters)
{
    struct waiters taken = *waiters;

    waiters->others = NULL;
    waiters->count = 0;
    return taken;
}

void waiters_finish(struct waiters *waiters, int result)
{
    struct waiters finished = waiters_take(waiters);

    for (unsigned i = 0; i < finished.count; i++)
        bmc_ticket_finish(ticket_at(&finished, i), result);
    waiters_clear(&finished);
}

uint64_t waiters_next_deadline(const struct waiters *waiters)
{
    for (unsigned i = 0; i < waiters->count; i++) {
        if (!waiters_ticket(waiters, i)->waits_for_end)
            return waiters->deadline_ms;
    }
    return UINT64_MAX;
}

void waiters_expire(struct waiters *waiters, uint64_t now_ms, int result)
{
    struct bmc_ticket due[WAITERS_MAX];
    unsigned count = 0, kept = 0;

    if (waiters_next_deadline(waiters) > now_ms)
        return;
    for (unsigned i = 0; i < waiters->count; i++) {
        const struct bmc_ticket *ticket = waiters_ticket(waiters, i);
        if (ticket->waits_for_end)
            *ticket_at(waiters, kept++) = *ticket;
        else
            due[count++] = *ticket;
    }
    waiters->count = kept;
    if (kept == 0)
        waiters_clear(waiters);
    for (unsigned i = 0; i < count; i++)
        bmc_ticket_finish(&due[i], result);
}
