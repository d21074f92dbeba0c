#include "tests/fake/fake_server.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"
#include "vbmc/platform/inject.h"

struct fake_server fake_server;

static void on_event(void *context, const struct sensor_event *event)
{
    const struct sensor_definition *definition = sensor_definition_find(event->number);
    uint8_t offset = event->data[0] & 0x0f;
    size_t used = strlen(fake_server.events);
    struct sensor_view view;

    assert(context == &fake_server);
    assert(sensors_view(fake_bmc.bmc.sensors, event->number, &view) == 0);
    snprintf(fake_server.events + used, sizeof fake_server.events - used, "%s%s: %s%s",
             used ? "; " : "", view.name,
             sensor_state_text(definition->type, definition->event_type, offset),
             event->deassertion ? ", over" : "");
    fake_server.last = *event;
    fake_server.event_count++;
}

static const struct sensors_ops ops = {.event = on_event};

static void fill_hardware(struct host_hardware *hardware)
{
    static const uint8_t macs[2][6] = {{0x52, 0x54, 0, 0, 0, 1}, {0x52, 0x54, 0, 0, 0, 2}};

    hardware->sockets = 2;
    hardware->vcpus = 4;
    hardware->dimms = 2;
    hardware->disk_count = hardware->nic_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(hardware->disks[i].target, sizeof hardware->disks[i].target, "vd%c", 'a' + (int)i);
        memcpy(hardware->nics[i].mac, macs[i], sizeof macs[i]);
    }
}

/* In the daemon's order: what was stored is there before the guest is. */
static void build(const struct faults *faults)
{
    struct bmc *bmc = &fake_bmc.bmc;
    struct host_domain *host = bmc->core.host;

    bmc->core.host = NULL;
    bmc->sensors = sensors_new(&ops, &fake_server);
    bmc->dcmi = dcmi_new(&bmc->core, &bmc->chassis, bmc->sensors);
    bmc->platform = platform_new(bmc, &fake_server.facility);
    assert(bmc->sensors && bmc->dcmi && bmc->platform);
    bmc->core.listener = &platform_listener;
    bmc->core.listener_context = bmc->platform;
    platform_configure(bmc->platform, &fake_server.settings);
    platform_restore_faults(bmc->platform, faults);
    bmc->core.host = host;
    platform_set_host(bmc->platform);
}

static void demolish(void)
{
    struct bmc *bmc = &fake_bmc.bmc;

    host_cancel(bmc->core.host, bmc);
    chassis_cancel(&bmc->chassis, NULL);
    bmc->core.listener = NULL;
    platform_free(bmc->platform);
    dcmi_free(bmc->dcmi);
    sensors_free(bmc->sensors);
    bmc->platform = NULL;
    bmc->dcmi = NULL;
    bmc->sensors = NULL;
}

static int setup(enum host_power_state state)
{
    struct facility_settings room;

    log_set_level(LOG_LEVEL_ERROR);
    fake_server = (struct fake_server){.event_count = 0};
    facility_settings_set_defaults(&room);
    facility_init(&fake_server.facility, &room);
    server_settings_set_defaults(&fake_server.settings);
    fake_bmc_init(&fake_bmc, state);
    fill_hardware(&fake_bmc.host.hardware);
    build(&(struct faults){.count = 0});
    fake_server_step(1);
    return 0;
}

int fake_server_setup(void **state)
{
    (void)state;
    return setup(HOST_POWER_RUNNING);
}

int fake_server_setup_off(void **state)
{
    (void)state;
    return setup(HOST_POWER_OFF);
}

int fake_server_setup_unknown(void **state)
{
    (void)state;
    return setup(HOST_POWER_UNKNOWN);
}

int fake_server_teardown(void **state)
{
    (void)state;
    demolish();
    fake_bmc_clear(&fake_bmc);
    return 0;
}

static void forget_calls(void)
{
    struct fake_host *host = &fake_bmc.host;

    assert(fake_bmc.save_count == fake_bmc.saves_finished);
    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    if (host->finished == host->count)
        host->finished = host->count = 0;
}

