#include "tests/bench/client.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/rmcp/rakp.h"

#define ROLE_ADMINISTRATOR 0x14 /* by name only */
#define NETFN_APP          0x06
#define COMMAND_CLOSE      0x3c
#define CONSOLE_ADDRESS    0x81
#define PAYLOAD_SIZE_MAX   128

int client_init(struct client *client, const struct client_account *account, uint32_t number)
{
    *client = (struct client){
        .account = account,
        .crypto = crypto_new(),
        .step = CLIENT_OUT,
        .random = number * UINT64_C(0x9e3779b97f4a7c15) + 1,
        .exchange = {.suite = account->suite, .console_id = number, .role = ROLE_ADMINISTRATOR},
    };
    if (!client->crypto)
        return -ENOMEM;
    client->exchange.name_length = (uint8_t)strnlen(account->name, RAKP_NAME_MAX);
    memcpy(client->exchange.name, account->name, client->exchange.name_length);
    memcpy(client->kuid, account->password, strnlen(account->password, RAKP_KEY_SIZE));
    return 0;
}

void client_free(struct client *client)
{
    crypto_free(client->crypto);
}

/* xorshift64: each log-in needs an Rm, and each packet an IV, of its own, no more. */
static void fill_random(struct client *client, uint8_t bytes[16])
{
    for (size_t i = 0; i < 16; i += sizeof client->random) {
        client->random ^= client->random << 13;
        client->random ^= client->random >> 7;
        client->random ^= client->random << 17;
        memcpy(bytes + i, &client->random, sizeof client->random);
    }
}

static void put_algorithm(struct wire_out *out, uint8_t type, uint8_t number)
{
    wire_put_u8(out, type);
    wire_put_zeros(out, 2);
    wire_put_u8(out, 8);
    wire_put_u8(out, number);
    wire_put_zeros(out, 3);
}

static size_t build(uint8_t type, const struct wire_out *payload, uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    int size = rmcpplus_build(type, payload->base, payload->pos, bytes, RMCP_DATAGRAM_MAX);

    return size > 0 ? (size_t)size : 0;
}

static size_t build_open(uint8_t tag, uint32_t console_id, const struct cipher_suite *suite,
                         uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    uint8_t payload[PAYLOAD_SIZE_MAX];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    wire_put_u8(&out, tag);
    wire_put_zeros(&out, 3); /* the highest privilege that the account has */
    wire_put_u32(&out, console_id);
    put_algorithm(&out, 0, suite->authentication);
    put_algorithm(&out, 1, suite->integrity);
    put_algorithm(&out, 2, suite->confidentiality);
    return build(PAYLOAD_OPEN_SESSION_REQUEST, &out, bytes);
}

static size_t build_rakp1(uint8_t tag, uint32_t bmc_id, const uint8_t rm[RAKP_RANDOM_SIZE],
                          const char *name, uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    uint8_t payload[PAYLOAD_SIZE_MAX];
    struct wire_out out = wire_out_init(payload, sizeof payload);
    size_t length = strnlen(name, RAKP_NAME_MAX);

    wire_put_u8(&out, tag);
    wire_put_zeros(&out, 3);
    wire_put_u32(&out, bmc_id);
    wire_put_bytes(&out, rm, RAKP_RANDOM_SIZE);
    wire_put_u8(&out, ROLE_ADMINISTRATOR);
    wire_put_zeros(&out, 2);
    wire_put_u8(&out, (uint8_t)length);
    wire_put_bytes(&out, name, length);
    return build(PAYLOAD_RAKP1, &out, bytes);
}

static size_t build_rakp3(struct client *client)
{
    uint8_t payload[PAYLOAD_SIZE_MAX], code[CRYPTO_DIGEST_MAX];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    rakp_code3(client->crypto, &client->exchange, client->kuid, code);
    wire_put_u8(&out, client->tag);
    wire_put_zeros(&out, 3);
    wire_put_u32(&out, client->exchange.bmc_id);
    wire_put_bytes(&out, code, crypto_digest_size(cipher_suite_rakp(client->exchange.suite).hash));
    return build(PAYLOAD_RAKP3, &out, client->request);
}

size_t client_build_open(uint32_t console_id, const struct cipher_suite *suite,
                         uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    return build_open(0, console_id, suite, bytes);
}

