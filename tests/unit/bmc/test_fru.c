/* FRU images byte by byte, read back as a client would, and what happens to them when clients write
 * anything at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vectors.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/fru_fields.h"
#include "vbmc/bmc/fru_image.h"

static const struct uuid uuid = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23, 0x45,
                                  0x67, 0x89, 0xab, 0xcd, 0xef}};
#define UUID_TEXT "12345678-9abc-4def-8123-456789abcdef"

static struct host_hardware hardware;
static struct fru *fru;

static int setup(void **state)
{
    (void)state;
    hardware = (struct host_hardware){.sockets = 1, .vcpus = 2, .dimms = 1, .memory_kib = 2097152};
    strcpy(hardware.machine, "pc-q35-7.2");
    strcpy(hardware.emulator_version, "QEMU 7.2.22");
    fru = fru_new();
    return fru ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fru_free(fru);
    return 0;
}

static void set_hardware(const char *name)
{
    fru_set_hardware(fru, name, &uuid, &hardware, 2, 750);
}

/* ---- reading as a client ---- */

static char lines[16 * 1024];

static void note_field(void *context, const struct fru_device *device, const char *area,
                       const char *field, const char *text)
{
    size_t used = strlen(lines);

    (void)context;
    snprintf(lines + used, sizeof lines - used, "%u %s %s %s=%s\n", device->id, device->name, area,
             field, text);
}

static const char *read_fields(void)
{
    lines[0] = '\0';
    fru_fields(fru, note_field, NULL);
    return lines;
}

static void expect_line(const char *line)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s\n", line);
    if (!strstr(read_fields(), whole))
        fail_msg("no \"%s\" in:\n%s", line, lines);
}

static void expect_no_line_with(const char *text)
{
    if (strstr(read_fields(), text))
        fail_msg("\"%s\" in:\n%s", text, lines);
}

