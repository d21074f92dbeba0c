/* How many sessions an account may have, and how much strangers may write to the log. */
#include "sol/ssh/internal.h"

#include <string.h>

#include "vbmc/base/log.h"

#define STRANGER_LINES   10 /* at once, then one in so much time */
#define STRANGER_EACH_MS 5000

/* The seats of the same account. BMCs may have accounts of their own, of which two with one name
 * are two, unless the same password and keys are right for both. */
static unsigned count_account(const struct ssh_shared *shared, const struct ssh_seat *of)
{
    unsigned count = 0;

    for (const struct ssh_seat *seat = shared->seats; seat; seat = seat->next)
        count += strcmp(seat->account, of->account) == 0 &&
                 (seat->accounts == of->accounts ||
                  ssh_accounts_agree(seat->accounts, of->accounts, of->account));
    return count;
}

const char *ssh_seat_take(struct ssh_shared *shared, struct ssh_seat *seat)
{
    unsigned all = shared->limits.sessions;
    unsigned of_account = seat->is_over_all ? all - all / 8 : shared->limits.account_sessions;

    seat->taken = true;
    seat->next = shared->seats;
    shared->seats = seat;
    shared->sessions++;
    shared->lesser_sessions += !seat->is_over_all;
    if (count_account(shared, seat) > of_account)
        return "too many sessions of this account";
    if (shared->sessions > all || (!seat->is_over_all && shared->lesser_sessions > all - all / 4))
        return "too many sessions";
    return NULL;
}

void ssh_seat_leave(struct ssh_shared *shared, struct ssh_seat *seat)
{
    struct ssh_seat **at = &shared->seats;

    if (!seat->taken)
        return;
    while (*at != seat)
        at = &(*at)->next;
    *at = seat->next;
    seat->taken = false;
    shared->sessions--;
    shared->lesser_sessions -= !seat->is_over_all;
}

void ssh_log_stranger(struct ssh_shared *shared, const char *remote, const char *what)
{
    char more[RATE_MORE_SIZE];

    if (!rate_take(&shared->strangers, STRANGER_LINES, STRANGER_EACH_MS, shared->loop.now_ms)) {
        shared->strangers_left_out++;
        return;
    }
    rate_tell_more(&shared->strangers_left_out, more);
    log_info("SSH: refused %s: %s%s", remote, what, more);
}
