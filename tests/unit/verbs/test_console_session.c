/* A client on a console: frames in whatever pieces they come, what is typed, what is answered, and
 * how it ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/hub.h"
#include "tests/fake/console_fixture.h"
#include "tests/fake/fake_host.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/console/console.h"
#include "vbmc/instance/instance.h"

#define HISTORY ((size_t)64 * 1024)

static struct console_client client, other;

static int setup(void **state)
{
    (void)state;
    console_fixture_start(HISTORY);
    return 0;
}

static struct hub *hub(void)
{
    return console_hub(instance_console(console_fixture.instance));
}

static const char *hear(void)
{
    return console_client_hear(&client);
}

static void open_with(const char *arguments)
{
    console_client_open(&client, PRIVILEGE_ADMINISTRATOR, "root", arguments, NULL, 0);
}

static void leave(void)
{
    console_client_close(&client);
    assert_int_equal(hub_count_readers(hub()), 0);
    assert_int_equal(hub_count_writers(hub()), 0);
}

/* ---- the beginning ---- */

static void test_where_it_begins(void **state)
{
    static const struct {
        const char *arguments;
        const char *heard;
    } cases[] = {
        {"", "three\nfour\n"}, /* console-replay of the fixture */
        {"\"lines\":-1", "one\ntwo\nthree\nfour\n"},
        {"\"lines\":0", ""},
        {"\"lines\":1", "four\n"},
        {"\"lines\":4294967295", "one\ntwo\nthree\nfour\n"},
        {"\"lines\":\"all\"", "three\nfour\n"},
    };

    (void)state;
    console_fixture_say("one\ntwo\nthree\nfour\n");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        open_with(cases[i].arguments);
        assert_non_null(strstr(client.answer, "\"ok\":true"));
        assert_string_equal(hear(), cases[i].heard);
        console_fixture_say("");
        leave();
    }
    open_with("\"lines\":-1");
    hear();
    console_fixture_say("five");
    assert_string_equal(hear(), "five");
    leave();
}

static void test_wrong_arguments(void **state)
{
    static const char *const wrong[] = {"\"lines\":-2", "\"lines\":4294967296"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        open_with(wrong[i]);
        assert_string_equal(client.answer,
                            "{\"ok\":false,\"error\":\"\\\"lines\\\" must be -1 or a number of "
                            "lines\",\"code\":\"usage\"}");
        console_client_close(&client);
    }
    assert_int_equal(hub_count_readers(hub()), 0);
}

static void test_result(void **state)
{
    (void)state;
    console_client_open_now(&client);
    assert_string_equal(client.answer,
                        "{\"ok\":true,\"result\":{\"name\":\"web01\",\"writable\":true,"
                        "\"connected\":true,\"opening\":false,\"source\":\"its domain is not "
                        "there\",\"people\":\"\"}"
                        "}");
    console_client_open(&other, PRIVILEGE_USER, "guest by SSH", "\"lines\":0", NULL, 0);
    assert_non_null(strstr(other.answer, "\"writable\":false"));
    assert_non_null(strstr(other.answer, "\"people\":\"root\""));
    assert_string_equal(hear(), "[notice: guest by SSH is on the console]");
    console_client_close(&other);
    assert_string_equal(hear(), "[notice: guest by SSH left the console]");
    leave();
}

/* ---- frames in pieces ---- */

static const uint8_t script[] = {
    'I', 2, 0, 0, 'a', 'b',          /* typed */
    'Z', 3, 0, 0, 'I', 1,   0,       /* nothing that we know */
    'z', 0, 0, 0,                    /* nor this */
    'I', 0, 0, 0,                    /* typed, but nothing */
    'B', 0, 0, 0,                    /* a break */
    'B', 2, 0, 0, 'I', 9,            /* a break with a payload, which it has not */
    'H', 4, 0, 0, 1,   0,   0, 0,    /* one line of history */
    'H', 2, 0, 0, 1,   0,            /* cut short: nothing */
    'H', 5, 0, 0, 2,   0,   0, 0, 7, /* with a byte too many */
    'I', 1, 0, 0, 'c',
};

