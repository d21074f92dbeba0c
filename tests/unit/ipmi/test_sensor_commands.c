/* Sensor and SDR commands, byte by byte, and what is stored of them. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/fake_sensors.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/state/record.h"

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

static struct sensors *sensors(void)
{
    return fake_bmc.bmc.sensors;
}

struct exchange {
    const char *request, *answer;
};

static void check(const struct exchange *exchanges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(talk(exchanges[i].request), exchanges[i].answer);
}

/* ---- readings ---- */

static void test_reading(void **state)
{
    (void)state;
    assert_string_equal(talk("04 2d 08"), "00 00 e0 c0"); /* unavailable */
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 93);
    assert_string_equal(talk("04 2d 08"), "00 5d c0 d8"); /* at or above UNC, UC */
    sensors_set_reading(sensors(), SENSOR_INLET_TEMP, -5);
    assert_string_equal(talk("04 2d 01"), "00 fb c0 c3");
    assert_string_equal(talk("04 2d 38"), "00 00 e0 00 80");
    sensors_set_states(sensors(), SENSOR_PSU_STATUS, 0x09);
    assert_string_equal(talk("04 2d 38"), "00 00 c0 09 80");
    sensors_set_states(sensors(), SENSOR_CPU_STATUS, 0x0480);
    assert_string_equal(talk("04 2d 50"), "00 00 c0 80 84");
    assert_string_equal(talk("04 2d 46"), "cb"); /* only makes events */
    assert_string_equal(talk("04 2d 00"), "cb");
    assert_string_equal(talk("04 2d 0a"), "cb"); /* a third CPU */
    assert_string_equal(talk("04 2d ff"), "cb");
    assert_int_equal(fake_bmc.host.count, 0);
}

static void test_types_and_factors(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 2f 01", "00 01 01"},
        {"04 2f 40", "00 08 0b"},
        {"04 2f 46", "00 1d 6f"}, /* also of one that only makes events */
        {"04 2f 0a", "cb"},
        {"04 2e 01 01 01", "cd"},
        {"04 2e 0a 01 01", "cb"},
        {"04 23 28 00", "00 ff 3b 00 00 00 00 d0"},
        {"04 23 01 7f", "00 ff 01 00 00 00 00 00"},
        {"04 23 20 00", "00 ff 04 00 00 00 00 00"}, /* two sockets: 4 W */
        {"04 23 30 00", "00 ff 05 00 00 00 00 f0"},
        {"04 23 38 00", "cd"},
        {"04 23 0a 00", "cb"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
}

static void test_receiver(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 01", "00 20 00"}, {"04 00 20 00", "00"}, {"04 00 20 01", "cc"},
        {"04 00 24 00", "cc"}, /* nobody else is there */
        {"04 00 ff 01", "cc"}, {"04 01", "00 20 00"}, {"04 00 ff 00", "00"},
        {"04 01", "00 ff 00"}, {"04 00 20 00", "00"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    assert_int_equal(fake_bmc.save_count, 0);
}

/* ---- settings ---- */

static void test_thresholds(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 27 01", "00 3b 05 00 00 23 28 2f"},
        {"04 26 01 38 00 00 00 26 2d 32", "00"}, /* the three upper ones */
        {"04 27 01", "00 3b 05 00 00 26 2d 32"},
        {"04 26 01 02 63 fb 63 63 63 63", "00"}, /* LC -5, all else is left */
        {"04 27 01", "00 3b 05 fb 00 26 2d 32"},
        {"04 26 01 04 00 00 00 00 00 00", "cd"}, /* it has no LNR */
        {"04 26 01 01 26 00 00 00 00 00", "cc"}, /* LNC at UNC */
        {"04 26 01 10 00 00 00 00 80 00", "cc"}, /* UC at -128 */
        {"04 27 01", "00 3b 05 fb 00 26 2d 32"},
        {"04 26 01 00 00 00 00 00 00 00", "00"},
        {"04 27 08", "00 38 00 00 00 55 5c 62"},
        {"04 27 38", "cd"},
        {"04 26 38 00 00 00 00 00 00 00", "cd"},
        {"04 27 46", "cb"},
        {"04 26 46 00 00 00 00 00 00 00", "cb"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 3);
    sensors_set_reading(sensors(), SENSOR_INLET_TEMP, 38);
    assert_string_equal(fake_sensors_events(), "01 01+01572626");
    assert_string_equal(talk("04 26 01 08 00 00 00 14 00 00"), "00");
    assert_string_equal(fake_sensors_events(), "");
    assert_string_equal(talk("04 26 01 08 00 00 00 28 00 00"), "00");
    assert_string_equal(fake_sensors_events(), "01 01-01572628"); /* acts at once */
}

static void test_hysteresis(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 25 08 ff", "00 02 02"}, {"04 24 08 ff 05 03", "00"}, {"04 25 08 ff", "00 05 03"},
        {"04 25 38 ff", "cd"},       {"04 24 38 ff 05 03", "cd"}, {"04 25 46 ff", "cb"},
        {"04 24 0a ff 01 01", "cb"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 1);
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 85);
    fake_sensors_events();
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 80);
    assert_string_equal(fake_sensors_events(), "");
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 79);
    assert_string_equal(fake_sensors_events(), "08 01-01574f55");
}

