/* What is stored of the facility comes back as it was; a corrupt record does no harm. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/physics/facility.h"
#include "vbmc/state/facility.h"

static struct facility facility;

static int setup(void **state)
{
    struct facility_settings settings;

    (void)state;
    facility_settings_set_defaults(&settings);
    facility_init(&facility, &settings);
    return 0;
}

static int decode(const char *text)
{
    CLEANUP_JSON struct json_object *record = json_tokener_parse(text);

    assert_non_null(record);
    return facility_state_decode(&facility, record);
}

static void assert_same(const struct facility *a, const struct facility *b)
{
    assert_int_equal(a->feeds_down, b->feeds_down);
    assert_int_equal(a->utility_lost, b->utility_lost);
    assert_int_equal(a->generator_failed, b->generator_failed);
    assert_int_equal(a->crac_failed, b->crac_failed);
    assert_true(fabs(a->battery - b->battery) < 1e-12);
    assert_true(fabs(a->inlet_c - b->inlet_c) < 1e-12);
    assert_true(fabs(a->generator_s - b->generator_s) < 1e-12);
}

/* As text, as the store has it. */
static void test_round_trip(void **state)
{
    char error[128];
    struct facility other;

    (void)state;
    facility_set(&facility, "feed", "B", "down", error, sizeof error);
    facility_set(&facility, "feed", "A", "down", error, sizeof error);
    facility_set(&facility, "ups", NULL, "battery", error, sizeof error);
    facility_set(&facility, "crac", NULL, "failed", error, sizeof error);
    facility_step(&facility, 12.7);
    other = facility;
    for (unsigned i = 0; i < 2; i++) {
        CLEANUP_JSON struct json_object *record = facility_state_encode(&facility);
        setup(NULL);
        assert_int_equal(decode(json_object_to_json_string(record)), 0);
        assert_same(&facility, &other);
    }
}

static void test_nothing_stored(void **state)
{
    struct facility fresh = facility;

    (void)state;
    facility.crac_failed = true;
    facility.battery = 0;
    assert_int_equal(facility_state_decode(&facility, NULL), 0);
    assert_same(&facility, &fresh);
}

/* What is right is taken, the rest is as it should be. */
static void test_partly_wrong(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"feeds_down\":[\"B\",\"Z\",\"\",7],\"utility_lost\":\"yes\","
                            "\"generator_failed\":true,\"crac_failed\":true,\"battery\":1.5,"
                            "\"inlet_c\":31,\"generator_s\":-1}"),
                     -EINVAL);
    assert_int_equal(facility.feeds_down, 0x2);
    assert_false(facility.utility_lost);
    assert_true(facility.generator_failed);
    assert_true(facility.crac_failed);
    assert_true(fabs(facility.battery - 1) < 1e-12);
    assert_true(fabs(facility.inlet_c - 31) < 1e-12);
    assert_true(fabs(facility.generator_s) < 1e-12);
}

static void test_no_such_record(void **state)
{
    static const char *const texts[] = {"{}", "[]", "7", "\"x\"", "{\"battery\":NaN}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(decode(texts[i]), -EINVAL);
    assert_true(fabs(facility.battery - 1) < 1e-12);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),
        cmocka_unit_test_setup(test_nothing_stored, setup),
        cmocka_unit_test_setup(test_partly_wrong, setup),
        cmocka_unit_test_setup(test_no_such_record, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
