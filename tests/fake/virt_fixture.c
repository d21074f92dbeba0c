#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/log.h"
#include "vbmc/virt/loop.h"

struct virt_fixture virt_fixture;

/* ---- callbacks ---- */

static void on_appeared(void *context, struct virt_domain *domain)
{
    assert_ptr_equal(context, &virt_fixture);
    virt_fixture.appeared++;
    if (virt_domain_host(domain)->uuid.bytes[0] == 0x12)
        virt_fixture.guest = domain;
}

static void on_vanished(void *context, struct virt_domain *domain)
{
    (void)context;
    virt_fixture.vanished++;
    if (domain == virt_fixture.guest)
        virt_fixture.guest = NULL;
}

static void on_event(void *context, struct virt_domain *domain, enum host_event event)
{
    (void)context;
    if (domain != virt_fixture.guest)
        return;
    virt_fixture.events[event]++;
    if (event == HOST_EVENT_STOPPED && virt_fixture.undefine_when_stopped)
        virDomainUndefine(virt_fixture.undefine_when_stopped);
}

static void on_connection(void *context, struct hypervisor *hypervisor)
{
    (void)context;
    (void)hypervisor;
    virt_fixture.connections++;
}

static const struct hypervisor_callbacks callbacks = {
    .appeared = on_appeared,
    .vanished = on_vanished,
    .event = on_event,
    .connection = on_connection,
};

/* ---- the loop ---- */

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void virt_fixture_turn_until(bool (*condition)(void), int line)
{
    bool late = false;
    uv_timer_t timer;

    uv_timer_init(&virt_fixture.loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_late, VIRT_FIXTURE_DEADLINE_MS, 0);
    while (!condition() && !late)
        uv_run(&virt_fixture.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    if (late)
        fail_msg("line %d: waited too long", line);
}

static bool is_up(void)
{
    return hypervisor_is_up(virt_fixture.hypervisor);
}

bool virt_fixture_is_there(void)
{
    return virt_fixture.guest != NULL;
}

bool virt_fixture_is_gone(void)
{
    return virt_fixture.guest == NULL;
}

enum host_power_state virt_fixture_state(void)
{
    assert_non_null(virt_fixture.guest);
    return virt_domain_host(virt_fixture.guest)->state;
}

static enum host_power_state wanted_state;

static bool has_state(void)
{
    return virt_fixture.guest && virt_fixture_state() == wanted_state;
}

void virt_fixture_turn_until_state(enum host_power_state state, int line)
{
    wanted_state = state;
    virt_fixture_turn_until(has_state, line);
}

/* ---- operations ---- */

void virt_fixture_done(void *context, int result, const char *text)
{
    (void)context;
    virt_fixture.ended++;
    virt_fixture.result = result;
    snprintf(virt_fixture.text, sizeof virt_fixture.text, "%s", text ? text : "");
}

static unsigned wanted_ends;

static bool have_ended(void)
{
    return virt_fixture.ended >= wanted_ends;
}

void virt_fixture_turn_until_ended(unsigned count, int line)
{
    wanted_ends = count;
    virt_fixture_turn_until(have_ended, line);
    assert_int_equal(virt_fixture.ended, count);
    virt_fixture.ended = 0;
}

void virt_fixture_power(enum host_power_action action, unsigned interval_s)
{
    struct host_domain *host = virt_domain_host(virt_fixture.guest);

    host_power(host, action, interval_s, virt_fixture_done, &virt_fixture);
}

void virt_fixture_expect_power(enum host_power_action action, int expected)
{
    virt_fixture_power(action, 0);
    TURN_UNTIL_ENDED(1);
    assert_int_equal(virt_fixture.result, expected);
}

/* ---- somebody else ---- */

virDomainPtr virt_fixture_define(const char *more)
{
    char xml[1024];

    snprintf(xml, sizeof xml, VIRT_FIXTURE_XML, more);
    virDomainPtr domain = virDomainDefineXML(virt_fixture.other, xml);
    assert_non_null(domain);
    return domain;
}

virDomainPtr virt_fixture_define_running(void)
{
    virDomainPtr domain = virt_fixture_define("");

    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    return domain;
}

virDomainPtr virt_fixture_create_transient(void)
{
    char xml[1024];

    snprintf(xml, sizeof xml, VIRT_FIXTURE_XML, "");
    virDomainPtr domain = virDomainCreateXML(virt_fixture.other, xml, 0);
    assert_non_null(domain);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    return domain;
}

static void remove_guest(void)
{
    virDomainPtr domain =
        virDomainLookupByUUIDString(virt_fixture.other, "12345678-9abc-4def-8123-456789abcdef");

    if (!domain)
        return;
    virDomainDestroy(domain);
    virDomainUndefine(domain);
    virDomainFree(domain);
}

/* ---- life ---- */

void virt_fixture_start(const char *uri)
{
    const struct hypervisor_settings settings = {.name = "test", .uri = uri};

    virt_fixture.guest = NULL;
    virt_fixture.undefine_when_stopped = NULL;
    virt_fixture.appeared = virt_fixture.vanished = 0;
    virt_fixture.connections = virt_fixture.ended = 0;
    memset(virt_fixture.events, 0, sizeof virt_fixture.events);
    virt_fixture.hypervisor = hypervisor_start(&virt_fixture.loop, virt_fixture.inbox, &settings,
                                               &callbacks, &virt_fixture);
    assert_non_null(virt_fixture.hypervisor);
}

static bool stopped;

static void on_stopped(void *context)
{
    assert_ptr_equal(context, &virt_fixture);
    assert_false(stopped); /* once */
    stopped = true;
}

static bool has_stopped(void)
{
    return stopped;
}

void virt_fixture_stop(void)
{
    stopped = false;
    virt_fixture.guest = NULL;
    hypervisor_stop(virt_fixture.hypervisor, on_stopped, &virt_fixture);
    virt_fixture.hypervisor = NULL;
    TURN_UNTIL(has_stopped);
}

int virt_fixture_setup(void **state)
{
    (void)state;
    virt_fixture_start(VIRT_FIXTURE_URI);
    TURN_UNTIL(is_up);
    return 0;
}

int virt_fixture_teardown(void **state)
{
    (void)state;
    if (virt_fixture.hypervisor)
        virt_fixture_stop();
    remove_guest();
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    return 0;
}

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

int virt_fixture_setup_group(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    virSetErrorFunc(NULL, ignore_error);
    uv_loop_init(&virt_fixture.loop);
    virt_fixture.inbox = inbox_new(&virt_fixture.loop);
    if (!virt_fixture.inbox || virt_loop_start(&virt_fixture.loop) < 0)
        return -1;
    virt_fixture.other = virConnectOpen(VIRT_FIXTURE_URI);
    return virt_fixture.other ? 0 : -1;
}

int virt_fixture_teardown_group(void **state)
{
    (void)state;
    virConnectClose(virt_fixture.other);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    virt_loop_stop();
    inbox_free(virt_fixture.inbox);
    uv_run(&virt_fixture.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&virt_fixture.loop);
}
