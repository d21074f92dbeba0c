/* Platform Event Filtering: which events match, what is done about them, and when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/pef_filter.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/sensors.h"

#define SENSOR 0x30

static struct pef *pef(void)
{
    return &fake_bmc.bmc.pef;
}

static void set(uint8_t number, const uint8_t *data, size_t size)
{
    const struct pef_parameter parameter = {number, data, size};
    const struct bmc_ticket nobody = {0};

    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    assert_in_range(-pef_set_parameter(pef(), &parameter, 0, &nobody), 0, EINPROGRESS);
}

#define SET(number, ...)                                                                           \
    set((number), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Filter 32 alone, of any event of SENSOR. */
static void set_filter(uint8_t actions)
{
    for (uint8_t n = 1; n < PEF_FILTERS; n++)
        SET(7, n, 0);
    SET(6, 32, 0x80, actions, 1, 0x10, 0xff, 0xff, 0xff, SENSOR, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0,
        0, 0, 0);
}

static void log_event(uint8_t number)
{
    const struct sensor_event event = {
        .type = 1, .number = number, .event_type = 1, .data = {0x59, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

/* The BMC's sensors, without the server around them. */
static unsigned sensor_events;

static void on_sensor_event(void *context, const struct sensor_event *event)
{
    (void)context;
    sensor_events++;
    if (messaging_logs_own_events(&fake_bmc.bmc.messaging))
        sel_log(fake_sel.sel, event);
}

static void raise_event(void *context, uint8_t number, uint8_t offset, uint8_t data2)
{
    (void)context;
    sensors_raise(fake_bmc.bmc.sensors, number, offset, data2, 0xff);
}

static const struct sensors_ops sensors_ops = {.event = on_sensor_event};
static struct bmc_listener listener;

static uint16_t last_by_bmc(void)
{
    return sel_state(fake_sel.sel)->last_by_bmc;
}

static enum host_power_action last_action(void)
{
    return fake_host_last(&fake_bmc.host)->action;
}

/* ---- matching ---- */

/* An upper critical threshold of sensor 30h, said by software 41h on channel 1, LUN 2. */
#define EVENT                                                                                      \
    {                                                                                              \
        1, 0, 2, 0, 0, 0, 0, 0x41, 0x12, 4, 1, 0x30, 1, 0x59, 0x60, 0x55                           \
    }
#define ANY 0x80, 1, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

static void test_matches(void **state)
{
    static const uint8_t event[SEL_RECORD_SIZE] = EVENT;
    static const struct {
        uint8_t filter[PEF_FILTER_SIZE];
        bool matches;
    } cases[] = {
        {{ANY}, true},
        {{0x40, 1, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* disabled */
        {{0x80, 1, 1, 0, 0x41, 0x12, 0x01, 0x30, 0x01, 0x00, 0x02}, true},
        {{0x80, 1, 1, 0, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* another generator */
        {{0x80, 1, 1, 0, 0xff, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* another LUN */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0x02, 0xff, 0xff, 0xff, 0xff}, false}, /* another type */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0x31, 0xff, 0xff, 0xff}, false}, /* another sensor */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x6f, 0xff, 0xff}, false}, /* another trigger */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x81, 0xff, 0xff}, false}, /* of deassertions */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd}, false}, /* another offset */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x02}, true},
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00}, false},
        /* Data: exactly that, wholly and in part. */
        {{ANY, 0xff, 0xff, 0x59}, true},
        {{ANY, 0xff, 0xff, 0x58}, false},
        {{ANY, 0xf0, 0xff, 0x50}, true},
        {{ANY, 0xf0, 0xff, 0x59}, false}, /* no such bits are left */
        {{ANY, 0, 0, 0, 0xff, 0xff, 0x60}, true},
        {{ANY, 0, 0, 0, 0xff, 0xff, 0x61}, false},
        {{ANY, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x55}, true},
        {{ANY, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x54}, false},
        /* One bit at least; those that the mask has taken away are made exact. */
        {{ANY, 0, 0, 0, 0x60, 0x9f, 0x60}, true},
        {{ANY, 0, 0, 0, 0x70, 0x8f, 0x70}, true},
        {{ANY, 0, 0, 0, 0x90, 0x6f, 0x90}, false},
        {{ANY, 0, 0, 0, 0x60, 0x9f, 0x00}, false},
        /* Exact bits and one of the others. */
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0x70}, true},
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0xf0}, false},
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0x50}, false},
        {{ANY, 0, 0, 0, 0, 0xff, 0}, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (pef_filter_matches(cases[i].filter, event) != cases[i].matches)
            fail_msg("case %zu", i);
}

