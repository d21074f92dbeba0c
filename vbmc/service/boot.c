/* System boot options (IPMI 2.0, sections 28.12 to 28.14). */
#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/runs.h"

int service_run_boot_flags(const struct service_call *call,
                           const union service_arguments *arguments)
{
    boot_set_flags(&call->bmc->boot, arguments->boot_flags.flags, arguments->boot_flags.invalid,
                   call->ticket);
    if (arguments->boot_flags.stays)
        boot_note_chassis_control(&call->bmc->boot);
    return -EINPROGRESS;
}

void service_describe_boot_flags(const union service_arguments *arguments, char *text, size_t size)
{
    const uint8_t *flags = arguments->boot_flags.flags;
    unsigned selector = flags[0] & BOOT_FLAGS_VALID ? BOOT_FLAGS_DEVICE(flags[1]) : 0;
    const char *name = boot_selector_name(selector);

    if (name)
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "0x%x", selector);
}

int service_run_boot_parameter(const struct service_call *call,
                               const union service_arguments *arguments)
{
    return boot_set_parameter(&call->bmc->boot, &arguments->boot_parameter, call->caller->session,
                              call->ticket);
}
