/* SEL records in words. */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/host/host.h"
#include "vbmc/verbs/sel_text.h"

static struct sensors *sensors;

static void on_event(void *context, const struct sensor_event *event)
{
    (void)context;
    (void)event;
}

static int setup(void **state)
{
    static const struct sensors_ops ops = {.event = on_event};
    static const struct host_hardware hardware = {.sockets = 1, .vcpus = 1, .dimms = 1};

    (void)state;
    sensors = sensors_new(&ops, NULL);
    if (sensors)
        sensors_set_hardware(sensors, &hardware, 2);
    return sensors ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sensors_free(sensors);
    return 0;
}

struct row {
    const char *record; /* hexadecimal */
    const char *time, *generator, *type, *sensor, *event, *direction, *severity;
};

static void expect(struct json_object *object, const char *key, const char *wanted)
{
    struct json_object *value;

    assert_true(json_object_object_get_ex(object, key, &value));
    if (wanted)
        assert_string_equal(json_object_get_string(value), wanted);
    else
        assert_null(value);
}

static void check(const struct sensors *by, const struct row *row)
{
    uint8_t record[SEL_RECORD_SIZE];
    char byte[3] = "";

    assert_int_equal(strlen(row->record), 2 * sizeof record);
    for (size_t i = 0; i < sizeof record; i++) {
        memcpy(byte, row->record + 2 * i, 2);
        record[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    struct json_object *object = sel_text_row(by, record);
    assert_int_equal(json_object_object_length(object), 9);
    expect(object, "time", row->time);
    expect(object, "generator", row->generator);
    expect(object, "type", row->type);
    expect(object, "sensor", row->sensor);
    expect(object, "event", row->event);
    expect(object, "direction", row->direction);
    expect(object, "severity", row->severity);
    expect(object, "raw", row->record);
    struct json_object *id;
    assert_true(json_object_object_get_ex(object, "id", &id));
    assert_int_equal(json_object_get_int(id), record[0] | record[1] << 8);
    json_object_put(object);
}

#define STAMP "00f15365" /* 1700000000 */
#define TIME  "2023-11-14T22:13:20Z"

/* Readings and thresholds in the sensor's own scale. */
static void test_thresholds(void **state)
{
    static const struct {
        uint8_t number, type;
        bool deassertion;
        uint8_t data1;
        double reading, threshold;
        const char *event, *severity;
    } cases[] = {
        {SENSOR_CPU_TEMP, 1, false, 0x59, 95, 92,
         "Upper Critical - going high (reading 95 > threshold 92 C)", "critical"},
        {SENSOR_CPU_TEMP, 1, true, 0x59, 85, 92,
         "Upper Critical - going high (reading 85 < threshold 92 C)", "ok"},
        {SENSOR_CPU_TEMP, 1, false, 0x57, 92, 92,
         "Upper Non-critical - going high (reading 92 = threshold 92 C)", "warning"},
        {SENSOR_INLET_TEMP, 1, false, 0x52, -7, -5,
         "Lower Critical - going low (reading -7 < threshold -5 C)", "critical"},
        {SENSOR_FAN, 4, false, 0x52, 500, 1000,
         "Lower Critical - going low (reading 500 < threshold 1000 RPM)", "critical"},
        {SENSOR_CPU_TEMP, 1, false, 0x49, 95, 92, "Upper Critical - going high (reading 95 C)",
         "critical"},
        {SENSOR_CPU_TEMP, 1, false, 0x09, 95, 92, "Upper Critical - going high", "critical"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char record[2 * SEL_RECORD_SIZE + 1];
        struct sensor_scale scale;
        assert_int_equal(sensors_scale(sensors, cases[i].number, &scale), 0);
        snprintf(record, sizeof record, "010002" STAMP "200004%02x%02x%02x%02x%02x%02x",
                 cases[i].type, cases[i].number, cases[i].deassertion ? 0x81 : 0x01, cases[i].data1,
                 sensor_scale_to_raw(&scale, cases[i].reading),
                 sensor_scale_to_raw(&scale, cases[i].threshold));
        const struct row row = {
            .record = record,
            .time = TIME,
            .generator = "BMC",
            .type = cases[i].type == 4 ? "Fan" : "Temperature",
            .sensor = cases[i].number == SENSOR_FAN        ? "Fan1"
                      : cases[i].number == SENSOR_CPU_TEMP ? "CPU1 Temp"
                                                           : "Inlet Temp",
            .event = cases[i].event,
            .direction = cases[i].deassertion ? "deasserted" : "asserted",
            .severity = cases[i].severity,
        };
        check(sensors, &row);
    }
}

static void test_states(void **state)
{
    static const struct row rows[] = {
        {"060002" STAMP "20000410446f35ff50", TIME, "BMC", "Event Logging", "SEL",
         "Log almost full (80 %)", "asserted", "ok"},
        {"070002" STAMP "20000410446f02ffff", TIME, "BMC", "Event Logging", "SEL",
         "Log area reset/cleared", "asserted", "ok"},
        {"080002" STAMP "200004124f6fc500ff", TIME, "BMC", "System Event", "Clock",
         "Timestamp Clock Sync (former time)", "asserted", "ok"},
        {"090002" STAMP "200004124f6fc580ff", TIME, "BMC", "System Event", "Clock",
         "Timestamp Clock Sync (new time)", "asserted", "ok"},
        {"0a0002" STAMP "2000041d466fc701ff", TIME, "BMC", "System Boot", "System Boot",
         "System Restart (chassis control)", "asserted", "ok"},
        {"0b0002" STAMP "2000041d466fc7ffff", TIME, "BMC", "System Boot", "System Boot",
         "System Restart", "asserted", "ok"},
        {"0b0002" STAMP "20000423456fc104ff", TIME, "BMC", "Watchdog 2", "Watchdog2",
         "Hard reset (SMS/OS)", "asserted", "ok"},
        {"0b0002" STAMP "20000423456fc823ff", TIME, "BMC", "Watchdog 2", "Watchdog2",
         "Timer interrupt (OS load, NMI)", "asserted", "ok"},
        {"0b0002" STAMP "20000423456fc0ffff", TIME, "BMC", "Watchdog 2", "Watchdog2",
         "Timer expired", "asserted", "critical"},
        {"0c0002" STAMP "2000042a5f6fc20301", TIME, "BMC", "Session Audit", "#0x5f",
         "Invalid Username or Password (user 3)", "asserted", "warning"},
        {"0d0002" STAMP "20000408386f03ffff", TIME, "BMC", "Power Supply", "PSU1 Status",
         "Power Supply AC lost", "asserted", "critical"},
        {"0e0002" STAMP "20000408400b01ffff", TIME, "BMC", "Power Supply", "PS Redundancy",
         "Redundancy Lost", "asserted", "critical"},
        {"0f0002" STAMP "20000408386f0effff", TIME, "BMC", "Power Supply", "PSU1 Status",
         "event type 0x6f, data 0e ff ff", "asserted", "ok"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(sensors, &rows[i]);
}

/* Whose sensors are not ours, whose times are not known. */
static void test_others(void **state)
{
    static const struct row rows[] = {
        {"010002" STAMP "410004010801595f5c", TIME, "system software", "Temperature", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        {"010002" STAMP "010004010801595f5c", TIME, "BIOS", "Temperature", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        {"010002" STAMP "811004010801595f5c", TIME, "remote console", "Temperature", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        {"010002" STAMP "220004010801595f5c", TIME, "0x0022", "Temperature", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        {"010002" STAMP "ff0004010801595f5c", TIME, "0x00ff", "Temperature", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        /* A type that the sensor of that number does not have, and one that there is not. */
        {"010002" STAMP "200004020801595f5c", TIME, "BMC", "Voltage", "#0x08",
         "Upper Critical - going high", "asserted", "critical"},
        {"010002" STAMP "200004c7ff7101ffff", TIME, "BMC", "0xc7", "#0xff",
         "event type 0x71, data 01 ff ff", "asserted", "ok"},
        {"fe000202000000200004124f6fc580ff", NULL, "BMC", "System Event", "Clock",
         "Timestamp Clock Sync (new time)", "asserted", "ok"},
        {"fe0002ffffffff200004124f6fc580ff", NULL, "BMC", "System Event", "Clock",
         "Timestamp Clock Sync (new time)", "asserted", "ok"},
        {"fdff02feffffff200004124f6fc580ff", "2106-02-07T06:28:14Z", "BMC", "System Event", "Clock",
         "Timestamp Clock Sync (new time)", "asserted", "ok"},
        {"0500c0" STAMP "5701004f454d444154", TIME, "", "OEM 0xc0", "", "5701004f454d444154", "",
         "ok"},
        {"0600e0746869727465656e2062797465", NULL, "", "OEM 0xe0", "", "746869727465656e2062797465",
         "", "ok"},
        /* What Linux says as it panics; others use that type for what is theirs. */
        {"0700f020007379737271207472696767", NULL, "", "OEM 0xf0", "", "'sysrq trigg'", "", "ok"},
        {"0800f020016572656420637261736800", NULL, "", "OEM 0xf0", "", "'ered crash'", "", "ok"},
        {"0900f020000000000000000000000000", NULL, "", "OEM 0xf0", "", "20000000000000000000000000",
         "", "ok"},
        {"0a00f020006500650000000000000000", NULL, "", "OEM 0xf0", "", "20006500650000000000000000",
         "", "ok"},
        {"0b00f022006500000000000000000000", NULL, "", "OEM 0xf0", "", "22006500000000000000000000",
         "", "ok"},
        {"ffffffffffffffffffffffffffffffff", NULL, "", "OEM 0xff", "", "ffffffffffffffffffffffffff",
         "", "ok"},
        {"00000000000000000000000000000000", NULL, "0x0000", "0x00", "#0x00",
         "event type 0x00, data 00 00 00", "asserted", "ok"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(sensors, &rows[i]);
}

static void test_without_sensors(void **state)
{
    static const struct row row = {
        "010002" STAMP "200004010801595f5c", TIME,       "BMC",     "Temperature", "#0x08",
        "Upper Critical - going high",       "asserted", "critical"};

    (void)state;
    check(NULL, &row);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_thresholds),
        TEST(test_states),
        TEST(test_others),
        TEST(test_without_sensors),
    };

    return cmocka_run_group_tests_name("sel_text", tests, NULL, NULL);
}
