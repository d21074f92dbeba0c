/* One activated SOL payload: the SOL machine between a session of the LAN and the console of the
 * guest. Loop thread.
 *
 * The console's hub may go first; its owner frees the payload before the server and the console. */
#ifndef VBMC_CONSOLE_SOL_SESSION_H
#define VBMC_CONSOLE_SOL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sol/solproto.h"

/* What the answer to Activate Payload tells, for both directions. 255 characters are what one
 * acknowledgement can count, FreeIPMI takes no more, and with all that a session adds the datagram
 * stays below 400 bytes, which pass everywhere. */
#define SOL_SESSION_PAYLOAD_SIZE SOLPROTO_PAYLOAD_MAX

struct sol_session;

struct sol_session_config {
    struct bmc *bmc; /* for its clock and timer: sol_session_tick is called when that wakes */
    struct rmcp_server *rmcp;
    uint32_t session; /* id in the server */
    struct console *console;
    const char *who; /* as console_join has it; copied there */
    struct solproto_timing timing;
};

/* Joins the console; its last lines are sent from the first tick on, for which it asks the bmc, so
 * that the answer to the activation goes first. 0; -ENODEV while there is no console; -ENOMEM. */
int sol_session_new(const struct sol_session_config *config, struct sol_session **result);
/* Leaves without a word to the other side: it deactivated the payload itself, or its session is
 * gone. NULL is allowed. */
void sol_session_free(struct sol_session *session);
/* As above, but tells the other side (table 15-3, SOL deactivated). NULL is allowed. */
void sol_session_deactivate(struct sol_session *session);

uint32_t sol_session_id(const struct sol_session *session);
/* The console is gone and the other side was told: nothing is left but to free it. */
bool sol_session_is_over(const struct sol_session *session);

/* A payload of its session, and anything else that was heard from there. */
void sol_session_receive(struct sol_session *session, const uint8_t *payload, size_t size,
                         uint64_t now_ms);
void sol_session_heard(struct sol_session *session, uint64_t now_ms);
void sol_session_set_timing(struct sol_session *session, const struct solproto_timing *timing);

void sol_session_tick(struct sol_session *session, uint64_t now_ms);
/* When sol_session_tick has something to do; UINT64_MAX if it has not. */
uint64_t sol_session_next_deadline(const struct sol_session *session);

#endif
