/* The libvirt driver against libvirt's test driver: what we do to domains, each operation ending
 * exactly once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/uuid.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/domain_state.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/keeper.h"
#include "vbmc/virt/operation.h"

/* ---- what we do ---- */

static void test_power(void **state)
{
    static const struct {
        enum host_power_action action;
        int result;
        enum host_power_state after;
        unsigned started, stopped;
    } lines[] = {
        {HOST_POWER_ACTION_UP, 0, HOST_POWER_RUNNING, 1, 0},
        {HOST_POWER_ACTION_UP, 0, HOST_POWER_RUNNING, 1, 0},
        {HOST_POWER_ACTION_CYCLE, 0, HOST_POWER_RUNNING, 2, 1},
        {HOST_POWER_ACTION_DOWN, 0, HOST_POWER_OFF, 2, 2},
        {HOST_POWER_ACTION_DOWN, 0, HOST_POWER_OFF, 2, 2},
        {HOST_POWER_ACTION_UP, 0, HOST_POWER_RUNNING, 3, 2},
        {HOST_POWER_ACTION_SOFT_SHUTDOWN, 0, HOST_POWER_OFF, 3, 3},
        {HOST_POWER_ACTION_UP, 0, HOST_POWER_RUNNING, 4, 3},
    };

    (void)state;
    virDomainFree(virt_fixture_define(""));
    TURN_UNTIL(virt_fixture_is_there);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        virt_fixture_expect_power(lines[i].action, lines[i].result);
        assert_int_equal(virt_fixture_state(), lines[i].after);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], lines[i].started);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], lines[i].stopped);
    }
}

/* What this hypervisor can do of it depends on its version; it is said once, and nothing else
 * happens. */
static void test_power_without_qmp(void **state)
{
    static const enum host_power_action actions[] = {HOST_POWER_ACTION_HARD_RESET,
                                                     HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT};

    (void)state;
    virDomainFree(virt_fixture_define(""));
    TURN_UNTIL(virt_fixture_is_there);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        virt_fixture_power(actions[i], 0);
        TURN_UNTIL_ENDED(1);
        assert_true(virt_fixture.result == 0 || virt_fixture.result == -ENOTSUP);
        assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    }
}

static void test_power_of_a_paused_guest(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    virDomainCreate(domain);
    virDomainSuspend(domain);
    TURN_UNTIL_STATE(HOST_POWER_PAUSED);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_RUNNING);
    virDomainSuspend(domain);
    TURN_UNTIL_STATE(HOST_POWER_PAUSED);
    virt_fixture_expect_power(HOST_POWER_ACTION_DOWN, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_OFF);
    virDomainFree(domain);
}

/* They run in the order of the calls, and each says once how it ended. */
static void test_several_at_once(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define(""));
    TURN_UNTIL(virt_fixture_is_there);
    for (int i = 0; i < 5; i++) {
        virt_fixture_power(HOST_POWER_ACTION_UP, 0);
        virt_fixture_power(HOST_POWER_ACTION_DOWN, 0);
    }
    assert_int_equal(virt_fixture.ended,
                     0); /* never from within the call, so that it can be told */
    TURN_UNTIL_ENDED(10);
    assert_int_equal(virt_fixture.result, 0);
    assert_int_equal(virt_fixture_state(), HOST_POWER_OFF);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], 5);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 5);
}

static void test_cancel(void **state)
{
    struct host_domain *host;

    (void)state;
    virDomainFree(virt_fixture_define_running());
    host = virt_domain_host(virt_fixture.guest);
    host_power(host, HOST_POWER_ACTION_DOWN, 0, virt_fixture_done, &virt_fixture.inbox);
    virt_fixture_power(HOST_POWER_ACTION_UP, 0);
    host_cancel(host, &virt_fixture.inbox);
    TURN_UNTIL_ENDED(1);                                          /* the second one's */
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1); /* what has begun goes on */
    assert_int_equal(host->state, HOST_POWER_RUNNING);
}

