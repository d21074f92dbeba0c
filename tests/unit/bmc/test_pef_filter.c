/* Filters of Platform Event Filtering: which events match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/pef_filter.h"

/* An upper critical threshold of sensor 30h, said by software 41h on channel 1, LUN 2. */
#define EVENT                                                                                      \
    {                                                                                              \
        1, 0, 2, 0, 0, 0, 0, 0x41, 0x12, 4, 1, 0x30, 1, 0x59, 0x60, 0x55                           \
    }
#define ANY 0x80, 1, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

static void test_matches(void **state)
{
    static const uint8_t event[SEL_RECORD_SIZE] = EVENT;
    static const struct {
        uint8_t filter[PEF_FILTER_SIZE];
        bool matches;
    } cases[] = {
        {{ANY}, true},
        {{0x40, 1, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* disabled */
        {{0x80, 1, 1, 0, 0x41, 0x12, 0x01, 0x30, 0x01, 0x00, 0x02}, true},
        {{0x80, 1, 1, 0, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* another generator */
        {{0x80, 1, 1, 0, 0xff, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff}, false}, /* another LUN */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0x02, 0xff, 0xff, 0xff, 0xff}, false}, /* another type */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0x31, 0xff, 0xff, 0xff}, false}, /* another sensor */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x6f, 0xff, 0xff}, false}, /* another trigger */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x81, 0xff, 0xff}, false}, /* of deassertions */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd}, false}, /* another offset */
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x02}, true},
        {{0x80, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00}, false},
        /* Data: exactly that, wholly and in part. */
        {{ANY, 0xff, 0xff, 0x59}, true},
        {{ANY, 0xff, 0xff, 0x58}, false},
        {{ANY, 0xf0, 0xff, 0x50}, true},
        {{ANY, 0xf0, 0xff, 0x59}, false}, /* no such bits are left */
        {{ANY, 0, 0, 0, 0xff, 0xff, 0x60}, true},
        {{ANY, 0, 0, 0, 0xff, 0xff, 0x61}, false},
        {{ANY, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x55}, true},
        {{ANY, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x54}, false},
        /* One bit at least; those that the mask has taken away are made exact. */
        {{ANY, 0, 0, 0, 0x60, 0x9f, 0x60}, true},
        {{ANY, 0, 0, 0, 0x70, 0x8f, 0x70}, true},
        {{ANY, 0, 0, 0, 0x90, 0x6f, 0x90}, false},
        {{ANY, 0, 0, 0, 0x60, 0x9f, 0x00}, false},
        /* Exact bits and one of the others. */
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0x70}, true},
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0xf0}, false},
        {{ANY, 0, 0, 0, 0xff, 0xcf, 0x50}, false},
        {{ANY, 0, 0, 0, 0, 0xff, 0}, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (pef_filter_matches(cases[i].filter, event) != cases[i].matches)
            fail_msg("case %zu", i);
}

/* Which filter has an event; 0: none. */
static unsigned filter_of(uint8_t type, uint8_t trigger, uint8_t data1)
{
    const uint8_t event[SEL_RECORD_SIZE] = {1, 0, 2,    0, 0,       0,     0,    0x20,
                                            0, 4, type, 1, trigger, data1, 0xff, 0xff};
    unsigned found = 0;

    for (unsigned n = 0; n < PEF_FILTERS; n++) {
        if (!pef_filter_matches(pef_default_settings.filters[n], event))
            continue;
        assert_int_equal(found, 0);
        found = n + 1;
    }
    return found;
}

static void test_default_filters(void **state)
{
    (void)state;
    assert_int_equal(filter_of(0x01, 0x01, 0x59), 1); /* upper critical */
    assert_int_equal(filter_of(0x01, 0x01, 0x5b), 1); /* non-recoverable */
    assert_int_equal(filter_of(0x01, 0x01, 0x57), 2);
    assert_int_equal(filter_of(0x01, 0x81, 0x59), 0); /* it is over */
    assert_int_equal(filter_of(0x01, 0x01, 0x50), 0); /* too cold */
    assert_int_equal(filter_of(0x04, 0x01, 0x52), 3);
    assert_int_equal(filter_of(0x04, 0x01, 0x50), 0);
    assert_int_equal(filter_of(0x02, 0x01, 0x52), 4);
    assert_int_equal(filter_of(0x02, 0x01, 0x59), 4);
    assert_int_equal(filter_of(0x08, 0x6f, 0x00), 0); /* present */
    assert_int_equal(filter_of(0x08, 0x6f, 0x01), 5);
    assert_int_equal(filter_of(0x08, 0x6f, 0x03), 5);
    assert_int_equal(filter_of(0x08, 0x0b, 0x00), 0); /* fully redundant */
    assert_int_equal(filter_of(0x08, 0x0b, 0x01), 6);
    assert_int_equal(filter_of(0x23, 0x6f, 0xc1), 7);
    assert_int_equal(filter_of(0x23, 0x6f, 0xc8), 0); /* pre-timeout interrupt */
    assert_int_equal(filter_of(0x05, 0x6f, 0x00), 8);
    assert_int_equal(filter_of(0x05, 0xef, 0x00), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_default_filters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
