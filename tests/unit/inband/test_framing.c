/* QEMU's VM protocol: every escape, every place to split, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vectors.h"
#include "vbmc/base/wire.h"
#include "vbmc/inband/framing.h"
#include "vbmc/ipmi/msg.h"

#define STORY_SIZE 8192

/* What was read, as text: "<00 18 01>" for a message without its checksum, "[ff 01]" for a command,
 * "!" for what was dropped. */
static void note(char *story, const char *before, unsigned value)
{
    size_t used = strlen(story);

    snprintf(story + used, STORY_SIZE - used, "%s%02x", before, value);
}

static void tell(char *story, enum framing_result result, const struct framing_message *message)
{
    if (result == FRAMING_DROPPED) {
        strcat(story, "!");
        return;
    }
    if (result == FRAMING_COMMAND) {
        note(story, "[", message->code);
    } else {
        note(story, "<", message->sequence);
        note(story, " ", (unsigned)message->netfn << 2 | message->lun);
        note(story, " ", message->command);
    }
    for (size_t i = 0; i < message->data_length; i++)
        note(story, " ", message->data[i]);
    strcat(story, result == FRAMING_COMMAND ? "]" : ">");
}

static void feed(struct framing_reader *reader, const uint8_t *bytes, size_t length, char *story)
{
    struct framing_message message;
    enum framing_result result;

    while ((result = framing_read(reader, &bytes, &length, &message)) != FRAMING_MORE)
        tell(story, result, &message);
    assert_int_equal(length, 0);
}

/* In one piece, split in two at each place, and byte by byte. */
static void expect(const uint8_t *bytes, size_t length, const char *expected)
{
    for (size_t split = 0; split <= length; split++) {
        struct framing_reader reader = {0};
        char story[STORY_SIZE] = "";
        feed(&reader, bytes, split, story);
        feed(&reader, bytes + split, length - split, story);
        assert_string_equal(story, expected);
    }
    struct framing_reader reader = {0};
    char story[STORY_SIZE] = "";
    for (size_t i = 0; i < length; i++)
        feed(&reader, bytes + i, 1, story);
    assert_string_equal(story, expected);
}

#define EXPECT(expected, ...)                                                                      \
    expect((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), expected)

static void test_units(void **state)
{
    (void)state;
    EXPECT("<00 18 01>", 0x00, 0x18, 0x01, 0xe7, 0xa0);
    /* As QEMU 7.2 greets, and asks at once. */
    EXPECT("[ff 01][08 3f]<00 18 01>", 0xff, 0x01, 0xa1, 0x08, 0x3f, 0xa1, 0x00, 0x18, 0x01, 0xe7,
           0xa0);
    EXPECT("[04]", 0x04, 0xa1);
}

static void test_escapes(void **state)
{
    (void)state;
    EXPECT("<07 28 44 a0 a1 aa 55>", 0x07, 0x28, 0x44, 0xaa, 0xb0, 0xaa, 0xb1, 0xaa, 0xba, 0x55,
           0x4d, 0xa0);
    EXPECT("<10 18 2e>", 0x10, 0x18, 0x2e, 0xaa, 0xba, 0xa0); /* the checksum */
    EXPECT("<a0 18 01>", 0xaa, 0xb0, 0x18, 0x01, 0x47, 0xa0); /* the sequence number */
    EXPECT("[a1]", 0xaa, 0xb1, 0xa1);
    /* Whatever follows loses its bit 4, and one that has none stays. */
    EXPECT("[0f 2f]", 0xaa, 0x1f, 0xaa, 0x2f, 0xa1);
}

static void test_none(void **state)
{
    (void)state;
    EXPECT("!<00 18 01>", 0x00, 0x18, 0x01, 0xe8, 0xa0, 0x00, 0x18, 0x01, 0xe7,
           0xa0);                        /* checksum */
    EXPECT("!", 0x00, 0x18, 0xe8, 0xa0); /* too short, its checksum right */
    EXPECT("!!", 0xa0, 0xa1);
    EXPECT("!<00 18 01>", 0x00, 0x18, 0x01, 0xe7, 0xaa, 0xa0, 0x00, 0x18, 0x01, 0xe7, 0xa0);
    EXPECT("![08]", 0xff, 0xaa, 0xa1, 0x08, 0xa1);
}