/* The guest may run elsewhere by now: what has not been started is not started any more. Another
 * action behind it tells when it has ended. */
static void test_cancelled_before_its_start(void **state)
{
    static const struct {
        bool detached;
        unsigned started; /* with the one that the guest begins with */
    } cases[] = {{false, 1}, {true, 2}};

    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    struct host_domain *host = virt_domain_host(virt_fixture.guest);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned before = virt_fixture.events[HOST_EVENT_STARTED];
        host_power(host, HOST_POWER_ACTION_CYCLE, 1, virt_fixture_done, &virt_fixture.inbox);
        virt_fixture_power(HOST_POWER_ACTION_SOFT_SHUTDOWN, 0);
        TURN_UNTIL_STATE(HOST_POWER_OFF);
        if (cases[i].detached)
            host_detach(host, &virt_fixture.inbox);
        host_cancel(host, &virt_fixture.inbox);
        TURN_UNTIL_ENDED(1);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED] - before + 1, cases[i].started);
        assert_int_equal(virt_fixture.result == 0, cases[i].detached);
        virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    }
    /* It does not hold up the next one for its whole interval. */
    host_power(host, HOST_POWER_ACTION_CYCLE, 250, virt_fixture_done, &virt_fixture.inbox);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    host_cancel(host, &virt_fixture.inbox);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    /* Waiting behind another one, its guest is not ended either. */
    virt_fixture_power(HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, 0);
    host_power(host, HOST_POWER_ACTION_CYCLE, 0, virt_fixture_done, &virt_fixture.inbox);
    host_cancel(host, &virt_fixture.inbox);
    unsigned stopped = virt_fixture.events[HOST_EVENT_STOPPED];
    virt_fixture_power(HOST_POWER_ACTION_UP, 0);
    TURN_UNTIL_ENDED(2);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], stopped);
    virDomainFree(domain);
}

/* Nobody knows where the guest is when the connection is back: the cycle ends with it. */
static void test_connection_lost_in_a_cycle(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    virt_fixture_power(HOST_POWER_ACTION_CYCLE, 250);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    virt_keeper_lost(virt_fixture.hypervisor);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, -EHOSTUNREACH);
    assert_int_equal(virDomainIsActive(domain), 0);
    virDomainFree(domain);
}

/* It is lost before the loop knows that the guest was destroyed. */
static void test_connection_lost_while_a_cycle_destroys(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    virt_fixture_power(HOST_POWER_ACTION_CYCLE, 250);
    while (virDomainIsActive(domain) == 1)
        uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    virt_keeper_lost(virt_fixture.hypervisor);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, -EHOSTUNREACH);
    assert_int_equal(virDomainIsActive(domain), 0);
    virDomainFree(domain);
}

/* A guest whose start is under way is on, but whether it boots or is restored is told only when
 * that is over: one that is restored must be neither reset nor stopped counting for. */
