/* SEL commands, byte by byte (IPMI 2.0, chapter 31). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/unit/vectors.h"
#include "vbmc/bmc/sensors.h"

#define RECORD  "00 00 02 00 00 00 00 20 00 04 01 01 01 57 60 55"
#define CLEAR   "43 4c 52 aa"
#define STATUS  "43 4c 52 00"
#define STAMP   "00 f1 53 65" /* FAKE_SEL_TIME */
#define NEVER   "ff ff ff ff"
#define CLEARED "02 " STAMP " 20 00 04 10 44 6f 02 ff ff"

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

#define EXPECT(request, answer) assert_string_equal(talk(request), answer)

static void test_info(void **state)
{
    (void)state;
    EXPECT("0a 40", "00 51 00 00 fe ff " NEVER " " NEVER " 0b");
    EXPECT("0a 41", "00 00 10 10 00 00 10 00 10 01");
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("0a 44 " RECORD, "00 02 00");
    EXPECT("0a 40", "00 51 02 00 de ff " STAMP " " NEVER " 0b");
    EXPECT("0a 41", "00 00 10 10 00 fe 0f fe 0f 01");
    EXPECT("0a 42", "00 01 00");
    EXPECT("0a 46 01 00 01 00", "00 01 00");
    EXPECT("0a 40", "00 51 01 00 ee ff " STAMP " " STAMP " 0b");
}

static void test_overflow(void **state)
{
    (void)state;
    sel_set_policy(fake_sel.sel, SEL_FULL_STOP);
    for (unsigned i = 0; i < SEL_RECORDS_MAX - 2; i++) {
        const struct sensor_event event = {.type = 1};
        sel_log(fake_sel.sel, &event);
    }
    EXPECT("0a 44 " RECORD, "c4");
    EXPECT("0a 40", "00 51 ff 0f 00 00 " STAMP " " NEVER " 8b");
    EXPECT("0a 41", "00 00 10 10 00 00 00 00 00 01");
}

static void test_get(void **state)
{
    (void)state;
    EXPECT("0a 43 00 00 00 00 00 ff", "cb");
    EXPECT("0a 43 00 00 ff ff 00 ff", "cb");
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("0a 44 " RECORD, "00 02 00");
    EXPECT("0a 44 " RECORD, "00 03 00");
    EXPECT("0a 43 00 00 00 00 00 ff", "00 02 00 01 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 43 00 00 02 00 00 ff", "00 03 00 02 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 43 00 00 ff ff 00 ff", "00 ff ff 03 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 43 00 00 04 00 00 ff", "cb");
    /* In pieces only with a reservation, whole records with any. */
    EXPECT("0a 43 77 00 03 00 00 ff", "00 ff ff 03 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 43 00 00 03 00 00 10", "c5");
    EXPECT("0a 43 00 00 03 00 01 ff", "c5");
    EXPECT("0a 42", "00 01 00");
    EXPECT("0a 43 01 00 03 00 00 10", "00 ff ff 03 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 43 01 00 03 00 0d ff", "00 ff ff 57 60 55");
    EXPECT("0a 43 01 00 03 00 0d 03", "00 ff ff 57 60 55");
    EXPECT("0a 43 01 00 03 00 0d 04", "ca");
    EXPECT("0a 43 01 00 03 00 10 ff", "c9");
    EXPECT("0a 43 01 00 03 00 10 00", "c9");
    EXPECT("0a 43 01 00 03 00 00 11", "ca");
    EXPECT("0a 43 01 00 03 00 ff fe", "c9");
    EXPECT("0a 43 01 00 09 00 00 01", "cb");
    /* Additions do not disturb the reader, another reader does. */
    EXPECT("0a 44 " RECORD, "00 04 00");
    EXPECT("0a 43 01 00 03 00 0d 03", "00 04 00 57 60 55");
    EXPECT("0a 42", "00 02 00");
    EXPECT("0a 43 01 00 03 00 0d 03", "c5");
}

