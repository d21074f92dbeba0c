/* Set-ups of OpenStack's VirtualBMC, as found in the wild and as an attacker would leave them. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/config/openstack.h"

static char home[64];

/* Writes <home>/<path> with its folders. */
static void write_file(const char *path, const char *text)
{
    char full[256];

    snprintf(full, sizeof full, "%s/%s", home, path);
    for (char *slash = strchr(full + strlen(home) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* Loads with what is logged in `log`. */
static struct openstack *load(char *log, size_t size)
{
    struct openstack *openstack = NULL;
    char error[512] = "";
    int saved = dup(STDERR_FILENO), fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

    assert_true(saved >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    int result = openstack_load(&openstack, error, sizeof error);
    dup2(saved, STDERR_FILENO);
    ssize_t got = pread(fd, log, size - 1, 0);
    log[got > 0 ? got : 0] = '\0';
    close(saved);
    close(fd);
    assert_string_equal(error, "");
    assert_int_equal(result, 0);
    return openstack;
}

static void test_nothing_there(void **state)
{
    char log[256], expected[128];
    CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);

    (void)state;
    snprintf(expected, sizeof expected, "%s/.vbmc", home);
    if (access("/etc/virtualbmc/virtualbmc.conf", F_OK) != 0)
        assert_string_equal(openstack->config_dir, expected);
    assert_int_equal(openstack->bmc_count, 0);
    assert_string_equal(log, "");
}

static void test_main_file(void **state)
{
    char log[1024], expected[128];

    (void)state;
    write_file(".vbmc/virtualbmc.conf",
               "# by hand\n[default]\nCONFIG_DIR = ~/bmcs\nshow_passwords=True\npid_file=/x\n"
               "server_port=50891\nserver_response_timeout = 5000\nserver_spawn_wait = 3000\n"
               "[log]\nlogfile = /var/log/a ;b%%.log\ndebug: true\n"
               "[ipmi]\nsession_timeout = 20\nsession_timout = 20\n");
    CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);
    snprintf(expected, sizeof expected, "%s/bmcs", home);
    assert_string_equal(openstack->config_dir, expected);
    assert_string_equal(openstack->log_file, "/var/log/a ;b%.log");
    assert_true(openstack->show_passwords);
    assert_true(openstack->debug);
    assert_int_equal(openstack->session_timeout_s, 20);
    assert_non_null(strstr(log, ":14: unknown key session_timout in [ipmi] is ignored"));
}

static void test_named_main_file(void **state)
{
    struct openstack *openstack = NULL;
    char log[512], path[128], error[256];

    (void)state;
    write_file(".vbmc/virtualbmc.conf", "[log]\nlogfile = second\n");
    write_file("named.conf", "[log]\nlogfile = first\n");
    snprintf(path, sizeof path, "%s/named.conf", home);
    setenv("VIRTUALBMC_CONFIG", path, 1);
    openstack = load(log, sizeof log);
    assert_string_equal(openstack->log_file, "first");
    assert_string_equal(openstack->path, path);
    openstack_free(openstack);

    unlink(path);
    openstack = load(log, sizeof log);
    assert_string_equal(openstack->log_file, "second");
    assert_non_null(strstr(log, "VIRTUALBMC_CONFIG"));
    openstack_free(openstack);

    write_file("named.conf", "[default]\nshow_passwords = maybe\n");
    assert_int_equal(openstack_load(&openstack, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "named.conf:2: show_passwords = maybe: expected True or False"));
}

static void test_bmcs(void **state)
{
    char log[1024];

    (void)state;
    write_file(".vbmc/web 01/config",
               "[VirtualBMC]\nusername = admin\npassword = 100%% ;x#\ndomain_name = web 01\n"
               "libvirt_uri = qemu+tcp://h/system\naddress = ::\nactive = True\nport = 6230\n"
               "libvirt_sasl_username = u\nlibvirt_sasl_password = p\n\n");
    write_file(".vbmc/a/config", "[VirtualBMC]\n  port = 623\n  active = false\n");
    write_file(".vbmc/master.pid", "12\n");
    write_file(".vbmc/empty/x", "");
    CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);
    assert_string_equal(log, "");
    assert_int_equal(openstack->bmc_count, 2);
    const struct openstack_bmc *bmc = &openstack->bmcs[1];
    assert_string_equal(bmc->domain_name, "web 01");
    assert_string_equal(bmc->username, "admin");
    assert_string_equal(bmc->password, "100% ;x#");
    assert_string_equal(bmc->libvirt_uri, "qemu+tcp://h/system");
    assert_string_equal(bmc->address, "::");
    assert_int_equal(bmc->port, 6230);
    assert_true(bmc->active);
    assert_string_equal(bmc->libvirt_sasl_username, "u");
    assert_string_equal(bmc->libvirt_sasl_password, "p");
    assert_true(bmc->mtime > 1000000000);
    bmc = &openstack->bmcs[0];
    assert_string_equal(bmc->domain_name, "a");
    assert_null(bmc->username);
    assert_int_equal(bmc->port, 623);
    assert_false(bmc->active);
    for (size_t i = 0; i < openstack->bmc_count; i++)
        assert_ptr_equal(openstack_find(openstack, openstack->bmcs[i].domain_name),
                         &openstack->bmcs[i]);
    assert_null(openstack_find(openstack, "web"));
    assert_null(openstack_find(NULL, "a"));
}

/* Each is left out with its reason; the one good BMC beside it is taken. */
static const struct {
    const char *text;
    const char *reason;
} refused[] = {
    {"[VirtualBMC]\npassword = 123456789012345678901\n",
     ":2: password: a password is 1 to 20 bytes in IPMI 2.0"},
    {"[VirtualBMC]\npassword =\n", ":2: password: a password is 1 to 20 bytes in IPMI 2.0"},
    {"[VirtualBMC]\nusername = 12345678901234567\n",
     ":2: username = 12345678901234567: a user's name is 1 to 16 bytes in IPMI 2.0"},
    {"[VirtualBMC]\nport = 0\n", ":2: port = 0: a port is 1 to 65535"},
    {"[VirtualBMC]\naddress = host\n", ":2: address = host: an address is numeric"},
    {"[VirtualBMC]\nactive = perhaps\n", ":2: active = perhaps: expected True or False"},
    {"[VirtualBMC]\nlibvirt_uri = %(port)s\n",
     ":2: libvirt_uri = %(port)s: expected a text without %(...)s"},
    {"[VirtualBMC]\nlibvirt_sasl_username = u\n",
     ": libvirt_sasl_username and libvirt_sasl_password go together"},
    {"[VirtualBMC]\nport = 1\n  2\n", ":3: the line is indented"},
    {"[VirtualBMC]\ndomain_name = good\n", ": domain_name = good: another folder has this domain"},
};

static void test_refused_bmcs(void **state)
{
    (void)state;
    write_file(".vbmc/good/config", "[VirtualBMC]\nport = 7000\n");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        char log[1024];
        write_file(".vbmc/unfit/config", refused[i].text);
        CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);
        assert_int_equal(openstack->bmc_count, 1);
        assert_string_equal(openstack->bmcs[0].domain_name, "good");
        assert_non_null(strstr(log, refused[i].reason));
        assert_non_null(strstr(log, "; this BMC is left out"));
    }
}