static uint8_t sum(const uint8_t *bytes, size_t length)
{
    uint8_t total = 0;

    for (size_t i = 0; i < length; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

/* What every generated image owes a client, looked at without the code that is tested. */
static void expect_sound(uint8_t id)
{
    const uint8_t *image = fru_image(fru, id);
    size_t size = fru_size(fru, id);

    assert_int_equal(size % 8, 0);
    assert_int_equal(image[0], 1);
    assert_int_equal(sum(image, 8), 0);
    for (unsigned area = FRU_AREA_CHASSIS; area <= FRU_AREA_PRODUCT; area++) {
        size_t begin = image[area] * 8U;
        if (begin == 0)
            continue;
        size_t length = image[begin + 1] * 8U;
        assert_true(length > 0 && begin + length <= size);
        assert_int_equal(image[begin], 1);
        assert_int_equal(sum(image + begin, length), 0);
        /* The end mark, then nothing but zeros up to the checksum. */
        size_t at = begin + (area == FRU_AREA_CHASSIS ? 3 : area == FRU_AREA_BOARD ? 6 : 3);
        while (image[at] != 0xc1) {
            assert_true(at < begin + length);
            assert_int_equal(image[at] >> 6, 3);
            at += 1U + (image[at] & 0x3f);
        }
        assert_true(begin + length - at <= 9);
        while (++at < begin + length - 1)
            assert_int_equal(image[at], 0);
    }
}

/* ---- what is generated ---- */

static void test_server(void **state)
{
    (void)state;
    set_hardware("web01");
    expect_sound(0);
    assert_int_equal(fru_size(fru, 0), 1024);
    assert_string_equal(read_fields() ? strtok(lines, "\n") : NULL,
                        "0 System chassis type=rack mount");
    expect_line("0 System chassis part number=pc-q35-7.2");
    expect_line("0 System chassis serial number=" UUID_TEXT);
    expect_line("0 System board manufacturer=QEMU");
    expect_line("0 System board product name=pc-q35-7.2");
    expect_line("0 System board serial number=" UUID_TEXT);
    expect_line("0 System product manufacturer=QEMU");
    expect_line("0 System product product name=pc-q35-7.2");
    expect_line("0 System product version=QEMU 7.2.22");
    expect_line("0 System product serial number=" UUID_TEXT);
    expect_line("0 System product custom 1=web01");
    expect_line("0 System records system id=" UUID_TEXT);
    expect_no_line_with("manufacturing date");
    expect_no_line_with("asset tag");
    expect_no_line_with("error");
}

/* The UUID as SMBIOS has it (the GUID section of the specification sheet). */
static void test_system_id_record(void **state)
{
    static const uint8_t record[] = {0x03, 0x82, 0x11, 0x13, 0x57, 0x07, 0x78, 0x56,
                                     0x34, 0x12, 0xbc, 0x9a, 0xef, 0x4d, 0x81, 0x23,
                                     0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    (void)state;
    set_hardware("web01");
    const uint8_t *image = fru_image(fru, 0);
    assert_int_equal(sum(image + image[5] * 8U, 5), 0);
    assert_memory_equal(image + image[5] * 8U, record, sizeof record);
}

static void test_smbios_comes_first(void **state)
{
    struct host_smbios *smbios = &hardware.smbios;

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
    set_hardware("web01");
    expect_sound(0);
    expect_line("0 System chassis part number=1U");
    expect_line("0 System chassis serial number=SN3");
    expect_line("0 System board manufacturer=Boards Ltd");
    expect_line("0 System board product name=Plank");
    expect_line("0 System board serial number=SN2");
    expect_line("0 System board part number=rev C");
    expect_line("0 System product manufacturer=Acme");
    expect_line("0 System product product name=Rocket");
    expect_line("0 System product part number=SKU-7");
    expect_line("0 System product version=9");
    expect_line("0 System product serial number=SN1");
    expect_line("0 System product asset tag=A-100");
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
    hardware.dimms = 2;
    hardware.memory_kib = 20 * 1048576;
    set_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(fru_next_device(fru, &id, &device), 0);
        assert_int_equal(device.id, expected[i].id);
        assert_string_equal(device.name, expected[i].name);
        assert_int_equal(device.entity, expected[i].entity);
        assert_int_equal(device.entity_instance, expected[i].entity_instance);
        expect_sound(device.id);
    }
    assert_int_equal(fru_next_device(fru, &id, &device), -ENOENT);
    expect_line("1 PSU1 product product name=Power supply, 750 W");
    expect_line("1 PSU1 product part number=PSU-750");
    expect_line("2 PSU2 product serial number=12345678-PSU2");
    expect_line("2 PSU2 records capacity=750 W");
    expect_line("2 PSU2 records input voltage 1=100 to 127 V");
    expect_line("2 PSU2 records input voltage 2=200 to 240 V");
    expect_line("2 PSU2 records input frequency=47 to 63 Hz");
    expect_line("2 PSU2 records DC output 1=12.00 V, 62.5 A at most");
    expect_line("7 DIMM1 product product name=Memory module, 16 GiB");
    expect_line("8 DIMM2 product product name=Memory module, 4 GiB");
    expect_line("8 DIMM2 product serial number=12345678-DIMM2");
    expect_no_line_with("error");
    fru_set_hardware(fru, "web01", &uuid, NULL, 0, 750);
    id = 1;
    assert_int_equal(fru_next_device(fru, &id, &device), -ENOENT);
    assert_int_equal(fru_size(fru, 1), 0);
    assert_null(fru_image(fru, 7));
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
    set_hardware("web01");
    const uint8_t *image = fru_image(fru, 1), *record = image + image[5] * 8U;
    assert_true(image[5] > 0);
    assert_int_equal(record[0], 0x00);
    assert_int_equal(record[1], 0x02);
    assert_int_equal(record[2], sizeof supply);
    assert_int_equal(sum(record, 5), 0);
    assert_int_equal((uint8_t)(record[3] + sum(record + 5, sizeof supply)), 0);
    assert_memory_equal(record + 5, supply, sizeof supply);
    record += 5 + sizeof supply;
    assert_int_equal(record[0], 0x01);
    assert_int_equal(record[1], 0x82); /* the last one */
    assert_int_equal(record[2], sizeof output);
    assert_int_equal(sum(record, 5), 0);
    assert_memory_equal(record + 5, output, sizeof output);
    /* More amperes than the record can say, more watts than any can. */
    fru_set_hardware(fru, "web01", &uuid, &hardware, 2, 1200);
    expect_line("1 PSU1 records capacity=1200 W");
    expect_no_line_with("DC output");
    expect_no_line_with("error");
    fru_set_hardware(fru, "web01", &uuid, &hardware, 2, 1000000);
    expect_line("1 PSU1 records capacity=4095 W");
    expect_sound(1);
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
        set_hardware(cases[i].name);
        expect_sound(0);
        snprintf(line, sizeof line, "0 System product custom 1=%s", cases[i].shown);
        if (cases[i].shown)
            expect_line(line);
        else
            expect_no_line_with("custom");
    }
}

/* Every text as long as it can be: all is there, and nothing is pushed out. */
static void test_longest_texts(void **state)
{
    char name[301], line[128], *texts = (char *)&hardware.smbios;

    (void)state;
    for (size_t i = 0; i < sizeof hardware.smbios / HOST_TEXT_SIZE; i++)
        memset(texts + i * HOST_TEXT_SIZE, 'A' + (int)i, HOST_TEXT_SIZE - 1);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    set_hardware(name);
    expect_sound(0);
    snprintf(line, sizeof line, "0 System product custom 1=%.63s", name);
    expect_line(line);
    snprintf(line, sizeof line, "0 System product asset tag=%.63s", hardware.smbios.chassis_asset);
    expect_line(line);
    expect_no_line_with("error");
    /* 63 characters of two bytes each. */
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    set_hardware(name);
    expect_sound(0);
    snprintf(line, sizeof line, "%.126s", name);
    assert_non_null(strstr(read_fields(), line));
}

/* ---- the vector that three clients have read ---- */

static void test_vector(void **state)
{
    struct json_object *root = vectors_load();
    uint8_t bytes[1024] = {0};
    size_t length = vectors_bytes(root, "/fru/bytes", bytes, sizeof bytes);

    (void)state;
    assert_int_equal(length, vectors_number(root, "/fru/length"));
    set_hardware("web01");
    assert_int_equal(fru_write(fru, 0, 0, bytes, sizeof bytes), 0);
    expect_line("0 System chassis type=rack mount");
    expect_line("0 System chassis part number=CHP-1");
    expect_line("0 System chassis serial number=CHS-2");
    expect_line("0 System chassis custom 1=rack-7");
    expect_line("0 System board manufacturing date=2022-08-14 05:20 UTC");
    expect_line("0 System board manufacturer=vbmcd");
    expect_line("0 System board product name=Virtual Board");
    expect_line("0 System board serial number=BS-0001");
    expect_line("0 System board part number=BP-0002");
    expect_line("0 System board FRU file id=fru-1");
    expect_line("0 System board custom 1=extra");
    expect_line("0 System product product name=Virtual Machine");
    expect_line("0 System product part number=VM-PART1"); /* 6-bit ASCII */
    expect_line("0 System product version=1.0");
    expect_line("0 System product serial number=" UUID_TEXT);
    expect_line("0 System product asset tag=ASSET-42");
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

static void expect_tag(const char *expected)
{
    uint8_t tag[FRU_ASSET_TAG_MAX];
    size_t length = fru_asset_tag(fru, tag);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(tag, expected, length);
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

/* A client that edits the whole image and writes it back, `piece` bytes at a time. */
static void write_in_pieces(const uint8_t *image, size_t size, size_t piece)
{
    for (size_t at = 0; at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        assert_int_equal(fru_write(fru, 0, at, image + at, length), 0);
        read_fields(); /* whatever it says just now */
    }
}

static void test_edit_by_pieces(void **state)
{
    static const size_t pieces[] = {1, 7, 16, 32, 255};

    (void)state;
    set_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        uint8_t image[FRU_SERVER_SIZE], before[FRU_SERVER_SIZE];
        memcpy(before, fru_image(fru, 0), sizeof before);
        memcpy(image, before, sizeof image);
        assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_SERIAL,
                                                   (const uint8_t *)"edited", 6),
                         0);
        write_in_pieces(image, sizeof image, pieces[i]);
        expect_line("0 System product serial number=edited");
        expect_line("0 System product custom 1=web01");
        assert_non_null(fru_written(fru, 0));
        /* It stays what it is, whatever the domain becomes ... */
        set_hardware("renamed");
        expect_line("0 System product custom 1=web01");
        set_hardware("web01");
        /* ... until what was there before is written back. */
        write_in_pieces(before, sizeof before, pieces[i]);
        assert_null(fru_written(fru, 0));
        set_hardware("renamed");
        expect_line("0 System product custom 1=renamed");
        set_hardware("web01");
    }
}

