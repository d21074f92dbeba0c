/* FRU images byte by byte, read back as a client would, and what happens to them when clients write
 * anything at all. The asset tag has a test of its own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fru_fixture.h"
#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/host/host.h"

/* ---- what is generated ---- */

static void test_server(void **state)
{
    (void)state;
    set_fru_hardware("web01");
    expect_sound_fru(0);
    assert_int_equal(fru_size(the_fru, 0), 1024);
    assert_string_equal(strtok(read_fru_fields(), "\n"), "0 System chassis type=rack mount");
    expect_fru_line("0 System chassis part number=pc-q35-7.2");
    expect_fru_line("0 System chassis serial number=" FRU_FIXTURE_UUID_TEXT);
    expect_fru_line("0 System board manufacturer=QEMU");
    expect_fru_line("0 System board product name=pc-q35-7.2");
    expect_fru_line("0 System board serial number=" FRU_FIXTURE_UUID_TEXT);
    expect_fru_line("0 System product manufacturer=QEMU");
    expect_fru_line("0 System product product name=pc-q35-7.2");
    expect_fru_line("0 System product version=QEMU 7.2.22");
    expect_fru_line("0 System product serial number=" FRU_FIXTURE_UUID_TEXT);
    expect_fru_line("0 System product custom 1=web01");
    expect_fru_line("0 System records system id=" FRU_FIXTURE_UUID_TEXT);
    expect_no_fru_line_with("manufacturing date");
    expect_no_fru_line_with("asset tag");
    expect_no_fru_line_with("error");
}

/* The UUID as SMBIOS has it (the GUID section of the specification sheet). */
static void test_system_id_record(void **state)
{
    static const uint8_t record[] = {0x03, 0x82, 0x11, 0x13, 0x57, 0x07, 0x78, 0x56,
                                     0x34, 0x12, 0xbc, 0x9a, 0xef, 0x4d, 0x81, 0x23,
                                     0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    (void)state;
    set_fru_hardware("web01");
    const uint8_t *image = fru_image(the_fru, 0);
    assert_int_equal(sum_of_bytes(image + image[5] * 8U, 5), 0);
    assert_memory_equal(image + image[5] * 8U, record, sizeof record);
}

static void test_smbios_comes_first(void **state)
{
    struct host_smbios *smbios = &the_hardware.smbios;

    (void)state;
    strcpy(smbios->system_manufacturer, "Acme");
    strcpy(smbios->system_product, "Rocket");
    strcpy(smbios->system_version, "9");
    strcpy(smbios->system_serial, "SN1");
    strcpy(smbios->system_sku, "SKU-7");
    strcpy(smbios->board_manufacturer, "Boards Ltd");
    strcpy(smbios->board_product, "Plank");
    strcpy(smbios->board_version, "rev C");
    strcpy(smbios->board_serial, "SN2");
    strcpy(smbios->chassis_serial, "SN3");
    strcpy(smbios->chassis_version, "1U");
    strcpy(smbios->chassis_asset, "A-100");
    set_fru_hardware("web01");
    expect_sound_fru(0);
    expect_fru_line("0 System chassis part number=1U");
    expect_fru_line("0 System chassis serial number=SN3");
    expect_fru_line("0 System board manufacturer=Boards Ltd");
    expect_fru_line("0 System board product name=Plank");
    expect_fru_line("0 System board serial number=SN2");
    expect_fru_line("0 System board part number=rev C");
    expect_fru_line("0 System product manufacturer=Acme");
    expect_fru_line("0 System product product name=Rocket");
    expect_fru_line("0 System product part number=SKU-7");
    expect_fru_line("0 System product version=9");
    expect_fru_line("0 System product serial number=SN1");
    expect_fru_line("0 System product asset tag=A-100");
}

/* Each of PSU and module, and its entity. */
static void test_devices(void **state)
{
    static const struct fru_device expected[] = {
        {0, "System", 7, 1},   {1, "PSU1", 0x0a, 1},  {2, "PSU2", 0x0a, 2},
        {7, "DIMM1", 0x20, 1}, {8, "DIMM2", 0x20, 2},
    };
    struct fru_device device;
    unsigned id = 0;

    (void)state;
    the_hardware.dimms = 2;
    the_hardware.memory_kib = 20 * 1048576;
    set_fru_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(fru_next_device(the_fru, &id, &device), 0);
        assert_int_equal(device.id, expected[i].id);
        assert_string_equal(device.name, expected[i].name);
        assert_int_equal(device.entity, expected[i].entity);
        assert_int_equal(device.entity_instance, expected[i].entity_instance);
        expect_sound_fru(device.id);
    }
    assert_int_equal(fru_next_device(the_fru, &id, &device), -ENOENT);
    expect_fru_line("1 PSU1 product product name=Power supply, 750 W");
    expect_fru_line("1 PSU1 product part number=PSU-750");
    expect_fru_line("2 PSU2 product serial number=12345678-PSU2");
    expect_fru_line("2 PSU2 records capacity=750 W");
    expect_fru_line("2 PSU2 records input voltage 1=100 to 127 V");
    expect_fru_line("2 PSU2 records input voltage 2=200 to 240 V");
    expect_fru_line("2 PSU2 records input frequency=47 to 63 Hz");
    expect_fru_line("2 PSU2 records DC output 1=12.00 V, 62.5 A at most");
    expect_fru_line("7 DIMM1 product product name=Memory module, 16 GiB");
    expect_fru_line("8 DIMM2 product product name=Memory module, 4 GiB");
    expect_fru_line("8 DIMM2 product serial number=12345678-DIMM2");
    expect_no_fru_line_with("error");
    fru_set_hardware(the_fru, "web01", &the_uuid, NULL, 0, 750);
    id = 1;
    assert_int_equal(fru_next_device(the_fru, &id, &device), -ENOENT);
    assert_int_equal(fru_size(the_fru, 1), 0);
    assert_null(fru_image(the_fru, 7));
}

