/* A remote console in memory, wired to an rmcp_server of its own: what it sends goes straight into
 * the server, what the server sends is kept. Random and time are fixed. No cmocka here, as the
 * fuzzer uses it too. */
#ifndef TESTS_UNIT_RMCP_CONSOLE_H
#define TESTS_UNIT_RMCP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/rmcp_console.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/rakp.h"
#include "vbmc/rmcp/rakp_keys.h"
#include "vbmc/rmcp/rmcpplus.h"
#include "vbmc/rmcp/server.h"

#define CONSOLE_ID        UINT32_C(0xa0a2a3a4)
#define CONSOLE_BMC_ID    UINT32_C(0x5ec0de01) /* of the first session; each later one adds one */
#define CONSOLE_BMC       7                    /* number of the BMC in tokens */
#define CONSOLE_NAME      "admin"
#define CONSOLE_PASSWORD  "vbmc-test-pass"
#define CONSOLE_ROLE      0x14 /* administrator, by name only */
#define CONSOLE_NO_ANSWER 0x1ff

struct remote_console_datagram {
    struct endpoint to;
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t length;
};

struct remote_console {
    struct users users;
    struct channel channel;
    struct rmcp_config config;
    struct rmcp_server *server;
    struct endpoint from; /* where the console sends from */
    uint64_t now_ms;
    uint32_t ids; /* session ids given out */
    bool random_fails;
    const uint8_t *random16; /* what the server gets when it asks for 16 bytes */

    /* Changes a datagram of `length` bytes on its way to the server; returns its new length, which
     * is not more. NULL: it goes as it is. */
    size_t (*mutate)(void *context, uint8_t bytes[RMCP_DATAGRAM_MAX], size_t length);
    void *mutate_context;

    size_t sent; /* datagrams the server sent since remote_console_send was called last */
    struct remote_console_datagram last;

    struct crypto *crypto;
    struct rakp_exchange exchange; /* the console's view of its session */
    uint8_t open_role;
    uint8_t kuid[RAKP_KEY_SIZE];
    uint8_t kg[RAKP_KEY_SIZE];
    struct rmcpplus_keys keys;
    uint32_t sequence; /* of the next packet in the session */
    uint8_t tag;
    uint8_t rq_seq;
};

/* A BMC with the common inputs of the vectors: user admin as administrator, suites 3 and 17. */
void remote_console_init(struct remote_console *console);
void remote_console_free(struct remote_console *console);
/* Makes the server again from console->config, users and channel. */
void remote_console_restart(struct remote_console *console);
/* Set-ups that the server has under way. */
unsigned remote_console_half_open(const struct remote_console *console);

/* Hands a datagram to the server; returns how many the server sent. */
size_t remote_console_send(struct remote_console *console, const uint8_t *bytes, size_t length);
/* Sends a payload outside of a session; returns the second byte of the answer (the RAKP status), or
 * CONSOLE_NO_ANSWER. */
int remote_console_send_clear(struct remote_console *console, uint8_t type, const uint8_t *payload,
                              size_t length);

/* The steps of a login; each returns the status, or CONSOLE_NO_ANSWER. The console notes the ids
 * and random numbers of the answers. */
int remote_console_open(struct remote_console *console, uint8_t suite);
int remote_console_open_algorithms(struct remote_console *console, uint8_t authentication,
                                   uint8_t integrity, uint8_t confidentiality);
int remote_console_rakp1(struct remote_console *console, const char *name, uint8_t role);
int remote_console_rakp3(struct remote_console *console);
/* True if the code of the RAKP 2 or the check value of the RAKP 4 received last is right. */
bool remote_console_checks_rakp2(const struct remote_console *console);
bool remote_console_checks_rakp4(const struct remote_console *console);
/* All of it with suite and role; 0 or the first status that is not. The second is for an account of
 * that name, whose password is in kuid and kg. */
int remote_console_login(struct remote_console *console, uint8_t suite, uint8_t role);
int remote_console_login_as(struct remote_console *console, uint8_t suite, const char *name,
                            uint8_t role);

/* Builds an IPMI request message under the console's rqSeq. */
size_t remote_console_message(const struct remote_console *console, uint8_t netfn, uint8_t command,
                              const uint8_t *data, size_t length, uint8_t *message);
/* Seals a payload under the next session sequence number. Returns the datagram's length. */
size_t remote_console_seal(struct remote_console *console, uint8_t type, const uint8_t *payload,
                           size_t length, uint8_t bytes[RMCP_DATAGRAM_MAX]);
/* Sends a sealed payload; returns how many datagrams the server sent. */
size_t remote_console_send_sealed(struct remote_console *console, uint8_t type,
                                  const uint8_t *payload, size_t length);
/* Opens the answer received last with the console's keys: the IPMI message in it. 0 if it is not
 * one of the session, or wrong in any way. */
size_t remote_console_unseal(struct remote_console *console, uint8_t message[RMCP_DATAGRAM_MAX]);
/* A command with a new rqSeq; returns its completion code, or CONSOLE_NO_ANSWER. */
int remote_console_command(struct remote_console *console, uint8_t netfn, uint8_t command,
                           const uint8_t *data, size_t length);

#endif
