/* The asset tag of a server: the domain's, one that DCMI sets, and one that a FRU tool writes into
 * the image. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fru_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/host/host.h"

static void test_asset_tag(void **state)
{
    (void)state;
    strcpy(the_hardware.smbios.chassis_asset, "A-100");
    set_fru_hardware("web01");
    expect_asset_tag("A-100");
    assert_false(fru_asset_tag_is_set(the_fru));
    assert_int_equal(fru_set_asset_tag(the_fru, (const uint8_t *)"B-2", 3), 0);
    expect_asset_tag("B-2");
    assert_true(fru_asset_tag_is_set(the_fru));
    expect_sound_fru(0);
    expect_fru_line("0 System product asset tag=B-2");
    set_fru_hardware("web02");
    expect_asset_tag("B-2");
    expect_fru_line("0 System product asset tag=B-2");
    expect_fru_line("0 System product custom 1=web02"); /* only the tag is ours */
    assert_null(fru_written(the_fru, 0));
    /* The domain's own again: it follows the domain. */
    assert_int_equal(fru_set_asset_tag(the_fru, (const uint8_t *)"A-100", 5), 0);
    assert_false(fru_asset_tag_is_set(the_fru));
    strcpy(the_hardware.smbios.chassis_asset, "A-101");
    set_fru_hardware("web02");
    expect_asset_tag("A-101");
    assert_int_equal(fru_set_asset_tag(the_fru, NULL, 0), 0);
    expect_asset_tag("");
    assert_true(fru_asset_tag_is_set(the_fru));
    expect_no_fru_line_with("asset tag");
    expect_sound_fru(0);
    fru_reset(the_fru);
    expect_asset_tag("A-101");
    expect_fru_line("0 System product asset tag=A-101");
}

static void test_asset_tag_bounds(void **state)
{
    uint8_t tag[64];

    (void)state;
    memset(tag, 't', sizeof tag);
    set_fru_hardware("web01");
    assert_int_equal(fru_set_asset_tag(the_fru, tag, 64), -EINVAL);
    expect_asset_tag("");
    for (size_t length = 0; length <= 63; length++) {
        assert_int_equal(fru_set_asset_tag(the_fru, tag, length), 0);
        expect_sound_fru(0);
        assert_int_equal(fru_asset_tag(the_fru, tag), length);
    }
    for (size_t length = 63; length <= 63; length--) {
        assert_int_equal(fru_set_asset_tag(the_fru, tag, length), 0);
        expect_sound_fru(0);
    }
}

static void test_asset_tag_texts(void **state)
{
    static const char japanese[] = "\xe6\x97\xa5\xe6\x9c\xac";
    char longer[80];

    (void)state;
    set_fru_hardware("web01");
    assert_int_equal(fru_set_asset_tag_text(the_fru, "R\xc3\xa4"
                                                     "ck?"),
                     0);
    expect_asset_tag("R\xe4"
                     "ck?");
    expect_fru_line("0 System product asset tag=R\xc3\xa4"
                    "ck?");
    assert_int_equal(fru_set_asset_tag_text(the_fru, japanese), 0);
    expect_asset_tag("\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\xac");
    expect_fru_line("0 System product asset tag=??");
    assert_int_equal(fru_set_asset_tag_text(the_fru, "a\nb"), -EINVAL);
    assert_int_equal(fru_set_asset_tag_text(the_fru, "\xff"), -EINVAL);
    memset(longer, 'x', sizeof longer);
    longer[64] = '\0';
    assert_int_equal(fru_set_asset_tag_text(the_fru, longer), -EINVAL);
    memcpy(longer + 58, japanese, 3);
    longer[61] = '\0'; /* 61 and the mark */
    assert_int_equal(fru_set_asset_tag_text(the_fru, longer), -EINVAL);
    expect_asset_tag("\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\xac");
    /* A client may set anything. */
    assert_int_equal(fru_set_asset_tag(the_fru, (const uint8_t *)"\xef\xbb\xbf\xff\x00z", 6), 0);
    expect_fru_line("0 System product asset tag=??z");
}

/* By a FRU tool: it writes the image, and the tag follows as soon as it can be read. */
static void test_asset_tag_in_image(void **state)
{
    static const char *const tags[] = {"NEW-TAG-1", "a longer tag than before, by far", "T", ""};

    (void)state;
    strcpy(the_hardware.smbios.chassis_asset, "A-100");
    set_fru_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        uint8_t image[FRU_SERVER_SIZE];
        memcpy(image, fru_image(the_fru, 0), sizeof image);
        assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_ASSET_TAG,
                                                   (const uint8_t *)tags[i], strlen(tags[i])),
                         0);
        write_fru_in_pieces(image, sizeof image, 16);
        expect_asset_tag(tags[i]);
        assert_true(fru_asset_tag_is_set(the_fru));
        assert_null(fru_written(the_fru, 0)); /* all else is as generated */
    }
}

