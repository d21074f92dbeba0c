#include "vbmc/bmc/lockout.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/users.h"

/* A change on its way to the disk that ends lock-outs. */
struct lockout_renewal {
    struct lockout *lockout; /* which is there for as long as anything is on its way */
    uint16_t users;
    enum bmc_part part;
    struct bmc_ticket ticket;
};

static uint64_t now_ms(const struct lockout *lockout)
{
    return lockout->lan->core->hooks->now(lockout->lan->core);
}

void lockout_init(struct lockout *lockout, const struct lan *lan)
{
    *lockout = (struct lockout){.lan = lan};
}

void lockout_clear(struct lockout *lockout)
{
    lockout->cleared = true;
    free(lockout->users);
    lockout->users = NULL;
}

static struct lockout_user *find(const struct lockout *lockout, uint8_t user_id)
{
    return lockout->users && user_id >= USER_ID_FIRST && user_id <= USER_ID_MAX
               ? &lockout->users[user_id]
               : NULL;
}

static int make_users(struct lockout *lockout)
{
    if (!lockout->users)
        lockout->users = calloc(USER_ID_MAX + 1, sizeof *lockout->users);
    return lockout->users ? 0 : -ENOMEM;
}

static void report_change(const struct lockout *lockout)
{
    const struct bmc_core *core = lockout->lan->core;

    core->hooks->changed(core, BMC_PART_LAN, NULL);
}

static void report_logins(const struct lockout *lockout)
{
    const struct bmc_core *core = lockout->lan->core;

    if (core->hooks->logins_changed)
        core->hooks->logins_changed(core);
}

uint64_t lockout_until_ms(const struct lockout *lockout, uint8_t user_id)
{
    const struct lockout_user *user = find(lockout, user_id);

    return user && user->is_locked ? user->until_ms : 0;
}

static uint64_t left_s(uint64_t until, uint64_t now)
{
    if (until == 0 || until == LOCKOUT_NO_END)
        return until;
    return until > now ? (until - now + 999) / 1000 : 0;
}

uint64_t lockout_left_s(const struct lockout *lockout, uint8_t user_id)
{
    return left_s(lockout_until_ms(lockout, user_id), now_ms(lockout));
}

/* The same work for everybody, also for id 0, which nobody has: how long it takes must not tell who
 * is locked out, or whether a name has an id. */
bool lockout_is_locked(const struct lockout *lockout, uint8_t user_id)
{
    uint64_t now = now_ms(lockout);

    if (!lockout->users || user_id > USER_ID_MAX)
        return false;
    const struct lockout_user *user = &lockout->users[user_id];
    return user->is_locked & (user->until_ms > now);
}

bool lockout_note_failure(struct lockout *lockout, uint8_t user_id)
{
    const struct lan_password_rule rule = lan_password_rule(lockout->lan);

    if (rule.threshold == 0 || make_users(lockout) < 0)
        return false;
    uint64_t now = now_ms(lockout);
    struct lockout_user *user = find(lockout, user_id);
    if (!user || left_s(lockout_until_ms(lockout, user_id), now) > 0)
        return false;
    bool is_over = user->is_locked ||
                   (rule.reset_s > 0 && now - user->failed_ms >= rule.reset_s * UINT64_C(1000));
    *user = (struct lockout_user){
        .failures = (uint8_t)(is_over ? 1 : user->failures + 1),
        .failed_ms = now,
    };
    if (user->failures < rule.threshold)
        return false;
    user->failures = 0;
    user->is_locked = true;
    user->until_ms = rule.lock_out_s > 0 ? now + rule.lock_out_s * UINT64_C(1000) : LOCKOUT_NO_END;
    if (user->until_ms == LOCKOUT_NO_END)
        report_change(lockout);
    report_logins(lockout);
    return true;
}

void lockout_note_success(struct lockout *lockout, uint8_t user_id)
{
    struct lockout_user *user = find(lockout, user_id);

    if (user)
        user->failures = 0;
}

/* True if that is to be stored. */
static bool release(struct lockout *lockout, uint16_t users)
{
    bool was_locked = false, was_stored = false;

    for (uint8_t id = USER_ID_FIRST; lockout->users && id <= USER_ID_MAX; id++) {
        struct lockout_user *user = find(lockout, id);
        if (!(users >> id & 1))
            continue;
        was_locked |= user->is_locked;
        was_stored |= user->is_locked && user->until_ms == LOCKOUT_NO_END;
        *user = (struct lockout_user){.failures = 0};
    }
    if (was_locked)
        report_logins(lockout);
    return was_stored;
}

int lockout_release(struct lockout *lockout, uint16_t users, const struct bmc_ticket *ticket)
{
    const struct bmc_core *core = lockout->lan->core;

    if (release(lockout, users)) {
        core->hooks->changed(core, BMC_PART_LAN, ticket);
        return -EINPROGRESS;
    }
    /* A release of before may be on its way to the disk. */
    return lockout->users && ticket ? bmc_core_unchanged(core, BMC_PART_LAN, ticket) : 0;
}

static void on_stored(const struct bmc_ticket *ticket, int result)
{
    struct lockout_renewal *renewal = (struct lockout_renewal *)ticket->sink;
    struct lockout *lockout = renewal->lockout;

    if (result == 0 && lockout->cleared)
        result = -ESHUTDOWN;
    if (result == 0) {
        bool is_of_other = renewal->part != BMC_PART_LAN;
        bool waits = is_of_other || (lockout_without_end(lockout) & renewal->users);
        result = lockout_release(lockout, renewal->users, waits ? &renewal->ticket : NULL);
    }
    if (result != -EINPROGRESS)
        bmc_ticket_finish(&renewal->ticket, result);
    free(renewal);
}

int lockout_release_with(struct lockout *lockout, uint16_t users, enum bmc_part part, bool is_new,
                         const struct bmc_ticket *ticket)
{
    const struct bmc_core *core = lockout->lan->core;

    if (!is_new && core->hooks->is_stored(core, part))
        return lockout_release(lockout, users, ticket);
    struct lockout_renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal) {
        core->hooks->changed(core, part, NULL);
        return -ENOMEM;
    }
    *renewal = (struct lockout_renewal){
        .lockout = lockout, .users = users, .part = part, .ticket = *ticket};
    core->hooks->changed(core, part, &(struct bmc_ticket){.done = on_stored, .sink = renewal});
    return -EINPROGRESS;
}

uint16_t lockout_without_end(const struct lockout *lockout)
{
    uint16_t users = 0;

    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (lockout_left_s(lockout, id) == LOCKOUT_NO_END)
            users |= (uint16_t)(1u << id);
    }
    return users;
}

int lockout_restore(struct lockout *lockout, uint16_t without_end)
{
    if (without_end != 0 && make_users(lockout) < 0)
        return -ENOMEM;
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (without_end >> id & 1)
            *find(lockout, id) =
                (struct lockout_user){.is_locked = true, .until_ms = LOCKOUT_NO_END};
    }
    if (without_end != 0)
        report_logins(lockout);
    return 0;
}