/* Which filter has an event; 0: none. */
static unsigned filter_of(uint8_t type, uint8_t trigger, uint8_t data1)
{
    const uint8_t event[SEL_RECORD_SIZE] = {1, 0, 2,    0, 0,       0,     0,    0x20,
                                            0, 4, type, 1, trigger, data1, 0xff, 0xff};
    unsigned found = 0;

    for (unsigned n = 0; n < PEF_FILTERS; n++) {
        if (!pef_filter_matches(pef_default_settings.filters[n], event))
            continue;
        assert_int_equal(found, 0);
        found = n + 1;
    }
    return found;
}

static void test_default_filters(void **state)
{
    (void)state;
    assert_int_equal(filter_of(0x01, 0x01, 0x59), 1); /* upper critical */
    assert_int_equal(filter_of(0x01, 0x01, 0x5b), 1); /* non-recoverable */
    assert_int_equal(filter_of(0x01, 0x01, 0x57), 2);
    assert_int_equal(filter_of(0x01, 0x81, 0x59), 0); /* it is over */
    assert_int_equal(filter_of(0x01, 0x01, 0x50), 0); /* too cold */
    assert_int_equal(filter_of(0x04, 0x01, 0x52), 3);
    assert_int_equal(filter_of(0x04, 0x01, 0x50), 0);
    assert_int_equal(filter_of(0x02, 0x01, 0x52), 4);
    assert_int_equal(filter_of(0x02, 0x01, 0x59), 4);
    assert_int_equal(filter_of(0x08, 0x6f, 0x00), 0); /* present */
    assert_int_equal(filter_of(0x08, 0x6f, 0x01), 5);
    assert_int_equal(filter_of(0x08, 0x6f, 0x03), 5);
    assert_int_equal(filter_of(0x08, 0x0b, 0x00), 0); /* fully redundant */
    assert_int_equal(filter_of(0x08, 0x0b, 0x01), 6);
    assert_int_equal(filter_of(0x23, 0x6f, 0xc1), 7);
    assert_int_equal(filter_of(0x23, 0x6f, 0xc8), 0); /* pre-timeout interrupt */
    assert_int_equal(filter_of(0x05, 0x6f, 0x00), 8);
    assert_int_equal(filter_of(0x05, 0xef, 0x00), 0);
}

/* ---- actions ---- */

static void test_off_until_enabled(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_RESET);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 0);
    SET(1, PEF_ENABLED);
    assert_int_equal(fake_bmc.host.count, 0); /* what came before is not looked at */
    log_event(SENSOR + 1);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 2);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 3);
}

