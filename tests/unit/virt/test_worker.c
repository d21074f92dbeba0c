/* The threads of a hypervisor, with connections to libvirt's test driver in place of a libvirtd's:
 * which connection a job gets, what waits for what, and what an end waits for. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/inbox.h"
#include "vbmc/virt/loop.h"
#include "vbmc/virt/worker.h"
#include "vbmc/virt/worker_internal.h"

#define DEADLINE_MS 60000
#define OWN_MAX     64
#define LONGS       (WORKER_LONG_KINDS * WORKER_LONG_MAX)

enum answer {
    OPENS,
    REFUSES,
    HANGS,         /* until the gate opens */
    NEVER_ANSWERS, /* a real connection, to a socket that nobody reads */
};

static struct world {
    uv_loop_t loop;
    struct inbox *inbox;
    struct worker *worker;
    char folder[64];
    char uri[256]; /* of the one who never answers */
    int listener;
    int line[2]; /* in place of the consoles' socket, and its other end; -1: none */
    int watch;   /* of the first one */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    enum answer main_answer, answer;
    bool in_process; /* set before the start */
    bool gate;       /* open */
    virConnectPtr keepers;
    virConnectPtr own[OWN_MAX]; /* every one that was opened beside it */
    unsigned own_count;
    unsigned mains; /* that were opened */
    unsigned mains_closed;
    unsigned asked;        /* for another */
    unsigned opening;      /* others now */
    unsigned opening_most; /* at once */
    unsigned running;      /* jobs that wait at the gate */
    unsigned running_most;
    /* Loop thread. */
    unsigned done;
    bool ended;
} world;

/* ---- the hypervisor ---- */

/* In place of libvirt's: those of the test driver are always alive. */
static _Atomic(virConnectPtr) dead;

int virConnectIsAlive(virConnectPtr connection)
{
    return connection != dead;
}

/* In place of libc's, of a socket that is shut: whether the main connection was still there then.
 */
static _Atomic int main_at_first_shut; /* -1: none was shut */

int shutdown(int fd, int how)
{
    int none = -1;

    if (world.worker)
        atomic_compare_exchange_strong(&main_at_first_shut, &none,
                                       world.worker->connection != NULL);
    return (int)syscall(SYS_shutdown, fd, how);
}

static virConnectPtr open_as(enum answer answer, struct virt_loop_socket *socket)
{
    virConnectPtr connection = NULL;

    if (answer == NEVER_ANSWERS) {
        virt_loop_note_socket(socket);
        connection = virConnectOpen(world.uri);
        virt_loop_note_socket(NULL);
        return connection;
    }
    pthread_mutex_lock(&world.lock);
    while (answer == HANGS && !world.gate)
        pthread_cond_wait(&world.changed, &world.lock);
    pthread_mutex_unlock(&world.lock);
    return answer == REFUSES ? NULL : virConnectOpen("test:///default");
}

static virConnectPtr open_main(void *context, char text[WORKER_TEXT_SIZE],
                               struct virt_loop_socket *socket)
{
    (void)context;
    (void)text;
    pthread_mutex_lock(&world.lock);
    enum answer answer = world.main_answer;
    pthread_mutex_unlock(&world.lock);
    virConnectPtr connection = open_as(answer, socket);
    pthread_mutex_lock(&world.lock);
    world.keepers = connection;
    world.mains += connection != NULL;
    pthread_mutex_unlock(&world.lock);
    return connection;
}

static void on_line(int watch, int fd, int events, void *opaque)
{
    (void)watch, (void)fd, (void)events, (void)opaque;
}