static void test_bounds(void **state)
{
    static const uint8_t bytes[FRU_SERVER_SIZE + 1];

    (void)state;
    set_hardware("web01");
    assert_int_equal(fru_write(fru, 0, 1024, bytes, 1), -ERANGE);
    assert_int_equal(fru_write(fru, 0, 1023, bytes, 2), -ERANGE);
    assert_int_equal(fru_write(fru, 0, SIZE_MAX, bytes, 2), -ERANGE);
    assert_int_equal(fru_write(fru, 0, 0, bytes, 1025), -ERANGE);
    assert_int_equal(fru_write(fru, 1, 256, bytes, 1), -ERANGE);
    assert_int_equal(fru_write(fru, 3, 0, bytes, 1), -ENOENT);
    assert_int_equal(fru_write(fru, 255, 0, bytes, 1), -ENOENT);
    assert_int_equal(fru_write(fru, 0, 1024, bytes, 0), 0);
    assert_null(fru_written(fru, 0));
    assert_int_equal(fru_write(fru, 1, 255, bytes + 1, 1), 0); /* is 0 already */
    assert_null(fru_written(fru, 1));
}

/* Any byte of an image wrong in any way: readers stay within it. */
static void test_damaged_images(void **state)
{
    uint8_t image[FRU_PART_SIZE];

    (void)state;
    set_hardware("web01");
    memcpy(image, fru_image(fru, 1), sizeof image);
    for (size_t at = 0; at < sizeof image; at++) {
        for (unsigned value = 0; value < 256; value += 5) {
            uint8_t byte = (uint8_t)value;
            assert_int_equal(fru_write(fru, 1, at, &byte, 1), 0);
            read_fields();
        }
        assert_int_equal(fru_write(fru, 1, at, &image[at], 1), 0);
    }
    assert_null(fru_written(fru, 1));
    expect_no_line_with("error");
    /* The same with checksums that fit. */
    for (unsigned value = 0; value < 256; value++) {
        uint8_t header[8] = {1, 0, 0, 0, (uint8_t)value, (uint8_t)value};
        header[7] = (uint8_t)-sum(header, 7);
        assert_int_equal(fru_write(fru, 0, 0, header, sizeof header), 0);
        read_fields();
        fru_set_asset_tag(fru, (const uint8_t *)"tag", 3);
    }
}

