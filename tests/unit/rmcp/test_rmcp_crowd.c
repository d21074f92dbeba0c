/* Many at once: floods of set-ups, and more sessions than there is room for. Clients are addresses
 * in memory; the time between their messages is the test's. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/rmcp/crowd.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/session_room.h"

static struct remote_console console;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    remote_console_init(&console);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    return 0;
}

static unsigned sessions(void)
{
    return rmcp_server_count_sessions(console.server);
}

static void come_from(const char *address, uint16_t port)
{
    assert_int_equal(endpoint_address_parse(address, port, &console.from.remote), 0);
}

/* ---- which one goes ---- */

static struct crowd_member member(const char *address, uint16_t port, uint64_t order)
{
    union endpoint_address remote;

    assert_int_equal(endpoint_address_parse(address, port, &remote), 0);
    return crowd_member(&remote, 4711, order);
}

static void test_choice(void **state)
{
    const struct crowd_member members[] = {
        member("192.0.2.1", 1, 1),
        member("192.0.2.2", 7, 8),
        member("192.0.2.2", 8, 3),
        member("192.0.2.2", 7, 5),
        member("2001:db8:0:1::1", 9, 10),
        member("2001:db8:0:1::2", 9, 11),
        member("2001:db8:0:1::3", 9, 9),
        member("2001:db8:0:1::4", 9, 12),
        {.order = CROWD_FREE},
    };

    (void)state;
    assert_int_equal(crowd_choose(members, 0), 0);
    assert_int_equal(crowd_choose(members + 8, 1), 1);
    assert_int_equal(crowd_choose(members, 1), 0);
    assert_int_equal(crowd_choose(members, 3), 2);                   /* the oldest of the most */
    assert_int_equal(crowd_choose(members, 4), 3);                   /* and of the port with most */
    assert_int_equal(crowd_choose(members, ARRAY_SIZE(members)), 6); /* a /64 is one source */
}

/* Among equals it is not one from where somebody has logged in of late. */
static void test_known_stay(void **state)
{
    struct crowd_member members[] = {
        member("192.0.2.1", 1, 1),
        member("192.0.2.2", 1, 2),
        member("192.0.2.3", 1, 3),
        member("192.0.2.1", 1, 4),
    };

    (void)state;
    members[0].is_known = members[3].is_known = true;
    assert_int_equal(crowd_choose(members, 3), 1);
    members[1].is_known = members[2].is_known = true;
    assert_int_equal(crowd_choose(members, 3), 0);
    members[1].is_known = members[2].is_known = false;
    assert_int_equal(crowd_choose(members, 4), 0); /* it has most */
}

/* Who has a /56 or a /48 has many /64s, and is one crowd all the same. */
static void test_networks(void **state)
{
    const struct crowd_member members[] = {
        member("192.0.2.1", 1, 1),        member("192.0.2.1", 2, 2),
        member("2001:db8:0:100::", 1, 5), member("2001:db8:0:1ff::", 1, 4),
        member("2001:db8:0:200::", 1, 3), member("2001:db8:1:1::", 1, 6),
        member("2001:db8:2:1:1::", 1, 7), member("2001:db8:0:200::9", 1, 8),
        member("2001:db8:0:201::", 1, 9),
    };

    (void)state;
    assert_int_equal(crowd_choose(members, 4), 0); /* two and two: the oldest */
    assert_int_equal(crowd_choose(members, 5), 3); /* a /48, and in it the /56 with most */
    assert_int_equal(crowd_choose(members, 7), 3);
    assert_int_equal(crowd_choose(members, 9), 4); /* in the /56 the /64 with most */
}

/* ---- floods of set-ups ---- */

#define STEP_MS       50 /* what an honest client's round trip takes */
#define FLOOD_A_STEP  45 /* 900 a second */
#define FLOOD_CLIENTS 30

static const struct flood {
    const char *name;
    const char *address; /* with one %u: another one for each packet */
    bool many_ports;
    bool challenge; /* goes on to RAKP 1 */
} floods[] = {
    {"one address and port", "192.0.2.66", false, false},
    {"one address, many ports", "192.0.2.66", true, false},
    {"the honest client's address", "192.0.2.1", false, false},
    {"the honest client's address, many ports", "192.0.2.1", true, false},
    {"many addresses", "10.0.%u.%u", true, false},
    {"one /64", "2001:db8::%x:%x", true, false},
    {"one address that goes on to RAKP 1", "192.0.2.66", true, true},
    {"one /56 that goes on to RAKP 1", "2001:db8:0:%2$x::%1$x", true, true},
    {"one /48 that goes on to RAKP 1", "2001:db8:0:%2$x%1$02x::", true, true},
};