static virConnectPtr open_another(void *context, bool for_consoles, struct virt_loop_socket *socket)
{
    (void)context;
    pthread_mutex_lock(&world.lock);
    enum answer answer = world.answer;
    world.asked++;
    if (++world.opening > world.opening_most)
        world.opening_most = world.opening;
    pthread_mutex_unlock(&world.lock);
    virConnectPtr connection = open_as(answer, socket);
    if (for_consoles && world.line[0] >= 0) { /* in place of its real socket */
        virt_loop_note_socket(socket);
        world.watch = virEventAddHandle(world.line[0], 0, on_line, NULL, NULL);
        virt_loop_note_socket(NULL);
    }
    pthread_mutex_lock(&world.lock);
    world.opening--;
    if (connection && world.own_count < OWN_MAX) {
        virConnectRef(connection); /* so that none gets the address of one before */
        world.own[world.own_count++] = connection;
    }
    pthread_mutex_unlock(&world.lock);
    return connection;
}

static bool is_in_process(void *context)
{
    (void)context;
    return world.in_process;
}

static void close_main(void *context, virConnectPtr connection)
{
    (void)context;
    pthread_mutex_lock(&world.lock);
    world.mains_closed++;
    pthread_mutex_unlock(&world.lock);
    virConnectClose(connection);
}

