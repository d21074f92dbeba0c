/* A real manager on hypervisors of libvirt's test driver, with its store in a folder of its own
 * (tests/fake/refusing_store.h). One at a time. */
#ifndef TESTS_FAKE_MANAGER_FIXTURE_H
#define TESTS_FAKE_MANAGER_FIXTURE_H

#include "vbmc/fleet/manager.h"

extern struct manager *fixture_manager;

/* A cmocka setup and teardown: the folder and the loop; teardown stops a manager that runs. */
int manager_fixture_setup(void **state);
int manager_fixture_teardown(void **state);
const char *manager_fixture_folder(void);
uv_loop_t *manager_fixture_loop(void);

/* Says what the hypervisor of that name has from its next start on: `count` pairs of name and UUID
 * text, all off. */
void manager_fixture_define(const char *hypervisor, const char *const (*domains)[2], size_t count);
/* Starts the manager on the hypervisors of these names (up to a NULL), in this order; `lines`
 * follow in its configuration. Waits until all are connected. */
void manager_fixture_start(const char *const *hypervisors, const char *lines);
/* The same, and does not wait. */
void manager_fixture_begin(const char *const *hypervisors, const char *lines);
/* From the next start on with compat = openstack. */
void manager_fixture_be_openstack(void);
/* The same configuration with other lines. */
void manager_fixture_reload(const char *lines);
void manager_fixture_stop(void);

/* Turns the loop until `is_so`; fails the test with `what` after ten seconds. */
void manager_fixture_wait(bool (*is_so)(void *context), void *context, const char *what);
/* The BMC of that UUID; NULL if there is none. */
struct instance *manager_fixture_bmc(const char *uuid);

/* Each waits for the answer: 0 or a negative error, with the text of the error. */
int manager_fixture_add(const struct manager_addition *addition);
int manager_fixture_delete(const char *uuid);
int manager_fixture_set_active(const char *uuid, bool active);
int manager_fixture_declare_dead(const char *hypervisor);
const char *manager_fixture_text(void);

#endif
