/* From a payload to what serves it: IPMI messages go to ipmi_dispatch, other payloads of a
 * session to the configured events. Internal to rmcp. */
#ifndef VBMC_RMCP_ROUTE_H
#define VBMC_RMCP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;
struct ipmi_response;
struct ipmi_token;
struct lan15_packet;
struct rmcp_server;
struct session;
struct wire_in;

/* Requests outside of a session that wait for their answers. */
#define ROUTE_WAITING_MAX 8

enum route_wrapper {
    ROUTE_LAN15,
    ROUTE_RMCPPLUS,
};

/* Serves an IPMI message that came outside of a session; the answer takes the same wrapper.
 * A few may wait for theirs (ROUTE_WAITING_MAX); more are not answered, and ask again. */
void route_outside(struct rmcp_server *server, const struct endpoint *from,
                   enum route_wrapper wrapper, struct wire_in message, uint64_t now_ms);

/* Serves an Activate Session of IPMI 1.5 whose authentication code is right by `key`; its answer is
 * protected alike. */
void route_activation(struct rmcp_server *server, const struct endpoint *from,
                      const struct lan15_packet *packet, const uint8_t *key, uint64_t now_ms);

/* False if a payload must be dropped as if it had never come, in spite of its right authentication
 * code: an IPMI message that does not parse. */
bool route_accepts(uint8_t type, const uint8_t *payload, size_t length);

/* Serves a payload that route_accepts, of a session that finished RAKP. */
void route_in_session(struct rmcp_server *server, struct session *session, uint8_t type,
                      const uint8_t *payload, size_t length, uint64_t now_ms);

/* The late answer to a request. */
void route_complete(struct rmcp_server *server, const struct ipmi_token *token,
                    const struct ipmi_response *response, uint64_t now_ms);

/* Nobody outside of a session waits any more. */
void route_forget_waiting(struct rmcp_server *server);

#endif
