/* The door to a hypervisor, whichever driver is behind it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static char name[] = "guest";

/* What a driver does not have is refused, once. */
static void test_driver_lacks_it(void **state)
{
    static const struct host_ops none = {0};
    static const uint8_t mac[6] = {0};
    const struct host_boot_override override = {.device = HOST_BOOT_DISK};
    struct host_domain domain = {.ops = &none, .name = name};
    unsigned expected = 0;

    (void)state;
    ended = 0;
    host_screenshot(&domain, on_picture, &ended);
    assert_int_equal(ended, ++expected);
    host_dump(&domain, "/tmp/memory", on_progress, on_done, &ended);
    assert_int_equal(ended, ++expected);
    host_power(&domain, HOST_POWER_ACTION_UP, 0, on_done, &ended);
    assert_int_equal(ended, ++expected);
    host_set_boot(&domain, &override, on_done, &ended);
    assert_int_equal(ended, ++expected);
    assert_false(host_can_send_break(&domain));
    host_send_break(&domain, "serial0", on_done, &ended);
    assert_int_equal(ended, ++expected);
    assert_false(host_can_set_link(&domain));
    host_set_link(&domain, mac, true, on_done, &ended);
    assert_int_equal(ended, ++expected);
    assert_false(host_can_set_cpu_quota(&domain));
    host_set_cpu_quota(&domain, 500, on_done, &ended);
    assert_int_equal(ended, ++expected);
    assert_int_equal(last_result, -ENOTSUP);
    assert_int_equal(host_detach(&domain, &ended), -ENOTSUP);
}

/* ---- calls under way ---- */

#define CALLS 40 /* more than there is room for at first */

/* What the driver was given. */
static struct {
    host_done_fn *done;
    void *contexts[CALLS];
    unsigned count;
    void *forgotten[CALLS];
    unsigned forgotten_count, detached_count;
} driver;

static void driver_power(struct host_domain *domain, enum host_power_action action,
                         unsigned cycle_interval_s, host_done_fn *done, void *context)
{
    (void)domain;
    (void)action;
    (void)cycle_interval_s;
    driver.done = done;
    driver.contexts[driver.count++] = context;
}

static host_progress_fn *driver_progress;
static host_picture_fn *driver_picture;

static void driver_dump(struct host_domain *of, const char *path, host_progress_fn *progress,
                        host_done_fn *done, void *context)
{
    (void)of;
    assert_string_equal(path, "/tmp/memory");
    driver_progress = progress;
    driver.done = done;
    driver.contexts[driver.count++] = context;
}

static void driver_screenshot(struct host_domain *of, host_picture_fn *done, void *context)
{
    (void)of;
    driver_picture = done;
    driver.contexts[driver.count++] = context;
}

static void driver_cancel(struct host_domain *domain, void *context)
{
    (void)domain;
    driver.forgotten[driver.forgotten_count++] = context;
}

static void driver_detach(struct host_domain *domain, void *context)
{
    driver_cancel(domain, context);
    driver.detached_count++;
}

static const struct host_ops driver_ops = {
    .power = driver_power,
    .dump = driver_dump,
    .screenshot = driver_screenshot,
    .cancel = driver_cancel,
    .detach = driver_detach,
};
static struct host_domain domain = {.ops = &driver_ops, .name = name};
static struct host_domain other = {.ops = &driver_ops, .name = name};

static unsigned answers[CALLS];
static const char *last_text;

static void on_answer(void *context, int result, const char *text)
{
    ++*(unsigned *)context;
    last_result = result;
    last_text = text;
}

static void ask(struct host_domain *of, unsigned *context)
{
    host_power(of, HOST_POWER_ACTION_UP, 0, on_answer, context);
}

static void answer(unsigned call, int result)
{
    driver.done(driver.contexts[call], result, NULL);
}

static int setup(void **state)
{
    (void)state;
    memset(&driver, 0, sizeof driver);
    memset(answers, 0, sizeof answers);
    return 0;
}

static void test_answers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CALLS; i++)
        ask(&domain, &answers[i]);
    for (unsigned i = CALLS; i-- > 0;)
        answer(i, i % 2 ? -EIO : 0);
    for (unsigned i = 0; i < CALLS; i++)
        assert_int_equal(answers[i], 1);
    assert_int_equal(last_result, 0);
    assert_null(last_text);
}

/* A failure always has a text. */
static void test_text(void **state)
{
    (void)state;
    ask(&domain, &answers[0]);
    answer(0, -EBUSY);
    assert_int_equal(last_result, -EBUSY);
    assert_string_equal(last_text, strerror(EBUSY));
    ask(&domain, &answers[0]);
    driver.done(driver.contexts[1], -EIO, "refused");
    assert_string_equal(last_text, "refused");
}

static void ask_once_more(void *context, int result, const char *text)
{
    on_answer(context, result, text);
    ask(&domain, &answers[1]);
}

