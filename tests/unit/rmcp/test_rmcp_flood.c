/* 100,000 Open Session Requests and RAKP 1 from 10,000 sources in 20 s by a fake clock, beside 50
 * sessions that work: none of their requests fails, memory stays, and who comes new gets in within
 * 2 s; so does, from far away, who has logged in within the hour. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/log.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/net/limiter.h"

#define DATAGRAMS    100000
#define SOURCES      10000
#define A_MS         5 /* of them */
#define SESSIONS     50
#define EACH_MS      100 /* a session asks */
#define MEMORY_MAX   ((size_t)512 * 1024)
#define ARRIVED_MAX  2000
#define NEAR_MS      20 /* a round trip */
#define FAR_MS       400
#define BETWEEN_MS   500 /* log-ins */
#define ROLE_BY_NAME 0x14

static struct remote_console console; /* of the flood; the server's answers come here */
static struct remote_console sessions[SESSIONS];
static struct limiter *limiter;
static uint32_t ids[SOURCES];

/* Somebody who logs in again and again. */
static struct visitor {
    const char *address; /* with one %u: of a new one each time */
    unsigned round_trip_ms;
    struct remote_console console;
    unsigned step;
    unsigned came;
    uint64_t begun_ms, next_ms;
    unsigned arrived;
    uint64_t slowest_ms;
} visitors[] = {
    {.address = "10.9.0.%u", .round_trip_ms = NEAR_MS},
    {.address = "192.0.2.1", .round_trip_ms = FAR_MS},
};

static void on_logged_in(void *context, uint8_t user_id, const union endpoint_address *remote)
{
    (void)context;
    (void)user_id;
    limiter_note_login(limiter, remote, console.now_ms);
}

static bool is_known(void *context, const union endpoint_address *remote)
{
    (void)context;
    return limiter_knows(limiter, remote, console.now_ms);
}

static bool may_pass(unsigned work, bool is_proven)
{
    const struct limiter_load load = {work, is_proven};

    return limiter_admit(limiter, CONSOLE_BMC, &console.from.remote, load, console.now_ms);
}

static void come_from(const char *address)
{
    assert_int_equal(endpoint_address_parse(address, 40000, &console.from.remote), 0);
}

/* The other one takes the console's place, at the time it is now; returns the one that was there.
 */
static struct remote_console become(const struct remote_console *other)
{
    struct remote_console before = console;

    console = *other;
    console.ids = before.ids;
    console.now_ms = before.now_ms;
    return before;
}

static void go_back(struct remote_console *other, const struct remote_console *before)
{
    uint32_t next = console.ids;

    *other = console;
    console = *before;
    console.ids = next;
}

static unsigned ask_all(void)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < SESSIONS; i++) {
        struct remote_console before = become(&sessions[i]);
        failed += remote_console_command(&console, NETFN_APP, 1, NULL, 0) != CC_SUCCESS;
        console.rq_seq++;
        go_back(&sessions[i], &before);
    }
    return failed;
}

/* A message of the log-in each round trip; one that is refused begins again. */
static void take_step(struct visitor *visitor)
{
    struct remote_console before = become(&visitor->console);
    char address[32];
    int status = CONSOLE_NO_ANSWER;

    if (visitor->step == 0) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(address, sizeof address, visitor->address, visitor->came % 250 + 1);
#pragma GCC diagnostic pop
        come_from(address);
    }
    if (visitor->step == 0 && may_pass(RMCP_WORK_OPEN, false))
        status = remote_console_open(&console, 3);
    else if (visitor->step == 1 && may_pass(RMCP_WORK_RAKP1, true))
        status = remote_console_rakp1(&console, CONSOLE_NAME, ROLE_BY_NAME);
    else if (visitor->step == 2 && may_pass(RMCP_WORK_RAKP3, true))
        status = remote_console_rakp3(&console);
    visitor->step = status == RAKP_OK ? visitor->step + 1 : 0;
    visitor->next_ms = console.now_ms + visitor->round_trip_ms;
    if (visitor->step == 3) {
        uint64_t took = console.now_ms - visitor->begun_ms;
        visitor->slowest_ms = took > visitor->slowest_ms ? took : visitor->slowest_ms;
        visitor->arrived++;
        visitor->came++;
        visitor->step = 0;
        visitor->next_ms = visitor->begun_ms = console.now_ms + BETWEEN_MS;
        rmcp_server_close_session(console.server, console.exchange.bmc_id);
    }
    go_back(&visitor->console, &before);
}