static void test_event_enables(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 29 08", "00 c0 80 0a 80 0a"},
        {"04 28 08 c0", "00"}, /* masks are left alone */
        {"04 29 08", "00 c0 80 0a 80 0a"},
        {"04 28 08 e0 00 0a 00 00", "00"}, /* UC and UNR not asserted */
        {"04 29 08", "00 c0 80 00 80 0a"},
        {"04 28 08 d0 00 02", "00"}, /* UC again, deassertions not named */
        {"04 29 08", "00 c0 80 02 80 0a"},
        {"04 28 08 e0 00 00 ff 7f", "00"},
        {"04 29 08", "00 c0 80 02 00 00"},
        {"04 28 08 d0 ff ff ff ff", "00"}, /* no more than there are */
        {"04 29 08", "00 c0 80 0a 80 0a"},
        {"04 28 08 f0 00 00 00 00", "cc"},
        {"04 28 08 40", "00"},
        {"04 29 08", "00 40 80 0a 80 0a"},
        {"04 2d 08", "00 00 60 c0"},
        {"04 28 08 80", "00"}, /* no scanning */
        {"04 2d 08", "00 00 a0 c0"},
        {"04 29 38", "00 c0 0f 00 0f 00"},
        {"04 28 0a c0", "cb"},
        {"04 29 46", "cb"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 7);
}

static void test_event_status_and_rearm(void **state)
{
    (void)state;
    assert_string_equal(talk("04 2b 08"), "00 e0 00 00 00 00");
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 93);
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 86);
    assert_string_equal(talk("04 2b 08"), "00 c0 80 00 00 02");
    fake_sensors_events();
    assert_string_equal(talk("04 2a 08 80 00 02"), "00"); /* another event's mask */
    assert_string_equal(fake_sensors_events(), "");
    assert_string_equal(talk("04 2a 08 80 80 00 00 02"), "00");
    assert_string_equal(fake_sensors_events(), "08 01+01575655");
    assert_string_equal(talk("04 2b 08"), "00 c0 80 00 00 00");
    assert_string_equal(talk("04 2a 08 00"), "00");
    assert_string_equal(fake_sensors_events(), "08 01+01575655");
    assert_string_equal(talk("04 2a 46 00"), "cb");
    assert_string_equal(talk("04 2b 46"), "cb");
    assert_int_equal(fake_bmc.save_count, 0);
}

