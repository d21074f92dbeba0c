/* Discrete states: what was injected, what the facility does, and what the guest's hardware shows.
 */
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/physics/facility.h"
#include "vbmc/platform/internal.h"

/* States of IPMI 2.0, table 42-3, as bits. */
enum {
    PSU_PRESENCE = 1 << 0,
    PSU_FAILURE = 1 << 1,
    PSU_PREDICTIVE = 1 << 2,
    PSU_INPUT_LOST = 1 << 3,
    DRIVE_PRESENCE = 1 << 0,
    DRIVE_FAULT = 1 << 1,
    DRIVE_PREDICTIVE = 1 << 2,
    MEMORY_UNCORRECTABLE = 1 << 1,
    MEMORY_PRESENCE = 1 << 6,
    PROCESSOR_IERR = 1 << 0,
    PROCESSOR_THERMAL_TRIP = 1 << 1,
    PROCESSOR_PRESENCE = 1 << 7,
    LAN_HEARTBEAT_LOST = 1 << 0,
    LAN_HEARTBEAT = 1 << 1,
    POWER_UNIT_OFF = 1 << 0,
    POWER_UNIT_AC_LOST = 1 << 4,
    BATTERY_LOW = 1 << 0,
    BATTERY_PRESENT = 1 << 2,
    INTRUSION_CHASSIS = 1 << 0,
    STOP_RUN_TIME = 1 << 1,
    ACPI_S0 = 1 << 0,
    ACPI_S3 = 1 << 3,
    ACPI_S5 = 1 << 5,
};

static void show(struct platform *platform, unsigned number, int states)
{
    sensors_set_states(platform->bmc->sensors, (uint8_t)number, (uint16_t)states);
}

static int state(bool asserted, int bit)
{
    return asserted ? bit : 0;
}

static void show_supply(struct platform *platform)
{
    const struct supply_state *supply = &platform->supply;

    for (unsigned i = 0; i < supply_psu_count(&platform->settings->supply); i++) {
        uint8_t faults = faults_of_psu(platform->faults, i);
        int states = 0;
        if (!(faults & SUPPLY_PSU_REMOVED))
            states = PSU_PRESENCE | state(supply->ac_lost >> i & 1, PSU_INPUT_LOST) |
                     state(faults & SUPPLY_PSU_FAILED, PSU_FAILURE) |
                     state(faults & SUPPLY_PSU_PREDICTIVE, PSU_PREDICTIVE);
        show(platform, SENSOR_PSU_STATUS + i, states);
    }
    /* "Sufficient, non-redundant" is a fault where redundancy is expected, and only there. */
    bool expected = platform->settings->supply.redundancy != SUPPLY_N || !supply->sufficient;
    show(platform, SENSOR_PS_REDUNDANCY, state(expected, 1 << supply->redundancy));
}

static void show_room(struct platform *platform)
{
    const struct facility *facility = platform->facility;

    show(platform, SENSOR_UPS_INPUT, state(facility_on_battery(facility), POWER_UNIT_AC_LOST));
    show(platform, SENSOR_UPS_BATTERY,
         state(facility_battery_low(facility), BATTERY_LOW) |
             state(facility_has_ups(facility), BATTERY_PRESENT));
}

/* Of a guest whose state is not known the former is shown. */
static void show_power(struct platform *platform)
{
    enum host_power_state power = bmc_power_state(platform->bmc);

    if (power == HOST_POWER_UNKNOWN)
        return;
    show(platform, SENSOR_POWER_UNIT,
         state(power == HOST_POWER_OFF, POWER_UNIT_OFF) |
             state(!platform->supply.sufficient, POWER_UNIT_AC_LOST));
    show(platform, SENSOR_ACPI_POWER,
         power == HOST_POWER_OFF         ? ACPI_S5
         : power == HOST_POWER_SUSPENDED ? ACPI_S3
                                         : ACPI_S0);
}

static void show_disk(struct platform *platform, const char *target)
{
    bool fault = faults_has(platform->faults, FAULT_TARGET_DISK, target, FAULT_FAULT) ||
                 platform_disk_has_failed(platform, target);
    bool predictive =
        faults_has(platform->faults, FAULT_TARGET_DISK, target, FAULT_PREDICTIVE_FAILURE);

    show(platform, sensors_find_disk(platform->bmc->sensors, target),
         DRIVE_PRESENCE | state(fault, DRIVE_FAULT) | state(predictive, DRIVE_PREDICTIVE));
}

