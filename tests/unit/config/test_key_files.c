/* Files of public keys: read once, and again when they are other ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/log.h"
#include "vbmc/config/key_files.h"

static char folder[64], path[96], other[96];
static struct key_files files;

static void write_file(const char *to, const char *text)
{
    FILE *file = fopen(to, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(to, 0600), 0);
}

static int setup(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-keys-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/keys", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    key_files_clear(&files);
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void test_read_once(void **state)
{
    (void)state;
    assert_null(key_files_text(&files, 0, NULL));
    write_file(path, "one\n");
    const char *text = key_files_text(&files, 0, path);
    assert_string_equal(text, "one\n");
    assert_ptr_equal(key_files_text(&files, 0, path), text); /* not read again */
    write_file(other, "another\n");
    assert_int_equal(rename(other, path), 0);
    assert_string_equal(key_files_text(&files, 0, path), "another\n");
    write_file(other, "of the next\n");
    assert_string_equal(key_files_text(&files, 1, other), "of the next\n");
    assert_string_equal(key_files_text(&files, 0, other), "of the next\n");
    assert_null(key_files_text(&files, 0, NULL));
}

static void test_not_usable(void **state)
{
    (void)state;
    assert_null(key_files_text(&files, 0, path));
    write_file(path, "one\n");
    assert_string_equal(key_files_text(&files, 0, path), "one\n"); /* has come meanwhile */
    assert_int_equal(chmod(path, 0620), 0);
    assert_null(key_files_text(&files, 0, path));
    assert_int_equal(chmod(path, 0600), 0);
    assert_string_equal(key_files_text(&files, 0, path), "one\n");
    assert_int_equal(truncate(path, 65537), 0);
    assert_null(key_files_text(&files, 0, path));
    assert_null(key_files_text(&files, 0, folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_usable, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
