/* What a configuration names and another user cannot use. Needs root, and is skipped without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/process/reach.h"

#define OTHER 4321

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[4][192];
    static unsigned turn;
    char *text = path[++turn % 4];

    snprintf(text, sizeof path[0], "%s/%s", folder, name);
    return text;
}

static void make_file(const char *name, mode_t mode, uid_t owner, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path_of(name), mode), 0);
    assert_int_equal(chown(path_of(name), owner, owner), 0);
}

static void make_folder(const char *name, mode_t mode)
{
    assert_int_equal(mkdir(path_of(name), mode), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-reach-XXXXXX");
    if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
        return -1;
    return setenv("HOME", folder, 1);
}

static int teardown(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* With @ for the folder. */
static void print(FILE *out, const char *text)
{
    const char *at;

    while ((at = strstr(text, folder))) {
        fprintf(out, "%.*s@", (int)(at - text), text);
        text = at + strlen(folder);
    }
    fputs(text, out);
}

/* A line for each finding. */
static void take(void *context, const char *what, const char *path, const char *why,
                 const char *advice)
{
    FILE *out = context;

    fprintf(out, "%s: ", what);
    print(out, path);
    fprintf(out, ": %s: ", why);
    print(out, advice);
    fputc('\n', out);
}

/* By a child, which becomes the other user after the configuration was read. */
static void assert_found(const struct openstack *openstack, const char *wanted)
{
    CLEANUP_CONFIG struct config *config = NULL;
    char error[CONFIG_ERROR_SIZE], text[4096] = "";
    int ends[2], status;

    if (geteuid() != 0)
        skip();
    if (config_load(path_of("vbmc.conf"), &config, error, sizeof error) < 0)
        fail_msg("%s", error);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        FILE *out = fdopen(ends[1], "w");
        if (setresgid(OTHER, OTHER, OTHER) < 0 || setresuid(OTHER, OTHER, OTHER) < 0)
            _exit(1);
        reach_check(config, openstack, "joe", take, out);
        _exit(fclose(out) == 0 ? 0 : 1);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(text, wanted);
}

static void test_all_is_open(void **state)
{
    (void)state;
    make_file("password", 0600, OTHER, "secret\n");
    make_file("keys", 0644, 0, "");
    make_folder("log", 0777);
    make_file("vbmc.conf", 0644, 0,
              "[daemon]\nlog-file = log/vbmcd.log\n[hypervisor a]\nuri = test:///default\n"
              "[bmc]\nconsole-log = absent\n"
              "[user a]\npassword-file = password\nauthorized-keys = keys\n");
    assert_found(NULL, "");
}

static void test_closed_files(void **state)
{
    (void)state;
    make_file("password", 0600, 0, "secret\n");
    make_folder("closed", 0700);
    make_file("closed/kg", 0600, 0, "key\n");
    make_file("vbmc.conf", 0644, 0,
              "[hypervisor a]\nuri = test:///default\n[bmc]\nkg-file = closed/kg\n"
              "[user a]\npassword-file = password\n");
    assert_found(
        NULL, "kg-file: @/closed/kg: Permission denied: chgrp joe @/closed && chmod g+x @/closed "
              "&& chown joe @/closed/kg\n"
              "password-file: @/password: Permission denied: chown joe @/password\n");
}

static void test_logs(void **state)
{
    (void)state;
    make_file("vbmcd.log", 0644, OTHER, "");
    make_folder("consoles", 0755);
    make_file("vbmc.conf", 0644, 0,
              "[daemon]\nlog-file = vbmcd.log\n[hypervisor a]\nuri = test:///default\n"
              "[bmc]\nconsole-log = consoles\n");
    assert_found(
        NULL, "log-file: @/vbmcd.log: Permission denied: install -d -o joe -m 750 /var/log/vbmc, "
              "and log-file = /var/log/vbmc/vbmcd.log\n"
              "console-log: @/consoles: Permission denied: chown joe @/consoles\n");
}

static void test_closed_configuration(void **state)
{
    (void)state;
    make_file("vbmc.conf", 0600, 0, "[hypervisor a]\nuri = test:///default\n");
    assert_found(NULL, "configuration: @/vbmc.conf: Permission denied: chgrp joe @/vbmc.conf && "
                       "chmod g+r @/vbmc.conf\n");
    assert_int_equal(chmod(folder, 0700), 0);
    assert_found(NULL, "configuration: @/vbmc.conf: Permission denied: chgrp joe @ && chmod g+x @ "
                       "&& chown joe @/vbmc.conf\n");
}

static void test_ssh(void **state)
{
    char text[512];

    (void)state;
    if (access("/etc/ssh/ssh_known_hosts", R_OK) == 0)
        skip();
    make_file("key", 0600, 0, "");
    snprintf(text, sizeof text,
             "[hypervisor a]\nuri = qemu+ssh://root@far/system?keyfile=%s&known_hosts=%s\n"
             "[hypervisor b]\nuri = qemu+ssh://root@away/system\n",
             path_of("key"), path_of("vbmc.conf"));
    make_file("vbmc.conf", 0644, 0, text);
    assert_found(NULL,
                 "keyfile: @/key: Permission denied: chown joe @/key\n"
                 "known_hosts: @/.ssh/known_hosts: No such file or directory: install -d -o joe -m "
                 "700 @/.ssh && install -o joe -m 600 FILE @/.ssh/known_hosts, where FILE is that "
                 "of a user who logs in there, and so for its key\n");
}

static void test_openstack(void **state)
{
    CLEANUP_FREE char *path = strdup(path_of("virtualbmc.conf"));
    const struct openstack openstack = {.path = path};

    (void)state;
    make_file("vbmc.conf", 0644, 0, "[hypervisor a]\nuri = test:///default\n");
    make_file("virtualbmc.conf", 0644, 0, "");
    assert_found(&openstack, "");
    assert_int_equal(chmod(path, 0600), 0);
    assert_found(&openstack,
                 "files of virtualbmc: @/virtualbmc.conf: Permission denied: a start by "
                 "systemd does not see it; install -D -o joe -m 600 @/virtualbmc.conf "
                 "/etc/virtualbmc/virtualbmc.conf, with config_dir in it\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ssh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_openstack, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