static void test_call_from_answer(void **state)
{
    (void)state;
    host_power(&domain, HOST_POWER_ACTION_UP, 0, ask_once_more, &answers[0]);
    answer(0, 0);
    assert_int_equal(answers[0], 1);
    assert_int_equal(answers[1], 0);
    answer(1, 0);
    assert_int_equal(answers[1], 1);
}

/* The driver forgets the calls of that context and of that guest, and no others. */
static void test_cancel(void **state)
{
    (void)state;
    ask(&domain, &answers[0]);
    ask(&domain, &answers[1]);
    ask(&other, &answers[0]);
    ask(&domain, &answers[0]);
    host_cancel(&domain, &answers[0]);
    assert_int_equal(driver.forgotten_count, 2);
    assert_true(driver.forgotten[0] == driver.contexts[0] ||
                driver.forgotten[1] == driver.contexts[0]);
    assert_true(driver.forgotten[0] == driver.contexts[3] ||
                driver.forgotten[1] == driver.contexts[3]);
    host_cancel(&domain, &answers[0]);
    assert_int_equal(driver.forgotten_count, 2);
    answer(1, 0);
    answer(2, 0);
    assert_int_equal(answers[0], 1);
    assert_int_equal(answers[1], 1);
}

static void test_detach(void **state)
{
    (void)state;
    ask(&domain, &answers[0]);
    assert_int_equal(host_detach(&domain, &answers[0]), 0);
    assert_int_equal(driver.detached_count, 1);
    host_cancel(&domain, &answers[0]); /* is not about it any more */
    assert_int_equal(driver.forgotten_count, 1);
}

/* ---- dumps and screenshots, which are not cancelled ---- */

static uint64_t progress_done, progress_total;

static void note_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    assert_ptr_equal(context, &answers[0]);
    progress_done = done_bytes;
    progress_total = total_bytes;
}

static void test_dump(void **state)
{
    (void)state;
    host_dump(&domain, "/tmp/memory", note_progress, on_answer, &answers[0]);
    host_cancel(&domain, &answers[0]);
    assert_int_equal(driver.forgotten_count, 0);
    driver_progress(driver.contexts[0], 3, 7);
    assert_int_equal(progress_done, 3);
    assert_int_equal(progress_total, 7);
    assert_int_equal(answers[0], 0);
    driver.done(driver.contexts[0], 0, "written");
    assert_int_equal(answers[0], 1);
    assert_string_equal(last_text, "written");
}

static struct host_picture *last_picture;

static void take_picture(void *context, int result, struct host_picture *picture, const char *text)
{
    on_answer(context, result, text);
    last_picture = picture;
}

static void test_screenshot(void **state)
{
    struct host_picture picture = {.size = 0};

    (void)state;
    host_screenshot(&domain, take_picture, &answers[0]);
    host_cancel(&domain, &answers[0]);
    driver_picture(driver.contexts[0], 0, &picture, NULL);
    assert_ptr_equal(last_picture, &picture);
    host_screenshot(&domain, take_picture, &answers[0]);
    driver_picture(driver.contexts[1], -EFBIG, NULL, NULL);
    assert_null(last_picture);
    assert_string_equal(last_text, strerror(EFBIG));
    assert_int_equal(answers[0], 2);
}

static void progress_after_end(void)
{
    host_dump(&domain, "/tmp/memory", note_progress, on_answer, &answers[0]);
    driver.done(driver.contexts[0], 0, "written");
    driver_progress(driver.contexts[0], 3, 7);
}

static void answer_twice(void)
{
    ask(&domain, &answers[0]);
    answer(0, 0);
    ask(&domain, &answers[1]); /* where the first one was */
    answer(0, 0);
}

static void answer_cancelled(void)
{
    ask(&domain, &answers[0]);
    host_cancel(&domain, &answers[0]);
    answer(0, 0);
}

static void expect_abort(void (*fault)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0};
        signal(SIGABRT, SIG_DFL); /* cmocka has its own */
        setrlimit(RLIMIT_CORE, &no_core);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        fault();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* A driver that answers once too often is found out, also when the place has another call. */
static void test_answered_too_often(void **state)
{
    (void)state;
    expect_abort(answer_twice);
    expect_abort(answer_cancelled);
    expect_abort(progress_after_end);
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
        cmocka_unit_test_setup(test_answers, setup),
        cmocka_unit_test_setup(test_text, setup),
        cmocka_unit_test_setup(test_call_from_answer, setup),
        cmocka_unit_test_setup(test_cancel, setup),
        cmocka_unit_test_setup(test_detach, setup),
        cmocka_unit_test_setup(test_dump, setup),
        cmocka_unit_test_setup(test_screenshot, setup),
        cmocka_unit_test_setup(test_answered_too_often, setup),
        cmocka_unit_test(test_dump_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
