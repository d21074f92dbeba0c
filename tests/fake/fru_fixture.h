/* What the tests of FRU images share: the inventory of one server, read and written as clients do.
 * Everything asserts by cmocka. */
#ifndef TESTS_FAKE_FRU_FIXTURE_H
#define TESTS_FAKE_FRU_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/fru.h"

#define FRU_FIXTURE_UUID_TEXT "12345678-9abc-4def-8123-456789abcdef"

extern const struct uuid the_uuid;
extern struct host_hardware the_hardware; /* the test may change it */
extern struct fru *the_fru;

/* For cmocka: a FRU without anything, and the hardware of a small guest. */
int fru_fixture_setup(void **state);
int fru_fixture_teardown(void **state);
/* Generates the images for a domain of that name, with two supplies of 750 W. */
void set_fru_hardware(const char *name);

/* What a client reads, a line "ID DEVICE AREA FIELD=TEXT" each; until the next call. */
char *read_fru_fields(void);
void expect_fru_line(const char *line);
void expect_no_fru_line_with(const char *text);
/* Modulo 256, as of checksums. */
uint8_t sum_of_bytes(const uint8_t *bytes, size_t length);
/* What every generated image owes a client, looked at without the code that is tested. */
void expect_sound_fru(uint8_t id);
void expect_asset_tag(const char *expected);
/* A client that edits the server's whole image and writes it back, `piece` bytes at a time. */
void write_fru_in_pieces(const uint8_t *image, size_t size, size_t piece);

#endif
