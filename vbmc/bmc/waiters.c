#include "vbmc/bmc/waiters.h"

bool waiters_add(struct waiters *waiters, const struct bmc_ticket *ticket)
{
    if (waiters->count == WAITERS_MAX)
        return false;
    waiters->tickets[waiters->count++] = *ticket;
    return true;
}

void waiters_finish(struct waiters *waiters, int result)
{
    struct waiters finished = *waiters;

    waiters->count = 0;
    for (unsigned i = 0; i < finished.count; i++)
        bmc_ticket_finish(&finished.tickets[i], result);
}

uint64_t waiters_next_deadline(const struct waiters *waiters)
{
    for (unsigned i = 0; i < waiters->count; i++) {
        if (!waiters->tickets[i].waits_for_end)
            return waiters->deadline_ms;
    }
    return UINT64_MAX;
}

void waiters_expire(struct waiters *waiters, uint64_t now_ms)
{
    struct waiters due = *waiters;

    if (waiters_next_deadline(waiters) > now_ms)
        return;
    waiters->count = 0;
    for (unsigned i = 0; i < due.count; i++) {
        if (due.tickets[i].waits_for_end)
            waiters->tickets[waiters->count++] = due.tickets[i];
    }
    for (unsigned i = 0; i < due.count; i++) {
        if (!due.tickets[i].waits_for_end)
            bmc_ticket_finish(&due.tickets[i], 0);
    }
}
