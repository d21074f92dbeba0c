/* Session set-up: choice of algorithms, names, privileges, Kg, repeats, limits, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/opening.h"

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

static unsigned half_open(void)
{
    return session_table_count_half_open(console.server->sessions) +
           openings_count(console.server->openings);
}

static void test_algorithms(void **state)
{
    static const struct {
        uint8_t authentication, integrity, confidentiality;
        int status;
    } cases[] = {
        {1, 1, 1, RAKP_OK},
        {3, 4, 1, RAKP_OK},
        {0, 0, 0, RAKP_NO_CIPHER_SUITE},
        {1, 0, 0, RAKP_NO_CIPHER_SUITE},
        {1, 1, 0, RAKP_NO_CIPHER_SUITE},
        {1, 1, 2, RAKP_NO_CIPHER_SUITE},
        {1, 1, 3, RAKP_NO_CIPHER_SUITE},
        {2, 2, 1, RAKP_NO_CIPHER_SUITE},
        {2, 3, 1, RAKP_NO_CIPHER_SUITE},
        {1, 4, 1, RAKP_NO_CIPHER_SUITE},
        {3, 1, 1, RAKP_NO_CIPHER_SUITE},
        {4, 1, 1, RAKP_INVALID_AUTHENTICATION_ALGORITHM},
        {0x3f, 1, 1, RAKP_INVALID_AUTHENTICATION_ALGORITHM},
        {1, 5, 1, RAKP_INVALID_INTEGRITY_ALGORITHM},
        {1, 0x3f, 1, RAKP_INVALID_INTEGRITY_ALGORITHM},
        {1, 1, 4, RAKP_INVALID_CONFIDENTIALITY_ALGORITHM},
        {1, 1, 0x3f, RAKP_INVALID_CONFIDENTIALITY_ALGORITHM},
        {CIPHER_ANY, CIPHER_ANY, CIPHER_ANY, RAKP_OK},
        {CIPHER_ANY, 1, CIPHER_ANY, RAKP_OK},
        {CIPHER_ANY, 2, CIPHER_ANY, RAKP_NO_CIPHER_SUITE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = remote_console_open_algorithms(&console, cases[i].authentication,
                                                    cases[i].integrity, cases[i].confidentiality);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(console.last.length, 16 + (status == RAKP_OK ? 36 : 8));
    }
    /* The strongest where the BMC may choose: suite 17. */
    remote_console_open_algorithms(&console, CIPHER_ANY, CIPHER_ANY, CIPHER_ANY);
    assert_int_equal(console.last.bytes[32], 3);
    assert_int_equal(console.last.bytes[40], 4);
    assert_int_equal(console.last.bytes[48], 1);
    assert_int_equal(console.last.bytes[18], PRIVILEGE_ADMINISTRATOR);
}

/* Every byte of an Open Session Request at every value: an answer of the right shape or none. */
static void test_open_fields(void **state)
{
    static const uint8_t good[32] = {9, 0, 0, 0, 0xa4, 0xa3, 0xa2, 0xa0, 0, 0, 0, 8, 1, 0, 0, 0,
                                     1, 0, 0, 8, 1,    0,    0,    0,    2, 0, 0, 8, 1, 0, 0, 0};
    uint8_t payload[33] = {0};

    (void)state;
    for (size_t at = 0; at < sizeof good; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(payload, good, sizeof good);
            payload[at] = (uint8_t)value;
            int status =
                remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32);
            assert_true(status <= RAKP_ILLEGAL_PARAMETER);
            assert_int_equal(console.last.bytes[16], payload[0]);
            assert_memory_equal(console.last.bytes + 20, payload + 4, 4);
            assert_int_equal(console.last.length, 16 + (status == RAKP_OK ? 36 : 8));
        }
    }
    memcpy(payload, good, sizeof good);
    payload[8] = 1;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_NO_AUTHENTICATION_PAYLOAD);
    payload[8] = 0;
    payload[19] = 7;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_NO_INTEGRITY_PAYLOAD);
    memset(payload + 4, 0, 4);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, 32),
                     RAKP_INVALID_SESSION_ID);
    memcpy(payload, good, sizeof good);
    for (size_t length = 0; length <= sizeof payload; length++) {
        int status =
            remote_console_send_clear(&console, PAYLOAD_OPEN_SESSION_REQUEST, payload, length);
        assert_int_equal(status, length == 32 ? RAKP_OK : CONSOLE_NO_ANSWER);
    }
}

