/* What was injected, as it is stored. The platform is the test's own. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/platform/inject.h"
#include "vbmc/state/record.h"

struct platform {
    struct faults faults;
    unsigned restored;
};

static struct platform platform;
static struct bmc bmc;

const struct faults *platform_faults(const struct platform *of)
{
    return &of->faults;
}

void platform_restore_faults(struct platform *of, const struct faults *faults)
{
    of->faults = *faults;
    of->restored++;
}

static int setup(void **state)
{
    (void)state;
    platform = (struct platform){0};
    bmc = (struct bmc){.platform = &platform};
    return 0;
}

static void add(const char *target, const char *kind, int64_t since_s)
{
    char error[200];
    struct fault fault;

    assert_int_equal(fault_parse(target, kind, &fault, error, sizeof error), 0);
    fault.since_s = since_s;
    assert_int_equal(faults_add(&platform.faults, &fault), 0);
}

static int decode(const char *text)
{
    CLEANUP_JSON struct json_object *record = json_tokener_parse(text);

    assert_non_null(record);
    return record_faults.decode(&bmc, record);
}

static void test_round_trip(void **state)
{
    (void)state;
    add("psu/1", "ac-lost", 1700000000);
    add("temp/cpu2", "-3.5", 1700000001);
    add("disk/vda", "predictive-failure", 1700000002);
    add("memory", "ecc-uncorrectable", INT64_C(5000000000));
    struct faults before = platform.faults;

    CLEANUP_JSON struct json_object *record = record_faults.encode(&bmc);
    assert_non_null(record);
    memset(&platform.faults, 0, sizeof platform.faults);
    assert_int_equal(decode(json_object_to_json_string(record)), 0);
    assert_memory_equal(&platform.faults, &before, sizeof before);
}

static void test_empty(void **state)
{
    (void)state;
    CLEANUP_JSON struct json_object *record = record_faults.encode(&bmc);
    assert_string_equal(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN),
                        "{\"faults\":[]}");
    add("psu/1", "failed", 1);
    assert_int_equal(record_faults.decode(&bmc, NULL), 0);
    assert_int_equal(platform.faults.count, 0);
    add("psu/1", "failed", 1);
    assert_int_equal(record_faults.decode(&bmc, record), 0);
    assert_int_equal(platform.faults.count, 0);
    assert_int_equal(platform.restored, 2);
}

static void test_without_platform(void **state)
{
    (void)state;
    bmc.platform = NULL;
    CLEANUP_JSON struct json_object *record = record_faults.encode(&bmc);
    assert_non_null(record);
    assert_int_equal(record_faults.decode(&bmc, record), 0);
}

/* The good ones come back, whatever stands beside them. */
static void test_what_is_wrong_is_left_out(void **state)
{
    static const char *const wrong[] = {
        "7",
        "\"psu/1\"",
        "null",
        "{}",
        "{\"target\":\"psu/1\",\"kind\":\"failed\"}",
        "{\"target\":\"psu/1\",\"kind\":\"failed\",\"since\":\"1\"}",
        "{\"target\":\"psu/1\",\"kind\":\"failed\",\"since\":99999999999999999999}",
        "{\"target\":\"psu/9\",\"kind\":\"failed\",\"since\":1}",
        "{\"target\":\"psu/1\",\"kind\":\"open\",\"since\":1}",
        "{\"target\":1,\"kind\":\"failed\",\"since\":1}",
        "{\"target\":\"memory\",\"kind\":\"ecc-correctable\",\"since\":1}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"faults\":[%s,{\"target\":\"fan/2\",\"kind\":\"failed\",\"since\":5}]}",
                 wrong[i]);
        if (decode(text) != -EINVAL)
            fail_msg("%s was taken", wrong[i]);
        assert_int_equal(platform.faults.count, 1);
        assert_true(faults_has(&platform.faults, FAULT_TARGET_FAN, "2", FAULT_FAILED));
        assert_int_equal(platform.faults.items[0].since_s, 5);
    }
    assert_int_equal(decode("{\"faults\":7}"), -EINVAL);
    assert_int_equal(decode("[]"), -EINVAL);
    assert_int_equal(platform.faults.count, 0);
}

static void test_more_than_there_is_room_for(void **state)
{
    CLEANUP_JSON struct json_object *list = json_object_new_array();
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    (void)state;
    for (unsigned i = 0; i < FAULTS_MAX + 10; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"target\":\"disk/d%u\",\"kind\":\"fault\",\"since\":5}", i);
        json_object_array_add(list, json_tokener_parse(text));
    }
    json_object_object_add(record, "faults", json_object_get(list));
    assert_int_equal(record_faults.decode(&bmc, record), -EINVAL);
    assert_int_equal(platform.faults.count, FAULTS_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_without_platform, setup),
        cmocka_unit_test_setup(test_what_is_wrong_is_left_out, setup),
        cmocka_unit_test_setup(test_more_than_there_is_room_for, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
