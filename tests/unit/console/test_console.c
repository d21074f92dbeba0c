/* The console of a BMC: when it is opened and closed, what people are told, and who is there. */
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

#include "sol/disk.h"
#include "sol/hub.h"
#include "tests/fake/console_rig.h"
#include "tests/fake/virt_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

static bool has_notice(void)
{
    return rig.notices[0] != '\0';
}

static bool is_looked_up(void)
{
    return strcmp(console_source(rig.console), "the serial port is being looked for") != 0;
}

static bool has_looked(void)
{
    return !console_is_opening(rig.console);
}

/* ---- when it is open ---- */

static void test_always(void **state)
{
    char byte;

    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    assert_string_equal(console_source(rig.console), "its domain is not there");
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    assert_string_equal(console_source(rig.console), "the serial port is being looked for");
    TURN_UNTIL(rig_is_opened);
    assert_string_equal(console_source(rig.console), rig.path);
    char expected[128];
    snprintf(expected, sizeof expected, "[%s]", rig.path);
    rig_expect_notices(expected);

    /* QEMU is gone before libvirt says that it is. */
    assert_int_equal(send(rig.guest, "last", 4, MSG_NOSIGNAL), 4);
    rig_close_guest();
    TURN_UNTIL(has_notice);
    assert_non_null(strstr(rig.notices, "the other end closed the connection"));
    assert_int_equal(hub_reader_pending(rig.reader), 4);
    assert_int_equal(virDomainDestroy(rig.domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_OFF);
    rig.notices[0] = '\0';
    console_host_event(rig.console, HOST_EVENT_STOPPED);
    assert_false(hub_has_source(console_hub(rig.console)));
    assert_non_null(strstr(rig.notices, "[the guest is off]"));
    assert_string_equal(console_source(rig.console), "the guest is off");

    assert_int_equal(virDomainCreate(rig.domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    rig.notices[0] = '\0';
    console_host_event(rig.console, HOST_EVENT_STARTED);
    assert_string_equal(rig.notices, "[the guest was switched on]");
    TURN_UNTIL(rig_is_opened);
    assert_int_equal(recv(rig.guest, &byte, 1, MSG_DONTWAIT), -1);
}

static void test_on_demand(void **state)
{
    struct console_user *first, *second;

    (void)state;
    rig_make(CONFIG_CONSOLE_ON_DEMAND);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    assert_string_equal(console_source(rig.console), "nobody is there (console = on-demand)");
    assert_false(hub_has_source(console_hub(rig.console)));
    first = console_join(rig.console, "first");
    TURN_UNTIL(rig_is_opened);
    second = console_join(rig.console, "second");
    console_leave(first);
    assert_true(hub_is_connected(console_hub(rig.console)));
    rig.notices[0] = '\0';
    console_leave(second);
    assert_false(hub_has_source(console_hub(rig.console)));
    rig_expect_notices("[second left the console][nobody is there (console = on-demand)]");
    TURN_UNTIL(rig_is_hung_up);
    rig_close_guest();

    /* Gone again before the port was found. */
    for (unsigned i = 0; i < 20; i++)
        console_leave(console_join(rig.console, "hasty"));
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    console_leave(console_join(rig.console, "hasty"));
    first = console_join(rig.console, "patient");
    TURN_UNTIL(rig_is_opened);
    console_leave(first);
}

static void test_mode_changes(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    rig_configure(CONFIG_CONSOLE_ON_DEMAND);
    TURN_UNTIL(rig_is_hung_up);
    rig_close_guest();
    rig_configure(CONFIG_CONSOLE_ALWAYS);
    TURN_UNTIL(rig_is_opened);
    rig_configure(CONFIG_CONSOLE_ALWAYS); /* nothing new */
    assert_true(hub_is_connected(console_hub(rig.console)));
}

static void test_another_port(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    char name[] = "guest", alias[] = "serial9";
    rig.section.name = name;
    rig.section.serial = alias;
    rig.config.domains = &rig.section;
    rig.config.domain_count = 1;
    assert_int_equal(config_index_domain(&rig.config, 0), 0);
    rig.notices[0] = '\0';
    rig_configure(CONFIG_CONSOLE_ALWAYS);
    TURN_UNTIL(is_looked_up);
    assert_non_null(strstr(rig.notices, "[another serial port was configured]"));
    assert_non_null(strstr(rig.notices, "guest has no serial port"));
    assert_non_null(strstr(console_source(rig.console), "guest has no serial port"));
}

/* ---- the domain goes ---- */

static void test_domain_goes_while_looking(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    console_set_domain(rig.console, NULL);
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    console_set_domain(rig.console, NULL);
    assert_string_equal(console_source(rig.console), "its domain is not there");
    TURN_UNTIL(rig_is_hung_up);
    console_set_domain(rig.console, virt_fixture.guest);
    rig_drop(); /* with a look-up under way */
    virt_fixture_stop();
}

static void test_hypervisor_stops_while_looking(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    console_set_domain(rig.console, NULL); /* as the fleet does before it stops */
    virt_fixture_stop();
    assert_false(hub_has_source(console_hub(rig.console)));
}

/* libvirt's test driver has no consoles: the stream says so, tries again, and ends with its domain.
 */
static void test_pty(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest("<serial type='pty'><alias name='ua-one'/></serial>");
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(has_notice);
    assert_true(strlen(console_source(rig.console)) > 0);
    rig.notices[0] = '\0';
    console_set_domain(rig.console, NULL);
    console_set_domain(rig.console, virt_fixture.guest);
    uv_run(&virt_fixture.loop, UV_RUN_NOWAIT);
    rig_drop();
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
        rig_make(CONFIG_CONSOLE_ALWAYS);
        rig_start_guest(cases[i].serial);
        console_set_domain(rig.console, virt_fixture.guest);
        TURN_UNTIL(is_looked_up);
        assert_non_null(strstr(console_source(rig.console), cases[i].word));
        assert_non_null(strstr(rig.notices, cases[i].word)); /* people are told */
        assert_non_null(strstr(console_problem(rig.console), cases[i].word));
        assert_false(hub_has_source(console_hub(rig.console)));
        rig.notices[0] = '\0';
        console_host_event(rig.console, HOST_EVENT_RESET); /* looks again, tells once */
        TURN_UNTIL(is_looked_up);
        rig_expect_notices("[the guest was reset]");
        rig_drop();
        virDomainDestroy(rig.domain);
        TURN_UNTIL_STATE(HOST_POWER_OFF);
        virDomainUndefine(rig.domain);
        virDomainFree(rig.domain);
        rig.domain = NULL;
        TURN_UNTIL(virt_fixture_is_gone);
    }
}

/* What a guest lacks counts for as long as it runs: the next time it may have it. */
static void test_problem_ends_with_the_guest(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    assert_null(console_problem(rig.console));
    rig_start_guest("");
    console_set_domain(rig.console, virt_fixture.guest);
    assert_null(console_problem(rig.console)); /* not known yet */
    assert_true(console_is_opening(rig.console));
    TURN_UNTIL(is_looked_up);
    assert_non_null(console_problem(rig.console));
    assert_false(console_is_opening(rig.console));
    console_look_again(rig.console);
    assert_true(console_is_opening(rig.console));
    TURN_UNTIL(is_looked_up);
    assert_non_null(console_problem(rig.console));
    console_host_event(rig.console, HOST_EVENT_STOPPED);
    assert_null(console_problem(rig.console));
}

static void serve_alias(char *alias)
{
    static char name[] = "guest";

    rig.section.name = name;
    rig.section.serial = alias;
    rig.config.domains = &rig.section;
    rig.config.domain_count = 1;
    config_clear_index(&rig.config); /* one may be there from before */
    assert_int_equal(config_index_domain(&rig.config, 0), 0);
    rig_configure(CONFIG_CONSOLE_ON_DEMAND);
}

/* With on-demand and nobody there a problem ends as well, and nothing is opened for that. */
static void test_problem_ends_on_demand(void **state)
{
    struct console_user *person;
    char alias[] = "serial9";

    (void)state;
    rig_make(CONFIG_CONSOLE_ON_DEMAND);
    serve_alias(alias);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    person = console_join(rig.console, "person");
    TURN_UNTIL(is_looked_up);
    console_leave(person);
    assert_non_null(console_problem(rig.console));
    console_look_again(rig.console);
    assert_true(console_is_opening(rig.console));
    TURN_UNTIL(has_looked);
    assert_non_null(console_problem(rig.console));

    serve_alias(NULL);
    assert_null(console_problem(rig.console));
    assert_string_equal(console_source(rig.console), "nobody is there (console = on-demand)");
    console_look_again(rig.console);
    TURN_UNTIL(has_looked);
    assert_false(hub_has_source(console_hub(rig.console)));
    person = console_join(rig.console, "person");
    TURN_UNTIL(rig_is_opened);
    console_leave(person);
}

/* ---- events ---- */

/* SeaBIOS makes two resets of one. */
static void test_resets(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    console_host_event(rig.console, HOST_EVENT_RESET);
    console_host_event(rig.console, HOST_EVENT_RESET);
    rig_expect_notices("[the guest was reset]");
    console_host_event(rig.console, HOST_EVENT_RENAMED);
    console_host_event(rig.console, HOST_EVENT_STATE);
    rig_expect_notices("");
}

/* With a boot override the firmware resets the guest that was just switched on. */
static void test_reset_of_a_start(void **state)
{
    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    console_host_event(rig.console, HOST_EVENT_STARTED);
    console_host_event(rig.console, HOST_EVENT_RESET);
    rig_expect_notices("[the guest was switched on]");
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
    rig_make(CONFIG_CONSOLE_ALWAYS);
    assert_int_equal(console_send_break(rig.console, on_break, &ends), -ENOTCONN);
    rig_start_guest("<serial type='pty'><alias name='ua-one'/></serial>");
    const struct host_ops *real = virt_domain_host(virt_fixture.guest)->ops;
    console_set_domain(rig.console, virt_fixture.guest);
    assert_int_equal(console_send_break(rig.console, on_break, &ends), -ENOTCONN);
    TURN_UNTIL(is_looked_up);
    virt_domain_host(virt_fixture.guest)->ops = &no_break;
    assert_int_equal(console_send_break(rig.console, on_break, &ends), -ENOTSUP);
    assert_int_equal(hub_send_break(console_hub(rig.console)), -ENOTSUP);
    virt_domain_host(virt_fixture.guest)->ops = &with_break;
    assert_int_equal(console_send_break(rig.console, on_break, &ends), 0);
    assert_int_equal(ends, 0);
    break_done(break_context, 0, NULL);
    assert_int_equal(ends, 1);
    assert_int_equal(end_result, 0);
    ends_at_once = true;
    assert_int_equal(console_send_break(rig.console, on_break, &ends), 0);
    assert_int_equal(ends, 2);
    assert_int_equal(end_result, -EIO);
    assert_int_equal(hub_send_break(console_hub(rig.console)), 0);
    ends_at_once = false;
    assert_int_equal(console_send_break(rig.console, on_break, &ends), 0);
    console_set_domain(rig.console, NULL); /* the break under way ends with it */
    assert_int_equal(cancels, 1);
    assert_int_equal(ends, 3);
    assert_int_equal(end_result, -ENODEV);
    virt_domain_host(virt_fixture.guest)->ops = real;
}

/* A hypervisor that does not answer does not let them pile up. */
static void test_many_breaks(void **state)
{
    char serial[256];
    unsigned taken = 0;

    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    snprintf(serial, sizeof serial,
             "<serial type='unix'><source mode='bind' path='%s'/><alias name='ua-one'/></serial>",
             rig.path);
    rig_start_guest(serial);
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    while (taken < 1000 && console_send_break(rig.console, virt_fixture_done, NULL) == 0)
        taken++;
    assert_in_range(taken, 1, 100);
    assert_int_equal(console_send_break(rig.console, virt_fixture_done, NULL), -EBUSY);
    virt_fixture_turn_until_ended(taken, __LINE__);
    assert_int_equal(console_send_break(rig.console, virt_fixture_done, NULL), 0);
    virt_fixture_turn_until_ended(1, __LINE__);
    rig_drop();
}

/* ---- people ---- */

static void test_people(void **state)
{
    struct console_user *people[3];
    char text[64];

    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    console_people(rig.console, NULL, text, sizeof text);
    assert_string_equal(text, "");
    people[0] = console_join(rig.console, "one");
    people[1] = console_join(rig.console, "two");
    people[2] = console_join(rig.console, "three");
    rig_expect_notices("[one is on the console][two is on the console][three is on the console]");
    console_people(rig.console, people[1], text, sizeof text);
    assert_string_equal(text, "three, one");
    console_people(rig.console, NULL, text, 8); /* whole names, as many as fit */
    assert_true(strlen(text) < 8);
    console_leave(people[1]);
    rig_expect_notices("[two left the console]");
    console_leave(NULL);
    rig_drop();
    console_leave(people[0]); /* the console is gone, they are not */
    console_leave(people[2]);
}

/* ---- logs ---- */

static bool has_log(const char *name)
{
    char file[160];

    snprintf(file, sizeof file, "%.60s/logs/%s", rig.folder, name);
    return access(file, F_OK) == 0;
}

static struct console *make_logged(const char *name, const struct uuid *own)
{
    struct console *made = console_new(&virt_fixture.loop, rig.folder, own);

    assert_int_equal(console_configure(made, &rig.config, name, own, &rig_declared), 0);
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
    snprintf(logs, sizeof logs, "%.60s/logs", rig.folder);
    rig.config.bmc.console_log = logs;
    rig.config.bmc.console_log_size = 1 << 20;
    for (unsigned first = 0; first < 2; first++) {
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            unsigned second = 1 - first;
            struct console *a = make_logged(names[n][first], &uuids[first]);
            struct console *b = make_logged(names[n][second], &uuids[second]);
            hub_notify(console_hub(a), HUB_NOTICE_MESSAGE, "here");
            hub_notify(console_hub(b), HUB_NOTICE_MESSAGE, "here");
            assert_int_equal(
                console_configure(a, &rig.config, names[n][first], &uuids[first], &rig_declared),
                0);
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
    rig.config.bmc.console_log = NULL;
}

/* ---- history ---- */

static void test_history_survives(void **state)
{
    const uint8_t *bytes;
    char file[160];
    size_t size;

    (void)state;
    rig_make(CONFIG_CONSOLE_ALWAYS);
    rig_start_guest_with_socket();
    console_set_domain(rig.console, virt_fixture.guest);
    TURN_UNTIL(rig_is_opened);
    assert_int_equal(send(rig.guest, "remember", 8, MSG_NOSIGNAL), 8);
    while (hub_reader_pending(rig.reader) < 8)
        uv_run(&virt_fixture.loop, UV_RUN_ONCE);
    rig_drop();
    rig_make(CONFIG_CONSOLE_ALWAYS);
    hub_reader_peek(rig.reader, &bytes, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(bytes, "remember", 8);
    rig_drop();
    snprintf(file, sizeof file, "%.60s/consoles/01020300-0000-0000-0000-000000000000.history",
             rig.folder);
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    assert_int_equal(access(file, F_OK), 0);
    console_forget(rig.folder, &rig_uuid);
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
    assert_int_equal(access(file, F_OK), -1);
    console_forget(rig.folder, &rig_uuid); /* is no mistake */
    assert_true(disk_settle(DISK_STATE, NULL, 10000));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
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
        TEST(test_many_breaks),
        TEST(test_logs_of_one_name),
        TEST(test_history_survives),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
