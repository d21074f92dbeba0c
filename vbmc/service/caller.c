#include "vbmc/service/caller.h"

#include <stdio.h>

void caller_format(const struct caller *caller, char text[CALLER_TEXT_SIZE])
{
    static const char *const ways[] = {
        [CALLER_LAN] = " by IPMI",
        [CALLER_SYSTEM_INTERFACE] = "",
        [CALLER_SSH] = " by SSH",
        [CALLER_CONTROL] = "",
    };

    if (caller->front_end == CALLER_SYSTEM_INTERFACE)
        snprintf(text, CALLER_TEXT_SIZE, "the guest");
    else
        snprintf(text, CALLER_TEXT_SIZE, "%s%s%s%s", caller->name, ways[caller->front_end],
                 caller->address[0] ? " from " : "", caller->address);
}
