#include "tests/unit/virt/worker_world.h"

#include <libvirt/virterror.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/inbox.h"
#include "vbmc/virt/loop.h"
#include "vbmc/virt/worker_internal.h"

struct world world;

/* ---- the hypervisor ---- */

/* In place of libvirt's: those of the test driver are always alive. */
int virConnectIsAlive(virConnectPtr connection)
{
    return connection != world.dead;
}

/* In place of libc's, of a socket that is shut: whether the main connection was still there then.
 */
int shutdown(int fd, int how)
{
    int none = -1;

    if (world.worker)
        atomic_compare_exchange_strong(&world.main_at_first_shut, &none,
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
    if (connection && world.own_count < WORLD_OWN_MAX) {
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

void world_done(struct worker_job *job)
{
    (void)job;
    world.done++;
}

void world_submit(struct job *job, void (*submit_to)(struct worker *, struct worker_job *))
{
    job->job = (struct worker_job){.run = run, .done = world_done};
    submit_to(world.worker, &job->job);
}

void world_submit_long(struct job *job, enum worker_long kind)
{
    job->job = (struct worker_job){.run = run, .done = world_done};
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

void world_turn_until(bool (*condition)(void), int line)
{
    bool late = false;
    uv_timer_t timer, look;

    uv_timer_init(&world.loop, &timer);
    uv_timer_init(&world.loop, &look);
    timer.data = &late;
    uv_timer_start(&timer, on_late, WORLD_DEADLINE_MS, 0);
    uv_timer_start(&look, on_look, 2, 2);
    while (!condition() && !late)
        uv_run(&world.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&look, NULL);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    if (late)
        fail_msg("line %d: waited too long", line);
}

static bool are_done(void)
{
    return world.done >= world.wanted;
}

void world_turn_until_done(unsigned count, int line)
{
    world.wanted = count;
    world_turn_until(are_done, line);
    world.done = 0;
}

unsigned world_read_counter(const unsigned *counter)
{
    pthread_mutex_lock(&world.lock);
    unsigned value = *counter;
    pthread_mutex_unlock(&world.lock);
    return value;
}

bool world_all_have_their_own(void)
{
    return world_read_counter(&world.own_count) == WORKER_ACTION_THREADS + 1;
}

bool world_is_opening(void)
{
    return world_read_counter(&world.opening) == 1;
}

bool world_so_many_run(void)
{
    return world_read_counter(&world.running) == world.wanted;
}

static bool has_ended(void)
{
    return world.ended;
}

void world_set_gate(bool open)
{
    pthread_mutex_lock(&world.lock);
    world.gate = open;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

bool world_is_own(virConnectPtr connection)
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

void world_start(enum answer main_answer, enum answer answer)
{
    world.main_answer = main_answer;
    world.answer = answer;
    world.worker = worker_start(&ops, &world, world.inbox);
    assert_non_null(world.worker);
}

void world_stop(int line)
{
    static struct inbox_item item;

    item.deliver = on_ended;
    worker_stop(world.worker, &item);
    world_turn_until(has_ended, line);
    worker_free(world.worker);
    world.worker = NULL;
}

void world_end_line(void)
{
    virEventRemoveHandle(world.watch);
    for (int i = 0; i < 2; i++)
        close(world.line[i]);
}

int world_setup(void **state)
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

int world_teardown(void **state)
{
    (void)state;
    world_set_gate(true);
    if (world.worker)
        STOP();
    for (unsigned i = 0; i < world.own_count; i++)
        virConnectClose(world.own[i]);
    return 0;
}

/* ---- for all tests ---- */

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

int world_setup_group(void **state)
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

int world_teardown_group(void **state)
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
