/* Power supplies: how many a policy builds in, on which feeds, and what is left when some go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"

static struct supply_layout layout_of(enum supply_redundancy redundancy, unsigned needed)
{
    struct supply_layout layout;

    supply_layout_set_defaults(&layout);
    layout.redundancy = redundancy;
    layout.needed = needed;
    return layout;
}

static void test_names(void **state)
{
    static const char *const names[] = {"N", "N+1", "2N", "2N+1"};
    enum supply_redundancy redundancy;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        assert_string_equal(supply_redundancy_name((enum supply_redundancy)i), names[i]);
        assert_int_equal(supply_redundancy_parse(names[i], &redundancy), 0);
        assert_int_equal(redundancy, i);
    }
    assert_int_equal(supply_redundancy_parse("2n+1", &redundancy), 0);
    assert_int_equal(redundancy, SUPPLY_2N_PLUS_1);
    assert_int_equal(supply_redundancy_parse("3N", &redundancy), -EINVAL);
    assert_int_equal(supply_redundancy_parse("", &redundancy), -EINVAL);
    assert_int_equal(supply_redundancy_parse("N +1", &redundancy), -EINVAL);
}

static void test_counts(void **state)
{
    static const unsigned counts[][2] = {{1, 2}, {2, 3}, {2, 4}, {3, 5}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        for (unsigned needed = 1; needed <= 2; needed++) {
            struct supply_layout layout = layout_of((enum supply_redundancy)i, needed);
            assert_int_equal(supply_psu_count(&layout), counts[i][needed - 1]);
        }
    }
    /* Out of range: as the nearest. */
    struct supply_layout layout = layout_of(SUPPLY_2N_PLUS_1, 9);
    assert_int_equal(supply_psu_count(&layout), 5);
    layout.needed = 0;
    assert_int_equal(supply_psu_count(&layout), 3);
}

static void test_feeds_in_turn(void **state)
{
    struct supply_layout layout = layout_of(SUPPLY_2N_PLUS_1, 2);

    (void)state;
    for (unsigned psu = 0; psu < 5; psu++)
        assert_int_equal(supply_psu_feed(&layout, psu), psu % 2);
    layout.feed_count = 3;
    layout.feeds[0] = 2;
    layout.feeds[2] = 3;
    assert_int_equal(supply_psu_feed(&layout, 0), 2);
    assert_int_equal(supply_psu_feed(&layout, 2), 3);
    assert_int_equal(supply_psu_feed(&layout, 3), 2);
    layout.feed_count = 0;
    assert_int_equal(supply_psu_feed(&layout, 4), 0);
}

