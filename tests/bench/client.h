/* An IPMI 2.0 console for measuring a BMC: the messages of log-in, requests and log-out, one at a
 * time (IPMI 2.0, sections 13.17 to 13.28). No sockets and no clock: who measures sends what is in
 * `request` and hands over what comes. It checks what a BMC answers, as clients do. */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/rakp_keys.h"
#include "vbmc/rmcp/rmcpplus.h"

/* What the answer is waited for, in the order of a session's life; and what comes of it. */
enum client_step {
    CLIENT_OPENING, /* Open Session */
    CLIENT_RAKP1,
    CLIENT_RAKP3,
    CLIENT_IN,     /* nothing: logged in */
    CLIENT_ASKING, /* a command of the session */
    CLIENT_LEAVING,
    CLIENT_OUT,
    CLIENT_REFUSED, /* `status` says why: of Open Session or RAKP, or a completion code */
};

struct client_account {
    const char *name;
    const char *password;
    const struct cipher_suite *suite;
    bool is_wrong; /* the password is known to be wrong: RAKP 2 is believed, RAKP 3 sent all the
                      same */
};

struct client {
    const struct client_account *account;
    struct crypto *crypto;
    uint8_t kuid[RAKP_KEY_SIZE];
    enum client_step step;
    uint8_t status;
    uint8_t tag;     /* of the message that is waited for, and rqSeq */
    uint64_t random; /* state of what need not be secret here */
    uint32_t sequence;
    struct rakp_exchange exchange;
    struct rmcpplus_keys keys;
    uint8_t request[RMCP_DATAGRAM_MAX];
    size_t length;
};

/* The account stays the caller's. `number` is the client's console id. 0, or -ENOMEM. */
int client_init(struct client *client, const struct client_account *account, uint32_t number);
void client_free(struct client *client);

/* Builds the Open Session Request of a new log-in, whatever there was before. */
void client_begin(struct client *client);
/* Takes a datagram: true if it was what is waited for. `step` is then another one, for which the
 * next request is built if it is CLIENT_RAKP1 or CLIENT_RAKP3. */
bool client_take(struct client *client, const uint8_t *bytes, size_t length);
/* Of one that is CLIENT_IN: builds a command (with up to CLIENT_DATA_MAX bytes of data), or Close
 * Session. */
#define CLIENT_DATA_MAX 16
void client_ask(struct client *client, uint8_t netfn, uint8_t command, const uint8_t *data,
                size_t length);
void client_leave(struct client *client);
/* A session of a BMC that sends back what it gets: CLIENT_IN without a log-in, by keys of its own.
 */
void client_pretend(struct client *client);

/* For floods, which keep no client: Open Session and RAKP 1, whose length is returned; and of a
 * good Open Session Response the two ids, else false. */
size_t client_build_open(uint32_t console_id, const struct cipher_suite *suite,
                         uint8_t bytes[RMCP_DATAGRAM_MAX]);
size_t client_build_rakp1(uint32_t bmc_id, const uint8_t rm[RAKP_RANDOM_SIZE], const char *name,
                          uint8_t bytes[RMCP_DATAGRAM_MAX]);
bool client_read_opened(const uint8_t *bytes, size_t length, uint32_t *console_id,
                        uint32_t *bmc_id);

#endif