/* The script in two pieces, or (at 0) byte by byte. What the history shows depends on the turns
 * between two requests for it, so each is shown at least once. */
static void run_script(size_t split)
{
    static const char no[] = "[reply: the guest is off, or has no serial port]";

    memset(console_fixture.source.typed, 0, sizeof console_fixture.source.typed);
    console_fixture.source.typed_size = 0;
    console_client_open_now(&client);
    for (size_t i = 0; split == 0 && i < sizeof script; i++)
        console_client_send(&client, script + i, 1);
    if (split > 0 && split < sizeof script) {
        console_client_send(&client, script, split);
        console_client_send(&client, script + split, sizeof script - split);
    }
    const char *heard = hear();
    assert_string_equal(console_fixture_typed(), "abc");
    const char *reply = strstr(heard, no);
    assert_non_null(reply);
    assert_non_null(strstr(reply + 1, no));
    assert_non_null(strstr(heard, "one\ntwo\n"));
    leave();
}

static void test_split_anywhere(void **state)
{
    (void)state;
    console_fixture_say("zero\none\ntwo\n");
    for (size_t split = 0; split < sizeof script; split++)
        run_script(split);
}

/* Bytes that came together with the request, more than are read at once. */
static void test_sent_with_the_request(void **state)
{
    static uint8_t frames[CONSOLE_FRAME_HEADER + 7000];

    (void)state;
    console_frame_put_header(frames, CONSOLE_INPUT, sizeof frames - CONSOLE_FRAME_HEADER);
    memset(frames + CONSOLE_FRAME_HEADER, 'x', sizeof frames - CONSOLE_FRAME_HEADER);
    console_client_open(&client, PRIVILEGE_OPERATOR, "op", "\"lines\":0", frames, sizeof frames);
    assert_int_equal(console_fixture.source.typed_size, 7000);
    console_client_type(&client, "y");
    assert_string_equal(console_fixture_typed() + 7000, "y");
    leave();
}

/* The largest sizes that the header can name. */
/* The largest frame of each kind, and one byte more, which ends it. */
static void test_largest_frames(void **state)
{
    static const uint8_t kinds[] = {CONSOLE_INPUT, CONSOLE_HISTORY, 'Z'};
    static uint8_t payload[CONSOLE_FRAME_MAX];
    static const uint8_t too_large[] = {CONSOLE_INPUT, 1, 0, 1};

    (void)state;
    console_client_open_now(&client);
    console_fixture_say("one\ntwo\n");
    hear();
    memset(payload, 1, sizeof payload); /* as a number of lines it is more than there are */
    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        console_client_send_frame(&client, kinds[kind], payload, sizeof payload);
        assert_string_equal(hear(), kinds[kind] == CONSOLE_HISTORY ? "one\ntwo\n" : "");
        assert_int_equal(console_fixture.source.typed_size, sizeof payload);
    }
    console_client_type(&client, "x");
    assert_int_equal(console_fixture.source.typed_size, sizeof payload + 1);
    console_client_send(&client, too_large, sizeof too_large);
    assert_string_equal(hear(), "[end: a frame is too large]");
    assert_true(client.closed);
    console_client_close(&client);
}

/* ---- history again ---- */

static void ask_for_history(struct console_client *from, uint32_t lines)
{
    const uint8_t payload[] = {(uint8_t)lines, (uint8_t)(lines >> 8), (uint8_t)(lines >> 16),
                               (uint8_t)(lines >> 24)};

    console_client_send_frame(from, CONSOLE_HISTORY, payload, sizeof payload);
}

static void test_history_again(void **state)
{
    (void)state;
    console_fixture_say("one\ntwo\nthree");
    open_with("\"lines\":1");
    assert_string_equal(hear(), "three");
    ask_for_history(&client, 2);
    assert_string_equal(hear(), "two\nthree");
    ask_for_history(&client, 0);
    assert_string_equal(hear(), "one\ntwo\nthree");
    console_fixture_say("!\n");
    assert_string_equal(hear(), "!\n");
    leave();
}

