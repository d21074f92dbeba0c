/* What a BMC has for system software (IPMI 2.0, sections 22.1 to 22.8): the BMC global enables, the
 * message flags, the event message buffer and the Receive Message Queue. All of it is volatile: a
 * BMC that starts has the defaults. In the queue are answers to what system software sends to the
 * BMC's own address on channel 0; no other channel has messages for it. */
#ifndef VBMC_BMC_MESSAGING_H
#define VBMC_BMC_MESSAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/host/host.h"

#define MESSAGING_EVENT_SIZE  16  /* as a record of the event log */
#define MESSAGING_MESSAGE_MAX 254 /* bytes of a message in the queue, its channel byte included */
#define MESSAGING_QUEUE_MAX   4

/* BMC global enables (section 22.1). Bits 5 to 7 are an OEM's; bit 4 is reserved. */
enum global_enable {
    GLOBAL_ENABLE_QUEUE_INTERRUPT = 0x01,
    GLOBAL_ENABLE_EVENT_BUFFER_INTERRUPT = 0x02,
    GLOBAL_ENABLE_EVENT_BUFFER = 0x04,
    GLOBAL_ENABLE_EVENT_LOGGING = 0x08,
    GLOBAL_ENABLE_RESERVED = 0x10,
};

/* Message flags (sections 22.3, 22.4). Bits 5 to 7 are an OEM's; bits 2 and 4 are reserved. */
enum message_flag {
    MESSAGE_FLAG_QUEUE = 0x01,
    MESSAGE_FLAG_EVENT_BUFFER = 0x02, /* full */
    MESSAGE_FLAG_WATCHDOG = 0x08,     /* pre-timeout interrupt */
    MESSAGE_FLAG_RESERVED = 0x14,
};

struct bmc_core;

struct messaging_message {
    uint8_t length;
    uint8_t bytes[MESSAGING_MESSAGE_MAX]; /* as Get Message answers */
};

struct messaging {
    const struct bmc_core *core; /* whose hook is told of changes; NULL: nobody is */
    uint8_t enables;             /* enum global_enable */
    bool watchdog;               /* MESSAGE_FLAG_WATCHDOG */
    bool no_receiver;            /* Set Event Receiver: the BMC's own events go nowhere */
    bool lan_receive;            /* Enable Message Channel Receive for the LAN channel */
    bool has_event;              /* MESSAGE_FLAG_EVENT_BUFFER */
    uint8_t event[MESSAGING_EVENT_SIZE];
    unsigned queued;                 /* MESSAGE_FLAG_QUEUE */
    struct messaging_message *queue; /* MESSAGING_QUEUE_MAX; NULL: nothing is queued */
};

/* Also for a BMC that starts again: event logging alone is enabled. At the beginning it is all
 * zeros, but for its core. */
void messaging_set_defaults(struct messaging *messaging);
/* Frees what it has; it is of no use any more. */
void messaging_end(struct messaging *messaging);

/* Whether events of the BMC, and those that come by the LAN, get into the event log. What the
 * system interface or Add SEL Entry brings does in any case (section 22.1). */
static inline bool messaging_logs_events(const struct messaging *messaging)
{
    return messaging->enables & GLOBAL_ENABLE_EVENT_LOGGING;
}

/* The same for events of the BMC's own sensors. */
static inline bool messaging_logs_own_events(const struct messaging *messaging)
{
    return messaging_logs_events(messaging) && !messaging->no_receiver;
}

/* Set BMC Global Enables. */
void messaging_set_enables(struct messaging *messaging, uint8_t enables);
/* Sets or clears MESSAGE_FLAG_WATCHDOG. */
void messaging_set_watchdog(struct messaging *messaging, bool is_set);

/* The system that has asked for interrupts is gone with a reset, or as the guest goes off: nobody
 * may be there to answer one, and a PCI interrupt that others share would stay raised. */
void messaging_host_event(struct messaging *messaging, enum host_event event);

/* enum message_flag. */
uint8_t messaging_flags(const struct messaging *messaging);
/* Clears those of `flags`, and with them what they are about; reserved ones are passed over. */
void messaging_clear(struct messaging *messaging, uint8_t flags);

/* An event of the BMC's own: it takes the event message buffer, if that is enabled and empty. */
void messaging_put_event(struct messaging *messaging, const uint8_t event[MESSAGING_EVENT_SIZE]);
/* Puts a message for system software into the queue. 0, -ENOSPC (it is full: the message is lost),
 * -ENOMEM or -EMSGSIZE. */
int messaging_put_message(struct messaging *messaging, const uint8_t *bytes, size_t length);
/* Takes the oldest one. 0, or -ENOENT if there is none. */
int messaging_take_message(struct messaging *messaging, struct messaging_message *message);
/* Empties the buffer. 0, or -ENOENT if there is no event. */
int messaging_take_event(struct messaging *messaging, uint8_t event[MESSAGING_EVENT_SIZE]);

#endif
