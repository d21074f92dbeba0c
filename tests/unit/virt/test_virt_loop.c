/* libvirt's descriptors on our loop: a number that libvirt has closed and that names another file
 * by the time the loop looks is watched all the same. The socket of a connection can be shut. */
#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "vbmc/virt/loop.h"

static uv_loop_t loop;

struct heard {
    int fd, events, calls, freed;
};

static void on_event(int watch, int fd, int events, void *opaque)
{
    struct heard *heard = opaque;
    char byte;

    (void)watch;
    heard->fd = fd;
    heard->events |= events;
    heard->calls++;
    assert_true(read(fd, &byte, 1) >= 0);
}

static void on_free(void *opaque)
{
    ((struct heard *)opaque)->freed++;
}

static void turn(void)
{
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static int watch(int fd, struct heard *heard)
{
    int id = virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_event, heard, on_free);

    assert_true(id >= 0);
    return id;
}

static void test_reads(void **state)
{
    struct heard heard = {0};
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int id = watch(pair[0], &heard);
    turn();
    assert_int_equal(heard.calls, 0);
    assert_int_equal(write(pair[1], "a", 1), 1);
    turn();
    assert_int_equal(heard.fd, pair[0]); /* libvirt's own number */
    assert_true(heard.events & VIR_EVENT_HANDLE_READABLE);
    assert_int_equal(virEventRemoveHandle(id), 0);
    int calls = heard.calls;
    assert_int_equal(write(pair[1], "b", 1), 1);
    turn();
    assert_int_equal(heard.calls, calls);
    assert_int_equal(heard.freed, 1);
    close(pair[0]);
    assert_int_equal(write(pair[1], "c", 1), -1); /* nothing of ours holds the file open */
    close(pair[1]);
}

/* Closed before it is removed; the next file that is opened has its number. */
static void test_number_is_used_again(void **state)
{
    struct heard old = {0}, new = {0};
    int first[2], second[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    int old_id = watch(first[0], &old);
    turn();
    close(first[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
    assert_int_equal(second[0], first[0]);
    int new_id = watch(second[0], &new);
    turn();
    assert_int_equal(virEventRemoveHandle(old_id), 0);
    turn();
    assert_int_equal(write(second[1], "a", 1), 1);
    turn();
    assert_int_equal(new.calls, 1);
    assert_int_equal(new.fd, second[0]);
    assert_int_equal(old.calls, 0);
    assert_int_equal(old.freed, 1);
    assert_int_equal(virEventRemoveHandle(new_id), 0);
    turn();
    for (int i = 0; i < 2; i++)
        close(second[i]);
    close(first[1]);
}

/* Shut once it is known, also if that was asked for before; not once libvirt has removed it, and
 * nothing of another thread's or after the opening. */
static void test_shut(void **state)
{
    static const struct {
        bool before, removed, unnoted, ends;
    } cases[] = {
        {.ends = true},
        {.before = true, .ends = true},
        {.removed = true, .ends = false},
        {.unnoted = true, .ends = false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct virt_loop_socket noted = {0};
        struct heard heard = {0};
        int pair[2];
        char byte;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        if (cases[i].before)
            virt_loop_shut(&noted);
        virt_loop_note_socket(cases[i].unnoted ? NULL : &noted);
        int id = watch(pair[0], &heard);
        virt_loop_note_socket(NULL);
        if (cases[i].removed)
            assert_int_equal(virEventRemoveHandle(id), 0);
        if (!cases[i].before)
            virt_loop_shut(&noted);
        ssize_t got = recv(pair[1], &byte, 1, MSG_DONTWAIT);
        assert_int_equal(got, cases[i].ends ? 0 : -1);
        if (!cases[i].removed)
            assert_int_equal(virEventRemoveHandle(id), 0);
        turn();
        assert_int_equal(heard.freed, 1);
        close(pair[0]);
        close(pair[1]);
    }
}

static void test_bad_descriptor(void **state)
{
    struct heard heard = {0};

    (void)state;
    assert_int_equal(virEventAddHandle(-1, 0, on_event, &heard, on_free), -1);
    turn();
    assert_int_equal(heard.freed, 0);
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    return virt_loop_start(&loop);
}

static int stop(void **state)
{
    (void)state;
    virt_loop_stop();
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_number_is_used_again),
        cmocka_unit_test(test_shut),
        cmocka_unit_test(test_bad_descriptor),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
