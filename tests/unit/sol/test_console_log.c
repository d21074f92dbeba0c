/* The console log: time stamps, line ends, notices, rotation, and a disk that fails. */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/console_log.h"
#include "sol/disk.h"
#include "sol/hub.h"
#include "sol/log_file.h"
#include "vbmc/base/log.h"
#include "vbmc/base/stream.h"

static char folder[64], path[96];
static struct hub *hub;
static struct console_log *console_log;

/* A UART that only talks. */
static void source_open(struct stream *stream)
{
    (void)stream;
}

static ssize_t source_write(struct stream *stream, const uint8_t *bytes, size_t size)
{
    (void)stream;
    (void)bytes;
    return (ssize_t)size;
}

static void source_close(struct stream *stream)
{
    (void)stream;
}

static const struct stream_ops source_ops = {source_open, source_write, source_close};
static struct stream source = {.ops = &source_ops};

static void guest_says(const char *text)
{
    stream_report_received(&source, (const uint8_t *)text, strlen(text));
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(folder, sizeof folder, "/tmp/vbmc-console-log-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/web01.log", folder);
    assert_int_equal(hub_new(NULL, &hub), 0);
    hub_attach(hub, &source);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    console_log_free(console_log);
    console_log = NULL;
    hub_free(hub);
    assert_true(disk_settle(DISK_LOGS, NULL, 10000));
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void open_log(uint64_t size, unsigned keep)
{
    assert_int_equal(console_log_new(hub, path, size, keep, &console_log), 0);
}

/* The file of that suffix with every time stamp replaced by '@'. */
static const char *content(const char *suffix)
{
    static char text[65536];
    char name[128], line[4096];
    regex_t stamp;
    size_t used = 0;

    assert_true(disk_flush(DISK_LOGS, 10000));
    snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *file = fopen(name, "r");
    if (!file)
        return NULL;
    regcomp(&stamp, "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3} ",
            REG_EXTENDED);
    while (fgets(line, sizeof line, file)) {
        regmatch_t match;
        bool has = regexec(&stamp, line, 1, &match, 0) == 0;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", has ? "@" : "",
                                 has ? line + match.rm_eo : line);
    }
    regfree(&stamp);
    fclose(file);
    text[used] = '\0';
    return text;
}