static void test_start_under_way(void **state)
{
    static const struct {
        enum host_power_state after;
        bool booted;
    } cases[] = {
        {HOST_POWER_RUNNING, false}, {HOST_POWER_RUNNING, true}, {HOST_POWER_PAUSED, false}};

    (void)state;
    virDomainFree(virt_fixture_define_running());
    struct virt_domain *guest = virt_fixture.guest;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct virt_facts off = {.name = strdup("guest"), .state = HOST_POWER_OFF, .id = -1};
        struct virt_facts starting = {.name = strdup("guest"), .state = HOST_POWER_PAUSED};
        struct virt_facts started = {.name = strdup("guest"), .state = cases[i].after};
        off.persistent = starting.persistent = started.persistent = true;
        starting.id = started.id = 10 + (int)i;
        starting.starting = true;
        started.booted = cases[i].booted;
        virt_domain_apply_facts(guest, &off, true);
        unsigned starts = virt_fixture.events[HOST_EVENT_STARTED];
        virt_domain_apply_facts(guest, &starting, true);
        assert_int_equal(virt_domain_host(guest)->state, HOST_POWER_PAUSED);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], starts);
        assert_false(virt_domain_host(guest)->booted);
        assert_true(virt_domain_is_starting(guest));
        assert_false(virt_domain_has_booted(guest)); /* it may be migrated to here */
        virt_domain_apply_facts(guest, &started, true);
        assert_int_equal(virt_domain_host(guest)->state, cases[i].after);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], starts + 1);
        assert_int_equal(virt_domain_host(guest)->booted, cases[i].booted);
        assert_int_equal(virt_domain_has_booted(guest), cases[i].booted);
        assert_false(virt_domain_is_starting(guest));
        /* A start that fails. */
        virt_domain_apply_facts(guest, &off, true);
        unsigned stops = virt_fixture.events[HOST_EVENT_STOPPED];
        virt_domain_apply_facts(guest, &starting, true);
        virt_domain_apply_facts(guest, &off, true);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STARTED], starts + 1);
        assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], stops + 1);
        virt_facts_clear(&off);
        virt_facts_clear(&starting);
        virt_facts_clear(&started);
    }
}

/* A start that fails has stopped once, however it is found out, and one that goes on has not. */
static void test_start_that_fails(void **state)
{
    static const struct {
        bool lost; /* the connection, after the first look */
        enum host_power_state after;
        int id; /* that of the first start is 10 */
        unsigned started, stopped;
    } cases[] = {
        {false, HOST_POWER_OFF, -1, 0, 1},     {true, HOST_POWER_OFF, -1, 0, 1},
        {false, HOST_POWER_PAUSED, 10, 0, 0},  {true, HOST_POWER_PAUSED, 10, 0, 0},
        {false, HOST_POWER_PAUSED, 11, 0, 1},  {true, HOST_POWER_PAUSED, 11, 0, 1},
        {false, HOST_POWER_RUNNING, 10, 1, 0}, {true, HOST_POWER_RUNNING, 10, 1, 0},
        {false, HOST_POWER_RUNNING, 11, 1, 1}, {true, HOST_POWER_RUNNING, 11, 1, 1},
    };

    (void)state;
    virDomainFree(virt_fixture_define_running());
    struct virt_domain *guest = virt_fixture.guest;
    const unsigned *events = virt_fixture.events;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct virt_facts off = {.name = strdup("guest"), .state = HOST_POWER_OFF, .id = -1};
        struct virt_facts starting = {
            .name = strdup("guest"), .state = HOST_POWER_PAUSED, .id = 10, .starting = true};
        struct virt_facts after = {
            .name = strdup("guest"), .state = cases[i].after, .id = cases[i].id};
        after.starting = cases[i].after == HOST_POWER_PAUSED;
        off.persistent = starting.persistent = after.persistent = true;
        virt_domain_apply_facts(guest, &off, true);
        unsigned started = events[HOST_EVENT_STARTED], stopped = events[HOST_EVENT_STOPPED];
        virt_domain_apply_facts(guest, &starting, true);
        if (cases[i].lost)
            virt_domain_set_state(guest, HOST_POWER_UNKNOWN, true);
        virt_domain_apply_facts(guest, &after, !cases[i].lost);
        assert_int_equal(events[HOST_EVENT_STARTED], started + cases[i].started);
        assert_int_equal(events[HOST_EVENT_STOPPED], stopped + cases[i].stopped);
        virt_facts_clear(&off);
        virt_facts_clear(&starting);
        virt_facts_clear(&after);
    }
}

/* In place of libvirt's: no job, one, or one without figures. */
static int job;

int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr info)
{
    (void)domain;
    *info = (virDomainJobInfo){.type = job};
    return job < 0 ? -1 : 0;
}

