#include "tests/fake/fake_sensors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PSUS 2

static const struct host_hardware hardware_at_first = {
    .sockets = 2,
    .vcpus = 2,
    .dimms = 1,
    .disk_count = 3,
    .disks = {{.target = "vda"}, {.target = "sdc", .is_removable = true}, {.target = "vdb"}},
    .nic_count = 2,
    .nics = {{.mac = {0x52, 0x54, 0, 0, 0, 1}}, {.mac = {0x52, 0x54, 0, 0, 0, 2}}},
};

struct host_hardware fake_hardware;
unsigned fake_record_changes;

static char events[4096], taken[sizeof events];

static void on_event(void *context, const struct sensor_event *event)
{
    size_t used = strlen(events);

    assert(context == &fake_bmc && used + 32 < sizeof events);
    snprintf(events + used, sizeof events - used, "%s%02x %02x%c%02x%02x%02x%02x", used ? " " : "",
             event->number, event->type, event->deassertion ? '-' : '+', event->event_type,
             event->data[0], event->data[1], event->data[2]);
}

static const struct sensors_ops ops = {on_event};

struct sensors *fake_sensors_new(void)
{
    events[0] = '\0';
    return sensors_new(&ops, &fake_bmc);
}

int fake_sensors_setup(void **state)
{
    fake_bmc_setup(state);
    fake_hardware = hardware_at_first;
    fake_bmc.bmc.sensors = fake_sensors_new();
    sensors_set_hardware(fake_bmc.bmc.sensors, &fake_hardware, PSUS);
    fake_record_changes = 0;
    return fake_bmc.bmc.sensors ? 0 : -1;
}

int fake_sensors_teardown(void **state)
{
    sensors_free(fake_bmc.bmc.sensors);
    fake_bmc.bmc.sensors = NULL;
    return fake_bmc_teardown(state);
}

const char *fake_sensors_events(void)
{
    memcpy(taken, events, sizeof taken);
    events[0] = '\0';
    return taken;
}

void fake_sensors_plug(const char *target)
{
    struct host_disk *disk = &fake_hardware.disks[fake_hardware.disk_count++];

    memset(disk, 0, sizeof *disk);
    snprintf(disk->target, sizeof disk->target, "%s", target);
    fake_record_changes += sensors_set_hardware(fake_bmc.bmc.sensors, &fake_hardware, PSUS);
}

void fake_sensors_unplug(const char *target)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < fake_hardware.disk_count; i++)
        if (strcmp(fake_hardware.disks[i].target, target) != 0)
            fake_hardware.disks[kept++] = fake_hardware.disks[i];
    assert(kept + 1 == fake_hardware.disk_count);
    fake_hardware.disk_count = kept;
    fake_record_changes += sensors_set_hardware(fake_bmc.bmc.sensors, &fake_hardware, PSUS);
}
