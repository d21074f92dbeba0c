/* PET Acknowledge and the disk: it is answered when it is stored, however often it is said; what
 * belongs to no alert writes nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/unit/sent_alerts.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/sensors.h"

/* Of the first alert; of another one; with another time. */
static const char request[] = "04 17 01 00 80 14 a9 30 20 20 08 59 60 55";
static const char of_second[] = "04 17 02 00 80 14 a9 30 20 20 08 59 60 55";
static const char of_nothing[] = "04 17 01 00 81 14 a9 30 20 20 08 59 60 55";

static int setup(void **state)
{
    int result = fake_sel_setup(state);

    memset(&sent, 0, sizeof sent);
    pef_set_log(&fake_bmc.bmc.pef, fake_sel.sel);
    keep_alerts();
    EXPECT("04 12 01 01", "00");
    EXPECT("04 12 09 01 18 11 00", "00");
    set_destination(1, 0x80, 99, 7);
    return result;
}

static int teardown(void **state)
{
    pef_set_log(&fake_bmc.bmc.pef, NULL);
    return fake_sel_teardown(state);
}

/* Filter 1: upper critical temperatures. */
static void log_event(void)
{
    const struct sensor_event event = {
        .type = 1, .number = 8, .event_type = 1, .data = {0x59, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

static unsigned changes(void)
{
    return fake_bmc.changes[BMC_PART_PEF_PENDING];
}

static const char *say(const char *text)
{
    return fake_bmc_talk(&fake_bmc, text);
}

static void finish_saves(int result)
{
    while (fake_bmc.saves_finished < fake_bmc.save_count)
        fake_bmc_finish_save(&fake_bmc, result);
}

static void test_when_stored(void **state)
{
    static const int results[] = {0, -EIO};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        fake_bmc.bmc.alerts.sequence = 0;
        log_event();
        unsigned before = changes();
        fake_bmc.saves_wait = true;
        EXPECT(request, FAKE_BMC_WAITS);
        assert_int_equal(changes(), before + 1);
        finish_saves(results[i]);
        fake_bmc.saves_wait = false;
        assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)),
                            results[i] < 0 ? "ff" : "00");
        EXPECT(request, "00"); /* again, as its answer was lost */
        assert_int_equal(changes(), before + 1);
    }
}

/* Said again while the first is being stored: the same answer, at the same time. */
static void test_repeated(void **state)
{
    static const int results[] = {0, -EIO};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        fake_bmc.bmc.alerts.sequence = 0;
        log_event();
        log_event();
        fake_bmc.saves_wait = true;
        assert_string_equal(say(request), FAKE_BMC_WAITS);
        uint32_t first = fake_bmc_request(&fake_bmc);
        assert_string_equal(say(request), FAKE_BMC_WAITS);
        assert_string_equal(say(of_second), FAKE_BMC_WAITS);
        assert_string_equal(say(request), FAKE_BMC_WAITS);
        assert_string_equal(say(of_second), FAKE_BMC_WAITS);
        unsigned before = changes();
        assert_string_equal(say(of_nothing), "00");
        assert_int_equal(changes(), before);
        finish_saves(results[i]);
        for (uint32_t one = first; one < first + 5; one++)
            assert_string_equal(fake_bmc_answer(&fake_bmc, one), results[i] < 0 ? "ff" : "00");
        assert_string_equal(say(request), "00");
        assert_int_equal(changes(), before);
        assert_null(fake_bmc.bmc.alerts.acknowledged);
        fake_bmc.saves_wait = false;
    }
}

/* The BMC restarts in between, which ends its alerts: it is answered no sooner. */
static void test_repeated_after_a_restart(void **state)
{
    (void)state;
    log_event();
    fake_bmc.saves_wait = true;
    EXPECT(request, FAKE_BMC_WAITS);
    alerts_restart(&fake_bmc.bmc.alerts);
    assert_string_equal(say(request), FAKE_BMC_WAITS);
    finish_saves(0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_when_stored),
        TEST(test_repeated),
        TEST(test_repeated_after_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
