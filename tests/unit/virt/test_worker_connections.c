/* The connections of a hypervisor's threads: which one a job gets, who shares the main one, and
 * what becomes of one that is lost, dead or refused. */
#include <libvirt/libvirt.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include <cmocka.h>

#include "tests/unit/virt/worker_world.h"
#include "vbmc/base/array.h"
#include "vbmc/virt/worker.h"

static bool is_second_main(void)
{
    return world_read_counter(&world.mains) == 2 &&
           world_read_counter(&world.own_count) == 2 * (WORKER_ACTION_THREADS + 1);
}

static bool is_opened_again(void)
{
    return world_read_counter(&world.mains) == 2;
}

static void test_each_has_its_own(void **state)
{
    struct job jobs[WORKER_ACTION_THREADS] = {0}, console = {0}, look = {0};

    (void)state;
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    assert_int_equal(world.opening_most, 1);
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        jobs[i].waits = true;
        world_submit(&jobs[i], worker_submit_action);
    }
    world.wanted = ARRAY_SIZE(jobs);
    TURN_UNTIL(world_so_many_run);
    world_set_gate(true);
    world_submit(&console, worker_submit_console);
    world_submit(&look, worker_submit_look);
    TURN_UNTIL_DONE(ARRAY_SIZE(jobs) + 2);
    assert_ptr_equal(look.used, world.keepers);
    assert_true(world_is_own(console.used));
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        assert_true(world_is_own(jobs[i].used));
        assert_ptr_not_equal(jobs[i].used, console.used);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(jobs[i].used, jobs[j].used);
    }
    assert_int_equal(world.asked, WORKER_ACTION_THREADS + 1);
}

/* As with a libvirtd at max_clients: jobs do not wait for it, and one thread alone does. */
static void test_an_opening_that_hangs(void **state)
{
    struct job job, console;

    (void)state;
    world_start(OPENS, HANGS);
    TURN_UNTIL(world_is_opening);
    for (int i = 0; i < 3; i++) {
        job = console = (struct job){0};
        world_submit(&job, worker_submit_action);
        world_submit(&console, worker_submit_console);
        TURN_UNTIL_DONE(2);
        assert_ptr_equal(job.used, world.keepers);
        assert_ptr_equal(console.used, world.keepers);
    }
    assert_int_equal(world_read_counter(&world.asked), 1);
    world_set_gate(true);
    TURN_UNTIL(world_all_have_their_own);
    world_submit(&job, worker_submit_action);
    TURN_UNTIL_DONE(1);
    assert_true(world_is_own(job.used));
    assert_int_equal(world.opening_most, 1);
}

/* The main connection has one user at a time, the keeper too; in this process, many. */
static void test_who_shares_the_main_connection(void **state)
{
    for (int in_process = 0; in_process <= 1; in_process++) {
        struct job actions[3] = {0}, look = {0};
        world_setup(state);
        world.in_process = in_process;
        world_start(OPENS, REFUSES);
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
            actions[i].waits = true;
            world_submit(&actions[i], worker_submit_action);
        }
        world.wanted = in_process ? ARRAY_SIZE(actions) : 1;
        TURN_UNTIL(world_so_many_run);
        world_submit(&look, worker_submit_look);
        if (in_process)
            TURN_UNTIL_DONE(1);
        world_set_gate(true);
        TURN_UNTIL_DONE(ARRAY_SIZE(actions) + 1 - in_process);
        assert_ptr_equal(look.used, world.keepers);
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
            assert_ptr_equal(actions[i].used, world.keepers);
        if (!in_process)
            assert_int_equal(world.running_most, 1);
        world_teardown(state);
    }
}

/* One that is lost is closed when nobody calls libvirt with it any more. */
static void test_a_lost_main_connection_that_is_used(void **state)
{
    struct job action = {.waits = true};

    (void)state;
    world_start(OPENS, REFUSES);
    world_submit(&action, worker_submit_action);
    world.wanted = 1;
    TURN_UNTIL(world_so_many_run);
    worker_connection_lost(world.worker);
    for (int i = 0; i < 20; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 5);
        assert_int_equal(world_read_counter(&world.mains_closed), 0);
    }
    world_set_gate(true);
    TURN_UNTIL(is_opened_again);
    assert_int_equal(world_read_counter(&world.mains_closed), 1);
}

static bool has_another(void)
{
    return world_read_counter(&world.own_count) == WORKER_ACTION_THREADS + 2;
}

/* It is replaced as soon as a thread sees it; its streams are told of once, all the same. */
static void test_a_dead_connection_of_consoles(void **state)
{
    struct job console = {0}, action = {0};

    (void)state;
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    world_submit(&console, worker_submit_console);
    TURN_UNTIL_DONE(1);
    assert_true(worker_consoles_live(world.worker));
    world.dead = console.used;
    world_submit(&action, worker_submit_action);
    TURN_UNTIL(has_another);
    assert_false(worker_consoles_live(world.worker));
    assert_true(worker_consoles_live(world.worker));
    world.dead = NULL;
}

/* Not asked for again with each job. */
static void test_an_opening_that_is_refused(void **state)
{
    struct job job;

    (void)state;
    world_start(OPENS, REFUSES);
    for (int i = 0; i < 20; i++) {
        job = (struct job){0};
        world_submit(&job, worker_submit_action);
        TURN_UNTIL_DONE(1);
        assert_ptr_equal(job.used, world.keepers);
    }
    assert_true(world_read_counter(&world.asked) < 10); /* once, unless it has taken ten seconds */
}

static void test_a_new_main_connection(void **state)
{
    struct job job = {0};

    (void)state;
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    worker_connection_lost(world.worker);
    TURN_UNTIL(is_second_main);
    world_submit(&job, worker_submit_action);
    TURN_UNTIL_DONE(1);
    bool is_new = false;
    for (unsigned i = WORKER_ACTION_THREADS + 1; i < world.own_count; i++)
        is_new = is_new || world.own[i] == job.used;
    assert_true(is_new);
}

/* Openings that hang end with it, also one that begins just then: it finds either no main
 * connection or is shut. */
static void test_a_lost_main_connection_is_gone_before_others_are_shut(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world.line), 0);
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    int first_watch = world.watch;
    world.main_at_first_shut = -1;
    worker_connection_lost(world.worker);
    TURN_UNTIL(is_second_main);
    assert_int_equal(world.main_at_first_shut, 0);
    STOP();
    virEventRemoveHandle(first_watch);
    world_end_line();
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_each_has_its_own),
        TEST(test_an_opening_that_hangs),
        cmocka_unit_test(test_who_shares_the_main_connection),
        TEST(test_a_lost_main_connection_that_is_used),
        TEST(test_a_dead_connection_of_consoles),
        TEST(test_an_opening_that_is_refused),
        TEST(test_a_new_main_connection),
        TEST(test_a_lost_main_connection_is_gone_before_others_are_shut),
    };

    return cmocka_run_group_tests(tests, world_setup_group, world_teardown_group);
}
