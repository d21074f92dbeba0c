#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fru_fixture.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/fru_fields.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/host/host.h"

const struct uuid the_uuid = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23, 0x45,
                               0x67, 0x89, 0xab, 0xcd, 0xef}};

struct host_hardware the_hardware;
struct fru *the_fru;

int fru_fixture_setup(void **state)
{
    (void)state;
    the_hardware =
        (struct host_hardware){.sockets = 1, .vcpus = 2, .dimms = 1, .memory_kib = 2097152};
    strcpy(the_hardware.machine, "pc-q35-7.2");
    strcpy(the_hardware.emulator_version, "QEMU 7.2.22");
    the_fru = fru_new();
    return the_fru ? 0 : -1;
}

int fru_fixture_teardown(void **state)
{
    (void)state;
    fru_free(the_fru);
    return 0;
}

void set_fru_hardware(const char *name)
{
    fru_set_hardware(the_fru, name, &the_uuid, &the_hardware, 2, 750);
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

char *read_fru_fields(void)
{
    lines[0] = '\0';
    fru_fields(the_fru, note_field, NULL);
    return lines;
}

void expect_fru_line(const char *line)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s\n", line);
    if (!strstr(read_fru_fields(), whole))
        fail_msg("no \"%s\" in:\n%s", line, lines);
}

void expect_no_fru_line_with(const char *text)
{
    if (strstr(read_fru_fields(), text))
        fail_msg("\"%s\" in:\n%s", text, lines);
}

uint8_t sum_of_bytes(const uint8_t *bytes, size_t length)
{
    uint8_t total = 0;

    for (size_t i = 0; i < length; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

/* What every generated image owes a client, looked at without the code that is tested. */
void expect_sound_fru(uint8_t id)
{
    const uint8_t *image = fru_image(the_fru, id);
    size_t size = fru_size(the_fru, id);

    assert_int_equal(size % 8, 0);
    assert_int_equal(image[0], 1);
    assert_int_equal(sum_of_bytes(image, 8), 0);
    for (unsigned area = FRU_AREA_CHASSIS; area <= FRU_AREA_PRODUCT; area++) {
        size_t begin = image[area] * 8U;
        if (begin == 0)
            continue;
        size_t length = image[begin + 1] * 8U;
        assert_true(length > 0 && begin + length <= size);
        assert_int_equal(image[begin], 1);
        assert_int_equal(sum_of_bytes(image + begin, length), 0);
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

void expect_asset_tag(const char *expected)
{
    uint8_t tag[FRU_ASSET_TAG_MAX];
    size_t length = fru_asset_tag(the_fru, tag);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(tag, expected, length);
}

/* A client that edits the whole image and writes it back, `piece` bytes at a time. */
void write_fru_in_pieces(const uint8_t *image, size_t size, size_t piece)
{
    for (size_t at = 0; at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        assert_int_equal(fru_write(the_fru, 0, at, image + at, length), 0);
        read_fru_fields(); /* whatever it says just now */
    }
}
