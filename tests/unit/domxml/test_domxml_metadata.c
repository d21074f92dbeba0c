/* The element of ours in a domain's metadata: what is read of it, however it is written, and its
 * tags changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/domxml/metadata.h"
#include "vbmc/host/metadata.h"

#define NAMESPACE " xmlns:vbmc='urn:vbmc:1.0'"
#define LIST_SIZE 8192

/* "rack=7;role=db" */
static void list_tags(const char *text, char list[LIST_SIZE])
{
    struct host_metadata *metadata;
    size_t used = 0;

    list[0] = '\0';
    assert_int_equal(domxml_parse_metadata(text, &metadata), 0);
    for (size_t i = 0; i < metadata->tag_count; i++)
        used += (size_t)snprintf(list + used, LIST_SIZE - used, "%s%s=%s", i ? ";" : "",
                                 metadata->tags[i].key, metadata->tags[i].value);
    host_metadata_free(metadata);
}

static void test_read(void **state)
{
    static const struct {
        const char *text, *tags;
    } cases[] = {
        {"<bmc/>", ""},
        {"<x/>", ""},
        {"no XML", ""},
        {"", ""},
        {"<bmc><tag key='rack' value='7'/></bmc>", "rack=7"},
        {"<bmc><tag key='b' value='2'/><other/><tag key='a' value='1'/></bmc>", "a=1;b=2"},
        {"<vbmc:bmc" NAMESPACE "><vbmc:tag key='rack' value='7'/></vbmc:bmc>", "rack=7"},
        {"<bmc xmlns='urn:vbmc:1.0'><tag key='rack' value='7'/></bmc>", "rack=7"},
        {"<bmc><tag key='rack'/></bmc>", "rack="},
        {"<bmc><tag value='7'/><tag/></bmc>", ""},
        {"<bmc><tag key='rack' value='7'/><tag key='rack' value='8'/></bmc>", "rack=8"},
        {"<bmc><tag key='no blanks' value='7'/><tag key='-x' value='7'/></bmc>", ""},
        {"<bmc><tag key='x' value='a&#27;b'/></bmc>", ""},
        {"<bmc><tag key='x' value='a&#10;b'/></bmc>", ""},
        {"<bmc><tag key='x' value='&lt;&#228;&gt;'/></bmc>", "x=<\xc3\xa4>"},
        {"<!DOCTYPE bmc [<!ENTITY e 'x'>]><bmc><tag key='a' value='&e;'/></bmc>", ""},
        {"<bmc><a><tag key='x' value='1'/></a></bmc>", ""},
    };
    char list[LIST_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        list_tags(cases[i].text, list);
        assert_string_equal(list, cases[i].tags);
    }
}

static void change(const char *text, const struct host_tag *changes, size_t count,
                   const char *expected)
{
    CLEANUP_FREE char *edited = NULL;

    assert_int_equal(domxml_change_tags(text, changes, count, &edited), 0);
    assert_string_equal(edited, expected);
}

static void test_settings(void **state)
{
    struct host_metadata *metadata;

    (void)state;
    assert_int_equal(
        domxml_parse_metadata("<v:bmc xmlns:v='urn:vbmc:1.0' port='7001' address='::1' "
                              "bad='&#10;'><v:tag key='a' value='b'/></v:bmc>",
                              &metadata),
        0);
    assert_int_equal(metadata->setting_count, 2);
    assert_string_equal(metadata->settings[0].key, "address");
    assert_string_equal(metadata->settings[0].value, "::1");
    assert_string_equal(metadata->settings[1].key, "port");
    assert_string_equal(metadata->settings[1].value, "7001");
    assert_int_equal(metadata->tag_count, 1);
    host_metadata_free(metadata);
}

#define SET(key, value)                                                                            \
    {                                                                                              \
        (char *)(key), (char *)(value)                                                             \
    }

