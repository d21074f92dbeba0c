/* The BMC itself (IPMI 2.0, chapter 20), and what it has for system software (sections 22.1 to
 * 22.8). */
#include <stdio.h>

#include "vbmc/bmc/acpi.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/bmc/system_info.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

/* A warm reset is not told from a cold one: no state is kept that a cold reset would lose. */
int service_run_restart(const struct service_call *call, const union service_arguments *arguments)
{
    (void)arguments;
    call->bmc->core.hooks->restart(&call->bmc->core);
    return 0;
}

void service_describe_restart(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->restart_is_cold ? "cold" : "warm");
}

int service_run_global_enables(const struct service_call *call,
                               const union service_arguments *arguments)
{
    if (arguments->global_enables & GLOBAL_ENABLE_RESERVED)
        return -EDOM;
    messaging_set_enables(&call->bmc->messaging, arguments->global_enables);
    return 0;
}

/* Whether events are logged is what matters to who reads the log. */
void service_describe_global_enables(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    snprintf(text, size, "%02xh (event logging %s)", arguments->global_enables,
             arguments->global_enables & GLOBAL_ENABLE_EVENT_LOGGING ? "on" : "off");
}

int service_run_message_flags(const struct service_call *call,
                              const union service_arguments *arguments)
{
    if (arguments->message_flags & MESSAGE_FLAG_RESERVED)
        return -EDOM;
    messaging_clear(&call->bmc->messaging, arguments->message_flags);
    return 0;
}

int service_run_message_put(const struct service_call *call,
                            const union service_arguments *arguments)
{
    return messaging_put_message(&call->bmc->messaging, arguments->message.bytes,
                                 arguments->message.length);
}

int service_run_message_take(const struct service_call *call,
                             const union service_arguments *arguments)
{
    return messaging_take_message(&call->bmc->messaging, arguments->message_taken);
}

int service_run_channel_receive(const struct service_call *call,
                                const union service_arguments *arguments)
{
    call->bmc->messaging.lan_receive = arguments->channel_receive;
    return 0;
}

int service_run_event_receiver(const struct service_call *call,
                               const union service_arguments *arguments)
{
    call->bmc->messaging.no_receiver = arguments->no_event_receiver;
    return 0;
}

void service_describe_event_receiver(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    snprintf(text, size, "%s", arguments->no_event_receiver ? "off" : "on");
}

int service_run_event_buffer(const struct service_call *call,
                             const union service_arguments *arguments)
{
    return messaging_take_event(&call->bmc->messaging, arguments->event_taken);
}

int service_run_acpi_state(const struct service_call *call,
                           const union service_arguments *arguments)
{
    return acpi_set(&call->bmc->acpi, arguments->acpi_state.system, arguments->acpi_state.device);
}

int service_run_system_info(const struct service_call *call,
                            const union service_arguments *arguments)
{
    return system_info_set(&call->bmc->system_info, arguments->system_info.number,
                           arguments->system_info.data, arguments->system_info.size,
                           call->caller->session, call->ticket);
}

void service_describe_system_info(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "parameter %u", arguments->system_info.number);
}
