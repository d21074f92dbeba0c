/* Which word was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"

static const char *const names[] = {"on", "off", "cycle", "reset", "status"};
static const struct nearest_synonym synonyms[] = {{"restart", "reset"}, {NULL, NULL}};

static void test_words(void **state)
{
    static const struct {
        const char *word;
        const char *meant;
    } cases[] = {
        {"rset", "reset"},
        {"resett", "reset"},
        {"sttaus", "status"},
        {"restart", "reset"},
        {"offf", "off"},
        {"onn", "on"},
        {"x", NULL},
        {"", NULL},
        {"ab", NULL},
        {"frobnicate", NULL},
        {"cylce", "cycle"},
        {"on", "on"},
        {"a word that is longer than any there is, by far", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *meant = nearest_name(cases[i].word, names, ARRAY_SIZE(names), synonyms);
        if (cases[i].meant)
            assert_string_equal(meant, cases[i].meant);
        else
            assert_null(meant);
    }
    assert_null(nearest_name("restart", names, ARRAY_SIZE(names), NULL));
}

/* The first of several that are as near. */
static void test_first(void **state)
{
    struct nearest nearest = nearest_begin("lisst");

    (void)state;
    nearest_offer(&nearest, "last");
    assert_string_equal(nearest.found, "last");
    nearest_offer(&nearest, "list");
    assert_string_equal(nearest.found, "list");
    nearest_offer(&nearest, "liszt");
    assert_string_equal(nearest.found, "list");
    nearest_offer(&nearest, "a name that is longer than any word");
    assert_string_equal(nearest.found, "list");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