size_t client_build_rakp1(uint32_t bmc_id, const uint8_t rm[RAKP_RANDOM_SIZE], const char *name,
                          uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    return build_rakp1(0, bmc_id, rm, name, bytes);
}

/* The payload of a clear answer of that type; failed if it is another one. */
static struct wire_in read_clear(const uint8_t *bytes, size_t length, uint8_t type)
{
    struct wire_in in = wire_in_init(bytes, length);
    struct rmcpplus_packet packet;
    uint8_t class;

    if (rmcp_header_parse(&in, &class) < 0 || rmcpplus_parse(in, &packet) < 0 ||
        packet.type != type || packet.session != 0)
        return (struct wire_in){.failed = true};
    return wire_in_init(packet.payload, packet.payload_length);
}

bool client_read_opened(const uint8_t *bytes, size_t length, uint32_t *console_id, uint32_t *bmc_id)
{
    struct wire_in in = read_clear(bytes, length, PAYLOAD_OPEN_SESSION_RESPONSE);

    wire_skip(&in, 1);
    uint8_t status = wire_u8(&in);
    wire_skip(&in, 2);
    *console_id = wire_u32(&in);
    *bmc_id = wire_u32(&in);
    return !in.failed && status == 0;
}

void client_begin(struct client *client)
{
    client->step = CLIENT_OPENING;
    client->tag++;
    client->length = build_open(client->tag, client->exchange.console_id, client->exchange.suite,
                                client->request);
}

static void refuse(struct client *client, uint8_t status)
{
    client->step = CLIENT_REFUSED;
    client->status = status;
    client->length = 0;
}

/* Behind the status: reserved bytes, and the console's id. */
static bool is_mine(struct client *client, struct wire_in *in)
{
    wire_skip(in, 2);
    return wire_u32(in) == client->exchange.console_id && !in->failed;
}

static void take_opened(struct client *client, struct wire_in *in)
{
    client->exchange.bmc_id = wire_u32(in);
    fill_random(client, client->exchange.rm);
    client->step = CLIENT_RAKP1;
    client->length = build_rakp1(++client->tag, client->exchange.bmc_id, client->exchange.rm,
                                 client->account->name, client->request);
}

static void take_rakp2(struct client *client, struct wire_in *in)
{
    uint8_t code[CRYPTO_DIGEST_MAX];

    wire_copy(in, client->exchange.rc, RAKP_RANDOM_SIZE);
    wire_copy(in, client->exchange.guid, RAKP_GUID_SIZE);
    size_t length = wire_left(in);
    const uint8_t *given = wire_bytes(in, length);
    if (!client->account->is_wrong &&
        (rakp_code2(client->crypto, &client->exchange, client->kuid, code) < 0 ||
         length != crypto_digest_size(cipher_suite_rakp(client->exchange.suite).hash) ||
         memcmp(given, code, length) != 0)) {
        refuse(client, RAKP_INVALID_INTEGRITY_CHECK_VALUE);
        return;
    }
    client->step = CLIENT_RAKP3;
    client->tag++;
    client->length = build_rakp3(client);
}

static void take_rakp4(struct client *client, struct wire_in *in)
{
    uint8_t sik[CRYPTO_DIGEST_MAX], icv[CRYPTO_DIGEST_MAX];
    size_t length = wire_left(in);
    const uint8_t *given = wire_bytes(in, length);

    if (rakp_sik(client->crypto, &client->exchange, client->kuid, sik) < 0 ||
        rakp_icv(client->crypto, &client->exchange, sik, icv) < 0 ||
        rakp_derive_keys(client->crypto, &client->exchange, client->kuid, sik, &client->keys) < 0 ||
        length != cipher_suite_rakp(client->exchange.suite).size ||
        memcmp(given, icv, length) != 0) {
        refuse(client, RAKP_INVALID_INTEGRITY_CHECK_VALUE);
        return;
    }
    client->step = CLIENT_IN;
    client->sequence = 1;
    client->length = 0;
}