static void send_flood(const struct flood *flood, unsigned *number)
{
    struct remote_console honest = console;
    char address[64];

    for (unsigned i = 0; i < FLOOD_A_STEP; i++, ++*number) {
        unsigned high = *number / 250, low = *number % 250;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(address, sizeof address, flood->address, high, low);
#pragma GCC diagnostic pop
        come_from(address, flood->many_ports ? (uint16_t)(1024 + *number % 60000) : 1024);
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        if (flood->challenge)
            assert_int_equal(remote_console_rakp1(&console, "guess", CONSOLE_ROLE), RAKP_OK);
    }
    honest.ids = console.ids;
    console = honest;
}

/* Each step of an honest log-in comes one round trip after the one before, all the flood between.
 */
static void test_floods(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_SIZE(floods); f++) {
        unsigned number = 0, succeeded = 0;
        remote_console_restart(&console);
        for (unsigned i = 0; i < 20; i++) /* the table is full of it */
            send_flood(&floods[f], &number);
        for (unsigned i = 0; i < FLOOD_CLIENTS; i++) {
            come_from("192.0.2.1", (uint16_t)(63000 + i));
            int status = remote_console_open(&console, 3);
            console.now_ms += STEP_MS;
            send_flood(&floods[f], &number);
            if (status == RAKP_OK)
                status = remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE);
            console.now_ms += STEP_MS;
            send_flood(&floods[f], &number);
            if (status == RAKP_OK)
                status = remote_console_rakp3(&console);
            succeeded += status == RAKP_OK;
        }
        print_message("flood from %s: %u of %u log-ins\n", floods[f].name, succeeded,
                      FLOOD_CLIENTS);
        assert_int_equal(succeeded, FLOOD_CLIENTS);
    }
}

/* One datagram to each of thousands of BMCs takes no more than a few places of each. */
static void test_few_openings_are_small(void **state)
{
    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    size_t before = mallinfo2().uordblks;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_in_range(mallinfo2().uordblks - before, 0, 2048);
    for (unsigned i = 0; i < 2 * CROWD_MAX; i++)
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(openings_count(console.server->openings), CROWD_MAX);
    assert_in_range(mallinfo2().uordblks - before, 0, 128 * 1024);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_in_range(mallinfo2().uordblks - before, 0, 1024);
}

/* Half-open ones push out each other and no session. */
static void test_flood_and_session(void **state)
{
    unsigned number = 0;

    (void)state;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    for (unsigned i = 0; i < 100; i++)
        send_flood(&floods[i % ARRAY_SIZE(floods)], &number);
    assert_true(openings_count(console.server->openings) <= CROWD_MAX);
    assert_int_equal(session_table_count_half_open(console.server->sessions),
                     RMCP_HALF_OPEN_MAX_DEFAULT);
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(openings_count(console.server->openings), 0);
    assert_int_equal(session_table_count_half_open(console.server->sessions), 0);
}

static void weighs(const struct endpoint *from, const uint8_t *bytes, int size,
                   enum rmcp_sender sender, unsigned work)
{
    struct rmcp_weight weight = rmcp_server_weigh(console.server, from, bytes, (size_t)size);

    assert_int_equal(weight.sender, sender);
    assert_int_equal(weight.work, work);
}

/* Who has shown that he is there: sessions, and who brings back the id that it was given. */
static void test_who_sends(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX], payload[44] = {0};
    struct wire_out out = wire_out_init(payload + 4, 4);
    struct endpoint stranger = console.from;

    (void)state;
    come_from("192.0.2.1", 1000);
    assert_int_equal(endpoint_address_parse("192.0.2.2", 1000, &stranger.remote), 0);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    wire_put_u32(&out, console.exchange.bmc_id);
    int size = rmcpplus_build(PAYLOAD_RAKP1, payload, sizeof payload, bytes, sizeof bytes);
    weighs(&console.from, bytes, size, RMCP_PROVEN, RMCP_WORK_RAKP1);
    weighs(&stranger, bytes, size, RMCP_STRANGER, RMCP_WORK_RAKP1);
    for (int length = 0; length < 24; length++)
        weighs(&console.from, bytes, length, RMCP_STRANGER, RMCP_WORK_LEAST);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    size = rmcpplus_build(PAYLOAD_RAKP3, payload, sizeof payload, bytes, sizeof bytes);
    weighs(&console.from, bytes, size, RMCP_PROVEN, RMCP_WORK_RAKP3);
    weighs(&stranger, bytes, size, RMCP_STRANGER, RMCP_WORK_RAKP3);
    /* Not without end. */
    for (unsigned i = 0; i < OPENING_MESSAGES_MAX; i++)
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    weighs(&console.from, bytes, size, RMCP_STRANGER, RMCP_WORK_RAKP3);
    size = rmcpplus_build(PAYLOAD_OPEN_SESSION_REQUEST, payload, 32, bytes, sizeof bytes);
    weighs(&console.from, bytes, size, RMCP_STRANGER, RMCP_WORK_OPEN);
    bytes[6] = 1; /* a session id in the header */
    weighs(&stranger, bytes, size, RMCP_IN_SESSION, 0);
}

