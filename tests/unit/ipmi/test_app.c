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

/* A restart is asked for, and happens behind the answer. */
static void test_resets(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 02"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 03"), "00");
    assert_int_equal(fake_bmc.restarts, 2);
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 02"), "d4");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 03"), "d4");
    assert_int_equal(fake_bmc.restarts, 2);
    assert_int_equal(fake_bmc.host.count, 0);
}

/* What is volatile falls back, and a guest or what is under way with it is not touched. */
static void test_restart(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 2e 00"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 82 83"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 04 00 01"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 0a 0f"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 00 01"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 06 02"), "00 07");
    uint16_t reservation = sdr_reserve(&fake_bmc.bmc);
    fake_bmc.host.waits = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 02 03"), FAKE_BMC_WAITS);
    uint32_t reset = fake_bmc_request(&fake_bmc);
    unsigned saves = fake_bmc.save_count, calls = fake_bmc.host.count;
    bmc_restart(&fake_bmc.bmc);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 2f"), "00 08");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 00 00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 01"), "00 41 00 40 00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 09 00 00 00"), "00 01 00 00");
    assert_int_not_equal(fake_bmc.bmc.sdr.reservation, reservation);
    assert_int_equal(fake_bmc.save_count, saves);
    assert_int_equal(fake_bmc.host.count, calls);
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, reset), "00");
}

static void test_interfaces(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 57 01"), "00 00 00 ff");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 57 00"), "cc"); /* SSIF */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 57 02"), "cc"); /* SMIC */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 57 11"), "cc");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 36"), "c1");
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 36"), "00 01 ff ff 0a 00");
}

/* What the BMC is told holds until the guest starts, stops or is reset; what it is told of itself
 * until it starts again. */
static void test_acpi(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 00 00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 81 00"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 01 00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 00 82"), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 01 02");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 ff ff"), "00"); /* no change */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 01 02");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 8b 80"), "cc");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 06 80 84"), "cc"); /* neither is set */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 01 02");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "06 07"), "00 05 02");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_device_id, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_self_test, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_guid, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_resets, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_restart, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_interfaces, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_acpi, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_guest, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
