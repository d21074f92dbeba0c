/* The decisions on SSH logins, with a clock of the test's own: every rule on names, passwords,
 * keys, levels, and the counting of failures by connection and by source. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sol/ssh/auth.h"
#include "sol/ssh/keys.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

/* Made by ssh-keygen for this test; nobody has the private ones any more. */
#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIDA3qAzAJRnT9QajEdz50BRkzej+Kibh6x5VISjNFIGW"
#define RSA_1024                                                                                   \
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQCo7MVNZCoWOGzFjUcTIWPj7zkbDOiXsOlbbOo6YfzDnsBOb6xs"             \
    "KzNoNFDO/pmXm0xeObMG1LIwm9MPigEDrioz7V4y6JqY4JEZYGzgO9yQifoEL6AsmZT+5PmuS7T3XC17"             \
    "cqc49wU0P88tyh3qIkGJzijwSWNUMhkdZYgZfboMtQ=="
#define RSA_2048                                                                                   \
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQDCUDf2+oOdbf2sx8o8gVxvA0z5s9sQ32bMCoVWSZPjjO2DsWVt"             \
    "Rq4fKDcZ31+1hQRRjxsWUrBltWCDjvIQoE88tj3Dom1ypXjhqtrmMdVA7r5JNT+wV6pcTqGtbghcB/wS"             \
    "jFpsdUDsqYnxxv8qO+txCXjGf47qewz13nrDto4MOKNyFE5bTHS6nOqJ5J4mH4A/O0tBu9s6i7gCKwNb"             \
    "SDO5yU5Ar9Szhw/HWxlUmWBq/qxGAY/frrVaRtJXQS0YL9nTxIfzJiJ8j8EkinmaUymXuxDpQkNbbDdw"             \
    "OtuQO2A87Qp2SovBt0G1gpJPbLiyPETW3WEkXweUGm10Kw+PzaiT"
#define ECDSA                                                                                      \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBjMJXRFVn5Z3aoDp0ZHgl0IgOrM"             \
    "yzQyrXQALK4eWamdmV1r3pm5LtYKbmvtCqhwgxrXrIIiuCNtqnufspS8FA0="
#define LINE_ED25519 "ssh-ed25519 " ED25519 " a comment\n"
#define LINE_ECDSA   "ecdsa-sha2-nistp256 " ECDSA "\n"
#define LINE_RSA     "ssh-rsa " RSA_2048 "\n"

#define LONGEST_NAME     "sixteen-letters-"
#define LONGEST_PASSWORD "passwordpasswordpasswordpasswordpasswordpasswordpasswordpassword"

static const struct ssh_account set[] = {
    {"admin", "secret", 4, NULL, false, 0},
    {"keys", NULL, 3, "# people\n\n" LINE_ED25519 LINE_RSA, false, 0},
    {"both", "pw", 2, LINE_ECDSA, false, 0},
    {"nothing", "", 4, NULL, false, 0},
    {"callback", "secret", 1, LINE_ED25519, true, 0},
    {LONGEST_NAME, LONGEST_PASSWORD, 4, NULL, false, 0},
};

static struct ssh_accounts *accounts;
static struct ssh_sources *sources;
static struct ssh_auth auth;
static uint64_t now;

static void begin(const char *source)
{
    auth = (struct ssh_auth){.accounts = accounts, .sources = sources};
    assert_int_equal(endpoint_address_parse(source, 1000, &auth.source), 0);
}

static bool password(const char *name, const char *text)
{
    return ssh_auth_password(&auth, name, text, now);
}

static bool offer(const char *name, const char *base64)
{
    return ssh_auth_key(&auth, name, base64, SSH_SIGNATURE_NONE, now);
}