/* `ipmitool fru edit 0 field p 5 X` writes C1h and X: the area ends there. */
static void test_asset_tag_of_one_byte(void **state)
{
    struct fru_field field;
    uint8_t image[FRU_SERVER_SIZE];

    (void)state;
    set_fru_hardware("web01");
    assert_int_equal(fru_set_asset_tag(the_fru, (const uint8_t *)"AB", 2), 0);
    memcpy(image, fru_image(the_fru, 0), sizeof image);
    assert_int_equal(fru_product_field(image, sizeof image, FRU_PRODUCT_ASSET_TAG, &field), 0);
    size_t at = (size_t)(field.bytes - image) - 1, product = image[4] * 8U;
    size_t end = product + image[product + 1] * 8U - 1;
    image[at] = 0xc1;
    image[end] = (uint8_t)(image[end] - sum_of_bytes(image + product, end + 1 - product));
    write_fru_in_pieces(image, sizeof image, 16);
    expect_no_fru_line_with("error");
    expect_no_fru_line_with("asset tag");
    expect_asset_tag("AB"); /* nothing else was set */
    assert_int_equal(fru_set_asset_tag(the_fru, (const uint8_t *)"X", 1), 0);
    expect_asset_tag("X");
    expect_fru_line("0 System product asset tag=X");
    expect_fru_line("0 System product serial number=" FRU_FIXTURE_UUID_TEXT);
    expect_fru_line("0 System records system id=" FRU_FIXTURE_UUID_TEXT);
    expect_sound_fru(0);
}

/* By DCMI, into an image that a client wrote. */
static void test_asset_tag_into_written(void **state)
{
    uint8_t image[FRU_SERVER_SIZE], tag[FRU_ASSET_TAG_MAX];

    (void)state;
    memset(tag, 't', sizeof tag);
    set_fru_hardware("web01");
    memcpy(image, fru_image(the_fru, 0), sizeof image);
    assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_SERIAL,
                                               (const uint8_t *)"edited", 6),
                     0);
    write_fru_in_pieces(image, sizeof image, 32);
    assert_int_equal(fru_set_asset_tag(the_fru, tag, sizeof tag), 0);
    expect_sound_fru(0);
    expect_fru_line("0 System product serial number=edited");
    char line[128];
    snprintf(line, sizeof line, "0 System product asset tag=%.63s", (const char *)tag);
    expect_fru_line(line);
    /* An image with something at its very end has no room for more. */
    static const uint8_t end = 0xaa;
    assert_int_equal(fru_set_asset_tag(the_fru, NULL, 0), 0);
    assert_int_equal(fru_write(the_fru, 0, FRU_SERVER_SIZE - 1, &end, 1), 0);
    assert_int_equal(fru_set_asset_tag(the_fru, tag, sizeof tag), -ENOSPC);
    expect_asset_tag("");
    /* One without a product area keeps what it says; the tag is DCMI's alone. */
    static const uint8_t no_areas[8] = {1, 0, 0, 0, 0, 0, 0, 0xff};
    assert_int_equal(fru_write(the_fru, 0, 0, no_areas, sizeof no_areas), 0);
    assert_int_equal(fru_set_asset_tag(the_fru, tag, sizeof tag), 0);
    assert_int_equal(fru_asset_tag(the_fru, tag), 63);
    assert_memory_equal(fru_image(the_fru, 0), no_areas, sizeof no_areas);
}

/* The image has never been read since it was generated: it is kept without the zeros at its end. */
static void test_asset_tag_unread(void **state)
{
    uint8_t image[FRU_SERVER_SIZE], tag[FRU_ASSET_TAG_MAX];
    char line[128];

    (void)state;
    memset(tag, 't', sizeof tag);
    snprintf(line, sizeof line, "0 System product asset tag=%.63s", (const char *)tag);
    set_fru_hardware("web01");
    assert_int_equal(fru_restore_asset_tag(the_fru, tag, sizeof tag), 0);
    expect_fru_line(line);
    expect_sound_fru(0);
    expect_fru_line("0 System records system id=" FRU_FIXTURE_UUID_TEXT);
    memcpy(image, fru_image(the_fru, 0), sizeof image);

    fru_reset(the_fru);
    strcpy(the_hardware.smbios.chassis_asset, "a tag of the domain, which is longer than none");
    set_fru_hardware("web01");
    fru_reset(the_fru);
    expect_asset_tag("a tag of the domain, which is longer than none");
    expect_sound_fru(0);
    expect_fru_line("0 System records system id=" FRU_FIXTURE_UUID_TEXT);

    the_hardware.smbios.chassis_asset[0] = '\0';
    set_fru_hardware("web01");
    assert_int_equal(fru_restore_image(the_fru, 0, image, sizeof image), 0);
    assert_int_equal(fru_write(the_fru, 0, 0, image, 1), 0);
    expect_fru_line(line);
    assert_null(fru_written(the_fru, 0)); /* it is what would be generated */
    assert_memory_equal(fru_image(the_fru, 0), image, sizeof image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asset_tag, fru_fixture_setup, fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_bounds, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_texts, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_in_image, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_of_one_byte, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_into_written, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_unread, fru_fixture_setup,
                                        fru_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