/* Opens, or brings back the id of the Open Session of four sources ago. */
static unsigned send_one(unsigned n)
{
    unsigned source = n / 2 % SOURCES;

    if (n % 2 == 1)
        source = (source + SOURCES - 4) % SOURCES;
    console.from.remote.in.sin_addr.s_addr = htonl(0x7f100000 + source);
    if (n % 2 == 0) {
        if (may_pass(RMCP_WORK_OPEN, false) && remote_console_open(&console, 3) == RAKP_OK)
            ids[source] = console.exchange.bmc_id;
        return 0;
    }
    console.exchange.bmc_id = ids[source];
    ids[source] = 0;
    return may_pass(RMCP_WORK_RAKP1, true) &&
           remote_console_rakp1(&console, CONSOLE_NAME, ROLE_BY_NAME) == RAKP_OK;
}

static void log_all_in(void)
{
    char address[32];

    for (unsigned i = 0; i < SESSIONS; i++) {
        snprintf(address, sizeof address, "10.1.0.%u", i + 1);
        come_from(address);
        assert_int_equal(remote_console_login(&console, 3, ROLE_BY_NAME), RAKP_OK);
        sessions[i] = console;
    }
    for (unsigned v = 0; v < 2; v++) {
        visitors[v].console = console;
        visitors[v].begun_ms = visitors[v].next_ms = console.now_ms + BETWEEN_MS;
    }
    come_from(visitors[1].address);
    limiter_note_login(limiter, &console.from.remote, console.now_ms);
}

static void test_flood(void **state)
{
    unsigned failed = 0, challenged = 0;

    (void)state;
    log_all_in();
    size_t before = mallinfo2().uordblks, most = before;
    for (unsigned n = 0; n < DATAGRAMS; n++) {
        challenged += send_one(n);
        if (n % A_MS != A_MS - 1)
            continue;
        console.now_ms++;
        for (unsigned v = 0; v < 2; v++) {
            if (console.now_ms >= visitors[v].next_ms)
                take_step(&visitors[v]);
        }
        if (n / A_MS % EACH_MS == 0) {
            failed += ask_all();
            most = mallinfo2().uordblks > most ? mallinfo2().uordblks : most;
        }
    }
    print_message("%u set-ups got as far as RAKP 2; memory grew by %zu KiB\n", challenged,
                  (most - before) / 1024);
    assert_true(challenged > DATAGRAMS / 2 - 100);
    assert_int_equal(failed, 0);
    assert_true(most - before < MEMORY_MAX);
    for (unsigned v = 0; v < 2; v++) {
        print_message("%u log-ins at a round trip of %u ms, %u ms at most\n", visitors[v].arrived,
                      visitors[v].round_trip_ms, (unsigned)visitors[v].slowest_ms);
        assert_true(visitors[v].arrived >= 10);
        assert_true(visitors[v].slowest_ms < ARRIVED_MAX);
    }
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    remote_console_init(&console);
    limiter = limiter_new();
    console.config.logged_in = on_logged_in;
    console.config.is_known = is_known;
    console.config.active_max = SESSIONS + 10;
    remote_console_restart(&console);
    return limiter ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    limiter_free(limiter);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
    };

    return cmocka_run_group_tests_name("rmcp flood", tests, NULL, NULL);
}
