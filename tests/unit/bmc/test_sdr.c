/* The SDR repository: every record taken apart again by a decoder that knows only the specification
 * (chapter 43), and compared with what the sensors and FRUs say of themselves. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sensors.h"
#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/sensor_table.h"

#define RECORDS_MAX 200

struct decoded {
    uint16_t id;
    uint8_t type;
    uint8_t number, entity, instance, sensor_type, event_type;
    uint16_t assertions, deassertions, states;
    uint8_t readable, settable, lower_compared, upper_compared;
    uint8_t format, unit;
    bool is_percent;
    int m, b, b_exponent, r_exponent;
    uint8_t thresholds[6]; /* as in Get Sensor Thresholds */
    uint8_t positive_hysteresis, negative_hysteresis;
    uint8_t fru, support;
    uint8_t contained[8];
    char name[17];
};

static struct bmc *bmc(void)
{
    return &fake_bmc.bmc;
}

static int sign(unsigned value, unsigned bits)
{
    return value & 1u << (bits - 1) ? (int)value - (1 << bits) : (int)value;
}

static void decode_name(struct wire_in *in, char name[17])
{
    uint8_t type = wire_u8(in);

    assert_int_equal(type & 0xc0, 0xc0); /* 8-bit text */
    assert_in_range(type & 0x1f, 1, 16);
    memset(name, 0, 17);
    wire_copy(in, name, type & 0x1f);
}

static void decode_key(struct wire_in *in, struct decoded *to)
{
    assert_int_equal(wire_u8(in), 0x20); /* the BMC, its IPMB address */
    assert_int_equal(wire_u8(in), 0x00);
    to->number = wire_u8(in);
    to->entity = wire_u8(in);
    to->instance = wire_u8(in);
}

static void decode_factors(struct wire_in *in, struct decoded *to)
{
    uint8_t byte[6];

    wire_copy(in, byte, sizeof byte);
    to->m = sign(byte[0] | (byte[1] & 0xc0u) << 2, 10);
    to->b = sign(byte[2] | (byte[3] & 0xc0u) << 2, 10);
    to->r_exponent = sign(byte[5] >> 4, 4);
    to->b_exponent = sign(byte[5] & 0x0f, 4);
    assert_true((byte[1] & 0x3f) == 0 && (byte[3] & 0x3f) == 0 && byte[4] == 0);
}

static void decode_full(struct wire_in *in, struct decoded *to)
{
    static const uint8_t order[6] = {5, 4, 3, 2, 1, 0}; /* UNR UC UNC LNR LC LNC */

    decode_key(in, to);
    assert_int_equal(wire_u8(in), 0xfb); /* all is initialised but the type; starts scanning */
    assert_int_equal(wire_u8(in), 0x68); /* rearms itself; thresholds, hysteresis settable */
    to->sensor_type = wire_u8(in);
    to->event_type = wire_u8(in);
    to->assertions = wire_u16(in);
    to->deassertions = wire_u16(in);
    to->lower_compared = to->assertions >> 12;
    to->upper_compared = to->deassertions >> 12;
    to->assertions &= 0x0fff;
    to->deassertions &= 0x0fff;
    to->readable = wire_u8(in);
    to->settable = wire_u8(in);
    uint8_t units = wire_u8(in);
    to->format = units >> 6;
    to->is_percent = units & 0x01;
    to->unit = wire_u8(in);
    assert_int_equal(wire_u16(in), 0); /* no modifier unit, linear */
    decode_factors(in, to);
    uint8_t given = wire_u8(in);
    assert_int_equal(given & ~0x01, 0);
    wire_skip(in, 3);
    assert_int_equal(wire_u8(in), to->format == 2 ? 0x7f : 0xff);
    assert_int_equal(wire_u8(in), to->format == 2 ? 0x80 : 0x00);
    for (size_t i = 0; i < 6; i++)
        to->thresholds[order[i]] = wire_u8(in);
    to->positive_hysteresis = wire_u8(in);
    to->negative_hysteresis = wire_u8(in);
    wire_skip(in, 3);
    decode_name(in, to->name);
}

