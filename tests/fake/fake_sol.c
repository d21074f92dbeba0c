#include "tests/fake/fake_sol.h"

#include <errno.h>

#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/users.h"

struct fake_sol fake_sol;

void fake_sol_reset(void)
{
    fake_sol = (struct fake_sol){.enabled = true};
}

static struct bmc_sol_policy policy(void *context)
{
    (void)context;
    return (struct bmc_sol_policy){.enabled = fake_sol.enabled, .privilege = PRIVILEGE_USER};
}

static struct bmc_sol_owner get_owner(void *context)
{
    (void)context;
    return fake_sol.owner;
}

static int activate(void *context, const struct bmc_sol_owner *owner, const char *address,
                    struct bmc_sol_activation *activation)
{
    (void)context;
    (void)address;
    fake_sol.owner = *owner;
    *activation = (struct bmc_sol_activation){259, 259, 623};
    return 0;
}

static void deactivate(void *context, uint32_t session)
{
    (void)context;
    if (session != fake_sol.owner.session && fake_sol.displaced)
        fake_sol.displaced(fake_sol.owner.session);
    fake_sol.owner.session = 0;
}

static bool is_user(uint8_t user_id)
{
    return user_id >= USER_ID_FIRST && user_id < USER_ID_MAX;
}

static bool user_may(void *context, uint8_t user_id)
{
    (void)context;
    return is_user(user_id) && !fake_sol.denied;
}

static int set_user_access(void *context, uint8_t user_id, bool may,
                           const struct bmc_ticket *ticket)
{
    (void)context;
    if (!is_user(user_id))
        return -ENOENT;
    fake_sol.denied = !may;
    fake_sol.changes++;
    bmc_ticket_finish(ticket, 0);
    return -EINPROGRESS;
}

static int set_parameter(void *context, uint32_t session, uint8_t parameter, const uint8_t *data,
                         size_t size, const struct bmc_ticket *ticket)
{
    (void)context;
    (void)session;
    if (parameter > 1)
        return -ENOPROTOOPT;
    if (size != 1)
        return -EMSGSIZE;
    fake_sol.changes++;
    if (parameter == 0)
        return 0;
    fake_sol.enabled = data[0] & 1;
    bmc_ticket_finish(ticket, 0);
    return -EINPROGRESS;
}

/* As many bytes as its number says. */
static int get_parameter(void *context, uint8_t parameter, uint8_t set, uint8_t block,
                         uint8_t *data, size_t *size)
{
    (void)context;
    *size = parameter % (BMC_SOL_PARAMETER_MAX + 1);
    for (size_t i = 0; i < *size; i++)
        data[i] = set ^ block;
    return 0;
}

const struct bmc_payload_ops fake_sol_ops = {
    .policy = policy,
    .owner = get_owner,
    .activate = activate,
    .deactivate = deactivate,
    .user_may = user_may,
    .set_user_access = set_user_access,
    .set_parameter = set_parameter,
    .get_parameter = get_parameter,
};
