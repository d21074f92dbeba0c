#include "tests/unit/rmcp_console.h"

#include <errno.h>
#include <string.h>

#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/opening.h"

static const uint8_t console_rm[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t bmc_rc[16] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                   0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
static const uint8_t console_iv[16] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
                                       0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f};
static const uint8_t bmc_iv[16] = {0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,
                                   0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f};
static const uint8_t bmc_guid[16] = {0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x81,
                                     0xef, 0x4d, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12};

static void console_receive(void *context, const struct endpoint *to, const uint8_t *bytes,
                            size_t length)
{
    struct remote_console *console = context;

    console->sent++;
    console->last.to = *to;
    console->last.length = length;
    memcpy(console->last.bytes, bytes, length);
}

static int console_random(void *context, uint8_t *bytes, size_t length)
{
    struct remote_console *console = context;

    if (console->random_fails)
        return -EIO;
    memset(bytes, 0x5a, length);
    if (length == 4) {
        struct wire_out out = wire_out_init(bytes, length);
        wire_put_u32(&out, CONSOLE_BMC_ID + console->ids++);
    } else if (length == 16) {
        memcpy(bytes, console->random16, length);
    }
    return 0;
}

void remote_console_restart(struct remote_console *console)
{
    rmcp_server_free(console->server);
    console->ids = 0;
    console->server = rmcp_server_new(&console->config);
}

unsigned remote_console_half_open(const struct remote_console *console)
{
    return session_table_count_half_open(console->server->sessions) +
           openings_count(console->server->openings);
}

void remote_console_init(struct remote_console *console)
{
    memset(console, 0, sizeof *console);
    channel_set_defaults(&console->channel);
    users_init(&console->users, NULL);
    users_add(&console->users, CONSOLE_NAME, CONSOLE_PASSWORD, PRIVILEGE_ADMINISTRATOR);
    memcpy(console->kuid, CONSOLE_PASSWORD, strlen(CONSOLE_PASSWORD));
    memcpy(console->kg, console->kuid, sizeof console->kg);
    console->from.remote.in.sin_family = AF_INET;
    console->from.remote.in.sin_port = htons(40000);
    console->now_ms = 1000000;
    console->random16 = bmc_iv;
    console->crypto = crypto_new();
    console->config = (struct rmcp_config){
        .bmc_number = CONSOLE_BMC,
        .users = &console->users,
        .channel = &console->channel,
        .send = console_receive,
        .send_context = console,
        .random = console_random,
        .random_context = console,
    };
    memcpy(console->config.guid, bmc_guid, sizeof bmc_guid);
    remote_console_restart(console);
}

void remote_console_free(struct remote_console *console)
{
    rmcp_server_free(console->server);
    crypto_free(console->crypto);
    users_clear(&console->users);
}

size_t remote_console_send(struct remote_console *console, const uint8_t *bytes, size_t length)
{
    uint8_t changed[RMCP_DATAGRAM_MAX];

    if (console->mutate && length <= sizeof changed) {
        memcpy(changed, bytes, length);
        length = console->mutate(console->mutate_context, changed, length);
        bytes = changed;
    }
    bool is_rakp1 = length > 5 && bytes[4] == RMCPPLUS_FORMAT && bytes[5] == PAYLOAD_RAKP1;
    console->sent = 0;
    console->random16 = is_rakp1 ? bmc_rc : bmc_iv;
    rmcp_server_receive(console->server, &console->from, bytes, length, console->now_ms);
    console->random16 = bmc_iv;
    return console->sent;
}

/* A cursor over the payload of the clear answer received last. */
static struct wire_in last_clear(const struct remote_console *console)
{
    struct wire_in in = wire_in_init(console->last.bytes, console->last.length);
    struct rmcpplus_packet packet;

    wire_skip(&in, RMCP_HEADER_SIZE);
    if (rmcpplus_parse(in, &packet) < 0)
        return (struct wire_in){.failed = true};
    return wire_in_init(packet.payload, packet.payload_length);
}

int remote_console_send_clear(struct remote_console *console, uint8_t type, const uint8_t *payload,
                              size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = rmcpplus_build(type, payload, length, bytes, sizeof bytes);

    if (size < 0 || remote_console_send(console, bytes, (size_t)size) != 1)
        return CONSOLE_NO_ANSWER;
    struct wire_in in = last_clear(console);
    wire_skip(&in, 1);
    return wire_u8(&in);
}

