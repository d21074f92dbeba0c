/* What the tests of the libvirt driver share: a hypervisor on libvirt's test driver, a loop that
 * runs until a condition holds, and a connection of somebody else. test:///default is one
 * hypervisor per process, shared by all its connections. One guest is followed; what the callbacks
 * tell of it is counted. Everything asserts by cmocka. */
#ifndef TESTS_FAKE_VIRT_FIXTURE_H
#define TESTS_FAKE_VIRT_FIXTURE_H

#include <stdbool.h>

#include <libvirt/libvirt.h>
#include <uv.h>

#include "vbmc/base/inbox.h"
#include "vbmc/virt/hypervisor.h"

#define VIRT_FIXTURE_URI         "test:///default"
#define VIRT_FIXTURE_DEADLINE_MS 60000 /* for anything waited for */
/* %s: more elements. */
#define VIRT_FIXTURE_XML                                                                           \
    "<domain type='test'><name>guest</name><uuid>12345678-9abc-4def-8123-456789abcdef</uuid>"      \
    "<memory>1024</memory><os><type>hvm</type></os>%s</domain>"

struct virt_fixture {
    uv_loop_t loop;
    struct inbox *inbox;
    struct hypervisor *hypervisor;      /* NULL: stopped */
    virConnectPtr other;                /* somebody else's connection */
    virDomainPtr undefine_when_stopped; /* by a callback, in the midst of an operation; or NULL */
    /* Told by callbacks. */
    struct virt_domain *guest; /* the domain of VIRT_FIXTURE_XML; NULL if it is not there */
    unsigned appeared;         /* these three of any domain */
    unsigned vanished;
    unsigned connections;
    unsigned events[HOST_EVENT_AGENT_CONNECTED + 1];
    /* Told by operations. */
    unsigned ended;
    int result; /* of the one that ended last */
    char text[4096];
};

extern struct virt_fixture virt_fixture;

/* For cmocka: the loop and the other connection. */
int virt_fixture_setup_group(void **state);
int virt_fixture_teardown_group(void **state);
/* For cmocka: a hypervisor that is up; what a test leaves of the guest is removed. */
int virt_fixture_setup(void **state);
int virt_fixture_teardown(void **state);

void virt_fixture_start(const char *uri);
/* Stops, and lets the loop run until that is over. */
void virt_fixture_stop(void);

/* Runs the loop until the condition holds; the test fails if it does not in time. */
void virt_fixture_turn_until(bool (*condition)(void), int line);
#define TURN_UNTIL(condition) virt_fixture_turn_until(condition, __LINE__)
bool virt_fixture_is_there(void); /* the guest */
bool virt_fixture_is_gone(void);
void virt_fixture_turn_until_state(enum host_power_state state, int line);
#define TURN_UNTIL_STATE(state) virt_fixture_turn_until_state(state, __LINE__)

enum host_power_state virt_fixture_state(void);

/* Somebody else defines the guest; to be freed. */
virDomainPtr virt_fixture_define(const char *more);
/* The same with a guest that runs. Waits until it is seen. */
virDomainPtr virt_fixture_define_running(void);
/* The same with a transient one. */
virDomainPtr virt_fixture_create_transient(void);

/* host_done_fn and hypervisor_done_fn. */
void virt_fixture_done(void *context, int result, const char *text);
/* Until exactly so many operations have ended. */
void virt_fixture_turn_until_ended(unsigned count, int line);
#define TURN_UNTIL_ENDED(count) virt_fixture_turn_until_ended(count, __LINE__)
void virt_fixture_power(enum host_power_action action, unsigned interval_s);
/* The same, and waits for its end. */
void virt_fixture_expect_power(enum host_power_action action, int expected);

#endif
