/* The console of a BMC on libvirt's test driver, whose guest has a serial port that the test itself
 * listens on: when it is opened and closed, what people are told, and who is there. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "sol/disk.h"
#include "vbmc/console/console.h"

static char folder[64], path[96];
static const struct uuid uuid = {{1, 2, 3}};
static struct config config;
static struct config_domain section;
static struct console *console;
static virDomainPtr domain;
static int listener = -1, guest = -1;
static struct hub_reader *reader;
static char notices[4096];

/* ---- the serial port ---- */

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static bool is_opened(void)
{
    if (guest < 0)
        guest = accept(listener, NULL, NULL);
    return guest >= 0 && hub_is_connected(console_hub(console));
}

static bool is_hung_up(void)
{
    char byte;

    return recv(guest, &byte, 1, MSG_DONTWAIT) == 0;
}

static void close_guest(void)
{
    close(guest);
    guest = -1;
}

/* ---- the console ---- */

static void on_notice(void *context, const struct hub_notice *notice)
{
    size_t used = strlen(notices);

    (void)context;
    snprintf(notices + used, sizeof notices - used, "[%s]", notice->text);
}

static const struct hub_reader_events events = {.notice = on_notice};

static void configure(enum config_console mode)
{
    config.bmc.console_history = 4096;
    config.bmc.console = section.console = mode;
    assert_int_equal(console_configure(console, &config, "guest", &uuid), 0);
}

static void make(enum config_console mode)
{
    console = console_new(&virt_fixture.loop, folder, &uuid);
    assert_non_null(console);
    assert_null(console_hub(console));
    configure(mode);
    assert_int_equal(
        hub_reader_new(console_hub(console), HUB_FROM_START, 0, &events, NULL, &reader), 0);
}

static void drop(void)
{
    console_free(console);
    hub_reader_free(reader);
    console = NULL;
    reader = NULL;
}

static int setup(void **state)
{
    virt_fixture_setup(state);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-console-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/serial", folder);
    memset(&config, 0, sizeof config);
    memset(&section, 0, sizeof section);
    notices[0] = '\0';
    listener = listen_at(path);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    if (console)
        drop();
    virDomainFree(domain);
    domain = NULL;
    config_clear_index(&config);
    close(listener);
    if (guest >= 0)
        close_guest();
    disk_settle(DISK_STATE, NULL, 60000);
    snprintf(command, sizeof command, "rm -rf %.60s", folder);
    return virt_fixture_teardown(state) || system(command);
}

/* Somebody else defines the guest with that serial port, and starts it. */
static void start_guest(const char *serial)
{
    char devices[512];

    snprintf(devices, sizeof devices, "<devices>%s</devices>", serial);
    domain = virt_fixture_define(devices);
    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
}

static void start_guest_with_socket(void)
{
    char serial[256];

    snprintf(serial, sizeof serial, "<serial type='unix'><source mode='bind' path='%s'/></serial>",
             path);
    start_guest(serial);
}

static bool has_notice(void)
{
    return notices[0] != '\0';
}

static void expect_notices(const char *expected)
{
    assert_string_equal(notices, expected);
    notices[0] = '\0';
}

static bool is_looked_up(void)
{
    return strcmp(console_source(console), "the serial port is being looked for") != 0;
}

static bool has_looked(void)
{
    return !console_is_opening(console);
}

/* ---- when it is open ---- */