static void test_change(void **state)
{
    const struct host_tag rack[] = {SET("rack", "7")}, odd[] = {SET("x", "<\"&'>")};
    const struct host_tag both[] = {SET("rack", NULL), SET("role", "db")};

    (void)state;
    change(NULL, rack, 1, "<bmc><tag key=\"rack\" value=\"7\"/></bmc>");
    change("<bmc/>", rack, 1, "<bmc><tag key=\"rack\" value=\"7\"/></bmc>");
    change("<bmc><tag key='rack' value='6'/></bmc>", rack, 1,
           "<bmc><tag key=\"rack\" value=\"7\"/></bmc>");
    change("<bmc/>", odd, 1, "<bmc><tag key=\"x\" value=\"&lt;&quot;&amp;'&gt;\"/></bmc>");
    /* What else stands there stays; one that stands there twice goes. */
    change("<y port='1'>\n <tag key='rack' value='6'/>\n <z a='b'/><tag key='rack'/>\n</y>", both,
           2, "<y port=\"1\"><z a=\"b\"/><tag key=\"role\" value=\"db\"/></y>");
    change("<bmc/>", both, 1, "<bmc/>");
    change("<v:bmc xmlns:v=\"urn:vbmc:1.0\"/>", rack, 1,
           "<v:bmc xmlns:v=\"urn:vbmc:1.0\"><v:tag key=\"rack\" value=\"7\"/></v:bmc>");
}

static void test_limits(void **state)
{
    CLEANUP_FREE char *long_text = malloc(DOMXML_METADATA_MAX + 100), *edited = NULL;
    const struct host_tag one[] = {SET("one-more", "")};
    char list[LIST_SIZE];
    size_t used = 5;

    (void)state;
    memcpy(long_text, "<bmc>", 6);
    for (int i = 0; i < HOST_TAGS_MAX; i++)
        used += (size_t)sprintf(long_text + used, "<tag key='k%02d' value='%d'/>", i, i);
    strcpy(long_text + used, "</bmc>");
    list_tags(long_text, list);
    assert_non_null(strstr(list, "k63=63"));
    assert_int_equal(domxml_change_tags(long_text, one, 1, &edited), -ERANGE);
    assert_null(edited);
    strcpy(long_text + used, "<tag key='k64' value=''/></bmc>");
    list_tags(long_text, list);
    assert_null(strstr(list, "k64"));

    memset(long_text, ' ', DOMXML_METADATA_MAX);
    memcpy(long_text, "<bmc>", 5);
    strcpy(long_text + DOMXML_METADATA_MAX - 4, "<tag key='a' value='b'/></bmc>");
    list_tags(long_text, list);
    assert_string_equal(list, "");
    assert_int_equal(domxml_change_tags(long_text, one, 1, &edited), -EINVAL);
    assert_int_equal(domxml_change_tags("no XML", one, 1, &edited), -EINVAL);
    assert_null(edited);
}

static void test_words(void **state)
{
    char text[300];

    (void)state;
    assert_null(host_tag_key_problem("Rack_7.a/b-c"));
    assert_non_null(host_tag_key_problem(""));
    assert_non_null(host_tag_key_problem(".a"));
    assert_non_null(host_tag_key_problem("a=b"));
    assert_non_null(host_tag_key_problem("\xc3\xa4"));
    memset(text, 'a', sizeof text);
    text[63] = '\0';
    assert_null(host_tag_key_problem(text));
    text[63] = 'a';
    text[64] = '\0';
    assert_non_null(host_tag_key_problem(text));
    text[64] = 'a';
    text[255] = '\0';
    assert_null(host_tag_value_problem(text));
    text[255] = 'a';
    text[256] = '\0';
    assert_non_null(host_tag_value_problem(text));
    assert_null(host_tag_value_problem(""));
    assert_null(host_tag_value_problem("two words=1"));
    assert_non_null(host_tag_value_problem("a\nb"));
    assert_non_null(host_tag_value_problem("\xff"));
}

static void test_same(void **state)
{
    struct host_metadata *one, *same, *other;

    (void)state;
    assert_int_equal(domxml_parse_metadata("<a/>", &one), 0);
    assert_int_equal(domxml_parse_metadata("<a/>", &same), 0);
    assert_int_equal(domxml_parse_metadata("<b/>", &other), 0);
    assert_true(host_metadata_is_same(NULL, NULL));
    assert_true(host_metadata_is_same(one, same));
    assert_false(host_metadata_is_same(one, other));
    assert_false(host_metadata_is_same(one, NULL));
    assert_false(host_metadata_is_same(NULL, one));
    host_metadata_free(one);
    host_metadata_free(same);
    host_metadata_free(other);
    host_metadata_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_change),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_words),
        cmocka_unit_test(test_same),   cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
