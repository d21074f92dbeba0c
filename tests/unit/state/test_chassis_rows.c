/* The rows in which a chassis is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/wall_clock.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/state/chassis.h"
#include "vbmc/store/chassis.h"

/* A daemon that is restarted often does not make a guest younger, whatever part of a second it is
 * when that happens. */
static void test_start_stays_through_restarts(void **state)
{
    struct bmc *bmc = &fake_bmc.bmc;
    struct store_chassis row, again;

    (void)state;
    bmc->chassis.run = 1;
    bmc->chassis.on_since_ms = (int64_t)bmc->core.hooks->now(&bmc->core) - 12345678;
    chassis_rows_encode(bmc, &row);
    int64_t on_since_ms = bmc->chassis.on_since_ms;
    int64_t wall_began_ms = wall_clock_ms() - (int64_t)fake_bmc.now_ms;
    for (int restart = 0; restart < 50; restart++) {
        nanosleep(&(struct timespec){.tv_nsec = 23000000}, NULL); /* another part of a second */
        fake_bmc.now_ms = (uint64_t)(wall_clock_ms() - wall_began_ms);
        chassis_rows_decode(bmc, &row);
        int64_t younger_ms = bmc->chassis.on_since_ms - on_since_ms;
        assert_in_range(younger_ms + 1800, 0, 1800 + 600);
        chassis_rows_encode(bmc, &again);
        assert_int_equal(again.started_at, row.started_at);
    }
}

/* What is left to do after the host's boot, and what the guest was before it. */
static void test_restore(void **state)
{
    static const struct {
        enum restore_stage stage;
        bool was_on_last_run, was_on; /* the latter by now */
        uint8_t stored;
        enum restore_stage again;
        bool was_on_again;
    } cases[] = {
        {RESTORE_NONE, true, false, STORE_RESTORE_NONE, RESTORE_NONE, false},
        {RESTORE_NONE, false, true, STORE_RESTORE_NONE, RESTORE_NONE, true},
        {RESTORE_WAITS, true, false, STORE_RESTORE_WAS_ON, RESTORE_WAITS, true},
        {RESTORE_WAITS, false, true, STORE_RESTORE_WAS_OFF, RESTORE_WAITS, false},
        {RESTORE_IF_GONE, true, true, STORE_RESTORE_WAS_ON, RESTORE_WAITS, true},
        {RESTORE_BEGUN, false, false, STORE_RESTORE_WAS_OFF, RESTORE_WAITS, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct chassis *chassis = &fake_bmc.bmc.chassis;
        struct store_chassis row;
        chassis->restore = cases[i].stage;
        chassis->was_on_last_run = cases[i].was_on_last_run;
        chassis->was_on = cases[i].was_on;
        chassis_rows_encode(&fake_bmc.bmc, &row);
        assert_int_equal(row.restore, cases[i].stored);
        chassis->restore = RESTORE_NONE;
        chassis_rows_decode(&fake_bmc.bmc, &row);
        assert_int_equal(chassis->restore, cases[i].again);
        assert_int_equal(chassis->was_on_last_run, cases[i].was_on_again);
        assert_int_equal(chassis->was_on, cases[i].was_on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_stays_through_restarts, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_restore, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