static bool take_setup(struct client *client, const uint8_t *bytes, size_t length)
{
    static const uint8_t awaited[] = {
        [CLIENT_OPENING] = PAYLOAD_OPEN_SESSION_RESPONSE,
        [CLIENT_RAKP1] = PAYLOAD_RAKP2,
        [CLIENT_RAKP3] = PAYLOAD_RAKP4,
    };
    struct wire_in in = read_clear(bytes, length, awaited[client->step]);
    uint8_t tag = wire_u8(&in);
    uint8_t status = wire_u8(&in);

    if (in.failed || tag != client->tag)
        return false;
    if (status != 0)
        refuse(client, status);
    else if (!is_mine(client, &in))
        return false;
    else if (client->step == CLIENT_OPENING)
        take_opened(client, &in);
    else if (client->step == CLIENT_RAKP1)
        take_rakp2(client, &in);
    else
        take_rakp4(client, &in);
    return true;
}

/* An IPMI message of the session: addresses and NetFn, rqSeq, command, completion code. */
static bool take_sealed(struct client *client, const uint8_t *bytes, size_t length)
{
    uint8_t room[RMCP_DATAGRAM_MAX];
    struct wire_in in = wire_in_init(bytes, length);
    struct rmcpplus_packet packet;
    const uint8_t *message;
    uint8_t class;

    if (rmcp_header_parse(&in, &class) < 0 || rmcpplus_parse(in, &packet) < 0 ||
        packet.session != client->exchange.console_id || packet.type != PAYLOAD_IPMI ||
        !rmcpplus_verify(&client->keys, &packet) ||
        rmcpplus_open(client->crypto, &client->keys, &packet, room, &message, &length) < 0)
        return false;
    in = wire_in_init(message, length);
    wire_skip(&in, 4);
    uint8_t rq_seq = wire_u8(&in) >> 2;
    wire_skip(&in, 1);
    uint8_t code = wire_u8(&in);
    if (in.failed || rq_seq != (client->tag & 0x3f))
        return false;
    client->length = 0;
    client->status = code;
    if (code != 0)
        client->step = CLIENT_REFUSED;
    else
        client->step = client->step == CLIENT_LEAVING ? CLIENT_OUT : CLIENT_IN;
    return true;
}

bool client_take(struct client *client, const uint8_t *bytes, size_t length)
{
    switch (client->step) {
    case CLIENT_OPENING:
    case CLIENT_RAKP1:
    case CLIENT_RAKP3:
        return take_setup(client, bytes, length);
    case CLIENT_ASKING:
    case CLIENT_LEAVING:
        return take_sealed(client, bytes, length);
    default:
        return false;
    }
}

static void seal(struct client *client, enum client_step step, uint8_t netfn, uint8_t command,
                 const uint8_t *data, size_t data_length)
{
    uint8_t message[IPMI_MSG_OVERHEAD + CLIENT_DATA_MAX], iv[CRYPTO_BLOCK_SIZE];
    struct wire_out out = wire_out_init(message, sizeof message);

    client->step = step;
    client->tag++;
    wire_put_u8(&out, IPMI_BMC_ADDRESS);
    wire_put_u8(&out, (uint8_t)(netfn << 2));
    wire_put_u8(&out, ipmi_msg_checksum(message, 2));
    wire_put_u8(&out, CONSOLE_ADDRESS);
    wire_put_u8(&out, (uint8_t)((client->tag & 0x3f) << 2));
    wire_put_u8(&out, command);
    wire_put_bytes(&out, data, data_length);
    wire_put_u8(&out, ipmi_msg_checksum(message + 3, out.pos - 3));
    fill_random(client, iv);
    int size = rmcpplus_seal(client->crypto, &client->keys, PAYLOAD_IPMI, client->exchange.bmc_id,
                             client->sequence++, iv, message, out.pos, client->request,
                             sizeof client->request);
    client->length = size > 0 ? (size_t)size : 0;
}

void client_ask(struct client *client, uint8_t netfn, uint8_t command, const uint8_t *data,
                size_t length)
{
    seal(client, CLIENT_ASKING, netfn, command, data, length);
}

void client_pretend(struct client *client)
{
    uint8_t sik[CRYPTO_DIGEST_MAX] = {0};

    client->exchange.bmc_id = client->exchange.console_id;
    rakp_derive_keys(client->crypto, &client->exchange, client->kuid, sik, &client->keys);
    client->step = CLIENT_IN;
    client->sequence = 1;
}

void client_leave(struct client *client)
{
    uint8_t id[4];
    struct wire_out out = wire_out_init(id, sizeof id);

    wire_put_u32(&out, client->exchange.bmc_id);
    seal(client, CLIENT_LEAVING, NETFN_APP, COMMAND_CLOSE, id, sizeof id);
}