/* The records of a PSU, as the specification's chapter 18 has them. */
static void test_power_records(void **state)
{
    static const uint8_t supply[] = {0xee, 0x02, 0x41, 0x03, 0x1e, 0x05, 0x10, 0x27,
                                     0x9c, 0x31, 0x20, 0x4e, 0xc0, 0x5d, 0x2f, 0x3f,
                                     0x0c, 0x0e, 0xee, 0x02, 0x00, 0x00, 0x00, 0x00};
    static const uint8_t output[] = {0x01, 0xb0, 0x04, 0x74, 0x04, 0xec, 0x04,
                                     0x78, 0x00, 0x00, 0x00, 0x24, 0xf4};

    (void)state;
    set_fru_hardware("web01");
    const uint8_t *image = fru_image(the_fru, 1), *record = image + image[5] * 8U;
    assert_true(image[5] > 0);
    assert_int_equal(record[0], 0x00);
    assert_int_equal(record[1], 0x02);
    assert_int_equal(record[2], sizeof supply);
    assert_int_equal(sum_of_bytes(record, 5), 0);
    assert_int_equal((uint8_t)(record[3] + sum_of_bytes(record + 5, sizeof supply)), 0);
    assert_memory_equal(record + 5, supply, sizeof supply);
    record += 5 + sizeof supply;
    assert_int_equal(record[0], 0x01);
    assert_int_equal(record[1], 0x82); /* the last one */
    assert_int_equal(record[2], sizeof output);
    assert_int_equal(sum_of_bytes(record, 5), 0);
    assert_memory_equal(record + 5, output, sizeof output);
    /* More amperes than the record can say, more watts than any can. */
    fru_set_hardware(the_fru, "web01", &the_uuid, &the_hardware, 2, 1200);
    expect_fru_line("1 PSU1 records capacity=1200 W");
    expect_no_fru_line_with("DC output");
    expect_no_fru_line_with("error");
    fru_set_hardware(the_fru, "web01", &the_uuid, &the_hardware, 2, 1000000);
    expect_fru_line("1 PSU1 records capacity=4095 W");
    expect_sound_fru(1);
}

static void test_hostile_names(void **state)
{
    static const struct {
        const char *name, *shown;
    } cases[] = {
        {"", NULL},
        {"x", "x"}, /* padded: C1h would end the area */
        {"R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s", "R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s"},
        {"\xe6\x97\xa5\xe6\x9c\xac", "??"}, /* not in Latin-1 */
        {"a\nb\x1b[2J\x7f", "a?b?[2J?"},    /* control characters */
        {"\xc2\x85", "?"},                  /* also of Latin-1 */
        {"\xff\xfe", "??"},                 /* no UTF-8 */
        {"\xc0\xaf/\xe0\x80\xaf", "?/?"},   /* overlong */
        {"a\xe6\x97", "a??"},               /* cut off */
        {"\xf0\x9f\x98\x80!", "?!"},        /* four bytes */
        {"\xf7\xbf\xbf\xbf", "?"},          /* beyond Unicode */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char line[256];
        set_fru_hardware(cases[i].name);
        expect_sound_fru(0);
        snprintf(line, sizeof line, "0 System product custom 1=%s", cases[i].shown);
        if (cases[i].shown)
            expect_fru_line(line);
        else
            expect_no_fru_line_with("custom");
    }
}

