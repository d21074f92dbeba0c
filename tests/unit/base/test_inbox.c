/* The inbox: what threads post comes to the loop thread, all of it, in order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vbmc/base/inbox.h"

#define THREADS 4
#define ITEMS   1000

struct note {
    struct inbox_item item;
    unsigned thread;
    unsigned number;
};

static uv_loop_t loop;
static struct inbox *inbox;
static pthread_t loop_thread;
static unsigned delivered[THREADS];
static unsigned total;
static bool post_again;

static void post(unsigned thread, unsigned number);

static void deliver(struct inbox_item *item)
{
    struct note *note = (struct note *)item;

    assert_true(pthread_equal(pthread_self(), loop_thread));
    assert_int_equal(note->number, delivered[note->thread]++);
    total++;
    if (post_again) {
        post_again = false;
        post(note->thread, note->number + 1);
    }
    free(note);
}

static void post(unsigned thread, unsigned number)
{
    struct note *note = calloc(1, sizeof *note);

    if (!note)
        abort();
    note->item.deliver = deliver;
    note->thread = thread;
    note->number = number;
    inbox_post(inbox, &note->item);
}

static void *post_many(void *argument)
{
    for (unsigned i = 0; i < ITEMS; i++)
        post((unsigned)(size_t)argument, i);
    return NULL;
}

static int setup(void **state)
{
    (void)state;
    loop_thread = pthread_self();
    total = 0;
    for (unsigned i = 0; i < THREADS; i++)
        delivered[i] = 0;
    uv_loop_init(&loop);
    inbox = inbox_new(&loop);
    return inbox ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    inbox_free(inbox);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void test_order_from_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, (void *)i), 0);
    while (total < THREADS * ITEMS)
        uv_run(&loop, UV_RUN_ONCE);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(delivered[i], ITEMS);
    }
}

static bool seen;

static void on_seen(uv_timer_t *timer)
{
    (void)timer;
    seen = true;
}

static void deliver_slowly(struct inbox_item *item)
{
    uint64_t until = uv_hrtime() + UINT64_C(5) * 1000 * 1000;

    while (uv_hrtime() < until)
        ;
    total++;
    free(item);
}

/* Others get their turn before a long queue is done. */
static void test_long_queue(void **state)
{
    static uv_timer_t timer;

    (void)state;
    seen = false;
    uv_timer_init(&loop, &timer);
    for (int i = 0; i < 40; i++) {
        struct inbox_item *item = calloc(1, sizeof *item);
        item->deliver = deliver_slowly;
        inbox_post(inbox, item);
    }
    uv_timer_start(&timer, on_seen, 1, 0);
    while (!seen)
        uv_run(&loop, UV_RUN_ONCE);
    assert_in_range(total, 1, 20);
    inbox_drain(inbox); /* ... and what was left over comes first */
    assert_int_equal(total, 40);
    uv_close((uv_handle_t *)&timer, NULL);
}

static void test_drain_without_the_loop(void **state)
{
    (void)state;
    post(0, 0);
    post(0, 1);
    assert_int_equal(total, 0); /* never from within the call */
    inbox_drain(inbox);
    assert_int_equal(total, 2);
    inbox_drain(inbox);
    assert_int_equal(total, 2);
}

static void test_post_while_delivering(void **state)
{
    (void)state;
    post_again = true;
    post(0, 0);
    while (total < 2)
        uv_run(&loop, UV_RUN_ONCE);
}

static void test_free_delivers_the_rest(void **state)
{
    (void)state;
    post(0, 0);
    post(0, 1);
    inbox_free(inbox);
    inbox = NULL;
    assert_int_equal(total, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_from_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_without_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_post_while_delivering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_delivers_the_rest, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
