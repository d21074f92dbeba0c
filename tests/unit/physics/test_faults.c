/* Injected faults: how they are written, what the list keeps, and what it says of a part. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/faults.h"
#include "vbmc/physics/supply.h"

static struct fault parsed(const char *target, const char *kind)
{
    struct fault fault;
    char error[200] = "";

    if (fault_parse(target, kind, &fault, error, sizeof error) != 0)
        fail_msg("%s %s: %s", target, kind, error);
    return fault;
}

static void test_everything_that_is_possible(void **state)
{
    static const struct {
        const char *target, *kind;
        enum fault_target is;
        const char *instance;
        enum fault_kind is_kind;
        double value;
        bool stays;
    } cases[] = {
        {"disk/vda", "predictive-failure", FAULT_TARGET_DISK, "vda", FAULT_PREDICTIVE_FAILURE, 0,
         true},
        {"disk/vda", "fault", FAULT_TARGET_DISK, "vda", FAULT_FAULT, 0, true},
        {"psu/1", "ac-lost", FAULT_TARGET_PSU, "1", FAULT_AC_LOST, 0, true},
        {"psu/2", "failed", FAULT_TARGET_PSU, "2", FAULT_FAILED, 0, true},
        {"psu/6", "removed", FAULT_TARGET_PSU, "6", FAULT_REMOVED, 0, true},
        {"psu/1", "predictive-failure", FAULT_TARGET_PSU, "1", FAULT_PREDICTIVE_FAILURE, 0, true},
        {"fan/4", "failed", FAULT_TARGET_FAN, "4", FAULT_FAILED, 0, true},
        {"temp/inlet", "+15", FAULT_TARGET_TEMP, "inlet", FAULT_OFFSET, 15, true},
        {"temp/cpu8", "-3.5", FAULT_TARGET_TEMP, "cpu8", FAULT_OFFSET, -3.5, true},
        {"temp/cpu", "+0.25", FAULT_TARGET_TEMP, "cpu", FAULT_OFFSET, 0.25, true},
        {"temp/dimm", "+100", FAULT_TARGET_TEMP, "dimm", FAULT_OFFSET, 100, true},
        {"temp/exhaust", "-100", FAULT_TARGET_TEMP, "exhaust", FAULT_OFFSET, -100, true},
        {"memory", "ecc-correctable", FAULT_TARGET_MEMORY, "", FAULT_ECC_CORRECTABLE, 0, false},
        {"memory", "ecc-uncorrectable", FAULT_TARGET_MEMORY, "", FAULT_ECC_UNCORRECTABLE, 0, true},
        {"intrusion", "open", FAULT_TARGET_INTRUSION, "", FAULT_OPEN, 0, true},
        {"nic/0", "down", FAULT_TARGET_NIC, "0", FAULT_DOWN, 0, true},
        {"nic/31", "down", FAULT_TARGET_NIC, "31", FAULT_DOWN, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fault fault = parsed(cases[i].target, cases[i].kind);
        char text[64];

        assert_int_equal(fault.target, cases[i].is);
        assert_string_equal(fault.instance, cases[i].instance);
        assert_int_equal(fault.kind, cases[i].is_kind);
        assert_true(fabs(fault.value - cases[i].value) < 1e-12);
        assert_int_equal(fault_stays(&fault), cases[i].stays);
        fault_format_target(&fault, text, sizeof text);
        assert_string_equal(text, cases[i].target);
        fault_format_kind(&fault, text, sizeof text);
        assert_string_equal(text, cases[i].kind);
    }
}

static void test_everything_else_is_refused(void **state)
{
    static const struct {
        const char *target, *kind, *says;
    } cases[] = {
        {"", "fault", "targets are"},
        {"disc/vda", "fault", "targets are"},
        {"diskvda", "fault", "targets are"},
        {"dis", "fault", "targets are"},
        {"disk", "fault", "disk/vda"},
        {"disk/", "fault", "disk/vda"},
        {"disk/../x", "fault", "disk/vda"},
        {"disk/vd a", "fault", "disk/vda"},
        {"disk/abcdefghijabcdefghijabcdefghijxy", "fault", "disk/vda"}, /* 32 bytes */
        {"disk/vda", "failed", "disk can be: predictive-failure, fault"},
        {"disk/vda", "", "disk can be"},
        {"psu/0", "failed", "psu/1 to psu/6"},
        {"psu/7", "failed", "psu/1 to psu/6"},
        {"psu/01", "failed", "psu/1 to psu/6"},
        {"psu/+1", "failed", "psu/1 to psu/6"},
        {"psu/4294967297", "failed", "psu/1 to psu/6"},
        {"psu/1x", "failed", "psu/1 to psu/6"},
        {"psu/1", "down", "psu can be: predictive-failure, ac-lost, failed, removed"},
        {"psu/1", "AC-LOST", "psu can be"},
        {"fan/5", "failed", "fan/1 to fan/4"},
        {"fan/1", "removed", "fan can be: failed"},
        {"temp", "+1", "temp/inlet"},
        {"temp/cpu0", "+1", "temp/inlet"},
        {"temp/cpu9", "+1", "temp/inlet"},
        {"temp/room", "+1", "temp/inlet"},
        {"temp/inlet", "15", "+15"},
        {"temp/inlet", "+", "+15"},
        {"temp/inlet", "+.5", "+15"},
        {"temp/inlet", "+1.", "+15"},
        {"temp/inlet", "+1.125", "+15"},
        {"temp/inlet", "+1e1", "+15"},
        {"temp/inlet", "+0x1", "+15"},
        {"temp/inlet", "+inf", "+15"},
        {"temp/inlet", "+nan", "+15"},
        {"temp/inlet", "+ 5", "+15"},
        {"temp/inlet", "+101", "at most 100"},
        {"temp/inlet", "+0", "+15"},
        {"temp/inlet", "-0.00", "+15"},
        {"memory/1", "ecc-correctable", "there is but one"},
        {"memory", "ecc", "memory can be: ecc-correctable, ecc-uncorrectable"},
        {"intrusion", "closed", "intrusion can be: open"},
        {"nic/32", "down", "nic/0"},
        {"nic/", "down", "nic/0"},
        {"nic/0", "up", "nic can be: down"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fault fault = {.since_s = 42};
        char error[200] = "";

        if (fault_parse(cases[i].target, cases[i].kind, &fault, error, sizeof error) != -EINVAL)
            fail_msg("%s %s was taken", cases[i].target, cases[i].kind);
        if (!strstr(error, cases[i].says))
            fail_msg("%s %s: %s", cases[i].target, cases[i].kind, error);
        assert_int_equal(fault.since_s, 42); /* untouched */
    }
}

