/* Once a second:
 *
 *     guest's samples -> load -\
 *     facility: feeds, UPS -> PSUs --> model --> analog sensors --> thresholds --> SEL
 *     facility: cooling -> inlet --/         \-> DCMI power
 *
 * and beside that, as they happen, the driver's events -> discrete sensors -> SEL. Sensor reads
 * look at the results only. */
#include "vbmc/platform/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/physics/facility.h"
#include "vbmc/platform/platform.h"

/* After a pause of the daemon (suspended, stopped in a debugger) the physics does not catch up with
 * hours. */
#define STEP_MAX_S 60.0

struct platform *platform_new(struct bmc *bmc, const struct facility *facility)
{
    struct platform *platform = calloc(1, sizeof *platform);
    struct server_settings standard;

    if (!platform)
        return NULL;
    platform->bmc = bmc;
    platform->facility = facility;
    server_settings_set_defaults(&standard);
    platform->settings = server_settings_share(&standard);
    if (!platform->settings) {
        free(platform);
        return NULL;
    }
    platform_begin_faults(platform);
    platform_forget_samples(platform);
    /* A guest that is found running is not about to boot, and may be limited already. */
    platform->boot_told = platform->quota.unsure = true;
    model_init(&platform->model, &platform->settings->model, facility->inlet_c);
    platform_evaluate_supply(platform);
    return platform;
}

void platform_free(struct platform *platform)
{
    if (!platform)
        return;
    chassis_set_supply(&platform->bmc->chassis, true, 0);
    platform_forget_disk_failures(platform);
    platform_end_faults(platform);
    server_settings_release(platform->settings);
    free(platform->links.items);
    free(platform);
}

void platform_configure(struct platform *platform, const struct server_settings *settings)
{
    platform_wake(platform);
    const struct server_settings *shared = server_settings_share(settings);
    if (!shared) {
        log_error("%s: out of memory for the settings of its server",
                  bmc_core_name(&platform->bmc->core));
        return;
    }
    server_settings_release(platform->settings);
    platform->settings = shared;
    platform->model.constants = &shared->model;
    platform_evaluate_supply(platform);
    platform_follow_hardware(platform);
}

const struct server_settings *platform_settings(const struct platform *platform)
{
    return platform->settings;
}

/* ---- one second ---- */

static double cpu_offset(const struct platform *platform, unsigned socket)
{
    char name[8];

    if (platform->faults->count == 0)
        return 0; /* a thousand servers step each second */
    snprintf(name, sizeof name, "cpu%u", socket + 1);
    return faults_temperature_offset(platform->faults, name);
}

static void fill_inputs(const struct platform *platform, struct model_inputs *inputs)
{
    const struct host_domain *host = platform->bmc->core.host;
    const struct host_hardware *hardware = host ? host->hardware : NULL;
    const struct platform_load *load = &platform->load;

    /* A server does not cool down because its hypervisor cannot be asked for a minute. */
    *inputs = (struct model_inputs){
        .on = platform->was_on && platform->supply.sufficient,
        .sockets = hardware ? hardware->sockets : 1,
        .dimms = hardware ? hardware->dimms : 1,
        .disks = hardware ? hardware->disk_count : 0,
        .nics = hardware ? hardware->nic_count : 0,
        .memory_utilisation = load->memory > 0 ? load->memory : 0,
        .disk_requests_per_s = load->requests_per_s,
        .disk_bytes_per_s = load->disk_bytes_per_s,
        .nic_bytes_per_s = load->nic_bytes_per_s,
        .inlet_c =
            platform->facility->inlet_c + faults_temperature_offset(platform->faults, "inlet"),
        .psus = supply_psu_count(&platform->settings->supply),
        .psus_live = platform->supply.live,
    };
    for (unsigned i = 0; i < MODEL_SOCKETS_MAX; i++) {
        inputs->cpu_utilisation[i] = load->cpu[i];
        inputs->cpu_offset_c[i] = cpu_offset(platform, i);
    }
    for (unsigned i = 0; i < MODEL_FANS && platform->faults->count > 0; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i + 1);
        if (faults_has(platform->faults, FAULT_TARGET_FAN, name, FAULT_FAILED))
            inputs->fans_failed |= (uint8_t)(1U << i);
    }
}

/* A reading, or none: of a server that is off, or of whose state nothing is known. */
static void show(struct platform *platform, unsigned number, bool there, double value)
{
    if (there)
        sensors_set_reading(platform->bmc->sensors, (uint8_t)number, value);
    else
        sensors_set_unavailable(platform->bmc->sensors, (uint8_t)number);
}

static void show_share(struct platform *platform, uint8_t number, bool there, double share)
{
    show(platform, number, there && share >= 0, share * 100);
}

