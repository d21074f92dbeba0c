/* Long jobs of a hypervisor's threads: what is left to others while they hang, and what
 * connection they use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/virt/worker_world.h"
#include "vbmc/base/array.h"
#include "vbmc/virt/worker.h"

#define LONGS (WORKER_LONG_KINDS * WORKER_LONG_MAX)

/* Guests that hang in every kind, and more that are asked for. */
static void test_long_jobs_leave_threads(void **state)
{
    struct job longs[2 * LONGS] = {0}, action = {0};

    (void)state;
    world_start(OPENS, OPENS);
    for (unsigned i = 0; i < ARRAY_SIZE(longs); i++) {
        longs[i].waits = true;
        world_submit_long(&longs[i], i % WORKER_LONG_KINDS);
    }
    world.wanted = LONGS;
    TURN_UNTIL(world_so_many_run);
    world_submit(&action, worker_submit_action);
    TURN_UNTIL_DONE(1);
    assert_int_equal(world_read_counter(&world.running), LONGS);
    world_set_gate(true);
    TURN_UNTIL_DONE(ARRAY_SIZE(longs));
    assert_true(world.running_most <= LONGS + 1);
}

/* However many are asked for. */
static void test_long_jobs_leave_the_other_kinds(void **state)
{
    for (unsigned kind = 0; kind < WORKER_LONG_KINDS; kind++) {
        struct job hung[WORKER_ACTION_THREADS] = {0}, other = {0};
        world_setup(state);
        world_start(OPENS, OPENS);
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++) {
            hung[i].waits = true;
            world_submit_long(&hung[i], kind);
        }
        world.wanted = WORKER_LONG_MAX;
        TURN_UNTIL(world_so_many_run);
        world_submit_long(&other, (kind + 1) % WORKER_LONG_KINDS);
        TURN_UNTIL_DONE(1);
        assert_int_equal(world_read_counter(&world.running), WORKER_LONG_MAX);
        world_set_gate(true);
        TURN_UNTIL_DONE(ARRAY_SIZE(hung));
        world_teardown(state);
    }
}

/* They would keep the keeper from looking at guests. */
static void test_long_jobs_need_their_own(void **state)
{
    struct job dump = {0}, action = {0};

    world_setup(state);
    world_start(OPENS, HANGS);
    TURN_UNTIL(world_is_opening);
    world_submit_long(&dump, WORKER_LONG_DUMP);
    world_submit(&action, worker_submit_action);
    TURN_UNTIL_DONE(1);
    assert_ptr_equal(action.used, world.keepers);
    assert_null(dump.used);
    world_set_gate(true);
    TURN_UNTIL_DONE(1);
    assert_true(world_is_own(dump.used));
    world_teardown(state);
    for (int in_process = 0; in_process <= 1; in_process++) {
        world_setup(state);
        world.in_process = in_process;
        world_start(OPENS, REFUSES);
        dump = (struct job){0};
        world_submit_long(&dump, WORKER_LONG_DUMP);
        TURN_UNTIL_DONE(1);
        assert_ptr_equal(dump.used, in_process ? world.keepers : NULL);
        world_teardown(state);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_long_jobs_leave_threads),
        cmocka_unit_test(test_long_jobs_leave_the_other_kinds),
        cmocka_unit_test(test_long_jobs_need_their_own),
    };

    return cmocka_run_group_tests(tests, world_setup_group, world_teardown_group);
}
