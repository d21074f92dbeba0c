/* A client that does not read: what it misses is told to the byte and in its place, notices stand
 * between the bytes where they belong, and nobody else notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/hub.h"
#include "tests/fake/console_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/instance.h"

#define HISTORY    ((size_t)32 * 1024)
#define ROUNDS     300
#define PIECE_MAX  9973
#define NOTICE_MAX 512

static struct console_client reading, sleeping;
static uint64_t said;
static unsigned notices;

static int setup(void **state)
{
    (void)state;
    console_fixture_start(HISTORY);
    said = 0;
    notices = 0;
    return 0;
}

static uint8_t pattern(uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251);
}

/* The guest says the next piece of the pattern; every third time a notice with the position of its
 * end follows. */
static void say_piece(size_t size)
{
    static uint8_t bytes[PIECE_MAX];
    char text[32];

    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(said + i);
    console_fixture_say_bytes(bytes, size);
    said += size;
    if (size % 3 != 0)
        return;
    snprintf(text, sizeof text, "%llu", (unsigned long long)said);
    hub_notify(console_hub(instance_console(console_fixture.instance)), HUB_NOTICE_MESSAGE, text);
    notices++;
}

/* ---- checking ---- */

struct check {
    struct console_client *client;
    unsigned notices;
    uint64_t early; /* position of a notice that came before the gap which it lies in; 0: none */
};

static struct check checks[2];

static void check_notice(struct check *check, const uint8_t *payload, size_t size)
{
    char text[32];

    assert_true(size < sizeof text);
    memcpy(text, payload, size);
    text[size] = '\0';
    uint64_t position = strtoull(text, NULL, 10);
    check->notices++;
    if (position == check->client->position)
        return;
    assert_true(position > check->client->position);
    check->early = position;
}

static void check_frame(struct console_client *client, uint8_t kind, const uint8_t *payload,
                        size_t size)
{
    struct check *check = &checks[client == &sleeping];
    uint64_t lost = 0;

    check->client = client;
    if (kind == CONSOLE_NOTICE) {
        check_notice(check, payload, size);
        return;
    }
    if (kind == CONSOLE_LOST) {
        for (size_t i = 0; i < sizeof lost; i++)
            lost |= (uint64_t)payload[i] << 8 * i;
        assert_true(lost > 0);
        client->lost += lost;
        client->position += lost;
        assert_true(check->early <= client->position); /* it did lie in the gap */
        check->early = 0;
        return;
    }
    assert_int_equal(kind, CONSOLE_OUTPUT);
    assert_int_equal(check->early, 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(payload[i], pattern(client->position + i));
    client->position += size;
}

static void open_quiet(struct console_client *client)
{
    console_client_open(client, PRIVILEGE_ADMINISTRATOR, "somebody", "\"lines\":0", NULL, 0);
}

/* From here on every frame is checked; what came before tells that the other came. */
static void start_both(void)
{
    memset(checks, 0, sizeof checks);
    open_quiet(&sleeping);
    open_quiet(&reading);
    console_client_hear(&sleeping);
    reading.frame = sleeping.frame = check_frame;
    reading.position = sleeping.position = said;
}

static void close_both(void)
{
    console_client_close(&reading);
    console_client_close(&sleeping);
}

/* ---- the tests ---- */

static void run_rounds(unsigned sleeps)
{
    size_t size = 1;

    for (unsigned round = 0; round < ROUNDS; round++) {
        size = (size * 7919 + round) % PIECE_MAX + 1;
        say_piece(size);
        console_client_read_all(&reading);
        assert_int_equal(reading.position, said);
        if (sleeps > 0 && round % sleeps == sleeps - 1)
            console_client_read_all(&sleeping);
    }
    console_client_read_all(&sleeping);
}

static void test_never_reads(void **state)
{
    (void)state;
    start_both();
    run_rounds(0);
    assert_int_equal(reading.lost, 0);
    assert_int_equal(checks[0].notices, notices);
    assert_int_equal(sleeping.position, said);
    assert_true(sleeping.lost > 0);
    /* What the daemon holds for it is bounded: the history, a frame and the socket's. */
    assert_true(said - sleeping.lost < HISTORY + CONSOLE_FRAME_MAX + 32 * 1024);
    close_both();
}

/* It falls behind and catches up, again and again. */
static void test_reads_now_and_then(void **state)
{
    (void)state;
    for (unsigned sleeps = 1; sleeps < 40; sleeps += 3) {
        start_both();
        run_rounds(sleeps);
        assert_int_equal(reading.lost, 0);
        assert_int_equal(sleeping.position, said);
        assert_int_equal(checks[1].early, 0);
        close_both();
    }
}

/* A client that keeps up misses no notice and sees each at its byte. */
static void test_notice_between_bytes(void **state)
{
    (void)state;
    console_client_open_now(&reading);
    struct hub *hub = console_hub(instance_console(console_fixture.instance));
    console_fixture_say("one");
    hub_notify(hub, HUB_NOTICE_GUEST_RESET, "reset");
    console_fixture_say("two");
    hub_notify(hub, HUB_NOTICE_GUEST_OFF, "off");
    hub_notify(hub, HUB_NOTICE_GUEST_ON, "on");
    hub_notify(hub, HUB_NOTICE_GUEST_ON, ""); /* nothing to say */
    console_fixture_say("three");
    assert_string_equal(console_client_hear(&reading),
                        "one[notice: reset]two[notice: off][notice: on]three");
    console_client_close(&reading);
}

/* So many notices that they do not all fit: the output is whole all the same. */
static void test_too_many_notices(void **state)
{
    (void)state;
    start_both();
    for (unsigned i = 0; i < NOTICE_MAX; i++)
        say_piece(3);
    console_client_read_all(&reading);
    console_client_read_all(&sleeping);
    assert_int_equal(reading.position, said);
    assert_int_equal(sleeping.position, said);
    assert_int_equal(sleeping.lost, 0);
    close_both();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, console_fixture_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_never_reads),
        TEST(test_reads_now_and_then),
        TEST(test_notice_between_bytes),
        TEST(test_too_many_notices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
