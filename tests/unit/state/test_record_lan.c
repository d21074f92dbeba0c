/* Channel access, LAN configuration and lock-outs, as they are stored. */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/state/record.h"

static const char *talk(const char *request)
{
    return fake_bmc_talk(&fake_bmc, request);
}

static int decode(const char *text)
{
    CLEANUP_JSON struct json_object *record = json_tokener_parse(text);

    return record_lan.decode(&fake_bmc.bmc, record);
}

/* The daemon starts again with what is stored. */
static void restart(void)
{
    CLEANUP_JSON struct json_object *record = record_lan.encode(&fake_bmc.bmc);

    assert_non_null(record);
    fake_bmc_clear(&fake_bmc);
    fake_bmc_init(&fake_bmc, HOST_POWER_RUNNING);
    assert_int_equal(record_lan.decode(&fake_bmc.bmc, record), 0);
}

static void test_comes_back(void **state)
{
    static const char *const writes[] = {
        "0c 01 01 07 20 40 10",
        "0c 01 01 10 61 62 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "0c 01 01 12 01 80 05 03",
        "0c 01 01 12 0f 07 06 01",
        "0c 01 01 13 01 00 00 c0 00 02 63 00 00 00 00 00 00",
        "0c 01 01 13 0f 10 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01",
        "0c 01 01 15 03",
        "0c 01 01 18 00 00 30 00 00 00 00 00 00",
        "0c 01 01 19 01 10 64 00",
        "0c 01 01 1a 01 01 06 00 00 00",
        "06 40 01 62 43",
        "06 56 01 01 01 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74",
    };
    static const struct {
        const char *request, *answer;
    } reads[] = {
        {"0c 02 01 07 00 00", "00 11 20 40 10"},
        {"0c 02 01 10 00 00", "00 11 61 62 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
        {"0c 02 01 12 01 00", "00 11 01 80 05 03"},
        {"0c 02 01 12 0f 00", "00 11 0f 07 06 01"},
        {"0c 02 01 13 01 00", "00 11 01 00 00 c0 00 02 63 00 00 00 00 00 00"},
        {"0c 02 01 13 0f 00", "00 11 0f 10 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"},
        {"0c 02 01 15 00 00", "00 11 03"},
        {"0c 02 01 18 00 00", "00 11 00 00 30 00 00 00 00 00 00"},
        {"0c 02 01 19 01 00", "00 11 01 10 64 00"},
        {"0c 02 01 1a 00 00", "00 11 01 01 06 00 00 00"},
        {"06 41 01 40", "00 22 03"},
        {"06 41 01 80", "00 22 03"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
        assert_memory_equal(talk(writes[i]), "00", 2);
    talk("0c 01 01 12 00 80 05 03"); /* volatile */
    talk("06 40 01 81 82");          /* the same */
    bmc_note_login(&fake_bmc.bmc, 5, false);
    bmc_note_login(&fake_bmc.bmc, 15, false);
    restart();
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
        assert_string_equal(talk(reads[i].request), reads[i].answer);
    assert_string_equal(talk("0c 02 01 12 00 00"), "00 11 00 00 00 00");
    assert_int_equal(lockout_without_end(&fake_bmc.bmc.lockout), 1u << 5 | 1u << 15);
    assert_int_equal(fake_bmc.bmc.channel.limit, PRIVILEGE_OPERATOR);
    assert_true(fake_bmc.bmc.channel.has_kg);
    assert_memory_equal(fake_bmc.bmc.channel.kg, "abcdefghijklmnopqrst", CHANNEL_KG_SIZE);
    assert_int_equal(fake_bmc.save_count, 0);
}

/* Another configured limit than the one that a client's replaced wins. */
static void test_configured_limit(void **state)
{
    struct channel channel;

    (void)state;
    talk("06 40 01 00 43");
    restart();
    channel_set_defaults(&channel);
    channel.limit = PRIVILEGE_USER;
    lan_configure(&fake_bmc.bmc.lan, &channel, false);
    assert_string_equal(talk("06 41 01 40"), "00 02 02");
}

/* What the configuration has overtaken while the daemon was down is not stored again, or it would
 * be back with the value that it replaced. */
static void test_overtaken(void **state)
{
    struct channel channel;

    (void)state;
    talk("06 40 01 00 43");
    talk("06 56 01 01 01 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74");
    CLEANUP_JSON struct json_object *record = record_lan.encode(&fake_bmc.bmc);
    fake_bmc_clear(&fake_bmc);
    fake_bmc_init(&fake_bmc, HOST_POWER_RUNNING);
    channel_set_defaults(&channel);
    channel.limit = PRIVILEGE_USER;
    lan_configure(&fake_bmc.bmc.lan, &channel, false);
    assert_int_equal(record_lan.decode(&fake_bmc.bmc, record), 1);
    CLEANUP_JSON struct json_object *after = record_lan.encode(&fake_bmc.bmc);
    channel.limit = PRIVILEGE_ADMINISTRATOR;
    lan_configure(&fake_bmc.bmc.lan, &channel, false);
    assert_string_equal(talk("06 41 01 40"), "00 02 04");
    assert_int_equal(record_lan.decode(&fake_bmc.bmc, after), 0);
    assert_string_equal(talk("06 41 01 40"), "00 02 04");
    assert_true(fake_bmc.bmc.channel.has_kg);
    channel.kg = (const uint8_t[CHANNEL_KG_SIZE]){
        1}; /* another key than the one that the client's replaced */
    lan_configure(&fake_bmc.bmc.lan, &channel, false);
    assert_int_equal(record_lan.decode(&fake_bmc.bmc, after), 1);
    assert_int_equal(fake_bmc.bmc.channel.kg[0], 1);
}

static void test_nothing_stored(void **state)
{
    (void)state;
    talk("0c 01 01 0b 07");
    talk("06 40 01 62 43");
    assert_int_equal(record_lan.decode(&fake_bmc.bmc, NULL), 0);
    assert_string_equal(talk("0c 02 01 0b 00 00"), "00 11 03");
    assert_string_equal(talk("06 41 01 40"), "00 02 04");
    assert_string_equal(talk("06 41 01 80"), "00 02 04"); /* as it was */
}

static void test_damage(void **state)
{
    static const char *const texts[] = {
        "{\"access\": {}}",
        "{\"access\": {\"mode\": 4}}",
        "{\"access\": {\"mode\": 2, \"limit\": 4}}",
        "{\"access\": {\"mode\": 2, \"limit\": 0, \"limit-over\": 4}}",
        "{\"key\": {}}",
        "{\"key\": {\"kg\": \"00\", \"replaced\": \"00\"}}",
        "{\"parameters\": []}",
        "{\"parameters\": {\"11\": 7}}",
        "{\"parameters\": {\"11\": \"0707\"}}",
        "{\"parameters\": {\"10\": \"04\"}}",
        "{\"parameters\": {\"9\": \"04\"}}",
        "{\"parameters\": {\"0\": \"00\"}}",
        "{\"parameters\": {\"1\": \"00\"}}",
        "{\"parameters\": {\"\": \"04\"}}",
        "{\"parameters\": {\"300\": \"04\"}}",
        "{\"parameters\": {\"18\": \"000000\"}}",
        "{\"locked-out\": [1]}",
        "{\"locked-out\": [16]}",
        "{\"locked-out\": 2}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (decode(texts[i]) >= 0)
            fail_msg("%s", texts[i]);
    }
    /* The rest holds. */
    assert_true(decode("{\"parameters\": {\"9\": \"04\", \"11\": \"07\"}, \"locked-out\": [2]}") <
                0);
    assert_string_equal(talk("0c 02 01 0b 00 00"), "00 11 07");
    assert_true(lockout_is_locked(&fake_bmc.bmc.lockout, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_back, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_configured_limit, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_overtaken, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_stored, fake_bmc_setup, fake_bmc_teardown),
        cmocka_unit_test_setup_teardown(test_damage, fake_bmc_setup, fake_bmc_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