/* Asking is cheap and finding the lines is not: a client that does not read is not served twice. */
/* What asks the terminal is not asked again, unless it is asked now, or for a log. */
static void test_questions_in_history(void **state)
{
    (void)state;
    console_fixture_say("~ # \033[6n");
    open_with("\"lines\":1");
    assert_string_equal(hear(), "~ # ");
    console_fixture_say("\033[6n");
    assert_string_equal(hear(), "\033[6n");
    ask_for_history(&client, 0);
    assert_string_equal(hear(), "~ # ");
    leave();
    open_with("\"log\":true,\"follow\":false");
    assert_string_equal(hear(), "~ # \033[6n\033[6n[end: ]");
    leave();
}

static void test_history_asked_for_too_often(void **state)
{
    static uint8_t requests[8 * 400];
    static char lines[8000];

    (void)state;
    memset(lines, '\n', sizeof lines - 1);
    console_fixture_say(lines);
    for (size_t i = 0; i < sizeof requests; i += 8)
        memcpy(requests + i, "H\4\0\0\xff\xff\xff\xff", 8);
    console_client_open_now(&client);
    console_client_send(&client, requests, sizeof requests);
    assert_in_range(strlen(hear()), sizeof lines - 1, 4 * sizeof lines);
    leave();
}

/* ---- typing ---- */

static uint8_t pattern(uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251);
}

/* What the guest does not take waits, in the daemon as much as it holds for one, then in the
 * socket; nothing is lost. */
static void test_typing_is_held_back(void **state)
{
    enum { FRAMES = 4, PAYLOAD = 50000, SIZE = FRAMES * PAYLOAD, ROOM = 777 };
    static uint8_t bytes[FRAMES * CONSOLE_FRAME_HEADER + SIZE];
    uint8_t *end = bytes;
    size_t sent = 0, now;

    (void)state;
    console_client_open_now(&client);
    console_client_open_now(&other);
    console_fixture_make_room(0);
    for (size_t i = 0; i < SIZE; i++) {
        if (i % PAYLOAD == 0) {
            console_frame_put_header(end, CONSOLE_INPUT, PAYLOAD);
            end += CONSOLE_FRAME_HEADER;
        }
        *end++ = pattern(i);
    }
    do {
        now = console_client_try_send(&client, bytes + sent, sizeof bytes - sent);
        sent += now;
        console_fixture_turn();
    } while (now > 0);
    assert_in_range(sent, HUB_QUEUE_SIZE, 64 * 1024);
    console_client_type(&other, "another");
    while (console_fixture.source.typed_size < SIZE) {
        size_t before = console_fixture.source.typed_size;
        console_fixture_make_room(ROOM);
        console_fixture_turn();
        sent += console_client_try_send(&client, bytes + sent, sizeof bytes - sent);
        console_fixture_turn();
        assert_true(console_fixture.source.typed_size > before);
    }
    console_fixture_make_room(SIZE_MAX);
    console_fixture_turn();
    assert_int_equal(console_fixture.source.typed_size, SIZE + 7);
    /* What the other typed stands in one piece where its turn came. */
    const char *typed = console_fixture.source.typed;
    size_t i = 0;
    while (i < SIZE && (uint8_t)typed[i] == pattern(i))
        i++;
    assert_memory_equal(typed + i, "another", 7);
    for (; i < SIZE; i++)
        assert_int_equal((uint8_t)typed[i + 7], pattern(i));
    console_client_close(&other);
    leave();
}