static void test_long_errors_are_cut(void **state)
{
    struct fault fault;
    char error[12];

    (void)state;
    for (size_t size = 1; size <= sizeof error; size++) {
        memset(error, 'x', sizeof error);
        assert_int_equal(fault_parse("psu/1", "down", &fault, error, size), -EINVAL);
        assert_true(strlen(error) < size);
        assert_int_equal(fault_parse("pfu/1", "down", &fault, error, size), -EINVAL);
        assert_true(strlen(error) < size);
    }
}

static void test_list(void **state)
{
    struct faults faults = {0};
    struct fault warm = parsed("temp/inlet", "+15"), warmer = parsed("temp/inlet", "+20.5");
    struct fault lost = parsed("psu/1", "ac-lost"), failed = parsed("psu/1", "failed");
    struct fault once = parsed("memory", "ecc-correctable");

    (void)state;
    assert_int_equal(faults_add(&faults, &warm), 0);
    assert_int_equal(faults_add(&faults, &lost), 0);
    assert_int_equal(faults_add(&faults, &failed), 0);
    assert_int_equal(faults_add(&faults, &warmer), 0); /* instead of the first */
    assert_int_equal(faults_add(&faults, &lost), 0);
    assert_int_equal(faults_add(&faults, &once), 0); /* nothing stays of it */
    assert_int_equal(faults.count, 3);
    assert_true(faults.items[0].value > 20);
    assert_true(faults_has(&faults, FAULT_TARGET_PSU, "1", FAULT_FAILED));
    assert_false(faults_has(&faults, FAULT_TARGET_PSU, "2", FAULT_FAILED));
    assert_false(faults_has(&faults, FAULT_TARGET_FAN, "1", FAULT_FAILED));
    assert_false(faults_has(&faults, FAULT_TARGET_MEMORY, "", FAULT_ECC_CORRECTABLE));
}