static void test_open_role(void **state)
{
    (void)state;
    console.channel.limit = PRIVILEGE_OPERATOR;
    for (uint8_t role = 0; role <= PRIVILEGE_OPERATOR; role++) {
        console.open_role = role;
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(console.last.bytes[18], PRIVILEGE_OPERATOR);
    }
    console.open_role = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    console.open_role = PRIVILEGE_OEM;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    console.open_role = 6;
    assert_int_equal(remote_console_open(&console, 3), RAKP_INVALID_ROLE);
    console.open_role = 0;
    console.channel.limit = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
}

static void test_random_fails(void **state)
{
    (void)state;
    console.random_fails = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_NO_RESOURCES);
    console.random_fails = false;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    console.random_fails = true;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_NO_RESOURCES);
    console.random_fails = false;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
}

/* Session ids are not 0 and not in use, whatever random says. */
static void test_session_id(void **state)
{
    (void)state;
    console.ids = 0 - CONSOLE_BMC_ID; /* random says 0 */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.exchange.bmc_id, 1);
    console.ids = 1 - CONSOLE_BMC_ID; /* and 1 again */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.exchange.bmc_id, 2);
}

static void test_rakp1_role(void **state)
{
    static const struct {
        uint8_t role;
        int status;
        enum privilege maximum;
    } cases[] = {
        {0x10, RAKP_OK, PRIVILEGE_OPERATOR},
        {0x11, RAKP_OK, PRIVILEGE_CALLBACK},
        {0x12, RAKP_OK, PRIVILEGE_USER},
        {0x13, RAKP_OK, PRIVILEGE_OPERATOR},
        {0x14, RAKP_INVALID_ROLE, 0},
        {0x15, RAKP_INVALID_ROLE, 0},
        {0x16, RAKP_INVALID_ROLE, 0},
        {0x1f, RAKP_INVALID_ROLE, 0},
        {0x00, RAKP_OK, PRIVILEGE_OPERATOR}, /* by name and privilege */
        {0x03, RAKP_OK, PRIVILEGE_OPERATOR},
        {0xf3, RAKP_OK, PRIVILEGE_OPERATOR}, /* reserved bits count in the codes only */
    };

    (void)state;
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_OPERATOR;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        remote_console_restart(&console);
        assert_int_equal(remote_console_login(&console, 3, cases[i].role), cases[i].status);
        if (cases[i].status != RAKP_OK)
            continue;
        assert_true(remote_console_checks_rakp4(&console));
        struct session *session =
            session_table_find_active(console.server->sessions, console.exchange.bmc_id);
        assert_int_equal(session->maximum, cases[i].maximum);
        assert_int_equal(session->privilege,
                         cases[i].maximum < PRIVILEGE_USER ? cases[i].maximum : PRIVILEGE_USER);
    }
}

/* Role 0 takes what the Open Session Request asked for. */
static void test_open_role_bounds(void **state)
{
    (void)state;
    console.open_role = PRIVILEGE_USER;
    assert_int_equal(remote_console_login(&console, 3, 0x10), RAKP_OK);
    assert_int_equal(session_table_find_nth(console.server->sessions, 1)->maximum, PRIVILEGE_USER);
}

/* A name that does not exist looks like one whose password is wrong. */
static void assert_nobody(const char *name, uint8_t role)
{
    uint64_t failures = rmcp_server_counters(console.server)->login_failures;

    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, name, role), RAKP_OK);
    assert_int_equal(console.last.length, 16 + 40 + 20);
    assert_false(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, failures + 1);
    assert_int_equal(rmcp_server_count_sessions(console.server), 0);
    /* The set-up is gone with the first wrong guess. */
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

