/* System boot options: every parameter at its bounds, and what clients really send. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/unit/lines.h"
#include "vbmc/base/array.h"

#define PXE_ONCE     "00 08 05 80 04 00 00 00"
#define GET_FLAGS    "00 09 05 00 00"
#define HAS_PXE_ONCE "00 01 05 80 04 00 00 00"
#define BLOCK        "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
#define ZEROS        "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"

/* A device that the guest was told to boot first, by the last call. */
static void expect_told(enum host_boot_device device, bool persistent)
{
    const struct fake_host_call *call = fake_host_last(&fake_bmc.host);

    assert_int_equal(call->kind, FAKE_HOST_SET_BOOT);
    assert_int_equal(call->override.device, device);
    assert_int_equal(call->override.persistent, persistent);
}

/* ---- the parameters ---- */

static void test_defaults(void **state)
{
    static const struct line lines[] = {
        {"00 09 00 00 00", "00 01 00 00"},
        {"00 09 01 00 00", "00 01 01 00"},
        {"00 09 02 00 00", "00 01 02 00"},
        {"00 09 03 00 00", "00 01 03 00"},
        {"00 09 04 00 00", "00 01 04 00 00"},
        {"00 09 05 00 00", "00 01 05 00 00 00 00 00"},
        {"00 09 06 00 00", "00 01 06 00 00 00 00 00 00 00 00 00"},
        {"00 09 07 00 00", "00 01 07 00 " ZEROS},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

static void test_read_back(void **state)
{
    static const struct line lines[] = {
        {"00 08 01 5a", "00"},
        {"00 09 01 00 00", "00 01 01 5a"},
        {"00 08 02 fd", "00"},
        {"00 09 02 00 00", "00 01 02 01"},
        {"00 08 03 ff", "00"},
        {"00 09 03 00 00", "00 01 03 1f"},
        {"00 08 03 00", "00"},
        {"00 09 03 00 00", "00 01 03 00"},
        {"00 08 04 03 ff", "00"},
        {"00 09 04 00 00", "00 01 04 00 03"}, /* under the mask */
        {"00 08 04 1d 10", "00"},
        {"00 09 04 00 00", "00 01 04 00 12"},
        {"00 08 04 e0 ff", "00"},
        {"00 09 04 00 00", "00 01 04 00 12"},
        {"00 08 05 e0 ff fe 0d 11", "00"},
        {GET_FLAGS, "00 01 05 e0 ff fe 0d 11"},
        {"00 08 06 01 02 03 04 05 06 07 08 09", "00"},
        {"00 09 06 00 00", "00 01 06 01 02 03 04 05 06 07 08 09"},
        {"00 09 85 00 00", "cc"},                      /* a reserved bit */
        {"00 09 05 01 01", "00 01 05 e0 ff fe 0d 11"}, /* selectors mean nothing to it */
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

/* One byte less and one more than each parameter has; nothing is changed by it. */
static void test_lengths(void **state)
{
    static const struct line lines[] = {
        {"00 08 00 01 00", "c7"},
        {"00 08 01 01 00", "c7"},
        {"00 08 02 01 00", "c7"},
        {"00 08 03 01 00", "c7"},
        {"00 08 04 01", "c7"},
        {"00 08 04 01 01 00", "c7"},
        {"00 08 05 80 04 00 00", "c7"},
        {"00 08 05 80 04 00 00 00 00", "c7"},
        {"00 08 06 01 02 03 04 05 06 07 08", "c7"},
        {"00 08 06 01 02 03 04 05 06 07 08 09 00", "c7"},
        {"00 08 07 00 " BLOCK " 10", "c7"},
        {"00 08 85 80 04 00 00", "c7"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    test_defaults(state);
    assert_int_equal(fake_bmc.save_count, 0);
    assert_int_equal(fake_bmc.host.count, 0);
}

static void test_unknown_parameters(void **state)
{
    char request[32];

    (void)state;
    for (unsigned number = 8; number < 128; number++) {
        if (number % 20 == 8)
            fake_bmc_setup(state); /* the fake remembers so many answers only */
        snprintf(request, sizeof request, "00 08 %02x 00", number);
        assert_string_equal(fake_bmc_talk(&fake_bmc, request), "80");
        snprintf(request, sizeof request, "00 09 %02x 00 00", number);
        assert_string_equal(fake_bmc_talk(&fake_bmc, request), "80");
    }
}

static void test_set_in_progress(void **state)
{
    static const struct line lines[] = {
        {"00 08 00 01", "00"},
        {"00 09 00 00 00", "00 01 00 01"},
        {"00 08 00 01", "81"},
        {"00 09 00 00 00", "00 01 00 01"},
        {"00 08 00 02", "00"},
        {"00 09 00 00 00", "00 01 00 00"}, /* committed */
        {"00 08 00 01", "00"},
        {"00 08 00 00", "00"},
        {"00 09 00 00 00", "00 01 00 00"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

#define BEGIN_SET    "00 08 00 01"
#define IS_COMPLETE  "00 01 00 00"
#define IN_PROGRESS  "00 01 00 01"
#define GET_PROGRESS "00 09 00 00 00"

/* Table 28-14, parameter 0. */
static void test_set_in_progress_ends(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, BEGIN_SET), "00");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION + 1); /* another's */
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IN_PROGRESS);
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IS_COMPLETE);

    fake_bmc_talk(&fake_bmc, BEGIN_SET);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IS_COMPLETE);

    fake_bmc_talk(&fake_bmc, BEGIN_SET);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_PAUSED);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IN_PROGRESS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IS_COMPLETE);

    /* Who goes on by himself has nothing to fear of the one who had it before. */
    fake_bmc_talk(&fake_bmc, BEGIN_SET);
    fake_bmc_talk(&fake_bmc, "00 08 00 00");
    fake_bmc.session = FAKE_BMC_SESSION + 1;
    fake_bmc_talk(&fake_bmc, BEGIN_SET);
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IN_PROGRESS);

    /* Found off after its hypervisor was away. */
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IN_PROGRESS);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_OFF);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IS_COMPLETE);
}

