/* App commands about the BMC itself, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/bmc/manufacturer.h"

/* No manufacturer that a client knows: that would switch on OEM commands. */
static void test_device_id(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 01"), "00 20 01 01 00 02 80 d9 7e 00 01 00");
    fake_bmc.bmc.manufacturer = BMC_MANUFACTURER_MAX;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 01"), "00 20 01 01 00 02 80 ff ff 0f 01 00");
}

static void test_self_test(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 04"), "00 55 00");
}

/* The UUID with all 16 bytes reversed: 12345678-9abc-4def-8123-456789abcdef. */
static void test_guid(void **state)
{
    static const char expected[] = "00 ef cd ab 89 67 45 23 81 ef 4d bc 9a 78 56 34 12";

    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 37"), expected);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 08"), expected);
    fake_bmc.origin = IPMI_ORIGIN_LAN_OUTSIDE_SESSION;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 37"), expected);
}

/* None of these asks the guest, nor waits for it. */
static void test_without_a_guest(void **state)
{
    (void)state;
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_memory_equal(fake_bmc_talk(&fake_bmc, "06 01"), "00 20", 5);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 04"), "00 55 00");
    assert_memory_equal(fake_bmc_talk(&fake_bmc, "06 37"), "00 ef", 5);
    assert_int_equal(fake_bmc.host.count, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_device_id, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_self_test, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_guid, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_guest, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
