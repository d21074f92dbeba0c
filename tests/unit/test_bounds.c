/* README.md's table of bounds against the program's own constants, and the tests that it names
 * against those that there are. Run from the top of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qmp/client.h"
#include "qmp/framing.h"
#include "qmp/unix_socket.h"
#include "sol/hub.h"
#include "sol/log_file.h"
#include "sol/ssh/auth.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/control/control.h"
#include "vbmc/domxml/internal.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/login_log.h"
#include "vbmc/rmcp/crowd.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/server.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* The beginning of a row, and how its bounds follow each other in the second column. */
static const struct {
    const char *row;
    const char *format;
    size_t numbers[7];
} rows[] = {
    {"| Datagrams of no session",
     "to one BMC %zu a second, to all %zu, counted in work: a ping %zu, Open Session %zu, RAKP 1 "
     "%zu,"
     " RAKP 3 %zu |",
     {LIMITER_PAIR_RATE, LIMITER_SOURCE_RATE, RMCP_WORK_LEAST, RMCP_WORK_OPEN, RMCP_WORK_RAKP1,
      RMCP_WORK_RAKP3}},
    {"| RAKP 1 and 3", "| %zu a second of that work", {LIMITER_PROVEN_RATE}},
    {"| An address from which",
     "| %zu a second, and %zu by RAKP 1 and 3 that bring back its id; %zu such addresses |",
     {LIMITER_KNOWN_RATE, LIMITER_KNOWN_PROVEN_RATE, LIMITER_KNOWN_MAX}},
    {"| What is left", "BMC, %zu a second in all |", {LIMITER_COMMON_RATE}},
    {"| Addresses that are told apart",
     "| %zu budgets of each kind, %zu in the log, %zu by SSH |",
     {LIMITER_BUCKETS, LOGIN_LOG_SOURCES, SSH_SOURCES_MAX}},
    {"| Log-ins under way",
     "| %zu answered Open Session Requests, %zu with RAKP 1, %zu s each |",
     {CROWD_MAX, RMCP_HALF_OPEN_MAX_DEFAULT, RMCP_HALF_OPEN_MS_DEFAULT / 1000}},
    {"| IPMI sessions", "| %zu; an administrator", {RMCP_ACTIVE_MAX_DEFAULT}},
    {"| IPMI datagrams", "| %zu bytes |", {RMCP_DATAGRAM_MAX}},
    {"| SSH connections", "; %zu failures a minute", {SSH_SOURCE_FAILURES}},
    {"| Control socket",
     "| %zu clients, %zu KiB a request, 16 levels of JSON, %zu MiB an answer |",
     {CONTROL_CLIENTS_MAX, CONTROL_REQUEST_MAX / KIB, CONTROL_ANSWER_MAX / MIB}},
    {"| Consoles by", "| %zu at once |", {CONTROL_ADOPTED_MAX}},
    {"| A guest's serial bytes",
     "| %zu KiB of history, or `console-history`; %zu KiB that wait",
     {HUB_HISTORY_SIZE / KIB, LOG_FILE_PENDING_MAX / KIB}},
    {"| What is typed", "| %zu KiB |", {HUB_QUEUE_SIZE / KIB}},
    {"| QMP",
     "| %zu KiB a reply, %zu commands without one, %zu KiB that",
     {QMP_LINE_MAX / KIB, QMP_IN_FLIGHT_MAX, QMP_WRITE_QUEUE_MAX / KIB}},
    {"| A domain's XML", "| %zu MiB,", {DOMXML_SIZE_MAX / MIB}},
};

static char *readme;

static int setup(void **state)
{
    FILE *file = fopen("README.md", "r");
    size_t size = 0;

    (void)state;
    if (!file)
        fail_msg("README.md is not there: run this from the top of the tree");
    assert_true(getdelim(&readme, &size, '\0', file) > 0);
    fclose(file);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(readme);
    return 0;
}

/* A copy of the line, without the commas of thousands. */
static char *find_row(const char *begin)
{
    const char *line = strstr(readme, begin);

    if (!line) {
        fail_msg("README.md has no row '%s'", begin);
        return NULL;
    }
    char *row = strndup(line, strcspn(line, "\n")), *to = row;
    for (const char *from = row; *from; from++) {
        bool is_thousands = *from == ',' && from[1] >= '0' && from[1] <= '9';
        if (!is_thousands)
            *to++ = *from;
    }
    *to = '\0';
    return row;
}

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *row = find_row(rows[i].row);
        const size_t *n = rows[i].numbers;
        char bound[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(bound, sizeof bound, rows[i].format, n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
#pragma GCC diagnostic pop
        if (!strstr(row, bound))
            fail_msg("README.md: '%s' has not '%s'", row, bound);
    }
}

static void test_tests_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *row = find_row(rows[i].row);
        unsigned count = 0;
        for (const char *at = row; (at = strstr(at, "`tests/")); count++) {
            at++;
            CLEANUP_FREE char *path = strndup(at, strcspn(at, "`"));
            if (access(path, R_OK) != 0)
                fail_msg("README.md: there is no %s", path);
        }
        if (count == 0)
            fail_msg("README.md: '%s' is tried in no test", row);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tests_are_there, setup, teardown),
    };

    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