static void test_damaged_area_is_told(void **state)
{
    static const uint8_t wrong = 0x55;

    (void)state;
    set_hardware("web01");
    size_t board = fru_image(fru, 0)[3] * 8U;
    assert_int_equal(fru_write(fru, 0, board + 8, &wrong, 1), 0);
    expect_line("0 System board error=length or checksum is wrong");
    expect_line("0 System product custom 1=web01");
    /* An area without an end mark. */
    uint8_t endless[16] = {1, 2, 25, 0xcc, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'};
    uint8_t header[8] = {1, 0, 0, 0, 1};
    header[7] = (uint8_t)-sum(header, 7);
    endless[15] = (uint8_t)-sum(endless, 15);
    assert_int_equal(fru_write(fru, 1, 0, header, sizeof header), 0);
    assert_int_equal(fru_write(fru, 1, 8, endless, sizeof endless), 0);
    expect_line("1 PSU1 product error=no end mark");
}

/* ---- the asset tag ---- */

static void test_asset_tag(void **state)
{
    (void)state;
    strcpy(hardware.smbios.chassis_asset, "A-100");
    set_hardware("web01");
    expect_tag("A-100");
    assert_false(fru_asset_tag_is_set(fru));
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"B-2", 3), 0);
    expect_tag("B-2");
    assert_true(fru_asset_tag_is_set(fru));
    expect_sound(0);
    expect_line("0 System product asset tag=B-2");
    set_hardware("web02");
    expect_tag("B-2");
    expect_line("0 System product asset tag=B-2");
    expect_line("0 System product custom 1=web02"); /* only the tag is ours */
    assert_null(fru_written(fru, 0));
    /* The domain's own again: it follows the domain. */
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"A-100", 5), 0);
    assert_false(fru_asset_tag_is_set(fru));
    strcpy(hardware.smbios.chassis_asset, "A-101");
    set_hardware("web02");
    expect_tag("A-101");
    assert_int_equal(fru_set_asset_tag(fru, NULL, 0), 0);
    expect_tag("");
    assert_true(fru_asset_tag_is_set(fru));
    expect_no_line_with("asset tag");
    expect_sound(0);
    fru_reset(fru);
    expect_tag("A-101");
    expect_line("0 System product asset tag=A-101");
}

