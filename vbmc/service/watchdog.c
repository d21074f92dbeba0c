/* Watchdog timer (IPMI 2.0, chapter 27). */
#include "vbmc/bmc/watchdog.h"

#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/service/runs.h"

int service_run_watchdog_set(const struct service_call *call,
                             const union service_arguments *arguments)
{
    int result = watchdog_set(&call->bmc->watchdog, &arguments->watchdog.settings,
                              arguments->watchdog.clear_flags, arguments->watchdog.keep_running);

    return result < 0 ? result : service_changed(call, BMC_PART_WATCHDOG);
}

void service_describe_watchdog_set(const union service_arguments *arguments, char *text,
                                   size_t size)
{
    const struct watchdog_settings *settings = &arguments->watchdog.settings;

    snprintf(text, size, "%s, %s after %u.%u s", watchdog_use_name(settings->use),
             watchdog_action_name(settings->action), settings->initial / 10u,
             settings->initial % 10u);
}

/* Not logged: it comes as often as a heart beats. */
int service_run_watchdog_reset(const struct service_call *call,
                               const union service_arguments *arguments)
{
    int result = watchdog_reset(&call->bmc->watchdog);

    (void)arguments;
    return result < 0 ? result : service_changed(call, BMC_PART_WATCHDOG);
}
