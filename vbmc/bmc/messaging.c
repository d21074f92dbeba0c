#include "vbmc/bmc/messaging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/core.h"

/* Flags or enables: what the system interface tells the guest of. */
static void note_change(const struct messaging *messaging)
{
    const struct bmc_core *core = messaging->core;

    if (core && core->hooks->messaging_changed)
        core->hooks->messaging_changed(core);
}

static void empty_queue(struct messaging *messaging)
{
    free(messaging->queue);
    messaging->queue = NULL;
    messaging->queued = 0;
}

void messaging_end(struct messaging *messaging)
{
    empty_queue(messaging);
}

void messaging_set_defaults(struct messaging *messaging)
{
    empty_queue(messaging);
    *messaging =
        (struct messaging){.core = messaging->core, .enables = GLOBAL_ENABLE_EVENT_LOGGING};
    note_change(messaging);
}

void messaging_set_enables(struct messaging *messaging, uint8_t enables)
{
    messaging->enables = enables;
    note_change(messaging);
}

void messaging_set_watchdog(struct messaging *messaging, bool is_set)
{
    messaging->watchdog = is_set;
    note_change(messaging);
}

void messaging_host_event(struct messaging *messaging, enum host_event event)
{
    const unsigned interrupts =
        GLOBAL_ENABLE_QUEUE_INTERRUPT | GLOBAL_ENABLE_EVENT_BUFFER_INTERRUPT;
    const struct host_domain *host = messaging->core->host;
    bool ends = event == HOST_EVENT_RESET || (event == HOST_EVENT_STARTED && host->booted) ||
                (event == HOST_EVENT_STOPPED && host_stop_is_end(host->stop_reason));

    if (ends && messaging->enables & interrupts)
        messaging_set_enables(messaging, (uint8_t)(messaging->enables & ~interrupts));
}

uint8_t messaging_flags(const struct messaging *messaging)
{
    return (uint8_t)((messaging->queued > 0 ? MESSAGE_FLAG_QUEUE : 0) |
                     (messaging->has_event ? MESSAGE_FLAG_EVENT_BUFFER : 0) |
                     (messaging->watchdog ? MESSAGE_FLAG_WATCHDOG : 0));
}

void messaging_clear(struct messaging *messaging, uint8_t flags)
{
    if (flags & MESSAGE_FLAG_QUEUE)
        empty_queue(messaging);
    if (flags & MESSAGE_FLAG_EVENT_BUFFER)
        messaging->has_event = false;
    if (flags & MESSAGE_FLAG_WATCHDOG)
        messaging->watchdog = false;
    note_change(messaging);
}

void messaging_put_event(struct messaging *messaging, const uint8_t event[MESSAGING_EVENT_SIZE])
{
    if (messaging->has_event || messaging->no_receiver ||
        !(messaging->enables & GLOBAL_ENABLE_EVENT_BUFFER))
        return;
    memcpy(messaging->event, event, sizeof messaging->event);
    messaging->has_event = true;
    note_change(messaging);
}

int messaging_take_event(struct messaging *messaging, uint8_t event[MESSAGING_EVENT_SIZE])
{
    if (!messaging->has_event)
        return -ENOENT;
    memcpy(event, messaging->event, sizeof messaging->event);
    messaging->has_event = false;
    note_change(messaging);
    return 0;
}

int messaging_put_message(struct messaging *messaging, const uint8_t *bytes, size_t length)
{
    struct messaging_message *message;

    if (length > sizeof message->bytes)
        return -EMSGSIZE;
    if (messaging->queued == MESSAGING_QUEUE_MAX)
        return -ENOSPC;
    if (!messaging->queue)
        messaging->queue = calloc(MESSAGING_QUEUE_MAX, sizeof *messaging->queue);
    if (!messaging->queue)
        return -ENOMEM;
    message = &messaging->queue[messaging->queued++];
    message->length = (uint8_t)length;
    memcpy(message->bytes, bytes, length);
    note_change(messaging);
    return 0;
}

int messaging_take_message(struct messaging *messaging, struct messaging_message *message)
{
    if (messaging->queued == 0)
        return -ENOENT;
    *message = messaging->queue[0];
    messaging->queued--;
    memmove(&messaging->queue[0], &messaging->queue[1],
            messaging->queued * sizeof messaging->queue[0]);
    if (messaging->queued == 0)
        empty_queue(messaging);
    note_change(messaging);
    return 0;
}
