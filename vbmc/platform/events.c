/* The guest's life as an event log tells it. Each event comes from a discrete sensor, whose states
 * also say how the server is now. */
#include "vbmc/bmc/sensors.h"
#include "vbmc/platform/internal.h"
#include "vbmc/platform/platform.h"

#define UNSPECIFIED 0xff

/* Offsets of IPMI 2.0, table 42-3. */
enum {
    BOOT_POWER_UP = 0,
    BOOT_HARD_RESET = 1,
    BOOT_WARM_RESET = 2,
    BOOT_ERROR_NO_MEDIA = 0,
    STOP_GRACEFUL = 3,
    OS_BOOT_COMPLETED = 1,
    BUTTON_POWER = 0,
    POWER_UNIT_CONTROL_FAILURE = 5,
    POWER_UNIT_FAILURE = 6,
    SECURITY_OUT_OF_BAND_PASSWORD = 5,
    AVAILABILITY_RUNNING = 0,
};

static void raise_event(struct platform *platform, uint8_t number, uint8_t offset)
{
    sensors_raise(platform->bmc->sensors, number, offset, UNSPECIFIED, UNSPECIFIED);
}

/* What went wrong with the run before is over. */
static void forget_failures(struct platform *platform)
{
    platform->panicked = platform->internal_error = false;
    platform_forget_disk_failures(platform);
    platform->boot_told = false;
}

/* Data 2 and 3 as the offset "system restart" has them: restart cause and channel. */
static void raise_boot(struct platform *platform, uint8_t offset)
{
    enum restart_cause cause = platform->bmc->chassis.restart_cause;

    sensors_raise(platform->bmc->sensors, SENSOR_SYSTEM_BOOT, offset, (uint8_t)cause,
                  cause == RESTART_CAUSE_CHASSIS_CONTROL ? CHANNEL_LAN : 0);
}

static void started(struct platform *platform)
{
    platform->tripped = platform->acted.any = false;
    platform->has_begun = platform->has_begun_load = true;
    forget_failures(platform);
    platform_show_states(platform);
    raise_boot(platform, BOOT_POWER_UP);
    platform_follow_links(platform);
}

/* One record for a burst of resets; a start has its own. */
static void was_reset(struct platform *platform)
{
    const struct chassis *chassis = &platform->bmc->chassis;

    forget_failures(platform);
    if (!chassis->reset_is_first)
        return;
    raise_boot(platform, chassis->restart_cause == RESTART_CAUSE_SOFT_RESET ? BOOT_WARM_RESET
                                                                            : BOOT_HARD_RESET);
}

static void stopped(struct platform *platform)
{
    switch (platform->bmc->core.host->stop_reason) {
    case HOST_STOP_SHUTDOWN:
        raise_event(platform, SENSOR_OS_STOP, STOP_GRACEFUL);
        break;
    case HOST_STOP_FAILED:
        raise_event(platform, SENSOR_POWER_UNIT, POWER_UNIT_FAILURE);
        break;
    case HOST_STOP_CRASHED:
        platform->panicked = true;
        break;
    default:
        break;
    }
    platform->acted.any = false;
    platform_forget_samples(platform);
    platform_forget_links(platform);
    platform_forget_quota(platform);
    platform_show_states(platform);
}

static void boot_completed(struct platform *platform)
{
    if (platform->boot_told)
        return;
    platform->boot_told = true;
    raise_event(platform, SENSOR_OS_BOOT, OS_BOOT_COMPLETED);
}

/* So many at once, and one more as often as this: a night of guessing leaves the rest of the log.
 */
#define LOGINS_MAX    5
#define LOGIN_EACH_MS 600000

/* Not as session audit, which ipmitool lists without a word. */
void platform_note_login_failure(struct platform *platform)
{
    uint64_t now_ms = platform->bmc->core.hooks->now(&platform->bmc->core);

    if (rate_take(&platform->logins, LOGINS_MAX, LOGIN_EACH_MS, now_ms))
        raise_event(platform, SENSOR_LOGIN, SECURITY_OUT_OF_BAND_PASSWORD);
}

void platform_note_restart(struct platform *platform)
{
    raise_event(platform, SENSOR_BMC, AVAILABILITY_RUNNING);
}

void platform_note_boot_completed(struct platform *platform)
{
    if (host_power_state_is_on(bmc_power_state(platform->bmc)))
        boot_completed(platform);
}

void platform_note_action(struct platform *platform, enum host_power_action action)
{
    if (action == HOST_POWER_ACTION_SOFT_SHUTDOWN)
        raise_event(platform, SENSOR_POWER_BUTTON, BUTTON_POWER);
}

void platform_note_failure(struct platform *platform)
{
    raise_event(platform, SENSOR_POWER_UNIT, POWER_UNIT_CONTROL_FAILURE);
}

void platform_note_event(struct platform *platform, uint8_t number, uint8_t offset, uint8_t data2)
{
    sensors_raise(platform->bmc->sensors, number, offset, data2, UNSPECIFIED);
}

void platform_host_event(struct platform *platform, enum host_event event)
{
    switch (event) {
    case HOST_EVENT_STATE:
        /* Why a guest is off is told before that it is off: "stopped" follows. */
        if (bmc_power_state(platform->bmc) != HOST_POWER_OFF)
            platform_show_states(platform);
        break;
    case HOST_EVENT_STARTED:
        started(platform);
        break;
    case HOST_EVENT_STOPPED:
        stopped(platform);
        break;
    case HOST_EVENT_RESET:
        was_reset(platform);
        break;
    case HOST_EVENT_BOOT_MISSED:
        raise_event(platform, SENSOR_BOOT_DEVICE, BOOT_ERROR_NO_MEDIA);
        break;
    case HOST_EVENT_HARDWARE:
        platform_forget_missing_disks(platform);
        platform_follow_hardware(platform);
        break;
    case HOST_EVENT_RENAMED:
        platform_follow_hardware(platform);
        break;
    case HOST_EVENT_SAMPLED:
        platform_take_sample(platform);
        break;
    case HOST_EVENT_STOOD:
        platform_sample_stood(platform);
        break;
    case HOST_EVENT_PANICKED:
        platform->panicked = true;
        platform_show_states(platform);
        break;
    case HOST_EVENT_INTERNAL_ERROR:
        platform->internal_error = true;
        platform_show_states(platform);
        break;
    case HOST_EVENT_IO_ERROR:
        if (platform_fail_disk(platform, platform->bmc->core.host->io_error_disk))
            platform_show_states(platform);
        break;
    case HOST_EVENT_AGENT_CONNECTED:
        boot_completed(platform);
        break;
    default:
        break;
    }
}