static void opening_failed(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static const struct worker_ops ops = {
    .open = open_main,
    .open_another = open_another,
    .is_in_process = is_in_process,
    .close = close_main,
    .failed = opening_failed,
};

/* ---- jobs ---- */

struct job {
    struct worker_job job;
    bool waits; /* at the gate */
    virConnectPtr used;
};

static void run(struct worker_job *worker_job, virConnectPtr connection)
{
    struct job *job = CONTAINER_OF(worker_job, struct job, job);

    job->used = connection;
    pthread_mutex_lock(&world.lock);
    if (++world.running > world.running_most)
        world.running_most = world.running;
    pthread_cond_broadcast(&world.changed);
    while (job->waits && connection && !world.gate)
        pthread_cond_wait(&world.changed, &world.lock);
    world.running--;
    pthread_mutex_unlock(&world.lock);
}

static void done(struct worker_job *job)
{
    (void)job;
    world.done++;
}

static void submit(struct job *job, void (*submit_to)(struct worker *, struct worker_job *))
{
    job->job = (struct worker_job){.run = run, .done = done};
    submit_to(world.worker, &job->job);
}

static void submit_long(struct job *job, enum worker_long kind)
{
    job->job = (struct worker_job){.run = run, .done = done};
    worker_submit_long(world.worker, kind, &job->job);
}

/* ---- waiting ---- */

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

/* The condition is asked for every few milliseconds, since other threads bring it about. */
static void turn_until(bool (*condition)(void), int line)
{
    bool late = false;
    uv_timer_t timer, look;

    uv_timer_init(&world.loop, &timer);
    uv_timer_init(&world.loop, &look);
    timer.data = &late;
    uv_timer_start(&timer, on_late, DEADLINE_MS, 0);
    uv_timer_start(&look, on_look, 2, 2);
    while (!condition() && !late)
        uv_run(&world.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&look, NULL);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    if (late)
        fail_msg("line %d: waited too long", line);
}
#define TURN_UNTIL(condition) turn_until(condition, __LINE__)

static unsigned wanted;

static bool are_done(void)
{
    return world.done >= wanted;
}

static void turn_until_done(unsigned count, int line)
{
    wanted = count;
    turn_until(are_done, line);
    world.done = 0;
}
#define TURN_UNTIL_DONE(count) turn_until_done(count, __LINE__)

static unsigned read_counter(const unsigned *counter)
{
    pthread_mutex_lock(&world.lock);
    unsigned value = *counter;
    pthread_mutex_unlock(&world.lock);
    return value;
}

static bool all_have_their_own(void)
{
    return read_counter(&world.own_count) == WORKER_ACTION_THREADS + 1;
}

static bool is_second_main(void)
{
    return read_counter(&world.mains) == 2 &&
           read_counter(&world.own_count) == 2 * (WORKER_ACTION_THREADS + 1);
}

static bool is_opened_again(void)
{
    return read_counter(&world.mains) == 2;
}

static bool is_opening(void)
{
    return read_counter(&world.opening) == 1;
}

static bool so_many_run(void)
{
    return read_counter(&world.running) == wanted;
}

static bool has_ended(void)
{
    return world.ended;
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&world.lock);
    world.gate = open;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

static bool is_own(virConnectPtr connection)
{
    bool found = false;

    pthread_mutex_lock(&world.lock);
    for (unsigned i = 0; i < world.own_count; i++)
        found = found || world.own[i] == connection;
    pthread_mutex_unlock(&world.lock);
    return found;
}

/* ---- life ---- */

static void on_ended(struct inbox_item *item)
{
    (void)item;
    world.ended = true;
}

static void start(enum answer main_answer, enum answer answer)
{
    world.main_answer = main_answer;
    world.answer = answer;
    world.worker = worker_start(&ops, &world, world.inbox);
    assert_non_null(world.worker);
}

static void stop(int line)
{
    static struct inbox_item item;

    item.deliver = on_ended;
    worker_stop(world.worker, &item);
    turn_until(has_ended, line);
    worker_free(world.worker);
    world.worker = NULL;
}
#define STOP() stop(__LINE__)

static void end_line(void)
{
    virEventRemoveHandle(world.watch);
    for (int i = 0; i < 2; i++)
        close(world.line[i]);
}

static int setup(void **state)
{
    (void)state;
    world.gate = world.ended = world.in_process = false;
    world.mains_closed = 0;
    world.line[0] = world.line[1] = -1;
    world.keepers = NULL;
    world.own_count = world.mains = world.asked = world.opening = world.opening_most = 0;
    world.running = world.running_most = world.done = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    set_gate(true);
    if (world.worker)
        STOP();
    for (unsigned i = 0; i < world.own_count; i++)
        virConnectClose(world.own[i]);
    return 0;
}

/* ---- tests ---- */

static void test_each_has_its_own(void **state)
{
    struct job jobs[WORKER_ACTION_THREADS] = {0}, console = {0}, look = {0};

    (void)state;
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    assert_int_equal(world.opening_most, 1);
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        jobs[i].waits = true;
        submit(&jobs[i], worker_submit_action);
    }
    wanted = ARRAY_SIZE(jobs);
    TURN_UNTIL(so_many_run);
    set_gate(true);
    submit(&console, worker_submit_console);
    submit(&look, worker_submit_look);
    TURN_UNTIL_DONE(ARRAY_SIZE(jobs) + 2);
    assert_ptr_equal(look.used, world.keepers);
    assert_true(is_own(console.used));
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        assert_true(is_own(jobs[i].used));
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
    start(OPENS, HANGS);
    TURN_UNTIL(is_opening);
    for (int i = 0; i < 3; i++) {
        job = console = (struct job){0};
        submit(&job, worker_submit_action);
        submit(&console, worker_submit_console);
        TURN_UNTIL_DONE(2);
        assert_ptr_equal(job.used, world.keepers);
        assert_ptr_equal(console.used, world.keepers);
    }
    assert_int_equal(read_counter(&world.asked), 1);
    set_gate(true);
    TURN_UNTIL(all_have_their_own);
    submit(&job, worker_submit_action);
    TURN_UNTIL_DONE(1);
    assert_true(is_own(job.used));
    assert_int_equal(world.opening_most, 1);
}

/* The main connection has one user at a time, the keeper too; in this process, many. */
static void test_who_shares_the_main_connection(void **state)
{
    for (int in_process = 0; in_process <= 1; in_process++) {
        struct job actions[3] = {0}, look = {0};
        setup(state);
        world.in_process = in_process;
        start(OPENS, REFUSES);
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
            actions[i].waits = true;
            submit(&actions[i], worker_submit_action);
        }
        wanted = in_process ? ARRAY_SIZE(actions) : 1;
        TURN_UNTIL(so_many_run);
        submit(&look, worker_submit_look);
        if (in_process)
            TURN_UNTIL_DONE(1);
        set_gate(true);
        TURN_UNTIL_DONE(ARRAY_SIZE(actions) + 1 - in_process);
        assert_ptr_equal(look.used, world.keepers);
        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
            assert_ptr_equal(actions[i].used, world.keepers);
        if (!in_process)
            assert_int_equal(world.running_most, 1);
        teardown(state);
    }
}

