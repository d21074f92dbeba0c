/* QEMU's VM protocol, version 1, by which its ipmi-bmc-extern talks to a BMC (QEMU's
 * hw/ipmi/ipmi_bmc_extern.c; the same as OpenIPMI's serv_vm). A unit ends with a terminator that
 * says what it is:
 *
 *   sequence, NetFn << 2 | LUN, command, data.., checksum   A0h   a message
 *   code, data..                                             A1h   a hardware command
 *
 * These two, and AAh itself, stand in a unit as AAh and the byte with bit 4 set. Bytes come as the
 * socket has them: units may be glued together or split anywhere. No sockets here. */
#ifndef VBMC_INBAND_FRAMING_H
#define VBMC_INBAND_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipmi_response;
struct wire_out;

#define FRAMING_UNIT_MAX 302 /* bytes of a unit, without escapes: what QEMU has room for itself */
/* Most bytes of a written message: each of its own may need an escape. */
#define FRAMING_WRITTEN_MAX 640
#define FRAMING_VERSION     1

/* Codes of hardware commands. */
enum framing_code {
    FRAMING_NO_ATTENTION = 0x00,
    FRAMING_ATTENTION = 0x01,
    FRAMING_ATTENTION_INTERRUPT = 0x02,
    FRAMING_ENABLE_INTERRUPT = 0x05,
    FRAMING_DISABLE_INTERRUPT = 0x06,
    FRAMING_CAPABILITIES = 0x08, /* from QEMU, with a byte */
    FRAMING_IS_VERSION = 0xff,   /* from both, with a byte */
};

/* Capabilities that QEMU tells of. */
enum framing_capability {
    FRAMING_CAN_POWER = 0x01,
    FRAMING_CAN_RESET = 0x02,
    FRAMING_CAN_INTERRUPT = 0x04,
    FRAMING_CAN_NMI = 0x08,
    FRAMING_CAN_ATTENTION = 0x10,
    FRAMING_CAN_SHUTDOWN = 0x20,
};

struct framing_reader {
    uint8_t bytes[FRAMING_UNIT_MAX];
    size_t length;
    bool escapes; /* the last byte was AAh */
    bool is_over; /* more than FRAMING_UNIT_MAX: skipped up to the next terminator */
};

enum framing_result {
    FRAMING_MORE,    /* all bytes are taken, and no unit has ended */
    FRAMING_MESSAGE, /* `message` is filled in */
    FRAMING_COMMAND, /* `code` and what follows it are */
    FRAMING_DROPPED, /* a unit that is none: too long, too short, a wrong checksum, or it ended
                        inside of an escape */
};

/* A request of the guest. */
struct framing_message {
    uint8_t sequence;
    uint8_t netfn;
    uint8_t lun;
    uint8_t command;
    const uint8_t *data; /* in the reader, until it is asked again; also of a command */
    size_t data_length;
    uint8_t code; /* of a hardware command, enum framing_code or any other */
};

/* Takes bytes, at most up to the end of a unit, and moves the cursor over them. */
enum framing_result framing_read(struct framing_reader *reader, const uint8_t **bytes, size_t *left,
                                 struct framing_message *message);

/* Writes the response to a request: the sequence number and the command are the request's, and the
 * NetFn is one more. A response that cannot be written whole fails the cursor. */
void framing_put_response(struct wire_out *out, const struct framing_message *request,
                          const struct ipmi_response *response);
void framing_put_command(struct wire_out *out, uint8_t code);
/* The greeting, first on each connection. */
void framing_put_version(struct wire_out *out);

#endif
