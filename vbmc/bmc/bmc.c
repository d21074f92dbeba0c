#include "vbmc/bmc/bmc.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/manufacturer.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensors.h"

void bmc_init(struct bmc *bmc, uint32_t number, const struct uuid *uuid,
              const struct bmc_hooks *hooks, void *owner)
{
    memset(bmc, 0, sizeof *bmc);
    bmc->core.number = number;
    bmc->core.uuid = *uuid;
    for (size_t i = 0; i < sizeof bmc->guid; i++)
        bmc->guid[i] = uuid->bytes[sizeof bmc->guid - 1 - i];
    bmc->manufacturer = BMC_MANUFACTURER_DEFAULT;
    bmc->core.hooks = hooks;
    bmc->core.owner = owner;
    users_init(&bmc->users, &bmc->core);
    channel_set_defaults(&bmc->channel);
    lan_init(&bmc->lan, &bmc->core, &bmc->channel);
    lockout_init(&bmc->lockout, &bmc->lan);
    chassis_set_defaults(&bmc->chassis);
    bmc->chassis.core = &bmc->core;
    bmc->chassis.boot = &bmc->boot;
    boot_set_defaults(&bmc->boot);
    bmc->boot.core = &bmc->core;
    messaging_set_defaults(&bmc->messaging);
    bmc->messaging.core = &bmc->core;
    acpi_set_defaults(&bmc->acpi);
    system_info_init(&bmc->system_info, &bmc->core);
    watchdog_init(&bmc->watchdog, &bmc->core, &bmc->chassis, &bmc->messaging);
    pef_init(&bmc->pef, &bmc->core, &bmc->chassis, &bmc->alerts);
    alerts_init(&bmc->alerts, &bmc->core, &bmc->lan, &bmc->pef);
}

void bmc_clear(struct bmc *bmc)
{
    bmc_set_host(bmc, NULL);
    users_clear(&bmc->users);
    messaging_end(&bmc->messaging);
    system_info_clear(&bmc->system_info);
    pef_clear(&bmc->pef);
    lockout_clear(&bmc->lockout);
    lan_clear(&bmc->lan);
    alerts_clear(&bmc->alerts);
    memset(&bmc->channel, 0, sizeof bmc->channel);
}

void bmc_set_host(struct bmc *bmc, struct host_domain *host)
{
    if (bmc->core.host == host)
        return;
    if (bmc->core.host) {
        host_cancel(bmc->core.host, bmc);
        host_cancel(bmc->core.host, &bmc->chassis);
        chassis_cancel(&bmc->chassis, host);
        boot_cancel(&bmc->boot);
    }
    bmc->core.host = host;
    lan_host_event(&bmc->lan, HOST_EVENT_STATE);
    acpi_host_event(&bmc->acpi, HOST_EVENT_STATE);
    chassis_set_host(&bmc->chassis);
    if (host)
        boot_apply(&bmc->boot);
    if (bmc->core.listener)
        bmc->core.listener->host_set(bmc->core.listener_context);
    watchdog_set_host(&bmc->watchdog);
    pef_host_event(&bmc->pef, HOST_EVENT_STATE);
    chassis_resume_owed(&bmc->chassis);
}

void bmc_tick(struct bmc *bmc)
{
    chassis_tick(&bmc->chassis);
    boot_tick(&bmc->boot);
    sel_tick(bmc->sel);
    watchdog_tick(&bmc->watchdog);
    pef_tick(&bmc->pef);
    alerts_tick(&bmc->alerts);
}

uint64_t bmc_next_deadline(const struct bmc *bmc)
{
    const uint64_t deadlines[] = {
        chassis_next_deadline(&bmc->chassis), boot_next_deadline(&bmc->boot),
        sel_next_deadline(bmc->sel),          watchdog_next_deadline(&bmc->watchdog),
        pef_next_deadline(&bmc->pef),         alerts_next_deadline(&bmc->alerts),
    };
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++)
        first = deadlines[i] < first ? deadlines[i] : first;
    return first;
}

void bmc_restart(struct bmc *bmc)
{
    chassis_restart(&bmc->chassis);
    boot_end_set(&bmc->boot);
    messaging_set_defaults(&bmc->messaging);
    acpi_set_defaults(&bmc->acpi);
    system_info_restart(&bmc->system_info);
    pef_restart(&bmc->pef);
    lan_restart(&bmc->lan);
    alerts_restart(&bmc->alerts);
    if (bmc->sensors)
        sensors_restart(bmc->sensors);
    if (bmc->dcmi)
        dcmi_restart(bmc->dcmi);
    sdr_reserve(bmc); /* which ends the reservations of before */
    if (bmc->sel)
        sel_reserve(bmc->sel);
}

void bmc_host_event(struct bmc *bmc, enum host_event event)
{
    acpi_host_event(&bmc->acpi, event);
    messaging_host_event(&bmc->messaging, event);
    system_info_host_event(&bmc->system_info, event);
    chassis_host_event(&bmc->chassis, event);
    boot_host_event(&bmc->boot, event);
    watchdog_host_event(&bmc->watchdog, event);
    lan_host_event(&bmc->lan, event);
    pef_host_event(&bmc->pef, event);
    if (bmc->core.listener)
        bmc->core.listener->host_event(bmc->core.listener_context, event);
    if (event == HOST_EVENT_STATE) /* behind the boot override that a start has to have */
        chassis_resume_owed(&bmc->chassis);
}

void bmc_session_ended(struct bmc *bmc, uint32_t session)
{
    boot_session_ended(&bmc->boot, session);
    system_info_session_ended(&bmc->system_info, session);
    pef_session_ended(&bmc->pef, session);
    lan_session_ended(&bmc->lan, session);
}

#define OFFSET_PASSWORD_DISABLE 0x03 /* of Session Audit (table 42-3, type 2Ah) */

void bmc_note_login(struct bmc *bmc, uint8_t user_id, bool succeeded)
{
    if (succeeded)
        lockout_note_success(&bmc->lockout, user_id);
    else if (lockout_note_failure(&bmc->lockout, user_id)) {
        log_warning("%s: user %s is locked out after too many bad passwords",
                    bmc_core_name(&bmc->core), bmc->users.by_id[user_id].name);
        if (bmc->sensors && lan_password_rule(&bmc->lan).is_logged)
            sensors_raise(bmc->sensors, SENSOR_SESSION_AUDIT, OFFSET_PASSWORD_DISABLE, user_id,
                          CHANNEL_LAN);
    }
}
