/* Sessions of the LAN (IPMI 2.0, section 22.19), and Serial over LAN (chapters 24 and 26). */
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

/* Who is no administrator may close his own session only. */
int service_run_session_close(const struct service_call *call,
                              const union service_arguments *arguments)
{
    uint32_t session = arguments->session_close.session;

    if (session != call->caller->session && call->caller->privilege < PRIVILEGE_ADMINISTRATOR)
        return -EPERM;
    return arguments->session_close.close(arguments->session_close.context, session);
}

int service_run_sol_activate(const struct service_call *call,
                             const union service_arguments *arguments)
{
    const struct bmc *bmc = call->bmc;
    const struct bmc_sol_owner owner = {call->caller->session, call->caller->user_id};

    if (!bmc->payload)
        return -ENOSYS;
    return bmc->payload->activate(bmc->payload_context, &owner, call->caller->address,
                                  arguments->sol_activation);
}

/* To take a console over, clients deactivate the instance of another session; the same user may do
 * that, and an administrator. */
int service_run_sol_deactivate(const struct service_call *call,
                               const union service_arguments *arguments)
{
    const struct bmc *bmc = call->bmc;
    const struct caller *caller = call->caller;

    (void)arguments;
    if (!bmc->payload)
        return -ENOSYS;
    struct bmc_sol_owner owner = bmc->payload->owner(bmc->payload_context);
    if (caller->front_end == CALLER_LAN && owner.session != caller->session &&
        owner.user_id != caller->user_id && caller->privilege < PRIVILEGE_ADMINISTRATOR)
        return -EPERM;
    bmc->payload->deactivate(bmc->payload_context, caller->session);
    return 0;
}

int service_run_sol_access(const struct service_call *call,
                           const union service_arguments *arguments)
{
    const struct bmc *bmc = call->bmc;

    if (!bmc->payload)
        return -ENOSYS;
    int result = bmc->payload->set_user_access(bmc->payload_context, arguments->sol_access.user_id,
                                               arguments->sol_access.may, call->ticket);
    if (result == -ENOENT) /* an id that nobody has has no access */
        return arguments->sol_access.may ? -EDOM : 0;
    return result;
}

int service_run_sol_parameter(const struct service_call *call,
                              const union service_arguments *arguments)
{
    const struct bmc *bmc = call->bmc;

    if (!bmc->payload)
        return -ENOSYS;
    return bmc->payload->set_parameter(
        bmc->payload_context, call->caller->session, arguments->sol_parameter.number,
        arguments->sol_parameter.data, arguments->sol_parameter.size, call->ticket);
}