/* A client that leaves while its bytes wait. */
static void test_left_while_held_back(void **state)
{
    static char text[64 * 1024];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    console_client_open_now(&client);
    console_fixture_make_room(0);
    console_client_try_send(&client, "I\xff\xff\xff", 4);
    while (console_client_try_send(&client, text, sizeof text - 1) > 0)
        console_fixture_turn();
    console_client_close(&client);
    console_client_open_now(&other);
    console_fixture_make_room(SIZE_MAX);
    console_fixture_turn();
    assert_int_equal(hub_count_writers(hub()), 1);
    console_client_type(&other, "after");
    assert_memory_equal(console_fixture_typed() + console_fixture.source.typed_size - 5, "after",
                        5);
    console_client_close(&other);
}

static void test_script_is_told_when_to_type(void **state)
{
    (void)state;
    stream_report_state(&console_fixture.source.stream, STREAM_DISCONNECTED, "unplugged");
    console_client_open(&client, PRIVILEGE_ADMINISTRATOR, "somebody", "\"script\":true", NULL, 0);
    hear();
    stream_report_state(&console_fixture.source.stream, STREAM_DISCONNECTED, "refused");
    assert_string_equal(hear(), "[notice: the serial port is disconnected: refused]");
    stream_report_state(&console_fixture.source.stream, STREAM_CONNECTED, "plug");
    assert_string_equal(hear(), "[ready: ][notice: the serial port is connected: plug]");
    leave();
}

static void test_nobody_listens(void **state)
{
    (void)state;
    console_client_open_now(&client);
    stream_report_state(&console_fixture.source.stream, STREAM_DISCONNECTED, "unplugged");
    assert_string_equal(hear(), "[notice: the serial port is disconnected: unplugged]");
    console_client_type(&client, "lost");
    assert_string_equal(hear(), "[dropped: nothing was typed: its domain is not there]");
    console_client_type(&client, "lost");
    assert_string_equal(hear(), ""); /* told once */
    stream_report_state(&console_fixture.source.stream, STREAM_CONNECTED, "plug");
    assert_string_equal(hear(), "[notice: the serial port is connected: plug]");
    console_client_type(&client, "heard");
    assert_string_equal(console_fixture_typed(), "heard");
    stream_report_state(&console_fixture.source.stream, STREAM_TAKEN_OVER, "by you");
    assert_string_equal(hear(), "[notice: the console was taken over: by you]");
    console_client_type(&client, "lost");
    assert_string_equal(hear(), "[dropped: nothing was typed: its domain is not there]");
    leave();
}

/* ---- who may what ---- */

static void test_looking_only(void **state)
{
    static const char no[] = "this needs the privilege level operator";
    char expected[256];

    (void)state;
    console_fixture_say("one\n");
    console_client_open(&client, PRIVILEGE_USER, "looker", "", NULL, 0);
    assert_string_equal(hear(), "one\n");
    snprintf(expected, sizeof expected, "[dropped: %s]", no);
    console_client_type(&client, "x");
    assert_string_equal(hear(), expected);
    console_client_type(&client, "y");
    assert_string_equal(hear(), "");
    snprintf(expected, sizeof expected, "[reply: %s]", no);
    console_client_send_frame(&client, CONSOLE_BREAK, NULL, 0);
    assert_string_equal(hear(), expected);
    console_client_send_frame(&client, CONSOLE_NMI, NULL, 0);
    assert_string_equal(hear(), expected);
    ask_for_history(&client, 0);
    assert_string_equal(hear(), "one\n");
    assert_int_equal(console_fixture.source.typed_size, 0);
    leave();
}

static void test_operator_types(void **state)
{
    (void)state;
    console_client_open(&client, PRIVILEGE_OPERATOR, "op", "", NULL, 0);
    console_client_type(&client, "x");
    assert_string_equal(console_fixture_typed(), "x");
    leave();
}

/* ---- the log ---- */