static void test_lines(void **state)
{
    struct stat status;

    (void)state;
    open_log(1 << 20, 3);
    assert_null(content(""));
    guest_says("one\r\nt");
    assert_string_equal(content(""), "@one\n@t");
    guest_says("wo\r");
    guest_says("\n50%\r60%\n\n");
    assert_string_equal(content(""), "@one\n@two\n@50%\r60%\n@\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void test_notices(void **state)
{
    (void)state;
    open_log(1 << 20, 3);
    guest_says("login: ");
    hub_notify(hub, HUB_NOTICE_GUEST_RESET, "the guest was reset");
    guest_says("SeaBIOS\n");
    assert_string_equal(content(""), "@login: \n@--- the guest was reset ---\n@SeaBIOS\n");
}

static void test_rotation(void **state)
{
    (void)state;
    open_log(60, 2);
    for (int i = 0; i < 7; i++) {
        char text[32];
        snprintf(text, sizeof text, "line number %d\n", i);
        guest_says(text);
    }
    /* 38 bytes a line: two fill a file */
    assert_string_equal(content(".2"), "@line number 2\n@line number 3\n");
    assert_string_equal(content(".1"), "@line number 4\n@line number 5\n");
    assert_string_equal(content(""), "@line number 6\n");
    assert_null(content(".3"));
}

static void test_many_lines_at_once_rotate_between_lines(void **state)
{
    (void)state;
    open_log(60, 5);
    guest_says("aaaaaaaaaaaa\nbbbbbbbbbbbb\ncccccccccccc\ndd");
    assert_string_equal(content(".1"), "@aaaaaaaaaaaa\n@bbbbbbbbbbbb\n");
    assert_string_equal(content(""), "@cccccccccccc\n@dd");
}

static void test_none_kept(void **state)
{
    (void)state;
    open_log(10, 0);
    guest_says("one\ntwo\n");
    assert_null(content(""));
    assert_null(content(".1"));
}

static void test_appends_to_what_is_there(void **state)
{
    (void)state;
    open_log(1 << 20, 1);
    guest_says("one\n");
    console_log_free(console_log);
    open_log(1 << 20, 1);
    guest_says("two\n");
    assert_string_equal(content(""), "@one\n@two\n");
}

static void test_folder_is_made(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(rmdir(folder), 0);
    open_log(1 << 20, 1);
    guest_says("text\n");
    assert_string_equal(content(""), "@text\n");
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void test_cannot_be_written_for_a_while(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    open_log(1 << 20, 1);
    guest_says("kept\n");
    assert_true(disk_flush(DISK_LOGS, 10000));
    guest_says("kept too\n");
    assert_int_equal(rmdir(path), 0);
    assert_string_equal(content(""), "@kept\n@kept too\n");
}

#define STAMP 24 /* bytes of "2026-11-22 18:47:41.671 " */

/* Every line is there, or counted in a mark: there are two where the disk's thread took over what
 * was pending while lines were still coming. */
static void check_lines_and_marks(const char *line, size_t lines)
{
    const size_t whole = STAMP + strlen(line);
    unsigned long long dropped = 0, more;
    size_t kept = 0, after = 0;
    char text[2048];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(text, sizeof text, file)) {
        if (strlen(text) == whole && strcmp(text + STAMP, line) == 0)
            kept++;
        else if (sscanf(text, "--- %llu bytes could not be written here ---", &more) == 1)
            dropped += more;
        else if (text[0] != '\n')
            after += strcmp(text + STAMP, "after\n") == 0 && dropped > 0 ? 1 : 100;
    }
    fclose(file);
    assert_true(kept * whole >= LOG_FILE_PENDING_MAX - 2 * whole);
    assert_int_equal(kept * whole + dropped, lines * whole);
    assert_int_equal(after, 1);
}

/* Memory is bounded: what is beyond the limit is lost, and marked where it is. */
static void test_more_than_may_wait(void **state)
{
    char line[1024];
    size_t lines = 3 * LOG_FILE_PENDING_MAX / sizeof line;

    (void)state;
    memset(line, 'x', sizeof line);
    strcpy(line + sizeof line - 2, "\n");
    assert_int_equal(mkdir(path, 0700), 0);
    open_log(1 << 30, 1);
    for (size_t i = 0; i < lines; i++)
        guest_says(line);
    assert_int_equal(rmdir(path), 0);
    assert_true(disk_flush(DISK_LOGS, 10000));
    guest_says("after\n");
    assert_true(disk_flush(DISK_LOGS, 10000));
    check_lines_and_marks(line, lines);
}

/* A disk that takes nothing until it is released. */
static atomic_bool hanging;

static ssize_t write_to_hung_disk(int fd, const struct iovec *pieces, int count)
{
    while (hanging)
        usleep(1000);
    return writev(fd, pieces, count);
}

static void test_hung_disk(void **state)
{
    (void)state;
    hanging = true;
    disk_set_writev(write_to_hung_disk);
    open_log(1 << 20, 1);
    guest_says("one\n"); /* none of these waits, or the test would not end */
    guest_says("two\n");
    hub_notify(hub, HUB_NOTICE_GUEST_RESET, "the guest was reset");
    assert_false(disk_flush(DISK_LOGS, 20));
    console_log_free(console_log);
    console_log = NULL;
    assert_false(disk_settle(DISK_LOGS, NULL, 20));
    hanging = false;
    assert_true(disk_settle(DISK_LOGS, NULL, 10000));
    disk_set_writev(NULL);
    assert_string_equal(content(""), "@one\n@two\n@--- the guest was reset ---\n");
}

static void test_fifo_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    open_log(1 << 20, 1);
    guest_says("text\n");
    assert_true(disk_flush(DISK_LOGS, 10000));
    assert_int_equal(unlink(path), 0);
    assert_string_equal(content(""), "@text\n");
}

static void test_no_link_is_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/null", path), 0);
    open_log(1 << 20, 1);
    guest_says("text\n");
    assert_int_equal(unlink(path), 0);
    guest_says("text\n");
    assert_non_null(strstr(content(""), "@text\n"));
}

static void test_hub_goes_first(void **state)
{
    (void)state;
    open_log(1 << 20, 1);
    guest_says("text");
    hub_free(hub);
    hub = NULL;
    console_log_free(console_log);
    console_log = NULL;
    assert_true(disk_settle(DISK_LOGS, NULL, 10000));
    assert_string_equal(content(""), "@text");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_notices),
        TEST(test_rotation),
        TEST(test_many_lines_at_once_rotate_between_lines),
        TEST(test_none_kept),
        TEST(test_appends_to_what_is_there),
        TEST(test_folder_is_made),
        TEST(test_cannot_be_written_for_a_while),
        TEST(test_more_than_may_wait),
        TEST(test_hung_disk),
        TEST(test_fifo_is_not_waited_for),
        TEST(test_no_link_is_followed),
        TEST(test_hub_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