static void test_set_reading(void **state)
{
    (void)state;
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 40);
    assert_string_equal(talk("04 30 08 01 5f 00 00 00 00 00 00 00"), "00");
    assert_string_equal(fake_sensors_events(), "08 01+01575f55 08 01+01595f5c");
    sensors_set_reading(sensors(), SENSOR_CPU_TEMP, 41);
    assert_string_equal(talk("04 2d 08"), "00 5f c0 d8"); /* holds ... */
    assert_string_equal(talk("04 2a 08 00"), "00");
    assert_string_equal(talk("04 2d 08"), "00 29 c0 c0"); /* ... until re-armed */
    assert_string_equal(talk("04 30 08 00"), "00");       /* nothing to do */
    fake_sensors_events();

    sensors_set_states(sensors(), SENSOR_PSU_STATUS, 0x01);
    assert_string_equal(talk("04 30 38 10 00 03 00"), "00"); /* write */
    assert_string_equal(talk("04 2d 38"), "00 00 c0 03 80");
    assert_string_equal(talk("04 30 38 e0 00 08 00 00 00 00 12 34"), "00"); /* set, with data */
    assert_string_equal(talk("04 2d 38"), "00 00 c0 0b 80");
    assert_string_equal(talk("04 30 38 30 00 0a 00"), "00"); /* clear */
    assert_string_equal(talk("04 2d 38"), "00 00 c0 01 80");
    assert_string_equal(fake_sensors_events(),
                        "38 08+6f01ffff 38 08+6ff31234 38 08-6f03ffff 38 08-6f01ffff");
}

static void test_set_reading_refused(void **state)
{
    static const struct exchange exchanges[] = {
        {"04 30 08 11 5f 80 00", "80"}, /* events follow from the reading */
        {"04 30 08 04", "80"},          {"04 30 08 41 5f", "81"},       {"04 30 08 02 5f", "cc"},
        {"04 30 38 01 01", "80"}, /* a discrete sensor has no reading */
        {"04 30 38 14 00 01 00", "80"}, {"04 30 46 10 00 01 00", "cb"}, {"04 30 0a 01 01", "cb"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    assert_string_equal(fake_sensors_events(), "");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    assert_string_equal(talk("04 30 08 01 5f"), "d4");
}

/* Told when it is on disk, not before. */
static void test_settings_wait_for_the_disk(void **state)
{
    static const char *const requests[] = {
        "04 24 01 ff 02 02",
        "04 26 01 08 00 00 00 24 00 00",
        "04 28 01 80",
        "0a 2c 01",
    };

    (void)state;
    fake_bmc.saves_wait = true;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        assert_string_equal(talk(requests[i]), FAKE_BMC_WAITS);
        fake_bmc_finish_save(&fake_bmc, i % 2 ? -EIO : 0);
        assert_memory_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)),
                            i % 2 ? "ff" : "00", 2);
    }
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 4);
}

static void test_chassis_has_an_intrusion_sensor(void **state)
{
    (void)state;
    assert_string_equal(talk("00 00"), "00 05 20 20 20 20 20");
}

/* ---- the repository ---- */

static void test_repository_info(void **state)
{
    (void)state;
    assert_string_equal(talk("0a 20"), "00 51 35 00 00 00 ff ff ff ff ff ff ff ff 23");
    sdr_note_change(&fake_bmc.bmc);
    assert_string_equal(talk("0a 20"), "00 51 35 00 00 00 00 f1 53 65 ff ff ff ff 23");
    assert_string_equal(talk("0a 21"), "00 35 00 40 00 00 00 00 00 01");
}

#define INLET                                                                                      \
    "01 00 51 01 35 20 00 01 40 01 fb 68 01 01 85 3a 85 7a 3b 3b 80 01 00 00 01 00 00 00 00 00 "   \
    "00 00 00 00 7f 80 2f 28 23 00 00 05 01 01 00 00 00 ca 49 6e 6c 65 74 20 54 65 6d 70"

