/* Passwords that stay are in memory that is locked, and go with what they belong to. (Of accounts,
 * see test_users.c; of sessions, test_rmcp_session.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "sol/ssh/auth.h"
#include "tests/fake/conf_files.h"
#include "vbmc/base/locked.h"
#include "vbmc/config/config.h"
#include "vbmc/store/bmcs.h"

static int setup(void **state)
{
    return locked_begin() < 0 ? -1 : conf_set_up(state);
}

static void test_ssh_accounts(void **state)
{
    static const struct ssh_account account = {
        .name = "joe", .password = "swordfish", .privilege = 4};
    struct ssh_accounts *accounts;
    size_t before = CRYPTO_secure_used();

    (void)state;
    assert_int_equal(ssh_accounts_new(&account, 1, &accounts), 0);
    assert_true(CRYPTO_secure_allocated(accounts));
    ssh_accounts_unref(accounts);
    assert_int_equal(CRYPTO_secure_used(), before);
}

/* What `vbmc add` was told. */
static void test_records(void **state)
{
    const struct store_bmc record = {.name = (char *)"web01",
                                     .password = (char *)"swordfish",
                                     .sasl_username = (char *)"joe",
                                     .sasl_password = (char *)"goldfish"};
    struct store_bmc copy;
    size_t before = CRYPTO_secure_used();

    (void)state;
    assert_int_equal(store_bmc_copy(&copy, &record), 0);
    assert_true(CRYPTO_secure_allocated(copy.password));
    assert_true(CRYPTO_secure_allocated(copy.sasl_password));
    assert_string_equal(copy.sasl_password, "goldfish");
    assert_false(CRYPTO_secure_allocated(copy.name));
    store_bmc_clear(&copy);
    assert_int_equal(CRYPTO_secure_used(), before);
}

static void test_config(void **state)
{
    size_t before = CRYPTO_secure_used();

    (void)state;
    struct config *config = conf_load("[hypervisor far]\nuri = qemu+tcp://far/system\n"
                                      "sasl-username = joe\nsasl-password = goldfish\n"
                                      "[user admin]\npassword = secret\n");
    assert_true(CRYPTO_secure_allocated(config->hypervisors[0].sasl_password));
    assert_string_equal(config->hypervisors[0].sasl_password, "goldfish");
    config_free(config);
    assert_int_equal(CRYPTO_secure_used(), before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ssh_accounts),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_config),
    };

    return cmocka_run_group_tests(tests, setup, conf_tear_down);
}
