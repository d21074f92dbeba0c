/* DCMI commands as ipmitool and FreeIPMI send them, and the record that keeps what they set. */
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
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/state/record.h"

static void ignore_event(void *context, const struct sensor_event *event)
{
    (void)context, (void)event;
}

static int setup(void **state)
{
    static const struct sensors_ops ops = {ignore_event};
    static const struct host_hardware hardware = {.sockets = 2, .vcpus = 2, .dimms = 1};
    struct bmc *bmc = &fake_bmc.bmc;

    fake_bmc_setup(state);
    bmc->sensors = sensors_new(&ops, NULL);
    bmc->dcmi = dcmi_new(&bmc->core, &bmc->chassis, bmc->sensors);
    bmc->fru = fru_new();
    if (!bmc->dcmi || !bmc->fru || !bmc->sensors)
        return -1;
    sensors_set_hardware(bmc->sensors, &hardware, 2);
    dcmi_set_name(bmc->dcmi, "web01");
    return 0;
}

static int teardown(void **state)
{
    dcmi_free(fake_bmc.bmc.dcmi);
    fru_free(fake_bmc.bmc.fru);
    sensors_free(fake_bmc.bmc.sensors);
    return fake_bmc_teardown(state);
}

static void note_power(double watts)
{
    dcmi_note_power(fake_bmc.bmc.dcmi, fake_bmc.now_ms, watts);
}