static void test_get_sdr(void **state)
{
    static const struct exchange exchanges[] = {
        {"0a 23 00 00 00 00 00 ff", "00 02 00 " INLET}, /* needs no reservation */
        {"0a 23 00 00 01 00 00 ff", "00 02 00 " INLET},
        {"0a 23 01 00 01 00 00 ff", "c5"}, /* there is none yet */
        {"0a 23 00 00 01 00 00 05", "c5"},
        {"0a 22", "00 01 00"},
        {"0a 23 00 00 01 00 00 05", "c5"},
        {"0a 23 00 00 01 00 05 ff", "c5"},
        {"0a 23 01 00 01 00 00 05", "00 02 00 01 00 51 01 35"},
        {"0a 23 01 00 01 00 30 0a", "00 02 00 49 6e 6c 65 74 20 54 65 6d 70"},
        {"0a 23 01 00 01 00 38 ff", "00 02 00 6d 70"},
        {"0a 23 01 00 01 00 30 0b", "ca"}, /* all or nothing */
        {"0a 23 01 00 01 00 00 fe", "ca"},
        {"0a 23 01 00 01 00 39 01", "00 02 00 70"},
        {"0a 23 01 00 01 00 3a 01", "c9"},
        {"0a 23 01 00 01 00 ff ff", "c9"},
        {"0a 23 01 00 01 00 00 00", "00 02 00"},
        {"0a 23 01 00 01 00 00 ff", "00 02 00 " INLET},
        {"0a 23 01 00 04 00 00 ff", "cb"},
        {"0a 22", "00 02 00"}, /* cancels the one before */
        {"0a 23 01 00 01 00 00 05", "c5"},
        {"0a 23 01 00 01 00 00 ff", "c5"},
        {"0a 23 02 00 01 00 00 05", "00 02 00 01 00 51 01 35"},
        {"0a 23 00 00 ff ff 00 ff", "00 ff ff 00 03 51 08 0b 13 01 a0 0a 01 0a 02 00 00 00 00"},
    };

    (void)state;
    check(exchanges, ARRAY_SIZE(exchanges));
    fake_sensors_plug("vdc");
    assert_true(sdr_note_change(&fake_bmc.bmc));
    assert_string_equal(talk("0a 23 02 00 01 00 00 05"), "c5");
}

/* One clock for both: setting it logs that, and moves the SEL's too. */
static void test_time(void **state)
{
    (void)state;
    assert_string_equal(talk("0a 28"), "00 00 f1 53 65");
    assert_string_equal(talk("0a 29 00 00 00 65"), "c1"); /* without an event log */
    sensors_free(sensors());
    fake_sel_setup(state); /* a new BMC */
    fake_bmc.bmc.sensors = fake_sensors_new();
    assert_string_equal(talk("0a 29 ff ff ff ff"), "cc");
    assert_string_equal(talk("0a 29 00 00 00 65"), "00");
    assert_string_equal(talk("0a 48"), "00 00 00 00 65");
    sensors_free(sensors());
    fake_sel_teardown(state);
    fake_sensors_setup(state);
}

