/* The rows in which a chassis is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/stored_time.h"
#include "vbmc/base/wall_clock.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/state/chassis.h"
#include "vbmc/state/owed.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/owed.h"

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

/* The daemon is away for a minute, in which somebody sets the time of day: of the guest that runs,
 * and of an action that waits, everything is a minute older. The machine has booted: only the time
 * of day is left. */
static void test_clock_is_set_meanwhile(void **state)
{
    static const struct {
        int64_t set_ms;
        bool has_booted;
        int64_t age_ms, counted_ms; /* of the run; what of it is not counted yet */
    } cases[] = {
        {0, false, 660000, 60000},         {3600000, false, 660000, 60000},
        {-3600000, false, 660000, 60000},  {INT64_C(31556952000), false, 660000, 60000},
        {3600000, true, 4200000, 3600000},
    };
    struct bmc *bmc = &fake_bmc.bmc;
    struct chassis *chassis = &bmc->chassis;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct store_chassis row;
        chassis->run = 1;
        chassis->on_since_ms = (int64_t)fake_bmc.now_ms - 600000;
        chassis->poh_counting = true;
        chassis->poh_counted_ms = fake_bmc.now_ms;
        chassis->poh_rest_ms = 0;
        chassis_rows_encode(bmc, &row);
        row.started_at -= cases[i].set_ms / 1000;
        row.counted_at -= cases[i].set_ms / 1000;
        row.clock.ahead_ms -= cases[i].set_ms;
        if (cases[i].has_booted)
            row.clock.boot[0] ^= 1;
        else
            fake_bmc.now_ms += 60000;
        chassis_rows_decode(bmc, &row);
        int64_t now_ms = (int64_t)fake_bmc.now_ms;
        assert_in_range(now_ms - chassis->on_since_ms - cases[i].age_ms + 1000, 0, 2000);
        assert_in_range(now_ms - (int64_t)chassis->poh_counted_ms - cases[i].counted_ms + 1000, 0,
                        2000);
    }
}

static void test_clock_is_set_while_an_action_waits(void **state)
{
    static const struct store_owed kept = {.action = HOST_POWER_ACTION_UP};
    struct bmc *bmc = &fake_bmc.bmc;

    (void)state;
    for (int64_t set_s = -3600; set_s <= 3600; set_s += 3600) {
        struct store_owed owed = kept;
        stored_clock_read(&owed.clock, (int64_t)fake_bmc.now_ms);
        owed.at = stored_time_of(&owed.clock, (int64_t)fake_bmc.now_ms) / 1000 - set_s;
        owed.clock.ahead_ms -= set_s * 1000;
        fake_bmc.now_ms += 60000;
        bmc->chassis.owed_count = 0;
        owed_rows_decode(bmc, &owed);
        assert_int_equal(bmc->chassis.owed_count, 1);
        assert_in_range((int64_t)fake_bmc.now_ms - bmc->chassis.owed[0].at_ms, 60000, 61000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_stays_through_restarts, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_restore, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_clock_is_set_meanwhile, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_clock_is_set_while_an_action_waits, fake_bmc_setup,
                                        fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