static void test_ends_of_a_migration(void **state)
{
    static const struct {
        int state, reason;
        bool migrating;
        int job;
    } cases[] = {
        {VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_MIGRATED, false, VIR_DOMAIN_JOB_NONE},
        {VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY, false,
         VIR_DOMAIN_JOB_NONE}, /* the target's */
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, false, VIR_DOMAIN_JOB_NONE},
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, false, VIR_DOMAIN_JOB_NONE},
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, true, VIR_DOMAIN_JOB_UNBOUNDED},
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, true, VIR_DOMAIN_JOB_COMPLETED},
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, true, -1}, /* the target's */
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, false, VIR_DOMAIN_JOB_NONE}, /* restored */
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY, true, VIR_DOMAIN_JOB_NONE},
        {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY_FAILED, true, VIR_DOMAIN_JOB_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        job = cases[i].job;
        assert_int_equal(virt_facts_is_migrating(NULL, cases[i].state, cases[i].reason),
                         cases[i].migrating);
    }
}

/* This hypervisor has no QMP: the override is kept and nothing is started. */
static void test_boot_override(void **state)
{
    const struct host_boot_override network = {.device = HOST_BOOT_NETWORK};
    const struct host_boot_override none = {.device = HOST_BOOT_NONE};
    struct host_domain *host;

    (void)state;
    virDomainFree(virt_fixture_define(""));
    TURN_UNTIL(virt_fixture_is_there);
    host = virt_domain_host(virt_fixture.guest);
    host_set_boot(host, &network, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    assert_int_equal(host->state, HOST_POWER_OFF);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP,
                              0); /* with a device that it has not: its own order */
    assert_int_equal(host->state, HOST_POWER_RUNNING);
    host_set_boot(host, &none, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
}

/* ---- definitions ---- */

static void test_definitions(void **state)
{
    char xml[1024];

    (void)state;
    snprintf(xml, sizeof xml, VIRT_FIXTURE_XML, "");
    hypervisor_define(virt_fixture.hypervisor, xml, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    TURN_UNTIL(virt_fixture_is_there);
    hypervisor_dump_xml(virt_fixture.guest, true, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    assert_non_null(strstr(virt_fixture.text, "<name>guest</name>"));
    hypervisor_undefine(virt_fixture.guest, false, virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, 0);
    TURN_UNTIL(virt_fixture_is_gone);
    hypervisor_define(virt_fixture.hypervisor, "<domain type='test'/>", virt_fixture_done, NULL);
    TURN_UNTIL_ENDED(1);
    assert_true(virt_fixture.result < 0);
    assert_true(virt_fixture.text[0] != '\0');
}

/* ---- stopping ---- */

static void test_stop_while_operations_run(void **state)
{
    (void)state;
    virDomainFree(virt_fixture_define(""));
    TURN_UNTIL(virt_fixture_is_there);
    virt_fixture_power(HOST_POWER_ACTION_UP, 0);
    virt_fixture_power(HOST_POWER_ACTION_CYCLE, 0);
    virt_fixture_power(HOST_POWER_ACTION_DOWN, 0);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT); /* the first one is on its way */
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 3);
    assert_int_equal(virt_fixture.result, -EHOSTUNREACH);
}

static const char *const texts[] = {"12345678-9abc-4def-8123-456789abcdef",
                                    "22345678-9abc-4def-8123-456789abcdef"};
static struct hypervisor *ending;
static unsigned found;

/* Whoever is told of the end may look for a domain. */
static void look_for_all(void *context, int result, const char *text)
{
    struct uuid uuid;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(uuid_parse(texts[i], &uuid), 0);
        found += hypervisor_find_domain(ending, &uuid) != NULL;
    }
    virt_fixture_done(context, result, text);
}

static bool all_are_in_their_interval(void)
{
    struct virt_domain *domain = NULL;
    size_t count = 0;

    while ((domain = hypervisor_next_domain(ending, domain)))
        count += domain->operations && domain->operations->in_interval;
    return count == ARRAY_SIZE(texts);
}