static void test_asset_tag_bounds(void **state)
{
    uint8_t tag[64];

    (void)state;
    memset(tag, 't', sizeof tag);
    set_hardware("web01");
    assert_int_equal(fru_set_asset_tag(fru, tag, 64), -EINVAL);
    expect_tag("");
    for (size_t length = 0; length <= 63; length++) {
        assert_int_equal(fru_set_asset_tag(fru, tag, length), 0);
        expect_sound(0);
        assert_int_equal(fru_asset_tag(fru, tag), length);
    }
    for (size_t length = 63; length <= 63; length--) {
        assert_int_equal(fru_set_asset_tag(fru, tag, length), 0);
        expect_sound(0);
    }
}

static void test_asset_tag_texts(void **state)
{
    static const char japanese[] = "\xe6\x97\xa5\xe6\x9c\xac";
    char longer[80];

    (void)state;
    set_hardware("web01");
    assert_int_equal(fru_set_asset_tag_text(fru, "R\xc3\xa4"
                                                 "ck?"),
                     0);
    expect_tag("R\xe4"
               "ck?");
    expect_line("0 System product asset tag=R\xc3\xa4"
                "ck?");
    assert_int_equal(fru_set_asset_tag_text(fru, japanese), 0);
    expect_tag("\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\xac");
    expect_line("0 System product asset tag=??");
    assert_int_equal(fru_set_asset_tag_text(fru, "a\nb"), -EINVAL);
    assert_int_equal(fru_set_asset_tag_text(fru, "\xff"), -EINVAL);
    memset(longer, 'x', sizeof longer);
    longer[64] = '\0';
    assert_int_equal(fru_set_asset_tag_text(fru, longer), -EINVAL);
    memcpy(longer + 58, japanese, 3);
    longer[61] = '\0'; /* 61 and the mark */
    assert_int_equal(fru_set_asset_tag_text(fru, longer), -EINVAL);
    expect_tag("\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\xac");
    /* A client may set anything. */
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"\xef\xbb\xbf\xff\x00z", 6), 0);
    expect_line("0 System product asset tag=??z");
}

