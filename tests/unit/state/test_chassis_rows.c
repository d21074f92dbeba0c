/* The rows in which a chassis is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_stays_through_restarts, fake_bmc_setup,
                                        fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