static void test_size(void **state)
{
    uint8_t bytes[FRAMING_UNIT_MAX + 8] = {0};
    char expected[STORY_SIZE] = "<00 00 00";

    (void)state;
    for (size_t i = 0; i < FRAMING_UNIT_MAX - 4; i++)
        strcat(expected, " 00");
    strcat(expected, ">");
    bytes[FRAMING_UNIT_MAX] = 0xa0;
    expect(bytes, FRAMING_UNIT_MAX + 1, expected);
    /* One more is skipped, up to the next end. */
    bytes[FRAMING_UNIT_MAX] = 0;
    memcpy(bytes + FRAMING_UNIT_MAX + 1, "\xa0\x00\x18\x01\xe7\xa0", 6);
    expect(bytes, FRAMING_UNIT_MAX + 7, "!<00 18 01>");
}

/* ---- to QEMU ---- */

static void expect_response(const struct framing_message *request,
                            const struct ipmi_response *response, const char *expected)
{
    uint8_t bytes[FRAMING_WRITTEN_MAX];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);
    char story[STORY_SIZE] = "";
    struct framing_reader reader = {0};

    framing_put_response(&out, request, response);
    assert_false(out.failed);
    for (size_t i = 0; i + 1 < out.pos; i++)
        assert_true(bytes[i] != 0xa0 && bytes[i] != 0xa1);
    feed(&reader, bytes, out.pos, story);
    assert_string_equal(story, expected);
}

static void test_responses(void **state)
{
    const struct framing_message request = {.sequence = 9, .netfn = 6, .command = 1};
    struct ipmi_response response = {.completion_code = 0xc1};
    char expected[STORY_SIZE] = "<09 1c 01 00";

    (void)state;
    expect_response(&request, &response, "<09 1c 01 c1>");
    response = (struct ipmi_response){.data = {0xa0, 0xa1, 0xaa, 0xba}, .data_length = 4};
    expect_response(&request, &response, "<09 1c 01 00 a0 a1 aa ba>");
    for (unsigned value = 0; value <= UINT8_MAX; value++) { /* its checksum is each once */
        char one[32];
        response = (struct ipmi_response){.data = {(uint8_t)value}, .data_length = 1};
        snprintf(one, sizeof one, "<09 1c 01 00 %02x>", value);
        expect_response(&request, &response, one);
    }
    response.data_length = IPMI_RESPONSE_MAX;
    memset(response.data, 0xaa, sizeof response.data);
    for (size_t i = 0; i < IPMI_RESPONSE_MAX; i++)
        strcat(expected, " aa");
    strcat(expected, ">");
    expect_response(&request, &response, expected);
}

static void test_commands(void **state)
{
    uint8_t bytes[16];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    (void)state;
    framing_put_version(&out);
    framing_put_command(&out, FRAMING_ATTENTION_INTERRUPT);
    framing_put_command(&out, 0xaa);
    assert_int_equal(out.pos, 8);
    assert_memory_equal(bytes, "\xff\x01\xa1\x02\xa1\xaa\xba\xa1", 8);
}

/* A response that has no room is not written in part. */
static void test_no_room(void **state)
{
    const struct framing_message request = {.netfn = 6, .command = 1};
    const struct ipmi_response response = {0};
    uint8_t bytes[5];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    (void)state;
    framing_put_response(&out, &request, &response);
    assert_true(out.failed);
}

static void test_vectors(void **state)
{
    struct json_object *all = vectors_load();
    size_t count = vectors_count(all, "/qemu_vm_frames/messages");

    (void)state;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = vectors_item(all, "/qemu_vm_frames/messages", i);
        struct framing_reader reader = {0};
        char story[STORY_SIZE] = "", expected[STORY_SIZE] = "<";
        uint8_t wire[64], body[64];
        size_t size = vectors_bytes(item, "/body", body, sizeof body);
        for (size_t at = 0; at < size; at++)
            note(expected, at ? " " : "", body[at]);
        strcat(expected, ">");
        feed(&reader, wire, vectors_bytes(item, "/wire", wire, sizeof wire), story);
        assert_string_equal(story, expected);
    }
    json_object_put(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),     cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_none),      cmocka_unit_test(test_size),
        cmocka_unit_test(test_responses), cmocka_unit_test(test_commands),
        cmocka_unit_test(test_no_room),   cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