/* What costs the BMC more is to cost its sender more. */
static void test_work(void **state)
{
    static const uint8_t ping[] = {6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 0, 0, 0};
    static const uint8_t get_capabilities[] = {0x06, 0,    0xff, 0x07, 0,    0, 0,    0,
                                               0,    0,    0,    0,    0,    9, 0x20, 0x18,
                                               0xc8, 0x81, 0,    0x38, 0x0e, 4, 0x35};

    (void)state;
    weighs(&console.from, ping, sizeof ping, RMCP_STRANGER, RMCP_WORK_LEAST);
    weighs(&console.from, get_capabilities, sizeof get_capabilities, RMCP_STRANGER,
           RMCP_WORK_LEAST);
    assert_true(RMCP_WORK_LEAST < RMCP_WORK_OPEN && RMCP_WORK_OPEN < RMCP_WORK_RAKP1);
    assert_true(RMCP_WORK_RAKP1 < RMCP_WORK_RAKP3);
}

/* ---- more sessions than there is room for ---- */

static int log_in(const char *address)
{
    come_from(address, 1000);
    console.now_ms += 10;
    return remote_console_login(&console, 3, CONSOLE_ROLE);
}

static int log_in_as(const char *name, const char *address)
{
    int status;

    come_from(address, 1000);
    console.now_ms += 10;
    status = remote_console_open(&console, 3);
    if (status == RAKP_OK)
        status = remote_console_rakp1(&console, name, 0x12);
    return status == RAKP_OK ? remote_console_rakp3(&console) : status;
}

static unsigned logins(int (*one)(const char *address), const char *address, unsigned times)
{
    unsigned succeeded = 0;

    for (unsigned i = 0; i < times; i++)
        succeeded += one(address) == RAKP_OK;
    return succeeded;
}

static int log_in_low(const char *address)
{
    return log_in_as("low", address);
}

static int log_in_mean(const char *address)
{
    return log_in_as("mean", address);
}

/* A client that is killed each time leaves a session each time. */
static void test_killed_clients(void **state)
{
    (void)state;
    users_add(&console.users, "mean", CONSOLE_PASSWORD, PRIVILEGE_OPERATOR);
    assert_int_equal(logins(log_in_mean, "192.0.2.66", RMCP_ACTIVE_MAX_DEFAULT), 16);
    assert_int_equal(log_in_mean("192.0.2.66"), RAKP_NO_RESOURCES);
    /* Others get in at once, that one as soon as it has idle ones. */
    assert_int_equal(log_in("192.0.2.1"), RAKP_OK);
    assert_int_equal(log_in("2001:db8::1"), RAKP_OK);
    struct remote_console mine = console;
    console.now_ms += SESSION_ROOM_IDLE_MS;
    console.from = mine.from;
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
    assert_int_equal(logins(log_in_mean, "192.0.2.66", 16), 16);
    assert_int_equal(sessions(), 18);
    assert_int_equal(log_in_mean("192.0.2.66"), RAKP_NO_RESOURCES); /* all young again */
    mine.ids = console.ids;
    mine.now_ms = console.now_ms;
    mine.sequence++;
    mine.rq_seq++;
    console = mine;
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

/* An administrator gets in however many there are, all of them at work: for his own oldest where
 * his source has its share, else for one of a lesser user's. */
static void test_administrator_gets_in(void **state)
{
    uint32_t first = 0;

    (void)state;
    users_add(&console.users, "low", CONSOLE_PASSWORD, PRIVILEGE_USER);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(log_in("192.0.2.66"), RAKP_OK);
        first = i == 0 ? console.exchange.bmc_id : first;
    }
    assert_non_null(session_table_find_active(console.server->sessions, first));
    assert_int_equal(log_in("192.0.2.66"), RAKP_OK);
    assert_int_equal(sessions(), 32);
    assert_null(session_table_find_active(console.server->sessions, first));
    assert_int_equal(logins(log_in, "192.0.2.67", 7), 7);
    assert_int_equal(log_in_low("192.0.2.68"), RAKP_OK);
    uint32_t low = console.exchange.bmc_id;
    assert_int_equal(sessions(), RMCP_ACTIVE_MAX_DEFAULT);
    assert_int_equal(log_in_low("192.0.2.68"), RAKP_NO_RESOURCES);
    assert_int_equal(log_in("192.0.2.1"), RAKP_OK);
    assert_null(session_table_find_active(console.server->sessions, low));
    assert_int_equal(logins(log_in, "192.0.2.2", 100), 100);
    assert_int_equal(sessions(), RMCP_ACTIVE_MAX_DEFAULT);
}

