#include "tests/unit/rmcp_console15.h"

#include <string.h>

#include "tests/unit/rmcp_console.h"
#include "vbmc/ipmi/codes.h"

static void send_built(struct remote_console *console, const struct lan15_header *header,
                       const uint8_t *message, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = lan15_build(header, message, length, bytes, sizeof bytes);

    if (size > 0)
        remote_console_send(console, bytes, (size_t)size);
}

/* A cursor over the data of the answer received last, behind its completion code. */
static struct wire_in last_answer(const struct remote_console *console)
{
    const struct remote_console_datagram *last = &console->last;
    struct lan15_packet packet;

    if (console->sent != 1 || last->length < RMCP_HEADER_SIZE ||
        lan15_parse(wire_in_init(last->bytes + RMCP_HEADER_SIZE, last->length - RMCP_HEADER_SIZE),
                    &packet) < 0 ||
        packet.message_length < 8 || packet.message[6] != CC_SUCCESS)
        return (struct wire_in){.failed = true};
    return wire_in_init(packet.message + 7, packet.message_length - 8);
}

static size_t make_message(struct remote_console *console, uint8_t command, const uint8_t *data,
                           size_t length, uint8_t message[RMCP_DATAGRAM_MAX])
{
    console->rq_seq = (console->rq_seq + 1) & 0x3f;
    return remote_console_message(console, NETFN_APP, command, data, length, message);
}

void remote_console15_challenge(struct remote_console *console, struct remote_session15 *session,
                                const char *name)
{
    uint8_t data[1 + LAN15_NAME_MAX] = {(uint8_t)session->type}, message[RMCP_DATAGRAM_MAX];

    memcpy(data + 1, name, strlen(name));
    remote_console15_send_clear(console, message,
                                make_message(console, 0x39, data, sizeof data, message));
    struct wire_in in = last_answer(console);
    uint32_t id = wire_u32(&in);
    const uint8_t *challenge = wire_bytes(&in, LAN15_CHALLENGE_SIZE);
    if (!challenge)
        return;
    session->id = id;
    memcpy(session->challenge, challenge, LAN15_CHALLENGE_SIZE);
}

void remote_console15_activate(struct remote_console *console, struct remote_session15 *session,
                               uint8_t level)
{
    const struct lan15_header header = {
        .type = session->type, .session = session->id, .key = session->key};
    uint8_t data[2 + LAN15_CHALLENGE_SIZE + 4] = {(uint8_t)session->type, level};
    uint8_t message[RMCP_DATAGRAM_MAX];

    memcpy(data + 2, session->challenge, LAN15_CHALLENGE_SIZE);
    data[2 + LAN15_CHALLENGE_SIZE] = 1; /* our first number */
    send_built(console, &header, message, make_message(console, 0x3a, data, sizeof data, message));
    struct wire_in in = last_answer(console);
    wire_skip(&in, 1);
    uint32_t id = wire_u32(&in), sequence = wire_u32(&in);
    if (in.failed)
        return;
    session->id = id;
    session->sequence = sequence;
}

void remote_console15_send(struct remote_console *console, struct remote_session15 *session,
                           enum lan15_type type, const uint8_t *message, size_t length)
{
    const struct lan15_header header = {
        .type = type, .session = session->id, .sequence = session->sequence++, .key = session->key};

    send_built(console, &header, message, length);
}

void remote_console15_send_clear(struct remote_console *console, const uint8_t *message,
                                 size_t length)
{
    const struct lan15_header header = {.type = LAN15_NONE};

    send_built(console, &header, message, length);
}
