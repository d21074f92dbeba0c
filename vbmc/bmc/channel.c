#include "vbmc/bmc/channel.h"

void channel_set_defaults(struct channel *channel)
{
    *channel = (struct channel){
        .limit = PRIVILEGE_ADMINISTRATOR,
        .suites = {3, 17},
        .suite_count = 2,
    };
}

bool channel_has_suite(const struct channel *channel, uint8_t suite)
{
    for (uint8_t i = 0; i < channel->suite_count; i++) {
        if (channel->suites[i] == suite)
            return true;
    }
    return false;
}