static void test_capabilities(void **state)
{
    static const struct line lines[] = {
        {"2c 01 dc 01", "00 dc 01 05 02 0f 01 08"},
        {"2c 01 dc 02", "00 dc 01 05 02 ff 0f 05 07 01"}, /* no SEL here, so no rollover */
        {"2c 01 dc 03", "00 dc 01 05 02 40 00"},
        {"2c 01 dc 04", "00 dc 01 05 02 01 ff ff"},
        {"2c 01 dc 05", "00 dc 01 05 02 09 05 0f 1e 41 43 47 4f 5e 81"},
        {"2c 01 dc 00", "c9 dc"},
        {"2c 01 dc 06", "c9 dc"},
        {"2c 01 dc", "c7 dc"},
        {"2c 01 dc 01 00", "c7 dc"},
        {"2c 01 01 01", "c1 01"}, /* another group */
        {"2c 01", "c1"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    expect_lines(lines, ARRAY_SIZE(lines));
}

/* 2 s of 100 W, 1 s of 250 W. */
static void test_power_reading(void **state)
{
    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 02 dc 01 00 00"),
                        "00 dc 00 00 00 00 00 00 00 00 00 f1 53 65 00 00 00 00 00");
    note_power(100);
    fake_bmc_advance(&fake_bmc, 2000);
    note_power(250);
    fake_bmc_advance(&fake_bmc, 1000);
    fake_bmc.wall_time += 3;
    static const struct line lines[] = {
        {"2c 02 dc 01 00 00", "00 dc fa 00 64 00 fa 00 96 00 03 f1 53 65 b8 0b 00 00 40"},
        {"2c 02 dc 02 05 00", "00 dc fa 00 64 00 fa 00 96 00 03 f1 53 65 05 00 00 00 40"},
        {"2c 02 dc 02 81 00", "00 dc fa 00 64 00 fa 00 96 00 03 f1 53 65 81 00 00 00 40"},
        {"2c 02 dc 02 06 00", "cc dc"},
        {"2c 02 dc 00 00 00", "cc dc"},
        {"2c 02 dc 03 05 00", "cc dc"},
        {"2c 02 dc 01 00", "c7 dc"},
    };
    expect_lines(lines, ARRAY_SIZE(lines));
}

/* As ipmitool sets one after the other, each time with what it has read of the rest. */
static void test_power_limit(void **state)
{
    static const struct line lines[] = {
        {"2c 03 dc 00 00", "80 dc 00 00 00 00 00 e8 03 00 00 00 00 01 00"},
        {"2c 05 dc 01 00 00", "d5 dc"}, /* there is none */
        {"2c 04 dc 00 00 00 11 00 00 e8 03 00 00 00 00 01 00", "00 dc"},
        {"2c 04 dc 00 00 00 11 c8 00 e8 03 00 00 00 00 01 00", "00 dc"},
        {"2c 04 dc 00 00 00 11 c8 00 70 17 00 00 00 00 01 00", "00 dc"},
        {"2c 04 dc 00 00 00 11 c8 00 70 17 00 00 00 00 03 00", "00 dc"},
        {"2c 03 dc 00 00", "80 dc 00 00 11 c8 00 70 17 00 00 00 00 03 00"},
        {"2c 05 dc 01 00 00", "00 dc"},
        {"2c 03 dc 00 00", "00 dc 00 00 11 c8 00 70 17 00 00 00 00 03 00"},
        {"2c 04 dc 00 00 00 01 2c 01 70 17 00 00 00 00 03 00", "00 dc"},
        {"2c 03 dc 00 00", "00 dc 00 00 01 2c 01 70 17 00 00 00 00 03 00"},
        {"2c 04 dc 00 00 00 01 00 00 70 17 00 00 00 00 03 00", "84 dc"},
        {"2c 04 dc 00 00 00 01 2c 01 e7 03 00 00 00 00 03 00", "85 dc"},
        {"2c 04 dc 00 00 00 01 2c 01 70 17 00 00 00 00 00 00", "89 dc"},
        {"2c 04 dc 00 00 00 02 2c 01 70 17 00 00 00 00 03 00", "cc dc"},
        {"2c 04 dc 00 00 00 01 2c 01 70 17 00 00 00 00 03", "c7 dc"},
        {"2c 05 dc 02 00 00", "cc dc"},
        {"2c 05 dc 00 00 00", "00 dc"},
        {"2c 03 dc 00 00", "80 dc 00 00 01 2c 01 70 17 00 00 00 00 03 00"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.changes[BMC_PART_DCMI], 7);
    fake_bmc.privilege = PRIVILEGE_USER;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 05 dc 01 00 00"), "d4 dc");
    assert_string_equal(fake_bmc_talk(&fake_bmc, lines[2].request), "d4 dc");
}

static void test_asset_tag(void **state)
{
    static const struct line lines[] = {
        {"2c 06 dc 00 00", "00 dc 00"}, /* ipmitool asks for the length */
        {"2c 06 dc 00 10", "00 dc 00"},
        {"2c 06 dc 01 10", "c9 dc"},
        {"2c 08 dc 00 03 41 2d 31", "00 dc 03"},
        {"2c 06 dc 00 00", "00 dc 03"},
        {"2c 06 dc 00 03", "00 dc 03 41 2d 31"},
        {"2c 06 dc 01 10", "00 dc 03 2d 31"},
        {"2c 06 dc 03 10", "00 dc 03"},
        {"2c 06 dc 00 11", "c9 dc"},
        {"2c 08 dc 00 10 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66", "00 dc 10"},
        {"2c 08 dc 10 02 67 68", "00 dc 12"},
        {"2c 06 dc 0f 10", "00 dc 12 66 67 68"},
        {"2c 08 dc 14 01 67", "c9 dc"}, /* would leave a hole */
        {"2c 08 dc 00 02 67", "c7 dc"},
        {"2c 08 dc 00 11 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 67", "c9 dc"},
        {"2c 08 dc 00 01 5a", "00 dc 01"}, /* a shorter one */
        {"2c 06 dc 00 10", "00 dc 01 5a"},
        {"2c 08 dc 00 00", "00 dc 00"},
        {"2c 06 dc 00 10", "00 dc 00"},
    };

    (void)state;
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.changes[BMC_PART_FRU], 5);
    assert_int_equal(fake_bmc.changes[BMC_PART_DCMI], 0);
}

/* 63 bytes are all; the 64th is too many. */
static void test_longest_asset_tag(void **state)
{
    static const char piece[] = "30 31 32 33 34 35 36 37 38 39 61 62 63 64 65";
    char request[80], expected[16];

    (void)state;
    for (unsigned offset = 0; offset < 48; offset += 16) {
        snprintf(request, sizeof request, "2c 08 dc %02x 10 %s 66", offset, piece);
        snprintf(expected, sizeof expected, "00 dc %02x", offset + 16);
        assert_string_equal(fake_bmc_talk(&fake_bmc, request), expected);
    }
    snprintf(request, sizeof request, "2c 08 dc 30 10 %s 66", piece);
    assert_string_equal(fake_bmc_talk(&fake_bmc, request), "c9 dc");
    snprintf(request, sizeof request, "2c 08 dc 30 0f %s", piece);
    assert_string_equal(fake_bmc_talk(&fake_bmc, request), "00 dc 3f");
}

static void test_identifier(void **state)
{
    static const struct line lines[] = {
        {"2c 09 dc 00 01", "00 dc 05 77"}, /* ipmitool asks for the length */
        {"2c 09 dc 00 05", "00 dc 05 77 65 62 30 31"},
        {"2c 0a dc 00 04 61 62 63 00", "00 dc 04"},
        {"2c 09 dc 00 10", "00 dc 03 61 62 63"},
        {"2c 0a dc 00 10 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66", "00 dc 10"},
        {"2c 0a dc 10 02 67 00", "00 dc 12"},
        {"2c 09 dc 10 10", "00 dc 11 67"},
        {"2c 0a dc 12 01 00", "c9 dc"},
        {"2c 0a dc 00 01 00", "00 dc 01"}, /* the domain's name again */
        {"2c 09 dc 00 10", "00 dc 05 77 65 62 30 31"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.changes[BMC_PART_DCMI], 4);
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 0a dc 00 01 00"), "d4 dc");
}

static void test_temperatures(void **state)
{
    struct sensors *sensors = fake_bmc.bmc.sensors;

    (void)state;
    sensors_set_reading(sensors, SENSOR_INLET_TEMP, -3);
    sensors_set_reading(sensors, SENSOR_CPU_TEMP, 51);
    sensors_set_reading(sensors, SENSOR_CPU_TEMP + 1, 49);
    sensors_set_reading(sensors, SENSOR_EXHAUST_TEMP, 127);
    static const struct line lines[] = {
        {"2c 10 dc 01 40 00 00", "00 dc 01 01 83 01"},
        {"2c 10 dc 01 37 00 00", "00 dc 01 01 83 01"},
        {"2c 10 dc 01 41 00 00", "00 dc 02 02 33 01 31 02"},
        {"2c 10 dc 01 03 00 01", "00 dc 02 02 33 01 31 02"},
        {"2c 10 dc 01 41 00 02", "00 dc 02 01 31 02"},
        {"2c 10 dc 01 41 02 00", "00 dc 02 01 31 02"},
        {"2c 10 dc 01 41 03 00", "00 dc 02 00"},
        {"2c 10 dc 01 42 00 00", "00 dc 01 01 7f 01"},
        {"2c 10 dc 01 1d 00 00", "00 dc 00 00"},
        {"2c 10 dc 02 40 00 00", "cc dc"},
        {"2c 10 dc 01 40 00", "c7 dc"},
    };
    expect_lines(lines, ARRAY_SIZE(lines));
    sensors_set_unavailable(sensors, SENSOR_CPU_TEMP);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 10 dc 01 41 00 00"), "00 dc 01 01 31 02");
}

/* The record ids are those of the SDR repository. */
static void test_sensor_info(void **state)
{
    static const struct {
        uint8_t entity, first, count;
    } cases[] = {
        {0x40, SENSOR_INLET_TEMP, 1},
        {0x41, SENSOR_CPU_TEMP, 2},
        {0x42, SENSOR_EXHAUST_TEMP, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char request[32], expected[64];
        int used =
            snprintf(expected, sizeof expected, "00 dc %02x %02x", cases[i].count, cases[i].count);
        for (uint8_t n = 0; n < cases[i].count; n++) {
            struct sensor_view view;
            assert_int_equal(
                sensors_view(fake_bmc.bmc.sensors, (uint8_t)(cases[i].first + n), &view), 0);
            used += snprintf(expected + used, sizeof expected - (size_t)used, " %02x %02x",
                             view.sdr_id & 0xff, view.sdr_id >> 8);
        }
        for (unsigned start = 0; start <= 1; start++) { /* ipmitool's and FreeIPMI's */
            snprintf(request, sizeof request, "2c 07 dc 01 %02x 00 %02x", cases[i].entity, start);
            assert_string_equal(fake_bmc_talk(&fake_bmc, request), expected);
        }
    }
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 07 dc 02 40 00 00"), "cc dc");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 07 dc 01 55 00 00"), "00 dc 00 00");
}

static void test_thermal_limit(void **state)
{
    static const struct line lines[] = {
        {"2c 0c dc 40 01", "00 dc 00 00 00 00"},
        {"2c 0b dc 40 01 a0 28 3c 00", "00 dc"},
        {"2c 0c dc 37 01", "00 dc a0 28 3c 00"},
        {"2c 0c dc 40 00", "00 dc a0 28 3c 00"},
        {"2c 0c dc 40 02", "cb dc"},
        {"2c 0c dc 41 01", "cc dc"},
        {"2c 0b dc 41 01 a0 28 3c 00", "cc dc"},
        {"2c 0b dc 40 01 10 28 3c 00", "cc dc"},
        {"2c 0b dc 40 01 a0 28 3c", "c7 dc"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.changes[BMC_PART_DCMI], 1);
}

static void test_configuration(void **state)
{
    static const struct line lines[] = {
        {"2c 13 dc 01 00", "00 dc 01 05 01 00"},
        {"2c 13 dc 02 00", "00 dc 01 05 01 00"},
        {"2c 13 dc 03 00", "00 dc 01 05 01 04"},
        {"2c 13 dc 04 00", "00 dc 01 05 01 78 00"},
        {"2c 13 dc 05 00", "00 dc 01 05 01 40 00"},
        {"2c 13 dc 06 00", "80 dc"},
        {"2c 13 dc 00 00", "80 dc"},
        {"2c 13 dc 02 01", "c9 dc"},
        {"2c 12 dc 01 00 01", "00 dc"},
        {"2c 13 dc 01 00", "00 dc 01 05 01 00"},
        {"2c 12 dc 02 00 ff", "00 dc"},
        {"2c 13 dc 02 00", "00 dc 01 05 01 83"},
        {"2c 12 dc 03 00 09", "00 dc"},
        {"2c 13 dc 03 00", "00 dc 01 05 01 09"},
        {"2c 12 dc 04 00 2c 01", "00 dc"},
        {"2c 13 dc 04 00", "00 dc 01 05 01 2c 01"},
        {"2c 12 dc 05 00 80 00", "00 dc"},
        {"2c 13 dc 05 00", "00 dc 01 05 01 80 00"},
        {"2c 12 dc 05 00 80", "c7 dc"},
        {"2c 12 dc 03 00 80 00", "c7 dc"},
        {"2c 12 dc 06 00 80", "80 dc"},
    };

    (void)state;
    expect_lines(lines, ARRAY_SIZE(lines));
    assert_int_equal(fake_bmc.changes[BMC_PART_DCMI], 4);
}

/* The group is there too when the disk fails. */
static void test_save_fails(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 08 dc 00 01 41"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, -EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "ff dc");
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 08 dc 00 01 41"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00 dc 01");
}

static void test_none(void **state)
{
    static const char *const requests[] = {
        "2c 01 dc 01",
        "2c 02 dc 01 00 00",
        "2c 03 dc 00 00",
        "2c 04 dc 00 00 00 11 c8 00 e8 03 00 00 00 00 01 00",
        "2c 05 dc 00 00 00",
        "2c 06 dc 00 00",
        "2c 07 dc 01 40 00 00",
        "2c 08 dc 00 00",
        "2c 09 dc 00 00",
        "2c 0a dc 00 01 00",
        "2c 0b dc 40 01 a0 28 3c 00",
        "2c 0c dc 40 01",
        "2c 10 dc 01 40 00 00",
        "2c 12 dc 03 00 09",
        "2c 13 dc 03 00",
    };
    struct dcmi *dcmi = fake_bmc.bmc.dcmi;

    (void)state;
    fake_bmc.bmc.dcmi = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_string_equal(fake_bmc_talk(&fake_bmc, requests[i]), "c1 dc");
    CLEANUP_JSON struct json_object *record = record_dcmi.encode(&fake_bmc.bmc);
    assert_non_null(record);
    assert_int_equal(record_dcmi.decode(&fake_bmc.bmc, record), 0);
    fake_bmc.bmc.dcmi = dcmi;
}

/* ---- the record ---- */

static void test_record(void **state)
{
    static const struct line sets[] = {
        {"2c 04 dc 00 00 00 11 c8 00 70 17 00 00 00 00 03 00", "00 dc"},
        {"2c 05 dc 01 00 00", "00 dc"},
        {"2c 0b dc 40 01 a0 28 3c 00", "00 dc"},
        {"2c 0a dc 00 04 61 62 63 00", "00 dc 04"},
        {"2c 12 dc 05 00 80 00", "00 dc"},
    };
    static const struct line defaults[] = {
        {"2c 03 dc 00 00", "80 dc 00 00 00 00 00 e8 03 00 00 00 00 01 00"},
        {"2c 0c dc 40 01", "00 dc 00 00 00 00"},
        {"2c 09 dc 00 00", "00 dc 05"},
        {"2c 13 dc 05 00", "00 dc 01 05 01 40 00"},
    };
    static const struct line restored[] = {
        {"2c 03 dc 00 00", "00 dc 00 00 11 c8 00 70 17 00 00 00 00 03 00"},
        {"2c 0c dc 40 01", "00 dc a0 28 3c 00"},
        {"2c 09 dc 00 10", "00 dc 03 61 62 63"},
        {"2c 13 dc 05 00", "00 dc 01 05 01 80 00"},
    };

    (void)state;
    expect_lines(sets, ARRAY_SIZE(sets));
    CLEANUP_JSON struct json_object *record = record_dcmi.encode(&fake_bmc.bmc);
    assert_int_equal(record_dcmi.decode(&fake_bmc.bmc, NULL), 0);
    expect_lines(defaults, ARRAY_SIZE(defaults));
    assert_int_equal(record_dcmi.decode(&fake_bmc.bmc, record), 0);
    expect_lines(restored, ARRAY_SIZE(restored));
    /* A limit for this run only, which is not that of what is stored. */
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 0b dc 40 01 20 28 3c 00"), "00 dc");
    CLEANUP_JSON struct json_object *without = record_dcmi.encode(&fake_bmc.bmc);
    assert_int_equal(record_dcmi.decode(&fake_bmc.bmc, without), 0);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 0c dc 40 01"), "00 dc 20 28 3c 00");
    dcmi_restart(fake_bmc.bmc.dcmi);
    assert_int_equal(record_dcmi.decode(&fake_bmc.bmc, without), 0);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "2c 0c dc 40 01"), "00 dc 00 00 00 00");
}

