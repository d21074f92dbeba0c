/* Accounts (IPMI 2.0, sections 22.26 to 22.30). */
#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

static struct user_author author_of(const struct caller *caller)
{
    return (struct user_author){
        .session = caller->front_end == CALLER_LAN ? caller->session : 0,
        .ssh = caller->front_end == CALLER_SSH ? caller->address : NULL,
    };
}

static int end(const struct service_call *call, int result)
{
    if (result > 0)
        return service_changed(call, BMC_PART_USERS);
    if (result == -EEXIST)
        return service_refuse(call, result, "another account of this BMC has that name");
    return result < 0 ? result : bmc_core_unchanged(&call->bmc->core, BMC_PART_USERS, call->ticket);
}

/* The same, and lets in who is locked out of `users` (bit N: user N). */
static int end_and_release(const struct service_call *call, int result, uint16_t users)
{
    return result < 0 ? end(call, result)
                      : lockout_release_with(&call->bmc->lockout, users, BMC_PART_USERS, result > 0,
                                             call->ticket);
}

/* Whether that lets in who is locked out (section 23.2, parameter 26). It does so also where all is
 * as wanted already: the user may be enabled and locked out, and a request may be a repeat. */
static bool is_renewal(unsigned parts, const struct user *wanted)
{
    return parts & (1u << USER_PART_NAME | 1u << USER_PART_PASSWORD) ||
           (parts & 1u << USER_PART_ENABLED && wanted->enabled);
}

/* Whether an account that has a name may not use SOL. */
static bool is_denied_sol(const struct bmc *bmc, uint8_t id)
{
    return bmc->payload && id >= USER_ID_FIRST && id <= USER_ID_MAX &&
           bmc->users.by_id[id].name[0] && !bmc->payload->user_may(bmc->payload_context, id);
}

/* It may not under another name either, by which that is kept. */
static void keep_denied(const struct bmc *bmc, uint8_t id)
{
    const struct bmc_ticket nobody = {.done = NULL};

    if (bmc->users.by_id[id].name[0] && bmc->payload->user_may(bmc->payload_context, id))
        bmc->payload->set_user_access(bmc->payload_context, id, false, &nobody);
}

int service_run_user_change(const struct service_call *call,
                            const union service_arguments *arguments)
{
    const struct user_author author = author_of(call->caller);
    uint8_t id = arguments->user_change.id;
    bool is_denied = is_denied_sol(call->bmc, id);
    int result = users_change(&call->bmc->users, id, arguments->user_change.parts,
                              arguments->user_change.user, &author);
    if (result > 0 && is_denied)
        keep_denied(call->bmc, id);
    return is_renewal(arguments->user_change.parts, arguments->user_change.user)
               ? end_and_release(call, result, (uint16_t)(1u << id))
               : end(call, result);
}

int service_run_user_reset(const struct service_call *call,
                           const union service_arguments *arguments)
{
    const struct user_author author = author_of(call->caller);
    uint16_t denied = 0, renewed;

    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++)
        denied |= (uint16_t)(is_denied_sol(call->bmc, id) << id);
    int result = users_reset(&call->bmc->users, arguments->user_reset.id,
                             arguments->user_reset.parts, &author, &renewed);
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (result > 0 && denied >> id & 1)
            keep_denied(call->bmc, id);
    }
    return end_and_release(call, result, renewed);
}

static void describe_part(const struct user *user, enum user_part part, char *text, size_t size)
{
    if (part == USER_PART_NAME)
        snprintf(text, size, " name '%s'", user->name);
    else if (part == USER_PART_PASSWORD)
        snprintf(text, size, " password");
    else if (part == USER_PART_LIMIT)
        snprintf(text, size, " privilege %u", (unsigned)user->limit);
    else if (part == USER_PART_ENABLED)
        snprintf(text, size, user->enabled ? " enabled" : " disabled");
    else if (part == USER_PART_ACCESS)
        snprintf(text, size, " access %02xh", user->access);
    else
        snprintf(text, size, " sessions %u", user->sessions);
}

/* The id and what is set of it, never a password. */
void service_describe_user_change(const union service_arguments *arguments, char *text, size_t size)
{
    int used = snprintf(text, size, "%u:", arguments->user_change.id);

    for (unsigned part = 0; part < USER_PART_COUNT; part++) {
        char words[64];
        if (!(arguments->user_change.parts & 1u << part))
            continue;
        describe_part(arguments->user_change.user, (enum user_part)part, words, sizeof words);
        if (used >= 0 && (size_t)used < size)
            used += snprintf(text + used, size - (size_t)used, "%s", words);
    }
}

void service_describe_user_reset(const union service_arguments *arguments, char *text, size_t size)
{
    int used = snprintf(text, size, "%u:", arguments->user_reset.id);

    for (unsigned part = 0; part < USER_PART_COUNT; part++) {
        if (arguments->user_reset.parts & 1u << part && used >= 0 && (size_t)used < size)
            used += snprintf(text + used, size - (size_t)used, " %s",
                             user_part_name((enum user_part)part));
    }
}
