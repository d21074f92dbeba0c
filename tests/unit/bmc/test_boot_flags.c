/* Boot flags: what the guest is told of them and when, how long they are valid, and what is
 * answered when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/chassis_power.h"

#define PXE_ONCE       "00 08 05 80 04 00 00 00"
#define PXE_ALWAYS     "00 08 05 c0 04 00 00 00"
#define GET_FLAGS      "00 09 05 00 00"
#define HAS_PXE_ONCE   "00 01 05 80 04 00 00 00"
#define HAS_PXE_ALWAYS "00 01 05 c0 04 00 00 00"
#define HAS_OLD_PXE    "00 01 05 00 04 00 00 00" /* no longer valid */

/* A device that the guest was told to boot first, by the last call. */
static void expect_told(enum host_boot_device device, bool persistent)
{
    const struct fake_host_call *call = fake_host_last(&fake_bmc.host);

    assert_int_equal(call->kind, FAKE_HOST_SET_BOOT);
    assert_int_equal(call->override.device, device);
    assert_int_equal(call->override.persistent, persistent);
}

/* ---- what the flags mean for the guest ---- */

static void test_every_selector(void **state)
{
    static const enum host_boot_device devices[16] = {
        [0x1] = HOST_BOOT_NETWORK,   [0x2] = HOST_BOOT_DISK,      [0x3] = HOST_BOOT_DISK,
        [0x4] = HOST_BOOT_DISK,      [0x5] = HOST_BOOT_CDROM,     [0x6] = HOST_BOOT_FIRMWARE_MENU,
        [0x7] = HOST_BOOT_REMOVABLE, [0x8] = HOST_BOOT_CDROM,     [0x9] = HOST_BOOT_DISK,
        [0xb] = HOST_BOOT_DISK,      [0xf] = HOST_BOOT_REMOVABLE,
    };
    char request[64], answer[64];

    (void)state;
    for (unsigned selector = 0; selector < 16; selector++) {
        for (unsigned persistent = 0; persistent < 2; persistent++) {
            unsigned flags = persistent ? 0xc0 : 0x80;
            /* All bits around the selector are set and come back. */
            snprintf(request, sizeof request, "00 08 05 %02x %02x ff 0f 1f", flags,
                     0xc3 | selector << 2);
            snprintf(answer, sizeof answer, "00 01 05 %02x %02x ff 0f 1f", flags,
                     0xc3 | selector << 2);
            assert_string_equal(fake_bmc_talk(&fake_bmc, request), "00");
            expect_told(devices[selector], persistent);
        }
        assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), answer);
    }
    assert_int_equal(fake_bmc.host.count, 32);
}

static void test_not_valid_means_none(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 05 40 04 00 00 00"), "00");
    expect_told(HOST_BOOT_NONE, false);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), "00 01 05 40 04 00 00 00");
}

static void test_never_powers_the_guest(void **state)
{
    static const enum host_power_state states[] = {HOST_POWER_OFF, HOST_POWER_PAUSED,
                                                   HOST_POWER_CRASHED};

    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        fake_bmc_setup(state);
        fake_bmc.host.domain.state = states[i];
        assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
        assert_int_equal(fake_bmc.host.count, 1);
        expect_told(HOST_BOOT_NETWORK, false);
    }
}

/* ---- the 60 s clock ---- */

static void test_expires(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
    fake_bmc_advance(&fake_bmc, 59999);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ONCE);
    unsigned saves = fake_bmc.changes[BMC_PART_BOOT];
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], saves + 1);
    assert_int_equal(fake_bmc.host.count, 2);
    expect_told(HOST_BOOT_NONE, false);
}

static void test_each_write_starts_the_clock(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 40000);
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 59999);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
}

/* What keeps the valid bit: any chassis control, parameter 3 before or after, a persistent one. */
static void test_does_not_expire(void **state)
{
    static const struct {
        const char *before, *flags, *after, *read;
    } cases[] = {
        {NULL, PXE_ONCE, "00 02 03", HAS_PXE_ONCE},
        {NULL, PXE_ONCE, "00 02 01", HAS_PXE_ONCE}, /* also one that has nothing to do */
        {"00 08 03 08", PXE_ONCE, NULL, HAS_PXE_ONCE},
        {NULL, PXE_ONCE, "00 08 03 08", HAS_PXE_ONCE},
        {NULL, PXE_ALWAYS, NULL, HAS_PXE_ALWAYS},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc_teardown(state);
        fake_bmc_setup(state);
        if (cases[i].before)
            assert_string_equal(fake_bmc_talk(&fake_bmc, cases[i].before), "00");
        assert_string_equal(fake_bmc_talk(&fake_bmc, cases[i].flags), "00");
        fake_bmc_advance(&fake_bmc, 59999);
        if (cases[i].after)
            assert_string_equal(fake_bmc_talk(&fake_bmc, cases[i].after), "00");
        fake_bmc_advance(&fake_bmc, 3600000);
        assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), cases[i].read);
    }
}