static void test_wrong_records(void **state)
{
    static const char *const records[] = {
        "{\"power-limit\":7}",
        "{\"power-limit\":{}}",
        "{\"power-limit\":{\"active\":true,\"action\":1,\"watts\":0,\"correction-ms\":1000,"
        "\"sampling-s\":1}}",
        "{\"power-limit\":{\"active\":true,\"action\":1,\"watts\":65536,\"correction-ms\":1000,"
        "\"sampling-s\":1}}",
        "{\"power-limit\":{\"active\":true,\"action\":3,\"watts\":100,\"correction-ms\":1000,"
        "\"sampling-s\":1}}",
        "{\"thermal-limit\":{\"actions\":256,\"celsius\":1,\"exception-s\":1}}",
        "{\"thermal-limit\":{\"actions\":16,\"celsius\":1,\"exception-s\":1}}",
        "{\"thermal-limit\":{\"actions\":128,\"celsius\":-1,\"exception-s\":1}}",
        "{\"identifier\":\"6100\"}",
        "{\"identifier\":\"6\"}",
        "{\"dhcp\":{\"discovery\":0,\"initial-timeout-s\":1,\"contact-timeout-s\":\"1\","
        "\"contact-retry-s\":1}}",
        "{\"dhcp\":null}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        CLEANUP_JSON struct json_object *record = json_tokener_parse(records[i]);
        assert_non_null(record);
        if (record_dcmi.decode(&fake_bmc.bmc, record) != -EINVAL)
            fail_msg("taken: %s", records[i]);
    }
    assert_int_equal(dcmi_power_limit_watts(fake_bmc.bmc.dcmi), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_capabilities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest_asset_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identifier, setup, teardown),
        cmocka_unit_test_setup_teardown(test_temperatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sensor_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thermal_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_records, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