static void test_unknown_names(void **state)
{
    (void)state;
    assert_nobody("nobody", CONSOLE_ROLE);
    assert_nobody("", CONSOLE_ROLE);
    assert_nobody("sixteen-chars-ab", CONSOLE_ROLE);
    assert_nobody(CONSOLE_NAME, 0x03); /* by name and privilege: its limit is another */
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_NO_ACCESS;
    assert_nobody(CONSOLE_NAME, 0x12);
    console.users.by_id[USER_ID_FIRST].limit = PRIVILEGE_ADMINISTRATOR;
    console.users.by_id[USER_ID_FIRST].enabled = false;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].enabled = true;
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_LINK;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_IPMI;
    console.users.by_id[USER_ID_FIRST].password_length = USER_PASSWORD_MAX + 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.users.by_id[USER_ID_FIRST].password_length = strlen(CONSOLE_PASSWORD);
    console.kuid[0] ^= 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.kuid[0] ^= 1;
    /* Not even who knows the key of nobody gets in. */
    memset(console.kuid, 0x5a, sizeof console.kuid);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, "nobody", CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
}

static unsigned told_failures;
static uint8_t told_user;

static void on_login_failed(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &console);
    told_failures++;
    told_user = user_id;
}

static int send_rakp3_status(uint8_t status)
{
    uint8_t payload[8] = {console.tag, status};

    memcpy(payload + 4, &console.exchange.bmc_id, 4); /* least byte first, as this machine has it */
    return remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, sizeof payload);
}

/* Whoever keeps the event log is told, also when the console itself finds out. */
static void test_failures_are_told(void **state)
{
    (void)state;
    told_failures = 0;
    console.config.login_failed = on_login_failed;
    console.config.login_context = &console;
    remote_console_restart(&console);
    assert_nobody("nobody", CONSOLE_ROLE);
    assert_int_equal(told_failures, 1);
    assert_int_equal(told_user, 0);
    console.kuid[0] ^= 1;
    assert_nobody(CONSOLE_NAME, CONSOLE_ROLE);
    console.kuid[0] ^= 1;
    assert_int_equal(told_failures, 2);
    assert_int_equal(told_user, USER_ID_FIRST);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(send_rakp3_status(RAKP_INVALID_INTEGRITY_CHECK_VALUE), CONSOLE_NO_ANSWER);
    assert_int_equal(told_failures, 3);
    /* ipmitool and FreeIPMI just stop there. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT - 1;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(told_failures, 3);
    rmcp_server_tick(console.server, ++console.now_ms);
    assert_int_equal(told_failures, 4);
    told_failures = 3;
    /* Who asks for nobody's challenge has not tried to log in. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(told_failures, 3);
    /* Nor has who logs in. */
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_failures, 3);
}

/* Who has got RAKP 2 can guess at leisure, and cannot keep it a secret: not by whatever status, not
 * by pushing the session out, not by having it closed. */
static void test_failures_cannot_be_hidden(void **state)
{
    (void)state;
    told_failures = 0;
    console.config.login_failed = on_login_failed;
    console.config.login_context = &console;
    remote_console_restart(&console);
    for (unsigned status = 1; status < 256; status++) {
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
        assert_int_equal(send_rakp3_status((uint8_t)status), CONSOLE_NO_ANSWER);
        assert_int_equal(told_failures, status);
    }
    told_failures = 0;
    for (unsigned i = 0; i < RMCP_HALF_OPEN_MAX_DEFAULT + 100; i++) {
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    }
    assert_int_equal(told_failures, 100);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(told_failures, 100);
    rmcp_server_end_all_sessions(console.server);
    assert_int_equal(told_failures, 100 + RMCP_HALF_OPEN_MAX_DEFAULT);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, 255 + told_failures);
    assert_int_equal(half_open(), 0);
}

