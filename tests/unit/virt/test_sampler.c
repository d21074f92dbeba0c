/* Which of a guest's samples are reported: each one that says something new, and the first one that
 * says nothing new; then that the sample stands no more. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/sampler.h"

/* Read by the thread of the call. */
static _Atomic unsigned long long guest_ns;
static atomic_bool is_passed_over, fails;
static atomic_uint asked; /* calls for a UUID or an id */
/* Calls that are made while `holds` wait until so many of them, in their order, are released. */
static atomic_bool holds;
static atomic_uint held, released;

static void wait_for_release(void)
{
    unsigned number = ++held;

    while (released < number)
        usleep(1000);
}

/* In place of libuv's, as the sampler has it: ahead by so much. */
static _Atomic uint64_t ahead_ns;

uint64_t uv_hrtime(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ahead_ns;
}

static virDomainStatsRecordPtr make_record(virDomainPtr domain)
{
    virDomainStatsRecordPtr record = calloc(1, sizeof *record);
    int room = 0;

    record->dom = domain;
    virTypedParamsAddULLong(&record->params, &record->nparams, &room, "cpu.time", guest_ns);
    return record;
}

/* In place of libvirt's: each guest has used the same time. */
int virConnectGetAllDomainStats(virConnectPtr connection, unsigned stats,
                                virDomainStatsRecordPtr **given, unsigned flags)
{
    virDomainPtr *domains = NULL;
    int count = 0, found;

    (void)stats;
    (void)flags;
    if (holds)
        wait_for_release();
    if (fails)
        return -1;
    found = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (found < 0)
        return -1;
    *given = calloc((size_t)found + 1, sizeof **given);
    for (int i = 0; i < found; i++) {
        if (is_passed_over)
            virDomainFree(domains[i]);
        else
            (*given)[count++] = make_record(domains[i]);
    }
    free(domains);
    return count;
}

int virDomainGetUUID(virDomainPtr domain, unsigned char *uuid)
{
    static int (*real)(virDomainPtr, unsigned char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainGetUUID");
    asked++;
    return real(domain, uuid);
}

unsigned virDomainGetID(virDomainPtr domain)
{
    static unsigned (*real)(virDomainPtr);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "virDomainGetID");
    asked++;
    return real(domain);
}

/* ---- calls ---- */

static uint64_t wanted;

/* A call is begun when the one before has ended, and what it costs has been waited. */
static bool has_begun(void)
{
    virt_sampler_turn(virt_fixture.hypervisor->sampler);
    return virt_sampler_count(virt_fixture.hypervisor->sampler) >= wanted;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* At least so many calls are made, and have ended. */
static void sample(unsigned calls)
{
    uv_timer_t tick;

    wanted = virt_sampler_count(virt_fixture.hypervisor->sampler) + calls + 1;
    uv_timer_init(&virt_fixture.loop, &tick);
    uv_timer_start(&tick, on_tick, 1, 1);
    TURN_UNTIL(has_begun);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
}

static unsigned told(enum host_event event)
{
    unsigned count = virt_fixture.events[event];

    virt_fixture.events[event] = 0;
    return count;
}

static const struct host_domain *host(void)
{
    return virt_domain_host(virt_fixture.guest);
}

static virDomainPtr guest;

static int setup(void **state)
{
    guest_ns = 5000000000;
    is_passed_over = fails = false;
    virt_fixture_setup(state);
    uv_timer_stop(&virt_fixture.hypervisor->period); /* calls are made below only */
    guest = virt_fixture_define_running();
    sample(3);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 2);
    assert_true(host()->sample_stands);
    return 0;
}

static int teardown(void **state)
{
    virDomainFree(guest);
    return virt_fixture_teardown(state);
}

static void test_same(void **state)
{
    uint64_t taken_ns = host()->sample.taken_ns;

    (void)state;
    asked = 0;
    sample(3);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 0);
    assert_int_equal(told(HOST_EVENT_STOOD), 0);
    assert_int_equal(asked, 0);
    assert_true(host()->sample_stands);
    assert_true(host()->sample.taken_ns == taken_ns);
}

static void test_change(void **state)
{
    (void)state;
    sample(3);
    uint64_t before_ns = uv_hrtime();
    guest_ns += 1000000;
    sample(1);
    assert_int_equal(told(HOST_EVENT_STOOD), 1);
    assert_true(told(HOST_EVENT_SAMPLED) >= 1);
    assert_true(host()->sample.taken_ns > before_ns);
    assert_int_equal(host()->sample.socket_ns[0], guest_ns);
    sample(2);
    assert_true(host()->sample_stands);
    assert_int_equal(told(HOST_EVENT_STOOD), 0);
}