static bool prove(const char *name, const char *base64)
{
    return ssh_auth_key(&auth, name, base64, SSH_SIGNATURE_VALID, now);
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    now = 1000000;
    sources = ssh_sources_new();
    if (!sources || ssh_accounts_new(set, ARRAY_SIZE(set), &accounts) < 0)
        return -1;
    begin("192.0.2.1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ssh_accounts_unref(accounts);
    ssh_sources_free(sources);
    accounts = NULL;
    return 0;
}

/* One who is locked out gets what a wrong password gets, by password and by key, until that is
 * over; a session that there is is as good as before. */
static void locked_out(void **state)
{
    const struct ssh_account locked[] = {
        {"admin", "secret", 4, LINE_ED25519, false, now + 1000},
        {"other", "secret", 4, NULL, false, UINT64_MAX},
    };
    const struct ssh_account open = {"admin", "secret", 4, LINE_ED25519, false, 0};
    struct ssh_accounts *before;

    (void)state;
    ssh_accounts_unref(accounts);
    assert_int_equal(ssh_accounts_new(locked, ARRAY_SIZE(locked), &accounts), 0);
    assert_int_equal(ssh_accounts_new(&open, 1, &before), 0);
    assert_true(ssh_accounts_agree(before, accounts, "admin"));
    assert_true(ssh_accounts_allow(accounts, "admin", 4));
    ssh_accounts_unref(before);
    begin("192.0.2.1");
    assert_false(password("admin", "secret"));
    assert_true(auth.compared);
    assert_int_equal(auth.failures, 1);
    assert_true(offer("admin", ED25519)); /* as ever, to who only knows the public key */
    assert_false(prove("admin", ED25519));
    assert_int_equal(auth.failures, 2);
    now += 999;
    begin("192.0.2.1");
    assert_false(password("admin", "secret"));
    now += 1;
    assert_true(offer("admin", ED25519));
    assert_true(password("admin", "secret"));
    now += UINT32_MAX;
    begin("192.0.2.2");
    assert_false(password("other", "secret"));
    /* What a source that is refused says is compared with nothing, and counts as no password. */
    for (unsigned i = 0; i < SSH_SOURCE_FAILURES; i++) {
        begin("192.0.2.3");
        password("admin", "wrong");
    }
    begin("192.0.2.3");
    assert_false(password("admin", "secret"));
    assert_false(auth.compared);
}

/* ---- passwords ---- */

static void right_password(void **state)
{
    (void)state;
    assert_true(password("admin", "secret"));
    assert_true(auth.granted);
    assert_string_equal(auth.account, "admin");
    assert_int_equal(auth.privilege, 4);
    assert_int_equal(auth.failures, 0);
}

static void longest_name_and_password(void **state)
{
    (void)state;
    assert_true(password(LONGEST_NAME, LONGEST_PASSWORD));
    assert_string_equal(auth.account, LONGEST_NAME);
}

static void wrong_passwords(void **state)
{
    static const struct {
        const char *name, *password;
    } wrong[] = {
        {"admin", "Secret"},
        {"admin", "secre"},
        {"admin", "secret "},
        {"admin", ""},
        {"both", "secret"},
        {"keys", "secret"},
        {"keys", ""},    /* has no password */
        {"nothing", ""}, /* an empty one is none */
        {"nobody", "secret"},
        {"nobody", ""},
        {"", "secret"},
        {"", ""},
        {"Admin", "secret"},
        {"admin ", "secret"},
        {"adm", "secret"},
        {LONGEST_NAME "x", LONGEST_PASSWORD},
        {LONGEST_NAME, LONGEST_PASSWORD "x"},
        {LONGEST_NAME, "twenty-letters-long"},
        {"callback", "secret"}, /* never logs in */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        begin("192.0.2.1");
        now += SSH_SOURCE_WINDOW_MS;
        assert_false(password(wrong[i].name, wrong[i].password));
        assert_false(auth.granted);
        assert_int_equal(auth.failures, 1);
    }
}

static void granted_once(void **state)
{
    (void)state;
    assert_true(password("both", "pw"));
    assert_false(password("admin", "secret"));
    assert_false(prove("keys", ED25519));
    assert_string_equal(auth.account, "both");
    assert_int_equal(auth.privilege, 2);
}

/* ---- keys ---- */

static void right_keys(void **state)
{
    static const struct {
        const char *name, *base64;
        unsigned privilege;
    } right[] = {{"keys", ED25519, 3}, {"keys", RSA_2048, 3}, {"both", ECDSA, 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
        begin("192.0.2.1");
        assert_true(offer(right[i].name, right[i].base64));
        assert_false(auth.granted);
        assert_true(prove(right[i].name, right[i].base64));
        assert_true(auth.granted);
        assert_string_equal(auth.account, right[i].name);
        assert_int_equal(auth.privilege, right[i].privilege);
        assert_int_equal(auth.failures, 0);
    }
}

static void wrong_keys(void **state)
{
    static const struct {
        const char *name, *base64;
    } wrong[] = {
        {"keys", ECDSA},   {"both", ED25519},  {"admin", ED25519}, {"callback", ED25519},
        {"nobody", ECDSA}, {"keys", RSA_1024}, {"keys", ""},       {"keys", "AAAA"},
        {"", ED25519},     {"keys", "no key"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        begin("192.0.2.1");
        now += SSH_SOURCE_WINDOW_MS;
        assert_false(offer(wrong[i].name, wrong[i].base64));
        assert_int_equal(auth.failures, 0);
        assert_false(prove(wrong[i].name, wrong[i].base64));
        assert_int_equal(auth.failures, 1);
        assert_false(auth.granted);
    }
}

static void wrong_signature(void **state)
{
    (void)state;
    assert_false(ssh_auth_key(&auth, "keys", ED25519, SSH_SIGNATURE_WRONG, now));
    assert_false(auth.granted);
    assert_int_equal(auth.failures, 1);
    assert_true(prove("keys", ED25519));
}

static size_t keys_in(const char *text)
{
    struct ssh_keys *keys = ssh_keys_parse(text, "test");
    size_t count;

    assert_non_null(keys);
    count = ssh_keys_count(keys);
    ssh_keys_free(keys);
    return count;
}

static void authorized_keys_text(void **state)
{
    (void)state;
    assert_int_equal(keys_in(NULL), 0);
    assert_int_equal(keys_in(""), 0);
    assert_int_equal(keys_in("\n\n# only words\n   # ssh-ed25519 " ED25519), 0);
    assert_int_equal(keys_in(LINE_ED25519 LINE_ECDSA LINE_RSA), 3);
    assert_int_equal(keys_in("ssh-ed25519 " ED25519), 1); /* no line feed */
    assert_int_equal(keys_in("ssh-ed25519 " ED25519 "\r\nssh-rsa " RSA_2048 "\r\n"), 2);
    assert_int_equal(keys_in(" \tssh-ed25519\t " ED25519 " two words\n"), 1);
    /* Options: to ignore them would grant more than was meant. */
    assert_int_equal(keys_in("command=\"ls\" ssh-ed25519 " ED25519 "\n"), 0);
    assert_int_equal(keys_in("no-pty,from=\"10.0.0.1\" " LINE_RSA LINE_ECDSA), 1);
    assert_int_equal(keys_in("cert-authority ssh-ed25519 " ED25519), 0);
    /* Types that are not taken, keys that are weak or none. */
    assert_int_equal(keys_in("ssh-dss " ED25519 "\nsk-ssh-ed25519@openssh.com " ED25519), 0);
    assert_int_equal(keys_in("ssh-rsa " RSA_1024 "\n" LINE_RSA), 1);
    assert_int_equal(keys_in("ssh-ed25519\nssh-ed25519 \nssh-ed25519 =\nssh-ed25519 A\n"), 0);
    assert_int_equal(keys_in("ssh-ed25519 AAAA====\nssh-ed25519 AAA\nssh-ed25519 AA*A\n"), 0);
}

static void key_hashes(void **state)
{
    /* As ssh-keygen -lf says: 8uzdKRV+xmB0... in base64. */
    static const uint8_t begins[] = {0xf2, 0xec, 0xdd, 0x29, 0x15, 0x7e, 0xc6, 0x60, 0x74};
    struct ssh_key_hash hash;
    char *huge = malloc(2 * SSH_KEY_BLOB_MAX);

    (void)state;
    assert_int_equal(ssh_key_hash_base64(ED25519, strlen(ED25519), &hash), 0);
    assert_memory_equal(hash.bytes, begins, sizeof begins);
    assert_int_equal(ssh_key_hash_base64(RSA_1024, strlen(RSA_1024), &hash), -EKEYREJECTED);
    assert_int_equal(ssh_key_hash_base64("AAAAAWE=", 8, &hash), -ENOTSUP); /* the type "a" */
    /* Cut everywhere: the type alone, half an integer. */
    for (size_t size = 0; size < strlen(RSA_2048); size++)
        assert_true(ssh_key_hash_base64(RSA_2048, size, &hash) < 0);
    memset(huge, 'A', 2 * SSH_KEY_BLOB_MAX);
    assert_int_equal(ssh_key_hash_base64(huge, 2 * SSH_KEY_BLOB_MAX, &hash), -EINVAL);
    free(huge);
}

/* ---- the set of accounts ---- */

static void accounts_out_of_range(void **state)
{
    static const struct ssh_account wrong[] = {
        {NULL, "pw", 4, NULL, false, 0},
        {"", "pw", 4, NULL, false, 0},
        {LONGEST_NAME "x", "pw", 4, NULL, false, 0},
        {"a", LONGEST_PASSWORD "x", 4, NULL, false, 0},
        {"a", "pw", 0, NULL, false, 0},
        {"a", "pw", 5, NULL, false, 0},
    };
    struct ssh_accounts *none = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        const struct ssh_account two[] = {set[0], wrong[i]};

        assert_int_equal(ssh_accounts_new(two, 2, &none), -EINVAL);
        assert_null(none);
    }
    assert_int_equal(ssh_accounts_new(NULL, 0, &none), 0);
    auth.accounts = none;
    assert_false(password("admin", "secret"));
    ssh_accounts_unref(none);
}

static void accounts_agree(void **state)
{
    static const struct ssh_account before = {"a", "pw", 3, LINE_ED25519 LINE_ECDSA, false, 0};
    static const struct ssh_account same = {"a",   "pw", 3, "# new\n" LINE_ED25519 LINE_ECDSA,
                                            false, 0};
    static const struct ssh_account others[] = {
        {"b", "pw", 3, LINE_ED25519 LINE_ECDSA, false, 0},
        {"a", "px", 3, LINE_ED25519 LINE_ECDSA, false, 0},
        {"a", NULL, 3, LINE_ED25519 LINE_ECDSA, false, 0},
        {"a", "pw", 4, LINE_ED25519 LINE_ECDSA, false, 0},
        {"a", "pw", 3, LINE_ED25519, false, 0},
        {"a", "pw", 3, LINE_ED25519 LINE_RSA, false, 0},
        {"a", "pw", 3, NULL, false, 0},
        {"a", "pw", 3, LINE_ED25519 LINE_ECDSA, true, 0},
    };
    struct ssh_accounts *a, *b;

    (void)state;
    assert_int_equal(ssh_accounts_new(&before, 1, &a), 0);
    assert_int_equal(ssh_accounts_new(&same, 1, &b), 0);
    assert_true(ssh_accounts_agree(a, b, "a"));
    assert_false(ssh_accounts_agree(a, b, "b"));
    ssh_accounts_unref(b);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(ssh_accounts_new(&others[i], 1, &b), 0);
        assert_false(ssh_accounts_agree(a, b, "a"));
        ssh_accounts_unref(b);
    }
    assert_ptr_equal(ssh_accounts_ref(a), a);
    ssh_accounts_unref(a);
    assert_true(ssh_accounts_agree(a, a, "a"));
    ssh_accounts_unref(a);
}

static void accounts_allow(void **state)
{
    static const struct ssh_account known[] = {
        {"op", "pw", 3, NULL, false, 0},
        {"barred", "pw", 3, NULL, true, 0},
    };
    struct ssh_accounts *of;

    (void)state;
    assert_int_equal(ssh_accounts_new(known, ARRAY_SIZE(known), &of), 0);
    assert_true(ssh_accounts_allow(of, "op", 2));
    assert_true(ssh_accounts_allow(of, "op", 3));
    assert_false(ssh_accounts_allow(of, "op", 4));
    assert_false(ssh_accounts_allow(of, "barred", 2));
    assert_false(ssh_accounts_allow(of, "gone", 2));
    ssh_accounts_unref(of);
}

/* ---- counting ---- */

static void connection_is_over(void **state)
{
    (void)state;
    assert_int_equal(ssh_auth_wait_ms(&auth), 0);
    for (unsigned i = 0; i < SSH_AUTH_FAILURES; i++) {
        assert_false(ssh_auth_is_over(&auth, now));
        assert_false(password("admin", "wrong"));
        assert_int_equal(ssh_auth_wait_ms(&auth), SSH_AUTH_WAIT_MS << i);
    }
    assert_true(ssh_auth_is_over(&auth, now));
    assert_false(password("admin", "secret")); /* too late */
    assert_false(prove("keys", ED25519));
    assert_false(auth.granted);
    begin("192.0.2.1"); /* the next connection may try again */
    assert_true(password("admin", "secret"));
}

static void failures_of_all_kinds_count(void **state)
{
    (void)state;
    assert_false(password("admin", "wrong"));
    assert_false(prove("keys", ECDSA));
    assert_false(ssh_auth_key(&auth, "keys", ED25519, SSH_SIGNATURE_WRONG, now));
    assert_false(ssh_auth_is_over(&auth, now));
    ssh_auth_fail(&auth, now);
    assert_true(ssh_auth_is_over(&auth, now));
}

static void offered_keys_are_limited(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SSH_AUTH_KEY_OFFERS; i++) {
        assert_false(ssh_auth_is_over(&auth, now));
        offer("keys", ECDSA);
    }
    assert_true(ssh_auth_is_over(&auth, now));
    assert_int_equal(auth.failures, 0);
    assert_int_equal(ssh_auth_wait_ms(&auth), 0);
    assert_false(offer("keys", ED25519));
    begin("192.0.2.1"); /* nothing was held against the source */
    assert_true(prove("keys", ED25519));
}

