/* qemu+ssh:// URIs: all parts, decoded; and each mistake with its own words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/ssh/uri.h"

#define P "qemu+ssh://"

static void assert_text(const char *text, const char *expected)
{
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
}

static void test_good(void **state)
{
    static const struct {
        const char *text;
        struct ssh_uri expected;
    } cases[] = {
        {P "h/system", {NULL, "h", 22, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "root@node-1.example:2222/system",
         {"root", "node-1.example", 2222, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "[2001:db8::1]/system", {NULL, "2001:db8::1", 22, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "u@[fe80::1%25eth0]:65535/system",
         {"u", "fe80::1%eth0", 65535, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "192.0.2.1/system?", {NULL, "192.0.2.1", 22, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "a%40b@h/system?keyfile=/a%20b%2Fc&known_hosts=/k&socket=/s",
         {"a@b", "h", 22, "/a b/c", "/k", "/s", NULL}},
        {P "a@b@h/system", {"a@b", "h", 22, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "h/system?no_tty=1;no_verify=0&&known_hosts_verify=normal&",
         {NULL, "h", 22, NULL, NULL, SSH_URI_SOCKET, NULL}},
        {P "h/system?command=/bin/x&keyfile=/1&keyfile=/2&mode=auto",
         {NULL, "h", 22, "/2", NULL, SSH_URI_SOCKET, "command, mode"}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ssh_uri *expected = &cases[i].expected;
        struct ssh_uri uri;
        char error[256] = "";
        if (ssh_uri_parse(cases[i].text, &uri, error, sizeof error) != 0)
            fail_msg("%s: %s", cases[i].text, error);
        assert_text(uri.user, expected->user);
        assert_text(uri.host, expected->host);
        assert_int_equal(uri.port, expected->port);
        assert_text(uri.keyfile, expected->keyfile);
        assert_text(uri.known_hosts, expected->known_hosts);
        assert_text(uri.socket, expected->socket);
        assert_text(uri.ignored, expected->ignored);
        ssh_uri_clear(&uri);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "does not begin with"},
        {"qemu+tcp://h/system", "does not begin with"},
        {P, "names no host"},
        {P "/system", "names no host"},
        {P "u@/system", "names no host"},
        {P "h", "does not end with /system"},
        {P "h/", "does not end with /system"},
        {P "h/systemd", "does not end with /system"},
        {P "h/system/", "does not end with /system"},
        {P "h/session", "only /system"},
        {P "@h/system", "user name is empty"},
        {P "u:secret@h/system", "has a password"},
        {P "h:0/system", "port is not from"},
        {P "h:65536/system", "port is not from"},
        {P "h:99999999999999999999/system", "port is not from"},
        {P "h:/system", "port is not from"},
        {P "h:22x/system", "port is no number"},
        {P "h:-1/system", "port is no number"},
        {P "-oProxyCommand=x/system", "neither a name nor an address"},
        {P "h%20x/system", "neither a name nor an address"},
        {P "2001:db8::1/system", "port is no number"},
        {P "[::1/system", "no closing bracket"},
        {P "[::1]x/system", "between host and port"},
        {P "[h]/system", "neither a name nor an address"},
        {P "[::1%25/../x]/system", "no closing bracket"},
        {P "h/system#x", "'#'"},
        {P "h%/system", "two hexadecimal digits"},
        {P "h%4/system", "two hexadecimal digits"},
        {P "h%4g/system", "two hexadecimal digits"},
        {P "u%00@h/system", "control character"},
        {P "h/system?keyfile=/a%0ab", "control character"},
        {P "h/system?keyfile=/a%7", "two hexadecimal digits"},
        {P "h/system?keyfile=id_rsa", "keyfile= is no absolute path"},
        {P "h/system?known_hosts", "known_hosts= is no absolute path"},
        {P "h/system?known_hosts=/%25h", "has a '%'"},
        {P "h/system?socket=", "socket= is no absolute path"},
        {P "h/system?no_verify=1", "always verified"},
        {P "h/system?no_verify", "always verified"},
        {P "h/system?known_hosts_verify=auto", "always verified"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ssh_uri uri;
        char error[256] = "";
        if (ssh_uri_parse(cases[i].text, &uri, error, sizeof error) != -EINVAL)
            fail_msg("%s was taken", cases[i].text);
        if (!strstr(error, cases[i].error))
            fail_msg("%s: %s", cases[i].text, error);
        assert_null(strstr(error, "secret"));
        assert_null(uri.host);
    }
}

/* With `size` letters between the two. */
static int parse_sized(const char *before, size_t size, const char *after)
{
    char text[1024], filler[512], error[256];
    struct ssh_uri uri;

    memset(filler, 'x', sizeof filler);
    snprintf(text, sizeof text, "%s%.*s%s", before, (int)size, filler, after);
    int result = ssh_uri_parse(text, &uri, error, sizeof error);
    if (result == 0)
        ssh_uri_clear(&uri);
    return result;
}

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(parse_sized(P, 255, "/system"), 0);
    assert_int_equal(parse_sized(P, 256, "/system"), -EINVAL);
    assert_int_equal(parse_sized(P, 64, "@h/system"), 0);
    assert_int_equal(parse_sized(P, 65, "@h/system"), -EINVAL);
    assert_int_equal(parse_sized(P "h/system?socket=/", 106, ""), 0);
    assert_int_equal(parse_sized(P "h/system?socket=/", 107, ""), -EINVAL);
}

static void test_names(void **state)
{
    struct ssh_uri uri = {.host = "h", .port = 22};
    char text[300];

    (void)state;
    ssh_uri_host_port(&uri, text, sizeof text);
    assert_string_equal(text, "h");
    uri.port = 2222;
    ssh_uri_host_port(&uri, text, sizeof text);
    assert_string_equal(text, "[h]:2222");
    setenv("HOME", "/somewhere", 1);
    assert_int_equal(ssh_uri_known_hosts(&uri, text, sizeof text), 0);
    assert_string_equal(text, "/somewhere/.ssh/known_hosts");
    assert_int_equal(ssh_uri_known_hosts(&uri, text, 10), -ENAMETOOLONG);
    uri.known_hosts = "/k";
    assert_int_equal(ssh_uri_known_hosts(&uri, text, sizeof text), 0);
    assert_string_equal(text, "/k");
    assert_true(ssh_uri_is(P));
    assert_false(ssh_uri_is("qemu+ssh:/h"));
    assert_false(ssh_uri_is("qemu+ssh2://h/system"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
