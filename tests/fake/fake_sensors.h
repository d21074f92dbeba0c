/* The fake BMC with sensors: what they tell is kept as text. No cmocka here. */
#ifndef TESTS_FAKE_FAKE_SENSORS_H
#define TESTS_FAKE_FAKE_SENSORS_H

#include "tests/fake/fake_bmc.h"
#include "vbmc/bmc/sensors.h"

/* Two sockets, disks vda and vdb, a CD drive sdc, two NICs 52:54:00:00:00:01 and :02. */
extern struct host_hardware fake_hardware;
/* How often the records have changed since the setup. */
extern unsigned fake_record_changes;

/* Fits cmocka: fake_bmc with sensors for fake_hardware and two PSUs, before any reading. */
int fake_sensors_setup(void **state);
int fake_sensors_teardown(void **state);

/* Sensors that know no hardware yet, of the same fake. The caller frees them. */
struct sensors *fake_sensors_new(void);

/* The events since the last call: "08 07+01575f55" is sensor 08h of type 07h, asserted, event type
 * 01h and its three data bytes; separated by spaces. */
const char *fake_sensors_events(void);
/* Adds a disk, takes one away. */
void fake_sensors_plug(const char *target);
void fake_sensors_unplug(const char *target);

#endif
