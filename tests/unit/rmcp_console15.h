/* IPMI 1.5 spoken by a remote_console: its log-in and its requests. Nothing is expected of the
 * answers; no cmocka here, as the fuzzer uses it. */
#ifndef TESTS_UNIT_RMCP_CONSOLE15_H
#define TESTS_UNIT_RMCP_CONSOLE15_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/rmcp/lan15.h"

struct remote_console;

/* All zero: before the challenge. */
struct remote_session15 {
    enum lan15_type type;
    uint32_t id;
    uint32_t sequence; /* of the next packet */
    uint8_t challenge[LAN15_CHALLENGE_SIZE];
    uint8_t key[LAN15_KEY_SIZE];
};

/* Get Session Challenge; notes what a good answer tells. `name` has at most LAN15_NAME_MAX bytes.
 */
void remote_console15_challenge(struct remote_console *console, struct remote_session15 *session,
                                const char *name);
/* Activate Session with the challenge; the same. */
void remote_console15_activate(struct remote_console *console, struct remote_session15 *session,
                               uint8_t level);
/* A message of the session under its next number, with its code or, for LAN15_NONE, without. */
void remote_console15_send(struct remote_console *console, struct remote_session15 *session,
                           enum lan15_type type, const uint8_t *message, size_t length);
/* A message outside of a session. */
void remote_console15_send_clear(struct remote_console *console, const uint8_t *message,
                                 size_t length);

#endif
