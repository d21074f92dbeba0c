#include "vbmc/instance/server.h"

#include <errno.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/bmc/pef.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sel_book.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/platform/platform.h"

static void on_event(void *context, const struct sensor_event *event)
{
    struct bmc *bmc = context;
    uint8_t record[SEL_RECORD_SIZE];

    if (bmc->platform) /* the log may become full by it */
        platform_wake(bmc->platform);
    sel_record_of_event(event, record);
    messaging_put_event(&bmc->messaging, record);
    /* Of itself the log writes better. */
    if (!bmc->sel || event->number == SENSOR_SEL)
        return;
    if (messaging_logs_own_events(&bmc->messaging))
        sel_log(bmc->sel, event);
    else if (!bmc->messaging.no_receiver)
        sel_pass_event(bmc->sel, record);
}

static const struct sensors_ops sensors_ops = {
    .event = on_event,
};

static void on_limit_exceeded(void *context, enum dcmi_limit limit, bool exceeded)
{
    struct bmc *bmc = context;
    uint8_t number = limit == DCMI_LIMIT_POWER ? SENSOR_POWER_LIMIT : SENSOR_THERMAL_LIMIT;

    sensors_set_states(bmc->sensors, number, exceeded ? 1u << 1 : 1u << 0);
}

static const struct dcmi_ops dcmi_ops = {.limit_exceeded = on_limit_exceeded};

int instance_server_attach(struct bmc *bmc, const struct facility *facility)
{
    bmc->sensors = sensors_new(&sensors_ops, bmc);
    bmc->fru = fru_new();
    bmc->dcmi = dcmi_new(&bmc->core, &bmc->chassis, bmc->sensors);
    if (bmc->dcmi)
        dcmi_set_ops(bmc->dcmi, &dcmi_ops, bmc);
    if (bmc->sensors) {
        /* Known from the start, so that the first excess is an event. */
        on_limit_exceeded(bmc, DCMI_LIMIT_POWER, false);
        on_limit_exceeded(bmc, DCMI_LIMIT_INLET_TEMPERATURE, false);
    }
    pef_set_log(&bmc->pef, bmc->sel);
    bmc->platform = bmc->sensors ? platform_new(bmc, facility) : NULL;
    bmc->core.listener = bmc->platform ? &platform_listener : NULL;
    bmc->core.listener_context = bmc->platform;
    return bmc->platform && bmc->fru && bmc->dcmi ? 0 : -ENOMEM;
}

void instance_server_detach(struct bmc *bmc)
{
    pef_set_log(&bmc->pef, NULL);
    bmc->core.listener = NULL;
    platform_free(bmc->platform);
    dcmi_free(bmc->dcmi);
    fru_free(bmc->fru);
    sensors_free(bmc->sensors);
    bmc->platform = NULL;
    bmc->dcmi = NULL;
    bmc->fru = NULL;
    bmc->sensors = NULL;
}
