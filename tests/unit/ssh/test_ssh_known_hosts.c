/* known_hosts without a server: is a host in it, and what is said in each case. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/ssh/known_hosts_entry.h"
#include "vbmc/ssh/uri.h"

/* The public half of a key that was made for this and thrown away. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICK1ECHwUbPRsn/mulSugKSNzAE5CGdOgUtvZY0IqmPV"

static char path[64];

static void write_known_hosts(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/vbmc-known-hosts-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static int find(const char *host, uint16_t port, char error[512])
{
    char name[64];
    const struct ssh_uri uri = {.host = name, .port = port, .known_hosts = path};

    snprintf(name, sizeof name, "%s", host);
    error[0] = '\0';
    return ssh_known_hosts_find(&uri, error, 512);
}

static void test_find(void **state)
{
    char error[512];

    (void)state;
    write_known_hosts("# a comment\n\nnode1,192.0.2.1 " KEY "\n[node2]:2222 " KEY "\n"
                      "[2001:db8::1]:2222 " KEY "\n2001:db8::2 " KEY "\n@revoked node3 " KEY "\n");
    assert_int_equal(find("node1", 22, error), 0);
    assert_int_equal(find("NODE1", 22, error), 0);
    assert_int_equal(find("192.0.2.1", 22, error), 0);
    assert_int_equal(find("node2", 2222, error), 0);
    assert_int_equal(find("2001:db8::1", 2222, error), 0);
    assert_int_equal(find("2001:db8::2", 22, error), 0);
    assert_int_equal(find("node1", 2222, error), -EACCES);
    assert_int_equal(find("node2", 22, error), -EACCES);
    assert_int_equal(find("node3", 22, error), -EACCES);
    assert_int_equal(find("nobody", 2200, error), -EACCES);
    assert_non_null(strstr(error, "[nobody]:2200 is not in "));
    assert_non_null(strstr(error, "ssh-keyscan -p 2200 nobody >>"));
    assert_non_null(strstr(error, path));
}

static void test_no_file(void **state)
{
    const struct ssh_uri uri = {.host = "h", .port = 22, .known_hosts = "/nonexistent/known"};
    char error[512] = "";

    (void)state;
    assert_int_equal(ssh_known_hosts_find(&uri, error, sizeof error), -EACCES);
    assert_non_null(strstr(error, "h is not in /nonexistent/known"));
}

static void test_words(void **state)
{
    const struct ssh_uri uri = {.host = "h", .port = 2222, .known_hosts = "/k"};
    char error[512];

    (void)state;
    assert_int_equal(
        ssh_known_hosts_refuse(SSH_KNOWN_HOSTS_CHANGED, &uri, "kind SHA256:x", error, sizeof error),
        -EACCES);
    assert_non_null(strstr(error, "the host key of [h]:2222 has changed"));
    assert_non_null(strstr(error, "kind SHA256:x"));
    assert_non_null(strstr(error, "ssh-keygen -R '[h]:2222' -f /k"));
    assert_non_null(strstr(error, "nothing was sent"));
    ssh_known_hosts_refuse(SSH_KNOWN_HOSTS_OTHER, &uri, "kind SHA256:x", error, sizeof error);
    assert_non_null(strstr(error, "of another kind than /k knows"));
    ssh_known_hosts_refuse(SSH_KNOWN_HOSTS_UNKNOWN, &uri, "kind SHA256:x", error, sizeof error);
    assert_non_null(strstr(error, "[h]:2222 is not in /k"));
    ssh_known_hosts_refuse(SSH_KNOWN_HOSTS_ERROR, &uri, "", error, sizeof error);
    assert_non_null(strstr(error, "cannot be looked up in /k"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
