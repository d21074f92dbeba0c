/* Commands of Platform Event Filtering, byte by byte (IPMI 2.0, chapter 30). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/pef_parameters.h"

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

#define EXPECT(request, answer) assert_string_equal(talk(request), answer)

#define GET(parameter) "04 13 " parameter
#define SET(parameter) "04 12 " parameter

/* Filter 1 as it comes, behind its configuration byte; and one of software's. */
#define FILTER_1   "01 01 10 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"
#define FILTER_OWN "2f 73 20 20 00 04 30 6f 01 80 ff 01 02 ff 03 04 ff 05 06"
#define GUID       "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
#define NO_GUID    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define BLOCK      "61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70"
#define NO_BLOCK   NO_GUID

static void test_capabilities(void **state)
{
    (void)state;
    EXPECT("04 10", "00 51 2f 20");
    EXPECT("04 10 00", "c7");
}

static void test_defaults(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {GET("00 00 00"), "00 11 00"},
        {GET("01 00 00"), "00 11 02"},
        {GET("02 00 00"), "00 11 2f"},
        {GET("03 00 00"), "00 11 3c"},
        {GET("04 00 00"), "00 11 3c"},
        {GET("05 00 00"), "00 11 20"},
        {GET("06 01 00"), "00 11 01 c0 " FILTER_1},
        {GET("06 20 00"), "00 11 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
        {GET("07 08 00"), "00 11 08 c0"},
        {GET("07 09 00"), "00 11 09 00"},
        {GET("08 00 00"), "00 11 10"},
        {GET("09 01 00"), "00 11 01 10 11 00"},
        {GET("09 0f 00"), "00 11 0f 10 1f 00"},
        {GET("0a 00 00"), "00 11 00 " NO_GUID},
        {GET("0b 00 00"), "00 11 10"},
        {GET("0c 00 00"), "00 11 00 00 00"},
        {GET("0c 10 00"), "00 11 10 00 00"},
        {GET("0d 10 04"), "00 11 10 04 " NO_BLOCK},
        {GET("81 00 00"), "00 11"}, /* the revision alone */
        {GET("86 00 00"), "00 11"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        EXPECT(cases[i].request, cases[i].answer);
}

static void test_set(void **state)
{
    static const struct {
        const char *set, *get, *answer;
    } cases[] = {
        {SET("01 0f"), GET("01 00 00"), "00 11 0f"},
        {SET("02 21"), GET("02 00 00"), "00 11 21"},
        {SET("03 00"), GET("03 00 00"), "00 11 00"},
        {SET("04 ff"), GET("04 00 00"), "00 11 ff"},
        {SET("06 01 80 " FILTER_OWN), GET("06 01 00"), "00 11 01 80 " FILTER_OWN},
        {SET("06 20 c0 " FILTER_OWN), GET("06 20 00"), "00 11 20 c0 " FILTER_OWN},
        {SET("07 01 00"), GET("06 01 00"), "00 11 01 00 " FILTER_OWN},
        {SET("07 02 00"), GET("07 02 00"), "00 11 02 40"}, /* it stays the factory's */
        {SET("07 02 80"), GET("07 02 00"), "00 11 02 c0"},
        {SET("09 10 fc ff ff"), GET("09 10 00"), "00 11 10 fc ff ff"},
        {SET("0a 01 " GUID), GET("0a 00 00"), "00 11 01 " GUID},
        {SET("0c 10 20 7f"), GET("0c 10 00"), "00 11 10 20 7f"},
        {SET("0c 00 01 02"), GET("0c 00 00"), "00 11 00 01 02"},
        {SET("0d 10 04 " BLOCK), GET("0d 10 04"), "00 11 10 04 " BLOCK},
        {SET("0d 10 04 61"), GET("0d 10 04"),
         "00 11 10 04 61 00 00 00 00 00 00 00 00 00 00 00 "
         "00 00 00 00"},
        {SET("0d 00 01 " BLOCK), GET("0d 00 01"), "00 11 00 01 " BLOCK},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        EXPECT(cases[i].set, "00");
        EXPECT(cases[i].get, cases[i].answer);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        /* There is no such parameter; read-only. */
        {GET("0e 00 00"), "80"},
        {GET("60 00 00"), "80"},
        {GET("ff 00 00"), "80"},
        {SET("0e 00"), "80"},
        {SET("05 20"), "82"},
        {SET("08 10"), "82"},
        {SET("0b 10"), "82"},
        /* Lengths. */
        {"04 13 01 00", "c7"},
        {"04 13 01 00 00 00", "c7"},
        {"04 12", "c7"},
        {SET("01"), "c7"},
        {SET("01 00 00"), "c7"},
        {SET("06 01 80 2f 73 20 20 00 04 30 6f 01 80 ff 01 02 ff 03 04 ff 05"), "c7"},
        {SET("06 01 80 " FILTER_OWN " 00"), "c7"},
        {SET("07 01"), "c7"},
        {SET("09 01 10 11"), "c7"},
        {SET("0a 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e"), "c7"},
        {SET("0c 01 01"), "c7"},
        {SET("0d 01 01"), "c7"},
        {SET("0d 01 01 " BLOCK " 00"), "c7"},
        /* Selectors. */
        {GET("06 00 00"), "c9"},
        {GET("06 21 00"), "c9"},
        {GET("06 81 00"), "cc"},
        {GET("07 21 00"), "c9"},
        {GET("09 11 00"), "c9"},
        {GET("0c 11 00"), "c9"},
        {GET("0d 01 00"), "c9"},
        {GET("0d 01 05"), "c9"},
        {GET("0d 11 01"), "c9"},
        {SET("06 00 80 " FILTER_OWN), "c9"},
        {SET("06 21 80 " FILTER_OWN), "c9"},
        {SET("06 81 80 " FILTER_OWN), "cc"},
        {SET("07 00 80"), "c9"},
        {SET("09 00 10 11 00"), "c9"},
        {SET("09 11 10 11 00"), "c9"},
        {SET("0c 11 01 01"), "c9"},
        {SET("0c 01 21 01"), "c9"},
        {SET("0d 01 00 61"), "c9"},
        {SET("0d 01 05 61"), "c9"},
        /* Reserved bits and values. */
        {SET("81 00"), "cc"},
        {SET("00 03"), "cc"},
        {SET("00 04"), "cc"},
        {SET("00 02"), "80"}, /* a commit, where nothing can be taken back */
        {SET("01 10"), "cc"},
        {SET("02 10"), "cc"}, /* there is no OEM action */
        {SET("02 40"), "cc"},
        {SET("06 01 a0 " FILTER_OWN), "cc"},
        {SET("06 01 81 " FILTER_OWN), "cc"},
        {SET("06 01 80 10 01 10 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"), "cc"},
        {SET("06 01 80 40 01 10 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"), "cc"},
        {SET("06 01 80 01 81 10 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"), "cc"},
        {SET("06 01 80 01 01 03 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"), "cc"},
        {SET("06 01 80 01 01 40 ff ff 01 ff 01 00 0a 00 00 00 00 00 00 00 00 00"), "cc"},
        {SET("07 01 81"), "cc"},
        {SET("09 01 15 11 00"), "cc"},
        {SET("0a 02 " GUID), "cc"},
        {SET("0c 01 80 00"), "cc"},
        {SET("0c 01 00 80"), "cc"},
        /* Last processed event. */
        {"04 14 02 01 00", "cc"},
        {"04 14 00 01", "c7"},
        {"04 15 00", "c7"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake_bmc.requests = fake_bmc.reply_count[1] = 0; /* room for the answer */
        const char *answer = talk(cases[i].request);
        if (strcmp(answer, cases[i].answer) != 0)
            fail_msg("%s: %s, not %s", cases[i].request, answer, cases[i].answer);
    }
    assert_int_equal(fake_bmc.changes[BMC_PART_PEF], 0);
    assert_null(fake_bmc.bmc.pef.own);
}

static void test_who_may(void **state)
{
    (void)state;
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    EXPECT(SET("01 01"), "d4");
    EXPECT("04 14 00 01 00", "d4");
    EXPECT("04 15", "d4");
    EXPECT(GET("01 00 00"), "00 11 02");
    fake_bmc.privilege = PRIVILEGE_USER;
    EXPECT(GET("01 00 00"), "d4");
    EXPECT("04 10", "00 51 2f 20");
}

static void test_set_in_progress(void **state)
{
    (void)state;
    EXPECT(SET("00 01"), "00");
    EXPECT(SET("00 01"), "81");
    EXPECT(GET("00 00 00"), "00 11 01");
    EXPECT(SET("01 01"), "00");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION + 1);
    EXPECT(GET("00 00 00"), "00 11 01");
    bmc_session_ended(&fake_bmc.bmc, FAKE_BMC_SESSION);
    EXPECT(GET("00 00 00"), "00 11 00");
    EXPECT(SET("00 01"), "00");
    EXPECT(SET("00 00"), "00");
    EXPECT(GET("01 00 00"), "00 11 01");
    assert_int_equal(fake_bmc.changes[BMC_PART_PEF], 1);
}

/* Answered when it is on disk, also what is there already: another client may have written it that
 * is not answered yet. String 0 needs no disk. */
static void test_stored(void **state)
{
    (void)state;
    fake_bmc.saves_wait = true;
    EXPECT(SET("01 01"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00");
    EXPECT(SET("01 01"), FAKE_BMC_WAITS);
    fake_bmc_finish_save(&fake_bmc, 0);
    assert_string_equal(fake_bmc_answer(&fake_bmc, fake_bmc_request(&fake_bmc)), "00");
    EXPECT(SET("0d 00 01 61"), "00");
    EXPECT(SET("0c 00 01 01"), "00");
    assert_int_equal(fake_bmc.changes[BMC_PART_PEF], 2);
    fake_bmc.saves_wait = false;
    fake_bmc.save_result = -ENOSPC;
    EXPECT(SET("01 03"), "c4");
    fake_bmc.save_result = -EIO;
    EXPECT(SET("01 00"), "ff");
}

static void test_last_processed(void **state)
{
    (void)state;
    EXPECT("04 15", "00 ff ff ff ff ff ff 00 00 00 00");
    uint16_t id = fake_sel_add(1);
    assert_int_equal(id, 1);
    EXPECT("04 14 00 01 00", "00");
    EXPECT("04 14 01 02 00", "00");
    EXPECT("04 15", "00 00 f1 53 65 01 00 01 00 02 00");
    fake_sel.waits = true;
    struct fake_sel_answer answer;
    const struct bmc_ticket ticket = fake_sel_ticket(&answer);
    sel_clear(fake_sel.sel, &ticket);
    EXPECT("04 14 00 01 00", "81");
    EXPECT("04 15", "81");
    fake_sel_finish(0);
    EXPECT("04 15", "00 00 f1 53 65 02 00 01 00 02 00");
}

static void test_without_log(void **state)
{
    (void)state;
    fake_bmc.bmc.sel = NULL;
    EXPECT("04 14 00 01 00", "c1");
    EXPECT("04 15", "c1");
    EXPECT("04 10", "00 51 2f 20");
    fake_bmc.bmc.sel = fake_sel.sel;
}

static int setup(void **state)
{
    return fake_bmc_setup(state) || fake_sel_setup(state);
}

static int teardown(void **state)
{
    return fake_sel_teardown(state) || fake_bmc_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_capabilities), TEST(test_defaults),       TEST(test_set),
        TEST(test_refused),      TEST(test_who_may),        TEST(test_set_in_progress),
        TEST(test_stored),       TEST(test_last_processed), TEST(test_without_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
