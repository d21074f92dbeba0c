/* Channel access and key (IPMI 2.0, sections 22.22 and 22.25) and the LAN (chapter 23). */
#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

int service_run_channel_access(const struct service_call *call,
                               const union service_arguments *arguments)
{
    return lan_set_access(&call->bmc->lan, &arguments->lan_access, call->ticket);
}

int service_run_channel_key(const struct service_call *call,
                            const union service_arguments *arguments)
{
    return lan_set_key(&call->bmc->lan, arguments->channel_key, call->ticket);
}

int service_run_lan_parameter(const struct service_call *call,
                              const union service_arguments *arguments)
{
    return lan_set_parameter(&call->bmc->lan, arguments->lan_parameter.number,
                             arguments->lan_parameter.data, arguments->lan_parameter.size,
                             call->caller->session, call->ticket);
}

/* By number alone: the community string is a password. */
void service_describe_lan_parameter(const union service_arguments *arguments, char *text,
                                    size_t size)
{
    snprintf(text, size, "%u", arguments->lan_parameter.number);
}

int service_run_lan_reset(const struct service_call *call, const union service_arguments *arguments)
{
    (void)arguments;
    lan_reset(&call->bmc->lan);
    return lockout_release_with(&call->bmc->lockout, LOCKOUT_ALL, BMC_PART_LAN, true, call->ticket);
}

int service_run_lan_statistics(const struct service_call *call,
                               const union service_arguments *arguments)
{
    const struct lan *lan = &call->bmc->lan;

    (void)arguments;
    if (lan->ops)
        lan->ops->clear_statistics(lan->ops_context);
    return 0;
}
