/* What the files of rmcp share: the server's own fields, and the way out. Internal to rmcp. */
#ifndef VBMC_RMCP_CORE_H
#define VBMC_RMCP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/rmcp/rakp_keys.h"
#include "vbmc/rmcp/server.h"

struct endpoint;
struct route_waiting;
struct session;

struct rmcp_server {
    struct rmcp_config config;
    struct crypto *crypto;
    struct openings *openings;
    struct session_table *sessions;
    uint64_t now_ms;                    /* as of the last call that told the time */
    uint8_t nobodys_key[RAKP_KEY_SIZE]; /* the password of every name that does not exist */
    uint32_t last_serial;               /* of requests, over all sessions */
    struct route_waiting *outside;      /* who waits for an answer without a session */
    bool busy; /* inside rmcp_server_receive: sessions that end are swept when it is done */
    struct rmcp_counters counters;
};

void rmcp_core_drop(struct rmcp_server *server, enum rmcp_drop reason);
/* 0 or a negative error. */
int rmcp_core_random(struct rmcp_server *server, uint8_t *bytes, size_t length);
/* Of a session to come: random, not 0 and not in use; 0 if there is no random. */
uint32_t rmcp_core_make_session_id(struct rmcp_server *server);
/* A whole datagram. */
void rmcp_core_send(struct rmcp_server *server, const struct endpoint *to, const uint8_t *bytes,
                    size_t length);
/* The same; `size` is what building it has returned: negative, and it is dropped. */
void rmcp_core_send_built(struct rmcp_server *server, const struct endpoint *to,
                          const uint8_t *bytes, int size);
/* A payload outside of a session. */
void rmcp_core_send_clear(struct rmcp_server *server, const struct endpoint *to, uint8_t type,
                          const uint8_t *payload, size_t length);
/* A payload of a session, to its peer, under a new sequence number. */
void rmcp_core_send_sealed(struct rmcp_server *server, struct session *session, uint8_t type,
                           const uint8_t *payload, size_t length);

#endif
