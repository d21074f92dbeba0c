/* Alerts of one BMC: Platform Event Traps to the destinations of its LAN channel, as the alert
 * policy table says (IPMI 2.0, sections 17.10 to 17.12), or by Alert Immediate (section 30.7). A
 * destination whose alerts are acknowledged gets one again until PET Acknowledge (section 30.8),
 * any other as often as its retries say. What has not ended is stored (BMC_PART_PEF_PENDING), and
 * goes on when the daemon is started again. */
#ifndef VBMC_BMC_ALERTS_H
#define VBMC_BMC_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/pef_settings.h"
#include "vbmc/bmc/sel.h"

/* Events whose alerts are under way; those of more are dropped. */
#define ALERTS_MAX 32

/* So often it is tried while the BMC has no socket yet, and for so long that does not count. */
#define ALERTS_SOCKET_MS      1000
#define ALERTS_SOCKET_WAIT_MS 60000

/* "Event source type" of a trap and of its acknowledgement: IPMI. */
#define ALERT_SOURCE_IPMI 0x20

/* Severities of a trap; that of an event is its filter's. */
#define ALERT_SEVERITY_INFORMATION 0x02

struct alerts_acknowledged;
struct bmc_core;
struct bmc_ticket;
struct pef;

/* One trap; its repeats are the same. */
struct alert {
    uint16_t sequence; /* never 0 */
    uint8_t severity;
    uint8_t record[SEL_RECORD_SIZE];
    char text[PEF_STRING_SIZE + 1]; /* the alert string; "": none */
};

enum alert_outcome {
    ALERT_OUTCOME_UNKNOWN,
    ALERT_OUTCOME_REACHED,
    ALERT_OUTCOME_FAILED,
};

/* What is done about one destination. */
struct alert_delivery {
    struct alert_delivery *next; /* the one before it */
    uint8_t channel, number;
    struct lan_destination to;
    struct alert alert;
    unsigned left;         /* times it is still to be sent */
    uint64_t at_ms;        /* then, or the end of the wait for the acknowledgement; 0: it is over */
    uint64_t socket_by_ms; /* a try without a socket counts from then on; 0: there was none */
    enum alert_outcome outcome;
};

/* What is done about one event. */
struct alerts_run {
    struct alerts_run *next;
    uint8_t record[SEL_RECORD_SIZE];
    uint8_t severity, policy, filter;
    bool is_immediate;
    unsigned entry; /* index of the next one of the policy table; PEF_POLICIES: there is none */
    struct alert_delivery *delivered; /* newest first */
};

struct alerts_ops {
    /* Sends it once. 0, or a negative error; -ENOTCONN: the BMC has no socket, but is about to get
     * one, and what could not be tried does not count for a while. May not call back. */
    int (*send)(void *context, const struct lan_destination *to, const struct alert *alert);
};

/* Alert Immediate (section 30.7): of the last one. */
enum alert_status {
    ALERT_STATUS_NONE = 0x00,
    ALERT_STATUS_REACHED = 0x01,
    ALERT_STATUS_FAILED = 0x03, /* nobody has acknowledged it */
    ALERT_STATUS_PENDING = 0xff,
};

/* Part of struct bmc. */
struct alerts {
    const struct bmc_core *core;
    const struct lan *lan;        /* of the same BMC */
    const struct pef *pef;        /* the same; whose settings hold */
    const struct alerts_ops *ops; /* NULL: nothing can be sent */
    void *context;
    struct alerts_run *runs; /* each of one event, in their order */
    unsigned run_count;
    uint16_t sequence;     /* of the newest alert */
    uint64_t starts_at_ms; /* nothing is sent before; 0: there is no delay */
    enum alert_status immediate;
    bool has_changed;                         /* what is stored of these, in the present call */
    struct alerts_acknowledged *acknowledged; /* and may not be on disk yet; NULL: none */
};

/* The three are of the same BMC. */
void alerts_init(struct alerts *alerts, const struct bmc_core *core, const struct lan *lan,
                 const struct pef *pef);
/* Ends all; what is stored stays. */
void alerts_clear(struct alerts *alerts);
void alerts_set_ops(struct alerts *alerts, const struct alerts_ops *ops, void *context);

/* The alert startup delay: what is to be sent waits until then. */
void alerts_delay_until(struct alerts *alerts, uint64_t at_ms);
/* Alerts of an event to the destinations of that alert policy (1 to 15), chosen by that filter
 * (from 1), by which event-specific strings are found. */
void alerts_begin(struct alerts *alerts, const uint8_t record[SEL_RECORD_SIZE], uint8_t severity,
                  uint8_t policy, uint8_t filter);

struct alert_order {
    uint8_t channel;
    uint8_t destination;
    bool has_text;
    uint8_t string; /* its number, 0 to PEF_STRINGS */
    bool has_event;
    uint8_t record[SEL_RECORD_SIZE]; /* of the event; id and time are of no account */
};

/* Sends an alert whatever the policies. 0: it is under way, or has failed already; -EALREADY: one
 * is; -EDOM: there is no such channel; -ERANGE: no such string. */
int alerts_send(struct alerts *alerts, const struct alert_order *order);
/* Its status is none again, unless it is under way. */
void alerts_forget(struct alerts *alerts);

/* What an acknowledgement repeats of the trap. */
struct alert_acknowledgement {
    uint16_t sequence;
    uint32_t time;
    uint8_t source, device, number;
    uint8_t data[3];
};

/* An alert has reached its destination. -EINPROGRESS: the ticket is finished when that is on disk,
 * also if it was said before and is only on its way there. 0: it is on disk, or belongs to no alert
 * under way and is passed over. */
int alerts_acknowledge(struct alerts *alerts, const struct alert_acknowledgement *acknowledgement,
                       const struct bmc_ticket *ticket);

/* "Local timestamp" of the trap: seconds since 1998-01-01 of the BMC's clock; 0: unspecified. */
uint32_t alert_time(const struct alert *alert);

/* ---- for BMC_PART_PEF_PENDING, at the start of the daemon: the runs in their order ---- */

/* Adds a copy without deliveries. NULL if there is no memory or no room. */
struct alerts_run *alerts_restore_run(struct alerts *alerts, const struct alerts_run *run);
/* Adds a copy to the run, oldest first; event and severity are the run's. `waits`: it is not over,
 * and its time-out begins again. 0 or -ENOMEM. */
int alerts_restore_delivery(struct alerts *alerts, struct alerts_run *run,
                            const struct alert_delivery *delivery, bool waits);

/* ---- for bmc.c ---- */

/* The BMC starts again: ends all, for good. */
void alerts_restart(struct alerts *alerts);

void alerts_tick(struct alerts *alerts);
uint64_t alerts_next_deadline(const struct alerts *alerts);

#endif