/* One that is lost is closed when nobody calls libvirt with it any more. */
static void test_a_lost_main_connection_that_is_used(void **state)
{
    struct job action = {.waits = true};

    (void)state;
    start(OPENS, REFUSES);
    submit(&action, worker_submit_action);
    wanted = 1;
    TURN_UNTIL(so_many_run);
    worker_connection_lost(world.worker);
    for (int i = 0; i < 20; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 5);
        assert_int_equal(read_counter(&world.mains_closed), 0);
    }
    set_gate(true);
    TURN_UNTIL(is_opened_again);
    assert_int_equal(read_counter(&world.mains_closed), 1);
}

static bool has_another(void)
{
    return read_counter(&world.own_count) == WORKER_ACTION_THREADS + 2;
}

/* It is replaced as soon as a thread sees it; its streams are told of once, all the same. */
static void test_a_dead_connection_of_consoles(void **state)
{
    struct job console = {0}, action = {0};

    (void)state;
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    submit(&console, worker_submit_console);
    TURN_UNTIL_DONE(1);
    assert_true(worker_consoles_live(world.worker));
    dead = console.used;
    submit(&action, worker_submit_action);
    TURN_UNTIL(has_another);
    assert_false(worker_consoles_live(world.worker));
    assert_true(worker_consoles_live(world.worker));
    dead = NULL;
}

/* Not asked for again with each job. */
static void test_an_opening_that_is_refused(void **state)
{
    struct job job;

    (void)state;
    start(OPENS, REFUSES);
    for (int i = 0; i < 20; i++) {
        job = (struct job){0};
        submit(&job, worker_submit_action);
        TURN_UNTIL_DONE(1);
        assert_ptr_equal(job.used, world.keepers);
    }
    assert_true(read_counter(&world.asked) < 10); /* once, unless this has taken ten seconds */
}

/* Guests that hang in every kind, and more that are asked for. */
static void test_long_jobs_leave_threads(void **state)
{
    struct job longs[2 * LONGS] = {0}, action = {0};

    (void)state;
    start(OPENS, OPENS);
    for (unsigned i = 0; i < ARRAY_SIZE(longs); i++) {
        longs[i].waits = true;
        submit_long(&longs[i], i % WORKER_LONG_KINDS);
    }
    wanted = LONGS;
    TURN_UNTIL(so_many_run);
    submit(&action, worker_submit_action);
    TURN_UNTIL_DONE(1);
    assert_int_equal(read_counter(&world.running), LONGS);
    set_gate(true);
    TURN_UNTIL_DONE(ARRAY_SIZE(longs));
    assert_true(world.running_most <= LONGS + 1);
}

/* However many are asked for. */
static void test_long_jobs_leave_the_other_kinds(void **state)
{
    for (unsigned kind = 0; kind < WORKER_LONG_KINDS; kind++) {
        struct job hung[WORKER_ACTION_THREADS] = {0}, other = {0};
        setup(state);
        start(OPENS, OPENS);
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++) {
            hung[i].waits = true;
            submit_long(&hung[i], kind);
        }
        wanted = WORKER_LONG_MAX;
        TURN_UNTIL(so_many_run);
        submit_long(&other, (kind + 1) % WORKER_LONG_KINDS);
        TURN_UNTIL_DONE(1);
        assert_int_equal(read_counter(&world.running), WORKER_LONG_MAX);
        set_gate(true);
        TURN_UNTIL_DONE(ARRAY_SIZE(hung));
        teardown(state);
    }
}

