/* A real fleet on hypervisors of libvirt's test driver, with its store in a folder of its own
 * (tests/fake/refusing_store.h). One at a time. */
#ifndef TESTS_FAKE_FLEET_FIXTURE_H
#define TESTS_FAKE_FLEET_FIXTURE_H

#include "vbmc/fleet/fleet.h"

extern struct fleet *fixture_fleet;

/* A cmocka setup and teardown: the folder and the loop; teardown stops a fleet that runs. */
int fleet_fixture_setup(void **state);
int fleet_fixture_teardown(void **state);
const char *fleet_fixture_folder(void);
uv_loop_t *fleet_fixture_loop(void);

/* Says what the hypervisor of that name has from its next start on: `count` pairs of name and UUID
 * text, all off. */
void fleet_fixture_define(const char *hypervisor, const char *const (*domains)[2], size_t count);
/* Starts the fleet on the hypervisors of these names (up to a NULL), in this order; `lines`
 * follow in its configuration. Waits until all are connected. */
void fleet_fixture_start(const char *const *hypervisors, const char *lines);
/* The same, and does not wait. */
void fleet_fixture_begin(const char *const *hypervisors, const char *lines);
/* The same as fleet_stand_by, and does not wait. */
void fleet_fixture_stand_by(const char *const *hypervisors, const char *lines,
                            void (*locked)(void *context));
/* From the next start on with compat = openstack. */
void fleet_fixture_be_openstack(void);
/* The same configuration with other lines. */
void fleet_fixture_reload(const char *lines);
/* The same, and does not wait. */
void fleet_fixture_reload_to(const char *lines);
void fleet_fixture_stop(void);

/* Turns the loop until `is_so`; fails the test with `what` after ten seconds. */
void fleet_fixture_wait(bool (*is_so)(void *context), void *context, const char *what);
/* The BMC of that UUID; NULL if there is none. */
struct instance *fleet_fixture_bmc(const char *uuid);

/* Each waits for the answer: 0 or a negative error, with the text of the error. */
int fleet_fixture_add(const struct service_addition *addition);
int fleet_fixture_delete(const char *uuid);
int fleet_fixture_set_active(const char *uuid, bool active);
int fleet_fixture_declare_dead(const char *hypervisor);
const char *fleet_fixture_text(void);

#endif
