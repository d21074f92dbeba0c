/* Who must not be told apart by how long an answer takes costs the BMC the same work: the
 * hashes of HMACs, what goes into them, and the questions after lock-outs are counted. `make bench`
 * has the times.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <openssl/sha.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

static struct remote_console console;

/* What the BMC has done since it was reset. */
struct work {
    unsigned begins;
    size_t bytes;
    unsigned ends;
    unsigned lock_outs; /* that were asked about */
};

static struct work done;

/* In place of OpenSSL's, which they call. */
#define REAL(name) *(void **)&real = dlsym(RTLD_NEXT, name)

typedef SHA_CTX SHA1_context;
typedef SHA256_CTX SHA256_context;

#define COUNTED(hash)                                                                              \
    int hash##_Init(hash##_context *context)                                                       \
    {                                                                                              \
        int (*real)(hash##_context *);                                                             \
                                                                                                   \
        REAL(#hash "_Init");                                                                       \
        done.begins++;                                                                             \
        return real(context);                                                                      \
    }                                                                                              \
                                                                                                   \
    int hash##_Update(hash##_context *context, const void *bytes, size_t length)                   \
    {                                                                                              \
        int (*real)(hash##_context *, const void *, size_t);                                       \
                                                                                                   \
        REAL(#hash "_Update");                                                                     \
        done.bytes += length;                                                                      \
        return real(context, bytes, length);                                                       \
    }                                                                                              \
                                                                                                   \
    int hash##_Final(unsigned char *digest, hash##_context *context)                               \
    {                                                                                              \
        int (*real)(unsigned char *, hash##_context *);                                            \
                                                                                                   \
        REAL(#hash "_Final");                                                                      \
        done.ends++;                                                                               \
        return real(digest, context);                                                              \
    }

COUNTED(SHA1)
COUNTED(SHA256)

static bool is_locked_out(void *context, uint8_t user_id)
{
    (void)context;
    done.lock_outs++;
    return user_id == users_id_of(&console.users, "lockd");
}

/* All names have the length of "admin". */
static const struct {
    const char *name;
    bool is_valid;
} cases[] = {
    {"admin", true}, {"nobdy", false}, {"disab", false}, {"lockd", false}, {"noipm", false},
};

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    rmcp_stub_reset();
    remote_console_init(&console);
    for (size_t i = 2; i < ARRAY_SIZE(cases); i++)
        users_add(&console.users, cases[i].name, CONSOLE_PASSWORD, PRIVILEGE_ADMINISTRATOR);
    console.users.by_id[users_id_of(&console.users, "disab")].enabled = false;
    console.users.by_id[users_id_of(&console.users, "noipm")].access = 0;
    console.config.is_locked_out = is_locked_out;
    remote_console_restart(&console);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remote_console_free(&console);
    return 0;
}

/* Hashes of one HMAC: the key on both sides, and what goes on from there. */
#define BEGINS 4
#define ENDS   2

static void assert_same_work(const struct work *a, const struct work *b)
{
    assert_int_equal(a->begins, b->begins);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->ends, b->ends);
    assert_int_equal(a->lock_outs, b->lock_outs);
}

static struct work work_of_rakp2(uint8_t suite, const char *name)
{
    assert_int_equal(remote_console_open(&console, suite), RAKP_OK);
    done = (struct work){.begins = 0};
    assert_int_equal(remote_console_rakp1(&console, name, CONSOLE_ROLE), RAKP_OK);
    return done;
}

static void test_rakp2(void **state)
{
    static const uint8_t suites[] = {3, 17};

    (void)state;
    for (size_t s = 0; s < sizeof suites; s++) {
        struct work valid = work_of_rakp2(suites[s], cases[0].name);
        assert_int_equal(valid.begins, BEGINS);
        assert_int_equal(valid.ends, ENDS);
        assert_true(valid.bytes > 0);
        assert_true(remote_console_checks_rakp2(&console));
        for (size_t i = 1; i < ARRAY_SIZE(cases); i++) {
            struct work work = work_of_rakp2(suites[s], cases[i].name);
            assert_same_work(&work, &valid);
            assert_false(remote_console_checks_rakp2(&console));
        }
    }
}

/* The console's own code is counted too, the same of all. */
static struct work work_of_rakp3(const char *name, const char *password)
{
    work_of_rakp2(3, name);
    memset(console.kuid, 0, sizeof console.kuid);
    memcpy(console.kuid, password, strlen(password));
    done = (struct work){.begins = 0};
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    return done;
}

/* A right password of who is locked out is as a wrong one of who is not. */
static void test_rakp3(void **state)
{
    struct work wrong = work_of_rakp3("admin", "wrong");

    (void)state;
    assert_int_equal(wrong.begins, 2 * BEGINS);
    assert_int_equal(wrong.ends, 2 * ENDS);
    for (size_t i = 1; i < ARRAY_SIZE(cases); i++) {
        struct work right = work_of_rakp3(cases[i].name, CONSOLE_PASSWORD);
        assert_same_work(&right, &wrong);
        right = work_of_rakp3(cases[i].name, "wrong");
        assert_same_work(&right, &wrong);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rakp2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rakp3, setup, teardown),
    };

    return cmocka_run_group_tests_name("even work", tests, NULL, NULL);
}