/* fail COUNT times from `source`, by as many connections as it takes. */
static void fail_often(const char *source, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        begin(source);
        password("admin", "wrong");
    }
    begin(source);
}

static void source_is_refused_for_a_while(void **state)
{
    (void)state;
    fail_often("192.0.2.1", SSH_SOURCE_FAILURES - 1);
    assert_false(ssh_sources_refuse(sources, &auth.source, now));
    fail_often("192.0.2.1", 1);
    assert_true(ssh_sources_refuse(sources, &auth.source, now));
    assert_true(ssh_auth_is_over(&auth, now));
    assert_false(password("admin", "secret"));
    assert_false(prove("keys", ED25519));
    now += SSH_SOURCE_REFUSE_MS - 1;
    assert_false(password("admin", "secret"));
    now += 1;
    assert_false(ssh_sources_refuse(sources, &auth.source, now));
    assert_true(password("admin", "secret"));
}

static void slow_failures_are_no_attack(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10 * SSH_SOURCE_FAILURES; i++) {
        fail_often("192.0.2.1", 1);
        now += SSH_SOURCE_WINDOW_MS / (SSH_SOURCE_FAILURES - 1) + 1;
        assert_false(ssh_sources_refuse(sources, &auth.source, now));
    }
}

static void refused_again_after_more(void **state)
{
    (void)state;
    fail_often("192.0.2.1", SSH_SOURCE_FAILURES);
    now += SSH_SOURCE_REFUSE_MS;
    fail_often("192.0.2.1", SSH_SOURCE_FAILURES - 1);
    assert_false(ssh_sources_refuse(sources, &auth.source, now));
    fail_often("192.0.2.1", 1);
    assert_true(ssh_sources_refuse(sources, &auth.source, now));
}

