/* Passwords that stay are in memory that is locked, and go with what they belong to. (Of accounts,
 * see test_users.c; of sessions, test_rmcp_session.c.) */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "sol/ssh/auth.h"
#include "tests/fake/conf_files.h"
#include "vbmc/base/locked_range.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/config/config.h"
#include "vbmc/store/bmcs.h"

static int setup(void **state)
{
    return locked_begin() < 0 ? -1 : conf_set_up(state);
}

static void ignore(const struct bmc_core *core, enum bmc_part part, const struct bmc_ticket *ticket)
{
    (void)core, (void)part, (void)ticket;
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
                                      "[user admin]\npassword = secret\n[bmc]\nkg = catfish\n"
                                      "[domain web01]\nkg = starfish\n[domain web02]\nport = 1\n");
    assert_true(CRYPTO_secure_allocated(config->hypervisors[0].sasl_password));
    assert_string_equal(config->hypervisors[0].sasl_password, "goldfish");
    assert_true(CRYPTO_secure_allocated(config->bmc.channel.kg));
    assert_true(CRYPTO_secure_allocated(config->domains[0].channel.kg));
    assert_string_equal((const char *)config->domains[0].channel.kg, "starfish");
    assert_ptr_equal(config->domains[1].channel.kg, config->bmc.channel.kg);
    config_free(config);
    assert_int_equal(CRYPTO_secure_used(), before);
}

/* The BMC key, whoever has set it. */
static void test_channel_key(void **state)
{
    static const struct uuid uuid = {{1}};
    struct bmc *bmc = calloc(1, sizeof *bmc);
    size_t before = CRYPTO_secure_used();

    (void)state;
    assert_non_null(bmc);
    bmc_init(bmc, 1, &uuid, &(struct bmc_hooks){.changed = ignore}, NULL);
    assert_int_equal(CRYPTO_secure_used(), before); /* who has none needs none */
    assert_int_equal(lan_set_key(&bmc->lan, (const uint8_t *)"twenty bytes of key!", NULL),
                     -EINPROGRESS);
    assert_true(bmc->channel.has_kg && CRYPTO_secure_allocated(bmc->channel.kg));
    bmc_clear(bmc);
    free(bmc);
    assert_int_equal(CRYPTO_secure_used(), before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ssh_accounts),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_channel_key),
    };

    return cmocka_run_group_tests(tests, setup, conf_tear_down);
}