/* A channel that clients have closed, or limited by suite. */
static void test_channel_access(void **state)
{
    struct channel *channel = &console.channel;

    (void)state;
    channel->is_closed = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE),
                     RAKP_UNAUTHORIZED_ROLE);
    channel->is_closed = false;
    channel->suite_limits[3] = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_open(&console, 3), RAKP_NO_CIPHER_SUITE);
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    channel->suite_limits[3] = PRIVILEGE_OPERATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(console.last.bytes[18], PRIVILEGE_OPERATOR);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_INVALID_ROLE);
    console.open_role = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(remote_console_open(&console, 3), RAKP_UNAUTHORIZED_ROLE);
    assert_int_equal(remote_console_open(&console, 17), RAKP_OK);
    console.open_role = PRIVILEGE_OPERATOR;
    assert_int_equal(remote_console_login(&console, 3, 0x10 | PRIVILEGE_OPERATOR), RAKP_OK);
}

/* What a client changes of the channel between RAKP 1 and RAKP 3 holds for that log-in too. */
static void test_channel_changes_meanwhile(void **state)
{
    struct channel *channel = &console.channel;

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->is_closed = true;
    told_failures = 0;
    assert_int_equal(remote_console_rakp3(&console), RAKP_UNAUTHORIZED_ROLE);
    assert_int_equal(told_failures, 0); /* the password was right */
    channel->is_closed = false;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
    assert_int_equal(half_open(), 0);
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->suite_limits[3] = PRIVILEGE_NO_ACCESS;
    assert_int_equal(remote_console_rakp3(&console), RAKP_UNAUTHORIZED_ROLE);
    channel->suite_limits[3] = PRIVILEGE_HIGHEST;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    channel->limit = PRIVILEGE_CALLBACK;
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    struct session *session =
        session_table_find_active(console.server->sessions, console.exchange.bmc_id);
    assert_int_equal(session->maximum, PRIVILEGE_CALLBACK);
    assert_int_equal(session->privilege, PRIVILEGE_CALLBACK);
}

static unsigned told_logins;
static bool is_locked_out;

static void on_logged_in(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &console);
    told_logins++;
    told_user = user_id;
}

static bool check_locked_out(void *context, uint8_t user_id)
{
    assert_ptr_equal(context, &console);
    return user_id == USER_ID_FIRST && is_locked_out;
}

/* Who is locked out gets what a wrong password gets. */
static void test_locked_out(void **state)
{
    (void)state;
    told_failures = told_logins = 0;
    is_locked_out = false;
    console.config.login_failed = on_login_failed;
    console.config.logged_in = on_logged_in;
    console.config.is_locked_out = check_locked_out;
    console.config.login_context = &console;
    remote_console_restart(&console);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_logins, 1);
    assert_int_equal(told_user, USER_ID_FIRST);
    is_locked_out = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_false(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_int_equal(told_failures, 1);
    /* The level that is too high is still told, and locked out between RAKP 1 and 3 is too late. */
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, 0x15), RAKP_INVALID_ROLE);
    is_locked_out = false;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    is_locked_out = true;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    is_locked_out = false;
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(told_logins, 2);
}

/* A user disabled or changed between RAKP 1 and 3 does not get in. */
static void test_user_changes(void **state)
{
    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.users.by_id[USER_ID_FIRST].enabled = false;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    console.users.by_id[USER_ID_FIRST].enabled = true;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    rmcp_server_user_changed(console.server, USER_ID_FIRST, 0);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

/* So many sessions at a time, and no failed log-in where there are more. */
static void test_session_limit(void **state)
{
    (void)state;
    console.users.by_id[USER_ID_FIRST].sessions = 2;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    uint32_t first = console.exchange.bmc_id;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_NO_RESOURCES);
    assert_int_equal(rmcp_server_counters(console.server)->login_failures, 0);
    assert_int_equal(rmcp_server_close_session(console.server, first), 0);
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
}

/* An account that is restricted to Callback on connections that are not called back. */
static void test_callback_only(void **state)
{
    (void)state;
    console.users.by_id[USER_ID_FIRST].access = USER_ACCESS_IPMI | USER_ACCESS_CALLBACK;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_INVALID_ROLE);
    assert_int_equal(remote_console_login(&console, 3, 0x11), RAKP_OK);
}