void fake_server_restart(void)
{
    struct bmc *bmc = &fake_bmc.bmc;
    struct faults faults = *platform_faults(bmc->platform);

    demolish();
    forget_calls();
    bmc->chassis.was_on_last_run = bmc->chassis.was_on;
    build(&faults);
}

void fake_server_step(unsigned seconds)
{
    while (seconds-- > 0) {
        forget_calls();
        fake_bmc_advance(&fake_bmc, 1000);
        facility_step(&fake_server.facility, 1);
        platform_step(fake_bmc.bmc.platform);
    }
}

void fake_server_sample(double seconds, double load0, double load1)
{
    struct host_sample *sample = &fake_bmc.host.domain.sample;

    fake_bmc.host.domain.sample_stands = sample->taken_ns > 0 && load0 <= 0 && load1 <= 0;
    sample->vcpus = 4;
    sample->socket_vcpus[0] = sample->socket_vcpus[1] = 2;
    sample->taken_ns += (uint64_t)(seconds * 1e9);
    sample->socket_ns[0] += (uint64_t)(load0 * 2 * seconds * 1e9);
    sample->socket_ns[1] += (uint64_t)(load1 * 2 * seconds * 1e9);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_SAMPLED);
}

void fake_server_stood(double seconds)
{
    fake_bmc.host.domain.sample.taken_ns += (uint64_t)(seconds * 1e9);
    fake_bmc.host.domain.sample_stands = false;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOOD);
}

void fake_server_work(unsigned seconds, double load)
{
    for (unsigned i = 0; i < seconds; i++) {
        if (i % 2 == 0)
            fake_server_sample(2, load, load);
        fake_server_step(1);
    }
}

void fake_server_supply(enum supply_redundancy redundancy, unsigned needed, const char *feeds)
{
    struct supply_layout *supply = &fake_server.settings.supply;

    supply->redundancy = redundancy;
    supply->needed = needed;
    supply->feed_count = (unsigned)strlen(feeds);
    for (unsigned i = 0; feeds[i]; i++)
        supply->feeds[i] = (uint8_t)(feeds[i] - 'A');
    platform_configure(fake_bmc.bmc.platform, &fake_server.settings);
}

void fake_server_feed(char feed, bool up)
{
    const char which[] = {feed, '\0'};
    char error[128];

    assert(facility_set(&fake_server.facility, "feed", which, up ? "up" : "down", error,
                        sizeof error) == 0);
}

int fake_server_inject(const char *target, const char *kind)
{
    struct fault fault;
    char error[256];

    assert(fault_parse(target, kind, &fault, error, sizeof error) == 0);
    forget_calls();
    return platform_inject(fake_bmc.bmc.platform, &fault, error, sizeof error);
}

unsigned fake_server_clear(const char *target)
{
    struct fault like;
    char error[256];

    forget_calls();
    if (!target)
        return platform_clear_faults(fake_bmc.bmc.platform, NULL, NULL);
    assert(fault_parse_target(target, &like, error, sizeof error) == 0);
    return platform_clear_faults(fake_bmc.bmc.platform, &like, NULL);
}

const char *fake_server_events(void)
{
    memcpy(fake_server.shown, fake_server.events, sizeof fake_server.shown);
    fake_server.events[0] = '\0';
    fake_server.event_count = 0;
    return fake_server.shown;
}

double fake_server_reading(unsigned number)
{
    struct sensor_view view;

    assert(sensors_view(fake_bmc.bmc.sensors, (uint8_t)number, &view) == 0 && view.is_threshold);
    return view.available ? view.value : NAN;
}

int fake_server_states(unsigned number)
{
    struct sensor_view view;

    assert(sensors_view(fake_bmc.bmc.sensors, (uint8_t)number, &view) == 0 && !view.is_threshold);
    return view.available ? view.states : -1;
}

unsigned fake_server_calls(enum fake_host_call_kind kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake_bmc.host.count; i++)
        count += fake_bmc.host.calls[i].kind == kind;
    return count;
}