/* What was refused does not mark anything either. */
static void test_refused_marks_nothing(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 87 05 00"), "c9");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 09 07 04 00"), "00 01 07 04 " ZEROS);
    assert_string_equal(fake_bmc_talk(&fake_bmc, BEGIN_SET), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 80 01"), "81");
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_PROGRESS), IN_PROGRESS);
    fake_bmc.host.result = -EIO;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 85 80 04 00 00 00"), "ff");
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), "00 01 05 00 00 00 00 00");
}

static void test_mark_invalid(void **state)
{
    static const struct line lines[] = {
        {PXE_ONCE, "00"},
        {"00 08 85", "00"},
        {GET_FLAGS, "00 01 85 80 04 00 00 00"},
        {"00 09 04 00 00", "00 01 04 00 00"}, /* that one alone */
        {"00 08 05", "00"},
        {GET_FLAGS, HAS_PXE_ONCE},
        {"00 08 87", "00"},
        {"00 09 07 04 00", "00 01 87 04 " ZEROS},
        {"00 08 83 08", "00"},
        {"00 09 03 00 00", "00 01 83 08"},
        {"00 08 03 00", "00"},
        {"00 09 03 00 00", "00 01 03 00"}, /* writing makes it valid */
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

static void test_mailbox(void **state)
{
    static const struct line lines[] = {
        {"00 08 07 00 " BLOCK, "00"},
        {"00 08 07 04 aa bb", "00"}, /* fewer than 16 */
        {"00 08 07 02", "00"},       /* none at all */
        {"00 09 07 00 00", "00 01 07 00 " BLOCK},
        {"00 09 07 02 00", "00 01 07 02 " ZEROS},
        {"00 09 07 04 00", "00 01 07 04 aa bb 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
        {"00 08 07 00 ff", "00"}, /* the rest of the block stays */
        {"00 09 07 00 00", "00 01 07 00 ff 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"},
        {"00 08 07 05 00", "c9"},
        {"00 08 07 ff " BLOCK, "c9"},
        {"00 09 07 05 00", "c9"},
        {"00 09 07 ff 00", "c9"},
        {"00 09 07 00 01", "00 01 07 00 ff 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
}

/* ---- clients ---- */

static void test_ipmitool(void **state)
{
    static const struct line lines[] = {
        {"00 08 00 01", "00"}, {"00 08 04 01 01", "00"}, {PXE_ONCE, "00"},
        {"00 08 00 02", "00"}, {"00 08 00 00", "00"},    {GET_FLAGS, HAS_PXE_ONCE},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.host.count, 1);
    expect_told(HOST_BOOT_NETWORK, false);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 05 e0 08 00 00 00"), "00");
    expect_told(HOST_BOOT_DISK, true); /* options=efiboot,persistent */
}

static void test_pyghmi(void **state)
{
    static const struct line lines[] = {
        {GET_FLAGS, "00 01 05 00 00 00 00 00"},
        {"00 08 03 08", "00"},
        {"00 08 05 80 14 00 00 00", "00"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    expect_told(HOST_BOOT_CDROM, false);
    fake_bmc_advance(&fake_bmc, 3600000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), "00 01 05 80 14 00 00 00");
    assert_int_equal(fake_bmc.host.count, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_read_back, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_lengths, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_parameters, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_set_in_progress, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_set_in_progress_ends, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_refused_marks_nothing, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_mark_invalid, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_mailbox, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_ipmitool, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_pyghmi, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
