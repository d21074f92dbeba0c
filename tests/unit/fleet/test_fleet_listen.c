/* Where BMCs listen: what they cannot have they get when it is there, a reload moves those that the
 * configuration moves and no others, and the place that is told is the one that answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/fleet_fixture.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/addition.h"
#include "vbmc/store/bmcs.h"

#define G1 "11111111-2222-4333-8444-555555555555"
#define G2 "66666666-7777-4888-8999-aaaaaaaaaaaa"
#define B1 "11111111-2222-4333-8444-bbbbbbbbbbbb"

static const char *const both[][2] = {{"g1", G1}, {"g2", G2}};
static const char *const alone[] = {"a", NULL}, *const two[] = {"a", "b", NULL};
static int taken = -1;

static int setup(void **state)
{
    fleet_fixture_setup(state);
    log_set_target(LOG_TARGET_SYSLOG); /* errors are what this is about */
    fleet_fixture_define("a", both, 2);
    return 0;
}

static int teardown(void **state)
{
    int result = fleet_fixture_teardown(state);

    log_set_target(LOG_TARGET_STDERR);
    if (taken >= 0)
        close(taken);
    taken = -1;
    return result;
}

static bool has_bmcs(void *context)
{
    return fleet_bmcs(fixture_fleet)->count == *(size_t *)context;
}

static void start(const char *const *hypervisors, size_t count, const char *lines)
{
    size_t first = 1;

    if (count == 2) { /* g1 is discovered first, and so has the first place */
        fleet_fixture_define("a", both, 1);
        fleet_fixture_start(hypervisors, lines);
        fleet_fixture_wait(has_bmcs, &first, "one BMC");
        fleet_fixture_stop();
        fleet_fixture_define("a", both, 2);
    }
    fleet_fixture_start(hypervisors, lines);
    fleet_fixture_wait(has_bmcs, &count, "so many BMCs");
}

static void take(const char *address, uint16_t port)
{
    union endpoint_address place;

    taken = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(endpoint_address_parse(address, port, &place), 0);
    assert_int_equal(bind(taken, &place.any, sizeof place.in), 0);
}

static void give_back(void)
{
    close(taken);
    taken = -1;
}

/* It is there, and really there: nobody else can have the place. */
static void assert_listens(const char *uuid, const char *where)
{
    struct instance *instance = fleet_fixture_bmc(uuid);
    char text[ENDPOINT_TEXT_SIZE];

    assert_non_null(instance);
    endpoint_address_format(instance_address(instance), text);
    assert_string_equal(text, where);
    assert_true(instance_is_listening(instance));
    assert_string_equal(instance_error(instance), "");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &instance_address(instance)->any, sizeof(struct sockaddr_in)), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(fd);
}

static void assert_says(const char *uuid, const char *why)
{
    struct instance *instance = fleet_fixture_bmc(uuid);

    assert_false(instance_is_listening(instance));
    if (!strstr(instance_error(instance), why))
        fail_msg("'%s' instead of '%s'", instance_error(instance), why);
}

static bool all_listen(void *context)
{
    const struct bmcset *set = fleet_bmcs(fixture_fleet);

    (void)context;
    for (size_t i = 0; i < set->count; i++) {
        if (!instance_is_listening(set->instances[i]))
            return false;
    }
    return true;
}

static void test_port_in_use(void **state)
{
    (void)state;
    take("127.0.0.1", 47300);
    start(alone, 2, "[bmc]\nports = 47300-47309\n");
    assert_says(G1, "127.0.0.1:47300: Address already in use");
    assert_listens(G2, "127.0.0.1:47301");
    give_back();
    fleet_fixture_wait(all_listen, NULL, "it listens by itself");
    assert_listens(G1, "127.0.0.1:47300");
}

static void test_address_that_is_not_there(void **state)
{
    (void)state;
    start(alone, 2, "[bmc]\naddress = 192.0.2.1\nports = 47300-47309\n");
    assert_says(G1, "192.0.2.1:47300: Cannot assign requested address");
    assert_says(G2, "no address of this machine");
    fleet_fixture_reload("[bmc]\naddress = 127.0.0.2\nports = 47300-47309\n");
    assert_listens(G1, "127.0.0.2:47300");
    assert_listens(G2, "127.0.0.2:47301");
}

static void test_shared_port_in_use(void **state)
{
    (void)state;
    take("0.0.0.0", 47310);
    start(alone, 2, "[bmc]\naddresses = 127.6.0.0/24\nport = 47310\n");
    assert_says(G1, "0.0.0.0:47310: Address already in use");
    assert_says(G2, "another program");
    give_back();
    fleet_fixture_reload("[bmc]\naddresses = 127.6.0.0/24\nport = 47310\n");
    assert_listens(G1, "127.6.0.1:47310");
    assert_listens(G2, "127.6.0.2:47310");
}

static void test_range_used_up(void **state)
{
    (void)state;
    start(alone, 2, "[bmc]\nports = 47300-47300\n");
    assert_listens(G1, "127.0.0.1:47300");
    assert_says(G2, "used up");
    assert_int_equal(fleet_fixture_delete(G1), 0);
    fleet_fixture_reload("[bmc]\nports = 47300-47300\n");
    assert_listens(G2, "127.0.0.1:47300");
}

