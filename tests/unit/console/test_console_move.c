/* The console of a BMC whose guest goes to another hypervisor: what it says is neither lost nor
 * doubled, and people stay where they are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/hub.h"
#include "tests/fake/console_rig.h"
#include "tests/fake/virt_fixture.h"

static struct hypervisor *there;
static struct virt_domain *copy; /* of the guest, there */
static int there_listener = -1, there_guest = -1;
static char there_path[96];
static bool there_stopped;

static void on_there_appeared(void *context, struct virt_domain *appeared)
{
    (void)context;
    copy = appeared;
}

static void on_there_vanished(void *context, struct virt_domain *vanished)
{
    (void)context;
    (void)vanished;
}

static void on_there_event(void *context, struct virt_domain *of, enum host_event event)
{
    (void)context;
    (void)of;
    (void)event;
}

static void on_there_connection(void *context, struct hypervisor *hypervisor)
{
    (void)context;
    (void)hypervisor;
}

static bool has_copy(void)
{
    return copy != NULL;
}

/* The guest's copy comes up there, in that state of libvirt's, and waits. */
static void start_there(int state)
{
    static const struct hypervisor_callbacks callbacks = {
        .appeared = on_there_appeared,
        .vanished = on_there_vanished,
        .event = on_there_event,
        .connection = on_there_connection,
    };
    char node[96], uri[128];
    struct hypervisor_settings settings = {.name = "there", .uri = uri, .runtime_dir = rig.folder};

    snprintf(node, sizeof node, "%.60s/node.xml", rig.folder);
    snprintf(uri, sizeof uri, "test://%s", node);
    snprintf(there_path, sizeof there_path, "%.60s/there", rig.folder);
    FILE *file = fopen(node, "w");
    assert_non_null(file);
    fprintf(file,
            "<node><domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
            "<name>guest</name><uuid>12345678-9abc-4def-8123-456789abcdef</uuid>"
            "<memory>1024</memory><os><type>hvm</type></os>"
            "<devices><serial type='unix'><source mode='bind' path='%s'/></serial></devices>"
            "<test:runstate>%d</test:runstate></domain></node>",
            there_path, state);
    fclose(file);
    copy = NULL;
    there_listener = rig_listen_at(there_path);
    there = hypervisor_start(&virt_fixture.loop, virt_fixture.inbox, &settings, &callbacks, NULL);
    assert_non_null(there);
    TURN_UNTIL(has_copy);
}

static void on_there_stopped(void *context)
{
    (void)context;
    there_stopped = true;
}

static bool is_there_stopped(void)
{
    return there_stopped;
}

static void stop_there(void)
{
    there_stopped = false;
    hypervisor_stop(there, on_there_stopped, NULL);
    TURN_UNTIL(is_there_stopped);
    close(there_listener);
    close(there_guest);
    there_listener = there_guest = -1;
}

static bool is_joined_there(void)
{
    if (there_guest < 0)
        there_guest = accept(there_listener, NULL, NULL);
    return there_guest >= 0;
}

static bool seen_there;

static void on_seen_there(void *context, int result, const char *text)
{
    (void)context;
    (void)text;
    assert_int_equal(result, 0);
    seen_there = true;
}

static bool is_seen_there(void)
{
    return seen_there;
}

/* Joined, and the guest was looked at once more since. */
static void join_there(void)
{
    TURN_UNTIL(is_joined_there);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    seen_there = false;
    hypervisor_look_at(there, virt_domain_uuid(copy), on_seen_there, NULL);
    TURN_UNTIL(is_seen_there);
}