static void test_log(void **state)
{
    (void)state;
    console_client_open_now(&other);
    console_fixture_say("one\ntwo\n");
    console_client_hear(&other);
    open_with("\"log\":true,\"lines\":-1");
    assert_non_null(strstr(client.answer, "\"writable\":false"));
    assert_string_equal(hear(), "one\ntwo\n");
    console_client_type(&client, "x");
    hub_notify(hub(), HUB_NOTICE_MESSAGE, "not for a log");
    console_fixture_say("three\n");
    assert_string_equal(hear(), "three\n");
    assert_int_equal(console_fixture.source.typed_size, 0);
    console_client_close(&client);
    /* Nobody came or went. */
    assert_string_equal(console_client_hear(&other), "[notice: not for a log]three\n");
    console_client_close(&other);
}

static void test_log_that_ends(void **state)
{
    (void)state;
    open_with("\"log\":true,\"follow\":false,\"lines\":-1");
    assert_string_equal(hear(), "[end: ]");
    assert_true(client.closed);
    console_client_close(&client);
    console_fixture_say("one\ntwo\n");
    open_with("\"log\":true,\"follow\":false,\"lines\":1");
    console_fixture_say("three\n"); /* after it was asked for */
    assert_string_equal(hear(), "two\n[end: ]");
    leave();
}

/* A guest that never stops talking does not keep it from ending. */
static void test_log_of_a_busy_guest(void **state)
{
    static char text[HISTORY / 2];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    console_fixture_say(text);
    open_with("\"log\":true,\"follow\":false,\"lines\":-1");
    for (unsigned round = 0; round < 20 && !client.ended; round++) {
        console_fixture_say("more");
        console_fixture_turn();
        console_client_read(&client);
    }
    assert_true(client.ended);
    assert_int_equal(client.transcript_size, sizeof text - 1 + strlen("[end: ]"));
    leave();
}

/* ---- break and NMI ---- */

static void send_nmi(void)
{
    console_client_send_frame(&client, CONSOLE_NMI, NULL, 0);
}

static void test_nmi(void **state)
{
    struct fake_host host;

    (void)state;
    console_client_open_now(&client);
    send_nmi();
    assert_string_equal(hear(),
                        "[reply: its hypervisor cannot be reached, or the domain is not there]");
    fake_host_init(&host, HOST_POWER_RUNNING);
    bmc_set_host(instance_bmc(console_fixture.instance), &host.domain);
    send_nmi();
    assert_int_equal(fake_host_last(&host)->action, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT);
    assert_string_equal(hear(), "[reply: ]");
    host.waits = true;
    send_nmi();
    assert_string_equal(hear(), "");
    fake_host_finish(&host, -EIO);
    assert_string_equal(hear(), "[reply: the hypervisor refused; the daemon's log says why]");
    host.domain.state = HOST_POWER_OFF;
    send_nmi();
    assert_string_equal(hear(), "[reply: not possible in the guest's present state "
                                "(see 'vbmc power NAME status')]");
    bmc_set_host(instance_bmc(console_fixture.instance), NULL);
    leave();
}

/* The answer comes when nobody is there any more, or not at all. */
static void test_nmi_outlives_its_session(void **state)
{
    struct fake_host host;

    (void)state;
    fake_host_init(&host, HOST_POWER_RUNNING);
    host.waits = true;
    bmc_set_host(instance_bmc(console_fixture.instance), &host.domain);
    console_client_open_now(&client);
    send_nmi();
    leave();
    console_fixture_turn();
    fake_host_finish(&host, 0);
    console_client_open_now(&client);
    send_nmi();
    leave();
    bmc_set_host(instance_bmc(console_fixture.instance), NULL);
    console_client_open_now(&client);
    leave();
}

/* ---- the end ---- */

static void test_bmc_goes(void **state)
{
    static const char end[] = "[end: the BMC was removed, or vbmcd is stopping]";

    (void)state;
    console_client_open_now(&client);
    console_client_open(&other, PRIVILEGE_USER, "looker", "\"lines\":0,\"log\":true", NULL, 0);
    hear();
    console_fixture_say("last words");
    console_fixture_free_instance();
    assert_non_null(strstr(hear(), end));
    assert_true(client.closed);
    assert_non_null(strstr(console_client_hear(&other), end));
    close(client.fd);
    close(other.fd);
}