static void test_priorities(void **state)
{
    static const struct {
        uint8_t wanted, enabled;
        int action; /* -1: none */
        uint8_t told;
    } cases[] = {
        {0x2e, 0x2f, HOST_POWER_ACTION_DOWN, 0x02},
        {0x2c, 0x2f, HOST_POWER_ACTION_CYCLE, 0x08},
        {0x24, 0x2f, HOST_POWER_ACTION_HARD_RESET, 0x04},
        {0x20, 0x2f, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, 0x20},
        {0x21, 0x2f, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, 0x21},
        {0x2e, 0x24, HOST_POWER_ACTION_HARD_RESET, 0x04},
        {0x2e, 0x00, -1, 0},
        {0x01, 0x2f, -1, 0x01},
        {0x00, 0x2f, -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
        SET(2, cases[i].enabled);
        set_filter(cases[i].wanted);
        unsigned calls = fake_bmc.host.count, records = sel_count(fake_sel.sel);
        log_event(SENSOR);
        assert_int_equal(fake_bmc.host.count, calls + (cases[i].action >= 0));
        if (cases[i].action >= 0)
            assert_int_equal(last_action(), cases[i].action);
        assert_int_equal(sel_count(fake_sel.sel), records + 1 + (cases[i].told != 0));
        if (cases[i].told) {
            const uint8_t wanted[] = {0x20,          0,   4, 0x12, SENSOR_PEF, 0x6f, 0xc4,
                                      cases[i].told, 0xff};
            assert_memory_equal(fake_sel_newest() + 7, wanted, sizeof wanted);
        }
    }
}

static void test_silent(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    log_event(SENSOR);
    assert_int_equal(last_action(), HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_int_equal(sel_count(fake_sel.sel), 1);
}

/* It is one of the BMC's own events, which clients can turn off. */
static void test_own_events_are_off(void **state)
{
    static const char *const requests[] = {"06 2e 00", "04 00 ff 00"}; /* logging, receiver */

    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
        messaging_set_defaults(&fake_bmc.bmc.messaging);
        assert_string_equal(fake_bmc_talk(&fake_bmc, requests[i]), "00");
        log_event(SENSOR);
        assert_int_equal(fake_bmc.host.count, i + 1);
        assert_int_equal(sensor_events, i + 1);
        assert_int_equal(sel_count(fake_sel.sel), i + 1);
    }
}

/* The action's own event is matched by no filter, not even one that takes all. */
static void test_no_loop(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(6, 32, 0x80, 0x20, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0,
        0, 0);
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_int_equal(last_by_bmc(), 1);
}

static void test_restart_causes(void **state)
{
    (void)state;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_RESET);
    log_event(SENSOR);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_PEF_RESET);
    set_filter(PEF_ACTION_POWER_CYCLE);
    fake_bmc.host.waits = true;
    log_event(SENSOR);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.bmc.chassis.restart_cause, RESTART_CAUSE_PEF_CYCLE);
}

/* A guest that is off is neither reset nor started. */
static void test_guest_is_off(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    unsigned calls = fake_bmc.host.count;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_POWER_CYCLE);
    log_event(SENSOR);
    set_filter(PEF_ACTION_POWER_DOWN);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls);
    assert_false(fake_bmc.bmc.chassis.control_fault);
    assert_int_equal(last_by_bmc(), 2);
}

/* Where it is not known what the guest does, nothing is done, and nothing is said to have been. */
static void test_guest_is_out_of_reach(void **state)
{
    (void)state;
    SET(1, PEF_ENABLED | PEF_EVENT_MESSAGES);
    set_filter(PEF_ACTION_RESET);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    unsigned calls = fake_bmc.host.count;
    log_event(SENSOR);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    fake_bmc.bmc.core.host->migrating = true;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls);
    assert_int_equal(sel_count(fake_sel.sel), 2);
    assert_false(fake_bmc.bmc.chassis.control_fault);
    fake_bmc.bmc.core.host->migrating = false;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, calls + 1);
}

/* Nor because an action has failed, or for the boot that one has made. */
static void test_own_consequences(void **state)
{
    const struct sensor_event failure = {
        .type = 0x09, .number = SENSOR_POWER_UNIT, .event_type = 0x6f, .data = {5, 0xff, 0xff}};
    const struct sensor_event boot = {
        .type = 0x1d, .number = SENSOR_SYSTEM_BOOT, .event_type = 0x6f, .data = {1, 0xff, 0xff}};

    (void)state;
    SET(1, PEF_ENABLED);
    set_filter(PEF_ACTION_RESET);
    SET(6, 32, 0x80, PEF_ACTION_RESET, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0,
        0, 0, 0, 0, 0, 0);
    sel_log(fake_sel.sel, &failure);
    assert_int_equal(fake_bmc.host.count, 0);
    sel_log(fake_sel.sel, &boot); /* somebody else's */
    assert_int_equal(fake_bmc.host.count, 1);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    sel_log(fake_sel.sel, &boot);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* ---- events that are held back ---- */

#define ARM(seconds) fake_bmc_talk(&fake_bmc, "04 11 " seconds)

static void test_postponed(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_string_equal(ARM("ff"), "00 00");
    assert_string_equal(ARM("0a"), "00 0a");
    fake_bmc_advance(&fake_bmc, 5000);
    assert_string_equal(ARM("ff"), "00 0a"); /* there is no event yet */
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 4001);
    assert_string_equal(ARM("ff"), "00 06");
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_int_equal(last_by_bmc(), 0);
    fake_bmc_advance(&fake_bmc, 5998);
    assert_int_equal(fake_bmc.host.count, 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 2);
    assert_string_equal(ARM("ff"), "00 00");
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 3);
}