/* A reset or power cycle of the BMC's own clears the flags before the guest starts again, unless
 * bit 2 (watchdog timer) or bit 4 (PEF) of parameter 3 is set, or they are persistent. */
static void test_restarts_of_the_bmc(void **state)
{
    static const struct {
        unsigned keep;
        enum restart_cause cause;
        enum host_power_action action;
        const char *flags, *read;
    } cases[] = {
        {0x00, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_HARD_RESET, PXE_ONCE, HAS_OLD_PXE},
        {0x00, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_CYCLE, PXE_ONCE, HAS_OLD_PXE},
        {0x1b, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_CYCLE, PXE_ONCE, HAS_OLD_PXE},
        {0x04, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_HARD_RESET, PXE_ONCE, HAS_PXE_ONCE},
        {0x04, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_CYCLE, PXE_ONCE, HAS_PXE_ONCE},
        {0x00, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_HARD_RESET, PXE_ALWAYS, HAS_PXE_ALWAYS},
        {0x00, RESTART_CAUSE_PEF_RESET, HOST_POWER_ACTION_HARD_RESET, PXE_ONCE, HAS_OLD_PXE},
        {0x0f, RESTART_CAUSE_PEF_CYCLE, HOST_POWER_ACTION_CYCLE, PXE_ONCE, HAS_OLD_PXE},
        {0x10, RESTART_CAUSE_PEF_RESET, HOST_POWER_ACTION_HARD_RESET, PXE_ONCE, HAS_PXE_ONCE},
        {0x10, RESTART_CAUSE_PEF_CYCLE, HOST_POWER_ACTION_CYCLE, PXE_ONCE, HAS_PXE_ONCE},
        {0x00, RESTART_CAUSE_PEF_CYCLE, HOST_POWER_ACTION_CYCLE, PXE_ALWAYS, HAS_PXE_ALWAYS},
        /* Neither starts it again. */
        {0x00, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT, PXE_ONCE,
         HAS_PXE_ONCE},
        {0x00, RESTART_CAUSE_WATCHDOG, HOST_POWER_ACTION_DOWN, PXE_ONCE, HAS_PXE_ONCE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool falls = strcmp(cases[i].read, HAS_OLD_PXE) == 0;
        char request[16];
        fake_bmc_setup(state);
        snprintf(request, sizeof request, "00 08 03 %02x", cases[i].keep);
        assert_string_equal(fake_bmc_talk(&fake_bmc, request), "00");
        assert_string_equal(fake_bmc_talk(&fake_bmc, cases[i].flags), "00");
        fake_bmc.host.waits = true;
        chassis_act(&fake_bmc.bmc.chassis, cases[i].action, cases[i].cause, NULL);
        assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), cases[i].read);
        /* The guest is told first, and then restarted. */
        assert_int_equal(fake_bmc.host.count, 2 + falls);
        assert_int_equal(fake_host_last(&fake_bmc.host)->action, cases[i].action);
        if (falls)
            assert_int_equal(fake_bmc.host.calls[1].override.device, HOST_BOOT_NONE);
        fake_bmc_teardown(state);
    }
}

/* The other bits of parameter 3 do not stop it. */
static void test_expires_all_the_same(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 03 17"), "00");
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 60000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
}

/* Flags out of the store: nobody knows how long they have waited. */
static void test_clock_after_a_restart(void **state)
{
    static const uint8_t flags[] = {BOOT_FLAGS_VALID, 0x04, 0, 0, 0};

    (void)state;
    memcpy(fake_bmc.bmc.boot.flags, flags, sizeof flags);
    boot_restart_expiry(&fake_bmc.bmc.boot);
    fake_bmc_advance(&fake_bmc, 59999);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 1);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
}

static void test_withdrawn(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ALWAYS);
    boot_withdraw(&fake_bmc.bmc.boot);
    expect_told(HOST_BOOT_NONE, false);
}

/* ---- the guest's side ---- */

static void test_consumed(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    unsigned saves = fake_bmc.changes[BMC_PART_BOOT];
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_BOOT_CONSUMED);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], saves + 1);
    fake_bmc_advance(&fake_bmc, 60000); /* the clock has stopped */
    assert_int_equal(fake_bmc.host.count, 1);
    fake_bmc_talk(&fake_bmc, PXE_ALWAYS);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_BOOT_CONSUMED);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ALWAYS);
}

