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

enum privilege channel_suite_limit(const struct channel *channel, uint8_t suite)
{
    enum privilege own =
        suite < CHANNEL_LIMITED ? (enum privilege)channel->suite_limits[suite] : PRIVILEGE_HIGHEST;

    if (own == PRIVILEGE_NO_ACCESS)
        return own;
    return own != PRIVILEGE_HIGHEST && own < channel->limit ? own : channel->limit;
}

uint8_t channel_authentication_types(const struct channel *channel, enum privilege level)
{
    if (level < PRIVILEGE_CALLBACK || level > PRIVILEGE_OEM)
        return 0;
    return channel->authentication_types & (uint8_t)~channel->authentication_off[level - 1];
}