/* What software has dealt with is left to it, and the timer starts again. */
static void test_software_is_faster(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("0a");
    log_event(SENSOR);
    log_event(SENSOR);
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 9000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 02 00"), "00");
    assert_string_equal(ARM("ff"), "00 0a"); /* for the third */
    fake_bmc_advance(&fake_bmc, 9000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 03 00"), "00");
    fake_bmc_advance(&fake_bmc, 60000);
    assert_string_equal(ARM("ff"), "00 0a"); /* armed, and does not count */
    assert_int_equal(fake_bmc.host.count, 0);
    log_event(SENSOR);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 01 04 00"), "00"); /* is not software's */
    fake_bmc_advance(&fake_bmc, 10000);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* Nothing is left to software that is not on disk as processed by it. */
static void test_software_is_not_believed(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("0a");
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 9000);
    fake_sel.result = -EIO;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 14 00 01 00"), "ff");
    fake_sel.result = 0;
    assert_string_equal(ARM("ff"), "00 01"); /* it does not start again */
    fake_bmc_advance(&fake_bmc, 1000);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* A held event is acted on when it is on disk that it is held no more. */
static void test_released_when_stored(void **state)
{
    static const int results[] = {0, -EIO};

    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    for (unsigned i = 0; i < ARRAY_SIZE(results); i++) {
        unsigned calls = fake_bmc.host.count, saves = fake_bmc.changes[BMC_PART_PEF_PENDING];
        ARM("05");
        log_event(SENSOR);
        assert_true(fake_bmc.changes[BMC_PART_PEF_PENDING] >= saves + 2);
        fake_bmc.saves_wait = true;
        fake_bmc_advance(&fake_bmc, 5000);
        assert_int_equal(pef()->held_count, 0);
        assert_int_equal(fake_bmc.host.count, calls);
        log_event(SENSOR); /* comes behind it */
        assert_int_equal(fake_bmc.host.count, calls);
        while (fake_bmc.saves_finished < fake_bmc.save_count)
            fake_bmc_finish_save(&fake_bmc, results[i]); /* once, whatever the disk says */
        fake_bmc.saves_wait = false;
        assert_int_equal(fake_bmc.host.count, calls + 2);
    }
}

/* What is armed is answered when it is on disk. */
static void test_armed_when_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(ARM("0a"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00 0a");
    assert_string_equal(ARM("fe"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "ff");
}

/* Armed while there are events that software has not processed: it counts at once. */
static void test_counts_at_once(void **state)
{
    (void)state;
    log_event(SENSOR);
    ARM("05");
    fake_bmc_advance(&fake_bmc, 1000);
    assert_string_equal(ARM("ff"), "00 04");
    fake_bmc_advance(&fake_bmc, 4000);
    assert_string_equal(ARM("ff"), "00 00");
}

static void test_disabled_for_now(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_string_equal(ARM("fe"), "00 fe");
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 3600000);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(ARM("00"), "00 00");
    assert_int_equal(fake_bmc.host.count, 1);
    /* The end of the run ends it too. */
    ARM("fe");
    log_event(SENSOR);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_string_equal(ARM("ff"), "00 00");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(ARM("ff"), "d4");
}

static void test_startup_delay(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED | PEF_STARTUP_DELAY);
    SET(3, 20);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event(SENSOR);
    fake_bmc_advance(&fake_bmc, 19999);
    assert_int_equal(fake_bmc.host.count, 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(fake_bmc.host.count, 1);
    SET(1, PEF_ENABLED);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 2);
}

static void test_turned_off_meanwhile(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    log_event(SENSOR);
    SET(1, 0);
    ARM("00");
    SET(1, PEF_ENABLED);
    ARM("00");
    assert_int_equal(fake_bmc.host.count, 0);
}

static void test_too_many_held(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    for (unsigned i = 0; i < PEF_HELD_MAX + 5; i++)
        log_event(SENSOR + 1);
    assert_int_equal(pef()->held_count, PEF_HELD_MAX);
    ARM("00");
    assert_int_equal(pef()->held_count, 0);
    assert_int_equal(last_by_bmc(), PEF_HELD_MAX);
}

static void test_bmc_restarts(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    ARM("fe");
    log_event(SENSOR);
    pef_restart(pef());
    assert_string_equal(ARM("ff"), "00 00");
    assert_int_equal(fake_bmc.host.count, 0);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
}

/* ---- where events come from ---- */

static void test_sources(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    assert_int_equal(fake_sel_add(SENSOR), 1); /* Add SEL Entry is no event */
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 02 04 01 30 01 59 60 55"), "00");
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 2);
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "04 02 41 04 01 30 01 59 60 55"), "00");
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 3);
}

