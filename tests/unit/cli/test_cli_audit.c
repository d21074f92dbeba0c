/* The times that `vbmc audit --since` takes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/audit.h"

#define NOW INT64_C(1795960030) /* 2026-11-29 13:47:10 UTC */

static void test_since(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t since;
    } rows[] = {
        {"0s", 0, NOW},
        {"30m", 0, NOW - 1800},
        {"2h", 0, NOW - 7200},
        {"7d", 0, NOW - 7 * 86400},
        {"999999d", 0, 0}, /* longer than there was a time */
        {"2026-11-29", 0, 1795910400},
        {"2026-11-29 13:47", 0, 1795960020},
        {"2026-11-29 13:47:10", 0, 1795960030},
        {"", -EINVAL, 0},
        {"2", -EINVAL, 0},
        {"2w", -EINVAL, 0},
        {"2hh", -EINVAL, 0},
        {"-2h", -EINVAL, 0},
        {"99999999999999999999h", -EINVAL, 0},
        {"2026-13-01", -EINVAL, 0},
        {"2026-11-29 25:00", -EINVAL, 0},
        {"2026-11-29 13:47:10 x", -EINVAL, 0},
        {"1960-01-01", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t since = 0;
        if (cli_audit_parse_since(rows[i].text, NOW, &since) != rows[i].result ||
            (rows[i].result == 0 && since != rows[i].since))
            fail_msg("'%s': %lld", rows[i].text, (long long)since);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_since)};

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