static void test_writing_is_refused(void **state)
{
    static const char *const requests[] = {
        "0a 24 01 00 51 01 00",
        "0a 25 00 00 00 00 00 00 00",
        "0a 26 00 00 01 00",
        "0a 27 00 00 43 4c 52 aa",
        "0a 2a",
        "0a 2b",
        "04 20",
        "04 21 00 00 00 00 00 ff",
        "04 22",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_string_equal(talk(requests[i]), "c1");
}

static void test_initialization_agent(void **state)
{
    (void)state;
    assert_string_equal(talk("04 26 01 08 00 00 00 24 00 00"), "00");
    assert_string_equal(talk("0a 2c 00"), "00 01"); /* only asks */
    assert_string_equal(talk("04 27 01"), "00 3b 05 00 00 24 28 2f");
    assert_string_equal(talk("0a 2c 01"), "00 01");
    assert_string_equal(talk("04 27 01"), "00 3b 05 00 00 23 28 2f");
    assert_int_equal(fake_bmc.changes[BMC_PART_SENSORS], 2);
}

static void test_without_sensors(void **state)
{
    static const char *const requests[] = {
        "04 00 20 00",
        "04 01",
        "04 23 01 00",
        "04 24 01 ff 01 01",
        "04 25 01 ff",
        "04 26 01 00 00 00 00 00 00 00",
        "04 27 01",
        "04 28 01 c0",
        "04 29 01",
        "04 2a 01 00",
        "04 2b 01",
        "04 2d 01",
        "04 2e 01 01 01",
        "04 2f 01",
        "04 30 01 00",
        "0a 20",
        "0a 21",
        "0a 22",
        "0a 23 00 00 00 00 00 ff",
        "0a 28",
        "0a 29 00 00 00 65",
        "0a 2c 00",
    };
    struct sensors *kept = sensors();

    (void)state;
    fake_bmc.bmc.sensors = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_string_equal(talk(requests[i]), "c1");
    fake_bmc.bmc.sensors = kept;
}

/* ---- what other commands say of sensors ---- */

static void test_chassis_status(void **state)
{
    (void)state;
    assert_string_equal(talk("00 01"), "00 01 00 40 00");
    sensors_set_reading(sensors(), SENSOR_FAN, 1400); /* slow, but it turns */
    sensors_set_states(sensors(), SENSOR_DISK, 0x04); /* predictive */
    assert_string_equal(talk("00 01"), "00 01 00 40 00");
    sensors_set_reading(sensors(), SENSOR_FAN, 0);
    assert_string_equal(talk("00 01"), "00 01 00 48 00");
    sensors_set_states(sensors(), SENSOR_DISK, 0x06);
    assert_string_equal(talk("00 01"), "00 01 00 4c 00");
    sensors_set_states(sensors(), SENSOR_INTRUSION, 0x01);
    assert_string_equal(talk("00 01"), "00 01 00 4d 00");
    sensors_set_states(sensors(), SENSOR_PSU_STATUS + 1, 0x02);
    assert_string_equal(talk("00 01"), "00 09 00 4d 00");
}

static void test_app(void **state)
{
    static const struct {
        enum host_power_state guest;
        const char *answer;
    } cases[] = {
        {HOST_POWER_OFF, "00 05 00"},     {HOST_POWER_RUNNING, "00 00 00"},
        {HOST_POWER_PAUSED, "00 00 00"},  {HOST_POWER_SUSPENDED, "00 03 00"},
        {HOST_POWER_CRASHED, "00 00 00"}, {HOST_POWER_UNKNOWN, "00 2a 00"},
    };
    static const struct exchange sets[] = {
        {"06 06 85 80", "00"}, {"06 06 7f 7f", "00"}, {"06 06 8b 00", "cc"},
        {"06 06 00 84", "cc"}, {"06 06 a0 aa", "00"}, {"06 06 0b 04", "00"}, /* not to be set */
    };

    (void)state;
    assert_string_equal(talk("06 01"), "00 20 01 01 00 02 83 d9 7e 00 01 00");
    check(sets, ARRAY_SIZE(sets));
    assert_string_equal(talk("06 07"), "00 20 2a"); /* as it was told last */
    acpi_set_defaults(&fake_bmc.bmc.acpi);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.host.domain.state = cases[i].guest;
        assert_string_equal(talk("06 07"), cases[i].answer);
    }
}

/* ---- the record ---- */