/* The name field of RAKP 1: length byte and payload length against each other. */
static void test_name_lengths(void **state)
{
    uint8_t payload[64] = {0};

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    struct wire_out out = wire_out_init(payload, sizeof payload);
    wire_put_zeros(&out, 4);
    wire_put_u32(&out, console.exchange.bmc_id);
    payload[24] = CONSOLE_ROLE;
    for (unsigned name_length = 17; name_length < 256; name_length++) {
        payload[27] = (uint8_t)name_length;
        assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, 44),
                         RAKP_INVALID_NAME_LENGTH);
    }
    payload[27] = 5;
    memcpy(payload + 28, CONSOLE_NAME, 5);
    for (size_t length = 0; length < 60; length++) {
        remote_console_open(&console, 3);
        out = wire_out_init(payload + 4, 4);
        wire_put_u32(&out, console.exchange.bmc_id);
        int status = remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, length);
        assert_int_equal(status, length >= 33 && length <= 44 ? RAKP_OK : CONSOLE_NO_ANSWER);
    }
    payload[4] ^= 0xff;
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, 44),
                     RAKP_INVALID_SESSION_ID);
}

/* ipmitool -o i82571spt sends the name padded to 16; byte 27 counts. */
static void test_padded_name(void **state)
{
    uint8_t payload[44] = {0};
    struct wire_out out = wire_out_init(payload, sizeof payload);

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    wire_put_zeros(&out, 4);
    wire_put_u32(&out, console.exchange.bmc_id);
    wire_put_bytes(&out, console.exchange.rm, 16);
    wire_put_u32(&out, CONSOLE_ROLE | 5u << 24);
    wire_put_bytes(&out, CONSOLE_NAME, 5);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP1, payload, sizeof payload),
                     RAKP_OK);
    assert_true(remote_console_checks_rakp2(&console));
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
}

static void test_kg(void **state)
{
    (void)state;
    console.channel.has_kg = true;
    memcpy(console.channel.kg, "kg-secret-20-bytes!!", CHANNEL_KG_SIZE);
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_false(remote_console_checks_rakp4(&console)); /* the console used its password */
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CONSOLE_NO_ANSWER);
    memcpy(console.kg, console.channel.kg, sizeof console.kg);
    assert_int_equal(remote_console_login(&console, 17, CONSOLE_ROLE), RAKP_OK);
    assert_true(remote_console_checks_rakp4(&console));
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

static void test_repeated_rakp1(void **state)
{
    struct remote_console_datagram first;

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    first = console.last;
    console.tag = 77;
    console.random_fails = true; /* nothing new is made */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(console.last.bytes[16], 77);
    assert_memory_equal(console.last.bytes + 17, first.bytes + 17, first.length - 17);
    console.random_fails = false;
    /* Another role or name is not a repeat. */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, 0x13), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, "admim", CONSOLE_ROLE), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    /* And after RAKP 3 none is taken. */
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), CONSOLE_NO_ANSWER);
}

static void test_repeated_rakp3(void **state)
{
    struct remote_console_datagram first;

    (void)state;
    assert_int_equal(remote_console_login(&console, 3, CONSOLE_ROLE), RAKP_OK);
    first = console.last;
    console.tag = 78;
    assert_int_equal(remote_console_rakp3(&console), RAKP_OK);
    assert_memory_equal(console.last.bytes + 17, first.bytes + 17, first.length - 17);
    assert_int_equal(rmcp_server_count_sessions(console.server), 1);
    console.kuid[0] ^= 1;
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    console.kuid[0] ^= 1;
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_command(&console, NETFN_APP, 1, NULL, 0), CC_SUCCESS);
}

