/* PET Acknowledge (IPMI 2.0, section 30.8). An alert that has reached its destination is forgotten,
 * but its acknowledgement may come again before that is on disk, as nobody has answered it yet:
 * what was acknowledged is remembered until then. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/alerts_internal.h"
#include "vbmc/bmc/core.h"

/* 1998-01-01 00:00:00 UTC. */
#define TRAP_EPOCH UINT32_C(883612800)

/* So many are remembered, the newest; each has been an alert under way. */
#define ACKNOWLEDGED_MAX 64

struct alerts_acknowledged {
    unsigned count; /* ever */
    struct {
        uint16_t sequence;
        uint32_t time;
    } keys[ACKNOWLEDGED_MAX];
};

uint32_t alert_time(const struct alert *alert)
{
    uint32_t seconds = 0;

    for (unsigned i = 0; i < 4; i++)
        seconds |= (uint32_t)alert->record[SEL_RECORD_TIME + i] << 8 * i;
    return seconds != SEL_TIME_UNSPECIFIED && seconds > TRAP_EPOCH ? seconds - TRAP_EPOCH : 0;
}

/* ---- what may not be on disk yet ---- */

/* Without memory a repeat is taken for one of nothing. */
static void remember(struct alerts *alerts, const struct alert_acknowledgement *acknowledgement)
{
    struct alerts_acknowledged *acknowledged = alerts->acknowledged;

    if (!acknowledged)
        acknowledged = alerts->acknowledged = calloc(1, sizeof *acknowledged);
    if (!acknowledged)
        return;
    unsigned at = acknowledged->count++ % ACKNOWLEDGED_MAX;
    acknowledged->keys[at].sequence = acknowledgement->sequence;
    acknowledged->keys[at].time = acknowledgement->time;
}

static bool is_remembered(const struct alerts *alerts,
                          const struct alert_acknowledgement *acknowledgement)
{
    const struct alerts_acknowledged *acknowledged = alerts->acknowledged;

    for (unsigned i = 0; acknowledged && i < ACKNOWLEDGED_MAX && i < acknowledged->count; i++)
        if (acknowledged->keys[i].sequence == acknowledgement->sequence &&
            acknowledged->keys[i].time == acknowledgement->time)
            return true;
    return false;
}

static void forget_stored(struct alerts *alerts)
{
    const struct bmc_core *core = alerts->core;

    if (!alerts->acknowledged || !core->hooks->is_stored(core, BMC_PART_PEF_PENDING))
        return;
    free(alerts->acknowledged);
    alerts->acknowledged = NULL;
}

/* ---- PET Acknowledge ---- */

static bool is_acknowledged_by(const struct alert_delivery *delivery,
                               const struct alert_acknowledgement *acknowledgement)
{
    const uint8_t *record = delivery->alert.record;

    return delivery->to.is_acknowledged && delivery->at_ms != 0 &&
           delivery->alert.sequence == acknowledgement->sequence &&
           alert_time(&delivery->alert) == acknowledgement->time &&
           acknowledgement->source == ALERT_SOURCE_IPMI &&
           record[SEL_RECORD_GENERATOR] == acknowledgement->device &&
           record[SEL_RECORD_SENSOR_NUMBER] == acknowledgement->number &&
           memcmp(record + SEL_RECORD_DATA, acknowledgement->data, sizeof acknowledgement->data) ==
               0;
}

static bool end_acknowledged(struct alerts *alerts,
                             const struct alert_acknowledgement *acknowledgement)
{
    bool matched = false;

    for (struct alerts_run *run = alerts->runs; run; run = run->next) {
        for (struct alert_delivery *delivery = run->delivered; delivery;
             delivery = delivery->next) {
            if (!is_acknowledged_by(delivery, acknowledgement))
                continue;
            delivery->outcome = ALERT_OUTCOME_REACHED;
            delivery->at_ms = 0;
            matched = true;
        }
    }
    return matched;
}

int alerts_acknowledge(struct alerts *alerts, const struct alert_acknowledgement *acknowledgement,
                       const struct bmc_ticket *ticket)
{
    const struct bmc_core *core = alerts->core;

    forget_stored(alerts);
    if (!end_acknowledged(alerts, acknowledgement))
        return is_remembered(alerts, acknowledgement)
                   ? bmc_core_unchanged(core, BMC_PART_PEF_PENDING, ticket)
                   : 0; /* anyone may say that: nothing is written */
    remember(alerts, acknowledgement);
    alerts_advance(alerts);
    alerts->has_changed = false; /* is reported with the ticket */
    core->hooks->changed(core, BMC_PART_PEF_PENDING, ticket);
    return -EINPROGRESS;
}