static void decode_compact(struct wire_in *in, struct decoded *to)
{
    decode_key(in, to);
    assert_int_equal(wire_u8(in), 0xe3);
    assert_int_equal(wire_u8(in), 0x40);
    to->sensor_type = wire_u8(in);
    to->event_type = wire_u8(in);
    to->assertions = wire_u16(in);
    to->deassertions = wire_u16(in);
    to->states = wire_u16(in);
    assert_int_equal(wire_u8(in), 0xc0); /* no analog reading */
    assert_int_equal(wire_u16(in), 0);
    assert_int_equal(wire_u8(in), 1); /* one sensor */
    wire_skip(in, 7);
    decode_name(in, to->name);
}

static void decode_event_only(struct wire_in *in, struct decoded *to)
{
    decode_key(in, to);
    to->sensor_type = wire_u8(in);
    to->event_type = wire_u8(in);
    assert_int_equal(wire_u8(in), 1);
    wire_skip(in, 3);
    decode_name(in, to->name);
}

static void decode_association(struct wire_in *in, struct decoded *to)
{
    to->entity = wire_u8(in);
    to->instance = wire_u8(in);
    assert_int_equal(wire_u8(in), 0xa0); /* ranges, always accessible */
    wire_copy(in, to->contained, sizeof to->contained);
}

static void decode_fru(struct wire_in *in, struct decoded *to)
{
    assert_int_equal(wire_u8(in), 0x20);
    to->fru = wire_u8(in);
    assert_int_equal(wire_u8(in), 0x80);
    assert_int_equal(wire_u16(in), 0);
    assert_int_equal(wire_u16(in), 0x0010); /* behind a management controller */
    to->entity = wire_u8(in);
    to->instance = wire_u8(in);
    wire_skip(in, 1);
    decode_name(in, to->name);
}

static void decode_bmc(struct wire_in *in, struct decoded *to)
{
    assert_int_equal(wire_u8(in), 0x20);
    assert_int_equal(wire_u8(in), 0);
    assert_int_equal(wire_u8(in), 0x20);
    to->support = wire_u8(in);
    wire_skip(in, 3);
    to->entity = wire_u8(in);
    to->instance = wire_u8(in);
    wire_skip(in, 1);
    decode_name(in, to->name);
}

static struct decoded decode(const uint8_t *record, size_t length)
{
    struct wire_in in = wire_in_init(record, length);
    struct decoded to = {.id = wire_u16(&in)};

    assert_int_equal(wire_u8(&in), 0x51);
    to.type = wire_u8(&in);
    assert_int_equal(wire_u8(&in), length - 5);
    switch (to.type) {
    case 0x01:
        decode_full(&in, &to);
        break;
    case 0x02:
        decode_compact(&in, &to);
        break;
    case 0x03:
        decode_event_only(&in, &to);
        break;
    case 0x08:
        decode_association(&in, &to);
        break;
    case 0x11:
        decode_fru(&in, &to);
        break;
    case 0x12:
        decode_bmc(&in, &to);
        break;
    default:
        fail_msg("record type %02x", to.type);
    }
    assert_false(in.failed);
    assert_int_equal(wire_left(&in), 0);
    return to;
}

/* The whole repository, read as a client does. */
static unsigned read_all(struct decoded records[RECORDS_MAX])
{
    uint8_t record[SDR_RECORD_MAX];
    uint16_t next = SDR_FIRST;
    unsigned count = 0;
    size_t length;

    while (next != SDR_LAST) {
        uint16_t id = next;
        assert_true(count < RECORDS_MAX);
        assert_int_equal(sdr_get(bmc(), id, record, &length, &next), 0);
        records[count] = decode(record, length);
        assert_true(id == SDR_FIRST || records[count].id == id);
        assert_true(next > records[count].id);
        count++;
    }
    assert_int_equal(count, sdr_count(bmc()));
    return count;
}