/* They end one after another, each with its domain: those are not found any more. */
static void test_stop_while_several_guests_wait(void **state)
{
    static const char xml[] =
        "<domain type='test'><name>other</name><uuid>22345678-9abc-4def-8123-456789abcdef</uuid>"
        "<memory>1024</memory><os><type>hvm</type></os></domain>";
    struct uuid uuid;

    (void)state;
    virDomainPtr other = virDomainCreateXML(virt_fixture.other, xml, 0);
    virDomainFree(virt_fixture_define_running());
    ending = virt_fixture.hypervisor;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(uuid_parse(texts[i], &uuid), 0);
        struct virt_domain *domain = hypervisor_find_domain(ending, &uuid);
        host_power(virt_domain_host(domain), HOST_POWER_ACTION_CYCLE, 250, look_for_all, NULL);
    }
    TURN_UNTIL(all_are_in_their_interval);
    found = 0;
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 2);
    assert_int_equal(found, 0);
    virDomainFree(other);
}

static bool is_in_its_interval(void)
{
    const struct virt_domain *domain = virt_fixture.guest;

    return domain->operations && domain->operations->in_interval;
}

/* The guest is gone, the cycle in its interval still there. */
static void test_stop_after_a_guest_vanished(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    virt_fixture_power(HOST_POWER_ACTION_CYCLE, 250);
    TURN_UNTIL(is_in_its_interval); /* before, the guest's end would be the cycle's */
    assert_int_equal(virDomainUndefine(domain), 0);
    TURN_UNTIL(virt_fixture_is_gone);
    assert_int_equal(virt_fixture.ended, 0);
    virt_fixture_stop();
    assert_int_equal(virt_fixture.ended, 1);
    assert_int_equal(virt_fixture.result, -EHOSTUNREACH);
    virDomainFree(domain);
}

/* Somebody undefines the guest between down and up of a cycle: there is nothing to start any more.
 */
static void test_guest_vanishes_in_a_cycle(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    virt_fixture.undefine_when_stopped = domain;
    virt_fixture_power(HOST_POWER_ACTION_CYCLE, 0);
    TURN_UNTIL_ENDED(1);
    virt_fixture.undefine_when_stopped = NULL;
    assert_int_equal(virt_fixture.result, -ENODEV);
    TURN_UNTIL(virt_fixture_is_gone);
    virDomainFree(domain);
}

/* The guest ends behind our back, perhaps because it was migrated away: nobody knows yet whether it
 * may be started here. */
static void test_guest_ends_before_a_start(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    assert_int_equal(virDomainSuspend(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_PAUSED);
    assert_int_equal(virDomainDestroy(domain), 0);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, -EHOSTUNREACH);
    assert_int_equal(virDomainIsActive(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    virt_fixture_expect_power(HOST_POWER_ACTION_UP, 0);
    virDomainFree(domain);
}

/* A domain that is undefined while it runs lasts as long as its guest: a power down ends both, and
 * has succeeded. */
static void test_power_down_of_an_undefined_guest(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    assert_int_equal(virDomainUndefine(domain), 0);
    virt_fixture_expect_power(HOST_POWER_ACTION_DOWN, 0);
    TURN_UNTIL(virt_fixture_is_gone);
    assert_int_equal(virt_fixture.events[HOST_EVENT_STOPPED], 1); /* before it vanished */
    virDomainFree(domain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_power, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_power_without_qmp, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_power_of_a_paused_guest, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_several_at_once, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cancel, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_before_its_start, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_connection_lost_in_a_cycle, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_connection_lost_while_a_cycle_destroys,
                                        virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_start_under_way, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_start_that_fails, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test(test_ends_of_a_migration),
        cmocka_unit_test_setup_teardown(test_boot_override, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_definitions, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stop_while_operations_run, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stop_while_several_guests_wait, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stop_after_a_guest_vanished, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_guest_vanishes_in_a_cycle, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_guest_ends_before_a_start, virt_fixture_setup,
                                        virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_power_down_of_an_undefined_guest, virt_fixture_setup,
                                        virt_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