static void put_algorithm(struct wire_out *out, uint8_t type, uint8_t number)
{
    wire_put_u8(out, type);
    wire_put_zeros(out, 2);
    wire_put_u8(out, number == CIPHER_ANY ? 0 : 8);
    wire_put_u8(out, number == CIPHER_ANY ? 0 : number);
    wire_put_zeros(out, 3);
}

int remote_console_open_algorithms(struct remote_console *console, uint8_t authentication,
                                   uint8_t integrity, uint8_t confidentiality)
{
    uint8_t payload[32];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    wire_put_u8(&out, console->tag);
    wire_put_u8(&out, console->open_role);
    wire_put_zeros(&out, 2);
    wire_put_u32(&out, CONSOLE_ID);
    put_algorithm(&out, 0, authentication);
    put_algorithm(&out, 1, integrity);
    put_algorithm(&out, 2, confidentiality);
    int status = remote_console_send_clear(console, PAYLOAD_OPEN_SESSION_REQUEST, payload, out.pos);
    if (status != RAKP_OK)
        return status;
    struct wire_in in = last_clear(console);
    wire_skip(&in, 4);
    console->exchange.console_id = wire_u32(&in);
    console->exchange.bmc_id = wire_u32(&in);
    return in.failed ? CONSOLE_NO_ANSWER : status;
}

int remote_console_open(struct remote_console *console, uint8_t id)
{
    const struct cipher_suite *suite = cipher_suite_find(id);

    console->exchange.suite = suite;
    return remote_console_open_algorithms(console, suite->authentication, suite->integrity,
                                          suite->confidentiality);
}

int remote_console_rakp1(struct remote_console *console, const char *name, uint8_t role)
{
    struct rakp_exchange *exchange = &console->exchange;
    uint8_t payload[64];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    exchange->role = role;
    exchange->name_length = (uint8_t)strlen(name);
    memcpy(exchange->name, name, exchange->name_length);
    memcpy(exchange->rm, console_rm, sizeof console_rm);
    wire_put_u8(&out, console->tag);
    wire_put_zeros(&out, 3);
    wire_put_u32(&out, exchange->bmc_id);
    wire_put_bytes(&out, exchange->rm, RAKP_RANDOM_SIZE);
    wire_put_u8(&out, role);
    wire_put_zeros(&out, 2);
    wire_put_u8(&out, exchange->name_length);
    wire_put_bytes(&out, name, exchange->name_length);
    int status = remote_console_send_clear(console, PAYLOAD_RAKP1, payload, out.pos);
    if (status != RAKP_OK)
        return status;
    struct wire_in in = last_clear(console);
    wire_skip(&in, 8);
    wire_copy(&in, exchange->rc, RAKP_RANDOM_SIZE);
    wire_copy(&in, exchange->guid, RAKP_GUID_SIZE);
    return in.failed ? CONSOLE_NO_ANSWER : status;
}

bool remote_console_checks_rakp2(const struct remote_console *console)
{
    uint8_t code[CRYPTO_DIGEST_MAX];
    struct wire_in in = last_clear(console);

    wire_skip(&in, 40);
    size_t length = wire_left(&in);
    return length == crypto_digest_size(cipher_suite_rakp(console->exchange.suite).hash) &&
           rakp_code2(console->crypto, &console->exchange, console->kuid, code) == 0 &&
           memcmp(wire_bytes(&in, length), code, length) == 0;
}

int remote_console_rakp3(struct remote_console *console)
{
    uint8_t code[CRYPTO_DIGEST_MAX];
    uint8_t payload[64];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    if (rakp_code3(console->crypto, &console->exchange, console->kuid, code) < 0)
        return CONSOLE_NO_ANSWER;
    wire_put_u8(&out, console->tag);
    wire_put_zeros(&out, 3);
    wire_put_u32(&out, console->exchange.bmc_id);
    wire_put_bytes(&out, code, crypto_digest_size(cipher_suite_rakp(console->exchange.suite).hash));
    return remote_console_send_clear(console, PAYLOAD_RAKP3, payload, out.pos);
}