static void test_delete(void **state)
{
    (void)state;
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("0a 44 " RECORD, "00 02 00");
    EXPECT("0a 44 " RECORD, "00 03 00");
    EXPECT("0a 44 " RECORD, "00 04 00");
    EXPECT("0a 46 00 00 01 00", "c5");
    EXPECT("0a 42", "00 01 00");
    EXPECT("0a 46 01 00 02 00", "00 02 00");
    EXPECT("0a 46 01 00 02 00", "cb");
    EXPECT("0a 46 01 00 00 00", "00 01 00"); /* the oldest */
    EXPECT("0a 46 01 00 ff ff", "00 04 00"); /* the newest */
    EXPECT("0a 43 00 00 00 00 00 ff", "00 ff ff 03 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
}

/* Two ask for the same; the second is told that it is gone. */
static void test_delete_twice_at_once(void **state)
{
    (void)state;
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("0a 42", "00 01 00");
    fake_sel.waits = true;
    EXPECT("0a 46 01 00 01 00", FAKE_BMC_WAITS);
    EXPECT("0a 46 01 00 01 00", FAKE_BMC_WAITS);
    uint32_t second = fake_bmc_request(&fake_bmc);
    fake_sel_finish(0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, second - 1), "00 01 00");
    assert_string_equal(fake_bmc_answer(&fake_bmc, second), "cb");
}

static void test_clear(void **state)
{
    (void)state;
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("0a 47 00 00 " CLEAR, "c5");
    EXPECT("0a 47 00 00 " STATUS, "c5");
    EXPECT("0a 47 ad de " STATUS, "c5");
    EXPECT("0a 42", "00 01 00");
    EXPECT("0a 47 ad de " STATUS, "c5");
    EXPECT("0a 47 01 00 43 4c 53 aa", "cc");
    EXPECT("0a 47 01 00 43 4c 52 ab", "cc");
    EXPECT("0a 47 01 00 " STATUS, "00 01");
    fake_sel.waits = true;
    EXPECT("0a 47 01 00 " CLEAR, FAKE_BMC_WAITS);
    uint32_t request = fake_bmc_request(&fake_bmc);
    EXPECT("0a 47 01 00 " STATUS, "00 00");
    EXPECT("0a 47 01 00 " CLEAR, "c5"); /* the reservation went with the first */
    EXPECT("0a 43 00 00 00 00 00 01", "c5");
    fake_sel_finish(0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, request), "00 01");
    EXPECT("0a 47 01 00 " STATUS, "00 01");
    EXPECT("0a 43 00 00 00 00 00 ff", "00 ff ff 02 00 " CLEARED);
    EXPECT("0a 42", "00 02 00");
    EXPECT("0a 47 01 00 " STATUS, "c5"); /* another took its place */
    EXPECT("0a 47 02 00 " STATUS, "00 01");
}

static void test_answers_wait_for_the_disk(void **state)
{
    (void)state;
    fake_sel.waits = true;
    EXPECT("0a 44 " RECORD, FAKE_BMC_WAITS);
    uint32_t request = fake_bmc_request(&fake_bmc);
    EXPECT("0a 43 00 00 00 00 00 ff", "cb");
    EXPECT("0a 40", "00 51 00 00 fe ff " NEVER " " NEVER " 0b");
    fake_sel_finish(0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, request), "00 01 00");
    EXPECT("0a 43 00 00 00 00 00 ff", "00 ff ff 01 00 02 " STAMP " 20 00 04 01 01 01 57 60 55");
    EXPECT("0a 44 " RECORD, FAKE_BMC_WAITS);
    request = fake_bmc_request(&fake_bmc);
    fake_sel_finish(-EIO);
    assert_string_equal(fake_bmc_answer(&fake_bmc, request), "ff");
    EXPECT("0a 44 " RECORD, FAKE_BMC_WAITS);
    request = fake_bmc_request(&fake_bmc);
    fake_sel_finish(-ENOSPC);
    assert_string_equal(fake_bmc_answer(&fake_bmc, request), "c4");
}