/* A client that does not read does not hold up the end, with a write of its under way. */
static void test_bmc_goes_while_nobody_reads(void **state)
{
    static char text[HISTORY];
    struct fake_host host;

    (void)state;
    fake_host_init(&host, HOST_POWER_RUNNING);
    host.waits = true;
    bmc_set_host(instance_bmc(console_fixture.instance), &host.domain);
    console_client_open_now(&client);
    memset(text, 'x', sizeof text - 1);
    console_fixture_say(text);
    console_fixture_say(text);
    send_nmi();
    console_fixture_turn();
    console_client_send(&client, "I\xff\0\0half a fra", 14);
    bmc_set_host(instance_bmc(console_fixture.instance), NULL);
    console_fixture_free_instance();
    console_fixture_turn();
    do
        console_client_read(&client);
    while (!client.closed);
    assert_false(client.ended);
    close(client.fd);
}

static void end_in_callback(void *context)
{
    (void)context;
    console_fixture_free_instance();
}

/* Somebody else's callback frees the BMC, in the midst of a round that tells all of us. */
static void test_bmc_goes_in_a_callback(void **state)
{
    static const struct hub_reader_events events = {.available = end_in_callback};
    struct hub_reader *reader;

    (void)state;
    console_client_open_now(&client);
    assert_int_equal(hub_reader_new(hub(), HUB_FROM_END, 0, &events, NULL, &reader), 0);
    console_client_open_now(&other);
    hear();
    console_fixture_say("x");
    assert_null(console_fixture.instance);
    hub_reader_free(reader);
    assert_string_equal(hear(), "x[end: the BMC was removed, or vbmcd is stopping]");
    assert_string_equal(console_client_hear(&other),
                        "[end: the BMC was removed, or vbmcd is stopping]");
    close(client.fd);
    close(other.fd);
}

static void test_hung_up_in_a_frame(void **state)
{
    (void)state;
    console_client_open_now(&client);
    console_client_send(&client, "I\x05\0\0ab", 6);
    assert_string_equal(console_fixture_typed(), "ab");
    leave();
}

/* ---- limits ---- */

#define SESSIONS 512

static void test_too_many(void **state)
{
    static int fds[SESSIONS];
    const struct rlimit more = {.rlim_cur = 4096, .rlim_max = 4096};

    (void)state;
    setrlimit(RLIMIT_NOFILE, &more);
    for (size_t i = 0; i < SESSIONS; i++) {
        open_with("\"log\":true");
        assert_non_null(strstr(client.answer, "\"ok\":true"));
        fds[i] = client.fd;
    }
    open_with("\"log\":true");
    assert_non_null(strstr(client.answer, "too many consoles are open"));
    console_client_close(&client);
    for (size_t i = 0; i < SESSIONS; i++)
        close(fds[i]);
    console_fixture_turn();
    console_client_open_now(&client);
    leave();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, console_fixture_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_where_it_begins),
        TEST(test_wrong_arguments),
        TEST(test_result),
        TEST(test_split_anywhere),
        TEST(test_sent_with_the_request),
        TEST(test_largest_frames),
        TEST(test_history_again),
        TEST(test_questions_in_history),
        TEST(test_history_asked_for_too_often),
        TEST(test_typing_is_held_back),
        TEST(test_left_while_held_back),
        TEST(test_nobody_listens),
        TEST(test_script_is_told_when_to_type),
        TEST(test_looking_only),
        TEST(test_operator_types),
        TEST(test_log),
        TEST(test_log_that_ends),
        TEST(test_log_of_a_busy_guest),
        TEST(test_nmi),
        TEST(test_nmi_outlives_its_session),
        TEST(test_bmc_goes),
        TEST(test_bmc_goes_while_nobody_reads),
        TEST(test_bmc_goes_in_a_callback),
        TEST(test_hung_up_in_a_frame),
        TEST(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
