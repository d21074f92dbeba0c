/* What is stored of the room comes back as it was, and what is no such document does no harm. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/state/facility.h"

static struct facility room;

static int setup(void **state)
{
    struct facility_settings settings;

    (void)state;
    facility_settings_set_defaults(&settings);
    facility_init(&room, &settings);
    return 0;
}

static int decode(const char *text)
{
    CLEANUP_JSON struct json_object *document = json_tokener_parse(text);

    assert_non_null(document);
    return facility_state_decode(&room, document);
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
    facility_set(&room, "feed", "B", "down", error, sizeof error);
    facility_set(&room, "feed", "A", "down", error, sizeof error);
    facility_set(&room, "ups", NULL, "battery", error, sizeof error);
    facility_set(&room, "crac", NULL, "failed", error, sizeof error);
    facility_step(&room, 12.7);
    other = room;
    for (unsigned i = 0; i < 2; i++) {
        CLEANUP_JSON struct json_object *document = facility_state_encode(&room);
        setup(NULL);
        assert_int_equal(decode(json_object_to_json_string(document)), 0);
        assert_same(&room, &other);
    }
}

static void test_nothing_stored(void **state)
{
    struct facility fresh = room;

    (void)state;
    room.crac_failed = true;
    room.battery = 0;
    assert_int_equal(facility_state_decode(&room, NULL), 0);
    assert_same(&room, &fresh);
}

/* What is right is taken, the rest is as it should be. */
static void test_partly_wrong(void **state)
{
    (void)state;
    assert_int_equal(decode("{\"feeds_down\":[\"B\",\"Z\",\"\",7],\"utility_lost\":\"yes\","
                            "\"generator_failed\":true,\"crac_failed\":true,\"battery\":1.5,"
                            "\"inlet_c\":31,\"generator_s\":-1}"),
                     -EINVAL);
    assert_int_equal(room.feeds_down, 0x2);
    assert_false(room.utility_lost);
    assert_true(room.generator_failed);
    assert_true(room.crac_failed);
    assert_true(fabs(room.battery - 1) < 1e-12);
    assert_true(fabs(room.inlet_c - 31) < 1e-12);
    assert_true(fabs(room.generator_s) < 1e-12);
}

static void test_no_such_document(void **state)
{
    static const char *const texts[] = {"{}", "[]", "7", "\"x\"", "{\"battery\":NaN}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(decode(texts[i]), -EINVAL);
    assert_true(fabs(room.battery - 1) < 1e-12);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),
        cmocka_unit_test_setup(test_nothing_stored, setup),
        cmocka_unit_test_setup(test_partly_wrong, setup),
        cmocka_unit_test_setup(test_no_such_document, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