static void show_readings(struct platform *platform)
{
    const struct model_readings *readings = &platform->model.readings;
    const struct platform_load *load = &platform->load;
    bool known = bmc_power_state(platform->bmc) != HOST_POWER_UNKNOWN;
    bool on = platform_is_on(platform) && platform->supply.sufficient; /* else it is about to end */

    show(platform, SENSOR_INLET_TEMP, true, readings->inlet_c);
    show(platform, SENSOR_EXHAUST_TEMP, on,
         readings->exhaust_c + faults_temperature_offset(platform->faults, "exhaust"));
    show(platform, SENSOR_DIMM_TEMP, on,
         readings->dimm_c + faults_temperature_offset(platform->faults, "dimm"));
    for (unsigned i = 0; i < MODEL_SOCKETS_MAX; i++)
        show(platform, SENSOR_CPU_TEMP + i, on, readings->cpu_c[i] + cpu_offset(platform, i));
    for (unsigned i = 0; i < MODEL_FANS; i++) {
        if (on || !known)
            show(platform, SENSOR_FAN + i, on, readings->fan_rpm[i]);
        else
            sensors_set_idle_reading(platform->bmc->sensors, (uint8_t)(SENSOR_FAN + i), 0);
    }
    for (unsigned i = 0; i < MODEL_PSUS_MAX; i++)
        show(platform, SENSOR_PSU_INPUT + i, known, readings->psu_input_w[i]);
    show(platform, SENSOR_SYS_POWER, known, readings->system_w);
    show(platform, SENSOR_CPU_POWER, on, readings->cpus_w);
    show(platform, SENSOR_DISK_POWER, on, readings->disks_w);
    show(platform, SENSOR_FAN_POWER, on, readings->fans_w);
    show(platform, SENSOR_12V, on, readings->volt_12);
    show(platform, SENSOR_5V, on, readings->volt_5);
    show(platform, SENSOR_3_3V, on, readings->volt_3_3);
    show(platform, SENSOR_VBAT, true, readings->volt_battery);
    show_share(platform, SENSOR_CPU_UTIL, on && load->known, load->cpu_all);
    show_share(platform, SENSOR_MEM_UTIL, on && load->known, load->memory);
    show_share(platform, SENSOR_IO_UTIL, on && load->known, load->io);
}

/* A guest that is found running has not been switched on just now. */
static void step_model(struct platform *platform, double seconds)
{
    struct model_inputs inputs;

    fill_inputs(platform, &inputs);
    bool is_known = bmc_power_state(platform->bmc) != HOST_POWER_UNKNOWN;
    if (is_known && (!platform->has_begun || (!platform->has_begun_load && platform->load.known))) {
        platform->has_begun = true;
        platform->has_begun_load = platform->load.known;
        model_settle(&platform->model, &inputs);
    } else {
        model_step(&platform->model, &inputs, seconds < STEP_MAX_S ? seconds : STEP_MAX_S);
    }
}

void platform_step(struct platform *platform)
{
    struct bmc *bmc = platform->bmc;

    platform_wake_for_load(platform); /* if it is at rest */
    uint64_t now_ms = bmc->core.hooks->now(&bmc->core);
    double seconds = platform->stepped_ms ? (double)(now_ms - platform->stepped_ms) / 1000 : 0;
    const struct model_readings before = platform->model.readings;

    platform->stepped_ms = now_ms;
    if (bmc_power_state(bmc) != HOST_POWER_UNKNOWN)
        platform->was_on = platform_is_on(platform);
    platform_age_load(platform, now_ms);
    platform_evaluate_supply(platform);
    step_model(platform, seconds);
    platform_renew_states(platform);
    show_readings(platform);
    if (bmc->dcmi && bmc_power_state(bmc) != HOST_POWER_UNKNOWN)
        dcmi_note_power(bmc->dcmi, now_ms, platform->model.readings.system_w);
    platform_guard_power(platform);
    platform_follow_links(platform);
    platform_limit_power(platform);
    platform_rest(platform, &before, seconds);
}

/* ---- what happens to the BMC ---- */

void platform_set_host(struct platform *platform)
{
    /* The load of a guest that has moved is what it was until the next pair of samples. */
    if (bmc_power_state(platform->bmc) == HOST_POWER_OFF)
        platform_forget_samples(platform);
    else
        platform->last.taken_ns = 0;
    platform_doubt_links(platform);
    platform_doubt_quota(platform);
    platform_evaluate_supply(platform);
    platform_look_first(platform);
    platform_follow_hardware(platform);
}

static void host_set(void *platform)
{
    platform_wake(platform);
    platform_set_host(platform);
}

static void host_event(void *platform, enum host_event event)
{
    if (event != HOST_EVENT_SAMPLED && event != HOST_EVENT_STOOD) /* which change the load only */
        platform_wake(platform);
    platform_host_event(platform, event);
}

static void action_begun(void *platform, enum host_power_action action)
{
    platform_wake(platform);
    platform_note_action(platform, action);
}

static void action_failed(void *platform)
{
    platform_wake(platform);
    platform_note_failure(platform);
}

static void sensor_event(void *platform, uint8_t number, uint8_t offset, uint8_t data2)
{
    platform_wake(platform);
    platform_note_event(platform, number, offset, data2);
}

const struct bmc_listener platform_listener = {
    .host_set = host_set,
    .host_event = host_event,
    .action_begun = action_begun,
    .action_failed = action_failed,
    .sensor_event = sensor_event,
};