static void test_always(void **state)
{
    char byte;

    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    assert_string_equal(console_source(console), "its domain is not there");
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    assert_string_equal(console_source(console), "the serial port is being looked for");
    TURN_UNTIL(is_opened);
    assert_string_equal(console_source(console), path);
    char expected[128];
    snprintf(expected, sizeof expected, "[%s]", path);
    expect_notices(expected);

    /* QEMU is gone before libvirt says that it is. */
    assert_int_equal(send(guest, "last", 4, MSG_NOSIGNAL), 4);
    close_guest();
    TURN_UNTIL(has_notice);
    assert_non_null(strstr(notices, "the other end closed the connection"));
    assert_int_equal(hub_reader_pending(reader), 4);
    assert_int_equal(virDomainDestroy(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    notices[0] = '\0';
    console_host_event(console, HOST_EVENT_STOPPED);
    assert_false(hub_has_source(console_hub(console)));
    assert_non_null(strstr(notices, "[the guest is off]"));
    assert_string_equal(console_source(console), "the guest is off");

    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    notices[0] = '\0';
    console_host_event(console, HOST_EVENT_STARTED);
    assert_string_equal(notices, "[the guest was switched on]");
    TURN_UNTIL(is_opened);
    assert_int_equal(recv(guest, &byte, 1, MSG_DONTWAIT), -1);
}

static void test_on_demand(void **state)
{
    struct console_user *first, *second;

    (void)state;
    make(CONFIG_CONSOLE_ON_DEMAND);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    assert_string_equal(console_source(console), "nobody is there (console = on-demand)");
    assert_false(hub_has_source(console_hub(console)));
    first = console_join(console, "first");
    TURN_UNTIL(is_opened);
    second = console_join(console, "second");
    console_leave(first);
    assert_true(hub_is_connected(console_hub(console)));
    notices[0] = '\0';
    console_leave(second);
    assert_false(hub_has_source(console_hub(console)));
    expect_notices("[second left the console][nobody is there (console = on-demand)]");
    TURN_UNTIL(is_hung_up);
    close_guest();

    /* Gone again before the port was found. */
    for (unsigned i = 0; i < 20; i++)
        console_leave(console_join(console, "hasty"));
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    console_leave(console_join(console, "hasty"));
    first = console_join(console, "patient");
    TURN_UNTIL(is_opened);
    console_leave(first);
}

static void test_mode_changes(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    configure(CONFIG_CONSOLE_ON_DEMAND);
    TURN_UNTIL(is_hung_up);
    close_guest();
    configure(CONFIG_CONSOLE_ALWAYS);
    TURN_UNTIL(is_opened);
    configure(CONFIG_CONSOLE_ALWAYS); /* nothing new */
    assert_true(hub_is_connected(console_hub(console)));
}

static void test_another_port(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    char name[] = "guest", alias[] = "serial9";
    section.name = name;
    section.serial = alias;
    config.domains = &section;
    config.domain_count = 1;
    assert_int_equal(config_index_domain(&config, 0), 0);
    notices[0] = '\0';
    configure(CONFIG_CONSOLE_ALWAYS);
    TURN_UNTIL(is_looked_up);
    assert_non_null(strstr(notices, "[another serial port was configured]"));
    assert_non_null(strstr(notices, "guest has no serial port"));
    assert_non_null(strstr(console_source(console), "guest has no serial port"));
}

/* ---- the domain goes ---- */

static void test_domain_goes_while_looking(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    console_set_domain(console, NULL);
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    console_set_domain(console, NULL);
    assert_string_equal(console_source(console), "its domain is not there");
    TURN_UNTIL(is_hung_up);
    console_set_domain(console, virt_fixture.guest);
    drop(); /* with a look-up under way */
    virt_fixture_stop();
}

static void test_hypervisor_stops_while_looking(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    console_set_domain(console, NULL); /* as the fleet does before it stops */
    virt_fixture_stop();
    assert_false(hub_has_source(console_hub(console)));
}

/* libvirt's test driver has no consoles: the stream says so, tries again, and ends with its domain.
 */
static void test_pty(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest("<serial type='pty'><alias name='ua-one'/></serial>");
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(has_notice);
    assert_true(strlen(console_source(console)) > 0);
    notices[0] = '\0';
    console_set_domain(console, NULL);
    console_set_domain(console, virt_fixture.guest);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    drop();
    virt_fixture_stop();
}

/* ---- ports that cannot be opened ---- */

static void test_no_such_port(void **state)
{
    static const struct {
        const char *serial;
        const char *word;
    } cases[] = {
        {"", "add <serial type='pty'/> to its devices"},
        {"<serial type='file'><source path='/tmp/x'/></serial>",
         "a serial port of type 'file' as this one cannot be opened; use type 'pty', 'unix' or "
         "'tcp' (mode 'bind', raw)"},
        {"<serial type='null'/>", "of type 'null'"},
        {"<serial type='unix'><source mode='connect' path='/tmp/x'/></serial>", "of type 'unix'"},
        {"<serial type='tcp'><source mode='connect' host='127.0.0.1' service='1'/></serial>",
         "of type 'tcp'"},
        {"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='1'/>"
         "<protocol type='telnet'/></serial>",
         "of type 'tcp'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        make(CONFIG_CONSOLE_ALWAYS);
        start_guest(cases[i].serial);
        console_set_domain(console, virt_fixture.guest);
        TURN_UNTIL(is_looked_up);
        assert_non_null(strstr(console_source(console), cases[i].word));
        assert_non_null(strstr(notices, cases[i].word)); /* people are told */
        assert_non_null(strstr(console_problem(console), cases[i].word));
        assert_false(hub_has_source(console_hub(console)));
        notices[0] = '\0';
        console_host_event(console, HOST_EVENT_RESET); /* looks again, tells once */
        TURN_UNTIL(is_looked_up);
        expect_notices("[the guest was reset]");
        drop();
        virDomainDestroy(domain);
        TURN_UNTIL_STATE(HOST_POWER_OFF);
        virDomainUndefine(domain);
        virDomainFree(domain);
        domain = NULL;
        TURN_UNTIL(virt_fixture_is_gone);
    }
}

/* What a guest lacks counts for as long as it runs: the next time it may have it. */
static void test_problem_ends_with_the_guest(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    assert_null(console_problem(console));
    start_guest("");
    console_set_domain(console, virt_fixture.guest);
    assert_null(console_problem(console)); /* not known yet */
    assert_true(console_is_opening(console));
    TURN_UNTIL(is_looked_up);
    assert_non_null(console_problem(console));
    assert_false(console_is_opening(console));
    console_look_again(console);
    assert_true(console_is_opening(console));
    TURN_UNTIL(is_looked_up);
    assert_non_null(console_problem(console));
    console_host_event(console, HOST_EVENT_STOPPED);
    assert_null(console_problem(console));
}

static void serve_alias(char *alias)
{
    static char name[] = "guest";

    section.name = name;
    section.serial = alias;
    config.domains = &section;
    config.domain_count = 1;
    config_clear_index(&config); /* one may be there from before */
    assert_int_equal(config_index_domain(&config, 0), 0);
    configure(CONFIG_CONSOLE_ON_DEMAND);
}

/* With on-demand and nobody there a problem ends as well, and nothing is opened for that. */
static void test_problem_ends_on_demand(void **state)
{
    struct console_user *person;
    char alias[] = "serial9";

    (void)state;
    make(CONFIG_CONSOLE_ON_DEMAND);
    serve_alias(alias);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    person = console_join(console, "person");
    TURN_UNTIL(is_looked_up);
    console_leave(person);
    assert_non_null(console_problem(console));
    console_look_again(console);
    assert_true(console_is_opening(console));
    TURN_UNTIL(has_looked);
    assert_non_null(console_problem(console));

    serve_alias(NULL);
    assert_null(console_problem(console));
    assert_string_equal(console_source(console), "nobody is there (console = on-demand)");
    console_look_again(console);
    TURN_UNTIL(has_looked);
    assert_false(hub_has_source(console_hub(console)));
    person = console_join(console, "person");
    TURN_UNTIL(is_opened);
    console_leave(person);
}

/* ---- events ---- */

/* SeaBIOS makes two resets of one. */
static void test_resets(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    console_host_event(console, HOST_EVENT_RESET);
    console_host_event(console, HOST_EVENT_RESET);
    expect_notices("[the guest was reset]");
    console_host_event(console, HOST_EVENT_RENAMED);
    console_host_event(console, HOST_EVENT_STATE);
    expect_notices("");
}

/* With a boot override the firmware resets the guest that was just switched on. */
static void test_reset_of_a_start(void **state)
{
    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    console_host_event(console, HOST_EVENT_STARTED);
    console_host_event(console, HOST_EVENT_RESET);
    expect_notices("[the guest was switched on]");
}

/* ---- break ---- */

static host_done_fn *break_done;
static void *break_context;
static unsigned cancels, ends;
static int end_result;
static bool ends_at_once;

static void fake_send_break(struct host_domain *host, const char *alias, host_done_fn *done,
                            void *context)
{
    (void)host;
    assert_string_equal(alias, "ua-one");
    break_done = done;
    break_context = context;
    if (ends_at_once)
        done(context, -EIO, "refused");
}

static void fake_cancel(struct host_domain *host, void *context)
{
    (void)host;
    assert_ptr_equal(context, break_context);
    cancels++;
}

static void on_break(void *context, int result, const char *text)
{
    (void)text;
    assert_ptr_equal(context, &ends);
    ends++;
    end_result = result;
}

static void test_break(void **state)
{
    static const struct host_ops no_break = {.cancel = fake_cancel};
    static const struct host_ops with_break = {.cancel = fake_cancel,
                                               .send_break = fake_send_break};

    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    assert_int_equal(console_send_break(console, on_break, &ends), -ENOTCONN);
    start_guest("<serial type='pty'><alias name='ua-one'/></serial>");
    const struct host_ops *real = virt_domain_host(virt_fixture.guest)->ops;
    console_set_domain(console, virt_fixture.guest);
    assert_int_equal(console_send_break(console, on_break, &ends), -ENOTCONN);
    TURN_UNTIL(is_looked_up);
    virt_domain_host(virt_fixture.guest)->ops = &no_break;
    assert_int_equal(console_send_break(console, on_break, &ends), -ENOTSUP);
    assert_int_equal(hub_send_break(console_hub(console)), -ENOTSUP);
    virt_domain_host(virt_fixture.guest)->ops = &with_break;
    assert_int_equal(console_send_break(console, on_break, &ends), 0);
    assert_int_equal(ends, 0);
    break_done(break_context, 0, NULL);
    assert_int_equal(ends, 1);
    assert_int_equal(end_result, 0);
    ends_at_once = true;
    assert_int_equal(console_send_break(console, on_break, &ends), 0);
    assert_int_equal(ends, 2);
    assert_int_equal(end_result, -EIO);
    assert_int_equal(hub_send_break(console_hub(console)), 0);
    ends_at_once = false;
    assert_int_equal(console_send_break(console, on_break, &ends), 0);
    console_set_domain(console, NULL); /* the break under way ends with it */
    assert_int_equal(cancels, 1);
    assert_int_equal(ends, 3);
    assert_int_equal(end_result, -ENODEV);
    virt_domain_host(virt_fixture.guest)->ops = real;
}

/* ---- people ---- */

static void test_people(void **state)
{
    struct console_user *people[3];
    char text[64];

    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    console_people(console, NULL, text, sizeof text);
    assert_string_equal(text, "");
    people[0] = console_join(console, "one");
    people[1] = console_join(console, "two");
    people[2] = console_join(console, "three");
    expect_notices("[one is on the console][two is on the console][three is on the console]");
    console_people(console, people[1], text, sizeof text);
    assert_string_equal(text, "three, one");
    console_people(console, NULL, text, 8); /* whole names, as many as fit */
    assert_true(strlen(text) < 8);
    console_leave(people[1]);
    expect_notices("[two left the console]");
    console_leave(NULL);
    drop();
    console_leave(people[0]); /* the console is gone, they are not */
    console_leave(people[2]);
}

/* ---- another hypervisor ---- */

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
    struct hypervisor_settings settings = {.name = "there", .uri = uri, .runtime_dir = folder};

    snprintf(node, sizeof node, "%.60s/node.xml", folder);
    snprintf(uri, sizeof uri, "test://%s", node);
    snprintf(there_path, sizeof there_path, "%.60s/there", folder);
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
    there_listener = listen_at(there_path);
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

static bool is_hung_up_there(void)
{
    char byte;

    return recv(there_guest, &byte, 1, MSG_DONTWAIT) == 0;
}

static size_t wanted_bytes;

static bool has_bytes(void)
{
    return hub_reader_pending(reader) >= wanted_bytes;
}

static void expect_text(const char *text)
{
    const uint8_t *bytes;
    size_t size;

    wanted_bytes = strlen(text);
    TURN_UNTIL(has_bytes);
    hub_reader_peek(reader, &bytes, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static void begin_move(int state)
{
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    start_there(state);
    assert_int_equal(send(guest, "here ", 5, MSG_NOSIGNAL), 5);
    expect_text("here ");
    notices[0] = '\0';
}

/* Not a byte is lost, though we hear of the move late. */
static void test_move(void **state)
{
    char expected[256];

    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    console_expect(console, copy); /* nothing new */
    assert_int_equal(send(there_guest, "there ", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(send(guest, "and ", 4, MSG_NOSIGNAL), 4);
    expect_text("here and ");
    expect_notices("");
    console_set_domain(console, copy);
    assert_true(hub_has_source(console_hub(console)));
    expect_text("here and there ");
    snprintf(expected, sizeof expected, "[the guest moved to hypervisor there][%s]", there_path);
    expect_notices(expected);
    assert_int_equal(send(there_guest, "more", 4, MSG_NOSIGNAL), 4);
    expect_text("here and there more");
    TURN_UNTIL(is_hung_up);
    drop();
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
    assert_int_equal(hub_writer_new(console_hub(console), &writer_events, NULL, &writer), 0);
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(send(there_guest, "there ", 6, MSG_NOSIGNAL), 6);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    hub_hold_input(console_hub(console));
    assert_int_equal(hub_write(writer, "one ", 4), 4);
    console_set_domain(console, copy);
    assert_int_equal(hub_write(writer, "two ", 4), 4);
    hub_release_input(console_hub(console));
    assert_int_equal(hub_write(writer, "three", 5), 5);
    assert_int_equal(send(guest, "rest ", 5, MSG_NOSIGNAL), 5);
    if (hangs_up)
        close_guest();
    expect_text("here rest there ");
    wanted_input = "one two three";
    TURN_UNTIL(has_input_there);
    if (!hangs_up)
        TURN_UNTIL(is_hung_up);
    assert_null(strstr(notices, "missing"));
    hub_writer_free(writer);
    drop();
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

static void take_when_accepted(uv_prepare_t *prepare)
{
    if (!is_joined_there())
        return;
    uv_prepare_stop(prepare);
    console_set_domain(console, copy);
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
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    expect_text("here there");
    assert_non_null(strstr(notices, "what it said meanwhile may be missing]"));
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    drop();
    stop_there();
}

/* It runs there before anything was known of that. */
static void test_move_unforeseen(void **state)
{
    char expected[256];

    (void)state;
    begin_move(VIR_DOMAIN_RUNNING);
    console_set_domain(console, NULL); /* for a while nobody knows where it is */
    expect_notices("[its domain is not there]");
    console_set_domain(console, copy);
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    expect_text("here there");
    snprintf(expected, sizeof expected,
             "[the guest moved to hypervisor there; what it said meanwhile may be missing][%s]",
             there_path);
    expect_notices(expected);
    drop();
    stop_there();
}

/* Joined, but perhaps after it had said something. */
static void test_move_foreseen_late(void **state)
{
    (void)state;
    begin_move(VIR_DOMAIN_RUNNING);
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    assert_int_equal(send(there_guest, "there", 5, MSG_NOSIGNAL), 5);
    console_set_domain(console, copy);
    expect_text("here there");
    assert_non_null(strstr(notices, "what it said meanwhile may be missing]"));
    drop();
    stop_there();
}

/* What was joined is let go of when it comes to nothing, or nobody is there. */
static void test_no_move(void **state)
{
    (void)state;
    begin_move(VIR_DOMAIN_PAUSED);
    console_expect(console, copy);
    console_lose_copy(console, copy); /* with the look-up under way */
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    console_lose_hypervisor(console, there);
    TURN_UNTIL(is_hung_up_there);
    close(there_guest);
    there_guest = -1;
    console_expect(console, copy);
    TURN_UNTIL(is_joined_there);
    configure(CONFIG_CONSOLE_ON_DEMAND);
    TURN_UNTIL(is_hung_up_there);
    console_expect(console, copy);
    configure(CONFIG_CONSOLE_ALWAYS);
    console_host_event(console, HOST_EVENT_STOPPED); /* off is off, and no move */
    console_expect(console, copy);
    notices[0] = '\0';
    drop();
    stop_there();
}

/* ---- break ---- */

/* A hypervisor that does not answer does not let them pile up. */
static void test_many_breaks(void **state)
{
    char serial[256];
    unsigned taken = 0;

    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    snprintf(serial, sizeof serial,
             "<serial type='unix'><source mode='bind' path='%s'/><alias name='ua-one'/></serial>",
             path);
    start_guest(serial);
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    while (taken < 1000 && console_send_break(console, virt_fixture_done, NULL) == 0)
        taken++;
    assert_in_range(taken, 1, 100);
    assert_int_equal(console_send_break(console, virt_fixture_done, NULL), -EBUSY);
    virt_fixture_turn_until_ended(taken, __LINE__);
    assert_int_equal(console_send_break(console, virt_fixture_done, NULL), 0);
    virt_fixture_turn_until_ended(1, __LINE__);
    drop();
}

/* ---- logs ---- */

static bool has_log(const char *name)
{
    char file[160];

    snprintf(file, sizeof file, "%.60s/logs/%s", folder, name);
    return access(file, F_OK) == 0;
}

static struct console *make_logged(const char *name, const struct uuid *own)
{
    struct console *made = console_new(&virt_fixture.loop, folder, own);

    assert_int_equal(console_configure(made, &config, name, own), 0);
    return made;
}

/* Two guests of one name, or of names that make one file name, each have a log: the same one
 * whichever of them is there first. */
static void test_logs_of_one_name(void **state)
{
    static const struct uuid uuids[] = {{{1, 2, 3}}, {{4, 5, 6}}};
    static const char *const names[][2] = {{"guest", "guest"}, {"a/b", "a_b"}, {"one", "two"}};
    static const char *const files[] = {
        "guest.01020300-0000-0000-0000-000000000000.log",
        "guest.04050600-0000-0000-0000-000000000000.log",
        "a_b.01020300-0000-0000-0000-000000000000.log",
        "a_b.04050600-0000-0000-0000-000000000000.log",
        "one.log",
        "two.log",
    };
    static const char *const others[] = {"guest.log", "a_b.log"};
    char logs[80], file[200];

    (void)state;
    snprintf(logs, sizeof logs, "%.60s/logs", folder);
    config.bmc.console_log = logs;
    config.bmc.console_log_size = 1 << 20;
    for (unsigned first = 0; first < 2; first++) {
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            unsigned second = 1 - first;
            struct console *a = make_logged(names[n][first], &uuids[first]);
            struct console *b = make_logged(names[n][second], &uuids[second]);
            hub_notify(console_hub(a), HUB_NOTICE_MESSAGE, "here");
            hub_notify(console_hub(b), HUB_NOTICE_MESSAGE, "here");
            assert_int_equal(console_configure(a, &config, names[n][first], &uuids[first]), 0);
            console_free(a);
            console_free(b);
        }
        assert_true(disk_settle(DISK_LOGS, NULL, 10000));
        assert_true(disk_settle(DISK_STATE, NULL, 10000));
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
            snprintf(file, sizeof file, "%.70s/%s", logs, files[i]);
            assert_int_equal(unlink(file), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
            assert_false(has_log(others[i]));
    }
    config.bmc.console_log = NULL;
}

/* ---- history ---- */

static void test_history_survives(void **state)
{
    const uint8_t *bytes;
    char file[160];
    size_t size;

    (void)state;
    make(CONFIG_CONSOLE_ALWAYS);
    start_guest_with_socket();
    console_set_domain(console, virt_fixture.guest);
    TURN_UNTIL(is_opened);
    assert_int_equal(send(guest, "remember", 8, MSG_NOSIGNAL), 8);
    while (hub_reader_pending(reader) < 8)
        uv_run(&virt_fixture.loop, UV_RUN_ONCE);
    drop();
    make(CONFIG_CONSOLE_ALWAYS);
    hub_reader_peek(reader, &bytes, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(bytes, "remember", 8);
    drop();
    snprintf(file, sizeof file, "%.60s/consoles/01020300-0000-0000-0000-000000000000.history",
             folder);
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    assert_int_equal(access(file, F_OK), 0);
    console_forget(folder, &uuid);
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    assert_int_equal(access(file, F_OK), -1);
    console_forget(folder, &uuid); /* is no mistake */
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_always),
        TEST(test_on_demand),
        TEST(test_mode_changes),
        TEST(test_another_port),
        TEST(test_problem_ends_with_the_guest),
        TEST(test_problem_ends_on_demand),
        TEST(test_domain_goes_while_looking),
        TEST(test_hypervisor_stops_while_looking),
        TEST(test_pty),
        TEST(test_no_such_port),
        TEST(test_resets),
        TEST(test_reset_of_a_start),
        TEST(test_break),
        TEST(test_people),
        TEST(test_move),
        TEST(test_move_with_rests),
        TEST(test_move_with_rests_and_no_end),
        TEST(test_move_while_connecting),
        TEST(test_move_unforeseen),
        TEST(test_move_foreseen_late),
        TEST(test_no_move),
        TEST(test_many_breaks),
        TEST(test_logs_of_one_name),
        TEST(test_history_survives),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