static void test_passed_over(void **state)
{
    uint64_t taken_ns = host()->sample.taken_ns;

    (void)state;
    is_passed_over = true;
    sample(3);
    assert_int_equal(told(HOST_EVENT_STOOD), 1);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 0);
    assert_false(host()->sample_stands);
    assert_true(host()->sample.taken_ns > taken_ns); /* so long it stood */
    is_passed_over = false;
    sample(2);
    assert_true(host()->sample_stands);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 1);
}

/* All entries are made anew, and what stood stands. */
static void test_another_guest_comes(void **state)
{
    virDomainPtr other =
        virDomainCreateXML(virt_fixture.other,
                           "<domain type='test'><name>other</name><memory>1024</memory>"
                           "<os><type>hvm</type></os></domain>",
                           0);
    unsigned before = virt_fixture.appeared;

    (void)state;
    assert_non_null(other);
    sample(3);
    assert_true(virt_fixture.appeared >= before);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 0);
    assert_int_equal(told(HOST_EVENT_STOOD), 0);
    assert_true(host()->sample_stands);
    virDomainDestroy(other);
    virDomainFree(other);
    sample(3);
    assert_int_equal(told(HOST_EVENT_STOOD), 0);
    guest_ns++;
    sample(1);
    assert_int_equal(told(HOST_EVENT_STOOD), 1);
}

static void test_another_run(void **state)
{
    uint64_t run = host()->sample.run;

    (void)state;
    assert_int_equal(virDomainDestroy(guest), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    assert_false(host()->sample_stands);
    /* By the call after the last one that sample() waits for, if that was quick. */
    told(HOST_EVENT_STOOD);
    assert_int_equal(virDomainCreate(guest), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    sample(3);
    assert_true(host()->sample.run != run);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 2);
    assert_int_equal(told(HOST_EVENT_STOOD), 0);
    assert_true(host()->sample_stands);
}

/* Nobody knows what the guests do. */
static void test_connection_lost(void **state)
{
    (void)state;
    virt_fixture.hypervisor->up = false;
    virt_sampler_turn(virt_fixture.hypervisor->sampler);
    assert_int_equal(told(HOST_EVENT_STOOD), 1);
    assert_false(host()->sample_stands);
    virt_fixture.hypervisor->up = true;
    sample(2);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 1);
    assert_true(host()->sample_stands);
}

static void test_calls_fail(void **state)
{
    (void)state;
    fails = true;
    sample(2);
    fails = false;
    sample(2);
    assert_int_equal(told(HOST_EVENT_SAMPLED), 0);
    assert_true(host()->sample_stands);
}

static unsigned wanted_held;

static bool is_held(void)
{
    virt_sampler_turn(virt_fixture.hypervisor->sampler);
    return held >= wanted_held;
}

static enum host_event wanted_event;

static bool is_told(void)
{
    return virt_fixture.events[wanted_event] > 0;
}

static void turn_until(bool (*condition)(void))
{
    uv_timer_t tick;

    uv_timer_init(&virt_fixture.loop, &tick);
    uv_timer_start(&tick, on_tick, 1, 1);
    TURN_UNTIL(condition);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
}

static void hold_call(void)
{
    wanted_held++;
    turn_until(is_held);
}

/* The call that has been held for longest ends, and leads to that event. */
static void release_call(enum host_event event)
{
    wanted_event = event;
    released++;
    turn_until(is_told);
    assert_int_equal(told(event), 1);
}

#define LATE_NS 6100000000 /* a call that takes longer than three periods has another beside it */

/* The fourth call uses what the second has found, and the third ends what stood in between. */
static void test_calls_that_overlap(void **state)
{
    (void)state;
    held = released = wanted_held = 0;
    holds = true;
    hold_call();
    guest_ns++;
    release_call(HOST_EVENT_SAMPLED);
    assert_int_equal(told(HOST_EVENT_STOOD), 1);
    hold_call();
    ahead_ns += LATE_NS;
    hold_call();
    release_call(HOST_EVENT_SAMPLED);
    assert_true(host()->sample_stands);
    ahead_ns += LATE_NS;
    hold_call();
    is_passed_over = true;
    release_call(HOST_EVENT_STOOD);
    assert_false(host()->sample_stands);
    is_passed_over = holds = false;
    release_call(HOST_EVENT_SAMPLED);
    assert_true(host()->sample_stands);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(test_same),        ON(test_change),
        ON(test_passed_over), ON(test_another_guest_comes),
        ON(test_another_run), ON(test_connection_lost),
        ON(test_calls_fail),  ON(test_calls_that_overlap),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
