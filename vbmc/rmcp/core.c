#include "vbmc/rmcp/core.h"

#include <errno.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/lan15.h"
#include "vbmc/rmcp/opening.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/session.h"

#define ID_ATTEMPTS 16

void rmcp_core_drop(struct rmcp_server *server, enum rmcp_drop reason)
{
    server->counters.dropped[reason]++;
}

int rmcp_core_random(struct rmcp_server *server, uint8_t *bytes, size_t length)
{
    return server->config.random(server->config.random_context, bytes, length);
}

uint32_t rmcp_core_make_session_id(struct rmcp_server *server)
{
    for (int i = 0; i < ID_ATTEMPTS; i++) {
        uint8_t bytes[4];
        if (rmcp_core_random(server, bytes, sizeof bytes) < 0)
            return 0;
        struct wire_in in = wire_in_init(bytes, sizeof bytes);
        uint32_t id = wire_u32(&in);
        if (id != 0 && !session_table_find(server->sessions, id) &&
            !openings_find(server->openings, id))
            return id;
    }
    return 0;
}

void rmcp_core_send(struct rmcp_server *server, const struct endpoint *to, const uint8_t *bytes,
                    size_t length)
{
    server->counters.sent++;
    server->config.send(server->config.send_context, to, bytes, length);
}

void rmcp_core_send_built(struct rmcp_server *server, const struct endpoint *to,
                          const uint8_t *bytes, int size)
{
    if (size < 0)
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
    else
        rmcp_core_send(server, to, bytes, (size_t)size);
}

void rmcp_core_send_clear(struct rmcp_server *server, const struct endpoint *to, uint8_t type,
                          const uint8_t *payload, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = rmcpplus_build(type, payload, length, bytes, sizeof bytes);

    rmcp_core_send_built(server, to, bytes, size);
}

static int build_lan15(struct session *session, uint8_t type, const uint8_t *payload, size_t length,
                       uint8_t *bytes, size_t size)
{
    if (type != PAYLOAD_IPMI)
        return -ENOTSUP;
    const struct lan15_header header = {
        .type = session->lan15.rest,
        .sequence = session_take_outbound(session),
        .session = session->exchange.bmc_id,
        .key = session->secret->lan15_key,
    };
    return lan15_build(&header, payload, length, bytes, size);
}

static int build_rmcpplus(struct rmcp_server *server, struct session *session, uint8_t type,
                          const uint8_t *payload, size_t length, uint8_t *bytes, size_t size)
{
    uint8_t iv[CRYPTO_BLOCK_SIZE] = {0};

    if (session->exchange.suite->confidentiality != CIPHER_CONFIDENTIALITY_NONE &&
        rmcp_core_random(server, iv, sizeof iv) < 0)
        return -EIO;
    return rmcpplus_seal(server->crypto, &session->secret->keys, type, session->exchange.console_id,
                         session_take_outbound(session), iv, payload, length, bytes, size);
}

void rmcp_core_send_sealed(struct rmcp_server *server, struct session *session, uint8_t type,
                           const uint8_t *payload, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = session->is_lan15
                   ? build_lan15(session, type, payload, length, bytes, sizeof bytes)
                   : build_rmcpplus(server, session, type, payload, length, bytes, sizeof bytes);

    rmcp_core_send_built(server, &session->peer, bytes, size);
}