/* Of two sources: whether the second is refused for what the first did. */
static bool suffers_for(const char *one, const char *other)
{
    ssh_sources_free(sources);
    sources = ssh_sources_new();
    assert_non_null(sources);
    fail_often(one, SSH_SOURCE_FAILURES);
    begin(other);
    return ssh_sources_refuse(sources, &auth.source, now);
}

static bool same_source(const char *one, const char *other)
{
    union endpoint_address a, b;

    assert_int_equal(endpoint_address_parse(one, 1, &a), 0);
    assert_int_equal(endpoint_address_parse(other, 2, &b), 0);
    return ssh_sources_same(&a, &b);
}

static void what_a_source_is(void **state)
{
    (void)state;
    assert_true(suffers_for("192.0.2.1", "192.0.2.1"));
    assert_true(suffers_for("192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(suffers_for("2001:db8::1", "2001:db8::ffff"));
    assert_false(suffers_for("192.0.2.1", "192.0.2.2"));
    assert_false(suffers_for("2001:db8::1", "2001:db8:0:1::1"));
    assert_true(same_source("192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(same_source("2001:db8::1", "2001:db8::2"));
    assert_false(same_source("192.0.2.1", "192.0.2.2"));
    assert_false(same_source("2001:db8::1", "2001:db8:0:1::1"));
    assert_false(same_source("192.0.2.1", "2001:db8::1"));
}

/* Ten failures refuse the one that made them and nobody else. */
static void nobody_else_is_refused(void **state)
{
    char other[32];

    (void)state;
    fail_often("192.0.2.1", SSH_SOURCE_FAILURES);
    for (unsigned i = 0; i < 65536; i++) {
        snprintf(other, sizeof other, "10.1.%u.%u", i >> 8, i & 0xff);
        begin(other);
        assert_false(ssh_sources_refuse(sources, &auth.source, now));
    }
    begin("192.0.2.1");
    assert_true(ssh_sources_refuse(sources, &auth.source, now));
}

/* Who is refused is not forgotten for some who have failed once. */
static void some_failures_hide_nobody(void **state)
{
    char other[32];

    (void)state;
    fail_often("192.0.2.1", SSH_SOURCE_FAILURES);
    for (unsigned i = 0; i < 1024; i++) {
        snprintf(other, sizeof other, "10.1.%u.%u", i >> 8, i & 0xff);
        fail_often(other, 1);
    }
    begin("192.0.2.1");
    assert_true(ssh_sources_refuse(sources, &auth.source, now));
}

/* However many sources a flood has, the table stays as it is, and one more can still log in. */
static void flood_of_sources(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        char source[32];

        snprintf(source, sizeof source, "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
        begin(source);
        password("admin", "wrong");
        now += 10;
    }
    now += SSH_SOURCE_WINDOW_MS + SSH_SOURCE_REFUSE_MS;
    begin("192.0.2.1");
    assert_true(password("admin", "secret"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(locked_out),
        TEST(right_password),
        TEST(longest_name_and_password),
        TEST(wrong_passwords),
        TEST(granted_once),
        TEST(right_keys),
        TEST(wrong_keys),
        TEST(wrong_signature),
        TEST(authorized_keys_text),
        TEST(key_hashes),
        TEST(accounts_out_of_range),
        TEST(accounts_agree),
        TEST(accounts_allow),
        TEST(connection_is_over),
        TEST(failures_of_all_kinds_count),
        TEST(offered_keys_are_limited),
        TEST(source_is_refused_for_a_while),
        TEST(slow_failures_are_no_attack),
        TEST(refused_again_after_more),
        TEST(what_a_source_is),
        TEST(nobody_else_is_refused),
        TEST(some_failures_hide_nobody),
        TEST(flood_of_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
