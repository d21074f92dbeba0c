/* Open Session Requests that were answered, until their RAKP 1 comes, and Get Session Challenges of
 * IPMI 1.5 until their Activate Session does. Anybody can send one, under
 * any address, so one takes a few bytes of a table of fixed size and nothing else: there is a
 * session only once RAKP 1 has brought the id back, and so proved that its sender gets what is sent
 * to that address.
 *
 * That is also its limit. In a flood under a new spoofed address for each packet, which a network
 * lets pass that does not check source addresses, every source holds one place, and the oldest
 * makes room: at 10,000 packets a second each place lasts 51 ms, and a console whose RAKP 1 takes
 * longer gets no session while that goes on, unless somebody has logged in from there within the
 * hour. Sessions that exist stay. */
#ifndef VBMC_RMCP_OPENING_H
#define VBMC_RMCP_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/rmcp/lan15.h"

struct opening {
    uint32_t id; /* the BMC's session id */
    uint32_t console_id;
    const struct cipher_suite *suite; /* NULL: of IPMI 1.5 */
    uint8_t role;                     /* privilege asked for */
    bool is_known;                    /* somebody has logged in from its source of late */
    uint64_t since_ms;
    unsigned messages; /* RAKP messages, or activations, that named it */
    struct {
        uint8_t type; /* enum lan15_type */
        uint8_t name_length;
        uint8_t name[LAN15_NAME_MAX];
        uint8_t challenge[LAN15_CHALLENGE_SIZE];
    } lan15; /* only of IPMI 1.5 */
};

/* So many RAKP messages of one id are expected: FreeIPMI may repeat each for ten seconds. */
#define OPENING_MESSAGES_MAX 32

struct openings;
union endpoint_address;

/* Which of them are given up when there are too many depends on `key`, which is random. NULL if
 * there is no memory. */
struct openings *openings_new(uint64_t key, uint64_t lifetime_ms);
void openings_free(struct openings *openings);

/* Keeps a copy; makes room if need be (see crowd.h). -ENOMEM. */
int openings_add(struct openings *openings, const struct opening *opening,
                 const union endpoint_address *remote);
/* NULL if there is none. Valid until the next call. */
struct opening *openings_find(struct openings *openings, uint32_t id);
/* Whether that source was given the id, and has not sent very many messages with it. */
bool openings_expect(const struct openings *openings, uint32_t id,
                     const union endpoint_address *remote);
void openings_remove(struct openings *openings, uint32_t id);
void openings_clear(struct openings *openings);
unsigned openings_count(const struct openings *openings);

/* Forgets those that are as old as the lifetime. */
void openings_expire(struct openings *openings, uint64_t now_ms);
/* When to do so next, never too late; UINT64_MAX if there are none. */
uint64_t openings_deadline(const struct openings *openings);

#endif
