/* FRU inventory commands, and the record that keeps what they wrote. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/unit/lines.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/state/record.h"

static int setup(void **state)
{
    static const struct host_hardware hardware = {
        .sockets = 1, .vcpus = 1, .dimms = 1, .memory_kib = 1048576, .machine = "pc-q35-7.2"};

    fake_bmc_setup(state);
    fake_bmc.bmc.fru = fru_new();
    if (!fake_bmc.bmc.fru)
        return -1;
    fru_set_hardware(fake_bmc.bmc.fru, "web01", &fake_bmc.bmc.core.uuid, &hardware, 1, 750);
    return 0;
}

static int teardown(void **state)
{
    fru_free(fake_bmc.bmc.fru);
    return fake_bmc_teardown(state);
}

static void test_area_info(void **state)
{
    static const struct line lines[] = {
        {"0a 10 00", "00 00 04 00"},
        {"0a 10 01", "00 00 01 00"},
        {"0a 10 07", "00 00 01 00"},
        {"0a 10 02", "cb"},
        {"0a 10 08", "cb"},
        {"0a 10 ff", "cb"},
        {"0a 10", "c7"},
        {"0a 10 00 00", "c7"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    expect_lines(lines, ARRAY_SIZE(lines));
}

static void test_read(void **state)
{
    static const struct line lines[] = {
        {"0a 11 00 00 00 08", "00 08 01 00 01 08 11 1b 00 ca"},
        {"0a 11 00 08 00 04", "00 04 01 07 17 ca"}, /* "pc-q35-7.2" follows */
        {"0a 11 00 00 00 00", "00 00"},
        {"0a 11 00 fe 03 10", "00 02 00 00"}, /* across the end */
        {"0a 11 00 ff 03 01", "00 01 00"},
        {"0a 11 00 00 04 01", "c9"},
        {"0a 11 00 ff ff 01", "c9"},
        {"0a 11 02 00 00 08", "cb"},
        {"0a 11 00 00 00", "c7"},
        {"0a 11 00 00 00 08 00", "c7"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    expect_lines(lines, ARRAY_SIZE(lines));
    const char *all = fake_bmc_talk(&fake_bmc, "0a 11 00 00 00 ff");
    assert_int_equal(strlen(all), 257 * 3 - 1); /* code, count and 255 bytes */
}

static void test_write(void **state)
{
    static const struct line refused[] = {
        {"0a 12 00 00 04 00", "c9"},          {"0a 12 00 ff 03 01 02", "c9"},
        {"0a 12 02 00 00 01", "cb"},          {"0a 12 00 00", "c7"},
        {"0a 11 00 fe 03 02", "00 02 00 00"},
    };
    static const struct line written[] = {
        {"0a 12 00 fe 03 ab cd", "00 02"},
        {"0a 11 00 fe 03 02", "00 02 ab cd"},
        {"0a 12 01 10 00 2a", "00 01"},
        {"0a 11 01 10 00 01", "00 01 2a"},
    };

    (void)state;
    expect_lines(refused, ARRAY_SIZE(refused));
    assert_int_equal(fake_bmc.changes[BMC_PART_FRU], 0);
    fake_bmc.privilege = PRIVILEGE_USER;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 12 00 fe 03 ab cd"), "d4");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    expect_lines(written, ARRAY_SIZE(written));
    assert_int_equal(fake_bmc.changes[BMC_PART_FRU], 2);
}

/* Acknowledged means on disk. */
static void test_write_waits_for_the_disk(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 12 00 fe 03 ab"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00 01");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 12 00 fe 03 ac"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "ff");
}

static void test_none(void **state)
{
    struct fru *fru = fake_bmc.bmc.fru;

    (void)state;
    fake_bmc.bmc.fru = NULL;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 10 00"), "c1");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 11 00 00 00 08"), "c1");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 12 00 00 00 08"), "c1");
    CLEANUP_JSON struct json_object *record = record_fru.encode(&fake_bmc.bmc);
    assert_non_null(record);
    assert_int_equal(record_fru.decode(&fake_bmc.bmc, record), 0);
    fake_bmc.bmc.fru = fru;
}

/* ---- the record ---- */

static const char *record_text(struct json_object *record)
{
    return json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN);
}

static void test_record(void **state)
{
    struct fru *fru = fake_bmc.bmc.fru;
    uint8_t tag[FRU_ASSET_TAG_MAX];

    (void)state;
    CLEANUP_JSON struct json_object *empty = record_fru.encode(&fake_bmc.bmc);
    assert_string_equal(record_text(empty), "{\"images\":{}}");
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"A-1", 3), 0);
    fake_bmc_talk(&fake_bmc, "0a 12 01 00 00 00");
    CLEANUP_JSON struct json_object *full = record_fru.encode(&fake_bmc.bmc);
    assert_non_null(strstr(record_text(full), "\"asset-tag\":\"412d31\""));
    assert_non_null(strstr(record_text(full), "\"images\":{\"1\":\"0000"));
    assert_int_equal(record_fru.decode(&fake_bmc.bmc, NULL), 0);
    assert_null(fru_written(fru, 1));
    assert_int_equal(fru_asset_tag(fru, tag), 0);
    assert_int_equal(record_fru.decode(&fake_bmc.bmc, full), 0);
    assert_int_equal(fru_asset_tag(fru, tag), 3);
    assert_non_null(fru_written(fru, 1));
    CLEANUP_JSON struct json_object *again = record_fru.encode(&fake_bmc.bmc);
    assert_string_equal(record_text(again), record_text(full));
    assert_int_equal(record_fru.decode(&fake_bmc.bmc, empty), 0);
    assert_null(fru_written(fru, 1));
}

static void test_wrong_records(void **state)
{
    static const char *const records[] = {
        "{\"images\":{\"23\":\"00\"}}",
        "{\"images\":{\"0\":\"0\"}}",
        "{\"images\":{\"0\":\"0g\"}}",
        "{\"images\":{\"0\":\"0A\"}}",
        "{\"images\":{\"x\":\"00\"}}",
        "{\"images\":{\"0x\":\"00\"}}",
        "{\"images\":{\"-1\":\"00\"}}",
        "{\"images\":{\"256\":\"00\"}}",
        "{\"images\":{\"0\":7}}",
        "{\"images\":{\"0\":null}}",
        "{\"asset-tag\":7}",
        "{\"asset-tag\":\"7\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        CLEANUP_JSON struct json_object *record = json_tokener_parse(records[i]);
        assert_non_null(record);
        if (record_fru.decode(&fake_bmc.bmc, record) != -EINVAL)
            fail_msg("taken: %s", records[i]);
    }
    /* What can be understood beside what cannot. */
    CLEANUP_JSON struct json_object *mixed =
        json_tokener_parse("{\"images\":{\"1\":\"ff\",\"99\":\"00\"},\"asset-tag\":\"5a\"}");
    assert_int_equal(record_fru.decode(&fake_bmc.bmc, mixed), -EINVAL);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0a 11 01 00 00 02"), "00 02 ff 00");
    assert_true(fru_asset_tag_is_set(fake_bmc.bmc.fru));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_area_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_waits_for_the_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_records, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