static void test_record(void **state)
{
    struct sensors *first = sensors();
    struct sensor_settings settings;

    (void)state;
    fake_sensors_unplug("vda");
    sdr_note_change(&fake_bmc.bmc);
    assert_string_equal(talk("04 26 08 10 00 00 00 00 5a 00"), "00");
    assert_string_equal(talk("04 28 81 40"), "00");
    struct json_object *stored = record_sensors.encode(&fake_bmc.bmc);
    assert_non_null(stored);

    /* After a restart: the same numbers and settings, and no new times. */
    struct sdr_repository before = fake_bmc.bmc.sdr;
    fake_bmc.bmc.sdr = (struct sdr_repository){0};
    fake_bmc.bmc.sensors = fake_sensors_new();
    fake_bmc.wall_time += 1000;
    assert_int_equal(record_sensors.decode(&fake_bmc.bmc, stored), 0);
    sensors_set_hardware(sensors(), &fake_hardware, 2);
    assert_false(sdr_note_change(&fake_bmc.bmc));
    assert_int_equal(fake_bmc.bmc.sdr.addition_time, before.addition_time);
    assert_int_equal(sensors_find_disk(sensors(), "vdb"), SENSOR_DISK + 1);
    assert_string_equal(talk("04 27 08"), "00 38 00 00 00 55 5a 62");
    assert_string_equal(talk("04 29 81"), "00 40 07 00 07 00");
    assert_int_equal(sensors_changed_settings(sensors(), 2, &settings), -ENOENT);
    /* The same once more is no mistake; without one, the settings are the table's. */
    assert_int_equal(record_sensors.decode(&fake_bmc.bmc, stored), 0);
    assert_int_equal(record_sensors.decode(&fake_bmc.bmc, NULL), 0);
    assert_int_equal(sensors_changed_settings(sensors(), 0, &settings), -ENOENT);
    assert_int_equal(sensors_find_disk(sensors(), "vdb"), SENSOR_DISK + 1);
    assert_string_equal(fake_sensors_events(), "");
    json_object_put(stored);
    sensors_free(first);
}

/* What is right in it is taken, the rest left out. */
static void test_damaged_record(void **state)
{
    static const char text[] =
        "{\"slots\": [{\"number\": 300, \"key\": \"vdx\"}, {\"number\": 1, \"key\": \"vdx\"},"
        " {\"number\": 130, \"key\": \"a name that is much too long\"}, 5, {\"number\": 131},"
        " {\"number\": \"132\", \"key\": \"vdy\"}, {\"number\": 133, \"key\": \"vdz\"}],"
        " \"settings\": [{}, null, {\"number\": 8, \"thresholds\": \"00\"},"
        " {\"number\": 8, \"thresholds\": \"000000555a62\", \"hysteresis\": \"0202\","
        "  \"events\": true, \"scanning\": true, \"assertions\": 65536, \"deassertions\": 0},"
        " {\"number\": 9, \"thresholds\": \"000000555a62\", \"hysteresis\": \"0202\","
        "  \"events\": true, \"scanning\": true, \"assertions\": 2688, \"deassertions\": 0}],"
        " \"repository\": {\"added\": -1, \"erased\": 0, \"digest\": \"00\", \"records\": 1}}";
    struct json_object *record = json_tokener_parse(text);
    struct sensors *first = sensors();
    struct sensor_settings settings;
    struct sensors_slot slot;

    (void)state;
    assert_non_null(record);
    fake_bmc.bmc.sensors = fake_sensors_new();
    assert_int_equal(record_sensors.decode(&fake_bmc.bmc, record), -EINVAL);
    assert_int_equal(sensors_slot(sensors(), 0, &slot), 0);
    assert_int_equal(slot.number, 133);
    assert_int_equal(sensors_slot(sensors(), 1, &slot), -ENOENT);
    assert_int_equal(sensors_changed_settings(sensors(), 0, &settings), 0);
    assert_int_equal(settings.number, 9);
    assert_int_equal(sensors_changed_settings(sensors(), 1, &settings), -ENOENT);
    assert_int_equal(fake_bmc.bmc.sdr.addition_time, 0);
    json_object_put(record);
    sensors_free(first);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fake_sensors_setup, fake_sensors_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_reading),
        TEST(test_types_and_factors),
        TEST(test_receiver),
        TEST(test_thresholds),
        TEST(test_hysteresis),
        TEST(test_event_enables),
        TEST(test_event_status_and_rearm),
        TEST(test_set_reading),
        TEST(test_set_reading_refused),
        TEST(test_settings_wait_for_the_disk),
        TEST(test_chassis_has_an_intrusion_sensor),
        TEST(test_repository_info),
        TEST(test_get_sdr),
        TEST(test_time),
        TEST(test_writing_is_refused),
        TEST(test_initialization_agent),
        TEST(test_without_sensors),
        TEST(test_chassis_status),
        TEST(test_app),
        TEST(test_record),
        TEST(test_damaged_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
