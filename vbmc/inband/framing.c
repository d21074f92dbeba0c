#include "vbmc/inband/framing.h"

#include "vbmc/base/wire.h"
#include "vbmc/ipmi/msg.h"

#define END_OF_MESSAGE 0xa0
#define END_OF_COMMAND 0xa1
#define ESCAPE         0xaa
#define ESCAPED_BIT    0x10

#define MESSAGE_MIN 4 /* sequence, NetFn, command, checksum */

static void forget(struct framing_reader *reader)
{
    reader->length = 0;
    reader->escapes = reader->is_over = false;
}

static bool is_message(const struct framing_reader *reader)
{
    return reader->length >= MESSAGE_MIN && ipmi_msg_checksum(reader->bytes, reader->length) == 0;
}

/* What there is of the unit that has just ended. */
static enum framing_result end_unit(struct framing_reader *reader, uint8_t end,
                                    struct framing_message *message)
{
    const uint8_t *bytes = reader->bytes;

    if (reader->is_over || reader->escapes || reader->length == 0)
        return FRAMING_DROPPED;
    if (end == END_OF_COMMAND) {
        *message = (struct framing_message){
            .code = bytes[0], .data = bytes + 1, .data_length = reader->length - 1};
        return FRAMING_COMMAND;
    }
    if (!is_message(reader))
        return FRAMING_DROPPED;
    *message = (struct framing_message){
        .sequence = bytes[0],
        .netfn = bytes[1] >> 2,
        .lun = bytes[1] & 3,
        .command = bytes[2],
        .data = bytes + 3,
        .data_length = reader->length - MESSAGE_MIN,
    };
    return FRAMING_MESSAGE;
}

static void take_byte(struct framing_reader *reader, uint8_t byte)
{
    if (byte == ESCAPE) {
        reader->escapes = true;
        return;
    }
    if (reader->escapes)
        byte &= (uint8_t)~ESCAPED_BIT;
    reader->escapes = false;
    if (reader->length == sizeof reader->bytes)
        reader->is_over = true;
    else
        reader->bytes[reader->length++] = byte;
}

enum framing_result framing_read(struct framing_reader *reader, const uint8_t **bytes, size_t *left,
                                 struct framing_message *message)
{
    while (*left > 0) {
        uint8_t byte = *(*bytes)++;
        --*left;
        if (byte != END_OF_MESSAGE && byte != END_OF_COMMAND) {
            take_byte(reader, byte);
            continue;
        }
        enum framing_result result = end_unit(reader, byte, message);
        forget(reader); /* its bytes stay, for who is told of them */
        return result;
    }
    return FRAMING_MORE;
}

/* ---- to QEMU ---- */

static void put_byte(struct wire_out *out, uint8_t byte)
{
    if (byte == END_OF_MESSAGE || byte == END_OF_COMMAND || byte == ESCAPE) {
        wire_put_u8(out, ESCAPE);
        byte |= ESCAPED_BIT;
    }
    wire_put_u8(out, byte);
}

/* And adds it to the sum, of which the checksum makes 0. */
static void put_summed(struct wire_out *out, uint8_t byte, uint8_t *sum)
{
    put_byte(out, byte);
    *sum = (uint8_t)(*sum + byte);
}

void framing_put_response(struct wire_out *out, const struct framing_message *request,
                          const struct ipmi_response *response)
{
    uint8_t sum = 0;

    put_summed(out, request->sequence, &sum);
    put_summed(out, (uint8_t)((request->netfn | 1) << 2 | request->lun), &sum);
    put_summed(out, request->command, &sum);
    put_summed(out, response->completion_code, &sum);
    for (size_t i = 0; i < response->data_length; i++)
        put_summed(out, response->data[i], &sum);
    put_byte(out, (uint8_t)-sum);
    wire_put_u8(out, END_OF_MESSAGE);
}

void framing_put_command(struct wire_out *out, uint8_t code)
{
    put_byte(out, code);
    wire_put_u8(out, END_OF_COMMAND);
}

void framing_put_version(struct wire_out *out)
{
    put_byte(out, FRAMING_IS_VERSION);
    put_byte(out, FRAMING_VERSION);
    wire_put_u8(out, END_OF_COMMAND);
}
