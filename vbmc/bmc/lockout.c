#include "vbmc/bmc/lockout.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/users.h"

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

uint64_t lockout_left_s(const struct lockout *lockout, uint8_t user_id)
{
    uint64_t until = lockout_until_ms(lockout, user_id);

    if (until == 0 || until == LOCKOUT_NO_END)
        return until;
    uint64_t now = now_ms(lockout);
    return until > now ? (until - now + 999) / 1000 : 0;
}

bool lockout_is_locked(const struct lockout *lockout, uint8_t user_id)
{
    return lockout_left_s(lockout, user_id) > 0;
}

bool lockout_note_failure(struct lockout *lockout, uint8_t user_id)
{
    const struct lan_password_rule rule = lan_password_rule(lockout->lan);

    if (rule.threshold == 0 || lockout_is_locked(lockout, user_id) || make_users(lockout) < 0)
        return false;
    struct lockout_user *user = find(lockout, user_id);
    if (!user)
        return false;
    uint64_t now = now_ms(lockout);
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

bool lockout_release(struct lockout *lockout, uint8_t user_id)
{
    struct lockout_user *user = find(lockout, user_id);

    if (!user)
        return false;
    bool was_locked = user->is_locked;
    bool was_stored = was_locked && user->until_ms == LOCKOUT_NO_END;
    *user = (struct lockout_user){.failures = 0};
    if (was_locked)
        report_logins(lockout);
    if (was_stored)
        report_change(lockout);
    return was_stored;
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