/* What each policy says, by feeds and faults. A fault is written as the PSU's SUPPLY_PSU_* bits. */
static void test_states(void **state)
{
    static const struct {
        enum supply_redundancy redundancy;
        unsigned needed;
        uint8_t feeds;
        uint8_t faults[SUPPLY_PSUS_MAX];
        uint8_t live, ac_lost;
        bool sufficient;
        uint8_t offset;
    } cases[] = {
        {SUPPLY_2N, 1, 0x3, {0}, 0x3, 0, true, 0},
        {SUPPLY_2N, 1, 0x2, {0}, 0x2, 0x1, true, 1},
        {SUPPLY_2N, 1, 0x0, {0}, 0, 0x3, false, 5},
        {SUPPLY_2N, 1, 0x3, {SUPPLY_PSU_AC_LOST}, 0x2, 0x1, true, 1},
        {SUPPLY_2N, 1, 0x3, {SUPPLY_PSU_FAILED}, 0x2, 0, true, 1},
        {SUPPLY_2N, 1, 0x3, {0, SUPPLY_PSU_REMOVED}, 0x1, 0, true, 1},
        {SUPPLY_2N, 1, 0x1, {0, SUPPLY_PSU_REMOVED}, 0x1, 0, true, 1}, /* not there: no AC to lose
                                                                        */
        {SUPPLY_2N, 1, 0x3, {SUPPLY_PSU_PREDICTIVE}, 0x3, 0, true, 0}, /* it still delivers */
        {SUPPLY_2N, 1, 0x1, {SUPPLY_PSU_FAILED}, 0, 0x2, false, 5},
        {SUPPLY_2N, 2, 0x3, {SUPPLY_PSU_FAILED}, 0xe, 0, true, 2}, /* three of four, two needed */
        {SUPPLY_2N, 2, 0x1, {0}, 0x5, 0xa, true, 1},
        {SUPPLY_2N, 2, 0x1, {SUPPLY_PSU_FAILED}, 0x4, 0xa, false, 5},
        {SUPPLY_N, 1, 0x3, {0}, 0x1, 0, true, 3},
        {SUPPLY_N, 1, 0x2, {0}, 0, 0x1, false, 5},
        {SUPPLY_N, 2, 0x1, {0}, 0x1, 0x2, false, 5},
        {SUPPLY_N_PLUS_1, 1, 0x3, {0}, 0x3, 0, true, 0},
        {SUPPLY_N_PLUS_1, 1, 0x2, {0}, 0x2, 0x1, true, 1},
        {SUPPLY_N_PLUS_1, 2, 0x2, {0}, 0x2, 0x5, false, 5}, /* A carries two of the three */
        {SUPPLY_N_PLUS_1, 2, 0x1, {0}, 0x5, 0x2, true, 1},
        {SUPPLY_2N_PLUS_1, 1, 0x3, {0}, 0x7, 0, true, 0},
        {SUPPLY_2N_PLUS_1, 1, 0x3, {0, SUPPLY_PSU_FAILED}, 0x5, 0, true, 2},
        {SUPPLY_2N_PLUS_1, 1, 0x2, {0}, 0x2, 0x5, true, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct supply_layout layout = layout_of(cases[i].redundancy, cases[i].needed);
        struct supply_state result;

        supply_evaluate(&layout, cases[i].feeds, cases[i].faults, &result);
        if (result.live != cases[i].live || result.ac_lost != cases[i].ac_lost ||
            result.sufficient != cases[i].sufficient || result.redundancy != cases[i].offset)
            fail_msg("case %zu: live %x, ac_lost %x, sufficient %d, redundancy %u", i, result.live,
                     result.ac_lost, result.sufficient, result.redundancy);
    }
}

static void test_feed_that_is_not_there(void **state)
{
    static const uint8_t faults[SUPPLY_PSUS_MAX] = {0};
    struct supply_layout layout = layout_of(SUPPLY_2N, 1);
    struct supply_state result;

    (void)state;
    layout.feeds[1] = 200;
    supply_evaluate(&layout, 0xff, faults, &result);
    assert_int_equal(result.live, 0x1);
    assert_int_equal(result.ac_lost, 0x2);
}

/* Equal settings are there once, as long as anybody has them. */
static void test_shared_settings(void **state)
{
    struct server_settings settings;

    (void)state;
    server_settings_set_defaults(&settings);
    const struct server_settings *first = server_settings_share(&settings);
    assert_ptr_equal(server_settings_share(&settings), first);
    settings.supply.feeds[SUPPLY_PSUS_MAX - 1]++;
    const struct server_settings *other = server_settings_share(&settings);
    assert_ptr_not_equal(other, first);
    settings.supply.feeds[SUPPLY_PSUS_MAX - 1]--;
    settings.model.volt_battery += 1;
    const struct server_settings *third = server_settings_share(&settings);
    assert_ptr_not_equal(third, first);
    server_settings_release(first);
    settings.model.volt_battery -= 1;
    assert_ptr_equal(server_settings_share(&settings), first);
    assert_true(first->supply.needed == settings.supply.needed);
    server_settings_release(third);
    server_settings_release(other);
    server_settings_release(first);
    server_settings_release(first);
    server_settings_release(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_feeds_in_turn),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_feed_that_is_not_there),
        cmocka_unit_test(test_shared_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