/* Every text as long as it can be: all is there, and nothing is pushed out. */
static void test_longest_texts(void **state)
{
    char name[301], line[128], *texts = (char *)&the_hardware.smbios;

    (void)state;
    for (size_t i = 0; i < sizeof the_hardware.smbios / HOST_TEXT_SIZE; i++)
        memset(texts + i * HOST_TEXT_SIZE, 'A' + (int)i, HOST_TEXT_SIZE - 1);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    set_fru_hardware(name);
    expect_sound_fru(0);
    snprintf(line, sizeof line, "0 System product custom 1=%.63s", name);
    expect_fru_line(line);
    snprintf(line, sizeof line, "0 System product asset tag=%.63s",
             the_hardware.smbios.chassis_asset);
    expect_fru_line(line);
    expect_no_fru_line_with("error");
    /* 63 characters of two bytes each. */
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    set_fru_hardware(name);
    expect_sound_fru(0);
    snprintf(line, sizeof line, "%.126s", name);
    assert_non_null(strstr(read_fru_fields(), line));
}

/* ---- the vector that three clients have read ---- */

static void test_vector(void **state)
{
    struct json_object *root = vectors_load();
    uint8_t bytes[1024] = {0};
    size_t length = vectors_bytes(root, "/fru/bytes", bytes, sizeof bytes);

    (void)state;
    assert_int_equal(length, vectors_number(root, "/fru/length"));
    set_fru_hardware("web01");
    assert_int_equal(fru_write(the_fru, 0, 0, bytes, sizeof bytes), 0);
    expect_fru_line("0 System chassis type=rack mount");
    expect_fru_line("0 System chassis part number=CHP-1");
    expect_fru_line("0 System chassis serial number=CHS-2");
    expect_fru_line("0 System chassis custom 1=rack-7");
    expect_fru_line("0 System board manufacturing date=2022-08-14 05:20 UTC");
    expect_fru_line("0 System board manufacturer=vbmcd");
    expect_fru_line("0 System board product name=Virtual Board");
    expect_fru_line("0 System board serial number=BS-0001");
    expect_fru_line("0 System board part number=BP-0002");
    expect_fru_line("0 System board FRU file id=fru-1");
    expect_fru_line("0 System board custom 1=extra");
    expect_fru_line("0 System product product name=Virtual Machine");
    expect_fru_line("0 System product part number=VM-PART1"); /* 6-bit ASCII */
    expect_fru_line("0 System product version=1.0");
    expect_fru_line("0 System product serial number=" FRU_FIXTURE_UUID_TEXT);
    expect_fru_line("0 System product asset tag=ASSET-42");
    /* Its product area, made by us: the same bytes except the part number's type. */
    uint8_t ours[256];
    struct fru_writer writer;
    fru_write_begin(&writer, ours, sizeof ours);
    fru_area_begin(&writer, FRU_AREA_CHASSIS);
    wire_put_u8(&writer.out, 0x17);
    fru_put_text(&writer, "CHP-1");
    fru_put_text(&writer, "CHS-2");
    fru_put_text(&writer, "rack-7");
    fru_area_end(&writer);
    assert_true(fru_write_end(&writer));
    assert_memory_equal(ours + 8, bytes + 8, 24);
    json_object_put(root);
}

static void test_other_codings(void **state)
{
    const struct fru_field bcd = {1, 3, (const uint8_t *)"\x12\xab\xc9"};
    const struct fru_field six = {2, 3, (const uint8_t *)"\x29\xdc\xa6"};
    const struct fru_field binary = {0, 2, (const uint8_t *)"\x01\xff"};
    const struct fru_field wide = {3, 4, (const uint8_t *)"\x41\x00\xac\x20"};
    const struct fru_field half = {3, 3, (const uint8_t *)"\x00\xd8\x41"};
    char text[FRU_UTF8_SIZE];

    (void)state;
    fru_field_text(&bcd, true, text);
    assert_string_equal(text, "12 -.9");
    fru_field_text(&six, true, text);
    assert_string_equal(text, "IPMI");
    fru_field_text(&binary, true, text);
    assert_string_equal(text, "01ff");
    fru_field_text(&wide, false, text);
    assert_string_equal(text, "A\xe2\x82\xac");
    fru_field_text(&half, false, text);
    assert_string_equal(text, "?");
}

/* ---- writing ---- */

