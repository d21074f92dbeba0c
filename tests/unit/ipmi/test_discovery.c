/* Which commands there are, byte by byte and against the tables (IPMI 2.0, chapter 21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/ipmi/command.h"

#define EXPECT(request, answer) assert_string_equal(fake_bmc_talk(&fake_bmc, request), answer)

#define NONE  "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define WHOLE "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff"

/* The data of an answer, behind the completion code, which is 00. */
static void ask(const char *request, uint8_t *data, size_t size)
{
    const char *answer = fake_bmc_talk(&fake_bmc, request);

    assert_int_equal(strlen(answer), 2 + 3 * size);
    assert_memory_equal(answer, "00", 2);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)strtoul(answer + 3 + 3 * i, NULL, 16);
}

static bool is_in_tables(unsigned netfn, unsigned number, bool by_lan)
{
    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < ipmi_commands.tables[t]->count; i++) {
            const struct command *row = &ipmi_commands.tables[t]->rows[i];
            if (row->netfn == netfn && row->number == number)
                return !by_lan || row->privilege != COMMAND_FOR_SYSTEM;
        }
    }
    return false;
}

static void test_netfns(void **state)
{
    uint8_t data[17];

    (void)state;
    ask("06 09 0e", data, sizeof data);
    assert_int_equal(data[0], 0x01);
    for (unsigned pair = 0; pair < 32; pair++) {
        bool is_there = false;
        for (unsigned number = 0; number < 256; number++)
            is_there |= is_in_tables(2 * pair, number, false);
        assert_int_equal(data[1 + pair / 8] >> pair % 8 & 1, is_there);
    }
    for (size_t i = 5; i < sizeof data; i++)
        assert_int_equal(data[i], 0);
}

/* Every command of every NetFn, of both channels. */
static void test_commands(void **state)
{
    (void)state;
    for (unsigned netfn = 0; netfn < 0x40; netfn += 2) {
        for (unsigned half = 0; half < 2; half++) {
            for (unsigned channel = 0; channel < 2; channel++) {
                uint8_t support[16], enables[16];
                char request[32];
                fake_bmc.requests = 0;
                memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
                snprintf(request, sizeof request, "06 0a %02x %02x 00", channel ? 0x0f : 0x01,
                         half << 6 | netfn);
                ask(request, support, sizeof support);
                request[3] = '6', request[4] = '1';
                ask(request, enables, sizeof enables);
                for (unsigned i = 0; i < 128; i++) {
                    bool is_there = is_in_tables(netfn, half << 7 | i, channel == 0);
                    assert_int_equal(support[i / 8] >> i % 8 & 1, !is_there);
                    assert_int_equal(enables[i / 8] >> i % 8 & 1, is_there);
                }
                request[3] = '0', request[4] = 'c';
                EXPECT(request, "00 " NONE);
            }
        }
    }
}

static void test_scope(void **state)
{
    (void)state;
    EXPECT("06 0a 0e 06 01", "00 " WHOLE); /* the other LUNs have none */
    EXPECT("06 0a 0e 06 03", "00 " WHOLE);
    EXPECT("06 0a 0e 2c 00 00", "00 " WHOLE); /* PICMG */
    EXPECT("06 0a 0e 2e 00 57 01 00", "00 " WHOLE);
    char dcmi[FAKE_BMC_TEXT_SIZE];
    snprintf(dcmi, sizeof dcmi, "%s", fake_bmc_talk(&fake_bmc, "06 0a 0e 2c 00 dc"));
    assert_string_not_equal(dcmi, "00 " WHOLE);
    EXPECT("06 0a 0e 2c 00", dcmi);
    /* Messages for system software are the system interface's. */
    EXPECT("06 0b 01 06 00 33", "cc");
    EXPECT("06 0b 0f 06 00 33", "00 00 20 11 00 00 00 00");
}

