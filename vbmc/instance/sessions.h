/* The sessions of one BMC: datagrams in, answers out. */
#ifndef VBMC_INSTANCE_SESSIONS_H
#define VBMC_INSTANCE_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/privilege.h"

struct instance;
struct ipmi_response;
struct ipmi_sink;
struct ipmi_token;

/* Which BMC has that number; NULL: it is gone. */
typedef struct instance *instance_by_number(void *context, uint32_t number);

/* Carries late answers to the sessions that wait for them, by the number of their BMC: one for all
 * BMCs, which outlives them as what they have begun may. The caller's to free; NULL: no memory. */
struct ipmi_sink *instance_sink_new(instance_by_number *find, void *context);
/* The same for what guests ask for. */
struct ipmi_sink *instance_inband_sink_new(instance_by_number *find, void *context);

/* The server of the instance, which sends by its socket. NULL if there is no memory or no random.
 */
struct rmcp_server *instance_new_server(struct instance *instance);

/* A datagram of the BMC's own socket or, for its owner, of a shared one. */
void instance_receive(struct instance *instance, const struct endpoint *from, const uint8_t *bytes,
                      size_t length);
/* Carries a late answer to the session that waits for it. */
void instance_reply(struct instance *instance, const struct ipmi_token *token,
                    const struct ipmi_response *response);

/* A password was tried by SSH at the BMC's own address, under that name: it counts as one by IPMI,
 * if there is such a user who may log in. */
void instance_note_password(struct instance *instance, const char *name, bool right);

/* One IPMI session of the LAN. */
struct instance_session {
    const char *user; /* borrowed for the call's turn of the loop */
    enum privilege privilege;
    union endpoint_address remote;
    bool is_ipmi_1_5; /* else IPMI 2.0 */
    bool has_sol;
    uint64_t began_ms; /* as uv_hrtime has it: log-in, and the latest packet */
    uint64_t heard_ms;
};
/* The n-th, from 1; false: there are fewer. */
bool instance_session(struct instance *instance, unsigned n, struct instance_session *session);

#endif