/* An event that the disk refuses is dealt with all the same, and once. */
static void test_disk_refuses(void **state)
{
    (void)state;
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    fake_sel.result = -EIO;
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(sel_count(fake_sel.sel), 0);
    fake_sel.result = 0;
    fake_bmc_advance(&fake_bmc, SEL_RETRY_MS);
    assert_int_equal(sel_count(fake_sel.sel), 1);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 0);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 2);
    assert_int_equal(last_by_bmc(), 2);
}

/* A log that takes nothing more: the event has the id 0 (section 30.6). */
static void test_log_is_full(void **state)
{
    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    fake_sel_fill(SEL_RECORDS_MAX);
    set_filter(PEF_ACTION_DIAGNOSTIC_INTERRUPT);
    SET(1, PEF_ENABLED);
    log_event(SENSOR);
    assert_int_equal(fake_bmc.host.count, 1);
    assert_int_equal(last_by_bmc(), 0);
}

static int setup(void **state)
{
    int result = fake_sel_setup(state);

    pef_set_log(pef(), fake_sel.sel);
    fake_bmc.bmc.sensors = sensors_new(&sensors_ops, NULL);
    sensors_set_hardware(fake_bmc.bmc.sensors, NULL, 0);
    listener = fake_bmc_listener;
    listener.sensor_event = raise_event;
    fake_bmc.bmc.core.listener = &listener;
    sensor_events = 0;
    return result;
}

static int teardown(void **state)
{
    pef_set_log(pef(), NULL);
    fake_bmc.bmc.core.listener = NULL;
    sensors_free(fake_bmc.bmc.sensors);
    fake_bmc.bmc.sensors = NULL;
    return fake_sel_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_default_filters),
        TEST(test_off_until_enabled),
        TEST(test_priorities),
        TEST(test_silent),
        TEST(test_no_loop),
        TEST(test_restart_causes),
        TEST(test_guest_is_off),
        TEST(test_guest_is_out_of_reach),
        TEST(test_own_consequences),
        TEST(test_postponed),
        TEST(test_software_is_faster),
        TEST(test_counts_at_once),
        TEST(test_own_events_are_off),
        TEST(test_software_is_not_believed),
        TEST(test_released_when_stored),
        TEST(test_armed_when_stored),
        TEST(test_disabled_for_now),
        TEST(test_startup_delay),
        TEST(test_turned_off_meanwhile),
        TEST(test_too_many_held),
        TEST(test_bmc_restarts),
        TEST(test_sources),
        TEST(test_disk_refuses),
        TEST(test_log_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