static void test_driver_record_is_stored(void **state)
{
    (void)state;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_BOOT_CHANGED);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 1);
}

static void test_answered_when_taken_and_stored(void **state)
{
    (void)state;
    fake_bmc.host.waits = fake_bmc.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), FAKE_BMC_WAITS);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 0);
    fake_host_finish(&fake_bmc.host, 0);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 1);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
}

static void test_accepted_after_250_ms(void **state)
{
    (void)state;
    fake_bmc.host.waits = fake_bmc.saves_wait = true;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_advance(&fake_bmc, 249);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 0);
    fake_bmc_advance(&fake_bmc, 1);
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 1);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), FAKE_BMC_WAITS); /* stored first */
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
    fake_host_finish(&fake_bmc.host, -EIO); /* too late to say */
}

static void test_failures(void **state)
{
    static const struct {
        int guest, store;
        const char *answer;
    } cases[] = {
        {-EINVAL, 0, "d5"}, {-EIO, 0, "ff"},    {-EHOSTUNREACH, 0, "c0"},
        {-ENODEV, 0, "c0"}, {0, -ENOSPC, "c4"}, {0, -EROFS, "ff"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.host.result = cases[i].guest;
        fake_bmc.save_result = cases[i].store;
        assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), cases[i].answer);
    }
}

/* What was refused leaves what was there, its clock included. */
static void test_refused_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ALWAYS), "00");
    fake_bmc.host.result = -EIO;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 05 80 14 00 00 00"), "ff");
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ALWAYS);
    fake_bmc_advance(&fake_bmc, 60000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ALWAYS);
}

static void test_parameters_answered_when_stored(void **state)
{
    static const char *const requests[] = {
        "00 08 03 08",    "00 08 04 01 01", "00 08 06 01 02 03 04 05 06 07 08 09",
        "00 08 07 00 01", "00 08 01 5a",    "00 08 02 01",
        "00 08 85",       "00 08 05",       "00 08 81",
        "00 08 01",       "00 08 80",       "00 08 00 00", /* parameter 0: only its mark is kept */
    };

    (void)state;
    fake_bmc.saves_wait = true;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        assert_string_equal(fake_bmc_talk(&fake_bmc, requests[i]), FAKE_BMC_WAITS);
        fake_bmc_finish_save(&fake_bmc, i % 2 ? -ENOSPC : 0);
        assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)),
                            i % 2 ? "c4" : "00");
    }
}

/* The second is not told how the first one went. */
static void test_two_at_once(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_talk(&fake_bmc, "00 08 05 80 14 00 00 00");
    fake_host_finish(&fake_bmc.host, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), FAKE_BMC_WAITS);
    fake_host_finish(&fake_bmc.host, -EIO);
    assert_string_not_equal(fake_bmc_answer(&fake_bmc, 1), FAKE_BMC_WAITS);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 2), "ff");
}

/* More of them than can wait: the guest still gets what was asked for last. */
static void test_many_at_once(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    for (int i = 0; i < WAITERS_MAX; i++)
        assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), FAKE_BMC_WAITS);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 05 80 14 00 00 00"), "00");
    expect_told(HOST_BOOT_CDROM, false);
}

/* ---- what the guest does not follow ---- */

static void test_obstacle(void **state)
{
    static struct host_hardware hardware;
    const struct bmc *bmc = &fake_bmc.bmc;

    (void)state;
    fake_bmc.host.domain.hardware = NULL;
    assert_null(boot_obstacle(&bmc->boot)); /* nothing is asked for */
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
    assert_null(boot_obstacle(&bmc->boot)); /* nothing is known of the guest */
    fake_bmc.host.domain.hardware = &hardware;
    assert_string_equal(boot_obstacle(&bmc->boot), "the guest has no such device");
    hardware.nic_count = 1;
    assert_null(boot_obstacle(&bmc->boot));
    snprintf(fake_bmc.host.domain.boot_obstacle, sizeof fake_bmc.host.domain.boot_obstacle,
             "QEMU's words");
    assert_string_equal(boot_obstacle(&bmc->boot), "QEMU's words");
    fake_bmc.host.domain.boot_obstacle[0] = '\0';
    fake_bmc_talk(&fake_bmc, "00 08 05 80 14 00 00 00"); /* cdrom */
    hardware.disks[hardware.disk_count++].boot_device = HOST_BOOT_DISK;
    assert_string_equal(boot_obstacle(&bmc->boot), "the guest has no such device");
    hardware.disks[hardware.disk_count++].boot_device = HOST_BOOT_CDROM;
    assert_null(boot_obstacle(&bmc->boot));
    fake_bmc_talk(&fake_bmc, "00 08 05 80 18 00 00 00"); /* bios */
    assert_null(boot_obstacle(&bmc->boot));
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_null(boot_obstacle(&bmc->boot));
}