static void test_rakp3_out_of_turn(void **state)
{
    uint8_t payload[28] = {0, 1}; /* the console's status: it gave up */
    struct wire_out out = wire_out_init(payload + 4, 4);

    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(remote_console_rakp3(&console), CONSOLE_NO_ANSWER);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    wire_put_u32(&out, console.exchange.bmc_id);
    assert_int_equal(remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, 8),
                     CONSOLE_NO_ANSWER);
    assert_int_equal(half_open(), 0);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

static void test_rakp3_lengths(void **state)
{
    uint8_t payload[64] = {0};
    struct wire_out out = wire_out_init(payload + 4, 4);

    (void)state;
    for (size_t length = 0; length < 60; length++) {
        remote_console_restart(&console);
        assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
        assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
        out.pos = 0;
        wire_put_u32(&out, console.exchange.bmc_id);
        rakp_code3(console.crypto, &console.exchange, console.kuid, payload + 8);
        int status = remote_console_send_clear(&console, PAYLOAD_RAKP3, payload, length);
        assert_int_equal(status, length < 8     ? CONSOLE_NO_ANSWER
                                 : length == 28 ? RAKP_OK
                                                : RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    }
}

static void test_half_open_expires(void **state)
{
    (void)state;
    assert_int_equal(remote_console_open(&console, 3), RAKP_OK);
    assert_int_equal(rmcp_server_next_deadline(console.server),
                     console.now_ms + RMCP_HALF_OPEN_MS_DEFAULT);
    console.now_ms += RMCP_HALF_OPEN_MS_DEFAULT - 1;
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.now_ms += 1;
    rmcp_server_tick(console.server, console.now_ms);
    assert_int_equal(half_open(), 0);
    assert_int_equal(rmcp_server_next_deadline(console.server), UINT64_MAX);
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_SESSION_ID);
}

/* Set-up messages carry session id 0 and no flags; answers are not requests. */
static void test_setup_headers(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    uint8_t payload[32] = {0};

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        int size = rmcpplus_build((uint8_t)type, payload, sizeof payload, bytes, sizeof bytes);
        size_t due =
            type == PAYLOAD_OPEN_SESSION_REQUEST || type == PAYLOAD_RAKP1 || type == PAYLOAD_RAKP3
                ? 1
                : 0;
        assert_int_equal(remote_console_send(&console, bytes, (size_t)size), due);
        bytes[6] = 1;
        assert_int_equal(remote_console_send(&console, bytes, (size_t)size), 0);
    }
}

static void test_configuration(void **state)
{
    struct rmcp_config config = console.config;

    (void)state;
    config.users = NULL;
    assert_null(rmcp_server_new(&config));
    config = console.config;
    config.active_max = RMCP_ACTIVE_MAX + 1;
    assert_null(rmcp_server_new(&config));
    config = console.config;
    console.random_fails = true;
    assert_null(rmcp_server_new(&config));
    config.random = NULL; /* OpenSSL's */
    struct rmcp_server *server = rmcp_server_new(&config);
    assert_non_null(server);
    rmcp_server_free(server);
    for (int reason = 0; reason < RMCP_DROP_COUNT; reason++)
        assert_non_null(rmcp_drop_name(reason));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_algorithms),        TEST(test_open_fields),
        TEST(test_open_role),         TEST(test_random_fails),
        TEST(test_session_id),        TEST(test_rakp1_role),
        TEST(test_open_role_bounds),  TEST(test_unknown_names),
        TEST(test_failures_are_told), TEST(test_failures_cannot_be_hidden),
        TEST(test_user_changes),      TEST(test_name_lengths),
        TEST(test_padded_name),       TEST(test_kg),
        TEST(test_repeated_rakp1),    TEST(test_repeated_rakp3),
        TEST(test_rakp3_out_of_turn), TEST(test_rakp3_lengths),
        TEST(test_half_open_expires), TEST(test_setup_headers),
        TEST(test_configuration),     TEST(test_channel_access),
        TEST(test_locked_out),        TEST(test_session_limit),
        TEST(test_callback_only),     TEST(test_channel_changes_meanwhile),
    };

    return cmocka_run_group_tests_name("rmcp set-up", tests, NULL, NULL);
}
