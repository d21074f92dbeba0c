/* The door to a hypervisor, whichever driver is behind it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/host/host.h"

static unsigned ended;
static int last_result;

static void on_picture(void *context, int result, struct host_picture *picture, const char *text)
{
    assert_ptr_equal(context, &ended);
    assert_null(picture);
    assert_non_null(text);
    ended++;
    last_result = result;
}

static void on_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)context;
    (void)done_bytes;
    (void)total_bytes;
    fail();
}

static void on_done(void *context, int result, const char *text)
{
    assert_ptr_equal(context, &ended);
    assert_non_null(text);
    ended++;
    last_result = result;
}

/* What a driver does not have is refused, once. */
static void test_driver_lacks_it(void **state)
{
    static const struct host_ops none = {0};
    struct host_domain domain = {.ops = &none};

    (void)state;
    ended = 0;
    host_screenshot(&domain, on_picture, &ended);
    assert_int_equal(ended, 1);
    assert_int_equal(last_result, -ENOTSUP);
    host_dump(&domain, "/tmp/memory", on_progress, on_done, &ended);
    assert_int_equal(ended, 2);
    assert_int_equal(last_result, -ENOTSUP);
}

static void test_dump_path(void **state)
{
    char longest[5000];

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_null(host_dump_path_problem("/var/tmp/memory"));
    assert_non_null(host_dump_path_problem(""));
    assert_non_null(host_dump_path_problem("memory"));
    assert_non_null(host_dump_path_problem("/var/tmp/"));
    assert_non_null(host_dump_path_problem("/var/tmp/me\nmory"));
    assert_non_null(host_dump_path_problem(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver_lacks_it),
        cmocka_unit_test(test_dump_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
