/* System Info Parameters, byte by byte (IPMI 2.0, section 22.14), and as a record in the store. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/state/record.h"

#define EXPECT(request, answer) assert_string_equal(fake_bmc_talk(&fake_bmc, request), answer)

#define ZEROS_11 "00 00 00 00 00 00 00 00 00 00 00"
#define EMPTY    "00 11 00 00 00 00 00 00 " ZEROS_11
#define BLOCK    "30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66"
/* What fake_host calls its guest, as block 0. */
#define DOMAIN "00 11 00 00 05 67 75 65 73 74 00 00 00 00 00 00 00 00 00"

static struct system_info *info(void)
{
    return &fake_bmc.bmc.system_info;
}

static void test_defaults(void **state)
{
    (void)state;
    EXPECT("06 59 00 00 00 00", "00 11 00");
    EXPECT("06 59 00 01 00 00", EMPTY);
    EXPECT("06 59 00 02 00 00", DOMAIN);
    EXPECT("06 59 00 07 00 00", EMPTY);
    EXPECT("06 59 00 02 01 00", "c9");
    EXPECT("06 59 80 02 00 00", "00 11");
    EXPECT("06 59 80 02 09 00", "00 11");
    EXPECT("06 59 00 08 00 00", "80");
    EXPECT("06 59 80 08 00 00", "80");
    EXPECT("06 59 40 02 00 00", "cc");
    EXPECT("06 59 00 02 00 01", "cc");
    bmc_set_host(&fake_bmc.bmc, NULL);
    EXPECT("06 59 00 02 00 00", EMPTY);
}

static void test_blocks(void **state)
{
    (void)state;
    EXPECT("06 58 02 00 01 12 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e", "00");
    EXPECT("06 58 02 01 6f 70 71 72", "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_SYSTEM_INFO], 2);
    EXPECT("06 59 00 02 00 00", "00 11 00 01 12 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e");
    EXPECT("06 59 00 02 01 00", "00 11 01 6f 70 71 72 00 " ZEROS_11);
    EXPECT("06 59 00 02 02 00", "c9");
    /* A shorter text has no more than its length. */
    EXPECT("06 58 02 00 00 01 7a", "00");
    EXPECT("06 59 00 02 00 00", "00 11 00 00 01 7a 00 00 " ZEROS_11);
    EXPECT("06 59 00 02 01 00", "c9");
    EXPECT("06 58 02 00 00 10", "00");
    EXPECT("06 59 00 02 01 00", "00 11 01 00 00 00 00 00 " ZEROS_11);
    /* The longest. */
    EXPECT("06 58 02 00 02 ff", "00");
    EXPECT("06 58 02 10 " BLOCK, "00");
    EXPECT("06 59 00 02 10 00", "00 11 10 " BLOCK);
    EXPECT("06 59 00 02 11 00", "c9");
    /* An empty one is not the default. */
    EXPECT("06 58 02 00 00 00", "00");
    EXPECT("06 59 00 02 00 00", EMPTY);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"06 58 08 00 00 00", "80"},
        {"06 58 c0 00 00 00", "80"},
        {"06 58 00", "c7"},
        {"06 58 00 00 00", "c7"},
        {"06 58 00 03", "cc"},
        {"06 58 00 04", "cc"},
        {"06 58 00 81", "cc"},
        {"06 58 02 00", "c7"},
        {"06 58 02 00 00", "c7"},
        {"06 58 02 01", "c7"},
        {"06 58 02 11 " BLOCK, "c9"},
        {"06 58 02 ff " BLOCK, "c9"},
        {"06 58 02 00 03 01 61", "cc"},
        {"06 58 02 00 10 01 61", "cc"},
        {"06 58 02 01 " BLOCK " 00", "c7"},
        {"06 59 00 02 00", "c7"},
        {"06 59 00 02 00 00 00", "c7"},
    };

    (void)state;
    EXPECT("06 58 02 00 00 01 61", "00");
    fake_bmc.changes[BMC_PART_SYSTEM_INFO] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(fake_bmc_talk(&fake_bmc, cases[i].request), cases[i].answer);
        EXPECT("06 59 00 02 00 00", "00 11 00 00 01 61 00 00 " ZEROS_11);
    }
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    EXPECT("06 58 02 00 00 01 62", "d4");
    EXPECT("06 59 00 02 00 00", "00 11 00 00 01 61 00 00 " ZEROS_11);
    assert_int_equal(fake_bmc.changes[BMC_PART_SYSTEM_INFO], 0);
}