static void test_a_new_main_connection(void **state)
{
    struct job job = {0};

    (void)state;
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    worker_connection_lost(world.worker);
    TURN_UNTIL(is_second_main);
    submit(&job, worker_submit_action);
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
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    int first_watch = world.watch;
    main_at_first_shut = -1;
    worker_connection_lost(world.worker);
    TURN_UNTIL(is_second_main);
    assert_int_equal(main_at_first_shut, 0);
    STOP();
    virEventRemoveHandle(first_watch);
    end_line();
}

/* What is left when it stops is run, without a connection; what hangs while it connects is not
 * waited for. */
static void test_stop(void **state)
{
    static const struct {
        enum answer main_answer, answer;
    } cases[] = {{OPENS, OPENS}, {REFUSES, OPENS}, {OPENS, NEVER_ANSWERS}, {NEVER_ANSWERS, OPENS}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct job first[WORKER_LONG_MAX] = {0}, left = {0};
        setup(state);
        start(cases[i].main_answer, cases[i].answer);
        if (cases[i].answer == NEVER_ANSWERS)
            TURN_UNTIL(is_opening);
        for (size_t j = 0; j < ARRAY_SIZE(first) && cases[i].main_answer == OPENS; j++) {
            first[j].waits = true;
            submit_long(&first[j], WORKER_LONG_DUMP);
        }
        unsigned submitted = cases[i].main_answer == OPENS ? WORKER_LONG_MAX : 0;
        wanted = cases[i].answer == OPENS ? submitted : 1; /* by the main connection */
        TURN_UNTIL(so_many_run);
        submit_long(&left, WORKER_LONG_DUMP);
        set_gate(true);
        STOP();
        assert_int_equal(world.done, submitted + 1);
        teardown(state);
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
    poll(&line, 1, DEADLINE_MS);
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
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    submit(&job, worker_submit_console);
    TURN_UNTIL_DONE(1);
    assert_false(is_line_shut());
    STOP();
    assert_true(is_line_shut());
    end_line();
}

static void test_stop_while_a_console_waits(void **state)
{
    struct job job = {.job = {.run = wait_for_the_line, .done = done}};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world.line), 0);
    start(OPENS, OPENS);
    TURN_UNTIL(all_have_their_own);
    worker_submit_console(world.worker, &job.job);
    wanted = 1;
    TURN_UNTIL(so_many_run);
    STOP();
    assert_int_equal(world.done, 1);
    assert_true(is_own(job.used));
    end_line();
}

/* ---- all tests ---- */

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

static int setup_group(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    virSetErrorFunc(NULL, ignore_error);
    pthread_mutex_init(&world.lock, NULL);
    pthread_cond_init(&world.changed, NULL);
    uv_loop_init(&world.loop);
    world.inbox = inbox_new(&world.loop);
    snprintf(world.folder, sizeof world.folder, "/tmp/vbmc-worker-XXXXXX");
    if (!mkdtemp(world.folder) || virt_loop_start(&world.loop) < 0)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", world.folder);
    snprintf(world.uri, sizeof world.uri, "qemu+unix:///system?socket=%s", address.sun_path);
    world.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(world.listener, (const struct sockaddr *)&address, sizeof address) ||
           listen(world.listener, 16);
}

static int teardown_group(void **state)
{
    char path[128];

    (void)state;
    close(world.listener);
    snprintf(path, sizeof path, "%s/socket", world.folder);
    unlink(path);
    rmdir(world.folder);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    virt_loop_stop();
    inbox_free(world.inbox);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world.loop);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_has_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_opening_that_hangs, setup, teardown),
        cmocka_unit_test(test_who_shares_the_main_connection),
        cmocka_unit_test_setup_teardown(test_a_lost_main_connection_that_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_connection_of_consoles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_opening_that_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_jobs_leave_threads, setup, teardown),
        cmocka_unit_test(test_long_jobs_leave_the_other_kinds),
        cmocka_unit_test_setup_teardown(test_a_new_main_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_main_connection_is_gone_before_others_are_shut,
                                        setup, teardown),
        cmocka_unit_test(test_stop),
        cmocka_unit_test_setup_teardown(test_stop_shuts_the_consoles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_while_a_console_waits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