static const struct decoded *find(const struct decoded *records, unsigned count, uint16_t id)
{
    for (unsigned i = 0; i < count; i++)
        if (records[i].id == id)
            return &records[i];
    fail_msg("no record %04x", id);
    return NULL;
}

static double value_of(const struct decoded *record, uint8_t raw)
{
    int x = record->format == 2 ? sign(raw, 8) : raw;

    return (record->m * x + record->b * pow(10, record->b_exponent)) * pow(10, record->r_exponent);
}

/* ---- tests ---- */

static void compare_threshold_sensor(const struct decoded *record, const struct sensor_view *view)
{
    static const uint16_t offsets[6] = {0x001, 0x004, 0x010, 0x080, 0x200, 0x800};
    struct sensor_settings settings;
    uint16_t events = 0;

    assert_int_equal(record->type, 0x01);
    assert_true(record->format == 0 || record->format == 2);
    assert_int_equal(sensors_settings(bmc()->sensors, view->number, &settings), 0);
    for (unsigned i = 0; i < 6; i++) {
        double value;
        bool has =
            sensors_threshold(bmc()->sensors, view->number, (enum sensor_threshold)i, &value) == 0;
        assert_int_equal((record->readable >> i & 1) != 0, has);
        if (!has)
            continue;
        events |= offsets[i];
        assert_true(fabs(value_of(record, record->thresholds[i]) - value) < 1e-9);
        assert_int_equal(record->thresholds[i], settings.thresholds[i]);
    }
    assert_int_equal(record->settable, record->readable);
    assert_int_equal(record->lower_compared, record->readable & 0x07);
    assert_int_equal(record->upper_compared, record->readable >> 3);
    assert_int_equal(record->assertions, events);
    assert_int_equal(record->deassertions, events);
    assert_int_equal(record->positive_hysteresis, settings.positive_hysteresis);
    assert_int_equal(record->negative_hysteresis, settings.negative_hysteresis);
    for (unsigned i = 0; i < 256; i += 15) {
        struct sensor_scale scale;
        assert_int_equal(sensors_scale(bmc()->sensors, view->number, &scale), 0);
        double expected = sensor_scale_to_value(&scale, (uint8_t)i);
        assert_true(fabs(value_of(record, (uint8_t)i) - expected) < 1e-9);
    }
}

static void compare_unit(const struct decoded *record, const char *unit)
{
    static const struct {
        const char *name;
        uint8_t code;
    } units[] = {{"C", 1}, {"V", 4}, {"W", 6}, {"RPM", 18}, {"%", 0}};

    assert_int_equal(record->is_percent, strcmp(unit, "%") == 0);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(units[i].name, unit) == 0)
            assert_int_equal(record->unit, units[i].code);
}

static void test_sensors_have_their_records(void **state)
{
    struct decoded records[RECORDS_MAX];
    unsigned count = read_all(records), number = 0, sensors = 0;
    struct sensor_view view;

    (void)state;
    while (sensors_next(bmc()->sensors, &number, &view) == 0) {
        const struct decoded *record = find(records, count, view.sdr_id);
        const struct sensor_definition *row = sensors_definition(bmc()->sensors, view.number);
        assert_int_equal(record->number, view.number);
        assert_string_equal(record->name, view.name);
        assert_int_equal(record->entity, view.entity);
        assert_int_equal(record->instance, view.entity_instance);
        assert_int_equal(record->sensor_type, view.type);
        assert_int_equal(record->event_type, view.event_type);
        if (view.is_threshold) {
            compare_threshold_sensor(record, &view);
            compare_unit(record, view.unit);
        } else if (view.is_event_only) {
            assert_int_equal(record->type, 0x03);
        } else {
            assert_int_equal(record->type, 0x02);
            assert_int_equal(record->assertions, row->assertions);
            assert_int_equal(record->deassertions, row->deassertions);
            assert_int_equal(record->states, row->states);
        }
        sensors++;
    }
    assert_int_equal(count, sensors + 2); /* and the BMC, the association of the PSUs */
}

