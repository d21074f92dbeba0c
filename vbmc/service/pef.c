/* Platform Event Filtering (IPMI 2.0, chapters 17 and 30). */
#include "vbmc/service/runs.h"

int service_run_pef_parameter(const struct service_call *call,
                              const union service_arguments *arguments)
{
    return pef_set_parameter(&call->bmc->pef, &arguments->pef_parameter, call->caller->session,
                             call->ticket);
}