static void test_edit_by_pieces(void **state)
{
    static const size_t pieces[] = {1, 7, 16, 32, 255};

    (void)state;
    set_fru_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        uint8_t image[FRU_SERVER_SIZE], before[FRU_SERVER_SIZE];
        memcpy(before, fru_image(the_fru, 0), sizeof before);
        memcpy(image, before, sizeof image);
        assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_SERIAL,
                                                   (const uint8_t *)"edited", 6),
                         0);
        write_fru_in_pieces(image, sizeof image, pieces[i]);
        expect_fru_line("0 System product serial number=edited");
        expect_fru_line("0 System product custom 1=web01");
        assert_non_null(fru_written(the_fru, 0));
        /* It stays what it is, whatever the domain becomes ... */
        set_fru_hardware("renamed");
        expect_fru_line("0 System product custom 1=web01");
        set_fru_hardware("web01");
        /* ... until what was there before is written back. */
        write_fru_in_pieces(before, sizeof before, pieces[i]);
        assert_null(fru_written(the_fru, 0));
        set_fru_hardware("renamed");
        expect_fru_line("0 System product custom 1=renamed");
        set_fru_hardware("web01");
    }
}

static void test_bounds(void **state)
{
    static const uint8_t bytes[FRU_SERVER_SIZE + 1];

    (void)state;
    set_fru_hardware("web01");
    assert_int_equal(fru_write(the_fru, 0, 1024, bytes, 1), -ERANGE);
    assert_int_equal(fru_write(the_fru, 0, 1023, bytes, 2), -ERANGE);
    assert_int_equal(fru_write(the_fru, 0, SIZE_MAX, bytes, 2), -ERANGE);
    assert_int_equal(fru_write(the_fru, 0, 0, bytes, 1025), -ERANGE);
    assert_int_equal(fru_write(the_fru, 1, 256, bytes, 1), -ERANGE);
    assert_int_equal(fru_write(the_fru, 3, 0, bytes, 1), -ENOENT);
    assert_int_equal(fru_write(the_fru, 255, 0, bytes, 1), -ENOENT);
    assert_int_equal(fru_write(the_fru, 0, 1024, bytes, 0), 0);
    assert_null(fru_written(the_fru, 0));
    assert_int_equal(fru_write(the_fru, 1, 255, bytes + 1, 1), 0); /* is 0 already */
    assert_null(fru_written(the_fru, 1));
}

/* Any byte of an image wrong in any way: readers stay within it. */
static void test_damaged_images(void **state)
{
    uint8_t image[FRU_PART_SIZE];

    (void)state;
    set_fru_hardware("web01");
    memcpy(image, fru_image(the_fru, 1), sizeof image);
    for (size_t at = 0; at < sizeof image; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            uint8_t byte = (uint8_t)value;
            assert_int_equal(fru_write(the_fru, 1, at, &byte, 1), 0);
            read_fru_fields();
        }
        assert_int_equal(fru_write(the_fru, 1, at, &image[at], 1), 0);
    }
    assert_null(fru_written(the_fru, 1));
    expect_no_fru_line_with("error");
    /* The same with checksums that fit. */
    for (unsigned value = 0; value < 256; value++) {
        uint8_t header[8] = {1, 0, 0, 0, (uint8_t)value, (uint8_t)value};
        header[7] = (uint8_t)-sum_of_bytes(header, 7);
        assert_int_equal(fru_write(the_fru, 0, 0, header, sizeof header), 0);
        read_fru_fields();
        fru_set_asset_tag(the_fru, (const uint8_t *)"tag", 3);
    }
}

static void test_damaged_area_is_told(void **state)
{
    static const uint8_t wrong = 0x55;

    (void)state;
    set_fru_hardware("web01");
    size_t board = fru_image(the_fru, 0)[3] * 8U;
    assert_int_equal(fru_write(the_fru, 0, board + 8, &wrong, 1), 0);
    expect_fru_line("0 System board error=length or checksum is wrong");
    expect_fru_line("0 System product custom 1=web01");
    /* An area without an end mark. */
    uint8_t endless[16] = {1, 2, 25, 0xcc, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'};
    uint8_t header[8] = {1, 0, 0, 0, 1};
    header[7] = (uint8_t)-sum_of_bytes(header, 7);
    endless[15] = (uint8_t)-sum_of_bytes(endless, 15);
    assert_int_equal(fru_write(the_fru, 1, 0, header, sizeof header), 0);
    assert_int_equal(fru_write(the_fru, 1, 8, endless, sizeof endless), 0);
    expect_fru_line("1 PSU1 product error=no end mark");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server, fru_fixture_setup, fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_system_id_record, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_smbios_comes_first, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_devices, fru_fixture_setup, fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_power_records, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hostile_names, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_longest_texts, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_vector, fru_fixture_setup, fru_fixture_teardown),
        cmocka_unit_test(test_other_codings),
        cmocka_unit_test_setup_teardown(test_edit_by_pieces, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bounds, fru_fixture_setup, fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_images, fru_fixture_setup,
                                        fru_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_area_is_told, fru_fixture_setup,
                                        fru_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
