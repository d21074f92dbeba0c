/* The log: levels, prefixes, and that nothing from outside can forge a line or drive a terminal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

static int saved_stderr = -1;
static int pipe_fds[2];
static char text[4096];

static void begin_capture(void)
{
    fflush(stderr);
    assert_int_equal(pipe(pipe_fds), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    close(pipe_fds[1]);
}

/* What was written since; less than a pipe holds. */
static const char *end_capture(void)
{
    size_t used = 0;
    ssize_t got;

    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    while ((got = read(pipe_fds[0], text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)got;
    close(pipe_fds[0]);
    text[used] = '\0';
    return text;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_DEBUG);
    log_set_target(LOG_TARGET_JOURNAL); /* no time stamps */
    return 0;
}

static void test_file(void **state)
{
    char path[] = "/tmp/vbmc-test-log-XXXXXX", line[256] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_string_equal(log_place(), "the journal (journalctl _COMM=vbmcd)");
    begin_capture();
    assert_int_equal(log_set_file("/nonexistent/file"), -ENOENT);
    assert_string_equal(log_place(), "the journal (journalctl _COMM=vbmcd)");
    log_info("before");
    assert_int_equal(log_set_file(path), 0);
    assert_string_equal(log_place(), path);
    log_info("behind");
    assert_string_equal(end_capture(), "<6>before\n");
    assert_true(read(fd, line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, " info: behind\n"));
    close(fd);
    unlink(path);
}

static void test_levels(void **state)
{
    static const struct {
        enum log_level level;
        const char *expected;
    } cases[] = {
        {LOG_LEVEL_ERROR, "<3>e\n"},
        {LOG_LEVEL_WARNING, "<3>e\n<4>w\n"},
        {LOG_LEVEL_INFO, "<3>e\n<4>w\n<6>i\n"},
        {LOG_LEVEL_DEBUG, "<3>e\n<4>w\n<6>i\n<7>d\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        log_set_level(cases[i].level);
        assert_int_equal(log_get_level(), cases[i].level);
        begin_capture();
        log_error("e");
        log_warning("w");
        log_info("i");
        log_debug("%s", "d");
        assert_string_equal(end_capture(), cases[i].expected);
    }
}

static void test_level_names(void **state)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const char *const wrong[] = {"", "Error", "warn", "info ", "4", "trace"};
    enum log_level level;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_int_equal(log_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(log_level_parse(wrong[i], &level), -EINVAL);
}

static void test_stamped(void **state)
{
    unsigned year, month, day, hour, minute, second, ms;
    char rest[32];

    (void)state;
    log_set_target(LOG_TARGET_STDERR);
    begin_capture();
    log_warning("disk %d", 7);
    assert_int_equal(sscanf(end_capture(), "%4u-%2u-%2u %2u:%2u:%2u.%3u %31[^\n]", &year, &month,
                            &day, &hour, &minute, &second, &ms, rest),
                     8);
    assert_string_equal(rest, "warning: disk 7");
}

static void test_control_characters(void **state)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"a\n<3>forged", "<6>a?<3>forged\n"},
        {"a\r\tb", "<6>a??b\n"},
        {"\x1b[2Jgone", "<6>?[2Jgone\n"},
        {"\x01\x1f\x7f", "<6>???\n"},
        {"a\x9b[2J\xff", "<6>a?[2J?\n"},
        {"a\xe2\x80\xae txt.exe", "<6>a??? txt.exe\n"}, /* would be shown from right to left */
        {"a\xe2\x80\xa8<3>forged", "<6>a??"
                                   "?<3>forged\n"},
        {"gr\xc3\xbc\xc3\x9f", "<6>gr\xc3\xbc\xc3\x9f\n"}, /* letters of other alphabets stay */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin_capture();
        log_info("%s", cases[i].from);
        assert_string_equal(end_capture(), cases[i].to);
    }
}

/* U+0080 to U+009F are control characters too: U+009B is what ESC [ is. */
static void test_c1_control_characters(void **state)
{
    (void)state;
    begin_capture();
    log_info("%s", "\xc2\x9b"
                   "2Jgone");
    assert_null(strstr(end_capture(), "\xc2\x9b"));
    assert_non_null(strstr(text, "2Jgone\n"));
}

static void test_long_line_is_cut(void **state)
{
    (void)state;
    begin_capture();
    log_info("%03000d", 7);
    size_t length = strlen(end_capture());
    assert_in_range(length, 500, 2000);
    assert_int_equal(text[length - 1], '\n');
    assert_ptr_equal(strchr(text, '\n'), text + length - 1);
}

/* A name of any length hides neither what stands before it nor what behind. */
static void test_long_name_hides_nothing(void **state)
{
    static const size_t lengths[] = {900, 1000, 1010, 1023, 1024, 1025, 3000, 60000};
    char *name = malloc(70000);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        memset(name, 'n', lengths[i]);
        name[lengths[i]] = '\0';
        begin_capture();
        log_info("BMC %s: user admin is refused", name);
        size_t length = strlen(end_capture());
        assert_in_range(length, 900, 1027);
        assert_memory_equal(text, "<6>BMC nnn", 10);
        assert_string_equal(text + length - 25, "n: user admin is refused\n");
        assert_ptr_equal(strchr(text, '\n'), text + length - 1);
    }
    free(name);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_levels, setup),
        cmocka_unit_test_setup(test_level_names, setup),
        cmocka_unit_test_setup(test_stamped, setup),
        cmocka_unit_test_setup(test_control_characters, setup),
        cmocka_unit_test_setup(test_c1_control_characters, setup),
        cmocka_unit_test_setup(test_long_line_is_cut, setup),
        cmocka_unit_test_setup(test_long_name_hides_nothing, setup),
        cmocka_unit_test_setup(test_file, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