static bool is_hung_up_there(void)
{
    char byte;

    return recv(there_guest, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool has_notice(void)
{
    return rig.notices[0] != '\0';
}

static size_t wanted_bytes;

static bool has_bytes(void)
{
    return hub_reader_pending(rig.reader) >= wanted_bytes;
}

static void expect_text(const char *text)
{
    const uint8_t *bytes;
    size_t size;

    wanted_bytes = strlen(text);
    TURN_UNTIL(has_bytes);
    hub_reader_peek(rig.reader, &bytes, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static void begin_move(int state)
{
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    start_there(state);
    assert_int_equal(send(rig.guest, "here ", 5, MSG_NOSIGNAL), 5);
    expect_text("here ");
    rig.notices[0] = '\0';
}

/* Not a byte is lost, though we hear of the move late. */
static void test_move(void **state)
{
    char expected[256];

    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    console_expect(rig.console, copy);
    join_there();
    console_expect(rig.console, copy); /* nothing new */
    assert_int_equal(send(there_guest, "there ", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(send(rig.guest, "and ", 4, MSG_NOSIGNAL), 4);
    expect_text("here and ");
    rig_expect_notices("");
    console_set_domain(rig.console, copy);
    assert_true(hub_has_source(console_hub(rig.console)));
    expect_text("here and there ");
    snprintf(expected, sizeof expected, "[the guest moved to hypervisor there][%s]", there_path);
    rig_expect_notices(expected);
    assert_int_equal(send(there_guest, "more", 4, MSG_NOSIGNAL), 4);
    expect_text("here and there more");
    TURN_UNTIL(rig_is_hung_up);
    rig_drop();
    TURN_UNTIL(is_hung_up_there);
    stop_there();
}

static const char *wanted_input;

static bool has_input_there(void)
{
    char bytes[32];
    ssize_t got = recv(there_guest, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

    return got == (ssize_t)strlen(wanted_input) && memcmp(bytes, wanted_input, (size_t)got) == 0;
}

/* What the guest said before it left and what was typed meanwhile arrive, in their order;
 * `hangs_up`: the hypervisor that it left ends its serial port. */
static void check_move_with_rests(bool hangs_up)
{
    static const struct hub_writer_events writer_events = {0};
    struct hub_writer *writer;

    begin_move(VIR_DOMAIN_PAUSED);
    assert_int_equal(hub_writer_new(console_hub(rig.console), &writer_events, NULL, &writer), 0);
    console_expect(rig.console, copy);
    join_there();
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(send(there_guest, "there ", 6, MSG_NOSIGNAL), 6);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    hub_hold_input(console_hub(rig.console));
    assert_int_equal(hub_write(writer, "one ", 4), 4);
    console_set_domain(rig.console, copy);
    assert_int_equal(hub_write(writer, "two ", 4), 4);
    hub_release_input(console_hub(rig.console));
    assert_int_equal(hub_write(writer, "three", 5), 5);
    assert_int_equal(send(rig.guest, "rest ", 5, MSG_NOSIGNAL), 5);
    if (hangs_up)
        rig_close_guest();
    expect_text("here rest there ");
    wanted_input = "one two three";
    TURN_UNTIL(has_input_there);
    if (!hangs_up)
        TURN_UNTIL(rig_is_hung_up);
    assert_null(strstr(rig.notices, "missing"));
    hub_writer_free(writer);
    rig_drop();
    stop_there();
}

static void test_move_with_rests(void **state)
{
    (void)state;
    check_move_with_rests(true);
}

static void test_move_with_rests_and_no_end(void **state)
{
    (void)state;
    check_move_with_rests(false);
}

/* For a while nobody knows where it is, and where it was its serial port ends. */
static void check_move_by_nowhere(bool hangs_up)
{
    static const struct hub_writer_events writer_events = {0};
    struct hub_writer *writer;

    begin_move(VIR_DOMAIN_PAUSED);
    assert_int_equal(hub_writer_new(console_hub(rig.console), &writer_events, NULL, &writer), 0);
    console_expect(rig.console, copy);
    join_there();
    assert_int_equal(send(there_guest, "there ", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(send(rig.guest, "rest ", 5, MSG_NOSIGNAL), 5);
    console_set_domain(rig.console, NULL);
    assert_int_equal(hub_write(writer, "lost", 4), -ENOTCONN);
    rig_expect_notices("");
    if (hangs_up) {
        rig_close_guest();
        TURN_UNTIL(has_notice);
        rig_expect_notices("[its domain is not there]");
    }
    console_set_domain(rig.console, copy);
    expect_text("here rest there ");
    assert_null(strstr(rig.notices, "missing"));
    assert_int_equal(hub_write(writer, "typed", 5), 5);
    wanted_input = "typed";
    TURN_UNTIL(has_input_there);
    hub_writer_free(writer);
    rig_drop();
    stop_there();
}

static void test_move_by_nowhere(void **state)
{
    (void)state;
    check_move_by_nowhere(false);
}

static void test_move_by_nowhere_after_its_end(void **state)
{
    (void)state;
    check_move_by_nowhere(true);
}

/* It runs there, and what is known of it says that it still waits. */
static void test_move_unseen(void **state)
{
    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    console_expect(rig.console, copy);
    TURN_UNTIL(is_joined_there);
    console_set_domain(rig.console, copy);
    assert_non_null(strstr(rig.notices, "what it said meanwhile may be missing]"));
    rig_drop();
    stop_there();
}

static void take_when_accepted(uv_prepare_t *prepare)
{
    if (!is_joined_there())
        return;
    uv_prepare_stop(prepare);
    console_set_domain(rig.console, copy);
}

/* The serial port there is connected after the guest was seen to run, and before its stream had a
 * turn. */
static void test_move_while_connecting(void **state)
{
    static uv_prepare_t prepare;

    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    uv_prepare_init(&virt_fixture.loop, &prepare);
    uv_prepare_start(&prepare, take_when_accepted);
    console_expect(rig.console, copy);
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    expect_text("here there");
    assert_non_null(strstr(rig.notices, "what it said meanwhile may be missing]"));
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    rig_drop();
    stop_there();
}

/* It runs there before anything was known of that. */
static void test_move_unforeseen(void **state)
{
    char expected[256];

    (void)state;
    begin_move(VIR_DOMAIN_RUNNING);
    console_set_domain(rig.console, NULL); /* for a while nobody knows where it is */
    rig_expect_notices("");
    assert_int_equal(send(rig.guest, "rest ", 5, MSG_NOSIGNAL), 5);
    console_set_domain(rig.console, copy);
    expect_text("here rest ");
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    expect_text("here rest there");
    snprintf(expected, sizeof expected,
             "[the guest moved to hypervisor there; what it said meanwhile may be missing]"
             "[the guest is on another hypervisor][%s]",
             there_path);
    rig_expect_notices(expected);
    rig_drop();
    stop_there();
}

/* Joined, but perhaps after it had said something. */
static void test_move_foreseen_late(void **state)
{
    (void)state;
    begin_move(VIR_DOMAIN_RUNNING);
    console_expect(rig.console, copy);
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    console_set_domain(rig.console, copy);
    expect_text("here there");
    assert_non_null(strstr(rig.notices, "what it said meanwhile may be missing]"));
    rig_drop();
    stop_there();
}

/* What was joined is let go of when it comes to nothing, or nobody is there. */
static void test_no_move(void **state)
{
    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    console_expect(rig.console, copy);
    console_lose_copy(rig.console, copy); /* with the look-up under way */
    console_expect(rig.console, copy);
    TURN_UNTIL(is_joined_there);
    console_lose_hypervisor(rig.console, there);
    TURN_UNTIL(is_hung_up_there);
    close(there_guest);
    there_guest = -1;
    console_expect(rig.console, copy);
    TURN_UNTIL(is_joined_there);
    rig_configure(CONFIG_CONSOLE_ON_DEMAND);
    TURN_UNTIL(is_hung_up_there);
    console_expect(rig.console, copy);
    rig_configure(CONFIG_CONSOLE_ALWAYS);
    console_host_event(rig.console, HOST_EVENT_STOPPED); /* off is off, and no move */
    console_expect(rig.console, copy);
    rig.notices[0] = '\0';
    rig_drop();
    stop_there();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_move),
        TEST(test_move_with_rests),
        TEST(test_move_with_rests_and_no_end),
        TEST(test_move_by_nowhere),
        TEST(test_move_by_nowhere_after_its_end),
        TEST(test_move_unseen),
        TEST(test_move_while_connecting),
        TEST(test_move_unforeseen),
        TEST(test_move_foreseen_late),
        TEST(test_no_move),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