bool remote_console_checks_rakp4(const struct remote_console *console)
{
    uint8_t sik[CRYPTO_DIGEST_MAX];
    uint8_t icv[CRYPTO_DIGEST_MAX];
    struct wire_in in = last_clear(console);

    wire_skip(&in, 8);
    size_t length = wire_left(&in);
    return length == cipher_suite_rakp(console->exchange.suite).size &&
           rakp_sik(console->crypto, &console->exchange, console->kg, sik) == 0 &&
           rakp_icv(console->crypto, &console->exchange, sik, icv) == 0 &&
           memcmp(wire_bytes(&in, length), icv, length) == 0;
}

int remote_console_login_as(struct remote_console *console, uint8_t suite, const char *name,
                            uint8_t role)
{
    uint8_t sik[CRYPTO_DIGEST_MAX];
    int status = remote_console_open(console, suite);

    if (status == RAKP_OK)
        status = remote_console_rakp1(console, name, role);
    if (status == RAKP_OK)
        status = remote_console_rakp3(console);
    if (status != RAKP_OK)
        return status;
    if (rakp_sik(console->crypto, &console->exchange, console->kg, sik) < 0 ||
        rakp_derive_keys(console->crypto, &console->exchange, console->kuid, sik, &console->keys) <
            0)
        return CONSOLE_NO_ANSWER;
    console->sequence = 1;
    return RAKP_OK;
}

int remote_console_login(struct remote_console *console, uint8_t suite, uint8_t role)
{
    return remote_console_login_as(console, suite, CONSOLE_NAME, role);
}

size_t remote_console_message(const struct remote_console *console, uint8_t netfn, uint8_t command,
                              const uint8_t *data, size_t length, uint8_t *message)
{
    struct wire_out out = wire_out_init(message, RMCP_DATAGRAM_MAX);

    wire_put_u8(&out, IPMI_BMC_ADDRESS);
    wire_put_u8(&out, (uint8_t)(netfn << 2));
    wire_put_u8(&out, ipmi_msg_checksum(message, 2));
    wire_put_u8(&out, 0x81);
    wire_put_u8(&out, (uint8_t)(console->rq_seq << 2));
    wire_put_u8(&out, command);
    wire_put_bytes(&out, data, length);
    wire_put_u8(&out, ipmi_msg_checksum(message + 3, out.pos - 3));
    return out.pos;
}

size_t remote_console_seal(struct remote_console *console, uint8_t type, const uint8_t *payload,
                           size_t length, uint8_t bytes[RMCP_DATAGRAM_MAX])
{
    int size =
        rmcpplus_seal(console->crypto, &console->keys, type, console->exchange.bmc_id,
                      console->sequence++, console_iv, payload, length, bytes, RMCP_DATAGRAM_MAX);

    return size < 0 ? 0 : (size_t)size;
}

size_t remote_console_send_sealed(struct remote_console *console, uint8_t type,
                                  const uint8_t *payload, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t size = remote_console_seal(console, type, payload, length, bytes);

    return remote_console_send(console, bytes, size);
}

size_t remote_console_unseal(struct remote_console *console, uint8_t message[RMCP_DATAGRAM_MAX])
{
    struct wire_in in = wire_in_init(console->last.bytes, console->last.length);
    struct rmcpplus_packet packet;
    const uint8_t *payload;
    size_t length;

    wire_skip(&in, RMCP_HEADER_SIZE);
    if (rmcpplus_parse(in, &packet) < 0 || packet.session != CONSOLE_ID ||
        !rmcpplus_verify(&console->keys, &packet) ||
        rmcpplus_open(console->crypto, &console->keys, &packet, message, &payload, &length) < 0)
        return 0;
    memmove(message, payload, length);
    return length;
}

int remote_console_command(struct remote_console *console, uint8_t netfn, uint8_t command,
                           const uint8_t *data, size_t length)
{
    uint8_t message[RMCP_DATAGRAM_MAX];

    console->rq_seq = (console->rq_seq + 1) & 0x3f;
    size_t size = remote_console_message(console, netfn, command, data, length, message);
    if (remote_console_send_sealed(console, PAYLOAD_IPMI, message, size) != 1)
        return CONSOLE_NO_ANSWER;
    size = remote_console_unseal(console, message);
    return size < 8 || message[4] >> 2 != console->rq_seq || message[5] != command
               ? CONSOLE_NO_ANSWER
               : message[6];
}