/* By a FRU tool: it writes the image, and the tag follows as soon as it can be read. */
static void test_asset_tag_in_image(void **state)
{
    static const char *const tags[] = {"NEW-TAG-1", "a longer tag than before, by far", "T", ""};

    (void)state;
    strcpy(hardware.smbios.chassis_asset, "A-100");
    set_hardware("web01");
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        uint8_t image[FRU_SERVER_SIZE];
        memcpy(image, fru_image(fru, 0), sizeof image);
        assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_ASSET_TAG,
                                                   (const uint8_t *)tags[i], strlen(tags[i])),
                         0);
        write_in_pieces(image, sizeof image, 16);
        expect_tag(tags[i]);
        assert_true(fru_asset_tag_is_set(fru));
        assert_null(fru_written(fru, 0)); /* all else is as generated */
    }
}

/* `ipmitool fru edit 0 field p 5 X` writes C1h and X: the area ends there. */
static void test_asset_tag_of_one_byte(void **state)
{
    struct fru_field field;
    uint8_t image[FRU_SERVER_SIZE];

    (void)state;
    set_hardware("web01");
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"AB", 2), 0);
    memcpy(image, fru_image(fru, 0), sizeof image);
    assert_int_equal(fru_product_field(image, sizeof image, FRU_PRODUCT_ASSET_TAG, &field), 0);
    size_t at = (size_t)(field.bytes - image) - 1, product = image[4] * 8U;
    size_t end = product + image[product + 1] * 8U - 1;
    image[at] = 0xc1;
    image[end] = (uint8_t)(image[end] - sum(image + product, end + 1 - product));
    write_in_pieces(image, sizeof image, 16);
    expect_no_line_with("error");
    expect_no_line_with("asset tag");
    expect_tag("AB"); /* nothing else was set */
    assert_int_equal(fru_set_asset_tag(fru, (const uint8_t *)"X", 1), 0);
    expect_tag("X");
    expect_line("0 System product asset tag=X");
    expect_line("0 System product serial number=" UUID_TEXT);
    expect_line("0 System records system id=" UUID_TEXT);
    expect_sound(0);
}

/* By DCMI, into an image that a client wrote. */
static void test_asset_tag_into_written(void **state)
{
    uint8_t image[FRU_SERVER_SIZE], tag[FRU_ASSET_TAG_MAX];

    (void)state;
    memset(tag, 't', sizeof tag);
    set_hardware("web01");
    memcpy(image, fru_image(fru, 0), sizeof image);
    assert_int_equal(fru_replace_product_field(image, sizeof image, FRU_PRODUCT_SERIAL,
                                               (const uint8_t *)"edited", 6),
                     0);
    write_in_pieces(image, sizeof image, 32);
    assert_int_equal(fru_set_asset_tag(fru, tag, sizeof tag), 0);
    expect_sound(0);
    expect_line("0 System product serial number=edited");
    char line[128];
    snprintf(line, sizeof line, "0 System product asset tag=%.63s", (const char *)tag);
    expect_line(line);
    /* An image with something at its very end has no room for more. */
    static const uint8_t end = 0xaa;
    assert_int_equal(fru_set_asset_tag(fru, NULL, 0), 0);
    assert_int_equal(fru_write(fru, 0, FRU_SERVER_SIZE - 1, &end, 1), 0);
    assert_int_equal(fru_set_asset_tag(fru, tag, sizeof tag), -ENOSPC);
    expect_tag("");
    /* One without a product area keeps what it says; the tag is DCMI's alone. */
    static const uint8_t no_areas[8] = {1, 0, 0, 0, 0, 0, 0, 0xff};
    assert_int_equal(fru_write(fru, 0, 0, no_areas, sizeof no_areas), 0);
    assert_int_equal(fru_set_asset_tag(fru, tag, sizeof tag), 0);
    assert_int_equal(fru_asset_tag(fru, tag), 63);
    assert_memory_equal(fru_image(fru, 0), no_areas, sizeof no_areas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_system_id_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smbios_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vector, setup, teardown),
        cmocka_unit_test(test_other_codings),
        cmocka_unit_test_setup_teardown(test_edit_by_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_images, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_area_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_in_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_of_one_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag_into_written, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
