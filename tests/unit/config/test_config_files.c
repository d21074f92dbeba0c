/* The files of a configuration: who may write and read them, what may be in them, and what is wrong
 * with it but does no harm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/conf_files.h"
#include "vbmc/base/array.h"
#include "vbmc/config/config.h"

#define H "[hypervisor local]\nuri = qemu:///system\n"

static const struct {
    const char *bytes;
    size_t size;
    mode_t mode;
    const char *error;    /* NULL: accepted */
    const char *password; /* then */
} secrets[] = {
    {"secret\n", 7, 0600, NULL, "secret"},
    {"secret", 6, 0600, NULL, "secret"},
    {"12345678901234567890\r\n", 22, 0600, NULL, "12345678901234567890"},
    {" a ;b ", 6, 0400, NULL, " a ;b "},
    {"for SSH alone: over 20 bytes\n", 29, 0600, NULL, "for SSH alone: over 20 bytes"},
    {"12345678901234567890123456789012345678901234567890123456789012345", 65, 0600,
     "longer than 64 bytes", NULL},
    {"1234567890123456789012345678901234567890123456789012345678901234\r\nx", 67, 0600,
     "longer than 64 bytes", NULL},
    {"a\0b\n", 4, 0600, "the file holds a NUL byte", NULL},
    {"\n", 1, 0600, "the file is empty", NULL},
    {"", 0, 0600, "the file is empty", NULL},
    {"secret\n", 7, 0602, "everybody may write this file; chmod 600 it", NULL},
};

static void test_password_files(void **state)
{
    char error[CONFIG_ERROR_SIZE], expected[CONFIG_ERROR_SIZE];

    (void)state;
    conf_write_file("vbmc.conf", H "[user a]\npassword-file = secret\n", 0600);
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        CLEANUP_CONFIG struct config *config = NULL;
        conf_write_bytes("secret", secrets[i].bytes, secrets[i].size, secrets[i].mode);
        int result = config_load(conf_file, &config, error, sizeof error);
        if (secrets[i].error) {
            snprintf(expected, sizeof expected, "%s:4: password-file = secret: %s/secret: %s",
                     conf_file, conf_folder, secrets[i].error);
            assert_int_equal(result, -EINVAL);
            assert_string_equal(error, expected);
        } else {
            assert_int_equal(result, 0);
            assert_string_equal(config->users[0].password, secrets[i].password);
        }
    }
    struct config *config;
    conf_write_file("vbmc.conf", H "[user a]\npassword-file = nowhere\n", 0600);
    assert_int_equal(config_load(conf_file, &config, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "/nowhere: No such file or directory"));
    conf_write_file("vbmc.conf", H "[user a]\npassword-file = /dev/null\n", 0600);
    assert_int_equal(config_load(conf_file, &config, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "/dev/null: not a regular file"));
}

static void test_kg_file(void **state)
{
    static const uint8_t expected[CHANNEL_KG_SIZE] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                      11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

    (void)state;
    conf_write_file("kg", "0x0102030405060708090a0b0c0d0e0f1011121314\n", 0600);
    CLEANUP_CONFIG struct config *config = conf_load(H "[bmc]\nkg-file = kg\n");
    assert_true(config->bmc.channel.has_kg);
    assert_memory_equal(config->bmc.channel.kg, expected, sizeof expected);
}

static void test_warnings(void **state)
{
    CLEANUP_CONFIG struct config *config = NULL;
    char log[2048];

    (void)state;
    conf_write_file("secret", "x", 0640);
    int result = conf_load_logged(H "[bmc]\nadress = ::\nzzzzzzz = 1\n[strange]\nkey = 1\n"
                                    "[user a]\npassword-file = secret\n",
                                  &config, log, sizeof log);
    assert_int_equal(result, 0);
    assert_non_null(
        strstr(log, ":4: unknown key adress in [bmc] is ignored; did you mean address?"));
    assert_non_null(strstr(log, ":5: unknown key zzzzzzz in [bmc] is ignored\n"));
    assert_non_null(strstr(log, ":6: unknown section [strange] is ignored; known are daemon"));
    assert_non_null(strstr(log, "/secret: others than its owner may use this secret (mode 640)"));
    assert_string_equal(config->bmc.address, "127.0.0.1");
}

/* Who may read or change the file: what is not refused is told once. */
static void test_modes(void **state)
{
    static const char secret[] = H "[user a]\npassword = secret\n", none[] = H;
    static const struct {
        const char *text;
        mode_t mode;
        uid_t owner;
        const char *warning; /* NULL: nothing is said */
    } cases[] = {
        {secret, 0600, 0, NULL},
        {secret, 0640, 0, NULL},
        {none, 0644, 0, NULL},
        {secret, 0644, 0, ": everybody may read the passwords in this file; chmod 640 it"},
        {none, 0660, 0, ": its group may change this file (mode 660); chmod g-w it"},
        {none, 0600, 1, ": belongs to another user (1), who may change it; chown root it"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_CONFIG struct config *config = NULL;
        char log[2048];
        conf_write_file("vbmc.conf", cases[i].text, cases[i].mode);
        if (cases[i].owner && chown(conf_file, cases[i].owner, (gid_t)-1) < 0)
            continue; /* only root can */
        assert_int_equal(conf_load_again_logged(&config, log, sizeof log), 0);
        if (!cases[i].warning)
            assert_string_equal(log, "");
        else
            assert_non_null(strstr(log, cases[i].warning));
        assert_true(!*log || strchr(log, '\n') == log + strlen(log) - 1);
    }
    assert_int_equal(unlink(conf_file), 0); /* with its owner */
}

static void test_files(void **state)
{
    struct config *config = NULL;
    char error[CONFIG_ERROR_SIZE] = "";

    (void)state;
    assert_int_equal(config_load("/nonexistent/x.conf", &config, error, sizeof error), -ENOENT);
    assert_string_equal(error, "/nonexistent/x.conf: No such file or directory");
    assert_int_equal(config_load(conf_folder, &config, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, ": is a folder; expected a configuration file"));
    conf_write_file("vbmc.conf", H, 0666);
    assert_int_equal(config_load(conf_file, &config, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, ": everybody may write this file; chmod o-w it"));
    if (access(CONFIG_DEFAULT_PATH, F_OK) == 0)
        return; /* this machine has a configuration of its own */
    assert_int_equal(config_load(NULL, &config, error, sizeof error), 0);
    assert_null(config->path);
    assert_int_equal(config->hypervisor_count, 1);
    assert_string_equal(config->hypervisors[0].uri, "qemu:///system");
    assert_int_equal(config->user_count, 0);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_files), cmocka_unit_test(test_kg_file),
        cmocka_unit_test(test_warnings),       cmocka_unit_test(test_modes),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, conf_set_up, conf_tear_down);
}