/* The one that has been idle longest goes; of the crowd, not of others. */
static void test_longest_idle_goes(void **state)
{
    uint32_t ids[RMCP_ACTIVE_MAX_DEFAULT];
    unsigned count = 0;

    (void)state;
    assert_int_equal(log_in("192.0.2.1"), RAKP_OK); /* the oldest of all */
    ids[count++] = console.exchange.bmc_id;
    for (; count < RMCP_ACTIVE_MAX_DEFAULT; count++) {
        assert_int_equal(log_in(count % 2 ? "192.0.2.66" : "192.0.2.67"), RAKP_OK);
        ids[count] = console.exchange.bmc_id;
    }
    console.now_ms += SESSION_ROOM_IDLE_MS;
    assert_int_equal(log_in("192.0.2.9"), RAKP_OK);
    assert_int_equal(sessions(), RMCP_ACTIVE_MAX_DEFAULT);
    assert_non_null(session_table_find_active(console.server->sessions, ids[0]));
    assert_null(session_table_find_active(console.server->sessions, ids[1]));
    assert_non_null(session_table_find_active(console.server->sessions, ids[2]));
}

static bool everything_is_in_use(void *context, uint32_t session)
{
    (void)context;
    (void)session;
    return true;
}

static unsigned told_failures;

static void on_login_failed(void *context, uint8_t user_id)
{
    (void)context;
    (void)user_id;
    told_failures++;
}

/* Sessions with SOL stay, however idle; and a right password without room is no failed log-in. */
static void test_in_use_stays(void **state)
{
    static const struct rmcp_session_events events = {.in_use = everything_is_in_use};

    (void)state;
    told_failures = 0;
    console.config.events = &events;
    console.config.login_failed = on_login_failed;
    remote_console_restart(&console);
    assert_int_equal(logins(log_in, "192.0.2.66", 32), 32);
    console.now_ms += SESSION_ROOM_IDLE_MS;
    assert_int_equal(log_in("192.0.2.66"), RAKP_NO_RESOURCES);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
    assert_int_equal(sessions(), 32);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(told_failures, 0);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, 0);
}

/* The lowest users, from wherever, cannot keep an administrator out, who also comes from there. */
static void test_lowest_users(void **state)
{
    (void)state;
    users_add(&console.users, "low", CONSOLE_PASSWORD, PRIVILEGE_USER);
    users_add(&console.users, "mean", CONSOLE_PASSWORD, PRIVILEGE_OPERATOR);
    assert_int_equal(logins(log_in_low, "192.0.2.66", 50), 16);
    assert_int_equal(logins(log_in_low, "192.0.2.67", 50), 8);
    assert_int_equal(logins(log_in_low, "192.0.2.68", 50), 0);
    assert_int_equal(logins(log_in_mean, "192.0.2.69", 50), 8);
    assert_int_equal(sessions(), 32);
    assert_int_equal(logins(log_in, "192.0.2.66", 8), 8);
    /* What they leave idle is taken from them. */
    console.now_ms += SESSION_ROOM_IDLE_MS;
    assert_int_equal(log_in_mean("192.0.2.70"), RAKP_OK);
    assert_int_equal(logins(log_in, "192.0.2.1", 20), 20);
    assert_int_equal(sessions(), RMCP_ACTIVE_MAX_DEFAULT);
}

/* Time alone makes room as before. */
static void test_expiry_makes_room(void **state)
{
    (void)state;
    logins(log_in, "192.0.2.66", 32);
    console.now_ms += RMCP_IDLE_MS_DEFAULT;
    assert_int_equal(log_in("192.0.2.66"), RAKP_OK);
    assert_int_equal(sessions(), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_choice),
        TEST(test_known_stay),
        TEST(test_networks),
        TEST(test_floods),
        TEST(test_flood_and_session),
        TEST(test_few_openings_are_small),
        TEST(test_who_sends),
        TEST(test_work),
        TEST(test_killed_clients),
        TEST(test_administrator_gets_in),
        TEST(test_longest_idle_goes),
        TEST(test_in_use_stays),
        TEST(test_lowest_users),
        TEST(test_expiry_makes_room),
    };

    return cmocka_run_group_tests_name("rmcp crowds", tests, NULL, NULL);
}