/* Two sections change places, and a third place is moved to: all at once. */
static void test_reload_moves(void **state)
{
    (void)state;
    start(alone, 2,
          "[bmc]\nports = 47300-47309\n"
          "[domain g1]\nport = 47305\n[domain g2]\nport = 47306\n");
    assert_listens(G1, "127.0.0.1:47305");
    assert_listens(G2, "127.0.0.1:47306");
    fleet_fixture_reload("[bmc]\nports = 47300-47309\n"
                         "[domain g1]\nport = 47306\n[domain g2]\nport = 47305\n");
    assert_listens(G1, "127.0.0.1:47306");
    assert_listens(G2, "127.0.0.1:47305");
    fleet_fixture_reload("[bmc]\nports = 47300-47309\n"
                         "[domain g1]\nport = 47306\naddress = 127.0.0.3\n");
    assert_listens(G1, "127.0.0.3:47306");
    assert_listens(G2, "127.0.0.1:47305");
    fleet_fixture_reload("[bmc]\naddresses = 127.6.0.0/24\nport = 47310\n");
    assert_listens(G1, "127.6.0.1:47310");
    assert_listens(G2, "127.6.0.2:47310");
    fleet_fixture_reload("[bmc]\naddresses = 127.6.1.0/24\nport = 47311\n");
    assert_listens(G1, "127.6.1.1:47311");
    fleet_fixture_reload("[bmc]\nports = 47300-47309\n");
    assert_listens(G1, "127.0.0.1:47306");
}

static void test_sections_within_a_prefix(void **state)
{
    static const char lines[] = "[bmc]\naddresses = 127.6.0.0/24\nport = 47310\n"
                                "[domain g1]\naddress = 127.0.0.1\nport = 47320\n"
                                "[domain g2]\naddress = 127.0.0.4\n";

    (void)state;
    start(alone, 2, lines);
    assert_listens(G1, "127.0.0.1:47320");
    assert_listens(G2, "127.0.0.4:47310"); /* the shared socket has the port everywhere */
    fleet_fixture_reload("[bmc]\naddresses = 127.6.0.0/24\nport = 47310\n"
                         "[domain g1]\nport = 47321\n");
    assert_listens(G1, "127.6.0.1:47321");
    assert_listens(G2, "127.6.0.2:47310");
}

static void test_address_of_another(void **state)
{
    const struct service_addition addition = {.name = "g2", .port = 47300};

    (void)state;
    start(alone, 2, "[bmc]\nports = 47300-47309\n[domain g1]\nport = 47300\n");
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_int_equal(fleet_fixture_set_active(G2, true), -EIO);
    assert_non_null(strstr(fleet_fixture_text(), "address already used by g1"));
    assert_false(instance_record(fleet_fixture_bmc(G2))->active);
    assert_listens(G1, "127.0.0.1:47300");
}

/* What comes back from a deletion has a port of the range again. */
static void test_deleted_and_added(void **state)
{
    const struct service_addition addition = {.name = "g1"};

    (void)state;
    start(alone, 2, "[bmc]\nports = 47300-47309\n");
    assert_int_equal(fleet_fixture_delete(G1), 0);
    assert_int_equal(fleet_fixture_add(&addition), 0);
    assert_listens(G1, "127.0.0.1:47300");
    fleet_fixture_stop();
    fleet_fixture_start(alone, "[bmc]\nports = 47300-47309\n");
    assert_listens(G1, "127.0.0.1:47300");
}

static void test_deleted_and_added_as_openstack_does(void **state)
{
    static const char lines[] = "[bmc]\ndiscover = all\nports = 47300-47309\n";
    const struct service_addition addition = {.name = "g1"};

    (void)state;
    fleet_fixture_be_openstack();
    start(alone, 2, lines);
    assert_int_equal(fleet_fixture_delete(G1), 0);
    assert_int_equal(fleet_fixture_add(&addition), 0);
    struct instance *instance = fleet_fixture_bmc(G1);
    assert_false(instance_is_listening(instance));
    assert_false(instance_record(instance)->active);
    assert_int_equal(endpoint_address_port(instance_address(instance)), 623);
}

/* A section by name is for both who are called that; its port is the one's who has it. */
static void test_one_section_for_two(void **state)
{
    static const char *const other[][2] = {{"g1", B1}};
    static const char lines[] = "[bmc]\nports = 47300-47309\n[domain g1]\nport = 47305\n";

    (void)state;
    start(alone, 2, lines);
    assert_listens(G1, "127.0.0.1:47305");
    fleet_fixture_stop();
    fleet_fixture_define("b", other, 1);
    for (unsigned i = 0; i < 2; i++) {
        start(two, 3, lines);
        assert_listens(G1, "127.0.0.1:47305");
        assert_listens(B1, "127.0.0.1:47301"); /* G2 has the first */
        fleet_fixture_stop();
    }
}

/* A domain of the same name has come in its place while nobody looked. */
static void test_section_of_a_redefined_domain(void **state)
{
    static const char *const before[][2] = {{"g1", G1}}, *const after[][2] = {{"g1", B1}};
    static const char lines[] = "[bmc]\nports = 47300-47309\n[domain g1]\nport = 47305\n";

    (void)state;
    fleet_fixture_define("a", before, 1);
    start(alone, 1, lines);
    assert_listens(G1, "127.0.0.1:47305");
    fleet_fixture_stop();
    fleet_fixture_define("a", after, 1);
    fleet_fixture_start(alone, lines);
    for (unsigned i = 0; i < 2 || !fleet_fixture_bmc(B1); i++)
        uv_run(fleet_fixture_loop(), UV_RUN_ONCE);
    assert_null(fleet_fixture_bmc(G1));
    fleet_fixture_wait(all_listen, NULL, "it listens");
    assert_listens(B1, "127.0.0.1:47305");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_port_in_use),
        TEST(test_address_that_is_not_there),
        TEST(test_shared_port_in_use),
        TEST(test_range_used_up),
        TEST(test_reload_moves),
        TEST(test_sections_within_a_prefix),
        TEST(test_address_of_another),
        TEST(test_deleted_and_added),
        TEST(test_deleted_and_added_as_openstack_does),
        TEST(test_one_section_for_two),
        TEST(test_section_of_a_redefined_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