static void test_time(void **state)
{
    (void)state;
    EXPECT("0a 48", "00 " STAMP);
    EXPECT("0a 49 10 f1 53 65", "00");
    EXPECT("0a 48", "00 10 f1 53 65");
    fake_sel.machine_time += 2;
    EXPECT("0a 48", "00 12 f1 53 65");
    EXPECT("0a 43 00 00 01 00 00 ff", "00 02 00 01 00 02 " STAMP " 20 00 04 12 4f 6f c5 00 ff");
    EXPECT("0a 43 00 00 02 00 00 ff", "00 ff ff 02 00 02 10 f1 53 65 20 00 04 12 4f 6f c5 80 ff");
    EXPECT("0a 49 ff ff ff ff", "cc");
    EXPECT("0a 48", "00 12 f1 53 65");
}

static void test_utc_offset(void **state)
{
    (void)state;
    EXPECT("0a 5c", "00 00 00");
    EXPECT("0a 5d c4 ff", "00"); /* -60 */
    EXPECT("0a 5c", "00 c4 ff");
    EXPECT("0a 5d a0 05", "00"); /* 1440 */
    EXPECT("0a 5d 60 fa", "00"); /* -1440 */
    EXPECT("0a 5d a1 05", "c9");
    EXPECT("0a 5d 5f fa", "c9");
    EXPECT("0a 5c", "00 60 fa");
    EXPECT("0a 5d ff 07", "00"); /* not known */
    EXPECT("0a 5c", "00 ff 07");
}

static void test_platform_event(void **state)
{
    (void)state;
    EXPECT("04 02 04 01 30 01 59 60 55", "00");
    EXPECT("0a 43 00 00 ff ff 00 ff", "00 ff ff 01 00 02 " STAMP " 00 10 04 01 30 01 59 60 55");
    EXPECT("04 02 03 01 30 81 59 60 55", "00"); /* of IPMI 1.0 */
    EXPECT("04 02 05 01 30 81 59 60 55", "cc");
    EXPECT("04 02 04 01 30 81 59 60", "c7");
    EXPECT("04 02 41 04 01 30 81 59 60 55", "c7"); /* the generator is not for the LAN to say */
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake_bmc.channel = CHANNEL_SYSTEM_INTERFACE;
    EXPECT("04 02 41 04 20 00 6f a1 61 62", "00");
    EXPECT("0a 43 00 00 ff ff 00 ff", "00 ff ff 03 00 02 " STAMP " 41 00 04 20 00 6f a1 61 62");
    EXPECT("04 02 04 01 30 01 59 60 55", "c7");
}

/* A full log takes a guest an hour. */
static void test_guest_events(void **state)
{
    unsigned logged = 0;

    (void)state;
    fake_bmc.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    fake_bmc.channel = CHANNEL_SYSTEM_INTERFACE;
    for (unsigned ms = 0; ms < 60000; ms += 10) {
        const char *request = ms % 20 ? "04 02 41 04 20 00 6f a1 61 62" : "0a 44 " RECORD;
        logged += strncmp(fake_bmc_talk(&fake_bmc, request), "00", 2) == 0;
        fake_bmc.requests = 0; /* no answer of before is asked for */
        memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
        fake_bmc.now_ms += 10;
    }
    assert_in_range(logged, 256, 256 + 60);
    assert_true((SEL_RECORDS_MAX - 256) >= 3600);
    fake_bmc_talk(&fake_bmc, "0a 44 " RECORD);
    EXPECT("0a 44 " RECORD, "c0");
    fake_bmc.origin = IPMI_ORIGIN_LAN_SESSION; /* others are not held up by it */
    assert_int_equal(strncmp(fake_bmc_talk(&fake_bmc, "0a 44 " RECORD), "00", 2), 0);
}