static void test_clear(void **state)
{
    struct faults faults = {0};
    struct fault items[] = {parsed("psu/1", "ac-lost"), parsed("psu/1", "failed"),
                            parsed("psu/2", "failed"), parsed("intrusion", "open")};
    enum fault_kind kind = FAULT_AC_LOST;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        faults_add(&faults, &items[i]);
    assert_int_equal(faults_clear(&faults, &items[2], &kind), 0); /* not of PSU 2 */
    assert_int_equal(faults_clear(&faults, &items[0], &kind), 1);
    assert_int_equal(faults.count, 3);
    assert_int_equal(faults.items[0].kind, FAULT_FAILED);
    faults_add(&faults, &items[0]);
    assert_int_equal(faults_clear(&faults, &items[0], NULL), 2); /* both of PSU 1 */
    assert_string_equal(faults.items[0].instance, "2");
    assert_int_equal(faults_clear(&faults, NULL, NULL), 2);
    assert_int_equal(faults.count, 0);
    assert_int_equal(faults_clear(&faults, NULL, NULL), 0);
}

static void test_full(void **state)
{
    struct faults faults = {0};
    char target[16];

    (void)state;
    for (unsigned i = 0; i < FAULTS_MAX; i++) {
        snprintf(target, sizeof target, "disk/vd%u", i);
        struct fault fault = parsed(target, "fault");
        assert_int_equal(faults_add(&faults, &fault), 0);
    }
    struct fault more = parsed("psu/1", "failed"), again = parsed("disk/vd63", "fault");
    assert_int_equal(faults_add(&faults, &more), -ENOSPC);
    assert_int_equal(faults_add(&faults, &again), 0);
    assert_int_equal(faults.count, FAULTS_MAX);
}

static void test_of_psu(void **state)
{
    static const char *const kinds[] = {"ac-lost", "failed", "removed", "predictive-failure"};
    struct faults faults = {0};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct fault fault = parsed("psu/2", kinds[i]);
        faults_add(&faults, &fault);
        assert_int_equal(faults_of_psu(&faults, 1), (2u << i) - 1); /* bits in their order */
        assert_int_equal(faults_of_psu(&faults, 0), 0);
    }
}

static void test_temperature(void **state)
{
    struct faults faults = {0};
    struct fault all = parsed("temp/cpu", "+10"), second = parsed("temp/cpu2", "-2.5"),
                 inlet = parsed("temp/inlet", "+15");

    (void)state;
    faults_add(&faults, &all);
    faults_add(&faults, &second);
    faults_add(&faults, &inlet);
    assert_true(fabs(faults_temperature_offset(&faults, "cpu1") - 10) < 1e-12);
    assert_true(fabs(faults_temperature_offset(&faults, "cpu2") - 7.5) < 1e-12);
    assert_true(fabs(faults_temperature_offset(&faults, "cpu") - 10) < 1e-12);
    assert_true(fabs(faults_temperature_offset(&faults, "inlet") - 15) < 1e-12);
    assert_true(fabs(faults_temperature_offset(&faults, "dimm")) < 1e-12);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_that_is_possible),
        cmocka_unit_test(test_everything_else_is_refused),
        cmocka_unit_test(test_long_errors_are_cut),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_of_psu),
        cmocka_unit_test(test_temperature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
