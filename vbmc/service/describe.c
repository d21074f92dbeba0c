/* What the audit trail says of operations whose own files have nothing to say of them: what was to
 * be changed, and to what, where that is a word or two. Of what may hold a password or a key only
 * the number. */
#include <stdio.h>

#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/service/addition.h"
#include "vbmc/service/runs.h"

void service_describe_identify(const union service_arguments *arguments, char *text, size_t size)
{
    if (arguments->identify.indefinite)
        snprintf(text, size, "on");
    else
        snprintf(text, size, "%u s", arguments->identify.seconds);
}

void service_describe_front_panel(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "disabled buttons %02xh", arguments->front_panel_disabled);
}

void service_describe_cycle_interval(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    snprintf(text, size, "%u s", arguments->cycle_interval_s);
}

void service_describe_boot_parameter(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    snprintf(text, size, "%u", arguments->boot_parameter.number);
}

void service_describe_pef_parameter(const union service_arguments *arguments, char *text,
                                    size_t size)
{
    snprintf(text, size, "%u", arguments->pef_parameter.number);
}

void service_describe_sol_parameter(const union service_arguments *arguments, char *text,
                                    size_t size)
{
    snprintf(text, size, "%u", arguments->sol_parameter.number);
}

void service_describe_sol_access(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "account %u: %s", arguments->sol_access.user_id,
             arguments->sol_access.may ? "yes" : "no");
}

void service_describe_sensor_settings(const union service_arguments *arguments, char *text,
                                      size_t size)
{
    const struct sensor_settings *settings = &arguments->sensor_settings;
    const uint8_t *threshold = settings->thresholds;

    snprintf(text, size,
             "sensor %02xh: thresholds %02x %02x %02x %02x %02x %02x, hysteresis %02x %02x, "
             "events %s %04x %04x, scanning %s",
             settings->number, threshold[0], threshold[1], threshold[2], threshold[3], threshold[4],
             threshold[5], settings->positive_hysteresis, settings->negative_hysteresis,
             settings->events_on ? "on" : "off", settings->assertion_enables,
             settings->deassertion_enables, settings->scanning_on ? "on" : "off");
}

void service_describe_sensor_rearm(const union service_arguments *arguments, char *text,
                                   size_t size)
{
    snprintf(text, size, "sensor %02xh", arguments->sensor_rearm.number);
}

void service_describe_sensor_override(const union service_arguments *arguments, char *text,
                                      size_t size)
{
    snprintf(text, size, "sensor %02xh", arguments->sensor_override.number);
}

/* Without its time, so that equal ones are equal. */
void service_describe_event(const union service_arguments *arguments, char *text, size_t size)
{
    const uint8_t *record = arguments->sel_record;

    if (record)
        snprintf(text, size, "type %02xh, sensor %02xh of type %02xh, event %02xh %02x %02x %02x",
                 record[SEL_RECORD_TYPE], record[SEL_RECORD_SENSOR_NUMBER],
                 record[SEL_RECORD_SENSOR_TYPE], record[SEL_RECORD_EVENT_TYPE],
                 record[SEL_RECORD_DATA], record[SEL_RECORD_DATA + 1], record[SEL_RECORD_DATA + 2]);
}

void service_describe_sel_id(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%04xh", arguments->sel_id);
}

void service_describe_sel_time(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%lu", (unsigned long)arguments->sel_time);
}

void service_describe_sel_utc_offset(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    if (arguments->sel_utc_offset_min == SEL_UTC_OFFSET_UNKNOWN)
        snprintf(text, size, "unknown");
    else
        snprintf(text, size, "%d min", arguments->sel_utc_offset_min);
}

void service_describe_alert(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "destination %u", arguments->alert.destination);
}

/* Not where in it: a FRU is written piece by piece, which are to be summed up. */
void service_describe_fru(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%u", arguments->fru_write.id);
}

void service_describe_asset_tag(const union service_arguments *arguments, char *text, size_t size)
{
    const char *tag = (const char *)arguments->asset_tag.bytes;

    if (tag && arguments->asset_tag.is_text)
        snprintf(text, size, "'%s'", tag);
    else if (tag)
        snprintf(text, size, "'%.*s'", (int)arguments->asset_tag.length, tag);
}

void service_describe_thermal_limit(const union service_arguments *arguments, char *text,
                                    size_t size)
{
    snprintf(text, size, "%u C, actions %02xh", arguments->thermal_limit.celsius,
             arguments->thermal_limit.actions);
}

void service_describe_identifier(const union service_arguments *arguments, char *text, size_t size)
{
    if (arguments->identifier.bytes)
        snprintf(text, size, "'%.*s'", (int)arguments->identifier.length,
                 arguments->identifier.bytes);
}

void service_describe_dhcp(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "discovery %02xh", arguments->dhcp.discovery);
}

void service_describe_session(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%08lxh", (unsigned long)arguments->session_close.session);
}

void service_describe_channel_access(const union service_arguments *arguments, char *text,
                                     size_t size)
{
    static const char *const modes[] = {
        [LAN_ACCESS_DISABLED] = "disabled",
        [LAN_ACCESS_PRE_BOOT] = "pre-boot only",
        [LAN_ACCESS_ALWAYS] = "always",
        [LAN_ACCESS_SHARED] = "shared",
    };
    const struct lan_access_change *change = &arguments->lan_access;
    const char *mode = change->access_of != LAN_KEEP ? modes[change->access.mode & 3u] : "as it is";

    if (change->limit_of != LAN_KEEP)
        snprintf(text, size, "%s, limit %u", mode, (unsigned)change->access.limit);
    else
        snprintf(text, size, "%s", mode);
}

void service_describe_domain(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->undefine.name);
}

/* "rack=7 -role": what is set, and what is removed. */
void service_describe_tags(const union service_arguments *arguments, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < arguments->tags.count && used < size; i++) {
        const struct host_tag *tag = &arguments->tags.changes[i];
        int length =
            snprintf(text + used, size - used, "%s%s%s%s%s", used ? " " : "", tag->value ? "" : "-",
                     tag->key, tag->value ? "=" : "", tag->value ? tag->value : "");
        used += length > 0 ? (size_t)length : 0;
    }
}

void service_describe_addition(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->addition->name);
}

void service_describe_facility(const union service_arguments *arguments, char *text, size_t size)
{
    const char *which = arguments->facility.which;

    if (arguments->facility.item)
        snprintf(text, size, "%s%s%s %s", arguments->facility.item, which ? " " : "",
                 which ? which : "", arguments->facility.state);
    else
        snprintf(text, size, "clear");
}

void service_describe_hypervisor(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->hypervisor);
}

void service_describe_inband(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "%s", arguments->inband_front_end ? arguments->inband_front_end : "off");
}