static void test_sub_functions(void **state)
{
    (void)state;
    EXPECT("06 0b 0e 06 00 01", "00 00 20 11 00 00 00 00");
    EXPECT("06 0b 0e 06 00 ff", "cc");
    EXPECT("06 0b 0e 2c 00 01 dc", "00 00 20 11 00 00 00 00");
    EXPECT("06 0b 0e 2c 00 01 00", "cc");
    EXPECT("06 0d 0e 06 00 01", "00 00 00 00 00");
    EXPECT("06 0d 0e 06 01 01", "cc");
    EXPECT("06 63 0e 06 00 01", "00 ff ff ff ff");
    EXPECT("06 63 0e 06 00 ff", "cc");
}

/* What there is may be written, and changes nothing. */
static void test_enables(void **state)
{
    char request[256];

    (void)state;
    const char *enables = fake_bmc_talk(&fake_bmc, "06 61 0e 00 00");
    snprintf(request, sizeof request, "06 60 0e 00 00 %s", enables + 3);
    EXPECT(request, "00");
    EXPECT("06 60 0e 00 00 " NONE, "cc");
    EXPECT("06 60 0e 40 00 " NONE, "00");
    EXPECT("06 60 0e 2c 00 " NONE " 00", "00");
    EXPECT("06 60 0e 2c 00 " NONE " dc", "cc");
    EXPECT("06 62 0e 06 00 01 ff ff ff ff", "00");
    EXPECT("06 62 0e 06 00 01 ff ff ff fe", "cc");
    EXPECT("06 62 0e 06 00 ff ff ff ff ff", "cc");
    EXPECT("06 62 0e 2c 00 01 dc ff ff ff ff", "00");
    EXPECT("06 62 0e 2c 00 01 00 ff ff ff ff", "cc");
    EXPECT("06 62 0e 2c 00 01 ff ff ff ff", "00");
    fake_bmc.privilege = PRIVILEGE_OPERATOR;
    EXPECT(request, "d4");
    EXPECT("06 62 0e 06 00 01 ff ff ff ff", "d4");
}

static void test_refusals(void **state)
{
    static const char *const channels[] = {"00", "02", "09", "0c", "81", "1e"};
    static const struct {
        const char *command, *rest;
    } commands[] = {
        {"06 09 ", ""},          {"06 0a ", " 06 00"},
        {"06 0b ", " 06 00 01"}, {"06 0c ", " 06 00"},
        {"06 0d ", " 06 00 01"}, {"06 60 ", " 06 00 " NONE},
        {"06 61 ", " 06 00"},    {"06 62 ", " 06 00 01 ff ff ff ff"},
        {"06 63 ", " 06 00 01"},
    };
    static const char *const fields[] = {
        "06 0a 0e 86 00",    "06 0a 0e c6 00",    "06 0a 0e 06 04",    "06 0a 0e 06 80",
        "06 0b 0e 46 00 01", "06 0b 0e 86 00 01", "06 0b 0e 06 04 01", "06 61 0e 86 00",
    };
    static const char *const lengths[] = {
        "06 09",
        "06 09 0e 00",
        "06 0a 0e 06 00 dc",
        "06 0a 0e 2c 00 dc 00",
        "06 0a 0e 2e 00 00",
        "06 0b 0e 06 00 01 00",
        "06 62 0e 06 00 01 ff ff ff ff 00",
    };
    char request[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
        for (size_t c = 0; c < ARRAY_SIZE(commands); c++) {
            fake_bmc.requests = 0;
            memset(fake_bmc.reply_count, 0, sizeof fake_bmc.reply_count);
            snprintf(request, sizeof request, "%s%s%s", commands[c].command, channels[i],
                     commands[c].rest);
            EXPECT(request, "cc");
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        EXPECT(fields[i], "cc");
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
        EXPECT(lengths[i], "c7");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fake_bmc_setup, fake_bmc_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_netfns),        TEST(test_commands), TEST(test_scope),
        TEST(test_sub_functions), TEST(test_enables),  TEST(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