static void test_unfit_files(void **state)
{
    static char large[65 * 1024 + 1];
    char log[4096], from[128], to[128];

    (void)state;
    write_file(".vbmc/good/config", "[VirtualBMC]\nport = 7000\n");
    write_file(".vbmc/open/config", "[VirtualBMC]\nport = 7001\n");
    memset(large, '\n', sizeof large - 1);
    write_file(".vbmc/large/config", large);
    write_file(".vbmc/fifo/x", "");
    write_file(".vbmc/link/x", "");
    snprintf(to, sizeof to, "%s/.vbmc/open/config", home);
    chmod(to, 0666);
    snprintf(to, sizeof to, "%s/.vbmc/fifo/config", home);
    assert_int_equal(mkfifo(to, 0600), 0);
    snprintf(from, sizeof from, "%s/.vbmc/good/config", home);
    snprintf(to, sizeof to, "%s/.vbmc/link/config", home);
    assert_int_equal(symlink(from, to), 0);
    snprintf(from, sizeof from, "%s/.vbmc/good", home);
    snprintf(to, sizeof to, "%s/.vbmc/link2", home);
    assert_int_equal(symlink(from, to), 0);

    CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);
    assert_int_equal(openstack->bmc_count, 1);
    assert_non_null(strstr(log, "/open/config: everybody may write this file"));
    assert_non_null(strstr(log, "/large/config: too large for the file of a BMC"));
    assert_non_null(strstr(log, "/fifo/config: not a regular file"));
    assert_non_null(strstr(log, "/link/config: a symbolic link is not followed"));
    assert_non_null(strstr(log, "/link2/config: a symbolic link is not followed"));
}

static void test_folder_open_to_all(void **state)
{
    char log[512], path[128];

    (void)state;
    write_file(".vbmc/good/config", "[VirtualBMC]\nport = 7000\n");
    snprintf(path, sizeof path, "%s/.vbmc", home);
    chmod(path, 0777);
    CLEANUP_OPENSTACK struct openstack *openstack = load(log, sizeof log);
    assert_int_equal(openstack->bmc_count, 0);
    assert_non_null(strstr(log, "everybody may write this folder"));
}

static int set_up(void **state)
{
    (void)state;
    strcpy(home, "/tmp/vbmc-openstack-XXXXXX");
    unsetenv("VIRTUALBMC_CONFIG");
    return mkdtemp(home) ? setenv("HOME", home, 1) : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_there),      TEST(test_main_file),
        TEST(test_named_main_file),    TEST(test_bmcs),
        TEST(test_refused_bmcs),       TEST(test_unfit_files),
        TEST(test_folder_open_to_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
