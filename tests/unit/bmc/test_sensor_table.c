/* The table of sensors: its rows, the scales of their readings, and the words for their states. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/fed_sensors.h"
#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"

/* Whoever adds a row cannot give a number twice, a name that does not fit, or thresholds that
 * contradict each other. */
static void test_table(void **state)
{
    bool used[256] = {false};

    (void)state;
    for (size_t i = 0; i < sensor_table_count; i++) {
        const struct sensor_definition *row = &sensor_table[i];
        assert_true(row->count > 0 && row->number > 0 && row->number + row->count <= 0xff);
        assert_true(row->entity_instance + row->count - 1 <= 0x5f);
        assert_non_null(sensor_type_text(row->type));
        for (unsigned n = 0; n < row->count; n++) {
            assert_false(used[row->number + n]);
            used[row->number + n] = true;
            assert_ptr_equal(sensor_definition_find((uint8_t)(row->number + n)), row);
        }
        uint16_t events = sensor_definition_assertions(row) | sensor_definition_deassertions(row);
        for (uint8_t offset = 0; offset < 16; offset++)
            if ((events | row->states) & 1u << offset)
                assert_non_null(sensor_state_text(row->type, row->event_type, offset));
        assert_int_equal(row->class == SENSOR_CLASS_THRESHOLD, row->unit != NULL);
        assert_int_equal(row->class == SENSOR_CLASS_THRESHOLD,
                         row->event_type == EVENT_TYPE_THRESHOLD);
        for (unsigned n = 1; n < SENSOR_THRESHOLDS && row->unit; n++) {
            double one = row->thresholds[n - 1], other = row->thresholds[n];
            bool is_lower = n < SENSOR_UNC;
            if (n != SENSOR_UNC && !isnan(one) && !isnan(other))
                assert_true(is_lower ? one > other : one <= other);
        }
    }
    assert_null(sensor_definition_find(0));
    assert_null(sensor_definition_find(0xff));
}

/* The vectors have more than two formats; ours are unsigned and two's complement. */
static void test_conversion(void **state)
{
    struct json_object *vectors = vectors_load();
    size_t count = vectors_count(vectors, "/sensor_conversion/cases"), done = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = vectors_item(vectors, "/sensor_conversion/cases", i);
        int format = vectors_number(item, "/analog_format");
        const struct sensor_scale scale = {
            .m = (int16_t)vectors_number(item, "/M"),
            .b = (int16_t)vectors_number(item, "/B"),
            .b_exponent = (int8_t)vectors_number(item, "/Bexp"),
            .r_exponent = (int8_t)vectors_number(item, "/Rexp"),
            .is_signed = format == 2,
        };
        if (format == 1)
            continue;
        uint8_t raw = (uint8_t)vectors_number(item, "/raw");
        double expected = json_object_get_double(vectors_at(item, "/value"));
        double value = sensor_scale_to_value(&scale, raw);
        assert_true(fabs(value - expected) <= 1e-9 * fabs(expected));
        assert_int_equal(sensor_scale_to_raw(&scale, expected), raw);
        done++;
    }
    assert_int_equal(done, 9);
    json_object_put(vectors);
}

static void test_limits_of_raw(void **state)
{
    static const struct {
        uint8_t number;
        double value;
        uint8_t raw;
    } cases[] = {
        {SENSOR_INLET_TEMP, 22.4, 22},   {SENSOR_INLET_TEMP, 22.5, 23},
        {SENSOR_INLET_TEMP, -3.4, 0xfd}, {SENSOR_INLET_TEMP, -3.6, 0xfc},
        {SENSOR_INLET_TEMP, 900, 0x7f},  {SENSOR_INLET_TEMP, -900, 0x80},
        {SENSOR_INLET_TEMP, 0, 0},       {SENSOR_FAN, 4149, 41},
        {SENSOR_FAN, 4151, 42},          {SENSOR_FAN, -1, 0},
        {SENSOR_FAN, 1e30, 255},         {SENSOR_CPU_UTIL, 100, 200},
        {SENSOR_CPU_UTIL, 12.3, 25},     {SENSOR_12V, 12.036, 204},
        {SENSOR_SYS_POWER, 143, 36},     {SENSOR_PSU_INPUT, 1020, 255},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        reading(cases[i].number, cases[i].value);
        assert_int_equal(view(cases[i].number).raw, cases[i].raw);
    }
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(sensor_state_text(0x01, 0x01, 9), "Upper Critical - going high");
    assert_string_equal(sensor_state_text(0x08, 0x0b, 1), "Redundancy Lost");
    assert_string_equal(sensor_state_text(0x0d, 0x6f, 2), "Predictive Failure");
    assert_null(sensor_state_text(0x0d, 0x6f, 14));
    assert_null(sensor_state_text(0xc0, 0x70, 0));
    assert_string_equal(sensor_type_text(0x0d), "Drive Slot");
    assert_null(sensor_type_text(0));
    assert_null(sensor_type_text(0xc0));
    assert_int_equal(sensor_state_severity(0x09, 0x6f, 4), SENSOR_WARNING);
    assert_int_equal(sensor_state_severity(0x09, 0x6f, 0), SENSOR_OK);
    assert_int_equal(sensor_state_severity(0x23, 0x6f, 0), SENSOR_CRITICAL);
    assert_int_equal(sensor_state_severity(0xc0, 0x70, 0), SENSOR_OK);
    assert_int_equal(sensor_state_severity(0x01, 0x01, 11), SENSOR_NON_RECOVERABLE);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fake_sensors_setup, fake_sensors_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_table),
        TEST(test_conversion),
        TEST(test_limits_of_raw),
        TEST(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
