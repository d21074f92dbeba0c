/* The functions of the table's rows, for table.c. */
#ifndef VBMC_SERVICE_RUNS_H
#define VBMC_SERVICE_RUNS_H

#include <errno.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/service.h"

typedef void service_describe(const union service_arguments *arguments, char *text, size_t size);

/* chassis.c */
service_run service_run_power, service_run_identify, service_run_front_panel;
service_run service_run_restore_policy, service_run_cycle_interval;
service_describe service_describe_power, service_describe_restore_policy;
/* guest.c */
service_run service_run_screenshot, service_run_dump;
service_describe service_describe_dump;
/* boot.c */
service_run service_run_boot_flags, service_run_boot_parameter;
service_describe service_describe_boot_flags;
/* system.c */
service_run service_run_restart, service_run_global_enables, service_run_message_flags;
service_run service_run_message_put, service_run_message_take;
service_run service_run_channel_receive, service_run_event_buffer, service_run_acpi_state;
service_run service_run_system_info, service_run_event_receiver;
service_describe service_describe_restart, service_describe_global_enables;
service_describe service_describe_system_info, service_describe_event_receiver;
/* watchdog.c */
service_run service_run_watchdog_set, service_run_watchdog_reset;
service_describe service_describe_watchdog_set;
/* sensors.c */
service_run service_run_sensor_settings, service_run_sensor_reset, service_run_sensor_rearm;
service_run service_run_sensor_override;
/* sel.c */
service_run service_run_platform_event, service_run_sel_add, service_run_sel_delete,
    service_run_sel_clear;
service_run service_run_sel_time, service_run_sel_utc_offset, service_run_sel_processed;
/* pef.c */
service_run service_run_pef_parameter, service_run_pef_postpone, service_run_alert;
service_run service_run_alert_forget, service_run_alert_acknowledge;
/* inventory.c */
service_run service_run_fru_write, service_run_asset_tag;
/* dcmi.c */
service_run service_run_power_limit, service_run_power_limit_active, service_run_thermal_limit;
service_run service_run_identifier, service_run_dhcp;
service_describe service_describe_power_limit, service_describe_power_limit_active;
/* sessions.c */
service_run service_run_session_close, service_run_sol_activate, service_run_sol_deactivate;
service_run service_run_sol_access, service_run_sol_parameter;
/* lan.c */
service_run service_run_channel_key, service_run_channel_access, service_run_lan_parameter;
service_run service_run_lan_statistics, service_run_lan_reset;
service_describe service_describe_lan_parameter;
/* users.c */
service_run service_run_user_change, service_run_user_reset;
service_describe service_describe_user_change, service_describe_user_reset;
/* faults.c */
service_run service_run_inject, service_run_clear_faults;
service_describe service_describe_inject, service_describe_clear_faults;

/* describe.c */
service_describe service_describe_identify, service_describe_front_panel;
service_describe service_describe_cycle_interval, service_describe_boot_parameter;
service_describe service_describe_pef_parameter, service_describe_sol_parameter;
service_describe service_describe_sol_access, service_describe_sensor_settings;
service_describe service_describe_sensor_rearm, service_describe_sensor_override;
service_describe service_describe_event, service_describe_sel_id, service_describe_sel_time;
service_describe service_describe_sel_utc_offset, service_describe_alert, service_describe_fru;
service_describe service_describe_asset_tag, service_describe_thermal_limit;
service_describe service_describe_identifier, service_describe_dhcp, service_describe_session;
service_describe service_describe_channel_access, service_describe_domain;
service_describe service_describe_addition, service_describe_facility;
service_describe service_describe_hypervisor, service_describe_tags, service_describe_inband;

/* Ends a function that changed the part. */
static inline int service_changed(const struct service_call *call, enum bmc_part part)
{
    call->bmc->core.hooks->changed(&call->bmc->core, part, call->ticket);
    return -EINPROGRESS;
}

/* An event that a guest itself writes: after 256 at once one a second, so that the log, which has
 * room for SEL_RECORDS_MAX, takes an hour to fill. */
static inline bool service_is_event_too_often(const struct service_call *call)
{
    return call->caller->front_end == CALLER_SYSTEM_INTERFACE &&
           !rate_take(&call->bmc->guest_events, 256, 1000,
                      call->bmc->core.hooks->now(&call->bmc->core));
}

/* Ends a function that refuses with words of its own. */
static inline int service_refuse(const struct service_call *call, int result, const char *text)
{
    bmc_ticket_finish_with(call->ticket, result, text);
    return -EINPROGRESS;
}

#endif