/* ---- no guest, or no way to it ---- */

static void test_kept_until_there_is_a_guest(void **state)
{
    (void)state;
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 1);
    bmc_set_host(&fake_bmc.bmc, &fake_bmc.host.domain);
    expect_told(HOST_BOOT_NETWORK, false);
}

static void test_kept_while_the_hypervisor_is_away(void **state)
{
    (void)state;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), "00");
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.host.count, 1);
    expect_told(HOST_BOOT_NETWORK, false);
}

static void test_expires_while_the_hypervisor_is_away(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc_set_state(&fake_bmc, HOST_POWER_UNKNOWN);
    fake_bmc_advance(&fake_bmc, 60000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_OLD_PXE);
    unsigned calls = fake_bmc.host.count;
    fake_bmc_set_state(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(fake_bmc.host.count, calls + 1); /* now it can be taken back */
    expect_told(HOST_BOOT_NONE, false);
}

static void test_guest_vanishes(void **state)
{
    (void)state;
    fake_bmc.host.waits = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, PXE_ONCE), FAKE_BMC_WAITS);
    bmc_set_host(&fake_bmc.bmc, NULL);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00"); /* stored, and kept for its return */
    assert_int_equal(fake_bmc.changes[BMC_PART_BOOT], 1);
    fake_host_finish(&fake_bmc.host, 0);
}

/* Flags that the store did not take go, and so does the time within which they had to be used. */
static void test_expiry_goes_with_flags_not_stored(void **state)
{
    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ALWAYS);
    struct boot_options stored = fake_bmc.bmc.boot;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    boot_take_back(&fake_bmc.bmc.boot, &stored);
    expect_told(HOST_BOOT_NETWORK, true);
    fake_bmc_advance(&fake_bmc, BOOT_VALID_EXPIRY_MS + 1000);
    assert_string_equal(fake_bmc_talk(&fake_bmc, GET_FLAGS), HAS_PXE_ALWAYS);
}

/* The driver's record is stored while flags wait for the guest: not with these, which may be
 * refused, and then could not be told from what was acknowledged. */
static void test_waiting_flags_are_not_stored(void **state)
{
    struct boot_options *boot = &fake_bmc.bmc.boot;

    (void)state;
    fake_bmc_talk(&fake_bmc, PXE_ALWAYS);
    struct boot_options stored = *boot;
    fake_bmc.host.waits = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "00 08 85 80 14 00 00 00"), FAKE_BMC_WAITS);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_BOOT_CHANGED);
    struct boot_options settled = boot_settled(boot);
    assert_memory_equal(settled.flags, stored.flags, BOOT_FLAGS_SIZE);
    assert_int_equal(settled.locked, stored.locked);
    /* That could not be stored, which takes nothing of them away. */
    boot_take_back(boot, &stored);
    assert_true(boot_is_marked(boot, 5));
    fake_bmc_advance(&fake_bmc, 250);
    assert_string_equal(fake_bmc_answer(&fake_bmc, 1), "00");
    settled = boot_settled(boot);
    assert_int_equal(settled.flags[1], 0x14);
    assert_true(boot_is_marked(&settled, 5));
    fake_host_finish(&fake_bmc.host, 0);
    /* Used up meanwhile: not stored as valid any more. */
    fake_bmc.host.waits = false;
    fake_bmc_talk(&fake_bmc, PXE_ONCE);
    fake_bmc.host.waits = true;
    fake_bmc_talk(&fake_bmc, PXE_ALWAYS);
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_BOOT_CONSUMED);
    settled = boot_settled(boot);
    assert_int_equal(settled.flags[0] & BOOT_FLAGS_VALID, 0);
    fake_host_finish(&fake_bmc.host, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waiting_flags_are_not_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_every_selector, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_not_valid_means_none, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_never_powers_the_guest, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_expires, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_each_write_starts_the_clock, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_expiry_goes_with_flags_not_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_does_not_expire, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_expires_all_the_same, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test(test_restarts_of_the_bmc),
        cmocka_unit_test_setup_teardown(test_clock_after_a_restart, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_consumed, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_driver_record_is_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_answered_when_taken_and_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_accepted_after_250_ms, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_refused_changes_nothing, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_parameters_answered_when_stored, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_two_at_once, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_obstacle, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_kept_until_there_is_a_guest, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_kept_while_the_hypervisor_is_away, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_expires_while_the_hypervisor_is_away, fake_bmc_setup,
                                        fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_guest_vanishes, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
