#include "vbmc/rmcp/rakp_open.h"

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/rmcp/cipher.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/login.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/rakp.h"
#include "vbmc/rmcp/rakp_answer.h"

#define ALGORITHM_LENGTH 8
#define ALGORITHM_MASK   0x3f

struct algorithms {
    uint8_t number[3]; /* by payload type: authentication, integrity, confidentiality */
};

static const struct {
    uint8_t last; /* highest number that is defined */
    enum rakp_status no_payload;
    enum rakp_status undefined;
} algorithm_rules[] = {
    {CIPHER_RAKP_LAST, RAKP_NO_AUTHENTICATION_PAYLOAD, RAKP_INVALID_AUTHENTICATION_ALGORITHM},
    {CIPHER_INTEGRITY_LAST, RAKP_NO_INTEGRITY_PAYLOAD, RAKP_INVALID_INTEGRITY_ALGORITHM},
    {CIPHER_CONFIDENTIALITY_LAST, RAKP_ILLEGAL_PARAMETER, RAKP_INVALID_CONFIDENTIALITY_ALGORITHM},
};

static enum rakp_status read_algorithms(struct wire_in *in, struct algorithms *algorithms)
{
    enum rakp_status status = RAKP_OK;

    for (size_t i = 0; i < ARRAY_SIZE(algorithm_rules); i++) {
        uint8_t type = wire_u8(in);
        wire_skip(in, 2);
        uint8_t length = wire_u8(in);
        uint8_t number = wire_u8(in) & ALGORITHM_MASK;
        wire_skip(in, 3);
        if (status != RAKP_OK)
            continue;
        if (type != i || (length != ALGORITHM_LENGTH && length != 0))
            status = algorithm_rules[i].no_payload;
        else if (length != 0 && number > algorithm_rules[i].last)
            status = algorithm_rules[i].undefined;
        algorithms->number[i] = length == 0 ? CIPHER_ANY : number;
    }
    return status;
}

static void put_algorithm(struct wire_out *out, uint8_t type, uint8_t number)
{
    wire_put_u8(out, type);
    wire_put_zeros(out, 2);
    wire_put_u8(out, ALGORITHM_LENGTH);
    wire_put_u8(out, number);
    wire_put_zeros(out, 3);
}

static void send_open_response(struct rmcp_server *server, const struct endpoint *to, uint8_t tag,
                               const struct opening *opening)
{
    uint8_t room[RAKP_ANSWER_MAX];
    enum privilege limit = channel_suite_limit(server->config.channel, opening->suite->id);
    struct wire_out out =
        rakp_answer_begin(room, tag, RAKP_OK, (uint8_t)limit, opening->console_id);

    wire_put_u32(&out, opening->id);
    put_algorithm(&out, 0, opening->suite->authentication);
    put_algorithm(&out, 1, opening->suite->integrity);
    put_algorithm(&out, 2, opening->suite->confidentiality);
    rmcp_core_send_clear(server, to, PAYLOAD_OPEN_SESSION_RESPONSE, room, out.pos);
}

void rakp_receive_open(struct rmcp_server *server, const struct endpoint *from, struct wire_in *in,
                       uint64_t now_ms)
{
    const struct channel *channel = server->config.channel;
    struct opening opening = {
        .since_ms = now_ms,
        .is_known = login_is_from_known(server, &from->remote),
    };
    struct algorithms algorithms;
    uint8_t tag = wire_u8(in);

    opening.role = wire_u8(in) & RAKP_PRIVILEGE_MASK;
    wire_skip(in, 2);
    opening.console_id = wire_u32(in);
    enum rakp_status status = read_algorithms(in, &algorithms);
    if (in->failed || wire_left(in) != 0) {
        rmcp_core_drop(server, RMCP_DROP_MALFORMED);
        return;
    }
    if (opening.console_id == 0)
        status = RAKP_INVALID_SESSION_ID;
    if (status == RAKP_OK)
        status = rakp_check_privilege(opening.role, channel->limit, RAKP_UNAUTHORIZED_ROLE);
    if (status == RAKP_OK) {
        opening.suite = cipher_suite_select(channel, algorithms.number[0], algorithms.number[1],
                                            algorithms.number[2]);
        status = opening.suite ? RAKP_OK : RAKP_NO_CIPHER_SUITE;
    }
    if (status == RAKP_OK)
        status = rakp_check_privilege(opening.role, channel_suite_limit(channel, opening.suite->id),
                                      RAKP_UNAUTHORIZED_ROLE);
    if (status == RAKP_OK) {
        opening.id = rmcp_core_make_session_id(server);
        if (opening.id == 0 || openings_add(server->openings, &opening, &from->remote) < 0)
            status = RAKP_NO_RESOURCES;
    }
    if (status == RAKP_OK)
        send_open_response(server, from, tag, &opening);
    else
        rakp_answer_error(server, from, PAYLOAD_OPEN_SESSION_RESPONSE, tag, status,
                          opening.console_id);
}