/* A server that is off has no link. One that comes up with it is no event; one that comes back
 * after it was lost is, also when the server was off in between. */
static void show_nic(struct platform *platform, const struct host_nic *nic, unsigned index)
{
    enum host_power_state power = bmc_power_state(platform->bmc);
    bool on = host_power_state_is_on(power);
    bool down = nic->link_down || platform_nic_is_injected_down(platform, index);

    uint8_t number = sensors_find_nic(platform->bmc->sensors, nic->mac);

    if (power == HOST_POWER_UNKNOWN || number == 0)
        return;
    uint32_t bit = UINT32_C(1) << (number - SENSOR_NIC);
    struct sensor_status shown;
    bool has_heartbeat = sensors_status(platform->bmc->sensors, number, &shown) == 0 &&
                         (shown.asserted & LAN_HEARTBEAT);
    if (on && !down && !has_heartbeat && !(platform->lost_links & bit))
        sensors_set_unavailable(platform->bmc->sensors, number);
    if (on)
        platform->lost_links = down ? platform->lost_links | bit : platform->lost_links & ~bit;
    show(platform, number,
         state(on && down, LAN_HEARTBEAT_LOST) | state(on && !down, LAN_HEARTBEAT));
}

static void show_parts(struct platform *platform, const struct host_hardware *hardware)
{
    for (unsigned i = 0; i < hardware->disk_count; i++)
        show_disk(platform, hardware->disks[i].target);
    for (unsigned i = 0; i < hardware->nic_count; i++)
        show_nic(platform, host_hardware_nic(hardware, i), i);
    show(platform, SENSOR_CPU_STATUS,
         PROCESSOR_PRESENCE | state(platform->internal_error, PROCESSOR_IERR) |
             state(platform->tripped, PROCESSOR_THERMAL_TRIP));
    for (unsigned i = 1; i < hardware->sockets; i++)
        show(platform, SENSOR_CPU_STATUS + i, PROCESSOR_PRESENCE);
}

void platform_show_states(struct platform *platform)
{
    const struct host_domain *host = platform->bmc->core.host;
    const struct faults *faults = platform->faults;

    show_supply(platform);
    show_room(platform);
    show_power(platform);
    show(platform, SENSOR_INTRUSION,
         state(faults_has(faults, FAULT_TARGET_INTRUSION, "", FAULT_OPEN), INTRUSION_CHASSIS));
    show(platform, SENSOR_MEMORY,
         MEMORY_PRESENCE |
             state(faults_has(faults, FAULT_TARGET_MEMORY, "", FAULT_ECC_UNCORRECTABLE),
                   MEMORY_UNCORRECTABLE));
    show(platform, SENSOR_OS_STOP, state(platform->panicked, STOP_RUN_TIME));
    if (platform->bmc->sel)
        show(platform, SENSOR_SEL, sel_states(platform->bmc->sel));
    if (host && host->hardware)
        show_parts(platform, host->hardware);
}

/* What may change without a word to the platform: those who do the rest wake it. */
static uint64_t see_states(const struct platform *platform)
{
    const struct facility *facility = platform->facility;
    const struct supply_state *supply = &platform->supply;
    uint64_t seen = bmc_power_state(platform->bmc);

    seen = seen << 8 | supply->live;
    seen = seen << 8 | supply->ac_lost;
    seen = seen << 8 | supply->redundancy;
    seen = seen << 1 | supply->sufficient;
    seen = seen << 1 | facility_has_ups(facility);
    seen = seen << 1 | facility_on_battery(facility);
    seen = seen << 1 | facility_battery_low(facility);
    seen = seen << 1 | platform->tripped;
    return seen << 16 | (platform->bmc->sel ? sel_states(platform->bmc->sel) : 0);
}

void platform_renew_states(struct platform *platform)
{
    uint64_t seen = see_states(platform);

    if (!platform->states_are_old && seen == platform->states_seen)
        return;
    platform->states_are_old = false;
    platform->states_seen = seen;
    platform_show_states(platform);
}
