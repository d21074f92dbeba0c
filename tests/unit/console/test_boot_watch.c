/* The login prompt on a console, in whatever pieces it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sol/hub.h"
#include "vbmc/base/stream.h"
#include "vbmc/console/boot_watch.h"

static void open_port(struct stream *stream)
{
    stream_report_state(stream, STREAM_CONNECTED, "");
}

static void close_port(struct stream *stream)
{
    (void)stream;
}

static ssize_t take_all(struct stream *stream, const uint8_t *bytes, size_t size)
{
    (void)stream;
    (void)bytes;
    return (ssize_t)size;
}

static const struct stream_ops port_ops = {
    .open = open_port, .write = take_all, .close = close_port};

static struct stream port;
static struct hub *hub;
static struct boot_watch *watch;
static unsigned booted;

static void on_booted(void *context)
{
    (void)context;
    booted++;
}

static int setup(void **state)
{
    (void)state;
    booted = 0;
    port = (struct stream){.ops = &port_ops};
    if (hub_new(&(struct hub_options){.history_size = 4096}, &hub) < 0)
        return -1;
    hub_attach(hub, &port);
    watch = boot_watch_new(on_booted, NULL);
    return watch ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    boot_watch_free(watch);
    hub_free(hub);
    return 0;
}

static void say(const char *text, size_t size)
{
    stream_report_received(&port, (const uint8_t *)text, size);
}

static void test_every_cut(void **state)
{
    static const char text[] = "\r\nDebian GNU/Linux 12 g1 ttyS0\r\n\r\ng1 login: ";
    size_t size = sizeof text - 1;

    (void)state;
    for (size_t cut = 0; cut <= size; cut++) {
        for (size_t step = 1; step < 9; step++) {
            booted = 0;
            boot_watch_arm(watch, hub);
            say(text, cut);
            for (size_t at = cut; at < size; at += step)
                say(text + at, at + step < size ? step : size - at);
            assert_int_equal(booted, 1);
        }
    }
}

/* Who logs in later, or types the word, has not booted the guest. */
static void test_once_for_each_boot(void **state)
{
    (void)state;
    say("login: ", 7);
    assert_int_equal(booted, 0);
    boot_watch_arm(watch, hub);
    assert_int_equal(booted, 0); /* what was said before does not count */
    say("last login:", 11);
    assert_int_equal(booted, 0);
    say(" ", 1);
    assert_int_equal(booted, 1);
    say("login: ", 7);
    assert_int_equal(booted, 1);
}

static void test_hub_goes_first(void **state)
{
    (void)state;
    boot_watch_arm(watch, hub);
    hub_free(hub);
    hub = NULL;
    boot_watch_free(watch);
    watch = NULL;
    assert_int_equal(booted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once_for_each_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hub_goes_first, setup, teardown),
    };

    return cmocka_run_group_tests_name("boot_watch", tests, NULL, NULL);
}
