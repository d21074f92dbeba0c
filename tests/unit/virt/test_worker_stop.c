/* The end of a hypervisor's threads: what it waits for, and what it ends. */
#include <libvirt/libvirt.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/virt/worker_world.h"
#include "vbmc/base/array.h"
#include "vbmc/virt/worker.h"

/* What is left when it stops is run, without a connection; what hangs while it connects is not
 * waited for. */
static void test_stop(void **state)
{
    static const struct {
        enum answer main_answer, answer;
    } cases[] = {{OPENS, OPENS}, {REFUSES, OPENS}, {OPENS, NEVER_ANSWERS}, {NEVER_ANSWERS, OPENS}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct job first[WORKER_LONG_MAX] = {0}, left = {0};
        world_setup(state);
        world_start(cases[i].main_answer, cases[i].answer);
        if (cases[i].answer == NEVER_ANSWERS)
            TURN_UNTIL(world_is_opening);
        for (size_t j = 0; j < ARRAY_SIZE(first) && cases[i].main_answer == OPENS; j++) {
            first[j].waits = true;
            world_submit_long(&first[j], WORKER_LONG_DUMP);
        }
        unsigned submitted = cases[i].main_answer == OPENS ? WORKER_LONG_MAX : 0;
        world.wanted = cases[i].answer == OPENS ? submitted : 0; /* the others wait for their own */
        TURN_UNTIL(world_so_many_run);
        world_submit_long(&left, WORKER_LONG_DUMP);
        world_set_gate(true);
        STOP();
        assert_int_equal(world.done, submitted + 1);
        world_teardown(state);
    }
}

/* As a guest that takes no input: what waits on the consoles' connection is ended. */
static void wait_for_the_line(struct worker_job *worker_job, virConnectPtr connection)
{
    struct job *job = CONTAINER_OF(worker_job, struct job, job);
    struct pollfd line = {.fd = world.line[0], .events = POLLIN};

    job->used = connection;
    pthread_mutex_lock(&world.lock);
    world.running++;
    pthread_mutex_unlock(&world.lock);
    poll(&line, 1, WORLD_DEADLINE_MS);
}

static bool is_line_shut(void)
{
    char byte;

    return recv(world.line[1], &byte, 1, MSG_DONTWAIT) == 0;
}

/* The loop may have a stream still, whose connection is closed with it: without a wait. */
static void test_stop_shuts_the_consoles(void **state)
{
    struct job job = {0};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world.line), 0);
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    world_submit(&job, worker_submit_console);
    TURN_UNTIL_DONE(1);
    assert_false(is_line_shut());
    STOP();
    assert_true(is_line_shut());
    world_end_line();
}

static void test_stop_while_a_console_waits(void **state)
{
    struct job job = {.job = {.run = wait_for_the_line, .done = world_done}};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world.line), 0);
    world_start(OPENS, OPENS);
    TURN_UNTIL(world_all_have_their_own);
    worker_submit_console(world.worker, &job.job);
    world.wanted = 1;
    TURN_UNTIL(world_so_many_run);
    STOP();
    assert_int_equal(world.done, 1);
    assert_true(world_is_own(job.used));
    world_end_line();
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop),
        TEST(test_stop_shuts_the_consoles),
        TEST(test_stop_while_a_console_waits),
    };

    return cmocka_run_group_tests(tests, world_setup_group, world_teardown_group);
}