static void test_set_in_progress(void **state)
{
    (void)state;
    EXPECT("06 58 00 01", "00");
    EXPECT("06 59 00 00 00 00", "00 11 01");
    EXPECT("06 58 00 01", "81");
    EXPECT("06 58 02 00 00 01 61", "00"); /* by whoever does */
    EXPECT("06 58 00 02", "00");
    EXPECT("06 59 00 00 00 00", "00 11 00");
    EXPECT("06 58 00 01", "00");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION + 1);
    EXPECT("06 59 00 00 00 00", "00 11 01");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION);
    EXPECT("06 59 00 00 00 00", "00 11 00");
    EXPECT("06 58 00 01", "00");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    EXPECT("06 59 00 00 00 00", "00 11 00");
    EXPECT("06 58 00 01", "00");
    bmc_restart(&fake_bmc.bmc);
    EXPECT("06 59 00 00 00 00", "00 11 00");
}

/* The running OS: not stored, and gone with it. */
static void test_running_os(void **state)
{
    static const enum host_event ends[] = {HOST_EVENT_RESET, HOST_EVENT_STOPPED,
                                           HOST_EVENT_STARTED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ends) + 1; i++) {
        EXPECT("06 58 04 00 00 01 61", "00");
        EXPECT("06 58 05 00 00 01 62", "00");
        EXPECT("06 58 03 00 00 01 63", "00");
        EXPECT("06 59 00 04 00 00", "00 11 00 00 01 61 00 00 " ZEROS_11);
        EXPECT("06 59 00 05 00 00", "00 11 00 00 01 62 00 00 " ZEROS_11);
        if (i < ARRAY_SIZE(ends))
            bmc_host_event(&fake_bmc.bmc, ends[i]);
        else
            bmc_restart(&fake_bmc.bmc);
        EXPECT("06 59 00 04 00 00", EMPTY);
        EXPECT("06 59 00 05 00 00", EMPTY);
        EXPECT("06 59 00 03 00 00", "00 11 00 00 01 63 00 00 " ZEROS_11);
    }
    assert_int_equal(fake_bmc.changes[BMC_PART_SYSTEM_INFO], ARRAY_SIZE(ends) + 1);
}

static void test_answered_when_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    EXPECT("06 58 06 00 00 01 61", FAKE_BMC_WAITS);
    uint32_t first = fake_bmc_request(&fake_bmc);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, first), "00");
    fake_bmc.saves_wait = false;
    fake_bmc.save_result = -EIO;
    EXPECT("06 58 06 00 00 01 62", "ff");
}

/* ---- the record ---- */

static void test_record(void **state)
{
    (void)state;
    EXPECT("06 58 01 00 00 02 76 31", "00");
    EXPECT("06 58 02 00 01 12 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e", "00");
    EXPECT("06 58 02 01 6f 70 71 72", "00");
    EXPECT("06 58 04 00 00 01 61", "00");
    struct json_object *record = record_system_info.encode(&fake_bmc.bmc);
    assert_string_equal(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN),
                        "{\"firmware-version\":{\"encoding\":0,\"text\":\"7631\"},"
                        "\"system-name\":{\"encoding\":1,\"text\":"
                        "\"6162636465666768696a6b6c6d6e6f707172\"}}");
    EXPECT("06 58 01 00 00 00", "00");
    EXPECT("06 58 06 00 00 01 61", "00");
    assert_int_equal(record_system_info.decode(&fake_bmc.bmc, record), 0);
    EXPECT("06 59 00 01 00 00", "00 11 00 00 02 76 31 00 " ZEROS_11);
    EXPECT("06 59 00 02 01 00", "00 11 01 6f 70 71 72 00 " ZEROS_11);
    EXPECT("06 59 00 06 00 00", EMPTY);
    EXPECT("06 59 00 04 00 00", "00 11 00 00 01 61 00 00 " ZEROS_11); /* is not its */
    json_object_put(record);
    assert_int_equal(record_system_info.decode(&fake_bmc.bmc, NULL), 0);
    assert_null(info()->texts[SYSTEM_INFO_SYSTEM_NAME]);
}

static void test_damaged_record(void **state)
{
    static const char *const damaged[] = {
        "{\"system-name\":3}",
        "{\"system-name\":{\"encoding\":3,\"text\":\"61\"}}",
        "{\"system-name\":{\"encoding\":-1,\"text\":\"61\"}}",
        "{\"system-name\":{\"text\":\"61\"}}",
        "{\"system-name\":{\"encoding\":0,\"text\":\"6\"}}",
        "{\"system-name\":{\"encoding\":0,\"text\":7}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        struct json_object *record = json_tokener_parse(damaged[i]);
        json_object_object_add(record, "bmc-url",
                               json_tokener_parse("{\"encoding\":0,\"text\":\"75\"}"));
        assert_int_equal(record_system_info.decode(&fake_bmc.bmc, record), -EINVAL);
        assert_null(info()->texts[SYSTEM_INFO_SYSTEM_NAME]);
        EXPECT("06 59 00 06 00 00", "00 11 00 00 01 75 00 00 " ZEROS_11);
        json_object_put(record);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fake_bmc_setup, fake_bmc_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_defaults),        TEST(test_blocks),         TEST(test_refusals),
        TEST(test_set_in_progress), TEST(test_running_os),     TEST(test_answered_when_stored),
        TEST(test_record),          TEST(test_damaged_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
