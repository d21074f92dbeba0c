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

void waiters_expire(struct waiters *waiters, uint64_t now_ms)
{
    if (waiters->count > 0 && now_ms >= waiters->deadline_ms)
        waiters_finish(waiters, 0);
}
