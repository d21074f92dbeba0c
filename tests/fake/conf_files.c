#include "tests/fake/conf_files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/config/config.h"

char conf_folder[] = "/tmp/vbmc-config-XXXXXX";
char conf_file[64];

void conf_write_bytes(const char *name, const void *bytes, size_t size, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", conf_folder, name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

void conf_write_file(const char *name, const char *text, mode_t mode)
{
    conf_write_bytes(name, text, strlen(text), mode);
}

struct config *conf_load(const char *text)
{
    struct config *config = NULL;
    char error[CONFIG_ERROR_SIZE] = "";

    conf_write_file("vbmc.conf", text, 0600);
    int result = config_load(conf_file, &config, error, sizeof error);
    assert_string_equal(error, "");
    assert_int_equal(result, 0);
    return config;
}

int conf_load_again_logged(struct config **config, char *log, size_t size)
{
    char error[CONFIG_ERROR_SIZE] = "";
    int saved = dup(STDERR_FILENO), fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

    assert_true(saved >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    int result = config_load(conf_file, config, error, sizeof error);
    dup2(saved, STDERR_FILENO);
    ssize_t got = pread(fd, log, size - 1, 0);
    log[got > 0 ? got : 0] = '\0';
    close(saved);
    close(fd);
    return result;
}

int conf_load_logged(const char *text, struct config **config, char *log, size_t size)
{
    conf_write_file("vbmc.conf", text, 0600);
    return conf_load_again_logged(config, log, size);
}

int conf_set_up(void **state)
{
    (void)state;
    if (!mkdtemp(conf_folder))
        return -1;
    snprintf(conf_file, sizeof conf_file, "%s/vbmc.conf", conf_folder);
    return 0;
}

int conf_tear_down(void **state)
{
    static const char *const names[] = {"vbmc.conf", "admin.password", "secret", "kg"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", conf_folder, names[i]);
        unlink(path);
    }
    return rmdir(conf_folder);
}
