#include "vbmc/rmcp/core.h"

#include "vbmc/rmcp/header.h"

void rmcp_core_drop(struct rmcp_server *server, enum rmcp_drop reason)
{
    server->counters.dropped[reason]++;
}

int rmcp_core_random(struct rmcp_server *server, uint8_t *bytes, size_t length)
{
    return server->config.random(server->config.random_context, bytes, length);
}

void rmcp_core_send(struct rmcp_server *server, const struct endpoint *to, const uint8_t *bytes,
                    size_t length)
{
    server->counters.sent++;
    server->config.send(server->config.send_context, to, bytes, length);
}

void rmcp_core_send_clear(struct rmcp_server *server, const struct endpoint *to, uint8_t type,
                          const uint8_t *payload, size_t length)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size = rmcpplus_build(type, payload, length, bytes, sizeof bytes);

    if (size < 0)
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
    else
        rmcp_core_send(server, to, bytes, (size_t)size);
}

void rmcp_core_send_sealed(struct rmcp_server *server, struct session *session, uint8_t type,
                           const uint8_t *payload, size_t length)
{
    uint8_t iv[CRYPTO_BLOCK_SIZE] = {0};
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    int size;

    if (session->keys.suite->confidentiality != CIPHER_CONFIDENTIALITY_NONE &&
        rmcp_core_random(server, iv, sizeof iv) < 0) {
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
        return;
    }
    size = rmcpplus_seal(server->crypto, &session->keys, type, session->exchange.console_id,
                         session_take_outbound(session), iv, payload, length, bytes, sizeof bytes);
    if (size < 0)
        rmcp_core_drop(server, RMCP_DROP_UNANSWERABLE);
    else
        rmcp_core_send(server, &session->peer, bytes, (size_t)size);
}