static void test_bmc_and_psus(void **state)
{
    struct decoded records[RECORDS_MAX];
    unsigned count = read_all(records);
    static const uint8_t psus[8] = {0x0a, 1, 0x0a, 2};

    (void)state;
    const struct decoded *record = find(records, count, 0x0100);
    assert_int_equal(record->type, 0x12);
    assert_string_equal(record->name, "BMC");
    assert_int_equal(record->support, 0x83);
    record = find(records, count, 0x0300);
    assert_int_equal(record->type, 0x08);
    assert_true(record->entity == 0x13 && record->instance == 1);
    assert_memory_equal(record->contained, psus, sizeof psus);
}

static void test_frus(void **state)
{
    struct decoded records[RECORDS_MAX];
    struct fru_device device;
    unsigned id = 0, frus = 0, others = sdr_count(bmc());

    (void)state;
    bmc()->fru = fru_new();
    fru_set_hardware(bmc()->fru, "web01", &bmc()->core.uuid, &fake_hardware, 2, 550);
    unsigned count = read_all(records);
    while (fru_next_device(bmc()->fru, &id, &device) == 0) {
        if (device.id == 0)
            continue; /* everybody knows that one */
        const struct decoded *record = find(records, count, (uint16_t)(0x0200 + device.id));
        assert_int_equal(record->type, 0x11);
        assert_int_equal(record->fru, device.id);
        assert_string_equal(record->name, device.name);
        assert_int_equal(record->entity, device.entity);
        assert_int_equal(record->instance, device.entity_instance);
        frus++;
    }
    assert_true(frus >= 3);
    assert_int_equal(count, others + frus);
    assert_int_equal(find(records, count, 0x0100)->support, 0x8b);
    fru_free(bmc()->fru);
    bmc()->fru = NULL;
}

static void test_names_of_ids(void **state)
{
    uint8_t record[SDR_RECORD_MAX];
    size_t length;
    uint16_t next;

    (void)state;
    assert_int_equal(sdr_get(bmc(), SDR_LAST, record, &length, &next), 0);
    assert_int_equal(decode(record, length).id, 0x0300);
    assert_int_equal(next, SDR_LAST);
    assert_int_equal(sdr_get(bmc(), 0x0300, record, &length, &next), 0);
    assert_int_equal(sdr_get(bmc(), SENSOR_CPU_TEMP + 1, record, &length, &next), 0);
    assert_int_equal(next, SENSOR_FAN);
    static const uint16_t absent[] = {
        SENSOR_CPU_TEMP + 2, 0x00ff, 0x0101, 0x0200, 0x0201, 0x0301, 0x0400, 0xfffe};
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
        assert_int_equal(sdr_get(bmc(), absent[i], record, &length, &next), -ENOENT);
}

/* Clients that cache the repository go by its times. */
static void test_times(void **state)
{
    struct sdr_repository *repository = &bmc()->sdr;
    struct sensor_settings settings;

    (void)state;
    assert_true(sdr_note_change(bmc()));
    assert_int_equal(repository->addition_time, FAKE_BMC_WALL_TIME);
    assert_int_equal(repository->erase_time, 0);
    fake_bmc.wall_time += 10;
    assert_false(sdr_note_change(bmc()));
    /* Neither readings nor what a client sets make other records. */
    sensors_set_reading(bmc()->sensors, SENSOR_INLET_TEMP, 22);
    assert_int_equal(sensors_settings(bmc()->sensors, SENSOR_INLET_TEMP, &settings), 0);
    settings.thresholds[SENSOR_UC] = 45;
    assert_int_equal(sensors_set_settings(bmc()->sensors, &settings), 0);
    assert_false(sdr_note_change(bmc()));
    fake_sensors_plug("vdc");
    uint16_t reservation = sdr_reserve(bmc());
    assert_int_equal(repository->reservation, reservation);
    assert_true(sdr_note_change(bmc()));
    assert_int_equal(repository->addition_time, FAKE_BMC_WALL_TIME + 10);
    assert_int_equal(repository->reservation, 0);
    fake_sensors_unplug("vdc"); /* its bay stays */
    assert_false(sdr_note_change(bmc()));
    fake_bmc.wall_time += 10;
    sensors_set_hardware(bmc()->sensors, &fake_hardware, 1);
    assert_true(sdr_note_change(bmc()));
    assert_int_equal(repository->erase_time, FAKE_BMC_WALL_TIME + 20);
    assert_int_equal(repository->addition_time, FAKE_BMC_WALL_TIME + 10);
}

