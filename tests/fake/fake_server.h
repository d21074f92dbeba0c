/* A fake_bmc that is a server: real sensors, DCMI and platform on a fake guest in a fake room, with
 * its events kept as text. One at a time. */
#ifndef TESTS_FAKE_FAKE_SERVER_H
#define TESTS_FAKE_FAKE_SERVER_H

#include "tests/fake/fake_bmc.h"
#include "tests/fake/fake_server.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"
#include "vbmc/platform/platform.h"

#define FAKE_SERVER_EVENTS_SIZE 4096

struct fake_server {
    struct facility facility;
    struct server_settings settings;
    struct sensor_event last; /* event */
    unsigned event_count;     /* since the last fake_server_events */
    char events[FAKE_SERVER_EVENTS_SIZE];
    char shown[FAKE_SERVER_EVENTS_SIZE];
};

extern struct fake_server fake_server; /* on fake_bmc */

/* Powered by 2N, with a guest of 2 sockets with 2 vCPUs each, the disks vda and vdb and two NICs.
 * It has been looked at for a second. These fit cmocka. */
int fake_server_setup(void **state);         /* the guest runs */
int fake_server_setup_off(void **state);     /* it is off */
int fake_server_setup_unknown(void **state); /* nothing is known of it */
int fake_server_teardown(void **state);
/* The daemon is started again: what is not stored is forgotten. The guest is as it was. */
void fake_server_restart(void);

/* Seconds pass, with a step in each. Calls and saves of before are forgotten. */
void fake_server_step(unsigned seconds);
/* The same, with a sample every two seconds: load of each socket 0..1. */
void fake_server_work(unsigned seconds, double load);
/* The guest's next sample, so many seconds after the one before. */
void fake_server_sample(double seconds, double load0, double load1);
/* It was the same for so many seconds, and stands no more. */
void fake_server_stood(double seconds);
/* Redundancy, needed PSUs, and the feeds in turn ("AB"). */
void fake_server_supply(enum supply_redundancy redundancy, unsigned needed, const char *feeds);
void fake_server_feed(char feed, bool up);
/* "disk/vda", "fault". 0 or what platform_inject says. */
int fake_server_inject(const char *target, const char *kind);
/* "psu/1" or NULL. */
unsigned fake_server_clear(const char *target);

/* Events since the last call, "Name: text" and "Name: text, over", joined by "; ". */
const char *fake_server_events(void);
/* NAN if there is nothing to read. */
double fake_server_reading(unsigned number);
/* Of a discrete sensor; -1 if not available. */
int fake_server_states(unsigned number);
/* Calls of that kind since the last step or restart. */
unsigned fake_server_calls(enum fake_host_call_kind kind);

#endif
