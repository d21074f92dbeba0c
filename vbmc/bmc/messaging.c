#include "vbmc/bmc/messaging.h"

#include <errno.h>
#include <string.h>

void messaging_set_defaults(struct messaging *messaging)
{
    *messaging = (struct messaging){.enables = GLOBAL_ENABLE_EVENT_LOGGING};
}

uint8_t messaging_flags(const struct messaging *messaging)
{
    return (uint8_t)((messaging->has_event ? MESSAGE_FLAG_EVENT_BUFFER : 0) |
                     (messaging->watchdog ? MESSAGE_FLAG_WATCHDOG : 0));
}

void messaging_clear(struct messaging *messaging, uint8_t flags)
{
    if (flags & MESSAGE_FLAG_EVENT_BUFFER)
        messaging->has_event = false;
    if (flags & MESSAGE_FLAG_WATCHDOG)
        messaging->watchdog = false;
}

void messaging_put_event(struct messaging *messaging, const uint8_t event[MESSAGING_EVENT_SIZE])
{
    if (messaging->has_event || messaging->no_receiver ||
        !(messaging->enables & GLOBAL_ENABLE_EVENT_BUFFER))
        return;
    memcpy(messaging->event, event, sizeof messaging->event);
    messaging->has_event = true;
}

int messaging_take_event(struct messaging *messaging, uint8_t event[MESSAGING_EVENT_SIZE])
{
    if (!messaging->has_event)
        return -ENOENT;
    memcpy(event, messaging->event, sizeof messaging->event);
    messaging->has_event = false;
    return 0;
}