static void test_reservations(void **state)
{
    (void)state;
    bmc()->sdr.last_reservation = 0xfffe;
    assert_int_equal(sdr_reserve(bmc()), 0xffff);
    assert_int_equal(sdr_reserve(bmc()), 1);
    assert_int_equal(sdr_reserve(bmc()), 2);
}

/* Any number of sensors and the longest names; the decoder checks every length. */
static void test_full_house(void **state)
{
    struct decoded records[RECORDS_MAX];

    (void)state;
    fake_hardware.sockets = 8;
    fake_hardware.disk_count = fake_hardware.nic_count = 0;
    for (unsigned i = 0; i < HOST_DISKS_MAX; i++)
        snprintf(fake_hardware.disks[fake_hardware.disk_count++].target, 16, "averylongname%02u",
                 i);
    for (unsigned i = 0; i < HOST_NICS_MAX; i++)
        fake_hardware.nics[fake_hardware.nic_count++].mac[5] = (uint8_t)(i + 1);
    fake_hardware.disks[1].is_removable = false;
    sensors_set_hardware(bmc()->sensors, &fake_hardware, 6);
    unsigned count = read_all(records);
    assert_int_equal(count, 39 + 16 + 12 + 64 + 32 + 2); /* by server, socket, PSU, disk, NIC */
    assert_string_equal(find(records, count, SENSOR_DISK + 63)->name, "Disk averylongna");
    assert_string_equal(find(records, count, SENSOR_NIC + 31)->name, "NIC32 Link");
    assert_int_equal(find(records, count, SENSOR_SYS_POWER)->m, 16);
}

static void test_without_sensors(void **state)
{
    struct sensors *sensors = bmc()->sensors;

    (void)state;
    bmc()->sensors = NULL;
    assert_int_equal(sdr_count(bmc()), 1);
    assert_int_equal(sdr_device_support(bmc()), 0x80);
    bmc()->sensors = sensors;
}

/* The factors that libfreeipmi has agreed to. */
static void test_factors(void **state)
{
    struct json_object *vectors = vectors_load();
    size_t count = vectors_count(vectors, "/sensor_conversion/cases");

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = vectors_item(vectors, "/sensor_conversion/cases", i);
        const struct sensor_scale scale = {
            .m = (int16_t)vectors_number(item, "/M"),
            .b = (int16_t)vectors_number(item, "/B"),
            .b_exponent = (int8_t)vectors_number(item, "/Bexp"),
            .r_exponent = (int8_t)vectors_number(item, "/Rexp"),
        };
        uint8_t bytes[6], expected[6];
        struct wire_out out = wire_out_init(bytes, sizeof bytes);
        sdr_put_factors(&out, &scale);
        assert_int_equal(vectors_bytes(item, "/sdr_bytes_24_29", expected, sizeof expected), 6);
        assert_memory_equal(bytes, expected, sizeof bytes);
    }
    assert_int_equal(count, 10);
    json_object_put(vectors);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fake_sensors_setup, fake_sensors_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_sensors_have_their_records),
        TEST(test_bmc_and_psus),
        TEST(test_frus),
        TEST(test_names_of_ids),
        TEST(test_times),
        TEST(test_reservations),
        TEST(test_full_house),
        TEST(test_without_sensors),
        TEST(test_factors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
