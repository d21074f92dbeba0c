#include "vbmc/service/accounts.h"

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/caller.h"

static bool is_of_all_bmcs(const struct caller *caller)
{
    return caller->front_end == CALLER_SSH && !caller->one_bmc;
}

static enum privilege level_of(const struct caller *caller, const struct bmc *bmc, uint8_t id)
{
    const struct user *user = &bmc->users.by_id[id];
    unsigned changed = users_changed_parts(&bmc->users, id);
    bool knows_password = caller->by_key || !(changed & 1u << USER_PART_PASSWORD);

    if (changed & 1u << USER_PART_NAME || !knows_password || !user_may_log_in(user))
        return PRIVILEGE_NONE;
    return user_level_within(user, bmc->channel.limit);
}

enum privilege service_level_on(const struct caller *caller, const struct bmc *bmc)
{
    enum privilege level = caller->privilege, limit = bmc->channel.limit;

    if (!is_of_all_bmcs(caller))
        return level;
    uint8_t id = users_configured_id(&bmc->users, caller->name);
    if (id != 0)
        limit = level_of(caller, bmc, id);
    return level < limit ? level : limit;
}

bool service_is_locked_out(const struct caller *caller, const struct bmc *bmc)
{
    return is_of_all_bmcs(caller) &&
           lockout_is_locked(&bmc->lockout, users_configured_id(&bmc->users, caller->name));
}