static void test_last_processed(void **state)
{
    (void)state;
    EXPECT("04 15", "00 " NEVER " ff ff 00 00 00 00");
    EXPECT("0a 44 " RECORD, "00 01 00");
    EXPECT("04 14 00 01 00", "00");
    EXPECT("04 15", "00 " STAMP " 01 00 01 00 00 00");
    EXPECT("04 14 01 01 00", "00");
    EXPECT("04 15", "00 " STAMP " 01 00 01 00 01 00");
}

static void test_auxiliary_logs(void **state)
{
    (void)state;
    EXPECT("0a 5a 00", "cc");
    EXPECT("0a 5b 00 00", "cc");
}

static void test_privileges(void **state)
{
    static const char *const changes[] = {"0a 44 " RECORD,      "0a 46 00 00 00 00",
                                          "0a 47 00 00 " CLEAR, "0a 49 00 00 00 00",
                                          "0a 5d 00 00",        "04 02 04 01 30 01 59 60 55"};

    (void)state;
    fake_bmc.privilege = PRIVILEGE_USER;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        EXPECT(changes[i], "d4");
    EXPECT("04 15", "d4");
    EXPECT("0a 48", "00 " STAMP);
    EXPECT("0a 5c", "00 00 00");
}

static void test_without_a_log(void **state)
{
    static const char add[] = "0a 44 " RECORD, clear[] = "0a 47 00 00 " CLEAR;
    static const char *const requests[] = {
        "0a 40",
        "0a 41",
        "0a 42",
        "0a 43 00 00 00 00 00 ff",
        add,
        "0a 46 00 00 00 00",
        clear,
        "0a 48",
        "0a 49 00 00 00 00",
        "0a 5a 00",
        "0a 5c",
        "0a 5d 00 00",
        "04 02 04 01 30 01 59 60 55",
        "04 14 00 00 00",
        "04 15",
    };

    (void)state;
    fake_bmc.bmc.sel = NULL;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        EXPECT(requests[i], "c1");
    fake_bmc.bmc.sel = fake_sel.sel;
}

static void hex_with_spaces(const char *hex, char *text)
{
    for (; *hex; hex += 2, text += 3)
        snprintf(text, 4, "%.2s%s", hex, hex[2] ? " " : "");
}

/* The records that the clients are known to understand: all comes back but the id and the time. */
static void test_vectors(void **state)
{
    struct json_object *vectors = vectors_load();
    size_t count = vectors_count(vectors, "/sel_records/cases");

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct json_object *entry = vectors_item(vectors, "/sel_records/cases", i);
        const char *hex = vectors_text(entry, "/record");
        char record[3 * SEL_RECORD_SIZE], request[128], answer[128];
        hex_with_spaces(hex, record);
        fake_sel.machine_time = FAKE_SEL_TIME + 60 * (int64_t)i; /* as they are stamped */
        snprintf(request, sizeof request, "0a 44 %s", record);
        snprintf(answer, sizeof answer, "00 %02x 00", (unsigned)i + 1);
        EXPECT(request, answer);
        snprintf(answer, sizeof answer, "00 ff ff %s", record);
        EXPECT("0a 43 00 00 ff ff 00 ff", answer);
    }
    assert_int_equal(sel_count(fake_sel.sel), 6);
    json_object_put(vectors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_sel_setup, fake_sel_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_info),
        TEST(test_overflow),
        TEST(test_get),
        TEST(test_delete),
        TEST(test_delete_twice_at_once),
        TEST(test_clear),
        TEST(test_answers_wait_for_the_disk),
        TEST(test_time),
        TEST(test_utc_offset),
        TEST(test_platform_event),
        TEST(test_last_processed),
        TEST(test_guest_events),
        TEST(test_auxiliary_logs),
        TEST(test_privileges),
        TEST(test_without_a_log),
        TEST(test_vectors),
    };

    return cmocka_run_group_tests_name("sel_commands", tests, NULL, NULL);
}
